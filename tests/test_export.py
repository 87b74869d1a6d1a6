"""Exported programs are run: a framework that disagrees with our numbers fails its own assertions."""

from __future__ import annotations

import ast
import builtins
import contextlib
import io
import json
import random
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import pytest
from conftest import NODE, ROOT, Result

sys.path.insert(0, str(ROOT / "benchmarks"))

import export_fuzz

from backprop_cli.errors import BackpropError, SlopeError, Source, UsageError
from backprop_cli.export import RENDERED, TARGETS, Program, export, module_of, program_of
from backprop_cli.export.coverage import coverage_table
from backprop_cli.export.writer import Refused, refusal, spell
from backprop_cli.language.lower import lower
from backprop_cli.language.parser import parse
from backprop_cli.ops import PRIMITIVES

NEEDS = {
    "pytorch": "torch",
    "jax": "jax",
    "autograd": "autograd",
    "micrograd": "micrograd",
    "sympy": "sympy",
    "casadi": "casadi",
}
SAMPLES = sorted((ROOT / "sample_inputs").glob("*.bp"))
Runner = Callable[[str, str], str]

pytestmark = pytest.mark.usefixtures("torch_as_it_was")


def program(text: str, values: Mapping[str, float]) -> Program:
    return program_of(lower(parse(Source(text)), set(values)), values)


def installed(target: str) -> bool:
    if target == "c":
        return shutil.which("cc") is not None
    if target == "javascript":
        return NODE is not None
    return target not in NEEDS or find_spec(NEEDS[target]) is not None


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest) -> str:
    if not installed(request.param):
        pytest.skip(f"{request.param} is not installed")
    return str(request.param)


# Run the module that a line names, and answer with a line: whether it ended well, and what it printed.
RUN_MODULES = """
const lines = [];
console.log = (...words) => lines.push(words.join(" "));
for await (const path of (await import("node:readline")).createInterface({ input: process.stdin })) {
  lines.length = 0;
  const fault = await import(path).then(() => null, (error) => String(error.stack));
  process.stdout.write(JSON.stringify([fault, lines.map((line) => line + "\\n").join("")]) + "\\n");
}
"""


@pytest.fixture(scope="module")
def node() -> Iterator[Callable[[Path], str]]:
    """One node for all programs: its start takes longer than any of them."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([str(NODE), "--input-type=module", "-e", RUN_MODULES], **pipes) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def node(path: Path) -> str:
            process.stdin.write(f"{path}\n")
            process.stdin.flush()
            fault, printed = json.loads(process.stdout.readline())
            assert fault is None, fault
            return str(printed)

        yield node
        process.stdin.close()


def compiled(text: str, folder: Path) -> Path:
    """Compile a program in C."""
    (folder / "program.c").write_text(text, encoding="utf-8")
    subprocess.run(["cc", "-Wall", "-Werror", "program.c", "-o", "program", "-lm"], cwd=folder, check=True)
    return folder / "program"


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str | Path, ...]]:
    """The programs in C that many tests run, in one: to start a compiler takes longer than any of them."""
    known = [name for name in PRIMITIVES if not refusal(module_of("c").SPELLING, name)]
    cases = [*((path.read_text("utf-8"), {}) for path in SAMPLES), *CASES]
    cases += [case for name in known for case in primitive_programs(name)]
    texts = list(dict.fromkeys(export(program(*case), "c") for case in cases))
    parts, calls = [], []
    for k, text in enumerate(texts):
        own = set(re.findall(r"^(?:static )?(?:const )?\w+ (\w+)[\[(]", text, re.MULTILINE))
        parts.append(re.sub(rf"\b({'|'.join(own)})(?=[\[(])", rf"\1_{k}", text))
        calls.append(f"case {k}: return main_{k}();")
    choice = "#include <stdlib.h>\nint main(int n, char **words) { switch (atoi(words[n - 1])) {"
    try:
        path = compiled("\n".join([*parts, choice, *calls, "} return 1; }"]), tmp_path_factory.mktemp("c"))
    except subprocess.CalledProcessError:  # each alone says which
        return {}
    return {text: (path, str(k)) for k, text in enumerate(texts)}


@pytest.fixture
def execute(tmp_path: Path, request: pytest.FixtureRequest) -> Runner:
    """Run an exported program and return what it prints; its assertions may fail."""
    runs = count()

    def execute(text: str, target: str) -> str:
        if target == "c":
            words = request.getfixturevalue("together").get(text) or (compiled(text, tmp_path),)
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            return done.stdout
        if target == "javascript":
            module = tmp_path / f"program{next(runs)}.mjs"
            module.write_text(text, encoding="utf-8")
            return str(request.getfixturevalue("node")(module))
        if target == "numpy" and "scipy" in text and find_spec("scipy") is None:
            pytest.skip("scipy is not installed")
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()) as out:
            warnings.simplefilter("ignore")  # the frameworks' own, at import
            exec(compile(text, "<export>", "exec"), {"__name__": "__main__"})
        return out.getvalue()

    return execute


TEACHER = """\
import math

import torch

a = torch.tensor(3.0, requires_grad=True)
b = torch.tensor(-2.0, requires_grad=True)
c = torch.tensor(8.0, requires_grad=True)
f = torch.tensor(-2.0, requires_grad=True)

d = a*b
e = d + c
L = e*f

L.backward()

print("L =", L.item())
print("dL/da =", a.grad.item())
print("dL/db =", b.grad.item())
print("dL/dc =", c.grad.item())
print("dL/df =", f.grad.item())

# tolerance: 1e-9 of each number, 1e-12 where it is smaller than 0.001
assert math.isclose(L.item(), -4.0, rel_tol=1e-9, abs_tol=1e-12)
assert math.isclose(a.grad.item(), 4.0, rel_tol=1e-9, abs_tol=1e-12)
assert math.isclose(b.grad.item(), -6.0, rel_tol=1e-9, abs_tol=1e-12)
assert math.isclose(c.grad.item(), -2.0, rel_tol=1e-9, abs_tol=1e-12)
assert math.isclose(f.grad.item(), 2.0, rel_tol=1e-9, abs_tol=1e-12)
"""
L = ("d = a*b; e = d + c; L = e*f", {"a": 3.0, "b": -2.0, "c": 8.0, "f": -2.0})


def test_pytorch_reads_as_a_teacher_writes_it() -> None:
    assert export(program(*L), "pytorch").split("\n\n", 1)[1] == TEACHER


def test_python_writes_the_reverse_pass_out() -> None:
    text = export(program(*L), "python")
    assert (
        """\
dL_dL = 1.0
dL_de = dL_dL * f
dL_df = dL_dL * e
dL_dd = dL_de
dL_dc = dL_de
dL_da = dL_dd * b
dL_db = dL_dd * a
"""
        in text
    )


def test_a_fork_adds_up() -> None:
    text = export(program("a*a + a", {"a": 3.0}), "python")
    assert "df_da += df_dv1 * a  # another path: contributions add up" in text
    assert "assert math.isclose(df_da, 7.0, rel_tol=1e-9)" in text


def test_samples(target: str, execute: Runner) -> None:
    for path in SAMPLES:
        assert execute(export(program(path.read_text("utf-8"), {}), target), target)


def test_wrong_numbers_fail(target: str, execute: Runner) -> None:
    """The assertions assert."""
    text = export(program(*L), target)
    assert execute(text, target)
    for right, wrong in (("-4.0", "-4.00001"), ("-6.0", "-6.00001")):
        assert text.count(right) == 1
        with pytest.raises(AssertionError):
            execute(text.replace(right, wrong), target)


def primitive_programs(name: str) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield an expression of one primitive, with points of its sample box."""
    row = PRIMITIVES[name]
    if row.truth:
        yield f"where(a {row.infix} b, a*b, a + b)", {"a": 2.0, "b": 3.0}
        if name in ("equal", "not_equal"):  # what is beside the point has the same value and slope
            yield f"where(a {row.infix} b, 2c, c^2 + 1 - c*0)", {"a": 3.0, "b": 3.0, "c": 1.0}
        else:
            yield f"where(a {row.infix} b, a*b, a + b)", {"a": 3.0, "b": 3.0}
        return
    if name == "where":
        yield "where(a > b, log(a - b), a*b)", {"a": 3.0, "b": 1.0}
        yield "where(a > b, log(a - b), a*b)", {"a": 1.0, "b": 1.0}
        return
    for part in (0.3, 0.7):
        point = {
            p: max(-30.0, min(30.0, low + part * (high - low)))
            for p, (low, high) in zip(row.params, row.sample, strict=True)
        }
        written = dict(zip(row.params, row.params, strict=True))
        if row.literal is not None:
            literal = row.params[row.literal]
            written[literal] = f"({round(point.pop(literal))})"
        operands = list(written.values())
        if row.infix is None:
            yield f"{name}({', '.join(operands)})", point
        elif len(operands) == 1:
            yield f"y = {row.infix}{operands[0]}", point
        else:
            yield f"{operands[0]} {row.infix} {operands[1]}", point


@pytest.mark.parametrize("name", PRIMITIVES)
def test_every_primitive_runs_everywhere(name: str, target: str, execute: Runner) -> None:
    for text, point in primitive_programs(name):
        if refusal(module_of(target).SPELLING, name):
            with pytest.raises(UsageError, match=f"no export of {name}"):
                export(program(text, point), target)
        else:
            execute(export(program(text, point), target), target)


@pytest.mark.parametrize("target", TARGETS)
def test_every_primitive_is_covered(target: str) -> None:
    table = module_of(target).SPELLING
    assert {name for name, row in PRIMITIVES.items() if not row.means and name != "sinc_n"} <= set(table)
    assert all(spelling.reason for spelling in table.values() if isinstance(spelling, Refused))
    extra = set(table) - set(PRIMITIVES)
    assert extra <= {"pi", "tau", "e"}


REFUSALS = {("casadi", name) for name in ("gamma", "lgamma", "digamma", "polygamma")}
REFUSALS |= {(target, "sinc_n") for target in TARGETS if target != "numpy"}


def test_what_is_refused() -> None:
    refused = {
        (target, name)
        for target in TARGETS
        for name in PRIMITIVES
        if refusal(module_of(target).SPELLING, name)
    }
    assert refused == REFUSALS
    with pytest.raises(UsageError, match="CasADi has no gamma function"):
        spell(module_of("casadi").SPELLING, "gamma", [])


def twos(names: str) -> dict[str, float]:
    return dict.fromkeys(names.split(), 2.0)


CASES: list[tuple[str, dict[str, float]]] = [
    # branches that have no number here
    ("where(x > 0, log(x), 0)", {"x": -1.0}),
    ("where(x > 0, log(x), 0)", {"x": 2.0}),
    ("d = log(x); y = where(x > 0, d*2, x)", {"x": -1.0}),
    ("where(x > 0, sqrt(x)/x, where(x < -5, 1/(x + 1), x))", {"x": -1.0}),
    ("where(x > 0, a, b)*where(x <= 0, a, 3)", {"x": 1.0, "a": 2.0, "b": 3.0}),
    ("where(x > 0, 1, 2)", {"x": 1.0}),
    # branches that have none anywhere
    ("where(x > 0, x, log(-1)*x)", {"x": 2.0}),
    ("s = log(-1)*x; where(x > 0, where(x > 5, s, x^2), max(s, 1/0))", {"x": 1.0}),
    ("where(x > 0, 10^400*x, a*x)", {"x": -1.0, "a": 2.0}),
    # or none beside the numbers that stand there
    ("where(x == 2, (-1)^y, y)", {"x": 1.0, "y": 0.5}),
    ("where(x == 2, log(x, sqrt(1)), y*x)", {"x": 1.0, "y": 0.5}),
    ("where(x == 2, mod(x, 0) + clamp(x, 2, 1), y*x)", {"x": 1.0, "y": 0.5}),
    ("where(x > 0, x, log(0*x - 1)*x)", {"x": 1.0}),
    # or none that can be compared
    ("where(x > 0, max(log(x), 1/x, y), y)", {"x": -1.0, "y": 3.0}),
    ("where(y < 0, max(atan2(0*x, 0*y), round(1/x), x), y)", {"x": -1.0, "y": 0.0}),
    ("where(x*y > 1, where(sign(1/x) > atan2(0*x, 0*y), x, y), y)", {"x": -0.3, "y": -2.0}),
    ("relu(sinc(x))*y", {"x": 0.0, "y": 1.0}),
    # choices in choices, and of what numbers decide
    ("where(y < 0, where(y^3*sqrt(3) > 1/x, x, y), y)", {"x": 1.0, "y": 2.0}),
    ("where(y > 0, where(x > 2, x, where(x > 1, y, x*y)), y)", {"x": 1.5, "y": 2.0}),
    ("where(0 > 1, y, x) + leaky_relu(2, x) + elu(-2, y)", {"x": 2.0, "y": 3.0}),
    ("max(where(1 > 0, 2, 3), x, y)", {"x": 2.0, "y": 1.0}),
    # numbers of functions that a target lacks
    ("x*sign(0.25) + softplus(3)*digamma(2)*x - sigmoid(1)*polygamma(1, 3) + mish(2)", {"x": 1.5}),
    ("mish(x)*y", {"x": 1e8, "y": 800.0}),
    ("log(x, 0.5) + log(3, x)", {"x": 2.0}),
    ("where(x >= y, 0^y, x^(1/3))", {"x": 0.5, "y": 0.5}),
    # kinks
    ("max(x, y, z)", {"x": 1.0, "y": 1.0, "z": 1.0}),
    ("min(x, y)", {"x": 2.0, "y": 2.0}),
    ("relu(x)", {"x": 0.0}),
    ("abs(x)", {"x": 0.0}),
    ("leaky_relu(x)", {"x": 0.0}),
    ("elu(x, 0.5)", {"x": 0.0}),
    ("sign(x) + floor(x) + ceil(x)", {"x": 0.0}),
    ("atan2(b, a)", {"b": 0.0, "a": -1.0}),
    ("x^0", {"x": 0.0}),
    ("x^y", {"x": 0.0, "y": 2.0}),
    # names
    ("lambda*max + e", {"lambda": 2.0, "max": 3.0, "e": 1.0}),
    ("torch*np*math*v3 + d*dy_dtorch", twos("torch np math v3 d dy_dtorch")),
    (
        "double*int/main + printf*sp*ca*Value",
        twos("double int main printf sp ca Value"),
    ),
    ("I*E*S*N*beta*gamma*h*format", twos("I E S N beta gamma h format")),
    (
        "program*value*gradient*point*at*jnp*jax",
        twos("program value gradient point at jnp jax"),
    ),
    ("α₁*β + a1", {"α₁": 1.0, "β": 2.0, "a1": 3.0}),
    # numbers
    ("sin(pi/4)*x + 2^0.5*x^(1/3) - log(2)*x + tau*x + 1/3*x", {"x": 2.0}),
    ("x*2^1000*2^-1000", {"x": 1.0}),
    ("-x^2 - (-x)^2 - x*(y*x) - x-(y-x) - x/(y/x) + x^-y^2", {"x": 3.0, "y": 2.0}),
    ("max(x, 0)*min(y, 3) + hypot(x, 3) + atan2(1, y) + x^2^y", {"x": 1.0, "y": 2.0}),
    ("(1 - cos(x))/x^2", {"x": 1e-5}),
    ("tanh(x)*sigmoid(-x)", {"x": 40.0}),
    ("leaky_relu(x, s) + elu(x, s)", {"x": -1.0, "s": 0.3}),
    ("cbrt(x)", {"x": -8.0}),
    # shapes of programs
    ("x", {"x": 2.0}),
    ("a + b", {"a": 1.0, "b": 2.0}),
    ("+".join(["x"] * 200), {"x": 1.0}),
    ("sin(" * 50 + "x" + ")" * 50, {"x": 1.0}),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0][:40])
def test_cases(case: tuple[str, dict[str, float]], target: str, execute: Runner) -> None:
    execute(export(program(*case), target), target)


@pytest.mark.parametrize("x", [0.0, 3.7, 22.0, 1e8])
def test_derivatives_of_sinc_far_out(x: float, execute: Runner) -> None:
    execute(export(program("sinc_n(3, x) + sinc_n(0, x*2)", {"x": x}), "numpy"), "numpy")


@pytest.mark.parametrize("target", ["python", "c", "javascript", "numpy"])
def test_hyperbolic_functions_far_out(target: str, execute: Runner) -> None:
    if not installed(target):
        pytest.skip(f"{target} is not installed")
    execute(export(program("sech(x) + csch(y) + x", {"x": 1e8, "y": 800.0}), target), target)


def test_large_operands(target: str, execute: Runner) -> None:
    computed = program("lgamma(x)", {"x": 1e30})
    if target == "sympy":
        with pytest.raises(UsageError, match=r"by a factorial: 1e\+?30!"):
            export(computed, target)
    elif target != "casadi":
        execute(export(computed, target), target)


def test_what_rounding_decides_is_not_for_sympy() -> None:
    text, point = "where(y - x == y, y, x)", {"x": -1.0, "y": 1e300}
    with pytest.raises(UsageError, match=r"SymPy computes exactly, and .* is decided by rounding here"):
        export(program(text, point), "sympy")
    assert export(program(text, point | {"y": 3.0}), "sympy")
    assert export(program("floor(x) + max(x, y) + |x| + where(x > 0.3, x, y)", {"x": 0.3, "y": 0.3}), "sympy")


def test_what_is_too_large_for_other_programs_is_refused() -> None:
    assert export(program("polygamma(168, x)", {"x": 30.0}), "python")
    with pytest.raises(UsageError, match=r"polygamma\(169, x\) has a factorial that is too large"):
        program("polygamma(169, x)", {"x": 30.0})


def test_a_kink_with_another_convention_is_said_and_not_asserted() -> None:
    text = export(program("relu(x) + max(x, y)", {"x": 0.0, "y": 0.0}), "casadi")
    assert "max is on its kink here: backprop has ties share equally: 1/n each" in text
    assert "the slope in x, y is not asserted" in text
    assert text.count("assert ") == 1
    assert "relu is on its kink here; relu'(0) = 0, as in backprop." in text


def test_next_to_a_kink_all_is_asserted() -> None:
    text = export(program("|x| + max(y, 2)", {"x": 1e-10, "y": 2.0000000001}), "casadi")
    assert "kink" not in text
    assert text.count("assert ") == 3


def test_a_power_of_zero_has_no_kink(target: str, execute: Runner) -> None:
    text = export(program("x^2", {"x": 0.0}), target)
    assert "kink" not in text
    assert "not asserted" not in text
    text = export(program("x^0", {"x": 0.0}), target)
    assert "x^0 = 1 with slope 0, at 0 too, when the exponent is written as 0, as in backprop." in text
    assert execute(text, target)
    text = export(program("x^y", {"x": 0.0, "y": 2.0}), target)
    shared = target not in ("casadi", "sympy")
    assert "power" not in text.rpartition("0^y has slope 0 in y for y > 0, ")[2]
    assert ("as in backprop." in text) == shared
    assert ("the slope in x, y is not asserted" in text) == (not shared)
    assert execute(text, target)


def test_renamed_words_are_commented() -> None:
    text = export(program("lambda*x", {"lambda": 2.0, "x": 3.0}), "pytorch")
    assert "# lambda is written lambda_: that word has a meaning here\n" in text
    assert "lambda_ = torch.tensor(2.0, requires_grad=True)\n" in text


def test_wrt_narrows(execute: Runner) -> None:
    text = export(program_of(lower(parse("(-2)^y*x"), set()), {"y": 2.0, "x": 3.0}, ["x"]), "python")
    assert re.findall(r"assert math.isclose\((\w+), ([\d.]+)", text) == [("f", "12.0"), ("df_dx", "4.0")]
    execute(text, "python")


def test_command(run: Callable[..., Result]) -> None:
    expression = ["(a*b+c)*f", "--a", "3", "--b", "-2", "--c", "8", "--f", "-2"]
    for target in (*TARGETS, *RENDERED):
        assert run("export", *expression, "--to", target).answered().out
    run("export", *expression, "--to", "pytorhc").refused(2, "no target pytorhc", "did you mean pytorch?")
    run("export", *expression).refused(2, "export needs a target: --to TARGET", "pytorch, jax, numpy")
    run("export", "a*b", "--a", "3", "--to", "c").refused(2, "no value for b")
    run("export", "log(a)", "--a", "-3", "--to", "jax").refused(3, "log(a) has no value at a = -3")
    run("export", "sqrt(a)", "--a", "0", "--to", "jax").refused(3, "the slope of sqrt(a) in a")
    run("export", "2*3", "--to", "jax").refused(2, "the expression has no inputs")
    run("export", "x^2", "--x", "0:1:0.5", "--to", "c").refused(2, "export is of one point: x is a range")
    run("export", "gamma(x)", "--x", "2", "--to", "casadi").refused(2, "CasADi has no gamma function")
    run("export", "a*b", "--a", "3", "--b", "1", "--to", "onnx").refused(2, "no target onnx")


def test_the_ending_names_the_target(run: Callable[..., Result], tmp_path: Path) -> None:
    assert run("export", "a*b", "--a", "3", "--b", "-2", "-o", str(tmp_path / "p.c")).answered().out == ""
    assert "#include <math.h>" in (tmp_path / "p.c").read_text("utf-8")
    run("export", "a*b", "--a", "3", "--b", "-2", "-o", str(tmp_path / "p.py")).refused(2, "needs a target")
    hidden = run("export", "a*b", "--a", "3", "--b", "-2", "--to", "jax", "-o", str(tmp_path / "jax.py"))
    hidden.refused(2, "a program called jax.py would import itself in place of jax", "-o jax_program.py")


def test_latex(run: Callable[..., Result]) -> None:
    text = run("export", L[0], "a=3", "b=-2", "c=8", "f=-2", "--to", "latex").answered().out
    assert r"d &= a \cdot b = -6 \\" in text
    da = r"\frac{\partial L}{\partial a} &= \frac{\partial L}{\partial d} \cdot b = 4"
    assert da in text
    assert text.endswith("\\end{document}\n")


def test_the_table_in_the_documents_is_of_today() -> None:
    text = (ROOT / "docs" / "export.md").read_text("utf-8")
    assert f"<!-- coverage -->\n\n{coverage_table()}\n<!-- end -->" in text


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("max(0.5, x/2, y)", {"x": 1.5, "y": 0.25}),
        ("min(x, y) + max(x, y, x*y)", {"x": -2.0, "y": 3.0}),
        ("max(x, y, 1)", {"x": 2.0, "y": 2.0}),
        ("where(x > 0, x^0.5, 0)", {"x": -1.0}),
        ("where(x > 0, x^-1.5 + log(x), x^2)", {"x": 0.0}),
        ("where(x != y, (x - y)^-1, x*y)", {"x": 2.0, "y": 3.0}),
        ("where(x > y, sqrt(x - y)^3, cbrt(y))", {"x": 1.0, "y": 8.0}),
    ],
)
def test_choices_and_extrema(text: str, point: dict[str, float], target: str, execute: Runner) -> None:
    assert execute(export(program(text, point), target), target)


def test_choices_in_choices_of_micrograd_are_bracketed() -> None:
    text = export(program("where(y < 0, where(x > 2, x, y), y)", {"x": 1.0, "y": 2.0}), "micrograd")
    (line,) = [line for line in text.splitlines() if line.startswith("f = ")]
    choice = ast.parse(line.removeprefix("f = "), mode="eval").body
    assert isinstance(choice, ast.IfExp)
    assert ast.unparse(choice.test) == "y.data < 0"
    assert isinstance(choice.body, ast.IfExp)


@pytest.mark.parametrize("target", ["pytorch", "jax", "autograd", "casadi", "micrograd"])
def test_numbers_alone_need_no_helper(target: str) -> None:
    """A function that a target's program does not define is not called in it."""
    tree = ast.parse(export(program("x*sign(0.25) + softplus(3)*x - sigmoid(1)*mish(2)", {"x": 1.5}), target))
    known = {*dir(builtins), "Value", "value_and_grad", "program"}
    known |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert {call.id for call in calls if isinstance(call, ast.Name)} <= known


def test_what_no_program_of_local_derivatives_has() -> None:
    for text, name in (
        ("cbrt(x)^3", "x"),
        ("where(x == 0, 0, (1-cos(x))/x)", "x"),
        ("max(sqrt(x), 3)", "v1"),
    ):
        with pytest.raises(
            SlopeError, match=rf"no program of local derivatives has the slope in {name} here"
        ):
            export(program(text, {"x": 0.0}), "python")


MANY = {"python": 60, "numpy": 60, "c": 6, "sympy": 6, "javascript": 4}
"""Random programs per target; what starts a process has fewer."""


def test_random_programs_run(target: str, execute: Runner) -> None:
    """At special points, with branches that are not taken."""
    for seed in range(2, 2 + MANY.get(target, 30)):
        with contextlib.suppress(BackpropError):
            for _, text in export_fuzz.exports(*export_fuzz.random_program(seed), [target]):
                execute(text, target)


@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_random_programs_agree_in_javascript(tmp_path: Path) -> None:
    """Many programs in one process: JavaScript has the least of our functions of its own."""
    draw = random.Random(5)
    one = "sqrt cbrt log exp asin atan tan gamma lgamma digamma erf erfc gelu silu mish sinc abs relu".split()
    two = "max min atan2 hypot mod log_base".split()

    def text(depth: int) -> str:
        kind = draw.random()
        if depth == 0 or kind < 0.15:
            return draw.choice(["x", "y", "2", "0.5", "-1"])
        a, b = text(depth - 1), text(depth - 1)
        if kind < 0.45:
            return f"({a}){draw.choice('+-*/')}({b})"
        if kind < 0.55:
            return f"({a})^{draw.choice(['2', '0.5', '-1', '3'])}"
        if kind < 0.65:
            return f"where({a} {draw.choice(['<', '>=', '=='])} {b}, {a}, {b})"
        return f"{draw.choice(two)}({a}, {b})" if kind < 0.75 else f"{draw.choice(one)}({a})"

    count = 0
    for _ in range(400):
        expression = text(3)
        point = {name: draw.choice([-2.5, -0.3, 0.5, 1.0, 3.0]) for name in "xy" if name in expression}
        with contextlib.suppress(BackpropError):
            (tmp_path / f"{count}.mjs").write_text(export(program(expression, point), "javascript"), "utf-8")
            count += 1
    assert count > 100
    (tmp_path / "all.mjs").write_text(
        "console.log = () => {};\n"
        f"for (let i = 0; i < {count}; i++) await import(`./${{i}}.mjs`).catch((error) => {{\n"
        "  console.error(i, String(error));\n  process.exitCode = 1;\n});\n",
        "utf-8",
    )
    done = subprocess.run([str(NODE), tmp_path / "all.mjs"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
