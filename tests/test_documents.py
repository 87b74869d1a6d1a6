"""The documents say what the tool does: their commands run, their numbers hold, nothing is left out."""

from __future__ import annotations

import doctest
import json
import re
import shutil
import sys
import tomllib
from importlib.metadata import packages_distributions
from math import cos, isclose, sin
from pathlib import Path

import click
import pytest
from conftest import script

import backprop_cli
from backprop_cli import grad
from backprop_cli.cli.commands import COMMANDS
from backprop_cli.cli.main import group
from backprop_cli.differentiation import METHODS, compare
from backprop_cli.ops import ALIASES, PRIMITIVES
from backprop_cli.render.registry import primitives_page

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "backprop_cli"
TOPICS = sorted((PACKAGE / "cli" / "topics").glob("*.txt"))
SAMPLES = sorted((ROOT / "sample_inputs").glob("*.bp"))
README = (ROOT / "README.md").read_text("utf-8")
SAMPLES_PAGE = (ROOT / "docs" / "samples.md").read_text("utf-8")
PAGES = README + "".join(path.read_text("utf-8") for path in sorted((ROOT / "docs").glob("*.md")))
EVERYWHERE = PAGES + "".join(path.read_text("utf-8") for path in TOPICS)


update, reference = script("update"), script("reference")


# --- commands and what they print --------------------------------------------------------------


@pytest.mark.parametrize("path", update.DOCUMENTS, ids=lambda path: path.name)
@pytest.mark.skipif(sys.platform == "win32", reason="the commands are for a POSIX shell")
def test_commands_print_what_the_document_shows(warm_program, path):
    wrong = []
    for block, outputs in update.run_document(path, str(warm_program.parent)):
        for step, printed in zip(block.steps, outputs or [], strict=outputs is not None):
            if not update.matches(step.shown, printed):
                wrong.append(f"$ {step.command}\nprints\n{printed}the document shows\n{step.shown}")
    assert not wrong, "python docs/update.py puts in what is printed\n\n" + "\n".join(wrong)


def test_no_document_shows_a_fault_of_ours():
    assert [line for line in PAGES.splitlines() if "internal error" in line or "Traceback" in line] == []


def test_a_wrong_output_is_seen():
    assert update.matches("a\n...\nd\n", "a\nb\nc\nd\n")
    assert update.matches("...\nd\n", "d\n")
    assert not update.matches("a\n...\nd\n", "a\nb\nc\n")
    assert not update.matches("a\n", "a\nb\n")
    (block,) = update.blocks_of("```console\n$ x\n> y\nout\n$ z\n```\n")
    assert [(step.command, step.shown) for step in block.steps] == [("x\ny", "out\n"), ("z", "")]


@pytest.mark.parametrize("page", ["README.md", "docs/python.md"])
def test_examples_in_python_are_right(page, tmp_path, monkeypatch):
    (tmp_path / "sample_inputs").symlink_to(ROOT / "sample_inputs", target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    text = (ROOT / page).read_text("utf-8")
    examples = "".join(re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    test = doctest.DocTestParser().get_doctest(examples, {}, page, page, 0)
    report: list[str] = []
    result = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=report.append)
    assert result.attempted > 2
    assert not result.failed, "".join(report)


def test_the_reference_of_python_is_complete_and_every_function_has_an_example():
    text = reference.PAGE.read_text("utf-8")
    assert text == reference.page(), "python docs/update.py writes it"
    examples = "".join(re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    called = {*re.findall(r"\b(\w+)\(", examples)}
    for name in backprop_cli.__all__:
        if name not in reference.APART:
            assert f"\n### {name}\n\n`{name}(" in text
            assert name in called, f"docs/python.md calls {name} nowhere"
    assert "functions import" in examples
    assert "except BackpropError" in examples


def test_the_page_of_primitives_is_the_registry():
    assert update.PRIMITIVES.read_text("utf-8") == primitives_page(), "python docs/update.py writes it"


def test_links_lead_somewhere():
    for path in [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", path.read_text("utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


# --- the sample inputs -------------------------------------------------------------------------

QUARTER = 0.0625  # 0.5^4
NUMBERS = {
    "parabola": (6.0, {"x": 5.0}),
    "product_plus": (2.0, {"a": -2.0, "b": 3.0, "c": 1.0}),
    "loss": (-4.0, {"a": 4.0, "b": -6.0, "c": -2.0, "d": -2.0, "e": -2.0, "f": 2.0, "L": 1.0}),
    "quadratic": (11.0, {"x": 10.0, "y": 6.0}),
    "sine_chain": (sin(3 * QUARTER), {"a": cos(3 * QUARTER) * 12 * 0.125, "b": cos(3 * QUARTER)}),
    "two_paths": (-56.0, {"a": -84.0, "b": -14.0, "c": 4.0}),
    "sum_times": (-4.0, {"a": -2.0, "b": -2.0, "c": 2.0, "d": -2.0}),
    "micrograd": (24.70408163265306, {"a": 138.83381924198252, "b": 645.5772594752186}),
    "tanh_neuron": (0.7071067811865476, {"x1": -1.5, "w1": 1.0, "x2": 0.5, "w2": 0.0}),
    "sigmoid_circuit": (
        0.7310585786300049,
        {"w0": -0.19661193324148185, "w1": -0.3932238664829637, "w2": 0.19661193324148185},
    ),
    "softplus": (750.0, {"x": 1.0}),
    "sigmoid_tail": (0.9999999999999998, {"x": 2.319522830243568e-16}),
    "tanh_tail": (1.0, {"x": 4.6192896692063144e-17}),
}


def test_every_sample_has_numbers_here():
    assert {path.stem for path in SAMPLES} == set(NUMBERS)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_sample_inputs_run_as_they_stand(run, path):
    text = path.read_text("utf-8")
    assert text.startswith("# "), "the first lines say what it shows"
    assert max(map(len, text.splitlines())) <= 110
    methods = ("--method", "reverse", "--method", "finite")
    result = run("grad", "--file", str(path), *methods, "--format", "json").answered()
    value, slopes = NUMBERS[path.stem]
    assert isclose(value, result.json["value"], rel_tol=1e-14)
    for name, slope in slopes.items():
        assert isclose(slope, result.node(name)["gradient"]["reverse"], rel_tol=1e-14), name
    assert (result.json["agree"], result.json["warnings"]) == (True, [])
    report = grad(text)  # one SymPy for all files
    symbolic = {report.graph.name(k): x for k, x in enumerate(report.columns["symbolic"])}
    for name, slope in slopes.items():
        assert isclose(slope, symbolic[name], rel_tol=1e-14), name
    for verdict, node in zip(report.verdicts, report.graph.nodes, strict=True):
        assert verdict.verdict == ("not-run" if node.kind == "constant" else "agree")


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_sample_inputs_are_in_the_table(path):
    link = f"| [{path.name}](../sample_inputs/{path.name}) |"
    (line,) = [line for line in SAMPLES_PAGE.splitlines() if line.startswith(link)]
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert len(cells) == 5
    report = grad(path.read_text("utf-8"), methods=["reverse"])
    assert f"{report.value:.6g}" in cells[3]
    assert re.findall(r"-?\d[\d.e-]*\b", re.sub(r"^by .*: ", "", cells[4])) == [
        f"{slope:.6g}" for slope in report.gradient.values()
    ]


# --- nothing is left out -----------------------------------------------------------------------


def commands() -> dict[str, click.Command]:
    with click.Context(group()) as ctx:
        found = {name: group().get_command(ctx, name) for name in COMMANDS}
    return {name: command for name, command in found.items() if command is not None}


def words(kind: str) -> list[str]:
    options = {
        name: param
        for command in commands().values()
        for param in command.params
        if isinstance(param, click.Option)
        for name in param.opts
    }
    types = [param.type for param in options.values()]
    choices = [choice for t in types if isinstance(t, click.Choice) for choice in t.choices]
    verdicts = [compare.AGREE, compare.KINK, compare.JUMP, compare.ROUNDING, compare.NOISY, compare.NOT_RUN]
    functions = [name for name, row in PRIMITIVES.items() if row.callable and name != "identity"]
    return {
        "option": sorted(options),
        "choice": sorted(set(choices)),
        "method": list(METHODS),
        "verdict": [*verdicts, compare.DISAGREE],
        "function": [*functions, *ALIASES],
        "topic": [path.stem for path in TOPICS],
    }[kind]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(name):
    assert f"backprop {name}" in PAGES


@pytest.mark.parametrize("kind", ["option", "choice", "method", "verdict"])
def test_every_word_is_documented(kind):
    missing = [w for w in words(kind) if not re.search(rf"(?<![\w-]){re.escape(w)}(?![\w-])", EVERYWHERE)]
    assert not missing


def test_every_function_is_in_the_language_page():
    text = (ROOT / "docs" / "language.md").read_text("utf-8")
    assert [name for name in words("function") if f"`{name}`" not in text] == []


def test_every_field_of_the_json_report_is_documented(run):
    # a slope that is a limit: the report has every field
    report = run("grad", "cbrt(x)^3", "--x", "0", "--format", "json").answered().json
    text = (ROOT / "docs" / "scripting.md").read_text("utf-8")
    tables = re.findall(r"^\| field \| meaning \|\n\|---\|---\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    documented = [re.findall(r"^\| `(\w+)`", table, re.MULTILINE) for table in tables]
    assert documented == [list(report), list(report["nodes"][0])]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_topic_that_help_names_is_there(run, command):
    text = run(command, "--help").answered().out
    for topic in re.findall(r"backprop help ([a-z][a-z-]*)", text + EVERYWHERE):
        assert topic in [*words("topic"), *COMMANDS]


@pytest.mark.parametrize("path", TOPICS, ids=lambda path: path.stem)
def test_topics_fit(run, path):
    text = path.read_text("utf-8")
    lines = text.splitlines()
    assert lines[0]
    assert not lines[1]
    assert not lines[0].endswith(".")
    assert max(map(len, lines)) <= 76
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert run("help", path.stem).answered().out == text
    (listed,) = [line for line in run("help").answered().out.splitlines() if line.split()[:1] == [path.stem]]
    assert lines[0] in listed
    assert len(listed) <= 79


@pytest.mark.parametrize("path", TOPICS, ids=lambda path: path.stem)
def test_examples_of_topics_run(run, path, tmp_path, monkeypatch):
    shutil.copytree(ROOT / "sample_inputs", tmp_path / "sample_inputs")
    (tmp_path / "points.csv").write_text("x,y\n1,2\n3,4\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    import shlex

    examples = re.findall(r"^  (?:cat points.csv \| )?backprop (.+)$", path.read_text("utf-8"), re.MULTILINE)
    for line in examples:
        args = shlex.split(line.partition(" || ")[0])
        if "symbolic" not in args and "--method" not in args and args[0] == "grad" and "--format" not in args:
            args += ["--method", "reverse"]  # SymPy's start-up adds nothing here
        status = run(*args, stdin="x,y\n1,2\n").status
        assert status == (3 if "||" in line else 0), line


# --- the package -------------------------------------------------------------------------------


def test_dependencies_cover_what_is_imported():
    modules = script("architecture").imported
    imported = {name.partition(".")[0] for path in PACKAGE.rglob("*.py") for name, _ in modules(path)}
    outside = imported - sys.stdlib_module_names - {"backprop_cli"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

    def names(requirements: list[str]) -> set[str]:
        return {re.split(r"[^\w.-]", text)[0].lower().replace("_", "-") for text in requirements}

    declared = names(project["dependencies"])
    extras = project["optional-dependencies"]
    # imported where they are installed, and never needed
    optional = set().union(*(names(extras[extra]) for extra in extras if extra not in ("bench", "test")))
    known = packages_distributions() | {"PIL": ["pillow"]}
    used = {known.get(name, [name])[0].lower().replace("_", "-") for name in outside}
    assert optional <= used
    needed = used - optional
    needed -= {"mpmath"} if "sympy" in declared else set()  # SymPy's own arithmetic: installed with it
    assert needed <= declared
    assert declared <= needed, "declared and never imported"


def test_the_version_is_one():
    from backprop_cli import __version__

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["version"] == __version__
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_json_in_the_documents_is_json():
    for block in re.findall(r"^```json\n(.*?)^```$", PAGES, re.MULTILINE | re.DOTALL):
        json.loads(block)
