"""Engines: value and gradient of one expression for a million rows, by every engine of ours and by peers.

    python benchmarks/engines.py [--rows 1000000] [--rounds 25] [--threads 1,2]

Every contender is a process that is pinned to as many cores as it has threads. A round asks each of them for
one run, one after the other, so that all see the same disturbances; what counts are ratios within a round.
Each starts from its own kind of arrays, already made and warm, and ends with value and both slopes of every
row in arrays: reading, writing, tracing and compiling are not counted, recording our plan is.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from harness import clock, environment, installed, median, pin, print_table, ratio, setting, shown

EXPRESSION = "sin(x*y)+exp(-x^2)*log(1+y^2)"
READER_ROWS = 29_000  # rows of a block that comes from CSV: 1 MiB of text
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


def backprop_narrow(x: np.ndarray, y: np.ndarray, threads: int) -> Callable[[], Results]:
    """The same for a processor with AVX2."""
    from functools import partial

    import llvmlite.binding as binding

    from backprop_cli.engine import llvm

    llvm.machine()
    target = binding.Target.from_triple(binding.get_process_triple())
    narrow = llvm.Machine(4, partial(target.create_target_machine, cpu="x86-64-v3", opt=2, jit=True))
    llvm.machine = lambda: narrow
    return backprop(x, y, threads)


def backprop_numpy(x: np.ndarray, y: np.ndarray, threads: int) -> Callable[[], Results]:
    """The plan by NumPy's functions alone, as without the extra."""
    os.environ["BACKPROP_FAST"] = "0"
    return backprop(x, y, threads)


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
    "backprop, NumPy": (None, backprop_numpy),
    "backprop, LLVM": ("llvmlite", backprop),
    "backprop, LLVM for AVX2": ("llvmlite", backprop_narrow),
    f"backprop, LLVM, {READER_ROWS:,} rows at a time": ("llvmlite", backprop_blocks),
    "PyTorch compile": ("torch", pytorch_compiled),
    "numba, by hand": ("numba", numba),
    "JAX jit": ("jax", jax),
    "PyTorch": ("torch", pytorch),
    "NumPy, by hand": (None, numpy_by_hand),
}
BASE, OURS = "backprop, NumPy", "backprop, LLVM"


def child(contender: str, rows: str) -> None:
    """Run once for every line on stdin, and print how long it took."""
    threads = pin()
    x, y = sample(int(rows))
    run = CONTENDERS[contender][1](x, y, threads)
    run()
    results = run()
    if isinstance(results, list) and isinstance(results[0], list):
        results = [np.concatenate(parts) for parts in zip(*results, strict=True)]
    expected = numpy_by_hand(x, y, 1)()
    worst = max(float(np.abs(np.asarray(r) - e).max()) for r, e in zip(results, expected, strict=True))
    if worst > 1e-12:
        sys.exit(f"off by {worst}")
    del results, expected
    print("ready", flush=True)
    for _ in sys.stdin:
        print(clock(run), flush=True)


class Contender:
    """A process that runs when it is asked to."""

    def __init__(self, name: str, rows: int, threads: int) -> None:
        command = [sys.executable, __file__, "--child", name, str(rows)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=environment(threads), text=True
        )
        self.times: list[float] = []

    def ready(self) -> bool:
        """Wait until it has compiled and warmed up; False where it could not."""
        assert self.process.stdout is not None
        return any(line == "ready\n" for line in self.process.stdout)

    def run(self) -> None:
        """Have it run once."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        self.times.append(float(self.process.stdout.readline()))

    def end(self) -> None:
        """End it."""
        self.process.kill()
        self.process.communicate()


def table(rows: int, rounds: int, threads: int) -> None:
    """Print the table for a number of threads."""
    names = [name for name, (module, _) in CONTENDERS.items() if module is None or installed(module)]
    several = {}
    for name in names:
        contender = several[name] = Contender(name, rows, threads)
        if not contender.ready():
            contender.end()
            print(f"note: {name} does not run here and is left out", file=sys.stderr)
            del several[name]
    for _ in range(rounds):
        for contender in several.values():
            contender.run()
    lines: list[list[object]] = []
    for name, contender in several.items():
        contender.end()
        times = contender.times
        lines.append([name, shown(min(times)), shown(median(times))])
        for base in (BASE, OURS):
            theirs = several[base].times if base in several else times
            lines[-1] += [f"{min(times) / min(theirs):.3g}x", f"{ratio(times, theirs):.3g}x"]
    title = f"`{EXPRESSION}`, {rows:,} rows, {threads} thread{'s' * (threads > 1)}: value and gradient"
    columns = ["engine", "best", "median"]
    columns += [
        f"{what} {base}" for base in ("NumPy's plan", "LLVM's") for what in ("best over", "median over")
    ]
    print_table(f"{title}, {setting()}, {rounds} rounds", columns, lines)


def main() -> None:
    """Print the tables."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=25)
    options.add_argument("--threads", default="1,2")
    given = options.parse_args()
    for threads in map(int, given.threads.split(",")):
        table(given.rows, given.rounds, threads)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:])
    else:
        main()
