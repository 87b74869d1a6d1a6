"""A look at a table: what each column is, with the evidence, and a config that says so."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from ...errors import UsageError, counted, nearest
from ...language.numbers import brief
from ...tables import amounts, dates
from ...tables.block import Floats, canonical
from ...tables.numerals import cut, is_numeral
from ...tables.text import MISSING, Gaps, WrongCell, column_numbers
from ..config.yaml_text import to_flow
from .dialects import Guess, dialect_from, dialect_of
from .judging import teaches_nothing
from .loading import CATEGORIES, CLASSES, ENOUGH_ROWS
from .pieces import TextPiece, open_pieces
from .source import FileTable, Table, Written, read_table

ARRAYS = (".npz", ".npy")
TABLES = (
    ".csv",
    ".tsv",
    ".txt",
    ".dat",
    ".data",
    ".json",
    ".jsonl",
    ".ndjson",
    ".parquet",
    ".feather",
    ".arrow",
)
"""What the names of tables end with; a config is none of them."""

NO_VALUE = frozenset(
    {
        "-",
        "--",
        ".",
        "..",
        "none",
        "missing",
        "unknown",
        "n.a.",
        "n/a",
        "#n/a",
        "<na>",
        "na",
        "nan",
        "(null)",
        "*",
        "#",
    }
)
"""What is written where there is no value, besides what always is one."""
SENTINELS = (-9999.0, -999.0, -99.0, 9999.0, 99999.0)
TARGETS = (
    "target",
    "label",
    "class",
    "y",
    "outcome",
    "response",
    "diagnosis",
    "species",
    "survived",
    "price",
)
"""What targets are called, likeliest first; without one, it is the last column."""
FEW_CODES = 10
"""Whole numbers of so few kinds may be codes rather than amounts."""


_OF_TEXT = (FileTable, TextPiece)


class Found(NamedTuple):
    """What a column is taken for.

    Attributes:
        name: Of the column.
        kind: ``number``, ``category``, ``date``, ``id``, ``constant``, ``text`` or ``empty``.
        evidence: What its cells say, in words.
        missing: Cells without a value.
        key: Of ``data`` that says so; None where nothing has to be said.
        doubt: A line of the config that its owner may want instead; None without.
    """

    name: str
    kind: str
    evidence: str
    missing: int = 0
    key: str | None = None
    doubt: str | None = None


class Inspected(NamedTuple):
    """A table that was looked at.

    Attributes:
        path: Of the file.
        rows: How many.
        written: How the text is written, where it is not plain CSV.
        columns: In their order; empty for arrays.
        gaps: Texts that stand for no value besides the usual ones, and numbers that do.
        target: The column to predict.
        why: It is the target.
        task: ``classification`` or ``regression``, and why.
        streamed: Whether the rows are the first ones of a table that is not held in memory.
    """

    path: str
    rows: int
    written: Sequence[Guess]
    columns: Sequence[Found]
    gaps: Sequence[str | float]
    target: str
    why: str
    task: tuple[str, str]
    streamed: bool = False

    def notes(self) -> Iterator[str]:
        """Yield what was guessed, a line a guess."""
        for guess in self.written:
            yield f"data.{guess.key}: {to_flow(guess.value)}, since {guess.why}"
        yield f"data.target: {to_flow(self.target)}, since {self.why}"
        yield f"task: {self.task[0]}, since {self.task[1]}"
        if self.gaps:
            yield f"data.missing_values: {to_flow(list(self.gaps))}, which stand where numbers do"
        for found in self.columns:
            if found.key is not None and found.name != self.target:
                yield f"data.{found.key}: {to_flow([found.name])}, since it {found.evidence}"
            elif found.missing and found.name != self.target:
                yield f"data.missing: {to_flow({found.name: self._filling(found)})}: {self._gaps(found)}"

    def config(self, path: str | None = None) -> str:
        """Return a config, every guess with its reason beside it.

        Args:
            path: Of the file, as the config's folder has it; by default as it was given.
        """
        return "\n".join(self._lines(path or self.path)) + "\n"

    def _filling(self, found: Found) -> str:
        return "category" if found.kind == "category" else "mean" if self.streamed else "median"

    def _gaps(self, found: Found) -> str:
        return f"{found.missing} of {counted(self.rows, 'cell')} without a value"

    def _lines(self, path: str) -> Iterator[str]:
        name = os.path.basename(self.path)
        first = "the first " if self.streamed else ""
        yield f"# {name}: {first}{counted(self.rows, 'row')}; what was guessed has its reason beside it"
        yield "data:"
        yield _line("path", path)
        if self.streamed:
            yield _line("stream", True, "some rows at a time, never the whole of it")
        for guess in self.written:
            yield _line(guess.key, guess.value, guess.why)
        yield _line("target", self.target, self.why)
        for key in ("exclude", "numbers", "dates", "categories"):
            listed = [found for found in self.columns if found.key == key]
            if listed:
                yield f"  {key}:"
                yield from (f"    - {to_flow(found.name):<22}  # {found.evidence}" for found in listed)
        if self.gaps:
            values = [*sorted(MISSING - {""}), *self.gaps]
            yield _line("missing_values", values, "the usual ones, and what stands where numbers do")
        gaps = [found for found in self.columns if found.missing and found.key != "exclude"]
        if gaps:
            yield "  missing:"
            for found in gaps:
                how = "drop" if found.name == self.target else self._filling(found)
                key = f"{to_flow(found.name)}: {how}"
                yield f"    {key:<24}  # {self._gaps(found)}; or drop, mean, median, category"
        yield _line(
            "scaling", "auto", "columns and target standardised, undone in predictions; none: as they are"
        )
        if self.rows >= ENOUGH_ROWS:
            then = "" if self.streamed else "; then all rows are learned from"
            yield _line("validation_split", "auto", f"0.2, to find the best epoch{then}")
            yield "  # test_split: 0.2             # held out for a final measure"
        doubts = [found.doubt for found in self.columns if found.doubt is not None]
        if doubts:
            yield "  # is one of these right?"
            yield from (f"  # {doubt}" for doubt in doubts)
        if self.columns:
            yield "  # columns:"
            width = max(len(cut(found.name)) for found in self.columns)
            for found in self.columns:
                yield f"  #   {cut(found.name):<{width}}  {found.kind:<8}  {found.evidence}"
        yield f"task: {self.task[0]:<24}  # {self.task[1]}"
        yield "model: {hidden: [16], activation: relu}"
        stopping = ", early_stopping: {patience: 30}" if self.rows >= ENOUGH_ROWS else ""
        yield f"training: {{epochs: 300{stopping}}}"


def _line(key: str, value: object, why: str | None = None) -> str:
    text = f"  {key}: {to_flow(value)}"
    return f"{text:<30}  # {why}" if why else text


def is_table(path: str) -> bool:
    """Tell whether a path names a file of rows rather than a config."""
    name = path.lower().removesuffix(".gz")
    return os.path.isfile(path) and name.endswith((*TABLES, *ARRAYS))


def inspect(path: str, target: str | None = None, *, stream: bool = False) -> Inspected:
    """Look at a file of rows.

    Args:
        path: Of the file.
        target: The column to predict; None to guess it.
        stream: Look at its first rows alone.
    Raises:
        BackpropError: when it cannot be read, or has no such column.
    """
    arrays = path.lower().endswith(ARRAYS)
    written = [] if arrays else dialect_of(path)
    how = Written(dialect_from(written))
    table: Table | None = None
    if stream:
        table = next(open_pieces(path, how).pieces(), None)
    if table is None:  # without a row, which is said when it is read
        table = read_table(path, written=how)
    names = list(table.names)
    if len(names) < 2:
        raise UsageError(f"{path} has one column: nothing is left to predict from")
    comma = any(guess.key == "decimal" for guess in written)
    columns = [_column(table, name, comma) for name in names] if isinstance(table, _OF_TEXT) else []
    gaps = list(dict.fromkeys(value for found, values in columns for value in values))
    found = [column for column, _ in columns]
    chosen, why = _target(names, found, table, target)
    task, found = _task(table, found, chosen)
    return Inspected(path, table.rows, written, found, gaps, chosen, why, task, stream)


def _target(
    names: Sequence[str], columns: Sequence[Found], table: Table, given: str | None
) -> tuple[str, str]:
    if given is not None:
        spelled = {canonical(name): name for name in names}
        if canonical(given) not in spelled:
            close = nearest(given, list(names))
            raise UsageError(
                f"no column '{cut(given)}'; the columns are {', '.join(map(cut, names[:20]))}",
                hint=f"did you mean '{close}'?" if close else None,
            )
        return spelled[canonical(given)], "it was asked for"
    if table.targets:
        return table.targets[0], "it is the array of targets"
    lower = {name.casefold(): name for name in names}
    called = next((lower[name] for name in TARGETS if name in lower), None)
    if called is not None:
        return called, "it is called so"
    usable = [f.name for f in columns if f.key != "exclude" and f.kind != "date"] or list(names)
    return usable[-1], "it is the last column" if usable[-1] == names[-1] else "it is the last column of use"


def _task(table: Table, columns: Sequence[Found], target: str) -> tuple[tuple[str, str], list[Found]]:
    """Return the task and why, and the columns with what only holds for features taken from the target."""
    column = table.column(target, "text") if isinstance(table, _OF_TEXT) else table.column(target)
    given = sorted({*column.tolist()} - {""})
    kinds = len(given)
    mine = next((found for found in columns if found.name == target), None)
    rest = [found for found in columns if found.name != target]
    kept: list[Found] = []
    if mine is not None:
        plain = mine.key if mine.key == "numbers" else None
        kept = [mine._replace(key=plain, doubt=None)]
    ordered = [kept[0] if found.name == target else found for found in columns] if kept else rest
    if mine is not None and mine.kind in ("category", "text", "id", "date") and mine.key != "numbers":
        numeric = mine.kind == "id" and all(map(is_numeral, given))
        if not numeric:
            return ("classification", f"the target has {counted(kinds, 'text')}"), ordered
    if mine is not None and mine.key == "numbers":
        return ("regression", f"the target is a number, {mine.evidence}"), ordered
    numbers = column_numbers([str(cell) for cell in given])
    whole = numbers is not None and bool((numbers == np.floor(numbers)).all())
    if whole and 2 <= kinds <= min(CLASSES, table.rows / 2):
        return (
            "classification",
            f"the target has {kinds} whole numbers in {table.rows} rows; regression takes them as amounts",
        ), ordered
    what = "whole numbers" if whole else "numbers"
    return ("regression", f"the target has {kinds} different {what}"), ordered


def _column(table: Table, name: str, comma: bool) -> tuple[Found, list[str | float]]:
    """Judge a column of a table with decimal commas or points; also return what stands in it for no value."""
    cells = table.cells(name)
    given = [cell for cell in cells if cell not in MISSING]
    missing = len(cells) - len(given)
    if not given:
        return Found(name, "empty", "has no value in any row", missing, "exclude"), []
    if len(set(given)) == 1 and not missing:
        evidence = f"has the same value in every row, {cut(given[0])}"
        return Found(name, "constant", evidence, 0, "exclude"), []
    odd = sorted({cell for cell in given if not is_numeral(cell)})
    holes: list[str | float] = [cell for cell in odd if cell.casefold() in NO_VALUE]
    if odd and len(holes) == len(odd) and len(holes) < len({*given}):
        given = [cell for cell in given if cell not in holes]
        missing, odd = len(cells) - len(given), []
    else:
        holes = []
    if not odd:
        return _numbers(table, name, given, missing, holes)
    gaps = Gaps(MISSING | {str(hole) for hole in holes})
    with suppress(WrongCell):
        how = amounts.learn(cells, gaps, comma)
        example = next(cell for cell in given if not is_numeral(cell))
        evidence = f"holds numbers as people write them: {cut(example)} is {_value(how, example)}"
        other = None if comma else amounts.doubt(cells, how, gaps)
        doubt = None
        if other is not None:
            sign = "comma" if how.decimal == "." else "point"
            doubt = f"decimal: {sign}  # if {cut(other[0])} in {to_flow(name)} is {brief(other[2], 12)}"
        return Found(name, "number", evidence, missing, "numbers", doubt), []
    if all(map(dates.is_date, given)):
        try:
            dates.learn(cells, None, gaps)
        except WrongCell as error:
            evidence = f"holds dates, but {error.fault.message}"
            doubt = f"dates: {to_flow([name])}  # with date_order: dmy, or mdy"
            return Found(name, "date", evidence, missing, "exclude", doubt), []
        return Found(name, "date", f"holds dates such as {cut(given[0])}", missing, "dates"), []
    return _words(table, name, given, missing, odd)


def _value(how: amounts.Amounts, cell: str) -> str:
    return brief(float(how.read([cell])[0]), 12)


def _numbers(
    table: Table, name: str, given: Sequence[str], missing: int, holes: list[str | float]
) -> tuple[Found, list[str | float]]:
    numbers = column_numbers(list(given))
    if numbers is None:  # infinite, or too large
        return Found(name, "number", "holds numbers that are not finite", missing, "exclude"), []
    judged = teaches_nothing(name, numbers) if not missing else None
    if judged is not None:
        return Found(name, "id", judged.why, 0, "exclude"), []
    kinds = len(set(numbers.tolist()))
    evidence = f"holds numbers from {brief(float(numbers.min()), 6)} to {brief(float(numbers.max()), 6)}"
    doubt = None
    stand_ins = [s for s in SENTINELS if _stands_in(numbers, s)]
    whole = bool((numbers == np.floor(numbers)).all())
    if stand_ins:
        listed = ", ".join(brief(s) for s in stand_ins)
        doubt = f"missing_values: [{listed}]  # often in {to_flow(name)}, far from its other numbers"
    elif whole and 2 < kinds <= FEW_CODES and 4 * kinds <= len(given):
        doubt = f"categories: {to_flow([name])}  # its {kinds} whole numbers may be codes"
    return Found(name, "number", evidence, missing, None, doubt), holes


def _stands_in(numbers: Floats, value: float) -> bool:
    """Tell whether a number comes more than once and lies far outside the others."""
    others = numbers[numbers != value]
    if len(others) == len(numbers) or len(numbers) - len(others) < 2 or not len(others):
        return False
    low, high = float(others.min()), float(others.max())
    return value < low - (high - low) or value > high + (high - low)


def _words(
    table: Table, name: str, given: Sequence[str], missing: int, odd: Sequence[str]
) -> tuple[Found, list[str | float]]:
    counts = Counter(given)
    column = np.empty(len(given), dtype=object)
    column[:] = given
    judged = teaches_nothing(name, column)
    if judged is not None or len(counts) > CATEGORIES:
        kind = "id" if len(counts) == len(given) else "text"
        return Found(
            name, kind, f"has {len(counts)} different texts in {table.rows} rows", missing, "exclude"
        ), []
    common = ", ".join(f"{cut(text)} {count}" for text, count in counts.most_common(4))
    more = f" and {len(counts) - 4} more" if len(counts) > 4 else ""
    mixed = len(odd) < len(counts)
    evidence = f"has {counted(len(counts), 'text')}: {common}{more}"
    doubt = None
    alike = Counter(text.casefold().strip(".") for text in counts)
    if any(count > 1 for count in alike.values()):
        doubt = f"exclude: [{to_flow(name)}]  # texts that differ in capitals or points alone are told apart"
    return Found(name, "category", evidence, missing, "categories" if mixed else None, doubt), []


def proposal(
    path: str, target: str | None = None, folder: str = ".", *, stream: bool = False
) -> tuple[Inspected, str]:
    """Look at a file and return what was found with the config for it.

    Args:
        path: Of the file.
        target: The column to predict; None to guess it.
        folder: Where the config will lie: the file's path is written from there.
        stream: Whether the rows are trained from without holding all of them; the first ones are looked at.
    Raises:
        BackpropError: as `inspect`.
    """
    found = inspect(path, target, stream=stream)
    shown = path if os.path.isabs(path) else os.path.relpath(path, folder or ".")
    return found, found.config(shown.replace(os.sep, "/"))
