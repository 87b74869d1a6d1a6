"""The colours of the roles: told apart with every kind of colour vision, on light and dark pages."""

from __future__ import annotations

from ..layout.picture import Role

# Okabe and Ito's colours, darkened where thin lines on white need it
LIGHT: dict[Role, str] = {
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
DARK: dict[Role, str] = {
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
ANSI: dict[Role, str] = {
    "muted": "2",
    "grid": "2",
    "zero": "2",
    "first": "34",
    "second": "33",
    "third": "32",
    "fourth": "35",
    "fifth": "36",
    "positive": "34",
    "negative": "33",
    "mark": "1;35",
}
"""Of a terminal; its own foreground for the others."""
