"""The colours of the roles: told apart with every kind of colour vision, on light and dark pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from ..layout.picture import Role

Theme = Literal["light", "dark"]
Colors = dict["Role", str]

# Okabe and Ito's colours, darkened where thin lines on white need it
LIGHT: Colors = {
    "ink": "#1a1a1a",
    "muted": "#595959",
    "grid": "#e6e6e6",
    "paper": "#ffffff",
    "first": "#0072b2",
    "second": "#c04e00",
    "third": "#008060",
    "fourth": "#b4548c",
    "fifth": "#8f6800",
    "positive": "#0072b2",
    "negative": "#c04e00",
    "zero": "#8c8c8c",
    "mark": "#a3147a",
}
DARK: Colors = {
    "ink": "#eceff4",
    "muted": "#a9b1bd",
    "grid": "#2d333c",
    "paper": "#14171c",
    "first": "#56b4e9",
    "second": "#ff8f45",
    "third": "#35c99a",
    "fourth": "#e39bc5",
    "fifth": "#f0c34a",
    "positive": "#56b4e9",
    "negative": "#ff8f45",
    "zero": "#7f8896",
    "mark": "#ff7bd5",
}
THEMES: dict[Theme, Colors] = {"light": LIGHT, "dark": DARK}


class Shade(NamedTuple):
    """A colour of a terminal, which may be black or white.

    Attributes:
        rgb: Where there are 2^24: at least 4.5 times as light as black, and white as it (WCAG's contrast).
        cube: Where there are 256: one of those that are no theme's, and as clear, nearest in hue.
        basic: Its SGR code where there are 16, which are the theme's: the clearest of its hue in most.
        bold: Bold, too.
    """

    rgb: str
    cube: int
    basic: int
    bold: bool = False


_BLUE = Shade("#1273e2", 63, 94)
_ORANGE = Shade("#c55210", 131, 33)
_GREEN = Shade("#0b865d", 29, 32)
_RED = Shade("#ec0000", 131, 91, bold=True)
_MAGENTA = Shade("#d511b5", 163, 35)
_PURPLE = Shade("#a63fef", 98, 35)
_GREY = Shade("#767676", 243, 90)
_STRONG = Shade("", -1, -1, bold=True)

TERMINAL: dict[str, Shade] = {
    # of words and tables
    "name": _BLUE,  # an input
    "strong": _STRONG,  # an output, a heading
    "formula": _PURPLE,
    "good": _GREEN,
    "doubt": _ORANGE,
    "bad": _RED,
    "quiet": _GREY,
    "empty": _GREY,
    # of drawings
    "muted": _GREY,
    "grid": _GREY,
    "zero": _GREY,
    "first": _BLUE,
    "second": _ORANGE,
    "third": _GREEN,
    "fourth": _MAGENTA,
    "fifth": _PURPLE,
    "positive": _BLUE,
    "negative": _ORANGE,
    "mark": _MAGENTA._replace(bold=True),
}
"""Of a terminal, by tone or role; its own foreground for the others."""


def painted(text: str, role: str | None, colors: int) -> str:
    """Return a text in the colour of its role.

    Args:
        text: The text.
        role: A tone or a role; none is the terminal's own.
        colors: How many colours the terminal has; 0 for none.
    """
    shade = TERMINAL.get(role or "") if colors and not text.isspace() else None
    if shade is None or not text:
        return text
    codes = ["1"] if shade.bold else []
    if not shade.rgb:
        pass
    elif colors > 256:
        codes.append(f"38;2;{';'.join(str(byte) for byte in bytes.fromhex(shade.rgb[1:]))}")
    else:
        codes.append(f"38;5;{shade.cube}" if colors == 256 else str(shade.basic))
    return f"\x1b[{';'.join(codes)}m{text}\x1b[0m"
