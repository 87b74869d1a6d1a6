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
    here = ("backprop_cli", *path.relative_to(PACKAGE).with_suffix("").parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom):
            base = ".".join(here[: len(here) - node.level]) if node.level else ""
            module = ".".join(filter(None, (base, node.module)))
            names = (
                [f"{module}.{alias.name}" for alias in node.names] if module == "backprop_cli" else [module]
            )
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "backprop_cli" and len(parts) > 1 and parts[1] != "__version__":
                yield parts[1], node.lineno  # type: ignore[attr-defined]


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


@pytest.mark.parametrize(
    "module", ["ops", "graph", "language.lower", "engine.sweep", "differentiation.finite"]
)
def test_scalar_work_needs_no_heavy_library(module: str) -> None:
    heavy = ("numpy", "sympy", "mpmath", "rich", "msgspec")
    code = f"import sys, backprop_cli.{module}; print(*sorted(set({heavy!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == []
