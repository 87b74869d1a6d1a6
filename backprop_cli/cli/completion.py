"""``backprop completion``: shell completion."""

from __future__ import annotations

import click

from .command import HELP
from .output import Output


@click.command("completion", context_settings=HELP)
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def command(shell: str) -> int:
    """Print the completion script of SHELL.

    For bash: backprop completion bash > ~/.local/share/bash-completion/completions/backprop
    """
    from click.shell_completion import get_completion_class

    from .main import COMPLETE, group

    kind = get_completion_class(shell)
    assert kind is not None
    Output().write(kind(group(), {}, "backprop", COMPLETE).source() + "\n")
    return 0
