"""A proof that two formulas are equal, by SymPy in a process of its own with limits on time and memory.

SymPy is handed trees built from our own graphs, never a student's text.
"""

from __future__ import annotations

import contextlib
import marshal
import sys
import threading
from typing import Any

from ..differentiation.symbolic import STACK, limit_memory, limit_time, server
from ..graph import CONSTANT, Graph
from ..language.lower import lower
from ..language.parser import parse
from .answers import Answer, Target, read_answer

SECONDS = 8.0
"""Wall time for one proof; its processor time is limited in the process itself."""

MOST_NODES = 120


class Prover:
    """Proves equalities, one after the other; what takes too long is not proved."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._process: Any = None

    def __call__(self, target: Target, answer: Answer) -> bool:
        """Return whether a claimed formula was proved equal to a quantity."""
        if len(self.graph) > MOST_NODES or answer.graph is None:
            return False
        job = {
            "text": self.graph.source.text,
            "bound": list(self.graph.inputs),
            "of": target.of,
            "by": list(target.by),
            "claim": answer.text,
        }
        process = self._started()
        try:
            marshal.dump(job, process.stdin)
            process.stdin.flush()
            if not _ready(process.stdout):
                self.close()
                return False
            return bool(marshal.load(process.stdout))
        except (EOFError, ValueError, TypeError, OSError):
            self.close()
            return False

    def _started(self) -> Any:
        if self._process is None or self._process.poll() is not None:
            self._process = server(__name__)
        return self._process

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                with contextlib.suppress(OSError):
                    pipe.close()
            self._process = None


def _ready(stream: Any) -> bool:
    """Wait for an answer."""
    waiting = threading.Thread(target=stream.peek, args=(1,), daemon=True)
    waiting.start()
    waiting.join(SECONDS)
    return not waiting.is_alive()


def serve() -> None:
    """Serve jobs from stdin to stdout."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from ..differentiation import sympy_side

    assert sympy_side is not None
    limit_memory()
    threading.stack_size(STACK)
    sys.setrecursionlimit(30_000)
    while True:
        try:
            job = marshal.load(sys.stdin.buffer)
        except (EOFError, ValueError, TypeError):
            return
        limit_time()
        found: list[bool] = []
        worker = threading.Thread(target=_work, args=(job, found))
        worker.start()
        worker.join()
        marshal.dump(bool(found and found[0]), sys.stdout.buffer)
        sys.stdout.buffer.flush()


def _work(job: dict[str, Any], found: list[bool]) -> None:
    try:
        graph = lower(parse(job["text"]), job["bound"])
        found.append(equal(graph, Target("", job["of"], tuple(job["by"])), read_answer(job["claim"], graph)))
    except Exception:  # SymPy raises all kinds; then nothing is proved
        found.append(False)


def equal(graph: Graph, target: Target, answer: Answer) -> bool:
    """Return whether SymPy finds the difference of a quantity and a formula to be 0."""
    import sympy

    from ..differentiation.sympy_side import Constants, defined, guarded

    def build(own: Graph, leaves: dict[int, Any]) -> list[Any]:
        constants = Constants(own)
        built: list[Any] = []
        for node in own.nodes:
            if node.id in leaves:
                built.append(leaves[node.id])
            elif node.kind == CONSTANT:
                built.append(constants(node.id))
            else:
                assert node.op is not None
                operands = guarded(node.op, [built[i] for i in node.inputs], constants, node.inputs)
                built.append(defined(node.op, operands))
        return built

    symbols = {id: sympy.Symbol(f"x{id}", real=True) for id in graph.inputs.values()}
    values = build(graph, dict(symbols))
    cuts = {id: symbols.get(id) or sympy.Symbol(f"t{id}", real=True) for id in target.by}
    right = build(graph, {**symbols, **cuts})[target.of]
    for id in target.by:
        right = right.diff(cuts[id])
    right = right.xreplace({cuts[id]: values[id] for id in target.by})
    assert answer.graph is not None
    leaves = {id: values[answer.names[name]] for name, id in answer.graph.inputs.items()}
    difference = build(answer.graph, leaves)[answer.graph.output] - right
    if difference == 0 or sympy.expand(difference) == 0:
        return True
    return bool(sympy.simplify(difference) == 0)
