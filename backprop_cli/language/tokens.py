"""Text to tokens: one regular expression, a span on every token."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from ..errors import ExpressionError, Source, printable
from .operators import FRACTIONS, HATS, HATTED, PRIMES, RESERVED, SPELLING, SUBSCRIPTS, SUPERSCRIPT_LETTERS

NAME_LIMIT = 64

# Greek without pi, which is a token of its own, so that 2πr is three factors. Combining marks
# are let in to be composed (NFC) or refused by name.
_LETTER = rf"A-Za-z\u00b5\u0386-\u03bf\u03c1-\u03ff\u1f00-\u1fff{HATTED}"
NAME = rf"[{_LETTER}][{_LETTER}0-9_{SUBSCRIPTS}\u0300-\u036f]*"
NUMBER = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_OPERATOR = (
    r"\*\*|<=|>=|==|!=|[-+*/^=<>(),;|\n]|["
    + "".join(s for s in SPELLING if len(s) == 1)
    + "".join(FRACTIONS)
    + "√π]"
)
_SUPERSCRIPT = rf"[⁺⁻]?(?:[⁰¹²³⁴⁵⁶⁷⁸⁹]+|[{''.join(SUPERSCRIPT_LETTERS)}])"


def _pattern(operator: str, name: str = NAME, number: str = NUMBER) -> re.Pattern[str]:
    return re.compile(
        r"(?:[ \t\r\f\u00a0\u2009\u202f]+|#[^\n]*)*"
        rf"(?:({name})|({number})|({operator})|({_SUPERSCRIPT})|(\Z)|(.))",
        re.DOTALL,
    )


_TOKEN = _pattern(_OPERATOR)


@cache
def _array_token() -> re.Pattern[str]:
    signs = rf"\.[*/^]|\.T(?![{_LETTER}0-9_{SUBSCRIPTS}])|[@\[\]:{''.join(PRIMES)}]"
    # the point of A.^2.*B is the sign's
    return _pattern(f"{signs}|{_OPERATOR}", number=NUMBER.replace(r"\.?", r"(?:\.(?![*/^])|\.(?=\*\*))?"))


@cache
def _primed_token() -> re.Pattern[str]:
    return _pattern(_OPERATOR, rf"{NAME}(?:['′’]+(?=[ \t]*\())?")


NAME_TOKEN, NUMBER_TOKEN, OPERATOR_TOKEN, SUPERSCRIPT_TOKEN, END_TOKEN = 1, 2, 3, 4, 5

Token = tuple[int, str, int, int]
"""Group, text (in its plain spelling), start, end."""


def tokens(source: Source, *, arrays: bool = False, primes: bool = False) -> Iterator[Token]:
    """Yield the tokens of a program, the last one END_TOKEN.

    Args:
        source: The program.
        arrays: It has arrays, and their signs: ``@ ' .* ./ .^ [ ] :``.
        primes: Names before a bracket may have primes.
    Raises:
        ExpressionError: at a character the language does not have.
    """
    text = source.text
    ascii_only = text.isascii()
    pattern = _array_token() if arrays else _primed_token() if primes else _TOKEN
    for match in pattern.finditer(text):
        group = match.lastindex
        assert group is not None
        start, end = match.span(group)
        word = match[group]
        if group == NAME_TOKEN:
            if not ascii_only:
                if primes:
                    word = word.replace("′", "'").replace("’", "'")
                word = plain_name(word, source, start, end)
            if end - start > NAME_LIMIT:
                raise ExpressionError(
                    f"a name may have {NAME_LIMIT} characters; this one has {end - start}",
                    source=source,
                    span=(start, end),
                )
        elif group == OPERATOR_TOKEN:
            word = SPELLING.get(word, word)
            if arrays and (word in PRIMES or word == ".T"):
                word = "'"
        elif group == 6:
            raise refused(word, source, start)
        yield group, word, start, end
        if group == END_TOKEN:
            return


# Greek capitals that look like Latin letters, and omicron
_LOOKALIKES = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧο", "ABEZHIKMNOPTYXo", strict=True))
_CYRILLIC = dict(zip("аеорсухіАВЕКМНОРСТХ", "aeopcyxiABEKMHOPCTX", strict=True))


def plain_name(word: str, source: Source | None = None, start: int = 0, end: int = 0) -> str:
    """Return a name in normal form (NFC, micro sign as mu), or refuse its lookalikes."""
    if word.isascii():
        return word
    import unicodedata

    plain = unicodedata.normalize("NFC", word).replace("µ", "μ")
    for at, c in enumerate(plain):
        if c in _LOOKALIKES:
            raise ExpressionError(
                f"{_named(c)} looks like the Latin letter {_LOOKALIKES[c]}",
                source=source,
                span=(start + at, start + at + 1),
                hint=f"write the Latin {_LOOKALIKES[c]}, or spell the Greek letter's name out",
            )
        hatted = c in HATTED or (c in HATS and at and plain[at - 1].isalpha())
        if not (c.isascii() or c in SUBSCRIPTS or "Ά" <= c <= "Ͽ" or "ἀ" <= c <= "῿" or hatted):
            raise ExpressionError(
                f"{_named(c)} cannot be part of a name",
                source=source,
                span=(start, end),
                hint="names are made of ASCII and Greek letters, digits and _",
            )
    return plain


def _named(c: str) -> str:
    import unicodedata

    name = unicodedata.name(c, "a character without a name").lower()
    shown = f"'{c}' " if c.isprintable() and not unicodedata.combining(c) else ""
    return f"{shown}({name}, U+{ord(c):04X})"


DEGREES = "angles are in radians: 30 degrees are 30*pi/180"


_FOREIGN = {
    "∂": "a derivative is not written: grad takes it",
    "∇": "a derivative is not written: grad takes it",
    "∫": "there are no integrals: write the integrand, or its antiderivative",
    "∑": "a sum is written out: x1 + x2 + x3",
    "∏": "a product is written out: x1*x2*x3",
    "‖": "a length is written out: sqrt(x^2 + y^2)",
    "±": "an expression is one number: write one with + and one with -",
    "∓": "an expression is one number: write one with - and one with +",
    "∞": "infinity is no number here: limit shows where a function tends to",
}
"""Signs of textbooks that nothing here stands for, and what to do."""


def refused(c: str, source: Source, at: int) -> ExpressionError:
    """Return the error of a character that has no place in a program."""
    hint = None
    if c in RESERVED:
        message = f"'{c}' is reserved"
        hint = "group with ( )" if c in "[]" else None
    elif c in "{}":
        message, hint = f"'{c}' is not part of the language", "group with ( )"
    elif c == "_":
        message = "a name starts with a letter"
        hint = "digits cannot be grouped with _" if at and source.text[at - 1].isdigit() else None
    elif c in '"`“”‘’':
        message = f"there are no strings in the language: {printable(c)}"
    elif c == ".":
        message, hint = "'.' belongs to a number such as 0.5", "there are no attributes; multiply with *"
    elif c == "!":
        message, hint = "there is no factorial sign", "n! is gamma(n + 1)"
    elif c in "&":
        message, hint = "there is no 'and'", "nest where(a < b, where(b < c, x, y), y)"
    elif c == "%":
        message, hint = "there is no remainder sign", "x mod n is x - n*floor(x/n)"
    elif c == "°":
        message, hint = "there is no degree sign", DEGREES
    elif c.isascii() and c.isprintable():
        message = f"'{c}' is not part of the language"
    elif c.isascii():
        message = f"control character U+{ord(c):04X} is not part of the language"
    else:
        message = f"{_named(c)} is not part of the language"
        if c in _CYRILLIC:
            message += f"; it looks like the Latin letter {_CYRILLIC[c]}"
        hint = _FOREIGN.get(c)
        if c.isalpha():
            hint = "names are made of ASCII and Greek letters, digits and _"
    return ExpressionError(message, source=source, span=(at, at + 1), hint=hint)


def is_array_text(text: str) -> bool:
    """Whether a value is an array: a literal, or a file of one, as no expression ends."""
    text = text.strip().lower()
    return text[:1] == "[" or text.endswith((".csv", ".tsv", ".npy", ".npz")) or ".npz:" in text
