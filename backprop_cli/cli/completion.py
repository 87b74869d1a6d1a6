"""``backprop completion``: shell completion."""

from __future__ import annotations

import click

from .command import HELP, Documented
from .output import Output

FILES = {"bash": "backprop", "zsh": "_backprop", "fish": "backprop.fish"}
"""Where the script of each shell lies, by the name under which the shell looks for it."""


@click.command("completion", cls=Documented, context_settings=HELP)
@click.argument("shell", type=click.Choice(tuple(FILES)))
def command(shell: str) -> int:
    """Print the completion script of SHELL.

    For bash: backprop completion bash > ~/.local/share/bash-completion/completions/backprop
    """
    from importlib.resources import files

    Output().write((files("backprop_cli.cli") / "shells" / FILES[shell]).read_text("utf-8"))
    return 0
