"""Sheets for a class: everybody other numbers, keys, files, and what is refused."""

from __future__ import annotations

import csv
import json
import re
import stat
from pathlib import Path
from typing import Any

import pytest

from backprop_cli import exercise
from backprop_cli.errors import BackpropError
from backprop_cli.exercises.classes import draw_class, handout, most_shared, redrawn, shown_of, summaries
from backprop_cli.exercises.key import Key, read_key, written
from backprop_cli.exercises.sheet import Sheet, read_sheet
from backprop_cli.exercises.tasks import BAND, Usual
from backprop_cli.exercises.templates import put_in
from backprop_cli.render.exercise_files import handed

SHEET = """\
title: Sheet 3
tasks:
  - program: "q = {m}*x + y; f = q*z"
    draw: {m: [2, 3, 4], x: -5..5, y: 2..9, z: [-4, -3, 3, 4]}
    where: "q != 0"
    ask: {q: 1, df/dx: 2, df/dz: 2}
  - {kind: chain, level: 3, ask: {df/dx: 3}, form: choice, choices: 4}
  - {kind: quotient, level: 2}
  - {kind: neuron, level: 4, decimals: 3}
  - {kind: update, level: 2}
"""
PEOPLE = [f"p{k:02}" for k in range(8)]


@pytest.fixture(scope="module")
def sheet(tmp_path_factory: pytest.TempPathFactory) -> Sheet:
    path = tmp_path_factory.mktemp("sheets") / "sheet.yaml"
    path.write_text(SHEET)
    return read_sheet(str(path), Usual())


@pytest.fixture(scope="module")
def key(sheet: Sheet) -> Key:
    return draw_class(sheet, PEOPLE, "w3")


def slots(key: Key) -> dict[str, str]:
    return {name: written(key._replace(people={name: theirs})) for name, theirs in key.people.items()}


def test_who_else_is_in_the_class_changes_nothing(sheet: Sheet, key: Key) -> None:
    fewer = draw_class(sheet, [name for name in reversed(PEOPLE) if name != "p05"], "w3")
    before = slots(key)
    assert slots(fewer) == {name: text for name, text in before.items() if name != "p05"}
    assert slots(draw_class(sheet, ["p03"], "w4")) != {"p03": before["p03"]}


def test_another_task_changes_nothing(tmp_path: Path, key: Key) -> None:
    head, _, tasks = SHEET.partition("tasks:\n")
    path = tmp_path / "sheet.yaml"
    path.write_text(f"{head}tasks:\n  - {{kind: power}}\n{tasks}")
    more = draw_class(read_sheet(str(path), Usual()), PEOPLE[:3], "w3")
    for name in PEOPLE[:3]:
        assert [str(s.exercise.code) for s in more.people[name][1:]] == [
            str(s.exercise.code) for s in key.people[name]
        ]


def test_everybody_has_other_answers_and_as_much_work(key: Key) -> None:
    assert most_shared(key) <= 1
    for each in summaries(key):
        assert each.efforts[1] <= BAND * each.efforts[0]
        assert each.different >= each.of - 2


def test_two_tasks_that_are_alike_have_other_numbers(tmp_path: Path) -> None:
    path = tmp_path / "sheet.yaml"
    path.write_text("tasks:\n  - {kind: power}\n  - {kind: power}\n")
    (one, two) = draw_class(read_sheet(str(path), Usual()), ["anna"], "1").people["anna"]
    assert one.exercise.code != two.exercise.code


def test_a_key_is_read_back(key: Key) -> None:
    text = written(key)
    again = read_key(text, "key.json")
    assert written(again) == text
    for name, theirs in key.people.items():
        for a, b in zip(theirs, again.people[name], strict=True):
            assert [a.exercise.posed.right(n) for n in a.exercise.posed.ask] == [
                b.exercise.posed.right(n) for n in b.exercise.posed.ask
            ]


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"people": {}}', '{"people": {"a": [1]}, "schema": 1}', "{"]
)
def test_what_is_no_key(text: str) -> None:
    with pytest.raises(BackpropError, match="no key of exercises"):
        read_key(text, "key.json")


def test_codes_are_shown_again(sheet: Sheet, key: Key) -> None:
    for slot in key.people["p07"]:
        (again,) = shown_of(sheet, str(slot.exercise.code)).exercises
        assert (again.posed.facts, again.parts) == (slot.exercise.posed.facts, slot.exercise.parts)


def test_one_slot_is_drawn_again(sheet: Sheet, key: Key) -> None:
    once = redrawn(key, sheet, "p04:3")
    changed = [
        (name, k)
        for name, theirs in key.people.items()
        for k, (a, b) in enumerate(zip(theirs, once.people[name], strict=True), 1)
        if a.exercise.code != b.exercise.code
    ]
    assert changed == [("p04", 3)]
    slot, before = once.people["p04"][2], key.people["p04"][2]
    assert (slot.attempt, slot.earlier) == (2, (str(before.exercise.code),))
    twice = redrawn(read_key(written(once), "key"), sheet, "p04:3").people["p04"][2]
    assert (twice.attempt, len(twice.earlier)) == (3, 2)
    for who, says in (
        ("p04", "no task of somebody"),
        ("p4:1", "did you mean p04"),
        ("p04:9", "has no task 9"),
    ):
        with pytest.raises(BackpropError, match=says):
            redrawn(key, sheet, who)


@pytest.mark.parametrize(
    ("tasks", "says"),
    [
        ("- {kind: cain}", ":2:12: cain is no kind of exercise\n  hint: did you mean chain?"),
        ("- {kind: chain, level: 7}", ":2:26: this is a whole number from 1 to 5, not 7"),
        ("- {kind: chain, lvel: 2}", "a task that is a kind has no lvel\n  hint: did you mean level?"),
        ("- {kind: chain, form: word}", "a form is number, choice or formula"),
        ("- {level: 2}", "task 1 is a kind, a program or a config"),
        ('- {program: "a*x", draw: {x: 1..5}, ask: df/dx}', "a has no numbers to be drawn from"),
        ('- {program: "2*x", draw: {x: 2..5, y: 1..2}, ask: df/dx}', "the program has no y"),
        ('- {program: "2*x", draw: {x: 2..5}}', "nothing is asked for"),
        ('- {program: "2*x", draw: {x: 2..5}, ask: df/dz}', "task 1: the program has no z"),
        ('- {program: "2*x", draw: {x: 5..2}, ask: df/dx}', ":2:32: 5..2 is no range of numbers"),
        ('- {program: "2*x +", draw: {x: 2..5}, ask: df/dx}', "expected a number"),
        ('- {program: "2*x", draw: {x: 2..5}, ask: {df/dx: -1}}', "marks are a number"),
        ('- {program: "2*x", draw: {x: 2..5}, ask: {df/dx: .nan}}', "marks are a number"),
        ('- {program: "2*x", draw: {x: 2..5}, ask: [df/dx, df/dx]}', "df/dx is asked for twice"),
        ('- {program: "2*x", draw: {x: 2..5}, ask: [df/dx, "f\'(x)"]}', "asked for twice: as df/dx, too"),
        (
            f"- {{kind: chain, ask: [{', '.join(f'df/dx{k}' for k in range(27))}]}}",
            "26 things at most, not 27",
        ),
        ("- {kind: chain, level: 2, ask: u}", ":2:34: task 1: the program has no u"),
        ("- {kind: chain, digits: 2, decimals: 1}", "both say how numbers are rounded"),
        ("- {program: [x], draw: {x: 2..5}, ask: df/dx}", "a program is a text, not a list"),
        ('- {program: "2{a}*x", draw: {x: 2..5, a: 2..3}, ask: df/dx}', "in 2{a} a number would run into"),
        (
            '- {program: "(x + 1) {a}", draw: {x: 2..5, a: 2..3}, ask: df/dx}',
            "in ) {a} a number would run into",
        ),
        ('- {program: "{a}*a", draw: {a: 2..3}, ask: df/da}', "a is an input, and a place in brackets, too"),
        ('- {program: "2*x", draw: {x: 2..5}, ask: df/dx, where: "x >"}', ": where is a condition"),
        ('- {program: "2*x", draw: {x: 2..5}, ask: df/dx, where: "y > 1"}', ": the program has no y"),
        (
            '- {program: "{a}*x", draw: {x: 2..5, a: 2}, ask: df/dx, where: "a > 1"}',
            "no a\n  hint: {a}, a place",
        ),
        ('- {program: "2*x", draw: {x: 2..5}, ask: df/dx, where: "{b} > 1"}', "has no place {b}"),
        ("- {config: {model: 3}, ask: E}", "has its rows in data.inputs"),
    ],
)
def test_sheets_that_are_refused(tmp_path: Path, tasks: str, says: str) -> None:
    path = tmp_path / "sheet.yaml"
    path.write_text(f"tasks:\n  {tasks}\n")
    with pytest.raises(BackpropError) as error:
        read_sheet(str(path), Usual())
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("text", "put"),
    [
        ("{a}^2*x", "(-3)^2*x"),  # -3^2 is -9
        ("2 - {a}^2", "2 - (-3)^2"),
        ("x*{a}^2", "x*(-3)^2"),
        ("x*-3^2 + {a}", "x*-3^2 - 3"),  # what is written stays
        ("x - {a}*y", "x + 3*y"),
        ("x + {a}*y", "x - 3*y"),
        ("-{a}*x", "-(-3)*x"),
        ("q = x\n-{a}*q", "q = x\n-(-3)*q"),
        ("x*y^{a}/{a}", "x*y^(-3)/(-3)"),
        ("({a}*x)*({a} + x)", "(-3*x)*(-3 + x)"),
    ],
)
def test_negative_numbers_are_put_in_as_they_are_meant(text: str, put: str) -> None:
    assert put_in(text, {"a": "-3"}) == put
    values = {"x": 7.0, "y": 2.0, "q": 7.0}
    python = [t.replace("^", "**").rpartition("\n")[2] for t in (text.replace("{a}", "(-3)"), put)]
    assert len({eval(each, {}, values) for each in python}) == 1


def test_a_default_is_given_once(tmp_path: Path) -> None:
    path = tmp_path / "sheet.yaml"
    program = '{program: "y = 3; f = x^2*y", ask: df/dx, draw: '
    path.write_text(f"tasks:\n  - {program} {{x: 4, y: 5}}}}\n  - {program} {{x: 4}}}}\n")
    text = handed([handout(read_sheet(str(path), Usual()), "1")], "markdown", "short")
    assert ("y = 5" in text, text.count("y = 3"), text.count("x = 4")) == (True, 1, 2)
    assert ["| 40 |" in text, "| 24 |" in text] == [True, True]


def test_a_config_is_of_the_task(tmp_path: Path) -> None:
    """Another content of the file is another task: codes of the one before are refused."""
    net, path = tmp_path / "net.yaml", tmp_path / "sheet.yaml"
    config = exercise("update", level=1)[0].posed.facts["config"]
    net.write_text(json.dumps(config))
    path.write_text('tasks: [{config: net.yaml, draw: {inputs: 2..9}, ask: "linear1[0].delta"}]\n')
    code = str(handout(read_sheet(str(path), Usual()), "1").exercises[0].code)
    shown_of(read_sheet(str(path), Usual()), code)
    net.write_text(json.dumps(config | {"loss": "sse"}))
    with pytest.raises(BackpropError, match="is no task of this sheet"):
        shown_of(read_sheet(str(path), Usual()), code)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"regularization": {"l2": 0.1}}, "regularization"),
        ({"schedule": {"type": "step"}}, "schedule"),
        ({"optimizer": {"type": "sgd", "learning_rate": 0.1, "weight_decay": 0.1}}, "optimizer.weight_decay"),
        ({"training": {"gradient_clip": 1}}, "training.gradient_clip"),
        (
            {"training": {"batch_size": 1}, "data": {"inputs": [[1], [2]], "targets": [[1], [2]]}},
            "which rows",
        ),
        ({"model": {"layers": [{"type": "linear", "units": 1, "frozen": ["bias"]}]}}, "frozen of a layer"),
        ({"model": {"layers": [{"type": "dropout"}]}}, "a layer dropout"),
    ],
)
def test_what_no_sheet_tells_is_no_exercise(tmp_path: Path, more: dict[str, Any], says: str) -> None:
    config = exercise("update", level=1)[0].posed.facts["config"] | more
    path = tmp_path / "sheet.yaml"
    path.write_text(json.dumps({"tasks": [{"config": config, "ask": "E"}]}))
    with pytest.raises(BackpropError, match=f"a sheet would not tell {says}"):
        read_sheet(str(path), Usual())


def test_too_few_draws_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "sheet.yaml"
    path.write_text('tasks:\n  - {program: "{a}*x^2", draw: {a: 3..5, x: [3, 4]}, ask: df/dx}\n')
    with pytest.raises(BackpropError, match=r"task 1 has \d different draws; for 4 people there are 12"):
        draw_class(read_sheet(str(path), Usual()), PEOPLE[:4], "1")


def test_conditions_hold(tmp_path: Path) -> None:
    path = tmp_path / "sheet.yaml"
    path.write_text(
        'tasks:\n  - {program: "{a}*x^2 - {b}*x", draw: {a: 3..9, b: 3..9, x: -9..9}, ask: df/dx,'
        ' where: ["{a} < {b}", "f > 9", "x < 0"]}\n'
    )
    for k in range(6):
        (slot,) = draw_class(read_sheet(str(path), Usual()), ["x"], str(k)).people["x"]
        posed = slot.exercise.posed
        ((a, b),) = (
            map(int, found) for found in re.findall(r"(\d+)\*x\^2 - (\d+)\*x", posed.facts["program"])
        )
        x = int(posed.facts["point"]["x"])
        assert a < b
        assert a * x * x - b * x > 9
        assert x < 0


# --- files --------------------------------------------------------------------------------------


def test_files_of_a_class(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("sheet.yaml").write_text("\n".join(SHEET.splitlines()[:7]) + "\n")
    Path("class.csv").write_text("email,student\na@x.org,Anna Ott\nb@x.org,Ben/Li\n")
    words = ("exercise", "sheet.yaml", "--class", "class.csv", "-o", "out")
    options = ("--format", "markdown,latex,html,json", "--solutions", "explain")
    run(*words, *options).answered()
    names = {str(path.relative_to("out")) for path in Path("out").rglob("*.*")}
    both = [f"{stem}{end}" for stem in ("Anna Ott", "Ben_Li") for end in (".md", ".tex", ".html", ".json")]
    each = {f"{folder}/{name}" for folder in ("student", "solutions") for name in both}
    pages = {"student.tex", "student.html", "solutions.tex", "solutions.html"}
    assert names == each | pages | {"key.json", "key.csv", "key.md", "report.txt"}
    for name in names:
        private = not name.startswith("student")
        assert stat.S_IMODE(Path("out", name).stat().st_mode) & 0o077 == 0 or not private
    key = json.loads(Path("out/key.json").read_text())
    rows = list(csv.DictReader(Path("out/key.csv").read_text().splitlines()))
    assert [row["task"] for row in rows[:5]] == ["1a", "1b", "1c", "2", "1a"]
    for name, stem in (("Anna Ott", "Anna Ott"), ("Ben/Li", "Ben_Li")):
        text = Path("out/student", f"{stem}.md").read_text()
        for slot in key["people"][name]:
            assert slot["code"] in text
            if "options" not in slot:
                assert not any(f"= {answer['text']}\n" in text for answer in slot["answers"].values())
    assert "script" not in Path("out/student.html").read_text()
    assert "http" not in Path("out/student.html").read_text()
    before = {path: path.read_bytes() for path in Path("out").rglob("*.*")}
    run(*words, *options).answered()  # the same again
    assert {path: path.read_bytes() for path in Path("out").rglob("*.*")} == before
    assert "is another key" in run(*words, "--seed", "2").refused(2).err
    noted = run("exercise", "sheet.yaml", "--redraw", "Ben/Li:2", "-o", "out").answered().err
    assert "stayed" not in noted
    for folder in ("student", "solutions"):
        changed = {path.name for path in Path("out", folder).iterdir() if path.read_bytes() != before[path]}
        assert changed == {f"Ben_Li{end}" for end in (".md", ".tex", ".html", ".json")}
    Path("out/solutions/Anna Ott.html").write_text("by hand")
    noted = run("exercise", "sheet.yaml", "--redraw", "Ben/Li:2", "-o", "out").answered().err
    assert "10 files of an earlier run stayed: solutions.html, solutions.tex, solutions/Anna Ott" in noted
    assert json.loads(Path("out/key.json").read_text())["people"]["Ben/Li"][1]["attempt"] == 3
    run(*words, "--seed", "2", "--force").answered()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("anna\nben\n", ["anna", "ben"]),
        ("student\nanna\nben\n", ["anna", "ben"]),
        ("First name,Last name,ID\nAnna,Ott,7\nBen,Li,8\n", ["Anna Ott", "Ben Li"]),
        ("name;group\nanna;1\nben;2\n", ["anna", "ben"]),
        ('student\n"Ott, Anna"\n"Max ""M"" May"\n', ["Ott, Anna", 'Max "M" May']),
        ('"Ott, Anna"\n"Li, Ben"\n', ["Ott, Anna", "Li, Ben"]),
        ("student\nOtt, Anna\nLi, Ben\n", ["Ott, Anna", "Li, Ben"]),
        ("Schüler;Klasse\nAnna;1\nBen;2\n", ["Anna", "Ben"]),
    ],
)
def test_rosters(text: str, names: list[str]) -> None:
    from backprop_cli.checking.sheets import read_roster

    assert read_roster(text.encode(), "class.csv") == names


def test_rosters_that_are_refused() -> None:
    from backprop_cli.checking.sheets import read_roster

    for text, column, says in (
        ("", None, "has no people"),
        ("anna\nanna\n", None, "anna is there twice"),
        ("name,id\nanna,1\nanna,2\n", None, "anna is there twice"),
        ("Anna\nanna\n", None, "anna is there twice, as Anna"),
        ("Zoë\nZoe\u0308\n", None, "is there twice"),
        ("Ott, Anna\nLi, Ben\n", None, "no column that says who"),
        ("email,group\na@x,1\n", None, "no column that says who"),
        ("name,id\nanna,1\n,2\n", None, "row 2 has no name"),
        ("name,id\nanna,1\n", "nam", "has no column nam"),
    ):
        with pytest.raises(BackpropError, match=says):
            read_roster(text.encode(), "class.csv", column)
