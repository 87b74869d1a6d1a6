"""``backprop runs``: runs beside each other."""

from __future__ import annotations

import click

from .command import HELP, Documented
from .common import answers
from .output import Output

FORMATS = ("table", "json", "csv", "tsv", "markdown")


@click.command("runs", cls=Documented, context_settings=HELP)
@click.argument("folders", nargs=-1, metavar="[FOLDER]...")
@click.option("--format", "format_", type=click.Choice(FORMATS), help="How to print; the default is table.")
@click.option("-o", "output", metavar="FILE", help="Write to a file, the format by its ending.")
@click.option(
    "--digits",
    type=click.IntRange(1, 17),
    default=5,
    show_default=True,
    help="Significant digits in tables.",
)
@answers("runs", FORMATS)
def command(output: Output, folders: tuple[str, ...]) -> int:
    """Compare runs: those named, those in a folder that is named, or those in runs.

    How each ended, loss and metrics on the rows held out (test, else validation, else training), its
    alarms, and the keys of the config in which they differ. An unfinished run shows its last epoch.
    """
    from .training import use_threads

    use_threads(1)
    from ..api.runs import runs

    output.show(runs(*folders).document(output.digits))
    return 0
