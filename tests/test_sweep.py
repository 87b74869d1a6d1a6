"""Sweeps: what is asked, what is refused before anything trains, each run by itself, and which is best."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Result

from backprop_cli.api.sweep import Sweeping, sweep
from backprop_cli.api.training import train
from backprop_cli.api.trials import Ended, Task, Written, train_all
from backprop_cli.errors import BackpropError, UsageError
from backprop_cli.training import checkpoint
from backprop_cli.training.comparison import RunFacts
from backprop_cli.training.sweeping import Combination, axis, combined, judge, trials

Run = Callable[..., Result]

CONFIG = """
data: {dataset: iris, scaling: standard, validation_split: 0.2, test_split: 0.2}
model: {hidden: [4]}
optimizer: {type: adam, learning_rate: 0.01}
training: {epochs: 3, metrics: [accuracy]}
"""


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text(CONFIG)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("k=1,2,3", ["1", "2", "3"]),
        ("k=0.1", ["0.1"]),
        ("k=[8],[16, 16]", ["[8]", "[16, 16]"]),
        ("k={type: sgd, momentum: 0.9},adam", ["{type: sgd, momentum: 0.9}", "adam"]),
        ("k=log(a, 2),'b,c'", ["log(a, 2)", "'b,c'"]),
        ("k=0:1:5", ["0", "0.25", "0.5", "0.75", "1"]),
        ("k=1:5:5", ["1", "2", "3", "4", "5"]),
        ("k=1e-4:1e-1:log4", ["1e-4", "0.001", "0.01", "1e-1"]),
        ("k=8:128:log5", ["8", "16", "32", "64", "128"]),
        ("k=1:0.01:log3", ["1", "0.1", "0.01"]),
        ("k=1:2:log3", ["1", "1.414", "2"]),
        ("k=0:1:4", ["0", "0.333333333333", "0.666666666667", "1"]),
    ],
)
def test_values(text: str, values: list[str]) -> None:
    assert list(axis(text).values) == values


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("k", "no KEY=VALUES"),
        ("k=", "no KEY=VALUES"),
        ("=1,2", "no KEY=VALUES"),
        ("k=1,,2", "missing"),
        ("k=1,2,1", "twice"),
        ("k=0:1:log3", "above 0"),
        ("k=-1:1:log3", "above 0"),
        ("k=1:1:3", "two different ends"),
        ("k=0:1:1", "at least 2"),
        ("k=0:1:2000", "more than 1,000"),
        ("k=1:1.0001:log9", "too narrow"),
        ("k=a:b:3", "no range of numbers"),
        ("output.dir=a,b", "folder of its own"),
    ],
)
def test_what_is_no_axis(text: str, word: str) -> None:
    with pytest.raises(UsageError, match=word):
        axis(text)


def test_combinations_and_their_limit() -> None:
    both = trials([axis("a=1,2"), axis("b=x,y")])
    assert [t.settings for t in both] == [("a=1", "b=x"), ("a=1", "b=y"), ("a=2", "b=x"), ("a=2", "b=y")]
    with pytest.raises(UsageError, match="given twice"):
        trials([axis("a=1"), axis("a=2")])
    with pytest.raises(UsageError, match="1,000,000 runs"):
        trials([axis("a=0:1:1000"), axis("b=0:1:1000")])


def test_all_faults_at_once_and_nothing_trained(run: Run) -> None:
    result = run("train", "a.yaml", "--sweep", "optimizer.lr=0.1,x", "--sweep", "training.epochs=1:2:3")
    assert (result.status, result.out) == (2, "")
    assert result.err.count("backprop: error: ") == 2
    assert 'learning_rate must be a number, not the text "x"' in result.err
    assert "training.epochs must be a whole number, not 1.5" in result.err
    layers = 'model.layers=[{"type": "linear", "units": 2}],[linear]'  # but there are three classes
    result = run("train", "a.yaml", "model.hidden=null", "--sweep", layers)
    assert result.status == 2
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--sweep", "seed=1,2", "seed=3"], "given twice"),
        (["--sweep", "seed=1,2", "--force"], "--force is for one run"),
        (["--sweep", "seed=1,2", "--check-gradients"], "--check-gradients is for one run"),
        (["--jobs", "2"], "--jobs is for the runs of --sweep"),
        (["--sweep", "seed=1,2", "--resume"], "no sweep to go on with"),
        (["--sweep", "loss=cross_entropy,hinge", "training.metrics=[]"], "cannot be compared"),
        (["-o", "a.svg"], "is for --sweep"),
    ],
)
def test_what_does_not_go_together(run: Run, words: list[str], told: str) -> None:
    run("train", "a.yaml", *words).refused(2, told)


def test_rows_from_stdin_are_read_once(run: Run) -> None:
    Path("b.yaml").write_text("data: {path: '-', target: y}\nmodel: {hidden: []}\n")
    run("train", "b.yaml", "--sweep", "seed=1,2").refused(2, "stdin can be read once")
    run("train", "-", "--sweep", "seed=1,2", stdin=CONFIG).refused(2, "stdin can be read once")
    folded = CONFIG.replace("validation_split: 0.2", "folds: 3")
    run("train", "-", stdin=folded).refused(2, "stdin can be read once")
    run("train", "-", "--dry-run", stdin=folded).refused(2, "stdin can be read once")


def test_a_table_is_named_with_its_target_in_the_commands() -> None:
    """Each printed command trains what the run trained, of a file of rows as well."""
    written = Written("my rows.csv", "model: {hidden: [2]}", ".", "rows", "kind of")
    assert written.words == ["my rows.csv", "--target", "kind of"]
    assert Written("a.yaml").words == ["a.yaml"]


def test_each_run_is_the_one_its_command_makes() -> None:
    found = sweep("a.yaml", over={"optimizer.learning_rate": "0.001,0.1", "regularization.l2": "0,0.1"})
    assert [r.folder for r in found.runs] == [os.path.join("runs", "a", str(i)) for i in (1, 2, 3, 4)]
    best = found.swept.verdict.best
    assert best is not None
    words = found.swept.alone[best].split()
    assert words[:3] == ["backprop", "train", "a.yaml"]
    alone = train("a.yaml", *words[3:], "output.dir=alone")
    arrays = [checkpoint.load(f"{f}/model.safetensors")[0] for f in (found.runs[best].folder, "alone")]
    assert {n: a.tobytes() for n, a in arrays[0].items()} == {n: a.tobytes() for n, a in arrays[1].items()}
    assert found.runs[best].measures == alone.results["validation"]
    assert found.best is not None
    assert found.best.means == alone.results
    chosen = max(found.runs, key=lambda r: (r.measures["accuracy"], -r.measures["loss"]))
    assert found.best.runs == [chosen]


def test_the_numbers_do_not_depend_on_the_jobs(run: Run) -> None:
    words = ["train", "a.yaml", "--sweep", "seed=1:3:3", "--format", "json", "-q"]
    one = run(*words).answered().json
    two = run(*words, "--jobs", "2").answered().json
    assert (one["folder"], two["folder"]) == (os.path.join("runs", "a"), os.path.join("runs", "a-2"))

    def numbers(report: Any) -> Any:
        return [(r["state"], r["measures"], r["differs"], r["command"]) for r in report["runs"]]

    assert numbers(one) == numbers(two)
    assert one["best"] == two["best"]
    assert len(one["notes"]) == 1  # the seed splits the rows, too
    assert one["notes"][0].startswith("the runs are judged on different rows")
    for i in (1, 2, 3):
        logs = [Path("runs", a, str(i), "metrics.jsonl").read_text() for a in ("a", "a-2")]
        assert logs[0] == logs[1]


def test_a_sweep_is_never_written_over(run: Run) -> None:
    run("train", "a.yaml", "--sweep", "seed=1,2", "-q").answered()
    before = {p: p.read_bytes() for p in Path("runs/a").rglob("*") if p.is_file()}
    assert "runs/a holds a sweep" in run("train", "a.yaml").answered().err.replace(os.sep, "/")
    run("train", "a.yaml", "--force").refused(4, "of a sweep")
    run("predict", "runs/a", "a.yaml").refused(2, "several runs, of a sweep")
    run("train", "a.yaml", "output.dir=runs/a", "--resume").refused(2, "several runs, of a sweep")
    assert before == {p: p.read_bytes() for p in Path("runs/a").rglob("*") if p.is_file()}
    listed = [line.split(",")[0] for line in run("runs", "--format", "csv").answered().out.splitlines()[1:]]
    assert [name.replace(os.sep, "/") for name in listed] == ["runs/a/1", "runs/a/2", "runs/a-2"]


def test_formats_and_the_picture(run: Run) -> None:
    words = ["train", "a.yaml", "--sweep", "optimizer.learning_rate=0.001:0.1:log3", "-q"]
    table = run(*words, "--format", "csv").answered().out.splitlines()
    assert table[0].split(",")[-2:] == ["optimizer.learning_rate", "command"]
    assert len(table) == 4
    assert run(*words, "--format", "markdown").answered().out.count("| finished ") == 3
    run(*words, "-o", "s.svg").answered()
    picture = Path("s.svg").read_text()
    assert ">optimizer.learning_rate<" in picture
    assert ">best<" in picture
    run(*words, "--format", "latex").refused(2)
    planned = run(*words, "--dry-run").answered().out.splitlines()
    assert planned == [f"optimizer.learning_rate={x}" for x in ("0.001", "0.01", "0.1")]


def test_a_run_that_diverges_does_not_end_the_others(run: Run) -> None:
    found = sweep("a.yaml", over={"optimizer": "{type: sgd, learning_rate: 1e300},adam"})
    assert [r.state for r in found.runs] == ["diverged", "finished"]
    assert found.best is not None
    assert found.best.runs == found.runs[1:]
    assert "diverged" in found.swept.faults[found.runs[0].folder]
    none = run("train", "a.yaml", "--sweep", "optimizer={type: sgd, learning_rate: 1e300}", "-q")
    assert none.status == 3
    assert "best: none" in none.out


def test_going_on_with_what_was_not_finished(run: Run) -> None:
    whole = sweep("a.yaml", "output.dir=whole", over={"seed": "1:3:3"})
    count = iter(range(100))

    def stop() -> bool:
        return next(count) > 15  # amid the second run

    part = Sweeping(Written("a.yaml"), [], [axis("seed=1:3:3")])
    for _ in part.steps(stop):
        pass
    assert [r.state for r in part.result().runs] == ["finished", "interrupted"]
    assert {*part.result().runs[1].measures} <= {"loss", "accuracy"}
    assert part.result().swept.notes[-1] == "1 of 3 runs were not begun"
    run("train", "a.yaml", "--sweep", "seed=1:4:4", "--resume").refused(2, "another config, other values")
    again = sweep("a.yaml", over={"seed": "1:3:3"}, resume=True)
    assert [r.measures for r in again.runs] == [r.measures for r in whole.runs]
    assert again.swept.folder == os.path.join("runs", "a")


@pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupt_saves_what_is_done(jobs: int) -> None:
    words = [sys.executable, "-m", "backprop_cli", "train", "a.yaml", "training.epochs=100000"]
    words += ["--sweep", "seed=1:4:4", *(["--jobs", "2"] if jobs == 2 else [])]
    begun = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not list(Path("runs/a").glob(f"{jobs}/checkpoints/*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    begun.send_signal(signal.SIGINT)
    out, err = begun.communicate(timeout=60)
    assert begun.returncode == 130, err
    assert f"interrupted: 0 of 4 runs finished; to go on: {' '.join(['backprop', *words[3:9]])}" in err
    assert out.count("interrupted") >= jobs
    saved = [list(Path(f"runs/a/{i}/checkpoints").glob("*update*")) for i in range(1, jobs + 1)]
    assert all(saved)


def test_a_process_that_is_killed_fails_its_run_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    from backprop_cli.api import trials as rooms

    def begin(self: Any, task: Task) -> None:
        tell(self, task)
        if task.number == 1:
            self.process.kill()

    tell = rooms._Worker.begin
    monkeypatch.setattr(rooms._Worker, "begin", begin)
    tasks = [Task(i, Written("a.yaml"), [f"seed={i}"], f"runs/a/{i}") for i in (1, 2, 3)]
    ended = {e.number: e for e in train_all(tasks, 2, lambda: False)}
    assert [ended[i].state for i in (1, 2, 3)] == ["failed", "finished", "finished"]
    assert ended[1].fault is not None
    assert ended[1] == Ended(1, "failed", ended[1].fault)


def test_the_best_and_why() -> None:
    def given(accuracy: float, loss: float, part: str = "validation", whole: bool = True) -> Combination:
        run = RunFacts("a", "finished", 3, part, {})
        return combined((), [run], [{part: {"loss": loss, "accuracy": accuracy}}], whole)

    found = [given(0.8, 0.5), given(0.9, 0.4), given(0.9, 0.3), given(1.0, 0.1, whole=False)]
    by_accuracy = judge(found, "accuracy", True)
    assert by_accuracy.best == 2
    assert by_accuracy.why == "validation accuracy 0.9, as 1 other has it, and the lowest loss of them"
    by_loss = judge([given(0.8, 0.5, "training"), given(0.9, 0.4, "training")], "loss", False)
    assert by_loss.best == 1
    assert by_loss.why.startswith("training loss 0.4, the lowest of 2; no rows are held out")
    assert judge([], "loss", True).best is None


def test_a_table_is_guessed_once(run: Run) -> None:
    rows = "".join(f"{i},{i % 7},{2 * i + 1}\n" for i in range(20))
    Path("t.csv").write_text(f"x,z,y\n{rows}")
    result = run("train", "t.csv", "--target", "y", "training.epochs=2", "--sweep", "seed=1,2", "--jobs", "2")
    assert result.answered().err.count("note: guessed task") <= 1
    assert "best: " in result.out


def test_the_python_door_refuses_slips() -> None:
    with pytest.raises(BackpropError):
        sweep("a.yaml", over={"seed": "1,2"}, jobs=0)
