"""``backprop evaluate``: how good a model is on rows whose answers are known."""

from __future__ import annotations

from typing import Any

import click

from .command import HELP
from .common import answers
from .output import Output

FORMATS = ("table", "json", "csv", "tsv", "markdown")


@click.command(
    "evaluate",
    context_settings=HELP,
    epilog="Examples: backprop evaluate runs/iris/model.safetensors; "
    "backprop evaluate runs/iris/model.safetensors new.csv --format json",
)
@click.argument("model")
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
@click.option("-q", "--quiet", is_flag=True, help="No notes or warnings.")
@answers(None, FORMATS)
def command(output: Output, model: str, file: str | None) -> int:
    """Judge a model on the rows of FILE (CSV, TSV, JSON Lines, npz; - is stdin), which has the target too.

    For classes: accuracy, the confusion matrix, precision, recall and F1 of every class. For numbers:
    mean, root mean square and largest error, R2 and bias, of every output. Without FILE the rows are
    those that the model's own config kept from training: the test split, else the validation split.
    """
    from .training import use_threads

    use_threads(1)
    import numpy as np

    from ..errors import NoSuchNumber, UsageError
    from ..render.evaluation import Subject, document
    from ..training.data import load_labelled
    from ..training.metrics import evaluate
    from ..training.model import Model
    from ..training.predictor import has_probabilities

    if output.format not in FORMATS:
        raise UsageError(f"evaluate does not write {output.format}", hint=f"formats: {', '.join(FORMATS)}")
    trained = Model.load(model)
    if file is None:
        rows, where = _held_out(trained, model)
        output.note(f"note: no FILE, so these are {where}")
    else:
        rows = load_labelled(file, trained.encoding, trained.config.data.missing)
        where = "<stdin>" if file == "-" else file
    outputs = trained.predict(rows.inputs)
    finite = np.isfinite(outputs).all(axis=1)
    if not finite.all():
        raise NoSuchNumber(f"the prediction for row {finite.argmin() + 1} is too large for a number")
    with np.errstate(all="ignore"):
        found = evaluate(
            outputs,
            rows.targets,
            "classification" if trained.classes is not None else "regression",
            trained.classes or trained.outputs,
            trained.loss(rows.inputs, rows.targets),
            probabilities=has_probabilities(trained),
        )
    subject = Subject(model, where, trained.config.loss.type)
    output.show(document(found, subject, digits=output.digits))
    return 0


def _held_out(trained: Any, model: str) -> tuple[Any, str]:
    """Return the rows that a model's own config keeps from training, and which they are."""
    from ..errors import BackpropError, UsageError
    from ..training.data import Rows
    from ..training.model import problem_of

    data = trained.config.data
    give = "give a file: backprop evaluate MODEL rows.csv"
    part = next(
        (
            name
            for name in ("test", "validation")
            if getattr(data, f"{name}_split") or getattr(data, f"{name}_path") is not None
        ),
        None,
    )
    if part is None:
        raise UsageError("the model was trained on all rows: its config holds none back", hint=give)
    try:
        problem = problem_of(trained, model)
    except BackpropError as error:
        error.hint = error.hint or give
        raise
    rows = problem.test if part == "test" else problem.validation
    assert rows is not None
    source = getattr(data, f"{part}_path")
    if source is not None:
        return Rows(rows.encoded, rows.answers), source
    whole = data.path or (f"the built-in {data.dataset}" if data.dataset else "the rows in the config")
    return Rows(rows.encoded, rows.answers), f"the {part} split of {whole}"
