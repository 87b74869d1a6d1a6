"""Where the pieces of a primitive meet, told by the floats next to its operands."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import inf, nextafter, ulp
from typing import NamedTuple

from .namespaces import FLOATS
from .primitive import Primitive


class Kink(NamedTuple):
    """Where operands sit between two pieces of a primitive.

    Attributes:
        left: The local derivative just below.
        right: Just above.
        jump: The value itself jumps here.
        convention: The slope that is taken, in words.
    """

    left: float
    right: float
    jump: bool
    convention: str


def neighbours(x: float) -> tuple[float, float]:
    """Return the floats next to one, below and above."""
    return nextafter(x, -inf), nextafter(x, inf)


def sides(op: Primitive, operands: Sequence[float], moved: Collection[int]) -> Kink | None:
    """Return what is different just below and just above operands; None where the function runs on smoothly.

    Args:
        op: The primitive.
        operands: Where it stands.
        moved: Positions of the operands that move, together.
    """
    if op.piece is None:
        return None
    below, above = _beside(operands, moved)
    if op.piece(FLOATS, *below) == op.piece(FLOATS, *above):
        return None
    (low, left), (high, right) = (_value_and_slope(op, x, moved) for x in (below, above))
    bends = abs(right - left) > 1e-9 * max(abs(right), abs(left))
    # more than the slopes make of the way between the neighbours, and rounding of the values
    width = max(above[k] - below[k] for k in moved)
    jump = abs(high - low) > max(abs(left), abs(right)) * width + 4.0 * ulp(max(abs(low), abs(high)))
    return Kink(left, right, jump, op.convention or "") if bends or jump else None


def between_pieces(op: Primitive, operands: Sequence[float]) -> bool:
    """Whether the smallest move of the operands, of one or of all, leads to another piece.

    So it does at a kink, and where two pieces meet smoothly: ``elu(x)`` at 0.
    """
    if op.piece is None:
        return False
    here, positions = op.piece(FLOATS, *operands), range(len(operands))
    moves = [positions, *((k,) for k in positions)]
    return any(op.piece(FLOATS, *x) != here for moved in moves for x in _beside(operands, moved))


def is_own_piece(op: Primitive, operands: Sequence[float]) -> bool:
    """Whether other pieces begin both below and above an operand: a tie, 0 for ``relu``, 2 for ``floor``."""
    if op.piece is None:
        return False
    here = op.piece(FLOATS, *operands)
    return any(
        all(op.piece(FLOATS, *x) != here for x in _beside(operands, (k,))) for k in range(len(operands))
    )


def by_convention(op: Primitive, operands: Sequence[float]) -> bool:
    """Whether one of the local derivatives there is what the primitive's convention says."""
    if op.conventional is not None:
        return op.conventional(*operands)
    return any(sides(op, operands, (k,)) for k in range(len(operands)))


def _beside(operands: Sequence[float], moved: Collection[int]) -> tuple[list[float], list[float]]:
    """Return operands below and above: those that move at the next floats."""
    below, above = list(operands), list(operands)
    for k in moved:
        below[k], above[k] = neighbours(operands[k])
    return below, above


def _value_and_slope(op: Primitive, operands: Sequence[float], moved: Collection[int]) -> tuple[float, float]:
    y = op.forward(FLOATS, *operands)
    partials = op.partials(FLOATS, y, *operands)
    return y, sum(partials[k] for k in moved)
