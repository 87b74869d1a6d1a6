"""Inputs as a program takes them: single numbers, and arrays of which every number is an input of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ..ops import Shape
from .writer import Names


class Group(NamedTuple):
    """An input, or an array of them.

    Attributes:
        name: As the user calls it.
        shape: Of the array; () of a single number.
        names: Of its numbers, in the order of rows.
    """

    name: str
    shape: Shape
    names: tuple[str, ...]

    def nested(self, texts: Mapping[str, str], open_: str = "[", close: str = "]") -> str:
        """Write the numbers, by their names, as lists in lists."""
        return _nested([texts[name] for name in self.names], self.shape, open_, close)

    def place(self, name: str, array: str) -> str:
        """Return how a number of it is called where the whole is called ``array``: ``B[0][1]``."""
        return array + "".join(f"[{k}]" for k in _places(name)) if self.shape else array


def _places(name: str) -> list[int]:
    return [int(k) for k in name.partition("[")[2].rstrip("]").split(",") if k]


def _nested(texts: Sequence[str], shape: Shape, open_: str, close: str) -> str:
    if not shape:
        return texts[0]
    size = len(texts) // shape[0]
    rows = [texts[k : k + size] for k in range(0, len(texts), size)]
    return f"{open_}{', '.join(_nested(row, shape[1:], open_, close) for row in rows)}{close}"


def groups(asked: Iterable[str], inputs: Iterable[str]) -> list[Group]:
    """Return inputs in the order asked for, those of one array together.

    Args:
        asked: Their names; an array of which some are left out comes number by number.
        inputs: All names, the numbers of an array in the order of its rows.
    """
    whole, wanted = _arrays(inputs), _arrays(asked)
    found = []
    for array, names in wanted.items():
        if set(names) == set(whole[array]):
            shape = tuple(k + 1 for k in _places(whole[array][-1]))
            found.append(Group(array, shape, tuple(whole[array])))
        else:
            found += [Group(name, (), (name,)) for name in names]
    return found


def _arrays(names: Iterable[str]) -> dict[str, list[str]]:
    arrays: dict[str, list[str]] = {}
    for name in names:
        arrays.setdefault(name.partition("[")[0], []).append(name)
    return arrays


def named(inputs: Sequence[Group], names: Names) -> dict[str, str]:
    """Name the arrays in a target, before anything else is named, and return what they are called."""
    arrays = {group.name: names.user(group.name) for group in inputs if group.shape}
    names.given = {
        name: group.place(name, arrays[group.name]) for group in inputs if group.shape for name in group.names
    }
    return arrays
