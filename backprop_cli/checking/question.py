"""A quantity that claims are about, with what is worked out about it once for all of them."""

from __future__ import annotations

from functools import cached_property
from math import isfinite
from typing import NamedTuple

from ..differentiation.finite import EPS, finite
from ..engine.beside import Beside
from ..engine.point import Point
from ..engine.reverse import reverse
from ..engine.run import check_values, evaluate, kinked, leaf_values, run, written
from ..engine.sweep import sweep
from ..errors import NoSuchNumber
from ..graph import Graph
from .answers import Target
from .catalogue import Mistake, mistakes
from .derivatives import derivative, formula_text, reduced
from .gradcheck import beyond
from .sampling import MOST_NODES, Sample, at_points, outskirts, samples, work

INEXACT = 2.0**20
"""A number that is no whole multiple of 1/this is taken for one that was rounded to a float."""


class Ground(NamedTuple):
    """Where a program stands when claims about it are judged.

    Attributes:
        inputs: A value for every input.
        leaves: A value for every leaf.
        values: Per node; non-finite ones are none that a claim can be right about.
    """

    inputs: dict[str, float]
    leaves: dict[int, float]
    values: list[float]

    @classmethod
    def of(cls, graph: Graph, inputs: dict[str, float]) -> Ground:
        """Run a program whose inputs are bound."""
        leaves = leaf_values(graph, inputs)
        return cls(inputs, leaves, run(graph, leaves))


class Right(NamedTuple):
    """The right number.

    Attributes:
        number: The number; None where there is none.
        why: Why there is none.
        point: The program whose value, or first derivative, it is.
        sample: The same to many digits; None where that is too much work.
    """

    number: float | None
    why: str = ""
    point: Point | None = None
    sample: Sample | None = None


class Question:
    """A quantity of a program, at a point or in general.

    Args:
        graph: The program.
        target: The quantity.
        ground: Where; None for the quantity as a formula.
    """

    def __init__(self, graph: Graph, target: Target, ground: Ground | None) -> None:
        self.graph = graph
        self.target = target
        self.ground = ground
        self._probed: dict[int, dict[str, Mistake]] = {}

    @cached_property
    def cut(self) -> tuple[Graph, int | None]:
        """The program whose value, or first derivative by a node, the quantity is; see `reduced`."""
        return reduced(self.graph, self.target)

    @cached_property
    def tied(self) -> str:
        """Why a second derivative by two quantities, one computed from the other, is no one number."""
        early, late = min(self.target.by, default=0), max(self.target.by, default=0)
        if early == late or not self.graph.depends_on([early])[late]:
            return ""
        x, d = self.graph.own_name(early), self.graph.own_name(late)
        return f"{d} is computed from {x}: by both of them there is no second derivative"

    # at the point

    @cached_property
    def right(self) -> Right:
        """The right number, or why there is none."""
        assert self.ground is not None
        if self.tied:
            return Right(None, self.tied)
        inputs, _, values = self.ground
        try:
            # of a second derivative, too: what is at fault in the program itself has a place in its text
            needed = check_values(self.graph.with_output(self.target.of), values)
            cut, by = self.cut
            if len(self.target.by) == 2:
                values, needed = evaluate(cut, inputs)
            active = cut.depends_on([by] if by is not None else [])
            limits: dict[int, Beside] = {}
            cotangents = reverse(cut, values, active, limits)
            point = Point(cut, inputs, values, needed, active, cotangents, limits)
        except NoSuchNumber as error:
            # what is at fault in a first derivative is in no text of the user's
            own = error.span is None or error.span[1] > error.span[0]
            return Right(None, error.message if own else "the second derivative does not exist here")
        found = point.value if by is None else point.cotangents[by]
        if work(cut) > MOST_NODES or by in limits:
            return Right(found, point=point)
        sample = Sample(cut, by, inputs, values, needed, found)
        return Right(sample.right if isfinite(sample.right) else found, "", point, sample)

    @cached_property
    def slack(self) -> float:
        """How far rounding the inputs and constants to floats moves the quantity."""
        assert self.ground is not None
        cut, by = self.cut
        here = cut if by is None else derivative(cut, cut.output, by)
        leaves = {**self.ground.leaves, **here.constant_values()}
        values = self.ground.values if by is None else run(here, leaves)
        slopes = sweep(here, values, [True] * len(here))
        moved = [abs(x * slopes[id]) for id, x in leaves.items() if x * INEXACT % 1.0]
        return sum((EPS * x for x in moved if isfinite(x)), 0.0)

    def kink(self, slope: float | None = None) -> str | None:
        """Return where the slope jumps right here, if this slope, or any, is between those on the sides."""
        point, (cut, by) = self.right.point, self.cut
        if by is None or point is None or not kinked(cut):
            return None
        found = finite(cut, point.values, by, 1e-16 * abs(point.value))
        if found.kind == "smooth" or found.at is None:
            return None
        if slope is not None and beyond(found, slope):
            return None
        op = cut.nodes[found.at].op
        assert op is not None
        text = written(cut, found.at) or formula_text(cut, found.at)
        says = f"; by convention {op.convention}" if op.convention else ""
        return f"{text} is at its {found.kind} here{says}"

    @cached_property
    def mistakes(self) -> dict[str, Mistake]:
        """The catalogue at the point."""
        assert self.ground is not None
        return mistakes(self.graph, self.ground.leaves, self.target)

    # in general

    @cached_property
    def samples(self) -> list[Sample]:
        """The quantity at points of its domain."""
        return samples(self.graph, self.target)

    @cached_property
    def odd(self) -> list[Sample]:
        """The quantity at points where formulas may differ that agree everywhere else."""
        return at_points(self.graph, self.target, outskirts(self.graph))

    def probed(self, k: int) -> dict[str, Mistake]:
        """Return the catalogue at one of the points."""
        if k not in self._probed:
            leaves = leaf_values(self.graph, self.samples[k].inputs)
            self._probed[k] = mistakes(self.graph, leaves, self.target)
        return self._probed[k]
