"""A network as in textbooks: a column of circles a layer, and lines that are its weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from math import prod
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import printable, shortened
from ..networks.network import LayerNetwork, Piece
from ..training.problem import Problem
from .drawing import Write, counted, sign_of
from .graph_picture import SAMPLE
from .graph_places import MARGIN, SMALL, TEXT, TITLE, WIDEST
from .network_drawing import input_names, output_names
from .picture import Box, Dot, Label, Path, Picture, Point, Role, Shape, text_width

NDArray = npt.NDArray[Any]

LEAST = 4
"""Units of a layer, from which on a network is drawn so."""

MOST, FIRST = 16, 8
"""Circles of a layer that are all drawn; of a longer one those at its beginning, and the last."""

RADIUS = 12.0
PITCH = 34.0
"""Between the middles of two circles."""

ACROSS, NARROW = 190.0, 96.0
"""Between the middles of two columns, and of many, so that they fit a page."""

FEW = 5
"""Lines that meet at each circle of one of two columns, up to which there is room for their numbers."""

NUMBER = 11.0
"""Size of a number at a line."""

BESIDE = 10.0
"""Between a circle and its name."""

THIN, THICK = 0.5, 4.0
DASH = (5.0, 4.0)
BIAS = 5.0
"""Radius of the dot of the largest bias."""


class Column(NamedTuple):
    """A layer, or the inputs.

    Attributes:
        name: ``linear1``.
        says: What it is, a line each.
        units: How many it has.
        names: What the data calls them; "" for nothing.
        weights: Shape (units, units of the column before); None for inputs.
        biases: Shape (units,); None where it has none.
    """

    name: str
    says: tuple[str, ...]
    units: int
    names: tuple[str, ...] = ()
    weights: NDArray | None = None
    biases: NDArray | None = None

    @property
    def shown(self) -> list[int]:
        """The units that are drawn."""
        return [*range(FIRST), self.units - 1] if self.units > MOST else list(range(self.units))

    @property
    def left_out(self) -> int:
        """How many are not."""
        return self.units - len(self.shown)


def why_none(problem: Problem) -> str | None:
    """Say why a network cannot be drawn so; None where it can."""
    network = problem.network
    assert isinstance(network, LayerNetwork)
    for piece in network.pieces:
        if not (piece.layer.dense or _passes(network, piece)):
            return f"{piece.name} is no linear layer"
    return None


def is_wide(problem: Problem) -> bool:
    """Whether some layer has so many units that circles show more than boxes."""
    assert isinstance(problem.network, LayerNetwork)
    return max(prod(shape) for shape in _shapes(problem.network)) >= LEAST


def _shapes(network: LayerNetwork) -> list[tuple[int, ...]]:
    return [network.shape, *(piece.after for piece in network.pieces)]


def _passes(network: LayerNetwork, piece: Piece) -> bool:
    """Whether a layer makes one number of each that it is given, as activations and dropout do."""
    matrices = any(p.layer == piece.name and len(p.shape) > 1 for p in network.parameters)
    return prod(piece.before) == prod(piece.after) and not matrices


def columns_of(problem: Problem) -> list[Column]:
    """Return the layers of a network with its first weights."""
    network = problem.network
    assert isinstance(network, LayerNetwork)
    values = {p.name: p.first for p in network.parameters}
    count = prod(network.shape)
    columns = [Column("inputs", (f"{count:,}",), count, input_names(problem))]
    for piece in network.pieces:
        if not piece.layer.dense:
            columns[-1] = columns[-1]._replace(says=(*columns[-1].says, piece.layer.words))
            continue
        says = [counted(piece.after[0], "unit")]
        fused = network.loss.fuses if piece is network.pieces[-1] else None
        says += [name for name in (piece.layer.function or fused,) if name]
        w, b = values[f"{piece.name}.weights"], values.get(f"{piece.name}.bias")
        columns.append(Column(piece.name, tuple(says), piece.after[0], (), w, b))
    columns[-1] = columns[-1]._replace(names=output_names(problem))
    return columns


def figure(problem: Problem, write: Write, *, numbers: bool = False) -> Picture:
    """Return the picture of a network of dense layers at its first weights.

    Args:
        problem: What the network is of.
        write: Numbers to text.
        numbers: Weights stand at the lines, where these are not too many.
    """
    columns = columns_of(problem)
    places = _places(columns)
    heads = [[column.name, *column.says] for column in columns]
    top = MARGIN + 2.2 * TITLE + 18.0 * max(map(len, heads)) + 26.0
    height = max(spot[-1] for spot in places) + 2.0 * RADIUS
    largest = max(abs(w) for pair in pairwise(columns) for w, _, _ in _drawn(*pair))
    heaviest = max((float(np.abs(c.biases).max()) for c in columns if c.biases is not None), default=0.0)
    wide = [max(text_width(text, TEXT, bold=True) for text in head) + 24.0 for head in heads]
    names = [
        max((text_width(_name(n), TEXT) for n in c.names), default=0.0) for c in (columns[0], columns[-1])
    ]
    xs = [MARGIN + max(RADIUS + BESIDE + names[0], wide[0] / 2.0)]
    slots = [_slot(*pair, write) if numbers else 0.0 for pair in pairwise(columns)]
    across = max(NARROW, min(ACROSS, WIDEST * (top + height) / len(slots)))
    for k, slot in enumerate(slots):
        few = min(len(columns[k].shown), len(columns[k + 1].shown))
        # numbers stand up to the middle: until there, the lines of neighbours are apart
        room = 2.0 * (RADIUS + BESIDE + few * slot) if slot else 0.0
        xs.append(xs[-1] + max(across, room, (wide[k] + wide[k + 1]) / 2.0))
    width = xs[-1] + max(RADIUS + BESIDE + names[1], wide[-1] / 2.0) + MARGIN

    shapes: list[Shape] = []
    spots = [
        [(x, top + (height - each[-1]) / 2.0 + y) for y in each] for x, each in zip(xs, places, strict=True)
    ]
    for k in range(1, len(columns)):
        pair = columns[k - 1], columns[k], spots[k - 1], spots[k]
        shapes += _lines(*pair, largest)
        shapes += _weights(*pair, slots[k - 1], write) if slots[k - 1] else ()
    for k, (column, head) in enumerate(zip(columns, heads, strict=True)):
        role: Role = "first" if k == 0 else "third" if k == len(columns) - 1 else "muted"
        side = -1 if k == 0 else 1 if k == len(columns) - 1 else 0
        shapes += _circles(column, spots[k], role, side, heaviest)
        for n, text in enumerate(head):
            y = MARGIN + 2.2 * TITLE + 18.0 * n + TEXT
            shapes.append(Label(xs[k], y, text, TEXT, "muted" if n else "ink", "middle", bold=not n))
    name = problem.config.name or "network"
    total = sum(prod(p.shape) for p in problem.network.parameters)
    title = f"{name}: {counted(len(columns) - 1, 'layer')}, {total:,} parameters"
    shapes.append(Label(MARGIN, MARGIN + TITLE, shortened(title, 90), TITLE, bold=True))
    loss = f"the weights with which training begins; its loss is {problem.config.loss.type}"
    hidden = [
        f"between {a.name} and {b.name}"
        for (a, b), slot in zip(pairwise(columns), slots, strict=True)
        if numbers and not slot
    ]
    legend = [*_legend(columns, hidden, write, largest, heaviest), (_nothing, loss)]
    bottom = top + height + MARGIN
    for n, (sample, text) in enumerate(legend):
        y = bottom + 20.0 * n
        shapes += sample(MARGIN, y - 4.0)
        shapes.append(Label(MARGIN + SAMPLE + 8.0, y, text, SMALL, "muted"))
        width = max(width, 2.0 * MARGIN + SAMPLE + 8.0 + text_width(text, SMALL))
    width = max(width, 2.0 * MARGIN + text_width(title, TITLE, bold=True))
    drawn = ", ".join(f"{c.name} with {counted(c.units, 'unit')}" for c in columns)
    says = f"The network {name} before it is trained: {drawn}; a circle a unit, a line a weight."
    return Picture(round(width), round(bottom + 20.0 * len(legend)), tuple(shapes), title, says)


def _places(columns: Sequence[Column]) -> list[list[float]]:
    """Return per column how far below its first circle each of the others stands; a gap counts as one."""
    return [
        [PITCH * (k + (k >= FIRST and column.left_out > 0)) for k in range(len(column.shown))]
        for column in columns
    ]


def _name(text: str) -> str:
    return shortened(printable(text), 24)


def _drawn(before: Column, after: Column) -> Iterator[tuple[float, int, int]]:
    """Yield the weights between circles that are drawn, and which of these it is from and to."""
    assert after.weights is not None
    for i, unit in enumerate(before.shown):
        for j, w in enumerate(after.weights[after.shown, unit]):
            yield float(w), i, j


def _lines(
    before: Column, after: Column, starts: Sequence[Point], ends: Sequence[Point], largest: float
) -> Iterator[Path]:
    """Yield the lines between two columns, small ones first."""
    for w, i, j in sorted(_drawn(before, after), key=lambda each: abs(each[0])):
        yield Path((starts[i], ends[j]), *_weight(w, largest), opacity=0.85)


def _slot(before: Column, after: Column, write: Write) -> float:
    """Return the room for each number between two columns; 0 where there are too many."""
    if min(len(before.shown), len(after.shown)) > FEW:
        return 0.0
    return max(text_width(write(w), NUMBER) for w, _, _ in _drawn(before, after)) + 8.0


def _weights(
    before: Column,
    after: Column,
    starts: Sequence[Point],
    ends: Sequence[Point],
    slot: float,
    write: Write,
) -> Iterator[Label]:
    """Yield the numbers at the lines, near the circles of the longer column: a slot for each other end."""
    for w, i, j in _drawn(before, after):
        near, far, place = (starts[i], ends[j], j) if len(starts) > len(ends) else (ends[j], starts[i], i)
        share = (RADIUS + BESIDE + (place + 0.5) * slot) / abs(far[0] - near[0])
        x, y = (a + share * (b - a) for a, b in zip(near, far, strict=True))
        yield Label(x, y + 4.0, write(w), NUMBER, sign_of(w), "middle", halo=True)


def _weight(w: float, largest: float) -> tuple[Role, float, tuple[float, ...]]:
    """Return colour, width and dash of the line of a weight."""
    width = THIN + (THICK - THIN) * abs(w) / largest if largest else THIN
    return sign_of(w), width, DASH if w < 0.0 else ()


def _circles(
    column: Column, spots: Sequence[Point], role: Role, side: int, heaviest: float
) -> Iterator[Shape]:
    for k, (x, y) in zip(column.shown, spots, strict=True):
        yield Dot(x, y, RADIUS, "paper", role)
        yield Label(x, y + 3.5, str(k), 10.0, "muted", "middle")
        if column.biases is not None and heaviest:
            yield _bias(x - 0.75 * RADIUS, y + 0.75 * RADIUS, float(column.biases[k]), heaviest)
        if side and column.names and column.names[k]:
            anchor: Literal["start", "end"] = "end" if side < 0 else "start"
            yield Label(x + side * (RADIUS + BESIDE), y + 4.5, _name(column.names[k]), TEXT, "ink", anchor)
    if column.left_out:
        (x, y), text = spots[-1], f"... {column.left_out:,} more"
        wide = text_width(text, SMALL)
        yield Box(x - wide / 2.0, y - PITCH - 8.0, wide, 16.0, None, "paper", opacity=0.9)
        yield Label(x, y - PITCH + 4.0, text, SMALL, "muted", "middle")


def _bias(x: float, y: float, b: float, heaviest: float) -> Dot:
    role = sign_of(b)
    return Dot(x, y, 1.5 + (BIAS - 1.5) * abs(b) / heaviest, "paper" if b < 0.0 else role, role)


Sample = Callable[[float, float], list[Shape]]
"""Draws a sample at a place."""


def _nothing(x: float, y: float) -> list[Shape]:
    return []


def _legend(
    columns: Sequence[Column], hidden: Sequence[str], write: Write, largest: float, heaviest: float
) -> Iterator[tuple[Sample, str]]:
    """Yield samples, and what they stand for."""

    def line(w: float) -> Sample:
        return lambda x, y: [Path(((x, y), (x + SAMPLE, y)), *_weight(w, largest))]

    def bias(b: float) -> Sample:
        return lambda x, y: [_bias(x + SAMPLE / 2.0, y, b, heaviest)]

    if largest:
        yield line(0.6 * largest), "a positive weight"
        yield line(-0.6 * largest), f"a negative weight; the wider, the larger, up to {write(largest)}"
    else:
        yield line(0.0), "weights: all 0"
    if hidden:
        yield _nothing, f"numbers have no room {' and '.join(hidden)}"
    if heaviest:
        yield bias(heaviest), f"a positive bias, as large as its size, up to {write(heaviest)}"
        yield bias(-heaviest), "a negative bias"
    elif any(column.biases is not None for column in columns):
        yield _nothing, "biases: all 0"
    long = [f"{column.name} ({column.units:,})" for column in columns if column.left_out]
    if long:
        yield _nothing, f"of {', '.join(long)} the first {FIRST} are drawn, and the last"
