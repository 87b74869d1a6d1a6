"""Make the pictures and pages of docs/gallery.md by the commands that stand above them there.

``python docs/gallery.py`` writes them into docs/gallery/, and those of terminal.py;
tests/test_gallery.py compares.
"""

from __future__ import annotations

import re
import shlex
import shutil
import sys
import tempfile
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

from backprop_cli.cli.main import main as backprop

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "gallery.md"
FOLDER = ROOT / "docs" / "gallery"

_BLOCK = re.compile(r"^```sh\n(.*?)^```\n\n(.*?)(?=^```|^#|\Z)", re.MULTILINE | re.DOTALL)
_PICTURE = re.compile(r"^!?\[(.+?)\]\(gallery/([\w.-]+\.(?:svg|html))\)$", re.MULTILINE)


def commands() -> list[tuple[list[str], str]]:
    """Return the words of each command of the page and the picture below it."""
    found = []
    for lines, below in _BLOCK.findall(PAGE.read_text("utf-8")):
        calls = [line for line in lines.splitlines() if line.startswith("backprop ")]
        pictures = [name for _, name in _PICTURE.findall(below)]
        if len(calls) != len(pictures):
            raise ValueError(f"{len(calls)} commands and the pictures {pictures}:\n{lines}")
        found += [(shlex.split(call)[1:], name) for call, name in zip(calls, pictures, strict=True)]
    return found


def made() -> dict[str, str]:
    """Run the commands in a folder with the sample inputs; return each picture's text."""
    texts = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(ROOT / "sample_inputs", folder / "sample_inputs")
        for words, picture in commands():
            printed = StringIO()
            with chdir(folder), redirect_stdout(StringIO()), redirect_stderr(printed):
                backprop(words)  # 3 where a descent diverges, which is what its picture is for
            # train names its picture itself
            written = words[words.index("-o") + 1] if "-o" in words else f"runs/{Path(picture).stem}/loss.svg"
            if not (folder / written).exists():
                raise ValueError(f"no picture from backprop {shlex.join(words)}\n{printed.getvalue()}")
            texts[picture] = (folder / written).read_text("utf-8")
    return texts


def write(folder: Path, texts: dict[str, str]) -> None:
    """Write the pictures of a folder, and remove what is no longer shown."""
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        if path.name not in texts:
            path.unlink()
            print(f"removed {path.relative_to(ROOT)}")
    for name, text in texts.items():
        path = folder / name
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            print(f"updated {path.relative_to(ROOT)}")


def main() -> None:
    """Write all pictures."""
    import terminal  # lies beside this file

    write(FOLDER, made())
    write(terminal.FOLDER, terminal.made())


if __name__ == "__main__":
    sys.exit(main())
