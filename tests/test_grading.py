"""Grading: marks for what is asked, classes, reports for graders; the recipes of docs/grading.md, run."""

from __future__ import annotations

import ast
import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import xml.etree.ElementTree as ET
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, strict_json
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(ROOT / "benchmarks"))

from check_fuzz import BAD_SHEETS

from backprop_cli.checking.answers import read_target
from backprop_cli.checking.catalogue import mistakes
from backprop_cli.checking.claims import Judge, read_claim
from backprop_cli.checking.cures import CURES
from backprop_cli.engine.run import leaf_values, run
from backprop_cli.language.lower import lower
from backprop_cli.language.parser import parse

PAGE = (ROOT / "docs" / "grading.md").read_text("utf-8")
CLAIMS = ROOT / "tests" / "claims"
TEN = CLAIMS / "ten"
LOSS = ("--file", str(ROOT / "sample_inputs" / "loss.bp"))
MARKS = ("--marks", "d=1,dL/da=2,dL/db=2")
SECTIONS = {title: text for title, _, text in (part.partition("\n") for part in PAGE.split("\n## "))}
RIGHT = b"d: -6\ndL/da: 4\ndL/db: a*f\n"

posix = pytest.mark.skipif(sys.platform == "win32", reason="the recipes are for a POSIX shell")


def graded(run, *args, stdin="", status=None):
    """Judge the loss of the samples; return the people of the JSON report."""
    result = run("check", *LOSS, "--claims", "-", *args, "--format", "json", stdin=stdin)
    assert "Traceback" not in result.err
    if status is not None:
        assert result.status == status, result.out + result.err
    return result.json["people"]


def verdicts(person):
    return [(v["claim"], v["verdict"], v["marks"], v["of"]) for v in person["verdicts"]]


# --- what is an answer -------------------------------------------------------------------------


@pytest.mark.parametrize("answer", ["d", "a*b", "d + 0", "v2", "L/f - c", "a*b + 0*c"])
def test_a_value_at_a_point_is_a_number(run, answer):
    (person,) = graded(run, stdin=f"d: {answer}\n")
    (verdict,) = person["verdicts"]
    assert verdict["verdict"] != "right"
    assert person["marks"] == 0


def test_the_program_handed_in_earns_nothing_for_its_formulas(run):
    result = run("check", *LOSS, "--claims", LOSS[1], "--format", "json")
    (person,) = result.json["people"]
    assert (person["right"], person["claims"]) == (0, 7)
    said = {v["claim"]: v["says"] for v in person["verdicts"]}
    assert {said[name] for name in ("d", "e", "L")} == {"wrong: a number is asked for"}


@pytest.mark.parametrize("answer", ["-6", "3*-2", "-6.0", "-sqrt(36)", "-12/2"])
def test_a_constant_expression_is_a_number(run, answer):
    graded(run, stdin=f"d: {answer}\n", status=0)


def test_a_derivative_may_be_a_formula_over_inputs_and_steps(run):
    graded(run, stdin="dL/da: b*f\ndL/dd: f\ndL/df: d + c\ndL/dc: L/e\n", status=0)


def test_half_marks_for_a_known_mistake_are_not_given_for_a_copy(run):
    (person,) = graded(run, *MARKS, "--credit", "named=0.5", stdin="d: a*b\ndL/da: -4\n")
    assert [v["marks"] for v in person["verdicts"]] == [0, 1, 0]


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        ("d=d", "wrong: the answer names d itself"),
        ("d=1*d", "wrong: the answer names d itself"),
        ("d=L-a", "wrong: the answer names L, which is computed from d"),
        ("d=a*b", "right (proved equal)"),
        ("L=d+a", "right (proved equal)"),
    ],
)
def test_a_value_in_general_is_told_by_what_comes_before_it(run, claim, words):
    assert words in run("check", "d = a*b; L = d + a", "--claim", claim).out


def test_a_name_the_program_does_not_have_is_said_to_be_the_output(run):
    result = run("check", "x^2", "--x", "3", "--claim", "z=6")
    assert "this is the derivative of z by x, not its value" in result.out
    assert result.err == "note: z is taken for the value of x^2\n"
    assert run("check", "x^2", "--x", "3", "--claim", "z=9").answered().err == ""


# --- what is asked -----------------------------------------------------------------------------


def test_what_is_left_out_is_missing(run):
    (person,) = graded(run, *MARKS, stdin="dL/da: 4\n", status=1)
    assert verdicts(person) == [("dL/da", "right", 2, 2), ("d", "missing", 0, 1), ("dL/db", "missing", 0, 2)]
    assert (person["marks"], person["of"]) == (2, 5)


def test_what_is_not_asked_earns_nothing(run):
    (person,) = graded(run, "--marks", "a=2", stdin="L: -4\na: 4\ne: 7\n", status=1)
    assert verdicts(person) == [("L", "right", 0, 0), ("dL/da", "right", 2, 2), ("e", "wrong", 0, 0)]
    assert (person["marks"], person["of"]) == (2, 2)


@pytest.mark.parametrize("marks", [(), ("--marks", "a=2")])
def test_of_one_quantity_the_first_answer_counts(run, marks):
    sheet = 'a: 4\ndL/da: 5\n"L\'(a)": 4\n∂L/∂a: 4\n'
    (person,) = graded(run, *marks, stdin=sheet, status=0)
    assert [v["verdict"] for v in person["verdicts"]] == ["right", "repeated", "repeated", "repeated"]
    of = 2 if marks else 1
    assert (person["marks"], person["of"], person["right"], person["claims"]) == (of, of, 1, 1)
    (person,) = graded(run, *marks, stdin="a: 5\ndL/da: 4\n", status=1)
    assert (person["marks"], person["of"]) == (0, of)


def test_a_blank_is_no_answer(run):
    (person,) = graded(run, stdin="student,a,dL/da\nanna,,4\n", status=0)
    assert verdicts(person) == [("dL/da", "right", 1, 1)]


def test_mixed_second_derivatives_are_one_quantity(run):
    result = run("check", "x^3*y", "--x", "1", "--y", "2", "--claims", "-", "--format", "json",
                 stdin="d2f/dxdy: 3\nd2f/dydx: 3\n")  # fmt: skip
    assert [v["verdict"] for v in result.json["people"][0]["verdicts"]] == ["right", "repeated"]


SPELLINGS = {"d": ["d", "D(", "Ω"], "a": ["a", "dL/da", "L'(a)", "∂L/∂a", "dL / da"], "b": ["b", "dL/db"]}
WORTH = {"d": 1.0, "a": 2.0, "b": 0.5}
ANSWERS = {
    "d": {"-6": True, "3*-2": True, "a*b": False, "d": False, "6": False, "-6,0": True, "[": False},
    "a": {"4": True, "b*f": True, "4.0": True, "-4": False, "a": False, "4 4": False},
    "b": {"-6": True, "a*f": True, "6": False, "undefined": False},
}
answers = st.sampled_from("dab").flatmap(
    lambda q: st.tuples(st.just(q), st.sampled_from(SPELLINGS[q]), st.sampled_from([*ANSWERS[q], "", "  "]))
)


@settings(max_examples=60)
@given(st.lists(answers, min_size=1, max_size=12))
def test_marks_are_for_the_first_answers_alone(run, sheet):
    lines = "".join(f"{name} = {answer}\n" for _, name, answer in sheet)
    marks = ("--marks", ",".join(f"{q}={worth}" for q, worth in WORTH.items()))
    (person,) = graded(run, *marks, stdin=f"# answers =\nL = 3\n{lines}")
    read = [(q, answer) for q, name, answer in sheet if name not in ("D(", "Ω") and answer.strip()]
    first = dict(reversed(read))
    earned = sum(WORTH[q] for q, answer in first.items() if ANSWERS[q][answer])
    assert (person["marks"], person["of"]) == (earned, 3.5)


def test_marks_are_in_any_spelling_but_once(run):
    sheet = "dL/da: 4\n"
    assert graded(run, "--marks", "L'(a)=3", stdin=sheet)[0]["marks"] == 3
    run("check", *LOSS, "--claims", "-", "--marks", "a=1,dL/da=2", stdin=sheet).refused(
        2, "dL/da is there twice"
    )
    (person,) = run("check", "x^2", "--x", "3", "--claim", "y=9", "--marks", "f=2", "--format", "json").json[
        "people"
    ]
    assert (person["marks"], person["of"]) == (2, 2)


def test_claims_of_the_command_line_are_judged_each(run):
    args = ("check", "x^2", "--claim", "x=2x", "--claim", "x=x", "--format", "json")
    (person,) = run(*args).json["people"]
    assert [v["verdict"] for v in person["verdicts"]] == ["right", "wrong"]
    (person,) = run(*args, "--marks", "x=2").json["people"]
    assert [(v["marks"], v["of"]) for v in person["verdicts"]] == [(2, 2), (0, 0)]


def test_whole_marks_have_no_point(run):
    result = run("check", *LOSS, "--claims", "-", *MARKS, "--credit", "named=0.1", "--format", "json",
                 stdin="d: 6\na: 4\nb: 6\n")  # fmt: skip
    assert re.findall(r'"marks": (\S+),', result.out) == ["2.3", "0.1", "2", "0.2"]


# --- a class's table ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "student"),
    [
        ("Timestamp,Your name,d,comment", "B"),
        ("Name,Email,d", "A"),
        ("Email,Name,d", "B"),
        ("id,name,d", "B"),
        ("First name,Surname,d", "A B"),
        ("Surname,First name,d", "B A"),
        ("Timestamp,What is your name?,d", "B"),
        ("Timestamp,who,d", "B"),
        ("who,section,d", "A"),
        ("email,d", "row 1"),
    ],
)
def test_which_column_is_the_student(run, header, student):
    columns = header.split(",")
    row = [{"d": "-6"}.get(title, "ABCD"[k]) for k, title in enumerate(columns)]
    (person,) = graded(run, stdin=f"{header}\n{','.join(row)}\n", status=0)
    assert person["student"] == student
    assert verdicts(person) == [("d", "right", 1, 1)]


def test_the_student_column_may_be_said(run):
    sheet = "Name,E_mail,d\nA,a@x.org,-6\n"
    (person,) = graded(run, "--student-column", "e mail", stdin=sheet, status=0)
    assert person["student"] == "a@x.org"
    run("check", *LOSS, "--claims", "-", "--student-column", "nam", stdin=sheet).refused(
        2, "did you mean Name?"
    )


def test_columns_that_are_no_claims_are_noted_once(run):
    sheet = "Timestamp,Your name,section,D,What is d?,d\n9:01,anna,1,-6,-6,-6\n9:02,ben,2,,,-6\n"
    result = run("check", *LOSS, "--claims", "-", "--format", "csv", stdin=sheet).answered()
    assert result.out == "student,marks,of,d\nanna,1,1,right\nben,1,1,right\n"
    notes = result.err.splitlines()
    assert [note[:15] for note in notes] == ["note: 'section'", "note: 'D' is no", "note: 'What is "]
    assert "did you mean d?" in notes[1]
    assert run("check", *LOSS, "--claims", "-", "-q", stdin=sheet).err == ""
    run("check", *LOSS, "--claims", "-", stdin="Name,D\nanna,-6\n").refused(2, "did you mean d?")


def test_a_misspelt_derivative_is_no_ordinary_column(run):
    people = graded(run, stdin="name,dL/dA\nanna,4\n", status=2)
    assert [v["verdict"] for v in people[0]["verdicts"]] == ["unreadable"]


def test_keys_of_a_class_that_are_no_claims(run):
    sheet = json.dumps([{"name": "anna", "email": "a@x", "section": 2, "d": -6}, {"name": "ben", "d": 6}])
    result = run("check", *LOSS, "--claims", "-", "--format", "csv", stdin=sheet)
    assert result.out == "student,marks,of,d\nanna,1,1,right\nben,0,1,wrong\n"
    assert result.err == "note: 'section' is not judged: the program has no section\n"


def test_one_persons_misspelt_key_is_unreadable(run):
    (person,) = graded(run, stdin="student: anna\nemail: a@x\nD: -6\nWhat is it: 3\n", status=2)
    assert [v["says"].partition(";")[0] for v in person["verdicts"]] == [
        "unreadable: the program has no D",
        "unreadable: the program has no What is it",
    ]


def test_two_rows_of_one_name_are_told_apart(run):
    sheet = "name,d\nanna,6\nben,-6\nanna,-6\n"
    result = run("check", *LOSS, "--claims", "-", "--format", "csv", stdin=sheet)
    assert [row.partition(",")[0] for row in result.out.splitlines()[1:]] == ["anna", "ben", "anna (2)"]
    assert "note: anna is there 2 times" in result.err
    gradescope = ("check", *LOSS, "--claims", "-", "--format", "gradescope", "--student")
    assert strict_json(run(*gradescope, "anna", stdin=sheet).out)["score"] == 0
    assert strict_json(run(*gradescope, "anna (2)", stdin=sheet).out)["score"] == 1


@pytest.mark.parametrize("end", ["csv", "tsv"])
def test_marks_in_a_spreadsheet(run, tmp_path, end):
    path = tmp_path / f"marks.{end}"
    run("check", *LOSS, "--claims", str(CLAIMS / "class.csv"), *MARKS, "-o", str(path))
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="," if end == "csv" else "\t"))
    assert list(rows[0]) == ["student", "marks", "of", "d", "dL/da", "dL/db"]
    assert [row["marks"] for row in rows] == ["5", "5", "5", "5", "5", "1", "1", "4", "1", "5"]
    assert all(int(r["marks"]) == int(r["d"]) + int(r["dL/da"]) + int(r["dL/db"]) for r in rows)


def test_a_students_name_is_no_formula_of_a_spreadsheet(run):
    sheet = 'name,d\n"=HYPERLINK(""http://x"")",-6\n@SUM(1),-6\n'
    (_, first, second) = csv.reader(io.StringIO(run("check", *LOSS, "--claims", "-", "--format", "csv",
                                                    stdin=sheet).out))  # fmt: skip
    assert (first[0], second[0]) == ('\'=HYPERLINK("http://x")', "'@SUM(1)")


def test_a_class_is_summed_up_in_a_line_each(run):
    for format_, bar in (("table", ""), ("markdown", "|")):
        result = run("check", *LOSS, "--claims", str(CLAIMS / "class.csv"), *MARKS, "--format", format_)
        lines = [line.strip("| ").replace("|", " ").split() for line in result.out.splitlines()]
        top = lines.index(["student", "right", "marks", "not", "right"])
        assert lines[top + 2] == ["anna", "5/5", "5/5"]
        assert lines[top + 8] == ["gus", "1/5", "1/5", "dL/da,", "dL/db,", "dL/dc,", "dL/de"]
        assert result.out.index("6 of 10 have full marks; 3.7 on average") < result.out.index("anna", 400)
        assert bar in result.out
    alone = run("check", *LOSS, "--claims", "-", stdin="name,d\nanna,-6\n").out
    assert "not right" not in alone


# --- a folder ----------------------------------------------------------------------------------


def test_a_folder_has_a_file_a_student(run, tmp_path):
    for name, text in {"b.yaml": "student: zoe\nd: -6\n", "a.txt": "d = 6", ".hidden": "d = 6",
                       "c.json": "[", "d.csv": "name,d\nx,1\ny,2\n", "e.yaml": ""}.items():  # fmt: skip
        (tmp_path / name).write_text(text, "utf-8")
    result = run("check", *LOSS, "--claims", str(tmp_path), "--marks", "d=2", "--format", "csv")
    assert result.status == 2
    rows = list(csv.DictReader(io.StringIO(result.out)))
    assert [(row["student"], row["marks"], row["of"]) for row in rows] == [
        ("a", "0", "2"), ("b", "2", "2"), ("c", "0", "2"), ("d", "0", "2"), ("e", "0", "2"),
    ]  # fmt: skip
    assert [bool(row["problem"]) for row in rows] == [False, False, True, True, True]
    assert "these are the answers of 2 people" in rows[3]["problem"]
    assert result.err.count("warning: ") == 3
    one = run(
        "check", *LOSS, "--claims", str(tmp_path), "--student", "b", "--format", "gradescope"
    ).answered()
    assert strict_json(one.out)["score"] == 1
    junit = assert_junit(run("check", *LOSS, "--claims", str(tmp_path), "--format", "junit").out)
    assert [suite.attrib["errors"] for suite in junit] == ["0", "0", "1", "1", "1"]


@posix
def test_what_is_no_file_in_a_folder(run, tmp_path):
    """A link earns no marks and prints no line of what it leads to; nothing is left out without a word."""
    answers = tmp_path / "answers"
    answers.mkdir()
    (answers / "sub.yaml").mkdir()
    run("check", *LOSS, "--claims", str(answers)).refused(2, "has no files of claims")
    (tmp_path / "solution.yaml").write_bytes(RIGHT)
    (tmp_path / "secret.txt").write_text("d = 6 hunter2", "utf-8")
    (answers / "anna.yaml").write_bytes(RIGHT)
    os.mkfifo(answers / "fifo.yaml")
    leads = {"ben": "../solution.yaml", "cat": "../secret.txt", "dan": "/dev/zero", "eve": "/etc",
             "fay": "nowhere", "loop": "loop.yaml"}  # fmt: skip
    for name, to in leads.items():
        (answers / f"{name}.yaml").symlink_to(to)
    result = run("check", *LOSS, "--claims", str(answers), *MARKS, "--format", "tsv")
    rows = [row.split("\t") for row in result.out.splitlines()[1:]]
    assert {row[0]: row[1] for row in rows} == {"anna": "5", "fifo": "0"} | dict.fromkeys(leads, "0")
    assert result.status == 2
    assert "hunter2" not in result.out + result.err
    assert result.err.count("it is a link, and those are not followed here") == len(leads)
    assert "fifo.yaml: it is no regular file" in result.err
    assert "sub.yaml is a folder: it is not read" in result.err


# --- reports on what cannot be read ------------------------------------------------------------

BROKEN = {
    "broken.yaml": (b"d: -6\nd: [\n", 2, "broken.yaml:3:1: "),
    "empty.yaml": (b"", 2, "the file is empty"),
    "unicode.txt": ("d = -6".encode("utf-16"), 2, "save the file as text with the encoding UTF-8"),
    "nul.txt": (b"d = -6\0", 2, "save the file as text"),
    "two.csv": (b"name,d\nanna,1\nben,2\n", 2, "--student NAME picks one"),
    "none.yaml": (None, 4, "No such file"),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("output", [False, True])
def test_gradescope_always_gets_a_report(run, tmp_path, name, output):
    data, status, words = BROKEN[name]
    if data is not None:
        (tmp_path / name).write_bytes(data)
    target = tmp_path / "results.json"
    result = run("check", *LOSS, "--claims", str(tmp_path / name), *MARKS, "--format", "gradescope",
                 *(("-o", str(target)) if output else ()))  # fmt: skip
    assert result.status == status
    assert words in result.err
    report = strict_json(target.read_text("utf-8") if output else result.out)
    assert_report(report)
    assert report["score"] == 0
    assert words in report["output"]
    assert [(t["name"], t["score"], t["max_score"]) for t in report["tests"]] == [
        ("d", 0, 1), ("dL/da", 0, 2), ("dL/db", 0, 2),
    ]  # fmt: skip


@pytest.mark.parametrize("which", BAD_SHEETS)
def test_whatever_is_handed_in_there_is_a_report(run, which):
    for format_ in ("gradescope", "junit"):
        args = ("--claims", "-", "--marks", "x=2,L=1", "--format", format_)
        result = run("check", "L = x^2*y", "--x", "1", "--y", "2", *args, stdin=BAD_SHEETS[which])
        assert result.status in (0, 1, 2)
        assert "Traceback" not in result.err
        if format_ == "junit":
            assert_junit(result.out)
        else:
            report = strict_json(result.out)
            assert_report(report)
            assert sum(test["max_score"] for test in report["tests"]) == 3


@pytest.mark.parametrize("name", [name for name in BROKEN if name != "two.csv"])
def test_junit_always_gets_a_report(run, tmp_path, name):
    data, status, words = BROKEN[name]
    if data is not None:
        (tmp_path / name).write_bytes(data)
    result = run("check", *LOSS, "--claims", str(tmp_path / name), "--format", "junit")
    assert result.status == status
    (suite,) = assert_junit(result.out)
    assert (suite.attrib["tests"], suite.attrib["errors"]) == ("1", "1")
    (error,) = suite.iter("error")
    assert words in error.attrib["message"]


# The attributes that Jenkins' junit-10.xsd knows, those it requires in capitals.
SCHEMA = {
    "testsuites": "name time tests failures errors",
    "testsuite": "NAME TESTS FAILURES ERRORS group time skipped timestamp hostname id package file log url",
    "testcase": "NAME time classname group",
    "failure": "type message",
    "error": "type message",
    "skipped": "type message",
}


def assert_junit(text: str) -> ET.Element:
    """Hold a document to the schema."""
    root = ET.fromstring(text)
    inner = {
        "testsuites": {"testsuite"},
        "testsuite": {"testcase"},
        "testcase": {"failure", "error", "skipped"},
    }
    assert root.tag == "testsuites"
    for element in root.iter():
        words = SCHEMA[element.tag].split()
        assert set(element.attrib) <= {word.lower() for word in words}
        assert {word.lower() for word in words if word.isupper()} <= set(element.attrib)
        assert {child.tag for child in element} <= inner.get(element.tag, set())
    return root


def test_junit_counts_what_it_holds(run):
    sheet = "name,d,a,dL/da,b\nanna,6,4,4,4+\nben,,4,,-6\n"
    for suite in ET.fromstring(
        run("check", *LOSS, "--claims", "-", *MARKS, "--format", "junit", stdin=sheet).out
    ):
        counted = [len(list(suite.iter(tag))) for tag in ("testcase", "failure", "error", "skipped")]
        assert counted == [int(suite.attrib[n]) for n in ("tests", "failures", "errors", "skipped")]


def test_faults_of_the_grader_are_no_reports(run):
    for args in (("--marks", "q=1"), ("--student-column", "x", "--claim", "a=4"), ("--credit", "x=1")):
        run("check", *LOSS, "--claims", "-", "--format", "gradescope", *args, stdin="d: -6").refused(2)


# --- what students write -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("german.csv", "student;d;a\nanna;-6,0;4\n"),
        ("moodle.csv", "Nachname, Vorname;d;a\nÅ, Anna;-6,0;4\n"),
        ("a.yaml", "d: -6,0\na: 4\n"),
        ("a.txt", "d = -6,0\na=4"),
    ],
)
def test_a_decimal_comma_is_read(run, tmp_path, name, text):
    (tmp_path / name).write_text(text, "utf-8")
    result = run("check", *LOSS, "--claims", str(tmp_path / name), "--format", "json")
    first, second = result.json["people"][0]["verdicts"]
    assert (first["verdict"], second["verdict"]) == ("right", "right")
    assert first["read_as"] == "-6.0"


@pytest.mark.parametrize("name", ["answers.yaml", "answers.yml", "-"])
def test_lines_in_a_yaml_file(run, tmp_path, name):
    text = "# mine\nd = -6\ndL/da = 4\n"
    path = name if name == "-" else str(tmp_path / name)
    if name != "-":
        Path(path).write_text(text, "utf-8")
    run("check", *LOSS, "--claims", path, stdin=text).answered()


@pytest.mark.parametrize("sheet", ['{"d": true, "a": 4}', '{"d": [1], "a": 4}', '{"d": ["-6"], "a": 4}'])
def test_an_answer_that_is_no_text_does_not_stop_the_others(run, sheet):
    (person,) = graded(run, stdin=sheet, status=2)
    assert [v["verdict"] for v in person["verdicts"]] == ["unreadable", "right"]


# --- what is seen ------------------------------------------------------------------------------


def test_the_heading_has_no_comments(run):
    result = run("check", *LOSS, "--claim", "d=6").out.splitlines()
    assert result[0] == "d = a*b; e = d + c; L = e*f at a = 3, b = -2, c = 8, f = -2"


def test_lines_are_no_longer_than_a_page(run, tmp_path):
    sheet = "name,d,a\nzoe,-6,-2\n" + f"eve,{'+'.join(['1'] * 300)},{'x' * 1500}\n"
    for args in ((), ("-o", str(tmp_path / "out.txt"))):
        result = run("check", *LOSS, "--claims", "-", *args, stdin=sheet)
        text = (tmp_path / "out.txt").read_text("utf-8") if args else result.out
        assert max(map(len, text.splitlines())) <= 170
        assert re.search(r"zoe: .*\n(.*\n)+.*taken: what comes\n? *back to it is", text)


def test_a_simpler_reason_is_not_joined_by_another_point(run):
    assert "another point" not in run("check", *LOSS, "--claim", "d=6").out
    assert "another point" in run("check", "x^2 + x", "--x", "3.25", "--claim", "x=9.50").out


def test_an_example_point_is_called_one(run):
    out = run("check", "x^2*sin(x)", "--claim", "x=2x*cos(x)", "--reveal").out
    assert re.search(r"x\*\(x\*cos\(x\) \+ 2\*sin\(x\)\), for instance\s", out)


def test_hints_of_check_are_about_check(run):
    run("check").refused(2, "backprop check")
    config = str(ROOT / "sample_inputs" / "hand.yaml")
    run("check", config, "--claim", "foo=1").refused(2, "names: E, linear1[0].w[0], ", "linear1[0].z")


def test_a_training_step_takes_what_it_overrides(run):
    config = str(ROOT / "sample_inputs" / "mazur.yaml")
    run("check", config, "optimizer.learning_rate=0", "--claim", "linear2[0].w[0]=0.4").answered()
    (person,) = run("check", config, "--claims", "-", "--marks", "E=1,E after=2", "--format", "json",
                    stdin="loss: 0.298371109\nE: 0.298371109\n").json["people"]  # fmt: skip
    assert verdicts(person) == [("E", "rounded", 1, 1), ("E", "repeated", 0, 0), ("E after", "missing", 0, 2)]


# --- the recipes -------------------------------------------------------------------------------


def recipe(section: str, start: str) -> str:
    """Return the one block of a section that starts so."""
    blocks = re.findall(r"^```\w+\n(.*?)^```$", SECTIONS[section], re.MULTILINE | re.DOTALL)
    (found,) = [block for block in blocks if block.startswith(start)]
    return found


AUTOGRADER = recipe("Gradescope", "#!/usr/bin/env bash\n# Judge")
CELL = recipe("nbgrader", "### BEGIN HIDDEN TESTS\n")
SOLUTION = recipe("nbgrader", "answers = {\n")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with the program, backprop and python on the path."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    scripts = sysconfig.get_path("scripts")
    monkeypatch.setenv("PATH", os.pathsep.join((scripts, os.environ["PATH"])))
    shutil.copy(ROOT / "sample_inputs" / "loss.bp", tmp_path)
    return tmp_path


@posix
def test_a_folder_gives_the_marks_that_the_page_shows(folder):
    shutil.copytree(TEN, folder / "answers")
    check = "backprop check --file loss.bp --claims answers --marks d=1,dL/da=2,dL/db=2"
    command = recipe("One file a student", f"{check} -o")
    done = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    marks = (folder / "marks.csv").read_text("utf-8")
    assert marks == recipe("One file a student", "student,")
    rows = {row["student"]: row["marks"] for row in csv.DictReader(io.StringIO(marks))}
    assert list(rows) == sorted(path.stem for path in TEN.iterdir())
    assert list(rows.values()) == list("5555541204")
    command = recipe("One file a student", f"{check} --for student")
    done = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    sentences = {path.name: path.read_text("utf-8") for path in (folder / "feedback").iterdir()}
    assert [f"{name}.txt" for name in rows] == sorted(sentences)
    assert "the sign is wrong; go through the signs once more" in sentences["fay.txt"]
    assert "answers/ivan.yaml:3:6: " in sentences["ivan.txt"]


CLASS = "name,d,dL/da\nanna,-6,4\nBen/Li,6,4\nAnna,-6,2\n"


@pytest.mark.parametrize(
    ("format_", "ending"),
    [("table", "txt"), ("json", "json"), ("junit", "xml"), ("gradescope", "json"), ("markdown", "md")],
)
def test_a_class_has_a_file_for_each_in_a_folder(run, tmp_path, format_, ending):
    folder = tmp_path / "new"
    args = ("check", *LOSS, "--claims", "-", "--format", format_)
    done = run(*args, "-o", f"{folder}/", stdin=CLASS)
    assert done.status == 1
    assert (done.out, done.err) == ("", f"wrote 3 files to {folder}/\n")
    stems = {"anna": "anna", "Ben/Li": "Ben_Li", "Anna": "Anna_2"}
    assert sorted(p.name for p in folder.iterdir()) == sorted(f"{s}.{ending}" for s in stems.values())
    for name, stem in stems.items():
        alone = run(*args, "--student", name, stdin=CLASS).out
        assert (folder / f"{stem}.{ending}").read_text("utf-8") == alone


def test_a_folder_is_for_files_of_people(run, tmp_path):
    answers = tmp_path / "answers"
    answers.mkdir()
    (answers / "anna.yaml").write_bytes(RIGHT)
    run("check", *LOSS, "--claim", "d=-6", "-o", str(answers)).refused(2, "is for --claims FILE")
    told = run("check", *LOSS, "--claims", str(answers), "-o", f"{answers}/").refused(
        2, "the answers are there"
    )
    assert "-o feedback/" in told.err
    table = ("check", *LOSS, "--claims", "-", "--format", "csv", "-o", str(answers))
    run(*table, stdin=CLASS).refused(2, "csv has a row a person, in one file")
    of_all = run("check", *LOSS, "--claims", "-", "--format", "gradescope", stdin=CLASS)
    assert "here are 3\n  hint: -o results/ writes a file for each" in of_all.err
    assert [p.name for p in answers.iterdir()] == ["anna.yaml"]


# --- Gradescope --------------------------------------------------------------------------------

# What Gradescope's page on results.json allows.
REPORT = {"score": (int, float), "output": str, "tests": list}
TEST = {"name": str, "score": (int, float), "max_score": (int, float), "status": str, "output": str}


def assert_report(report: dict[str, Any]) -> None:
    """Hold a report to the format."""
    assert set(report) <= set(REPORT)
    assert {"score", "tests"} <= set(report)
    for key, value in report.items():
        assert isinstance(value, REPORT[key]), key
    for test in report["tests"]:
        assert list(test) == list(TEST)
        for key, kind in TEST.items():
            assert isinstance(test[key], kind), key
        assert test["status"] in ("passed", "failed")
        assert 0 <= test["score"] <= test["max_score"]
    assert report["score"] == sum(test["score"] for test in report["tests"])


def autograded(folder: Path, backprop: str = f"{sys.executable} -P -m backprop_cli") -> dict[str, Any]:
    """Run the autograder of the page on ``folder``/autograder/submission."""
    home = folder / "autograder"
    (home / "source").mkdir(parents=True)
    (home / "submission").mkdir(exist_ok=True)
    (home / "results").mkdir()
    shutil.copy(folder / "loss.bp", home / "source")
    script = home / "run_autograder"
    text = AUTOGRADER.replace("/autograder/", f"{home}/").replace("/opt/backprop/bin/backprop", backprop)
    script.write_text(text, "utf-8")
    done = subprocess.run(["bash", script], cwd=home, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert "Traceback" not in done.stderr
    report: dict[str, Any] = strict_json((home / "results" / "results.json").read_text("utf-8"))
    return report


HOSTILE = b'd: __import__("os").system("touch hacked")\ndL/da: 4\ndL/db: 9^9^9^9\n'


@posix
@pytest.mark.parametrize(
    ("answers", "scores", "says"),
    [
        pytest.param(RIGHT, [1, 2, 2], "", id="right"),
        pytest.param(b"d: 6\ndL/da: 4\ndL/db: 5\n", [0, 2, 0], "the sign is wrong", id="wrong"),
        pytest.param(b"dL/da: 4\n", [0, 2, 0], "d: no answer", id="one alone"),
        pytest.param(b"a: 4\ndL/da: 5\ne: 2\nL: -4\n", [0, 2, 0], "dL/da = 4: right", id="padded"),
        pytest.param(b"d: d\ndL/da: b*f\n", [0, 2, 0], "d = d: wrong: a number is", id="its own name"),
        pytest.param(b"d: -0.6E+1\n", [1, 0, 0], "d = -0.6E+1: right", id="exponent"),
        pytest.param(b"", [0, 0, 0], "answers.yaml:1:1: the file is empty", id="empty"),
        pytest.param(None, [0, 0, 0], "answers.yaml: No such file or directory", id="no file"),
        pytest.param(b"d: [\n", [0, 0, 0], "answers.yaml:2:1: the text ends inside the bracket", id="broken"),
        pytest.param("d: -6".encode("utf-16"), [0, 0, 0], "byte 0xff is not valid UTF-8", id="encoding"),
        pytest.param(b"- d: -6\n- d: -6\n", [0, 0, 0], "here are 2; -o results", id="two people"),
        pytest.param(b"d: !!python/object/apply:os.abort []\n", [0, 0, 0], "no tags in a file", id="tag"),
        pytest.param(HOSTILE, [0, 2, 0], "unreadable: a name starts with a letter", id="hostile"),
        pytest.param(
            b"d: '[red]-6[/red]'\ndL/db: -6\n", [0, 0, 2], "d = [red]-6[/red]: unreadable", id="markup"
        ),
        pytest.param(b"a" * (2 << 20), [0, 0, 0], "larger than 1,048,576 bytes", id="large"),
        pytest.param(b"[" * 100_000, [0, 0, 0], "nested deeper than", id="deep"),
    ],
)
def test_gradescope(folder, answers, scores, says):
    submission = folder / "autograder" / "submission"
    submission.mkdir(parents=True)
    if answers is not None:
        (submission / "answers.yaml").write_bytes(answers)
    report = autograded(folder)
    assert_report(report)
    asked = {t["name"]: (t["score"], t["max_score"]) for t in report["tests"] if t["max_score"]}
    assert asked == dict(zip(("d", "dL/da", "dL/db"), zip(scores, (1, 2, 2), strict=True), strict=True))
    assert says in "\n".join([report.get("output", ""), *(test["output"] for test in report["tests"])])
    assert not list(folder.rglob("hacked"))


@posix
def test_no_file_beside_the_answers_gets_a_say(folder):
    submission = folder / "autograder" / "submission"
    for name in ("backprop_cli", "click"):
        (submission / name).mkdir(parents=True)
        (submission / name / "__init__.py").write_text("raise SystemExit(9)\n", "utf-8")
    (submission / "json.py").write_text("raise SystemExit(9)\n", "utf-8")
    (submission / "answers.yaml").write_bytes(RIGHT)
    (submission / "zzz.yaml").write_bytes(b"d: 6\n")
    assert autograded(folder)["score"] == 5


@posix
def test_a_fault_of_the_judge_is_said(folder):
    report = autograded(folder, "false")
    assert report == {"score": 0, "output": "the grader failed: tell your teacher"}


@posix
def test_the_scripts_are_shell_and_the_zip_holds_what_they_need():
    scripts = recipe("Gradescope", "#!/usr/bin/env bash\nset -e"), recipe("Gradescope", "pip wheel")
    for script in (*scripts, AUTOGRADER):
        subprocess.run(["bash", "-n", "-c", script], check=True)
    assert "cp setup.sh run_autograder loss.bp autograder\n" in scripts[1]
    assert "/opt/backprop/bin/pip install" in scripts[0]
    assert "/opt/backprop/bin/backprop check" in AUTOGRADER


# --- nbgrader ----------------------------------------------------------------------------------


def partial_credit(folder: Path, answers: str) -> float:
    """Run the student's cell and the test cell as a kernel does: the last expression is the marks."""
    tree = ast.parse(CELL)
    last = tree.body[-1]
    assert isinstance(last, ast.Expr)
    tree.body[-1:] = ast.parse("_marks = 0").body
    assert isinstance(tree.body[-1], ast.Assign)
    tree.body[-1].value = last.value
    code = f"{answers}\n{ast.unparse(tree)}\nimport sys; print(repr(_marks), file=sys.stderr)\n"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )
    return float(done.stderr) if done.returncode == 0 else 0.0


CELLS = {
    SOLUTION: 5.0,
    'answers = {"d": 6, "dL/da": 4.0}': 2.0,
    'answers = {"d": "6", "dL/da": -4, "dL/db": 7}': 0.0,
    'answers = {"d": 1/0}': 0.0,
    "answers = {}": 0.0,
    "pass": 0.0,
    "answers = [1, 2]": 0.0,
    'answers = {"a": 4, "dL/da": 4, "L": -4, "e": 2}': 2.0,
    'import numpy as np\nanswers = {"d": np.float64(-6), "dL/da": np.array(4.0), "dL/db": 3*-2}': 5.0,
    'answers = {"d": "__import__(\'os\').abort()", "dL/da": float("nan"), ("x",): object()}': 0.0,
}


@posix
@pytest.mark.parametrize("answers", CELLS, ids=range(len(CELLS)))
def test_the_cell_ends_in_the_marks(folder, answers):
    assert partial_credit(folder, answers) == CELLS[answers]


@pytest.mark.skipif(find_spec("nbgrader") is None, reason="nbgrader is not installed")
def test_nbgrader_gives_these_marks(folder):
    import nbformat
    from nbgrader.api import Gradebook

    def nbgrader(*args: str) -> None:
        command = [sys.executable, "-m", "nbgrader", *args]
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)

    def cell(source: str, **facts: object) -> Any:
        facts = {"schema_version": 3, "task": False, **facts}
        return nbformat.v4.new_code_cell(source.rstrip("\n"), metadata={"nbgrader": facts})

    environment = os.environ | {"JUPYTER_PREFER_ENV_PATH": "1"}
    source = folder / "source" / "ps1"
    source.mkdir(parents=True)
    shutil.copy(folder / "loss.bp", source)
    notebook = nbformat.v4.new_notebook(
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    )
    notebook.cells = [
        cell(SOLUTION, grade=False, solution=True, locked=False, grade_id="answers"),
        cell(CELL, grade=True, solution=False, locked=True, grade_id="marks", points=5),
    ]
    nbformat.write(notebook, source / "ps1.ipynb")
    (folder / "nbgrader_config.py").write_text(
        'c = get_config()\nc.CourseDirectory.course_id = "c"\n', "utf-8"
    )
    nbgrader("generate_assignment", "ps1")
    released = nbformat.read(folder / "release" / "ps1" / "ps1.ipynb", 4)
    assert "-6" not in released.cells[0].source
    assert not released.cells[1].source
    for number, answers in enumerate(CELLS):
        handed_in = folder / "submitted" / f"student{number}" / "ps1"
        shutil.copytree(folder / "release" / "ps1", handed_in)
        (handed_in / "loss.bp").write_text("d = 1\n", "utf-8")  # the teacher's is put back
        released.cells[0].source = answers
        nbformat.write(released, handed_in / "ps1.ipynb")
    nbgrader("autograde", "ps1")
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as book:
        found = {each.student.id: each.score for each in book.assignment_submissions("ps1")}
    assert found == {f"student{number}": marks for number, marks in enumerate(CELLS.values())}


# --- files of a real course -----------------------------------------------------------------------

COURSE = """Nachname;Vorname;Antwort 1;2. Was ist dL/da?;Status
Ahm;Ben;-6;0,5;beendet
Bo;Ina;-6,0;4,0;beendet
Ahm;Ben;−6;;beendet
Ahm;Ben;6;4;beendet
"""


@pytest.mark.parametrize(
    ("keep", "marks"), [("first", [1, 3]), ("last", [2, 3]), ("best", [2, 3]), (None, [1, 3, 1, 2])]
)
def test_which_hand_in_counts(run, keep, marks):
    args = ("--columns", "antwort 1=d,2. Was ist dL/da?=dL/da", "--marks", "d=1,a=2")
    args += ("--keep", keep) if keep else ()
    people = graded(run, *args, stdin="\ufeff" + COURSE)
    assert [person["marks"] for person in people] == marks
    names = ["Ben Ahm", "Ina Bo"] if keep else ["Ben Ahm", "Ina Bo", "Ben Ahm (2)", "Ben Ahm (3)"]
    assert [person["student"] for person in people] == names


def test_columns_are_of_the_table_and_of_the_program(run):
    args = ("check", *LOSS, "--claims", "-", "--columns")
    run(*args, "Antwort 2=d", stdin=COURSE).refused(2, "no column Antwort 2")
    run(*args, "Antwort 1=q", stdin=COURSE).refused(2, "--columns: the program has no q")
    run(*args, "Antwort 1", stdin=COURSE).refused(2, "is not TITLE=NAME")
    run("check", *LOSS, "--claim", "d=-6", "--keep", "last").refused(2, "--keep is for --claims FILE")
    run("check", *LOSS, "--claims", str(TEN), "--keep", "last").refused(2, "--keep is for a table")


def test_thousands_or_decimals_where_the_file_tells(run):
    args = ("check", "x/3", "--x", "37.138", "--claims", "-", "--format", "json")
    sheets = {
        "student;f;x\nanna;12,379;0,333\n": "right to 5 digits",
        "student;f\nanna;12,379\n": "unreadable",
    }
    for sheet, says in sheets.items():
        assert run(*args, stdin=sheet).json["people"][0]["verdicts"][0]["says"].startswith(says)


def test_how_each_question_went(run):
    sheet = "student,d,a\nanna,-6,4\nben,6,\nzoe,-6,5\n"
    found = run("check", *LOSS, "--claims", "-", "--marks", "d=1,a=1", "--format", "json", stdin=sheet).json[
        "class"
    ]
    assert (found["average"], found["median"]) == (1.0, 1)
    assert found["questions"] == [
        {"claim": "d", "right": 2, "blank": 0, "people": 3, "mistakes": {"sign lost": 1}},
        {"claim": "dL/da", "right": 1, "blank": 1, "people": 3, "mistakes": {}},
    ]


MAZUR = str(ROOT / "sample_inputs" / "mazur.yaml")
ARRAYS = ("z = W@x + b; h = sigmoid(z); L = sum((h - t)^2)/2",
          "--W", "[[1,2],[3,4]]", "--x", "[0.2,-0.5]", "--b", "[0,1]", "--t", "[1,0.5]")  # fmt: skip


@pytest.mark.parametrize(
    ("program", "claim", "cure"),
    [
        (("x^2*e^(3x)",), "x=2x*e^(3x) + x^2*e^(3x)", "multiply by d(3x)/dx = 3"),
        (("sin(x^2)",), "x=cos(x^2)", "multiply by d(x^2)/dx = 2*x"),
        (("z = w*x; a = sin(z)", "w=0.7", "x=1.3"), "da/dw=0.6137", "multiply by dz/dw = x"),
        (("x^2*sin(x)",), "x=2x*cos(x)", "(u*v)' = u'*v + u*v' with u = x^2 and v = sin(x)"),
        (("x^3",), "x=3x^3", "(u^n)' = n*u^(n-1)*u'"),
        (("tanh(x)",), "x=1 - tanh(x)", "tanh'(x) = 1 - y^2, where y = tanh(x)"),
        (("y^2*x",), "x=1", "a factor that does not vary stays: (c*u)' = c*u' with c = y^2"),
        (("z = 2x + 3", "x=0.7"), "z=3", "every term counts"),
        # second derivatives: in the first one, in the second, in both
        (("(2x+1)^4",), "d2f/dx2=24(2x+1)^2", "multiply by d(2x+1)/dx = 2"),
        (("sin(x^2)",), "d2f/dx2=2cos(x^2) - 2x*sin(x^2)", "multiply by d(x^2)/dx = 2*x"),
        (("sin(x^2)",), "d2f/dx2=-sin(x^2)", "multiply by d(x^2)/dx = 2*x"),
        (("x^3*sin(x)",), "d2f/dx2=6x*(-sin(x))", "(u*v)' = u'*v + u*v' with u = x^3 and v = sin(x)"),
        # a training step: by numbers, which say nothing of the right one
        ((MAZUR,), "linear1[0].w[0]=0.1502193", "new = old - rate*gradient = 0.15 - 0.5*gradient"),
        (
            (MAZUR, "optimizer.momentum=0.9"),
            "linear1[0].w[0]=0.1495614",  # of the first update it is the same
            "new = old - rate*gradient = 0.15 - 0.5*gradient",
        ),
        (
            (MAZUR, "optimizer.momentum=0.9", "training.epochs=3", "--at-step", "2"),
            "linear1[0].w[0]=0.1497807",
            "use the rule of this optimizer",
        ),
        ((MAZUR,), "linear2[0].delta=0.7413651", "sigmoid'(x) = y*(1 - y), where y = sigmoid(x)"),
        (ARRAYS, "dL/dx=W@dL/dz", "what comes back to W@x, g, goes on as g@x' to W, W'@g to x"),
        (ARRAYS, "dL/dz=h - t", "sigmoid'(x) = y*(1 - y), where y = sigmoid(x)"),
        (
            ARRAYS,
            "dL/db=t - h",
            "differentiate by the variable that is asked for, the others stay as they are",
        ),
    ],
)
def test_a_student_is_told_what_to_do(run, program, claim, cure):
    for audience in ("student", "teacher"):
        words = ("--claim", claim, "--for", audience)
        (verdict,) = run("check", *program, *words, "--format", "json").json["people"][0]["verdicts"]
        assert verdict["cure"] == cure
        assert verdict["says"].endswith(f"; {cure}") is (audience == "student")
        assert not verdict["others"] or audience == "teacher"
        assert ("the same comes out" in run("check", *program, *words).out) is bool(verdict["others"])


@pytest.mark.parametrize(
    "program",
    ["sin(3x + 1)", "exp(sin(x^2))", "1/(x^2 + 4)", "cbrt(2x^2 + 1)^2", "3^(2x)", "tanh(tanh(2x))"],
)  # fmt: skip
def test_a_cure_done_to_a_claim_gives_the_right_answer(program):
    """Of a chain, whatever factor was left out: the right answer is a difference's."""
    x, h = 0.7, 1e-5

    def value(text, x=x):
        graph = lower(parse(text))
        return run(graph, leaf_values(graph, {"x": x} if graph.inputs else {}))[graph.output]

    right = (value(program, x + h) - value(program, x - h)) / (2 * h)
    graph = lower(parse(program))
    target = read_target("x", graph)
    found = mistakes(graph, leaf_values(graph, {"x": x}), target)
    judge = Judge(graph, {"x": x})
    done = 0
    for mistake in found.values():
        claim = f"{mistake.value:.12g}"
        (verdict,) = judge.judge([read_claim("x", claim, graph)])
        factor = re.fullmatch(r"multiply by d.+/dx = (.+)|.* with c = (.+)", verdict.cure)
        if factor is not None and " and " not in verdict.says:
            cured = float(claim) * value(factor[1] or factor[2])
            assert cured == pytest.approx(right, rel=1e-6), (verdict.says, verdict.cure)
            done += 1
    assert done


def test_every_mistake_has_a_cure():
    page = (ROOT / "docs" / "check.md").read_text("utf-8")
    table = page.partition("| `mistake` | what was done |\n|---|---|\n")[2].partition("\n\n")[0]
    listed = [kind for row in table.splitlines() for kind in re.findall("`([^`]+)`", row.split("|")[1])]
    assert sorted(listed) == sorted(CURES)


# --- a class of thirty ------------------------------------------------------------------------

NEURON = ("z = w*x + b; a = sigmoid(z); L = -(y*ln(a) + (1-y)*ln(1-a))", "w=0.4", "b=-0.3", "x=1.5", "y=1",
          "--marks", "z=1,a=1,L=2,dL/da=2,dL/dz=2,dL/dw=2,dL/db=1", "--credit", "close=0.5")  # fmt: skip
ASKED = {"1. Was ist z?": "z", "2. a": "a", "3. Verlust L": "L", "4. dL/da": "dL/da", "Frage 5": "dL/dz",
         "Frage 6": "dL/dw", "Frage 7": "dL/db"}  # fmt: skip
THIRTY = list(csv.DictReader(io.StringIO((CLAIMS / "thirty.csv").read_text("utf-8-sig")), delimiter=";"))
BY_HAND = {row["Name"]: float(row["von Hand"]) for row in THIRTY}
"""Marks that a teacher gives; of two hand-ins of a name the last counts."""


def test_a_class_of_thirty_by_table(run):
    columns = ",".join(f"{title}={name}" for title, name in ASKED.items())
    table = ("--claims", str(CLAIMS / "thirty.csv"), "--columns", columns, "--keep", "last")
    done = run("check", *NEURON, *table, "--format", "csv")
    found = {row["student"]: float(row["marks"]) for row in csv.DictReader(io.StringIO(done.out))}
    assert found == BY_HAND
    assert len(found) == 30
    assert "'von Hand' is not judged" in done.err
    assert "Václav is there 2 times: the last counts" in done.err


def test_a_class_of_thirty_by_folder(run, tmp_path):
    for row in THIRTY:
        lines = [f"{name} = {row[title]}" for title, name in ASKED.items() if row[title]]
        (tmp_path / f"{row['Name']}.txt").write_text("\n".join(lines), "utf-8")
    done = run("check", *NEURON, "--claims", str(tmp_path), "--format", "csv")
    assert {row["student"]: float(row["marks"]) for row in csv.DictReader(io.StringIO(done.out))} == BY_HAND
