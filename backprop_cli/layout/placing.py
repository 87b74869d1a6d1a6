"""Where a label finds room: beside its point, off the lines and the other labels."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import ceil, hypot

from .picture import Point

Rectangle = tuple[float, float, float, float]  # left, top, width, height
STEP = 5.0  # pixels between the points that stand for a line
CELL = 40.0
CROSSED = 2.5  # what a point under a label costs: more than a step away from its own
# Directions in order of liking: above on the right, above, right, ...
AROUND = ((1, -1), (0, -1), (-1, -1), (1, 0), (-1, 0), (1, 1), (0, 1), (-1, 1))


class Crowd:
    """What stands in a frame.

    Args:
        frame: Where labels may stand.
    """

    def __init__(self, frame: Rectangle) -> None:
        self.frame = frame
        self.points: dict[tuple[int, int], list[tuple[float, float, float]]] = {}
        self.boxes: list[Rectangle] = []
        self.anchors: list[Point] = []

    def point(self, x: float, y: float, weight: float = 1.0) -> None:
        """Note a point, or one of a line."""
        self.points.setdefault((int(x // CELL), int(y // CELL)), []).append((x, y, weight))

    def line(self, points: Sequence[Point]) -> None:
        """Note a line."""
        for (x0, y0), (x1, y1) in pairwise(points):
            count = max(1, ceil(hypot(x1 - x0, y1 - y0) / STEP))
            for i in range(count):
                self.point(x0 + (x1 - x0) * i / count, y0 + (y1 - y0) * i / count)

    def anchor(self, x: float, y: float, size: float) -> None:
        """Note a point that has a label of its own."""
        self.anchors.append((x, y))
        self.box((x - size / 2, y - size / 2, size, size))

    def box(self, box: Rectangle) -> None:
        """Note a label."""
        self.boxes.append(box)

    def free(self, box: Rectangle) -> bool:
        """Whether a label has the place to itself, lines aside."""
        return self._outside(box) <= 0.0 and not any(_common(box, other) for other in self.boxes)

    def place(self, x: float, y: float, width: float, size: float) -> Point:
        """Return left and top of the best place for a label by a point, and note it."""
        best, least = (x, y), float("inf")
        for distance in (0.65, 1.3, 2.2, 3.5, 5.0):
            for liking, (right, down) in enumerate(AROUND):
                gap = distance * size
                left = x + right * gap - (width if right < 0 else width / 2 if right == 0 else 0.0)
                top = y + down * gap * 0.8 - (size if down < 0 else size / 2 if down == 0 else 0.0)
                box = (left, top, width, size)
                cost = self._cost(box, size) + 3.0 * distance + 0.3 * liking
                # nearer to another point than to its own, it would be read as that one's
                others = (_distance(box, p) for p in self.anchors if p != (x, y))
                cost += 12.0 * (min(others, default=1e9) <= _distance(box, (x, y)) + 0.5 * size)
                if cost < least:
                    best, least = (left, top), cost
        self.box((*best, width, size))
        return best

    def _cost(self, box: Rectangle, size: float) -> float:
        left, top, width, height = box
        pad = 0.2 * size
        near = 0.0
        for column in range(int((left - pad) // CELL), int((left + width + pad) // CELL) + 1):
            for row in range(int((top - pad) // CELL), int((top + height + pad) // CELL) + 1):
                for x, y, weight in self.points.get((column, row), ()):
                    if -pad < x - left < width + pad and -pad < y - top < height + pad:
                        near += weight
        overlap = sum(_common(box, other) for other in self.boxes) / (size * size)
        return CROSSED * near + 40.0 * overlap + 60.0 * self._outside(box) / size

    def _outside(self, box: Rectangle) -> float:
        """Return how far a label stands out of the frame."""
        left, top, width, height = self.frame
        return (
            max(left - box[0], 0.0)
            + max(top - box[1], 0.0)
            + max(box[0] + box[2] - left - width, 0.0)
            + max(box[1] + box[3] - top - height, 0.0)
        )


def _distance(box: Rectangle, point: Point) -> float:
    """Return how far a point is from a rectangle."""
    left, top, width, height = box
    across = max(left - point[0], 0.0, point[0] - left - width)
    down = max(top - point[1], 0.0, point[1] - top - height)
    return hypot(across, down)


def _common(a: Rectangle, b: Rectangle) -> float:
    """Return the area that two rectangles share."""
    across = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    down = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return across * down if across > 0.0 and down > 0.0 else 0.0
