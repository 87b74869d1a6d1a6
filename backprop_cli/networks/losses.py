"""The losses: a row each, from outputs and targets to one number, with all that is particular to it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Literal, NamedTuple

from msgspec import Meta
from msgspec.structs import force_setattr

from ..graph import NOWHERE, Graph
from ..language.lower import lower
from ..language.numbers import exact_text
from ..language.parser import parse
from ..settings import Fault, Fraction, NotNegative, Positive, Section
from .lowering import Builder

Share = Annotated[float, Meta(gt=0, lt=1)]

WEIGHTS = "weights"
"""The leaf by which the weights of rows come in."""

FORMULA = "formula"
"""The type of a loss that the config writes down itself."""

PROGRAM = "program"
"""The type of a loss that is a statement of ``model.program``."""

OWN_TERMS = "loss.terms"
"""What its numbers are called, a row one."""


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
            "multi_margin",
            "poisson",
            "formula",
            "program",
        ],
        Meta(
            description="auto: that of model.program or loss.formula where there is one, else "
            "cross-entropy for classes, mse for numbers"
        ),
    ] = "auto"
    delta: Annotated[Positive | None, Meta(description="huber: where the square ends (1)")] = None
    q: Annotated[
        Share | None, Meta(description="quantile: the share of the targets that lie below (0.5)")
    ] = None
    margin: Annotated[Positive | None, Meta(description="hinge, multi_margin: how far is far enough (1)")] = (
        None
    )
    label_smoothing: Annotated[
        Fraction | None,
        Meta(description="cross_entropy: what all classes share equally of a row's target (0)"),
    ] = None
    class_weights: Annotated[
        Literal["balanced"] | dict[str, Positive] | None,
        Meta(
            description="of classes: what a row of each counts in the loss, 1 where nothing is said; "
            "balanced: the training rows, over the classes and over those of the class. It weighs the whole "
            "row, what label_smoothing gives the other classes included"
        ),
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
        """What makes predictions of its outputs: the row's, or the sigmoid that a formula calls p."""
        if self.type != FORMULA:
            return self.row.fuses
        return "sigmoid" if "p" in self._lowered("").inputs else None

    @property
    def probable(self) -> bool:
        """Whether what it makes of the outputs are probabilities."""
        return self.fuses in PROBABILITIES

    @property
    def text(self) -> str | None:
        """The formula, the config's or the row's; None where the row adds its nodes itself."""
        return self.formula or self.row.formula

    @property
    def signed(self) -> bool:
        """Whether a formula's t is 1 and -1 for classes, not 1 and 0."""
        return bool(self.signs) or self.row.signs

    def of_row(self, y: str, t: str, outputs: int) -> str | None:
        """Return the loss of one row as a program has it; None where our language has no word for it.

        Args:
            y: What its outputs are called, logits where the loss takes them.
            t: What its targets are called.
            outputs: How many there are.
        """
        text = self.text or self.row.of_output or self.row.term
        if text is None:
            return None
        values = {name: exact_text(getattr(self, name)) for name in self.row.settings}
        values |= {name: exact_text(x) for name, x in (self.parameters or {}).items()}
        values |= {"y": y, "t": f"(2*{t} - 1)" if self.signed else t, "p": f"sigmoid({y})"}
        text = re.sub(r"[^\W\d]\w*", lambda found: values.get(found[0], found[0]), text)
        if outputs > 1 and self.type != "cross_entropy":
            text = f"{'sum' if self.row.sums else 'mean'}({text})"
        return text if self.row.share == 1.0 else f"{exact_text(self.row.share)}*{text}"

    def graph(self) -> Graph:
        """Return the graph of a formula over y, t and its parameters."""
        return self._lowered("p = sigmoid(y); " if self.type == FORMULA and self.fuses else "")

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


PROBABILITIES = ("sigmoid", "softmax")
"""What makes probabilities of logits."""

OPERANDS = ("y", "t", "p")
"""What a formula may name besides its parameters: output, target, and the sigmoid of the output."""


class Regularization(Section, frozen=True):
    """``regularization``: added to the loss; biases are exempt."""

    l1: Annotated[NotNegative, Meta(description="times the sum of |w|")] = 0.0
    l2: Annotated[NotNegative, Meta(description="times the sum of w^2")] = 0.0


class LossRow(NamedTuple):
    """A loss.

    Attributes:
        terms: Adds its terms to a graph: its settings, the node of outputs (rows, outputs) and that of
            targets of the same shape -> a node of a number an output, or a row.
        torch: PyTorch's, of ``output`` and ``t``, with the settings in braces; "" where it has none, and the
            formula stands for it.
        formula: The term of an output y and its target t, where `_formula` adds it.
        signs: The formula's t is 1 and -1 for classes.
        settings: Those of `Loss` that it has, with their defaults.
        fuses: It takes logits, or the logarithms of rates: the activation that makes predictions of them.
        classes: Its targets are classes, one hot.
        single: One output tells two classes apart; without it there is one for each.
        sums: It adds up over rows; the others are means.
        share: What the sum is multiplied by.
        squares: It is least where the sum of squares is.
        degree: The power of a factor on outputs, targets and settings alike that it takes on; None where it
            takes on none.
        least: The least target that it has a meaning for.
        of_output: The term of an output ``y`` and its target ``t`` in our language, where neither ``formula``
            nor ``term`` is it.
        term: What a reader is shown as the term of an output, where it is computed otherwise; ``y`` is the
            output, ``t`` its target, ``p`` its probability; the losses that take logits are minus these.
    """

    terms: Callable[[Builder, Loss, int, int], int]
    torch: str
    settings: Mapping[str, float] = MappingProxyType({})
    formula: str | None = None
    signs: bool = False
    fuses: str | None = None
    classes: bool = False
    single: bool = False
    sums: bool = False
    share: float = 1.0
    squares: bool = False
    degree: int | None = None
    least: float | None = None
    term: str | None = None
    of_output: str | None = None

    def lower(self, b: Builder, loss: Loss, y: int, t: int, weighted: bool = False) -> int:
        """Add it to a graph and return the node of its number: the mean of its terms, or their sum.

        Args:
            b: Builds the graph.
            loss: Its settings.
            y: Node of the outputs.
            t: Node of the targets, of the same shape.
            weighted: Each row's terms are multiplied by a weight, whose leaf is called `WEIGHTS`.
        """
        return self.whole(b, self.terms(b, loss, y, t), weighted)

    def whole(self, b: Builder, terms: int, weighted: bool) -> int:
        """Return the node of the loss of terms that are there: see `lower`."""
        if weighted:
            rows, *rest = b.graph.nodes[terms].shape
            terms = b.step(
                "multiply", terms, b.leaf(WEIGHTS, (rows, *(1 for _ in rest))), name="loss.weighted"
            )
        if not self.sums:
            return b.step("mean", terms, name="loss.data")
        if self.share == 1.0:
            return b.step("sum", terms, name="loss.data")
        whole = b.step("sum", terms, name="loss.sum")
        return b.step("multiply", b.number(self.share), whole, name="loss.data")

    @property
    def numbers(self) -> bool:
        """Whether its targets are numbers, where nothing else is said."""
        return not (self.classes or self.single)

    @property
    def probable(self) -> bool:
        """Whether it takes logits, of which probabilities are made."""
        return self.fuses in PROBABILITIES

    def equal_chances(self, classes: int) -> int:
        """Return of how many outcomes a logit of 0 says that they are equally likely; 0 for no logits."""
        return 0 if not self.probable else classes if self.classes else 2


def default(task: str, *, single: bool) -> str:
    """Return the loss that ``auto`` is; ``single``: one output for two classes."""
    if task == "regression":
        return "mse"
    return "binary_cross_entropy" if single else "cross_entropy"


def _difference(b: Builder, y: int, t: int) -> int:
    return b.step("subtract", y, t, name="loss.difference")


def _squares(b: Builder, loss: Loss, y: int, t: int) -> int:
    return b.step("power_n", _difference(b, y, t), b.number(2.0), name="loss.squares")


def _mae(b: Builder, loss: Loss, y: int, t: int) -> int:
    return b.step("abs", _difference(b, y, t), name="loss.distances")


def _huber(b: Builder, loss: Loss, y: int, t: int) -> int:
    """m(|d| - m/2) with m = min(|d|, delta): d^2/2 up to delta, a line beyond (Huber 1964)."""
    distance = b.step("abs", _difference(b, y, t), name="loss.distances")
    assert loss.delta is not None
    near = b.step("min", distance, b.number(loss.delta), name="loss.near")
    rest = b.step("subtract", distance, b.step("multiply", b.number(0.5), near))
    return b.step("multiply", near, rest, name="loss.terms")


def _binary(b: Builder, loss: Loss, z: int, t: int) -> int:
    """t*softplus(-z) + (1 - t)*softplus(z): exact where the other term would swallow it."""
    yes = b.step("multiply", t, b.step("softplus", b.step("negative", z)))
    no = b.step("multiply", b.step("subtract", b.number(1.0), t), b.step("softplus", z))
    return b.step("add", yes, no, name="loss.terms")


def _formula(b: Builder, loss: Loss, y: int, t: int) -> int:
    """The formula's nodes over output and target."""
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
    return ids[graph.output]


def _multi_margin(b: Builder, loss: Loss, y: int, t: int) -> int:
    """max(0, margin - own + y) of each class but the row's own, whose output is own; over all classes.

    Source:
        Crammer and Singer 2001, Weston and Watkins 1999; the mean over classes is PyTorch's.
    """
    assert loss.margin is not None
    own = b.step("sum", b.step("multiply", y, t), axes=(1,), keep=True, name="loss.own")
    short = b.step("add", b.step("subtract", b.number(loss.margin), own), y)
    near = b.step("max", b.number(0.0), short, name="loss.short")
    return b.step("multiply", b.step("subtract", b.number(1.0), t), near, name="loss.terms")


LOSSES: dict[str, LossRow] = {
    "mse": LossRow(
        _squares,
        "F.mse_loss(output, t)",
        squares=True,
        degree=2,
        of_output="(y - t)^2",
    ),
    "mae": LossRow(_mae, "F.l1_loss(output, t)", degree=1, of_output="abs(y - t)"),
    "huber": LossRow(
        _huber,
        "F.huber_loss(output, t, delta={delta!r})",
        settings={"delta": 1.0},
        degree=2,
        term="where(abs(y - t) <= delta, 1/2*(y - t)^2, delta*(abs(y - t) - delta/2))",
    ),
    "sse": LossRow(
        _squares,
        "((output - t)**2).sum()",
        sums=True,
        squares=True,
        degree=2,
        of_output="(y - t)^2",
    ),
    "half_sse": LossRow(
        _squares,
        "((output - t)**2).sum()/2",
        sums=True,
        share=0.5,
        squares=True,
        degree=2,
        of_output="(y - t)^2",
    ),
    "binary_cross_entropy": LossRow(
        _binary,
        "F.binary_cross_entropy_with_logits(output, t)",
        fuses="sigmoid",
        single=True,
        term="t*log(p) + (1 - t)*log(1 - p)",
        of_output="t*softplus(-y) + (1 - t)*softplus(y)",
    ),
    "cross_entropy": LossRow(
        lambda b, loss, z, t: b.step("cross_entropy", z, t, name="loss.terms"),
        "F.cross_entropy(output, t)",
        fuses="softmax",
        classes=True,
        settings={"label_smoothing": 0.0},
        term="t*log(p)",
        of_output="cross_entropy(y, t)",
    ),
    "quantile": LossRow(_formula, "", {"q": 0.5}, "max(q*(t - y), (q - 1)*(t - y))", degree=1),
    "hinge": LossRow(
        _formula,
        "",
        {"margin": 1.0},
        "max(0, margin - t*y)",
        signs=True,
        classes=True,
        single=True,
    ),
    "multi_margin": LossRow(
        _multi_margin,
        "F.multi_margin_loss(output, t.argmax(1), margin={margin!r})",
        {"margin": 1.0},
        classes=True,
    ),
    "poisson": LossRow(
        _formula,
        "F.poisson_nll_loss(output, t)",
        formula="exp(y) - t*y",
        fuses="exp",
        least=0.0,
    ),
    FORMULA: LossRow(_formula, "", single=True),
    PROGRAM: LossRow(_formula, "", single=True),
}
