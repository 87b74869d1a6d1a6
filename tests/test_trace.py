"""``backprop trace``: a step as it is done by hand, and every line of it true."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
import sys
from decimal import ROUND_HALF_DOWN, ROUND_HALF_UP, Context, Decimal
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from backprop_cli.explanation.expr import Apply, Number, Ref
from backprop_cli.explanation.names import Name
from backprop_cli.explanation.paper import Paper, evaluate
from backprop_cli.language.lower import constant
from backprop_cli.networks.point import NetworkPoint
from backprop_cli.networks.unrolled import PARTS
from backprop_cli.render.trace import document
from backprop_cli.render.writers import write
from backprop_cli.render.written import Style, expression, name_to_latex
from backprop_cli.training import trace
from backprop_cli.training.config import loads
from backprop_cli.training.problem import assemble
from backprop_cli.training.step import Made

# The worked example of "Understanding Backpropagation with Simple Derivatives".
HAND = """\
data: {inputs: [[1, 0.5, 1]], targets: [[0.5, 1]]}
model:
  layers:
    - {type: linear, units: 1, activation: relu, weights: [[0.5, 1, -0.5]], bias: [0]}
    - {type: linear, units: 2, activation: relu, weights: [[-1], [1]], bias: [0, 0]}
loss: mse
optimizer: {type: sgd, learning_rate: 0.1}
training: {epochs: 10, batch_size: full, shuffle: false}
"""

SAMPLES = Path(__file__).resolve().parent.parent / "sample_inputs"

# Matt Mazur, "A Step by Step Backpropagation Example".
MAZUR = """\
data: {inputs: [[0.05, 0.10]], targets: [[0.01, 0.99]]}
model:
  layers:
    - {type: linear, units: 2, activation: sigmoid, weights: [[0.15, 0.20], [0.25, 0.30]],
       bias: [0.35, 0.35], frozen: [bias]}
    - {type: linear, units: 2, activation: sigmoid, weights: [[0.40, 0.45], [0.50, 0.55]],
       bias: [0.60, 0.60], frozen: [bias]}
loss: half_sse
optimizer: {type: sgd, learning_rate: 0.5}
training: {epochs: 10000, batch_size: full, shuffle: false}
"""


def config(
    rows: int,
    inputs: int,
    layers: str,
    loss: str,
    *,
    outputs: int = 2,
    classes: str = "",
    more: str = "optimizer: {type: sgd, learning_rate: 0.1}\ntraining: {batch_size: full}",
    shape: str = "",
) -> str:
    rng = np.random.default_rng(7)
    x = rng.normal(size=(rows, inputs)).round(3).tolist()
    t = (
        [classes[i % len(classes)] for i in range(rows)]
        if classes
        else rng.normal(size=(rows, outputs)).round(3)
    )
    targets = t if isinstance(t, list) else t.tolist()
    return (
        f"data: {{inputs: {json.dumps(x)}, targets: {json.dumps(targets)}{shape}}}\n"
        f"model: {{layers: [{layers}]}}\nloss: {loss}\n{more}\n"
    )


def dense(units: int, activation: str | None = None) -> str:
    return f"{{type: linear, units: {units}{f', activation: {activation}' if activation else ''}}}"


NETWORKS = {
    "tanh": config(3, 2, f"{dense(3, 'tanh')}, {dense(2)}", "mse"),
    "gelu and softmax": config(2, 2, f"{dense(3, 'gelu')}, {dense(2, 'softmax')}", "mse"),
    "mae": config(3, 2, f"{dense(3, 'elu')}, {dense(2)}", "mae"),
    "own loss": config(
        5,
        2,
        f"{dense(3, 'tanh')}, {dense(2)}",
        '{formula: "max(0, abs(y - t) - w, t*w)^2 + min(y, t, w)", w: 0.3}',
    ),
    "huber": config(5, 2, f"{dense(3, 'leaky_relu')}, {dense(2)}", "{type: huber, delta: 0.3}"),
    "penalties": config(
        3,
        2,
        f"{dense(3, 'silu')}, {dense(2, 'softplus')}",
        "sse",
        more="regularization: {l1: 0.01, l2: 0.1}\noptimizer: {type: sgd, learning_rate: 0.05}\n"
        "training: {batch_size: 2, shuffle: true}",
    ),
    "cross-entropy": config(
        6, 2, f"{dense(3, 'relu')}, {dense(3, 'softmax')}", "cross_entropy", classes="abc"
    ),
    "binary": config(
        4, 2, f"{dense(3, 'sigmoid')}, {dense(1, 'sigmoid')}", "binary_cross_entropy", classes="ny"
    ),
    "clipped adam": config(
        6,
        2,
        f"{dense(3, 'relu')}, {dense(3)}",
        "cross_entropy",
        classes="abc",
        more="optimizer: adam\ntraining: {batch_size: 2, gradient_clip: 0.1}",
    ),
    "momentum": config(
        4,
        2,
        f"{dense(3, 'atan')}, {dense(2)}",
        "half_sse",
        more="optimizer: {type: sgd, learning_rate: 0.1, momentum: 0.9}\ntraining: {batch_size: full}",
    ),
    "dropout": config(3, 2, f"{dense(4, 'tanh')}, {{type: dropout, rate: 0.5}}, {dense(2)}", "mse"),
    "batch_norm": config(
        3, 2, f"{dense(3)}, {{type: batch_norm}}, {{type: activation, activation: relu}}, {dense(2)}", "mse"
    ),
    "layer_norm": config(3, 3, f"{dense(4, 'tanh')}, {{type: layer_norm}}, {dense(2)}", "mse"),
    "averages": config(
        2,
        16,
        "{type: layer_norm, axes: last}, {type: average_pool2d}, {type: layer_norm}, "
        f"{{type: flatten}}, {dense(2)}",
        "mse",
        shape=", shape: [1, 4, 4]",
    ),
    "softmax inside": config(3, 2, f"{{type: batch_norm}}, {dense(2, 'softmax')}, {dense(2)}", "mse"),
    "convolution": config(
        2,
        16,
        "{type: conv2d, channels: 2, kernel_size: 3, padding: 1, activation: relu}, {type: max_pool2d}, "
        f"{{type: batch_norm}}, {{type: flatten}}, {dense(2)}",
        "mse",
        shape=", shape: [1, 4, 4]",
    ),
    "conv1d": config(
        3,
        10,
        "{type: conv1d, channels: 2, kernel_size: 4, padding: 1, activation: tanh}, {type: batch_norm}, "
        f"{{type: conv1d, channels: 1, kernel_size: 2, stride: 2}}, {{type: flatten}}, {dense(2)}",
        "mse",
        shape=", shape: [2, 5]",
    ),
    "strides": config(
        3,
        16,
        "{type: conv2d, channels: 2, kernel_size: 2, stride: 2, activation: tanh}, "
        f"{{type: max_pool2d, kernel_size: 2, stride: 1}}, {{type: flatten}}, {dense(2)}",
        "mse",
        shape=", shape: [1, 4, 4]",
    ),
    "padding": config(
        2,
        4,
        "{type: conv2d, channels: 1, kernel_size: 1, stride: 2, padding: 1, bias: [0.2]}, "
        f"{{type: conv2d, channels: 2, kernel_size: 1, stride: 2}}, {{type: flatten}}, {dense(2)}",
        "mse",
        shape=", shape: [1, 2, 2]",
    ),
    "formula": """\
data: {inputs: [[0], [1], [2]], targets: [2.9, 1.7, 1.1]}
model: {formula: "y ~ a*exp(-b*x) + c^2/3", parameters: {a: 1.0, b: 0.1, c: 0.2}}
optimizer: {type: sgd, learning_rate: 0.01}
regularization: {l2: 0.1}
training: {batch_size: full}
""",
}


def problem(text: str, *overrides: str):
    return assemble(loads(text, "x.yaml", overrides))


def by_name(lines) -> dict[str, float]:
    return {line.name.text: line.value for line in lines}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "hand.yaml").write_text(HAND)
    (tmp_path / "mazur.yaml").write_text(MAZUR)
    for name, text in NETWORKS.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


# --- numbers of known origin -------------------------------------------------------------------


def test_the_worked_example():
    found = trace.write_out(problem(HAND))
    assert by_name(found.forward) == {
        "linear1[0].z": 0.5,
        "linear1[0].y": 0.5,
        "linear2[0].z": -0.5,
        "linear2[0].y": 0.0,
        "linear2[1].z": 0.5,
        "linear2[1].y": 0.5,
    }
    assert by_name(found.loss) == {"E": 0.25}
    assert list(by_name(found.deltas).items()) == [
        ("linear2[0]: dE/dy", -0.5),
        ("linear2[0]: dy/dz", 0.0),
        ("linear2[0]: dE/dz", 0.0),
        ("linear2[1]: dE/dy", -0.5),
        ("linear2[1]: dy/dz", 1.0),
        ("linear2[1]: dE/dz", -0.5),
        ("linear1[0]: dE/dy", -0.5),
        ("linear1[0]: dy/dz", 1.0),
        ("linear1[0]: dE/dz", -0.5),
    ]
    assert by_name(found.gradients) == {
        "linear1[0]: dE/dw[0]": -0.5,
        "linear1[0]: dE/dw[1]": -0.25,
        "linear1[0]: dE/dw[2]": -0.5,
        "linear1[0]: dE/db": -0.5,
        "linear2[0]: dE/dw[0]": 0.0,
        "linear2[0]: dE/db": 0.0,
        "linear2[1]: dE/dw[0]": -0.25,
        "linear2[1]: dE/db": -0.5,
    }
    assert [u.new for u in found.updates] == [0.55, 1.025, -0.45, 0.05, -1.0, 0.0, 1.025, 0.05]
    assert (found.step.before, found.step.after) == (0.25, 0.16170356445312498)


@pytest.mark.parametrize(("step", "loss"), [(2, 0.1344971233886906), (10, 0.12500004905433776)])
def test_later_steps(step, loss):
    found = trace.write_out(problem(HAND), at_step=step)
    assert found.step.after == pytest.approx(loss, rel=1e-15)
    assert (found.step.step, found.step.epoch) == (step, step)


def test_the_classic_example():
    found = trace.write_out(problem(MAZUR))
    assert found.step.before == pytest.approx(0.2983711087600027, rel=1e-14)
    assert found.step.after == pytest.approx(0.29102777369359933, rel=1e-14)
    new = {u.name.text: u.new for u in found.updates if not u.frozen}
    assert new == pytest.approx(
        {
            "linear1[0].w[0]": 0.149780716133,
            "linear1[0].w[1]": 0.199561432266,
            "linear1[1].w[0]": 0.249751143632,
            "linear1[1].w[1]": 0.299502287265,
            "linear2[0].w[0]": 0.358916479718,
            "linear2[0].w[1]": 0.408666186076,
            "linear2[1].w[0]": 0.511301270239,
            "linear2[1].w[1]": 0.561370121108,
        },
        abs=1e-12,
    )
    values = by_name(found.forward)
    assert values["linear1[0].z"] == pytest.approx(0.3775)
    assert values["linear1[0].y"] == pytest.approx(0.593269992, abs=1e-9)
    assert values["linear2[0].y"] == pytest.approx(0.75136507, abs=1e-8)
    assert values["linear2[1].y"] == pytest.approx(0.772928465, abs=1e-9)
    slopes = by_name(found.deltas)
    assert slopes["linear2[0]: dE/dz"] == pytest.approx(0.138498562, abs=1e-9)
    assert slopes["linear1[0]: dE/dy"] == pytest.approx(0.036350306, abs=1e-9)
    gradients = by_name(found.gradients)
    assert gradients["linear2[0]: dE/dw[0]"] == pytest.approx(0.082167041, abs=1e-9)
    assert gradients["linear1[0]: dE/dw[0]"] == pytest.approx(0.000438568, abs=1e-9)
    assert [u.old for u in found.updates if u.frozen] == [0.35, 0.35, 0.6, 0.6]
    last = trace.write_out(problem(MAZUR), at_step=10_000)
    assert last.step.after == pytest.approx(3.510187783e-05, rel=1e-9)


def test_the_classic_example_on_paper():
    """Done with a pocket calculator, writing down three decimals after every operation."""
    found = trace.write_out(problem(MAZUR), decimals=3)
    assert list(by_name(found.forward).values()) == [0.378, 0.593, 0.393, 0.597, 1.106, 0.751, 1.225, 0.773]
    assert by_name(found.loss) == {"E": 0.298}
    assert list(by_name(found.deltas).values()) == [
        *(0.741, 0.187, 0.139, -0.217, 0.175, -0.038),
        *(0.037, 0.241, 0.009, 0.042, 0.241, 0.01),
    ]
    assert list(by_name(found.gradients).values()) == [0.0, 0.001, 0.001, 0.001, 0.082, 0.083, -0.023, -0.023]
    new = [u.new for u in found.updates if not u.frozen]
    assert new == [0.15, 0.199, 0.249, 0.299, 0.359, 0.408, 0.512, 0.562]
    assert (found.step.before, found.step.after) == (0.298, 0.291)


@pytest.mark.parametrize(
    ("x", "decimals", "rounded"),
    [
        (0.0075, 3, 0.008),  # half away from zero, as in school
        (-0.0125, 3, -0.013),
        (0.15 * 0.05, 3, 0.008),  # the float product is 0.0075 give or take its last bit
        (2.675, 2, 2.68),  # the float is 2.67499999...
        (-0.0004, 3, 0.0),
        (1e300, 3, 1e300),
        (1234.5, 0, 1235.0),
    ],
)
def test_rounding_as_on_paper(x, decimals, rounded):
    assert Paper(decimals)(x) == rounded


# --- every line is true ------------------------------------------------------------------------


@pytest.mark.parametrize("name", NETWORKS)
def test_deltas_are_those_of_the_array_plan(name):
    made = Made(problem(NETWORKS[name]), 2)
    unrolled = made.unrolled(Paper())
    point = NetworkPoint(unrolled).here
    assert point.value == pytest.approx(made.step.before, rel=1e-12)
    assert made.gradients
    for parameter, gradient in made.gradients.items():
        ids = unrolled.parameters[parameter]
        mine = np.array([point.cotangents[i] for i in ids.reshape(-1)]).reshape(gradient.shape)
        np.testing.assert_allclose(mine, gradient, rtol=1e-12, atol=1e-14)
    kept = made.kept()
    for node, label in unrolled.names.items():
        array = kept.lowered.graph.named.get(f"{label.layer}.{label.part}")
        if array is not None and point.active[node] and node in unrolled.row_of:
            place = (unrolled.row_of[node], *label.unit)
            assert point.values[node] == pytest.approx(kept.plan.value(array)[place], rel=1e-12, abs=1e-14)
            if node not in unrolled.predictions:
                slope = kept.plan.cotangent(array)[place]
                assert point.cotangents[node] == pytest.approx(slope, rel=1e-11, abs=1e-14), label


@pytest.mark.parametrize("name", [*NETWORKS, "hand", "mazur", "xor", "iris", "spirals"])
def test_single_numbers_compute_what_arrays_do(name):
    """Rows that run over arrays, run over numbers that are written down, give the same graph unrolled."""
    from backprop_cli.engine.run import run
    from backprop_cli.engine.sweep import active_nodes, sweep
    from backprop_cli.engine.unroll import unroll

    known = {**NETWORKS, "hand": HAND, "mazur": MAZUR}
    text = known[name] if name in known else (SAMPLES / f"{name}.yaml").read_text("utf-8")
    made = Made(problem(text), 2)
    lowered = made.bound.lowered
    arrays = lowered.graph
    found = unroll(arrays)
    graph = found.graph(int(found.ids(lowered.loss)))
    leaves = graph.constant_values()
    for leaf in lowered.shapes:
        ids = found.ids(arrays.inputs[leaf])
        array = {**made.old, **made.batch}[leaf]
        leaves |= dict(zip(ids.reshape(-1).tolist(), array.reshape(-1).tolist(), strict=True))
    values = run(graph, leaves)
    assert values[graph.output] == pytest.approx(made.step.before, rel=1e-14)
    slopes = np.array(sweep(graph, values, active_nodes(graph)))
    for parameter, gradient in made.gradients.items():
        mine = slopes[found.ids(arrays.inputs[parameter])]
        np.testing.assert_allclose(mine, gradient, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("decimals", [None, 3])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_line_computes_what_it_says(name, decimals):
    found = trace.write_out(problem(NETWORKS[name]), decimals=decimals)
    paper = Paper(decimals)
    lines = [*found.forward, *found.loss, *found.deltas, *found.gradients]
    assert len(lines) > 20
    for line in lines:
        for form in line.written:
            assert evaluate(form, paper) == pytest.approx(line.value, rel=1e-12, abs=1e-14), line.name.text
    for update in found.updates:
        for form in update.written:
            assert evaluate(form, paper) == pytest.approx(update.new, rel=1e-13, abs=1e-15)


@pytest.mark.parametrize(
    "name", ["tanh", "gelu and softmax", "huber", "cross-entropy", "batch_norm", "formula"]
)
def test_every_line_can_be_typed_into_eval(name):
    found = json.loads(write(document(trace.write_out(problem(NETWORKS[name]))), "json"))
    for part in ("forward", "loss_lines", "deltas", "gradients"):
        for line in found[part]:
            if line["numbers"] and "'" not in line["numbers"]:
                assert constant(line["numbers"]) == pytest.approx(line["value"], rel=1e-12, abs=1e-14), line


@pytest.mark.parametrize("name", NETWORKS)
def test_the_new_numbers_are_those_of_training(name):
    from backprop_cli.training.loop import Training

    made = problem(NETWORKS[name])
    training = Training(made)
    for _ in training.run(lambda: training.progress.step == 2):
        pass
    found = trace.write_out(made, at_step=2)
    values = {
        f"{p.layer}[{i[0]}].{PARTS[p.name.rpartition('.')[2]]}"
        + (f"[{','.join(map(str, i[1:]))}]" if i[1:] else "")
        if p.layer
        else p.name: training.runner.values[p.name][i]
        for p in made.network.parameters
        for i in np.ndindex(*p.shape)
    }
    assert {u.name.text: u.new for u in found.updates} == values


def test_clipping_is_written_out():
    found = trace.write_out(problem(NETWORKS["clipped adam"]))
    clip = found.clipping
    assert clip is not None
    assert clip.limit == 0.1
    assert clip.norm > 0.1
    lengths = sum(u.gradient**2 for u in found.updates if u.gradient is not None) ** 0.5
    assert lengths == pytest.approx(0.1, rel=1e-5)
    free = trace.write_out(problem(NETWORKS["clipped adam"], "training.gradient_clip=1000"))
    assert free.clipping is not None
    assert free.clipping.factor == 1.0


def test_rows_of_a_batch_are_those_of_training():
    text = NETWORKS["penalties"]  # batches of two, shuffled
    made = problem(text)
    seen = [trace.write_out(made, at_step=k).step.rows for k in (1, 2, 3)]
    assert [len(rows) for rows in seen] == [2, 1, 2]
    assert sorted(seen[0] + seen[1]) == [1, 2, 3]
    given = trace.write_out(made).given
    inputs = [[x for _, x in g.inputs] for g in given]
    assert inputs == [made.train.encoded[i - 1].tolist() for i in seen[0]]


def test_a_window_that_lies_in_padding_gives_the_bias():
    lines = {line.name.text: line for line in trace.write_out(problem(NETWORKS["padding"])).forward}
    (written,) = lines["conv2d1[0,0,0].z"].written
    assert expression(written, Style(None, symbols=True)) == "conv2d1[0].b"


def test_probabilities_are_the_same_on_paper_wherever_they_are_written():
    """By hand 0.80/2.91 is 0.27, not the 0.28 that rounding at the end would give."""
    text = (
        "data: {inputs: [[1]], targets: [[1.44, 0.38, -0.27]]}\n"
        "model: {layers: [{type: linear, activation: softmax, weights: [[0.28], [-0.22], [-0.24]]}]}\n"
        "loss: sse\noptimizer: {type: sgd, learning_rate: 0.1}\n"
    )
    found = trace.write_out(problem(text), decimals=2)
    assert by_name(found.forward)["linear1[1].y"] == 0.27
    for line in found.deltas:
        assert [evaluate(form, Paper(2)) for form in line.written] == [line.value] * len(line.written)


def test_many_rows_are_shown_in_part_and_still_add_up():
    found = trace.write_out(problem(NETWORKS["cross-entropy"]))
    assert found.shown == (0, 1)
    assert {line.row for line in found.forward} == {0, 1}
    assert found.gradients[0].remark == "the last term is the other 4 rows"
    third = trace.write_out(problem(NETWORKS["cross-entropy"]), row=3)
    assert {line.row for line in third.deltas} == {2}
    assert [line.value for line in third.gradients] == [line.value for line in found.gradients]


def test_one_layer_of_a_small_network_is_a_part_of_the_whole():
    whole, part = (trace.write_out(problem(HAND), layer=name) for name in (None, "linear1"))
    assert by_name(part.deltas).items() <= by_name(whole.deltas).items()
    assert [u.name.text for u in part.updates] == [f"linear1[0].{n}" for n in ("w[0]", "w[1]", "w[2]", "b")]
    assert part.loss == ()


@pytest.mark.parametrize("layer", ["linear1", "tanh1", "linear2"])
def test_one_layer_of_a_large_network_has_the_numbers_of_the_whole(layer):
    text = config(3, 20, f"{dense(20)}, {{type: activation, activation: tanh}}, {dense(2)}", "mse")
    made = Made(problem(text), 1)
    whole = made.unrolled(Paper())
    slopes = NetworkPoint(whole).here.cotangents
    known = {name: slopes[id] for id, name in whole.names.items() if whole.row_of.get(id, 0) == 0}
    found = trace.write_out(problem(text), layer=layer)
    deltas = [line for line in found.deltas if line.row == 0 and line.name.of == "E"]
    assert deltas or layer == "tanh1"
    for line in [*deltas, *found.gradients]:
        assert line.value == pytest.approx(known[line.name._replace(of="")], rel=1e-12), line.name
    given = [line for line in deltas if line.remark == "given by the layers after"]
    assert bool(given) == (layer == "linear1")
    assert found.step == made.step


def test_a_layer_alone_reads_the_layer_before():
    made = Made(problem(NETWORKS["tanh"]), 1)
    for layer, first in (("linear1", "x[0]"), ("linear2", "linear1[0].y")):
        alone = made.unrolled(Paper(), layer)
        read = [
            name.text
            for id, name in alone.names.items()
            if name.part in ("x", "y") and not alone.graph.nodes[id].op
        ]
        assert read[0] == first


def test_conventions_at_kinks_are_said():
    text = HAND.replace("[[0.5, 1, -0.5]]", "[[0, 0, 0]]")
    found = trace.write_out(problem(text))
    remarks = {line.name.text: line.remark for line in found.deltas if line.remark}
    assert remarks == dict.fromkeys(
        ["linear2[0]: dy/dz", "linear2[1]: dy/dz", "linear1[0]: dy/dz"], "by convention relu'(0) = 0"
    )


# --- how it is written -------------------------------------------------------------------------


def test_names():
    w = Name("w", "linear1", (0,), (2,))
    assert (w.text, w._replace(of="E").text) == ("linear1[0].w[2]", "linear1[0]: dE/dw[2]")
    assert (Name("x", place=(1,)).text, Name("v3", of="E").text) == ("x[1]", "dE/dv3")
    assert name_to_latex(w) == r"w_{0,2}^{\text{linear1}}"
    assert name_to_latex(Name("z", "linear1", (0,), of="y")) == (
        r"\frac{\partial y_{0}^{\text{linear1}}}{\partial z_{0}^{\text{linear1}}}"
    )


def test_expressions():
    a, b = Ref(Name("a"), -0.5), Ref(Name("b"), 2.0)
    product = Apply("multiply", (a, b))
    cases = [
        (Apply("add", (product, product)), "-0.5*2 + (-0.5)*2", r"-0.5 \cdot 2 + \left(-0.5\right) \cdot 2"),
        (Apply("power_n", (a, Number(2.0))), "(-0.5)^2", r"\left(-0.5\right)^{2}"),
        (Apply("subtract", (a, a)), "-0.5 - (-0.5)", r"-0.5 - \left(-0.5\right)"),
        (Apply("divide", (Apply("add", (a, b)), b)), "(-0.5 + 2)/2", r"\frac{-0.5 + 2}{2}"),
        (Apply("relu'", (a,)), "relu'(-0.5)", r"\operatorname{relu}'\left(-0.5\right)"),
        (Apply("abs", (a,)), "|-0.5|", r"\left|-0.5\right|"),
        (Apply("negative", (product,)), "-(-0.5*2)", r"-\left(-0.5 \cdot 2\right)"),
        (Apply("negative", (a,)), "-(-0.5)", r"-\left(-0.5\right)"),
    ]
    for expr, text, latex in cases:
        assert expression(expr, Style(6)) == text
        assert expression(expr, Style(6, latex=True)) == latex
    assert expression(product, Style(None, symbols=True)) == "a*b"


def test_long_sums_have_dots_but_for_programs():
    long = Apply("add", tuple(Number(float(i)) for i in range(30)))
    assert expression(long, Style(6)) == "0 + 1 + 2 + 3 + 4 + 5 + ... + 28 + 29"
    assert expression(long, Style(None)).count("+") == 29


@pytest.mark.usefixtures("folder")
def test_the_page(run):
    page = run("trace", "hand.yaml").answered().out
    assert "\x1b" not in page
    for line in (
        "hand: update 1 (epoch 1) on 1 row; mse, sgd with rate 0.1",
        "x = (1, 0.5, 1); target (0.5, 1)",
        "  linear1[0].z = 0.5*1 + 1*0.5 + (-0.5)*1 + 0 = 0.5",
        "  linear1[0].y = relu(0.5)                    = 0.5",
        "  E = 1/2*((0 - 0.5)^2 + (0.5 - 1)^2) = 0.25",
        "  linear1[0]: dE/dy = 0*(-1) + (-0.5)*1 = -0.5",
        "  linear2[1]: dE/db    = dE/dz    = -0.5",
        "  linear1[0].w[2] = -0.5 - 0.1*(-0.5) = -0.45",
        "E was 0.25; after the step, on the same rows, it is 0.161704",
    ):
        assert line in page.splitlines()
    rounded = run("trace", "mazur.yaml", "--digits", "3", "--round-each").answered().out
    assert "every result is rounded to 3 decimals" in rounded.splitlines()
    assert (
        "  linear1[0].z = 0.15*0.05 + 0.2*0.1 + 0.35 ~ 0.008 + 0.02 + 0.35   = 0.378" in rounded.splitlines()
    )
    assert "  linear1[0].b    = 0.35  (frozen)" in rounded.splitlines()


# what is printed, read again: by Python's own arithmetic, and by a network in NumPy

KNOWN = {name: getattr(math, name) for name in ("exp", "log", "tanh", "sqrt", "atan")}
KNOWN |= {"sigmoid": lambda x: 1 / (1 + math.exp(-x)), "relu": lambda x: max(x, 0.0), "abs": abs}
LINE = re.compile(r"\| `(.+?)` \| (.+?) \| ([≈] )?(\S+) \|")
FORM = re.compile(r"`([^`]+)`(?: ([=≈]))?")


def printed(text: str) -> dict[str, tuple[list[tuple[str, str]], float]]:
    """Return by name how each number of a page in Markdown comes about, form and sign, and the number."""
    found = {}
    for name, middle, about, value in LINE.findall(text):
        forms = FORM.findall(middle)
        if forms:
            forms[-1] = forms[-1][0], about.strip() or "="
        found[name] = forms, float(value)
    return found


def read(text: str) -> float | None:
    """Return what a calculation over numbers comes to; None where it has more in it than `KNOWN`."""
    words = {*re.findall(r"[A-Za-z_'][\w'.]*", re.sub(r"\d(e[+-]?\d+)", "0", text))}
    if not words <= {*KNOWN} or "..." in text or "dE" in text:
        return None
    plain = re.sub(r"\\\|(.+?)\\\|", r"abs(\1)", text).replace("^", "**")
    return eval(plain, {"__builtins__": {}}, KNOWN)


@pytest.mark.parametrize("options", [(2, None), (6, None), (6, 3)], ids=["two", "six", "paper"])
@pytest.mark.parametrize("name", ["hand", "mazur", *NETWORKS])
def test_equal_is_what_is_equal_in_the_digits_shown(name, options):
    digits, decimals = options
    text = {"hand": HAND, "mazur": MAZUR}.get(name) or NETWORKS[name]
    page = write(document(trace.write_out(problem(text), decimals=decimals), digits=digits), "markdown")
    count = 0
    for said, value in printed(page).values():
        numbers = [read(form) for form, _ in said]
        for k, (number, (_, sign)) in enumerate(zip(numbers, said, strict=True)):
            if number is None:
                continue
            count += 1
            if k + 1 < len(numbers):
                after = numbers[k + 1]
                assert after is not None
                assert (sign == "=") == math.isclose(number, after, rel_tol=1e-13, abs_tol=1e-15), said
                continue
            ways = ROUND_HALF_UP, ROUND_HALF_DOWN  # in the middle, both neighbours are right
            exact = Decimal(f"{number:.15g}" if abs(number) > 1e-15 else "0")
            rounded = [float(Context(digits, rounding=way).plus(exact)) for way in ways]
            again = rounded if decimals is None else [Paper(decimals)(number)]
            same = any(math.isclose(x, value, rel_tol=1e-12, abs_tol=1e-15) for x in again)
            assert (sign == "=") == (same and (value != 0 or abs(number) < 1e-12)), (said, value)
    assert count > 3
    shown = "numbers are shown rounded" if decimals is None else "every result is rounded to 3 decimals"
    assert (shown in page) == ("≈" in page)


SIGMOID = {
    "relu": (lambda z: np.maximum(z, 0), lambda z, y: (z > 0) * 1.0),
    "tanh": (np.tanh, lambda z, y: 1 - y * y),
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z, y: y * (1 - y)),
}
RULES = {
    "{type: sgd, learning_rate: 0.1}": lambda g: 0.1 * g,
    "{type: sgd, learning_rate: 0.1, momentum: 0.9}": lambda g: 0.1 * g,  # of a first update
    "{type: adam, learning_rate: 0.1}": lambda g: 0.1 * g / (np.abs(g) + 1e-8),
}


@pytest.mark.parametrize("seed", range(8))
def test_random_networks_in_numpy(seed):
    """Every number of a random network, as it is printed, is that of forward and backward pass in NumPy."""
    draw = np.random.default_rng(seed)
    sizes = draw.integers(1, 4, draw.integers(2, 5)).tolist()
    names = [*draw.choice([*SIGMOID], len(sizes) - 1)]
    loss, rule = draw.choice(["half_sse", "mse", "sse"]), list(RULES)[seed % 3]
    rows = int(draw.integers(1, 4))
    weights = [draw.normal(size=(b, a)).round(2) for a, b in pairwise(sizes)]
    biases = [draw.normal(size=b).round(2) for b in sizes[1:]]
    x, t = draw.normal(size=(rows, sizes[0])).round(2), draw.normal(size=(rows, sizes[-1])).round(2)
    layers = ", ".join(
        f"{{type: linear, units: {len(b)}, activation: {name}, weights: {w.tolist()}, bias: {b.tolist()}}}"
        for w, b, name in zip(weights, biases, names, strict=True)
    )
    text = (
        f"data: {{inputs: {x.tolist()}, targets: {t.tolist()}}}\nmodel: {{layers: [{layers}]}}\n"
        f"loss: {loss}\ntask: regression\noptimizer: {rule}\ntraining: {{batch_size: full, shuffle: false}}\n"
    )
    made = trace.write_out(problem(text))
    lines = [*made.forward, *made.deltas, *made.gradients]
    page = write(document(made), "markdown")
    for line in lines:  # each is printed, in the digits shown
        assert f"{float(f'{line.value:.6g}'):.6g}" in page.replace("e-0", "e-") or line.value == 0
    found = {(line.name.text, line.row): line.value for line in lines}

    ys, zs = [x], []
    for w, b, name in zip(weights, biases, names, strict=True):
        zs.append(ys[-1] @ w.T + b)
        ys.append(SIGMOID[name][0](zs[-1]))
    g = (ys[-1] - t) * {"half_sse": 1, "mse": 2 / t.size, "sse": 2}[loss]
    told = {m.name: np.asarray(m.value) for m in made.matrices}
    row = (lambda a: a[0]) if rows == 1 else (lambda a: a)
    for k in range(len(weights), 0, -1):
        delta = g * SIGMOID[names[k - 1]][1](zs[k - 1], ys[k])
        layer, own = f"linear{k}", str(k) if len(weights) > 1 else ""
        np.testing.assert_allclose(told[f"delta{own}"], row(delta), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(told[f"dE/dW{own}"], delta.T @ ys[k - 1], rtol=1e-9, atol=1e-12)
        for i, r in np.ndindex(len(biases[k - 1]), rows):
            near = partial(pytest.approx, rel=1e-9, abs=1e-12)
            assert found[f"{layer}[{i}].z", r] == near(zs[k - 1][r, i])
            assert found[f"{layer}[{i}].y", r] == near(ys[k][r, i])
            assert found[f"{layer}[{i}]: dE/dz", r] == near(delta[r, i])
        for (i, j), slope in np.ndenumerate(delta.T @ ys[k - 1]):
            assert found[f"{layer}[{i}]: dE/dw[{j}]", None] == pytest.approx(slope, rel=1e-9, abs=1e-12)
            update = next(u for u in made.updates if u.name.text == f"{layer}[{i}].w[{j}]")
            new = weights[k - 1][i, j] - RULES[rule](slope)
            assert update.new == pytest.approx(new, rel=1e-9, abs=1e-12)
        g = delta @ weights[k - 1]
        if k > 1:
            np.testing.assert_allclose(told[f"dE/dy{k - 1}"], row(g), rtol=1e-9, atol=1e-12)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("width", [80, 110])
@pytest.mark.parametrize("name", ["clipped adam", "batch_norm", "formula"])
def test_lines_fit_a_terminal(name, width, monkeypatch):
    from backprop_cli.render.terminal import Screen
    from backprop_cli.render.writers import terminal

    monkeypatch.setattr(terminal, "screen_for", lambda to_file=False: Screen(width))
    page = write(document(trace.write_out(problem(NETWORKS[name]))), "table")
    widest = max(page.splitlines(), key=len)
    assert 60 < len(widest) <= width, widest


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("name", [*NETWORKS, "hand", "mazur"])
def test_latex_is_well_formed(run, name, tmp_path):
    text = run("trace", f"{name}.yaml", "--format", "latex").answered().out
    text += run("trace", f"{name}.yaml", "--table", "--format", "latex").answered().out
    for pair in (("{", "}"), (r"\left", r"\right")):
        assert text.count(pair[0]) == text.count(pair[1])
    open_: list[str] = []
    for kind, environment in re.findall(r"\\(begin|end)\{([a-z*]+)\}", text):
        if kind == "begin":
            open_.append(environment)
        else:
            assert open_.pop() == environment
    assert not open_
    for body in re.findall(r"\\begin\{align\*\}\n(.*?)\n\\end", text, re.DOTALL):
        lines = body.split(" \\\\\n")
        assert all(" &= " in line for line in lines)
        assert not body.endswith("\\\\")
    assert not re.search(r"(?<!\\)[_^](?=\s)|(?<!\\)[#%]", text)
    if shutil.which("pdflatex"):
        page = Path(tmp_path / "page.tex")
        page.write_text(
            f"\\documentclass{{article}}\\usepackage{{amsmath}}\\begin{{document}}{text}\\end{{document}}"
        )
        subprocess.run(
            ["pdflatex", "-halt-on-error", page.name], cwd=tmp_path, check=True, capture_output=True
        )


def test_names_of_textbooks():
    """Every number has the same line by another name; hidden units and weights are counted through."""
    deep = config(3, 2, f"{dense(2, 'tanh')}, {dense(3, 'relu')}, {dense(1)}", "mse", outputs=1)
    plain, named = (trace.write_out(problem(deep, *more)) for more in ((), ("names=textbook",)))
    kinds = ("forward", "loss", "deltas", "gradients", "updates")
    for one, other in ((getattr(made, kind) for made in (plain, named)) for kind in kinds):
        assert [line._replace(name=None, written=()) for line in one] == [
            line._replace(name=None, written=()) for line in other
        ]
    names = {a.name.text: b.name.text for a, b in zip(plain.updates, named.updates, strict=True)}
    assert names["linear1[1].w[0]"] == "w3"
    assert names["linear2[0].w[0]"] == "w5"
    assert names["linear2[2].b"] == "b_h5"
    assert names["linear3[0].w[2]"] == "w13"
    assert [line.name.text for line in named.forward][:4] == ["net_h1", "out_h1", "net_h2", "out_h2"]
    assert "net_o1" in {line.name.text for line in named.forward}
    assert {"dE/dnet_h3", "dout_h3/dnet_h3"} <= {line.name.text for line in named.deltas}
    assert name_to_latex(Name("z", "linear1", (0,), of="y", called="net_h1")) == (
        r"\frac{\partial y}{\partial \text{net}_{h1}}"
    )
    page = write(document(named), "table")
    assert "dE/dw = dE/dout*dout/dnet*dnet/dw = dE/dnet*(the weight's input), summed over the rows" in page


@pytest.mark.usefixtures("folder")
def test_names_of_textbooks_in_other_commands(run):
    told = run("explain", "mazur.yaml", "names=textbook", "--wrt", "w5").answered().out
    assert "dE/dw5 = dE/dout_o1 * dout_o1/dnet_o1 * dnet_o1/dw5" in told
    drawn = run("graph", "mazur.yaml", "names=textbook", "--path", "w5").answered().out
    assert "w5 = 0.4, dE/dw = 0.082167" in drawn
    claims = {"net_h1": 0.3775, "h1": 0.59326999, "linear1[0].y": 0.59326999, "dE/dw5": 0.08216704}
    claims |= {"delta_o1": 0.13849856, "delta h1": 0.00877135, "w5": 0.35891648, "out_o2": 0.77292847}
    words = [word for name, x in claims.items() for word in ("--claim", f"{name}={x}")]
    assert run("check", "mazur.yaml", "names=textbook", *words).answered().out.endswith("8 of 8 right\n")
    page = run("page", "mazur.yaml", "names=textbook").answered().out
    called = json.loads(page.split('id="data">')[1].split("</script>")[0])["layers"][1]["called"]
    assert called["w"] == ["w5", "w6", "w7", "w8"]
    assert (called["units"], called["z"][0], called["y"][1]) == (["o1", "o2"], "net_o1", "out_o2")
    assert "linear1[0].z" in run("trace", "mazur.yaml").answered().out
    (folder := Path("conv.yaml")).write_text(NETWORKS["convolution"])
    run("trace", str(folder), "names=textbook").refused(
        2, "names: textbook is for linear layers", "leave names out"
    )
    run("trace", "mazur.yaml", "names=texbook").refused(2, "did you mean textbook?")


@pytest.mark.usefixtures("folder")
def test_markdown(run):
    text = run("trace", "hand.yaml", "--format", "markdown").answered().out
    assert "| `linear1[0].z` | `0.5*1 + 1*0.5 + (-0.5)*1 + 0` | 0.5 |" in text.splitlines()
    assert text.count("\n## ") == 6


@pytest.mark.usefixtures("folder")
def test_json(run, folder):
    found = run("trace", "hand.yaml", "--format", "json").answered().json
    line = found["forward"][0]
    assert line == {
        "name": "linear1[0].z",
        "row": 1,
        "symbols": "linear1[0].w[0]*x[0] + linear1[0].w[1]*x[1] + linear1[0].w[2]*x[2] + linear1[0].b",
        "numbers": "0.5*1 + 1*0.5 + (-0.5)*1 + 0",
        "value": 0.5,
        "remark": None,
    }
    assert found["after"] == 0.16170356445312498
    update = {"name": "linear1[0].w[1]", "frozen": False, "old": 1.0, "gradient": -0.25}
    assert update.items() <= found["updates"][1].items()
    run("trace", "hand.yaml", "-o", "step.json").answered()
    assert json.loads((folder / "step.json").read_text()) == found


# --- explained as a program is -----------------------------------------------------------------


@pytest.mark.parametrize("name", NETWORKS)
def test_paths_of_a_weight_add_up_to_its_slope(name):
    problem_ = problem(NETWORKS[name])
    slopes = {line.name._replace(of="").text: line.value for line in trace.write_out(problem_).gradients}
    some = list(slopes)[:: max(1, len(slopes) // 4)]
    told = trace.explain_update(problem_, "x.yaml", wrt=some, detail="full")
    assert told.point is not None
    assert told.point.gradient == pytest.approx({n: slopes[n] for n in some}, rel=1e-9, abs=1e-13)
    for reach in told.chains:
        if reach.paths:
            assert len(reach.paths) == reach.many
            total = sum(path.product for path in reach.paths)
            assert total == pytest.approx(slopes[reach.name], rel=1e-9, abs=1e-13)
    assert {nudge.name for nudge in told.nudges} <= set(some)
    assert all(nudge.holds for nudge in told.nudges if abs(nudge.about) > 1e-4)


def test_the_loss_is_explained_by_an_input():
    from backprop_cli.explanation.words import output_at

    told = trace.explain_update(problem(NETWORKS["tanh"]), "x.yaml", wrt=["row2.x[1]"])
    point, h = told.point, 1e-5
    assert point is not None
    sides = [output_at(point, {"row2.x[1]": point.here.inputs["row2.x[1]"] + step}) for step in (h, -h)]
    assert None not in sides
    assert point.gradient["row2.x[1]"] == pytest.approx((sides[0] - sides[1]) / (2 * h), rel=1e-7)


@pytest.mark.usefixtures("folder")
def test_a_weight_is_explained(run):
    out = run("explain", "hand.yaml", "--wrt", "linear1[0].w[0]").answered().out
    assert out.startswith("hand, update 1 on 1 row, mse: E = 0.25\n")
    assert "Paths from linear1[0].w[0] to E: 2" in out
    assert "  sum: dE/dlinear1[0].w[0] = 0 + (-0.5) = -0.5" in out.splitlines()
    found = run("explain", "mazur.yaml", "--round-each", "--digits", "3", "--format", "json").answered().json
    assert found["gradient"]["linear2[0].w[0]"] == 0.082
    assert found["expression"] == "mazur.yaml"
    latex = run("explain", "tanh.yaml", "--wrt", "row2.x[1]", "--format", "latex").answered().out
    assert r"\partial x_{1}^{\text{row2}}" in latex


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--wrt", "linear1[0].w0"], ["no such weight, bias or input", "did you mean linear1[0].w[0]?"]),
        (["--wrt", "t[0]"], ["cannot differentiate by t[0]", "backprop trace writes all names"]),
        (["--symbolic"], ["--symbolic is for expressions, hand.yaml is a config"]),
        (["--definition"], ["--definition is for expressions"]),
        (["--update", "0"], ["the rate of an update is a number other than 0"]),
    ],
)
def test_what_of_a_network_is_not_explained(run, options, words):
    run("explain", "hand.yaml", *options).refused(2, *words)


@pytest.mark.usefixtures("folder")
def test_paths_are_drawn(run):
    found = run("graph", "hand.yaml", "--path", "linear1[0].w[0]", "--format", "json").answered().json
    marked = {unit["name"] for unit in found["units"] if unit["marked"]}
    assert marked == {"linear1[0]", "linear2[0]", "linear2[1]", "E"}
    edges = {(edge["target"], edge["name"]) for edge in found["edges"] if edge["marked"]}
    assert ("linear1[0]", "w[0]") in edges
    assert ("linear1[0]", "w[1]") not in edges
    out = run("graph", "hand.yaml", "--path", "linear2[1].w[0],linear1[0].b").answered().out
    assert "marked: 1 path from linear2[1].w[0] to E, 2 paths from linear1[0].b to E" in out
    run("graph", "hand.yaml", "--path", "linear2[1].w0").refused(2, "did you mean linear2[1].w[0]?")


# --- the node table ----------------------------------------------------------------------------


@pytest.mark.usefixtures("folder")
def test_the_node_table(run):
    found = run("trace", "hand.yaml", "--table", "--format", "json").answered().json
    nodes = {node["name"]: node for node in found["nodes"]}
    assert nodes["loss"]["value"] == 0.25
    assert nodes["loss"]["gradient"]["value"] == 1.0
    assert nodes["x"]["gradient"] is None
    assert nodes["x"]["norm"] == 1.5
    z = nodes["linear2.z"]
    assert (z["op"], z["shape"], z["min"], z["max"]) == ("linear", [1, 2], -0.5, 0.5)
    assert z["text"] == "linear(linear1.y, linear2.weights, linear2.bias)"
    assert nodes["linear1.weights"]["gradient"]["norm"] == 0.75  # the root of .25 + .0625 + .25
    assert z["value"] == [[-0.5, 0.5]]
    assert nodes["linear1.weights"]["gradient"]["value"] == [[-0.5, -0.25, -0.5]]
    page = run("trace", "hand.yaml", "--table").answered().out
    assert re.search(
        r"^linear1\.weights +parameter +1x3 +\[0\.5  1  -0\.5\] +\[-0\.5  -0\.25  -0\.5\]$", page, re.M
    )
    assert "norm" not in page  # all of it fits
    assert re.search(
        r"^linear1\.z +linear\(x, linear1\.weights, linear1\.bias\) +1x1 +0\.5 +-0\.5$", page, re.M
    )


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_has_a_node_table(run, name):
    for format_ in ("table", "markdown", "json"):
        assert "loss" in run("trace", f"{name}.yaml", "--table", "--format", format_).answered().out


DIGITS = "data: {dataset: digits, scaling: {divide: 16}}\nmodel: {hidden: [128]}\ntraining: {epochs: 1}\n"


def test_large_arrays_stand_as_their_norm(run, folder):
    (folder / "digits.yaml").write_text(DIGITS)
    page = run("trace", "digits.yaml", "--table").answered().out
    assert re.search(
        r"^linear1\.weights +parameter +128x64 +\|[0-9.]+\|, -[0-9.]+ \.\. [0-9.]+ +\|[0-9.]+\|$", page, re.M
    )
    assert "|5| is the norm" in page
    nodes = run("trace", "digits.yaml", "--table", "--format", "json").answered().json["nodes"]
    (weights,) = (node for node in nodes if node["name"] == "linear1.weights")
    assert weights["value"] is None
    assert weights["norm"] > 0


# --- refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        (
            "digits",
            [],
            ["the network has 9,610 parameters", "up to 300", "linear2 (1,290 parameters)", "--table"],
        ),
        ("digits", ["--layer", "linear1"], ["linear1 has 8,320 parameters", "up to 3,000"]),
        ("hand", ["--layer", "linear3"], ["no such layer", "layers: linear1, linear2"]),
        ("formula", ["--layer", "linear1"], ["a formula or a program has no layers"]),
        ("hand", ["--row", "2"], ["--row 2: the batch has 1 row"]),
        ("hand", ["--at-step", "11"], ["--at-step 11: the training ends after 10 updates"]),
        ("hand", ["--table", "--round-each"], ["--table lists the nodes of the whole batch"]),
        ("hand", ["-o", "step.csv"], ["trace prints table, markdown, latex, json, not csv"]),
        (
            "formula",
            ["optimizer=levenberg_marquardt", "regularization.l2=0"],
            [
                "optimizer=levenberg_marquardt: levenberg_marquardt solves for all parameters at once",
                "optimizer=sgd",
            ],
        ),
        (
            "clipped adam",
            ["--round-each", "--digits", "1", "optimizer.learning_rate=1e3", "--at-step", "3"],
            [],
        ),
    ],
)
def test_refusals(run, folder, text, options, words):
    (folder / "digits.yaml").write_text(DIGITS)
    run("trace", f"{text}.yaml", *options).refused(3 if not words else 2, *words)


def test_too_many_rows(run, folder):
    (folder / "rows.yaml").write_text(
        "data: {dataset: spirals, samples: 20000}\nmodel: {hidden: [30]}\ntraining: {batch_size: full}\n"
    )
    run("trace", "rows.yaml").refused(2, "20,000 rows at once are too many", "training.batch_size=16")


@pytest.mark.usefixtures("folder")
def test_every_key_of_the_json_is_documented(run):
    text = (Path(__file__).resolve().parent.parent / "docs" / "trace.md").read_text("utf-8")
    keys = set()
    for options in ([], ["--table"]):
        found = run("trace", "hand.yaml", "--format", "json", *options).answered().json
        entries = [entry for value in found.values() if isinstance(value, list) for entry in value]
        keys |= {*found, *(key for entry in entries if isinstance(entry, dict) for key in entry)}
    assert [key for key in sorted(keys) if f"`{key}`" not in text] == []


@pytest.mark.usefixtures("folder")
def test_notes(run):
    err = run("trace", "hand.yaml", "dtype=float32", "--round-each", "--at-step", "2").answered().err
    assert err.splitlines() == [
        "note: the run computes in float32; the lines here are float64 over the same numbers",
        "note: the updates before this one were not rounded",
    ]
    assert run("trace", "hand.yaml", "dtype=float32", "-q").answered().err == ""


def test_help_needs_click_alone():
    code = (
        "import sys; from backprop_cli.cli.main import main; main(['trace', '--help']); "
        "print(*sorted({'numpy', 'sympy', 'rich', 'msgspec', 'ruamel'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.split() == []
    assert "--round-each" in done.stdout
