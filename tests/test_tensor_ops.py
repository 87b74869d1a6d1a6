"""Every tensor row against loops written from its definition, and plans against random graphs.

Nothing of the engine judges the engine: definitions below are loops over single numbers or plain
complex NumPy, and their derivatives are complex steps.
"""

from __future__ import annotations

import math
import tracemalloc
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mpmath import mp

from backprop_cli.engine import numpy as engine
from backprop_cli.engine.plan import Plan
from backprop_cli.engine.sine_cosine import SineCosine
from backprop_cli.engine.tensors import TensorPlan
from backprop_cli.graph import Graph
from backprop_cli.language.lower import lower
from backprop_cli.language.parser import parse
from backprop_cli.networks.lowering import Builder
from backprop_cli.ops.arrays import ARRAYS
from backprop_cli.ops.tensor import TENSORS

ROWS = TENSORS | ARRAYS
Array = np.ndarray[Any, np.dtype[Any]]
Shape = tuple[int, ...]
TINY = 1e-30  # a complex step this short has no error but rounding


# what each row is, number by number


def linear(x: Array, w: Array, b: Array) -> Array:
    y = np.zeros((*x.shape[:-1], len(w)), complex)
    for *r, o in np.ndindex(*y.shape):
        y[(*r, o)] = b[o] + sum(x[(*r, i)] * w[o, i] for i in range(x.shape[-1]))
    return y


def conv2d(x: Array, w: Array, b: Array, stride: int, padding: int) -> Array:
    rows, channels, height, width = x.shape
    outputs, _, k, _ = w.shape
    high = 1 + (height + 2 * padding - k) // stride
    wide = 1 + (width + 2 * padding - k) // stride
    y = np.zeros((rows, outputs, high, wide), complex)
    for r, o, i, j in np.ndindex(*y.shape):
        y[r, o, i, j] = b[o]
        for c, di, dj in product(range(channels), range(k), range(k)):
            row, column = i * stride + di - padding, j * stride + dj - padding
            if 0 <= row < height and 0 <= column < width:
                y[r, o, i, j] += w[o, c, di, dj] * x[r, c, row, column]
    return y


def conv1d(x: Array, w: Array, b: Array, stride: int, padding: int) -> Array:
    rows, channels, length = x.shape
    outputs, _, k = w.shape
    y = np.zeros((rows, outputs, 1 + (length + 2 * padding - k) // stride), complex)
    for r, o, i in np.ndindex(*y.shape):
        places = [(c, d, i * stride + d - padding) for c, d in product(range(channels), range(k))]
        y[r, o, i] = b[o] + sum(w[o, c, d] * x[r, c, at] for c, d, at in places if 0 <= at < length)
    return y


def max_pool2d(x: Array, kernel: int, stride: int) -> Array:
    rows, channels, height, width = x.shape
    y = np.zeros((rows, channels, 1 + (height - kernel) // stride, 1 + (width - kernel) // stride), complex)
    for r, c, i, j in np.ndindex(*y.shape):
        window = [x[r, c, i * stride + a, j * stride + b] for a, b in product(range(kernel), range(kernel))]
        y[r, c, i, j] = max(window, key=lambda z: z.real)
    return y


def windows(x: Array, kernel: int, stride: int, padding: int) -> Array:
    """Column r*W*n + ... of `patches`: what each window sees, channel by channel."""
    rows, channels, height, width = x.shape
    high = 1 + (height + 2 * padding - kernel) // stride
    wide = 1 + (width + 2 * padding - kernel) // stride
    y = np.zeros((channels, kernel, kernel, high, wide, rows), complex)
    for c, di, dj, i, j, r in np.ndindex(*y.shape):
        row, column = i * stride + di - padding, j * stride + dj - padding
        if 0 <= row < height and 0 <= column < width:
            y[c, di, dj, i, j, r] = x[r, c, row, column]
    return y.reshape(channels * kernel * kernel, -1)


def unpatches(columns: Array, shape: Shape, kernel: int, stride: int, padding: int) -> Array:
    rows, channels, height, width = shape
    high = 1 + (height + 2 * padding - kernel) // stride
    wide = 1 + (width + 2 * padding - kernel) // stride
    y = np.zeros(shape, complex)
    seen = columns.reshape(channels, kernel, kernel, high, wide, rows)
    for c, di, dj, i, j, r in np.ndindex(*seen.shape):
        row, column = i * stride + di - padding, j * stride + dj - padding
        if 0 <= row < height and 0 <= column < width:
            y[r, c, row, column] += seen[c, di, dj, i, j, r]
    return y


def window(x: Array, i: int, j: int, kernel: int, stride: int) -> Array:
    rows, channels, height, width = x.shape
    y = np.zeros((rows, channels, 1 + (height - kernel) // stride, 1 + (width - kernel) // stride), complex)
    for r, c, a, b in np.ndindex(*y.shape):
        y[r, c, a, b] = x[r, c, a * stride + i, b * stride + j]
    return y


def place(*parts: Array, shape: Shape, at: tuple[tuple[int, int], ...], kernel: int, stride: int) -> Array:
    y = np.zeros(shape, complex)
    for part, (i, j) in zip(parts, at, strict=True):
        for r, c, a, b in np.ndindex(*part.shape):
            y[r, c, a * stride + i, b * stride + j] += part[r, c, a, b]
    return y


def matmul(a: Array, b: Array) -> Array:
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a, b = np.broadcast_to(a, (*batch, *a.shape[-2:])), np.broadcast_to(b, (*batch, *b.shape[-2:]))
    y = np.zeros((*batch, a.shape[-2], b.shape[-1]), complex)
    for *at, i, j in np.ndindex(*y.shape):
        y[(*at, i, j)] = sum(a[(*at, i, k)] * b[(*at, k, j)] for k in range(a.shape[-1]))
    return y


def largest(x: Array, axis: int) -> Array:
    best = np.argmax(x.real, axis=axis, keepdims=True)
    return np.take_along_axis(x, best, axis)


def mean_over(x: Array, axes: tuple[int, ...]) -> Array:
    y = np.zeros([1 if i in axes else s for i, s in enumerate(x.shape)], complex)
    count = math.prod(x.shape[i] for i in axes)
    for at in np.ndindex(*x.shape):
        y[tuple(0 if i in axes else p for i, p in enumerate(at))] += x[at] / count
    return y


def sum_over(x: Array, axes: tuple[int, ...] | None = None, keep: bool = False) -> Array:
    y = mean_over(x, tuple(range(x.ndim)) if axes is None else tuple(i % x.ndim for i in axes))
    shape = y.shape if keep else tuple(s for i, s in enumerate(y.shape) if axes and i - x.ndim not in axes)
    return (y * (x.size / y.size)).reshape(shape)


def softmax(z: Array, axis: int = -1) -> Array:
    if axis % z.ndim != z.ndim - 1 or z.ndim > 2:
        moved = np.moveaxis(z, axis, -1)
        lines = softmax(moved.reshape(-1, moved.shape[-1]))
        return np.moveaxis(lines.reshape(moved.shape), -1, axis)
    return np.array([[np.exp(u) / sum(np.exp(v) for v in row) for u in row] for row in z])


def cross_entropy(z: Array, t: Array) -> Array:
    return np.array([-sum(t * np.log(p)) for t, p in zip(t, softmax(z), strict=True)])


DEFINED: dict[str, Callable[..., Array]] = {
    "linear": linear,
    "conv1d": conv1d,
    "conv2d": conv2d,
    "max_pool2d": max_pool2d,
    "flatten": lambda x: np.array([[x[r][at] for at in np.ndindex(*x.shape[1:])] for r in range(len(x))]),
    "shaped": lambda x, shape: np.array([x[at] for at in np.ndindex(*x.shape)]).reshape(shape),
    "sum": sum_over,
    "mean": lambda x: np.array(sum(x[at] for at in np.ndindex(*x.shape)) / math.prod(x.shape)),
    "mean_over": mean_over,
    "softmax": softmax,
    "cross_entropy": cross_entropy,
    "matmul": matmul,
    "transpose": lambda a, axes: np.array(
        [a[tuple(at[axes.index(i)] for i in range(a.ndim))] for at in np.ndindex(*(a.shape[i] for i in axes))]
    ).reshape([a.shape[i] for i in axes]),
    "largest": largest,
    "expand": np.broadcast_to,
    "patches": windows,
    "unpatches": unpatches,
    "window": window,
    "place": place,
}

MORE: dict[str, list[tuple[tuple[Shape, ...], dict[str, Any]]]] = {
    "linear": [
        (((1, 1), (1, 1), (1,)), {}),
        (((7, 2), (1, 2), (1,)), {}),
        (((1, 5), (5, 5), (5,)), {}),
        (((2, 3, 4), (5, 4), (5,)), {}),
    ],
    "conv1d": [
        (((1, 1, 1), (1, 1, 1), (1,)), {"stride": 1, "padding": 0}),
        (((2, 1, 7), (2, 1, 3), (2,)), {"stride": 3, "padding": 1}),
        (((3, 2, 4), (1, 2, 2), (1,)), {"stride": 1, "padding": 3}),
    ],
    "conv2d": [
        (((1, 1, 1, 1), (1, 1, 1, 1), (1,)), {"stride": 1, "padding": 0}),
        (((2, 2, 3, 3), (3, 2, 3, 3), (3,)), {"stride": 1, "padding": 0}),
        (((2, 1, 7, 4), (2, 1, 3, 3), (2,)), {"stride": 3, "padding": 1}),
        (((3, 2, 4, 5), (1, 2, 2, 2), (1,)), {"stride": 1, "padding": 3}),
        (((1, 3, 2, 6), (2, 3, 1, 1), (2,)), {"stride": 2, "padding": 0}),
    ],
    "max_pool2d": [
        (((1, 1, 1, 1),), {"kernel": 1, "stride": 1}),
        (((3, 2, 5, 4),), {"kernel": 2, "stride": 1}),
        (((2, 1, 3, 3),), {"kernel": 3, "stride": 3}),
        (((1, 1, 8, 8),), {"kernel": 1, "stride": 4}),
    ],
    "flatten": [(((1, 1),), {}), (((5, 3),), {}), (((4, 1, 1, 1),), {}), (((1, 2, 3, 4),), {})],
    "shaped": [(((2, 6),), {"shape": (3, 4)}), (((1,),), {"shape": (-1, 1, 1)})],
    "sum": [
        (((1,),), {}),
        (((2, 3, 4, 2),), {}),
        (((4, 1),), {}),
        (((2, 3, 4),), {"axes": (-2,)}),
        (((2, 3, 4),), {"axes": (-3, -1), "keep": True}),
    ],
    "mean": [(((1,),), {}), (((2, 3, 4, 2),), {}), (((1, 7),), {})],
    "mean_over": [(((1, 4),), {"axes": (0,)}), (((3, 1, 2, 2),), {"axes": (0, 2, 3)})],
    "softmax": [
        (((1, 1),), {}),
        (((6, 3),), {}),
        (((2, 3, 4),), {"axis": -1}),
        (((2, 3, 4, 2),), {"axis": 1}),
    ],
    "cross_entropy": [(((1, 1), (1, 1)), {}), (((5, 3), (5, 3)), {})],
}

CASES = [
    pytest.param(name, shapes, static, id=f"{name}-{'-'.join('x'.join(map(str, s)) for s in shapes)}")
    for name, row in ROWS.items()
    for shapes, static in (*row.samples, *MORE.get(name, ()))
]


def numbers(shape: Shape, seed: int) -> Array:
    return np.random.default_rng([seed, *shape]).normal(size=shape)


def operands_of(name: str, shapes: tuple[Shape, ...]) -> list[Array]:
    operands = [numbers(shape, 17 + i) for i, shape in enumerate(shapes)]
    if name == "cross_entropy":
        operands[1] = softmax(operands[1]).real  # a row of targets adds up to 1
    return operands


def complex_steps(f: Callable[..., Any], operands: list[Array], position: int) -> Array:
    """The gradient of a number by complex steps in one operand."""
    gradient = np.zeros(operands[position].shape)
    for at in np.ndindex(*gradient.shape):
        nudged = [o.astype(complex) for o in operands]
        nudged[position][at] += 1j * TINY
        gradient[at] = np.imag(f(*nudged)) / TINY
    return gradient


def of_one_row(
    name: str, shapes: tuple[Shape, ...], static: dict[str, Any]
) -> tuple[Graph, dict[int, Array], Array]:
    """The graph sum(c*row(...)), its leaves and c."""
    b = Builder()
    ids = [b.leaf(f"x{i}", shape) for i, shape in enumerate(shapes)]
    y = b.step(name, *ids, **static)
    operands = operands_of(name, shapes)
    c = numbers(DEFINED[name](*operands, **static).shape, 5)
    weight = b.leaf("c", c.shape)
    loss = b.step("sum", b.step("multiply", y, weight))
    graph = b.graph.build([y, loss])
    return graph, dict(zip([*ids, weight], [*operands, c], strict=True)), c


def test_every_row_is_defined_a_second_time() -> None:
    assert set(DEFINED) == set(ROWS)
    assert not set(TENSORS) & set(ARRAYS)
    assert all(row.samples for row in ROWS.values())
    assert all(row.says and row.local for row in ROWS.values())


@pytest.mark.parametrize(("name", "shapes", "static"), CASES)
def test_value(name: str, shapes: tuple[Shape, ...], static: dict[str, Any]) -> None:
    graph, leaves, _ = of_one_row(name, shapes, static)
    plan = TensorPlan(graph, leaves)
    plan.run()
    expected = DEFINED[name](*operands_of(name, shapes), **static).real
    actual = plan.value(graph.outputs[0])
    assert graph.nodes[graph.outputs[0]].shape == actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize(("name", "shapes", "static"), CASES)
def test_pullback_against_complex_steps_and_differences(
    name: str, shapes: tuple[Shape, ...], static: dict[str, Any]
) -> None:
    graph, leaves, c = of_one_row(name, shapes, static)
    differentiable = [i for i in range(len(shapes)) if i != ROWS[name].literal]
    gradients = {i: np.full(shapes[i], np.nan) for i in differentiable}
    plan = TensorPlan(graph, leaves, gradients)
    forward = TensorPlan(graph, leaves)
    plan.run()
    operands = operands_of(name, shapes)
    for i in differentiable:
        exact = complex_steps(lambda *xs: (DEFINED[name](*xs, **static) * c).sum(), operands, i)
        np.testing.assert_allclose(gradients[i], exact, rtol=1e-12, atol=1e-13)
        rough, h = np.zeros(shapes[i]), 1e-5
        for at in np.ndindex(*shapes[i]):
            old, sides = leaves[i][at], []
            for x in (old - h, old + h):
                leaves[i][at] = x
                forward.run()
                sides.append(float(forward.value(graph.output)))
            leaves[i][at] = old
            rough[at] = (sides[1] - sides[0]) / (2 * h)
        np.testing.assert_allclose(gradients[i], rough, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(("name", "shapes", "static"), CASES)
def test_single_precision_stays_single(name: str, shapes: tuple[Shape, ...], static: dict[str, Any]) -> None:
    graph, leaves, _ = of_one_row(name, shapes, static)
    single = {i: a.astype(np.float32) for i, a in leaves.items()}
    exact, rough = ({i: np.zeros(a.shape, a.dtype) for i, a in x.items() if i == 0} for x in (leaves, single))
    every = [n.id for n in graph.nodes]
    plan = TensorPlan(graph, single, rough, every, np.float32)
    plan.run()
    other = TensorPlan(graph, leaves, exact, every)
    other.run()
    for id in every:
        assert plan.value(id).dtype == np.float32
        np.testing.assert_allclose(plan.value(id), other.value(id), rtol=2e-5, atol=2e-5)
        assert plan.cotangent(id).dtype == np.float32
    assert {a.dtype for a in plan._steps.homes.values()} == {np.dtype(np.float32)}
    np.testing.assert_allclose(rough[0], exact[0], rtol=2e-5, atol=2e-5)


# conventions and extremes, number by number


def gradient_of(op: str, array: Array, **static: Any) -> Array:
    """The gradient of the sum of a row's values."""
    b = Builder()
    graph = b.graph.build([b.step("sum", b.step(op, b.leaf("x", array.shape), **static))])
    found = np.empty(array.shape)
    TensorPlan(graph, {0: array}, {0: found}).run()
    return found


def test_tied_pixels_share_the_slope() -> None:
    image = np.array([[[[3.0, 3.0, 0.0], [1.0, 3.0, 0.0], [0.0, 0.0, 0.0]]]])
    # three 3s in the first window; two in the second; one in the third; the zeros and the 3 in the last
    shares = [[1 / 3, 1 / 3 + 1 / 2, 0], [0, 1 / 3 + 1 / 2 + 1 + 1, 0], [0, 0, 0]]
    np.testing.assert_allclose(gradient_of("max_pool2d", image, kernel=2, stride=1)[0, 0], shares, rtol=1e-15)
    np.testing.assert_array_equal(gradient_of("max_pool2d", np.zeros((1, 1, 2, 2)), kernel=2, stride=2), 0.25)


LOSS_EXTREMES = [
    # logits, targets, loss, d loss/d logits; from 30-digit arithmetic
    ([[1000.0, 0.0]], [[1.0, 0.0]], 0.0, [[0.0, 0.0]]),
    ([[1000.0, 0.0]], [[0.0, 1.0]], 1000.0, [[1.0, -1.0]]),
    ([[-1e308, 0.0]], [[0.0, 1.0]], 0.0, [[0.0, 0.0]]),
    ([[30.0, 0.0]], [[1.0, 0.0]], 9.357622968840175e-14, [[-9.357622968839299e-14, 9.357622968839299e-14]]),
    ([[0.0, 0.0, 0.0, 0.0]], [[1.0, 0.0, 0.0, 0.0]], 1.3862943611198906, [[-0.75, 0.25, 0.25, 0.25]]),
    ([[700.0, 700.0]], [[0.5, 0.5]], 0.6931471805599453, [[0.0, 0.0]]),
    ([[-745.0, -745.0]], [[1.0, 0.0]], 0.6931471805599453, [[-0.5, 0.5]]),
]


@pytest.mark.parametrize(("z", "t", "loss", "slope"), LOSS_EXTREMES)
def test_cross_entropy_far_out(z: Any, t: Any, loss: float, slope: Any) -> None:
    b = Builder()
    logits, targets = b.leaf("z", np.shape(z)), b.leaf("t", np.shape(t))
    graph = b.graph.build([b.step("mean", b.step("cross_entropy", logits, targets))])
    found = np.empty(np.shape(z))
    plan = TensorPlan(graph, {0: np.array(z), 1: np.array(t)}, {0: found})
    with np.errstate(all="ignore"):
        plan.run()
    # log(1 + e^-30) has 1e-16 of absolute rounding: the sum of exponentials begins with a 1
    np.testing.assert_allclose(plan.value(graph.output), loss, rtol=1e-15, atol=3e-16)
    np.testing.assert_allclose(found, slope, rtol=1e-15, atol=3e-16)


def test_softmax_far_out() -> None:
    b = Builder()
    graph = b.graph.build([b.step("softmax", b.leaf("z", (2, 3)))])
    plan = TensorPlan(graph, {0: np.array([[1e4, -1e4, 1e4], [-1e300, 0.0, -800.0]])})
    with np.errstate(under="ignore"):
        plan.run()
    np.testing.assert_array_equal(plan.value(graph.output), [[0.5, 0.0, 0.5], [0.0, 1.0, 0.0]])


def test_mean_of_the_published_example() -> None:
    """MSE of (0, .5) against (-.5, 1) is .25."""
    b = Builder()
    y, t = b.leaf("y", (1, 2)), b.leaf("t", (1, 2))
    graph = b.graph.build([b.step("mean", b.step("power_n", b.step("subtract", y, t), b.number(2.0)))])
    found = np.empty((1, 2))
    plan = TensorPlan(graph, {0: np.array([[0.0, 0.5]]), 1: np.array([[-0.5, 1.0]])}, {0: found})
    plan.run()
    assert (float(plan.value(graph.output)), found.tolist()) == (0.25, [[0.5, -0.5]])


# random graphs: plans against plain complex NumPy


def stacked(a: Any, b: Any, first: Any) -> Any:
    return np.where(first, *np.broadcast_arrays(a, b))


def exponentials(z: Any) -> Any:
    return np.exp(z - z.real.max(1, keepdims=True))


def probabilities(z: Any) -> Any:
    return exponentials(z) / exponentials(z).sum(1, keepdims=True)


def log_sum(z: Any) -> Any:
    return z.real.max(1) + np.log(exponentials(z).sum(1))


def soft_plus(z: Any) -> Any:
    return np.where(z.real > 0, z, 0) + np.log(1 + np.exp(np.where(z.real > 0, -z, z)))


def shifted(x: Any, w: Any, b: Any) -> Any:
    """A convolution as a sum over shifts of the padded image."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    k, (high, wide) = w.shape[2], padded.shape[2:]
    total = b.reshape(-1, 1, 1)
    for i, j in np.ndindex(k, k):
        part = padded[:, :, i : high - k + 1 + i, j : wide - k + 1 + j]
        total = total + np.einsum("rcij,oc->roij", part, w[:, :, i, j])
    return total


def pooled(x: Any) -> Any:
    best = x[:, :, :-1, :-1]
    for part in (x[:, :, :-1, 1:], x[:, :, 1:, :-1], x[:, :, 1:, 1:]):
        best = np.where(part.real > best.real, part, best)
    return best


ELEMENTWISE: list[tuple[str, int, Callable[..., Any]]] = [
    ("add", 2, lambda a, b: a + b),
    ("subtract", 2, lambda a, b: a - b),
    ("multiply", 2, lambda a, b: a * b),
    ("max", 2, lambda a, b: stacked(a, b, a.real >= b.real)),
    ("min", 2, lambda a, b: stacked(a, b, a.real <= b.real)),
    ("sin", 1, np.sin),
    ("tanh", 1, np.tanh),
    ("negative", 1, lambda a: -a),
    ("relu", 1, lambda a: np.where(a.real > 0, a, 0)),
    ("abs", 1, lambda a: np.where(a.real < 0, -a, a)),
    ("sigmoid", 1, lambda a: 1 / (1 + np.exp(-a))),
    ("softplus", 1, soft_plus),
    ("erf", 1, lambda a: np.vectorize(_erf, otypes=[complex])(a)),
]
SHAPES: list[Shape] = [(), (1,), (3,), (4, 1), (1, 3), (4, 3), (3, 4), (4, 2, 3, 3), (2, 1, 1), (1, 1)]


def _erf(z: complex) -> complex:
    """erf next to the real line: its slope is 2/sqrt(pi)*exp(-x^2)."""
    return math.erf(z.real) + 1j * z.imag * 2 / math.sqrt(math.pi) * math.exp(-(z.real**2))


class Made:
    """A graph beside a plain NumPy function of the same leaves.

    Args:
        moves: Which operation on which earlier nodes.
        ends: Which nodes the output sums or averages.
    """

    def __init__(self, moves: list[tuple[int, int, int]], ends: list[int]) -> None:
        self.b = Builder()
        self.leaves: list[int] = []
        self.fixed: set[int] = set()
        self.rules: dict[int, tuple[Callable[..., Any], tuple[int, ...]]] = {}
        self.values: dict[int, Any] = {}
        self.pool: list[int] = []
        for shape in SHAPES:
            self.leaf(shape)
        for move, i, j in moves:
            self.move(move, self.pool[i % len(self.pool)], self.pool[j % len(self.pool)])
        total = None
        for end in ends:
            node = self.pool[-1 - end % len(self.pool)]
            part = self.step("mean", node, rule=np.mean) if end % 2 else self.step("sum", node, rule=np.sum)
            total = part if total is None else self.step("add", total, part, rule=lambda a, b: a + b)
        assert total is not None
        self.graph = self.b.graph.build([total])

    def leaf(self, shape: Shape, fixed: bool = False) -> int:
        id = self.b.leaf(f"x{len(self.leaves)}", shape)
        self.leaves.append(id)
        if fixed:
            self.fixed.add(id)
        else:
            self.pool.append(id)
        self.values[id] = self.start(id, shape, 0)
        return id

    def start(self, id: int, shape: Shape, seed: int) -> Any:
        values = np.asarray(numbers(shape, 1000 * seed + id))
        return (probabilities(values) if id in self.fixed else values).astype(complex)

    def step(
        self, op: str, *ids: int, rule: Callable[..., Any], number: float | None = None, **s: Any
    ) -> int:
        literal = () if number is None else (self.b.number(number),)
        id = self.b.step(op, *ids, *literal, **s)
        self.rules[id] = rule, ids
        self.values[id] = np.asarray(rule(*(self.values[i] for i in ids)), complex)
        self.pool.append(id)
        if np.abs(self.values[id]).max() > 20 and op not in ("sum", "mean"):
            return self.step("sin", id, rule=np.sin)
        return id

    def move(self, move: int, i: int, j: int) -> None:
        a, b = self.values[i].shape, self.values[j].shape
        try:
            np.broadcast_shapes(a, b)
            together = True
        except ValueError:
            together = False
        if move < len(ELEMENTWISE):
            name, arity, rule = ELEMENTWISE[move]
            if arity == 1:
                self.step(name, i, rule=rule)
            elif together:
                self.step(name, i, j, rule=rule)
            return
        match move - len(ELEMENTWISE):
            case 0:
                self.step("power_n", i, number=float(2 + j % 2), rule=lambda x: x ** (2 + j % 2))
            case 1 if together:
                below = self.step("softplus", j, rule=soft_plus)
                self.step("divide", i, below, rule=lambda x, y: x / y)
            case 2 if together:
                less = self.step("less", i, j, rule=lambda x, y: (x.real < y.real).astype(complex))
                self.step("where", less, i, j, rule=lambda c, x, y: stacked(x, y, c.real != 0))
            case 3 if len(a) == 2:
                self.step("softmax", i, rule=probabilities)
            case 4 if len(a) == 2:
                t = self.leaf(a, fixed=True)
                self.step("cross_entropy", i, t, rule=lambda z, t: log_sum(z) - (t * z).sum(1))
            case 5 if len(a) == len(b) == 2 and a[1] == b[1]:
                bias = self.leaf((b[0],))
                self.step("linear", i, j, bias, rule=lambda x, w, c: x @ w.T + c)
            case 6 if len(a) >= 2:
                self.step("flatten", i, rule=lambda x: x.reshape(len(x), -1))
            case 7 if math.prod(a) == 12:
                shape: Shape = [(3, 4), (12,), (4, 3), (2, 6), (4, 3, 1)][j % 5]
                self.step("shaped", i, shape=shape, rule=lambda x: x.reshape(shape))
            case 8 if len(a) >= 2:
                axes = (0, *range(2, len(a)))
                self.step("mean_over", i, axes=axes, rule=lambda x: x.mean(axes, keepdims=True))
            case 9 if len(a) == 4:
                w, bias = self.leaf((3, a[1], 2, 2)), self.leaf((3,))
                self.step("conv2d", i, w, bias, stride=1, padding=1, rule=shifted)
            case 10 if len(a) == 4 and min(a[2:]) >= 2:
                self.step("max_pool2d", i, kernel=2, stride=1, rule=pooled)

    def eager(self, leaves: dict[int, Any]) -> dict[int, Any]:
        """Every node's value from the leaves, node by node."""
        values = dict(leaves)
        for id, (rule, ids) in self.rules.items():
            values[id] = np.asarray(rule(*(values[i] for i in ids)))
        return values


MOVE = st.tuples(st.integers(0, len(ELEMENTWISE) + 10), st.integers(0, 40), st.integers(0, 40))
SUM_OF_A_COLUMN_AND_A_ROW = ([(0, 3, 2)], [0])
TWO_SHAPES_OF_ONE_ARRAY = (
    [(len(ELEMENTWISE) + 7, 5, 1), (len(ELEMENTWISE) + 7, 5, 3), (5, 10, 0), (5, 11, 0)],
    [0, 2],
)
TWO_UNUSED_SHAPES = ([(2, 5, 5)], [0])


@settings(max_examples=120)
@example(*SUM_OF_A_COLUMN_AND_A_ROW)
@example(*TWO_SHAPES_OF_ONE_ARRAY)
@example(*TWO_UNUSED_SHAPES)
@given(st.lists(MOVE, min_size=1, max_size=14), st.lists(st.integers(0, 30), min_size=1, max_size=4))
def test_random_graphs(moves: list[tuple[int, int, int]], ends: list[int]) -> None:
    """Values and gradients are right, whatever is kept, and a second run gives the same."""
    made = Made(moves, ends)
    leaves = {i: made.values[i].real.copy() for i in made.leaves}
    trained = [i for i in made.leaves if i not in made.fixed]
    found, again = ({i: np.full(leaves[i].shape, np.nan) for i in trained} for _ in range(2))
    lean = TensorPlan(made.graph, leaves, found)
    every = TensorPlan(made.graph, leaves, again, [n.id for n in made.graph.nodes])
    for seed in (1, 0):
        for i in made.leaves:
            leaves[i][...] = made.start(i, leaves[i].shape, seed).real
        with np.errstate(under="ignore"):
            lean.run()
            every.run()
            for i in trained:
                np.testing.assert_array_equal(found[i], again[i])
            first = {i: g.copy() for i, g in found.items()}
            lean.run()
        for i in trained:
            np.testing.assert_array_equal(found[i], first[i])
        eager = made.eager({i: x.astype(complex) for i, x in leaves.items()})
        for id, value in eager.items():
            size = 1 + np.abs(value).max()
            assert made.graph.nodes[id].shape == every.value(id).shape == value.shape
            np.testing.assert_allclose(every.value(id), value.real, rtol=1e-12, atol=1e-13 * size)
        assert lean.value(made.graph.output) == every.value(made.graph.output)
        for i in trained:
            direction = np.asarray(numbers(leaves[i].shape, 99))
            nudged = {k: x.astype(complex) for k, x in leaves.items()}
            nudged[i] += 1j * TINY * direction
            slope = made.eager(nudged)[made.graph.output].imag / TINY
            scale = 1 + np.abs(found[i]).max()
            assert float((found[i] * direction).sum()) == pytest.approx(slope, rel=1e-10, abs=1e-10 * scale)


# memory


def big_network(dtype: Any, rows: int = 64) -> TensorPlan:
    """Two convolutions, normalisation, pooling, a choice, dense layers: every kernel there is."""
    b = Builder()
    leaves: dict[int, Array] = {}
    gradients: dict[int, Array] = {}

    def leaf(name: str, shape: Shape, trained: bool = True) -> int:
        id = b.leaf(name, shape)
        leaves[id] = (numbers(shape, id) * 0.3).astype(dtype)
        if trained:
            gradients[id] = np.empty(shape, dtype)
        return id

    y = leaf("x", (rows, 2, 12, 12), False)
    y = b.step("relu", b.step("conv2d", y, leaf("W1", (8, 2, 3, 3)), leaf("b1", (8,)), stride=1, padding=1))
    y = b.step("subtract", y, b.step("mean_over", y, axes=(0, 2, 3)))
    y = b.step("max_pool2d", b.step("tanh", y), kernel=2, stride=2)
    y = b.step("elu", b.step("conv2d", y, leaf("W2", (8, 8, 3, 3)), leaf("b2", (8,)), stride=1, padding=0))
    y = b.step("multiply", y, b.step("shaped", leaf("s", (8,)), shape=(-1, 1, 1)))
    y = b.step("flatten", y)
    y = b.step("softplus", b.step("linear", y, leaf("W3", (300, 128)), leaf("b3", (300,))))
    y = b.step("linear", y, leaf("W4", (10, 300)), leaf("b4", (10,)))
    targets = leaf("t", (rows, 10), False)
    leaves[targets][...] = np.eye(10)[np.arange(rows) % 10]
    loss = b.step("mean", b.step("cross_entropy", y, targets))
    penalty = b.step("sum", b.step("power_n", b.leaf("W4"), b.number(2.0)))
    return TensorPlan(b.graph.build([b.step("add", loss, penalty)]), leaves, gradients, dtype=dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_run_takes_no_memory(dtype: Any) -> None:
    """NumPy's own buffers for a call are bounded, and so is all else."""
    plan = big_network(dtype, rows=512)
    with np.errstate(under="ignore"):
        plan.run()
        tracemalloc.start()
        try:
            for _ in range(3):
                plan.run()
            kept, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    # the arrays of this network have 0.5 to 37 MB
    assert (kept < 5_000, peak < 250_000) == (True, True), (kept, peak)


def test_buffers_are_used_again() -> None:
    """A chain of 60 steps without a gradient needs two buffers."""
    b = Builder()
    y = b.leaf("x", (50, 20))
    for _ in range(60):
        y = b.step("sin", y)
    graph = b.graph.build([b.step("sum", y)])
    x = numbers((50, 20), 1)
    plan = TensorPlan(graph, {0: x})
    plan.run()
    assert plan.floats <= 2 * 1000 + 1
    expected = x
    for _ in range(60):
        expected = np.sin(expected)
    np.testing.assert_allclose(plan.value(graph.output), expected.sum(), rtol=1e-14)


def test_leaves_are_only_read() -> None:
    plan = big_network(np.float64)
    homes = {id: plan._steps.homes[plan._values[id].id] for id in plan.graph.inputs.values()}
    before = {id: a.copy() for id, a in homes.items()}
    plan.run()
    for id, array in homes.items():
        np.testing.assert_array_equal(array, before[id])


def test_images_alone_have_their_rows_innermost() -> None:
    """Four axes do not make an image: those of attention (batch, head, time, feature) lie as they are."""
    b = Builder()
    heads = b.step(
        "softmax", b.step("multiply", b.leaf("q", (2, 3, 4, 5)), b.leaf("k", (2, 3, 4, 5))), axis=-1
    )
    image = b.step("tanh", b.leaf("x", (6, 1, 4, 4)))
    operands = (b.step("abs", image), b.leaf("W", (2, 1, 3, 3)), b.leaf("b", (2,)))
    after = b.step("relu", b.step("conv2d", *operands, stride=1, padding=1))
    graph = b.graph.build([heads, after])
    leaves = {i: numbers(graph.nodes[i].shape, i) for i in graph.inputs.values()}
    plan = TensorPlan(graph, leaves, keep=[image])
    plan.run()
    assert plan.value(heads).flags.c_contiguous
    assert [np.argmin(plan.value(i).strides) for i in (image, after)] == [0, 0]


# branches not taken


@pytest.mark.parametrize("a", [-2.0, 3.0])
def test_a_branch_that_no_row_takes_sends_nothing_back(a: float) -> None:
    """sqrt(a) has no value for a < 0; where(a > 0, sqrt(a)*x, a*x) does not ask."""
    b = Builder()
    scalar, x = b.leaf("a"), b.leaf("x", (2,))
    roots = b.step("multiply", b.step("sqrt", scalar), x)
    chosen = b.step("where", b.step("greater", scalar, b.number(0.0)), roots, b.step("multiply", scalar, x))
    graph = b.graph.build([b.step("sum", b.step("power_n", chosen, b.number(2.0)))])
    found, rows = np.full((), np.nan), np.array([1.0, 2.0])
    plan = TensorPlan(graph, {scalar: np.array(a), x: rows}, {scalar: found})
    with np.errstate(invalid="ignore"):
        plan.run()
    # a*(1 + 4) where a > 0, a^2*(1 + 4) elsewhere
    assert (float(plan.value(graph.output)), float(found)) == (
        (pytest.approx(15.0), pytest.approx(5.0)) if a > 0 else (20.0, -20.0)
    )


def test_rows_take_branches_one_by_one() -> None:
    """log has no value for the second row, which does not need it."""
    b = Builder()
    x, s = b.leaf("x", (3,)), b.leaf("s")
    inside = b.step("log", b.step("multiply", s, x))
    chosen = b.step("where", b.step("greater", x, b.number(0.0)), inside, b.step("multiply", s, x))
    graph = b.graph.build([b.step("sum", chosen)])
    found, slope = np.full(3, np.nan), np.full((), np.nan)
    plan = TensorPlan(graph, {x: np.array([1.0, -2.0, 4.0]), s: np.array(0.5)}, {x: found, s: slope})
    with np.errstate(invalid="ignore"):
        plan.run()
    # d/dx log(s*x) = 1/x; d/ds log(s*x) = 1/s, and x for the second row
    assert (found.tolist(), float(slope)) == ([1.0, 0.5, 0.25], 2.0 + -2.0 + 2.0)


@pytest.mark.parametrize("size", [3, 4096, 5000])
def test_sine_and_cosine_of_one_operand_are_computed_together(size: int) -> None:
    draw = np.random.default_rng(size)
    for far in (1e-3, 3.0, 1e6):
        x = draw.uniform(-far, far, size)
        x[:2] = 0.0, -0.0
        sine, cosine = np.empty((2, size))
        SineCosine(size)(x, sine, cosine)
        for found, exact in ((sine, np.sin(x)), (cosine, np.cos(x))):
            assert (np.abs(found - exact) <= 2 * np.spacing(np.abs(exact))).all()
            assert (np.signbit(found) == np.signbit(exact)).all()
        with mp.workprec(120):
            for a, s, c in zip(x[:200].tolist(), sine.tolist(), cosine.tolist(), strict=False):
                assert abs(s - mp.sin(a)) <= 1.1 * math.ulp(math.sin(a))
                assert abs(c - mp.cos(a)) <= 1.1 * math.ulp(math.cos(a))
    for odd in (math.nan, math.inf, 1e300):
        x[0] = odd
        with np.errstate(invalid="ignore"):
            SineCosine(size)(x, sine, cosine)
            assert np.array_equal(sine, np.sin(x), equal_nan=True)
            assert np.array_equal(cosine, np.cos(x), equal_nan=True)


@pytest.mark.parametrize("text", ["sin(x*y)+cos(x*y)^2", "cos(x)*sin(x)", "sin(x)*cos(y)*sin(y)*cos(x)+x"])
def test_programs_with_both_have_the_numbers_of_numpy(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = np.random.default_rng(0).uniform(-9.0, 9.0, (2, 5000))
    graph = lower(parse(text))
    names = list(graph.inputs)
    columns = {name: {"x": x, "y": y}[name] for name in names}
    found, bad = Plan(graph, names, {}, names).run(columns, 5000)
    monkeypatch.setattr(engine, "TOGETHER_FROM", 1 << 60)
    expected, _ = Plan(graph, names, {}, names).run(columns, 5000)
    assert bad == []
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-14, atol=3e-14)
    assert any(a.tobytes() != b.tobytes() for a, b in zip(found, expected, strict=True))
