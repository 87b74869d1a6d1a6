"""Derivatives beyond the gradient: Hessians, order N, directions, tangents."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from conftest import ROOT, Result

from backprop_cli.differentiation.higher import Higher, higher, quotient
from backprop_cli.differentiation.series import along
from backprop_cli.differentiation.stationary import eigenvalues
from backprop_cli.differentiation.symbolic.process import SymbolicProcess
from backprop_cli.engine.run import leaf_values, run_exactly
from backprop_cli.errors import NoSuchNumber, Source, UsageError
from backprop_cli.graph import Graph
from backprop_cli.language.lower import lower
from backprop_cli.language.parser import parse
from backprop_cli.ops import PRIMITIVES
from backprop_cli.render.higher import polynomial


def graph_of(text: str, values: Mapping[str, float]) -> Graph:
    return lower(parse(Source(text)), set(values))


@pytest.fixture(scope="module")
def process() -> Iterator[SymbolicProcess]:
    process = SymbolicProcess(fork=False)
    yield process
    process.close()


def numbers(report: Higher) -> list[float | None]:
    return [row.settled for row in report.rows]


# origin: by hand, from the power series or a table of derivatives
ORDERS = [
    ("x^5", {"x": 2.0}, [80.0, 160.0, 240.0, 240.0, 120.0, 0.0]),
    ("exp(x^2)", {"x": 0.0}, [0.0, 2.0, 0.0, 12.0, 0.0, 120.0]),
    ("1/(1 - x)", {"x": 0.0}, [1.0, 2.0, 6.0, 24.0, 120.0, 720.0]),
    ("sin(x)", {"x": 0.0}, [1.0, 0.0, -1.0, 0.0, 1.0]),
    ("log(1 + x)", {"x": 0.0}, [1.0, -1.0, 2.0, -6.0]),
    ("atan(x)", {"x": 0.0}, [1.0, 0.0, -2.0, 0.0, 24.0]),
    ("sqrt(x)", {"x": 1.0}, [0.5, -0.25, 0.375, -0.9375]),
    ("tanh(x)", {"x": 0.0}, [1.0, 0.0, -2.0, 0.0, 16.0]),
    ("sigmoid(x)", {"x": 0.0}, [0.25, 0.0, -0.125]),
    # -Euler's number gamma, then gamma^2 + pi^2/6
    ("gamma(x)", {"x": 1.0}, [-0.5772156649015329, 1.9781119906559451]),
    ("x^x", {"x": 1.0}, [1.0, 2.0, 3.0, 8.0]),
]


@pytest.mark.parametrize(
    ("text", "values", "expected"), ORDERS, ids=lambda v: v if isinstance(v, str) else ""
)
def test_order_n(
    text: str, values: dict[str, float], expected: list[float], process: SymbolicProcess
) -> None:
    report = higher(graph_of(text, values), values, order=len(expected), process=process)
    assert numbers(report) == pytest.approx(expected, rel=1e-13, abs=1e-15)
    assert report.methods == ("symbolic", "taylor", "finite")
    assert {row.verdict for row in report.rows} == {"agree"}
    for method in report.methods:
        assert [row.numbers[method] for row in report.rows] == pytest.approx(expected, rel=1e-13, abs=1e-15)


def test_the_hessian_of_rosenbrock(process: SymbolicProcess) -> None:
    """802, -400 and 200 at the minimum: Nocedal and Wright, exercise 2.1."""
    values = {"x": 1.0, "y": 1.0}
    report = higher(
        graph_of("f(x, y) = 100(y - x^2)^2 + (1 - x)^2", values), values, order=2, process=process
    )
    assert report.hessian == {"x": {"x": 802.0, "y": -400.0}, "y": {"x": -400.0, "y": 200.0}}
    assert [row.name.split("/")[1] for row in report.rows] == ["dx2", "dxdy", "dy2"]
    assert report.rows[1].formula == "-400*x"
    assert report.agree is True


def test_a_direction(process: SymbolicProcess) -> None:
    """Gradient (2xy, x^2) = (4, 1), so 0.6*4 + 0.8*1; then v^T H v = 0.36*4 + 0.96*2."""
    values = {"x": 1.0, "y": 2.0}
    report = higher(
        graph_of("x^2*y", values), values, order=2, direction={"x": 0.6, "y": 0.8}, process=process
    )
    assert numbers(report) == pytest.approx([3.2, 3.36], rel=1e-15)
    assert {row.verdict for row in report.rows} == {"agree"}


@pytest.mark.parametrize("most", [24, pytest.param(1_000, marks=pytest.mark.nightly)])
def test_samples_agree(process: SymbolicProcess, most: int) -> None:
    """Of so many nodes at most: SymPy's second derivatives of the largest take longest by far."""
    samples = [
        (path, lower(parse(Source(path.read_text("utf-8"))), set()))
        for path in sorted((ROOT / "sample_inputs").glob("*.bp"))
    ]
    for path, graph in samples:
        if len(graph) > most:
            continue
        report = higher(graph, {}, order=2, process=process)
        assert report.agree is True, path.name
        assert {row.verdict for row in report.rows} <= {"agree", "rounding"}, path.name


@pytest.mark.parametrize(
    "name", [n for n, row in PRIMITIVES.items() if not row.truth and n not in ("where", "identity")]
)
def test_every_rule_has_right_higher_derivatives(name: str) -> None:
    """Series by the rules against quotients of values, along a line through the sample box."""
    row = PRIMITIVES[name]
    point = {
        p: max(-2.1, min(2.7 - 0.3 * k, low + 0.62 * (high - low)))
        for k, (p, (low, high)) in enumerate(zip(row.params, row.sample, strict=True))
    }
    operands = dict(zip(row.params, row.params, strict=True))
    if row.literal is not None:
        literal = row.params[row.literal]
        operands[literal] = f"({round(point.pop(literal))})"
    texts = list(operands.values())
    text = f"{name}({', '.join(texts)})" if row.infix is None else f" {row.infix} ".join(["", *texts][-2:])
    graph = graph_of(text, point)
    line = {p: 1.0 / (k + 1) for k, p in enumerate(point)}
    series = along(graph, leaf_values(graph, point), line, 5)
    for order in range(1, 6):
        expected, sides = quotient(graph, point, [tuple(line.items())] * order)
        assert sides is None
        assert series[order] == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_a_wrong_rule_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PRIMITIVES["cos"], "partials", lambda xp, y, x: (xp.sin(x),))
    values = {"x": 1.0}
    report = higher(graph_of("sin(x)", values), values, order=2, methods=["reverse", "finite"])
    assert [row.verdict for row in report.rows] == ["agree", "disagree"]
    assert report.agree is False


@pytest.mark.parametrize(
    "text", ["max(x, y)", "relu(x - y)", "relu(x - y)^2", "abs(x - y)*(x - y)", "relu(x*y - 1)"]
)
def test_kinks_between_the_axes_are_seen(text: str) -> None:
    values = {"x": 1.0, "y": 1.0}
    report = higher(graph_of(text, values), values, order=2, methods=["reverse", "finite"])
    assert [row.verdict for row in report.rows] == ["kink"] * 3


@pytest.mark.parametrize("text", ["relu(x - y)^3", "abs(x - y)*(x - y)^2", "relu(x*y - 1)^4"])
def test_smooth_seams_are_no_kinks(text: str) -> None:
    values = {"x": 1.0, "y": 1.0}
    report = higher(graph_of(text, values), values, order=2, methods=["reverse", "finite"])
    assert [row.verdict for row in report.rows] == ["agree"] * 3


def test_kinks_are_seen() -> None:
    values = {"x": 0.0}
    report = higher(graph_of("relu(x)", values), values, order=2, methods=["reverse", "finite"])
    assert [row.verdict for row in report.rows] == ["kink", "kink"]
    assert [row.sides for row in report.rows] == [(0.0, 1.0), (0.0, 0.0)]
    values = {"x": 0.0, "y": 1.0}
    report = higher(graph_of("relu(x)*y", values), values, order=2, methods=["reverse", "finite"])
    assert report.rows[1].numbers["reverse"] == 0.0
    assert report.agree is True


def test_cancellation_is_told_from_a_wrong_rule(process: SymbolicProcess) -> None:
    """(1 - cos x)/x^2 is 1/2 - x^2/24 + ...: the second derivative tends to -1/12."""
    values = {"x": 1e-4}
    report = higher(graph_of("(1 - cos(x))/x^2", values), values, order=2, process=process)
    assert report.rows[1].verdict == "rounding"
    assert report.rows[1].settled == pytest.approx(-1 / 12, rel=1e-8)
    assert "rounding: d2f/dx2 holds to few digits" in report.warnings


def test_what_does_not_exist() -> None:
    values = {"x": 0.0}
    with pytest.raises(NoSuchNumber, match="d2f/dx2 does not exist at x = 0"):
        higher(graph_of("x*sqrt(x)", values), values, order=2, methods=["reverse"])
    values = {"x": 1.0, "y": 1.0}
    with pytest.raises(UsageError, match="--order 3 is by one input, but there are 2: x, y"):
        higher(graph_of("x*y", values), values, order=3)
    for order in (0, 13):
        with pytest.raises(UsageError, match=f"--order is from 1 to 12, not {order}"):
            higher(graph_of("x*y", values), values, order=order, wrt=["x"])


def test_command(run: Callable[..., Result]) -> None:
    at = ["3x^2 + 2x*y + y^2", "--x", "1", "--y", "2", "--method", "reverse", "--method", "finite"]
    report = run("grad", *at, "--order", "2", "--format", "json").answered().json
    assert report["hessian"] == {"x": {"x": 6.0, "y": 2.0}, "y": {"x": 2.0, "y": 2.0}}
    assert report["agree"] is True
    out = run("grad", *at, "--order", "2").answered().out
    assert "Hessian by x, y: [[6, 2], [2, 2]]" in out
    assert run("grad", *at[:5], "--order", "2", "--format", "value").numbers == [6.0, 2.0, 2.0]
    # gradient (10, 6): 3*10 + 4*6 along (3, 4), of length 5
    out = run("grad", *at, "--direction", "x=3,y=4").answered().out
    assert "t moves x by 3, y by 4: a direction of length 5" in out
    assert "slope for a step of length 1: 10.8" in out
    assert run("grad", *at[:5], "--direction", "x=3,y=4", "--format", "value").numbers == [54.0]
    rows = run("grad", *at, "--order", "2", "--wrt", "y", "--format", "csv").answered().out.splitlines()
    assert rows[0] == "name,order,formula,taylor,finite,difference,verdict"
    assert rows[2] == "d2f/dy2,2,,2.0,2.0,0.0,agree"


def test_tangents(run: Callable[..., Result]) -> None:
    """The parabola 2x^2 - 3x + 4 has the slope 5 and the value 6 at 2."""
    reverse = ["--method", "reverse"]
    out = run("grad", "2x^2 - 3x + 4", "--x", "2", "--tangent", *reverse).answered().out
    assert "tangent line: y = 6 + 5*(x - 2)\nmultiplied out: y = 5*x - 4\n" in out
    report = run("grad", "q = x^2 + 2y", "x=-3", "y=0", "--tangent", "--format", "json", *reverse).json
    assert report["tangent"] == {
        "kind": "plane",
        "at_the_point": "q = 9 - 6*(x + 3) + 2*y",
        "multiplied_out": "q = -6*x + 2*y - 9",
    }
    # a cone: its planes go through the tip, whatever rounding says
    out = run("grad", "sqrt(x^2 + y^2)", "x=3", "y=4", "--tangent", *reverse).answered().out
    assert "multiplied out: z = 0.6*x + 0.8*y\n" in out


def test_what_goes_together(run: Callable[..., Result], tmp_path: Path) -> None:
    at = ["x^2", "--x", "2"]
    run("grad", *at, "--order", "2", "--direction", "y=1").refused(2, "no input y")
    run("grad", *at, "--direction", "x").refused(2, "a move is NAME=NUMBER")
    run("grad", *at, "--direction", "x=0").refused(2, "leads nowhere")
    run("grad", *at, "--direction", "x=1,x=2").refused(2, "x is given twice")
    run("grad", *at, "--direction", "x=log(-1)").refused(2, "--direction: ")
    run("grad", *at, "--direction", "x=1", "--wrt", "x").refused(2, "leave --wrt out")
    run("grad", *at, "--tangent", "--order", "2").refused(2, "--tangent goes with the gradient")
    run("grad", *at, "--tangent", "--format", "csv").refused(2, "has no place for --tangent")
    run("grad", "x^2", "--tangent").refused(2, "no value for x")
    run("grad", "x^2", "--x", "0:1:0.5", "--order", "2").refused(2, "--order is for one point")
    run("grad", *at, "--order", "2", "--step", "0.1").refused(2, "--step is for the gradient")
    run("grad", *at, "--order", "13").refused(2, "--order")
    run("grad", "x*sqrt(x)", "--x", "0", "--order", "2", "--method", "reverse").refused(3, "does not exist")


def test_formulas_alone(process: SymbolicProcess) -> None:
    graph = graph_of("sin(x)^2", {"x": 0.0})
    report = higher(graph, {}, order=2, process=process)
    assert [row.formula for row in report.rows] == ["2*sin(x)*cos(x)", "2 - 4*sin(x)^2"]
    assert report.methods == ()


# origin: textbook examples; degenerate ones by looking at the function
POINTS = [
    ("100(y - x^2)^2 + (1 - x)^2", {"x": 1.0, "y": 1.0}, 2, "minimum"),
    ("x^2 - y^2", {"x": 0.0, "y": 0.0}, 2, "saddle"),
    ("x*y", {"x": 0.0, "y": 0.0}, 2, "saddle"),
    ("-x^2 - x*y - y^2", {"x": 0.0, "y": 0.0}, 2, "maximum"),
    ("x^2 + y^4", {"x": 0.0, "y": 0.0}, 2, "undecided"),
    ("(x - y)^2", {"x": 1.0, "y": 1.0}, 2, "undecided"),
    ("x^2 - y^2 + z^4", {"x": 0.0, "y": 0.0, "z": 0.0}, 2, "saddle"),
    ("|x| + y^2", {"x": 0.0, "y": 0.0}, 2, "undecided"),
    ("x^2 - y^2", {"x": 1.0, "y": 0.0}, 2, None),
    ("1e-300*(x^2 + y^2)", {"x": 0.0, "y": 0.0}, 2, "minimum"),
    # rounded points: the slopes of sin at the float pi/2 are 6e-17
    ("sin(x)*sin(y)", {"x": 1.5707963267948966, "y": 1.5707963267948966}, 2, "maximum"),
    ("(3x - 1)^2 + y^2", {"x": 0.3333333333333333, "y": 0.0}, 2, "minimum"),
    # the Hessian there is that of a saddle on one side and a minimum on the other
    ("(3x - 1)^3 + y^2", {"x": 0.3333333333333333, "y": 0.0}, 2, "undecided"),
    ("(x - 1e-10)^2 + y^2", {"x": 0.0, "y": 0.0}, 2, None),
    ("x^2", {"x": 0.0}, 2, "minimum"),
    ("x^4", {"x": 0.0}, 2, "undecided"),
    ("x^4", {"x": 0.0}, 4, "minimum"),
    ("-x^6", {"x": 0.0}, 6, "maximum"),
    ("x^5", {"x": 0.0}, 5, "inflection"),
    ("x^5 + x^4", {"x": 0.0}, 4, "minimum"),
    ("x^3 + x", {"x": 0.0}, 3, None),
    ("cos(x)", {"x": 0.0}, 2, "maximum"),
]


@pytest.mark.parametrize(("text", "values", "order", "kind"), POINTS)
def test_what_the_second_derivatives_say(
    text: str, values: dict[str, float], order: int, kind: str | None, process: SymbolicProcess
) -> None:
    for methods in ((), ("reverse",)):
        report = higher(graph_of(text, values), values, order=order, methods=methods, process=process)
        assert report.stationary is not None
        assert report.stationary.kind == kind


def test_eigenvalues_are_those_of_numpy() -> None:
    np = pytest.importorskip("numpy")
    from mpmath import mp, mpf

    random = np.random.default_rng(5)
    with mp.workdps(80):
        for n in (1, 2, 3, 5, 8):
            a = random.normal(size=(n, n)) * 10.0 ** random.integers(-3, 4, size=(n, n))
            for matrix in (a + a.T, np.diag(np.arange(float(n))), np.ones((n, n)), np.zeros((n, n))):
                found = [float(x) for x in eigenvalues([[mpf(x) for x in row] for row in matrix.tolist()])]
                expected = np.linalg.eigvalsh(matrix)
                assert found == pytest.approx(expected, rel=1e-12, abs=1e-12 * abs(expected).max() + 1e-75)


MIXED = [
    ("x^2*y", {"x": 1.0, "y": 2.0}, "x,x,y"),
    ("x^3*y^2*sin(z)", {"x": 1.0, "y": 2.0, "z": 0.5}, "x,y,z"),
    ("exp(x*y)/(1 + z^2)", {"x": 0.3, "y": -0.7, "z": 1.1}, "x,x,y,z"),
    ("sin(x*y)*log(x + y)", {"x": 0.8, "y": 1.3}, "y,x,y,y,x"),
    ("(x + 2y - z)^6", {"x": 0.1, "y": 0.2, "z": 0.4}, "x,y,y,z,z,z"),
]


@pytest.mark.parametrize(("text", "values", "wrt"), MIXED)
def test_mixed_partials_are_those_of_mpmath(
    text: str, values: dict[str, float], wrt: str, process: SymbolicProcess
) -> None:
    from mpmath import mp

    graph, by = graph_of(text, values), wrt.split(",")
    report = higher(graph, values, order=len(by), wrt=by, process=process)
    names = list(graph.inputs)

    def f(*point: object) -> object:
        return run_exactly(graph, dict(zip(names, point, strict=True)))[graph.output]

    with mp.workdps(60):
        expected = mp.diff(f, tuple(values[n] for n in names), tuple(by.count(n) for n in names))
    (row,) = report.rows
    assert row.verdict == "agree"
    assert list(row.numbers.values()) == pytest.approx([float(expected)] * 3, rel=1e-12)


def test_a_name_twice_is_a_derivative_of_a_derivative(run: Callable[..., Result]) -> None:
    assert "d3f/dx2dy   2" in run("grad", "x^2*y", "--wrt", "x,x,y").out
    fault = run("grad", "x^2*y", "--wrt", "x,x,y", "--order", "2")
    assert fault.status == 2
    assert "order 3, and --order says 2" in fault.err


POLYNOMIALS = [
    ("x^2*sin(x)", {"x": 0.0}, 7, "x^3 - x^5/6 + x^7/120"),
    ("exp(x)", {"x": 0.0}, 4, "1 + x + x^2/2 + x^3/6 + x^4/24"),
    ("-1/(1 - x)", {"x": 0.0}, 3, "-1 - x - x^2 - x^3"),
    ("sqrt(x)", {"x": 4.0}, 3, "2 + (x - 4)/4 - (x - 4)^2/64 + (x - 4)^3/512"),
    ("log(1 + x)*y", {"x": 0.0, "y": 2.0}, 3, "2*x - x^2 + x*(y - 2) + 2*x^3/3 - x^2*(y - 2)/2"),
    ("exp(x)*cos(y)", {"x": -0.3, "y": 0.7}, 4, None),
    ("exp(x)/x", {"x": 1.25}, 5, None),
    ("x^2 - x", {"x": 3.0}, 4, "6 + 5*(x - 3) + (x - 3)^2"),
    ("x*0", {"x": 3.0}, 2, "0"),
]


@pytest.mark.parametrize(("text", "values", "order", "shown"), POLYNOMIALS)
def test_a_taylor_polynomial(
    text: str, values: dict[str, float], order: int, shown: str | None, process: SymbolicProcess
) -> None:
    """Its coefficients are mpmath's, and read again its error falls with the power after its last."""
    from mpmath import mp

    graph = graph_of(text, values)
    report = higher(graph, values, order=order, process=process, taylor=True)
    written = polynomial(report)
    assert shown is None or written == shown
    assert report.taylor is not None
    if len(values) == 1:
        (x,) = values.values()
        with mp.workdps(40):
            expected = mp.taylor(lambda t: run_exactly(graph, {"x": t})[graph.output], x, order)
        found = {term.powers.get("x", 0): term.coefficient for term in report.taylor}
        assert [found.get(k, 0.0) for k in range(order + 1)] == pytest.approx(
            [float(c) for c in expected], rel=1e-13, abs=1e-15
        )
    if shown is not None and len(report.taylor) <= order:
        return
    again = graph_of(written, values)
    errors = []
    with mp.workdps(40):
        for step in (0.02, 0.01):
            there = {name: mp.mpf(x) + step for name, x in values.items()}
            f, p = (run_exactly(g, {n: there[n] for n in g.inputs})[g.output] for g in (graph, again))
            errors.append(float(abs(f - p)))
    assert errors[0] / errors[1] == pytest.approx(2.0 ** (order + 1), rel=0.1)


def test_there_is_no_taylor_polynomial_at_a_kink(process: SymbolicProcess) -> None:
    for methods in ((), ("reverse",)):
        report = higher(
            graph_of("|x|", {"x": 0.0}), {"x": 0.0}, order=2, methods=methods, process=process, taylor=True
        )
        assert report.taylor is None
        assert "no Taylor polynomial" in report.notes[-1]
