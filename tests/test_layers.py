"""The tree is the architecture: a module imports only from rooms above its own, and none in a circle."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from conftest import ROOT, script

architecture = script("architecture")

LEVEL = {name: level for level, names in enumerate(architecture.ORDER) for name in names}
MODULES = {str(path.relative_to(architecture.PACKAGE)): path for path in architecture.modules()}


def test_imports_go_up() -> None:
    rooms = {module: architecture.room_of(path) for module, path in MODULES.items()}
    assert {*rooms.values()} <= {*LEVEL}
    below = [
        f"{module}:{line} imports {room}"
        for module, path in MODULES.items()
        for room, line in architecture.rooms_imported(path)
        if room != rooms[module] and LEVEL[room] >= LEVEL[rooms[module]]
    ]
    assert below == []


def test_no_modules_import_each_other() -> None:
    names = {
        ".".join(("backprop_cli", *path.relative_to(architecture.PACKAGE).with_suffix("").parts)): path
        for path in MODULES.values()
    }
    names = {name.removesuffix(".__init__"): path for name, path in names.items()}

    def module_of(name: str) -> str | None:
        return next((n for n in (name, name.rpartition(".")[0]) if n in names and n != "backprop_cli"), None)

    links = {
        own: {
            module
            for name, _ in architecture.imported(path, typing=False)
            if (module := module_of(name)) not in (own, None)
        }
        for own, path in names.items()
    }
    assert set(TopologicalSorter(links).static_order()) == set(names)


def test_the_walk_sees_imports() -> None:
    rooms = architecture.rooms()
    assert {"errors", "ops", "graph", "language", "engine"} <= rooms["differentiation"]
    assert "explanation" in rooms["cli"]  # in the bodies of functions


def test_the_page_and_its_picture_are_drawn_from_the_imports() -> None:
    assert architecture.PAGE.read_text("utf-8") == architecture.page()
    assert architecture.PICTURE.read_text("utf-8") == architecture.picture()


PACKAGES = sorted(
    ".".join(("backprop_cli", *path.parent.relative_to(architecture.PACKAGE).parts))
    for path in MODULES.values()
    if path.name == "__init__.py"
)


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_lists_what_others_take_from_it(name: str) -> None:
    package = importlib.import_module(name)
    folder = Path(str(package.__file__)).parent
    modules = {path.stem for path in folder.iterdir()}
    names = (found for path in MODULES.values() for found, _ in architecture.imported(path))
    taken = {found.removeprefix(f"{name}.") for found in names if found.startswith(f"{name}.")}
    offered = getattr(package, "__all__", [])
    assert {each for each in taken if "." not in each} - modules <= {*offered}
    assert [each for each in offered if not hasattr(package, each)] == []
    tree = ast.parse((folder / "__init__.py").read_text("utf-8"))
    own = {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    assert not {each for each in own if each[0] != "_"} - {*offered}


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
        str(path.relative_to(architecture.PACKAGE))
        for path in MODULES.values()
        if path.relative_to(architecture.PACKAGE).parts[0] in ("render", "cli", "layout")
        and any(f"{name}.".startswith(f"{what}.") for name, _ in architecture.imported(path))
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
