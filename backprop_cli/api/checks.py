"""Claims judged: what ``backprop check`` answers."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from ..checking.answers import Answer, read_answer, read_target
from ..checking.grading import Judgement, read_credit
from ..checking.people import Subject, of_program, of_step, read_people
from ..checking.sheets import KEEPS, Layout, Sheet
from ..errors import NO, UsageError
from ..graph import Graph
from ..language.parser import Program
from .arguments import choice, flag, mapping, names, number, optional, path, text, whole
from .programs import AnyProgram, Bindings, bound, merged, wants_arrays
from .shown import Shown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from ..checking.functioncheck import CheckedArray
    from ..checking.gradcheck import Checked as InputCheck
    from ..checking.verdicts import Verdict
    from ..language.settle import Settled
    from ..render.document import Document

MOST_LEAST_DIGITS = 15
AUDIENCES = ("teacher", "student")
KINKS = ("convention", "strict")


@dataclass(frozen=True, repr=False)
class Checked(Shown, Judgement):
    """A `Judgement` that shows itself.

    Attributes:
        notes: What in a sheet is no claim, and what names were taken for, a sentence each.
    """

    notes: tuple[str, ...] = ()

    def _document(self, format_: str) -> Document:
        from ..render.checking import document

        if format_ == "gradescope" and len(self.people) > 1:
            raise UsageError("a submission to Gradescope is one person's", hint="student=NAME picks one")
        return document(self)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """A verdict a claim, with the mistake behind a wrong one; of a class, the first person's."""
        return self.people[0].verdicts


def check(
    program: AnyProgram,
    claims: Mapping[str, object] | str | PathLike[str],
    bindings: Mapping[str, object] | None = None,
    /,
    *,
    least_digits: int = 3,
    reveal: bool = False,
    marks: Mapping[str, float] | None = None,
    credit: Mapping[str, float] | None = None,
    student: str | None = None,
    student_column: str | None = None,
    columns: Mapping[str, str] | None = None,
    keep: str | None = None,
    audience: str = "teacher",
    kinks: str = "convention",
    at_step: int = 1,
    overrides: Sequence[str] = (),
    large: bool = False,
    **values: object,
) -> Checked:
    """Judge claimed values and derivatives, and name the mistake behind a wrong one.

    Args:
        program: Text, what `parse` or `trace` returned, or a Python function; or the path of a config,
            ``hand.yaml``, for claims about a training step.
        claims: Numbers, arrays or formulas, ``{"dL/da": -2, "d": "a*b"}``; or the path of an answer sheet
            (YAML, JSON, CSV with a row a student, lines), or of a folder with a sheet a student.
        bindings: Values by name, for names such as ``large`` that are options here.
        least_digits: Significant digits that a rounded number needs to be right.
        reveal: Show the right numbers and formulas.
        marks: What is asked of everybody, and its marks; None for what is claimed, 1 each.
        credit: Share of the marks for ``rounded``, ``close``, ``short``, ``follows`` and ``named``.
        student: Of a class, judge this one alone.
        student_column: Of a table, the column that says whose a row is; None finds it.
        columns: Of a table, quantity by title, where titles are none: ``{"Response 1": "z"}``.
        keep: Of hand-ins of one name, judge the ``first``, ``last`` or ``best``; None for each.
        audience: Whom the words are for: a ``student`` is told what to do about a mistake, a ``teacher`` what
            else gives the same.
        kinks: ``strict``: at a kink a derivative is undefined, and no number is right.
        at_step: Of a config, judge this update, from 1.
        overrides: Of a config, ``optimizer.learning_rate=0.1`` and the like.
        large: Lift the limits on the program's size.
        values: Values by name; with none at all formulas are judged in general.
    Raises:
        BackpropError: for a program or claims that cannot be read.
    """
    sheet = None if isinstance(claims, Mapping) else path("claims", claims)
    least = whole("least_digits", least_digits, 1, MOST_LEAST_DIGITS)
    reveal, step, keys = flag("reveal", reveal), whole("at_step", at_step), names("overrides", overrides)
    worth = optional(_shares, "marks", marks)
    shares = optional(_shares, "credit", credit)
    person, column = optional(text, "student", student), optional(text, "student_column", student_column)
    titles = {str(t): str(n) for t, n in (optional(mapping, "columns", columns) or {}).items()}
    keep = None if keep is None else choice("keep", keep, KEEPS)
    strict = choice("kinks", kinks, KINKS) == "strict"
    for_student = choice("audience", audience, AUDIENCES) == "student"
    of_tables = (("student_column", column), ("columns", titles), ("keep", keep))
    if isinstance(program, str) and program.lower().endswith((".yaml", ".yml")):
        if bindings or values:
            raise UsageError(f"a value is for expressions, {program} is a config")
        if strict:
            raise UsageError(f"kinks is for expressions, {program} is a config")
        subject = of_step(program, keys, at_step=step, least_digits=least)
    else:
        for option, given_ in (("overrides", bool(keys)), ("at_step", step != 1)):
            if given_:
                raise UsageError(f"{option} is for a training step", hint='check("config.yaml", ...)')
        subject = _subject(
            program, bindings, values, least_digits=least, reveal=reveal, large=large, strict=strict
        )
    asked, credits_ = subject.asked(worth or {}), read_credit(shares or {})
    notes: list[str] = []
    if sheet is None:
        for option, word in (("student", person), *of_tables):
            if word:
                raise UsageError(f"{option} is for an answer sheet")
        answers = mapping("claims", claims)
        if not answers:
            raise UsageError("no claims", hint='check("a*b", {"df/da": "b"}), or the path of an answer sheet')
        sheets = [Sheet("", [(name, _answer_text(answer)) for name, answer in answers.items()])]
    else:
        for option, word in of_tables if os.path.isdir(sheet) else ():
            if word:
                raise UsageError(f"{option} is for a table; in a folder the files have the students' names")
        sheets, notes = read_people(sheet, subject.fault_of, person, Layout(column, titles, keep))
    weighted = worth is not None or shares is not None
    found = subject.judgement(
        sheets, asked, credits_, alone=sheet is None, weighted=weighted, reveal=reveal, best=keep == "best"
    )
    told = {**vars(found), "for_student": for_student}
    return Checked(**told, notes=(*notes, *dict.fromkeys(subject.meant)))


def _subject(
    program: AnyProgram,
    bindings: Mapping[str, object] | None,
    values: Mapping[str, object],
    *,
    least_digits: int,
    reveal: bool,
    large: bool,
    strict: bool,
) -> Subject:
    """Return a program, over numbers or arrays, as what claims are about."""
    found = _settled(program, bindings, values, large=large)
    if found is not None:
        from ..checking.people import of_arrays

        if strict:
            raise UsageError("kinks is for programs of single numbers")
        return of_arrays(*found, least_digits=least_digits, reveal=reveal)
    graph, given = bound(program, bindings, values, large=large)
    return of_program(graph, given, least_digits=least_digits, reveal=reveal, large=large, strict=strict)


def _settled(
    program: object, bindings: Mapping[str, object] | None, values: Mapping[str, object], *, large: bool
) -> tuple[Settled, dict[str, Any]] | None:
    """Return a program with arrays and its values; None where all is single numbers."""
    if not wants_arrays(program, bindings, values):
        return None
    from .arrays import settled_of

    return settled_of(program, merged(bindings, values), large=large)


def _answer_text(answer: object) -> str:
    """Return an answer as a sheet has it; arrays as lists."""
    found = answer.tolist() if hasattr(answer, "tolist") else answer
    return str(list(found) if isinstance(found, tuple) else found)


def _shares(name: str, given: object) -> dict[str, float]:
    return {word: number(f"{name}: {word}", x, least=0.0) for word, x in mapping(name, given).items()}


class GradientCheck(Shown):
    """A gradient held to difference quotients, input by input.

    Attributes:
        program: The program's text.
        inputs: What was found, an input each, with a verdict and its reason.
    """

    __slots__ = ("inputs", "program")

    def __init__(self, program: str, inputs: Sequence[InputCheck]) -> None:
        self.program = program
        self.inputs = tuple(inputs)

    def _document(self, format_: str) -> Document:
        from ..render.checking import checked_document

        return checked_document(self.inputs, self.program)

    @property
    def status(self) -> int:
        """The exit status of the command."""
        from ..checking.gradcheck import status

        return status(self.inputs)

    def __bool__(self) -> bool:
        """Whether nothing is wrong: ``assert gradcheck(...)``."""
        return self.status != NO


class ArrayCheck(Shown):
    """Somebody's backward pass held to difference quotients of the forward pass, array by array.

    Attributes:
        function: What was called, ``affine_forward, affine_backward``.
        inputs: What was found, an array each, with a verdict and the mistake behind a wrong one.
    """

    __slots__ = ("function", "inputs")

    def __init__(self, function: str, inputs: Sequence[CheckedArray]) -> None:
        self.function = function
        self.inputs = tuple(inputs)

    def _document(self, format_: str) -> Document:
        from ..render.checking import arrays_document

        return arrays_document(self.inputs, self.function)

    @property
    def status(self) -> int:
        """The exit status of the command."""
        from ..checking.functioncheck import status

        return status(self.inputs)

    def __bool__(self) -> bool:
        """Whether nothing is wrong: ``assert gradcheck(...)``."""
        return self.status != NO

    def __repr__(self) -> str:
        """Return the table: what pytest shows where an assertion fails."""
        return self.to_text()


@overload
def gradcheck(
    program: AnyProgram,
    claims: Mapping[str, object] | None = None,
    /,
    *inputs: Bindings,
    large: bool = False,
    **values: float,
) -> GradientCheck: ...


@overload
def gradcheck(
    program: Callable[..., Any], claims: Callable[..., Any] | None, /, *inputs: Any, seed: int = 0
) -> ArrayCheck: ...


def gradcheck(
    program: Any, claims: Any = None, /, *inputs: Any, large: bool = False, **values: Any
) -> GradientCheck | ArrayCheck:
    """Hold a gradient to difference quotients: ours or a claimed one, or that of your own function.

    ``gradcheck("x^3", {"df/dx": "3x^2"}, x=2)`` is about an expression, ``gradcheck(forward, backward, x)``
    about a forward and a backward pass over NumPy arrays (PyTorch's and JAX's, where those are given). The
    report is true where nothing is wrong.

    Args:
        program: Text or a parsed program; or a function ``out = forward(*inputs)``, which may return
            ``(out, cache)``, or, without a backward pass, ``(loss, gradients)``.
        claims: First derivatives of the output by inputs, ``{"df/dx": "2*x"}``, ours of the others; or the
            function ``backward(dout, cache)``, ``backward(dout, *inputs)``, or ``backward(*inputs)`` for an
            output that is a single number. ``dout`` has the output's shape.
        inputs: Of a program, values by name in a dictionary, for names such as ``large`` that are options
            here; of a function, what it takes: arrays of floats and floats are moved, others handed on.
        large: Lift the limits on the program's size.
        values: Values by name; of a function ``seed`` alone, that of the random ``dout``.
    Raises:
        BackpropError: for a program, claims or functions that cannot be read or called, or where there is no
            such number.
    """
    if callable(program) and not isinstance(program, (str, Program, Graph)):
        from ..checking.functioncheck import check as check_arrays
        from ..checking.functions import Subject

        seed = whole("seed", values.pop("seed", 0), 0)
        if large or values:
            raise UsageError(
                "a function takes its inputs by place", hint="gradcheck(forward, backward, x, w)"
            )
        if claims is not None and not callable(claims):
            raise UsageError(f"the backward pass is a function, not {claims!r:.40}")
        if not inputs:
            raise UsageError("nothing to move: no inputs", hint="gradcheck(forward, backward, x, w)")
        subject = Subject(program, claims, inputs, seed=seed)
        functions = [program] if claims is None else [program, claims]
        called = ", ".join(str(getattr(f, "__name__", type(f).__name__)) for f in functions)
        return ArrayCheck(called, check_arrays(subject))
    if len(inputs) > 1:
        raise UsageError("values go into one dictionary, or are given by name")
    given = inputs[0] if inputs else None
    answers = mapping("claims", {} if claims is None else claims)
    texts = {name: _answer_text(answer) for name, answer in answers.items()}
    settled = _settled(program, given, values, large=large)
    if settled is not None:
        return gradient_check(*settled, texts)
    return gradient_check(*bound(program, given, values, large=large), texts)


def gradient_check(
    program: Graph | Settled, given: Mapping[str, Any], claims: Mapping[str, str]
) -> GradientCheck:
    """Hold a gradient to difference quotients: ours, or a claimed one.

    Args:
        program: Over numbers, or over arrays: those are taken number by number.
        given: Values of its inputs.
        claims: Of first derivatives of the output by inputs.
    Raises:
        BackpropError: as of `gradcheck`.
    """
    from ..checking.gradcheck import check

    if isinstance(program, Graph):
        graph, claimed = program, dict(gradient_claim(program, *claim) for claim in claims.items())
    else:
        from ..checking.array_claims import slopes_by_number

        graph, given, claimed = slopes_by_number(program, given, claims)
    return GradientCheck(graph.source.text, check(graph, given, claimed))


def gradient_claim(graph: Graph, name: str, answer: str) -> tuple[str, Answer]:
    """Read the claim of a first derivative of the output by an input; return the input and the answer.

    Raises:
        BackpropError: for any other claim.
    """
    target = read_target(name, graph)
    of_input = len(target.by) == 1 and graph.nodes[target.by[0]].op is None and target.of == graph.output
    if not of_input:
        raise UsageError(f"--gradcheck: {name} is no first derivative of the output by an input")
    found = read_answer(answer, graph)
    if found.graph is None:
        raise UsageError(f"--gradcheck: {name} needs a number or a formula")
    return graph.own_name(target.by[0]), found
