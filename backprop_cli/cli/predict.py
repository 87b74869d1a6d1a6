"""``backprop predict``: rows in, rows with predictions out."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from .command import HELP, Documented
from .common import engine_option, table_options
from .output import Output, choose_format, destination, encoding_of

if TYPE_CHECKING:
    from ..tables.dialect import Dialect

FORMATS = ("csv", "tsv", "json", "value", "table")
ENDINGS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".txt": "table",
}


@click.command("predict", cls=Documented, context_settings=HELP)
@click.argument("model", metavar="MODEL")
@click.argument("rows", required=False)
@click.option(
    "--format",
    "format_",
    type=click.Choice(FORMATS),
    help="How to print; the default is a table at a terminal, else the kind of ROWS: csv, tsv, json.",
)
@click.option("-o", "output", metavar="FILE", help="Write to a file, the format by its ending.")
@click.option(
    "--digits",
    type=click.IntRange(1, 17),
    help="Significant digits.  [default: 6 in tables, else all that a number has]",
)
@click.option(
    "--probabilities/--no-probabilities",
    default=True,
    show_default=True,
    help="Add a column with the probability of each class.",
)
@click.option("--layer", metavar="NAME", help="Give what this layer makes of each row, not predictions.")
@click.option(
    "--sample",
    type=click.IntRange(1, 1_000_000),
    metavar="N",
    help="Of a model that learned from a text: go on with N characters.",
)
@click.option(
    "--start", metavar="TEXT", help="What --sample goes on from.  [default: the beginning of a line]"
)
@click.option(
    "--temperature",
    type=click.FloatRange(0.0),
    help="What --sample divides logits by; 0 takes the likeliest character.  [default: 1]",
)
@click.option("--seed", type=click.IntRange(0), help="Of what --sample draws.  [default: 0]")
@click.option("--strict", is_flag=True, help="Stop at the first row without a prediction.")
@engine_option("What computes")
@table_options
@click.option("-q", "--quiet", is_flag=True, help="No notes or warnings.")
def command(
    model: str,
    rows: str | None,
    format_: str | None,
    output: str | None,
    digits: int | None,
    probabilities: bool,
    layer: str | None,
    sample: int | None,
    start: str | None,
    temperature: float | None,
    seed: int | None,
    strict: bool,
    quiet: bool,
    engine: str | None,
    dialect: Dialect | None,
) -> int:
    """Append a model's predictions to ROWS: a CSV, TSV, JSON Lines, npz or npy file, or - for stdin.

    ROWS needs the columns that the model learned from, by name, in any order; all its columns are kept.
    The columns of an array that has no names stand in the model's order.
    Rows are answered as they come, in bounded memory. A row that cannot be answered gets empty cells and
    its reason in the last column, error. Exit status: 0 answered, 2 the input is wrong, 3 some rows have no
    prediction, 4 reading or writing failed.
    """
    from .training import use_threads

    use_threads(1)
    from ..errors import ANSWERED, NO_SUCH_NUMBER, UsageError
    from ..render.predictions import PredictionWriter
    from ..render.terminal import at_terminal
    from ..training.data import open_rows
    from ..training.model import Model
    from ..training.predictor import Predictor, has_probabilities
    from ..training.sampling import goes_on, is_of_text

    if sample is None:
        for name, given in (("start", start), ("temperature", temperature), ("seed", seed)):
            if given is not None:
                raise UsageError(f"--{name} goes with --sample", hint="--sample 60")
    elif rows is not None:
        raise UsageError("--sample goes on with a text: it takes no ROWS", hint="--start TEXT")
    else:
        warmth = 1.0 if temperature is None else temperature
        found = goes_on(Model.load(model, engine or "numpy"), sample, warmth, start or "", seed or 0)
        with destination(output) as stream:
            stream.write(f"{start or ''}{found}\n".encode())
        return ANSWERED
    note = Output(quiet=quiet).note
    chosen = choose_format(format_, output, endings=ENDINGS, otherwise="")
    if rows is None:
        if sys.stdin is not None and sys.stdin.isatty():
            raise UsageError("no rows", hint="give a file, or pipe rows in: backprop predict MODEL rows.csv")
        rows = "-"
    trained = Model.load(model, engine or "numpy")
    if is_of_text(trained):
        raise UsageError("the model goes on with a text, and answers no rows", hint="--sample 60")
    predictor = Predictor(trained, probabilities, layer)
    if probabilities and layer is None and trained.classes is not None and not has_probabilities(trained):
        note(f"note: trained with {trained.config.loss.type}, the model has scores but no probabilities")
    failed = count = 0
    dialect = dialect or trained.config.data.dialect
    data = trained.config.data
    with open_rows(rows, predictor.encoding, dialect, data) as source, destination(output) as stream:
        if not chosen:
            kind = "json" if source.kind == "jsonl" else source.kind
            chosen = "table" if output is None and at_terminal() else kind
        writer = PredictionWriter(
            chosen, stream, predictor, source.names,
            digits=digits, encoding=encoding_of(output), to_file=output is not None,
        )  # fmt: skip
        for block, answers in predictor.answers(source, strict):
            writer.block(block, answers)
            failed += sum(reason is not None for reason in answers.errors)
            count += block.rows
        writer.close()
        error = predictor.columns(source.names)[1]
    if not failed:
        return ANSWERED
    where = f"the column {error} says why" if chosen != "value" else "an empty line stands for each number"
    note(f"warning: {failed:,} of {count:,} rows have no prediction; {where}")
    return NO_SUCH_NUMBER
