"""Gradient descent on an expression: what ``backprop descend`` answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from math import prod
from typing import TYPE_CHECKING

from ..engine.point import check_wrt
from ..errors import BindingError, UsageError
from ..language.tokens import plain_name
from ..optimization.choice import plain, read
from ..optimization.descent import Function
from ..optimization.report import Report, descend_all
from .arguments import flag, mapping, names, number, numbers, optional, whole
from .by_number import single_numbers
from .programs import AnyProgram, Bindings, merged
from .shown import Charted, Shown

if TYPE_CHECKING:
    from ..layout.chart import Chart
    from ..layout.descent import Run
    from ..layout.picture import Picture
    from ..optimization.landscape import Landscape
    from ..render.document import Document

MOST_STARTS = 100_000
MOST_STEPS = 1_000_000
DRAWN = 200
"""Runs that are drawn."""

FRAME = (900, 600)
"""Pixels of an animation."""


class Descent(Shown, Charted, Report):
    """A `Report` that shows itself."""

    __slots__ = ()

    def _document(self, format_: str) -> Document:
        from ..render.descent import document

        return document(self)

    def charted(self) -> tuple[list[Run], Landscape]:
        """Return the runs that can be drawn, and the ground they go over."""
        from ..layout.descent import Run
        from ..optimization.landscape import landscape
        from ..render.descent import short_labels

        drawn = [
            (Run(run.trace, name), not run.answered)
            for run, name in zip(self.runs[:DRAWN], short_labels(self)[:DRAWN], strict=True)
            if run.trace is not None
        ]
        traces, lost = [run.trace for run, _ in drawn], [wild for _, wild in drawn]
        ground = landscape(self.function, traces, lost, self.view)
        return [run for run, _ in drawn], ground

    def chart(self) -> Chart:
        """Return the way over the function, and how it fell.

        Raises:
            UsageError: where no start has a value and a gradient.
        """
        from ..layout import descent as charts
        from ..render.descent import heading

        runs, ground = self._drawable()
        verdict = self.runs[0].verdict
        says = ". ".join(verdict.says) if verdict is not None and len(self.runs) == 1 else ""
        return charts.chart(self.function, runs, ground, heading(self), says)

    @property
    def frames(self) -> list[Picture]:
        """One descent, update by update.

        Raises:
            UsageError: where there is none, or more than one.
        """
        return self.frames_sized(*FRAME)

    def frames_sized(self, width: float, height: float) -> list[Picture]:
        """Return one descent, update by update, in pictures of a size in pixels.

        Raises:
            UsageError: where there is none, or more than one.
        """
        from ..layout import descent as charts
        from ..layout.chart_picture import picture_of
        from ..render.descent import heading

        runs, ground = self._drawable()
        if len(runs) > 1:
            raise UsageError(
                "a GIF shows one descent", hint="one --optimizer, and no range of starting points"
            )
        frames = charts.frames(self.function, runs[0], ground, heading(self))
        return [picture_of(chart, width, height) for chart in frames]

    def _drawable(self) -> tuple[list[Run], Landscape]:
        runs, ground = self.charted()
        if not runs:
            raise UsageError("no run can be drawn: no start has a value and a gradient")
        return runs, ground


def descend(
    program: AnyProgram,
    bindings: Bindings = None,
    /,
    *,
    rate: float | None = None,
    steps: int = 1000,
    until: float = 1e-8,
    ascend: bool = False,
    wrt: Sequence[str] | None = None,
    optimizers: Sequence[str] = (),
    ranges: Mapping[str, Sequence[float]] | None = None,
    large: bool = False,
    **values: object,
) -> Descent:
    """Descend along the gradient of a program.

    Args:
        program: Text, what `parse` or `trace` returned, or a Python function.
        bindings: Values by name, for names such as ``rate`` that are options here.
        rate: Learning rate; None for 0.1, or the optimizer's own.
        steps: Updates at most.
        until: Stop once the gradient is no longer than that.
        ascend: Climb instead.
        wrt: Variables to move, or numbers of arrays, ``w[0]``; None for all.
        optimizers: As in training configs, ``sgd:momentum=0.9``; plain descent when empty.
        ranges: Starting points of variables: a run from each of their combinations.
        large: Lift the limits on the program's size.
        values: Values by name: numbers, NumPy arrays or lists.
    Raises:
        BackpropError: for wrong input, or where the one start has no value.
    """
    rate = optional(number, "rate", rate, above=0.0)
    steps = whole("steps", steps, 1, MOST_STEPS)
    until = number("until", until, least=0.0)
    ascend = flag("ascend", ascend)
    named = names("optimizers", optimizers)
    starting = mapping("ranges", ranges if ranges is not None else {})
    ranges = {plain_name(name): numbers(f"the range of {name}", xs, least=1) for name, xs in starting.items()}
    first = {name: xs[0] for name, xs in ranges.items()}
    inputs = {name: x for name, x in first.items() if "[" not in name}  # the others are of arrays
    graph, given, asked = single_numbers(
        program, merged(bindings, inputs), values, optional(names, "wrt", wrt), large=large
    )
    given |= first
    moved = check_wrt(graph, asked)
    for name in ranges:
        if name not in moved:
            raise UsageError(f"{name} has a range of starting points, but --wrt does not move it")
    if not moved:
        raise UsageError("the expression has no variable to move")
    choices = [read(text, rate) for text in named] or [plain(rate)]
    function = Function(graph, given, moved)
    count = prod(len(xs) for xs in ranges.values())
    if count > MOST_STARTS:
        raise BindingError(
            f"the ranges have {count:,} starting points", hint=f"{MOST_STARTS:,} are the limit"
        )
    starts = list(product(*(ranges.get(name, [function.inputs[name]]) for name in moved)))
    found = descend_all(function, starts, choices, steps=steps, until=until, ascend=ascend, many=bool(ranges))
    return Descent(*found)
