"""What formulas call the natural logarithm, which has two names: the one that was typed."""

from __future__ import annotations

import re

LOG, LN = "log", "ln"
_CALLED = re.compile(rf"(?<![^\W\d])({LN}|{LOG})(?=\s*\()")


def logarithm(text: str) -> str:
    """Return what a text calls it: ``ln`` where that alone is in it."""
    return LN if {found[1] for found in _CALLED.finditer(text)} == {LN} else LOG


def respelled(formula: str, name: str) -> str:
    """Return a formula in which it is called so."""
    return _CALLED.sub(name, formula)
