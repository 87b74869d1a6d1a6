"""Hold exercises to what they promise: a class of thirty, and many draws of every kind and level.

``python benchmarks/exercises.py [DRAWS]`` prints a line a promise; there are DRAWS of every kind and
level, 100 without it. What pdflatex is to compile is left out where there is none.
"""

from __future__ import annotations

import ast
import json
import math
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import combinations
from pathlib import Path

from backprop_cli.checking.grading import read_credit
from backprop_cli.checking.sheets import Sheet as HandIn
from backprop_cli.errors import UsageError
from backprop_cli.exercises.classes import again, draw_class, most_shared, summaries
from backprop_cli.exercises.codes import ALPHABET, LENGTH, NUMBERS, read_code
from backprop_cli.exercises.draws import Draws
from backprop_cli.exercises.handouts import EXACT, kind_task
from backprop_cli.exercises.key import Key, labels, written
from backprop_cli.exercises.kinds import KINDS, LEVELS, PROGRAMS
from backprop_cli.exercises.marking import Marking
from backprop_cli.exercises.posed import NEAREST_KINK, OfFormula, OfProgram
from backprop_cli.exercises.sheet import Sheet, read_sheet
from backprop_cli.exercises.tasks import Exercise, Usual, distractors
from backprop_cli.render.exercise_files import FORMATS, files

SHEET = """\
title: Sheet 3
tasks:
  - program: "q = {m}*x + y; f = q*z"
    draw: {m: [2, 3, 4], x: -5..5, y: 2..9, z: [-4, -3, 3, 4]}
    where: "q != 0"
    ask: {q: 1, df/dx: 2, df/dz: 2}
  - {kind: chain, level: 3, ask: {df/dx: 3}, form: choice, choices: 4}
  - {kind: product, level: 2}
  - {kind: neuron, level: 4}
  - {kind: quotient, level: 1, ask: {df/dx: 2}}
  - {kind: update, level: 4}
"""
FORMULA = (
    '  - {program: "{a}*x^{n}*sin({b}*x)", draw: {a: 2..9, n: 2..4, b: 2..9}, ask: df/dx, form: formula}\n'
)
PEOPLE = [f"student {k:02}" for k in range(30)]
TYPOS = 1_000


def main(draws: int) -> None:
    """Print how each promise is kept."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "sheet.yaml")
        path.write_text(SHEET, "utf-8")
        started = time.process_time()
        sheet = read_sheet(str(path), Usual())
        key = draw_class(sheet, PEOPLE, "2026-w3")
        made = dict(files(key, FORMATS, "none"))
        print(f"thirty students, six tasks, all formats: {time.process_time() - started:.2f} s of one core")
        of_class(sheet, key)
        same(sheet, key, made, path)
        of_files(key, made, Path(folder))
        marking(key)
        path.write_text(SHEET.rpartition("  - ")[0] + FORMULA, "utf-8")
        print("with a formula in place of the update:")
        marking(draw_class(read_sheet(str(path), Usual()), PEOPLE, "2026-w3"))
    of_formulas()
    of_kinds(draws)


def of_class(sheet: Sheet, key: Key) -> None:
    ratios = [each.efforts[1] / each.efforts[0] for each in summaries(key)]
    print(f"two people share {most_shared(key)} of 6 answers at most; notes: {len(key.notes)}")
    print(f"largest effort over smallest: {max(ratios):.3f}")
    slots = [
        (task, slot) for slots in key.people.values() for task, slot in zip(sheet.tasks, slots, strict=True)
    ]
    rebuilt = 0
    for task, slot in slots:
        found = task.exercise(read_code(str(slot.exercise.code)).number)
        assert isinstance(found, Exercise)
        rebuilt += (found.parts, found.posed.facts) == (slot.exercise.parts, slot.exercise.posed.facts)
    print(f"codes that draw their task again: {rebuilt} of {len(slots)}")
    draws, refused = Draws("typos"), 0
    for _ in range(TYPOS):
        text = str(draws.choice(slots)[1].exercise.code)
        k = draws.below(LENGTH)
        other = draws.choice([c for c in ALPHABET if c != text[k]])
        try:
            read_code(text[:k] + other + text[k + 1 :])
        except UsageError:
            refused += 1
    print(f"codes with a slip that are refused: {refused} of {TYPOS}")


def same(sheet: Sheet, key: Key, made: dict[str, bytes], path: Path) -> None:
    def each(other: Key) -> dict[str, str]:
        return {name: written(other._replace(people={name: s})) for name, s in other.people.items()}

    fewer = draw_class(sheet, [name for name in reversed(PEOPLE) if name != PEOPLE[11]], key.seed)
    before = each(key)
    kept = sum(before[name] == text for name, text in each(fewer).items())
    print(f"sheets as they were with one student less, in another order: {kept} of {len(PEOPLE) - 1}")
    path.write_text(SHEET.replace("tasks:\n", "tasks:\n  - {kind: power, level: 2}\n"), "utf-8")
    more = draw_class(read_sheet(str(path), Usual()), PEOPLE, key.seed)
    pairs = [
        (a.exercise.code, b.exercise.code)
        for name in PEOPLE
        for a, b in zip(key.people[name], more.people[name][1:], strict=True)
    ]
    print(f"slots as they were with another task: {sum(a == b for a, b in pairs)} of {len(pairs)}")
    name = PEOPLE[3]
    slot = again(key.people[name][2], sheet.tasks[2], name, key.seed)
    print(f"drawn again: attempt {slot.attempt}, {len(slot.earlier)} code before")
    repeated = dict(files(draw_class(sheet, PEOPLE, key.seed), FORMATS, "none"))
    print(f"files with the same bytes again: {sum(repeated[n] == b for n, b in made.items())} of {len(made)}")


def of_files(key: Key, made: Mapping[str, bytes], folder: Path) -> None:
    """Look for answers in what students get, and for what prints it badly."""
    found = asked = 0
    for name, slots in key.people.items():
        texts = {
            ending: made[f"student/{name}.{ending}"].decode() for ending in ("md", "tex", "html", "json")
        }
        own = re.findall(r"-?\d+(?:\.\d+)?", json.dumps([slot.exercise.posed.facts for slot in slots]))
        for _, _, part in labels([slot.exercise for slot in slots]):
            if part.options or part.answer.text in own:
                continue
            asked += 1
            whole = re.compile(rf"(?<![\w.]){re.escape(part.answer.text)}(?![\w.])")
            found += any(whole.search(text) is not None for text in texts)
    print(f"answers in files of students that are no number of the task: {found} of {asked}")
    page = made["student.html"].decode()
    outside = re.findall(r"<script|https?://|<link|<img|@import|url\(", page)
    print(f"student.html: {page.count('<section>')} pages, {len(outside)} scripts, links or pictures")
    if latex := shutil.which("pdflatex"):
        Path(folder, "student.tex").write_bytes(made["student.tex"])
        words = [latex, "-interaction=nonstopmode", "student.tex"]
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, errors="replace")
        log = Path(folder, "student.log").read_text("utf-8", "replace")
        wide = [float(x) for x in re.findall(r"Overfull \\[hv]box \((\d+\.\d+)pt", log)]
        pages = re.search(r"\((\d+) pages?", log)
        print(
            f"student.tex: status {done.returncode}, {pages[1] if pages else 0} pages,"
            f" {sum(x > WIDE for x in wide)} boxes over {WIDE:g} pt"
        )


WIDE = 10.0
"""Points by which a box may be overfull."""


def marking(key: Key) -> None:
    judge, credit = Marking(key, everybody=False), read_credit({})

    def of(name: str, claims: list[tuple[str, str]]) -> list[tuple[bool, str | None, float, float]]:
        found = judge.judgement([HandIn(name, claims)], {}, credit, alone=False, weighted=True, reveal=False)
        (person,) = found.people
        rows = zip(person.verdicts, person.marks, person.of, strict=True)
        return [(v.good, v.mistake, m, of) for v, m, of in rows if v.verdict != "missing"]

    full = slots = wrong = marked = named = 0
    for name, theirs in key.people.items():
        asked = list(labels([slot.exercise for slot in theirs]))
        rows = of(name, [(label, part.answer.text) for label, _, part in asked])
        slots += len(rows)
        full += sum(m == of for _, _, m, of in rows)
        for label, exercise, part in asked:
            if isinstance(exercise.posed, OfFormula):
                continue
            for option in distractors(exercise.posed, part.name, part.answer, exercise.printing, 2):
                ((_, mistake, marks, _),) = of(name, [(label, option.text)])
                wrong += 1
                marked += marks > 0.0
                named += mistake == option.mistake
    print(f"the key's own answers with full marks: {full} of {slots}")
    print(
        f"answers wrong by one mistake: {marked} of {wrong} with marks, it comes first in {named / wrong:.1%}"
    )


def of_formulas() -> None:
    """Change the formulas of keys: a number more, another sign, a factor less; and write them otherwise."""
    right = accepted = wrong = taken = 0
    for kind, level in ((kind, level) for kind in PROGRAMS for level in LEVELS):
        task = kind_task(kind, level, Usual("formula"))
        draws = Draws("formulas", kind, level)
        for exercise in (task.drawn(draws) for _ in range(2)):
            posed = exercise.posed
            assert isinstance(posed, OfFormula)
            points = list(somewhere(posed.program, list(posed.graph.inputs), draws))
            for part in exercise.parts:
                text = part.answer.text
                for other in (text.replace("*", " "), text.replace("^", "**"), f"({text})*2/2"):
                    right += 1
                    accepted += posed.verdict(part.name, other).good
                for other in changed(text):
                    if differ(text, other, points):
                        wrong += 1
                        taken += posed.verdict(part.name, other).good
    print(f"right formulas, written otherwise, that are accepted: {accepted} of {right}")
    print(f"formulas with a slip that are accepted: {taken} of {wrong}")


def changed(formula: str) -> Iterator[str]:
    """Yield a formula with one slip each."""
    for found in re.finditer(r"(?<!\w)\d+(?:\.\d+)?", formula):
        yield f"{formula[: found.start()]}{float(found[0]) + 1:g}{formula[found.end() :]}"
    for found in re.finditer(r" [+-] ", formula):
        yield formula[: found.start()] + (" - " if found[0] == " + " else " + ") + formula[found.end() :]
    for found in re.finditer(r"\*[a-z]\w*(?![\w(])", formula):
        yield formula[: found.start()] + formula[found.end() :]


def somewhere(program: str, inputs: list[str], draws: Draws) -> Iterator[dict[str, float]]:
    """Yield values of a program's names at points where all are real."""
    for _ in range(40):
        known = {name: (draws.below(6000) - 3000) / 1000 for name in inputs}
        for statement in program.split(";"):
            name, _, text = statement.rpartition(" = ")
            known[name.strip() or "f"] = number(text, known)
        if all(map(math.isfinite, known.values())):
            yield known


def number(text: str, known: Mapping[str, float]) -> float:
    """Return what Python makes of an expression; NaN where it has no value."""
    try:
        return float(eval(text.strip().replace("^", "**"), {**FUNCTIONS}, dict(known)))
    except (ValueError, ArithmeticError):
        return math.nan


def differ(formula: str, other: str, points: list[dict[str, float]]) -> bool:
    """Whether two formulas have different values at one of some points."""
    values = ((number(formula, point), number(other, point)) for point in points)
    return any(abs(x - y) > 1e-9 * abs(x) for x, y in values)


def of_kinds(draws: int) -> None:
    """Criteria 4, 5, 8 and 9: draws of every kind and level, with what they are held to worked out anew."""
    answers = exact = close = right = options = kept = 0
    tried: Counter[str] = Counter()
    unsound: Counter[str] = Counter()
    places: Counter[int] = Counter()
    for kind in KINDS:
        for level in LEVELS:
            number, choice = (kind_task(kind, level, Usual(form)) for form in ("number", "choice"))
            stream = Draws("benchmark", kind, level)
            for _ in range(draws):
                which = stream.below(NUMBERS)
                exercise = number.exercise(which)
                tried[exercise if isinstance(exercise, str) else "good"] += 1
                if not isinstance(exercise, Exercise):
                    continue
                if isinstance(exercise.posed, OfProgram):
                    kept += 1
                    unsound.update(set(unsoundness(exercise.posed.program, exercise.posed.point)))
                for part in exercise.parts:
                    answers += level <= EXACT
                    exact += level <= EXACT and part.answer.exact and part.answer.digits <= 4
                exercise = choice.exercise(which)
                for part in exercise.parts if isinstance(exercise, Exercise) else ():
                    numbers = [float(option.text) for option in part.options]
                    kinds = [option.mistake for option in part.options]
                    assert len(set(kinds)) == len(kinds)
                    options += len(numbers) - 1
                    close += sum(abs(a - b) < 1.99 * part.answer.unit for a, b in combinations(numbers, 2))
                    right += sum(x == part.answer.number for x in numbers) - 1
                    places[kinds.index(None)] += 1
    total = sum(places.values())
    chi = sum((places[k] - total / 4) ** 2 / (total / 4) for k in range(4))
    print(f"draws: {sum(tried.values()):,}; {', '.join(f'{n:,} {why}' for why, n in tried.most_common())}")
    print(f"programs with a fault among {kept:,} good ones, worked out anew: {dict(unsound) or 'none'}")
    print(f"levels 1 to 3: {exact:,} of {answers:,} answers exact with four digits at most")
    print(f"options: {options:,} wrong ones; closer than two units {close}, equal to the right one {right}")
    print(
        f"place of the right one: {dict(sorted(places.items()))}, chi-squared {chi:.2f} (11.34 is p = 0.01)"
    )


FUNCTIONS = {
    **{name: getattr(math, name) for name in ("exp", "log", "sqrt", "sin", "cos", "tanh")},
    "sigmoid": lambda x: 1.0 / (1.0 + math.exp(-x)),
    "relu": lambda x: max(x, 0.0),
}


def unsoundness(program: str, point: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong with numbers, by Python's own reading of the program."""
    known: dict[str, float] = {name: float(text) for name, text in point.items()}

    def number(node: ast.expr) -> float:
        return float(eval(compile(ast.Expression(node), "", "eval"), {**FUNCTIONS}, known))

    for statement in program.split(";"):
        name, _, text = statement.rpartition(" = ")
        tree = ast.parse(text.strip().replace("^", "**"), mode="eval").body
        for node in ast.walk(tree):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
                if {number(node.left), number(node.right)} & {0.0, 1.0}:
                    yield "a factor of 0 or 1"
            elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
                if number(node.left) in (0.0, 1.0):
                    yield "a power of 0 or 1"
            elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
                if number(node.right) in (0.0, 1.0):
                    yield "a divisor of 0 or 1"
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                (inside,) = map(number, node.args)
                if node.func.id == "relu" and abs(inside) < NEAREST_KINK:
                    yield "near a kink"
                if node.func.id in ("log", "sqrt") and inside <= 0.0:
                    yield "no value"
        known[name.strip() or "f"] = number(tree)
    if any(a == b for a, b in combinations(known.values(), 2)):
        yield "two names of one value"
    if not all(map(math.isfinite, known.values())):
        yield "no value"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
