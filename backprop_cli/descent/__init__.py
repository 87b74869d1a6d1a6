"""Gradient descent and ascent on an expression."""
