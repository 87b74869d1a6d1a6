"""Programs and the values of their variables, as Python gives them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..errors import BindingError, UsageError
from ..graph import Graph
from ..language.lower import lower
from ..language.parser import Program
from ..language.reader import read, until
from ..language.tokens import plain_name
from .arguments import as_float, flag, mapping, text

Bindings = Mapping[str, float] | None
"""Values by name, for names that are no Python identifiers or are options of a function."""


def parse(program: str, *, large: bool = False) -> Program:
    """Read a program; see ``docs/language.md``.

    Args:
        program: The program.
        large: Lift the limits on its size.
    Raises:
        ExpressionError: with place and hint.
    """
    return read(text("program", program), large=flag("large", large))


def bound(
    program: str | Program | Graph,
    bindings: Mapping[str, object] | None,
    values: Mapping[str, object],
    *,
    large: bool = False,
) -> tuple[Graph, dict[str, float]]:
    """Return a program's graph and the values given.

    Raises:
        BackpropError: for a program that cannot be read, and for values that are no numbers.
    """
    given = {name: value_of(name, x) for name, x in merged(bindings, values).items()}
    return graph_of(program, given, large=large), given


def ended_at(
    program: str | Program | Graph, step: str, given: Mapping[str, object], *, large: bool = False
) -> tuple[Program, dict[str, object]]:
    """Return the program that ends at a step, and the values of what occurs in it.

    Raises:
        BackpropError: for a program over numbers that cannot be read, and where there is no such step.
    """
    if isinstance(program, str):
        program = parse(program, large=large)
    if not isinstance(program, Program):
        raise UsageError("a step is asked for of a text, or what parse returned")
    ended, later = until(program, step)
    return ended, {name: x for name, x in given.items() if name not in later}


def wants_arrays(
    program: object, bindings: Mapping[str, object] | None, values: Mapping[str, object]
) -> bool:
    """Whether a value is no number, or a program may have arrays: only then are they looked at."""
    given = [*(bindings.values() if isinstance(bindings, Mapping) else ()), *values.values()]
    signs = isinstance(program, str) and re.search(r"[@\[]|\b(?:eye|ones|zeros)\s*\(", program)
    return bool(signs) or not all(isinstance(x, (int, float)) for x in given)


def merged(bindings: Mapping[str, object] | None, values: Mapping[str, object]) -> dict[str, object]:
    """Return what is given by both ways, by names in normal form.

    Raises:
        BackpropError: for a name given twice, or that is none.
    """
    given: dict[str, object] = {}
    for source in (mapping("bindings", {} if bindings is None else bindings), values):
        for word, x in source.items():
            name = plain_name(word)
            if name in given:
                raise BindingError(f"{name} is given twice")
            given[name] = x
    return given


def value_of(name: str, given: object, hint: str = "one call a point") -> float:
    """Return the value of a variable as a float.

    Raises:
        BindingError: for what is no number.
    """
    found = as_float(given)
    if found is None:
        raise BindingError(f"the value of {name} is a number, not {given!r:.40}", hint=hint)
    return found


def graph_of(program: str | Program | Graph, names: Mapping[str, object], *, large: bool = False) -> Graph:
    """Return a program's graph; where ``pi``, ``tau`` or ``e`` is among the names, it is a variable.

    Raises:
        BackpropError: for a program that cannot be read.
    """
    large = flag("large", large)
    if isinstance(program, Graph):
        return program
    if isinstance(program, str):
        program = read(program, large=large)
    if not isinstance(program, Program):
        raise UsageError(f"program is a text, or what parse returned, not {program!r:.40}")
    return lower(program, names.keys(), large=large)
