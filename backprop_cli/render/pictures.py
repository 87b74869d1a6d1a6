"""Pictures as the bytes of a file, by the file's ending."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ..errors import UsageError
from ..layout.picture import Picture
from .palette import Theme

PICTURES = (".svg", ".png")
ANIMATIONS = (".gif",)


def is_picture(output: str | None, endings: Sequence[str]) -> bool:
    """Whether a file's ending is one of those of pictures."""
    return output is not None and _ending(output) in endings


def picture_bytes(
    pictures: Picture | Sequence[Picture],
    output: str,
    *,
    scale: float = 1.0,
    milliseconds: int = 400,
    theme: Theme | None = None,
) -> bytes:
    """Return what a file of that name holds.

    Args:
        pictures: One picture, or several of one size for a GIF; other files show the last one.
        output: The file's name.
        scale: Pixels per unit, for PNG and GIF.
        milliseconds: How long a GIF shows each picture.
        theme: Its colours; None for light ones, and in an SVG for those of the page that it is on.
    Raises:
        UsageError: for other endings, and where the extra that draws pixels is not installed.
    """
    frames = [pictures] if isinstance(pictures, Picture) else list(pictures)
    ending = _ending(output)
    if ending == ".svg":
        from .svg import svg

        return svg(frames[-1], theme).encode()
    if ending == ".png":
        from .raster import png

        return png(frames[-1], scale, theme or "light")
    if ending == ".gif":
        from .raster import gif

        return gif(frames, milliseconds, scale, theme or "light")
    raise UsageError(
        f"-o {output}: the ending '{ending}' names no picture", hint=f"endings: {', '.join(PICTURES)}"
    )


def _ending(output: str) -> str:
    return os.path.splitext(output)[1].lower()
