"""Derivatives of what equations define, by the implicit function theorem, three ways each.

Where F(x, y) = 0 and dF/dy is not 0, y is a function of x near the point, and dy/dx = -(dF/dx)/(dF/dy);
of several equations that quotient is the solution of linear equations, over the Jacobian matrix. Partial
derivatives are those of one reverse sweep an equation; SymPy has the formula; the third witness knows no
rule: it moves x, solves the equations again in many digits, and takes the quotient.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from math import fsum, gcd, isfinite, ulp
from typing import TYPE_CHECKING, Any, NamedTuple

from ..engine.point import Point
from ..engine.run import exact_leaves, matched, not_an_input
from ..errors import BackpropError, BindingError, NoSuchNumber, UsageError
from ..language.equations import Equations
from ..language.lower import lower
from ..language.numbers import brief, exact_text
from ..language.parser import parse
from ..ops.precision import digits
from .compare import DISAGREE, KINK, Verdict, compare
from .finite import Quotient
from .rounding import rounding_bounds
from .series import along
from .solving import DIGITS, inverse_of, roots, solved_exactly, values_of

if TYPE_CHECKING:
    from .symbolic.process import Symbolic, SymbolicProcess

COLUMNS = ("symbolic", "reverse", "finite")
MOVES = (12, 24, 36)
"""Decimals of a move, relative to the point: its square is what central quotients are off by. Where the sides
differ after the last one as well there is a kink, not a bend."""
NEAR = 1e-9
"""Part of a coordinate by which a given point may be off the curve: what was rounded on the way is mended."""
SIDES_MEET = 1e-6
FAINT = 1e-12
"""Slope, by the sizes of what moves, of which a millionth is no kink."""
REST = 10.0 ** (10 - DIGITS)
"""Part of its summands that is left of a sum that is 0."""
SMALLEST = 1e-40
"""Coordinate beside which a move still changes the digits of the others."""


class Slope(NamedTuple):
    """A derivative of a variable that equations are solved for.

    Attributes:
        of: The variable.
        by: What it is differentiated by.
        order: How often.
        formula: On the curve; None without SymPy.
        numbers: By method; None where a method has none.
        verdict: As of `compare`.
        why: Why there is no such derivative; "" where there is.
    """

    of: str
    by: str
    order: int
    formula: str | None
    numbers: dict[str, float | None]
    verdict: Verdict
    why: str = ""

    @property
    def name(self) -> str:
        """``dy/dx``, ``d2y/dx2``."""
        power = str(self.order) if self.order > 1 else ""
        return f"d{power}{self.of}/d{self.by}{power}"

    @property
    def settled(self) -> float | None:
        """The number that stands."""
        if self.why:
            return None
        first = "symbolic" if self.verdict.verdict == "rounding" else "reverse"
        return next((self.numbers[m] for m in (first, *COLUMNS) if self.numbers.get(m) is not None), None)


class Tangent(NamedTuple):
    """The line that touches a curve: a*x + b*y = c.

    Attributes:
        names: Of the two variables.
        factors: a and b, whole numbers where they can be.
        constant: c.
        slope: Of the second by the first; None where it is vertical.
        offset: Where it crosses the second axis.
    """

    names: tuple[str, str]
    factors: tuple[float, float]
    constant: float
    slope: float | None
    offset: float | None


class Rate(NamedTuple):
    """How fast a variable changes where the others do.

    Attributes:
        of: The variable.
        formula: Over slopes and rates, ``-x/y*dx/dt``.
        value: At the point; None for formulas alone.
    """

    of: str
    formula: str | None
    value: float | None


class Implicit(NamedTuple):
    """What equations say of the slopes of their variables.

    Attributes:
        equations: The equations.
        inputs: The point; None for formulas alone.
        solved: What was found by solving, not given.
        slopes: The derivatives.
        partials: By equation and variable: reverse mode's; empty without a point.
        tangent: Of one equation of two variables.
        given: Rates that were given.
        rates: Those that follow.
        notes: What the user should know.
        inverse: Of ``y = f(x)``, x by y and its derivative, where f can be undone.
        inverted: The inverse was asked for.
    """

    equations: Equations
    inputs: dict[str, float] | None
    solved: tuple[str, ...]
    slopes: tuple[Slope, ...]
    partials: tuple[dict[str, float], ...]
    tangent: Tangent | None
    given: dict[str, float]
    rates: tuple[Rate, ...]
    notes: tuple[str, ...] = ()
    inverse: tuple[str, str] | None = None
    inverted: bool = False

    @property
    def agree(self) -> bool | None:
        """False when a verdict is `disagree`; None without a point."""
        if self.inputs is None:
            return None
        return all(s.verdict.verdict != DISAGREE for s in self.slopes)

    @property
    def exists(self) -> bool:
        """Whether any of the derivatives does."""
        return self.inputs is None or any(not s.why for s in self.slopes)


def implicit(
    equations: Equations,
    bindings: Mapping[str, float],
    *,
    solve: Sequence[str] | None = None,
    wrt: Sequence[str] | None = None,
    order: int = 1,
    rates: Mapping[str, float] | None = None,
    inverse: bool = False,
    process: SymbolicProcess | None = None,
) -> Implicit:
    """Differentiate the variables of equations.

    Args:
        equations: From `read_equations`.
        bindings: The point; a variable that has no value is solved for where that leaves one solution. With
            no values at all there are formulas alone.
        solve: Variables that are functions of the others, as many as equations; None for either of two.
        wrt: Variables to differentiate by; None for all others.
        order: 1, or 2 for one equation.
        rates: How fast variables change in time.
        inverse: The equation is ``y = f(x)``, and x is asked for by y; ``wrt`` names x, one of many inputs.
        process: For the symbolic method.
    Raises:
        UsageError, BindingError: for names that do not fit, and a point that is not on the curve.
        NoSuchNumber: where a side has no value.
    """
    rates = dict(rates or {})
    pairs = _both(equations, wrt) if inverse else _pairs(equations, solve, wrt, order, rates)
    graph = equations.graph
    for name in bindings:
        if name not in graph.inputs:
            raise not_an_input(graph, name)
    notes: list[str] = []
    inputs, found = (None, ()) if not bindings else _point(equations, bindings, pairs[0][0], notes)
    slopes: list[Slope] = []
    forms: Sequence[tuple[str, str]] = ()
    partials: tuple[dict[str, float], ...] = ()
    bounds: tuple[dict[str, float], ...] = ()
    kinked: set[str] = set()
    if inputs is not None:
        partials, bounds = _swept(equations, inputs)
        kinked = _kinked(equations, inputs)
    for k, (solved, by) in enumerate(pairs):
        upright = (solved[-1] == list(equations.unknowns)[-1]) if rates else k == 0
        why = _undefined(solved, by, partials, bounds, kinked, upright=upright) if inputs is not None else ""
        if process is not None:
            ids = [g.output for g in equations.graphs]
            undo = inverse and k == 1
            process.request_implicit(equations.graph, ids, solved, by, order, inputs, inverse=undo)
        moved = _numbers(equations, inputs, solved, by, order, partials, bounds, why)
        answer = process.answer() if process is not None else None
        if answer is not None and answer.failure:
            notes.append(f"symbolic: {answer.failure}; the other columns stand")
        slopes += _slopes(inputs, solved, by, order, why, moved, answer)
        forms = answer.inverses if answer is not None else ()
    tangent = None
    if inputs is not None and len(equations.graphs) == 1 and len(equations.unknowns) == 2 and not kinked:
        tangent = _tangent(pairs[0], inputs, partials[0], bounds[0])
    asked = _rates(slopes, rates, pairs[0]) if rates else ()
    undone = _undone(equations, inputs, pairs[0], forms) if inverse else None
    return Implicit(
        equations,
        inputs,
        found,
        tuple(slopes),
        partials,
        tangent,
        rates,
        asked,
        tuple(notes),
        undone,
        inverse,
    )


# what is asked


Pair = tuple[tuple[str, ...], tuple[str, ...]]
"""Variables that are solved for, and those to differentiate by."""


def _pairs(
    equations: Equations,
    solve: Sequence[str] | None,
    wrt: Sequence[str] | None,
    order: int,
    rates: Mapping[str, float],
) -> list[Pair]:
    names, count = list(equations.unknowns), len(equations.graphs)
    known = ", ".join(equations.graph.inputs)
    for what, given in (("--solve", solve or ()), ("--wrt", wrt or ()), ("--rate", rates)):
        for name in given:
            if name not in equations.graph.inputs:
                raise UsageError(
                    f"{what} {name}: the equation has no variable {name}", hint=f"it has {known}"
                )
    if count >= len(names):
        raise UsageError(
            f"{count} equation{'s' * (count > 1)} of {len(names)} variable{'s' * (len(names) != 1)}: no "
            "variable is left to differentiate by",
            source=equations.source, span=(0, len(equations.source.text)),
            hint="a curve has one variable more than equations",
        )  # fmt: skip
    if order > 2 or (order == 2 and count > 1):
        raise UsageError(
            "derivatives of what an equation defines are of order 1 and 2, of several equations of order 1"
        )
    if solve is None and rates:
        left = [name for name in names if name not in rates]
        if len(left) != count:
            raise UsageError(
                f"of {len(names)} variables {len(names) - count} change at rates that are known, and "
                f"{len(rates)} {'is' if len(rates) == 1 else 'are'} given",
                hint=f"--rate {next((n for n in left), names[0])}=NUMBER",
            )
        solve = left
    if solve is not None:
        solved = tuple(dict.fromkeys(solve))
        if len(solved) != count:
            raise UsageError(
                f"{count} equation{'s are' if count > 1 else ' is'} solved for {count} "
                f"variable{'s' * (count > 1)}, and --solve names {len(solved)}",
                hint=f"variables: {', '.join(names)}",
            )
        by = tuple(name for name in wrt or names if name not in solved)
        if not by:
            raise UsageError("--wrt names what --solve names: nothing is left to differentiate by")
        return [(solved, by)]
    if count == 1 and len(names) == 2:
        # as a reader expects: dy/dx first
        first = next((n for n in ("x", "t") if n in names), names[0])
        other = next(n for n in names if n != first)
        both: list[Pair] = [((other,), (first,)), ((first,), (other,))]
        return [pair for pair in both if wrt is None or pair[1][0] in wrt]
    which = ",".join(names[-count:])
    raise UsageError(
        f"{len(names)} variables and {count} equation{'s' * (count > 1)}: which are functions of the others?",
        source=equations.source, span=(0, len(equations.source.text)),
        hint=f"--solve {which} makes {' and '.join(names[-count:])} functions of the others",
    )  # fmt: skip


def _both(equations: Equations, wrt: Sequence[str] | None) -> list[Pair]:
    """Return dy/dx and dx/dy of ``y = f(x)``."""
    graph, source = equations.graph, equations.source
    y = next((n for n, id in graph.inputs.items() if id == equations.leaves[0][0]), None)
    if y is None or len(equations.graphs) > 1 or graph.depends_on([graph.inputs[y]])[equations.leaves[0][1]]:
        raise UsageError(
            "--inverse is for a function, y = f(x)", source=source, span=(0, len(source.text)),
            hint="an equation has both slopes without it",
        )  # fmt: skip
    others = [n for n in equations.unknowns if n != y] or [n for n in graph.inputs if n != y]
    for name in wrt or ():
        if name not in others:
            raise UsageError(
                f"--wrt {name}: {y} has no input {name}", hint=f"its inputs: {', '.join(others)}"
            )
    asked = list(wrt or others)
    if len(asked) != 1:
        raise UsageError(
            f"--inverse is by one input, and {y} has {len(asked)}",
            hint=f"--wrt {asked[0]} holds the others" if asked else None,
        )
    return [((y,), (asked[0],)), ((asked[0],), (y,))]


# the point


def _point(
    equations: Equations, bindings: Mapping[str, float], solved: Sequence[str], notes: list[str]
) -> tuple[dict[str, float], tuple[str, ...]]:
    """Return a point on the curve, and what of it was solved for."""
    graph = equations.graph
    given = {**graph.defaults, **bindings}
    for name, x in given.items():
        if not isfinite(x):
            raise BindingError(f"{name} = {x} is not a finite number")
    missing = [name for name in equations.unknowns if name not in given]
    if missing:
        if len(equations.graphs) > 1 or len(missing) > 1:
            raise BindingError(
                f"no value for {', '.join(missing)}", source=equations.source,
                hint="give every variable a value: a point on the curve",
            )  # fmt: skip
        (name,) = missing
        explicit = _explicit(equations, given, name)
        if explicit is not None:
            return {n: {**given, name: explicit}[n] for n in graph.inputs}, (name,)
        found = roots(equations.graph, given, name)
        at = _at(given, equations)
        if not found:
            raise NoSuchNumber(
                f"at {at} no {name} was found that solves {_text(equations)}", source=equations.source,
                hint=f"--{name} VALUE gives one",
            )  # fmt: skip
        if len(found) > 1:
            listed = ", ".join(f"{name} = {exact_text(x)}" for x in found[:8])
            more = f" and {len(found) - 8} more" if len(found) > 8 else ""
            raise BindingError(
                f"at {at} there are {len(found)} points: {listed}{more}", source=equations.source,
                hint=f"--{name} {exact_text(found[-1])} chooses one",
            )  # fmt: skip
        notes.append(f"{name} = {exact_text(found[0])} is the one solution that was found")
        return {n: {**given, name: found[0]}[n] for n in graph.inputs}, (name,)
    inputs = {name: float(given[name]) for name in graph.inputs}
    off = [abs(g) for g, noise in (_residual(g, inputs) for g in equations.graphs) if abs(g) > 2.0 * noise]
    if not off:
        return inputs, ()
    exact = solved_exactly(equations, inputs, solved)
    if exact is not None and all(
        abs(exact[n] - inputs[n]) <= NEAR * max(1.0, abs(inputs[n])) for n in solved
    ):
        moved = {n: float(exact[n]) for n in solved}
        told = ", ".join(f"{n} = {exact_text(x)}" for n, x in moved.items())
        notes.append(f"the point is taken for that on the curve beside it, {told}")
        return {**inputs, **moved}, tuple(moved)
    raise _off_the_curve(equations, inputs, solved, max(off), exact)


def _explicit(equations: Equations, given: Mapping[str, float], name: str) -> float | None:
    """Return what a variable is that one side is and the other has not: ``V = 2*r``; None for others."""
    graph, sides = equations.graph, equations.leaves[0]
    id = graph.inputs[name]
    moved = graph.depends_on([id])
    for one, other in (sides, sides[::-1]):
        if one == id and not moved[other]:
            point = graph.with_output(other)
            return Point.at(point, {**given, name: 0.0}, ()).value
    return None


def _residual(graph: Any, inputs: Mapping[str, float]) -> tuple[float, float]:
    """Return left minus right side, and how far rounding may move it."""
    point = Point.at(graph, inputs, ())
    return point.value, rounding_bounds(point)[0]


def _off_the_curve(
    equations: Equations, inputs: Mapping[str, float], solved: Sequence[str], off: float, exact: Any
) -> BindingError:
    hint = None
    others = {n: x for n, x in inputs.items() if n not in solved}
    if len(solved) == 1:
        (name,) = solved
        found = roots(equations.graph, others, name)
        if found:
            nearest = min(found, key=lambda y: abs(y - inputs[name]))
            hint = f"at {_at(others, equations)} the nearest is {name} = {exact_text(nearest)}"
        else:
            hint = f"at {_at(others, equations)} no {name} was found"
    elif exact is not None:
        hint = "near it: " + ", ".join(f"{n} = {exact_text(float(exact[n]))}" for n in solved)
    many = len(equations.graphs) > 1
    return BindingError(
        f"{_at(inputs, equations)} does not solve {'the equations' if many else _text(equations)}: "
        f"the sides differ by {brief(off, 3)}",
        source=equations.source, span=(0, len(equations.source.text)), hint=hint,
    )  # fmt: skip


def _at(inputs: Mapping[str, float], equations: Equations) -> str:
    return ", ".join(f"{n} = {exact_text(inputs[n])}" for n in equations.unknowns if n in inputs)


def _text(equations: Equations) -> str:
    return " = ".join(equations.sides[0])


# the witnesses


def _swept(
    equations: Equations, inputs: Mapping[str, float]
) -> tuple[tuple[dict[str, float], ...], tuple[dict[str, float], ...]]:
    """Return the partial derivatives of each equation by reverse mode, and bounds on their rounding."""
    partials, bounds = [], []
    for graph in equations.graphs:
        point = Point.at(graph, inputs, list(graph.inputs))
        explained = rounding_bounds(point)[1]
        partials.append({name: point.cotangents[id] for name, id in graph.inputs.items()})
        bounds.append({name: explained[id] for name, id in graph.inputs.items()})
    return tuple(partials), tuple(bounds)


Asked = tuple[str, str, int]
"""What is differentiated, by what, and how often."""


class _Numbers(NamedTuple):
    """What our rules and moves say, by what is asked.

    Attributes:
        reverse: Slopes by reverse mode.
        explained: Bounds on their rounding.
        finite: What the equations give as they are solved again; None where they cannot be.
    """

    reverse: dict[Asked, float]
    explained: dict[Asked, float]
    finite: dict[Asked, Quotient | None]


def _numbers(
    equations: Equations,
    inputs: dict[str, float] | None,
    solved: tuple[str, ...],
    by: tuple[str, ...],
    order: int,
    partials: Sequence[Mapping[str, float]],
    bounds: Sequence[Mapping[str, float]],
    why: str,
) -> _Numbers:
    found = _Numbers({}, {}, {})
    if inputs is None or why:
        return found
    inverse = inverse_of([[row[y] for y in solved] for row in partials])
    assert inverse is not None
    for x in by:
        column = [-row[x] for row in partials]
        slope = [_dot(row, column) for row in inverse]
        noise = [bound[x] + _dot([bound[y] for y in solved], map(abs, slope)) for bound in bounds]
        for y, row, d in zip(solved, inverse, slope, strict=True):
            sizes = [abs(a) for a in row]
            found.reverse[y, x, 1] = d + 0.0
            found.explained[y, x, 1] = 8.0 * ulp(_dot(sizes, map(abs, column))) + _dot(sizes, noise)
        if order == 2:
            (y,) = solved
            found.reverse[y, x, 2], found.explained[y, x, 2] = _second(equations, inputs, y, x)
        found.finite.update(_moved(equations, inputs, partials, solved, x, order))
    return found


def _slopes(
    inputs: dict[str, float] | None,
    solved: tuple[str, ...],
    by: tuple[str, ...],
    order: int,
    why: str,
    moved: _Numbers,
    answer: Symbolic | None,
) -> list[Slope]:
    """Return the derivatives with their verdicts."""
    wanted = [(y, x, k) for k in range(1, order + 1) for y in solved for x in by]
    rows = []
    for k, key in enumerate(wanted):
        formula = answer.formulas.get(k) if answer is not None else None
        if inputs is None or why:
            rows.append(Slope(*key, formula, dict.fromkeys(COLUMNS), Verdict("not-run"), why))
            continue
        quotient = moved.finite.get(key)
        numbers = {
            "symbolic": answer.numbers.get(k) if answer is not None else None,
            "reverse": moved.reverse.get(key),
            "finite": quotient.value if quotient is not None else None,
        }
        explained = moved.explained.get(key, 0.0)
        verdict = compare(numbers, quotient, explained, inputs[key[1]], inputs[key[0]])
        stands = numbers["symbolic"] if numbers["symbolic"] is not None else numbers["reverse"]
        if formula is not None and not _holds(formula, inputs, stands):
            formula = None
        rows.append(Slope(*key, formula, numbers, verdict))
    return rows


def _dot(a: Iterable[float], b: Iterable[float]) -> float:
    return fsum(x * y for x, y in zip(a, b, strict=True))


def _kinked(equations: Equations, inputs: Mapping[str, float]) -> set[str]:
    """Return the variables by which a side has a kink here: its slopes on the two sides differ."""
    from mpmath import mpf

    with digits(DIGITS):
        point = {n: mpf(x) for n, x in matched(equations.graph, inputs).items()}
        here = values_of(equations, point)

        def bent(name: str, decimals: int) -> bool:
            h = mpf(10) ** -decimals * _size(point[name])
            above, below = (values_of(equations, {**point, name: point[name] + way * h}) for way in (1, -1))
            sides = [((a - f) / h, (f - b) / h) for a, f, b in zip(above, here, below, strict=True)]
            return any(_is_bent(*pair, least=FAINT) for pair in sides)

        return {name for name in equations.unknowns if all(bent(name, k) for k in MOVES[1:])}


def _is_bent(left: Any, right: Any, *, least: Any) -> bool:
    """Whether the slopes of two sides differ, by more than that part of the least that counts."""
    return bool(abs(right - left) > SIDES_MEET * max(abs(left), abs(right), least))


def _size(x: Any) -> Any:
    """Return what moves of a coordinate are measured by: 1 at 0, and where its digits do not suffice."""
    return abs(x) if abs(x) >= SMALLEST else 1


def _undefined(
    solved: Sequence[str],
    by: Sequence[str],
    partials: Sequence[Mapping[str, float]],
    bounds: Sequence[Mapping[str, float]],
    kinked: Collection[str],
    *,
    upright: bool,
) -> str:
    """Return why variables are no functions of the others here; "" where they are."""
    if len(solved) > 1:
        inverse = inverse_of([[row[y] for y in solved] for row in partials])
        if inverse is not None:
            # the matrix may be singular within the rounding of its elements
            moves = max(
                fsum(abs(a) * max(bound[y] for y in solved) for a, bound in zip(row, bounds, strict=True))
                for row in inverse
            )
            if moves * len(solved) < 0.5:
                return ""
        names = " and ".join(solved)
        return f"the Jacobian matrix by {names} is singular: they are no functions of {' and '.join(by)} here"
    (y,), row, bound = solved, partials[0], bounds[0]
    if abs(row[y]) > bound[y]:
        return ""
    if y in kinked:
        return f"the equation has a kink in {y} here"
    if all(abs(row[x]) <= bound[x] for x in by):
        names = " and ".join(f"dF/d{n}" for n in (*by, y))
        return f"{names} are 0, a singular point: the equation defines no slope here"
    way = f": the tangent is {'vertical' if upright else 'horizontal'}" if len(by) == 1 else ""
    return f"dF/d{y} is 0{way}"


def _holds(formula: str, inputs: Mapping[str, float], number: float | None) -> bool:
    """Whether a formula, read back, has the number at the point: no other is shown."""
    if number is None:
        return False
    try:
        graph = lower(parse(formula), inputs)
        value = Point.at(graph, {n: inputs[n] for n in graph.inputs}, ()).value
    except BackpropError:
        return False
    return abs(value - number) <= 1e-6 * max(abs(value), abs(number)) + 1e-12


def _second(equations: Equations, inputs: Mapping[str, float], y: str, x: str) -> tuple[float, float]:
    """Return d2y/dx2 by our rules, and its rounding: y bends F back by as much as it bends along the tangent.

    In many digits: the slope goes in squared.
    """
    from ..ops.namespaces import multiprecision

    graph = equations.graph
    with digits(DIGITS):
        xp, leaves = multiprecision(), exact_leaves(graph, matched(graph, inputs))
        fx = along(graph, leaves, {x: 1.0}, 1, xp)[1]
        fy = along(graph, leaves, {y: 1.0}, 1, xp)[1]
        bent = along(graph, leaves, {x: 1.0, y: -fx / fy}, 2, xp)[2]
        parts = [along(graph, leaves, line, 2, xp)[2] for line in ({x: 1.0}, {y: -fx / fy})]
        if abs(bent) <= REST * sum(map(abs, parts)):  # a line's
            bent = 0
        number = float(-bent / fy)
    return number, 4.0 * ulp(number)


def _moved(
    equations: Equations,
    inputs: Mapping[str, float],
    partials: Sequence[Mapping[str, float]],
    solved: Sequence[str],
    x: str,
    order: int,
) -> dict[tuple[str, str, int], Quotient | None]:
    """Return difference quotients of what the equations are solved for again as x moves."""
    from mpmath import mpf

    # what rounding left of the sides' difference goes where it moves the point least
    rest = solved if len(solved) > 1 else (max((*solved, x), key=lambda n: abs(partials[0][n] * inputs[n])),)
    start = solved_exactly(equations, inputs, rest)
    found: dict[tuple[str, str, int], Quotient | None] = {}
    with digits(DIGITS):
        for decimals in MOVES:
            h = mpf(10) ** -decimals * _size(inputs[x])
            below, above = (
                solved_exactly(equations, {**start, x: start[x] + way * h}, solved) if start else None
                for way in (-1, 1)
            )
            if below is None or above is None:
                return found | {(y, x, 1): None for y in solved if (y, x, 1) not in found}
            for y in solved:
                left, right = (start[y] - below[y]) / h, (above[y] - start[y]) / h
                slope = (left + right) / 2
                usual = _size(inputs[y]) / _size(inputs[x])
                if (
                    abs(slope) <= mpf(10) ** (1 - 2 * decimals) * usual
                ):  # what is left of a quotient that is 0
                    slope = mpf(0)
                size = float(abs(slope)) or 1.0
                if _is_bent(left, right, least=FAINT * usual):
                    found[y, x, 1] = Quotient(float(slope), 0.0, KINK, float(left), float(right))
                else:
                    found[y, x, 1] = Quotient(float(slope), 1e-15 * size)
                if order == 2:
                    bend = (right - left) / h
                    if abs(bend) * h * h <= REST * _size(start[y]):
                        bend = mpf(0)
                    found[y, x, 2] = Quotient(float(bend), 1e-12 * (float(abs(bend)) or 1.0))
            # a bend within a move is taken for a kink: a kink remains as moves shrink
            if all(q is None or q.kind != KINK for q in found.values()):
                break
    return found


# what follows


SAMPLES = (-1.7, -0.6, 0.35, 0.8, 1.3, 2.2)
"""Where an inverse is tried that is to hold everywhere."""


def _undone(
    equations: Equations,
    inputs: Mapping[str, float] | None,
    pair: Pair,
    forms: Sequence[tuple[str, str]],
) -> tuple[str, str] | None:
    """Return the inverse that leads back to the point, or to all samples without one, by our own engine."""
    (y,), (x,) = pair
    graph = equations.graph
    f = graph.with_output(equations.leaves[0][1])

    def leads_back(form: tuple[str, str], at: Mapping[str, float]) -> bool | None:
        """Whether an inverse gives back x, and its slope that of f; None where f has no value."""
        try:
            point = Point.at(f, {**at, y: 0.0}, [x])
        except BackpropError:
            return None
        slope = point.cotangents[graph.inputs[x]]
        there = {**at, y: point.value}
        return bool(slope) and _holds(form[0], there, at[x]) and _holds(form[1], there, 1.0 / slope)

    for form in forms:
        if inputs is not None:
            held = [leads_back(form, inputs)]
        else:
            rest = {n: 0.9 + 0.2 * k for k, n in enumerate(graph.inputs)} | graph.defaults
            held = [leads_back(form, {**rest, x: at}) for at in SAMPLES]
        if True in held and False not in held:
            return form
    return None


def _tangent(
    pair: Pair, inputs: Mapping[str, float], partials: Mapping[str, float], bounds: Mapping[str, float]
) -> Tangent | None:
    """Return the tangent of a curve in the plane; None at a singular point."""
    (y,), (x,) = pair
    a, b = (0.0 if abs(partials[n]) <= bounds[n] else partials[n] for n in (x, y))
    if not a and not b:
        return None
    slope = -a / b + 0.0 if b else None
    offset = None
    if slope is not None:
        offset = _sum(inputs[y], -slope * inputs[x])
    whole = all(v.is_integer() and abs(v) < 2.0**53 for v in (a, b))
    size = float(gcd(int(a), int(b))) if whole else b or a
    size = -size if a / size < 0 and whole else size
    a, b = a / size + 0.0, b / size + 0.0
    return Tangent((x, y), (a, b), _sum(a * inputs[x], b * inputs[y]), slope, offset)


def _sum(*parts: float) -> float:
    """Return a sum, 0 where the rounding of its parts is what is left."""
    total = fsum(parts)
    return 0.0 if abs(total) <= 2.0**-50 * max(map(abs, parts)) else total


def _rates(slopes: Sequence[Slope], rates: Mapping[str, float], pair: Pair) -> tuple[Rate, ...]:
    """Return how fast the variables change that equations are solved for: the chain rule in time."""
    found = []
    solved, by = pair
    for y in solved:
        rows = {s.by: s for s in slopes if s.of == y and s.order == 1 and s.by in by}
        texts, numbers = [], []
        for x, row in rows.items():
            if row.formula not in (None, "0"):
                texts.append(f"{_factor(row.formula or '')}*d{x}/dt")
            if row.settled is not None and x in rates:
                numbers.append(row.settled * rates[x])
        formula = " + ".join(texts) if all(r.formula is not None for r in rows.values()) else None
        value = fsum(numbers) + 0.0 if len(numbers) == len(rows) else None
        found.append(Rate(y, formula, value))
    return tuple(found)


def _factor(text: str) -> str:
    """Return a formula as a factor: a sum in brackets."""
    return f"({text})" if " + " in text or " - " in text else text
