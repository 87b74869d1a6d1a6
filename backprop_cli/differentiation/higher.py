"""Derivatives beyond the gradient: second order, order N, along a direction, three ways each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import product
from math import comb, factorial, fsum, isfinite, log10, prod
from typing import TYPE_CHECKING, Any, NamedTuple

from ..engine.beside import DIGITS as MANY
from ..engine.beside import is_far, told
from ..engine.point import Point, check_wrt
from ..engine.run import exact_leaves, is_bound, kinked, leaf_values, matched, run_exactly
from ..errors import NoSuchNumber, SlopeError, UsageError
from ..graph import Graph
from ..language.numbers import exact_text
from ..ops.kinks import between_pieces
from ..ops.precision import digits
from .compare import AGREE, DISAGREE, KINK, NOT_RUN, ROUNDING
from .forward import hessian_product
from .report import GradientReport, warnings_of
from .rounding import NOTHING
from .series import along, hessian_row, mixed
from .stationary import FLAT, UNDECIDED, Stationary, by_order, judged
from .taylor import Term, exponents, fraction, terms

if TYPE_CHECKING:
    from .symbolic.process import SymbolicProcess

HIGHEST = 12
"""Order up to which there are power series, formulas and quotients of some use."""

MOST_TERMS = 100
"""Of a Taylor polynomial."""

MOST_INPUTS = 40
"""Of a Hessian that is written out."""

MOVE = 40
"""Decimals of a step of the difference quotients, relative to the point."""

SPARE = 400
"""Digits more where a quotient stands alone: the function itself may subtract what is nearly equal."""

SAME = 1e-9
DIGITS = 80
"""Of the arithmetic that tells rounding from a wrong rule."""

SPOILT = 1e-3
"""Relative error from which a number is said to hold to few digits."""

Weights = tuple[tuple[str, float], ...]
"""A direction: by how much each input moves."""


class Derivative(NamedTuple):
    """One number: the output differentiated along one direction after the other.

    Attributes:
        name: ``d2L/da2``, ``d2L/dadb``, ``D L``.
        along: The directions.
        formula: In the user's language; None without SymPy.
        numbers: By method; None where a method has none.
        verdict: As of `compare`.
        difference: Largest absolute difference between methods.
        sides: Quotients from the left and from the right, at a kink.
        limit: That of the quotients, where our rules have no number.
    """

    name: str
    along: tuple[Weights, ...]
    formula: str | None
    numbers: dict[str, float | None]
    verdict: str
    difference: float | None
    sides: tuple[float, float] | None = None
    limit: float | None = None

    @property
    def settled(self) -> float | None:
        """The number that stands: our rules', or the symbolic one where rounding spoilt them."""
        if self.limit is not None:
            return self.limit
        for method in ("symbolic", "finite") if self.verdict == ROUNDING else ():
            if self.numbers.get(method) is not None:
                return self.numbers[method]
        ours = [x for method, x in self.numbers.items() if method in OURS.values()]
        return ours[0] if ours else next((x for x in self.numbers.values() if x is not None), None)


class Higher(NamedTuple):
    """Derivatives of one program at one point, or as formulas.

    Attributes:
        graph: The computation.
        point: Where, with the values alone; None for formulas alone.
        order: The highest.
        direction: By how much each input moves; None for partial derivatives.
        wrt: Inputs differentiated by.
        methods: In the order of their columns.
        rows: The derivatives.
        warnings: What the user should know.
        notes: Where a method has no answer and why.
        mixed: The one row is a mixed partial derivative.
        taylor: Terms of the Taylor polynomial, where it was asked for.
        stationary: What second derivatives by inputs say of the point; None where they are not asked.
    """

    graph: Graph
    point: Point | None
    order: int
    direction: dict[str, float] | None
    wrt: tuple[str, ...]
    methods: tuple[str, ...]
    rows: list[Derivative]
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    mixed: bool = False
    stationary: Stationary | None = None
    taylor: tuple[Term, ...] | None = None

    @property
    def inputs(self) -> dict[str, float] | None:
        """Values of the inputs; None for formulas alone."""
        return self.point.inputs if self.point is not None else None

    @property
    def value(self) -> float | None:
        """The output; None for formulas alone."""
        return self.point.value if self.point is not None else None

    @property
    def agree(self) -> bool | None:
        """False when a verdict is `disagree`; None with fewer than two methods."""
        if len(self.methods) < 2:
            return None
        return all(row.verdict != DISAGREE for row in self.rows)

    @property
    def is_hessian(self) -> bool:
        """Whether the rows are second derivatives by pairs of inputs."""
        return self.order == 2 and self.direction is None and len(self.wrt) > 1 and not self.mixed

    @property
    def hessian(self) -> dict[str, dict[str, float | None]]:
        """The matrix by names, where `is_hessian`."""
        numbers = {tuple(weights[0][0] for weights in row.along): row.settled for row in self.rows}
        return {
            a: {b: numbers[(a, b)] if (a, b) in numbers else numbers[(b, a)] for b in self.wrt}
            for a in self.wrt
        }


class Tangent(NamedTuple):
    """The tangent line or plane of a program at a point.

    Attributes:
        output: What its own output is called: as the program's, or a name that no input has.
        value: The program's output at the point.
        slopes: Its gradient.
        at: The point, by name.
        constant: What is left at the origin, once it is multiplied out.
    """

    output: str
    value: float
    slopes: dict[str, float]
    at: dict[str, float]
    constant: float

    @property
    def kind(self) -> str:
        """``line``, ``plane`` or ``hyperplane``."""
        return {1: "line", 2: "plane"}.get(len(self.slopes), "hyperplane")


def tangent(report: GradientReport) -> Tangent:
    """Return the tangent at the point of a report.

    Raises:
        NoSuchNumber: where a slope is missing.
    """
    graph, value, inputs = report.graph, report.value, report.inputs
    assert value is not None
    assert inputs is not None
    slopes: dict[str, float] = {}
    for name, slope in report.gradient.items():
        if slope is None:
            raise NoSuchNumber(f"no tangent: the slope in {name} is not known", source=graph.source)
        slopes[name] = slope
    parts = [value, *(-slope * inputs[name] for name, slope in slopes.items())]
    constant = fsum(parts)
    if abs(constant) <= 2.0**-50 * max(map(abs, parts)):  # what the rounding of slopes and value leaves
        constant = 0.0
    own = graph.nodes[graph.output].name
    output = own if own is not None and own not in inputs else "y" if "y" not in inputs else "z"
    return Tangent(output, value, slopes, inputs, constant)


STEEP = "the rules multiply 0 by an infinite derivative"
CONVENTIONS = "the conventions at the kinks add up to another number"

OURS = {"hessian": "reverse", "series": "taylor", "mixed": "taylor", "polynomial": "taylor"}
"""What our own rules run as: forward over reverse, or power series."""

SETTLED_UP_TO = 200_000
"""Nodes times inputs, of which the gradient and the Hessian are worked out in many digits."""


class _Question(NamedTuple):
    """Which derivatives are asked for, and our own rules for them.

    Attributes:
        kind: Of `OURS`.
        graph: The computation.
        names: Inputs to differentiate by; those of a mixed derivative as often as it is taken by them.
        order: The highest.
        line: How fast each input moves, for a series.
    """

    kind: str
    graph: Graph
    names: tuple[str, ...]
    order: int
    line: Mapping[str, float]

    def wanted(self, along_t: bool) -> list[tuple[str, tuple[Weights, ...]]]:
        """Return name and directions of every derivative; a line that is none of the inputs is called t."""
        output, names = self.graph.own_name(self.graph.output), self.names
        if self.kind == "mixed":
            by = Counter(names)
            text = "".join(f"d{n}{k}" if k > 1 else f"d{n}" for n, k in by.items())
            order = len(names) if len(names) > 1 else ""
            return [(f"d{order}{output}/{text}", tuple(((n, 1.0),) for n in by.elements()))]
        if self.kind == "polynomial":
            each = (
                [n for n, k in zip(names, powers, strict=True) for _ in range(k)]
                for powers in exponents(len(names), self.order)
            )
            return [_Question("mixed", self.graph, tuple(by), len(by), {}).wanted(along_t)[0] for by in each]
        if self.kind == "series":
            line: Weights = tuple(self.line.items())
            by_ = None if along_t else names[0]
            return [(_single_name(output, by_, k), (line,) * k) for k in range(1, self.order + 1)]
        return [
            (_pair_name(output, a, b), (((a, 1.0),), ((b, 1.0),)))
            for i, a in enumerate(names)
            for b in names[i:]
        ]

    def ours(self, inputs: Mapping[str, float], many: int) -> list[float]:
        """Return the numbers of our own rules; those of lines between the axes need many digits."""
        if self.kind == "series":
            return along(self.graph, leaf_values(self.graph, inputs), self.line, self.order)[1:]
        if self.kind in ("mixed", "polynomial"):
            return self.exact(inputs, many)
        rows = {name: hessian_product(self.graph, inputs, {name: 1.0})[1] for name in self.names}
        return [rows[a][b] for i, a in enumerate(self.names) for b in self.names[i:]]

    def exact(self, inputs: Mapping[str, float], many: int) -> list[float]:
        """Return the numbers of our own rules, free of rounding: in so many digits."""
        with digits(many):
            return list(map(float, self._numbers(inputs)))

    def _numbers(self, inputs: Mapping[str, float]) -> list[Any]:
        """Return the same as numbers of mpmath's."""
        from ..ops.namespaces import multiprecision

        graph, names = self.graph, self.names
        xp, leaves = multiprecision(), exact_leaves(graph, matched(graph, inputs))
        if self.kind == "series":
            return along(graph, leaves, self.line, self.order, xp)[1:]
        if self.kind == "mixed":
            return [mixed(graph, leaves, Counter(names), xp)]
        if self.kind == "polynomial":
            return [
                mixed(graph, leaves, {n: k for n, k in zip(names, powers, strict=True) if k}, xp)
                for powers in exponents(len(names), self.order)
            ]
        rows = {name: hessian_row(graph, leaves, name, xp)[1] for name in names}
        return [rows[a][b] for i, a in enumerate(names) for b in names[i:]]

    def terms(
        self, inputs: Mapping[str, float], many: int, value: float, rows: Sequence[Derivative]
    ) -> tuple[Term, ...]:
        """Return the Taylor polynomial at a point; a fraction is one where every method agrees."""
        names = self.names
        powers = [(0,) * len(names), *exponents(len(names), self.order)]
        with digits(many):
            start = run_exactly(self.graph, matched(self.graph, inputs))[self.graph.output]
            exact = [start, *self._numbers(inputs)]
            found = []
            for k, (by, x) in enumerate(zip(powers, exact, strict=True)):
                size = prod(map(factorial, by))
                number = value if k == 0 else rows[k - 1].settled
                whole = fraction(x / size) if k == 0 or rows[k - 1].verdict == AGREE else None
                found.append((by, (number or 0.0) / size, whole))
        return terms(names, found)

    def stationary(
        self, inputs: Mapping[str, float], many: int, witnesses: Sequence[Sequence[float | None]]
    ) -> Stationary:
        """Return what the derivatives say of a point, where they are by inputs."""
        from mpmath import mpf

        from ..ops.namespaces import multiprecision

        graph, names = self.graph, self.names
        with digits(many):
            xp, point = multiprecision(), matched(graph, inputs)

            def derivatives(moves: Mapping[str, float]) -> tuple[list[Any], list[list[Any]]]:
                moved = {name: x + mpf(moves.get(name, 0.0)) for name, x in point.items()}
                swept = [hessian_row(graph, exact_leaves(graph, moved), name, xp) for name in names]
                gradient = swept[0][0]
                rows = [[mpf(row[name]) for name in names] for _, row in swept]
                return [mpf(gradient[name]) for name in names], rows

            found = judged(inputs, names, derivatives, witnesses)
            if self.kind == "series" and self.order > 2 and found.why == FLAT:
                kind = by_order(along(graph, exact_leaves(graph, point), self.line, self.order, xp)[1:])
                found = found._replace(kind=kind, why=found.why if kind == UNDECIDED else "")
            return found


def higher(
    graph: Graph,
    bindings: Mapping[str, float],
    *,
    order: int = 1,
    direction: Mapping[str, float] | None = None,
    wrt: Sequence[str] | None = None,
    methods: Sequence[str] = (),
    process: SymbolicProcess | None = None,
    large: bool = False,
    taylor: bool = False,
) -> Higher:
    """Differentiate more than once, or along a direction.

    Args:
        graph: The computation.
        bindings: As of `report.differentiate`.
        order: How often, from 1 to `HIGHEST`; 3 and more only by one input, along a direction, or by as many
            names as that.
        direction: Input to speed.
        wrt: Inputs to differentiate by; one that stands more than once, or as many as an order above 2, are a
            mixed partial derivative.
        methods: ``symbolic``, ``reverse`` (our rules) and ``finite``; all when empty.
        process: For the symbolic method.
        large: The program was read with the limits on size lifted.
        taylor: Differentiate by all inputs up to that order, and return the Taylor polynomial.
    Raises:
        UsageError: for an order or direction that does not fit.
        BindingError, NoSuchNumber: as of `report.differentiate`.
    """
    if not 1 <= order <= HIGHEST:
        raise UsageError(f"--order is from 1 to {HIGHEST}, not {order}")
    asked = check_wrt(graph, wrt)
    if not asked:
        raise UsageError("there is nothing to differentiate by: the expression has no inputs")
    if direction is not None:
        asked = check_wrt(graph, list(direction))
    question = _polynomial(graph, order, asked) if taylor else _question(graph, order, direction, asked, wrt)
    order = question.order
    wanted = question.wanted(direction is not None)
    ours = OURS[question.kind]
    chosen = [m for m in ("symbolic", ours, "finite") if not methods or _given(m, ours) in methods]
    pointless = not is_bound(graph, bindings)
    point = None if pointless and process is not None else Point.at(graph, bindings, ())
    inputs, value = (point.inputs, point.value) if point is not None else (None, 0.0)
    columns: dict[str, list[float | None]] = {m: [None] * len(wanted) for m in chosen if inputs is not None}
    sides: list[tuple[float, float] | None] = [None] * len(wanted)
    limits: list[float | None] = [None] * len(wanted)
    apart, why = None, dict[int, str]()
    many = DIGITS
    if inputs is not None:
        there = Point.at(graph, bindings, asked)
        # 0.25 beside 1e300 takes more of them
        many = MANY if is_far(graph, there.values) else DIGITS
        beside, bent = there.limits, _is_between_pieces(there)
        apart = next((b for b in beside.values() if b.apart), None)
        # our rules run for every choice of methods: they find derivatives that do not exist
        found = list[float | None](question.ours(inputs, many))
        for k, ((name, along_), x) in enumerate(zip(wanted, found, strict=True)):
            # where the first derivative is not by the chain rule, no other is
            ours_hold = not beside and x is not None and isfinite(x)
            # of a mixed derivative the quotients tend to something where there is none, too
            if ours_hold and not (bent and len(along_) > 1 and len(set(along_)) == 1):
                continue
            limit = limit_of(graph, inputs, along_)
            if ours_hold:
                if limit is not None and x is not None and not _near(limit, x):
                    found[k], limits[k], why[k] = None, limit, CONVENTIONS
                continue
            found[k], limits[k] = None, limit
            if limit is None:
                at = ", ".join(f"{n} = {exact_text(v)}" for n, v in inputs.items())
                raise SlopeError(f"{name} does not exist at {at}", source=graph.source)
    # a stationary point is told by the slopes, which a Hessian is without
    asks_slopes = question.kind == "hessian" and inputs is not None
    slopes: list[tuple[Weights, ...]] = [(((n, 1.0),),) for n in asked] if asks_slopes else []
    # only now: a request whose answer nobody fetches would answer the next one
    if process is not None and (pointless or "symbolic" in chosen):
        process.request_higher(graph, inputs, [*(along_ for _, along_ in wanted), *slopes], large=large)
    if inputs is not None:
        if ours in columns:
            columns[ours] = found
        if "finite" in columns:
            for k, (_, along_) in enumerate(wanted):
                columns["finite"][k], sides[k] = quotient(graph, inputs, along_, corners=bent)
    formulas: list[str | None] = [None] * len(wanted)
    notes: list[str] = []
    slopes_by: dict[str, list[float | None]] = {}
    if process is not None and (pointless or "symbolic" in chosen):
        answer = process.answer()
        texts: Mapping[int, str] = answer.formulas
        if graph.source.unknown:
            from .unknown import without_refuted

            held = [texts.get(k) for k in range(len(wanted))]
            texts, lost = without_refuted(
                graph,
                {k: text for k, text in enumerate(held) if text is not None},
                lambda program, at, _: [
                    x
                    for x, text in zip(question._replace(graph=program).ours(at, DIGITS), held, strict=True)
                    if text is not None
                ],
            )
            notes += lost
        formulas = [texts.get(k) for k in range(len(wanted))]
        if "symbolic" in columns:
            columns["symbolic"] = [
                None if apart or k in why else answer.numbers.get(k) for k in range(len(wanted))
            ]
            if not answer.failure:
                slopes_by["symbolic"] = [answer.numbers.get(len(wanted) + k) for k in range(len(slopes))]
        if answer.failure:
            notes.append(f"symbolic: {answer.failure}; the other columns stand")
    largest = max((abs(x) for column in columns.values() for x in column if x is not None), default=0.0)
    scale = max(largest, abs(value))
    exact = cache(lambda: question.exact(inputs or {}, many))
    rows = []
    for k, (name, along_) in enumerate(wanted):
        numbers = {m: columns[m][k] for m in columns}
        verdict, difference = _judge(numbers, sides[k], scale)
        if verdict == DISAGREE and _rounded(numbers, ours, exact()[k]):
            verdict = ROUNDING
        rows.append(Derivative(name, along_, formulas[k], numbers, verdict, difference, sides[k], limits[k]))
        if limits[k] is not None:
            reason = why.get(k) or (told(graph, apart) if apart is not None else STEEP)
            notes.append(f"{name}: {reason}; the limit of the quotients stands")
    warnings = list(warnings_of(graph))
    for k, row in enumerate(rows):
        alone = row.numbers.get(ours) if len(columns) == 1 else None
        if row.verdict == ROUNDING or (alone is not None and _is_spoilt(alone, exact()[k])):
            warnings.append(f"rounding: {row.name} holds to few digits")
    stationary = None
    found_terms = None
    if inputs is not None and taylor:
        smooth = _is_settled(there, rows) and ("finite" in columns or not bent)
        if smooth:
            found_terms = question.terms(inputs, many, value, rows)
        else:
            notes.append("no Taylor polynomial: not every derivative is settled here")
    elif inputs is not None and order > 1 and direction is None and question.kind != "mixed":
        if "finite" in columns and slopes:
            slopes_by["finite"] = [quotient(graph, inputs, along_)[0] for along_ in slopes]
        elif not slopes:
            slopes_by = {m: column[:1] for m, column in columns.items()}
        stationary = _stationary(question, inputs, many, rows, there, list(slopes_by.values()))
    return Higher(
        graph,
        point,
        order,
        dict(direction) if direction is not None else None,
        asked,
        tuple(columns),
        rows,
        tuple(warnings),
        tuple(notes),
        question.kind in ("mixed", "polynomial"),
        stationary,
        found_terms,
    )


def _polynomial(graph: Graph, order: int, asked: tuple[str, ...]) -> _Question:
    """Return the derivatives of a Taylor polynomial.

    Raises:
        UsageError: where there are too many.
    """
    if len(asked) == 1:
        return _Question("series", graph, asked, order, {asked[0]: 1.0})
    many = comb(len(asked) + order, order)
    if many > MOST_TERMS:
        raise UsageError(
            f"a Taylor polynomial of order {order} by {len(asked)} inputs has {many:,} terms: "
            f"{MOST_TERMS} at most",
            hint="a lower order, or --wrt a,b",
        )
    return _Question("polynomial", graph, asked, order, {})


def _question(
    graph: Graph,
    order: int,
    direction: Mapping[str, float] | None,
    asked: tuple[str, ...],
    wrt: Sequence[str] | None,
) -> _Question:
    """Return which derivatives are asked for.

    Raises:
        UsageError: for an order that does not fit.
    """
    if direction is not None:
        return _Question("series", graph, asked, order, direction)
    each = tuple(wrt or ())
    if is_mixed(each, order):
        if order not in (1, len(each)):
            raise UsageError(
                f"--wrt {','.join(each)} is a derivative of order {len(each)}, and --order says {order}",
                hint="leave --order out",
            )
        if len(each) > HIGHEST:
            raise UsageError(f"--wrt names {len(each)} inputs: derivatives are taken up to order {HIGHEST}")
        if len(asked) > 1:
            return _Question("mixed", graph, each, len(each), {})
        order = len(each)
    if len(asked) == 1:
        return _Question("series", graph, asked, order, {asked[0]: 1.0})
    if order > 2:
        raise UsageError(
            f"--order {order} is by one input, but there are {len(asked)}: {', '.join(asked[:20])}",
            hint="--wrt NAME chooses one, --direction a=1,b=0 a line, --wrt a,a,b one mixed derivative",
        )
    if len(asked) > MOST_INPUTS:
        raise UsageError(
            f"a Hessian of {len(asked)} inputs is too large to write out: {MOST_INPUTS} at most",
            hint="--wrt a,b chooses some",
        )
    return _Question("hessian", graph, asked, 2, {})


def is_mixed(wrt: Sequence[str], order: int) -> bool:
    """Whether these names are one derivative, by one after the other, and not one by each."""
    return len(set(wrt)) < len(wrt) or (order > 2 and len(wrt) == order)


def _is_settled(there: Point, rows: Sequence[Derivative]) -> bool:
    """Whether every derivative exists by the rules, and no method says another number."""
    return not there.limits and all(row.limit is None and row.verdict not in (KINK, DISAGREE) for row in rows)


def _stationary(
    question: _Question,
    inputs: Mapping[str, float],
    many: int,
    rows: Sequence[Derivative],
    there: Point,
    witnesses: Sequence[Sequence[float | None]],
) -> Stationary | None:
    """Return what the point is; None where many digits would take too long to tell."""
    names = question.names
    if len(names) * len(question.graph) > SETTLED_UP_TO:
        return None
    if not _is_settled(there, rows):
        return Stationary(UNDECIDED, there.gradient(names), None, "not every second derivative is settled")
    return question.stationary(inputs, many, [*witnesses, list(there.gradient(names).values())])


def _given(method: str, ours: str) -> str:
    return "reverse" if method == ours else method


def _single_name(output: str, by: str | None, order: int) -> str:
    """Return ``dL/da``, ``d3L/da3``; along a direction ``dL/dt``."""
    by = by or "t"
    return f"d{output}/d{by}" if order == 1 else f"d{order}{output}/d{by}{order}"


def _pair_name(output: str, a: str, b: str) -> str:
    return f"d2{output}/d{a}2" if a == b else f"d2{output}/d{a}d{b}"


def _judge(
    numbers: Mapping[str, float | None], sides: tuple[float, float] | None, scale: float
) -> tuple[str, float | None]:
    """Return verdict and largest difference."""
    if sides is not None:
        return KINK, None
    known = [x for x in numbers.values() if x is not None]
    if len(known) < 2:
        return NOT_RUN, None
    difference = max(known) - min(known)
    close = difference <= SAME * max(map(abs, known)) + 1e-13 * scale or difference < 1e-18
    return (AGREE if close else DISAGREE), difference


def _rounded(numbers: Mapping[str, float | None], ours: str, exact: float) -> bool:
    """Whether our rules agree with the other methods once nothing is rounded."""
    others = [x for m, x in numbers.items() if x is not None and m != ours]
    if numbers.get(ours) is None or max(others) - min(others) > SAME * max(map(abs, others)):
        return False
    return abs(exact - others[0]) <= SAME * abs(others[0]) + 1e-18


def _is_spoilt(number: float, exact: float) -> bool:
    """Whether rounding has changed a number of our rules by more than `SPOILT`."""
    return isfinite(exact) and abs(number - exact) > SPOILT * abs(exact) + NOTHING


def _is_between_pieces(point: Point) -> bool:
    """Whether some step that the output needs is at a kink, or where two pieces meet smoothly."""
    return any(
        point.needed[node.id]
        and node.op is not None
        and between_pieces(node.op, [point.values[i] for i in node.inputs])
        for node in kinked(point.graph)
    )


def limit_of(graph: Graph, inputs: Mapping[str, float], directions: Sequence[Weights]) -> float | None:
    """Return what quotients tend to, told by two steps, on both sides; None where that is nothing."""
    far, near = (quotient(graph, inputs, directions, move, SPARE)[0] for move in (MOVE, MOVE + MOVE // 2))
    if far is None or near is None or not (isfinite(far) and isfinite(near)):
        return None
    if _near(far, near):
        return near
    return 0.0 if abs(near) <= SAME * abs(far) else None


def _near(x: float, y: float) -> bool:
    return abs(x - y) <= SAME * abs(y)


def quotient(
    graph: Graph,
    inputs: Mapping[str, float],
    directions: Sequence[Weights],
    move: int = MOVE,
    spare: int = 0,
    *,
    corners: bool = False,
) -> tuple[float | None, tuple[float, float] | None]:
    """Return a central difference quotient in multi-precision, and its sides where they differ.

    Steps are so small and numbers so long that what is left of either error is below a float's.

    Args:
        graph: The computation.
        inputs: The point.
        directions: One after the other.
        move: Decimals of the step, relative to the point.
        spare: Digits more than that takes.
        corners: Look from all four sides of two directions: max(x, y) is alike ahead and behind.
    """
    from mpmath import mp, mpf

    order = len(directions)
    moved = {name for weights in directions for name, w in weights if w and inputs[name]}
    # decimals by which the steps lie nearer to 0 than to a point of size 1
    nearer = max(0, *(int(-log10(abs(inputs[name]))) for name in moved), 0)
    with digits(40 + move * (order + 1) + spare + order * nearer):
        start = matched(graph, inputs)
        steps = []
        for weights in dict.fromkeys(directions):
            size = min((abs(inputs[name]) for name, w in weights if w and inputs[name]), default=1.0)
            size = min(size, 1.0) if spare else size  # sin(x) turns at 1e300 as often as at 1
            steps.append((weights, mpf(10) ** -move * mpf(size)))

        largest = mpf(0)

        def at(*moves: Any) -> Any:
            nonlocal largest
            there = dict(start)
            for (weights, h), k in zip(steps, moves, strict=True):
                for name, w in weights:
                    there[name] += k * h * mpf(w)
            value = run_exactly(graph, there)[graph.output]
            largest = max(largest, abs(value)) if mp.isfinite(value) else largest
            return value

        def difference(share: Any, rest: Any = None) -> Any:
            """Difference once by every direction, from points ahead by this share of all steps.

            The rest, where it is given, is the share of all directions but the first.
            """
            shares = [share, *(len(powers) - 1) * [share if rest is None else rest]]
            terms = (
                (-1) ** sum(taken)
                * prod(map(comb, powers, taken))
                * at(*(part * n - k for part, n, k in zip(shares, powers, taken, strict=True)))
                for taken in product(*(range(n + 1) for n in powers))
            )
            return sum(terms, start=mpf(0)) / span

        powers = tuple(Counter(directions).values())
        span = prod(h**n for (_, h), n in zip(steps, powers, strict=True))
        central, right, left = difference(mpf(1) / 2), difference(1), difference(0)
        noise = mpf(10) ** (10 - mp.dps) * largest / span  # what rounding leaves of a 0
        found = [mpf(0) if abs(x) <= noise else x for x in (central, left, right) if mp.isfinite(x)]
        if not found:
            return None, None
        if len(found) == 3 and max(found) - min(found) > mpf("1e-10") * max(1, abs(left), abs(right)):
            return None, (float(found[1]), float(found[2]))
        if corners and len(powers) > 1 and len(found) == 3:
            others = [x for x in (difference(1, 0), difference(0, 1)) if mp.isfinite(x)]
            if any(abs(x - central) > mpf("1e-10") * max(1, abs(x), abs(central)) + noise for x in others):
                return None, (float(found[1]), float(found[2]))
        return float(found[0]), None  # from one side, at the edge of the domain
