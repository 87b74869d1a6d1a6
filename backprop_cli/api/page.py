"""A page to step through in a browser: what ``backprop page`` writes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..errors import BindingError, UsageError
from .arguments import MOST_DIGITS, flag, mapping, names, numbers, path, whole
from .by_number import single_numbers
from .programs import AnyProgram, Bindings

if TYPE_CHECKING:
    from os import PathLike

Ranges = Mapping[str, tuple[float, float]] | None
"""Where sliders begin and end, by input."""


def network_page(config: str | PathLike[str], *overrides: str, quiz: bool = False, digits: int = 6) -> str:
    """Return a page, one HTML file, to step through and train a network in a browser.

    Args:
        config: Path of a config, or of a trained model, which begins with its weights.
        overrides: ``optimizer.learning_rate=0.1`` and the like; they win over the config's file.
        quiz: Whether it opens with the slopes to be found.
        digits: Significant digits.
    Raises:
        BackpropError: for a config, data or shapes that do not fit, and for networks that are not drawn.
    """
    from ..pages.document import page as written
    from ..pages.network import network_data

    shown = whole("digits", digits, 1, MOST_DIGITS)
    place, keys = path("config", config), names("overrides", overrides)
    if place.lower().endswith(".safetensors") or os.path.isdir(place):
        from ..training.model import Model, problem_of

        if keys:
            raise UsageError(f"{keys[0]} is for a config; a model is as it was trained")
        model = Model.load(place)
        data, wanted, rule = network_data(problem_of(model, place), model.runner.values, digits=shown)
    else:
        from ..training.problem import assembled

        with assembled(place, keys) as problem:
            data, wanted, rule = network_data(problem, None, digits=shown)
    data["quiz"] = flag("quiz", quiz)
    return written("network.html", ["network.js"], data, wanted, rule, ["network.css"])


def page(
    program: AnyProgram,
    bindings: Bindings = None,
    /,
    *,
    ranges: Ranges = None,
    quiz: bool = False,
    digits: int = 6,
    **values: object,
) -> str:
    """Return a page, one HTML file, to step through a program in a browser.

    Args:
        program: Text, what `parse` or `trace` returned, or a Python function.
        bindings: Values by name, for names such as ``quiz`` that are options here.
        ranges: Where the sliders of some inputs begin and end; of a number of an array, ``x[0]``.
        quiz: Open with the slopes to be found.
        digits: Significant digits.
        values: Values by name: numbers, NumPy arrays or lists.
    Raises:
        BackpropError: for wrong input, where there is no such number, or with more nodes than are drawn.
    """
    from ..export.javascript_rows import row_name
    from ..pages.document import page as written
    from ..pages.program import program_data

    graph, given, _ = single_numbers(program, bindings, values, each=True)
    sliders = {}
    for name, ends in mapping("ranges", {} if ranges is None else ranges).items():
        if name not in graph.inputs:
            raise BindingError(f"a range for {name}: the expression has no input {name}")
        low, *rest = numbers(f"the range of {name}", ends)
        if len(rest) != 1 or not low < rest[0]:
            raise BindingError(f"the range of {name} is two numbers, the smaller one first")
        sliders[name] = (low, rest[0])
    data, wanted = program_data(
        graph, given, ranges=sliders, digits=whole("digits", digits, 1, MOST_DIGITS), row_name=row_name
    )
    locals_ = [local for node in data["nodes"] for local in node.get("local", ()) if local is not None]
    choices = ["choices.js"] if any(len(local["cases"]) > 1 for local in locals_) else []
    plane = ["contour.js"] if len(graph.inputs) > 1 else []
    data["quiz"] = flag("quiz", quiz)
    return written("expression.html", [*choices, "engine.js", *plane, "page.js"], data, wanted)
