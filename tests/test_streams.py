"""Rows that are never all in memory (`data.stream`): the same network comes of them, and their order is kept.

The oracle is the run in memory; where an order cannot be the same, what is promised of it is counted.
"""

from __future__ import annotations

import json
import os
import tracemalloc
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Result

from backprop_cli.api.evaluation import judged
from backprop_cli.errors import BackpropError, DataError, FileError
from backprop_cli.tables.npz import rows_of
from backprop_cli.training import sets
from backprop_cli.training.config import loads
from backprop_cli.training.data import pieces, rows, streaming
from backprop_cli.training.loop import Training
from backprop_cli.training.metrics import METRICS, Tally, measure
from backprop_cli.training.problem import Problem, assemble
from backprop_cli.training.run import Run
from backprop_cli.training.sets import Stream
from backprop_cli.training.step import Made
from backprop_cli.training.units import Moments

ROWS = 230


def rng_of() -> np.random.Generator:
    return np.random.default_rng(5)


rng = pytest.fixture(rng_of, name="rng")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pieces of text are some 20 rows, so that all that is merged is merged."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(streaming, "PIECE_ROWS", 17)
    monkeypatch.setattr(pieces.Pieces.pieces, "__defaults__", (17,))
    monkeypatch.setattr(pieces.TextPieces.pieces, "__defaults__", (17,))
    monkeypatch.setattr(pieces.NpyPieces.pieces, "__defaults__", (17,))
    return tmp_path


def table(path: str, **more: Sequence[Any]) -> dict[str, Any]:
    """Write a table with columns of every kind, and return them."""
    rng = rng_of()
    x = np.round(rng.normal(3.0, 2.0, size=(ROWS, 3)), 4)
    columns: dict[str, Any] = {f"x{i}": x[:, i].tolist() for i in range(3)}
    columns["town"] = [("Arles", "Blois", "Cahors")[i % 3] for i in range(ROWS)]
    columns["gap"] = ["" if i % 11 == 3 else round(float(v), 3) for i, v in enumerate(x[:, 0] * x[:, 1])]
    columns["hole"] = ["NA" if i % 13 == 4 else "ab"[i % 2] for i in range(ROWS)]
    columns["w"] = [i % 4 for i in range(ROWS)]
    columns["day"] = [f"{1 + i % 28}.{1 + i % 12}.2{i % 900:03}" for i in range(ROWS)]
    columns["price"] = [f"€ {1000 + 7 * i:,}".replace(",", ".") for i in range(ROWS)]
    columns["p"], columns["q"] = [i % 5 / 4 for i in range(ROWS)], [1 - i % 5 / 4 for i in range(ROWS)]
    columns["kind"] = ["uvw"[int(abs(v)) % 3] for v in x[:, 1]]
    columns["y"] = np.round(x[:, 0] - 2.0 * x[:, 1] + 0.1 * rng.normal(size=ROWS), 4).tolist()
    columns |= more
    names = list(columns)
    cells = zip(*columns.values(), strict=True)
    if path.endswith(".jsonl"):
        lines = [json.dumps(dict(zip(names, row, strict=True))) for row in cells]
        Path(path).write_text("\n".join(lines) + "\n")
    elif path.endswith(".npy"):
        np.save(path, np.array([columns[f"x{i}"] for i in range(3)] + [columns["y"]]).T)
    else:
        sign = "\t" if path.endswith(".tsv") else ","
        text = [sign.join(names)] + [sign.join(map(str, row)) for row in cells]
        Path(path).write_text("\n".join(text) + "\n")
    return columns


def problem(data: str, more: str = "", **keys: Any) -> Problem:
    training = keys.pop("training", "{epochs: 3, batch_size: 16}")
    text = f"data: {{{data}}}\nmodel: {{hidden: [4]}}\ntraining: {training}\n{more}"
    return assemble(loads(text, "c.yaml"))


def trained(found: Problem) -> tuple[list[dict[str, float]], Training]:
    training = Training(found)
    return [record.values for record in training.run()], training


SETTINGS = {
    "numbers": ("t.csv", "features: [x0, x1, x2], target: y", ""),
    "minmax": ("t.csv", "features: [x0, x1, x2], target: y, scaling: minmax, target_scaling: minmax", ""),
    "divide": ("t.csv", "features: [x0, x1], target: y, scaling: {divide: 7}, target_scaling: none", ""),
    "texts and gaps": (
        "t.tsv",
        "features: [x0, town, gap, hole], target: y, missing: {gap: mean, hole: category}",
        "",
    ),
    "gaps apart": (
        "t.csv",
        "features: [x0, gap, hole], target: y, missing: {gap: category, hole: mean}",
        "",
    ),
    "rows left out": ("t.csv", "features: [x0, gap, hole], target: y, missing: drop", ""),
    "weights": ("t.csv", "features: [x0, x1], target: y, weights: w", ""),
    "classes": (
        "t.csv",
        "features: [x0, x1], target: kind",
        "loss: {type: cross_entropy, class_weights: balanced}\n",
    ),
    "numbers as classes": ("t.jsonl", "features: [x0, x1], target: w", "task: classification\n"),
    "shares": ("t.csv", "features: [x0, x1], target: [p, q]", "loss: cross_entropy\n"),
    "an autoencoder": ("t.csv", "features: [x0, x1, x2], target: features", ""),
    "formulas": ("t.csv", "features: [x0^2, x0*x1, x1], target: exp(y)", "loss: huber\n"),
    "several targets": ("t.jsonl", "features: [x0, x1], target: [x2, y]", ""),
    "written by people": (
        "t.csv",
        "features: [x0, day, price], target: y, dates: [day], numbers: [price]",
        "",
    ),
    "an array": ("t.npy", "header: [x0, x1, x2, y]", ""),
    "counts": ("t.csv", "features: [x0, x1], target: w", "loss: poisson\n"),
    "a sum": ("t.csv", "features: [x0, x1], target: y", "loss: sse\nregularization: {l2: 0.01}\n"),
    "float32": ("t.csv", "features: [x0, x1, x2], target: y", "dtype: float32\n"),
}


@pytest.mark.parametrize("case", SETTINGS)
def test_a_stream_of_one_window_is_trained_as_in_memory(case: str) -> None:
    """The same inputs, first weights and order: the same losses, to the rounding of means and deviations."""
    file, data, more = SETTINGS[case]
    table(file)
    Path("v.csv").write_text("")
    table("v" + file[1:])
    both = f"path: {file}, {data}, validation_split: 0, validation_path: v{file[1:]}"
    plain, streamed = problem(both, more), problem(f"{both}, stream: true", more)
    assert isinstance(streamed.train, Stream)
    assert streamed.dropped == plain.dropped
    assert streamed.automatic == plain.automatic
    assert [n for n in streamed.notes if "weight" in n] == [n for n in plain.notes if "weight" in n]
    ours, theirs = streamed.encoding.as_dict(), plain.encoding.as_dict()
    for key, value in theirs.items():
        if key in ("shift", "scale"):
            np.testing.assert_allclose(ours[key], value, rtol=1e-13, atol=1e-15)
        elif key == "fills":
            assert ours[key].keys() == value.keys()
            for name, fill in value.items():
                assert ours[key][name] == (fill if isinstance(fill, str) else pytest.approx(fill, rel=1e-13))
        else:
            assert ours[key] == value
    tolerance = 1e-5 if "float32" in case else 1e-10
    (first, training), (again, other) = trained(plain), trained(streamed)
    for a, b in zip(first, again, strict=True):
        assert b == pytest.approx(a, rel=tolerance)
    for part in ("train", "validation"):
        a, b = getattr(plain, part), getattr(streamed, part)
        assert other.evaluate(b.of_type(plain.config.dtype)) == pytest.approx(
            training.evaluate(a.of_type(plain.config.dtype)), rel=tolerance
        )
    np.testing.assert_allclose(
        other.runner.theta, training.runner.theta, rtol=1e3 * tolerance, atol=tolerance
    )


def archive(path: str, **arrays: Any) -> None:
    """Write an archive, packed where its name says so."""
    (np.savez_compressed if "packed" in path else np.savez)(path, **arrays)


ARCHIVES: dict[str, tuple[Callable[[np.random.Generator], dict[str, Any]], str, str]] = {
    "t.npz": (lambda r: {"x": r.normal(size=(90, 3)), "y": r.normal(size=90)}, "", "{hidden: [3]}"),
    "packed.npz": (
        lambda r: {"x_train": r.normal(size=(80, 3)).astype("f4"), "y_train": np.arange(80) % 3,
                   "x_test": r.normal(size=(31, 3)).astype("f4"), "y_test": np.arange(31) % 3},
        "", "{hidden: [3]}",
    ),
    "images.npz": (
        lambda r: {"x": r.integers(0, 256, (60, 4, 4, 2)).astype("u1"), "y": np.arange(60) % 2},
        ", layout: nhwc, scaling: {divide: 255}",
        "{layers: [{type: conv2d, channels: 2, kernel_size: 3}, flatten, linear]}",
    ),
    "columns.npz": (
        lambda r: {"a": r.normal(size=70), "b": np.array(["u", "v"] * 35), "c": r.normal(size=70)},
        "", "{hidden: [3]}",
    ),
}  # fmt: skip


@pytest.mark.parametrize("path", ARCHIVES)
def test_arrays_are_read_row_by_row(
    path: str, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "PIECE_NUMBERS", 60)
    arrays, data, model = ARCHIVES[path]
    archive(path, **arrays(rng))
    found = []
    for stream in ("false", "true"):
        text = f"data: {{path: {path}{data}, validation_split: 0, stream: {stream}}}\nmodel: {model}\n"
        found.append(assemble(loads(f"{text}training: {{epochs: 2, batch_size: 8}}\n", "c.yaml")))
    plain, streamed = found
    assert isinstance(streamed.train, Stream)
    assert [len(s or ()) for s in (streamed.train, streamed.test)] == [
        len(s or ()) for s in (plain.train, plain.test)
    ]
    assert streamed.encoding.shape == plain.encoding.shape
    (first, training), (again, other) = map(trained, found)
    assert again == [pytest.approx(values, rel=1e-9) for values in first]
    if plain.test is not None and streamed.test is not None:
        assert other.evaluate(streamed.test) == pytest.approx(training.evaluate(plain.test), rel=1e-9)


def test_arrays_that_cannot_be_read_row_by_row() -> None:
    archive("t.npz", x=np.asfortranarray(rng_of().normal(size=(50, 3))), y=np.ones(50))
    assert "lies column by column" in error_of("path: t.npz, stream: true")
    archive("t.npz", x=np.array([[None, 1]] * 9), y=np.ones(9))
    assert "pickled Python objects" in error_of("path: t.npz, stream: true")
    archive("t.npz", x=rng_of().normal(size=(500, 3)), y=rng_of().normal(size=500))
    data = Path("t.npz").read_bytes()
    Path("cut.npz").write_bytes(data[:-30])
    assert "cut.npz: the .npz file is damaged or cut short" in error_of("path: cut.npz, stream: true")
    Path("bad.npz").write_bytes(data[:600] + bytes(100) + data[700:])
    assert "bad.npz: the .npz file is damaged or cut short" in error_of("path: bad.npz, stream: true")


# the order


def windows(rows_: int, batch: int, epoch: int, row: int = 0, seed: int = 0) -> list[sets.Window]:
    found = problem("path: t.csv, features: [x0, x1], target: y, stream: true, validation_split: 0")
    assert isinstance(found.train, Stream)
    assert len(found.train) == rows_
    return list(found.train.windows(seed, epoch, batch, True, row))


def order_of(found: Sequence[sets.Window]) -> list[int]:
    """Return the numbers of the rows in the order of an epoch."""
    return [
        int(window.numbers[i]) for window in found for i in window.picks(window.start, window.stop)
    ]  # fmt: skip


@pytest.mark.parametrize("batch", [1, 7, 16, 100])
def test_every_row_comes_once_an_epoch_in_batches_that_are_whole(
    batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    table("t.csv")
    monkeypatch.setattr(sets, "WINDOW_NUMBERS", 2 * 40)  # of two features: windows of some 40 rows
    monkeypatch.setattr(sets, "WINDOW_BLOCKS", 5)
    every = [order_of(windows(ROWS, batch, epoch)) for epoch in (0, 1)]
    for order in every:
        assert sorted(order) == list(range(ROWS))
    assert every[0] != every[1]
    assert order_of(windows(ROWS, batch, 0)) == every[0]
    assert order_of(windows(ROWS, batch, 0, seed=1)) != every[0]
    found = windows(ROWS, batch, 0)
    assert len(found) > 1
    assert all(len(window.rows) % batch == 0 for window in found[:-1])
    for window in found:  # from any row on: the rest of the epoch is the same
        later = windows(ROWS, batch, 0, min(window.start + batch, window.stop - 1))
        assert order_of([w for w in later if w.start >= window.start]) == order_of(
            [w for w in found if w.start >= window.start]
        )
    if batch <= 16:
        sizes = [np.flatnonzero(np.diff(np.sort(w.numbers)) > 1).size + 1 for w in found[:-1]]
        assert max(sizes) > 1  # a window has blocks from several places


def test_every_row_is_about_as_likely_at_every_place_of_an_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also the rows at the end of the file, which make the block that is shorter."""
    table("t.csv")
    monkeypatch.setattr(sets, "WINDOW_NUMBERS", 2 * 40)
    monkeypatch.setattr(sets, "WINDOW_BLOCKS", 4)
    found = problem("path: t.csv, features: [x0, x1], target: y, stream: true, validation_split: 0")
    assert isinstance(found.train, Stream)
    places = np.zeros(ROWS)
    epochs = 300
    for epoch in range(epochs):
        order = order_of(list(found.train.windows(0, epoch, 8, True)))
        places[order] += np.arange(ROWS)
    mean, deviation = (ROWS - 1) / 2, ROWS / np.sqrt(12 * epochs)
    assert np.abs(places / epochs - mean).max() < 5 * deviation


def test_rows_that_are_not_shuffled_come_as_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    table("t.csv")
    data, training = (
        "path: t.csv, features: [x0, x1], target: y, validation_split: 0",
        ("{epochs: 2, batch_size: 16, shuffle: false}"),
    )
    plain = trained(problem(data, training=training))[0]
    monkeypatch.setattr(sets, "WINDOW_NUMBERS", 100)
    assert trained(problem(f"{data}, stream: true", training=training))[0] == [
        pytest.approx(values, rel=1e-10) for values in plain
    ]


@pytest.mark.parametrize("more", ["", "training: {shuffle: false}"])
def test_a_stopped_run_goes_on_to_the_same_bytes(more: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Amid an epoch, in any window; metrics of the epoch that goes on are those of all of it."""
    table("t.csv")
    monkeypatch.setattr(sets, "WINDOW_NUMBERS", 100)
    monkeypatch.setattr(sets, "WINDOW_BLOCKS", 3)

    def run(name: str, stop: int | None, resume: bool = False) -> Run:
        text = (
            "data: {path: t.csv, features: [x0, town], target: kind, stream: true}\n"
            "model: {layers: [{type: linear, units: 5, activation: relu}, {type: dropout, rate: 0.3},"
            " linear]}\n"
            "training: {epochs: 3, batch_size: 8, metrics: [accuracy, macro_f1]}\n"
            f"name: {name}\n"
        )
        made = Run(assemble(loads(text, "c.yaml")), resume=resume)
        for _ in made.steps(lambda: stop is not None and made.training.progress.step >= stop):
            pass
        made.close()
        return made

    whole = run("whole", None)
    for stop in (1, 9, 20, 37):
        name = f"stopped{stop}"
        assert run(name, stop).training.interrupted
        again = run(name, None, resume=True)
        for file in ("metrics.jsonl", "model.safetensors"):
            ours = Path("runs", name, file).read_bytes().replace(name.encode(), b"whole")
            theirs = Path("runs", "whole", file).read_bytes()
            assert ours == theirs or file.startswith("model")
        np.testing.assert_array_equal(again.training.runner.theta, whole.training.runner.theta)
        assert again.results == whole.results


# which rows are held out


def numbers_of(found: Problem, part: str) -> set[float]:
    rows_ = getattr(found, part)
    return {float(x) for piece in rows_.pieces() for x in piece.encoded[:, 0]}


DATA = "path: t.csv, features: [x0, x1], target: y, stream: true, scaling: none"


def test_rows_are_held_out_by_their_number_and_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    table("t.csv", x0=range(ROWS))
    shares = f"{DATA}, validation_split: 0.25, test_split: 0.25"
    found = [problem(shares, f"seed: {seed}\n") for seed in (0, 0, 1)]
    parts = [{p: numbers_of(f, p) for p in ("train", "validation", "test")} for f in found]
    assert parts[0] == parts[1] != parts[2]
    assert sorted(x for part in parts[0].values() for x in part) == list(range(ROWS))
    assert {p: len(rows_) for p, rows_ in parts[0].items()} == {"train": 116, "validation": 63, "test": 51}
    # a longer table has the same rows apart: no row goes from one part to another
    columns = table("t.csv")
    table("t.csv", **{name: cells[:100] for name, cells in (columns | {"x0": range(100)}).items()})
    shorter = problem(shares)
    for part in parts[0]:
        assert numbers_of(shorter, part) == {x for x in parts[0][part] if x < 100}


def test_shares_are_met_in_the_mean() -> None:
    drawn = streaming._drawn(np.arange(200_000, dtype=np.uint64), 12345)
    assert 0.0 <= drawn.min() < drawn.max() < 1.0
    counts, _ = np.histogram(drawn, 20)
    assert np.abs(counts - 10_000).max() < 5 * 98  # deviations of a binomial
    assert abs(np.corrcoef(drawn[1:], drawn[:-1])[0, 1]) < 0.01


def test_groups_stay_together() -> None:
    table("t.csv", x0=[i // 10 for i in range(ROWS)])
    found = problem(f"{DATA}, groups: x0, validation_split: 0.3")
    train, held = (numbers_of(found, part) for part in ("train", "validation"))
    assert train
    assert held
    assert not train & held


def test_scaling_and_fills_are_those_of_the_training_rows() -> None:
    """A held-out row tells nothing: with another number in it, all is as before."""
    columns = table("t.csv")
    data = "path: t.csv, features: [x0, gap, hole], target: y, missing: mean, validation_split: 0.3"
    data += ", stream: true"
    before = problem(data)
    held = numbers_of(problem(data + ", scaling: none, target_scaling: none"), "validation")
    changed = [1e6 if x in held else x for x in columns["x0"]]
    gap = [g if x not in held or g == "" else 1e6 for x, g in zip(columns["x0"], columns["gap"], strict=True)]
    y = [1e6 if x in held else v for x, v in zip(columns["x0"], columns["y"], strict=True)]
    table("t.csv", **(columns | {"x0": changed, "gap": gap, "y": y}))
    after = problem(data)
    assert after.encoding.as_dict() == before.encoding.as_dict()
    assert after.units is not None
    assert before.units is not None
    assert (after.units.shift, after.units.scale) == (before.units.shift, before.units.scale)


# sums


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("task", "outputs"), [("classification", 1), ("classification", 5), ("regression", 3)]
)
def test_metrics_of_rows_that_come_some_at_a_time(
    task: Any, outputs: int, weighted: bool, rng: np.random.Generator
) -> None:
    n = 500
    names = [
        name
        for name, metric in METRICS.items()
        if metric.task == task and not metric.ranks and not (metric.binary and outputs == 5)
    ]
    given = rng.normal(size=(n, outputs))
    if task == "regression":
        given = np.abs(given) + 0.1
        targets: Any = np.floor(3 * rng.random((n, outputs))) + 1e6 * np.array([0, 0, 1])
        targets[:, 1] = 2.0
    else:
        targets = rng.integers(0, max(2, outputs), n)
        names = [name for name in names if outputs > 3 or name != "top_3_accuracy"]
    counts = rng.random(n) if weighted else None
    tally = Tally(names, task, outputs, 0.1)
    for start, stop in pairwise([0, 1, 3, 200, 201, n]):
        some = slice(start, stop)
        tally.add(given[some], targets[some], None if counts is None else counts[some])
    assert tally.values() == pytest.approx(measure(names, given, targets, task, 0.1, counts), rel=1e-9)


def test_moments_lose_no_digits_to_a_large_mean(rng: np.random.Generator) -> None:
    columns = rng.normal([1e9, -3.0, 0.0], [1e-3, 2.0, 1e-200], size=(1000, 3))
    columns[:, 2] = 7.0
    moments = Moments(3)
    for some in np.array_split(columns, 37):
        moments.add(some)
    mean, deviation = moments.fitted("standard")
    np.testing.assert_allclose(mean, columns.mean(axis=0), rtol=1e-14)
    exact = [float(np.std(columns[:, i].astype(np.longdouble))) for i in range(2)]
    np.testing.assert_allclose(deviation[:2], exact, rtol=1e-5)  # sums of squares would have no digit left
    assert (mean[2], deviation[2]) == (7.0, 1.0)


# what a stream does not do, and bad input


REFUSED = {
    "data.folds=3": "data.folds",
    "data.train_size=0.5": "data.train_size",
    "data.split={order: y}": "data.split",
    "data.stratify=true": "data.stratify: true",
    "data.exclude=auto": "data.exclude: auto",
    "data.missing=median": "data.missing: median",
    "data.missing={x0: median}": "data.missing: median",
    "training.batch_size=full": "training.batch_size: full",
    "training.engine=jax": "training.engine: jax",
    "training.keep=refit": "training.keep: refit",
    "training.metrics=[r2, roc_auc]": "training.metrics: roc_auc",
    "optimizer=levenberg_marquardt": "optimizer: levenberg_marquardt",
}


@pytest.mark.parametrize("override", REFUSED)
def test_what_needs_all_rows_is_refused_by_its_key(run: Callable[..., Any], override: str) -> None:
    table("t.csv")
    Path("c.yaml").write_text("data: {path: t.csv, target: y, stream: true}\nmodel: {hidden: [4]}\n")
    result = run("train", "c.yaml", override)
    assert result.status == 2
    (line,) = [line for line in result.err.splitlines() if "needs all rows at once" in line]
    assert line == (
        f"backprop: error: command line: {override}: {REFUSED[override]} needs all rows at once, which"
        " data.stream never has"
    )


def error_of(data: str, more: str = "") -> str:
    with pytest.raises(BackpropError) as caught:
        problem(data, more)
    error = caught.value
    return f"{error.place}: {error.message}" if error.place else error.message


def lines_of(*rows_: str) -> None:
    Path("t.csv").write_text("x,y\n" + "".join(f"{row}\n" for row in rows_))


GOOD = [f"{i},{i * i % 7}.5" for i in range(60)]

WRONG = {
    "a header": ([], "t.csv:1:1: a header and no rows"),
    "a short row": ([*GOOD, "3", *GOOD], "t.csv:62:1: the row has 1 field, the header has 2"),
    "no number": (
        [*GOOD, *GOOD, "abc,3", *GOOD],
        "t.csv:122:1: column 'x': 'abc' is not a number; 180 other cells are",
    ),
    "too large": ([*GOOD, "1,1e999", *GOOD], "t.csv:62:3: column 'y': 1e999 is too large for a float64; 12"),
    "a gap": ([*GOOD, "1,", *GOOD, ",2"], "t.csv:62:3: no value in column 'y'; 2 cells are empty in all"),
    "no byte of text": ([*GOOD, "1,\x00", *GOOD], "t.csv:62:3: a NUL byte: the file is not text"),
    "numbers of people": ([f"{i},1.5" for i in range(70)] + ['"1,200",3.5'] * 2, "t.csv:72:1: column 'x'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_cell_is_told_with_its_place_as_in_memory(case: str) -> None:
    given, says = WRONG[case]
    lines_of(*given)
    told = error_of("path: t.csv, stream: true")
    assert told.startswith(says)
    assert told == error_of("path: t.csv")


def test_a_column_that_turns_to_texts_is_one_of_texts() -> None:
    """Its numbers, long read, are texts as they are written: 01 is not 1."""
    lines_of("01,1.5", *[f"{i % 3},2.5" for i in range(80)], *[f"{'abc'[i % 3]},0.5" for i in range(90)])
    found, plain = problem("path: t.csv, stream: true"), problem("path: t.csv")
    assert found.encoding.features == plain.encoding.features
    assert found.encoding.names == ["x=0", "x=01", "x=1", "x=2", "x=a", "x=b", "x=c"]


def test_many_texts_and_many_classes_are_refused() -> None:
    lines_of(*[f"t{i},1.5" for i in range(1200)])
    assert "column 'x' has more than 1000 different texts" in error_of("path: t.csv, stream: true")
    lines_of(*[f"{i},k{i}" for i in range(1200)])
    assert "'y' has more than 1000 classes" in error_of("path: t.csv, stream: true")


def test_a_file_that_changes_meanwhile_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    table("t.csv")
    looked = streaming._Streaming._looked

    def then(self: Any) -> Any:
        found = looked(self)
        with open("t.csv", "a") as file:
            file.write("\n")
        return found

    monkeypatch.setattr(streaming._Streaming, "_looked", then)
    assert (
        error_of("path: t.csv, target: y, features: [x0], stream: true")
        == "t.csv has changed while it was read"
    )


def test_what_cannot_be_read_twice_is_refused(run: Callable[..., Any]) -> None:
    os.mkfifo("pipe.csv")
    assert "a stream is read more than once" in error_of("path: pipe.csv, stream: true")
    Path("t.json").write_text('[{"x": 1, "y": 2}]')
    assert "a JSON list is one piece" in error_of("path: t.json, stream: true")
    Path("c.yaml").write_text("data: {path: '-', stream: true}\nmodel: {hidden: [4]}\n")
    assert "stdin cannot be read twice" in run("train", "c.yaml", stdin="x,y\n1,2\n").err
    assert "no.csv: there is no such file" in error_of("path: no.csv, stream: true")


def test_a_disk_without_room_is_told_before_it_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    table("t.csv")
    data = "path: t.csv, target: y, features: [x0], stream: true"
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(rows.shutil, "disk_usage", lambda folder: usage)
    assert "the rows take 0.0 GB as numbers, and" in error_of(data)


def test_the_numbers_lie_where_tmpdir_says_and_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    table("t.csv")
    os.mkdir("mine")
    monkeypatch.setenv("TMPDIR", str(Path("mine").resolve()))
    monkeypatch.setattr(rows.tempfile, "tempdir", None)
    found = problem("path: t.csv, target: y, features: [x0], stream: true")
    assert os.listdir("mine") == []
    links = [os.path.realpath(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")]
    assert any(str(Path("mine").resolve()) in link for link in links)
    del found
    monkeypatch.setattr(rows.tempfile, "tempdir", None)
    monkeypatch.setenv("TMPDIR", "/nowhere")
    monkeypatch.setattr(rows.tempfile, "tempdir", "/nowhere")
    with pytest.raises(FileError, match="cannot keep the rows as numbers in /nowhere"):
        problem("path: t.csv, target: y, features: [x0], stream: true")


# what else reads the rows


def test_trace_makes_the_step_that_training_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    table("t.csv")
    monkeypatch.setattr(sets, "WINDOW_NUMBERS", 100)
    monkeypatch.setattr(sets, "WINDOW_BLOCKS", 3)
    found = problem("path: t.csv, features: [x0, x1], target: y, stream: true, validation_split: 0")
    made = Made(found, 9)
    assert isinstance(found.train, Stream)
    order = order_of(list(found.train.windows(0, 0, 16, True)))
    assert made.step.rows == tuple(i + 1 for i in order[8 * 16 : 9 * 16])


def test_evaluate_judges_a_stream_as_it_judges_memory(run: Callable[..., Any]) -> None:
    table("t.csv")
    for stream in ("true", "false"):
        Path("c.yaml").write_text(
            f"data: {{path: t.csv, features: [x0, town], target: kind, stream: {stream}, validation_split: 0,"
            " validation_path: t.csv}\nmodel: {hidden: [4]}\ntraining: {epochs: 3}\n"
        )
        assert run("train", "c.yaml", "-q", f"output.dir=r{stream}").status == 0
    for file in (None, "t.csv"):
        ours, theirs = (judged(f"r{stream}", file).evaluation for stream in ("true", "false"))
        assert ours.accuracy == theirs.accuracy
        assert ours.loss == pytest.approx(theirs.loss, rel=1e-10)
        assert ours.roc_auc == pytest.approx(theirs.roc_auc, rel=1e-10)


def test_a_file_of_rows_is_trained_from_without_a_config(run: Callable[..., Any]) -> None:
    """The guesses are of the first rows, and said to be; what they cannot be for a stream, they are not."""
    table("t.csv")
    result = run("train", "t.csv", "--target", "y", "--stream", "training.epochs=2", "--dry-run")
    assert result.status == 0, result.err
    assert "note: guessed by the first 17 rows" in result.err
    assert "guessed data.missing: {gap: mean}" in result.err
    assert "training," in result.out
    again = run("train", "t.csv", "--target", "y", "data.stream=true", "training.epochs=2", "--dry-run")
    assert (again.out, again.err) == (result.out, result.err)


def test_a_table_of_numbers_is_read_as_text_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read is kept until it is asked for again; where there is no room, it is read again."""
    table("t.csv")
    opened: list[str] = []
    open_table = pieces.text.open_table

    def noted(path: str, *more: Any) -> Any:
        opened.append(path)
        return open_table(path, *more)

    monkeypatch.setattr(pieces.text, "open_table", noted)
    data = "features: [x0, x1], target: y, stream: true"
    text = Path("t.csv").read_text().splitlines()
    numbers = [",".join(line.split(",")[i] for i in (0, 1, 2, 6, -1)) for line in text]
    Path("n.csv").write_text("\n".join(numbers) + "\n")
    once = problem(f"path: n.csv, {data}")
    assert opened == ["n.csv"] * 2  # its header, its rows
    again = problem(f"path: t.csv, {data}")
    assert opened[2:] == ["t.csv"] * 3
    append = rows.Spool.append
    monkeypatch.setattr(
        rows.Spool, "append", lambda spool, some: full() if spool.width == 5 else append(spool, some)
    )
    third = problem(f"path: n.csv, {data}")
    assert opened[5:] == ["n.csv"] * 3
    assert once.fingerprint == again.fingerprint == third.fingerprint
    assert once.encoding.as_dict() == again.encoding.as_dict() == third.encoding.as_dict()
    # where a number is wrong after all, its place is that in the text
    told = error_of("path: n.csv, features: [x0], target: log(w), stream: true")
    assert told == error_of("path: n.csv, features: [x0], target: log(w)")
    assert told.startswith("n.csv:2:")


def test_what_is_refused_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a column with another text in every row, or more amounts than are held, a part is kept."""
    lines_of(*[f"text number {i},1.5" for i in range(5000)])
    looked: list[Any] = []
    see = streaming._Look.see
    monkeypatch.setattr(streaming._Look, "see", lambda look, *more: (looked.append(look), see(look, *more)))
    assert "more than 1000 different texts" in error_of("path: t.csv, stream: true")
    assert max(len(look.texts) for look in looked) < 1100
    monkeypatch.setattr(pieces, "MOST_CELLS", 100)
    lines_of(*[f"$ {i},1.5" for i in range(300)])
    assert "column 'x' has more than 100 different cells" in error_of(
        "path: t.csv, numbers: [x], stream: true"
    )


def test_a_part_without_a_row_is_told() -> None:
    lines_of(*GOOD)
    assert "of 60 rows, each drawn by itself, none is to validate" in error_of(
        "path: t.csv, stream: true, validation_split: 0.0001"
    )
    Path("v.csv").write_text("x,y\n,1\n")
    assert error_of("path: t.csv, stream: true, missing: drop, validation_path: v.csv") == (
        "v.csv: every row lacks a value"
    )


def full() -> None:
    raise FileError("no room")


# memory


def test_memory_does_not_grow_with_the_rows(
    monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator, run: Callable[..., Any]
) -> None:
    """Peak allocations of reading and an epoch: what four times the rows add is a few bytes each."""
    for cls in (pieces.Pieces, pieces.TextPieces):
        monkeypatch.setattr(cls.pieces, "__defaults__", (1 << 16,))
    monkeypatch.setattr(sets, "WINDOW_NUMBERS", 1 << 16)
    monkeypatch.setattr(sets, "PIECE_NUMBERS", 1 << 16)
    monkeypatch.setattr(sets, "SAMPLE_NUMBERS", 1 << 15)
    monkeypatch.setattr(streaming, "RECORD_NUMBERS", 1 << 16)
    width = 40
    lines = [",".join(f"{x:.4f}" for x in row) + "\n" for row in rng.normal(size=(200, width))]
    names = ",".join(f"x{i}" for i in range(width)) + "\n"
    peaks, judging, folder = [], [], ""
    Path("c.yaml").write_text(
        "data: {path: t.csv, stream: true}\nmodel: {hidden: [2]}\ntraining: {epochs: 1}\n"
    )
    for count in (10_000, 40_000):
        Path("t.csv").write_text(names + "".join(lines) * (count // 200))
        tracemalloc.start()
        made = problem("path: t.csv, stream: true", training="{epochs: 1, batch_size: 256}")
        trained(made)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        if not folder:
            folder = f"r{count}"
            assert run("train", "c.yaml", "-qq", f"output.dir={folder}").status == 0
        tracemalloc.start()
        judged(folder, "t.csv")
        judging.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 60 * 8 * (1 << 16)
    assert peaks[1] - peaks[0] < 8 * 30_000  # one number a row, of 40 that it has
    assert judging[1] - judging[0] < 20 * 8 * 30_000  # its answer and prediction, and what is made of them


@pytest.mark.parametrize(
    ("file", "status", "words"),
    [
        ("nosuch.csv", 4, "nosuch.csv: No such file"),
        ("-", 2, "--target goes with a file of rows"),
        ("c.yaml", 2, "--target goes with a file of rows"),
    ],
)
@pytest.mark.parametrize("more", [(), ("--stream",)])
def test_what_is_no_file_of_rows_has_no_target(
    run: Callable[..., Result], file: str, status: int, words: str, more: tuple[str, ...]
) -> None:
    Path("c.yaml").write_text("data: {dataset: iris}\nmodel: {hidden: [4]}\n")
    run("train", file, "--target", "y", *more, stdin="x,y\n1,2\n").refused(status, words)


def test_a_fault_of_who_reads_is_not_the_archives() -> None:
    np.savez("a.npz", x=np.ones((4, 2)))
    with pytest.raises(OSError, match="No space left"), rows_of("a.npz"):
        raise OSError(28, "No space left on device")
    Path("b.npz").write_bytes(Path("a.npz").read_bytes()[:-30])
    with pytest.raises(DataError, match="damaged"), rows_of("b.npz"):
        pass
