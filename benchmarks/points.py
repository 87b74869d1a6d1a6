"""Many points: CSV in and out, and the whole command; `engines.py` has what lies between.

    python benchmarks/points.py [--rows 1000000] [--turns 5]

Every contender is a process of its own for every turn.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from engines import EXPRESSION, READER_ROWS, numpy_by_hand, sample
from harness import (
    clock,
    environment,
    finish,
    installed,
    measured_child,
    median,
    mib,
    peak_of,
    pin,
    print_table,
    ratio,
    shown,
    watch,
)

# CSV


def read_ours(path: str) -> np.ndarray:
    """Read with `open_points`."""
    from backprop_cli.tables.read import open_points

    with open_points(path, ["x", "y"]) as source:
        return np.concatenate([np.column_stack(list(block.values.values())) for block in source])


def read_loadtxt(path: str) -> np.ndarray:
    """Read with `numpy.loadtxt`."""
    return np.loadtxt(path, delimiter=",", skiprows=1)


def read_fromstring(path: str) -> np.ndarray:
    """Read with `numpy.fromstring`, which NumPy deprecates for text that is not all numbers."""
    with open(path) as stream:
        stream.readline()
        return np.fromstring(stream.read().replace("\n", ","), sep=",").reshape(-1, 2)


def read_csv_module(path: str) -> np.ndarray:
    """Read with the csv module and float."""
    import csv

    with open(path, newline="") as stream:
        rows = csv.reader(stream)
        next(rows)
        return np.array([[float(cell) for cell in row] for row in rows])


def read_pandas(path: str) -> np.ndarray:
    """Read with pandas, to the last digit as we do."""
    import pandas

    return pandas.read_csv(path, float_precision="round_trip").to_numpy()


def read_polars(path: str) -> np.ndarray:
    """Read with polars."""
    import polars

    return polars.read_csv(path).to_numpy()


def write_ours(path: str, table: np.ndarray) -> None:
    """Write with `csv_writer`, all five columns computed."""
    from backprop_cli.tables.block import Block
    from backprop_cli.tables.write import csv_writer

    with open(path, "wb") as stream:
        writer = csv_writer(stream)
        writer.header([], COLUMNS)
        for start in range(0, len(table), READER_ROWS):
            part = table[start : start + READER_ROWS]
            writer.block(Block({}, len(part), start), dict(zip(COLUMNS, part.T, strict=True)))


def write_savetxt(path: str, table: np.ndarray) -> None:
    """Write with `numpy.savetxt`, digits enough to read back."""
    np.savetxt(path, table, delimiter=",", fmt="%.17g", header=",".join(COLUMNS), comments="")


def write_csv_module(path: str, table: np.ndarray) -> None:
    """Write with the csv module."""
    import csv

    with open(path, "w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(COLUMNS)
        writer.writerows(table.tolist())


def write_pandas(path: str, table: np.ndarray) -> None:
    """Write with pandas."""
    import pandas

    pandas.DataFrame(table, columns=COLUMNS).to_csv(path, index=False)


def write_polars(path: str, table: np.ndarray) -> None:
    """Write with polars."""
    import polars

    polars.DataFrame(table, schema=COLUMNS).write_csv(path)


COLUMNS = ["x", "y", "value", "d/dx", "d/dy"]
READERS: dict[str, tuple[str | None, Callable[[str], np.ndarray]]] = {
    "backprop": (None, read_ours),
    "numpy.loadtxt": (None, read_loadtxt),
    "numpy.fromstring": (None, read_fromstring),
    "csv module": (None, read_csv_module),
    "pandas": ("pandas", read_pandas),
    "polars": ("polars", read_polars),
}
WRITERS: dict[str, tuple[str | None, Callable[[str, np.ndarray], None]]] = {
    "backprop": (None, write_ours),
    "numpy.savetxt": (None, write_savetxt),
    "csv module": (None, write_csv_module),
    "pandas": ("pandas", write_pandas),
    "polars": ("polars", write_polars),
}


def csv_child(direction: str, contender: str, path: str, rows: str) -> None:
    """Read or write one file and end this process."""
    pin()
    warnings.simplefilter("ignore")
    table = np.column_stack(sample(int(rows)))
    if direction == "read":
        read = READERS[contender][1]
        read(path)
        before = peak_of()
        seconds = clock(lambda: read(path))
        exact = bool((read(path) == table).all())
    else:
        x, y = table.T
        table = np.column_stack([x, y, *numpy_by_hand(x, y, 1)()])
        write = WRITERS[contender][1]
        write(path, table[:1000])
        before = peak_of()
        seconds = clock(lambda: write(path, table))
        exact = bool(
            (np.loadtxt(path, delimiter=",", skiprows=1, usecols=range(5), converters=cell) == table).all()
        )
    finish({"seconds": seconds, "before": before, "exact": exact})


def cell(text: str) -> float:
    """Read a cell; ours ends each row with an empty one."""
    return float(text)


def files(rows: int, turns: int) -> None:
    """Print the tables of reading and writing."""
    for direction, contenders in (("read", READERS), ("write", WRITERS)):
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder, "points.csv"))
            if direction == "read":
                write_points(path, rows)
            names = [name for name, (module, _) in contenders.items() if module is None or installed(module)]
            answers: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
            for _ in range(turns):
                for name, so_far in answers.items():
                    so_far.append(measured_child(__file__, direction, name, path, rows))
        ours = [a["seconds"] for a in answers["backprop"]]
        lines: list[list[object]] = []
        for name, each in answers.items():
            if "failed" in each[-1]:
                lines.append([name, each[-1]["failed"], "", "", ""])
                continue
            times = [a["seconds"] for a in each]
            memory = median([a["peak"] for a in each])
            exact = "yes" if each[0]["exact"] else "no"
            lines.append([name, shown(median(times)), f"{ratio(ours, times):.2f}x", exact, mib(memory)])
        columns = 2 if direction == "read" else len(COLUMNS)
        title = f"CSV: {direction} {rows:,} rows of {columns} numbers, 1 thread, median of {turns} processes"
        print_table(title, ["with", "time", "backprop over it", "to the last bit", "peak"], lines)


def write_points(path: str, rows: int) -> None:
    """Write a file of points."""
    with open(path, "w") as stream:
        stream.write("x,y\n")
        stream.writelines(f"{a!r},{b!r}\n" for a, b in zip(*(v.tolist() for v in sample(rows)), strict=True))


def command(rows: int) -> None:
    """Print the table of the whole command: its time and that its memory does not grow."""
    lines: list[list[object]] = []
    with tempfile.TemporaryDirectory() as folder:
        points, output = str(Path(folder, "points.csv")), str(Path(folder, "out.csv"))
        for size in (rows // 10, rows, 4 * rows):
            write_points(points, size)
            words = [
                sys.executable,
                "-m",
                "backprop_cli",
                "grad",
                EXPRESSION,
                "--points",
                points,
                "-o",
                output,
            ]
            done = watch(words, env=environment(), timeout=300.0)
            if done.status:
                raise SystemExit(done.stderr.decode())
            lines.append([f"{size:,}", shown(done.seconds), mib(done.peak)])
    print_table("The whole command, CSV to CSV: `backprop grad ... --points points.csv -o out.csv`",
                ["rows", "time", "peak"], lines)  # fmt: skip


def main() -> None:
    """Print the tables."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--turns", type=int, default=5)
    given = options.parse_args()
    files(given.rows, given.turns)
    command(given.rows)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        csv_child(*sys.argv[2:])
    main()
