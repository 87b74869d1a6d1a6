"""Programs with arrays: what `eval` and `grad` answer where a value is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from ..differentiation import DEFAULT_METHODS
from ..differentiation.arrays import (
    ArrayReport,
    array_values,
    by_numbers,
    differentiate_arrays,
)
from ..differentiation.general import GeneralReport, differentiate_general
from ..differentiation.jacobian import JacobianReport, hessian, jacobian
from ..differentiation.report import warnings_of
from ..differentiation.symbolic.session import SESSION
from ..errors import BindingError, Source
from ..explanation.arrays import ArrayExplanation, GeneralExplanation, explain_arrays, explain_general
from ..language.array_parser import looks_like_arrays
from ..language.parser import Program
from ..language.ranks import General
from ..language.settle import Settled, array_literal, read_arrays
from .programs import python_of, value_of
from .shown import Shown

if TYPE_CHECKING:
    from ..render.document import Document


def settled_of(
    program: object, given: Mapping[str, object], *, large: bool = False
) -> tuple[Settled, dict[str, Any]] | None:
    """Return a program with arrays and its values; None where all is single numbers.

    Raises:
        BackpropError: for values that are no arrays of numbers, and for a program that cannot be read.
    """
    given = {name: array_literal(str(x)) if is_list(x) else x for name, x in given.items()}
    arrays = {name: _array(name, x) for name, x in given.items() if _is_array(x)}
    function = python_of(program)
    if function is not None and (arrays or not getattr(program, "statements", None)):
        from ..language.traced import traced

        program = traced(function, {name: x.shape for name, x in arrays.items()})
    if isinstance(program, str):
        source = Source(program)
    elif isinstance(program, Program):
        source = program.source
    else:
        return None
    if not arrays and not looks_like_arrays(source.text):
        return None
    numbers = {name: value_of(name, x) for name, x in given.items() if name not in arrays}
    settled = read_arrays(source, {name: x.shape for name, x in arrays.items()}, numbers, large=large)
    if not arrays and not settled.has_arrays:
        return None
    if function is not None:
        from .witness import hold_arrays

        hold_arrays(function, settled, {**numbers, **arrays})
    return settled, {**numbers, **arrays}


def is_list(x: object) -> bool:
    """Whether a text is an array's: ``"[1, 2]"``."""
    return isinstance(x, str) and x.lstrip()[:1] == "["


def _is_array(x: object) -> bool:
    return isinstance(x, (list, tuple)) or bool(getattr(x, "ndim", 0))


def _array(name: str, x: object) -> Any:
    import numpy as np

    try:
        found = np.array(x, np.float64)
    except (TypeError, ValueError):
        found = np.empty(())
    if not 1 <= found.ndim <= 2 or not found.size:
        raise BindingError(f"the value of {name} is a number, a vector or a matrix, not {x!r:.40}")
    return found


def gradient_of(
    program: Settled,
    given: Mapping[str, Any],
    *,
    methods: Sequence[str] | None = None,
    wrt: Sequence[str] | None = None,
    scheme: str = "central",
    step: float | None = None,
) -> ArrayReport:
    """Return value and gradient of every node of a program with arrays; see `grad`."""
    with SESSION.lend() if "symbolic" in (methods or DEFAULT_METHODS) else nullcontext() as process:
        return differentiate_arrays(
            program, given, methods=methods, wrt=wrt, scheme=scheme, step=step, process=process
        )


class GeneralGradient(Shown, GeneralReport):
    """A `GeneralReport` that shows itself."""

    __slots__ = ()

    def _document(self, format_: str) -> Document:
        from ..render.arrays import formulas_document

        return formulas_document(self)


def general_of(program: General, wrt: Sequence[str] | None = None) -> GeneralGradient:
    """Return the derivatives of a program whose sizes are not known, as formulas."""
    with SESSION.lend() as process:
        return GeneralGradient(*differentiate_general(program, process, wrt))


class ArrayJacobian(Shown, JacobianReport):
    """A `JacobianReport` that shows itself."""

    __slots__ = ()

    @property
    def gradient(self) -> dict[str, Any]:
        """The Jacobian by every input asked for."""
        return {name: self.jacobian(name) for name in self.wrt}

    def _document(self, format_: str) -> Document:
        from ..render.jacobian import document

        return document(self)


def jacobian_of(
    program: Settled,
    given: Mapping[str, Any],
    *,
    methods: Sequence[str] | None = None,
    wrt: Sequence[str] | None = None,
) -> ArrayJacobian:
    """Return the derivative of a program whose value is a vector; see `grad`."""
    with SESSION.lend() as process:
        return ArrayJacobian(*jacobian(program, given, methods=methods, wrt=wrt, process=process))


def hessian_of(
    program: Settled, given: Mapping[str, Any], by: str, *, methods: Sequence[str] | None = None
) -> ArrayJacobian:
    """Return the second derivative of a number by a vector; see `higher`."""
    with SESSION.lend() as process:
        return ArrayJacobian(*hessian(program, given, by, methods=methods, process=process))


def explanation_of(
    program: Settled, given: Mapping[str, Any], wrt: Sequence[str] | None = None, digits: int = 6
) -> ArrayExplanation:
    """Return both passes of a program with arrays; see `explain`."""
    with SESSION.lend() as process:
        report = differentiate_arrays(
            program, given, methods=("reverse",), wrt=wrt, process=process, by_index=True
        )
        return explain_arrays(report, process, digits)


def general_explanation_of(program: General, wrt: Sequence[str] | None = None) -> GeneralExplanation:
    """Return the backward pass of a program whose sizes are not known; see `explain`."""
    with SESSION.lend() as process:
        return explain_general(differentiate_general(program, process, wrt, by_index=True), process)


def translation_of(
    program: Settled,
    given: Mapping[str, Any],
    *,
    to: str,
    wrt: Sequence[str] | None = None,
    digits: int = 6,
) -> tuple[str, Sequence[str]]:
    """Return a program with arrays in another library, and warnings; see `translate`."""
    from ..export import BY_NUMBER, export, program_of
    from ..export.arrays import export_arrays

    if to in BY_NUMBER:
        numbers = by_numbers(program, given, wrt, each=True)
        return export(program_of(*numbers), to), warnings_of(numbers.graph)
    report = gradient_of(program, given, methods=("symbolic", "reverse"), wrt=wrt)
    if to == "latex":
        from ..language.numbers import rounded
        from ..render.latex_arrays import document

        return document(report, lambda x: rounded(x, digits)), report.warnings
    return export_arrays(report, to), report.warnings


def value_of_arrays(program: Settled, given: Mapping[str, Any]) -> Any:
    """Return the value of a program with arrays: a float, or a NumPy array."""
    value = array_values(program, given).value
    return value if value.shape else float(value)
