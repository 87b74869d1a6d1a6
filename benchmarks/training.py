"""Training: time per update with Adam in float32, the start, and a whole run of the digits.

    python benchmarks/training.py [--turns 3] [--threads 1 2]

Every contender is a process of its own, pinned to one core with one thread, then to two with two. All
train the same sizes on the same rows in the same batches with softmax cross-entropy; a time is the
median over epochs of 50 updates, batches taken from arrays in memory, compiling and tracing not counted.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from harness import (
    ROOT,
    clock,
    environment,
    finish,
    installed,
    measured_child,
    median,
    pin,
    print_table,
    setting,
    shown,
)

SIZES = {
    "4-16-3, batch 16": ((4, 16, 3), 16),
    "64-128-10, batch 64": ((64, 128, 10), 64),
    "784-128-10, batch 64": ((784, 128, 10), 64),
    "784-512-256-10, batch 128": ((784, 512, 256, 10), 128),
}
UPDATES = 50
EPOCHS = 15

Epoch = Callable[[], Any]


def sample(sizes: tuple[int, ...], batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and classes."""
    rng = np.random.default_rng(0)
    rows = batch * UPDATES
    return rng.normal(size=(rows, sizes[0])).astype(np.float32), rng.integers(0, sizes[-1], rows)


def backprop(sizes: tuple[int, ...], batch: int, x: np.ndarray, t: np.ndarray, threads: int) -> Epoch:
    """Our loop, with everything an epoch does."""
    import msgspec

    from backprop_cli.training import schema
    from backprop_cli.training.data import Rows, Splits
    from backprop_cli.training.data.encoding import Encoding, Feature
    from backprop_cli.training.loop import Training
    from backprop_cli.training.problem import Problem

    config = msgspec.convert(
        {
            "data": {},
            "model": {"hidden": list(sizes[1:-1])},
            "optimizer": {"type": "adam"},
            "training": {"epochs": 10**9 // len(x), "batch_size": batch, "shuffle": False},
            "dtype": "float32",
        },
        schema.Config,
    )
    names = [f"x{i}" for i in range(sizes[0])]
    encoding = Encoding(
        [Feature(n, [n]) for n in names],
        ["t"],
        [str(i) for i in range(sizes[-1])],
        (sizes[0],),
        np.zeros(sizes[0]),
        np.ones(sizes[0]),
        {},
    )
    splits = Splits(Rows(x.astype(float), t), None, None, encoding, "classification", "")
    run = Training(Problem(config, splits)).run()
    return lambda: next(run)


def torch_with(**options: Any) -> Callable[..., Epoch]:
    """PyTorch's Adam in one of its forms."""

    def contender(sizes: tuple[int, ...], batch: int, x: np.ndarray, t: np.ndarray, threads: int) -> Epoch:
        import torch

        torch.set_num_threads(threads)
        layers: list[Any] = []
        for inputs, outputs in pairwise(sizes):
            layers += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU()]
        model = torch.nn.Sequential(*layers[:-1])
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, **options)
        loss_of = torch.nn.CrossEntropyLoss()
        rows, classes = torch.from_numpy(x), torch.from_numpy(t)

        def epoch() -> float:
            total = 0.0
            for start in range(0, len(rows), batch):
                optimizer.zero_grad()
                loss = loss_of(model(rows[start : start + batch]), classes[start : start + batch])
                loss.backward()
                optimizer.step()
                total += loss.item()
            return total

        return epoch

    return contender


def jax_jit(sizes: tuple[int, ...], batch: int, x: np.ndarray, t: np.ndarray, threads: int) -> Epoch:
    """JAX: one compiled function a step, its buffers donated."""
    import jax
    import jax.numpy as jnp

    rng = np.random.default_rng(0)
    params = [
        (jnp.asarray(rng.normal(size=(i, o)).astype(np.float32) * (2 / i) ** 0.5), jnp.zeros(o, jnp.float32))
        for i, o in pairwise(sizes)
    ]

    def loss_of(params: Any, x: Any, t: Any) -> Any:
        for w, b in params[:-1]:
            x = jax.nn.relu(x @ w + b)
        z = x @ params[-1][0] + params[-1][1]
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(z), t[:, None], 1))

    def step(params: Any, m: Any, v: Any, k: Any, x: Any, t: Any) -> Any:
        loss, g = jax.value_and_grad(loss_of)(params, x, t)
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
        a, b = 1 - 0.9**k, 1 - 0.999**k
        params = jax.tree.map(lambda p, m, v: p - 1e-3 * (m / a) / (jnp.sqrt(v / b) + 1e-8), params, m, v)
        return params, m, v, k + 1, loss

    compiled = jax.jit(step, donate_argnums=(0, 1, 2, 3))
    rows, classes = jnp.asarray(x), jnp.asarray(t)
    parts = [(rows[s : s + batch], classes[s : s + batch]) for s in range(0, len(x), batch)]
    zeros = jax.tree.map(jnp.zeros_like, params)
    state: list[Any] = [params, zeros, jax.tree.map(jnp.zeros_like, params), jnp.float32(1.0)]

    def epoch() -> float:
        total = 0.0
        for part in parts:
            *state[:], loss = compiled(*state, *part)
            total += float(loss)
        return total

    return epoch


def scikit_learn(sizes: tuple[int, ...], batch: int, x: np.ndarray, t: np.ndarray, threads: int) -> Epoch:
    """scikit-learn's MLPClassifier."""
    from sklearn.neural_network import MLPClassifier

    t = t.copy()
    t[: sizes[-1]] = np.arange(sizes[-1])  # it wants every class once
    model = MLPClassifier(
        sizes[1:-1], batch_size=batch, max_iter=1, warm_start=True, shuffle=False, alpha=0.0, tol=0.0
    )

    def epoch() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(x, t)

    return epoch


CONTENDERS: dict[str, tuple[str, Callable[..., Epoch]]] = {
    "backprop": ("numpy", backprop),
    "PyTorch": ("torch", torch_with(foreach=False)),
    "PyTorch, fused": ("torch", torch_with(fused=True)),
    "JAX, jit": ("jax", jax_jit),
    "scikit-learn": ("sklearn", scikit_learn),
}


def child(contender: str, size: str) -> None:
    """Time epochs of one contender and print the seconds of an update."""
    threads = pin()
    sizes, batch = SIZES[size]
    x, t = sample(sizes, batch)
    epoch = CONTENDERS[contender][1](sizes, batch, x, t, threads)
    times = []
    with np.errstate(all="ignore"):
        epoch()
        epoch()
        for _ in range(EPOCHS):
            start = time.perf_counter()
            epoch()
            times.append((time.perf_counter() - start) / UPDATES)
    finish({"seconds": median(times)})


def updates(turns: int, threads: int) -> None:
    """Print the table of times per update."""
    rows = []
    for size in SIZES:
        times: dict[str, list[float]] = {}
        for _ in range(turns):
            for name, (module, _) in CONTENDERS.items():
                if installed(module):
                    answer = measured_child(__file__, name, size, threads=threads)
                    times.setdefault(name, []).append(answer.get("seconds", float("nan")))
        seconds = {name: median(t) for name, t in times.items()}
        ours = seconds["backprop"]
        fastest = min(s for name, s in seconds.items() if name != "backprop") if len(seconds) > 1 else ours
        cells = [shown(s) if n == "backprop" else f"{shown(s)} ({ours / s:.2f}x)" for n, s in seconds.items()]
        rows.append([size, *cells, f"{ours / fastest:.2f}x"])
    title = "one thread" if threads == 1 else f"{threads} threads"
    print_table(
        f"Time of an update, {title}; in brackets ours over theirs",
        ["network", *seconds, "ours over the fastest"],
        rows,
    )


SCIKIT = """
import numpy as np, sys
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
digits = np.load({digits!r})
x, t = (digits["x"] / 16).astype(np.float32), digits["t"]
x, u, t, v = train_test_split(x, t, test_size=0.2, stratify=t, random_state=0)
model = MLPClassifier({hidden}, batch_size={batch}, max_iter={epochs}, learning_rate_init={rate},
                      alpha=0, tol=0, n_iter_no_change=10**9, random_state=0)
import warnings; warnings.simplefilter("ignore")
model.fit(x, t)
print(model.score(u, v))
"""

TORCH = """
import torch, numpy as np
torch.set_num_threads(1); torch.manual_seed(0)
digits = np.load({digits!r})
x, t = torch.tensor(digits["x"] / 16, dtype=torch.float32), torch.tensor(digits["t"])
order = torch.randperm(len(x)); cut = len(x) // 5
test, train = order[:cut], order[cut:]
sizes = (64, *{hidden}, 10)
layers = []
for i, o in zip(sizes, sizes[1:]): layers += [torch.nn.Linear(i, o), torch.nn.ReLU()]
model = torch.nn.Sequential(*layers[:-1])
optimizer = torch.optim.Adam(model.parameters(), lr={rate})
loss_of = torch.nn.CrossEntropyLoss()
for epoch in range({epochs}):
    order = train[torch.randperm(len(train))]
    for start in range(0, len(order), {batch}):
        rows = order[start:start + {batch}]
        optimizer.zero_grad()
        loss_of(model(x[rows]), t[rows]).backward()
        optimizer.step()
print((model(x[test]).argmax(1) == t[test]).float().mean().item())
"""


def seconds_of(command: list[str]) -> float:
    """Return how long a command takes on one thread."""
    return clock(
        lambda: subprocess.run(command, check=True, env=environment(1), cwd=ROOT, capture_output=True)
    )


def start(turns: int) -> None:
    """Time the way from the shell to the end of the first epoch of iris: eight updates."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["train", "sample_inputs/iris.yaml", "training.epochs=1", "-q", f"output.dir={folder}/run"]
        commands = {
            'python -c "import numpy"': [sys.executable, "-c", "import numpy"],
            "backprop train, 1 epoch": [sys.executable, "-m", "backprop_cli", *words],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for turn in range(3 * turns + 1):
            for name, command in commands.items():
                seconds = seconds_of(command)
                if turn:
                    times[name].append(seconds)
    base = median(times['python -c "import numpy"'])
    rows = [[name, shown(median(t)), f"{median(t) / base:.2f}x"] for name, t in times.items()]
    print_table("From the shell to trained parameters", ["command", "time", "over import numpy"], rows)


def whole(turns: int) -> None:
    """Time the digits as whole processes, from start to the accuracy they print."""
    from backprop_cli.training.config import load
    from backprop_cli.training.data.datasets import shipped

    sample_config = ROOT / "sample_inputs" / "digits.yaml"
    config = load(str(sample_config)).config
    training, optimizer = config.training, config.optimizer
    last = [layer.units for layer in config.model.layers or [] if getattr(layer, "units", None)]
    settings = {
        "hidden": tuple(config.model.hidden or last),
        "batch": training.batch_size,
        "epochs": training.epochs,
        "rate": optimizer.learning_rate,  # type: ignore[union-attr]
    }
    with tempfile.TemporaryDirectory() as folder:
        digits = shipped("digits")
        file = str(Path(folder, "digits.npz"))
        np.savez(file, x=digits.inputs, t=np.array(digits.targets, dtype=np.int64))
        commands: dict[str, list[str]] = {
            "backprop train": [
                *(sys.executable, "-m", "backprop_cli", "train", str(sample_config), "-q"),
                f"output.dir={folder}/run",
            ]
        }
        for name, module, script in (("scikit-learn", "sklearn", SCIKIT), ("PyTorch", "torch", TORCH)):
            if installed(module):
                path = Path(folder, f"{module}_digits.py")
                path.write_text(script.format(digits=file, **settings))
                commands[name] = [sys.executable, str(path)]
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(turns):
            for name, command in commands.items():
                times[name].append(seconds_of(command))
    ours = median(times["backprop train"])
    print_table(
        f"The digits as a whole process, one thread: {settings}",
        ["program", "time", "ours over theirs"],
        [[name, shown(median(t)), f"{ours / median(t):.2f}x"] for name, t in times.items()],
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--child", nargs=2)
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    arguments = parser.parse_args()
    if arguments.child:
        child(*arguments.child)
        return
    print(setting())
    for threads in arguments.threads:
        updates(arguments.turns, threads)
    start(arguments.turns)
    whole(arguments.turns)


if __name__ == "__main__":
    main()
