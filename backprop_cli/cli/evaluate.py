"""``backprop evaluate``: how good a model is on rows whose answers are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .command import HELP, Documented
from .common import answers, engine_option, number, table_options
from .output import Output

if TYPE_CHECKING:
    from ..tables.dialect import Dialect

FORMATS = ("table", "json", "csv", "tsv", "markdown")


@click.command("evaluate", cls=Documented, context_settings=HELP)
@click.argument("model", metavar="MODEL")
@click.argument("file", required=False)
@click.option("--format", "format_", type=click.Choice(FORMATS), help="How to print; the default is table.")
@click.option("-o", "output", metavar="FILE", help="Write to a file, the format by its ending.")
@click.option(
    "--digits",
    type=click.IntRange(1, 17),
    default=4,
    show_default=True,
    help="Decimals of shares and significant digits of errors, in tables.",
)
@click.option(
    "--threshold",
    metavar="P",
    help="Of two classes: the probability of the second above which it is the answer.",
)
@click.option(
    "--episodes",
    type=click.IntRange(1, 1_000_000),
    help="Of a model that acts in an environment: how many it plays.  [default: 100]",
)
@engine_option("What computes")
@table_options
@click.option("-q", "--quiet", is_flag=True, help="No notes or warnings.")
@answers(None, FORMATS)
def command(
    output: Output,
    model: str,
    file: str | None,
    dialect: Dialect | None,
    threshold: str | None,
    engine: str | None,
    episodes: int | None,
) -> int:
    """Judge a model on the rows of FILE (CSV, TSV, JSON Lines, npz; - is stdin), which has the target too.

    For classes: accuracy, the confusion matrix, precision, recall and F1 of every class. For numbers:
    mean, root mean square and largest error, R2 and bias, of every output. Without FILE the rows are
    those that the model's own config kept from training: the test split, else the validation split.
    A model that acts in an environment plays episodes: mean, deviation, least and most of their returns.
    """
    from .training import use_threads

    use_threads(1)
    from ..api.evaluation import Evaluated, judged
    from ..errors import UsageError

    if output.format not in FORMATS:
        raise UsageError(f"evaluate does not write {output.format}", hint=f"formats: {', '.join(FORMATS)}")
    part = None if threshold is None else number("--threshold", threshold)
    found = judged(model, file, dialect, part, engine or "numpy", episodes)
    if isinstance(found, Evaluated) and file is None:
        output.note(f"note: no FILE, so these are {found.source}")
    output.show(found.document(output.digits))
    return 0
