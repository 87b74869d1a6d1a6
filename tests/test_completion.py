"""Completion, in the shells themselves: what appears at the prompt when TAB is pressed."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backprop_cli.cli.commands import COMMANDS
from backprop_cli.cli.main import group
from backprop_cli.cli.proposals import answer

STARTS = {
    "bash": ("bash --norc --noprofile -i", "source <(backprop completion bash); PS1='ready> '"),
    "zsh": (
        "zsh -f -i",
        "autoload -U compinit; compinit -u -D; source <(backprop completion zsh); PS1='ready> '",
    ),
    "fish": (
        "fish --no-config -i",
        "backprop completion fish | source; function fish_prompt; echo -n 'ready> '; end",
    ),
}


class Prompt:
    """A shell in a terminal of its own."""

    def __init__(self, shell: str, folder: Path) -> None:
        self.shell = shell
        command, begin = STARTS[shell]
        words = command.split()
        self.process, self.terminal = pty.fork()
        if not self.process:
            os.chdir(folder)
            path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
            env = {
                "PATH": path,
                "HOME": str(folder),
                "TERM": "xterm",
                "LANG": "C.UTF-8",
            }
            os.execvpe(words[0], words, env)
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
        self.send(begin + "\r")
        self.wait("ready> ", 30)

    def send(self, keys: str) -> None:
        os.write(self.terminal, keys.encode())

    def read(self, seconds: float) -> str:
        """Return what appears until nothing has for some time."""
        found = b""
        while select.select([self.terminal], [], [], seconds)[0]:
            try:
                found += os.read(self.terminal, 65536)
            except OSError:
                break
        return re.sub(
            r"\x07|\x1b\[[0-9;?]*[A-Za-z]|\x1b[()=>][0-9A-B]?", "", found.decode("utf-8", "replace")
        )

    def wait(self, text: str, seconds: float) -> str:
        """Read until a text has appeared."""
        shown, until = "", time.monotonic() + seconds
        while text not in shown and time.monotonic() < until:
            shown += self.read(0.1)
        return shown

    def close(self) -> None:
        os.close(self.terminal)
        os.waitpid(self.process, 0)


@pytest.fixture(params=list(STARTS))
def prompt(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Prompt]:
    if not shutil.which(request.param):
        pytest.skip(f"there is no {request.param} here")
    (tmp_path / "rows_of_mine.bp").write_text("a = 3\na*b\n")
    found = Prompt(request.param, tmp_path)
    yield found
    found.close()


def test_shells_complete(prompt: Prompt) -> None:
    for typed, appears in (
        ("backprop comple", "completion"),
        ("backprop grad x --format js", "json"),
        ("backprop grad 'aa*bb' --b", "--bb"),
        ("backprop descend x --optimizer rms", "rmsprop"),
        ("backprop config init spir", "spirals"),
        ("backprop help exit-", "exit-codes"),
        ("backprop grad --file rows_", "rows_of_mine.bp"),
        ("backprop export --to=jav", "--to=javascript"),
    ):
        prompt.send(typed + "\t")
        assert appears in prompt.wait(appears, 20).replace("\r", ""), typed
        prompt.send("\x03")
        prompt.wait("ready> ", 10)


def test_shells_say_what_words_are_about(prompt: Prompt) -> None:
    prompt.send("backprop grap\x08\t\t")
    shown = prompt.wait("graph", 20)
    assert "grad" in shown
    if prompt.shell != "bash":  # which shows words alone
        assert COMMANDS["graph"].split(",")[0] in shown
        assert COMMANDS["graph"].split()[-1] in shown  # behind the commas, too


def proposed(line: str, shell: str = "bash") -> list[str]:
    rows = [row.split("\t") for row in answer(group(), shell, {"COMP_LINE": line}).splitlines()]
    return ["files" if kind == "files" else text for kind, text, _ in rows]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("backprop gr", ["grad", "graph"]),
        ("backprop config ", ["init", "validate", "show", "schema"]),
        ("backprop grad --method comp", ["complex-step"]),
        ("backprop grad --method=comp", ["complex-step"]),  # bash replaces what is behind the sign
        ('backprop grad "a*b + W@x" --a 3 --W [[1]] --', ["--b", "--x"]),
        ('backprop grad "f(u) = u^2; f(t) + pi" --', ["--t"]),
        ('backprop grad "a*b" --digits 3 b=2 ', ["a="]),
        ("backprop explain 'x*y' --wrt x,", ["x,x", "x,y"]),
        ("backprop grad --file nowhere.bp --n", []),
        ("backprop grad 'x*", []),
        ("backprop graph x", ["files"]),
        ("backprop train ", ["files"]),
        ("backprop ops sig", ["sign", "sigmoid"]),
        ("backprop nothing ", []),
        ("backprop completion ", ["bash", "zsh", "fish"]),
        ("backprop eval 'x' --points ", ["files"]),
        ("backprop eval 'x' --digits ", []),
    ],
)
def test_words_are_proposed(line: str, words: list[str]) -> None:
    found = proposed(line)
    assert found[: len(words)] == words
    assert line.endswith("--") or len(found) == len(words)


def test_every_option_is_proposed_with_what_it_is_for() -> None:
    import click

    commands = group()
    ctx = click.Context(commands)
    for name in COMMANDS:
        command = commands.get_command(ctx, name)
        assert command is not None
        if isinstance(command, click.Group):
            continue
        rows = answer(commands, "zsh", {"COMP_WORDS": f"backprop\x1f{name}\x1f-"}).splitlines()
        about = {row.split("\t")[1]: row.split("\t")[2] for row in rows}
        for option in command.params:
            if isinstance(option, click.Option):
                assert all(about[opt] == " ".join((option.help or "").split()) for opt in option.opts)


def test_nothing_is_said_while_completing() -> None:
    for line in (
        "backprop grad --file",
        "backprop grad '",
        "backprop grad --wrt ",
        "backprop train x.yaml --",
    ):
        done = subprocess.run(
            [Path(sys.executable).parent / "backprop"],
            env={**os.environ, "COMP_LINE": line, "_BACKPROP_COMPLETE": "bash"},
            capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        assert done.stderr == ""
