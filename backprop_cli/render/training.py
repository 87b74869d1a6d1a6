"""A training for people and programs: what is trained, how it goes, what came out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from math import isfinite, prod
from shlex import quote
from typing import Any

from ..errors import counted, printable
from ..language.numbers import brief, rounded, scientific
from ..networks.network import LayerNetwork
from ..networks.programmed import ProgramNetwork
from ..optimization.fit import FitResult
from ..training import schema
from ..training.alarms import Alarm
from ..training.config import resolved
from ..training.config.acting import METHODS
from ..training.fitting import Fitting
from ..training.folder import MODEL
from ..training.gradcheck import CheckedParameter
from ..training.model import versions
from ..training.problem import Problem
from ..training.run import Run
from ..training.schema import Data
from ..training.tabular import Tabular, ValueIteration
from .document import Document, Facts
from .page import Block, Column, Grid, Heading, Kind, Lines

SCHEMA = 1
MOST_STATES = 50
"""States of a table that is shown."""


def layer_rows(problem: Problem) -> list[dict[str, Any]]:
    """Return every layer with the shape of a row after it and how many parameters it has."""
    network = problem.network
    counts: dict[str, int] = {}
    for p in network.parameters:
        counts[p.layer] = counts.get(p.layer, 0) + prod(p.shape)
    if isinstance(network, ProgramNetwork):
        return [
            {
                "name": line.name,
                "type": line.text,
                "shape": list(line.shape),
                "parameters": sum(prod(p.shape) for p in network.parameters if p.name in line.reads),
            }
            for line in network.lines()
        ]
    if not isinstance(network, LayerNetwork):
        return [
            {
                "name": problem.config.model.formula,
                "type": "formula",
                "shape": [],
                "parameters": len(network.parameters),
            }
        ]
    return [
        {
            "name": piece.name,
            "type": piece.layer.words,
            "shape": list(piece.after),
            "parameters": counts.get(piece.name, 0),
        }
        for piece in network.pieces
    ]


def data_line(problem: Problem) -> str:
    """Return ``4 features, 3 classes: 90 training, 30 validation, 30 test rows``."""
    environment = problem.config.environment
    if environment is not None:
        numbers = counted(len(problem.encoding.names), "number")
        own = "" if environment.name == problem.config.name else f"{environment.name}, "
        return f"{own}{numbers} a state, {counted(len(problem.classes or ()), 'action')}"
    targets = len(problem.encoding.targets)
    what = counted(len(problem.encoding.names), "feature")
    kinds = f"{len(problem.classes)} classes" if problem.classes else counted(targets, "target")
    parts = [
        f"{len(rows):,} {name}"
        for name, rows in (
            ("training", problem.train),
            ("validation", problem.validation),
            ("test", problem.test),
        )
        if rows is not None
    ]
    last = "row" if parts == ["1 training"] else "rows"
    done = f"; {', '.join(problem.automatic)}" if problem.automatic else ""
    if problem.encoding.folding is not None:
        lengths = problem.train.sample.lengths
        steps = f"{problem.encoding.shape[0]}" if lengths is None else f"{lengths.min()} to {lengths.max()}"
        signs = problem.encoding.vocabulary
        what = what if signs is None else f"of {len(signs)} kinds"
        noun = "character" if problem.entropies else "step"
        what = f"sequences of {steps} {noun}{'s' * (steps != '1')}, {what}"
    return f"{what}, {kinds}: {', '.join(parts)} {last}{done}"


def setup(problem: Problem) -> list[Block]:
    """Return what will be trained on what."""
    rows = [
        [r["name"], r["type"], "x".join(map(str, r["shape"])) or "1", f"{r['parameters']:,}"]
        for r in layer_rows(problem)
    ]
    total = sum(prod(p.shape) for p in problem.network.parameters)
    frozen = sum(prod(p.shape) for p in problem.network.parameters if not p.trained)
    config = problem.config
    optimizer: Any = config.optimizer
    size = config.training.batch_size
    batch = f"all {len(problem.train):,} rows at once" if size == "full" else f"batches of {size}"
    batch = "the one row" if len(problem.train) == 1 else batch
    training = config.training
    if problem.world is not None:
        batch = "all states" if training.batch is None else f"{counted(training.batch, 'episode')} a round"
    rate = getattr(optimizer, "learning_rate", None)
    how = f"{optimizer.__struct_config__.tag}" + (f" at {rounded(rate, 6)}" if rate is not None else "")
    plan = f"{batch}, {counted(training.rounds, training.round)}, seed {config.seed}, {config.dtype}"
    formulas = [name for name in problem.encoding.targets if name in problem.encoding.formulas]
    several = problem.units is not None and len(problem.encoding.targets) > 1  # in no unit of theirs
    learned = [["method", ", ".join(_method(training))]] if problem.world is not None else []
    ways = [
        *learned,
        [
            "loss",
            f"{config.loss.formula or config.loss.type}"
            + (", weighted by advantages" if training.method == "reinforce" else "")
            + (", of standardised targets" if several else "")
            + (f", of {', '.join(formulas)}, which predict undoes" if formulas else ""),
        ],
        ["optimizer", f"{how}, {plan}"],
        ["parameters", f"{total:,}" + (f", {frozen:,} of them frozen" if frozen else "")],
    ]
    if problem.entropies:
        known = ", ".join(f"{name} {x:.6f}" for name, x in problem.entropies.items())
        ways.append(["baselines", f"{known} nats: entropies of the n-grams of the text"])
    heads = ("statement", "computes") if isinstance(problem.network, ProgramNetwork) else ("layer", "type")
    columns = [*map(Column, heads), Column("output", "number"), Column("parameters", "number")]
    head = Heading(f"{printable(config.name or 'run')}: {data_line(problem)}")
    return [head, Grid(columns, rows), Grid([Column("", "word"), Column("", "prose")], ways, bare=True)]


def _method(training: schema.Training) -> Iterator[str]:
    """Yield how an environment is learned."""
    yield str(training.method)
    for key in METHODS[training.method or ""]:
        if key not in ("episodes", "batch"):  # these stand beside the optimizer
            value = getattr(training, key)
            yield f"{key} {value if isinstance(value, str) else brief(value)}"


def _worth(training: Tabular) -> Iterator[Block]:
    """Yield what each action is worth in each state, and what the best one is by solving."""
    problem, solved = training.problem, training.solved
    actions = problem.classes or []
    if len(training.worth) > MOST_STATES:
        return
    rows = [
        [
            name.partition("=")[2] or name,
            *(rounded(float(x), 6) for x in worth),
            actions[int(worth.argmax())],
            "-" if solved is None else rounded(float(solved[state]), 6),
        ]
        for state, (name, worth) in enumerate(zip(problem.encoding.names, training.worth, strict=True))
    ]
    numbers = (Column(name, "number") for name in actions)
    yield Grid([Column("state"), *numbers, Column("best"), Column("solved", "number")], rows)
    says = "solved: the value where the best actions are taken, (I - discount*P)^-1 r"
    yield Lines([says], most=None, near=True)


def epoch_text(values: Mapping[str, float], epochs: int, word: str = "epoch") -> str:
    """Return one epoch as a line for a log; ``word`` is what it is called."""
    epoch = int(values["epoch"])
    parts = [
        f"{name} {rounded(v, 5)}" for name, v in values.items() if name not in ("epoch", "learning_rate")
    ]
    return f"{word} {epoch:>{len(str(epochs))}}/{epochs}  " + "  ".join(parts)


def is_logged(epoch: int) -> bool:
    """Whether a piped run says anything about an epoch: 1, 2, 3, 5, 10, 20, 30, 50, ..."""
    return str(epoch).rstrip("0") in ("1", "2", "3", "5")


def alarm_text(alarm: Alarm) -> str:
    """Return an alarm and what may help."""
    return f"alarm: {alarm.says}\n  hint: {alarm.hint}"


def ending(run: Run) -> str:
    """Say when and why the run ended, and which epoch was the best."""
    progress, config = run.training.progress, run.problem.config
    epochs, word = config.training.rounds, config.training.round
    text = (
        f"{counted(progress.epoch, word)} of {epochs:,}" if progress.ended else counted(progress.epoch, word)
    )
    text += f": {progress.ended}" if progress.ended else ""
    if progress.best is not None and epochs > 1 and not isinstance(run.training, ValueIteration):
        keep = config.training.keep
        back = ", whose parameters are kept" if keep == "best" else ""
        if keep == "refit":
            again = f"{counted(len(run.final.train), 'row')} for {counted(progress.best_epoch, 'epoch')}"
            back = f"; then trained anew on all {again} (validation is from before)"
        text += (
            f"; best {run.training.monitor} {rounded(progress.best, 5)} in {word} {progress.best_epoch}{back}"
        )
    return text


def document(run: Run, seconds: float) -> Document:
    """Return what came out of a run, to be written."""
    return Document(page=lambda: _page(run, seconds), facts=lambda: Facts(_summary(run, seconds), "compact"))


def _page(run: Run, seconds: float) -> Iterator[Block]:
    yield from setup(run.problem)
    if isinstance(run.training, Fitting) and run.training.result:
        yield from _fit(run.training.result, run.problem.config.data)
    names = list(dict.fromkeys(n for values in run.results.values() for n in values))
    rows = [[name, *(rounded(v[n], 5) if n in v else "" for n in names)] for name, v in run.results.items()]
    yield Grid(
        [
            Column("set" if run.problem.world is None else "policy"),
            *(Column(name, "number") for name in names),
        ],
        rows,
    )
    if isinstance(run.training, Tabular):
        yield from _worth(run.training)
    for alarm in run.ending:
        yield Lines([alarm.says], most=None)
    better = run.better
    if better is not None:
        second = (run.problem.classes or [])[1]
        yield Lines(
            [
                f"threshold: {brief(better.threshold)} would bring the F1 of '{printable(second)}' on the"
                f" validation rows from {rounded(better.now, 3)} to {rounded(better.f1, 3)}"
            ],
            most=None,
        )
    given = "--sample 200" if run.problem.entropies else "FILE"
    after = f"next: backprop evaluate {quote(run.folder)}, backprop predict {quote(run.folder)} {given}"
    yield Lines([ending(run), f"time: {seconds:.1f} s", f"model: {run.path(MODEL)}", after], most=None)


def _fit(fit: FitResult, data: Data) -> Iterator[Block]:
    """Yield fitted parameters with their standard errors."""
    rows = []
    for name, value in fit.parameters.items():
        error = fit.standard_errors[name]
        share = f"{brief(100.0 * error / abs(value), 2)} %" if error is not None and value else "-"
        rows.append([name, rounded(value, 8), "-" if error is None else rounded(error, 4), share])
    numbers = [Column(title, "number") for title in ("value", "standard error", "relative")]
    yield Grid([Column("parameter"), *numbers], rows)
    deviation, lines = fit.residual_deviation, []
    if deviation is not None:
        free = counted(fit.degrees_of_freedom, "degree") + " of freedom"
        told = f"standard deviation {rounded(deviation, 5)}"
        if data.sigma is not None:
            told = f"chi-squared {rounded(fit.squares, 5)}"
            by = "sigma" if data.absolute_sigma else f"sigma times {rounded(deviation, 5)}"
            free += f", {rounded(fit.squares / fit.degrees_of_freedom, 5)} for each; standard errors by {by}"
        elif data.weights is not None:
            told += " of a row of weight 1"
        lines.append(f"residuals: {told}, {free}")
    if fit.starts is not None:
        lines.append(f"starts: {fit.starts.reached} of {fit.starts.tried} came to this minimum, the lowest")
    if lines:
        yield Lines(lines, most=None)
    for text in (fit.warning, None if fit.converged else f"not converged: {fit.reason}"):
        if text:
            yield Lines([text], most=None, near=True)


def fit_dict(fit: FitResult) -> dict[str, Any]:
    """Return a fit for JSON; what is not determined is null."""
    return {
        "parameters": fit.parameters,
        "standard_errors": fit.standard_errors,
        "covariance": [[x if isfinite(x) else None for x in row] for row in fit.covariance.tolist()],
        "residual_deviation": fit.residual_deviation,
        "squares": fit.squares,
        "degrees_of_freedom": fit.degrees_of_freedom,
        "converged": fit.converged,
        "reason": fit.reason,
        "warning": fit.warning,
        "better": fit.better,
        "starts": None if fit.starts is None else fit.starts._asdict(),
    }


def summary(run: Run, seconds: float) -> Facts:
    """Return what the folder of a run keeps of it: what came out, of which config, with what, when."""
    changes = [
        {"epoch": epoch, "key": key, "before": before, "after": after}
        for epoch, key, before, after in run.changes
    ]
    more = {
        "changes": changes,
        "versions": versions(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "config": resolved(run.problem.config),
    }
    return Facts(_summary(run, seconds) | more, "document")


def _summary(run: Run, seconds: float) -> dict[str, Any]:
    """Return the JSON object; see ``docs/training.md``."""
    problem, progress = run.problem, run.training.progress
    fit = run.training.result if isinstance(run.training, Fitting) else None
    sets = {"training": problem.train, "validation": problem.validation, "test": problem.test}
    return {
        "schema": SCHEMA,
        "name": problem.config.name,
        "task": problem.task,
        "classes": problem.classes,
        "features": problem.encoding.names,
        "rows": {name: len(rows) for name, rows in sets.items() if rows is not None and not problem.world},
        "layers": layer_rows(problem),
        "parameters": sum(prod(p.shape) for p in problem.network.parameters),
        "epochs": progress.epoch,
        "ended": progress.ended or None,
        "monitor": run.training.monitor,
        "best": progress.best,
        "best_epoch": progress.best_epoch,
        "results": run.results,
        "better_threshold": None if run.better is None else run.better._asdict(),
        "fit": fit_dict(fit) if fit else None,
        "alarms": [alarm._asdict() for alarm in run.alarms.raised],
        "seconds": seconds,
        "folder": run.folder,
        "model": run.path(MODEL),
    }


def checked_grid(checked: Sequence[CheckedParameter]) -> Grid:
    """Return the comparison of reverse mode with finite differences."""
    rows = [
        [
            c.name,
            f"{c.numbers:,}",
            scientific(c.difference, 2),
            f"[{', '.join(map(str, c.worst))}]" if c.worst else "",
            f"{c.kinks:,}",
            "agree" if c.agree else "disagree",
        ]
        for c in checked
    ]
    kinds: dict[str, Kind] = {
        "parameter": "text",
        "numbers": "number",
        "difference": "number",
        "worst at": "text",
        "at kinks": "number",
        "verdict": "text",
    }
    return Grid([Column(title, kind) for title, kind in kinds.items()], rows)
