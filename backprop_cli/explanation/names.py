"""What numbers are called in a derivation: by unit and layer, or as the slope by one."""

from __future__ import annotations

from typing import NamedTuple


class Name(NamedTuple):
    """What a number is called: ``linear1[0].w[2]``, or a slope by it.

    Attributes:
        part: ``z``, ``y``, ``w``, ``b``, ``x`` ...
        layer: The layer of the unit; "" for what belongs to none.
        unit: Which unit of the layer.
        place: Which of the unit's weights, or of the row's inputs.
        of: What it is a slope of (``E`` in dE/dz); "" for the number itself.
        called: A name of its own, ``net_h1``, in place of all that.
    """

    part: str
    layer: str = ""
    unit: tuple[int, ...] = ()
    place: tuple[int, ...] = ()
    of: str = ""
    called: str = ""

    @property
    def owner(self) -> str:
        """``linear1[0]``, or "" for what belongs to no unit."""
        return self.layer + _index(self.unit)

    @property
    def short(self) -> str:
        """``z``, ``w[2]``, ``dE/dz``."""
        quantity = self.called or self.part + _index(self.place)
        return f"d{self.of}/d{quantity}" if self.of else quantity

    @property
    def text(self) -> str:
        """``linear1[0].z``; ``linear1[0]: dE/dz``."""
        if self.called or not self.owner:
            return self.short
        return f"{self.owner}{': ' if self.of else '.'}{self.short}"


def _index(index: tuple[int, ...]) -> str:
    return f"[{','.join(map(str, index))}]" if index else ""
