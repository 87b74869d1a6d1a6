"""What a plot shows, in words, as a table and for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite, isinf
from typing import Any

from ..curves.features import Vertical
from ..curves.line import Curve, Sampler, Tangent, neat
from ..curves.surface import Contact, Surface
from ..errors import printable
from ..graph import Graph
from ..language.numbers import brief, rounded
from .document import Facts

SCHEMA = 1
MOST_LINES = 6  # of each kind


def words(curve: Curve, name: str, tangents: Sequence[Tangent], digits: int) -> list[str]:
    """Return what is special about a curve, a line each."""
    variable = curve.variable

    def at(x: float) -> str:
        return f"at {variable} = {rounded(x, digits)}"

    sides = {
        k.x: f"slope {rounded(k.left, digits)} on its left, {rounded(k.right, digits)} on its right"
        for k in curve.kinks
    }
    steep = {v.x: v for v in curve.verticals}
    told = {c.x for c in curve.criticals if c.x in steep}
    sides |= {x: _steep(steep[x], digits) for x in told}
    lines = []
    criticals = [
        f"{c.kind} {at(c.x)}: {name} = {rounded(c.y, digits)}"
        + (f", a {steep[c.x].kind if c.x in told else 'kink'}" if c.kink else "")
        + (f": {sides.pop(c.x)}" if c.x in sides else "")
        + (", where the slope is 0 and keeps its sign" if c.kind == "inflection" else "")
        for c in curve.criticals
    ]
    lines += _few(criticals)
    lines += _few(
        [
            f"inflection {at(i.x)}: {name} = {rounded(i.y, digits)}, slope {rounded(i.slope, digits)}"
            for i in curve.inflections
        ]
    )
    lines += _few(
        [
            f"{v.kind} {at(x)}: {name} = {rounded(v.y, digits)}, {_steep(v, digits)}"
            for x, v in steep.items()
            if x not in told
        ]
    )
    lines += _few([tangent_words(t, variable, digits) for t in tangents], len(tangents))
    if curve.poles:
        places = ", ".join(rounded(x, digits) for x in curve.poles[: 2 * MOST_LINES])
        more = f" and {len(curve.poles) - 2 * MOST_LINES} more" if len(curve.poles) > 2 * MOST_LINES else ""
        lines.append(f"pole{'s' * (len(curve.poles) > 1)} at {variable} = {places}{more}")
    if curve.levels:
        levels = ", ".join(rounded(y, digits) for y in curve.levels)
        lines.append(f"horizontal asymptote{'s' * (len(curve.levels) > 1)} {name} = {levels}")
    lines += _few(
        [f"jump {at(j.x)}: from {rounded(j.left, digits)} to {rounded(j.right, digits)}" for j in curve.jumps]
    )
    lines += _few([f"kink {at(x)}: {text}" for x, text in sides.items()])
    lines += _few([f"{name}' = 0 from {rounded(a, digits)} to {rounded(b, digits)}" for a, b in curve.flats])
    lines += _few(
        [
            (f"no value {at(g.start)}" if g.start == g.end else
             f"no value from {variable} = {rounded(g.start, digits)} to {rounded(g.end, digits)}")
            + f": {g.reason}"
            for g in curve.gaps
        ]
    )  # fmt: skip
    return [printable(line) for line in lines]


def _steep(vertical: Vertical, digits: int) -> str:
    """Return what the slope is on both sides of where it is infinite."""
    left, right = (
        f"{'-' if side < 0 else '+'}infinity" if isinf(side) else rounded(side, digits)
        for side in (vertical.left, vertical.right)
    )
    if left == right:
        return f"slope {left} on both sides"
    pairs = [(vertical.left, left, "left"), (vertical.right, right, "right")]
    return "slope " + ", ".join(f"{text} on its {side}" for slope, text, side in pairs if slope == slope)


def _vertical_fact(vertical: Vertical) -> dict[str, Any]:
    def side(slope: float) -> float | str | None:
        return ("+" if slope > 0 else "-") + "infinity" if isinf(slope) else slope if slope == slope else None

    return vertical._asdict() | {"left": side(vertical.left), "right": side(vertical.right)}


def tangent_words(tangent: Tangent, variable: str, digits: int) -> str:
    """Return a tangent as a line of words, its equation last."""
    slope, y = rounded(tangent.slope, digits), rounded(tangent.y, digits)
    text = f"tangent at {variable} = {rounded(tangent.x, digits)}: value {y}, slope {slope}"
    if tangent.sides:
        left, right = (rounded(side, digits) for side in tangent.sides)
        return f"{text} by convention, at a kink: {left} on its left, {right} on its right"
    return f"{text}, line {line_text(tangent, variable, digits)}"


def line_text(tangent: Tangent, variable: str, digits: int) -> str:
    """Return ``-7*x + 2``."""
    scale = max(abs(tangent.y), abs(tangent.slope * tangent.x))
    intercept = neat(tangent.intercept, 1e-14 * scale)
    if tangent.slope == 0.0:
        return rounded(intercept, digits)
    slope = {1.0: "", -1.0: "-"}.get(tangent.slope, f"{rounded(tangent.slope, digits)}*")
    if intercept == 0.0:
        return f"{slope}{variable}"
    return f"{slope}{variable} {'-' if intercept < 0 else '+'} {rounded(abs(intercept), digits)}"


def contact_words(contact: Contact, variables: Sequence[str], name: str, digits: int) -> str:
    """Return a point of a surface with its gradient, and the tangent of the level line through it."""
    right, up = variables
    x, y, value, dx, dy = (rounded(number, digits) for number in contact)
    text = f"at {right} = {x}, {up} = {y}: {name} = {value}, gradient ({dx}, {dy})"
    if not (contact.dx or contact.dy):
        return f"{text}: no level line has a tangent there"
    level = contact.dx * contact.x + contact.dy * contact.y
    sign = "-" if contact.dy < 0 else "+"
    line = f"{dx}*{right} {sign} {rounded(abs(contact.dy), digits)}*{up} = {rounded(level, digits)}"
    return f"{text}, tangent of the level line {line}"


def surface_words(surface: Surface, name: str, digits: int, contacts: Sequence[Contact] = ()) -> list[str]:
    """Return what is special about a surface, a line each."""
    right, up = surface.variables
    heights = [h for row in surface.z for h in row if isfinite(h)]
    small = 1e-13 * (max(heights) - min(heights))
    lines = [
        f"{p.kind} at {right} = {rounded(p.x, digits)}, {up} = {rounded(p.y, digits)}: "
        f"{name} = {rounded(neat(p.value, small), digits)}"
        for p in surface.stationary
    ]
    lines = _few(lines) + [contact_words(c, surface.variables, name, digits) for c in contacts]
    if surface.missing:
        share = 100.0 * surface.missing / (len(surface.x) * len(surface.y))
        lines.append(f"no value on {brief(max(share, 0.01), 2)} % of the grid: {surface.reason}")
    return [printable(line) for line in lines]


def _few(lines: Sequence[str], most: int = MOST_LINES) -> list[str]:
    if len(lines) <= most + 1:
        return list(lines)
    return [*lines[:most], f"... and {len(lines) - most} more: --format json lists them"]


# numbers


def rows(sampler: Sampler, curve: Curve, tangents: Sequence[Tangent], x: Sequence[float]) -> list[list[Any]]:
    """Return a table's rows: x, value, slope, and what is special there."""
    import numpy as np

    special: dict[float, str] = {}
    steep = {v.x for v in curve.verticals}
    for pole in curve.poles:
        special[pole] = "pole"
    for jump in curve.jumps:
        special[jump.x] = "jump"
    for kink in curve.kinks:
        special[kink.x] = "kink"
    for inflection in curve.inflections:
        special[inflection.x] = "inflection"
    for vertical in curve.verticals:
        special[vertical.x] = vertical.kind
    for tangent in tangents:
        special[tangent.x] = "tangent"
    for critical in curve.criticals:
        sharp = special.get(critical.x) if critical.x in steep else "kink"
        special[critical.x] = f"{critical.kind}, {sharp}" if critical.kink else critical.kind
    places = np.array(sorted({*x, *special}))
    with np.errstate(all="ignore"):
        values, slopes = sampler.values(places), sampler.slopes(places)
    kinks = {k.x for k in curve.kinks}
    return [
        [p, v if isfinite(v) else None, s if isfinite(s) and p not in kinks else None, special.get(p, "")]
        for p, v, s in zip(places.tolist(), values.tolist(), slopes.tolist(), strict=True)
    ]


def table(header: Sequence[str], rows: Sequence[Sequence[Any]], digits: int) -> str:
    """Return rows as aligned columns; the last one is text."""
    cells = [[*(rounded(x, digits) for x in row[:-1]), str(row[-1])] for row in rows]
    titles = [*map(printable, header[:-1]), header[-1]]
    widths = [max(len(line[i]) for line in [titles, *cells]) for i in range(len(titles))]
    lines = []
    for line in [titles, ["-" * w for w in widths], *cells]:
        numbers = [text.rjust(w) for text, w in zip(line[:-1], widths, strict=False)]
        lines.append("  ".join([*numbers, line[-1]]).rstrip())
    return "\n".join(lines) + "\n"


def curve_facts(
    curve: Curve,
    graph: Graph,
    fixed: Mapping[str, float],
    tangents: Sequence[Tangent],
    along: str = "",
) -> Facts:
    """Return a curve for programs."""
    return Facts(
        {
            "schema": SCHEMA,
            "expression": graph.source.text,
            "output": graph.function,
            "variable": curve.variable,
            "range": [curve.low, curve.high],
            "inputs": dict(fixed),
            **({"along": along} if along else {}),
            "extrema": [c._asdict() for c in curve.criticals],
            "tangents": [
                {"x": t.x, "y": t.y, "slope": t.slope, "intercept": t.intercept, "sides": t.sides}
                for t in tangents
            ],
            "poles": curve.poles,
            "asymptotes": curve.levels,
            "jumps": [j._asdict() for j in curve.jumps],
            "kinks": [k._asdict() for k in curve.kinks],
            "gaps": [g._asdict() for g in curve.gaps],
            "flats": curve.flats,
            "inflections": [i._asdict() for i in curve.inflections],
            "verticals": [_vertical_fact(v) for v in curve.verticals],
            "view": curve.view,
            "points": curve.points,
            "slopes": curve.slopes,
            "notes": curve.notes,
        },
        "compact",
    )


def surface_facts(
    surface: Surface, graph: Graph, fixed: Mapping[str, float], contacts: Sequence[Contact] = ()
) -> Facts:
    """Return a surface for programs; ``z`` has a row for every y, None where there is no value."""
    return Facts(
        {
            "schema": SCHEMA,
            "expression": graph.source.text,
            "output": graph.function,
            "variables": surface.variables,
            "inputs": dict(fixed),
            "stationary": [p._asdict() for p in surface.stationary],
            "x": surface.x,
            "y": surface.y,
            "z": [[h if isfinite(h) else None for h in row] for row in surface.z],
            "gradients": surface.arrows,
            **({"tangents": [c._asdict() for c in contacts]} if contacts else {}),
            "notes": surface.notes,
        },
        "compact",
    )
