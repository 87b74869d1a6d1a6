"""A picture as PNG, pictures as an animated GIF: by the ``[plot]`` extra."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import RLock
from typing import Any

from ..engine.work import through
from ..errors import UsageError, installing, printable
from ..layout.picture import Box, Dot, Label, Path, Picture, Point, arrow
from .palette import THEMES, Colors, Theme

DPI = 100.0
LARGEST = 100_000_000  # pixels
MARGIN = 3.0  # of a halo
SETTING = RLock()
"""Held while Matplotlib's settings, which are one for all threads, are ours."""


def png(picture: Picture, scale: float = 1.0, theme: Theme = "light") -> bytes:
    """Return the picture as PNG.

    Args:
        picture: What to draw.
        scale: Pixels per unit of the picture.
        theme: Its colours.
    Raises:
        UsageError: where Matplotlib is not installed.
    """
    stream = io.BytesIO()
    with _own_settings("a PNG"):
        canvas = _drawn(picture, scale, "a PNG", THEMES[theme])
        canvas.print_png(stream, metadata={"Software": None, "Title": None})
    return stream.getvalue()


def gif(
    pictures: Sequence[Picture], milliseconds: int = 400, scale: float = 1.0, theme: Theme = "light"
) -> bytes:
    """Return pictures of one size as a GIF that repeats, the last one shown longer.

    Raises:
        UsageError: where Matplotlib or Pillow is not installed.
    """
    frames: list[Any] = []
    colors: Any = None
    for picture in through(pictures, "drawing frame"):
        with _own_settings("a GIF"):
            canvas = _drawn(picture, scale, "a GIF", THEMES[theme])
        from PIL import Image

        size = canvas.get_width_height()
        image = Image.frombytes("RGBA", size, bytes(canvas.buffer_rgba())).convert("RGB")
        if colors is None:
            colors = _palette(THEMES[theme])
        frames.append(image.quantize(palette=colors, dither=Image.Dither.NONE))
    stream = io.BytesIO()
    longer = [milliseconds] * (len(frames) - 1) + [max(milliseconds * 4, 2000)]
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:], duration=longer, loop=0)
    return stream.getvalue()


def _palette(colors: Colors) -> Any:
    """Return colours for all frames: every role's steps to the paper, so that nothing flickers."""
    from PIL import Image

    steps = 16
    own = [bytes.fromhex(color[1:]) for color in dict.fromkeys(colors.values())]
    paper = bytes.fromhex(colors["paper"][1:])
    mixed = {
        bytes(p + (c - p) * i // steps for c, p in zip(color, paper, strict=True))
        for color in own
        for i in range(1, steps + 1)
    }
    # Pillow looks colours up by their leading bits: what shares those of the paper would stand for it
    mixed = {color for color in mixed if any(a >> 3 != b >> 3 for a, b in zip(color, paper, strict=True))}
    flat = b"".join([paper, *sorted(mixed)][:256])
    image = Image.new("P", (1, 1))
    image.putpalette(flat + bytes(768 - len(flat)))
    return image


@contextmanager
def _own_settings(what: str) -> Iterator[None]:
    """Draw with the settings that Matplotlib comes with.

    It reads a ``matplotlibrc`` in the current folder before any other, which may be a stranger's: with
    ``text.usetex`` there, LaTeX runs that file's preamble.
    """
    # a folder it cannot write, fonts it looks for: no words for our users
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    try:
        import matplotlib.backends.backend_agg
    except ImportError:
        raise UsageError(
            f"{what} needs the plot extra", hint=f"{installing('plot')}; SVG needs nothing"
        ) from None
    defaults: Any = {key: x for key, x in matplotlib.rcParamsDefault.items() if key != "backend"}
    with SETTING, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a glyph that the font lacks is drawn as a box
        with matplotlib.rc_context(defaults):
            yield


def _drawn(picture: Picture, scale: float, what: str, colors: Colors) -> Any:
    """Return Matplotlib's canvas with the picture on it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width, height = round(picture.width * scale), round(picture.height * scale)
    if width * height > LARGEST:
        raise UsageError(
            f"{what} of {width:,} x {height:,} pixels is too large", hint="SVG has no such limit"
        )
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor=colors["paper"])
    canvas: Any = FigureCanvasAgg(figure)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_xlim(0.0, picture.width)
    axes.set_ylim(picture.height, 0.0)
    axes.axis("off")
    unit = 72.0 / DPI * scale  # points per unit
    for order, shape in enumerate(picture.shapes):
        for artist in _artists(shape, unit, colors):
            artist.set_zorder(order)
            artist.set_clip_on(False)
            axes.add_artist(artist)
    canvas.draw()
    return canvas


def _artists(shape: Any, unit: float, colors: Colors) -> list[Any]:
    from matplotlib.patches import Circle, FancyBboxPatch, PathPatch

    if isinstance(shape, Label):
        return [_text(shape, unit, colors)]
    if isinstance(shape, Dot):
        paint = _paint(shape.fill, shape.stroke, 1.5 * unit, 1.0, colors)
        return [Circle((shape.x, shape.y), shape.radius, **paint)]
    if isinstance(shape, Box):
        paint = _paint(shape.fill, shape.stroke, shape.line * unit, shape.opacity, colors)
        radius = min(shape.radius, shape.width / 2, shape.height / 2)
        style = f"round,pad=0,rounding_size={radius}" if radius > 0 else "square,pad=0"
        if shape.dash and shape.stroke:
            paint |= {"linestyle": (0, [x / shape.line for x in shape.dash]), "capstyle": "round"}
        return [FancyBboxPatch((shape.x, shape.y), shape.width, shape.height, boxstyle=style, **paint)]
    assert isinstance(shape, Path)
    points, head = arrow(shape)
    paint = _paint(shape.fill, shape.stroke, shape.width * unit, shape.opacity, colors)
    if shape.dash and shape.stroke:
        paint["linestyle"] = (0, [length / shape.width for length in shape.dash])
    paint |= {"capstyle": "round", "joinstyle": "round"}
    drawn = [PathPatch(_outline(points, shape.curve, shape.fill is not None), **paint)]
    if head:
        paint = _paint(shape.stroke, None, 0.0, shape.opacity, colors)
        drawn.append(PathPatch(_outline(head, False, True), **paint))
    return drawn


def _outline(points: Sequence[Point], curve: bool, closed: bool) -> Any:
    from matplotlib.path import Path as Outline

    codes = [Outline.MOVETO, *[Outline.CURVE4 if curve else Outline.LINETO] * (len(points) - 1)]
    vertices = list(points)
    if closed:
        codes.append(Outline.CLOSEPOLY)
        vertices.append(points[0])
    return Outline(vertices, codes)


def _paint(fill: Any, stroke: Any, width: float, opacity: float, colors: Colors) -> dict[str, Any]:
    return {
        "facecolor": colors[fill] if fill else "none",
        "edgecolor": colors[stroke] if stroke else "none",
        "linewidth": width if stroke else 0.0,
        "alpha": opacity if opacity < 1.0 else None,
    }


def _text(label: Label, unit: float, colors: Colors) -> Any:
    from matplotlib.patheffects import withStroke
    from matplotlib.text import Text

    anchor = {"start": "left", "middle": "center", "end": "right"}[label.anchor]
    effects = [withStroke(linewidth=MARGIN * unit, foreground=colors["paper"])] if label.halo else None
    return Text(
        label.x,
        label.y,
        printable(label.text),
        color=colors[label.role],
        fontsize=label.size * unit,
        fontweight="bold" if label.bold else "normal",
        family="sans-serif",
        ha=anchor,
        va="baseline",
        rotation=-label.turn,
        rotation_mode="anchor",
        parse_math=False,
        path_effects=effects,
    )
