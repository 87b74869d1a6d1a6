"""Several descents of one function: from every start, by every optimizer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ..errors import NoSuchNumber
from .choice import Choice
from .descent import Coordinates, Function, Trace, descend, descend_together
from .verdict import FURTHER, Verdict, judge

TOGETHER = 32
"""Starts from which their updates are made together: the numbers are those of many points."""


class Run(NamedTuple):
    """A descent and what became of it; ``trace`` is None where the start itself has no answer."""

    start: Coordinates
    label: str
    trace: Trace | None
    verdict: Verdict | None
    error: NoSuchNumber | None = None

    @property
    def kind(self) -> str:
        """The verdict in one word."""
        return self.verdict.kind if self.verdict is not None else "no-start"

    @property
    def answered(self) -> bool:
        """Whether there is a number to answer with."""
        return self.verdict is not None and self.verdict.answered


class Report(NamedTuple):
    """All that one command line asked for.

    Attributes:
        function: What was descended.
        runs: Optimizer by optimizer, start by start.
        ascend: Upwards.
        until: Length of the gradient that ended a run.
        steps: Updates at most.
        many: Several starting points: one line each.
        view: Where pictures look, axis by axis; () for around the runs.
    """

    function: Function
    runs: tuple[Run, ...]
    ascend: bool
    until: float
    steps: int
    many: bool
    view: tuple[tuple[float, float], ...] = ()

    @property
    def output(self) -> str:
        """What the function is called."""
        return self.function.called


def descend_all(
    function: Function,
    starts: Sequence[Coordinates],
    choices: Iterable[Choice],
    *,
    steps: int,
    until: float,
    ascend: bool,
    many: bool,
) -> Report:
    """Descend from every start by every optimizer.

    Args:
        function: What is descended.
        starts: Where from.
        choices: The optimizers.
        steps: Updates at most.
        until: Length of the gradient that ends a run.
        ascend: Upwards.
        many: A start without an answer is a run without a trace.
    Raises:
        NoSuchNumber: for a start without an answer, where there are not many.
    """

    choices = list(choices)
    further = FURTHER // len(starts) if many else FURTHER

    def traces(choice: Choice) -> Iterator[Trace | NoSuchNumber]:
        if len(starts) >= TOGETHER:
            yield from descend_together(function, starts, choice, steps=steps, until=until, ascend=ascend)
            return
        for start in starts:
            try:
                yield descend(function, start, choice, steps=steps, until=until, ascend=ascend)
            except NoSuchNumber as error:
                if not many:
                    raise
                yield error

    def runs() -> Iterator[Run]:
        for choice in choices:
            for start, trace in zip(starts, traces(choice), strict=True):
                if isinstance(trace, NoSuchNumber):
                    yield Run(start, choice.label, None, None, trace)
                else:
                    yield Run(start, choice.label, trace, judge(function, trace, further))

    return Report(function, tuple(runs()), ascend, until, steps, many)
