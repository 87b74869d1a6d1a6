"""The derivative rule by rule, on the program as it is written: data, not text.

Named steps are the functions that rules are written over under their own names; operands that are written in
place are called u and v. The rules here are a textbook's; the closing formula is SymPy's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ..graph import CONSTANT, Graph, Node
from ..language.format import by_name, given
from ..language.written import DERIVATIVE
from ..ops import PRIMITIVES, Primitive
from ..ops.logarithm import respelled
from ..ops.primitive import CONSTANT_FACTOR_RULE, POWER_RULE, PRODUCT_RULE, QUOTIENT_RULE
from ..ops.unknown import UnknownFunction
from .expr import (
    ONE,
    ZERO,
    Apply,
    Expr,
    Number,
    Ref,
    choice,
    fronted,
    negated,
    over,
    plus,
    power,
    read,
    simplified,
    times,
)
from .local import local_texts
from .names import Name
from .point import Written

MOST_STEPS = 120
"""Steps that depend on the input, above which a derivation is not written out."""


class Step(NamedTuple):
    """One application of a rule.

    Attributes:
        rule: Its name.
        depth: How deep in the derivation.
        forms: What is equal: the derivative asked for, and what the rule makes of it.
        meanings: Functions that the rule is written over, u and v, each with what it stands for.
    """

    rule: str
    depth: int
    forms: tuple[Expr, ...]
    meanings: tuple[tuple[Expr, Expr], ...] = ()


class Derivation(NamedTuple):
    """The derivative of the output by one input.

    Attributes:
        name: The input.
        total: d output / d input.
        function: What is differentiated.
        steps: The rules in the order of their use; none where there are too many.
        substituted: Everything put back in.
        size: Steps of the program that depend on the input.
    """

    name: str
    total: Expr
    function: Expr
    steps: tuple[Step, ...]
    substituted: Expr | None
    size: int


def derive(graph: Graph, name: str) -> Derivation:
    """Return the derivative of the output by an input, rule by rule."""
    return _Derivation(graph, name).run()


class Sides(NamedTuple):
    """Both sides of an equation differentiated by one variable, of which another is a function.

    Attributes:
        of: The function.
        by: The variable.
        slope: d of / d by.
        steps: The rules, for the left side and for the right one.
        equation: Both sides differentiated.
        collected: The slope times what it stands before, and what it does not stand before.
        solved: The slope.
    """

    of: str
    by: str
    slope: Expr
    steps: tuple[tuple[Step, ...], tuple[Step, ...]]
    equation: tuple[Expr, Expr]
    collected: tuple[Expr, Expr]
    solved: Expr


def derive_sides(graph: Graph, sides: tuple[int, int], of: str, by: str) -> Sides:
    """Differentiate an equation on paper.

    Args:
        graph: Its nodes; the output is left minus right side.
        sides: The nodes of both.
        of: The variable that is a function of the other.
        by: The other.
    """
    steps, derived = [], []
    for id in sides:
        side = _Derivation(graph, by)
        side.moves = graph.depends_on([graph.inputs[by], graph.inputs[of]])
        side.known[graph.inputs[of]] = side.slope_name(of)
        side.measure()
        derived.append(side.of(id, 0))
        steps.append(tuple(side.steps))
    slope = Ref(Name(by, of=of), 0.0)
    alone, along = (derive(graph, name).substituted or ZERO for name in (by, of))
    return Sides(
        of, by, slope, (steps[0], steps[1]), (derived[0], derived[1]),
        (times(along, slope), negated(alone)), over(negated(alone), along),
    )  # fmt: skip


class _Derivation:
    def __init__(self, graph: Graph, name: str) -> None:
        self.graph = graph
        self.name = name
        self.written = Written(graph)
        self.x = graph.id_of(name)
        self.moves = graph.depends_on([self.x])
        self.steps: list[Step] = []
        self.known: dict[int, Expr] = {}  # derivatives of steps with names of their own
        self.whole: dict[int, Expr] = {}
        self.sizes: dict[int, int] = {}
        self.letters = [c for c in "uvwpqrst" if c not in graph.taken]

    def run(self) -> Derivation:
        graph, output = self.graph, self.graph.output
        reached = graph.needed()
        size = sum(
            m and r and n.op is not None for m, r, n in zip(self.moves, reached, graph.nodes, strict=True)
        )
        total = self.slope_name(graph.own_name(output))
        if size > MOST_STEPS:
            return Derivation(self.name, total, self.written.ref(output), (), None, size)
        self.measure()
        function = self.body(output)
        if not self.moves[output]:
            found: Expr = ZERO
            self.steps.append(Step("constant rule", 0, (total, self.pending(function), ZERO)))
        else:
            found = self.of_body(output, 0, total)
        return Derivation(self.name, total, function, tuple(self.steps), fronted(found), size)

    def measure(self) -> None:
        """Count the operations that each node would be written with."""
        for node in self.graph.nodes:
            if node.kind == CONSTANT or node.op is None:
                self.sizes[node.id] = 0
            else:
                self.sizes[node.id] = 1 + sum(0 if self.is_named(i) else self.sizes[i] for i in node.inputs)

    # what a node is called, and what it is

    def is_named(self, id: int) -> bool:
        """Whether a node goes by a name in what is written."""
        node = self.graph.nodes[id]
        if node.kind == CONSTANT or (node.op is not None and node.op.truth and node.name is None):
            return False
        return by_name(node, self.sizes.get(id, 0))

    def expr(self, id: int) -> Expr:
        """Return a node as an operand: its name, or the whole expression where it has none."""
        return self.written.ref(id) if self.is_named(id) else self.body(id)

    def body(self, id: int) -> Expr:
        """Return what a node is computed from."""
        if id not in self.whole:
            node = self.graph.nodes[id]
            if node.kind == CONSTANT or node.op is None:
                self.whole[id] = self.written.ref(id)
            else:
                self.whole[id] = Apply(
                    self.graph.called(node.op), tuple(self.expr(i) for i in given(self.graph, node))
                )
        return self.whole[id]

    def slope_name(self, of: str) -> Expr:
        return Ref(Name(self.name, of=of), 0.0)

    def pending(self, e: Expr) -> Expr:
        """Return a derivative that is still to be taken."""
        return Apply(DERIVATIVE, (Ref(Name(self.name), 0.0), e))

    def is_x(self, id: int) -> bool:
        return id == self.x

    # rules

    def promise(self, id: int) -> Expr:
        """Return the derivative of an operand as a rule writes it: 0 and 1 at once, others to be taken."""
        if self.is_x(id):
            return ONE
        if not self.moves[id]:
            return ZERO
        if self.is_named(id):
            return self.slope_name(self.graph.own_name(id))
        return self.pending(self.body(id))

    def of(self, id: int, depth: int) -> Expr:
        """Take the derivative of an operand; return it with everything put back in."""
        if self.is_x(id):
            return ONE
        if not self.moves[id]:
            return ZERO
        if not self.is_named(id):
            return self.of_body(id, depth)
        if id not in self.known:
            self.known[id] = self.of_body(id, depth, self.slope_name(self.graph.own_name(id)))
        return self.known[id]

    def of_body(self, id: int, depth: int, total: Expr | None = None) -> Expr:
        """Apply the rule for a step."""
        node = self.graph.nodes[id]
        head = (total,) if total is not None else ()
        if node.op is None:
            self.steps.append(Step("the variable itself", depth, (*head, self.pending(self.expr(id)), ONE)))
            return ONE
        left = (*head, self.pending(self.body(id)))
        if node.op.additive:
            return self.sum(id, depth, left)
        if node.op.rule == PRODUCT_RULE:
            return self.product(id, depth, left)
        if node.op.rule == QUOTIENT_RULE:
            return self.quotient(node, depth, left)
        if len(node.inputs) == 1 and node.op.linear:
            (i,) = node.inputs
            sign = negated if node.op.local == ("-1",) else _same
            self.steps.append(Step(node.op.rule, depth, (*left, sign(self.promise(i)))))
            return sign(self.of(i, depth + 1))
        if node.op.literal_form and all(self.moves[i] for i in node.inputs):
            return self.tower(id, depth, left)
        if node.op.chosen:
            c, a, b = node.inputs
            self.steps.append(
                Step(
                    "branch by branch",
                    depth,
                    (*left, choice(self.expr(c), self.promise(a), self.promise(b))),
                )
            )
            slopes = self.of(a, depth + 1), self.of(b, depth + 1)
            return choice(self.expr(c), *slopes)
        return self.function(id, depth, left)

    def sum(self, id: int, depth: int, left: tuple[Expr, ...]) -> Expr:
        """d(u + v) = du + dv, over as many terms as are written in a row."""
        terms: list[tuple[int, bool]] = []
        todo = [(id, False)]
        while todo:
            i, minus = todo.pop()
            op = self.graph.nodes[i].op
            if i != id and (op is None or not op.additive or self.is_named(i) or not self.moves[i]):
                terms.append((i, minus))
                continue
            assert op is not None
            a, b = self.graph.nodes[i].inputs
            todo += [(b, minus ^ (op.local[1] == "-1")), (a, minus)]
        rule = self.graph.nodes[id].op
        assert rule is not None
        self.steps.append(
            Step(rule.rule, depth, (*left, _sum([(self.promise(i), minus) for i, minus in terms])))
        )
        total: Expr = ZERO
        for i, minus in terms:
            total = plus(total, self.of(i, depth + 1), minus)
        return total

    def product(self, id: int, depth: int, left: tuple[Expr, ...]) -> Expr:
        """d(u*v) = du*v + u*dv; what does not depend on the input stays in front."""
        factors: list[int] = []
        todo = [id]
        while todo:
            i = todo.pop()
            op = self.graph.nodes[i].op
            if i != id and (op is None or op.rule != PRODUCT_RULE or self.is_named(i)):
                factors.append(i)
            else:
                todo += reversed(self.graph.nodes[i].inputs)
        fixed = [self.expr(i) for i in factors if not self.moves[i]]
        moving = [i for i in factors if self.moves[i]]
        if len(moving) == 1:
            (i,) = moving
            self.steps.append(Step(CONSTANT_FACTOR_RULE, depth, (*left, times(*fixed, self.promise(i)))))
            return times(*fixed, self.of(i, depth + 1))
        names = self.letter(moving)

        def terms(whole: list[Expr], slopes: list[Expr]) -> Expr:
            parts = (_product([*whole[:k], slope, *whole[k + 1 :]]) for k, slope in enumerate(slopes))
            return times(*fixed, _sum([(part, False) for part in parts]))

        op = self.graph.nodes[id].op
        assert op is not None
        letters = [names.get(i) or self.expr(i) for i in moving]
        promised = terms(letters, [self.slope(i, names) for i in moving])
        self.steps.append(Step(op.rule, depth, (*left, promised), self.meanings(names)))
        return terms([self.expr(i) for i in moving], [self.found(i, depth + 1, names) for i in moving])

    def quotient(self, node: Node, depth: int, left: tuple[Expr, ...]) -> Expr:
        """d(u/v) = (du*v - u*dv)/v^2; c/u^n is c*u^(-n)."""
        a, b = node.inputs
        assert node.op is not None
        if not self.moves[b]:
            self.steps.append(Step(CONSTANT_FACTOR_RULE, depth, (*left, over(self.promise(a), self.expr(b)))))
            return over(self.of(a, depth + 1), self.expr(b))
        if not self.moves[a]:
            return self.reciprocal(a, b, depth, left)
        names = self.letter([a, b])

        def rule(u: Expr, v: Expr, du: Expr, dv: Expr) -> Expr:
            above = _sum([(_product([du, v]), False), (_product([u, dv]), True)])
            return over(above, power(v, Number(2.0)))

        u, v = (names.get(i) or self.expr(i) for i in (a, b))
        promised = rule(u, v, self.slope(a, names), self.slope(b, names))
        self.steps.append(Step(node.op.rule, depth, (*left, promised), self.meanings(names)))
        found = self.found(a, depth + 1, names), self.found(b, depth + 1, names)
        return rule(self.expr(a), self.expr(b), *found)

    def reciprocal(self, a: int, b: int, depth: int, left: tuple[Expr, ...]) -> Expr:
        """d(c*u^(-n)) = -n*c*u^(-n - 1)*du."""
        n: Expr = ONE
        base, below = b, self.graph.nodes[b]
        if below.op and self.rule_of(below.op, below.inputs) == POWER_RULE and not self.is_named(b):
            exponent = self.graph.nodes[below.inputs[1]]
            if exponent.kind == CONSTANT and exponent.name is None:
                base, n = below.inputs[0], self.written.constant(exponent.id)
        names = {} if self.is_x(base) else self.letter([base])
        c, minus_n = self.expr(a), negated(n)

        def rule(u: Expr, du: Expr) -> Expr:
            return times(c, minus_n, power(u, plus(minus_n, ONE, True)), du)

        u = self.expr(base)
        turned = self.pending(times(c, power(u, minus_n)))
        promised = rule(names.get(base, u), self.slope(base, names))
        name, meanings = POWER_RULE, self.meanings(names)
        if not self.is_x(base):
            name, meanings = f"chain rule, {POWER_RULE}", meanings or ((u, u),)
        self.steps.append(Step(name, depth, (*left, turned, promised), meanings))
        return rule(u, self.found(base, depth + 1, names))

    def tower(self, id: int, depth: int, left: tuple[Expr, ...]) -> Expr:
        """d(u^v) by u^v = exp(v*log(u))."""
        a, b = self.graph.nodes[id].inputs
        base, power_ = self.expr(a), self.expr(b)
        log = Apply(self.graph.logarithm, (base,))
        exponent = times(power_, log)
        whole = Apply(self.graph.nodes[id].primitive.name, (base, power_))
        letter = Ref(Name(self.letters.pop(0)), 0.0) if self.letters else None
        slope = self.pending(exponent) if letter is None else self.slope_name(_part(letter))

        def rule(da: Expr, db: Expr) -> Expr:
            return _sum([(_product([db, log]), False), (_product([power_, over(da, base)]), False)])

        turned = self.pending(Apply("exp", (exponent,)))
        rules = PRIMITIVES["exp"].rule, PRODUCT_RULE, PRIMITIVES["log"].rule
        self.steps.append(
            Step(
                f"chain rule, {rules[0]}", depth, (*left, turned, times(whole, slope)),
                () if letter is None else ((letter, exponent),),
            )
        )  # fmt: skip
        forms = (slope, self.pending(exponent))[letter is None :]
        promised = rule(self.promise(a), self.promise(b))
        self.steps.append(Step(f"{rules[1]}, {rules[2]}", depth + 1, (*forms, promised)))
        before = len(self.steps)
        found = rule(self.of(a, depth + 2), self.of(b, depth + 2))
        if len(self.steps) > before:
            self.steps.append(Step("together", depth + 1, (slope, fronted(found))))
        return times(whole, found)

    def rule_of(self, op: Primitive, inputs: Sequence[int]) -> str:
        """Return the name of a row's rule for the operand that moves."""
        return PRIMITIVES[op.literal_form].rule if op.literal_form and self.moves[inputs[0]] else op.rule

    def letter(self, ids: Sequence[int]) -> dict[int, Expr]:
        """Give operands that are written in place a letter each; none where there are not enough of them."""
        unnamed = dict.fromkeys(i for i in ids if self.is_x(i) or not self.is_named(i))
        if len(unnamed) > len(self.letters):
            return {}
        return {i: Ref(Name(self.letters.pop(0)), 0.0) for i in unnamed}

    def meanings(self, names: Mapping[int, Expr]) -> tuple[tuple[Expr, Expr], ...]:
        """Return what letters stand for."""
        return tuple((letter, self.expr(i)) for i, letter in names.items())

    def slope(self, id: int, names: Mapping[int, Expr]) -> Expr:
        """Return the derivative of an operand as a rule writes it, by its letter where it has one."""
        return self.slope_name(_part(names[id])) if id in names else self.promise(id)

    def found(self, id: int, depth: int, names: Mapping[int, Expr]) -> Expr:
        """Take the derivative of an operand, for its letter where it has one."""
        if id not in names or self.is_x(id):
            return self.of(id, depth)
        total, before = self.slope_name(_part(names[id])), len(self.steps)
        slope = self.of_body(id, depth, total)
        if len(self.steps) > before + 1:
            self.steps.append(Step("together", depth, (total, fronted(slope))))
        return slope

    def function(self, id: int, depth: int, left: tuple[Expr, ...]) -> Expr:
        """A function of one or more operands: its own rule, and the chain rule where an operand is inner."""
        node = self.graph.nodes[id]
        op = node.op
        assert op is not None
        moving = [k for k, i in enumerate(node.inputs) if self.moves[i]]
        inner = [k for k in moving if not self.is_x(node.inputs[k])]
        operands = [self.expr(i) for i in node.inputs]
        rule = self.rule_of(op, node.inputs)
        if inner:
            rule = f"chain rule, {rule}"
        names = self.letter([node.inputs[k] for k in moving]) if inner or len(moving) > 1 else {}
        over_ = [names.get(i, operand) for i, operand in zip(node.inputs, operands, strict=True)]
        promised: Expr = ZERO
        for k in moving:
            promised = plus(promised, times(self.partial(id, k, over_), self.slope(node.inputs[k], names)))
        meanings = self.meanings(names)
        if not meanings and len(moving) == 1 and inner and self.is_named(node.inputs[inner[0]]):
            meanings = ((operands[inner[0]],) * 2,)
        self.steps.append(Step(rule, depth, (*left, promised), meanings))
        if isinstance(op, UnknownFunction) and len(meanings) == 1 and node.name is not None:
            outer = Ref(Name(_part(meanings[0][0]), of=node.name), 0.0)
            self.steps.append(Step("outer function", depth + 1, (outer, self.partial(id, inner[0], over_))))
        total: Expr = ZERO
        for k in moving:
            slope = self.found(node.inputs[k], depth + 1, names)
            total = plus(total, times(self.partial(id, k, operands), slope))
        return total

    def partial(self, id: int, position: int, operands: list[Expr]) -> Expr:
        """Return a local derivative over what stands for the operands."""
        node = self.graph.nodes[id]
        assert node.op is not None
        value: Expr = Apply(self.graph.called(node.op), tuple(operands[: len(given(self.graph, node))]))
        if id != self.graph.output and self.is_named(id):
            value = self.written.ref(id)  # as textbooks have yhat*(1 - yhat)
        if node.op.local:
            known = {"y": value, **dict(zip(node.op.params, operands, strict=False))}
            return simplified(read(respelled(node.op.local[position], self.graph.logarithm), known))
        names = {self.graph.own_name(i): e for i, e in zip(node.inputs, operands, strict=True)}
        text = local_texts(self.graph, id)[position]
        return read(text, names | {self.graph.own_name(id): value})


def _sum(terms: Sequence[tuple[Expr, bool]]) -> Expr:
    """Write a sum with its zeros, each term with whether it is taken away."""
    (first, minus), *rest = terms
    total = negated(first) if minus else first
    for e, less in rest:
        if ZERO in (total, e):
            total = Apply("subtract" if less else "add", (total, e))
        else:
            total = plus(total, e, less)
    return total


def _product(factors: Sequence[Expr]) -> Expr:
    """Write a product with its ones; 0 where a factor is 0."""
    kept = ONE in factors and ZERO not in factors
    return Apply("multiply", tuple(factors)) if kept else times(*factors)


def _part(e: Expr) -> str:
    assert isinstance(e, Ref)
    return e.name.part


def _same(e: Expr) -> Expr:
    return e
