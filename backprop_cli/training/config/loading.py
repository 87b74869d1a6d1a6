"""Read a training config: YAML to checked structs, with every fault and its place at once.

``schema`` says what is allowed, ``yaml_source`` makes a tree with places, ``walk`` follows both at once,
``checks`` holds one key against another. Here: files, short forms, ``KEY=VALUE`` overrides, origins.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from ...errors import ConfigError, FileError, counted, nearest
from ...networks import layers
from ...networks.layers.places import ShapeError
from ...networks.losses import Loss
from ...optimization import settings
from ...tables.files import bytes_of
from .. import schema
from . import acting
from .checks import check
from .walk import ALIASES, Walk, activations, fields_of, nearest_place, tags_of
from .yaml_source import FAULT_LIMIT, TEXT_LIMIT, Node, Place, decode, read, short
from .yaml_text import to_yaml as to_yaml


@dataclass(frozen=True)
class Loaded:
    """A checked config, and where each value came from.

    Attributes:
        config: All short forms resolved.
        path: The file as given; ``-`` is stdin.
        folder: What paths in the config are relative to.
        origins: ``optimizer.learning_rate`` to ``iris.yaml:4``, ``default`` or ``command line``.
        places: Of the keys that were given.
        texts: Where what is written in the language begins, by its key.
    """

    config: schema.Config
    path: str
    folder: str
    origins: dict[str, str]
    places: Mapping[str, Place]
    texts: Mapping[str, Place] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """The file's name for messages."""
        return "<stdin>" if self.path == "-" else self.path

    def summary(self) -> str:
        """Return one line: what is trained on what, and how."""
        data, model, training = self.config.data, self.config.model, self.config.training
        rows = f"dataset {data.dataset}" if data.dataset else data.path
        rows = rows or counted(len(data.inputs or ()), "row")
        if self.config.environment is not None:
            rows = self.config.environment.name
        layers = counted(len(model.layers or ()), "layer")
        network = layers if model.hidden is None else f"hidden {model.hidden}"
        optimizer = self.config.optimizer.__struct_config__.tag
        if model.from_ is not None:
            network = f"{network if model.hidden or model.layers else 'the layers'} of {short(model.from_)}"
        if model.program is not None:
            network = f"a program of {counted(len(model.program.strip().splitlines()), 'line')}"
        return ", ".join(
            (rows, short(model.formula or network), f"{optimizer}", counted(training.rounds, training.round))
        )

    def place(self, key: str) -> str:
        """Return the place of a key, or of the nearest given key above it."""
        return str(nearest_place(self.places, key))

    def error(self, key: str, message: str, hint: str | None = None) -> ConfigError:
        """Return the error that says this of a key."""
        return ConfigError(message, place=self.place(key), hint=hint)

    def refused(self, error: ShapeError) -> ConfigError:
        """Return an error of shapes, or all that it is made of, with places; those of a text are in it."""
        faults = [self._refused(e) for e in error.faults if isinstance(e, ShapeError)]
        return ConfigError.of(faults) if len(faults) > 1 else faults[0] if faults else self._refused(error)

    def _refused(self, error: ShapeError) -> ConfigError:
        if error.source is None or error.span is None:
            return self.error(error.key, error.message, error.hint)
        begins = self.texts.get(error.key, nearest_place(self.places, error.key))
        place = begins.within(error.source, error.span)
        return ConfigError(
            error.message, place=str(place), hint=error.hint, source=error.source, span=error.span
        )


def load(path: str, overrides: Sequence[str] = ()) -> Loaded:
    """Read and check a config file.

    Args:
        path: ``-`` is stdin.
        overrides: ``optimizer.learning_rate=0.1`` and the like; they win over the file.
    Raises:
        ConfigError: with every fault.
        FileError: when the file cannot be read.
    """
    shown = "<stdin>" if path == "-" else path
    folder = os.path.dirname(path) or os.curdir if path != "-" else os.curdir
    name = os.path.splitext(os.path.basename(path))[0] if path != "-" else "run"
    try:
        data = bytes_of(path, TEXT_LIMIT)
    except FileError as error:
        error.hint = _starter_hint(path)
        raise
    return loads(decode(data, shown), shown, overrides, path=path, folder=folder, name=name)


def text_of(config: Mapping[str, Any]) -> str:
    """Return the text of a config that Python has: numbers, texts, lists, dictionaries and NumPy's arrays.

    Raises:
        ConfigError: for anything else.
    """

    def plain(x: Any) -> Any:
        if hasattr(x, "tolist"):
            return x.tolist()
        raise ConfigError(f"a config has numbers, texts, lists, dictionaries and arrays, not {x!r:.40}")

    try:
        return json.dumps(config, default=plain, indent=1, allow_nan=False)  # JSON is YAML
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(f"the config cannot be written down: {error}") from None


def loads(
    text: str,
    shown: str,
    overrides: Sequence[str] = (),
    *,
    path: str = "-",
    folder: str = os.curdir,
    name: str = "run",
) -> Loaded:
    """Read and check the text of a config; `load` without the file."""
    faults: list[ConfigError] = []
    try:
        root = read(text, shown, faults)
        if root.kind != "mapping" and not faults:
            raise ConfigError(
                f"a config is a mapping with the keys data and model, not {root.shown()}",
                place=str(root.place),
                hint="backprop config init prints a config to begin with",
            )
    except ConfigError as error:
        raise _combined([*faults, error]) from None
    if root.kind != "mapping":
        raise _combined(faults)
    _expand(root, faults)
    apart = _apart(overrides)
    for words in apart:
        shown = f"command line: {short(' '.join(words), 80)}"
        hint = f"write {short(''.join(words), 80)}"
        faults.append(ConfigError("blanks stand around the =", place=shown, hint=hint))
    told = {word for words in apart for word in words}
    for override in overrides:
        if override not in told:
            _override(root, override, overrides, faults)
            _expand(root, faults)
    walk = Walk(faults, root)
    config = check(walk.config(), walk, stdin=path == "-")
    if faults:
        raise _combined(faults)
    config = _completed(config, name, walk.given)
    origins = {
        key: walk.places[key].origin if key in walk.places else "default"
        for key, _ in leaves(resolved(config))
    }
    texts = {key: node.begins for key, node in walk.formulas.items()}
    return Loaded(config, path, folder, origins, walk.places, texts)


def resolved(config: schema.Config) -> dict[str, Any]:
    """Return a config as plain values, with every default filled in; `from_resolved` reads it back."""
    plain: dict[str, Any] = msgspec.to_builtins(config)
    return plain


def from_resolved(mapping: Mapping[str, Any]) -> schema.Config:
    """Return the config of `resolved` values, as a checkpoint holds them.

    Raises:
        ConfigError: when they are no config.
    """
    try:
        config = msgspec.convert(mapping, schema.Config)
    except msgspec.ValidationError as error:
        raise ConfigError(f"not a resolved config: {error}") from None
    # what its keys demand of each other: the file may be another's
    nowhere = Place("", 0, 0)
    faults: list[ConfigError] = []
    walk = Walk(faults, Node("mapping", {}, nowhere))
    texts = {
        "model.formula": config.model.formula,
        "model.program": config.model.program,
        "loss.formula": config.loss.formula,
    }
    for key, formula in texts.items():
        if formula is not None:
            walk.formulas[key] = Node("scalar", formula, nowhere, formula)
    checked = check(config, walk, stdin=False)
    if faults:
        raise ConfigError(f"not a resolved config: {faults[0].message}")
    return checked


def leaves(plain: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every key of a resolved config that holds no further keys, with its value."""
    for key, value in plain.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            yield from leaves(value, f"{path}.")
        elif isinstance(value, list | tuple) and value and isinstance(value[0], Mapping):
            yield from leaves({str(i): item for i, item in enumerate(value)}, f"{path}.")
        else:
            yield path, value


# reading


def _starter_hint(path: str) -> str | None:
    from .starters import starters

    name = os.path.splitext(path)[0]
    return f"backprop config init {name} > {name}.yaml makes one" if name in starters() else None


def _combined(faults: Sequence[ConfigError]) -> ConfigError:
    """Return one error of all faults, in the order of the file, a hostile number of them cut."""

    def order(fault: ConfigError) -> tuple[int, int]:
        found = re.search(r":(\d+):(\d+)$", fault.place or "")
        return (int(found[1]), int(found[2])) if found else (sys.maxsize, 0)

    ordered = sorted(faults, key=order)
    if len(ordered) > FAULT_LIMIT:
        more = len(ordered) - FAULT_LIMIT
        ordered = [*ordered[:FAULT_LIMIT], ConfigError(f"and {more:,} more faults")]
    return ConfigError.of(ordered)


# short forms and overrides

LISTED = {
    "environment": ("map",),
    "data": ("features", "exclude", "categories", "numbers", "dates", "missing_values"),
    "model": ("hidden", "freeze", "fresh"),
    "training": ("metrics",),
}
"""Where one value may stand for a list of one; ``frozen`` of layers besides."""


def _expand(root: Node, faults: list[ConfigError]) -> None:
    """Write short forms out in the tree; what is no short form stays for the walk to judge."""
    for key in ("loss", "optimizer", "schedule"):
        node = root.value.get(key)
        if node is not None and node.kind == "scalar" and isinstance(node.value, str):
            root.value[key] = _typed(node)
    optimizer = root.value.get("optimizer")
    if optimizer is not None and optimizer.kind == "mapping" and "lr" in optimizer.value:
        if "learning_rate" in optimizer.value:
            faults.append(
                ConfigError("lr and learning_rate are one key, given twice", place=str(optimizer.keys["lr"]))
            )
            del optimizer.value["lr"]
        else:
            for table in (optimizer.value, optimizer.keys):
                renamed = {("learning_rate" if k == "lr" else k): v for k, v in table.items()}
                table.clear()
                table.update(renamed)
    loss = root.value.get("loss")
    if loss is not None and loss.kind == "mapping" and "formula" in loss.value:
        _own_parameters(loss)
    environment = root.value.get("environment")
    if environment is not None and environment.kind == "scalar" and isinstance(environment.value, str):
        root.value["environment"] = _typed(environment, "name")
    data = root.value.get("data")
    # the name of a built-in set is no file: the walk says what is expected
    if data is not None and data.kind == "scalar" and isinstance(data.value, str) and "." in data.value:
        root.value["data"] = Node("mapping", {"path": data}, data.place, keys={"path": data.place})
    training = root.value.get("training")
    stopping = (
        training.value.get("early_stopping") if training is not None and training.kind == "mapping" else None
    )
    if stopping is not None and isinstance(stopping.value, bool):
        written = Node("mapping", {}, stopping.place)
        training.value["early_stopping"] = written if stopping.value else replace(stopping, value=None)
    for section, keys in LISTED.items():
        node = root.value.get(section)
        if node is not None and node.kind == "mapping":
            for key in keys:
                _listed(node, key)
            dates = node.value.get("dates")
            if dates is not None and dates.kind == "mapping":
                for name in dates.value:
                    _listed(dates, name)
    model = root.value.get("model")
    layers = model.value.get("layers") if model is not None and model.kind == "mapping" else None
    if layers is not None:
        _layers(layers)


def _typed(node: Node, key: str = "type") -> Node:
    return Node("mapping", {key: node}, node.place, keys={key: node.place})


def _own_parameters(loss: Node) -> None:
    """Take the keys beside a loss's formula that are no loss's own for its parameters."""
    own = [key for key in loss.value if key not in fields_of(Loss)]
    given = loss.value.setdefault("parameters", Node("mapping", {}, loss.place)) if own else None
    if given is not None and given.kind == "scalar" and given.value is None:
        given = loss.value["parameters"] = Node("mapping", {}, given.place)
    if given is not None and given.kind == "mapping":
        for key in own:
            given.value[key] = loss.value.pop(key)
            given.keys[key] = loss.keys.pop(key)


def _listed(node: Node, key: str) -> None:
    """Make a list of one from a scalar."""
    child = node.value.get(key)
    if child is None or child.kind != "scalar" or child.value is None:
        return
    if key not in ("exclude", "metrics") or child.value != "auto":
        node.value[key] = Node("list", [child], child.place)


def _layers(node: Node) -> None:
    if node.kind == "list":
        node.value[:] = map(_layer, node.value)


def _layer(node: Node) -> Node:
    if node.kind == "scalar" and isinstance(node.value, str):
        node = _typed(node)
    kind = node.value.get("type") if node.kind == "mapping" else None
    if kind is None or kind.kind != "scalar" or not isinstance(kind.value, str):
        return node
    _listed(node, "frozen")
    if "layers" in node.value:
        _layers(node.value["layers"])
    name = ALIASES.get(kind.value, kind.value)
    if name not in tags_of(layers.Layer) and name in activations():
        # a bare activation is a layer; other keys beside it are then unknown
        children = {k: v for k, v in node.value.items() if k != "type"}
        own = Node("scalar", name, kind.place, kind.text)
        tag = Node("scalar", "activation", kind.place, kind.text)
        keys = {"activation": kind.place} | node.keys
        return Node("mapping", {"type": tag, "activation": own} | children, node.place, keys=keys)
    if name != kind.value:
        node.value["type"] = Node("scalar", name, kind.place, kind.text)
    return node


def _apart(words: Sequence[str]) -> list[Sequence[str]]:
    """Return the words of each ``KEY = VALUE`` that blanks have torn into two or three."""
    found: list[Sequence[str]] = []
    for i, word in enumerate(words):
        before, after = words[i - 1 : i], words[i + 1 : i + 2]
        if word == "=" and before and after:
            found.append(words[i - 1 : i + 2])
        elif word[:1] == "=" and word != "=" and before and "=" not in before[0]:
            found.append(words[i - 1 : i + 1])
        elif word[-1:] == "=" and word != "=" and after and "=" not in after[0]:
            found.append(words[i : i + 2])
    return found


_STEP = re.compile(r"\.?([^.\[\]=]+)|\[(\d+)\]")


def _override(root: Node, override: str, all_: Sequence[str], faults: list[ConfigError]) -> None:
    """Set one ``KEY=VALUE`` in the tree."""
    shown = f"command line: {short(override, 80)}"
    place = Place(shown, 0, 0)
    key, sign, text = override.partition("=")
    key = key.strip()

    def refuse(message: str, hint: str | None = None) -> None:
        faults.append(ConfigError(message, place=shown, hint=hint))

    if not sign or not key:
        close = nearest(key, list(fields_of(schema.Config))) if len(key) < 64 else None
        example = f"{close}=VALUE" if close else "optimizer.learning_rate=0.1"
        return refuse("this is no KEY=VALUE", f"write {example}")
    steps, end = [], 0
    while end < len(key):
        found = _STEP.match(key, end)
        if found is None or (end == 0 and key[0] in ".["):
            return refuse(
                f"{short(key)} is no key", "keys are written optimizer.learning_rate, model.layers[0].units"
            )
        steps.append(found[1] or found[2])
        end = found.end()
    if steps[-1] == "lr" and steps[0] == "optimizer":
        steps[-1] = "learning_rate"
    if sum(other.partition("=")[0].strip() == key for other in all_) > 1:
        if any(fault.place and fault.message == f"{key} is given twice" for fault in faults):
            return None
        return refuse(f"{key} is given twice")
    try:
        text = '"-"' if text.strip() == "-" else text  # stdin, where YAML would begin a list
        value = read(text, shown, faults, place) if text.strip() else Node("scalar", None, place)
    except ConfigError as error:
        faults.append(error)
        return None
    node = root
    for depth, step in enumerate(steps):
        last = depth == len(steps) - 1
        here = ".".join(steps[:depth])
        if node.kind == "list":
            if not step.isascii() or not step.isdigit() or len(step) > 9 or int(step) >= len(node.value):
                count = len(node.value)
                return refuse(
                    f"{here} has no entry {short(step)}",
                    f"its {count} entries count from 0" if count else None,
                )
            if last:
                node.value[int(step)] = value
            else:
                node = node.value[int(step)]
        elif node.kind == "mapping":
            child = node.value.get(step)
            if last or child is None or (child.kind == "scalar" and child.value is None):
                child = value if last else Node("mapping", {}, place)
                node.value[step] = child
                node.keys[step] = place
            node = child
        else:
            if node.kind != "bad":
                refuse(f"{here} is {node.shown()} and has no keys")
            return None
    return None


def _completed(config: schema.Config, name: str, given: Callable[[str], bool]) -> schema.Config:
    """Fill in the defaults that depend on other keys."""
    replace = msgspec.structs.replace
    training = config.training
    if config.environment is not None:
        config = acting.completed(config, given)
        training = config.training
    if isinstance(config.optimizer, settings.LevenbergMarquardt):
        training = replace(training, batch_size="full")
    if config.name is None:
        # a file name may hold what no folder should be called
        cleaned = re.sub(r"[^\w.-]+", "-", name).strip("-.")[:100] or "run"
        config = replace(config, name=cleaned)
    config = replace(config, training=training)
    validates = (
        False if config.model.formula is not None and not config.data.validates else config.data.validates
    )
    return config if validates is None else monitored(config, validates)


def watched(config: schema.Config, validates: bool) -> str:
    """Return what tells the best epoch where nothing is named."""
    return schema.RETURN if config.training.episodes is not None else "val_loss" if validates else "loss"


def monitored(config: schema.Config, validates: bool) -> schema.Config:
    """Return a config whose early stopping and schedule watch what there is, where they name nothing."""
    replace = msgspec.structs.replace
    monitor = watched(config, validates)
    training, schedule = config.training, config.schedule
    if training.early_stopping is not None and training.early_stopping.monitor is None:
        training = replace(training, early_stopping=replace(training.early_stopping, monitor=monitor))
    if schedule is not None and schedule.watches and schedule.monitor is None:
        schedule = replace(schedule, monitor=monitor)
    return replace(config, training=training, schedule=schedule)
