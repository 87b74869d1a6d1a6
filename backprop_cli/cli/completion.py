"""``backprop completion``: shell completion."""

from __future__ import annotations

import click

from .command import HELP, Documented
from .output import Output


@click.command("completion", cls=Documented, context_settings=HELP)
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def command(shell: str) -> int:
    """Print the completion script of SHELL.

    For bash: backprop completion bash > ~/.local/share/bash-completion/completions/backprop
    """
    from importlib.resources import files

    Output().write((files("backprop_cli.cli") / "shells" / shell).read_text("utf-8"))
    return 0
