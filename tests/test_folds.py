"""Rows parted by folds, by groups, in time, and as few as asked for."""

from __future__ import annotations

import itertools
from functools import cache
from pathlib import Path
from statistics import fmean, stdev

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backprop_cli.api.sweep import sweep
from backprop_cli.api.training import train
from backprop_cli.errors import BackpropError, ConfigError, UsageError
from backprop_cli.training import config as configs
from backprop_cli.training.data.split import Parts, Sorts, split
from backprop_cli.training.problem import Problem, assemble


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@cache
def config(text: str) -> configs.Loaded:
    return configs.loads(text, "case.yaml")


def parts(data: str, rows: int, sorts: Sorts, seed: int = 0) -> Parts:
    text = f"data: {{path: a.csv, target: y, {data}}}\nmodel: {{hidden: []}}\nseed: {seed}"
    return split(config(text), rows, sorts)


def is_partition(found: list[np.ndarray], rows: int) -> bool:
    return sorted(np.concatenate(found).tolist()) == list(range(rows))


@given(st.lists(st.integers(0, 3), min_size=12, max_size=60), st.integers(2, 6), st.booleans())
def test_folds_part_the_rows_and_their_classes(labels: list[int], folds: int, stratified: bool) -> None:
    known = np.array(labels)
    sorts = Sorts(known if stratified else None)
    each = [parts(f"folds: {folds}, fold: {i}", len(labels), sorts) for i in range(1, folds + 1)]
    held = [part.validation for part in each]
    assert is_partition(held, len(labels))
    assert all(is_partition([part.train, part.validation], len(labels)) for part in each)
    assert max(map(len, held)) - min(map(len, held)) <= 1
    for label in set(labels) if stratified else ():
        counts = [int((known[part] == label).sum()) for part in held]
        assert max(counts) - min(counts) <= 1


def test_test_rows_are_in_no_fold() -> None:
    each = [parts(f"folds: 4, fold: {i}, test_split: 0.2", 50, Sorts()) for i in range(1, 5)]
    assert {tuple(part.test) for part in each} == {tuple(each[0].test)}
    assert is_partition([*(part.validation for part in each), each[0].test], 50)


@given(st.lists(st.integers(0, 9), min_size=10, max_size=60), st.integers(0, 5))
def test_groups_stay_together(cells: list[int], seed: int) -> None:
    known: dict[int, int] = {}
    groups = np.array([known.setdefault(cell, len(known)) for cell in cells])
    if len(known) < 3:
        return
    found = parts("groups: g, validation_split: 0.2, test_split: 0.2", len(cells), Sorts(groups=groups), seed)
    of = [set(groups[part].tolist()) for part in found]
    assert is_partition(list(found), len(cells))
    assert all(of)
    assert not of[0] & of[1]
    assert not of[0] & of[2]
    assert not of[1] & of[2]
    held = [
        parts(f"groups: g, folds: 3, fold: {i}", len(cells), Sorts(groups=groups)).validation
        for i in (1, 2, 3)
    ]
    assert is_partition(held, len(cells))
    assert sum(len(set(groups[part].tolist())) for part in held) == len(known)


def test_groups_of_one_row_are_as_many_as_asked_for() -> None:
    found = parts("groups: g, validation_split: 0.25, test_split: 0.1", 100, Sorts(groups=np.arange(100)))
    assert [len(part) for part in found] == [65, 25, 10]


def test_too_few_groups() -> None:
    with pytest.raises(ConfigError, match="1 groups, too few for 2 parts"):
        parts("groups: g, test_split: 0.2", 10, Sorts(groups=np.zeros(10, dtype=int)))
    with pytest.raises(ConfigError, match="2 groups are too few for 3 folds"):
        parts("groups: g, folds: 3", 10, Sorts(groups=np.arange(10) % 2))


def test_later_rows_are_held_out() -> None:
    times = np.array([5.0, 1, 4, 2, 3, 9, 8, 7, 6, 0])
    found = parts("split: {order: t}, validation_split: 0.2, test_split: 0.3", 10, Sorts(times=times))
    assert [sorted(times[part].tolist()) for part in found] == [[0, 1, 2, 3, 4], [5, 6], [7, 8, 9]]


def test_rows_of_one_time_stay_together() -> None:
    times = np.repeat([1.0, 2.0, 3.0, 4.0], 5)
    found = parts("split: {order: t}, test_split: 0.3, validation_split: 0.2", 20, Sorts(times=times))
    assert [set(times[part].tolist()) for part in found] == [{1.0, 2.0}, {3.0}, {4.0}]
    with pytest.raises(ConfigError, match="one time"):
        parts("split: {order: t}, test_split: 0.3", 20, Sorts(times=np.ones(20)))


@pytest.mark.parametrize(
    ("rows", "folds", "ends"),
    [
        # sklearn.model_selection.TimeSeriesSplit(n_splits=folds).split(range(rows)): where train and test end
        (12, 3, [(3, 6), (6, 9), (9, 12)]),
        (10, 4, [(2, 4), (4, 6), (6, 8), (8, 10)]),
        (14, 4, [(6, 8), (8, 10), (10, 12), (12, 14)]),
    ],
)
def test_folds_in_time_are_scikit_learns(rows: int, folds: int, ends: list[tuple[int, int]]) -> None:
    sorts = Sorts(times=np.arange(rows, dtype=float))
    found = [parts(f"split: {{order: t}}, folds: {folds}, fold: {i + 1}", rows, sorts) for i in range(folds)]
    assert [(len(p.train), len(p.train) + len(p.validation)) for p in found] == ends
    assert all(p.train.max() < p.validation.min() for p in found)


@given(st.lists(st.integers(0, 2), min_size=20, max_size=60))
def test_more_rows_are_the_same_and_others(labels: list[int]) -> None:
    sorts = Sorts(np.array(labels))
    found = [
        parts(f"validation_split: 0.2, train_size: {size}", len(labels), sorts) for size in (3, 8, "0.8", 1)
    ]
    assert len({tuple(part.validation) for part in found}) == 1
    for few, more in itertools.pairwise(found):
        assert set(few.train.tolist()) <= set(more.train.tolist())
    assert len(found[0].train) == 3
    assert {labels[i] for i in found[0].train} == {labels[i] for i in found[-1].train}
    whole = parts("validation_split: 0.2", len(labels), sorts)
    assert found[-1].train.tolist() == whole.train.tolist()


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ("folds: 3, validation_split: 0.2", "both folds and validation_split"),
        ("folds: 3, validation_path: b.csv", "both folds and validation_path"),
        ("fold: 1", "data.fold is one of data.folds"),
        ("folds: 3, fold: 4", "there are 3 folds"),
        ("groups: g, split: {order: t}", "both groups and an order"),
        ("groups: g, stratify: true", "does not go with data.groups"),
        ("train_size: 2.5", "a share up to 1 or a number"),
        ("split: {ordr: t}", "did you mean order"),
        ("split: time", "random"),
    ],
)
def test_keys_that_do_not_go_together(data: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parts(data, 10, Sorts())
    assert told in str(caught.value)


def table() -> None:
    rows = [
        f"{i % 7},{(i * 5) % 11},2024-01-{1 + i % 28:02d},g{i % 6},{2 * (i % 7) + i % 3}" for i in range(60)
    ]
    Path("a.csv").write_text("\n".join(["x,z,day,who,y", *rows]) + "\n")


def problem(data: str) -> Problem:
    table()
    text = f"data: {{path: a.csv, target: y, {data}}}\nmodel: {{hidden: [2]}}\ntask: regression"
    return assemble(configs.loads(text, "case.yaml"))


def test_columns_that_part_the_rows_are_no_features() -> None:
    assert problem("groups: who, dates: [day]").encoding.names[-1] == "day.elapsed"
    assert problem("groups: who, exclude: [day]").encoding.names == ["x", "z"]
    ordered = problem("split: {order: day}, dates: [day], exclude: [who], test_split: 0.25")
    assert ordered.encoding.names == ["x", "z"]
    assert len(ordered.test or ()) == 16  # the latest 8 days, of two rows each: none is parted
    both = problem("split: {order: day}, dates: {day: [weekday]}, features: [x, day]")
    assert both.encoding.names == ["x", "day.weekday"]


def test_a_column_that_is_not_there_or_has_no_order() -> None:
    with pytest.raises(ConfigError, match="no column 'whos'"):
        problem("groups: whos")
    with pytest.raises(ConfigError) as caught:
        problem("split: {order: day}, exclude: [who]")
    assert "data.dates: ['day']" in str(caught.value)


def test_means_and_deviations() -> None:
    Path("a.yaml").write_text(
        "data: {dataset: iris, folds: 3}\nmodel: {hidden: [3]}\ntraining: {epochs: 3, metrics: [accuracy]}"
    )
    with pytest.raises(UsageError, match="several runs"):
        train("a.yaml")
    found = sweep("a.yaml", "seed=2")
    assert len(found.runs) == 3
    assert found.best is not None
    assert found.best.means is not None
    for name in ("loss", "accuracy"):
        values = [run.measures[name] for run in found.runs]
        assert found.best.means["validation"][name] == fmean(values)
        assert found.best.deviations["validation"][name] == stdev(values)
    second = train("a.yaml", "seed=2", "data.fold=2", "output.dir=second")
    assert second.results["validation"] == found.runs[1].measures
    assert found.swept.alone == ["backprop train a.yaml seed=2 data.folds=null"]
    text = found.to_text()
    assert "3 folds" in text
    assert "deviation" in text
    both = sweep("a.yaml", over={"optimizer.learning_rate": "0.001,0.1"})
    assert [len(each.runs) for each in both.swept.combinations] == [3, 3]
    facts = both.to_dict()
    assert [each["settings"] for each in facts["combinations"]] == [
        {"optimizer.learning_rate": "0.001"},
        {"optimizer.learning_rate": "0.1"},
    ]
    assert facts["folds"] == 3
    with pytest.raises(BackpropError, match="neither"):
        sweep("a.yaml", "data.folds=null")
