"""``backprop check --function``: a forward and a backward pass in somebody's own file."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
import traceback
from collections.abc import Callable
from typing import Any

import click

from ..errors import BackpropError, FileError, UsageError, nearest, printable
from .output import Output

HINT = "--function layers.py:affine_forward,affine_backward --shapes 4x3,3x2,2"
_SHAPE = re.compile(r"(\d+(?:x\d+)*|number)(?:<(\d+))?")


def functions_of(word: str) -> tuple[Callable[..., Any], Callable[..., Any] | None]:
    """Run a file, and return the functions of it that are named: ``layers.py:forward,backward``.

    Raises:
        BackpropError: where there is no such file or function, or the file cannot be run.
    """
    path, colon, names = word.rpartition(":")
    wanted = [name.strip() for name in names.split(",")]
    if not colon or not path or not all(wanted) or len(wanted) > 2:
        raise UsageError(f"--function {word}: a file and one or two functions are asked for", hint=HINT)
    if not os.path.isfile(path):
        raise FileError(f"{path}: there is no such file")
    spec = importlib.util.spec_from_file_location("_checked", path)
    loader = None if spec is None else spec.loader
    if spec is None or loader is None:
        raise UsageError(f"{path} is no Python file", hint=HINT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))  # its imports, as where it is run itself
    called(path, lambda: loader.exec_module(module))
    found: list[Callable[..., Any]] = []
    for name in wanted:
        function = getattr(module, name, None)
        if not callable(function):
            known = [n for n, f in vars(module).items() if callable(f) and not n.startswith("_")]
            close = nearest(name, known)
            raise UsageError(
                f"{path} has no function {name}",
                hint=f"did you mean {close}?" if close else f"functions: {', '.join(known[:12]) or 'none'}",
            )
        found.append(function)
    return found[0], found[1] if len(found) > 1 else None


def called(path: str, call: Callable[[], Any]) -> Any:
    """Call what runs somebody's code; what it raises is told with its place in their file."""
    try:
        return call()
    except BackpropError:
        raise
    except Exception as error:
        frames = (
            [f for f in traceback.extract_tb(error.__traceback__) if os.path.samefile(f.filename, path)]
            if (not isinstance(error, SyntaxError))
            else []
        )
        line = frames[-1].lineno if frames else getattr(error, "lineno", None)
        place = f"{path}:{line}" if line else path
        inside = f" in {frames[-1].name}" if frames and frames[-1].name != "<module>" else ""
        raise UsageError(f"{place}: {type(error).__name__}{inside}: {printable(str(error))}") from None


def inputs_of(word: str, seed: int) -> list[Any]:
    """Return random inputs of shapes: ``4x3,2,number,4<10`` with whole numbers below 10 in the last."""
    import numpy as np

    draw = np.random.default_rng(seed)
    found: list[Any] = []
    for part in word.split(","):
        match = _SHAPE.fullmatch(part.strip())
        if match is None:
            raise UsageError(
                f"--shapes: {part.strip() or 'nothing'} is no shape",
                hint="4x3 is a matrix, 3 a vector, number a number, 4<10 has whole numbers below 10",
            )
        shape = () if match[1] == "number" else tuple(map(int, match[1].split("x")))
        if match[2] is not None:
            if int(match[2]) < 1:
                raise UsageError(f"--shapes: there is no whole number below {match[2]}")
            found.append(draw.integers(0, int(match[2]), shape))
        else:
            found.append(draw.standard_normal(shape) if shape else float(draw.standard_normal()))
        if np.size(found[-1]) > 10**6:
            raise UsageError(f"--shapes: {part.strip()} has more than 1,000,000 entries")
    return found


def check(word: str, shapes: str | None, seed: int, output: Output) -> int:
    """Check the functions of a file; return the exit status."""
    from ..api.checks import gradcheck

    if shapes is None:
        raise UsageError("--function needs the shapes of what it takes", hint=HINT)
    inputs = inputs_of(shapes, seed)
    path = word.rpartition(":")[0]
    if os.path.isfile(path):
        output.note(f"note: runs {path}")
    forward, backward = functions_of(word)
    found = called(path, lambda: gradcheck(forward, backward, *inputs, seed=seed))
    document = found._document(output.format)
    output.show(document)
    return int(found.status)


def options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options."""
    for option in (
        click.option(
            "--seed", type=click.IntRange(0), default=0, metavar="N", help="Of --shapes' random numbers."
        ),
        click.option("--shapes", metavar="SHAPES", help="Of what --function takes: 4x3,3x2,2."),
        click.option(
            "--function",
            "function",
            metavar="FILE:FORWARD,BACKWARD",
            help="Check a backward pass of your own, in Python over NumPy arrays; the file is run.",
        ),
    ):
        function = option(function)
    return function
