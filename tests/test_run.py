"""The run folder: what is in it, going on after every kind of end, and what cannot be written."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ROOT

from backprop_cli.errors import CheckpointError, FileError
from backprop_cli.training import checkpoint
from backprop_cli.training import config as configs
from backprop_cli.training import model as models
from backprop_cli.training.loop import Diverged
from backprop_cli.training.problem import assemble
from backprop_cli.training.run import Run

Sections = dict[str, Any]

EVERYTHING: Sections = {
    "data": {"dataset": "blobs", "samples": 44, "noise": 4, "validation_split": 0.25},
    "model": {
        "layers": [
            {"type": "linear", "units": 6, "activation": "relu"},
            {"type": "batch_norm"},
            {"type": "dropout", "rate": 0.3},
            {"type": "linear", "units": 5, "activation": "tanh", "frozen": ["bias"]},
            {"type": "dropout", "rate": 0.2},
            {"type": "linear"},
        ]
    },
    "optimizer": {"type": "adam", "learning_rate": 0.2, "amsgrad": True},
    "schedule": {"type": "plateau", "patience": 0, "factor": 0.5, "warmup_steps": 3},
    "training": {
        "epochs": 6,
        "batch_size": 9,
        "metrics": ["accuracy", "macro_f1"],
        "gradient_clip": 0.5,
        "early_stopping": {"patience": 3},
    },
    "checkpoint": {"every": 2, "keep": 2},
    "seed": 11,
    "name": "run",
}
OTHERS: dict[str, Sections] = {
    "momentum": {"optimizer": {"type": "sgd", "learning_rate": 0.02, "momentum": 0.9, "nesterov": True}},
    "rmsprop": {"optimizer": {"type": "rmsprop", "centered": True, "momentum": 0.5}, "dtype": "float32"},
    "adadelta": {"optimizer": "adadelta", "schedule": "cosine"},
    "nadam": {"optimizer": "nadam", "schedule": {"type": "exponential", "gamma": 0.8}},
    "all rows at once": {"optimizer": "adamw", "training": {"epochs": 8, "batch_size": "full"}},
    "noise": {
        "model": {
            "noise": {"e": 2, "s": []},
            "parameters": {"W": ["outputs", 2], "b": "outputs"},
            "program": "logits = W@(x + e) + s*b",
        },
        "training": {"epochs": 4, "batch_size": 9},
    },
    "in order": {"optimizer": "adagrad", "training": {"epochs": 3, "batch_size": 10, "shuffle": False}},
}


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def begin(sections: Sections, *overrides: str, resume: bool = False, force: bool = False) -> Run:
    loaded = configs.loads(json.dumps(sections), "case.yaml", overrides)
    return Run(assemble(loaded), resume=resume, force=force)


def stop_after(run: Run, updates: int) -> Callable[[], bool]:
    return lambda: run.training.progress.step >= updates


def finish(run: Run, updates: int | None = None) -> None:
    for _ in run.steps(stop_after(run, updates) if updates is not None else lambda: False):
        pass
    run.close()


def contents(folder: str = "runs/run") -> dict[str, bytes]:
    """Every file that has to be the same."""
    names = ("model.safetensors", "best.safetensors", "metrics.jsonl", "config.yaml")
    return {n: (Path(folder) / n).read_bytes() for n in names if (Path(folder) / n).exists()}


def files(folder: str | Path = "runs/run") -> set[str]:
    return {str(p.relative_to(folder)) for p in Path(folder).rglob("*") if p.is_file()}


# --- layout ---------------------------------------------------------------------------------------


def test_layout() -> None:
    sections = {**EVERYTHING, "training": {"epochs": 7, "batch_size": 9}}
    finish(begin(sections))
    assert files() == {
        "config.yaml",
        "metrics.jsonl",
        "best.safetensors",
        "model.safetensors",
        "checkpoints/epoch-0006.safetensors",
        "checkpoints/epoch-0007.safetensors",
    }
    lines = [json.loads(line) for line in Path("runs/run/metrics.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3, 4, 5, 6, 7]
    assert list(lines[0]) == ["epoch", "loss", "val_loss", "learning_rate"]
    # the resolved config is a config, and means the same
    again = configs.load("runs/run/config.yaml")
    assert configs.resolved(again.config) | {"name": "run"} == configs.resolved(
        begin(sections).problem.config
    )


@pytest.mark.parametrize("keep", [1, 2, 3, 4, 5, 10])
def test_as_many_checkpoints_are_kept_as_asked_for(keep: int) -> None:
    training = {"epochs": 12, "batch_size": "full"}
    finish(begin({**EVERYTHING, "training": training, "checkpoint": {"every": 1, "keep": keep}}))
    newest = [f"epoch-{epoch:04d}.safetensors" for epoch in range(1, 13)][-keep:]
    assert sorted(os.listdir("runs/run/checkpoints")) == newest


def test_what_is_not_asked_for_is_not_written() -> None:
    sections = {**EVERYTHING, "checkpoint": {"every": 0, "best": False}}
    finish(begin(sections))
    assert files() == {"config.yaml", "metrics.jsonl", "model.safetensors"}


def test_the_best_is_the_best() -> None:
    sections = {**EVERYTHING, "training": {"epochs": 12, "batch_size": 9}, "schedule": None}
    run = begin(sections, "optimizer.learning_rate=0.05", "seed=3")
    snapshots, losses = [], []
    for step in run.steps():
        snapshots.append(run.training.runner.snapshot())
        losses.append(step.record.values["val_loss"])
    best = int(np.argmin(losses))
    assert 0 < best < 11  # else the data say nothing
    arrays, facts = checkpoint.load("runs/run/best.safetensors")
    assert (facts["kind"], facts["epoch"]) == ("model", best + 1)
    for name, array in snapshots[best].items():
        np.testing.assert_array_equal(arrays[name], array)
    final, _ = checkpoint.load("runs/run/model.safetensors")
    for name, array in snapshots[-1].items():
        np.testing.assert_array_equal(final[name], array)


def test_a_run_started_over_leaves_nothing_of_the_other() -> None:
    finish(begin(EVERYTHING), updates=14)
    assert len(files()) == 5
    Path("runs/run/notes.txt").write_text("what I think of it")
    run = begin(EVERYTHING, force=True)
    assert run.replaced == "unfinished"
    assert files() == {"config.yaml", "notes.txt"}
    finish(run)
    again = begin(EVERYTHING, force=True)
    assert again.replaced == "finished"
    with pytest.raises(FileError, match="another training is writing runs/run"):
        begin(EVERYTHING, force=True)


# --- folders --------------------------------------------------------------------------------------


def test_a_new_run_leaves_those_that_are_there_alone() -> None:
    """Finished, unfinished or being written: the new one is beside them."""
    finish(begin(EVERYTHING))
    kept = contents()
    second = begin(EVERYTHING)
    assert (second.folder, second.instead, second.replaced) == ("runs/run-2", "finished", None)
    third = begin(EVERYTHING)
    assert (third.folder, third.instead) == ("runs/run-3", "finished")
    finish(second, 5)
    fourth = begin(EVERYTHING, "output.dir=runs/run-2")
    assert (fourth.folder, fourth.instead) == ("runs/run-2-2", "unfinished")
    finish(third)
    assert contents() == kept
    assert contents("runs/run-3") == kept | {"config.yaml": Path("runs/run-3/config.yaml").read_bytes()}


def test_the_last_run_of_a_name_goes_on() -> None:
    """Unless a folder is named; that of another name is not taken for it."""
    finish(begin(EVERYTHING), 5)
    finish(begin(EVERYTHING), 7)
    finish(begin({**EVERYTHING, "name": "run-9"}), 6)
    assert begin(EVERYTHING, "output.dir=runs/run", resume=True).training.progress.step == 5
    last = begin(EVERYTHING, resume=True)
    assert (last.folder, last.training.progress.step) == ("runs/run-2", 7)
    with pytest.raises(FileError, match="another training is writing runs/run-2"):
        begin(EVERYTHING, resume=True)


def test_what_is_not_of_a_run_is_never_touched() -> None:
    """A config, a curve and a model of other origin in the folder that is asked for."""
    names = ("config.yaml", "loss.svg", "model.safetensors", "summary.json", "metrics.jsonl")
    for chosen in (names[:1], names[1:2], names[2:3], names):
        for name in chosen:
            Path("mine", name).parent.mkdir(exist_ok=True)
            Path("mine", name).write_text("mine")
        for force in (False, True):
            with pytest.raises(FileError, match="mine is not empty and holds no run"):
                begin(EVERYTHING, "output.dir=mine", force=force)
        assert {Path("mine", name).read_text() for name in chosen} == {"mine"}
        assert files("mine") == {*chosen}
        shutil.rmtree("mine")


TWO_AT_ONCE = """
import json, sys
from backprop_cli.training import config
from backprop_cli.training.problem import assemble
from backprop_cli.training.run import Run
run = Run(assemble(config.load("case.yaml")))
print(run.folder, flush=True)
for _ in run.steps():
    pass
"""


def test_two_at_once_never_share_a_folder() -> None:
    config_file(EVERYTHING)
    processes = [
        subprocess.Popen([sys.executable, "-c", TWO_AT_ONCE], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    folders = sorted(process.communicate()[0].strip() for process in processes)
    assert folders == ["runs/case", "runs/case-2", "runs/case-3"]
    assert [process.returncode for process in processes] == [0, 0, 0]
    models = {Path(folder, "model.safetensors").read_bytes() for folder in folders}
    assert len(models) == 1


def test_a_killed_run_lets_go_of_its_folder() -> None:
    config_file(EVERYTHING)
    code = TWO_AT_ONCE.replace(
        "for _ in", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)\nfor _ in"
    )
    killed = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=False)
    assert killed.stdout == "runs/case\n"
    loaded = configs.load("case.yaml")
    assert Run(assemble(loaded), force=True).folder == "runs/case"


# --- going on another way -------------------------------------------------------------------------


def test_more_epochs_are_those_of_a_longer_run(unbroken: Any) -> None:
    """With a constant rate and no early stopping, to the bit."""
    short = {**EVERYTHING, "schedule": None, "training": {"epochs": 4, "batch_size": 9}}
    longer = {**short, "training": {"epochs": 9, "batch_size": 9}}
    _, expected = unbroken("longer", longer)
    finish(begin(short))
    resumed = begin(short, "training.epochs=9", resume=True)
    assert resumed.changes == [(4, "training.epochs", 4, 9)]
    finish(resumed)
    assert contents() == expected
    again = begin(short, "training.epochs=10", resume=True)
    assert again.changes == [(4, "training.epochs", 4, 9), (9, "training.epochs", 9, 10)]


def test_another_rate_and_other_rows() -> None:
    plain = {**EVERYTHING, "schedule": None, "training": {"epochs": 3, "batch_size": 9}}
    finish(begin(plain))
    resumed = begin(plain, "training.epochs=5", "optimizer.learning_rate=0.05", resume=True)
    assert [values["learning_rate"] for values in (s.record.values for s in resumed.steps())] == [0.05] * 2
    resumed.close()
    others = ("training.epochs=7", "optimizer.learning_rate=0.05", "data.noise=2")
    resumed = begin(plain, *others, resume=True)
    assert [key for _, key, *_ in resumed.changes][-2:] == ["data.noise", "training.epochs"]
    finish(resumed)
    with pytest.raises(CheckpointError, match="as they were scaled"):
        begin(plain, *others, "data.scaling=standard", resume=True)


# --- going on -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def unbroken(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str, Sections], tuple[int, dict[str, bytes]]]:
    """The files and number of updates of a run that nothing broke, made once."""
    known: dict[str, tuple[int, dict[str, bytes]]] = {}

    def unbroken(name: str, sections: Sections) -> tuple[int, dict[str, bytes]]:
        if name not in known:
            before = os.getcwd()
            os.chdir(tmp_path_factory.mktemp("unbroken"))
            try:
                run = begin(sections)
                finish(run)
                known[name] = run.training.progress.step, contents()
            finally:
                os.chdir(before)
        return known[name]

    return unbroken


def test_going_on_after_any_update(unbroken: Any) -> None:
    """Dropout, batch_norm, order, clip, plateau, metrics half way through an epoch: to the bit."""
    total, expected = unbroken("everything", EVERYTHING)
    assert 8 <= total <= 24
    assert set(expected) == {"model.safetensors", "best.safetensors", "metrics.jsonl", "config.yaml"}
    for updates in range(1, total):
        first = begin(EVERYTHING, force=True)
        finish(first, updates)
        assert first.training.interrupted
        assert not os.path.exists("runs/run/model.safetensors")
        second = begin(EVERYTHING, resume=True)
        assert second.training.progress.step == updates
        finish(second)
        assert contents() == expected, f"interrupted after update {updates}"


def test_the_schedule_and_early_stopping_took_part(unbroken: Any) -> None:
    _, expected = unbroken("everything", EVERYTHING)
    log = [json.loads(line) for line in expected["metrics.jsonl"].splitlines()]
    assert len({line["learning_rate"] for line in log}) > 1
    stopping = {**EVERYTHING, "training": {**EVERYTHING["training"], "epochs": 60}}
    total, expected = unbroken("stopping", stopping)
    assert len(expected["metrics.jsonl"].splitlines()) < 60
    for updates in (total - 1, total - 5, total - 9):
        finish(begin(stopping), updates)
        finish(begin(stopping, resume=True))
        assert contents() == expected


@pytest.mark.parametrize("name", OTHERS)
def test_going_on_with_other_rules(unbroken: Any, name: str) -> None:
    sections = {**EVERYTHING, **OTHERS[name]}
    total, expected = unbroken(name, sections)
    for updates in sorted(random.Random(name).sample(range(1, total), 3)):
        finish(begin(sections), updates)
        finish(begin(sections, resume=True))
        assert contents() == expected, f"interrupted after update {updates}"


def test_going_on_again_and_again(unbroken: Any) -> None:
    total, expected = unbroken("everything", EVERYTHING)
    finish(begin(EVERYTHING), 1)
    for updates in range(2, total):
        run = begin(EVERYTHING, resume=True)
        finish(run, updates)
        assert run.training.interrupted
    finish(begin(EVERYTHING, resume=True))
    assert contents() == expected


def test_a_fit_goes_on_to_the_same_end(unbroken: Any) -> None:
    """Levenberg-Marquardt, saved after every step."""
    data = {"path": str(ROOT / "sample_inputs" / "decay.csv")}
    model = {"formula": "y ~ a*exp(-b*x) + c", "parameters": {"a": 1.0, "b": 0.1, "c": 0.0}}
    sections = {
        "data": data,
        "model": model,
        "optimizer": "levenberg_marquardt",
        "checkpoint": {"every": 1},
        "name": "run",
    }
    total, expected = unbroken("fit", sections)
    assert total > 5
    for updates in (1, 2, 4):
        finish(begin(sections, force=True), updates)
        assert not os.path.exists("runs/run/model.safetensors")
        finish(begin(sections, resume=True))
        assert contents() == expected


def test_alarms_are_raised_once_in_a_run_of_two_parts() -> None:
    dead = {"type": "linear", "units": 1, "activation": "relu", "weights": [[1.0]], "bias": [-9.0]}
    sections: Sections = {
        "data": {"inputs": [[1.0], [2.0]], "targets": [0.0, 1.0]},
        "model": {"layers": [dead, {"type": "linear"}]},
        "training": {"epochs": 12},
        "checkpoint": {"every": 2},
    }
    whole = begin(sections)
    finish(whole)
    raised = [("dead", "linear1[0]", 1), ("useless", "training rows", 12)]
    assert [(a.kind, a.where, a.epoch) for a in whole.alarms.raised] == raised
    finish(begin(sections, force=True), 7)
    resumed = begin(sections, resume=True)
    assert [step.alarms for step in resumed.steps()] == [[]] * 5
    assert resumed.alarms.raised == whole.alarms.raised


def test_an_epoch_that_is_interrupted_at_its_end_is_looked_at() -> None:
    """Its record and its alarms come before the run stops: a resumed run has no gradient of that epoch."""
    tiny = {"type": "linear", "units": 2, "activation": "sigmoid", "weights": [[50.0], [60.0]]}
    sections: Sections = {
        "data": {"inputs": [[1.0], [2.0]], "targets": [0.0, 1.0]},
        "model": {"layers": [tiny, {"type": "linear"}]},
        "training": {"epochs": 3, "batch_size": 1},
        "checkpoint": {"every": 0},
    }
    whole = begin(sections)
    finish(whole)
    stopped = begin(sections, force=True)
    (kinds,) = {a.kind for a in whole.alarms.raised if a.epoch == 1 and a.kind == "vanishing"}
    steps = list(stopped.steps(stop_after(stopped, 2)))
    assert [a.kind for step in steps for a in step.alarms if a.kind == "vanishing"] == [kinds]
    assert [step.record.epoch for step in steps] == [1]
    assert stopped.training.interrupted
    assert len(Path("runs/run/metrics.jsonl").read_text().splitlines()) == 1
    resumed = begin(sections, resume=True)
    assert [step.record.epoch for step in resumed.steps()] == [2, 3]
    assert resumed.alarms.raised == whole.alarms.raised


def test_a_finished_run_goes_on_to_the_same_end(unbroken: Any) -> None:
    _, expected = unbroken("everything", EVERYTHING)
    finish(begin(EVERYTHING))
    finish(begin(EVERYTHING, resume=True))
    assert contents() == expected


def test_a_lost_best_model_is_written_again(unbroken: Any) -> None:
    """A run killed between a checkpoint and the best model: the checkpoint has it."""
    _, expected = unbroken("everything", EVERYTHING)
    finish(begin(EVERYTHING), 14)
    os.unlink("runs/run/best.safetensors")
    finish(begin(EVERYTHING, resume=True))
    assert contents() == expected


def test_a_log_that_is_ahead_or_torn_is_cut(unbroken: Any) -> None:
    _, expected = unbroken("everything", EVERYTHING)
    finish(begin(EVERYTHING), 9)
    with open("runs/run/metrics.jsonl", "a") as log:
        log.write('{"epoch": 3, "loss": 0.1}\n{"epoch": 4, "lo')
    finish(begin(EVERYTHING, resume=True))
    assert contents() == expected


def test_a_damaged_checkpoint_is_passed_over(unbroken: Any) -> None:
    _, expected = unbroken("everything", EVERYTHING)
    finish(begin(EVERYTHING), 15)
    names = sorted(os.listdir("runs/run/checkpoints"))
    newest = Path("runs/run/checkpoints") / names[-1]
    data = bytearray(newest.read_bytes())
    data[-3] ^= 1
    newest.write_bytes(data)
    run = begin(EVERYTHING, resume=True)
    assert [newest.name in text for text in run.broken] == [True]
    assert run.resumed == os.path.join("runs/run/checkpoints", names[-2])
    finish(run)
    assert contents() == expected


def test_by_default_there_is_another_checkpoint_behind_a_damaged_one(unbroken: Any) -> None:
    sections = {**EVERYTHING, "checkpoint": {"every": 1}}
    _, expected = unbroken("by default", sections)
    finish(begin(sections), 10)
    kept = sorted(Path("runs/run/checkpoints").iterdir())
    kept[-1].write_bytes(kept[-1].read_bytes()[:-1])
    run = begin(sections, resume=True)
    assert run.resumed == str(kept[-2])
    finish(run)
    assert contents() == expected


def test_nothing_to_go_on_with() -> None:
    with pytest.raises(CheckpointError, match="runs/run has no checkpoint to resume from"):
        begin(EVERYTHING, resume=True)
    assert not os.path.exists("runs")
    finish(begin(EVERYTHING), 1)
    for name in os.listdir("runs/run/checkpoints"):
        Path("runs/run/checkpoints", name).write_bytes(b"nothing")
    with pytest.raises(
        CheckpointError, match=r"has no checkpoint to resume from: .*epoch-0000-update-000001"
    ):
        begin(EVERYTHING, resume=True)


DIFFERENCES = [
    ("seed=12", "seed was 11, is 12"),
    ("training.batch_size=10", "training.batch_size was 9, is 10"),
    ("optimizer.amsgrad=false", "optimizer.amsgrad was true, is false"),
    ("dtype=float32", 'dtype was "float64", is "float32"'),
]


@pytest.mark.parametrize(("override", "says"), DIFFERENCES)
def test_another_config_is_refused_by_name(override: str, says: str) -> None:
    finish(begin(EVERYTHING), 9)
    before = contents()
    with pytest.raises(CheckpointError, match="the config has changed since runs/run/checkpoints/") as caught:
        begin(EVERYTHING, override, resume=True)
    assert says in str(caught.value)
    assert contents() == before


def test_other_data_are_refused() -> None:
    rows = Path("rows.csv")
    rows.write_text("x,y\n" + "".join(f"{i},{i * 2}\n" for i in range(30)))
    sections = {"data": {"path": "rows.csv"}, "task": "regression", "model": {"hidden": [3]}, "name": "run"}
    finish(begin(sections), 1)
    rows.write_text(rows.read_text().replace("\n7,", "\n7.5,"))
    with pytest.raises(CheckpointError, match="the data has changed since runs/run/checkpoints/"):
        begin(sections, resume=True)


@pytest.mark.parametrize("library", ["numpy", "python", "backprop"])
def test_other_versions_are_refused(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    finish(begin(EVERYTHING), 9)
    here = models.versions()
    other = {**here, library: "9.9"}
    monkeypatch.setattr("backprop_cli.training.run.versions", lambda: other)
    with pytest.raises(
        CheckpointError, match=f"is from {library} {here[library]}, but this is {library} 9.9"
    ):
        begin(EVERYTHING, resume=True)


def test_another_number_of_threads_is_refused() -> None:
    finish(begin(EVERYTHING), 9)
    loaded = configs.loads(json.dumps(EVERYTHING), "case.yaml")
    with pytest.raises(CheckpointError, match="was made with --threads 1, not 2"):
        Run(assemble(loaded), resume=True, threads=2)


def test_where_it_is_written_may_change() -> None:
    """Output, name and checkpoints have nothing to do with the numbers."""
    finish(begin(EVERYTHING), 9)
    os.rename("runs/run", "elsewhere")
    run = begin(EVERYTHING, "output.dir=elsewhere", "checkpoint.every=1", "name=other", resume=True)
    finish(run)
    assert len(Path("elsewhere/metrics.jsonl").read_text().splitlines()) == run.training.progress.epoch


def test_divergence_keeps_the_best() -> None:
    sections = {
        "data": {"inputs": [[1], [2]], "targets": [[1], [2]]},
        "task": "regression",
        "model": {"layers": [{"type": "linear", "units": 1, "weights": [[3]]}]},
        "optimizer": {"type": "sgd", "learning_rate": 100},
        "training": {"epochs": 300},
        "name": "run",
    }
    run = begin(sections)
    with pytest.raises(Diverged, match=r"update 56 \(epoch 56\): loss\.squares overflows") as caught:
        finish(run)
    assert "the model of epoch 1 is in runs/run/best.safetensors" in (caught.value.hint or "")
    arrays, facts = checkpoint.load("runs/run/best.safetensors")
    assert (facts["epoch"], all(np.isfinite(a).all() for a in arrays.values())) == (1, True)
    assert not os.path.exists("runs/run/model.safetensors")


# --- what cannot be written -----------------------------------------------------------------------


def test_folders_that_are_not_ours() -> None:
    os.makedirs("thesis")
    Path("thesis/chapter1.tex").write_text("years of work")
    with pytest.raises(FileError, match="thesis is not empty and holds no run"):
        begin(EVERYTHING, "output.dir=thesis")
    assert files("thesis") == {"chapter1.tex"}
    Path("plain").write_text("a file")
    with pytest.raises(FileError, match="plain"):
        begin(EVERYTHING, "output.dir=plain")
    with pytest.raises(FileError, match="plain"):
        begin(EVERYTHING, "output.dir=plain/below")


def test_a_run_killed_at_its_start_begins_again() -> None:
    """A folder, empty checkpoints and a half-written config: no more than that is there."""
    os.makedirs("runs/run/checkpoints")
    Path("runs/run/.4711-0a1b2c3d.backprop-tmp").write_text("na")
    finish(begin(EVERYTHING), 1)
    assert "model.safetensors" not in files()
    assert not any("backprop-tmp" in name for name in files())


def test_leftovers_are_removed() -> None:
    finish(begin(EVERYTHING), 9)
    for folder in ("runs/run", "runs/run/checkpoints"):
        Path(folder, ".123-89abcdef.backprop-tmp").write_bytes(b"half")
    Path("runs/run/.notes.backprop-tmp.txt").write_text("not ours")
    begin(EVERYTHING, resume=True)
    assert [n for n in files() if "tmp" in n] == [".notes.backprop-tmp.txt"]


def config_file(sections: Sections, *, name: str = "case.yaml") -> str:
    Path(name).write_text(json.dumps({k: v for k, v in sections.items() if k != "name"}))
    return name


@pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")
def test_a_folder_that_cannot_be_written(command: Callable[..., dict[str, Any]]) -> None:
    path = config_file(EVERYTHING)
    os.mkdir("closed", 0o555)

    def without_override() -> None:
        if os.geteuid() == 0 and sys.platform == "linux":  # root writes everywhere, but for this
            from ctypes import CDLL

            drop, override_modes = 24, 1  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE
            CDLL(None).prctl(drop, override_modes)

    options = command("train", path, "output.dir=closed/run") | {"preexec_fn": without_override}
    done = subprocess.run(**options, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (4, "", 1), done.stderr
    assert "closed/run: Permission denied" in done.stderr
    assert not os.listdir("closed")


@pytest.mark.skipif(sys.platform != "linux", reason="limits of Linux")
@pytest.mark.parametrize("limit", [0, 300, 3000])
def test_a_full_disk(command: Callable[..., dict[str, Any]], limit: int) -> None:
    """No file may grow beyond a limit: status 4, one line, and what is there is whole."""

    def full() -> None:
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    whole = {"PYTHONDONTWRITEBYTECODE": "1"}  # half a module would stay compiled
    options = command("train", config_file(EVERYTHING), "-q", env=whole) | {"preexec_fn": full}
    done = subprocess.run(**options, capture_output=True, text=True, check=False)
    assert done.returncode == 4, done.stderr
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)
    assert done.stderr.startswith("backprop: error: ")
    assert "cannot write" in done.stderr or "File too large" in done.stderr
    for name in files("runs"):
        assert "backprop-tmp" not in name
        if name.endswith(".safetensors"):
            checkpoint.load(os.path.join("runs", name))
        if name.endswith(".yaml"):
            configs.load(os.path.join("runs", name))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_full_pipe(process: Callable[..., Any]) -> None:
    with open("/dev/full", "w") as full:
        done = process("train", config_file(EVERYTHING), stdout=full, stderr=subprocess.PIPE)
    assert (done.status, "Traceback" in done.err) == (4, False)
    assert "model.safetensors" in files("runs/case")  # the training was not in vain


# --- signals and kills ----------------------------------------------------------------------------

LONG: Sections = {
    **EVERYTHING,
    "training": {"epochs": 4000, "batch_size": 9, "metrics": ["accuracy"]},
    "checkpoint": {"every": 1, "keep": 2},
}


@pytest.fixture
def started(command: Callable[..., dict[str, Any]]) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start the tool in the background; it is killed at the end."""
    begun: list[subprocess.Popen[str]] = []

    def started(*args: str) -> subprocess.Popen[str]:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        begun.append(subprocess.Popen(**command(*args), **pipes, text=True))
        return begun[-1]

    yield started
    for each in begun:
        each.kill()
        each.communicate()


def wait_for(path: str, process: subprocess.Popen[str]) -> None:
    for _ in range(3000):
        if os.path.exists(path) and os.path.getsize(path):
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.005)
    raise AssertionError(f"no {path}")


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals(started: Any, process: Any, number: int, status: int) -> None:
    """The step is finished, a checkpoint written, and the printed command goes on."""
    path = config_file(LONG)
    child = started("train", path, "optimizer.learning_rate=0.01", "name=a b")
    wait_for("runs/a b/metrics.jsonl", child)
    child.send_signal(number)
    out, err = child.communicate(timeout=20)
    assert (child.returncode, out) == (status, "")
    last = err.splitlines()[-1]
    assert last.startswith("interrupted after update ")
    command = last.partition("to go on: ")[2]
    assert command == "backprop train case.yaml optimizer.learning_rate=0.01 'name=a b' --resume"
    updates = int(last.split()[3].replace(",", "").rstrip(";"))
    (name,) = [n for n in os.listdir("runs/a b/checkpoints") if f"update-{updates:06d}" in n]
    _, facts = checkpoint.load(f"runs/a b/checkpoints/{name}")
    assert facts["training"]["progress"]["step"] == updates
    assert "model.safetensors" not in files("runs/a b")

    again = started("train", path, "optimizer.learning_rate=0.01", "name=a b", "--resume")
    for line in again.stderr:
        if "resumed from" in line:
            break
    wait_for("runs/a b/metrics.jsonl", again)
    again.send_signal(signal.SIGINT)
    again.communicate(timeout=20)
    assert again.returncode == 130


def hashes(folder: str) -> dict[str, str]:
    return {name: hashlib.sha256(data).hexdigest() for name, data in contents(folder).items()}


KILLS = 4


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_killed_at_random_and_resumed_the_end_is_the_same(started: Any, process: Any) -> None:
    """kill -9 at any moment: every checkpoint loads, and the bytes are those of a quiet run."""
    sections = {**LONG, "training": {**LONG["training"], "epochs": 80}}
    path = config_file(sections)
    began = time.monotonic()
    process("train", path, "-q", "output.dir=runs/case").answered()
    takes = time.monotonic() - began
    expected = hashes("runs/case")
    os.rename("runs/case", "quiet")
    draw = random.Random(5)
    resume: list[str] = []
    for _ in range(KILLS):
        child = started("train", path, "-q", "output.dir=runs/case", *resume)
        time.sleep(draw.uniform(0.15, 0.9) * takes)
        child.kill()
        child.communicate()
        if os.path.isdir("runs/case/checkpoints"):
            found = [n for n in os.listdir("runs/case/checkpoints") if n.endswith(".safetensors")]
            for name in found:
                checkpoint.load(f"runs/case/checkpoints/{name}")
            resume = ["--resume"] if found else []
    process("train", path, "-q", "output.dir=runs/case", *resume).answered()
    assert hashes("runs/case") == expected
    assert not [n for n in files("runs/case") if "backprop-tmp" in n]
    assert files("runs/case") == files("quiet")


# --- runs beside each other -----------------------------------------------------------------------


def test_runs_are_compared(run: Any) -> None:
    small = {**EVERYTHING, "training": {"epochs": 3, "batch_size": 9, "metrics": ["accuracy"]}}
    config_file(small)
    for rate in ("0.2", "0.01"):
        run("train", "case.yaml", "-q", f"optimizer.learning_rate={rate}").answered()
    finish(begin(small, "seed=4", "output.dir=runs/case-10"), 7)
    found = run("runs", "--format", "json").json["runs"]
    assert [row["folder"] for row in found] == ["runs/case", "runs/case-2", "runs/case-10"]
    assert [row["state"] for row in found] == ["finished", "finished", "unfinished"]
    assert [row["set"] for row in found] == ["validation", "validation", None]
    assert [row["differs"]["optimizer.learning_rate"] for row in found] == [0.2, 0.01, 0.2]
    assert {key for row in found for key in row["differs"]} == {"optimizer.learning_rate", "seed"}
    summary = json.loads(Path("runs/case/summary.json").read_text())
    assert summary["results"]["validation"] == found[0]["measures"]
    for format_ in ("table", "csv", "tsv", "markdown"):
        assert "runs/case-10" in run("runs", "--format", format_).answered().out
    assert "runs/case-10" not in run("runs", "runs/case", "runs/case-2").answered().out
    run("runs", "nowhere").refused(4, "nowhere: No such file or directory")
    os.makedirs("none")
    run("runs", "none").refused(2, "none holds no run")
    Path("runs/case/summary.json").write_text("{}")
    run("runs").refused(2, "the summary is damaged")


def test_a_run_answers_by_its_folder(run: Any) -> None:
    config_file(EVERYTHING)
    run("train", "case.yaml", "-q").answered()
    answers = run("predict", "runs/case", "-", stdin="x1,x2\n1,2\n").answered().out
    assert answers == run("predict", "runs/case/model.safetensors", "-", stdin="x1,x2\n1,2\n").out
    assert "validation split" in run("evaluate", "runs/case").answered().out
    finish(begin(EVERYTHING), 9)
    run("predict", "runs/run", "-", stdin="x1,x2\n1,2\n").refused(2, "the run has not come to its end")
