"""How `check` judges what students write: claims collected and judged by people, beside its verdicts.

    python benchmarks/marking.py [benchmarks/marking/wrong.txt ...] [--only TEXT] [--faults]

A data file has programs, each at the margin, with its point behind `` | ``, and below it, indented, claims:

    sin(x^2) | x = 1.5
        right    x = 2x*cos(x^2)
        wrong    x = cos(x^2)     inner derivative missing     # what a teacher would name, with | for or
        wrong    x = 7            -                      # none that anyone could name; a|- for a or none
        wrong    f = 0.5
        follows  & x = 1.5                                     # of the same student as the line above

Parts of a line stand two blanks apart. The first word is what a teacher says: `right`; `close` where last
digits are off; `short` for too few digits; `follows`, right given an earlier mistake; `stock`, an answer that
would be right given an earlier one and is worth nothing; `wrong`; `refused` for what can be read in two
ways. A program may have arrays, ``x = [1, 2]``, or be a config, `sample_inputs/mazur.yaml`, its keys and
``step=2`` behind the bar.

Prints the figures that the aims are about; exits 1 where they are not reached.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from backprop_cli.api.arrays import settled_of
from backprop_cli.api.programs import bound, wants_arrays
from backprop_cli.checking.people import Subject, of_arrays, of_program, of_step
from backprop_cli.checking.verdicts import Verdict

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
FILES = sorted((HERE / "marking").glob("*.txt"))
WORDS = ("right", "close", "short", "follows", "stock", "wrong", "refused")
NONE = "-"
ACCEPTED = ("right", "rounded", "close", "follows")
FITS = {
    "right": ("right", "rounded"),
    "close": ("close",),
    "short": ("short",),
    "follows": ("follows", "right", "rounded"),
    "refused": ("unreadable",),
}
AIMS = {"right accepted": 0.98, "wrong accepted": 1 / 300, "named": 0.95, "misnamed": 0.02, "stock": 0.0}
"""The least share of right answers that are accepted, and so on; a figure named first is a least one."""


class Case(NamedTuple):
    """A claim and what a teacher says of it."""

    place: str
    word: str
    claim: str
    mistakes: tuple[str, ...]


class Outcome(NamedTuple):
    """A case with the verdict on it."""

    program: str
    case: Case
    verdict: Verdict

    @property
    def credit(self) -> str:
        """The word that the verdict earns by."""
        return self.verdict.credit

    @property
    def fault(self) -> str:
        """What is wrong with the verdict; "" for nothing."""
        word, mistakes, mistake = self.case.word, self.case.mistakes, self.verdict.mistake
        if word in FITS:
            return "" if self.credit in FITS[word] else f"{word} judged {self.credit}"
        if self.credit in ACCEPTED:
            return f"{word} accepted as {self.credit}"
        if word == "wrong" and mistakes and (mistake or NONE) not in mistakes:
            return f"named {mistake}, asked {' or '.join(mistakes)}"
        return ""


def read(path: Path) -> Iterator[tuple[str, list[list[Case]]]]:
    """Yield the programs of a data file with their students, each with claims in order."""
    program, students = "", list[list[Case]]()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = re.split(r"(?:^|\s)# ", line)[0].rstrip()
        if not text:
            continue
        if not text[0].isspace():
            if program:
                yield program, students
            program, students = text, []
            continue
        word, claim, *mistake = re.split(r"\s{2,}", text.strip())
        if word not in WORDS or len(mistake) > 1:
            raise SystemExit(f"{path}:{number}: {line.strip()!r} is no claim")
        named = tuple(m.strip() for m in "".join(mistake).split("|") if m.strip())
        case = Case(f"{path.name}:{number}", word, claim.removeprefix("& "), named)
        if claim.startswith("& "):
            students[-1].append(case)
        else:
            students.append([case])
    if program:
        yield program, students


def subject(line: str) -> Subject:
    """Return what the claims below a program's line are about."""
    program, _, at = line.partition(" | ")
    pairs = [pair.partition("=") for pair in re.split(r",\s*(?=[\w.]+\s*=)", at) if pair]
    given = {name.strip(): text.strip() for name, _, text in pairs}
    if program.endswith(".yaml"):
        step = int(given.pop("step", 1))
        overrides = [f"{key}={value}" for key, value in given.items()]
        return of_step(str(ROOT / program), overrides, at_step=step, least_digits=3)
    values = {name: json.loads(text) for name, text in given.items()}
    settled = settled_of(program, values) if wants_arrays(program, values, {}) else None
    if settled is not None:
        return of_arrays(*settled, least_digits=3)
    return of_program(*bound(program, values, {}), least_digits=3)


def judged(program: str, students: Sequence[Sequence[Case]]) -> Iterator[Outcome]:
    """Yield the claims below a program with their verdicts."""
    asked = subject(program)
    for cases in students:
        pairs = [(left.strip(), right.strip()) for c in cases for left, _, right in [c.claim.partition("=")]]
        for case, verdict in zip(cases, asked.judged(pairs, False), strict=True):
            yield Outcome(program, case, verdict)


def figures(outcomes: Sequence[Outcome]) -> dict[str, tuple[int, int]]:
    """Return how many of how many, by what an aim is about."""
    right = [o for o in outcomes if o.case.word in FITS and o.case.word != "refused"]
    wrong = [o for o in outcomes if o.case.word in ("wrong", "refused")]
    judged_ = [o for o in wrong if o.case.word == "wrong" and o.case.mistakes]
    named = [o for o in judged_ if NONE not in o.case.mistakes]
    mis = [o for o in judged_ if o.verdict.mistake and o.verdict.mistake not in o.case.mistakes]
    stock = [o for o in outcomes if o.case.word == "stock"]
    return {
        "right accepted": (sum(not o.fault for o in right), len(right)),
        "wrong accepted": (sum(o.credit in ACCEPTED for o in wrong), len(wrong)),
        "named": (sum(o.verdict.mistake in o.case.mistakes for o in named), len(named)),
        "misnamed": (len(mis), len(judged_)),
        "stock": (sum(o.credit in ACCEPTED for o in stock), len(stock)),
    }


def reached(found: dict[str, tuple[int, int]]) -> bool:
    """Whether all aims are reached."""
    least = ("right accepted", "named")
    return all(
        (count >= AIMS[name] * of) if name in least else (count <= AIMS[name] * of)
        for name, (count, of) in found.items()
        if of
    )


def main() -> int:
    """Judge the files and print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="*", type=Path, default=FILES)
    parser.add_argument("--only", default="", help="programs with this in them")
    parser.add_argument("--faults", action="store_true", help="list what is not judged as it should be")
    args = parser.parse_args()
    every: list[Outcome] = []
    for path in args.files:
        outcomes = [o for line, some in read(path) if args.only in line for o in judged(line, some)]
        every += outcomes
        faults = sum(bool(o.fault) for o in outcomes)
        print(f"{path.name}: {len(outcomes)} claims, {faults} not as they should be")
        for o in outcomes if args.faults else ():
            if o.fault:
                says = f"{o.verdict.verdict}: {o.verdict.says}"
                print(f"  {o.case.place}: {o.program}: {o.case.claim}: {o.fault}\n      {says[:140]}")
    found = figures(every)
    for name, (count, of) in found.items():
        print(f"{name:16} {count:4} of {of:4}  {count / of if of else 0:6.1%}")
    kinds = Counter(o.verdict.mistake for o in every if o.verdict.mistake)
    print("names:", ", ".join(f"{kind} {count}" for kind, count in kinds.most_common()))
    return 0 if reached(found) else 1


if __name__ == "__main__":
    sys.exit(main())
