"""``backprop limit``: difference quotients as h shrinks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from math import inf

import click

from ..errors import DomainError, NoSuchNumber, RangeError
from .command import ExpressionCommand
from .common import (
    along_option,
    answers,
    digits_option,
    direction_of,
    file_option,
    format_option,
    large_option,
    names_of,
    number,
    quiet_option,
    size_option,
    theme_option,
)
from .output import Output
from .request import ByNumber, Request

FORMATS = ("table", "json", "csv", "tsv", "markdown", "latex")
INFINITE = re.compile(r"[+-]?(?:inf|infinity|oo|∞)", re.IGNORECASE)
WORK = 20_000_000  # primitives that may run before inputs are left out: about ten seconds


@click.command("limit", cls=ExpressionCommand)
@file_option
@click.option("--wrt", metavar="NAMES", help="Move these inputs or steps alone, one at a time: a,b or x[0].")
@along_option
@click.option(
    "--steps",
    metavar="H",
    default="1e-1:1e-15",
    show_default=True,
    help="Step sizes: FIRST:LAST, each a tenth of the one before, or a list: 1,0.5,0.25.",
)
@click.option(
    "--exact", "symbolic", is_flag=True, help="Measure errors against the symbolic derivative's number."
)
@click.option("--plot", is_flag=True, help="Draw the errors below the table, where it is not a terminal too.")
@format_option(FORMATS)
@click.option(
    "-o", "output", metavar="FILE", help="Write to a file by its ending: a table, or the plot (svg, png)."
)
@size_option
@theme_option
@digits_option("Significant digits of quotients in tables.", 8)
@large_option
@quiet_option
@answers("limit", FORMATS, draws=True, request=ByNumber)
def command(
    request: Request,
    output: Output,
    wrt: str | None,
    along: str | None,
    steps: str,
    symbolic: bool,
    plot: bool,
) -> int:
    """The limit definition at work: difference quotients of EXPRESSION as h shrinks.

    For every step size the forward and central quotients and the complex step, with their errors;
    below, the order with which they fall, the best h, and where rounding takes over. Where
    EXPRESSION has no value, and for --x inf, it says what the value tends to, from both sides. Exit
    status 3 where there is no limit: a kink, a jump, a vertical tangent.
    """
    from ..api.limits import limit
    from ..differentiation.report import warnings_of
    from ..engine.point import check_wrt
    from ..errors import ANSWERED, NO, NO_SUCH_NUMBER

    far = _infinite(request)
    request.read("limit works at one point: {name} is {what}")
    if far:
        return _tends(request, output, request.values, names_of(wrt), far)
    hs = _steps(steps)
    direction = direction_of(along)
    graph, values, moved = request.numbers(names_of(wrt), steps=direction is None)
    names = check_wrt(graph, moved, steps=True)
    notes = []
    if wrt is None and direction is None:
        affordable = max(1, WORK // (3 * len(hs) * len(graph)))
        if len(names) > affordable:
            notes.append(f"{len(names):,} inputs: the first {affordable:,} are shown; --wrt names others")
            names = names[:affordable]
    asked = names if direction is None else moved
    try:
        limits = limit(
            graph, values, wrt=asked, along=direction, steps=hs, symbolic=symbolic, large=request.large
        )
    except (DomainError, RangeError):
        single = direction is None and len(names) == 1 and names[0] in graph.inputs
        if not single or request.settled is not None or output.drawn:
            raise
        with suppress(NoSuchNumber):
            return _tends(request, output, values, list(names), {})
        raise
    from ..render import limit as show

    if output.drawn:
        output.draw(limits.sized(*(output.size or ())))
        for one in limits.limits:
            for line in show.verdict(limits, one):
                output.note(f"note: {line}")
    else:
        from ..render.terminal import at_terminal

        wanted = plot or (not output.to_file and at_terminal())
        charts = show.charts(limits, to_file=output.to_file) if wanted and output.format == "table" else []
        output.show(show.document(limits, digits=output.digits, charts=charts))
    output.tell(graph, warnings_of(graph), [*notes, *limits.notes])
    kinds = {one.kind for one in limits.limits}
    if "disagree" in kinds:
        return NO
    return ANSWERED if all(one.exists for one in limits.limits) else NO_SUCH_NUMBER


def _infinite(request: Request) -> dict[str, float]:
    """Take out inputs that go to infinity: ``--x inf``."""
    far = {b.name: inf if b.text[0] != "-" else -inf for b in request.bindings if INFINITE.fullmatch(b.text)}
    request.bindings = [b for b in request.bindings if b.name not in far]
    return far


def _tends(
    request: Request,
    output: Output,
    values: Mapping[str, float],
    wrt: list[str] | None,
    far: dict[str, float],
) -> int:
    """Print what the value tends to where there is none."""
    from ..api.tends import tends_of
    from ..errors import ANSWERED, NO_SUCH_NUMBER, UsageError
    from ..render.tends import document

    if request.settled is not None:
        raise UsageError("what a value tends to is asked of single numbers, and this program has arrays")
    if wrt is not None and len(wrt) != 1:
        raise UsageError("what a value tends to is asked for by one input")
    found = tends_of(request.graph, dict(values), wrt[0] if wrt else None, far)
    output.show(document(found, digits=output.digits))
    output.tell(request.graph, (), found.notes)
    return ANSWERED if found.exists else NO_SUCH_NUMBER


def _steps(text: str) -> list[float]:
    from decimal import Decimal

    from ..errors import UsageError

    def size(part: str) -> float:
        h = number("--steps", part)
        if not h > 0.0:
            raise UsageError(f"--steps {text}: a step size is a positive number")
        return h

    first, colon, last = text.partition(":")
    if not colon:
        steps = sorted({size(part) for part in text.split(",")}, reverse=True)
        if len(steps) > 400:
            raise UsageError(f"--steps: {len(steps)} step sizes; 400 are the limit")
        return steps
    start, end = size(first), size(last)
    if end > start:
        start, end = end, start
    # in decimals, so that 1e-3 is the float nearest to it
    steps = [float(Decimal(repr(start)).scaleb(-k)) for k in range(400)]
    return [h for h in steps if h >= end * (1.0 - 1e-9) and h > 0.0]
