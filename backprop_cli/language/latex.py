"""Formulas in LaTeX, as students paste them, in our own language.

In LaTeX every letter is a variable of its own, and what stands side by side is multiplied.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..errors import ExpressionError, Source, nearest
from ..ops import FUNCTIONS
from .operators import ATOM, CONSTANTS, GREEK, INVERSES, OTHER_NAMES, POWER, PRODUCT, SUM
from .written import Piece, atom, bracketed, call

DEPTH = 50
"""Groups within groups."""

_GREEK = {*GREEK.values(), "varepsilon", "vartheta", "varphi", "varrho", "varsigma"} - {"pi"}
_OPERATORS = {
    "cdot": "*",
    "times": "*",
    "ast": "*",
    "div": "/",
    "le": "<=",
    "leq": "<=",
    "ge": ">=",
    "geq": ">=",
    "ne": "!=",
    "neq": "!=",
    "lt": "<",
    "gt": ">",
}
_IGNORED = set(
    "left right big Big bigg Bigg bigl bigr Bigl Bigr displaystyle textstyle limits quad qquad "
    ", ; ! : ( ) [ ]".split()
) | {" "}
_FRACTIONS = {"frac", "dfrac", "tfrac", "cfrac"}
_NAMED = {"operatorname", "mathrm", "text", "mathit", "textrm", "mathbf"}
_BARS = {"lvert": "|", "rvert": "|", "vert": "|", "lbrace": "(", "rbrace": ")", "{": "(", "}": ")"}
_DERIVATIVE = "a derivative is not written: grad takes it"
_FUNCTION_ALONE = "give the function itself, without the differentials"
_HINTS = {
    "begin": "a choice is written as where(condition, a, b)",
    "sum": "a sum is written out: x_1 + x_2 + x_3",
    "prod": "a product is written out: x_1*x_2*x_3",
    "int": "there are no integrals here: write the antiderivative itself",
    "lim": "there are no limits of expressions here",
    "infty": "a number is finite",
    "binom": "write the fraction of the products itself",
} | dict.fromkeys(
    ("hat", "bar", "vec", "tilde", "dot", "overline", "boldsymbol", "mathcal"),
    "leave it out: a name has letters, digits and _",
)
_TOKEN = re.compile(
    r"[ \t\r\n~$&]*(?:\\([A-Za-z]+|.)\*?|([0-9]+(?:\.[0-9]+)?|\.[0-9]+)|([A-Za-zα-ωΑ-Ωµπ])|(.))", re.DOTALL
)


class _Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


_COMMAND, _NUMBER, _LETTER, _SIGN, _END = "command", "number", "letter", "sign", "end"


def read_latex(source: Source) -> str:
    """Return the program that a formula in LaTeX stands for.

    Raises:
        ExpressionError: at what has no meaning here.
    """
    if len(source.text) > 20_000:
        raise ExpressionError("a formula in LaTeX has up to 20,000 characters", source=source, span=(0, 1))
    reader = _Reader(source)
    return reader.sequence(()).text


class _Reader:
    """Recursive descent: a sequence of factors and signs; groups are sequences."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.tokens = list(self._tokens())
        self.at = 0
        self.depth = 0
        self.bars = 0

    def _tokens(self) -> list[_Token]:
        text, found, at = self.source.text.rstrip(" \t\r\n~$&"), [], 0
        while match := _TOKEN.match(text, at):
            kind = (_COMMAND, _NUMBER, _LETTER, _SIGN)[(match.lastindex or 1) - 1]
            start = match.start(match.lastindex or 1) - (kind == _COMMAND)
            at = match.end()
            word = match[match.lastindex or 1]
            if kind == _COMMAND and word in _IGNORED:
                if word in ("left", "right") and text[at : at + 1] == ".":
                    at += 1
                continue
            found.append(_Token(kind, word, start, at))
        found.append(_Token(_END, "", len(text), len(text)))
        return found

    @property
    def now(self) -> _Token:
        return self.tokens[self.at]

    def error(self, message: str, token: _Token, hint: str | None = None) -> ExpressionError:
        return ExpressionError(
            message, source=self.source, span=(token.start, max(token.end, token.start + 1)), hint=hint
        )

    def sequence(self, closers: tuple[str, ...]) -> Piece:
        """Read up to a closing sign, or the end."""
        self.depth += 1
        if self.depth > DEPTH:
            raise self.error(f"groups stand up to {DEPTH} deep", self.now)
        out: list[str] = []
        level, last = ATOM, None  # of the whole, and the operand that ended just now
        while True:
            token = self.now
            if token.kind == _END or (token.kind != _NUMBER and token.text in closers):
                break
            sign = self.operator(token)
            if sign is not None:
                self.at += 1
                factor = sign in "*/"
                spaced = not factor and sign not in ",;" and last is not None
                out.append(f" {sign} " if spaced else f"{sign} " if sign in ",;" else sign)
                level, last = min(level, PRODUCT if factor else SUM), None
                continue
            written = self.factor(closers)
            if last is not None:
                out[-1] = bracketed(last, POWER).text
                out.append("*")
                level = min(level, PRODUCT)
            last = bracketed(written, POWER) if out and out[-1] in ("*", "/") else written
            level = min(level, last.level)
            out.append(last.text)
        self.depth -= 1
        return Piece("".join(out), level)

    def operator(self, token: _Token) -> str | None:
        """Return the operator that a token is, None for what is none."""
        if token.kind == _COMMAND:
            return _OPERATORS.get(token.text)
        if token.kind == _SIGN and token.text in "+-*/=<>,;−·×÷":
            return {"−": "-", "·": "*", "×": "*", "÷": "/"}.get(token.text, token.text)
        return None

    def factor(self, closers: tuple[str, ...]) -> Piece:
        """Read an operand with its exponent."""
        return self.powers(self.operand(closers))

    def powers(self, written: Piece) -> Piece:
        """Read an exponent, if there is one."""
        if self.now.text != "^" or self.now.kind != _SIGN:
            return written
        self.at += 1
        exponent = self.argument()
        if self.now.text == "^":
            raise self.error("an exponent after an exponent", self.now, "write {a^b}^c or a^{b^c}")
        return _power(written, exponent)

    def argument(self) -> Piece:
        """Read what a command or an exponent takes: a group, or one sign."""
        token = self.now
        if token.text == "{" and token.kind == _SIGN:
            self.at += 1
            inside = self.sequence(("}",))
            self.close("}", token)
            return inside
        if token.kind == _NUMBER and len(token.text) > 1 and "." not in token.text:
            # \frac12, x^10: one digit each
            self.tokens[self.at] = token._replace(text=token.text[1:], start=token.start + 1)
            return atom(token.text[0])
        if token.kind in (_END, _SIGN):
            raise self.error("expected a group in { } here", token)
        return self.operand(())

    def close(self, sign: str, opened: _Token) -> None:
        if self.now.text != sign:
            raise self.error(f"this '{opened.text}' is not closed", opened)
        self.at += 1

    def operand(self, closers: tuple[str, ...]) -> Piece:
        """Read a number, a letter, a command or a group."""
        token = self.now
        self.at += 1
        if token.kind == _NUMBER:
            return atom(token.text)
        if token.kind == _LETTER:
            return self.subscripted("pi" if token.text == "π" else GREEK.get(token.text, token.text))
        if token.kind == _COMMAND:
            return self.command(token)
        if token.text == "{":
            return self.group("}", token)
        if token.text in "([":
            return call("", [self.group(")" if token.text == "(" else "]", token)])
        if token.text == "|":
            return self.bar(token)
        raise self.error(f"'{token.text}' has no meaning here", token)

    def group(self, closer: str, opened: _Token) -> Piece:
        inside = self.sequence((closer,))
        self.close(closer, opened)
        return inside

    def bar(self, token: _Token) -> Piece:
        inside = self.sequence(("|", "vert", "rvert"))
        if self.now.kind == _END:
            raise self.error("this '|' is not closed", token)
        self.at += 1
        return call("abs", [inside])

    def subscripted(self, name: str) -> Piece:
        if self.now.text == "_" and self.now.kind == _SIGN:
            self.at += 1
            label = re.sub(r"[^A-Za-z0-9]", "", self.argument().text)
            return atom(f"{name}_{label}")
        return atom(name)

    def command(self, token: _Token) -> Piece:
        name = token.text
        if name in _FRACTIONS:
            above = self.argument()
            below = self.argument()
            if re.match(r"d(\^2)?(\*|\Z)", above.text) and re.match(r"d\*", below.text):
                raise self.error(_DERIVATIVE, token, _FUNCTION_ALONE)
            return Piece(f"{above:*}/{below:^}", PRODUCT)
        if name == "sqrt":
            degree = "2"
            if self.now.text == "[":
                opened = self.now
                self.at += 1
                degree = f"{self.group(']', opened):!}"
            inside = self.argument()
            if degree in ("2", "3"):
                return call("sqrt" if degree == "2" else "cbrt", [inside])
            return Piece(f"{inside:!}^(1/{degree})", POWER)
        if name == "pi":
            return atom("pi")
        if name == "sigma" and self.now.kind == _SIGN and self.now.text == "(":
            raise self.error(
                "\\sigma(...) can be read in two ways",
                token,
                "write \\operatorname{sigmoid}(...), or \\sigma \\cdot (...) to multiply",
            )
        if name in _GREEK:
            return self.subscripted(name.removeprefix("var"))
        if name in _BARS:
            if _BARS[name] == "|":
                return self.bar(token)
            if _BARS[name] == "(":
                inside = self.sequence(("rbrace", "}"))
                self.close(self.now.text if self.now.text in ("rbrace", "}") else "}", token)
                return call("", [inside])
        if name in _NAMED:
            opened = self.now
            self.at += 1
            if opened.text != "{":
                raise self.error(f"expected a group in {{ }} behind \\{name}", opened)
            word = ""
            while self.now.kind in (_LETTER, _NUMBER):
                word += self.now.text
                self.at += 1
            self.close("}", opened)
            function = _function(word)
            if function is None:
                return self.subscripted(word)
            return self.call(function, token)
        function = _function(name)
        if function is not None:
            return self.call(function, token)
        if name in ("partial", "nabla"):
            raise self.error(_DERIVATIVE, token, _FUNCTION_ALONE)
        close = nearest(name, [*FUNCTIONS, *_GREEK, "frac", "sqrt", "cdot", "pi"], 0.7)
        hint = _HINTS.get(name) or (f"did you mean \\{close}?" if close else None)
        raise self.error(f"\\{name} has no meaning here", token, hint)

    def call(self, name: str, token: _Token) -> Piece:
        """Read a function: its base or exponent, then brackets, a group, or factors up to a sign."""
        power: Piece | None = None
        base: Piece | None = None
        while self.now.kind == _SIGN and self.now.text in "^_":
            sign = self.now.text
            self.at += 1
            if sign == "^":
                power = self.argument()
            else:
                base = self.argument()
        if power is not None and power.text == "-1" and name in INVERSES:
            name, power = INVERSES[name], None
        if self.now.kind == _SIGN and self.now.text in "({[":
            opened = self.now
            self.at += 1
            inside = self.group({"(": ")", "{": "}", "[": "]"}[opened.text], opened)
        else:
            inside = self.bare(token)
        if base is not None and name != "log":
            raise self.error(f"\\{name} has no subscript", token)
        if base is not None and base.text in ("2", "10"):
            name, base = f"log{base.text}", None
        written = call(name, [inside] if base is None else [inside, base])
        return self.powers(written if power is None else _power(written, power))

    def bare(self, token: _Token) -> Piece:
        """Read a function's operand without brackets: factors up to a sign or the next function."""
        out: list[str] = []
        if self.now.text in ("-", "−"):
            self.at += 1
            out.append("-")
        first = True
        while True:
            now = self.now
            ends = now.kind == _END or (now.kind == _SIGN and now.text not in "{(|")
            if now.kind == _COMMAND:
                ends = now.text in _OPERATORS or now.text in ("rvert", "vert", "rbrace", "}")
                ends = ends or (not first and (_function(now.text) is not None or now.text in _NAMED))
            if now.kind == _SIGN and now.text in "(|" and not first:
                ends = True
            if ends:
                break
            written = self.factor(())
            out.append(written.text if first else f"*{written:^}")
            first = False
        if first:
            raise self.error(f"\\{token.text} lacks its operand", token)
        return Piece("".join(out), PRODUCT)


def _function(name: str) -> str | None:
    if name in CONSTANTS or name in _GREEK:
        return None
    return name if name in FUNCTIONS and len(name) > 1 else OTHER_NAMES.get(name)


def _power(base: Piece, exponent: Piece) -> Piece:
    return Piece(f"{base:!}^{exponent:!}", POWER)
