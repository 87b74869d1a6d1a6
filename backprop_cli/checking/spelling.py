"""What students write, in our own language: a second reader, generous, for claims alone.

It knows the program's names, so that ``2xcos(x^2)`` has one meaning: words are taken apart into names and
functions, and what stands side by side is multiplied. Read are ASCII, Unicode and pieces of LaTeX, numbers as
they are written in Germany and in the US. What stays ambiguous (``1/2x``, ``x^2y``, ``sin x^2``) is refused.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from functools import cache, cached_property
from typing import NamedTuple

from ..errors import ExpressionError, Source
from ..graph import CONSTANT, Graph
from ..language.operands import closing
from ..language.operators import (
    ATOM,
    CONSTANTS,
    FRACTIONS,
    GREEK,
    HATS,
    INVERSES,
    OTHER_NAMES,
    POWER,
    PRODUCT,
    SIGMOIDS,
    SPELLING,
    SUBSCRIPTS,
    SUM,
    SUPERSCRIPTS,
    USUAL,
)
from ..language.tokens import NAME
from ..language.written import Piece, atom, bracketed, call
from ..ops import FUNCTIONS

DEPTH = 50
"""Brackets within brackets."""

LONGEST = 64
"""Letters of a word that is taken apart."""

# ---------------------------------------------------------------------------------------------- numbers

_ABOUT = re.compile(
    r"(?:[=:]|≈|~|≃|≅|\\approx\b|\\simeq\b|(?:approx(?:imately)?|about|circa|ca|etwa|rund)\b\.?)\s*",
    re.IGNORECASE,
)
_GOES_ON = re.compile(r"\s*(?:\.\.\.|…|\\l?dots)\s*$")
_REMARK = re.compile(r"(.*\S)\s+[(\[](?:[^\W\d_]|\s){4,}[)\]]")
_WRAPPED = (("$$", "$$"), ("$", "$"), (r"\(", r"\)"), (r"\[", r"\]"), ("`", "`"), ('"', '"'))
_DIGITS = r"(?:\d+(?:\.\d*)?|\.\d+)"
_PERCENT = re.compile(rf"([-+]?\s*{_DIGITS})\s*\\?%")
_MIXED = re.compile(r"([-+]?)\s*(\d+)(?:\s+(\d+)\s*/\s*(\d+)|\s*([" + "".join(FRACTIONS) + "]))")
_SCIENTIFIC = re.compile(
    rf"([-+]?\s*{_DIGITS})\s*(?:\*|x|×|·|⋅|\\cdot\b|\\times\b)\s*10\s*"
    rf"(?:(?:\^|\*\*)\s*(?:\(\s*([-+]?\d+)\s*\)|\{{\s*([-+]?\d+)\s*\}}|([-+]?\d+))|([⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+))"
)
_COMMA = re.compile(r"(?<![\d.,])(\d+),(\d+)(?![\d.,])")
_GROUPED = re.compile(
    r"([-+]?)\s*(\d{1,3}(?:(?:,\d{3})+\.\d+|(?:,\d{3}){2,}|(?:\.\d{3})+,\d+|(?:\.\d{3}){2,}|(?:['’]\d{3})+(?:[.,]\d+)?))"
)
_UNIT = re.compile(rf"([-+]?\s*{_DIGITS}(?:[eE][-+]?\d+)?)\s*([A-Za-zΩ€$][A-Za-z0-9Ω€$/*·⋅^²³]*)")
UNITS = frozenset("m s kg g cm mm km N J W Pa K C V A Ω Hz mol rad € $ EUR USD Euro".split())
"""What may stand behind a number that is asked for plain, with powers and quotients; it is not judged."""


def plain_number(text: str, names: Collection[str]) -> str | None:
    """Return a number as we write it; None for what is no number, or has two readings."""
    text = text.translate(_MINUS).strip()
    if match := _SCIENTIFIC.fullmatch(text):
        exponent = match[2] or match[3] or match[4] or match[5].translate(_SMALL)
        return f"{''.join(match[1].split())}e{int(exponent)}"
    if match := _PERCENT.fullmatch(text):
        return _shifted("".join(match[1].split()))
    if match := _MIXED.fullmatch(text):
        above, below = (match[3], match[4]) if match[3] else FRACTIONS[match[5]]
        if 0 < int(above) < int(below):
            whole = f"{match[2]} + {above}/{below}"
            return f"-({whole})" if match[1] == "-" else whole
    if match := _GROUPED.fullmatch(text):
        digits = match[2]
        point = max(digits.rfind(","), digits.rfind("."))
        decimal = point >= 0 and digits[point] not in digits[:point] and re.search("[.,'’]", digits[:point])
        whole, rest = (digits[:point], f".{digits[point + 1 :]}") if decimal else (digits, "")
        return match[1] + re.sub("[.,'’]", "", whole) + rest
    if match := _UNIT.fullmatch(text):
        units = {re.sub(r"\^?[2-4²³]$", "", unit) for unit in re.split("[/*·⋅]", match[2])}
        if units <= UNITS - {*names}:
            return "".join(match[1].split())
    return None


_PASTED = str.maketrans(
    {
        chr(c): unicodedata.normalize("NFKC", chr(c))
        for c in (*range(0xFF01, 0xFF5F), *range(0x1D400, 0x1D800), 0x210E, 0x212F)
    }
)
"""Letters and signs as formulas are typeset, and as wide as ideographs."""


def _shifted(number: str) -> str:
    """Return a hundredth of a written number, with its digits."""
    from decimal import Decimal

    return str(Decimal(number).scaleb(-2))


_MINUS = str.maketrans("−–‐‑", "----")
_SMALL = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")


def stripped(text: str) -> str:
    """Return an answer without what says nothing of its value: dollars, ``≈`` in front, dots at the end."""
    last = None
    while text != last:
        last = text
        text = text.strip()
        for opener, closer in _WRAPPED:
            inside = text[len(opener) : len(text) - len(closer)]
            if text.startswith(opener) and text.endswith(closer) and opener not in inside and inside.strip():
                text = inside
                break
        text = _GOES_ON.sub("", _ABOUT.sub("", text, count=1) if _ABOUT.match(text) else text)
        if re.search(r"(?:[^\d.\s]|\.\d+)\s*[.;]$", text):
            text = text[:-1]
    return text


def decimals(text: str) -> str | None:
    """Return a text with points for its decimal commas; None where one may be anything else."""
    if not re.search(r"\d,\d", text):
        return text
    grouped = (m for m in _COMMA.finditer(text) if len(m[2]) == 3 and len(m[1]) <= 3 and m[1].strip("0"))
    # what stands before a power of ten is no number of thousands
    doubtful = [
        m for m in grouped if len(m[1]) > 1 or not _SCIENTIFIC.match(f"{m[1]}.{m[2]}{text[m.end() :]}")
    ]
    plain = _COMMA.sub(r"\1.\2", text)
    return None if doubtful or re.search(r"\d,\d", plain) else plain


# ------------------------------------------------------------------------------------------------ LaTeX

_IGNORED = re.compile(
    r"\\(?:left|right|[bB]igg?[lr]?|displaystyle|textstyle|limits|quad|qquad|,|;|!|:|~| )(?![A-Za-z])\.?"
    r"|\\(?:left|right)(?=[(\[|\\])|[~&]"
)
_COMMANDS = {
    "cdot": "*", "times": "*", "ast": "*", "div": "/", "lvert": "|", "rvert": "|", "vert": "|", "pi": "π",
    "lbrace": "(", "rbrace": ")", "{": "(", "}": ")", "partial": "∂",
}  # fmt: skip
_NAMED = ("operatorname", "mathrm", "text", "mathit", "textrm", "mathbf")


class _Group(NamedTuple):
    text: str
    end: int


def _group(text: str, at: int) -> _Group | None:
    """Return what a command takes at a place: a group in braces, or one sign."""
    while text[at : at + 1] == " ":
        at += 1
    if text[at : at + 1] != "{":
        return _Group(text[at], at + 1) if text[at : at + 1].isalnum() else None
    depth = 0
    for k in range(at, len(text)):
        depth += {"{": 1, "}": -1}.get(text[k], 0)
        if not depth:
            return _Group(text[at + 1 : k], k + 1)
    return None


def without_commands(text: str) -> str | None:
    """Return a text without commands of LaTeX; None where one is unknown."""
    text = _IGNORED.sub(lambda m: "" if m[0] != "~" else " ", text)
    for _ in range(DEPTH):
        match = re.search(r"\\(?:([A-Za-z]+)|(.))", text)
        if match is None:
            return text
        word, at = match[1] or match[2], match.end()
        if word in ("frac", "dfrac", "tfrac", "cfrac"):
            above = _group(text, at)
            below = _group(text, above.end) if above else None
            if above is None or below is None:
                return None
            new, at = f"((<{above.text}>)/(<{below.text}>))", below.end
        elif word == "sqrt":
            degree = re.compile(r"\s*\[\s*(\d+)\s*\]").match(text, at)
            inside = _group(text, degree.end() if degree else at)
            if inside is None:
                return None
            root = f"(<{inside.text}>)^(1/{degree[1]})" if degree and degree[1] != "2" else ""
            new, at = f"({root})" if root else f" sqrt(<{inside.text}>)", inside.end
        elif word in HATS.values():
            inside = _group(text, at)
            if inside is None or not inside.text.strip().isalpha():
                return None
            new, at = f" {inside.text.strip()}{word} ", inside.end
        elif word in _NAMED:
            inside = _group(text, at)
            if inside is None or not inside.text.strip().isalnum():
                return None
            new, at = f" {inside.text.strip()} ", inside.end
        elif word in _COMMANDS:
            new = _COMMANDS[word]
        elif word.lower() in _FUNCTIONS or word.removeprefix("var") in GREEK.values():
            new = f" {word.removeprefix('var')}"
            new += " " if text[at : at + 1].isalnum() else ""
        else:
            return None
        text = text[: match.start()] + new + text[at:]
    return None


# -------------------------------------------------------------------------------------------- the reader

_FUNCTIONS = {
    **{other: name for other, name in OTHER_NAMES.items() if len(other) > 2 or other in ("lg", "tg")},
    **{name: name for name in FUNCTIONS if len(name) > 1},
    "sen": "sin",
    "log_e": "log",
}
_INVERSE = {name for name in FUNCTIONS if name[:1] == "a" and name[1:] in FUNCTIONS}
"""``asin``: the arc sine, or a*sin where the program has an a."""


class _Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int
    spaced: bool


NUMBER, VARIABLE, FUNCTION, SIGN, EXPONENT, END = "number", "name", "function", "sign", "exponent", "end"
_TOKEN = re.compile(
    rf"([ \t\n\u00a0\u2009\u202f]*)(?:({_DIGITS}(?:[eE][+-]?\d+(?![A-Za-z]))?)|({NAME}(?:(?<=_)\{{\w+\}})?)"
    rf"|([⁺⁻]?(?:[⁰¹²³⁴⁵⁶⁷⁸⁹]+|[ᵃᵇⁿᵏᵐᵗˣʸ]))|(\*\*|.))",
    re.DOTALL,
)
_BASE = re.compile(r"(.*?)log_\{?(\d+)\}?", re.IGNORECASE)
_OPENERS = {"(": ")", "[": "]", "{": "}"}
_ROOTS = {"√": "sqrt", "∛": "cbrt"}


def normal(name: str) -> str:
    """Return a name as it is compared: ``x1`` for ``x_1`` and ``x₁``, ``alpha`` and ``yhat`` for letters."""
    apart = "".join(HATS.get(c, c) for c in unicodedata.normalize("NFD", name))
    plain = unicodedata.normalize("NFC", apart).replace("µ", "μ").translate(_SUBSCRIPTS)
    key = "".join(GREEK.get(c, c) for c in plain if c not in "_{}")
    return _SHORT.get(key, key)


_SHORT = {"lam": "lambda", "eps": "epsilon"}
"""What letters are called where a program's language has no room for them."""

_SUBSCRIPTS = str.maketrans(dict(zip(SUBSCRIPTS, "0123456789", strict=True)))


class Names:
    """A program's names, as a reader of formulas knows them.

    Args:
        graph: The program.
        others: Names that stand alone only, and no part of a word: what an unnamed output may be called.
    """

    def __init__(self, graph: Graph, others: Collection[str]) -> None:
        self.graph = graph
        self.others = others
        nodes = (n for n in graph.nodes if n.kind != CONSTANT)
        own = [graph.own_name(n.id) for n in nodes if n.name or n.op is None or n.id == graph.output]
        self.own = {*own}
        self.by_key: dict[str, list[str]] = {}
        for name in own:
            self.by_key.setdefault(normal(name), []).append(name)

    def known(self, word: str) -> str | None:
        """Return the name that a word is."""
        if word in self.own:
            return word
        found = self.by_key.get(normal(word), ())
        return found[0] if len(found) == 1 else None

    @cached_property
    def inputs(self) -> dict[str, set[str]]:
        """Per step the inputs that it is computed from."""
        found: dict[str, set[str]] = {}
        for name, id in self.graph.inputs.items():
            for k, moves in enumerate(self.graph.depends_on([id])):
                node = self.graph.nodes[k]
                if moves and node.op is not None and (node.name or k == self.graph.output):
                    found.setdefault(self.graph.own_name(k), set()).add(name)
        return found

    def inputs_of(self, name: str) -> set[str]:
        """Return the inputs that a step is computed from; none for an input."""
        if name in self.own:
            return self.inputs.get(name, set())
        return self.inputs.get(self.graph.own_name(self.graph.output), set())


def spelled(text: str, names: Names, others: Collection[str] = ()) -> str | None:
    """Return an answer in our own language; None for what is no formula over the program's names.

    Args:
        text: As somebody wrote it.
        names: The program's.
        others: More names that stand alone.
    Raises:
        ExpressionError: for what can be read in two ways.
        UnknownWord: for a word that is nothing of the program's.
    """
    text = stripped(text.translate(_PASTED))
    if text[:1] == "[" and text[-1:] == "]":  # a list
        return None
    for words in (text, decimals(text)):
        number = plain_number(words, names.own) if words else None
        if number is not None:
            return number
    plain = decimals(text)
    latex = plain is not None and "\\" in plain
    plain = without_commands(plain) if plain is not None and latex else plain
    if plain is None or not plain.strip():
        return None
    source = Source(plain.replace("(<", "(").replace(">)", ")"))
    _refuse_halved(source)
    try:
        return _Reader(source, names, {*names.others, *others}, latex=latex).whole()
    except UnknownWord as error:
        remark = _REMARK.fullmatch(text)
        if remark:
            return spelled(remark[1], names, others)
        if error.word:
            raise
        return None


_HALVED = re.compile(r"(?:\^|\*\*)\s*(?:[-−]\s*\d+|1)\s*/\s*\d+")


def refuse_doubtful(source: Source, called: Collection[str], graph: Graph) -> None:
    """Refuse what our own language reads in one way, and students mean in another.

    Args:
        source: A formula in our language.
        called: The functions in it.
        graph: The program.
    Raises:
        ExpressionError: for ``x^-1/2``, half of 1/x by the book, and for ``asin(x)`` where there is an a.
    """
    _refuse_halved(source)
    own = {node.op.name for node in graph.nodes if node.op is not None}
    if "a" in graph.named and (found := sorted(_INVERSE & {*called} - own)):
        match = re.search(rf"(?<!\w){found[0]}\b", source.text)
        if match is not None:
            raise _two_ways(source, match.span(), f"a*{found[0][1:]}", f"arc{found[0][1:]}")


def _refuse_halved(source: Source) -> None:
    if match := _HALVED.search(source.text):
        above, below = match[0].lstrip("^* ").split("/")
        raise _two_ways(source, match.span(), f"^({above}/{below})", f"(...^{above})/{below}")


def _two_ways(source: Source, span: tuple[int, int], *readings: str) -> ExpressionError:
    hint = f"write {' or '.join(dict.fromkeys(readings))}"
    text = source.text[span[0] : span[1]].strip()
    return ExpressionError(f"{text} can be read in two ways", source=source, span=span, hint=hint)


class UnknownWord(Exception):
    """Nothing that is read here: the strict reader says why.

    Args:
        word: What is no name and no function, nor several of them; "" where it is no word that is in the way.
    """

    def __init__(self, word: str = "") -> None:
        super().__init__(word)
        self.word = word


_Part = tuple[str, str, int, int]
"""A part of a word: its kind, what it is, and where."""


class _Exponent(NamedTuple):
    """The last exponent that stood there without brackets: its token, its base, its sign."""

    token: _Token
    base: str
    sign: str


class _Reader:
    """Recursive descent over tokens; every word is taken apart first."""

    def __init__(self, source: Source, names: Names, others: Collection[str], *, latex: bool) -> None:
        self.source = source
        self.names = names
        self.others = others
        self.latex = latex
        self.tokens = [*self.read_tokens()]
        self.at = 0
        self.depth = 0

    # words

    def read_tokens(self) -> Iterator[_Token]:
        text, at = self.source.text.rstrip(), 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            assert match is not None
            kind = match.lastindex or 0
            start, end = match.span(kind)
            spaced = bool(match[1])
            at = end
            if kind == 2:
                yield _Token(NUMBER, match[2], start, end, spaced)
            elif kind == 3:
                yield from self.word(match[3], start, spaced, text[end:].lstrip()[:1])
            elif kind == 4:
                yield _Token(EXPONENT, match[4], start, end, spaced)
            else:
                sign = {"**": "^", ":": "/"}.get(match[5]) or SPELLING.get(match[5], match[5])
                yield _Token(NUMBER if sign == "π" else SIGN, sign, start, end, spaced)
        yield _Token(END, "", len(text), len(text) + 1, False)

    def word(self, word: str, start: int, spaced: bool, after: str) -> Iterator[_Token]:
        """Take a word apart."""
        for kind, piece, first, last in self.pieces(word, start, after):
            yield _Token(kind, piece, start + first, start + last, spaced and not first)

    def pieces(self, word: str, start: int, after: str) -> list[_Part]:
        names = self.names
        if name := names.known(word):
            return [(VARIABLE, name, 0, len(word))]
        if word in self.others or word in CONSTANTS:
            return [(VARIABLE, word, 0, len(word))]
        if len(word) > LONGEST:
            raise UnknownWord
        if base := _BASE.fullmatch(word):
            front = self.pieces(base[1], start, "") if base[1] else []
            return [*front, (FUNCTION, f"log_{base[2]}", base.end(1), len(word))]
        if after in ("(", "^", "{", "|", *_ROOTS) or (after and after in "²³⁴⁻"):
            # the longest function right before a bracket is meant
            for k in range(len(word) - 1):
                function = self.function(word[k:])
                if function and (found := self.factors(word[:k], start)) is not None:
                    return [*found, (FUNCTION, function, k, len(word))]
        found = self.factors(word, start)
        if found is None:
            raise UnknownWord(word)
        return found

    def factors(self, word: str, start: int) -> list[_Part] | None:
        """Return what a word consists of; None where it has something else in it."""
        ways = self.ways(word)
        if len(ways) > 1:
            shown = ("*".join(part[1] for part in way) for way in ways)
            raise self.two_ways((start, start + len(word)), *shown)
        return ways[0] if ways else None

    def ways(self, word: str) -> list[list[_Part]]:
        """Return how a word is read as names and functions, two ways at most.

        A number stands behind a function alone: ``cos2x``.
        """

        @cache
        def behind(at: int, called: bool) -> list[list[_Part]]:
            if at == len(word):
                return [[]]
            if called and (digits := re.compile(r"\d+").match(word, at)):
                part = (NUMBER, digits[0], *digits.span())
                return [[part, *rest] for rest in behind(digits.end(), False)]
            if word[at] in "_{}" or word[at].isdigit() or word[at] in SUBSCRIPTS:
                return []
            found: list[list[_Part]] = []
            for end in range(len(word), at, -1):
                name = self.names.known(word[at:end])
                name = name or (word[at:end] if word[at:end] in ("e", "pi") else None)
                piece = name or self.function(word[at:end])
                if piece is not None and len(found) < 2:
                    part = (VARIABLE if name else FUNCTION, piece, at, end)
                    found += [[part, *rest] for rest in behind(end, name is None)]
            return found[:2]

        return behind(0, False)

    def function(self, word: str) -> str | None:
        """Return the function that a word is."""
        if word in SIGMOIDS and self.names.known(word) is None:
            return "sigmoid"
        return _FUNCTIONS.get(word) or _FUNCTIONS.get(word.lower())

    # formulas

    @property
    def now(self) -> _Token:
        return self.tokens[self.at]

    def is_sign(self, signs: str) -> bool:
        return self.now.kind == SIGN and self.now.text in signs

    def two_ways(self, span: tuple[int, int], *readings: str) -> ExpressionError:
        return _two_ways(self.source, span, *readings)

    def whole(self) -> str:
        """Read it all."""
        found = self.total()
        if self.now.kind != END:
            raise UnknownWord
        return found.text

    def total(self) -> Piece:
        """Read a sum."""
        self.depth += 1
        if self.depth > DEPTH:
            raise UnknownWord
        out = self.term()
        while self.is_sign("+-"):
            sign = self.now.text
            self.at += 1
            right = self.term()
            out = Piece(f"{out:+} {sign} {bracketed(right, PRODUCT).text}", SUM)
        self.depth -= 1
        return out

    def term(self) -> Piece:
        """Read a product, its sign in front."""
        if self.is_sign("+-"):
            sign = self.now.text
            self.at += 1
            inside = self.term()
            return inside if sign == "+" else Piece(f"-{inside:*}", SUM)
        start = self.now.start
        out = self.factor()
        slash = -1  # where a quotient waits that something might still belong to
        while True:
            token = self.now
            if self.is_sign("*/"):
                self.at += 1
                right = self.signed()
                slash = token.start if token.text == "/" else -1
                above, below = out, right
                out = Piece(f"{out:*}{token.text}{right:^}", PRODUCT)
                continue
            if not self.begins_operand():
                return out
            self.check_side(start, token)
            right = self.factor()
            if slash >= 0:
                a, b = (f"{above:*}", f"{below:^}")
                raise self.two_ways(
                    (start, self.tokens[self.at - 1].end), f"{a}/({b}*{right:^})", f"({a}/{b})*{right:^}"
                )
            out = Piece(f"{out:*}*{right:^}", PRODUCT)

    def signed(self) -> Piece:
        """Read an operand behind an operator."""
        if self.is_sign("-"):
            self.at += 1
            return Piece(f"-{self.factor():^}", SUM)
        return self.factor()

    def begins_operand(self) -> bool:
        token = self.now
        if token.kind == SIGN:
            if token.text == "|":
                return not self.bar_open
            return token.text in _OPENERS or token.text in _ROOTS
        # what stands before a number is no factor: x2, (x + 1)2
        return token.kind in (VARIABLE, FUNCTION) or token.text == "π"

    bar_open = False

    def is_exponential(self, token: _Token) -> bool:
        """Whether ``e`` stands before an exponent: ``x^2e^(3x)`` is as good as ``x^2exp(3x)``."""
        return token.text == "e" and self.tokens[self.tokens.index(token) + 1].text == "^"

    def check_side(self, start: int, token: _Token) -> None:
        """Refuse what stands beside an exponent and might belong to it."""
        if self.exponent is None or self.tokens[self.at - 1] is not self.exponent.token:
            return
        last, base, sign = self.exponent
        constant = base in CONSTANTS or base[:1].isdigit()
        loose = token.kind in (VARIABLE, NUMBER) and not self.is_exponential(token)
        # e^2x, e^2 x, e^3(x + 1)
        doubtful = constant and last.kind == NUMBER
        # x^2y, but not in LaTeX, where an exponent of two signs has braces
        if doubtful or (loose and not token.spaced and (constant or not self.latex)):
            right = token.text if loose else f"{token.text}(...)".replace("((", "(")
            power = f"({sign}{last.text})" if sign else last.text
            outside, inside = f"{base}^{power}*{right}", f"{base}^({sign}{last.text}*{right})"
            raise self.two_ways((start, token.end), outside, inside)

    exponent: _Exponent | None = None

    def factor(self) -> Piece:
        """Read an operand with its exponent."""
        first = self.at
        out = self.operand()
        if self.now.kind == EXPONENT:
            out = Piece(f"{out:!}^{_small(self.now.text)}", POWER)
            self.at += 1
        elif self.is_sign("^"):
            self.at += 1
            out = self.raised(out, self.tokens[first].text if self.at - first == 2 else "")
        if self.is_sign("^") or self.now.kind == EXPONENT:
            raise UnknownWord
        return out

    def raised(self, base: Piece, name: str) -> Piece:
        """Read an exponent."""
        sign = ""
        if self.is_sign("+-"):
            sign = self.now.text.strip("+")
            self.at += 1
        token = self.now
        if self.is_sign("([{"):
            inside = self.operand()
            return Piece(f"{base:!}^({sign}{inside:^})" if sign else f"{base:!}^{inside:!}", POWER)
        inside = self.operand()
        if self.is_sign("^"):  # from right to left, as in our own language
            self.at += 1
            inside = self.raised(inside, token.text)
        elif token.kind in (NUMBER, VARIABLE) and token.text != "π":
            self.exponent = _Exponent(token, name or "(...)", sign)
        return Piece(f"{base:!}^({sign}{inside:^})" if sign else f"{base:!}^{inside:!}", POWER)

    def operand(self) -> Piece:
        """Read a number, a name, a function of something, or a group."""
        token = self.now
        self.at += 1
        if token.kind == NUMBER:
            return atom("pi" if token.text == "π" else token.text)
        if token.kind == VARIABLE:
            return self.called(token) if self.is_sign("(") else atom(token.text)
        if token.kind == FUNCTION:
            return self.applied(token)
        if token.kind == SIGN and token.text in FRACTIONS:
            return Piece("/".join(FRACTIONS[token.text]), PRODUCT)
        if token.kind == SIGN and token.text in _OPENERS:
            return self.group(token)
        if token.kind == SIGN and token.text == "|":
            return call("abs", [self.bars()])
        if token.kind == SIGN and token.text in _ROOTS:
            return self.root(token)
        raise UnknownWord

    def group(self, opener: _Token) -> Piece:
        bar, self.bar_open = self.bar_open, False
        exponent, self.exponent = self.exponent, None
        inside = self.total()
        if not self.is_sign(_OPENERS[opener.text]):
            raise UnknownWord
        self.at += 1
        self.bar_open, self.exponent = bar, exponent
        return bracketed(inside, ATOM)

    def bars(self) -> Piece:
        if self.bar_open:
            raise UnknownWord
        self.bar_open = True
        inside = self.total()
        if not self.is_sign("|"):
            raise UnknownWord
        self.at += 1
        self.bar_open = False
        return inside

    def root(self, token: _Token) -> Piece:
        grouped = self.is_sign("([{|")
        first = self.now
        inside = self.operand()
        after = self.now
        goes_on = self.is_sign("^") or after.kind == EXPONENT
        if not grouped and (goes_on or (self.begins_operand() and not after.spaced)):
            name = _ROOTS[token.text]
            raise self.two_ways(
                (token.start, after.end), f"{name}({first.text})...", f"{name}({first.text}...)"
            )
        return call(_ROOTS[token.text], [inside])

    def called(self, token: _Token) -> Piece:
        """Read a name before a bracket: a factor, or a step with what it is computed from."""
        names = self.names.inputs_of(token.text)
        stop = closing(self.source.text, self.now.start)
        if not names or stop is None:
            return atom(token.text)
        inside = self.source.text[self.now.end : stop - 1]
        words = {self.names.known(word.strip()) for word in inside.split(",")}
        if words == names:
            while self.now.start < stop:
                self.at += 1
            return atom(token.text)
        number = re.fullmatch(rf"-?\s*{_DIGITS}", inside.strip())
        place = token.text[0] in USUAL and names & {*re.findall(NAME, inside)}
        if words <= names or number or place:
            alone = [f"{token.text} alone"] if words <= names else []
            raise self.two_ways((token.start, stop), f"{token.text}*({inside.strip()})", *alone)
        return atom(token.text)

    def applied(self, token: _Token) -> Piece:
        """Read a function: a power, then its operand in brackets or without."""
        name, power = token.text, ""
        if self.now.kind == EXPONENT:
            power = _small(self.now.text)
            self.at += 1
        elif self.is_sign("^"):
            self.at += 1
            sign = self.now.text if self.is_sign("-") else ""
            self.at += bool(sign)
            inside = self.operand()
            power = f"({sign}{inside:^})" if sign else f"{inside:!}"
            if (
                len(inside.text) > 1
                and inside.text.isdigit()
                and not self.now.spaced
                and not self.is_sign("([{")
            ):
                raise UnknownWord  # cos^22x
        if "".join(power.split()).strip("()") == "-1" and name in INVERSES:
            raise self.two_ways((token.start, self.now.end), f"{INVERSES[name]}(...)", f"{name}(...)^(-1)")
        if self.is_sign("([{"):
            opener = self.now
            self.at += 1
            operands = [self.group_of_several(opener)]
            while self.tokens[self.at - 1].text == ",":
                operands.append(self.group_of_several(opener))
        elif self.is_sign("|"):
            operands = [self.operand()]
        else:
            operands = [self.bare(token)]
        base = name.partition("_")[2] if name.startswith("log_") and name[4:].isdigit() else ""
        if base:
            name = f"log{base}" if base in ("2", "10") else "log"
            operands += [] if base in ("2", "10") else [atom(base)]
        written = call(name, operands)
        if power:
            if self.is_sign("^") or self.now.kind == EXPONENT:
                raise UnknownWord
            return Piece(f"{written}^{power}", POWER)
        return written

    def group_of_several(self, opener: _Token) -> Piece:
        """Read an operand of a function, and the comma or bracket behind it."""
        bar, self.bar_open = self.bar_open, False
        exponent, self.exponent = self.exponent, None
        inside = self.total()
        if not self.is_sign("," + _OPENERS[opener.text]):
            raise UnknownWord
        self.at += 1
        self.bar_open, self.exponent = bar, exponent
        return inside

    def bare(self, token: _Token) -> Piece:
        """Read an operand without brackets: ``sin 2x``, ``ln x``; refuse where it may end in two places."""
        sign = self.is_sign("-")
        self.at += sign
        first = self.at
        parts: list[Piece] = []
        while self.now.kind == VARIABLE or self.now.text == "π" or (self.is_number() and not parts):
            if parts and self.now.spaced:
                break
            parts.append(self.operand_alone())
        glued = not self.tokens[first].spaced and self.tokens[first - 1] is token
        if not parts or (glued and sum(p.text.isidentifier() for p in parts) > 1):  # sinxy
            raise UnknownWord
        inside = "*".join(f"{p:^}" for p in parts)
        inside = f"-{inside}" if sign else inside
        after = self.now
        number = self.tokens[self.at - 1].kind == NUMBER and self.at - first == 1
        behind = self.tokens[min(self.at + 1, len(self.tokens) - 1)]
        function = (behind.kind == FUNCTION or self.is_exponential(behind)) and not number
        loose = after.spaced and (glued or not number)  # ln3 * x, but sin 2 * x
        tight = self.is_sign("*") and not function and not loose
        ends = after.kind in (END, FUNCTION) or self.is_sign("+-*)]}|,") or (self.is_sign("/") and function)
        ends = ends or (after.spaced and self.is_exponential(after))
        if not ends or tight:
            stop = behind if self.is_sign("^/*") else after
            rest = self.source.text[after.start : stop.end].replace("(", "(...)").strip()
            apart = "" if self.is_sign("^/*") or after.kind == EXPONENT else "*"
            name = token.text.partition("_")[0]
            raise self.two_ways(
                (token.start, stop.end), f"{name}({inside}){apart}{rest}", f"{name}({inside}{apart}{rest})"
            )
        return Piece(inside, PRODUCT)

    def is_number(self) -> bool:
        return self.now.kind == NUMBER or (self.now.kind == SIGN and self.now.text in FRACTIONS)

    def operand_alone(self) -> Piece:
        """Read a number or a name, whatever follows."""
        token = self.now
        self.at += 1
        if token.kind == SIGN:
            return Piece("/".join(FRACTIONS[token.text]), PRODUCT)
        return atom("pi" if token.text == "π" else token.text)


def _small(text: str) -> str:
    """Return an exponent that was written small."""
    plain = text.translate(SUPERSCRIPTS).translate(_SMALL).lstrip("+")
    return f"({plain})" if plain[:1] == "-" else plain
