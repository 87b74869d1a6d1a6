"""The losses: a row each, from outputs and targets to one number, with all that is particular to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Literal, NamedTuple

from msgspec import Meta
from msgspec.structs import force_setattr

from ..graph import NOWHERE, Graph
from ..language.lower import lower
from ..language.parser import parse
from ..settings import Fault, Fraction, NotNegative, Positive, Section
from .lowering import Builder

Share = Annotated[float, Meta(gt=0, lt=1)]

FORMULA = "formula"
"""The type of a loss that the config writes down itself."""


class Loss(Section, frozen=True):
    """``loss``: a name, or a mapping where it has a parameter."""

    type: Annotated[
        Literal[
            "auto",
            "mse",
            "mae",
            "huber",
            "sse",
            "half_sse",
            "quantile",
            "binary_cross_entropy",
            "cross_entropy",
            "hinge",
            "formula",
        ],
        Meta(description="auto: formula where there is one, else cross-entropy for classes, mse for numbers"),
    ] = "auto"
    delta: Annotated[Positive | None, Meta(description="huber: where the square ends (1)")] = None
    q: Annotated[
        Share | None, Meta(description="quantile: the share of the targets that lie below (0.5)")
    ] = None
    margin: Annotated[Positive | None, Meta(description="hinge: how far is far enough (1)")] = None
    label_smoothing: Annotated[
        Fraction | None,
        Meta(description="cross_entropy: what all classes share equally of a row's target (0)"),
    ] = None
    formula: Annotated[
        str | None,
        Meta(
            description="the loss of one output y for its target t, whose mean over rows and outputs is "
            "made small; p is the sigmoid of y"
        ),
    ] = None
    parameters: Annotated[
        dict[str, float] | None, Meta(description="formula: numbers that it names besides")
    ] = None
    signs: Annotated[
        bool | None,
        Meta(description="formula: t of a class is 1 or -1, not 1 or 0 (as where the classes are 1 and -1)"),
    ] = None

    def __post_init__(self) -> None:
        if self.type == "auto" and self.formula is not None:
            force_setattr(self, "type", FORMULA)
        for name, default in LOSSES[self.type].settings.items() if self.type != "auto" else ():
            if getattr(self, name) is None:
                force_setattr(self, name, default)

    @property
    def row(self) -> LossRow:
        """What there is to know of it; of ``auto`` nothing yet."""
        return LOSSES[self.type]

    @property
    def fuses(self) -> str | None:
        """What makes probabilities of its logits: the row's, or the sigmoid that a formula calls p."""
        if self.type != FORMULA:
            return self.row.fuses
        return "sigmoid" if "p" in self._lowered("").inputs else None

    @property
    def text(self) -> str | None:
        """The formula, the config's or the row's; None where the row adds its nodes itself."""
        return self.formula or self.row.formula

    @property
    def signed(self) -> bool:
        """Whether a formula's t is 1 and -1 for classes, not 1 and 0."""
        return bool(self.signs) or self.row.signs

    def graph(self) -> Graph:
        """Return the graph of a formula over y, t and its parameters."""
        return self._lowered("" if self.fuses is None else "p = sigmoid(y); ")

    def _lowered(self, before: str) -> Graph:
        assert self.text is not None
        return lower(parse(before + self.text), [*OPERANDS, *(self.parameters or ())])

    def numbers(self, graph: Graph) -> dict[str, float]:
        """Return the values that stand for names of a formula's graph."""
        own = {name: getattr(self, name) for name in self.row.settings}
        return {**graph.defaults, **(self.parameters or {}), **own}

    @property
    def for_classes(self) -> bool:
        """Whether it demands classes; ``auto`` demands nothing."""
        return self.type != "auto" and self.row.classes

    def faults(self, key: str) -> Iterator[Fault]:
        """Yield settings that are another loss's."""
        for name in self.__struct_fields__:
            defaults = {loss: row.settings[name] for loss, row in LOSSES.items() if name in row.settings}
            owners = [FORMULA] if name in ("formula", "parameters", "signs") else list(defaults)
            # a resolved config whose type is changed still has the defaults of the old one
            given = getattr(self, name) not in (None, *defaults.values())
            if owners and given and self.type not in owners:
                message = f"{key}.{name} is for {', '.join(owners)}, not for {self.type}"
                yield Fault(f"{key}.{name}", message, None, (f"{key}.type",))


OPERANDS = ("y", "t", "p")
"""What a formula may name besides its parameters: output, target, and the sigmoid of the output."""


class Regularization(Section, frozen=True):
    """``regularization``: added to the loss; biases are exempt."""

    l1: Annotated[NotNegative, Meta(description="times the sum of |w|")] = 0.0
    l2: Annotated[NotNegative, Meta(description="times the sum of w^2")] = 0.0


class LossRow(NamedTuple):
    """A loss.

    Attributes:
        lower: Adds it to a graph: its settings, the node of outputs (rows, outputs) and that of targets of
            the same shape -> the node of its number.
        torch: PyTorch's, of ``output`` and ``t``, with the settings in braces; "" where it has none, and the
            formula stands for it.
        formula: The term of an output y and its target t, where `_formula` adds it.
        signs: The formula's t is 1 and -1 for classes.
        settings: Those of `Loss` that it has, with their defaults.
        fuses: It takes logits: the activation that makes probabilities of them.
        classes: Its targets are classes, one hot.
        single: One output tells two classes apart; without it there is one for each.
        sums: It adds up over rows; the others are means.
        squares: It is least where the sum of squares is.
        degree: The power of a factor on outputs, targets and settings alike that it takes on; None where it
            takes on none.
        term: What a reader is shown as the term of an output, where it is computed otherwise; ``y`` is the
            output, ``t`` its target, ``p`` its probability; the losses that take logits are minus these.
    """

    lower: Callable[[Builder, Loss, int, int], int]
    torch: str
    settings: Mapping[str, float] = MappingProxyType({})
    formula: str | None = None
    signs: bool = False
    fuses: str | None = None
    classes: bool = False
    single: bool = False
    sums: bool = False
    squares: bool = False
    degree: int | None = None
    term: str | None = None

    @property
    def numbers(self) -> bool:
        """Whether its targets are numbers, where nothing else is said."""
        return not (self.classes or self.single)

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
    assert loss.delta is not None
    near = b.step("min", distance, b.number(loss.delta), name="loss.near")
    rest = b.step("subtract", distance, b.step("multiply", b.number(0.5), near))
    return b.step("mean", b.step("multiply", near, rest, name="loss.terms"), name="loss.data")


def _binary(b: Builder, loss: Loss, z: int, t: int) -> int:
    """t*softplus(-z) + (1 - t)*softplus(z): exact where the other term would swallow it."""
    yes = b.step("multiply", t, b.step("softplus", b.step("negative", z)))
    no = b.step("multiply", b.step("subtract", b.number(1.0), t), b.step("softplus", z))
    return b.step("mean", b.step("add", yes, no, name="loss.terms"), name="loss.data")


def _formula(b: Builder, loss: Loss, y: int, t: int) -> int:
    """The formula's nodes over output and target, the mean of its last one."""
    graph = loss.graph()
    numbers = loss.numbers(graph)
    if loss.signed:
        t = b.step("subtract", b.step("multiply", b.number(2.0), t), b.number(1.0), name="loss.signs")
    ids: list[int] = []
    for node in graph.nodes:
        if node.op is not None:
            ids.append(b.graph.apply(node.op, tuple(ids[i] for i in node.inputs), NOWHERE, node.static))
        elif (name := graph.name(node.id)) in graph.inputs and name not in numbers:
            ids.append({"y": y, "t": t}[name])
        else:
            ids.append(b.number(numbers.get(name, node.value)))
    b.graph.name(ids[graph.output], "loss.terms")
    return b.step("mean", ids[graph.output], name="loss.data")


LOSSES: dict[str, LossRow] = {
    "mse": LossRow(
        lambda b, loss, y, t: b.step("mean", _squares(b, y, t), name="loss.data"),
        "F.mse_loss(output, t)",
        squares=True,
        degree=2,
    ),
    "mae": LossRow(_mae, "F.l1_loss(output, t)", degree=1),
    "huber": LossRow(
        _huber,
        "F.huber_loss(output, t, delta={delta!r})",
        settings={"delta": 1.0},
        degree=2,
        term="where(abs(y - t) <= delta, 1/2*(y - t)^2, delta*(abs(y - t) - delta/2))",
    ),
    "sse": LossRow(
        lambda b, loss, y, t: b.step("sum", _squares(b, y, t), name="loss.data"),
        "((output - t)**2).sum()",
        sums=True,
        squares=True,
        degree=2,
    ),
    "half_sse": LossRow(_half_sse, "((output - t)**2).sum()/2", sums=True, squares=True, degree=2),
    "binary_cross_entropy": LossRow(
        _binary,
        "F.binary_cross_entropy_with_logits(output, t)",
        fuses="sigmoid",
        single=True,
        term="t*log(p) + (1 - t)*log(1 - p)",
    ),
    "cross_entropy": LossRow(
        lambda b, loss, z, t: b.step(
            "mean", b.step("cross_entropy", z, t, name="loss.terms"), name="loss.data"
        ),
        "F.cross_entropy(output, t)",
        fuses="softmax",
        classes=True,
        settings={"label_smoothing": 0.0},
        term="t*log(p)",
    ),
    "quantile": LossRow(_formula, "", {"q": 0.5}, "max(q*(t - y), (q - 1)*(t - y))"),
    "hinge": LossRow(
        _formula,
        "",
        {"margin": 1.0},
        "max(0, margin - t*y)",
        signs=True,
        classes=True,
        single=True,
    ),
    FORMULA: LossRow(_formula, "", single=True),
}
