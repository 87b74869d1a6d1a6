"""Curves and surfaces: a function sampled along a line or over a plane, with what happens on it."""
