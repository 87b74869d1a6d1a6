"""What a primitive is: one row with everything particular to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

Rule = Callable[..., Any]
Shape = tuple[int, ...]

REALS = "every real number"
SUM_RULE, PRODUCT_RULE, QUOTIENT_RULE, POWER_RULE, CONSTANT_FACTOR_RULE = (
    "sum rule",
    "product rule",
    "quotient rule",
    "power rule",
    "constant factor rule",
)


def broadcast(*shapes: Shape, **static: Any) -> Shape:
    """Return the shape of what is computed number by number from operands of these shapes.

    Axes are counted from the last; one that is missing, or of length 1, is repeated.

    Raises:
        ValueError: where two lengths of an axis differ and neither is 1.
    """
    if len(set(shapes)) == 1:
        return shapes[0]
    sizes: list[int] = []
    for shape in shapes:
        for k, size in enumerate(reversed(shape)):
            if k == len(sizes):
                sizes.append(size)
            elif sizes[k] == 1:
                sizes[k] = size
            elif size not in (1, sizes[k]):
                raise ValueError(f"arrays of shapes {' and '.join(map(str, shapes))} do not go together")
    return tuple(reversed(sizes))


class Primitive:
    """One row of the registry.

    The engine knows no primitive by name: all it needs stands here. Rules are pure, branch-free
    formulas over a namespace ``xp`` (see `namespaces`), written once for floats, arrays, duals,
    complex and multi-precision numbers. What a node says in ``static`` comes as keyword arguments.

    Attributes:
        name: How the user types it, or the word for an operator (``add``).
        group: The title that it is listed under.
        arity: Number of operands; ``(least, most)`` with ``most`` None when there is no limit.
        forward: ``(xp, *operands) -> value``.
        partials: ``(xp, value, *operands) -> one local derivative per operand``.
        local: The same derivatives as a reader is shown them, in our own language, over the
            operand names ``params`` and ``y`` for the value. Empty for n-ary rows.
        means: The function itself in our own language, over ``params``, for a primitive that others define;
            empty where none do.
        exact: The same derivatives in forms that keep their digits, for programs that compute them; empty
            where those of ``local`` do.
        params: Operand names as written in ``local``, ``says`` and ``defined``.
        symbol: ``(sp, *operands) -> SymPy expression`` states the function; SymPy differentiates.
        native: SymPy has the function itself, so formulas show SymPy's own derivative; otherwise
            formulas show the function by name and its derivative as ``local`` writes it.
        infix: The operator sign, for rows that are written between or before their operands.
        defaults: Values of trailing operands that may be left out.
        literal: Position of an operand that is a constant by construction, or None.
        literal_form: Name of the row that takes over where the last operand is a constant.
        additive: The operands share one scale.
        linear: Groups of operands in which, the others held fixed, the value is linear and 0 at 0.
        antiderivative: Position of an operand, and ``(xp, *operands) -> number``, the derivative of which by
            that operand is the value; where that is simple, and the value not linear in it.
        angle: The ``operand`` or the ``value`` is an angle, in radians; None where neither is.
        wins: Of an extremum, the comparison by which an operand is the value: ``greater`` for ``max``.
        defined: Where the primitive is defined, in words.
        domain: The same as a predicate over float operands.
        edges: Position of an operand, and ``(xp, *operands) -> where`` the domain ends as that one moves, on
            one side or on both, though there is a value; of a row without a domain, where its value jumps and
            may leave the domain of what reads it.
        sample: One interval per operand that tests draw points from.
        kinks: Where it is not differentiable, in words; None for a smooth primitive.
        piece: ``(xp, *operands) -> number`` that changes where a kink is crossed.
        convention: The slope taken at the kink, in our own words.
        conventional: ``(*operands) -> whether that slope is taken there``, for a primitive without pieces
            whose rule has no number at some operands.
        probability: Its values are probabilities: 1 each by itself, 2 all along the last axis together.
        rectifier: It lets through what is above 0 and next to nothing below: half of a signal's variance.
        truth: The value is a truth value: it cannot be nudged, and only a condition may use it.
        chosen: ``(*values) -> positions of the operands that were needed``; None when all are.
        hint: What helps outside the domain.
        overflow_hint: What helps when a value overflows.
        slope_hint: What helps when a slope does not exist.
        says: One line of words.
        rule: What the rule for its derivative is called; by its own name where that has no other.
        cost: ``(*operands) -> about how many operations a run to many digits is worth``; None for one.
        ulp: Error bound of ``forward`` in units in the last place, used by the rounding analysis.
        shape: ``(*shapes of the operands, **static) -> shape of the value``; `broadcast` of an
            elementwise row.
    """

    __slots__ = (
        "additive",
        "angle",
        "antiderivative",
        "arity",
        "chosen",
        "convention",
        "conventional",
        "cost",
        "defaults",
        "defined",
        "domain",
        "edges",
        "exact",
        "forward",
        "group",
        "hint",
        "infix",
        "kinks",
        "linear",
        "literal",
        "literal_form",
        "local",
        "means",
        "name",
        "native",
        "overflow_hint",
        "params",
        "partials",
        "piece",
        "probability",
        "rectifier",
        "rule",
        "sample",
        "says",
        "shape",
        "slope_hint",
        "symbol",
        "truth",
        "ulp",
        "wins",
    )

    def __init__(
        self,
        name: str,
        *,
        forward: Rule,
        partials: Rule,
        symbol: Rule,
        says: str,
        group: str = "",
        sample: tuple[tuple[float, float], ...],
        local: tuple[str, ...] = (),
        exact: tuple[str, ...] = (),
        means: str = "",
        params: tuple[str, ...] = ("x",),
        arity: tuple[int, int | None] | None = None,
        native: bool = False,
        infix: str | None = None,
        defaults: tuple[float, ...] = (),
        literal: int | None = None,
        literal_form: str | None = None,
        additive: bool = False,
        linear: tuple[tuple[int, ...], ...] = (),
        antiderivative: tuple[int, Rule] | None = None,
        angle: Literal["operand", "value"] | None = None,
        wins: str | None = None,
        defined: str = REALS,
        domain: Callable[..., bool] | None = None,
        edges: tuple[tuple[int, Rule], ...] = (),
        kinks: str | None = None,
        piece: Rule | None = None,
        convention: str | None = None,
        conventional: Callable[..., bool] | None = None,
        probability: int = 0,
        rectifier: bool = False,
        truth: bool = False,
        chosen: Callable[..., tuple[int, ...]] | None = None,
        hint: str | None = None,
        overflow_hint: str | None = None,
        slope_hint: str | None = None,
        rule: str | None = None,
        cost: Callable[..., float] | None = None,
        ulp: float = 2.0,
        shape: Callable[..., Shape] = broadcast,
    ) -> None:
        self.name = name
        self.group = group
        self.forward = forward
        self.partials = partials
        self.symbol = symbol
        self.says = says
        self.rule = rule or f"derivative of {name}"
        self.sample = sample
        self.local = local
        self.exact = exact or local
        self.means = means
        self.params = params
        self.arity = arity or (len(params) - len(defaults), len(params))
        self.native = native
        self.infix = infix
        self.defaults = defaults
        self.literal = literal
        self.literal_form = literal_form
        self.additive = additive
        self.linear = linear
        self.antiderivative = antiderivative
        self.angle = angle
        self.wins = wins
        self.defined = defined
        self.domain = domain
        self.edges = edges
        self.kinks = kinks
        self.piece = piece
        self.convention = convention
        self.conventional = conventional
        self.probability = probability
        self.rectifier = rectifier
        self.truth = truth
        self.chosen = chosen
        self.hint = hint
        self.overflow_hint = overflow_hint
        self.slope_hint = slope_hint
        self.cost = cost
        self.ulp = ulp
        self.shape = shape

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"

    @property
    def signature(self) -> str:
        """How it is written: ``log(x)``, ``x + y``, ``max(x, y, ...)``."""
        if self.infix is not None:
            return (
                f" {self.infix} ".join(self.params) if len(self.params) > 1 else self.infix + self.params[0]
            )
        rest = ", ..." if self.arity[1] is None else ""
        first = self.arity[0]
        optional = "".join(f"[, {p}={d:g}]" for p, d in zip(self.params[first:], self.defaults, strict=False))
        return f"{self.name}({', '.join(self.params[:first])}{rest}{optional})"

    def omitted(self, given: int) -> tuple[float, ...]:
        """Return the values of the trailing operands that are left out where so many are given."""
        return self.defaults[given - self.arity[0] :] if self.defaults else ()

    @property
    def callable(self) -> bool:
        """Whether the user writes it as a function."""
        return self.infix is None
