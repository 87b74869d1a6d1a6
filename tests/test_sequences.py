"""Sequences as data: texts, lines of a table that belong together, generated sets; lengths and masks."""

from __future__ import annotations

import codecs
import contextlib
import io
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_programs import problem_of

from backprop_cli import evaluate, sample, train
from backprop_cli.errors import BackpropError
from backprop_cli.training.alarms import Alarms
from backprop_cli.training.config import load
from backprop_cli.training.data.datasets import generate
from backprop_cli.training.data.sequences import entropies
from backprop_cli.training.loop import Training
from backprop_cli.training.model import Model
from backprop_cli.training.problem import assemble
from backprop_cli.training.run import Run
from backprop_cli.training.step import whole_step

ROOT = Path(__file__).resolve().parent.parent

with contextlib.redirect_stdout(io.StringIO()):
    import this

ZEN = codecs.decode(vars(this)["s"], "rot13")

# what a recurrent net of two units gives, at each step or in the end
NET = """
model:
  dims: {{H: 2}}
  parameters: {{W: [H, inputs], U: [H, H], b: H, V: [outputs, H], c: outputs}}
  program: |
    h[0] = 0
    z[t] = W@x[t] + U@h[t] + b
    h[t+1] = tanh(z[t])
    q[t] = h[t+1] - h[t]
    {0}
training: {{batch_size: 4, epochs: 2}}
"""
ENDS = {
    "each step": ("each", "y[t] = V@h[t+1] + c", "mse"),
    "summed": ("each", "y[t] = V@h[t+1] + c", "sse"),
    "the last step": ("last", "y = V@h[end] + c", "mse"),
    "the last of what is not carried": ("last", "y = V@z[end] + V@q[end] + V@x[end] + c", "mse"),
    "a mean": ("last", "y = V@mean_t(h[t+1]) + c", "mae"),
    "a sum": ("last", "y = V@sum_t(h[t+1]*x[t][0]) + c", "mse"),
    "a loss of its own": ("each", "p[t] = V@h[t+1] + c; loss[t] = sum((p[t] - y[t])^2)", "auto"),
    "the mask itself": ("last", "y = V@sum_t(mask[t]*h[t+1])/sum(mask) + c", "mse"),
}


@pytest.fixture
def walks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Sequences of 3 to 20 steps in a table, its lines shuffled."""
    rng = np.random.default_rng(0)
    lines = [
        f"s{i},{t},{rng.normal():.4f},{rng.normal():.4f},{rng.normal():.4f}"
        for i, length in enumerate([3, 20, *rng.integers(3, 21, 7)])
        for t in range(length)
    ]
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "walks.csv"
    path.write_text("walk,time,a,b,y\n" + "\n".join(rng.permutation(lines)) + "\n")
    return path


LAYERS = {
    "both ways": ("last", "{type: gru, units: 2, bidirectional: true}, last, linear", "mse"),
    "both ways, then on": (
        "each", "{type: lstm, units: 2, bidirectional: true}, {type: rnn, units: 2}, linear", "mse",
    ),
    "attention": ("last", "position, {type: attention, heads: 1}, mean, linear", "mse"),
    "causal": ("each", "{type: residual, layers: [{type: attention, causal: true}]}, linear", "mse"),
}  # fmt: skip


@pytest.mark.parametrize("end", [*ENDS, *LAYERS])
def test_a_row_has_the_loss_and_gradient_that_it_has_alone(end: str, walks: Path) -> None:
    target, last, loss = (ENDS | LAYERS)[end]
    data = f"data: {{path: walks.csv, sequence: {{by: walk, order: time, target: {target}}}}}\n"
    net = f"\nmodel: {{layers: [{last}]}}\ntraining: {{batch_size: 4}}" if end in LAYERS else NET.format(last)
    problem = problem_of(f"{data}loss: {loss}{net}")
    training = Training(problem)
    runner, rows = training.runner, training.train
    together = runner.predict(rows.encoded, rows.targets, weights=rows.weights, lengths=rows.lengths)
    alone, gradients = [], []
    for i, length in enumerate(rows.lengths):
        targets = rows.targets[i : i + 1]
        targets = targets[:, :length] if targets.ndim == 3 else targets
        fed = runner.network.feed(rows.encoded[i : i + 1, :length])
        bound = runner.bound(1, training=True, span=runner.network.span(fed))
        bound.feed(fed)
        bound.targets[...] = targets
        bound.weigh(None, mean=False)
        bound.plan.run()
        alone.append(float(bound.plan.value(bound.lowered.loss)))
        gradients.append(runner.gradient.copy())
    whole = np.sum if loss == "sse" else np.mean
    assert together.loss == pytest.approx(whole(alone), abs=1e-12, rel=1e-12)
    bound = training.first_batch()
    bound.plan.run()
    which = next(training.windows(0)).picks(0, 4)
    assert len({*rows.lengths[which]}) > 1 or end != "each step"
    assert runner.gradient == pytest.approx(whole([gradients[i] for i in which], axis=0), abs=1e-12)


def test_rows_of_like_length_are_together_and_each_is_there_once(walks: Path) -> None:
    text = (
        f"data: {{path: walks.csv, sequence: {{by: walk, order: time}}}}{NET.format('y[t] = V@h[t+1] + c')}"
    )
    problem = problem_of(text, "training.batch_size=2")
    training = Training(problem)
    (window,) = training.windows(0)
    (again,) = training.windows(0)
    assert sorted(window.order) == list(range(9))
    assert (window.order == again.order).all()
    spans = {window.rows.span(problem.network, window.picks(i, min(i + 2, 9))) for i in range(0, 9, 2)}
    assert len(spans) > 1
    list(training.run())
    assert training.progress.best is not None


def test_what_is_measured_some_at_a_time_is_as_of_all(walks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = "data: {path: walks.csv, sequence: {by: walk, order: time}}"
    training = Training(problem_of(f"{data}\nloss: mse{NET.format('y[t] = V@h[t+1] + c')}"))
    whole = training.evaluate(training.train)
    monkeypatch.setattr("backprop_cli.training.sets.PIECE_NUMBERS", 45)
    assert len(list(training.train.pieces())) == 5
    assert training.evaluate(training.train) == pytest.approx(whole, rel=1e-12)
    assert {*whole} == {"loss", "r2"}


def test_a_text_is_windows_of_its_characters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.txt").write_text("hello world")
    model = """
model:
  parameters: {W: [outputs, vocabulary]}
  program: "logits[t] = W@x[t]"
"""
    data = "data: {path: t.txt, sequence: characters, length: 4, coding: one_hot}"
    problem = problem_of(data + model)
    assert problem.classes == [*" dehlorw"]
    rows = problem.train.sample
    shown = [[problem.classes[i] for i in row.argmax(axis=1)] for row in rows.encoded]
    assert ["".join(row) for row in shown] == ["hell", "ello", "llo ", "lo w", "o wo", " wor", "worl"]
    assert ["".join(problem.classes[i] for i in row) for row in rows.answers][:2] == ["ello", "llo "]
    apart = problem_of(data + model, "data.stride=4").train.sample
    assert len(apart) == 2
    held = problem_of(data + model, "data.validation_split=0.4", "data.length=2")
    assert [len(held.train), len(held.validation or ())] == [5, 3]


def test_the_entropies_of_a_text() -> None:
    found = entropies(ZEN)
    assert list(found.values()) == pytest.approx([3.806662, 3.108833, 1.973963, 0.838586], abs=5e-7)


def test_generated_sequences_are_what_they_say() -> None:
    for name in ("adding", "parity", "reverse"):
        made, again = (generate(name, 3, samples=50, length=12) for _ in range(2))
        assert made.inputs.tobytes() == again.inputs.tobytes()
        assert made.inputs.tobytes() != generate(name, 4, samples=50, length=12).inputs.tobytes()
        first, *columns = made.inputs.reshape(50, 12, -1).transpose(2, 0, 1)
        targets = made.targets.reshape(50, 12)
        assert (first == np.arange(1, 51)[:, None]).all()
        if name == "adding":
            values, marks = columns
            assert (marks[:, :6].sum(axis=1) == 1).all()
            assert (marks.sum(axis=1) == 2).all()
            assert targets == pytest.approx((values * marks).sum(axis=1, keepdims=True).repeat(12, axis=1))
        elif name == "parity":
            (bits,) = columns
            assert (np.abs(np.diff(targets, axis=1)) == bits[:, 1:]).all()
            assert (targets[:, 0] == bits[:, 0]).all()
        else:
            (symbols,) = columns
            assert made.symbols == "abcdefgh"
            assert (symbols[:, ::-1] == targets).all()


def test_a_step_over_time_on_paper() -> None:
    """T = 2, H = 1, a target at each step, by hand."""
    model = """
model:
  parameters: {W: {init: [[0.5]]}, U: {init: [[-0.8]]}, v: {init: [1.5]}}
  program: |
    h[0] = 0
    h[t+1] = tanh(W@x[t] + U@h[t])
    y[t] = v'@h[t+1]
"""
    data = "data: {dataset: parity, length: 2, samples: 4}\ntask: regression\noptimizer: sgd\n"
    made = whole_step(problem_of(f"{data}training: {{batch_size: 1, shuffle: false}}{model}"))
    x, t = made.bound.leaves["x"][0, :, 0], made.bound.targets[0, :, 0]
    h1 = np.tanh(0.5 * x[0])
    h2 = np.tanh(0.5 * x[1] - 0.8 * h1)
    e1, e2 = 1.5 * h1 - t[0], 1.5 * h2 - t[1]
    d2 = e2 * 1.5 * (1 - h2**2)  # 2/2: the mean of two squares
    d1 = (e1 * 1.5 - 0.8 * d2) * (1 - h1**2)
    assert made.step.before == pytest.approx((e1**2 + e2**2) / 2, rel=1e-15)
    assert made.gradients["W"][0, 0] == pytest.approx(d1 * x[0] + d2 * x[1], rel=1e-14)
    assert made.gradients["U"][0, 0] == pytest.approx(d2 * h1, rel=1e-14)
    assert made.gradients["v"][0] == pytest.approx(e1 * h1 + e2 * h2, rel=1e-14)


GRU = """
model:
  dims: {H: 8}
  parameters: {W: [3*H, inputs], b: 3*H, U: [3*H, H], c: 3*H, V: [outputs, H], d: outputs}
  program: |
    h[0] = 0
    i[t] = W@x[t] + b
    s[t] = U@h[t] + c
    r[t] = sigmoid(i[t][0:H] + s[t][0:H])
    z[t] = sigmoid(i[t][H:2*H] + s[t][H:2*H])
    n[t] = tanh(i[t][2*H:3*H] + r[t]*s[t][2*H:3*H])
    h[t+1] = (1 - z[t])*n[t] + z[t]*h[t]
    logits[t] = V@h[t+1] + d
"""


def test_running_parity_is_learned() -> None:
    training = Training(
        problem_of(f"""
data: {{dataset: parity, length: 6, samples: 320}}
optimizer: {{type: adam, learning_rate: 0.02}}
training: {{epochs: 40, batch_size: 64, metrics: [accuracy]}}
{GRU}""")
    )
    *_, last = training.run()
    assert last.values["accuracy"] == 1.0
    assert last.values["loss"] < 0.02


ORDER = """
data: {path: t.txt, sequence: characters, length: 3}
optimizer: {type: adam, learning_rate: 0.3}
training: {epochs: 30}
model:
  program: "logits[t] = E[x[t]]"
  parameters: {E: [vocabulary, outputs]}
"""
CARRIED = """
data: {path: t.txt, sequence: characters, length: 6, coding: one_hot}
model:
  dims: {H: 3, V: vocabulary}
  parameters: {W: [H, V], U: [H, H], K: [H, H], O: [V, H]}
  program: |
    h[0] = 0; m[-1] = 0
    m[t] = tanh(K@m[t-1] + W@x[t])
    h[t+1] = tanh(W@x[t] + U@h[t] + m[t])
    logits[t] = O@h[t+1]
"""


@pytest.fixture
def letters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.txt").write_text("abcd\n" * 6)


def test_a_model_goes_on_with_a_text(letters: None, run: Any) -> None:
    Path("c.yaml").write_text(ORDER)
    trained = run("train", "c.yaml")
    assert trained.status == 0, trained.err
    assert "uniform 1.609438, unigram 1.609438, bigram 0.000000, trigram 0.000000 nats" in trained.out
    said = {
        ("--temperature", "0"): "abcd\nabc\n",  # a line begins
        ("--temperature", "0", "--start", "c"): "cd\nabcd\na\n",
        ("--temperature", "1e-300"): "abcd\nabc\n",
    }
    for words, text in said.items():
        assert run("predict", "runs/c", "--sample", "8", *words).out == text
    first, again, other = (
        run("predict", "runs/c", "--sample", "90", "--seed", s, "--temperature", "3").out for s in "112"
    )
    assert first == again != other
    hot = run("predict", "runs/c", "--sample", "90", "--temperature", "1e300").out
    assert {*hot} == {*"abcd\n"}
    assert sample("runs/c", 8, temperature=0.0, start="c") == "d\nabcd\na"
    for words, says in (
        (("--sample", "3", "--start", "x"), "'x' is no character of the text that the model learned from"),
        (("--sample", "3", "t.txt"), "--sample goes on with a text: it takes no ROWS"),
        (("t.txt",), "the model goes on with a text, and answers no rows"),
        (("--start", "a", "t.txt"), "--start goes with --sample"),
        (("--sample", "3", "--temperature", "nan"), "a temperature is a number from 0 on, not nan"),
    ):
        refused = run("predict", "runs/c", *words)
        assert (refused.status, refused.out) == (2, "")
        assert says in refused.err
    assert run("evaluate", "runs/c", "t.txt").status == 0


def test_windows_that_carry_on_are_one_long_run(letters: None) -> None:
    training = Training(problem_of(CARRIED))
    runner = training.runner
    x = np.eye(5)[np.random.default_rng(0).integers(0, 5, (2, 23))]
    whole, end = runner.go_on(x)
    for lengths in ([6, 6, 6, 5], [1] * 23, [20, 3]):
        carried: dict[str, Any] = {}
        parts, at = [], 0
        for length in lengths:
            outputs, carried = runner.go_on(x[:, at : at + length], carried)
            parts.append(outputs)
            at += length
        assert (np.concatenate(parts, axis=1) == whole).all()
        assert {*carried} == {"h[0]", "m[-1]"}
        assert all((carried[name] == end[name]).all() for name in end)


def test_what_looks_ahead_cannot_go_on(letters: None, run: Any) -> None:
    ahead = ORDER.replace('"logits[t] = E[x[t]]"', '"m = mean_t(E[x[t]]); logits[t] = E[x[t]] + m"')
    Path("c.yaml").write_text(ahead.replace("epochs: 30", "epochs: 1"))
    assert run("train", "c.yaml").status == 0
    refused = run("predict", "runs/c", "--sample", "3")
    assert "what the model gives at a step depends on later ones" in refused.err


BAD: list[tuple[str, str, str]] = [  # data, the file walks.csv, what is said
    (
        "sequence: {by: walk, order: time}, length: 2",
        "walk,time,a,y\nu,1,0,1\nu,2,0,1\nv,3,0,1\nv,1,0,2\nv,2,0,3",
        "walks.csv:4:1: the sequence 'v' has 3 steps, more than data.length: 2",
    ),
    (
        "sequence: {by: walk, order: time}",
        "walk,time,a,y\nu,1,0,1\nu,1,0,2",
        "walks.csv:3:3: two lines of the sequence 'u' have 'time' 1: nothing says which comes first",
    ),
    (
        "sequence: {by: walk, order: time}",
        "walk,time,a,y\nu,9/2/2024,0,1\nu,10/1/2024,0,2",
        "walks.csv:2:3: 'time' is to put lines in order, but '9/2/2024' is a text",
    ),
    (
        "sequence: {by: walk, order: time}",
        "walk,time,a,y\nu,step10,0,1\nu,step2,0,2",
        "walks.csv:2:3: 'time' is to put lines in order, but 'step10' is a text",
    ),
    (
        "sequence: {by: walk, order: time}",
        "walk,time,a,y\nu,2024-01-02,0,1\nu,2024-01,0,2",
        "walks.csv:3:3: 'time' is to put lines in order, but '2024-01' is a text",
    ),
    ("sequence: {by: walk}", "walk,time,a,y\nu,1,0,1\n,2,0,2", "walks.csv:3:1: no value in column 'walk'"),
    (
        "sequence: {by: wlak}",
        "walk,time,a,y\nu,1,0,1\nv,2,0,2",
        "no column 'wlak'; the columns are walk, time, a, y",
    ),
    (
        "sequence: {by: walk}",
        "walk,time,a,y\nu,1,0,1\nv,2,0",
        "walks.csv:3:5: the row has 3 fields, the header has 4",
    ),
    ("sequence: characters", "", "walks.csv: the text has no characters"),
    ("sequence: characters", "aaaa", "walks.csv: the text has one character alone, over and over"),
    (
        "sequence: characters",
        "abc",
        "the training text has 3 characters: too few for a window of 32 and the next one",
    ),
    ("length: 3", "a,y\n1,2", "data.length is of sequences"),
    ("stride: 3", "a,y\n1,2", "data.stride is of the windows of a text"),
    ("sequence: characters, target: y", "ab", "data.target is not for the characters of a text"),
    ("sequence: {by: walk}, weights: a", "walk,a,y\nu,1,2", "data.weights is not for sequences"),
]


@pytest.mark.parametrize(("data", "table", "says"), BAD)
def test_wrong_sequences_are_refused(
    data: str, table: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("walks.csv").write_text(table)
    net: Any = NET.format("y[t] = V@h[t+1] + c")
    with pytest.raises(BackpropError) as caught:
        problem_of(f"data: {{path: walks.csv, {data}}}{net}")
    assert says in str(caught.value)


@pytest.mark.parametrize("others", ["p", "strange", ""])
def test_the_last_line_alone_has_the_target(others: str, walks: Path) -> None:
    """What other lines have in its column is no class, no gap, and in no evaluation."""
    lines = "u,2024-01-03,1,p|u,2024-01-02,2,?|v,2024-01-02,3,?|v,2024-01-10,4,q|w,2024-01-01,5,p"
    walks.write_text("walk,time,a,y\n" + lines.replace("?", others).replace("|", "\n"))
    data = "data: {path: walks.csv, sequence: {by: walk, order: time, target: last}, scaling: none}"
    net = NET.format("logits = V@h[end] + c")
    problem = problem_of(f"{data}{net}")
    rows = problem.train.sample
    assert rows.lengths.tolist() == [2, 2, 1]
    assert rows.encoded[..., 0].tolist() == [[2, 1], [3, 4], [5, 5]]
    assert rows.targets.argmax(axis=1).tolist() == [0, 1, 0]
    assert problem.encoding.classes == ["p", "q"]
    Path("c.yaml").write_text(f"{data}{net}")
    train("c.yaml")
    assert evaluate("runs/c", "walks.csv").to_dict()["rows"] == 3


def test_a_sequence_whose_last_line_has_no_target_is_left_out(walks: Path) -> None:
    walks.write_text("walk,time,a,y\nu,2,1,\nu,1,2,7\nv,1,3,9\nv,2,4,1\nw,1,5,2\n")
    data = "data: {path: walks.csv, sequence: {by: walk, order: time, target: last}, missing: drop}"
    rows = problem_of(f"{data}\nloss: mse{NET.format('y = V@h[end] + c')}").train.sample
    assert rows.lengths.tolist() == [2, 1]
    assert rows.targets.reshape(-1).tolist() == [1, 2]
    with pytest.raises(BackpropError, match=r"walks.csv:2:7: no value in column 'y'\n"):
        problem_of(f"{data}\nloss: mse{NET.format('y = V@h[end] + c')}", "data.missing=error")
    with pytest.raises(BackpropError) as told:
        problem_of(
            f"{data}\nloss: mse{NET.format('y = V@h[end] + c')}",
            "data.sequence.target=auto",
            "data.missing=error",
        )
    assert "data.sequence.target: last" in str(told.value.hint)


@pytest.mark.parametrize(
    ("program", "parameters", "says"),
    [
        (
            "mask[t] = tanh(w*x[t][0]); y[t] = mask[t]",
            "{w: []}",
            "mask is which steps a sequence has: a stat",
        ),
        ("y[t] = mask@x[t]", "{mask: [outputs, inputs]}", "mask is which steps a sequence has, no parameter"),
    ],
)
def test_the_mask_is_no_name_of_ones_own(program: str, parameters: str, says: str, walks: Path) -> None:
    data = "data: {path: walks.csv, sequence: {by: walk, order: time}}\nloss: mse\n"
    model = f'model: {{program: "{program}", parameters: {parameters}}}\n'
    with pytest.raises(BackpropError) as caught:
        problem_of(data + model)
    assert says in str(caught.value)
    problem_of(
        f"data: {{dataset: sine}}\n{model}".replace("x[t][0]", "x").replace("[t]", "")
    )  # of rows it is


def test_the_parts_of_a_table_are_whole_sequences(walks: Path) -> None:
    net = NET.format("y[t] = V@h[t+1] + c")
    text = f"data: {{path: walks.csv, sequence: {{by: walk, order: time}}, validation_split: 0.3}}{net}"
    problem = problem_of(text)
    assert problem.validation is not None
    every = [*problem.train.sample.lengths, *problem.validation.sample.lengths]
    assert sum(every) == len(walks.read_text().splitlines()) - 1
    assert len(every) == 9
    assert all(a <= b for a, b in pairwise(sorted(every)))


PLAIN = """
data: {dataset: adding, length: 20, samples: 1600}
model:
  dims: {H: 16}
  init: {uniform: 0.25}
  parameters: {W: [H, inputs], U: [H, H], b: H, V: [outputs, H], d: outputs}
  program: |
    h[0] = 0
    h[t+1] = tanh(W@x[t] + U@h[t] + b)
    y = V@h[end] + d
optimizer: {type: adam, learning_rate: 0.005}
training: {epochs: 2}
"""


def test_gradients_that_vanish_over_steps_are_told(letters: None, run: Any) -> None:
    Path("c.yaml").write_text(PLAIN)
    said = run("train", "c.yaml").err
    assert "alarm: gradients vanish over the steps: dE/dh[1] is " in said
    assert "vanish" not in run("train", "c.yaml", "data.length=3", "training.epochs=4").err


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("y = W*mean(x) + b", True),
        ("y = W*max(x) + b", False),  # padding repeats the last line
        ("y = W*sum(x) + b", True),
        ("y = W*m*sum(x) + b", True),
        ("y = W*(mask@x[:,0])/sum(mask) + b", False),
        ("y = W*mean_t(x[t][0]) + b", False),
        ("y = W*x[end][0] + b", False),
    ],
)
def test_padding_that_is_counted_is_told(tmp_path: Path, answer: str, told: bool) -> None:
    steps = [(walk, step) for walk in range(9) for step in range(3 + walk % 4)]
    rows = [f"{walk},{walk * step % 5 - 1.5},{walk + 0.5}" for walk, step in steps]
    (tmp_path / "walks.csv").write_text("\n".join(["walk,x,y", *rows, ""]))
    text = f"""
data: {{path: {tmp_path}/walks.csv, target: y, sequence: {{by: walk, target: last}}, scaling: none}}
model:
  parameters: {{W: {{init: 1, shape: []}}, b: {{init: 0, shape: []}}}}
  noise: {"{m: {dropout: 0.5}}" if "m*" in answer else "null"}
  program: "{answer}"
training: {{epochs: 1}}
"""
    alarms = Alarms(training := Training(problem_of(text)))
    for record in training.run():
        assert ("padding" in {alarm.kind for alarm in alarms.look(record.epoch)}) is told


DROPS = "\nmodel: {layers: [dropout, {type: gru, units: 3}, {type: dropout, rate: 0.2}, linear]}\n"


@pytest.mark.parametrize(
    ("data", "model"),
    [
        ("dataset: parity, length: 4, samples: 40", GRU),
        ("path: walks.csv, sequence: {by: walk}", GRU),
        ("path: walks.csv, sequence: {by: walk}", DROPS),
    ],
)
def test_a_run_that_stops_amid_an_epoch_goes_on_to_the_same_bytes(data: str, model: str, walks: Path) -> None:
    text = f"data: {{{data}}}{model}training: {{epochs: 3, batch_size: 4, metrics: [accuracy]}}\nseed: 3\n"
    walks.write_text(re.sub("-?[0-9.]+$", lambda y: f"{float(y[0]) > 0:d}", walks.read_text(), flags=re.M))
    whole = Run(problem_of(text, "output.dir=whole"))
    list(whole.steps())
    whole.close()
    for updates in (2, 5, 7):
        part = Run(problem_of(text, "output.dir=part"), resume=updates > 2)
        list(part.steps(lambda run=part, updates=updates: run.training.progress.step >= updates))
        assert part.training.interrupted
        assert part.training.progress.row
    last = Run(problem_of(text, "output.dir=part"), resume=True)
    list(last.steps())
    last.close()
    for name in ("model.safetensors", "metrics.jsonl"):
        assert Path("part", name).read_bytes() == Path("whole", name).read_bytes()


@pytest.mark.parametrize(("target", "last"), [("each", "y[t] = V@h[t+1] + c"), ("last", "y = V@h[end] + c")])
def test_each_line_of_a_sequence_is_answered(target: str, last: str, walks: Path, run: Any) -> None:
    data = f"data: {{path: walks.csv, sequence: {{by: walk, order: time, target: {target}}}, scaling: none}}"
    Path("c.yaml").write_text(f"{data}\nloss: mse{NET.format(last)}")
    assert run("train", "c.yaml").status == 0
    model = Model.load("runs/c")
    lines = [line.split(",") for line in walks.read_text().splitlines()[1:]]
    rows = run("predict", "runs/c", "walks.csv").out.splitlines()[1:]
    answered = {tuple(row.split(",")[:2]): float(row.split(",")[5]) for row in rows}
    assert len(answered) == len(lines)
    for walk in {line[0] for line in lines}:
        own = sorted((int(line[1]), float(line[2]), float(line[3])) for line in lines if line[0] == walk)
        alone = model.predict(np.array([[step[1:] for step in own]]))[:, 0]
        expected = alone if target == "each" else np.repeat(alone, len(own))
        assert [answered[walk, str(step[0])] for step in own] == pytest.approx(expected, rel=1e-12)


def test_a_sequence_with_a_wrong_step_has_no_prediction(walks: Path, run: Any) -> None:
    data = "data: {path: walks.csv, sequence: {by: walk, order: time, target: each}}"
    Path("c.yaml").write_text(f"{data}\nloss: mse{NET.format('y[t] = V@h[t+1] + c')}")
    assert run("train", "c.yaml").status == 0
    table = "walk,time,a,b\nu,2,1,1\nv,1,z,1\nu,1,1,1\nv,2,1,1\n,1,1,1\n"
    done = run("predict", "runs/c", "-", stdin=table)
    assert done.status == 3
    good, wrong, again, other, nameless = (line.split(",")[4:] for line in done.out.splitlines()[1:])
    assert good[0]
    assert again[0]
    assert wrong == ["", "column 'a': 'z' is not a number"]
    assert other == ["", "another step of its sequence is wrong: column 'a': 'z' is not a number"]
    assert nameless == ["", "no value in column 'walk'"]
    for rows, says in (
        ("walk,time,a,b\nu,1,1,1\nu,1,2,2\n", "two lines of the sequence 'u' have 'time' 1"),
        ("walk,a,b\nu,1,1\n", "no column 'time'"),
    ):
        refused = run("predict", "runs/c", "-", stdin=rows)
        assert (refused.status, refused.out) == (2, "")
        assert says in refused.err
    assert "--layer is of rows" in run("predict", "runs/c", "walks.csv", "--layer", "h").err


@pytest.mark.parametrize(
    ("reads", "times"),
    [
        ("dates: [time]", ["13/1/2024", "9/2/2024", "10/2/2024"]),
        ("numbers: [time]", ["9", "80", "'1,000'"]),
        ("scaling: none", ["9", "80", "1000"]),
    ],
)
@pytest.mark.parametrize("features", ["", ", features: [a]"])
def test_lines_are_put_in_the_order_of_training(
    reads: str, times: list[str], features: str, walks: Path, run: Any
) -> None:
    """Dates and numbers with signs, too, which the model has not among its features."""
    lines = [f"{walk},{times[k]},{k + 1},{k}".replace("'", '"') for walk in "uv" for k in range(3)]
    data = "data: {path: walks.csv, sequence: {by: walk, order: time, target: each}"
    Path("c.yaml").write_text(f"{data}, {reads}{features}}}\nloss: mse{NET.format('y[t] = V@h[t+1] + c')}")
    found = []
    for order in (lines, lines[::-1]):
        walks.write_text("\n".join(["walk,time,a,y", *order]))
        if not found:
            assert run("train", "c.yaml").status == 0
        rows = run("predict", "runs/c", "walks.csv").out.splitlines()[1:]
        found.append((sorted(rows), evaluate("runs/c", "walks.csv").to_dict()["loss"]))
    assert found[0] == found[1]
    assert len({row.split(",")[-2] for row in found[0][0]}) == 3
    walks.write_text("\n".join(["walk,time,a,y", *lines, "w,NA,1,1"]))
    assert run("predict", "runs/c", "walks.csv").out.endswith(",,no value in column 'time'\n")


def test_more_steps_than_were_learned_are_told(walks: Path, run: Any) -> None:
    """To a model, and to a config whose validation rows are the longest."""
    short, long = ("walk,a,y\nu,1,1\nu,2,0\nv,1,0\n" + "v,1,1\n" * more for more in (0, 2))
    walks.write_text(short)
    data = "data: {path: walks.csv, sequence: {by: walk, target: each}}\nloss: mse\ntraining: {epochs: 1}\n"
    Path("c.yaml").write_text(f"{data}model: {{layers: [position, linear]}}")
    assert "sequences of 1 to 2 steps" in run("train", "c.yaml").out
    Path("long.csv").write_text(long)
    for words in (
        ("predict", "runs/c", "long.csv"),
        ("evaluate", "runs/c", "long.csv"),
        ("train", "c.yaml", "data.validation_path=long.csv"),
    ):
        refused = run(*words)
        assert refused.status == 2
        assert "a sequence has 3 steps, but the program goes with 2, as many as the longest" in refused.err
        assert "knows none after the 2" in refused.err


def test_a_step_that_is_not_there_is_no_padding(walks: Path) -> None:
    walks.write_text("walk,a,y\nu,1,1\nu,2,1\nv,1,0\n")
    data = "data: {path: walks.csv, sequence: {by: walk, target: last}}\nloss: mse\n"
    with pytest.raises(BackpropError, match="a sequence has 1 step, but the program goes with 2"):
        Training(problem_of(f"{data}model: {{program: 'y = w*x[1]', parameters: {{w: 1}}}}"))
    Training(problem_of(f"{data}model: {{program: 'y = w*x[0]', parameters: {{w: 1}}}}"))


def test_a_padded_batch_is_traced_with_its_own_numbers(walks: Path, run: Any) -> None:
    walks.write_text("walk,a,y\nu,1,0\nu,0.5,1\nv,0.25,1\n")
    data = "data: {path: walks.csv, sequence: {by: walk, target: each}, scaling: none}"
    net = NET.format("y[t] = V@h[t+1] + c").replace("{H: 2}", "{H: 1}")
    Path("c.yaml").write_text(f"{data}\nloss: mse\noptimizer: sgd{net}")
    made = whole_step(problem_of(Path("c.yaml").read_text(), "training.batch_size=full"))
    traced = run("trace", "c.yaml", "training.batch_size=full").out
    assert f"= {made.step.before:.6g}\n" in traced
    assert "mask = (1, 0)" in traced
    for name, gradient in made.gradients.items():
        assert re.search(rf"dE/d{name}\[.*[=~] {gradient.flat[0]:.6g}$", traced, re.MULTILINE)
    drawn = run("graph", "c.yaml", "--step", "all").out
    problem = problem_of(Path("c.yaml").read_text())
    runner = Training(problem).runner
    first = problem.train.sample.encoded[:1], problem.train.sample.targets[:1]
    assert f"= {runner.predict(*first).loss:.6g}" in drawn.splitlines()[0]


@pytest.mark.nightly
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_samples_learn_what_they_are_for(seed: int) -> None:
    def trained(name: str) -> tuple[Training, dict[str, float]]:
        loaded = load(str(ROOT / "sample_inputs" / f"{name}.yaml"), [f"seed={seed}"])
        training = Training(assemble(loaded))
        *_, last = training.run()
        return training, last.values

    adding, _ = trained("adding")
    assert adding.problem.test is not None
    assert adding.evaluate(adding.problem.test)["loss"] <= 0.004
    parity, values = trained("parity")
    assert values["loss"] <= 0.002
    assert values["accuracy"] == 1.0
    for length, least in ((10, 1.0), (20, 0.999), (100, 0.98)):
        made = generate("parity", seed + 100, samples=500, length=length)
        bits, odd = made.inputs[:, 1].reshape(500, length, 1), made.targets.reshape(500, length)
        logits, _ = parity.runner.go_on(bits)
        assert (logits.argmax(axis=2) == odd).mean() >= least
    reverse, values = trained("reverse")
    assert values["accuracy"] >= 0.999
    weights = reverse.runner.layer("weights", reverse.train.encoded[:200]).reshape(200, 10, 10)
    assert weights[:, np.arange(10), np.arange(10)[::-1]].min() >= 0.7


@pytest.mark.nightly
@pytest.mark.parametrize("seed", ["0", "1"])
def test_the_zen_of_python_is_learned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("zen.txt").write_text(ZEN)
    page = (ROOT / "docs" / "sequences.md").read_text("utf-8")
    (config,) = re.findall(r"^\$ cat > zen.yaml <<'END'\n((?:> .*\n)+)> END$", page, re.MULTILINE)
    Path("zen.yaml").write_text(re.sub("^> ", "", config, flags=re.MULTILINE))
    done = train("zen.yaml", f"seed={seed}")
    assert done.results["training"]["loss"] < 0.4
    text = sample(done.run.folder, 60, temperature=0.0, start="Beautiful is")
    assert text.startswith(" better than")
    assert all(text[i : i + 5] in ZEN for i in range(56))
