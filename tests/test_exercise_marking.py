"""Hand-ins marked from a key: everybody by the own numbers, with the marks of the sheet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

from backprop_cli.checking.grading import read_credit
from backprop_cli.checking.sheets import Sheet
from backprop_cli.exercises.classes import draw_class
from backprop_cli.exercises.key import Key, key_of, labels, read_key, written
from backprop_cli.exercises.marking import Marking
from backprop_cli.exercises.sheet import read_sheet
from backprop_cli.exercises.tasks import Usual, distractors

GOLDEN = sorted((ROOT / "tests" / "golden" / "exercises").glob("*.json"))
PEOPLE = ["Anna Ott", "Ben/Li", "Cem"]
SHEET = """\
title: Sheet 3
tasks:
  - program: "q = {m}*x + y; f = q*z"
    draw: {m: [2, 3, 4], x: -5..5, y: 2..9, z: [-4, -3, 3, 4]}
    ask: {q: 1, df/dx: 2, df/dz: 2}
  - {kind: chain, level: 3, ask: {df/dx: 3}, form: choice, choices: 4}
  - {kind: neuron, level: 4}
  - {kind: quotient, level: 5, decimals: 2}
  - {kind: update, level: 4}
  - config:
      data: {inputs: [[0.05, 0.1]], targets: [[0.9]]}
      model: {layers: [{type: linear, units: 1, activation: sigmoid, weights: [[0.1, 0.2]], bias: [0.3]}]}
      loss: half_sse
      optimizer: {type: sgd, learning_rate: 0.5}
      training: {batch_size: full, shuffle: false}
    round_each: 3
    draw: {weights: -0.9..0.9/0.1}
    ask: ["linear1[0].w[1]"]
"""


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Key:
    path = tmp_path_factory.mktemp("sheets") / "sheet.yaml"
    path.write_text(SHEET)
    return draw_class(read_sheet(str(path), Usual()), PEOPLE, "w3")


def answers(key: Key, name: str) -> list[tuple[str, str]]:
    return [(label, p.answer.text) for label, _, p in labels([s.exercise for s in key.people[name]])]


def marked(key: Key, *sheets: Sheet, everybody: bool = False) -> Any:
    marking = Marking(key, everybody=everybody)
    return marking.judgement(sheets, {}, read_credit({}), alone=False, weighted=True, reveal=False)


def test_the_keys_own_answers_have_full_marks(key: Key) -> None:
    found = marked(key, *(Sheet(name, answers(key, name)) for name in PEOPLE))
    assert [(person.student, person.total, person.possible) for person in found.people] == [
        (name, 14.0, 14.0) for name in PEOPLE
    ]
    assert found.asked == (
        *("1a q", "1b df/dx", "1c df/dz", "2 df/dx", "3 dL/dw", "4 df/dx"),
        *("5a linear1[0].delta", "5b linear1[0].w[0]", "5c E after", "6 linear1[0].w[1]"),
    )


def test_who_rounds_at_the_end_alone_has_full_marks(key: Key) -> None:
    for name in PEOPLE:
        exercise = key.people[name][-1].exercise
        answer = exercise.posed.rounded_once(exercise.parts[0].name)
        assert len(answer.partition(".")[2]) == 3
        (person,) = marked(key, Sheet(name, [("6", answer)])).people
        assert person.total == exercise.marks


def test_mistakes_are_named_and_have_no_marks(key: Key) -> None:
    for name in PEOPLE[:2]:
        for k, slot in enumerate(key.people[name], 1):
            for label, e, part in labels([slot.exercise]):
                for wrong in distractors(e.posed, part.name, part.answer, slot.exercise.printing, 2):
                    sheet = Sheet(name, [(f"{k}{label[1:]}", wrong.text)])
                    verdicts = {v.claim.split()[0]: v for v in marked(key, sheet).people[0].verdicts}
                    verdict = verdicts[f"{k}{label[1:]}"]
                    assert (verdict.good, verdict.mistake) == (False, wrong.mistake)


@pytest.mark.parametrize(
    "word",
    "1b|1B|1 b|1. b)|1(b)|Task 1 (b)|1b df/dx|1b) df/dx|1 df/dx|1: df/dx|q1b|1b:|{code} df/dx".split("|"),
)
def test_labels_as_people_write_them(key: Key, word: str) -> None:
    code = str(key.people["Cem"][0].exercise.code)
    (person,) = marked(key, Sheet("cem", [(word.format(code=code), answers(key, "Cem")[1][1])])).people
    assert person.total == 2.0, person.verdicts
    assert (person.student, person.possible) == ("Cem", 14.0)


def test_names_that_are_asked_for_once_need_no_label(key: Key) -> None:
    said = {"1 q": 0, "dL/dw": 4, "linear1[0].w[0]": 7, "E after": 8, "2": 3}
    own = answers(key, "Cem")
    (person,) = marked(key, Sheet("Cem", [(word, own[k][1]) for word, k in said.items()])).people
    assert person.right == 5
    (person,) = marked(key, Sheet("Cem", [("df/dx", "3")])).people
    assert person.verdicts[-1].says.startswith("df/dx is asked for in 1b and 2 and 4")


def test_a_letter_is_the_option(key: Key) -> None:
    part = key.people["Cem"][1].exercise.parts[0]
    right = "ABCD"[[option.mistake for option in part.options].index(None)]
    text = part.answer.text
    for letter in "ABCD":
        for answer in (f"({letter.lower()})", f"{letter})", f"{letter}: {text}", f"{letter} ({text})"):
            (person,) = marked(key, Sheet("Cem", [("2", answer)])).people
            assert person.total == (3.0 if letter == right else 0.0), answer
            if text in answer and letter != right:
                assert f"not {text}" in person.verdicts[-1].says
    (person,) = marked(key, Sheet("Cem", [("2", "E")])).people
    assert person.verdicts[-1].says == "E is no option; there are A, B, C, D"


def test_what_is_nobodys_or_nothings_is_told(key: Key) -> None:
    found = marked(key, Sheet("Zoe", []), Sheet("Ben_Li", [("7", "1"), ("1a", "?")]), everybody=True)
    ben = next(person for person in found.people if person.student == "Ben/Li")
    assert [person.student for person in found.people] == [*PEOPLE, "Zoe"]
    assert "is not in the key" in str(found.people[-1].fault)
    assert "7 is not asked for" in ben.verdicts[-1].says
    assert [v.verdict for v in found.people[0].verdicts] == ["missing"] * 10
    assert {person.possible for person in found.people[:3]} == {14.0}


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_keys_of_every_version_mark_unchanged(path: Path) -> None:
    key = key_of(str(path))
    for name in key.people:
        (person,) = marked(key, Sheet(name, answers(key, name))).people
        assert person.total == person.possible
    assert read_key(written(key), "again").people.keys() == key.people.keys()


def test_the_command(run: Any, key: Key, tmp_path: Path) -> None:
    path, folder = tmp_path / "key.json", tmp_path / "answers"
    path.write_text(written(key))
    folder.mkdir()
    lines = [f"{label} = {answer}" for label, answer in answers(key, "Ben/Li")]
    (folder / "x.txt").write_text("\n".join([f"code = {key.people['Ben/Li'][2].exercise.code}", *lines]))
    (folder / "Cem.yaml").write_text("1a: 3\n2: A\n")
    (folder / "Anna Ott.txt").write_text(
        "I rounded 3.\n" + "".join(f"{a}: {b}\n" for a, b in answers(key, "Anna Ott"))
    )
    words = ("check", "--exercise", str(path), "--claims")
    out = run(*words, str(folder), "--format", "csv").out.splitlines()
    assert out[0].startswith("student,marks,of,1a q,1b df/dx")
    assert [line.split(",")[:3] for line in out[1:3]] == [["Anna Ott", "14", "14"], ["Ben/Li", "14", "14"]]
    table = tmp_path / "all.csv"
    own = answers(key, "Cem")
    table.write_text(f"student,{','.join(label for label, _ in own)}\nCem,{','.join(x for _, x in own)}\n")
    run(*words, str(table), "--student", "Cem").answered()
    run(*words, str(table), "--student", "Cem", "--format", "gradescope").answered()
    for more, says in (
        (("--marks", "1a=3"), "the key says what everything is worth"),
        (("x^2",), "by the numbers of the key"),
    ):
        assert says in run(*words, str(table), *more).refused(2).err
    assert (
        "no key of exercises" in run("check", "--exercise", str(table), "--claims", str(table)).refused(2).err
    )
