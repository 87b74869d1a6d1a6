"""Pages that work a network by hand: no right number called wrong, spoiled ones and mistakes found."""

from __future__ import annotations

import sys

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))
import worked

SPOILED = 4
"""Numbers of a page that are spoiled, one after the other; the benchmark spoils them all in three ways."""


@pytest.mark.parametrize("name", worked.NETWORKS)
def test_pages_that_work_a_network(name: str) -> None:
    for place, given in enumerate(worked.points(name, 2)):
        article = worked.checked(name, worked.filled(name, given, carry=bool(place)))
        assert article.wrong == ()
        assert article.missed == ()
    count = worked.claims(name)
    for k, spoil in enumerate(range(0, count, count // SPOILED)):
        assert worked.checked(name, worked.filled(name, given, spoil=spoil, how=k % worked.WAYS)).wrong
    for mistake in worked.NETWORKS[name].mistakes:
        assert worked.checked(name, worked.filled(name, given, mistake=mistake)).wrong, mistake
