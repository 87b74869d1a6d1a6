"""``backprop config``: starter configs, checking, the resolved config, the schema."""

from __future__ import annotations

import os
from typing import Any

import click

from ..errors import UsageError, nearest
from .command import HELP, Documented
from .output import Output


class Subcommands(Documented, click.Group):
    """Says what was meant by a misspelt subcommand."""

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        found = super().get_command(ctx, name)
        if found is None and not ctx.resilient_parsing:
            close = nearest(name[:64], list(self.commands))
            hint = f"did you mean {close}?" if close else f"commands: {', '.join(self.commands)}"
            raise UsageError(f"no such command: config {name}", hint=hint)
        return found

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)  # in the order of use


@click.group("config", cls=Subcommands, context_settings=HELP)
def command() -> None:
    """Begin, check, show and document training configs."""


@command.command("init", cls=Documented, context_settings=HELP)
@click.argument("name", required=False)
@click.option("--target", metavar="COLUMN", help="With a table: what to predict.")
@click.option("-o", "output", metavar="FILE", help="Write to a new file.")
@click.option("--force", is_flag=True, help="With -o: write over a file that is there.")
def init(name: str | None, target: str | None, output: str | None, force: bool) -> int:
    """Print a config to begin with: the starter config NAME, or one for the table NAME, a file of rows.

    Without NAME, list the starters. Of a table, every guess stands with its reason: how it is written, what
    each column is, what is missing, target and task.
    """
    from ..training.config.starters import starter_text, starters

    names = starters()
    if name is not None and name not in names and os.path.isfile(name):
        from ..training.data.inspection import proposal

        text = proposal(name, target, os.path.dirname(output or "") or ".")[1]
        return _written(text, output, force)
    if target is not None:
        raise UsageError("--target goes with a table", hint="backprop config init rows.csv --target price")
    if name is None:
        if output is not None:
            raise UsageError("-o needs the NAME of a starter config", hint=f"names: {', '.join(names)}")
        lines = [f"  {known:<12} {starter_text(known).splitlines()[0].lstrip('# ')}" for known in names]
        Output().write("Starter configs: backprop config init NAME\n\n" + "\n".join(lines) + "\n")
        return 0
    if name not in names:
        close = nearest(name[:64], names)
        hint = f"did you mean {close}?" if close else f"names: {', '.join(names)}; or a file of rows"
        raise UsageError(f"no starter config {name}", hint=hint)
    return _written(starter_text(name), output, force)


def _written(text: str, output: str | None, force: bool) -> int:
    if output is not None and not force and os.path.lexists(output):
        raise UsageError(f"{output} is there already", hint="--force writes over it")
    Output(file=output).write(text)
    return 0


def _config_arguments(function: Any) -> Any:
    function = click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")(function)
    return click.argument("file", metavar="FILE")(function)


@command.command("validate", cls=Documented, context_settings=HELP)
@_config_arguments
def validate(file: str, overrides: tuple[str, ...]) -> int:
    """Check a config without training; every fault has its place. - is stdin."""
    from ..training.config import load

    loaded = load(file, overrides)
    Output().write(f"{loaded.shown}: ok: {loaded.summary()}\n")
    return 0


@command.command("show", cls=Documented, context_settings=HELP)
@_config_arguments
@click.option(
    "--format",
    "format_",
    type=click.Choice(("yaml", "json")),
    default="yaml",
    show_default=True,
    help="How to print.",
)
@click.option("-o", "output", metavar="FILE", help="Write to a file.")
@click.option("--program", is_flag=True, help="With its layers written as a program.")
def show(file: str, overrides: tuple[str, ...], format_: str, output: str | None, program: bool) -> int:
    """Print the resolved config: every default filled in, each value with its origin."""
    from ..training.config import load, resolved, to_yaml

    loaded = load(file, overrides)
    plain = resolved(loaded.config)
    if program:
        from msgspec.structs import replace

        from ..networks.as_program import as_program
        from ..networks.layers.places import ShapeError

        shape, of_steps = loaded.config.data.shape, loaded.config.data.of_steps
        try:
            model = as_program(loaded.config.model, tuple(shape) if shape else None, {} if of_steps else None)
        except ShapeError as error:
            raise loaded.refused(error) from None
        written = resolved(replace(loaded.config, model=model))["model"]
        keys = ("dims", "noise", "parameters", "program", "from", "freeze", "fresh")
        plain["model"] = {key: written[key] for key in keys if written[key] is not None}
    if format_ == "json":
        from ..render.document import Facts
        from ..render.writers import json

        text = json.write(Facts({"config": plain, "origins": loaded.origins}, "document"))
    else:
        text = to_yaml(plain, loaded.origins)
    Output(file=output).write(text)
    return 0


@command.command("schema", cls=Documented, context_settings=HELP)
@click.option("-o", "output", metavar="FILE", help="Write to a file.")
def schema(output: str | None) -> int:
    """Print the JSON Schema of configs, for editors and other programs."""
    from ..render.document import Facts
    from ..render.schema import json_schema
    from ..render.writers import json

    Output(file=output).write(json.write(Facts(json_schema(), "document")))
    return 0
