"""What a training config may say: one struct a section, one field a key.

The keys, their types, defaults, ranges and one line of words stand here and nowhere else: reading, checking,
``config schema`` and ``docs/config.md`` are made from these structs. Names and defaults are
PyTorch's where PyTorch has the thing.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

Positive = Annotated[float, Meta(gt=0)]
NotNegative = Annotated[float, Meta(ge=0)]
Fraction = Annotated[float, Meta(ge=0, lt=1)]
Count = Annotated[int, Meta(ge=1, le=1_000_000_000)]
Whole = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Beta = Annotated[float, Meta(ge=0, lt=1)]


class Section(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A mapping in the config; unknown keys are errors."""


# data


class Divide(Section, frozen=True):
    """``scaling: {divide: 255}``."""

    divide: Annotated[Positive, Meta(description="every feature is divided by this number")]


class Data(Section, frozen=True):
    """``data``: where rows come from and what becomes of their columns."""

    path: Annotated[
        str | None, Meta(description="a CSV, TSV or npz file, from the config's folder; - is stdin")
    ] = None
    dataset: Annotated[
        Literal["xor", "circles", "moons", "blobs", "spirals", "sine", "iris", "digits"] | None,
        Meta(description="a built-in set"),
    ] = None
    inputs: Annotated[list[list[float]] | None, Meta(description="rows written inline")] = None
    targets: Annotated[
        list[list[float] | float | str] | None, Meta(description="their targets, one entry a row")
    ] = None
    features: Annotated[
        list[str] | None,
        Meta(description="columns, or formulas of columns such as x^2; the default is all but the target"),
    ] = None
    target: Annotated[
        str | list[str] | None,
        Meta(
            description="the target column (default: the last); a list is several; features: an autoencoder"
        ),
    ] = None
    shape: Annotated[list[Count] | None, Meta(description="shape of one row: channels, height, width")] = None
    scaling: Annotated[
        Literal["none", "standard", "minmax"] | Divide,
        Meta(description="of the features, fitted on the training rows"),
    ] = "none"
    missing: Annotated[
        Literal["error", "drop", "mean"],
        Meta(
            description="what a missing cell (empty, NA, N/A, NaN, nan, null, NULL, ?) does; mean is that of "
            "the training rows, or their most frequent text"
        ),
    ] = "error"
    validation_split: Annotated[Fraction, Meta(description="share of the rows held out to validate")] = 0.0
    test_split: Annotated[Fraction, Meta(description="share of the rows held out for the final test")] = 0.0
    validation_path: Annotated[str | None, Meta(description="a file of validation rows")] = None
    test_path: Annotated[str | None, Meta(description="a file of test rows")] = None
    stratify: Annotated[
        bool | Literal["auto"], Meta(description="split class by class; auto does for classification")
    ] = "auto"
    samples: Annotated[
        Annotated[int, Meta(ge=1, le=1_000_000)] | None, Meta(description="rows of a generated set")
    ] = None
    noise: Annotated[
        NotNegative | None, Meta(description="noise of a generated set, a standard deviation")
    ] = None


# model


class Uniform(Section, frozen=True):
    """``init: {uniform: 0.1}``."""

    uniform: Annotated[Positive, Meta(description="weights between minus and plus this number")]


Init = Literal["auto", "he_normal", "he_uniform", "glorot_normal", "glorot_uniform", "zeros"] | Uniform
Frozen = list[Literal["weights", "bias"]]


class Linear(Section, frozen=True, tag="linear"):
    """A dense layer y = W x + b; ``dense`` is the same."""

    units: Annotated[
        Count | None, Meta(description="outputs; by default what the target needs, in the last layer")
    ] = None
    activation: Annotated[str | None, Meta(description="an elementwise primitive, or softmax")] = None
    init: Annotated[Init, Meta(description="auto: he_normal for the relu family, else glorot_uniform")] = (
        "auto"
    )
    weights: Annotated[list[list[float]] | None, Meta(description="explicit weights, units x inputs")] = None
    bias: Annotated[list[float] | None, Meta(description="explicit biases; the default is 0")] = None
    frozen: Annotated[Frozen, Meta(description="what is not trained")] = field(default_factory=list)


class Activation(Section, frozen=True, tag="activation"):
    """An activation as a layer of its own."""

    activation: Annotated[str, Meta(description="an elementwise primitive, or softmax")]


class Dropout(Section, frozen=True, tag="dropout"):
    """Inverted dropout: kept units are divided by 1 - rate; nothing happens when predicting."""

    rate: Annotated[Fraction, Meta(description="share of units set to 0")] = 0.5


class BatchNorm(Section, frozen=True, tag="batch_norm"):
    """Batch normalisation with scale and shift, by unit or by channel."""

    momentum: Annotated[
        float, Meta(description="share of the new batch in the running mean and variance", ge=0, le=1)
    ] = 0.1
    eps: Annotated[Positive, Meta(description="added to the variance")] = 1e-5
    frozen: Annotated[Frozen, Meta(description="what is not trained")] = field(default_factory=list)


class Flatten(Section, frozen=True, tag="flatten"):
    """One row of numbers from channels, height and width."""


class Conv2d(Section, frozen=True, tag="conv2d"):
    """Cross-correlation of (channels, height, width) with one kernel an output channel."""

    channels: Annotated[Count, Meta(description="output channels")]
    kernel_size: Annotated[Count, Meta(description="side of the kernel")] = 3
    stride: Annotated[Count, Meta(description="step of the kernel")] = 1
    padding: Annotated[
        Whole | Literal["same"],
        Meta(description="zeros on each side; same keeps the size"),
    ] = 0
    activation: Annotated[str | None, Meta(description="an elementwise primitive")] = None
    init: Annotated[Init, Meta(description="as of linear")] = "auto"
    weights: Annotated[
        list[list[list[list[float]]]] | None, Meta(description="explicit, channels x inputs x height x width")
    ] = None
    bias: Annotated[list[float] | None, Meta(description="explicit biases; the default is 0")] = None
    frozen: Annotated[Frozen, Meta(description="what is not trained")] = field(default_factory=list)


class MaxPool2d(Section, frozen=True, tag="max_pool2d"):
    """The largest number of each window."""

    kernel_size: Annotated[Count, Meta(description="side of the window")] = 2
    stride: Annotated[Count | None, Meta(description="step of the window; by default its side")] = None


Layer = Linear | Activation | Dropout | BatchNorm | Flatten | Conv2d | MaxPool2d


class Model(Section, frozen=True):
    """``model``: exactly one of ``hidden``, ``layers`` and ``formula``."""

    hidden: Annotated[
        list[Count] | None, Meta(description="units of the hidden layers; the output layer is added")
    ] = None
    activation: Annotated[str, Meta(description="of the hidden layers")] = "relu"
    init: Annotated[Init, Meta(description="of layers that name none")] = "auto"
    layers: Annotated[list[Layer] | None, Meta(description="the network, layer by layer")] = None
    formula: Annotated[
        str | None, Meta(description="y ~ a*exp(-b*x) + c: a target and an expression to fit")
    ] = None
    parameters: Annotated[
        dict[str, float] | None, Meta(description="the formula's parameters and their first values")
    ] = None


# loss, optimizer, schedule


class Loss(Section, frozen=True):
    """``loss``: a name, or a mapping where it has a parameter."""

    type: Annotated[
        Literal["auto", "mse", "mae", "huber", "sse", "half_sse", "binary_cross_entropy", "cross_entropy"],
        Meta(description="auto: cross-entropy for classes, mse for numbers"),
    ] = "auto"
    delta: Annotated[Positive, Meta(description="huber: where the square ends")] = 1.0


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


Optimizer = Sgd | Adagrad | Adadelta | RMSprop | Adam | AdamW | NAdam | LevenbergMarquardt

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


class Regularization(Section, frozen=True):
    """``regularization``: added to the loss; biases are exempt."""

    l1: Annotated[NotNegative, Meta(description="times the sum of |w|")] = 0.0
    l2: Annotated[NotNegative, Meta(description="times the sum of w^2")] = 0.0


class EarlyStopping(Section, frozen=True):
    """``early_stopping``: end when the monitored number improves no more."""

    monitor: Annotated[str | None, Meta(description="default: val_loss, or loss without validation rows")] = (
        None
    )
    patience: Annotated[Whole, Meta(description="epochs without improvement that are borne")] = 10
    min_delta: Annotated[NotNegative, Meta(description="what counts as improvement")] = 0.0
    restore_best: Annotated[bool, Meta(description="go back to the best epoch's parameters at the end")] = (
        True
    )


ClassMetric = Literal["accuracy", "top_3_accuracy", "macro_f1"]
NumberMetric = Literal["mae", "mse", "rmse", "r2"]
Metric = Literal[ClassMetric, NumberMetric]


class Training(Section, frozen=True):
    """``training``: how long, and on how many rows at once."""

    epochs: Annotated[Count, Meta(description="passes over the training rows")] = 100
    batch_size: Annotated[Count | Literal["full"], Meta(description="rows an update")] = 32
    shuffle: Annotated[bool, Meta(description="a new order every epoch")] = True
    gradient_clip: Annotated[Positive | None, Meta(description="largest global norm of the gradient")] = None
    metrics: Annotated[list[Metric], Meta(description="measured every epoch")] = field(default_factory=list)
    early_stopping: Annotated[
        EarlyStopping | None, Meta(description="end when a number improves no more")
    ] = None


class Checkpoint(Section, frozen=True):
    """``checkpoint``: what is saved during the run."""

    every: Annotated[Whole, Meta(description="epochs between checkpoints; 0 saves none but at the end")] = 10
    keep: Annotated[Count, Meta(description="how many of them are kept")] = 3
    best: Annotated[bool, Meta(description="keep the best epoch's as well")] = True


class Output(Section, frozen=True):
    """``output``: where the run leaves its files."""

    dir: Annotated[str | None, Meta(description="the run folder; runs/NAME by default")] = None
    log: Annotated[Literal["none", "tensorboard"], Meta(description="event files beside metrics.jsonl")] = (
        "none"
    )


class Config(Section, frozen=True):
    """A training config."""

    data: Annotated[Data, Meta(description="where rows come from and what becomes of their columns")]
    model: Annotated[Model, Meta(description="exactly one of hidden, layers and formula")]
    task: Annotated[
        Literal["auto", "classification", "regression"],
        Meta(
            description="auto: what the loss needs, else classification for texts and whole numbers of at "
            "most 20 kinds, two rows each"
        ),
    ] = "auto"
    loss: Annotated[Loss, Meta(description="what is made small: a name, or a mapping")] = field(
        default_factory=Loss
    )
    optimizer: Annotated[
        Optimizer, Meta(description="how: a name, or a mapping with type and hyperparameters")
    ] = field(default_factory=Adam)
    schedule: Annotated[
        Schedule | None, Meta(description="how the learning rate changes: a name, or a mapping")
    ] = None
    regularization: Annotated[Regularization, Meta(description="added to the loss; biases are exempt")] = (
        field(default_factory=Regularization)
    )
    training: Annotated[Training, Meta(description="how long, and on how many rows at once")] = field(
        default_factory=Training
    )
    checkpoint: Annotated[Checkpoint, Meta(description="what is saved during the run")] = field(
        default_factory=Checkpoint
    )
    output: Annotated[Output, Meta(description="where the run leaves its files")] = field(
        default_factory=Output
    )
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1, description="of every random number")] = 0
    name: Annotated[str | None, Meta(description="of the run; the config's file name by default")] = None
    dtype: Annotated[Literal["float64", "float32"], Meta(description="of parameters and data")] = "float64"
