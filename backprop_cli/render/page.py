"""What a report is made of, whatever it is written as: headings, sentences, tables, equations, drawings.

A report makes blocks; `writers` has one writer a format, and knows no report. Numbers and words in a block
are text already; mathematics stays an expression until it is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from .record import Record

if TYPE_CHECKING:
    from .forms import Form, Value  # a table of numbers has none

WIDEST = 100
"""Sentences are no wider than that, however wide the terminal."""

Tone = Literal["", "name", "formula", "good", "doubt", "bad", "strong", "quiet", "empty"]
"""What a text is, for its colour; an empty cell of a matrix of counts is a mere dot at a terminal."""

Kind = Literal["text", "prose", "word", "share", "number", "code", "name", "expression", "formula", "verdict"]
"""What a cell holds: ``prose`` is our own, a ``word`` is a text that is never broken, a ``share`` reads
``3/4``, ``code`` is text as it was typed; a ``name``, an ``expression`` and a ``formula`` are mathematics
where a format has it."""


class Text(Record):
    """A text that is not as its surroundings.

    Attributes:
        text: The text.
        tone: Its own tone.
        kind: Its own kind, in a cell; None for that of the column.
        short: What says the same, for a cell of one line that has no room for the text.
    """

    text: str
    tone: Tone = ""
    kind: Kind | None = None
    short: str = ""


Cell = str | Text
Line = str | Text | tuple[Cell, ...]


def plain(line: Line) -> str:
    """Return the words of a line or a cell."""
    if isinstance(line, str):
        return line
    return line.text if isinstance(line, Text) else "".join(map(plain, line))


class Heading(Record):
    """A line that stands out.

    Attributes:
        text: The line.
        below: Sentences right below it.
        whole: A terminal leaves a line as it is that is too long for it.
        mathematics: The line in forms of mathematics, without numbers to be rounded, for LaTeX.
    """

    text: Cell
    below: tuple[Cell, ...] = ()
    whole: bool = False
    mathematics: Form | None = None


class Section(Record):
    """The title of the block that follows, and what holds for all of it."""

    title: Cell
    rule: Cell = ""


class Lines(Record):
    """Sentences, a line each.

    Attributes:
        texts: The sentences.
        tone: Of all of them.
        most: Columns of a terminal they take; None for all, with no break before an equals sign.
        near: A terminal leaves no empty line above them.
    """

    texts: Sequence[Line]
    tone: Tone = ""
    most: int | None = WIDEST
    near: bool = False


class Paragraph(Record):
    """Sentences that belong together; the attributes are those of `Lines`."""

    texts: Sequence[Line]
    tone: Tone = ""
    most: int | None = WIDEST
    near: bool = False


class Column(Record):
    """A column of a table.

    Attributes:
        title: Above it.
        kind: What its cells hold.
        tone: Of its cells.
        least: Columns of a terminal that are room enough for it; None for all it needs, or 24 for text.
        floor: A terminal breaks none of its cells to be narrower than that.
        most: How wide it gets at most.
        whole: A terminal never breaks its cells; None for what the kind says.
        of: Formulas have derivatives of this output in them, ``dL/dv4``.
        single: A terminal gives each cell one line; what is said below of those that are written shorter,
            and of those that are cut.
    """

    title: str
    kind: Kind = "text"
    tone: Tone = ""
    least: int | None = None
    floor: int | None = None
    most: int | None = None
    whole: bool | None = None
    of: str = ""
    single: tuple[str, str] | None = None


class Grid(Record):
    """A table.

    Attributes:
        columns: What stands in them.
        rows: Cells; a row without any stands for rows that are left out.
        title: Above it.
        drop: Groups of columns that go first where the terminal is too narrow for all.
        narrow: What stands in its place there.
        needs: Columns a terminal has to have for it besides, however little its cells need.
        ruled: Rows at the end that a line sets apart.
        bare: A terminal needs no titles to understand it.
        near: As of `Lines`.
        nodes: Of a graph, the one that each row is about; () where rows are about anything else.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    title: str = ""
    drop: tuple[tuple[int, ...], ...] = ()
    narrow: tuple[Block, ...] = ()
    needs: int = 0
    ruled: int = 0
    bare: bool = False
    near: bool = False
    nodes: Sequence[int] = ()


class Fields(Record):
    """What is known of one thing, by title."""

    rows: Sequence[tuple[str, str]]


class Equation(Record):
    """Forms that are equal, ``d = a*b = 3 * (-2) = -6``; a form that reads as the one before is said once.

    Attributes:
        forms: None for one that is left out.
        before: Words before it.
        target: To what it is added.
    """

    forms: tuple[Form | None, ...]
    before: str = ""
    target: Form | None = None


class Row(Record):
    """A line: what it is about, what holds, and a remark. Words alone are a remark alone.

    Attributes:
        label: What it is about.
        equations: What holds.
        remark: A sentence on it.
        depth: How far it is indented.
        cells: In place of all that, a line of the table in the midst.
        nodes: Of the graph, those that it is about: the one that is made or differentiated by, and its user.
    """

    label: Form | None = None
    equations: tuple[Equation, ...] = ()
    remark: str = ""
    depth: int = 0
    cells: tuple[str, ...] = ()
    nodes: tuple[int, ...] = ()


class Equations(Record):
    """Mathematics line by line, with a table in its midst.

    Attributes:
        rows: The lines.
        digits: Significant digits of their numbers.
        columns: Titles of the table.
        alone: They are of a single variable.
    """

    rows: Sequence[Row]
    digits: int
    columns: tuple[str, ...] = ()
    alone: bool = False


class Calculation(Record):
    """How a number comes about: its name, what is equal to it, the number; or words alone.

    Attributes:
        name: What it is called.
        forms: How it is computed; or what stands in the columns of the block.
        about: Which of the forms, in the digits shown, do not come to what stands behind them.
        value: The number; None for words alone.
        remark: A few words on it.
        words: In place of all that.
    """

    name: Form = ""
    forms: tuple[Form | None, ...] = ()
    about: tuple[bool, ...] = ()
    value: Value | None = None
    remark: str = ""
    words: str = ""


class Calculations(Record):
    """Numbers one by one, their signs of equality below each other.

    Attributes:
        groups: Titles, and what stands below each.
        digits: Significant digits.
        columns: Titles of forms and value, for a table without signs of equality.
    """

    groups: Sequence[tuple[str, Sequence[Calculation]]]
    digits: int
    columns: tuple[str, ...] = ()


class Slopes(Record):
    """A gradient as mathematics: names of the output and the inputs, the numbers, its length, and whether it
    is of a single variable.
    """

    output: str
    slopes: Mapping[str, str]
    norm: str
    alone: bool = False


class Drawing(Record):
    """Text of a terminal's chart; other formats leave it out."""

    text: str


class Only(Record):
    """A block that only some formats show."""

    formats: tuple[str, ...]
    block: Block


Block = (
    Heading | Section | Lines | Paragraph | Grid | Fields | Equations | Calculations | Slopes | Drawing | Only
)
