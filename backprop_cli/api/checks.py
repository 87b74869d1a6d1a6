"""Claims judged: what ``backprop check`` answers about an expression."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..checking.answers import read_target
from ..checking.claims import Judge, read_claim
from ..checking.grading import Judgement, Named, entries, graded, read_credit, repeated
from ..checking.proof import Prover
from ..differentiation.symbolic.session import SESSION
from ..errors import UsageError
from ..graph import Graph
from ..language.parser import Program
from .arguments import mapping, whole
from .programs import Bindings, bound
from .shown import Shown

if TYPE_CHECKING:
    from ..checking.verdicts import Verdict
    from ..render.document import Document


MOST_LEAST_DIGITS = 15


class Checked(Shown, Judgement):
    """A `Judgement` that shows itself."""

    def _document(self, format_: str) -> Document:
        from ..render.checking import document

        return document(self)

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """A verdict a claim, with the mistake behind a wrong one."""
        return self.people[0].verdicts


def check(
    program: str | Program | Graph,
    claims: Mapping[str, object],
    bindings: Bindings = None,
    /,
    *,
    least_digits: int = 3,
    large: bool = False,
    **values: float,
) -> Checked:
    """Judge claimed values and derivatives, and name the mistake behind a wrong one.

    Args:
        program: Text or a parsed program.
        claims: Numbers or formulas, ``{"dL/da": -2, "d": "a*b"}``.
        bindings: Values by name, for names such as ``large`` that are options here.
        least_digits: Significant digits that a rounded number needs to be right.
        large: Lift the limits on the program's size.
        values: Values by name; with none at all formulas are judged in general.
    Raises:
        BackpropError: for a program or claims that cannot be read.
    """
    answers = mapping("claims", claims)
    if not answers:
        raise UsageError("no claims", hint='check("a*b", {"df/da": "b"})')
    least = whole("least_digits", least_digits, 1, MOST_LEAST_DIGITS)
    graph, given = bound(program, bindings, values, large=large)

    def named(word: str) -> Named:
        target = read_target(word, graph)
        return Named(target.text, (target.of, *sorted(target.by)))

    judge = Judge(graph, given, least_digits=least, prove=Prover(graph, SESSION))
    found = entries([(name, str(answer)) for name, answer in answers.items()], named)
    read = [read_claim(entry.name, entry.answer, graph) for entry in found]
    for claim in read:
        if claim.error is not None:
            raise claim.error
    verdicts = iter(judge.judge([claim for claim, entry in zip(read, found, strict=True) if entry.first]))
    pairs = [(entry, next(verdicts) if entry.first else repeated(entry)) for entry in found]
    inputs = judge.ground.inputs if judge.ground is not None else None
    return Checked(graph.source.text, inputs, (graded("", pairs, None, read_credit({})),))
