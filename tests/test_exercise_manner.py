"""Sheets with decimal commas and in German: nothing but the words and the signs changes."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest

from backprop_cli import exercise
from backprop_cli.checking.grading import read_credit
from backprop_cli.checking.sheets import Sheet as HandIn
from backprop_cli.errors import BackpropError
from backprop_cli.exercises.classes import draw_class
from backprop_cli.exercises.key import Key, labels, read_key, written
from backprop_cli.exercises.manner import LANGUAGES, WORDS, Manner
from backprop_cli.exercises.marking import Marking
from backprop_cli.exercises.sheet import read_sheet
from backprop_cli.exercises.tasks import Usual
from backprop_cli.render.exercise_files import FORMATS, files

SHEET = """\
title: Blatt 3.1
language: de
comma: true
tasks:
  - program: "q = {m}*x + y; f = max(q, 0.5)*z"
    draw: {m: [0.5, 1.5, 2.5], x: -5..5/0.5, y: 2..9, z: [-4, -3, 3, 4]}
    where: "q > 0.6"
    ask: {q: 1.5, df/dx: 2}
  - {kind: chain, level: 4, ask: {df/dx: 3}, form: choice}
  - {kind: update, level: 4}
"""
POINT = re.compile(r"(?<![\w.])-?\d+\.\d")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("sheets") / "sheet.yaml"
    found.write_text(SHEET)
    return found


@pytest.fixture(scope="module")
def key(path: Path) -> Key:
    return draw_class(read_sheet(str(path), Usual()), ["Anna 2.0", "Ben"], "w3")


def test_the_table_of_words() -> None:
    places = re.compile(r"\{\w+\}")
    for phrase, row in WORDS.items():
        assert len(row) == len(LANGUAGES)
        assert len({tuple(sorted(places.findall(text))) for text in row}) == 1, phrase


def test_files_have_commas_and_the_same_numbers(path: Path, key: Key) -> None:
    plain = draw_class(read_sheet(str(path), Usual()), ["Anna 2.0", "Ben"], "w3")._replace(manner=Manner())
    assert plain.people.keys() == key.people.keys()
    made, usual = dict(files(key, FORMATS, "explain")), dict(files(plain, FORMATS, "explain"))
    for name in ("student/Ben.md", "student/Ben.html", "student/Ben.tex", "solutions/Ben.md", "key.md"):
        text, other = made[name].decode(), usual[name].decode()
        body = text.partition("</style>")[2] or text
        assert not POINT.search(body.replace("Blatt 3.1", "").replace("Anna 2.0", "")), name
        assert POINT.search((other.partition("</style>")[2] or other).replace("Blatt 3.1", "")), name
        if not name.startswith("key"):
            assert "Aufgabe 1 (3,5 Punkte)" in text
            assert "Task 1 (3.5 marks)" in other
    assert "{,}" in made["student/Ben.tex"].decode()
    assert '<html lang="de">' in made["student/Ben.html"].decode()
    assert "Lösungen" in made["solutions/Ben.md"].decode()
    rows = [list(csv.reader(io.StringIO(each["key.csv"].decode()), delimiter=d)) for each, d in
            ((made, ";"), (usual, ","))]  # fmt: skip
    assert rows[0][0] == rows[1][0]
    assert rows[0][1][0] == "Anna 2.0"
    assert [[*r[:-2], *(x.replace(",", ".") for x in r[-2:])] for r in rows[0]] == rows[1]


def test_platforms_have_commas_in_what_is_read_alone(key: Key) -> None:
    text = dict(files(key, ("moodle",), "none"))["moodle.xml"].decode()
    for slots in key.people.values():
        for _, one, part in labels([slot.exercise for slot in slots]):
            number = part.answer.text
            assert (number.replace(".", ",") if part.options else f"={number}:") in text
            if "program" in one.posed.facts:
                assert one.posed.facts["point"]["x"].replace(".", ",") in text


def test_answers_with_commas_are_read(key: Key) -> None:
    again = read_key(written(key), "key.json")
    assert again.manner == Manner("de", True)
    assert written(again) == written(key)
    marking = Marking(again, everybody=False)
    for name, slots in again.people.items():
        asked = list(labels([slot.exercise for slot in slots]))
        claims = [(label, part.answer.text.replace(".", ",")) for label, _, part in asked]
        found = marking.judgement(
            [HandIn(name, claims)], {}, read_credit({}), alone=False, weighted=True, reveal=False
        )
        (person,) = found.people
        assert person.total == person.possible
        assert [v.answer for v in person.verdicts] == [answer for _, answer in claims]
        assert not any(v.read_as for v in person.verdicts)


def test_a_comma_before_three_digits_is_decimal(tmp_path: Path) -> None:
    path = tmp_path / "sheet.yaml"
    path.write_text(
        'tasks:\n  - {program: "{a}*x^2", draw: {a: [1.234], x: [2, 3, 4, 6, 8]}, ask: df/dx, decimals: 3}\n'
    )
    sheet = read_sheet(str(path), Usual())
    for comma, total in ((True, 1.0), (False, 0.0)):
        key = draw_class(sheet._replace(manner=Manner(comma=comma)), ["a"], "1")
        right = key.people["a"][0].exercise.parts[0].answer.text
        assert re.fullmatch(r"\d+\.\d{3}", right)
        found = Marking(key, everybody=False).judgement(
            [HandIn("a", [("1", right.replace(".", ","))])],
            {}, read_credit({}), alone=False, weighted=True, reveal=False,
        )  # fmt: skip
        assert found.people[0].total == total


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("language: fr", ":1:11: a language is en or de"),
        ("comma: yes please", ":1:8: comma is true or false, not"),
        ("langage: de", "did you mean language?"),
    ],
)
def test_what_is_refused(tmp_path: Path, line: str, says: str) -> None:
    path = tmp_path / "sheet.yaml"
    path.write_text(f"{line}\ntasks:\n  - {{kind: chain}}\n")
    with pytest.raises(BackpropError) as error:
        read_sheet(str(path), Usual())
    assert says in str(error.value)


def test_the_command_and_python(run: Any) -> None:
    words = ("exercise", "neuron", "--level", "4", "--language", "de", "--comma", "--solutions", "short")
    out = run(*words).answered().out
    assert out.startswith("neuron, Stufe 4, Startwert 1\n")
    assert "Lösung" in out
    assert not POINT.search(out)
    found = exercise("neuron", level=4, language="de", comma=True, solutions="short")
    assert str(found).strip() == out.strip()
