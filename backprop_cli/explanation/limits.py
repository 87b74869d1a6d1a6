"""The limit definition, worked out for one function at one point.

A polynomial is expanded exactly, over fractions; for everything else there is a table.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise
from math import floor, isfinite, log10
from typing import Any, NamedTuple

from ..engine.run import run
from ..graph import CONSTANT, INPUT, Graph
from ..ops.namespaces import Namespace
from .point import Written, WrittenPoint
from .words import output_at
from .written import Apply, Expr, Name, Number, Ref

MOST_TERMS = 40
MOST_NODES = 300
HIGHEST_POWER = 12
ROWS = 6
TERMS_SHOWN = 12


class Row(NamedTuple):
    """A step size, and the difference quotients to the right and to the left; None where there is none."""

    h: float
    right: float | None
    left: float | None


class Limit(NamedTuple):
    """The limit definition for one input.

    Attributes:
        name: The input.
        at: Its value; None where nothing is bound.
        letter: What the step is called: ``h``, unless the program has one.
        inputs: Every input with its value or, without a point, its name.
        value: f(x), for a polynomial.
        moved: f(x + h), expanded in powers of h; None for what is no polynomial.
        difference: f(x + h) - f(x).
        quotient: The same, divided by h.
        limit: What is left at h = 0.
        rows: The table for what is no polynomial.
        slope: Of reverse mode; None without a point.
        apart: The two sides do not meet: there is no derivative.
        endless: Whether the quotients grow without end, to the right and to the left.
    """

    name: str
    at: float | None
    letter: str
    inputs: dict[str, float] | None
    value: Expr | None
    moved: Expr | None
    difference: Expr | None
    quotient: Expr | None
    limit: Expr | None
    rows: tuple[Row, ...]
    slope: float | None
    apart: bool
    endless: tuple[bool, bool] = (False, False)

    @property
    def shown(self) -> bool:
        """Whether the table comes near the slope: not where f turns within its smallest step."""
        slope = self.slope or 0.0
        return all(
            abs(quotients[-1] - slope) <= 0.1 * max(abs(slope), abs(quotients[0]))
            for side in ([r.right for r in self.rows], [r.left for r in self.rows])
            if (quotients := [q for q in side if q is not None])
        )


class NotPolynomial(Exception):
    """The program is no polynomial, or too large a one."""


Monomial = tuple[tuple[str, int], ...]


class Polynomial:
    """A polynomial with exact coefficients: powers by name, sorted, to their coefficient."""

    __slots__ = ("terms",)

    def __init__(self, terms: Mapping[Monomial, Fraction]) -> None:
        self.terms = {m: c for m, c in terms.items() if c}
        if len(self.terms) > MOST_TERMS:
            raise NotPolynomial

    @classmethod
    def of(cls, x: Any) -> Polynomial:
        """Return a number as a polynomial."""
        return x if isinstance(x, Polynomial) else cls({(): Fraction(x)})

    @classmethod
    def named(cls, name: str) -> Polynomial:
        """Return a variable."""
        return cls({((name, 1),): Fraction(1)})

    @property
    def number(self) -> Fraction | None:
        """Its value, where it is a number."""
        if not self.terms:
            return Fraction(0)
        return self.terms.get(()) if len(self.terms) == 1 else None

    def __neg__(self) -> Polynomial:
        return Polynomial({m: -c for m, c in self.terms.items()})

    def __add__(self, other: Any) -> Polynomial:
        terms = dict(self.terms)
        for m, c in Polynomial.of(other).terms.items():
            terms[m] = terms.get(m, Fraction(0)) + c
        return Polynomial(terms)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Polynomial:
        return self + -Polynomial.of(other)

    def __rsub__(self, other: Any) -> Polynomial:
        return Polynomial.of(other) - self

    def __mul__(self, other: Any) -> Polynomial:
        terms: dict[Monomial, Fraction] = {}
        for m, c in self.terms.items():
            for n, d in Polynomial.of(other).terms.items():
                powers = dict(m)
                for name, power in n:
                    powers[name] = powers.get(name, 0) + power
                if max(powers.values(), default=0) > HIGHEST_POWER:
                    raise NotPolynomial
                key = tuple(sorted(powers.items()))
                terms[key] = terms.get(key, Fraction(0)) + c * d
        return Polynomial(terms)

    __rmul__ = __mul__

    def powers_of(self, name: str) -> dict[int, Polynomial]:
        """Return it sorted by the powers of one name."""
        found: dict[int, dict[Monomial, Fraction]] = {}
        for m, c in self.terms.items():
            rest = tuple((n, p) for n, p in m if n != name)
            found.setdefault(dict(m).get(name, 0), {})[rest] = c
        return {power: Polynomial(found[power]) for power in sorted(found)}


class _Polynomials(Namespace):
    """What a rule may do with polynomials; all else says that it leaves them."""

    def __getattr__(self, name: str) -> Any:
        raise NotPolynomial


def _divide(a: Any, b: Any) -> Polynomial:
    below = Polynomial.of(b).number
    if not below:
        raise NotPolynomial
    return Polynomial.of(a) * Polynomial.of(1 / below)


def _power(a: Any, n: Any) -> Polynomial:
    exponent = Polynomial.of(n).number
    if exponent is None or exponent.denominator != 1 or not 0 <= exponent <= HIGHEST_POWER:
        raise NotPolynomial
    result = Polynomial.of(1)
    for _ in range(int(exponent)):
        result = result * Polynomial.of(a)
    return result


POLYNOMIALS = _Polynomials("polynomials", {"divide": _divide, "power": _power, "nan": None})


def work_out(graph: Graph, name: str, point: WrittenPoint | None) -> Limit | None:
    """Return the limit definition for one input; None where there is neither polynomial nor point."""
    letter = next(c for c in ("h", "k", "t", "dx", "step", "h_") if c not in graph.named)
    try:
        moved = _expanded(graph, name, letter, point)
    except NotPolynomial:
        return _table(name, letter, point) if point is not None else None
    powers = moved.powers_of(letter)
    at = point.here.inputs[name] if point else None
    value = {0: powers[0]} if 0 in powers else {}
    rest = {p: c for p, c in powers.items() if p}
    quotient = {p - 1: c for p, c in rest.items()}
    return Limit(
        name,
        at,
        letter,
        dict(point.here.inputs) if point else None,
        _sum(value, letter),
        _sum(powers, letter),
        _sum(rest, letter),
        _sum(quotient, letter),
        _sum({p: c for p, c in quotient.items() if p == 0}, letter),
        (),
        point.here.cotangents[graph.inputs[name]] if point else None,
        False,
    )


def _expanded(graph: Graph, name: str, letter: str, point: WrittenPoint | None) -> Polynomial:
    if len(graph) > MOST_NODES:
        raise NotPolynomial
    leaves: dict[int, Polynomial] = {}
    for node in graph.nodes:
        if node.op is not None:
            continue
        if node.kind == CONSTANT:
            label = node.label or ""
            # pi stays pi
            leaves[node.id] = (
                Polynomial.of(_exact(node.value))
                if label[:1] in "0123456789."
                else Polynomial.named({"π": "pi"}.get(label, label))
            )
        elif node.kind == INPUT and node.name is not None:
            leaves[node.id] = (
                Polynomial.of(_exact(point.here.inputs[node.name])) if point else Polynomial.named(node.name)
            )
            if node.name == name:
                leaves[node.id] = leaves[node.id] + Polynomial.named(letter)
    values = run(graph, leaves, POLYNOMIALS, point.here.needed if point else graph.needed())
    return Polynomial.of(values[graph.output])


def _exact(x: float) -> Fraction:
    """Return the decimal that a float stands for."""
    return Fraction(repr(x))


def _sum(powers: Mapping[int, Polynomial], letter: str) -> Expr:
    """Write powers of h, each with its coefficient."""
    total: Expr | None = None
    for power, coefficient in powers.items():
        for monomial, number in _ordered(coefficient):
            factors: list[Expr] = [_raised(n, p) for n, p in monomial]
            if power:
                factors.append(_raised(letter, power))
            size = abs(number)
            if size != 1 or not factors:
                factors.insert(0, Number(float(size)))
            term = factors[0] if len(factors) == 1 else Apply("multiply", tuple(factors))
            if total is None:
                total = term if number > 0 else _minus(term)
            else:
                total = Apply("add" if number > 0 else "subtract", (total, term))
    return total or Number(0.0)


def _ordered(coefficient: Polynomial) -> list[tuple[Monomial, Fraction]]:
    """Return the terms, highest powers first."""
    return sorted(coefficient.terms.items(), key=lambda t: (-sum(p for _, p in t[0]), t[0]))


def _minus(term: Expr) -> Expr:
    if isinstance(term, Number):
        return Number(-term.value)
    if isinstance(term, Apply) and term.op == "multiply" and isinstance(term.operands[0], Number):
        return Apply("multiply", (Number(-term.operands[0].value), *term.operands[1:]))
    return Apply("negative", (term,))


def _raised(name: str, power: int) -> Expr:
    base = Ref(Name(name), 0.0)
    return base if power == 1 else Apply("power_n", (base, Number(float(power))))


def _table(name: str, letter: str, point: WrittenPoint) -> Limit:
    x = point.here.inputs[name]
    before = output_at(point, {})
    size = abs(x)
    scale = 1.0 if size == 0.0 or 0.1 <= size < 10.0 else float(f"1e{floor(log10(size))}")
    rows = []
    for k in range(1, ROWS + 1):
        h = float(f"1e{-k}") * scale
        rows.append(Row(h, _quotient(point, name, before, h), _quotient(point, name, before, -h)))
    slope = point.here.cotangents[point.graph.inputs[name]]
    endless = (_endless([r.right for r in rows], slope), _endless([r.left for r in rows], slope))
    return Limit(
        name, x, letter, dict(point.here.inputs), None, None, None, None, None, tuple(rows), slope,
        any(endless) or _apart(rows), endless,
    )  # fmt: skip


def _quotient(point: WrittenPoint, name: str, before: float | None, h: float) -> float | None:
    after = output_at(point, {name: point.here.inputs[name] + h})
    if after is None or before is None:
        return None
    found = (after - before) / h
    return found if isfinite(found) else None


def _apart(rows: list[Row]) -> bool:
    """Whether the sides stay apart: on a smooth function their distance shrinks with h."""
    gaps = [abs(r.right - r.left) for r in rows if r.right is not None and r.left is not None]
    if len(gaps) < 4:
        return False
    last = rows[-1]
    assert last.right is not None
    assert last.left is not None
    return gaps[-1] > 0.5 * gaps[-3] and gaps[-1] > 1e-4 * max(abs(last.right), abs(last.left), 1e-300)


def _endless(quotients: list[float | None], slope: float) -> bool:
    """Whether quotients grow like a power of 1/h, past the slope, by a factor that does not fall to 1."""
    sizes = [abs(q) for q in quotients if q is not None]
    return (
        len(sizes) >= 4
        and sizes[-1] > 2.0 * abs(slope)
        and all(b > 1.5 * a > 0.0 for a, b in pairwise(sizes))
    )


def inlined(written: Written, name: str, letter: str, most: int = TERMS_SHOWN) -> Expr | None:
    """Return the whole program as one expression of x + h; None where it is too long to read.

    Args:
        written: The program, with its numbers or without.
        name: The input that is moved.
        letter: What the step is called.
        most: Operations up to which it is written.
    """
    graph = written.graph
    found: dict[int, tuple[Expr, int]] = {}
    for node in graph.nodes[: graph.output + 1]:
        if node.kind == CONSTANT:
            found[node.id] = written.constant(node.id), 0
        elif node.op is None:
            x: Expr = written.ref(node.id)
            if written.numbers is not None:
                x = Number(written.numbers[node.id])
            found[node.id] = (Apply("add", (x, Ref(Name(letter), 0.0))), 0) if node.name == name else (x, 0)
        else:
            parts = [found[i] for i in node.inputs]
            size = 1 + sum(n for _, n in parts)
            if size > most:
                return None
            found[node.id] = Apply(node.op.name, tuple(e for e, _ in parts)), size
    return found[graph.output][0]
