"""Our primitives as SymPy functions: with our conventions at their kinks, and under our names.

SymPy gets trees built here, over dummy symbols; no user text is ever parsed by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import sympy

from ...graph import Graph
from ...language.fold import fold, postfix
from ...language.operators import CONSTANTS
from ...ops import PRIMITIVES, Primitive
from ...ops.unknown import UnknownFunction

OUR_NAMES = {"Where": "where", "Share": "where", "loggamma": "lgamma", "Abs": "abs", "SincN": "sinc_n"}
"""Names that functions have here where they have another in SymPy."""


class Where(sympy.Function):
    """``where(c, a, b)``: the derivative of the branch taken."""

    nargs = 3
    is_real = True
    is_commutative = True

    @classmethod
    def eval(cls, c: Any, a: Any, b: Any) -> Any:
        """Drop a choice between equals."""
        return a if a == b else None

    def fdiff(self, argindex: int = 1) -> Any:
        """Return the slope in one operand."""
        c = self.args[0]
        return (sympy.S.Zero, Share(c, 1, 0), Share(c, 0, 1))[argindex - 1]


class Share(Where):
    """The slope of a choice in a branch: what it multiplies counts only where that is taken."""


def is_formula(e: Any) -> bool:
    """Whether an expression can be written: SymPy's infinities, and what it has for 0/0, are no formula."""
    return not e.has(sympy.zoo, sympy.nan, sympy.oo, -sympy.oo, sympy.I)


def gathered(e: Any) -> Any:
    """Return a derivative with what shares multiply in their branches: it need have no value elsewhere.

    ``where(c, 1, 0)*log(x) + where(c, 0, 1)*y`` is read as a number times ``log(x)`` at every x;
    ``where(c, log(x), y)`` is not.
    """
    if not e.has(Share):
        return e
    if e.is_Mul:
        return _product(list(map(gathered, e.args)))
    if e.is_Pow and e.exp.is_Integer and e.exp.is_positive:
        base = gathered(e.base)
        if isinstance(base, Share):
            return Share(base.args[0], *(a**e.exp for a in base.args[1:]))
        return base**e.exp
    if e.is_Add:
        others, branches = [], dict[Any, list[Any]]()
        for term in map(gathered, e.args):
            if isinstance(term, Share):
                c, a, b = term.args
                both = branches.setdefault(c, [sympy.S.Zero, sympy.S.Zero])
                branches[c] = [both[0] + a, both[1] + b]
            else:
                others.append(term)
        return sympy.Add(*others, *(_choice(c, *map(gathered, both)) for c, both in branches.items()))
    return e


def _choice(c: Any, a: Any, b: Any) -> Any:
    """Return a choice whose branches do not ask again."""

    def settled(branch: Any, position: int) -> Any:
        found = branch.xreplace({w: w.args[position] for w in branch.atoms(Where) if w.args[0] == c})
        return found if is_formula(found) else branch

    return Share(c, settled(a, 1), settled(b, 2))


def _product(factors: list[Any]) -> Any:
    k = next((k for k, f in enumerate(factors) if isinstance(f, Share) and 0 in f.args[1:]), None)
    if k is None:
        return sympy.Mul(*factors)
    c, *branches = factors[k].args
    return _choice(
        c, *(x if x == 0 else gathered(_product([*factors[:k], x, *factors[k + 1 :]])) for x in branches)
    )


class Flat(sympy.Function):
    """A piecewise constant function: conditions, floor."""

    is_real = True

    def fdiff(self, argindex: int = 1) -> Any:
        """Return 0."""
        return sympy.S.Zero


class Extremum(sympy.Function):
    """max or min of two or more; ties share equally."""

    is_real = True

    def fdiff(self, argindex: int = 1) -> Any:
        """Return this operand's share."""
        x = self.args[argindex - 1]
        if len(self.args) == 2:
            names = ("greater", "less")[:: 1 if self.func.__name__ == "max" else -1]
            taken, left = (COMPARE[name](x, self.args[2 - argindex]) for name in names)
            return Where(taken, 1, Where(left, 0, sympy.Rational(1, 2)))
        ties = [Where(COMPARE["equal"](a, self), 1, 0) for a in self.args]
        return ties[argindex - 1] / sympy.Add(*ties)


class SincN(sympy.Function):
    """The n-th derivative of sin(x)/x, which has a number at 0 as well."""

    nargs = 2
    is_real = True

    def fdiff(self, argindex: int = 2) -> Any:
        """Return the next derivative."""
        n: Any
        n, x = self.args
        return SincN(n + 1, x)


COMPARE = {name: type(name, (Flat,), {"nargs": 2}) for name, row in PRIMITIVES.items() if row.truth}


class Unknown(sympy.Function):
    """A function of which nothing is known; ``row`` says which."""

    row: UnknownFunction


@cache
def unknown_head(row: UnknownFunction) -> Any:
    """Return an unknown function, whose derivatives are functions with names of their own."""

    def fdiff(self: Any, argindex: int = 1) -> Any:
        return unknown_head(row.derivative(argindex - 1))(*self.args)

    named = {"fdiff": fdiff, "is_real": True, "nargs": len(row.params), "row": row}
    return type(row.name, (Unknown,), named)


def outermost_first(graph: Graph) -> tuple[str, ...]:
    """Return the unknown functions of a program as its formulas have them: the outer before the inner."""
    depths: list[int] = []
    order: dict[str, tuple[int, int]] = {}
    for node in graph.nodes:
        unknown = isinstance(node.op, UnknownFunction)
        depths.append(max((depths[i] for i in node.inputs), default=0) + unknown)
        if isinstance(node.op, UnknownFunction):
            order[node.op.function] = min(
                order.get(node.op.function, (0, node.span[0])), (-depths[-1], node.span[0])
            )
    return tuple(sorted(order, key=order.__getitem__))


class _Sympy:
    """The functions that a row's ``symbol`` may name."""

    third = sympy.Rational(1, 3)
    e = sympy.E
    where = Where
    floor = type("floor", (Flat,), {"nargs": 1})
    max = type("max", (Extremum,), {})
    min = type("min", (Extremum,), {})
    lgamma = sympy.loggamma
    sinc_n = SincN
    unknown = staticmethod(unknown_head)

    def __getattr__(self, name: str) -> Any:
        return COMPARE.get(name) or getattr(sympy, name)


SP = _Sympy()
SP.less = COMPARE["less"]  # type: ignore[attr-defined]


@cache
def head(name: str) -> Any:
    """Return the function that stands for a primitive in formulas, under its own name."""
    row = PRIMITIVES[name]
    if name in ("max", "min", "floor"):
        return getattr(SP, name)

    def fdiff(self: Any, argindex: int = 1) -> Any:
        return _local(name, argindex - 1, self, self.args)

    return type(name, (sympy.Function,), {"fdiff": fdiff, "is_real": True, "nargs": len(row.params)})


def _local(name: str, position: int, y: Any, operands: Sequence[Any]) -> Any:
    """Return a local derivative as its row writes it for readers."""
    row = PRIMITIVES[name]
    names = dict(zip(row.params, operands, strict=True), y=y)
    return fold(
        postfix(row.local[position]),
        name=lambda item: names[item.text] if item.text in names else CONSTANTS[item.text].exact(SP),
        number=lambda item: sympy.Rational(item.text),
        apply=lambda item, taken: shown(PRIMITIVES[item.text], taken),
    )


def shown(row: Primitive, operands: Sequence[Any]) -> Any:
    """Apply a primitive as formulas show it."""
    return row.symbol(SP, *operands) if row.native else head(row.name)(*operands)


def defined(row: Primitive, operands: Sequence[Any]) -> Any:
    """Apply a primitive by its definition, for SymPy to differentiate."""
    return row.symbol(SP, *operands)


def closed(row: Primitive, operands: Sequence[Any]) -> Any:
    """Apply a primitive so that SymPy differentiates it but does not simplify inside.

    SymPy asks a function's operands whether they are real, positive or a multiple of pi; on an
    inlined program that takes seconds. Arithmetic stays open: sums over paths are SymPy's own.
    """
    plain = row.infix not in (None, "^") or row.name not in PRIMITIVES
    if plain or (row.literal == 1 and operands[1].is_Integer):
        return defined(row, operands)
    return _closed_head(row.name, len(operands))(*operands)


@cache
def _closed_head(name: str, arity: int) -> Any:
    def fdiff(self: Any, argindex: int = 1) -> Any:
        places, derivative = _template(name, arity, argindex - 1)
        return derivative.xreplace(dict(zip(places, self.args, strict=True)))

    return type(
        name, (sympy.Function,), {"fdiff": fdiff, "is_real": True, "is_commutative": True, "nargs": arity}
    )


@cache
def _template(name: str, arity: int, position: int) -> tuple[list[Any], Any]:
    """Return SymPy's own derivative of a primitive's definition, over dummy operands."""
    places = [sympy.Dummy(f"u{k}", real=True) for k in range(arity)]
    return places, _close(defined(PRIMITIVES[name], places).diff(places[position]))


def _close(e: Any) -> Any:
    """Replace the functions and broken powers in a template by heads that evaluate nothing."""
    if not e.args:
        return e
    args = [_close(a) for a in e.args]
    if e.is_Pow and not e.exp.is_Integer:
        return _closed_head("power_n", 2)(*args)
    if isinstance(e, sympy.Function) and not isinstance(e, (Where, Flat, Extremum)):
        return type(type(e).__name__, (sympy.Function,), {"is_real": True, "is_commutative": True})(*args)
    return e.func(*args)
