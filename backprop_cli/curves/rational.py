"""Programs that are rational functions of one variable, perhaps in pieces: in exact arithmetic.

Of them nothing is left to samples and to rounding: zeros of the slope and of its slope, poles, holes, and
where one piece ends and the next begins are roots of polynomials with whole coefficients.

Source: Geddes, Czapor & Labahn, Algorithms for Computer Algebra, sections 2.7 (primitive remainders) and
    7.4; Sturm's theorem: Basu, Pollack & Roy, Algorithms in Real Algebraic Geometry, section 2.2.2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import lru_cache, reduce
from itertools import pairwise
from math import ceil, floor, gcd
from typing import Any, NamedTuple

from ..engine.run import bind, leaf_values, run
from ..errors import NoSuchNumber
from ..graph import CONSTANT, Graph
from ..ops.namespaces import Namespace
from .features import INFLECTION, MAXIMUM, MINIMUM, Critical, Features, Inflection, Step

MOST_NODES = 1_000
HIGHEST_DEGREE = 40
HIGHEST_OF_SLOPES = 120
FAR = 1e9  # times the numbers in it and the ends of the range, a function is studied as far away as it goes
FARTHEST = 1e150  # whose square floats have
MOST_PIECES = 200
MARGIN = Fraction(1, 1024)
"""Of the range, on both sides of it: what lies on its edge is seen from both sides, too."""

FINE = Fraction(1, 2**110)
"""Width of the interval that holds a root, in ranges."""

SAME = Fraction(1, 2**90)
"""Distance, in ranges, up to which two roots are one."""

LARGEST_DENOMINATOR = 10**6
"""Of a root that is looked for among fractions."""

SAMPLES = tuple(Fraction(n, 10_007) for n in (4_999, 3_301, 6_703, 1_709, 8_501))
"""Where in an interval its piece is taken: places at which no program is likely to change."""

Polynomial = tuple[int, ...]
"""Whole coefficients, the constant first; () is 0."""


class NotRational(Exception):
    """The program is no rational function, or too large a one."""


class _Unlucky(Exception):
    """A sample lies where the program changes."""


# polynomials


def _trimmed(p: list[int]) -> Polynomial:
    while p and not p[-1]:
        p.pop()
    if len(p) > 2 * HIGHEST_OF_SLOPES:
        raise NotRational
    return tuple(p)


def _sum(p: Polynomial, q: Polynomial) -> Polynomial:
    if len(p) < len(q):
        p, q = q, p
    return _trimmed([a + b for a, b in zip(p, q, strict=False)] + list(p[len(q) :]))


def _product(p: Polynomial, q: Polynomial) -> Polynomial:
    total = [0] * max(0, len(p) + len(q) - 1)
    for i, a in enumerate(p):
        for j, b in enumerate(q):
            total[i + j] += a * b
    return _trimmed(total)


def _scaled(p: Polynomial, by: int) -> Polynomial:
    return _trimmed([by * a for a in p])


def _derivative(p: Polynomial) -> Polynomial:
    return tuple(k * a for k, a in enumerate(p))[1:]


def _primitive(p: Polynomial) -> Polynomial:
    content = gcd(*p)
    return tuple(a // content for a in p) if content > 1 else p


def _remainder(p: Polynomial, q: Polynomial) -> Polynomial:
    """Return a positive multiple of the remainder."""
    rest, lead = list(p), q[-1]
    while len(rest) >= len(q):
        share, shift = (1 if lead > 0 else -1) * rest[-1], len(rest) - len(q)
        rest = [abs(lead) * a for a in rest]
        for i, b in enumerate(q):
            rest[shift + i] -= share * b
        rest = list(_trimmed(rest))
    return _primitive(tuple(rest))


def _common(p: Polynomial, q: Polynomial) -> Polynomial:
    """Return the greatest common divisor, primitive."""
    while q:
        p, q = q, _remainder(p, q)
    return _primitive(p)


def _divided(p: Polynomial, by: Polynomial) -> Polynomial:
    """Return a polynomial without a primitive factor that it has."""
    rest, result = list(p), [0] * (len(p) - len(by) + 1)
    for shift in range(len(result) - 1, -1, -1):
        result[shift] = share = rest[shift + len(by) - 1] // by[-1]
        for i, b in enumerate(by):
            rest[shift + i] -= share * b
    return tuple(result)


def _scaled_value(p: Polynomial, x: Fraction) -> int:
    """Return the value times the denominator to the power of the degree."""
    total, scale = 0, 1
    for a in reversed(p):
        total = total * x.numerator + a * scale
        scale *= x.denominator
    return total


def _sign(p: Polynomial, x: Fraction) -> int:
    value = _scaled_value(p, x)
    return (value > 0) - (value < 0)


@lru_cache(1_000)
def roots(p: Polynomial, low: Fraction, high: Fraction) -> tuple[Fraction, ...]:
    """Return the different real roots from ``low`` to ``high``, rising; of 0, none.

    What is no fraction of small numbers is off by less than ``FINE`` times the range.
    """
    if len(p) < 2:
        return ()
    if len(p) == 2:
        root = Fraction(-p[0], p[1])
        return (root,) if low <= root <= high else ()
    p = _divided(_primitive(p), _common(p, _derivative(p)))
    chain = [p, _derivative(p)]
    while len(chain[-1]) > 1:
        chain.append(tuple(-a for a in _remainder(chain[-2], chain[-1])))

    def changes(x: Fraction) -> int:
        signs = [s for s in (_sign(q, x) for q in chain) if s]
        return sum(a != b for a, b in pairwise(signs))

    found = [low] if not _sign(p, low) else []
    stack = [(low, changes(low), high, changes(high))]
    while stack:  # the leftmost on top; roots lie in a < x <= b
        a, before, b, after = stack.pop()
        if before - after == 1:
            found.append(_refined(p, a, b, (high - low) * FINE))
        elif before > after:
            middle = (a + b) / 2
            between = changes(middle)
            stack += [(middle, between, b, after), (a, before, middle, between)]
    return tuple(found)


def _refined(p: Polynomial, a: Fraction, b: Fraction, width: Fraction) -> Fraction:
    """Return the one root in a < x <= b."""
    last = _sign(p, b)
    if not last:
        return b
    while b - a > width:
        middle = (a + b) / 2
        sign = _sign(p, middle)
        if not sign:
            return middle
        a, b = (a, middle) if sign == last else (middle, b)
    simple = ((a + b) / 2).limit_denominator(LARGEST_DENOMINATOR)
    return simple if a <= simple <= b and not _sign(p, simple) else (a + b) / 2


# rational functions


class Quotient:
    """A rational function, without common factors."""

    __slots__ = ("bottom", "top")

    def __init__(self, top: Polynomial, bottom: Polynomial = (1,)) -> None:
        if top:
            common = _common(top, bottom) if len(bottom) > 1 else (1,)
            content = gcd(*top, *bottom) * (1 if (bottom[-1] > 0) == (common[-1] > 0) else -1)
            top, bottom = (tuple(a // content for a in _divided(p, common)) for p in (top, bottom))
        else:
            bottom = (1,)
        if max(len(top), len(bottom)) > HIGHEST_OF_SLOPES + 1:
            raise NotRational
        self.top, self.bottom = top, bottom

    @classmethod
    def of(cls, x: Any) -> Quotient:
        """Return a number as a function."""
        if isinstance(x, Quotient):
            return x
        number = Fraction(x)
        return cls((number.numerator,) if number else (), (number.denominator,))

    @property
    def number(self) -> Fraction | None:
        """Its value, where it is a number."""
        if len(self.top) > 1 or len(self.bottom) > 1:
            return None
        return Fraction(self.top[0] if self.top else 0, self.bottom[0])

    def __call__(self, x: Fraction) -> Fraction:
        top, bottom = (Fraction(_scaled_value(p, x), x.denominator ** max(0, len(p) - 1))
                       for p in (self.top, self.bottom))  # fmt: skip
        return top / bottom

    def sign(self, x: Fraction) -> int:
        """Return the sign of the value."""
        return _sign(self.top, x) * _sign(self.bottom, x)

    def slope(self) -> Quotient:
        """Return the derivative."""
        # of Q, no more than its factors are needed, each once: T/R is Q'/Q
        inner = _derivative(self.bottom)
        common = _common(self.bottom, inner)
        once = _divided(self.bottom, common)
        turned = _divided(inner, common) if inner else ()
        top = _sum(_product(_derivative(self.top), once), _scaled(_product(self.top, turned), -1))
        return Quotient(top, _product(self.bottom, once))

    def __neg__(self) -> Quotient:
        return Quotient(_scaled(self.top, -1), self.bottom)

    def __add__(self, other: Any) -> Quotient:
        term = Quotient.of(other)
        top = _sum(_product(self.top, term.bottom), _product(term.top, self.bottom))
        return Quotient(top, _product(self.bottom, term.bottom))

    __radd__ = __add__

    def __sub__(self, other: Any) -> Quotient:
        return self + -Quotient.of(other)

    def __rsub__(self, other: Any) -> Quotient:
        return Quotient.of(other) - self

    def __mul__(self, other: Any) -> Quotient:
        factor = Quotient.of(other)
        return Quotient(_product(self.top, factor.top), _product(self.bottom, factor.bottom))

    __rmul__ = __mul__


class _Near(Namespace):
    """Rational functions as they are around one point: what a rule asks of them is answered there.

    Attributes:
        at: The point.
        switches: Polynomials at whose roots an answer changes.
        holes: Polynomials at whose roots something is divided by 0.
    """

    def __init__(self, at: Fraction) -> None:
        super().__init__("rational functions", {"nan": None})
        self.at = at
        self.switches: list[Polynomial] = []
        self.holes: list[Polynomial] = []

    def __getattr__(self, name: str) -> Any:
        raise NotRational

    def sign(self, a: Any) -> Quotient:
        function = Quotient.of(a)
        self.switches += [function.top, function.bottom]
        found = function.sign(self.at)
        if function.top and not found:
            raise _Unlucky
        return Quotient.of(found)

    def divide(self, a: Any, b: Any) -> Quotient:
        below = Quotient.of(b)
        if not below.top:
            raise NotRational
        self.holes += [below.top]
        return Quotient.of(a) * Quotient(below.bottom, below.top)

    def power(self, a: Any, n: Any) -> Quotient:
        exponent = Quotient.of(n).number
        if exponent is None or exponent.denominator != 1 or abs(exponent) > HIGHEST_DEGREE:
            raise NotRational
        result = Quotient.of(1)
        for _ in range(abs(int(exponent))):
            result = result * a
        return self.divide(1, result) if exponent < 0 else result

    def abs(self, a: Any) -> Quotient:
        return self.sign(a) * Quotient.of(a)

    def max(self, *several: Any) -> Any:
        return reduce(lambda a, b: self.where(self.less(a, b), b, a), several)

    def min(self, *several: Any) -> Any:
        return reduce(lambda a, b: self.where(self.less(b, a), b, a), several)

    def where(self, c: Any, a: Any, b: Any) -> Any:
        return a if self.sign(c).top else b

    def _compared(self, a: Any, b: Any) -> int:
        return int(self.sign(Quotient.of(a) - b).number or 0)

    def less(self, a: Any, b: Any) -> Quotient:
        return Quotient.of(self._compared(a, b) < 0)

    def less_equal(self, a: Any, b: Any) -> Quotient:
        return Quotient.of(self._compared(a, b) <= 0)

    def greater(self, a: Any, b: Any) -> Quotient:
        return Quotient.of(self._compared(a, b) > 0)

    def greater_equal(self, a: Any, b: Any) -> Quotient:
        return Quotient.of(self._compared(a, b) >= 0)

    def equal(self, a: Any, b: Any) -> Quotient:
        return Quotient.of(self._compared(a, b) == 0)

    def not_equal(self, a: Any, b: Any) -> Quotient:
        return Quotient.of(self._compared(a, b) != 0)

    def _between(self, a: Any, whole: Callable[[Fraction], int], low: Fraction, high: Fraction) -> Quotient:
        """Return a whole number that stays while ``a`` is from that number + ``low`` to it + ``high``."""
        function = Quotient.of(a)
        if not _sign(function.bottom, self.at):
            raise _Unlucky
        found = whole(function(self.at))
        for end in (low, high):
            self.sign(function - (found + end))
        return Quotient.of(found)

    def floor(self, a: Any) -> Quotient:
        return self._between(a, floor, Fraction(0), Fraction(1))

    def ceil(self, a: Any) -> Quotient:
        return self._between(a, ceil, Fraction(-1), Fraction(0))

    def round(self, a: Any) -> Quotient:
        return self._between(a, round, Fraction(-1, 2), Fraction(1, 2))

    def mod(self, a: Any, n: Any) -> Quotient:
        return Quotient.of(a) - self.floor(self.divide(a, n)) * Quotient.of(n)


class Piece(NamedTuple):
    """A rational function between two points; ``holes`` are divisors in it, which have no value at 0."""

    start: Fraction
    end: Fraction
    function: Quotient
    holes: tuple[Polynomial, ...]


def pieces(graph: Graph, variable: str, inputs: Mapping[str, float], low: float, high: float) -> list[Piece]:
    """Return a program as rational functions, from left to right and a little beyond both ends.

    Args:
        graph: The computation.
        variable: What runs.
        inputs: Values of the others.
        low: Where the range begins.
        high: Where it ends.
    Raises:
        NotRational: where it is none.
    """
    if len(graph) > MOST_NODES or graph.shaped:
        raise NotRational
    first, last = Fraction(low), Fraction(high)
    room = MARGIN * (last - first)
    first, last = first - room, last + room
    found: list[Piece] = []
    stack = [(first, last)]
    while stack:
        a, b = stack.pop()
        if b - a <= SAME * (last - first):
            continue
        if len(found) == MOST_PIECES:
            raise NotRational
        at, function, near = _taken(graph, variable, inputs, a, b)
        ends = sorted(root for p in set(near.switches) for root in roots(p, first, last) if a < root < b)
        start = max((root for root in ends if root < at), default=a)
        end = min((root for root in ends if root > at), default=b)
        found.append(Piece(start, end, function, tuple(dict.fromkeys(near.holes))))
        stack += [(a, start), (end, b)]
    return sorted(found, key=lambda piece: piece.start)


def _taken(
    graph: Graph, variable: str, inputs: Mapping[str, float], a: Fraction, b: Fraction
) -> tuple[Fraction, Quotient, _Near]:
    """Return the rational function around some point between two."""
    for share in SAMPLES:
        at = a + share * (b - a)
        near = _Near(at)
        try:
            leaves = _leaves(graph, variable, inputs)
            made = run(graph, leaves, near, _needed(graph, variable, inputs, at))[graph.output]
            function = Quotient.of(made)
            if max(len(function.top), len(function.bottom)) > HIGHEST_DEGREE + 1:
                raise NotRational
            return at, function, near
        except _Unlucky:
            continue
        except (TypeError, ValueError):  # with what is no number at all
            break
    raise NotRational


def _needed(graph: Graph, variable: str, inputs: Mapping[str, float], at: Fraction) -> list[bool]:
    """Return which nodes the output needs at a point, by the branches that floats take there."""
    return graph.needed(run(graph, leaf_values(graph, bind(graph, {**inputs, variable: float(at)}))))


def _leaves(graph: Graph, variable: str, inputs: Mapping[str, float]) -> dict[int, Quotient]:
    """Return every leaf; a float is the decimal that it stands for."""
    leaves = {
        node.id: Quotient.of(Fraction(node.label or repr(node.value)))
        for node in graph.nodes
        if node.op is None and node.kind == CONSTANT
    }
    for name, id in graph.inputs.items():
        leaves[id] = Quotient((0, 1)) if name == variable else Quotient.of(Fraction(repr(inputs[name])))
    return leaves


# what is special about them


def features(
    graph: Graph, variable: str, inputs: Mapping[str, float], low: float, high: float
) -> Features | None:
    """Return what is special about a program over a range; None where it is no rational function.

    Args:
        graph: The computation.
        variable: What runs.
        inputs: Values of the others.
        low: Where the range begins.
        high: Where it ends.
    """
    try:
        found = pieces(graph, variable, inputs, low, high)
        return _Study(graph, variable, inputs, low, high).of(found)
    except NotRational:
        return None


def asymptotes(
    graph: Graph, variable: str, inputs: Mapping[str, float], low: float, high: float
) -> list[float]:
    """Return what a rational function tends to far on the left and far on the right, where that is a number.

    Nothing for one that has that value itself, nor for what is no rational function.
    """
    constants = [abs(node.value) for node in graph.nodes if node.op is None and node.value is not None]
    reach = FAR * max(1.0, abs(low), abs(high), *constants)
    if not reach < FARTHEST:
        return []
    try:
        several = pieces(graph, variable, inputs, -reach, reach)
    except (NotRational, NoSuchNumber):
        return []
    found = []
    for function in (several[0].function, several[-1].function):
        top, bottom = function.top, function.bottom
        if len(top) <= len(bottom) > 1:
            found.append(float(Fraction(top[-1], bottom[-1])) if len(top) == len(bottom) else 0.0)
    return list(dict.fromkeys(found))


class _Study:
    """What is found in pieces."""

    def __init__(
        self, graph: Graph, variable: str, inputs: Mapping[str, float], low: float, high: float
    ) -> None:
        self.graph, self.variable, self.inputs = graph, variable, inputs
        self.low, self.high = low, high
        self.width = Fraction(high) - Fraction(low)
        self.found = Features([], [], [], [], [], [], [], [])

    def of(self, several: list[Piece]) -> Features:
        ends = [several[0].start, several[-1].end]
        self.ends = ends[0], ends[1]
        merged = [several[0]]
        apart = []  # where the value may be another than on both sides
        for piece in several[1:]:
            last = merged[-1]
            same = last.function.top == piece.function.top and last.function.bottom == piece.function.bottom
            if same:
                apart.append(piece.start)
                merged[-1] = Piece(last.start, piece.end, last.function, last.holes + piece.holes)
            else:
                merged.append(piece)
        for piece in merged:
            self._within(piece, apart)
        for left, right in pairwise(merged):
            self._between(left, right)
        return self._inside()

    def _roots(self, p: Polynomial) -> tuple[Fraction, ...]:
        return roots(p, *self.ends)

    def _is_root(self, p: Polynomial, x: Fraction) -> bool:
        """Whether a polynomial is 0 at a root of another."""
        return not p or any(self._same(x, root) for root in self._roots(p))

    def _same(self, a: Fraction, b: Fraction) -> bool:
        return abs(a - b) <= SAME * self.width

    def _float(self, x: Fraction) -> float:
        return 0.0 if self._same(x, Fraction(0)) else float(x)

    def _value(self, function: Quotient, x: Fraction) -> float:
        return 0.0 if self._is_root(function.top, x) else float(function(x))

    def _is_apart(self, x: Fraction, limit: Fraction) -> bool:
        """Whether the program has no value at a place, or another one than beside it."""
        own = self._own_value(x)
        if own is None:
            self.found.holes.append(self._float(x))
        return own is None or (own != limit and self._is_fraction(x))

    def _own_value(self, x: Fraction) -> Fraction | None:
        leaves = _leaves(self.graph, self.variable, self.inputs)
        leaves[self.graph.inputs[self.variable]] = Quotient.of(x)
        try:
            needed = _needed(self.graph, self.variable, self.inputs, x)
            return Quotient.of(run(self.graph, leaves, _Near(x), needed)[self.graph.output]).number
        except (NotRational, TypeError):
            return None

    @staticmethod
    def _is_fraction(x: Fraction) -> bool:
        """Whether a root is known exactly."""
        return x.denominator <= LARGEST_DENOMINATOR

    def _marks(self, piece: Piece) -> tuple[Quotient, Quotient, list[Fraction]]:
        """Return slope, its slope, and where one of them may change its sign, both ends included."""
        slope = piece.function.slope()
        bend = slope.slope()
        inner = {
            x for p in (piece.function.bottom, slope.top, bend.top) for x in self._roots(p)
            if piece.start < x < piece.end and not (self._same(x, piece.start) or self._same(x, piece.end))
        }  # fmt: skip
        marks = [piece.start]
        for x in [*sorted(inner), piece.end]:
            if not self._same(x, marks[-1]):
                marks.append(x)
        return slope, bend, marks

    def _within(self, piece: Piece, apart: list[Fraction]) -> None:
        function, found = piece.function, self.found
        slope, bend, marks = self._marks(piece)
        holes = {x for p in piece.holes for x in self._roots(p) if piece.start < x < piece.end}
        odd = []
        for x in sorted(holes | {x for x in apart if piece.start < x < piece.end}):
            if self._is_root(function.bottom, x):
                continue
            if self._is_apart(x, function(x)):
                odd.append(x)
        if not slope.top:
            found.flats.append((float(piece.start), float(piece.end)))
        for before, x, after in zip(marks, marks[1:], marks[2:], strict=False):
            if self._is_root(function.bottom, x):
                found.poles.append(self._float(x))
                continue
            if any(self._same(x, other) for other in odd):
                continue
            sides = (before + x) / 2, (x + after) / 2
            self._place(
                x, function, slope, bend, [slope.sign(s) for s in sides], [bend.sign(s) for s in sides]
            )

    def _place(
        self, x: Fraction, function: Quotient, slope: Quotient, bend: Quotient,
        slopes: list[int], bends: list[int],
    ) -> None:  # fmt: skip
        """Note what stands at a place where value and slope have one limit."""
        at, y = self._float(x), self._value(function, x)
        if self._is_root(slope.top, x):
            if all(slopes):
                kind = INFLECTION if slopes[0] == slopes[1] else MINIMUM if slopes[0] < 0 else MAXIMUM
                self.found.criticals.append(Critical(at, y, kind))
        elif bends[0] * bends[1] < 0:
            self.found.inflections.append(Inflection(at, y, self._value(slope, x)))

    def _between(self, left: Piece, right: Piece) -> None:
        """Note what stands where one piece ends and the next begins."""
        found, x = self.found, left.end
        at = self._float(x)
        if self._is_root(left.function.bottom, x) or self._is_root(right.function.bottom, x):
            found.poles.append(at)
            return
        apart = self._is_apart(x, left.function(x))
        gap = left.function - right.function
        limits = self._value(left.function, x), self._value(right.function, x)
        if not self._is_root(gap.top, x):
            found.jumps.append(Step(at, *limits))
            return
        if apart:
            return
        (slope, bend, marks), (next_slope, next_bend, next_marks) = self._marks(left), self._marks(right)
        sides = (marks[-2] + x) / 2, (x + next_marks[1]) / 2
        slopes = [slope.sign(sides[0]), next_slope.sign(sides[1])]
        if self._is_root(gap.slope().top, x):
            bends = [bend.sign(sides[0]), next_bend.sign(sides[1])]
            self._place(x, left.function, slope, bend, slopes, bends)
            return
        found.kinks.append(Step(at, self._value(slope, x), self._value(next_slope, x)))
        if slopes[0] * slopes[1] < 0:
            found.criticals.append(Critical(at, limits[0], MINIMUM if slopes[0] < 0 else MAXIMUM, kink=True))

    def _inside(self) -> Features:
        """Return what lies in the range itself, in order."""
        low, high, found = self.low, self.high, self.found
        return Features(
            sorted(c for c in found.criticals if low <= c.x <= high),
            sorted(x for x in found.poles if low <= x <= high),
            sorted(j for j in found.jumps if low <= j.x <= high),
            sorted(k for k in found.kinks if low < k.x < high),
            sorted(x for x in found.holes if low <= x <= high),
            sorted((max(a, low), min(b, high)) for a, b in found.flats if a < high and b > low),
            sorted(i for i in found.inflections if low < i.x < high),
            [],  # the slope of such a function is infinite at poles alone
        )
