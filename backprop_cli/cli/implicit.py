"""``backprop grad`` of equations: curves that no name is given to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..errors import NO, NO_SUCH_NUMBER, UsageError
from .common import number
from .output import Output
from .request import Request

if TYPE_CHECKING:
    from ..language.equations import Equations


def differentiate_equations(
    equations: Equations,
    request: Request,
    output: Output,
    *,
    solve: list[str] | None,
    wrt: list[str] | None,
    order: int,
    rates: Sequence[str],
    inverse: bool,
    refused: dict[str, Any],
) -> int:
    """Print what equations say of the slopes of their variables.

    Args:
        equations: The equations, whose variables are bound.
        request: The request.
        output: Where to.
        solve: Variables that are functions of the others.
        wrt: Variables to differentiate by.
        order: 1 or 2.
        rates: ``x=2`` each.
        inverse: x is asked for by y, of ``y = f(x)``.
        refused: Options of expressions alone, and whether they are given.
    """
    from ..api.implicit import implicit_of
    from ..render.implicit import document

    for option, given in refused.items():
        if given:
            raise UsageError(f"{option} is for expressions, and this is an equation")
    if request.ranges or request.points is not None:
        raise UsageError("an equation is differentiated at one point")
    report = implicit_of(
        equations,
        request.values,
        solve=solve,
        wrt=wrt,
        order=order,
        rates=_rates(rates) or None,
        inverse=inverse,
    )
    if output.format == "value" and report.inputs is None:
        raise UsageError("--format value needs a point: values for the variables")
    output.show(document(report, digits=output.digits))
    output.tell(request.graph, (), report.notes)
    if report.agree is False:
        return NO
    return 0 if report.exists else NO_SUCH_NUMBER


def explain_equation(
    equations: Equations,
    request: Request,
    output: Output,
    *,
    wrt: list[str] | None,
    refused: dict[str, Any],
) -> int:
    """Print how an equation of two variables is differentiated on paper.

    Args:
        equations: The equation, whose variables are bound.
        request: The request.
        output: Where to.
        wrt: The variable to differentiate by.
        refused: Options of expressions alone, and whether they are given.
    """
    from ..api.implicit import implicit_of
    from ..explanation.steps import derive_sides
    from ..render.explain_equation import document

    for option, given in refused.items():
        if given:
            raise UsageError(f"{option} is for expressions, and this is an equation")
    if len(equations.graphs) > 1 or len(equations.unknowns) != 2 or (wrt and len(wrt) != 1):
        raise UsageError(
            "explain takes one equation of two variables", hint="backprop grad --solve takes the others"
        )
    report = implicit_of(equations, request.values, wrt=wrt)
    first = report.slopes[0]
    told = derive_sides(equations.graph, equations.leaves[0], first.of, first.by)
    output.show(document(told, report, digits=output.digits))
    output.tell(request.graph, (), report.notes)
    return NO if report.agree is False else NO_SUCH_NUMBER if first.why else 0


def _rates(texts: Sequence[str]) -> dict[str, float]:
    from ..language.tokens import plain_name

    rates: dict[str, float] = {}
    for text in (part for whole in texts for part in whole.split(",")):
        name, equals, value = text.partition("=")
        name = plain_name(name.strip())
        if not equals or not name or not value.strip():
            raise UsageError(f"--rate {text}: a rate is NAME=NUMBER", hint="--rate x=2 says dx/dt = 2")
        if name in rates:
            raise UsageError(f"--rate: {name} is given twice")
        rates[name] = number(f"--rate {name}", value)
    return rates
