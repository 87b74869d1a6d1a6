"""What a training config may say: one struct a section, one field a key.

The keys, their types, defaults, ranges and one line of words stand here and nowhere else: reading, checking,
``config schema`` and ``docs/config.md`` are made from these structs. Names and defaults are
PyTorch's where PyTorch has the thing.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from ..environments import Environment
from ..networks.layers import Model
from ..networks.losses import Loss, Regularization
from ..optimization.schedules import Schedule
from ..optimization.settings import Adam, Optimizer
from ..settings import Count, Fraction, NotNegative, Positive, Section, Whole
from ..tables.dialect import Dialect

# data

HowMissing = Literal["error", "drop", "mean", "median", "category"]
OTHERS = "others"
"""Stands in ``data.missing`` for every column that is not named."""
DatePart = Literal["year", "month", "day", "weekday", "hour", "elapsed"]


class Divide(Section, frozen=True):
    """``scaling: {divide: 255}``."""

    divide: Annotated[Positive, Meta(description="every feature is divided by this number")]


class Order(Section, frozen=True):
    """``split: {order: day}``."""

    order: Annotated[
        str, Meta(description="the column whose latest rows are held out: numbers, or one of data.dates")
    ]


class Sequences(Section, frozen=True):
    """``sequence: {by: walk, order: time}``."""

    by: Annotated[str, Meta(description="a column; the lines in which it is the same are one sequence")]
    order: Annotated[
        str | None,
        Meta(description="numbers or dates that put its lines in order; without it they stand in it"),
    ] = None
    target: Annotated[
        Literal["auto", "each", "last"],
        Meta(
            description="each: every step has a target; last: the sequence has one, in its last line; auto: "
            "last where all lines of a sequence have the same, in every sequence"
        ),
    ] = "auto"


MADE_SEQUENCES = {
    "adding": Sequences(by="sequence", target="last"),
    "parity": Sequences(by="sequence", target="each"),
    "reverse": Sequences(by="sequence", target="each"),
}
"""Generated sets of sequences."""


class Data(Section, frozen=True):
    """``data``: where rows come from and what becomes of their columns."""

    path: Annotated[
        str | None,
        Meta(
            description="a file of CSV, TSV, JSON, npz, npy, Parquet or Arrow, from the config's folder; "
            "- is stdin"
        ),
    ] = None
    stream: Annotated[
        bool,
        Meta(
            description="read path some rows at a time, never the whole of it, for tables larger than memory"
        ),
    ] = False
    dataset: Annotated[
        Literal[
            "xor", "circles", "moons", "blobs", "spirals", "sine",
            "adding", "parity", "reverse", "iris", "digits",
        ]
        | None,
        Meta(description="a built-in set"),
    ] = None  # fmt: skip
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
    exclude: Annotated[
        list[str] | Literal["auto"] | None,
        Meta(
            description="columns to leave out of the features; auto: those that a note says teach nothing "
            "(row numbers, names, dates, one value alone)"
        ),
    ] = None
    categories: Annotated[
        list[str] | None,
        Meta(description="columns whose cells are texts to tell apart, even where they look like numbers"),
    ] = None
    numbers: Annotated[
        list[str] | None,
        Meta(
            description="columns of numbers as people write them: 1,200 and $5 and 12 % and 34 kg and (0.5) "
            "and 12,5; one unit a column"
        ),
    ] = None
    dates: Annotated[
        list[str] | dict[str, list[DatePart]] | None,
        Meta(
            description="columns of dates, or each with the parts that are learned from; the default is "
            "year, month, weekday (1 is Monday) and elapsed (days since the earliest training row)"
        ),
    ] = None
    date_order: Annotated[
        Literal["dmy", "mdy"] | None,
        Meta(description="of day, month and year in 3/4/2024, where no cell of the column tells it"),
    ] = None
    separator: Annotated[
        str | None,
        Meta(
            description="between cells: a character, or tab, semicolon, pipe, blanks; the default is the "
            "comma, in .tsv the tab"
        ),
    ] = None
    comment: Annotated[str | None, Meta(description="what lines begin with that hold no row")] = None
    decimal: Annotated[
        Literal[".", ",", "point", "comma"] | None,
        Meta(description="the sign of decimals; the default is the point"),
    ] = None
    header: Annotated[
        list[str] | Literal["none"] | None,
        Meta(description="names of the columns where the files lack them, or none for c1, c2, ..."),
    ] = None
    encoding: Annotated[
        str | None, Meta(description="of the text, such as latin-1 or utf-16; the default is UTF-8")
    ] = None
    sequence: Annotated[
        Literal["characters"] | Sequences | None,
        Meta(
            description="characters: path is a text, each window of it a row, and each character is to tell "
            "the next; {by: COLUMN, order: COLUMN}: each line of the table is a step"
        ),
    ] = None
    length: Annotated[
        Count | None,
        Meta(
            description="how many steps: of the windows of a text (32), of each sequence of a generated set; "
            "of those of a table the most"
        ),
    ] = None
    stride: Annotated[
        Count | None,
        Meta(
            description="characters from a window of a text to the next (1; of a text of more than 10,000 "
            "its length)"
        ),
    ] = None
    coding: Annotated[
        Literal["auto", "one_hot", "index"],
        Meta(
            description="what a column of texts becomes: an input for each of its texts, or one that is the "
            "number of the text, from 0, for E[x[t]]; auto: index for characters, else one_hot"
        ),
    ] = "auto"
    shape: Annotated[list[Count] | None, Meta(description="shape of one row: channels, height, width")] = None
    layout: Annotated[
        Literal["nchw", "nhwc", "ncl", "nlc"] | None,
        Meta(
            description="the axes of images or signals in an npz file: rows, channels, height, width, length"
        ),
    ] = None
    scaling: Annotated[
        Literal["auto", "none", "standard", "minmax"] | Divide,
        Meta(
            description="of the features, fitted on the training rows; auto: standard for the columns of a "
            "file; none for inline rows, built-in sets, images, formulas and explicit weights"
        ),
    ] = "auto"
    target_scaling: Annotated[
        Literal["auto", "none", "standard", "minmax"],
        Meta(
            description="of targets that are numbers; undone in the model, its losses and metrics; auto: "
            "standard where scaling: auto is and the last layer is linear"
        ),
    ] = "auto"
    missing: Annotated[
        HowMissing | dict[str, HowMissing],
        Meta(
            description="what a missing cell does, for all columns or by column (others: the rest); mean and "
            "median are those of the training rows, or their most frequent text; category is a category of "
            "its own, of numbers the mean and an input that says so"
        ),
    ] = "error"
    missing_values: Annotated[
        list[str | float] | None,
        Meta(
            description="cells that are missing besides the empty one; the default is NA, N/A, NaN, nan, "
            "null, NULL, ?"
        ),
    ] = None
    unknown: Annotated[
        Literal["error", "ignore"],
        Meta(description="what a category does that no training row has; ignore: it is none of the known"),
    ] = "error"
    validation_split: Annotated[
        Fraction | Literal["auto"],
        Meta(
            description="share of the rows held out to validate; auto: 0.2 of a file of 50 rows or more that "
            "has no validation_path, for networks; of arrays only where no test rows are given, either"
        ),
    ] = "auto"
    test_split: Annotated[Fraction, Meta(description="share of the rows held out for the final test")] = 0.0
    validation_path: Annotated[str | None, Meta(description="a file of validation rows")] = None
    test_path: Annotated[str | None, Meta(description="a file of test rows")] = None
    split: Annotated[
        Literal["random"] | Order,
        Meta(description="which rows are held out: random, by the seed; {order: column}: the latest ones"),
    ] = "random"
    groups: Annotated[
        str | None,
        Meta(description="a column; rows in which it is the same are all held out, or none of them"),
    ] = None
    weights: Annotated[
        str | None,
        Meta(
            description="a column of numbers, 0 or more: what each row counts in the loss, a weighted mean, "
            "and in the metrics"
        ),
    ] = None
    sigma: Annotated[
        str | None,
        Meta(
            description="of formulas: a column of numbers above 0, the standard deviation of each target; a "
            "row counts 1/sigma^2"
        ),
    ] = None
    absolute_sigma: Annotated[
        bool,
        Meta(
            description="whether sigma is in the units of the target, so that standard errors follow from it "
            "alone; false: only its ratios are known, and the residuals say the rest (SciPy's default)"
        ),
    ] = True
    folds: Annotated[
        Annotated[int, Meta(ge=2, le=1000)] | None,
        Meta(
            description="train trains so many times, each time with another part of the rows to validate, "
            "and tells mean and deviation; with order, later rows validate what was trained on earlier ones"
        ),
    ] = None
    fold: Annotated[
        Count | None,
        Meta(
            description="which of the folds validates, from 1; without it train lets each of them, other "
            "commands take the first"
        ),
    ] = None
    train_size: Annotated[
        Positive | None,
        Meta(description="how many of the training rows are learned from: a share up to 1, or a number"),
    ] = None
    stratify: Annotated[
        bool | Literal["auto"], Meta(description="split class by class; auto does for classification")
    ] = "auto"
    samples: Annotated[
        Annotated[int, Meta(ge=1, le=1_000_000)] | None, Meta(description="rows of a generated set")
    ] = None
    noise: Annotated[
        NotNegative | None, Meta(description="noise of a generated set, a standard deviation")
    ] = None

    @property
    def dialect(self) -> Dialect:
        """How its tables are written.

        Raises:
            UsageError: for a separator that is none, and the like.
        """
        return Dialect.of(self.separator, self.comment, self.decimal, self.header, self.encoding)

    @property
    def sequences(self) -> Sequences | None:
        """How the lines of its table are steps of sequences; None where each is a row, or it is a text."""
        if self.dataset in MADE_SEQUENCES:
            return MADE_SEQUENCES[self.dataset]
        return self.sequence if isinstance(self.sequence, Sequences) else None

    @property
    def of_steps(self) -> bool:
        """Whether a row is a sequence."""
        return self.sequence is not None or self.sequences is not None

    @property
    def indexed(self) -> bool:
        """Whether texts become their numbers."""
        return self.coding == "index" or (self.coding == "auto" and self.sequence == "characters")

    @property
    def dated(self) -> dict[str, list[DatePart]]:
        """The columns of dates, each with its parts."""
        if isinstance(self.dates, dict):
            return self.dates
        return {name: ["year", "month", "weekday", "elapsed"] for name in self.dates or ()}

    @property
    def validates(self) -> bool | None:
        """Whether rows are held out to validate; None where the table decides."""
        if self.folds is not None:
            return True
        if self.validation_split == "auto" and self.of_steps:
            return self.validation_path is not None
        if self.validation_split == "auto":
            return True if self.validation_path is not None else None if self.path is not None else False
        return bool(self.validation_split) or self.validation_path is not None

    @property
    def several(self) -> bool:
        """Whether train makes several runs of it: one for each fold."""
        return self.folds is not None and self.fold is None

    @property
    def order(self) -> str | None:
        """The column by which rows are held out; None where it is by chance."""
        return self.split.order if isinstance(self.split, Order) else None

    @property
    def apart(self) -> list[str]:
        """Columns that are no features unless they are named as such: they say how rows are used."""
        return [name for name in (self.groups, self.order, self.counting) if name is not None]

    @property
    def counting(self) -> str | None:
        """The column that says what each row counts; None where all count alike."""
        return self.sigma if self.weights is None else self.weights

    def missing_in(self, column: str) -> HowMissing:
        """Return what a missing cell of a column does."""
        if isinstance(self.missing, str):
            return self.missing
        return self.missing.get(column, self.missing.get(OTHERS, "error"))


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


ClassMetric = Literal[
    "accuracy", "top_3_accuracy", "macro_f1", "precision", "recall", "f1", "roc_auc", "average_precision"
]
NumberMetric = Literal["mae", "mse", "rmse", "r2", "poisson_deviance"]
Metric = Literal[ClassMetric, NumberMetric]


class Training(Section, frozen=True):
    """``training``: how long, and on how many rows at once."""

    epochs: Annotated[Whole, Meta(description="passes over the training rows; 0 only measures")] = 100
    batch_size: Annotated[Count | Literal["full"], Meta(description="rows an update")] = 32
    shuffle: Annotated[bool, Meta(description="a new order every epoch")] = True
    gradient_clip: Annotated[Positive | None, Meta(description="largest global norm of the gradient")] = None
    metrics: Annotated[
        list[Metric] | Literal["auto"],
        Meta(description="measured every epoch; auto: accuracy or r2 for networks that learn from a file"),
    ] = "auto"
    early_stopping: Annotated[
        EarlyStopping | None, Meta(description="end when a number improves no more")
    ] = None
    engine: Annotated[
        Literal["numpy", "jax"],
        Meta(description="what computes; jax (an extra) compiles, for GPUs and several devices"),
    ] = "numpy"
    method: Annotated[
        Literal["reinforce", "q_learning", "value_iteration"] | None,
        Meta(
            description="how to act in an environment is learned (reinforce): reinforce: a model by what its "
            "actions brought; where states can be listed, q_learning: a table by acting, value_iteration: a "
            "table by what is known, an epoch a sweep; null for rows"
        ),
    ] = None
    episodes: Annotated[Count | None, Meta(description="environment: played in all (400)")] = None
    batch: Annotated[
        Count | None, Meta(description="environment: episodes an update, and a line of the log (5)")
    ] = None
    discount: Annotated[
        Annotated[float, Meta(ge=0, le=1)] | None,
        Meta(description="environment: what a reward counts a step later (0.99)"),
    ] = None
    baseline: Annotated[
        Literal["none", "mean", "standard"] | None,
        Meta(
            description="reinforce: what is subtracted from the returns of a batch (mean); standard: their "
            "mean, and they are divided by their standard deviation"
        ),
    ] = None
    exploration: Annotated[
        Annotated[float, Meta(ge=0, le=1)] | None,
        Meta(description="q_learning: how often an action is taken by chance (0.1)"),
    ] = None
    keep: Annotated[
        Literal["auto", "last", "best", "refit"],
        Meta(
            description="whose parameters the model has: the last epoch's, the best one's, or, refit, those "
            "of training anew on training and validation rows for as many epochs as the best one; auto: "
            "refit (of 10,000 rows or more best) where validation_split: auto holds rows of a table out, "
            "else best with early_stopping, else last"
        ),
    ] = "auto"

    @property
    def rounds(self) -> int:
        """How many lines the log gets: one an epoch, or one a round, which is a batch of episodes."""
        return self.epochs if self.episodes is None else -(-self.episodes // (self.batch or 1))

    @property
    def round(self) -> str:
        """What one of these is called."""
        return "round" if self.episodes is not None else "sweep" if self.method is not None else "epoch"

    @property
    def measured(self) -> list[Metric]:
        """The metrics; none before the data has told what ``auto`` is."""
        return [] if self.metrics == "auto" else self.metrics


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


RETURN = "return"
"""What is measured where an environment is acted in: the mean return of a round's episodes."""


class Config(Section, frozen=True, kw_only=True):
    """A training config."""

    data: Annotated[Data, Meta(description="where rows come from and what becomes of their columns")] = field(
        default_factory=Data
    )
    environment: Annotated[
        Environment | None,
        Meta(description="what is acted in, in place of data: a name, or a mapping with what it is like"),
    ] = None
    model: Annotated[
        Model, Meta(description="exactly one of hidden, layers, formula and program, or from alone")
    ] = field(default_factory=Model)
    task: Annotated[
        Literal["auto", "classification", "regression"],
        Meta(
            description="auto: what the loss needs, else classification for texts and whole numbers of at "
            "most 20 kinds, two rows each"
        ),
    ] = "auto"
    threshold: Annotated[
        Annotated[float, Meta(gt=0, lt=1)] | None,
        Meta(description="of two classes: the probability of the second above which it is the answer (0.5)"),
    ] = None
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
    names: Annotated[
        Literal["textbook"] | None,
        Meta(
            description="textbook: linear layers have units h1, o1 and numbers net_h1, out_h1, w1 ..., "
            "counted from 1, where by default they have linear1[0].z, linear1[0].y, linear1[0].w[0]"
        ),
    ] = None
    dtype: Annotated[Literal["float64", "float32"], Meta(description="of parameters and data")] = "float64"
