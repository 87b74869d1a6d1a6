"""A proof that two formulas are equal, by SymPy: it is handed graphs of ours, never a student's text."""

from __future__ import annotations

from ..differentiation.symbolic.session import Session
from ..graph import Graph
from .answers import Answer, Target

SECONDS = 8.0
"""Wall time for one proof; its processor time is limited in the process itself."""

MOST_NODES = 120


class Prover:
    """Proves equalities, one after the other; what takes too long is not proved.

    Args:
        graph: The computation.
        session: Lends the process that has SymPy.
    """

    def __init__(self, graph: Graph, session: Session) -> None:
        self.graph = graph
        self.session = session

    def __call__(self, target: Target, answer: Answer) -> bool:
        """Return whether a claimed formula was proved equal to a quantity."""
        if len(self.graph) > MOST_NODES or answer.graph is None:
            return False
        with self.session.lend() as process:
            process.request_proof(self.graph, target.of, target.by, answer.graph, answer.names)
            return process.answer(SECONDS).proved
