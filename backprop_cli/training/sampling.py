"""Texts that a model of characters goes on with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf

import numpy as np

from ..errors import UsageError
from ..networks.network import NDArray
from ..networks.programmed import ProgramNetwork
from ..networks.random import stream
from .data.encoding import listed
from .model import Model

BEGIN = "\n"
"""What comes before a text of which nothing is given: the end of a line, where there are lines."""
MOST = 1_000_000
"""Characters that are asked for at once."""

After = Callable[[Sequence[int]], NDArray]
"""Returns what a model says of the character after these, which follow those of the calls before."""


def is_of_text(model: Model) -> bool:
    """Whether a model learned from the characters of a text."""
    folding = model.encoding.folding
    return folding is not None and folding.by is None


def goes_on(model: Model, count: int, temperature: float, start: str, seed: int) -> str:
    """Return a text's next characters, each drawn by what the model says of it after those before.

    Args:
        model: Trained on a text.
        count: How many characters.
        temperature: What logits are divided by; 0 takes the likeliest character.
        start: The text so far; "" for the beginning of a line.
        seed: Of what is drawn.
    Raises:
        UsageError: for a model of something else, and for characters that it does not know.
    """
    known = model.encoding.vocabulary
    if known is None or not is_of_text(model):
        raise UsageError("--sample is of a model that learned from a text (data.sequence: characters)")
    unknown = next((character for character in start if character not in known), None)
    if unknown is not None:
        raise UsageError(
            f"{unknown!r} is no character of the text that the model learned from",
            hint=f"it has {listed([*map(repr, known)], 24)}",
        )
    if not temperature < inf:
        raise UsageError(f"a temperature is a number from 0 on, not {temperature}")
    rng, after = stream(seed, "sample"), _reader(model)
    logits = after([known.index(character) for character in start or (BEGIN if BEGIN in known else known[0])])
    found: list[int] = []
    while len(found) < count:
        found.append(_drawn(logits, temperature, rng))
        logits = after(found[-1:])
    return "".join(known[i] for i in found)


def _drawn(logits: NDArray, temperature: float, rng: np.random.Generator) -> int:
    """Draw the number of a character."""
    if len(logits) == 1:  # one number tells two apart
        logits = np.array([0.0, logits[0]])
    if not temperature:
        return int(logits.argmax())
    with np.errstate(under="ignore", over="ignore"):
        chances = np.exp((logits - logits.max()) / temperature)
    drawn = np.searchsorted(chances.cumsum(), rng.random() * chances.sum(), "right")
    return int(min(drawn, len(logits) - 1))


def _reader(model: Model) -> After:
    """Return what reads a text: a recurrent net character by character, another its last window."""
    network, runner, encoding = model.runner.network, model.runner, model.encoding
    length = encoding.shape[0]
    read: list[int] = []
    carried: dict[str, NDArray] = {}

    def encoded(ids: Sequence[int]) -> NDArray:
        numbers = np.array([ids])
        return numbers if not encoding.line else np.eye(encoding.line[0])[numbers]

    def carries(ids: Sequence[int]) -> NDArray:
        for i in range(0, len(ids), length):
            logits, found = runner.go_on(encoded(ids[i : i + length]), carried)
            carried.update(found)
        last: NDArray = logits[0, -1]
        return last

    def of_window(ids: Sequence[int]) -> NDArray:
        read.extend(ids)
        window = read[-length:]
        rest = length - len(window)
        logits, other = (runner.go_on(encoded([*window, *[pad] * rest]))[0][0] for pad in (0, 1))
        if not np.array_equal(logits[: len(window)], other[: len(window)]):
            raise UsageError(
                "what the model gives at a step depends on later ones: it cannot go on with a text",
                hint="attention has to be causal",
            )
        last: NDArray = logits[len(window) - 1]
        return last

    return carries if isinstance(network, ProgramNetwork) and network.carries else of_window
