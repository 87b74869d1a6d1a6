"""A forward and a backward pass over arrays, as somebody wrote them, and difference quotients of them.

The forward pass is any function of NumPy arrays (PyTorch's and JAX's, where those are given). What the
backward pass gives is the pull-back of a cotangent ``dout`` of the output; it is held to central differences
of ``sum(dout*out)``, extrapolated once (Richardson).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from copy import copy
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..engine.work import through
from ..errors import UsageError, counted

Array = npt.NDArray[np.float64]

STEPS = (2e-3, 2e-4, 2e-5, 2e-6, 2e-7)
"""Distances of the quotients, times the size of the number that is moved; each a tenth of the one before."""

CLOSE = 1e-6
"""Relative error of a quotient from which no other steps are tried."""

SINGLE = (2e-1, 2e-2, 2e-3)
"""The same where the forward pass computes in single precision."""

BENDS = 1e-4
"""Share of the slope by which the sides of a kink differ at least."""


class Quotients(NamedTuple):
    """Difference quotients of some entries of an array.

    Attributes:
        slope: The extrapolated central ones.
        error: How far each may be off.
        left: One-sided ones, of the shortest step that says something.
        right: To the other side.
        kink: Where the sides differ and come no closer.
    """

    slope: Array
    error: Array
    left: Array
    right: Array
    kink: npt.NDArray[np.bool_]


class Subject:
    """A forward pass with its backward pass and the arrays between which they work.

    Args:
        forward: ``out = forward(*inputs)``, or ``out, cache = forward(*inputs)``; without a backward pass
            ``value, gradients = forward(*inputs)``.
        backward: ``backward(dout, cache)``, ``backward(dout, *inputs)``, or ``backward(*inputs)`` where the
            output is a single number.
        inputs: What the forward pass takes. Arrays of floats and floats are moved, others are handed on.
        seed: Of the cotangent that the output is given.
    Raises:
        UsageError: where they cannot be called like that.
    """

    def __init__(
        self,
        forward: Callable[..., Any],
        backward: Callable[..., Any] | None,
        inputs: Sequence[Any],
        *,
        seed: int = 0,
    ) -> None:
        self.forward, self.backward = forward, backward
        self.names = _names(forward, len(inputs))
        self.dressed = [_dresser(given) for given in inputs]
        self.inputs: list[Any] = [_plain(given) for given in inputs]
        self.moved = [k for k, x in enumerate(self.inputs) if is_float(x)]
        if not self.moved:
            raise UsageError("nothing to move: no input is a float or an array of floats")
        self.eps = 2.0**-52
        first, second = self._out(self.inputs), self._out(self.inputs)
        if not np.array_equal(first, second, equal_nan=True):
            raise UsageError(
                f"{_called(forward)} gives another result the second time it is called",
                hint="let dropout and noise draw from np.random.default_rng(0) anew in every call",
            )
        if not np.all(np.isfinite(first)):
            raise UsageError(f"{_called(forward)} gives nan or inf at these inputs")
        for k in self.moved:
            if not np.size(self.inputs[k]):
                raise UsageError(f"{self.names[k]} has no entries")
        self.out: Array = first
        draw = np.random.default_rng(seed)
        self.dout: Array = np.ones(()) if first.ndim == 0 else draw.standard_normal(first.shape)

    def _call(self, arrays: Sequence[Any]) -> Any:
        dressed = [
            dress(np.array(x) if isinstance(x, np.ndarray) else x)
            for dress, x in zip(self.dressed, arrays, strict=True)
        ]
        return self.forward(*dressed)

    def _out(self, arrays: Sequence[Any]) -> Array:
        out = self._call(arrays)
        if isinstance(out, (tuple, list)):
            if not out:
                raise UsageError(f"{_called(self.forward)} returns nothing")
            out = out[0]
        if str(getattr(out, "dtype", "")).endswith(("float32", "float16")):
            self.eps = 2.0**-23
        return _as_floats(out, f"what {_called(self.forward)} returns")

    def value(self, arrays: Sequence[Any], dout: Array) -> float:
        """Return ``sum(dout*out)``."""
        return float(np.sum(dout * self._out(arrays)))

    def gradients(self) -> list[Array | None]:
        """Return what the backward pass gives for each moved input.

        Raises:
            UsageError: where it cannot be called, gives nothing, or changes its inputs.
        """
        given = [
            dress(np.array(x) if isinstance(x, np.ndarray) else x)
            for dress, x in zip(self.dressed, self.inputs, strict=True)
        ]
        before = [np.array(_plain(x)) if k in self.moved else None for k, x in enumerate(given)]
        result = self.forward(*given)
        for name, x, old in zip(self.names, given, before, strict=True):
            if old is not None and not np.array_equal(_plain(x), old):
                raise UsageError(
                    f"{_called(self.forward)} changes its input {name} in place",
                    hint=f"work on a copy: {name} = {name}.copy()",
                )
        found = self._pulled(result, given)
        who = self.backward or self.forward
        for name, x, old in zip(self.names, given, before, strict=True):
            if old is not None and not np.array_equal(_plain(x), old):
                raise UsageError(
                    f"{_called(who)} changes {name} in place", hint=f"work on a copy: {name} = {name}.copy()"
                )
        if isinstance(found, dict):
            return [_optional(found.get(self.names[k]), self.names[k]) for k in self.moved]
        several = list(found) if isinstance(found, (tuple, list)) else [found]
        if len(several) == len(self.inputs):
            return [_optional(several[k], self.names[k]) for k in self.moved]
        if len(several) == len(self.moved):
            return [_optional(x, self.names[k]) for x, k in zip(several, self.moved, strict=True)]
        arrays = ", ".join(self.names[k] for k in self.moved)
        raise UsageError(
            f"{_called(who)} gives {counted(len(several), 'gradient')} for {arrays}",
            hint="return one for each, in the order of the forward pass; None for one that is not asked",
        )

    def _pulled(self, result: Any, given: list[Any]) -> Any:
        pair = isinstance(result, (tuple, list)) and len(result) >= 2
        if self.backward is None:
            if not pair:
                raise UsageError(
                    f"there is no backward pass, and {_called(self.forward)} returns its value alone",
                    hint="gradcheck(forward, backward, x, ...), or a function that returns (loss, gradient)",
                )
            if self.out.ndim:
                raise UsageError("a function that returns its gradients has a single number as its value")
            rest = list(result[1:])
            return rest[0] if len(rest) == 1 else rest
        dout: Any = _dresser_of_kind(given, self.dressed)(
            np.array(self.dout) if self.dout.ndim else self.dout[()]
        )
        least, most = _positions(self.backward)
        count = len(given)
        if pair and least <= 2 <= most and not (least == most == count + 1 and count + 1 != 2):
            return self.backward(dout, result[1] if len(result) == 2 else tuple(result[1:]))
        if least == count and not self.out.ndim:  # what has a default is an option
            return self.backward(*given)
        if least <= count + 1 <= most:
            return self.backward(dout, *given)
        if least <= count <= most and not self.out.ndim:
            return self.backward(*given)
        raise UsageError(
            f"{_called(self.backward)} takes {least if least == most else f'{least} to {most}'} arguments: "
            f"no cache came from {_called(self.forward)}, and dout with its {count} inputs are {count + 1}",
            hint="backward(dout, cache) where forward returns (out, cache), or backward(dout, *inputs)",
        )

    # quotients

    def quotients(
        self, place: int, entries: Sequence[tuple[int, ...]], dout: Array | None = None
    ) -> Quotients:
        """Return difference quotients of ``sum(dout*out)`` by some entries of an input."""
        weight = self.dout if dout is None else dout
        arrays = [np.array(x) if isinstance(x, np.ndarray) else x for x in self.inputs]
        base = self.value(arrays, weight)
        x = np.array(self.inputs[place], float)
        rows = [
            self._quotient(arrays, place, x, entry, weight, base)
            for entry in through(entries, f"moving {self.names[place]}, entry")
        ]
        slope, error, left, right, kink = (np.array(column) for column in zip(*rows, strict=True))
        return Quotients(slope, error, left, right, kink.astype(bool))

    def _quotient(
        self, arrays: list[Any], place: int, x: Array, entry: tuple[int, ...], weight: Array, base: float
    ) -> tuple[float, float, float, float, bool]:
        def at(to: float) -> Array:
            moved = x.copy()
            moved[entry] = to
            arrays[place] = moved
            return self._out(arrays)

        old = float(x[entry])
        usual = max(abs(old), 0.05 * float(np.max(np.abs(x))), 1e-3)
        best, sides = (np.inf, 0.0), list[tuple[float, float, float]]()
        for scale in dict.fromkeys((usual, abs(old) or usual)):  # log at 1e-9 wants steps of its own size
            before: float | None = None
            sides.clear()
            for step in STEPS if self.eps < 1e-10 else SINGLE:
                up, down = old + step * scale, old - step * scale
                with np.errstate(all="ignore"):
                    high, low = at(up), at(down)
                above, below = float(np.sum(weight * high)), float(np.sum(weight * low))
                if not (np.isfinite(above) and np.isfinite(below)):
                    before = None
                    continue
                width = up - down
                size = float(np.sum(np.abs(weight) * (np.abs(high) + np.abs(low))))
                rounding = self.eps * size / width
                central = (above - below) / width
                sides.append(((base - below) / (old - down), (above - base) / (up - old), rounding))
                if before is not None:
                    # the error of a central difference falls with the square of its step
                    better = central + (central - before) / 99.0
                    best = min(best, (abs(better - central) + rounding, better))
                    if best[0] <= 1e-9 * abs(better):
                        break
                before = central
            if best[0] <= CLOSE * abs(best[1]):
                break
        arrays[place] = self.inputs[place]
        left, right, kink = _bend(sides)
        return best[1], best[0], left, right, kink

    # mistakes

    def part(self, place: int, entries: Sequence[tuple[int, ...]], where: tuple[int, ...]) -> Array:
        """Return the slopes that a part of the output brings."""
        alone = np.zeros_like(self.dout)
        alone[where] = self.dout[where]
        return self.quotients(place, entries, alone).slope

    def with_input(self, place: int, array: Array) -> Subject | None:
        """Return the same with another array; None where the forward pass does not take it."""
        other = copy(self)
        other.inputs = [*self.inputs[:place], array, *self.inputs[place + 1 :]]
        try:
            return other if other._out(other.inputs).shape == self.out.shape else None
        except Exception:  # whatever somebody's function raises
            return None


def _bend(sides: Sequence[tuple[float, float, float]]) -> tuple[float, float, bool]:
    """Return the slopes of both sides, and whether they are those of a kink."""
    if not sides:
        return 0.0, 0.0, False
    gaps = [(abs(right - left), rounding, max(abs(left), abs(right))) for left, right, rounding in sides]
    clear = [k for k, (gap, rounding, _) in enumerate(gaps) if gap > 30.0 * rounding]
    last = clear[-1] if clear else len(sides) - 1
    left, right, _ = sides[last]
    gap, rounding, size = gaps[last]
    # of a smooth function the gap is a tenth with each step, and is lost in rounding in the end
    kept = 0 < last == len(sides) - 1 and gap > 0.5 * gaps[last - 1][0]
    return left, right, kept and gap > max(BENDS * size, 100.0 * rounding)


# arrays of any kind


def _names(function: Callable[..., Any], count: int) -> list[str]:
    """Return the forward pass's names of its inputs; x1, x2, ... where it has none."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    own = [p.name for p in parameters if p.kind in kinds][:count]
    return [*own, *(f"x{k + 1}" for k in range(len(own), count))]


def _positions(function: Callable[..., Any]) -> tuple[int, float]:
    """Return how many positional arguments a function takes, at least and at most."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return 0, np.inf
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    places = [p for p in parameters if p.kind in kinds]
    most = np.inf if any(p.kind is p.VAR_POSITIONAL for p in parameters) else len(places)
    return sum(p.default is p.empty for p in places), most


def _called(function: Callable[..., Any]) -> str:
    return str(getattr(function, "__name__", type(function).__name__))


def is_float(x: object) -> bool:
    """Whether an input is moved: a float, or an array of floats."""
    return isinstance(x, float) or (isinstance(x, np.ndarray) and x.dtype.kind == "f")


def _plain(given: Any) -> Any:
    """Return an input as NumPy has it, floats in double precision; what is no array as it is."""
    if type(given).__module__.partition(".")[0] == "torch":
        given = given.detach().cpu().numpy()
    elif not isinstance(given, np.ndarray) and hasattr(given, "__array__"):
        given = np.asarray(given)
    if isinstance(given, np.ndarray):
        return np.array(given, float) if given.dtype.kind == "f" else given
    if isinstance(given, list) and given and _all_floats(given):
        return np.array(given, float)
    return given


def _all_floats(given: list[Any]) -> bool:
    return all(_all_floats(x) if isinstance(x, list) else isinstance(x, float) for x in given)


def _dresser(given: Any) -> Callable[[Any], Any]:
    """Return what makes an input of NumPy's array again: of the kind that was given."""
    module = type(given).__module__.partition(".")[0]
    if module == "torch":
        as_tensor = import_module("torch").as_tensor
        return lambda x: as_tensor(x)
    if module in ("jax", "jaxlib"):
        as_array = import_module("jax.numpy").asarray
        return lambda x: as_array(x)
    if isinstance(given, float):
        return lambda x: float(x)
    return lambda x: x


def _dresser_of_kind(given: Sequence[Any], dressed: Sequence[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    """Return what makes the cotangent of the kind of the arrays."""
    for x, dress in zip(given, dressed, strict=True):
        if type(x).__module__.partition(".")[0] in ("torch", "jax", "jaxlib"):
            return dress
    return lambda x: x


def _as_floats(given: Any, what: str) -> Array:
    plain = _plain(given)
    try:
        return np.array(plain, float)
    except (TypeError, ValueError):
        raise UsageError(f"{what} is no array of numbers: {type(given).__name__}") from None


def _optional(given: Any, name: str) -> Array | None:
    return None if given is None else _as_floats(given, f"the gradient of {name}")
