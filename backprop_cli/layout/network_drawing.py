"""Networks as drawings: unit by unit at a training step, or a card a layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any, NamedTuple

from ..explanation.paper import Paper
from ..networks.network import LayerNetwork, Piece
from ..networks.point import NetworkPoint
from ..networks.textbook import SIDES
from ..training.problem import Problem
from ..training.step import Made, Step
from . import Edges
from .drawing import Arrow, Card, Drawing, Row, Write, sign_of

MOST_UNITS = 12
"""Of a layer that is drawn unit by unit."""

MOST_WEIGHTS = 150
"""Of a network that is drawn unit by unit."""


class Unit(NamedTuple):
    """A unit, an input or the loss, with its numbers at the step.

    Attributes:
        name: ``linear1[0]``, ``x[0]``, ``E``.
        layer: The layer; "" for inputs and the loss.
        activation: Its activation; "" for none.
        numbers: Name and number: b, z, y, dE/dz ...
        label: What an input or output is called in the data; "" for nothing but its number.
    """

    name: str
    layer: str
    activation: str
    numbers: dict[str, float]
    label: str = ""


class Weight(NamedTuple):
    """What leads from one unit to another.

    Attributes:
        source: A unit's name.
        target: A unit's name.
        name: ``w[0]``, or the slope of the loss by a unit's output.
        value: Its number.
        gradient: Slope of the loss by it; None where it is frozen, and for what is no weight.
        frozen: It is not trained.
    """

    source: str
    target: str
    name: str
    value: float
    gradient: float | None
    frozen: bool


class Units(NamedTuple):
    """A network at a training step, unit by unit: the numbers of a row, arranged as a graph.

    Attributes:
        step: Which.
        row: Of the batch, from 0.
        units: Inputs, the units of each layer, and the loss.
        weights: What leads from one to another.
    """

    step: Step
    row: int
    units: tuple[Unit, ...]
    weights: tuple[Weight, ...]


def why_compact(problem: Problem) -> str | None:
    """Say why a network is not drawn unit by unit; None where it is."""
    network = problem.network
    assert isinstance(network, LayerNetwork)
    for piece in network.pieces:
        if not piece.layer.dense:
            return f"{piece.name} is no linear layer"
    counts = [("the row of inputs", network.shape[0]), *((p.name, p.after[0]) for p in network.pieces)]
    for name, count in counts:
        if count > MOST_UNITS:
            what = "numbers" if " " in name else "units"
            return f"{name} has {count:,} {what}, at most {MOST_UNITS} are drawn"
    weights = sum(prod(p.shape) for p in network.parameters if len(p.shape) > 1)
    return f"{weights:,} weights, at most {MOST_WEIGHTS} are drawn" if weights > MOST_WEIGHTS else None


def input_names(problem: Problem) -> tuple[str, ...]:
    """Return what the data calls each input; "" for one that has nothing but its number."""
    names, count = problem.encoding.names, prod(problem.encoding.shape)
    if len(names) != count:
        return ("",) * count
    return tuple("" if name == f"x{k}" else name for k, name in enumerate(names, 1))


def output_names(problem: Problem) -> tuple[str, ...]:
    """Return what the data calls each output: a class, or a column; "" for nothing but its number."""
    encoding, classes, count = problem.encoding, problem.classes, problem.network.outputs
    targets = encoding.targets
    if classes is not None and not encoding.shares:
        named = [f"{targets[0]} {name}" if encoding.numbered else name for name in classes]
        targets = named[1:] if count == 1 else named
    if len(targets) != count:
        return ("",) * count
    return tuple("" if name == f"y{k}" else name for k, name in enumerate(targets, 1))


def units_of(made: Made, row: int = 0) -> Units:
    """Arrange the numbers of a row of a step's batch."""
    network = made.problem.network
    assert isinstance(network, LayerNetwork)
    point = NetworkPoint(made.unrolled(Paper()))
    textbook = made.textbook
    u, values, slopes = point.unrolled, point.here.values, point.here.cotangents
    own = [id for id in u.names if u.row_of.get(id) == row]
    given = [id for id in own if point.graph.nodes[id].op is None and id not in u.targets]
    # what a layer has of each of its units: z, y, p
    parts: dict[str, dict[int, dict[str, int]]] = {}
    for id in own:
        part, layer, unit = u.names[id][:3]
        if layer:
            parts.setdefault(layer, {}).setdefault(unit[0], {})[part] = id
    trained = {n: g for n, g in u.by_parameter(slopes).items() if n in made.gradients}
    clipping = made.clipping(made.gradients, point.paper)
    gradients = made.clipped(trained, clipping, point.paper)
    units, weights = [], []
    for id, label in zip(given, input_names(made.problem), strict=True):
        units.append(Unit(u.names[id].text, "", "", {"value": values[id]}, label))
    before = [unit.name for unit in units]
    last = network.pieces[-1]
    for piece in network.pieces:
        here = []
        w, b = (f"{piece.name}.{part}" for part in ("weights", "bias"))
        for k, ids in parts[piece.name].items():
            name = textbook.unit(piece.name, k) if textbook else u.names[ids["z"]].owner
            numbers = {"b": values[u.parameters[b][k]], **{part: values[id] for part, id in ids.items()}}
            numbers["dE/dz"] = slopes[ids["z"]]
            fused = network.loss.row.fuses if piece is last else None
            label = output_names(made.problem)[k] if piece is last else ""
            units.append(Unit(name, piece.name, fused or piece.layer.function or "", numbers, label))
            here.append(name)
            for i, source in enumerate(before):
                gradient = float(gradients[w][k, i]) if w in gradients else None
                id = int(u.parameters[w][k, i])
                called = u.names[id].short
                weights.append(Weight(source, name, called, values[id], gradient, gradient is None))
        before = here
    targets = {u.names[id].text: values[id] for id in u.targets if id in own}
    units.append(Unit("E", "", "", {"value": made.step.before, **targets}))
    for source, ids in zip(before, parts[last.name].values(), strict=True):
        part = "y" if "y" in ids else "z"
        weights.append(Weight(source, "E", f"dE/d{part}", slopes[ids[part]], None, False))
    return Units(made.step, row, tuple(units), tuple(weights))


def units_drawing(found: Units, write: Write, edges: Edges = "both") -> Drawing:
    """Draw a network unit by unit."""
    step = found.step
    ids = {unit.name: f"n{k}" for k, unit in enumerate(found.units)}
    cards = []
    for unit in found.units:
        how = {part: f"{part} = {unit.activation}(z)" for part in ("y", "p") if unit.activation}
        rows = [Row(how.get(n, n), write(x), sign_of(x)) for n, x in unit.numbers.items()]
        kind: Any = "step" if unit.layer else "output" if unit.name == "E" else "input"
        operation = step.loss if unit.name == "E" else unit.label
        cards.append(Card(ids[unit.name], unit.name, operation, tuple(rows), kind))
    arrows = []
    for weight in found.weights:
        symbol = weight.name if edges in ("both", "symbol") else ""
        number = write(weight.value) if edges in ("both", "value") else ""
        detail = ""
        if edges == "both" and weight.name.startswith("w"):
            detail = "frozen" if weight.gradient is None else f"dE/dw = {write(weight.gradient)}"
        arrows.append(
            Arrow(
                ids[weight.source],
                ids[weight.target],
                symbol,
                number,
                detail,
                sign_of(weight.value) if number else "ink",
            )
        )
    row = f"row {step.rows[found.row]} of {step.of}"
    title = f"{step.name}: E = {write(step.before)} before update {step.step}"
    legend = ["in a unit: its bias, weighted sum z and activation y, and its delta dE/dz"]
    if any("p" in unit.numbers for unit in found.units):
        legend[0] = "in a unit: its bias, weighted sum z and activation y (p: probability), its delta dE/dz"
    if edges != "none":
        legend.append("at an arrow: the weight" + (" and dE/dw" if edges == "both" else ""))
    if len(step.rows) > 1:
        legend.append(f"units: {row}; E and dE/dw: the whole batch of {len(step.rows)} rows")
    description = (
        f"The network {step.name} at update {step.step}: {len(cards) - 1} inputs and units, "
        f"{len(arrows)} arrows; weights, activations and deltas for {row}."
    )
    details = "dE/dw" if edges == "both" else ""
    return Drawing(title, description, tuple(legend), cards, arrows, keep_order=True, details=details)


def layers_drawing(problem: Problem, edges: Edges = "both") -> Drawing:
    """Draw a network as a card a layer."""
    network = problem.network
    assert isinstance(network, LayerNetwork)
    counts = {piece.name: 0 for piece in network.pieces}
    for p in network.parameters:
        counts[p.layer] += prod(p.shape)
    total = sum(counts.values())
    cards = [Card("n0", "inputs", "", (Row("shape", _shape(network.shape)),), "input")]
    arrows = []
    for k, piece in enumerate(network.pieces, 1):
        cards.append(Card(f"n{k}", piece.name, "", tuple(_layer(piece, counts[piece.name])), "step"))
        arrows.append(Arrow(f"n{k - 1}", f"n{k}", _shape(piece.before) if edges != "none" else ""))
    last = f"n{len(cards)}"
    cards.append(Card(last, "E", network.loss.type, (Row("task", problem.task),), "output"))
    arrows.append(
        Arrow(f"n{len(cards) - 2}", last, _shape(network.pieces[-1].after) if edges != "none" else "")
    )
    name = problem.config.name or "network"
    return Drawing(
        f"{name}: {len(network.pieces)} layers, {total:,} parameters",
        f"The layers of the network {name}, from {_shape(network.shape)} inputs to the loss; "
        f"{total:,} parameters.",
        ("a box a layer; at an arrow: the shape of a row",) if edges != "none" else ("a box a layer",),
        cards,
        arrows,
        keep_order=True,
    )


def _layer(piece: Piece, count: int) -> Iterator[Row]:
    layer = piece.layer
    yield Row("type", f"{layer.tag}, {layer.function}" if layer.function else layer.tag)
    yield Row("shape", f"{_shape(piece.before)} to {_shape(piece.after)}")
    for what, number in layer.details():
        yield Row(what, number)
    yield Row("parameters", f"{count:,}", "ink" if count else "zero")


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


class Place(NamedTuple):
    """Where a number stands in a drawing: a card, and the arrow into it that it stands at, if any."""

    card: str
    arrow: int | None = None


def places(drawing: Drawing, found: Units | None) -> dict[str, Place]:
    """Return where what has a name stands: boxes, and the numbers of `trace` in and between them."""
    ids = {card.name: card.id for card in drawing.cards}
    known = {name: Place(id) for name, id in ids.items()}
    for unit in found.units if found is not None else ():
        for part in unit.numbers if unit.layer else ():
            names = f"{unit.name}.{part}", f"{SIDES.get(part, part)}_{unit.name}"
            known |= dict.fromkeys(names, Place(ids[unit.name]))
    for k, weight in enumerate(found.weights if found is not None else ()):
        if weight.target != "E":
            alone = weight.name if "[" not in weight.name else ""
            names = f"{weight.target}.{weight.name}", alone
            known |= dict.fromkeys(filter(None, names), Place(ids[weight.target], k))
    return known


def marked(drawing: Drawing, groups: Sequence[Sequence[Place]]) -> tuple[Drawing, list[list[int]]]:
    """Mark what lies between places and the last card, group by group, and count the paths from each."""
    cards, arrows = list(drawing.cards), list(drawing.arrows)
    before, ways = {cards[-1].id}, {cards[-1].id: 1}
    for arrow in sorted(arrows, key=lambda a: -int(a.target[1:])):
        if arrow.target in before:
            before.add(arrow.source)
            ways[arrow.source] = ways.get(arrow.source, 0) + ways[arrow.target]
    of_cards: list[list[int]] = [[] for _ in cards]
    of_arrows: list[list[int]] = [[] for _ in arrows]
    for number, starts in enumerate(groups):
        after = {start.card for start in starts}
        for arrow in sorted(arrows, key=lambda a: int(a.target[1:])):
            if arrow.source in after:
                after.add(arrow.target)
        on, at = after & before, {start.arrow for start in starts}
        for card, found in zip(cards, of_cards, strict=True):
            found += [number] * (card.id in on)
        for k, (arrow, found) in enumerate(zip(arrows, of_arrows, strict=True)):
            found += [number] * (k in at or (arrow.source in on and arrow.target in on))
    several = len(groups) > 1
    drawing = drawing._replace(
        cards=[
            card._replace(marked=bool(found), groups=tuple(found) if several else ())
            for card, found in zip(cards, of_cards, strict=True)
        ],
        arrows=[
            arrow._replace(marked=bool(found), groups=tuple(found) if several else ())
            for arrow, found in zip(arrows, of_arrows, strict=True)
        ],
    )
    return drawing, [[ways.get(start.card, 0) for start in starts] for starts in groups]
