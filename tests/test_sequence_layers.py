"""Layers that are texts of programs: numbers of PyTorch, differences, and the same bytes as their program."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from backprop_cli.engine.batched import batched
from backprop_cli.engine.tensors import TensorPlan
from backprop_cli.errors import ConfigError, Source
from backprop_cli.explanation.paper import Paper
from backprop_cli.graph import NOWHERE, ArrayBuilder
from backprop_cli.networks.as_program import as_program
from backprop_cli.networks.layers import Model, Residual
from backprop_cli.networks.layers.dense import Activation, Linear
from backprop_cli.networks.layers.kind import LayerKind
from backprop_cli.networks.layers.normalised import LayerNorm
from backprop_cli.networks.layers.sequences import (
    Attention,
    Embedding,
    Gru,
    Last,
    Lstm,
    Mean,
    Position,
    Rnn,
)
from backprop_cli.networks.point import NetworkPoint
from backprop_cli.networks.reading import output_of, read, settled, shape_of
from backprop_cli.ops import PRIMITIVES
from backprop_cli.ops.tensor import TENSORS
from backprop_cli.training.config import loads
from backprop_cli.training.gradcheck import check_gradients
from backprop_cli.training.problem import Problem, assemble
from backprop_cli.training.step import whole_step

NDArray = np.ndarray


class Found(NamedTuple):
    """What layers give for rows, and the slopes of its weighted sum."""

    output: NDArray
    by_parameter: dict[str, NDArray]
    by_x: NDArray


def shapes_of(layers: Sequence[LayerKind], shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    reading = read(as_program(Model(layers=[*layers]), shape), math.prod(shape))
    return {name: shape_of(name, d, reading.sizes) for name, d in reading.declared.items()}


def run_layers(
    layers: Sequence[LayerKind],
    x: NDArray,
    parameters: dict[str, NDArray],
    weights: NDArray | float = 1.0,
    dtype: Any = float,
    squares: bool = False,
) -> Found:
    """Run layers over rows, and sweep back from the sum of what they give, weighted or squared."""
    shape = x.shape[1:]
    reading = read(as_program(Model(layers=[*layers]), shape), math.prod(shape))
    shapes = {name: np.shape(parameters[name]) for name in reading.declared}
    graph = settled(reading, shapes, shape, 1).graph
    builder = ArrayBuilder(Source(""))
    ids = batched(builder, graph, len(x), list(parameters))
    out = ids[output_of(reading, graph)]
    w = builder.array("w", builder.nodes[out].shape, NOWHERE)
    product = builder.apply(PRIMITIVES["multiply"], (out, out if squares else w), NOWHERE)
    whole = builder.build([builder.apply(TENSORS["sum"], (product,), NOWHERE)])
    given = {"x": x, **parameters, "w": np.broadcast_to(weights, builder.nodes[out].shape)}
    leaves = {id: np.array(given[name], dtype) for name, id in whole.inputs.items()}
    slopes = {id: np.zeros(array.shape, dtype) for id, array in leaves.items()}
    plan = TensorPlan(whole, leaves, slopes, [out], dtype)
    plan.run()
    found = {name: slopes[whole.inputs[name]] for name in (*parameters, "x")}
    return Found(plan.value(out), found, found.pop("x"))


def waves(shape: tuple[int, ...], phase: int) -> NDArray:
    return (0.5 * np.sin(np.arange(1, math.prod(shape) + 1) + phase)).reshape(shape)


# weights 0.5*sin(k + p), x = cos(1..8): the last h, dW[0], the norm of all gradients of its sum, by torch.nn
KNOWN = [
    (
        Rnn, (0.1871332272037, -0.71827734823902, -0.71660565582963),
        (0.77295293237434, 0.258667481291), 2.8850434242421,
    ),
    (
        Gru, (0.010073020695477, -0.22789344969605, -0.53603795392568),
        (-0.02476203963284, 0.0022709996297841), 1.4181935768475,
    ),
    (
        Lstm, (0.0063505684021756, -0.25695379298218, -0.30011238851801),
        (0.028715905840329, 0.048667007606006), 1.0918526113605,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "last", "row", "norm"), KNOWN, ids=["rnn", "gru", "lstm"])
def test_recurrent_layers_have_the_numbers_of_torch(
    kind: type[Rnn | Gru | Lstm], last: tuple[float, ...], row: tuple[float, ...], norm: float
) -> None:
    layers = [kind(units=3), Last()]
    shapes = shapes_of(layers, (4, 2))
    parameters = {name: waves(shapes[name], p) for p, name in enumerate(("W1", "U1", "b1", "d1"))}
    found = run_layers(layers, np.cos(np.arange(1.0, 9.0)).reshape(1, 4, 2), parameters)
    assert found.output[0] == pytest.approx(last, abs=2e-13)
    assert found.by_parameter["W1"][0] == pytest.approx(row, abs=2e-13)
    every = np.concatenate([g.reshape(-1) for g in found.by_parameter.values()])
    assert float(np.linalg.norm(every)) == pytest.approx(norm, rel=1e-12)


def test_attention_has_the_numbers_of_torch() -> None:
    layers = [Attention(heads=2)]
    shapes = shapes_of(layers, (3, 4))
    assert shapes == {"A1": (12, 4), "a1": (12,), "O1": (4, 4), "o1": (4,)}
    parameters = {name: waves(shape, p) for p, (name, shape) in enumerate(shapes.items())}
    found = run_layers(layers, np.cos(np.arange(1.0, 13.0)).reshape(1, 3, 4), parameters, squares=True)
    first = (-0.1666730456532, -1.1043495546521, 0.46547139707878, 0.16223773992174)
    assert found.output[0, 0] == pytest.approx(first, abs=2e-13)
    assert float((found.output**2).sum()) == pytest.approx(3.9983405910878, rel=1e-13)
    assert float(np.linalg.norm(found.by_parameter["A1"])) == pytest.approx(2.4550050888295, rel=1e-12)


def test_layer_norm_has_the_numbers_of_torch() -> None:
    """[1, 2, 4, 8], as a row and as a step, and the gradient of its dot product with (1, -1, 2, 0.5)."""
    expected = (-1.0257545754962, -0.6527529116794, 0.093250415954199, 1.5852570712214)
    slopes = (0.1978529757952, -0.56923302524345, 0.50760661939683, -0.13622656994859)
    parameters = {"g1": np.ones(4), "s1": np.zeros(4)}
    for shape in ((1, 4), (1, 1, 4)):
        x = np.array([1.0, 2.0, 4.0, 8.0]).reshape(shape)
        found = run_layers([LayerNorm()], x, parameters, np.array([1, -1, 2, 0.5]))
        assert found.output.reshape(-1) == pytest.approx(expected, rel=1e-13)
        assert found.by_x.reshape(-1) == pytest.approx(slopes, rel=1e-12)


# against PyTorch

DRAWN = 50


def _recurrent(kind: type[Rnn | Gru | Lstm], module: str) -> Callable[[Any, Any], Any]:
    def made(torch: Any, draw: Any) -> Any:
        steps, size, units = (int(n) for n in draw.integers(1, 7, 3))
        both = bool(draw.integers(2))
        more = {"nonlinearity": str(draw.choice(["tanh", "relu"]))} if kind is Rnn else {}
        theirs = getattr(torch.nn, module)(size, units, batch_first=True, bidirectional=both, **more)
        parts = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        names = {
            f"{letter}{k + 1}": f"{part}_l0{'_reverse' * k}"
            for k in range(1 + both)
            for letter, part in zip("WUbd", parts, strict=True)
        }
        return (
            [kind(units=units, bidirectional=both, **more)],
            (steps, size),
            theirs,
            lambda x: theirs(x)[0],
            names,
        )

    return made


def _attention(torch: Any, draw: Any) -> Any:
    heads, steps, each = (int(n) for n in draw.integers(1, 5, 3))
    causal = bool(draw.integers(2))
    theirs = torch.nn.MultiheadAttention(heads * each, heads, batch_first=True)
    names = {"A1": "in_proj_weight", "a1": "in_proj_bias", "O1": "out_proj.weight", "o1": "out_proj.bias"}
    mask = torch.triu(torch.ones(steps, steps, dtype=bool), 1) if causal else None
    return (
        [Attention(heads=heads, causal=causal)], (steps, heads * each), theirs,
        lambda x: theirs(x, x, x, attn_mask=mask, need_weights=False)[0], names,
    )  # fmt: skip


def _embedding(torch: Any, draw: Any) -> Any:
    kinds, size, steps = (int(n) for n in draw.integers(1, 7, 3))
    theirs = torch.nn.Embedding(kinds, size)
    return [Embedding(size=size, kinds=kinds)], (steps,), theirs, lambda x: theirs(x.long()), {"E1": "weight"}


def _layer_norm(torch: Any, draw: Any) -> Any:
    steps, size = (int(n) for n in draw.integers(2, 7, 2))
    eps = float(draw.choice([1e-5, 1e-3]))
    theirs = torch.nn.LayerNorm(size, eps=eps)
    return [LayerNorm(eps=eps)], (steps, size), theirs, theirs, {"g1": "weight", "s1": "bias"}


def _residual(torch: Any, draw: Any) -> Any:
    """The second half of a block of a transformer."""
    steps, size, wide = (int(n) for n in draw.integers(2, 7, 3))
    theirs = torch.nn.Sequential(
        torch.nn.LayerNorm(size), torch.nn.Linear(size, wide), torch.nn.GELU(), torch.nn.Linear(wide, size)
    )
    branch = [LayerNorm(), Linear(units=wide, activation="gelu"), Linear(units=size)]
    names = {
        "g1": "0.weight", "s1": "0.bias", "W1": "1.weight", "b1": "1.bias", "W2": "3.weight", "b2": "3.bias"
    }  # fmt: skip
    return [Residual(layers=branch)], (steps, size), theirs, lambda x: x + theirs(x), names


MODULES = {
    "rnn": _recurrent(Rnn, "RNN"),
    "gru": _recurrent(Gru, "GRU"),
    "lstm": _recurrent(Lstm, "LSTM"),
    "attention": _attention,
    "embedding": _embedding,
    "layer_norm": _layer_norm,
    "residual": _residual,
}


@pytest.mark.nightly
@pytest.mark.parametrize("name", MODULES)
def test_they_are_modules_of_torch(name: str) -> None:
    """Fifty random shapes: outputs and every gradient, in double and in single precision."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    draw = np.random.default_rng(0)
    for _ in range(DRAWN):
        layers, shape, module, call, names = MODULES[name](torch, draw)
        module.double()
        for p in module.parameters():
            torch.nn.init.normal_(p, std=0.5)
        rows = int(draw.integers(1, 4))
        x = torch.tensor(draw.normal(size=(rows, *shape)))
        if name == "embedding":
            x = torch.tensor(draw.integers(0, layers[0].kinds, (rows, *shape)), dtype=torch.double)
        else:
            x.requires_grad_()
        y = call(x)
        w = draw.normal(size=tuple(y.shape))
        (y * torch.tensor(w)).sum().backward()
        theirs = dict(module.named_parameters())
        parameters = {ours: theirs[their].detach().numpy() for ours, their in names.items()}
        assert parameters.keys() == shapes_of(layers, shape).keys()
        for dtype, close in ((np.float64, 1e-12), (np.float32, 2e-5)):
            found = run_layers(layers, x.detach().numpy(), parameters, w, dtype)
            _close(found.output, y.detach().numpy(), close, (name, shape))
            for ours, their in names.items():
                _close(found.by_parameter[ours], theirs[their].grad.numpy(), close, (name, shape, ours))
            if x.grad is not None:
                _close(found.by_x, x.grad.numpy(), close, (name, shape, "x"))


def _close(found: NDArray, right: NDArray, close: float, where: Any) -> None:
    """Hold numbers to others, relative to the largest of them."""
    assert np.abs(found - right).max() <= close * max(1.0, float(np.abs(right).max())), where


# by differences

BY_DIFFERENCES: list[list[LayerKind]] = [
    [Rnn(units=3), Last(), Linear()],
    [Gru(units=2, bidirectional=True), Mean(), Linear()],
    [Lstm(units=2), Rnn(units=2, nonlinearity="tanh"), Last(), Linear()],
    [Position(), Attention(heads=1, causal=True), Mean(), Linear()],
    [Residual(layers=[LayerNorm(), Attention(heads=2)]), Activation(activation="tanh"), Last(), Linear()],
    [Embedding(size=3, kinds=4), Position(), Mean(), Linear()],
]
ROWS = [[1, 0.5, 2, -1, 0.3, 0.2], [0.2, -1, 0, 0.4, 1, -0.7]]
COUNTED = [[0, 3, 1], [2, 2, 0]]


def problem_of(layers: Sequence[str], *overrides: str, more: str = "") -> Problem:
    listed = "\n".join(f"  - {layer}" for layer in layers)
    counts = layers[0].startswith("{type: embedding")
    data = f"inputs: {COUNTED if counts else ROWS}, targets: [1, -0.5]{'' if counts else ', shape: [3, 2]'}"
    text = f"data: {{{data}}}\nmodel:\n layers:\n{listed}\n{more}"
    return assemble(loads(text, "net.yaml", overrides))


def flow(layer: LayerKind) -> str:
    """Write a layer as a config has it."""
    import msgspec

    def plain(each: Any) -> Any:
        return {k: v for k, v in each.items() if k == "type" or v not in (None, [], False, "auto")}

    made = plain(msgspec.to_builtins(layer))
    if "layers" in made:
        made["layers"] = [plain(each) for each in made["layers"]]
    return str(made).replace("'", "").replace("True", "true")


@pytest.mark.parametrize("layers", BY_DIFFERENCES, ids=lambda layers: layers[0].tag)
def test_their_gradients_are_those_of_differences(layers: list[LayerKind]) -> None:
    for checked in check_gradients(problem_of(list(map(flow, layers)), "seed=1")):
        assert checked.agree, checked
        assert checked.difference is not None
        assert checked.difference < 1e-7, checked


@pytest.mark.parametrize("kind", ["rnn", "gru", "lstm"])
def test_a_step_on_paper_is_the_step(kind: str) -> None:
    """Two steps of one unit: every number, and every slope, as the engine has them."""
    text = (
        "data: {inputs: [[1, 0.5]], targets: [0.3], shape: [2, 1]}\n"
        f"model: {{layers: [{{type: {kind}, units: 1}}, last, linear]}}"
    )
    made = whole_step(assemble(loads(text, "net.yaml", ["optimizer=sgd"])))
    point = NetworkPoint(made.unrolled(Paper()))
    found = point.unrolled.by_parameter(point.here.cotangents)
    assert point.here.value == pytest.approx(made.step.before, rel=1e-14)
    for name, gradient in made.gradients.items():
        np.testing.assert_allclose(found[name], gradient, rtol=1e-13, atol=1e-16)


EXPORTED = [
    "{type: gru, units: 2, bidirectional: true}",
    "{type: residual, layers: [layer_norm, {type: attention, causal: true}]}",
]
NIGHTLY = [pytest.param(target, marks=pytest.mark.nightly) for target in ("jax", "pytorch", "onnx")]


@pytest.mark.parametrize("target", ["numpy", *NIGHTLY])
def test_they_run_elsewhere(run: Callable[..., Any], tmp_path: Path, target: str) -> None:
    """Predictions, loss and gradients are asserted there."""
    if target != "numpy":
        pytest.importorskip({"pytorch": "torch", "onnx": "onnxruntime"}.get(target, target))
    listed = "".join(f"  - {layer}\n" for layer in (*EXPORTED, "mean", "linear"))
    (tmp_path / "net.yaml").write_text(
        f"data: {{inputs: {ROWS}, targets: [1, -0.5], shape: [3, 2]}}\nmodel:\n  layers:\n{listed}"
    )
    done = run(
        "export", str(tmp_path / "net.yaml"), "--to", target, "-o", str(tmp_path / "net.py")
    ).answered()
    if target == "onnx":
        assert float(done.err.rsplit("to ", 1)[1]) < 1e-10
    else:
        subprocess.run([sys.executable, str(tmp_path / "net.py")], check=True, capture_output=True)


def test_layers_of_every_kind_go_together() -> None:
    """Loops, attention over what these give, a loop both ways over that."""
    listed = (
        "{type: gru, units: 2}, {type: rnn, units: 3}, {type: attention, causal: true},"
        " {type: lstm, units: 2, bidirectional: true}, linear"
    )
    text = f"data: {{dataset: parity, length: 3, samples: 4}}\nmodel: {{layers: [{listed}]}}"
    for checked in check_gradients(assemble(loads(text, "net.yaml"))):
        assert checked.agree, checked


# as programs

LSTM = """h1[-1] = zeros(H1)
c1[-1] = zeros(H1)
g1[t] = W1@x[t] + b1 + U1@h1[t-1] + d1
c1[t] = sigmoid(g1[t][H1:2*H1])*c1[t-1] + sigmoid(g1[t][0:H1])*tanh(g1[t][2*H1:3*H1])
h1[t] = sigmoid(g1[t][3*H1:4*H1])*tanh(c1[t])
y = W2@h1[end] + b2
"""
BLOCK = """h1 = E1[x]
h2 = h1 + P1
h3 = standardize(h2, 1e-5).*g1 + s1
s2 = h3@A2' + a2
P2_1 = softmax(s2[:, 0:K2]@s2[:, 2*K2:3*K2]'/sqrt(K2) - 1e9*(1 - tril(inputs)))
P2_2 = softmax(s2[:, K2:2*K2]@s2[:, 3*K2:4*K2]'/sqrt(K2) - 1e9*(1 - tril(inputs)))
v2 = concat(P2_1@s2[:, 4*K2:5*K2], P2_2@s2[:, 5*K2:6*K2])
h4 = v2@O2' + o2
h5 = h2 + h4
y = W1@h5[end] + b1
"""


def test_their_texts() -> None:
    assert as_program(Model(layers=[Lstm(units=64), Last(), Linear()]), (4, 2)).program == LSTM
    branch = Residual(layers=[LayerNorm(), Attention(heads=2, causal=True)])
    layers = [Embedding(size=16, kinds=9), Position(), branch, Last(), Linear()]
    assert as_program(Model(layers=layers), (8,)).program == BLOCK


@pytest.mark.parametrize(
    "layers",
    [
        ["{type: lstm, units: 3}", "last", "linear"],
        [
            "{type: gru, units: 2}",
            "{type: dropout, rate: 0.3}",
            "{type: gru, units: 2}",
            "mean",
            "dropout",
            "linear",
        ],
    ],
    ids=["lstm", "two"],
)
def test_they_train_to_the_bytes_of_their_program(
    run: Callable[..., Any], tmp_path: Path, layers: list[str]
) -> None:
    listed = "".join(f"  - {layer}\n" for layer in layers)
    (tmp_path / "layers.yaml").write_text(
        f"data: {{inputs: {ROWS}, targets: [1, 0], shape: [3, 2]}}\nmodel:\n  layers:\n{listed}name: net\n"
        "training: {epochs: 3}\n"
    )
    shown = run("config", "show", str(tmp_path / "layers.yaml"), "--program").answered().out
    (tmp_path / "program.yaml").write_text(shown)
    trained = []
    for name in ("layers", "program"):
        run("train", str(tmp_path / f"{name}.yaml"), f"output.dir={tmp_path / name}").answered()
        trained.append((tmp_path / name / "model.safetensors").read_bytes())
    assert trained[0] == trained[1]


FAULTS = [
    (["{type: lstm, units: 3}", "linear"], "net.yaml:5:5: the last layer gives a 3x1 matrix"),
    (["last", "linear", "{type: gru, units: 3}"], "net.yaml:6:5: gru1 takes the steps of a sequence"),
    (["{type: linear, units: 3}", "batch_norm", "last", "linear"], "net.yaml:5:5: batch_norm1 has no words"),
    (["{type: residual, layers: [tanh, {type: conv1d, channels: 2}]}"], "net.yaml:4:5: conv1d1 has no words"),
    (
        ["{type: residual, layers: [{type: linear, units: 3}]}", "last", "linear"],
        "net.yaml:4:5: residual1 adds its branch to what it takes, rows of 3x2, but its branch gives",
    ),
    (["{type: residual, layers: [last]}", "last", "linear"], "net.yaml:4:5: residual1 adds its branch"),
    (["{type: attention, heads: 3}", "last", "linear"], "net.yaml:4:5: attention1: 2 numbers a step"),
    (["{type: embedding, size: 3}", "last", "linear"], "net.yaml:4:5: embedding1 needs kinds: how many rows"),
    (["position", "{type: embedding, size: 3, kinds: 2}"], "net.yaml:5:5: embedding1 takes whole numbers"),
    (["{type: residual, layers: []}", "last", "linear"], "net.yaml:4:30: model.layers.0.layers is empty"),
    (["{type: residual, layers: [{type: linear, unit: 3}]}"], "net.yaml:4:46: unknown key"),
    (["{type: residual, layers: [dropot]}"], 'net.yaml:4:31: model.layers.0.layers.0.type is "dropot"'),
]  # fmt: skip


@pytest.mark.parametrize(("layers", "message"), FAULTS, ids=[message[:60] for _, message in FAULTS])
def test_faults_have_their_place(layers: list[str], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        problem_of(layers)
    assert str(caught.value).startswith(message)


def test_what_counts_is_left_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inputs of an embedding are not standardised; where they are to be, it is said what is wrong."""
    monkeypatch.chdir(tmp_path)
    Path("k.csv").write_text("a,b,y\n" + "".join(f"{k % 3},{k % 2},{k}.5\n" for k in range(12)))
    text = "data: {path: k.csv}\nmodel: {layers: [{type: embedding, size: 2, kinds: 3}, mean, linear]}"
    assert assemble(loads(text, "net.yaml")).config.data.scaling == "none"
    with pytest.raises(ConfigError) as caught:
        assemble(loads(text, "net.yaml", ["data.scaling=standard"]))
    assert "E1[x] takes whole numbers from 0 to 2, but the inputs have" in str(caught.value)
    assert "data.scaling: none leaves them as they are" in str(caught.value)


def test_layers_are_frozen_by_their_names() -> None:
    layers = ["{type: gru, units: 2}", "last", "linear"]
    network = problem_of(layers, more=" freeze: [gru1]").network
    assert [p.name for p in network.parameters if not p.trained] == ["W1", "U1", "b1", "d1"]
    with pytest.raises(ConfigError, match="there is no layer gru2\n  hint: did you mean gru1"):
        problem_of(layers, more=" freeze: [gru2]")
