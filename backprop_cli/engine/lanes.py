"""Numbers in the lanes of a vector: arithmetic on them is written as LLVM's instructions.

What is written twice is there once, so that functions of one argument share what they have in common.

Source:
    The LLVM Language Reference Manual; Aho, Lam, Sethi and Ullman, Compilers (2006), section 8.5, on value
    numbers.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

SHIFTER = 1.5 * 2.0**52
"""Added to a number below 2^51 it rounds that to a whole one, which the last bits then hold."""


class Lane:
    """A vector of numbers, of integers as wide (their bits), or of truths.

    Args:
        lanes: Where it is written.
        kind: LLVM's type of one element.
        name: Of the instruction, or the constant.
        value: Of a number that is the same in every lane, and known.
    """

    __slots__ = ("kind", "lanes", "name", "value")

    def __init__(self, lanes: Lanes, kind: str, name: str, value: float | None = None) -> None:
        self.lanes, self.kind, self.name, self.value = lanes, kind, name, value

    def __add__(self, other: Any) -> Lane:
        return self.lanes.binary("add", self, other)

    def __radd__(self, other: Any) -> Lane:
        return self.lanes.binary("add", self, other)

    def __sub__(self, other: Any) -> Lane:
        return self.lanes.binary("sub", self, other)

    def __rsub__(self, other: Any) -> Lane:
        return self.lanes.binary("sub", self.lanes.like(self, other), self)

    def __mul__(self, other: Any) -> Lane:
        return self.lanes.binary("mul", self, other)

    def __rmul__(self, other: Any) -> Lane:
        return self.lanes.binary("mul", self, other)

    def __truediv__(self, other: Any) -> Lane:
        return self.lanes.binary("div", self, other)

    def __rtruediv__(self, other: Any) -> Lane:
        return self.lanes.binary("div", self.lanes.like(self, other), self)

    def __neg__(self) -> Lane:
        return self.lanes.write(self.kind, f"fneg {self.lanes.type(self.kind)} {self.name}")

    def __abs__(self) -> Lane:
        return self.lanes.intrinsic("fabs", self)

    def __and__(self, other: Any) -> Lane:
        return self.lanes.binary("and", self, other)

    def __or__(self, other: Any) -> Lane:
        return self.lanes.binary("or", self, other)

    def __xor__(self, other: Any) -> Lane:
        return self.lanes.binary("xor", self, other)

    def __lshift__(self, bits: int) -> Lane:
        return self.lanes.binary("shl", self, bits)

    def __rshift__(self, bits: int) -> Lane:
        return self.lanes.binary("lshr", self, bits)

    # truths; of nan none but __ne__ holds

    def __lt__(self, other: Any) -> Lane:
        return self.lanes.compare("olt", self, other)

    def __le__(self, other: Any) -> Lane:
        return self.lanes.compare("ole", self, other)

    def __gt__(self, other: Any) -> Lane:
        return self.lanes.compare("ogt", self, other)

    def __ge__(self, other: Any) -> Lane:
        return self.lanes.compare("oge", self, other)

    def __eq__(self, other: object) -> Lane:  # type: ignore[override]
        return self.lanes.compare("oeq", self, other)

    def __ne__(self, other: object) -> Lane:  # type: ignore[override]
        return self.lanes.compare("une", self, other)


class Lanes:
    """Writes instructions over vectors.

    Args:
        width: Elements of a vector.
        kind: LLVM's type of a number.
        prefix: Of the names of values.
    Attributes:
        lines: The instructions so far.
        declared: Functions that they call, as LLVM declares them.
    """

    def __init__(self, width: int, kind: str = "double", prefix: str = "v") -> None:
        self.width = width
        self.prefix = prefix
        self.kind = kind
        self.bits_kind, self.bytes = ("i64", 8) if kind == "double" else ("i32", 4)
        self.lines: list[str] = []
        self.declared: dict[str, None] = {}
        self._known: dict[str, Lane] = {}
        self._truths: dict[str, Lane] = {}

    def type(self, kind: str) -> str:
        """Return LLVM's type of a vector."""
        return f"<{self.width} x {kind}>"

    def write(self, kind: str, text: str) -> Lane:
        """Return what an instruction gives, written unless it is there."""
        lane = self._known.get(text)
        if lane is None:
            lane = self._known[text] = Lane(self, kind, f"%{self.prefix}{len(self.lines)}")
            self.lines.append(f"{lane.name} = {text}")
        return lane

    def at(self, array: str, place: str) -> str:
        """Write where a number of an array is, and return its name."""
        name = f"%{self.prefix}{len(self.lines)}"
        self.lines.append(f"{name} = getelementptr {self.kind}, ptr {array}, i64 {place}")
        return name

    def load(self, place: str) -> Lane:
        """Write the numbers from a place on."""
        return self.write(self.kind, f"load {self.type(self.kind)}, ptr {place}, align {self.bytes}")

    def store(self, x: Lane, place: str) -> None:
        """Write where numbers go."""
        self.lines.append(f"store {self.type(x.kind)} {x.name}, ptr {place}, align {self.bytes}")

    def everywhere(self, place: str) -> Lane:
        """Write the number at a place, in every lane."""
        type_ = self.type(self.kind)
        one = self.write(self.kind, f"load {self.kind}, ptr {place}, align {self.bytes}")
        first = self.write(self.kind, f"insertelement {type_} poison, {self.kind} {one.name}, i32 0")
        mask = f"{self.type('i32')} zeroinitializer"
        return self.write(self.kind, f"shufflevector {type_} {first.name}, {type_} poison, {mask}")

    def number(self, x: float) -> Lane:
        """Return a number in every lane."""
        (bits,) = struct.unpack("<Q", struct.pack("<d", x))
        return Lane(self, self.kind, f"splat ({self.kind} 0x{bits:016X})", x)

    def like(self, lane: Lane, x: Any) -> Lane:
        """Return an operand beside another: what is no lane yet becomes one of its kind."""
        if isinstance(x, Lane):
            return x
        return self.number(x) if lane.kind == self.kind else Lane(self, lane.kind, f"splat ({lane.kind} {x})")

    def binary(self, name: str, a: Lane, b: Any) -> Lane:
        """Write an operation on two vectors of one kind."""
        name = "f" + name if a.kind == self.kind else name
        return self.write(a.kind, f"{name} {self.type(a.kind)} {a.name}, {self.like(a, b).name}")

    def compare(self, how: str, a: Lane, b: Any) -> Lane:
        """Write a comparison; of integers ``une`` alone."""
        how = f"fcmp {how}" if a.kind == self.kind else "icmp ne"
        return self.write("i1", f"{how} {self.type(a.kind)} {a.name}, {self.like(a, b).name}")

    def intrinsic(self, name: str, *operands: Lane) -> Lane:
        """Write a function that LLVM has for vectors."""
        type_ = self.type(self.kind)
        full = f"@llvm.{name}.v{self.width}{'f64' if self.kind == 'double' else 'f32'}"
        self.declared[f"declare {type_} {full}({', '.join([type_] * len(operands))})"] = None
        return self.write(
            self.kind, f"call {type_} {full}({', '.join(f'{type_} {x.name}' for x in operands)})"
        )

    def fma(self, a: Any, b: Lane, c: Any) -> Lane:
        """Write a*b + c, rounded once."""
        return self.intrinsic("fma", self.like(b, a), b, self.like(b, c))

    def sqrt(self, x: Lane) -> Lane:
        """Write the square root, rounded once."""
        return self.intrinsic("sqrt", x)

    def copysign(self, size: Any, sign: Lane) -> Lane:
        """Write a number with the sign of another."""
        return self.intrinsic("copysign", self.like(sign, size), sign)

    def where(self, c: Lane, a: Any, b: Any) -> Lane:
        """Write a where a truth holds, else b."""
        lane = a if isinstance(a, Lane) else b if isinstance(b, Lane) else self.number(0.0)
        a, b = self.like(lane, a), self.like(lane, b)
        type_ = self.type(a.kind)
        return self.write(a.kind, f"select {self.type('i1')} {c.name}, {type_} {a.name}, {type_} {b.name}")

    def as_number(self, x: Lane) -> Lane:
        """Write a truth as 1 or 0, and leave a number."""
        if x.kind != "i1":
            return x
        y = self.where(x, 1.0, 0.0)
        self._truths[y.name] = x
        return y

    def truth(self, x: Lane) -> Lane:
        """Return whether a number is not 0; the truth itself of one that was written as a number."""
        return self._truths.get(x.name) or x != 0.0

    def bits(self, x: Lane) -> Lane:
        """Write a number's bits as an integer."""
        return self._cast(x, self.bits_kind)

    def of_bits(self, x: Lane) -> Lane:
        """Write the number that an integer's bits are."""
        return self._cast(x, self.kind)

    def _cast(self, x: Lane, kind: str) -> Lane:
        return self.write(kind, f"bitcast {self.type(x.kind)} {x.name} to {self.type(kind)}")

    def power_of_two(self, k: Lane) -> Lane:
        """Write 2^k, by its bits, for a whole k from -1022 to 1023."""
        return self.of_bits(self.bits(k + (SHIFTER + 1023.0)) << 52)

    def polynomial(self, coefficients: Sequence[float], x: Lane) -> Lane:
        """Write a polynomial, its coefficients from the constant up, by Horner's rule."""
        *rest, total = map(self.number, coefficients)
        for c in reversed(rest):
            total = self.fma(total, x, c)
        return total

    def one_by_one(self, name: str, *operands: Lane) -> Lane:
        """Write calls of a function of C's library, one a lane."""
        kind, type_ = self.kind, self.type(self.kind)
        self.declared[f"declare {kind} @{name}({', '.join([kind] * len(operands))})"] = None
        found = "poison"
        for i in range(self.width):
            parts = [self.write(kind, f"extractelement {type_} {x.name}, i32 {i}") for x in operands]
            y = self.write(kind, f"call {kind} @{name}({', '.join(f'{kind} {p.name}' for p in parts)})")
            found = self.write(kind, f"insertelement {type_} {found}, {kind} {y.name}, i32 {i}").name
        return Lane(self, kind, found)
