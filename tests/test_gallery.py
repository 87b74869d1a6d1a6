"""The gallery shows what its commands draw now."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parent.parent

_spec = importlib.util.spec_from_file_location("gallery", ROOT / "docs" / "gallery.py")
assert _spec is not None
assert _spec.loader is not None
gallery = importlib.util.module_from_spec(_spec)
sys.modules["gallery"] = gallery
_spec.loader.exec_module(gallery)


@pytest.fixture(scope="module")
def made(run):  # `run` sets this process up for commands
    return gallery.made()


def test_pictures_are_what_the_commands_draw(made):
    shown = {path.name: path.read_text("utf-8") for path in gallery.FOLDER.iterdir()}
    assert sorted(made) == sorted(shown), "python docs/gallery.py makes them"
    assert [name for name in made if made[name] != shown[name]] == [], "python docs/gallery.py makes them"


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
