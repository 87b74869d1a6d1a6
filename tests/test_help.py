"""What a user reads first: the help of every command, its examples, the manual page."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backprop_cli.cli import manual
from backprop_cli.cli.commands import COMMANDS, EXAMPLES, GROUPS, MORE
from backprop_cli.cli.help import topics
from backprop_cli.cli.main import group

ROOT = Path(__file__).parent.parent

Run = Callable[..., Any]


def test_the_first_help_fits_a_screen(run: Run) -> None:
    lines = run("--help").answered().out.splitlines()
    assert len(lines) <= 50
    assert max(map(len, lines)) <= 72
    assert all(len(about) <= 55 and not about.endswith(".") for about in COMMANDS.values())
    assert [line[:-1] for line in lines if re.fullmatch(r"\w+:", line)][2:] == list(GROUPS)


@pytest.mark.parametrize("name", [*COMMANDS, *(n for n in EXAMPLES if " " in n)])
def test_examples_come_first_a_line_each(run: Run, name: str) -> None:
    out = run(*name.split(), "--help").answered().out
    _, _, rest = out.partition("\nExamples:\n")
    for example in EXAMPLES[name]:
        line, _, rest = rest.partition("\n")
        assert line == f"  {example}"
    sections = re.findall(r"^(\w+):$", out, re.MULTILINE)
    assert sections == [s for s in ("Examples", "Options", "Input", "Output", "Commands") if s in sections]
    if name in MORE:
        topic, page = MORE[name]
        assert topic in topics()
        assert (ROOT / "docs" / f"{page}.md").exists()
        assert out.rstrip().endswith(f"docs/{page}.md")


def test_examples_run(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One after the other in one folder, as somebody would try them."""
    monkeypatch.chdir(tmp_path)
    Path("rows.csv").write_text("area,price\n" + "".join(f"{k},{3 * k + k % 3}\n" for k in range(1, 41)))
    Path("new.csv").write_text(
        "sepal_length,sepal_width,petal_length,petal_width\n5.1,3.5,1.4,0.2\n6.7,3.1,4.7,1.5\n"
    )
    for name, examples in EXAMPLES.items():
        for example in examples:
            command, _, into = example.partition(" > ")
            command, _, source = command.partition(" < ")
            words = shlex.split(command)[1:]
            if words[:2] == ["config", "init"] and "-o" in words:  # another example has written it
                Path(words[-1]).unlink(missing_ok=True)
            done = run(*words, stdin=Path(source).read_text() if source else None)
            assert done.status == (1 if "claim" in example else 3 if "|x|" in example else 0), (
                name,
                example,
                done.err,
            )
            assert done.out or "-o" in words
            if into:
                Path(into).write_text(done.out)


def test_choices_are_answered_with_the_nearest(run: Run) -> None:
    error = run("grad", "x", "--format", "jsn").refused(2).err
    assert "--format has no jsn: it takes table, json, csv" in error
    assert "hint: did you mean json?" in error
    assert "did you mean zsh?" in run("completion", "zhs").refused(2).err
    assert "no such option: --metod" in run("grad", "x", "--metod").refused(2, "did you mean --method?").err
    assert "--zeta is no option, and a variable needs a value" in run("grad", "x", "--zeta").refused(2).err


def test_the_manual_page_is_current() -> None:
    text = (ROOT / "docs" / "backprop.1").read_text("utf-8")
    assert text == manual.page(group(), topics()), "python docs/update.py writes it"


@pytest.mark.skipif(not shutil.which("groff"), reason="there is no groff here")
def test_the_manual_page_is_roff() -> None:
    command = ["groff", "-man", "-Tutf8", "-ww", "-P-c", "docs/backprop.1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    shown = re.sub(r".\x08", "", done.stdout).replace("‐", "-").replace("−", "-")
    for name in COMMANDS:
        assert f"backprop {name}" in shown
    assert "NO_COLOR" in shown
