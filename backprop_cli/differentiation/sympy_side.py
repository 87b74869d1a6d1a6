"""What runs in the SymPy process: formulas for readers, and numbers to 17 digits.

SymPy gets trees built here, with dummy symbols; no user text is ever parsed by it. The formulas
are SymPy's derivative of each step, chained. The numbers come from the inlined function of each
node, differentiated by SymPy as a whole and evaluated by a loop of ours in mpmath at rising
precision, so that they share neither our rules, nor our path sums, nor our rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from math import prod
from typing import Any, NamedTuple

import sympy
from mpmath import mp, mpf

from ..graph import CONSTANT, Graph
from ..language.format import constant_piece, join
from ..language.operators import ATOM, COMPARISON, POWER, PRODUCT, SUM, UNARY
from ..language.parser import NAME_ITEM, NUMBER_ITEM, Item, parse
from ..ops import PRIMITIVES, Primitive
from ..ops.namespaces import multiprecision

INLINE_LIMIT = 4_000  # node visits that the inlined functions may take together
NAMED_FROM = 12  # unnamed steps with more operations than this go by name in formulas
CHAIN_FROM = 30  # formulas with more operations than this are written dL/dv4 further down
PRECISIONS = (50, 150, 450, 1500)
GUARD = 8  # digits by which bounds stay above the rounding of the arithmetic they are computed in
ZERO = mpf("1e-330")  # below the smallest float: what may still be anything smaller is 0
EXACT_LIMIT = 10**18
OUR_NAMES = {"Where": "where", "loggamma": "lgamma", "Abs": "abs"}


# The functions SymPy lacks, with our conventions at their kinks


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
        return (sympy.S.Zero, Where(c, 1, 0), Where(c, 0, 1))[argindex - 1]


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
            a, b = (x, self.args[2 - argindex])[:: 1 if self.func.__name__ == "max" else -1]
            return Where(COMPARE["less"](b, a), 1, Where(COMPARE["less"](a, b), 0, sympy.Rational(1, 2)))
        ties = [Where(COMPARE["equal"](a, self), 1, 0) for a in self.args]
        return ties[argindex - 1] / sympy.Add(*ties)


COMPARE = {name: type(name, (Flat,), {"nargs": 2}) for name, row in PRIMITIVES.items() if row.truth}


class _Sympy:
    """The functions that a row's ``symbol`` may name."""

    third = sympy.Rational(1, 3)
    where = Where
    floor = type("floor", (Flat,), {"nargs": 1})
    max = type("max", (Extremum,), {})
    min = type("min", (Extremum,), {})
    lgamma = sympy.loggamma

    def __getattr__(self, name: str) -> Any:
        return COMPARE.get(name) or getattr(sympy, name)


SP = _Sympy()
SP.less = COMPARE["less"]  # type: ignore[attr-defined]


@cache
def _head(name: str) -> Any:
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
    stack: list[Any] = []
    for text, arity, _, _ in _items(row.local[position]):
        if arity == NUMBER_ITEM:
            stack.append(sympy.Rational(text))
        elif arity == NAME_ITEM:
            stack.append(sympy.pi if text == "pi" else names[text])
        else:
            taken = stack[len(stack) - arity :]
            del stack[len(stack) - arity :]
            stack.append(shown(PRIMITIVES[text], taken))
    return stack[0]


@cache
def _items(text: str) -> tuple[Item, ...]:
    return tuple(parse(text).statements[0].items)


def shown(row: Primitive, operands: Sequence[Any]) -> Any:
    """Apply a primitive as formulas show it."""
    return row.symbol(SP, *operands) if row.native else _head(row.name)(*operands)


def defined(row: Primitive, operands: Sequence[Any]) -> Any:
    """Apply a primitive by its definition, for SymPy to differentiate."""
    return row.symbol(SP, *operands)


def closed(row: Primitive, operands: Sequence[Any]) -> Any:
    """Apply a primitive so that SymPy differentiates it but does not simplify inside.

    SymPy asks a function's operands whether they are real, positive or a multiple of pi; on an
    inlined program that takes seconds. Arithmetic stays open: sums over paths are SymPy's own.
    """
    plain = row.infix is not None and not row.name.startswith("power")
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


# Constants


class Constants:
    """SymPy expressions of constant nodes, kept exact and kept small."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.values: dict[Any, int] = {}  # dummy -> node id
        self.precedence: dict[Any, int] = {}  # of the text that a dummy stands for
        self.known: dict[int, Any] = {}

    def __call__(self, id: int) -> Any:
        """Return the expression of a constant node."""
        if id not in self.known:
            self.known[id] = self.build(id)
        return self.known[id]

    def build(self, id: int) -> Any:
        node = self.graph.nodes[id]
        if node.op is None:
            label = node.label or ""
            if label in ("pi", "π", "tau", "e"):
                return {"tau": 2 * sympy.pi, "e": sympy.E}.get(label, sympy.pi)
            if (
                len(label) <= 18
                and "e" not in label.lower()
                and (node.value == 0 or 1e-18 < abs(node.value) < EXACT_LIMIT)
            ):
                return sympy.Rational(label)
            return self.dummy(id)
        if node.op.infix is None:
            return self.dummy(id)
        operands = [self(i) for i in node.inputs]
        if not all(x.is_number for x in operands):
            return self.dummy(id)
        if node.op.name.startswith("power") and not _small_power(*operands):
            return self.dummy(id)
        value = defined(node.op, operands)
        return value if value.is_number and value.is_finite else self.dummy(id)

    def dummy(self, id: int) -> Any:
        """Return a symbol that is written as the user wrote the constant."""
        precedence, text = constant_piece(self.graph, id)
        symbol = sympy.Dummy(join(text), real=True)
        self.values[symbol], self.precedence[symbol] = id, precedence
        return symbol


def _small_power(base: Any, exponent: Any) -> bool:
    if not (base.is_Rational and exponent.is_Rational):
        return False
    size = max(abs(base.p), base.q).bit_length() * max(abs(exponent.p), exponent.q)
    return bool(size <= 64)


def guarded(row: Primitive, operands: list[Any], constants: Constants, ids: Sequence[int]) -> list[Any]:
    """Keep SymPy from multiplying out (2a)^1000000."""
    if row.name == "power_n":
        base, exponent = operands
        number = exponent.is_Rational and abs(exponent) > 64
        if number and base.is_Mul and base.args[0].is_number:
            return [base, constants.dummy(ids[1])]
    return operands


# Formulas


class Formula:
    """A derivative as a product of groups, one per named step it passes through."""

    __slots__ = ("groups",)

    def __init__(self, groups: tuple[Any, ...]) -> None:
        self.groups = groups

    def merged(self) -> Any:
        return prod(self.groups, start=sympy.S.One)


def formulas(graph: Graph, wanted: Sequence[int], *, inline: bool = False) -> dict[int, str]:
    """Return the derivative of the output by each wanted node, written in the user's language.

    Args:
        graph: The computation.
        wanted: Node ids.
        inline: Write over inputs alone instead of over the names of steps.
    """
    constants = Constants(graph)
    symbols = {n.id: sympy.Dummy(graph.name(n.id), real=True) for n in graph.nodes if n.kind != CONSTANT}
    decimal = any(n.label and not n.label.isdigit() and n.op is None and "." in n.label for n in graph.nodes)
    write = _Printer(decimal, constants.precedence).write
    expressions: dict[int, Any] = {}
    templates: dict[tuple[Any, ...], Any] = {}
    limit = 400 if inline else NAMED_FROM
    for node in graph.nodes:
        if node.kind == CONSTANT:
            expressions[node.id] = constants(node.id)
        elif node.op is None or (node.name is not None and not inline):
            expressions[node.id] = symbols[node.id]
        else:
            operands = guarded(node.op, [expressions[i] for i in node.inputs], constants, node.inputs)
            expression = shown(node.op, operands)
            small = expression.count_ops(visual=False) <= limit
            expressions[node.id] = expression if small else symbols[node.id]

    def local(id: int, position: int) -> Any:
        """SymPy's derivative of one step by one operand, over the operands' expressions."""
        node = graph.nodes[id]
        assert node.op is not None
        operands = guarded(node.op, [expressions[i] for i in node.inputs], constants, node.inputs)
        fixed = tuple(
            x if graph.nodes[i].kind == CONSTANT else None for i, x in zip(node.inputs, operands, strict=True)
        )
        key = (node.op.name, position, fixed)
        if key not in templates:
            places = [sympy.Dummy(f"u{k}", real=True) if f is None else f for k, f in enumerate(fixed)]
            derivative = sympy.powsimp(shown(node.op, places).diff(places[position]))
            templates[key] = places, derivative
        places, derivative = templates[key]
        return derivative.xreplace(
            {p: x for p, x, f in zip(places, operands, fixed, strict=True) if f is None}
        )

    users = graph.users()
    found: dict[int, Formula] = {graph.output: Formula(())}
    needed = set(wanted)
    active = graph.depends_on(list(wanted))
    output = graph.name(graph.output)
    texts: dict[int, str] = {}
    for node in reversed(graph.nodes):
        k = node.id
        if not active[k] and k not in needed:
            continue
        if k != graph.output:
            terms: list[tuple[Any, ...]] = []
            for j in dict.fromkeys(users[k]):
                above = found.get(j)
                if above is None:
                    continue
                step = sum(
                    (local(j, p) for p, i in enumerate(graph.nodes[j].inputs) if i == k), start=sympy.S.Zero
                )
                if step == 0:
                    continue
                groups = above.groups
                if groups and graph.nodes[j].name is None:
                    terms.append((*groups[:-1], groups[-1] * step))
                else:
                    terms.append((*groups, step))
            if inline or len(terms) > 1:
                terms = [(sympy.Add(*(prod(t, start=sympy.S.One) for t in terms)),)] if terms else []
            found[k] = Formula(terms[0] if terms else (sympy.S.Zero,))
        formula = found[k]
        if k in needed:
            texts[k] = (
                write(formula.groups)
                if len(formula.groups) != 1 or not inline
                else write((formula.merged(),))
            )
        size = sum(g.count_ops(visual=False) for g in formula.groups)
        if size > (400 if inline else CHAIN_FROM):
            further = sympy.Dummy(f"d{output}/d{graph.name(k)}", real=True)
            constants.precedence[further] = PRODUCT
            found[k] = Formula((further,))
    return texts


class _Piece(NamedTuple):
    """A text and how tightly it holds together."""

    precedence: int
    text: str
    quotient: bool = False

    def at_least(self, precedence: int) -> str:
        """Return the text, in brackets where it holds together less tightly than that.

        A sign needs brackets everywhere but in front.
        """
        bare = self.precedence >= precedence and self.precedence != UNARY
        return self.text if bare else f"({self.text})"


class _Printer:
    """SymPy expressions in the user's notation.

    Args:
        decimal: Write fractions with a short decimal form as decimals, as the user did.
        precedence: Of the symbols that stand for more than a name or a number.
    """

    def __init__(self, decimal: bool, precedence: Mapping[Any, int]) -> None:
        self.decimal = decimal
        self.precedence = precedence

    def write(self, groups: Sequence[Any]) -> str:
        """Write a product of groups; one group when none has a function in it."""
        kept: list[Any] = []
        minus = [not g.is_Add and g.could_extract_minus_sign() for g in groups]
        sign = -1 if sum(minus) % 2 else 1
        for g in (-g if m else g for g, m in zip(groups, minus, strict=True)):
            if kept and not kept[-1].has(sympy.Function) and not g.has(sympy.Function):
                kept[-1] *= g
            elif g != 1:
                kept.append(g)
        if len(kept) < 2:
            return self.piece(sign * (kept[0] if kept else sympy.S.One)).text
        first, *others = (self.piece(g) for g in kept)
        texts = [g.at_least(ATOM if g.quotient else PRODUCT) for g in others]
        return ("-" if sign < 0 else "") + "*".join([first.at_least(PRODUCT), *texts])

    def piece(self, e: Any) -> _Piece:
        """Write an expression."""
        if e.is_Rational:
            return self.number(e)
        if e.is_Symbol:
            precedence = self.precedence.get(e, ATOM)
            return _Piece(precedence, e.name, quotient=precedence == PRODUCT)
        if e.is_Add:
            return self.sum(e)
        if e.is_Mul:
            return self.product(e)
        if e.is_Pow:
            return self.power(e.base, e.exp)
        if e is sympy.pi or e is sympy.E or e is sympy.EulerGamma:
            return _Piece(ATOM, {"pi": "pi", "E": "e"}.get(str(e), "0.5772156649015329"))
        name = type(e).__name__
        if name in COMPARE:
            a, b = (self.piece(x).text for x in e.args)
            if name == "less" and not e.args[0].free_symbols:
                return _Piece(COMPARISON, f"{b} > {a}")
            return _Piece(COMPARISON, f"{a} {PRIMITIVES[name].infix} {b}")
        if name == "polygamma" and e.args[0] == 0:
            return _Piece(ATOM, f"digamma({self.piece(e.args[1]).text})")
        name = OUR_NAMES.get(name, name)
        args = list(e.args)
        row = PRIMITIVES.get(name)
        if row and row.defaults and args[1] == sympy.nsimplify(row.defaults[0], rational=True):
            args.pop()
        return _Piece(ATOM, f"{name}({', '.join(self.piece(x).text for x in args)})")

    def number(self, e: Any) -> _Piece:
        if e.is_Integer:
            return _Piece(UNARY if e < 0 else ATOM, str(e))
        if self.decimal:
            q = int(e.q)
            while q % 2 == 0:
                q //= 2
            while q % 5 == 0:
                q //= 5
            text = repr(float(e))
            if q == 1 and len(text) <= 10 and "e" not in text:
                return _Piece(UNARY if e < 0 else ATOM, text)
        return _Piece(UNARY if e < 0 else PRODUCT, f"{e.p}/{e.q}", quotient=True)

    def sum(self, e: Any) -> _Piece:
        terms = e.as_ordered_terms()
        # a sum that can start with a plus does
        front = next((t for t in terms if not t.could_extract_minus_sign()), terms[0])
        text = self.piece(front).text
        rest = list(terms)
        rest.remove(front)
        for term in rest:
            if term.could_extract_minus_sign():
                text += f" - {self.piece(-term).at_least(PRODUCT)}"
            else:
                text += f" + {self.piece(term).at_least(SUM)}"
        return _Piece(SUM, text)

    def product(self, e: Any) -> _Piece:
        if e.args[0].is_Rational and e.args[0] < 0:
            return _Piece(UNARY, "-" + self.piece(-e).at_least(PRODUCT))
        above: list[Any] = []
        below: list[Any] = []
        for factor in sorted(e.as_ordered_factors(), key=_place):
            if factor.is_Rational and self.number(factor).quotient:
                above += [sympy.Integer(factor.p)] if factor.p != 1 else []
                below += [sympy.Integer(factor.q)] if factor.q != 1 else []
            elif factor.is_Pow and factor.exp.could_extract_minus_sign():
                below.append(factor.base ** (-factor.exp))
            else:
                above.append(factor)
        top = "*".join(self.factor(f) for f in above) or "1"
        if not below:
            return _Piece(PRODUCT, top)
        bottom = "*".join(self.factor(f) for f in below)
        return _Piece(PRODUCT, f"{top}/{bottom}" if len(below) == 1 else f"{top}/({bottom})", quotient=True)

    def factor(self, e: Any) -> str:
        return self.piece(e).at_least(POWER)

    def power(self, base: Any, exponent: Any) -> _Piece:
        if exponent == sympy.Rational(1, 2):
            return _Piece(ATOM, f"sqrt({self.piece(base).text})")
        if exponent.could_extract_minus_sign():
            return _Piece(PRODUCT, f"1/{self.factor(base**-exponent)}", quotient=True)
        return _Piece(POWER, f"{self.piece(base).at_least(ATOM)}^{self.piece(exponent).at_least(ATOM)}")


def _place(factor: Any) -> int:
    """Numbers lead, then symbols and their powers, then functions, then sums."""
    base = factor.base if factor.is_Pow and factor.exp.is_number else factor
    return 0 if base.is_number else 1 if base.is_Symbol else 3 if base.is_Add else 2


# Numbers


def numbers(
    graph: Graph, inputs: Mapping[str, float], wanted: Sequence[int], needed: Sequence[bool]
) -> tuple[dict[int, float | None], str]:
    """Return the derivative by each wanted node to 17 digits, None where the formula is unusable.

    Args:
        graph: The computation.
        inputs: A value for every input, taken as exact.
        wanted: Node ids.
        needed: Whether the output needs a node's value.
    Returns:
        Numbers by node id, and the route: ``function``, or ``chain`` for large programs.
    """
    affected = _affected(graph, wanted)
    constants = Constants(graph)
    points = _Points(graph, inputs, needed)
    if affected is None:
        return _chain(graph, wanted, needed, constants, points), "chain"
    symbols: dict[int, Any] = {}
    results: dict[int, float | None] = {}
    for k in wanted:
        if k == graph.output:
            results[k] = 1.0
            continue
        if not needed[k] or graph.output not in affected[k]:
            results[k] = 0.0
            continue
        here = sympy.Dummy("t", real=True)
        moved: dict[int, Any] = {k: here}
        for j in affected[k]:
            node = graph.nodes[j]
            assert node.op is not None
            operands = []
            for i in node.inputs:
                if i in moved:
                    operands.append(moved[i])
                elif graph.nodes[i].kind == CONSTANT:
                    operands.append(constants(i))
                else:
                    operands.append(symbols.setdefault(i, sympy.Dummy(f"v{i}", real=True)))
            moved[j] = closed(node.op, guarded(node.op, operands, constants, node.inputs))
        derivative = moved[graph.output].diff(here)
        names = {s: i for i, s in symbols.items()} | constants.values | {here: k}
        results[k] = points.settle(partial(evaluate_formula, derivative, names))
    return results, "function"


def _affected(graph: Graph, wanted: Sequence[int]) -> dict[int, list[int]] | None:
    """Return the steps downstream of each wanted node; None when there are too many in all."""
    result: dict[int, list[int]] = {}
    total = 0
    reaches = graph.needed()
    for k in wanted:
        moved = {k}
        steps = []
        for node in graph.nodes[k + 1 : graph.output + 1]:
            if node.op is not None and reaches[node.id] and not moved.isdisjoint(node.inputs):
                moved.add(node.id)
                steps.append(node.id)
        total += len(steps)
        if total > INLINE_LIMIT or len(steps) > 250:
            return None
        result[k] = steps
    return result


class _Tracked:
    """A multi-precision number and a bound on its error.

    The bound of a function's value is how far the value moves with its operands' bounds.
    """

    __slots__ = ("bound", "value")

    def __init__(self, value: Any, bound: Any) -> None:
        self.value = value
        self.bound = bound


def _tracked(function: Callable[..., Any], operands: Sequence[_Tracked], *, smooth: bool = True) -> _Tracked:
    values = [x.value for x in operands]
    y = function(*values)
    if mp.isint(y) and abs(y) * _unit() < 1 and all(not x.bound and mp.isint(x.value) for x in operands):
        return _Tracked(y, mpf(0))  # whole numbers stay exact: (-2)^(3^2) has a whole exponent
    bound = abs(y) * _unit()
    for k, x in enumerate(operands):
        if not x.bound:
            continue
        if smooth:
            moved = function(*values[:k], x.value + x.bound, *values[k + 1 :])
            bound += abs(moved - y) if mp.isfinite(moved) else mp.inf
        else:  # kinked primitives decide by the values; elsewhere they stretch nothing
            bound += x.bound
    return _Tracked(y, bound)


def _unit() -> Any:
    """The relative error of one operation, with some digits to spare."""
    return mpf(10) ** (GUARD - mp.dps)


def _apply(row: Primitive, *operands: Any) -> _Tracked:
    if row.chosen:
        c = operands[0]
        return operands[row.chosen(c.value, *(x.value for x in operands[1:]))[-1]]
    forward = partial(row.forward, multiprecision())
    return _tracked(forward, operands, smooth=row.piece is None)


class _Points:
    """The program's values at rising precision, from the exact inputs."""

    def __init__(self, graph: Graph, inputs: Mapping[str, float], needed: Sequence[bool]) -> None:
        self.graph = graph
        self.inputs = inputs
        self.needed = needed
        self.known: dict[int, list[Any]] = {}

    def at(self, digits: int) -> list[Any]:
        """Return one tracked value per node at the current working precision."""
        if digits not in self.known:
            values: list[Any] = []
            for node in self.graph.nodes:
                if node.op is not None:
                    known = self.needed[node.id]
                    values.append(
                        _apply(node.op, *(values[i] for i in node.inputs))
                        if known
                        else _Tracked(mp.nan, mpf(0))
                    )
                elif node.kind == CONSTANT:
                    value = _literal(node.label or "", node.value)
                    values.append(_Tracked(value, mpf(0) if value == int(value) else abs(value) * _unit()))
                else:
                    values.append(_Tracked(mpf(self.inputs[node.name or ""]), mpf(0)))
            self.known[digits] = values
        return self.known[digits]

    def settle(self, number: Callable[[list[Any]], Any]) -> float | None:
        """Evaluate at rising precision until 17 digits stand; None when they do not."""
        for digits in PRECISIONS:
            with mp.workdps(digits):
                found = number(self.at(digits))
                if found is None or not mp.isfinite(found.value):
                    return None
                if found.bound <= abs(found.value) * mpf(10) ** -18:
                    return float(found.value)
                if abs(found.value) <= found.bound < ZERO:
                    return 0.0
        return None


def _literal(label: str, value: float) -> Any:
    if label in ("pi", "π"):
        return +mp.pi
    if label == "tau":
        return 2 * mp.pi
    return +mp.e if label == "e" else mpf(label)


def evaluate_formula(expression: Any, names: Mapping[Any, int], values: Sequence[Any]) -> Any:
    """Evaluate a SymPy expression in mpmath, by a loop of ours, with a bound on its error.

    Args:
        expression: The formula.
        names: Symbol to node id.
        values: One tracked value per node.
    """
    done: dict[Any, Any] = {}
    todo: list[tuple[Any, bool]] = [(expression, False)]
    while todo:
        e, ready = todo.pop()
        if e in done:
            continue
        if not e.args:
            done[e] = _atom(e, names, values)
        elif not ready:
            todo.append((e, True))
            todo += [(a, False) for a in e.args]
        else:
            done[e] = _combine(e, [done[a] for a in e.args])
    return done[expression]


def _atom(e: Any, names: Mapping[Any, int], values: Sequence[Any]) -> _Tracked:
    if e.is_Integer:
        return _Tracked(mpf(int(e)), mpf(0))
    if e.is_Symbol:
        return values[names[e]]
    if e.is_Rational:
        value = mpf(int(e.p)) / int(e.q)
    elif e is sympy.pi or e is sympy.E:
        value = +mp.pi if e is sympy.pi else +mp.e
    else:
        value = mp.nan if e.is_finite is False or e is sympy.nan else mpf(e.evalf(mp.dps)._mpf_)
    return _Tracked(value, abs(value) * _unit())


def _combine(e: Any, operands: list[_Tracked]) -> _Tracked:
    values = [x.value for x in operands]
    if e.is_Add:
        largest = max(abs(v) for v in values)
        return _Tracked(mp.fsum(values), sum((x.bound for x in operands), largest * _unit()))
    if e.is_Mul:
        # a branch not taken contributes nothing, even where it has no value
        if any(isinstance(a, Where) and v == 0 for a, v in zip(e.args, values, strict=True)):
            return _Tracked(mpf(0), mpf(0))
        y = prod(values, start=mpf(1))
        wide = prod((abs(x.value) + x.bound for x in operands), start=mpf(1))
        return _Tracked(y, wide - abs(y) + abs(y) * _unit())
    if e.is_Pow:
        return _tracked(multiprecision().power, operands)
    if isinstance(e, Where):
        return operands[1] if values[0] else operands[2]
    name = type(e).__name__
    function = getattr(multiprecision(), OUR_NAMES.get(name, name))
    return _tracked(function, operands, smooth=not isinstance(e, (Flat, Extremum)))


def _chain(
    graph: Graph, wanted: Sequence[int], needed: Sequence[bool], constants: Constants, points: _Points
) -> dict[int, float | None]:
    """Chain SymPy's derivative of each step in multi-precision: path sums as in the sweep."""
    cache: dict[tuple[Any, ...], tuple[list[Any], Any]] = {}
    active = graph.depends_on(list(wanted))

    def sweep(values: list[Any]) -> dict[int, Any]:
        total: dict[int, Any] = {graph.output: _Tracked(mpf(1), mpf(0))}
        for node in reversed(graph.nodes[: graph.output + 1]):
            g = total.get(node.id)
            if g is None or node.op is None or not (g.value or g.bound):
                continue
            for position, i in enumerate(node.inputs):
                if not active[i]:
                    continue
                fixed = tuple(constants(k) if graph.nodes[k].kind == CONSTANT else None for k in node.inputs)
                key = (node.op.name, position, fixed)
                if key not in cache:
                    places = [
                        sympy.Dummy(f"u{k}", real=True) if f is None else f for k, f in enumerate(fixed)
                    ]
                    cache[key] = places, defined(node.op, places).diff(places[position])
                places, derivative = cache[key]
                names = dict(constants.values)
                names.update((p, k) for p, k, f in zip(places, node.inputs, fixed, strict=True) if f is None)
                p = evaluate_formula(derivative, names, values)
                wide = (abs(g.value) + g.bound) * (abs(p.value) + p.bound)
                term = g.value * p.value
                before = total.get(i, _Tracked(mpf(0), mpf(0)))
                value = before.value + term
                spare = max(abs(value), abs(term)) * _unit()
                total[i] = _Tracked(value, before.bound + (wide - abs(term)) + spare)
        return total

    swept: dict[int, dict[int, Any]] = {}

    def number(k: int, values: list[Any]) -> Any:
        if mp.dps not in swept:
            swept[mp.dps] = sweep(values)
        return swept[mp.dps].get(k, _Tracked(mpf(0), mpf(0)))

    return {k: points.settle(partial(number, k)) for k in wanted}


# Higher derivatives

HIGHER_LIMIT = 400  # steps of a program that is differentiated more than once
WRITTEN_LIMIT = 300  # operations of a formula that is shown


def higher(
    graph: Graph,
    inputs: Mapping[str, float] | None,
    directions: Sequence[Sequence[Sequence[tuple[str, float]]]],
    found: dict[str, Any],
) -> None:
    """Differentiate the inlined function along one direction after the other.

    Args:
        graph: The computation.
        inputs: A value for every input; None for formulas alone.
        directions: Per answer, the directions in their order.
        found: Gets formulas and numbers by position, a formula as soon as it is there.
    """
    from ..engine.run import evaluate

    steps = sum(node.op is not None for node in graph.nodes)
    if steps > HIGHER_LIMIT:
        found["failure"] = f"{steps:,} steps are too many to differentiate more than once"
        return
    constants = Constants(graph)
    symbols = {id: sympy.Dummy(name, real=True) for name, id in graph.inputs.items()}
    decimal = any(n.label and "." in n.label for n in graph.nodes)
    decimal = decimal or any(w % 1.0 for along in directions for weights in along for _, w in weights)
    write = _Printer(decimal, constants.precedence).write
    reached = graph.needed()

    def inlined(apply: Callable[[Primitive, Sequence[Any]], Any]) -> Any:
        values: dict[int, Any] = {}
        for node in graph.nodes:
            if node.kind == CONSTANT:
                values[node.id] = constants(node.id)
            elif node.op is None:
                values[node.id] = symbols[node.id]
            elif reached[node.id]:
                operands = guarded(node.op, [values[i] for i in node.inputs], constants, node.inputs)
                values[node.id] = apply(node.op, operands)
        return values[graph.output]

    def derived(known: dict[Any, Any], along: tuple[Any, ...]) -> Any:
        if along not in known:
            before = derived(known, along[:-1])
            known[along] = sympy.Add(
                *(
                    sympy.Rational(repr(w)) * before.diff(symbols[graph.inputs[name]])
                    for name, w in along[-1]
                    if w
                )
            )
        return known[along]

    keys = [tuple(tuple(map(tuple, weights)) for weights in along) for along in directions]
    function = {(): inlined(defined)}
    names = {symbol: id for id, symbol in symbols.items()} | constants.values
    if inputs is not None:
        _, needed = evaluate(graph, inputs)
        points = _Points(graph, inputs, needed)
        for k, key in enumerate(keys):
            formula = partial(evaluate_formula, derived(function, key), names)
            found["numbers"][k] = points.settle(formula)
    written = {(): inlined(shown)}
    for k, key in enumerate(keys):
        expression = sympy.powsimp(derived(written, key))
        if expression.count_ops(visual=False) <= WRITTEN_LIMIT:
            found["formulas"][k] = write((expression,))
