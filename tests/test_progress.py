"""What a terminal shows of a training: bytes, batches, widths, interruptions. A pipe sees nothing of it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_run import begin, contents, finish

from backprop_cli.differentiation.symbolic import process
from backprop_cli.engine.work import WATCH
from backprop_cli.training import checkpoint, loop

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")

# bars at once, and steps slow enough to be seen, however fast the machine is
PROGRAM = """
import sys, time
import backprop_cli.cli.progress as progress
progress.AFTER = progress.BEAT = 0.0
beat = progress.TrainingBar.beat
progress.TrainingBar.beat = lambda bar: (time.sleep(0.04), beat(bar))
from backprop_cli.cli.main import main
sys.exit(main(sys.argv[1:]))
"""

Sees = Callable[[str], bool]


class Seen:
    """What a terminal was sent, its exit status, and how long after the first Ctrl-C it ended."""

    def __init__(self, raw: bytes, status: int, waited: float) -> None:
        self.text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", raw.decode(errors="replace"))
        self.frames = [line for line in re.split(r"[\r\n]+", self.text) if line.strip()]
        self.status = status
        self.waited = waited


def terminal(
    *words: str, columns: int = 80, interrupt: tuple[str, ...] = (), narrow: tuple[str, int] | None = None
) -> Seen:
    """Run the tool on a terminal.

    Args:
        words: Its arguments.
        columns: The terminal's.
        interrupt: Ctrl-C is pressed where each of these is seen, one after the other.
        narrow: Where the first is seen the terminal gets so many columns.
    """
    import fcntl
    import pty
    import signal
    import struct
    import termios

    child, outer = pty.fork()
    if child == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        for name in ("COLUMNS", "NO_COLOR", "FORCE_COLOR"):
            os.environ.pop(name, None)
        os.environ["TERM"] = "xterm-256color"
        os.execv(sys.executable, [sys.executable, "-c", PROGRAM, *words])
    fcntl.ioctl(outer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    raw, pressed, left = b"", 0.0, list(interrupt)
    while True:
        try:
            part = os.read(outer, 65536)
        except OSError:  # the other end was closed
            break
        if not part:
            break
        raw += part
        if left and left[0].encode() in raw:
            del left[0]
            pressed = pressed or time.monotonic()
            os.write(outer, b"\x03")
        if narrow is not None and narrow[0].encode() in raw:
            fcntl.ioctl(outer, termios.TIOCSWINSZ, struct.pack("HHHH", 24, narrow[1], 0, 0))
            os.kill(child, signal.SIGWINCH)
            narrow = None
    _, status = os.waitpid(child, 0)
    os.close(outer)
    return Seen(raw, os.waitstatus_to_exitcode(status), time.monotonic() - pressed)


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """12,000 rows of 8 numbers, 700 KB."""
    monkeypatch.chdir(tmp_path)
    x = np.random.default_rng(0).normal(size=(12_000, 8))
    np.savetxt("t.csv", x, "%.5f", ",", header=",".join("abcdefgy"), comments="")
    Path("c.yaml").write_text("data: t.csv\nmodel: {hidden: [8]}\ntraining: {epochs: 2, batch_size: 500}\n")
    return tmp_path


@posix
@pytest.mark.parametrize("columns", [60, 140])
def test_bars_are_as_wide_as_the_terminal(table: Path, columns: int) -> None:
    seen = terminal("train", "c.yaml", columns=columns)
    assert seen.status == 0
    reading = [frame for frame in seen.frames if frame.startswith("reading t.csv")]
    training = [frame for frame in seen.frames if re.match(r"epoch \d/2", frame)]
    assert {len(frame) for frame in (*reading, *training)} == {columns}
    assert any("MB" in frame or "kB" in frame for frame in reading)
    first = [frame for frame in training if frame.startswith("epoch 1/2 ")]
    assert len({re.search(r"loss [\d.]+", frame)[0] for frame in first if "loss" in frame}) > 1  # by batches
    assert any("measuring" in frame for frame in training)
    assert any(re.search(r"\d\d:\d\d", frame) for frame in training)  # what is left
    assert columns < 140 or any("val_" in frame for frame in training)
    assert "\nset  " in seen.text  # the summary stands below


@posix
def test_the_bar_follows_the_terminal(table: Path) -> None:
    seen = terminal("train", "c.yaml", columns=120, narrow=("epoch 2/2", 70))
    widths = [len(frame) for frame in seen.frames if re.match(r"epoch \d/2", frame)]
    assert (widths[0], widths[-1]) == (120, 70)


def test_a_pipe_sees_no_bar(table: Path, run: Any) -> None:
    done = run("train", "c.yaml", "training.epochs=1").answered()
    assert not re.search("[\r\x1b━]|reading", done.err + done.out)


@posix
@pytest.mark.parametrize("where", ["epoch 2/", "epoch 1/900, measuring"])
def test_ctrl_c_saves_and_says_so(table: Path, where: str) -> None:
    seen = terminal("train", "c.yaml", "training.epochs=900", interrupt=(where,))
    assert seen.status == 130
    assert "saving; again to stop at once" in seen.text
    assert "interrupted after update " in seen.text
    (name,) = [name for name in os.listdir("runs/c/checkpoints") if "update" in name]
    _, facts = checkpoint.load(f"runs/c/checkpoints/{name}")
    assert facts["training"]["progress"]["step"] > 0


@posix
def test_ctrl_c_while_reading_ends(table: Path) -> None:
    seen = terminal("train", "c.yaml", interrupt=("reading t.csv",))
    assert seen.status == 130
    assert not Path("runs").exists()


@posix
def test_ctrl_c_twice_ends_at_once_and_what_is_saved_loads(table: Path) -> None:
    wide = ("training.epochs=9", "model.hidden=[600,600]", "data.validation_split=0.9", "checkpoint.every=1")
    seen = terminal("train", "c.yaml", *wide, interrupt=("epoch 3/", "saving; again"))
    assert seen.status == 130
    kept = os.listdir("runs/c/checkpoints")
    for name in kept:
        checkpoint.load(f"runs/c/checkpoints/{name}")
    if "stopped at once" in seen.text:
        assert "--resume goes on from runs/c/checkpoints/epoch-000" in seen.text.replace("\r\n", "")


@pytest.mark.parametrize("asked", range(1, 12, 2))
def test_a_run_stopped_while_rows_are_measured_goes_on_to_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: int
) -> None:
    """Between blocks of validation rows, of those that alarms look at, and of those measured at the end."""
    monkeypatch.chdir(tmp_path)
    sections = {
        "data": {"dataset": "blobs", "samples": 5000, "validation_split": 0.5},
        "model": {"hidden": [3]},
        "training": {"epochs": 2, "batch_size": 1250, "metrics": ["accuracy"]},
        "name": "run",
    }
    finish(begin(sections, "output.dir=whole"))
    monkeypatch.setattr(loop, "PATIENCE", -1.0)
    run = begin(sections)
    count = 0

    def stop() -> bool:
        """Stop at the n-th time that it is asked amid rows that are measured."""
        nonlocal count
        progress = run.training.progress
        amid = progress.row == len(run.training.train) or (progress.row == 0 and progress.epoch > 0)
        count += amid and sys._getframe(1).f_code.co_name == "between"
        return count >= asked

    assert len([*run.steps(stop)]) <= 2
    run.close()
    assert run.training.interrupted
    assert not Path("runs/run/model.safetensors").exists()
    finish(begin(sections, resume=True))
    assert contents("runs/run") == contents("whole") | {
        "config.yaml": Path("runs/run/config.yaml").read_bytes()
    }
    assert json.loads(Path("runs/run/metrics.jsonl").read_text().splitlines()[-1])["epoch"] == 2


@posix
def test_long_work_is_told_of_in_a_line_that_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("class.csv").write_text("student,dL/da\n" + "".join(f"s{k},{k % 5}\n" for k in range(300)), "utf-8")
    Path("layer.py").write_text(
        "def forward(x):\n    return (x**2).sum()\n\ndef backward(x):\n    return 2*x\n", "utf-8"
    )
    for words, says in (
        (("check", "L = a*b", "--a", "2", "--b", "3", "--claims", "class.csv"), r"judging sheet \d+ of 300$"),
        (
            ("check", "+".join(f"x{k}^2" for k in range(40)), "--gradcheck", *at_ones(40)),
            "checking slope 40 of 40",
        ),
        (
            ("check", "--function", "layer.py:forward,backward", "--shapes", "20x5"),
            r"moving x, entry \d+ of 100",
        ),
    ):
        seen = terminal(*words)
        assert any(re.match(says, frame.rstrip()) for frame in seen.frames), seen.frames[:5]
        assert not re.search(says.rstrip("$"), seen.frames[-1])
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *words], capture_output=True, text=True, check=False
        )
        assert done.returncode == seen.status
        assert not re.search(says.rstrip("$"), done.stderr)


def at_ones(count: int) -> list[str]:
    return [word for k in range(count) for word in (f"--x{k}", "1")]


def test_who_waits_for_sympy_hears_of_the_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[tuple[str, int, int | None]] = []
    answers = iter([False, False, True])
    monkeypatch.setattr(process, "_ready", lambda *_: next(answers))
    monkeypatch.setattr(process, "SLOW", -1.0)
    token = WATCH.set(lambda *told: heard.append(told))
    try:
        assert process._waited(None, 20.0)
    finally:
        WATCH.reset(token)
    assert heard == [("SymPy differentiates, second", 1, 20)] * 3 + [("", 0, None)]
