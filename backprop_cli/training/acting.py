"""Episodes: a policy acts in an environment, and what it did becomes rows to learn from."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from ..environments.tables import greedy, values_of
from ..environments.worlds import World, drawn, world_of
from ..errors import NoSuchNumber, counted
from ..networks.layers.places import ShapeError
from ..networks.network import NDArray
from ..networks.random import stream
from ..networks.runner import Runner, by_row
from . import schema
from .config.acting import RATES
from .data import Rows, Splits
from .data.encoding import Encoding, Feature

Floats = npt.NDArray[np.float64]
Policy = Callable[[Floats], Floats]
"""What is told of states, (episodes, inputs) -> probabilities of the actions, (episodes, actions)."""

OUTPUT = "action"
"""What a policy's answer is called, as a target column is."""

JUDGED_EPISODES = 100
"""Episodes by which a policy is judged at the end of its training."""
TOO_LARGE = "the returns of the episodes are too large for numbers"
BLOCK_STEPS = 1 << 20
"""Steps that are played at once, at most."""
HOW = {"drawn": False, "greedy": True}
"""How actions are chosen where a policy is judged, and whether that is the likeliest one."""


class Episodes(NamedTuple):
    """What was done in some episodes: a row a step, one episode after the other.

    Attributes:
        inputs: What the policy was told, (steps, inputs).
        actions: What it did, (steps,).
        chances: How likely that was, (steps,).
        rewards: What it got for it, (steps,).
        lengths: Steps of each episode, (episodes,).
    """

    inputs: Floats
    actions: npt.NDArray[np.int64]
    chances: Floats
    rewards: Floats
    lengths: npt.NDArray[np.int64]

    @property
    def starts(self) -> npt.NDArray[np.int64]:
        """The first step of each episode."""
        return np.cumsum(self.lengths) - self.lengths

    @property
    def totals(self) -> Floats:
        """The sum of each episode's rewards."""
        return np.add.reduceat(self.rewards, self.starts)

    def returns(self, discount: float) -> Floats:
        """Return the discounted sum of the rewards from each step to its episode's end, (steps,)."""
        found = self.rewards.copy()
        ends = {*(self.starts + self.lengths - 1).tolist()}
        for step in range(len(found) - 2, -1, -1):
            if step not in ends:
                found[step] += discount * found[step + 1]
        return found


def act(
    world: World, policy: Policy, episodes: int, rng: np.random.Generator, *, told: bool = True
) -> Episodes:
    """Play some episodes at once, each to its end.

    Args:
        world: What is acted in.
        policy: What acts.
        episodes: How many.
        rng: Draws first states, actions and what comes of them.
        told: Keep what the policy is told.
    """
    state, going, every = world.begin(episodes, rng), np.ones(episodes, bool), np.arange(episodes)
    steps: list[tuple[NDArray, ...]] = []
    while going.any() and len(steps) < world.steps:
        inputs = world.inputs(state)
        chances = policy(inputs)
        actions = drawn(chances, rng)
        with np.errstate(all="ignore"):  # what is no number shows in the returns
            outcome = world.step(state, actions, rng)
        steps.append(
            (inputs if told else inputs[:, :0], actions, chances[every, actions], outcome.rewards, going)
        )
        # what has ended stays where it is: further on its numbers mean nothing
        state = np.where(going.reshape(-1, *(1 for _ in state.shape[1:])), outcome.state, state)
        going = going & ~outcome.ended
    inputs, actions, chances, rewards, played = (np.stack(part, axis=1) for part in zip(*steps, strict=True))
    return Episodes(inputs[played], actions[played], chances[played], rewards[played], played.sum(axis=1))


def policy_of(runner: Runner, config: schema.Config, *, best: bool = False) -> Policy:
    """Return what a model says of states, as probabilities of two or more actions.

    Args:
        runner: Its network.
        config: Settled, with an environment.
        best: Only the likeliest action, or of a table the best, is taken.
    """
    explores = None if best else config.training.exploration

    def policy(inputs: Floats) -> Floats:
        bound = runner.bound(len(inputs), training=False, targets=False)
        bound.feed(runner.network.feed(inputs))
        with np.errstate(all="ignore"):
            bound.plan.run()
        found: Floats = by_row(bound.plan.value(bound.lowered.prediction), len(inputs)).astype(np.float64)
        if found.shape[1] == 1:
            found = np.concatenate([1.0 - found, found], axis=1)
        if not np.isfinite(found).all():
            raise NoSuchNumber("what the policy says is no number")
        if best or config.training.method in RATES:
            found = greedy(found)
        return found if explores is None else explores / found.shape[1] + (1.0 - explores) * found

    return policy


def advantages(returns: Floats, baseline: str | None) -> Floats:
    """Return how much better than the baseline each return is."""
    if baseline == "none":
        return returns
    above: Floats = returns - returns.mean()
    deviation = float(above.std())
    if baseline == "standard" and deviation > 0.0:
        above /= deviation if np.isfinite(deviation) else np.nan  # too large to be squared
    return above


def rows_of(episodes: Episodes, training: schema.Training) -> Rows:
    """Return what was done as rows: states, actions as classes, and advantages as weights.

    Raises:
        NoSuchNumber: where a return is too large for a number.
    """
    assert training.discount is not None
    with np.errstate(all="ignore"):
        weights = advantages(episodes.returns(training.discount), training.baseline)
    if not np.isfinite(weights).all():
        raise NoSuchNumber(TOO_LARGE, hint="smaller rewards")
    return Rows(episodes.inputs, episodes.actions, weights)


def played(config: schema.Config, world: World, runner: Runner, batch: int) -> Episodes:
    """Play a batch of episodes of a training, from 0 on; the last one has what is left."""
    assert config.training.batch is not None
    assert config.training.episodes is not None
    left = config.training.episodes - batch * config.training.batch
    rng = stream(config.seed, "episodes", batch)
    return act(world, policy_of(runner, config), min(config.training.batch, left), rng)


def judged(
    world: World, runner: Runner, config: schema.Config, episodes: int = JUDGED_EPISODES
) -> dict[str, dict[str, float]]:
    """Return what some episodes bring: drawing actions as in training, and taking the likeliest.

    Returns:
        The mean of the returns, not discounted, their standard deviation, the least, the largest, and the
        mean number of steps; where states can be listed the value, too: the expectation of the discounted
        return, by solving.
    Raises:
        NoSuchNumber: where one of them is too large for a number.
    """
    found = {}
    for name, best in HOW.items():
        policy, rng = policy_of(runner, config, best=best), stream(config.seed, f"judged {name}")
        most = max(1, BLOCK_STEPS // world.steps)
        blocks = [min(most, episodes - start) for start in range(0, episodes, most)]
        with np.errstate(all="ignore"):
            made = [act(world, policy, block, rng, told=False) for block in blocks]
            totals = np.concatenate([each.totals for each in made])
            found[name] = {
                schema.RETURN: float(totals.mean()),
                "deviation": float(totals.std()),
                "least": float(totals.min()),
                "most": float(totals.max()),
                "steps": float(sum(each.lengths.sum() for each in made)) / episodes,
            }
            finite = bool(np.isfinite([*found[name].values()]).all())
        if not finite:
            raise NoSuchNumber(TOO_LARGE, hint="smaller rewards")
        value = value_of(world, policy, config.training.discount or 0.0)
        if value is not None:
            found[name]["value"] = value
    return found


def value_of(world: World, policy: Policy, discount: float) -> float | None:
    """Return the exact value of a policy where an episode begins.

    None where states cannot be listed, or where a policy that may never come to an end has no value.
    """
    table = world.table
    if table is None:
        return None
    chances = policy(world.inputs(np.arange(len(table.starts))))
    values = values_of(table, chances, discount)
    return None if values is None else float(table.starts @ values)


def splits_of(config: schema.Config) -> Splits:
    """Return how states become inputs and actions classes; there are no rows yet but one state."""
    assert config.environment is not None
    world = world_of(config.environment)
    features = [Feature(name, [name], categories) for name, categories in world.columns.items()]
    width = sum(len(feature.names) for feature in features)
    encoding = Encoding(features, [OUTPUT], [*world.actions], (width,), np.zeros(width), np.ones(width), {})
    told = json.dumps(msgspec.to_builtins(config.environment), sort_keys=True)
    one = Rows(np.zeros((1, width)), np.zeros(1, np.int64))
    return Splits(one, None, None, encoding, "classification", sha256(told.encode()).hexdigest(), config.data)


def check_outputs(config: schema.Config, actions: list[str], outputs: int | None) -> None:
    """Hold what the model itself says that it gives to the actions that there are.

    Raises:
        ShapeError: where they are others.
    """
    assert config.environment is not None
    if outputs is None or outputs == len(actions) or (outputs == 1 and len(actions) == 2):
        return
    some = ", ".join(actions[:6]) + (", ..." if len(actions) > 6 else "")
    name, count = config.environment.name, counted(len(actions), "action")
    program = config.model.program is not None
    raise ShapeError(
        "model.program" if program else "model.layers",
        f"the model gives {counted(outputs, 'number')}, but {name} has {count}: {some}",
        None if program else f"the last layer: {{type: linear, units: {len(actions)}}}",
    )
