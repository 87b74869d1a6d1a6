from __future__ import annotations

import csv
import io
import math
import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from backprop_cli import plot
from backprop_cli.curves.line import Sampler, grid_of, neat, sample, tangent_at
from backprop_cli.curves.scale import LOG, Scale, scale_for
from backprop_cli.curves.surface import survey
from backprop_cli.errors import BindingError, NoSuchNumber, Source
from backprop_cli.language.lower import lower
from backprop_cli.language.parser import parse
from backprop_cli.layout.chart import axes_of, placed
from backprop_cli.layout.contours import levels, lines
from backprop_cli.layout.functions import curve_chart

SVG = "{http://www.w3.org/2000/svg}"


def graph_of(text, *names):
    return lower(parse(Source(text)), set(names))


def curve_of(text, low, high, **fixed):
    return sample(Sampler(graph_of(text, "x", *fixed), "x", fixed), low, high)


def criticals(curve):
    return [(c.x, c.y, c.kind, c.kink) for c in curve.criticals]


def parts(points):
    """Return the unbroken stretches of a line: first and last x."""
    found, run = [], []
    for point in [*points, None]:
        if point is not None:
            run.append(point)
        elif run:
            found.append((run[0][0], run[-1][0]))
            run = []
    return found


# extrema


@pytest.mark.parametrize(
    ("text", "low", "high", "expected"),
    [
        ("2x^2 - 3x + 4", -3, 4, [(0.75, 2.875, "minimum", False)]),
        ("x^3 - 3x", -2, 2, [(-1.0, 2.0, "maximum", False), (1.0, -2.0, "minimum", False)]),
        ("x^3", -2, 2, [(0.0, 0.0, "inflection", False)]),
        ("(x - 0.1234)^3", -2, 2, [(0.1234, 0.0, "inflection", False)]),  # between the samples
        ("-(x - 0.1234)^5", -2, 2, [(0.1234, 0.0, "inflection", False)]),
        ("(x - 0.1234)^4", -2, 2, [(0.1234, 0.0, "minimum", False)]),
        ("exp(-1000x^2)", -3, 3, [(0.0, 1.0, "maximum", False)]),
        ("x^2", 0, 3, [(0.0, 0.0, "minimum", False)]),  # at the border of the range
        ("|x|", -3, 3, [(0.0, 0.0, "minimum", True)]),
        ("|x - 0.1234|", -3, 3, [(0.1234, 0.0, "minimum", True)]),
        ("max(x, 1 - x)", -2, 2, [(0.5, 0.5, "minimum", True)]),
        ("sqrt(|x|)", -2, 2, [(0.0, 0.0, "minimum", True)]),  # a cusp: no slope there
        ("2 - sqrt(|x - 0.1234|)", -2, 2, [(0.1234, 2.0, "maximum", True)]),
        ("x", -3, 3, []),
        ("cbrt(x)", -3, 3, []),
        ("floor(x)", -3, 3, []),
        ("relu(x) - relu(-x)", -3, 3, []),
        (
            "(x-1)^2*(x+2)^3",
            -3,
            3,
            [
                (-2.0, 0.0, "inflection", False),
                (-0.2, 8.39808, "maximum", False),
                (1.0, 0.0, "minimum", False),
            ],
        ),
        ("x^4-4x^3+6x^2-4x+1", 0, 3, [(1.0, 0.0, "minimum", False)]),
        ("1/x^2", -3, 3, []),
        ("tan(x)", -5, 5, []),
    ],
)
def test_extrema(text, low, high, expected):
    assert criticals(curve_of(text, low, high)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x^3 - 3x", [(0.0, 0.0, -3.0)]),
        ("x^3", []),  # told as a zero of the slope
        ("x*|x| + x", [(0.0, 0.0, 1.0)]),
        ("relu(x) - relu(-x)", []),
        ("relu(x)^2", []),
        ("|x^2 - 1|", []),  # kinks, where it changes the side as well
        ("tanh(x)", [(0.0, 0.0, 1.0)]),
        ("exp(x)", []),
        ("x^4", []),
    ],
)
def test_inflections(text, expected):
    curve = curve_of(text, -3, 3)
    found = [tuple(i) for i in curve.inflections]
    assert [i for i in found if i[0] not in [c.x for c in curve.criticals]] == expected


def test_what_is_flat_for_the_most_part_is_in_view():
    assert curve_of("where(x > 2.5, 1/(x - 2.5), 0)", -3, 3).view[1] > 5
    low, high = curve_of("where(x > 0, 1/x, 0)", -3, 3).view
    assert low <= 0.0
    assert high > 1.0


def test_extrema_with_many_digits():
    # x^x is least at 1/e; gamma at 1.46163214496836 (OEIS A030169) with 0.88560319441088 (A030171)
    ((x, y, _, _),) = criticals(curve_of("x^x", 0.01, 2))
    assert (x, y) == (
        pytest.approx(0.36787944117144233, abs=1e-8),
        pytest.approx(0.6922006275553464, rel=1e-15),
    )
    ((x, y, kind, _),) = criticals(curve_of("gamma(x)", 0.5, 4))
    assert (x, y, kind) == (
        pytest.approx(1.461632144968362, abs=1e-8),
        pytest.approx(0.885603194410889, rel=1e-14),
        "minimum",
    )


def test_extrema_of_a_wave():
    found = criticals(curve_of("sin(3x)", -3, 3))
    assert [kind for _, _, kind, _ in found] == ["minimum", "maximum"] * 3
    assert [x for x, *_ in found] == pytest.approx([(2 * k - 5) * math.pi / 6 for k in range(6)], abs=1e-9)


# poles, jumps, kinks, gaps


@pytest.mark.parametrize(
    ("text", "low", "high", "poles"),
    [
        ("1/x", -3, 3, [0.0]),
        ("1/(x - 0.1234)", -3, 3, [0.1234]),
        ("1/(x - 0.1234)^2", -3, 3, [0.1234]),  # the same sign on both sides
        ("log(x)", -1, 5, [0.0]),
        ("log(4 - x)", -1, 5, [4.0]),
        ("log(|x - 0.1234|)", -3, 3, [0.1234]),
        ("1/(x^2 - 2)", -3, 3, [-math.sqrt(2), math.sqrt(2)]),
        ("gamma(x)", -2.5, 3, [-2.0, -1.0, 0.0]),
        ("sin(x)/x", -3, 3, []),
        ("sin(1/x)", -1, 1, []),  # bounded
        ("|x|^-0.1", -1, 1, [0.0]),
        ("tanh(1e6*x)", -3, 3, []),
        ("exp(x)", 0, 1000, []),
        ("1e12*floor(x)", -3, 3, []),
    ],
)
def test_poles(text, low, high, poles):
    assert curve_of(text, low, high).poles == poles


def test_the_poles_of_the_tangent():
    curve = curve_of("tan(x)", -30, 30)
    assert curve.poles == pytest.approx([(k + 0.5) * math.pi for k in range(-10, 10)], abs=1e-9)
    assert curve.jumps == []


@pytest.mark.parametrize("text", ["1/x", "1/(x - 0.1234)", "1/(x - 0.1234)^2", "tan(x)", "1/(x^2 - 2)"])
def test_no_line_leads_through_a_pole(text):
    curve = curve_of(text, -3, 3)
    for start, end in parts(curve.points):
        assert not any(start < pole - 1e-9 and end > pole + 1e-9 for pole in curve.poles)
    low, high = curve.view
    for a, b in zip(curve.points, curve.points[1:], strict=False):
        if a is not None and b is not None:
            assert not (a[1] < low and b[1] > high)
            assert not (a[1] > high and b[1] < low)


def test_jumps_are_open():
    curve = curve_of("floor(x)", -1, 1.5)
    assert [tuple(j) for j in curve.jumps] == [(0.0, -1.0, 0.0, 0.0), (1.0, 0.0, 1.0, 1.0)]
    ends = [end for _, end in parts(curve.points)]  # the value at a jump stands alone
    assert ends == pytest.approx([0.0, 0.0, 1.0, 1.0, 1.5], abs=1e-12)
    assert curve.flats == [(-1.0, 0.0), (0.0, 1.0), (1.0, 1.5)]
    (jump,) = curve_of("where(x < 1, x^2, 3 - x)", -2, 3).jumps
    assert tuple(jump) == (1.0, 1.0, 2.0, 2.0)
    (jump,) = curve_of("sign(x)", -1, 1).jumps
    assert tuple(jump) == (0.0, -1.0, 1.0, 0.0)


def test_kinks_have_two_slopes():
    (kink,) = curve_of("|x| + x/2", -1, 1).kinks
    assert tuple(kink) == (0.0, -0.5, 1.5)
    (kink,) = curve_of("relu(x - 0.1234)", -1, 1).kinks
    assert tuple(kink) == (0.1234, 0.0, 1.0)
    curve = curve_of("|x|", -1, 1)
    assert (0.0, 0.0) in curve.points  # sharp
    assert len(parts(curve.points)) == 1
    assert len(parts(curve.slopes)) == 2  # the convention at 0 is no slope of the function
    assert curve_of("sqrt(x^2 + 1e-8)", -1, 1).kinks == []  # very bent, and smooth


def test_gaps_have_their_reason():
    (gap,) = curve_of("sqrt(x)", -1, 4).gaps
    assert (gap.start, gap.end) == (-1.0, 0.0)
    assert "sqrt(x) is defined where x >= 0" in gap.reason
    (gap,) = curve_of("sin(x)/x", -3, 3).gaps
    assert (gap.start, gap.end) == (0.0, 0.0)
    (gap,) = curve_of("exp(x)", 0, 1000).gaps
    assert gap.start == pytest.approx(709.782712893384)  # log of the largest float
    assert "overflows" in gap.reason
    # the line reaches the very edge: sqrt has a vertical tangent there
    assert parts(curve_of("asin(x)", -2, 2).points) == [(-1.0, 1.0)]


def test_flat_stretches():
    assert curve_of("relu(x)", -3, 3).flats == [(-3.0, 0.0)]
    assert curve_of("0x + 3", -1, 1).flats == [(-1.0, 1.0)]


# the view


@pytest.mark.parametrize(
    ("text", "low", "high", "view"),
    [
        ("x^2", -2, 2, (0.0, 4.0)),
        ("exp(-1000x^2)", -3, 3, (0.0, 1.0)),  # a peak is no pole
        ("0x + 3", -1, 1, (1.5, 4.5)),
        ("0*x", -1, 1, (-0.5, 0.5)),
    ],
)
def test_all_values_are_in_view(text, low, high, view):
    assert curve_of(text, low, high).view == view


@pytest.mark.parametrize(("text", "most"), [("1/x", 10), ("tan(x)", 10), ("1/x^2", 30), ("x + 1e-6/x", 4)])
def test_a_pole_does_not_squash_the_rest(text, most):
    low, high = curve_of(text, -3, 3).view
    assert -most < low < high < most


def test_the_line_is_smooth_enough():
    curve = curve_of("sin(1/x)", 0.05, 1)
    xs = [p[0] for p in curve.points]
    for (a, fa), (b, fb) in zip(curve.points, curve.points[1:], strict=False):
        middle = (a + b) / 2
        assert abs(math.sin(1 / middle) - (fa + fb) / 2) < 0.01
    assert len(xs) < 5_000


def test_what_oscillates_too_fast_is_said():
    assert "faster than" in curve_of("sin(10000*x)", -10, 10).notes[0]


def test_grids_are_round():
    assert grid_of(-3.0, 4.0, 14).tolist() == [
        -3.0,
        -2.5,
        -2.0,
        -1.5,
        -1.0,
        -0.5,
        0.0,
        0.5,
        1.0,
        1.5,
        2.0,
        2.5,
        3.0,
        3.5,
        4.0,
    ]
    assert 0.3 in grid_of(0.0, 1.0, 10)
    assert len(grid_of(1e15, 1e15 + 1)) > 2


@pytest.mark.parametrize(
    ("x", "tolerance", "expected"),
    [(0.7499999999999, 1e-9, 0.75), (1e-15, 1e-12, 0.0), (math.pi, 1e-3, 3.142), (-2.0000001, 1e-6, -2.0)],
)
def test_neat_numbers(x, tolerance, expected):
    assert neat(x, tolerance) == expected


@pytest.mark.parametrize(
    ("low", "high"), [(1.0, 1.0), (2.0, 1.0), (-1e308, 1.0), (1.0, 1.0 + 1e-15), (0.0, 1e-300)]
)
def test_ranges_that_are_none(low, high):
    with pytest.raises(BindingError, match="the range of x"):
        curve_of("x", low, high)


def test_nowhere_a_value():
    with pytest.raises(NoSuchNumber, match="there is no value anywhere for x from -3 to -1: log"):
        curve_of("log(x)", -3, -1)


def test_large_programs_are_drawn_without_a_search():
    text = ";".join(["a0 = x", *(f"a{i} = a{i - 1} * 0.9999" for i in range(1, 6_000))])
    curve = curve_of(text, 0, 1)
    assert "nothing is looked for" in curve.notes[0]
    assert curve.highest == pytest.approx(0.9999**5999)


# tangents


def test_tangents():
    sampler = Sampler(graph_of("2x^2 - 3x + 4", "x"), "x", {})
    tangent = tangent_at(sampler, -1.0, 7.0)
    assert (tangent.y, tangent.slope, tangent.intercept, tangent.sides) == (9.0, -7.0, 2.0, None)
    assert tangent_at(Sampler(graph_of("|x|", "x"), "x", {}), 0.0, 2.0).sides == (-1.0, 1.0)
    assert tangent_at(Sampler(graph_of("x*|x|", "x"), "x", {}), 0.0, 2.0).sides is None


def test_tangents_are_equally_long_in_the_picture():
    sampler = Sampler(graph_of("x^2", "x"), "x", {})
    curve = sample(sampler, -2, 2)
    tangents = [tangent_at(sampler, x, 4.0) for x in (-2.0, 0.0, 1.0)]
    (panel,) = curve_chart(curve, "", "f", tangents=tangents).panels
    height = panel.y_range[1] - panel.y_range[0]
    lengths = [
        math.hypot((s.points[-1][0] - s.points[0][0]) / 4, (s.points[-1][1] - s.points[0][1]) / height)
        for s in panel.series[1:]
    ]
    assert lengths == pytest.approx([0.34, 0.34, 0.34])
    for series, tangent in zip(panel.series[1:], tangents, strict=True):
        (x0, y0), _, (x1, y1) = series.points
        assert (y1 - y0) / (x1 - x0) == pytest.approx(tangent.slope)


@pytest.mark.parametrize(
    ("text", "panels"), [("x^3 - 3x", 1), ("sin(x)", 1), ("sin(100x)", 2), ("1e6*x^2", 1)]
)
def test_the_derivative_has_its_own_panel_where_the_other_would_be_flat(text, panels):
    assert len(curve_chart(curve_of(text, -2, 2), "", "f", derivative=True).panels) == panels


# two variables


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x^2 + 2y^2 - x*y", [(0.0, 0.0, 0.0, "minimum")]),
        ("1 - x^2 - y^2", [(0.0, 0.0, 1.0, "maximum")]),
        ("x^2 - y^2", [(0.0, 0.0, 0.0, "saddle")]),
        ("x^3 - 3x + y^2", [(-1.0, 0.0, 2.0, "saddle"), (1.0, 0.0, -2.0, "minimum")]),
        ("(1-x)^2 + 100(y-x^2)^2", [(1.0, 1.0, 0.0, "minimum")]),
        ("x^3 - 3x*y^2", [(0.0, 0.0, 0.0, "saddle")]),  # second derivatives say nothing
        ("x^4 + y^4", [(0.0, 0.0, 0.0, "minimum")]),
        ("x^2 - y^4", [(0.0, 0.0, 0.0, "saddle")]),
        ("x^2 + y^4", [(0.0, 0.0, 0.0, "minimum")]),
        ("-x^4 - y^2", [(0.0, 0.0, 0.0, "maximum")]),
        ("(y - x^2)*(y - 2x^2)", [(0.0, 0.0, 0.0, "saddle")]),  # a minimum along every line
        ("|x| + |y|", [(0.0, 0.0, 0.0, "minimum")]),
        ("x + y", []),
    ],
)
def test_zeros_of_the_gradient(text, expected):
    surface = survey(graph_of(text, "x", "y"), ("x", "y"), ((-2.0, 2.0), (-2.0, 2.0)), {})
    assert [tuple(p) for p in surface.stationary] == expected


def test_himmelblau():
    # its four minima and the maximum between them are in every textbook of optimization
    surface = survey(
        graph_of("(x^2+y-11)^2+(x+y^2-7)^2", "x", "y"), ("x", "y"), ((-5.0, 5.0), (-5.0, 5.0)), {}
    )
    found = {(round(p.x, 6), round(p.y, 6)): p.kind for p in surface.stationary}
    assert len(found) == 9
    assert {at for at, kind in found.items() if kind == "minimum"} == {
        (3.0, 2.0), (-2.805118, 3.131313), (-3.77931, -3.283186), (3.584428, -1.848127),
    }  # fmt: skip
    assert found[-0.270845, -0.923039] == "maximum"
    assert sum(kind == "saddle" for kind in found.values()) == 4


def test_surfaces_with_holes_and_plains():
    surface = survey(graph_of("log(x*y)", "x", "y"), ("x", "y"), ((-1.0, 1.0), (-1.0, 1.0)), {})
    assert surface.missing > 0
    assert "is defined where x > 0" in surface.reason
    surface = survey(graph_of("0x*y", "x", "y"), ("x", "y"), ((-1.0, 1.0), (-1.0, 1.0)), {})
    assert surface.stationary == []
    assert "whole stretches" in surface.notes[0]
    with pytest.raises(NoSuchNumber, match="anywhere in these ranges"):
        survey(graph_of("log(x-y)", "x", "y"), ("x", "y"), ((-2.0, -1.0), (1.0, 2.0)), {})


# the command


def test_plot_in_ascii(run):
    result = run("plot", "2x^2-3x+4", "--x", "-3:4", "--tangent", "-1,1,0").answered()
    lines = result.out.splitlines()
    assert lines[0] == "f = 2x^2-3x+4"
    assert lines[-4:] == [
        "minimum at x = 0.75: f = 2.875",
        "tangent at x = -1: value 9, slope -7, line -7*x + 2",
        "tangent at x = 1: value 3, slope 1, line x + 2",
        "tangent at x = 0: value 4, slope -3, line -3*x + 4",
    ]
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert result.out.isascii()
    for text in ("slope -7", "slope -3", "slope 1", "minimum (0.75, 2.875)"):
        assert text in "\n".join(lines[:-4])


def test_plot_svg(run, tmp_path):
    path = tmp_path / "p.svg"
    result = run("plot", "2x^2-3x+4", "--x", "-3:4", "--tangent", "-1", "-o", str(path)).answered()
    assert result.out == ""
    tangent = "tangent at x = -1: value 9, slope -7, line -7*x + 2"
    assert result.err == f"note: minimum at x = 0.75: f = 2.875\nnote: {tangent}\n"
    root = ElementTree.parse(path).getroot()
    assert root.get("viewBox") == "0 0 720 450"
    texts = {t.text for t in root.iter(f"{SVG}text")}
    assert {"f = 2x^2-3x+4", "x", "f(x)", "slope -7", "minimum (0.75, 2.875)"} <= texts
    assert (
        run("plot", "2x^2-3x+4", "--x", "-3:4", "--tangent", "-1", "--format", "svg").out == path.read_text()
    )


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("1/x", [0.0]), ("x/(x + 1)", [1.0]), ("(2x^2 + 1)/(x^2 - 3)", [2.0]), ("(3x + 1)/(6x - 5)", [0.5]),
        ("x/(1 + |x|)", [-1.0, 1.0]), ("relu(x)/(x + 1)", [1.0]), ("where(x < 1e12, 1/x, x)", [0.0]),
        ("where(x > -1e12, 1/(x^2 + 1) - 3, x)", [-3.0]), ("x^40/(x^40 + 1)", [1.0]),
        ("x^2", []), ("relu(x)", []), ("(x^3 + 1)/(x + 2)", []), ("where(x > 2, 3, x)", []), ("x - x", []),
        ("tanh(x)", []), ("x + 1/0.5e200", []),
    ],
)  # fmt: skip
def test_horizontal_asymptotes_of_rational_functions(text, levels):
    curve = curve_of(text, -3, 4)
    assert list(curve.levels) == levels
    for level in levels:  # on one of the sides the values come nearer and nearer
        sampler = Sampler(lower(parse(text)), "x", {})
        near = [[abs(sampler.value(side * 10.0**k) - level) for k in (2, 4, 6)] for side in (-1, 1)]
        assert any(far >= nearer >= nearest < 1e-5 for far, nearer, nearest in near)


def test_a_zero_of_the_gradient_is_found_once():
    for text in ("x^2 + y^2/1e6", "x^2/1e6 + y^4", "x^2 + y^2/1e3"):
        (only,) = plot(text, x=(-100, 100), y=(0, 1)).shown.stationary
        assert only == (0.0, 0.0, 0.0, "minimum")


@pytest.mark.parametrize(
    ("text", "finer"),
    [
        ("(1-x)^2 + 100*(y-x^2)^2", True),
        ("-(x - y)^2*1000 - x^2", True),
        ("x^2 + 3y^2", False),
        ("x*y", False),
        ("relu(x + y)", False),
        ("sin(3x)*cos(2y)", False),
    ],
)
def test_thin_valleys_and_ridges_have_whole_contours(text, finer):
    surface = plot(text, x=(-2, 2), y=(-1, 3)).shown
    assert (len(surface.x) > 121) is finer
    for height, _ in levels(surface.z)[:2] if finer else ():
        assert len(lines(surface.x, surface.y, surface.z, height)) <= 2


@pytest.mark.parametrize("scale", [LOG, Scale(True, 1e-3), Scale(True, 10.0), scale_for([-1e200, 1e200])])
def test_scales_have_an_inverse(scale):
    heights = [scale.of(10.0**power) for power in range(-20, 21)]
    assert heights == sorted(heights)
    for power in range(-20, 21):
        for value in (10.0**power, -(10.0**power)):
            if scale.holds(value):
                assert scale.back(scale.of(value)) == pytest.approx(value, rel=1e-9)
    if scale.linear:
        assert scale.of(0.0) == 0.0
        assert scale.of(-1.0) == -scale.of(1.0)
        far = 1e9 * scale.linear
        assert scale.of(10 * far) - scale.of(far) == pytest.approx(1.0)  # a decade


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ([1e-13, 1.0, 1e13], LOG),
        ([*[1.0] * 99, 0.0], LOG),  # at a single place
        ([0.0, 0.0, 1.0], Scale(True, 0.1)),
        ([float(x) for x in range(-100, 101)], Scale(True, 1.0)),
        ([-1.0, -1e-6], Scale(True, 1e-7)),
        ([], LOG),
    ],
)
def test_a_scale_has_a_place_for_all_values(values, scale):
    found = scale_for(values)
    assert (found.log, found.linear) == (scale.log, pytest.approx(scale.linear))


@pytest.mark.parametrize(
    ("text", "span", "log"),
    [("1/x", (1e-3, 1e3), "xy"), ("exp(x)", (-30, 30), "y"), ("sinh(x)", (-30, 30), "y"),
     ("sin(log(x))", (1e-6, 1e6), "x"), ("x^3 - 3x", (-100, 100), "xy")],
)  # fmt: skip
def test_lines_on_logarithmic_axes_are_as_smooth_as_on_others(text, span, log):
    made = plot(text, x=span, log=log)
    panel = made.chart().panels[0]
    x, y = axes_of(panel)
    sampler = Sampler(made.graph, "x", {})
    for part in placed(panel, panel.series[0], x, y, 10**6):
        for (u0, v0), (u1, v1) in list(pairwise(part))[::7]:
            there = y.at(sampler.value(x.value((u0 + u1) / 2)))
            assert abs(there - (v0 + v1) / 2) * 800 < 1.0


def test_logarithmic_axes_say_so(run):
    shown = run("plot", "sinh(x)", "--x", "-30:30", "--log", "y").answered()
    assert "f(x), log scale, linear within ±1" in shown.out.replace("\\xb1", "±")
    assert "10^12" in shown.out
    assert "--log" not in shown.err
    assert "which --log y shows" in run("plot", "exp(x)", "--x", "-30:30").answered().err
    assert "which --log xy shows" in run("plot", "1/x", "--x", "1e-4:1e4").answered().err
    assert "which --log x shows" in run("plot", "log(x)", "--x", "1e-4:1e4").answered().err
    for text, span in (
        ("x^2", "-3:4"),
        ("1/x", "-3:3"),
        ("tan(x)", "-6:6"),
        ("relu(x)", "-9:9"),
        ("x^4", "-9:9"),
    ):
        assert "--log" not in run("plot", text, "--x", span).answered().err
    assert "it takes x, y, xy" in run("plot", "x", "--x", "1:2", "--log", "z").err
    assert "functions of one variable" in run("plot", "x*y", "--x", "1:2", "--y", "1:2", "--log", "x").err
    view = run("plot", "exp(x)", "--x", "1:2", "--log", "y", "--view", "-1:3")
    assert (view.status, "has positive values alone" in view.err) == (2, True)


@pytest.mark.parametrize(
    "words",
    [
        ["plot", "x^2", "--x", "-1:1"],
        ["plot", "x*y", "--x", "-1:1", "--y", "-1:1"],
        ["limit", "x^2", "--x", "1"],
        ["descend", "x^2", "--x", "1", "--steps", "3"],
    ],
)
def test_pictures_have_the_size_asked_for(run, tmp_path, words):
    path = tmp_path / "a.svg"
    assert run(*words, "-o", str(path), "--size", "300x640").status == 0
    assert ElementTree.fromstring(path.read_text("utf-8")).get("viewBox") == "0 0 300 640"
    for size in ("300", "10x10", "300x20000", "axb"):
        result = run(*words, "-o", str(path), "--size", size)
        assert result.status == 2
        assert "a size is WIDTHxHEIGHT, each from 200 to 10,000 pixels" in result.err
    assert "--size 300x640 is of pictures" in run(*words, "--size", "300x640").err


def test_plot_png(run, tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "p.png"
    run("plot", "x^2-y^2", "--x", "-2:2", "--y", "-2:2", "-o", str(path)).answered()
    assert path.read_bytes()[16:24] == b"\x00\x00\x02\xd0\x00\x00\x01\xc2"  # 720 x 450


def test_plot_json(run):
    found = run("plot", "a/x", "--x", "-2:2", "a=3", "--tangent", "1", "--format", "json").answered().json
    assert found["poles"] == [0.0]
    assert found["inputs"] == {"a": 3.0}
    assert found["tangents"] == [{"x": 1.0, "y": 3.0, "slope": -3.0, "intercept": 6.0, "sides": None}]
    assert None in found["points"]
    assert [1.0, 3.0] in found["points"]
    assert [1.0, -3.0] in found["slopes"]
    found = run("plot", "x^2-y^2", "--x", "-1:1", "--y", "-2:2", "--format", "json").answered().json
    assert found["stationary"] == [{"x": 0.0, "y": 0.0, "value": 0.0, "kind": "saddle"}]
    assert len(found["z"]) == len(found["y"])
    assert found["z"][0][0] == -3.0


def test_plot_tables(run):
    result = run("plot", "x^3-3x", "--x", "-2:2:1", "--format", "table").answered()
    assert result.out.splitlines() == [
        " x  f(x)  f'(x)  what",
        "--  ----  -----  ----------",
        "-2    -2      9",
        "-1     2      0  maximum",
        " 0     0     -3  inflection",
        " 1    -2      0  minimum",
        " 2     2      9",
    ]
    rows = list(csv.reader(io.StringIO(run("plot", "1/x", "--x", "-1:1:0.5", "--format", "csv").out)))
    assert rows[0] == ["x", "value", "d/dx", "what"]
    assert rows[3] == ["0.0", "", "", "pole"]
    assert rows[4] == ["0.5", "2.0", "-4.0", ""]


def test_plot_says_what_it_cuts_off(run):
    assert "are cut off; --view LOW:HIGH shows them" in run("plot", "1/x", "--x", "-3:3").answered().err
    assert run("plot", "1/x", "--x", "-3:3", "-q").answered().err == ""
    result = run("plot", "1/x", "--x", "-3:3", "--view", "-100:100").answered()
    assert result.err == ""
    assert re.search(r"^ *100 \+", result.out, re.MULTILINE)


def test_plot_words(run):
    out = run("plot", "|x| + floor(x/2)", "--x", "-1:3").answered().out
    assert "jump at x = 0: from -1 to 0\n" in out
    assert "jump at x = 2: from 2 to 3\n" in out
    out = run("plot", "|x|", "--x", "-1:1", "--tangent", "0").answered().out
    assert "minimum at x = 0: f = 0, a kink: slope -1 on its left, 1 on its right\n" in out
    assert "slope 0 by convention, at a kink: -1 on its left, 1 on its right\n" in out
    out = run("plot", "log(x)", "--x", "-1:1").answered().out
    assert "pole at x = 0\n" in out
    assert (
        "no value from x = -1 to 0: log(x) has no value at x = -0.5: log(x) is defined where x > 0\n" in out
    )


def test_a_tangent_that_is_none(run):
    result = run("plot", "sqrt(x)", "--x", "0:1", "--tangent", "0,1")
    assert result.status == 3
    assert "warning: no tangent at x = 0: the slope of sqrt(x) in x does not exist" in result.err
    assert "tangent at x = 1: value 1, slope 0.5, line 0.5*x + 0.5\n" in result.out


def test_programs_and_names(run, tmp_path):
    path = tmp_path / "p.bp"
    path.write_text("# a comment\nα₁ = 2\ns = α₁*x\nL = s^2  # the loss\n")
    out = run("plot", "--file", str(path), "--x", "-1:1").answered().out
    assert out.splitlines()[0].encode("ascii", "backslashreplace")
    assert "minimum at x = 0: L = 0\n" in out
    name = "n" * 64
    assert "minimum at" in run("plot", f"{name}^2", f"--{name}", "-1:1").answered().out
    assert "y = 0" in run("plot", "f^2", "--f", "-1:1").answered().out


@pytest.mark.parametrize(
    ("args", "status", "words"),
    [
        (["x", "--x", "3:3"], 2, "the range of x, 3:3, is empty"),
        (["x", "--x", "3:-3"], 2, "runs backwards"),
        (["x", "--x", "0:inf"], 2, "inf is a name"),
        (["x", "--x", "-1e400:3"], 2, "too large"),
        (["x", "--x", "-1e308:1e308"], 2, "is too wide"),
        (["x", "--x", "1:1.0000000000000002"], 2, "is too narrow"),
        (["x", "--x", "0:1:0"], 2, "never reaches its end"),
        (["x", "--x", "0:1:2:3"], 2, "is no range"),
        (["x", "--x", ":"], 2, "the range of x"),
        (["x", "--x", "-3..4"], 2, "start:stop: --x -3:4"),
        (["x", "--x", "-3,4"], 2, "start:stop: --x -3:4"),
        (["x", "--x", "-pi to pi/2"], 2, "start:stop: --x -pi:pi/2"),
        (["x^2", "--x", "[-3,3]"], 2, "start:stop: --x -3:3"),
        (["x", "--x", "5..1"], 2, "start:stop: --x 1:5"),
        (["x"], 2, "no variable has a range"),
        (["x", "--x", "5"], 2, "x has a single value"),
        (["x+y", "--x", "0:1"], 2, "no value for y"),
        (["x+y+z", "--x", "0:1", "--y", "0:1", "--z", "0:1"], 2, "3 variables have ranges: x, y, z"),
        (["x", "--y", "0:1"], 2, "no variable y"),
        (["x", "--x", "0:1", "x=0:2"], 2, "x is given twice"),
        (["x", "--x", "0:1", "x=3"], 2, "x is given twice"),
        (["3+4"], 2, "no variable to draw over"),
        (["x", "--x", "0:1", "--tangent", "2"], 2, "--tangent 2 is not in the range 0:1"),
        (["x", "--x", "0:1", "--tangent", ""], 2, "--tangent"),
        (["x", "--x", "0:1", "--tangent", "a"], 2, "--tangent"),
        (["x", "--x", "0:1", "--view", "3"], 2, "--view 3 is no range"),
        (["x", "--x", "0:1", "--view", "3:1"], 2, "--view 3:1 is no range"),
        (["x", "--x", "0:1", "--panels", "4"], 2, "--panels"),
        (["x", "--x", "0:1", "-o", "a.pdf"], 2, "names no format"),
        (["x*y", "--x", "0:1", "--y", "0:1", "--derivative"], 2, "for functions of one variable"),
        (["x*y", "--x", "0:1", "--y", "0:1", "--format", "csv"], 2, "prints a grid"),
        (["log(x)", "--x", "-3:-1"], 3, "there is no value anywhere for x from -3 to -1"),
        (["log(x-y)", "--x", "-3:-1", "--y", "1:2"], 3, "there is no value anywhere in these ranges"),
        (["x", "--x", "0:1", "-o", "/no/such/folder/a.svg"], 4, "No such file"),
    ],
)
def test_bad_input(run, args, status, words):
    run("plot", *args).refused(status, words)


@pytest.mark.parametrize(
    "args",
    [
        ["x^2", "--x", "-1e300:1e300"],
        ["x", "--x", "-1e300:1e300"],
        ["0*x + 1e308", "--x", "0:1"],
        ["1e308*sin(x)", "--x", "0:9"],
        ["x", "--x", "1e9:1000000001"],
        ["x", "--x", "0:1e-280"],
        ["1e-310*x", "--x", "0:1"],
        ["x*1e300*y", "--x", "-1:1", "--y", "-1e9:1e9"],
        ["1/(x*y)", "--x", "-1:1", "--y", "-1:1"],
        ["0*x", "--x", "0:1", "--derivative"],
        ["sqrt(-x^2)", "--x", "-1:1"],
        ["where(x > 0, 1/0, x)", "--x", "-1:1"],
        ["floor(50x)", "--x", "-3:3", "--derivative"],
    ],
)
@pytest.mark.parametrize("ending", ["txt", "svg"])
def test_strange_functions_are_drawn(run, args, ending, tmp_path):
    path = tmp_path / f"a.{ending}"
    run("plot", *args, "-o", str(path)).answered()
    text = path.read_text("utf-8")
    assert "nan" not in text
    if ending == "svg":
        for numbers in re.findall(r' d="([^"]*)"', text):
            assert all(-1 <= float(n) <= 1201 for n in re.findall(r"-?[\d.e+]+", numbers))


def test_what_underflows_is_not_flat():
    """Its slope is 0 in floats far from the peak, and nowhere but at the peak in truth."""
    for text in ("exp(-1000*x^2)", "1/(1 + exp(400*x))", "exp(-x^2)^900"):
        assert curve_of(text, -3, 3).flats == []
    assert curve_of("relu(sin(x))", -3, 3).flats == [(-3.0, 0.0)]


def test_a_jump_at_the_edge_of_the_view_is_no_line():
    curve = curve_of("floor(x/3)", -3, 3)
    assert [jump.x for jump in curve.jumps] == [0.0]
    assert None in curve.points[-3:]
    assert curve.points[-1] == (3.0, 1.0)


@pytest.mark.parametrize(
    ("text", "left", "right"),
    [
        ("where(x < 0.7, exp(-x^2), cbrt(x^4))", math.exp(-0.49), 0.7 ** (4 / 3)),
        ("where(x < 0.7, sin(x), sin(x) + 0.005)", math.sin(0.7), math.sin(0.7) + 0.005),
        ("where(x < 0.7, sin(x), sin(x) + 0.0002)", math.sin(0.7), math.sin(0.7) + 0.0002),
    ],
)
def test_a_jump_smaller_than_the_rise_between_samples_is_one(text, left, right):
    curve = curve_of(text, -3, 3)
    ends = pytest.approx(left, rel=1e-8), pytest.approx(right, rel=1e-8)
    assert curve.jumps == [(0.7, *ends, pytest.approx(right))]
    assert [c for c in curve.criticals if c.kink] == []


def test_the_height_of_a_kink_is_that_at_its_place():
    assert curve_of("|(x-3)^2 - sqrt(1 + x^2)|", -3, 3).criticals[-1].y == 0.0


def test_beside_an_infinite_slope_heights_are_exact_and_no_extremum_hides():
    # cbrt(x) rises without end at 0, and falls again within a step of the samples
    found = criticals(curve_of("cbrt(x) - 2*cbrt((x^3 - 1.5x)^2)", -3, 3))
    assert found[2][:2] == pytest.approx((0.0069462318, 0.0953948989), rel=1e-8)
    assert [y for x, y, _, kink in found if kink] == pytest.approx(
        [-(1.5 ** (1 / 6)), 1.5 ** (1 / 6)], rel=1e-8
    )


def test_three_panels_have_the_second_derivative_below():
    # x^3 - 3x: f'' = 6x, 0 at its inflection
    found = plot("x^3 - 3x", x=(-2, 2))
    panels = found.chart(derivative=True, panels=3).panels
    assert [panel.y_label for panel in panels] == ["f(x)", "f'(x)", "f''(x)"]
    (bends,) = panels[2].series
    assert all(y == pytest.approx(6.0 * x, abs=1e-9) for x, y in bends.points)
    assert [(mark.x, mark.y) for mark in panels[2].marks] == [(0.0, 0.0)]


def test_the_second_derivative_is_open_at_a_kink():
    (bends,) = plot("x*|x|", x=(-1, 1)).chart(derivative=True, panels=3).panels[2].series
    signs = [None if p is None else p[1] for p in bends.points]
    changes = [k for k in range(1, len(signs)) if {signs[k - 1], signs[k]} == {-2.0, 2.0}]
    assert {-2.0, 2.0} <= set(signs)
    assert changes == []


def test_a_point_of_a_surface_has_its_gradient_and_the_tangent_of_its_level_line():
    found = plot("x^2 - 3*y", x=(-2, 2), y=(-2, 2), tangents=(1, 0.5))
    assert found.words() == [
        "at x = 1, y = 0.5: f = -0.5, gradient (2, -3), tangent of the level line 2*x - 3*y = 0.5"
    ]
    tangent, arrow = found.chart().panels[0].series
    (x, y), (u, v) = tangent.points[0], tangent.points[-1]
    (a, b), (c, d) = arrow.points[:2]
    assert (a, b) == (1.0, 0.5)
    assert (u - x) * (c - a) + (v - y) * (d - b) == pytest.approx(0.0, abs=1e-12)
    assert (c - a) / (d - b) == pytest.approx(-2 / 3)
    assert found.facts().members["tangents"] == [{"x": 1.0, "y": 0.5, "value": -0.5, "dx": 2.0, "dy": -3.0}]


def test_where_a_surface_is_level_there_is_no_tangent(run):
    out = run("plot", "x^2 + y^2", "--x", "-1:1", "--y", "-1:1", "--tangent", "0,0").answered().out
    assert "gradient (0, 0): no level line has a tangent there" in out
    run("plot", "x*y", "--x", "-1:1", "--y", "-1:1", "--tangent", "2,0").refused(2, "not in the ranges")
    run("plot", "x*y", "--x", "-1:1", "--y", "-1:1", "--tangent", "2").refused(2, "one point")
