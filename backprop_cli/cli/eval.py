"""``backprop eval``: the value."""

from __future__ import annotations

import click

from .command import ExpressionCommand
from .common import answers, engine_option, program_options, single_point
from .output import Output
from .request import Request


@click.command("eval", cls=ExpressionCommand)
@program_options
@engine_option("What computes many points")
@answers("eval")
def command(
    request: Request,
    output: Output,
    strict: bool,
    all_: bool,
    engine: str | None,
) -> int:
    """Value of every node of EXPRESSION at a point, or of EXPRESSION at many points.

    Variables take their values from --NAME VALUE or, after the expression, NAME=VALUE; a value
    start:stop:step is a range, 2,6,-2 a list.
    """
    from ..differentiation.report import SUMMARY_FROM, forward_report

    graph = request.read(many=True)
    if request.settled is not None and not (request.points or request.ranges):
        single_point(engine)
        return _of_arrays(request, output, everything=all_)
    if request.points is not None or request.ranges:
        from .points import run_points

        return run_points(request, output, strict=strict, gradient=False, engine=engine or "numpy")
    single_point(engine)
    report = forward_report(graph, request.values)
    from ..render.gradient import values_document

    big = len(graph) > SUMMARY_FROM and not all_
    output.show(values_document(report, digits=output.digits, everything=all_, summary=big))
    output.tell(graph, report.warnings, report.notes)
    return 0


def _of_arrays(request: Request, output: Output, *, everything: bool) -> int:
    from ..differentiation.arrays import array_values
    from ..render.arrays import document

    assert request.settled is not None
    report = array_values(request.settled, {**request.values, **request.arrays})
    output.show(document(report, digits=output.digits, everything=everything))
    output.tell(request.graph, report.warnings, report.notes)
    return 0
