"""The kinds of jobs for SymPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...graph import Graph
from ...language.lower import lower
from ...language.parser import parse
from .formulas import formulas
from .higher import higher
from .numbers import numbers
from .proof import equal

Job = dict[str, Any]
Found = dict[str, Any]
"""The fields of `process.Symbolic`, filled as far as SymPy comes."""


def work(job: Job, found: Found) -> None:
    """Do one job.

    Args:
        job: Its kind, the program's text and what the kind asks for, from `process.SymbolicProcess`.
        found: Gets the answer.
    """
    found.update(formulas={}, numbers={})
    try:
        graph = lower(parse(job["text"], large=job["large"]), job["bound"], large=job["large"])
        JOBS[job["kind"]](graph, job, found)
    except MemoryError:
        found["failure"] = "SymPy ran out of memory"
    except Exception as error:  # SymPy raises all kinds; its column says so and the others stand
        found["failure"] = f"SymPy failed ({type(error).__name__})"


def _gradient(graph: Graph, job: Job, found: Found) -> None:
    found["formulas"] = formulas(graph, job["wanted"], inline=job["inline"])
    if job["inputs"] is not None:
        found["numbers"], found["route"] = numbers(graph, job["inputs"], job["wanted"], job["needed"])


def _higher(graph: Graph, job: Job, found: Found) -> None:
    higher(graph, job["inputs"], job["directions"], found)


def _proof(graph: Graph, job: Job, found: Found) -> None:
    claim = lower(parse(job["claim"]), job["claim_bound"])
    found["proved"] = equal(graph, job["of"], job["by"], claim, job["names"])


JOBS: dict[str, Callable[[Graph, Job, Found], None]] = {
    "gradient": _gradient,
    "higher": _higher,
    "proof": _proof,
}
