"""A reader of the LaTeX that is printed: a value of every formula, by a reader's rules, not by ours.

It refuses what nobody can read or TeX cannot set: a sign behind an operator, two superscripts on one base,
brackets that do not close.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

_TOKEN = re.compile(
    r"\\left[(|]|\\right[)|]|\\[A-Za-z]+|\\[,;!_ ]|\d+(?:\.\d*)?|[A-Za-zµ]|[-+=<>,'^_{}()\[\]|&]|\s+"
)
RELATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
    r"\le": operator.le,
    r"\ge": operator.ge,
    r"\ne": operator.ne,
}


class Unreadable(Exception):
    """What no reader could take in one way."""


class Unknown(Exception):
    """A name without a value."""


def value(
    latex: str, names: Mapping[str, Any], functions: Mapping[str, Callable[..., Any]], number: Any
) -> Any:
    """Return the value of a formula.

    Args:
        latex: The formula.
        names: Names, as LaTeX writes them, to their values.
        functions: By the names that are written; ``sqrt``, ``cbrt``, ``abs``, ``power`` among them; ``d/d``
            takes a name as LaTeX writes it, and what is differentiated by that.
        number: What makes a number of digits.
    """
    reader = _Reader(latex, names, functions, number)
    found = reader.relation()
    if reader.at < len(reader.tokens):
        raise Unreadable(f"{latex}: {reader.peek()} at its end")
    return found


class _Reader:
    def __init__(
        self, latex: str, names: Mapping[str, Any], functions: Mapping[str, Any], number: Any
    ) -> None:
        self.latex, self.names, self.functions, self.number = latex, names, functions, number
        self.tokens: list[str] = []
        end = 0
        while end < len(latex):
            match = _TOKEN.match(latex, end)
            if match is None:
                raise Unreadable(f"{latex}: {latex[end]!r}")
            self.tokens += [] if match[0].isspace() else [match[0]]
            end = match.end()
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def next(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1]

    def take(self, token: str) -> bool:
        found = self.peek() == token
        self.at += found
        return found

    def expect(self, token: str) -> None:
        if not self.take(token):
            raise Unreadable(f"{self.latex}: {self.peek() or 'the end'} where {token} is needed")

    def relation(self) -> Any:
        left = self.sum()
        sign = self.peek()
        if sign not in RELATIONS:
            return left
        self.next()
        return RELATIONS[sign](left, self.sum())

    def sum(self) -> Any:
        negative = self.take("-")
        total = self.product()
        total = -total if negative else total
        while self.peek() in ("+", "-"):
            minus = self.next() == "-"
            term = self.product()
            total = total - term if minus else total + term
        return total

    def product(self) -> Any:
        product = self.power()
        while True:
            if self.take(r"\cdot") or (
                self.peek()
                and self.peek() not in {"+", "-", ",", "}", "]", "=", "<", ">", *RELATIONS}
                and not (self.peek().startswith(r"\right"))
            ):
                product *= self.power()
            else:
                return product

    def power(self) -> Any:
        base = self.base()
        if not self.take("^"):
            return base
        exponent = self.group()
        if self.peek() == "^":
            raise Unreadable(f"{self.latex}: two superscripts")
        return self.functions["power"](base, exponent)

    def group(self) -> Any:
        self.expect("{")
        found = self.relation()
        self.expect("}")
        return found

    def base(self) -> Any:
        token = self.peek()
        if token[:1].isdigit():
            return self.number(self.next())
        if self.take(r"\left("):
            found = self.relation()
            self.expect(r"\right)")
            return found
        if self.take(r"\left|"):
            found = self.relation()
            self.expect(r"\right|")
            return self.functions["abs"](found)
        if token == r"\frac":
            by = self.operator()
            if by is not None:
                self.expect(r"\left(")
                inner = self.relation()
                self.expect(r"\right)")
                return self.functions["d/d"](by, inner)
            raw = self.raw_fraction()
            if raw is not None:
                return self.known(raw)
            self.next()
            above = self.group()
            return above / self.group()
        if self.take(r"\sqrt"):
            if self.take("["):
                self.expect("3")
                self.expect("]")
                return self.functions["cbrt"](self.group())
            return self.functions["sqrt"](self.group())
        return self.name()

    def operator(self) -> str | None:
        r"""Take ``\frac{d}{dx}`` and return ``x``; a quotient of d and d times x has a sign between both.

        So ``\frac{\partial}{\partial x}``.
        """
        if self.tokens[self.at : self.at + 6] not in [
            [r"\frac", "{", sign, "}", "{", sign] for sign in ("d", r"\partial")
        ]:
            return None
        start = self.at
        self.at += 4
        by = self.raw()[1:-1].removeprefix("d").removeprefix(r"\partial ")
        if by and not by.startswith(r"\cdot") and self.peek() == r"\left(":
            return by
        self.at = start
        return None

    def raw_fraction(self) -> str | None:
        r"""Take ``\frac{\partial y}{\partial x}`` as one name, and what is known as ``\frac{dy}{dx}``."""
        start = self.at
        self.next()
        if self.tokens[self.at : self.at + 1] == ["{"]:
            text = r"\frac" + self.raw()
            text += self.raw() if self.peek() == "{" else ""
            if text in self.names or text.startswith(r"\frac{\partial"):
                return text
        self.at = start
        return None

    def raw(self) -> str:
        """Take a group as it stands."""
        text, depth = "", 0
        while True:
            token = self.next()
            depth += (token == "{") - (token == "}")
            text += token + " " * (token == r"\partial")
            if not depth:
                return text

    def name(self) -> Any:
        token = self.peek()
        if token == "{":
            text = self.raw()
        elif token in (r"\text", r"\operatorname"):
            text = self.next() + self.raw()
        elif re.fullmatch(r"\\[A-Za-z]+|[A-Za-zµ]", token) and not token.startswith(r"\right"):
            text = self.next()
        else:
            raise Unreadable(f"{self.latex}: {token or 'the end'} where an operand is needed")
        while self.take("'"):
            text += "'"
        if self.peek() == r"\left(":
            return self.call(text)
        if self.take("_"):
            text += "_" + self.raw()
            if self.peek() == "_":
                raise Unreadable(f"{self.latex}: two subscripts")
        if self.tokens[self.at : self.at + 3] == ["^", "{", r"\text"]:
            self.next()
            text += "^" + self.raw()
            if self.peek() == "^":
                raise Unreadable(f"{self.latex}: two superscripts")
        return self.known(text)

    def known(self, text: str) -> Any:
        if text not in self.names:
            raise Unknown(text)
        return self.names[text]

    def call(self, text: str) -> Any:
        name = text.removeprefix(r"\operatorname{").removesuffix("}").removeprefix("\\").replace(r"\_", "_")
        if name not in self.functions:
            # a name before brackets is a factor
            return self.known(text)
        self.next()
        operands = [self.relation()]
        while self.take(","):
            operands.append(self.relation())
        self.expect(r"\right)")
        return self.functions[name](*operands)
