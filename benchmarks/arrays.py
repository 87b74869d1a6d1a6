"""Programs with arrays: text to the full table, the witness number by number, a network as a program.

``python benchmarks/arrays.py``. Each pair is timed in turn, the best of many, so that a busy machine slows
both alike: believe ratios.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from backprop_cli.api.arrays import gradient_of
from backprop_cli.api.gradients import grad
from backprop_cli.differentiation.arrays import differentiate_arrays, unrolled_size
from backprop_cli.engine.tensors import TensorPlan
from backprop_cli.errors import Source
from backprop_cli.language.settle import Settled, read_arrays
from backprop_cli.networks import layers, losses
from backprop_cli.networks.network import LayerNetwork
from backprop_cli.networks.program import array_program

ROUNDS = 15


def best(*timed: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    """Return the shortest time of each in seconds, run one after the other."""
    found = [float("inf")] * len(timed)
    for _ in range(rounds):
        for k, run in enumerate(timed):
            start = time.perf_counter()
            run()
            found[k] = min(found[k], time.perf_counter() - start)
    return found


def read(text: str, values: dict[str, Any]) -> Settled:
    return read_arrays(Source(text), {n: np.shape(x) for n, x in values.items() if np.shape(x)}, values)


def full_table() -> None:
    """``sum(tanh(W@x + b)*c)`` with arrays, and with a name for every number."""
    draw = np.random.default_rng(0)
    values = {"W": draw.normal(size=(3, 4)), "x": draw.normal(size=4), "b": draw.normal(size=3)}
    values["c"] = draw.normal(size=3)
    text = "sum(tanh(W@x + b)*c)"
    terms, numbers = [], {}
    for i in range(3):
        inner = " + ".join(f"W{i}_{j}*x_{j}" for j in range(4))
        terms.append(f"c_{i}*tanh({inner} + b_{i})")
        numbers |= {f"W{i}_{j}": float(values["W"][i, j]) for j in range(4)}
        numbers |= {f"b_{i}": float(values["b"][i]), f"c_{i}": float(values["c"][i])}
    numbers |= {f"x_{j}": float(values["x"][j]) for j in range(4)}
    scalar = " + ".join(terms)

    def arrays() -> None:
        gradient_of(read(text, values), values)

    a, b = best(arrays, lambda: grad(scalar, numbers))
    size = unrolled_size(read(text, values).graph)
    print(f"full table, {size} numbers: {a * 1e3:.1f} ms; with single numbers {b * 1e3:.1f} ms: {a / b:.2f}x")


def witness() -> None:
    """All methods over a network of about 700 single numbers."""
    draw = np.random.default_rng(1)
    values = {"W1": draw.normal(size=(16, 8)), "x": draw.normal(size=8), "b1": draw.normal(size=16)}
    values |= {"W2": draw.normal(size=(16, 16)), "b2": draw.normal(size=16), "W3": draw.normal(size=(4, 16))}
    values["t"] = np.eye(4)[1]
    text = "h1 = tanh(W1@x + b1); h2 = tanh(W2@h1 + b2); cross_entropy(W3@h2, t)"
    program = read(text, values)

    def run() -> None:
        gradient_of(program, values)

    (a,) = best(run, rounds=5)
    report = gradient_of(program, values)
    assert report.numbers is not None
    print(f"witness, {sum(x.size for x in report.values)} numbers: {a:.2f} s")


def network() -> None:
    """784-128-10 with a batch of 64, from layers and as a program."""
    draw = np.random.default_rng(2)
    model = layers.Model(layers=[layers.Linear(units=128, activation="relu"), layers.Linear(units=10)])
    loss, none = losses.Loss(type="cross_entropy"), losses.Regularization()
    made = LayerNetwork(model, (784,), 10, loss, none, 0)
    lowered = made.lower(64, training=True)
    leaves = {p.name: p.first.astype(np.float64) for p in made.parameters}
    leaves |= {"x": draw.normal(size=(64, 784)), "t": np.eye(10)[draw.integers(0, 10, 64)]}
    found = array_program(lowered, leaves)
    assert found is not None
    start = time.perf_counter()
    program = read(found.text, dict(found.values))
    typed = time.perf_counter() - start

    def plan(graph: Any, given: dict[str, Any], wanted: list[str]) -> TensorPlan:
        ids = {id: given[name] for name, id in graph.inputs.items()}
        return TensorPlan(graph, ids, {graph.inputs[n]: np.zeros(given[n].shape) for n in wanted})

    parameters = [p.name for p in made.parameters]
    ours = plan(program.graph, dict(found.values), [found.names[name] for name in parameters])
    theirs = plan(lowered.graph, leaves, parameters)
    (planned,) = best(
        lambda: plan(program.graph, dict(found.values), [found.names[n] for n in parameters]), rounds=5
    )
    a, b = best(ours.run, theirs.run, rounds=60)
    print(f"784-128-10, batch 64: text to types {typed * 1e3:.1f} ms, plan {planned * 1e3:.1f} ms")
    print(f"replay: {a * 1e3:.2f} ms as a program, {b * 1e3:.2f} ms from layers: {a / b:.2f}x")
    start = time.perf_counter()
    differentiate_arrays(program, dict(found.values))
    print(f"gradient with what checks it: {time.perf_counter() - start:.2f} s")


if __name__ == "__main__":
    full_table()
    witness()
    network()
