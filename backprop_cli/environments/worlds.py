"""The environments: many episodes at once, as arrays with a row each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from itertools import product
from math import pi
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from .settings import FREE, GOAL, PIT, START, WALL, Environment
from .tables import Floats, Table

State = npt.NDArray[Any]
Actions = npt.NDArray[np.int64]


class Outcome(NamedTuple):
    """What a step leads to, a row an episode.

    Attributes:
        state: After it.
        rewards: Of it.
        ended: Whether it was the episode's last.
    """

    state: State
    rewards: Floats
    ended: npt.NDArray[np.bool_]


class World(ABC):
    """An environment with its settings.

    Attributes:
        columns: What a policy is told of a state: columns, each with its categories where it has any.
        actions: What can be done in every state.
        steps: After so many an episode ends.
        table: All of it, where states can be listed; None elsewhere.
    """

    columns: dict[str, list[str] | None]
    actions: Sequence[str]
    steps: int
    table: Table | None = None

    @abstractmethod
    def begin(self, episodes: int, rng: np.random.Generator) -> State:
        """Return the first state of so many episodes."""

    @abstractmethod
    def inputs(self, state: State) -> Floats:
        """Return what a policy is told, (episodes, numbers of the columns)."""

    @abstractmethod
    def step(self, state: State, actions: Actions, rng: np.random.Generator) -> Outcome:
        """Act once in every episode."""


class CartPole(World):
    """A pole on a cart that is pushed left or right; each step gives 1, the one in which it falls included.

    Source:
        Barto, Sutton and Anderson 1983, Neuronlike adaptive elements that can solve difficult learning
        control problems, appendix, without friction; their constants, except that it ends at 12 degrees of
        the upright, as it is run by most today.
    """

    GRAVITY, CART, POLE, HALF_LENGTH, FORCE, SECONDS = 9.8, 1.0, 0.1, 0.5, 10.0, 0.02
    """m/s^2, kg, kg, m, N, s."""
    EDGE, TILT = 2.4, 12.0 * pi / 180.0
    """Farthest position (m) and angle (radians) of an episode that goes on."""
    NEAR = 0.05
    """All four numbers of a first state are at most so far from 0."""

    actions = ("left", "right")

    def __init__(self, settings: Environment) -> None:
        assert settings.steps is not None
        self.steps = settings.steps
        self.columns = dict.fromkeys(("position", "velocity", "angle", "angular_velocity"))

    def begin(self, episodes: int, rng: np.random.Generator) -> State:
        return rng.uniform(-self.NEAR, self.NEAR, (episodes, len(self.columns)))

    def inputs(self, state: State) -> Floats:
        return state

    def step(self, state: State, actions: Actions, rng: np.random.Generator) -> Outcome:
        _, velocity, angle, spin = state.T
        force = np.where(actions == 1, self.FORCE, -self.FORCE)
        mass, sine, cosine = self.CART + self.POLE, np.sin(angle), np.cos(angle)
        push = (force + self.POLE * self.HALF_LENGTH * spin * spin * sine) / mass
        turn = (self.GRAVITY * sine - cosine * push) / (
            self.HALF_LENGTH * (4.0 / 3.0 - self.POLE * cosine * cosine / mass)
        )
        drive = push - self.POLE * self.HALF_LENGTH * turn * cosine / mass
        # Euler's method, each number by the slope before the step
        after = state + self.SECONDS * np.stack([velocity, drive, spin, turn], axis=1)
        ended = (np.abs(after[:, 0]) > self.EDGE) | (np.abs(after[:, 2]) > self.TILT)
        return Outcome(after, np.ones(len(state)), ended)


class Listed(World):
    """An environment whose states are numbers from 0 on."""

    table: Table

    def begin(self, episodes: int, rng: np.random.Generator) -> State:
        return drawn(np.broadcast_to(self.table.starts, (episodes, len(self.table.starts))), rng)


class GridWorld(Listed):
    """Cells to walk over; a move may slip to a side, and one into a wall or over the edge stays where it is.

    Attributes:
        cells: Row and column of each state, from 0.
        leads: The state that each way leads to, (states, ways).
        gives: Its reward.
        ends: Whether it ends the episode.
    """

    actions = ("up", "right", "down", "left")
    WAYS = ((-1, 0), (0, 1), (1, 0), (0, -1))
    PRIZE: ClassVar = {GOAL: 1.0, PIT: -1.0}

    def __init__(self, settings: Environment) -> None:
        assert settings.steps is not None
        assert settings.map is not None
        assert settings.slip is not None
        assert settings.reward is not None
        self.steps, self.slip = settings.steps, settings.slip
        grid = {(i, k): cell for i, row in enumerate(settings.map) for k, cell in enumerate(row)}
        names = {f"r{i + 1}c{k + 1}": (i, k) for (i, k), cell in grid.items() if cell in (FREE, START)}
        self.columns = {"cell": sorted(names)}
        self.cells = [names[name] for name in sorted(names)]
        states, shape = {cell: state for state, cell in enumerate(self.cells)}, (len(names), len(self.WAYS))
        self.leads = np.tile(np.arange(len(names))[:, None], len(self.WAYS))
        self.gives, self.ends = np.full(shape, settings.reward), np.zeros(shape, bool)
        for (state, (i, k)), (way, (down, right)) in product(enumerate(self.cells), enumerate(self.WAYS)):
            there = i + down, k + right
            if there in states:
                self.leads[state, way] = states[there]
            elif (prize := self.PRIZE.get(grid.get(there, WALL))) is not None:
                self.gives[state, way] += prize
                self.ends[state, way] = True
        begins = np.array([grid[cell] == START for cell in self.cells], float)
        begins = begins if begins.any() else np.ones(len(names))
        moves, rewards = np.zeros((*shape, len(names))), np.zeros(shape)
        every = np.arange(len(names))
        for action, (side, chance) in product(range(len(self.WAYS)), self._sides()):
            way = (action + side) % len(self.WAYS)
            moves[every, action, self.leads[:, way]] += np.where(self.ends[:, way], 0.0, chance)
            rewards[:, action] += chance * self.gives[:, way]
        self.table = Table(moves, rewards, begins / begins.sum())

    def _sides(self) -> Sequence[tuple[int, float]]:
        """Return how a way may differ from what was meant, in quarter turns, and how likely it does."""
        return (0, 1.0 - self.slip), (1, 0.5 * self.slip), (-1, 0.5 * self.slip)

    def inputs(self, state: State) -> Floats:
        return np.eye(len(self.cells))[state]

    def step(self, state: State, actions: Actions, rng: np.random.Generator) -> Outcome:
        turns, chances = np.array(self._sides()).T
        side = turns.astype(np.int64)[drawn(np.tile(chances, (len(state), 1)), rng)]
        way = (actions + side) % len(self.WAYS)
        return Outcome(self.leads[state, way], self.gives[state, way], self.ends[state, way])


class Bandit(Listed):
    """One choice among arms; each gives its mean reward, with some noise."""

    steps = 1

    def __init__(self, settings: Environment) -> None:
        assert settings.rewards is not None
        assert settings.noise is not None
        self.columns = {"one": None}
        self.actions = [str(arm + 1) for arm in range(len(settings.rewards))]
        self.noise = settings.noise
        means = np.array(settings.rewards)[None]
        self.table = Table(np.zeros((1, means.size, 1)), means, np.ones(1))

    def inputs(self, state: State) -> Floats:
        return np.ones((len(state), 1))

    def step(self, state: State, actions: Actions, rng: np.random.Generator) -> Outcome:
        rewards = self.table.rewards[0, actions]
        if self.noise:
            rewards = rewards + self.noise * rng.standard_normal(len(actions))
        return Outcome(state, rewards, np.ones(len(actions), bool))


def drawn(chances: Floats, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Draw one of the columns for every row, by the probabilities in it, which may add up to 1 roughly."""
    reached = np.cumsum(chances, axis=1)
    marks = rng.random(len(chances))[:, None] * reached[:, -1:]
    found: npt.NDArray[np.int64] = (marks >= reached[:, :-1]).sum(axis=1)
    return found


KINDS: dict[str, Callable[[Environment], World]] = {
    "cartpole": CartPole,
    "gridworld": GridWorld,
    "bandit": Bandit,
}


def world_of(settings: Environment) -> World:
    """Return the environment that a config describes."""
    return KINDS[settings.name](settings)
