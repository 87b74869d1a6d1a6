"""Run the commands shown in the documents and put in what they print.

``python docs/update.py`` rewrites README.md, docs/*.md and docs/backprop.1, ``... update.py trace.md`` of the
pages with commands that one alone; the tests call the same functions and compare. In a block marked
``console`` a line ``$ COMMAND`` is run, ``> `` goes on with it, and the lines below are what it prints on
stdout and stderr, ``...`` standing for any lines. The commands of a block share one shell, the blocks of a
document one folder.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PRIMITIVES = ROOT / "docs" / "primitives.md"
CONFIG = ROOT / "docs" / "config.md"
MANUAL = ROOT / "docs" / "backprop.1"
WRITTEN = (ROOT / "README.md", *sorted({*(ROOT / "docs").glob("*.md")} - {PRIMITIVES, CONFIG}))
DOCUMENTS = tuple(path for path in WRITTEN if "```console\n" in path.read_text("utf-8"))
"""What shows commands and is written by hand."""

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = "\x1e"


class Step(NamedTuple):
    """A command of a document and what stands below it."""

    lines: list[str]
    shown: str

    @property
    def command(self) -> str:
        """The text for the shell."""
        return "\n".join(line[2:] for line in self.lines)


class Block(NamedTuple):
    """A console block: its commands, and where its text is in the document."""

    steps: list[Step]
    start: int
    end: int

    def text(self, outputs: Sequence[str]) -> str:
        """Return the block's inside with these outputs, where they differ from what is shown."""
        parts = []
        for step, printed in zip(self.steps, outputs, strict=True):
            parts += [f"{line}\n" for line in step.lines]
            parts.append(step.shown if matches(step.shown, printed) else printed)
        return "".join(parts)


def blocks_of(text: str) -> list[Block]:
    """Return the console blocks of a document."""
    blocks = []
    for match in _BLOCK.finditer(text):
        steps: list[Step] = []
        for line in match[1].splitlines():
            if line.startswith("$ "):
                steps.append(Step([line], ""))
            elif line.startswith("> ") and not steps[-1].shown:
                steps[-1].lines.append(line)
            else:
                steps[-1] = steps[-1]._replace(shown=f"{steps[-1].shown}{line}\n")
        blocks.append(Block(steps, match.start(1), match.end(1)))
    return blocks


def matches(shown: str, printed: str) -> bool:
    """Whether an output is what a document shows, ``...`` lines standing for any lines."""
    pattern = "".join("(?:.*\n)*?" if line == "...\n" else re.escape(line) for line in shown.splitlines(True))
    return re.fullmatch(pattern, printed) is not None


def lacking(block: Block) -> str | None:
    """Return a program that a block needs and this computer does not have."""
    words = {word for step in block.steps for word in re.findall(r"\b(jq|make|cc)\b", step.command)}
    return next((word for word in sorted(words) if shutil.which(word) is None), None)


def run_block(block: Block, folder: Path, programs: str) -> list[str]:
    """Run a block's commands in one shell that finds ``programs`` first; return what each prints."""
    script = ["exec 2>&1\n"]
    for step in block.steps:
        # the status survives the mark, for `echo $?`
        script.append(f"{step.command}\n{{ s=$?; printf '{_MARK}'; (exit $s); }}\n")
    hidden = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "PYTHONIOENCODING", "MAKEFLAGS", "MAKELEVEL")
    environment = {k: v for k, v in os.environ.items() if k not in hidden}
    path = os.pathsep.join((programs, sysconfig.get_path("scripts"), os.environ["PATH"]))
    done = subprocess.run(
        ["bash", "-c", "".join(script)],
        cwd=folder,
        env=environment | {"PATH": path, "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        timeout=120,
        check=False,
    )
    *outputs, rest = done.stdout.decode().split(_MARK)
    if rest or len(outputs) != len(block.steps):
        raise RuntimeError(f"the shell stopped in\n{block.text(outputs + [rest] * len(block.steps))}")
    return [f"{text}\n" if text and not text.endswith("\n") else text for text in outputs]


def run_document(path: Path, programs: str | None = None) -> list[tuple[Block, list[str] | None]]:
    """Run a document's blocks in a folder with the sample inputs; None for one that lacks a program.

    Args:
        path: The document.
        programs: The folder of ``backprop``; by default this Python's.
    """
    programs = programs or sysconfig.get_path("scripts")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(ROOT / "sample_inputs", folder / "sample_inputs")
        blocks = blocks_of(path.read_text("utf-8"))
        return [(block, None if lacking(block) else run_block(block, folder, programs)) for block in blocks]


def with_coverage(text: str) -> str:
    """Return a document with the table of exports put in, where it has a place for it."""
    from backprop_cli.export.coverage import coverage_table

    head, mark, rest = text.partition("<!-- coverage -->\n")
    _, end, tail = rest.partition("<!-- end -->")
    return f"{head}{mark}\n{coverage_table()}\n{end}{tail}" if mark else text


def updated(path: Path) -> str:
    """Return a document with the outputs put in."""
    text = path.read_text("utf-8")
    for block, outputs in reversed(run_document(path)):
        if outputs is not None:
            text = text[: block.start] + block.text(outputs) + text[block.end :]
    return with_coverage(text)


def main() -> None:
    """Rewrite the documents in place."""
    import reference

    asked = sys.argv[1:]
    if unknown := [name for name in asked if name not in {path.name for path in DOCUMENTS}]:
        raise SystemExit(f"no page with commands: {', '.join(unknown)}")
    documents = [path for path in DOCUMENTS if not asked or path.name in asked]

    from backprop_cli.cli import manual
    from backprop_cli.cli.help import topics
    from backprop_cli.cli.main import group
    from backprop_cli.render.registry import primitives_page
    from backprop_cli.render.schema import config_page

    pages = (
        (PRIMITIVES, primitives_page()),
        (CONFIG, config_page()),
        (MANUAL, manual.page(group(), topics())),
        (reference.PAGE, reference.page()),
    )
    for path, text in [*((path, updated(path)) for path in documents), *pages]:
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            print(f"updated {path.relative_to(ROOT)}")


if __name__ == "__main__":
    sys.exit(main())
