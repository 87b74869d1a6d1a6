"""A network as a ``torch.nn.Module``, its weights, and one step of its optimizer."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...language.operators import ATOM, PRODUCT, SUM
from ...language.written import Piece, Table, template
from ...networks.losses import PROGRAM, Loss
from ...networks.network import LayerNetwork
from ...networks.programmed import ProgramNetwork
from ...ops import PRIMITIVES, Shape
from ...ops.namespaces import FLOATS
from .. import python
from .. import pytorch as scalar
from ..arrays import LAYER_NORM
from ..writer import python_number, real, spell
from . import Exported
from .arrays import ARRAYS, looked_up, matrices
from .common import WITHOUT, Arrays, header, leaves, noise, rows, unsure
from .common import function as method
from .facts import Facts, NDArray, changed
from .nodes import NodeWriter
from .passes import Forward, predicting, training

LANGUAGE = "PyTorch"
RESERVED = scalar.RESERVED | {"F", "self"}
MODULE_WORDS = frozenset(
    "add_module apply bfloat16 buffers children compile cpu cuda double eval float forward half loss modules "
    "parameters share_memory state_dict to train training type zero_grad".split()
)
"""What no parameter of a module may be called."""

PARTS = {"weights": "weight", "running_variance": "running_var"}
FINAL = {"softmax": "torch.softmax({}, dim=1)", "sigmoid": "torch.sigmoid({})", "exp": "torch.exp({})"}


def write(facts: Facts, name: str) -> Exported:
    """Return the program."""
    arrays = Arrays(facts, name, "torch.tensor({})", "{}", "torch")
    used: set[str] = set()
    program = not isinstance(facts.network, LayerNetwork)
    module = _program(facts, used) if program else _module(facts, used)
    final = FINAL.get(facts.final or "", "{}")
    outputs = f"network({rows(facts, 'sample')})"
    step = _step(facts, arrays, used)
    lines = [
        *header(facts, LANGUAGE),
        "",
        *arrays.imports[0],
        *["import math", ""] * any("math." in line for line in module),
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
    layer, dot, part = name.rpartition(".")
    return f"{layer}.{PARTS.get(part, part)}" if dot else name + "_" * (name in MODULE_WORDS)


def _module(facts: Facts, used: set[str]) -> list[str]:
    made, forward = [], []
    assert isinstance(facts.network, LayerNetwork)
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
    logits = f"  # logits: {facts.final} makes predictions of them" if facts.final else ""
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


def _program(facts: Facts, used: set[str]) -> list[str]:
    """Return the module of a program: its steps, and those of its loss where it has one of its own."""

    def body(forward: Forward, end: int) -> list[str]:
        given = leaves(forward.graph) | {
            p.name: f"self.{_torch_name(p.name)}" for p in facts.network.parameters
        }
        writer = NodeWriter(forward.graph, SPELLING, given, RESERVED, python.NUMBERS)
        lines = list(writer.by_layer([end]))
        used.update(writer.used)
        return [*lines, f"return {writer.text(end)}"]

    first = predicting(facts)
    *lines, last = body(first, first.output)
    last += f"  # logits: {facts.final} makes predictions of them" if facts.final else ""
    methods = [*method("forward(self, x)", "", [*lines, last])][:-2]
    if _writes_loss(facts) and facts.step is not None:
        step = training(facts)
        assert step.loss is not None
        methods += ["", *method("loss(self, x, t)", "", body(step, step.loss))][:-2]
    return [
        "class Network(torch.nn.Module):",
        "    def __init__(self):",
        "        super().__init__()",
        *(
            f"        self.{_torch_name(p.name)} = torch.nn.Parameter(torch.empty({_sizes(p.shape)}))"
            for p in facts.network.parameters
        ),
        "",
        *(f"    {line}".rstrip() for line in methods),
    ]


def _writes_loss(facts: Facts) -> bool:
    """Whether the loss is a method: a program's own, and that of steps, over which PyTorch's do not go."""
    network = facts.network
    return network.loss.type == PROGRAM or (isinstance(network, ProgramNetwork) and network.steps is not None)


def _sizes(shape: Shape) -> str:
    return ", ".join(map(str, shape)) or "()"


def _extremum(name: str) -> Callable[..., Piece]:
    """Write min or max of arrays and numbers; of three and more element by element, ties shared equally."""

    def write(*operands: Piece) -> Piece:
        if len(operands) == 2:
            return scalar.extremum(name)(*operands)
        texts = ", ".join(map(scalar.tensor, operands))
        return Piece(f"torch.stack(torch.broadcast_tensors({texts})).a{name}(0)")

    return write


def _expanded(x: Piece, *, shape: Shape) -> Piece:
    return Piece(f"torch.full({shape}, {real(x)})" if x.constant else f"torch.broadcast_to({x}, {shape})")


SPELLING: Table = {
    **scalar.SPELLING,
    **ARRAYS,
    **matrices("torch"),
    "transpose": lambda x, *, axes: Piece(f"{x:!}.permute{axes}"),
    "stack": lambda *parts: Piece(f"torch.stack([{', '.join(map(scalar.tensor, parts))}])"),
    "lookup": looked_up("torch", "long()"),
    "standardize": lambda x, *_, eps: template(LAYER_NORM)(x, Piece(repr(eps))),
    "min": _extremum("min"),
    "max": _extremum("max"),
    "softmax": lambda z, *, axis=-1: Piece(f"torch.softmax({z}, {axis})"),
    "log_softmax": "torch.log_softmax({0}, -1)",
    "logsumexp": "torch.logsumexp({0}, -1)",
    "cross_entropy": ("-torch.sum({1:*}*torch.log_softmax({0}, -1), -1)", PRODUCT),
    "expand": _expanded,
    "largest": "{0:!}.amax({axis}, keepdims=True)",
}


def _loss(loss: Loss, used: set[str], weighted: bool) -> str:
    """Write the loss of ``output`` and ``t``, a formula node by node; ``weights`` weigh its terms."""
    if loss.row.torch:
        text = loss.row.torch.format(**{name: getattr(loss, name) for name in loss.row.settings})
        if not weighted:
            return text
        if loss.row.sums:
            return text.replace("**2", "**2*weights")
        by_row = ".flatten()" * loss.row.classes  # of several outputs PyTorch has a number a row
        return f'({text.removesuffix(")")}, reduction="none")*weights{by_row}).mean()'
    graph = loss.graph()
    numbers = loss.numbers(graph)
    known = {"y": Piece("output"), "t": Piece("2*t - 1", SUM) if loss.signed else Piece("t")}
    pieces: list[Piece] = []
    for node in graph.nodes:
        operands = [pieces[i] for i in node.inputs]
        if node.op is not None and not all(x.constant for x in operands):
            piece = spell(SPELLING, node.op.name, operands, node.static, number=_number, used=used)
            used.add(node.op.name)
        elif node.op is not None:
            piece = _number(float(node.op.forward(FLOATS, *(x.value for x in operands))))
        elif (name := graph.name(node.id)) in known:
            piece = known[name]
        else:
            piece = _number(numbers.get(name, node.value))
        pieces.append(piece)
    terms = f"(({pieces[graph.output]})*weights)" if weighted else f"({pieces[graph.output]})"
    return f"{terms}.mean()"


def _number(x: float, whole: bool = True) -> Piece:
    return python_number(x, whole)._replace(value=x)


def _step(facts: Facts, arrays: Arrays, used: set[str]) -> list[str]:
    step = facts.step
    if step is None:
        return [f"# no training step: {facts.reason}"]
    own = _writes_loss(facts)
    text = (
        f"network.loss({rows(facts, 'x')}, t)"
        if own
        else _loss(facts.network.loss, used, step.weights is not None)
    )
    more = "".join(f", {name}={value!r}" for name, value in changed(step.settings).items())
    penalties = []
    for factor, norm in ((facts.network.penalties.l1, "abs()"), (facts.network.penalties.l2, "square()")):
        for p in facts.trained if factor and not own else ():
            if p.penalised:
                penalties.append(f"loss = loss + {factor!r}*network.{_torch_name(p.name)}.{norm}.sum()")
    return [
        f"# one training step, the optimizer's first{WITHOUT * bool(facts.network.draws)}",
        "network.train()",
        *(f"network.{name.removesuffix('.mask')}.eval()" for name in facts.network.draws),
        arrays("x", step.inputs, "x"),
        arrays("t", step.targets, "t"),
        *([] if step.weights is None else [arrays("weights", step.weights, "weights")]),
        "trained = {name: p for name, p in network.named_parameters() if p.requires_grad}",
        f"optimizer = torch.optim.{step.settings.torch}(trained.values(), lr={step.rate!r}{more})",
        *[f"output = network({rows(facts, 'x')})"] * (not own),
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
