"""A gradient calculator: every node's value and gradient, by independent methods, side by side.

>>> from backprop_cli import grad
>>> grad("(a*b+c)*f", a=3, b=-2, c=8, f=-2).gradient
{'a': 4.0, 'b': -6.0, 'c': -2.0, 'f': 2.0}
"""

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing typing takes as long as all else before the program heeds Ctrl-C
    from typing import Any

__version__ = "0.1.0"
__all__ = ["BackpropError", "__version__", "evaluate", "grad", "parse"]


def __getattr__(name: str) -> "Any":
    if name in ("evaluate", "grad", "parse"):
        from . import api

        return getattr(api, name)
    if name == "BackpropError":
        from .errors import BackpropError

        return BackpropError
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
