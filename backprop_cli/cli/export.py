"""``backprop export``: the same computation in other languages and frameworks."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import click

from ..errors import UsageError
from .command import Binding, NetworkCommand, is_config
from .common import Request, destination, notes_printer, tell, write_text

Note = Callable[[str], None]

PACKAGES = frozenset("torch jax numpy scipy autograd micrograd sympy casadi safetensors math".split())
"""What the programs import."""

OTHERWISE = {
    "mermaid": "backprop graph CONFIG --format mermaid draws it",
    "latex": "backprop trace CONFIG --format latex writes a training step",
}
"""What does for a network what a target of expressions does."""


@click.command(
    "export",
    cls=NetworkCommand,
    epilog="Examples: backprop export '(a*b+c)*f' --a 3 --b -2 --c 8 --f -2 --to pytorch; "
    "backprop export --file loss.bp -o loss.c; backprop export hand.yaml --to jax; "
    "backprop export runs/iris/model.safetensors -o iris.onnx",
)
@click.option("--file", "file", metavar="PATH", help="Read the program from a file; - is stdin.")
@click.option(
    "--to",
    "target",
    metavar="TARGET",
    help="pytorch, jax, numpy, autograd, micrograd, sympy, casadi, c, python, latex or mermaid; for "
    "networks pytorch, jax, numpy or onnx.  [default: by the ending of -o]",
)
@click.option("--wrt", metavar="NAMES", help="Differentiate by these inputs alone: a,b.")
@click.option("-o", "output", metavar="FILE", help="Write to a file.")
@click.option(
    "--digits",
    type=click.IntRange(1, 17),
    default=6,
    show_default=True,
    help="Significant digits of latex and mermaid.",
)
@click.option("--large", is_flag=True, help="Lift the limits on a program's size.")
@click.option("-q", "--quiet", is_flag=True, help="No notes or warnings.")
def command(
    expression: str | None,
    bindings: list[Binding],
    overrides: list[str],
    file: str | None,
    target: str | None,
    wrt: str | None,
    output: str | None,
    digits: int,
    large: bool,
    quiet: bool,
) -> int:
    """EXPRESSION as a program that computes value and gradient elsewhere, and asserts our numbers.

    The program is complete: run it, and it fails where the other framework disagrees. A training config
    or a trained model in place of EXPRESSION gives the network with its weights, its predictions for
    some rows and one training step; KEY=VALUE overrides a key of the config.
    """
    from ..export import ENDINGS, NETWORK_TARGETS, RENDERED, TARGETS, export, program_of, target_named

    note = notes_printer(quiet)
    network = file is None and (is_config(expression) or _is_model(expression))
    known = NETWORK_TARGETS if network else (*TARGETS, *RENDERED)
    target = target or ENDINGS.get(os.path.splitext(output or "")[1].lower())
    if target is None:
        raise UsageError("export needs a target: --to TARGET", hint=f"targets: {', '.join(known)}")
    stem, ending = os.path.splitext(os.path.basename(output or ""))
    if ending == ".py" and stem in PACKAGES:
        raise UsageError(
            f"a program called {stem}.py would import itself in place of {stem}", hint=f"-o {stem}_program.py"
        )
    if network:
        assert expression is not None
        for option, given in (("--wrt", wrt is not None), ("--large", large)):
            if given:
                raise UsageError(f"{option} is for expressions, not for networks")
        overrides += [f"{binding.name}={binding.text}" for binding in bindings]
        return _network(expression, overrides, target, output, note)
    if overrides:
        raise UsageError(f"{overrides[0]} is for the network of a config", hint="backprop export config.yaml")
    target_named(target, known)
    request = Request(expression, bindings, file, large=large, points=None)
    if request.ranges:
        name = next(iter(request.ranges))
        raise UsageError(f"export is of one point: {name} is a range", hint=f"--{name} VALUE")
    names = [name.strip() for name in wrt.split(",")] if wrt is not None else None
    if target in RENDERED:
        text = _rendered(request, target, names, digits)
    else:
        text = export(program_of(request.graph, request.values, names), target)
    write_text(text, output)
    from ..differentiation.report import warnings_of

    tell(request.graph, note, warnings_of(request.graph), ())
    return 0


def _is_model(word: str | None) -> bool:
    return word is not None and word.lower().endswith(".safetensors") and "\n" not in word


def _network(path: str, overrides: list[str], target: str, output: str | None, note: Note) -> int:
    """Export a config's network, or a trained one; a large one has its arrays in a file beside it."""
    from .training import use_threads

    use_threads(1)
    from ..export import NETWORK_TARGETS, RENDERED, TARGETS, networks, target_named

    if target not in NETWORK_TARGETS and target in (*TARGETS, *RENDERED):
        raise UsageError(
            f"a network is not exported to {target}",
            hint=OTHERWISE.get(target, f"targets: {', '.join(NETWORK_TARGETS)}"),
        )
    target_named(target, NETWORK_TARGETS)
    if target == "onnx" and output is None:
        raise UsageError("an ONNX model is no text", hint="-o network.onnx")
    if is_config(path):
        from ..training.config import load

        facts = networks.facts_of_config(load(path, overrides))
    elif overrides:
        raise UsageError(f"{overrides[0]} is for a config; a model is as it was trained")
    else:
        facts = networks.facts_of_model(path)
    stem = os.path.splitext(os.path.basename(output))[0] if output is not None else "network"
    exported = networks.export(facts, target, f"{stem}_arrays")
    if exported.beside is not None:
        if output is None:
            raise UsageError(
                f"a program with {facts.numbers:,} numbers has a file of them beside it",
                hint="-o FILE.py says where both go",
            )
        arrays = os.path.join(os.path.dirname(output), f"{stem}_arrays.safetensors")
        with destination(arrays) as stream:
            stream.write(exported.beside)
        note(f"note: {output} reads its arrays from {arrays}")
    if target == "onnx":
        with destination(output) as stream:
            stream.write(exported.content)
    else:
        write_text(exported.content.decode(), output)
    if exported.note is not None:
        note(exported.note)
    return 0 if exported.agrees else 1


def _rendered(request: Request, target: str, wrt: list[str] | None, digits: int) -> str:
    """Return the computation as a document or drawing, with our numbers in it."""
    from ..engine.point import Point
    from ..explanation.edges import GraphView
    from ..language.numbers import rounded

    view = GraphView(request.graph, Point.at(request.graph, request.values, wrt))

    def write(x: float) -> str:
        return rounded(x, digits)

    if target == "latex":
        from ..render.export_latex import document

        return document(view, write)
    from ..layout.drawing import graph_drawing
    from ..render.mermaid import mermaid
    from .graph import _title

    drawing: Any = graph_drawing(view, _title(view, write), write)
    return "".join(mermaid(drawing))
