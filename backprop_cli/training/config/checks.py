"""What one key of a config demands of another. Each check adds faults at the key that is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, get_args

import msgspec

from ...errors import BackpropError, ExpressionError, Source, UsageError, counted
from ...graph import Graph
from ...language.lower import lower
from ...language.numbers import brief
from ...language.parser import Program, parse
from ...networks import layers, reading
from ...networks.as_program import as_program
from ...networks.layers.kind import LayerKind
from ...networks.layers.places import ShapeError, placed
from ...networks.layers.weights import HIGHEST_UNITS, too_many
from ...networks.losses import FORMULA, OPERANDS, PROGRAM
from ...optimization import settings
from ...settings import Fault, uneven
from .. import schema
from . import acting
from .walk import Walk, activations, fields_of
from .yaml_source import quote, short

CLASSIFICATION_METRICS: tuple[str, ...] = get_args(schema.ClassMetric)
REGRESSION_METRICS: tuple[str, ...] = get_args(schema.NumberMetric)
OF_FILES = (
    "categories",
    "comment",
    "date_order",
    "dates",
    "decimal",
    "encoding",
    "groups",
    "header",
    "layout",
    "missing",
    "missing_values",
    "numbers",
    "separator",
    "sigma",
    "split",
    "unknown",
    "weights",
)
"""Keys of ``data`` that say how files are written."""
RANKED = ("roc_auc", "average_precision")
"""Metrics of how rows are ranked among all others."""
GENERATED = ("xor", "circles", "moons", "blobs", "spirals", "sine", *schema.MADE_SEQUENCES)


def check(config: schema.Config, walk: Walk, stdin: bool) -> schema.Config:
    """Check what the types cannot say; return the config with names in their normal form."""
    return _Checks(config, walk, stdin).run()


class _Checks:
    def __init__(self, config: schema.Config, walk: Walk, stdin: bool) -> None:
        self.config = config
        self.walk = walk
        self.stdin = stdin
        self.has_loss = False  # of the program's own

    def run(self) -> schema.Config:
        self.environment()
        if not self.is_set("environment"):
            self.sources()
            self.inline_rows()
            self.sequences()
            self.splits()
            self.streams()
        self.model()
        self.loss()
        self.optimizer()
        self.task()
        self.monitors()
        self.name()
        self.names()
        return self.config

    def names(self) -> None:
        """Hold textbook names to networks of weighted sums."""
        model = self.config.model
        # what was refused is no layer
        other = [layer for layer in model.layers or () if isinstance(layer, LayerKind) and not layer.dense]
        if self.config.names is not None and (other or model.formula or model.program):
            what = f"a layer of type {other[0].tag}" if other else "a formula or program"
            self.fault(
                "names",
                f"names: textbook is for linear layers, and this model has {what}",
                "leave names out: trace names all others by layer and unit",
            )

    def fault(self, key: str, message: str, hint: str | None = None, *also: str, **more: Any) -> None:
        """Add a fault, unless one of the keys it is about was refused already."""
        if not any(self.walk.is_bad(k) for k in (key, *also)):
            self.walk.fault(key, message, hint, **more)

    def told(self, fault: Fault) -> None:
        """Add a fault that a section found in itself."""
        self.fault(fault.key, fault.message, fault.hint, *fault.also)

    def is_set(self, key: str) -> bool:
        """Whether a key was given, in order or not."""
        value: Any = self.config
        for part in key.split("."):
            value = getattr(value, part, None)
        return value is not None or (self.walk.given(key) and self.walk.is_bad(key))

    def one_of(self, section: str, keys: tuple[str, ...], hint: str) -> str | None:
        """Hold a section to exactly one of some keys; return it."""
        present = [key for key in keys if self.is_set(f"{section}.{key}")]
        if not present:
            self.fault(section, f"{section} needs one of {', '.join(keys)}", hint)
        for key in present[1:]:
            self.fault(
                f"{section}.{key}",
                f"{section} has both {present[0]} and {key}",
                f"give one; on the command line {section}.{present[0]}=null takes one away",
            )
        return present[0] if len(present) == 1 else None

    # environment

    def environment(self) -> None:
        """Hold the config to what an environment has, or to rows where there is none."""
        config = self.config
        if config.environment is not None:
            for fault in acting.faults(config, self.walk.given):
                self.told(fault)
        for key in acting.KEYS if not self.is_set("environment") else ():
            if getattr(config.training, key) is not None:
                hint = "training.batch_size: rows an update" if key == "batch" else "environment: cartpole"
                self.fault(f"training.{key}", f"training.{key} is for an environment", hint)

    # data

    def sources(self) -> None:
        data = self.config.data
        source = self.one_of("data", ("path", "dataset", "inputs"), "data: {path: FILE.csv, target: COLUMN}")
        for key in ("path", "validation_path", "test_path"):
            value = getattr(data, key)
            if value == "":
                self.fault(f"data.{key}", f"data.{key} is empty")
            elif value == "-" and self.stdin:
                self.fault(f"data.{key}", "the config and the rows cannot both come from stdin")
        if [data.path, data.validation_path, data.test_path].count("-") > 1:
            self.fault("data", "only one file of rows can come from stdin")
        if source is None:
            return
        generated = data.dataset in GENERATED
        for key in ("samples", "noise"):
            if getattr(data, key) is not None and not generated:
                self.fault(
                    f"data.{key}",
                    f"data.{key} is for generated sets, not for {data.dataset or source}",
                    f"generated sets: {', '.join(GENERATED)}",
                    "data.dataset",
                )
        for key in ("validation_path", "test_path"):
            if getattr(data, key) is not None and source != "path":
                self.fault(
                    f"data.{key}",
                    f"data.{key} goes with data.path, not with {source}",
                    f"data.{key[:-4]}split",
                )
        for key in OF_FILES:
            if getattr(data, key) != fields_of(schema.Data)[key].default and source != "path":
                self.fault(f"data.{key}", f"data.{key} is for data.path, not for {source}")
        try:
            _ = data.dialect
        except UsageError as error:
            self.fault("data", f"data: {error.message}")
        for key in ("features", "shape", "exclude", "categories", "numbers", "dates", "header"):
            if getattr(data, key) == []:
                self.fault(f"data.{key}", f"data.{key} is empty")
        for name in sorted({f for f in data.features or () if (data.features or []).count(f) > 1}):
            self.fault("data.features", f"data.features has {quote(name)} twice")
        if data.shape and prod(data.shape) > HIGHEST_UNITS:
            self.fault(
                "data.shape", f"data.shape is {prod(data.shape):,} numbers a row, more than {HIGHEST_UNITS:,}"
            )
        targets = [data.target] if isinstance(data.target, str) else data.target
        if targets is not None and (not targets or "" in targets):
            self.fault("data.target", "data.target is empty")
        elif targets is not None and len(set(targets)) < len(targets):
            self.fault("data.target", "data.target has a column twice")
        elif targets is not None and targets != ["features"]:
            for name in sorted({*targets} & {*(data.features or ())}):
                self.fault("data.features", f"data.features has the target {quote(name)}")

    def sequences(self) -> None:
        """Hold what says that rows are sequences to what they are made of."""
        config, data = self.config, self.config.data
        made = data.dataset in schema.MADE_SEQUENCES
        if data.sequence is not None and data.path is None:
            hint = f"{data.dataset} is made of sequences" if made else "data.shape: [steps, numbers]"
            self.fault("data.sequence", "data.sequence is of a file, data.path", hint)
        text = data.sequence == "characters"
        if data.length is not None and not data.of_steps:
            self.fault("data.length", "data.length is of sequences", "data.sequence: characters")
        if data.length == 1 and data.dataset == "adding":
            self.fault("data.length", "data.length: adding adds two numbers of each sequence", "length: 2")
        if data.stride is not None and not text:
            self.fault("data.stride", "data.stride is of the windows of a text", "data.sequence: characters")
        if data.noise is not None and made:
            self.fault("data.noise", f"data.noise: {data.dataset} has none", None, "data.dataset")
        if not data.of_steps:
            return
        if config.model.hidden is not None or config.model.formula is not None:
            kind = "hidden" if config.model.hidden is not None else "formula"
            hint = "h[0] = 0; h[t+1] = tanh(W@x[t] + U@h[t]); logits[t] = V@h[t+1]"
            self.fault(f"model.{kind}", "rows are sequences, which model.program takes", hint)
        of_columns = ("features", "target", "exclude", "categories", "numbers", "dates", "missing", "header")
        for key in (
            "shape",
            "layout",
            "groups",
            "weights",
            "sigma",
            "split",
            "train_size",
            *of_columns * text,
        ):
            if getattr(data, key) != fields_of(schema.Data)[key].default:
                of = "the characters of a text" if text else "sequences"
                self.fault(f"data.{key}", f"data.{key} is not for {of}", None, "data.sequence")
        if data.stream:
            self.fault("data.stream", "data.stream reads rows, not sequences", None, "data.sequence")
        if config.training.keep == "refit":
            self.fault("training.keep", "training.keep: refit is not for sequences", "training.keep: best")
        if text and data.stratify is True:
            self.fault("data.stratify", "a text is split where its last part begins, not by classes")

    def inline_rows(self) -> None:
        data = self.config.data
        if data.inputs is None:
            if data.targets is not None:
                self.fault("data.targets", "data.targets goes with data.inputs", None, "data.inputs")
            return
        width = self.rows("data.inputs", data.inputs)
        if width and data.shape and prod(data.shape) != width and not self.walk.is_bad("data.inputs"):
            shape = " x ".join(map(str, data.shape))
            self.fault(
                "data.shape",
                f"data.shape is {shape} = {prod(data.shape)} numbers, a row of data.inputs has {width}",
            )
        if data.targets is None:
            if data.target != "features":
                self.fault(
                    "data.inputs",
                    "data.inputs needs data.targets",
                    "or target: features, to learn the inputs themselves",
                    "data.targets",
                )
            return
        if data.target is not None:
            self.fault(
                "data.target",
                "data.targets holds the targets: data.target has no place",
                None,
                "data.targets",
            )
        entries, rows = counted(len(data.targets), "entry"), counted(len(data.inputs), "row")
        if len(data.targets) != len(data.inputs):
            self.fault(
                "data.targets",
                f"data.targets has {entries}, data.inputs has {rows}",
                None,
                "data.inputs",
            )
        kinds = {list if isinstance(t, list) else str if isinstance(t, str) else float for t in data.targets}
        if len(kinds) > 1:
            self.fault("data.targets", "data.targets mixes lists, numbers and texts", "one kind for all rows")
        elif kinds == {list}:
            self.rows("data.targets", data.targets)

    def rows(self, key: str, rows: list[Any]) -> int:
        """Hold rows to one length, which is returned; 0 after a fault."""
        fault = uneven(key, rows)
        if fault is None:
            return len(rows[0])
        self.told(fault)
        return 0

    def splits(self) -> None:
        data = self.config.data
        for part in ("validation", "test"):
            share = getattr(data, f"{part}_split")
            if share and share != "auto" and getattr(data, f"{part}_path") is not None:
                self.fault(
                    f"data.{part}_path",
                    f"data has both {part}_split and {part}_path",
                    "give one",
                    f"data.{part}_split",
                )
        for key in ("split", "path"):
            given = getattr(data, f"validation_{key}")
            if data.folds is not None and given not in (None, "auto", 0.0):
                self.fault(
                    f"data.validation_{key}",
                    f"data has both folds and validation_{key}: the folds validate",
                    "give one",
                    "data.folds",
                )
        if data.fold is not None and data.folds is None:
            self.fault("data.fold", "data.fold is one of data.folds, which is not given", None, "data.folds")
        elif data.fold is not None and data.folds is not None and data.fold > data.folds:
            self.fault(
                "data.fold", f"data.fold is {data.fold}, but there are {data.folds} folds", None, "data.folds"
            )
        if data.weights is not None and data.sigma is not None:
            self.fault("data.sigma", "data has both weights and sigma", "give one", "data.weights")
        if data.sigma is None and not data.absolute_sigma:
            self.fault("data.absolute_sigma", "data.absolute_sigma goes with data.sigma", None, "data.sigma")
        if data.sigma is not None and self.config.model.formula is None:
            self.fault("data.sigma", "data.sigma is for formulas", "data.weights, for a network", "model")
        if data.order is not None and data.groups is not None:
            self.fault(
                "data.groups", "data has both groups and an order to split by", "give one", "data.split"
            )
        for key, value in (("groups", data.groups), ("split", data.order)):
            if value is not None and data.stratify is True:
                self.fault("data.stratify", f"stratify: true does not go with data.{key}", "leave it out")
        size = data.train_size
        if size is not None and size > 1 and size != int(size):
            self.fault(
                "data.train_size",
                f"data.train_size is a share up to 1 or a number of rows, not {brief(size)}",
            )
        total = (0.0 if data.validation_split == "auto" else data.validation_split) + data.test_split
        if total >= 1:
            self.fault(
                "data.test_split",
                f"validation_split + test_split is {brief(total)}: no rows are left to train on",
                "together they stay below 1",
                "data.validation_split",
            )

    def streams(self) -> None:
        """Refuse what needs all rows at once where they are never all there."""
        config, data = self.config, self.config.data
        if not data.stream:
            return
        if data.path is None:
            self.fault("data.stream", "data.stream is for data.path, which it reads some rows at a time")
        for key in ("path", "validation_path", "test_path"):
            if getattr(data, key) == "-":
                self.fault(
                    f"data.{key}", "stdin cannot be read twice, as data.stream has to", "a file on disk"
                )
        training, missing = config.training, data.missing
        how = {missing} if isinstance(missing, str) else {*missing.values()}
        ranked = [name for name in training.measured if name in RANKED]
        least_squares = isinstance(config.optimizer, settings.LevenbergMarquardt)
        for what, given, hint in (
            ("data.folds", data.folds, "data.validation_split: 0.2"),
            ("data.train_size", data.train_size, None),
            ("data.split", data.order, "data.validation_path, a file of the latest rows"),
            ("data.stratify: true", data.stratify is True, "without it each row is drawn by itself"),
            ("data.exclude: auto", data.exclude == "auto", "data.exclude: [COLUMN, ...]"),
            ("data.missing: median", "median" in how, "data.missing: mean"),
            ("model.formula", config.model.formula, "data.stream: false"),
            ("optimizer: levenberg_marquardt", least_squares, "optimizer: adam"),
            ("training.batch_size: full", training.batch_size == "full", "training.batch_size: 256"),
            ("training.engine: jax", training.engine == "jax", "training.engine: numpy"),
            ("training.keep: refit", training.keep == "refit", "training.keep: best"),
            *((f"training.metrics: {name}", True, "evaluate measures it") for name in ranked),
        ):
            if given:
                says = f"{what} needs all rows at once, which data.stream never has"
                self.fault(what.partition(":")[0], says, hint, "data.stream")

    # model

    def model(self) -> None:
        model = self.config.model
        if self.config.environment is not None and acting.method_of(self.config) in acting.RATES:
            return  # it is a table
        kinds = ("hidden", "layers", "formula", "program")
        kind = None
        if model.from_ is None or any(self.is_set(f"model.{each}") for each in kinds):
            kind = self.one_of("model", kinds, "model: {hidden: [16], activation: relu} is the short form")
        for key, names in (("freeze", model.freeze), ("fresh", model.fresh)):
            if names is not None and kind == "formula":
                self.fault(f"model.{key}", f"model.{key} is of layers, and a formula has none")
        if model.fresh is not None and model.from_ is None:
            self.fault("model.fresh", "model.fresh goes with model.from: without it all layers begin anew")
        if kind != "hidden" and kind is not None and model.activation != "relu":
            where = "each layer names its own" if kind == "layers" else f"write it into the {kind}"
            self.fault("model.activation", f"model.activation goes with hidden, not with {kind}", where)
        if kind == "formula" and model.init != "auto":
            self.fault(
                "model.init", "model.init goes with layers, not with formula", "parameters hold first values"
            )
        if kind not in ("formula", "program", None) and model.parameters is not None:
            self.fault("model.parameters", f"model.parameters goes with formula and program, not with {kind}")
        if kind not in ("program", None) and model.dims is not None:
            self.fault("model.dims", f"model.dims goes with program, not with {kind}")
        if kind not in ("program", None) and model.noise is not None:
            self.fault("model.noise", f"model.noise goes with program, not with {kind}", "{type: dropout}")
        replace = msgspec.structs.replace
        model = replace(model, activation=self.activation("model.activation", model.activation))
        for i, units in enumerate(model.hidden or ()):
            for fault in too_many(f"model.hidden.{i}", units):
                self.told(fault)
        if model.layers is not None:
            if not model.layers:
                self.fault("model.layers", "model.layers is empty")
            checked = [self.layer(f"model.layers.{i}", layer) for i, layer in enumerate(model.layers)]
            model = replace(model, layers=checked)
        self.config = replace(self.config, model=model)
        if kind == "formula":
            self.formula()
        elif kind == "program":
            self.program()
        elif kind is not None and not self.walk.is_bad("model"):
            self.sizes()

    def sizes(self) -> None:
        """Hold the layers to each other as far as the config alone tells; the data is not read yet."""
        data = self.config.data
        shape = tuple(data.shape) if data.shape else None
        if shape is None and data.inputs and data.features is None and not self.walk.is_bad("data.inputs"):
            shape = (len(data.inputs[0]),)
        try:
            if self.config.model.written:
                as_program(self.config.model, shape, {} if data.of_steps else None)
            for _ in placed(self.config.model, shape, None) if not self.config.model.written else ():
                pass
        except ShapeError as error:
            self.fault(error.key, error.message, error.hint, "data.shape")

    def activation(self, key: str, name: str) -> str:
        """Hold a name to the activations; return it without its alias."""
        from ...ops import ALIASES, FUNCTIONS

        known = activations()
        if name in known:
            return ALIASES.get(name, name)
        if name in FUNCTIONS:
            least = FUNCTIONS[name].arity[0]
            self.fault(key, f"{key}: {name} takes {least} operands, an activation takes 1")
        elif name in ("none", "linear", "identity", ""):
            self.fault(key, f"{key} must be a function, not {quote(name)}", "without one, leave the key out")
        else:
            close = self.walk.near(name, known)
            hint = f"did you mean {close}?" if close else f"functions: {', '.join(known)}"
            self.fault(key, f"{key}: there is no function {quote(name)}", hint)
        return name

    def layer(self, key: str, layer: layers.Layer) -> layers.Layer:
        """Hold a layer to what its kind demands; return it with its activation in normal form."""
        if not isinstance(layer, LayerKind):
            return layer  # refused already
        if layer.function is not None:
            name = self.activation(f"{key}.activation", layer.function)
            layer = msgspec.structs.replace(layer, activation=name)
        inner = getattr(layer, "layers", None)
        if inner is not None:
            inner = [self.layer(f"{key}.layers.{i}", each) for i, each in enumerate(inner)]
            layer = msgspec.structs.replace(layer, layers=inner)
        for fault in layer.faults(key):
            self.told(fault)
        return layer

    def program(self) -> None:
        """Check what a program says whatever the data is: its language, names and sizes."""
        model, key = self.config.model, "model.program"
        parameters = dict(model.parameters or {})
        for name, value in parameters.items():
            if isinstance(value, float):
                if value != int(value):
                    self.fault(
                        f"model.parameters.{name}",
                        f"model.parameters.{name} is a shape, not {brief(value)}",
                        f"{name}: {{init: {brief(value)}}} is a number to begin with",
                    )
                    return
                parameters[name] = int(value)
        if model.parameters is not None:
            model = msgspec.structs.replace(model, parameters=parameters)
            self.config = msgspec.structs.replace(self.config, model=model)
        if key not in self.walk.formulas or any(
            map(self.walk.is_bad, (key, "model.parameters", "model.dims"))
        ):
            return
        try:
            known = (
                reading.Steps(dict.fromkeys(reading.SIZES, 1), True) if self.config.data.of_steps else None
            )
            found = reading.read(model, steps=known)
            reading.shapes_of(found, model)
        except ShapeError as error:
            self.fault(error.key, error.message, error.hint)
            return
        except BackpropError as error:
            self.in_text(key, error, Source(model.program or ""))
            return
        for where, fault in found.faults():
            if fault.source is not None:
                self.in_text(key, fault, fault.source)
            else:
                self.fault(where, f"{where}: {fault.message}", fault.hint)
        self.has_loss = found.has_loss
        if found.has_loss and self.config.environment is not None:
            self.fault(
                key, f"{key}: an environment leaves no place for a loss of its own", None, "environment"
            )
        if found.has_loss and self.config.loss.type not in ("auto", PROGRAM):
            self.fault(
                "loss", f"the program has a loss of its own: loss: {self.config.loss.type} has no place",
                "leave one of them out",
            )  # fmt: skip

    def formula(self) -> None:
        """Check ``target ~ expression``: its language, its parameters, its target."""
        text = self.config.model.formula
        key = "model.formula"
        if text is None or key not in self.walk.formulas or self.walk.is_bad(key):
            return
        target, sign, expression = text.partition("~")
        target = target.strip()
        if not sign or not target or not expression.strip():
            self.fault(key, f"{key} must be TARGET ~ EXPRESSION, not {quote(text)}", "y ~ a*exp(-b*x) + c")
            return
        parameters = self.config.model.first_values
        for name in self.config.model.parameters or {}:
            if name not in parameters:
                where = f"model.parameters.{name}"
                value = self.config.model.parameters[name] if self.config.model.parameters else None
                shown = f"the text {quote(value)}" if isinstance(value, str) else "a list or a mapping"
                self.fault(where, f"{where} must be a number, not {shown}", "auto finds one by the rows")
                return
        # blanks for the target keep the offsets
        shifted = " " * (len(text) - len(expression)) + expression
        found = self.lowered(key, shifted, text, list(parameters))
        if found is None:
            return
        program, graph = found
        statement = program.statements[-1]
        if len(program.statements) > 1 or statement.name:
            self.fault(key, f"{key} must be one expression after the ~", "y ~ a*exp(-b*x) + c")
            return
        names = list(graph.inputs)
        wanted = self.config.data.target
        if target in names:
            self.fault(key, f"{key}: the target {short(target)} stands on both sides of the ~")
        if wanted is not None and wanted != target:
            self.fault(
                "data.target",
                f"data.target is {_listed(wanted)}, the formula's target is {short(target)}",
                "leave data.target out",
            )
        if self.walk.is_bad("model.parameters"):
            return
        if not parameters:
            some = ", ".join(f"{short(name)}: 1.0" for name in names[:3])
            self.fault(
                "model.parameters" if self.config.model.parameters is not None else key,
                "a formula needs model.parameters: what is fitted, with first values",
                f"parameters: {{{some}}} without the names of columns" if names else None,
            )
        for name in parameters:
            if name not in names:
                close = self.walk.near(name, [n for n in names if n not in parameters])
                self.fault(
                    f"model.parameters.{name}",
                    f"the parameter {short(name)} is not in the formula",
                    f"did you mean {close}?"
                    if close
                    else f"its names: {', '.join(map(short, names)) or 'none'}",
                )

    def lowered(self, key: str, text: str, whole: str, bound: Sequence[str]) -> tuple[Program, Graph] | None:
        """Read what a key says in the language; None after a fault, which has its place in the key's text.

        Args:
            key: Of the config.
            text: What is read; its offsets are those of ``whole``.
            whole: What the key says.
            bound: Names that are variables.
        """
        try:
            program = parse(text)
            return program, lower(program, bound)
        except ExpressionError as error:
            self.in_text(key, error, Source(whole))
        return None

    def in_text(self, key: str, error: BackpropError, source: Source) -> None:
        """Add the fault of what a key says in the language, with its place there."""
        place = self.walk.formulas[key].begins.within(source, error.span or (0, 0))
        self.fault(
            key,
            f"{key}: {error.message}",
            None if error.hint and "--large" in error.hint else error.hint,  # train has no such option
            place=str(place),
            source=source,
            span=error.span,
        )

    # loss, optimizer and schedule

    def loss(self) -> None:
        """Check a loss that is written down: its language, what it names, its parameters."""
        loss, key = self.config.loss, "loss.formula"
        for fault in loss.faults("loss"):
            self.told(fault)
        if loss.type == PROGRAM and not self.has_loss:
            self.fault(
                "loss", "loss.type program needs a statement of model.program: loss = ...", None, "model"
            )
        if loss.type != FORMULA:
            return
        if loss.formula is None:
            self.fault("loss", "loss.type formula needs loss.formula", 'loss: {formula: "(y - t)^2"}', key)
            return
        parameters = loss.parameters or {}
        if key not in self.walk.formulas or self.walk.is_bad(key):
            return
        found = self.lowered(key, loss.formula, loss.formula, [*OPERANDS, *parameters])
        if found is None:
            return
        graph = found[1]
        taken = [name for name in (*parameters, *graph.defaults) if name in OPERANDS]
        if taken:
            self.fault(key, f"{key}: {taken[0]} has no value of its own: {_OPERANDS}", "use another name")
        for some in (("y", "p"), ("t",)):
            if not {*some} & {*graph.inputs}:
                message = f"{key} does not name {' or '.join(some)}: {_OPERANDS}"
                self.fault(key, message, 'loss: {formula: "(y - t)^2"}')
        names = [name for name in graph.inputs if name not in OPERANDS]
        if self.walk.is_bad("loss.parameters"):
            return
        for name in names:
            if name not in parameters and name not in graph.defaults:
                self.fault(
                    key,
                    f"{key}: {short(name)} has no value: {_OPERANDS}",
                    f"loss: {{formula: ..., {short(name)}: 1.0}} gives one",
                )
        for name in parameters:
            if name not in graph.inputs and name not in OPERANDS:
                self.fault(
                    f"loss.parameters.{name}",
                    f"the parameter {short(name)} is not in the formula",
                    f"its names: {', '.join(map(short, graph.inputs))}",
                )

    def optimizer(self) -> None:
        config, optimizer = self.config, self.config.optimizer
        if isinstance(optimizer, settings.FirstOrderKind):
            for fault in optimizer.faults("optimizer"):
                self.told(fault)
        if not isinstance(optimizer, settings.LevenbergMarquardt) or self.walk.is_bad("optimizer.type"):
            return
        here = "optimizer.type"
        if config.model.formula is None:
            self.fault(
                here, "levenberg_marquardt fits formulas, not networks", "for a network: adam", "model"
            )
        told = "levenberg_marquardt sets its steps by itself"
        if config.schedule is not None:
            self.fault("schedule", f"{told}: schedule has no place")
        if config.regularization.l1 or config.regularization.l2:
            self.fault(
                "regularization", "levenberg_marquardt minimises squares alone: regularization has no place"
            )
        if config.training.gradient_clip is not None:
            self.fault("training.gradient_clip", f"{told}: gradient_clip has no place")
        if config.training.early_stopping is not None:
            self.fault(
                "training.early_stopping",
                f"{told}: early_stopping has no place",
                "optimizer.tolerance ends it",
            )
        batch = config.training.batch_size
        if batch != "full" and self.walk.given("training.batch_size"):
            self.fault(
                "training.batch_size",
                f"levenberg_marquardt uses all rows at once, not batches of {batch}",
                "batch_size: full",
            )
        if config.loss.type == "auto":
            return
        if config.loss.row.squares and config.loss.row.sums:
            self.fault("loss.type", "levenberg_marquardt tells the mean of squares, not a sum", "loss: mse")
        elif not config.loss.row.squares:
            self.fault(
                "loss.type",
                f"levenberg_marquardt minimises squares, not {config.loss.type}",
                "leave loss out",
            )

    # task, metrics, monitors

    def known_task(self) -> tuple[str, str] | None:
        """Return the task where the config alone decides it, and what does."""
        config = self.config
        if config.model.formula is not None:
            return "regression", "a formula"
        if config.task != "auto":
            return config.task, f"task: {config.task}"
        if config.loss.for_classes:
            return "classification", f"loss: {config.loss.type}"
        if config.data.target == "features":
            return "regression", "target: features"
        return None

    def task(self) -> None:
        config = self.config
        known = self.known_task()
        metrics = config.training.measured
        for i, name in enumerate(metrics):
            if name in metrics[:i]:
                self.fault(f"training.metrics.{i}", f"training.metrics has {name} twice")
        if known is None:
            if {*metrics} & {*CLASSIFICATION_METRICS} and {*metrics} & {*REGRESSION_METRICS}:
                self.fault(
                    "training.metrics",
                    "training.metrics mixes those of classes and those of numbers",
                    _METRICS,
                )
            return
        task, why = known
        if config.task not in ("auto", task):
            self.fault("task", f"task: {config.task} does not go with {why}", None, "model.formula")
        other = REGRESSION_METRICS if task == "classification" else CLASSIFICATION_METRICS
        for i, name in enumerate(metrics):
            if name in other:
                self.fault(
                    f"training.metrics.{i}",
                    f"{name} is no metric of {task} ({why})",
                    _METRICS,
                    "task",
                    "loss",
                )
        if task == "regression" and config.loss.for_classes:
            message = f"{config.loss.type} is for classes, and {why} is regression"
            self.fault("loss.type", message, None, "task")

    def monitors(self) -> None:
        stopping, schedule = self.config.training.early_stopping, self.config.schedule
        if stopping is not None and stopping.monitor is not None:
            self.monitor("training.early_stopping.monitor", stopping.monitor)
        if schedule is not None and schedule.monitor is not None:
            self.monitor("schedule.monitor", schedule.monitor)

    def monitor(self, key: str, name: str) -> None:
        data = self.config.data
        every = (*CLASSIFICATION_METRICS, *REGRESSION_METRICS)
        played = [schema.RETURN] if acting.plays(self.config) else []
        known = [*played, "loss", "val_loss", *every, *(f"val_{metric}" for metric in every)]
        metric = name.removeprefix("val_")
        if name not in known:
            close = self.walk.near(name, known)
            self.fault(
                key,
                f"{key}: nothing is called {quote(name)}",
                f"did you mean {close}?" if close else "loss, val_loss, a metric or val_ and a metric",
            )
            return
        formula = self.config.model.formula is not None
        if name.startswith("val_") and (data.validates is False or (formula and not data.validates)):
            self.fault(
                key,
                f"{key}: {name} needs validation rows",
                "data.validation_split: 0.2, or data.validation_path",
                "data.validation_split",
                "data.validation_path",
            )
        undecided = self.config.training.metrics == "auto" and data.path is not None and not formula
        if metric not in ("loss", *played) and not undecided and metric not in self.config.training.measured:
            self.fault(
                key, f"{key}: {metric} is not measured", f"training.metrics: [{metric}]", "training.metrics"
            )

    def name(self) -> None:
        name = self.config.name
        if name is None:
            return
        if not name.strip() or name.strip(".") == "" or name[0] == "-" or len(name) > 100:
            self.fault("name", f"name must be a name for a folder, not {quote(name)}")
        elif any(c in '/\\:*?"<>|' or not c.isprintable() for c in name):
            self.fault("name", f"name {quote(name)} has a character that no folder should have")


_OPERANDS = "y is the output, t its target, p the sigmoid of y"
_METRICS = f"classes: {', '.join(CLASSIFICATION_METRICS)}; numbers: {', '.join(REGRESSION_METRICS)}"


def _listed(value: str | list[str]) -> str:
    return short(value if isinstance(value, str) else ", ".join(value))
