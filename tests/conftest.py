"""Helpers to run the tool as its users do: `run` in this process, `process` in one of its own."""

from __future__ import annotations

import gc
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from itertools import pairwise
from pathlib import Path
from typing import Any

# as train does for itself: many threads for small products cost more than they bring
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest
import sympy  # noqa: F401  # forks of this process that ask SymPy need not import it each
import warm
from hypothesis import settings

# The same examples in every run: green or red for a change, not by luck; the nightly set draws anew.
settings.register_profile("suite", derandomize=True, deadline=None)
settings.load_profile("suite")


def pytest_collection_finish() -> None:
    """Leave what is loaded by now out of every collection: SymPy's and Hypothesis' objects stay for good."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


ROOT = Path(__file__).resolve().parent.parent
if find_spec("backprop_cli") is None:
    sys.path.insert(0, str(ROOT))


@cache
def script(name: str) -> Any:
    """Import one of the scripts that write documents."""
    spec = spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _node() -> str | None:
    """Return where node is: the machine's, or the one that playwright brings along."""
    found = shutil.which("node")
    package = find_spec("playwright")
    if found is None and package is not None and package.origin is not None:
        driver = Path(package.origin).parent / "driver"
        found = next((str(path) for path in driver.glob("node*") if path.is_file()), None)
    return found


NODE = _node()

# Nothing a user typed may move the cursor, colour the text or reorder it.
UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
HIDDEN_ENVIRONMENT = ("NO_COLOR", "FORCE_COLOR", "PYTHONIOENCODING", "COLUMNS", "CLICOLOR_FORCE")


@dataclass(frozen=True)
class Result:
    """What a run left behind."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one strict JSON value on stdout."""
        return strict_json(self.out)

    @property
    def lines(self) -> list[Any]:
        """The strict JSON Lines on stdout."""
        return [strict_json(line) for line in self.out.splitlines()]

    @property
    def numbers(self) -> list[float]:
        """The bare numbers on stdout, one a line."""
        return [float(line) for line in self.out.splitlines()]

    def answered(self) -> Result:
        """Hold the run to status 0."""
        assert self.status == 0, self.err
        assert "Traceback" not in self.err
        return self

    def refused(self, status: int, *words: str) -> Result:
        """Hold the run to one error line, that status and nothing on stdout."""
        assert (self.status, self.out) == (status, ""), self.err
        assert "Traceback" not in self.err
        errors = [line for line in self.err.splitlines() if line.startswith("backprop: error: ")]
        assert len(errors) == 1, self.err
        assert not UNPRINTABLE.search(self.err), ascii(self.err)
        for word in words:
            assert word in self.err
        return self

    def caret(self, line: str) -> tuple[int, int]:
        """Where the carets stand under the quoted ``line``, and how many there are."""
        quoted = self.err.splitlines()
        for above, below in pairwise(quoted):
            if line in above and set(below) <= {" ", "^"} and "^" in below:
                return below.index("^") - above.index(line), below.count("^")
        raise AssertionError(f"no caret line under {line!r}:\n{self.err}")

    def node(self, name: str) -> dict[str, Any]:
        """The row of that name in the JSON report."""
        (row,) = [row for row in self.json["nodes"] if row["name"] == name]
        return row


def strict_json(text: str) -> Any:
    """Read JSON that has no NaN, no Infinity and no key twice."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len({key for key, _ in pairs}) == len(pairs), f"a key twice: {pairs}"
        return dict(pairs)

    def refuse(constant: str) -> Any:
        raise AssertionError(f"not strict JSON: {constant}")

    return json.loads(text, parse_constant=refuse, object_pairs_hook=unique)


def _environment(changes: dict[str, str] | None) -> dict[str, str]:
    environment = {k: v for k, v in os.environ.items() if k not in HIDDEN_ENVIRONMENT}
    return environment | (changes or {})


@contextmanager
def _redirected(out: Any, err: Any, stdin: Any) -> Iterator[None]:
    """Point descriptors 0, 1, 2 and the ``sys`` streams over them at three files."""
    streams = sys.stdin, sys.stdout, sys.stderr
    for stream in streams[1:]:
        stream.flush()
    kept = [os.dup(fd) for fd in (0, 1, 2)]
    for fd, file in enumerate((stdin, out, err)):
        os.dup2(file.fileno(), fd)
    ours = [open(fd, "w" if fd else "r", encoding="utf-8", closefd=False) for fd in (0, 1, 2)]  # noqa: SIM115
    sys.stdin, sys.stdout, sys.stderr = ours
    try:
        yield
    finally:
        for stream in ours:
            if not stream.closed:
                stream.close()
        sys.stdin, sys.stdout, sys.stderr = streams
        for fd, copy in enumerate(kept):
            os.dup2(copy, fd)
            os.close(copy)


@pytest.fixture(scope="session")
def run() -> Callable[..., Result]:
    """Run the tool inside this process: fast, for everything that starts no other process."""
    from backprop_cli.cli.main import main

    def run(*args: str, stdin: str | bytes | None = None, env: dict[str, str] | None = None) -> Result:
        handlers = {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)}
        environment = dict(os.environ)
        with (
            tempfile.TemporaryFile() as out,
            tempfile.TemporaryFile() as err,
            tempfile.TemporaryFile() as fed,
        ):
            fed.write(stdin.encode() if isinstance(stdin, str) else stdin or b"")
            fed.seek(0)
            os.environ.clear()
            os.environ.update(_environment(env))
            try:
                with _redirected(out, err, fed):
                    status = main([str(arg) for arg in args])
            finally:
                os.environ.clear()
                os.environ.update(environment)
                for number, handler in handlers.items():
                    signal.signal(number, handler)
            texts = []
            for file in (out, err):
                file.seek(0)
                texts.append(file.read().decode())
        return Result(status, *texts)

    return run


@pytest.fixture(scope="session")
def command() -> Callable[..., dict[str, Any]]:
    """Build the arguments of `subprocess.Popen` that start the tool."""
    package = find_spec("backprop_cli")
    assert package is not None
    assert package.origin is not None
    where = str(Path(package.origin).parent.parent)

    def command(
        *args: str | bytes, env: dict[str, str] | None = None, memory: int | None = None
    ) -> dict[str, Any]:
        path = os.pathsep.join(filter(None, (where, os.environ.get("PYTHONPATH"))))
        settings = {"PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"}

        def limit() -> None:
            import resource

            resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))

        return {
            "args": [sys.executable, "-m", "backprop_cli", *args],
            "env": _environment(settings | (env or {})),
            "preexec_fn": limit if memory and sys.platform == "linux" else None,
        }

    return command


@pytest.fixture(scope="session")
def warm_program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A program that runs the tool in a process forked from one that has imported all of it."""
    program, server = warm.start(tmp_path_factory.mktemp("warm"))
    yield program
    server.communicate()


@pytest.fixture(scope="session")
def process(command: Callable[..., dict[str, Any]], request: pytest.FixtureRequest) -> Callable[..., Result]:
    """Run the tool in a process of its own, killed after ``timeout`` seconds.

    One with an environment, a limit or a beginning of its own is started cold.
    """

    def process(
        *args: str | bytes,
        stdin: str | bytes | None = None,
        env: dict[str, str] | None = None,
        timeout: float = 30,
        memory: int | None = None,
        **more: Any,
    ) -> Result:
        fed = stdin.encode() if isinstance(stdin, str) else stdin or b""
        options = {
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "input": fed,
            "timeout": timeout,
        } | more
        start = command(*args, env=env, memory=memory)
        if env is None and memory is None and "preexec_fn" not in more and hasattr(os, "fork"):
            start["args"] = [request.getfixturevalue("warm_program"), *args]
        done = subprocess.run(**(start | options), check=False)
        out, err = ((text or b"").decode() for text in (done.stdout, done.stderr))
        return Result(done.returncode, out, err)

    return process


@pytest.fixture
def torch_as_it_was() -> Iterator[None]:
    """Take back what exported programs set for the whole process."""
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_default_dtype(sys.modules["torch"].float32)
