"""Coordinates for charts and graphs, as data: what renderers draw."""

from __future__ import annotations

from typing import Literal, get_args

__all__ = ["EDGES", "Edges"]

Edges = Literal["both", "symbol", "value", "none"]
"""What stands at the arrows of a graph."""

EDGES: tuple[Edges, ...] = get_args(Edges)
