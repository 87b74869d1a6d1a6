"""Wrong rules for the pull-back through one step over arrays: transposes, means, softmax taken wrongly.

A rule says what a step sends back to one of its operands when the cotangent of its value is ``g``. What
goes number by number has the wrong rules of its primitive, see `rules`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import Any, NamedTuple

from ..ops import Primitive, Shape
from ..ops.matrices import MATRICES, by_number, labels
from ..ops.tensor import Pull
from .ranking import Told
from .rules import Place, rules_for


class WrongPull(NamedTuple):
    """A wrong rule for one operand of a step.

    Attributes:
        kind: The mistake's name.
        says: What went wrong, with ``{node}`` for the step's text and ``{x}``, ``{other}`` for operands.
        rank: When it is told.
        partial: What stands in place of the local derivative.
    """

    kind: str
    says: str
    rank: int
    partial: Any


class Step(NamedTuple):
    """A step over arrays, and the operand that something is sent back to.

    Attributes:
        xp: The namespace of written numbers.
        op: Its primitive.
        static: What it is told besides.
        y: Its value.
        x: Values of its operands.
        k: The operand.
        moves: Whether each operand depends on what is differentiated by.
        constant: Whether each operand is built from numbers alone.
        right: The right local derivatives.
    """

    xp: Any
    op: Primitive
    static: Any
    y: Any
    x: list[Any]
    k: int
    moves: list[bool]
    constant: list[bool]
    right: Sequence[Any]

    @property
    def shape(self) -> Shape:
        """Of what is to be sent back."""
        return _shape(self.x[self.k])


def _shape(x: Any) -> Shape:
    return getattr(x, "shape", ())


Rule = Callable[[Step], Iterator[WrongPull]]


def _pull(kind: str, says: str, rank: int, transpose: Callable[[Any], Any]) -> WrongPull:
    return WrongPull(kind, says, rank, Pull(transpose))


def wrong_pulls(step: Step) -> Iterator[WrongPull]:
    """Yield what a step may send back wrongly, its own mistakes first."""
    plain = by_number(step.op)
    if plain is not None:
        yield from _by_number(step, plain)
        return
    if step.op.name in _OWN:
        yield from _OWN[step.op.name](step)
    if "spec" in step.static:
        yield from _contracted(step)
    right = step.right[step.k]
    says = "the sign of what comes through {node} is wrong"
    yield WrongPull("sign lost", says, Told.ANYWHERE, _changed(right, lambda sent: -sent))
    if _shape(step.y) == step.shape:
        left_out = "the local derivative of {node} is not multiplied in"
        yield _pull("local derivative missing", left_out, Told.ANYWHERE, lambda g: g)


def _changed(right: Any, change: Callable[[Any], Any]) -> Any:
    """Return a local derivative whose pull is changed, by what is linear."""
    return Pull(lambda g: change(right.transpose(g))) if isinstance(right, Pull) else change(right)


# number by number


def _by_number(step: Step, op: Primitive) -> Iterator[WrongPull]:
    """Yield the wrong rules of a primitive over numbers: their tangents, for one operand's tangent alone."""

    def place(tangent: float) -> Place:
        tangents = [tangent if i == step.k else 0.0 for i in range(len(step.x))]
        never = [False] * len(step.x)
        return Place(
            step.xp, op, step.y, step.x, tangents, step.moves, step.constant, never, step.y, step.right
        )

    for wrong in rules_for(op):
        try:
            # a rule that is no multiple of the tangent says nothing of a cotangent
            partial = wrong.tangent(place(1.0)) if _is_zero(wrong.tangent(place(0.0))) else None
        except (TypeError, AttributeError, ArithmeticError, ValueError):
            continue  # it asks what the number is
        if partial is not None:
            yield WrongPull(wrong.kind, wrong.says, wrong.rank, partial)


def _is_zero(x: Any) -> bool:
    return isinstance(x, (int, float)) and x == 0.0


# contractions


def _contracted(step: Step) -> Iterator[WrongPull]:
    """Yield what goes wrong in products: transposes and the order of factors."""
    words, value = labels(step.static["spec"])
    own = words[step.k]
    if len(words) == 1:
        yield from _reduced(step, own, value)
        return
    other, x = words[1 - step.k], step.x[1 - step.k]
    right = step.right[step.k]
    if len(own) == 2 and step.shape[0] == step.shape[1]:
        turned = "what {node} sends back to {x} is transposed"
        yield WrongPull(
            "transposed", turned, Told.ARRAY_RULE, _changed(right, lambda sent: _turned(step, sent))
        )
    if len(other) == 2 and len(value) + len(own) == 2 and len(set(_shape(x))) == 1 and other:
        flipped = "".join(reversed(other))
        too_many = own and own[0] == other[0]
        says = "on the way back through {node} the transpose of {other} is "
        yield _pull(
            "transpose missing",
            says + ("one too many" if too_many else "missing"),
            Told.WHOLE_ARRAY,
            lambda g: step.xp.contract(f"{value},{flipped}->{own}", g, x),
        )
    if len(own) == len(other) == len(value) == 2:
        yield from _products(step, x)
    if _shape(x) == _shape(step.y) == step.shape and len(own) == 2:
        says = "the product at {node} is taken number by number on the way back"
        yield _pull("elementwise product", says, Told.RULE, lambda g: g * x)
    if _shape(x) in (step.shape, step.shape[::-1]) and value:
        alone = _turned(step, x) if len(other) == 2 and other[0] != own[0] else x
        if _shape(alone) == step.shape:
            says = "only the local derivative of {node} is taken: what comes back to it is missing"
            yield _pull("upstream missing", says, Told.DROPPED, lambda g: alone)


def _products(step: Step, x: Any) -> Iterator[WrongPull]:
    """Yield the products of two matrices in another order, or with another transpose."""
    n, first = step.y.shape, step.k == 0
    for order in ((0, 1), (1, 0)):
        for turned in ("g", "x", "gx", ""):
            shapes = [_flip(n, "g" in turned), _flip(_shape(x), "x" in turned)]
            a, b = (shapes[i] for i in order)
            if a[1] != b[0] or (a[0], b[1]) != step.shape:
                continue
            in_order = order == ((0, 1) if first else (1, 0))
            if in_order and turned == "x":
                continue  # the right one
            if (not in_order) and turned == "g":
                continue  # the right one, transposed
            spec = [("ij", "ji")["g" in turned], ("ij", "ji")["x" in turned]]
            second = {"i": "j", "j": "k"}
            words = [spec[order[0]], "".join(second[c] for c in spec[order[1]])]

            def product(g: Any, order: Any = order, words: Any = words) -> Any:
                pair = (g, x)
                return step.xp.contract(f"{words[0]},{words[1]}->ik", pair[order[0]], pair[order[1]])

            # one sentence each, else one product would stand for another
            missing, both = "the transpose of {other} is missing", "both factors are transposed"
            if in_order:
                wrong = "the wrong factor is transposed" if turned == "g" else both
                kind, says = ("transposed", wrong) if turned else ("transpose missing", missing)
            else:
                kind, says = "factors swapped", "the factors of the product are swapped"
                says += {"": f", and {missing}", "gx": f", and {both}"}.get(turned, "")
            yield _pull(
                kind,
                f"on the way back through {{node}} {says}",
                Told.WHOLE_ARRAY if in_order else Told.ARRAY_RULE,
                product,
            )


def _turned(step: Step, a: Any) -> Any:
    return step.xp.contract("ij->ji", a)


def _flip(shape: Shape, turned: bool) -> Shape:
    return shape[::-1] if turned else shape


def _reduced(step: Step, own: str, value: str) -> Iterator[WrongPull]:
    right, name = step.right[0], step.op.name
    if name == "sum of an array":
        n = float(prod(step.shape))
        says = "{node} is a sum, and it is differentiated like a mean: divided by " + f"{n:.0f}"
        yield WrongPull("mean for sum", says, Told.ARRAY_RULE, _changed(right, lambda sent: sent * (1.0 / n)))
    if name == "trace":
        says = "{node} takes the diagonal alone: its derivative is eye(n), not ones"
        yield _pull("trace", says, Told.RULE, lambda g: step.xp.expand(g, step.shape))
    if name == "'" and len(own) == 2 and step.shape[0] == step.shape[1]:
        says = "the transpose {node} is not undone on the way back"
        yield _pull("transpose missing", says, Told.ARRAY_RULE, lambda g: g)
    if len(own) == 2 and len(value) == 1 and name in ("rowsum", "colsum") and len(set(step.shape)) == 1:
        says = "{node} is sent back along the other axis"
        yield WrongPull("transposed", says, Told.RULE, _changed(right, lambda sent: _turned(step, sent)))


# rows of their own


def _mean(step: Step) -> Iterator[WrongPull]:
    n = prod(step.shape)
    says = f"the 1/{n} of {{node}} is missing: the sum in place of the mean"
    yield WrongPull("sum for mean", says, Told.WHOLE_ARRAY, 1.0)
    if len(step.shape) == 2:
        for size, what in zip(step.shape, ("rows", "columns"), strict=True):
            if size not in (1, n):
                says = f"{{node}} is divided by the {size} {what}, not by all {n} numbers"
                yield WrongPull("sum for mean", says, Told.ARRAY_RULE, 1.0 / size)


def _norm(step: Step) -> Iterator[WrongPull]:
    x = step.x[0]
    says = "the division by the length is missing in the derivative of {node}"
    yield _pull("factor missing", says, Told.ARRAY_RULE, lambda g: g * x)
    says = "{node} is differentiated like its square"
    yield _pull("wrong rule", says, Told.ARRAY_RULE, lambda g: (2.0 * g) * x)
    n = prod(step.shape)
    says = f"{{node}} is divided by {n}, and it is no mean"
    yield _pull("mean for sum", says, Told.LOCAL, lambda g: step.xp.divide(g * x, step.y) * (1.0 / n))
    says = "the derivative of {node} is divided by the square of the length"
    yield _pull("wrong rule", says, Told.GATE, lambda g: step.xp.divide(g * x, step.y * step.y))


def _total(step: Step, x: Any) -> Any:
    return step.xp.sum(x, (-1,), keep=True)


def _softmax(step: Step) -> Iterator[WrongPull]:
    y = step.y
    says = "of the Jacobian of {node} only the diagonal y*(1 - y) is taken"
    yield _pull("diagonal", says, Told.ARRAY_RULE, lambda g: g * (y * (1.0 - y)))
    says = "the function {node} is kept as it is, not differentiated"
    yield _pull("not differentiated", says, Told.RULE, lambda g: g * y)
    says = "in the derivative of {node} the factor y in front is missing"
    yield _pull("factor missing", says, Told.GATE, lambda g: g - _total(step, g * y))


def _log_softmax(step: Step) -> Iterator[WrongPull]:
    says = "in the derivative of {node} the minus softmax is missing"
    yield _pull("term missing", says, Told.ARRAY_RULE, lambda g: g)
    says = "in the derivative of {node} softmax is not multiplied by the sum of what comes back"
    yield _pull("factor missing", says, Told.RULE, lambda g: g - step.xp.exp(step.y))


def _logsumexp(step: Step) -> Iterator[WrongPull]:
    z = step.x[0]
    says = "the derivative of {node} is softmax: the division by the sum is missing"

    def exponentials(g: Any) -> Any:
        rows = step.xp.reshape(g, (*step.shape[:-1], 1)) if len(step.shape) > 1 else g
        return step.xp.exp(z) * rows

    yield _pull("factor missing", says, Told.ARRAY_RULE, exponentials)


def _cross_entropy(step: Step) -> Iterator[WrongPull]:
    z, t = step.x
    if step.k:
        return
    p = MATRICES["softmax"].forward(step.xp, z)

    def rows(g: Any) -> Any:
        return step.xp.reshape(g, (*step.shape[:-1], 1)) if len(step.shape) > 1 and _shape(g) else g

    says = "the minus {other} is missing: the derivative of {node} is softmax - {other}"
    yield _pull("target missing", says, Told.WHOLE_ARRAY, lambda g: rows(g) * p)
    says = "the derivative of {node} by {x} is softmax - {other}, not {other} - softmax"
    yield _pull("sign lost", says, Told.WHOLE_ARRAY, lambda g: rows(g) * (t - p))
    says = "the derivative of {node} by {x} is softmax - {other}: the scores are taken for the softmax"
    yield _pull("wrong place", says, Told.WHOLE_ARRAY, lambda g: rows(g) * (z - t))
    says = "the slope of softmax is multiplied in once more: softmax - {other} has it already"
    yield _pull("slope twice", says, Told.ARRAY_RULE, lambda g: rows(g) * ((p - t) * (p * (1.0 - p))))
    says = "this is the slope y*(1 - y) of softmax, not that of {node}"
    yield _pull("wrong rule", says, Told.FORK, lambda g: rows(g) * (p * (1.0 - p)))
    says = "of the derivative of {node} only -{other}/softmax is taken: that of softmax is missing"
    yield _pull("local derivative missing", says, Told.ARRAY_RULE, lambda g: rows(g) * -step.xp.divide(t, p))


def _inv(step: Step) -> Iterator[WrongPull]:
    y = step.y

    def product(g: Any, left: str, right: str) -> Any:
        half = step.xp.contract(f"{left},jk->ik", y, g)
        return -step.xp.contract(f"ij,{right}->ik", half, y)

    says = "the minus in the derivative of {node} is missing"
    yield _pull("sign lost", says, Told.ARRAY_RULE, lambda g: -product(g, "ji", "kj"))
    says = "in the derivative of {node}, -inv(X)'@g@inv(X)', the transposes are missing"
    yield _pull("transpose missing", says, Told.ARRAY_RULE, lambda g: product(g, "ij", "jk"))
    says = "in the derivative of {node} one of the two inverses is missing"
    yield _pull("factor missing", says, Told.ARRAY_RULE, lambda g: -step.xp.contract("ji,jk->ik", y, g))
    yield _pull("factor missing", says, Told.ARRAY_RULE, lambda g: -step.xp.contract("ij,kj->ik", g, y))
    a = step.x[0]
    says = "{node} is differentiated number by number, like 1/x"
    yield _pull("wrong rule", says, Told.RULE, lambda g: -step.xp.divide(g, a * a))


def _det(step: Step) -> Iterator[WrongPull]:
    inverse = step.xp.inv(step.x[0])
    says = "the factor det in the derivative of {node}, det(X)*inv(X)', is missing"
    yield _pull("factor missing", says, Told.ARRAY_RULE, lambda g: g * _turned(step, inverse))
    says = "the transpose in the derivative of {node}, det(X)*inv(X)', is missing"
    yield _pull("transpose missing", says, Told.ARRAY_RULE, lambda g: g * step.y * inverse)
    says = "{node} is differentiated to inv(X), without det and without the transpose"
    yield _pull("factor missing", says, Told.RULE, lambda g: g * inverse)


def _logdet(step: Step) -> Iterator[WrongPull]:
    inverse = step.xp.inv(step.x[0])
    says = "the transpose in the derivative of {node}, inv(X)', is missing"
    yield _pull("transpose missing", says, Told.ARRAY_RULE, lambda g: g * inverse)
    says = "{node} is differentiated like det: the factor det is one too many"
    determinant = step.xp.det(step.x[0])
    yield _pull("wrong rule", says, Told.ARRAY_RULE, lambda g: (g * determinant) * _turned(step, inverse))


def _solve(step: Step) -> Iterator[WrongPull]:
    a, right = step.x[0], step.right[step.k]
    if step.k == 1:
        says = "on the way back through {node} the matrix is not transposed"
        yield _pull("transpose missing", says, Told.ARRAY_RULE, lambda g: step.xp.solve(a, g))
        return
    says = "what {node} sends back to {x} is transposed"
    yield WrongPull("transposed", says, Told.ARRAY_RULE, _changed(right, lambda sent: _turned(step, sent)))


def _extremum(step: Step) -> Iterator[WrongPull]:
    says = "{node} lets the slope through only from one of its numbers"
    yield _pull("gate ignored", says, Told.GATE, lambda g: step.xp.expand(g, step.shape))


_OWN: dict[str, Rule] = {
    "mean": _mean,
    "norm": _norm,
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "logsumexp": _logsumexp,
    "cross_entropy": _cross_entropy,
    "inv": _inv,
    "det": _det,
    "logdet": _logdet,
    "solve": _solve,
    "max of an array": _extremum,
    "min of an array": _extremum,
}
