"""Arguments of the doors, read strictly: a slip is told, never guessed at."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from math import inf, isfinite
from operator import index
from typing import Any, Concatenate, ParamSpec, SupportsIndex, TypeVar

from ..errors import UsageError, nearest

MOST_DIGITS = 17
"""Significant digits that a float64 has at most."""

P = ParamSpec("P")
T = TypeVar("T")
Word = TypeVar("Word", bound=str)


def optional(
    read: Callable[Concatenate[str, Any, P], T], name: str, given: object, *args: P.args, **kwargs: P.kwargs
) -> T | None:
    """Read an argument that may be left out: None stays None."""
    return None if given is None else read(name, given, *args, **kwargs)


def choice(name: str, given: object, known: Sequence[Word]) -> Word:
    """Return one of the words that are known.

    Raises:
        UsageError: for any other, with the nearest one.
    """
    if isinstance(given, str):
        for word in known:
            if word == given:
                return word
    close = nearest(given, [*known]) if isinstance(given, str) else None
    raise _wrong(name, f"one of {', '.join(known)}", given, f"did you mean {close!r}?" if close else None)


def choices(name: str, given: object, known: Sequence[Word]) -> tuple[Word, ...]:
    """Return some of the words that are known; a bare text is one of them.

    Raises:
        UsageError: for any other.
    """
    return tuple(choice(name, word, known) for word in _several(name, given, "words"))


def names(name: str, given: object) -> list[str]:
    """Return names; a bare text is one of them.

    Raises:
        UsageError: for what is no text.
    """
    return [text(name, word) for word in _several(name, given, "texts")]


def text(name: str, given: object) -> str:
    """Return a text.

    Raises:
        UsageError: for anything else.
    """
    if not isinstance(given, str):
        raise _wrong(name, "a text", given)
    return given


def path(name: str, given: object) -> str:
    """Return the path of a file.

    Raises:
        UsageError: for what is no path, and for an empty one.
    """
    if isinstance(given, (str, os.PathLike)):
        found = os.fspath(given)
        if isinstance(found, str) and found and "\0" not in found:
            return found
    raise _wrong(name, "the path of a file", given)


def config(name: str, given: object) -> str | Mapping[str, Any]:
    """Return the path of a config, or a config's keys.

    Raises:
        UsageError: for what is neither.
    """
    return mapping(name, given) if isinstance(given, Mapping) else path(name, given)


def flag(name: str, given: object) -> bool:
    """Return True or False, also NumPy's.

    Raises:
        UsageError: for what merely counts as true or false, such as ``"no"``.
    """
    if isinstance(given, bool) or _kind(given) == "b":
        return bool(given)
    raise _wrong(name, "True or False", given)


def whole(name: str, given: object, least: int = 1, most: int | None = None) -> int:
    """Return a whole number from ``least`` to ``most``.

    Raises:
        UsageError: for any other.
    """
    if isinstance(given, SupportsIndex) and not isinstance(given, bool):
        with suppress(TypeError):  # an array has an index where it is a single whole number alone
            found = index(given)
            if found >= least and (most is None or found <= most):
                return found
    limits = f"{least:,} or more" if most is None else f"from {least:,} to {most:,}"
    raise _wrong(name, f"a whole number, {limits}", given)


def number(name: str, given: object, *, above: float = -inf, least: float = -inf) -> float:
    """Return a finite number.

    Args:
        name: Of the argument.
        given: Any of Python's numbers, NumPy's or SymPy's.
        above: It is larger than that.
        least: It is no smaller than that.
    Raises:
        UsageError: for any other.
    """
    found = as_float(given)
    if found is not None and isfinite(found) and found > above and found >= least:
        return found
    kind = {(0.0, -inf): "a positive number", (-inf, 0.0): "a number, 0 or more"}
    raise _wrong(name, kind.get((above, least), "a finite number"), given)


def numbers(
    name: str, given: object, *, above: float = -inf, least: int = 0, most: int | None = None
) -> list[float]:
    """Return finite numbers, each larger than ``above``, from ``least`` to ``most`` of them.

    Raises:
        UsageError: for any other.
    """
    if isinstance(given, (str, bytes, Mapping)) or not isinstance(given, Iterable):
        raise _wrong(name, "a list of numbers", given)
    found = [number(name, x, above=above) for x in given]
    if len(found) < least:
        raise UsageError(f"{name} is empty", hint="one number or more")
    if most is not None and len(found) > most:
        raise UsageError(f"{name} has {len(found):,} numbers; {most:,} are the limit")
    return found


def mapping(name: str, given: object) -> Mapping[str, Any]:
    """Return a dictionary by names.

    Raises:
        UsageError: for any other.
    """
    if not isinstance(given, Mapping):
        raise _wrong(name, "a dictionary by names", given)
    for key in given:
        text(f"a name in {name}", key)
    return given


def as_float(given: object) -> float | None:
    """Return Python's, NumPy's and SymPy's numbers as a float; None for texts, sequences and complex ones."""
    if isinstance(given, float):
        return float(given)
    if isinstance(given, (str, bytes)) or getattr(given, "ndim", None) or not hasattr(given, "__float__"):
        return None
    if _kind(given) == "c":
        return None  # NumPy would drop the imaginary part with a warning
    with suppress(TypeError, ValueError, OverflowError):
        return float(given)
    return None


def _kind(given: object) -> str:
    """Return what kind of number NumPy has in a scalar: ``b``, ``i``, ``f``, ``c``; "" for another object."""
    if getattr(given, "ndim", None) != 0:
        return ""
    return str(getattr(getattr(given, "dtype", None), "kind", ""))


def _several(name: str, given: object, what: str) -> Iterable[object]:
    if isinstance(given, str):
        return [given]
    if isinstance(given, (bytes, Mapping)) or not isinstance(given, Iterable):
        raise _wrong(name, f"a text or a list of {what}", given)
    return given


def _wrong(name: str, kind: str, given: object, hint: str | None = None) -> UsageError:
    return UsageError(f"{name} is {kind}, not {given!r:.40}", hint=hint)
