"""``backprop export``: the same computation in other languages and frameworks."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import click

from ..errors import UsageError
from .command import Binding, ExpressionCommand
from .common import Request, notes_printer, tell, write_text

Note = Callable[[str], None]


@click.command(
    "export",
    cls=ExpressionCommand,
    epilog="Examples: backprop export '(a*b+c)*f' --a 3 --b -2 --c 8 --f -2 --to pytorch; "
    "backprop export --file loss.bp -o loss.c",
)
@click.option("--file", "file", metavar="PATH", help="Read the program from a file; - is stdin.")
@click.option(
    "--to",
    "target",
    metavar="TARGET",
    help="pytorch, jax, numpy, autograd, micrograd, sympy, casadi, c, python, latex or mermaid.  "
    "[default: by the ending of -o]",
)
@click.option("--wrt", metavar="NAMES", help="Differentiate by these inputs alone: a,b.")
@click.option("-o", "output", metavar="FILE", help="Write to a file.")
@click.option(
    "--digits",
    type=click.IntRange(1, 17),
    default=6,
    show_default=True,
    help="Significant digits of latex and mermaid.",
)
@click.option("--large", is_flag=True, help="Lift the limits on a program's size.")
@click.option("-q", "--quiet", is_flag=True, help="No notes or warnings.")
def command(
    expression: str | None,
    bindings: list[Binding],
    file: str | None,
    target: str | None,
    wrt: str | None,
    output: str | None,
    digits: int,
    large: bool,
    quiet: bool,
) -> int:
    """EXPRESSION as a program that computes value and gradient elsewhere, and asserts our numbers.

    The program is complete: run it, and it fails where the other framework disagrees.
    """
    from ..export import ENDINGS, RENDERED, TARGETS, export, program_of, target_named

    note = notes_printer(quiet)
    if file is None and expression is not None and expression.endswith((".yaml", ".yml", ".safetensors")):
        raise UsageError("export takes an expression; networks are not exported")
    known = (*TARGETS, *RENDERED)
    if target is None:
        target = ENDINGS.get(os.path.splitext(output or "")[1].lower())
        if target is None:
            raise UsageError("export needs a target: --to TARGET", hint=f"targets: {', '.join(known)}")
    target_named(target, known)
    request = Request(expression, bindings, file, large=large, points=None)
    if request.ranges:
        name = next(iter(request.ranges))
        raise UsageError(f"export is of one point: {name} is a range", hint=f"--{name} VALUE")
    names = [name.strip() for name in wrt.split(",")] if wrt is not None else None
    if target in RENDERED:
        text = _rendered(request, target, names, digits)
    else:
        text = export(program_of(request.graph, request.values, names), target)
    write_text(text, output)
    from ..differentiation.report import warnings_of

    tell(request.graph, note, warnings_of(request.graph), ())
    return 0


def _rendered(request: Request, target: str, wrt: list[str] | None, digits: int) -> str:
    """Return the computation as a document or drawing, with our numbers in it."""
    from ..differentiation.evaluate import bind
    from ..explanation.edges import GraphView
    from ..render.people import rounded

    bind(request.graph, request.values)
    view = GraphView(request.graph, request.values, wrt=wrt)

    def write(x: float) -> str:
        return rounded(x, digits)

    if target == "latex":
        from ..render.export_latex import document

        return document(view, write)
    from ..layout.drawing import graph_drawing
    from ..render.mermaid import mermaid
    from .graph import _title

    drawing: Any = graph_drawing(view, _title(view, write), write)
    return "".join(mermaid(drawing))
