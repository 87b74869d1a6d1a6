"""``backprop explain``: why the gradient is what it is."""

from __future__ import annotations

import click

from ..errors import ExpressionError, UsageError
from ..explanation import DETAILS
from .command import NetworkCommand
from .common import (
    answers,
    digits_option,
    file_option,
    format_option,
    large_option,
    names_of,
    number,
    output_option,
    quiet_option,
)
from .output import Output
from .request import Request
from .watch import watch_option

FORMATS = ("table", "markdown", "latex", "json")


@click.command("explain", cls=NetworkCommand)
@file_option
@click.option(
    "--wrt", metavar="NAMES", help="Explain the slopes by these inputs or steps alone, path by path: a,b."
)
@click.option("--symbolic", is_flag=True, help="Take the derivative rule by rule; needs no values.")
@click.option("--definition", "limit", is_flag=True, help="Work out the limit definition.")
@click.option(
    "--update",
    metavar="RATE",
    help="Make one update: 0.01 goes up, -0.01 goes down; its rules in symbols where values are missing.",
)
@click.option(
    "--detail",
    type=click.Choice(DETAILS),
    default="normal",
    show_default=True,
    help="The passes alone; with chains and words; with every path.",
)
@click.option("--named", is_flag=True, help="From named step to named step, one factor an arrow: 12*a^3.")
@digits_option("Significant digits; with --round-each, decimals.")
@click.option("--shape", metavar="SHAPES", help="Of arrays without values: A=3x2,x=2; A=mxn,b=vector.")
@click.option("--round-each", is_flag=True, help="Round every result to --digits decimals, as on paper.")
@format_option(FORMATS)
@output_option
@large_option
@quiet_option
@watch_option
@answers("explain", FORMATS)
def command(
    request: Request,
    output: Output,
    wrt: str | None,
    symbolic: bool,
    limit: bool,
    update: str | None,
    detail: str,
    named: bool,
    round_each: bool,
    shape: str | None,
) -> int:
    """Why the gradient of EXPRESSION is what it is, step by step.

    The forward pass with its numbers, the backward pass use by use, the chain rule path by path, and
    what it means in words. With no values the derivative is taken rule by rule. Of a config
    (*.yaml) the loss of the first training step, number by number, and the rules of its layers.
    Exit status: 0 answered, 2 the input is wrong, 3 there is no such number, 4 reading or writing
    failed.
    """
    from ..api.explanation import explain
    from ..render.explain import document

    rate = number("--update", update) if update is not None else None
    decimals = output.digits if round_each else None
    if request.config is not None:
        for option, given in (("--symbolic", symbolic), ("--definition", limit), ("--named", named)):
            if given:
                raise UsageError(f"{option} is for expressions, {request.config} is a config")
        from .training import use_threads

        use_threads(1)
        told = explain(
            request.config,
            wrt=names_of(wrt),
            detail=detail,
            update=rate,
            round_each=decimals,
            overrides=request.config_overrides(),
        )
        output.show(document(told, digits=output.digits))
        return 0
    if request.overrides:
        word = request.overrides[0]
        raise UsageError(f"{word} is for the network of a config", hint="backprop explain config.yaml")
    try:
        if shape is not None:
            request.read_unknown(shape)
        else:
            request.read("explain takes one point, not {what}", "backprop grad takes ranges", formulas=True)
    except ExpressionError:
        equations = request.read_equations() if shape is None else None
        if equations is None:
            raise
        from .implicit import explain_equation

        refused = {
            "--definition": limit, "--update": rate is not None, "--round-each": round_each, "--named": named,
        }  # fmt: skip
        return explain_equation(equations, request, output, wrt=names_of(wrt), refused=refused)
    graph = request.graph
    if request.settled is not None or request.general is not None:
        for option, given in (
            ("--symbolic", symbolic), ("--definition", limit), ("--update", rate is not None),
            ("--round-each", round_each), ("--named", named), (f"--detail {detail}", detail != "normal"),
        ):  # fmt: skip
            if given:
                raise UsageError(f"{option} is for single numbers, and this program has arrays")
        from ..api.arrays import explanation_of, general_explanation_of
        from ..render.explain_arrays import document as array_document
        from .arrays import general_notes

        if request.general is not None:
            general = general_explanation_of(request.general, names_of(wrt))
            output.show(array_document(general, digits=output.digits))
            output.tell(graph, (), general_notes(general.report))
            return 0
        assert request.settled is not None
        values = {**request.values, **request.arrays}
        answer = explanation_of(request.settled, values, names_of(wrt), output.digits)
        output.show(array_document(answer, digits=output.digits))
        output.tell(graph, answer.report.warnings, answer.report.notes)
        return 0
    told = explain(
        graph,
        request.values,
        wrt=names_of(wrt),
        detail=detail,
        symbolic=symbolic,
        limit=limit,
        update=rate,
        round_each=decimals,
        named=named,
        large=request.large,
    )
    notes = list(told.notes)
    if told.unsimplified is not None:
        notes.append(f"no simplified formula: {told.unsimplified}")
    output.show(document(told, digits=output.digits))
    output.tell(graph, told.warnings, notes)
    return 0
