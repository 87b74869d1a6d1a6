"""Coordinates for charts and graphs, as data: what renderers draw."""

from __future__ import annotations

from typing import Literal, get_args

__all__ = ["DIRECTIONS", "EDGES", "Direction", "Edges"]

Edges = Literal["both", "symbol", "value", "none"]
"""What stands at the arrows of a graph."""

EDGES: tuple[Edges, ...] = get_args(Edges)

Direction = Literal["auto", "LR", "TB"]
"""Where the arrows of a graph lead: to the right, downwards, or as it fits a page."""

DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
