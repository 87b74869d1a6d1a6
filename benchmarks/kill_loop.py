"""Kill a training again and again, at random moments, and see that nothing is ever lost.

``python benchmarks/kill_loop.py --minutes 10``: every round trains once undisturbed, then kills
(SIGKILL, or now and then SIGTERM or SIGINT) and resumes until a run ends by itself. After every
kill all checkpoints and models must load; at the end model, best model and log must be those of the
undisturbed run, byte for byte, and no temporary file may be left. Status 1 at the first fault.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from backprop_cli.training import checkpoint

COMPARED = ("model.safetensors", "best.safetensors", "metrics.jsonl", "config.yaml")
SIGNALS = (signal.SIGKILL,) * 8 + (signal.SIGTERM, signal.SIGINT)
OPTIMIZERS = ("sgd", "adagrad", "adadelta", "rmsprop", "adam", "adamw", "nadam")


GRU = """
h[0] = 0
i[t] = W@x[t] + b
s[t] = U@h[t] + c
r[t] = sigmoid(i[t][0:H] + s[t][0:H])
z[t] = sigmoid(i[t][H:2*H] + s[t][H:2*H])
n[t] = tanh(i[t][2*H:3*H] + r[t]*s[t][2*H:3*H])
h[t+1] = (1 - z[t])*n[t] + z[t]*h[t]
logits[t] = V@h[t+1] + d
"""


def config(draw: random.Random) -> dict[str, Any]:
    """A network with everything that has a state, of a random size; now and then a recurrence."""
    layers = [
        {"type": "linear", "units": draw.choice((8, 64, 300)), "activation": "tanh"},
        {"type": "batch_norm"},
        {"type": "dropout", "rate": 0.2},
        {"type": "linear", "units": 16, "activation": "relu"},
        {"type": "linear"},
    ]
    shapes = {"W": ["3*H", "inputs"], "b": "3*H", "U": ["3*H", "H"], "c": "3*H", "V": ["outputs", "H"]}
    model: dict[str, Any] = {"layers": layers}
    data = {"dataset": "spirals", "samples": 240, "validation_split": 0.25}
    if draw.random() < 0.3:
        model = {"dims": {"H": 8}, "parameters": {**shapes, "d": "outputs"}, "program": GRU}
        data = {"dataset": "parity", "samples": 240, "length": 6, "validation_split": 0.25}
    return {
        "data": data,
        "model": model,
        "optimizer": {"type": draw.choice(OPTIMIZERS), "learning_rate": 0.01},
        "schedule": draw.choice(({"type": "plateau", "patience": 3}, "cosine", {"type": "constant"})),
        "training": {
            "epochs": draw.choice((60, 150)),
            "batch_size": draw.choice((17, 32, "full")),
            "metrics": ["accuracy"],
            "early_stopping": {"patience": 40},
        },
        "checkpoint": {"every": draw.choice((1, 2, 7)), "keep": draw.choice((1, 3))},
        "dtype": draw.choice(("float32", "float64")),
        "seed": draw.randrange(1000),
    }


def hashes(folder: Path) -> dict[str, str]:
    return {n: hashlib.sha256((folder / n).read_bytes()).hexdigest() for n in COMPARED}


def train(folder: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "backprop_cli", "train", "case.yaml", "-q", "output.dir=run", *words]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=folder, text=True, **pipes)


def finished(folder: Path, *words: str) -> float:
    """Train to the end and return the seconds it took."""
    began = time.monotonic()
    child = train(folder, *words)
    _, err = child.communicate()
    if child.returncode:
        raise AssertionError(f"status {child.returncode}: {err}")
    return time.monotonic() - began


def one_round(folder: Path, draw: random.Random, seen: Counter[str]) -> None:
    """Train undisturbed, then disturbed, and compare."""
    (folder / "case.yaml").write_text(json.dumps(config(draw)))
    seconds = finished(folder)
    run = folder / "run"
    expected = hashes(run)
    run.rename(folder / "undisturbed")
    words: tuple[str, ...] = ()
    for _ in range(12):
        child = train(folder, *words)
        number = draw.choice(SIGNALS)
        try:
            child.wait(draw.uniform(0.05, 1.0) * seconds)
            seen["too late"] += 1
            break
        except subprocess.TimeoutExpired:
            child.send_signal(number)
        _, err = child.communicate()
        if child.returncode not in (-number, 128 + number, 0):
            raise AssertionError(f"status {child.returncode} after {number.name}: {err}")
        seen[number.name] += 1
        found = [p for p in run.rglob("*.safetensors") if ".backprop-tmp" not in p.name]
        for path in found:
            checkpoint.load(str(path))
        seen["files loaded"] += len(found)
        words = ("--resume",) if any(p.parent.name == "checkpoints" for p in found) else ()
    finished(folder, *words)
    if hashes(run) != expected:
        raise AssertionError("the bytes are not those of the undisturbed run")
    if left := [p.name for p in run.rglob("*") if "backprop-tmp" in p.name]:
        raise AssertionError(f"left over: {left}")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    until, seen, rounds = time.monotonic() + 60 * options.minutes, Counter[str](), 0
    while time.monotonic() < until:
        draw = random.Random(f"{options.seed}/{rounds}")
        with tempfile.TemporaryDirectory() as folder:
            try:
                one_round(Path(folder), draw, seen)
            except (AssertionError, checkpoint.CheckpointError) as fault:
                case = (Path(folder) / "case.yaml").read_text()
                print(f"round {rounds} of seed {options.seed}: {fault}\n{case}")
                return 1
        rounds += 1
    print(f"{rounds} rounds: {', '.join(f'{count} {what}' for what, count in sorted(seen.items()))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
