"""``backprop exercise``: tasks for a class, with their answers."""

from __future__ import annotations

import click

from ..errors import ANSWERED, UsageError
from .command import HELP, Documented
from .common import answers
from .output import Output

FORMATS = ("table", "markdown", "latex", "html", "json")
ENDINGS = {".txt": "table", ".md": "markdown", ".tex": "latex", ".html": "html", ".json": "json"}


@click.command("exercise", cls=Documented, context_settings=HELP)
@click.argument("what", metavar="[KIND]", required=False)
@click.option(
    "--level", type=click.IntRange(1, 5), default=1, show_default=True, help="Rules that are nested."
)
@click.option("--count", type=click.IntRange(1, 1000), default=1, show_default=True, help="How many.")
@click.option("--seed", metavar="TEXT", default="1", show_default=True, help="Another seed, other numbers.")
@click.option(
    "--form",
    type=click.Choice(("number", "choice")),
    default="number",
    show_default=True,
    help="What is asked for: a number, or a choice among what mistakes lead to.",
)
@click.option(
    "--choices", type=click.IntRange(2, 10), default=4, show_default=True, help="Options of a choice."
)
@click.option(
    "--solutions",
    type=click.Choice(("none", "short", "explain")),
    default="none",
    show_default=True,
    help="Below the tasks: answers, or how they are worked out, too.",
)
@click.option("--show", metavar="CODE", help="The exercise that a code stands for.")
@click.option("--decimals", type=click.IntRange(0, 12), help="Round answers to so many decimals.")
@click.option(
    "--digits",
    type=click.IntRange(1, 12),
    default=4,
    show_default=True,
    help="Significant digits of answers that need more.",
)
@click.option("--format", "format_", type=click.Choice(FORMATS), help="How to print; the default is table.")
@click.option("-o", "output", metavar="FILE", help="Write to a file, the format by its ending.")
@answers("exercise", FORMATS, endings=ENDINGS)
def command(
    output: Output,
    what: str | None,
    level: int,
    count: int,
    seed: str,
    form: str,
    choices: int,
    solutions: str,
    show: str | None,
    decimals: int | None,
) -> int:
    """Exercises of a KIND, whose numbers are drawn so that no mistake goes unseen.

    Kinds: power, product, quotient, chain, partial, paths, neuron, loss. The same seed gives the same
    exercises on every computer; each has a code of eight characters, by which --show draws it again.
    """
    from ..api.exercises import exercise
    from ..render.exercises import document

    if show is not None and what is not None:
        raise UsageError(f"the code says what kind it is: {what} is one word too many")
    if show is None and what is None:
        raise UsageError("no kind of exercise", hint="backprop exercise chain --level 2 --count 10")
    found = exercise(
        show or what or "",
        level=level,
        count=count,
        seed=seed,
        form=form,
        choices=choices,
        digits=output.digits,
        decimals=decimals,
        solutions=solutions,
    )
    output.show(document(found.handout, found.solutions))
    return ANSWERED
