"""The catalogue of mistakes for a training step: tried on its single numbers, and in its update."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from math import isfinite
from typing import NamedTuple

import numpy as np

from ..explanation.names import Name
from ..language.numbers import brief
from ..networks.network import NDArray
from ..networks.unrolled import Unrolled
from ..ops import PRIMITIVES
from ..ops.namespaces import FLOATS
from .catalogue import SAME, Mistake, Sweeps, broken, whole
from .cures import cure_of
from .ranking import EVERYWHERE, IN_GRADIENT, Told
from .rules import OWN, Place
from .worked import AFTER, NEW, SLOPE, VALUE, Parameters, Quantity, Slopes, Worked, entry

NOT_UPDATED = "this is the number before the update"
UPHILL = "the step goes uphill: old + rate*gradient"
IN_THE_GRADIENT = "in the gradient, "
"""What is said in front of a mistake in the gradient of a new weight."""


class Way(NamedTuple):
    """The whole step worked with one mistake.

    Attributes:
        kind: The mistake's name.
        says: What went wrong.
        rank: When it is told, see `ranking`.
        values: Of every node, in the forward pass.
        slopes: Of every node.
        skipped: Activations that are left out, also after the update.
        without: Biases that are left out, also then.
    """

    kind: str
    says: str
    rank: int
    values: Slopes
    slopes: Slopes
    skipped: frozenset[int] = frozenset()
    without: tuple[str, ...] = ()


class StepSweeps(Sweeps):
    """The sweeps of the unrolled network."""

    def __init__(self, exact: Worked, by: int) -> None:
        self.u, self.point = exact.u, exact.point
        super().__init__(self.point.graph, {}, by, values=self.point.values)

    def name(self, id: int) -> str:
        """Return the name that `trace` gives."""
        return self.u.names[id].text if id in self.u.names else self.graph.own_name(id)

    def text(self, id: int) -> str:
        """Return the same: a unit's sum is too long to be written."""
        return self.name(id)

    def slope_text(self, id: int) -> str:
        """Write the number: a unit's formula is too long."""
        return brief(self.tangents[id])

    def others(self) -> Iterator[int]:
        """Yield what has a slope in the trace."""
        yield from (id for id in self.u.names if self.point.active[id])


class StepCatalogue:
    """What goes wrong in one training step.

    Args:
        exact: The step worked out without rounding.
    """

    def __init__(self, exact: Worked) -> None:
        self.exact = exact
        self.made, self.u, self.point = exact.made, exact.u, exact.point
        self._found: dict[Quantity, dict[str, Mistake]] = {}
        self._ways: list[Way] | None = None

    @cached_property
    def plain(self) -> bool:
        """Whether the update is old - rate*gradient: also the first one with momentum is."""
        made = self.made
        return made.plain or all(
            np.allclose(made.new[name], made.old[name] - made.rate * gradient, rtol=SAME, atol=0.0)
            for name, gradient in made.gradients.items()
        )

    def ways(self) -> list[Way]:
        """Return the whole step, worked with one mistake or another."""
        if self._ways is None:
            self._ways = [*self._forward_ways(), *self._backward_ways()]
        return self._ways

    def _activations(self) -> dict[str, list[int]]:
        """Return the activations of each layer."""
        u, found = self.u, dict[str, list[int]]()
        for id, name in u.names.items():
            op = u.graph.nodes[id].op
            one = op is not None and op.name in PRIMITIVES and op.arity[0] == 1
            if one and name.part == "y" and name.layer:
                found.setdefault(name.layer, []).append(id)
        return found

    def rule_in(self, says: str) -> str:
        """Return the rule of the activation that a sentence is about; "" where it is about none."""
        for layer, ids in self._activations().items():
            if re.search(rf"\b{re.escape(layer)}(\[\d+\])?(\.y)?(?![\w.[])", says):
                return cure_of(self.u.graph.nodes[ids[0]].primitive)
        return ""

    def _forward_ways(self) -> Iterator[Way]:
        exact, layers = self.exact, self._activations()
        groups = [([layer], ids) for layer, ids in layers.items()]
        if len(groups) > 1:
            groups.append((list(layers), [i for ids in layers.values() for i in ids]))
        for names, ids in groups:
            values = exact.forward(skipped=ids)
            says = f"the activation of {' and '.join(names)} is missing"
            gone = exact.pulled(values=values, local=dict.fromkeys(ids, 1.0))
            yield Way("activation missing", says, Told.RULE, values, gone, frozenset(ids))
            kept = exact.pulled(values=values)
            says += ", but not its slope"
            yield Way("activation missing", says, Told.HALF, values, kept, frozenset(ids))
        for says, without in self._biases():
            values = exact.forward({n: 0.0 * np.asarray(self.made.old[n]) for n in without})
            yield Way(
                "other parameters", says, Told.ANOTHER, values, exact.pulled(values=values), without=without
            )
        for name, turned in self._turned():
            values = exact.forward({name: turned})
            says = f"{name} are transposed"
            yield Way("weights transposed", says, Told.ANOTHER, values, exact.pulled(values=values))

    def _backward_ways(self) -> Iterator[Way]:
        u, exact = self.u, self.exact

        def way(kind: str, says: str, rank: int, slopes: Slopes) -> Way:
            return Way(kind, says, rank, self.point.values, slopes)

        new: Parameters = exact.new
        for _ in range(len(u.blocks) + 1):
            slopes = exact.pulled(new)
            again = exact.updated(slopes)
            if all(np.array_equal(again[n], new[n]) for n in again):
                break
            new = again
        says = "the already updated weights are used to go back to the hidden layers"
        yield way("updated weights used", says, Told.STEP, slopes)
        for name, turned in self._turned():
            says = f"{name} are transposed on the way back"
            yield way("weights transposed", says, Told.ANOTHER, exact.pulled({name: turned}))
        for layer, ids in self._activations().items():
            op = u.graph.nodes[ids[0]].op
            assert op is not None
            says = f"the slope of the activation of {layer} is missing"
            yield way(
                "local derivative missing", says, Told.VALUE, exact.pulled(local=dict.fromkeys(ids, 1.0))
            )
            for wrong in OWN.get(op.name, ()):
                local = {id: wrong.tangent(self._place(id)) for id in ids}
                says = wrong.told(layer)
                yield way(wrong.kind, says, wrong.rank + EVERYWHERE, exact.pulled(local=local))
        for factor, words in _factors(len(self.made.rows), u):
            yield way(
                "factor",
                f"in all slopes, {words}",
                Told.MULTIPLE,
                [factor * g for g in self.point.cotangents],
            )

    def _place(self, id: int) -> Place:
        """Return an activation with a tangent of 1."""
        node, values = self.u.graph.nodes[id], self.point.values
        assert node.op is not None
        x, rest = [values[i] for i in node.inputs], len(node.inputs) - 1
        moves = [True, *[False] * rest]
        return Place(FLOATS, node.op, values[id], x, [1.0, *[0.0] * rest], moves, [not m for m in moves],
                     [False] * len(x), values[node.inputs[0]])  # fmt: skip

    def _biases(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield biases that may be forgotten, with words."""
        biases = [n for n in self.u.parameters if n.endswith(".bias") and np.any(self.made.old[n])]
        if biases:
            yield "the biases are left out", tuple(biases)
        for name in biases if len(biases) > 1 else ():
            yield f"{name} is left out", (name,)

    def _turned(self) -> Iterator[tuple[str, NDArray]]:
        """Yield the weights that have a transpose of the same shape."""
        for name, ids in self.u.parameters.items():
            if ids.ndim == 2 and ids.shape[0] == ids.shape[1] > 1:
                yield name, np.asarray(self.made.old[name]).T

    def mistakes(self, quantity: Quantity) -> dict[str, Mistake]:
        """Return every mistake of the catalogue for a quantity."""
        if quantity not in self._found:
            found: dict[str, Mistake] = {}
            makers = {VALUE: self._of_value, SLOPE: self._of_slope, NEW: self._of_new, AFTER: self._of_after}
            for kind, says, rank, value in makers[quantity.kind](quantity):
                if isfinite(value):
                    mistake = Mistake(kind, says, rank, float(value))
                    found.setdefault(mistake.key, mistake)
            self._found[quantity] = found
        return self._found[quantity]

    def _of_value(self, quantity: Quantity) -> Iterator[tuple[str, str, int, float]]:
        u, id = self.u, quantity.id
        right = self.point.values[id]
        yield "sign lost", "the sign is wrong", Told.SIGN_OF_ALL, -right
        for factor, words in _factors(len(self.made.rows), u):
            yield "factor", words, Told.MULTIPLE, factor * right
        node = u.graph.nodes[id]
        if node.op is not None and len(node.inputs) == 1:
            operand = u.names.get(node.inputs[0], Name("its operand")).text
            says = f"this is {operand}: the activation is missing"
            yield "activation missing", says, Told.INSIDE, self.point.values[node.inputs[0]]
            twice = float(node.op.forward(FLOATS, right))
            yield "activation twice", "the activation is applied twice", Told.LOCAL, twice
        for way in self.ways():
            yield way.kind, way.says, way.rank, way.values[id]
        after = self.exact.forward(self.exact.new)[id]
        yield "other parameters", "this is the number after the update", Told.ANOTHER, after
        own = u.names.get(id, Name("E"))
        for other, name in u.names.items():
            if other != id and u.row_of.get(other) == u.row_of.get(id) and name.part in ("z", "y", own.part):
                yield "another step", f"this is the value of {name.text}", Told.RARE, self.point.values[other]

    def _of_slope(self, quantity: Quantity) -> Iterator[tuple[str, str, int, float]]:
        sweeps = StepSweeps(self.exact, quantity.id)
        for way in self.ways():
            yield way.kind, way.says, way.rank, way.slopes[quantity.id]
        for found in (broken(sweeps), whole(sweeps)):
            for kind, says, rank, value in found:
                yield kind, says, rank, float(value)
        for factor, words in _factors(len(self.made.rows), self.u):
            yield "factor", words, Told.MULTIPLE, factor * self.point.cotangents[quantity.id]

    def _of_new(self, quantity: Quantity) -> Iterator[tuple[str, str, int, float]]:
        made, id = self.made, quantity.id
        old, rate, slope = entry(self.u, made.old, id), made.rate, self.point.cotangents[id]
        yield "not updated", NOT_UPDATED, Told.STEP, old
        if not self.point.active[id] or id not in self._trained():
            yield "frozen updated", "what is frozen is updated", Told.SIGN, old - rate * slope
            return
        for way in self.ways():
            yield way.kind, way.says, way.rank, entry(self.u, self.exact.updated(way.slopes), id)
        if not self.plain:
            yield (
                "plain update",
                "this is the update of plain gradient descent",
                Told.VALUE,
                old - rate * slope,
            )
            return
        yield "sign lost", UPHILL, Told.SIGN, old + rate * slope
        yield "rate missing", "the learning rate is missing", Told.SIGN, old - slope
        yield "gradient instead", "this is the gradient, not the new number", Told.INSIDE, slope
        yield "step instead", "this is rate*gradient, not the new number", Told.INSIDE, rate * slope
        for mistake in self.mistakes(Quantity("", SLOPE, id)).values():
            says = f"{IN_THE_GRADIENT}{mistake.says}"
            yield mistake.kind, says, mistake.rank + IN_GRADIENT, old - rate * mistake.value

    def _trained(self) -> set[int]:
        trained = {p.name for p in self.made.problem.network.parameters if p.trained}
        return {int(i) for n, ids in self.u.parameters.items() if n in trained for i in ids.reshape(-1)}

    def _of_after(self, quantity: Quantity) -> Iterator[tuple[str, str, int, float]]:
        exact, made = self.exact, self.made
        yield "not updated", "this is the loss before the update", Told.STEP, made.step.before
        ways = [Way("", "", 0, self.point.values, self.point.cotangents), *self.ways()]
        for k, way in enumerate(ways):
            # the mistakes of an update come alone, or with that of the weights
            common = k == 0 or way.kind == "updated weights used"
            for kind, says, rank, new in self._updates(way.slopes) if common else self._plain(way.slopes):
                parts = [p for p in ((way.kind, way.says, way.rank), (kind, says, rank)) if p[0]]
                if not parts:
                    continue
                new = {**new, **{n: 0.0 * np.asarray(new[n]) for n in way.without}}
                value = exact.forward(new, skipped=way.skipped)[self.u.graph.output]
                worst = min(parts, key=lambda p: p[2])
                yield worst[0], "; ".join(p[1] for p in parts), sum(p[2] for p in parts), value
        for factor, words in _factors(len(made.rows), self.u):
            yield "factor", words, Told.ANYWHERE, factor * exact.after

    def _plain(self, slopes: Slopes) -> Iterator[tuple[str, str, int, Parameters]]:
        yield "", "", 0, self.exact.updated(slopes)

    def _updates(self, slopes: Slopes) -> Iterator[tuple[str, str, int, Parameters]]:
        """Yield the right update and wrong ones: kind, words, rank and parameters."""
        exact, made, network = self.exact, self.made, self.made.problem.network
        frozen = [p.name for p in network.parameters if not p.trained]
        biases = [p.name for p in network.parameters if p.name.endswith(".bias") and p.trained]
        gradients = exact.gradients(slopes)
        moved = {n: made.old[n] - made.rate * gradients[n] for n in frozen if n in gradients}
        starts: list[tuple[str, str, int, Parameters]] = [("", "", 0, exact.updated(slopes))]
        if self.plain:
            for kind, says, rate in (
                ("sign lost", UPHILL, -made.rate),
                ("rate missing", "the learning rate is missing", 1.0),
            ):
                trained = {n: made.old[n] - rate * g for n, g in gradients.items() if n not in frozen}
                starts.append((kind, says, Told.SIGN, {**made.old, **trained}))
        for kind, says, rank, new in starts:
            yield kind, says, rank, new
            changes = [("the biases are not updated", biases)] if biases else []
            if len(biases) > 1:
                changes += [(f"{n} is not updated", [n]) for n in biases]
            for words, names in changes:
                kept = {n: made.old[n] for n in names}
                both = "; ".join(filter(None, (says, words)))
                yield kind or "bias not updated", both, rank + Told.INSIDE, {**new, **kept}
            if moved:
                words = f"{' and '.join(frozen)}, frozen, are updated"
                parts = "; ".join(filter(None, (says, words)))
                yield kind or "frozen updated", parts, rank + Told.RULE, {**new, **moved}


def _factors(rows: int, u: Unrolled) -> Iterator[tuple[float, str]]:
    outputs = max(1, len(u.blocks[-1].units) // max(rows, 1)) if u.blocks else 1
    counts = {2: "2", rows: f"{rows}, the number of rows", outputs: f"{outputs}, the number of outputs"}
    counts.setdefault(rows * outputs, f"{rows * outputs}, rows times outputs")
    for count, words in counts.items():
        if count > 1:
            yield float(count), f"a factor {words}, is too many"
            yield 1.0 / count, f"a factor {words}, is missing"
