"""Where a label finds room: beside its point, off the lines and the other labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import ceil, hypot
from typing import NamedTuple

from .picture import Point

Rectangle = tuple[float, float, float, float]  # left, top, width, height
STEP = 5.0  # pixels between the points that stand for a line
CELL = 40.0
CROSSED = 2.5  # what a point under a label costs: more than a step away from its own
APART = 2.0  # pixels between two labels
# Directions in order of liking: above on the right, above, right, ...
AROUND = ((1, -1), (0, -1), (-1, -1), (1, 0), (-1, 0), (1, 1), (0, 1), (-1, 1))
NEAR = (0.7,)  # distances in units of a label's height; from the next on a leader tells whose it is
FAR = (1.3, 2.2, 3.5, 5.0)


class Place(NamedTuple):
    """Where a label stands.

    Attributes:
        left: Of the label.
        top: Of the label.
        leader: A line from the label to its point, where it stands so far off that it needs one.
    """

    left: float
    top: float
    leader: tuple[Point, Point] | None = None


class Crowd:
    """What stands in a frame.

    Args:
        frame: Where labels may stand.
    """

    def __init__(self, frame: Rectangle) -> None:
        self.frame = frame
        self.points: dict[tuple[int, int], list[Point]] = {}
        self.boxes: list[Rectangle] = []
        self.anchors: list[Point] = []

    def point(self, x: float, y: float) -> None:
        """Note a point, or one of a line."""
        self.points.setdefault((int(x // CELL), int(y // CELL)), []).append((x, y))

    def line(self, points: Sequence[Point]) -> None:
        """Note a line."""
        for start, end in pairwise(points):
            for point in _along(start, end):
                self.point(*point)

    def anchor(self, x: float, y: float, size: float) -> None:
        """Note a point that has a label of its own."""
        self.anchors.append((x, y))
        self.box((x - size / 2, y - size / 2, size, size))

    def box(self, box: Rectangle) -> None:
        """Note a label."""
        self.boxes.append(box)

    def free(self, box: Rectangle) -> bool:
        """Whether a label has the place to itself, lines aside."""
        left, top, width, height = self.frame
        inside = left <= box[0] and top <= box[1]
        inside = inside and box[0] + box[2] <= left + width and box[1] + box[3] <= top + height
        return inside and not any(_meet(box, other) for other in self.boxes)

    def place(self, points: Sequence[Point], width: float, size: float) -> Place | None:
        """Return the best free place for a label beside one of several points, and note it.

        Args:
            points: The one that it names, or several of the line that it names.
            width: Of the label.
            size: Its height.
        """
        best: Place | None = None
        least = float("inf")
        for point in points:
            for place, liking in _places(point, width, size):
                box = (place.left, place.top, width, size)
                if not self.free(box) or (place.leader and self._crosses(place.leader)):
                    continue
                # nearer to another point than to its own, it would be read as that one's
                others = (_distance(box, p) for p in self.anchors if p not in points)
                shared = place.leader is None and min(others, default=1e9) <= _distance(box, point) + size / 2
                cost = CROSSED * self._crossed(box, size) + liking + 12.0 * shared
                if cost < least:
                    best, least = place, cost
        if best is not None:
            self.box((best.left, best.top, width, size))
            self.line(best.leader or ())
        return best

    def _crosses(self, leader: tuple[Point, Point]) -> bool:
        """Whether a leader runs through a label or a point that is not its own."""
        own = [box for box in self.boxes if not _distance(box, leader[0])]
        others = [box for box in self.boxes if box not in own]
        return any(not _distance(box, point) for point in _along(*leader) for box in others)

    def _crossed(self, box: Rectangle, size: float) -> int:
        """Count the points of lines under a label."""
        left, top, width, height = box
        pad = 0.2 * size
        near = 0
        for column in range(int((left - pad) // CELL), int((left + width + pad) // CELL) + 1):
            for row in range(int((top - pad) // CELL), int((top + height + pad) // CELL) + 1):
                for x, y in self.points.get((column, row), ()):
                    near += -pad < x - left < width + pad and -pad < y - top < height + pad
        return near


def _places(point: Point, width: float, size: float) -> Iterator[tuple[Place, float]]:
    """Yield the places around a point, with how little each is liked."""
    x, y = point
    for distance in (*NEAR, *FAR):
        gap = distance * size
        for liking, (right, down) in enumerate(AROUND):
            left = x + right * gap - (width if right < 0 else width / 2 if right == 0 else 0.0)
            top = y + down * gap * 0.8 - (size if down < 0 else size / 2 if down == 0 else 0.0)
            near = min(max(x, left), left + width), min(max(y, top), top + size)
            leader = None if distance in NEAR else (point, near)
            yield Place(left, top, leader), 3.0 * distance + 0.3 * liking


def _along(start: Point, end: Point) -> Iterator[Point]:
    (x0, y0), (x1, y1) = start, end
    count = max(1, ceil(hypot(x1 - x0, y1 - y0) / STEP))
    for i in range(count):
        yield x0 + (x1 - x0) * i / count, y0 + (y1 - y0) * i / count


def _distance(box: Rectangle, point: Point) -> float:
    """Return how far a point is from a rectangle."""
    left, top, width, height = box
    across = max(left - point[0], 0.0, point[0] - left - width)
    down = max(top - point[1], 0.0, point[1] - top - height)
    return hypot(across, down)


def _meet(a: Rectangle, b: Rectangle) -> bool:
    """Whether two rectangles are nearer to one another than labels may be."""
    across = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    down = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return across > -APART and down > -APART
