"""Write the reference numbers of this folder with PyTorch; the suite reads the JSON and needs no torch.

python tests/reference/make_torch.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
HERE = Path(__file__).parent

CLASSES = {
    "sgd": torch.optim.SGD,
    "adagrad": torch.optim.Adagrad,
    "adadelta": torch.optim.Adadelta,
    "rmsprop": torch.optim.RMSprop,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "nadam": torch.optim.NAdam,
}

OPTIMIZERS: dict[str, tuple[float, dict[str, Any]]] = {
    "sgd": (0.02, {"type": "sgd"}),
    "sgd momentum": (0.02, {"type": "sgd", "momentum": 0.9}),
    "sgd dampening decay": (
        0.02,
        {"type": "sgd", "momentum": 0.8, "dampening": 0.3, "weight_decay": 0.05},
    ),
    "sgd nesterov": (0.02, {"type": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    "adagrad": (0.1, {"type": "adagrad"}),
    "adagrad lr_decay": (
        0.1,
        {
            "type": "adagrad",
            "lr_decay": 0.02,
            "weight_decay": 0.01,
            "initial_accumulator_value": 0.1,
            "eps": 1e-6,
        },
    ),
    "adadelta": (1.0, {"type": "adadelta"}),
    "adadelta decay": (0.5, {"type": "adadelta", "rho": 0.8, "eps": 1e-4, "weight_decay": 0.02}),
    "rmsprop": (0.01, {"type": "rmsprop"}),
    "rmsprop momentum": (0.005, {"type": "rmsprop", "momentum": 0.7, "weight_decay": 0.02}),
    "rmsprop centered": (0.01, {"type": "rmsprop", "centered": True, "alpha": 0.95, "eps": 1e-6}),
    "rmsprop centered momentum": (0.005, {"type": "rmsprop", "centered": True, "momentum": 0.5}),
    "adam": (0.02, {"type": "adam"}),
    "adam decay": (0.02, {"type": "adam", "betas": [0.8, 0.99], "eps": 1e-6, "weight_decay": 0.05}),
    "adam amsgrad": (0.02, {"type": "adam", "amsgrad": True, "betas": [0.8, 0.7]}),
    "adamw": (0.02, {"type": "adamw"}),
    "adamw amsgrad": (0.02, {"type": "adamw", "amsgrad": True, "weight_decay": 0.2}),
    "nadam": (0.02, {"type": "nadam"}),
    "nadam decay": (0.02, {"type": "nadam", "momentum_decay": 0.02, "weight_decay": 0.05}),
}


def optimizer_of(section: dict[str, Any], rate: float, parameters: Any) -> torch.optim.Optimizer:
    options = {name: value for name, value in section.items() if name not in ("type", "learning_rate")}
    if "betas" in options:
        options["betas"] = tuple(options["betas"])
    return CLASSES[section["type"]](parameters, lr=rate, foreach=False, **options)


def optimizers() -> dict[str, Any]:
    """A hundred steps on sum k/2 x^2 + x^4/4 - x/k."""
    start = [1.5, -0.8, 0.3, 2.0]
    k = torch.arange(1, 5, dtype=torch.float64)
    cases = []
    for name, (rate, section) in OPTIMIZERS.items():
        theta = torch.nn.Parameter(torch.tensor(start))
        optimizer = optimizer_of(section, rate, [theta])
        after = {}
        for step in range(1, 101):
            x = theta.detach()
            theta.grad = k * x + x * x * x - 1 / k
            optimizer.step()
            if step in (1, 2, 3, 10, 100):
                after[str(step)] = theta.tolist()
        cases.append({"name": name, "optimizer": section, "rate": rate, "after": after})
    return {"source": f"PyTorch {torch.__version__}, float64", "start": start, "cases": cases}


def write(name: str, content: dict[str, Any]) -> None:
    (HERE / name).write_text(json.dumps(content, indent=None, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    write("torch_optimizers.json", optimizers())
