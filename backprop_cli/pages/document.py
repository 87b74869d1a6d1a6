"""The file: HTML with one style and one script, which a content policy names by their hashes."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import Any

from .. import __version__
from ..export.javascript_rows import rows
from ..ops import Primitive
from ..render.palette import DARK, LIGHT

_EXTRA = {
    "light": {"ground": "#f6f7f9", "line": "#dfe3e8", "edge": "#767d88", "first-deep": "#005c8f"},
    "dark": {"ground": "#0e1116", "line": "#2d333c", "edge": "#7f8896", "first-deep": "#00649c"},
}
"""Colours that pictures have no role for: the ground, lines between panes, edges of controls."""


@cache
def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


def _colors(palette: Mapping[Any, str], extra: Mapping[str, str]) -> str:
    named = "".join(f"--{role}:{color};" for role, color in {**palette, **extra}.items())
    tints = "".join(
        f"--{role}-tint:color-mix(in srgb,{palette[role]} 5%,{palette['paper']});"
        for role in ("first", "third", "mark")
    )
    return named + tints


def _style(sheets: Sequence[str]) -> str:
    dark = _colors(DARK, _EXTRA["dark"])
    lines = ("first", "second", "mark")
    legend = "".join(f".legend .c-{role}{{border-color:var(--{role})}}" for role in lines)
    roots = f":root{{{_colors(LIGHT, _EXTRA['light'])}}}\n"
    roots += f"@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
    return roots + "".join(map(_asset, sheets)) + legend + "\n"


def _hash(text: str) -> str:
    return "'sha256-" + b64encode(sha256(text.encode()).digest()).decode() + "'"


def embedded(data: Mapping[str, Any]) -> str:
    """Write data as JSON that stands in HTML: nothing in it ends the element or opens another."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def page(
    body: str,
    scripts: Sequence[str],
    data: Mapping[str, Any],
    wanted: Sequence[tuple[Primitive, int]],
    rules: str = "",
    sheets: Sequence[str] = (),
) -> str:
    """Return the file.

    Args:
        body: Which of the bodies.
        scripts: What runs it, besides what all pages share.
        data: What it shows.
        wanted: Primitives that it computes with.
        rules: What it computes with besides, written already.
        sheets: What it looks like, besides what all pages share.
    """
    style = _style(["page.css", *sheets])
    code = "\n".join([rows(wanted), rules, *map(_asset, ("numbers.js", "common.js", *scripts))])
    policy = (
        f"default-src 'none'; script-src {_hash(code)}; style-src {_hash(style)}; "
        "base-uri 'none'; form-action 'none'"
    )
    title = escape(data["title"])
    texts = {"title": title, "program": escape(data["program"]), "version": __version__}
    content = re.sub(r"\{(\w+)\}", lambda place: texts[place[1]], _asset(body))
    return f"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="backprop {__version__}">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{content}<script type="application/json" id="data">{embedded({**data, "version": __version__})}</script>
<script>{code}</script>
</body>
</html>
"""
