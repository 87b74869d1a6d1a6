"""Models that act; policies trained by what they did: a batch of episodes makes the rows of one update."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import NoSuchNumber
from .acting import judged, played
from .loop import Diverged, Training
from .schema import RETURN

PLANS = 4
"""Plans that are kept at most, each for another number of steps that a batch of episodes had."""


class Acting(Training):
    """See `Training`; what acts in an environment is judged by what it brings there."""

    judged = False

    def results(self, final: Training) -> dict[str, dict[str, float]]:
        """Return what episodes bring that are played anew: as in training, and with the likeliest actions."""
        assert self.problem.world is not None
        found = judged(self.problem.world, final.runner, self.problem.config)
        return {"training": found["drawn"], "greedy": found["greedy"]}


class Reinforce(Acting):
    """REINFORCE: see `Training`; its rows are what the policy did, and an epoch is a batch of episodes.

    The loss is the mean over all steps of advantage times -log of the probability of the action: minus its
    gradient is an estimate of that of the return.

    Attributes:
        episodes: Of the batch that is learned from.
    Source:
        Williams 1992, Simple statistical gradient-following algorithms for connectionist reinforcement
        learning; with returns from each step on, Sutton and Barto, 2nd ed., section 13.4.
    """

    weighted_mean = False

    def _updates(self) -> Iterator[None]:
        if self.progress.row == 0:
            self._play()
        yield from super()._updates()

    def _play(self) -> None:
        """Play the next batch, which is then the training rows."""
        problem, runner = self.problem, self.runner
        assert problem.world is not None
        try:
            self.episodes = played(problem.config, problem.world, runner, self.progress.epoch)
            self.train = problem.acted(self.episodes).of_type(runner.dtype)
        except NoSuchNumber as error:
            when = f"update {self.progress.step + 1}"
            raise Diverged(
                f"{when}: {error.message}", hint=error.hint or "a smaller optimizer.learning_rate"
            ) from None
        self.batch = len(self.train)
        self.last_batch = None
        runner.forget(PLANS)

    def _measured(self) -> dict[str, float]:
        return {RETURN: float(self.episodes.totals.mean())}
