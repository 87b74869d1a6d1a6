"""The config's schema for readers: ``docs/config.md``, and JSON Schema for editors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import msgspec

from ..environments.settings import SETTINGS as ENVIRONMENTS
from ..networks import layers, losses
from ..networks.as_program import as_program
from ..networks.layers import weights
from ..optimization import schedules, settings
from ..training import schema
from ..training.config.loading import LISTED
from ..training.config.starters import starter_text, starters
from ..training.config.walk import ALIASES, activations, fields_of, limits, options_of, says, tags_of
from ..training.config.yaml_text import to_flow
from .writers.markdown import table

EXAMPLES = ("hand", "iris", "formula")


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a config, short forms included."""
    whole = msgspec.json.schema(schema.Config)
    definitions = whole["$defs"]
    for definition in definitions.values():
        definition.pop("title", None)
        definition["description"] = _plain(definition["description"])
        for value in definition["properties"].values():
            _without_discriminator(value)
    config, optimizers = definitions["Config"]["properties"], tags_of(settings.Optimizer)
    config["loss"] = _or(config["loss"], {"enum": [name for name in _losses() if name != losses.FORMULA]})
    definitions["Loss"]["additionalProperties"] = {"type": "number"}  # parameters of a formula
    config["environment"] = _or(config["environment"], {"enum": list(ENVIRONMENTS)})
    definitions["Config"]["anyOf"] = [
        {"type": "object", "required": keys} for keys in (["data", "model"], ["environment"])
    ]
    config["optimizer"] = _or(config["optimizer"], {"enum": list(optimizers)})
    config["schedule"] = _or(config["schedule"], {"enum": list(_nameable(schedules.Schedule))})
    for struct in optimizers.values():
        properties = definitions[struct.__name__]["properties"]
        if "learning_rate" in properties:
            properties["lr"] = {**properties["learning_rate"], "description": "learning_rate"}
            del properties["lr"]["default"]
    for name in ("Adam", "Constant"):  # what a section without a type is
        definitions[name]["required"].remove("type")
    frozen = {s.__name__: ("frozen",) for s in tags_of(layers.Layer).values() if "frozen" in fields_of(s)}
    listed = {section.capitalize(): keys for section, keys in LISTED.items()}
    for name, keys in (listed | frozen).items():
        for key in keys:
            of = definitions[name]["properties"][key]
            one = next(part["items"] for part in of.get("anyOf", [of]) if "items" in part)
            definitions[name]["properties"][key] = _or(of, one)
    _short_layers(definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "backprop training config",
        **whole,
    }


def _short_layers(definitions: dict[str, Any]) -> None:
    for alias, name in ALIASES.items():
        tag = definitions[tags_of(layers.Layer)[name].__name__]["properties"]["type"]
        tag["enum"] = [*tag["enum"], alias]
    names = list(activations())
    definitions["NamedActivation"] = {
        "description": "An activation as a layer of its own.",
        "type": "object",
        "properties": {"type": {"enum": names}},
        "required": ["type"],
        "additionalProperties": False,
    }
    written = next(part for part in definitions["Model"]["properties"]["layers"]["anyOf"] if "items" in part)
    words = [*_nameable(layers.Layer), *(a for a, name in ALIASES.items() if name in _nameable(layers.Layer))]
    written["items"] = _or(written["items"], {"$ref": "#/$defs/NamedActivation"}, {"enum": [*words, *names]})


def _nameable(union: Any) -> Iterator[str]:
    """Yield the types that need no key beside their name."""
    for name, struct in tags_of(union).items():
        if not any(field.required for field in fields_of(struct).values()):
            yield name


def _losses() -> tuple[str, ...]:
    return get_args(options_of(fields_of(losses.Loss)["type"].type)[0][0])


def _or(of: dict[str, Any], *others: dict[str, Any]) -> dict[str, Any]:
    """Allow further forms; description and default stay outside."""
    outside: dict[str, Any] = {key: of[key] for key in ("description", "default") if key in of}
    inside = {key: value for key, value in of.items() if key not in outside}
    parts = inside["anyOf"] if list(inside) == ["anyOf"] else [inside]
    return {**outside, "anyOf": [*parts, *others]}


def _without_discriminator(value: Any) -> None:
    """Drop a word of OpenAPI that JSON Schema does not know."""
    if isinstance(value, dict):
        value.pop("discriminator", None)
        for inner in value.values():
            _without_discriminator(inner)
    elif isinstance(value, list):
        for inner in value:
            _without_discriminator(inner)


def _plain(text: str) -> str:
    return text.replace("``", "")


# the page


def config_page() -> str:
    """Return ``docs/config.md``."""
    return "".join(_page())


def _page() -> Iterator[str]:
    yield _INTRODUCTION
    yield "## Examples\n\n"
    yield f"`backprop config init NAME` prints these and others: {', '.join(starters())}.\n\n"
    for name in EXAMPLES:
        yield f"```yaml\n{starter_text(name)}```\n\n"
    yield _OWN_FILES
    yield "## Top level\n\n"
    yield from _table(schema.Config, "")
    for key, field in fields_of(schema.Config).items():
        structs = [
            o for o, _ in options_of(field.type) if isinstance(o, type) and issubclass(o, msgspec.Struct)
        ]
        if not structs:
            continue
        yield f"## `{key}`\n\n"
        yield _NOTES.get(key, "")
        if tags_of(field.type):
            yield from _types(field.type, key)
        else:
            yield from _table(structs[0], f"{key}.")
        if key == "model":
            yield "### What a program has by name\n\n"
            yield from _table(weights.Declared, "model.parameters.NAME.")
            yield from _table(weights.Noise, "model.noise.NAME.")
            yield "## Layers\n\n"
            yield _NOTES["layers"]
            yield from _types(layers.Layer, "layer")
        if key == "training":
            yield "### `training.early_stopping`\n\n"
            yield from _table(schema.EarlyStopping, "training.early_stopping.")
        if key == "data":
            yield "### `data.sequence`\n\n"
            yield from _table(schema.Sequences, "data.sequence.")
    yield _REST


def _types(union: Any, key: str) -> Iterator[str]:
    for name, struct in tags_of(union).items():
        yield f"### {key} `{name}`\n\n{_code(struct.__doc__ or '')}\n\n"
        if getattr(struct, "program", False):
            layer = struct(**struct.shown)
            settings = "".join(f", {k}: {to_flow(v)}" for k, v in struct.shown.items() if k != "layers")
            text = as_program(layers.Model(layers=[layer]), None, {}).program
            yield f"As a program, `{{type: {name}{settings}}}`:\n\n```text\n{text}```\n\n"
        if fields_of(struct):
            yield from _table(struct, "")


def _table(struct: Any, prefix: str) -> Iterator[str]:
    rows = [
        [f"`{prefix}{name}`", _value(field.type), _default(field), described(field.type)]
        for name, field in fields_of(struct).items()
    ]
    yield table(["key", "value", "default", "meaning"], rows, [False] * 4)
    yield "\n"


def _value(type_: Any) -> str:
    parts = []
    for option, meta in options_of(type_):
        word = says(((option, None),))
        ranges = " and ".join(
            text for text, _ in limits(meta) if "000,000" not in text and "at most 9,22" not in text
        )
        if word and (text := f"{word}, {ranges}" if ranges else word) not in parts:
            parts.append(text)
    return _code(" or ".join(parts))


def _default(field: Any) -> str:
    if field.required:
        return "required"
    value = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    if value is None:
        return ""
    if isinstance(value, msgspec.Struct):
        kind = value.__struct_config__.tag or (value.type if isinstance(value, losses.Loss) else "")
        return f"`{kind}`" if kind else ""
    return f"`{to_flow(value)}`"


def described(type_: Any) -> str:
    """Return what the schema says of a key."""
    found = [note.description for note in _notes(type_) if note.description]
    return _code(found[0] if found else "")


def _notes(type_: Any) -> Iterator[msgspec.Meta]:
    """Yield the notes on a type, outermost first."""
    metadata = getattr(type_, "__metadata__", ())
    yield from reversed([note for note in metadata if isinstance(note, msgspec.Meta)])


def _code(text: str) -> str:
    """Return a docstring's text in Markdown."""
    return text.replace("``", "`")


_INTRODUCTION = """\
# The training config

Generated from the schema; `backprop config schema` prints the same as JSON Schema.

A config is one YAML file: `data` and `model`, or `environment`, must be there, all else has a default. It is read as
YAML 1.2: `1e-3` is a number, `yes` is text. Tags, anchors, aliases, merge keys and further documents
are refused, and so are unknown keys: every fault is told with its line and column, all of them at once.

```console
$ backprop config init iris > iris.yaml
$ backprop config validate iris.yaml
iris.yaml: ok: dataset iris, hidden [16], adam, 200 epochs
$ backprop config validate iris.yaml optimizer.learning_rate=fast model.activation=rlu
backprop: error: command line: optimizer.learning_rate=fast: optimizer.learning_rate must be a number, not the text "fast"
backprop: error: command line: model.activation=rlu: model.activation: there is no function "rlu"
  hint: did you mean relu?
$ backprop config show iris.yaml optimizer.learning_rate=0.02 | grep learning_rate
...
```

`KEY=VALUE` after the file overrides a key: `optimizer.learning_rate=0.02`, `optimizer=sgd`,
`model.layers[0].units=4`, `data.path=null`; the value is YAML. `backprop config show` prints the resolved
config, every default filled in, with the origin of each value; that text is a config again.

"""  # noqa: E501

_OWN_FILES = """\
Rows of your own, in files beside the config:

```yaml
data: {path: iris.csv, target: species, scaling: standard, validation_split: 0.2, test_split: 0.2}
model: {hidden: [16], activation: relu}        # output layer and loss inferred from the target
optimizer: {type: adam, learning_rate: 0.01}
training: {epochs: 200, batch_size: 16, early_stopping: {monitor: val_loss, patience: 20}, metrics: [accuracy]}
```

```yaml
data: {path: decay.csv}                        # columns x,y
model: {formula: y ~ a*exp(-b*x) + c, parameters: {a: 1.0, b: 0.1, c: 0.0}}
optimizer: levenberg_marquardt
```

"""  # noqa: E501

_NOTES = {
    "data": """\
Exactly one of `path`, `dataset` and `inputs` (with `targets`). One feature may stand without brackets.

""",
    "environment": """\
In place of `data`: `environment: cartpole` is `environment: {name: cartpole}`. What is learned is a policy:
its inputs are what is told of a state, its outputs the actions; a table needs no `model`. See
[reinforcement.md](reinforcement.md).

""",
    "model": """\
Exactly one of `hidden`, `layers` and `formula`. `hidden: 16` is `hidden: [16]`; `hidden: []` is a single
linear layer.

""",
    "layers": """\
A layer is a mapping with a `type`, or the type alone: `- flatten`, `- dropout`. The name of an activation is
a layer too: `- relu`, `- softmax`; `dense` is `linear`, and `frozen: weights` is `frozen: [weights]`.

The layers from `rnn` on are over the steps of a sequence, and each is the text of a program: a network with
one of them is what `backprop config show CONFIG --program` prints ([programs](programs.md)). `linear` and
`layer_norm` then go step by step.

""",
    "loss": """\
`loss: mse` is `loss: {type: mse}`; `loss: {formula: "abs(y - t)^d", d: 1.5}` is
`loss: {formula: "abs(y - t)^d", parameters: {d: 1.5}}`.

""",
    "optimizer": """\
`optimizer: sgd` is `optimizer: {type: sgd}`; without a `type` it is `adam`; `lr` is `learning_rate`.
Rules, names and defaults are PyTorch's.

""",
    "schedule": """\
`schedule: cosine` is `schedule: {type: cosine}`; with `warmup_steps` alone it is `constant`.

""",
    "training": """\
`metrics: accuracy` is `metrics: [accuracy]`. Metrics of classes: accuracy, top_3_accuracy, macro_f1; of
numbers: mae, mse, rmse, r2. A monitor is `loss`, `val_loss`, one of the metrics, or `val_` and a metric.

""",
}

_REST = """\
## Commands

| command | does |
|---|---|
| `backprop config init [NAME]` | prints a starter config; without a name lists them; `-o FILE` writes it, `--force` over an old one |
| `backprop config validate FILE [KEY=VALUE]...` | checks without training: status 0, or 2 with every fault |
| `backprop config show FILE [KEY=VALUE]...` | the resolved config with origins; `--format yaml` or `json` |
| `backprop config schema` | JSON Schema: with `# yaml-language-server: $schema=backprop.json` in line 1, editors complete and check |
"""  # noqa: E501
