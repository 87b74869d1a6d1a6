"""``backprop check``: a judge of claimed values and derivatives."""

from __future__ import annotations

import os
from typing import Any

import click

from ..errors import UsageError
from .command import Binding, ExpressionCommand
from .common import notes_printer, write_text

FORMATS = ("table", "json", "junit", "gradescope", "markdown")
ENDINGS = {".json": "json", ".xml": "junit", ".md": "markdown", ".txt": "table"}


@click.command(
    "check",
    cls=ExpressionCommand,
    epilog="Examples: backprop check 'x^2*sin(x)' --claim 'x=2x*cos(x)';"
    " backprop check 'd = a*b; L = d + c' --a 3 --b -2 --c 8 --claim d=6 --claim dL/da=-2",
)
@click.option("--file", "file", metavar="PATH", help="Read the program from a file; - is stdin.")
@click.option(
    "--claim",
    "claims",
    multiple=True,
    metavar="NAME=VALUE",
    help="A claim: dL/dx=, x= for an input's derivative, d= for a step's value, d2L/dxdy=. Repeatable.",
)
@click.option(
    "--claims",
    "sheet",
    metavar="FILE",
    help="Claims from YAML, JSON, CSV (a row a student) or lines; - is stdin.",
)
@click.option("--student", metavar="NAME", help="Judge this one of the class alone.")
@click.option("--reveal", is_flag=True, help="Show the right numbers and formulas.")
@click.option(
    "--least-digits",
    type=click.IntRange(1, 15),
    default=3,
    show_default=True,
    help="Significant digits that a rounded number needs to be right.",
)
@click.option(
    "--marks", metavar="NAME=N,...", help="What each claim is worth: a=2,dL/db=1.  [default: 1 each]"
)
@click.option(
    "--credit",
    metavar="WORD=SHARE,...",
    help="Share of the marks for rounded, follows, named.  [default: rounded=1,follows=1,named=0]",
)
@click.option("--format", "format_", type=click.Choice(FORMATS), help="How to print; the default is table.")
@click.option("-o", "output", metavar="FILE", help="Write to a file, the format by its ending.")
@click.option(
    "--digits", type=click.IntRange(1, 17), default=6, show_default=True, help="Significant digits in tables."
)
@click.option("--large", is_flag=True, help="Lift the limits on a program's size.")
@click.option("-q", "--quiet", is_flag=True, help="No notes or warnings.")
@click.pass_obj
def command(
    sympy: Any,
    expression: str | None,
    bindings: list[Binding],
    file: str | None,
    claims: tuple[str, ...],
    sheet: str | None,
    student: str | None,
    reveal: bool,
    least_digits: int,
    marks: str | None,
    credit: str | None,
    format_: str | None,
    output: str | None,
    digits: int,
    large: bool,
    quiet: bool,
) -> int:
    """Judge claims about EXPRESSION, and name the mistake behind a wrong one.

    A claim is a number or a formula for a value or a derivative. With values bound it is judged at
    the point; with none, formulas are judged in general. Exit status: 0 all right, 1 something is
    wrong, 2 unreadable, 3 not judgeable.
    """
    chosen = _format(format_, output)
    note = notes_printer(quiet)
    from ..checking.claims import Judge, read_claim
    from ..checking.grading import Judgement, graded, read_credit
    from ..checking.proof import Prover
    from .common import Request, tell

    if file == "-" and sheet == "-":
        raise UsageError("--file - and --claims - cannot both read stdin")
    request = Request(expression, bindings, file, large=large, points=None)
    if request.ranges:
        raise UsageError(f"check works at one point: {next(iter(request.ranges))} is a range")
    graph = request.graph
    sheets = _sheets(claims, sheet, student, lambda word: _readable(word, graph))
    weights = _weights(marks, graph)
    shares = read_credit(_numbers("--credit", credit))
    prover = Prover(graph)
    try:
        judge = Judge(graph, request.values, least_digits=least_digits, prove=prover)
        people = []
        for person in sheets:
            read = [read_claim(name, text, graph) for name, text in person.claims]
            if sheet is None:
                for claim in read:
                    if claim.error is not None:
                        raise claim.error
            verdicts = judge.judge(read)
            if reveal:
                verdicts = _with_formulas(verdicts, read, graph, sympy, large)
            people.append(graded(person.student, verdicts, weights, shares))
    finally:
        prover.close()
    judgement = Judgement(
        graph.source.text, judge.inputs, tuple(people), marks is not None or credit is not None, reveal
    )
    from ..render import checking as show

    write_text(show.render(judgement, chosen, digits=digits, to_file=output is not None), output)
    tell(graph, note, (), ())
    return judgement.status


def _format(format_: str | None, output: str | None) -> str:
    if format_ is not None:
        return format_
    if output is None:
        return "table"
    ending = os.path.splitext(output)[1].lower()
    if ending not in ENDINGS:
        raise UsageError(
            f"-o {output}: the ending '{ending}' names no format",
            hint=f"endings: {', '.join(ENDINGS)}; or --format",
        )
    return ENDINGS[ending]


def _sheets(claims: tuple[str, ...], path: str | None, student: str | None, is_quantity: Any) -> list[Any]:
    from ..checking.answers import split
    from ..checking.sheets import Sheet, read_sheets
    from ..errors import nearest

    if path is None:
        if not claims:
            raise UsageError("no claims", hint="--claim dL/db=-6, or --claims FILE")
        if student is not None:
            raise UsageError("--student picks from --claims FILE")
        return [Sheet("", [split(text) for text in claims])]
    if claims:
        raise UsageError("--claim and --claims do not go together")
    sheets = read_sheets(_read(path), "<stdin>" if path == "-" else path, is_quantity)
    if student is None:
        return sheets
    found = [s for s in sheets if s.student == student]
    if not found:
        close = nearest(student, [s.student for s in sheets])
        raise UsageError(f"{path} has no student {student}", hint=f"did you mean {close}?" if close else None)
    return found


def _read(path: str) -> bytes:
    import sys

    from ..checking.sheets import SIZE_LIMIT
    from ..errors import FileError

    try:
        if path == "-":
            if sys.stdin is None:
                raise FileError("stdin is closed")
            return sys.stdin.buffer.read(SIZE_LIMIT + 1)
        with open(path, "rb") as stream:
            return stream.read(SIZE_LIMIT + 1)
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}") from None


def _readable(word: str, graph: Any) -> bool:
    from ..checking.answers import read_target
    from ..errors import BackpropError

    try:
        read_target(word, graph)
    except BackpropError:
        return False
    return True


def _numbers(option: str, text: str | None) -> dict[str, float]:
    """Read ``a=2,b=1``."""
    from math import isfinite

    found: dict[str, float] = {}
    for part in (text or "").split(",") if text else ():
        name, equals, number = part.partition("=")
        try:
            value = float(number) if equals else float("nan")
        except ValueError:
            value = float("nan")
        if not isfinite(value) or value < 0.0 or not name.strip():
            raise UsageError(f"{option}: {part!r} is not NAME=NUMBER")
        if name.strip() in found:
            raise UsageError(f"{option}: {name.strip()} is there twice")
        found[name.strip()] = value
    return found


def _weights(marks: str | None, graph: Any) -> dict[str, float]:
    from ..checking.answers import read_target
    from ..errors import BackpropError

    found = {}
    for name, value in _numbers("--marks", marks).items():
        try:
            found[read_target(name, graph).text] = value
        except BackpropError as error:
            raise UsageError(f"--marks: {error.message}", hint=error.hint) from None
    return found


def _with_formulas(verdicts: list[Any], claims: list[Any], graph: Any, sympy: Any, large: bool) -> list[Any]:
    """Put the right formulas in, as SymPy has them."""
    from ..graph import CONSTANT
    from ..language.format import node_text

    first = [c.target for c in claims if c.target and len(c.target.by) == 1 and c.target.of == graph.output]
    formulas: dict[int, str] = {}
    if first:
        process = sympy.process()
        wanted = [n.id for n in graph.nodes if n.kind != CONSTANT]
        process.request(graph, None, wanted, [True] * len(graph), inline=False, large=large)
        formulas = process.answer().formulas
    found = []
    for verdict, claim in zip(verdicts, claims, strict=True):
        text = None
        if claim.target is not None and not claim.target.by:
            text = node_text(graph, claim.target.of)
        elif claim.target in first:
            text = formulas.get(claim.target.by[0])
        found.append(verdict._replace(formula=text))
    return found
