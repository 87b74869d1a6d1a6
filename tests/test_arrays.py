"""Vectors and matrices in the language: kinds and errors, values from three sides, every row, what is shown.

The numbers of `VALUES` were computed with mpmath at 40 digits; PyTorch and JAX agree to 9e-16.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import backprop_cli
from backprop_cli.api.arrays import (
    explanation_of,
    gradient_of,
    hessian_of,
    jacobian_of,
)
from backprop_cli.differentiation import METHODS
from backprop_cli.differentiation.arrays import array_values
from backprop_cli.differentiation.sampled import sampled
from backprop_cli.errors import BackpropError, ExpressionError, NoSuchNumber, Source
from backprop_cli.export.arrays import export_arrays
from backprop_cli.graph import NOWHERE, ArrayBuilder
from backprop_cli.language.array_parser import parse_arrays
from backprop_cli.language.format import format_program
from backprop_cli.language.settle import Settled, read_arrays
from backprop_cli.ops.matrices import MATRICES, Kind
from backprop_cli.ops.tensor import Pull
from backprop_cli.render.arrays import slopes_of

Arrays = dict[str, Any]


def settled(text: str, **values: Any) -> tuple[Settled, Arrays]:
    arrays = {name: np.array(x, float) for name, x in values.items()}
    return read_arrays(Source(text), {name: x.shape for name, x in arrays.items()}, arrays), arrays


def gradient(text: str, values: Arrays, **options: Any) -> Any:
    return gradient_of(*settled(text, **values), **options)


KNOWN: dict[str, Any] = {}


def known(text: str, values: Arrays) -> Any:
    """By all methods, once for all tests that look at it."""
    key = repr((text, values))
    if key not in KNOWN:
        KNOWN[key] = gradient(text, values)
    return KNOWN[key]


# values: the acceptance list

A3 = [[2, 1, 0], [0, 3, -1], [4, 0, 1]]
A32 = [[1, 2], [3, 4], [5, 6]]
X3 = [[4, 1, 0], [1, 3, 1], [0, 1, 2]]
ROWS = [[1, 2], [-1, 0.5], [0, -1], [3, 1]]
QUADRATIC = {"A": A3, "x": [1, -2, 3]}
LEAST = {"A": A32, "x": [1, -1], "b": [1, 0, 2]}
SOLVED = {"X": X3, "a": [1, -1, 2], "b": [0.5, 1, -1]}
FITTED = {"X": ROWS, "w": [0.5, -0.25], "y": [1, 0, 0, 1]}
SOFTMAX = {"W": [[0.1, 0.2, 0.3], [0.4, -0.5, 0.6]], "x": [1, 2, -1], "b": [0, 0.1], "t": [1, 0]}
TWO_LAYERS = {
    "W1": [[0.5, -1, 0.25], [1, 0.5, -0.5]], "x": [1, 0.5, -1], "W2": [[1, -1], [0.5, 2]], "t": [1, 0],
}  # fmt: skip
ATTENTION = {
    "Q": [[1, 0], [0, 1], [1, 1]], "K": [[1, 1], [0, 2], [-1, 0]], "V": A32, "G": [[1, -1], [0, 1], [0.5, 0]],
}  # fmt: skip
FACTORS = {
    "R": [[5, 3], [4, 0], [1, 1]], "U": [[1, 0.5], [0.5, 1], [0, 1]], "V": [[1, 2], [-1, 1]],
}  # fmt: skip
BY_A = [[1, -2, 3], [-2, 4, -6], [3, -6, 9]]
QUADRATIC_SLOPES = (39, {"x": [14, -14, 12], "A": BY_A})
LOGDET_SLOPES = (2.89037175789616, {"X": np.array([[5, -2, 1], [-2, 8, -4], [1, -4, 11]]) / 18})
SOLVED_BY_X = [[1 / 72, -11 / 36, 29 / 72], [-1 / 36, 11 / 18, -29 / 36], [1 / 24, -11 / 12, 29 / 24]]
SOFTMAX_ROW = np.array([-0.2141650169574, -0.4283300339149, 0.2141650169574])
LOGISTIC_SLOPES = (0.54992909001517, {"w": [-0.3791863879525, -0.402638518011]})
SQUARE = {"A": [[1, 2], [3, 4]]}

VALUES: list[tuple[str, Arrays, tuple[float, Arrays]]] = [
    *((text, QUADRATIC, QUADRATIC_SLOPES) for text in ("x'@A@x", "x'*A*x", "x.T@A@x", "x@A@x")),
    (
        "norm(A@x - b)^2",
        LEAST,
        (14, {"x": [-40, -52], "b": [4, 2, 6], "A": [[-4, 4], [-2, 2], [-6, 6]]}),
    ),
    ("norm(A@x - b)", LEAST, (3.74165738677394, {"x": [-5.345224838248, -6.948792289723]})),
    *((text, {"X": X3}, LOGDET_SLOPES) for text in ("logdet(X)", "log(det(X))")),
    *((text, SOLVED, (-2.25, {"X": SOLVED_BY_X})) for text in ("a'@inv(X)@b", "a'@solve(X, b)")),
    (
        "cross_entropy(W@x + b, t)",
        SOFTMAX,
        (
            0.241008453832992,
            {
                "W": [SOFTMAX_ROW, -SOFTMAX_ROW],
                "x": [0.06424950508723, -0.1499155118702, 0.06424950508723],
            },
        ),
    ),
    ("mean(softplus(X@w) - y*(X@w))", FITTED, LOGISTIC_SLOPES),
    ("z = X@w; p = sigmoid(z); -mean(y*log(p) + (1 - y)*log(1 - p))", FITTED, LOGISTIC_SLOPES),
    (
        "h = tanh(W1@x); L = cross_entropy(W2@h, t)",
        TWO_LAYERS,
        (
            2.99777200210932,
            {
                "W1": [
                    [-0.4465549387079, -0.223277469354, 0.4465549387079],
                    [0.3243992586067, 0.1621996293034, -0.3243992586067],
                ],
                "x": [0.1011217892528, 0.6087545680113, -0.2738383639803],
            },
        ),
    ),
    (
        "sum((softmax(Q@K'/sqrt(2))@V).*G)",
        ATTENTION,
        (
            3.79688872070562,
            {
                "Q": [
                    [0, 0],
                    [-0.5703500644274, -0.1092731098646],
                    [-0.2516593903477, 0.08190148700759],
                ],
            },
        ),
    ),
    (
        "x'@A@x/(x'@x)",
        QUADRATIC,
        (39 / 14, {"x": [0.6020408163265, -0.2040816326531, -0.3367346938776]}),
    ),
    (
        "u'@v/(norm(u)*norm(v))",
        {"u": [1, 2, 3], "v": [4, -5, 6]},
        (0.365486942323904, {"u": [0.09572277060864, -0.2044986463003, 0.104424840664]}),
    ),
    ("norm(X@w - y)^2/2 + 0.5*(w'@w)/2", FITTED, (0.8359375, {"w": [0.625, -2.4375]})),
    ("sum((R - U@V').^2)", FACTORS, (24.75, {"U": [[1, -19], [-4, -5], [2, 4]]})),
    (
        "logsumexp(A@x)",
        {"A": A32, "x": [0.5, -0.25]},
        (1.68026967064173, {"x": [3.64031333566, 4.64031333566]}),
    ),
    ("trace(A) + trace(A@A)", SQUARE, (34, {"A": [[3, 6], [4, 9]]})),
    ("trace(A'@A) + trace(B'@B)", SQUARE | {"B": [[1, 0], [2, 1]]}, (36, {"A": [[2, 4], [6, 8]]})),
    ("log(det(A)^2)", SQUARE, (2 * np.log(2), {"A": [[-4, 3], [2, -1]]})),
    ("2*x'@x", {"x": [0, 1, 2, 3]}, (28, {"x": [0, 4, 8, 12]})),
    ("sum(c.*A)", {"c": 2, "A": [[1, 2]]}, (6, {"c": 3, "A": [[2, 2]]})),
    ("norm(x)", {"x": [3, 4]}, (5, {"x": [0.6, 0.8]})),
    ("det(A)", {"A": [[1, 2], [2, 4]]}, (0, {"A": [[4, -2], [-2, 1]]})),  # singular: the adjugate
    ("A[0]@x + x[-1]*A[1, 1] + sum(A[:, 0])", SQUARE | {"x": [1, 2]}, (17, {"x": [1, 6]})),
    ("sum([[cos(t), -sin(t)], [sin(t), cos(t)]]@x)", {"t": 0, "x": [2, 3]}, (5, {"t": -1})),
    ("max(x) + min(x) + max(x[1], 3)", {"x": [1, 2, 5]}, (9, {"x": [1, 0, 1]})),
    ("sum(diag(x)@A) + trace(diag(x))", SQUARE | {"x": [1, 2]}, (20, {"x": [4, 8]})),
    ("sum(rowsum(A)*colsum(A)) + sum(A + x)", SQUARE | {"x": [1, 2]}, (70, {"x": [2, 2]})),
    ("sum(A.^2 ./ A) + sum(eye(2).*A) + sum(ones(2)*x)", SQUARE | {"x": [1, 2]}, (18, {"x": [1, 1]})),
    ("outer(x, x)[0, 1] + dot(x, x) + (x@x')[1, 0]", {"x": [1, 2]}, (9, {"x": [6, 6]})),
]  # fmt: skip


@pytest.mark.parametrize(("text", "values", "right"), VALUES, ids=[row[0] for row in VALUES])
def test_values_and_slopes(text: str, values: Arrays, right: tuple[float, Arrays]) -> None:
    report = known(text, values)
    assert float(report.value) == pytest.approx(right[0], rel=4e-14, abs=4e-16)
    for name, slope in right[1].items():
        found = np.array(report.gradient[name], float)
        np.testing.assert_allclose(found, slope, rtol=1e-12, atol=1e-13)
    assert report.agree is True
    words = {verdict.verdict for id in report.shown() for _, verdict in report.judged(id)}
    assert words <= {"agree", "rounding"}, words
    if text != "det(A)":  # that matrix has no inverse
        assert {report.graph.inputs[name] for name in report.wrt} <= set(report.formulas), report.notes
    held_to_the_sweep(report)


def test_every_method_has_a_column() -> None:
    report = gradient("norm(A@x - b)^2", LEAST, methods=METHODS)
    for method in METHODS:
        np.testing.assert_allclose(
            report.column(method, report.graph.inputs["x"]).astype(float), [-40, -52], 1e-8
        )
    assert report.agree is True


def test_ridge_has_its_minimum() -> None:
    values = FITTED | {"w": [4 / 17, 44 / 153]}
    report = gradient("norm(X@w - y)^2/2 + 0.5*(w'@w)/2", values, methods=["reverse"], wrt=["w"])
    assert np.abs(report.gradient["w"].astype(float)).max() < 1e-15


# every row, by its samples alone

CASES = [
    (name, k)
    for name, row in MATRICES.items()
    for k in range(len(row.samples))
]  # fmt: skip


def applied(name: str, sample: int) -> tuple[Settled, Arrays]:
    """A weighted sum of what a row gives, so that no number of its cotangent is like another."""
    row = MATRICES[name]
    shapes, static = row.samples[sample]
    draw = np.random.default_rng(7)
    builder = ArrayBuilder(Source(""))
    builder.shaped = True
    values: Arrays = {}
    ids = []
    for position, shape in enumerate(shapes):
        operand = f"x{position}"
        ids.append(builder.array(operand, shape, NOWHERE))
        values[operand] = draw.uniform(0.3, 1.7, shape)
        if len(shape) == 2 and shape[0] == shape[1]:
            values[operand] += 2 * np.eye(shape[0])  # not singular, with a determinant above 0
    value = builder.apply(row, tuple(ids), NOWHERE, static)
    shape = builder.nodes[value].shape
    weights = builder.array("w", shape, NOWHERE)
    values["w"] = draw.uniform(0.5, 1.5, shape)
    total = builder.apply(MATRICES[".*"], (value, weights), NOWHERE)
    if shape:
        total = builder.apply(MATRICES["sum"], (total,), NOWHERE, {"spec": f"{'ij'[: len(shape)]}->"})
    graph = builder.build([total])
    return Settled(graph, [Kind(node.shape) for node in graph.nodes], {}), values


@pytest.mark.parametrize(("name", "sample"), CASES)
def test_rows_agree_with_their_definitions(name: str, sample: int) -> None:
    program, values = applied(name, sample)
    report = gradient_of(program, values, methods=METHODS)
    assert report.agree is True
    for id in report.shown():
        assert {verdict.verdict for _, verdict in report.judged(id)} <= {"agree"}, report.to_text()
    # the definition gave these values; the engine's own are the row's forward rule
    alone = gradient_of(program, values, methods=["reverse"])
    assert float(alone.value) == pytest.approx(float(report.value), rel=1e-13)


def doubled(pull: Any) -> Any:
    return Pull(lambda g: pull.transpose(g) * 2.0, lazy=pull.lazy) if isinstance(pull, Pull) else pull * 2.0


def turned(pull: Any) -> Any:
    """The transpose left out, or put where there is none."""

    def transpose(g: Any) -> Any:
        found = pull.transpose(g)
        shape = getattr(found, "shape", ())
        if len(shape) < 2:
            return found * -1.0
        return found.recorder.xp.reshape(found.recorder.xp.transpose(found, (1, 0)), shape)

    return Pull(transpose) if isinstance(pull, Pull) else pull * -1.0


@pytest.mark.parametrize("wrong", [doubled, turned])
@pytest.mark.parametrize("name", dict.fromkeys(name for name, _ in CASES))
def test_a_wrong_pull_is_noticed(
    name: str, wrong: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    row, right = MATRICES[name], MATRICES[name].partials
    monkeypatch.setattr(row, "partials", lambda *xs, **static: tuple(map(wrong, right(*xs, **static))))
    if wrong is turned and name in ("trace", "diag", "sum", "rowsum", "colsum", "'"):
        return  # their cotangents look the same from both sides
    report = gradient_of(*applied(name, 0), methods=["reverse", "finite"])
    assert report.agree is False


# random programs

LENGTHS = (1, 2, 3)
SMOOTH = ("tanh", "sin", "sigmoid", "exp", "softplus", "softmax", "log_softmax")


@st.composite
def programs(draw: st.DrawFn) -> tuple[str, Arrays]:
    """Well-typed programs: an array of some shape, from arrays of other shapes; its sum is the output."""
    values: Arrays = {}
    numbers = st.integers(-8, 8).map(lambda k: k / 4)

    def leaf(shape: tuple[int, ...]) -> str:
        known = [name for name, x in values.items() if np.shape(x) == shape]
        if known and draw(st.booleans()):
            return draw(st.sampled_from(known))
        name = "abcdfghkmnpqrsuvwxyz"[len(values) % 20] + "_" * (len(values) // 20)
        count = int(np.prod(shape))
        values[name] = np.reshape(draw(st.lists(numbers, min_size=count, max_size=count)), shape)
        return name

    def array(shape: tuple[int, ...], depth: int) -> str:
        if depth == 0:
            return leaf(shape)
        inner = draw(st.sampled_from(LENGTHS))
        ways = ["leaf", "sum", "product", "map", "scaled", "matmul", "part", "full"]
        ways += (
            ["turned", "outer", "bias"]
            if len(shape) == 2
            else ["along", "diagonal"]
            if shape
            else ["reduced"]
        )
        way = draw(st.sampled_from(ways))
        if way == "sum":
            return f"({array(shape, depth - 1)} {draw(st.sampled_from('+-'))} {array(shape, depth - 1)})"
        if way == "product":
            sign = ".*" if len(shape) == 2 else "*"
            return f"({array(shape, depth - 1)}{sign}{array(shape, depth - 1)})"
        if way == "map":
            name = draw(st.sampled_from(SMOOTH[:5] if not shape else SMOOTH))
            return f"{name}(0.25*{array(shape, depth - 1)})"
        if way == "scaled":
            return f"({array((), depth - 1)}*{array(shape, depth - 1)})"
        if way == "matmul":
            if len(shape) == 2:
                return f"({array((shape[0], inner), depth - 1)}@{array((inner, shape[1]), depth - 1)})"
            if len(shape) == 1:
                return f"({array((*shape, inner), depth - 1)}@{array((inner,), depth - 1)})"
            return f"({array((inner,), depth - 1)}'@{array((inner,), depth - 1)})"
        if way == "part":
            if len(shape) == 2:
                return f"{array((shape[0] + 1, shape[1]), depth - 1)}[1:]"
            return f"{array((2, *shape), depth - 1)}[{draw(st.sampled_from(['0', '1', '-1']))}]"
        if way == "full":  # constant, and as many numbers
            inside = array(shape, depth - 1)
            ways = ["({} .^ 0)", "where({} > 0, 2, 2)", "where(1 < 2, 0.5, {})", "({} + 0*{})"]
            of = draw(st.sampled_from(ways))
            return of.format(*([array(shape[1:], 0)] if of.count("{}") > 1 else []), inside)
        if way == "turned":
            return f"{array(shape[::-1], depth - 1)}'"
        if way == "outer":
            return f"({array(shape[:1], depth - 1)}@{array(shape[1:], depth - 1)}')"
        if way == "bias":
            return f"({array(shape, depth - 1)} + {array(shape[1:], depth - 1)})"
        if way == "along":
            return f"rowsum({array((*shape, inner), depth - 1)})"
        if way == "diagonal":
            return f"diag({array(shape * 2, depth - 1)})"
        if way == "reduced":
            name = draw(st.sampled_from(["sum", "mean", "logsumexp", "norm", "trace", "det"]))
            whole = (inner, inner) if name in ("trace", "det") else (inner,)
            return f"{name}({array(whole, depth - 1)})"
        return leaf(shape)

    shape = draw(st.sampled_from([(), (2,), (3,), (2, 3), (2, 2)]))
    return f"sum({array(shape, 3)})" if shape else array((), 3), values


@settings(max_examples=60)
@given(programs())
def test_programs_are_written_as_they_are_read(case: tuple[str, Arrays]) -> None:
    program = parse_arrays(Source(case[0]))
    again = parse_arrays(Source(format_program(program)))
    assert [(item.text, item.arity) for item in again.statements[0].items] == [
        (item.text, item.arity) for item in program.statements[0].items
    ]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("2.*x", "2.*x"),
        ("2 .*x", "2.*x"),
        ("x' .* y.T", "x'.*y'"),
        ("(A@b)'@(c - d)", "(A@b)'@(c - d)"),
        ("A@(b@c)", "A@(b@c)"),
        ("-x'", "-x'"),
        ("[[1,2],[x , 3*y]]", "[[1, 2], [x, 3*y]]"),
        ("A[ : ,1]", "A[:, 1]"),
        ("(A@B)[1:3,-1]", "(A@B)[1:3, -1]"),
        ("A.^2./B", "A.^2./B"),
        ("A.^2.*B + 2.**2", "A.^2.*B + 2.^2"),
        ("Aᵀ@x′", "A'@x'"),
    ],
)
def test_spellings(text: str, plain: str) -> None:
    assert format_program(parse_arrays(Source(text))) == plain


# what does not go together

NAMES = {"A": (3, 3), "W": (2, 3), "x": (3,), "y": (3,), "b": (2,), "n": ()}
CLASHES = [
    ("W*x", "W*x can be read in two ways: a 2x3 matrix and a vector of 3", "W@x for the matrix"),
    ("1 + W@b", "a 2x3 matrix times a vector of 2: 3 columns meet 2 rows", "W'@b would fit"),
    ("W@W", "a 2x3 matrix times a 2x3 matrix: 3 columns meet 2 rows", "W'@W would fit"),
    ("x + y'", "a vector of 3 and a row of 3 do not go together element by element", "y is a vector of 3"),
    ("W + b", "a 2x3 matrix and a vector of 2 do not go together element by element", "(W' + b)'"),
    ("x + b", "a vector of 3 and a vector of 2 do not go together element by element", None),
    ("det(W)", "det takes a square matrix, not a 2x3 matrix", None),
    ("inv(x)", "inv takes a square matrix, not a vector of 3", None),
    ("trace(n)", "trace takes a square matrix, not a number", None),
    ("A^2", "a power of a 3x3 matrix can be read in two ways", "A.^2 goes element by element; A@A"),
    ("A^-1", "a power of a 3x3 matrix can be read in two ways", "inv(A)"),
    ("A/W", "A/W can be read in two ways: a 3x3 matrix and a 2x3 matrix", "A./W element by element"),
    ("[[1, 2], [3]]@b", "the rows of an array are alike, but here a vector of 2 meets a vector of 1", None),
    ("[[x, y], [x, y]]", "an array has rows and columns, no more", None),
    ("x[3]", "index 3 is outside: a vector of 3 goes from 0 to 2", None),
    ("W[2, 0]", "index 2 is outside: the row of a 2x3 matrix goes from 0 to 1", None),
    ("W[0, -4]", "index -4 is outside: the column of a 2x3 matrix goes from 0 to 2", None),
    ("x[0, 0]", "2 indices for a vector of 3", None),
    ("x[2:1]", "[2:1] is empty: a vector of 3 goes from 0 to 2", None),
    ("n[0]*x", "n is a number and has no parts", "x1"),
    ("n'*x", "numbers have no transpose, and n is one", None),
    ("n@x", "@ is the product of arrays, and n is a number", "n*x"),
    ("x'@y'", "a row of 3 times a row of 3 is no product", "x'@y is a number"),
    ("|x|", "|x| of a vector of 3 can be read in two ways", "norm(x) is its length, abs(x)"),
    ("A'(x)", "A'(...) can be read in two ways", "A'@(...)"),
    ("solve(W, b)", "solve takes a square matrix, not a 2x3 matrix", None),
    ("cross_entropy(x, b)", "cross_entropy takes scores and targets of one shape", None),
    ("eye(n)@x", "eye takes sizes: whole numbers from 1 to 10,000, not n", "eye(3)"),
    ("max(n) + x", "max takes 2 or more operands, here it has 1", "max(a, b, ...)"),
    ("x[n]", "an index is a whole number or a slice", "x[0], x[1:3]"),
    ("[1 2]@b", "a comma is missing between two entries", "rows are lists: [[1, 2], [3, 4]]"),
    ("[1, 2; 3, 4]@b", "this '[' is not closed", "rows are lists: [[1, 2], [3, 4]]"),
    ("dot(x, W)", "dot takes two vectors, not a 2x3 matrix", None),
    ("sum(n)*x", "sum takes a vector or a matrix, not a number", None),
    ("rowsum(x)", "rowsum takes a matrix, not a vector of 3", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message", "hint"), CLASHES, ids=[row[0] for row in CLASHES])
def test_clashes(text: str, message: str, hint: str | None) -> None:
    with pytest.raises(ExpressionError) as caught:
        read_arrays(Source(text), {name: shape for name, shape in NAMES.items() if shape}, NAMES)
    assert message in caught.value.message
    assert hint is None or hint in str(caught.value.hint)
    start, end = caught.value.span or (0, 0)
    assert 0 <= start < end <= len(text) + 1


SHAPES = list(itertools.product(((), (1,), (3,), (1, 3), (3, 1), (3, 3), (2, 3)), repeat=2))


@pytest.mark.parametrize(
    "text", ["a@b", "a + b", "a*b", "a.*b", "a'@b", "a@b'", "a/b", "dot(a, b)", "[a, b]", "a^b"]
)
def test_hostile_shapes_are_answered_or_refused(text: str) -> None:
    for left, right in SHAPES:
        values = {"a": np.full(left, 0.5), "b": np.full(right, 2.0)}
        begin = time.process_time()
        try:
            found = backprop_cli.eval(text, values)
        except BackpropError:
            continue
        finally:
            assert time.process_time() - begin < 0.3  # of the processor
        assert np.isfinite(found).all()
        if text in ("a + b", "a.*b"):  # never stretched: what NumPy makes of it has a shape of these
            assert np.shape(found) in (left, right)


# the command line


def test_the_table(run: Any) -> None:
    values = ("--A", "[[1,2],[3,4],[5,6]]", "--x", "[1,-1]", "--b", "[1,0,2]")
    assert run("grad", "L = norm(A@x - b)^2", *values).answered().out == TABLE


TABLE = """\
L = norm(A@x - b)^2 = 14

step  operation  shape  value         gradient      agree
----------------------------------------------------------
A     input      3x2    [1  2]        [-4  4]       6 of 6
                        [3  4]        [-2  2]
                        [5  6]        [-6  6]
x     input      2      [1  -1]       [-40  -52]    2 of 2
v2    A@x        3      [-1  -1  -1]  [-4  -2  -6]  3 of 3
b     input      3      [1  0  2]     [4  2  6]     3 of 3
v4    v2 - b     3      [-2  -1  -3]  [-4  -2  -6]  3 of 3
v5    norm(v4)   -      3.74166       7.48331       1 of 1
L     v5^2       -      14            1             1 of 1

dL/dA = 2*(A@x - b)@x'
dL/dx = 2*A'@(A@x - b)
dL/db = 2*(b - A@x)

|grad| = 66.873
symbolic, reverse and finite agree in all 19 elements
"""


def test_elements_and_kinks(run: Any) -> None:
    found = run("grad", "sum(relu(x))", "--x", "[1,0,-1]").answered()
    assert (
        "x[1]: kink at relu(x[1]): slope 0 on the left, 1 on the right; by convention relu'(0) = 0"
        in found.out
    )
    assert "2 of 3" in found.out
    rows = run("grad", "sum(relu(x))", "--x", "[1,0,-1]", "--elements").answered().out
    assert "x[1]   input          0         0        0     0.5  kink" in rows


def test_formats(run: Any) -> None:
    words = ("grad", "x'@A@x", "--A", "[[1,2],[3,4]]", "--x", "[1,2]")
    facts = run(*words, "--format", "json").answered().json
    assert (facts["schema"], facts["value"], facts["inputs"]["A"]) == (2, 27.0, [[1.0, 2.0], [3.0, 4.0]])
    assert facts["gradient"] == {"x": [12.0, 21.0], "A": [[1.0, 2.0], [2.0, 4.0]]}
    node = next(node for node in facts["nodes"] if node["name"] == "A")
    assert (node["shape"], node["verdict"]) == ([2, 2], "agree")
    assert node["elements"] == {"agree": 4, "of": 4, "worst": node["elements"]["worst"]}
    assert node["gradient"]["reverse"] == [[1.0, 2.0], [2.0, 4.0]]
    lines = run(*words, "--format", "csv").answered().out.splitlines()
    assert lines[0] == "id,name,kind,operation,value,symbolic,reverse,finite,difference,verdict"
    assert [line.split(",")[1] for line in lines[1:3]] == ["x[0]", "x[1]"]
    assert run(*words, "--format", "value").numbers == [12.0, 21.0, 1.0, 2.0, 2.0, 4.0]
    assert run("eval", "A@x", *words[2:], "--format", "value").numbers == [5.0, 11.0]
    assert "| `A` | `input` | 2x2 |" in run(*words, "--format", "markdown").answered().out
    assert json.loads(backprop_cli.grad(words[1], A=[[1, 2], [3, 4]], x=[1, 2]).to_json()) == facts


def test_scalar_programs_have_schema_1(run: Any) -> None:
    assert run("grad", "x^2", "--x", "3", "--format", "json").json["schema"] == 1


def test_values_from_files(run: Any, tmp_path: Any) -> None:
    w = np.array([[0.1, 2.5], [-3.0, 1e-3]])
    np.savetxt(tmp_path / "w.csv", w, delimiter=",")
    np.savetxt(tmp_path / "w.tsv", w, delimiter="\t")
    np.save(tmp_path / "w.npy", w)
    np.savez(tmp_path / "w.npz", key=w, other=w + 1)
    wanted = run("grad", "x'@W@x", "--W", "[[0.1, 2.5], [-3, 1e-3]]", "--x", "[1,2]").answered().out
    for name in ("w.csv", "w.tsv", "w.npy", "w.npz:key"):
        assert run("grad", "x'@W@x", "--W", str(tmp_path / name), "--x", "[1,2]").answered().out == wanted
    (tmp_path / "bad.csv").write_text("1,2\n3,x\n")
    run("eval", "sum(W)", "--W", str(tmp_path / "bad.csv")).refused(2, "bad.csv:2:3: 'x' is no number")
    (tmp_path / "ragged.csv").write_text("1,2\n3\n")
    run("eval", "sum(W)", "--W", str(tmp_path / "ragged.csv")).refused(
        2, "ragged.csv:2:1: a row of 1 numbers after"
    )
    run("eval", "sum(W)", "--W", str(tmp_path / "w.npz:none")).refused(
        2, "no array 'none'", "it has key, other"
    )
    run("eval", "sum(W)", "--W", str(tmp_path / "no.npy")).refused(4, "no.npy")
    np.save(tmp_path / "cube.npy", np.ones((2, 2, 2)))
    run("eval", "sum(W)", "--W", str(tmp_path / "cube.npy")).refused(2, "an array of shape (2, 2, 2)")


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (("grad", "a'@inv(X)@a", "--X", "[[1,2],[2,4]]", "--a", "[1,2]"), 3,
         "inv(X) has no value: X is singular (row 2 = 2 * row 1)"),
        (("eval", "inv(X)", "--X", "[[1,0],[0,0]]"), 3, "X is singular (row 2 is 0)"),
        (("eval", "inv(X)", "--X", "[[1,1/3],[3,1]]"), 3, "X is singular (as far as floats can tell)"),
        (("eval", "sum(eye(0))"), 2, "eye takes sizes: whole numbers from 1 to 10,000, not 0"),
        (("eval", "inv(X)", "--X", "[[1,2,3],[4,5,6],[7,8,9]]"), 3,
         "X is singular (its rows depend on each other)"),
        (("grad", "logdet(X)", "--X", "[[1,2],[2,1]]"), 3, "the determinant of X is -3, and has to be"),
        (("eval", "log(X)", "--X", "[[1,2],[-2,1]]"), 3, "log(X[1,0]) has no value at X[1,0] = -2"),
        (("grad", "norm(x)", "--x", "[0,0]"), 3, "the slope of norm(x) in x[0] does not exist at x[0] = 0"),
        (("eval", "x'@x"), 2, "no value for x"),
        (("grad", "x'@A@x", "--x", "[1,2]"), 2, "no value for A"),
        (("grad", "A@A", "--A", "[[1,2],[3,4]]"), 2, "the output is a 2x2 matrix"),
        (("grad", "sum(A)", "--A", "[[1,2],[3,4]]", "--order", "2"), 2, "--order 2 is by one vector"),
        (("grad", "sum(x)", "--x", "[1,2]", "--order", "2"), 2, "the same everywhere: its derivative is 0"),
        (("grad", "x'@x", "--x", "[1,2]", "--order", "2", "--wrt", "y"), 2, "no input y"),
        (("eval", "x + 1", "--x", "[1,2"), 2, "the value of x: this '[' is not closed"),
        (("eval", "x + 1", "--x", "[1,y]"), 2, "the value of x: an array is a list of numbers"),
        (("eval", "x + 1", "--x", "[[1],[1,2]]"), 2, "a vector of 1 meets a vector of 2"),
        (("eval", "x + 1", "--x", "[1,2]", "--y", "3"), 2, "the expression has no variable y"),
        (("descend", "x@y", "--x", "[1,2]", "--y", "[1,2]", "--wrt", "z"), 2, "no input z"),
        (("eval", "x@x + 1", "--x", "[1,2]", "--y", "3"), 2, "the expression has no variable y"),
        (("eval", "x + 1", "--x", "[1,2]", "--x", "[1,2]"), 2, "x is given twice"),
        (("eval", "A^T", "--A", "[[1,2],[3,4]]"), 2, "the transpose of A is A' or A.T, not A^T"),
        (("grad", "sum(x)", "--x", "[1,2]", "--order", "3"), 2, "--order 3 is for single numbers"),
        (("grad", "x", "--x", "1", "--elements"), 2, "--elements is for arrays"),
    ],
)  # fmt: skip
def test_refusals(run: Any, words: tuple[str, ...], status: int, message: str) -> None:
    run(*words).refused(status, message)


def test_textbook_brackets_are_none_of_arrays(run: Any) -> None:
    run("eval", "[a+b]*c", "--a", "2", "--b", "1", "--c", "3").refused(2, "write (a+b)*c")
    run("eval", "f'", "--f", "3").refused(2, "a prime stands for a derivative")
    run("eval", "sum(a)", "--a", "3").refused(2, "sum is a function of vectors and matrices", "x1 + x2 + x3")
    run("eval", "a[1]", "--a", "3").refused(2, "there are no indices")
    assert run("eval", "trace + norm", "--trace", "1", "--norm", "2", "--format", "value").numbers == [3.0]


def test_large_arrays_run_in_reverse_alone(run: Any) -> None:
    draw = np.random.default_rng(1)
    w, x = draw.normal(size=(300, 400)) / 20, draw.normal(size=400)
    report = backprop_cli.grad("sum(tanh(W@x))", W=w, x=x)
    assert report.methods == ("reverse",)
    slopes = (1 - np.tanh(w @ x) ** 2)[:, None] * x
    np.testing.assert_allclose(report.gradient["W"].astype(float), slopes, rtol=1e-12)
    assert "reverse mode alone" in report.notes[0]
    assert "central differences agree at 129 places: numbers drawn from W and x" in report.notes[1]
    assert report.agree
    with pytest.raises(BackpropError, match="would go through them one by one"):
        backprop_cli.grad("sum(tanh(W@x))", W=w, x=x, methods=["finite"])
    with pytest.raises(NoSuchNumber, match=r"exp\(x\)\[0\] has no finite number"):
        backprop_cli.eval("exp(x)", x=np.full(5000, 1000.0))


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        (lambda g: {**g, "W": 2 * g["W"]}, "W["),
        (lambda g: {**g, "W": g["W"].T}, "W["),
        (lambda g: {**g, "x": -g["x"]}, "x["),
        (
            lambda g: {**g, "x": g["x"] + 1e-3 * (np.arange(70) == 69)},
            "the direction",
        ),  # whether drawn or not
    ],
)
def test_differences_at_some_numbers_notice_what_is_wrong(wrong: Any, where: str) -> None:
    draw = np.random.default_rng(2)
    values = {"W": draw.normal(size=(70, 70)), "x": draw.normal(size=70)}
    program, _ = settled("sum(relu(W@x)) + norm(W*2)", **values)
    h = values["W"] @ values["x"] > 0
    length = np.linalg.norm(values["W"])
    right = {"W": np.outer(h, values["x"]) + 2 * values["W"] / length, "x": values["W"].T @ h}
    assert sampled(program.graph, values, right).wrong == []
    found = sampled(program.graph, values, wrong(right))
    assert any(name.startswith(where) for name in found.wrong)
    assert "disagree with reverse mode at" in str(found)


def test_a_million_numbers(run: Any, tmp_path: Any) -> None:
    np.save(tmp_path / "a.npy", np.full((1000, 1000), 0.5))
    told = run("grad", "norm(A)^2/2", "--A", str(tmp_path / "a.npy")).answered()
    assert "... 996 rows" in told.out
    assert "reverse mode alone, in 15 MB" in told.err
    assert max(map(len, told.out.splitlines())) < 80


def test_nearly_singular_matrices_are_told() -> None:
    report = gradient("sum(inv(A))", {"A": [[1, 1], [1, 1 + 1e-10]]})
    assert report.agree is not False
    assert any("nearly singular: its condition number is 4e10" in warning for warning in report.warnings)


@settings(max_examples=12)
@given(
    st.sampled_from(["b'@inv(A)@b", "sum(solve(A, b)^2)", "det(A)", "logdet(A'@A)", "sum(solve(A, A')@b)"]),
    st.integers(5, 6),
    st.integers(0, 2**32 - 1),
    st.booleans(),
)
def test_larger_matrices_are_eliminated(text: str, n: int, seed: int, turned: bool) -> None:
    """Of 8 rows, cofactors would come to 131,072 numbers; rows change places where a pivot is 0."""
    draw = np.random.default_rng(seed)
    a = np.triu(draw.uniform(0.5, 2.0, (n, n)))
    a = a[draw.permutation(n)] if turned else a + draw.uniform(-1.0, 1.0, (n, n))
    values = {"A": a, "b": draw.uniform(-1.0, 1.0, n)}
    report = gradient(text, {name: x for name, x in values.items() if name in text})
    assert {"symbolic", "reverse", "finite"} <= set(report.methods)
    verdicts = {verdict.verdict for id in report.shown() for _, verdict in report.judged(id)}
    assert verdicts <= {"agree", "noisy", "rounding"}
    assert "agree" in verdicts
    held_to_the_sweep(report)


@pytest.mark.parametrize("by", [1000.0, -1000.0, 1e15])
@pytest.mark.parametrize(
    "text", ["softmax(z)@t", "log_softmax(z)@t", "logsumexp(z) + sum(t)", "cross_entropy(z, t)"]
)
def test_scores_beyond_exponents_have_slopes(text: str, by: float) -> None:
    """exp(1000) is no float; what scores are shifted by changes no slope of these."""
    z, t = np.array([0.0, 1.0, -2.0]), np.array([0.25, 0.5, 0.25])
    near, far = known(text, {"z": z, "t": t}), gradient(text, {"z": z + by, "t": t}, methods=METHODS)
    assert far.agree
    assert np.allclose(far.gradient["z"].astype(float), near.gradient["z"].astype(float), rtol=1e-9)
    held_to_the_sweep(far)


def test_lengths_whose_squares_overflow_have_slopes() -> None:
    for methods in (METHODS, ["reverse"]):
        report = gradient("norm(x)", {"x": [3e200, 4e200]}, methods=methods)
        assert report.agree in (True, None)
        assert np.allclose(report.gradient["x"].astype(float), [0.6, 0.8], rtol=1e-12)


def test_determinants_of_larger_singular_matrices_have_slopes() -> None:
    a = np.arange(25.0).reshape(5, 5) ** 2 % 11
    a[4] = a[0] + a[1]
    report = gradient("det(A)", {"A": a})
    assert report.agree
    assert np.abs(report.gradient["A"].astype(float)).max() > 1.0


def test_python_gets_arrays_back() -> None:
    assert backprop_cli.eval("norm(ones(4))*a", a=3) == 6
    found = backprop_cli.eval("A@x", A=np.array(A32), x=[1, -1])
    np.testing.assert_array_equal(found, [-1, -1, -1])
    assert backprop_cli.eval("x'@x", x=(3, 4)) == 25.0
    assert backprop_cli.eval("[1, 2]@[3, 4]") == 11.0
    assert isinstance(backprop_cli.eval("x^2", x=3), float)


def test_arrays_of_a_program_are_its_defaults(run: Any) -> None:
    text = "A = [[1, 2], [3, pi]]; x = [1, 2]; x'@A@x"
    assert run("eval", text, "--format", "value").numbers == [pytest.approx(11 + 4 * np.pi)]
    assert run("eval", text, "--x", "[1, 0]", "--format", "value").numbers == [1.0]
    single = "w = [3] # of one number\nsum(w*x)"
    assert run("eval", single, "--x", "2", "--format", "value").numbers == [6.0]
    assert run("eval", single, "--x", "2", "--w", "[-1]", "--format", "value").numbers == [-2.0]


# formulas

FORMULAS: list[tuple[str, Arrays, dict[str, str]]] = [
    ("x'@A@x", QUADRATIC, {"x": "(A + A')@x", "A": "x@x'"}),
    ("norm(A@x - b)^2", LEAST, {"x": "2*A'@(A@x - b)", "A": "2*(A@x - b)@x'", "b": "2*(b - A@x)"}),
    ("norm(A@x - b)", LEAST, {"x": "A'@(A@x - b)/norm(A@x - b)"}),
    ("trace(A@X@B@X')", SQUARE | {"X": [[1, 2], [0, 1]], "B": [[2, 1], [1, 3]]}, {"X": "A@X@B + A'@X@B'"}),
    ("logdet(X)", {"X": X3}, {"X": "inv(X)'"}),
    ("log(det(X))", {"X": X3}, {"X": "inv(X)'"}),
    ("log(det(X)^2)", {"X": X3}, {"X": "2*inv(X)'"}),
    ("det(X)", {"X": X3}, {"X": "det(X)*inv(X)'"}),
    ("a'@inv(X)@b", SOLVED, {"X": "-inv(X)'@a@b'@inv(X)'", "a": "inv(X)@b"}),
    ("cross_entropy(W@x + b, t)", SOFTMAX, {"W": "(softmax(W@x + b) - t)@x'", "b": "softmax(W@x + b) - t"}),
    ("mean(softplus(X@w) - y*(X@w))", FITTED, {"w": "X'@(sigmoid(X@w) - y)/4"}),
    (
        "z = X@w; p = sigmoid(z); -mean(y*log(p) + (1 - y)*log(1 - p))",
        FITTED,
        {"w": "X'@(p - y)/4"},
    ),
    (
        "h = tanh(W1@x); L = cross_entropy(W2@h, t)",
        TWO_LAYERS,
        {"W1": "(W2'@(softmax(W2@h) - t)*(1 - h^2))@x'", "W2": "(softmax(W2@h) - t)@h'"},
    ),
    ("norm(x - a)", {"x": [1, 2], "a": [3, 1]}, {"x": "(x - a)/norm(x - a)"}),
    ("lam*(w'@w)/2 + norm(X@w - y)^2/2", FITTED | {"lam": 0.5}, {"w": "X'@(X@w - y) + lam*w"}),
    (
        "P = softmax(Q@K'/sqrt(2)); sum((P@V).*G)",
        ATTENTION,
        {"V": "P'@G", "Q": "(G@V'.*P)@K/sqrt(2) - diag(rowsum(G@V'.*P))@P@K/sqrt(2)"},
    ),
    ("sum((R - U@V').^2)", FACTORS, {"U": "2*(U@V' - R)@V", "V": "2*(U@V' - R)'@U"}),
    ("logsumexp(A@x)", {"A": A32, "x": [0.5, -0.25]}, {"x": "A'@softmax(A@x)"}),
    ("trace(A) + trace(A@A)", SQUARE, {"A": "2*A' + eye(2)"}),
    ("trace(A'@A) + trace(B'@B)", SQUARE | {"B": [[1, 0], [2, 1]]}, {"A": "2*A"}),
    ("2*x'@x", {"x": [0, 1, 2, 3]}, {"x": "4*x"}),
    ("sum(relu(X@w))", {"X": ROWS, "w": [0.5, -0.3]}, {"w": "X'@where(X@w > 0, 1, 0)"}),
    ("sum(softmax(x)*g)", {"x": [1, 2], "g": [3, 1]}, {"x": "softmax(x)*(g - softmax(x)'@g)"}),
    ("sum(A'.^2)", SQUARE, {"A": "2*A"}),
    ("sum(A')", SQUARE, {"A": "ones(2, 2)"}),
    ("(2.^3)*x'@x", {"x": [1, 2]}, {"x": "16*x"}),
    ("sum(X.^2.*X)", {"X": A32}, {"X": "3*X.^2"}),
    ("x'@A@x/(x'@x)", QUADRATIC, {"A": "x@x'/(x'@x)"}),
    ("logsumexp(x^0*y)", {"x": [1, 2, 3], "y": 0.5}, {"y": "sum(softmax(y*ones(3)))"}),
    ("x[-1]*sum(z)", {"x": [1], "z": [2, 3]}, {"x": "sum(z)*ones(1)"}),
    ("z@(0*x)[0:2]", {"x": [1, 2, 3], "z": [1, 2]}, {"z": "zeros(3)[0:2]"}),
    ("sum(softmax(A.^0.*z).*A)", SQUARE | {"z": [1, 2]}, {"A": "softmax(z.*ones(2, 2))"}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "values", "formulas"), FORMULAS, ids=[row[0] for row in FORMULAS])
def test_formulas_in_matrix_notation(text: str, values: Arrays, formulas: dict[str, str]) -> None:
    report = known(text, values)
    found = {name: report.formulas.get(report.graph.inputs[name]) for name in formulas}
    assert found == formulas
    held_to_the_sweep(report)


def held_to_the_sweep(report: Any) -> None:
    """Every formula, read by our parser, gives what reverse mode gave: to 1e-12 of its array."""
    values = {name: report.values[id] for name, id in report.graph.named.items()}
    for id, text in report.formulas.items():
        right = report.column("reverse", id).astype(float)
        program = read_arrays(Source(text), {n: x.shape for n, x in values.items() if x.shape}, values)
        found = array_values(program, {name: values[name] for name in program.graph.inputs}).value
        assert found.shape == right.shape
        np.testing.assert_allclose(
            found, right, rtol=0, atol=1e-12 * max(1.0, np.abs(right).max(initial=0.0))
        )


def holds(text: str, values: Arrays) -> None:
    """All methods agree on every number of every step, and formulas give what the sweep gave."""
    try:
        report = gradient(text, values)
    except NoSuchNumber:  # an infinite slope
        return
    judged = [pair for id in report.shown() for pair in report.judged(id)]
    assert [name for name, verdict in judged if verdict.verdict == "disagree"] == [], text
    shapes = {name: report.values[id].shape for name, id in report.graph.named.items()}
    for note in report.notes:
        if "formula" in note:
            assert note.endswith("has no value here"), text  # 1/norm(x) at 0; what cannot be read is none
            read_arrays(Source(note[12 : note.rindex(" for ")]), shapes, shapes)
    assert set(report.formulas) <= set(report.chained), text  # each was held to the sweep
    held_to_the_sweep(report)


@settings(max_examples=30)
@given(programs())
@example(("sum(rowsum((a + b)[1:]))", {"a": np.zeros((3, 1)), "b": np.zeros(1)}))
@example(("sum(diag(a)*diag(b@b'))", {"a": np.eye(2) / 4, "b": np.array([0.25, 0.0])}))
@example(("norm(a^0*b)", {"a": np.array([1.0, 2.0, 3.0]), "b": 0.5}))
@example(("sum(softmax(a + 0*b).*b)", {"a": np.array([1.0, 2.0]), "b": np.eye(2)}))
def test_random_programs_hold(case: tuple[str, Arrays]) -> None:
    holds(*case)


@pytest.mark.nightly
@settings(max_examples=500)
@given(programs())
def test_many_random_programs_hold(case: tuple[str, Arrays]) -> None:
    holds(*case)


def test_long_formulas_go_from_named_step_to_named_step() -> None:
    text = "z = W@x + b; i = sigmoid(z[0:2]); g = tanh(z[2:4]); c = f*c0 + i*g; L = sum(tanh(c)*c)"
    values = {"W": np.arange(8.0).reshape(4, 2) / 9, "x": [1, -1], "b": [0, 0.1, 0, 0.5]}
    report = gradient(text, values | {"c0": [1, 2], "f": [0.5, 0.25]})
    slopes = dict(slopes_of(report))
    assert slopes["W"] == "dL/dz@x'"
    assert slopes["x"] == "W'@dL/dz"
    assert slopes["i"] == "g*(c*(1 - tanh(c)^2) + tanh(c))"
    assert slopes["z"] == "eye(4)[:, 2:4]@(dL/dg*(1 - g^2)) + eye(4)[:, 0:2]@(i*dL/di*(1 - i))"
    assert list(slopes) == ["W", "x", "b", "f", "c0", "g", "i", "z"]


def test_a_variable_called_as_a_slope_is_one() -> None:
    """``dy/dz`` is a quotient where there is a dy: no formula is refused for it, and no slope is."""
    values = {"W": [[1, 2], [3, 4]], "x": [1, -1], "dy": 3, "dz": 4}
    report = gradient("z = W@x; y = sum(z)*dy/dz", values)
    assert report.formulas[report.graph.inputs["dz"]] == "-sum(z)*dy/dz^2"
    assert [note for note in report.notes if "formula" in note] == []
    assert dict(slopes_of(report))["x"] == "dy*colsum(W)/dz"
    held_to_the_sweep(report)


def test_formulas_of_targets_that_are_no_shares() -> None:
    report = gradient("cross_entropy(W@x + b, t)", SOFTMAX | {"t": [2, 1]})
    assert report.formulas[report.graph.inputs["b"]] == "sum(t)*softmax(W@x + b) - t"
    held_to_the_sweep(report)


# Jacobians and Hessians

JACOBIANS: list[tuple[str, Arrays, dict[str, str]]] = [
    ("x/norm(x)", {"x": [1, 2, 3]}, {"x": "eye(3)/norm(x) - x@x'/norm(x)^3"}),
    ("tanh(W@x + b)", {k: SOFTMAX[k] for k in "Wxb"}, {"x": "diag(1 - tanh(W@x + b)^2)@W"}),
    ("X'@(sigmoid(X@w) - y)/4", FITTED, {"w": "X'@diag(sigmoid(X@w)*(1 - sigmoid(X@w)))@X/4", "y": "-X'/4"}),
    ("W@relu(W@x)", {"W": [[1, 2], [2, -1]], "x": [1, 1]}, {"x": "W@diag(where(W@x > 0, 1, 0))@W"}),
    ("softmax(x)", {"x": [1, 2, 3]}, {"x": "diag(softmax(x)) - softmax(x)@softmax(x)'"}),
    ("log_softmax(x)", {"x": [1, 2, 3]}, {"x": "eye(3) - ones(3)@softmax(x)'"}),
    ("(A + A')@x", QUADRATIC, {"x": "A + A'"}),
    ("A'@x", QUADRATIC, {"x": "A'"}),
    ("x'@A", QUADRATIC, {"x": "A'"}),
    ("x*sum(x)", {"x": [1, 2, 3]}, {"x": "x@ones(3)' + sum(x)*eye(3)"}),
    ("x[1:]*x[0]", {"x": [1, 2, 3]}, {"x": "x[1:3]@eye(3)[0]' + x[0]*eye(3)[:, 1:3]'"}),
    ("solve(X, b)", {"X": X3, "b": [0.5, 1, -1]}, {"b": "inv(X)"}),
    ("[x^2*y, 5x + sin(y)]", {"x": 2, "y": 3}, {"x": "[2*x*y, 5]", "y": "[x^2, cos(y)]"}),
    ("(x^2*y, 5x + sin(y))", {"x": 2, "y": 3}, {"x": "[2*x*y, 5]", "y": "[x^2, cos(y)]"}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "values", "formulas"), JACOBIANS, ids=[row[0] for row in JACOBIANS])
def test_jacobians(text: str, values: Arrays, formulas: dict[str, str]) -> None:
    program, arrays = settled(text, **values)
    report = jacobian_of(program, arrays)
    assert report.agree is True
    assert {name: report.formulas.get(name) for name in formulas} == formulas
    for name in report.wrt:  # central differences of the value, by hand
        columns = []
        for place in np.ndindex(arrays[name].shape):
            moved = [{k: x.copy() for k, x in arrays.items()} for _ in range(2)]
            moved[0][name][place] += 1e-6
            moved[1][name][place] -= 1e-6
            up, down = (array_values(program, each).value for each in moved)
            columns.append((up - down) / 2e-6)
        wanted = np.stack(columns, -1).reshape(report.jacobian(name).shape)
        np.testing.assert_allclose(report.jacobian(name).astype(float), wanted, rtol=1e-6, atol=1e-8)


def test_the_jacobian_of_softmax_has_its_numbers() -> None:
    found = jacobian_of(*settled("softmax(x)", x=[1, 2, 3])).jacobian("x").astype(float)
    np.testing.assert_allclose(
        np.diag(found), [0.08192506906499, 0.18483644650998, 0.22269542653462], rtol=0, atol=1e-14
    )
    assert found[0, 1] == pytest.approx(-0.02203304452017, abs=1e-14)


def test_hessians(run: Any) -> None:
    report = hessian_of(*settled("mean(softplus(X@w) - y*(X@w))", **FITTED), "w")
    wanted = [[0.5087586969686, 0.2264421271266], [0.2264421271266, 0.3690029489914]]
    np.testing.assert_allclose(report.jacobian("w").astype(float), wanted, rtol=1e-12)
    assert report.formulas == {"w": "X'@diag(sigmoid(X@w)*(1 - sigmoid(X@w)))@X/4"}
    assert report.agree is True
    facts = run("grad", "h = x'@x; h^2", "--x", "[1, 2]", "--order", "2", "--format", "json").answered().json
    assert facts["hessian"] == {"x": [[28.0, 16.0], [16.0, 52.0]]}  # 4*h*eye + 8*x@x'
    assert facts["order"] == 2


def test_decimal_commas_are_no_lists(run: Any) -> None:
    run("eval", "(1,5)").refused(2)


def test_both_passes_are_explained(run: Any) -> None:
    values = ("--A", "[[1,2],[3,4],[5,6]]", "--x", "[1,-1]", "--b", "[1,0,2]")
    text = run("explain", "L = norm(A@x - b)^2", *values).answered().out
    for line in (
        "v2    A@x        (3x2)@(2) = 3  [-1  -1  -1]",
        "dL/dx = A'@dL/dv2 = [-40  -52]",
        "  dL/dx[j] = sum_i A[i,j]*dL/dv2[i]",
        "  dL/dx[0] = 1*(-4) + 3*(-2) + 5*(-6) = -40",
        "dL/dv4 = dL/dv5*v4/v5 = [-4  -2  -6]",
        "dL/dA = 2*(A@x - b)@x'",
    ):
        assert line in text
    facts = run("explain", "L = norm(A@x - b)^2", *values, "--format", "json").answered().json
    (use,) = next(node for node in facts["nodes"] if node["name"] == "A")["uses"]
    assert use["index_formula"] == "dL/dA[i,j] = dL/dv2[i]*x[j]"
    run("explain", "sum(x)", "--x", "[1,2]", "--update", "0.1").refused(2, "--update is for single numbers")


INVERTIBLE = [row for row in VALUES if row[0] != "det(A)"]


@pytest.mark.parametrize(("text", "values", "right"), INVERTIBLE, ids=[row[0] for row in INVERTIBLE])
def test_what_uses_bring_adds_up(text: str, values: Arrays, right: tuple[float, Arrays]) -> None:
    """In matrix notation, read by our parser; the numbers worked out are those of the first place."""
    told = explanation_of(*settled(text, **values))
    report = told.report
    graph = report.graph
    env = {graph.own_name(k): report.values[k] for k in range(len(graph))}
    slopes = {told.slope(k): f"slope{k}" for k in range(len(graph))}
    env |= {f"slope{k}": g for k in range(len(graph)) if (g := report.cotangents[k]) is not None}
    for id, uses in told.uses.items():
        total = 0.0
        for use in uses:
            formula = use.text
            for name in sorted(slopes, key=len, reverse=True):
                formula = formula.replace(name, slopes[name])
            program = read_arrays(
                Source(formula), {n: np.shape(x) for n, x in env.items() if np.shape(x)}, env
            )
            total = total + array_values(program, {n: env[n] for n in program.graph.inputs}).value
            if use.worked and len(uses) == 1:
                first = report.cotangents[id].reshape(-1)[0]
                assert use.value == pytest.approx(first, rel=1e-12, abs=1e-14)
        np.testing.assert_allclose(total, report.cotangents[id], rtol=1e-9, atol=1e-12)


def test_descent_moves_arrays(run: Any) -> None:
    text, data = "norm(X@w - y)^2/2 + 0.5*(w'@w)/2", ("--X", "[[1,2],[-1,0.5],[0,-1],[3,1]]", "--w", "[0,0]")
    found = run("descend", text, *data, "--y", "[1,0,0,1]", "--wrt", "w", "--rate", "0.1").answered()
    assert "converged to a minimum at w[0] = 0.235294, w[1] = 0.287582" in found.out  # 4/17 and 44/153
    run("descend", "X@w", *data).refused(2, "the output is a vector of 4")
    factors = ("--U", "[[1],[1]]", "--V", "[[1],[2]]", "--R", "[[2,1],[4,2]]", "--wrt", "U,V")
    assert (
        run("descend", "sum((U@V' - R).^2)", *factors, "--rate", "0.02", "--format", "json").answered().json
    )


# export


@pytest.mark.parametrize("to", ["numpy", "pytorch", "jax"])
def test_programs_run_elsewhere(to: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The exported programs assert our numbers themselves."""
    pytest.importorskip({"pytorch": "torch"}.get(to, to))
    for text, values, _ in INVERTIBLE if to == "numpy" else INVERTIBLE[:12]:
        source = export_arrays(known(text, values), to)
        exec(compile(source, text, "exec"), {})
    assert "NaN" not in capsys.readouterr().out


def test_exports_say_what_they_lack(run: Any, tmp_path: Any) -> None:
    words = ("export", "norm(A@x - b)^2", "--A", "[[1,2],[3,4],[5,6]]", "--x", "[1,-1]", "--b", "[1,0,2]")
    text = run(*words, "--to", "numpy").answered().out
    assert "df_dx = 2*A.T @ (A @ x - b)  # 2*A'@(A@x - b)" in text
    assert "f.backward()" in run(*words, "--to", "pytorch").answered().out
    assert (
        "jax.value_and_grad(program, argnums=(0, 1, 2))(A, x, b)" in run(*words, "--to", "jax").answered().out
    )
    rooted = run("export", "sum(x/sqrt(2))", "--x", "[1,2]", "--to", "pytorch").answered().out
    assert "x/math.sqrt(2)" in rooted  # torch.sqrt takes no number
    run(*words, "--to", "casadi").refused(2, "casadi has no arrays here", "for arrays: numpy, pytorch, jax")
    run("export", "det(A)", "--A", "[[1,2],[2,4]]", "--to", "numpy").refused(2, "has no formula")


def test_formulas_need_shapes_alone(run: Any) -> None:
    words = ("grad", "y = W@x; E = sum((y - t)^2)/n", "--shape")
    facts = run(*words, "W=2x3,x=3,t=2", "--format", "json").answered().json
    assert facts["shapes"] == {"W": [2, 3], "x": [3], "t": [2], "n": []}
    assert facts["formulas"]["x"] == "2*W'@(y - t)/n"
    assert facts["warnings"] == []
    assert "2*W'@(y - t)/n" in run(*words, "W=2x3,x=3,t=2").answered().out
    run(*words, "W=2x3,x=2,t=2").refused(2, "3 columns meet 2 rows")
    run(*words, "W=2x3,x=3,t=2,z=1").refused(2, "the expression has no variable z")
    run(*words, "W=2x3x4").refused(2, "a shape is NAME=3x2, NAME=mxn, NAME=3")
    run(*words, "W=2x3,W=2x3").refused(2, "W is given twice")
    run(*words, "W=2x3,x=3,t=2", "--n", "3").refused(2, "--shape is for formulas without values")
