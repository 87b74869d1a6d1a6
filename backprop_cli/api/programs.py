"""Programs and the values of their variables, as Python gives them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from ..errors import BindingError
from ..graph import Graph
from ..language.lower import lower
from ..language.parser import Program
from ..language.parser import parse as parse_text
from ..language.tokens import plain_name

Bindings = Mapping[str, float] | None
"""Values by name, for names that are no Python identifiers or are options of a function."""


def parse(text: str, *, large: bool = False) -> Program:
    """Read a program; see ``docs/language.md``.

    Args:
        text: The program.
        large: Lift the limits on its size.
    Raises:
        ExpressionError: with place and hint.
    """
    return parse_text(text, large=large)


def bound(
    program: str | Program | Graph, bindings: Bindings, values: Mapping[str, float], *, large: bool = False
) -> tuple[Graph, dict[str, float]]:
    """Return a program's graph and the values given."""
    given = {plain_name(name): _number(name, x) for name, x in {**(bindings or {}), **values}.items()}
    return graph_of(program, given, large=large), given


def graph_of(program: str | Program | Graph, names: Mapping[str, object], *, large: bool = False) -> Graph:
    """Return a program's graph; where ``pi``, ``tau`` or ``e`` is among the names, it is a variable."""
    if isinstance(program, Graph):
        return program
    parsed = parse_text(program, large=large) if isinstance(program, str) else program
    return lower(parsed, names.keys(), large=large)


def _number(name: str, x: object) -> float:
    """Return a value as a float: of Python's numbers, NumPy's and SymPy's, not of texts or sequences."""
    if not isinstance(x, (str, bytes)) and hasattr(x, "__float__"):
        with suppress(TypeError, ValueError, OverflowError):
            return float(x)
    raise BindingError(f"the value of {name} is a number, not {x!r:.40}", hint="one call a point")
