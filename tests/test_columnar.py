"""Parquet, Arrow and Feather: what their types become, some rows at a time, wherever a table is read."""

from __future__ import annotations

import datetime
import decimal
import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backprop_cli.errors import BackpropError
from backprop_cli.tables import text
from backprop_cli.training.config import loads
from backprop_cli.training.loop import Training
from backprop_cli.training.problem import assemble

arrow = pytest.importorskip("pyarrow")
feather, parquet = (pytest.importorskip(f"pyarrow.{format_}") for format_ in ("feather", "parquet"))
columnar = pytest.importorskip("backprop_cli.tables.columnar")

day = datetime.datetime(2024, 1, 2, 3, 4, 5)
# Of each type: cells, their type, and what they are as CSV.
TYPES: dict[str, tuple[list[Any], Any, list[str]]] = {
    "whole numbers": ([1, None, -3], arrow.int32(), ["1", "", "-3"]),
    "large ones, digit for digit": ([2**60 + 1, 0, 1], arrow.int64(), ["1152921504606846977", "0", "1"]),
    "floats, to the bit": ([0.1, 5e-324, None], arrow.float64(), ["0.1", "5e-324", ""]),
    "no number": ([float("nan"), 1.0, 2.0], arrow.float64(), ["nan", "1", "2"]),
    "texts": (["a,b", 'q"x', None], arrow.string(), ["a,b", 'q"x', ""]),
    "large texts": (["ü", "", "x"], arrow.large_string(), ["ü", "", "x"]),
    "dictionaries": (["u", None, "v"], "dictionary", ["u", "", "v"]),
    "decimals": ([decimal.Decimal("1.10"), None, decimal.Decimal("3.33")], None, ["1.10", "", "3.33"]),
    "yes and no": ([True, None, False], arrow.bool_(), ["true", "", "false"]),
    "dates": ([day.date(), None, day.date()], arrow.date32(), ["2024-01-02", "", "2024-01-02"]),
    "times": (
        [day, None, day],
        arrow.timestamp("ms"),
        ["2024-01-02 03:04:05.000", "", "2024-01-02 03:04:05.000"],
    ),
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(table: Any, name: str) -> None:
    if name.endswith(".parquet"):
        parquet.write_table(table, name, row_group_size=300)
    else:
        feather.write_feather(table, name, version=1 if name == "old.feather" else 2)


@pytest.mark.parametrize("name", ["t.parquet", "t.feather", "t.arrow"])
@pytest.mark.parametrize("case", TYPES)
def test_what_a_cell_becomes(case: str, name: str) -> None:
    cells, type_, expected = TYPES[case]
    column = arrow.array(cells).dictionary_encode() if type_ == "dictionary" else arrow.array(cells, type_)
    write(arrow.table({"x": column, "n": [1, 2, 3]}), name)
    with text.open_table(name) as source:
        (block,) = source
    assert text.texts(block, ["x"])["x"] == expected


@pytest.mark.filterwarnings("ignore:Feather V1")
@pytest.mark.parametrize("name", ["t.parquet", "t.feather", "old.feather"])
def test_many_rows_come_some_at_a_time_and_to_the_bit(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columnar, "ROWS", 70)
    bits = np.random.default_rng(1).integers(0, 1 << 62, 1000)
    x = bits.view(np.float64)
    write(arrow.table({"x": x, "y": np.arange(1000.0)}), name)
    with text.open_table(name) as source:
        found = np.concatenate([text.number_table(block) for block in source])
    assert found[:, 0].tobytes() == x.tobytes()
    assert found[:, 1].tolist() == list(range(1000))


def error_of(data: str) -> str:
    with pytest.raises(BackpropError) as caught:
        assemble(loads(f"data: {{{data}}}\nmodel: {{hidden: [2]}}\n", "c.yaml"))
    return f"{caught.value.place}: {caught.value.message}; {caught.value.hint}"


def test_what_no_cell_holds_is_refused_by_the_column() -> None:
    write(arrow.table({"x": [1.5, 2], "tags": [["a"], []]}), "t.parquet")
    assert error_of("path: t.parquet") == (
        "t.parquet: column 'tags' is of list<element: string>, and a cell holds a number, a text or a date;"
        " write the table without it: table.drop(['tags'])"
    )
    write(arrow.table({"x": [1.5, 2], "raw": [b"a", b"b"]}), "t.arrow")
    assert "column 'raw' is of binary" in error_of("path: t.arrow")


def test_damaged_and_empty_files() -> None:
    write(arrow.table({"x": [1.5, 2.0] * 500, "y": [1.5, 2.0] * 500}), "t.parquet")
    data = Path("t.parquet").read_bytes()
    Path("cut.parquet").write_bytes(data[:-100])
    assert "cut.parquet: the file cannot be read by pyarrow" in error_of("path: cut.parquet")
    Path("bad.parquet").write_bytes(data[:40] + bytes(200) + data[240:])
    assert "bad.parquet" in error_of("path: bad.parquet")
    write(
        arrow.table({"x": arrow.array([], arrow.float64()), "y": arrow.array([], arrow.float64())}),
        "no.parquet",
    )
    assert "no.parquet:1:1: a header and no rows" in error_of("path: no.parquet")
    assert "no.parquet:1:1: a header and no rows" in error_of("path: no.parquet, stream: true")


def test_it_is_read_wherever_a_table_is(run: Callable[..., Any]) -> None:
    x = np.arange(60.0) / 7
    table = arrow.table({"x": x, "town": ["Arles", "Blois", None] * 20, "y": 2 * x + 0.5})
    write(table, "t.parquet")
    write(table, "t.arrow")
    cells = zip(x.tolist(), ["Arles", "Blois", ""] * 20, (2 * x + 0.5).tolist(), strict=True)
    frame = [",".join(map(str, row)) for row in cells]
    Path("t.csv").write_text("x,town,y\n" + "\n".join(frame) + "\n")
    thetas = []
    for path in ("t.csv", "t.parquet", "t.arrow"):
        for stream in ("false", "true"):
            made = assemble(
                loads(
                    f"data: {{path: {path}, missing: category, stream: {stream}, validation_split: 0}}\n"
                    "model: {hidden: [3]}\ntraining: {epochs: 2}\n",
                    "c.yaml",
                )
            )
            training = Training(made)
            list(training.run())
            thetas.append(training.runner.theta)
    for theta in thetas[1:]:
        np.testing.assert_allclose(theta, thetas[0], rtol=1e-11)
    assert run("train", "t.parquet", "--target", "y", "training.epochs=2", "-q").status == 0
    ours = run("predict", "runs/t", "t.parquet", "--format", "csv")
    theirs = run("predict", "runs/t", "t.csv")
    assert ours.status == theirs.status
    answers = [[line.split(",")[3] for line in each.out.splitlines()] for each in (ours, theirs)]
    assert answers[0] == answers[1]
    assert run("evaluate", "runs/t", "t.arrow", "-q").status == 0
    points = run("grad", "x^2", "--points", "t.parquet", "--format", "csv")
    assert points.status == 0
    assert repr(2 * float(x[1])) in points.out.splitlines()[2].split(",")
    Path("t.parquet.gz").write_bytes(gzip.compress(Path("t.parquet").read_bytes()))
    assert run("grad", "x^2", "--points", "t.parquet.gz", "--format", "csv").out == points.out


def test_from_a_pipe_it_is_taken_whole() -> None:
    write(arrow.table({"x": [1.5, 2.0]}), "t.parquet")
    data = Path("t.parquet").read_bytes()

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    from backprop_cli.tables.formats import opened

    found = opened(Pipe(data), "<stdin>", "")
    assert found.head + found.stream.read(-1) == b'"x"\n1.5\n2\n'


def test_memory_does_not_grow_with_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of pyarrow, which allocates by itself: a group of rows of a Parquet file after the other."""
    monkeypatch.setattr(columnar, "ROWS", 300)
    peaks = []
    columns = {f"x{i}": np.random.default_rng(i).normal(size=30_000) for i in range(20)}
    for rows in (3_000, 30_000):
        write(arrow.table({name: column[:rows] for name, column in columns.items()}), "t.parquet")
        held = []
        with text.open_table("t.parquet") as source:
            for _ in source:
                held.append(arrow.total_allocated_bytes())
        peaks.append(max(held))
    assert peaks[1] < peaks[0] + 8 * 20 * 1_000
