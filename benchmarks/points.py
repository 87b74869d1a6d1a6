"""Many points: value and gradient of one expression for a million rows, and CSV in and out.

    python benchmarks/points.py [--rows 1000000] [--turns 5]

Every contender is a process of its own for every turn, on as many cores as it has threads. Each
starts from its own kind of arrays, already made and warm, and ends with value and both slopes of
every row in arrays: reading, writing, tracing and compiling are not counted, recording our plan is.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
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
    setting,
    shown,
    watch,
)

EXPRESSION = "sin(x*y)+exp(-x^2)*log(1+y^2)"
READER_ROWS = 29_000  # rows of a block that comes from CSV: 1 MiB of text
RUNS = 9  # per process; the median counts
Results = Sequence[Any]


def sample(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the points: uniform in the square from -3 to 3."""
    x, y = np.random.default_rng(0).uniform(-3.0, 3.0, (2, rows))
    return x, y


# The contenders: each takes the points and the threads, and returns what is timed


def backprop(x: np.ndarray, y: np.ndarray, threads: int, rows: int = 0) -> Callable[[], Results]:
    """Plan and replay over whole arrays, or by so many rows as if they came from a file."""
    from backprop_cli.engine.plan import Plan
    from backprop_cli.language.lower import lower
    from backprop_cli.language.parser import parse

    def run() -> Results:
        plan = Plan(lower(parse(EXPRESSION)), ["x", "y"], {}, ["x", "y"])
        size = rows or len(x)
        parts = []
        for start in range(0, len(x), size):
            block = {"x": x[start : start + size], "y": y[start : start + size]}
            results, bad = plan.run(block, len(block["x"]), threads)
            if bad:
                raise ValueError(f"{len(bad)} rows have no answer")
            parts.append(results)
        return parts[0] if len(parts) == 1 else parts

    return run


def backprop_blocks(x: np.ndarray, y: np.ndarray, threads: int) -> Callable[[], Results]:
    """Replay block by block as the command does."""
    return backprop(x, y, threads, READER_ROWS)


def numpy_by_hand(x: np.ndarray, y: np.ndarray, threads: int) -> Callable[[], Results]:
    """The formulas on whole arrays, what is shared computed once."""

    def run() -> Results:
        product, square, plus = x * y, x * x, 1.0 + y * y
        bell, log, cos = np.exp(-square), np.log(plus), np.cos(product)
        return np.sin(product) + bell * log, y * cos - 2.0 * x * bell * log, x * cos + bell * (2.0 * y / plus)

    return run


def numba(x: np.ndarray, y: np.ndarray, threads: int) -> Callable[[], Results]:
    """One hand-written loop, compiled, fastmath off; parallel for more than one thread."""
    from math import cos, exp, log, sin

    from numba import njit, prange, set_num_threads

    @njit(fastmath=False, parallel=threads > 1)
    def kernel(x: Any, y: Any, value: Any, dx: Any, dy: Any) -> None:
        for k in prange(len(x)):
            a, b = x[k], y[k]
            product, plus, bell = a * b, 1.0 + b * b, exp(-a * a)
            logarithm, c = log(plus), cos(product)
            value[k] = sin(product) + bell * logarithm
            dx[k] = b * c - 2.0 * a * bell * logarithm
            dy[k] = a * c + bell * (2.0 * b / plus)

    if threads > 1:
        set_num_threads(threads)

    def run() -> Results:
        results = [np.empty_like(x) for _ in range(3)]
        kernel(x, y, *results)
        return results

    return run


def jax(x: np.ndarray, y: np.ndarray, threads: int) -> Callable[[], Results]:
    """jit of vmap of value_and_grad, float64."""
    import jax

    jax.config.update("jax_enable_x64", True)
    np_ = jax.numpy

    def function(x: Any, y: Any) -> Any:
        return np_.sin(x * y) + np_.exp(-(x**2)) * np_.log(1 + y**2)

    compiled = jax.jit(jax.vmap(jax.value_and_grad(function, argnums=(0, 1))))
    a, b = np_.asarray(x), np_.asarray(y)

    def run() -> Results:
        value, (dx, dy) = jax.block_until_ready(compiled(a, b))
        return value, dx, dy

    return run


def pytorch(x: np.ndarray, y: np.ndarray, threads: int, *, compiled: bool = False) -> Callable[[], Results]:
    """Float64 tensors, forward and backward."""
    import torch

    torch.set_num_threads(threads)
    a, b = (torch.from_numpy(v).requires_grad_() for v in (x, y))
    ones = torch.ones(len(x), dtype=torch.float64)

    def function(a: Any, b: Any) -> Any:
        return torch.sin(a * b) + torch.exp(-(a**2)) * torch.log(1 + b**2)

    if compiled:
        function = torch.compile(function)

    def run() -> Results:
        value = function(a, b)
        dx, dy = torch.autograd.grad(value, (a, b), ones)
        return value.detach(), dx, dy

    return run


def pytorch_compiled(x: np.ndarray, y: np.ndarray, threads: int) -> Callable[[], Results]:
    """The same through torch.compile, which needs a C++ compiler."""
    return pytorch(x, y, threads, compiled=True)


CONTENDERS: dict[str, tuple[str | None, Callable[..., Callable[[], Results]]]] = {
    "backprop": (None, backprop),
    f"backprop, {READER_ROWS:,} rows at a time": (None, backprop_blocks),
    "numba, by hand": ("numba", numba),
    "JAX jit": ("jax", jax),
    "PyTorch": ("torch", pytorch),
    "PyTorch compile": ("torch", pytorch_compiled),
    "NumPy, by hand": ("numpy", numpy_by_hand),
}


def child(contender: str, rows: str) -> None:
    """Time one contender and end this process."""
    threads = pin()
    x, y = sample(int(rows))
    run = CONTENDERS[contender][1](x, y, threads)
    results = run()
    run()
    times = [clock(run) for _ in range(RUNS)]
    if isinstance(results, list) and isinstance(results[0], list):
        results = [np.concatenate(parts) for parts in zip(*results, strict=True)]
    expected = numpy_by_hand(x, y, 1)()
    worst = max(float(np.abs(np.asarray(r) - e).max()) for r, e in zip(results, expected, strict=True))
    finish({"seconds": median(times), "worst": worst})


def engines(rows: int, turns: int) -> None:
    """Print the table of engines."""
    names = [name for name, (module, _) in CONTENDERS.items() if module is None or installed(module)]
    goals = {"numba, by hand": "1.3x", "JAX jit": "1x", "PyTorch": "1x"}
    for threads in (1, 2):
        answers: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
        for _ in range(turns):
            for name, so_far in answers.items():
                if not (so_far and "failed" in so_far[-1]):
                    so_far.append(measured_child(__file__, name, rows, threads=threads))
        ours = [a["seconds"] for a in answers["backprop"]]
        lines: list[list[object]] = []
        for name, each in answers.items():
            if "failed" in each[-1]:
                lines.append([name, each[-1]["failed"], "", "", ""])
                continue
            if each[0]["worst"] > 1e-12:
                raise SystemExit(f"{name} is off by {each[0]['worst']}")
            times = [a["seconds"] for a in each]
            lines.append(
                [
                    name,
                    shown(median(times)),
                    f"{ratio(ours, times):.2f}x",
                    goals.get(name, ""),
                    f"{rows / median(times) / 1e6:.1f}",
                ]
            )
        title = f"`{EXPRESSION}`, {rows:,} rows, {threads} thread{'s' * (threads > 1)}: value and gradient"
        print_table(f"{title}, {setting()}, median of {turns} processes",
                    ["engine", "time", "backprop over it", "goal", "million rows / s"], lines)  # fmt: skip


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
    engines(given.rows, given.turns)
    files(given.rows, given.turns)
    command(given.rows)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        (csv_child if sys.argv[2] in ("read", "write") else child)(*sys.argv[2:])
    main()
