"""Rows by machine code: functions against mpmath, programs against the float engine, ways back to NumPy."""

from __future__ import annotations

import math
import random
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from conftest import ROOT
from mpmath import mp, mpf

sys.path.insert(0, str(ROOT / "benchmarks"))

from fuzz import NAMES, random_expression, random_point

from backprop_cli.differentiation.points import ByPlan
from backprop_cli.differentiation.rounding import rounding_bounds
from backprop_cli.engine import llvm
from backprop_cli.engine import plan as plans
from backprop_cli.engine.elementary import FARTHEST, ROWS
from backprop_cli.engine.numpy import FUNCTIONS, NATIVE
from backprop_cli.engine.plan import Plan
from backprop_cli.engine.point import Point
from backprop_cli.engine.tape import Tape
from backprop_cli.errors import BackpropError, NoSuchNumber
from backprop_cli.language.lower import lower
from backprop_cli.language.parser import parse
from backprop_cli.ops import PRIMITIVES
from backprop_cli.ops.namespaces import MAPPED
from backprop_cli.tables.block import Block

BENCHMARK = "sin(x*y)+exp(-x^2)*log(1+y^2)"


def _there() -> bool:
    try:
        return bool(llvm.machine())
    except llvm.NotCompiled:
        return False


needs_llvm = pytest.mark.skipif(not _there(), reason="llvmlite, and a processor with AVX2, are to be had")


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile from the first row on."""
    monkeypatch.setattr(plans, "COMPILED_ROWS", 0)
    monkeypatch.setattr(plans, "COMPILED_WORK", 0)


def test_each_instruction_is_written_or_left_to_numpy() -> None:
    assert FUNCTIONS.keys() - ROWS.keys() == MAPPED.keys()
    assert ROWS.keys() <= FUNCTIONS.keys()


# Functions


def computed(name: str, *columns: Any) -> Any:
    """Run one primitive in lanes."""
    tape = Tape(NATIVE)
    leaves = [tape.leaf(f"x{k}", ()) for k in range(len(columns))]
    y = tape.apply(PRIMITIVES[name], *leaves)
    points = llvm.Points(tape.builder.nodes, [x.id for x in leaves], [y.id], [], [], 1)
    results = [np.empty(len(columns[0]))]
    points.run(columns, results)
    return results[0]


def spread(low: float, high: float, count: int, seed: int) -> Any:
    """Return numbers of every size between two, and their opposites where the first is 0."""
    draw = np.random.default_rng(seed)
    if low > 0.0:
        return np.exp(draw.uniform(math.log(low), math.log(high), count))
    return np.exp(draw.uniform(math.log(1e-300), math.log(high), count)) * draw.choice([-1.0, 1.0], count)


EXACT = {
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "softplus": lambda x: mp.log1p(mp.exp(x)),
    "log2": lambda x: mp.log(x) / mp.ln2,
    "cbrt": lambda x: mp.sign(x) * mp.cbrt(abs(x)),
}
RANGES = {
    "sin": [(-7.0, 7.0), (-1e6, 1e6)],
    "cos": [(-7.0, 7.0), (-1e6, 1e6)],
    "tan": [(-7.0, 7.0), (-1e6, 1e6)],
    "exp": [(-1.0, 1.0), (-745.2, 709.7), (-745.2, -708.0)],
    "expm1": [(-1.0, 1.0), (-60.0, 709.7)],
    "sinh": [(-1.0, 1.0), (-25.0, 25.0), (-710.4, 710.4)],
    "cosh": [(-1.0, 1.0), (-25.0, 25.0), (-710.4, 710.4)],
    "tanh": [(-1.0, 1.0), (-25.0, 25.0)],
    "log": [(0.5, 2.0), (0.99, 1.01), (5e-324, 1e-307)],
    "log2": [(0.5, 2.0), (0.99, 1.01), (5e-324, 1e-307)],
    "log10": [(0.5, 2.0), (0.99, 1.01), (5e-324, 1e-307)],
    "log1p": [(-0.9999, 2.0), (-1e-3, 1e-3)],
    "atan": [(-3.0, 3.0)],
    "erf": [(-7.0, 7.0)],
    "erfc": [(-6.0, 27.2), (-1.3, 3.0)],
    "asin": [(-1.0, 1.0), (0.499, 0.501)],
    "acos": [(-1.0, 1.0), (0.499, 0.501), (-0.501, -0.499)],
    "asinh": [(-3.0, 3.0), (-1e9, 1e9)],
    "acosh": [(1.0, 3.0), (1.0, 1e9)],
    "atanh": [(-1.0, 1.0)],
    "cbrt": [(-3.0, 3.0), (5e-324, 1e-307)],
    "sigmoid": [(-5.0, 5.0), (-745.0, 40.0)],
    "softplus": [(-5.0, 5.0), (-745.0, 40.0)],
}
SIZES = {
    **dict.fromkeys(("log", "log2", "log10"), (1e-300, 1e300)),
    **dict.fromkeys(
        "sin cos tan exp expm1 sinh tanh erf erfc asin acos atanh".split(),
        (0.0, 1.0),
    ),
    "log1p": (1e-300, 1e300),
    "acosh": (1.0, 1e300),
    **dict.fromkeys(("atan", "asinh", "cbrt"), (0.0, 1e300)),
}


def worst_of(name: str, x: Any) -> tuple[float, float]:
    """Return the largest error, in last places, and where it is."""
    exact = EXACT.get(name) or getattr(mp, name)

    def error(a: float, b: float) -> float:
        y = exact(mpf(a))
        if abs(y) > sys.float_info.max:
            return 0.0 if abs(b) == math.inf else math.inf
        return float(abs(b - y) / math.ulp(float(y)))

    with mp.workprec(120):
        return max((error(a, b), a) for a, b in zip(x.tolist(), computed(name, x).tolist(), strict=True))


def check_accuracy(name: str, count: int) -> None:
    draw = np.random.default_rng(count)
    columns = [draw.uniform(low, high, count) for low, high in RANGES[name]]
    if name in SIZES:
        columns.append(spread(*SIZES[name], count, count))
    # what is made of others has the bound of its rule, whose roundings add up: sigmoid is at 2.2
    bound = 2.0 if name in ROWS else PRIMITIVES[name].ulp
    for x in columns:
        error, at = worst_of(name, x)
        assert error <= bound, (at, error)


@needs_llvm
@pytest.mark.parametrize("name", RANGES)
def test_functions_are_within_two_last_places(name: str) -> None:
    check_accuracy(name, 400)


@needs_llvm
@pytest.mark.nightly
@pytest.mark.parametrize("name", RANGES)
def test_functions_are_within_two_last_places_at_many_points(name: str) -> None:
    check_accuracy(name, 100_000)


@needs_llvm
@pytest.mark.parametrize("name", ["atan2", "hypot"])
@pytest.mark.parametrize("size", [1.0, 1e-310, 4e307, None])
def test_functions_of_two_numbers_are_within_two_last_places(name: str, size: float | None) -> None:
    draw = np.random.default_rng(0)
    columns = [
        spread(0.0, 1e300, 300, k) if size is None else size * draw.uniform(-3.0, 3.0, 300) for k in (1, 2)
    ]
    exact = getattr(mp, name)
    with mp.workprec(120):
        for a, b, found in zip(*(c.tolist() for c in (*columns, computed(name, *columns))), strict=True):
            y = exact(mpf(a), mpf(b))
            assert abs(found - y) <= 2 * math.ulp(float(y)), (a, b)


@needs_llvm
@pytest.mark.parametrize("n", [5, 6, 7, 13, 32, -3, -7, 1.5, 2.5, -0.5, -1.5, 15.5, 1 / 3, 2.1, 33])
def test_powers_are_within_two_last_places(n: float) -> None:
    tape = Tape(NATIVE)
    x, draw = tape.leaf("x", ()), np.random.default_rng(0)
    y = tape.apply(PRIMITIVES["power_n"], x, float(n))
    points = llvm.Points(tape.builder.nodes, [x.id], [y.id], [], [], 1)
    whole = float(n).is_integer()
    for column in (draw.uniform(-3.0 if whole else 0.0, 3.0, 300), spread(1e-9, 1e9, 300, 1)):
        found = np.empty(300)
        points.run([column], [found])
        with mp.workprec(200):
            for a, b in zip(column.tolist(), found.tolist(), strict=True):
                exact = mpf(a) ** mpf(n)
                assert abs(b - exact) <= 2 * math.ulp(float(exact)), (a, b)


SPECIAL = [
    0.0, -0.0, 1.0, -1.0, 0.5, -0.5, math.inf, -math.inf, math.nan, 5e-324, -5e-324, 1e-310, -1e-310,
    2.0**-1022, 709.0, 710.4, 711.0, -745.2, -800.0, 1e5, -1e5, 1e308, -1e308, math.pi, -2.5, 3.0,
]  # fmt: skip


@needs_llvm
@pytest.mark.parametrize("name", ROWS)
def test_special_values_are_those_of_numpy(name: str) -> None:
    arity = max(2, PRIMITIVES[name].arity[0]) if name in ("min", "max") else PRIMITIVES[name].arity[0]
    columns = [a.ravel() for a in np.meshgrid(*[SPECIAL] * arity)]
    found, expected = computed(name, *columns), np.empty(len(columns[0]))
    with np.errstate(all="ignore"):
        FUNCTIONS[name](*columns, out=expected)
        near = np.abs(found - expected) <= 4 * np.spacing(np.abs(expected))
    finite = np.isfinite(columns).all(axis=0)
    # the others are left to NumPy: an operand is looked at that does not show in the result
    ours = (
        np.abs(columns[0]) <= FARTHEST
        if ROWS[name].far
        else finite
        if arity > 1
        else np.ones(len(found), bool)
    )
    alike = found == expected
    if name not in ("min", "max"):  # of two zeros either
        alike &= np.signbit(found) == np.signbit(expected)
    same = alike | (np.isnan(found) & np.isnan(expected)) | (near & (expected != 0.0))
    wrong = np.flatnonzero(ours & ~same)
    assert [(*(float(c[k]) for c in columns), found[k], expected[k]) for k in wrong] == []


@needs_llvm
def test_the_exponential_function_does_not_fall() -> None:
    draw = np.random.default_rng(0)
    halves = (np.arange(-1070, 1020) + 0.5) * math.log(2.0)  # where the power of 2 changes
    for start in (*halves[::7], *draw.uniform(-745.0, 709.0, 200)):
        x = start + np.arange(-32, 32) * np.spacing(abs(start))
        assert (np.diff(computed("exp", x)) >= 0.0).all(), start


@needs_llvm
def test_narrow_vectors_have_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = np.random.default_rng(0).uniform(-3.0, 3.0, (2, 1000))
    text = f"{BENCHMARK}+tanh(x)*erf(y)+atan(x)/cosh(y)+log1p(x*x)+x^1.5"
    graph = lower(parse(text))
    plan = Plan(graph, ["x", "y"], {}, ["x", "y"])
    columns = [plan.leaves[name] for name in plan.columns]
    here = llvm.machine()

    def found() -> list[Any]:
        results = [np.empty(1000) for _ in plan.outputs]
        flagged = llvm.Points(plan.nodes, columns, *plan._ids, 2).run([x, y], results)
        return [r.tobytes() for r in (*results, flagged)]

    wide = found()
    monkeypatch.setattr(llvm, "machine", lambda: here._replace(width=4))
    assert found() == wide


# Programs


def both(text: str, columns: dict[str, Any], threads: int = 1) -> tuple[Plan, list[Any], list[int]]:
    graph = lower(parse(text))
    names = [name for name in graph.inputs if name in columns]
    plan = Plan(graph, names, {}, names)
    results, bad = plan.run(columns, len(next(iter(columns.values()))), threads)
    return plan, results, bad


@needs_llvm
@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("rows", [1, 3, 8, 9, 17, 1000])
def test_any_number_of_rows(rows: int) -> None:
    x, y = np.random.default_rng(rows).uniform(-3.0, 3.0, (2, rows))
    plan, results, bad = both(BENCHMARK, {"x": x, "y": y})
    assert plan.fallback is None
    assert bad == []
    bell, log = np.exp(-x * x), np.log(1 + y * y)
    expected = (
        np.sin(x * y) + bell * log,
        y * np.cos(x * y) - 2 * x * bell * log,
        x * np.cos(x * y) + bell * 2 * y / (1 + y * y),
    )
    for result, e in zip(results, expected, strict=True):
        np.testing.assert_allclose(result, e, rtol=0, atol=5e-15)


@needs_llvm
@pytest.mark.usefixtures("at_once")
def test_threads_have_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "THREADS_FROM", 0)
    monkeypatch.setattr(llvm, "PIECE", 64)
    x, y = np.random.default_rng(0).uniform(-3.0, 3.0, (2, 1003))
    columns = {"x": x, "y": y}
    for text in (BENCHMARK, "log(x)*y"):
        (_, one, bad), (_, two, worse) = both(text, columns), both(text, columns, 2)
        assert bad == worse
        good = np.setdiff1d(np.arange(1003), bad)
        assert [r[good].tobytes() for r in one] == [r[good].tobytes() for r in two]


def compared(seed: int, rows: int) -> int:
    """Compare a random program with the float engine, and return how many rows have numbers."""
    draw = random.Random(f"lanes {seed}")
    text = random_expression(draw, draw.randrange(1, 9))
    try:
        graph = lower(parse(text), NAMES)
    except BackpropError:
        return 0
    names = list(graph.inputs)
    points = [random_point(draw, graph) for _ in range(rows)]
    if not names:
        return 0
    plan = Plan(graph, names, {}, names)
    results, bad = plan.run({n: np.array([p[n] for p in points]) for n in names}, rows)
    active = graph.depends_on(list(graph.inputs.values()))
    for row in sorted(set(range(rows)) - set(bad)):
        inputs = points[row]
        try:
            point = Point.of(graph, inputs, active)
        except NoSuchNumber as error:
            # a last place more or less leads beyond the edge of a domain, or not
            if "rounding alone" not in str(error.hint):
                pytest.fail(f"{text} at {inputs} has no answer: {error.message}")
            continue
        numbers = [point.value, *(point.cotangents[graph.inputs[n]] for n in names)]
        found = [float(result[row]) for result in results]
        if any(abs(a - b) > 4 * math.ulp(a) for a, b in zip(numbers, found, strict=True)):
            noise, slack = rounding_bounds(
                point
            )  # functions that differ by a last place, and what they lead to
            bounds = [noise, *(slack[graph.inputs[n]] for n in names)]
            for a, b, bound in zip(numbers, found, bounds, strict=True):
                assert abs(a - b) <= 4 * math.ulp(a) + 4 * bound, (text, inputs, a, b)
    return rows - len(bad) if plan.fallback is None else 0


@needs_llvm
@pytest.mark.usefixtures("at_once")
def test_random_programs_have_the_numbers_of_the_float_engine() -> None:
    assert sum(compared(seed, 24) for seed in range(120)) > 1000


@needs_llvm
@pytest.mark.nightly
@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("part", range(20))
def test_many_random_programs_have_the_numbers_of_the_float_engine(part: int) -> None:
    assert sum(compared(1000 + 100 * part + k, 1000) for k in range(100)) > 10_000


TOLD = [
    ("where(x > 0, log(x), 0)", "x", [-2.0, 0.5, -1e300, 3.0]),
    ("sin(x)", "x", [1e300, 1e22, 2.0**20 + 1, -1e9, 0.5]),
    ("sin(x)*cos(x)/tan(x)", "x", [1e300, 3.0, -1e7]),
    ("1/(1/x)", "x", [0.0, 2.0]),
    ("exp(x)", "x", [709.0, 710.0, -800.0]),
    ("1/exp(x)", "x", [800.0, 1.0]),
    ("sqrt(x)", "x", [0.0, -1.0, 4.0]),
    ("cbrt(x)^3", "x", [0.0, 1.0]),
    ("where(x == 0, 1, sin(x)/x)", "x", [0.0, 1.0]),
    ("relu(x)+abs(x)", "x", [0.0, -1.0, 1.0]),
    ("max(x, 2*x)", "x", [0.0, 1.0, -1.0]),
    ("(log2(x)/3)^0", "x", [-1.0, 2.0]),
    ("floor(1/x)", "x", [-1e-300, 0.3]),
    ("ceil(cot(x)+x)", "x", [-1e-300, 0.3]),
    ("atan2(x, -2)", "x", [-0.0, 0.0, 1.0]),
    ("x^x", "x", [0.0, -0.5, 2.0, -2.0]),
    ("acos(x)+atanh(x)", "x", [1.0, 2.0, 0.3]),
    ("gamma(x)", "x", [-1.0, 0.5]),
    ("logit(0.6472996^(x*x))", "x", [1e-8, 1e-7, 0.5]),
    ("1/sin(x)+x", "x", [1e300, 0.0, 1.0]),
]


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("fast", [pytest.param(True, marks=needs_llvm), False], ids=["llvm", "numpy"])
@pytest.mark.parametrize(("text", "name", "column"), TOLD, ids=[text for text, *_ in TOLD])
def test_rows_without_an_answer_have_the_reasons_of_single_points(
    text: str, name: str, column: list[float], fast: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not fast:
        monkeypatch.setattr(Plan, "_compiled", lambda self, rows: None)
    graph = lower(parse(text))
    # each alone, and all among others that have one: a block is looked at as a whole
    for rows in (*([x] for x in column), [*column, *np.linspace(0.4, 0.9, 13).tolist()]):
        answers = ByPlan(graph, [name], {}, [name])
        answers.to_look_at = 0
        found = answers(Block({name: np.array(rows)}, len(rows), 0))
        reasons = {}
        for row, x in enumerate(rows):
            try:
                expected = Point.at(graph, {name: x}, [name])
            except NoSuchNumber as error:
                reasons[row] = error.message
            else:
                numbers = [float(column[row]) for column in found.columns.values()]
                assert numbers == pytest.approx(
                    [expected.value, *expected.gradient([name]).values()], rel=1e-15
                )


# What it falls back to


def fallback() -> str | None:
    x = np.linspace(0.1, 2.0, 50)
    plan, results, bad = both("x*sin(x)", {"x": x})
    np.testing.assert_allclose(results[0], x * np.sin(x), rtol=1e-15)
    assert bad == []
    return plan.fallback


@pytest.fixture
def afresh() -> Any:
    """Forget what the processor is, before and afterwards."""
    llvm._machine.cache_clear()
    yield
    llvm._machine.cache_clear()


@pytest.mark.usefixtures("at_once", "afresh")
def test_without_llvmlite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    monkeypatch.setitem(sys.modules, "llvmlite.binding", None)
    assert fallback() == "llvmlite is not installed: pip install 'backprop-cli[fast]'"


@pytest.mark.usefixtures("at_once", "afresh")
def test_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKPROP_FAST", "0")
    assert fallback() == "BACKPROP_FAST is 0"


@needs_llvm
@pytest.mark.usefixtures("at_once", "afresh")
def test_an_old_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    import llvmlite.binding as binding

    features = type(binding.get_host_cpu_features())({"sse2": True, "avx2": True})
    monkeypatch.setattr(binding, "get_host_cpu_features", lambda: features)
    assert fallback() == "the processor lacks AVX2 or FMA"


@needs_llvm
@pytest.mark.usefixtures("at_once")
def test_what_llvm_does_not_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llvm, "points_text", lambda *_: "define void @points(")
    found = fallback()
    assert found is not None
    assert found.startswith("LLVM says ")


@needs_llvm
@pytest.mark.usefixtures("at_once")
def test_programs_that_are_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llvm, "LONGEST", 3)
    found = fallback()
    assert found is not None
    assert found.endswith("instructions are more than 3")


def test_nothing_is_imported_before_it_is_used() -> None:
    program = (
        "import sys; from backprop_cli.cli.main import main; main(['grad', 'x*sin(x)', 'x=0:9:1']);"
        "assert 'llvmlite' not in sys.modules and 'backprop_cli.engine.llvm' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)


def test_verbose_says_by_what_points_are_computed(capfd: pytest.CaptureFixture[str]) -> None:
    from backprop_cli.cli.main import main

    assert main(["eval", "x*x", "x=0:9:1", "--verbose", "--format", "value"]) == 0
    assert "note: 10 points by NumPy: too little to compile for; threads: " in capfd.readouterr().err


@pytest.mark.parametrize(("load", "idle"), [(0.2, 4), (1.4, 3), (3.6, 1), (17.0, 1)])
def test_cores_are_used_that_others_leave_idle(
    load: float, idle: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backprop_cli.engine import cores

    monkeypatch.setattr(cores, "cores", lambda: 4)
    monkeypatch.setattr(cores.os, "getloadavg", lambda: (load, 0.0, 0.0), raising=False)
    assert cores.idle_cores() == idle
