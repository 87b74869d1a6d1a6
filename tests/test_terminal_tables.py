"""Pages at a terminal, however narrow: no line is too wide, no number is broken, no head stands twice."""

from __future__ import annotations

import colorsys
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any
from unittest.mock import patch

import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from backprop_cli.render import page, palette
from backprop_cli.render import terminal as screens
from backprop_cli.render.page import Column, Grid, Text
from backprop_cli.render.terminal import Screen, lines_of
from backprop_cli.render.writers import tables, terminal

sys.path.insert(0, str(ROOT / "benchmarks"))

import soak

WIDTHS = (60, 80, 100, 140)
NUMBER = re.compile(r"(?<![\w.])\d[\d.,]*(?:e-?\d+)?")


def numbers(lines: Iterable[str]) -> set[str]:
    """Return the numbers in lines."""
    return {found.rstrip(".,") for line in lines for found in NUMBER.findall(line)}


def printed(blocks: list[Any], screen: Screen) -> list[str]:
    """Return the lines of a page, without drawings."""
    terminal._print_all(screen, [block for block in blocks if not isinstance(block, page.Drawing)])
    return screen.text().splitlines()


def faults(blocks: list[Any]) -> Iterator[str]:
    """Yield what is wrong with a page in terminals of several widths."""
    shown: list[Grid] = []
    plain = terminal.tables.lines

    def watched(grid: Grid, screen: Screen) -> Any:
        shown.append(grid)
        return plain(grid, screen)

    with patch.object(terminal.tables, "lines", watched):
        whole = numbers(printed(blocks, Screen()))
        for width in WIDTHS:
            shown.clear()
            found = printed(blocks, Screen(width, unicode=True))
            yield from (f"{cell_len(x)} of {width} columns: {x}" for x in found if cell_len(x) > width)
            for grid in shown:
                heads = [column.title for column in grid.columns if column.title]
                if len({*heads}) < len(heads):
                    yield f"heads: {heads}"
            more = {
                cell.short for grid in shown for row in grid.rows for cell in row if isinstance(cell, Text)
            }
            room = {
                str(tables.Room(grid.columns, grid.rows).enough(range(len(grid.columns)))) for grid in shown
            }
            if broken := numbers(found) - whole - numbers(more) - room:
                yield f"not among the numbers: {broken} in {width} columns"


COMMANDS = [
    ["grad", "--file", "micrograd.bp"],
    ["grad", "--file", "micrograd.bp", "--digits", "17"],
    ["grad", "--file", "micrograd.bp", "--formulas", "inputs"],
    ["grad", "--file", "two_paths.bp", "--order", "2"],
    ["grad", "(1 - cos(x))/x^2", "--x", "1e-5", "--digits", "17"],
    ["grad", "x^2 + y^2 = 25", "--x", "3", "--y", "4"],
    ["grad", "W = [[1.5, -2.25, 3], [4, 5, 6]]; x = [1, 2, 3]; y = W@x; sum(y^2)"],
    ["grad", "y = W@x; y", "W=[[1.5, -2.25, 3], [4, 5, 6]]", "x=[1, 2, 3]"],
    ["eval", "--file", "micrograd.bp"],
    ["explain", "--file", "micrograd.bp"],
    ["explain", "--symbolic", "x^2*sin(x)/(1 + x)", "--x", "1.25"],
    ["limit", "sin(x)*y", "--x", "1", "--y", "0.123456789"],
    ["limit", "abs(x)", "--x", "0"],
    ["descend", "(1-x)^2+100*(y-x^2)^2", "--x", "-1", "--y", "1", "--steps", "60", "--rate", "0.001"],
    ["descend", "x^2 + y^2", "--x", "1", "--y", "1", "--optimizer", "sgd", "--optimizer", "adam"],
    ["check", "x^2*sin(x)", "--claim", "x = 2x*cos(x)", "--reveal"],
    ["ops"],
    ["ops", "tanh"],
    ["train", "iris.yaml", "--dry-run"],
    ["trace", "hand.yaml"],
    ["trace", "hand.yaml", "--table"],
    ["explain", "hand.yaml"],
]


@pytest.fixture
def looked_at(run: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a command and return what is wrong with its page."""

    def look(*words: str) -> tuple[int, list[str]]:
        pages: list[list[Any]] = []
        monkeypatch.setattr(terminal, "write", lambda blocks, **_: pages.append([*blocks]) or "")
        monkeypatch.chdir(ROOT / "sample_inputs")
        run(*words)
        return len(pages), [fault for blocks in pages for fault in faults(blocks)]

    return look


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_pages_fit(looked_at: Any, words: list[str]) -> None:
    assert looked_at(*words) == (1, [])


def test_pages_of_random_programs_fit(looked_at: Any) -> None:
    for seed in range(300, 312):
        case = soak.random_case(seed)
        at = [f"{name}={x!r}" for name, x in case.point.items()]
        for command in ("grad", "explain", "limit"):
            _, wrong = looked_at(command, case.text, *at)
            assert wrong == [], (command, case.text, at)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    "words",
    [
        ["graph", "--file", "micrograd.bp"],
        ["graph", "hand.yaml"],
        ["grad", "a*b", "--a", "0:1:0.5", "--b", "1e-9:1e9:5e8"],
        [
            "grad",
            "log(long_name)*another_long_name",
            "--long_name",
            "-1:1:1",
            "--another_long_name",
            "2:3:0.5",
        ],
        ["plot", "sin(x)", "--x", "-3:3"],
    ],
    ids=" ".join,
)
def test_what_is_drawn_or_streamed_fits(
    run: Any, monkeypatch: pytest.MonkeyPatch, words: list[str], width: int
) -> None:
    monkeypatch.setattr(screens, "at_terminal", lambda: True)
    monkeypatch.chdir(ROOT / "sample_inputs")
    out = run(*words, env={"COLUMNS": str(width), "NO_COLOR": "1"}).out
    assert out
    assert [line for line in out.splitlines() if cell_len(line) > width] == []


# layouts


KINDS = ("text", "prose", "word", "number", "code", "name", "formula")


@given(st.data())
def test_any_table_fits(data: st.DataObject) -> None:
    """But where a number alone is wider than the screen."""
    width = data.draw(st.sampled_from([24, 40, 60, 100]))
    kinds = data.draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=9))
    number = st.floats(allow_nan=False, allow_infinity=False).map(repr)
    word = st.text("abcxyzθ漢_", min_size=1, max_size=14)
    text = st.lists(st.one_of(word, st.integers(0, 10**6).map(str)), max_size=9).map(" ".join)
    cells = {"number": number, "word": st.text("abc", max_size=20)}
    columns = [Column(f"title {k}", kind) for k, kind in enumerate(kinds)]
    rows = data.draw(st.lists(st.tuples(*(cells.get(kind, text) for kind in kinds)), min_size=1, max_size=4))
    lines = [str(line) for line in tables.lines(Grid(columns, rows), Screen(width))]
    assert all(cell_len(line) <= max(width, 24) for line in lines)
    whole = {word for row in rows for k, cell in enumerate(row) if kinds[k] == "number" for word in [cell]}
    assert whole <= {word for line in lines for word in line.split()}


def test_columns_go_in_groups_and_are_named() -> None:
    columns = [Column(title, "number") for title in ("n", "x", "y", "step x", "step y")]
    grid = Grid(columns, [["1", "2.5", "3.5", "-0.125", "-0.375"]], drop=((3, 4),))
    assert [str(line) for line in tables.lines(grid, Screen(22))] == [
        "n    x    y",
        "-----------",
        "1  2.5  3.5",
        "left out for want of",
        "room: step x, step y;",
        "27 columns show all",
    ]


def test_a_table_without_room_goes_on_below() -> None:
    columns = [Column(title, "number") for title in ("n", "first", "second")]
    grid = Grid(columns, [["1", "123456789", "-987654321"], ["", "", "5"]])
    assert [str(line) for line in tables.lines(grid, Screen(16))] == [
        "n      first",
        "------------",
        "1  123456789",
        "",
        "n      second",
        "-------------",
        "1  -987654321",
        "            5",
    ]


def test_a_formula_is_written_shorter_then_cut() -> None:
    column = Column("formula", "formula", floor=9, single=("slopes", "cut"))
    rows = [[Text("2*e*(1/2 - 10/f^2)", short="(dg/de)")], ["10*x - 20*y"], ["1"]]
    assert [str(line) for line in tables.lines(Grid([column], rows), Screen(9))] == [
        "formula", "---------", "(dg/de)", "10*x -...", "1", "slopes", "cut",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("symbolic and reverse agree", 12, ["symbolic and", "reverse", "agree"]),
        ("x = 1.25 and y = 2.5", 9, ["x = 1.25", "and", "y = 2.5"]),
        ("12.5*exp(-0.25)*1234567", 10, ["12.5*exp", "(-0.25)", "*1234567"]),
        ("1.2345678901234567", 10, ["1.2345678901234567"]),
        ("abcdefghijklm", 10, ["abcdefghij", "klm"]),
        ("漢字漢字漢字", 6, ["漢字漢", "字漢字"]),
    ],
)
def test_lines_break_between_words_and_never_in_a_number(text: str, width: int, lines: list[str]) -> None:
    assert [text[a:b] for a, b in lines_of(text, width, glued=True)] == lines


# colours

BLACK, WHITE = (0, 0, 0), (255, 255, 255)
CLEAR = 4.5  # of WCAG 2.2, 1.4.3, for text
CUBE = (0, 95, 135, 175, 215, 255)
# the colours 0 to 15 of xterm, Windows Terminal (Campbell) and Ubuntu (Tango), as they are shipped
BASIC = {
    "xterm": "000000 cd0000 00cd00 cdcd00 0000ee cd00cd 00cdcd e5e5e5"
             " 7f7f7f ff0000 00ff00 ffff00 5c5cff ff00ff 00ffff ffffff",
    "windows": "0c0c0c c50f1f 13a10e c19c00 0037da 881798 3a96dd cccccc"
               " 767676 e74856 16c60c f9f1a5 3b78ff b4009e 61d6d6 f2f2f2",
    "ubuntu": "2e3436 cc0000 4e9a06 c4a000 3465a4 75507b 06989a d3d7cf"
              " 555753 ef2929 8ae234 fce94f 729fcf ad7fa8 34e2e2 eeeeec",
}  # fmt: skip
SHADES = sorted({shade for shade in palette.TERMINAL.values() if shade.rgb})


def luminance(rgb: tuple[int, int, int]) -> float:
    """Return the relative luminance of WCAG 2.2."""
    parts = [c / 255 for c in rgb]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(rgb: tuple[int, int, int]) -> float:
    """Return the contrast with black or with white, whichever is less."""
    own = luminance(rgb)
    return min((own + 0.05) / 0.05, 1.05 / (own + 0.05))


def of_hex(text: str) -> tuple[int, int, int]:
    """Return red, green and blue."""
    red, green, blue = bytes.fromhex(text)
    return red, green, blue


def of_cube(code: int) -> tuple[int, int, int]:
    """Return red, green and blue of one of 256 colours that is no theme's."""
    assert 16 <= code <= 255
    if code >= 232:
        return (8 + 10 * (code - 232),) * 3
    return CUBE[(code - 16) // 36], CUBE[(code - 16) // 6 % 6], CUBE[(code - 16) % 6]


@pytest.mark.parametrize("shade", SHADES, ids=str)
def test_colours_are_clear_on_black_and_on_white(shade: palette.Shade) -> None:
    assert contrast(of_hex(shade.rgb[1:])) >= CLEAR
    assert contrast(of_cube(shade.cube)) >= CLEAR


def test_the_sixteen_colours_are_measured() -> None:
    """They are the theme's: none is clear on both everywhere; what is taken is no worse than this."""
    measured = {
        shade.basic: min(
            contrast(of_hex(colors.split()[shade.basic - 30 if shade.basic < 90 else shade.basic - 82]))
            for colors in BASIC.values()
        )
        for shade in SHADES
    }
    assert {code: round(least, 1) for code, least in measured.items()} == {
        94: 2.8, 33: 1.7, 32: 2.2, 91: 3.8, 35: 2.6, 90: 2.9,
    }  # fmt: skip


def test_hues_are_those_that_they_are_called() -> None:
    """An input is blue, a doubt orange, an agreement green, also where there are 256 colours."""
    hues = {"name": (200, 260), "doubt": (0, 40), "good": (140, 180), "formula": (250, 290)}
    for role, (low, high) in hues.items():
        for rgb in (of_hex(palette.TERMINAL[role].rgb[1:]), of_cube(palette.TERMINAL[role].cube)):
            assert low <= 360 * colorsys.rgb_to_hls(*(c / 255 for c in rgb))[0] <= high, role


@pytest.mark.parametrize(
    ("env", "colors"),
    [
        ({"TERM": "xterm-256color"}, 256),
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, 1 << 24),
        ({"TERM": "xterm"}, 16),
        ({"TERM": "dumb", "COLORTERM": "truecolor"}, 0),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, 0),
        ({"TERM": "xterm-256color", "FORCE_COLOR": "1", "NO_COLOR": "1"}, 0),
    ],
)
def test_how_many_colours_there_are(
    env: dict[str, str], colors: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

    for name in ("TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    if sys.platform != "win32":
        assert screens.colors(Terminal()) == colors


def test_every_role_of_a_page_and_a_picture_has_its_colour() -> None:
    from typing import get_args

    from backprop_cli.layout.picture import Role

    own = {"", "ink", "paper"}  # the terminal's
    assert {*get_args(page.Tone), *get_args(Role)} - own == {*palette.TERMINAL}
