"""Exercises whose answer is a formula: drawn without a point, judged as `check` judges formulas."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from backprop_cli import exercise, grad
from backprop_cli.checking.grading import read_credit
from backprop_cli.checking.sheets import Sheet as HandIn
from backprop_cli.errors import BackpropError, UsageError
from backprop_cli.exercises.answers import Printing
from backprop_cli.exercises.classes import draw_class
from backprop_cli.exercises.handouts import kind_task
from backprop_cli.exercises.key import Key, labels, read_key, written
from backprop_cli.exercises.kinds import LEVELS, PROGRAMS
from backprop_cli.exercises.marking import Marking
from backprop_cli.exercises.posed import OfFormula
from backprop_cli.exercises.sheet import read_sheet
from backprop_cli.exercises.tasks import Exercise, Usual
from backprop_cli.render.exercise_files import FORMATS, QUIZZES, files

SHEET = """\
title: Formulas
tasks:
  - {program: "{a}*x^{n}*sin({b}*x)", draw: {a: 2..9, n: 2..4, b: 2..9}, ask: {df/dx: 3}, form: formula}
  - program: "z = {a}*w*x + b; L = (z - t)^2"
    draw: {a: 2..40, x: 2..5}
    ask: {dz/dw: 1, dL/dz: 2, dL/dw: 2}
    form: formula
  - {kind: product, level: 2}
"""
PEOPLE = ["Anna", "Ben"]


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Key:
    path = tmp_path_factory.mktemp("sheets") / "sheet.yaml"
    path.write_text(SHEET)
    return draw_class(read_sheet(str(path), Usual()), PEOPLE, "w3")


def marks(key: Key, name: str, claims: list[tuple[str, str]]) -> dict[str, float]:
    found = Marking(key, everybody=False).judgement(
        [HandIn(name, claims)], {}, read_credit({}), alone=False, weighted=True, reveal=False
    )
    (person,) = found.people
    rows = zip(person.verdicts, person.marks, strict=True)
    return {verdict.claim.split()[0]: mark for verdict, mark in rows}


@pytest.mark.parametrize(("kind", "level"), [(kind, level) for kind in PROGRAMS for level in LEVELS][::3])
def test_the_keys_formula_is_the_slope(kind: str, level: int) -> None:
    task = kind_task(kind, level, Usual("formula"))
    found = next(e for e in map(task.exercise, range(100)) if isinstance(e, Exercise))
    posed = found.posed
    assert isinstance(posed, OfFormula)
    slopes = grad(posed.program, posed.inputs).gradient
    _, values, _, _ = posed.passes
    known = {name: values[id] for name, id in posed.graph.named.items()}
    for part in found.parts:
        value = eval(part.answer.text.replace("^", "**"), {**vars(math)}, known)
        assert value == pytest.approx(slopes[part.name.partition("/d")[2]])


@pytest.mark.parametrize(
    ("program", "formula"),
    [
        ("3*x^2*ln(2*x)", "6*x*ln(2*x) + 6*x^2/(2*x)"),
        ("3*x^2*log(2*x)", "6*x*log(2*x) + 6*x^2/(2*x)"),
        ("ln(x)*ln(ln(x))", "ln(ln(x))/x + ln(x)/(ln(x)*x)"),
        ("ln(ln(ln(x)))", "1/(ln(ln(x))*ln(x)*x)"),
        ("sqrt(3*x + 1)", "3/(2*sqrt(3*x + 1))"),
        ("u = x*y; u^2*y", "2*y^2*u"),
    ],
)
def test_formulas_are_written_as_on_paper(program: str, formula: str) -> None:
    posed = OfFormula(program, {"x": "3", "y": "2"} if "y" in program else {"x": "3"}, {"df/dx": 1.0})
    assert posed.answer("df/dx", Printing()).text == formula
    assert posed.verdict("df/dx", formula).good


def test_formulas_are_marked_however_they_are_written(key: Key) -> None:
    again = read_key(written(key), "key.json")
    assert written(again) == written(key)
    for name in PEOPLE:
        own = [(label, part.answer.text) for label, _, part in labels([s.exercise for s in key.people[name]])]
        assert marks(again, name, own) == {"1": 3.0, "2a": 1.0, "2b": 2.0, "2c": 2.0, "3": 1.0}
        a = str(again.people[name][1].exercise.posed.facts["program"]).partition("*")[0].removeprefix("z = ")
        students = [("2a", f"{a} x"), ("2b", "2(z-t)"), ("2c", f"2{a}x(z-t)"), ("1", "6x"), ("3", "")]
        assert marks(again, name, students) == {"1": 0.0, "2a": 1.0, "2b": 2.0, "2c": 0.0, "3": 0.0}
        assert marks(again, name, [("2c", f"2*{a}x(z-t)")])["2c"] == 2.0


def test_one_of_a_class_by_the_code_and_the_right_formulas(key: Key, tmp_path: Path, run: Any) -> None:
    path, folder = tmp_path / "key.json", tmp_path / "answers"
    path.write_text(written(key))
    folder.mkdir()
    (folder / "x.txt").write_text(f"code = {key.people['Ben'][1].exercise.code}\n1 = 6x\n")
    words = ("check", "--exercise", str(path), "--claims", str(folder), "--student", "ben", "--reveal")
    (person,) = run(*words, "--format", "json").json["people"]
    assert person["student"] == "Ben"
    told = {each["claim"]: each.get("formula") for each in person["verdicts"]}
    assert told["1 df/dx"] == key.people["Ben"][0].exercise.answers[0]
    assert told["3 df/dx"] is None
    assert "Anna has handed in nothing" in run(*words[:-2], "Anna").refused(2).err


def test_handouts_have_neither_the_point_nor_the_answer(key: Key) -> None:
    made = dict(files(key, [f for f in FORMATS if f not in QUIZZES], "explain"))
    for name in PEOPLE:
        exercises = [slot.exercise for slot in key.people[name]][:2]
        for ending in ("md", "tex", "html", "json"):
            text = made[f"student/{name}.{ending}"].decode()
            assert text.count('"point"') == (ending == "json")  # that of the product
            for _, _, part in labels(exercises):
                assert part.answer.text not in text.replace(" ", "")
        assert exercises[0].parts[0].answer.text in made["key.md"].decode().replace("\\*", "*")
        assert b"product rule" in made[f"solutions/{name}.md"]


@pytest.mark.parametrize("format_", QUIZZES)
def test_platforms_that_compare_letters_get_no_formulas(key: Key, format_: str) -> None:
    with pytest.raises(UsageError, match=f"1 asks for a formula: {format_} compares letters"):
        next(files(key, ("markdown", format_), "none"))


@pytest.mark.parametrize(
    ("task", "says"),
    [
        ('program: "q = {a}*x; f = q^2", draw: {a: 2..9}, ask: q', "asked for a first derivative, and q is"),
        ('program: "{a}*x^2", draw: {a: 2..9}, ask: d2f/dx2', "first derivative, and d2f/dx2 is none"),
        ('program: "c = 3; f = c*x*{a}", draw: {a: 2..9}, ask: df/dx', "c has a number, and a formula none"),
        (
            'program: "relu({a}*x)", draw: {a: 2..9}, ask: df/dx',
            "x) has a kink",
        ),
        ('program: "{a}*x^2", ask: df/dx', "a has no numbers to be drawn from"),
        ("kind: step, level: 2", "of a training step numbers are asked for"),
        ("config: {data: {inputs: [[1]]}}, ask: E", "of a training step numbers are asked for"),
    ],
)
def test_what_is_refused(tmp_path: Path, task: str, says: str) -> None:
    path = tmp_path / "sheet.yaml"
    path.write_text(f"tasks:\n  - {{{task}, form: formula}}\n")
    with pytest.raises(BackpropError) as error:
        read_sheet(str(path), Usual())
    assert says in str(error.value)
    assert ":2:" in str(error.value)


def test_parameters_alone_count_as_draws(tmp_path: Path, run: Any) -> None:
    path = tmp_path / "sheet.yaml"
    path.write_text(
        'tasks:\n  - {program: "{a}*x^2", draw: {a: 2..9, x: 2..90}, ask: df/dx, form: formula}\n'
    )
    with pytest.raises(UsageError, match="task 1 has 8 different draws; for 3 people there are 9"):
        draw_class(read_sheet(str(path), Usual()), ["a", "b", "c"], "1")
    assert "a formula" in run("exercise", "chain", "--form", "formula").answered().out
    (once,) = exercise("chain", form="formula")
    (again,) = exercise(str(once.code), form="formula")
    assert (again.posed.facts, again.parts) == (once.posed.facts, once.parts)
