"""``backprop ops``: the registry."""

from __future__ import annotations

import click

from ..errors import UsageError, nearest
from .command import HELP, Documented
from .common import answers
from .output import Output


@click.command("ops", cls=Documented, context_settings=HELP)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--format",
    "format_",
    type=click.Choice(("table", "json", "csv", "tsv", "markdown")),
    help="How to print.",
)
@click.option("--tensors", is_flag=True, help="Those that networks are lowered to, not for expressions.")
@click.option("--arrays", is_flag=True, help="Those over vectors and matrices alone.")
@click.option("-o", "output", metavar="FILE", help="Write to a file, the format by its ending.")
@answers("ops")
def command(output: Output, names: tuple[str, ...], tensors: bool, arrays: bool) -> int:
    """List every primitive, or those named: derivative, domain, kinks and conventions."""
    from ..ops import ALIASES, PRIMITIVES, Primitive
    from ..ops.matrices import written_rows
    from ..ops.tensor import TENSORS
    from ..render.registry import document, listed

    if tensors and arrays:
        raise UsageError("--tensors and --arrays are two groups: one of them")
    over_arrays = written_rows()
    groups: list[Primitive] = [*TENSORS.values()] if tensors else [*over_arrays] if arrays else listed()
    rows: list[Primitive] = [] if names else groups
    below = [] if names or tensors or arrays else over_arrays
    signs = {row.infix: name for name, row in reversed(PRIMITIVES.items()) if row.infix}
    every = {**TENSORS, **{row.name.removesuffix(" of an array"): row for row in over_arrays}, **PRIMITIVES}
    for name in names:
        known = ALIASES.get(name) or signs.get(name) or name
        if known not in every:
            close = nearest(name, [*every, *ALIASES])
            raise UsageError(
                f"no primitive {name}", hint=f"did you mean {close}?" if close else "backprop ops lists all"
            )
        rows.append(every[known])
    output.show(document(rows, detailed=bool(names), below=below))
    return 0
