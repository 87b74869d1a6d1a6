"""``backprop trace``: one training step written out in full."""

from __future__ import annotations

import click

from ..errors import ANSWERED, NO_SUCH_NUMBER, UsageError, counted
from .command import HELP, Documented
from .common import answers
from .output import Output

FORMATS = ("table", "markdown", "latex", "json")


@click.command("trace", cls=Documented, context_settings=HELP)
@click.argument("config", metavar="CONFIG")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option(
    "--at-step",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="K",
    help="Write out the K-th update; those before it are made first.",
)
@click.option(
    "--row",
    type=click.IntRange(1),
    metavar="K",
    help="Write out the K-th row of the batch.  [default: the first]",
)
@click.option("--layer", metavar="NAME", help="Write out one layer alone, such as linear1.")
@click.option(
    "--step",
    type=click.IntRange(0),
    metavar="T",
    help="Of a program over steps [t]: write out step T of its loop alone.",
)
@click.option("--table", is_flag=True, help="List the nodes of the network's graph instead; for any size.")
@click.option(
    "--digits",
    type=click.IntRange(1, 17),
    default=6,
    show_default=True,
    help="Significant digits; with --round-each, decimals.",
)
@click.option("--round-each", is_flag=True, help="Round every result to --digits decimals, as on paper.")
@click.option("--format", "format_", type=click.Choice(FORMATS), help="How to print; the default is table.")
@click.option("-o", "output", metavar="FILE", help="Write to a file, the format by its ending.")
@click.option("-q", "--quiet", is_flag=True, help="No notes.")
@answers("trace", FORMATS)
def command(
    output: Output,
    config: str,
    overrides: tuple[str, ...],
    at_step: int,
    row: int | None,
    layer: str | None,
    step: int | None,
    table: bool,
    round_each: bool,
) -> int:
    """One training step of CONFIG, written out as on paper.

    The value of every unit, the loss term by term, every delta, every dE/dw as its product, every
    update. KEY=VALUE overrides a key of the config. Nothing is trained or saved.
    """
    if table and (round_each or any(given is not None for given in (layer, row, step))):
        raise UsageError(
            "--table lists the nodes of the whole batch: no --layer, --row, --step or --round-each"
        )
    from .training import use_threads

    use_threads(1)
    from ..render.trace import document, table_document
    from ..training import trace
    from ..training.node_table import node_table
    from ..training.problem import assembled

    with assembled(config, overrides) as problem:
        if problem.dropped:
            left_out = counted(problem.dropped, "row")
            output.note(f"note: left out {left_out} with missing values (data.missing)")
        for text in problem.notes:
            output.note(f"note: {text}")
        if table:
            nodes = node_table(problem, at_step=at_step)
            output.show(table_document(nodes, digits=output.digits))
            return 0
        decimals = output.digits if round_each else None
        found = trace.write_out(problem, at_step=at_step, row=row, layer=layer, step=step, decimals=decimals)
    output.show(document(found, digits=output.digits))
    for text in found.notes:
        output.note(f"note: {text}")
    return ANSWERED if found.step.after is not None else NO_SUCH_NUMBER
