"""The walk over a config's tree along the types of the schema: values out, faults with their places.

It follows the annotations of the structs, so a new key needs no line here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from ...errors import ConfigError, nearest
from ...language.numbers import brief
from ...networks import layers
from ...networks.layers.weights import Declared
from ...optimization import schedules, settings
from .. import schema
from .synonyms import meant
from .yaml_source import FAULT_LIMIT, Node, Place, quote, scalar, short

BAD: Any = object()
"""Stands for a value that was refused."""


@lru_cache(1)
def activations() -> tuple[str, ...]:
    """Return what ``activation`` may name: the primitives of one operand, their aliases, softmax."""
    from ...ops import FUNCTIONS

    fitting = [
        name for name, row in FUNCTIONS.items() if row.arity[0] <= 1 and row.arity[1] != 0 and not row.truth
    ]
    return (*fitting, "softmax")


def nearest_place(places: Mapping[str, Place], key: str) -> Place:
    """Return the place of a key, or of the nearest key above it that has one."""
    while key not in places and key:
        key = key.rpartition(".")[0]
    return places[key]


@lru_cache(64)
def fields_of(struct: Any) -> dict[str, Any]:
    """Return the fields of a struct by what a config calls them, in order."""
    return {f.encode_name: f for f in msgspec.structs.fields(struct)}


@lru_cache(256)
def options_of(type_: Any) -> tuple[tuple[Any, msgspec.Meta | None], ...]:
    """Return the alternatives of a type, each with the bounds on it."""
    if get_origin(type_) is Annotated:
        inner, *notes = get_args(type_)
        metas = [n for n in notes if isinstance(n, msgspec.Meta)]
        bounds = next((m for m in metas if _bounded(m)), None)
        return tuple((option, meta or bounds) for option, meta in options_of(inner))
    if get_origin(type_) in (Union, UnionType):
        return tuple(option for part in get_args(type_) for option in options_of(part))
    return ((type_, None),)


def _bounded(meta: msgspec.Meta) -> bool:
    return any(bound is not None for bound in (meta.gt, meta.ge, meta.lt, meta.le))


@lru_cache(16)
def tags_of(union: Any) -> dict[str, Any]:
    """Return the structs of a union by their ``type``."""
    return {
        str(option.__struct_config__.tag): option
        for option, _ in options_of(union)
        if isinstance(option, type) and issubclass(option, msgspec.Struct) and option.__struct_config__.tag
    }


ALIASES = {alias: tag for tag, kind in tags_of(layers.Layer).items() for alias in kind.aliases}
"""Layer types by other names."""


def _upwards(key: str) -> Iterator[str]:
    """Yield a key and those above it."""
    while key:
        yield key
        key = key.rpartition(".")[0]


class Walk:
    """Follows the tree and the types together.

    Attributes:
        places: Of every key met.
        bad: Keys whose value was refused; their default stands in for it.
        above_bad: The keys above those.
        misspelt: Keys that were given under a name close to theirs.
        formulas: What is written in the language, by its key.
    """

    def __init__(self, faults: list[ConfigError], root: Node) -> None:
        self.faults = faults
        self.root = root
        self.places: dict[str, Place] = {"": root.place}
        self.bad: set[str] = set()
        self.above_bad: set[str] = set()
        self.misspelt: set[str] = set()
        self.formulas: dict[str, Node] = {}

    def fault(self, key: str, message: str, hint: str | None = None, **more: Any) -> None:
        """Add a fault at the place of a key."""
        place = more.pop("place", None) or str(nearest_place(self.places, key))
        self.faults.append(ConfigError(message, place=place, hint=hint, **more))

    def given(self, key: str) -> bool:
        """Whether the config says something under this key."""
        return key in self.places

    def is_bad(self, key: str) -> bool:
        """Whether the key, or one above or below it, was refused."""
        return key in self.above_bad or any(above in self.bad for above in _upwards(key))

    def refuse(self, key: str) -> None:
        """Note that a key's value is refused."""
        self.bad.add(key)
        self.above_bad.update(_upwards(key))

    def near(self, word: str, known: Sequence[str]) -> str | None:
        """Return the known word that was meant; not for a hostile number of faults."""
        if len(self.faults) >= FAULT_LIMIT:
            return None
        return meant(word, list(known)) or nearest(word[:64], list(known))

    def config(self) -> schema.Config:
        for key in ("data", "model"):
            node = self.root.value.get(key)
            if self.root.value.get("environment") is not None:
                continue  # it is in place of data, and some of its methods have a model of their own
            if node is None or (node.kind == "scalar" and node.value is None):
                self.fault(key, f"{key} is missing", _MISSING[key])
                self.refuse(key)
                self.root.value[key] = Node("mapping", {}, self.root.place)
        for section in ("model", "loss"):
            keys = self.root.value[section].value if section in self.root.value else None
            for key in ("formula", "program"):
                if isinstance(keys, dict) and key in keys:
                    self.formulas[f"{section}.{key}"] = keys[key]
        values = self.values(schema.Config, self.root, "")
        values.setdefault("data", schema.Data())
        values.setdefault("model", layers.Model())
        return schema.Config(**values)

    def values(self, struct: Any, node: Node, path: str) -> dict[str, Any]:
        """Return the values of a section that are in order."""
        values = {}
        fields = fields_of(struct)
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
                self.refuse(inner)
            else:
                values[fields[key].name] = value
        return values

    def is_section(self, field: Any) -> bool:
        return not field.required and any(
            isinstance(option, type) and issubclass(option, msgspec.Struct)
            for option, _ in options_of(field.type)
        )

    def section(self, struct: Any, node: Node, path: str) -> Any:
        values = self.values(struct, node, path)
        complete = True
        for name, field in fields_of(struct).items():
            if field.required and name not in values:
                complete = False
                if name not in node.value and f"{path}.{name}" not in self.misspelt:
                    at = self.places.get(f"{path}.type") or node.place
                    self.fault(path, f"{path}.{name} is missing", place=str(at))
        return struct(**values) if complete else BAD

    def unknown(self, struct: Any, node: Node, path: str, key: str) -> None:
        place = node.keys.get(key, node.place)
        fields = [*fields_of(struct)]
        tag = struct.__struct_config__.tag
        whole = f"{path}.{key}" if path else key
        close = self.near(key, [*fields, *(["type"] if tag else [])])
        hint = f"did you mean {close}?" if close else None
        if close:
            self.misspelt.add(f"{path}.{close}")
        if hint is None and tag:
            union = layers.Layer if path.startswith("model") else settings.Optimizer
            union = schedules.Schedule if path.startswith("schedule") else union
            others = [name for name, other in tags_of(union).items() if key in fields_of(other)]
            if 0 < len(others) <= 3:
                hint = f"{', '.join(others)} {'has' if len(others) == 1 else 'have'} it"
        if hint is None:
            homes = [home for home in homes_of(key) if home.rpartition(".")[0] != path]
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
        options = options_of(type_)
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
        for says, fits in limits(bounds):
            if not fits(value):
                self.fault(path, f"{path} must be {says}, not {node.shown()}", place=str(node.place))
                return BAD
        return value

    def word(self, node: Node, path: str, words: list[str], options: Any) -> Any:
        close = self.near(node.value, words)
        number = any(option in (int, float) for option, _ in options)
        if number and not close and re.fullmatch(r"[-+.\d]\S*", node.value):
            return self.wrong(node, options, path)
        self.fault(
            path,
            f"{path} must be {says(options)}, not {quote(node.value)}",
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
        elif node.kind == "list" and path.rpartition(".")[2] in ("kernel_size", "stride", "padding"):
            hint = "one number holds for both axes: 3 is 3 x 3"
        self.fault(path, f"{path} must be {says(options)}, not {node.shown()}", hint, place=str(node.place))
        return BAD

    def sequence(self, node: Node, options: Any, path: str) -> Any:
        for option, _ in options:
            if get_origin(option) is list:
                (inner,) = get_args(option)
                items = [self.entry(child, inner, f"{path}.{i}") for i, child in enumerate(node.value)]
                if inner == layers.Layer:
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
            self.refuse(path)
        return value

    def mapping(self, node: Node, type_: Any, options: Any, path: str) -> Any:
        tags = tags_of(type_)
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
                return settings.Adam
            if path == "schedule" and set(node.value) <= {"warmup_steps"}:
                return schedules.Constant
            self.fault(path, f"{path}.type is missing", f"types: {names}", place=str(node.place))
            return None
        self.places[f"{path}.type"] = kind.place
        if kind.kind == "scalar" and kind.value in tags:
            return tags[kind.value]
        if kind.kind != "bad":
            word = kind.value if isinstance(kind.value, str) else ""
            listed = tags == tags_of(layers.Layer)
            known = [*tags, *ALIASES, *activations()] if listed else [*tags]
            close = self.near(word, known) if word else None
            shown = quote(word) if word else kind.shown()
            hint = f"did you mean {close}? " if close else ""
            self.fault(path, f"{path}.type is {shown}", f"{hint}types: {names}", place=str(kind.place))
        self.refuse(f"{path}.type")
        return None


def homes_of(key: str) -> list[str]:
    """Return where a key of that name stands in a config: ``training.epochs`` for ``epochs``."""
    wanted = "learning_rate" if key == "lr" else key
    homes = [
        f"{name}.{wanted}"
        for name, field in fields_of(schema.Config).items()
        for option, _ in options_of(field.type)
        if isinstance(option, type) and issubclass(option, msgspec.Struct) and wanted in fields_of(option)
    ]
    return homes + ([key] if key in fields_of(schema.Config) else [])


_MISSING = {
    "data": "data: {path: FILE.csv, target: COLUMN}, or {dataset: iris}",
    "model": "model: {hidden: [16]}, or layers, formula or program",
}


def limits(meta: msgspec.Meta | None) -> Iterator[tuple[str, Any]]:
    """Yield the limits on a number: in words, and what holds a value to it."""
    if meta is None:
        return
    if meta.gt is not None:
        yield f"above {brief(meta.gt)}", lambda x: x > meta.gt
    if meta.ge is not None:
        yield f"at least {brief(meta.ge)}", lambda x: x >= meta.ge
    if meta.lt is not None:
        yield f"below {brief(meta.lt)}", lambda x: x < meta.lt
    if meta.le is not None:
        limit = meta.le
        yield f"at most {limit:,}", lambda x: x <= limit


def says(options: Any) -> str:
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
            inner = _plural(options_of(get_args(option)[0]))
            parts.append(f"a list of {inner}")
        elif origin is tuple:
            parts.append(f"a list of {len(get_args(option))} numbers")
        elif origin is dict:
            parts.append(f"a mapping of names to {_plural(options_of(get_args(option)[1]))}")
        elif issubclass(option, msgspec.Struct):
            tag = option.__struct_config__.tag
            names = list(fields_of(option))
            says = (
                "a layer"
                if tag in tags_of(layers.Layer)
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
    if kinds <= {int, float, str}:
        words = {int: "whole numbers", float: "numbers", str: "texts"}
        return " or ".join(words[option] for option, _ in options)
    if any(kind is Declared for kind in kinds):
        return "numbers, lists, texts or mappings"
    if any(get_origin(kind) is list for kind in kinds):
        inner = next(kind for kind in kinds if get_origin(kind) is list)
        return f"lists of {_plural(options_of(get_args(inner)[0]))}" + (
            ", numbers or texts" if len(kinds) > 1 else ""
        )
    if any(get_origin(kind) is Literal for kind in kinds):
        return says(options).removeprefix("one of ")
    return "layers"


def _reading(node: Node, kinds: list[Any]) -> str | None:
    """Return what a text in the place of a number or a truth value may have meant."""
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
