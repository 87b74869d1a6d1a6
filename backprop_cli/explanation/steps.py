"""The derivative rule by rule, on the program as it is written: data, not text.

Named steps are the inner functions of the chain rule under their own names; an operand that is written in
place is called u. The rules here are a textbook's; the closing formula is SymPy's.
"""

from __future__ import annotations

from typing import NamedTuple

from ..graph import CONSTANT, Graph, Node
from ..language.format import by_name, given
from ..language.written import DERIVATIVE
from ..ops import PRIMITIVES
from ..ops.primitive import CONSTANT_FACTOR_RULE, PRODUCT_RULE, QUOTIENT_RULE
from ..ops.unknown import UnknownFunction
from .expr import (
    ONE,
    ZERO,
    Apply,
    Expr,
    Number,
    Ref,
    choice,
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
        inner: The inner function of the chain rule and what it stands for, or None.
    """

    rule: str
    depth: int
    forms: tuple[Expr, ...]
    inner: tuple[Expr, Expr] | None = None


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
        return Derivation(self.name, total, function, tuple(self.steps), found, size)

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
                self.whole[id] = Apply(node.op.name, tuple(self.expr(i) for i in given(self.graph, node)))
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
        promised: Expr = ZERO
        for i, minus in terms:
            # a constant keeps its place until its own rule has been named
            slope = self.promise(i) if self.moves[i] else self.pending(self.expr(i))
            promised = plus(promised, slope, minus)
        self.steps.append(Step(rule.rule, depth, (*left, promised)))
        total: Expr = ZERO
        for i, minus in terms:
            if not self.moves[i]:
                self.steps.append(Step("constant rule", depth + 1, (self.pending(self.expr(i)), ZERO)))
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
        whole = [self.expr(i) for i in moving]

        def terms(slopes: list[Expr]) -> Expr:
            total: Expr = ZERO
            for k, slope in enumerate(slopes):
                total = plus(total, times(*fixed, *whole[:k], slope, *whole[k + 1 :]))
            return total

        op = self.graph.nodes[id].op
        assert op is not None
        self.steps.append(Step(op.rule, depth, (*left, terms([self.promise(i) for i in moving]))))
        return terms([self.of(i, depth + 1) for i in moving])

    def quotient(self, node: Node, depth: int, left: tuple[Expr, ...]) -> Expr:
        """d(u/v) = (du*v - u*dv)/v^2."""
        a, b = node.inputs
        u, v = self.expr(a), self.expr(b)
        assert node.op is not None

        def rule(du: Expr, dv: Expr) -> Expr:
            if not self.moves[b]:
                return over(du, v)
            above = plus(times(du, v), times(u, dv), True)
            return over(above, power(v, Number(2.0)))

        name = node.op.rule if self.moves[b] else CONSTANT_FACTOR_RULE
        self.steps.append(Step(name, depth, (*left, rule(self.promise(a), self.promise(b)))))
        return rule(self.of(a, depth + 1), self.of(b, depth + 1))

    def function(self, id: int, depth: int, left: tuple[Expr, ...]) -> Expr:
        """A function of one or more operands: its own rule, and the chain rule where an operand is inner."""
        node = self.graph.nodes[id]
        op = node.op
        assert op is not None
        moving = [k for k, i in enumerate(node.inputs) if self.moves[i]]
        inner = [k for k in moving if not self.is_x(node.inputs[k])]
        operands = [self.expr(i) for i in node.inputs]
        names = list(operands)
        rule, meaning = op.rule, None
        if op.literal_form and 0 in moving:
            literal = PRIMITIVES[op.literal_form].rule
            rule = f"{literal} and {rule}" if len(moving) == 2 else literal
        if inner:
            rule = f"chain rule, {rule}"
        if len(moving) == 1 and inner:
            i = node.inputs[inner[0]]
            if self.is_named(i):
                meaning = operands[inner[0]], operands[inner[0]]
            elif self.letters:
                letter = self.letters.pop(0)
                names[inner[0]] = Ref(Name(letter), 0.0)
                meaning = names[inner[0]], operands[inner[0]]

        def partial(k: int, over_: list[Expr]) -> Expr:
            return self.partial(id, k, over_)

        promised: Expr = ZERO
        for k in moving:
            slope = self.promise(node.inputs[k])
            if meaning is not None and isinstance(meaning[0], Ref) and slope != ONE:
                slope = self.slope_name(meaning[0].name.part)
            promised = plus(promised, times(partial(k, names), slope))
        self.steps.append(Step(rule, depth, (*left, promised), meaning))
        if isinstance(op, UnknownFunction) and meaning is not None and node.name is not None:
            outer = Ref(Name(_part(meaning[0]), of=node.name), 0.0)
            self.steps.append(Step("outer function", depth + 1, (outer, partial(inner[0], names))))
        total: Expr = ZERO
        for k in moving:
            i = node.inputs[k]
            slope = self.of(i, depth + 1)
            if meaning is not None and not self.is_named(i):
                self.steps.append(Step("together", depth + 1, (self.slope_name(_part(meaning[0])), slope)))
            total = plus(total, times(partial(k, operands), slope))
        return total

    def partial(self, id: int, position: int, operands: list[Expr]) -> Expr:
        """Return a local derivative over what stands for the operands."""
        node = self.graph.nodes[id]
        assert node.op is not None
        value: Expr = Apply(node.op.name, tuple(operands[: len(given(self.graph, node))]))
        if id != self.graph.output and self.is_named(id):
            value = self.written.ref(id)  # as textbooks have yhat*(1 - yhat)
        if node.op.local:
            known = {"y": value, **dict(zip(node.op.params, operands, strict=False))}
            return simplified(read(node.op.local[position], known))
        names = {self.graph.own_name(i): e for i, e in zip(node.inputs, operands, strict=True)}
        text = local_texts(self.graph, id)[position]
        return read(text, names | {self.graph.own_name(id): value})


def _part(e: Expr) -> str:
    assert isinstance(e, Ref)
    return e.name.part


def _same(e: Expr) -> Expr:
    return e
