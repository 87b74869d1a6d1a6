"""The primitives' own rules in JavaScript: what a program computes with that has no program before it runs.

Rules run over a namespace whose numbers are texts, as they run over floats, and leave behind what they
compute in the target's spellings; predicates are asked for every outcome of every comparison in them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

from ..language.operators import COMPARISON
from ..language.written import RELATIONS, Piece, Table, spell
from ..ops import Primitive
from ..ops.namespaces import Lifted
from ..optimization.settings import FirstOrderKind
from .handwritten import helpers
from .javascript import EXACTLY, HELPERS, NEEDS, SPELLING, number
from .writer import NOT_CLOSED, expression

ROWS: Table = {
    **SPELLING,
    **{
        name: f"Number({{0:+}} {EXACTLY.get(sign, sign)} {{1:+}})" for name, sign in RELATIONS.items()
    },  # a condition is a number here: rules multiply by it
}


class Term:
    """A number that is written."""

    __slots__ = ("piece", "rules")

    def __init__(self, piece: Piece, rules: Rules) -> None:
        self.piece = piece
        self.rules = rules

    def __neg__(self) -> Term:
        return self.rules.spelled("negative", self)

    def __add__(self, other: Any) -> Term:
        return self.rules.spelled("add", self, other)

    def __radd__(self, other: Any) -> Term:
        return self.rules.spelled("add", other, self)

    def __sub__(self, other: Any) -> Term:
        return self.rules.spelled("subtract", self, other)

    def __rsub__(self, other: Any) -> Term:
        return self.rules.spelled("subtract", other, self)

    def __mul__(self, other: Any) -> Term:
        return self.rules.spelled("multiply", self, other)

    def __rmul__(self, other: Any) -> Term:
        return self.rules.spelled("multiply", other, self)


class Rules:
    """Writes rules, and notes the helpers that they call."""

    def __init__(self) -> None:
        self.used: set[str] = set()
        self.xp = Lifted("numbers of JavaScript", self.apply)

    def apply(self, op: Primitive, *operands: Any) -> Any:
        """Apply a primitive: in its spelling, or by its own rule where it has none."""
        if op.name in ROWS:
            return self.spelled(op.name, *operands)
        if op.name == "sinc_n":
            raise LookupError(NOT_CLOSED.reason)
        return op.forward(self.xp, *operands)

    def spelled(self, name: str, *operands: Any) -> Term:
        """Write a primitive in its spelling."""
        self.used.add(name)
        return Term(spell(ROWS, name, [self.piece(x) for x in operands]), self)

    def piece(self, x: Any) -> Piece:
        """Return a written number, or write a plain one."""
        return x.piece if isinstance(x, Term) else number(float(x))

    def row(self, op: Primitive, count: int) -> str:
        """Write one primitive of so many operands: value, partials, where it is defined, its pieces."""
        params = op.params if op.arity[1] is not None else tuple(f"x{k}" for k in range(count))
        operands = [Term(Piece(p), self) for p in params]
        y = Term(Piece("y"), self)
        given = ", ".join(params)
        try:
            value = self.text(op.forward(self.xp, *operands))
            if op.wins:
                self.used.add("share")
                partials = [f"share({p}, y, {given})" for p in params]
            else:
                partials = [self.text(p) for p in op.partials(self.xp, y, *operands)]
        except LookupError:  # a rule of a function that only Python has: the definition keeps what it can
            known = {p: x.piece for p, x in zip(params, operands, strict=True)} | {"y": y.piece}
            value = expression(op.means, known, ROWS, number, self.used).text
            partials = [expression(text, known, ROWS, number, self.used).text for text in op.exact]
        parts = [f"({given}) => {value}", f"(y, {given}) => [{', '.join(partials)}]"]
        parts.append("null" if op.domain is None else f"({given}) => {predicate(op.domain, params)}")
        if op.piece is not None:
            parts.append(f"({given}) => {self.text(op.piece(self.xp, *operands))}")
        return f"[{', '.join(parts)}]"

    def text(self, x: Any) -> str:
        """Write what a rule returned."""
        return self.piece(x).text


def rows(wanted: Iterable[tuple[Primitive, int]]) -> str:
    """Return helpers, and the rules of primitives as an object ``ROWS`` by `row_name`.

    A row is ``[value, partials, defined, piece]``: ``partials`` takes the value first, ``defined`` is null
    where the primitive is defined everywhere, ``piece`` is there where it has kinks.
    """
    rules = Rules()
    lines = {row_name(op, count): rules.row(op, count) for op, count in wanted}
    body = "".join(f"  {name}: {lines[name]},\n" for name in sorted(lines))
    return "\n".join([*helpers(HELPERS, NEEDS, rules.used), f"const ROWS = {{\n{body}}};"]) + "\n"


def row_name(op: Primitive, count: int) -> str:
    """Return what the row of a primitive is called; one that takes any number has a row for each."""
    return op.name if op.arity[1] is not None else f"{op.name}{count}"


# optimizers

UPDATES = (1_000_003.0, 1_000_033.0)
"""Numbers of updates that no rule has a number of: where they stand, the number of the update does."""


def optimizer_rule(optimizer: FirstOrderKind) -> str | None:
    """Write an optimizer's rule; None for one that computes more of an update's number than powers.

    Returns:
        ``OPTIMIZER``, with what is kept from update to update and its first values, and two functions of
        rate, number of the update, parameter, gradient and what is kept, that return the new parameter
        and what is kept: for the first update, and for later ones.
    """
    kept = optimizer.remembered()
    later = {_update(optimizer, number) for number in UPDATES}
    first = _update(optimizer, 1)
    if len(later) > 1:
        return None
    given = "(rate, t, p, g, kept)"
    return (
        f"const OPTIMIZER = {{\n  kept: [{', '.join(map(repr, kept.values()))}],\n"
        f"  first: {given} => {first},\n  later: {given} => {later.pop()},\n}};\n"
    )


class _UpdateRules(Rules):
    """Writes a rule of an update, whose number is a name."""

    def piece(self, x: Any) -> Piece:
        """Return a written number, or write a plain one."""
        return Piece("t") if not isinstance(x, Term) and x in UPDATES else super().piece(x)


def _update(optimizer: FirstOrderKind, update: Any) -> str:
    rules = _UpdateRules()
    names = list(optimizer.remembered())

    def term(text: str) -> Term:
        return Term(Piece(text), rules)

    fields = {name: getattr(optimizer, name) for name in optimizer.__struct_fields__}
    h: Any = SimpleNamespace(**{**fields, "learning_rate": term("rate")})
    kept = {name: term(f"kept[{k}]") for k, name in enumerate(names)}
    p, g = optimizer.decayed(h, term("p"), term("g"))
    new, keeps = optimizer.updated(rules.xp, h, update, p, g, kept)
    return f"[{rules.text(new)}, [{', '.join(rules.text(keeps[name]) for name in names)}]]"


class _UndecidedError(Exception):
    """A predicate asked for the outcome of a comparison."""


class _Asked:
    """A number in a predicate."""

    def __init__(self, text: str, decide: Callable[[str], bool]) -> None:
        self.text = text
        self.decide = decide

    def __mod__(self, other: float) -> _Asked:
        return _Asked(f"{self.text} % {number(other)}", self.decide)

    def __abs__(self) -> _Asked:
        return _Asked(f"Math.abs({self.text})", self.decide)

    def _compared(self, sign: str, other: Any) -> _Outcome:
        text = other.text if isinstance(other, _Asked) else number(float(other)).text
        return _Outcome(f"{self.text} {sign} {text}", self.decide)

    def __lt__(self, other: Any) -> _Outcome:
        return self._compared("<", other)

    def __le__(self, other: Any) -> _Outcome:
        return self._compared("<=", other)

    def __gt__(self, other: Any) -> _Outcome:
        return self._compared(">", other)

    def __ge__(self, other: Any) -> _Outcome:
        return self._compared(">=", other)

    def __eq__(self, other: object) -> Any:
        return self._compared("===", other)

    def __ne__(self, other: object) -> Any:
        return self._compared("!==", other)


class _Outcome(_Asked):
    """A comparison in a predicate."""

    def __bool__(self) -> bool:
        return self.decide(self.text)


def predicate(holds: Callable[..., Any], params: Iterable[str]) -> str:
    """Write a predicate: every comparison that it asks for, with what it says for either outcome."""
    return _outcomes(holds, list(params), {}).text


def _outcomes(holds: Callable[..., Any], params: list[str], known: dict[str, bool]) -> Piece:
    def decide(text: str) -> bool:
        if text not in known:
            raise _UndecidedError(text)
        return known[text]

    try:
        answer = holds(*[_Asked(p, decide) for p in params])
    except _UndecidedError as undecided:
        asked = str(undecided)
        yes, no = (_outcomes(holds, params, {**known, asked: outcome}) for outcome in (True, False))
        if no.text == "false":
            return Piece(asked if yes.text == "true" else f"({asked} && {yes.text})")
        if yes.text == "true":
            return Piece(f"({asked} || {no.text})")
        if yes.text == no.text:
            return yes
        if (yes.text, no.text) == ("false", "true"):
            return Piece(f"!({asked})")
        return Piece(f"({asked} ? {yes.text} : {no.text})", COMPARISON)
    if isinstance(answer, _Outcome) and answer.text not in known:
        return Piece(answer.text)
    if isinstance(answer, _Outcome):
        answer = known[answer.text]
    return Piece("true" if answer else "false")
