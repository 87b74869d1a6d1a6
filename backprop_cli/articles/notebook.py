"""Notebooks: their cells as lines of a text, with what was printed behind the line that printed it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..errors import DataError
from .numbers import NUMBER


class Cell(NamedTuple):
    """A part of a text that is read by itself.

    Attributes:
        lines: Its lines.
        number: Of the cell, from 1; None for a text that has none.
        code: Whether all of it is code.
        fresh: Whether what was known before may not hold here.
        printed: Lines that it printed and that no line of it is sure to have printed.
    """

    lines: list[str]
    number: int | None = None
    code: bool = False
    fresh: bool = False
    printed: tuple[str, ...] = ()


def cells_of(text: str, path: str) -> list[Cell]:
    """Read a notebook (nbformat 4).

    Code in another language than Python is left out, and what it printed is only counted.

    Raises:
        DataError: for what is no notebook.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise DataError(f"{path} is no notebook: it is not JSON") from None
    cells = found.get("cells") if isinstance(found, dict) else None
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        old = isinstance(found, dict) and "worksheets" in found
        raise DataError(
            f"{path} is a notebook of format 3: save it in format 4"
            if old
            else f"{path} is no notebook: it has no cells"
        )
    python = _language(found.get("metadata")).startswith(("python", "ipython"))
    runs = [cell for cell in cells if cell.get("cell_type") == "code" and _text(cell.get("source")).strip()]
    never = not any(cell.get("execution_count") or cell.get("outputs") for cell in runs)
    before = 0
    read = []
    for number, cell in enumerate(cells, 1):
        lines = _text(cell.get("source")).splitlines()
        if cell.get("cell_type") == "markdown":
            read.append(Cell(lines, number))
        elif cell.get("cell_type") == "code" and _text(cell.get("source")).strip():
            count = cell.get("execution_count")
            # what was not run from top to bottom had other values
            fresh = not python or not (never or count == before + 1)
            before = count if isinstance(count, int) else -1
            outputs = cell.get("outputs")
            printed, failed = _printed(outputs if isinstance(outputs, list) else [])
            lines, printed = _attached(lines if python else [], printed)
            read.append(Cell(lines, number, True, fresh, tuple(printed)))
            if failed:
                before = -1
    return read


def _language(metadata: Any) -> str:
    """Return the language of a notebook, Python where it says none."""
    for key, name in (("language_info", "name"), ("kernelspec", "language")):
        part = metadata.get(key) if isinstance(metadata, dict) else None
        if isinstance(part, dict) and isinstance(part.get(name), str):
            return str(part[name]).lower()
    return "python"


def _text(source: Any) -> str:
    """Return a text of a notebook: a string, or its lines."""
    return "".join(
        part for part in (source if isinstance(source, list) else [source]) if isinstance(part, str)
    )


_WRAPPED = re.compile(
    rf"(?:np\.\w+|tensor|array|Array)\(\s*\[?\s*({NUMBER})\s*\]?\s*(?:,\s*\w+=[^()]*(?:\(\))?[^()]*)?\)"
)
"""A number as libraries show it: ``np.float64(0.25)``, ``tensor(6., grad_fn=<MulBackward0>)``."""


def _printed(outputs: list[Any]) -> tuple[list[str], bool]:
    """Return what a cell printed, what its last line gave behind it after a blank, and whether it failed."""
    printed: list[str] = []
    result = ""
    failed = False
    for output in outputs:
        if not isinstance(output, dict):
            continue
        failed = failed or output.get("output_type") == "error"
        data = output.get("data")
        if output.get("output_type") == "stream" and output.get("name", "stdout") == "stdout":
            printed += _text(output.get("text")).splitlines()
        elif output.get("output_type") == "execute_result" and isinstance(data, dict):
            result = _text(data.get("text/plain"))
    return [*printed, *([f"{_RESULT}{result}"] if result and "\n" not in result else [])], failed


_RESULT = "\0"
"""In front of what the last line of a cell gave."""

_PRINT = re.compile(r"print\(([^'\"]+)\)\s*")
_MAGIC = re.compile(r"\s*(?:%|!|\?)")


def _attached(lines: list[str], printed: list[str]) -> tuple[list[str], list[str]]:
    """Put behind each line of code what it printed, as a comment; return the lines, and what is left.

    Only where it is sure: as many plain calls of ``print`` as printed lines, and no other call.
    """
    lines = ["" if _MAGIC.match(line) else line for line in lines]
    found, left = list(lines), []
    results = [line[1:] for line in printed if line.startswith(_RESULT)]
    printed = [line for line in printed if not line.startswith(_RESULT)]
    calls = [k for k, line in enumerate(lines) if line.startswith("print(")]
    sure = len(calls) == len(printed) and sum(line.count("print(") for line in lines) == len(calls)
    for k, line in zip(calls, printed, strict=False) if sure else ():
        if _PRINT.fullmatch(lines[k]) and "," not in _outside(lines[k]) and (number := shown_number(line)):
            found[k] = f"{lines[k].rstrip()}  # {number}"
        else:
            left.append(line)
    left += [] if sure else printed
    last = max((k for k, line in enumerate(lines) if line.strip() and not line.startswith("#")), default=-1)
    for result in results:
        number = shown_number(result)
        if (
            number
            and last >= 0
            and not lines[last][:1].isspace()
            and "#" not in lines[last]
            and "=" not in lines[last]
        ):
            found[last] = f"{lines[last].rstrip()}  # {number}"
        else:
            left.append(result)
    return found, left


def shown_number(text: str) -> str:
    """Return the number that a library shows, ``tensor(6.)``; "" where it shows something else."""
    match = _WRAPPED.fullmatch(text.strip())
    number = match[1] if match else text.strip()
    number = number + "0" if number.endswith(".") else number  # tensor(6.)
    return number if re.fullmatch(NUMBER, number) else ""


def _outside(call: str) -> str:
    """Return what stands in a call, without what stands in brackets there."""
    inside = call.strip().removeprefix("print(").removesuffix(")")
    while (plain := re.sub(r"\([^()]*\)|\[[^\[\]]*\]", "", inside)) != inside:
        inside = plain
    return inside


_SHOWN = re.compile(rf"(?:^|[=:≈]\s*|[A-Za-z]\s+|\()({NUMBER})[.)]?(?=\s*(?:$|[,;)]))")


def numbers_of(printed: str) -> Iterator[str]:
    """Yield the numbers of a printed line that look like results: alone, or behind a name or a word."""
    yield from (match[1].strip() for match in _SHOWN.finditer(shown_number(printed) or printed[:1_000]))
