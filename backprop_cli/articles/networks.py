"""What pages on networks say in words and in notations of their own: which function an activation is."""

from __future__ import annotations

import re

ACTIVATION = "sigma"
"""The name that activation functions have in formulas."""

_NAMED = "relu|sigmoid|logistic|tanh|hyperbolic tangent|the identity"
_OTHERWISE = {"logistic": "sigmoid(x)", "hyperbolic tangent": "tanh(x)", "the identity": "x"}
_CHOSEN = re.compile(
    rf"(?:activation(?:\s+function)?s?\b|\\?\bsigma\b|σ)[^.;|]{{0,60}}?\b(?:is|be|to|as|use|uses|using|the)\s+"
    rf"(?:the\s+|an?\s+)?[`$*]*(?:{_NAMED})\b"
    rf"|\b(?:{_NAMED})\b[^.;|]{{0,30}}?\bas\s+(?:the\s+|our\s+|an?\s+)?activation",
    re.IGNORECASE,
)
_OPEN = re.compile(
    r"\b(?:examples?|such|like|or|popular|common\w*|other|others|instead|not|never|if|could|can|may|might|often|usually"
    r"|leaky|parametric|hidden|output|layer|layers|compare\w*|than|vs|versus|e\.g)\b|\?",
    re.IGNORECASE,
)
"""Words of a sentence that does not choose one for the whole page."""


def activation_in(line: str) -> str | None:
    """Return the function of x that a line of prose chooses for the activation; None where it chooses none.

    A sentence with two of them, or of one layer, chooses none.
    """
    for sentence in re.split(r"(?<=[.;])\s", line):
        words = [n.lower() for n in re.findall(rf"\b(?:{_NAMED})\b", sentence, re.IGNORECASE)]
        named = {_OTHERWISE.get(word, f"{word}(x)") for word in words}
        if len(named) == 1 and _CHOSEN.search(sentence) and not _OPEN.search(sentence):
            return named.pop()
    return None
