"""The JAX engine beside NumPy's: losses, parameters, epochs, words; every instruction, kink and rule.

`test_jax` runs this file in a process of its own, with two devices: JAX starts threads, and others here fork.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf, nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from conftest import ROOT, Result

from backprop_cli.engine import choice
from backprop_cli.engine.numpy import FUNCTIONS, NATIVE
from backprop_cli.engine.plan import Plan
from backprop_cli.engine.tensors import TensorPlan
from backprop_cli.errors import NoSuchNumber, Source
from backprop_cli.graph import NOWHERE, ArrayBuilder
from backprop_cli.language.lower import lower
from backprop_cli.language.parser import parse
from backprop_cli.ops import PRIMITIVES, Primitive
from backprop_cli.ops.arrays import ARRAYS
from backprop_cli.ops.matrices import MATRICES
from backprop_cli.ops.namespaces import MAPPED
from backprop_cli.ops.tensor import TENSORS
from backprop_cli.training.fitting import training_of
from backprop_cli.training.loop import Training
from backprop_cli.training.problem import assembled

if TYPE_CHECKING:
    from backprop_cli.engine.devices import Devices

SAMPLES = ROOT / "sample_inputs"

Run = Callable[..., Result]

LOSS, PARAMETERS = 1e-12, 1e-10
"""Largest differences between the engines in float64."""


def trained(
    config: str, *overrides: str, engine: str = "numpy", stop: int = -1, devices: int = 1
) -> tuple[Training, list[Any]]:
    """Train a sample in memory; the epochs' values."""
    path = str(SAMPLES / f"{config}.yaml")
    with assembled(path, [*overrides, f"training.engine={engine}"]) as problem:
        training = training_of(problem, among(devices) if devices > 1 else None)
        return training, [r.values for r in training.run(lambda: training.progress.step == stop)]


def among(count: int) -> Devices:
    from backprop_cli.engine.devices import Devices

    return Devices(count)


def beside(
    config: str, *overrides: str, loss: float = LOSS, parameters: float = PARAMETERS, devices: int = 1
) -> Training:
    """Train by both engines, and hold the one to the other."""
    ours, epochs = trained(config, *overrides)
    theirs, same = trained(config, *overrides, engine="jax", devices=devices)
    assert len(same) == len(epochs)
    for before, after in zip(epochs, same, strict=True):
        assert list(after) == list(before)
        assert all(abs(after[name] - x) <= loss * max(1.0, abs(x)) for name, x in before.items())
    for name, array in ours.runner.values.items():
        assert np.abs(theirs.runner.values[name] - array).max() <= parameters
    assert theirs.progress.as_dict().keys() == ours.progress.as_dict().keys()
    assert (theirs.progress.step, theirs.progress.ended) == (ours.progress.step, ours.progress.ended)
    return theirs


# Instructions


def test_every_instruction_has_a_spelling() -> None:
    from backprop_cli.engine.jax import EXACT, SPELLINGS

    assert SPELLINGS.keys() == NATIVE
    assert EXACT < NATIVE


def _by_numpy(row: Primitive, shapes: Any, static: Mapping[str, Any], arrays: Sequence[Any]) -> Any:
    """Return what one instruction comes to."""
    builder = ArrayBuilder(Source(""))
    leaves = [builder.array(f"x{k}", shape, NOWHERE) for k, shape in enumerate(shapes)]
    graph = builder.build([builder.apply(row, leaves, NOWHERE, static)])
    plan = TensorPlan(graph, dict(zip(leaves, arrays, strict=True)))
    with np.errstate(all="ignore"):
        plan.run()
    return np.array(plan.value(graph.output))


SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 40.0, -40.0, 700.0, -700.0, 1e-8, -1e-8, inf, -inf, nan]


def test_instructions_number_by_number() -> None:
    """As NumPy's to some units in the last place, at special numbers, too."""
    import jax

    from backprop_cli.engine.jax import SPELLINGS

    rng = np.random.default_rng(5)
    many = np.concatenate([SPECIAL, rng.uniform(-1.0, 1.0, 400), rng.uniform(-30.0, 30.0, 400)])
    given = {}
    for name in sorted(SPELLINGS.keys() & PRIMITIVES.keys()):
        row = PRIMITIVES[name]
        arity = 2 if row.arity[1] is None else row.arity[0]
        few = many[:60] if name in MAPPED else many
        given[name] = [few, *(np.roll(few, 7 * k) for k in range(1, arity))]
        if name == "polygamma":
            given[name][0] = np.ones(60)
    every = jax.jit(lambda all_: {name: SPELLINGS[name](*arrays) for name, arrays in all_.items()})(given)
    for name, arrays in given.items():
        ours, theirs = np.empty(arrays[0].shape), every[name]
        with np.errstate(all="ignore"):
            FUNCTIONS[name](*arrays, out=ours)
            off = ~(np.abs(ours - theirs) <= 16 * np.spacing(np.abs(ours)))
        off &= ~((ours == theirs) | (np.isnan(ours) & np.isnan(theirs)))
        assert not off.any(), (name, [a[off][:3] for a in arrays], ours[off][:3], theirs[off][:3])


def test_instructions_over_arrays() -> None:
    import jax

    from backprop_cli.engine.jax import SPELLINGS

    rng = np.random.default_rng(6)
    rows = {**MATRICES, **TENSORS, **ARRAYS}
    own = {
        "sum": [(((3, 4),), {"axes": axes, "keep": keep}) for axes, keep in (((0,), True), ((0, 1), False))],
        "lookup": [(((3, 2), (4,)), {}), (((4, 3, 2), (4,)), {"rows": 1})],
        "scattered": [(((4, 2), (4,)), {"shape": (3, 2)})],
        **{name: [((), {"shape": (3, 3)})] for name in ("eye", "ones", "zeros")},
    }
    given = []
    for name in sorted(SPELLINGS.keys() - PRIMITIVES.keys()):
        for shapes, static in own.get(name, rows[name].samples):
            arrays = [rng.normal(size=shape) for shape in shapes]
            if name in ("lookup", "scattered"):
                arrays[1] = np.array([0.0, 2.0, 2.0, -1.0])
            given.append((name, static, [a @ a.T for a in arrays] if name == "logdet" else arrays))
    given += [(name, {}, [np.ones((3, 3))]) for name in ("inv", "logdet")]

    def every(several: Any) -> Any:
        return [SPELLINGS[name](*a, **static) for (name, static, _), a in zip(given, several, strict=True)]

    found = jax.jit(every)([arrays for *_, arrays in given])
    for (name, static, arrays), theirs in zip(given, found, strict=True):
        ours = _by_numpy(rows[name], [a.shape for a in arrays], static, arrays)
        assert ours.shape == theirs.shape
        assert np.allclose(ours, theirs, rtol=1e-12, atol=1e-13, equal_nan=True), name


KINKS = [("relu(x)", [0.0]), ("abs(x)", [0.0]), ("max(x, y)", [0.5, 0.5]), ("min(x, y, x)", [1 / 3, 2 / 3])]
"""Programs, and their slopes where all inputs are 0: relu'(0) = 0, ties share."""


@pytest.mark.parametrize(("text", "slopes"), KINKS)
def test_conventions_at_kinks_hold(text: str, slopes: list[float]) -> None:
    graph = lower(parse(text))
    names = list(graph.inputs)
    plan = Plan(graph, names, {}, names, engine="jax")
    results, bad = plan.run({name: np.zeros(3) for name in names}, 3)
    assert bad == []
    given = dict(zip(names, slopes, strict=False))
    for name, found in zip(names, results[1:], strict=True):
        wanted = {"x": 2 / 3, "y": 1 / 3}[name] if text.startswith("min") else given[name]
        assert found == pytest.approx([wanted] * 3, abs=1e-15)


# Many points

EXPRESSIONS = (
    "sin(x*y) + exp(-x^2)*log(1 + y^2)",
    "where(x > 0, log(x), 0) + sqrt(abs(y))",
    "relu(x)*sigmoid(y) + softplus(x - y)",
    "gamma(1.5 + x^2) + erfc(y) + cosh(x) - sinh(y)",
    "exp(-30*x^2)/exp(-29*x^2) + 1/(x - y)",
    "x^y + tan(x) + log1p(y)",
)


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_points_are_those_of_the_float_engine(text: str) -> None:
    """The same rows have no answer; numbers differ by rounding alone."""
    graph = lower(parse(text))
    rng = np.random.default_rng(7)
    grid = np.concatenate([rng.normal(size=900) * 2.0, [0.0, 1.0, -1.0, 30.0, 800.0, 1e-310]])
    columns = {"x": grid, "y": np.roll(grid, 5)}
    ours, bad = Plan(graph, ["x", "y"], {}, ["x", "y"]).run(columns, len(grid))
    theirs, same = Plan(graph, ["x", "y"], {}, ["x", "y"], engine="jax").run(columns, len(grid))
    assert same == bad
    good = np.setdiff1d(np.arange(len(grid)), bad)
    for mine, other in zip(ours, theirs, strict=True):
        assert np.allclose(mine[good], other[good], rtol=1e-10, atol=1e-13)


def test_points_on_the_command_line(run: Run) -> None:
    words = ["grad", "sqrt(x) + 1/x", "--x", "-1:1:0.5", "--method", "reverse", "--format", "csv"]
    ours, theirs = run(*words), run(*words, "--engine", "jax")
    assert theirs.status == ours.status == 3
    assert theirs.out == ours.out


# Training

LAYERS = (
    "model.hidden=null",
    "model.layers=[{type: linear, units: 8}, {type: activation, activation: tanh}, batch_norm,"
    " {type: dropout, rate: 0.3}, {type: linear}]",
)


def test_a_network_with_all_that_a_step_has() -> None:
    """Batch normalisation's state, masks, penalties, clipping, a schedule, rows left over, early stopping.

    By two devices, among which 15 rows do not divide.
    """
    beside(
        "iris",
        *LAYERS,
        "training.epochs=40",
        "training.batch_size=15",
        "training.gradient_clip=0.5",
        "training.early_stopping={patience: 2, min_delta: 0.02}",
        "regularization={l1: 0.001, l2: 0.01}",
        "schedule={type: cosine, warmup_steps: 9}",
        "optimizer={type: nadam, learning_rate: 0.05, weight_decay: 0.01}",
        devices=2,
    )


CONFIGS = {
    "digits": ("training.epochs=20", "dtype=float64"),
    "digits_conv": ("training.epochs=3", "dtype=float64"),
    "digits_autoencoder": ("training.epochs=3", "dtype=float64"),
    "digits_vae": ("training.epochs=3", "dtype=float64"),
    "iris": ("training.epochs=20",),
    "xor": ("training.epochs=50",),
    "spirals": ("training.epochs=10",),
    "mazur": (),
    "hand": (),
    "neuron": (),
}


@pytest.mark.nightly
@pytest.mark.parametrize("devices", [1, 2])
@pytest.mark.parametrize("config", CONFIGS)
def test_samples(config: str, devices: int) -> None:
    beside(config, *CONFIGS[config], devices=devices)


@pytest.mark.nightly
@pytest.mark.parametrize("config", ["digits", "digits_conv"])
def test_samples_in_float32(config: str) -> None:
    beside(config, "training.epochs=3", "dtype=float32", loss=1e-5, parameters=1e-4)


OPTIMIZERS = (
    "sgd",
    "{type: sgd, momentum: 0.9, nesterov: true, weight_decay: 0.01}",
    "{type: sgd, momentum: 0.9, dampening: 0.1}",
    "{type: adagrad, lr_decay: 0.01, initial_accumulator_value: 0.1}",
    "adadelta",
    "{type: rmsprop, centered: true, momentum: 0.5}",
    "{type: adam, amsgrad: true, weight_decay: 0.01}",
    "{type: adamw, weight_decay: 0.1}",
    "nadam",
)
SCHEDULES = (
    "{type: step, step_size: 2}",
    "{type: exponential, gamma: 0.9}",
    "cosine",
    "{type: plateau, patience: 1, threshold: 0.5}",
    "{type: constant, warmup_steps: 20}",
)


@pytest.mark.nightly
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_optimizers(optimizer: str) -> None:
    beside("spirals", "training.epochs=5", f"optimizer={optimizer}")


@pytest.mark.nightly
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_schedules(schedule: str) -> None:
    beside("iris", "training.epochs=8", f"schedule={schedule}")


def test_rules_are_said_in_place_once() -> None:
    """Every rule in NumPy's words over places, with no JAX in sight but for its functions."""
    from backprop_cli.optimization import rules, settings
    from backprop_cli.training.scanning import Cell

    rng = np.random.default_rng(8)
    theta, gradient = rng.normal(size=(2, 20))
    made = [
        settings.Sgd(momentum=0.9, nesterov=True, weight_decay=0.1),
        settings.Adagrad(), settings.Adadelta(), settings.RMSprop(centered=True, momentum=0.5),
        settings.Adam(amsgrad=True), settings.AdamW(weight_decay=0.1), settings.NAdam(),
    ]  # fmt: skip
    assert {type(s) for s in made} == set(rules.RULES)
    for one in made:
        rule, place = rules.make(one), Cell(theta.copy())
        ours, state = theta.copy(), rule.init(theta)
        arrays = [Cell(state[name].copy()) for name in rule.arrays]
        scalars = {name: array.copy() for name, array in state.items() if not array.ndim}
        for step in range(1, 4):
            numbers = rule.numbers(step, 0.1, scalars)
            scratch = [Cell() for _ in range(rule.scratch)]
            passes: Callable[..., None] = rule.passes
            passes(place, Cell(gradient.copy()), arrays, scratch, [Cell(x) for x in numbers])
            rule.update(ours, gradient.copy(), state, 0.1)
        assert np.abs(np.asarray(place.value) - ours).max() <= 1e-15


# Checkpoints, words


def test_runs_go_on_by_the_other_engine(run: Run, tmp_path: Path) -> None:
    """Amid an epoch, too; the model is that of one engine all along, and predictions ask nobody."""
    words = ("train", str(SAMPLES / "iris.yaml"), "training.epochs=8", "training.early_stopping=null", "-q")
    for name, first in (("a", "numpy"), ("b", "jax")):
        folder = f"output.dir={tmp_path / name}"
        run(*words[:2], "training.epochs=4", *words[3:], "--engine", first, folder).answered()
        other = "jax" if first == "numpy" else "numpy"
        run(*words, "--engine", other, folder, "--resume").answered()
    run(*words, f"output.dir={tmp_path / 'c'}").answered()
    from backprop_cli.training.model import Model

    models = [Model.load(str(tmp_path / name)) for name in "abc"]
    for name, array in models[2].runner.values.items():
        assert all(np.abs(m.runner.values[name] - array).max() <= PARAMETERS for m in models)
    rows = str(ROOT / "backprop_cli/training/data/sets/iris.csv")
    engines = ((), ("--engine", "jax"))
    ours, theirs = (run("predict", str(tmp_path / "c"), rows, *more).answered().out for more in engines)
    for a, b in zip(ours.splitlines()[1:], theirs.splitlines()[1:], strict=True):
        first, second = a.split(","), b.split(",")
        assert second[:6] == first[:6]
        assert [float(x) for x in second[6:9]] == pytest.approx([float(x) for x in first[6:9]], abs=1e-14)
    ours, theirs = (run("evaluate", str(tmp_path / "c"), *more).answered().out for more in engines)
    assert theirs == ours


def test_a_run_goes_on_amid_an_epoch() -> None:
    """NumPy's run that was stopped after any update is gone on with."""
    whole, _ = trained("iris", "training.epochs=3", *LAYERS)
    started, _ = trained("iris", "training.epochs=3", *LAYERS, stop=8)
    assert started.interrupted
    path = str(SAMPLES / "iris.yaml")
    with assembled(path, ["training.epochs=3", *LAYERS, "training.engine=jax"]) as problem:
        training = training_of(problem)
        training.load(*started.save())
        list(training.run())
    for name, array in whole.runner.values.items():
        assert np.abs(training.runner.values[name] - array).max() <= PARAMETERS


def test_where_numbers_end_is_said_in_the_same_words() -> None:
    regression = ("loss=mse", "task=regression", "training.metrics=[]", "data.validation_split=0")
    overrides = ("optimizer={type: sgd, learning_rate: 1e200}", *regression)
    said = []
    for engine in choice.ENGINES:
        with pytest.raises(NoSuchNumber) as caught:
            trained("spirals", *overrides, engine=engine)
        said.append((caught.value.message, caught.value.hint))
    assert said[0] == said[1]
    assert "update" in said[0][0]


def test_numpy_goes_on_where_its_numbers_do_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """What XLA alone finds no number for is computed by NumPy to the end of the epoch, then by XLA again."""
    from backprop_cli.training.scanning import Scanning

    scan, calls = Scanning._scan, []

    def failing(self: Scanning, *given: Any) -> bool:
        calls.append(self.progress.epoch)
        return calls.count(1) != 1 and scan(self, *given)

    monkeypatch.setattr(Scanning, "_scan", failing)
    beside("iris", "training.epochs=3", "training.early_stopping=null")
    assert calls.count(1) == 1


def test_compiling_is_said(run: Run, tmp_path: Path) -> None:
    words = ("train", str(SAMPLES / "xor.yaml"), "--engine", "jax", "training.epochs=2")
    found = run(*words, f"output.dir={tmp_path / 'run'}").answered()
    assert found.err.count("note: compiling for cpu: 1 update of 4 rows") == 1


def test_devices_that_are_not_there(run: Run) -> None:
    found = run("train", str(SAMPLES / "iris.yaml"), "--engine", "jax", "--devices", "3")
    found.refused(2, "--devices 3: there are 2 here (cpu:0, cpu:1)")


@pytest.mark.nightly
def test_sequences_have_metrics_of_steps() -> None:
    """By a program that asks which steps there are."""
    beside("transformer", "training.epochs=1", "data.stride=32", "data.length=8")


def test_steps_of_a_recurrence_are_scanned() -> None:
    """One step is compiled, whatever their number; value and gradient are those of the steps written out."""
    import jax
    from test_recurrences import GRU
    from test_rolling import problem

    from backprop_cli.engine.jax import JaxPlan

    loss = "    e[t] = v'@h[t+1]\n    loss = mean_t((e[t] - x[t][0])^2) + y*t"
    found = problem(GRU, 3, 24, loss)
    lowered = found.network.lower(2, training=True)
    ids, bound = lowered.graph.inputs, found.train
    leaves = {ids[p.name]: p.first for p in found.network.parameters}
    leaves |= {ids["x"]: bound.encoded, ids["t"]: bound.targets}
    slopes = []
    plans = []
    for engine in (TensorPlan, JaxPlan):
        slopes.append({ids[p.name]: np.zeros(p.shape) for p in found.network.parameters})
        plans.append(engine(lowered.graph, leaves, slopes[-1]))
        plans[-1].run()
    loss = plans[0].value(lowered.loss)
    assert plans[1].value(lowered.loss) == pytest.approx(loss, rel=1e-14)
    for id, slope in slopes[0].items():
        assert np.abs(slopes[1][id] - slope).max() <= 1e-13 * max(1.0, np.abs(slope).max())
    assert str(jax.make_jaxpr(plans[1]._function)(*leaves.values())).count("scan[") >= 2


def test_steps_of_sequences_are_told_as_by_numpy() -> None:
    """Metrics are of steps, as many as there are rows times steps."""
    beside("parity", "training.epochs=1", "data.samples=256", "data.length=5")
