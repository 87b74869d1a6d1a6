"""The limit definition, worked out for one function at one point.

A polynomial is expanded exactly, over fractions; for everything else there is a table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import floor, log10
from typing import Any, NamedTuple

from ..differentiation import convergence
from ..differentiation.finite import Probe
from ..engine.run import run
from ..graph import CONSTANT, INPUT, Graph
from ..language.format import STEP_NAMES
from ..language.operators import LETTERS
from ..ops.namespaces import Namespace
from .expr import Apply, Expr, Number, Ref
from .names import Name
from .point import Written, WrittenPoint

MOST_TERMS = 40
MOST_NODES = 300
HIGHEST_POWER = 12
ROWS = 6
TERMS_SHOWN = 12
ROUNDINGS = 4.0  # of f(x + h) - f(x) that a quotient may be off, and rounding be why


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
        slope: Of reverse mode; None without a point.
        rows: The quotients of what is no polynomial, by falling h; rounded where all is.
        tends: What they tend to without any rounding; None for a polynomial.
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
    slope: float | None
    rows: tuple[convergence.Row, ...] = ()
    tends: convergence.Limit | None = None

    @property
    def rounded(self) -> bool:
        """Whether the quotients are of rounded numbers."""
        return self.tends is not None and self.rows != self.tends.rows

    @property
    def shown(self) -> bool:
        """Whether the table comes near the slope: not where f turns within its smallest step."""
        outside = self.tends.outside if self.tends is not None else 0
        sides = ((1, self.right), (-1, self.left))
        return all(_comes_near(side, self.slope or 0.0) for way, side in sides if way != outside)

    @property
    def hidden(self) -> bool:
        """Whether rounding explains how far the last quotients are from the slope."""
        assert self.tends is not None
        last, slope = self.rows[-1], self.slope or 0.0
        gaps = [abs(q - slope) for q in (last.forward, last.backward) if q is not None]
        return bool(gaps) and max(gaps) <= ROUNDINGS * self.tends.rounding / last.h

    @property
    def right(self) -> list[float | None]:
        """The quotients from the right."""
        return [row.forward for row in self.rows]

    @property
    def left(self) -> list[float | None]:
        """The quotients from the left."""
        return [row.backward for row in self.rows]

    @property
    def sides(self) -> tuple[float | None, float | None]:
        """What the quotients come to from the right and from the left: the table's last, where it shows."""
        assert self.tends is not None
        return _shown_or(self.right, self.tends.right), _shown_or(self.left, self.tends.left)


def _comes_near(quotients: Sequence[float | None], slope: float) -> bool:
    """Whether quotients, by falling h, come near a slope."""
    there = [q for q in quotients if q is not None]
    return bool(there) and abs(there[-1] - slope) <= 0.1 * max(abs(slope), abs(there[0]))


def _shown_or(quotients: Sequence[float | None], tends: float | None) -> float | None:
    return quotients[-1] if tends is None or _comes_near(quotients, tends) else tends


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
    step = graph.free(STEP_NAMES)
    try:
        moved = _expanded(graph, name, step, point)
    except NotPolynomial:
        return _table(name, step, point) if point is not None else None
    powers = moved.powers_of(step)
    at = point.here.inputs[name] if point else None
    value = {0: powers[0]} if 0 in powers else {}
    rest = {p: c for p, c in powers.items() if p}
    quotient = {p - 1: c for p, c in rest.items()}
    return Limit(
        name,
        at,
        step,
        dict(point.here.inputs) if point else None,
        _sum(value, step),
        _sum(powers, step),
        _sum(rest, step),
        _sum(quotient, step),
        _sum({p: c for p, c in quotient.items() if p == 0}, step),
        point.here.cotangents[graph.inputs[name]] if point else None,
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
                else Polynomial.named(LETTERS.get(label, label))
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
    here, id = point.here, point.graph.inputs[name]
    x = here.inputs[name]
    size = abs(x)
    scale = 1.0 if size == 0.0 or 0.1 <= size < 10.0 else float(f"1e{floor(log10(size))}")
    steps = [float(f"1e{-k}") * scale for k in range(1, ROWS + 1)]
    exact = (point.exact or point).here
    (tends,) = convergence.converge(exact.graph, exact.inputs, [name], steps, fit=False).limits
    rows = tends.rows
    if point.exact is not None:
        by_hand = Probe(here.graph, here.values, 0.0, id)
        rows = tuple(convergence.row(by_hand, h) for h in steps)
    inputs, slope = dict(here.inputs), here.cotangents[id]
    return Limit(name, x, letter, inputs, None, None, None, None, None, slope, rows, tends)


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
