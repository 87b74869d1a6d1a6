"""The recipes of docs/grading.md, taken out of the page and run."""

from __future__ import annotations

import ast
import csv
import io
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, strict_json

PAGE = (ROOT / "docs" / "grading.md").read_text("utf-8")
TEN = ROOT / "tests" / "claims" / "ten"
SECTIONS = {title: text for title, _, text in (part.partition("\n") for part in PAGE.split("\n## "))}
RIGHT = b"d: -6\ndL/da: 4\ndL/db: a*f\n"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the recipes are for a POSIX shell")


def recipe(section: str, start: str) -> str:
    """Return the one block of a section that starts so."""
    blocks = re.findall(r"^```\w+\n(.*?)^```$", SECTIONS[section], re.MULTILINE | re.DOTALL)
    (found,) = [block for block in blocks if block.startswith(start)]
    return found


GRADE = recipe("One file a student", '"""Marks for')
AUTOGRADER = recipe("Gradescope", "#!/opt/backprop/bin/python\n")
CELL = recipe("nbgrader", "### BEGIN HIDDEN TESTS\n")
SOLUTION = recipe("nbgrader", "answers = {\n")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with grade.py and the program, backprop and python on the path."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    scripts = sysconfig.get_path("scripts")
    monkeypatch.setenv("PATH", os.pathsep.join((scripts, os.environ["PATH"])))
    (tmp_path / "grade.py").write_text(GRADE, "utf-8")
    shutil.copy(ROOT / "sample_inputs" / "loss.bp", tmp_path)
    return tmp_path


def test_the_loop_gives_the_marks_that_the_page_shows(folder):
    shutil.copytree(TEN, folder / "answers")
    loop = recipe("A shell loop over a class", "mkdir -p feedback\n")
    done = subprocess.run(["bash", "-c", loop], cwd=folder, capture_output=True, text=True, check=True)
    assert (done.stdout.count(": status 0"), done.stdout.count(": status ")) == (5, 10)
    marks = (folder / "marks.csv").read_text("utf-8")
    assert marks == recipe("A shell loop over a class", "student,")
    rows = {row["student"]: float(row["marks"]) for row in csv.DictReader(io.StringIO(marks))}
    assert list(rows) == sorted(path.stem for path in TEN.iterdir())
    assert list(rows.values()) == [5, 5, 5, 5, 5, 4, 1, 2, 0, 2]
    sentences = {path.stem: path.read_text("utf-8") for path in (folder / "feedback").iterdir()}
    assert list(rows) == sorted(sentences)
    assert "the sign is wrong" in sentences["fay"]
    assert "backprop: error: answers/ivan.yaml:3:6: " in sentences["ivan"]


# --- Gradescope --------------------------------------------------------------------------------

# What Gradescope's page on results.json allows.
REPORT = {"score": (int, float), "output": str, "output_format": str, "tests": list}
TEST = {"name": str, "score": (int, float), "max_score": (int, float), "status": str, "output": str}


def assert_fields(found: dict[str, Any], kinds: dict[str, Any]) -> None:
    assert list(found) == list(kinds)
    for key, kind in kinds.items():
        assert isinstance(found[key], kind), key


def autograded(folder: Path) -> dict[str, Any]:
    """Run the autograder of the page on ``folder``/autograder/submission; hold the report to the format."""
    home = folder / "autograder"
    (home / "source").mkdir(parents=True)
    (home / "submission").mkdir(exist_ok=True)
    (home / "results").mkdir()
    for name in ("grade.py", "loss.bp"):
        shutil.copy(folder / name, home / "source")
    script = home / "run_autograder"
    script.write_text(AUTOGRADER.replace('"/autograder/', f'"{home}/'), "utf-8")
    done = subprocess.run([sys.executable, script], cwd=home, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    report: dict[str, Any] = strict_json((home / "results" / "results.json").read_text("utf-8"))
    assert {key: isinstance(value, REPORT[key]) for key, value in report.items()} == dict.fromkeys(
        REPORT, True
    )
    for test in report["tests"]:
        assert_fields(test, TEST)
        assert test["status"] == ("passed" if test["score"] == test["max_score"] else "failed")
    assert [(test["name"], test["max_score"]) for test in report["tests"]] == [
        ("d", 1),
        ("dL/da", 2),
        ("dL/db", 2),
    ]
    assert report["score"] == sum(test["score"] for test in report["tests"])
    return report


HOSTILE = b'd: __import__("os").system("touch hacked")\ndL/da: 4\ndL/db: 9^9^9^9\n'


@pytest.mark.parametrize(
    ("answers", "scores", "says"),
    [
        pytest.param(RIGHT, [1, 2, 2], "", id="right"),
        pytest.param(b"d: 6\ndL/da: 4\ndL/db: 5\n", [0, 2, 0], "the sign is wrong", id="wrong"),
        pytest.param(b"dL/da: 4\n", [0, 2, 0], "d: no answer", id="one alone"),
        pytest.param(b"a: 4\ndL/da: 5\ne: 2\nL: -4\n", [0, 2, 0], "dL/da = 4: right", id="padded"),
        pytest.param(b"d: d\ndL/da: b*f\n", [0, 2, 0], "d = d: a number is asked for", id="its own name"),
        pytest.param(b"d: -0.6E+1\n", [1, 0, 0], "d = -0.6E+1: right", id="exponent"),
        pytest.param(b"", [0, 0, 0], "answers.yaml:1:1: the file is empty", id="empty"),
        pytest.param(None, [0, 0, 0], "answers.yaml: No such file or directory", id="no file"),
        pytest.param(b"d: [\n", [0, 0, 0], "answers.yaml:2:1: the text ends inside the bracket", id="broken"),
        pytest.param("d: -6".encode("utf-16"), [0, 0, 0], "byte 0xff is not valid UTF-8", id="encoding"),
        pytest.param(b"- d: -6\n- d: -6\n", [0, 0, 0], "the answers of 2 people", id="two people"),
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
    assert [test["score"] for test in report["tests"]] == scores
    assert says in "\n".join([report["output"], *(test["output"] for test in report["tests"])])
    assert not list(folder.rglob("hacked"))


def test_no_file_beside_the_answers_gets_a_say(folder):
    submission = folder / "autograder" / "submission"
    for name in ("backprop_cli", "click"):
        (submission / name).mkdir(parents=True)
        (submission / name / "__init__.py").write_text("raise SystemExit(9)\n", "utf-8")
    for name in ("json.py", "grade.py"):
        (submission / name).write_text("raise SystemExit(9)\n", "utf-8")
    (submission / "answers.yaml").write_bytes(RIGHT)
    (submission / "zzz.yaml").write_bytes(b"d: 6\n")
    assert autograded(folder)["score"] == 5


@pytest.mark.parametrize(
    ("status", "seconds", "says"), [(70, 0, "ended with status 70"), (0, 9, "took more")]
)
def test_a_fault_of_the_judge_is_said(folder, status, seconds, says):
    (folder / "backprop_cli").mkdir()
    (folder / "backprop_cli" / "__init__.py").touch()
    (folder / "backprop_cli" / "__main__.py").write_text(
        f"import sys, time\ntime.sleep({seconds})\nsys.exit({status})\n", "utf-8"
    )
    (folder / "grade.py").write_text(GRADE.replace("timeout=120", "timeout=1"), "utf-8")
    code = "import grade; problem, rows = grade.grade('-', 'd: -6'); print(problem, [row[1] for row in rows])"
    environment = os.environ | {"PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    assert says in done.stdout
    assert "[0.0, 0.0, 0.0]" in done.stdout


def test_the_scripts_are_shell_and_the_zip_holds_what_they_need():
    scripts = recipe("Gradescope", "#!/usr/bin/env bash\n"), recipe("Gradescope", "pip wheel")
    for script in scripts:
        subprocess.run(["bash", "-n", "-c", script], check=True)
    assert "cp setup.sh run_autograder grade.py loss.bp autograder\n" in scripts[1]
    assert f"{AUTOGRADER.splitlines()[0][2:].removesuffix('python')}pip install" in scripts[0]


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
    for name in ("grade.py", "loss.bp"):
        shutil.copy(folder / name, source)
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
        (handed_in / "grade.py").write_text("raise SystemExit\n", "utf-8")  # the teacher's is put back
        released.cells[0].source = answers
        nbformat.write(released, handed_in / "ps1.ipynb")
    nbgrader("autograde", "ps1")
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as book:
        found = {each.student.id: each.score for each in book.assignment_submissions("ps1")}
    assert found == {f"student{number}": marks for number, marks in enumerate(CELLS.values())}
