"""`check --points`: everybody judged by numbers of their own."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

PROGRAM = "d = a*b; L = d*e + c"
POINTS = "student;a;b;e;room\nAnna Ott;3;-2;0,5;A1\nBen Li;2;5;−1,5;A2\nCem Kaya;4;;2;A3\nDua Amin;1;2;3;A2\n"
CLAIMS = 'Student,d,dL/da,L\nanna ott,-6,-1,2\nBen Li,10,"-7,5",-10\nCem Kaya,8,4,1\nEve,1,2,3\n'


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    points, claims = tmp_path / "points.csv", tmp_path / "claims.csv"
    points.write_text(POINTS, "utf-8")
    claims.write_text(CLAIMS, "utf-8")
    return ["--points", str(points), "--claims", str(claims)]


def test_everybody_is_judged_by_their_own_numbers(run: Any, files: list[str]) -> None:
    """Among them an input called as a constant, a decimal comma, and a minus that is none of ASCII's."""
    done = run("check", PROGRAM, *files, "--c", "5", "--marks", "d=1,dL/da=2,L=2", "--format", "csv")
    rows = {row["student"]: row for row in csv.DictReader(io.StringIO(done.out))}
    assert list(rows) == ["Anna Ott", "Ben Li", "Cem Kaya", "Dua Amin", "Eve"]
    assert [rows[name]["marks"] for name in rows] == ["5", "5", "0", "0", "0"]
    assert [rows[name]["of"] for name in rows] == ["5", "5", "5", "5", "0"]
    assert rows["Cem Kaya"]["problem"].endswith("points.csv: Cem Kaya has no number for b")
    assert "Eve has no numbers in" in rows["Eve"]["problem"]
    assert "'room' is not read" in done.err
    assert done.status == 2


def test_one_of_a_class(run: Any, files: list[str]) -> None:
    done = run("check", PROGRAM, *files, "--c", "5", "--student", "Ben Li", "--format", "json")
    assert [person["student"] for person in done.json["people"]] == ["Ben Li"]
    assert [verdict["verdict"] for verdict in done.json["people"][0]["verdicts"]] == ["right"] * 3
    assert done.status == 0
    assert run("check", PROGRAM, *files, "--c", "5", "--student", "Anna Ott", "--format", "json").status == 0
    assert "did you mean Ben Li?" in run("check", PROGRAM, *files, "--c", "5", "--student", "Ben Le").err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "no value for c"),
        (("--c", "5", "--a", "2"), "a has a value on the command line and a column in"),
        (("--c", "5", "--gradcheck"), "--points FILE is everybody's own numbers"),
    ],
)
def test_what_is_refused(run: Any, files: list[str], words: tuple[str, ...], says: str) -> None:
    assert says in run("check", PROGRAM, *files, *words).refused(2).err


def test_points_of_nobody_and_of_one_twice(run: Any, tmp_path: Path, files: list[str]) -> None:
    Path(files[1]).write_text("student,a,b,e\nanna,1,2,3\nanna,2,3,4\n")
    assert "anna is there twice" in run("check", PROGRAM, *files, "--c", "5").refused(2).err
    Path(files[1]).write_text("student,a,b,e\nanna,1,x,3\nBen Li,2,5,-1.5\n")
    done = run("check", PROGRAM, *files, "--c", "5")
    assert "anna ott has no numbers in" in done.out
    for words in (
        (PROGRAM, "--claim", "a=3"),
        ("--text", files[1]),
        ("sample_inputs/mazur.yaml", *files[2:]),
    ):
        assert "--points FILE is" in run("check", *words, *files[:2]).refused(2).err
