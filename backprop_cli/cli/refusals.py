"""What Click refuses, said as the other commands' errors are: what is wrong, and what would be right."""

from __future__ import annotations

import re
from typing import Any

import click

from ..errors import UsageError, nearest

EXTRA = re.compile(r"Got unexpected extra arguments? \((.*)\)")
ALIKE = 0.75
"""How like an option a word has to be: two options are alike by their dashes alone."""
WANTED = {
    "CONFIG": "backprop config init iris > iris.yaml makes one, config init rows.csv one for a table",
    "MODEL": "backprop train makes one: runs/NAME, or the model.safetensors in it",
}
"""Where what a command needs comes from."""


def refusal(error: click.ClickException, words: list[str]) -> UsageError:
    """Return our error for one of Click's.

    Args:
        error: What Click says.
        words: The command line.
    """
    match error:
        case click.NoSuchOption():
            hint = _as_a_key(words, error.option_name) or _meant(error.option_name, error.possibilities or ())
            return UsageError(f"no such option: {error.option_name}", hint=hint)
        case click.MissingParameter():
            name = _name(error.param)
            return UsageError(f"{_command(error)} needs {name}", hint=WANTED.get(name) or _usage(error))
        case click.BadParameter():
            return _bad_value(error)
        case click.BadOptionUsage():
            wants = "takes no value" if "does not take" in error.message else "needs a value"
            return UsageError(f"{error.option_name} {wants}")
        case click.UsageError() if found := re.match(
            r"Got unexpected extra arguments? \((.*)\)", error.message
        ):
            return UsageError(f"too many words for {_command(error)}: {found[1]}", hint=_usage(error))
    return UsageError(error.format_message().rstrip("."))


def _bad_value(error: click.BadParameter) -> UsageError:
    """Say which values an option has, the nearest one first."""
    kind, name = getattr(error.param, "type", None), _name(error.param)
    found = re.match(r"'?(.*?)'? is not", error.message, re.DOTALL)
    given = found[1] if found else ""
    if isinstance(kind, click.Choice):
        known = list(map(str, kind.choices))
        return UsageError(f"{name} has no {given}: it takes {', '.join(known)}", hint=_meant(given, known))
    if isinstance(kind, click.IntRange):
        many = f"from {kind.min:,} to {kind.max:,}" if kind.max is not None else f"from {kind.min:,} up"
        return UsageError(f"{name} takes a whole number {many}, not {given}")
    return UsageError(f"{name}: {error.message.rstrip('.')}")


def _meant(word: str, known: Any) -> str | None:
    close = nearest(word, list(known), ALIKE if word.startswith("--") else 0.6)
    return f"did you mean {close}?" if close else None


def _name(param: click.Parameter | None) -> str:
    """Return what a parameter is called on a command line: ``--format``, ``MODEL``."""
    if isinstance(param, click.Option):
        return param.opts[-1]
    return param.human_readable_name.upper() if param is not None else ""


def _command(error: click.UsageError) -> str:
    return error.ctx.command_path.partition(" ")[2] if error.ctx is not None else ""


def _usage(error: click.UsageError) -> str | None:
    if error.ctx is None:
        return None
    return f"usage: {error.ctx.command_path} {' '.join(error.ctx.command.collect_usage_pieces(error.ctx))}"


def _as_a_key(words: list[str], option: str) -> str | None:
    """Return how a config's key is set that was taken for an option: ``training.epochs=5``."""
    if words[:1] != ["train"]:
        return None
    from ..training.config.walk import homes_of

    at = next((i for i, word in enumerate(words) if word.partition("=")[0] == option), len(words))
    given = words[at : at + 1] + [word for word in words[at + 1 : at + 2] if word[:1] != "-"]
    value = " ".join(given).replace("=", " ").partition(" ")[2] or "VALUE"
    homes = homes_of(option.lstrip("-").replace("-", "_"))
    return f"keys of the config are set without dashes: {homes[0]}={value}" if homes else None
