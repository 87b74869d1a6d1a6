"""``backprop check``: a judge of claimed values and derivatives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from ..errors import UsageError
from ..language.operators import CONSTANTS
from . import functions
from .command import NetworkCommand
from .common import (
    answers,
    digits_option,
    file_option,
    format_option,
    large_option,
    quiet_option,
)
from .grades import Grades, columns_of
from .output import Output
from .request import Request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..checking.individual import Individual
    from ..graph import Graph
    from ..language.settle import Settled

FORMATS = ("table", "csv", "tsv", "json", "junit", "gradescope", "markdown")
ENDINGS = {
    ".txt": "table",
    ".csv": "csv",
    ".tsv": "tsv",
    ".json": "json",
    ".xml": "junit",
    ".md": "markdown",
}


@click.command("check", cls=NetworkCommand)
@file_option
@click.option(
    "--claim",
    "claims",
    multiple=True,
    metavar="NAME=VALUE",
    help="A claim: dL/dx=, x= for an input's derivative, d= for a step's value, d2L/dxdy=; of arrays"
    " dL/dW=(p - t)@x' or [[1,2],[3,4]]. Repeatable.",
)
@click.option(
    "--claims",
    "sheet",
    metavar="FILE",
    help="Claims from YAML, JSON, CSV (a row a student) or lines, or from a folder with a file a student;"
    " - is stdin.",
)
@click.option(
    "--points",
    metavar="FILE",
    help="Everybody's own numbers, a row a student and a column an input, for --claims FILE.",
)
@click.option("--exercise", metavar="KEY", help="Judge hand-ins by the key of a class's exercises.")
@click.option(
    "--text", metavar="FILE", help="Check the numbers that an article or notebook claims; - is stdin."
)
@click.option(
    "--gradcheck", is_flag=True, help="Check the gradient, ours or the claimed one, against quotients."
)
@click.option(
    "--shape", metavar="SHAPES", help="Judge formulas for arrays of these shapes, without values: A=3x2,x=2."
)
@functions.options
@click.option(
    "--at-step",
    type=click.IntRange(1),
    default=1,
    metavar="K",
    help="Of a training config, judge the K-th update.  [default: the first]",
)
@click.option("--student", metavar="NAME", help="Judge this one of the class alone.")
@click.option("--student-column", metavar="NAME", help="The column that says whose a row is.")
@click.option(
    "--columns",
    metavar="TITLE=NAME,...",
    help="What columns are about whose titles say it otherwise: Response 1=z,Response 2=dL/da.",
)
@click.option(
    "--keep",
    type=click.Choice(["first", "last", "best"]),
    help="Which hand-in of one name counts, in the order of the table.  [default: each, numbered]",
)
@click.option(
    "--for",
    "audience",
    type=click.Choice(["teacher", "student"]),
    default="teacher",
    show_default=True,
    help="Whom the words are for: a student is told what to do, a teacher what else gives the same.",
)
@click.option("--reveal", is_flag=True, help="Show the right numbers and formulas.")
@click.option(
    "--least-digits",
    type=click.IntRange(1, 15),
    default=3,
    show_default=True,
    help="Significant digits that a rounded number needs to be right.",
)
@click.option(
    "--kinks",
    type=click.Choice(["convention", "strict"]),
    default="convention",
    show_default=True,
    help="Strict: at a kink, |x| at 0, a derivative is undefined, and no number is right.",
)
@click.option(
    "--marks",
    metavar="NAME=N,...",
    help="What is asked of everybody, and its marks: a=2,dL/db=1.  [default: what is claimed, 1 each]",
)
@click.option(
    "--credit",
    metavar="WORD=SHARE,...",
    help="Share of the marks for rounded, close, short, follows, named.  [default: 1,1,0,1,0]",
)
@format_option(FORMATS)
@click.option(
    "-o",
    "output",
    metavar="FILE|DIR",
    help="Write to a file, the format by its ending; into a folder, a file for each person.",
)
@digits_option("Significant digits in tables.")
@large_option
@quiet_option
@answers("check", FORMATS, endings=ENDINGS, folders=True)
def command(
    request: Request,
    output: Output,
    claims: tuple[str, ...],
    sheet: str | None,
    exercise: str | None,
    text: str | None,
    gradcheck: bool,
    shape: str | None,
    function: str | None,
    shapes: str | None,
    seed: int,
    at_step: int,
    student: str | None,
    student_column: str | None,
    columns: str | None,
    keep: str | None,
    audience: str,
    reveal: bool,
    least_digits: int,
    kinks: str,
    marks: str | None,
    credit: str | None,
) -> int:
    """Judge claims about EXPRESSION, and name the mistake behind a wrong one.

    A claim is a number or a formula for a derivative or a value. With values bound it is judged at the
    point, where a value is a number; with none, formulas are judged in general. A training config in
    place of EXPRESSION judges a step worked by hand, by the names of backprop trace; KEY=VALUE
    overrides a key of it. Exit status: 0 all right, 1 something is wrong, 2 unreadable, 3 not judgeable.
    """
    asked = request.expression is not None or request.file is not None
    if request.points is not None:
        others = (function, text, exercise, shape, request.config, gradcheck or None)
        if not asked or sheet is None or any(each is not None for each in others):
            raise UsageError("--points FILE is everybody's own numbers of a program, for --claims FILE")
    if function is not None:
        if asked or claims or sheet is not None or text is not None:
            raise UsageError("--function stands alone: what it claims is in the file")
        _only("--function", output)
        return functions.check(function, shapes, seed, output)
    if shapes is not None:
        raise UsageError("--shapes is for --function", hint=functions.HINT)
    if text is not None:
        if asked or claims or sheet is not None or gradcheck:
            raise UsageError("--text FILE stands alone: the claims are in the text")
        return _article(text, output)
    if [request.file, sheet, request.points].count("-") > 1:
        raise UsageError("of --file, --claims and --points one alone can read stdin")
    from ..checking.sheets import Layout

    grades = Grades(
        claims,
        sheet,
        student,
        Layout(student_column, columns_of(columns), keep),
        reveal,
        marks,
        credit,
        output,
        for_student=audience == "student",
    )
    if exercise is not None:
        if asked or request.config is not None or sheet is None or gradcheck:
            raise UsageError("--exercise KEY judges hand-ins, by the numbers of the key: --claims FILE")
        from ..exercises.key import key_of
        from ..exercises.marking import Marking

        return grades.give(Marking(key_of(exercise), everybody=student is None))
    if kinks == "strict" and (request.config is not None or exercise is not None):
        raise UsageError("--kinks is for expressions")
    if request.config is not None:
        if gradcheck:
            raise UsageError(
                "--gradcheck is for expressions", hint="backprop train CONFIG --check-gradients --dry-run"
            )
        from .training import use_threads

        use_threads(1)
        from ..checking.people import of_step

        keys = request.config_overrides()
        return grades.give(of_step(request.config, keys, at_step=at_step, least_digits=least_digits))
    if request.overrides:
        raise UsageError(f"{request.overrides[0]} is for a training step", hint="backprop check config.yaml")
    if not asked:
        raise UsageError(
            "no expression",
            hint='give one: backprop check "a*b" --a 3 --b -2 --claim a=-2; or --file PATH',
        )
    if shape is not None:
        from .arrays import shapes_of

        request.read_shapes(shapes_of(shape))
    else:
        request.read("check works at one point: {name} is {what}")
    graph = request.graph
    if request.settled is not None:
        given = None if shape is not None else {**request.values, **request.arrays}
        if gradcheck:
            if given is None:
                raise UsageError("--gradcheck is at a point: --shape has none", hint='--x "[1, 2]"')
            return _gradcheck((request.settled, given), claims, sheet, output)
        from ..checking.people import of_arrays

        if kinks == "strict":
            raise UsageError("--kinks is for programs of single numbers")
        return grades.give(of_arrays(request.settled, given, least_digits=least_digits, reveal=reveal))
    if gradcheck:
        return _gradcheck((graph, request.values), claims, sheet, output)
    from ..checking.people import Subject, of_program

    def at(values: Mapping[str, float]) -> Subject:
        return of_program(
            graph,
            values,
            least_digits=least_digits,
            reveal=reveal,
            large=request.large,
            strict=kinks == "strict",
        )

    notes: Sequence[str] = ()
    if request.points is None:
        subject: Subject | Individual = at(request.values)
    else:
        from ..checking.individual import Individual, read_points

        points = read_points(request.points, graph)
        graph = request.lowered([name for name in CONSTANTS if name in points.names])
        subject = Individual(graph, points, at, request.values, blank=student is None)
        notes = points.notes
    status = grades.give(subject)
    output.tell(graph, notes=list(dict.fromkeys([*notes, *subject.meant])))
    return status


def _gradcheck(
    at: tuple[Graph | Settled, Mapping[str, Any]],
    claims: tuple[str, ...],
    sheet: str | None,
    output: Output,
) -> int:
    from ..api.checks import gradient_check
    from ..checking.answers import split
    from ..render.checking import checked_document

    _only("--gradcheck", output)
    if sheet is not None:
        raise UsageError("--gradcheck takes its claims from --claim")
    found = gradient_check(*at, dict(map(split, claims)))
    output.show(checked_document(found.inputs, found.program))
    return found.status


def _only(option: str, output: Output) -> None:
    if output.format not in ("table", "json", "markdown"):
        raise UsageError(f"{option} prints table, json or markdown, not {output.format}")


def _article(path: str, output: Output) -> int:
    from ..api.articles import article
    from ..errors import ANSWERED, NO, NO_SUCH_NUMBER
    from ..render.checking import article_document

    _only("--text", output)
    found = article(path)
    output.show(article_document(found, digits=output.digits))
    if found.wrong:
        return NO
    return ANSWERED if found.lines else NO_SUCH_NUMBER
