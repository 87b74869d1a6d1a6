"""``--engine jax``: what it says without JAX, and the tests of the engine in a process with JAX."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from conftest import ROOT, Result

from backprop_cli.training.fitting import Fitting, training_of
from backprop_cli.training.problem import assembled

SAMPLES = ROOT / "sample_inputs"
Run = Callable[..., Result]


@pytest.mark.skipif(find_spec("jax") is None, reason="JAX is not installed: pip install 'backprop-cli[jax]'")
@pytest.mark.parametrize("which", ["not nightly", pytest.param("nightly", marks=pytest.mark.nightly)])
def test_with_jax(which: str) -> None:
    two = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2", "OPENBLAS_NUM_THREADS": "1"}
    words = [sys.executable, "-m", "pytest", "tests/jax_engine.py", "-n", "0", "-m", which]
    done = subprocess.run(words, cwd=ROOT, env=os.environ | two, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_an_engine_that_is_missing_is_one_line(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "jax" else find_spec(name))
    line, hint = "the engine jax needs JAX, which is not installed", "pip install 'backprop-cli[jax]'"
    iris = str(SAMPLES / "iris.yaml")
    run("train", iris, "--engine", "jax", f"output.dir={tmp_path / 'run'}").refused(2, line, hint)
    assert not (tmp_path / "run").exists()
    run("eval", "x^2", "--x", "0:1:0.5", "--engine", "jax").refused(2, line, hint)
    run("predict", "absent", "rows.csv", "--engine", "jax").refused(2, line, hint)
    run("evaluate", "absent", "--engine", "jax").refused(2, line, hint)


def test_jax_is_imported_where_it_is_asked_for_alone(tmp_path: Path) -> None:
    program = """
import atexit, sys
atexit.register(lambda: print('jax' in sys.modules))
from backprop_cli.cli.main import main
main(['train', sys.argv[1], 'training.epochs=1', '-q', 'output.dir=' + sys.argv[2]])
"""
    words = [sys.executable, "-c", program, str(SAMPLES / "xor.yaml"), str(tmp_path / "run")]
    found = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout.splitlines()[-1] == "False"


def test_one_point_is_computed_by_floats(run: Run) -> None:
    vector = run("eval", "sum(x*[1, 2])", "--x", "[1, 2]", "--engine", "jax")
    vector.refused(2, "--engine jax is for many points")
    run("eval", "x^2", "--x", "1", "--engine", "jax").refused(2, "--engine jax is for many points")
    run("grad", "x^2", "--x", "1", "--engine", "jax").refused(2, "--engine jax is for many points")
    run("grad", "x^2", "--x", "0:1:0.5", "--method", "finite", "--engine", "jax").refused(
        2, "--engine jax runs the reverse sweep"
    )


def test_levenberg_marquardt_stays_and_says_so(run: Run, tmp_path: Path) -> None:
    with assembled(str(SAMPLES / "decay.yaml"), ["training.engine=jax"]) as problem:
        assert isinstance(training_of(problem), Fitting)
    found = run("train", str(SAMPLES / "decay.yaml"), "--engine", "jax", f"output.dir={tmp_path / 'run'}")
    assert "note: Levenberg-Marquardt is computed by NumPy" in found.answered().err
