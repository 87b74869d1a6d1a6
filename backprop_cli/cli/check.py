"""``backprop check``: a judge of claimed values and derivatives."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from ..errors import BackpropError, UsageError
from .command import Binding, NetworkCommand, is_config
from .common import notes_printer, write_text

if TYPE_CHECKING:
    from ..graph import Graph

SIZE = 1 << 20
FORMATS = ("table", "json", "junit", "gradescope", "markdown")
ENDINGS = {".json": "json", ".xml": "junit", ".md": "markdown", ".txt": "table"}


@click.command(
    "check",
    cls=NetworkCommand,
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
    overrides: list[str],
    file: str | None,
    claims: tuple[str, ...],
    sheet: str | None,
    text: str | None,
    gradcheck: bool,
    at_step: int,
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
    the point; with none, formulas are judged in general. A training config in place of EXPRESSION
    judges a step worked by hand, by the names of backprop trace; KEY=VALUE overrides a key of it.
    Exit status: 0 all right, 1 something is wrong, 2 unreadable, 3 not judgeable.
    """
    chosen = _format(format_, output)
    note = notes_printer(quiet)
    if text is not None:
        if expression is not None or file is not None or claims or sheet is not None or gradcheck:
            raise UsageError("--text FILE stands alone: the claims are in the text")
        return _article(text, chosen, digits, output)
    if file == "-" and sheet == "-":
        raise UsageError("--file - and --claims - cannot both read stdin")
    grades = Grades(claims, sheet, student, reveal, least_digits, marks, credit, chosen, digits, output)
    if expression is not None and file is None and is_config(expression):
        if gradcheck:
            raise UsageError(
                "--gradcheck is for expressions", hint="backprop train CONFIG --check-gradients --dry-run"
            )
        overrides += [f"{binding.name}={binding.text}" for binding in bindings]
        return _training_step(expression, overrides, at_step, grades)
    if overrides:
        raise UsageError(f"{overrides[0]} is for a training step", hint="backprop check config.yaml")
    from .common import Request, tell

    request = Request(expression, bindings, file, large=large, points=None)
    if request.ranges:
        raise UsageError(f"check works at one point: {next(iter(request.ranges))} is a range")
    graph = request.graph
    if gradcheck:
        return _gradcheck(graph, request.values, claims, sheet, chosen, output)
    from ..checking.answers import read_target
    from ..checking.claims import Judge, Verdict, read_claim
    from ..checking.proof import Prover

    prover = Prover(graph)
    try:
        judge = Judge(graph, request.values, least_digits=least_digits, prove=prover)

        def judged(pairs: list[tuple[str, str]], strict: bool) -> list[Verdict]:
            read = [read_claim(name, answer, graph) for name, answer in pairs]
            _raise_first([claim.error for claim in read] if strict else [])
            verdicts = judge.judge(read)
            return _with_formulas(verdicts, read, graph, sympy, large) if reveal else verdicts

        status = grades.give(
            graph.source.text, judge.inputs, judged, lambda word: read_target(word, graph).text
        )
    finally:
        prover.close()
    tell(graph, note, (), ())
    return status


class Grades(NamedTuple):
    """What the options say of claims and marks."""

    claims: tuple[str, ...]
    sheet: str | None
    student: str | None
    reveal: bool
    least_digits: int
    marks: str | None
    credit: str | None
    format_: str
    digits: int
    output: str | None

    def give(
        self,
        program: str,
        inputs: Any,
        judged: Callable[[list[tuple[str, str]], bool], list[Any]],
        named: Callable[[str], str],
    ) -> int:
        """Judge everybody, print it, and return the exit status.

        Args:
            program: What the claims are about.
            inputs: Its point.
            judged: Judges one person's claims; raises at the first unreadable one where it is told to.
            named: The name of a quantity as verdicts have it.
        """
        from ..checking.grading import Judgement, graded, read_credit
        from ..errors import BackpropError
        from ..render import checking as show

        def is_quantity(word: str) -> bool:
            try:
                named(word)
            except BackpropError:
                return False
            return True

        sheets = _sheets(self.claims, self.sheet, self.student, is_quantity)
        weights = {}
        for word, value in _numbers("--marks", self.marks).items():
            try:
                weights[named(word)] = value
            except BackpropError as error:
                raise UsageError(f"--marks: {error.message}", hint=error.hint) from None
        shares = read_credit(_numbers("--credit", self.credit))
        people = [graded(s.student, judged(s.claims, self.sheet is None), weights, shares) for s in sheets]
        weighted = self.marks is not None or self.credit is not None
        judgement = Judgement(program, inputs, tuple(people), weighted, self.reveal)
        text = show.render(judgement, self.format_, digits=self.digits, to_file=self.output is not None)
        write_text(text, self.output)
        return judgement.status


def _raise_first(errors: Sequence[BackpropError | None]) -> None:
    for error in errors:
        if error is not None:
            raise error


def _training_step(path: str, overrides: list[str], at_step: int, grades: Grades) -> int:
    from .training import use_threads

    use_threads(1)
    from ..checking.steps import StepJudge
    from ..training.config import load
    from ..training.network import ShapeError
    from ..training.problem import assemble

    loaded = load(path, overrides)
    try:
        judge = StepJudge(assemble(loaded), at_step=at_step, least_digits=grades.least_digits)
    except ShapeError as error:
        raise loaded.error(error.key, error.message, error.hint) from None

    def judged(pairs: list[tuple[str, str]], strict: bool) -> list[Any]:
        read = [judge.read(name, answer) for name, answer in pairs]
        _raise_first([claim.error for claim in read] if strict else [])
        return judge.judge(read)

    step = judge.made.step
    title = f"{step.name}: update {step.step} (epoch {step.epoch})"
    return grades.give(title, None, judged, lambda word: judge.quantity(word).text)


def _gradcheck(
    graph: Graph,
    values: dict[str, float],
    claims: tuple[str, ...],
    sheet: str | None,
    chosen: str,
    output: Any,
) -> int:
    from ..checking.answers import read_answer, read_target, split
    from ..checking.gradcheck import check, status
    from ..differentiation.evaluate import bind, evaluate
    from ..render import checking as show

    _only("--gradcheck", chosen)
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
        inputs = bind(graph, values)
        claimed[graph.own_name(target.by[0])] = float(found.at(evaluate(graph, inputs)[0]))
    checked = check(graph, values, claimed)
    text = show.render_checked(checked, graph.source.text, chosen, to_file=output is not None)
    write_text(text, output)
    return status(checked)


def _only(option: str, chosen: str) -> None:
    if chosen not in ("table", "json", "markdown"):
        raise UsageError(f"{option} prints table, json or markdown, not {chosen}")


def _article(path: str, chosen: str, digits: int, output: str | None) -> int:
    from ..checking.text import check_text
    from ..errors import ANSWERED, NO, NO_SUCH_NUMBER, DataError
    from ..render import checking as show

    _only("--text", chosen)
    data = _read(path)
    shown = "<stdin>" if path == "-" else path
    if len(data) > SIZE:
        raise DataError(f"{shown} is larger than {SIZE:,} bytes")
    found = check_text(data.decode("utf-8-sig", "replace"), shown)
    write_text(show.render_article(found, chosen, digits=digits, to_file=output is not None), output)
    if found.wrong:
        return NO
    return ANSWERED if found.lines else NO_SUCH_NUMBER


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

    from ..errors import FileError

    try:
        if path == "-":
            if sys.stdin is None:
                raise FileError("stdin is closed")
            return sys.stdin.buffer.read(SIZE + 1)
        with open(path, "rb") as stream:
            return stream.read(SIZE + 1)
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}") from None


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
