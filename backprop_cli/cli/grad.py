"""``backprop grad``: the table."""

from __future__ import annotations

from typing import Any

import click

from .command import Binding, ExpressionCommand
from .common import Request, choose_format, notes_printer, program_options, tell, write_text

METHODS = ("symbolic", "reverse", "finite", "forward", "complex-step")


@click.command(
    "grad",
    cls=ExpressionCommand,
    epilog="Examples: backprop grad '(a*b+c)*f' --a 3 --b -2 --c 8 --f -2; backprop help verdicts",
)
@program_options
@click.option(
    "--method",
    "methods",
    type=click.Choice(METHODS),
    multiple=True,
    help="Run this method alone; may be repeated.  [default: symbolic, reverse and finite]",
)
@click.option("--wrt", metavar="NAMES", help="Differentiate by these inputs alone: a,b.")
@click.option(
    "--scheme",
    type=click.Choice(("central", "forward", "backward", "ridders")),
    default="central",
    show_default=True,
    help="The difference quotient.",
)
@click.option("--step", metavar="H", help="Its step size; the quotient is then exactly as in the textbook.")
@click.option(
    "--formulas",
    type=click.Choice(("names", "inputs")),
    default="names",
    show_default=True,
    help="Write formulas over the names of steps, or over inputs alone.",
)
@click.pass_obj
def command(
    sympy: Any,
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
    methods: tuple[str, ...],
    wrt: str | None,
    scheme: str,
    step: str | None,
    formulas: str,
) -> int:
    """Value and gradient of every node of EXPRESSION, by several methods side by side.

    Variables take their values from --NAME VALUE or, after the expression, NAME=VALUE. With no
    value at all the formulas are printed. Exit status: 0 answered, 1 the methods disagree, 2 the
    input is wrong, 3 there is no such number, 4 reading or writing failed.
    """
    from ..differentiation.evaluate import bind
    from ..differentiation.report import DEFAULT_METHODS, SUMMARY_FROM, differentiate

    chosen = choose_format(format_, output)
    note = notes_printer(quiet)
    request = Request(expression, bindings, file, large=large, points=points)
    asked = [name.strip() for name in wrt.split(",")] if wrt is not None else None
    h = _step(step)
    if points is not None or request.ranges:
        from .points import run_points

        return run_points(
            request, points, chosen, output, note, strict=strict, methods=methods, wrt=asked, gradient=True,
            scheme=scheme, step=h, large=large, quiet=quiet, digits=digits, sympy=sympy,
        )  # fmt: skip
    graph = request.graph
    big = len(graph) > SUMMARY_FROM and not methods and not all_
    if not methods:
        methods = ("reverse",) if chosen == "value" or big else DEFAULT_METHODS
    unbound = bool(graph.inputs) and not graph.defaults and not request.values
    if unbound and chosen == "value":
        bind(graph, {})
    process = sympy.process() if unbound or "symbolic" in methods else None
    report = differentiate(
        graph, request.values, methods=methods, wrt=asked, scheme=scheme, step=h,
        inline=formulas == "inputs", process=process, large=large,
    )  # fmt: skip
    notes = list(report.notes)
    if big:
        notes.insert(0, f"{len(graph):,} nodes: reverse mode alone; --method and --all override")
    if chosen in ("table", "markdown", "latex"):
        from ..render import people

        text = people.render(
            report, chosen, digits=digits, everything=all_, summary=big, to_file=output is not None
        )
    else:
        from ..render import machines

        text = machines.render(report, chosen, everything=all_)
    write_text(text, output)
    tell(graph, note, report.warnings, notes)
    return 1 if report.agree is False else 0


def _step(text: str | None) -> float | None:
    from ..errors import BackpropError, UsageError
    from ..language.lower import constant

    if text is None:
        return None
    try:
        h = constant(text)
    except BackpropError as error:
        raise UsageError(f"--step: {error.message}", source=error.source, span=error.span) from None
    if h <= 0.0:
        raise UsageError(f"--step {text}: the step size is a positive number")
    return h
