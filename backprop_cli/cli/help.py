"""``backprop help TOPIC``."""

from __future__ import annotations

import click

from ..errors import UsageError, nearest
from .command import HELP
from .output import Output


@click.command("help", context_settings=HELP)
@click.argument("topic", required=False)
def command(topic: str | None) -> int:
    """Explain TOPIC; without one, list the topics."""
    from importlib.resources import files

    from .main import COMMANDS, group

    folder = files("backprop_cli.cli") / "topics"
    topics = {f.name.removesuffix(".txt"): f for f in folder.iterdir() if f.name.endswith(".txt")}
    if topic is None:
        lines = [f"  {name:<14} {topics[name].read_text('utf-8').splitlines()[0]}" for name in sorted(topics)]
        Output().write("Topics: backprop help TOPIC\n\n" + "\n".join(lines) + "\n")
    elif topic in topics:
        Output().write(topics[topic].read_text("utf-8"))
    elif topic in COMMANDS:
        with click.Context(group(), info_name="backprop") as parent:
            command = group().get_command(parent, topic)
            assert command is not None
            with click.Context(command, info_name=topic, parent=parent, **HELP) as ctx:
                Output().write(command.get_help(ctx) + "\n")
    else:
        known = [*sorted(topics), *COMMANDS]
        close = nearest(topic, known)
        raise UsageError(
            f"no topic {topic}", hint=f"did you mean {close}?" if close else f"topics: {', '.join(known)}"
        )
    return 0
