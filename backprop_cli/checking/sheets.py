"""Files of claims: YAML, JSON, CSV or plain lines; one person's, or a class's."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable
from io import StringIO
from typing import Any, NamedTuple

from ..errors import ConfigError, DataError

SIZE_LIMIT = 1 << 20
MOST_PEOPLE = 10_000
MOST_CLAIMS = 1_000
LABELS = ("student", "name", "id", "sid", "file", "email")
"""Columns and keys that say whose claims these are."""


class Sheet(NamedTuple):
    """One person's claims.

    Attributes:
        student: Whose; "" where the file does not say.
        claims: Quantity and answer as written, in order.
    """

    student: str
    claims: list[tuple[str, str]]


IsQuantity = Callable[[str], bool]


def read_sheets(data: bytes, shown: str, is_quantity: IsQuantity) -> list[Sheet]:
    """Read a file of claims.

    Args:
        data: Its bytes.
        shown: Its name; the ending says what it is, and the first characters where there is none.
        is_quantity: Whether a word names a quantity of the program: such a column is no label.
    Raises:
        DataError: for what cannot be read.
    """
    if len(data) > SIZE_LIMIT:
        raise DataError(f"{shown} is larger than {SIZE_LIMIT:,} bytes: too large for claims")
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"byte 0x{data[error.start]:02x} is not valid UTF-8", place=f"{shown}:{line}"
        ) from None
    if "\0" in text:
        raise DataError(f"{shown} is no text")
    kind = _kind(text, shown)
    if kind == "csv":
        sheets = _csv(text, shown, is_quantity)
    elif kind == "lines":
        sheets = [Sheet("", _lines(text, shown))]
    else:
        tree = _json(text, shown) if kind == "json" else _yaml(text, shown)
        sheets = _people(tree, shown, is_quantity)
    if not any(sheet.claims for sheet in sheets):
        raise DataError(f"{shown} has no claims", hint="a line such as dL/db: -6")
    if len(sheets) > MOST_PEOPLE or any(len(s.claims) > MOST_CLAIMS for s in sheets):
        raise DataError(f"{shown}: at most {MOST_PEOPLE:,} people with {MOST_CLAIMS:,} claims each are read")
    return sheets


def _kind(text: str, shown: str) -> str:
    ending = shown.rpartition(".")[2].lower()
    known = {"csv": "csv", "tsv": "csv", "json": "json", "yaml": "yaml", "yml": "yaml", "txt": "lines"}
    if ending in known and "." in shown:
        return known[ending]
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    first = lines[0].strip() if lines else ""
    if first[:1] in "{[" and first:
        return "json"
    if "=" in first and ":" not in first.partition("=")[0]:
        return "lines"
    return "yaml" if ":" in first or first == "---" or first.startswith("- ") else "csv"


def _lines(text: str, shown: str) -> list[tuple[str, str]]:
    claims = []
    for number, line in enumerate(text.splitlines(), 1):
        content = line.partition("#")[0].strip()
        if not content:
            continue
        name, equals, answer = content.partition("=")
        if not equals or not name.strip():
            raise DataError("a claim is NAME = VALUE", place=f"{shown}:{number}")
        claims.append((name.strip(), answer.strip()))
    return claims


def _csv(text: str, shown: str, is_quantity: IsQuantity) -> list[Sheet]:
    first = text.lstrip("\n").partition("\n")[0]
    delimiter = "\t" if "\t" in first else ";" if ";" in first and "," not in first else ","
    try:
        rows = [
            r
            for r in csv.reader(StringIO(text), delimiter=delimiter, strict=True)
            if any(c.strip() for c in r)
        ]
    except csv.Error as error:
        raise DataError(f"{error}", place=shown) from None
    if not rows:
        raise DataError(f"{shown} is empty")
    header = [cell.strip() for cell in rows[0]]
    lowered = [cell.lower() for cell in header]
    if lowered in (["claim", "value"], ["claim", "answer"], ["quantity", "value"]):
        return [Sheet("", [_pair(row, shown, k) for k, row in enumerate(rows[1:], 2)])]
    if len(set(header)) < len(header):
        twice = next(cell for cell in header if header.count(cell) > 1)
        raise DataError(f"the column {twice!r} is there twice", place=f"{shown}:1")
    labels = [k for k, c in enumerate(header) if lowered[k] in LABELS and not is_quantity(c)]
    if not labels and header and not is_quantity(header[0]) and len(header) > 1:
        labels = [0]
    people = []
    for number, row in enumerate(rows[1:], 2):
        if len(row) > len(header):
            raise DataError(
                f"{len(row)} cells under {len(header)} columns", place=f"{shown}:{number}",
                hint="a formula with a comma needs quotes",
            )  # fmt: skip
        cells = [*(c.strip() for c in row), *[""] * (len(header) - len(row))]
        student = " ".join(cells[k] for k in labels) or f"row {number - 1}"
        people.append(Sheet(student, [(c, cells[k]) for k, c in enumerate(header) if k not in labels and c]))
    return people


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


def _people(tree: Any, shown: str, is_quantity: IsQuantity) -> list[Sheet]:
    """Read a mapping of claims, a list of such, or a mapping of people to such."""
    if isinstance(tree, dict):
        inner = [key for key in ("students", "class", "sheets") if isinstance(tree.get(key), (dict, list))]
        if inner and not is_quantity(inner[0]):
            return _people(tree[inner[0]], shown, is_quantity)
        if isinstance(tree.get("claims"), (dict, list)) or not any(
            isinstance(v, dict) for v in tree.values()
        ):
            return [_person(tree, shown, is_quantity, "")]
        return [_person(value, shown, is_quantity, str(name)) for name, value in tree.items()]
    if isinstance(tree, list):
        if all(isinstance(item, str) for item in tree):
            return [Sheet("", _lines("\n".join(tree), shown))]
        return [_person(item, shown, is_quantity, f"row {k}") for k, item in enumerate(tree, 1)]
    raise DataError("claims are a mapping such as dL/db: -6", place=shown)


def _person(tree: Any, shown: str, is_quantity: IsQuantity, student: str) -> Sheet:
    if isinstance(tree, list):
        return Sheet(student, _lines("\n".join(map(str, tree)), shown))
    if not isinstance(tree, dict):
        raise DataError(f"the claims of {student or 'the file'} are no mapping", place=shown)
    rest = dict(tree)
    for key in tree:
        if str(key).lower() in LABELS and not is_quantity(str(key)) and isinstance(tree[key], str):
            student = rest.pop(key)
    if isinstance(rest.get("claims"), (dict, list)):
        rest = _mapping(rest["claims"], shown)
    return Sheet(student, [(str(name), _text(name, value, shown)) for name, value in rest.items()])


def _mapping(tree: Any, shown: str) -> dict[str, Any]:
    return tree if isinstance(tree, dict) else dict(_lines("\n".join(map(str, tree)), shown))


def _text(name: object, value: Any, shown: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str):
        raise DataError(f"the claim {name} is no number or formula", place=shown)
    return value.strip()


def several(sheets: Iterable[Sheet]) -> bool:
    """Whether they are a class's."""
    return len(list(sheets)) > 1
