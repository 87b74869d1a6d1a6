"""Several processes that train together on the loopback address: the same numbers, and how they end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ROOT, Result
from ruamel.yaml import YAML

from backprop_cli.training.model import Model

pytestmark = pytest.mark.skipif(
    find_spec("jax") is None, reason="JAX is not installed: pip install 'backprop-cli[jax]'"
)
IRIS = str(ROOT / "sample_inputs" / "iris.yaml")
ENDLESS = ("training.epochs=1000000", "training.early_stopping=null", "checkpoint.every=5")

Run = Callable[..., Result]
Command = Callable[..., dict[str, Any]]


def _port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _started(command: Command, number: int, port: int, *words: str, count: int = 2) -> subprocess.Popen[str]:
    place = ("--process", f"{number}/{count}", "--coordinator", f"127.0.0.1:{port}")
    return subprocess.Popen(
        **command("train", IRIS, "--engine", "jax", *place, *words, env={"XLA_FLAGS": ""}),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def _both(command: Command, words: tuple[str, ...], more: tuple[str, ...] | None = None) -> list[Result]:
    """Run process 0 with some words, process 1 with the same or others; how each ended."""
    port = _port()
    others = words if more is None else more
    started = [_started(command, n, port, *given) for n, given in enumerate((words, others))]
    ended = [process.communicate(timeout=150) for process in started]
    return [Result(p.returncode, out, err) for p, (out, err) in zip(started, ended, strict=True)]


def _values(folder: Path) -> dict[str, Any]:
    return Model.load(str(folder)).runner.values


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--process", "2/2", "--coordinator", "a:1"), "which process of how many, counted from 0"),
        (("--process", "0/2"), "--process 0/2 and --coordinator HOST:PORT go together"),
        (("--process", "0/2", "--coordinator", "1234"), "the host and a free port of process 0"),
        (("--devices", "2", "--engine", "numpy"), "--devices is for --engine jax"),
        (("--devices", "2", "--sweep", "seed=1,2"), "--devices is for one run"),
    ],
)
def test_what_cannot_be_is_one_line(run: Run, words: tuple[str, ...], says: str) -> None:
    engine = () if "--engine" in words else ("--engine", "jax")
    run("train", IRIS, *engine, *words).refused(2, says)


def test_a_fit_has_no_batches_to_divide(run: Run) -> None:
    decay = str(ROOT / "sample_inputs" / "decay.yaml")
    found = run("train", decay, "--engine", "jax", "--devices", "2")
    found.refused(2, "--devices divides batches, and Levenberg-Marquardt has none")


def test_a_port_in_use_and_a_coordinator_that_is_not_there(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from backprop_cli.engine import processes

    monkeypatch.setattr(processes, "WAIT", 0.5)
    with socket.create_server(("", 0)) as server:
        port = server.getsockname()[1]
        words = ("train", IRIS, "--engine", "jax", "--coordinator", f"127.0.0.1:{port}")
        found = run(*words, "--process", "0/2").refused(4, f"port {port} cannot be listened on")
        assert found.err.count("Address") == 1
    found = run(*words, "--process", "1/2")
    found.refused(4, f"process 1 of 2: the coordinator 127.0.0.1:{port} does not answer: Connection refused")


@pytest.mark.nightly
def test_two_processes_learn_what_one_does(command: Command, run: Run, tmp_path: Path) -> None:
    """Layers with state and masks; process 0 alone writes; and on from where NumPy stopped."""
    plain = ("training.batch_size=15", "training.gradient_clip=0.5")
    config = (*plain, "training.epochs=12")
    run("train", IRIS, *config, f"output.dir={tmp_path / 'one'}").answered()
    first, second = _both(
        command, (*config, f"output.dir={tmp_path / 'two'}"), (*config, f"output.dir={tmp_path / 'none'}")
    )
    first.answered()
    assert (second.status, second.out, second.err) == (0, "", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]
    logs = [
        [json.loads(line) for line in (tmp_path / name / "metrics.jsonl").read_text().splitlines()]
        for name in ("one", "two")
    ]
    for ours, theirs in zip(*logs, strict=True):
        assert all(abs(theirs[name] - x) <= 1e-12 for name, x in ours.items())
    values = _values(tmp_path / "one")
    assert all(np.abs(_values(tmp_path / "two")[n] - a).max() <= 1e-10 for n, a in values.items())
    half = tmp_path / "half"
    run("train", IRIS, *plain, "training.epochs=5", f"output.dir={half}").answered()
    for result in _both(command, (*config, f"output.dir={half}", "--resume")):
        result.answered()
    assert all(np.abs(_values(half)[n] - a).max() <= 1e-10 for n, a in values.items())


@pytest.mark.nightly
@pytest.mark.parametrize("victim", [0, 1])
def test_a_process_that_is_killed_ends_the_others(command: Command, tmp_path: Path, victim: int) -> None:
    port, folder = _port(), tmp_path / "run"
    words = (*ENDLESS, f"output.dir={folder}", "-q")
    both = [_started(command, n, port, *words) for n in (0, 1)]
    end = time.monotonic() + 120
    while not list(folder.glob("checkpoints/*")) and time.monotonic() < end:
        time.sleep(0.2)
    both[victim].kill()
    out, err = both[1 - victim].communicate(timeout=60)
    assert (both[1 - victim].returncode, out) == (4, "")
    line, hint = err.splitlines()
    assert (
        line
        == f"backprop: error: process {1 - victim} of 2: another process has ended, and with it the training"
    )
    assert "--resume" in hint
    both[victim].communicate()
    again = _both(command, ("training.epochs=6", *ENDLESS[1:], f"output.dir={folder}", "-q", "--resume"))
    assert {result.status for result in again} == {0}


@pytest.mark.nightly
def test_processes_stop_together(command: Command, tmp_path: Path) -> None:
    """A signal to one of them saves a checkpoint and ends them all."""
    port, folder = _port(), tmp_path / "run"
    both = [_started(command, n, port, *ENDLESS, f"output.dir={folder}") for n in (0, 1)]
    end = time.monotonic() + 120
    while not list(folder.glob("checkpoints/*")) and time.monotonic() < end:
        time.sleep(0.2)
    both[1].send_signal(signal.SIGTERM)
    ended = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [130, 143]
    assert "--process 0/2 --coordinator" in ended[0][1]


@pytest.mark.nightly
@pytest.mark.parametrize(("more", "what"), [("seed=1", "config"), ("data.validation_split=0.3", "config")])
def test_processes_with_other_configs_are_refused(
    command: Command, tmp_path: Path, more: str, what: str
) -> None:
    words = (f"output.dir={tmp_path / 'run'}",)
    for result in _both(command, words, (*words, more)):
        result.refused(
            2, f"the processes differ in their {what}: SHA-256 ", " in process 1, ", " in process 0"
        )
    assert not (tmp_path / "run").exists()


# Job files

JOBS = ROOT / "docs" / "scaling"
STAND_INS = {
    "scontrol": "echo 127.0.0.1; echo elsewhere",
    "srun": 'shift; for k in 0 1; do SLURM_PROCID=$k "$@" & done; wait -n && wait -n',
}


def _manifest() -> dict[str, Any]:
    """Return the container of the Job, whose pods the Service finds by the Job's name."""
    with (JOBS / "kubernetes.yaml").open() as file:
        service, job = YAML(typ="safe").load_all(file)
    name = job["metadata"]["name"]
    assert service["spec"]["selector"] == {"job-name": name}
    pods = job["spec"]["template"]["spec"]
    assert pods["subdomain"] == service["metadata"]["name"]
    assert (job["spec"]["completionMode"], job["spec"]["completions"]) == (
        "Indexed",
        job["spec"]["parallelism"],
    )
    (container,) = pods["containers"]
    given = {variable["name"]: variable["value"] for variable in container["env"]}
    assert given["COORDINATOR"].startswith(f"{name}-0.{pods['subdomain']}:")
    assert given["PROCESSES"] == str(job["spec"]["completions"])
    return container


def test_job_files_are_sound() -> None:
    subprocess.run(["bash", "-n", JOBS / "slurm.sh"], check=True)
    subprocess.run(["sh", "-n", "-c", _manifest()["command"][2]], check=True)


@pytest.fixture
def tools(tmp_path: Path) -> dict[str, str]:
    """An environment with this backprop, and stand-ins for what a cluster has."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in {**STAND_INS, "backprop": f'exec {sys.executable} -m backprop_cli "$@"'}.items():
        (folder / name).write_text(f"#!/bin/bash\n{text}\n")
        (folder / name).chmod(0o755)
    return os.environ | {"PATH": f"{folder}:{os.environ['PATH']}", "RUN": str(tmp_path / "run")}


@pytest.mark.nightly
def test_the_slurm_job_trains_and_goes_on(tools: dict[str, str], tmp_path: Path) -> None:
    slurm = {"SLURM_JOB_NAME": "big", "SLURM_JOB_NODELIST": "two", "SLURM_NTASKS": "2"}
    for epochs in (4, 6):
        place = {"SLURM_JOB_ID": str(_port())}
        words = ["bash", JOBS / "slurm.sh", IRIS, f"training.epochs={epochs}"]
        done = subprocess.run(words, env=tools | slurm | place, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert "resumed from" in done.stderr
    assert len((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()) == 6


@pytest.mark.nightly
def test_the_pods_of_the_job_train(tools: dict[str, str], tmp_path: Path) -> None:
    given = {"CONFIG": IRIS, "DEVICES": "1", "PROCESSES": "2", "COORDINATOR": f"127.0.0.1:{_port()}"}
    command = _manifest()["command"]
    pods = [subprocess.Popen(command, env=tools | given | {"JOB_COMPLETION_INDEX": str(k)}) for k in range(2)]
    assert [pod.wait(150) for pod in pods] == [0, 0]
    assert (tmp_path / "run" / "model.safetensors").exists()
