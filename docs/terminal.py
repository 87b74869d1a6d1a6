"""Make the pictures of a terminal in docs/terminal/: what these commands print in one, in its colours.

``python docs/gallery.py`` writes them with the other pictures; tests/test_gallery.py compares.
"""

from __future__ import annotations

import fcntl
import os
import pty
import shlex
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from rich.color import Color
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from backprop_cli.render.palette import DARK

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "terminal"
COMMANDS = {
    "grad": 'grad "d = a*b; e = d + c; L = e*f" --a 3 --b -2 --c 8 --f -2',
    "error": 'grad "1/2x" --x 2',
    "explain": "explain --file sample_inputs/two_paths.bp --wrt a",
    "graph": "graph --file sample_inputs/two_paths.bp",
    "limit": 'limit "sin(x)" --x 1',
    "plot": 'plot "x^3 - 3x" --x -2:2',
    "check": 'check "x^2*sin(x)" --claim "x = 2x*cos(x)"',
}
"""By the name of the picture what is typed after ``backprop``."""

COLUMNS, ROWS = 100, 30
LEAST = 72  # columns that a picture has
SIZE = 14  # of a letter, in pixels
ADVANCE, LEADING, MARGIN = 0.6 * SIZE, 1.25 * SIZE, 1.5 * SIZE
PAPER = "#050608"  # the colours of a terminal are chosen for black and for white
FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"


def _rgb(text: str) -> tuple[int, int, int]:
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


_HUES = [_rgb(c) for c in ("#ff6b6b", DARK["third"], DARK["fifth"], DARK["first"], DARK["fourth"], "#5fd0d0")]
_SIXTEEN = [_rgb(DARK["zero"]), *_HUES, _rgb(DARK["ink"])]
THEME = TerminalTheme(_rgb(PAPER), _rgb(DARK["ink"]), _SIXTEEN, _SIXTEEN)


def printed(words: Sequence[str], folder: Path) -> str:
    """Return what a command prints in a terminal, escape sequences and all."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    environment = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
    process = subprocess.Popen(words, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    parts = []
    try:
        while part := os.read(ours, 1 << 16):
            parts.append(part)
    except OSError:  # how Linux says that nobody writes any more
        pass
    os.close(ours)
    process.wait(60)
    return b"".join(parts).decode().replace("\r\n", "\n")


def picture(command: str, output: str) -> str:
    """Return a terminal with a command and what it prints as SVG."""
    shown = Text.assemble(("$ ", "bold green"), (command, "bold"))
    lines = [*shown.split(), *Text.from_ansi(output.rstrip("\n")).split("\n")]
    width = max(LEAST, *map(len, lines)) * ADVANCE + 2 * MARGIN
    height = len(lines) * LEADING + 2 * MARGIN
    rows = "\n".join(part for k, line in enumerate(lines) for part in _runs(line, k))
    title = escape(command)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" role="img" aria-label="{title}" font-family="{FONT}" font-size="{SIZE}">\n'
        f"<title>{title}</title>\n"
        f'<rect width="100%" height="100%" rx="8" fill="{PAPER}"/>\n{rows}\n</svg>\n'
    )


def _runs(line: Text, row: int) -> Iterator[str]:
    """Yield a text element for each stretch of one style; its length is given, whatever the font."""
    styles = [Style()] * len(line)
    for start, end, style in line.spans:
        for k in range(start, end):
            styles[k] = styles[k] + (Style.parse(style) if isinstance(style, str) else style)
    text, start = line.plain, 0
    for end in range(1, len(text) + 1):
        if end < len(text) and styles[end] == styles[start]:
            continue
        run, style = text[start:end], styles[start]
        lead = len(run) - len(run.lstrip())
        if shown := escape(run.strip()):
            x = MARGIN + (start + lead) * ADVANCE
            y = MARGIN + (row + 0.8) * LEADING
            fill = (style.color or Color.default()).get_truecolor(THEME).hex
            more = (' font-weight="700"' if style.bold else "") + (' opacity="0.7"' if style.dim else "")
            length = len(run.strip()) * ADVANCE
            yield (
                f'<text x="{x:g}" y="{y:g}" textLength="{length:g}" fill="{fill}"{more} xml:space="preserve">'
                f"{shown}</text>"
            )
        start = end


def made(program: Sequence[str] = (sys.executable, "-m", "backprop_cli")) -> dict[str, str]:
    """Run the commands in a folder with the sample inputs; return each picture's text by its file."""
    with tempfile.TemporaryDirectory() as name:
        shutil.copytree(ROOT / "sample_inputs", Path(name) / "sample_inputs")
        return {
            f"{file}.svg": picture(f"backprop {call}", printed([*program, *shlex.split(call)], Path(name)))
            for file, call in COMMANDS.items()
        }
