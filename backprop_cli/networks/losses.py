"""The losses: a row each, from outputs and targets to one number, with all that is particular to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Literal, NamedTuple

from msgspec import Meta

from ..settings import Fault, NotNegative, Positive, Section
from .lowering import Builder


class Loss(Section, frozen=True):
    """``loss``: a name, or a mapping where it has a parameter."""

    type: Annotated[
        Literal["auto", "mse", "mae", "huber", "sse", "half_sse", "binary_cross_entropy", "cross_entropy"],
        Meta(description="auto: cross-entropy for classes, mse for numbers"),
    ] = "auto"
    delta: Annotated[Positive, Meta(description="huber: where the square ends")] = 1.0

    @property
    def row(self) -> LossRow:
        """What there is to know of it; of ``auto`` nothing yet."""
        return LOSSES[self.type]

    @property
    def for_classes(self) -> bool:
        """Whether it demands classes; ``auto`` demands nothing."""
        return self.type != "auto" and self.row.classes

    def faults(self, key: str) -> Iterator[Fault]:
        """Yield settings that are another loss's."""
        for name, default in SETTINGS.items():
            if getattr(self, name) != default and (self.type == "auto" or name not in self.row.settings):
                owners = ", ".join(loss for loss, row in LOSSES.items() if name in row.settings)
                message = f"{key}.{name} is for {owners}, not for {self.type}"
                yield Fault(f"{key}.{name}", message, None, (f"{key}.type",))


SETTINGS = {field: getattr(Loss(), field) for field in Loss.__struct_fields__ if field != "type"}
"""Parameters of single losses, and their defaults."""


class Regularization(Section, frozen=True):
    """``regularization``: added to the loss; biases are exempt."""

    l1: Annotated[NotNegative, Meta(description="times the sum of |w|")] = 0.0
    l2: Annotated[NotNegative, Meta(description="times the sum of w^2")] = 0.0


class LossRow(NamedTuple):
    """A loss.

    Attributes:
        lower: Adds it to a graph: its settings, the node of outputs (rows, outputs) and that of targets of
            the same shape -> the node of its number.
        torch: PyTorch's, of ``output`` and ``t``, with the settings in braces.
        settings: Those of `Loss` that it has.
        fuses: It takes logits: the activation that makes probabilities of them.
        classes: Its targets are classes, one hot.
        sums: It adds up over rows; the others are means.
        squares: It is least where the sum of squares is.
        term: What a reader is shown as the term of an output, where it is computed otherwise; ``y`` is the
            output, ``t`` its target, ``p`` its probability; the losses that take logits are minus these.
    """

    lower: Callable[[Builder, Loss, int, int], int]
    torch: str
    settings: tuple[str, ...] = ()
    fuses: str | None = None
    classes: bool = False
    sums: bool = False
    squares: bool = False
    term: str | None = None

    @property
    def binary(self) -> bool:
        """It tells two classes apart, by a logit."""
        return self.fuses is not None and not self.classes

    def equal_chances(self, classes: int) -> int:
        """Return of how many outcomes a logit of 0 says that they are equally likely; 0 for no logits."""
        return 0 if self.fuses is None else classes if self.classes else 2


def default(task: str, *, single: bool) -> str:
    """Return the loss that ``auto`` is; ``single``: one output for two classes."""
    if task == "regression":
        return "mse"
    return "binary_cross_entropy" if single else "cross_entropy"


def _difference(b: Builder, y: int, t: int) -> int:
    return b.step("subtract", y, t, name="loss.difference")


def _squares(b: Builder, y: int, t: int) -> int:
    return b.step("power_n", _difference(b, y, t), b.number(2.0), name="loss.squares")


def _half_sse(b: Builder, loss: Loss, y: int, t: int) -> int:
    return b.step(
        "multiply", b.number(0.5), b.step("sum", _squares(b, y, t), name="loss.sum"), name="loss.data"
    )


def _mae(b: Builder, loss: Loss, y: int, t: int) -> int:
    return b.step("mean", b.step("abs", _difference(b, y, t), name="loss.distances"), name="loss.data")


def _huber(b: Builder, loss: Loss, y: int, t: int) -> int:
    """m(|d| - m/2) with m = min(|d|, delta): d^2/2 up to delta, a line beyond (Huber 1964)."""
    distance = b.step("abs", _difference(b, y, t), name="loss.distances")
    near = b.step("min", distance, b.number(loss.delta), name="loss.near")
    rest = b.step("subtract", distance, b.step("multiply", b.number(0.5), near))
    return b.step("mean", b.step("multiply", near, rest, name="loss.terms"), name="loss.data")


def _binary(b: Builder, loss: Loss, z: int, t: int) -> int:
    """t*softplus(-z) + (1 - t)*softplus(z): exact where the other term would swallow it."""
    yes = b.step("multiply", t, b.step("softplus", b.step("negative", z)))
    no = b.step("multiply", b.step("subtract", b.number(1.0), t), b.step("softplus", z))
    return b.step("mean", b.step("add", yes, no, name="loss.terms"), name="loss.data")


LOSSES: dict[str, LossRow] = {
    "mse": LossRow(
        lambda b, loss, y, t: b.step("mean", _squares(b, y, t), name="loss.data"),
        "F.mse_loss(output, t)",
        squares=True,
    ),
    "mae": LossRow(_mae, "F.l1_loss(output, t)"),
    "huber": LossRow(
        _huber,
        "F.huber_loss(output, t, delta={delta!r})",
        settings=("delta",),
        term="where(abs(y - t) <= delta, 1/2*(y - t)^2, delta*(abs(y - t) - delta/2))",
    ),
    "sse": LossRow(
        lambda b, loss, y, t: b.step("sum", _squares(b, y, t), name="loss.data"),
        "((output - t)**2).sum()",
        sums=True,
        squares=True,
    ),
    "half_sse": LossRow(_half_sse, "((output - t)**2).sum()/2", sums=True, squares=True),
    "binary_cross_entropy": LossRow(
        _binary,
        "F.binary_cross_entropy_with_logits(output, t)",
        fuses="sigmoid",
        term="t*log(p) + (1 - t)*log(1 - p)",
    ),
    "cross_entropy": LossRow(
        lambda b, loss, z, t: b.step(
            "mean", b.step("cross_entropy", z, t, name="loss.terms"), name="loss.data"
        ),
        "F.cross_entropy(output, t)",
        fuses="softmax",
        classes=True,
        term="t*log(p)",
    ),
}
