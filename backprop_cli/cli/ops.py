"""``backprop ops``: the registry."""

from __future__ import annotations

import click

from ..errors import UsageError, nearest
from .command import HELP
from .common import answers
from .output import Output


@click.command("ops", context_settings=HELP)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--format",
    "format_",
    type=click.Choice(("table", "json", "csv", "tsv", "markdown")),
    help="How to print.",
)
@click.option("--tensors", is_flag=True, help="Those that networks are lowered to, not for expressions.")
@click.option("-o", "output", metavar="FILE", help="Write to a file, the format by its ending.")
@answers("ops")
def command(output: Output, names: tuple[str, ...], tensors: bool) -> int:
    """List every primitive, or those named: derivative, domain, kinks and conventions."""
    from ..ops import ALIASES, PRIMITIVES, Primitive
    from ..ops.tensor import TENSORS
    from ..render.registry import document, listed

    signs = {row.infix: name for name, row in reversed(PRIMITIVES.items()) if row.infix}
    rows: list[Primitive] = [] if names else [*TENSORS.values()] if tensors else listed()
    every = {**PRIMITIVES, **TENSORS}
    for name in names:
        known = ALIASES.get(name) or signs.get(name) or name
        if known not in every:
            close = nearest(name, [*every, *ALIASES])
            raise UsageError(
                f"no primitive {name}", hint=f"did you mean {close}?" if close else "backprop ops lists all"
            )
        rows.append(every[known])
    output.show(document(rows, detailed=bool(names)))
    return 0
