"""Built-in data sets: two that are shipped (``sets/``), and toys made from the seed.

Every generator spreads its rows evenly over the classes and places them by the formula in its
docstring, with normal noise of the given standard deviation on each input (``sine``: on the target).
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...networks.random import stream

Floats = npt.NDArray[np.float64]


class Dataset(NamedTuple):
    """Rows of a built-in set.

    Attributes:
        inputs: Shape (rows, columns).
        targets: Shape (rows,): a number, or the index of a class.
        names: Of the input columns.
        target: Name of the target column.
        classes: Names of the classes; None for numbers.
        symbols: The texts that the numbers of the last column stand for.
    """

    inputs: Floats
    targets: npt.NDArray[Any]
    names: list[str]
    target: str
    classes: list[str] | None
    symbols: str = ""


def xor(rng: np.random.Generator, samples: int, noise: float) -> Dataset:
    """Return the corners of a square, 0 where both inputs are equal, over and over up to ``samples``."""
    corners = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    which = np.arange(samples) % 4
    return _plane(rng, corners[which], np.array([0, 1, 1, 0])[which], noise, ["0", "1"])


def circles(rng: np.random.Generator, samples: int, noise: float) -> Dataset:
    """Return two circles about the origin, of radius 1 and 0.5: r*(cos t, sin t)."""
    classes = _classes(samples, 2)
    turn = 2 * np.pi * _spread(classes, closed=True)
    radius = np.where(classes == 0, 1.0, 0.5)
    points = radius[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    return _plane(rng, points, classes, noise, ["outer", "inner"])


def moons(rng: np.random.Generator, samples: int, noise: float) -> Dataset:
    """Return two half circles that reach into each other: (cos t, sin t) and (1 - cos t, 1/2 - sin t)."""
    classes = _classes(samples, 2)
    turn = np.pi * _spread(classes)
    upper = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    points = np.where(classes[:, None] == 0, upper, [1.0, 0.5] - upper)
    return _plane(rng, points, classes, noise, ["upper", "lower"])


def blobs(rng: np.random.Generator, samples: int, noise: float) -> Dataset:
    """Return three clouds about the corners of a triangle, 4 from the origin."""
    classes = _classes(samples, 3)
    turn = np.pi / 2 + 2 * np.pi * classes / 3
    points = 4.0 * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    return _plane(rng, points, classes, noise, ["0", "1", "2"])


def spirals(rng: np.random.Generator, samples: int, noise: float) -> Dataset:
    """Return two arms of 1.5 turns: r*(cos 3 pi r, sin 3 pi r), r from 0.2 to 1, and its mirror image.

    Neighbouring arms are a third of a radius apart: sixteen times the usual noise.
    """
    classes = _classes(samples, 2)
    radius = 0.2 + 0.8 * _spread(classes)
    turn = 3 * np.pi * radius
    points = radius[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    return _plane(rng, np.where(classes[:, None] == 0, points, -points), classes, noise, ["0", "1"])


def sine(rng: np.random.Generator, samples: int, noise: float) -> Dataset:
    """Return y = sin(x) plus noise, x evenly from -pi to pi."""
    x = np.linspace(-np.pi, np.pi, samples)
    return Dataset(x[:, None], np.sin(x) + noise * rng.standard_normal(samples), ["x"], "y", None)


def adding(rng: np.random.Generator, samples: int, noise: float, length: int) -> Dataset:
    """Return sequences of numbers from 0 to 1, two of them marked by 1, and the sum of these two.

    One mark is in the first half, one in the second.

    Source:
        Hochreiter and Schmidhuber (1997), Long short-term memory.
    """
    values = rng.random((samples, length))
    marks, every, half = np.zeros((samples, length)), np.arange(samples), length // 2
    marks[every, rng.integers(0, half, samples)] = 1.0
    marks[every, rng.integers(half, length, samples)] = 1.0
    sums = np.repeat((values * marks).sum(axis=1), length)
    return _steps({"value": values, "mark": marks}, sums, "sum", None)


def parity(rng: np.random.Generator, samples: int, noise: float, length: int) -> Dataset:
    """Return sequences of bits, and at each step whether the number of ones so far is odd."""
    bits = rng.integers(0, 2, (samples, length))
    return _steps({"bit": bits.astype(float)}, bits.cumsum(axis=1).ravel() % 2, "odd", ["0", "1"])


def reverse(rng: np.random.Generator, samples: int, noise: float, length: int) -> Dataset:
    """Return sequences of 8 symbols, and at each step that of the step as far from the other end."""
    which = rng.integers(0, len(SYMBOLS), (samples, length))
    made = _steps({"symbol": which.astype(float)}, which[:, ::-1].ravel(), "mirrored", list(SYMBOLS))
    return made._replace(symbols=SYMBOLS)


SYMBOLS = "abcdefgh"


def _steps(
    columns: dict[str, Floats], targets: npt.NDArray[Any], target: str, classes: list[str] | None
) -> Dataset:
    """Return sequences as a table with a row a step, the first column saying of which."""
    samples, length = next(iter(columns.values())).shape
    inputs = [np.repeat(np.arange(1.0, samples + 1), length), *(c.ravel() for c in columns.values())]
    return Dataset(np.stack(inputs, axis=1), targets, ["sequence", *columns], target, classes)


def _plane(
    rng: np.random.Generator, points: Floats, classes: npt.NDArray[Any], noise: float, names: list[str]
) -> Dataset:
    inputs = points + noise * rng.standard_normal(points.shape) if noise else points
    return Dataset(inputs, classes, ["x1", "x2"], "class", names)


def _classes(samples: int, count: int) -> npt.NDArray[np.int64]:
    """Return the class of each row: blocks of equal size, the first ones larger by one if need be."""
    return np.sort(np.arange(samples) % count)


def _spread(classes: npt.NDArray[np.int64], closed: bool = False) -> Floats:
    """Place the rows of each class evenly from 0 to 1 (short of 1 on a closed curve)."""
    parts = [np.linspace(0.0, 1.0, n, endpoint=not closed) for n in np.bincount(classes)]
    return np.concatenate(parts)


class _Toy(NamedTuple):
    make: Callable[..., Dataset]
    samples: int
    noise: float
    length: int = 0


TOYS = {
    "xor": _Toy(xor, 4, 0.0),
    "circles": _Toy(circles, 200, 0.05),
    "moons": _Toy(moons, 200, 0.1),
    "blobs": _Toy(blobs, 150, 1.0),
    "spirals": _Toy(spirals, 200, 0.02),
    "sine": _Toy(sine, 200, 0.1),
    "adding": _Toy(adding, 2000, 0.0, 20),
    "parity": _Toy(parity, 2000, 0.0, 10),
    "reverse": _Toy(reverse, 2000, 0.0, 10),
}
"""Generated sets: how, with how many rows, how much noise, and of sequences how many steps."""


def generate(
    name: str,
    seed: int,
    samples: int | None = None,
    noise: float | None = None,
    length: int | None = None,
) -> Dataset:
    """Make a toy set; the same seed gives the same rows."""
    toy = TOYS[name]
    given = [toy.samples if samples is None else samples, toy.noise if noise is None else noise]
    of_steps = [length or toy.length] if toy.length else []
    return toy.make(stream(seed, f"dataset {name}"), *given, *of_steps)


def shipped(name: str) -> Dataset:
    """Return ``iris`` (Fisher's, as in R) or ``digits`` (8x8 pixels, 0 to 16); see ``sets/NOTICE``."""
    folder = files("backprop_cli.training.data") / "sets"
    if name == "iris":
        header, *lines = (folder / "iris.csv").read_text("utf-8").splitlines()
        *names, target = header.split(",")
        rows = [line.split(",") for line in lines]
        classes = sorted({row[-1] for row in rows})
        inputs = np.array([row[:-1] for row in rows], dtype=np.float64)
        return Dataset(inputs, np.array([classes.index(row[-1]) for row in rows]), names, target, classes)
    with np.load(BytesIO((folder / "digits.npz").read_bytes())) as arrays:
        inputs, targets = arrays["x"].astype(np.float64), arrays["y"].astype(np.int64)
    names = [f"pixel_{row}_{column}" for row in range(8) for column in range(8)]
    return Dataset(inputs, targets, names, "digit", [str(digit) for digit in range(10)])
