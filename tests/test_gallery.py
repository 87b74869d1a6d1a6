"""The gallery shows what its commands draw now."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from conftest import script

ROOT = Path(__file__).resolve().parent.parent


gallery = script("gallery")


@pytest.fixture(scope="module")
def made(run):  # `run` sets this process up for commands
    return gallery.made()


def test_pictures_are_what_the_commands_draw(made):
    shown = {path.name: path.read_text("utf-8") for path in gallery.FOLDER.iterdir()}
    assert sorted(made) == sorted(shown), "python docs/gallery.py makes them"
    assert [name for name in made if made[name] != shown[name]] == [], "python docs/gallery.py makes them"


@pytest.mark.skipif(sys.platform == "win32", reason="there is no pty")
def test_terminals_show_what_the_commands_print(warm_program):
    terminal = script("terminal")
    made = terminal.made([str(warm_program)])
    shown = {path.name: path.read_text("utf-8") for path in terminal.FOLDER.iterdir()}
    assert sorted(made) == sorted(shown), "python docs/gallery.py makes them"
    assert [name for name in made if made[name] != shown[name]] == [], "python docs/gallery.py makes them"
    pages = "".join(path.read_text("utf-8") for path in (ROOT / "docs").glob("*.md"))
    assert [name for name in shown if f"](terminal/{name})" not in pages] == []
    for text in shown.values():
        ElementTree.fromstring(text)


def test_pictures_say_what_they_show(made):
    for name, text in made.items():
        if name.endswith(".html"):
            continue
        root = ElementTree.fromstring(text)
        assert root.get("viewBox"), name
        texts = {e.tag.rpartition("}")[2]: e.text for e in root.iter() if e.text and e.text.strip()}
        assert texts.get("title"), name
        assert not re.search(r"\bnan\b|\binf\b", text), name


def test_every_sample_program_has_its_graph():
    commands = [" ".join(words) for words, _ in gallery.commands()]
    for path in (ROOT / "sample_inputs").glob("*.bp"):
        assert f"graph --file sample_inputs/{path.name} -o {path.stem}.svg" in commands
