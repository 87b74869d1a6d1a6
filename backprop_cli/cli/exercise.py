"""``backprop exercise``: tasks for a class, with their answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ..errors import UsageError
from .classwork import FORMATS
from .command import HELP, Documented
from .common import answers
from .output import Output

if TYPE_CHECKING:
    from ..exercises.handouts import Solutions
    from ..exercises.manner import Language
    from ..exercises.tasks import Form


@click.command("exercise", cls=Documented, context_settings=HELP)
@click.argument("what", metavar="[KIND|SHEET.yaml]", required=False)
@click.option("--level", type=click.IntRange(1, 5), help="How many rules are nested.  [default: 1]")
@click.option(
    "--count",
    type=click.IntRange(1, 1000),
    metavar="N",
    help="How many exercises; of a sheet, for how many people.  [default: 1]",
)
@click.option("--class", "roster", metavar="FILE", help="The people: a table or a name a line; with -o DIR.")
@click.option("--student-column", metavar="NAME", help="The column of the class that has the names.")
@click.option("--seed", metavar="TEXT", default="1", show_default=True, help="Another seed, other numbers.")
@click.option(
    "--form",
    type=click.Choice(("number", "choice", "formula")),
    default="number",
    show_default=True,
    help="What is asked for: a number, a choice among what mistakes lead to, or a formula.",
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
@click.option("--redraw", metavar="NAME:TASK", help="Draw one task of somebody again; with -o DIR.")
@click.option("--stress", type=click.IntRange(1, 100_000), metavar="N", help="Draw N times and report only.")
@click.option("--decimals", type=click.IntRange(0, 12), help="Round answers to so many decimals.")
@click.option(
    "--digits", "significant", type=click.IntRange(1, 12), help="Significant digits of answers.  [default: 4]"
)
@click.option(
    "--language",
    type=click.Choice(("en", "de")),
    default="en",
    show_default=True,
    help="Of the words around the tasks.",
)
@click.option("--comma", is_flag=True, help="Decimals have a comma, in answers that are marked, too.")
@click.option("--format", "formats", metavar="FORMAT,...", help=f"How to print: {', '.join(FORMATS)}.")
@click.option("-o", "output", metavar="FILE|DIR", help="Write to a file, or a class's files to a folder.")
@click.option("--force", is_flag=True, help="Write over another key.")
@click.option("-q", "--quiet", is_flag=True, help="No notes.")
@answers("exercise", endings={})
def command(
    output: Output,
    what: str | None,
    level: int | None,
    count: int | None,
    roster: str | None,
    student_column: str | None,
    seed: str,
    form: Form,
    choices: int,
    solutions: Solutions,
    show: str | None,
    redraw: str | None,
    stress: int | None,
    decimals: int | None,
    significant: int | None,
    language: Language,
    comma: bool,
    formats: str | None,
    force: bool,
) -> int:
    """Exercises of a KIND, or of a SHEET for a class, whose numbers let no mistake go unseen.

    Kinds: power, product, quotient, chain, partial, paths, neuron, loss, update, step. The same seed gives
    the same exercises on every computer; each has a code of eight characters, by which --show draws it
    again. For a class -o names a folder: everybody's sheet, the key, and a report.
    """
    from ..exercises import classes, handouts
    from ..exercises.answers import DIGITS, Printing
    from ..exercises.manner import Manner
    from ..exercises.sheet import read_sheet
    from ..exercises.tasks import Usual
    from . import classwork

    rounded = significant is not None or decimals is not None
    printing = Printing(significant or DIGITS, decimals) if rounded else None
    usual = Usual(form, choices, printing, Manner(language, comma))
    paper = classwork.Paper(output, formats, solutions)
    if what is None or not (what == "-" or what.lower().endswith((".yaml", ".yml"))):
        for option, given in (
            ("--class", roster),
            ("--redraw", redraw),
            ("--student-column", student_column),
        ):
            if given is not None:
                raise UsageError(f"{option} is for a sheet", hint="backprop exercise SHEET.yaml --class FILE")
        if show is not None and what is not None:
            raise UsageError(f"the code says what kind it is: {what} is one word too many")
        if show is not None:
            return paper.show(handouts.rebuilt(show, usual))
        if what is None:
            raise UsageError("no kind of exercise", hint="backprop exercise chain --level 2 --count 10")
        if stress is not None:
            task = handouts.kind_task(what, level or 1, usual)
            return paper.stress([task], stress)
        return paper.show(handouts.practice(what, level or 1, count or 1, seed, usual))
    if level is not None:
        raise UsageError("--level is for a kind; a sheet says it of every task")
    sheet = read_sheet(what, usual)
    if stress is not None:
        return paper.stress(sheet.tasks, stress)
    if show is not None:
        return paper.show(classes.shown_of(sheet, show))
    if redraw is not None:
        return paper.redraw(sheet, redraw)
    if roster is None and count is None:
        return paper.show(classes.handout(sheet, seed))
    people = classwork.people(roster, student_column, count)
    return paper.hand_out(sheet, people, seed, force=force)
