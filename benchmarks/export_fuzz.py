"""Export random networks and run them: every framework has to agree, or its program fails.

``python benchmarks/export_fuzz.py --seconds 600``: a seed is a config with random layers, data, loss,
optimizer and the rest; it is exported to every framework that is installed. Prints what fails with its
config, and exits 1.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import random
import sys
import tempfile
import time
import warnings
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

from backprop_cli.errors import BackpropError
from backprop_cli.export.networks import export, facts_of_config
from backprop_cli.export.networks.facts import Facts
from backprop_cli.training.config import load

NEEDS = {"numpy": "scipy", "jax": "jax", "pytorch": "torch", "onnx": "onnxruntime"}
ELEMENTWISE = "relu leaky_relu elu gelu silu softplus sigmoid tanh sin erf".split()
LOSSES = (
    *("auto", "mse", "mae", "huber", "{type: huber, delta: 0.3}", "sse", "half_sse"),
    *("binary_cross_entropy", "cross_entropy"),
)
OPTIMIZERS = (
    "{type: sgd, learning_rate: 0.1}",
    "{type: sgd, momentum: 0.9, nesterov: true, weight_decay: 0.1, learning_rate: 0.2}",
    "adam",
    "{type: adam, betas: [0.8, 0.99], eps: 1e-6, amsgrad: true}",
    "{type: adamw, weight_decay: 0.1}",
    "{type: nadam, momentum_decay: 0.01}",
    "{type: rmsprop, momentum: 0.3}",
    "{type: rmsprop, centered: true}",
    "adagrad",
    "{type: adadelta, rho: 0.8}",
)
ROWS = (
    "{inputs: [[1, 0.5, 1], [0.2, -0.3, 0.7], [-1, 2, 0.1], [0.4, 0.9, -0.6]], "
    "targets: [[0.5, 1], [0.2, 0.3], [0.9, 0.1], [0, 0.4]]}"
)
TABLES = (
    *("{dataset: iris}", "{dataset: iris, scaling: standard}", "{dataset: iris, scaling: minmax}"),
    *("{dataset: moons, samples: 30, noise: 0.1}", ROWS),
    "{dataset: iris, target: features, features: [sepal_length, petal_length]}",
)
IMAGES = ("", ", scaling: {divide: 16}", ", scaling: standard")


def config(draw: random.Random) -> str:
    """Return a config; not each of them fits together."""
    if draw.random() < 0.3:
        data = f"{{dataset: digits, shape: [1, 8, 8]{draw.choice(IMAGES)}}}"
        layers, loss = [*images(draw), "{type: flatten}", "{type: linear}"], "auto"
    else:
        data, loss = draw.choice(TABLES), draw.choice(LOSSES)
        layers = [*dense(draw), draw.choice(("{type: linear}", "{type: linear, activation: sigmoid}"))]
    clip = draw.choice(("", "", "", ", gradient_clip: 0.05"))
    lines = [
        f"data: {data}",
        "model:",
        "  layers:",
        *(f"    - {layer}" for layer in layers),
        f"loss: {loss}",
        f"optimizer: {draw.choice(OPTIMIZERS)}",
        f"training: {{epochs: 3, batch_size: {draw.choice(('full', 4, 8))}{clip}}}",
        f"seed: {draw.randrange(100)}",
        f"dtype: {draw.choice(('float64', 'float64', 'float32'))}",
        *draw.choice(([], [], ["regularization: {l1: 0.01, l2: 0.1}"])),
        *draw.choice(([], [], ["schedule: {type: cosine, warmup_steps: 3}"])),
    ]
    return "\n".join(lines) + "\n"


def images(draw: random.Random) -> list[str]:
    """Return layers for images."""
    layers = []
    for _ in range(draw.randint(1, 2)):
        sizes = f"channels: {draw.randint(1, 3)}, kernel_size: {draw.randint(1, 3)}"
        steps = f"stride: {draw.randint(1, 2)}, padding: {draw.randint(0, 1)}"
        activation = draw.choice(("", f", activation: {draw.choice(ELEMENTWISE)}"))
        layers.append(f"{{type: conv2d, {sizes}, {steps}{activation}}}")
        layers += ["{type: batch_norm}"] * (draw.random() < 0.4)
        layers += [f"{{type: max_pool2d, kernel_size: 2, stride: {draw.randint(1, 2)}}}"] * (
            draw.random() < 0.4
        )
        layers += ["{type: dropout, rate: 0.3}"] * (draw.random() < 0.2)
    return layers


def dense(draw: random.Random) -> list[str]:
    """Return layers for rows of numbers."""
    layers = []
    for _ in range(draw.randint(0, 3)):
        activation = draw.choice(("", f", activation: {draw.choice([*ELEMENTWISE, 'softmax'])}"))
        frozen = draw.choice(("", "", ", frozen: [weights]", ", frozen: [bias]"))
        layers.append(f"{{type: linear, units: {draw.randint(1, 6)}{activation}{frozen}}}")
        layers += [f"{{type: batch_norm{draw.choice(('', ', momentum: 0.3'))}}}"] * (draw.random() < 0.3)
        layers += ["{type: dropout, rate: 0.3}"] * (draw.random() < 0.2)
    return layers


def run(facts: Facts, target: str, folder: Path) -> None:
    """Export a network and run what comes out."""
    exported = export(facts, target, "arrays")
    if target == "onnx":
        assert exported.agrees, exported.note
        return
    if exported.beside is not None:
        (folder / "arrays.safetensors").write_bytes(exported.beside)
    program = compile(exported.content, "<export>", "exec")
    with contextlib.redirect_stdout(io.StringIO()):
        exec(program, {"__name__": "__main__", "__file__": str(folder / "program.py")})


def main() -> None:
    """Soak, print what happened, exit 1 when something failed."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--seconds", type=float, default=60.0)
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    warnings.simplefilter("ignore")  # the frameworks' own
    targets = [target for target, package in NEEDS.items() if find_spec(package) is not None]
    ended: Counter[str] = Counter()
    begin, seed = time.monotonic(), given.seed
    while seed == given.seed or time.monotonic() - begin < given.seconds:
        text = config(random.Random(seed))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "network.yaml"
            path.write_text(text, "utf-8")
            try:
                facts = facts_of_config(load(str(path)))
            except BackpropError:
                ended["refused"] += 1
                facts = None
            for target in targets if facts is not None else ():
                try:
                    run(facts, target, Path(folder))
                    ended[target] += 1
                except Exception as error:
                    ended["FAILED"] += 1
                    print(f"--seed {seed} --seconds 0, {target}: {error!r:.500}\n{text}", flush=True)
        seed += 1
    print(", ".join(f"{name} {count}" for name, count in ended.items()))
    sys.exit(1 if ended["FAILED"] else 0)


if __name__ == "__main__":
    main()
