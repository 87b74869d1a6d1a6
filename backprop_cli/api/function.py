"""Programs as functions: what `parse` and `trace` return."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any, overload

from ..errors import BackpropError, BindingError, ExpressionError, Source
from ..graph import NODE_LIMIT
from ..language.lower import lower
from ..language.parser import Program
from ..language.reader import read
from .arguments import flag, text
from .gradients import eval, grad
from .programs import Bindings

if TYPE_CHECKING:
    from os import PathLike

    from .checks import Checked
    from .descent import Descent
    from .drawing import Drawn, InverseDrawn
    from .explanation import Explained, ExplainedArrays
    from .gradients import AnyGradient
    from .higher import HigherDerivatives
    from .limits import Quotients
    from .plots import Plot
    from .tracing import Written


class Function(Program):
    """A program that is called with the values of its variables: ``f(x=3)``, ``f.grad(x=3)``.

    Every method is the function of the same name with the program put in: `backprop_cli.grad`,
    `backprop_cli.explain`. Values go by name, by place in the order of `names`, or in a dictionary.
    """

    __wrapped__: Callable[..., Any] | None = None
    __hash__ = object.__hash__  # as of any function
    __eq__ = object.__eq__

    @property
    def text(self) -> str:
        """The program as text, which `parse` reads; "" of a Python function that takes arrays alone."""
        return self.source.text

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What the inputs are called: of a Python function its arguments, else in the order of first use."""
        if self.__wrapped__ is not None:
            from ..language.traced import inputs_of

            return tuple(inputs_of(self.__wrapped__))
        try:
            return tuple(lower(self, large=True).inputs)
        except KeyError:  # an item of arrays
            from ..language.settle import lowered

            return tuple(lowered(self, (), NODE_LIMIT).inputs)

    @property
    def __signature__(self) -> Signature:
        """What editors show of a call."""
        return Signature([Parameter(name, Parameter.POSITIONAL_OR_KEYWORD) for name in self.names])

    def _given(self, at: tuple[Any, ...]) -> Bindings:
        """Return values that were given by place, by name."""
        if len(at) == 1 and (at[0] is None or isinstance(at[0], Mapping)):
            found: Bindings = at[0]
            return found
        if len(at) > len(self.names):
            raise BindingError(
                f"{len(at)} values are given, and the inputs are {', '.join(self.names) or 'none'}"
            )
        return dict(zip(self.names, at, strict=False))

    def __call__(self, *at: Any, points: Any = None, large: bool = False, **values: Any) -> Any:
        """Return the value; see `eval`."""
        from ..language.traced import has_traced, inlined

        given = self._given(at)
        if has_traced((*(given or {}).values(), *values.values())):  # a function that is traced calls this
            given = {**(given or {}), **values}
            return inlined(self, given) if self.__wrapped__ is None else self.__wrapped__(**given)
        return eval(self, given, points=points, large=large, **values)

    def grad(self, *at: Any, **options: Any) -> AnyGradient:
        """Return value and gradient of every node; see `backprop_cli.grad`."""
        report: AnyGradient = grad(self, self._given(at), **options)
        return report

    def higher(self, *at: Any, **options: Any) -> HigherDerivatives:
        """Differentiate more than once; see `backprop_cli.higher`."""
        from .higher import higher

        return higher(self, self._given(at), **options)

    def explain(self, *at: Any, **options: Any) -> Explained | ExplainedArrays:
        """Explain the gradient step by step; see `backprop_cli.explain`."""
        from .explanation import explain

        told: Explained | ExplainedArrays = explain(self, self._given(at), **options)
        return told

    def draw(self, *at: Any, **options: Any) -> Drawn | InverseDrawn:
        """Draw the graph; see `backprop_cli.draw`."""
        from .drawing import draw

        return draw(self, self._given(at), **options)

    def plot(self, *at: Any, **options: Any) -> Plot:
        """Plot the function over ranges; see `backprop_cli.plot`."""
        from .plots import plot

        return plot(self, self._given(at), **options)

    def limit(self, *at: Any, **options: Any) -> Quotients:
        """Follow difference quotients; see `backprop_cli.limit`."""
        from .limits import limit

        return limit(self, self._given(at), **options)

    def descend(self, *at: Any, **options: Any) -> Descent:
        """Descend along the gradient; see `backprop_cli.descend`."""
        from .descent import descend

        return descend(self, self._given(at), **options)

    def check(self, claims: Any, *at: Any, **options: Any) -> Checked:
        """Judge claims; see `backprop_cli.check`."""
        from .checks import check

        return check(self, claims, self._given(at), **options)

    def translate(self, *at: Any, to: str, **options: Any) -> str:
        """Return the program in another language; see `backprop_cli.translate`."""
        from .export import translate

        return translate(self, self._given(at), to=to, **options)

    def page(self, *at: Any, **options: Any) -> str:
        """Return a page to step through; see `backprop_cli.page`."""
        from .page import page

        return page(self, self._given(at), **options)

    def __repr__(self) -> str:
        """Return the text."""
        name = getattr(self.__wrapped__, "__name__", "")
        return self.text or f"{name}({', '.join(self.names)}), traced where it is called with arrays"

    def _repr_latex_(self) -> str | None:
        from ..language.array_parser import looks_like_arrays
        from ..render.latex import program_to_latex

        # what a sign means between arrays is known where shapes are
        return None if not self.text or looks_like_arrays(self.text) else program_to_latex(self)


def parse(program: str, *, large: bool = False) -> Function:
    """Read a program, once for many calls; see ``docs/language.md``.

    Args:
        program: The program.
        large: Lift the limits on its size.
    Raises:
        ExpressionError: with place and hint.
    """
    source = Source(text("program", program))
    try:
        return Function(*read(source, large=flag("large", large)))
    except ExpressionError:
        from ..language.array_parser import looks_like_arrays, parse_arrays

        if not looks_like_arrays(source.text):
            raise
        return Function(*parse_arrays(source))


@overload
def trace(config: Callable[..., Any], /) -> Function: ...
@overload
def trace(
    config: str | PathLike[str] | Mapping[str, Any],
    *overrides: str,
    at_step: int = 1,
    row: int | None = None,
    layer: str | None = None,
    step: int | None = None,
    round_each: int | None = None,
) -> Written: ...
def trace(
    config: str | PathLike[str] | Mapping[str, Any] | Callable[..., Any],
    *overrides: str,
    at_step: int = 1,
    row: int | None = None,
    layer: str | None = None,
    step: int | None = None,
    round_each: int | None = None,
) -> Written | Function:
    """Write out one training step in full, as on paper; or make a program of a Python function: ``@trace``.

    A function is called with values that write down what is done to them: Python's operators, `abs`, `max`,
    `min`, `sum`, NumPy's functions and those of `backprop_cli.functions`. One of arrays is traced again
    for the shapes that it is called with.

    Args:
        config: Path of the config, or its keys, where nothing is trained or saved; or a Python function.
        overrides: ``optimizer.learning_rate=0.1`` and the like; they win over the file.
        at_step: Which update, from 1; those before it are made first.
        row: The one row of the batch to write out, from 1; None chooses.
        layer: One layer alone, such as ``linear1``.
        step: One step of a program's loop alone, from 0.
        round_each: Round every result to so many decimals.
    Raises:
        BackpropError: for a config, data or shapes that do not fit, for networks too large to write out, and
            for functions that cannot be traced, with the line where.
    """
    if callable(config):
        return traced_function(config)
    from .tracing import trace as written

    return written(
        config, *overrides, at_step=at_step, row=row, layer=layer, step=step, round_each=round_each
    )


def traced_function(function: Callable[..., Any]) -> Function:
    """Return a Python function as a program; one that takes arrays alone is traced where it is called.

    Raises:
        BackpropError: for what cannot be traced, whatever it is called with.
    """
    from ..language.traced import Unknown, traced

    try:
        found = Function(*traced(function))
    except Unknown:
        raise
    except BackpropError:
        found = Function(Source(""), [])
    found.__dict__.update(
        __wrapped__=function, __doc__=function.__doc__, __name__=getattr(function, "__name__", "f")
    )
    return found
