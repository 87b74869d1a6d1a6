"""Python functions as programs: the same graph as their text, the same numbers as Python and NumPy."""

from __future__ import annotations

import inspect
import math
import random
import re
import threading
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from backprop_cli import BackpropError, eval, functions, grad, parse, trace
from backprop_cli.functions import relu, sin, softmax, where
from backprop_cli.graph import Graph
from backprop_cli.language.lower import lower
from backprop_cli.language.traced import NUMPY, WRITTEN
from backprop_cli.ops import FUNCTIONS

VARIABLES = ("x", "y", "z")
UNARY = ("sin", "cos", "exp", "tanh", "sigmoid", "abs", "relu", "erf", "softplus")
FROM = {name: getattr(functions, name) for name in functions.NAMES}


def rows(graph: Graph) -> list[tuple[object, ...]]:
    return [(n.op.name if n.op else None, n.inputs, n.kind, n.value) for n in graph.nodes]


def some_text(rng: random.Random, depth: int) -> str:
    """Return an expression that is Python and our language alike; each operation has a variable."""
    if depth == 0:
        return rng.choice(VARIABLES)

    def side() -> str:
        return some_text(rng, rng.randrange(depth))

    number = rng.choice(["2", "0.5", "3", "1e-3", "-2", "-0.25"])
    kind = rng.randrange(7)
    if kind == 0:
        return f"{rng.choice(UNARY)}({side()})"
    if kind == 1:
        return f"-{side()}" if rng.random() < 0.5 else f"(-({side()}))"
    if kind == 2:
        return f"max({side()}, {side()}, {number})" if rng.random() < 0.5 else f"min({side()}, {side()})"
    if kind == 3:
        sign = rng.choice(["<", "<=", ">", ">="])
        return f"where({side()} {sign} {side()}, {side()}, {number})"
    if kind == 4:
        return f"({side()})**{rng.choice(['2', '3'])}"
    sign = rng.choice("+-*/")
    pair = [f"({side()})" if rng.random() < 0.7 else side(), rng.choice([f"({side()})", f"({number})"])]
    rng.shuffle(pair)
    return f"({pair[0]} {sign} {pair[1]})"


def test_a_function_and_its_text_have_one_graph_and_one_value() -> None:
    rng = random.Random(16)
    told = 0
    for _ in range(400):
        text = some_text(rng, rng.randrange(1, 6))
        python = as_python(f"lambda x, y, z: {text}")
        traced, parsed = trace(python), lower(parse(f"f(x, y, z) = {text}"))
        assert rows(lower(traced)) == rows(parsed), text
        assert rows(lower(parse(traced.text))) == rows(parsed), text
        at = {name: rng.uniform(-2, 2) for name in VARIABLES}
        try:
            expected = eval(f"f(x, y, z) = {text}", at)
        except BackpropError:
            continue
        told += 1
        assert traced(**at) == expected == traced(*at.values())
        assert python(**at) == pytest.approx(expected, rel=1e-12), text
    assert told > 300


def as_python(text: str, **names):
    import builtins

    return builtins.eval(text, {**FROM, **names})


@pytest.mark.parametrize("name", sorted({*NUMPY, *WRITTEN} - {"matmul"}))
def test_what_numpy_means_by_a_function_is_what_is_written(name: str) -> None:
    function = getattr(np, name, None)
    if not isinstance(function, np.ufunc):
        return
    points = [0.3, 0.8, -0.4, 1.7, 2.5] if function.nin == 1 else [0.3, 1.7, 2.5]
    for x in points:
        at = [x, 2.2][: function.nin]
        with np.errstate(all="ignore"):
            expected = function(*at)
        if not np.isfinite(expected) or expected.dtype == np.bool_:
            continue
        program = trace((lambda x: function(x)) if function.nin == 1 else (lambda x, y: function(x, y)))
        assert program(*at) == pytest.approx(float(expected), rel=1e-12), (name, program.text)


SHAPES = {"m": (3, 2), "n": (3, 2), "s": (2, 2), "x": (2,), "y": (2,), "b": (3,), "c": ()}


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda m, x, b: np.sum(np.tanh(m @ x + b) ** 2), "sum(tanh(m@x + b)^2)"),
        (lambda x, m: (x @ m.T).sum(), "sum(m@x)"),
        (lambda m, n: (m * n).sum(), "sum(m.*n)"),
        (lambda m, n: (m / (n * n + 1)).mean(), "mean(m./(n.*n + 1))"),
        (lambda m, n: ((m * m + 1) ** n).sum(axis=0).max(), "max(colsum((m.*m + 1).^n))"),
        (lambda m: (2 / (m * m + 1)).sum(axis=1).min(), "min(rowsum(2./(m.*m + 1)))"),
        (lambda m: np.mean(m, axis=0) @ np.array([1.0, -2.0]), "colsum(m)/3@[1, -2]"),
        (lambda m: m[0] @ m[1] + m[2, 1] + m[:, 0].sum() + m[0:2, 1].sum(), "m[0, :]@m[1, :]"),
        (lambda x, y: x.T @ y + x.dot(y) + np.dot(x, y) + np.inner(x, y), "x@y + x@y + x@y + x@y"),
        (lambda s, x: np.linalg.solve(s + 4 * np.eye(2), x).sum(), "solve(s + [[4, 0], [0, 4]], x)"),
        (lambda s: np.linalg.det(s) + np.trace(s) + np.linalg.norm(s), "det(s) + trace(s) + norm(s)"),
        (lambda x, y: np.outer(x, y).sum() + np.where(x > y, x, y).sum(), "where(x > y, x, y)"),
        (lambda x: sum(v * v for v in x) + len(x) * x[-1], "t1*t1 + t2*t2 + 2*x[-1]"),
        (lambda m, x: np.clip(m @ x, -0.5, 0.5).sum() + np.maximum(m, 0).sum(), "clamp(m@x, -0.5, 0.5)"),
        (lambda x, c: np.log1p(np.exp(x * c)).mean() + abs(x).sum() + (c**x).sum(), "c^x"),
        (lambda s: (s @ s).T[0, 1] + s.T.T[0, 1], "(s@s)'[0, 1] + s[0, 1]"),
        (lambda x: np.sinc(x).sum() + np.round(x + 0.2).sum(), "sum(sinc(pi*x)) + sum(round(x + 0.2))"),
        (
            lambda x, y: ((x > y) * x + (x > 0)).sum() + np.sum(x < y),
            "where(x > y, 1, 0)*x + where(x > 0, 1, 0)",
        ),
        (lambda x, y: np.where((x < y) & ~(y > 1), x, y).sum(), "where(where(x < y, 1, 0)*where("),
        (lambda x, y: np.where(np.logical_or(x < y, y > 1), x, y).sum(), "where(where(x < y, 1, 0) + where("),
        (lambda x: softmax([x[0], 2 * x[1]]) @ x, "softmax([x[0], 2*x[1]])@x"),
        (lambda x: np.array([x[0], x[1], 3.0]) @ np.array([1, 2, 3]), "x[0]*1 + x[1]*2"),
        (lambda x, c: (x[:1] * np.array([3.0]) + c * np.ones(1)).sum(), "x[0:1]*(3*ones(1)) + c*(1"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_arrays_mean_what_numpy_means(function, says: str) -> None:
    rng = np.random.default_rng(7)
    program = trace(function)
    at = {name: abs(rng.normal(size=SHAPES[name])) * [1, -1][name in "xs"] for name in program.names}
    at = {name: float(abs(x)) if name == "c" else x for name, x in at.items()}
    assert program(**at) == pytest.approx(float(function(**at)), rel=1e-12)
    report = program.grad(**at)
    assert says in report.graph.source.text
    assert report.agree is True


NUMBER, VECTOR, LONG, SQUARE, TALL = (), (2,), (3,), (2, 2), (3, 2)
MADE = {
    NUMBER: "np.sum({tall})|{vector}.mean()|{square}.max()|({vector} @ {vector})|np.linalg.norm({tall})"
    "|{vector}[-1]|{tall}[1, 0]|np.dot({long}, {long})",
    VECTOR: "({square} @ {vector})|({vector} @ {square})|({long} @ {tall})|np.mean({tall}, axis=0)"
    "|{square}.sum(axis=1)|{tall}[-1]|{square}[:, 1]|{long}[1:]|{vector}.T|np.diag({square})"
    "|(np.array([1.0, -2.0]) * {vector})",
    LONG: "({tall} @ {vector})|{tall}.mean(axis=1)|({vector} @ {tall}.T)",
    SQUARE: "({square} @ {square})|{square}.T|({tall}.T @ {tall})|np.outer({vector}, {vector})|{tall}[1:]"
    "|np.diag({vector})",
    TALL: "({tall} @ {square})",
}
"""What NumPy makes arrays of one shape from others by."""
EACH = (
    "np.sin({0})|np.square({0})|np.arctan({0})|({0} ** 3)|np.clip({0}, -0.5, 0.7)|(-1.5 * {0})|({0} + {1})"
    "|({1} - {0})|({0} * {1})|({1} * {0})|({0} / {1})|({1} / {0})|np.maximum({0}, {1})|np.hypot({1}, {0})"
    "|np.where({0} > {1}, {1}, {0})|((np.abs({0}) + 1) ** {1})|np.multiply({1}, {0})"
)
"""What goes number by number, with what may be spread."""
LEAVES = {NUMBER: "cd", VECTOR: "xy", LONG: "b", SQUARE: "s", TALL: "mn"}


def some_arrays(rng: random.Random, shape: tuple[int, ...], depth: int) -> str:
    """Return an expression of NumPy's for an array of a shape."""
    if depth == 0:
        return rng.choice(LEAVES[shape])
    made, each = MADE[shape].split("|"), EACH.split("|")
    spread = rng.choice([shape, NUMBER, *([shape[1:]] if len(shape) == 2 else [])])
    of = {"number": NUMBER, "vector": VECTOR, "long": LONG, "square": SQUARE, "tall": TALL}
    text = rng.choice(made if rng.random() < 0.5 else each)
    for name, inner in of.items():
        while f"{{{name}}}" in text:
            text = text.replace(f"{{{name}}}", some_arrays(rng, inner, rng.randrange(depth)), 1)
    first, second = (some_arrays(rng, s, rng.randrange(depth)) for s in (shape, spread))
    return text.replace("{0}", first).replace("{1}", second)


def test_what_numpy_computes_of_arrays_is_what_is_written() -> None:
    rng, numbers, told = random.Random(5), np.random.default_rng(5), 0
    for _ in range(150):
        text = some_arrays(rng, rng.choice([NUMBER, VECTOR, TALL]), rng.randrange(1, 5))
        function = as_python(f"lambda m, n, s, x, y, b, c, d: {text}", np=np)
        at = {name: numbers.normal(size=shape) for shape, names in LEAVES.items() for name in names}
        expected = np.asarray(function(**at))
        found = trace(function)(at)
        assert np.shape(found) == expected.shape, text
        assert np.allclose(found, expected, rtol=1e-9, atol=1e-12), text
        told += expected.size
    assert told > 150


def test_locals_are_the_names_of_steps() -> None:
    @trace
    def loss(a, b, c, f=-2):
        d = a * b
        e = d + c
        return e * f

    assert loss.text == "f = -2\nd = a*b\ne = d + c\nloss(a, b, c, f) = e*f"
    assert (loss.names, loss(3, -2, 8), loss(3, -2, 8, f=1)) == (("a", "b", "c", "f"), -4.0, 2.0)
    assert loss.grad(a=3, b=-2, c=8)["d"].gradient == -2.0
    assert loss.__wrapped__(3, -2, 8) == -4

    def last(a):
        total = a * 2
        assert total.shape == ()
        return total

    assert trace(last).text == "total(a) = a*2"


def test_what_is_used_twice_is_one_step_whatever_it_is_called() -> None:
    def square(t):
        return t * t

    assert trace(lambda x: square(x + 1)).text == "t1 = x + 1\nf(x) = t1*t1"
    assert trace(lambda t1: square(t1 + 1)).text == "t2 = t1 + 1\nf(t1) = t2*t2"
    assert trace(lambda pi: math.pi * pi)(2.0) == math.pi * 2  # the constant is not the argument
    assert trace(lambda x: math.tau * x * math.e).text == "f(x) = tau*x*2.718281828459045"

    def gamma(exp):  # names of functions are names
        sin = exp + 1
        return sin * sin

    assert eval(trace(gamma).text, exp=2) == 9.0


def test_loops_unroll_and_functions_of_ours_are_put_in() -> None:
    def horner(x, a=2, b=-3, c=4):
        total = 0
        for k in (a, b, c):
            total = total * x + k
        return max(total, 0) + min(abs(x), 1)

    assert trace(horner)(3) == horner(3)
    parabola = parse("u = x^2; u*a - pi")
    assert trace(lambda x: parabola(x=x + 1, a=2) + 1)(2) == pytest.approx(19 - math.pi)
    inner = trace(lambda x: x * x)
    assert trace(lambda y: inner(y) + inner(x=2)).text == "f(y) = y*y + 4"


def test_settings_keep_their_values_and_arrays_their_shapes() -> None:
    def power(x, a=2, flag=True, kind="sin", *, n=3):
        assert (flag, kind, n) == (True, "sin", 3)
        return a * sum(getattr(functions, kind)(x) ** k for k in range(1, n))

    assert trace(power).names == ("x", "a")
    assert trace(power)(0.5) == pytest.approx(power(0.5))

    def twice(x, W=np.array([[1.0, 2.0], [3.0, 4.0]])):  # noqa: B008, N803
        return (x @ W * W).sum()

    wide = np.arange(6.0).reshape(2, 3)
    assert trace(twice)(x=[1, 2]) == twice(np.array([1, 2]))
    assert trace(twice)(x=[1, 2], W=wide) == twice(np.array([1, 2]), wide)
    three = np.array([3.0])
    single = trace(lambda x, w=three: (x * w).sum())
    assert (single(x=[2]), single(x=[2], w=[5])) == (6, 10)

    def steps(x):
        d = x * x
        return d + 1

    assert grad(steps, x=0.5, of="d").gradient == {"x": 1.0}


def test_what_a_trace_does_not_see_is_found_by_calling_the_function() -> None:
    def by_type(x):
        return x * 2 if isinstance(x, float) else x * 3

    def by_text(x):
        return x if f"{x}".startswith("x") else 2 * x

    calls = []

    def by_state(x):
        calls.append(x)
        return x * len(calls)

    asks = (lambda f: grad(f, x=2.0), lambda f: trace(f)(2.0), lambda f: trace(f).explain(2))
    for function, ask in product((by_type, by_text, by_state), asks):
        with pytest.raises(BackpropError, match=r"in Python and .* as it was traced"):
            ask(function)

    def of_arrays(x):
        return x.sum() if type(x) is np.ndarray else x.mean()

    with pytest.raises(BackpropError, match="another value in Python than as it was traced"):
        grad(of_arrays, x=[1.0, 2.0])
    # rounding is no difference, nor what only traced values can do
    assert trace(lambda x: (1 - np.cos(x)) / x**2)(1e-6) > 0
    assert trace(lambda x: x.mean())(3) == 3.0
    assert trace(lambda x: np.where(x > 0, np.log(x), x))(-1) == -1.0


FILE = Path(__file__).name


@pytest.mark.parametrize(
    ("function", "says", "hint"),
    [
        (lambda x: x if x > 0 else -x, "whether x > 0 holds is not known", "where(condition, a, b)"),
        (lambda x: 1 if 0 < x < 1 else 2, "whether 0 < x holds|whether x > 0 holds", "where"),
        (lambda x: x and 2, "whether x holds", "where"),
        (lambda x: math.sin(x), "the number x is not known", "np.sin(x), functions.sin(x)"),
        (lambda x: int(x * 2), r"the number x\*2 is not known", "np.sin(x)"),
        (lambda x: [1, 2][x], "the number x is not known", "def f(x, *, n=3)"),
        (lambda x, n=3: x * range(n)[-1], "the number n is not known", "def f(x, *, n=3)"),
    ],
)
def test_what_asks_for_a_value_says_where_and_what_to_write(function, says: str, hint: str) -> None:
    for call in (lambda: trace(function), lambda: grad(function, x=2.0)):
        with pytest.raises(BackpropError, match=says) as error:
            call()
        assert re.search(rf"{FILE}:{function.__code__.co_firstlineno}$", error.value.place or "")
        assert hint in (error.value.hint or "")


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda x: np.fft.fft(x), "not known|not traced"),
        (lambda x: np.spacing(x), "np.spacing is not traced"),
        (lambda x: np.std(x), "np.std is not traced"),
        (lambda x: np.add(x, 1, dtype=float), "np.add is traced without"),
        (lambda x: x.reshape(2), "no attribute 'reshape'"),
        (lambda x: "text", "what <lambda> returns: 'text' is no number"),
        (lambda x: x * math.inf, "inf is not a finite number"),
        (lambda x: x @ 2, "@ is the product of arrays"),
        (lambda x: {}["a"], "KeyError"),
        (lambda x, y=math.inf: x * y, "the default of y: inf is not a finite number"),
        (lambda *x: x, "names what it takes"),
        (lambda _x: 1, "no name of the language"),
        (int, "does not say what it takes|x is no number|cannot be traced"),
        (lambda x: round(x, 2), "round"),
        (lambda x: x + "a", "unsupported operand"),
        (lambda x: np.ones(2).dot([x, x]) & 1, "is no condition|unsupported"),
    ],
)
def test_what_cannot_be_traced_is_told(function, says: str) -> None:
    with pytest.raises(BackpropError, match=says):
        grad(function, x=2.0)


def test_every_function_of_the_language_is_one_of_python() -> None:
    for name in functions.NAMES:
        function = getattr(functions, name)
        assert function.__doc__
        assert function.__name__ == name
    assert {*FUNCTIONS} <= {*dir(functions)}
    assert (sin(0.5), relu(-1), where(True, 1, 2)) == (eval("sin(x)", x=0.5), 0.0, 1)
    assert softmax([0.0, 0.0]).tolist() == [0.5, 0.5]
    with pytest.raises(BackpropError, match="log"):
        functions.log(-1)
    assert len({parse("x"), parse("x")}) == 2
    assert str(inspect.signature(parse("a*b"))) == "(a, b)"
    for axis in ((0, 1), 2, -3):
        with pytest.raises(BackpropError, match="axis"):
            grad(lambda x, *, axis=axis: np.sum(x, axis=axis) * 1.0, x=[[1, 2], [3, 4]])
    with pytest.raises(AttributeError):
        functions.nosuch(1.0)


def test_threads_trace_on_their_own() -> None:
    found: list[str] = []

    def run(k: int) -> None:
        def f(x):
            inner = x * k
            return inner * inner

        found.extend(trace(f).text for _ in range(50))

    threads = [threading.Thread(target=run, args=(k,)) for k in (2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(set(found)) == ["inner = x*2\nf(x) = inner*inner", "inner = x*3\nf(x) = inner*inner"]
