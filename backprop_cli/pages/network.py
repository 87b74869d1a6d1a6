"""What a page is told of a network: one row of it number by number, its data, its optimizer's rule."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite, prod
from typing import Any

import numpy as np
import numpy.typing as npt

from ..engine.unroll import unroll
from ..errors import UsageError, printable
from ..export.javascript_rows import optimizer_rule, row_name
from ..graph import CONSTANT
from ..networks.network import LayerNetwork
from ..networks.runner import Runner
from ..networks.textbook import Textbook
from ..ops import Primitive
from ..optimization import settings
from ..training.problem import Problem
from ..training.sets import Set, Stream

MOST_UNITS = 32
"""Of a layer that is drawn as circles."""

MOST_WEIGHTS = 2_000
"""That are drawn as lines."""

MOST_ROWS = 2_000
"""Of the data that a page has within it."""

DIGITS = 9
"""Significant digits of the data's numbers: a page is no archive."""

WITNESSED = 12
"""Significant digits of the trainer's numbers: more differ between processors."""

Arrays = Mapping[str, npt.NDArray[Any]]


def why_not(problem: Problem) -> str | None:
    """Say why a network has no page; None where it has one."""
    network, config = problem.network, problem.config
    if config.model.program is not None:
        return "a program has no units that are circles"
    if not isinstance(network, LayerNetwork):
        return "a fitted formula is an expression: a page is of its loss, written out"
    for piece in network.pieces:
        if not piece.layer.dense:
            return f"{piece.name} is no linear layer, and circles and lines are those of linear layers"
    counts = [("the row of inputs", network.shape[0]), *((p.name, p.after[0]) for p in network.pieces)]
    for name, count in counts:
        if count > MOST_UNITS:
            what = "numbers" if " " in name else "units"
            return f"{name} has {count:,} {what}, at most {MOST_UNITS} are drawn"
    if isinstance(config.optimizer, settings.LevenbergMarquardt):
        return "levenberg_marquardt solves for all parameters at once: it makes no gradient step"
    if problem.world is not None:
        return "it learns by acting, not from rows"
    if network.weighted:
        return "its rows have weights in the loss"
    if isinstance(problem.train, Stream):
        return "its rows are a stream (data.stream)"
    penalties = config.regularization
    if network.loss.row.sums and penalties is not None and (penalties.l1 or penalties.l2):
        return f"{config.loss.type} with a penalty is no sum over rows"
    if optimizer_rule(config.optimizer) is None:
        return f"{config.optimizer.__struct_config__.tag} changes its rule from update to update"
    return None


def network_data(
    problem: Problem, trained: Arrays | None, *, digits: int
) -> tuple[dict[str, Any], list[tuple[Primitive, int]], str]:
    """Return what the page shows of a network, the primitives it computes with, and the optimizer's rule.

    Args:
        problem: The network with its rows.
        trained: The numbers to begin with; None for the first ones.
        digits: Significant digits shown.
    Raises:
        UsageError: for a network that has no page.
    """
    reason = why_not(problem)
    if reason is not None:
        raise UsageError(f"no page of this network: {reason}", hint="backprop graph CONFIG draws any")
    network, config = problem.network, problem.config
    assert isinstance(network, LayerNetwork)
    optimizer = config.optimizer
    assert not isinstance(optimizer, settings.LevenbergMarquardt)
    rule = optimizer_rule(optimizer)
    assert rule is not None
    runner = Runner(network, "float64")
    if trained is not None:
        runner.restore(dict(trained))
    train = problem.train.sample.of_type(np.dtype("float64"))
    kept = _first(train, MOST_ROWS)
    lowered = network.lower(1, training=True)
    scalars = unroll(lowered.graph)
    named, inputs = lowered.graph.named, lowered.graph.inputs
    assert lowered.data_loss is not None
    assert lowered.target is not None
    graph = scalars.graph(int(scalars.ids(lowered.loss).reshape(-1)[0]))
    wanted: dict[str, tuple[Primitive, int]] = {}
    nodes: list[Any] = []
    for node in graph.nodes:
        if node.op is not None:
            key = row_name(node.op, len(node.inputs))
            wanted[key] = (node.op, len(node.inputs))
            nodes.append([key, *node.inputs])
        else:
            nodes.append(node.value if node.kind == CONSTANT else 0)
    (source,) = network.feed(kept.encoded)
    parameters = [
        {
            "name": p.name,
            "ids": scalars.ids(inputs[p.name]).reshape(-1).tolist(),
            "values": runner.values[p.name].reshape(-1).tolist(),
            "trained": p.trained,
        }
        for p in network.parameters
    ]
    textbook = None if config.names is None else Textbook(network)
    layers: list[dict[str, Any]] = []
    for piece in network.pieces:
        activation = f"{piece.name}.y" if f"{piece.name}.y" in named else None
        z = scalars.ids(named[f"{piece.name}.z"]).reshape(-1).tolist()
        layers.append(
            {
                "name": piece.name,
                "function": piece.function or "",
                "z": z,
                "y": z if activation is None else scalars.ids(named[activation]).reshape(-1).tolist(),
                "inputs": prod(piece.before),
            }
        )
        if textbook is not None:
            layers[-1]["called"] = textbook.layer(piece.name, piece.after[0])
    encoding = problem.encoding
    size = config.training.batch_size
    data = {
        "title": printable(config.name or "network"),
        "program": "",
        "digits": digits,
        "nodes": nodes,
        "loss": graph.output,
        "output": scalars.ids(lowered.prediction).reshape(-1).tolist(),
        "raw": scalars.ids(lowered.output).reshape(-1).tolist(),
        "x": scalars.ids(inputs[source]).reshape(-1).tolist(),
        "t": scalars.ids(inputs[lowered.target]).reshape(-1).tolist(),
        "layers": layers,
        "parameters": parameters,
        "lossName": config.loss.type,
        "sums": network.loss.row.sums,
        "fused": network.loss.row.fuses or "",
        "rows": _rounded(kept.encoded.reshape(len(kept), -1)),
        "targets": _rounded(kept.targets.reshape(len(kept), -1)),
        "names": [printable(name) for name in encoding.names],
        "classes": None if problem.classes is None else [printable(name) for name in problem.classes],
        "targetNames": [printable(name) for name in encoding.targets],
        "batch": len(kept) if size == "full" else min(size, len(kept)),
        "shuffle": bool(config.training.shuffle),
        "optimizer": str(optimizer.__struct_config__.tag),
        "plain": optimizer.plain,
        "rate": optimizer.learning_rate,
        "epochs": config.training.epochs,
        "notes": _notes(problem, len(train)),
    }
    data["witness"] = _witness(runner, kept, data)
    return data, list(wanted.values()), rule


def _first(rows: Set, most: int) -> Set:
    return Set(
        rows.encoded[:most],
        {name: array[:most] for name, array in rows.inputs.items()},
        rows.targets[:most],
        rows.answers[:most],
    )


def _rounded(array: npt.NDArray[Any]) -> list[list[float]]:
    """Return rows whose numbers are those of the page: exact where they are short."""
    return [[float(f"{x:.{DIGITS}g}") for x in row] for row in array.tolist()]


def _notes(problem: Problem, rows: int) -> list[str]:
    """Say what the page leaves out of a training."""
    config, notes = problem.config, []
    if rows > MOST_ROWS:
        notes.append(f"the first {MOST_ROWS:,} of {rows:,} rows")
    if config.schedule is not None:
        notes.append("the schedule is left out: the rate is what stands in its field")
    if config.training.gradient_clip is not None:
        notes.append("gradients are not clipped here")
    if config.training.shuffle and config.training.batch_size != "full":
        notes.append("batches are shuffled by the page, so its updates are not those of backprop train")
    if problem.encoding.scale.size and np.any(problem.encoding.scale != 1.0):
        notes.append("inputs are scaled as for training")
    return notes


def _witness(runner: Runner, rows: Set, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the loss of all rows and its slopes, by the engine that trains."""
    bound = runner.bound(len(rows), training=True)
    inputs = np.array(data["rows"], float).reshape(rows.encoded.shape)
    for name, array in runner.network.feed(inputs).items():
        bound.leaves[name][...] = array
    bound.targets[...] = np.array(data["targets"], float).reshape(bound.targets.shape)
    with np.errstate(all="ignore"):
        bound.plan.run()
    loss = float(bound.plan.value(bound.lowered.loss))
    if not isfinite(loss):
        raise UsageError("no page of this network: its loss is no number at the start")
    short = [float(f"{x:.{WITNESSED}g}") for x in (loss, *runner.gradient.tolist())]
    return {"loss": short[0], "gradient": short[1:]}
