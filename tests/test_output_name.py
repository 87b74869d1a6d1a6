"""An output without a name is called the same by every command: f, else y, L or z."""

from __future__ import annotations

import json
import re
import shlex

import pytest
from conftest import ROOT

PROGRAMS = {
    "(x+1)^2*x": ("x", "f"),
    "(f+1)^2*f": ("f", "y"),
    "f = 2x; y = 3x; (f+y)^2": ("x", "L"),
    "f(u) = u^2; f(x)*x": ("x", "y"),
    "f = 2x; y = f^2; L = 2y; L*x": ("x", "z"),
    "f = 2x; y = f^2; L = 2y; z = L+y; z*x": ("x", "f2"),
    "v4 = 2x; v4^2": ("x", "f"),
    "E = (x+1)^2": ("x", "E"),
}
"""Their input, and what the output is called."""

COMMANDS = {
    "grad": ("{x}=3", r"gradient of {f}: "),
    "grad --order 2": ("{x}=3", r"d2{f}/d{x}2 "),
    "eval": ("{x}=3", r"(?m)^{f} +"),
    "explain": ("{x}=3", r"d{f}/d{f} = 1"),
    "graph": ("{x}=3", r"derivative of {f} by it"),
    "limit": ("{x}=3", r" {f}\({x}\+"),
    "plot": ("{x}=0:1", r" {f}\({x}\)"),
    "descend": ("{x}=0.1", r"- 0.1\*{f}'"),
    "check": ("{x}=3 --claim {x}=1", r"d{f}/d{x} "),
}
"""By command: what follows the program, and what its page says."""
EXPORTS = {"numpy": "Return {f} and its gradient", "micrograd": 'print("{f} ='}


@pytest.mark.parametrize("program", PROGRAMS)
def test_one_name_everywhere(run, program):
    x, f = PROGRAMS[program]
    fitting = {"x": re.escape(x), "f": re.escape(f)}
    for command, (rest, says) in COMMANDS.items():
        name, *options = command.split()
        words = [name, program, *shlex.split(rest.format(x=x)), *options]
        page = run(*words).out
        assert re.search(says.format(**fitting), page), (command, page)
        assert f"{f} = " in page.splitlines()[0], page
        facts = json.loads(run(*words, "--format", "json").out)
        assert facts["output"] == f, command
        assert f in [node["name"] for node in facts.get("nodes", [{"name": f}])]
    for target, says in EXPORTS.items():
        assert says.format(f=f) in run("export", program, f"{x}=3", "--to", target).out
    assert f"derivative of {f} by it" in run("graph", program, f"{x}=3", "--format", "svg").out


def test_inner_steps_keep_their_names_where_another_is_the_output(run):
    # a claim about v2 cuts the program there; that does not rename what is left
    claims = [word for claim in ("v2=4", "dv4/dv2=8", "df/dv2=24") for word in ("--claim", claim)]
    assert "3 of 3 right" in run("check", "(x+1)^2*x", "x=3", *claims).out
    assert run("explain", "(x+1)^2*x", "x=3", "--wrt", "v2").out.count("v4") > 2


def test_the_number_of_an_output_is_a_name_still(run):
    assert run("grad", "(x+1)^2*x", "x=3", "--wrt", "v5", "--format", "value").numbers == [1.0]
    claims = ("v5=48", "f=48", "E=48", "dv5/dx=40", "dy/dx=40")
    out = run("check", "(x+1)^2*x", "x=3", *(word for c in claims for word in ("--claim", c))).out
    assert "5 of 5 right" in out


LAST = {
    "grad": "gradient of f: x = ",
    "grad --order 2": "the slope is 2",
    "eval": "f ",
    "explain": "to raise f: ",
    "graph": "the derivative of f by it",
    "limit": "derivative 2",
    "plot": "minimum at x = 0: f = 0",
    "descend": "converged to a minimum at x = ",
    "check": "0 of 1 right",
}
"""By command: what its last block says of ``x^2``."""


@pytest.mark.parametrize("command", LAST)
def test_a_page_begins_with_what_and_where_and_ends_with_the_answer(run, command):
    name, *options = command.split()
    point = {"plot": "--x -1:1", "check": "--x 1 --claim x=7"}.get(name, "--x 1")
    out = run(name, "x^2", *point.split(), *options).out
    first, *blocks = out.removesuffix("\n").split("\n\n")
    assert re.match(r"f = x\^2( = 1)?( at x = 1|: gradient descent from x = 1, .*)?$", first), first
    assert blocks
    assert all(block.strip() and not block.endswith("\n") for block in blocks)
    assert LAST[command] in blocks[-1]


def test_a_run_begins_and_ends_so(run, tmp_path):
    config = ROOT / "sample_inputs" / "xor.yaml"
    out = run("train", str(config), f"output.dir={tmp_path / 'run'}", "training.epochs=2", "-q").out
    first, *blocks = out.removesuffix("\n").split("\n\n")
    assert first == "xor: 2 features, 2 classes: 4 training rows"
    assert blocks[-1].startswith("2 epochs; best loss ")
