"""``environment``: which one, and what it is like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta
from msgspec.structs import force_setattr

from ..errors import printable
from ..settings import Fault, Fraction, NotNegative, Section

GRID = ("...+", ".#.-", "S...")
"""The world of Russell and Norvig, Artificial Intelligence, section 17.1 (figure 16.1 of the 4th edition)."""

SETTINGS: dict[str, Mapping[str, Any]] = {
    "cartpole": {"steps": 500},
    "gridworld": {"steps": 100, "map": GRID, "slip": 0.2, "reward": -0.04},
    "bandit": {"rewards": (1.0, 2.0, 4.0), "noise": 0.0},
}
"""The settings of each environment, with their defaults."""

LISTED = ("gridworld", "bandit")
"""Those whose states can be listed."""

FREE, WALL, START, GOAL, PIT = ".#S+-"
CELLS = f"{FREE} free, {WALL} wall, {START} start, {GOAL} goal, {PIT} pit"
LARGEST_MAP = 400
"""Most cells of a map: the table of its moves has a number for every two of them and each move."""
FEWEST_ARMS, MOST_ARMS = 2, 1000


class Environment(Section, frozen=True):
    """``environment``: a name, or a mapping with what it is like."""

    name: Annotated[
        Literal["cartpole", "gridworld", "bandit"],
        Meta(
            description="cartpole: keep a pole upright by pushing its cart left or right, 1 for each step; "
            "gridworld: find the goal, keep out of the pit; bandit: one choice among arms"
        ),
    ]
    steps: Annotated[
        Annotated[int, Meta(ge=1, le=10_000)] | None,
        Meta(description="cartpole, gridworld: after so many an episode ends (500; 100)"),
    ] = None
    map: Annotated[
        list[str] | None,
        Meta(
            description=f"gridworld: its rows, a character a cell: {CELLS} "
            f"({', '.join(repr(row) for row in GRID)})"
        ),
    ] = None
    slip: Annotated[
        Fraction | None,
        Meta(description="gridworld: how likely a move goes aside, half of it to each side (0.2)"),
    ] = None
    reward: Annotated[
        float | None,
        Meta(description="gridworld: of every move (-0.04); goal and pit add 1 and -1, and end the episode"),
    ] = None
    rewards: Annotated[
        list[float] | None, Meta(description="bandit: the mean reward of each arm ([1, 2, 4])")
    ] = None
    noise: Annotated[
        NotNegative | None,
        Meta(description="bandit: the standard deviation of a reward about its mean (0)"),
    ] = None

    def __post_init__(self) -> None:
        for name, default in SETTINGS[self.name].items():
            if getattr(self, name) is None:
                force_setattr(self, name, list(default) if isinstance(default, tuple) else default)

    @property
    def listed(self) -> bool:
        """Whether its states can be listed."""
        return self.name in LISTED

    def faults(self, key: str) -> Iterator[Fault]:
        """Yield what does not fit, and settings that are another environment's."""
        for setting in self.__struct_fields__[1:]:
            owners = [name for name, own in SETTINGS.items() if setting in own]
            if getattr(self, setting) is not None and self.name not in owners:
                yield Fault(
                    f"{key}.{setting}",
                    f"{key}.{setting} is for {', '.join(owners)}, not for {self.name}",
                    None,
                    (f"{key}.name",),
                )
        if self.rewards is not None and not FEWEST_ARMS <= len(self.rewards) <= MOST_ARMS:
            yield Fault(
                f"{key}.rewards",
                f"{key}.rewards needs {FEWEST_ARMS} to {MOST_ARMS:,} arms, not {len(self.rewards):,}",
            )
        if self.map is not None:
            yield from self._faults_of_map(f"{key}.map", self.map)

    def _faults_of_map(self, key: str, rows: list[str]) -> Iterator[Fault]:
        cells = "".join(rows)
        if not cells:
            yield Fault(key, f"{key} is empty")
            return
        if len(cells) > LARGEST_MAP:
            yield Fault(key, f"{key} has {len(cells):,} cells; {LARGEST_MAP} are the most")
            return
        for i, row in enumerate(rows):
            if len(row) != len(rows[0]):
                message = f"row {i + 1} of {key} has {len(row)} cells, row 1 has {len(rows[0])}"
                yield Fault(f"{key}.{i}", message)
                return
            unknown = next((cell for cell in row if cell not in f"{FREE}{WALL}{START}{GOAL}{PIT}"), None)
            if unknown is not None:
                yield Fault(f"{key}.{i}", f"row {i + 1} of {key}: '{printable(unknown)}' is no cell", CELLS)
                return
        if not {*cells} & {FREE, START}:
            yield Fault(key, f"{key} has no cell to begin in", f"{START} is the start")
