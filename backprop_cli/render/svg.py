"""A picture as an SVG document."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ..errors import printable
from ..layout.picture import Box, Dot, Label, Path, Picture, Point, Role, Shape, arrow
from .palette import DARK, LIGHT, THEMES, Colors, Theme

FONT = "system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif"


def svg(picture: Picture, theme: Theme | None = None) -> str:
    """Return the picture as SVG.

    Colours stand in the attributes, for programs that read no style sheet; without a theme, the style
    sheet changes them where the page is dark.
    """
    colors = LIGHT if theme is None else THEMES[theme]
    width, height = number(picture.width), number(picture.height)
    title = escape(printable(picture.title))
    style = ""
    if theme is None:
        dark = "".join(
            f".f-{role}{{fill:{color}}}.s-{role}{{stroke:{color}}}"
            for role, color in DARK.items()
            if _uses(picture.shapes, role)
        )
        style = f"<style>@media (prefers-color-scheme:dark){{{dark}}}</style>\n"
    body = "\n".join(_shape(shape, colors) for shape in picture.shapes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-label="{title}" font-family="{FONT}" '
        'stroke-linejoin="round" stroke-linecap="round">\n'
        f"<title>{title}</title>\n<desc>{escape(printable(picture.description))}</desc>\n"
        f"{style}"
        f'<rect width="{width}" height="{height}" class="f-paper" fill="{colors["paper"]}"/>\n'
        f"{body}\n</svg>\n"
    )


def number(value: float) -> str:
    """Return a coordinate to a tenth of a pixel."""
    text = f"{value:.1f}"
    text = text[:-2] if text.endswith(".0") else text
    return "0" if text == "-0" else text


def _uses(shapes: Sequence[Shape], role: str) -> bool:
    return role == "paper" or any(
        role in (getattr(s, "fill", None), getattr(s, "stroke", None), getattr(s, "role", None))
        for s in shapes
    )


def _paint(fill: Role | None, stroke: Role | None, width: float, opacity: float, colors: Colors) -> str:
    classes = " ".join(f"{kind}-{role}" for kind, role in (("f", fill), ("s", stroke)) if role)
    text = f' class="{classes}"' if classes else ""
    text += f' fill="{colors[fill]}"' if fill else ' fill="none"'
    if stroke:
        text += f' stroke="{colors[stroke]}"'
        text += f' stroke-width="{number(width)}"' if width != 1.0 else ""
    return text + (f' opacity="{opacity:.3g}"' if opacity < 1.0 else "")


def _shape(shape: Shape, colors: Colors) -> str:
    if isinstance(shape, Path):
        return _path(shape, colors)
    if isinstance(shape, Box):
        return (
            f'<rect x="{number(shape.x)}" y="{number(shape.y)}" width="{number(shape.width)}" '
            f'height="{number(shape.height)}" rx="{number(shape.radius)}"'
            f"{_paint(shape.fill, shape.stroke, shape.line, shape.opacity, colors)}{_dash(shape.dash)}/>"
        )
    if isinstance(shape, Dot):
        return (
            f'<circle cx="{number(shape.x)}" cy="{number(shape.y)}" r="{number(shape.radius)}"'
            f"{_paint(shape.fill, shape.stroke, 1.5, 1.0, colors)}/>"
        )
    return _label(shape, colors)


def _dash(lengths: Sequence[float]) -> str:
    return f' stroke-dasharray="{" ".join(map(number, lengths))}"' if lengths else ""


def _path(path: Path, colors: Colors) -> str:
    points, head = arrow(path)
    drawn = (
        f'<path d="{_outline(points, path.curve)}{"Z" if path.fill else ""}"'
        f"{_paint(path.fill, path.stroke, path.width, path.opacity, colors)}{_dash(path.dash)}/>"
    )
    if head:
        drawn += f'<path d="{_outline(head, False)}Z"{_paint(path.stroke, None, 0.0, path.opacity, colors)}/>'
    return drawn


def _outline(points: Sequence[Point], curve: bool) -> str:
    texts = [f"{number(x)} {number(y)}" for x, y in points]
    if curve:
        pieces = (" ".join(texts[i : i + 3]) for i in range(1, len(texts), 3))
        return f"M{texts[0]}" + "".join(f"C{piece}" for piece in pieces)
    return "M" + "L".join(texts)


def _label(label: Label, colors: Colors) -> str:
    anchor = f' text-anchor="{label.anchor}"' if label.anchor != "start" else ""
    turn = (
        f' transform="rotate({number(label.turn)} {number(label.x)} {number(label.y)})"' if label.turn else ""
    )
    bold = ' font-weight="600"' if label.bold else ""
    text = escape(printable(label.text))
    spot = f'x="{number(label.x)}" y="{number(label.y)}" font-size="{number(label.size)}"{anchor}{bold}'
    drawn = f"<text {spot}{turn}{_paint(label.role, None, 0.0, 1.0, colors)}>{text}</text>"
    if label.halo:  # a text of its own: `paint-order` is not known to every program
        drawn = (
            f'<text {spot}{turn} class="f-paper s-paper" fill="{colors["paper"]}" stroke="{colors["paper"]}" '
            f'stroke-width="4" aria-hidden="true">{text}</text>{drawn}'
        )
    return drawn
