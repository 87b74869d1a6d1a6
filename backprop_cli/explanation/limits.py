"""The limit definition, worked out for one function at one point.

A polynomial is expanded exactly, over fractions; quotients of polynomials come over a common denominator,
square roots of them are multiplied by the conjugate; for everything else there is a table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import partial
from math import floor, isqrt, log10
from typing import NamedTuple

from ..differentiation import convergence
from ..differentiation.finite import Probe
from ..engine.run import run
from ..graph import CONSTANT, INPUT, Graph
from ..language.format import STEP_NAMES
from ..language.operators import LETTERS
from .expr import ONE, Apply, Expr, Number, Ref, negated, over, plus, power, product_of, times
from .names import Name
from .point import Written, WrittenPoint
from .polynomials import ALGEBRA, Algebraic, Monomial, NotAlgebraic, Polynomial, Quotient

MOST_NODES = 300
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
        kind: ``polynomial``, ``quotient`` of polynomials, ``root`` of one, or ``table``.
        value: f(x); None in a table.
        moved: f(x + h), expanded in powers of h.
        together: What the difference is brought to, each with how, before it is multiplied out.
        difference: f(x + h) - f(x).
        quotient: The same, divided by h.
        limit: What is left at h = 0.
        slope: Of reverse mode; None without a point.
        rows: The quotients of a table, by falling h; rounded where all is.
        tends: What they tend to without any rounding; None without a table.
    """

    name: str
    at: float | None
    letter: str
    inputs: dict[str, float] | None
    kind: str
    value: Expr | None
    moved: Expr | None
    difference: Expr | None
    quotient: Expr | None
    limit: Expr | None
    slope: float | None
    together: tuple[tuple[str, Expr], ...] = ()
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


class Worked(NamedTuple):
    """What a limit is worked out by; the fields of `Limit` that depend on what the program is."""

    kind: str
    value: Expr
    moved: Expr
    difference: Expr
    quotient: Expr
    limit: Expr
    together: tuple[tuple[str, Expr], ...] = ()


def work_out(graph: Graph, name: str, point: WrittenPoint | None) -> Limit | None:
    """Return the limit definition for one input; None where there is neither algebra nor point."""
    step = graph.free(STEP_NAMES)
    try:
        found = _worked(_moved(graph, name, step, point), step)
    except NotAlgebraic:
        return _table(name, step, point) if point is not None else None
    at = point.here.inputs[name] if point else None
    inputs = dict(point.here.inputs) if point else None
    slope = point.here.cotangents[graph.inputs[name]] if point else None
    return Limit(name, at, step, inputs, **found._asdict(), slope=slope)


def _worked(f: Algebraic, h: str) -> Worked:
    """Work out the limit of (f(h) - f(0))/h for h to 0."""
    if f.radicand is not None:
        return _of_root(f, f.radicand, h)
    whole = f.polynomial
    if whole is None and f.below.at(h, 0).terms:  # (x^2 - 1)/(x - 1) is x + 1 where it has a value
        whole = f.above.over(f.below)
        whole = whole if whole is not None and whole.decimal else None
    if whole is None:
        return _of_quotient(f, h)
    powers = whole.powers_of(h)
    rest = {p: c for p, c in powers.items() if p}
    quotient = {p - 1: c for p, c in rest.items()}

    def at_zero(terms: Mapping[int, Polynomial]) -> Expr:
        return _sum({p: c for p, c in terms.items() if p == 0}, h)

    moved, difference, divided = (_sum(part, h) for part in (powers, rest, quotient))
    return Worked("polynomial", at_zero(powers), moved, difference, divided, at_zero(quotient))


def _of_quotient(f: Algebraic, h: str) -> Worked:
    """p(h)/q(h) - p(0)/q(0) over a common denominator, where h goes out of the numerator."""
    p, q = f.above, f.below
    if not (p.decimal and q.decimal):
        p, q = Quotient(p, q).reduced
    p0, q0 = p.at(h, 0), q.at(h, 0)
    write = partial(_written, letter=h)
    if not q0.terms:
        raise NotAlgebraic
    above = p * q0 - p0 * q
    left = above.divided_by(h)
    below = times(write(q), write(q0))
    limit = Quotient(left.at(h, 0), q0 * q0).reduced
    ends = over(write(limit.above), write(limit.below))
    if limit.below.number == 1:
        ends = write(limit.above)
    elif len(limit.below.terms) > 1:
        ends = over(write(left.at(h, 0)), power(write(q0), Number(2.0)))
    apart = plus(times(write(p), write(q0)), times(write(p0), write(q)), True)
    return Worked(
        "quotient",
        over(write(p0), write(q0)) if q0.number != 1 else write(p0),
        over(write(p), write(q)),
        over(write(above), below),
        over(write(left), below),
        ends,
        (("common denominator", over(apart, below)),),
    )


def _of_root(f: Algebraic, p: Polynomial, h: str) -> Worked:
    """a*sqrt(p(h)) - a*sqrt(p(0)), times the conjugate: the roots are squares there."""
    p0, a = p.at(h, 0), f.above.number
    write = partial(_written, letter=h)
    at_zero = p0.number
    if a is None or not (p.decimal and f.above.decimal) or (at_zero is not None and at_zero <= 0):
        raise NotAlgebraic
    root, root0 = (_root(write(x)) for x in (p, p0))
    above = (p0 - p if f.inverse else p - p0) * a
    left = above.divided_by(h)
    conjugate = plus(root, root0)
    moved, value = (over(write(f.above), x) if f.inverse else times(write(f.above), x) for x in (root, root0))
    number = write(f.above)
    apart = plus(write(p0), write(p), True) if f.inverse else plus(write(p), write(p0), True)
    below = times(root, root0, conjugate) if f.inverse else conjugate
    together = [("times the conjugate", over(times(number, apart), below))]
    if f.inverse:
        difference = times(number, plus(root0, root, True))
        together.insert(0, ("common denominator", over(difference, times(root, root0))))
    beside = p0 if f.inverse else Polynomial.of(1)
    apart_from = len(p0.terms) > 1
    limit = Quotient(left.at(h, 0), (Polynomial.of(1) if apart_from else beside) * 2).reduced
    ends = product_of([write(limit.below), write(beside) if apart_from else ONE, root0])
    return Worked(
        "root",
        value,
        moved,
        over(write(above), below),
        over(write(left), below),
        over(write(limit.above), ends),
        tuple(together),
    )


def _root(e: Expr) -> Expr:
    """Write a square root; of a square, its number."""
    if isinstance(e, Number) and e.value == isqrt(int(e.value)) ** 2:
        return Number(float(isqrt(int(e.value))))
    return Apply("sqrt", (e,))


def _written(p: Polynomial, letter: str) -> Expr:
    return _sum(p.powers_of(letter), letter)


def _moved(graph: Graph, name: str, letter: str, point: WrittenPoint | None) -> Algebraic:
    """Return f(x + h)."""
    if len(graph) > MOST_NODES:
        raise NotAlgebraic
    leaves: dict[int, Algebraic] = {}
    for node in graph.nodes:
        if node.op is not None:
            continue
        if node.kind == CONSTANT:
            label = node.label or ""
            # pi stays pi
            leaf = (
                Polynomial.of(_exact(node.value))
                if label[:1] in "0123456789."
                else Polynomial.named(LETTERS.get(label, label))
            )
        elif node.kind == INPUT and node.name is not None:
            leaf = (
                Polynomial.of(_exact(point.here.inputs[node.name])) if point else Polynomial.named(node.name)
            )
            if node.name == name:
                leaf = leaf + Polynomial.named(letter)
        else:
            continue
        leaves[node.id] = Algebraic.of(leaf)
    values = run(graph, leaves, ALGEBRA, point.here.needed if point else graph.needed())
    return Algebraic.of(values[graph.output])


def _exact(x: float) -> Fraction:
    """Return the decimal that a float stands for."""
    return Fraction(repr(x))


def _sum(powers: Mapping[int, Polynomial], letter: str) -> Expr:
    """Write powers of h, each with its coefficient."""
    total: Expr | None = None
    for n, coefficient in powers.items():
        for monomial, number in _ordered(coefficient):
            factors: list[Expr] = [_raised(base, p) for base, p in monomial]
            if n:
                factors.append(_raised(letter, n))
            size = abs(number)
            if size != 1 or not factors:
                factors.insert(0, _coefficient(size))
            term = factors[0] if len(factors) == 1 else Apply("multiply", tuple(factors))
            if total is None:
                total = term if number > 0 else negated(term)
            else:
                total = Apply("add" if number > 0 else "subtract", (total, term))
    return total or Number(0.0)


def _coefficient(size: Fraction) -> Number:
    """Return a number as it is written; one that floats do not have is left to the table."""
    try:
        number = float(size)
    except OverflowError:
        raise NotAlgebraic from None
    if number == 0.0:
        raise NotAlgebraic
    return Number(number)


def _ordered(coefficient: Polynomial) -> list[tuple[Monomial, Fraction]]:
    """Return the terms, highest powers first."""
    return sorted(coefficient.terms.items(), key=lambda t: (-sum(p for _, p in t[0]), t[0]))


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
    return Limit(name, x, letter, inputs, "table", None, None, None, None, None, slope, (), rows, tends)


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
            found[node.id] = Apply(graph.called(node.op), tuple(e for e, _ in parts)), size
    return found[graph.output][0]
