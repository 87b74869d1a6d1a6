from __future__ import annotations

import io
import math
import re
import struct
import sys
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from backprop_cli.curves.scale import LOG
from backprop_cli.errors import UsageError
from backprop_cli.layout.axis import Axis
from backprop_cli.layout.chart import (
    Chart,
    Field,
    Mark,
    Panel,
    Series,
    axes_of,
    clipped,
    placed,
    thinned,
)
from backprop_cli.layout.chart_picture import picture_of, wrapped
from backprop_cli.layout.contours import levels, lines, region
from backprop_cli.layout.picture import Box, Dot, Label, Path, Picture, arrow, text_width
from backprop_cli.layout.placing import Crowd
from backprop_cli.render.canvas import steps, terminal_chart
from backprop_cli.render.palette import DARK, LIGHT, painted
from backprop_cli.render.pictures import ANIMATIONS, PICTURES, is_picture, picture_bytes
from backprop_cli.render.svg import svg

SVG = "{http://www.w3.org/2000/svg}"
WORLD = "\u202e<b>&\"'\x1b[31m ]]> \x00"


def chart(*series, title="title", **panel):
    return Chart(title, "what is seen", [Panel("", "x", "y", series, **panel)])


def line(*points, name="", **more):
    return Series(name, points, **more)


def bowl(n=41):
    """x^2 + y^2 over [-2, 2] squared."""
    side = [-2 + 4 * i / (n - 1) for i in range(n)]
    return side, [[x * x + y * y for x in side] for y in side]


def labels(picture):
    return [s.text for s in picture.shapes if isinstance(s, Label)]


# axes and lines


def test_ticks_take_the_next_round_step_where_too_many_would_not_fit():
    # -3 to 4 in steps of 1 are 8: with room for 7 every second whole number, 0 among them
    assert [text for _, text in Axis(-3.0, 4.0).ticks(7)] == ["-2", "0", "2", "4"]


def test_ranges_and_margins():
    x, y = axes_of(Panel(series=[line((0.0, 0.0), (1.0, 10.0))]))
    assert (x.low, x.high) == (0.0, 1.0)
    assert (y.low, y.high) == (-0.5, 10.5)  # a twentieth beyond
    x, y = axes_of(Panel(series=[line((0.0, 0.0), (1.0, 10.0))], x_range=(0.0, 0.5), y_range=(-1.0, 1.0)))
    assert (x.high, y.low, y.high) == (0.5, -1.0, 1.0)


def test_what_is_out_of_range_does_not_stretch_the_other_axis():
    _, y = axes_of(Panel(series=[line((0.0, 1.0), (1.0, 2.0), (5.0, 900.0))], x_range=(0.0, 1.0)))
    assert (y.low, y.high) == (0.95, 2.05)


def test_a_panel_without_anything():
    picture = picture_of(Chart("", "", [Panel()]))
    assert ElementTree.fromstring(svg(picture)).get("viewBox") == "0 0 720 450"
    assert terminal_chart(Chart("", "", [Panel()]), 40, 8, unicode=True, color=0).count("\n") >= 7


def test_lines_are_cut_by_the_frame():
    # from far below to far above: what is left leads from bottom to top at the same slope
    assert clipped([(0.25, -1.0), (0.75, 2.0)]) == [
        [(pytest.approx(5 / 12), 0.0), (pytest.approx(7 / 12), 1.0)]
    ]
    assert clipped([(-1.0, 0.5), (2.0, 0.5)]) == [[(0.0, 0.5), (1.0, 0.5)]]
    assert clipped([(0.1, 2.0), (0.9, 3.0)]) == []
    # out and in again: two parts
    parts = clipped([(0.0, 0.5), (0.5, 1.5), (1.0, 0.5)])
    assert [part[-1] for part in parts] == [(0.25, 1.0), (1.0, 0.5)]


def test_huge_values_leave_at_the_right_place():
    panel = Panel(series=[line((0.0, 0.5), (1.0, 1e308))], y_range=(0.0, 1.0))
    ((start, end),) = placed(panel, panel.series[0], *axes_of(panel))
    assert start == (0.0, 0.5)
    assert end == (pytest.approx(0.0, abs=1e-8), 1.0)


@pytest.mark.parametrize("gap", [None, (0.5, math.nan), (math.nan, 0.5), (0.5, math.inf)])
def test_gaps_stay_open(gap):
    panel = Panel(series=[line((0.0, 0.0), (0.25, 0.0), gap, (0.75, 1.0), (1.0, 1.0))])
    parts = placed(panel, panel.series[0], *axes_of(panel))
    assert [[u for u, _ in part] for part in parts] == [[0.0, 0.25], [0.75, 1.0]]


def test_log_axes_leave_out_what_has_no_logarithm():
    panel = Panel(series=[line((1e-3, 1.0), (0.0, 1.0), (1.0, -1.0), (1.0, 100.0))], x_scale=LOG, y_scale=LOG)
    x, y = axes_of(panel)
    assert (x.low, x.high) == (pytest.approx(1e-3), 1.0)
    assert placed(panel, panel.series[0], x, y) == [
        [(0.0, pytest.approx(1 / 22))],  # margins of a twentieth: 0.05/1.1
        [(1.0, pytest.approx(21 / 22))],
    ]


def test_thinning_keeps_the_outline():
    points = [(float(i), 1.0) for i in range(100_000)]
    points[33_333] = (33_333.0, 50.0)
    points[66_666] = (66_666.0, -50.0)
    kept = thinned(points)
    assert len(kept) <= 1500
    assert kept[0] == points[0]
    assert kept[-1] == points[-1]
    assert {p[1] for p in kept} == {1.0, 50.0, -50.0}
    assert kept == sorted(kept)


# contours


def test_contours_of_a_bowl_are_circles():
    side, z = bowl()
    (circle,) = lines(side, side, z, 1.0)
    assert circle[0] == circle[-1]
    assert all(math.hypot(x, y) == pytest.approx(1.0, abs=0.003) for x, y in circle)
    # anticlockwise would have the higher side on the right: area by the trapezoid rule is -pi
    area = sum((x0 - x1) * (y0 + y1) / 2 for (x0, y0), (x1, y1) in pairwise(circle))
    assert area == pytest.approx(-math.pi, abs=0.02)


def test_open_contours_end_at_the_border():
    side = [0.0, 0.5, 1.0]
    (found,) = lines(side, side, [side, side, side], 0.25)
    assert sorted(found) == [(0.25, 0.0), (0.25, 0.5), (0.25, 1.0)]


def test_cells_without_a_value_are_left_out():
    side = [0.0, 1.0, 2.0]
    z = [[0.0, 1.0, 2.0], [0.0, 1.0, 2.0], [0.0, math.nan, 2.0]]
    (found,) = lines(side, side, z, 0.5)
    assert sorted(found) == [(0.5, 0.0), (0.5, 1.0)]


def test_a_saddle_is_joined_by_its_middle():
    # two opposite corners of a cell are above; the middle is 0.5
    side, z = [0.0, 1.0], [[1.0, 0.0], [0.0, 1.0]]
    band = {frozenset({(0.6, 0.0), (1.0, 0.4)}), frozenset({(0.4, 1.0), (0.0, 0.6)})}
    corners = {frozenset({(0.4, 0.0), (0.0, 0.4)}), frozenset({(0.6, 1.0), (1.0, 0.6)})}
    assert {frozenset(found) for found in lines(side, side, z, 0.4)} == band
    assert {frozenset(found) for found in lines(side, side, z, 0.6)} == corners


def test_the_region_above_a_level():
    side, z = bowl()
    outline = region(side, side, z, 1.0)
    # the square less the circle, by the shoelace formula: the ways between enclose nothing
    twice = sum(
        x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(outline, [*outline[1:], outline[0]], strict=True)
    )
    assert twice / 2 == pytest.approx(16 - math.pi, abs=0.03)
    assert region(side, side, z, 100.0) == []


def test_levels_are_round():
    side, z = bowl()
    assert [text for _, text in levels(z)] == ["1", "2", "3", "4", "5", "6", "7"]
    rosenbrock = [[(1 - x) ** 2 + 100 * (y - x * x) ** 2 for x in side] for y in side]
    found = [height for height, _ in levels(rosenbrock)]
    assert found == sorted(found)
    assert {10.0, 100.0, 1000.0} <= set(found)  # growing steps: the valley is to be seen
    assert levels([[3.0, 3.0], [3.0, 3.0]]) == []
    assert levels([[math.nan, math.nan]]) == []


# labels find room


def test_labels_avoid_one_another_and_the_border():
    crowd = Crowd((0.0, 0.0, 300.0, 200.0))
    boxes = []
    for x, y in [(5.0, 5.0), (295.0, 195.0), (150.0, 100.0), (155.0, 103.0), (150.0, 110.0)]:
        left, top, _ = crowd.place([(x, y)], 80.0, 14.0)
        boxes.append((left, top))
        assert left >= 0.0
        assert left + 80.0 <= 300.0
        assert top >= 0.0
        assert top + 14.0 <= 200.0
    for i, a in enumerate(boxes):
        for b in boxes[:i]:
            assert abs(a[0] - b[0]) >= 80.0 or abs(a[1] - b[1]) >= 14.0


def test_labels_avoid_lines():
    crowd = Crowd((0.0, 0.0, 400.0, 400.0))
    crowd.line([(0.0, 200.0), (200.0, 200.0), (400.0, 0.0)])  # up to the right
    left, top, _ = crowd.place([(200.0, 200.0)], 60.0, 14.0)
    assert top >= 200.0 or left + 60.0 <= 200.0


# pictures


def test_picture_of_a_chart():
    made = picture_of(
        chart(
            line((0.0, 0.0), (1.0, 1.0), name="up"),
            line((0.0, 1.0), (1.0, 0.0), name="down", role="second", dash="dashed"),
            marks=[Mark(0.5, 0.5, "they meet")],
        )
    )
    assert (made.width, made.height) == (720, 450)
    for text in ("title", "x", "y", "up", "down", "they meet", "0.0", "1.0"):
        assert text in labels(made)
    for shape in made.shapes:
        for x, y in shape.points if isinstance(shape, Path) else [(shape.x, shape.y)]:
            assert 0 <= x <= 720
            assert 0 <= y <= 450
    for label in (s for s in made.shapes if isinstance(s, Label)):
        width = text_width(label.text, label.size, bold=label.bold)
        left = label.x - {"start": 0, "middle": width / 2, "end": width}[label.anchor]
        assert left >= 0
        assert left + width <= 720
    assert any(s.dash for s in made.shapes if isinstance(s, Path))
    assert sum(isinstance(s, Dot) for s in made.shapes) == 1


@pytest.mark.parametrize("size", [(1200, 800), (720, 420), (320, 240)])
@pytest.mark.parametrize("panels", [1, 2, 5])
def test_panels_do_not_overlap(size, panels):
    made = picture_of(
        Chart("t", "", [Panel(f"p{i}", "x", "y", [line((0.0, 0.0), (1.0, 1.0))]) for i in range(panels)], 2),
        *size,
    )
    slopes = [s.points for s in made.shapes if isinstance(s, Path) and s.stroke == "first"]
    boxes = [(p[0][0], p[-1][1], p[-1][0], p[0][1]) for p in slopes]
    assert len(boxes) == panels
    for i, a in enumerate(boxes):
        for b in boxes[:i]:
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def test_equal_units():
    side, z = bowl()
    flat = [0.5 * y for y in side]
    made = picture_of(Chart("", "", [Panel("", "x", "y", field=Field(side, flat, z), equal=True)]))
    frame = max((s for s in made.shapes if isinstance(s, Path) and s.fill), key=lambda s: len(s.points))
    xs, ys = [p[0] for p in frame.points], [p[1] for p in frame.points]
    assert (max(xs) - min(xs)) / (max(ys) - min(ys)) == pytest.approx(2.0)


def test_arrows_point_uphill_and_end_short_of_one_another():
    side, z = bowl()
    arrows = [(x, 0.0, 2 * x, 0.0) for x in (-1.5, -0.5, 0.0, 0.5, 1.5)]
    made = picture_of(Chart("", "", [Panel("", "x", "y", field=Field(side, side, z, arrows))]))
    drawn = [s.points for s in made.shapes if isinstance(s, Path) and s.arrow]
    assert len(drawn) == 4  # at the bottom there is none
    assert [tip[0] > tail[0] for tail, tip in drawn] == [False, False, True, True]
    assert all(a[1][0] < b[0][0] or a[0][0] < b[1][0] for a, b in pairwise(drawn))


def test_arrow_heads():
    line_, head = arrow(Path(((0.0, 0.0), (100.0, 0.0)), width=2.0, arrow=True))
    assert head[0] == (100.0, 0.0)
    assert head[1][0] == head[2][0] == 91.0  # 4 + 2.5 * width behind the tip
    assert line_[-1][0] == pytest.approx(92.8)
    assert arrow(Path(((1.0, 1.0), (1.0, 1.0)), arrow=True))[1] == ()


# SVG


def test_svg_is_for_all_who_look():
    text = svg(picture_of(chart(line((0.0, 0.0), (1.0, 1.0)))))
    root = ElementTree.fromstring(text)
    assert root.get("role") == "img"
    assert root.find(f"{SVG}title").text == "title"
    assert root.find(f"{SVG}desc").text == "what is seen"
    assert "prefers-color-scheme:dark" in root.find(f"{SVG}style").text
    # for programs without style sheets, every shape has its colour as an attribute
    for element in root.iter():
        if element.tag in (f"{SVG}path", f"{SVG}text", f"{SVG}circle", f"{SVG}rect"):
            assert element.get("fill") or element.get("stroke")


def test_svg_escapes_every_text():
    made = picture_of(
        Chart(
            WORLD,
            WORLD,
            [Panel(WORLD, WORLD, WORLD, [line((0.0, 0.0), (1.0, 1.0), name=WORLD)] * 2, [Mark(0, 0, WORLD)])],
        )
    )
    root = ElementTree.fromstring(svg(made))
    assert root.find(f"{SVG}title").text == "\\u202e<b>&\"'\\x1b[31m ]]> \\x00"
    assert not list(root.iter(f"{SVG}b"))
    assert "\u202e" not in svg(made)


def test_svg_of_every_shape():
    shapes = (
        Path(((0, 0), (10, 10)), dash=(3, 2), arrow=True),
        Path(((0, 0), (1, 2), (3, 4), (5, 6)), "second", curve=True),
        Path(((0, 0), (9, 0), (9, 9)), None, fill="first", opacity=0.25),
        Box(1, 2, 30, 40, radius=0),
        Dot(5, 6),
        Label(5, 6, "a", turn=-90, anchor="end", bold=True, halo=True),
    )
    root = ElementTree.fromstring(svg(Picture(100, 50, shapes, "t", "d")))
    paths = [p.get("d") for p in root.iter(f"{SVG}path")]
    assert paths[1].endswith("Z")  # the arrow's head
    assert paths[2:] == ["M0 0C1 2 3 4 5 6", "M0 0L9 0L9 9Z"]
    assert [t.get("transform") for t in root.iter(f"{SVG}text")] == ["rotate(-90 5 6)"] * 2


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_colors_stand_out(palette):
    def luminance(color):
        parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    paper = luminance(palette["paper"])
    for role, color in palette.items():
        # WCAG: 4.5 to 1 for texts, 3 to 1 for lines
        needed = {"paper": 1.0, "grid": 1.0, "zero": 3.0}.get(role, 4.5)
        light, dark = sorted((luminance(color), paper), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= needed, role


# PNG and GIF


def test_png_has_the_size_of_the_picture():
    pytest.importorskip("matplotlib")
    made = picture_of(chart(line((0.0, 0.0), (1.0, 1.0)), title="$x^2$ \u2028 α₁ 漢"), 300, 200)
    data = picture_bytes(made, "a.PNG")
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", data[16:24]) == (300, 200)
    assert data == picture_bytes(made, "a.png")
    assert struct.unpack(">II", picture_bytes(made, "a.png", scale=2.0)[16:24]) == (600, 400)


def test_png_shows_lines_in_their_colours():
    pytest.importorskip("matplotlib")
    from PIL import Image

    made = Picture(
        40, 20, (Path(((0, 10), (40, 10)), "second", 4.0), Box(30, 0, 10, 20, None, "first")), "", ""
    )
    image = Image.open(io.BytesIO(picture_bytes(made, "a.png"))).convert("RGB")
    pixels = {at: "#{:02x}{:02x}{:02x}".format(*image.getpixel(at)) for at in ((10, 10), (10, 2), (35, 2))}
    assert pixels == {(10, 10): LIGHT["second"], (10, 2): "#ffffff", (35, 2): LIGHT["first"]}


@pytest.mark.parametrize(("theme", "palette"), [("light", LIGHT), ("dark", DARK)])
def test_a_theme_is_that_of_all_formats(theme, palette):
    pytest.importorskip("matplotlib")
    from PIL import Image

    picture = picture_of(chart(line((0.0, 0.0), (1.0, 1.0))), 240, 160)
    svg = picture_bytes(picture, "a.svg", theme=theme).decode()
    assert "prefers-color-scheme" not in svg
    assert set(re.findall("#[0-9a-f]{6}", svg)) <= set(palette.values())
    assert "prefers-color-scheme" in picture_bytes(picture, "a.svg").decode()
    for name, pictures in (("a.png", picture), ("a.gif", [picture, picture])):
        image = Image.open(io.BytesIO(picture_bytes(pictures, name, theme=theme)))
        assert "#{:02x}{:02x}{:02x}".format(*image.convert("RGB").getpixel((2, 2))) == palette["paper"]


def test_frames_of_an_animation_share_their_contours():
    x, y = [0.0, 1.0, 2.0], [0.0, 1.0]
    z = [[0.0, 1.0, 2.0], [1.0, 2.0, 3.0]]
    assert lines(x, y, z, 1.5) is lines(x, y, z, 1.5)
    assert lines(x, y, z, 0.5) != lines(x, y, z, 1.5)
    other = [list(row) for row in z]
    other[0][0] = 5.0
    assert lines(x, y, other, 1.5) != lines(x, y, z, 1.5)


def test_long_titles_have_two_lines():
    words = (
        "f = (1 - x)^2 + 5(y - x^2)^2: gradient descent from x = -1, y = 1.5, each <- each - 0.03*its slope"
    )
    first, second = wrapped(words, 700.0, 18.0)
    assert (first[-1], f"{first} {second}") == (",", words)
    assert wrapped("short", 700.0, 18.0) == ["short"]
    assert len(wrapped("x" * 300, 700.0, 18.0)) == 1
    assert wrapped(words * 3, 700.0, 18.0)[1].endswith("…")


def test_gif_is_an_animation():
    pytest.importorskip("matplotlib")
    from PIL import Image

    frames = [picture_of(chart(line((0.0, 0.0), (1.0, float(i)))), 120, 80) for i in range(3)]
    image = Image.open(io.BytesIO(picture_bytes(frames, "a.gif", milliseconds=100)))
    assert (image.n_frames, image.size, image.info["loop"], image.info["duration"]) == (3, (120, 80), 0, 100)


def test_pictures_need_their_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    with pytest.raises(UsageError, match="a PNG needs the plot extra") as caught:
        picture_bytes(picture_of(chart()), "a.png")
    assert caught.value.hint == "pip install 'backprop-cli[plot]'; SVG needs nothing"
    with pytest.raises(UsageError, match="a GIF needs"):
        picture_bytes(picture_of(chart()), "a.gif")
    assert picture_bytes(picture_of(chart()), "a.svg").startswith(b"<svg")


def test_endings():
    names = ("a.svg", "b.PNG", "c.gif", "d.txt", "png", None)
    for endings, found in ((PICTURES, "a.svg b.PNG"), (PICTURES + ANIMATIONS, "a.svg b.PNG c.gif")):
        assert [name for name in names if is_picture(name, endings)] == found.split()
    with pytest.raises(UsageError, match="names no picture"):
        picture_bytes(picture_of(chart()), "a.bmp")


# the terminal


def test_terminal_in_ascii():
    made = chart(line((0.0, 0.0), (1.0, 1.0)), title="", marks=[Mark(0.5, 0.5, "half")])
    assert terminal_chart(made, 40, 12, unicode=False, color=0).splitlines() == [
        "     y",
        "1.0 +                              ***",
        "    |                          ****",
        "    |                      ****",
        "    |                  ****",
        "0.5 +              **@*",
        "    |          ****    half",
        "    |      ****",
        "    |  ****",
        "0.0 +**-------------------------------",
        "    +|---------------|---------------|",
        "     0.0            0.5            1.0 x",
    ]


@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize(("width", "height"), [(80, 24), (140, 40), (40, 8)])
@pytest.mark.parametrize("count", [1, 2])
def test_terminal_charts_fit(width, height, unicode, count):
    panel = Panel(
        "", "x", "y",
        [line((0.0, 0.0), (1.0, 5.0), name="up"), line((0.0, 3.0), (0.5, 1.0), name="down", role="second")],
        [Mark(0.5, 2.5, "a mark with a long text"), Mark(0.9, 4.5, "two")],
    )  # fmt: skip
    text = terminal_chart(Chart("t", "", [panel] * count), width, height, unicode=unicode, color=0)
    rows = text.splitlines()
    assert max(map(len, rows)) <= width
    assert len(rows) <= max(height, 2 + 7 * count)
    assert text.isascii() is not unicode
    assert all(row == row.rstrip() for row in rows)


def test_terminal_colours_are_for_terminals():
    made = chart(
        line((0.0, 0.0), (1.0, 1.0), name="up"), line((0.0, 1.0), (1.0, 0.0), role="second", name="b")
    )
    plain = terminal_chart(made, 60, 12, unicode=True, color=0)
    colored = terminal_chart(made, 60, 12, unicode=True, color=16)
    assert "\x1b" not in plain
    assert painted("up", "first", 16) in colored
    assert painted("b", "second", 16) in colored
    assert re.sub("\x1b\\[[0-9;]+m", "", colored) == plain


def test_terminal_escapes_every_text():
    made = Chart(
        WORLD, "", [Panel(WORLD, WORLD, WORLD, [line((0, 0), (1, 1), name=WORLD)], [Mark(0, 0, WORLD)])]
    )
    assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", terminal_chart(made, 80, 24, unicode=True, color=0))


def test_lines_meet_where_gaps_are_open():
    made = chart(line((0.0, 0.0), (0.4, 0.0), None, (0.6, 1.0), (1.0, 1.0)), title="", y_range=(0.0, 1.0))
    rows = terminal_chart(made, 60, 12, unicode=True, color=0).splitlines()
    drawn = [row for row in rows if re.search("[\u2801-\u28ff]", row)]
    assert len(drawn) == 2  # the upper and the lower line, nothing between


def test_contours_in_the_terminal():
    side, z = bowl()
    arrows = [(1.0, 0.0, 2.0, 0.0), (-1.0, 0.0, -2.0, 0.0), (0.0, 1.0, 0.0, 2.0), (0.0, -1.0, 0.0, -2.0)]
    made = Chart("", "", [Panel("", "x", "y", field=Field(side, side, z, arrows), marks=[Mark(0, 0, "min")])])
    text = terminal_chart(made, 80, 24, unicode=True, color=0)
    for sign in "→←↑↓●":
        assert sign in text
    assert "min" in text
    ascii_ = terminal_chart(made, 80, 24, unicode=False, color=0)
    assert ascii_.isascii()
    for sign in "<>^v@":
        assert sign in ascii_


def test_many_panels_stand_beside_one_another_where_there_is_room():
    made = Chart("", "", [Panel(f"p{i}", "x", "", [line((0, 0), (1, 1))]) for i in range(2)], columns=2)
    assert terminal_chart(made, 140, 20, unicode=True, color=0).splitlines()[0].split() == ["p0", "p1"]
    assert terminal_chart(made, 80, 20, unicode=True, color=0).splitlines()[0].split() == ["p0"]


def test_straight_lines_have_no_holes():
    assert list(steps(0, 0, 3, 0)) == [(0, 0), (1, 0), (2, 0), (3, 0)]
    assert list(steps(2, 5, 2, 2)) == [(2, 5), (2, 4), (2, 3), (2, 2)]
    assert list(steps(1, 1, 1, 1)) == [(1, 1)]
    for x1, y1 in ((9, 4), (-3, 8), (-7, -7)):
        dots = list(steps(0, 0, x1, y1))
        assert dots[-1] == (x1, y1)
        assert all(max(abs(a - c), abs(b - d)) == 1 for (a, b), (c, d) in pairwise(dots))
