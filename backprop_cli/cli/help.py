"""``backprop help TOPIC``."""

from __future__ import annotations

import click

from ..errors import UsageError, nearest
from .command import HELP, Documented
from .commands import COMMANDS
from .output import Output


@click.command("help", cls=Documented, context_settings=HELP)
@click.argument("topic", required=False)
@click.option("--man", is_flag=True, help="Print the manual page, for man.")
def command(topic: str | None, man: bool) -> int:
    """Explain TOPIC; without one, list the topics."""
    known = topics()
    if man:
        from .manual import page

        group = click.get_current_context().find_root().command
        assert isinstance(group, click.Group)
        Output().write(page(group, known))
        return 0
    if topic is None:
        lines = [f"  {name:<14} {text.splitlines()[0]}" for name, text in known.items()]
        Output().write("Topics: backprop help TOPIC\n\n" + "\n".join(lines) + "\n")
    elif topic in known:
        Output().write(known[topic])
    elif topic in COMMANDS:
        parent = click.get_current_context().find_root()
        assert isinstance(parent.command, click.Group)
        command = parent.command.get_command(parent, topic)
        assert command is not None
        with click.Context(command, info_name=topic, parent=parent, **HELP) as ctx:
            Output().write(command.get_help(ctx) + "\n")
    else:
        names = [*known, *COMMANDS]
        close = nearest(topic, names)
        raise UsageError(
            f"no topic {topic}", hint=f"did you mean {close}?" if close else f"topics: {', '.join(names)}"
        )
    return 0


def topics() -> dict[str, str]:
    """Return the text of every topic; its first line says what it is about."""
    from importlib.resources import files

    folder = files("backprop_cli.cli") / "topics"
    texts = {f.name.removesuffix(".txt"): f for f in folder.iterdir() if f.name.endswith(".txt")}
    return {name: texts[name].read_text("utf-8") for name in sorted(texts)}
