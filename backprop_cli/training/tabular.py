"""What each action is worth in each state, as a table: learned by acting, or by what is known of the moves.

The table is the weights of a linear layer, whose inputs are a 1 for the state and 0 for all others.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..environments.tables import Floats, Table, greedy, sweep, values_of
from ..networks.random import stream
from ..optimization.schedules import Rates
from ..optimization.settings import Sgd
from .metrics import higher_is_better
from .reinforcement import Acting
from .schema import RETURN

STILL = 1e-13
"""Change of the largest worth, as a share of it, below which it changes no more: some roundings."""


class Tabular(Acting):
    """See `Training`; its rows are the states, and nothing is differentiated.

    Attributes:
        worth: What each action is worth in each state, (states, actions): a view of the parameters.
    """

    def _prepare(self) -> None:
        """There is no update rule with a state."""
        config = self.problem.config
        assert isinstance(config.optimizer, Sgd)
        self.state = {}
        self.rates = Rates(
            config.optimizer.learning_rate, config.schedule, config.training.rounds, higher_is_better
        )
        (weights,) = self.runner.gradients
        self.worth = self.runner.values[weights].T

    def _updates(self) -> Iterator[None]:
        progress = self.progress
        if progress.row == 0:
            rate = self.rates.of_update(progress.epoch, progress.step)
            with np.errstate(all="ignore"):  # what is no number is found at the end of the epoch
                progress.loss = self._learn(rate)
            if self.first_loss is None:
                self.first_loss = progress.loss
            progress.batches, progress.row = 1, len(self.train)
            progress.step += 1
            yield

    def _learn(self, rate: float) -> float:
        """Move the table once and return the mean square of what it was off."""
        raise NotImplementedError

    @property
    def table(self) -> Table:
        """What is known of the environment."""
        assert self.problem.world is not None
        assert self.problem.world.table is not None
        return self.problem.world.table

    @property
    def solved(self) -> Floats | None:
        """The exact value of each state where its best action is taken; None where there is none."""
        return values_of(self.table, greedy(self.worth), self.discount)

    @property
    def discount(self) -> float:
        """What a reward counts a step later."""
        found = self.problem.config.training.discount
        assert found is not None
        return found


class ValueIteration(Tabular):
    """Value iteration: an epoch is a sweep over all states; it ends where nothing changes any more.

    Attributes:
        off: The most that a value of the last sweep was off; None before the first.
    Source:
        Bellman 1957, Dynamic Programming; Sutton and Barto, 2nd ed., section 4.4.
    """

    off: float | None = None

    def _learn(self, rate: float) -> float:
        off = sweep(self.table, self.worth.max(axis=1), self.discount) - self.worth
        self.worth += rate * off
        self.off = float(np.abs(off).max())
        if self.off <= STILL * np.abs(self.worth).max():
            self.progress.ended = "no value changes any more"
        return float(np.square(off).mean())


class QLearning(Tabular):
    """Q-learning: after each step the worth of what was done moves to its reward and the best that follows.

    Source:
        Watkins 1989, Learning from delayed rewards; Sutton and Barto, 2nd ed., section 6.5.
    """

    def _learn(self, rate: float) -> float:
        world, training, epoch = self.problem.world, self.problem.config.training, self.progress.epoch
        assert world is not None
        assert training.exploration is not None
        assert training.batch is not None
        assert training.episodes is not None
        rng, worth = stream(self.problem.config.seed, "episodes", epoch), self.worth
        squares: list[float] = []
        self._totals: list[float] = []
        for _ in range(min(training.batch, training.episodes - epoch * training.batch)):
            state, total = world.begin(1, rng), 0.0
            for _ in range(world.steps):
                explores = rng.random() < training.exploration
                action = int(rng.integers(worth.shape[1]) if explores else worth[state[0]].argmax())
                after, (reward,), (ended,) = world.step(state, np.array([action]), rng)
                target = reward if ended else reward + self.discount * worth[after[0]].max()
                off = float(target - worth[state[0], action])
                worth[state[0], action] += rate * off
                squares.append(off * off)
                state, total = after, total + float(reward)
                if ended:
                    break
            self._totals.append(total)
        return float(np.mean(squares))

    def _measured(self) -> dict[str, float]:
        return {RETURN: float(np.mean(self._totals))}
