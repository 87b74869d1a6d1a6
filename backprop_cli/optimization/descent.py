"""Gradient descent and ascent on an expression, step by step."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from math import hypot, isfinite
from typing import Any, Literal, NamedTuple

import numpy as np

from ..engine.plan import Plan
from ..engine.point import Point
from ..engine.run import bind, value_at
from ..errors import DomainError, NoSuchNumber, RangeError
from ..graph import Graph
from ..language.numbers import brief, exact_text
from .choice import Choice
from .newton import NewtonSteps
from .rules import make
from .settings import Newton

Coordinates = tuple[float, ...]
"""Of the variables that move."""
End = Literal["until", "still", "steps", "error"]


class Function:
    """An expression as a function of the variables that move.

    Args:
        graph: The computation.
        inputs: Values of all inputs; those of ``names`` are replaced.
        names: Inputs that move.
    """

    def __init__(self, graph: Graph, inputs: Mapping[str, float], names: Sequence[str]) -> None:
        self.graph = graph
        self.inputs = bind(graph, inputs)
        self.names = tuple(names)
        self.ids = [graph.inputs[name] for name in names]
        self.active = graph.depends_on(self.ids)

    @property
    def called(self) -> str:
        """What it is called: the output's name, or a letter that the program leaves free."""
        return self.graph.function

    def at(self, point: Coordinates) -> dict[str, float]:
        """Return the value of every input at a point."""
        return {**self.inputs, **dict(zip(self.names, point, strict=True))}

    def value(self, point: Coordinates) -> float:
        """Return f, nan where it has no value."""
        try:
            return value_at(self.graph, self.at(point))
        except NoSuchNumber:
            return float("nan")

    def __call__(self, point: Coordinates) -> tuple[float, Coordinates]:
        """Return f and its gradient.

        Raises:
            NoSuchNumber: where one of them does not exist.
        """
        there = Point.of(self.graph, self.at(point), self.active)
        return there.value, tuple(there.cotangents[id] for id in self.ids)

    def described(self, point: Coordinates) -> str:
        """Return ``x = 1, y = 2``."""
        pairs = [f"{name} = {brief(x)}" for name, x in zip(self.names, point, strict=True)]
        return ", ".join(pairs[:4]) + (", ..." if len(pairs) > 4 else "")


class Trace(NamedTuple):
    """The points of one descent.

    Attributes:
        optimizer: The rule.
        ascend: Upwards instead.
        until: Length of the gradient that ended it.
        points: From the start on.
        values: f at each.
        gradients: Its gradient at each.
        end: Why it ended: the gradient was short enough (``until``), the point stayed where it is
            (``still``), the ``steps`` were used up, or an ``error``.
        error: Why the point after the last one has no f or no gradient.
    """

    optimizer: Choice
    ascend: bool
    until: float
    points: list[Coordinates]
    values: list[float]
    gradients: list[Coordinates]
    end: End
    error: NoSuchNumber | None = None

    @property
    def updates(self) -> int:
        """How many updates led to the last point."""
        return len(self.points) - 1

    def update(self, k: int) -> Coordinates | None:
        """Return what was added to point ``k``; None at the last one."""
        if k >= self.updates:
            return None
        if self.optimizer.plain:  # exactly what is added, before the sum is rounded
            rate = self.optimizer.rate if self.ascend else -self.optimizer.rate
            return tuple(rate * g for g in self.gradients[k])
        return tuple(b - a for a, b in zip(self.points[k], self.points[k + 1], strict=True))


def descend(
    function: Function,
    start: Coordinates,
    optimizer: Choice,
    *,
    steps: int,
    until: float = 0.0,
    ascend: bool = False,
) -> Trace:
    """Follow the gradient.

    Args:
        function: What is minimised.
        start: Where.
        optimizer: The trainer's rule.
        steps: Updates at most.
        until: Length of the gradient that ends it.
        ascend: Maximise instead.
    Returns:
        The trace; an error on the way ends it and is part of it.
    Raises:
        NoSuchNumber: where the start itself has no value or no gradient.
    """
    settings = optimizer.settings
    rule: Any = NewtonSteps(function, -1.0 if ascend else 1.0)
    if not isinstance(settings, Newton):
        rule = make(settings)
    theta = np.array(start, dtype=np.float64)
    state = rule.init(theta)
    course = _course(function, start, optimizer, steps, until, ascend)
    next(course)
    answer = function(start)
    try:
        with np.errstate(all="ignore"):
            while True:
                towards = np.array(course.send(answer), dtype=np.float64)
                try:
                    rule.update(theta, -towards if ascend else towards, state, optimizer.rate)
                except NoSuchNumber as fault:
                    course.throw(fault)
                point: Coordinates = tuple(theta.tolist())
                course.send(point)
                try:
                    answer = function(point)
                except NoSuchNumber as fault:
                    course.throw(fault)
    except StopIteration as stop:
        trace: Trace = stop.value
        return trace


def descend_together(
    function: Function,
    starts: Sequence[Coordinates],
    optimizer: Choice,
    *,
    steps: int,
    until: float = 0.0,
    ascend: bool = False,
) -> list[Trace | NoSuchNumber]:
    """Follow the gradient from many starts, an update of all of them after the other.

    Their numbers are those of many points: within a few last places of what `descend` has.

    Args:
        function: As of `descend`, like the others.
        starts: Where.
        optimizer: As of `descend`.
        steps: As of `descend`.
        until: As of `descend`.
        ascend: As of `descend`.
    Returns:
        The trace from every start; why there is none where that has no value or no gradient.
    """
    if isinstance(optimizer.settings, Newton):  # a Hessian each
        found_: list[Trace | NoSuchNumber] = []
        for start in starts:
            try:
                found_.append(descend(function, start, optimizer, steps=steps, until=until, ascend=ascend))
            except NoSuchNumber as fault:
                found_.append(fault)
        return found_
    fixed = {name: x for name, x in function.inputs.items() if name not in function.names}
    plan = Plan(function.graph, function.names, fixed, function.names)
    rule = make(optimizer.settings)
    theta = np.array(starts, dtype=np.float64)
    all_, towards = theta.reshape(-1), np.zeros_like(theta)
    state = rule.init(all_)
    found: dict[int, Trace | NoSuchNumber] = {}
    courses = [_course(function, start, optimizer, steps, until, ascend) for start in starts]

    def answered(asked: Sequence[int], points: Sequence[Coordinates]) -> Iterator[tuple[int, Any]]:
        """Yield value and gradient of those who ask, or why there is none."""
        columns = np.array(points).T if asked else np.empty((len(function.names), 0))
        results, bad = plan.run(dict(zip(function.names, columns, strict=True)), len(asked))
        value, *gradient = (result.tolist() for result in results)
        rows: list[Any] = list(zip(value, zip(*gradient, strict=True), strict=True))
        for row in bad:  # the float engine decides
            try:
                rows[row] = function(points[row])
            except NoSuchNumber as fault:
                rows[row] = fault
        yield from zip(asked, rows, strict=True)

    def told(k: int, what: Any) -> Any:
        """Tell a course, and return what it says; None at its end."""
        try:
            return courses[k].throw(what) if isinstance(what, NoSuchNumber) else courses[k].send(what)
        except StopIteration as stop:
            found[k] = stop.value
            return None

    asked, points = list(range(len(starts))), list(starts)
    begun = False
    with np.errstate(all="ignore"):
        while asked:
            moving = []
            for k, answer in answered(asked, points):
                if not begun:
                    next(courses[k])
                    if isinstance(answer, NoSuchNumber):
                        found[k] = answer
                        continue
                g = told(k, answer)
                if g is not None:
                    moving.append(k)
                    towards[k] = g
            begun = True
            rule.update(all_, (-towards if ascend else towards).reshape(-1).copy(), state, optimizer.rate)
            places = theta.tolist()
            asked = [k for k in moving if told(k, tuple(places[k])) is not None]
            points = [tuple(places[k]) for k in asked]
    return [found[k] for k in range(len(starts))]


def _course(
    function: Function, start: Coordinates, optimizer: Choice, steps: int, until: float, ascend: bool
) -> Generator[Coordinates, Any, Trace]:
    """Go from point to point.

    Yields:
        The point that it wants value and gradient of, which it is sent or thrown, and then the gradient along
        which it wants to be moved, for which it is sent the next point.
    Returns:
        The trace.
    """
    points = [start]
    f, g = yield start
    values, gradients = [f], [g]
    end: End = "steps"
    error = None
    for k in range(1, steps + 1):
        flat = not any(g)
        if hypot(*g) <= until:
            end = "still" if flat else "until"
            break
        try:
            point: Coordinates = yield g
        except NoSuchNumber as fault:
            end, error = "error", fault
            fault.hint = None
            fault.message = f"update {k} cannot be made at {_where(function, points[-1])}: {fault.message}"
            break
        if point == points[-1] and (flat or optimizer.plain):
            end = "still"  # and it will be for ever
            break
        try:
            if not all(map(isfinite, point)):
                name = next(n for n, x in zip(function.names, point, strict=True) if not isfinite(x))
                raise RangeError(f"{name} overflows: a float64 ends at 1.8e308")
            f, g = yield point
        except NoSuchNumber as fault:
            end, error = "error", fault
            if not isinstance(fault, DomainError):
                fault.hint = None  # it is about expressions, not about steps
            where = _where(function, point) if all(map(isfinite, point)) else "no point"
            fault.message = f"update {k} leads to {where}: {fault.message}"
            break
        points.append(point)
        values.append(f)
        gradients.append(g)
    else:
        if hypot(*g) <= until:
            end = "until" if any(g) else "still"
    return Trace(optimizer, ascend, until, points, values, gradients, end, error)


def _where(function: Function, point: Coordinates) -> str:
    pairs = [f"{name} = {exact_text(x)}" for name, x in zip(function.names, point, strict=True)]
    return ", ".join(pairs[:3]) + (", ..." if len(pairs) > 3 else "")
