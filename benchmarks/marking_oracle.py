"""What holds `check`'s collections and its rule for numbers, without `check`.

    python benchmarks/marking_oracle.py forms [benchmarks/marking/fresh.txt ...]
    python benchmarks/marking_oracle.py numbers [--count 2000] [--seed 0]

forms    behind a claim of a collection stands what it is in plain writing, ``# = 2*x*cos(x**2)``: SymPy reads
         program and form, differentiates, and says whether the claim is right
numbers  random numbers, written well and badly, judged by the rule of docs/check.md in decimals
         and by `check`

Prints what differs, and exits 1 where anything does.
"""

from __future__ import annotations

import argparse
import random
import re
import sys
from collections.abc import Iterator
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from pathlib import Path

import sympy
from sympy.parsing.sympy_parser import (
    convert_xor,
    implicit_multiplication,
    parse_expr,
    standard_transformations,
)

from backprop_cli.api.programs import bound
from backprop_cli.checking.people import of_program

FILES = sorted((Path(__file__).resolve().parent / "marking").glob("fresh*.txt"))

# ------------------------------------------------------------------------------------------------- forms

CALLED = {
    "ln": sympy.log,
    "log2": lambda x: sympy.log(x, 2),
    "cbrt": lambda x: x ** sympy.Rational(1, 3),
    "sigmoid": lambda x: 1 / (1 + sympy.exp(-x)),
    "relu": lambda x: sympy.Max(0, x),
    "max": sympy.Max,
    "e": sympy.E,
}
READS = (*standard_transformations, implicit_multiplication, convert_xor)
EXACTLY, ROUGHLY = 1e-9, 6e-5
"""Relative differences: of forms, and of numbers that are written to six digits or so."""
POINTS = 4


class Program:
    """A program as SymPy has it: steps in order, each an expression of those before it."""

    def __init__(self, line: str) -> None:
        text, _, at = line.partition(" | ")
        pairs = (pair.split("=") for pair in at.split(",") if pair)
        self.point = {name.strip(): float(x) for name, x in pairs}
        named = (re.fullmatch(r"\s*(\w+)\s*=(?!=)(.+)", part) for part in text.split(";"))
        steps = [(m[1], m[2]) if m else ("f", text) for m in named]
        words = {
            w for _, step in steps for w in re.findall(r"[A-Za-z]\w*", re.sub(r"(?<=\d)(?=[a-z])", " ", step))
        }
        variables = {w for w in words if w not in CALLED and not hasattr(sympy, w)} | {*self.point}
        self.symbols = {w: sympy.Symbol(w, real=True) for w in variables | {name for name, _ in steps}}
        self.steps = {name: self.read(step) for name, step in steps}
        self.output = steps[-1][0]
        self.inputs = [name for name in self.symbols if name not in self.steps]

    def read(self, text: str) -> sympy.Expr:
        """Read an expression."""
        return parse_expr(text, local_dict={**CALLED, **self.symbols}, transformations=READS)

    def written_out(self, what: sympy.Expr, kept: tuple[str, ...] = ()) -> sympy.Expr:
        """Return an expression with the steps put in, but for those kept as variables."""
        for name in reversed(self.steps):
            if name not in kept:
                what = what.subs(self.symbols[name], self.steps[name])
        return what

    def asked(self, left: str) -> sympy.Expr:
        """Return the quantity on the left of a claim."""
        plain = re.sub(r"\\frac\{\\partial (\w+)\}\{\\partial (\w+)\}", r"d\1/d\2", left.strip())
        plain = plain.replace("∂", "d").replace("²", "2")
        if m := re.fullmatch(r"(\w)('*)\((.+)\)", plain):
            (x,) = self.inputs
            found = self.slope(self.output, *[x] * len(m[2]))
            return found if m[3] == x else found.subs(self.symbols[x], int(m[3]))
        if m := re.fullmatch(r"d2(\w+)/d(\w)2", plain):
            return self.slope(m[1], m[2], m[2])
        if m := re.fullmatch(r"d2(\w+)/d(\w)d(\w)", plain):
            return self.slope(m[1], m[2], m[3])
        if m := re.fullmatch(r"d(\w+)/d(\w+)", plain):
            return self.slope(m[1], m[2].replace("_", ""))
        if m := re.fullmatch(r"(\w)_\{?(\w+?)\}?", plain):
            by = m[2].replace("_", "")
            if m[1] + by in self.inputs:
                return self.slope(self.output, m[1] + by)
            return self.slope(m[1], *([by] if by in self.symbols else by))
        return self.slope(plain) if plain in self.steps else self.slope(self.output, plain)

    def slope(self, of: str, *by: str) -> sympy.Expr:
        """Return a step, or its derivative."""
        found = self.written_out(self.symbols[of], by)
        return self.written_out(sympy.diff(found, *(self.symbols[name] for name in by)) if by else found)

    def at(self, what: sympy.Expr, point: dict[str, float]) -> complex:
        """Return an expression's number."""
        plain = self.written_out(what)
        return complex(plain.subs({self.symbols[name]: x for name, x in point.items()}).evalf(30))


def forms(path: Path) -> Iterator[str]:
    """Yield what is to be said of each claim of a collection: "" where it is what people said."""
    rng = random.Random(path.name)
    program: Program | None = None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text, _, form = line.partition("# ")
        if not line[:1].isspace():
            program = (
                Program(text.strip()) if text.strip() and "[" not in text and ".yaml" not in text else None
            )
            continue
        word, claim, *_ = re.split(r"\s{2,}", text.strip())
        if program is None or word not in ("right", "wrong") or not form:
            continue
        inputs = program.inputs
        points = [program.point] if inputs == [*program.point] or program.point else [
            {name: rng.uniform(0.3, 0.9) for name in inputs} for _ in range(POINTS)
        ]  # fmt: skip
        asked, given = program.asked(claim.partition("=")[0]), program.read(form.lstrip("= "))
        near = ROUGHLY if re.fullmatch(r"(= )?-?\d+\.\d{4,}", form.strip()) else EXACTLY
        pairs = [(program.at(asked, p), program.at(given, p)) for p in points]
        (right, claimed), same = pairs[0], all(abs(x - y) <= near * abs(x) for x, y in pairs)
        differs = f"{path.name}:{number}: {word}, but {claim}: {right.real:.9g}, {claimed.real:.9g}"
        yield "" if same == (word == "right") else differs


# ----------------------------------------------------------------------------------------------- numbers

LEAST, COUNTED, CALCULATED = 3, 1000, 6
"""Digits asked for; whole numbers below this are counted; digits from which the last ones may be off."""
FITS = {
    "right": ("right", "rounded"),
    "short": ("short", "named"),
    "close": ("close", "named"),
    "wrong": ("wrong", "named"),
}


def size(x: Decimal, digits: int) -> Decimal:
    """Return one in the last of so many digits."""
    return Decimal(1).scaleb(x.adjusted() - digits + 1)


def holds(value: Decimal, right: Decimal) -> int:
    """Return how many digits hold: the difference is half of one in the last of them at most."""
    return next((k for k in range(17) if abs(value - right) > size(right, k + 1) / 2), 17)


def by_the_rule(text: str, right: Decimal) -> str:
    """Judge a written number as docs/check.md says."""
    plain = Decimal(text.rstrip("%").replace(",", "."))
    value = plain.scaleb(-2) if text.endswith("%") else plain
    if value == right:
        return "right"
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    whole, digits = exponent >= 0, len("".join(map(str, value.as_tuple().digits)).lstrip("0")) or 1
    unit = Decimal(1).scaleb(min(exponent, 0))
    if whole:
        written = str(abs(int(value)))
        zeros = len(written) - len(written.rstrip("0")) if value else 0
        readings = [(Decimal(1), len(written)), (Decimal(10) ** zeros, len(written) - zeros)]
        fits = [
            n
            for u, n in readings
            if abs(value - right) <= u / 2 and (n > 1 or abs(value - right) <= abs(right) / 10)
        ]
        if fits and not (right == right.to_integral_value() and max(abs(value), abs(right)) < COUNTED):
            return "right" if fits[0] >= LEAST else "short"
    else:
        cut = abs(right).quantize(unit, rounding=ROUND_DOWN) == abs(value) and value * right > 0
        if abs(value - right) <= unit / 2 or (cut and digits >= LEAST):
            return "right" if digits >= LEAST else "short"
    held, needed = holds(value, right), len(right.normalize().as_tuple().digits)
    if held < LEAST or (held < CALCULATED and (whole or needed <= digits)):
        return "wrong"
    return "close"


def numbers(count: int, seed: int) -> Iterator[str]:
    """Yield what is to be said of random numbers: "" where `check` judges by the rule."""
    rng = random.Random(seed)
    for _ in range(count):
        right = rng.choice((
            lambda: Decimal(rng.randrange(2, 3000)),
            lambda: Decimal(rng.randrange(11, 99999)).scaleb(-rng.randrange(1, 4)),
            lambda: Decimal(str(rng.uniform(1, 10))).scaleb(rng.randrange(-4, 5)) * rng.choice((1, -1)),
        ))()  # fmt: skip
        digits = rng.randrange(1, 9)
        rounded = right.quantize(size(right, digits), rounding=rng.choice((ROUND_HALF_UP, ROUND_DOWN)))
        off = rng.choice((0, 0, -1, 1, 3, -4)) * size(right, digits)
        written = (
            f"{rng.choice((rounded, rounded + off, right.to_integral_value() + rng.randrange(-1, 3))):f}"
        )
        if rng.random() < 0.2:
            written = f"{Decimal(written) * 100:f}%"
        decimals = len(written.rstrip("%").partition(".")[2])
        if decimals not in (0, 3) and rng.random() < 0.2:  # 1,234 has two readings
            written = written.replace(".", ",")
        if not Decimal(written.rstrip("%").replace(",", ".")):
            continue
        subject = of_program(*bound("f = x + 0*y", {"x": float(right), "y": 1.7}, {}), least_digits=LEAST)
        (verdict,) = subject.judged([("f", written)], False)
        ours = by_the_rule(written, right)
        judged = verdict.credit in FITS[ours]
        yield "" if judged else f"{right}: {written} is {ours}, judged {verdict.credit}: {verdict.says}"


def main() -> int:
    """Print what differs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("forms", "numbers"))
    parser.add_argument("files", nargs="*", type=Path, default=FILES)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.what == "forms":
        found = [fault for path in args.files for fault in forms(path)]
    else:
        found = [*numbers(args.count, args.seed)]
    differ = [*filter(None, found)]
    print("\n".join([*differ, f"{len(differ)} of {len(found)} differ"]))
    return int(bool(differ))


if __name__ == "__main__":
    sys.exit(main())
