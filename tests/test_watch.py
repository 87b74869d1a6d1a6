"""``--watch``: the answer is given anew whenever a file changes."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from backprop_cli.cli import watch


@pytest.fixture
def writes(monkeypatch):
    """Return a function that says what is written each time that is waited; after the last comes Ctrl-C."""

    def these(*changes):
        left = iter(changes)

        def wait(files, before):
            try:
                file, text = next(left)
            except StopIteration:
                raise KeyboardInterrupt from None
            assert file in files
            Path(file).write_text(text, "utf-8")

        monkeypatch.setattr(watch, "wait", wait)

    return these


def test_an_answer_is_given_again_and_an_error_does_not_end_it(run, writes, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("p.bp").write_text("a*2", "utf-8")
    writes(("p.bp", "a*(3"), ("p.bp", "a*5"))
    done = run("grad", "--file", "p.bp", "--a", "2", "--format", "value", "--watch")
    assert done.status == 130
    assert done.out == "2.0\n5.0\n"
    assert "p.bp:1:3: this '(' is not closed" in done.err
    assert done.err.count("note: watching p.bp; Ctrl-C ends") == 3
    assert "\x1b" not in done.out


@pytest.mark.parametrize(
    ("words", "first", "then"),
    [
        (("explain", "--file", "p.bp", "-o", "out.json"), "x^2", "x^3"),
        (("graph", "--file", "p.bp", "--x", "2", "-o", "out.svg"), "x^2", "x^3"),
        (("plot", "--file", "p.bp", "--x", "-1:1", "-o", "out.svg"), "x^2", "x^3"),
        (("page", "--file", "p.bp", "--x", "1", "-o", "out.html"), "x^2", "x^3"),
        (("grad", "x^2", "--points", "p.bp", "-o", "out.csv"), "x\n1\n", "x\n7\n"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_file_is_written_anew(run, writes, tmp_path, monkeypatch, words, first, then) -> None:
    monkeypatch.chdir(tmp_path)
    Path("p.bp").write_text(then, "utf-8")
    assert run(*words).status == 0
    expected = Path(words[-1]).read_bytes()
    Path("p.bp").write_text(first, "utf-8")
    writes(("p.bp", then))
    assert run(*words, "-q", "--watch").status == 130
    assert Path(words[-1]).read_bytes() == expected


def test_configs_and_files_of_values_are_watched(run, writes, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.csv").write_text("1,2\n", "utf-8")
    writes(("a.csv", "3,4\n"))
    assert run("grad", "sum(x)", "--x", "a.csv", "--watch").out.count("sum(x)") >= 2
    config = (Path(__file__).parent.parent / "sample_inputs" / "hand.yaml").read_text("utf-8")
    Path("hand.yaml").write_text(config, "utf-8")
    writes(("hand.yaml", config))
    assert run("graph", "hand.yaml", "--watch").status == 130


def test_without_a_file_there_is_nothing_to_wait_for(run) -> None:
    done = run("grad", "a*b", "--a", "1", "--b", "2", "--watch")
    assert (done.status, done.out) == (2, "")
    assert "--watch waits for a file to change, and none is read" in done.err


def test_a_change_is_seen_once_the_file_rests(tmp_path) -> None:
    file = tmp_path / "p.bp"
    file.write_text("a", "utf-8")
    before = [watch.state(str(file))]

    def write() -> None:
        time.sleep(0.3)
        file.unlink()
        time.sleep(0.3)
        file.write_text("a*b", "utf-8")

    writer = threading.Thread(target=write)
    writer.start()
    watch.wait([str(file)], before)
    writer.join()
    assert file.read_text("utf-8") == "a*b"


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_ctrl_c_ends_it_with_its_status(tmp_path) -> None:
    (tmp_path / "p.bp").write_text("a*2", "utf-8")
    words = [sys.executable, "-m", "backprop_cli", "grad", "--file", "p.bp", "--a", "1", "--watch"]
    process = subprocess.Popen(
        [*words, "--method", "reverse"], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert process.stderr is not None
    assert "watching p.bp" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    rest = process.stderr.read()
    assert (process.wait(timeout=20), rest) == (130, "")
    process.stderr.close()
