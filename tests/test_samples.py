"""The sample configs reach what their first lines and docs/samples.md say of them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from math import log
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from numpy import ndarray
from safetensors.numpy import load_file

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "sample_inputs"
CONFIGS = sorted(FOLDER.glob("*.yaml"))


class Trained(NamedTuple):
    """What a run left: the JSON summary, the model's arrays, the log, and what it said on stderr."""

    summary: dict[str, Any]
    arrays: dict[str, ndarray]
    log: list[dict[str, float]]
    notes: str

    @property
    def loss(self) -> float:
        """The loss after the last step."""
        return self.summary["results"]["training"]["loss"]

    def result(self, rows: str, name: str) -> float:
        """A number of the final evaluation."""
        return self.summary["results"][rows][name]


@pytest.fixture
def train(run: Callable[..., Any], process: Callable[..., Any], tmp_path: Path) -> Callable[..., Trained]:
    """Train a sample, with overrides, in a folder of its own."""

    def train(name: str, *overrides: str) -> Trained:
        folder = tmp_path / f"{name}{len(list(tmp_path.iterdir()))}"
        path = FOLDER / f"{name}.yaml"
        # the images in a process of their own: here the threads for matrix products are chosen already
        start = process if name.startswith("digits") else run
        done = start("train", str(path), f"output.dir={folder}", *overrides, "--format", "json").answered()
        log = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
        return Trained(done.json, load_file(folder / "model.safetensors"), log, done.err)

    return train


def near(expected: Any, **tolerance: float) -> Any:
    return pytest.approx(expected, **({"rel": 1e-12, "abs": 1e-15} | tolerance))


# --- all of them -------------------------------------------------------------------------------


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_it_says_what_it_shows_and_names_epochs_and_seed(path):
    text = path.read_text("utf-8")
    assert text.startswith("# ")
    assert max(map(len, text.splitlines())) <= 110
    assert re.search(r"^seed: \d", text, re.MULTILINE)
    assert re.search(r"\b(epochs|episodes): \d", text)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_it_is_in_the_table(path):
    table = (ROOT / "docs" / "samples.md").read_text("utf-8")
    assert f"| [{path.name}](../sample_inputs/{path.name}) |" in table


def test_every_sample_is_trained_here():
    text = Path(__file__).read_text("utf-8")
    assert [path.stem for path in CONFIGS if f'train("{path.stem}"' not in text] == []


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_it_is_valid(run, path):
    run("config", "validate", path).answered()


def test_every_field_of_the_summary_is_documented(train):
    text = (ROOT / "docs" / "training.md").read_text("utf-8")
    (table,) = re.findall(r"^\| field \| meaning \|\n\|---\|---\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    fields = re.findall(r"^\| `(\w+)`", table, re.MULTILINE)
    summary = train("decay").summary
    assert fields == list(summary) == list(train("xor", "training.epochs=1").summary)
    for name in ("fit", "layers"):
        (row,) = [line for line in table.splitlines() if line.startswith(f"| `{name}`")]
        one = summary[name] if name == "fit" else summary[name][0]
        assert [key for key in one if f"`{key}`" not in row] == []


# --- by acting ---------------------------------------------------------------------------------


def test_policies_reach_what_the_table_says(train):
    arm = train("bandit")
    assert arm.result("greedy", "return") == 4.0
    assert arm.result("training", "return") > 3.9
    assert train("gridworld").result("greedy", "return") > 0.65
    # 400 episodes are nightly, in test_reinforcement.py
    assert train("cartpole", "training.episodes=100").result("greedy", "return") > 100


# --- sequences ----------------------------------------------------------------------------------


def test_sequences_reach_what_the_table_says(train):
    # shorter than they are: as they stand they are nightly, in test_sequences.py
    adding = train("adding", "data.samples=1400", "data.length=6", "model.dims.H=16")
    assert adding.result("test", "loss") < 0.1  # its variance is 1/6
    assert train("parity", "data.length=4", "data.samples=1280").result("training", "accuracy") == 1.0
    reverse = train("reverse", "training.epochs=2", "data.samples=3200")
    assert reverse.result("test", "accuracy") == 1.0
    small = ("data.stride=8", "data.length=24", "training.epochs=6", "model.dims.H=32")
    assert train("characters", *small).loss < 1.370682  # that of bigrams
    assert train("transformer", "data.stride=4", "training.epochs=5").loss < 1.370682


# --- by hand -----------------------------------------------------------------------------------


def test_hand_one_step(train):
    done = train("hand")
    assert done.log[0]["loss"] == 0.25
    assert done.loss == near(0.16170356445312498)
    expected = {
        "linear1.weights": [[0.55, 1.025, -0.45]],
        "linear1.bias": [0.05],
        "linear2.weights": [[-1.0], [1.025]],
        "linear2.bias": [0.0, 0.05],
    }
    assert {name: array.tolist() for name, array in done.arrays.items()} == {
        name: near(value) if isinstance(value[0], float) else [near(row) for row in value]
        for name, value in expected.items()
    }


@pytest.mark.parametrize(("steps", "loss"), [(2, 0.1344971233886906), (10, 0.12500004905433776)])
def test_hand_more_steps(train, steps, loss):
    assert train("hand", f"training.epochs={steps}").loss == near(loss)


def test_hand_ends_at_a_dead_unit(train):
    done = train("hand", "training.epochs=100")
    assert done.loss == near(0.125)
    (alarm,) = done.summary["alarms"]
    assert (alarm["kind"], alarm["where"], alarm["epoch"]) == ("dead", "linear2[0]", 1)
    assert done.notes.count("unit 0 is dead") == 1


def test_mazur_one_step(train):
    done = train("mazur", "training.epochs=1")
    assert done.log[0]["loss"] == near(0.2983711087600027)
    assert done.loss == near(0.29102777369359933)
    # to the twelve digits in which the example's weights are known
    digits = {"rel": 0.0, "abs": 5e-13}
    first, second = done.arrays["linear1.weights"], done.arrays["linear2.weights"]
    assert first.ravel().tolist() == near(
        [0.149780716133, 0.199561432266, 0.249751143632, 0.299502287265], **digits
    )
    assert second.ravel().tolist() == near(
        [0.358916479718, 0.408666186076, 0.511301270239, 0.561370121108], **digits
    )
    assert done.arrays["linear1.bias"].tolist() == [0.35, 0.35]
    assert done.arrays["linear2.bias"].tolist() == [0.6, 0.6]


def test_mazur_ten_thousand_steps(train, run):
    done = train("mazur")
    assert done.loss == near(3.510187783e-05, rel=2e-10)
    model = Path(done.summary["model"])
    answers = run("predict", model, "-", "--format", "value", stdin="x1,x2\n0.05,0.1\n").answered()
    outputs = [float(word) for word in answers.out.replace(",", " ").split()]
    assert outputs == near([0.015913620444, 0.984064273514], rel=0.0, abs=1e-12)


def test_neuron(train):
    # by hand: z = 0.4 - 0.1 - 0.5 + 0.2 = 0, y = 1/2, dE/dz = 2(y - 1) y (1 - y) = -1/4, rate 1/2
    one = train("neuron", "training.epochs=1")
    assert one.log[0]["loss"] == near(0.25)
    assert one.arrays["linear1.weights"].ravel().tolist() == near([0.525, -0.1375, 0.375, 0.35])
    assert one.arrays["linear1.bias"].tolist() == near([0.125])
    # z = 0.525 - 0.06875 - 0.375 + 0.7 + 0.125 = 0.90625; the loss there by mpmath
    assert one.loss == near(0.0828103157878873993647759174687)
    assert train("neuron").loss < 0.001


# --- toys --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_xor_is_learned_from_every_seed(train, seed):
    assert train("xor", f"seed={seed}").result("training", "accuracy") == 1.0


@pytest.mark.parametrize("seed", [0, 1])
def test_spirals(train, seed):
    done = train("spirals", f"seed={seed}")
    assert (done.result("validation", "accuracy"), done.summary["alarms"]) == (1.0, [])


def test_spirals_need_the_scaling_that_they_have(train):
    assert train("spirals", "data.scaling=none").result("validation", "accuracy") < 0.8


# --- data --------------------------------------------------------------------------------------


def test_iris(train):
    done = train("iris")
    assert done.summary["rows"] == {"training": 90, "validation": 30, "test": 30}
    assert done.result("test", "accuracy") >= 0.93
    assert done.summary["epochs"] < 200
    assert done.summary["best_epoch"] == done.summary["epochs"] - 20


def test_program(train):
    done = train("program")
    assert done.result("test", "accuracy") == near(29 / 30)


def test_digits(train):
    done = train("digits")
    assert done.summary["epochs"] == 60
    assert done.result("test", "accuracy") >= 0.97
    assert done.summary["alarms"] == []


def test_digits_by_a_convolutional_network(train):
    done = train("digits_conv")
    assert done.summary["epochs"] == 40
    assert done.result("test", "accuracy") >= 0.98
    assert done.summary["parameters"] < 9_610  # digits.yaml's


def test_digits_by_a_residual_network(train):
    done = train("digits_residual")
    assert done.result("test", "accuracy") >= 0.96
    assert done.summary["alarms"] == []


def test_digits_squeezed(train):
    # 0.0239: the mean squared error of the first 8 principal components of all rows, by NumPy's svd
    assert train("digits_autoencoder").result("validation", "loss") <= 0.014


def test_iris_by_a_support_vector_machine(train):
    # 0.03927972: the same problem solved by quadprog 0.1, a quadratic program of 240 slacks
    done = train("iris_svm")
    assert done.log[-1]["loss"] == near(0.03927972, rel=1e-3)
    assert done.log[-1]["loss"] > 0.03927972
    assert done.result("test", "accuracy") == 1


def test_names_by_the_letter_before(train):
    text = (FOLDER / "names.txt").read_text()
    pairs, letters = Counter(pairwise(text)), Counter(text[:-1])
    counted = -sum(n * log(n / letters[a]) for (a, _), n in pairs.items()) / (len(text) - 1)
    assert counted == near(2.256814, rel=1e-6)
    done = train("names_bigram")
    assert counted < done.loss < counted + 0.001
    assert done.arrays["W"].shape == (27, 27)


@pytest.mark.nightly
def test_names_by_three_letters(train):
    assert train("names_mlp").loss <= 1.5


def test_digits_drawn_from_a_code(train):
    # 26.9975: the mean image's cross-entropy; 13.5604: each image's own, by NumPy
    done = train("digits_vae")
    assert 13.56 < done.result("validation", "loss") <= 23.3
    assert done.summary["alarms"] == []


def test_decay(train):
    # the numbers are SciPy's curve_fit's on the same file
    done = train("decay")
    fit = done.summary["fit"]
    assert fit["parameters"] == near({"a": 2.52413716, "b": 0.70723376, "c": 0.49797296}, rel=1e-7)
    assert fit["standard_errors"] == near({"a": 0.02487408, "b": 0.01714229, "c": 0.01451608}, rel=1e-6)
    assert fit["converged"]
    for name, made_with in {"a": 2.5, "b": 0.7, "c": 0.5}.items():
        assert abs(fit["parameters"][name] - made_with) <= 3 * fit["standard_errors"][name]


def test_decay_by_gradient_descent_says_that_it_has_not_arrived(train):
    (alarm,) = train("decay", "optimizer=adam").summary["alarms"]
    assert "Levenberg-Marquardt gets to 0.0019011" in alarm["says"]
