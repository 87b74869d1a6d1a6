"""The rules of a network's layers: the network as a program of arrays, and the formulas of that program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backprop_cli.differentiation.arrays import differentiate_arrays
from backprop_cli.differentiation.symbolic.session import SESSION
from backprop_cli.errors import Source
from backprop_cli.language.settle import read_arrays
from backprop_cli.networks.program import array_program
from backprop_cli.training.problem import assembled
from backprop_cli.training.step import whole_step
from backprop_cli.training.trace import rules_of_layers

SAMPLES = Path(__file__).resolve().parent.parent / "sample_inputs"


def test_the_rules_of_layers(run: Any) -> None:
    hand, xor = (str(SAMPLES / f"{name}.yaml") for name in ("hand", "xor"))
    told = run("explain", hand).answered().out
    for line in (
        "as a program: z1 = W1@x + b1; y1 = relu(z1); z2 = W2@y1 + b2; y2 = relu(z2); E = mean((y2 - t)^2)",
        "dE/dy2 = y2 - t = [-0.5  -0.5]",
        "delta2 = dE/dz2 = dE/dy2*where(z2 > 0, 1, 0) = [0  -0.5]",
        "dE/db2 = delta2 = [0  -0.5]",
        "dE/dW2 = delta2@y1' = [    0]",
        "  dE/dW2[i,j] = delta2[i]*y1[j]",
        "  dE/dW2[0,0] = 0*0.5 = 0",
        "dE/dy1 = W2'@delta2 = [-0.5]",
        "  dE/dy1[j] = sum_i W2[i,j]*delta2[i]",
        "  dE/dy1[0] = -1*0 + 1*(-0.5) = -0.5",
        "  dE/dW1[i,j] = delta1[i]*x[j]",
        "dE/dx = W1'@delta1 = [-0.25  -0.5  0.25]",
    ):
        assert line in told.splitlines()
    facts = run("explain", xor, "--format", "json").answered().json
    rules = {rule["name"]: rule for rule in facts["layer_rules"]}
    assert rules["delta2"]["formula"] == "(softmax(z2) - t)/4"  # a batch of 4 rows
    assert rules["delta2"]["meaning"] == "dE/dz2"
    assert rules["dE/dW1"]["formula"] == "delta1'@x"
    assert rules["dE/db1"]["formula"] == "colsum(delta1)"
    assert rules["dE/dy1"]["formula"] == "delta2@W2"
    assert rules["dE/dW1"]["index_formula"] == "dE/dW1[k,j] = sum_i x[i,j]*delta1[i,k]"
    assert "Layer by layer" not in run("explain", hand, "--detail", "short").answered().out
    assert "Layer by layer" not in run("explain", hand, "--wrt", "linear1[0].w[0]").answered().out


LAYERS = {
    "dropout": "layers: [{type: linear, units: 3, activation: tanh}, {type: dropout}, {type: linear}]",
    "penalty": "hidden: [3]",
    "silu": "layers: [{type: linear, units: 3, activation: silu}, {type: linear}]",
    "normalised": "layers: [{type: linear, units: 3}, {type: layer_norm}, {type: linear}]",
}
CONFIG = """
data: {inputs: [[1, 0.5], [0.2, -1], [0.4, 2]], targets: [[0.5, 1], [1, 0], [-1, 2]]}
model:
  %s
loss: %s
regularization: {l2: 0.01, l1: 0.02}
optimizer: {type: sgd, learning_rate: 0.1}
training: {epochs: 1, batch_size: full, shuffle: false}
seed: 1
"""


@pytest.mark.parametrize("loss", ["mse", "mae", "huber", "half_sse"])
@pytest.mark.parametrize("name", LAYERS)
def test_networks_are_programs(name: str, loss: str, tmp_path: Path) -> None:
    """Value and gradient of the program are those of training; layers without a word for them have none."""
    config = tmp_path / "net.yaml"
    config.write_text(CONFIG % (LAYERS[name], loss))
    with assembled(str(config), []) as problem:
        made = whole_step(problem)
        found = array_program(made.bound.lowered, {**made.old, **made.batch})
        if name == "normalised":
            assert found is None
            return
        assert found is not None
        shapes = {name: x.shape for name, x in found.values.items()}
        program = read_arrays(Source(found.text), shapes, found.values)
        report = differentiate_arrays(program, found.values, methods=("reverse",), formulas=False)
        assert report.value == pytest.approx(made.step.before, rel=1e-12)
        for parameter, gradient in made.gradients.items():
            ours = report.gradient[found.names[parameter]]
            np.testing.assert_allclose(ours, gradient, rtol=1e-10, atol=1e-14)
        with SESSION.lend() as process:
            assert rules_of_layers(made, process) is not None
