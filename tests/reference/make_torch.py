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
    "rmsprop momentum": (0.001, {"type": "rmsprop", "momentum": 0.7, "weight_decay": 0.02}),
    "rmsprop centered": (0.01, {"type": "rmsprop", "centered": True, "alpha": 0.95, "eps": 1e-6}),
    "rmsprop centered momentum": (0.001, {"type": "rmsprop", "centered": True, "momentum": 0.5}),
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


# whole trainings: a config of ours beside what PyTorch makes of it


class Drawn:
    """Numbers of three decimals from one seed: no ties, no kinks, short in JSON."""

    def __init__(self, seed: int) -> None:
        self.generator = torch.Generator().manual_seed(seed)

    def numbers(self, *shape: int, scale: float = 1.0) -> list[Any]:
        drawn = torch.randn(shape, generator=self.generator) * scale
        return torch.round(drawn, decimals=3).tolist()

    def linear(self, inputs: int, units: int, activation: str | None = None, **more: Any) -> dict[str, Any]:
        layer = {
            "type": "linear",
            "units": units,
            "weights": self.numbers(units, inputs, scale=inputs**-0.5),
            "bias": self.numbers(units, scale=0.2),
        }
        return layer | ({"activation": activation} if activation else {}) | more

    def convolution(self, axes: int, inputs: int, channels: int, kernel: int, more: Any) -> dict[str, Any]:
        scale = (inputs * kernel**axes) ** -0.5
        weights = self.numbers(channels, inputs, *[kernel] * axes, scale=scale)
        bias = self.numbers(channels, scale=0.2)
        sizes = {"channels": channels, "kernel_size": kernel}
        return {"type": f"conv{axes}d", **sizes, "weights": weights, "bias": bias} | more

    def conv1d(self, inputs: int, channels: int, kernel: int = 3, **more: Any) -> dict[str, Any]:
        return self.convolution(1, inputs, channels, kernel, more)

    def conv2d(self, inputs: int, channels: int, kernel: int = 3, **more: Any) -> dict[str, Any]:
        return self.convolution(2, inputs, channels, kernel, more)


def data() -> dict[str, Any]:
    """Twenty rows of four numbers with targets of every kind; twelve images of two channels."""
    drawn = Drawn(1)
    inputs, images = drawn.numbers(20, 4), drawn.numbers(12, 2 * 6 * 5)
    ids = [(3 * i * i + i) % 3 for i in range(20)]
    tenths = [(i % 7, i % 4, 10 - i % 7 - i % 4) for i in range(20)]
    return {
        "three numbers": {"inputs": inputs, "targets": drawn.numbers(20, 3)},
        "three classes": {"inputs": inputs, "targets": ["abc"[i] for i in ids]},
        "zero or one": {"inputs": inputs, "targets": [[float(sum(row) > 0.3)] for row in inputs]},
        "yes or no": {"inputs": inputs, "targets": ["yes" if sum(row) > 0.3 else "no" for row in inputs]},
        "shares": {
            "inputs": inputs,
            "targets": torch.round(torch.tensor(drawn.numbers(20, 3)).softmax(1), decimals=3).tolist(),
        },
        "soft classes": {"inputs": inputs, "targets": [[n / 10 for n in row] for row in tenths]},
        "one-hot classes": {"inputs": inputs, "targets": [[float(i == k) for k in range(3)] for i in ids]},
        "one row": {"inputs": inputs[:1], "targets": [2]},
        "images": {"inputs": images, "targets": drawn.numbers(12, 2), "shape": [2, 6, 5]},
        "series": {"inputs": images, "targets": drawn.numbers(12, 2), "shape": [4, 15]},
    }


def models() -> dict[str, Any]:
    drawn = Drawn(2)
    norm, flatten = {"type": "batch_norm"}, {"type": "flatten"}
    small = {
        f"4-5-3 {name}": [drawn.linear(4, 5, name), drawn.linear(5, 3)]
        for name in "tanh relu sigmoid leaky_relu elu gelu silu softplus".split()
    }
    own_layer = [drawn.linear(4, 5), {"type": "activation", "activation": "tanh"}, drawn.linear(5, 3)]
    return {
        **small,
        "4-5-1 tanh": [drawn.linear(4, 5, "tanh"), drawn.linear(5, 1)],
        "4-5-3 tanh softmax": [drawn.linear(4, 5, "tanh"), drawn.linear(5, 3, "softmax")],
        "4-5-3 tanh tanh": [drawn.linear(4, 5, "tanh"), drawn.linear(5, 3, "tanh")],
        "4-5-3 activation": own_layer,
        "4-6-5-3 frozen": [
            drawn.linear(4, 6, "tanh", frozen=["weights"]),
            drawn.linear(6, 5, "sigmoid", frozen=["bias"]),
            drawn.linear(5, 3),
        ],
        "4-5-3 batch_norm": [drawn.linear(4, 5), norm, *own_layer[1:2], drawn.linear(5, 3)],
        "4-5-3 batch_norm options": [
            drawn.linear(4, 5, "tanh"),
            {"type": "batch_norm", "momentum": 0.3, "eps": 0.01},
            drawn.linear(5, 3),
        ],
        "conv2d": [drawn.conv2d(2, 3, activation="tanh"), flatten, drawn.linear(36, 2)],
        "conv2d stride padding": [
            drawn.conv2d(2, 3, stride=2, padding=1, activation="relu"),
            flatten,
            drawn.linear(27, 2),
        ],
        "conv2d same max_pool2d": [
            drawn.conv2d(2, 3, padding="same", activation="tanh"),
            {"type": "max_pool2d"},
            flatten,
            drawn.linear(18, 2),
        ],
        "conv2d kernel padding": [
            drawn.conv2d(2, 2, kernel=2, padding=2, stride=3, activation="silu"),
            flatten,
            drawn.linear(18, 2),
        ],
        "conv2d conv2d overlapping max_pool2d": [
            drawn.conv2d(2, 3, padding=1, activation="relu"),
            {"type": "max_pool2d", "kernel_size": 3, "stride": 1},
            drawn.conv2d(3, 2, kernel=2, activation="tanh"),
            flatten,
            drawn.linear(12, 2),
        ],
        "conv2d batch_norm": [
            drawn.conv2d(2, 3, padding=1),
            norm,
            *own_layer[1:2],
            {"type": "max_pool2d", "kernel_size": 2, "stride": 1},
            flatten,
            drawn.linear(60, 2),
        ],
        "4-5-3 layer_norm": [
            drawn.linear(4, 5),
            {"type": "layer_norm"},
            *own_layer[1:2],
            drawn.linear(5, 3),
            {"type": "layer_norm", "eps": 0.01},
        ],
        "conv2d layer_norm average_pool2d": [
            drawn.conv2d(2, 3, padding=1),
            {"type": "layer_norm"},
            *own_layer[1:2],
            {"type": "average_pool2d", "kernel_size": 3, "stride": 1},
            {"type": "layer_norm", "axes": "last", "eps": 0.001},
            flatten,
            drawn.linear(36, 2),
        ],
        "average_pool2d": [
            {"type": "average_pool2d"},
            drawn.conv2d(2, 3, kernel=2, activation="tanh"),
            flatten,
            drawn.linear(6, 2),
        ],
        "conv1d": [drawn.conv1d(4, 3, activation="tanh"), flatten, drawn.linear(39, 2)],
        "conv1d same batch_norm conv1d stride padding": [
            drawn.conv1d(4, 3, kernel=5, padding="same"),
            norm,
            *own_layer[1:2],
            drawn.conv1d(3, 2, kernel=4, padding=2, stride=3, activation="silu"),
            flatten,
            drawn.linear(12, 2),
        ],
    }


def case(name: str, data: str, model: str, updates: int = 100, **config: Any) -> dict[str, Any]:
    """Name the parts of a config; `updates` is how many there are in all."""
    training = {"epochs": updates, "batch_size": "full", "shuffle": False} | config.pop("training", {})
    optimizer = {"type": "sgd", "learning_rate": 0.1}
    return {
        "name": name,
        "data": data,
        "model": model,
        "config": {"loss": "mse", "optimizer": optimizer, "training": training} | config,
    }


def cases() -> list[dict[str, Any]]:
    adam = {"type": "adam", "learning_rate": 0.02}
    batches = {"batch_size": 8, "epochs": 34}
    numbers, images = "three numbers", "images"
    slow = {"type": "adam", "learning_rate": 0.003}  # a loss near 0 has few digits to compare
    tanh = "4-5-3 tanh"
    return [
        *(
            case(f"optimizer {name}", numbers, tanh, optimizer=section | {"learning_rate": rate})
            for name, (rate, section) in OPTIMIZERS.items()
        ),
        *(
            case(f"activation {name}", numbers, f"4-5-3 {name}", optimizer=adam)
            for name in "relu sigmoid leaky_relu elu gelu silu softplus activation".split()
        ),
        case("activation softmax with mse", "shares", "4-5-3 tanh softmax", optimizer=adam),
        case("activation tanh at the end", numbers, "4-5-3 tanh tanh"),
        case("loss mae", numbers, tanh, loss="mae"),
        case("loss huber", numbers, tanh, loss={"type": "huber", "delta": 0.7}),
        case("loss sse", numbers, tanh, loss="sse", optimizer={"type": "sgd", "learning_rate": 0.002}),
        case("loss half_sse", numbers, tanh, loss="half_sse", optimizer=adam),
        case(
            "loss binary_cross_entropy",
            "zero or one",
            "4-5-1 tanh",
            loss="binary_cross_entropy",
            task="regression",
        ),
        case("loss binary_cross_entropy of classes", "yes or no", "4-5-1 tanh", loss="binary_cross_entropy"),
        case("loss cross_entropy", "three classes", tanh, loss="cross_entropy", optimizer=adam),
        case("loss cross_entropy of shares", "soft classes", tanh, loss="cross_entropy", optimizer=adam),
        case("loss cross_entropy one-hot", "one-hot classes", tanh, loss="cross_entropy", training=batches),
        case("loss cross_entropy of one row", "one row", tanh, loss="cross_entropy"),
        case("batches sgd", numbers, tanh, training=batches),
        case("batches half_sse", numbers, tanh, training=batches, loss="half_sse", optimizer=adam),
        case(
            "batches cross_entropy",
            "three classes",
            "4-5-3 relu",
            training=batches,
            loss="cross_entropy",
            optimizer=adam,
        ),
        case("schedule step", numbers, tanh, schedule={"type": "step", "step_size": 20, "gamma": 0.5}),
        case("schedule exponential", numbers, tanh, schedule={"type": "exponential", "gamma": 0.97}),
        case(
            "schedule cosine",
            numbers,
            tanh,
            schedule={"type": "cosine", "eta_min": 0.001},
            training=batches,
            optimizer=adam,
        ),
        case(
            "schedule plateau",
            numbers,
            tanh,
            schedule={"type": "plateau", "factor": 0.5, "patience": 2, "threshold": 0.02, "cooldown": 3},
            training=batches,
        ),
        case(
            "schedule constant warm-up",
            numbers,
            tanh,
            schedule={"type": "constant", "warmup_steps": 30},
            optimizer=adam,
        ),
        case(
            "schedule exponential warm-up",
            numbers,
            tanh,
            schedule={"type": "exponential", "gamma": 0.9, "warmup_steps": 10},
            training=batches,
        ),
        case(
            "gradient_clip",
            numbers,
            tanh,
            loss="sse",
            training={"gradient_clip": 0.5},
            optimizer={"type": "sgd", "learning_rate": 0.05},
        ),
        case(
            "gradient_clip adam",
            numbers,
            "4-5-3 relu",
            loss="sse",
            training=batches | {"gradient_clip": 6.0},
            optimizer=adam,
        ),
        case("l1", numbers, tanh, regularization={"l1": 0.01}),
        case("l2", numbers, tanh, regularization={"l2": 0.01}, optimizer=adam),
        case(
            "l1 and l2",
            numbers,
            tanh,
            regularization={"l1": 0.003, "l2": 0.02},
            training=batches,
            optimizer=adam,
        ),
        case("frozen", numbers, "4-6-5-3 frozen", optimizer=adam),
        case("batch_norm", numbers, "4-5-3 batch_norm", training=batches),
        case("batch_norm options", numbers, "4-5-3 batch_norm options", optimizer=adam),
        case("conv2d", images, "conv2d", optimizer=slow),
        case(
            "conv2d stride padding",
            images,
            "conv2d stride padding",
            training={"batch_size": 5, "epochs": 34},
            optimizer={"type": "sgd", "learning_rate": 0.01},
        ),
        case("conv2d same max_pool2d", images, "conv2d same max_pool2d", optimizer=slow),
        case("conv2d kernel padding", images, "conv2d kernel padding", optimizer=slow),
        case(
            "conv2d conv2d overlapping max_pool2d",
            images,
            "conv2d conv2d overlapping max_pool2d",
            optimizer=slow,
        ),
        # a bias before batch_norm has no slope but rounding, which Adam would blow up to whole steps
        case(
            "conv2d batch_norm", images, "conv2d batch_norm", optimizer={"type": "sgd", "learning_rate": 0.02}
        ),
        case("layer_norm", numbers, "4-5-3 layer_norm", training=batches),
        case(
            "conv2d layer_norm average_pool2d",
            images,
            "conv2d layer_norm average_pool2d",
            optimizer={"type": "sgd", "learning_rate": 0.02},
        ),
        case("average_pool2d", images, "average_pool2d", optimizer=slow),
        case("conv1d", "series", "conv1d", optimizer=slow),
        case(
            "conv1d same batch_norm conv1d stride padding",
            "series",
            "conv1d same batch_norm conv1d stride padding",
            optimizer={"type": "sgd", "learning_rate": 0.02},
        ),
    ]


ACTIVATIONS = {
    "tanh": torch.nn.Tanh,
    "relu": torch.nn.ReLU,
    "sigmoid": torch.nn.Sigmoid,
    "leaky_relu": torch.nn.LeakyReLU,
    "elu": torch.nn.ELU,
    "gelu": torch.nn.GELU,
    "silu": torch.nn.SiLU,
    "softplus": torch.nn.Softplus,
    "softmax": lambda: torch.nn.Softmax(1),
}


def network_of(layers: list[dict[str, Any]], shape: list[int]) -> torch.nn.Sequential:
    modules: list[torch.nn.Module] = []
    channels = shape[0]
    for layer in layers:
        kind = layer["type"]
        module: Any
        if kind == "linear":
            module = torch.nn.Linear(len(layer["weights"][0]), layer["units"])
            channels = layer["units"]
        elif kind in ("conv1d", "conv2d"):
            module = (torch.nn.Conv1d if kind == "conv1d" else torch.nn.Conv2d)(
                channels,
                layer["channels"],
                layer["kernel_size"],
                stride=layer.get("stride", 1),
                padding=layer.get("padding", 0),
            )
            channels = layer["channels"]
        elif kind == "batch_norm":
            class_ = torch.nn.BatchNorm2d if len(shape) == 3 else torch.nn.BatchNorm1d
            module = class_(channels, momentum=layer.get("momentum", 0.1), eps=layer.get("eps", 1e-5))
        elif kind == "layer_norm":
            seen = list(torch.nn.Sequential(*modules).eval()(torch.zeros(2, *shape)).shape[1:])
            torch.nn.Sequential(*modules).train()
            together = seen[-1:] if layer.get("axes") == "last" else seen
            module = torch.nn.LayerNorm(together, eps=layer.get("eps", 1e-5))
        elif kind == "average_pool2d":
            module = torch.nn.AvgPool2d(layer.get("kernel_size", 2), layer.get("stride"))
        elif kind == "max_pool2d":
            module = torch.nn.MaxPool2d(layer.get("kernel_size", 2), layer.get("stride"))
        elif kind == "flatten":
            module = torch.nn.Flatten()
        else:
            module = ACTIVATIONS[layer["activation"]]()
        if "weights" in layer:
            module.weight.data[...] = torch.tensor(layer["weights"])
            module.bias.data[...] = torch.tensor(layer["bias"])
            module.weight.requires_grad = "weights" not in layer.get("frozen", [])
            module.bias.requires_grad = "bias" not in layer.get("frozen", [])
        modules.append(module)
        if kind != "activation" and "activation" in layer:
            modules.append(ACTIVATIONS[layer["activation"]]())
    return torch.nn.Sequential(*modules)


def loss_of(loss: Any) -> Any:
    kind = loss if isinstance(loss, str) else loss["type"]
    return {
        "mse": torch.nn.MSELoss(),
        "mae": torch.nn.L1Loss(),
        "huber": torch.nn.HuberLoss(delta=1.0 if isinstance(loss, str) else loss["delta"]),
        "sse": torch.nn.MSELoss(reduction="sum"),
        "half_sse": lambda y, t: 0.5 * torch.nn.functional.mse_loss(y, t, reduction="sum"),
        "binary_cross_entropy": torch.nn.BCEWithLogitsLoss(),
        "cross_entropy": torch.nn.CrossEntropyLoss(),
    }[kind]


def targets_of(targets: list[Any], loss: Any) -> torch.Tensor:
    """Classes are numbered in the order of their names."""
    if isinstance(targets[0], str):
        classes = sorted(set(targets))
        ids = torch.tensor([classes.index(t) for t in targets])
        return ids if loss == "cross_entropy" else ids[:, None].double()
    return torch.tensor(targets)  # whole numbers are classes


def schedule_of(section: dict[str, Any], optimizer: torch.optim.Optimizer, epochs: int) -> Any:
    options = {k: v for k, v in section.items() if k not in ("type", "warmup_steps")}
    if section["type"] == "cosine":
        options["T_max"] = epochs
    kinds = torch.optim.lr_scheduler
    return {
        "constant": lambda optimizer: kinds.LambdaLR(optimizer, lambda epoch: 1.0),
        "step": kinds.StepLR,
        "exponential": kinds.ExponentialLR,
        "cosine": kinds.CosineAnnealingLR,
        "plateau": kinds.ReduceLROnPlateau,
    }[section["type"]](optimizer, **options)


def train(case: dict[str, Any], data: dict[str, Any], layers: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what PyTorch makes of a config."""
    config = case["config"]
    inputs = torch.tensor(data["inputs"])
    shape = data.get("shape", [inputs.shape[1]])
    inputs = inputs.reshape(-1, *shape)
    targets = targets_of(data["targets"], config["loss"])
    network, loss_function = network_of(layers, shape), loss_of(config["loss"])
    trained = [p for p in network.parameters() if p.requires_grad]
    section, settings = config["optimizer"], config["training"]
    optimizer = optimizer_of(section, section["learning_rate"], trained)
    schedule = config.get("schedule", {"type": "constant"})
    scheduler = schedule_of(schedule, optimizer, settings["epochs"])
    warmup = schedule.get("warmup_steps", 0)
    penalties = config.get("regularization", {})
    weights = [m.weight for m in network if isinstance(m, torch.nn.Linear | torch.nn.Conv2d)]
    size = len(inputs) if settings["batch_size"] == "full" else settings["batch_size"]
    (group,) = optimizer.param_groups
    losses: list[float] = []
    epoch_losses, rates = [], []
    for _ in range(settings["epochs"]):
        first = len(losses)
        rate = group["lr"]
        for x, t in zip(inputs.split(size), targets.split(size), strict=True):
            optimizer.zero_grad()
            loss = loss_function(network(x), t)
            if "l1" in penalties:
                loss = loss + penalties["l1"] * sum(w.abs().sum() for w in weights)
            if "l2" in penalties:
                loss = loss + penalties["l2"] * sum((w * w).sum() for w in weights)
            loss.backward()
            if "gradient_clip" in settings:
                torch.nn.utils.clip_grad_norm_(trained, settings["gradient_clip"])
            step = len(losses)
            group["lr"] = rate * (step + 1) / warmup if step < warmup else rate
            rates.append(group["lr"])
            optimizer.step()
            losses.append(loss.item())
        group["lr"] = rate
        epoch_losses.append(sum(losses[first:]) / (len(losses) - first))
        if schedule["type"] == "plateau":
            scheduler.step(epoch_losses[-1])
        else:
            scheduler.step()
    result: dict[str, Any] = {"losses": losses}
    if len(epoch_losses) < len(losses):
        result["epoch_losses"] = epoch_losses
    if "schedule" in config:
        result["rates"] = rates
    named = []
    for module in network:
        if hasattr(module, "weight"):
            numbers = {"weights": module.weight.tolist(), "bias": module.bias.tolist()}
            if hasattr(module, "running_mean"):
                numbers["running_mean"] = module.running_mean.tolist()
                numbers["running_variance"] = module.running_var.tolist()
            named.append(numbers)
    network.eval()
    with torch.no_grad():
        outputs = network(inputs[:4]).tolist()
    return result | {"parameters": named, "outputs": outputs}


def trainings() -> dict[str, Any]:
    """All cases with PyTorch's answers.

    ``losses``: at every update, before it, penalties included. ``epoch_losses``: their mean in each epoch,
    where batches are not all rows. ``parameters``: after the last update, of each layer that has some.
    ``outputs``: of the first four rows after it, as the last layer gives them (logits), when predicting.
    """
    rows, networks = data(), models()
    answers = [c | {"torch": train(c, rows[c["data"]], networks[c["model"]])} for c in cases()]
    source = f"PyTorch {torch.__version__}, float64, one thread"
    return {"source": source, "data": rows, "models": networks, "cases": answers}


def write(name: str, content: dict[str, Any]) -> None:
    (HERE / name).write_text(json.dumps(content, indent=None, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    write("torch_optimizers.json", optimizers())
    write("torch_training.json", trainings())
