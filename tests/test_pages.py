"""The pages together: each is in the index, links lead to headings, words and comparisons are true."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Result

ROOT = Path(__file__).resolve().parent.parent
PAGES = {path.name: path.read_text("utf-8") for path in sorted((ROOT / "docs").glob("*.md"))}
ROW = re.compile(r"^\| (.+?) \| (.+) \|$", re.MULTILINE)


def slugs(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub and GitLab make them."""
    outside = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", outside, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_is_in_the_index_once_under_its_title() -> None:
    listed = re.findall(r"^- \[(.+?)\]\((.+?)\)", PAGES["index.md"], re.MULTILINE)
    titles = [(text.partition("\n")[0].removeprefix("# "), name) for name, text in PAGES.items()]
    assert sorted(listed) == sorted(pair for pair in titles if pair[1] != "index.md")


def test_links_to_a_part_of_a_page_find_it() -> None:
    pages = {f"docs/{name}": text for name, text in PAGES.items()}
    for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md"):
        pages[name] = (ROOT / name).read_text("utf-8")
    lost = []
    for name, text in pages.items():
        for page, part in re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", text):
            target = (ROOT / name).parent / page if page else ROOT / name
            if target.suffix == ".md" and part not in slugs(target.read_text("utf-8")):
                lost.append(f"{name}: {page}#{part}")
    assert lost == []


def test_words_of_the_glossary_are_on_the_pages_it_names() -> None:
    rows = [row for row in ROW.findall(PAGES["glossary.md"]) if row[0] not in ("word", "---")]
    assert len(rows) > 50
    for word, meaning in rows:
        (page,) = re.findall(r"\]\(([\w.-]+)[^)]*\)$", meaning)
        for name in (word, *re.findall(r"\*\*(.+?)\*\*", meaning)):
            assert re.search(rf"\b{re.escape(name)}", PAGES[page], re.IGNORECASE), f"{name}: {page}"


SECTIONS = {
    "micrograd": "--file sample_inputs/two_paths.bp",
    "PyTorch": "'L = norm(A@x - b)^2' --A [[1,2],[3,4]] --x [1,-1] --b [1,0]",
    "SymPy": "x^2*sin(x)",
}


@pytest.mark.parametrize("section", SECTIONS)
def test_what_comparisons_say_to_type_runs(
    run: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, section: str
) -> None:
    shutil.copytree(ROOT / "sample_inputs", tmp_path / "sample_inputs")
    shutil.copy(ROOT / "sample_inputs" / "xor.yaml", tmp_path / "config.yaml")
    monkeypatch.chdir(tmp_path)
    _, _, rest = PAGES["coming-from.md"].partition(f"\n## {section}\n")
    rows = ROW.findall(rest.partition("\n## ")[0])
    commands = [words for _, cell in rows for words in re.findall(r"`backprop (.+?)`", cell)]
    commands = [words for words in commands if "FILE" not in words]
    assert len(commands) >= 2
    for words in commands:
        run(*shlex.split(words.replace('"..."', SECTIONS[section]))).answered()
