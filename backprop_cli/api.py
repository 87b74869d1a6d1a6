"""The package from Python: the same computation as the command line's."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from threading import RLock

from .differentiation.report import DEFAULT_METHODS, SUMMARY_FROM, GradientReport, differentiate
from .differentiation.symbolic.process import SymbolicProcess
from .engine.point import Point
from .engine.run import is_bound
from .errors import BindingError
from .graph import Graph
from .language.lower import lower
from .language.parser import Program
from .language.parser import parse as parse_text
from .language.tokens import plain_name

_one_at_a_time = RLock()
_processes: dict[int, SymbolicProcess] = {}
"""By the process that asks: a forked child of the caller's shares no pipes with its parent."""


class Gradient(GradientReport):
    """A `GradientReport` that shows itself: text in a console, a table in a notebook."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Return the table as plain text."""
        return self._written("table")

    __str__ = __repr__

    def _repr_html_(self) -> str:
        return self._written("html")

    def _written(self, format_: str) -> str:
        from .render.gradient import document
        from .render.writers import write

        large = format_ == "html" and len(self.graph) > SUMMARY_FROM
        return write(document(self, summary=large), format_, to_file=True)


def parse(text: str, *, large: bool = False) -> Program:
    """Read a program; see ``docs/language.md``.

    Raises:
        ExpressionError: with place and hint.
    """
    return parse_text(text, large=large)


def evaluate(
    program: str | Program, /, bindings: Mapping[str, float] | None = None, **values: float
) -> float:
    """Return the value of a program at a point.

    Args:
        program: Text or a parsed program.
        bindings: Values by name, for names that are no Python identifiers.
        values: Values by name.
    """
    graph, bound = _graph(program, bindings, values, large=False)
    return Point.at(graph, bound, ()).value


def grad(
    program: str | Program,
    /,
    bindings: Mapping[str, float] | None = None,
    *,
    methods: Sequence[str] = DEFAULT_METHODS,
    wrt: Sequence[str] | None = None,
    scheme: str = "central",
    step: float | None = None,
    **values: float,
) -> Gradient:
    """Return value and gradient of every node, by several methods.

    Args:
        program: Text or a parsed program.
        bindings: Values by name, for names such as ``step`` that are options here.
        methods: Of ``symbolic``, ``reverse``, ``finite``, ``forward``, ``complex-step``.
        wrt: Inputs to differentiate by; None for all.
        scheme: Of the finite differences: ``central``, ``forward``, ``backward``, ``ridders``.
        step: Their step size.
        values: Values by name.
    Raises:
        BackpropError: for wrong input, or where there is no such number.
    """
    graph, bound = _graph(program, bindings, values, large=False)
    needs_sympy = "symbolic" in methods or not is_bound(graph, bound)
    with _sympy() if needs_sympy else nullcontext() as process:
        report = differentiate(
            graph, bound, methods=methods, wrt=wrt, scheme=scheme, step=step, process=process
        )
    return Gradient(*report)


def _graph(
    program: str | Program, bindings: Mapping[str, float] | None, values: Mapping[str, float], *, large: bool
) -> tuple[Graph, dict[str, float]]:
    bound = {plain_name(name): _number(name, x) for name, x in {**(bindings or {}), **values}.items()}
    parsed = parse_text(program, large=large) if isinstance(program, str) else program
    return lower(parsed, bound, large=large), bound


def _number(name: str, x: object) -> float:
    """Return a value as a float: of Python's numbers, NumPy's and SymPy's, not of texts or sequences."""
    if not isinstance(x, (str, bytes)) and hasattr(x, "__float__"):
        with suppress(TypeError, ValueError, OverflowError):
            return float(x)
    raise BindingError(f"the value of {name} is a number, not {x!r:.40}", hint="one call a point")


@contextmanager
def _sympy() -> Iterator[SymbolicProcess]:
    """Yield the process that has SymPy, to one thread at a time; a notebook's threads forbid forking."""
    with _one_at_a_time:
        process = _processes.get(os.getpid())
        if process is None:
            process = _processes[os.getpid()] = SymbolicProcess(fork=False)
            atexit.register(process.close)
        yield process
