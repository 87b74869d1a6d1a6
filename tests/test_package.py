"""What is published: an archive of the sources, and a wheel that works away from them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_bytes
from importlib.metadata import distribution
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement
from test_documents import ROOT, update

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
MADE = (".git", ".venv", "__pycache__", "*.egg-info", "build", "dist", ".*_cache", ".hypothesis", "runs")
"""What commands leave in the tree."""


class Built(NamedTuple):
    """The two archives."""

    sources: Path
    wheel: Path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """What `python -m build` makes: the archive of the tree, and the wheel of that archive."""
    pytest.importorskip("build")
    folder = tmp_path_factory.mktemp("built")
    tree = folder / "tree"
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(*MADE))
    words = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(tree)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Deprecat" not in done.stderr
    (sources,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return Built(sources, wheel)


def test_the_archive_of_sources_has_all_that_tests_and_documents_need(built: Built) -> None:
    with tarfile.open(built.sources) as archive:
        members = {name.partition("/")[2] for name in archive.getnames()}
    tree = built.sources.parent / "tree"
    files = {path.relative_to(tree).as_posix() for path in tree.rglob("*") if path.is_file()}
    assert {name for name in files - members if ".egg-info/" not in name} <= {".gitignore"}


def test_the_wheel_has_every_file_of_the_package_and_says_what_it_is(built: Built) -> None:
    tree = built.sources.parent / "tree"
    package = {p.relative_to(tree).as_posix() for p in (tree / "backprop_cli").rglob("*") if p.is_file()}
    with zipfile.ZipFile(built.wheel) as archive:
        names = archive.namelist()
        (metadata,) = [archive.read(name) for name in names if name.endswith(".dist-info/METADATA")]
    assert {name for name in names if name.startswith("backprop_cli/")} == package
    about = message_from_bytes(metadata)
    assert (about["Name"], about["Version"]) == (PROJECT["name"], PROJECT["version"])
    text = about.get_payload()
    assert isinstance(text, str)
    assert text.startswith("# backprop")
    # beside it nothing lies that a link could lead to
    assert re.findall(r"<img|\]\((?!https?:|#)[^)]*\)", text) == []


def test_the_wheel_works_without_the_tree(built: Built, tmp_path: Path) -> None:
    """In an environment that has the declared dependencies, without extras, and nothing else."""
    fresh = tmp_path / "fresh"
    subprocess.run([sys.executable, "-m", "venv", str(fresh)], check=True, timeout=60)
    programs = fresh / ("Scripts" if sys.platform == "win32" else "bin")
    pip = [
        str(programs / "python"),
        "-m",
        "pip",
        "-q",
        "install",
        "--no-index",
        "--no-deps",
        str(built.wheel),
    ]
    subprocess.run(pip, check=True, timeout=60, cwd=tmp_path)
    (packages,) = fresh.rglob("site-packages")
    for needed in _needed(PROJECT["dependencies"]):
        for part in {file.parts[0] for file in distribution(needed).files or ()} - {"..", "__pycache__"}:
            (packages / part).symlink_to(distribution(needed).locate_file(part))

    def run(*words: str, status: int = 0) -> str:
        done = subprocess.run(
            [str(programs / "backprop"), *words],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == status, done.stderr
        return done.stderr if status else done.stdout

    first = next(s for b in update.blocks_of((ROOT / "README.md").read_text("utf-8")) for s in b.steps)
    block = update.Block([first], 0, 0)
    (printed,) = update.run_block(block, tmp_path, str(programs))
    assert update.matches(first.shown, printed), printed
    assert "Examples:" in run("--help")
    share, shells = fresh / "share", packages / "backprop_cli" / "cli" / "shells"
    assert run("help", "--man") == (share / "man" / "man1" / "backprop.1").read_text("utf-8")
    for folder, name in (
        ("bash-completion/completions", "backprop"),
        ("zsh/site-functions", "_backprop"),
        ("fish/vendor_completions.d", "backprop.fish"),
    ):
        assert (share / folder / name).read_bytes() == (shells / name).read_bytes()
    (tmp_path / "iris.yaml").write_text(run("config", "init", "iris"))
    run("train", "iris.yaml", "training.epochs=1", "-q")
    assert run("predict", "runs/iris", "iris.csv", status=4)
    run("page", "x^2", "--x", "3", "-o", "page.html")
    assert (tmp_path / "page.html").stat().st_size > 50_000
    assert "pip install 'backprop-cli[plot]'" in run("plot", "x^2", "--x", "0:1", "-o", "x.png", status=2)


def _needed(requirements: list[str]) -> set[str]:
    """The distributions that these requirements bring along, without extras."""
    found: set[str] = set()
    waiting = list(requirements)
    while waiting:
        requirement = Requirement(waiting.pop())
        wanted = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if wanted and requirement.name not in found:
            found.add(requirement.name)
            waiting += distribution(requirement.name).requires or ()
    return found


def test_extras_that_are_named_exist() -> None:
    texts = [p for kind in ("py", "txt") for p in (ROOT / "backprop_cli").rglob(f"*.{kind}")]
    texts += [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    pattern = r"backprop-cli\[(\w+)\]|installing\(['\"](\w+)['\"]\)"
    named = {word for path in texts for pair in re.findall(pattern, path.read_text("utf-8")) for word in pair}
    assert named - {""} <= set(PROJECT["optional-dependencies"])
