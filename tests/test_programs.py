"""Networks that a config writes as programs for one example: equal to layers, rows and differences."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ROOT
from safetensors.numpy import load_file

from backprop_cli.differentiation.arrays import array_values
from backprop_cli.errors import ConfigError, NoSuchNumber
from backprop_cli.explanation.paper import Paper
from backprop_cli.networks.point import NetworkPoint
from backprop_cli.networks.programmed import ProgramNetwork
from backprop_cli.training.config import loads
from backprop_cli.training.config.loading import from_resolved, resolved, to_yaml
from backprop_cli.training.fitting import training_of
from backprop_cli.training.gradcheck import check_gradients
from backprop_cli.training.problem import Problem, assemble
from backprop_cli.training.step import Made, whole_step

TWO_LAYERS = """
model:
  dims: {H: 5}
  parameters:
    W1: {shape: [H, inputs], init: he_normal}
    b1: H
    W2: [outputs, H]
    b2: outputs
  program: |
    h = relu(W1@x + b1)
    W2@h + b2
"""
OWN_LOSS = """
data: {inputs: [[1, 0.5], [0.2, -1], [0.3, 0.7]], targets: [[1, 2], [0.5, 0], [0, 1]]}
model:
  parameters:
    W: {init: [[0.5, -0.3], [0.2, 0.4], [0.1, 0.9]]}
    b: {init: [0.1, 0, -0.2]}
    U: {init: [[1, -1, 0.5], [0.3, 0.2, 0.1]]}
    s: {init: 0.7}
  program: |
    h = tanh(W@x + b)
    y = s*(U@h) + x[0]*softmax(x)
    loss = norm(y - t)^2 + 0.1*mean(W.^2) + max(h)
regularization: {l2: 0.01}
training: {batch_size: full}
"""


def problem_of(text: str, *overrides: str) -> Problem:
    return assemble(loads(text, "net.yaml", overrides))


@pytest.mark.parametrize(
    ("data", "rest"),
    [
        ("data: {dataset: iris, scaling: standard, validation_split: 0.2}", "training: {epochs: 3}"),
        (
            "data: {dataset: sine}",
            "training: {epochs: 3, batch_size: full}\nregularization: {l2: 0.01, l1: 0.02}",
        ),
        ("data: {dataset: moons}", "training: {epochs: 2}\noptimizer: sgd\ndtype: float32"),
    ],
)  # fmt: skip
def test_it_trains_to_the_bytes_of_its_layers(
    run: Callable[..., Any], tmp_path: Path, data: str, rest: str
) -> None:
    trained = []
    for name, model in (("program", TWO_LAYERS), ("layers", "model: {hidden: [5]}")):
        (tmp_path / f"{name}.yaml").write_text(f"{data}\n{model}\n{rest}\n")
        run("train", str(tmp_path / f"{name}.yaml"), f"output.dir={tmp_path / name}").answered()
        trained.append(load_file(tmp_path / name / "model.safetensors"))
    names = {"W1": "linear1.weights", "b1": "linear1.bias", "W2": "linear2.weights", "b2": "linear2.bias"}
    for own, layers in names.items():
        assert trained[0][own].tobytes() == trained[1][layers].tobytes()


def test_its_gradient_is_that_of_differences() -> None:
    """And of the sum over rows of what each has alone; as many rows as h has numbers."""
    for checked in check_gradients(problem_of(OWN_LOSS)):
        assert checked.agree
        assert checked.difference is not None
        assert checked.difference < 1e-7


def test_the_step_on_paper_is_the_step() -> None:
    made = whole_step(problem_of(OWN_LOSS, "optimizer=sgd"))
    point = NetworkPoint(made.unrolled(Paper()))
    found = point.unrolled.by_parameter(point.here.cotangents)
    for name, gradient in made.gradients.items():
        np.testing.assert_allclose(found[name], gradient, rtol=1e-12, atol=1e-14)
    assert point.here.value == pytest.approx(made.step.before, rel=1e-14)


def test_a_row_with_its_loss_is_a_program() -> None:
    """What `graph` draws: the mean over rows of its value is the loss, for every loss that has words."""
    for loss in ("mse", "mae", "huber", "sse", "half_sse", "quantile", "poisson"):
        problem = problem_of(f"data: {{inputs: [[1, 2]], targets: [[3, 1]]}}{TWO_LAYERS}", f"loss={loss}")
        network = problem.network
        assert isinstance(network, ProgramNetwork)
        settled, row = problem.first_row()
        value = float(array_values(settled, row).value)
        assert value == pytest.approx(whole_step(problem).step.before, rel=1e-12), loss


def test_it_is_kept_as_it_is_written() -> None:
    """A resolved config is read back, in the file and in the model; sizes are said by others in any order."""
    config = loads(
        OWN_LOSS.replace("  parameters:", "  dims: {A: B/2, B: 4*C, C: 3}\n  parameters:"), "net.yaml"
    ).config
    assert from_resolved(resolved(config)) == config
    assert loads(to_yaml(resolved(config)), "again.yaml").config.model == config.model


def test_the_language_is_all_there() -> None:
    """Functions of the program's own, constants, and names for what is built from numbers alone."""
    problem = problem_of(
        f"{DATA}\nmodel:\n  parameters: {{w: {{init: [1, 2]}}}}\n"
        "  program: 'f(u) = u^2 + k; k = 3; y = f(w@x)*pi'\noptimizer: sgd"
    )
    assert whole_step(problem).step.before == pytest.approx((np.pi * (2.0**2 + 3) - 1) ** 2)


DATA = "data: {inputs: [[1, 0.5]], targets: [1]}"
FAULTS: list[tuple[str, list[str]]] = [
    (
        """
model:
  parameters: {W: [2, 3], b: 4}
  program: |
    h = tanh(W@x)

    z = W@b
    y = sum(z) + sum(h) + x[5]""",
        [
            """net.yaml:5:14: a 2x3 matrix times a vector of 2: 3 columns meet 2 rows
  h = tanh(W@x)
           ^^^
  hint: W'@x would fit""",
            """net.yaml:7:9: a 2x3 matrix times a vector of 4: 3 columns meet 4 rows
  z = W@b
      ^^^""",
            """net.yaml:8:27: index 5 is outside: a vector of 2 goes from 0 to 1
  y = sum(z) + sum(h) + x[5]
                        ^^^^""",
        ],
    ),
    (
        """
model:
  dims: {H: 2}
  parameters: {W: [H, 2], q: 3}
  program: |
    H = W@x
    sum(H) + hh""",
        [
            "net.yaml:4:30: model.parameters.q: the parameter q is not in the program",
            """net.yaml:6:5: model.program: H is one of model.dims: a statement has another name
  H = W@x
  ^""",
            """net.yaml:7:14: model.program: hh is no parameter and no statement
  sum(H) + hh
           ^^
  hint: model.parameters: {hh: [4]} declares it""",
        ],
    ),
    (
        """model: {parameters: {a: []}, program: "a*x[0] + t"}""",
        [
            """net.yaml:2:49: the output needs t, the row's target, which it is to predict
  a*x[0] + t
           ^
  hint: loss = ... is where the target has its place"""
        ],
    ),
    (
        "model: {parameters: {W: [2, 2]}, program: 'W@x'}",
        [
            """net.yaml:2:44: the program gives a vector of 2, but the targets are rows of 1
  W@x
  ^^^
  hint: the last statement is the output; call another logits or y"""
        ],
    ),
    (
        "model: {parameters: {W: [2, 2]}, program: 'sum(inv(W)@x) + det([[x[0], 1], [0, 1]])'}",
        [
            """net.yaml:2:60: det is of what is the same for all rows, and x takes part in this
  sum(inv(W)@x) + det([[x[0], 1], [0, 1]])
                  ^^^^^^^^^^^^^^^^^^^^^^^^"""
        ],
    ),
    (
        "model: {parameters: {W: [2, K]}, program: 'sum(W@x)'}",
        ["net.yaml:2:25: model.parameters.W: K is no size\n  hint: sizes: inputs, outputs"],
    ),
    (
        "model: {parameters: {a: 0.5}, program: 'a*x[0]'}",
        [
            """net.yaml:2:25: model.parameters.a is a shape, not 0.5
  hint: a: {init: 0.5} is a number to begin with"""
        ],
    ),
    (
        "model: {parameters: {w: 2}, program: 'p = w@x; loss = (p - y)*x'}",
        [
            """net.yaml:2:55: loss is one number a row, not a vector of 2
  p = w@x; loss = (p - y)*x
                  ^^^^^^^^^
  hint: mean(...) or sum(...) makes one of it"""
        ],
    ),
    (
        "model: {parameters: {w: 2}, program: 'loss = 1; w@x'}",
        [
            """net.yaml:2:39: no parameter takes part in this: nothing would be learned
  loss = 1; w@x
  ^^^^^^^^"""
        ],
    ),
    (
        "model: {parameters: {w: {init: [[1, 2], [3]]}}, program: 'sum(w)*x[0]'}",
        ["net.yaml:2:32: model.parameters.w.init is a list of numbers, or of lists of numbers of one length"],
    ),
    (
        "model: {parameters: {w: 2}, program: 'w@x; f(u) = u^2'}",
        [
            """net.yaml:2:44: model.program: the last statement is the output, no function
  w@x; f(u) = u^2
       ^^^^^^^^^^"""
        ],
    ),
    (
        "model: {parameters: {w: 2}, program: 'p = w@x; loss = (p - y)^2'}\nloss: mse",
        [
            """net.yaml:3:7: the program has a loss of its own: loss: mse has no place
  hint: leave one of them out"""
        ],
    ),
]


FAULTS += [
    (
        "model: {noise: {e: Q}, parameters: {w: 2}, program: 'w@x + e'}",
        ["net.yaml:2:20: model.noise.e: Q is no size\n  hint: sizes: inputs, outputs"],
    ),
    (
        "model: {noise: {e: 2, w: 2, f: 1}, parameters: {w: 2}, program: 'w@x'}",
        [
            "net.yaml:2:20: model.noise.e: the noise e is not in the program",
            "net.yaml:2:26: model.noise.w: w is a parameter, no noise",
            "net.yaml:2:32: model.noise.f: the noise f is not in the program",
        ],
    ),
    (
        "model: {noise: {e: 3}, parameters: {w: 2}, program: 'w@(x + e)'}",
        [
            """net.yaml:2:57: a vector of 2 and a vector of 3 do not go together element by element
  w@(x + e)
     ^^^^^"""
        ],
    ),
    (
        "model: {noise: {e: 2}, hidden: [3]}",
        ["net.yaml:2:16: model.noise goes with program, not with hidden\n  hint: {type: dropout}"],
    ),
]


@pytest.mark.parametrize(("model", "messages"), FAULTS, ids=[faults[0][:60] for _, faults in FAULTS])
def test_faults_say_file_and_line_all_at_once(model: str, messages: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        problem_of(f"{DATA}\n{model.strip()}")
    assert str(caught.value) == "\nbackprop: error: ".join(messages)


CODED = """
data: {inputs: [[1, 0.5], [-0.5, 2], [0.3, 0.1]], target: features}
model:
  noise: {e: 2}
  parameters: {A: {init: [[0.5, -1], [0.1, 0.3]]}, V: {init: [[0.2, 0.4], [-0.6, 0.1]]}, B: [2, 2]}
  program: |
    m = A@x
    v = V@x
    y = B@(m + exp(v/2).*e)
    loss = sum((y - t).^2) + sum(exp(v) + m.^2 - 1 - v)/2
optimizer: {type: sgd, learning_rate: 0.1}
training: {epochs: 3, batch_size: 2}
"""


def test_noise_is_data_of_the_step() -> None:
    """A step with its noise is a step as any: on paper, and by differences; other steps have other noise."""
    problem = problem_of(CODED)
    assert all(checked.agree for checked in check_gradients(problem))
    seen = []
    for step in (1, 2, 3):
        made = Made(problem_of(CODED), step)
        seen += made.batch["e"].reshape(-1).tolist()
        point = NetworkPoint(made.unrolled(Paper()))
        found = point.unrolled.by_parameter(point.here.cotangents)
        for name, gradient in made.gradients.items():
            np.testing.assert_allclose(found[name], gradient, rtol=1e-12, atol=1e-14)
    assert len({*seen}) == len(seen) == 10
    _, first = problem.first_row()
    assert first["e"].tolist() == seen[:2]


def test_noise_is_standard_normal_and_none_where_rows_are_measured() -> None:
    """Mean 0, variance 1, of 10,000 numbers; the loss of a row without noise is worked out apart."""
    rows = [[i % 7, i % 5] for i in range(5_000)]
    problem = problem_of(CODED, f"data.inputs={rows}", "training.batch_size=full", "seed=3")
    training = training_of(problem)
    noise = training.first_batch().leaves["e"]
    assert abs(noise.mean()) < 4 / 100
    assert abs(noise.var() - 1.0) < 4 * 2**0.5 / 100
    assert abs(np.mean(noise[:, 0] * noise[:, 1])) < 4 / 5_000**0.5
    a, v, b = (training.runner.values[name] for name in "AVB")
    x = np.array(rows, float)
    m, spread = x @ a.T, x @ v.T
    loss = ((m @ b.T - x) ** 2 + (np.exp(spread) + m**2 - 1 - spread) / 2).sum(axis=1).mean()
    assert training.evaluate(training.train)["loss"] == pytest.approx(loss, rel=1e-12)
    np.testing.assert_allclose(training.runner.predict(x).predictions, m @ b.T, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(training.runner.layer("m", x), m, rtol=1e-12)


def test_dropout_has_words() -> None:
    """A mask is 0 for its share, else what keeps the mean; a step agrees with differences; 1 else."""
    text = """
data: {inputs: [[1, 0.5, 2], [-0.5, 2, 1]], targets: [1, 0], shape: [3, 1]}
model:
  noise: {m: {shape: [steps, 4], dropout: 0.2}, n: {dropout: 0.5}}
  parameters: {W: [4, 1], v: 4}
  program: "h = tanh(x@W').*m; y = n*sum(h@v)"
loss: mse
"""
    problem = problem_of(text.replace("steps", "3"))
    assert all(checked.agree for checked in check_gradients(problem))
    rows = [[i % 7, i % 5, i % 3] for i in range(4_000)]
    problem = problem_of(
        text.replace("steps", "3"), f"data.inputs={rows}", f"data.targets={[0.5, 2.0] * 2_000}",
        "training.batch_size=full",
    )  # fmt: skip
    training = training_of(problem)
    mask = training.first_batch().leaves["m"]
    assert {*mask.flat} == {0.0, 1.25}
    assert abs((mask == 0.0).mean() - 0.2) < 4 * 0.4 / mask.size**0.5
    w, v = (training.runner.values[name] for name in "Wv")
    x = np.array(training.train.encoded)
    np.testing.assert_allclose(
        training.runner.predict(x, raw=True).predictions[:, 0], (np.tanh(x @ w.T) @ v).sum(axis=1), rtol=1e-12
    )


def test_a_program_with_noise_elsewhere(run: Callable[..., Any], tmp_path: Path) -> None:
    """Predictions are asserted; no step is, whose noise would be another."""
    (tmp_path / "net.yaml").write_text(CODED)
    done = run("export", str(tmp_path / "net.yaml"), "--to", "numpy").answered()
    assert "# no training step: its noise is drawn, and each framework draws its own" in done.out
    subprocess.run([sys.executable, "-c", done.out], check=True, capture_output=True)


def test_a_model_is_read_again(run: Callable[..., Any], tmp_path: Path) -> None:
    """Predicted rows are what each is alone, whatever the batch."""
    (tmp_path / "net.yaml").write_text(OWN_LOSS)
    run("train", str(tmp_path / "net.yaml"), f"output.dir={tmp_path / 'run'}", "training.epochs=2").answered()
    (tmp_path / "rows.csv").write_text("x1,x2\n1,0.5\n0.2,-1\n0.3,0.7\n")
    every = (
        run("predict", str(tmp_path / "run"), str(tmp_path / "rows.csv"), "--format", "csv").answered().out
    )
    for at, line in enumerate(every.splitlines()[1:], 1):
        (tmp_path / "row.csv").write_text("x1,x2\n" + ",".join(line.split(",")[:2]) + "\n")
        alone = run("predict", str(tmp_path / "run"), str(tmp_path / "row.csv"), "--format", "csv").answered()
        assert alone.out.splitlines()[1] == every.splitlines()[at]


@pytest.mark.parametrize("command", ["trace", "explain", "graph", "check"])
def test_commands_know_it(run: Callable[..., Any], tmp_path: Path, command: str) -> None:
    (tmp_path / "net.yaml").write_text(OWN_LOSS)
    more = ["--claim", "E=1"] if command == "check" else []
    done = run(command, str(tmp_path / "net.yaml"), "optimizer=sgd", *more)
    assert done.status == (1 if command == "check" else 0), done.err


EVERYTHING = OWN_LOSS.replace(
    "    y = s*(U@h)",
    """
    A = outer(h, h + b)
    q = A@h + diag(A) + colsum(A)*max(h) + [h[0], s, 1] + W[0:3, 1] + rowsum(A)/norm(b)
    k = concat(softmax(q[0:2]), q[2:3]) + log_softmax(h)*logsumexp(h) + x'@x*min(A) + where(h > 0, b, s)
    e = k + solve(diag(b + 1), b)
    m = reshape(scale_rows(h, standardize(reshape(concat(e, b), 3, 2), 0.1)), 6)[0:3]
    y = s*(U@m) + trace(A)*det(eye(2))*ones(2)/sqrt(2) + cross_entropy(h, b)""",
)


@pytest.mark.parametrize("target", ["numpy", "jax", "pytorch"])
def test_it_runs_elsewhere(run: Callable[..., Any], tmp_path: Path, target: str) -> None:
    """Predictions, loss, gradient and update are asserted there; every row of the language has a spelling.

    What it gives for a row is no matter of how many there are.
    """
    if target != "numpy":
        pytest.importorskip({"pytorch": "torch"}.get(target, target))
    (tmp_path / "net.yaml").write_text(EVERYTHING)
    done = run("export", str(tmp_path / "net.yaml"), "--to", target, "optimizer=sgd").answered()
    p = "" if target == "pytorch" else "p, "
    one = f"\nassert abs(network({p}sample[:2]) - network({p}sample)[:2]).max() < 1e-12\n"
    (tmp_path / "net.py").write_text(done.out + one)
    subprocess.run([sys.executable, str(tmp_path / "net.py")], check=True, capture_output=True)


def test_a_loss_of_steps_runs_elsewhere(run: Callable[..., Any], tmp_path: Path) -> None:
    """PyTorch's losses are of rows: that of classes at every step is written node by node."""
    pytest.importorskip("torch")
    path = str(ROOT / "sample_inputs" / "parity.yaml")
    run("export", path, "--to", "pytorch", "-o", str(tmp_path / "net.py")).answered()
    subprocess.run([sys.executable, str(tmp_path / "net.py")], check=True, capture_output=True)


def test_it_is_an_onnx_model(run: Callable[..., Any], tmp_path: Path) -> None:
    """In double precision, where runtimes have its operations so, for any number of rows."""
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    path = tmp_path / "net.yaml"
    path.write_text(EVERYTHING)
    refused = run("export", str(path), "--to", "onnx", "-o", str(tmp_path / "net.onnx"))
    assert (refused.status, "no export of solve to onnx: ONNX solves no equations" in refused.err) == (
        2,
        True,
    )
    text = EVERYTHING.replace("solve(diag(b + 1), b)", "diag(b)@b").replace("det(eye(2))", "s")
    path.write_text(re.sub(r"\bb\b", "v0", text))  # a name is one of the program's alone
    done = run("export", str(path), "--to", "onnx", "-o", str(tmp_path / "net.onnx")).answered()
    assert float(done.err.rsplit("to ", 1)[1]) < 1e-14
    model = runtime.InferenceSession(str(tmp_path / "net.onnx"))
    rows = np.array([[1, 0.5], [0.2, -1]])
    found = [model.run(None, {"x": x})[0] for x in (rows, rows[:1])]
    assert found[0][:1] == pytest.approx(found[1], abs=1e-14)


LOOKED_UP = """
data: {inputs: [[0, 2, 1], [2, 2, 0]], targets: [[1, 0.5], [0, 1]]}
model:
  parameters:
    E: {init: [[0.1, 0.2], [0.3, -0.4], [0.5, 0.6]]}
    U: {init: [[0.1, 0.2], [0.3, -0.4]]}
  program: |
    h[0] = 0
    h[t+1] = tanh(E[x[t]] + U@h[t])
    A = tanh(E[x])
    B = A[abs(x - 2)]
    y = h[end] + colsum(A) + A[x[0]] + colsum(B.*A)
optimizer: sgd
"""
BY_ONES = LOOKED_UP.replace("E[x[t]]", "E'@x[t]").replace("E[x]", "x@E").replace("A[x[0]]", "A'@x[0]")
BY_ONES = BY_ONES.replace("A[abs(x - 2)]", "x@[[0, 0, 1], [0, 1, 0], [1, 0, 0]]@A")
"""The same where a row of the identity stands for each index."""


def test_rows_are_looked_up() -> None:
    """As a product with a row of the identity; the slope of a row that is met twice is a sum."""
    problem = problem_of(LOOKED_UP)
    assert all(checked.agree for checked in check_gradients(problem))
    made = whole_step(problem)
    point = NetworkPoint(made.unrolled(Paper()))
    found = point.unrolled.by_parameter(point.here.cotangents)
    for name, gradient in made.gradients.items():
        np.testing.assert_allclose(found[name], gradient, rtol=1e-12, atol=1e-14)
    ones = [np.eye(3)[row].reshape(-1).tolist() for row in ([0, 2, 1], [2, 2, 0])]
    text = BY_ONES.replace("[[0, 2, 1], [2, 2, 0]]", f"{ones}").replace("data: {", "data: {shape: [3, 3], ")
    other = whole_step(problem_of(text))
    assert made.step.before == pytest.approx(other.step.before, rel=1e-14)
    for name, gradient in other.gradients.items():
        np.testing.assert_allclose(made.gradients[name], gradient, rtol=1e-13)


def test_what_is_no_index() -> None:
    """Inputs that count no row are refused; what is computed gives no number; nothing trained counts."""
    for wrong in ("1.5", "3", "-1"):
        with pytest.raises(ConfigError) as caught:
            problem_of(LOOKED_UP.replace("[2, 2, 0]]", f"[2, {wrong}, 0]]"))
        says = f"net.yaml:2:7: E[x[t]] takes whole numbers from 0 to 2, but the inputs have {wrong}\n"
        assert str(caught.value).startswith(says)
    with pytest.raises(NoSuchNumber):
        whole_step(problem_of(LOOKED_UP.replace("A[abs(x - 2)]", "A[x/2]")))
    with pytest.raises(ConfigError, match=r"an index is data, and U takes part in this"):
        problem_of(LOOKED_UP.replace("A[x[0]]", "A[U[0, 0]]"))


@pytest.mark.parametrize("target", ["numpy", "jax", "pytorch", "onnx"])
def test_lookups_run_elsewhere(run: Callable[..., Any], tmp_path: Path, target: str) -> None:
    if target != "numpy":
        pytest.importorskip({"pytorch": "torch", "onnx": "onnxruntime"}.get(target, target))
    (tmp_path / "net.yaml").write_text(LOOKED_UP)
    done = run(
        "export", str(tmp_path / "net.yaml"), "--to", target, "-o", str(tmp_path / "net.py")
    ).answered()
    if target == "onnx":
        assert float(done.err.rsplit("to ", 1)[1]) < 1e-14
    else:
        subprocess.run([sys.executable, str(tmp_path / "net.py")], check=True, capture_output=True)


ATTENTION = """
    Q = X@A[0:4, :]' + a[0:4]
    K = X@A[4:8, :]' + a[4:8]
    V = X@A[8:12, :]' + a[8:12]
    P1 = softmax(Q[:, 0:2]@K[:, 0:2]'/sqrt(2))
    P2 = softmax(Q[:, 2:4]@K[:, 2:4]'/sqrt(2))
    O = P1@V[:, 0:2]@B[:, 0:2]' + P2@V[:, 2:4]@B[:, 2:4]' + b
""".replace("X", "x")


def waves(shape: tuple[int, ...], phase: int) -> list[Any]:
    return (0.5 * np.sin(np.arange(1, np.prod(shape) + 1) + phase)).reshape(shape).tolist()


def test_attention_has_the_numbers_of_torch() -> None:
    """Two heads over three steps of four numbers: torch.nn.MultiheadAttention with weights 0.5*sin(k + p)."""
    arrays = {"A": (12, 4), "a": (12,), "B": (4, 4), "b": (4,)}
    declared = "".join(f"    {n}: {{init: {waves(s, p)}}}\n" for p, (n, s) in enumerate(arrays.items()))
    x = np.cos(np.arange(1.0, 13.0)).tolist()

    def made(output: str) -> Any:
        text = (
            f"data: {{inputs: [{x}], targets: [[0, 0, 0, 0]], shape: [3, 4]}}\nmodel:\n"
            f"  parameters:\n{declared}  program: |{ATTENTION}    y = {output}\n    loss = sum(O.^2)\n"
        )
        return whole_step(problem_of(text, "optimizer=sgd"))

    step = made("O[0]")
    assert step.step.before == pytest.approx(3.9983405910878, rel=1e-13)
    assert float(np.linalg.norm(step.gradients["A"])) == pytest.approx(2.4550050888295, rel=1e-13)
    first = step.training.runner.predict(step.problem.train.encoded).predictions[0]
    assert first == pytest.approx((-0.1666730456532, -1.1043495546521, 0.46547139707878, 0.16223773992174))
    weights = made("[P1[0, 0] + P2[0, 0], P1[0, 1] + P2[0, 1], P1[0, 2] + P2[0, 2], 0]/2 + 0*b")
    found = weights.training.runner.predict(weights.problem.train.encoded).predictions[0]
    assert found[:3] == pytest.approx((0.17333978974179, 0.41012845613687, 0.41653175412134), rel=1e-12)


def test_what_is_too_large_is_not_written_out(run: Callable[..., Any], tmp_path: Path) -> None:
    program = "W@x"
    (tmp_path / "net.yaml").write_text(
        f"data: {{dataset: digits}}\nmodel: {{parameters: {{W: [outputs, inputs]}}, program: '{program}'}}\n"
    )
    done = run("trace", str(tmp_path / "net.yaml"))
    assert (done.status, done.err) == (
        2,
        "backprop: error: the program has 640 parameters: a step is written out up to 300\n"
        "  hint: --table lists the nodes of any network\n",
    )
    assert "W" in run("trace", str(tmp_path / "net.yaml"), "--table").answered().out


def test_layers_are_written_as_their_program(run: Callable[..., Any], tmp_path: Path) -> None:
    """Linear layers, activations, normalisation, dropout: the printed config trains to the same numbers."""
    (tmp_path / "layers.yaml").write_text(
        "data: {dataset: iris, scaling: standard}\nmodel:\n  layers:\n"
        "  - {type: linear, units: 6, activation: relu}\n  - {type: dropout, rate: 0.25}\n  - layer_norm\n"
        "  - {type: linear, units: 3, frozen: [bias], bias: [1, 2, 3]}\n  - tanh\n  - linear\n"
        "training: {epochs: 2}\n"
    )
    shown = run("config", "show", str(tmp_path / "layers.yaml"), "--program").answered().out
    (tmp_path / "program.yaml").write_text(shown)
    trained = []
    for name in ("layers", "program"):
        run("train", str(tmp_path / f"{name}.yaml"), f"output.dir={tmp_path / name}").answered()
        trained.append(load_file(tmp_path / name / "model.safetensors"))
    names = {"W": "linear%.weights", "b": "linear%.bias", "g": "layer_norm%.weights", "s": "layer_norm%.bias"}
    assert len(trained[0]) == len(trained[1]) == 8
    for name, array in trained[1].items():
        np.testing.assert_allclose(array, trained[0][names[name[0]].replace("%", name[1:])], rtol=1e-12)


def test_what_no_program_has_words_for(run: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(
        "data: {dataset: iris}\nmodel: {layers: [{type: linear, units: 4}, batch_norm, linear]}\n"
    )
    done = run("config", "show", str(tmp_path / "net.yaml"), "--program")
    assert (done.status, done.err) == (
        2,
        f"backprop: error: {tmp_path}/net.yaml:2:44: batch_norm1 has no words in a program of one example\n",
    )


def test_layer_norm_has_the_numbers_of_torch() -> None:
    """[1, 2, 4, 8], and the gradient of its dot product with (1, -1, 2, 0.5)."""
    from backprop_cli import eval, grad

    text = "(x - mean(x))/sqrt(mean((x - mean(x))^2) + 1e-5)"
    expected = (-1.0257545754962, -0.6527529116794, 0.093250415954199, 1.5852570712214)
    assert eval(text, x=[1.0, 2.0, 4.0, 8.0]) == pytest.approx(expected, rel=1e-13)
    slopes = (0.1978529757952, -0.56923302524345, 0.50760661939683, -0.13622656994859)
    found = grad(f"({text})@[1, -1, 2, 0.5]", x=[1.0, 2.0, 4.0, 8.0]).gradient["x"]
    assert found == pytest.approx(slopes, rel=1e-12)
