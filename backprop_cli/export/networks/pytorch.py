"""A network as a ``torch.nn.Module``, its weights, and one step of its optimizer."""

from __future__ import annotations

from collections.abc import Mapping

from ...language.operators import ATOM
from ...language.written import Piece, Table
from ...ops import PRIMITIVES
from .. import pytorch as scalar
from ..writer import python_number, spell
from . import Exported
from .common import WITHOUT, Arrays, header, noise, rows, unsure
from .facts import Facts, NDArray, changed

LANGUAGE = "PyTorch"
PARTS = {"weights": "weight", "running_variance": "running_var"}
FINAL = {"softmax": "torch.softmax({}, dim=1)", "sigmoid": "torch.sigmoid({})"}


def write(facts: Facts, name: str) -> Exported:
    """Return the program."""
    arrays = Arrays(facts, name, "torch.tensor({})", "{}", "torch")
    used: set[str] = set()
    module = _module(facts, used)
    final = FINAL.get(facts.final or "", "{}")
    outputs = f"network({rows(facts, 'sample')})"
    step = _step(facts, arrays)
    lines = [
        *header(facts, LANGUAGE),
        "",
        *arrays.imports[0],
        "import torch",
        *["import torch.nn.functional as F"] * any(" F." in line for line in (*module, *step)),
        *arrays.imports[1],
        "",
        "torch.set_default_dtype(torch.float64)  # as backprop computes",
        *(["", "", scalar.HELPERS["gamma"]] if "gamma" in used else []),
        "",
        "",
        *module,
        "",
        "",
        *arrays.reading,
        *arrays.scaling(facts),
        *arrays.group("weights", _torch_names(facts.arrays)),
        "network = Network()",
        "network.load_state_dict(weights" + (", strict=False)" if facts.network.states else ")"),
        *(
            f"network.{_torch_name(p.name)}.requires_grad_(False)  # frozen"
            for p in facts.network.parameters
            if not p.trained
        ),
        "",
        "# predictions for some rows",
        "network.eval()",
        arrays("sample", facts.sample, "sample"),
        arrays("predictions", facts.predictions, "expected"),
        "with torch.no_grad():",
        f"    predictions = {final.format(outputs)}",
        "print(predictions)",
        "torch.testing.assert_close(predictions, expected, rtol=1e-9, atol=1e-12)",
        "",
        *step,
    ]
    return Exported(("\n".join(lines) + "\n").encode(), arrays.beside)


def _activation(table: Table, name: str, x: str, used: set[str]) -> str:
    """Write an elementwise activation, trailing operands by their defaults."""
    row = PRIMITIVES[name]
    used.add(name)
    operands = [Piece(x, ATOM), *(python_number(d, True)._replace(value=d) for d in row.defaults)]
    return spell(table, name, operands).text


def _torch_names(arrays: Mapping[str, NDArray]) -> dict[str, NDArray]:
    return {_torch_name(name): array for name, array in arrays.items()}


def _torch_name(name: str) -> str:
    layer, _, part = name.rpartition(".")
    return f"{layer}.{PARTS.get(part, part)}"


def _module(facts: Facts, used: set[str]) -> list[str]:
    made, forward = [], []
    for name, layer, before, after, function in facts.network.pieces:
        tied = facts.step is not None and name in facts.step.tied
        call = layer.torch(before, after, tied)
        if call.startswith("torch.nn."):
            made.append(f"self.{name} = {call}")
            call = f"self.{name}(x)"
        elif tied:
            forward.append("# ties share the slope, as in backprop; F.max_pool2d gives it to the first")
        if function == "softmax":
            call = f"torch.softmax({call}, dim=1)"
        elif function is not None:
            if scalar.SPELLING.get(function) == f"torch.{function}":
                call = f"torch.{function}({call})"
            else:
                if call != "x":
                    forward.append(f"x = {call}")
                call = _activation(scalar.SPELLING, function, "x", used)
        if call != "x":
            forward.append(f"x = {call}")
    logits = f"  # logits: {facts.final} makes probabilities of them" if facts.final else ""
    return [
        "class Network(torch.nn.Module):",
        "    def __init__(self):",
        "        super().__init__()",
        *(f"        {line}" for line in made),
        "",
        "    def forward(self, x):",
        *(f"        {line}" for line in forward),
        f"        return x{logits}",
    ]


def _step(facts: Facts, arrays: Arrays) -> list[str]:
    step = facts.step
    if step is None:
        return [f"# no training step: {facts.reason}"]
    loss = facts.network.loss
    text = loss.row.torch.format(**{name: getattr(loss, name) for name in loss.row.settings})
    more = "".join(f", {name}={value!r}" for name, value in changed(step.settings).items())
    penalties = []
    for factor, norm in ((facts.network.penalties.l1, "abs()"), (facts.network.penalties.l2, "square()")):
        for p in facts.trained if factor else ():
            if p.penalised:
                penalties.append(f"loss = loss + {factor!r}*network.{_torch_name(p.name)}.{norm}.sum()")
    return [
        f"# one training step, the optimizer's first{WITHOUT * bool(facts.network.masks)}",
        "network.train()",
        *(f"network.{name.removesuffix('.mask')}.eval()" for name in facts.network.masks),
        arrays("x", step.inputs, "x"),
        arrays("t", step.targets, "t"),
        "trained = {name: p for name, p in network.named_parameters() if p.requires_grad}",
        f"optimizer = torch.optim.{step.settings.torch}(trained.values(), lr={step.rate!r}{more})",
        f"output = network({rows(facts, 'x')})",
        f"loss = {text}",
        *penalties,
        "loss.backward()",
        'print("loss", loss.item())',
        f"torch.testing.assert_close(loss, torch.tensor({step.loss!r}), rtol=1e-9, atol=1e-12)",
        "",
        *unsure(step),
        *arrays.group("gradients", _torch_names(step.gradients)),
        "for name, expected in gradients.items():",
        "    torch.testing.assert_close(trained[name].grad, expected, rtol=1e-7, atol=1e-10)",
        "",
        *[f"torch.nn.utils.clip_grad_norm_(trained.values(), {step.clip!r})"] * (step.clip is not None),
        "optimizer.step()",
        *noise(step),
        *arrays.group("after", _torch_names(step.after | step.states)),
        "for name, expected in after.items():",
        "    torch.testing.assert_close(network.state_dict()[name], expected, rtol=1e-6, atol=1e-9)",
    ]
