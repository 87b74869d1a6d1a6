"""``backprop export``: the same computation in other languages and frameworks."""

from __future__ import annotations

import os

import click

from ..errors import UsageError
from .command import NetworkCommand
from .common import answers, names_of
from .output import Output, destination
from .request import Request

PACKAGES = frozenset("torch jax numpy scipy autograd micrograd sympy casadi safetensors math".split())
"""What the programs import."""

OTHERWISE = {
    "mermaid": "backprop graph CONFIG --format mermaid draws it",
    "latex": "backprop trace CONFIG --format latex writes a training step",
}
"""What does for a network what a target of expressions does."""


@click.command("export", cls=NetworkCommand)
@click.option("--file", "file", metavar="PATH", help="Read the program from a file; - is stdin.")
@click.option(
    "--to",
    "target",
    metavar="TARGET",
    help="pytorch, jax, numpy, autograd, micrograd, sympy, casadi, c, javascript, python, latex or "
    "mermaid; for networks pytorch, jax, numpy or onnx.  [default: by the ending of -o]",
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
@answers("export", endings={})
def command(
    request: Request,
    output: Output,
    target: str | None,
    wrt: str | None,
) -> int:
    """EXPRESSION as a program that computes value and gradient elsewhere, and asserts our numbers.

    The program is complete: run it, and it fails where the other framework disagrees. A training config
    or a trained model in place of EXPRESSION gives the network with its weights, its predictions for
    some rows and one training step; KEY=VALUE overrides a key of the config.
    """
    from ..export import ENDINGS, NETWORK_TARGETS, RENDERED, TARGETS, target_named

    network = request.config or request.model
    known = NETWORK_TARGETS if network else (*TARGETS, *RENDERED)
    target = target or ENDINGS.get(os.path.splitext(output.file or "")[1].lower())
    if target is None:
        raise UsageError("export needs a target: --to TARGET", hint=f"targets: {', '.join(known)}")
    stem, ending = os.path.splitext(os.path.basename(output.file or ""))
    if ending == ".py" and stem in PACKAGES:
        raise UsageError(
            f"a program called {stem}.py would import itself in place of {stem}", hint=f"-o {stem}_program.py"
        )
    if network is not None:
        for option, given in (("--wrt", wrt is not None), ("--large", request.large)):
            if given:
                raise UsageError(f"{option} is for expressions, not for networks")
        return _network(network, request.config_overrides(), target, output)
    if request.overrides:
        word = request.overrides[0]
        raise UsageError(f"{word} is for the network of a config", hint="backprop export config.yaml")
    target_named(target, known)
    request.read("export is of one point: {name} is {what}", "--{name} VALUE")
    if request.settled is not None:
        from ..api.arrays import translation_of

        values = {**request.values, **request.arrays}
        text, warnings = translation_of(
            request.settled, values, to=target, wrt=names_of(wrt), digits=output.digits
        )
        output.write(text)
        output.tell(request.graph, warnings)
        return 0
    from ..api.export import translate

    text = translate(request.graph, request.values, to=target, wrt=names_of(wrt), digits=output.digits)
    output.write(text)
    from ..differentiation.report import warnings_of

    output.tell(request.graph, warnings_of(request.graph))
    return 0


def _network(path: str, overrides: list[str], target: str, output: Output) -> int:
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
    if target == "onnx" and output.file is None:
        raise UsageError("an ONNX model is no text", hint="-o network.onnx")
    if not path.lower().endswith(".safetensors"):
        from ..training.config import load

        facts = networks.facts_of_config(load(path, overrides))
    elif overrides:
        raise UsageError(f"{overrides[0]} is for a config; a model is as it was trained")
    else:
        facts = networks.facts_of_model(path)
    file = output.file
    stem = os.path.splitext(os.path.basename(file))[0] if file is not None else "network"
    exported = networks.export(facts, target, f"{stem}_arrays")
    if exported.beside is not None:
        if file is None:
            raise UsageError(
                f"a program with {facts.numbers:,} numbers has a file of them beside it",
                hint="-o FILE.py says where both go",
            )
        arrays = os.path.join(os.path.dirname(file), f"{stem}_arrays.safetensors")
        with destination(arrays) as stream:
            stream.write(exported.beside)
        output.note(f"note: {file} reads its arrays from {arrays}")
    if target == "onnx":
        output.write_bytes(exported.content)
    else:
        output.write(exported.content.decode())
    if exported.note is not None:
        output.note(exported.note)
    return 0 if exported.agrees else 1
