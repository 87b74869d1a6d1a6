"""Optimizers: one class a kind, one field a hyperparameter, with PyTorch's names and defaults.

An optimizer that follows the gradient has its rule here as one writes it down, over any number system;
`rules` has the same in place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar

from msgspec import Meta

from ..settings import Beta, Fault, NotNegative, Positive, Section

# words that several optimizers share
LearningRate = Annotated[NotNegative, Meta(description="step along the gradient; lr is the same")]
WeightDecay = Annotated[NotNegative, Meta(description="times the weights, added to the gradient")]
Epsilon = Annotated[NotNegative, Meta(description="added to the divisor")]
Betas = Annotated[
    tuple[Beta, Beta], Meta(description="how much of the running means of gradient and square is kept")
]
AmsGrad = Annotated[bool, Meta(description="divide by the largest running square so far")]


class FirstOrderKind(Section, frozen=True):
    """An optimizer that follows the gradient.

    Attributes:
        torch: What PyTorch calls it.
        adaptive: It makes about as large a step of a small slope as of a large one.
    """

    torch: ClassVar[str]
    adaptive: ClassVar[bool] = True

    @property
    def weight_decay(self) -> float:
        """Times the weights, added to the gradient."""
        return 0.0

    @property
    def plain(self) -> bool:
        """Whether an update is the rate times the gradient, and nothing else."""
        return False

    def faults(self, key: str) -> Iterator[Fault]:
        """Yield settings that do not go together; ``key`` is the place in the config."""
        yield from ()

    def remembered(self) -> dict[str, float]:
        """Return what is kept from update to update, with its first values."""
        return {}

    def decayed(self, h: Any, p: Any, g: Any) -> tuple[Any, Any]:
        """Return parameters and gradient with the weight decay in one of them; arguments as of `updated`."""
        return (p, g + h.weight_decay * p) if self.weight_decay else (p, g)

    def updated(
        self, xp: Any, h: Any, t: int, p: Any, g: Any, kept: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        """Return a parameter after an update, and what is kept for the next.

        Args:
            xp: The namespace of the numbers.
            h: The hyperparameters, in that number system; its ``learning_rate`` is that of this update.
            t: Number of the update, from 1.
            p: The parameter, decayed.
            g: The slope of the loss by it, decayed.
            kept: As of `remembered`.
        """
        raise NotImplementedError


class Sgd(FirstOrderKind, frozen=True, tag="sgd"):
    """Gradient descent, with momentum or Nesterov's."""

    torch = "SGD"
    adaptive = False

    learning_rate: LearningRate = 1e-3
    momentum: Annotated[NotNegative, Meta(description="share of the last step that is kept")] = 0.0
    dampening: Annotated[float, Meta(description="taken off the gradient's share in the momentum")] = 0.0
    weight_decay: WeightDecay = 0.0
    nesterov: Annotated[bool, Meta(description="look ahead by the momentum")] = False

    @property
    def plain(self) -> bool:
        return not (self.momentum or self.weight_decay)

    def faults(self, key: str) -> Iterator[Fault]:
        if self.nesterov and self.momentum == 0:
            message, where = "nesterov needs a momentum above 0", f"{key}.nesterov"
            yield Fault(where, message, "momentum: 0.9", (f"{key}.momentum",))
        if self.nesterov and self.dampening != 0:
            yield Fault(f"{key}.dampening", "nesterov needs dampening 0")

    def remembered(self) -> dict[str, float]:
        return {"momentum": 0.0} if self.momentum else {}

    def updated(
        self, xp: Any, h: Any, t: int, p: Any, g: Any, kept: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        if not self.momentum:
            return p - h.learning_rate * g, {}
        b = g if t == 1 else h.momentum * kept["momentum"] + (1.0 - h.dampening) * g
        return p - h.learning_rate * (g + h.momentum * b if self.nesterov else b), {"momentum": b}


class Adagrad(FirstOrderKind, frozen=True, tag="adagrad"):
    """Duchi, Hazan and Singer 2011."""

    torch = "Adagrad"
    learning_rate: LearningRate = 1e-2
    lr_decay: Annotated[NotNegative, Meta(description="the rate is divided by 1 + this * update")] = 0.0
    weight_decay: WeightDecay = 0.0
    initial_accumulator_value: Annotated[NotNegative, Meta(description="first sum of squares")] = 0.0
    eps: Epsilon = 1e-10

    def remembered(self) -> dict[str, float]:
        return {"sum": self.initial_accumulator_value}

    def updated(
        self, xp: Any, h: Any, t: int, p: Any, g: Any, kept: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        total = kept["sum"] + g * g
        rate = h.learning_rate if t == 1 else xp.divide(h.learning_rate, 1.0 + (t - 1) * h.lr_decay)
        return p - xp.divide(rate * g, xp.sqrt(total) + h.eps), {"sum": total}


class Adadelta(FirstOrderKind, frozen=True, tag="adadelta"):
    """Zeiler 2012."""

    torch = "Adadelta"
    learning_rate: LearningRate = 1.0
    rho: Annotated[float, Meta(ge=0, le=1, description="how much of the running means is kept")] = 0.9
    eps: Epsilon = 1e-6
    weight_decay: WeightDecay = 0.0

    def remembered(self) -> dict[str, float]:
        return {"square": 0.0, "accumulated": 0.0}

    def updated(
        self, xp: Any, h: Any, t: int, p: Any, g: Any, kept: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        square = h.rho * kept["square"] + (1.0 - h.rho) * (g * g)
        step = xp.divide(xp.sqrt(kept["accumulated"] + h.eps), xp.sqrt(square + h.eps)) * g
        accumulated = h.rho * kept["accumulated"] + (1.0 - h.rho) * (step * step)
        return p - h.learning_rate * step, {"square": square, "accumulated": accumulated}


class RMSprop(FirstOrderKind, frozen=True, tag="rmsprop"):
    """Tieleman and Hinton 2012."""

    torch = "RMSprop"
    learning_rate: LearningRate = 1e-2
    alpha: Annotated[float, Meta(ge=0, le=1, description="how much of the running square is kept")] = 0.99
    eps: Epsilon = 1e-8
    weight_decay: WeightDecay = 0.0
    momentum: Annotated[NotNegative, Meta(description="share of the last step that is kept")] = 0.0
    centered: Annotated[bool, Meta(description="divide by the variance, not the square")] = False

    def remembered(self) -> dict[str, float]:
        return {
            "square": 0.0,
            **({"mean": 0.0} if self.centered else {}),
            **({"momentum": 0.0} if self.momentum else {}),
        }

    def updated(
        self, xp: Any, h: Any, t: int, p: Any, g: Any, kept: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        new = {"square": h.alpha * kept["square"] + (1.0 - h.alpha) * (g * g)}
        size = new["square"]
        if self.centered:
            new["mean"] = h.alpha * kept["mean"] + (1.0 - h.alpha) * g
            # a variance; rounding alone makes it negative, and a NaN in PyTorch
            size = xp.max(size - new["mean"] * new["mean"], 0.0)
        step = xp.divide(g, xp.sqrt(size) + h.eps)
        if self.momentum:
            step = new["momentum"] = h.momentum * kept["momentum"] + step
        return p - h.learning_rate * step, new


class AdamKind(FirstOrderKind, frozen=True):
    """Means of slopes and of their squares, both corrected for beginning at 0."""

    learning_rate: LearningRate = 1e-3
    betas: Betas = (0.9, 0.999)
    eps: Epsilon = 1e-8
    weight_decay: WeightDecay = 0.0
    amsgrad: AmsGrad = False

    def remembered(self) -> dict[str, float]:
        return {"m": 0.0, "v": 0.0, **({"largest_v": 0.0} if self.amsgrad else {})}

    def updated(
        self, xp: Any, h: Any, t: int, p: Any, g: Any, kept: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        beta1, beta2 = h.betas
        new = {
            "m": beta1 * kept["m"] + (1.0 - beta1) * g,
            "v": beta2 * kept["v"] + (1.0 - beta2) * (g * g),
        }
        v = new["v"]
        if self.amsgrad and t > 1:
            v = xp.max(kept["largest_v"], v)
        if self.amsgrad:
            new["largest_v"] = v
        mean = xp.divide(new["m"], 1.0 - xp.power(beta1, float(t)))
        size = xp.sqrt(xp.divide(v, 1.0 - xp.power(beta2, float(t)))) + h.eps
        return p - xp.divide(h.learning_rate * mean, size), new


class Adam(AdamKind, frozen=True, tag="adam"):
    """Kingma and Ba 2015."""

    torch = "Adam"


class AdamW(AdamKind, frozen=True, tag="adamw"):
    """Loshchilov and Hutter 2019: weight decay apart from the gradient."""

    torch = "AdamW"
    weight_decay: Annotated[
        NotNegative, Meta(description="times rate and weights, taken off the weights")
    ] = 1e-2

    def decayed(self, h: Any, p: Any, g: Any) -> tuple[Any, Any]:
        return (p - h.learning_rate * h.weight_decay * p, g) if self.weight_decay else (p, g)


class NAdam(FirstOrderKind, frozen=True, tag="nadam"):
    """Dozat 2016."""

    torch = "NAdam"
    learning_rate: LearningRate = 2e-3
    betas: Betas = (0.9, 0.999)
    eps: Epsilon = 1e-8
    weight_decay: WeightDecay = 0.0
    momentum_decay: Annotated[NotNegative, Meta(description="how fast the momentum warms up")] = 4e-3

    def remembered(self) -> dict[str, float]:
        return {"m": 0.0, "v": 0.0, "mu_product": 1.0}

    def updated(
        self, xp: Any, h: Any, t: int, p: Any, g: Any, kept: Mapping[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        beta1, beta2 = h.betas

        def mu(t: int) -> Any:
            return beta1 * (1.0 - 0.5 * xp.power(0.96, t * h.momentum_decay))

        m = beta1 * kept["m"] + (1.0 - beta1) * g
        v = beta2 * kept["v"] + (1.0 - beta2) * (g * g)
        product = kept["mu_product"] * mu(t)
        of_g = xp.divide((1.0 - mu(t)) * g, 1.0 - product)
        ahead = of_g + xp.divide(mu(t + 1) * m, 1.0 - product * mu(t + 1))
        size = xp.sqrt(xp.divide(v, 1.0 - xp.power(beta2, float(t)))) + h.eps
        return p - xp.divide(h.learning_rate * ahead, size), {"m": m, "v": v, "mu_product": product}


class Newton(FirstOrderKind, frozen=True, tag="newton"):
    """Newton's method: the gradient divided by the Hessian; for expressions."""

    learning_rate: Annotated[Positive, Meta(description="share of a full step; lr is the same")] = 1.0


class LevenbergMarquardt(Section, frozen=True, tag="levenberg_marquardt"):
    """Damped Gauss-Newton steps on all rows at once; for formulas."""

    damping: Annotated[Positive, Meta(description="first damping, relative to the curvature")] = 1e-3
    tolerance: Annotated[
        Positive,
        Meta(description="slope of the loss (a cosine) or relative change of the parameters that ends it"),
    ] = 1e-10
    starts: Annotated[
        Annotated[int, Meta(ge=1, le=400)],
        Meta(description="first values to fit from, the given ones and others, drawn; the best fit is kept"),
    ] = 1


FirstOrder = Sgd | Adagrad | Adadelta | RMSprop | Adam | AdamW | NAdam
Optimizer = FirstOrder | LevenbergMarquardt
