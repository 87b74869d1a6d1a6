"""Coordinates for charts and graphs, as data: what renderers draw."""
