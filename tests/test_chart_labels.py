"""No text of a chart is printed over another, none is cut, and each stands by what it names."""

from __future__ import annotations

import random
import re
from itertools import combinations, pairwise
from math import hypot
from typing import Any

import pytest

from backprop_cli.api.plots import plot
from backprop_cli.curves.scale import LINEAR, Scale
from backprop_cli.errors import BackpropError
from backprop_cli.layout.chart import Chart, Field, Mark, Panel, Series, axes_of, placed
from backprop_cli.layout.chart_picture import picture_of
from backprop_cli.layout.picture import Dot, Label, Path, Picture, text_width
from backprop_cli.layout.placing import Crowd
from backprop_cli.render.canvas import terminal_chart

ASCENT, HEIGHT = 0.76, 0.95  # of a text, in units of its size: from above a capital to below a g
SIZES = [(None, None), (None, None), (1200, 800), (480, 320), (360, 300)]
CURVES = [
    "{a}*sin({b}*x)", "x^3 - {a}*x", "{a}/(x - {c})", "exp({b}*x)", "x^4 - {a}*x^2 + {c}*x", "sin(x)/x + {c}",
    "tan({b}*x)", "where(x < {c}, |x|, log(4 - x))", "floor(x)*{a}", "{a}e12*x^2 + {b}", "{c}e-9*sin(x)*x",
]  # fmt: skip
PLANES = [
    "sin({b}*x)*cos({a}*y)", "x^3 - {a}*x + {b}*y^2", "relu(x + {b}*y)", "(1 - x)^2 + {a}00*(y - x^2)^2",
    "x*y", "exp(-x^2 - {a}*y^2)*x", "{a}e9*(x^2 + y^3 - y)", "floor(x) + y",
]  # fmt: skip


def boxes(picture: Picture) -> list[tuple[float, float, float, float, str]]:
    found = []
    for label in (s for s in picture.shapes if isinstance(s, Label)):
        width = text_width(label.text, label.size, bold=label.bold)
        left = label.x - {"start": 0.0, "middle": width / 2, "end": width}[label.anchor]
        top = label.y - ASCENT * label.size
        found.append((left, top, left + width, top + HEIGHT * label.size, label.text))
    return found


def check(picture: Picture) -> None:
    texts = boxes(picture)
    for left, top, right, bottom, text in texts:
        assert left >= 0.0, text
        assert top >= 0.0, text
        assert right <= picture.width, text
        assert bottom <= picture.height, text
    for a, b in combinations(texts, 2):
        across, down = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
        assert across <= 0.5 or down <= 0.5, f"{a[4]} over {b[4]}"


def seeds(count: int) -> list[Any]:
    """Return the seeds of random pictures, of which some are for the night."""
    return [seed if seed < 2 else pytest.param(seed, marks=pytest.mark.nightly) for seed in range(count)]


@pytest.mark.parametrize("seed", seeds(5))
def test_random_functions(seed):
    random_ = random.Random(seed)
    for number in range(12):
        values = {
            "a": random_.randint(1, 9),
            "b": round(random_.uniform(0.2, 3.0), random_.randint(0, 4)),
            "c": round(random_.uniform(-2.0, 2.0), random_.randint(0, 5)),
        }
        low = round(random_.uniform(-9.0, 1.0), 1)
        span = (low, low + round(random_.uniform(1.0, 20.0), 2))
        options = {}
        try:
            if number % 3:
                tangents = [random_.uniform(*span) for _ in range(random_.randint(0, 3))]
                made = plot(random_.choice(CURVES).format(**values), x=span, tangents=tangents)
                options = {"derivative": random_.random() < 0.4, "panels": random_.choice([None, 1, 2])}
            else:
                made = plot(random_.choice(PLANES).format(**values), x=span, y=(-2.0, random_.uniform(0, 20)))
        except BackpropError:  # no value, or no tangent
            continue
        check(picture_of(made.chart(**options), *random_.choice(SIZES)))


WORDS = ("end", "slope 1.25", "minimum (0.75, -2.875)", "saddle 0 at (3.142, 1.571)", "i" * 40)


@pytest.mark.parametrize("seed", seeds(7))
def test_random_charts(seed):
    random_ = random.Random(seed)

    def points(count):
        return [(random_.uniform(-3.0, 3.0), random_.gauss(0.0, 1.0)) for _ in range(count)]

    for _ in range(20):
        side = [-3.0 + 6.0 * i / 20 for i in range(21)]
        lean = random_.random()
        z = [[x * x - lean * y for x in side] for y in side]
        panels = [
            Panel(
                random_.choice(
                    ["", "a panel", "a panel with a title that is so long that it has no room " * 2]
                ),
                random_.choice(["", "x", "update"]),
                random_.choice(["", "f(x)", "|error|"]),
                [
                    Series(
                        f"{i} {random_.choice(WORDS)}" if random_.random() < 0.7 else "", sorted(points(9))
                    )
                    for i in range(random_.randint(0, 7))
                ],
                [
                    Mark(*p, random_.choice(WORDS), line=points(3) if random_.random() < 0.2 else ())
                    for p in points(random_.choice([1, 3, 7, 40]))
                ],
                y_scale=random_.choice([LINEAR, Scale(True, 0.1)]),
                x_range=(-3.0, 3.0),
                y_range=(-4.0, 4.0),
                field=Field(side, side, z) if random_.random() < 0.4 else None,
                equal=random_.random() < 0.5,
            )
            for _ in range(random_.choice([1, 1, 2, 3]))
        ]
        check(
            picture_of(Chart("title " * 20, "", panels, random_.choice([1, 2])), *random_.choice(SIZES[:3]))
        )


def test_labels_stand_by_their_points_or_have_leaders():
    random_ = random.Random(1)
    for count in (1, 5, 30, 200):
        crowd = Crowd((0.0, 0.0, 600.0, 400.0))
        points = [(random_.uniform(0.0, 600.0), random_.uniform(0.0, 400.0)) for _ in range(count)]
        for point in points:
            crowd.anchor(*point, 6.0)
        places = [(p, crowd.place([p], 80.0, 14.0)) for p in points]
        assert count > 30 or all(place for _, place in places)
        for (x, y), place in places:
            if place is None:
                continue
            near = min(max(x, place.left), place.left + 80.0), min(max(y, place.top), place.top + 14.0)
            if place.leader:
                assert place.leader == ((x, y), near)
            else:
                assert hypot(near[0] - x, near[1] - y) <= 14.0


def test_points_that_crowd_are_numbered_with_a_key():
    picture = plot("sin(x)*cos(y)", x=(-4, 4), y=(-4, 4)).picture
    texts = [s.text for s in picture.shapes if isinstance(s, Label)]
    for number in range(1, 13):
        assert texts.count(str(number)) == 2 + 2 * (
            number in (2, 4)
        )  # at the point, in the key; and at both axes
    assert "minimum -1 at (-1.571, 0)" in texts


def test_a_key_says_how_many_it_leaves_out():
    made = Chart("", "", [Panel(marks=[Mark(i % 10, i // 10, f"point number {i}") for i in range(60)])])
    texts = [s.text for s in picture_of(made).shapes if isinstance(s, Label)]
    (left,) = [text for text in texts if text.startswith("…")]
    shown = [text for text in texts if text.startswith("point number")]
    numbers = [text for text in texts if text.isdigit() and int(text) > 9]
    assert int(left.split()[2]) + len(shown) == max(map(int, numbers))


def test_a_tangent_has_its_slope_at_its_line():
    picture = plot("2x^2 - 3x + 4", x=(1, 4), tangents=[2]).picture
    (label,) = [s for s in picture.shapes if isinstance(s, Label) and s.text == "slope 5"]
    (line,) = [s.points for s in picture.shapes if isinstance(s, Path) and s.stroke == "second"]
    (x0, y0), (x1, y1) = line[0], line[-1]
    assert min(x0, x1) - 80 <= label.x <= max(x0, x1) + label.size
    near = min(max(label.x, x0), x1)
    assert abs(label.y - y0 - (near - x0) * (y1 - y0) / (x1 - x0)) <= 2 * label.size
    assert not [s for s in picture.shapes if isinstance(s, Path) and s.stroke == "muted"]


def test_legends_take_another_row_before_a_name_is_cut():
    names = [f"optimizer number {i} with momentum" for i in range(5)]
    made = Chart("", "", [Panel("", "x", "y", [Series(n, [(0, 0), (1, i)]) for i, n in enumerate(names)])])
    texts = [s.text for s in picture_of(made).shapes if isinstance(s, Label)]
    assert set(names) <= set(texts)


def test_a_flat_part_says_so():
    made = plot("relu(x + y)", x=(-2, 2), y=(-2, 2)).picture
    (label,) = [s for s in made.shapes if isinstance(s, Label) and s.text == "f = 0 here"]
    frame_left, frame_bottom = 41.5, 390.0
    assert label.x < frame_left + 175.0
    assert label.y > frame_bottom - 175.0
    assert sum(isinstance(s, Path) and s.stroke == "first" for s in made.shapes) >= 6  # contours on the rest


@pytest.mark.parametrize(
    ("text", "open_", "closed"),
    [
        ("floor(x)", [(0.0, -1.0)], [(0.0, 0.0)]),
        ("ceil(x)", [(0.0, 1.0)], [(0.0, 0.0)]),
        ("sign(x)", [(0.0, -1.0), (0.0, 1.0)], [(0.0, 0.0)]),
        ("where(x > 0, exp(x), cos(x) - 3)", [(0.0, 1.0)], [(0.0, -2.0)]),
        ("(x^2 + x)/x", [(0.0, 1.0)], []),
        ("sin(x)/x", [(0.0, 1.0)], []),
        ("1/x", [], []),
    ],
)
def test_ends_at_jumps_are_open_where_they_are_not_the_value(text, open_, closed):
    made = plot(text, x=(-0.7, 0.8))
    panel = made.chart().panels[0]
    marks = [mark for mark in panel.marks if not mark.text]
    assert [(m.x, pytest.approx(m.y, abs=1e-2)) for m in marks if m.open] == open_
    assert [(m.x, pytest.approx(m.y)) for m in marks if not m.open] == closed
    # no riser is drawn at a jump
    parts = [p for s in panel.series for p in placed(panel, s, *axes_of(panel)) if len(p) > 1]
    assert not [
        part
        for part in parts
        for (x0, y0), (x1, y1) in pairwise(part)
        if abs(y0 - y1) > 0.1 > 1e6 * abs(x0 - x1)
    ]


def test_poles_and_asymptotes_are_dashed_lines():
    made = plot("1/(x - 1)", x=(-3, 3))
    upright, level = [s.points for s in made.picture.shapes if isinstance(s, Path) and s.dash]
    assert upright[0][0] == upright[1][0]
    assert level[0][1] == level[1][1]
    text = made.to_text("plot")
    assert text.count("┆") >= 10


def test_open_points_are_circles():
    made = picture_of(Chart("", "", [Panel(marks=[Mark(0, 0, "", open=True), Mark(1, 1, "")])]))
    assert [dot.fill for dot in made.shapes if isinstance(dot, Dot)] == ["paper", "mark"]


@pytest.mark.parametrize("height", range(14, 40, 5))
def test_in_a_terminal_arrows_leave_lines_and_numbers_whole(height):
    panel = plot("x^3 - 3x + y^2", x=(-2, 2), y=(-2, 2)).chart().panels[0]
    bare = panel._replace(marks=[mark._replace(text="") for mark in panel.marks])
    text = terminal_chart(Chart("", "", [bare]), 80, height, unicode=True, color=0)
    rows = [row.partition("│")[2] or row.partition("┤")[2] for row in text.splitlines()]
    arrows = "→↗↑↖←↙↓↘"
    beside = [row[max(i - 1, 0) : i + 2] for row in rows for i, sign in enumerate(row) if sign in arrows]
    assert len(beside) > 10
    assert all(set(around) <= {" ", *arrows} for around in beside)
    assert any(re.search(r" -?\d ", row) for row in rows)


def test_in_a_terminal_names_stand_where_other_lines_are_far():
    # five descents to one minimum: the starts tell them apart
    runs = [
        Series(f"x = {i}", [(i - 2.0 * i * k / 9, 0.0) for k in range(6)], style="line+points")
        for i in (-3, 3)
    ]
    made = Chart("", "", [Panel("", "x", "y", runs, x_range=(-4.0, 4.0), y_range=(-1.0, 1.0))])
    (row,) = [r for r in terminal_chart(made, 80, 12, unicode=True, color=0).splitlines() if "x = " in r]
    assert row.index("x = -3") < 25
    assert row.index("x = 3", 30) > 50
