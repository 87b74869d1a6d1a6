"""Sums over an index, ``sum(j, W[i,j]*x[j])``, as operations over whole arrays.

Between its brackets an index runs over all places, and what stands there is a number for each. Such numbers
are kept as a product of arrays whose axes have labels: a sum of products becomes a product of matrices.

Source:
    Laue, Mitterreiter and Giesen, A simple and efficient tensor calculus (2020), section 3.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple, Protocol

from ..ops import PRIMITIVES, Primitive
from ..ops.matrices import MATRICES, Applied, Clash, Kind, Operand, indexed, together
from ..ops.matrices import by_number as row_by_number
from .parser import SUM_OVER
from .tokens import NAME


class Factor(NamedTuple):
    """An array with a label an axis; a single number has none."""

    id: int
    labels: tuple[str, ...] = ()


class Labelled(NamedTuple):
    """A number for all places of some indices: a product of arrays."""

    factors: tuple[Factor, ...]

    @property
    def labels(self) -> list[str]:
        """The indices, in the order in which they occur."""
        return list(dict.fromkeys(label for factor in self.factors for label in factor.labels))


class Steps(Protocol):
    """What steps are added to."""

    kinds: list[Kind]

    def add(self, applied: Applied, operands: Sequence[int]) -> int:
        """Add a step."""

    def size(self, n: int) -> int:
        """Return a number that is the length of an axis."""

    def operand(self, id: int) -> Operand:
        """Return what a node is, as it is written."""


def index_names(text: str) -> list[str]:
    """Return the names in an index such as ``[i, 0]``."""
    return re.findall(NAME, text) if text[0] == "[" else []


LETTERS = "ijklmnpqrstuv"


def free_letters(taken: Collection[str]) -> list[str]:
    """Return the letters of indices that nothing else is called by."""
    return [c for c in LETTERS if c not in taken]


DOTTED = {
    name: row
    for row in MATRICES.values()
    if row.number is not None
    for name in (row.number.name, row.number.literal_form)
}
"""Rows for matrices, by the names of those that they are number by number."""


class Sums:
    """Makes steps of what is said by index.

    Args:
        steps: Where they are added.
    Attributes:
        typed: The indices that nodes were first written with.
    """

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.typed: dict[int, tuple[str, ...]] = {}
        self.lengths: dict[str, tuple[int, str]] = {}  # of the indices of open sums, and where they are from

    def applied(self, text: str, x: int | Labelled) -> int | Labelled:
        """Return an operand with an index behind it, or its sum over one.

        Raises:
            Clash: for places that are not there, an index with two lengths, and one that does not occur.
        """
        if text.startswith(SUM_OVER):
            return self._summed(text.removeprefix(SUM_OVER), x)
        if isinstance(x, Labelled):
            raise Clash("a number has no parts, and an index has made one of this", "W[i,j] has both indices")
        return self._indexed(text, x)

    def _indexed(self, text: str, id: int) -> Labelled:
        x = self.steps.operand(id)
        parts = [part.strip() for part in text[1:-1].split(",")]
        names = tuple(index_names(text))
        if any(":" in part for part in parts):
            raise Clash(f"{text} has an index and a slice", "an index stands for one place")
        picked = indexed(f"[{', '.join(':' if part in names else part for part in parts)}]")(x)
        if len(parts) < x.axes:
            raise Clash(f"{x.text}{text} is a row of {x.text}", f"{x.text}[i,j] is a number of it")
        for name, n in zip(parts, x.kind.shape, strict=True):
            if name not in names:
                continue
            before, where = self.lengths.setdefault(name, (n, f"{x.text}{text}"))
            if before != n:
                raise Clash(
                    f"the index {name} has two lengths: {before} in {where}, {n} in {x.text}{text}",
                    unequal=[(before, n)],
                )
        if len(set(names)) == len(parts):
            self.typed.setdefault(id, names)
        if len(names) < len(parts):
            id = self.steps.add(picked, [id])
        elif len(set(names)) < len(names):
            id, names = self._row("diag", id), names[:1]
        elif x.kind.row:
            id = self._row("'", id)
        return Labelled((Factor(id, names),))

    def by_number(self, row: Primitive, operands: Sequence[int | Labelled]) -> Labelled:
        """Return what a step computes of numbers by index.

        Raises:
            Clash: for a function of whole arrays, and for arrays without their index.
        """
        number = row_by_number(row)
        if number is None:
            raise Clash(f"{row.name} takes whole arrays, and an index stands for one number of them")
        x, *others = (x if isinstance(x, Labelled) else self._number(x) for x in operands)
        if number is PRIMITIVES["multiply"]:
            return Labelled((*x.factors, *(f for other in others for f in other.factors)))
        quotient = number is PRIMITIVES["divide"] and not others[0].labels
        if quotient or number is PRIMITIVES["negative"]:
            first, *rest = sorted(x.factors, key=lambda f: len(f.labels))
            ids = [first.id, *(self._whole(other.factors).id for other in others)]
            return Labelled((Factor(self._each(number, ids), first.labels), *rest))
        ids, labels = self._aligned([self._whole(y.factors) for y in (x, *others)])
        return Labelled((Factor(self._each(number, ids), labels),))

    def _number(self, id: int) -> Labelled:
        x = self.steps.operand(id)
        if x.axes:
            raise Clash(
                f"{x.text} is {x.kind}, and stands without an index among numbers",
                f"{x.text}[{', '.join(self.lengths)[: 1 if x.axes == 1 else None]}]",
            )
        return Labelled((Factor(id),))

    # steps over whole arrays

    def _row(self, name: str, *ids: int) -> int:
        row = MATRICES[name]
        assert row.typed is not None
        return self.steps.add(row.typed(*map(self.steps.operand, ids)), ids)

    def _each(self, row: Primitive, ids: Sequence[int]) -> int:
        """Apply a row number by number, to matrices and vectors along their rows."""
        operands = [self.steps.operand(id) for id in ids]
        if row.name in DOTTED and any(x.axes == 2 for x in operands):
            row = DOTTED[row.name]
        return self.steps.add(Applied(row, together(*operands)), ids)

    def _aligned(self, factors: Sequence[Factor]) -> tuple[list[int], tuple[str, ...]]:
        """Return arrays so that they go together number by number, and the labels of what comes of them."""
        labels = Labelled(tuple(factors)).labels
        if len(labels) > 2:
            raise Clash(
                f"{', '.join(labels[:-1])} and {labels[-1]} meet, and arrays have two axes",
                "a product may have three: sum(k, A[i,k]*B[k,j])",
            )
        if len(labels) < 2:
            return [f.id for f in factors], tuple(labels)

        def cost(order: tuple[str, ...]) -> int:
            return sum(2 if f.labels == order[:1] else f.labels == order[::-1] for f in factors)

        order = min((tuple(labels), tuple(labels[::-1])), key=cost)
        return [self._spread(f, order) for f in factors], order

    def _spread(self, f: Factor, order: tuple[str, ...]) -> int:
        """Return an array that goes onto a matrix with labels in an order."""
        if f.labels == order[::-1]:
            return self._row("'", f.id)
        if f.labels == order[:1]:  # a number a row
            n = self.lengths[order[1]][0]
            made = Applied(MATRICES["ones"], Kind((n,)), {"shape": (n,)})
            ones = self.steps.add(made, [self.steps.size(n)])
            return self._product(f.id, self._row("'", ones))
        return f.id

    def _product(self, a: int, b: int) -> int:
        return self._row("@", a, b)

    def _whole(self, factors: Iterable[Factor]) -> Factor:
        """Return a product as one array."""
        groups = self._grouped(factors)
        single = [f for f in groups if len(f.labels) == 1]
        if len(single) == 2 and all(len(f.labels) < 2 for f in groups):
            a, b = single
            outer = Factor(self._product(a.id, self._row("'", b.id)), (*a.labels, *b.labels))
            groups = [f for f in groups if not f.labels] + [outer]
        if len(groups) == 1:
            return groups[0]
        ids, labels = self._aligned(groups)
        return Factor(self._times(ids), labels)

    def _times(self, ids: Sequence[int]) -> int:
        found, *rest = ids
        for id in rest:
            found = self._each(PRIMITIVES["multiply"], [found, id])
        return found

    def _grouped(self, factors: Iterable[Factor]) -> list[Factor]:
        """Multiply what has the same labels."""
        groups: dict[frozenset[str], list[Factor]] = {}
        for f in factors:
            groups.setdefault(frozenset(f.labels), []).append(f)
        found = []
        for group in groups.values():
            ids, labels = self._aligned(group)
            found.append(Factor(self._times(ids), labels))
        return found

    # sums

    def _summed(self, index: str, x: int | Labelled) -> int | Labelled:
        if isinstance(x, int) or index not in x.labels:
            raise Clash(
                f"the index {index} does not occur in its sum",
                "sum(j, x[j]) is over an index j, sum(x) of an array; a + b adds two numbers",
            )
        rest = tuple(f for f in x.factors if index not in f.labels)
        with_index = [f for f in x.factors if index in f.labels]
        total = self._contracted(index, with_index)
        del self.lengths[index]
        found = Labelled((*rest, total))
        return found if found.labels else self._whole(found.factors).id

    def _contracted(self, index: str, factors: Sequence[Factor]) -> Factor:
        """Return the sum of a product, in all factors of which the index occurs."""
        if len(factors) == 2 and all(len(f.labels) == 1 for f in factors):
            return Factor(self._product(*(f.id for f in factors)))
        groups = self._grouped(factors)
        vectors = [f for f in groups if len(f.labels) == 1]
        matrices = [f for f in groups if len(f.labels) == 2]
        if len(matrices) == 2 and vectors:
            ids, labels = self._aligned([matrices[0], vectors[0]])
            matrices[0] = Factor(self._times(ids), labels)
        match matrices:
            case []:
                return Factor(self._row("sum", vectors[0].id))
            case [a]:
                (other,) = (label for label in a.labels if label != index)
                if vectors:
                    return Factor(self._product(self._to(a, (other, index)), vectors[0].id), (other,))
                return Factor(self._row("rowsum" if a.labels[1] == index else "colsum", a.id), (other,))
            case [a, b]:
                (i,), (k,) = ([label for label in f.labels if label != index] for f in (a, b))
                product = self._product(self._to(a, (i, index)), self._to(b, (index, k)))
                return Factor(product, (i, k))
        raise Clash(
            f"the index {index} is in {len(matrices)} matrices at once",
            "give the product of two of them a name, and an index behind it",
        )

    def _to(self, f: Factor, labels: tuple[str, ...]) -> int:
        return f.id if f.labels == labels else self._row("'", f.id)
