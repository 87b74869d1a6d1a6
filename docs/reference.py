"""The reference of the package for Python, made of its signatures and docstrings, for docs/python.md.

``python docs/update.py`` puts it into the page; the tests call the same functions and compare.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import backprop_cli
from backprop_cli import api
from backprop_cli.api.function import Function
from backprop_cli.api.shown import Told

PAGE = Path(__file__).resolve().parent / "python.md"
BEGIN, END = "<!-- reference -->\n", "<!-- end -->"
APART = ("BackpropError", "__version__", "functions")
"""Names of the package that are no functions."""
PICTURES = ("picture", "drawing", "frames")
"""What `to_svg` is made of."""


def page() -> str:
    """Return the page with the reference put in."""
    head, mark, rest = PAGE.read_text("utf-8").partition(BEGIN)
    return f"{head}{mark}\n{reference()}\n{END}{rest.partition(END)[2]}"


def reference() -> str:
    """Return every function of the package, and what they return."""
    functions = {name: getattr(backprop_cli, name) for name in backprop_cli.__all__ if name not in APART}
    parts = [_function(name, function) for name, function in sorted(functions.items())]
    reports = sorted(_reports(), key=lambda kind: kind.__name__)
    methods = ", ".join(f"`{name}`" for name in vars(Function) if not name.startswith("_"))
    parts.append(
        f"### Function\n\nWhat `parse` and `trace` return: {_first(Function)}\n\nIt has {methods}.\n"
    )
    return "\n".join([*parts, *map(_report, reports)])


def _function(name: str, function: Callable[..., Any]) -> str:
    text = inspect.getdoc(function) or ""
    says = text.partition("\nArgs:")[0].strip()
    plain = [p.replace(annotation=p.empty) for p in inspect.signature(function).parameters.values()]
    signature = str(inspect.Signature(plain))
    rows = "".join(f"- `{argument}`: {what}\n" for argument, what in _section(text, "Args"))
    return f"### {name}\n\n`{name}{signature}`\n\n{says}\n\n{rows}"


def _reports() -> Iterator[type]:
    for module in pkgutil.iter_modules(api.__path__, f"{api.__name__}."):
        for kind in vars(importlib.import_module(module.name)).values():
            own = isinstance(kind, type) and issubclass(kind, Told) and kind.__module__ == module.name
            if own and not inspect.isabstract(kind):
                yield kind


def _report(kind: type) -> str:
    described = next((base for base in kind.__mro__ if "Attributes:" in (base.__doc__ or "")), None)
    rows = _section(inspect.cleandoc(described.__doc__ or ""), "Attributes") if described else []
    rows += [(n, x.__doc__.partition("\n")[0]) for n, x in inspect.getmembers(kind) if _is_told(n, x)]
    listed = "".join(f"- `{name}`: {what}\n" for name, what in rows)
    return f"### {kind.__name__}\n\n{_first(kind)}\n\n{listed}"


def _is_told(name: str, member: object) -> bool:
    return isinstance(member, property) and name[0] != "_" and name not in PICTURES and bool(member.__doc__)


def _first(kind: type) -> str:
    return (inspect.getdoc(kind) or "").partition("\n\n")[0].replace("\n", " ")


def _section(text: str, title: str) -> list[tuple[str, str]]:
    """Return the entries of a section of a docstring."""
    _, _, rest = text.partition(f"{title}:\n")
    body = re.split(r"^\S", rest, maxsplit=1, flags=re.MULTILINE)[0]
    entries = re.findall(r"^    (\w+): (.*(?:\n     .*)*)", body, re.MULTILINE)
    return [(name, " ".join(what.split())) for name, what in entries]
