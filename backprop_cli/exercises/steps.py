"""Tasks of a network: one training step of a config, whose weights, inputs and targets are drawn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from copy import deepcopy
from functools import cached_property
from math import prod
from typing import Any, NamedTuple

import numpy as np

from ..checking.catalogue import Mistake
from ..checking.people import Subject, of_step
from ..checking.steps import StepJudge
from ..checking.verdicts import Verdict
from ..checking.worked import Worked
from ..errors import DataError
from ..explanation.paper import Paper
from ..graph import Graph, Node
from ..language.numbers import brief
from ..networks.layers import Layer
from ..training.config.walk import ALIASES, tags_of
from ..training.problem import Problem, assembled
from .draws import Draws
from .posed import Posed

DRAWN = ("weights", "bias", "inputs", "targets")
"""What of a config is drawn: numbers of all layers, and of the rows."""


class OfStep(Posed):
    """A training step with its numbers.

    Args:
        config: The config, with all numbers in it.
        ask: What is asked for, as `trace` names it, and its marks.
        decimals: To which every result is rounded, as on paper; None for none.
    Raises:
        BackpropError: for a config that does not fit, and for a name that the step does not have.
    """

    def __init__(self, config: Mapping[str, Any], ask: Mapping[str, float], decimals: int | None) -> None:
        self.config, self.ask, self.decimals = config, dict(ask), decimals
        self.rounds = decimals is not None
        with self.problem() as problem:
            self.judge = StepJudge(problem)
            self._functions = {p.name: p.function for p in getattr(problem.network, "pieces", ())}

    def problem(self) -> AbstractContextManager[Problem]:
        """Return the network and its rows."""
        return assembled(self.config, ())

    @property
    def facts(self) -> dict[str, Any]:
        """The config, and what is asked."""
        return {"config": self.config, "round_each": self.decimals, "ask": self.ask}

    @property
    def passes(self) -> tuple[Graph, Sequence[float], Sequence[float], Sequence[bool]]:
        """Both passes of the network, number by number."""
        point = self.judge.point
        return self.judge.u.graph, point.values, point.cotangents, point.active

    @cached_property
    def worked(self) -> Worked:
        """The step worked out, rounded on the way where that is asked for."""
        judge = self.judge
        return judge.exact if self.decimals is None else Worked(judge.made, Paper(self.decimals))

    def right(self, name: str) -> float:
        """Return the value, the slope, or what a number is after the update."""
        return self.worked.value(self.judge.quantity(name))

    def rounded_once(self, name: str) -> str:
        """Return the exact number, rounded to as many decimals."""
        exact = self.judge.exact.value(self.judge.quantity(name))
        return "" if self.decimals is None else f"{exact:.{self.decimals}f}"

    def mistakes(self, name: str) -> Iterable[Mistake]:
        """Return the catalogue of the step."""
        return self.judge.catalogue.mistakes(self.judge.quantity(name)).values()

    def verdict(self, name: str, answer: str) -> Verdict:
        """Judge one answer alone."""
        return self.judge.judge([self.judge.read(name, answer)])[0]

    def subject(self, least_digits: int) -> Subject:
        """Return the step as what claims are about."""
        return of_step(self.config, (), at_step=1, least_digits=least_digits)

    def names(self) -> Iterator[tuple[str, float]]:
        """Yield the weights of the first layer; of all that a network has, some are often alike."""
        _, values, _, _ = self.passes
        weights = [(id, name) for id, name in self.judge.u.names.items() if name.part == "w"]
        yield from ((name.text, values[id]) for id, name in weights if name.layer == weights[0][1].layer)

    def given(self) -> Iterator[tuple[str, str]]:
        """Yield what a reader is given, by name: rows, and of every layer the numbers and the function."""
        for name, rows in (("x", self.config["data"]["inputs"]), ("t", self.config["data"]["targets"])):
            yield name, _array(rows[0] if len(rows) == 1 else rows)
        u, values = self.judge.u, np.array(self.judge.point.values)
        for name, function in self._functions.items():
            for full, ids in u.parameters.items():
                if full.startswith(f"{name}."):
                    yield full, _array(values[ids].tolist())
            yield f"{name}.y", f"{function}(z)" if function else "z"

    def plain(self, node: Node, k: int) -> bool:
        """Whether a local derivative is 1 by nature: that of a bias is."""
        name = self.judge.u.names.get(node.inputs[k])
        return (name is not None and name.part == "b") or super().plain(node, k)


class StepTemplate(NamedTuple):
    """A config with numbers that are drawn, and what is asked of its first step.

    Attributes:
        config: With numbers in all places, as an example.
        draw: The numbers that ``weights``, ``bias``, ``inputs`` and ``targets`` may have, as texts.
        ask: What is asked for, and its marks.
        decimals: To which every result is rounded; None for none.
    """

    config: Mapping[str, Any]
    draw: Mapping[str, tuple[str, ...]]
    ask: Mapping[str, float]
    decimals: int | None = None

    @property
    def draws(self) -> int:
        """How many draws there are, with those that do not fit."""
        return prod(len(values) ** _count(place[name]) for place, name, values in self._drawn(self.config))

    def _drawn(self, config: Mapping[str, Any]) -> Iterator[tuple[dict[str, Any], str, tuple[str, ...]]]:
        """Yield where there are numbers to be drawn, and from what."""
        for name, values in self.draw.items():
            rows = name in ("inputs", "targets")
            places = [config.get("data", {})] if rows else config.get("model", {}).get("layers") or []
            yield from ((place, name, values) for place in places if name in place)

    def posed(self, draws: Draws) -> OfStep:
        """Draw the numbers.

        Raises:
            BackpropError: for a config that does not fit.
        """
        config = deepcopy(dict(self.config))
        for place, name, values in self._drawn(config):
            place[name] = _anew(place[name], values, draws)
        return OfStep(config, self.ask, self.decimals)


def _anew(given: Any, values: Sequence[str], draws: Draws) -> Any:
    """Return other numbers in the same shape; a word, such as an initialisation, stays."""
    if isinstance(given, list):
        return [_anew(each, values, draws) for each in given]
    if isinstance(given, (int, float)) and not isinstance(given, bool):
        return float(draws.choice(values))
    return given


def _array(given: Any) -> str:
    if isinstance(given, list):
        return f"[{', '.join(map(_array, given))}]"
    return brief(given)


def _count(given: Any) -> int:
    return sum(map(_count, given)) if isinstance(given, list) else 1


TOLD: Mapping[str, Sequence[str]] = {
    "": (
        *("data", "model", "loss", "optimizer", "training", "seed", "name", "names", "task", "threshold"),
        *("dtype", "checkpoint", "output"),
    ),
    "data": ("inputs", "targets"),
    "model": ("layers", "hidden", "activation", "init"),
    "loss": ("type",),
    "optimizer": ("type", "learning_rate"),
    "training": ("batch_size", "shuffle", "epochs", "metrics", "early_stopping", "engine", "keep"),
}
"""What a config of a sheet may have: what is printed, and what changes no number of a step."""

TOLD_OF_LAYERS = ("type", "units", "weights", "bias", "activation", "init")


def untold(config: Mapping[str, Any]) -> str:
    """Return what of a config changes its numbers and is not on the sheet; "" where there is nothing."""
    for place, known in TOLD.items():
        inside = config.get(place) if place else config
        for key in inside if isinstance(inside, Mapping) else ():
            if key not in known:
                return f"{place}.{key}" if place else key
    layers = config["model"].get("layers") if isinstance(config.get("model"), Mapping) else None
    for layer in layers if isinstance(layers, list) else ():
        if isinstance(layer, Mapping):
            kind = str(layer.get("type"))
            if not getattr(tags_of(Layer).get(ALIASES.get(kind, kind)), "dense", False):
                return f"a layer {kind}"
            if strange := [key for key in layer if key not in TOLD_OF_LAYERS]:
                return f"{strange[0]} of a layer"
    training, rows = config.get("training"), config["data"]["inputs"]
    size = training.get("batch_size") if isinstance(training, Mapping) else None
    if isinstance(size, int) and isinstance(rows, list) and size < len(rows):
        return "which rows are of the step: batch_size"
    return ""


def check_drawn(draw: Mapping[str, object], place: str) -> None:
    """Refuse what a config has no numbers for.

    Raises:
        DataError: for any other word.
    """
    for name in draw:
        if name not in DRAWN:
            raise DataError(f"of a config {', '.join(DRAWN)} are drawn, not {name}", place=place)
