"""Arrays on the command line: ``--A "[[1, 2], [3, 4]]"``, ``--A a.csv``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..errors import BindingError, ExpressionError, Source, UsageError
from ..language.array_parser import looks_like_arrays, parse_arrays
from ..language.operators import CONSTANTS
from ..language.parser import NAME_ITEM
from ..language.settle import Settled, array_literal, read_arrays
from ..language.tokens import plain_name
from .command import Binding, is_array

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ..tables.dialect import Dialect
    from ..tables.parts import Array as Columns
    from ..tables.parts import ArrayFiles
    from ..tables.read import PointSource

    Array = npt.NDArray[np.float64]


def arrays_of(bindings: Sequence[Binding]) -> dict[str, Array]:
    """Return the arrays among the values of variables.

    Raises:
        BackpropError: for a literal or a file that cannot be read.
    """
    import numpy as np

    from ..tables.matrix import read_matrix

    found: dict[str, Array] = {}
    for binding in bindings:
        text = binding.text.strip()
        if not is_array(binding):
            continue
        if binding.name in found:
            raise BindingError(f"{binding.name} is given twice")
        try:
            found[binding.name] = (
                np.array(array_literal(text), np.float64) if text[0] == "[" else read_matrix(text)
            )
        except ExpressionError as error:
            raise BindingError(
                f"the value of {binding.name}: {error.message}",
                source=error.source, span=error.span, hint=error.hint,
            ) from None  # fmt: skip
    return found


def shapes_of(text: str) -> dict[str, tuple[int, ...]]:
    """Return the shapes of ``A=3x2,x=2``.

    Raises:
        UsageError: for anything else.
    """
    found: dict[str, tuple[int, ...]] = {}
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\w+)\s*=\s*([1-9][0-9]{0,3})(?:x([1-9][0-9]{0,3}))?\s*", part)
        if match is None:
            raise UsageError(f"--shape {text}: a shape is NAME=3x2 or NAME=3", hint="--shape A=3x2,x=2")
        name = plain_name(match[1])
        if name in found:
            raise UsageError(f"--shape: {name} is given twice")
        found[name] = tuple(int(n) for n in match.groups()[1:] if n is not None)
    return found


def has_arrays(source: Source) -> bool:
    """Whether a text that is no program over numbers can be read as one with arrays."""
    try:
        parse_arrays(source)
    except ExpressionError:
        return looks_like_arrays(source.text)
    return True


class ArrayTable(NamedTuple):
    """Points of a program with arrays, opened.

    Attributes:
        source: The table.
        arrays: The variables that it gives.
    """

    source: PointSource | ArrayFiles
    arrays: Mapping[str, Columns]


def points_of(source: Source, path: str, bindings: Sequence[Binding], dialect: Dialect | None) -> ArrayTable:
    """Open the points of a program with arrays: the columns say what shapes there are.

    Raises:
        BackpropError: for a program or a table that cannot be read, and for variables given twice.
    """
    from ..tables import parts
    from ..tables.dialect import PLAIN
    from ..tables.read import open_points

    program = parse_arrays(source)
    bound = {binding.name for binding in bindings}
    computed = {s.name for s in program.statements if any(item.arity == NAME_ITEM for item in s.items)}
    inputs = [name for name in program.names() if name not in computed]
    given = {s.name for s in program.statements}
    free = [n for n in inputs if n not in bound and n not in given and n not in CONSTANTS]
    files = parts.files_of(path)
    if files is not None or path.lower().endswith(".npy"):
        opened = parts.ArrayFiles(files) if files is not None else parts.file_of(path, free)
        found: Mapping[str, Columns] = opened.arrays
        table: PointSource | ArrayFiles = opened
    else:
        found = {}

        def variables(columns: Sequence[str]) -> list[str]:
            nonlocal found
            found = parts.arrays_of(columns, inputs, path)
            return [column for array in found.values() for column in array.columns]

        table = open_points(path, variables, block_rows=parts.BLOCK_ROWS, dialect=dialect or PLAIN)
    for name in found:
        if name in bound:
            table.__exit__(None, None, None)
            raise BindingError(f"{name} has a value on the command line and a column in {path}")
    return ArrayTable(table, found)


def program_of(
    source: Source,
    bindings: Sequence[Binding],
    arrays: dict[str, Array],
    error: ExpressionError | None,
    given: Mapping[str, tuple[int, ...]],
) -> Settled | None:
    """Return a program with arrays; None for one over numbers.

    Args:
        source: The text.
        bindings: All values.
        arrays: Those that are arrays.
        error: Why the text is no program over numbers; None where it is one.
        given: Shapes of variables that have their values from elsewhere.
    Raises:
        ExpressionError: where it has arrays and something is wrong with it.
    """
    shapes = {name: x.shape for name, x in arrays.items()} | dict(given)
    try:
        found = read_arrays(source, shapes, [*(b.name for b in bindings), *given])
    except ExpressionError:
        if arrays or given or (error is not None and looks_like_arrays(source.text)):
            raise
        return None
    return found if arrays or found.has_arrays else None
