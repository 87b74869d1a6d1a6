"""Claims about programs with arrays, judged one after the other: arrays of numbers, and matrix formulas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from ..differentiation.arrays import (
    UNROLLED,
    adds_up,
    array_values,
    bind_arrays,
    by_numbers,
    differentiate_arrays,
    drawn_values,
    target_shares,
    unrolled_size,
)
from ..differentiation.finite import EPS
from ..differentiation.symbolic.session import SESSION
from ..engine.run import kinked
from ..engine.unroll import elements, place_text
from ..errors import BackpropError, NoSuchNumber, UsageError
from ..graph import Graph
from ..language.format import written_text
from ..language.settle import Settled
from ..ops import Shape
from ..ops.matrices import Kind
from .answers import Answer, Target, read_answer
from .array_answers import ArrayAnswer, ArrayTarget, NDArray, read_array_answer, read_array_target
from .array_catalogue import ArrayCatalogue, ArrayMistake
from .array_programs import Exactly, Runs, draws, forced, quantity
from .claims import PROBES, copied_from
from .cures import cure
from .function_mistakes import misshapen
from .judging import Claim, Earlier, OneByOne
from .question import INEXACT, Ground, Question
from .sampling import DIGITS, LEAST_POINTS, POINTS, SAME, WORK, digits_of
from .verdicts import (
    CLOSE,
    LEAST_DIGITS,
    NEAR,
    NONE,
    RIGHT,
    ROUNDED,
    WRONG,
    Verdict,
    close,
    follows_from,
    is_slip,
    loosely,
    matching,
    weak,
    with_mistakes,
)

ROUGH = 1e-9
"""Relative difference up to which arrays of floats are one, where many digits are too much work."""

CANCELLED = 1e-30
"""What so many digits leave of a 0, as a share of other numbers."""

PRODUCTS = 100_000_000
"""Products of floats at all points together: a second or so."""

SPOILT = 1e-11
"""By how much floats may be off where mistakes are looked for, as a share of the array's largest number."""

NOTHING = 1e-9
"""A quantity that is so small beside what it is elsewhere is 0."""

JUMP = 1e-8
"""A change that is so large beside a quantity is none of rounding."""

ROUNDED_AWAY = 1e-13
"""What rounding may leave of a 0 in floats, as a share of the inputs."""

OF_STEPS = (
    "transposed", "transpose missing", "factors swapped", "elementwise product",
    "local derivative missing", "wrong place", "factor missing", "wrong rule", "square missing",
)  # fmt: skip
"""Mistakes that the rule of a step cures."""

SIGNS = 4
"""Points beside one, at which it is seen how far rounding its numbers to floats moves a quantity."""


def read_array_claim(name: str, text: str, program: Settled) -> Claim[ArrayTarget, ArrayAnswer]:
    """Read a claim; what is wrong with it is kept."""
    target = answer = None
    try:
        target = read_array_target(name, program.graph)
        if text.strip():
            answer = read_array_answer(text, program, target)
    except BackpropError as error:
        return Claim(name, text, target, None, error)
    return Claim(name, text, target, answer)


MULTIPLES = {
    1.0: "",
    -1.0: ", and its sign is wrong",
    2.0: ", and a factor 2 too many",
    0.5: ", and a factor 2 is missing",
}
"""What may be wrong with an array besides its shape."""


class Agreement(NamedTuple):
    """What points say of a formula.

    Attributes:
        points: At how many it was compared.
        worst: Largest difference, relative to the largest number of the array.
        gaps: At how many the quantity has a value and the formula none.
        place: Of the number that is furthest off where the formula is furthest off.
    """

    points: int
    worst: float
    gaps: int
    place: tuple[int, ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether the formula is right wherever it was compared."""
        return self.points >= LEAST_POINTS and self.worst <= SAME and not self.gaps


class ArrayQuestion:
    """A quantity of a program with arrays, with what is worked out about it once for all claims.

    Args:
        program: The program.
        target: The quantity.
        point: A value for every input; None for the quantity as a formula.
    """

    def __init__(self, program: Settled, target: ArrayTarget, point: Mapping[str, NDArray] | None) -> None:
        self.program = program
        self.target = target
        self.point = point
        pen, found = quantity(program.graph, target)
        self.graph = pen.done(found)
        self.runs = Runs(self.graph)
        self.is_small = unrolled_size(self.graph) <= UNROLLED

    @cached_property
    def exactly(self) -> Exactly | None:
        """The quantity in many digits; None where that is too much work."""
        return Exactly(self.graph) if self.is_small else None

    def to_digits(self, point: Mapping[str, NDArray]) -> NDArray:
        """Return the quantity at a point, to all digits of floats where that can be had."""
        if self.exactly is None:
            return self.runs(point)[0]
        found: NDArray = np.asarray(self.exactly(point, DIGITS)[0], float)
        # what cancelled leaves the rounding of the digits that were taken
        size = max(float(np.abs(x).max(initial=0.0)) for x in (found, *point.values()))
        return np.where(np.abs(found) <= CANCELLED * size, 0.0, found)

    @cached_property
    def right(self) -> NDArray:
        """The right array at the point."""
        assert self.point is not None
        return self.to_digits(self.point)

    @cached_property
    def slack(self) -> NDArray:
        """How far rounding the inputs to floats moves every number of the quantity."""
        assert self.point is not None
        moved: NDArray = np.zeros(self.right.shape)
        if self.exactly is None:
            return np.full_like(moved, 64.0 * EPS * np.abs(self.right).max(initial=0.0))
        draw = np.random.default_rng(0)
        noise, size = 0.0, max((float(np.abs(x).max()) for x in self.point.values()), default=1.0)
        most = max(JUMP * float(np.abs(self.right).max(initial=0.0)), ROUNDED_AWAY * size)
        for _ in range(SIGNS):
            beside = {}
            for name, x in self.point.items():
                rounded = x * INEXACT % 1.0 != 0.0
                beside[name] = np.where(rounded, x * (1.0 + EPS * draw.choice((-1.0, 1.0), x.shape)), x)
            there = self.to_digits(beside)
            moved = np.fmax(moved, np.abs(there - self.right))
            off = float(np.abs(self.runs(beside)[0] - there).max(initial=0.0))
            noise = max(noise, off if off <= most else 0.0)
        # beside a kink it jumps: that is no rounding
        moved = np.where(moved <= most, moved, 0.0)
        # what cancels leaves of a 0 about as much on any other way
        return np.multiply(moved, 4.0) + 8.0 * noise

    @cached_property
    def catalogue(self) -> ArrayCatalogue:
        """The mistakes."""
        return ArrayCatalogue(self.program.graph, self.target)

    @cached_property
    def fault(self) -> str:
        """Why what is claimed, or differentiated, has no value at the point; "" where it has one."""
        assert self.point is not None
        program = _up_to(self.program, self.target.of)
        try:
            array_values(program, {name: self.point[name] for name in program.graph.inputs})
        except NoSuchNumber as error:
            return error.message
        return ""

    @cached_property
    def why(self) -> str:
        """Why there is no such number at the point."""
        assert self.point is not None
        try:
            differentiate_arrays(self.program, self.point, methods=("reverse",), formulas=False)
        except BackpropError as error:
            return error.message
        return "it is not finite"

    def first_kink(self) -> str | None:
        """Return where a slope jumps right here, looking at the first few numbers."""
        places = islice(np.ndindex(self.target.shape), PROBES)
        return next(filter(None, map(self.kink, places)), None)

    def kink(self, place: tuple[int, ...], slope: float | None = None) -> str | None:
        """Return where the slope jumps right here, if that of a number, or any, is between the sides'."""
        graph, target = self.program.graph, self.target
        if len(target.by) != 1 or self.point is None or not self.is_small:
            return None
        unrolled = elements(graph)
        numbers = unrolled.graph_of(graph)
        if not kinked(numbers):
            return None
        full = (*target.place, *place)
        axes = len(graph.nodes[target.of].shape)
        of = int(unrolled.ids(target.of)[full[:axes]])
        by = int(unrolled.ids(target.by[0])[full[axes:]])
        inputs = {
            numbers.name(int(k)): float(x)
            for name, id in graph.inputs.items()
            for k, x in zip(unrolled.ids(id).reshape(-1), self.point[name].reshape(-1), strict=True)
        }
        try:
            return Question(numbers, Target("", of, (by,)), Ground.of(numbers, inputs)).kink(slope)
        except BackpropError:
            return None


class ArrayJudge(OneByOne[ArrayTarget, ArrayAnswer]):
    """Judges claims about one program with arrays; what is right is worked out once.

    Args:
        program: The program.
        given: Values of its inputs; None for a judgement of formulas in general, by the shapes alone.
        least_digits: Significant digits that a rounded number needs.
    Raises:
        BindingError: for values that do not fit.
    """

    def __init__(
        self, program: Settled, given: Mapping[str, Any] | None, *, least_digits: int = LEAST_DIGITS
    ) -> None:
        self.program = program
        self.graph = program.graph
        self.least = least_digits
        self.point = bind_arrays(program, given) if given is not None else None
        self.shares = _targets(self.graph)
        if self.point is not None:
            with suppress(NoSuchNumber):
                self.shares = target_shares(array_values(program, self.point))
        self.shares = [k for k in self.shares if self.graph.nodes[k].op is None]
        self._questions: dict[ArrayTarget, ArrayQuestion] = {}

    def question(self, target: ArrayTarget) -> ArrayQuestion:
        """Return a quantity, with what is known of it."""
        if target not in self._questions:
            self._questions[target] = ArrayQuestion(self.program, target, self.point)
        return self._questions[target]

    def cure(self, target: ArrayTarget, verdict: Verdict) -> str:
        """Return what to do about a mistake, with the rule of the step that it is at."""
        rule = self.question(target).catalogue.rule_in(verdict.says) if target.by else ""
        return rule if rule and verdict.mistake in OF_STEPS else cure(verdict.mistake)

    def number(self, answer: ArrayAnswer) -> NDArray | None:
        """Return an answer's array at the point; None without one."""
        if self.point is None or answer.shape is None:
            return None
        value = answer.values if answer.entries is not None else self._value(answer, self.point)
        return value if np.isfinite(value).all() else None

    def _value(self, answer: ArrayAnswer, point: Mapping[str, NDArray]) -> NDArray:
        """Return what a formula gives at a point."""
        pen, _ = quantity(self.graph, _whole_of(self.graph, self.graph.output))
        runs = Runs(pen.done(pen.expanded(pen.formula(answer), answer.shape or ())))
        return runs(point)[0]

    def answered(
        self,
        target: ArrayTarget,
        answer: ArrayAnswer,
        wrong: Sequence[Earlier[ArrayTarget, ArrayAnswer]],
    ) -> Verdict:
        """Judge an answer at the point, or in general where there is none."""
        base = Verdict(target.text, answer.text, WRONG)
        copied = copied_from(self.graph, target, answer, here=self.point is not None)
        if len(target.by) == 1 and target.by[0] in answer.slopes.values():
            copied = f"the answer names {target.text} itself"
        if copied:
            return base._replace(says=copied)
        if answer.clash is not None:
            hint = f"; {answer.clash.hint}" if answer.clash.hint else ""
            return base._replace(says=f"{answer.clash.message}{hint}", mistake="shape")
        asked = self.question(target)
        if self.point is None:
            return self._in_general(base, asked, answer)
        if asked.fault or not np.isfinite(asked.right).all():
            says = f"there is no such number: {asked.fault or asked.why}"
            if answer.shape is None:
                return base._replace(verdict=RIGHT, says=says)
            return base._replace(verdict=NONE, says=asked.fault or says)
        base = base._replace(right=asked.right.tolist())
        if answer.shape is None:
            kink = asked.first_kink()
            if kink:
                return base._replace(verdict=RIGHT, says=kink)
            return base._replace(says="there is such a number", mistake="exists")
        value = self.number(answer)
        if value is None:
            return base._replace(says="the formula has no value at this point", mistake="no value")
        if answer.shape != target.shape:
            return self._misshapen(base, asked, answer, value, asked.right)
        return self._at_the_point(base, asked, answer, value, wrong)

    # shapes

    def _misshapen(
        self, base: Verdict, asked: ArrayQuestion, answer: ArrayAnswer, value: NDArray, right: NDArray
    ) -> Verdict:
        """Judge an array that has another shape than what is asked for."""
        target = asked.target
        what = "gradient" if target.by else "value"
        wanted = Kind(target.shape)
        lies = answer.formula is not None and answer.formula.kinds[answer.formula.graph.output].row
        is_ = Kind(value.shape, lies)
        if len(target.shape) == 2:
            size = is_.size if value.ndim == 2 else is_
            says = f"a {wanted.size} {what} is asked for, this is {size}"
        else:
            says = f"{wanted} is asked for, this is {is_}"

        def near(a: NDArray, b: NDArray) -> bool:
            if a.shape != b.shape:
                return False
            return bool(np.abs(a - b).max() <= 0.5 * 10.0 ** (1 - self.least) * np.abs(b).max(initial=0.0))

        for factor, also in MULTIPLES.items():
            found = misshapen(value, factor * right, near)
            if found is not None:
                return base._replace(says=f"{says}: {found[1]}{also}", mistake=found[0])
        return base._replace(says=says, mistake="shape")

    # at a point

    def _at_the_point(
        self,
        base: Verdict,
        asked: ArrayQuestion,
        answer: ArrayAnswer,
        value: NDArray,
        wrong: Sequence[Earlier[ArrayTarget, ArrayAnswer]],
    ) -> Verdict:
        target, right = asked.target, asked.right
        entries = _entries(answer, value)
        largest = float(np.abs(right).max(initial=0.0))
        found = []
        for entry, x, y, slack in zip(entries, value.flat, right.flat, asked.slack.flat, strict=True):
            spare = slack if answer.entries is not None else slack + SAME * largest
            found.append(close(base, entry, float(x), float(y), self.least, float(spare)))
        off = [k for k, verdict in enumerate(found) if verdict is None or not verdict.good]
        places = list(np.ndindex(target.shape))
        if not off or _by_decimals(entries, found, self.least):
            verdict = _together(base, found, self.least)
            if answer.formula is not None:
                return self._also_elsewhere(verdict, asked, answer)
            return verdict._replace(says="; ".join(filter(None, (verdict.says, asked.first_kink()))))
        base = base._replace(elements=_counted(target.shape, value, right, off))
        follows = self.follows(base, target, answer, value, right, wrong)
        if follows is not None and (follows.finer or follows.good):
            return follows
        kink = next(filter(None, (asked.kink(places[k], float(value.flat[k])) for k in off[:PROBES])), None)
        if kink:
            return base._replace(verdict=NONE, says=kink)
        named = self._named(asked, answer, value, [e.spare for e in entries])
        told = with_mistakes(base, named, weak(entries[0]) if len(entries) == 1 else None)
        if told.mistake:
            return told
        rough = [v for v in found if v is not None and not v.good]
        if len(rough) == len(off):  # rounded too much, all of them
            return min(rough, key=lambda v: v.digits or 0)._replace(elements=base.elements)
        loose = [
            loosely(base, entries[k], float(value.flat[k]), float(right.flat[k]), self.least) for k in off
        ]
        if None not in loose:
            return min(filter(None, loose), key=lambda v: v.digits or 0)
        if follows is not None:
            return follows
        if not target.shape:
            return base
        part = _of_some(entries, value, right, off)
        if part is not None:
            return base._replace(says=part[1], mistake=part[0])
        worst = place_text(base.elements["worst"] if base.elements else ())
        good = len(places) - len(off)
        says = f"{good} of {len(places)} numbers are right, {worst} is furthest off"
        return base._replace(says=says if good else f"no number is right, {worst} is furthest off")

    def _also_elsewhere(self, verdict: Verdict, asked: ArrayQuestion, answer: ArrayAnswer) -> Verdict:
        """Hold a formula that is right at the point to other points."""
        if not answer.names and not answer.slopes:
            return verdict
        assert self.point is not None
        agreement = self._agreement(asked, answer)
        if agreement.points < LEAST_POINTS and not agreement.gaps:
            return verdict
        if agreement.agrees or (not agreement.gaps and digits_of(agreement.worst) >= self.least):
            return verdict._replace(how=f"{_how(agreement)}, too")
        unnamed = {n: x for n, x in self.point.items() if self.graph.inputs[n] not in self._above(answer)}
        symmetric = [
            n for n, x in self.point.items() if x.ndim == 2 and len(x) > 1 and np.array_equal(x, x.T)
        ]
        if symmetric and self._agreement(asked, answer, symmetric=symmetric).agrees:
            return verdict._replace(says=f"as {' and '.join(symmetric)} is symmetric here")
        shares = [n for n, x in self.point.items() if self._may_be_shares(n, x)]
        if shares and self._agreement(asked, answer, shares=shares).agrees:
            return verdict._replace(says=f"as the numbers of {' and '.join(shares)} add up to 1 here")
        if unnamed and self._agreement(asked, answer, kept=unnamed).agrees:
            return verdict._replace(says=f"with the value of {' and '.join(unnamed)} put in")
        says = "the formula is right at this point by chance: with other numbers it is not"
        named = self._held(asked, answer, None)
        says += f"; there {named[0].says}" if named else ""
        return verdict._replace(verdict=WRONG, digits=None, says=says, mistake="right by chance")

    def _may_be_shares(self, name: str, x: NDArray) -> bool:
        """Whether an input has the numbers of probabilities, and is not taken for them yet."""
        known = self.graph.inputs[name] in self.shares
        return not known and bool(x.ndim) and x.shape[-1] > 1 and bool((x >= 0.0).all()) and adds_up(x)

    def _above(self, answer: ArrayAnswer) -> set[int]:
        """Return the inputs that a formula depends on."""
        if answer.slopes:
            return set(self.graph.inputs.values())
        named = list(answer.names.values())
        return {id for id in self.graph.inputs.values() if any(self.graph.depends_on([id])[k] for k in named)}

    def is_given(self, answer: ArrayAnswer, value: NDArray, given: NDArray, right: NDArray) -> bool:
        """Whether a claim is, within its digits, what wrong claims lead to."""
        if given.shape != value.shape or not np.isfinite(given).all():
            return False
        entries = _entries(answer, value)
        parts = list(zip(entries, value.flat, given.flat, right.flat, strict=True))
        largest = NEAR * float(np.abs(given).max(initial=0.0))
        changed = [p for p in parts if abs(p[2] - p[3]) > largest]
        same = [p for p in parts if abs(p[2] - p[3]) <= largest]
        return (
            bool(changed)
            and all(follows_from(e, float(v), float(g), float(r)) for e, v, g, r in changed)
            and all(abs(v - g) <= max(e.spare, largest) for e, v, g, _ in same)
        )

    def is_slip(self, earlier: Earlier[ArrayTarget, ArrayAnswer]) -> bool:
        """Whether a wrong claim is what a slip makes of the right one."""
        right = self.question(earlier.target).right
        entries = _entries(earlier.answer, earlier.value)
        parts = zip(entries, earlier.value.flat, right.flat, strict=True)
        return all(abs(x - y) <= e.spare or is_slip(e, float(x), float(y)) for e, x, y in parts)

    def standing(self) -> Iterator[float]:
        """Yield the numbers that stand there anyway: those of the program's inputs."""
        for row in self.leaves():
            yield from row

    def leaves(self) -> Iterator[list[float]]:
        """Yield what is given: the numbers of every input."""
        assert self.point is not None
        yield from map(self.flat, self.point.values())

    def flat(self, value: NDArray) -> list[float]:
        """Return the numbers of an array in a row."""
        return [float(x) for x in value.flat]

    def shaped(self, numbers: Sequence[float], like: NDArray) -> NDArray:
        """Return numbers in a row as an array."""
        return np.reshape(np.asarray(numbers, float), like.shape)

    def given(
        self, target: ArrayTarget, wrong: Sequence[Earlier[ArrayTarget, ArrayAnswer]]
    ) -> Iterator[NDArray]:
        """Yield a quantity worked out from others as claimed."""
        if len(target.by) > 1 or any(w.target.place or len(w.target.by) > 1 for w in wrong):
            return
        values = {w.target.of: w.value for w in wrong if not w.target.by}
        slopes = {
            w.target.by[0]: w.value
            for w in wrong
            if w.target.by and w.target.of == target.of and w.target.by != target.by
        }
        slopes = {k: x for k, x in slopes.items() if not self.graph.nodes[target.of].shape}
        shapes = [{k: x.shape for k, x in given.items()} for given in (values, slopes)]
        if (values or slopes) and target.of not in values:
            assert self.point is not None
            leaves = {f"value {k}": x for k, x in values.items()} | {
                f"slope {k}": x for k, x in slopes.items()
            }
            for shown in (False, True) if values and target.by else (False,):
                yield Runs(forced(self.graph, target, *shapes, shown=shown))({**self.point, **leaves})[0]

    # formulas at many points

    def _points(
        self,
        symmetric: Sequence[str] = (),
        kept: Mapping[str, NDArray] | None = None,
        shares: Sequence[str] = (),
    ) -> Iterator[dict[str, NDArray]]:
        adding = [*self.shares, *(self.graph.inputs[name] for name in shares)]
        for point in islice(draws(self.graph, adding, symmetric), 4 * POINTS):
            yield {**point, **(kept or {})}

    def _beside(self, asked: ArrayQuestion, answer: ArrayAnswer) -> tuple[Runs, Exactly | None]:
        """Return a quantity and a formula in floats and, where that is possible, in many digits."""
        pen, right = quantity(self.graph, asked.target)
        graph = pen.done(right, pen.expanded(pen.formula(answer), asked.target.shape))
        return Runs(graph), Exactly(graph) if unrolled_size(graph) <= UNROLLED else None

    def _agreement(
        self,
        asked: ArrayQuestion,
        answer: ArrayAnswer,
        symmetric: Sequence[str] = (),
        kept: Mapping[str, NDArray] | None = None,
        shares: Sequence[str] = (),
    ) -> Agreement:
        """Compare a formula with a quantity at points of the same shapes."""
        runs, exactly = self._beside(asked, answer)
        often = WORK // len(exactly) + 2 if exactly is not None else 0
        most = max(LEAST_POINTS, min(POINTS, PRODUCTS // unrolled_size(runs.graph)))
        count, gaps, sizes = 0, 0, list[float]()
        worst, place = 0.0, tuple[int, ...]()
        for point in self._points(symmetric, kept, shares):
            if count >= most:
                break
            found, claim = runs(point)
            if not np.isfinite(found).all():
                continue
            if not np.isfinite(claim).all():
                gaps += 1
                continue
            size = float(np.abs(found).max(initial=0.0))
            sizes.append(size)
            scale = max(size, NOTHING * sorted(sizes)[len(sizes) // 2])
            off = np.abs(found - claim)
            gap = _relative(float(off.max(initial=0.0)), scale)
            if exactly is not None and (count < often or 0.1 * ROUGH < gap < 1e3 * ROUGH):
                off = np.asarray(np.abs(np.subtract(*exactly(point, DIGITS))), float)
                gap = _relative(float(off.max(initial=0.0)), scale)
            elif gap <= ROUGH:
                gap = 0.0
            if gap > worst:
                worst = gap
                place = tuple(int(k) for k in np.unravel_index(int(off.argmax()), off.shape))
            count += 1
        return Agreement(count, worst, gaps, place)

    def _in_general(self, base: Verdict, asked: ArrayQuestion, answer: ArrayAnswer) -> Verdict:
        target = asked.target
        probes = [p for p in islice(self._points(), 20 * PROBES) if np.isfinite(asked.runs(p)[0]).all()][
            :PROBES
        ]
        if not probes:
            return base._replace(verdict=NONE, says="no points were found where it has a value")
        if answer.shape is None:
            return base._replace(says="there is such a derivative", mistake="exists")
        value = answer.values if answer.entries is not None else self._value(answer, probes[0])
        if answer.shape != target.shape:
            return self._misshapen(base, asked, answer, value, asked.runs(probes[0])[0])
        if answer.entries is not None:
            moved = [asked.runs(p)[0] for p in probes]
            if all(np.allclose(m, value, rtol=SAME, atol=0.0) for m in moved):
                return base._replace(verdict=RIGHT, how=f"equal at {len(probes)} points")
            return base._replace(says="a formula is asked for: it is another number at other points")
        agreement = self._agreement(asked, answer)
        if agreement.agrees:
            return base._replace(verdict=RIGHT, how=_how(agreement))
        if agreement.gaps and agreement.worst <= SAME:
            says = f"right where it has a value, but at {agreement.gaps} of the points it has none"
            return base._replace(says=says, mistake="no value")
        named = self._held(asked, answer, None)
        if named:
            return with_mistakes(base, named)
        digits = digits_of(agreement.worst)
        if digits >= self.least:
            return base._replace(
                verdict=ROUNDED, digits=digits, says=f"right to {digits} digits",
                how=f"at {agreement.points} points",
            )  # fmt: skip
        at = f": {place_text(agreement.place)} is furthest off" if agreement.place else ""
        return base._replace(says=f"it differs at {agreement.points} points{at}")

    # mistakes

    def _named(
        self, asked: ArrayQuestion, answer: ArrayAnswer, value: NDArray, spares: Sequence[float]
    ) -> list[ArrayMistake]:
        """Return the mistakes that give a claim, the simplest first."""
        assert self.point is not None
        there = asked.catalogue.at(self.point).values()
        found = matching(there, value.ravel().tolist(), asked.right.ravel().tolist(), spares)
        return self._held(asked, answer, found) if answer.formula is not None and found else found

    def _held(
        self, asked: ArrayQuestion, answer: ArrayAnswer, found: list[ArrayMistake] | None
    ) -> list[ArrayMistake]:
        """Keep the mistakes that give a formula at other points, too."""
        runs, exactly = self._beside(asked, answer)
        tried = 0
        for point in self._points():
            if tried >= PROBES or found == []:
                break
            right, claim = runs(point)
            if not np.isfinite([right, claim]).all():
                continue
            if exactly is not None:
                # where floats have lost their digits, the catalogue tells nothing
                exact = np.asarray(exactly(point, DIGITS), float)
                off = np.abs(exact - [right, claim]).reshape(2, -1).max(1)
                if (off > SPOILT * np.abs(exact).reshape(2, -1).max(1)).any():
                    continue
            if found is None and np.abs(right - claim).max() <= ROUGH * np.abs(right).max():
                continue  # here it gives the right numbers
            tried += 1
            values = claim.ravel().tolist()
            there = asked.catalogue.at(point)
            wanted = there.values() if found is None else [there[m.key] for m in found if m.key in there]
            spares = [0.0] * len(values)
            fits = matching(wanted, values, right.ravel().tolist(), spares, anywhere=found is not None)
            keys = {m.key for m in fits}
            found = fits if found is None else [m for m in found if m.key in keys]
        return found or []


def _whole_of(graph: Graph, id: int) -> ArrayTarget:
    return ArrayTarget("", id, (), graph.nodes[id].shape)


def _up_to(program: Settled, id: int) -> Settled:
    """Return a program that ends with one of its steps."""
    graph = program.graph
    inputs, named = ({n: k for n, k in names.items() if k <= id} for names in (graph.inputs, graph.named))
    defaults = {name: x for name, x in graph.defaults.items() if name in inputs}
    nodes = graph.nodes[: id + 1]
    cut = graph.replaced(nodes=nodes, outputs=(id,), inputs=inputs, defaults=defaults, named=named)
    own = {name: x for name, x in program.defaults.items() if name in inputs}
    return Settled(cut, program.kinds[: id + 1], own)


def _targets(graph: Graph) -> list[int]:
    """Return the targets of `cross_entropy`."""
    return [n.inputs[1] for n in graph.nodes if n.op is not None and n.op.name == "cross_entropy"]


def _relative(gap: float, scale: float) -> float:
    return gap / scale if gap and scale else gap


def _how(agreement: Agreement) -> str:
    digits = digits_of(agreement.worst)
    equal = "equal" if agreement.worst <= SAME else f"right to {digits} digits"
    return f"{equal} at {agreement.points} points"


def _entries(answer: ArrayAnswer, value: NDArray) -> Sequence[Answer]:
    """Return the numbers of an answer as they are written; those of a formula are not."""
    if answer.entries is not None:
        return answer.entries
    return [Answer(answer.text, None, {}, float(x)) for x in value.flat]


def _by_decimals(entries: Sequence[Answer], found: Sequence[Verdict | None], least: int) -> bool:
    """Whether all numbers are rounded to the decimals that give the larger ones enough digits."""
    enough = [
        entry.unit
        for entry, verdict in zip(entries, found, strict=True)
        if verdict is not None and verdict.digits is not None and verdict.digits >= least
    ]
    return all(
        verdict is not None
        and (verdict.good or (verdict.mistake == "rounding" and entry.unit <= max(enough, default=-1.0)))
        for entry, verdict in zip(entries, found, strict=True)
    )


def _together(base: Verdict, found: Sequence[Verdict | None], least: int) -> Verdict:
    """Return the verdict on an array of which every number is right, or rounded."""
    rounded = [v for v in found if v is not None and v.verdict != RIGHT]
    if not rounded:
        return base._replace(verdict=RIGHT)
    enough = [v.digits for v in rounded if v.digits is not None and v.digits >= least]
    digits = min(enough, default=least)
    cut = any("cut off" in v.says for v in rounded)
    says = f"right to {digits} digits{', cut off instead of rounded' if cut else ''}"
    return base._replace(verdict=ROUNDED, digits=digits, says=says)


def _of_some(
    entries: Sequence[Answer], value: NDArray, right: NDArray, off: Sequence[int]
) -> tuple[str, str] | None:
    """Return the mistake in a few numbers of an array: their sign, or two of them exchanged."""
    places = [place_text([int(i) for i in np.unravel_index(k, value.shape)]) for k in off[:2]]
    given, good = [float(x) for x in value.flat], [float(x) for x in right.flat]

    def is_(k: int, x: float) -> bool:
        return abs(given[k] - x) <= max(min(entries[k].spare, CLOSE * abs(x)), NEAR * abs(x))

    count = f"{len(given) - len(off)} of {len(given)} numbers are right"
    if all(is_(k, -good[k]) for k in off):
        others = f" and {len(off) - 1} others" if len(off) > 1 else ""
        return "sign lost", f"{count}, the sign of {places[0]}{others} is wrong"
    if len(off) == 2 and is_(off[0], good[off[1]]) and is_(off[1], good[off[0]]):
        return "another number", f"{count}, {' and '.join(places)} are exchanged"
    return None


def _counted(shape: Shape, value: NDArray, right: NDArray, off: Sequence[int]) -> dict[str, Any]:
    """Return how many numbers are right, and the place of the one furthest off."""
    gaps = np.abs(value - right)
    worst = np.unravel_index(int(gaps.argmax()), gaps.shape) if gaps.ndim else ()
    return {"right": gaps.size - len(off), "of": gaps.size, "worst": [int(k) for k in worst]}


def right_formulas(
    program: Settled, point: Mapping[str, NDArray] | None
) -> dict[tuple[int, tuple[int, ...]], str]:
    """Return how values are written, and the derivatives of the output in matrix notation, by quantity."""
    graph = program.graph
    found: dict[tuple[int, tuple[int, ...]], str] = {
        (n.id, ()): written_text(graph, n.id) for n in graph.nodes if n.op is not None
    }
    if not program.kinds[graph.output].shape:
        with SESSION.lend() as process:
            given = point if point is not None else drawn_values(program)
            report = differentiate_arrays(program, given, methods=("reverse",), process=process)
        found |= {(graph.output, (k,)): text for k, text in report.formulas.items()}
    return found


def slopes_by_number(
    program: Settled, given: Mapping[str, Any], claims: Mapping[str, str]
) -> tuple[Graph, dict[str, float], dict[str, Answer]]:
    """Return a program written out into single numbers, its point, and claimed slopes number by number.

    Args:
        program: The program.
        given: Values of its inputs.
        claims: Of first derivatives of the output by inputs, or parts of them.
    Raises:
        BackpropError: for any other claim, and for a program that cannot be written out.
    """
    graph = program.graph
    numbers = by_numbers(program, given, None)
    judge = ArrayJudge(program, given)
    found: dict[str, Answer] = {}
    for name, text in claims.items():
        target, answer = read_array_target(name, graph), read_array_answer(text, program)
        if target.quantity not in [(graph.output, (id,)) for id in graph.inputs.values()]:
            raise UsageError(f"--gradcheck: {name} is no first derivative of the output by an input")
        value = judge.number(answer)
        if value is None or value.shape != target.shape:
            wanted = Kind(target.shape)
            raise answer.clash or UsageError(f"--gradcheck: {name} needs {wanted}, as an array or a formula")
        for place, x in zip(np.ndindex(target.shape), value.reshape(-1).tolist(), strict=True):
            own = graph.own_name(target.by[0]) + place_text((*target.place, *place))
            found[own] = read_answer(repr(x), graph)
    return numbers.graph, numbers.inputs, found
