"""The symbolic column, computed by SymPy in a process of its own.

SymPy takes a third of a second to import and may take for ever to simplify: the process starts
first, imports while the parent computes the other columns, and has limits on time and memory.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from ..graph import Graph

if TYPE_CHECKING:
    import subprocess

CPU_SECONDS = 4
WALL_SECONDS = 20.0
MEMORY = 768 << 20
STACK = 64 << 20


class Symbolic(NamedTuple):
    """What SymPy answered.

    Attributes:
        formulas: By node id; missing when SymPy did not finish.
        numbers: By node id; None where the formula is not usable at this point.
        route: ``function`` (the inlined function) or ``chain`` (step by step).
        failure: Why there is no answer, or None.
    """

    formulas: dict[int, str]
    numbers: dict[int, float | None]
    route: str = "function"
    failure: str | None = None


class SymbolicProcess:
    """A process that imports SymPy at once and then waits for one job after the other.

    Args:
        fork: Fork this process (fast; only while it has a single thread) or start a new one.
    """

    def __init__(self, *, fork: bool) -> None:
        self._popen: Any = None
        self._pid = 0
        self._requests: BinaryIO
        self._answers: BinaryIO
        if fork and hasattr(os, "fork"):
            request_out, request_in = os.pipe()
            answer_out, answer_in = os.pipe()
            self._pid = os.fork()
            if self._pid == 0:
                os.close(request_in)
                os.close(answer_out)
                _become_server(request_out, answer_in)
            os.close(request_out)
            os.close(answer_in)
            self._requests = os.fdopen(request_in, "wb")
            self._answers = os.fdopen(answer_out, "rb")
        else:
            self._popen = server(__name__)
            self._requests, self._answers = self._popen.stdin, self._popen.stdout

    def request(
        self,
        graph: Graph,
        inputs: Mapping[str, float] | None,
        wanted: Sequence[int],
        needed: Sequence[bool],
        *,
        inline: bool = False,
        large: bool = False,
    ) -> None:
        """Send a job: formulas for the wanted nodes and, with ``inputs``, their numbers."""
        job = {
            "text": graph.source.text,
            "bound": list(graph.inputs),
            "inputs": dict(inputs) if inputs is not None else None,
            "wanted": list(wanted),
            "needed": list(needed),
            "inline": inline,
            "large": large,
        }
        self._send(job)

    def request_higher(
        self,
        graph: Graph,
        inputs: Mapping[str, float] | None,
        directions: Sequence[Sequence[Sequence[tuple[str, float]]]],
        *,
        large: bool = False,
    ) -> None:
        """Send a job: the output differentiated along each list of directions, by position in the list."""
        self._send(
            {
                "text": graph.source.text,
                "bound": list(graph.inputs),
                "inputs": dict(inputs) if inputs is not None else None,
                "directions": [[list(weights) for weights in along] for along in directions],
                "large": large,
            }
        )

    def _send(self, job: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):
            marshal.dump(job, self._requests)
            self._requests.flush()

    def answer(self) -> Symbolic:
        """Wait for the answer to the last job."""
        failure = "SymPy did not finish in time"
        if self._ready(WALL_SECONDS):
            try:
                found = marshal.load(self._answers)
            except (EOFError, ValueError, TypeError, OSError):
                failure = "SymPy ran out of time or memory"
            else:
                return Symbolic(found["formulas"], found["numbers"], found["route"], found["failure"])
        self.close()
        return Symbolic({}, {}, failure=failure)

    def _ready(self, seconds: float) -> bool:
        if os.name == "nt":  # select() knows sockets only there
            import threading

            waiting = threading.Thread(target=self._answers.peek, args=(1,), daemon=True)  # type: ignore[attr-defined]
            waiting.start()
            waiting.join(seconds)
            return not waiting.is_alive()
        import select

        return bool(select.select([self._answers], [], [], seconds)[0])

    @property
    def alive(self) -> bool:
        """Whether it can take another job."""
        if self._popen is not None:
            return self._popen.poll() is None
        return bool(self._pid)

    def close(self) -> None:
        """End the process."""
        if self._popen is not None:
            self._popen.kill()
            self._popen.wait()
            self._popen.stdin.close()
            self._popen.stdout.close()
        elif self._pid:
            with contextlib.suppress(OSError):
                os.kill(self._pid, signal.SIGKILL)
                os.waitpid(self._pid, 0)
            self._pid = 0
            for pipe in (self._requests, self._answers):
                with contextlib.suppress(OSError):
                    pipe.close()


def server(module: str) -> subprocess.Popen[bytes]:
    """Start a Python that runs ``serve`` of a module of ours, with pipes to its stdin and stdout.

    Nothing is imported from the current folder (``-P``): a file there may be called as one of our libraries.
    """
    import subprocess

    package = os.path.abspath(__file__).rsplit(os.sep, 3)[0]
    # the parent may have found us where a new Python does not look; last, as other things lie beside us
    code = f"import sys; sys.path.append(sys.argv[1]); from {module} import serve; serve()"
    command = [sys.executable, "-P", "-c", code, package]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def _become_server(requests: int, answers: int) -> None:
    """Turn a forked child into the server; never returns."""
    try:
        # closed streams of ours leave low numbers free, which the pipes may have been given
        requests, answers = _above_two(requests), _above_two(answers)
        # a parent that reads our stdout to its end must not wait for this process
        null = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _serve(os.fdopen(requests, "rb"), os.fdopen(answers, "wb"))
    finally:
        os._exit(0)


def _above_two(descriptor: int) -> int:
    while descriptor <= 2:
        descriptor = os.dup(descriptor)
    return descriptor


def serve() -> None:
    """Serve jobs from stdin to stdout."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _serve(sys.stdin.buffer, sys.stdout.buffer)


def _serve(requests: BinaryIO, answers: BinaryIO) -> None:
    import gc
    import threading

    gc.disable()  # importing SymPy is a sixth faster without
    from . import sympy_side

    limit_memory()
    threading.stack_size(STACK)
    sys.setrecursionlimit(30_000)
    while True:
        try:
            job = marshal.load(requests)
        except (EOFError, ValueError, TypeError):
            return
        limit_time()
        found: dict[str, Any] = {}
        worker = threading.Thread(target=_work, args=(sympy_side, job, found))
        worker.start()
        worker.join()
        marshal.dump(found, answers)
        answers.flush()


def _work(sympy_side: Any, job: dict[str, Any], found: dict[str, Any]) -> None:
    from ..language.lower import lower
    from ..language.parser import parse

    found.update(formulas={}, numbers={}, route="function", failure=None)
    try:
        graph = lower(parse(job["text"], large=job["large"]), job["bound"], large=job["large"])
        if "directions" in job:
            sympy_side.higher(graph, job["inputs"], job["directions"], found)
            return
        found["formulas"] = sympy_side.formulas(graph, job["wanted"], inline=job["inline"])
        if job["inputs"] is not None:
            found["numbers"], found["route"] = sympy_side.numbers(
                graph, job["inputs"], job["wanted"], job["needed"]
            )
    except MemoryError:
        found["failure"] = "SymPy ran out of memory"
    except Exception as error:  # SymPy raises all kinds; its column says so and the others stand
        found["failure"] = f"SymPy failed ({type(error).__name__})"


def limit_memory() -> None:
    """Limit the memory of this process, where the system can."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def limit_time() -> None:
    """Give this process `CPU_SECONDS` more from now on, where the system can."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        usage = resource.getrusage(resource.RUSAGE_SELF)
        limit = int(usage.ru_utime + usage.ru_stime) + CPU_SECONDS
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
