"""The layers of a network: a class a kind, and the ``model`` section that lists them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from types import MappingProxyType
from typing import Annotated

from msgspec import Meta, field

from ...errors import ConfigError
from ...settings import Count, Fault, Section
from .dense import Activation, Dropout, Flatten, Linear
from .kind import LayerKind
from .normalised import BatchNorm, LayerNorm
from .sequences import Attention, Embedding, Gru, Last, Lstm, Mean, OverSteps, Position, Rnn
from .weights import Declared, Init, Noise
from .windows import AveragePool2d, Conv1d, Conv2d, MaxPool2d
from .writing import Flow, Size, Writing

__all__ = ["Layer", "Model", "Residual", "named"]


class Residual(OverSteps, frozen=True, tag="residual"):
    """A branch beside a shortcut: x + what its layers make of x (He et al. 2016)."""

    layers: Annotated[list[Layer], Meta(description="of the branch, whose last gives what its first takes")]

    shown = MappingProxyType({"layers": [LayerNorm(), Linear(units=64, activation="relu"), Linear(units=16)]})

    def faults(self, key: str) -> Iterator[Fault]:
        if not self.layers:
            yield Fault(f"{key}.layers", f"{key}.layers is empty")

    def written(self, at: Writing, x: Flow) -> Flow:
        x = found = at.given(x)
        for layer in self.layers:
            found = at.given(at.through(layer, found))
        if not (at.same(found.size, x.size) and at.same(found.steps, x.steps)):
            raise ConfigError(
                f"{at.layer} adds its branch to what it takes, {at.words(x)}, but its branch gives"
                f" {at.words(found)}"
            )
        return x.with_text(f"{x.text} + {found.text}")


Layer = (
    Linear
    | Activation
    | Dropout
    | BatchNorm
    | LayerNorm
    | Flatten
    | Conv1d
    | Conv2d
    | MaxPool2d
    | AveragePool2d
    | Rnn
    | Lstm
    | Gru
    | Embedding
    | Position
    | Attention
    | Residual
    | Last
    | Mean
)
"""Every kind, in the order of the documents."""


GUESSED = "auto"
"""Stands for the first value of a formula's parameter that the rows are to tell."""


class Model(Section, frozen=True):
    """``model``: exactly one of ``hidden``, ``layers``, ``formula`` and ``program``, or ``from``."""

    hidden: Annotated[
        list[Count] | None, Meta(description="units of the hidden layers; the output layer is added")
    ] = None
    activation: Annotated[str, Meta(description="of the hidden layers")] = "relu"
    init: Annotated[Init, Meta(description="of layers that name none")] = "auto"
    layers: Annotated[list[Layer] | None, Meta(description="the network, layer by layer")] = None
    formula: Annotated[
        str | None, Meta(description="y ~ a*exp(-b*x) + c: a target and an expression to fit")
    ] = None
    program: Annotated[
        str | None, Meta(description="the network as a program for one example: logits = W@x + b")
    ] = None
    parameters: Annotated[
        dict[str, float | list[Size] | str | Declared] | None,
        Meta(
            description="the formula's parameters and their first values, auto for one by the rows; the "
            "program's and their shapes"
        ),
    ] = None
    dims: Annotated[
        dict[str, Size] | None,
        Meta(description="the program's sizes: {H: 64}; those of the data are called inputs and outputs"),
    ] = None
    noise: Annotated[
        dict[str, list[Size] | Size | Noise] | None,
        Meta(
            description="of a program: names of standard normal numbers, drawn for each row at each update, "
            "and their shapes; they are 0 where rows are predicted or measured; {shape: H, dropout: 0.1}: "
            "masks of dropout, 1 there"
        ),
    ] = None
    from_: Annotated[
        str | None,
        Meta(
            description="a run's folder, or a model, whose numbers are begun with, and whose scaling; its "
            "layers, too, where none are written; from where the command runs, as output.dir"
        ),
    ] = field(default=None, name="from")
    freeze: Annotated[
        list[str] | None, Meta(description="layers whose numbers stay as they begin, such as linear1")
    ] = None
    fresh: Annotated[
        list[str] | None, Meta(description="layers that begin anew, not with the numbers of the other model")
    ] = None

    @property
    def drawn(self) -> dict[str, Noise]:
        """What a program draws, by name."""
        return {name: Noise.of(x) for name, x in (self.noise or {}).items()}

    @property
    def first_values(self) -> dict[str, float]:
        """The formula's parameters, 1 for those in `guessed`; a program's, with shapes, are none of these."""
        numbers = {name: 1.0 if x == GUESSED else x for name, x in (self.parameters or {}).items()}
        return {name: x for name, x in numbers.items() if isinstance(x, float | int)}

    @property
    def guessed(self) -> list[str]:
        """The formula's parameters whose first values are found by the rows."""
        return [name for name, x in (self.parameters or {}).items() if x == GUESSED]

    @property
    def written(self) -> bool:
        """Whether it has layers that are nothing but the text of a program."""
        return any(getattr(layer, "program", False) for layer in self.layers or ())

    @property
    def counts(self) -> bool:
        """Whether its first layer takes inputs for the numbers of signs."""
        return any(isinstance(layer, Embedding) for layer in (self.layers or ())[:1])

    def key_of(self, position: int) -> str:
        """Return the key of the config that a layer of the chain stands under."""
        return "model" if self.layers is None else f"model.layers.{position}"

    def chain(self, outputs: int | None) -> Sequence[LayerKind]:
        """Return the layers that are written, or those of the short form."""
        if self.layers is not None:
            return self.layers
        hidden = [Linear(units=units, activation=self.activation) for units in self.hidden or []]
        return [*hidden, Linear(units=outputs)]

    @property
    def written_units(self) -> int | None:
        """The units that are given to the last dense layer; activations may follow it."""
        dense = [layer for layer in self.layers or [] if isinstance(layer, Linear)]
        return dense[-1].units if dense else None


def named(chain: Sequence[LayerKind]) -> list[tuple[str, LayerKind]]:
    """Number the layers of each kind: ``linear1``, ``dropout1``, ``linear2``."""
    counts: Counter[str] = Counter()
    found = []
    for layer in chain:
        counts[layer.noun] += 1
        found.append((f"{layer.noun}{counts[layer.noun]}", layer))
    return found
