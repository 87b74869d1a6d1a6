"""A hand-worked training step judged: forward values, deltas, gradients, new weights, the loss after.

Quantities have the names that `trace` gives them. The network is unrolled into single numbers, on which
the same catalogue is tried, with what goes wrong in an update besides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from math import isfinite

import numpy as np

from ..differentiation.finite import EPS
from ..errors import BackpropError, ExpressionError, nearest
from ..explanation.paper import Paper
from ..language.lower import lower
from ..language.numbers import exact_text
from ..language.parser import parse
from ..training.problem import Problem
from ..training.step import whole_step
from .answers import Answer, read_answer
from .catalogue import Mistake
from .cures import cure, cure_at
from .judging import Claim, Earlier, OneByOne
from .ranking import MAY_BE, Told
from .step_mistakes import IN_THE_GRADIENT, NOT_UPDATED, UPHILL, StepCatalogue, StepSweeps
from .verdicts import (
    LEAST_DIGITS,
    NONE,
    RIGHT,
    ROOM,
    ROUNDED,
    SHORT,
    WRONG,
    Verdict,
    close,
    digits_right,
    follows_from,
    is_slip,
    loosely,
    matching,
    weak,
    with_mistakes,
)
from .worked import AFTER, NEW, SLOPE, VALUE, Quantity, Worked, entry

OF_ACTIVATIONS = ("local derivative missing", "wrong place", "factor missing", "wrong rule")
"""Mistakes that the rule of an activation cures."""

LEAST_OF_CHANGE = 2
"""Digits of an update's change that have to hold where the last ones written are off."""

LEAST_DECIMALS, MOST_DECIMALS = 2, 15
"""Decimals to which a step may have been rounded by hand; each is worked out once, for all claims."""


class StepJudge(OneByOne[Quantity, Answer]):
    """Judges claims about one training step.

    Args:
        problem: Network and data.
        at_step: Which update, from 1.
        least_digits: Significant digits that a rounded number needs.
    Raises:
        UsageError: when the network is too large to be written out.
    """

    most_alone = 8

    def __init__(self, problem: Problem, *, at_step: int = 1, least_digits: int = LEAST_DIGITS) -> None:
        self.least = least_digits
        self.made = whole_step(problem, at_step, long=True)
        self.exact = Worked(self.made, Paper())
        self.u, self.point = self.exact.u, self.exact.point
        self.known = dict(self._names())
        self.catalogue = StepCatalogue(self.exact)
        self._rounded: dict[int, Worked | None] = {}
        self._decimals: Sequence[int] = ()
        self.empty = lower(parse("0"))
        self.slack = EPS * max(map(abs, filter(isfinite, (*self.point.values, *self.point.cotangents))))

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
            by_place, called = name._replace(called=""), name.called  # both are names
            yield _plain(name.text + end), quantity
            yield _plain(by_place.text + end), quantity
            if called.startswith("out_"):
                yield _plain(called.removeprefix("out_") + end), quantity
            if not self.point.active[id]:
                continue
            slope = Quantity(name._replace(of="E").text + end, SLOPE, id)
            name = by_place
            spellings = [
                slope.text,
                by_place._replace(of="E").text + end,
                f"dE/d{name.text}{end}",
                f"{name.owner}.{name._replace(of='E').short}{end}",
            ]
            if name.part == "z":
                unit = called.removeprefix("net_") or name.owner
                spellings += [f"{name.owner}.delta{end}", f"delta {unit}{end}", f"delta_{unit}{end}"]
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

    def read(self, name: str, text: str) -> Claim[Quantity, Answer]:
        """Read a claim; what is wrong with it is kept."""
        quantity = answer = None
        try:
            quantity = self.quantity(name)
            if text.strip():
                answer = read_answer(text, self.empty)
                if answer.value is None:
                    raise ExpressionError("a claim about a training step is a number")
        except BackpropError as error:
            return Claim(name, text, quantity, None, error)
        return Claim(name, text, quantity, answer)

    # judging

    def judge(self, claims: Sequence[Claim[Quantity, Answer]]) -> list[Verdict]:
        """Judge one person's claims: who rounds one result rounds them all."""
        self._decimals = sorted({d for c in claims if c.answer for d in [_decimals(c.answer)] if d})
        return super().judge(claims)

    def cure(self, target: Quantity, verdict: Verdict) -> str:
        """Return what to do about a mistake, with the update's numbers, or the activation's rule."""
        kind, says = verdict.mistake or "", verdict.says.removeprefix(MAY_BE)
        in_gradient = says.startswith(IN_THE_GRADIENT)
        update = cure("not updated")
        if says.startswith(UPHILL) or (cure(kind) == update and not in_gradient):
            if not self.catalogue.plain:
                return cure("plain update")
            if target.kind != NEW:
                return update
            old, rate = exact_text(entry(self.u, self.made.old, target.id)), exact_text(self.made.rate)
            return f"{update} = {old} - {rate}*gradient"
        if kind in OF_ACTIVATIONS and (rule := self.catalogue.rule_in(says)):
            return rule
        if target.kind == SLOPE or in_gradient:
            here = StepSweeps(self.exact, target.id)
            return cure_at([(here, says.removeprefix(IN_THE_GRADIENT))], kind)
        return cure(kind)

    def number(self, answer: Answer) -> float | None:
        """Return an answer's number."""
        return answer.value

    def answered(
        self, target: Quantity, answer: Answer, wrong: Sequence[Earlier[Quantity, Answer]]
    ) -> Verdict:
        """Judge a number."""
        right = self.exact.value(target)
        base = Verdict(target.text, answer.text, WRONG, right=right if isfinite(right) else None)
        if not isfinite(right):
            return base._replace(verdict=NONE, says="there is no such number")
        assert answer.value is not None
        value = answer.value
        before = self._before(target)
        verdict = close(base, answer, value, right, self.least, self.slack)
        if verdict is not None and verdict.good:
            moved = self._moved(verdict, answer, right, before)
            if moved is not None:
                return moved
            verdict = None
        if target.kind == NEW and value == before:
            return with_mistakes(base, [Mistake("not updated", NOT_UPDATED, Told.STEP, value)])
        by_hand = self._by_hand(base, target, answer, value)
        if by_hand is not None:
            return by_hand
        follows = None if verdict is not None else self.follows(base, target, answer, value, right, wrong)
        if follows is not None and (follows.finer or follows.good):
            return follows
        spare = answer.spare if verdict is None else 0.0
        named = matching(self.catalogue.mistakes(target).values(), [value], [right], [spare])
        few = before is not None and abs(value - before) < 10.0 ** (LEAST_DIGITS - 1) * answer.unit
        told = with_mistakes(base, named, value if few else weak(answer))
        if told.mistake or verdict is not None:
            return told if told.mistake else verdict or base
        loose = loosely(base, answer, value, right, self.least)
        if loose is not None and before is not None and _holds(value, right, before) < LEAST_OF_CHANGE:
            loose = None
        return loose or follows or base

    def _before(self, target: Quantity) -> float | None:
        """Return what an update changes, a parameter or the loss, before it; None for other quantities."""
        if target.kind == NEW:
            return entry(self.u, self.made.old, target.id)
        return self.exact.value(target._replace(kind=VALUE)) if target.kind == AFTER else None

    def _moved(self, verdict: Verdict, answer: Answer, right: float, before: float | None) -> Verdict | None:
        """Judge a right number by what the update changed; None where that is not rounded, but off.

        The weight 0.150 after a step from 0.15 to 0.149781 says nothing of the step.
        """
        if before is None or right == before or not answer.unit or verdict.verdict == RIGHT:
            return verdict
        assert answer.value is not None
        half = 0.5 * answer.unit * ROOM
        if abs(answer.value - before) <= half:
            says = f"{verdict.says}, too few to tell the new number from the old one"
            return verdict._replace(verdict=WRONG, mistake="rounding", finer=SHORT, says=says)
        rounded = abs(answer.value - right) <= half
        return verdict if rounded or _holds(answer.value, right, before) >= LEAST_OF_CHANGE else None

    def _by_hand(self, base: Verdict, target: Quantity, answer: Answer, value: float) -> Verdict | None:
        """Compare with the step worked out with rounding on the way."""
        own = _decimals(answer)
        if not answer.unit or not own or answer.digits < self.least:
            return None
        for places in sorted({own, *self._decimals}, key=lambda d: (d != own, -d)):
            worked = self._worked(places)
            if worked is None:
                continue
            given = worked.value(target)
            if isfinite(given) and abs(given - value) <= 0.5 * answer.unit * ROOM:
                says = f"right, with every result rounded to {places} decimals"
                return base._replace(verdict=ROUNDED, digits=places, says=says)
        return None

    def _worked(self, places: int) -> Worked | None:
        if not LEAST_DECIMALS <= places <= MOST_DECIMALS:
            return None
        if places not in self._rounded:
            try:
                self._rounded[places] = Worked(self.made, Paper(places))
            except BackpropError:
                self._rounded[places] = None
        return self._rounded[places]

    def short_of(self, answer: Answer) -> int | None:
        """Return the digits that a claim is written to where they are fewer than are asked for."""
        return answer.digits if answer.unit and answer.digits < self.least else None

    def is_given(self, answer: Answer, value: float, given: float, right: float) -> bool:
        """Whether a claim is, within its digits, what wrong claims lead to."""
        return follows_from(answer, value, given, right)

    def is_slip(self, earlier: Earlier[Quantity, Answer]) -> bool:
        """Whether a wrong claim is what a slip makes of the right one."""
        return is_slip(earlier.answer, earlier.value, self.exact.value(earlier.target))

    def standing(self) -> Sequence[float]:
        """Return the numbers that stand there anyway: those of the step, before and on the way."""
        return self.point.values

    def leaves(self) -> Iterator[tuple[float]]:
        """Yield the numbers that are given: of data, parameters and constants."""
        yield from ((x,) for x, n in zip(self.point.values, self.u.graph.nodes, strict=True) if n.op is None)

    def given(self, target: Quantity, wrong: Sequence[Earlier[Quantity, Answer]]) -> Iterator[float]:
        """Yield a quantity that is worked out from others as claimed; not finite where there is none.

        Slopes of activations are taken from their operands, or as readers are shown them, from their values.
        """
        u, exact = self.u, self.exact

        def claimed(kind: str) -> dict[int, float]:
            return {w.target.id: w.value for w in wrong if w.target.kind == kind and w.value is not None}

        forced, slopes_given = claimed(VALUE), claimed(SLOPE)
        values = exact.forward(forced=forced) if forced else self.point.values
        if target.kind == VALUE:
            yield float(values[target.id])
            return
        for shown in (False, True) if forced else (False,):
            slopes = exact.pulled(slopes=slopes_given, values=values, shown=shown)
            if target.kind == SLOPE:
                yield slopes[target.id]
                continue
            new = exact.updated(slopes) if slopes_given or forced else exact.new
            new = {n: np.array(a, dtype=float) for n, a in new.items()}
            for id, x in claimed(NEW).items():
                for name, ids in u.parameters.items():
                    new[name][ids == id] = x
            yield entry(u, new, target.id) if target.kind == NEW else exact.forward(new)[u.graph.output]


def _holds(value: float, right: float, before: float) -> int:
    """Return to how many digits the change of a number is right."""
    return digits_right(value - before, right - before)


def _plain(text: str) -> str:
    return re.sub(r"\s+", "", text)


def _decimals(answer: Answer) -> int:
    """Return how many decimals a number is written with."""
    return len(answer.numeral.partition(".")[2]) if "e" not in answer.numeral.lower() else 0
