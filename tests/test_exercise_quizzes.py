"""Questions for learning platforms: Moodle's XML, QTI 1.2 for Canvas, QTI 2.1."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import pytest

from backprop_cli.exercises.classes import draw_class
from backprop_cli.exercises.key import Key, labels
from backprop_cli.exercises.sheet import read_sheet
from backprop_cli.exercises.tasks import Usual
from backprop_cli.render.exercise_files import files
from backprop_cli.render.quizzes import QTI_1, QTI_2

PEOPLE = ["Anna & Ott", "Ben <Li>"]
SHEET = """\
title: "Sheet 3/4 & more"
tasks:
  - program: "q = {m}*x + y; f = q*z"
    draw: {m: [2, 3, 4], x: -5..5, y: 2..9, z: [-4, -3, 3, 4]}
    ask: {q: 1, df/dx: 2.5}
  - {kind: chain, level: 3, ask: {df/dx: 3}, form: choice}
  - {kind: neuron, level: 4, ask: {dL/dw: 1.5}}
  - {kind: update, level: 2}
  - {program: "f = {a}*x^2", draw: {a: [3e-13, 7e-13], x: 0.11..0.99/0.01}, ask: df/dx}
  - {kind: paths, level: 2, form: choice, ask: {df/dx: 1, df/dy: 1}}
"""
GAP = re.compile(r"\{(\d+):(NUMERICAL|MULTICHOICE_V):(.*?)\}")
ANSWER = re.compile(r"(=?)([^:#]+)(?::([^#]+))?(?:#(.+))?")
"""Moodle's embedded answers: right or not, number, tolerance, feedback."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Key, dict[str, bytes]]:
    path = tmp_path_factory.mktemp("sheets") / "sheet.yaml"
    path.write_text(SHEET)
    key = draw_class(read_sheet(str(path), Usual()), PEOPLE, "w3")
    return key, dict(files(key, ("moodle", "qti12", "qti21"), "none"))


def parts(key: Key) -> dict[str, tuple[str, float, float]]:
    """Return what is asked by its identifier: the right number, half a unit of it, and marks."""
    return {
        f"t{e.code}-{label}": (part.answer.text, 0.5 * part.answer.unit, part.marks)
        for slots in key.people.values()
        for label, e, part in labels([slot.exercise for slot in slots])
    }


def test_moodle(made: tuple[Key, dict[str, bytes]]) -> None:
    key, found = made
    root = ET.fromstring(found["moodle.xml"])
    categories = [each.findtext("category/text") for each in root.findall("question[@type='category']")]
    assert categories == [f"$course$/Sheet 3//4 & more/{k}" for k in range(1, 7)]
    left = dict(parts(key))
    for question in root.findall("question"):
        kind = question.get("type")
        if kind == "category":
            continue
        ident, answers = str(question.findtext("idnumber")), question.findall("answer")
        shown = str(question.findtext("questiontext/text"))
        assert ET.fromstring(f"<div>{shown}</div>").findall("p")
        assert re.search(r"\\\(.*\\\)", shown)
        if kind == "cloze":
            for letter, (weight, how, gap) in zip("abc", GAP.findall(shown), strict=False):
                text, half, marks = left.pop(ident + letter)
                assert float(weight) == marks * (2 if ident.endswith("-1") else 1)  # 1 : 2.5
                matches = [ANSWER.fullmatch(each) for each in gap.split("~")]
                gaps = [match.groups() for match in matches if match is not None]
                assert len(gaps) == len(matches) > 1
                assert [number for right, number, _, _ in gaps if right] == [text]
                assert all(bool(says) != bool(right) for right, _, _, says in gaps)
                margins = {margin and float(margin) for _, _, margin, _ in gaps}
                assert margins == {half if how == "NUMERICAL" else None}
            continue
        text, half, marks = left.pop(ident)
        assert float(str(question.findtext("defaultgrade"))) == marks
        assert [a.get("fraction") for a in answers if a.findtext("text") == text] == ["100"]
        assert {a.get("fraction") for a in answers if a.findtext("text") != text} == {"0"}
        for answer in answers:
            assert bool(answer.findtext("feedback/text")) == (answer.get("fraction") == "0")
            tolerance = answer.findtext("tolerance")
            assert (
                (tolerance is None)
                if kind == "multichoice"
                else float(str(tolerance)) == pytest.approx(half, rel=1e-12, abs=0.0)
            )
        assert text not in re.sub(r"at x.*?</p>|\\\(.*?\\\)", "", shown)
    assert not left


def test_qti_12(made: tuple[Key, dict[str, bytes]]) -> None:
    key, found = made
    archive = zipfile.ZipFile(io.BytesIO(found["qti12.zip"]))
    assert archive.namelist() == ["imsmanifest.xml", "quiz.xml"]
    names = {"q": QTI_1}
    root = ET.fromstring(archive.read("quiz.xml"))
    items = root.findall(".//q:item", names)
    assert {item.get("ident") for item in items} == parts(key).keys()
    assert len(root.findall(".//q:selection_number", names)) == 9
    for item in items:
        text, half, _ = parts(key)[str(item.get("ident"))]
        kind, _ = (e.text for e in item.findall(".//q:fieldentry", names))
        (scored,) = [
            c for c in item.findall(".//q:respcondition", names) if c.find("q:setvar", names) is not None
        ]
        linked = {e.get("linkrefid") for e in item.findall(".//q:displayfeedback", names)}
        assert linked == {e.get("ident") for e in item.findall("q:itemfeedback", names)}
        assert linked
        exact = scored.find(".//q:varequal", names)
        assert exact is not None
        if kind == "numerical_question":
            assert (exact.text, exact.get("margintype")) == (text, "absolute")
            assert float(str(exact.get("margin"))) == pytest.approx(half, rel=1e-12, abs=0.0)
            low, high = (
                float(str(scored.findtext(f".//q:{tag}", namespaces=names))) for tag in ("vargte", "varlte")
            )
            assert (low, high) == pytest.approx((float(text) - half, float(text) + half), rel=1e-12, abs=0.0)
        else:
            options = {e.get("ident"): e.findtext(".//q:mattext", namespaces=names) for e in
                       item.findall(".//q:response_label", names)}  # fmt: skip
            assert options[exact.text] == text
            assert len(set(options.values())) == 4


def test_qti_21(made: tuple[Key, dict[str, bytes]]) -> None:
    key, found = made
    archive = zipfile.ZipFile(io.BytesIO(found["qti21.zip"]))
    manifest = archive.read("imsmanifest.xml").decode()
    names = {"q": QTI_2}
    items = [name for name in archive.namelist() if name.startswith("items/")]
    assert sorted(items) == sorted(f"items/{ident}.xml" for ident in parts(key))
    for name in items:
        assert f'href="{name}"' in manifest
        item = ET.fromstring(archive.read(name))
        text, half, _ = parts(key)[str(item.get("identifier"))]
        right = str(item.findtext(".//q:correctResponse/q:value", namespaces=names))
        choices = {e.get("identifier"): e.text for e in item.findall(".//q:simpleChoice", names)}
        assert choices.get(right, right) == text
        if not choices:
            equal = item.find(".//q:equal", names)
            assert equal is not None
            assert "e" not in str(equal.get("tolerance"))  # some runtimes take 5e-7 for a variable's name
            assert float(str(equal.get("tolerance")).split()[0]) == pytest.approx(half, rel=1e-12, abs=0.0)
        feedbacks = item.findall("q:modalFeedback", names)
        assert feedbacks
        assert all(e.text for e in feedbacks)


def test_packages_have_the_same_bytes_again(made: tuple[Key, dict[str, bytes]], tmp_path: Path) -> None:
    key, found = made
    assert dict(files(key, ("moodle", "qti12", "qti21"), "none")) == found
