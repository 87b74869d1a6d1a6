"""What a kind of layer is: one class with everything particular to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

from ...ops import Shape
from ...settings import Fault, Section
from ..lowering import Place
from .writing import Flow, Writing


class Array(NamedTuple):
    """An array of parameters that a layer brings along.

    Attributes:
        part: ``weights`` or ``bias``.
        shape: Outputs x inputs for weights, as in PyTorch.
        first: All its first values, one for all, or what draws them: of ``Init``.
        trained: False where it is frozen.
        penalised: Whether l1 and l2 count it: weights do; biases, and what normalises, do not.
        fans: Of weights: how many numbers each output reads, and how many outputs read each input.
        axes: The shape in words.
    """

    part: str
    shape: Shape
    first: Any
    trained: bool = True
    penalised: bool = False
    fans: tuple[int, int] | None = None
    axes: str = ""


class Fitted(NamedTuple):
    """A layer in its place in a network: what it makes of a row, and what it brings along.

    Attributes:
        shape: Of a row after it.
        parameters: In the order of the network's.
        states: Name and first value of what a step is given besides, an array of one number a channel.
        mask: Share of the row that a mask drawn at each step drops.
        numbers: How many numbers it takes for a row beside those that it makes.
    """

    shape: Shape
    parameters: tuple[Array, ...] = ()
    states: tuple[Array, ...] = ()
    mask: float = 0.0
    numbers: int = 0


class LayerKind(Section, frozen=True):
    """A kind of layer: its settings are the fields, with PyTorch's names, shapes and defaults.

    Nothing else in the package knows a kind by name: a new one is a class here, entered in `Layer`.

    Attributes:
        aliases: What a config may call it besides.
        dense: Each output is a weighted sum of all inputs: it can be drawn unit by unit.
        letters: What its parameters and steps are called in a program, before a number.
        program: It is nothing but a part of a program: a network with one is a program.
        shown: The settings with which documents show its text.
        compares_rows: A batch of one row has nothing to say to it.
    """

    aliases: ClassVar[tuple[str, ...]] = ()
    dense: ClassVar[bool] = False
    letters: ClassVar[tuple[str, ...]] = ()
    program: ClassVar[bool] = False
    shown: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    compares_rows: ClassVar[bool] = False

    @property
    def takes_units(self) -> bool:
        """Whether other weights and biases of it give its outputs in other units."""
        return False

    @property
    def tag(self) -> str:
        """The ``type`` of a config."""
        return str(self.__struct_config__.tag)

    @property
    def width(self) -> int | None:
        """How many numbers it makes of any row, where its settings say so."""
        return None

    @property
    def noun(self) -> str:
        """What it is called in the names of layers, with a number."""
        return self.tag

    @property
    def function(self) -> str | None:
        """The activation that ends it."""
        found: str | None = getattr(self, "activation", None)
        return found

    @property
    def words(self) -> str:
        """What it is, for a table: ``linear, relu``."""
        return f"{self.noun}, {self.function}" if self.function not in (None, self.noun) else self.noun

    def faults(self, key: str) -> Iterator[Fault]:
        """Yield what the types of the settings cannot say; ``key`` is the place in the config."""
        yield from ()

    def fitted(self, name: str, shape: Shape, outputs: int) -> Fitted:
        """Return what the layer makes of rows.

        Args:
            name: The layer's, for messages.
            shape: Of a row before it.
            outputs: Numbers that the last layer has to give.
        Raises:
            ConfigError: where it takes no such rows.
        """
        return Fitted(shape)

    def lower(self, at: Place, x: int) -> int:
        """Add the layer without its activation to a graph; return its node, (rows, *shape)."""
        return x

    def written(self, at: Writing, x: Flow) -> Flow | None:
        """Write the layer without its activation for one example; None where that has no words.

        Args:
            at: Where its statements and parameters go.
            x: What the layer before it gives.
        Raises:
            ConfigError: where it takes no such thing.
        """
        return None

    def details(self) -> Iterator[tuple[str, str]]:
        """Yield what a drawing says of it, in words and numbers."""
        yield from ()

    def torch(self, before: Shape, after: Shape, tied: bool) -> str:
        """Write PyTorch's module, or what it is of ``x``; ``x`` where there is nothing but its activation.

        Args:
            before: Shape of a row before it.
            after: Shape of a row after it.
            tied: As `tied` finds it.
        """
        return "x"

    def tied(self, x: Any, cotangent: Any) -> bool:
        """Whether a cotangent passes through numbers of ``x`` that are tied for the largest."""
        return False


def rows(shape: Sequence[int]) -> str:
    """Write the shape of a row: ``rows of 4``, ``rows of 1x8x8``."""
    return f"rows of {sides(shape)}"


def sides(shape: Sequence[int]) -> str:
    """Write a shape: ``1x8x8``."""
    return "x".join(map(str, shape)) if shape else "one number"
