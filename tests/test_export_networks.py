"""Networks in other frameworks: every export is run, and its assertions hold."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, Result

from backprop_cli.errors import UsageError
from backprop_cli.export import NETWORK_TARGETS
from backprop_cli.export.networks import export, facts_of_config, facts_of_model
from backprop_cli.export.networks.facts import Facts
from backprop_cli.training.config import load
from backprop_cli.training.config.walk import activations

NEEDS = {"pytorch": "torch", "jax": "jax", "onnx": "onnxruntime"}
SAMPLES = [p for p in sorted((ROOT / "sample_inputs").glob("*.yaml")) if p.stem != "decay"]
LOOPS = ("adding", "characters", "names_bigram", "names_mlp", "parity", "reverse")
"""Samples of sequences, whose every step is written out and compiled."""
Runner = Callable[[Facts, str], str]

pytestmark = pytest.mark.usefixtures("torch_as_it_was")


@pytest.fixture(params=NETWORK_TARGETS)
def target(request: pytest.FixtureRequest) -> str:
    if find_spec(NEEDS.get(request.param, "numpy")) is None:
        pytest.skip(f"{request.param} is not installed")
    return str(request.param)


@pytest.fixture
def execute(tmp_path: Path) -> Runner:
    """Run an exported network and return what it prints."""

    def execute(facts: Facts, target: str, replaced: tuple[str, str] = ("", "")) -> str:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the frameworks' own, at import
            exported = export(facts, target, "arrays")
            if target == "onnx":
                assert exported.note is not None
                assert exported.agrees, exported.note
                return exported.note
            text = exported.content.decode().replace(*replaced)
            if "import special" in text and find_spec("scipy") is None:
                pytest.skip("scipy is not installed")
            path = tmp_path / "program.py"
            if exported.beside is not None:
                (tmp_path / "arrays.safetensors").write_bytes(exported.beside)
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(compile(text, str(path), "exec"), {"__name__": "__main__", "__file__": str(path)})
        return out.getvalue()

    return execute


@pytest.mark.parametrize("path", [p for p in SAMPLES if p.stem not in LOOPS], ids=lambda path: path.stem)
def test_samples(path: Path, target: str, execute: Runner) -> None:
    assert execute(facts_of_config(load(str(path))), target)


@pytest.mark.nightly
@pytest.mark.parametrize("name", LOOPS)
def test_samples_of_recurrences(name: str, target: str, execute: Runner) -> None:
    assert execute(facts_of_config(load(str(ROOT / "sample_inputs" / f"{name}.yaml"))), target)


@pytest.mark.parametrize("name", ["parity", "characters", "reverse"])
def test_samples_with_targets_at_each_step(name: str, execute: Runner) -> None:
    loaded = load(str(ROOT / "sample_inputs" / f"{name}.yaml"), ["data.length=3"])
    assert execute(facts_of_config(loaded), "numpy")


ROWS = "{inputs: [[1, 0.5, 1], [0.2, -0.3, 0.7], [-1, 2, 0.1]], targets: [[0.5, 1], [0.2, 0.3], [0.9, 0.1]]}"


def config(
    tmp_path: Path,
    layers: list[str],
    *,
    data: str = ROWS,
    loss: str = "mse",
    optimizer: str = "{type: sgd, learning_rate: 0.1}",
    training: str = "{epochs: 3, batch_size: full}",
    more: str = "",
) -> Facts:
    path = tmp_path / "net.yaml"
    listed = "".join(f"    - {layer}\n" for layer in layers)
    path.write_text(
        f"data: {data}\nmodel:\n  layers:\n{listed}loss: {loss}\noptimizer: {optimizer}\n"
        f"training: {training}\n{more}\n",
        "utf-8",
    )
    return facts_of_config(load(str(path)))


def two(activation: str) -> list[str]:
    return [f"{{type: linear, units: 4, activation: {activation}}}", "{type: linear, units: 2}"]


REFUSED = {("onnx", name) for name in ("gamma", "lgamma", "digamma", "acot")}


@pytest.mark.parametrize("activation", activations())
def test_activations(activation: str, target: str, execute: Runner, tmp_path: Path) -> None:
    """Every one that a config may name is exported, or refused with a reason."""
    bias = 1.5 if activation in ("acosh", "asec", "acsc") else 0.3
    first = f"weights: [[0.1, 0.2, 0.05], [0.2, 0.1, -0.05]], bias: [{bias}, {bias}]"
    layers = [f"{{type: linear, units: 2, activation: {activation}, {first}}}", "{type: linear, units: 2}"]
    facts = config(tmp_path, layers)
    if (target, activation) in REFUSED:
        with pytest.raises(UsageError, match=r"ONNX has no (gamma function|arc tangent)"):
            export(facts, target, "x")
    else:
        assert execute(facts, target)


OWN = '{formula: "r = abs(y - t); where(r < d, r^2/2, max(d*(r - d/2), y, t))", d: 0.3}'
LOSSES = [OWN, "mae", "huber", "{type: huber, delta: 0.3}", "sse", "half_sse", "binary_cross_entropy"]
LOSSES += ["poisson", "{type: quantile, q: 0.9}"]


@pytest.mark.parametrize("loss", LOSSES)
def test_losses(loss: str, target: str, execute: Runner, tmp_path: Path) -> None:
    assert execute(config(tmp_path, two("tanh"), loss=loss), target)


@pytest.mark.parametrize("loss", ["{type: multi_margin, margin: 0.8}", "hinge"])
def test_losses_of_classes(loss: str, target: str, execute: Runner, tmp_path: Path) -> None:
    data = "{inputs: [[1, 0.5, 1], [0.2, -0.3, 0.7], [-1, 2, 0.1]], targets: [0, 1, 2]}"
    layers = ["{type: linear, units: 4, activation: tanh}", "{type: linear, units: 3}"]
    assert execute(config(tmp_path, layers, data=data, loss=loss), target)


@pytest.mark.parametrize(
    ("loss", "units"),
    [
        ("{type: cross_entropy, class_weights: {'0': 2, '2': 0.5}}", 3),
        ("{type: multi_margin, class_weights: balanced}", 3),
        ("{type: hinge, class_weights: {'1': 3}}", 3),
        ("{type: binary_cross_entropy, class_weights: {'1': 3}}", 1),
        ("{type: sse, class_weights: {'1': 3}}", 3),
        ("{type: mse, class_weights: {'1': 3}}", 3),
    ],
)
def test_weighted_rows(loss: str, units: int, target: str, execute: Runner, tmp_path: Path) -> None:
    last = 2 if units == 3 else 1
    data = f"{{inputs: [[1, 0.5, 1], [0.2, -0.3, 0.7], [-1, 2, 0.1], [0, 1, 1]], targets: [0, 1, {last}, 1]}}"
    layers = ["{type: linear, units: 4, activation: tanh}", f"{{type: linear, units: {units}}}"]
    more = "task: classification"
    assert execute(config(tmp_path, layers, data=data, loss=loss, more=more), target)


OPTIMIZERS = [
    "{type: sgd, learning_rate: 0.1, momentum: 0.9, nesterov: true, weight_decay: 0.01}",
    "{type: adagrad, initial_accumulator_value: 0.1}",
    "adadelta",
    "{type: rmsprop, centered: true, momentum: 0.5}",
    "{type: adam, weight_decay: 0.1, amsgrad: true}",
    "adamw",
    "{type: nadam, weight_decay: 0.1}",
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_optimizers(optimizer: str, target: str, execute: Runner, tmp_path: Path) -> None:
    if target != "onnx":
        assert execute(config(tmp_path, two("tanh"), optimizer=optimizer), target)


CONVOLUTION = [
    "{type: conv2d, channels: 3, kernel_size: 3, padding: same, activation: relu}",
    "{type: batch_norm}",
    "{type: max_pool2d, kernel_size: 3, stride: 2}",
    "{type: conv2d, channels: 2, kernel_size: 2, stride: 2, padding: 1, activation: gelu}",
    "{type: flatten}",
    "{type: linear}",
]


def test_images(target: str, execute: Runner, tmp_path: Path) -> None:
    facts = config(
        tmp_path,
        CONVOLUTION,
        data="{dataset: digits, shape: [1, 8, 8]}",
        loss="cross_entropy",
        optimizer="adam",
        training="{epochs: 1, batch_size: 8}",
    )
    assert execute(facts, target)


def test_conv1d(target: str, execute: Runner, tmp_path: Path) -> None:
    facts = config(
        tmp_path,
        [
            "{type: conv1d, channels: 3, kernel_size: 3, padding: same, activation: tanh}",
            "{type: batch_norm}",
            "{type: conv1d, channels: 2, kernel_size: 4, stride: 3, padding: 2, activation: gelu}",
            "{type: flatten}",
            "{type: linear}",
        ],
        data="{dataset: digits, shape: [4, 16], scaling: {divide: 16}}",
        loss="cross_entropy",
        training="{epochs: 1, batch_size: 8}",
    )
    assert execute(facts, target)


AVERAGED = [
    "{type: conv2d, channels: 2, kernel_size: 3, activation: tanh}",
    "{type: layer_norm}",
    "{type: average_pool2d, kernel_size: 3, stride: 1}",
    "{type: layer_norm, axes: last, eps: 0.001, frozen: bias}",
    "{type: average_pool2d}",
    "{type: flatten}",
    "{type: linear}",
]


def test_layers_of_composed_primitives(target: str, execute: Runner, tmp_path: Path) -> None:
    """No target knows of these layers: they are made of what it spells."""
    facts = config(
        tmp_path,
        AVERAGED,
        data="{dataset: digits, shape: [1, 8, 8], scaling: {divide: 16}}",
        loss="cross_entropy",
        training="{epochs: 1, batch_size: 8}",
    )
    assert execute(facts, target)


EMPTY_CORNERS = [
    "{type: conv2d, channels: 3, kernel_size: 3, activation: leaky_relu}",
    "{type: max_pool2d, kernel_size: 2, stride: 1}",
    "{type: flatten}",
    "{type: linear}",
]


def test_kinks_have_our_convention(target: str, execute: Runner, tmp_path: Path) -> None:
    """Where pixels are 0, leaky_relu stands on its kink and pooling has ties: frameworks differ there."""
    data = "{dataset: digits, shape: [1, 8, 8]}"
    facts = config(tmp_path, EMPTY_CORNERS, data=data, loss="cross_entropy")
    assert facts.step is not None
    assert facts.step.tied == {"max_pool2d1"}
    assert not facts.step.unsure
    assert execute(facts, target)
    if target == "pytorch":
        assert "ties share the slope, as in backprop" in export(facts, target, "x").content.decode()


def test_what_rounding_decides_is_not_asserted(target: str, execute: Runner, tmp_path: Path) -> None:
    """All outputs are 0, and so are targets: the slope of |0| is 0 here, and a sign of rounding elsewhere."""
    first = "{type: linear, units: 2, activation: relu, weights: [[-1, 0, 0], [-1, 0, 0]], frozen: [bias]}"
    data = "{inputs: [[1, 0.5, 1], [2, -0.3, 0.7], [1, 2, 0.1]], targets: [[0, 1], [0, 0], [1, 0]]}"
    layers = [first, "{type: linear, units: 4, activation: softmax}", "{type: batch_norm}", "{type: linear}"]
    facts = config(tmp_path, layers, data=data, loss="mae", optimizer="adam")
    assert facts.step is not None
    assert "batch_norm1.bias" in facts.step.unsure
    assert execute(facts, target)
    if target != "onnx":
        assert "as rounding decides them, at a kink" in export(facts, target, "x").content.decode()


def test_the_rest_of_a_config(target: str, execute: Runner, tmp_path: Path) -> None:
    """Frozen parts, penalties, a clipped gradient, a warm-up, batches."""
    facts = config(
        tmp_path,
        ["{type: linear, units: 4, activation: tanh, frozen: [weights]}", "{type: linear, units: 2}"],
        training="{epochs: 3, batch_size: 2, gradient_clip: 0.01}",
        more="regularization: {l1: 0.01, l2: 0.1}\nschedule: {type: cosine, warmup_steps: 3}",
    )
    assert execute(facts, target)


def test_dropout_is_left_out_of_the_step(target: str, execute: Runner, tmp_path: Path) -> None:
    layers = ["{type: linear, units: 4}", "{type: dropout, rate: 0.5}", "{type: linear, units: 2}"]
    facts = config(tmp_path, layers)
    assert execute(facts, target)
    if target == "pytorch":
        text = export(facts, target, "x").content.decode()
        assert "self.dropout1 = torch.nn.Dropout(0.5)" in text
        assert "network.dropout1.eval()" in text


NORMALISED = [
    "{type: linear, units: 4}",
    "{type: batch_norm, momentum: 0.3, eps: 0.01}",
    "{type: activation, activation: tanh}",
    "{type: linear, units: 1, activation: sigmoid}",
]


def test_what_a_step_leaves_running(target: str, execute: Runner, tmp_path: Path) -> None:
    data = "{dataset: moons, samples: 40, scaling: standard}"
    facts = config(tmp_path, NORMALISED, data=data, loss="auto", training="{epochs: 1, batch_size: 8}")
    assert facts.step is not None
    assert set(facts.step.states) == {"batch_norm1.running_mean", "batch_norm1.running_variance"}
    assert execute(facts, target)
    if target != "onnx":
        number = repr(facts.step.states["batch_norm1.running_variance"].flat[0].item())
        with pytest.raises(AssertionError):
            execute(facts, target, (number, repr(float(number) * 1.001)))
        head = export(facts, target, "x").content.decode().splitlines()[:3]
        assert head[2] == "# outputs: the probability of upper, against lower"


FAR = "{inputs: [[2000.5, 1], [2001.25, 1], [2003, 1], [1999, 1]], targets: [1, 2, 3, 0], scaling: standard}"


def test_programs_take_raw_rows(target: str, execute: Runner, tmp_path: Path) -> None:
    """Scaling is part of what is exported; years lose no digits by it."""
    facts = config(tmp_path, ["{type: linear, units: 3, activation: tanh}", "{type: linear}"], data=FAR)
    assert facts.sample.tolist() == [[2000.5, 1.0], [2001.25, 1.0], [2003.0, 1.0], [1999.0, 1.0]]
    assert execute(facts, target)


def test_a_network_reads_as_one_writes_it(tmp_path: Path) -> None:
    text = export(facts_of_config(load(str(ROOT / "sample_inputs" / "hand.yaml"))), "pytorch", "x").content
    assert """\
class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear1 = torch.nn.Linear(3, 1)
        self.linear2 = torch.nn.Linear(1, 2)

    def forward(self, x):
        x = torch.relu(self.linear1(x))
        x = torch.relu(self.linear2(x))
        return x
""" in text.decode()


def test_wrong_numbers_fail(target: str, execute: Callable[..., str]) -> None:
    """The assertions assert: Matt Mazur's network has the error 0.298371 before the first step."""
    facts = facts_of_config(load(str(ROOT / "sample_inputs" / "mazur.yaml")))
    assert facts.step is not None
    assert facts.step.loss == pytest.approx(0.298371109, abs=1e-9)
    if target == "onnx":
        moved = export(facts._replace(predictions=facts.predictions + 0.01), target, "x")
        assert not moved.agrees
        assert moved.note is not None
        assert "onnxruntime predicts otherwise for 1 row, by up to 1.0e-02" in moved.note
        return
    for number in (facts.step.loss, float(facts.step.after["linear1.weights"][0, 0])):
        with pytest.raises(AssertionError):
            execute(facts, target, (repr(number), repr(number * 1.0001)))


def test_the_same_bytes_for_the_same_network(target: str) -> None:
    facts = facts_of_config(load(str(ROOT / "sample_inputs" / "iris.yaml")))
    assert export(facts, target, "x") == export(facts, target, "x")


@pytest.fixture
def trained(run: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    run("train", str(ROOT / "sample_inputs" / "iris.yaml"), "training.epochs=2", "-q").answered()
    (model,) = tmp_path.glob("runs/*/model.safetensors")
    return model


def test_a_trained_model(trained: Path, target: str, execute: Runner) -> None:
    facts = facts_of_model(str(trained))
    assert facts.step is not None
    assert facts.names[1] == ["setosa", "versicolor", "virginica"]
    assert facts.predictions.sum(axis=1) == pytest.approx(np.ones(len(facts.sample)))
    assert execute(facts, target)


def test_command(run: Callable[..., Result], trained: Path, tmp_path: Path) -> None:
    hand = str(ROOT / "sample_inputs" / "hand.yaml")
    text = run("export", hand, "--to", "numpy").answered().out
    exec(compile(text, "<export>", "exec"), {"__name__": "__main__"})
    run("export", hand, "--to", "c").refused(2, "a network is not exported to c", "pytorch, jax, numpy, onnx")
    run("export", hand, "--to", "pytorhc").refused(2, "no target pytorhc", "did you mean pytorch?")
    run("export", hand, "--to", "jax", "--wrt", "a").refused(2, "--wrt is for expressions")
    decay = str(ROOT / "sample_inputs" / "decay.yaml")
    run("export", decay, "--to", "jax").refused(2, 'backprop export "a*exp(-b*x) + c" a=1.0 b=0.1 c=0.0')
    digits = str(ROOT / "sample_inputs" / "digits.yaml")
    run("export", digits, "--to", "jax").refused(2, "-o FILE.py says where both go")
    run("export", str(trained), "seed=1", "--to", "jax").refused(2, "seed=1 is for a config")
    run("export", hand, "--to", "mermaid").refused(2, "backprop graph CONFIG --format mermaid draws it")
    run("export", hand, "--to", "onnx").refused(2, "an ONNX model is no text", "-o network.onnx")
    run("export", "a*b", "--a", "3", "--b", "1", "data.path=x.csv", "--to", "c").refused(
        2, "is for the network"
    )
    run("export", "absent.yaml", "--to", "jax").refused(4, "absent.yaml")
    run("export", "absent.safetensors", "--to", "jax").refused(4, "absent.safetensors")


def test_overrides_reach_the_network(run: Callable[..., Result]) -> None:
    hand = str(ROOT / "sample_inputs" / "hand.yaml")
    text = run("export", hand, "optimizer.learning_rate=0.5", "seed=3", "--to", "numpy").answered().out
    assert "    rate = 0.5\n    return p - rate*g\n" in text


def test_arrays_beside_the_program(run: Callable[..., Result], trained: Path, target: str) -> None:
    """The file does not take the model's name, and the program finds it from any folder."""
    if target == "onnx":
        return
    run("export", str(ROOT / "sample_inputs" / "digits.yaml"), "--to", target, "-o", "model.py").answered()
    made = [p.name for p in Path.cwd().iterdir() if p.name.startswith("model")]
    assert sorted(made) == ["model.py", "model_arrays.safetensors"]
    done = subprocess.run(
        [sys.executable, str(Path("model.py").resolve())],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "loss" in done.stdout


def test_onnx_from_the_command(run: Callable[..., Result], trained: Path) -> None:
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    done = run("export", str(trained), "-o", "iris.onnx").answered()
    assert done.err.startswith("note: onnxruntime predicts the same for 8 rows, to ")
    session = runtime.InferenceSession("iris.onnx", providers=["CPUExecutionProvider"])
    rows = np.array([[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]], np.float32)
    (probabilities,) = session.run(None, {"x": rows})
    predicted = run("predict", str(trained), "-", "--format", "json", stdin=ROWS_OF_IRIS).answered().lines
    names = ["p_setosa", "p_versicolor", "p_virginica"]
    expected = [[row[name] for name in names] for row in predicted]
    assert probabilities == pytest.approx(np.array(expected), abs=1e-5)
    assert session.get_modelmeta().custom_metadata_map["outputs"].split() == [n[2:] for n in names]


ROWS_OF_IRIS = """\
sepal_length,sepal_width,petal_length,petal_width
5.1,3.5,1.4,0.2
6.7,3.0,5.2,2.3
"""


def test_onnx_holds_no_number_that_nothing_reads(tmp_path: Path) -> None:
    """The slope of a leaky relu is an attribute; a runtime warns of an array beside it."""
    onnx = pytest.importorskip("onnx")
    facts = config(tmp_path, two("leaky_relu"))
    graph = onnx.load_from_string(export(facts, "onnx", "x").content).graph
    read = {name for node in graph.node for name in node.input}
    assert {array.name for array in graph.initializer} <= read


def test_onnx_without_its_package(run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("backprop_cli.export.networks.onnx.find_spec", lambda name: None)
    hand = str(ROOT / "sample_inputs" / "hand.yaml")
    run("export", hand, "--to", "onnx", "-o", "x.onnx").refused(2, "pip install 'backprop-cli[onnx]'")
