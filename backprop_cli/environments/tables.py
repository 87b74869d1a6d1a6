"""What is exact where states can be listed: a sweep of value iteration, and a policy's values by solving."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

WORST = 1e10
"""Condition of a system of values beyond which it leaves less than half of their digits."""

Floats = npt.NDArray[np.float64]


class Table(NamedTuple):
    """An environment whose states can be listed: a finite Markov decision process.

    Attributes:
        moves: How likely an action leads from a state to another, (states, actions, states). What is left to
            1 is how likely it ends the episode.
        rewards: Expected reward of an action in a state, (states, actions).
        starts: How likely an episode begins in each state, (states,).
    """

    moves: Floats
    rewards: Floats
    starts: Floats


def sweep(table: Table, values: Floats, discount: float) -> Floats:
    """Return what each action is worth where its next state is worth ``values``, (states, actions).

    Source:
        Bellman's equation: Sutton and Barto, Reinforcement Learning, 2nd ed., eq. 4.10.
    """
    worth: Floats = table.rewards + discount * table.moves @ values
    return worth


def greedy(worth: Floats) -> Floats:
    """Return the policy that takes the best action in every state, the first of equals, as probabilities."""
    policy: Floats = np.eye(worth.shape[1])[worth.argmax(axis=1)]
    return policy


def values_of(table: Table, policy: Floats, discount: float) -> Floats | None:
    """Return the value of every state under a policy, (states,): the solution of (I - discount*P) v = r.

    Args:
        table: States, actions and rewards.
        policy: Probability of each action in each state, (states, actions).
        discount: What a reward counts a step later.
    Returns:
        None where some state has no value: nothing is discounted, and no end is reached.
    """
    moves = np.einsum("sa,sat->st", policy, table.moves)
    rewards = np.einsum("sa,sa->s", policy, table.rewards)
    system = np.eye(len(moves)) - discount * moves
    if np.linalg.cond(system) > WORST:
        return None
    return np.linalg.solve(system, rewards)
