"""Recurrent networks: time of an update with Adam in float32 beside PyTorch, building the plan, its replay.

    python benchmarks/recurrent.py [--rounds 15]

Both train the same network on the same batch in one process, pinned to one core with one thread, an update
of each in turn; a ratio is the median over the rounds. A plan is what an update replays: how long it takes
to build, and what a replay allocates at most.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from harness import (
    clock,
    finish,
    installed,
    interleaved,
    measured_child,
    median,
    pin,
    print_table,
    ratio,
    setting,
    shown,
)

CLASSES = 10


class Size(NamedTuple):
    """Layer, rows, steps, numbers of a step, units."""

    layer: str
    rows: int
    steps: int
    inputs: int
    units: int

    def __str__(self) -> str:
        return f"{self.layer} Z{self.rows} T{self.steps} D{self.inputs} H{self.units}"


SIZES = (
    Size("lstm", 32, 28, 28, 64),
    Size("gru", 32, 28, 28, 64),
    Size("rnn", 32, 28, 28, 64),
    Size("lstm", 64, 100, 16, 128),
)


def sample(size: Size) -> tuple[np.ndarray, np.ndarray]:
    """Return a batch and its classes."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(size.rows, size.steps, size.inputs)).astype(np.float32)
    return x, np.arange(size.rows) % CLASSES


def backprop(size: Size) -> tuple[Callable[[], Any], dict[str, float]]:
    """Return an update of ours, with the seconds of its plan and the bytes of a replay."""
    from backprop_cli.training.config import loads
    from backprop_cli.training.loop import Training
    from backprop_cli.training.problem import assemble

    x, t = sample(size)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.npz")
        np.savez(path, inputs=x, targets=np.array([f"c{k}" for k in t]))
        text = (
            f"data: {{path: {path}, shape: [{size.steps}, {size.inputs}], validation_split: 0}}\n"
            f"model: {{layers: [{{type: {size.layer}, units: {size.units}}}, last, linear]}}\n"
            f"optimizer: adam\ndtype: float32\n"
            f"training: {{epochs: 1000000, batch_size: {size.rows}, shuffle: false}}\n"
        )
        training = Training(assemble(loads(text, "recurrent.yaml", [])))
    seconds = clock(lambda: training.runner.bound(size.rows, training=True))
    run = training.run()
    next(run)
    plan = training.runner.bound(size.rows, training=True).plan
    tracemalloc.start()
    plan.run()
    before, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    plan.run()
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    return lambda: next(run), {"plan": seconds, "replay": peak}


def pytorch(size: Size) -> Callable[[], Any]:
    """Return an update of PyTorch's."""
    import torch

    torch.set_num_threads(1)
    x, t = (torch.from_numpy(a) for a in sample(size))
    kind = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "rnn": torch.nn.RNN}[size.layer]
    layer, last = kind(size.inputs, size.units, batch_first=True), torch.nn.Linear(size.units, CLASSES)
    optimizer = torch.optim.Adam([*layer.parameters(), *last.parameters()], fused=True)
    loss_of = torch.nn.CrossEntropyLoss()

    def update() -> float:
        optimizer.zero_grad()
        loss = loss_of(last(layer(x)[0][:, -1]), t)
        loss.backward()
        optimizer.step()
        return float(loss)

    return update


def child(number: int, rounds: int) -> None:
    """Time updates of a size by both; print the seconds."""
    pin()
    size = SIZES[number]
    ours, facts = backprop(size)
    tasks = {"backprop": ours}
    if installed("torch"):
        tasks["PyTorch"] = pytorch(size)
    with np.errstate(all="ignore"):
        times = interleaved(tasks, rounds, warm=3)
    found = {name: median(t) for name, t in times.items()}
    if "PyTorch" in times:
        found["ratio"] = ratio(times["backprop"], times["PyTorch"])
    finish({**found, **facts})


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--child", nargs=2, type=int)
    arguments = parser.parse_args()
    if arguments.child:
        child(*arguments.child)
        return
    print(setting())
    rows = []
    for number, size in enumerate(SIZES):
        found = measured_child(__file__, number, arguments.rounds)
        if "failed" in found:
            sys.exit(f"{size}: {found['failed']}")
        theirs = shown(found["PyTorch"]) if "PyTorch" in found else "-"
        over = f"{found['ratio']:.2f}x" if "ratio" in found else "-"
        replay = f"{found['replay'] / 1024:.0f} KiB"
        rows.append([size, shown(found["backprop"]), theirs, over, shown(found["plan"]), replay])
    columns = ["network", "backprop", "PyTorch", "ours over theirs", "plan built", "a replay allocates"]
    print_table("An update of a recurrent network, one thread, float32", columns, rows)


if __name__ == "__main__":
    main()
