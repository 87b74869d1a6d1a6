"""A table takes its memory twice while it is read, at the precision trained; float32 spoils nothing."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import backprop_cli
from backprop_cli.tables import arrays
from backprop_cli.tables.arrays import spoils
from backprop_cli.training.config import loads
from backprop_cli.training.data import loading, source
from backprop_cli.training.problem import Problem, assemble

COLUMNS = 40
SIZES = 6_000, 20_000
rng = np.random.default_rng(0)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pieces are small beside the data, as they are beside large data."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(loading, "BLOCK_NUMBERS", 1 << 14)
    monkeypatch.setattr(loading, "GROUP_NUMBERS", 1 << 14)
    monkeypatch.setattr(source, "SLAB", 1 << 17)
    monkeypatch.setattr(source, "COPIED", 1 << 17)
    monkeypatch.setattr(arrays, "PIECE", 1 << 14)
    return tmp_path


def problem(file: str, dtype: str, more: str = "") -> Problem:
    text = f"data: {{path: {file}{more}}}\nmodel: {{hidden: [4]}}\ndtype: {dtype}\ntask: regression\n"
    return assemble(loads(text, "c.yaml"))


def csv(path: str, rows: int) -> None:
    lines = [",".join(f"{x:.4f}" for x in row) + "\n" for row in rng.normal(size=(200, COLUMNS))]
    names = ",".join(f"x{i}" for i in range(COLUMNS)) + "\n"
    Path(path).write_text(names + "".join(lines) * (rows // 200))


def npz(path: str, rows: int) -> None:
    x = rng.normal(size=(rows, COLUMNS - 1))
    np.savez(path, x=x, y=x[:, 0])


@pytest.mark.parametrize(("file", "write"), [("t.csv", csv), ("t.npz", npz)])
def test_a_table_takes_its_memory_twice_at_the_precision_trained(
    here: Path, file: str, write: Callable[[str, int], None]
) -> None:
    """By how much the peak grows from a small table to a larger one."""
    peaks: dict[str, list[int]] = {"float64": [], "float32": []}
    for rows in SIZES:
        write(file, rows)
        for dtype, found in peaks.items():
            tracemalloc.start()
            made = problem(file, dtype)
            found.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
            assert made.validation is not None
            kept = made.train.encoded.nbytes + made.validation.encoded.nbytes
            assert kept == rows * (COLUMNS - 1) * (8 if dtype == "float64" else 4)
    more = (SIZES[1] - SIZES[0]) * (COLUMNS - 1)
    few = 8 * 8 * (SIZES[1] - SIZES[0])  # numbers a row besides: the targets, and which rows are which
    for dtype, (small, large) in peaks.items():
        assert large - small < 2.1 * more * (8 if dtype == "float64" else 4) + few, dtype


def test_float32_reads_what_float64_reads(here: Path) -> None:
    """Scaled columns differ by float32's rounding alone, whatever their size and place."""
    n = 3000
    columns = {
        "plain": rng.normal(size=n),
        "tiny": 1e-30 * rng.normal(size=n),
        "money": rng.normal(1e5, 2e4, n),
        "seconds": 1.7e9 + rng.integers(0, 100_000, n),  # float32 has every 128th
        "year": rng.integers(1950, 2020, n),
        "near": 1e6 + rng.normal(size=n),
        "same": np.full(n, 0.1),
        "id": 10_000_000 + np.arange(n),
        "huge": 1e100 * rng.normal(size=n),
        "least": 1e-100 * rng.normal(size=n),
        "y": 1e7 + rng.normal(size=n),
    }
    table = np.column_stack([*columns.values()])
    np.savetxt("t.csv", table, "%.17g", ",", header=",".join(columns), comments="")
    np.savez("t.npz", x=table[:, :-1], y=table[:, -1])
    for file in ("t.csv", "t.npz"):
        exact, small = (problem(file, dtype, ", target: y") for dtype in ("float64", "float32"))
        assert small.train.encoded.dtype == np.float32
        assert np.abs(small.train.encoded - exact.train.encoded).max() < 3e-6
        assert (small.train.answers == exact.train.answers).all()


def test_what_float32_spoils() -> None:
    part = np.array([[1e9, 1.0, 0.1, 1e9 + 64, 3.0], [1e9 + 1, 2.0, 0.1, 1e9 + 128, 3.0]])
    assert spoils(part, part.astype(np.float32)).tolist() == [True, False, True, False, False]


def test_blocks_of_mixed_precision_join(here: Path) -> None:
    """A column that one block cannot hold in float32 is in float64 throughout."""
    a = rng.normal(size=40_000)
    lines = [f"{float(a[i])!r},{(i if i < 20_000 else 1e9 + i)!r},{i % 3}\n" for i in range(40_000)]
    Path("t.csv").write_text("a,b,y\n" + "".join(lines))
    made = source.FileTable("t.csv", narrow=lambda names: names[:-1])
    assert [made.column(name).dtype.itemsize for name in "aby"] == [4, 8, 8]
    assert made.column("b")[-1] == 1e9 + 39_999
    assert made.column("a") == pytest.approx(a, rel=1e-7)


def test_a_float32_run_ends_as_it_should(here: Path) -> None:
    csv("t.csv", 4000)
    Path("c.yaml").write_text(
        "data: {path: t.csv, target: x0}\nmodel: {hidden: [4]}\ntraining: {epochs: 1}\n"
    )
    one, two = (backprop_cli.train("c.yaml", f"dtype={d}").results for d in ("float64", "float32"))
    assert two["training"]["r2"] == pytest.approx(one["training"]["r2"], abs=1e-3)
