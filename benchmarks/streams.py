"""Tables larger than memory: peak memory and processor time of an epoch, from a stream and in memory.

    python benchmarks/streams.py [--rows 250000 1000000 5000000] [--memory-rows 1000000] [--folder /var/tmp]

Whole processes on one core: `backprop train` of 50-32-1 from a CSV of 50 columns and a target. The first
epoch has all the reading in it, so that one more tells what an epoch takes by itself. 5,000,000 rows take
2 GB of disk for the table and as much for its numbers, twice while they are written.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path

import numpy as np
from harness import environment, mib, print_table, watch

COLUMNS = 50
BLOCK = 50_000
"""Rows that are made once, and written over and over."""


def write(path: Path, rows: int) -> None:
    """Write a table; its target is a smooth function of its columns, with noise."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(BLOCK, COLUMNS))
    y = np.tanh(x @ rng.normal(size=COLUMNS) / 4.0) + 0.1 * rng.normal(size=BLOCK)
    block = "".join(
        ",".join(map(str, row)) + "\n" for row in np.round(np.column_stack([x, y]), 5).tolist()
    ).encode()
    with open(path, "wb") as file:
        file.write(",".join([*(f"x{i}" for i in range(COLUMNS)), "y"]).encode() + b"\n")
        for _ in range(rows // BLOCK):
            file.write(block)


def train(folder: Path, *, stream: bool, epochs: int) -> tuple[int, float]:
    """Train from the table in a folder; return the peak of memory and the seconds of a core."""
    program = shutil.which("backprop", path=sysconfig.get_path("scripts")) or "backprop"
    config = folder / "c.yaml"
    config.write_text(
        f"data: {{path: t.csv, target: y, stream: {str(stream).lower()}}}\n"
        f"model: {{hidden: [32]}}\ntraining: {{epochs: {epochs}, batch_size: 256}}\n"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    made = watch(
        [program, "train", "c.yaml", "-qq", "--force"], cwd=folder, env=environment(1), timeout=3600.0
    )
    if made.status != 0:
        sys.exit(made.stderr.decode())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return made.peak, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[250_000, 1_000_000, 5_000_000])
    parser.add_argument(
        "--memory-rows", type=int, default=1_000_000, help="most rows that are held in memory"
    )
    parser.add_argument("--folder", default="/var/tmp", help="where the tables lie meanwhile")
    asked = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(dir=asked.folder) as name:
        folder = Path(name)
        for count in asked.rows:
            write(folder / "t.csv", count)
            size = (folder / "t.csv").stat().st_size / 1e6
            cells: list[object] = [f"{count:,} x {COLUMNS + 1}, {size:,.0f} MB"]
            for stream in (True, False):
                if not stream and count > asked.memory_rows:
                    cells += ["", "", ""]
                    continue
                first, second = (train(folder, stream=stream, epochs=epochs) for epochs in (1, 2))
                cells += [
                    mib(max(first[0], second[0])),
                    *(f"{t:.1f} s" for t in (first[1], second[1] - first[1])),
                ]
            rows.append(cells)
    heads = ["peak", "first epoch", "one more"]
    columns = ["table", *(f"stream, {head}" for head in heads), *(f"in memory, {head}" for head in heads)]
    print_table("One epoch of 50-32-1 in float64, batches of 256", columns, rows)


if __name__ == "__main__":
    main()
