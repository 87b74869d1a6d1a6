"""A hand-worked training step judged: forward values, deltas, gradients, new weights, the loss after.

Quantities have the names that `trace` gives them. The network is unrolled into single numbers, on which
the same catalogue is tried, with what goes wrong in an update besides.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from math import isfinite
from typing import NamedTuple

import numpy as np

from ..errors import BackpropError, ExpressionError, nearest
from ..explanation.written import Name, Paper
from ..language.lower import lower
from ..language.parser import parse
from ..ops import PRIMITIVES
from ..ops.namespaces import FLOATS
from ..training import schema
from ..training.network import NDArray
from ..training.problem import Problem
from ..training.trace import Made, check_size, check_work
from ..training.unrolled import Unrolled
from .answers import Answer, read_answer, written_digits
from .catalogue import Mistake, Sweeps, broken, whole
from .rules import OWN, Place
from .verdicts import (
    FOLLOWS,
    LEAST_DIGITS,
    MISSING,
    NONE,
    UNREADABLE,
    WRONG,
    Verdict,
    close,
    loosely,
    matching,
    told,
    with_mistakes,
)

VALUE, SLOPE, NEW, AFTER = "value", "slope", "new", "after"
NOT_UPDATED = "this is the number before the update"
Slopes = Sequence[float]
Parameters = Mapping[str, NDArray]


class Quantity(NamedTuple):
    """Something of the step.

    Attributes:
        text: As `trace` names it.
        kind: ``value``, ``slope``, ``new`` (a parameter after the update) or ``after`` (the loss then).
        id: Its node.
    """

    text: str
    kind: str
    id: int


class StepClaim(NamedTuple):
    """A claim about a step; see `claims.Claim`."""

    name: str
    text: str
    quantity: Quantity | None
    answer: Answer | None
    error: BackpropError | None = None


class Way(NamedTuple):
    """The whole step worked with one mistake.

    Attributes:
        kind: The mistake's name.
        says: What went wrong.
        rank: Simple mistakes first.
        values: Of every node, in the forward pass.
        slopes: Of every node.
        skipped: Activations that are left out, also after the update.
        without: Biases that are left out, also then.
    """

    kind: str
    says: str
    rank: float
    values: Slopes
    slopes: Slopes
    skipped: frozenset[int] = frozenset()
    without: tuple[str, ...] = ()


class Worked:
    """The step worked out, exactly or with every result rounded.

    Attributes:
        u: The network as single numbers.
        new: Parameters after the update.
        after: The loss then.
    """

    def __init__(self, made: Made, paper: Paper) -> None:
        self.made, self.paper = made, paper
        problem = made.problem
        target = made.bound.lowered.target
        assert target is not None
        self.u = Unrolled(problem.network, made.old, made.batch, target, paper)
        self.new = dict(made.new) if paper.exact else self.updated(self.u.slopes)
        self.after = self.loss(self.new)

    def loss(self, parameters: Parameters) -> float:
        """Return the loss with other parameters."""
        given = {n: parameters[n] for n in self.u.parameters}
        return float(self.u.run(given)[self.u.graph.output])

    def gradients(self, slopes: Slopes) -> dict[str, NDArray]:
        """Return slopes by parameter."""
        return {
            name: np.array([slopes[int(i)] for i in ids.reshape(-1)]).reshape(ids.shape)
            for name, ids in self.u.parameters.items()
        }

    def updated(self, slopes: Slopes) -> dict[str, NDArray]:
        """Return all parameters after the optimizer's step along these slopes."""
        config = self.made.problem.config
        gradients = self.gradients(slopes)
        trained = [p.name for p in self.made.problem.network.parameters if p.trained]
        if config.training.gradient_clip is not None:
            norm = float(np.sqrt(sum(float(np.vdot(gradients[n], gradients[n])) for n in trained)))
            factor = min(1.0, config.training.gradient_clip / (norm + 1e-6))
            gradients = {n: g * factor for n, g in gradients.items()}
        if self.plain and not self.paper.exact:
            rounds = np.vectorize(self.paper, otypes=[float])
            found = {
                n: rounds(rounds(self.made.old[n]) - rounds(self.made.rate * gradients[n])) for n in trained
            }
        else:
            found = self.made.updated({n: gradients[n] for n in trained}, self.paper)
        return {**self.made.old, **found}

    @property
    def plain(self) -> bool:
        """Whether the update is old - rate*gradient."""
        optimizer = self.made.problem.config.optimizer
        return isinstance(optimizer, schema.Sgd) and not (optimizer.momentum or optimizer.weight_decay)

    def value(self, quantity: Quantity) -> float:
        """Return a quantity's number."""
        if quantity.kind == VALUE:
            return float(self.u.values[quantity.id])
        if quantity.kind == SLOPE:
            return float(self.u.slopes[quantity.id])
        if quantity.kind == AFTER:
            return self.after
        return entry(self.u, self.new, quantity.id)

    def forward(
        self,
        parameters: Parameters | None = None,
        *,
        forced: Mapping[int, float] | None = None,
        skipped: Collection[int] = (),
    ) -> list[float]:
        """Return the values of a forward pass that goes wrong; no value has to be finite.

        Args:
            parameters: In place of those before the update.
            forced: Values that are given.
            skipped: Activations that are left out.
        """
        values = self.put_in(parameters or {})
        for node in self.u.graph.nodes:
            if forced and node.id in forced:
                values[node.id] = forced[node.id]
            elif node.id in skipped:
                values[node.id] = values[node.inputs[0]]
            elif node.op is not None:
                values[node.id] = float(node.op.forward(FLOATS, *(values[i] for i in node.inputs)))
        return values

    def put_in(self, parameters: Parameters) -> list[float]:
        """Return the right values, but for these parameters."""
        values = list(self.u.values)
        for name, array in parameters.items():
            if name in self.u.parameters:
                for id, x in zip(self.u.parameters[name].reshape(-1), np.reshape(array, -1), strict=True):
                    values[int(id)] = float(x)
        return values

    def pulled(
        self,
        parameters: Parameters | None = None,
        *,
        slopes: Mapping[int, float] | None = None,
        values: Sequence[float] | None = None,
        local: Mapping[int, float] | None = None,
    ) -> list[float]:
        """Return the slopes of a backward pass that goes wrong.

        Args:
            parameters: Weights in the local derivatives, in place of those of the forward pass.
            slopes: Slopes that are given.
            values: Of the forward pass.
            local: Local derivatives of nodes by their first operand.
        """
        u = self.u
        base = list(u.values if values is None else values)
        other = self.put_in(parameters) if parameters else base
        g = [0.0] * len(u.graph)
        g[u.graph.output] = 1.0
        for node in reversed(u.graph.nodes):
            if slopes and node.id in slopes:
                g[node.id] = slopes[node.id]
            if not g[node.id] or node.op is None:
                continue
            if local and node.id in local:
                g[node.inputs[0]] += g[node.id] * local[node.id]
                continue
            source = base if node.id in u.penalties else other
            partials = node.op.partials(FLOATS, base[node.id], *(source[i] for i in node.inputs))
            for i, p in zip(node.inputs, partials, strict=True):
                if u.active[i]:
                    g[i] += g[node.id] * p
        return g


def entry(u: Unrolled, parameters: Parameters, id: int) -> float:
    """Return the number of a parameter that a node stands for."""
    for name, ids in u.parameters.items():
        where = np.nonzero(ids == id)
        if where[0].size:
            return float(np.asarray(parameters[name])[tuple(int(w[0]) for w in where)])
    raise KeyError(id)


class StepSweeps(Sweeps):
    """The sweeps of the unrolled network."""

    def __init__(self, u: Unrolled, by: int) -> None:
        self.u = u
        super().__init__(u.graph, {}, by, values=u.values)

    def name(self, id: int) -> str:
        """Return the name that `trace` gives."""
        return self.u.names[id].text if id in self.u.names else self.graph.own_name(id)

    def text(self, id: int) -> str:
        """Return the same: a unit's sum is too long to be written."""
        return self.name(id)

    def others(self) -> Iterator[int]:
        """Yield what has a slope in the trace."""
        yield from (id for id in self.u.names if self.u.active[id])


class StepJudge:
    """Judges claims about one training step.

    Args:
        problem: Network and data.
        at_step: Which update, from 1.
        least_digits: Significant digits that a rounded number needs.
    Raises:
        UsageError: when the network is too large to be written out.
    """

    def __init__(self, problem: Problem, *, at_step: int = 1, least_digits: int = LEAST_DIGITS) -> None:
        check_size(problem.network, None)
        self.least = least_digits
        self.made = Made(problem, at_step)
        check_work(problem.network, None, len(self.made.rows))
        self.exact = Worked(self.made, Paper())
        self.u = self.exact.u
        self.known = dict(self._names())
        self._rounded: dict[int, Worked | None] = {}
        self._found: dict[Quantity, dict[str, Mistake]] = {}
        self._ways: list[Way] | None = None
        self.empty = lower(parse("0"))
        self.slack = 2.0**-52 * max(map(abs, filter(isfinite, (*self.u.values, *self.u.slopes))))

    # reading

    def _names(self) -> Iterator[tuple[str, Quantity]]:
        u = self.u
        several = len(self.made.rows) > 1
        parameters = {int(i) for ids in u.parameters.values() for i in ids.reshape(-1)}
        for id, name in u.names.items():
            row = u.row_of.get(id)
            end = f" of row {row + 1}" if several and row is not None else ""
            kind = NEW if id in parameters else VALUE
            quantity = Quantity(name.text + end, kind, id)
            yield _plain(name.text + end), quantity
            if not u.active[id]:
                continue
            slope = Quantity(name._replace(of="E").text + end, SLOPE, id)
            spellings = [
                slope.text,
                f"dE/d{name.text}{end}",
                f"{name.owner}.{name._replace(of='E').short}{end}",
            ]
            if name.part == "z":
                spellings += [f"{name.owner}.delta{end}", f"delta {name.owner}{end}"]
            for text in spellings:
                yield _plain(text), slope
        for text in ("E", "loss", "E before"):
            yield _plain(text), Quantity("E", VALUE, u.graph.output)
        for text in ("E after", "E_after", "loss after", "loss_after"):
            yield _plain(text), Quantity("E after", AFTER, u.graph.output)

    def quantity(self, text: str) -> Quantity:
        """Read the name of a quantity.

        Raises:
            ExpressionError: for one that the step does not have.
        """
        found = self.known.get(_plain(text))
        if found is None:
            texts = list(dict.fromkeys(q.text for q in self.known.values()))
            meant = nearest(text[:80], texts)
            hint = f"did you mean {meant}? " if meant else ""
            # one name of each kind: the loss, a weight, a unit's value, a slope, ...
            kinds = dict.fromkeys(re.sub(r"\d+", "", each) for each in texts)
            shown = ["E", *(next(t for t in texts if re.sub(r"\d+", "", t) == kind) for kind in kinds)]
            listed = ", ".join(list(dict.fromkeys(shown))[:8])
            raise ExpressionError(
                f"the step has no {text[:60]}", hint=f"{hint}backprop trace writes all names: {listed}, ..."
            )
        return found

    def read(self, name: str, text: str) -> StepClaim:
        """Read a claim; what is wrong with it is kept."""
        quantity = answer = None
        try:
            quantity = self.quantity(name)
            if text.strip():
                answer = read_answer(text, self.empty)
                if answer.value is None:
                    raise ExpressionError("a claim about a training step is a number")
        except BackpropError as error:
            return StepClaim(name, text, quantity, None, error)
        return StepClaim(name, text, quantity, answer)

    # judging

    def judge(self, claims: Sequence[StepClaim]) -> list[Verdict]:
        """Judge one person's claims."""
        verdicts: list[Verdict] = []
        wrong: list[tuple[Quantity, float, str]] = []
        decimals = sorted({d for c in claims if c.answer for d in [_decimals(c.answer.text)] if d})
        for claim in claims:
            verdict = self.one(claim, wrong, decimals)
            verdicts.append(verdict)
            value = claim.answer.value if claim.answer else None
            if claim.quantity and value is not None and verdict.verdict in (WRONG, FOLLOWS):
                wrong.append((claim.quantity, value, verdict.answer))
        return verdicts

    def one(
        self, claim: StepClaim, wrong: Sequence[tuple[Quantity, float, str]], decimals: Sequence[int]
    ) -> Verdict:
        """Judge one claim, given earlier ones that were wrong."""
        quantity, answer = claim.quantity, claim.answer
        if claim.error is not None or quantity is None:
            says = told(claim.error)
            return Verdict(quantity.text if quantity else claim.name, claim.text, UNREADABLE, says)
        if answer is None:
            return Verdict(quantity.text, "", MISSING, "no answer")
        right = self.exact.value(quantity)
        base = Verdict(quantity.text, answer.text, WRONG, right=right if isfinite(right) else None)
        if not isfinite(right):
            return base._replace(verdict=NONE, says="there is no such number")
        assert answer.value is not None
        value = answer.value
        verdict = close(base, answer, value, right, self.least, self.slack)
        if verdict is not None and verdict.good:
            return verdict
        if quantity.kind == NEW and value == entry(self.u, self.made.old, quantity.id):
            return with_mistakes(base, [Mistake("not updated", NOT_UPDATED, 0.0, value)])
        by_hand = self._by_hand(base, quantity, answer, value, decimals)
        if by_hand is not None:
            return by_hand
        follows = self._follows(quantity, answer, value, wrong)
        if follows:
            return base._replace(verdict=FOLLOWS, says=follows)
        named = matching(self.mistakes(quantity).values(), value, right, answer.spare)
        if named and verdict is None:
            return with_mistakes(base, named)
        return verdict or loosely(base, answer, value, right, self.least) or base

    def _by_hand(
        self, base: Verdict, quantity: Quantity, answer: Answer, value: float, decimals: Sequence[int]
    ) -> Verdict | None:
        """Compare with the step worked out with rounding on the way."""
        own = _decimals(answer.text)
        if not answer.unit or not own or written_digits(answer.text) < self.least:
            return None
        for places in sorted({own, *decimals}, key=lambda d: (d != own, -d)):
            worked = self._worked(places)
            if worked is None or places < 2:
                continue
            given = worked.value(quantity)
            if isfinite(given) and abs(given - value) <= 0.5 * answer.unit * (1.0 + 1e-9):
                says = f"right, with every result rounded to {places} decimals"
                return base._replace(verdict="rounded", digits=places, says=says)
        return None

    def _worked(self, places: int) -> Worked | None:
        if places not in self._rounded and len(self._rounded) < 8:
            try:
                self._rounded[places] = Worked(self.made, Paper(places))
            except BackpropError:
                self._rounded[places] = None
        return self._rounded.get(places)

    def _follows(
        self, quantity: Quantity, answer: Answer, value: float, wrong: Sequence[tuple[Quantity, float, str]]
    ) -> str:
        for some in ([*wrong[-1:]], *([w] for w in wrong[-8:-1]), list(wrong)):
            if not some or any(w[0] == quantity for w in some):
                continue
            given = self._given(quantity, some)
            slack = max(answer.spare * (1.0 + 1e-9), 1e-9 * abs(given))
            changed = abs(given - self.exact.value(quantity)) > 1e-9 * abs(given)
            if isfinite(given) and changed and abs(value - given) <= min(slack, 5.1e-3 * abs(given)):
                return "right, given " + " and ".join(f"{w[0].text} = {w[2]}" for w in some)
        return ""

    def _given(self, quantity: Quantity, wrong: Sequence[tuple[Quantity, float, str]]) -> float:
        """Return a quantity that is worked out from others as claimed."""
        u, exact = self.u, self.exact
        forced = {q.id: x for q, x, _ in wrong if q.kind == VALUE}
        values = exact.forward(forced=forced) if forced else u.values
        if quantity.kind == VALUE:
            return float(values[quantity.id])
        given = {q.id: x for q, x, _ in wrong if q.kind == SLOPE}
        slopes = exact.pulled(slopes=given, values=values)
        if quantity.kind == SLOPE:
            return slopes[quantity.id]
        new = exact.updated(slopes) if given or forced else {n: np.array(a) for n, a in exact.new.items()}
        new = {n: np.array(a, dtype=float) for n, a in new.items()}
        for q, x, _ in wrong:
            if q.kind == NEW:
                for name, ids in u.parameters.items():
                    new[name][ids == q.id] = x
        if quantity.kind == NEW:
            return entry(u, new, quantity.id)
        return exact.loss(new)

    # mistakes

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

    def _forward_ways(self) -> Iterator[Way]:
        exact, layers = self.exact, self._activations()
        groups = [([layer], ids) for layer, ids in layers.items()]
        if len(groups) > 1:
            groups.append((list(layers), [i for ids in layers.values() for i in ids]))
        for names, ids in groups:
            values = exact.forward(skipped=ids)
            says = f"the activation of {' and '.join(names)} is missing"
            gone = exact.pulled(values=values, local=dict.fromkeys(ids, 1.0))
            yield Way("activation missing", says, 13.0, values, gone, frozenset(ids))
            kept = exact.pulled(values=values)
            says += ", but not its slope"
            yield Way("activation missing", says, 13.5, values, kept, frozenset(ids))
        for says, without in self._biases():
            values = exact.forward({n: 0.0 * np.asarray(self.made.old[n]) for n in without})
            yield Way("other parameters", says, 18.0, values, exact.pulled(values=values), without=without)
        for name, turned in self._turned():
            values = exact.forward({name: turned})
            says = f"{name} are transposed"
            yield Way("weights transposed", says, 18.0, values, exact.pulled(values=values))

    def _backward_ways(self) -> Iterator[Way]:
        u, exact = self.u, self.exact

        def way(kind: str, says: str, rank: float, slopes: Slopes) -> Way:
            return Way(kind, says, rank, u.values, slopes)

        new: Parameters = exact.new
        for _ in range(len(u.blocks) + 1):
            slopes = exact.pulled(new)
            again = exact.updated(slopes)
            if all(np.array_equal(again[n], new[n]) for n in again):
                break
            new = again
        says = "the already updated weights are used to go back to the hidden layers"
        yield way("updated weights used", says, 8.0, slopes)
        for name, turned in self._turned():
            says = f"{name} are transposed on the way back"
            yield way("weights transposed", says, 14.0, exact.pulled({name: turned}))
        for layer, ids in self._activations().items():
            op = u.graph.nodes[ids[0]].op
            assert op is not None
            says = f"the slope of the activation of {layer} is missing"
            yield way("local derivative missing", says, 11.0, exact.pulled(local=dict.fromkeys(ids, 1.0)))
            for wrong in OWN.get(op.name, ()):
                local = {id: wrong.tangent(self._place(id)) for id in ids}
                says = wrong.says.format(node=layer)
                yield way(wrong.kind, says, wrong.rank + 3.0, exact.pulled(local=local))
        for factor, words in _factors(len(self.made.rows), u):
            yield way("factor", f"in all slopes, {words}", 24.0, [factor * g for g in u.slopes])

    def _place(self, id: int) -> Place:
        """Return an activation with a tangent of 1."""
        node, values = self.u.graph.nodes[id], self.u.values
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

    def _of_value(self, quantity: Quantity) -> Iterator[tuple[str, str, float, float]]:
        u, id = self.u, quantity.id
        right = u.values[id]
        yield "sign lost", "the sign is wrong", 14, -right
        for factor, words in _factors(len(self.made.rows), u):
            yield "factor", words, 20, factor * right
        node = u.graph.nodes[id]
        if node.op is not None and len(node.inputs) == 1:
            operand = u.names.get(node.inputs[0], Name("its operand")).text
            says = f"this is {operand}: the activation is missing"
            yield "activation missing", says, 12, u.values[node.inputs[0]]
            twice = float(node.op.forward(FLOATS, right))
            yield "activation twice", "the activation is applied twice", 16, twice
        for way in self.ways():
            yield way.kind, way.says, way.rank, way.values[id]
        after = self.exact.forward(self.exact.new)[id]
        yield "other parameters", "this is the number after the update", 18, after
        own = u.names.get(id, Name("E"))
        for other, name in u.names.items():
            if other != id and u.row_of.get(other) == u.row_of.get(id) and name.part in ("z", "y", own.part):
                yield "another step", f"this is the value of {name.text}", 25, u.values[other]

    def _of_slope(self, quantity: Quantity) -> Iterator[tuple[str, str, float, float]]:
        sweeps = StepSweeps(self.u, quantity.id)
        for way in self.ways():
            yield way.kind, way.says, way.rank, way.slopes[quantity.id]
        for found in (broken(sweeps), whole(sweeps)):
            for kind, says, rank, value in found:
                yield kind, says, rank, float(value)
        for factor, words in _factors(len(self.made.rows), self.u):
            yield "factor", words, 23, factor * self.u.slopes[quantity.id]

    def _of_new(self, quantity: Quantity) -> Iterator[tuple[str, str, float, float]]:
        made, id = self.made, quantity.id
        old, rate, slope = entry(self.u, made.old, id), made.rate, self.u.slopes[id]
        yield "not updated", NOT_UPDATED, 7, old
        if not self.u.active[id] or id not in self._trained():
            yield "frozen updated", "what is frozen is updated", 10, old - rate * slope
            return
        for way in self.ways():
            yield way.kind, way.says, way.rank, entry(self.u, self.exact.updated(way.slopes), id)
        if not self.exact.plain:
            yield "plain update", "this is the update of plain gradient descent", 11, old - rate * slope
            return
        yield "sign lost", "the step goes uphill: old + rate*gradient", 10, old + rate * slope
        yield "rate missing", "the learning rate is missing", 10, old - slope
        yield "gradient instead", "this is the gradient, not the new number", 12, slope
        yield "step instead", "this is rate*gradient, not the new number", 12, rate * slope
        for mistake in self.mistakes(Quantity("", SLOPE, id)).values():
            says = f"in the gradient, {mistake.says}"
            yield mistake.kind, says, mistake.rank + 10, old - rate * mistake.value

    def _trained(self) -> set[int]:
        trained = {p.name for p in self.made.problem.network.parameters if p.trained}
        return {int(i) for n, ids in self.u.parameters.items() if n in trained for i in ids.reshape(-1)}

    def _of_after(self, quantity: Quantity) -> Iterator[tuple[str, str, float, float]]:
        exact, made = self.exact, self.made
        yield "not updated", "this is the loss before the update", 9, made.step.before
        ways = [Way("", "", 0.0, self.u.values, self.u.slopes), *self.ways()]
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
            yield "factor", words, 40, factor * exact.after

    def _plain(self, slopes: Slopes) -> Iterator[tuple[str, str, float, Parameters]]:
        yield "", "", 0.0, self.exact.updated(slopes)

    def _updates(self, slopes: Slopes) -> Iterator[tuple[str, str, float, Parameters]]:
        """Yield the right update and wrong ones: kind, words, rank and parameters."""
        exact, made, network = self.exact, self.made, self.made.problem.network
        frozen = [p.name for p in network.parameters if not p.trained]
        biases = [p.name for p in network.parameters if p.name.endswith(".bias") and p.trained]
        gradients = exact.gradients(slopes)
        moved = {n: made.old[n] - made.rate * gradients[n] for n in frozen if n in gradients}
        starts: list[tuple[str, str, float, Parameters]] = [("", "", 0.0, exact.updated(slopes))]
        if exact.plain:
            for kind, says, rate in (
                ("sign lost", "the step goes uphill: old + rate*gradient", -made.rate),
                ("rate missing", "the learning rate is missing", 1.0),
            ):
                trained = {n: made.old[n] - rate * g for n, g in gradients.items() if n not in frozen}
                starts.append((kind, says, 10.0, {**made.old, **trained}))
        for kind, says, rank, new in starts:
            yield kind, says, rank, new
            changes = [("bias not updated", "the biases are not updated", 12.0, biases)] if biases else []
            if len(biases) > 1:
                changes += [("bias not updated", f"{n} is not updated", 12.5, [n]) for n in biases]
            for other, words, more, names in changes:
                kept = {n: made.old[n] for n in names}
                yield kind or other, "; ".join(filter(None, (says, words))), rank + more, {**new, **kept}
            if moved:
                words = f"{' and '.join(frozen)}, frozen, are updated"
                parts = "; ".join(filter(None, (says, words)))
                yield kind or "frozen updated", parts, rank + 13.0, {**new, **moved}


def _factors(rows: int, u: Unrolled) -> Iterator[tuple[float, str]]:
    outputs = max(1, len(u.blocks[-1].units) // max(rows, 1)) if u.blocks else 1
    counts = {2: "2", rows: f"{rows}, the number of rows", outputs: f"{outputs}, the number of outputs"}
    counts |= (
        {rows * outputs: f"{rows * outputs}, rows times outputs"} if rows * outputs not in counts else {}
    )
    for count, words in counts.items():
        if count > 1:
            yield float(count), f"a factor {words}, too many"
            yield 1.0 / count, f"a factor {words}, is missing"


def _plain(text: str) -> str:
    return re.sub(r"\s+", "", text)


def _decimals(text: str) -> int:
    """Return how many decimals a number is written with."""
    match = re.fullmatch(r"\s*[-+]?\d*\.(\d+)\s*", text)
    return len(match[1]) if match else 0
