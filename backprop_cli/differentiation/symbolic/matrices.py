"""The derivative by every node of a program with arrays as a formula in matrix notation.

Cotangents are pulled back as forms; elementwise steps have SymPy's own derivatives, products swap their
factors, and the rows that are neither have their rule here. The formulas share nothing with the pulls of the
engine: each is read again by our parser and held to the sweep in the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import sympy

from ...graph import CONSTANT, ArrayNode, Graph, Node
from ...language.format import is_turned
from ...language.operators import PRODUCT
from ...language.written import TEXTBOOK, Piece, bracketed, call, spell
from ...ops import Shape
from ...ops.matrices import Key, by_number
from .by_index import ByIndex, Indices, Places
from .constants import Constants
from .forms import DIAGONAL, Factor, Form, Forms
from .functions import shown

LONGEST = 400
"""Operations of a cotangent from which no formula is looked for."""

ZERO, ONE = sympy.S.Zero, sympy.S.One

NO_SIZES: Mapping[int, str] = {}
NO_PLACES: Mapping[int, Places] = {}

Pulled = Sequence[Form | None]
"""What each operand gets; None where there is no formula."""


class NoFormula(Exception):
    """A step whose derivative has no form."""


def _sized(graph: Graph, sizes: Mapping[int, Any]) -> Graph:
    """Return a graph with symbols for lengths of axes that are not known."""
    if not sizes:
        return graph

    def sized(x: Any) -> Any:
        return tuple(map(sized, x)) if isinstance(x, tuple) else sizes.get(x, x)

    nodes: list[Node] = []
    for node in graph.nodes:
        row = node.id, node.op, node.inputs, node.kind, node.span, node.name, node.value, node.label
        static = {key: sized(value) for key, value in node.static.items()}
        nodes.append(ArrayNode(*row, shape=sized(node.shape), static=static))
    return graph.replaced(nodes=nodes)


class Derivatives:
    """Formulas of one program.

    Args:
        graph: The computation, with the shape of every node.
        shares: Nodes of targets whose rows add up to 1, which `cross_entropy` is told of.
        names: Which steps formulas call by name: those that the user named, ``inputs`` alone, or ``all``.
        sizes: What lengths of axes are called that are not known; every axis of such a length has one name.
    Attributes:
        by_index: After `gradients`, those of nodes that had places, number by number.
    """

    def __init__(
        self,
        graph: Graph,
        shares: Sequence[int] = (),
        names: str = "own",
        sizes: Mapping[int, str] = NO_SIZES,
    ) -> None:
        labels = [n.label or "" for n in graph.nodes if n.op is None and n.kind == CONSTANT]
        self.forms = Forms(decimal=any("." in label for label in labels))
        self.graph = _sized(graph, {n: self.forms.size(name) for n, name in sizes.items()})
        self.names = names
        self.shares = set(shares)
        self.by_index: dict[int, ByIndex] = {}
        self.indices = Indices(self.forms, {*graph.named, *sizes.values()})
        self.constants = Constants(graph)
        self.same: list[int] = []  # equal steps are one: what the first of them is called, all are
        known: dict[Any, int] = {}
        self.values: list[Form] = []
        for node in self.graph.nodes:
            key = self._key(node)
            self.same.append(known.setdefault(key, node.id))
            first = self.same[-1]
            self.values.append(self.values[first] if first < node.id else self._value(node))

    def _key(self, node: Node) -> Any:
        if node.op is None:
            return ("leaf", node.id) if node.kind != CONSTANT else ("constant", node.label)
        if self._is_named(node):
            return ("named", node.id)
        return (node.op.name, tuple(self.same[i] for i in node.inputs), *sorted(node.static.items()))

    def _is_named(self, node: Node) -> bool:
        if node.op is None:
            return True
        if self.names == "all":
            return not is_turned(self.graph, node.id)
        return self.names == "own" and node.name is not None

    # what steps are

    def _value(self, node: Node) -> Form:
        shape = node.shape
        if node.kind == CONSTANT and not shape:
            return Form((), self._constant(node.id))
        if node.op is None or self._is_named(node):
            return self.forms.named(self.graph.own_name(node.id), shape)
        operands = [self.values[i] for i in node.inputs]
        number = by_number(node.op)
        if number is not None:
            found = shown(number, [self.forms.expr(x) for x in operands])
            return Form(shape, found)
        if "spec" in node.static:
            return self._contracted(node.static["spec"], operands, shape)
        return self._called(node, operands)

    def _constant(self, id: int) -> Any:
        found = self.constants(id)
        self.forms.printer.written.update(self.constants.written)
        return found

    def _contracted(self, spec: str, operands: Sequence[Form], shape: Shape) -> Form:
        forms = self.forms
        if spec == "i->i":
            return operands[0]
        if spec == "ij->ji":
            return forms.turned(operands[0])
        if spec in ("ij->", "i->"):
            return Form((), forms.total(operands[0]))
        if spec == "ii->":
            return forms.called("trace", (), operands[0])
        if spec == "ii->i":
            return forms.called("diag", shape, operands[0])
        if spec in ("ij->i", "ij->j"):
            return forms.called("rowsum" if spec == "ij->i" else "colsum", shape, operands[0])
        x, y = operands
        if spec == "i,i->":
            return Form((), forms.total(forms.times(x, forms.expr(y), x.shape)))
        if spec == "i,ij->j":
            return forms.multiply(y, x, shape, x_turned=True)
        return forms.multiply(x, y, shape, y_turned=spec == "i,j->ij")

    def _called(self, node: Node, operands: Sequence[Form]) -> Form:
        assert node.op is not None
        forms, name = self.forms, node.op.name
        if name == "apart":
            return forms.called("diag", node.shape, operands[0])
        if name == "index":
            whole = self.graph.nodes[node.inputs[0]].shape
            parts = [
                str(k) if isinstance(k, int) else ":" if k == (0, n) else f"{k[0]}:{k[1]}"
                for k, n in zip(node.static["key"], whole, strict=False)
            ]
            return forms.part(operands[0], f"[{', '.join(parts)}]", node.shape)
        if name == "lookup":
            return forms.part(operands[0], f"[{forms.piece(operands[1]).text}]", node.shape)
        if name == "scale_rows":
            return _by_rows(self, *operands)
        if name == "stack":
            return self._listed(operands, node.shape)
        if name in ("eye", "ones", "zeros"):
            if name == "eye":
                n = node.shape[0]
                return Form(node.shape, ZERO, {(Factor(ONE, (n,), DIAGONAL),): ONE})
            return Form(node.shape, ONE if name == "ones" else ZERO)
        written = name.removesuffix(" of an array")
        return forms.called(written, node.shape, *operands)

    def _listed(self, operands: Sequence[Form], shape: Shape) -> Form:
        from ...language.written import OURS, spell

        forms = self.forms
        key = ("stack", *map(forms.key, operands))
        symbol = forms.symbol(key, shape, lambda: spell(OURS, "stack", [forms.piece(x) for x in operands]))
        return Form(shape, symbol)

    # what is pulled back

    def gradients(
        self, wanted: Sequence[int], places: Mapping[int, Places] = NO_PLACES, *, chained: bool = False
    ) -> dict[int, str]:
        """Return the derivative of the output, a single number, by each wanted node, where it has a form.

        Args:
            wanted: Node ids.
            places: The indices of nodes whose derivative is looked for number by number, too.
            chained: Say it with the derivatives by the steps that the user named: ``dL/dz@x'``.
        """
        graph, forms = self.graph, self.forms
        active = graph.depends_on(list(wanted))
        found: dict[int, Form | None] = {graph.output: Form((), ONE)}
        texts: dict[int, str] = {}
        for node in reversed(graph.nodes[: graph.output + 1]):
            if node.id not in found or not active[node.id]:
                continue
            g = found[node.id]
            if self.same[node.id] != node.id:  # an equal step before it has all there is to it
                self._join(found, self.same[node.id], g)
                continue
            if g is not None:
                g = forms.tidy(g)
                if self._size(g) > LONGEST:
                    g = None
            if g is not None and node.id in wanted:
                texts[node.id] = forms.text(g)
                if node.id in places and (written := self.indices.written(g, places[node.id])):
                    self.by_index[node.id] = written
            if node.op is None:
                continue
            if chained and node.name is not None and node.id != graph.output:
                g = self._slope_by(node)
            try:
                parts: Pulled = [None] * len(node.inputs) if g is None else self._pulled(node, g)
            except NoFormula:
                parts = [None] * len(node.inputs)
            for i, part in zip(node.inputs, parts, strict=True):
                if active[i]:
                    self._join(found, i, part)
        for k in wanted:
            if k not in found:
                texts[k] = forms.text(Form(graph.nodes[k].shape, ZERO))
            elif self.same[k] != k and self.same[k] in texts:
                texts[k] = texts[self.same[k]]
        return {k: text for k, text in texts.items() if k in set(wanted)}

    def steps(self, wanted: Sequence[int]) -> list[tuple[int, int, str, str]]:
        """Return what every use of what is active brings: step, position, in matrix notation, and by index.

        The derivatives that are there by then are called ``dL/dv4``; a text is empty where there is none.
        A transpose without a name is no step: what is used is the array before it.
        """
        graph, forms = self.graph, self.forms
        active = graph.depends_on(list(wanted))
        found = []
        for node in reversed(graph.nodes[: graph.output + 1]):
            turned = is_turned(graph, node.id) and node.id != graph.output
            if node.op is None or not active[node.id] or turned:
                continue
            g = Form((), ONE) if node.id == graph.output else self._slope_by(node)
            with suppress(NoFormula):
                for position, (i, part) in enumerate(zip(node.inputs, self._pulled(node, g), strict=True)):
                    if active[i] and part is not None:
                        text = forms.text(self._before_turns(i, part))
                        found.append((node.id, position, text, self._by_index(node, position, g)))
        return found

    def _slope_by(self, node: Node) -> Form:
        """Return the derivative of the output by a step as what has that name."""
        graph = self.graph
        output = graph.own_name(graph.output)
        return self.forms.named(f"d{output}/d{graph.own_name(node.id)}", node.shape)

    def _before_turns(self, id: int, slope: Form) -> Form:
        """Return the slope by an array from that by its transpose."""
        while is_turned(self.graph, id):
            slope = self.forms.turned(slope) if len(slope.shape) == 2 else slope
            (id,) = self.graph.nodes[id].inputs
        return slope

    def _by_index(self, node: Node, position: int, g: Form) -> str:
        """Return what an elementwise step sends back, number by number."""
        assert node.op is not None
        if by_number(node.op) is None:
            return ""
        forms = self.forms
        product = g.whole * self._slope(node, position)
        axes, own = len(node.shape), len(self.values[node.inputs[position]].shape)
        places = {2: "[i,j]", 1: "[j]" if axes == 2 else "[i]"}
        named = {}
        for s in forms.array_symbols(product):
            text = forms.pieces[s]().text + places[len(forms.shapes[s])]
            named[s] = forms.symbol(("place", text), (), partial(Piece, text))
        written = forms.printer.piece(product.xreplace(named))
        summed = {(1, 0): "sum_i ", (2, 0): "sum_i sum_j ", (2, 1): "sum_i "}.get((axes, own), "")
        return summed + (bracketed(written, PRODUCT).text if summed else written.text)

    def jacobians(self, wanted: Sequence[int]) -> dict[int, str]:
        """Return the derivative of the output, a vector, by wanted numbers and vectors, where it has a form.

        A row belongs to a number of the output, a column to one of what is differentiated by.
        """
        graph, forms = self.graph, self.forms
        size = graph.nodes[graph.output].shape[0]
        active = graph.depends_on(list(wanted))
        eye = Form((size, size), ZERO, {(Factor(ONE, (size,), DIAGONAL),): ONE})
        found: dict[int, Form | None] = {graph.output: eye}
        for node in reversed(graph.nodes[: graph.output + 1]):
            if node.id not in found or not active[node.id]:
                continue
            form = found[node.id]
            above = found[node.id] = None if form is None else forms.tidy(form)
            if self.same[node.id] != node.id:
                self._join(found, self.same[node.id], above)
                continue
            for position, i in enumerate(node.inputs):
                if not active[i]:
                    continue
                part: Form | None = None
                if above is not None and self._size(above) <= LONGEST and len(graph.nodes[i].shape) < 2:
                    with suppress(NoFormula):
                        part = self._through(above, node, position)
                self._join(found, i, part)
        given = {k: found.get(self.same[k]) for k in wanted if len(graph.nodes[k].shape) < 2}
        return {k: forms.text(form) for k, form in given.items() if form is not None}

    def _through(self, above: Form, node: Node, position: int) -> Form:
        """Return the Jacobian by an operand from that by a step."""
        forms, size = self.forms, above.shape[0]
        to = self.values[node.inputs[position]].shape
        shape = (size, *to)
        if not node.shape:
            slope = self._pulled(node, Form((), ONE))[position]
            if slope is None:
                raise NoFormula
            if not to:
                return forms.scaled(above, slope.whole)
            return forms.multiply(above, slope, shape, y_turned=True)
        return forms.multiply(above, self._local(node, position), shape)

    def _local(self, node: Node, position: int) -> Form:
        """Return the Jacobian of a vector by an operand that is one, or a number."""
        assert node.op is not None
        forms, n = self.forms, node.shape[0]
        operands = [self.values[i] for i in node.inputs]
        to = operands[position].shape
        if len(node.shape) > 1:
            raise NoFormula
        if by_number(node.op) is not None:
            slope = self._slope(node, position)
            if not to:
                return Form((n,), slope)
            scalar, rest = forms.split(slope)
            return Form((n, n), ZERO, {(Factor(rest, (n,), DIAGONAL),): scalar} if slope != 0 else {})
        eye = Form((n, n), ZERO, {(Factor(ONE, (n,), DIAGONAL),): ONE})
        y = self.values[node.id]
        match node.static.get("spec", node.op.name):
            case "i->i":
                return eye
            case "ij,j->i":
                return operands[0]
            case "i,ij->j":
                return forms.turned(operands[1])
            case "softmax":
                spread = Form((n, n), ZERO, {(Factor(forms.expr(y), (n,), DIAGONAL),): ONE})
                return forms.add(spread, forms.scaled(forms.multiply(y, y, (n, n), y_turned=True), -ONE))
            case "log_softmax":
                shares = forms.called("softmax", (n,), operands[0])
                ones = forms.multiply(Form((n,), ONE), shares, (n, n), y_turned=True)
                return forms.add(eye, forms.scaled(ones, -ONE))
            case "solve" if position == 1:
                return _inverse(self, operands[0])
            case "index":
                (key,) = node.static["key"]
                return forms.turned(_selector(self, to[0], key))
            case "stack" if not to:
                return _selector(self, n, position)
        raise NoFormula

    def _join(self, found: dict[int, Form | None], id: int, part: Form | None) -> None:
        before = found.get(id)
        if id not in found:
            found[id] = part
        else:
            found[id] = None if before is None or part is None else self.forms.add(before, part)

    def _size(self, x: Form) -> int:
        return int(sum(e.count_ops() for e in (x.whole, *x.chains.values())))

    def _pulled(self, node: Node, g: Form) -> Pulled:
        assert node.op is not None
        operands = [self.values[i] for i in node.inputs]
        if by_number(node.op) is not None:
            return [self._elementwise(node, k, g) for k in range(len(operands))]
        if "spec" in node.static:
            return self._swapped(node.static["spec"], operands, g)
        rule = RULES.get(node.op.name)
        if rule is None:
            raise NoFormula
        return rule(self, node, operands, g)

    def _elementwise(self, node: Node, position: int, g: Form) -> Form:
        """Return what an operand of an elementwise step gets: SymPy's derivative, summed where spread."""
        product = self.forms.times(g, self._slope(node, position), node.shape)
        return self._narrowed(product, self.values[node.inputs[position]].shape)

    def _slope(self, node: Node, position: int) -> Any:
        """Return SymPy's derivative of an elementwise step by an operand, number by number."""
        assert node.op is not None
        row = by_number(node.op)
        assert row is not None
        forms, operands = self.forms, [self.values[i] for i in node.inputs]
        if self.graph.nodes[node.inputs[position]].kind == CONSTANT:
            return ZERO
        exprs = [forms.expr(x) for x in operands]
        places = [sympy.Dummy(f"u{k}", real=True) for k in range(len(exprs))]
        fixed = [
            e if self.graph.nodes[i].kind == CONSTANT and e.is_number else p
            for e, p, i in zip(exprs, places, node.inputs, strict=True)
        ]
        whole = shown(row, fixed)
        local = sympy.powsimp(whole.diff(places[position]))
        back = dict(zip(places, exprs, strict=True))
        if self._is_named(node):  # 1 - h^2 where h = tanh(z)
            local = local.xreplace({whole: self.values[node.id].whole}).xreplace(back)
            local = local.xreplace({whole.xreplace(back): self.values[node.id].whole})
        local = local.xreplace(back)
        if local.has(sympy.zoo, sympy.nan, sympy.oo):
            raise NoFormula
        return local

    def _narrowed(self, x: Form, shape: Shape) -> Form:
        """Sum over the axes that an operand was spread along."""
        if x.shape == shape:
            return x
        if not shape:
            return Form((), self.forms.total(x))
        return self.forms.multiply(x, Form(x.shape[:1], ONE), shape, x_turned=True)

    def _swapped(self, spec: str, operands: Sequence[Form], g: Form) -> Pulled:
        forms = self.forms
        if spec == "i->i":
            return [g]
        if spec == "ij->ji":
            return [forms.turned(g)]
        x = operands[0]
        if spec in ("ij->", "i->"):
            return [Form(x.shape, g.whole)]
        if spec == "ii->":
            return [Form(x.shape, ZERO, {(Factor(ONE, x.shape[:1], DIAGONAL),): g.whole})]
        if spec == "ii->i":
            return [Form(x.shape, ZERO, {(Factor(forms.expr(g), x.shape[:1], DIAGONAL),): ONE})]
        if spec == "ij->i":
            return [forms.multiply(g, Form(x.shape[1:], ONE), x.shape, y_turned=True)]
        if spec == "ij->j":
            return [forms.multiply(Form(x.shape[:1], ONE), g, x.shape, y_turned=True)]
        y = operands[1]
        if spec == "i,i->":
            return [forms.scaled(y, g.whole), forms.scaled(x, g.whole)]
        if spec == "i,j->ij":
            return [forms.multiply(g, y, x.shape), forms.multiply(g, x, y.shape, x_turned=True)]
        if spec == "i,ij->j":
            return [forms.multiply(y, g, x.shape), forms.multiply(x, g, y.shape, y_turned=True)]
        # of a matrix with a vector or a matrix
        return [forms.multiply(g, y, x.shape, y_turned=True), forms.multiply(x, g, y.shape, x_turned=True)]


Rule = Callable[[Derivatives, Node, Sequence[Form], Form], Pulled]


def _mean(at: Derivatives, node: Node, operands: Sequence[Form], g: Form) -> Pulled:
    shape = operands[0].shape
    count = sympy.Integer(1)
    for n in shape:
        count *= n
    return [Form(shape, g.whole / count)]


def _norm(at: Derivatives, node: Node, operands: Sequence[Form], g: Form) -> Pulled:
    return [at.forms.scaled(operands[0], g.whole / at.values[node.id].whole)]


def _softmax(at: Derivatives, node: Node, operands: Sequence[Form], g: Form) -> Pulled:
    forms, y, shape = at.forms, at.values[node.id], node.shape
    product = forms.times(g, forms.expr(y), shape)
    if len(shape) == 1:
        return [forms.add(product, forms.scaled(y, -forms.total(product)))]
    return [forms.add(product, forms.scaled(_by_rows(at, _rows(at, product), y), -ONE))]


def _rows(at: Derivatives, x: Form) -> Form:
    """Return the sum of each row of a matrix."""
    forms = at.forms
    total = Form(x.shape[:1], ZERO)
    for c, chain in forms.terms(x):
        total = forms.add(total, forms.reduced(c, (*chain, Factor(ONE, (x.shape[1],))), x.shape[:1]))
    return total


def _by_rows(at: Derivatives, v: Form, x: Form) -> Form:
    """Multiply each row of a matrix by a number of a vector."""
    forms = at.forms
    if not v.chains and not forms.array_symbols(v.whole):
        return forms.scaled(x, v.whole)
    scalar, rest = forms.split(forms.expr(v))
    first = Factor(rest, v.shape, DIAGONAL)
    pairs = [(c * scalar, (first, *chain)) for c, chain in forms.terms(x)]
    return forms.product_of(pairs, x.shape)


def _log_softmax(at: Derivatives, node: Node, operands: Sequence[Form], g: Form) -> Pulled:
    forms, shape = at.forms, node.shape
    y = forms.called("softmax", shape, operands[0])
    if len(shape) == 1:
        return [forms.add(g, forms.scaled(y, -forms.total(g)))]
    return [forms.add(g, forms.scaled(_by_rows(at, _rows(at, g), y), -ONE))]


def _spread_rows(at: Derivatives, g: Form, x: Form) -> Form:
    """Multiply a vector by a number, or each row of a matrix by its own."""
    return at.forms.scaled(x, g.whole) if not g.shape else _by_rows(at, g, x)


def _logsumexp(at: Derivatives, node: Node, operands: Sequence[Form], g: Form) -> Pulled:
    return [_spread_rows(at, g, at.forms.called("softmax", operands[0].shape, operands[0]))]


def _cross_entropy(at: Derivatives, node: Node, operands: Sequence[Form], g: Form) -> Pulled:
    forms = at.forms
    z, t = operands
    y = forms.called("softmax", z.shape, z)
    if node.inputs[1] not in at.shares:
        total = Form((), forms.total(t)) if len(z.shape) == 1 else _rows(at, t)
        y = _spread_rows(at, total, y)
    slope = forms.add(y, forms.scaled(t, -ONE))
    by_t = forms.scaled(forms.called("log_softmax", z.shape, z), -ONE)
    return [_spread_rows(at, g, slope), _spread_rows(at, g, by_t)]


def _inverse(at: Derivatives, a: Form) -> Form:
    return at.forms.called("inv", a.shape, a)


def _det(at: Derivatives, node: Node, operands: Sequence[Form], g: Form) -> Pulled:
    turned = at.forms.turned(_inverse(at, operands[0]))
    return [at.forms.scaled(turned, g.whole * at.values[node.id].whole)]


def _logdet(at: Derivatives, node: Node, operands: Sequence[Form], g: Form) -> Pulled:
    return [at.forms.scaled(at.forms.turned(_inverse(at, operands[0])), g.whole)]


def _inv(at: Derivatives, node: Node, operands: Sequence[Form], g: Form) -> Pulled:
    forms, y = at.forms, at.values[node.id]
    left = forms.multiply(y, g, y.shape, x_turned=True)
    return [forms.scaled(forms.multiply(left, y, y.shape, y_turned=True), -ONE)]


def _solve(at: Derivatives, node: Node, operands: Sequence[Form], g: Form) -> Pulled:
    forms = at.forms
    a, b = operands
    by_b = forms.multiply(forms.turned(_inverse(at, a)), g, b.shape)
    by_a = forms.multiply(by_b, at.values[node.id], a.shape, y_turned=True)
    return [forms.scaled(by_a, -ONE), by_b]


def _apart(at: Derivatives, node: Node, operands: Sequence[Form], g: Form) -> Pulled:
    return [at.forms.called("diag", operands[0].shape, g)]


def _selector(at: Derivatives, size: int, k: int | tuple[int, int]) -> Form:
    """Return a column of the identity, or several."""
    forms = at.forms
    eye = forms.called("eye", (size, size), size)
    if isinstance(k, int):
        found = forms.part(eye, f"[{k}]", (size,))
        forms.units[found.whole] = k
        return found
    return forms.part(eye, f"[:, {k[0]}:{k[1]}]", (size, k[1] - k[0]))


def _index(at: Derivatives, node: Node, operands: Sequence[Form], g: Form) -> Pulled:
    """Put a part in its place: columns of the identity before it, rows of one behind."""
    forms, shape = at.forms, operands[0].shape
    key: Key = (*node.static["key"], *((0, n) for n in shape[len(node.static["key"]) :]))
    before, *behind = (None if k == (0, n) else _selector(at, n, k) for n, k in zip(shape, key, strict=True))
    single = [isinstance(k, int) for k in key]
    if not behind:
        if before is None:
            return [g]
        return [forms.scaled(before, g.whole) if single[0] else forms.multiply(before, g, shape)]
    after = behind[0]
    if all(single):
        assert before is not None
        assert after is not None
        return [forms.scaled(forms.multiply(before, after, shape, y_turned=True), g.whole)]
    if single[0]:  # a row of the matrix, which is a vector
        assert before is not None
        row = g if after is None else forms.multiply(after, g, (shape[1],))
        return [forms.multiply(before, row, shape, y_turned=True)]
    width = () if single[1] else (g.shape[1],)
    tall = g if before is None else forms.multiply(before, g, (shape[0], *width))
    return [tall if after is None else forms.multiply(tall, after, shape, y_turned=True)]


def _extremum(at: Derivatives, node: Node, operands: Sequence[Form], g: Form) -> Pulled:
    """The numbers that are the extremum share the slope."""
    forms, x, y = at.forms, operands[0], at.values[node.id]

    def written() -> Piece:
        condition = spell(TEXTBOOK, "equal", [forms.piece(x), forms.piece(y)])
        return call("where", [condition, Piece("1"), Piece("0")])

    ties = Form(x.shape, forms.symbol(("ties", forms.key(x), node.op), x.shape, written))
    return [forms.scaled(ties, g.whole / forms.called("sum", (), ties).whole)]


def _stack(at: Derivatives, node: Node, operands: Sequence[Form], g: Form) -> Pulled:
    forms = at.forms
    if not g.chains and not forms.array_symbols(g.whole):
        return [Form(x.shape, g.whole) for x in operands]
    return [forms.part(g, f"[{k}]", x.shape) for k, x in enumerate(operands)]


def _concat(at: Derivatives, node: Node, operands: Sequence[Form], g: Form) -> Pulled:
    found, start = [], 0
    for x in operands:
        end = start + x.shape[-1]
        alike = not g.chains and not at.forms.array_symbols(g.whole)
        part = f"[{':, ' * (len(x.shape) - 1)}{start}:{end}]"
        found.append(Form(x.shape, g.whole) if alike else at.forms.part(g, part, x.shape))
        start = end
    return found


def _scale_rows(at: Derivatives, node: Node, operands: Sequence[Form], g: Form) -> Pulled:
    w, a = operands
    return [_rows(at, at.forms.times(g, at.forms.expr(a), a.shape)), _by_rows(at, w, g)]


def _reshape(at: Derivatives, node: Node, operands: Sequence[Form], g: Form) -> Pulled:
    forms, (x, *sizes) = at.forms, operands
    if not g.chains and not forms.array_symbols(g.whole):
        return [Form(x.shape, g.whole), *(None for _ in sizes)]
    back = forms.called("reshape", x.shape, g, *x.shape)
    return [back, *(None for _ in sizes)]


def _standardize(at: Derivatives, node: Node, operands: Sequence[Form], g: Form) -> Pulled:
    """(g - mean(g) - y*mean(g*y))/s, of a vector."""
    forms, y, (x, *others), n = at.forms, at.values[node.id], operands, node.shape[-1]
    if len(node.shape) > 1:
        raise NoFormula
    centred = forms.add(x, Form(x.shape, -forms.total(x) / n))
    variance = forms.total(forms.times(centred, forms.expr(centred), x.shape)) / n
    along = forms.scaled(y, -forms.total(forms.times(g, forms.expr(y), x.shape)) / n)
    middle = forms.add(forms.add(g, Form(x.shape, -forms.total(g) / n)), along)
    eps = sympy.Rational(repr(node.static["eps"]))
    return [forms.scaled(middle, 1 / sympy.sqrt(variance + eps)), *(None for _ in others)]


RULES: Mapping[str, Rule] = {
    "standardize": _standardize,
    "scale_rows": _scale_rows,
    "reshape": _reshape,
    "mean": _mean,
    "norm": _norm,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "logsumexp": _logsumexp,
    "cross_entropy": _cross_entropy,
    "det": _det,
    "logdet": _logdet,
    "inv": _inv,
    "solve": _solve,
    "apart": _apart,
    "index": _index,
    "max of an array": _extremum,
    "min of an array": _extremum,
    "stack": _stack,
    "concat": _concat,
}
