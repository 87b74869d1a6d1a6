"""A training step as it is done by hand, a line a number: forward pass, loss, deltas, gradients.

What a line says is what the point of the unrolled network says; here it is put in order and in rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain
from math import isfinite
from typing import NamedTuple

import numpy as np

from ..engine.point import Edge
from ..errors import NoSuchNumber
from ..explanation.expr import Expr, Ref, add, multiply
from ..explanation.names import Name
from ..explanation.paper import Paper, evaluate, worked
from ..ops.kinks import by_convention
from .network import LayerNetwork, Parameter
from .point import NetworkPoint
from .programmed import ProgramNetwork
from .unrolled import PARTS

MOST_TERMS = 12
"""Terms of a sum over rows or places that are written one by one."""


class Line(NamedTuple):
    """A number and how it comes about.

    Attributes:
        name: What it is.
        written: How it is computed, then the same with what is rounded on the way; () for what is given.
        value: The number.
        row: Row of the batch, from 0; None for what belongs to none.
        remark: What else a reader should know.
    """

    name: Name
    written: tuple[Expr, ...]
    value: float
    row: int | None = None
    remark: str = ""


class Lines:
    """The lines of a step.

    Args:
        point: The network at the step.
        shown: Rows of the batch that are written out, from 0.
        layer: The one layer that is shown; None for all.
        steps: Of a program's loop those that are written out; None for all.
    """

    def __init__(
        self,
        point: NetworkPoint,
        shown: Sequence[int],
        layer: str | None,
        steps: Collection[int] | None = None,
    ) -> None:
        self.point, self.u, self.paper = point, point.unrolled, point.paper
        self.shown, self.layer, self.steps = shown, layer, steps

    def line(self, name: Name, written: Expr, value: float, row: int | None = None, remark: str = "") -> Line:
        """Return a line, with the same worked out on paper where that is another."""
        return Line(name, written_forms(written, self.paper), value, row, remark)

    def _step(self, id: int) -> Line:
        u = self.u
        return self.line(u.names[id], self.point.operation(id), self.point.here.values[id], u.row_of.get(id))

    def _seen(self, id: int) -> bool:
        return self._in_row(id) and self._in_step(id) and self.layer in (None, self.u.layer_of[id])

    def _in_row(self, id: int) -> bool:
        row = self.u.row_of.get(id)
        return row is None or row in self.shown

    def _in_step(self, id: int) -> bool:
        """Whether a number is of a step that is written out, or outside of the loop."""
        step = self._step_of(id) if self.steps is not None else None
        # what a sequence begins with stands with the first step
        return step is None or self.steps is None or max(0, step) in self.steps

    def _step_of(self, id: int) -> int | None:
        network = self.u.network
        assert isinstance(network, ProgramNetwork)
        return network.reading.recurrence.step_of(self.u.names[id].part)

    def forward(self) -> tuple[Line, ...]:
        """Return the lines of every unit; of steps alone also what comes from the steps before them."""
        blocks = ([id for unit in block.units for id in unit if self._seen(id)] for block in self.u.blocks)
        return by_row(chain([list(self._coming())], (list(map(self._step, ids)) for ids in blocks)))

    def _coming(self) -> Iterator[Line]:
        """Yield the numbers that steps which are written out take from others."""
        u = self.u
        for unit in (unit for block in u.blocks for unit in block.units if self.steps is not None):
            for id in unit:
                readers = (use.user for use in self.point.uses[id])
                if self._in_row(id) and not self._in_step(id) and any(
                    self._in_step(k) and self._step_of(k) is not None for k in readers
                ):  # fmt: skip
                    said = f"from t = {self._step_of(id)}"
                    yield Line(u.names[id], (), self.point.here.values[id], u.row_of.get(id), said)

    def loss(self) -> Iterator[Line]:
        """Yield the lines of the loss: row by row where there are several, then the penalties.

        Raises:
            NoSuchNumber: for a logit so far off that its probability has no logarithm.
        """
        u, point, paper = self.u, self.point, self.paper
        if u.data is None or not self._sees_the_loss():
            return
        if u.loss is None:  # the terms are those of a program, and stand with its numbers
            yield self._step(u.data)
            yield from self._penalties()
            return
        operands = point.operands(u.data)
        sums = [(written := u.loss.terms(operands, r), evaluate(written, paper)) for r in range(u.rows)]
        for r, (_, value) in enumerate(sums):
            if not isfinite(value):
                raise NoSuchNumber(
                    f"row {r + 1}: a probability is rounded to 0, whose logarithm cannot be written out",
                    hint="data.scaling: standard or smaller weights bring the outputs closer together",
                )
        if u.rows == 1:
            yield self._step(u.data)
        else:
            terms: list[Expr] = []
            rest = 0.0
            for r, (written, value) in enumerate(sums):
                if r in self.shown:
                    name = Name("S", place=(r + 1,))
                    yield self.line(name, written, value, r)
                    terms.append(Ref(name, value))
                else:
                    rest = paper(rest + value)
            if len(self.shown) < u.rows:
                terms.append(Ref(Name("rest"), rest))
            whole = multiply(u.loss.factor, add(*terms))
            yield self.line(u.names[u.data], whole, point.here.values[u.data], remark=self._others())
        yield from self._penalties()

    def _penalties(self) -> Iterator[Line]:
        u = self.u
        if u.penalties and u.only is None:
            for id in u.penalties:
                yield self._step(id)
            yield self._step(u.graph.output)

    def _sees_the_loss(self) -> bool:
        network = self.u.network
        return self.layer is None or (
            isinstance(network, LayerNetwork) and self.layer == network.pieces[-1].name
        )

    def _others(self) -> str:
        left = self.u.rows - len(self.shown)
        if left == 1:
            return "the last term is the other row"
        return f"the last term is the other {left:,} rows" if left else ""

    def deltas(self) -> tuple[Line, ...]:
        """Return the slopes of the loss by every unit, last layer first."""
        return by_row(self._deltas())

    def _deltas(self) -> Iterator[list[Line]]:
        active = self.point.here.active
        for block in reversed(self.u.blocks):
            lines = []
            for unit in block.units:
                for id in reversed(unit):
                    if active[id] and self._seen(id):
                        lines += self._delta(id, unit)
            yield lines

    def _delta(self, id: int, unit: tuple[int, ...]) -> list[Line]:
        u, point = self.u, self.point
        name, row, value = u.names[id], u.row_of.get(id), point.here.cotangents[id]
        slope = name._replace(of="E")
        uses = point.uses[id]
        if u.given is not None and uses and uses[0].user == u.given:
            return [Line(slope, (), value, row, "given by the layers after")]
        if len(uses) == 1 and uses[0].user in unit and name.layer:
            (use,) = uses
            user = point.graph.nodes[use.user]
            local = name._replace(of=u.names[user.id].called or u.names[user.id].part)
            at_kink = by_convention(user.primitive, [point.here.values[i] for i in user.inputs])
            remark = f"by convention {user.primitive.convention}" if at_kink else ""
            partial = point.local_derivatives(user.id)[use.position]
            product = multiply(point.slope_ref(user.id), Ref(local, partial))
            return [
                self.line(local, point.local(use), partial, row, remark),
                self.line(slope, product, value, row),
            ]
        return [self.line(slope, add(*map(self._term, uses)), value, row)]

    def _term(self, use: Edge) -> Expr:
        """Write what one user sends back."""
        u, local = self.u, self.point.local(use)
        if use.user in (u.data, u.graph.output, *u.penalties):
            return local
        return multiply(self.point.slope_ref(use.user), local)

    def gradients(self) -> Iterator[Line]:
        """Yield the slopes of the loss by every trained parameter."""
        for p, _, id in self.entries():
            if p.trained:
                yield self._gradient(id)

    def entries(self) -> Iterator[tuple[Parameter, tuple[int, ...], int]]:
        """Yield every parameter that is shown, number by number, unit by unit."""
        parameters = [p for p in self.u.network.parameters if p.name in self.u.parameters]
        if self.layer is not None:
            parameters = [p for p in parameters if p.layer == self.layer]
        for group in _grouped(parameters):
            units = group[0].shape[:1] if len(group) > 1 else ()
            for unit in range(units[0]) if units else (None,):
                for p in group:
                    ids = self.u.parameters[p.name]
                    for index in np.ndindex(*p.shape):
                        if unit is None or index[0] == unit:
                            yield p, index, int(ids[index])

    def _gradient(self, id: int) -> Line:
        u, point = self.u, self.point
        terms: list[Expr] = []
        last: list[Expr] = []
        rest, left, rows = 0.0, 0, set()
        for use in point.uses[id]:
            user, k, _ = use
            row = u.row_of.get(user)
            if user in u.penalties:
                last.append(self._term(use))
            elif self._in_row(user) and self._in_step(user) and len(terms) < MOST_TERMS:
                terms.append(self._term(use))
            else:
                amount = point.here.cotangents[user] * point.local_derivatives(user)[k]
                rest = self.paper(rest + self.paper(amount))
                left += 1
                rows.add(row)
        remark = ""
        if left:
            terms.append(Ref(Name("rest"), rest))
            whole = not rows & set(self.shown)
            remark = (
                self._others()
                if whole
                else f"the last term is the {f'{left:,} other products' if left > 1 else 'other product'}"
            )
        written = add(*terms, *last)
        return self.line(u.names[id]._replace(of="E"), written, point.here.cotangents[id], None, remark)


def written_forms(written: Expr, paper: Paper) -> tuple[Expr, ...]:
    """Return how a number is computed, then the same with what is rounded on the way."""
    again = worked(written, paper)
    return (written,) if again is None else (written, again)


def by_row(blocks: Iterable[list[Line]]) -> tuple[Line, ...]:
    """Put the lines of each row together, as far as rows have nothing to do with each other."""
    found: list[Line] = []
    run: list[Line] = []

    def end() -> None:
        found.extend(sorted(run, key=lambda line: line.row or 0))
        run.clear()

    for lines in blocks:
        if any(line.row is None for line in lines):
            end()
            found.extend(lines)
        else:
            run.extend(lines)
    end()
    return tuple(found)


def _grouped(parameters: Sequence[Parameter]) -> Iterator[list[Parameter]]:
    """Yield weights and bias of a layer together, what stands alone alone."""
    group: list[Parameter] = []
    for p in parameters:
        paired = p.layer and p.name.rpartition(".")[2] in PARTS
        if group and not (paired and group[0].layer == p.layer):
            yield group
            group = []
        group.append(p)
    if group:
        yield group
