"""Draw the rooms of the package from its imports, and list them, for docs/architecture.md.

``python docs/architecture.py`` writes docs/architecture.svg and the table of the page; the tests call the
same functions, compare, and hold the imports to the order of `ORDER`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "backprop_cli"
PAGE = ROOT / "docs" / "architecture.md"
PICTURE = ROOT / "docs" / "architecture.svg"

ORDER = (
    ("errors",),
    ("ops",),
    ("graph", "settings"),
    ("tables",),
    ("language",),
    ("engine",),
    ("differentiation",),
    ("curves",),
    ("explanation",),
    ("optimization", "environments"),
    ("networks",),
    ("training",),
    ("checking", "export"),
    ("articles", "exercises"),
    ("layout",),
    ("render",),
    ("pages",),
    ("api",),
    ("functions",),
    ("cli",),
    ("__init__", "__main__"),
)
"""A room imports only from rooms above its own."""

_TABLE = re.compile(r"^(\| room \| what is in it \|\n\|---\|---\|\n)(?:\|.*\n)*", re.MULTILINE)


def modules() -> list[Path]:
    """Return every module of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def room_of(module: Path) -> str:
    """Return the room a module is in: the folder below the package, or the module itself."""
    return module.relative_to(PACKAGE).with_suffix("").parts[0]


@cache  # every package is held to what all modules import
def _imports(module: Path) -> tuple[tuple[str, int, bool], ...]:
    """Return the full name of all that a module imports, on which line, and whether for types alone."""
    here = (PACKAGE.name, *module.relative_to(PACKAGE).with_suffix("").parts)
    found: list[tuple[str, int, bool]] = []
    todo: list[tuple[ast.AST, bool]] = [(ast.parse(module.read_text(encoding="utf-8")), False)]
    while todo:
        node, typing = todo.pop()
        typing |= isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for part in ("body", "orelse", "finalbody", "handlers", "cases"):  # imports are statements
            todo += [(inner, typing) for inner in getattr(node, part, ())]
        if isinstance(node, ast.ImportFrom):
            base = ".".join(here[: len(here) - node.level]) if node.level else ""
            source = ".".join(filter(None, (base, node.module)))
            found += ((f"{source}.{alias.name}", node.lineno, typing) for alias in node.names)
        elif isinstance(node, ast.Import):
            found += ((alias.name, node.lineno, typing) for alias in node.names)
    return tuple(found)


def imported(module: Path, *, typing: bool = True) -> tuple[tuple[str, int], ...]:
    """Return the full name of all that a module imports, and on which line, in bodies of functions, too.

    Args:
        module: Its file.
        typing: With what is imported for types alone.
    """
    return tuple((name, line) for name, line, alone in _imports(module) if typing or not alone)


def rooms_imported(module: Path) -> Iterator[tuple[str, int]]:
    """Yield the rooms that a module imports from, and on which line."""
    for name, line in imported(module):
        package, _, rest = name.partition(".")
        if package == PACKAGE.name and rest and rest != "__version__":
            yield rest.partition(".")[0], line


def rooms() -> dict[str, set[str]]:
    """Return for every room those it imports from, in the order of `ORDER`."""
    found: dict[str, set[str]] = {name: set() for level in ORDER for name in level}
    for module in modules():
        own = room_of(module)
        found[own] |= {name for name, _ in rooms_imported(module)} - {own}
    return found


def reduced(links: dict[str, set[str]]) -> dict[str, set[str]]:
    """Leave out the links that a longer way implies.

    Source:
        Aho, Garey and Ullman, The Transitive Reduction of a Directed Graph (1972).
    """
    reach: dict[str, set[str]] = {}
    kept = {}
    for name, direct in links.items():  # what is imported stands before who imports it
        behind = set().union(*(reach[other] for other in direct))
        kept[name] = direct - behind
        reach[name] = direct | behind
    return kept


def purpose(room: str) -> str:
    """Return the first line of a room's docstring."""
    path = PACKAGE / room
    module = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return (ast.get_docstring(ast.parse(module.read_text("utf-8"))) or "").partition("\n")[0]


def shown() -> list[str]:
    """Return the rooms of the picture and the table: all but the package's own two doors."""
    return [name for level in ORDER for name in level if not name.startswith("__")]


def picture() -> str:
    """Return the picture, drawn by the package's own layout."""
    from backprop_cli.layout.drawing import Arrow, Card, Drawing
    from backprop_cli.layout.graph_picture import graph_picture
    from backprop_cli.render.svg import svg

    found = rooms()
    links = reduced({name: found[name] for name in shown()})
    cards = [
        Card(name, name, "", (), "output" if name == "cli" else "step" if links[name] else "input")
        for name in shown()
    ]
    arrows = [Arrow(other, name) for name in shown() for other in sorted(links[name])]
    return svg(
        graph_picture(
            Drawing(
                "The rooms of backprop_cli",
                "Each room imports from those with an arrow to it, and from what lies before them.",
                ("an arrow: is imported by; what a longer way implies is left out",),
                cards,
                arrows,
            )
        )
    )


def table() -> str:
    """Return the rows of the page's table."""
    return "".join(f"| `{room}` | {purpose(room)} |\n" for room in shown())


def page() -> str:
    """Return the page with its table as it is to be."""
    return _TABLE.sub(lambda match: match[1] + table(), PAGE.read_text("utf-8"))


def main() -> None:
    """Write picture and table."""
    PICTURE.write_text(picture(), "utf-8")
    PAGE.write_text(page(), "utf-8")


if __name__ == "__main__":
    main()
