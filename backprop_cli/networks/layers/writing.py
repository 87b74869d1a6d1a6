"""A network as it is written: what a layer takes, what it gives, and where its statements go."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

from msgspec import structs

from ...errors import BackpropError, ConfigError
from ...language.array_parser import whole_number
from ...ops import PRIMITIVES

Size = int | str
"""A length, or what a program calls it."""

STEPS, LENGTH = "steps", "length"
"""What programs of sequences call how many steps these have at most, and those of a batch."""


def present(steps: Size) -> Size:
    """Return how many steps there are at once."""
    return LENGTH if steps == STEPS else steps


_ATOM = re.compile(r"\w+(\[end\])?")


class Flow(NamedTuple):
    """What a layer takes or gives for one example.

    Attributes:
        text: A name, or an expression.
        size: How many numbers it has; of a sequence at each step.
        steps: How many steps; None of a vector.
    """

    text: str
    size: Size
    steps: Size | None = None

    @property
    def named(self) -> bool:
        """Whether it is a name already, or the last step of one."""
        return _ATOM.fullmatch(self.text) is not None

    def with_text(self, text: str) -> Flow:
        """Return what has the same size."""
        return self._replace(text=text)


class Written(Protocol):
    """A layer, as far as it is written: `kind.LayerKind`."""

    @property
    def letters(self) -> tuple[str, ...]: ...
    @property
    def noun(self) -> str: ...
    @property
    def function(self) -> str | None: ...
    def written(self, at: Writing, x: Flow) -> Flow | None: ...


class Writing:
    """Collects the statements, the parameters and the sizes of a program.

    Args:
        known: What lengths are called, as far as these are known.
        init: Draws the parameters of layers that name nothing of their own.
    Attributes:
        program: Its statements.
        parameters: Its parameters, as `Declared`, by name.
        dims: Its own sizes.
        noise: What it draws, as `Noise`, by name.
        frozen: Parameters that are not trained.
        layer: Which layer is being written.
        layers: What parameters each has, by its name.
        number: What its names end with.
    """

    def __init__(self, known: Mapping[str, int], init: Any) -> None:
        self.known = dict(known)
        self.init = init
        self.program: list[str] = []
        self.parameters: dict[str, Any] = {}
        self.dims: dict[str, Size] = {}
        self.noise: dict[str, Any] = {}
        self.frozen: list[str] = []
        self.layer = ""
        self.layers: dict[str, list[str]] = {}
        self.number = 0
        self._taken: set[str] = set()
        self._counts: Counter[str] = Counter()
        self._given = 0

    def through(self, layer: Written, x: Flow) -> Flow:
        """Write a layer with its activation.

        Raises:
            ConfigError: where it takes no such thing, or has no words.
        """
        self._counts[layer.noun] += 1
        before = self.layer, set(self.parameters)
        self.layer = name = f"{layer.noun}{self._counts[layer.noun]}"
        with self.of(layer.letters):
            found = layer.written(self, x)
        if found is None:
            raise ConfigError(f"{name} has no words in a program of one example")
        own = self.layers[name] = [p for p in self.parameters if p not in before[1]]
        rectifies = layer.function in PRIMITIVES and PRIMITIVES[layer.function].rectifier
        init = self.init if self.init != "auto" else "he_normal" if rectifies else "glorot_uniform"
        for p in own:
            declared = self.parameters[p]
            if declared.init == "auto" and isinstance(declared.shape, list):
                self.parameters[p] = structs.replace(declared, init=init)
        self.layer = before[0]
        return found if layer.function is None else found.with_text(f"{layer.function}({found.text})")

    @contextmanager
    def of(self, letters: Sequence[str]) -> Iterator[None]:
        """Take the least number for names that none of some letters has yet."""
        before, self.number = self.number, 1
        while not self._taken.isdisjoint(map(self.name, letters)):
            self.number += 1
        self._taken.update(map(self.name, letters))
        yield
        self.number = before

    def name(self, letter: str) -> str:
        """Return what the layer calls something."""
        return f"{letter}{self.number}"

    def parameter(self, letter: str, declared: Any, *, frozen: bool = False) -> str:
        """Declare a parameter; return its name."""
        name = self.name(letter)
        self.parameters[name] = declared
        if frozen:
            self.frozen.append(name)
        return name

    def size(self, letter: str, size: Size) -> str:
        """Give a length a name; return it."""
        name = self.name(letter)
        self.dims[name] = size
        number = self.number_of(size)
        if number is not None:
            self.known[name] = number
        return name

    def number_of(self, size: Size | None) -> int | None:
        """Return a length; None where it is not known yet."""
        if not isinstance(size, str):
            return size
        try:
            return whole_number(size, self.known)
        except BackpropError:
            return None

    def same(self, a: Size | None, b: Size | None) -> bool:
        """Whether two lengths may be equal; none is equal to none alone."""
        m, n = self.number_of(a), self.number_of(b)
        return a is b or (a is not None and b is not None and (m is None or n is None or m == n))

    def words(self, flow: Flow) -> str:
        """Say what something is: ``rows of 4x2``."""
        sizes = [flow.size] if flow.steps is None else [flow.steps, flow.size]
        known = [n for size in sizes if (n := self.number_of(size)) is not None]
        if len(known) == len(sizes):
            return f"rows of {'x'.join(map(str, known))}"
        return "rows of numbers" if flow.steps is None else "steps of numbers"

    def line(self, *statements: str) -> None:
        """Add a line."""
        self.program.append("; ".join(statements))

    def output(self) -> str:
        """Return the name of what the next layer takes."""
        self._given += 1
        return f"h{self._given}"

    def given(self, flow: Flow, name: str | None = None) -> Flow:
        """Give a value a name, unless it has one."""
        if name is None and flow.named:
            return flow
        name = name or self.output()
        self.line(f"{name} = {flow.text}")
        return flow.with_text(name)
