"""``backprop check``: a judge of claimed values and derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ..errors import BackpropError, UsageError
from .command import NetworkCommand
from .common import (
    answers,
    digits_option,
    file_option,
    format_option,
    large_option,
    output_option,
    quiet_option,
)
from .grades import Grades
from .output import Output
from .request import Request

if TYPE_CHECKING:
    from ..checking.answers import Target
    from ..checking.grading import Named
    from ..checking.judging import Claim
    from ..checking.verdicts import Verdict
    from ..graph import Graph

FORMATS = ("table", "csv", "tsv", "json", "junit", "gradescope", "markdown")
ENDINGS = {
    ".txt": "table",
    ".csv": "csv",
    ".tsv": "tsv",
    ".json": "json",
    ".xml": "junit",
    ".md": "markdown",
}


@click.command(
    "check",
    cls=NetworkCommand,
    epilog="Examples: backprop check 'x^2*sin(x)' --claim 'x=2x*cos(x)';"
    " backprop check 'd = a*b; L = d + c' --a 3 --b -2 --c 8 --claim d=6 --claim dL/da=-2",
)
@file_option
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
    help="Claims from YAML, JSON, CSV (a row a student) or lines, or from a folder with a file a student;"
    " - is stdin.",
)
@click.option("--text", metavar="FILE", help="Check the numbers that an article claims; - is stdin.")
@click.option(
    "--gradcheck", is_flag=True, help="Check the gradient, ours or the claimed one, against quotients."
)
@click.option(
    "--at-step",
    type=click.IntRange(1),
    default=1,
    metavar="K",
    help="Of a training config, judge the K-th update.  [default: the first]",
)
@click.option("--student", metavar="NAME", help="Judge this one of the class alone.")
@click.option("--student-column", metavar="NAME", help="The column that says whose a row is.")
@click.option("--reveal", is_flag=True, help="Show the right numbers and formulas.")
@click.option(
    "--least-digits",
    type=click.IntRange(1, 15),
    default=3,
    show_default=True,
    help="Significant digits that a rounded number needs to be right.",
)
@click.option(
    "--marks",
    metavar="NAME=N,...",
    help="What is asked of everybody, and its marks: a=2,dL/db=1.  [default: what is claimed, 1 each]",
)
@click.option(
    "--credit",
    metavar="WORD=SHARE,...",
    help="Share of the marks for rounded, follows, named.  [default: rounded=1,follows=1,named=0]",
)
@format_option(FORMATS)
@output_option
@digits_option("Significant digits in tables.")
@large_option
@quiet_option
@answers("check", FORMATS, endings=ENDINGS)
def command(
    request: Request,
    output: Output,
    claims: tuple[str, ...],
    sheet: str | None,
    text: str | None,
    gradcheck: bool,
    at_step: int,
    student: str | None,
    student_column: str | None,
    reveal: bool,
    least_digits: int,
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
    if text is not None:
        if asked or claims or sheet is not None or gradcheck:
            raise UsageError("--text FILE stands alone: the claims are in the text")
        return _article(text, output)
    if request.file == "-" and sheet == "-":
        raise UsageError("--file - and --claims - cannot both read stdin")
    grades = Grades(
        claims,
        sheet,
        student,
        student_column,
        reveal,
        least_digits,
        marks,
        credit,
        output,
    )
    if request.config is not None:
        if gradcheck:
            raise UsageError(
                "--gradcheck is for expressions", hint="backprop train CONFIG --check-gradients --dry-run"
            )
        return _training_step(request.config, request.config_overrides(), at_step, grades)
    if request.overrides:
        raise UsageError(f"{request.overrides[0]} is for a training step", hint="backprop check config.yaml")
    if not asked:
        raise UsageError(
            "no expression",
            hint='give one: backprop check "a*b" --a 3 --b -2 --claim a=-2; or --file PATH',
        )
    graph = request.read("check works at one point: {name} is a range")
    if gradcheck:
        return _gradcheck(graph, request.values, claims, sheet, output)
    from ..checking.answers import read_target
    from ..checking.claims import Judge, read_claim
    from ..checking.grading import Named
    from ..checking.proof import Prover
    from ..differentiation.symbolic.session import SESSION

    judge = Judge(graph, request.values, least_digits=least_digits, prove=Prover(graph, SESSION))
    meant: list[str] = []

    def judged(pairs: list[tuple[str, str]], strict: bool) -> list[Verdict]:
        read = [read_claim(name, answer, graph) for name, answer in pairs]
        _raise_first([claim.error for claim in read] if strict else [])
        verdicts = judge.judge(read)
        meant.extend(_taken_for_the_output(read, verdicts, graph))
        return _with_formulas(verdicts, read, graph, request.large) if reveal else verdicts

    def named(word: str) -> Named:
        target = read_target(word, graph)
        return Named(target.text, (target.of, *sorted(target.by)))

    inputs = judge.ground.inputs if judge.ground is not None else None
    status = grades.give(graph.source.text, inputs, judged, named)
    output.tell(graph, notes=list(dict.fromkeys(meant)))
    return status


def _taken_for_the_output(claims: list[Claim[Target]], verdicts: list[Verdict], graph: Graph) -> list[str]:
    """Say of names that the program does not have what they were taken for, where the answer is not right."""
    from ..checking.answers import shortened
    from ..checking.derivatives import formula_text

    if graph.nodes[graph.output].name is not None:
        return []
    text = formula_text(graph, graph.output)
    shown = shortened(text, 60)
    return [
        f"{claim.target.text} is taken for the value of {shown}"
        for claim, verdict in zip(claims, verdicts, strict=True)
        if claim.target is not None and not claim.target.by and claim.target.of == graph.output
        if claim.target.text != graph.own_name(graph.output) and not verdict.good
    ]


def _raise_first(errors: Sequence[BackpropError | None]) -> None:
    for error in errors:
        if error is not None:
            raise error


def _training_step(path: str, overrides: list[str], at_step: int, grades: Grades) -> int:
    from .training import use_threads

    use_threads(1)
    from ..checking.grading import Named
    from ..checking.steps import StepJudge
    from ..training.problem import assembled

    with assembled(path, overrides) as problem:
        judge = StepJudge(problem, at_step=at_step, least_digits=grades.least_digits)

    def judged(pairs: list[tuple[str, str]], strict: bool) -> list[Verdict]:
        read = [judge.read(name, answer) for name, answer in pairs]
        _raise_first([claim.error for claim in read] if strict else [])
        return judge.judge(read)

    def named(word: str) -> Named:
        quantity = judge.quantity(word)
        return Named(quantity.text, (quantity.kind, quantity.id))

    step = judge.made.step
    title = f"{step.name}: update {step.step} (epoch {step.epoch})"
    return grades.give(title, None, judged, named)


def _gradcheck(
    graph: Graph,
    values: dict[str, float],
    claims: tuple[str, ...],
    sheet: str | None,
    output: Output,
) -> int:
    from ..checking.answers import read_answer, read_target, split
    from ..checking.gradcheck import check, status
    from ..render.checking import checked_document

    _only("--gradcheck", output)
    if sheet is not None:
        raise UsageError("--gradcheck takes its claims from --claim")
    claimed = {}
    for text in claims:
        name, answer = split(text)
        target = read_target(name, graph)
        of_input = len(target.by) == 1 and graph.nodes[target.by[0]].op is None and target.of == graph.output
        if not of_input:
            raise UsageError(f"--gradcheck: {name} is no first derivative of the output by an input")
        found = read_answer(answer, graph)
        if found.graph is None:
            raise UsageError(f"--gradcheck: {name} needs a number or a formula")
        claimed[graph.own_name(target.by[0])] = found
    checked = check(graph, values, claimed)
    shown = checked_document(checked, graph.source.text)
    output.show(shown)
    return status(checked)


def _only(option: str, output: Output) -> None:
    if output.format not in ("table", "json", "markdown"):
        raise UsageError(f"{option} prints table, json or markdown, not {output.format}")


def _article(path: str, output: Output) -> int:
    from ..articles.text import check_text
    from ..checking.sheets import SIZE_LIMIT
    from ..errors import ANSWERED, NO, NO_SUCH_NUMBER, DataError
    from ..render.checking import article_document
    from ..tables.files import bytes_of

    _only("--text", output)
    data = bytes_of(path, SIZE_LIMIT)
    shown = "<stdin>" if path == "-" else path
    if len(data) > SIZE_LIMIT:
        raise DataError(f"{shown} is larger than {SIZE_LIMIT:,} bytes")
    found = check_text(data.decode("utf-8-sig", "replace"), shown)
    output.show(article_document(found, digits=output.digits))
    if found.wrong:
        return NO
    return ANSWERED if found.lines else NO_SUCH_NUMBER


def _with_formulas(
    verdicts: list[Verdict], claims: list[Claim[Target]], graph: Graph, large: bool
) -> list[Verdict]:
    """Put the right formulas in, as SymPy has them."""
    from ..differentiation.symbolic.session import SESSION
    from ..graph import CONSTANT
    from ..language.format import node_text

    first = [c.target for c in claims if c.target and len(c.target.by) == 1 and c.target.of == graph.output]
    formulas: dict[int, str] = {}
    if first:
        wanted = [n.id for n in graph.nodes if n.kind != CONSTANT]
        with SESSION.lend() as process:
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
