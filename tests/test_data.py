"""The data of a training config: what is read, refused, filled, divided, scaled."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backprop_cli.errors import BackpropError, ConfigError, DataError, FileError
from backprop_cli.networks.random import stream
from backprop_cli.tables import text
from backprop_cli.training.config import Loaded, loads
from backprop_cli.training.data import (
    FormulaSplits,
    Splits,
    encode_block,
    load,
    load_formula,
    load_labelled,
    open_rows,
)
from backprop_cli.training.data.datasets import TOYS, generate, shipped
from backprop_cli.training.data.encoding import Encoding
from backprop_cli.training.data.split import Sorts, split
from backprop_cli.training.schema import MADE_SEQUENCES, Data


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def config(data: str, more: str = "model: {hidden: [3]}") -> Loaded:
    """Read a config; columns stay as they are unless it says otherwise."""
    plain = "" if "scaling" in data else ", scaling: none"
    return loads(f"data: {{{data}{plain}}}\n{more}\n", "c.yaml")


def table(content: str | bytes, data: str = "", more: str = "model: {hidden: [3]}") -> Splits:
    """Load ``t.csv`` of this content from the current folder."""
    Path("t.csv").write_bytes(content.encode() if isinstance(content, str) else content)
    return load(config("path: t.csv" + (f", {data}" if data else ""), more))


def refused(content: str | bytes, data: str = "", more: str = "model: {hidden: [3]}") -> str:
    with pytest.raises(BackpropError) as caught:
        table(content, data, more)
    assert isinstance(caught.value, (DataError, ConfigError))
    return str(caught.value)


# files


def test_a_table_of_numbers(here: Path) -> None:
    found = table("a,b,y\n1,2,0.5\n3,4,1.5\n")
    assert found.train.inputs.tolist() == [[1, 2], [3, 4]]
    assert found.train.targets.tolist() == [[0.5], [1.5]]
    assert found.train.inputs.dtype == found.train.targets.dtype == np.float64
    assert (found.validation, found.test, found.task, found.dropped) == (None, None, "regression", 0)
    encoding = found.encoding
    assert (encoding.names, encoding.columns, encoding.targets) == (["a", "b"], ["a", "b"], ["y"])
    assert (encoding.classes, encoding.shape) == (None, (2,))


@pytest.mark.parametrize(
    "content",
    [
        "\ufeffa,y\n1,red\n2,blue\n".encode(),
        b"a,y\r\n1,red\r\n2,blue\r\n",
        b'"a","y"\n"1","red"\n"2","blue"',
        b"a, y\n 1 , red\n2,blue \n",
        b"a,y\n\n1,red\n\n2,blue\n\n",
    ],
    ids=["mark", "crlf", "quotes", "blanks", "blank lines"],
)
def test_the_same_table_written_differently(here: Path, content: bytes) -> None:
    found = table(content)
    assert found.train.inputs.tolist() == [[1], [2]]
    assert found.train.targets.tolist() == [1, 0]
    assert found.encoding.classes == ["blue", "red"]
    assert found.encoding.targets == ["y"]


def test_a_line_end_inside_quotes(here: Path) -> None:
    found = table('a,y\n"two\nlines",1.5\n"one, ""quoted""",2.5\n')
    assert found.encoding.names == ['a=one, "quoted"', "a=two\nlines"]
    assert found.train.inputs.tolist() == [[0, 1], [1, 0]]


def test_tsv_and_json_lines(here: Path) -> None:
    Path("t.tsv").write_text("a\ty\n1\tred\n2\tblue, dark\n")
    found = load(config("path: t.tsv"))
    assert found.encoding.classes == ["blue, dark", "red"]
    Path("t.jsonl").write_text('{"a": 1, "y": "red"}\n{"y": "blue", "a": 2e0}\n')
    found = load(config("path: t.jsonl"))
    assert found.train.inputs.tolist() == [[1], [2]]
    assert found.train.targets.tolist() == [1, 0]


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a,y\n1,2.5\n2,x\n3,4")))
    with pytest.raises(DataError, match="column 'y': 'x' is not a number") as caught:
        load(loads("data: {path: '-'}\nmodel: {hidden: [3]}\n", "c.yaml", path="c.yaml"))
    assert caught.value.place == "<stdin>:3:3"


def test_paths_are_relative_to_the_config(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,y\n1,2.5\n2,3.5\n")
    found = load(loads("data: {path: t.csv}\nmodel: {hidden: [3]}", "c.yaml", folder=str(tmp_path)))
    assert len(found.train.inputs) == 2


def test_files_that_cannot_be_read(here: Path) -> None:
    with pytest.raises(FileError, match=r"cannot read none\.csv: there is no such file"):
        load(config("path: none.csv"))
    Path("folder").mkdir()
    with pytest.raises(FileError, match="cannot read folder: it is a directory"):
        load(config("path: folder"))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "t.csv:1:1: the file is empty"),
        (b"a,y\n", "t.csv:1:1: a header and no rows"),
        (b"1,2\n3,4\n", "t.csv:1:1: the first line is numbers, not the names of the columns"),
        (b"a,a,y\n1,2,3\n", "t.csv:1:3: two columns are named 'a'"),
        (b"a,y\n1,2\n3\n", "t.csv:3:1: the row has 1 field, the header has 2"),
        (b"a,y\n1,2\n3,4,5\n", "t.csv:3:5: the row has 3 fields, the header has 2"),
        (b"a,y\n1,\x00\n", "t.csv:2:3: a NUL byte: the file is not text"),
        (b"a,y\n1,\xff\n", "t.csv:2:3: byte 0xff is not UTF-8"),
        (b"\x80\x04\x95\x10\x00\x00", "t.csv: the file is a pickle, which is never loaded"),
        (b'a,y\n"1,2\n', "t.csv:2:1: a quoted cell is never closed"),
    ],
    ids="empty header numbers twice short long nul utf8 pickle quote".split(),
)
def test_files_that_are_no_table(here: Path, content: bytes, says: str) -> None:
    assert refused(content).splitlines()[0] == says


# numbers, texts, missing cells


@pytest.mark.parametrize(
    ("cell", "value"), [("1e3", 1000.0), ("-2", -2.0), ("+.5", 0.5), ("007", 7.0), ("1.", 1.0), ("-0", -0.0)]
)
def test_numbers(here: Path, cell: str, value: float) -> None:
    found = table(f"a,y\n{cell},1.5\n1,2.5\n3,3.5\n").train.inputs[0, 0]
    assert (found, np.signbit(found)) == (value, np.signbit(value))


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ('"1,5"', "'1,5' is not a number; 2 other cells are\n  hint: write decimals with a point"),
        ("0x10", "'0x10' is not a number; 2 other cells are"),
        ("inf", "inf is not a finite number; 2 other cells are"),
        ("-Infinity", "-Infinity is not a finite number; 2 other cells are"),
        ("1_000", "'1_000' is not a number; 2 other cells are"),
        ("1e999", "1e999 is too large for a float64; 2 other cells are"),
        ("١", "'١' is not a number; 2 other cells are"),
        ("NAN", "NAN is not a finite number; 2 other cells are"),
    ],
)
def test_no_numbers(here: Path, cell: str, says: str) -> None:
    assert refused(f"a,y\n1,1.5\n{cell},2.5\n3,3.5\n").startswith(f"t.csv:3:1: column 'a': {says}")


def test_a_few_texts_are_mistakes_half_of_them_are_categories(here: Path) -> None:
    assert refused("a,y\n1,1\n2,2\nx,3\n4,4.5\n") == (
        "t.csv:4:1: column 'a': 'x' is not a number; 3 other cells are\n"
        "  hint: a missing value is an empty cell, NA or ?; "
        "a column of categories has texts in half of its cells or more"
    )
    assert table("a,y\n1,1\n2,2\nx,3\ny,4.5\n").encoding.names == ["a=1", "a=2", "a=x", "a=y"]


def test_a_column_that_nobody_reads_may_hold_anything(here: Path) -> None:
    assert table("id,a,y\n1,1,2.5\nx,2,3\n3,,4\n4,4,5\n", "features: [a], missing: drop").dropped == 1
    found = table("id,a,y\n,1,2.5\nx,2,3\n3,3,4\n", "features: [a]")
    assert found.train.inputs.tolist() == [[1], [2], [3]]


def test_text_far_below_numbers(here: Path) -> None:
    rows = "".join(f"{i},{i}.5\n" for i in range(300_000))
    assert refused("a,y\n" + rows + "x,1\n").startswith(
        "t.csv:300002:1: column 'a': 'x' is not a number; 300000 other cells are\n"
    )


@pytest.mark.parametrize("cell", ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "?", " "])
def test_missing_cells(here: Path, cell: str) -> None:
    content = f"a,y\n1,1.5\n{cell},2.5\n3,3.5\n"
    assert refused(content) == (
        "t.csv:3:1: no value in column 'a'\n"
        "  hint: data.missing: drop leaves such rows out; mean, median or category fills the gaps"
    )
    dropped = table(content, "missing: drop")
    assert dropped.train.inputs.tolist() == [[1], [3]]
    assert dropped.dropped == 1
    filled = table(content, "missing: mean")
    assert filled.train.inputs.tolist() == [[1], [2], [3]]
    assert filled.encoding.fills == {"a": 2.0}


def test_missing_cells_are_counted(here: Path) -> None:
    assert refused("a,b,y\n1,,1.5\n,2,2.5\n3,3,\n").splitlines()[0] == (
        "t.csv:2:3: no value in column 'b'; 3 cells are empty in all"
    )


def test_a_missing_target_is_never_filled(here: Path) -> None:
    for how in ("drop", "mean", "median", "category"):
        found = table("a,y\n1,1.5\n2,\n3,3.5\n", f"missing: {how}")
        assert found.train.targets.tolist() == [[1.5], [3.5]]
        assert found.dropped == 1
    assert refused("a,y\n1,\n2,\n", "missing: drop") == "t.csv:2:3: every row lacks a value"


def test_the_most_frequent_text_fills(here: Path) -> None:
    found = table("c,y\nred,1.5\n,2.5\nblue,3.5\nblue,4\n", "missing: mean")
    assert found.encoding.fills == {"c": "blue"}
    assert found.train.inputs.tolist() == [[0, 1], [1, 0], [1, 0], [1, 0]]


def test_means_are_of_the_training_rows(here: Path) -> None:
    content = "a,y\n" + "".join(f"{i},{i}.5\n" for i in range(20)) + ",99.5\n"
    found = table(content, "missing: mean, validation_split: 0.5")
    training = [int(y) for (y,) in found.train.targets.tolist() if y != 99.5]
    assert found.encoding.fills == {"a": sum(training) / len(training)}


def test_no_value_to_take_a_mean_of(here: Path) -> None:
    assert "column 'a' has no value in any training row" in refused("a,y\n,1.5\n,2.5\n", "missing: mean")


# features


def test_formulas_of_columns(here: Path) -> None:
    found = table("x,y,t\n2,3,1.5\n-1,5,2.5\n", "features: [x, x^2, x*y, 'max(x, y)']")
    assert found.encoding.names == ["x", "x^2", "x*y", "max(x, y)"]
    assert found.encoding.columns == ["x", "y"]
    assert found.train.inputs.tolist() == [[2, 4, 6, 3], [-1, 1, -5, 5]]


def test_a_column_wins_over_a_formula(here: Path) -> None:
    found = table("x,x^2,t\n2,7,1.5\n3,8,2.5\n", "features: [x^2]")
    assert found.train.inputs.tolist() == [[7], [8]]
    assert found.encoding.columns == ["x^2"]


def test_a_column_named_like_a_constant(here: Path) -> None:
    assert table("e,t\n2,1.5\n3,2.5\n", "features: [2e]").train.inputs.tolist() == [[4], [6]]


@pytest.mark.parametrize(
    ("features", "says"),
    [
        ("[sepal]", "c.yaml:1:32: no column 'sepal'; the columns are petal, colour, y"),
        (
            "[petals]",
            "c.yaml:1:32: no column 'petals'; the columns are petal, colour, y\n  hint: did you mean",
        ),
        ("[petal, petal*z]", "c.yaml:1:39: no column 'z'; the columns are petal, colour, y"),
        (
            "[petal colour]",
            "c.yaml:1:32: 'petal colour' is no column, and no formula: an operator is missing",
        ),
        ("['3']", "c.yaml:1:32: '3' is not a formula of columns"),
        ("['q = petal']", "c.yaml:1:32: 'q = petal' is not a formula of columns"),
        ("[y^2]", "c.yaml:1:32: 'y' is the target, so it is no feature"),
    ],
)
def test_wrong_features(here: Path, features: str, says: str) -> None:
    assert refused("petal,colour,y\n1,red,1.5\n2,red,2.5\n", f"features: {features}").startswith(says)


def test_a_formula_needs_numbers_inside_its_domain(here: Path) -> None:
    assert refused("x,c,y\n1,u,1.5\n2,v,2.5\n", "features: [c^2]").startswith(
        "t.csv:2:3: column 'c': 'u' is not a number"
    )
    says = refused("x,c,y\n1,u,1.5\n\n-2,v,2.5\n", "features: [log(x)]")
    assert says.splitlines()[0] == (
        "t.csv:4:1: feature 'log(x)': log(x) has no value at x = -2: log(x) is defined where x > 0"
    )


def test_categories_become_one_input_each(here: Path) -> None:
    found = table("size,colour,y\n1,red,1.5\n2,blue,2.5\n3,red,3.5\n", "scaling: minmax")
    assert found.encoding.names == ["size", "colour=blue", "colour=red"]
    assert found.train.inputs.tolist() == [[0, 0, 1], [0.5, 1, 0], [1, 0, 1]]


def test_too_many_categories(here: Path) -> None:
    rows = "".join(f"n{i},{i}.5\n" for i in range(1001))
    assert "column 'name' has 1001 different texts; a categorical column has 1000 at most" in refused(
        "name,y\n" + rows
    )


def test_only_a_target(here: Path) -> None:
    assert "no features are left: the only column is 'y'" in refused("y\n1\n2\n")


def test_shape(here: Path) -> None:
    images = "model: {layers: [flatten, {type: linear}]}"
    found = load(config("dataset: digits, shape: [1, 8, 8]", images))
    assert found.train.inputs.shape == (1797, 1, 8, 8)
    assert found.encoding.shape == (1, 8, 8)
    with pytest.raises(ConfigError, match="1 x 8 x 7 is 56 numbers, but a row has 64 features") as caught:
        load(config("dataset: digits, shape: [1, 8, 7]", images))
    assert caught.value.place == "c.yaml:1:32"


# targets


def test_named_and_several_targets(here: Path) -> None:
    content = "a,y,b\n1,1.5,2\n3,3.5,4\n"
    assert table(content, "target: y").train.inputs.tolist() == [[1, 2], [3, 4]]
    found = table(content, "target: [b, y]")
    assert found.train.targets.tolist() == [[2, 1.5], [4, 3.5]]
    assert (found.encoding.targets, found.encoding.names) == (["b", "y"], ["a"])
    assert "no column 'x'; the columns are a, y, b" in refused(content, "target: x")
    assert refused("a,c,y\n1,u,2\n2,v,3\n", "target: [c, y]").startswith("t.csv:2:3: column 'c': 'u' is not")


def test_an_autoencoder_learns_its_scaled_inputs(here: Path) -> None:
    found = table("a,b\n1,10\n3,20\n", "target: features, scaling: minmax")
    assert found.train.inputs.tolist() == found.train.targets.tolist() == [[0, 0], [1, 1]]
    assert found.encoding.targets == ["a", "b"]
    assert found.encoding.autoencoder
    assert found.task == "regression"
    digits = load(
        config(
            "dataset: digits, target: features, shape: [1, 8, 8], scaling: {divide: 16}",
            "model: {layers: [flatten, {type: linear}]}",
        )
    )
    assert digits.train.targets.shape == (1797, 64)
    inline = load(config("inputs: [[1, 2], [3, 4]], target: features"))
    assert inline.train.targets.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("targets", "more", "task", "classes"),
    [
        ("[0, 1, 1, 0]", "", "classification", ["0", "1"]),
        ("[-1, 10, -1, 2, 10, 2]", "", "classification", ["-1", "2", "10"]),
        ("[0, 1, 2, 0]", "", "regression", None),
        ("[0, 1, 2, 0]", "task: classification", "classification", ["0", "1", "2"]),
        ("[0, 1, 1, 0]", "task: regression", "regression", None),
        ("[0, 1, 1, 0]", "loss: mse", "regression", None),
        ("[0, 1, 2, 3]", "loss: cross_entropy", "classification", ["0", "1", "2", "3"]),
        ("[[0], [1], [1], [0]]", "", "regression", None),
        ("[0.5, 1, 1, 0.5]", "", "regression", None),
        ("[0.5, 1, 1, 0.5]", "task: classification", "classification", ["0.5", "1"]),
        ("[no, yes, yes]", "", "classification", ["no", "yes"]),
        ("['2', '10', '2']", "", "classification", ["10", "2"]),
    ],
)
def test_the_task(targets: str, more: str, task: str, classes: list[str] | None) -> None:
    rows = targets.count(",") + 1
    found = load(
        config(f"inputs: {[[i] for i in range(rows)]}, targets: {targets}", f"model: {{hidden: [3]}}\n{more}")
    )
    assert (found.task, found.encoding.classes) == (task, classes)
    assert found.train.targets.dtype == (np.int64 if classes else np.float64)


def test_twenty_classes_at_most_unless_asked(here: Path) -> None:
    def rows(count: int) -> str:
        return "a,y\n" + "".join(f"{i},{i % count}\n" for i in range(100))

    assert table(rows(20)).task == "classification"
    assert table(rows(21)).task == "regression"


def test_one_class(here: Path) -> None:
    assert refused("a,y\n1,red\n2,red\n") == (
        "t.csv:2:3: every row is of the class 'red': there is nothing to tell apart\n"
        "  hint: one-hot targets, a column for each class, may have classes that no row is of"
    )
    assert refused("a,y\n1,7\n2,7\n").endswith("hint: task: regression takes the target as a number")


def test_tasks_that_do_not_fit(here: Path) -> None:
    red = "a,y\n1,red\n2,blue\n"
    assert refused(red, more="model: {hidden: [3]}\ntask: regression") == (
        "c.yaml:3:7: regression, but the target 'y' is text"
    )
    for key, wrong, right in (("task", "classification", "regression"), ("loss", "cross_entropy", "mse")):
        assert refused("a,y\n1,2\n", "target: features", f"model: {{hidden: [3]}}\n{key}: {wrong}") == (
            f"c.yaml:3:7: the targets of an autoencoder are numbers\n  hint: {key}: {right}"
        )


LAYERS = "model: {layers: [{type: linear, units: %d}]}\n"


def test_classes_that_no_row_is_of(here: Path) -> None:
    """Numbers below the number of outputs are classes as PyTorch counts them."""
    three = LAYERS % 3 + "loss: cross_entropy"
    for content, ids in (("a,y\n1,2\n", [2]), ("a,y\n1,0\n2,2\n", [0, 2]), ("a,y\n1,1\n2,1\n", [1, 1])):
        found = table(content, more=three)
        assert (found.encoding.classes, found.train.targets.tolist()) == (["0", "1", "2"], ids)
    # three that are named otherwise stay what they are, two of them are two
    assert table("a,y\n1,1\n2,2\n3,3\n", more=three).encoding.classes == ["1", "2", "3"]
    assert table("a,y\n1,1\n2,3\n", more=three).encoding.classes == ["1", "3"]
    for loss in ("binary_cross_entropy", "mse"):
        found = table("a,y\n1,1\n", more=f"{LAYERS % 1}loss: {loss}\ntask: classification")
        assert (found.encoding.classes, found.train.targets.tolist()) == (["0", "1"], [1])


@pytest.mark.parametrize(
    "more", ["loss: cross_entropy", "task: classification", "task: classification\nloss: mse"]
)
def test_a_column_for_each_class(here: Path, more: str) -> None:
    found = table("red,a,blue\n0.7,1,0.3\n0,2,1\n", "target: [red, blue]", LAYERS % 2 + more)
    assert (found.task, found.encoding.classes, found.encoding.shares) == (
        "classification",
        ["red", "blue"],
        True,
    )
    assert found.train.targets.tolist() == [[0.7, 0.3], [0.0, 1.0]]
    targets = load_labelled("t.csv", found.encoding, Data()).targets
    assert targets.tolist() == [[0.7, 0.3], [0.0, 1.0]]


def test_shares_that_are_none(here: Path) -> None:
    def said(row: str) -> str:
        return refused(
            f"a,p,q\n1,0.5,0.5\n{row}\n", "target: [p, q]", "model: {hidden: [3]}\nloss: cross_entropy"
        )

    assert said("2,0.5,0.4").startswith("t.csv:3:3: the shares of the 2 classes add up to 0.9, not to 1")
    assert said("2,-1,2").startswith("t.csv:3:3: -1 is no share of the class 'p'")
    assert said("2,1e308,1e308").startswith("t.csv:3:3: the shares of the 2 classes add up to inf, not to 1")


# scaling


def test_scaling(here: Path) -> None:
    content = "a,b,y\n2,5,1.5\n4,5,2.5\n6,5,3.5\n"
    standard = table(content, "scaling: standard")
    # the deviation of 2, 4, 6 over all three of them is sqrt(8/3)
    assert standard.train.inputs[:, 0].tolist() == [-1.224744871391589, 0.0, 1.224744871391589]
    assert standard.train.inputs[:, 1].tolist() == [0, 0, 0]
    assert standard.encoding.scale.tolist() == [1.632993161855452, 1.0]
    minmax = table(content, "scaling: minmax")
    assert minmax.train.inputs.tolist() == [[0, 0], [0.5, 0], [1, 0]]
    divided = table(content, "scaling: {divide: 4}")
    assert divided.train.inputs.tolist() == [[0.5, 1.25], [1, 1.25], [1.5, 1.25]]
    assert divided.train.targets.tolist() == [[1.5], [2.5], [3.5]]


def test_a_constant_column_makes_no_noise(here: Path) -> None:
    found = table("a,b,y\n" + "".join(f"0.1,{i},{i}.5\n" for i in range(10)), "scaling: standard")
    assert found.train.inputs[:, 0].tolist() == [0.0] * 10


def test_numbers_too_large_to_scale(here: Path) -> None:
    content = "a,y\n1e308,1.5\n-1e308,2.5\n,3.5\n"
    for how in ("standard", "minmax"):
        assert refused(content, f"missing: drop, scaling: {how}") == (
            "c.yaml:1:45: the numbers of 'a' are too large to be scaled"
        )
    assert refused(content, "missing: drop, scaling: {divide: 0.1}") == (
        "t.csv:2:1: feature 'a' overflows when it is scaled"
    )
    assert refused("a,y\n1e308,1\n1e308,2\n,3\n", "missing: mean").endswith("'a' are too large for a mean")


def test_scaling_is_fitted_on_training_rows(here: Path) -> None:
    Path("v.csv").write_text("a,y\n20,1.5\n")
    found = table("a,y\n0,1.5\n10,2.5\n", "scaling: minmax, validation_path: v.csv")
    assert found.validation is not None
    assert found.validation.inputs.tolist() == [[2.0]]


@given(
    st.lists(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3), min_size=2, max_size=20),
    st.sampled_from(["standard", "minmax", "{divide: 7.5}"]),
)
def test_scaling_can_be_undone(rows: list[list[float]], how: str) -> None:
    found = load(config(f"inputs: {rows}, targets: {[[0.5]] * len(rows)}, scaling: {how}"))
    back = found.train.inputs * found.encoding.scale + found.encoding.shift
    largest = np.abs(rows).max()
    assert np.abs(back - rows).max() <= 1e-9 * largest


# splits


def test_sizes_of_parts() -> None:
    found = load(config("dataset: iris, validation_split: 0.2, test_split: 0.2"))
    assert found.validation is not None
    assert found.test is not None
    assert [len(part.targets) for part in (found.train, found.validation, found.test)] == [90, 30, 30]
    for part in (found.train, found.validation, found.test):
        assert set(Counter(part.targets.tolist()).values()) == {len(part.targets) // 3}


def test_splits_are_by_the_seed() -> None:
    def prints(seed: int) -> str:
        return load(
            config("dataset: iris, validation_split: 0.2", f"model: {{hidden: [3]}}\nseed: {seed}")
        ).fingerprint

    assert prints(0) == prints(0)
    assert prints(0) != prints(1)


def parts_of(labels: list[int] | int, data: str, seed: int = 0) -> list[list[int]]:
    loaded = config(f"dataset: sine, {data}", f"model: {{hidden: [3]}}\nseed: {seed}")
    if isinstance(labels, int):
        return [part.tolist() for part in split(loaded, labels, Sorts())]
    return [part.tolist() for part in split(loaded, len(labels), Sorts(np.array(labels)))]


@given(
    st.lists(st.integers(0, 3), min_size=8, max_size=60),
    st.sampled_from([0.0, 0.1, 0.25]),
    st.sampled_from([0.0, 0.05, 0.3]),
    st.booleans(),
    st.integers(0, 5),
)
def test_parts_are_a_partition(
    labels: list[int], validation: float, test: float, by_class: bool, seed: int
) -> None:
    found = parts_of(
        labels if by_class else len(labels), f"validation_split: {validation}, test_split: {test}", seed
    )
    assert sorted(row for part in found for row in part) == list(range(len(labels)))
    assert all(part == sorted(part) for part in found)
    n = len(labels)
    assert [len(part) for part in found[1:]] == [
        max(1, round(n * share)) if share else 0 for share in (validation, test)
    ]
    if by_class:
        assert {labels[i] for i in found[0]} == set(labels)
        for kind in set(labels):
            fair = labels.count(kind) * len(found[1]) / n
            assert abs(sum(labels[i] == kind for i in found[1]) - fair) < 2


def test_a_rare_class_stays_in_training() -> None:
    train, validation, _ = parts_of([0] * 9 + [1], "validation_split: 0.5")
    assert 9 in train
    assert len(validation) == 5


def test_too_few_rows_to_divide(here: Path) -> None:
    content = "a,y\n1,u\n2,v\n3,w\n"
    assert refused(content, "validation_split: 0.3") == (
        "c.yaml:1:39: 3 rows are too few to hold out 1 and keep one of each class for training\n"
        "  hint: stratify: false draws from all rows alike"
    )
    found = table(content, "validation_split: 0.3, stratify: false")
    assert found.validation is not None
    assert found.encoding.classes == ["u", "v", "w"]
    assert "no training rows are left: 2 of 2 would be held out" in refused(
        "a,y\n1,1.5\n2,2.5\n", "validation_split: 0.1, test_split: 0.1"
    )
    assert "there are no classes to split by" in refused(
        "a,y\n1,1.5\n2,2.5\n", "validation_split: 0.5, stratify: true"
    )


def test_other_files(here: Path) -> None:
    Path("v.csv").write_text("y,c,a\nred,small,3\n")
    found = table("a,c,y\n1,small,red\n2,big,blue\n", "validation_path: v.csv, test_path: v.csv")
    assert found.validation is not None
    assert found.test is not None
    assert found.validation.inputs.tolist() == [[3, 0, 1]]
    assert found.validation.targets.tolist() == [1]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            "a,c,y\n1,small,red\n1,small,green\n",
            "v.csv:3:9: class 'green' is not among the training rows\n  hint: known: blue, red",
        ),
        (
            "a,c,y\n1,huge,red\n",
            "v.csv:2:3: column 'c': 'huge' is not a known category\n  hint: known: big, small",
        ),
        ("a,c,y\nx,small,red\n", "v.csv:2:1: column 'a': 'x' is not a number"),
        ("a,c,y\n,small,red\n", "v.csv:2:1: no value in column 'a'"),
        ("a,y\n1,red\n", "c.yaml:1:38: v.csv: no column 'c'; the columns are a, y"),
    ],
)
def test_wrong_other_files(here: Path, content: str, says: str) -> None:
    Path("v.csv").write_text(content)
    assert refused("a,c,y\n1,small,red\n2,big,blue\n", "validation_path: v.csv").startswith(says)


def test_numbers_as_classes_in_other_files(here: Path) -> None:
    Path("v.csv").write_text("a,y\n1,1.0\n1,3\n")
    with pytest.raises(DataError, match=r"class '3' is not among the training rows") as caught:
        table("a,y\n1,0\n2,1\n3,0\n4,1\n", "validation_path: v.csv")
    assert caught.value.place == "v.csv:3:3"


# arrays


def archive(**arrays: Any) -> None:
    np.savez("t.npz", **arrays)


def test_arrays(here: Path) -> None:
    archive(x=np.arange(12, dtype=np.uint8).reshape(3, 2, 2), y=np.array(["u", "v", "u"]))
    found = load(config("path: t.npz"))
    assert found.train.inputs.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert found.train.targets.tolist() == [0, 1, 0]
    assert found.encoding.columns == ["x1", "x2", "x3", "x4"]
    shaped = config("path: t.npz, shape: [1, 2, 2]", "model: {layers: [flatten, {type: linear}]}")
    assert load(shaped).train.inputs.shape == (3, 1, 2, 2)
    archive(X=np.ones((3, 1)), targets=np.array([[1.0, 2], [3, 4], [5, 6]]))
    found = load(config("path: t.npz"))
    assert (found.encoding.columns, found.encoding.targets) == (["x"], ["y1", "y2"])
    archive(x=np.array([1.0, 2]), y=np.array([2.5, 3]))
    assert load(config("path: t.npz")).train.inputs.tolist() == [[1], [2]]


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"x": np.ones((3, 2)), "y": np.ones(2)}, r"t\.npz: 'x' has shape \(3, 2\) and 'y' has shape \(2,\)"),
        ({"a": np.ones(3), "b": np.ones(2)}, r"t\.npz: columns of different lengths: a 3, b 2"),
        ({"a": np.ones((3, 2))}, r"t\.npz: the array 'a' has shape \(3, 2\), not \(rows,\)"),
        ({"a": np.array([{}, {}]), "b": np.ones(2)}, r"array 'a': the array holds pickled Python objects"),
        ({"a": np.array([1, np.inf]), "b": np.ones(2)}, r"row 2, column 'a': inf is not a finite number"),
        ({"a": np.array([1, np.nan]), "b": np.ones(2)}, r"row 2, column 'a': no value in column 'a'"),
        ({"a": np.array([1, 2**60]), "b": np.ones(2)}, r"1152921504606846976 is too long for a float64"),
        ({"a": np.array([1j, 2]), "b": np.ones(2)}, r"the array holds complex128, not numbers"),
        ({}, r"t\.npz: no arrays"),
    ],
)
def test_wrong_arrays(here: Path, arrays: dict[str, Any], says: str) -> None:
    archive(**arrays)
    with pytest.raises(DataError) as caught:
        load(config("path: t.npz"))
    assert re.search(says, str(caught.value))


def test_damaged_archives(here: Path) -> None:
    archive(x=np.arange(6.0).reshape(3, 2), y=np.ones(3))
    whole = Path("t.npz").read_bytes()
    for end in range(0, len(whole), 7):
        Path("t.npz").write_bytes(whole[:end])
        with pytest.raises(DataError):
            load(config("path: t.npz"))
    Path("t.npz").write_bytes(b"PK\x03\x04 not at all")
    with pytest.raises(DataError, match=r"t\.npz: the \.npz file is damaged or cut short"):
        load(config("path: t.npz"))


def test_an_npy_array_has_no_names(here: Path) -> None:
    np.save("t.npy", np.ones((2, 2)))
    with pytest.raises(DataError, match=r"t\.npy: "):
        load(config("path: t.npy"))


# inline rows, built-in sets


def test_inline_rows() -> None:
    found = load(config("inputs: [[1, 0.5, 1]], targets: [[0.5, 1]]"))
    assert found.train.inputs.tolist() == [[1, 0.5, 1]]
    assert found.train.targets.tolist() == [[0.5, 1]]
    assert found.encoding.names == ["x1", "x2", "x3"]
    assert found.encoding.targets == ["y1", "y2"]


@pytest.mark.parametrize("name", [name for name in TOYS if name not in MADE_SEQUENCES])
def test_generated_sets(name: str) -> None:
    first, again, other = (generate(name, seed) for seed in (0, 0, 1))
    assert first.inputs.tobytes() == again.inputs.tobytes()
    assert first.targets.tobytes() == again.targets.tobytes()
    if name != "xor":
        assert (first.inputs.tobytes(), first.targets.tobytes()) != (
            other.inputs.tobytes(),
            other.targets.tobytes(),
        )
    assert len(generate(name, 0, samples=31).inputs) == 31
    if first.classes is not None:
        counts = Counter(first.targets.tolist())
        assert len(counts) == len(first.classes)
        assert max(counts.values()) - min(counts.values()) <= 1
        assert load(config(f"dataset: {name}")).task == "classification"


def test_what_generated_sets_look_like() -> None:
    xor = generate("xor", 0)
    assert xor.inputs.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert xor.targets.tolist() == [0, 1, 1, 0]
    radius = np.hypot(*generate("circles", 0, noise=0.0).inputs.T)
    assert np.allclose(radius, [1.0] * 100 + [0.5] * 100, atol=1e-15)
    moons = generate("moons", 0, samples=6, noise=0.0).inputs
    assert np.allclose(moons, [[1, 0], [0, 1], [-1, 0], [0, 0.5], [1, -0.5], [2, 0.5]], atol=1e-15)
    blobs = generate("blobs", 0, samples=3, noise=0.0).inputs
    assert np.allclose(blobs, [[0, 4], [-(12**0.5), -2], [12**0.5, -2]], atol=1e-14)
    sine = generate("sine", 0, samples=3, noise=0.0)
    assert np.allclose(sine.targets, 0.0, atol=1e-15)
    arms = generate("spirals", 0, noise=0.0)
    assert np.array_equal(arms.inputs[:100], -arms.inputs[100:])
    apart = np.hypot(*(arms.inputs[:100, None] - arms.inputs[None, 100:]).transpose(2, 0, 1))
    assert apart.min() > 0.3
    with pytest.raises(ConfigError, match="blobs takes 6 samples or more"):
        load(config("dataset: blobs, samples: 5"))


def test_iris_is_fishers() -> None:
    iris = shipped("iris")
    assert iris.inputs.shape == (150, 4)
    # the two rows in which the repository's file has mistakes
    assert iris.inputs[34].tolist() == [4.9, 3.1, 1.5, 0.2]
    assert iris.inputs[37].tolist() == [4.9, 3.6, 1.4, 0.1]
    assert iris.inputs.sum(axis=0).round(1).tolist() == [876.5, 458.6, 563.7, 179.9]
    assert iris.classes == ["setosa", "versicolor", "virginica"]
    assert iris.targets.tolist() == [0] * 50 + [1] * 50 + [2] * 50
    found = load(config("dataset: iris, target: petal_width"))
    assert found.encoding.names[-3:] == ["species=setosa", "species=versicolor", "species=virginica"]
    assert found.task == "regression"


def test_digits() -> None:
    digits = shipped("digits")
    assert digits.inputs.shape == (1797, 64)
    assert (digits.inputs.min(), digits.inputs.max(), digits.inputs.sum()) == (0, 16, 561718)
    assert np.bincount(digits.targets).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert digits.inputs[0, :8].tolist() == [0, 0, 5, 13, 9, 1, 0, 0]
    folder = Path(__file__).parent.parent / "backprop_cli/training/data/sets"
    assert "CC BY 4.0" in (folder / "NOTICE").read_text("utf-8")
    assert (folder / "digits.npz").stat().st_size < 100_000


# the encoding by itself


def test_an_encoding_goes_through_json(here: Path) -> None:
    content = "a,b,c,y\n0.1,1,red,u\n0.7,,blue,v\n0.3,3,red,u\n"
    found = table(content, "features: [a, a*b, c], missing: mean, scaling: standard")
    again = Encoding.from_dict(json.loads(json.dumps(found.encoding.as_dict())))
    assert again.as_dict() == found.encoding.as_dict()
    assert (again.names, again.classes) == (["a", "a*b", "c=blue", "c=red"], ["u", "v"])
    columns = {"a": ["0.1", " 0.7", "0.3"], "b": ["1", "NA", "3"], "c": ["red", "blue ", "red"]}
    encoded = again.encode(columns, lambda row, name: "")
    assert encoded.tobytes() == found.train.inputs.tobytes()
    broken = found.encoding.as_dict() | {"shift": [0.0]}
    with pytest.raises(ValueError, match="different lengths"):
        Encoding.from_dict(broken)


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl"])
def test_rows_to_predict_from(here: Path, kind: str) -> None:
    encoding = table("a,c,y\n1,red,1.5\n3,blue,2.5\n").encoding
    rows = [("1", "2", "red"), ("2", "4.5", "blue")]
    if kind == "jsonl":
        lines = ['{"id": 1, "a": 2, "c": "red"}', '{"c": "blue", "a": "4.5", "id": {}}']
    else:
        lines = [("\t" if kind == "tsv" else ",").join(row) for row in [("id", "a", "c"), *rows]]
    Path(f"p.{kind}").write_text("\n".join(lines) + "\n")
    with open_rows(f"p.{kind}", encoding) as source:
        assert source.names == ["id", "a", "c"]
        (block,) = source
        assert encode_block(encoding, block).tolist() == [[2, 0, 1], [4.5, 1, 0]]
        assert block.lines == [line.encode() for line in lines[kind != "jsonl" :]]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("p.csv", "a,b\n1,2\n", "p.csv:1:1: no column 'c'; the columns are a, b"),
        ("p.csv", "a,c\n1,red\nx,red\n", "p.csv:3:1: column 'a': 'x' is not a number"),
        ("p.csv", 'c,a\n"r\ned",1\n', "p.csv:2:1: column 'c': 'r\\ned' is not a known category"),
        ("p.csv", "c,a\nred,\n", "p.csv:2:5: no value in column 'a'"),
        ("p.jsonl", '{"a": 1, "c": "red"}\n{"c": "red"}\n', "p.jsonl:2:1: no key 'a' in this line"),
        ("p.jsonl", '{"a": 1, "c": "red", "a": 2}\n', "p.jsonl:1:1: the key 'a' stands twice"),
        ("p.jsonl", '{"a": [1], "c": "red"}\n', "p.jsonl:1:7: 'a' is [1], neither a number nor a text"),
        ("p.jsonl", '{"a": null, "c": "red"}\n', "p.jsonl:1:7: no value in column 'a'"),
        ("p.jsonl", '{"a": true, "c": "red"}\n', "p.jsonl:1:7: column 'a': 'true' is not a number"),
    ],
)
def test_wrong_rows_to_predict_from(here: Path, name: str, content: str, says: str) -> None:
    encoding = table("a,c,y\n1,red,1.5\n3,blue,2.5\n").encoding
    Path(name).write_text(content)

    def encode() -> None:
        with open_rows(name, encoding) as source:
            for block in source:
                encode_block(encoding, block)

    with pytest.raises(DataError) as caught:
        encode()
    assert str(caught.value).splitlines()[0] == says


def test_rows_with_their_targets(here: Path) -> None:
    encoding = table("a,y\n1,u\n3,v\n").encoding
    Path("e.csv").write_text("y,a\nv,5\nu,\n")
    rows = load_labelled("e.csv", encoding, Data(missing="drop"))
    assert rows.inputs.tolist() == [[5]]
    assert rows.targets.tolist() == [1]
    Path("e.csv").write_text("a\n5\n")
    with pytest.raises(DataError, match="no column 'y'; the columns are a"):
        load_labelled("e.csv", encoding, Data())


@given(
    st.lists(
        st.tuples(*[st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))] * 2),
        min_size=1,
        max_size=8,
    )
)
def test_every_written_table_is_read(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "round.csv"
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerow(["a", "b"])
        writer.writerows(rows)
    with text.open_table(str(path)) as source:
        found = [text.texts(block, ["a", "b"]) for block in source]
    cells = [pair for part in found for pair in zip(part["a"], part["b"], strict=True)]
    # line ends are one and the same in a table
    unix = [tuple(c.replace("\r\n", "\n").replace("\r", "\n").strip(" \t") for c in row) for row in rows]
    read = [tuple(c.replace("\r\n", "\n").replace("\r", "\n").strip(" \t") for c in row) for row in cells]
    assert read == unix


# formulas


def formula(content: str, data: str = "", used: tuple[str, ...] = ("x",)) -> FormulaSplits:
    Path("t.csv").write_text(content)
    more = "model: {formula: 'y ~ a*x', parameters: {a: 1.0}}"
    return load_formula(config("path: t.csv" + (f", {data}" if data else ""), more), "y", used)


def test_columns_of_a_formula(here: Path) -> None:
    found = formula("x,note,y\n1,u,2\n2,v,4\n")
    assert {name: column.tolist() for name, column in found.train.items()} == {"y": [2, 4], "x": [1, 2]}
    assert (found.validation, found.test, found.dropped) == (None, None, 0)
    content = "x,y\n" + "".join(f"{i},{2 * i}\n" for i in range(10))
    found = formula(content, "validation_split: 0.2, test_split: 0.1")
    assert found.validation is not None
    assert found.test is not None
    assert [len(part["x"]) for part in (found.train, found.validation, found.test)] == [7, 2, 1]
    for part in (found.train, found.validation, found.test):
        assert part["y"].tolist() == (2 * part["x"]).tolist()


def test_a_parameter_with_the_name_of_a_column(here: Path) -> None:
    with pytest.raises(ConfigError, match="a is a column of the data, too"):
        formula("x,a,y\n1,2,3\n4,5,6\n")


def test_missing_cells_of_a_formula(here: Path) -> None:
    content = "x,y\n1,2\n,4\n3,\n5,6\n"
    with pytest.raises(DataError, match="no value in column 'x'; 2 cells are empty in all"):
        formula(content)
    found = formula(content, "missing: mean")
    assert found.train["x"].tolist() == [1, 3, 5]
    assert (found.dropped, found.fills) == (1, {"x": 3.0})
    assert formula(content, "missing: drop").train["x"].tolist() == [1, 5]


@pytest.mark.parametrize(
    ("content", "data", "says"),
    [
        ("X,y\n1,2\n", "", "no column 'x'; the columns are X, y\n  hint: did you mean 'X'?"),
        ("x,y\n1,2\nu,3\n", "", "t.csv:3:1: column 'x': 'u' is not a number"),
        ("x,y\n1,2\n", "features: [x]", "features is for networks: the formula names its columns"),
        ("x,y\n1,2\n", "scaling: standard", "scaling is for networks"),
    ],
)
def test_wrong_columns_of_a_formula(here: Path, content: str, data: str, says: str) -> None:
    with pytest.raises((DataError, ConfigError)) as caught:
        formula(content, data)
    assert says in str(caught.value)


# random numbers


def test_streams() -> None:
    assert stream(0, "split").integers(1 << 62) == stream(0, "split").integers(1 << 62)
    draws = {
        int(stream(seed, purpose, epoch).integers(1 << 62))
        for seed in (0, 1, 1 << 40)
        for purpose in ("split", "dropout")
        for epoch in (0, 1)
    }
    assert len(draws) == 12


def test_the_same_in_every_process() -> None:
    code = (
        "from backprop_cli.training.config import loads; from backprop_cli.training.data import load\n"
        "print(load(loads('data: {dataset: moons, validation_split: 0.25, scaling: standard}\\n'"
        "'model: {hidden: [3]}', 'c.yaml')).fingerprint)"
    )
    prints = [
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": h},
        ).stdout.strip()
        for h in ("1", "2")
    ]
    own = load(config("dataset: moons, validation_split: 0.25, scaling: standard")).fingerprint
    assert prints == [own, own]


# --- cells that people mean as numbers, columns that teach nothing -----------------------------------


@pytest.mark.parametrize("cell", ["1,5", "1 500", "$3", "10%", "1,500", "€ 7", "−2"])
@pytest.mark.parametrize("column", ["feature", "target"])
def test_numbers_in_disguise_are_no_categories(here: Path, cell: str, column: str) -> None:
    rows = f'"{cell}",1.5\n"{cell}",2\n7,2.5\n' if column == "feature" else f'1.5,"{cell}"\n2,"{cell}"\n3,7\n'
    says = refused(f"a,b\n{rows}")
    name, place = ("a", "2:1") if column == "feature" else ("b", "2:5")
    assert f"t.csv:{place}: column '{name}': '{cell}' is not a number; 2 cells of the column look so" in says
    assert ("data.numbers" in says) == (cell not in ("$3", "10%", "€ 7"))  # 7 lacks their unit
    assert f"data.categories: ['{name}'] takes such cells as texts" in says


def test_a_column_of_texts_with_a_number_in_disguise_among_them(here: Path) -> None:
    found = table('a,b\nsmall,1\n"1,5",2.5\nlarge,3\n')
    assert found.encoding.names == ["a=1,5", "a=large", "a=small"]


def test_categorical_columns(here: Path) -> None:
    found = table("a,b,y\n1,10%,1.5\n2,20%,2\n1,10%,3\n", "categories: [a, b]")
    assert found.encoding.names == ["a=1", "a=2", "b=10%", "b=20%"]
    assert "no column 'q'" in refused("a,y\n1,1.5\n", "categories: [q]")
    assert "takes 'a' for a number" in refused("a,y\n1,1.5\n", "features: [a^2], categories: [a]")


@pytest.mark.parametrize(
    ("content", "notes"),
    [
        ("x,y\n1,1.5\n2,2.5\n", []),
        ("x,y,\n1,1.5,\n2,2.5,\n", ["every line ends with a separator"]),
        ("x,c\n1,a\n2,b\n3,a\n", []),
        ("x,y\n1,0\n2,1\n3,0\n4,1\n", ["task: classification, since 'y' has 2 different"]),
        ("x,y\n1,3\n2,5\n3,9\n", ["task: regression, since 'y' has 3 different whole numbers in 3 rows"]),
        ("id,x,y\n1,5,1.5\n2,6,2.5\n3,6,2.5\n", ["column 'id' seems to number the rows"]),
        (",x,y\n0,5,1.5\n1,6,2.5\n2,6,2.5\n", ["column '' seems to number the rows"]),
        ("who,y\nann,1.5\nbob,2.5\ncy,0.5\n", ["column 'who' has 3 different texts in 3 rows"]),
        ("day,y\n2020-01-01,1.5\n2020-01-01,2.5\n2020-02-01,0.5\n", ["column 'day' has 2 different dates"]),
        ("day,y\n01.02.20 10:30,1.5\n03.02.20 11:00,2.5\n", ["column 'day' has 2 different dates in 2 rows"]),
    ],
)  # fmt: skip
def test_what_is_noted_of_a_table(here: Path, content: str, notes: list[str]) -> None:
    found = table(content).notes
    assert len(found) == len(notes)
    for says, expected in zip(found, notes, strict=True):
        assert says.startswith(expected)


def test_a_column_that_is_no_name_in_a_formula(here: Path) -> None:
    says = refused("mg/L,y\n1,1.5\n2,2\n", "features: [mg/L, (mg/L)^2]")
    assert "'mg/L' is no name that a formula can have" in says
    assert "hint: rename the column, to mg_L for example" in says


def test_a_dialect_holds_for_all_files_of_a_config(here: Path) -> None:
    (here / "v.csv").write_text("9;8,5\n")
    dialect = "separator: semicolon, decimal: comma, header: [x, y], validation_path: v.csv"
    found = table("1,5;2,5\n2;3\n", dialect)
    assert found.train.inputs.tolist() == [[1.5], [2.0]]
    assert found.validation is not None
    assert found.validation.targets.tolist() == [[8.5]]
    assert "a separator is one character" in refused("x,y\n1,2\n", "separator: ab")
