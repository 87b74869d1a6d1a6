"""What the benchmarks share: child processes, interleaved timing, peak memory, Markdown tables."""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import json
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
MIB = 1 << 20

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


# Processes


def environment(threads: int | None = None) -> dict[str, str]:
    """Return the environment of a child: .pyc files as usual, and as many threads as asked for."""
    env = {
        k: v for k, v in os.environ.items() if k not in ("PYTHONDONTWRITEBYTECODE", "PYTHONPROFILEIMPORTTIME")
    }
    env["JAX_PLATFORMS"] = "cpu"
    if threads is not None:
        env.update(dict.fromkeys(THREAD_VARIABLES, str(threads)), BENCHMARK_THREADS=str(threads))
    return env


def pin() -> int:
    """Keep this child on as many cores as it may have threads; call it before importing a peer.

    XLA has no variable for its thread pool: it counts the cores it may use.
    """
    threads = int(os.environ.get("BENCHMARK_THREADS", "1"))
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])
    return threads


class Run(NamedTuple):
    """A finished command.

    Attributes:
        status: Exit status; negative for a signal, None when it was killed for lack of time.
        seconds: Wall time.
        peak: Bytes: the sum of the peaks of all its processes, so never too small.
    """

    status: int | None
    seconds: float
    peak: int
    stdout: bytes
    stderr: bytes


def watch(
    command: Sequence[str],
    *,
    stdin: bytes | None = None,
    stdout: Any = None,
    env: Mapping[str, str] | None = None,
    cwd: str | Path | None = None,
    timeout: float = 60.0,
    meanwhile: Callable[[subprocess.Popen[bytes], float], None] | None = None,
) -> Run:
    """Run a command and watch the memory of its whole process tree.

    Args:
        command: The words.
        stdin: What it reads; None is an empty stdin.
        stdout: Where its stdout goes; None collects it.
        env: Its environment, `environment()` by default.
        cwd: Where it runs.
        timeout: Seconds until the tree is killed.
        meanwhile: Called about every 2 ms with the process and the seconds since its start.
    """
    peaks: dict[int, int] = {}
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(stdin or b"")
        given.seek(0)
        start = time.perf_counter()
        process = subprocess.Popen(
            command, stdin=given, stdout=out if stdout is None else stdout, stderr=err,
            env=environment() if env is None else env, cwd=cwd, start_new_session=True,
        )  # fmt: skip
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            seconds = time.perf_counter() - start
            if pid:
                break
            for each in _tree(process.pid):
                peaks[each] = max(peaks.get(each, 0), peak_of(each))
            if meanwhile is not None:
                meanwhile(process, seconds)
            if seconds > timeout:
                os.killpg(process.pid, signal.SIGKILL)
                os.waitpid(process.pid, 0)
                process.returncode = -signal.SIGKILL
                break
            time.sleep(0.002)
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)  # whatever it left behind
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            if not peaks:  # no /proc, or gone at once
                peaks[pid] = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        out.seek(0)
        err.seek(0)
        code = process.returncode if pid else None
        return Run(code, seconds, sum(peaks.values()), out.read(), err.read())


def _tree(pid: int) -> Iterator[int]:
    yield pid
    with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{pid}/children") as stream:
        for child in stream.read().split():
            yield from _tree(int(child))


def peak_of(pid: int | str = "self") -> int:
    """Return the peak resident bytes of a process since its exec, 0 where there is no /proc."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/status") as stream:
        for line in stream:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def measured_child(
    script: str, *words: object, threads: int = 1, timeout: float = 120.0, python: str = sys.executable
) -> dict[str, Any]:
    """Run a benchmark's own child (``script --child words``) and return the JSON it prints last.

    A child that fails or takes too long returns ``{"failed": why}``.
    """
    command = [python, script, "--child", *map(str, words)]
    done = watch(command, env=environment(threads), timeout=timeout)
    if done.status == 0:
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return answer
    if done.status is None:
        return {"failed": f"> {timeout:.0f} s", "slow": True}
    lines = done.stderr.decode(errors="replace").strip().splitlines()
    why = signal.Signals(-done.status).name if done.status < 0 else f"status {done.status}"
    return {"failed": lines[-1][:60] if lines and done.status > 0 else why}


def finish(answer: Mapping[str, Any]) -> None:
    """End a child with its answer, without the destructors of a million nodes."""
    print(json.dumps({"peak": peak_of(), **answer}), flush=True)
    os._exit(0)


def installed(module: str) -> bool:
    """Return whether a peer is there, saying so on stderr when it is not."""
    found = importlib.util.find_spec(module) is not None
    if not found:
        print(f"note: {module} is not installed and left out", file=sys.stderr)
    return found


@contextlib.contextmanager
def fresh_install(python: str | None = None) -> Iterator[Path]:
    """Yield the folder of executables of an environment that has the package and nothing else.

    Start-up times of an editable install, or beside many other packages, are not a user's.

    Args:
        python: Use the environment of this interpreter instead of making one.
    """
    if python is not None:
        yield Path(python).absolute().parent
        return
    with tempfile.TemporaryDirectory(prefix="backprop-benchmark-") as folder:
        source = Path(folder, "source")
        skipped = shutil.ignore_patterns(".*", "*.egg-info", "build", "__pycache__")
        shutil.copytree(ROOT, source, ignore=skipped)
        venv.create(Path(folder, "venv"), with_pip=True)
        binaries = Path(folder, "venv", "Scripts" if os.name == "nt" else "bin")
        install = [str(binaries / "python"), "-m", "pip", "install", "--quiet", str(source)]
        subprocess.run(install, check=True, env=environment(), stdout=sys.stderr)
        yield binaries


# Time


def clock(function: Callable[[], object]) -> float:
    """Return the seconds one call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


@contextlib.contextmanager
def collector_off() -> Iterator[None]:
    """Switch the garbage collector off, as the command line does, for us and for peers alike."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def interleaved(
    tasks: Mapping[str, Callable[[], object]], rounds: int, warm: int = 1
) -> dict[str, list[float]]:
    """Time every task once a round, so that all of them see the same disturbances.

    Args:
        tasks: Name to what is timed.
        rounds: Number of rounds that count.
        warm: Rounds before them that do not.
    """
    times: dict[str, list[float]] = {name: [] for name in tasks}
    for turn in range(warm + rounds):
        for name, task in tasks.items():
            took = clock(task)
            if turn >= warm:
                times[name].append(took)
    return times


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the median over the rounds of one time over the other in the same round.

    What is very slow has fewer rounds.
    """
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=False))


def median(times: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(times)


# Tables


def shown(seconds: float) -> str:
    """Write a time for a table."""
    if seconds >= 10.0:
        return f"{seconds:.1f} s"
    return f"{seconds:.2f} s" if seconds >= 1.0 else f"{1e3 * seconds:.3g} ms"


def mib(size: float) -> str:
    """Write a number of bytes for a table."""
    return f"{size / MIB:.0f} MiB"


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a Markdown table, the first column to the left, the others to the right."""
    cells = [[str(cell).replace("|", "\\|") for cell in row] for row in (columns, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    rule = ["-" * widths[0], *("-" * (w - 1) + ":" for w in widths[1:])]
    print(f"\n### {title}\n")
    for row in (cells[0], rule, *cells[1:]):
        first, *rest = zip(row, widths, strict=True)
        print("|", " | ".join([first[0].ljust(first[1]), *(text.rjust(w) for text, w in rest)]), "|")
    sys.stdout.flush()


def setting() -> str:
    """Say what ran the numbers: the interpreter, the system, the cores."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {cores} cores"
