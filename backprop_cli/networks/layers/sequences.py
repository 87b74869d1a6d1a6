"""Layers over the steps of a sequence: each is nothing but the text of a program.

Parameters, the order of gates and defaults are PyTorch's.

Source:
    Elman (1990), Finding structure in time; Hochreiter and Schmidhuber (1997) with the forget gate of Gers,
    Schmidhuber and Cummins (2000); Cho et al. (2014), with the reset after the product as PyTorch has it;
    Vaswani et al. (2017), Attention is all you need.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import sqrt
from types import MappingProxyType
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from ...errors import ConfigError
from ...settings import Count, Fault
from .kind import LayerKind
from .weights import Declared, Init, Uniform, too_many
from .writing import STEPS, Flow, Size, Writing, present

NOWHERE = "1e9"
"""What is taken from the score of a step that is not looked at: e^-1e9 is 0."""

MASK = "mask"
"""What says which steps a sequence of data has: `recurrence.MASK`."""


def sequence(at: Writing, x: Flow) -> tuple[str, Size]:
    """Return the name and the length of a sequence.

    Raises:
        ConfigError: for what is none.
    """
    if x.steps is None:
        counted = "{type: embedding, size: 16} before it makes numbers of what each step counts"
        shaped = counted if x.size == STEPS else "data.shape: [steps, numbers] makes them of a row"
        raise ConfigError(
            f"{at.layer} takes the steps of a sequence, but gets {at.words(x)}",
            hint=shaped if x.text == "x" else None,
        )
    return at.given(x).text, x.steps


class OverSteps(LayerKind, frozen=True):
    """A layer that is a part of a program."""

    program = True


class Recurrent(OverSteps, frozen=True):
    """A loop over the steps, with a state of so many units."""

    units: Annotated[Count | None, Meta(description="of the state; by default what the target needs")] = None
    bidirectional: Annotated[
        bool, Meta(description="a second loop from the last step to the first, whose states stand behind")
    ] = False
    init: Annotated[
        Init, Meta(description="of all parameters; auto: between -1/sqrt(units) and that, as PyTorch has it")
    ] = "auto"

    gates: ClassVar[int] = 1

    def faults(self, key: str) -> Iterator[Fault]:
        if self.units is not None:
            yield from too_many(f"{key}.units", self.units)

    def written(self, at: Writing, x: Flow) -> Flow:
        name, steps = sequence(at, x)
        units: Size = self.units or "outputs"
        if not self.bidirectional:
            return Flow(self._loop(at, name, x.size, units), units, steps)
        ahead, turned = self._loop(at, name, x.size, units), at.name("k")
        # the last step that there is becomes the first; those behind it stay behind
        there = f"sum({MASK})" if steps == STEPS else steps
        at.line(f"{turned} = abs({there} - rowsum(tril({present(steps)})))")
        with at.of(self.letters):
            behind = at.name("x")
            at.line(f"{behind} = {name}[{turned}]")
            back = self._loop(at, behind, x.size, units)
        both = f"2*{units}" if isinstance(units, str) else 2 * units
        return Flow(f"concat({ahead}, {back}[{turned}])", both, steps)

    def _loop(self, at: Writing, x: str, size: Size, units: Size) -> str:
        """Write one loop; return the name of its states."""
        init = self.init
        if init == "auto" and isinstance(units, int):
            init = Uniform(uniform=round(1.0 / sqrt(units), 4))
        h = at.size("H", units)
        every = f"{self.gates}*{h}" if self.gates > 1 else h
        w, u = (at.parameter(k, Declared(shape=[every, n], init=init)) for k, n in (("W", size), ("U", h)))
        b, d = (at.parameter(k, Declared(shape=every, init=init)) for k in "bd")
        state = at.output()
        at.line(f"{state}[-1] = zeros({h})")
        self._step(at, state, f"{w}@{x}[t] + {b}", f"{u}@{state}[t-1] + {d}", h)
        return state

    def _step(self, at: Writing, state: str, z: str, before: str, h: str) -> None:
        """Write a step: ``z`` is what comes from the input, ``before`` from the state before it."""
        raise NotImplementedError


class Rnn(Recurrent, frozen=True, tag="rnn"):
    """h[t] = tanh(W x[t] + b + U h[t-1] + d): a plain recurrent layer (Elman)."""

    nonlinearity: Annotated[Literal["tanh", "relu"], Meta(description="of a step")] = "tanh"

    letters = ("W", "U", "b", "d", "H", "k", "x")

    def _step(self, at: Writing, state: str, z: str, before: str, h: str) -> None:
        at.line(f"{state}[t] = {self.nonlinearity}({z} + {before})")


class Lstm(Recurrent, frozen=True, tag="lstm"):
    """A long short-term memory: gates i, f, g, o over a cell (Hochreiter and Schmidhuber)."""

    letters = ("W", "U", "b", "d", "H", "k", "x", "g", "c")
    gates = 4

    def _step(self, at: Writing, state: str, z: str, before: str, h: str) -> None:
        g, c = at.name("g"), at.name("c")
        i, f, j, o = (f"{g}[t][{start}:{end}]" for start, end in parts(h, 4))
        at.line(f"{c}[-1] = zeros({h})")
        at.line(f"{g}[t] = {z} + {before}")
        at.line(f"{c}[t] = sigmoid({f})*{c}[t-1] + sigmoid({i})*tanh({j})")
        at.line(f"{state}[t] = sigmoid({o})*tanh({c}[t])")


class Gru(Recurrent, frozen=True, tag="gru"):
    """A gated recurrent unit: gates r and u, a candidate n (Cho et al.)."""

    letters = ("W", "U", "b", "d", "H", "k", "x", "z", "s", "r", "u", "n")
    gates = 3

    def _step(self, at: Writing, state: str, z: str, before: str, h: str) -> None:
        own, s, r, u, n = map(at.name, "zsrun")
        first, second, third = (f"[t][{start}:{end}]" for start, end in parts(h, 3))
        at.line(f"{own}[t] = {z}")
        at.line(f"{s}[t] = {before}")
        at.line(f"{r}[t] = sigmoid({own}{first} + {s}{first})")
        at.line(f"{u}[t] = sigmoid({own}{second} + {s}{second})")
        at.line(f"{n}[t] = tanh({own}{third} + {r}[t]*{s}{third})")
        at.line(f"{state}[t] = (1 - {u}[t])*{n}[t] + {u}[t]*{state}[t-1]")


def parts(h: str, count: int) -> list[tuple[str, str]]:
    """Return where each of so many parts of length h begins and ends: 0 and H, H and 2*H, ..."""
    ends = ["0", h, *(f"{k}*{h}" for k in range(2, count + 1))]
    return list(pairwise(ends))


class Embedding(OverSteps, frozen=True, tag="embedding"):
    """A row of numbers for each kind of sign; the inputs are whole numbers that count these."""

    size: Annotated[Count, Meta(description="numbers of a row")]
    kinds: Annotated[
        Count | None, Meta(description="how many rows; by default as many as the data has kinds of signs")
    ] = None
    init: Annotated[Init | Literal["normal"], Meta(description="first values; PyTorch's are normal")] = (
        "normal"
    )

    letters = ("E",)
    shown = MappingProxyType({"size": 16})

    def faults(self, key: str) -> Iterator[Fault]:
        yield from too_many(f"{key}.size", self.size)

    def written(self, at: Writing, x: Flow) -> Flow:
        if x.text != "x":
            raise ConfigError(f"{at.layer} takes whole numbers, one a step: it stands first")
        if x.steps is not None:
            raise ConfigError(
                f"{at.layer} takes whole numbers, one a step, but gets {at.words(x)}",
                hint="data.coding: index, where the features are one column of texts, or of data.categories",
            )
        kinds: Size = self.kinds or "vocabulary"
        if at.known and at.number_of(kinds) is None:
            raise ConfigError(
                f"{at.layer} needs kinds: how many rows it has, which this data does not say",
                hint=f"{{type: embedding, size: {self.size}, kinds: 10}} is for whole numbers from 0 to 9",
            )
        table = at.parameter("E", Declared(shape=[kinds, self.size], init=self.init))
        return Flow(f"{table}[{x.text}]", self.size, x.size)


class Position(OverSteps, frozen=True, tag="position"):
    """A row of numbers for each step, added to it: learned positions."""

    init: Annotated[Init | Literal["normal"], Meta(description="first values")] = "normal"

    letters = ("P",)

    def written(self, at: Writing, x: Flow) -> Flow:
        name, steps = sequence(at, x)
        table = at.parameter("P", Declared(shape=[steps, x.size], init=self.init))
        return x.with_text(f"{name} + {table}" + f"[0:{present(steps)}, :]" * (steps == STEPS))


class Attention(OverSteps, frozen=True, tag="attention"):
    """Self-attention: each step is a mean of all, weighed by how its query meets their keys."""

    heads: Annotated[
        Count, Meta(description="parts of the numbers of a step, each with weights of its own")
    ] = 1
    causal: Annotated[bool, Meta(description="a step looks at none after it")] = False
    init: Annotated[Init, Meta(description="of both matrices")] = "auto"

    shown = MappingProxyType({"heads": 2, "causal": True})
    letters = ("A", "a", "O", "o", "N", "K", "s", "P", "v")

    def written(self, at: Writing, x: Flow) -> Flow:
        name, steps = sequence(at, x)
        n = at.number_of(x.size)
        if n is not None and n % self.heads:
            raise ConfigError(f"{at.layer}: {n} numbers a step do not make {self.heads} heads of one size")
        whole = at.size("N", x.size)
        one = at.size("K", f"{whole}/{self.heads}") if self.heads > 1 else whole
        own = f"3*{whole}"
        a = at.parameter("A", Declared(shape=[own, whole], init=self.init))
        b = at.parameter("a", Declared(shape=own))
        o = at.parameter("O", Declared(shape=[whole, whole], init=self.init))
        c = at.parameter("o", Declared(shape=whole))
        s, seen = at.name("s"), at.name("v")
        at.line(f"{s} = {name}@{a}' + {b}")
        columns = [f"{s}[:, {start}:{end}]" for start, end in parts(one, 3 * self.heads)]
        seen_by = [f"tril({present(steps)})"] * self.causal + [MASK] * (steps == STEPS)
        hidden = f" - {NOWHERE}*(1 - {'.*'.join(seen_by)})" if seen_by else ""
        looked = []
        for k in range(self.heads):
            query, key, value = columns[k :: self.heads]
            weights = at.name("P") if self.heads == 1 else f"{at.name('P')}_{k + 1}"
            at.line(f"{weights} = softmax({query}@{key}'/sqrt({one}){hidden})")
            looked.append(f"{weights}@{value}")
        joined = looked[0] if self.heads == 1 else f"concat({', '.join(looked)})"
        at.line(f"{seen} = {joined}")
        return Flow(f"{seen}@{o}' + {c}", x.size, steps)


class Last(OverSteps, frozen=True, tag="last"):
    """The last step alone."""

    def written(self, at: Writing, x: Flow) -> Flow:
        name, _ = sequence(at, x)
        return Flow(f"{name}[end]", x.size)


class Mean(OverSteps, frozen=True, tag="mean"):
    """The mean over all steps."""

    def written(self, at: Writing, x: Flow) -> Flow:
        name, _ = sequence(at, x)
        return Flow(f"mean_t({name}[t])", x.size)
