"""The manual page, from the commands and topics that ``--help`` and ``help`` show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from inspect import cleandoc

import click

from .. import __version__
from .command import HELP
from .commands import EXAMPLES, GROUPS


def page(group: click.Group, topics: Mapping[str, str]) -> str:
    """Return the manual page in roff, for ``man``.

    Args:
        group: All commands.
        topics: The texts of ``backprop help``.
    """
    return "\n".join(_lines(group, topics)) + "\n"


def _lines(group: click.Group, topics: Mapping[str, str]) -> Iterator[str]:
    yield f'.TH BACKPROP 1 "" "backprop {__version__}" "User Commands"'
    yield ".SH NAME"
    yield f"backprop \\- {_plain((group.help or '').rstrip('.'))}"
    yield ".SH SYNOPSIS"
    yield ".B backprop\n.I COMMAND\n[\\fIARGUMENT\\fR]..."
    for title, commands in GROUPS.items():
        yield f'.SH "{title.upper()}"'
        for name in commands:
            with click.Context(group, info_name="backprop", resilient_parsing=True) as parent:
                command = group.get_command(parent, name)
                assert command is not None
                yield from _command(command, name, parent)
    yield ".SH EXIT STATUS"
    yield from _as_it_stands("\n".join(topics["exit-codes"].splitlines()[2:]))
    yield ".SH ENVIRONMENT"
    yield from _as_it_stands("\n".join(topics["environment"].splitlines()[2:]))
    yield ".SH SEE ALSO"
    yield "Topics of \\fBbackprop help\\fR: " + ", ".join(map(_plain, topics)) + "."


def _command(command: click.Command, name: str, parent: click.Context) -> Iterator[str]:
    with click.Context(command, info_name=name, parent=parent, **HELP) as ctx:
        usage = " ".join(command.collect_usage_pieces(ctx))
        yield f'.SS "{_plain(f"backprop {name} {usage}")}"'
        for paragraph in cleandoc(command.help or "").split("\n\n"):
            yield ".PP"
            yield _plain(" ".join(paragraph.split()))
        if name in EXAMPLES and ctx.parent is parent:
            yield from _as_it_stands("\n".join(EXAMPLES.get(" ".join(ctx.command_path.split()[1:]), ())))
        for option in command.get_params(ctx):
            record = option.get_help_record(ctx) if isinstance(option, click.Option) else None
            if record is not None and option.name != "help":
                yield f".TP\n\\fB{_plain(record[0])}\\fR\n{_plain(record[1])}"
        if isinstance(command, click.Group):
            for below, subcommand in command.commands.items():
                yield from _command(subcommand, below, ctx)


def _as_it_stands(text: str) -> Iterator[str]:
    yield ".PP\n.nf"
    yield from map(_plain, text.splitlines())
    yield ".fi"


def _plain(text: str) -> str:
    """Return text in which no sign means anything to roff."""
    safe = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace('"', "\\(dq")
    return "\\&" + safe if safe.startswith(".") else safe
