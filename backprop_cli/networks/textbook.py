"""What textbooks call the numbers of a network: units h1 and o1, weights w1, w2 ..., all counted from 1.

As in Matt Mazur's "A Step by Step Backpropagation Example": net_h1 comes into a unit, out_h1 goes out.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..explanation.names import Name
from .network import LayerNetwork

SIDES = {"z": "net", "y": "out", "p": "out"}
"""What a unit's weighted sum is called, and its activation or probability."""


class _Layer(NamedTuple):
    letter: str
    units: int  # before its own
    weights: int
    inputs: int


class Textbook:
    """Names for a network whose layers are weighted sums.

    Hidden units and weights are counted through all layers, unit by unit.

    Args:
        network: The network.
    """

    def __init__(self, network: LayerNetwork) -> None:
        self._layers: dict[str, _Layer] = {}
        units = weights = 0
        for piece in network.pieces:
            assert piece.layer.dense
            last, inputs = piece is network.pieces[-1], int(np.prod(piece.before))
            self._layers[piece.name] = _Layer("o" if last else "h", 0 if last else units, weights, inputs)
            units += piece.after[0]
            weights += piece.after[0] * inputs

    def unit(self, layer: str, k: int) -> str:
        """Return what a unit is called: ``h1``."""
        found = self._layers[layer]
        return f"{found.letter}{found.units + k + 1}"

    def layer(self, name: str, units: int) -> dict[str, list[str]]:
        """Return what all of a layer is called, part by part; its weights unit by unit."""
        inputs = range(self._layers[name].inputs)
        own = {part: [self(Name(part, name, (k,))) for k in range(units)] for part in (*SIDES, "b")}
        weights = [self(Name("w", name, (k,), (i,))) for k in range(units) for i in inputs]
        return {"units": [self.unit(name, k) for k in range(units)], "w": weights, **own}

    def __call__(self, name: Name) -> str:
        """Return what a number is called; "" for what has no such name."""
        if not name.layer and name.place:
            place = name.place[0] + 1
            return {"x": f"i{place}", "t": f"target_o{place}"}.get(name.part, "")
        if name.layer not in self._layers or not name.unit:
            return ""
        found, own = self._layers[name.layer], self.unit(name.layer, name.unit[0])
        if name.part == "w":
            return f"w{found.weights + name.unit[0] * found.inputs + name.place[0] + 1}"
        if name.part == "b":
            return f"b_{own}"
        return f"{SIDES[name.part]}_{own}" if name.part in SIDES else ""
