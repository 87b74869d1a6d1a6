"""``backprop eval``: the value."""

from __future__ import annotations

import click

from .command import Binding, ExpressionCommand
from .common import Request, choose_format, notes_printer, program_options, tell, write_text


@click.command(
    "eval",
    cls=ExpressionCommand,
    epilog="Examples: backprop eval '2x^2 - 3x + 4' --x 2; backprop eval 'sin(x)' --x 0:1:0.25",
)
@program_options
def command(
    expression: str | None,
    bindings: list[Binding],
    file: str | None,
    points: str | None,
    strict: bool,
    format_: str | None,
    output: str | None,
    digits: int,
    all_: bool,
    large: bool,
    quiet: bool,
) -> int:
    """Value of every node of EXPRESSION at a point, or of EXPRESSION at many points.

    Variables take their values from --NAME VALUE or, after the expression, NAME=VALUE; a value
    start:stop:step is a range.
    """
    from ..differentiation.report import SUMMARY_FROM, forward_report

    chosen = choose_format(format_, output)
    note = notes_printer(quiet)
    request = Request(expression, bindings, file, large=large, points=points)
    if points is not None or request.ranges:
        from .points import run_points

        return run_points(
            request, points, chosen, output, note, strict=strict, gradient=False, quiet=quiet, digits=digits
        )
    report = forward_report(request.graph, request.values)
    from ..render.gradient import values_document
    from ..render.writers import write

    big = len(request.graph) > SUMMARY_FROM and not all_
    shown = values_document(report, digits=digits, everything=all_, summary=big)
    write_text(write(shown, chosen, to_file=output is not None), output)
    tell(request.graph, note, report.warnings, report.notes)
    return 0
