"""A gradient calculator: every node's value and gradient, by independent methods, side by side.

>>> from backprop_cli import grad
>>> grad("(a*b+c)*f", a=3, b=-2, c=8, f=-2).gradient
{'a': 4.0, 'b': -6.0, 'c': -2.0, 'f': 2.0}
"""

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing typing takes as long as all else before the program heeds Ctrl-C
    from typing import Any

    from . import functions as functions
    from .api.articles import article as article
    from .api.checks import check as check
    from .api.checks import gradcheck as gradcheck
    from .api.descent import descend as descend
    from .api.drawing import draw as draw
    from .api.evaluation import evaluate as evaluate
    from .api.exercises import exercise as exercise
    from .api.explanation import explain as explain
    from .api.export import translate as translate
    from .api.function import parse as parse
    from .api.function import trace as trace
    from .api.gradients import eval as eval
    from .api.gradients import grad as grad
    from .api.higher import higher as higher
    from .api.implicit import implicit as implicit
    from .api.limits import limit as limit
    from .api.page import network_page as network_page
    from .api.page import page as page
    from .api.plots import plot as plot
    from .api.prediction import predict as predict
    from .api.prediction import sample as sample
    from .api.runs import runs as runs
    from .api.sweep import sweep as sweep
    from .api.tends import tends as tends
    from .api.training import train as train
    from .errors import BackpropError as BackpropError

__version__ = "0.1.0"

_ROOMS = {
    "BackpropError": "errors",
    "article": "api.articles",
    "check": "api.checks",
    "descend": "api.descent",
    "draw": "api.drawing",
    "eval": "api.gradients",
    "evaluate": "api.evaluation",
    "exercise": "api.exercises",
    "explain": "api.explanation",
    "functions": "functions",
    "grad": "api.gradients",
    "gradcheck": "api.checks",
    "higher": "api.higher",
    "implicit": "api.implicit",
    "limit": "api.limits",
    "network_page": "api.page",
    "page": "api.page",
    "parse": "api.function",
    "plot": "api.plots",
    "predict": "api.prediction",
    "runs": "api.runs",
    "sample": "api.prediction",
    "sweep": "api.sweep",
    "tends": "api.tends",
    "trace": "api.function",
    "train": "api.training",
    "translate": "api.export",
}
"""Where each of them is: imported once it is asked for."""

__all__ = ["__version__", *_ROOMS]


def __getattr__(name: str) -> "Any":
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module = import_module(f"{__name__}.{_ROOMS[name]}")
    return module if name == _ROOMS[name] else getattr(module, name)


def __dir__() -> list[str]:
    return sorted(__all__)
