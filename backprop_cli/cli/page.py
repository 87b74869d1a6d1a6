"""``backprop page``: a page to step through in a browser."""

from __future__ import annotations

from typing import Any

import click

from ..errors import BackpropError, BindingError, UsageError
from ..language.lower import constant
from .command import Binding, NetworkCommand
from .common import answers, digits_option, file_option, quiet_option
from .output import Output
from .request import ByNumber
from .watch import watch_option


class PageRequest(ByNumber):
    """A program whose inputs may have a range besides a value.

    Attributes:
        sliders: Where the slider of an input begins and ends.
    """

    range_hint = "a range is start:stop: --{} {}"

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.sliders: dict[str, tuple[float, float]] = {}

    def bind(self, binding: Binding) -> None:
        """Give a variable its value, or its slider a range."""
        if binding.text.count(":") != 1:
            super().bind(binding)
            return
        name = binding.name
        if not self.has(name):
            self.refuse_unknown(binding)
        if name in self.sliders:
            raise BindingError(f"the range of {name} is given twice")
        try:
            low, high = (constant(part) for part in binding.text.split(":"))
        except BackpropError as error:
            raise BindingError(f"the range of {name}: {error.message}", hint="a range is -3:3") from None
        if not low < high:
            raise BindingError(
                f"the range {binding.text} of {name} ends where it begins, or before", hint="a range is -3:3"
            )
        self.sliders[name] = (low, high)

    def start(self) -> dict[str, float]:
        """Return where inputs without a value begin: in the middle of their sliders."""
        return {
            name: (low + high) / 2.0
            for name, (low, high) in self.sliders.items()
            if name not in self.values and name not in self.graph.defaults and name in self.graph.inputs
        }


@click.command("page", cls=NetworkCommand)
@file_option
@click.option("--quiz", is_flag=True, help="Open with the slopes to be found.")
@click.option("--open", "open_", is_flag=True, help="Open the page in the browser.")
@click.option("-o", "output", metavar="FILE", help="Write to a file: page.html.")
@digits_option("Significant digits.")
@quiet_option
@watch_option
@answers("page", endings={}, request=PageRequest)
def command(request: PageRequest, output: Output, quiz: bool, open_: bool) -> int:
    """EXPRESSION as a page to step through in a browser: one HTML file that asks no server.

    Values are where it begins; --x -3:3 says where the slider of x begins and ends. The page shows
    the graph, both passes one step at a time, a table, a curve with tangent and secant, and descends.
    A training config or a trained model in place of EXPRESSION gives its network: four phases a step, and
    training in the page on the config's own rows; KEY=VALUE overrides a key of the config.
    """
    if open_ and output.file is None:
        raise UsageError("--open needs a file to open", hint="-o page.html")
    network = request.config or request.model
    if network is not None:
        from .training import use_threads

        use_threads(1)
        from ..api.page import network_page

        output.write(network_page(network, *request.config_overrides(), quiz=quiz, digits=output.digits))
    else:
        _expression(request, output, quiz)
    if open_ and output.file is not None:
        import os
        import webbrowser

        webbrowser.open(f"file://{os.path.abspath(output.file)}")
    return 0


def _expression(request: PageRequest, output: Output, quiz: bool) -> None:
    if request.overrides:
        word = request.overrides[0]
        raise UsageError(f"{word} is for the network of a config", hint="backprop page config.yaml")
    request.read("a page begins at one point: {name} is {what}", "--{name} -3:3")
    from ..api.page import page

    graph, values, _ = request.numbers(start=request.start(), each=True)
    output.write(page(graph, values, ranges=request.sliders, quiz=quiz, digits=output.digits))
    from ..differentiation.report import warnings_of

    output.tell(graph, warnings_of(graph))
