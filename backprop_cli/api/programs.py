"""Programs and the values of their variables, as Python gives them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import BindingError, UsageError
from ..graph import Graph
from ..language.lower import constant, lower
from ..language.parser import Program
from ..language.reader import read, until
from ..language.tokens import plain_name
from .arguments import as_float, flag, mapping, text

AnyProgram = str | Program | Graph | Callable[..., Any]
"""A program: its text, read, lowered, or a Python function that is traced."""

Bindings = Mapping[str, float] | None
"""Values by name, for names that are no Python identifiers or are options of a function."""


def python_of(program: object) -> Callable[..., Any] | None:
    """Return the Python function that a program is, or was traced from; None for any other."""
    if isinstance(program, Program):
        found: Callable[..., Any] | None = getattr(program, "__wrapped__", None)
        return found
    return program if callable(program) and not isinstance(program, Graph) else None


def bound(
    program: AnyProgram,
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
    graph = graph_of(program, given, large=large)
    if (function := python_of(program)) is not None:
        from .witness import hold

        hold(function, graph, given)
    return graph, given


def ended_at(
    program: AnyProgram,
    step: str,
    given: Mapping[str, object],
    *,
    large: bool = False,
) -> tuple[Program, dict[str, object]]:
    """Return the program that ends at a step, and the values of what occurs in it.

    Raises:
        BackpropError: for a program over numbers that cannot be read, and where there is no such step.
    """
    if isinstance(program, str):
        program = read(text("program", program), large=flag("large", large))
    function = python_of(program)
    if function is not None and not isinstance(program, Program):
        from ..language.traced import traced

        program = traced(function)
    if not isinstance(program, Program):
        raise UsageError("a step is asked for of a text, what parse returned, or a Python function")
    ended, later = until(program, step)
    return ended, {name: x for name, x in given.items() if name not in later}


def wants_arrays(
    program: object, bindings: Mapping[str, object] | None, values: Mapping[str, object]
) -> bool:
    """Whether a value is no number, or a program may have arrays: only then are they looked at."""
    if python_of(program) is not None and not isinstance(program, Program):
        return True
    given = [*(bindings.values() if isinstance(bindings, Mapping) else ()), *values.values()]
    words = program.source.text if isinstance(program, Program) else program
    signs = isinstance(words, str) and re.search(r"[@\[]|\b(?:eye|ones|zeros)\s*\(", words)
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
    """Return the value of a variable as a float; a text is a constant expression, ``pi/2``.

    Raises:
        BindingError: for what is no number.
    """
    found = constant(given) if isinstance(given, str) else as_float(given)
    if found is None:
        raise BindingError(f"the value of {name} is a number, not {given!r:.40}", hint=hint)
    return found


def graph_of(program: AnyProgram, names: Mapping[str, object], *, large: bool = False) -> Graph:
    """Return a program's graph; where ``pi``, ``tau`` or ``e`` is among the names, it is a variable.

    Raises:
        BackpropError: for a program that cannot be read.
    """
    large = flag("large", large)
    if isinstance(program, Graph):
        return program
    if isinstance(program, str):
        program = read(program, large=large)
    elif (function := python_of(program)) is not None and not (
        isinstance(program, Program) and program.statements
    ):
        from ..language.traced import traced

        program = traced(function)
    if not isinstance(program, Program):
        raise UsageError(f"program is a text, what parse returned, or a Python function, not {program!r:.40}")
    return lower(program, names.keys(), large=large)
