"""``backprop predict``: rows in, rows with predictions out."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from .command import HELP
from .output import Output, choose_format, destination, encoding_of

if TYPE_CHECKING:
    from ..tables.write import Writer

FORMATS = ("csv", "tsv", "json", "value", "table")
ENDINGS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".txt": "table",
}


@click.command(
    "predict",
    context_settings=HELP,
    epilog="Examples: backprop predict runs/iris/model.safetensors new.csv; "
    "tail -n +1 -f log.csv | backprop predict runs/iris/model.safetensors -",
)
@click.argument("model")
@click.argument("rows", required=False)
@click.option(
    "--format",
    "format_",
    type=click.Choice(FORMATS),
    help="How to print; the default is the kind of ROWS: csv, tsv or json (JSON Lines).",
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
@click.option("--strict", is_flag=True, help="Stop at the first row without a prediction.")
@click.option("-q", "--quiet", is_flag=True, help="No notes or warnings.")
def command(
    model: str,
    rows: str | None,
    format_: str | None,
    output: str | None,
    digits: int | None,
    probabilities: bool,
    strict: bool,
    quiet: bool,
) -> int:
    """Append a model's predictions to ROWS: a CSV, TSV or JSON Lines file, or - for stdin.

    ROWS needs the columns that the model learned from, by name, in any order; all its columns are kept.
    Rows are answered as they come, in bounded memory. A row that cannot be answered gets empty cells and
    its reason in the last column, error. Exit status: 0 answered, 2 the input is wrong, 3 some rows have no
    prediction, 4 reading or writing failed.
    """
    from .training import use_threads

    use_threads(1)
    from ..errors import ANSWERED, NO_SUCH_NUMBER, UsageError
    from ..training.data import open_rows
    from ..training.model import Model
    from ..training.predictor import Predictor, has_probabilities

    note = Output(quiet=quiet).note
    chosen = choose_format(format_, output, endings=ENDINGS, otherwise="")
    if rows is None:
        if sys.stdin is not None and sys.stdin.isatty():
            raise UsageError("no rows", hint="give a file, or pipe rows in: backprop predict MODEL rows.csv")
        rows = "-"
    trained = Model.load(model)
    predictor = Predictor(trained, probabilities)
    if probabilities and trained.classes is not None and not has_probabilities(trained):
        note(f"note: trained with {trained.config.loss.type}, the model has scores but no probabilities")
    failed = count = 0
    with open_rows(rows, predictor.encoding) as source, destination(output) as stream:
        chosen = chosen or ("json" if source.kind == "jsonl" else source.kind)
        computed, error = predictor.columns(source.names)
        writer = _writer(chosen, stream, predictor, computed, error, digits, output)
        begun = False
        for block in source:
            answers = predictor.answer(block, strict)
            if not begun:  # only now: wrong input in the first block leaves stdout empty
                writer.header(source.names, computed)
                begun = True
            columns = dict(zip(computed, answers.columns, strict=True))
            if digits is not None and chosen != "table":
                columns = {name: _rounded(column, digits) for name, column in columns.items()}
            if chosen == "json" and block.kind != "jsonl":
                block = _with_numbers(block, predictor.encoding)
            writer.block(block, columns, answers.errors)
            stream.flush()
            failed += sum(reason is not None for reason in answers.errors)
            count += block.rows
        if not begun:
            writer.header(source.names, computed)
        writer.close()
    if not failed:
        return ANSWERED
    where = f"the column {error} says why" if chosen != "value" else "an empty line stands for each number"
    note(f"warning: {failed:,} of {count:,} rows have no prediction; {where}")
    return NO_SUCH_NUMBER


def _writer(
    format_: str,
    stream: BinaryIO,
    predictor: Any,
    computed: Sequence[str],
    error: str,
    digits: int | None,
    output: str | None,
) -> Writer:
    from ..render.writers.streams import Answers, PredictionTable
    from ..tables.write import csv_writer, jsonl_writer

    if format_ == "json":
        return jsonl_writer(stream, error=error)
    if format_ == "table":
        return PredictionTable(stream, digits or 6, error, encoding_of(output), output is not None)
    if format_ == "value":
        return Answers(stream, computed[: predictor.predictions], encoding_of(output))
    return csv_writer(stream, delimiter="," if format_ == "csv" else "\t", error=error)


def _rounded(column: Any, digits: int) -> list[Any]:
    """Return a column with so many significant digits."""
    return [float(f"{x:.{digits}g}") if isinstance(x, float) else x for x in list(column)]


def _with_numbers(block: Any, encoding: Any) -> Any:
    """Return a block of text in which the columns that the model reads as numbers are numbers."""
    from ..tables.block import Block
    from ..tables.text import MISSING, column_numbers

    words = {feature.text for feature in encoding.features if feature.categories is not None}
    numeric = [name for name in encoding.columns if name not in words]

    def value(cell: str) -> Any:
        found = column_numbers([cell.strip(" \t")])
        return None if cell.strip(" \t") in MISSING else cell if found is None else float(found[0])

    class Typed(Block):
        def cells(self) -> dict[str, list[object]]:
            cells: dict[str, list[object]] = block.cells()
            for name in numeric:
                column = [str(cell) for cell in cells[name]]
                found = column_numbers([cell.strip(" \t") for cell in column])
                # nan is written as null: no value
                cells[name] = found.tolist() if found is not None else [value(cell) for cell in column]
            return cells

    return Typed({}, block.rows, block.first_row, {}, block.names)
