"""What students write of arrays, in our own language: transposes, products side by side, lists of numbers.

Side by side stand matrix products, as in every textbook; a product number by number has a sign of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from ..ops import FUNCTIONS, Shape
from .spelling import decimals, plain_number, stripped, without_commands

_TURNED = re.compile(r"\s*(?:\^\s*\{?\s*(?:\\top|\\intercal|⊤)\s*\}?|ᵀ|⊤)")
_TURNED_BY_T = re.compile(r"\s*\^\s*(?:T\b|\{\s*(?:\\(?:mathsf|mathrm)\s*)?\{?T\}?\s*\})")
_SLOPE = re.compile(
    r"\\[dt]?frac\s*\{\s*(?:d|∂|\\partial)\s*(\w+)\s*\}\s*\{\s*(?:d|∂|\\partial)\s*(\w+)\s*\}"
)
_BY_NUMBER = re.compile(r"⊙|∘|\\odot\b|\\circ\b")
_TOKEN = re.compile(r"\s+|[d∂]\w+/[d∂]\w+|[^\W\d]\w*|\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\*|.", re.DOTALL)
_MATRIX = re.compile(r"\\begin\{([pbvBV]?matrix|array)\}(?:\{\w*\})?(.*?)\\end\{\1\}", re.DOTALL)
_NUMBER = r"[-+−]?\s*(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][-+−]?\d+)?"
_LIST = re.compile(rf"[\[(](?:\s|[\[\]();,]|{_NUMBER})*[\])]")


def is_list(text: str) -> bool:
    """Whether a text is numbers in brackets, however they are set apart."""
    return bool(_LIST.fullmatch(text.strip()))


def array_readings(text: str, scalars: Mapping[str, bool], shape: Shape) -> Iterator[str]:
    """Yield what may be meant by an answer that is not in our language.

    Args:
        text: As written.
        scalars: The names that a formula may have, and whether each is a single number.
        shape: Of what is asked for.
    """
    plain = stripped(text)
    number = plain_number(plain, scalars) or decimals(plain)
    if not shape and number is not None and re.fullmatch(_NUMBER, number):
        yield number
        return
    turned = _TURNED.sub("'", plain)
    turned = turned if "T" in scalars else _TURNED_BY_T.sub("'", turned)
    numbers = turned.strip().removesuffix("'")
    if match := _MATRIX.fullmatch(numbers):
        rows = [row.split("&") for row in re.split(r"\\\\", match[2]) if row.strip()]
        yield _written(rows, shape)
    elif is_list(numbers):
        yield from _lists(numbers, shape)
    else:
        turned = _BY_NUMBER.sub(".*", _SLOPE.sub(r"d\1/d\2", turned))
        formula = without_commands(turned) if "\\" in turned else turned
        if formula is not None:
            yield _multiplied(formula, scalars)


def _lists(text: str, shape: Shape) -> Iterator[str]:
    """Yield lists of numbers: in brackets of any kind, with blanks as NumPy prints them, with semicolons."""
    text = text.translate(str.maketrans("()−", "[]-"))
    inner = text[1:-1]
    if ";" in inner and "[" not in inner:
        rows = inner.split(";")
        if all(re.fullmatch(rf"\s*{_NUMBER}\s*", row) for row in rows):
            yield _written([[row.replace(",", ".")] for row in rows], shape)
        yield _written([re.split(r"\s*,\s*|\s+", row.strip()) for row in rows], shape)
    else:
        yield re.sub(r"(?<=[\d.\]])\s+(?=[-+]?[.\d]|\[)", ", ", re.sub(r"(?<=\[)\s+|\s+(?=\])", "", text))


def _written(rows: Sequence[Sequence[str]], shape: Shape) -> str:
    """Write rows of numbers; a column or a row alone is a vector where one is asked for."""
    lists = [", ".join(cell.strip() for cell in row) for row in rows]
    if len(shape) == 1 and (len(rows) == 1 or all(len(row) == 1 for row in rows)):
        return f"[{', '.join(lists)}]"
    return "[" + ", ".join(f"[{row}]" for row in lists) + "]"


def _multiplied(text: str, scalars: Mapping[str, bool]) -> str:
    """Write the sign between factors that stand side by side."""
    found, ends, scalar = "", False, False
    for match in _TOKEN.finditer(text.strip()):
        token = match[0]
        if token.isspace():
            continue
        is_name = token in scalars or "/" in token[1:]
        if ends and (is_name or token == "("):
            found += "*" if scalar or scalars.get(token, False) else "@"
        ends = is_name or token in (")", "'") or (ends and token.isdigit())
        scalar = scalars.get(token, False) if token != "'" else scalar
        found += f" {token} " if token in ("+", "-", "−") else token
        if token in FUNCTIONS and token not in scalars:
            ends = False
    return found
