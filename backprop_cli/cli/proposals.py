"""What a word on the command line may be: for shells that complete it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import pairwise
from typing import NamedTuple

import click

from ..errors import BackpropError, Source
from .commands import COMMANDS

SEPARATOR = "\x1f"
"""Between the words that zsh and fish hand over."""

PATHS = ("FILE", "PATH", "FOLDER", "CONFIG", "MODEL")
"""What a value that is a file is called in the help."""


class Proposal(NamedTuple):
    """A word and what it is about; with no text, the shell is to propose files."""

    text: str
    about: str = ""


FILES = Proposal("")


def answer(group: click.Group, shell: str, environment: Mapping[str, str]) -> str:
    """Return what a shell reads: a kind, a word and what it is about a line, with tabs between.

    Args:
        group: The commands.
        shell: That asks.
        environment: ``COMP_WORDS``, the words, or ``COMP_LINE``, the line, up to the cursor.
    """
    line = environment.get("COMP_LINE")
    words = _words(line) if line is not None else environment.get("COMP_WORDS", "").split(SEPARATOR)
    *before, typed = words[1:] or [""]
    found = [p for p in _proposals(group, before, typed) if p is FILES or p.text.startswith(typed)]
    # bash replaces what stands behind the last of its word breaks alone
    kept = max(typed.rfind("="), typed.rfind(":")) + 1 if shell == "bash" else 0
    return "".join(
        "files\t\t\n" if p is FILES else f"word\t{p.text[kept:]}\t{' '.join(p.about.split())}\n"
        for p in found
    )


def _words(line: str) -> list[str]:
    """Split a line of bash, the last quote of which may be open."""
    for close in ("", '"', "'"):
        try:
            words = shlex.split(line + close)
        except ValueError:
            continue
        return words if line[-1:] not in (" ", "\t", "\n") or close else [*words, ""]
    return [line]


def _proposals(group: click.Group, before: list[str], typed: str) -> Iterator[Proposal]:
    ctx = click.Context(group, info_name="backprop", resilient_parsing=True)
    if not before:
        names = COMMANDS.items() if typed[:1] != "-" else [("--help", ""), ("--version", "")]
        yield from (Proposal(name, about) for name, about in names)
        return
    name, *words = before
    if name not in COMMANDS:
        return
    command = group.get_command(ctx, name)
    assert command is not None
    if isinstance(command, click.Group):
        if not words:
            yield from (Proposal(n, (c.help or "").splitlines()[0]) for n, c in command.commands.items())
            return
        name, command, words = f"{name} {words[0]}", command.commands.get(words[0]), words[1:]
        if command is None:
            return
    yield from _of_command(name, command, words, typed)


def _of_command(name: str, command: click.Command, words: list[str], typed: str) -> Iterator[Proposal]:
    options = {opt: p for p in command.params if isinstance(p, click.Option) for opt in p.opts}
    valued = {opt for opt, p in options.items() if not p.is_flag and not p.count}
    if words and words[-1] in valued:
        yield from _values(options[words[-1]], name, words, typed)
        return
    head, equals, tail = typed.partition("=")
    if equals and head in valued:
        for p in _values(options[head], name, words, tail):
            yield p if p is FILES else Proposal(f"{head}={p.text}", p.about)
        return
    expression = _expression(command, words, valued)
    if typed[:1] == "-":
        yield from (Proposal(f"--{n}", "variable") for n in _unbound(expression, words))
        yield from (Proposal(opt, p.help or "") for opt, p in options.items() if opt not in words)
        yield Proposal("--help", "Show this message and exit.")
        return
    if expression is not None:
        yield from (Proposal(f"{n}=", "variable") for n in _unbound(expression, words))
        return
    yield from _arguments(name, command, words, typed)


def _values(option: click.Parameter, name: str, words: list[str], typed: str) -> Iterator[Proposal]:
    """Return what the value of an option may be."""
    if isinstance(option.type, click.Choice):
        yield from (Proposal(str(choice)) for choice in option.type.choices)
    elif option.opts[0] == "--to":
        from ..export import NETWORK_TARGETS, RENDERED, TARGETS

        yield from (Proposal(n) for n in dict.fromkeys((*TARGETS, *RENDERED, *NETWORK_TARGETS)))
    elif option.opts[0] == "--optimizer":
        from ..optimization.choice import KINDS

        yield from (Proposal(n) for n in KINDS)
    elif option.opts[0] in ("--wrt", "--of", "--path"):
        last = typed.rpartition(",")[0]
        before = f"{last}," if last else ""
        expression = next((w for w in words if w[:1] != "-"), None)
        yield from (Proposal(before + n, "variable") for n in _inputs(expression, words))
    elif (option.metavar or "").partition(":")[0] in PATHS:
        yield FILES


def _expression(command: click.Command, words: list[str], valued: set[str]) -> str | None:
    """Return the expression among the words of a command that takes one, empty where a file has it."""
    from .command import ExpressionCommand

    if not isinstance(command, ExpressionCommand):
        return None
    flags = {opt for p in command.params if getattr(p, "is_flag", False) for opt in p.opts}
    rest = iter(words)
    for word in rest:
        if word == "--file" or word.startswith("--file="):
            return ""
        if word.startswith("-") and len(word) > 1:
            if word in valued or ("=" not in word and word not in flags):
                next(rest, None)
        else:
            return word
    return None


def _inputs(expression: str | None, words: list[str]) -> list[str]:
    """Return the variables of an expression, or of the file that has it."""
    from ..language.array_parser import parse_arrays
    from ..language.lower import lower
    from ..language.operators import CONSTANTS
    from ..language.parser import parse

    text = expression or ""
    path = next((b for a, b in pairwise(words) if a == "--file"), None)
    path = next((w[7:] for w in words if w.startswith("--file=")), path)
    if path is not None:
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read(1_000_000)
        except (OSError, ValueError):  # it is not there, or no text
            return []
    with suppress(BackpropError):
        return list(lower(parse(text)).inputs)
    with suppress(BackpropError):
        program = parse_arrays(Source(text))
        given = {*CONSTANTS, *(statement.name for statement in program.statements)}
        return [name for name in program.all_names() if name not in given]
    return []


def _unbound(expression: str | None, words: list[str]) -> list[str]:
    """Return the variables of an expression that have no value among the words yet."""
    given = {re.sub("^--", "", word).partition("=")[0] for word in words if re.match(r"--\w|\w+=", word)}
    return [] if expression is None else [n for n in _inputs(expression, words) if n not in given]


def _arguments(name: str, command: click.Command, words: list[str], typed: str) -> Iterator[Proposal]:
    """Return what a word may be that is no option."""
    from .command import ExpressionCommand, NetworkCommand

    argument = next((p for p in command.params if isinstance(p, click.Argument)), None)
    if name == "help":
        from .help import topics

        yield from (Proposal(n, text.splitlines()[0]) for n, text in topics().items())
        yield from (Proposal(n, about) for n, about in COMMANDS.items())
    elif name == "ops":
        from ..ops import PRIMITIVES

        yield from (Proposal(row.name, row.says) for row in PRIMITIVES.values())
    elif name == "config init":
        from ..training.config.starters import starters

        yield from (Proposal(n) for n in starters())
        yield FILES
    elif argument is not None and isinstance(argument.type, click.Choice):
        yield from (Proposal(str(choice)) for choice in argument.type.choices)
    elif not isinstance(command, ExpressionCommand) or isinstance(command, NetworkCommand):
        yield FILES
