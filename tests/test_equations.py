"""Every equation on a page holds: both sides are read by our own parser, with the page's own names."""

from __future__ import annotations

import math
import random
import re
import sys
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from conftest import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))

import soak

from backprop_cli.engine.point import Point
from backprop_cli.engine.run import value_at
from backprop_cli.errors import BackpropError
from backprop_cli.language.lower import lower
from backprop_cli.language.parser import parse

SLOPE = re.compile(r"df/d([A-Za-z_]\w*)")
"""By its node's name; local derivatives have no number of their own."""

TITLED = re.compile(r"\s*(\w+ = [^:]*?):\s+(.*)")
"""A step, and what is said of it."""

WORDS = re.compile(r" at \w+ = .*$|\s\s\(.*\)$|by the \d\w\w \w+ in it:|^\s*adds | to d\w+/d\w+$")


def equations(page: str) -> Iterator[list[str]]:
    """Yield the sides of every equation above the words."""
    for line in page.split("In words")[0].splitlines():
        parts = []
        for part in WORDS.sub("", line).split(";"):
            titled = TITLED.match(part)
            parts += titled.groups() if titled else [part]
        for part in parts:
            sides = re.split(r"(?<![<>=!])=(?!=)", WORDS.sub("", part))
            if len(sides) > 1:
                yield [side.strip() for side in sides]


def number(text: str, names: Mapping[str, float], slopes: Mapping[str, float]) -> float | None:
    """Return what a side comes to; None where it is no expression over the page's names."""
    try:
        graph = lower(parse(SLOPE.sub(lambda m: f"({slopes[m[1]]!r})", text)))
        return value_at(graph, {name: names[name] for name in graph.inputs})
    except (BackpropError, KeyError):
        return None


def false(page: str, names: Mapping[str, float], slopes: Mapping[str, float]) -> tuple[list[str], int, int]:
    """Return the equations that do not hold, how many sides there are, and how many were read."""
    wrong, count, read = [], 0, 0
    for sides in equations(page):
        found = [x for side in sides if (x := number(side, names, slopes)) is not None]
        count, read = count + len(sides), read + len(found)
        if not all(math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-9) for a, b in pairwise(found)):
            wrong.append(" = ".join(sides))
    return wrong, count, read


def pages(run: Any, seeds: range) -> Iterator[tuple[str, dict[str, float], dict[str, float]]]:
    """Yield explanations of random programs at ordinary points, with their values and slopes."""
    for seed in seeds:
        case, draw = soak.random_case(seed), random.Random(seed)
        graph = lower(parse(case.text))
        at = {name: draw.choice((2.0, -1.0, 0.5, 0.7, 0.0)) for name in graph.inputs}
        words = ["explain", case.text, *(f"{n}={x!r}" for n, x in at.items())]
        done = run(*words, "--digits", "12") if at else None
        if done is None or done.status:
            continue
        point = Point.at(graph, at)
        names = {step["name"]: step["value"] for step in run(*words, "--format", "json").json["forward"]}
        slopes = {graph.own_name(k): x for k, x in enumerate(point.cotangents) if math.isfinite(x)}
        yield done.out, at | names, slopes | {"f": 1.0}


def test_equations_of_explanations_hold(run: Any) -> None:
    count = read = 0
    for page, names, slopes in pages(run, range(5000, 5070)):
        wrong, sides, known = false(page, names, slopes)
        assert wrong == []
        count, read = count + sides, read + known
    assert read > 0.8 * count > 1000


def test_a_false_equation_is_seen() -> None:
    page = "  v2 = x*y = 2 * 3 = 6\n  f = v2 + 1:  df/dv2 = 1; df/dx = df/dv2 * y = 1 * 3 = 3\n"
    names, slopes = {"x": 2.0, "y": 3.0, "v2": 6.0, "f": 7.0}, {"v2": 1.0, "x": 3.0, "f": 1.0}
    assert false(page, names, slopes) == ([], 12, 12)
    for old, new in (("x*y", "x+y"), ("= 6", "= 7"), ("1 * 3", "1 * 2"), ("v2 + 1:", "v2 - 1:")):
        assert len(false(page.replace(old, new), names, slopes)[0]) == 1
