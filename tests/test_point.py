"""A command runs a program forward and sweeps back once; whatever it does again has a reason here."""

from __future__ import annotations

import sys
from collections import Counter
from types import FrameType

import pytest

from backprop_cli.engine.run import run as run_forward
from backprop_cli.engine.sweep import sweep

ONCE = {"run over floats": 1, "sweep over floats": 1}
BOUNDS = {"run over numbers with rounding bounds": 1, "sweep over numbers with rounding bounds": 1}
"""How far rounding may have moved what is answered or asserted."""
RUN = {"run over numbers with rounding bounds": 1}
DIGITS = {"run over multi-precision numbers": 1, "sweep over multi-precision numbers": 1}
"""The right number to 40 digits."""

AT = ("L = (a*b+c)*f", "--a", "3", "--b", "-2", "--c", "8", "--f", "-2")


def passes(run, *arguments: str) -> dict[str, int]:
    """Return how often a command runs a program forward and sweeps back, by the numbers it does it over."""
    found: Counter[str] = Counter()
    counted = {run_forward.__code__: "run", sweep.__code__: "sweep"}

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code in counted:
            found[f"{counted[frame.f_code]} over {frame.f_locals['xp'].name}"] += 1

    sys.setprofile(note)
    try:
        assert run(*arguments).status <= 1
    finally:
        sys.setprofile(None)
    return dict(found)


@pytest.mark.parametrize(
    ("command", "again"),
    [
        (("grad", *AT, "--method", "reverse", "--format", "json"), BOUNDS),
        (("eval", *AT), BOUNDS),
        (("graph", *AT, "--format", "json"), {}),
        (("graph", *AT, "--named"), {}),
        # the constants alone: a branch may have no value whatever the point is
        (("export", *AT, "--to", "numpy"), {"run over floats": 1, **BOUNDS}),
        (("export", *AT, "--to", "latex"), {}),
        # what happens when an input moves a little is run; so is how far rounding moves steps, and slopes
        (("explain", *AT, "--wrt", "a"), Counter({"run over floats": 1}) + Counter(BOUNDS) + Counter(RUN)),
        # by hand, beside what is exact
        (("explain", *AT, "--round-each"), ONCE),
        # the claim is a program of its own; so is the derivative, whose constants are worked out: it is run
        # and swept for how far rounding the given numbers moves it
        (("check", *AT, "--claim", "dL/da=4"), {"run over floats": 3, "sweep over floats": 1, **DIGITS}),
        # the Taylor remainder to 60 digits: at the point and for every input beside it, until nothing is left
        (("check", *AT, "--gradcheck"), {"run over multi-precision numbers": 8}),
    ],
    ids=lambda x: " ".join((x[0], *x[10:])) if isinstance(x, tuple) else "",
)
def test_once(run, command, again):
    assert passes(run, *command) == dict(Counter(ONCE) + Counter(again))
