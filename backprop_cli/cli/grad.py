"""``backprop grad``: the table."""

from __future__ import annotations

from typing import Any

import click

from ..differentiation import FORMULAS, METHODS, SCHEMES
from ..errors import ExpressionError, UsageError
from .command import ExpressionCommand
from .common import answers, engine_option, names_of, number, program_options, single_point
from .output import Output
from .request import Request
from .watch import watch_option


@click.command("grad", cls=ExpressionCommand)
@program_options
@click.option(
    "--method",
    "methods",
    type=click.Choice(METHODS),
    multiple=True,
    help="Run this method alone; may be repeated.  [default: symbolic, reverse and finite]",
)
@click.option(
    "--wrt",
    metavar="NAMES",
    help="Differentiate by these inputs or steps alone: a,b; a,a,b is one mixed derivative.",
)
@click.option(
    "--scheme",
    type=click.Choice(SCHEMES),
    default="central",
    show_default=True,
    help="The difference quotient.",
)
@click.option("--step", metavar="H", help="Its step size; the quotient is then exactly as in the textbook.")
@click.option(
    "--formulas",
    type=click.Choice(FORMULAS),
    default="names",
    show_default=True,
    help="Write formulas over the names of steps, or over inputs alone.",
)
@click.option(
    "--order",
    type=click.IntRange(1, 12),
    default=1,
    metavar="N",
    help="Second derivatives (2: the Hessian), or the first N by one input or along a direction.",
)
@click.option(
    "--taylor", type=click.IntRange(1, 12), metavar="N", help="The Taylor polynomial of order N at the point."
)
@click.option("--direction", metavar="MOVES", help="Differentiate along a line: a=1,b=0.")
@click.option("--tangent", is_flag=True, help="Add the tangent line or plane as a formula.")
@click.option("--of", metavar="NAME", help="Differentiate this step, not the last one.")
@click.option("--inverse", is_flag=True, help="Of a function y = f(x): both dy/dx and dx/dy, and x by y.")
@click.option("--solve", metavar="NAMES", help="Of equations: these variables are functions of the others.")
@click.option(
    "--rate", "rates", metavar="NAME=NUMBER", multiple=True,
    help="How fast a variable changes in time, dx/dt; those of the others follow. Also --dx/dt NUMBER.",
)  # fmt: skip
@click.option("--elements", is_flag=True, help="Of arrays: a row a number, with a column a method.")
@click.option(
    "--shape",
    metavar="SHAPES",
    help="Formulas without values, for arrays of these shapes: A=3x2,x=2; A=mxn,b=vector.",
)
@engine_option("What computes many points")
@watch_option
@answers("grad")
def command(
    request: Request,
    output: Output,
    strict: bool,
    all_: bool,
    methods: tuple[str, ...],
    wrt: str | None,
    scheme: str,
    step: str | None,
    formulas: str,
    order: int,
    taylor: int | None,
    direction: str | None,
    tangent: bool,
    elements: bool,
    shape: str | None,
    of: str | None,
    inverse: bool,
    solve: str | None,
    rates: tuple[str, ...],
    engine: str | None,
) -> int:
    """Value and gradient of every node of EXPRESSION, by several methods side by side.

    Variables take their values from --NAME VALUE or, after the expression, NAME=VALUE. With no
    value at all the formulas are printed. Exit status: 0 answered, 1 the methods disagree, 2 the
    input is wrong, 3 there is no such number, 4 reading or writing failed.
    """
    from ..api.gradients import grad
    from ..differentiation import DEFAULT_METHODS
    from ..differentiation.report import SUMMARY_FROM

    asked = names_of(wrt)
    h = _step(step)
    demanded = inverse or solve is not None or bool(rates)
    try:
        equations = request.read_equations(demanded=True) if demanded else None
        if equations is None and shape is not None:
            request.read_unknown(shape)
        elif equations is None:
            request.read(many=True, formulas=True, of=of)
    except ExpressionError:
        equations = None if demanded or shape is not None else request.read_equations()
        if equations is None:
            raise
    if equations is not None:
        from .implicit import differentiate_equations

        return differentiate_equations(
            equations, request, output, solve=names_of(solve), wrt=asked, order=order, rates=rates,
            inverse=inverse,
            refused={"--method": methods, "--scheme": scheme != "central", "--step": step, "--all": all_,
                     "--formulas inputs": formulas == "inputs", "--direction": direction,
                     "--elements": elements, "--of": of},
        )  # fmt: skip
    if demanded:
        raise UsageError(
            f"{'--inverse' if inverse else '--solve' if solve else '--rate'} is for equations",
            hint='"x^2 + y^2 = 25"',
        )
    if of is not None and not (request.settled is None and request.general is None):
        raise UsageError("--of is for single numbers, and this program has arrays")
    graph, chosen = request.graph, output.format
    if request.general is not None:
        for option, given in (
            ("--order", order > 1), ("--direction", direction is not None), ("--tangent", tangent),
            ("--elements", elements), ("--method", bool(methods)), ("--step", h is not None),
            (f"--format {chosen}", chosen in ("value", "csv", "tsv")),
        ):  # fmt: skip
            if given:
                raise UsageError(f"{option} needs values, and there are formulas alone")
        return _formulas(request, output, asked)
    many = request.points is not None or bool(request.ranges)
    if not many:
        single_point(engine)
    if request.settled is not None:
        for option, given in (
            ("--order 3", order > 2), ("--direction", direction is not None), ("--tangent", tangent),
            ("--taylor", taylor is not None),
            ("--formulas inputs", formulas == "inputs"),
        ):  # fmt: skip
            if given:
                raise UsageError(f"{option} is for single numbers, and this program has arrays")
        for option, given in (("--order", order == 2), ("--elements", elements)):
            if given and many:
                raise UsageError(f"{option} is for one point, not for many")
    if request.settled is not None and not many:
        if order == 2 or request.settled.kinds[graph.output].shape:
            if elements:
                raise UsageError("--elements is for gradients: --format json has every number")
            return _jacobian(request, output, methods=methods, wrt=asked, order=order, everything=all_)
        return _of_arrays(
            request, output, methods=methods, wrt=asked, scheme=scheme, step=h, everything=all_,
            elements=elements,
        )  # fmt: skip
    if elements:
        raise UsageError("--elements is for arrays, and this program has single numbers")
    from ..differentiation.higher import is_mixed

    beyond = order > 1 or direction is not None or taylor is not None or is_mixed(asked or (), order)
    if beyond and taylor is not None:
        for option, given in (
            ("--order", order > 1), ("--direction", direction is not None), ("--tangent", tangent),
            ("--wrt with a name twice", len(set(asked or ())) < len(asked or ())),
        ):  # fmt: skip
            if given:
                raise UsageError(f"{option} and --taylor are two questions: one of them")
        _check_bound(request, asked)
    if beyond or tangent:
        _check_higher(request, order, direction, tangent, taylor is not None, chosen)
    if beyond:
        moves = _direction(direction) if direction is not None else None
        for option, given in (("--step", h is not None), ("--scheme", scheme != "central")):
            if given:
                raise UsageError(f"{option} is for the gradient: higher differences choose their own steps")
        return _higher(
            request, output, order=taylor or order, direction=moves, wrt=asked, methods=methods,
            taylor=taylor is not None,
        )  # fmt: skip
    if many:
        from .points import run_points

        return run_points(
            request, output, strict=strict, methods=methods, wrt=asked, gradient=True,
            scheme=scheme, step=h, engine=engine or "numpy",
        )  # fmt: skip
    big = len(graph) > SUMMARY_FROM and not methods and not all_
    if not methods:
        methods = ("reverse",) if chosen == "value" or big else DEFAULT_METHODS
    if chosen == "value" or tangent:  # formulas alone are no bare numbers and have no tangent
        _check_bound(request, asked)
    report = grad(
        graph, request.values, methods=methods, wrt=asked, scheme=scheme, step=h, formulas=formulas,
        large=request.large,
    )  # fmt: skip
    notes = list(report.notes)
    if big:
        notes.insert(0, f"{len(graph):,} nodes: reverse mode alone; --method and --all override")
    from ..render.gradient import document

    extra: dict[str, Any] = {}
    if tangent:
        from ..differentiation.higher import tangent as tangent_of
        from ..render.higher import tangent_dict, tangent_sentences

        found = tangent_of(report)
        extra = {"tangent": tangent_dict(found), "below": tangent_sentences(found, output.digits)}
    output.show(document(report, digits=output.digits, everything=all_, summary=big, **extra))
    output.tell(graph, report.warnings, notes)
    return 1 if report.agree is False else 0


def _of_arrays(
    request: Request,
    output: Output,
    *,
    methods: tuple[str, ...],
    wrt: list[str] | None,
    scheme: str,
    step: float | None,
    everything: bool,
    elements: bool,
) -> int:
    from ..api.arrays import gradient_of
    from ..render.arrays import document

    assert request.settled is not None
    if not methods and output.format == "value":
        methods = ("reverse",)
    report = gradient_of(
        request.settled, {**request.values, **request.arrays},
        methods=methods or None, wrt=wrt, scheme=scheme, step=step,
    )  # fmt: skip
    output.show(document(report, digits=output.digits, everything=everything, elements=elements))
    output.tell(request.graph, report.warnings, report.notes)
    return 1 if report.agree is False else 0


def _formulas(request: Request, output: Output, wrt: list[str] | None) -> int:
    from ..api.arrays import general_of
    from ..render.arrays import formulas_document
    from .arrays import general_notes

    assert request.general is not None
    report = general_of(request.general, wrt)
    output.show(formulas_document(report))
    output.tell(request.graph, (), general_notes(report))
    return 0


def _jacobian(
    request: Request,
    output: Output,
    *,
    methods: tuple[str, ...],
    wrt: list[str] | None,
    order: int,
    everything: bool,
) -> int:
    from ..api.arrays import hessian_of, jacobian_of
    from ..render.jacobian import document

    program, given = request.settled, {**request.values, **request.arrays}
    assert program is not None
    if not methods and output.format == "value":
        methods = ("reverse",)
    if order == 2:
        vectors = wrt or [n for n, k in request.graph.inputs.items() if len(program.kinds[k].shape) == 1]
        if len(vectors) != 1:
            raise UsageError(
                f"--order 2 is by one vector, and there are {len(vectors)}", hint="--wrt NAME says which"
            )
        report = hessian_of(program, given, vectors[0], methods=methods or None)
    else:
        report = jacobian_of(program, given, methods=methods or None, wrt=wrt)
    output.show(document(report, digits=output.digits, everything=everything))
    output.tell(request.graph, (), report.notes)
    return 1 if report.agree is False else 0


def _check_bound(request: Request, wrt: list[str] | None) -> None:
    """Refuse a program without the values that it needs."""
    from ..engine.point import check_wrt
    from ..engine.run import bind, is_bound

    if not is_bound(request.graph, request.values):
        check_wrt(request.graph, wrt, steps=True)
        bind(request.graph, {})


def _step(text: str | None) -> float | None:
    if text is None:
        return None
    h = number("--step", text)
    if h <= 0.0:
        raise UsageError(f"--step {text}: the step size is a positive number")
    return h


def _check_higher(
    request: Request, order: int, direction: str | None, tangent: bool, taylor: bool, chosen: str
) -> None:
    """Refuse combinations that mean nothing."""
    option = "--tangent" if tangent else "--direction" if direction is not None else "--order"
    option = (
        option if order > 1 or option != "--order" else "--taylor" if taylor else "--wrt with a name twice"
    )
    if request.points is not None or request.ranges:
        raise UsageError(f"{option} is for one point, not for many")
    if tangent and (order > 1 or direction is not None):
        raise UsageError("--tangent goes with the gradient: leave --order and --direction out")
    if tangent and chosen in ("csv", "tsv", "value"):
        raise UsageError(f"--format {chosen} has no place for --tangent", hint="table, markdown, latex, json")


def _direction(text: str) -> dict[str, float]:
    """Return the moves of ``a=1,b=0``."""
    from ..language.tokens import plain_name

    moves: dict[str, float] = {}
    for part in text.split(","):
        name, equals, value = part.partition("=")
        name = plain_name(name.strip())
        if not equals or not name or not value.strip():
            raise UsageError(f"--direction {text}: a move is NAME=NUMBER", hint="--direction a=1,b=0")
        if name in moves:
            raise UsageError(f"--direction: {name} is given twice")
        moves[name] = number("--direction", value)
    if not any(moves.values()):
        raise UsageError(f"--direction {text} leads nowhere: one of its numbers has to differ from 0")
    return moves


def _higher(
    request: Request,
    output: Output,
    *,
    order: int,
    direction: dict[str, float] | None,
    wrt: list[str] | None,
    methods: tuple[str, ...],
    taylor: bool,
) -> int:
    from ..api.higher import higher
    from ..render.higher import document

    if direction is not None and wrt is not None:
        raise UsageError("--direction says by which inputs: leave --wrt out")
    if "complex-step" in methods:
        raise UsageError("--method complex-step is for the gradient", hint="symbolic, reverse and finite")
    graph, chosen = request.graph, output.format
    methods = tuple("reverse" if m == "forward" else m for m in methods)
    if chosen == "value":
        methods = methods or ("reverse",)
        _check_bound(request, wrt)
    report = higher(
        graph, request.values, order=order, direction=direction, wrt=wrt, methods=methods,
        large=request.large, taylor=taylor,
    )  # fmt: skip
    output.show(document(report, digits=output.digits))
    output.tell(graph, report.warnings, report.notes)
    return 1 if report.agree is False else 0
