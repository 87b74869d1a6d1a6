"""Python functions to programs, by operator overloading: a function is called with values that write down
what is done to them.

What is recorded is a tree of the same items that the parser makes of a text, and its text is read as every
other: a traced function is a program, and nothing is known of it that its text does not say. Where NumPy's
rules are others than ours (a transpose of a vector, matrices multiplied number by number, a vector before a
matrix) the text says what Python computes, for which shapes have to be known: a function of arrays is traced
for each.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from inspect import Parameter, signature
from itertools import count
from types import FrameType, FunctionType
from typing import Any, NoReturn

from ..errors import BackpropError, BindingError, Source, UsageError
from ..graph import OUTPUT_NAMES, free_name
from ..ops import FUNCTIONS, PRIMITIVES, Shape
from ..ops.matrices import CALLED
from .array_parser import STACK, parse_arrays
from .fold import fold
from .format import format_items
from .numbers import exact_text
from .operators import CONSTANTS
from .parser import NAME_ITEM, NUMBER_ITEM, Item, Program, parse
from .tokens import NAME, NAME_LIMIT

MOST_WRITTEN = 10_000
"""Numbers of an array of the function's own that is written into the program."""

WHERE = (
    "where(condition, a, b), of backprop_cli.functions or NumPy, is a choice by values, "
    "np.maximum(a, b) the larger"
)
FUNCTION = "a function of NumPy's, or of backprop_cli.functions, is traced: np.sin(x), functions.sin(x)"
SETTING = "a number that counts is known beforehand: behind the * of def f(x, *, n=3) it keeps its value"
OWN = ("backprop_cli", "numpy")
"""Packages whose frames are not the user's."""

OPERATORS = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "pow": "power", "matmul": "@",
    "mod": "mod", "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal", "eq": "equal",
    "ne": "not_equal",
}  # fmt: skip
"""Python's operators by the names of their methods."""

BY_NUMBER = {"multiply": ".*", "divide": "./", "power": ".^"}
"""What is written where a sign alone has two readings over matrices."""

NUMPY = {
    **{name: name for name in FUNCTIONS},
    **{f"arc{name}": f"a{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{name: name for name in ("add", "subtract", "multiply", "divide", "negative", *OPERATORS.values())},
    "matmul": "@", "arctan2": "atan2", "absolute": "abs", "fabs": "abs", "true_divide": "divide",
    "float_power": "power", "remainder": "mod", "maximum": "max", "minimum": "min", "rint": "round",
}  # fmt: skip
"""Functions of NumPy's over single numbers, by their names; `WRITTEN` has those that are several of ours."""
for _other in ("sinc", "gamma", "pow"):  # NumPy's sinc is another one
    NUMPY.pop(_other, None)

WRITTEN: Mapping[str, Callable[..., Any]] = {
    "positive": lambda x: x,
    "square": lambda x: x**2,
    "reciprocal": lambda x: 1 / x,
    "exp2": lambda x: 2**x,
    "floor_divide": lambda x, n: applied("floor", x / n),
    "deg2rad": lambda x: x * math.pi / 180,
    "radians": lambda x: x * math.pi / 180,
    "rad2deg": lambda x: x * 180 / math.pi,
    "degrees": lambda x: x * 180 / math.pi,
    "logical_and": lambda a, b: valued(a) & b,
    "logical_or": lambda a, b: valued(a) | b,
    "logical_not": lambda a: ~a,
}
"""The others, by what they are."""

NOTHING: Mapping[Any, str] = {}

_order = count()


class Unknown(UsageError):
    """A number was asked for that is not known while a function is traced."""


class Traced:
    """A value while a function is traced: what was done to get it.

    Attributes:
        text: Of its item: a name, a number as it is written, or a primitive.
        arity: As of an `Item`.
        operands: What it is applied to.
        shape: () of a single number.
    """

    __slots__ = ("arity", "operands", "order", "shape", "text")
    __hash__ = object.__hash__

    def __init__(self, text: str, arity: int, operands: Sequence[Traced] = (), shape: Shape = ()) -> None:
        self.text = text
        self.arity = arity
        self.operands = tuple(operands)
        self.shape = shape
        self.order = next(_order)

    def __repr__(self) -> str:
        """Return what was done, as our language writes it."""
        return format_items(items_of(self))

    # what Python's own functions ask

    @property
    def ndim(self) -> int:
        """How many axes there are."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return math.prod(self.shape)

    @property
    def T(self) -> Traced:  # noqa: N802 - NumPy's name
        """The transpose: of a vector, as in NumPy, itself."""
        if self.ndim < 2:
            return self
        return self.operands[0] if self.text == "'" else Traced("'", 1, [self], self.shape[::-1])

    def transpose(self) -> Traced:
        """Return the transpose."""
        return self.T

    def sum(self, axis: int | None = None) -> Any:
        return folded("sum", self, axis)

    def mean(self, axis: int | None = None) -> Any:
        return folded("mean", self, axis)

    def max(self, axis: int | None = None) -> Any:
        return folded("max", self, axis)

    def min(self, axis: int | None = None) -> Any:
        return folded("min", self, axis)

    def dot(self, other: Any) -> Any:
        return self @ other if self.ndim and valued(other).ndim else self * other

    def __getitem__(self, key: object) -> Traced:
        return part(self, key)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a number has no length; a function of arrays is traced where it is called")
        return self.shape[0]

    def __iter__(self) -> Iterator[Traced]:
        return (self[k] for k in range(len(self)))

    def __pos__(self) -> Traced:
        return self

    def __neg__(self) -> Traced:
        return applied("negative", self)

    def __abs__(self) -> Traced:
        return applied("abs", self)

    def __floordiv__(self, other: Any) -> Traced:
        return applied("floor", self / other)

    def __rfloordiv__(self, other: Any) -> Traced:
        return applied("floor", other / self)

    def __and__(self, other: Any) -> Traced:
        return applied("greater", applied("multiply", counted(self), counted(other)), 0)

    def __or__(self, other: Any) -> Traced:
        return applied("greater", applied("add", counted(self), counted(other)), 0)

    def __invert__(self) -> Traced:
        return applied("less", counted(self), 1)

    def __round__(self, digits: int | None = None) -> Traced:
        if digits:
            raise TypeError("round(x) to a whole number is traced, round(x, digits) is not")
        return applied("round", self)

    def __floor__(self) -> Traced:
        return applied("floor", self)

    def __ceil__(self) -> Traced:
        return applied("ceil", self)

    # what asks for the number itself

    def __bool__(self) -> NoReturn:
        shown = f"{self!r:.40}"
        raise _at_the_user(f"whether {shown} holds is not known while the function is traced", WHERE)

    def _number(self, hint: str = FUNCTION) -> NoReturn:
        raise _at_the_user(f"the number {self!r:.40} is not known while the function is traced", hint)

    __float__ = __int__ = __complex__ = __trunc__ = _number

    def __index__(self) -> NoReturn:
        self._number(SETTING)

    # NumPy's protocols

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        name = ufunc.__name__
        if method == "reduce" and name in ("add", "maximum", "minimum"):
            return folded({"add": "sum"}.get(name, name[:3]), inputs[0], **{"axis": 0, **options})
        if method != "__call__" or any(value is not None for value in options.values()):
            raise TypeError(f"np.{name} is traced without {', '.join(options) or method} alone")
        if name in WRITTEN:
            return WRITTEN[name](*map(valued, inputs))
        if name not in NUMPY:
            raise TypeError(f"np.{name} is not traced")
        return applied(NUMPY[name], *inputs)

    def __array_function__(self, function: Any, types: object, args: Any, options: Any) -> Any:
        module = str(getattr(function, "__module__", "")).removeprefix("numpy").lstrip(".")
        name = f"{module}.{function.__name__}".lstrip(".")
        if name not in OF_ARRAYS:
            raise TypeError(f"np.{name} is not traced")
        return OF_ARRAYS[name](*args, **options)


def _binary(name: str, turned: bool) -> Callable[[Traced, Any], Any]:
    def method(self: Traced, other: Any) -> Any:
        if turned and name == "add" and type(other) is int and other == 0:
            return self  # where sum(...) starts
        try:
            other = valued(other)
        except TypeError:
            return NotImplemented
        return applied(name, *((other, self) if turned else (self, other)))

    return method


for _python, _name in OPERATORS.items():
    setattr(Traced, f"__{_python}__", _binary(_name, False))
    if _name not in PRIMITIVES or not PRIMITIVES[_name].truth:
        setattr(Traced, f"__r{_python}__", _binary(_name, True))


def valued(x: Any, *, entry: bool = False) -> Traced:
    """Return a value that takes part: a traced one, a number, or an array of numbers written out.

    Args:
        x: The value.
        entry: It stands in the brackets of an array, or is all that a name is given.
    Raises:
        TypeError: for anything else.
        ValueError: for an array that is too large, and for what is not finite.
    """
    if isinstance(x, Traced):
        return x
    shape = getattr(x, "shape", ())
    if shape or isinstance(x, (list, tuple)):
        rows = list(x)
        if not rows or len(shape) > 2 or math.prod(shape) > MOST_WRITTEN:
            raise ValueError(f"an array of shape {shape} is not written into a program: make it an argument")
        entries = [valued(row, entry=True) for row in rows]
        if len(entries) == 1 and not entries[0].shape and not entry:  # brackets around a number are no vector
            ones = Traced("ones", 1, [Traced("1", NUMBER_ITEM)], (1,))
            return Traced("multiply", 2, [entries[0], ones], (1,))
        return Traced(STACK, len(entries), entries, (len(entries), *entries[0].shape))
    if isinstance(x, (str, bytes)) or not hasattr(x, "__float__") or isinstance(x, complex):
        raise TypeError(f"{x!r:.40} is no number")
    value = float(x)
    if not math.isfinite(value):
        raise ValueError(f"{value} is not a finite number")
    size = abs(value)
    exact = str(abs(int(x))) if isinstance(x, int) else exact_text(size)
    leaf = Traced(exact, NUMBER_ITEM)
    return Traced("negative", 1, [leaf]) if math.copysign(1.0, value) < 0 else leaf


def is_condition(x: Traced) -> bool:
    """Whether a value holds or does not hold."""
    return x.text in PRIMITIVES and PRIMITIVES[x.text].truth


def counted(x: Any) -> Traced:
    """Return 1 for a condition that holds and 0 for one that does not.

    Raises:
        TypeError: for what is none.
    """
    value = valued(x)
    if not is_condition(value):
        raise TypeError(f"{value!r:.40} is no condition")
    return applied("where", value, 1, 0)


def applied(name: str, *operands: Any) -> Traced:
    """Return a primitive applied to values, as the text for their shapes writes it.

    A condition is 1 or 0 where it is computed with, as in NumPy.

    Raises:
        TypeError: for what is no value, and for shapes that do not go together.
    """
    values = [valued(x) for x in operands]
    chooses = name == "where"
    values = [counted(x) if is_condition(x) and (k or not chooses) else x for k, x in enumerate(values)]
    shapes = [x.shape for x in values]
    if name == "@":
        return _product(*values)
    shape = next((s for s in shapes if s), ())
    if shape and any(s not in ((), shape) for s in shapes):
        import numpy as np

        shape = np.broadcast_shapes(*shapes)
    matrices = any(len(s) == 2 for s in shapes)
    if (
        matrices
        and name in BY_NUMBER
        and (all(shapes) or name == "power" or (name == "divide" and shapes[1]))
    ):
        name = BY_NUMBER[name]
    if name == "mod" and matrices:
        raise TypeError("% of matrices is not traced")
    return Traced(name, len(values), values, shape)


def _product(a: Traced, b: Traced) -> Traced:
    if not a.shape or not b.shape:
        raise TypeError("@ is the product of arrays, and one of these is a number; * multiplies numbers")
    if a.shape[-1] != b.shape[0]:
        raise TypeError(f"shapes {a.shape} and {b.shape} do not go together in @")
    if a.ndim == 1 and b.ndim == 2:
        return Traced("@", 2, [b.T, a], b.shape[1:])
    return Traced("@", 2, [a, b], (*a.shape[:-1], *b.shape[1:]))


def folded(name: str, x: Any, axis: int | None = None, **options: Any) -> Traced:
    """Return a sum, mean or extremum over an axis, or over all numbers; of a single number it is itself."""
    value = valued(x)
    value = counted(value) if is_condition(value) else value
    if any(option is not None and option is not False for option in options.values()):
        raise TypeError(f"{name}: {', '.join(options)} is not traced")
    if not value.shape:
        return value
    if axis is not None and (not isinstance(axis, int) or not -value.ndim <= axis < value.ndim):
        raise TypeError(f"{name}: axis {axis} of {value.ndim} axes is not traced")
    if axis is None or value.ndim == 1:
        return Traced(name, 1, [value])
    if name in ("max", "min"):
        raise TypeError(f"{name} along an axis is not traced, {name} of all numbers is")
    rows = axis in (1, -1)
    total = Traced("rowsum" if rows else "colsum", 1, [value], value.shape[:1] if rows else value.shape[1:])
    return total if name == "sum" else applied("divide", total, value.shape[1 if rows else 0])


def part(x: Traced, key: object) -> Traced:
    """Return what an index picks: whole numbers and slices without a step."""
    import numpy as np

    keys = key if isinstance(key, tuple) else (key,)
    shape = np.empty(x.shape, np.bool_)[keys].shape
    words = []
    for k, size in zip((*keys, *[slice(None)] * (x.ndim - len(keys))), x.shape, strict=False):
        if isinstance(k, slice) and k.step in (None, 1):
            whole = k.start is None and k.stop is None
            start, stop, _ = k.indices(size)
            words.append(":" if whole else f"{start}:{stop}")
        elif isinstance(k, (int, np.integer)):
            words.append(str(int(k)))
        else:
            raise TypeError(f"an index is a whole number or a slice without a step, not {k!r:.40}")
    return Traced(f"[{', '.join(words)}]", 1, [x], shape)


def _of_matrix(name: str, shape: Callable[..., Shape]) -> Callable[..., Traced]:
    def function(*operands: Any) -> Traced:
        values = [valued(x) for x in operands]
        return Traced(name, len(values), values, shape(*(x.shape for x in values)))

    return function


MATRIX: Mapping[str, Callable[..., Traced]] = {
    "norm": _of_matrix("norm", lambda *_: ()),
    "dot": lambda a, b: valued(a).dot(b),
    "outer": _of_matrix("outer", lambda a, b: (*a, *b)),
    "trace": _of_matrix("trace", lambda _: ()),
    "det": _of_matrix("det", lambda _: ()),
    "logdet": _of_matrix("logdet", lambda _: ()),
    "inv": _of_matrix("inv", lambda a: a),
    "solve": _of_matrix("solve", lambda a, b: b),
    "diag": _of_matrix("diag", lambda x: (*x, *x) if len(x) == 1 else x[:1]),
    "rowsum": _of_matrix("rowsum", lambda x: x[:1]),
    "colsum": _of_matrix("colsum", lambda x: x[1:]),
    "softmax": _of_matrix("softmax", lambda z: z),
    "log_softmax": _of_matrix("log_softmax", lambda z: z),
    "logsumexp": _of_matrix("logsumexp", lambda x: x[:-1]),
    "cross_entropy": _of_matrix("cross_entropy", lambda z, _: z[:-1]),
    "concat": _of_matrix("concat", lambda *shapes: (*shapes[0][:-1], sum(shape[-1] for shape in shapes))),
    "standardize": _of_matrix("standardize", lambda x, *_: x),
    "scale_rows": _of_matrix("scale_rows", lambda w, a: a),
    "reshape": lambda x, *sizes: Traced("reshape", 1 + len(sizes), list(map(valued, (x, *sizes))), sizes),
    "transpose": lambda x: valued(x).T,
    "sum": lambda x, axis=None, **more: folded("sum", x, axis, **more),
    "mean": lambda x, axis=None, **more: folded("mean", x, axis, **more),
}
"""Functions over arrays, by our names."""

OF_ARRAYS: Mapping[str, Callable[..., Any]] = {
    **{name: MATRIX[name] for name in ("sum", "mean", "dot", "outer", "trace", "transpose", "diag")},
    **{name: lambda x, axis=None, n=name, **more: folded(n[-3:], x, axis, **more) for name in
       ("max", "min", "amax", "amin")},
    **{f"linalg.{name}": MATRIX[name] for name in ("norm", "det", "inv", "solve", "outer", "trace")},
    "where": lambda condition, a, b: applied("where", condition, a, b),
    "clip": lambda x, low, high: applied("clamp", x, low, high),
    "round": lambda x: applied("round", x),
    "sinc": lambda x: applied("sinc", math.pi * x),
    "inner": lambda a, b: valued(a).dot(b),
    "shape": lambda x: x.shape,
    "ndim": lambda x: x.ndim,
    "size": lambda x: x.size,
}  # fmt: skip
"""Functions of NumPy's that go through its protocol, by their modules and names."""


def called(name: str, *operands: Any) -> Traced:
    """Return a function of our language applied to values."""
    if name in ("max", "min") and len(operands) == 1:
        return folded(name, operands[0])
    if name in MATRIX:
        return MATRIX[name](*operands)
    return applied(FUNCTIONS[name].name if name in FUNCTIONS else name, *operands)


def items_of(
    value: Traced, named: Mapping[Traced, str] = NOTHING, numbers: Mapping[str, str] = NOTHING
) -> list[Item]:
    """Return the items of a value; what has a name is written by it.

    Args:
        value: What is written.
        named: Steps with names.
        numbers: Names of constants, by the numbers.
    """
    items: list[Item] = []
    todo: list[tuple[Traced, bool]] = [(value, False)]
    while todo:
        x, ready = todo.pop()
        if x in named and x is not value:
            items.append(Item(named[x], NAME_ITEM, 0, 0))
        elif x.text in numbers:
            items.append(Item(numbers[x.text], NAME_ITEM, 0, 0))
        elif ready or not x.operands:
            items.append(Item(x.text, x.arity, 0, 0))
        else:
            todo.append((x, True))
            todo += [(operand, False) for operand in reversed(x.operands)]
    return items


def inlined(program: Program, given: Mapping[str, Any]) -> Traced:
    """Return the value of a program whose inputs are values of a function that is traced.

    Raises:
        UsageError: for a program with functions of its own.
    """
    if program.source.functions and any(s.params is not None for s in program.statements[:-1]):
        raise UsageError("a program with functions of its own is not traced", source=program.source)
    known = {name: valued(x) for name, x in given.items()}
    for statement in program.statements:
        value = fold(
            statement.items,
            name=lambda item: known[item.text] if item.text in known else _constant(program, item),
            number=lambda item: Traced(item.text, NUMBER_ITEM),
            apply=lambda item, xs: part_or_call(item.text, xs),
        )
        if statement.name is not None:
            known.setdefault(statement.name, value)
    return known.get(statement.name or "", value)


def _constant(program: Program, item: Item) -> Traced:
    if item.text not in CONSTANTS:
        raise BindingError(f"no value for {item.text}", source=program.source, span=(item.start, item.end))
    return valued(CONSTANTS[item.text].value)


def part_or_call(text: str, operands: Sequence[Traced]) -> Traced:
    """Return an item of a program applied to values."""
    if text[0] == "[":
        return Traced(text, 1, operands, part(operands[0], _key(text)).shape)
    if text == "'":
        return operands[0].T
    if text == STACK:
        return valued(list(operands), entry=True)
    return called({sign: name for name, sign in BY_NUMBER.items()}.get(text, text), *operands)


def _key(text: str) -> tuple[int | slice, ...]:
    def one(word: str) -> int | slice:
        start, colon, stop = word.strip().partition(":")
        return slice(int(start) if start else None, int(stop) if stop else None) if colon else int(word)

    return tuple(map(one, text[1:-1].split(",")))


def traced(function: Callable[..., Any], shapes: Mapping[str, Shape] | None = None) -> Program:
    """Return a Python function as a program.

    Args:
        function: Of numbers, or of arrays of known shapes, with a number or an array for its value.
        shapes: Of the arguments that are arrays.
    Raises:
        BackpropError: for a function that cannot be traced, with the line where.
    """
    title = getattr(function, "__name__", type(function).__name__)
    shapes = shapes or {}
    leaves: dict[str, Traced] = {}
    defaults: dict[str, str] = {}
    parameters = inputs_of(function)
    for name, parameter in parameters.items():
        if not re.fullmatch(NAME, name) or len(name) > NAME_LIMIT:
            raise UsageError(f"{title} has an argument {name}, which is no name of the language")
        shape: Shape = ()
        if parameter.default is not Parameter.empty:
            default = _told(parameter.default, f"the default of {name}", entry=True)
            defaults[name], shape = format_items(items_of(default)), default.shape
        leaves[name] = Traced(name, NAME_ITEM, (), shapes.get(name, shape))
    result, local = _called(function, title, parameters, leaves)
    output = _told(result, f"what {title} returns")
    text = _text(title, leaves, defaults, output, local)
    source = Source(text)
    arrays = bool(shapes) or any(x.shape or (x.arity == 1 and x.text in CALLED) for x in _reached(output))
    try:
        return parse_arrays(source) if arrays else parse(source, large=True)
    except BackpropError as error:
        error.place = title
        raise


def inputs_of(function: Callable[..., Any]) -> dict[str, Parameter]:
    """Return the arguments that are traced.

    What has a default and stands behind ``*``, or a default that is no number, is a setting: it keeps its
    value.

    Raises:
        UsageError: for a function that does not name what it takes.
    """
    title = getattr(function, "__name__", type(function).__name__)
    try:
        found = signature(function).parameters
    except (TypeError, ValueError):
        raise UsageError(
            f"{title} cannot be traced: it does not say what it takes", hint="lambda x: ..., around it"
        ) from None
    for name, parameter in found.items():
        if parameter.kind in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD):
            raise UsageError(
                f"{title} takes *{name}: a traced function names what it takes",
                hint="an array is one argument: def f(x): ...",
            )
    return {name: parameter for name, parameter in found.items() if not _is_setting(parameter)}


def _is_setting(parameter: Parameter) -> bool:
    default = parameter.default
    if default is Parameter.empty:
        return False
    number = isinstance(default, (int, float)) and not isinstance(default, bool)
    plain = not number and not hasattr(default, "shape") and not isinstance(default, (list, tuple))
    return plain or parameter.kind is Parameter.KEYWORD_ONLY


def _told(x: Any, what: str, *, entry: bool = False) -> Traced:
    try:
        return valued(x, entry=entry)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{what}: {error}") from None


def _called(
    function: Callable[..., Any],
    title: str,
    parameters: Mapping[str, Parameter],
    leaves: Mapping[str, Traced],
) -> tuple[Any, Mapping[str, Any]]:
    """Call a function; return what it returns, and its local values at the end.

    Raises:
        BackpropError: for whatever it raises.
    """
    code = getattr(function, "__code__", None)
    local: dict[str, Any] = {}

    def watch(frame: FrameType, event: str, _: object) -> None:
        if event == "return" and frame.f_code is code:
            local.clear()
            local.update(frame.f_locals)

    only = Parameter.POSITIONAL_ONLY
    positional = [x for name, x in leaves.items() if parameters[name].kind is only]
    by_name = {name: x for name, x in leaves.items() if parameters[name].kind is not only}
    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        return _with_extrema(function)(*positional, **by_name), local
    except BackpropError:
        raise
    except Exception as error:
        sys.setprofile(before)
        place = _place(error.__traceback__ and _last(error.__traceback__))
        raise UsageError(
            f"{title} cannot be traced: {type(error).__name__}: {error}", place=place,
            hint=FUNCTION if isinstance(error, (TypeError, AttributeError)) else None,
        ) from error  # fmt: skip
    finally:
        sys.setprofile(before)


def _with_extrema(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function in which Python's max and min, which compare, are ours."""
    if not isinstance(function, FunctionType):
        return function
    used = {*function.__code__.co_names} & {"max", "min"}
    own = {name: _extremum(name) for name in used if name not in function.__globals__}
    if not own:
        return function
    copied = FunctionType(
        function.__code__, {**function.__globals__, **own}, function.__name__, function.__defaults__,
        function.__closure__,
    )  # fmt: skip
    copied.__kwdefaults__ = function.__kwdefaults__
    return copied


def _extremum(name: str) -> Callable[..., Any]:
    plain: Callable[..., Any] = {"max": max, "min": min}[name]

    def extremum(*values: Any, **options: Any) -> Any:
        each: Iterable[Any] = values
        if len(values) == 1 and isinstance(values[0], Iterable):
            each = values = tuple(values[0])
        return plain(each, **options) if options or not has_traced(values) else applied(name, *values)

    return extremum


def has_traced(values: Iterable[Any]) -> bool:
    """Whether a value is traced, or a list that has one."""
    return any(
        has_traced(x) if isinstance(x, (list, tuple)) or getattr(getattr(x, "dtype", None), "kind", "") == "O"
        else isinstance(x, Traced)
        for x in values
    )  # fmt: skip


def _reached(output: Traced) -> list[Traced]:
    """Return all that a value takes, in the order in which it was computed."""
    found = {output}
    todo = [output]
    while todo:
        new = {*todo.pop().operands} - found
        found |= new
        todo += new
    return sorted(found, key=lambda x: x.order)


def _text(
    title: str, leaves: Mapping[str, Traced], defaults: Mapping[str, str], output: Traced,
    local: Mapping[str, Any],
) -> str:  # fmt: skip
    """Return the program: defaults, steps with names, and the output as a function of all arguments."""
    reached = _reached(output)
    numbers = {exact_text(CONSTANTS[n].value): n for n in ("pi", "tau") if n not in {*leaves, *local, title}}
    uses: dict[Traced, int] = dict.fromkeys(reached, 0)
    for x in reached:
        for operand in x.operands:
            uses[operand] += 1
    steps = [x for x in reached if x.operands and x is not output]
    own = {
        id(x): name for name, x in reversed([*local.items()]) if isinstance(x, Traced) and name not in leaves
    }
    taken = {*leaves, *(x.text for x in reached), *numbers.values(), title}
    named: dict[Traced, str] = {}
    words = (word for k in count(1) if (word := f"t{k}") not in {*taken, *own.values()})
    for x in steps:
        name = own.get(id(x), "")
        if name in taken or not re.fullmatch(NAME, name) or len(name) > NAME_LIMIT:
            if uses[x] < 2 or _is_constant(x):
                continue
            name = next(words)
        named[x] = name
        taken.add(name)
    taken = (taken - {title}) | {*FUNCTIONS, *CALLED}
    candidates = (own.get(id(output), ""), title, *OUTPUT_NAMES)
    header = free_name([name for name in candidates if re.fullmatch(NAME, name)], taken)
    lines = [f"{name} = {text}" for name, text in defaults.items()]
    lines += [f"{name} = {format_items(items_of(x, named, numbers))}" for x, name in named.items()]
    header = f"{header}({', '.join(leaves)})" if leaves else header
    return "\n".join([*lines, f"{header} = {format_items(items_of(output, named, numbers))}"])


def _is_constant(x: Traced) -> bool:
    return all(leaf.arity == NUMBER_ITEM for leaf in _reached(x) if not leaf.operands)


def _at_the_user(message: str, hint: str) -> Unknown:
    return Unknown(message, place=_place(sys._getframe(1)), hint=hint)


def _last(traceback: Any) -> FrameType:
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    frame: FrameType = traceback.tb_frame
    return frame


def _place(frame: FrameType | None) -> str | None:
    """Return file and line of the innermost frame that is the user's."""
    while frame is not None and str(frame.f_globals.get("__name__")).partition(".")[0] in OWN:
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame is not None else None
