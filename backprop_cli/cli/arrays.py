"""Arrays on the command line: ``--A "[[1, 2], [3, 4]]"``, ``--A a.csv``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..errors import BindingError, ExpressionError, Source, UsageError, joined
from ..language.array_parser import looks_like_arrays, parse_arrays
from ..language.operators import CONSTANTS
from ..language.parser import NAME_ITEM
from ..language.ranks import AXES, WORDS, Asked, General, general, letters_axes
from ..language.settle import Settled, array_literal, read_arrays
from ..language.tokens import NAME, plain_name
from .command import Binding, is_array

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ..differentiation.general import GeneralReport
    from ..tables.dialect import Dialect
    from ..tables.parts import Array as Columns
    from ..tables.parts import ArrayFiles
    from ..tables.read import PointSource

    Array = npt.NDArray[np.float64]


_SIZE = "[1-9][0-9]{0,3}|[a-wyzA-Z]"
PLURALS = {0: "numbers", 1: "vectors", 2: "matrices"}


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
    for name, sizes in said_of(text).items():
        found[name] = () if isinstance(sizes, int) else tuple(n for n in sizes if isinstance(n, int))
        if isinstance(sizes, int) or len(found[name]) < len(sizes):
            raise UsageError(f"--shape {text}: a shape is NAME=3x2 or NAME=3", hint="--shape A=3x2,x=2")
    return found


def said_of(text: str) -> dict[str, int | tuple[int | str, ...]]:
    """Return what ``A=3x2,B=mxn,x=vector`` says: lengths, or names for them, or how many axes.

    Raises:
        UsageError: for anything else.
    """
    found: dict[str, int | tuple[int | str, ...]] = {}
    for part in text.split(","):
        match = re.fullmatch(rf"\s*({NAME})\s*=\s*(?:({'|'.join(AXES)})|({_SIZE})(?:x({_SIZE}))?)\s*", part)
        if match is None:
            raise UsageError(
                f"--shape {text}: a shape is NAME=3x2, NAME=mxn, NAME=3, NAME=n or NAME=vector",
                hint="--shape A=3x2,x=2; --shape A=mxn,x=n; --shape b=vector,n=number",
            )
        name = plain_name(match[1])
        if name in found:
            raise UsageError(f"--shape: {name} is given twice")
        sizes = (int(n) if n.isdigit() else n for n in match.groups()[2:] if n is not None)
        found[name] = AXES[match[2]] if match[2] is not None else tuple(sizes)
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
    inputs = [name for name in program.all_names() if name not in computed]
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


def reading(program: General) -> str:
    """Say what inputs are read as where nobody has said it."""
    kinds: dict[int, list[str]] = {2: [], 1: [], 0: []}
    for name in program.guessed:
        kinds[program.axes[name]].append(name)
    parts = [
        f"{joined(names)} {'a ' + WORDS[n] if len(names) == 1 else PLURALS[n]}"
        for n, names in kinds.items()
        if names
    ]
    by_letter = [name for n in (0, 1, 2) for name in kinds[n] if letters_axes(name) == n]
    other = by_letter[0] if by_letter else program.guessed[0]
    word = "number" if program.axes[other] == 1 else "vector"
    return f"read as: {', '.join(parts)}; --shape {other}={word} reads {other} otherwise"


def general_notes(report: GeneralReport) -> list[str]:
    """Say what a program without values was read as, and where its formulas were held to numbers."""
    notes = [reading(report.program)] if report.program.guessed else []
    said = [" x ".join(map(str, at.values())) for at in report.lengths if at]
    if said:
        names = " x ".join(report.lengths[0])
        notes.append(f"every formula was read back and agrees with reverse mode for {names} = {joined(said)}")
    return [*notes, *report.notes]


def general_of_text(
    source: Source, asked: Asked, error: ExpressionError | None, *, large: bool = False
) -> General | None:
    """Return a program without values or sizes; None where nothing in it is without.

    Args:
        source: The text.
        asked: What is known of its inputs.
        error: Why the text is no program over numbers.
        large: Lift the limit on the number of nodes.
    Raises:
        ExpressionError: where it has arrays and something is wrong with it.
    """
    try:
        found = general(source, asked, large=large)
    except ExpressionError:
        if error is None or has_arrays(source):
            raise
        return None
    return found if found.axes else None


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
