"""Backward passes of somebody's own: every planted fault is found, most by name, and right ones are right."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Result

from backprop_cli import gradcheck
from backprop_cli.checking.functioncheck import CheckedArray
from backprop_cli.errors import BackpropError

DRAW = np.random.default_rng(5)


# right passes


def affine(x, w, b):
    return x @ w + b, (x, w)


def affine_back(dout, cache):
    x, w = cache
    return dout @ w.T, x.T @ dout, dout.sum(axis=0)


def relu(x):
    return np.maximum(x, 0.0), x


def relu_back(dout, x):
    return dout * (x > 0)


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    return p, p


def softmax_back(dout, p):
    return p * (dout - (dout * p).sum(axis=1, keepdims=True))


def batch_norm(x, gamma, beta):
    mean, variance = x.mean(axis=0), x.var(axis=0)
    normal = (x - mean) / np.sqrt(variance + 1e-5)
    return gamma * normal + beta, (normal, variance, gamma)


def batch_norm_back(dout, cache):
    normal, variance, gamma = cache
    d = dout * gamma
    dx = (d - d.mean(axis=0) - normal * (d * normal).mean(axis=0)) / np.sqrt(variance + 1e-5)
    return dx, (dout * normal).sum(axis=0), dout.sum(axis=0)


def windows(x, w):
    rows, columns = (n - k + 1 for n, k in zip(x.shape, w.shape, strict=True))
    return [
        (i, j, slice(i, i + w.shape[0]), slice(j, j + w.shape[1]))
        for i in range(rows)
        for j in range(columns)
    ]


def convolution(x, w):
    out = np.zeros([n - k + 1 for n, k in zip(x.shape, w.shape, strict=True)])
    for i, j, rows, columns in windows(x, w):
        out[i, j] = (x[rows, columns] * w).sum()
    return out, (x, w)


def convolution_back(dout, cache):
    x, w = cache
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for i, j, rows, columns in windows(x, w):
        dx[rows, columns] += w * dout[i, j]
        dw += x[rows, columns] * dout[i, j]
    return dx, dw


def softmax_loss(x, y):
    _, p = softmax(x)
    rows = np.arange(len(y))
    d = p.copy()
    d[rows, y] -= 1.0
    return -np.log(p[rows, y]).mean(), d / len(y)


def mean_square(x, t):
    return float(((x - t) ** 2).mean())


def mean_square_back(x, t):
    return 2.0 * (x - t) / x.size, -2.0 * (x - t) / x.size


def layer_norm(x):
    return (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + 1e-5)


def layer_norm_back(dout, x):
    normal, deviation = layer_norm(x), np.sqrt(x.var(axis=1, keepdims=True) + 1e-5)
    inner = dout - dout.mean(axis=1, keepdims=True) - normal * (dout * normal).mean(axis=1, keepdims=True)
    return inner / deviation


Arrays = Callable[[np.random.Generator], tuple[Any, ...]]


def of(*shapes: tuple[str, ...]) -> Arrays:
    """Draw arrays whose sizes are named: the same name, the same size."""

    def drawn(draw: np.random.Generator) -> tuple[Any, ...]:
        sizes = {name: int(draw.integers(2, 7)) for shape in shapes for name in shape}
        if "K" in sizes:
            sizes["K"] = min(sizes["H"], sizes["W"], 3) - 1
        return tuple(draw.standard_normal([sizes[name] for name in shape]) for shape in shapes)

    return drawn


def with_labels(draw: np.random.Generator) -> tuple[Any, ...]:
    n, c = (int(k) for k in draw.integers(2, 7, 2))
    return draw.standard_normal((n, c)), draw.integers(0, c, n)


RIGHT: list[tuple[Any, Any, Arrays]] = [
    (affine, affine_back, of("ND", "DM", "M")),
    (relu, relu_back, of("ND")),
    (softmax, softmax_back, of("ND")),
    (batch_norm, batch_norm_back, of("ND", "D", "D")),
    (convolution, convolution_back, of("HW", "KK")),
    (softmax_loss, None, with_labels),
    (mean_square, mean_square_back, of("ND", "ND")),
    (layer_norm, layer_norm_back, of("ND")),
]


@pytest.mark.parametrize(("forward", "backward", "arrays"), RIGHT, ids=lambda x: getattr(x, "__name__", ""))
def test_right_passes_are_right_in_random_shapes(forward: Any, backward: Any, arrays: Arrays) -> None:
    draw = np.random.default_rng(17)
    for seed in range(25):
        report = gradcheck(forward, backward, *arrays(draw), seed=seed)
        assert report, report
        assert all(c.wrong == 0 and c.mistake is None for c in report.inputs)
        assert sum(c.agree for c in report.inputs) > 0


# planted faults: the fault, and the word for it


def like(back: Callable[..., Any], **changed: Callable[[Any, Any, Any], Any]) -> Callable[..., Any]:
    """A backward pass with one of its gradients, by its place, replaced by something of dout and cache."""

    def wrong(dout, cache):
        found = back(dout, cache)
        several = list(found) if isinstance(found, tuple) else [found]
        for place, make in changed.items():
            several[int(place[1:])] = make(dout, cache, several[int(place[1:])])
        return tuple(several) if isinstance(found, tuple) else several[0]

    return wrong


def last_only(dout, cache):
    x, w = cache
    (i, j, rows, columns) = windows(x, w)[-1]
    return x[rows, columns] * dout[i, j]


def flipped(dout, cache):
    x, w = cache
    return convolution_back(dout, (x, w[::-1, ::-1]))[0]


SQUARE = (DRAW.standard_normal((4, 4)), DRAW.standard_normal((4, 4)), DRAW.standard_normal(4))
LONG = (DRAW.standard_normal((5, 3)), DRAW.standard_normal((3, 2)), DRAW.standard_normal(2))
ROWS = (DRAW.standard_normal((6, 4)),)
NORM = (DRAW.standard_normal((6, 4)), DRAW.standard_normal(4), DRAW.standard_normal(4))
IMAGE = (DRAW.standard_normal((5, 5)), DRAW.standard_normal((3, 3)))

PLANTED: list[tuple[str, Any, Any, tuple[Any, ...], int, str]] = [
    ("transposed", affine, like(affine_back, p1=lambda d, c, g: g.T), LONG, 1, "transposed"),
    ("w without its transpose", affine, like(affine_back, p0=lambda d, c, g: d @ c[1]), SQUARE, 0, "factors"),
    ("factors swapped", affine, like(affine_back, p1=lambda d, c, g: d.T @ c[0]), SQUARE, 1, "transposed"),
    ("mean of the batch", affine, like(affine_back, p1=lambda d, c, g: g / len(d)), LONG, 1, "mean"),
    ("bias not summed", affine, like(affine_back, p2=lambda d, c, g: d), LONG, 2, "not summed"),
    (
        "last row alone",
        affine,
        like(affine_back, p1=lambda d, c, g: np.outer(c[0][-1], d[-1])),
        LONG,
        1,
        "one row",
    ),
    ("sign", affine, like(affine_back, p0=lambda d, c, g: -g), LONG, 0, "sign"),
    ("never reached", affine, like(affine_back, p2=lambda d, c, g: 0 * g), LONG, 2, "zero"),
    (
        "dout left out",
        affine,
        like(affine_back, p1=lambda d, c, g: c[0].T @ np.ones_like(d)),
        LONG,
        1,
        "upstream",
    ),
    ("no gate", relu, like(relu_back, p0=lambda d, x, g: d), ROWS, 0, "slope"),
    ("gate the wrong way", relu, like(relu_back, p0=lambda d, x, g: d * (x < 0)), ROWS, 0, "gate"),
    ("value for slope", relu, like(relu_back, p0=lambda d, x, g: d * np.maximum(x, 0)), ROWS, 0, "value"),
    ("diagonal", softmax, like(softmax_back, p0=lambda d, p, g: d * p * (1 - p)), ROWS, 0, "diagonal"),
    (
        "mean and variance fixed",
        batch_norm,
        like(batch_norm_back, p0=lambda d, c, g: d * c[2] / np.sqrt(c[1] + 1e-5)),
        NORM,
        0,
        "statistics",
    ),
    (
        "gamma not summed",
        batch_norm,
        like(batch_norm_back, p1=lambda d, c, g: d * c[0]),
        NORM,
        1,
        "not summed",
    ),
    (
        "kernel turned",
        convolution,
        like(convolution_back, p0=lambda d, c, g: flipped(d, c)),
        IMAGE,
        0,
        "turned",
    ),
    (
        "kernel's gradient turned",
        convolution,
        like(convolution_back, p1=lambda d, c, g: g[::-1, ::-1]),
        IMAGE,
        1,
        "turned",
    ),
    (
        "assigned, not added",
        convolution,
        like(convolution_back, p1=lambda d, c, g: last_only(d, c)),
        IMAGE,
        1,
        "one row",
    ),
]


@pytest.mark.parametrize(
    ("fault", "forward", "backward", "inputs", "place", "word"), PLANTED, ids=[p[0] for p in PLANTED]
)
def test_planted_faults_are_found_and_named(
    fault: str, forward: Any, backward: Any, inputs: tuple[Any, ...], place: int, word: str
) -> None:
    report = gradcheck(forward, backward, *inputs)
    assert not report
    assert report.status == 1
    verdicts = [c.verdict for c in report.inputs]
    assert verdicts == ["wrong" if k == place else "agree" for k in range(len(verdicts))], fault
    assert report.inputs[place].mistake == word, report.inputs[place].says


def test_losses_that_return_their_gradients() -> None:
    x, y = DRAW.standard_normal((4, 5)), np.array([0, 2, 1, 4])

    def summed(x, y):
        loss, d = softmax_loss(x, y)
        return loss, d * len(y)

    def without_target(x, y):
        return softmax_loss(x, y)[0], softmax(x)[0] / len(y)

    assert gradcheck(softmax_loss, None, x, y)
    (found,) = gradcheck(summed, None, x, y).inputs
    assert (found.mistake, found.says) == (
        "mean",
        "it is 4 times too large: divide by the rows, as the mean does",
    )
    (found,) = gradcheck(without_target, None, x, y).inputs
    assert found.mistake == "label"


def test_kinks_are_told_and_are_not_wrong() -> None:
    x = np.array([[1.0, 0.0, -2.0], [0.5, -0.5, 3.0]])
    (found,) = gradcheck(relu, relu_back, x).inputs
    assert (found.verdict, found.kinks, found.agree) == ("kink", 1, 5)
    assert found.says == "1 entry on a kink, between the slopes of its sides"
    (found,) = gradcheck(relu, lambda dout, x: dout * np.where(x == 0, 7.0, x > 0), x).inputs
    assert found.verdict == "wrong"


def test_the_point_beside_a_kink_is_no_kink() -> None:
    x = np.array([1e-5, -1e-5, 1.0])
    (found,) = gradcheck(relu, relu_back, x).inputs
    assert (found.verdict, found.agree) == ("agree", 3)
    (found,) = gradcheck(relu, lambda dout, x: dout * (x > 1e-4), x).inputs
    assert (found.verdict, found.wrong, found.worst) == ("wrong", 1, (0,))


def test_what_cannot_be_checked_says_why() -> None:
    def noisy(x):
        return x + np.random.standard_normal(x.shape)

    def in_place(x):
        x *= 2
        return x

    def back_in_place(dout, x):
        x[:] = 0
        return dout

    x = np.ones(3)
    for call, words in (
        (lambda: gradcheck(noisy, lambda d, x: d, x), "another result the second time"),
        (lambda: gradcheck(in_place, lambda d, x: 2 * d, x), "changes its input x in place"),
        (lambda: gradcheck(lambda x: x, back_in_place, x), "changes x in place"),
        (lambda: gradcheck(lambda x: x, lambda: 1, x), "takes 0 arguments"),
        (lambda: gradcheck(lambda x: x, None, x), "returns its value alone"),
        (
            lambda: gradcheck(lambda x, y: x * y, lambda d, x, y: (d, d, d), x, x),
            "gives 3 gradients for x, y",
        ),
        (lambda: gradcheck(lambda x: x, lambda d, x: d, np.arange(3)), "no input is a float"),
        (lambda: gradcheck(lambda x: x / 0.0, lambda d, x: d, x), "nan or inf"),
        (lambda: gradcheck(lambda x: "text", lambda d, x: d, x), "no array of numbers"),
        (lambda: gradcheck(lambda x: x, 3, x), "the backward pass is a function"),
        (lambda: gradcheck(lambda x: x, None), "no inputs"),
        (lambda: gradcheck(lambda x: x, lambda d, x: d, x, large=True), "by place"),
        (lambda: gradcheck("x^2", None, {}, {}, x=3), "one dictionary"),
        (lambda: gradcheck("x^2", None, {"x": 3}, seed=4), "no variable seed"),
        (lambda: gradcheck(lambda x: x, lambda d, x: d, x, seed=-1), "seed is a whole number"),
        (lambda: gradcheck(lambda x: x.sum(), lambda x: x, np.zeros((0, 3))), "x has no entries"),
    ):
        with np.errstate(all="ignore"), pytest.raises(BackpropError, match=words):
            call()


def test_a_variable_may_be_called_as_an_option_of_functions() -> None:
    assert gradcheck("seed^2", {"df/dseed": "2*seed"}, seed=3)


@pytest.mark.filterwarnings("error")
def test_numbers_far_out_are_judged_without_a_word_of_pythons() -> None:
    x = np.array([1e-9, 1.0, 1e9])
    (found,) = gradcheck(np.log, lambda dout, x: dout / x, x).inputs
    assert (found.verdict, found.agree) == ("agree", 3)
    (found,) = gradcheck(np.log, lambda dout, x: dout / x * np.array([1.01, 1.0, 1.0]), x).inputs
    assert (found.wrong, found.worst) == (1, (0,))
    for factor in (np.inf, -np.inf, np.nan):
        (found,) = gradcheck(lambda x: (x**2).sum(), lambda x, by=factor: x * by, np.ones(3)).inputs
        assert (found.wrong, found.mistake) == (3, "not finite")


def test_a_mean_of_parts_is_named() -> None:
    def pool(x):
        return x.mean(axis=(1, 2))

    x = DRAW.standard_normal((3, 4, 2))
    (found,) = gradcheck(pool, lambda dout, x: np.broadcast_to(dout[:, None, None], x.shape), x).inputs
    assert (found.mistake, found.says) == (
        "mean",
        "it is 8 times too large: divide by the entries behind each output, as the mean does",
    )


def test_a_report_of_an_expression_is_true_where_nothing_is_wrong() -> None:
    assert gradcheck("x^3", {"df/dx": "3x^2"}, x=2)
    assert not gradcheck("x^3", {"df/dx": "2x^2"}, x=2)


@pytest.mark.parametrize("module", ["torch", "jax"])
def test_tensors_of_frameworks_come_as_they_are(module: str) -> None:
    framework = pytest.importorskip(module)
    if module == "torch":
        x = framework.randn(3, 2, dtype=framework.float64)
        report = gradcheck(lambda x: framework.tanh(x), lambda d, x: d * (1 - framework.tanh(x) ** 2), x)
    else:
        x = framework.numpy.ones((3, 2))
        report = gradcheck(
            lambda x: framework.numpy.tanh(x), lambda d, x: d * (1 - framework.numpy.tanh(x) ** 2), x
        )
    assert report, report


LAYERS = """
import numpy as np

def forward(x, w):
    return x @ w, (x, w)

def backward(dout, cache):
    x, w = cache
    return dout @ w.T, dout.T @ x

def broken(x):
    return x @ np.ones(7)
"""


def test_a_file_of_somebodys_own(run: Callable[..., Result], tmp_path: Path) -> None:
    path = tmp_path / "layers.py"
    path.write_text(LAYERS)
    done = run("check", "--function", f"{path}:forward,backward", "--shapes", "4x3,3x2")
    assert done.status == 1
    assert f"note: runs {path}" in done.err
    assert "w: it has the shape 2x3 in place of 3x2: it is transposed" in done.out
    done = run("check", "--function", f"{path}:forward,backward", "--shapes", "4x3,3x2", "--format", "json")
    x, w = json.loads(done.out)["inputs"]
    assert (x["verdict"], w["verdict"], w["mistake"]) == ("agree", "wrong", "transposed")
    assert set(x) == set(CheckedArray._fields)
    for words, says in (
        (["--function", f"{path}:forwards,backward", "--shapes", "4x3,3x2"], "did you mean forward?"),
        (["--function", f"{path}:forward,backward"], "needs the shapes"),
        (["--function", f"{path}:forward,backward", "--shapes", "4y3"], "4y3 is no shape"),
        (["--function", f"{path}:broken", "--shapes", "3"], f"{path}:12: ValueError in broken"),
        (["--function", f"{path}", "--shapes", "3"], "a file and one or two functions"),
        (["--shapes", "3"], "--shapes is for --function"),
        (["x^2", "--function", f"{path}:forward,backward", "--shapes", "3"], "stands alone"),
    ):
        run("check", *words).refused(2, says)
    run("check", "--function", "none.py:f,g", "--shapes", "3").refused(4, "there is no such file")
