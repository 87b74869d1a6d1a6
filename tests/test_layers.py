"""The tree is the architecture: a module imports only from layers above its own."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "backprop_cli"
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
    ("optimization",),
    ("networks",),
    ("training",),
    ("checking", "export"),
    ("articles",),
    ("layout",),
    ("render",),
    ("api",),
    ("cli",),
    ("__init__", "__main__"),
)
LAYER = {name: level for level, names in enumerate(ORDER) for name in names}
MODULES = sorted(PACKAGE.rglob("*.py"))


def layers_imported(path: Path) -> Iterator[tuple[str, int]]:
    """Yield what a module imports of the package, and on which line, in bodies of functions too."""
    for name, line in names_imported(path):
        parts = name.split(".")
        if parts[0] == "backprop_cli" and len(parts) > 1 and parts[1] != "__version__":
            yield parts[1], line


def names_imported(path: Path, *, typing: bool = True) -> Iterator[tuple[str, int]]:
    """Yield the full name of all that a module imports, and on which line; perhaps not for types alone."""
    here = ("backprop_cli", *path.relative_to(PACKAGE).with_suffix("").parts)
    todo: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING" and not typing:
            continue
        todo += ast.iter_child_nodes(node)
        if isinstance(node, ast.ImportFrom):
            base = ".".join(here[: len(here) - node.level]) if node.level else ""
            module = ".".join(filter(None, (base, node.module)))
            for alias in node.names:
                yield f"{module}.{alias.name}", node.lineno
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno


@pytest.mark.parametrize("path", MODULES, ids=[str(p.relative_to(PACKAGE)) for p in MODULES])
def test_imports_go_up(path: Path) -> None:
    own = path.relative_to(PACKAGE).with_suffix("").parts[0]
    assert own in LAYER, f"{own} has no layer"
    below = [
        (name, line) for name, line in layers_imported(path) if name != own and LAYER[name] >= LAYER[own]
    ]
    assert below == []


def test_the_walk_sees_imports() -> None:
    seen = {name for path in MODULES for name, _ in layers_imported(path)}
    assert {"errors", "ops", "graph", "language", "differentiation"} <= seen


def test_no_room_imports_in_circles() -> None:
    names = {".".join(("backprop_cli", *p.relative_to(PACKAGE).with_suffix("").parts)): p for p in MODULES}
    names = {name.removesuffix(".__init__"): path for name, path in names.items()}

    def module_of(name: str) -> str | None:
        return next((n for n in (name, name.rpartition(".")[0]) if n in names and n != "backprop_cli"), None)

    needs = {
        own: {module for name, _ in names_imported(path, typing=False) if (module := module_of(name))} - {own}
        for own, path in names.items()
    }
    while free := [own for own, others in needs.items() if not others & needs.keys()]:
        for own in free:
            del needs[own]
    assert needs == {}


WRITTEN = {
    # what writes a format, and who may import it
    "csv": ("render/writers/rows.py",),
    "json": ("render/writers/json.py", "cli/main.py"),  # of an error that ends all
    "xml": ("render/writers/xml.py",),
    "html": ("render/writers/html.py", "render/svg.py"),
    "backprop_cli.render.latex.text_to_latex": ("render/writers/", "render/written.py", "render/tikz.py"),
    "backprop_cli.render.writers.markdown": ("render/writers/", "render/schema.py"),
}


@pytest.mark.parametrize("what", WRITTEN)
def test_formats_are_written_in_one_place(what: str) -> None:
    """A report makes blocks; only the writers know how JSON, CSV, Markdown or LaTeX are escaped."""
    users = [
        str(path.relative_to(PACKAGE))
        for path in MODULES
        if path.relative_to(PACKAGE).parts[0] in ("render", "cli", "layout")
        and any(f"{name}.".startswith(f"{what}.") for name, _ in names_imported(path))
    ]
    assert [user for user in users if not user.startswith(WRITTEN[what])] == []


@pytest.mark.parametrize(
    "module", ["ops", "graph", "language.lower", "engine.sweep", "differentiation.finite"]
)
def test_scalar_work_needs_no_heavy_library(module: str) -> None:
    heavy = ("numpy", "sympy", "mpmath", "rich", "msgspec")
    code = f"import sys, backprop_cli.{module}; print(*sorted(set({heavy!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == []
