"""Read a training config: YAML to checked structs, with every fault and its place at once.

The schema module says what is allowed; the walk here follows its types, so a new key needs no line in
this module. What types cannot say (one key that excludes another) is in ``checks``.
"""

from __future__ import annotations

import math
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from ..errors import ConfigError, FileError, nearest
from . import schema
from .yaml_source import FAULT_LIMIT, TEXT_LIMIT, Node, Place, decode, quote, read, short
from .yaml_text import to_yaml as to_yaml

BAD: Any = object()
"""Stands for a value that was refused."""

ALIASES = {"dense": "linear"}


@dataclass(frozen=True)
class Loaded:
    """A checked config, and where each value came from.

    Attributes:
        config: All short forms resolved.
        path: The file as given; ``-`` is stdin.
        folder: What paths in the config are relative to.
        origins: ``optimizer.learning_rate`` to ``iris.yaml:4``, ``default`` or ``command line``.
        places: Of the keys that were given.
    """

    config: schema.Config
    path: str
    folder: str
    origins: dict[str, str]
    places: Mapping[str, Place]

    def place(self, key: str) -> str:
        """Return the place of a key, or of the nearest given key above it."""
        return str(_nearest_place(self.places, key))

    def error(self, key: str, message: str, hint: str | None = None) -> ConfigError:
        """Return the error that says this of a key."""
        return ConfigError(message, place=self.place(key), hint=hint)


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
    return loads(decode(_bytes(path), shown), shown, overrides, path=path, folder=folder, name=name)


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
    for override in overrides:
        _override(root, override, overrides, faults)
    _expand(root, faults)
    walk = _Walk(faults, root)
    config = walk.config()
    from .checks import check

    config = check(config, walk, stdin=path == "-")
    if faults:
        raise _combined(faults)
    config = _completed(config, name)
    origins = {
        key: walk.places[key].origin if key in walk.places else "default"
        for key, _ in leaves(resolved(config))
    }
    return Loaded(config, path, folder, origins, walk.places)


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
        return msgspec.convert(mapping, schema.Config)
    except msgspec.ValidationError as error:
        raise ConfigError(f"not a resolved config: {error}") from None


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


def _bytes(path: str) -> bytes:
    try:
        if path == "-":
            if sys.stdin is None:
                raise FileError("stdin is closed")
            return sys.stdin.buffer.read(TEXT_LIMIT + 1)
        with open(path, "rb") as file:
            return file.read(TEXT_LIMIT + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise FileError(f"{path}: {reason}", hint=_starter_hint(path)) from None


def _starter_hint(path: str) -> str | None:
    name = os.path.splitext(os.path.basename(path))[0]
    found = "/" not in path and "\0" not in path and os.path.exists(starter_path(name))
    return f"backprop config init {name} > {name}.yaml makes one" if found else None


def starter_path(name: str) -> str:
    """Return where a starter config is."""
    return os.path.join(os.path.dirname(__file__), "starters", f"{name}.yaml")


def starters() -> list[str]:
    """Return the names of the starter configs."""
    names = os.listdir(os.path.dirname(starter_path("")))
    return sorted(name[:-5] for name in names if name.endswith(".yaml"))


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


def _nearest_place(places: Mapping[str, Place], key: str) -> Place:
    while key not in places and key:
        key = key.rpartition(".")[0]
    return places[key]


# short forms and overrides


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
    for section, key in (("model", "hidden"), ("training", "metrics"), ("data", "features")):
        node = root.value.get(section)
        if node is not None and node.kind == "mapping":
            _listed(node, key)
    model = root.value.get("model")
    layers = model.value.get("layers") if model is not None and model.kind == "mapping" else None
    if layers is not None and layers.kind == "list":
        layers.value[:] = [_layer(node) for node in layers.value]


def _typed(node: Node) -> Node:
    return Node("mapping", {"type": node}, node.place, keys={"type": node.place})


def _listed(node: Node, key: str) -> None:
    """Make a list of one from a scalar."""
    child = node.value.get(key)
    if child is not None and child.kind == "scalar" and child.value is not None:
        node.value[key] = Node("list", [child], child.place)


def _layer(node: Node) -> Node:
    if node.kind == "scalar" and isinstance(node.value, str):
        node = _typed(node)
    kind = node.value.get("type") if node.kind == "mapping" else None
    if kind is None or kind.kind != "scalar" or not isinstance(kind.value, str):
        return node
    _listed(node, "frozen")
    name = ALIASES.get(kind.value, kind.value)
    if name not in _tags(schema.Layer) and name in activations():
        # a bare activation is a layer; other keys beside it are then unknown
        children = {k: v for k, v in node.value.items() if k != "type"}
        own = Node("scalar", name, kind.place, kind.text)
        tag = Node("scalar", "activation", kind.place, kind.text)
        keys = {"activation": kind.place} | node.keys
        return Node("mapping", {"type": tag, "activation": own} | children, node.place, keys=keys)
    if name != kind.value:
        node.value["type"] = Node("scalar", name, kind.place, kind.text)
    return node


@lru_cache(1)
def activations() -> tuple[str, ...]:
    """Return what ``activation`` may name: the primitives of one operand, their aliases, softmax."""
    from ..ops import FUNCTIONS

    fitting = [
        name for name, row in FUNCTIONS.items() if row.arity[0] <= 1 and row.arity[1] != 0 and not row.truth
    ]
    return (*fitting, "softmax")


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
        close = nearest(key, list(_fields(schema.Config))) if len(key) < 64 else None
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


# the walk


@lru_cache(64)
def _fields(struct: Any) -> dict[str, Any]:
    """Return the fields of a struct by name."""
    return {f.name: f for f in msgspec.structs.fields(struct)}


@lru_cache(256)
def _options(type_: Any) -> tuple[tuple[Any, msgspec.Meta | None], ...]:
    """Return the alternatives of a type, each with the bounds on it."""
    if get_origin(type_) is Annotated:
        inner, *notes = get_args(type_)
        metas = [n for n in notes if isinstance(n, msgspec.Meta)]
        bounds = next((m for m in metas if _bounded(m)), None)
        return tuple((option, meta or bounds) for option, meta in _options(inner))
    if get_origin(type_) in (Union, UnionType):
        return tuple(option for part in get_args(type_) for option in _options(part))
    return ((type_, None),)


def _bounded(meta: msgspec.Meta) -> bool:
    return any(bound is not None for bound in (meta.gt, meta.ge, meta.lt, meta.le))


@lru_cache(16)
def _tags(union: Any) -> dict[str, Any]:
    """Return the structs of a union by their ``type``."""
    return {
        str(option.__struct_config__.tag): option
        for option, _ in _options(union)
        if isinstance(option, type) and issubclass(option, msgspec.Struct) and option.__struct_config__.tag
    }


class _Walk:
    """Follows the tree and the types together.

    Attributes:
        places: Of every key met.
        bad: Keys whose value was refused; their default stands in for it.
    """

    def __init__(self, faults: list[ConfigError], root: Node) -> None:
        self.faults = faults
        self.root = root
        self.places: dict[str, Place] = {"": root.place}
        self.bad: set[str] = set()
        self.formula: Node | None = None

    def fault(self, key: str, message: str, hint: str | None = None, **more: Any) -> None:
        """Add a fault at the place of a key."""
        place = more.pop("place", None) or str(_nearest_place(self.places, key))
        self.faults.append(ConfigError(message, place=place, hint=hint, **more))

    def given(self, key: str) -> bool:
        """Whether the config says something under this key."""
        return key in self.places

    def is_bad(self, key: str) -> bool:
        """Whether the key, or one above or below it, was refused."""
        return any(b == key or b.startswith(f"{key}.") or key.startswith(f"{b}.") for b in self.bad)

    def config(self) -> schema.Config:
        for key in ("data", "model"):
            node = self.root.value.get(key)
            if node is None or (node.kind == "scalar" and node.value is None):
                self.fault(key, f"{key} is missing", _MISSING[key])
                self.bad.add(key)
                self.root.value[key] = Node("mapping", {}, self.root.place)
        formula = self.root.value["model"].value
        formula = formula.get("formula") if isinstance(formula, dict) else None
        self.formula = formula
        values = self.values(schema.Config, self.root, "")
        values.setdefault("data", schema.Data())
        values.setdefault("model", schema.Model())
        return schema.Config(**values)

    def values(self, struct: Any, node: Node, path: str) -> dict[str, Any]:
        """Return the values of a section that are in order."""
        values = {}
        fields = _fields(struct)
        tagged = struct.__struct_config__.tag is not None
        for key, child in node.value.items():
            if tagged and key == "type":
                continue
            inner = f"{path}.{key}" if path else key
            if key not in fields:
                self.unknown(struct, node, path, key)
                continue
            self.places[inner] = child.place
            if child.kind == "scalar" and child.value is None and self.is_section(fields[key]):
                continue  # a heading with nothing below it
            value = self.value(child, fields[key].type, inner)
            if value is BAD:
                self.bad.add(inner)
            else:
                values[key] = value
        return values

    def is_section(self, field: Any) -> bool:
        return not field.required and any(
            isinstance(option, type) and issubclass(option, msgspec.Struct)
            for option, _ in _options(field.type)
        )

    def section(self, struct: Any, node: Node, path: str) -> Any:
        values = self.values(struct, node, path)
        complete = True
        for name, field in _fields(struct).items():
            if field.required and name not in values:
                complete = False
                if name not in node.value:
                    at = self.places.get(f"{path}.type") or node.place
                    self.fault(path, f"{path}.{name} is missing", place=str(at))
        return struct(**values) if complete else BAD

    def unknown(self, struct: Any, node: Node, path: str, key: str) -> None:
        place = node.keys.get(key, node.place)
        fields = [*_fields(struct)]
        tag = struct.__struct_config__.tag
        whole = f"{path}.{key}" if path else key
        short_key = key[:64]
        close = nearest(short_key, [*fields, *(["type"] if tag else [])])
        hint = f"did you mean {close}?" if close else None
        if hint is None and tag:
            union = schema.Layer if path.startswith("model") else schema.Optimizer
            union = schema.Schedule if path.startswith("schedule") else union
            others = [name for name, other in _tags(union).items() if key in _fields(other)]
            if others:
                hint = f"{', '.join(others)} {'has' if len(others) == 1 else 'have'} it"
        if hint is None:
            sections = {
                name: option
                for name, field in _fields(schema.Config).items()
                for option, _ in _options(field.type)
                if isinstance(option, type) and issubclass(option, msgspec.Struct)
            }
            homes = [f"{name}.{key}" for name, section in sections.items() if key in _fields(section)]
            homes += [key] if path and key in _fields(schema.Config) else []
            hint = f"it is {homes[0]}" if homes else None
        if hint is None or tag:
            owner = f" of {tag}" if tag else f" of {path}" if path else ""
            known = ", ".join([*(["type"] if tag else []), *fields])
            hint = f"{hint}; keys{owner}: {known}" if hint and not close else hint or f"keys{owner}: {known}"
        self.fault(path, f"unknown key {short(whole, 80)}", hint, place=str(place))

    def value(self, node: Node, type_: Any, path: str) -> Any:
        """Return a node's value as its type wants it, or BAD after a fault."""
        if node.kind == "bad":
            return BAD
        options = _options(type_)
        if node.kind == "mapping":
            return self.mapping(node, type_, options, path)
        if node.kind == "list":
            return self.sequence(node, options, path)
        value = node.value
        if value is None and any(option is NoneType for option, _ in options):
            return None
        if isinstance(value, str):
            words: list[str] = []
            for option, _ in options:
                if option is str:
                    return value
                if get_origin(option) is Literal:
                    if value in get_args(option):
                        return value
                    words += get_args(option)
            if words:
                return self.word(node, path, words, options)
        elif isinstance(value, bool):
            if any(option is bool for option, _ in options):
                return value
        elif value is not None:
            for option, bounds in options:
                if option is int and isinstance(value, int):
                    return self.bounded(node, value, bounds, path)
                if option is float:
                    return self.number(node, value, bounds, path)
        return self.wrong(node, options, path)

    def number(self, node: Node, value: float, bounds: msgspec.Meta | None, path: str) -> Any:
        try:
            value = float(value)
        except OverflowError:
            value = math.inf
        if not math.isfinite(value):
            what = "finite" if "." in node.text and "n" in node.text.lower() else "within float64"
            self.fault(path, f"{path} must be {what}, not {node.shown()}", place=str(node.place))
            return BAD
        return self.bounded(node, value, bounds, path)

    def bounded(self, node: Node, value: Any, bounds: msgspec.Meta | None, path: str) -> Any:
        for says, fits in _bounds(bounds):
            if not fits(value):
                self.fault(path, f"{path} must be {says}, not {node.shown()}", place=str(node.place))
                return BAD
        return value

    def word(self, node: Node, path: str, words: list[str], options: Any) -> Any:
        close = nearest(node.value[:64], words)
        number = any(option in (int, float) for option, _ in options)
        if number and not close and re.fullmatch(r"[-+.\d]\S*", node.value):
            return self.wrong(node, options, path)
        self.fault(
            path,
            f"{path} must be {_says(options)}, not {quote(node.value)}",
            f"did you mean {close}?" if close else None,
            place=str(node.place),
        )
        return BAD

    def wrong(self, node: Node, options: Any, path: str) -> Any:
        """Add the fault of a value of the wrong kind."""
        kinds = [option for option, _ in options]
        hint = None
        if node.kind == "scalar" and isinstance(node.value, str):
            hint = _reading(node, kinds)
        elif node.kind == "scalar" and str in kinds and node.value is not None:
            hint = f'to mean text, quote it: "{short(node.text)}"'
        elif isinstance(node.value, float) and node.value.is_integer() and int in kinds:
            hint = f"write {int(node.value)}"
        self.fault(path, f"{path} must be {_says(options)}, not {node.shown()}", hint, place=str(node.place))
        return BAD

    def sequence(self, node: Node, options: Any, path: str) -> Any:
        for option, _ in options:
            if get_origin(option) is list:
                (inner,) = get_args(option)
                items = [self.entry(child, inner, f"{path}.{i}") for i, child in enumerate(node.value)]
                if "linear" in _tags(inner):
                    return items  # the checks go on with the layers that are in order
                return BAD if any(item is BAD for item in items) else items
            if get_origin(option) is tuple:
                inners = get_args(option)
                if len(node.value) != len(inners):
                    self.fault(
                        path,
                        f"{path} must be a list of {len(inners)} numbers, not of {len(node.value)}",
                        place=str(node.place),
                    )
                    return BAD
                pairs = zip(node.value, inners, strict=True)
                entries = tuple(
                    self.entry(child, inner, f"{path}.{i}") for i, (child, inner) in enumerate(pairs)
                )
                return BAD if any(item is BAD for item in entries) else entries
        return self.wrong(node, options, path)

    def entry(self, node: Node, type_: Any, path: str) -> Any:
        """Return an entry of a list; it has a place of its own."""
        self.places[path] = node.place
        value = self.value(node, type_, path)
        if value is BAD:
            self.bad.add(path)
        return value

    def mapping(self, node: Node, type_: Any, options: Any, path: str) -> Any:
        tags = _tags(type_)
        if tags:
            struct = self.chosen(node, tags, path)
            return BAD if struct is None else self.section(struct, node, path)
        for option, _ in options:
            if isinstance(option, type) and issubclass(option, msgspec.Struct):
                return self.section(option, node, path)
            if get_origin(option) is dict:
                inner = get_args(option)[1]
                items = {key: self.entry(child, inner, f"{path}.{key}") for key, child in node.value.items()}
                return BAD if any(item is BAD for item in items.values()) else items
        return self.wrong(node, options, path)

    def chosen(self, node: Node, tags: dict[str, Any], path: str) -> Any:
        """Return the struct that a mapping's ``type`` names."""
        kind = node.value.get("type")
        names = ", ".join(tags)
        if kind is None:
            if path == "optimizer":
                return schema.Adam
            if path == "schedule" and set(node.value) <= {"warmup_steps"}:
                return schema.Constant
            self.fault(path, f"{path}.type is missing", f"types: {names}", place=str(node.place))
            return None
        self.places[f"{path}.type"] = kind.place
        if kind.kind == "scalar" and kind.value in tags:
            return tags[kind.value]
        if kind.kind != "bad":
            word = kind.value if isinstance(kind.value, str) else ""
            known = [*tags, *ALIASES, *activations()] if "linear" in tags else [*tags]
            close = nearest(word[:64], known) if word else None
            shown = quote(word) if word else kind.shown()
            hint = f"did you mean {close}? " if close else ""
            self.fault(path, f"{path}.type is {shown}", f"{hint}types: {names}", place=str(kind.place))
        self.bad.add(f"{path}.type")
        return None


_MISSING = {
    "data": "data: {path: FILE.csv, target: COLUMN}, or {dataset: iris}",
    "model": "model: {hidden: [16]}, or layers, or formula",
}


def _bounds(meta: msgspec.Meta | None) -> Iterator[tuple[str, Any]]:
    if meta is None:
        return
    if meta.gt is not None:
        yield f"above {meta.gt:g}", lambda x: x > meta.gt
    if meta.ge is not None:
        yield f"at least {meta.ge:g}", lambda x: x >= meta.ge
    if meta.lt is not None:
        yield f"below {meta.lt:g}", lambda x: x < meta.lt
    if meta.le is not None:
        limit = meta.le
        yield f"at most {limit:,}", lambda x: x <= limit


def _says(options: Any) -> str:
    """Return a type in words."""
    parts: list[str] = []
    for option, _ in options:
        origin = get_origin(option)
        if option is NoneType:
            continue
        if origin is Literal:
            words = get_args(option)
            parts.append(words[0] if len(words) == 1 else f"one of {', '.join(words)}")
        elif origin is list:
            inner = _plural(_options(get_args(option)[0]))
            parts.append(f"a list of {inner}")
        elif origin is tuple:
            parts.append(f"a list of {len(get_args(option))} numbers")
        elif origin is dict:
            parts.append("a mapping of names to numbers")
        elif issubclass(option, msgspec.Struct):
            tag = option.__struct_config__.tag
            names = list(_fields(option))
            says = (
                "a layer"
                if tag in _tags(schema.Layer)
                else "a mapping with a type"
                if tag
                else f"{{{names[0]}: ...}}"
                if len(names) == 1
                else "a mapping"
            )
            if says not in parts:
                parts.append(says)
        else:
            parts.append(_KINDS[option])
    return " or ".join(parts)


_KINDS = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}


def _plural(options: Any) -> str:
    kinds = {option for option, _ in options}
    if kinds <= {int, float}:
        return "whole numbers" if int in kinds else "numbers"
    if any(get_origin(kind) is list for kind in kinds):
        inner = next(kind for kind in kinds if get_origin(kind) is list)
        return f"lists of {_plural(_options(get_args(inner)[0]))}" + (
            ", numbers or texts" if len(kinds) > 1 else ""
        )
    if kinds == {str}:
        return "texts"
    if any(get_origin(kind) is Literal for kind in kinds):
        return _says(options).removeprefix("one of ")
    return "layers"


def _reading(node: Node, kinds: list[Any]) -> str | None:
    """Return what a text in the place of a number or a truth value may have meant."""
    from .yaml_source import scalar

    text = node.value
    if bool in kinds and text.lower() in ("yes", "no", "on", "off", "y", "n", "t", "f"):
        return f"write {'true' if text.lower() in ('yes', 'on', 'y', 't') else 'false'}"
    if not {int, float, bool} & set(kinds) or len(text) > 40:
        return None
    plain = text.strip().replace("_", "").replace("−", "-")
    for guess in (plain, plain.replace(",", "."), plain.replace(",", "")):
        if guess and isinstance(scalar(guess), int | float | bool):
            return f"without quotes: {guess}" if node.quoted and guess == text else f"write {guess}"
    return None


def _completed(config: schema.Config, name: str) -> schema.Config:
    """Fill in the defaults that depend on other keys."""
    replace = msgspec.structs.replace
    validates = bool(config.data.validation_split or config.data.validation_path)
    monitor = "val_loss" if validates else "loss"
    training = config.training
    if training.early_stopping is not None and training.early_stopping.monitor is None:
        training = replace(training, early_stopping=replace(training.early_stopping, monitor=monitor))
    if isinstance(config.optimizer, schema.LevenbergMarquardt):
        training = replace(training, batch_size="full")
    schedule = config.schedule
    if isinstance(schedule, schema.Plateau) and schedule.monitor is None:
        schedule = replace(schedule, monitor=monitor)
    if config.name is None:
        # a file name may hold what no folder should be called
        cleaned = re.sub(r"[^\w.-]+", "-", name).strip("-.")[:100] or "run"
        config = replace(config, name=cleaned)
    return replace(config, training=training, schedule=schedule)
