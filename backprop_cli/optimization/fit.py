"""Levenberg-Marquardt: the parameters of a formula by damped Gauss-Newton steps on all rows at once.

Each iteration solves the linearised problem with a penalty on the step, ``|r + J d|^2 + damping |D d|^2``, as
one least-squares problem; the normal equations would square its condition number. J comes from one reverse
sweep over all rows.

Source:
    Marquardt 1963; More 1978 for the scaling D; Nocedal and Wright, Numerical Optimization, section 10.3;
    Madsen, Nielsen and Tingleff 2004, section 3.2, for the damping.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile
from math import cbrt, inf, isfinite, lgamma, log, nan, sqrt
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..engine.plan import Plan
from ..engine.reverse import reverse
from ..engine.run import evaluate
from ..engine.sweep import active_nodes
from ..errors import ConfigError, NoSuchNumber, RangeError, counted, joined
from ..graph import Graph
from ..language.numbers import brief
from . import settings
from .starts import drawn

Floats = npt.NDArray[np.float64]

SAME = 1e-12
"""Columns of J, scaled to length 1, that differ by less in some combination count as dependent."""
LARGEST_DAMPING = 1e30
BENDING = 0.75
"""Steps that bend more than this, relative to their length, leave where the linearisation means something."""
MOST_SETTLED = 100
"""Rows whose slopes the chain rule does not give, and difference quotients do: a row takes milliseconds."""
NO_BETTER = 1e-6
"""A formula of columns with an R2 up to this says no more than the mean of the targets."""
BY_CHANCE = 0.02
"""The largest R2 that is put down to the number of parameters alone."""
DOUBTFUL = 0.5
"""Of a fit with an R2 below this other first values are tried."""
MUCH_BETTER = 0.75
"""A sum of squares below this share of the fit's, from elsewhere, shows that it is no minimum of all."""
TRIED, TRY_ROWS = 6, 2000
"""From how many first values is tried, on how many rows at most."""
TRY_STEPS = 50
ALIKE = 1e-6
"""Sums of squares that differ by less, as a share, are of one minimum."""
NO_CHANCE, FAR = 3e-7, 5.0
"""A probability that is no chance any more, and how many deviations of a normal number that is."""
SMALLEST = float(np.finfo(np.float64).tiny)


FIRST_VALUES = "other first values: model.parameters, where auto finds one by the rows"
"""What helps a formula that has no value where it begins."""


class Iteration(NamedTuple):
    """Where the fit stands after an accepted step.

    Attributes:
        iteration: From 1; 0 is the start.
        loss: Mean of the squared residuals, weighted by what rows count.
        parameters: Name to value.
        damping: Of the next step, relative to the curvature.
        gradient: Cosine between the residuals and what the parameters can change: 0 at the minimum.
        trials: Steps tried for it.
    """

    iteration: int
    loss: float
    parameters: dict[str, float]
    damping: float
    gradient: float
    trials: int


class Starts(NamedTuple):
    """How fits from several first values ended: of how many, and how many came to the best."""

    tried: int
    reached: int


@dataclass(frozen=True)
class FitResult:
    """The end of a fit.

    Attributes:
        parameters: Name to value.
        loss: Mean of the squared residuals, weighted by what rows count.
        squares: Sum of the squared residuals, times what rows count: with 1/sigma^2 their chi-squared.
        degrees_of_freedom: Rows less parameters.
        residual_deviation: Standard deviation of the residuals, by the degrees of freedom, of a row that
            counts 1; None without any.
        covariance: Of the parameters, shape (p, p); inf and nan where they are not determined.
        standard_errors: Name to standard error; None where it is not determined.
        iterations: From the start to the end.
        explained: R2, the share of the targets' squared deviations from their mean that the formula explains;
            None for targets that do not deviate. Below 0 it is worse than their mean.
        converged: Whether the last point is a minimum as far as float64 can tell, and no plateau.
        reason: Why the fit ended.
        warning: Which parameters the rows cannot tell apart; None when they can.
        better: First values from which a much better fit was found; None where none was looked for, or found.
        starts: How the fits from several first values ended; None where there was one.
    """

    parameters: dict[str, float]
    loss: float
    squares: float
    degrees_of_freedom: int
    residual_deviation: float | None
    covariance: Floats
    standard_errors: dict[str, float | None]
    iterations: list[Iteration]
    explained: float | None
    converged: bool
    reason: str
    warning: str | None
    better: dict[str, float] | None = None
    starts: Starts | None = None


class _Model:
    """The formula's values and slopes for all rows."""

    def __init__(
        self,
        graph: Graph,
        columns: Mapping[str, Floats],
        target: Floats,
        names: Sequence[str],
        weights: Floats | None,
    ) -> None:
        for name in names:
            if name not in graph.inputs:
                raise ConfigError(f"the formula has no parameter {name}")
        self.graph = graph
        self.names = list(names)
        self.rows = len(target)
        self.target = target
        self.weights = weights
        self.roots = None if weights is None else np.sqrt(weights)
        inputs = list(graph.inputs)
        self.columns = {name: np.empty(self.rows) if name in names else columns[name] for name in inputs}
        self.values = Plan(graph, inputs, {}, [])
        self.slopes = Plan(graph, inputs, {}, self.names)

    def residuals(self, p: Floats) -> Floats | None:
        """Return formula less target in every row, as it counts; None where a row has no value."""
        (values,), bad = self._run(self.values, p)
        return None if bad else self.counted(values - self.target)

    def counted(self, rows: Floats) -> Floats:
        """Return what belongs to rows times the roots of what they count."""
        if self.roots is None:
            return rows
        return rows * self.roots.reshape(-1, *(1 for _ in rows.shape[1:]))

    @property
    def whole(self) -> float:
        """What all rows count."""
        return float(self.rows) if self.weights is None else float(self.weights.sum())

    @property
    def spread(self) -> float:
        """The sum of squares that the mean of the targets leaves."""
        if not self.rows:
            return 0.0
        return _square(self.counted(self.target - np.average(self.target, weights=self.weights)))

    def jacobian(self, p: Floats) -> Floats | None:
        """Return the slopes, shape (rows, parameters), as rows count; None where a row has none."""
        (_, *slopes), bad = self._run(self.slopes, p)
        j = np.stack(slopes, axis=1)
        if len(bad) > MOST_SETTLED:
            return None
        try:
            for row in bad:
                j[row] = self._slopes_of(row)
        except NoSuchNumber:
            return None
        return self.counted(j)

    def _slopes_of(self, row: int) -> list[float]:
        """Return the slopes in a row for which the chain rule has no number: there may be one beside it.

        Raises:
            NoSuchNumber: when the row has no value, or no slope either way.
        """
        inputs = {name: float(column[row]) for name, column in self.columns.items()}
        try:
            values, needed = evaluate(self.graph, inputs)
            active = active_nodes(self.graph, self.names)
            cotangents = reverse(self.graph, values, [a and n for a, n in zip(active, needed, strict=True)])
        except NoSuchNumber as error:
            hint = error.hint or FIRST_VALUES
            if isinstance(error, RangeError):  # what the primitive proposes is for a formula that is wrong
                hint = scaling_hint(self.varying())
            raise type(error)(f"row {row + 1}: {error.message}", hint=hint) from None
        slopes = [cotangents[self.graph.inputs[name]] for name in self.names]
        if not all(map(isfinite, slopes)):
            raise NoSuchNumber(f"row {row + 1}: the formula has no value or no slope")
        return slopes

    def _run(self, plan: Plan, p: Floats) -> tuple[list[Floats], list[int]]:
        for name, value in zip(self.names, p, strict=True):
            self.columns[name].fill(value)
        return plan.run(self.columns, self.rows)

    def check(self, p: Floats) -> None:
        """Raise what is wrong with the first row that has no value or no slope."""
        _, bad = self._run(self.slopes, p)
        for row in bad[:MOST_SETTLED]:
            self._slopes_of(row)
        if len(bad) > MOST_SETTLED:
            raise NoSuchNumber(f"row {bad[0] + 1} and {len(bad) - 1} more have no slope by the chain rule")

    def varying(self) -> dict[str, Floats]:
        """Return the columns of the rows, which are no parameters."""
        return {name: column for name, column in self.columns.items() if name not in self.names}

    def slopes_at(self, p: Floats) -> Floats:
        """Return the slopes by the chain rule, (rows, parameters), as rows count; nan where there is none."""
        return self.counted(np.stack(self._run(self.slopes, p)[0][1:], axis=1))

    def elsewhere(self, p: Floats) -> list[Floats]:
        """Return the slopes at other points, near and far."""
        return [self.slopes_at(q) for q in (p + 1.0, 0.3 - 1.5 * p, 0.01 * p, np.full(len(p), 0.37))]

    def some(self) -> _Model:
        """Return the formula on no more than `TRY_ROWS` rows, at equal distances."""
        every = slice(None, None, -(-self.rows // TRY_ROWS))
        columns = {name: column[every] for name, column in self.varying().items()}
        weights = None if self.weights is None else self.weights[every]
        return _Model(self.graph, columns, self.target[every], self.names, weights)


class _Point:
    """Parameters with residuals, slopes and what they say: `cosine` is 0 at a minimum.

    Attributes:
        lengths: Of the columns of J.
        unit: The same, 1 for an empty column: what makes the others 1 long.
        newton: The undamped step.
        cosine: The share of the residuals that it would remove, without units.

    Source:
        Bates and Watts 1981, whose relative offset is the tangent to this cosine.
    """

    def __init__(self, p: Floats, r: Floats, j: Floats) -> None:
        self.p, self.r, self.j = p, r, j
        self.ssr = _square(r)
        self.lengths = np.asarray(np.sqrt(np.einsum("ij,ij->j", j, j)))
        self.unit = np.where(self.lengths > 0.0, self.lengths, 1.0)
        step, *_ = np.linalg.lstsq(j / self.unit, -r, SAME)
        self.newton = step / self.unit
        removed = sqrt(_square(j / self.unit @ step))
        self.cosine = min(1.0, removed / sqrt(self.ssr)) if self.ssr > 0.0 else 0.0


class Fit:
    """A fit in progress: iterate over it, then ask for its `result`.

    Args:
        graph: The formula.
        columns: Name to numbers (rows,), for every input that is no parameter.
        target: What the formula is to give, (rows,).
        parameters: Their names and first values.
        settings: Damping and tolerance.
        max_iterations: Accepted steps at most.
        weights: What each row counts, (rows,), above 0; None where all count alike.
        absolute: The weights are 1/sigma^2 of targets whose standard deviations are known, so that the
            errors of the parameters follow from them alone; otherwise the residuals say how large they are.
    Raises:
        NoSuchNumber: when the formula has no value or slope in a row, to begin with.
        ConfigError: for a parameter that is not in the formula.
    """

    def __init__(
        self,
        graph: Graph,
        columns: Mapping[str, Floats],
        target: Floats,
        parameters: Mapping[str, float],
        settings: settings.LevenbergMarquardt,
        max_iterations: int,
        weights: Floats | None = None,
        *,
        absolute: bool = False,
    ) -> None:
        self.settings = settings
        self.absolute = absolute
        self.max_iterations = max_iterations
        self.names = list(parameters)
        self.iterations: list[Iteration] = []
        self.converged = False
        self.reason = "not finished"
        self._model = _Model(graph, columns, target, self.names, weights)
        start = np.array(list(parameters.values()), dtype=np.float64)
        self._model.check(start)
        with np.errstate(all="ignore"):
            point = self._point(start, self._model.residuals(start))
        if point is None:
            raise RangeError(
                "the sum of squares overflows at the first values of the parameters",
                hint=scaling_hint(self._model.varying()),
            )
        self._start = self._at = point

    def again(self, first: Floats) -> Fit:
        """Return the fit from other first values."""
        model, values = self._model, dict(zip(self.names, first.tolist(), strict=True))
        how = self.settings, self.max_iterations, model.weights
        return Fit(model.graph, model.varying(), model.target, values, *how, absolute=self.absolute)

    def from_starts(self, seed: int, stop: Callable[[], bool] = lambda: False) -> tuple[Fit, Starts]:
        """Fit from as many first values as the settings say; return the best fit, to be iterated over anew.

        Args:
            seed: Of those that are drawn.
            stop: Asked before every further one.
        """
        given = self._start.p
        firsts = [given, *drawn(self._model.some(), given, self.settings.starts - 1, seed)]
        lowest = _lowest(_ended(self.again, takewhile(lambda _: not stop(), firsts)))
        best = self.again(lowest[0]._start.p) if lowest else self
        return best, Starts(self.settings.starts, len(lowest))

    def __iter__(self) -> Iterator[Iteration]:
        """Yield the start, then every accepted step."""
        with np.errstate(all="ignore"):
            yield from self._steps()

    def _steps(self) -> Iterator[Iteration]:
        damping, growth = self.settings.damping, 2.0
        scale = np.zeros(len(self.names))
        trials = 0
        while True:
            at = self._at
            scale = np.maximum(scale, at.lengths)
            scale[scale == 0.0] = 1.0
            ended = self._ended(scale)
            if ended and self.converged:
                # an undamped step for the last digits
                last = self._point(at.p + at.newton, self._model.residuals(at.p + at.newton))
                self._at = last if last is not None and last.cosine < at.cosine else at
            yield self._note(damping, trials)
            if ended:
                return
            trials = 0
            while True:
                trials += 1
                step = self._damped(damping, scale)
                expected = _square(at.j @ step) + 2.0 * damping * _square(scale * step)
                step, bent = self._curved(step, damping, scale)
                moved = at.p + step
                residuals = self._model.residuals(moved) if bent <= BENDING else None
                after = _square(residuals) if residuals is not None else inf
                # of changes this small the sum of squares holds only rounding, the cosine still digits
                polishing = expected <= 1e-9 * at.ssr
                gain = 1.0 if polishing else (at.ssr - after) / expected
                point = self._point(moved, residuals) if gain > 0.0 else None
                if point is not None and (point.cosine < at.cosine or not polishing):
                    damping *= max(1.0 / 3.0, 1.0 - (2.0 * min(gain, 2.0) - 1.0) ** 3)
                    growth = 2.0
                    self._at = point
                    break
                damping, growth = damping * growth, growth * 2.0
                if damping > LARGEST_DAMPING or bool((moved == at.p).all()):
                    self.converged = at.cosine <= sqrt(self.settings.tolerance)
                    self.reason = (
                        "no step lowers the loss any more: it is at its minimum up to rounding"
                        if self.converged
                        else "no step lowers the loss, although its slope is not 0"
                    )
                    return

    def _point(self, p: Floats, residuals: Floats | None) -> _Point | None:
        """Return a point with its slopes; None where there is no such number."""
        if residuals is None or not isfinite(_square(residuals)):
            return None
        jacobian = self._model.jacobian(p)
        return None if jacobian is None else _Point(p, residuals, jacobian)

    def _damped(self, damping: float, scale: Floats, residuals: Floats | None = None) -> Floats:
        """Minimise ``|r + J d|^2 + damping |D d|^2``."""
        count = len(self.names)
        stacked = np.concatenate([self._at.j / scale, sqrt(damping) * np.eye(count)])
        r = self._at.r if residuals is None else residuals
        step, *_ = np.linalg.lstsq(stacked, np.concatenate([-r, np.zeros(count)]), None)
        return np.asarray(step / scale)

    def _curved(self, step: Floats, damping: float, scale: Floats) -> tuple[Floats, float]:
        """Return the step bent along the valley, and how far it bends, relative to its length.

        Source:
            Transtrum and Sethna 2012: geodesic acceleration, the curvature by a finite difference.
        """
        at, h = self._at, 0.1
        ahead = self._model.residuals(at.p + h * step)
        if ahead is None:
            return step, inf
        curvature = 2.0 / h * ((ahead - at.r) / h - at.j @ step)
        if not np.isfinite(curvature).all():
            return step, inf
        bend = self._damped(damping, scale, curvature)
        length = sqrt(_square(scale * step))
        return step + 0.5 * bend, 2.0 * sqrt(_square(scale * bend)) / length if length else 0.0

    def _note(self, damping: float, trials: int) -> Iteration:
        at = self._at
        point = dict(zip(self.names, at.p.tolist(), strict=True))
        loss = at.ssr / (self._model.whole or 1.0)
        record = Iteration(len(self.iterations), loss, point, damping, at.cosine, trials)
        self.iterations.append(record)
        return record

    def _ended(self, scale: Floats) -> bool:
        at, tolerance = self._at, self.settings.tolerance
        if sqrt(at.ssr) <= self._exact():
            self.converged, self.reason = True, "the formula goes through every row"
        elif at.cosine <= tolerance:
            self.converged, self.reason = True, "the slope of the loss is 0 within the tolerance"
        elif sqrt(_square(scale * at.newton)) <= tolerance * sqrt(_square(scale * at.p)):
            self.converged, self.reason = True, "the parameters change by less than the tolerance"
        elif len(self.iterations) >= self.max_iterations:
            self.reason = f"not at the minimum after {self.max_iterations} iterations"
        else:
            return False
        return True

    def result(self) -> FitResult:
        """Return parameters, their errors and how the fit ended; it must have been iterated over."""
        at, ssr = self._at, self._at.ssr
        rows, count = at.j.shape
        freedom = rows - count
        variance = ssr / freedom if freedom > 0 else nan
        scale = 1.0 if self.absolute else variance
        with np.errstate(all="ignore"):
            inverse, lost = _inverse(at.j, at.unit)
            explained = self._explained()
            plateau = self._plateau(explained) if self.converged else None
            better = self._elsewhere(explained)
            covariance = scale * inverse
            errors = np.sqrt(np.diag(covariance))
        determined = np.isfinite(errors)
        return FitResult(
            parameters=dict(zip(self.names, at.p.tolist(), strict=True)),
            loss=ssr / (self._model.whole or 1.0),
            squares=ssr,
            degrees_of_freedom=freedom,
            residual_deviation=sqrt(variance) if freedom > 0 else None,
            covariance=covariance,
            standard_errors={
                name: float(error) if known else None
                for name, error, known in zip(self.names, errors, determined, strict=True)
            },
            iterations=list(self.iterations),
            explained=explained,
            converged=self.converged and plateau is None and better is None,
            reason=plateau or (f"a local minimum: {better[1]}" if better and self.converged else self.reason),
            warning=self._warning(freedom, lost),
            better=better and better[0],
        )

    def _explained(self) -> float | None:
        spread = self._model.spread
        return 1.0 - self._at.ssr / spread if spread > 0.0 and isfinite(spread) else None

    def _plateau(self, explained: float | None) -> str | None:
        """Say why a stationary point is not what was looked for; None where it may be the minimum."""
        at = self._at
        useless = explained is not None and explained <= self._chance() and bool(self._model.varying())
        if sqrt(at.ssr) <= self._exact() or not (useless or (at.lengths == 0.0).any()):
            return None
        if self._linear():
            return None  # the one stationary point is the minimum
        others = [self._start.j, *self._model.elsewhere(at.p)]
        lively = np.any([other.any(axis=0) for other in others], axis=0)
        idle = [self.names[i] for i in np.flatnonzero(lively & (at.lengths == 0.0))]
        if not (idle or useless):
            return None
        if idle:
            return f"a plateau: {joined(idle)} {_have(idle)} no influence on the formula here"
        return (
            "a plateau or a local minimum: the formula fits no better than the mean of the targets"
            f" (R2 is {brief(explained or 0.0, 3)})"
        )

    def _chance(self) -> float:
        """Return the R2 that so many parameters reach on targets that have nothing to do with the columns."""
        rows, count = self._at.j.shape
        return float(min(BY_CHANCE, max(NO_BETTER, (count - 1) / max(1, rows - 1))))

    def _linear(self) -> bool:
        """Whether the slopes are the same everywhere."""
        at = self._at
        others = [self._start.j, *self._model.elsewhere(at.p)]
        return all(np.allclose(other, at.j, rtol=1e-9, atol=0.0) for other in others)

    def _elsewhere(self, explained: float | None) -> tuple[dict[str, float], str] | None:
        """Return first values that lead to a much better fit, and what it explains.

        They are drawn by a fixed seed; it is fitted on a part of the rows where these are many.
        """
        if explained is None or explained > DOUBTFUL or not self._model.varying() or self._linear():
            return None
        model = self._model.some()
        spread = model.spread
        own = model.residuals(self._at.p)
        if own is None or not 0.0 < spread < inf:
            return None
        found = _best(model, drawn(model, np.zeros(len(self.names)), TRIED, 0), self.settings)
        if found is None or found[0] >= MUCH_BETTER * _square(own):
            return None
        squares_there, first = found
        told = ", ".join(f"{name}={brief(value, 3)}" for name, value in first.items())
        there = brief(1.0 - squares_there / spread, 3)
        return first, f"R2 is {brief(explained, 3)}, from {told} it gets to {there}"

    def _exact(self) -> float:
        """Return the length of residuals that are rounding."""
        return 4.0 * float(np.finfo(np.float64).eps) * sqrt(_square(self._model.counted(self._model.target)))

    def _warning(self, freedom: int, lost: list[int]) -> str | None:
        """Say in one sentence what the rows leave open."""
        rows, count = self._at.j.shape
        if freedom < 0:
            return f"{counted(rows, 'row')} cannot determine {counted(count, 'parameter')}"
        idle = [self.names[i] for i in lost if not self._at.j[:, i].any()]
        if idle:
            return f"{joined(idle)} {_have(idle)} no influence on the formula here"
        if lost:
            names = joined([self.names[i] for i in lost])
            return (
                f"the rows cannot tell {names} apart: they can change together and leave the formula as it is"
            )
        if self.absolute and freedom > 0 and not _plausible(self._at.ssr, freedom):
            size = brief(sqrt(self._at.ssr / freedom), 3)
            return (
                f"the residuals are {size} times what sigma says, which is no chance: another formula or"
                " other errors; data.absolute_sigma: false takes their size from the residuals"
            )
        if freedom == 0 and not self.absolute:
            return f"as many rows as parameters ({rows}): nothing is left to estimate their errors from"
        return None


def guessed(
    graph: Graph,
    columns: Mapping[str, Floats],
    target: Floats,
    parameters: Mapping[str, float | None],
    weights: Floats | None,
    seed: int,
) -> dict[str, float]:
    """Return first values of parameters by the rows, where none are given; arguments as of `Fit`.

    Raises:
        NoSuchNumber: where none was found.
    """
    model = _Model(graph, columns, target, list(parameters), weights).some()
    given = np.array([x or 0.0 for x in parameters.values()])
    fixed = [i for i, x in enumerate(parameters.values()) if x is not None]
    found = _best(model, drawn(model, given, TRIED, seed, fixed), settings.LevenbergMarquardt())
    if found is None:
        raise NoSuchNumber(
            "no first values were found at which the formula has a value and slopes in every row",
            hint="give them: model.parameters",
        )
    return found[1]


def _best(
    model: _Model, firsts: Iterable[Floats], settings: settings.LevenbergMarquardt
) -> tuple[float, dict[str, float]] | None:
    """Return the least sum of squares that some steps come to, and from which first values; None for none."""

    def begun(p: Floats) -> Fit:
        first = dict(zip(model.names, p.tolist(), strict=True))
        return Fit(model.graph, model.varying(), model.target, first, settings, TRY_STEPS, model.weights)

    lowest = _lowest(_ended(begun, firsts))
    return (lowest[0]._at.ssr, lowest[0].iterations[0].parameters) if lowest else None


def _ended(begun: Callable[[Floats], Fit], firsts: Iterable[Floats]) -> list[Fit]:
    """Return fits that have come to their end, from those of the first values that have one."""
    found = []
    for first in firsts:
        with suppress(NoSuchNumber):
            fit = begun(first)
            for _ in fit:
                pass
            found.append(fit)
    return found


def _lowest(fits: Sequence[Fit]) -> list[Fit]:
    """Return the fits of the lowest minimum, the plainest first: with few minus signs, then small numbers."""
    most = min((fit._at.ssr * (1.0 + ALIKE) + fit._exact() ** 2 for fit in fits), default=0.0)
    return sorted(
        (fit for fit in fits if fit._at.ssr <= most),
        key=lambda fit: (int((fit._at.p < 0.0).sum()), float(np.abs(fit._at.p).sum())),
    )


def _inverse(j: Floats, unit: Floats) -> tuple[Floats, list[int]]:
    """Return the inverse of J^T J, and the columns in which it does not exist: inf and nan there."""
    count = j.shape[1]
    # with fewer rows than parameters vt lacks directions unless it is asked for all of them
    _, s, vt = (
        np.linalg.svd(j / unit, full_matrices=len(j) < count)
        if len(j)
        else (None, np.zeros(0), np.eye(count))
    )
    s = np.concatenate([s, np.zeros(count - len(s))])
    free = s <= SAME * s.max(initial=0.0)
    directions = vt[~free] / s[~free, None]
    inverse = np.asarray(directions.T @ directions / np.outer(unit, unit))
    # a parameter that takes part in a combination without effect
    lost = np.flatnonzero((np.abs(vt[free]) > 1e-6).any(axis=0)).tolist()
    inverse[lost, :] = nan
    inverse[:, lost] = nan
    inverse[lost, lost] = inf
    return inverse, lost


def scaling_hint(columns: Mapping[str, Floats]) -> str:
    """Say what helps a formula that overflows at its first values: nearer ones, or a column of size 1.

    Args:
        columns: Name to numbers (rows,): what the formula reads besides its parameters.
    """
    nearer = "first values nearer to the answer: model.parameters"
    sizes = {name: float(np.abs(column).max(initial=0.0)) for name, column in columns.items()}
    name = max(sizes, key=sizes.__getitem__, default=None)
    if name is None or not 1.0 < sizes[name] < inf:
        return nearer
    low, high = float(columns[name].min()), float(columns[name].max())
    middle, half = low / 2.0 + high / 2.0, high / 2.0 - low / 2.0
    scaled = f"({name} - {brief(middle, 5)})/{brief(half, 5)}" if half > 0.0 else f"{name}/{brief(high, 5)}"
    scaled = scaled.replace("- -", "+ ")
    return f"{nearer}; or scale the column in the formula: {scaled} in place of {name}"


def _plausible(squares: float, freedom: int) -> bool:
    """Whether such a chi-squared, or one still farther off, comes about by chance.

    Source:
        Wilson and Hilferty 1931: its cube root is nearly normal. Near 0 the density without its exponential.
    """
    half, spread = freedom / 2.0, 2.0 / (9.0 * freedom)
    if squares < freedom:
        return half * log(max(squares, SMALLEST) / 2.0) - lgamma(half + 1.0) >= log(NO_CHANCE)
    return cbrt(squares / freedom) - 1.0 + spread <= FAR * sqrt(spread)


def _square(x: Floats) -> float:
    return float(x @ x)


def _have(names: Sequence[str]) -> str:
    return "has" if len(names) == 1 else "have"
