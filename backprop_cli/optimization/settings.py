"""Optimizers and schedules: one struct a kind, one field a hyperparameter.

Names and defaults are PyTorch's.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from ..settings import Beta, Count, NotNegative, Positive, Section, Whole

# words that several optimizers share
LearningRate = Annotated[NotNegative, Meta(description="step along the gradient; lr is the same")]
WeightDecay = Annotated[NotNegative, Meta(description="times the weights, added to the gradient")]
Epsilon = Annotated[NotNegative, Meta(description="added to the divisor")]
Betas = Annotated[
    tuple[Beta, Beta], Meta(description="how much of the running means of gradient and square is kept")
]
AmsGrad = Annotated[bool, Meta(description="divide by the largest running square so far")]


class Sgd(Section, frozen=True, tag="sgd"):
    """Gradient descent, with momentum or Nesterov's."""

    learning_rate: LearningRate = 1e-3
    momentum: Annotated[NotNegative, Meta(description="share of the last step that is kept")] = 0.0
    dampening: Annotated[float, Meta(description="taken off the gradient's share in the momentum")] = 0.0
    weight_decay: WeightDecay = 0.0
    nesterov: Annotated[bool, Meta(description="look ahead by the momentum")] = False


class Adagrad(Section, frozen=True, tag="adagrad"):
    """Duchi, Hazan and Singer 2011."""

    learning_rate: LearningRate = 1e-2
    lr_decay: Annotated[NotNegative, Meta(description="the rate is divided by 1 + this * update")] = 0.0
    weight_decay: WeightDecay = 0.0
    initial_accumulator_value: Annotated[NotNegative, Meta(description="first sum of squares")] = 0.0
    eps: Epsilon = 1e-10


class Adadelta(Section, frozen=True, tag="adadelta"):
    """Zeiler 2012."""

    learning_rate: LearningRate = 1.0
    rho: Annotated[float, Meta(ge=0, le=1, description="how much of the running means is kept")] = 0.9
    eps: Epsilon = 1e-6
    weight_decay: WeightDecay = 0.0


class RMSprop(Section, frozen=True, tag="rmsprop"):
    """Tieleman and Hinton 2012."""

    learning_rate: LearningRate = 1e-2
    alpha: Annotated[float, Meta(ge=0, le=1, description="how much of the running square is kept")] = 0.99
    eps: Epsilon = 1e-8
    weight_decay: WeightDecay = 0.0
    momentum: Annotated[NotNegative, Meta(description="share of the last step that is kept")] = 0.0
    centered: Annotated[bool, Meta(description="divide by the variance, not the square")] = False


class Adam(Section, frozen=True, tag="adam"):
    """Kingma and Ba 2015."""

    learning_rate: LearningRate = 1e-3
    betas: Betas = (0.9, 0.999)
    eps: Epsilon = 1e-8
    weight_decay: WeightDecay = 0.0
    amsgrad: AmsGrad = False


class AdamW(Section, frozen=True, tag="adamw"):
    """Loshchilov and Hutter 2019: weight decay apart from the gradient."""

    learning_rate: LearningRate = 1e-3
    betas: Betas = (0.9, 0.999)
    eps: Epsilon = 1e-8
    weight_decay: Annotated[
        NotNegative, Meta(description="times rate and weights, taken off the weights")
    ] = 1e-2
    amsgrad: AmsGrad = False


class NAdam(Section, frozen=True, tag="nadam"):
    """Dozat 2016."""

    learning_rate: LearningRate = 2e-3
    betas: Betas = (0.9, 0.999)
    eps: Epsilon = 1e-8
    weight_decay: WeightDecay = 0.0
    momentum_decay: Annotated[NotNegative, Meta(description="how fast the momentum warms up")] = 4e-3


class LevenbergMarquardt(Section, frozen=True, tag="levenberg_marquardt"):
    """Damped Gauss-Newton steps on all rows at once; for formulas."""

    damping: Annotated[Positive, Meta(description="first damping, relative to the curvature")] = 1e-3
    tolerance: Annotated[
        Positive,
        Meta(description="slope of the loss (a cosine) or relative change of the parameters that ends it"),
    ] = 1e-10


FirstOrder = Sgd | Adagrad | Adadelta | RMSprop | Adam | AdamW | NAdam
Optimizer = FirstOrder | LevenbergMarquardt
Warmup = Annotated[Whole, Meta(description="updates over which the rate rises linearly to its value")]


class Constant(Section, frozen=True, tag="constant"):
    """The rate stays as it is, after a warm-up."""

    warmup_steps: Warmup = 0


class StepSchedule(Section, frozen=True, tag="step"):
    """Times gamma every step_size epochs."""

    step_size: Annotated[Count, Meta(description="epochs between changes")]
    gamma: Annotated[Positive, Meta(description="factor")] = 0.1
    warmup_steps: Warmup = 0


class Exponential(Section, frozen=True, tag="exponential"):
    """Times gamma every epoch."""

    gamma: Annotated[Positive, Meta(description="factor")]
    warmup_steps: Warmup = 0


class Cosine(Section, frozen=True, tag="cosine"):
    """Half a cosine from the rate down to eta_min at the last epoch."""

    eta_min: Annotated[NotNegative, Meta(description="rate at the end")] = 0.0
    warmup_steps: Warmup = 0


class Plateau(Section, frozen=True, tag="plateau"):
    """Times factor when the monitored number has not improved for more than patience epochs."""

    monitor: Annotated[str | None, Meta(description="default: val_loss, or loss without validation rows")] = (
        None
    )
    factor: Annotated[float, Meta(gt=0, lt=1, description="factor")] = 0.1
    patience: Annotated[Whole, Meta(description="epochs without improvement that are borne")] = 10
    threshold: Annotated[NotNegative, Meta(description="what counts as improvement")] = 1e-4
    threshold_mode: Annotated[
        Literal["rel", "abs"], Meta(description="the threshold is a share of the best, or a difference")
    ] = "rel"
    cooldown: Annotated[Whole, Meta(description="epochs of rest after a change")] = 0
    min_lr: Annotated[NotNegative, Meta(description="the rate goes no lower")] = 0.0
    eps: Annotated[NotNegative, Meta(description="a smaller change of the rate is left out")] = 1e-8
    warmup_steps: Warmup = 0


Schedule = Constant | StepSchedule | Exponential | Cosine | Plateau
