"""Our end of the symbolic method: SymPy in a process of its own, asked for one thing after the other.

SymPy takes a third of a second to import and may take for ever to simplify: the process starts
first, imports while the parent computes the other columns, and has limits on time and memory.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, BinaryIO, NamedTuple

from ...engine.work import WATCH
from ...graph import Graph
from ...ops.logarithm import LOG, respelled

WALL_SECONDS = 20.0
SLOW = 2.0  # seconds after which it is told that SymPy is waited for
NOTHING: Mapping[int, Any] = {}


class Symbolic(NamedTuple):
    """What SymPy answered.

    Attributes:
        formulas: By node id; missing when SymPy did not finish.
        numbers: By node id; None where the formula is not usable at this point.
        route: ``function`` (the inlined function) or ``chain`` (step by step).
        failure: Why there is no answer, or None.
        steps: What each use sends back: step, position, in matrix notation, by index.
        proved: Whether a claim was proved.
        chained: Formulas with the derivatives by named steps.
        by_index: By node id, number by number: for a reader, and in the language.
        over: Long formulas once more, over the slopes of the steps that use the node.
    """

    formulas: dict[int, str]
    numbers: dict[int, float | None]
    route: str = "function"
    failure: str | None = None
    steps: Sequence[tuple[int, int, str, str]] = ()
    proved: bool = False
    inverses: Sequence[tuple[str, str]] = ()
    chained: Mapping[int, str] = {}
    by_index: Mapping[int, tuple[str, str]] = {}
    over: Mapping[int, str] = {}


class _Child(NamedTuple):
    """A running process: where jobs go in, where answers come out, and how it is ended."""

    requests: BinaryIO
    answers: BinaryIO
    end: Callable[[], object]


Row = tuple[str | None, tuple[int, ...], str, str | None, float, str | None]
"""A node as plain values: primitive, operands, kind, name, value, label."""


class SymbolicProcess:
    """A process that imports SymPy at once and then waits for one job after the other.

    A request is answered before the next is made; a process that a limit has ended is started anew.

    Args:
        fork: Fork this process (fast; only while it has a single thread) or start a new one.
    """

    def __init__(self, *, fork: bool) -> None:
        fork = fork and hasattr(os, "fork") and "jax" not in sys.modules  # which has threads of its own
        self._child: _Child | None = _forked() if fork else _started()
        self._owes = False
        self._logarithm = LOG

    def request(
        self,
        graph: Graph,
        inputs: Mapping[str, float] | None,
        wanted: Sequence[int],
        needed: Sequence[bool],
        *,
        inline: bool = False,
        large: bool = False,
        unrolled: bool = False,
    ) -> None:
        """Send a job: formulas for the wanted nodes and, with ``inputs``, their numbers.

        Of an unrolled graph, which has no text, there are numbers alone.
        """
        self._send(
            "gradient",
            graph,
            inputs=dict(inputs) if inputs is not None else None,
            wanted=list(wanted),
            needed=list(needed),
            inline=inline,
            large=large,
            output=graph.output,
            rows=listed(graph) if unrolled else None,
        )

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
            "higher",
            graph,
            inputs=dict(inputs) if inputs is not None else None,
            directions=[[list(weights) for weights in along] for along in directions],
            large=large,
        )

    def request_forms(
        self,
        graph: Graph,
        wanted: Sequence[int],
        shares: Sequence[int] = (),
        names: str = "own",
        places: Mapping[int, Sequence[str]] = NOTHING,
        sizes: Mapping[int, str] = NOTHING,
    ) -> None:
        """Send a job: the derivative by nodes of a program with arrays, in matrix notation.

        Args:
            graph: The computation, with the shape of every node; its output is a number, or a vector.
            wanted: Node ids.
            shares: Nodes of targets whose rows add up to 1.
            names: Which steps formulas call by name: the user's ``own``, ``inputs`` alone, or ``all``, with
                what each step sends back then.
            places: The indices of nodes whose derivative is looked for number by number, too.
            sizes: What lengths of axes are called that are not known.
        """
        arrays = [(node.shape, dict(node.static)) for node in graph.nodes]
        self._send(
            "forms", graph, rows=listed(graph), output=graph.output, arrays=arrays, wanted=list(wanted),
            shares=list(shares), names=names, places={k: tuple(x) for k, x in places.items()},
            sizes=dict(sizes),
        )  # fmt: skip

    def request_implicit(
        self,
        graph: Graph,
        equations: Sequence[int],
        solved: Sequence[str],
        by: Sequence[str],
        order: int,
        inputs: Mapping[str, float] | None,
        *,
        inverse: bool = False,
    ) -> None:
        """Send a job: what equations are solved for, differentiated; see `implicit.implicit`."""
        self._send(
            "implicit", graph, rows=listed(graph), output=graph.output, equations=list(equations),
            solved=list(solved), by=list(by), order=order,
            inputs=dict(inputs) if inputs is not None else None, inverse=inverse,
        )  # fmt: skip

    def request_limit(
        self, graph: Graph, name: str, x: float, inputs: Mapping[str, float], ways: Sequence[int]
    ) -> None:
        """Send a job: what the output tends to as an input comes to x, from below (-1) and above (1)."""
        self._send(
            "limit", graph, rows=listed(graph), output=graph.output, name=name, x=x, inputs=dict(inputs),
            ways=list(ways),
        )  # fmt: skip

    def request_proof(
        self, graph: Graph, of: int, by: Sequence[int], claim: Graph, names: Mapping[str, int]
    ) -> None:
        """Send a job: whether node ``of``, differentiated by nodes, equals a formula.

        Args:
            graph: The computation.
            of: The node.
            by: The nodes to differentiate by; none for its value.
            claim: The formula's own graph.
            names: The node of ``graph`` for each input of the claim.
        """
        self._send(
            "proof",
            graph,
            of=of,
            by=list(by),
            claim=claim.source.text,
            claim_bound=list(claim.inputs),
            names=dict(names),
        )

    def _send(self, kind: str, graph: Graph, **job: Any) -> None:
        if self._owes:  # whoever asked was interrupted: the answer would be taken for that to this job
            self.close()
        self._logarithm = graph.logarithm
        job = {"kind": kind, "text": graph.source.text, "bound": list(graph.inputs), "large": False, **job}
        for _ in range(2):  # writing to a process finds out that it has ended since its last answer
            # not forked: there may be threads by now
            self._child = child = self._child or _started()
            try:
                marshal.dump(job, child.requests)
                child.requests.flush()
            except OSError:
                self.close()
            else:
                self._owes = True
                return

    def answer(self, seconds: float = WALL_SECONDS) -> Symbolic:
        """Wait so long for the answer to the last job."""
        failure = "SymPy ran out of time or memory"
        if self._child is not None:
            if _waited(self._child.answers, seconds):
                with contextlib.suppress(EOFError, ValueError, TypeError, OSError):
                    found, last = marshal.load(self._child.answers)
                    self._owes = False
                    if last:
                        self.close()
                    return Symbolic(**_spelled(found, self._logarithm))
            else:
                failure = "SymPy did not finish in time"
        self.close()
        return Symbolic({}, {}, failure=failure)

    def close(self) -> None:
        """End the process."""
        if self._child is not None:
            self._child.end()
            for pipe in (self._child.requests, self._child.answers):
                with contextlib.suppress(OSError):
                    pipe.close()
        self._child, self._owes = None, False


def _spelled(found: Any, logarithm: str) -> Any:
    """Return an answer whose formulas call the logarithm so."""
    if isinstance(found, str):
        return respelled(found, logarithm)
    if isinstance(found, (list, tuple)):
        return type(found)(_spelled(x, logarithm) for x in found)
    return {key: _spelled(x, logarithm) for key, x in found.items()} if isinstance(found, dict) else found


def listed(graph: Graph) -> list[Row]:
    """Return a graph as plain values, from which `jobs` builds it again."""
    return [
        (node.op.name if node.op else None, node.inputs, node.kind, node.name, node.value, node.label)
        for node in graph.nodes
    ]


BEAT = 0.25
"""Seconds between two looks at the clock, where somebody watches."""


def _waited(answers: Any, seconds: float) -> bool:
    """Whether an answer comes in time; who watches hears of the seconds."""
    watch = WATCH.get()
    if watch is None:
        return _ready(answers, seconds)
    began, ready = time.monotonic(), False
    try:
        while not ready and (waited := time.monotonic() - began) < seconds:
            ready = _ready(answers, min(BEAT, seconds - waited))
            if waited > SLOW:
                watch("SymPy differentiates, second", int(waited) + 1, int(seconds))
    finally:
        watch("", 0, None)
    return ready


def _ready(answers: Any, seconds: float) -> bool:
    if os.name == "nt":  # select() knows sockets only there
        import threading

        waiting = threading.Thread(target=answers.peek, args=(1,), daemon=True)
        waiting.start()
        waiting.join(seconds)
        return not waiting.is_alive()
    import select

    return bool(select.select([answers], [], [], seconds)[0])


def _started() -> _Child:
    """Start a Python that serves, with pipes to its stdin and stdout.

    Nothing is imported from the current folder (``-P``): a file there may be called as one of our libraries.
    """
    import subprocess

    package = os.path.abspath(__file__).rsplit(os.sep, 4)[0]
    # the parent may have found us where a new Python does not look; last, as other things lie beside us
    code = f"import sys; sys.path.append(sys.argv[1]); from {__package__}.server import serve; serve()"
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", code, package],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin is not None
    assert process.stdout is not None

    def end() -> None:
        process.kill()
        process.wait()

    return _Child(process.stdin, process.stdout, end)  # type: ignore[arg-type]


def _forked() -> _Child:
    """Fork this process; the child becomes a server."""
    request_out, request_in = os.pipe()
    answer_out, answer_in = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(request_in)
        os.close(answer_out)
        _become_server(request_out, answer_in)
    os.close(request_out)
    os.close(answer_in)

    def end() -> None:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    return _Child(os.fdopen(request_in, "wb"), os.fdopen(answer_out, "rb"), end)


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
        from .server import answer_jobs

        answer_jobs(os.fdopen(requests, "rb"), os.fdopen(answers, "wb"))
    finally:
        os._exit(0)


def _above_two(descriptor: int) -> int:
    while descriptor <= 2:
        descriptor = os.dup(descriptor)
    return descriptor
