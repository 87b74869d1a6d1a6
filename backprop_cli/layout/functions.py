"""Charts of functions: one variable with tangents and derivative, two variables with contours."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from math import hypot, isfinite

from ..curves.features import Critical
from ..curves.line import Curve, Tangent, neat
from ..curves.scale import LINEAR, Scale, scale_for
from ..curves.surface import Contact, Stationary, Surface
from ..errors import UsageError
from ..language.numbers import brief
from .axis import Axis
from .chart import MARGIN, Chart, Field, Mark, Panel, Series

HEAD = 0.2  # of an arrow's length
REACH = 0.17  # of the frame's diagonal, from the point of tangency to either end
ALIKE = 4.0  # value and derivative share a panel where neither is so many times the other
LABELS = 12  # of the description
ALIKE_TO = 1e-6  # of the height: a limit that is that near to a value is the value
HOLE = 0.02  # of the height, that the points beside a hole may be apart
DOTS = 60  # that are marked
EQUAL = 3.0  # sides of a rectangle that are not further apart get equal units


def curve_chart(
    curve: Curve,
    title: str,
    name: str,
    *,
    tangents: Sequence[Tangent] = (),
    derivative: bool = False,
    panels: int | None = None,
    view: tuple[float, float] | None = None,
    digits: int = 6,
    bends: tuple[Sequence[tuple[float, float] | None], tuple[float, float]] | None = None,
) -> Chart:
    """Return the chart of a function of one variable.

    Args:
        curve: The samples.
        title: Above the chart.
        name: What the function is called.
        tangents: To be drawn, with their slopes.
        derivative: Draw it, too.
        panels: 2 for a panel of its own, 1 for one for both, 3 with the second derivative in a third; by
            default one where they are alike.
        bends: Samples of the second derivative and the range of it to show, for three panels.
        view: Values to show; by default those of the samples.
        digits: Of coordinates.
    """
    across, up, steep = curve.scales
    low, high = view or _roomy(curve.view, up)
    if up.log and not up.holds(low):
        raise UsageError(f"a view from {brief(low)}: a logarithmic axis has positive values alone")
    ends = [_tangent_ends(t, curve, (low, high)) for t in tangents]
    lines = [Series("", line, "second") for line in ends]
    marks = [*_end_marks(curve, high - low), *_critical_marks(curve.criticals, digits)]
    marks += [
        Mark(t.x, t.y, f"slope {brief(t.slope + 0.0, digits)}", "second", line)
        for t, line in zip(tangents, ends, strict=True)
    ]
    f = Series(name if derivative else "", curve.points)
    x_range = (curve.low, curve.high)
    first = Panel(
        "",
        f"{curve.variable}{across.says}",
        f"{name}({curve.variable}){up.says}",
        [f, *lines],
        marks,
        across,
        up,
        x_range=x_range,
        y_range=(low, high),
        uprights=curve.poles[:DOTS],
        levels=curve.levels,
    )
    description = _described(curve, title, tangents, digits)
    if not derivative:
        return Chart(title, description, [first])
    slopes = Series(f"{name}'", curve.slopes, "third")
    zeros = [Mark(c.x, 0.0, "", "third") for c in curve.criticals if not c.kink]
    span = _roomy(curve.slope_view, steep)
    if panels == 1 and up.log:
        up = scale_for([p[1] for p in (*curve.points, *curve.slopes) if p is not None])
        shown = [end for end in (*curve.view, *curve.slope_view) if up.holds(end)]
        low, high = span = _roomy((min(shown), max(shown)), up)
        first = first._replace(y_scale=up)
    if (panels or (2 if up.log else _panels(span, (low, high)))) == 1:
        values = (low, high) if view else (min(low, span[0]), max(high, span[1]))
        both = first._replace(
            series=[f, slopes, *lines], marks=zeros + marks, y_label=up.says[2:], y_range=values
        )
        return Chart(title, description, [both])
    label = f"{name}'({curve.variable}){steep.says}"
    first = first._replace(series=[f._replace(name=""), *lines])
    second = first._replace(
        y_label=label, series=[slopes._replace(name="")], marks=zeros, y_range=span, y_scale=steep, levels=()
    )
    if bends is None:
        return Chart(title, description, [first, second])
    turns = [Mark(i.x, 0.0, "", "third") for i in curve.inflections]
    bent = scale_for([p[1] for p in bends[0] if p is not None]) if up.log else LINEAR
    third = second._replace(
        y_label=f"{name}''({curve.variable}){bent.says}",
        series=[Series("", bends[0], "third")],
        marks=turns,
        y_range=None if up.log else _roomy(bends[1], LINEAR),
        y_scale=bent,
    )
    return Chart(title, description, [first, second, third])


def surface_chart(
    surface: Surface, title: str, name: str, *, digits: int = 6, contacts: Sequence[Contact] = ()
) -> Chart:
    """Return the chart of a function of two variables; at points asked for with gradient and tangent."""
    right, up = surface.variables
    heights = [h for row in surface.z for h in row if h == h]
    small = 1e-13 * (max(heights) - min(heights))
    crowded = len(surface.stationary) > 3
    shown = min(digits, 4) if crowded else digits
    marks = [Mark(p.x, p.y, _point_text(p, neat(p.value, small), shown)) for p in surface.stationary[:DOTS]]
    width, height = surface.x[-1] - surface.x[0], surface.y[-1] - surface.y[0]
    field = Field(surface.x, surface.y, surface.z, surface.arrows, name)
    equal = 1 / EQUAL <= width / height <= EQUAL
    description = f"Contours of {title} over {right} and {up}; arrows point along the gradient, uphill."
    for mark in marks[:LABELS]:
        description += f" {mark.text[:1].upper()}{mark.text[1:]}."
    marks += [Mark(c.x, c.y, f"{name} = {brief(c.value + 0.0, shown)}", "second") for c in contacts]
    lines = [line for c in contacts for line in _contact_lines(c, width, height)]
    panel = Panel("", right, up, series=lines, marks=marks, field=field, equal=equal)
    return Chart(title, description, [panel])


def _contact_lines(contact: Contact, width: float, height: float) -> list[Series]:
    """Return the tangent of the level line at a point, and the gradient as an arrow."""
    steep = hypot(contact.dx, contact.dy)
    if not steep:
        return []

    def ahead(dx: float, dy: float, share: float) -> tuple[float, float]:
        reach = share / max(abs(dx) / width, abs(dy) / height)
        return contact.x + reach * dx, contact.y + reach * dy

    dx, dy = contact.dx / steep, contact.dy / steep
    here, tip = (contact.x, contact.y), ahead(dx, dy, REACH)
    size = HEAD * hypot(tip[0] - here[0], tip[1] - here[1])
    barbs = [
        (tip[0] - size * (dx + side * dy / 2), tip[1] - size * (dy - side * dx / 2)) for side in (1.0, -1.0)
    ]
    tangent = [ahead(dy, -dx, REACH), here, ahead(-dy, dx, REACH)]
    return [Series("", tangent, "second"), Series("", [here, tip, barbs[0], tip, barbs[1]], "third")]


def _point_text(point: Stationary, value: float, digits: int) -> str:
    x, y, height = (brief(number + 0.0, digits) for number in (point.x, point.y, value))
    return f"{point.kind} {height} at ({x}, {y})"


def _roomy(view: tuple[float, float], scale: Scale) -> tuple[float, float]:
    low, high = map(scale.of, view)
    room = MARGIN * (high - low)
    return scale.back(low - room), scale.back(high + room)


def _panels(slopes: tuple[float, float], values: tuple[float, float]) -> int:
    """Return how many panels value and derivative take: one where neither would be a flat line."""
    low, high = min(slopes[0], values[0]), max(slopes[1], values[1])
    shortest = min(slopes[1] - slopes[0], values[1] - values[0])
    return 1 if high - low <= ALIKE * shortest else 2


def _tangent_ends(tangent: Tangent, curve: Curve, view: tuple[float, float]) -> list[tuple[float, float]]:
    """Return ends and middle of the tangent, a line of the same length in the picture, whatever its slope."""
    across, up, _ = curve.scales
    if across.log or up.log:  # no straight line there
        axis = Axis(curve.low, curve.high, scale=across)
        shares = (axis.at(tangent.x) + REACH * k / 20 for k in range(-20, 21))
        return [(x, tangent.y + (x - tangent.x) * tangent.slope) for x in map(axis.value, shares)]
    width, height = curve.high - curve.low, view[1] - view[0]
    rise = tangent.slope * width / height
    reach = REACH * width / hypot(1.0, rise)
    return [(tangent.x + d, tangent.y + d * tangent.slope) for d in (-reach, 0.0, reach)]


def _critical_marks(criticals: Sequence[Critical], digits: int) -> list[Mark]:
    if len(criticals) > DOTS:
        return []
    return [Mark(c.x, c.y, critical_text(c, digits)) for c in criticals]


def _end_marks(curve: Curve, height: float) -> list[Mark]:
    """Return the ends of the line at jumps, and holes: circles where the curve does not have the point."""
    marks = []
    for jump in curve.jumps[:DOTS]:
        ends = [y for y in (jump.left, jump.right) if isfinite(y)]
        taken = [y for y in ends if jump.value is not None and abs(y - jump.value) <= ALIKE_TO * height]
        marks += [Mark(jump.x, y, "", "first", open=y not in taken) for y in ends]
        if jump.value is not None and not taken:
            marks.append(Mark(jump.x, jump.value, "", "first"))
    known = [p for p in curve.points if p is not None]
    xs = [p[0] for p in known]
    for gap in curve.gaps[:DOTS]:
        at = bisect(xs, gap.start)
        if gap.start == gap.end and 0 < at < len(xs):
            (_, left), (_, right) = known[at - 1 : at + 1]
            if abs(left - right) <= HOLE * height:
                marks.append(Mark(gap.start, (left + right) / 2, "", "first", open=True))
    return marks


def critical_text(critical: Critical, digits: int) -> str:
    """Return ``minimum (0.75, 2.875)``."""
    return f"{critical.kind} ({brief(critical.x + 0.0, digits)}, {brief(critical.y + 0.0, digits)})"


def _described(curve: Curve, title: str, tangents: Sequence[Tangent], digits: int) -> str:
    parts = [f"The graph of {title} for {curve.variable} from {brief(curve.low)} to {brief(curve.high)}."]
    parts += [f"{critical_text(c, digits).capitalize()}." for c in curve.criticals[:LABELS]]
    if curve.poles:
        parts.append(f"Poles at {', '.join(brief(p, digits) for p in curve.poles[:LABELS])}.")
    parts += [f"Tangent at {brief(t.x, digits)} with slope {brief(t.slope + 0.0, digits)}." for t in tangents]
    return " ".join(parts)
