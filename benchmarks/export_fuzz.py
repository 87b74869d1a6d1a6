"""Export random programs and networks and run them: every target has to agree, or its program fails.

``python benchmarks/export_fuzz.py --seconds 600 [--what programs]``: a seed of ``networks`` is a config with
random layers, data, loss, optimizer and the rest; one of ``programs`` a program of `soak.py` at its special
point, in a branch that is taken, or not. It is exported to every target that is installed. Prints what fails
with what was exported, and exits 1.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import random
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import soak

from backprop_cli.errors import BackpropError, NoSuchNumber, UsageError
from backprop_cli.export import TARGETS, program_of
from backprop_cli.export import export as exported_program
from backprop_cli.export.networks import export, facts_of_config
from backprop_cli.export.networks.facts import Facts
from backprop_cli.language.lower import lower
from backprop_cli.language.parser import parse
from backprop_cli.training.config import load

NEEDS = {"numpy": "scipy", "jax": "jax", "pytorch": "torch", "onnx": "onnxruntime"}
ELEMENTWISE = "relu leaky_relu elu gelu silu softplus sigmoid tanh sin erf".split()
LOSSES = (
    *("auto", "mse", "mae", "huber", "{type: huber, delta: 0.3}", "sse", "half_sse"),
    *("binary_cross_entropy", "cross_entropy", "hinge", "{type: multi_margin, margin: 0.7}", "poisson"),
    "{type: quantile, q: 0.8}",
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


def run_network(facts: Facts, target: str, folder: Path) -> None:
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


PACKAGES = {name: name for name in ("jax", "autograd", "micrograd", "sympy", "casadi")} | {"pytorch": "torch"}
COMPILERS = {"c": "cc", "javascript": "node"}
PER_PROCESS = 40
"""Programs in JavaScript that are imported by one node."""

BRANCHES = (
    "where({c}, {p}, {q})", "where({c}, {q}, {p})", "y*where({c}, {p}, x)", "s = {p}; where({c}, s*y, {q})",
    "where({c}, where(y > 0, {p}, {q}), x*y)", "max(where({c}, {p}, y), {q})", "where({c}, {p}, {q})^2",
    "where({c}, where({p} > {q}, x, y), y)", "where({c}, max({p}, {q}, x), y)", "where({c}, ({p})^({q}), y)",
)  # fmt: skip
CONDITIONS = ("x == 2", "x != 2", "x > 0", "y < 0", "x >= y", "x*y > 1", "sin(x) == 0")
RISKY = (
    "(-1)^y", "(-2)^y", "0^y", "0^x", "log(x, sqrt(1))", "log(x, 1)", "log(x, -2)", "x^(1/3)",
    "(-1)^(x*y)", "sqrt(x)", "log(x)", "1/x", "x/(y - y)", "mod(x, 0)", "clamp(x, 2, 1)",
    "atan2(0*x, 0*y)", "asec(x)", "acosh(x)", "atanh(x)", "logit(x)", "gamma(x)", "lgamma(-1)*x",
    "polygamma(1, x)", "digamma(x)", "log1p(x - 5)", "x^-0.5", "x^y", "y^x", "hypot(x, 0)", "cbrt(x)",
    "|x|", "log(-1)*x", "asin(x*3)", "exp(exp(x*9))", "csch(x)", "cot(x)", "1/0*y", "max(log(x), 1)",
    "min(sqrt(x), 1/x, y)", "relu(log(x))", "sign(1/x)", "floor(log(x))", "round(1/x)",
)  # fmt: skip


def random_program(seed: int) -> tuple[str, dict[str, float]]:
    """Return a program and its point: every other one has something risky in a branch."""
    case, draw = soak.random_case(seed), random.Random(f"export {seed}")
    if seed % 2:
        return case.text, case.point
    risky = (
        draw.choice(RISKY)
        if draw.random() < 0.7
        else soak.text_of(soak.random_tree(draw, draw.randint(1, 3)))
    )
    other = draw.choice(("y*x", "x^2", "y", *RISKY))
    text = draw.choice(BRANCHES).format(c=draw.choice(CONDITIONS), p=risky, q=other)
    return text, {n: draw.choice((0.0, 1.0, -1.0, 2.0, -2.0, 0.5, 3.0, -0.3)) for n in "xy"}


def exports(text: str, point: dict[str, float], targets: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield a program in every target that has it.

    Raises:
        BackpropError: for no program, or none at that point.
    """
    graph = lower(parse(text), point)
    values = {name: x for name, x in point.items() if name in graph.inputs}
    program = program_of(graph, values)
    for target in targets:
        with contextlib.suppress(UsageError):  # CasADi has no gamma function
            yield target, exported_program(program, target)


def run_program(target: str, text: str, folder: Path) -> None:
    """Run a program; its assertions may fail."""
    if target == "c":
        (folder / "program.c").write_text(text, "utf-8")
        build = ["cc", "-Wall", "-Werror", "program.c", "-o", "program", "-lm"]
        for words in (build, [str(folder / "program")]):
            done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
        return
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(text, "<export>", "exec"), {"__name__": "__main__"})


def run_javascript(waiting: dict[str, str], folder: Path) -> Iterator[tuple[str, str]]:
    """Run programs in one process, and yield which failed, and how."""
    lines = ["console.log = () => {};"]
    for k, text in enumerate(waiting.values()):
        (folder / f"{k}.mjs").write_text(text, "utf-8")
        lines.append(f"await import('./{k}.mjs').catch((error) => console.error({k}, String(error)));")
    (folder / "all.mjs").write_text("\n".join(lines), "utf-8")
    done = subprocess.run(["node", "all.mjs"], cwd=folder, capture_output=True, text=True, check=False)
    for line in done.stderr.splitlines():
        number, _, error = line.partition(" ")
        yield (list(waiting)[int(number)] if number.isdecimal() else "all", error or line)


def soak_programs(seconds: float, first: int, only: Sequence[str]) -> Counter[str]:
    """Export and run random programs."""
    targets = [
        t
        for t in only or TARGETS
        if find_spec(PACKAGES.get(t, "sys")) and shutil.which(COMPILERS.get(t, "sh"))
    ]
    ended, waiting = Counter[str](), dict[str, str]()
    begin, seed = time.monotonic(), first

    def failed(target: str, label: str, error: str) -> None:
        ended["FAILED"] += 1
        ended[f"FAILED {target}"] += 1
        print(f"--what programs --seconds 0 {label}, {target}: {error:.400}", flush=True)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        while seed == first or time.monotonic() - begin < seconds:
            text, point = random_program(seed)
            label = f"--seed {seed}: {text} at {point}"
            try:
                for target, program in exports(text, point, targets):
                    if target == "javascript":
                        waiting[label] = program
                    else:
                        with soak.limited():
                            run_program(target, program, folder)
                    ended[target] += 1
            except NoSuchNumber:
                ended["no such number"] += 1
            except BackpropError:
                ended["refused"] += 1
            except (Exception, soak.TooSlow) as error:
                failed(target, label, repr(error))
            seed += 1
            if len(waiting) >= PER_PROCESS or time.monotonic() - begin >= seconds:
                for label, error in run_javascript(waiting, folder):
                    failed("javascript", label, error)
                waiting.clear()
    return ended


def soak_networks(seconds: float, first: int) -> Counter[str]:
    """Export and run random networks."""
    targets = [target for target, package in NEEDS.items() if find_spec(package) is not None]
    ended = Counter[str]()
    begin, seed = time.monotonic(), first
    while seed == first or time.monotonic() - begin < seconds:
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
                    run_network(facts, target, Path(folder))
                    ended[target] += 1
                except Exception as error:
                    ended["FAILED"] += 1
                    print(f"--seed {seed} --seconds 0, {target}: {error!r:.500}\n{text}", flush=True)
        seed += 1
    return ended


def main() -> None:
    """Soak, print what happened, exit 1 when something failed."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--seconds", type=float, default=60.0)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--what", choices=("networks", "programs"), default="networks")
    options.add_argument("--targets", default="", help="of programs, these alone: c,numpy")
    given = options.parse_args()
    warnings.simplefilter("ignore")  # the frameworks' own
    if given.what == "programs":
        only = given.targets.split(",") if given.targets else ()
        ended = soak_programs(given.seconds, given.seed, only)
    else:
        ended = soak_networks(given.seconds, given.seed)
    print(", ".join(f"{name} {count}" for name, count in ended.items()))
    sys.exit(1 if ended["FAILED"] else 0)


if __name__ == "__main__":
    main()
