"""Files of claims: YAML, JSON, CSV or plain lines; one person's, or a class's."""

from __future__ import annotations

import csv
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from io import StringIO
from types import MappingProxyType
from typing import Any, NamedTuple

from ..errors import BackpropError, ConfigError, DataError, counted, decoded, nearest

SIZE_LIMIT = 1 << 20
MOST_PEOPLE = 10_000
MOST_CLAIMS = 1_000
MOST_NOTES = 20
NAMES = (
    *("student", "name", "student name", "full name", "your name", "your full name"),
    *("vollständiger name", "schüler", "schülerin", "studierende", "teilnehmer"),
)
FIRST_NAMES = ("first name", "given name", "forename", "vorname")
LAST_NAMES = ("last name", "surname", "family name", "nachname", "familienname")
IDS = (
    "student id",
    "id",
    "sid",
    "student number",
    "id number",
    "username",
    "user name",
    "login",
    "file",
    "matrikelnummer",
    "anmeldename",
)
ABOUT = (
    *(
        "email",
        "e-mail",
        "mail",
        "email address",
        "e-mail-adresse",
        "timestamp",
        "zeitstempel",
        "date",
        "time",
    ),
    *("submitted at", "started on", "completed", "time taken", "state", "status"),
)
"""Columns and keys that say something of a person, but not whose claims these are."""


class Sheet(NamedTuple):
    """One person's claims.

    Attributes:
        student: Whose; "" where the file does not say.
        claims: Quantity and answer as written, in order.
        fault: Why they cannot be read; None where they can.
        again: Whose later hand-in this is; "" for a first.
    """

    student: str
    claims: list[tuple[str, str]]
    fault: BackpropError | None = None
    again: str = ""


KEEPS = ("first", "last", "best")
"""Which hand-in of one name may count, in the order of the table."""


class Layout(NamedTuple):
    """How a table of answers is to be read.

    Attributes:
        column: Column or key that says whose claims these are; None finds it.
        columns: Quantity by title, where a title is no quantity: ``{"Response 1": "z"}``.
        keep: Of `KEEPS`; None judges every hand-in.
    """

    column: str | None = None
    columns: Mapping[str, str] = MappingProxyType({})
    keep: str | None = None


FOUND = Layout()


class Reading(NamedTuple):
    """What a file of claims holds.

    Attributes:
        sheets: One a person, no two under the same name.
        notes: What in it is no claim, a sentence each.
    """

    sheets: list[Sheet]
    notes: list[str]


AS_UTF_8 = "save the file as text with the encoding UTF-8"
FaultOf = Callable[[str], BackpropError | None]


def read_sheets(data: bytes, shown: str, fault_of: FaultOf, layout: Layout = FOUND) -> Reading:
    """Read a file of claims.

    Args:
        data: Its bytes.
        shown: Its name; the ending says what it is, and the first characters where there is none.
        fault_of: Why a word names no quantity of the program; None where it does: it is no label then.
        layout: How it is to be read.
    Raises:
        DataError: for what cannot be read.
    """
    reader = _Reader(shown, fault_of, layout)
    sheets = reader.read(data)
    missing = [layout.column] if layout.column is not None and not reader.labelled else []
    missing += [title for title in layout.columns if _folded(title) not in reader.renamed]
    if missing:
        close = nearest(_folded(missing[0]), [_folded(title) for title in reader.titles])
        meant = next((title for title in reader.titles if _folded(title) == close), None)
        hint = f"did you mean {meant}?" if meant else f"there are {', '.join(reader.titles[:20])}"
        raise DataError(f"{shown} has no column {missing[0]}", hint=hint if reader.titles else None)
    if not any(sheet.claims for sheet in sheets):
        found = f": {'; '.join(_first(reader.notes))}" if reader.notes else ""
        raise DataError(f"{shown} has no claims{found}", hint="a line such as dL/db: -6")
    if len(sheets) > MOST_PEOPLE or any(len(s.claims) > MOST_CLAIMS for s in sheets):
        raise DataError(f"{shown}: at most {MOST_PEOPLE:,} people with {MOST_CLAIMS:,} claims each are read")
    apart = _told_apart(sheets, reader.notes, layout.keep)
    return Reading(apart, _first(reader.notes))


def read_roster(data: bytes, shown: str, column: str | None = None) -> list[str]:
    """Return the names of a class: of a table's rows, as a sheet of claims has them, or a line each.

    Args:
        data: The file's bytes.
        shown: Its name.
        column: Column that has the names; None finds it.
    Raises:
        DataError: for a file without people, or without that column.
    """
    reader = _Reader(shown, lambda word: DataError(f"{word} is no claim"), Layout(column))
    text = _decoded(data, shown)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if any(sign in _QUOTED.sub("", line) for line in lines[:1] for sign in ",;\t"):
        names = [sheet.student for sheet in reader.table(text)]
        if column is not None and not reader.labelled:
            raise DataError(f"{shown} has no column {column}", hint=f"there are {', '.join(reader.titles)}")
        if not reader.labelled:
            raise DataError(
                f"{lines[0][:60]} has no column that says who somebody is", place=f"{shown}:1",
                hint="--student-column NAME; or a name a line, below a line that says student",
            )  # fmt: skip
    else:
        names = [" ".join(next(csv.reader([line]))) if _QUOTED.fullmatch(line) else line for line in lines]
        names = names[_folded(names[0]) in _KNOWN :] if names else []
    if not names:
        raise DataError(f"{shown} has no people", hint="a name a line, or a table with a column student")
    nameless = next((k for k, name in enumerate(names, 1) if name == _nameless(k)), None)
    if nameless is not None:
        raise DataError(f"{_nameless(nameless)} has no name", place=shown)
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(same_name(name), name)
        if other is not name:
            also = "" if other == name else f", as {other}: files are found by names, whatever their capitals"
            raise DataError(f"{name} is there twice{also}", place=shown)
    return names


def same_name(name: str) -> str:
    """Return what a name is compared by: not its capitals, nor how its accents are put together."""
    return unicodedata.normalize("NFC", name).casefold()


def _first(notes: list[str]) -> list[str]:
    """Return the first notes and how many more there are: a foreign table may have a column a thing."""
    rest = len(notes) - MOST_NOTES
    return [*notes[:MOST_NOTES], f"... and {counted(rest, 'note')} more of this file"] if rest > 0 else notes


def _told_apart(sheets: Sequence[Sheet], notes: list[str], keep: str | None = None) -> list[Sheet]:
    """Keep one of the sheets that have the same name, or number them, and say so."""
    if keep in ("first", "last"):
        kept = {sheet.student: sheet for sheet in (sheets if keep == "last" else reversed(sheets))}
        counts = Counter(sheet.student for sheet in sheets)
        notes += [f"{name} is there {n} times: the {keep} counts" for name, n in counts.items() if n > 1]
        return [kept[name] for name in counts]
    taken = {sheet.student for sheet in sheets}
    seen: dict[str, int] = {}
    found = []
    for sheet in sheets:
        name = sheet.student
        seen[name] = count = seen.get(name, 0) + 1
        while count > 1 and name in taken:
            name = f"{sheet.student} ({count})"
            count += 1
        taken.add(name)
        found.append(sheet._replace(student=name, again=sheet.student if name != sheet.student else ""))
    for name, count in seen.items():
        if count > 1:
            how = "the best counts" if keep else f"the later ones are numbered, {name} (2)"
            notes.append(f"{name} is there {count} times: {how}")
    return found


class _Reader:
    """Reads one file.

    Attributes:
        notes: What is no claim.
        titles: Columns and keys, as far as they may be labels.
        labelled: The column that was asked for is there, or one that says what it is.
        renamed: Titles that were found of those that stand for a quantity.
    """

    def __init__(self, shown: str, fault_of: FaultOf, layout: Layout) -> None:
        self.shown = shown
        self.fault_of = fault_of
        self.column = _folded(layout.column) if layout.column is not None else None
        self.columns = {_folded(title): name for title, name in layout.columns.items()}
        self.renamed: set[str] = set()
        self.notes: list[str] = []
        self.titles: list[str] = []
        self.labelled = False
        self._kinds: dict[str, bool] = {}

    def read(self, data: bytes) -> list[Sheet]:
        """Return one sheet a person."""
        shown = self.shown
        text = _decoded(data, shown)
        kind = _kind(text, shown)
        if kind == "csv":
            return self.table(text)
        if kind == "lines":
            return [Sheet("", _lines(text, shown))]
        return self.people(_json(text, shown) if kind == "json" else _yaml(text, shown))

    def quantity(self, title: str) -> str:
        """Return what a column or key is about: the quantity that its title stands for, or the title."""
        name = self.columns.get(_folded(title))
        if name is None:
            return title
        self.renamed.add(_folded(title))
        self.titles.append(title)
        return name

    def is_quantity(self, word: str) -> bool:
        """Whether a word names a quantity of the program."""
        return self.fault_of(word) is None

    def label(self, titles: Sequence[str], *, first: bool) -> list[int]:
        """Return which columns or keys say whose claims these are.

        Args:
            titles: All of them.
            first: The first may be it without saying so.
        """
        self.titles += [t for t in titles if t not in self.titles] if len(self.titles) < 100 else []
        folded = [_folded(title) for title in titles]
        if self.column is not None:
            found = [k for k, title in enumerate(folded) if title == self.column][:1]
            self.labelled = self.labelled or bool(found)
            return found
        free = [k for k, title in enumerate(titles) if not self.is_quantity(title)]

        def one_of(names: Sequence[str]) -> list[int]:
            return [k for name in names for k in free if folded[k] == name][:1]

        whole = one_of(FIRST_NAMES) + one_of(LAST_NAMES)
        words = [k for k in free if folded[k] not in ABOUT and re.search(r"\b(name|student)\b", folded[k])]
        found = one_of(NAMES) or (whole if len(whole) == 2 else []) or one_of(IDS) or whole or words[:1]
        self.labelled = bool(found)
        if not found and first and len(titles) > 1:
            rest = [k for k, title in enumerate(folded) if title not in ABOUT]
            found = [k for k in rest[:1] if k in free]
        return found

    def is_claim(self, title: str) -> bool:
        """Whether a column or key of a class's table is to be judged: an ordinary one of others is not."""
        if title not in self._kinds:
            fault = self.fault_of(title)
            self._kinds[title] = fault is None or bool(_LIKE_A_CLAIM.fullmatch("".join(title.split())))
            if fault is not None and not self._kinds[title] and _folded(title) not in _KNOWN:
                meant = re.match(r"did you mean [^?]*\?", fault.hint or "")
                note = f"{title!r} is not judged: {fault.message}"
                self.notes.append(f"{note}; {meant[0]}" if meant else note)
        return self._kinds[title]

    def table(self, text: str) -> list[Sheet]:
        """Read CSV: a row a student, or a claim a row."""
        shown = self.shown
        first = text.lstrip("\n").partition("\n")[0]
        # no name of a quantity has either of them: the more frequent one separates
        delimiter = "\t" if "\t" in first else ";" if first.count(";") >= max(1, first.count(",")) else ","
        reader = csv.reader(StringIO(text), delimiter=delimiter, strict=True)
        try:
            rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
        except csv.Error as error:
            raise DataError(f"{error}", place=f"{shown}:{reader.line_num}") from None
        if not rows:
            raise DataError(f"{shown} is empty")
        header = [self.quantity(cell.strip()) for cell in rows[0][1]]
        if [cell.lower() for cell in header] in (
            ["claim", "value"],
            ["claim", "answer"],
            ["quantity", "value"],
        ):
            return [Sheet("", [_pair(row, shown, line) for line, row in rows[1:]])]
        titles = [cell for cell in header if cell]
        if len(set(titles)) < len(titles):
            twice = next(cell for cell in titles if titles.count(cell) > 1)
            raise DataError(f"the column {twice!r} is there twice", place=f"{shown}:1")
        labels = self.label(header, first=True)
        claims = [k for k, c in enumerate(header) if k not in labels and c and self.is_claim(c)]
        if not labels and claims and len(rows) > 2:
            self.notes.append("no column says whose the rows are: --student-column NAME")
        people = []
        commas = delimiter == ";" and any(_DECIMAL.fullmatch(cell.strip()) for _, row in rows for cell in row)
        for number, (line, row) in enumerate(rows[1:], 1):
            if any(cell.strip() for cell in row[len(header) :]):
                raise DataError(
                    f"{len(row)} cells under {len(header)} columns", place=f"{shown}:{line}",
                    hint="a formula with a comma needs quotes",
                )  # fmt: skip
            cells = [*(c.strip() for c in row), *[""] * (len(header) - len(row))]
            if commas and any(map(_DOUBTFUL.fullmatch, cells)):
                note = "a comma between digits is a decimal point here, where 12,379 could be thousands"
                self.notes += [] if note in self.notes else [note]
                cells = [_DOUBTFUL.sub(r"\1.\2", cell) for cell in cells]
            student = " ".join(filter(None, (cells[k] for k in labels))) or _nameless(number)
            people.append(Sheet(student, [(header[k], cells[k]) for k in claims]))
        return people

    def people(self, tree: Any) -> list[Sheet]:
        """Read a mapping of claims, a list of such, or a mapping of people to such."""
        if isinstance(tree, dict):
            inner = [k for k in ("students", "class", "sheets") if isinstance(tree.get(k), (dict, list))]
            if inner and not self.is_quantity(inner[0]):
                return self.people(tree[inner[0]])
            if isinstance(tree.get("claims"), (dict, list)) or not any(
                isinstance(v, dict) for v in tree.values()
            ):
                return [self.person(tree, "", alone=True)]
            return [self.person(value, str(name), alone=False) for name, value in tree.items()]
        if isinstance(tree, list):
            if all(isinstance(item, str) for item in tree):
                return [Sheet("", _lines("\n".join(tree), self.shown))]
            alone = len(tree) == 1
            return [self.person(item, _nameless(k), alone=alone) for k, item in enumerate(tree, 1)]
        raise DataError("claims are a mapping such as dL/db: -6", place=self.shown)

    def person(self, tree: Any, student: str, *, alone: bool) -> Sheet:
        """Read one person's claims; a class's may have keys that are none."""
        if isinstance(tree, list):
            return Sheet(student, _lines("\n".join(map(str, tree)), self.shown))
        if not isinstance(tree, dict):
            raise DataError(f"the claims of {student or 'the file'} are no mapping", place=self.shown)
        tree = {self.quantity(str(key)): value for key, value in tree.items()}
        titles = [key for key, value in tree.items() if isinstance(value, str)]
        labels = [titles[k] for k in self.label(titles, first=False)]
        student = " ".join(tree[title].strip() for title in labels if tree[title].strip()) or student
        rest = {str(key): value for key, value in tree.items() if str(key) not in labels}
        if isinstance(rest.get("claims"), (dict, list)):
            rest = _mapping(rest["claims"], self.shown)
        else:
            rest = {
                key: value
                for key, value in rest.items()
                if (_folded(key) not in _KNOWN or self.is_quantity(key) if alone else self.is_claim(key))
            }
        return Sheet(student, [(name, _text(value)) for name, value in rest.items()])


_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_KNOWN = (*NAMES, *FIRST_NAMES, *LAST_NAMES, *IDS, *ABOUT)
_DECIMAL = re.compile(r"[-+−]?(?:0,\d+|\d+,(?:\d{1,2}|\d{4,}))")
"""What can only be a decimal, written with a comma."""

_DOUBTFUL = re.compile(r"([-+−]?[1-9]\d{0,2}),(\d{3})")
_LIKE_A_CLAIM = re.compile(r"[d∂][^?/]*/[d∂][^?/]*|\w+['′″].*")


def _nameless(row: int) -> str:
    """Return what somebody is called whose row has no name."""
    return f"row {row}"


def _folded(title: str) -> str:
    """Return a column's title as it is compared."""
    return " ".join(title.replace("_", " ").lower().split())


def _decoded(data: bytes, shown: str) -> str:
    if len(data) > SIZE_LIMIT:
        raise DataError(f"{shown} is larger than {SIZE_LIMIT:,} bytes: too large for claims")
    try:
        text = decoded(data, shown, DataError)
    except DataError as error:
        error.hint = AS_UTF_8
        raise
    if "\0" in text:
        raise DataError(f"{shown} is no text", hint=AS_UTF_8)
    return text


def _kind(text: str, shown: str) -> str:
    ending = shown.rpartition(".")[2].lower()
    known = {"csv": "csv", "tsv": "csv", "json": "json", "yaml": "yaml", "yml": "yaml", "txt": "lines"}
    kind = known.get(ending) if "." in shown else None
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    first = lines[0].strip() if lines else ""
    equation = first[:1] not in "{[\"'-" and "=" in first and ":" not in first.partition("=")[0]
    if equation and kind in (None, "yaml"):  # d = -6 is no mapping in YAML, but what is meant is clear
        return "lines"
    if kind is not None:
        return kind
    if first[:1] in "{[" and first:
        return "json"
    return "yaml" if ":" in first or first == "---" or first.startswith("- ") else "csv"


def _lines(text: str, shown: str) -> list[tuple[str, str]]:
    """Read lines ``NAME = VALUE`` or ``NAME: VALUE``; one that is neither is a name without an answer.

    Raises:
        DataError: where no line is one.
    """
    claims, strange = [], 0
    for number, line in enumerate(text.splitlines(), 1):
        content = line.partition("#")[0].strip()
        if not content:
            continue
        name, sign, answer = content.partition("=" if "=" in content else ":")
        if not sign or not name.strip():
            strange = strange or number
            name, answer = content, ""
        claims.append((name.strip(), answer.strip()))
    if strange and not any(answer for _, answer in claims):
        raise DataError("a claim is NAME = VALUE", place=f"{shown}:{strange}")
    return claims


def _pair(row: list[str], shown: str, number: int) -> tuple[str, str]:
    if len(row) != 2:
        raise DataError(f"{len(row)} cells under 2 columns", place=f"{shown}:{number}")
    return row[0].strip(), row[1].strip()


def _json(text: str, shown: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            raise DataError(f"{next(n for n in names if names.count(n) > 1)!r} is there twice", place=shown)
        return found

    def refuse(word: str) -> Any:
        raise DataError(f"{word} is not JSON", place=shown)

    try:
        # numbers stay as they are written: their digits count
        return json.loads(
            text, parse_float=str, parse_int=str, parse_constant=refuse, object_pairs_hook=unique
        )
    except json.JSONDecodeError as error:
        raise DataError(error.msg, place=f"{shown}:{error.lineno}:{error.colno}") from None
    except RecursionError:
        raise DataError("nested too deep", place=shown) from None


def _yaml(text: str, shown: str) -> Any:
    from ..training.config.yaml_source import Node, read

    faults: list[ConfigError] = []
    try:
        tree = read(text, shown, faults)
        if faults:
            raise faults[0]
    except ConfigError as error:
        words = (
            error.message.replace("no config", "no claims")
            .replace("configs", "claims")
            .replace("config", "file")
        )
        raise DataError(words, place=error.place) from None

    def plain(node: Node) -> Any:
        if node.kind == "mapping":
            return {key: plain(value) for key, value in node.value.items()}
        if node.kind == "list":
            return [plain(value) for value in node.value]
        return None if node.value is None and not node.quoted else node.text

    return plain(tree)


def _mapping(tree: Any, shown: str) -> dict[str, Any]:
    if isinstance(tree, dict):
        return {str(key): value for key, value in tree.items()}
    return dict(_lines("\n".join(map(str, tree)), shown))


def _text(value: Any) -> str:
    """Return an answer as text; what is neither number nor text is unreadable as it stands."""
    if value is None:
        return ""
    if isinstance(value, list) and value:
        return f"[{', '.join(map(_text, value))}]"  # an array; numbers are texts still
    return value.strip() if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
