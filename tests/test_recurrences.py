"""Recurrences as equations over steps: the networks that courses have, against numbers of PyTorch."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_programs import problem_of

from backprop_cli.errors import ConfigError
from backprop_cli.training.config import load
from backprop_cli.training.gradcheck import check_gradients
from backprop_cli.training.loop import Training
from backprop_cli.training.problem import assemble
from backprop_cli.training.step import whole_step
from backprop_cli.training.trace import write_out

SIZES = {"D": 2, "H": 3, "T": 4}
RNN = """
    h[0] = 0
    h[t+1] = tanh(W@x[t] + b + U@h[t] + c)
"""
GRU = """
    h[0] = 0
    i[t] = W@x[t] + b
    s[t] = U@h[t] + c
    r[t] = sigmoid(i[t][0:H] + s[t][0:H])
    z[t] = sigmoid(i[t][H:2*H] + s[t][H:2*H])
    n[t] = tanh(i[t][2*H:3*H] + r[t]*s[t][2*H:3*H])
    h[t+1] = (1 - z[t])*n[t] + z[t]*h[t]
"""
LSTM = """
    h[0] = 0; m[0] = 0
    g[t] = W@x[t] + b + U@h[t] + c
    m[t+1] = sigmoid(g[t][H:2*H])*m[t] + sigmoid(g[t][0:H])*tanh(g[t][2*H:3*H])
    h[t+1] = sigmoid(g[t][3*H:4*H])*tanh(m[t+1])
"""
# weights 0.5*sin(k + p), x = cos(1..8): the last h, dW[0], the norm of all gradients of its sum, by torch.nn
KNOWN = [
    (
        RNN, 1, (0.1871332272037, -0.71827734823902, -0.71660565582963),
        (0.77295293237434, 0.258667481291), 2.8850434242421,
    ),
    (
        GRU, 3, (0.010073020695477, -0.22789344969605, -0.53603795392568),
        (-0.02476203963284, 0.0022709996297841), 1.4181935768475,
    ),
    (
        LSTM, 4, (0.0063505684021756, -0.25695379298218, -0.30011238851801),
        (0.028715905840329, 0.048667007606006), 1.0918526113605,
    ),
]  # fmt: skip


def waves(shape: tuple[int, ...], phase: int) -> list:
    return (0.5 * np.sin(np.arange(1, math.prod(shape) + 1) + phase)).reshape(shape).tolist()


def config(program: str, gates: int, loss: str = "") -> str:
    rows = gates * SIZES["H"]
    parameters = {"W": (rows, 2), "U": (rows, 3), "b": (rows,), "c": (rows,)}
    declared = "".join(
        f"    {name}: {{init: {waves(shape, p)}}}\n" for p, (name, shape) in enumerate(parameters.items())
    )
    x = [math.cos(k) for k in range(1, 9)]
    return (
        f"data: {{inputs: [{x}], targets: [[0, 0, 0]], shape: [4, 2]}}\nmodel:\n  dims: {{H: 3}}\n"
        f"  parameters:\n{declared}  program: |\n{program.strip(chr(10))}\n"
        f"    y = h[end]\n    loss = sum(y){loss}\n"
    )


@pytest.mark.parametrize(("program", "gates", "last", "row", "norm"), KNOWN, ids=["rnn", "gru", "lstm"])
def test_the_networks_of_courses(
    program: str, gates: int, last: tuple[float, ...], row: tuple[float, ...], norm: float
) -> None:
    problem = problem_of(config(program, gates), "optimizer=sgd")
    made = whole_step(problem)
    output = made.training.runner.predict(problem.train.encoded, raw=True).predictions[0]
    assert output == pytest.approx(last, abs=2e-13)
    assert made.gradients["W"][0] == pytest.approx(row, abs=2e-13)
    every = np.concatenate([g.reshape(-1) for g in made.gradients.values()])
    assert float(np.linalg.norm(every)) == pytest.approx(norm, rel=1e-12)


@pytest.mark.parametrize("program", [RNN, GRU, LSTM], ids=["rnn", "gru", "lstm"])
def test_their_gradients_are_those_of_differences(program: str) -> None:
    gates = {RNN: 1, GRU: 3, LSTM: 4}[program]
    extra = " + mean_t(x[t][0]*h[t+1][1]) + 0.1*sum_t((h[t]'@h[t])*x[t][1])"
    for checked in check_gradients(
        problem_of(config(program, gates, extra.replace("norm(h[t])^2", "h[t]'@h[t]")))
    ):
        assert checked.agree


HEAD = """data: {inputs: [[1, 0.5, 2, 3]], targets: [1], shape: [2, 2]}
model:
  parameters: {W: [3, 2], U: [3, 3], P: [3, 3], v: 3}
  program: |
    h[0] = 0
"""
FAULTS = [
    (
        "    h[1] = U@h[0]\n    v'@h[end] + sum(W@x[0]) + P[0, 0]",
        "net.yaml:6:6: model.program: h[1] is no step that a statement gives\n  h[1] = U@h[0]\n   ^^^\n"
        "  hint: h[t] = ..., or h[0] = 0; h[t+1] = ...",
    ),
    (
        "    g[t+1] = tanh(W@x[t] + U@g[t] + P@v)\n    v'@g[end]",
        "net.yaml:6:30: g[t] at t = 0 needs g[0]\n  g[t+1] = tanh(W@x[t] + U@g[t] + P@v)\n"
        "                           ^^^^\n  hint: g[0] = 0 is what it begins with",
    ),
    (
        "    h[t+1] = tanh(W@x[t] + U@h[t] + P[t])\n    v'@h[end]",
        "net.yaml:6:37: t has two lengths: 2 in x[t], 3 in P[t]\n  h[t+1] = tanh(W@x[t] + U@h[t] + P[t])\n"
        "                                  ^^^^",
    ),
    (
        "    h[t+1] = tanh(W@x[t] + U@h[t] + P@v)\n    v'@h[t]",
        "net.yaml:7:8: h[t] stands outside of a loop\n  v'@h[t]\n     ^^^^\n  hint: mean_t(h[t]), or h[end]",
    ),
    (
        "    h[t+1] = tanh(W@x[0] + U@h[t] + P@v)\n    v'@h[end]",
        "net.yaml:5:5: nothing says how many steps there are: no x[t]\n  h[0] = 0\n  ^^^^^^^^\n"
        "  hint: x[t] is a row of x, where data.shape is [steps, numbers]",
    ),
    (
        "    h[t+1] = tanh(W@x[t] + U@h[t] + P@v)\n    v'@h[7]",
        "net.yaml:7:8: there is no h[7]\n  v'@h[7]\n     ^^^^",
    ),
    (
        "    h[t+1] = tanh(W@x[t] + U@x[t] + P@v)\n    v'@h[end]",
        "net.yaml:6:28: a 3x3 matrix times a vector of 2: 3 columns meet 2 rows\n"
        "  h[t+1] = tanh(W@x[t] + U@x[t] + P@v)\n                         ^^^^^^",
    ),
    (
        "    g[0] = x[0]\n    g[t+1] = tanh(W@x[t] + U@P@v) + sum(g[t])\n    v'@g[end]",
        "net.yaml:6:5: g begins with a vector of 2 and goes on with a vector of 3\n  g[0] = x[0]\n"
        "  ^^^^^^^^^^^",
    ),
    (
        "    h[t+1] = tanh(W@x[t] + U@h[t-1] + P[t])\n    k[t] = U@x[t]\n    v'@h[end] + h[9] + sum(v)",
        "net.yaml:6:39: t has two lengths: 2 in x[t], 3 in P[t]\n  h[t+1] = tanh(W@x[t] + U@h[t-1] + P[t])\n"
        "                                    ^^^^\nbackprop: error: "
        "net.yaml:6:30: h[t-1] at t = 0 needs h[-1]\n  h[t+1] = tanh(W@x[t] + U@h[t-1] + P[t])\n"
        "                           ^^^^^^\nbackprop: error: "
        "net.yaml:8:17: there is no h[9]\n  v'@h[end] + h[9] + sum(v)\n              ^^^^\nbackprop: error: "
        "net.yaml:7:12: a 3x3 matrix times a vector of 2: 3 columns meet 2 rows\n"
        "  k[t] = U@x[t]\n         ^^^^^^",
    ),
    (
        "    k[t] = x[s]\n    h[t+1] = U@h[t-1]\n    v'@h[end] + sum(W) + P[0, 0]",
        "net.yaml:6:14: model.program: s is no parameter and no statement\n  k[t] = x[s]\n           ^\n"
        "  hint: steps are counted by t: x[t]",
    ),
    (
        "    h[t+1] = tanh(W@x[t] + U@h[t])\n    h[0] = 1\n    v'@h[end] + P[0, 0]",
        "net.yaml:7:5: h[0] is assigned twice, first in h[0] = 0\n  h[0] = 1\n  ^^^^\n"
        "  hint: a name stands for one number: use another name",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("program", "message"), FAULTS, ids=[message[:50] for _, message in FAULTS])
def test_faults_have_their_place_once(program: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        problem_of(HEAD + program)
    assert str(caught.value) == message


def test_numbers_of_a_program_are_fixed() -> None:
    """What is built from numbers alone is no input, within a loop and outside."""
    text = "data: {inputs: [[3, 4]], targets: [1]}\nmodel:\n  parameters: {w: {init: 2}}\n  program: |\n"
    program = "    k = 5; c = [1, 2]\n    s[-1] = 10\n    s[t] = s[t-1] + k*x[t]\n    w*s[end] + c[1]"
    assert problem_of(text + program).network.lower(1, training=True).shapes.keys() == {"x", "w", "t"}
    made = whole_step(problem_of(text + program, "optimizer=sgd"))
    assert made.step.before == pytest.approx((2 * (10 + 5 * 3 + 5 * 4) + 2 - 1) ** 2)


def test_outputs_and_losses_over_steps() -> None:
    """A sequence is the list of its steps, and a loss over steps has their mean."""
    text = """data: {inputs: [[1, 2, 3]], targets: [[2, 3, 5]]}
model:
  parameters: {w: {init: 0.5}}
  program: |
    p[t] = w*x[t]
    loss[t] = (p[t] - y[t])^2
"""
    made = whole_step(problem_of(text, "optimizer=sgd"))
    assert made.step.before == pytest.approx(
        np.mean([(0.5 * x - y) ** 2 for x, y in ((1, 2), (2, 3), (3, 5))])
    )
    assert made.problem.network.reading.recurrence.sequences.keys() == {"p", "loss"}


GATED = """
model:
  dims: {{H: {units}}}
  parameters:
    W: {{shape: [3*H, {width}], init: {{uniform: 0.3}}}}
    U: {{shape: [3*H, H], init: {{uniform: 0.3}}}}
    b: 3*H
    c: 3*H
    v: {{shape: H, init: {{uniform: 0.3}}}}
    d: []
  program: |
{gru}
    {output}
training: {{epochs: 1, batch_size: {batch}, gradient_clip: 1.0}}
optimizer: {{type: adam, learning_rate: 0.005}}
"""


def learned(tmp_path: Path, x: Any, y: Any, *overrides: str, **settings: Any) -> float:
    """Train on one pass over rows; return the loss of the last of them, which are held out."""
    np.savez(tmp_path / "train.npz", inputs=x[:-1000], targets=y[:-1000])
    np.savez(tmp_path / "test.npz", inputs=x[-1000:], targets=y[-1000:])
    path, shape = tmp_path / "net.yaml", list(x.shape[1:])
    path.write_text(
        f"data: {{path: train.npz, test_path: test.npz, validation_split: 0, shape: {shape}, scaling: none}}"
        + GATED.format(gru=GRU.strip("\n"), **settings)
    )
    problem = assemble(load(str(path), overrides))
    training = Training(problem)
    for _ in training.run(lambda: False):
        pass
    assert problem.test is not None
    loss = training.runner.predict(problem.test.encoded, problem.test.targets).loss
    assert loss is not None
    return loss


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(3))
def test_the_adding_problem_is_learned(tmp_path: Path, seed: int) -> None:
    """The sum of two marked numbers of twenty; their variance is 1/6 (Hochreiter and Schmidhuber 1997)."""
    rng = np.random.default_rng(seed)
    numbers, marks = rng.random((20_200, 20)), np.zeros((20_200, 20))
    for row in marks:
        row[rng.choice(20, 2, replace=False)] = 1.0
    x = np.stack([numbers, marks], axis=-1)
    sizes = {"units": 32, "width": 2, "batch": 32, "output": "y = v'@h[end] + d"}
    assert learned(tmp_path, x, (numbers * marks).sum(axis=1), f"seed={seed}", **sizes) <= 0.004


@pytest.mark.nightly
def test_running_parity_is_learned(tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 2, (97_000, 10))
    sizes = {"units": 8, "width": 1, "batch": 64, "output": "y[t] = v'@h[t+1] + d"}
    parity = (np.cumsum(x, axis=1) % 2).astype(float)
    rows = x[:, :, None].astype(float)
    assert learned(tmp_path, rows, parity, "loss=binary_cross_entropy", **sizes) <= 0.002


STEPS = """data: {inputs: [[1, 2]], targets: [[2, 3]]}
model:
  parameters: {w: {init: 0.5}, u: {init: 0.3}}
  program: |
    k = w^2
    s[-1] = 0
    s[t] = tanh(k*x[t] + s[t-1])
    p[t] = u*s[t]
    loss[t] = (p[t] - y[t])^2
"""
NUMBERS = ("name", "shape", "value", "gradient")


def test_one_step_of_a_loop_is_drawn(run: Callable[..., Any], tmp_path: Path) -> None:
    """Its numbers and arrows are those of the whole drawing; only what brings steps together is in none."""
    path = tmp_path / "steps.yaml"
    path.write_text(STEPS)

    def drawn(*words: str) -> dict[str, Any]:
        done = run("graph", str(path), *words, "--format", "json").answered()
        assert ("the last of 2 steps; --step all" in done.err) == (not words)
        found: dict[str, Any] = json.loads(done.out)
        return found

    whole = drawn("--step", "all")
    nodes = {node["id"]: node for node in whole["nodes"]}
    edges = {(edge["source"], edge["target"]): edge for edge in whole["edges"]}
    seen: set[int] = set()
    for t, words in enumerate((["--step", "0"], [])):
        part = drawn(*words)
        assert (part["step"], part["steps"]) == (t, 2)
        comes = {node["name"]: node["comes"] for node in part["nodes"] if "comes" in node}
        assert comes == {f"s[{t - 1}]": f"from t = {t - 1}" if t else "before the first step"}
        goes = {node["name"]: node["goes"] for node in part["nodes"] if "goes" in node}
        assert goes == ({} if t else {"s[0]": "to t = 1"})
        for node in part["nodes"]:
            if node["id"] in nodes or node["name"] != "s[-1]":  # a number is no box of the whole
                seen.add(node["id"])
                known = nodes[node["id"]]
                assert [node[k] for k in NUMBERS] == [known[k] for k in NUMBERS]
        for edge in part["edges"]:
            known = edges.get((edge["source"], edge["target"]))
            # from a loss past the sum of all, and from what is a number, there is no arrow in the whole
            plain = edge["symbol"] is None or edge["source"] not in nodes
            assert known == edge or plain or (known is not None and known["symbol"] is None)
    assert {nodes[id]["text"] for id in nodes.keys() - seen} == {"loss[0] + loss[1]", "[p[0], p[1]]"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--step", "2"], "--step 2: the loop has the steps t = 0 to 1"),
        (["--step", "first"], "--step takes a number, or all, not first"),
        (["--step", "1", "--path", "w"], "--path goes through all steps, --step draws one"),
    ],
)
def test_no_such_step_is_drawn(run: Callable[..., Any], tmp_path: Path, words: list[str], said: str) -> None:
    (tmp_path / "steps.yaml").write_text(STEPS)
    done = run("graph", str(tmp_path / "steps.yaml"), *words)
    assert (done.status, said in done.err) == (2, True)


def test_one_step_of_a_loop_is_written_out() -> None:
    """Its lines are those of the whole; what comes from the step before is given."""
    problem = problem_of(STEPS, "optimizer=sgd")
    whole = write_out(problem)
    assert whole.loop is None
    steps = [write_out(problem, step=t) for t in range(2)]
    for part in ("forward", "deltas"):
        lines = {line.name.text: line for line in getattr(whole, part)}
        found = [{line.name.text: line for line in getattr(step, part)} for step in steps]
        assert found[0].keys() | found[1].keys() == lines.keys()
        own = {"forward": {"k", "loss"}, "deltas": {"dE/dk", "dE/dloss"}}[part]
        given = {name for name, line in found[1].items() if line.remark == "from t = 0"}
        assert given == ({"s[0]"} if part == "forward" else set())
        assert found[0].keys() & found[1].keys() == own | given
        assert all(line == lines[name] for one in found for name, line in one.items() if name not in given)
    for step in steps:
        assert [(line.name, line.value) for line in step.gradients] == [
            (line.name, line.value) for line in whole.gradients
        ]
        assert step.updates == whole.updates
    assert steps[1].loop == ((1,), 2)


def test_of_many_steps_the_ends_are_written_out(run: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "long.yaml"
    path.write_text(STEPS.replace("[[1, 2]]", str([[1] * 60])).replace("[[2, 3]]", str([[1] * 60])))
    done = run("trace", str(path), "optimizer=sgd").answered()
    assert "of the loop t = 0, 1 and 59 of 0 to 59; --step T writes another one out" in done.out
    assert "(from t = 58)" in done.out
    claims = ["--claim", "s[30]=0.9999", "--claim", "s[0]=0.244919", "optimizer=sgd"]
    assert "right to 6 digits" in run("check", str(path), *claims).out
    refused = run("trace", str(path), "--step", "60", "optimizer=sgd")
    assert (refused.status, "--step 60: the loop has the steps t = 0 to 59" in refused.err) == (2, True)


HOISTED = """
    z = x@W'
    h[0] = 0
    h[t+1] = tanh(z[t] + U@h[t])
    loss = sum(z[0]) + (sum(h[end]) + sum_t(z[t][0]*z[t][1]) - y)^2
"""


def test_slopes_by_steps_are_put_in_their_place() -> None:
    """What is computed for all steps at once gets its slopes step by step: work grows as the steps do."""
    work = []
    for steps in (10, 20):
        x = [0.1 * math.cos(k) for k in range(2 * steps)]
        text = f"data: {{inputs: [{x}], targets: [1], shape: [{steps}, 2]}}\nmodel:\n"
        text += f"  parameters: {{W: [3, 2], U: [3, 3]}}\n  program: |{HOISTED}"
        problem = problem_of(text.replace("loss =", "g = sum(h[end])\n    loss =", 1), "optimizer=sgd")
        assert all(checked.agree for checked in check_gradients(problem))
        calls = Training(problem).runner.bound(1, training=True).plan._steps._calls
        work.append(sum(max(np.size(x) for x in arguments) for _, arguments in calls))
    assert work[1] < 2.2 * work[0]
