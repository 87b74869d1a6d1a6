"""Optimizers as typed on a command line: ``adam:learning_rate=0.1,betas=[0.8,0.99]``."""

from __future__ import annotations

import re
from typing import Any, NamedTuple, get_args

import msgspec

from ..errors import BackpropError, ConfigError, UsageError, nearest
from ..language.lower import constant
from ..language.numbers import exact_text
from .rules import make
from .settings import FirstOrder, FirstOrderKind, Newton, Sgd

FIRST_ORDER: dict[str, type[FirstOrder]] = {
    str(kind.__struct_config__.tag): kind for kind in get_args(FirstOrder)
}
KINDS: dict[str, type[FirstOrderKind]] = {**FIRST_ORDER, "newton": Newton}
"""What an expression is descended by: Newton's method takes the Hessian of one."""

ALIASES = {"lr": "learning_rate"}
PLAIN_RATE = 0.1  # of gradient descent where no optimizer is named


class Choice(NamedTuple):
    """An optimizer with its hyperparameters.

    Attributes:
        name: ``sgd``, ``adam`` ...
        settings: The section of a training config.
    """

    name: str
    settings: FirstOrder | Newton

    @property
    def rate(self) -> float:
        """The learning rate."""
        return self.settings.learning_rate

    @property
    def plain(self) -> bool:
        """Whether an update is the rate times the gradient, and nothing else."""
        return self.settings.plain

    @property
    def label(self) -> str:
        """``sgd(learning_rate=0.3)``: the rate, and what is not as by default."""
        default = type(self.settings)()
        texts = [f"learning_rate={_text(self.rate)}"]
        for field in msgspec.structs.fields(self.settings):
            value = getattr(self.settings, field.name)
            if field.name != "learning_rate" and value != getattr(default, field.name):
                texts.append(f"{field.name}={_text(value)}")
        return f"{self.name}({', '.join(texts)})"

    def as_dict(self) -> dict[str, Any]:
        """Return what a training config would say."""
        found: dict[str, Any] = msgspec.to_builtins(self.settings)
        return found


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(map(_text, value))}]"
    return exact_text(value) if isinstance(value, float) else str(value)


def plain(rate: float | None) -> Choice:
    """Return gradient descent, at `PLAIN_RATE` where no rate is given."""
    return Choice("sgd", Sgd(learning_rate=PLAIN_RATE if rate is None else rate))


def read(text: str, rate: float | None) -> Choice:
    """Return the optimizer that ``NAME[:key=value,...]`` names.

    Args:
        text: As typed.
        rate: The rate of those that name none; None for the optimizer's own default.
    Raises:
        UsageError: for unknown names and keys, and values that do not fit.
    """
    name, _, rest = text.partition(":")
    name = name.strip()
    if name not in KINDS:
        if name == "levenberg_marquardt":
            raise UsageError("levenberg_marquardt fits formulas to rows; here are first-order optimizers")
        close = nearest(name, list(KINDS))
        hint = f"did you mean {close}? " if close else ""
        raise UsageError(f"no optimizer {name!r}", hint=f"{hint}optimizers: {', '.join(KINDS)}")
    kind = KINDS[name]
    known = [field.name for field in msgspec.structs.fields(kind)]
    values: dict[str, Any] = {} if rate is None else {"learning_rate": rate}
    for part in filter(None, re.split(r",(?![^\[]*\])", rest)):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        key = ALIASES.get(key, key)
        if not equals:
            raise UsageError(
                f"--optimizer {text}: {part!r} is no key=value",
                hint="such as sgd:learning_rate=0.1,momentum=0.9",
            )
        if key not in known:
            close = nearest(key, known)
            hint = f"did you mean {close}? " if close else ""
            raise UsageError(f"{name} has no {key!r}", hint=f"{hint}it has {', '.join(known)}")
        values[key] = _value(text, value)
    try:
        settings: Any = msgspec.convert(values, kind, strict=False)
        if kind is not Newton:
            make(settings)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$.")
        key = where.rstrip("`")
        for theirs, ours in (("`float`", "a number"), ("`bool`", "true or false"), ("`array`", "a list")):
            what = what.replace(theirs, ours)
        raise UsageError(
            f"--optimizer {text}: {key + ': ' if key else ''}{what[:1].lower()}{what[1:]}"
        ) from None
    except ConfigError as error:
        raise UsageError(f"--optimizer {text}: {error.message}") from None
    return Choice(name, settings)


def _value(text: str, value: str) -> Any:
    if value in ("true", "false"):
        return value == "true"
    if value.startswith("[") and value.endswith("]"):
        return [_value(text, part.strip()) for part in value[1:-1].split(",")]
    try:
        return constant(value)
    except BackpropError as error:
        raise UsageError(
            f"--optimizer {text}: {error.message}", source=error.source, span=error.span
        ) from None
