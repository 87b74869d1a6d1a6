"""Arrays on the command line: ``--A "[[1, 2], [3, 4]]"``, ``--A a.csv``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import BindingError, ExpressionError, Source, UsageError
from ..language.array_parser import looks_like_arrays
from ..language.settle import Settled, array_literal, read_arrays
from ..language.tokens import plain_name
from .command import Binding, is_array

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

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


def program_of(
    source: Source, bindings: Sequence[Binding], arrays: dict[str, Array], error: ExpressionError | None
) -> Settled | None:
    """Return a program with arrays; None for one over numbers.

    Args:
        source: The text.
        bindings: All values.
        arrays: Those that are arrays.
        error: Why the text is no program over numbers; None where it is one.
    Raises:
        ExpressionError: where it has arrays and something is wrong with it.
    """
    shapes = {name: x.shape for name, x in arrays.items()}
    try:
        found = read_arrays(source, shapes, [b.name for b in bindings])
    except ExpressionError:
        if arrays or (error is not None and looks_like_arrays(source.text)):
            raise
        return None
    return found if arrays or found.has_arrays else None
