"""The differentiators: interpreters of a graph, each adding one column."""

__all__ = ["DEFAULT_METHODS", "FORMULAS", "METHODS", "SCHEMES"]

METHODS = ("symbolic", "reverse", "finite", "forward", "complex-step")
"""In the order of their columns."""

DEFAULT_METHODS = METHODS[:3]
"""Three that know nothing of each other."""

SCHEMES = ("central", "forward", "backward", "ridders")
"""Of the difference quotients."""

FORMULAS = ("names", "inputs")
"""What formulas are over: the names of steps, or inputs alone."""
