"""Environments, what is exact of them, and policies that learn by acting."""

from __future__ import annotations

import json
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import backprop_cli
from backprop_cli.environments import Environment
from backprop_cli.environments.tables import Table, greedy, sweep, values_of
from backprop_cli.environments.worlds import GridWorld, drawn, world_of
from backprop_cli.errors import BackpropError
from backprop_cli.networks.runner import Runner
from backprop_cli.optimization.settings import Sgd
from backprop_cli.training import acting
from backprop_cli.training.acting import Episodes, act, advantages
from backprop_cli.training.alarms import Alarms
from backprop_cli.training.fitting import training_of
from backprop_cli.training.gradcheck import check_gradients
from backprop_cli.training.model import Model
from backprop_cli.training.problem import Problem, assembled
from backprop_cli.training.reinforcement import Reinforce
from backprop_cli.training.run import Run

RNG = np.random.default_rng
THETA, ARMS = [0.5, 0.0, -0.5], [1.0, 2.0, 4.0]
CARTPOLE: dict[str, Any] = {
    "environment": "cartpole",
    "model": {"hidden": [16], "activation": "tanh"},
    "optimizer": {"type": "adam", "learning_rate": 0.02},
    "training": {"episodes": 400, "batch": 5, "discount": 0.99, "baseline": "standard"},
}


def bandit(**training: Any) -> dict[str, Any]:
    layer = {"type": "linear", "weights": [[x] for x in THETA], "frozen": ["bias"]}
    return {
        "environment": {"name": "bandit", "rewards": ARMS},
        "model": {"layers": [layer]},
        "optimizer": {"type": "sgd", "learning_rate": 0.1},
        "training": {"episodes": 40, "batch": 10, **training},
    }


def problem(config: dict[str, Any], *overrides: str) -> Problem:
    with assembled(config, overrides) as found:
        return found


# --- environments ---------------------------------------------------------------------------------


def test_cart_pole_moves_as_it_does_elsewhere():
    """The first step of the well-known example of OpenAI's CartPole, both ways, in its seven digits."""
    world = world_of(Environment(name="cartpole"))
    state = np.array([[0.0273956, -0.00611216, 0.03585979, 0.0197368]] * 2)
    found = world.step(state, np.array([0, 1]), RNG(0))
    expected = [
        [0.02727336, -0.20172954, 0.03625453, 0.32351476],
        [0.02727336, 0.18847767, 0.03625453, -0.26141977],
    ]
    np.testing.assert_allclose(found.state, expected, atol=2e-8)
    assert found.rewards.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("state", "ended"),
    [
        ([2.39, 1.0, 0.0, 0.0], True),
        ([-2.39, -1.0, 0.0, 0.0], True),
        ([0.0, 0.0, 0.2094, 0.1], True),
        ([0.0, 0.0, 0.2090, 0.0], False),
        ([2.39, 0.0, 0.0, 0.0], False),
    ],
)
def test_cart_pole_ends_at_the_edge_and_at_twelve_degrees(state, ended):
    world = world_of(Environment(name="cartpole"))
    assert world.step(np.array([state]), np.array([0]), RNG(0)).ended.tolist() == [ended]


UTILITIES = {
    "r1c1": 0.812, "r1c2": 0.868, "r1c3": 0.918,
    "r2c1": 0.762, "r2c3": 0.660,
    "r3c1": 0.705, "r3c2": 0.655, "r3c3": 0.611, "r3c4": 0.388,
}  # fmt: skip
"""Of Russell and Norvig's 4x3 world, nothing discounted, as their figure has them."""


def test_the_gridworld_is_that_of_the_book():
    table = world_of(Environment(name="gridworld")).table
    assert table is not None
    values = np.zeros(9)
    for _ in range(60):
        worth = sweep(table, values, 1.0)
        values = worth.max(axis=1)
    named = dict(zip(UTILITIES, values.tolist(), strict=True))
    assert {name: round(value, 3) for name, value in named.items()} == UTILITIES
    solved = values_of(table, greedy(worth), 1.0)
    assert solved is not None
    np.testing.assert_allclose(solved, values, rtol=1e-12)


def test_values_of_a_policy_solve_the_linear_system():
    """Criterion 14: three states, one action, as a table; and the same by the language."""
    moves = np.array([[0.5, 0.5, 0.0], [0.0, 0.5, 0.5], [0.2, 0.0, 0.8]])
    table = Table(moves[:, None], np.array([[1.0], [0.0], [2.0]]), np.ones(3) / 3)
    found = values_of(table, np.ones((3, 1)), 0.9)
    assert found is not None
    np.testing.assert_allclose(found, [11.58549222798, 11.9378238342, 14.59067357513], rtol=1e-12)
    report = backprop_cli.grad("solve(eye(3) - 0.9*P, r)[0]", P=moves, r=[1.0, 0.0, 2.0], wrt=["r"])
    assert report.value == pytest.approx(found[0], rel=1e-13)
    slopes = np.asarray(report.gradient["r"])
    np.testing.assert_allclose(slopes, [3.19170984456, 2.611398963731, 4.19689119171], rtol=1e-12)


@pytest.mark.parametrize("slip", [0.0, 0.2, 0.6])
def test_steps_of_a_gridworld_are_those_of_its_table(slip):
    """Moves and rewards that are played occur as often as the table says, to five standard errors."""
    world = world_of(Environment(name="gridworld", map=["S.+", "#.-"], slip=slip, reward=-0.1))
    assert isinstance(world, GridWorld)
    count = 20_000
    for state in range(len(world.cells)):
        for action in range(4):
            found = world.step(np.full(count, state), np.full(count, action), RNG(action))
            goes = np.bincount(found.state[~found.ended], minlength=len(world.cells)) / count
            chances = world.table.moves[state, action]
            assert (np.abs(goes - chances) <= 5 * np.sqrt(chances * (1 - chances) / count) + 1e-12).all()
            error = 5 * found.rewards.std() / sqrt(count) + 1e-12
            assert abs(found.rewards.mean() - world.table.rewards[state, action]) <= error


def test_actions_are_drawn_by_their_probabilities():
    chances = np.tile([0.1, 0.0, 0.6, 0.3], (100_000, 1))
    shares = np.bincount(drawn(chances, RNG(0)), minlength=4) / len(chances)
    assert shares[1] == 0.0
    np.testing.assert_allclose(shares, chances[0], atol=0.006)


# --- episodes -------------------------------------------------------------------------------------


def test_returns_and_advantages_by_hand():
    """Two episodes, of three steps and of two, with a discount of 1/2."""
    lengths, rewards = np.array([3, 2]), np.array([1.0, 2.0, 4.0, 3.0, 5.0])
    empty = np.empty((5, 0))
    made = Episodes(empty, np.zeros(5, np.int64), np.ones(5), rewards, lengths)
    assert made.returns(0.5).tolist() == [3.0, 4.0, 4.0, 5.5, 5.0]
    assert made.totals.tolist() == [7.0, 8.0]
    returns = made.returns(0.5)
    assert advantages(returns, "none").tolist() == [3.0, 4.0, 4.0, 5.5, 5.0]
    np.testing.assert_allclose(advantages(returns, "mean"), [-1.3, -0.3, -0.3, 1.2, 0.7], atol=1e-15)
    assert advantages(returns, "standard").std() == pytest.approx(1.0)


def test_an_episode_is_that_of_the_world_played_alone():
    """What is played at once are single episodes: each state follows from the one before by its action."""
    world = world_of(Environment(name="cartpole", steps=30))
    made = act(world, lambda inputs: np.full((len(inputs), 2), 0.5), 6, RNG(3))
    assert made.lengths.sum() == len(made.inputs) == len(made.rewards)
    assert made.totals.tolist() == made.lengths.tolist()
    for start, length in zip(made.starts, made.lengths, strict=True):
        states, actions = made.inputs[start : start + length], made.actions[start : start + length]
        after = world.step(states, actions, RNG(0))
        np.testing.assert_array_equal(after.state[:-1], states[1:])
        assert after.ended.tolist() == [False] * (length - 1) + [length < 30]


# --- the gradient ---------------------------------------------------------------------------------


def test_the_exact_gradient_of_a_bandit():
    """Criterion 13: by the language, whose three witnesses agree."""
    report = backprop_cli.grad("softmax(theta)'@r", theta=THETA, r=ARMS, wrt=["theta"])
    assert report.value == pytest.approx(1.866167055396, abs=5e-13)
    found = np.asarray(report.gradient["theta"])
    np.testing.assert_allclose(found, [-0.43869662893651, 0.041112929955928, 0.39758369898058], atol=5e-14)


@pytest.mark.parametrize("baseline", ["none", "mean"])
def test_reinforce_estimates_the_exact_gradient(baseline):
    """Criterion 13: the mean of 1e5 samples is within 3 standard errors of it."""
    count = 100_000
    training = training_of(problem(bandit(episodes=count, batch=count, baseline=baseline)))
    weights = training.runner.values["linear1.weights"].copy()
    next(iter(training.run()))
    gradient = (training.runner.values["linear1.weights"] - weights)[:, 0] / 0.1
    p = np.exp(THETA) / np.exp(THETA).sum()
    rewards = np.array(ARMS) - (p @ ARMS if baseline == "mean" else 0.0)
    samples = rewards[:, None] * (np.eye(3) - p)
    exact = p @ samples
    np.testing.assert_allclose(exact, [-0.43869662893651, 0.041112929955928, 0.39758369898058], atol=1e-13)
    errors = np.sqrt((p @ samples**2 - exact**2) / count)
    assert (np.abs(gradient - exact) <= 3 * errors).all()


POLICIES: dict[str, dict[str, Any]] = {
    "hidden": {"hidden": [3], "activation": "tanh"},
    "one logit": {"layers": [{"type": "linear", "units": 1}]},
    "layers": {"layers": [{"type": "linear", "units": 3, "activation": "gelu"}, "layer_norm", "linear"]},
    "program": {"program": "logits = W@tanh(V@x)", "parameters": {"W": [2, 3], "V": [3, 4]}},
}


@pytest.mark.parametrize("model", POLICIES.values(), ids=POLICIES)
@pytest.mark.parametrize("baseline", ["none", "mean", "standard"])
def test_any_model_is_a_policy_whose_gradient_differences_confirm(model, baseline):
    found = problem(CARTPOLE | {"model": model}, "training.batch=2", f"training.baseline={baseline}")
    assert all(checked.agree for checked in check_gradients(found))


def test_a_single_logit_and_the_difference_of_two_are_one_policy():
    """They do the same, and the slopes by the weights of the one are those by the second row of the other."""
    one = {"layers": [{"type": "linear", "units": 1, "weights": [[1.0, 2.0, 3.0, 4.0]]}]}
    two = {"layers": [{"type": "linear", "weights": [[0.0] * 4, [1.0, 2.0, 3.0, 4.0]]}]}
    sets, slopes = [], []
    for model in (one, two):
        training = training_of(problem(CARTPOLE | {"model": model}))
        sets.append(training.train.sample)
        training.first_batch().plan.run()
        slopes.append(training.runner.gradients["linear1.weights"][-1])
    np.testing.assert_array_equal(sets[0].answers, sets[1].answers)
    np.testing.assert_allclose(*slopes, rtol=1e-12)


# --- training -------------------------------------------------------------------------------------

SHORT = ("training.episodes=60", "environment.steps=100")
FILES = ("model.safetensors", "best.safetensors", "metrics.jsonl", "config.yaml")


def finish(*overrides: str, resume: bool = False, updates: int | None = None) -> Run:
    run = Run(problem(CARTPOLE, *(overrides or SHORT), "name=pole"), resume=resume, force=not resume)
    for _ in run.steps(lambda: updates is not None and run.training.progress.step >= updates):
        pass
    run.close()
    return run


def contents() -> dict[str, bytes]:
    return {name: Path("runs/pole", name).read_bytes() for name in FILES}


def test_a_policy_learns(tmp_path, monkeypatch):
    """More steps with the pole upright; same seed, same bytes."""
    monkeypatch.chdir(tmp_path)
    run = finish()
    returns = [values["return"] for values in run.history]
    assert len(returns) == 12
    assert np.mean(returns[:3]) < 30 < 50 < np.mean(returns[-3:])
    assert run.results["greedy"]["return"] > 50
    assert run.results["training"]["steps"] == run.results["training"]["return"]
    first = contents()
    finish()
    assert contents() == first


@pytest.mark.parametrize("updates", [1, 7])
def test_going_on_ends_in_the_same_bytes(tmp_path, monkeypatch, updates):
    monkeypatch.chdir(tmp_path)
    finish()
    expected = contents()
    assert finish(updates=updates).training.interrupted
    finish(resume=True)
    assert contents() == expected


def test_going_on_to_more_episodes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    finish()
    expected = contents()["metrics.jsonl"]
    finish("training.episodes=30", "environment.steps=100")
    finish(resume=True)
    assert contents()["metrics.jsonl"] == expected


def test_the_last_round_has_what_is_left():
    training = training_of(problem(bandit(episodes=25, batch=10)))
    assert isinstance(training, Reinforce)
    assert [len(training.episodes.lengths) for _ in training.run()] == [10, 10, 5]


@pytest.mark.nightly
def test_cart_pole_is_learned():
    """Criterion 12: 400 episodes, of at most 500 steps."""
    means = []
    for seed in range(4):
        records = list(training_of(problem(CARTPOLE, f"seed={seed}")).run())
        means.append(np.mean([record.values["return"] for record in records[-20:]]))
    assert min(means) >= 150
    assert sorted(means)[1] >= 195


RISES = [20.0 + 9.0 * k for k in range(21)]


@pytest.mark.parametrize(
    ("returns", "lost"),
    [
        (RISES, False),
        ([*RISES, *[200.0] * 20], False),
        ([*RISES, *[150.0] * 10], False),
        ([*RISES, *[30.0] * 10], True),
        ([*RISES, *RISES[::-1]], True),
        ([*[10.0, 90.0] * 20], False),
        ([*[10.0, 90.0] * 20, *[10.0] * 4], False),
        ([200.0, 20.0], False),
    ],
)
def test_a_policy_that_has_lost_what_it_had_learned_is_told(returns, lost):
    history = [{"epoch": i + 1, "loss": 0.0, "return": value} for i, value in enumerate(returns)]
    raised = Alarms(training_of(problem(bandit()))).end(history, 0.0)
    assert [alarm.kind for alarm in raised] == ["lost"] * lost


# --- tables ---------------------------------------------------------------------------------------


def table_of(method: str, environment: Any = "gridworld", **training: Any) -> dict[str, Any]:
    return {"environment": environment, "training": {"method": method, **training}}


def learned(config: dict[str, Any], *overrides: str) -> Any:
    training = training_of(problem(config, *overrides))
    for _ in training.run():
        pass
    return training


def test_value_iteration_is_the_book_and_the_linear_system():
    training = learned(table_of("value_iteration", discount=1))
    assert training.progress.ended == "no value changes any more"
    values = training.worth.max(axis=1)
    assert [round(value, 3) for value in values.tolist()] == list(UTILITIES.values())
    np.testing.assert_allclose(training.solved, values, rtol=1e-12)


@pytest.mark.parametrize("discount", [0.0, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("world", [["S.+", "#.-"], ["+.S", "...", "-.."], ["S"]])
def test_no_policy_is_better_than_that_of_value_iteration(world, discount):
    """Its values are the greatest of all policies that take the same action whenever they are in a state."""
    environment = {"name": "gridworld", "map": world, "slip": 0.3}
    training = learned(table_of("value_iteration", environment, discount=discount, epochs=5000))
    values = training.worth.max(axis=1)
    rng = RNG(0)
    for _ in range(200):
        policy = np.eye(4)[rng.integers(4, size=len(values))]
        other = values_of(training.table, policy, discount)
        assert other is not None
        assert (other <= values + 1e-9).all()


def test_the_table_of_a_bandit_is_its_rewards():
    training = learned(table_of("value_iteration", {"name": "bandit", "rewards": ARMS}))
    assert training.worth.tolist() == [ARMS]


def test_q_learning_without_chance_finds_the_exact_table():
    """Where nothing is left to chance, a rate of 1 writes down what each action leads to."""
    environment = {"name": "gridworld", "map": ["S.+", "#.-"], "slip": 0}
    exact = learned(table_of("value_iteration", environment, discount=0.9))
    config = table_of("q_learning", environment, discount=0.9, exploration=1, episodes=300)
    found = learned(config | {"optimizer": {"type": "sgd", "learning_rate": 1}})
    np.testing.assert_allclose(found.worth, exact.worth, rtol=1e-12)


def test_the_learning_rate_of_a_table():
    """Without a type the optimizer is sgd there, at the rate that is given, or the usual one."""
    rates = {
        None: 0.1,
        "{learning_rate: 0.001}": 0.001,
        "{lr: 0.5}": 0.5,
        "sgd": 0.1,
        "{type: sgd, lr: 0.3}": 0.3,
    }
    for optimizer, rate in rates.items():
        overrides = [] if optimizer is None else [f"optimizer={optimizer}"]
        found = problem(table_of("q_learning"), *overrides).config.optimizer
        assert found == Sgd(learning_rate=rate)
    for optimizer in (
        "adam",
        "{type: adam, learning_rate: 0.1}",
        "{betas: [0.5, 0.5]}",
        "{type: sgd, momentum: 0.9}",
    ):
        with pytest.raises(BackpropError, match="a table moves by its learning rate: sgd"):
            problem(table_of("q_learning"), f"optimizer={optimizer}")


def test_q_learning_where_moves_slip():
    """With a rate that falls the worth of the way to the goal comes near the exact one."""
    config = table_of("q_learning", discount=1, exploration=0.3, episodes=2000, batch=20)
    found = learned(config | {"schedule": {"type": "exponential", "gamma": 0.96}})
    assert found.worth.max(axis=1)[5] == pytest.approx(0.705, abs=0.03)


def test_values_that_there_are_not():
    """A policy that never ends has no value where nothing is discounted."""
    table = world_of(Environment(name="gridworld", map=["S."])).table
    assert table is not None
    assert values_of(table, np.full((2, 4), 0.25), 1.0) is None
    found = values_of(table, np.full((2, 4), 0.25), 0.5)
    assert found is not None
    np.testing.assert_allclose(found, [-0.08, -0.08], rtol=1e-14)


@pytest.mark.parametrize("method", ["q_learning", "value_iteration"])
def test_a_table_goes_on_to_the_same_bytes(tmp_path, monkeypatch, method):
    monkeypatch.chdir(tmp_path)

    def finish(folder: str, updates: int | None = None, *, resume: bool = False) -> Run:
        short = {"episodes": 100} if method == "q_learning" else {}
        run = Run(problem(table_of(method, discount=1, **short), f"output.dir={folder}"), resume=resume)
        for _ in run.steps(lambda: updates is not None and run.training.progress.step >= updates):
            pass
        run.close()
        return run

    finish("whole")
    assert finish("parts", 7).training.interrupted
    finish("parts", resume=True)
    for name in ("model.safetensors", "metrics.jsonl"):
        assert Path("whole", name).read_bytes() == Path("parts", name).read_bytes()


def test_no_sweep_has_nothing_to_tell(run, tmp_path, monkeypatch):
    """Of a run that only measures, and of one that goes on at its end."""
    monkeypatch.chdir(tmp_path)
    Path("c.yaml").write_text(json.dumps(table_of("value_iteration", discount=1)))
    for words in (["training.epochs=0"], ["training.epochs=2"], ["training.epochs=2", "--resume"]):
        done = run("train", "c.yaml", *words)
        assert done.status == 0, done.err
        assert ("the values still change" in done.err) == (words == ["training.epochs=2"])


def test_a_table_is_shown_and_answers(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("exact.yaml").write_text(json.dumps(table_of("value_iteration", discount=1)))
    shown = run("train", "exact.yaml", "-q").answered().out
    assert "r3c1    0.705308   0.630933  0.660308  0.670933  up     0.705308" in shown
    assert "no value changes any more" in shown
    Path("cells.csv").write_text("cell\nr1c3\nr3c4\n")
    answers = run("predict", "runs/exact", "cells.csv", "--format", "json").answered().lines
    assert [row["prediction"] for row in answers] == ["right", "left"]
    found = run("evaluate", "runs/exact", "--format", "json").answered().json["policies"]
    assert found["greedy"]["value"] == pytest.approx(0.705308, abs=5e-7)
    assert run("train", "runs/exact/config.yaml", "name=again", "-q").status == 0
    run("export", "runs/exact", "--to", "numpy", "-o", "exact.py").answered()
    assert "a table is not learned by gradients" in Path("exact.py").read_text()
    run("page", "exact.yaml", "-o", "exact.html").refused(2, "it learns by acting, not from rows")
    compared = run("train", "exact.yaml", "--sweep", "training.discount=0.5,0.9", "name=two", "-q").answered()
    assert "best: runs/two/" in compared.out
    few = run("train", "exact.yaml", "training.epochs=5", "name=few").answered()
    assert "alarm: the values still change" in few.err
    for command in ("trace", "explain", "check --claim x=1"):
        words = command.split()
        run(words[0], "exact.yaml", *words[1:]).refused(
            2, "value_iteration learns a table: it makes no gradient step"
        )


# --- commands -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    """A policy of the gridworld: a table of logits."""
    config = {
        "environment": "gridworld",
        "model": {"layers": [{"type": "linear", "init": "zeros"}]},
        "optimizer": {"type": "adam", "learning_rate": 0.2},
        "training": {"episodes": 800, "batch": 20, "discount": 1},
    }
    found = backprop_cli.train(config, f"output.dir={tmp_path_factory.mktemp('grid') / 'run'}")
    return found.run.folder


def test_a_policy_answers_states(run, grid, tmp_path):
    rows = tmp_path / "cells.csv"
    rows.write_text("cell\nr1c3\nr3c1\n")
    found = run("predict", grid, str(rows), "--format", "json").answered().lines
    assert [row["prediction"] for row in found] == ["right", "up"]
    assert sum(found[0][f"p_{action}"] for action in ("up", "right", "down", "left")) == pytest.approx(1.0)
    rows.write_text("cell\nr2c2\n")
    done = run("predict", grid, str(rows))
    assert done.status == 3
    assert "r2c2" in done.out


def test_a_policy_is_judged_by_its_returns(run, grid):
    found = run("evaluate", grid, "--format", "json").answered().json
    assert (
        found["policies"]["drawn"]
        == json.loads(Path(grid, "summary.json").read_text())["results"]["training"]
    )
    assert found["episodes"] == 100
    more = backprop_cli.evaluate(grid, episodes=2000)
    mean, deviation = (more.results["greedy"][name] for name in ("return", "deviation"))
    table = world_of(Environment(name="gridworld")).table
    assert table is not None
    model = Model.load(grid)
    best = greedy(model.predict(np.eye(9)))
    values = values_of(table, best, 1.0)
    assert values is not None
    exact = float(table.starts @ values)
    assert more.results["greedy"]["value"] == pytest.approx(exact, rel=1e-12)
    assert abs(mean - exact) <= 5 * deviation / sqrt(2000)
    assert "standard error" in run("evaluate", grid, "--episodes", "7").answered().out
    run("evaluate", grid, "rows.csv").refused(2, "its returns judge it, not rows")
    with pytest.raises(BackpropError, match="episodes is a whole number"):
        backprop_cli.evaluate(grid, episodes=0)


def test_the_episodes_of_an_update_are_listed(run, tmp_path):
    """Two episodes of the gridworld: each return is its reward and the next return, discounted."""
    path = tmp_path / "grid.yaml"
    training = {"batch": 2, "episodes": 4, "discount": 0.5}
    table = {"layers": [{"type": "linear", "init": "zeros"}]}
    environment = {"name": "gridworld", "steps": 5}
    path.write_text(json.dumps({"environment": environment, "model": table, "training": training}))
    listed = run("trace", str(path), "--at-step", "2", "--format", "json").answered().json["episodes"]
    assert {each["episode"] for each in listed} == {1, 2}
    mean = sum(each["return"] for each in listed) / len(listed)
    for each, after in zip(listed, [*listed[1:], {"step": 1}], strict=True):
        more = 0.5 * after["return"] if after["step"] > 1 else 0.0
        assert each["return"] == pytest.approx(each["reward"] + more, abs=1e-15)
        assert each["advantage"] == pytest.approx(each["return"] - mean, abs=1e-15)
        assert each["log_p"] < 0
    run("trace", str(path)).answered()


def test_runs_of_a_sweep_are_compared_by_their_returns(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("arms.yaml").write_text(json.dumps(bandit()))
    found = run("train", "arms.yaml", "--sweep", "training.batch=2,20", "-q").answered().out
    assert "best: runs/arms/1, by training return" in found


def test_the_curve_is_of_returns(run, grid):
    assert ">return<" in Path(grid, "loss.svg").read_text()
    assert "return" in run("runs", str(Path(grid).parent)).answered().out


def test_a_step_is_written_out(run, tmp_path):
    path = tmp_path / "bandit.yaml"
    path.write_text(json.dumps(bandit(batch=3)))
    found = run("trace", str(path)).answered()
    rows = problem(bandit(batch=3)).train.sample
    assert rows.weights is not None
    told = ", ".join(f"{w:.4g}" for w in rows.weights)
    assert f"the rows count {told}: their advantages" in found.err
    listed = run("trace", str(path), "--format", "json").answered().json["episodes"]
    assert [each["advantage"] for each in listed] == rows.weights.tolist()
    assert [each["return"] for each in listed] == [ARMS[int(each["action"]) - 1] for each in listed]
    # the policy gradient: minus the mean of advantage*(action - p)
    p = np.exp(THETA) / np.exp(THETA).sum()
    slopes = ((p - np.eye(3)[rows.answers]) * rows.weights[:, None]).mean(axis=0)
    for k, slope in enumerate(slopes):
        (line,) = [text for text in found.out.splitlines() if text.startswith(f"  linear1[{k}]: dE/dw[0] =")]
        assert float(line.split()[-1]) == pytest.approx(slope, rel=1e-5, abs=1e-12)


BAD = {
    "unknown": ({"environment": "cartpol"}, "environment.name must be one of", "did you mean cartpole?"),
    "another's setting": (
        {"environment": {"name": "bandit", "slip": 0.1}},
        "environment.slip is for gridworld, not for bandit",
    ),
    "rows, too": ({"data": {"dataset": "iris"}}, "an environment has no rows: data has no place beside it"),
    "discount": ({"training": {"discount": 1.5}}, "training.discount must be at most 1, not 1.5"),
    "epochs": ({"training": {"epochs": 5}}, "training.epochs does not go with an environment"),
    "engine": (
        {"training": {"engine": "jax"}},
        "training.engine does not go with an environment: it is played",
    ),
    "outputs": (
        {"model": {"layers": [{"type": "linear", "units": 3}]}},
        "the model gives 3 numbers, but cartpole has 2 actions: left, right",
        "the last layer: {type: linear, units: 2}",
    ),
    "outputs of a program": (
        {"model": {"program": "logits = W@x", "parameters": {"W": [3, 4]}}},
        "the model gives 3 numbers, but cartpole has 2 actions: left, right",
    ),
    "a loss of numbers": ({"loss": "mse"}, "loss does not go with an environment: a policy is trained by"),
    "dropout": (
        {"model": {"layers": ["dropout", "linear"]}},
        "by dropout another policy would learn than acts",
    ),
    "too much": ({"training": {"batch": 10_000_000}}, "is the most", "a smaller training.batch"),
    "no grid": (
        {"environment": {"name": "gridworld", "map": ["##", "#"]}},
        "row 2 of environment.map has 1 cell",
    ),
    "no cell": ({"environment": {"name": "gridworld", "map": ["S?"]}}, "'?' is no cell"),
    "a table of what cannot be listed": (
        {"model": {}, "optimizer": "sgd", "training": {"method": "q_learning"}},
        "q_learning needs states that can be listed, which cartpole lacks",
        "method: reinforce",
    ),
    "a network for a table": (
        {"environment": "gridworld", "optimizer": "sgd", "training": {"method": "value_iteration"}},
        "model does not go with training.method: value_iteration",
    ),
    "another's key": (
        {"training": {"exploration": 0.1}},
        "training.exploration is for q_learning, not for reinforce",
    ),
    "one arm": ({"environment": {"name": "bandit", "rewards": [1]}}, "needs 2 to 1,000 arms, not 1"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_does_not_go_is_one_line(run, tmp_path, monkeypatch, case):
    monkeypatch.chdir(tmp_path)
    sections, *words = BAD[case]
    Path("bad.yaml").write_text(json.dumps(CARTPOLE | sections))
    run("train", "bad.yaml").refused(2, *words)
    assert not Path("runs").exists()


def test_rows_have_no_episodes(run, tmp_path):
    path = tmp_path / "xor.yaml"
    path.write_text(
        json.dumps({"data": {"dataset": "xor"}, "model": {"hidden": [2]}, "training": {"batch": 4}})
    )
    run("train", str(path)).refused(2, "training.batch is for an environment", "training.batch_size")


@pytest.mark.parametrize(("size", "baseline"), [(1e308, "none"), (1e308, "mean"), (1e200, "standard")])
def test_returns_that_explode(run, tmp_path, monkeypatch, size, baseline):
    monkeypatch.chdir(tmp_path)
    config = bandit(baseline=baseline)
    config["environment"] = {"name": "bandit", "rewards": [size, -size], "noise": size}
    config["model"] = {"layers": ["linear"]}
    Path("bad.yaml").write_text(json.dumps(config))
    run("train", "bad.yaml").refused(3, "the returns of the episodes are too large for numbers")
    assert not Path("runs").exists()


def test_values_that_explode(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("bad.yaml").write_text(
        json.dumps(table_of("value_iteration", {"name": "bandit", "rewards": [1e308, 1]}))
    )
    done = run("train", "bad.yaml", "-q")
    assert (done.status, done.out) == (3, "")
    assert "hint: smaller rewards or a smaller optimizer.learning_rate" in done.err
    assert not Path("runs/bad/model.safetensors").exists()


def test_layers_that_are_none_are_refused_once(run, tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text(json.dumps(CARTPOLE | {"model": {"layers": ["linea"]}}))
    run("train", str(path)).refused(2, "did you mean linear?")


def test_many_episodes_are_played_some_at_a_time(monkeypatch):
    """What is kept of them is their returns: as many as were asked for, with the same mean."""
    found = problem(bandit())
    assert found.world is not None
    monkeypatch.setattr(acting, "BLOCK_STEPS", 7)
    blocks = []
    monkeypatch.setattr(acting, "act", lambda *args, **more: blocks.append(args[2]) or act(*args, **more))
    parts = acting.judged(found.world, Runner(found.network, "float64"), found.config, 500)
    assert blocks == 2 * [*[7] * 71, 3]
    mean, deviation = (parts["drawn"][name] for name in ("return", "deviation"))
    assert abs(mean - 1.866167055396) <= 5 * deviation / sqrt(500)


def test_a_policy_that_is_no_number_any_more(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = bandit() | {"environment": {"name": "bandit", "rewards": [1e10, 2e10, 4e10]}}
    Path("bad.yaml").write_text(json.dumps(config | {"optimizer": {"type": "sgd", "learning_rate": 1e300}}))
    done = run("train", "bad.yaml", "-q")
    assert done.status == 3
    assert "the training has diverged" in done.err
    assert not Path("runs/bad/model.safetensors").exists()
