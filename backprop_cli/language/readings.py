"""What was meant by a text in another notation: spreadsheets, textbooks, Python, LaTeX.

A text that has exactly one meaning is read, with a note. For any other, the hint has the user's own text as
it is written here; it is read again before it is shown, so that a hint that is followed leads to an answer.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from ..errors import ExpressionError, Source, Span, nearest
from ..ops import FUNCTIONS
from .operators import CONSTANTS, FRACTIONS, INVERSES, OTHER_NAMES
from .tokens import NAME, NAME_TOKEN, NUMBER, tokens

LENGTH = 2000
"""Characters of a text that is looked at; a longer one is a program that somebody wrote with care."""

SHOWN = 120
"""Characters of a corrected text that a hint has; of a longer one it has what changes."""

CHANGES = 24
"""So many slips of notation in one text are mended."""


class Change(NamedTuple):
    """A text in the place of another.

    Attributes:
        start: Where it begins.
        end: Where what it replaces ends.
        text: What stands there instead.
        use: When this is meant, in words; empty where nothing else can be.
    """

    start: int
    end: int
    text: str
    use: str = ""

    def of(self, text: str) -> str:
        """Return a text with the change made."""
        return text[: self.start] + self.text + text[self.end :]


class Meant(NamedTuple):
    """What a text may mean, the likeliest first, and what is wrong with it.

    Attributes:
        changes: Each leads to one meaning.
        says: What is wrong, where the parser's own words do not say it.
        read: There is one meaning: the text is read so.
        hint: What to do where no change of the text does it.
    """

    changes: tuple[Change, ...]
    says: str | None = None
    read: bool = False
    hint: str | None = None


Row = Callable[[str, Span], "Meant | None"]
Read = Callable[[str], object]
"""Reads a text in our own notation, or raises an ExpressionError: the parser, which imports this."""


def meant(source: Source, error: ExpressionError, read: Read) -> Source:
    """Return the text that one in another notation stands for, with a note.

    Args:
        source: What could not be read.
        error: Why.
        read: The parser.
    Raises:
        ExpressionError: where the text has not exactly one meaning: with those it may have in the hint.
    """
    text = source.text
    if re.search(r"\\[A-Za-z]", text):
        from .latex import read_latex

        return _read_as(read_latex(source), source, read)
    if len(text) > LENGTH or error.span is None:
        raise error
    found = _found(text, error)
    if found is None:
        raise error
    if found.read:
        return _read_as(found.changes[0].of(text), source, read)
    if found.hint is not None:
        span = found.changes[0][:2] if found.changes else error.span
        raise ExpressionError(found.says or error.message, source=source, span=span, hint=found.hint)
    hint = _hint(text, found.changes, read)
    if hint is None and error.hint:
        raise error
    first = found.changes[0]
    raise ExpressionError(
        found.says or error.message,
        source=source,
        span=first[:2] if found.says else error.span,
        hint=hint or error.hint,
    )


def _read_as(plain: str, source: Source, read: Read) -> Source:
    again = Source(plain, source.path, f"read as {plain}")
    try:
        read(plain)
    except ExpressionError as fault:
        return meant(again, fault, read)
    return again


def _found(text: str, error: ExpressionError) -> Meant | None:
    assert error.span is not None
    if error.span[0] >= len(text):
        return None
    return next((found for row in ROWS if (found := row(text, error.span))), None)


def mended(text: str, read: Read) -> str | None:
    """Return a text with every slip of notation mended, None where that leads nowhere."""
    for _ in range(CHANGES):
        try:
            read(text)
        except ExpressionError as error:
            found = _found(text, error) if error.span is not None else None
            if found is None or found.hint is not None or len(text) > LENGTH:
                return None
            text = found.changes[0].of(text)
        else:
            return text
    return None


def _hint(text: str, changes: tuple[Change, ...], read: Read) -> str | None:
    """Return the hint that lists the meanings; None where none of them can be read."""
    shown: list[str] = []
    for change in changes:
        whole = mended(change.of(text), read)
        if whole is not None:
            shown.append(f"{_excerpt(whole, change)} {change.use}".rstrip())
    return "write " + " or ".join(dict.fromkeys(shown)) if shown else None


def _excerpt(whole: str, change: Change) -> str:
    """Return the line of a mended text that a change is on; what the change says where that is long."""
    start = whole.rfind("\n", 0, change.start + 1) + 1
    line = whole[start:].partition("\n")[0].strip()
    return line if len(line) <= SHOWN or not change.text.strip() else change.text.strip()


# Operands, by their brackets

_CLOSING = {"(": ")", "[": "]", "{": "}"}
_WORD = re.compile(rf"(?:{NUMBER}|{NAME}|π|[{''.join(FRACTIONS)}])")
_ATOM_BEFORE = re.compile(rf"(?:{NAME}|{NUMBER}|π)$")
_FUNCTION_BEFORE = re.compile(rf"{NAME}[ \t]*$")
_SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻"


def closing(text: str, at: int) -> int | None:
    """Return the place behind the bracket that closes the one at ``at``, None where there is none."""
    stack: list[str] = []
    for k in range(at, len(text)):
        c = text[k]
        if c in _CLOSING:
            stack.append(_CLOSING[c])
        elif c in ")]}":
            if not stack or stack.pop() != c:
                return None
            if not stack:
                return k + 1
    return None


def _opening(text: str, end: int) -> int | None:
    """Return the place of the bracket that the one just before ``end`` closes."""
    depth = 0
    for k in range(end - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(text[k], 0)
        if depth == 0:
            return k
    return None


def _before(text: str, end: int) -> int | None:
    """Return where the operand that ends at ``end`` begins: a name, a number, brackets or a call."""
    end = len(text[:end].rstrip(" \t"))
    if text[:end].endswith(")"):
        at = _opening(text, end)
        if at is None:
            return None
        function = _FUNCTION_BEFORE.search(text[:at])
        return function.start() if function and function[0].strip() in FUNCTIONS else at
    word = _ATOM_BEFORE.search(text[:end])
    return word.start() if word else None


def _after(text: str, at: int) -> int | None:
    """Return where the operand that begins at ``at`` ends, its power included."""
    at += len(text[at:]) - len(text[at:].lstrip(" \t"))
    if text[at : at + 1] in "+-" and text[at : at + 1]:
        return _after(text, at + 1)
    if text[at : at + 1] == "(":
        end = closing(text, at)
    else:
        word = _WORD.match(text, at)
        end = word.end() if word else None
        if end is not None and text[end : end + 1] == "(" and text[at].isalpha():
            end = closing(text, end)
    if end is None:
        return None
    power = re.compile(r"[ \t]*(?:\^|\*\*)").match(text, end)
    return _after(text, power.end()) if power else end


# The rows: what stands at the place of an error, and what it means

_MODULES = (
    "np numpy jnp jax math Math torch tf cmath scipy sp sympy special nn functional F mpmath mp tensorflow"
)
_DOTTED = re.compile(rf"(?<![A-Za-z0-9_.])((?:{'|'.join(_MODULES.split())})(?:\.[A-Za-z_]+)*)\.({NAME})")
_METHOD = re.compile(rf"\.({NAME})\(\)")


def _dotted(text: str, span: Span) -> Meant | None:
    """``np.exp(x)``, ``math.pi``: the last name. ``x.exp()`` is ``exp(x)``."""
    if text[span[0]] != ".":
        return None
    for match in _DOTTED.finditer(text):
        if match.start() <= span[0] < match.end():
            name = match[2]
            if name in FUNCTIONS or name in CONSTANTS:
                return Meant((Change(match.start(), match.end(), name),), read=True)
            if name in OTHER_NAMES or name.lower() == "square":
                return Meant((Change(match.start(), match.end(), name),), f"{match[0]} has another name here")
            close = nearest(name, list(FUNCTIONS), 0.7)
            return (
                close and Meant((Change(match.start(), match.end(), close),), f"there is no {match[0]}")
            ) or None
    method = _METHOD.match(text, span[0])
    start = _before(text, span[0])
    if method and start is not None and method[1] in FUNCTIONS:
        operand = text[start : span[0]]
        inner = operand[1:-1] if operand.startswith("(") else operand
        return Meant((Change(start, method.end(), f"{method[1]}({inner})"),), "there are no methods")
    return None


def _equals_first(text: str, span: Span) -> Meant | None:
    """``=EXP(-A1^2)``, ``y := x^2``."""
    head = re.match(r"\s*=(?!=)\s*", text)
    if head and head.start() <= span[0] < head.end() and text[head.end() :].strip():
        rest = text[head.end() :]
        changes = [Change(0, len(text), rest)]
        squared = re.sub(rf"(?:^|(?<=[(,=<>+*/]))\s*-({NAME}|{NUMBER})\^", lambda m: f"(-{m[1]})^", rest)
        if squared != rest:
            changes = [
                Change(0, len(text), rest, "as it is read here,"),
                Change(0, len(text), squared, "as a spreadsheet has it"),
            ]
        return Meant(tuple(changes), "'=' begins a spreadsheet's formula; here the formula alone is written")
    if text[span[0] : span[0] + 2] == ":=":
        return Meant((Change(span[0], span[0] + 2, "="),), "a name is given by '='")
    return None


def _prime(text: str, span: Span) -> Meant | None:
    """``f'(x)``, ``sin'(x)``: a derivative."""
    if text[span[0]] not in "'′’":
        return None
    grouped = re.compile(r"\d{1,3}(?:['’]\d{3})+").search(text, max(0, span[0] - 3))
    if grouped and grouped.start() < span[0] < grouped.end():
        return Meant((Change(grouped.start(), grouped.end(), re.sub("['’]", "", grouped[0])),), GROUPED)
    start = _before(text, span[0])
    primes = re.compile(r"['′’]+").match(text, span[0])
    if start is None or primes is None:
        return None
    name, order = text[start : span[0]], len(primes[0])
    row = FUNCTIONS.get(name)
    end = closing(text, primes.end()) if text[primes.end() : primes.end() + 1] == "(" else None
    if row is not None and end is not None and order == 1 and row.arity == (1, 1) and row.local:
        operand = text[primes.end() : end]
        slope = re.sub(r"\by\b", lambda _: f"{name}{operand}", row.local[0])
        slope = re.sub(r"\(x\)", lambda _: operand, slope)
        slope = re.sub(r"\bx\b", lambda _: _atomic(operand[1:-1]), slope)
        return Meant(
            (
                Change(start, end, f"({slope})"),
                Change(start, end, f"{name}{operand}", "and let grad take the derivative"),
            ),
            f"a prime stands for a derivative: {name}' is no function here",
        )
    header = re.search(rf"(?<![A-Za-z0-9_]){re.escape(name)}[ \t]*\([^()]*\)[ \t]*=[^;\n]*", text)
    more = f" --order {order}" if order > 1 else ""
    body = header[0].strip() if header else f"{name}(x) = ..."
    where = re.fullmatch(rf"\(([ \t]*-?{NUMBER}[ \t]*)\)", text[primes.end() : end or primes.end()])
    at = f" --x {where[1].strip()}" if where else " --x VALUE"
    rest = "" if header else f", with what {name} is for the dots"
    return Meant(
        (Change(start, end or primes.end(), ""),),
        "a prime stands for a derivative, and grad is what takes it",
        hint=f'grad "{body}"{at}{more} gives {text[start : primes.end()]}{rest}',
    )


def _brackets(text: str, span: Span) -> Meant | None:
    """``Sin[1/x]``, ``{x + 1}``, ``a[1]``."""
    opener = text[span[0]]
    if opener not in "[{":
        return None
    end = closing(text, span[0])
    if end is None:
        return None
    inside = text[span[0] + 1 : end - 1]
    name = re.compile(rf"({NAME})[ \t]*$").search(text[: span[0]])
    if not inside.strip():
        return None
    if name is None:
        exponent = opener == "{" and text[: span[0]].rstrip(" \t").endswith("^")
        return Meant((Change(span[0], end, f"({inside})"),), read=exponent)
    function = _function(name[1])
    if function is not None:
        return Meant(
            (Change(name.start(), end, f"{function}({inside})"),), f"'{opener}' does not hold operands"
        )
    if inside.strip().isalnum():
        return Meant(
            (Change(name.start(), end, f"{name[1]}{'_' * (not inside.strip().isdigit())}{inside.strip()}"),),
            "there are no indices: every number has a name of its own",
        )
    return None


def _function(name: str) -> str | None:
    """Return the primitive that another notation's name stands for, None where none does."""
    if name in FUNCTIONS:
        return name
    low = name.lower()
    return low if low in FUNCTIONS else OTHER_NAMES.get(low)


_CALL = re.compile(rf"({NAME})[ \t]*\(")


def _called(text: str, span: Span) -> Meant | None:
    """``EXP(x)``, ``arctan(x)``, ``POW(a, b)``, ``xsin(x)``: a name that is no function, before a bracket."""
    call = _CALL.match(text, span[0])
    if call is None or call[1] in FUNCTIONS:
        return None
    name, opens = call[1], call.end() - 1
    end = closing(text, opens)
    if end is None:
        return None
    inside = text[opens + 1 : end - 1]
    product = Change(span[0], end, f"{name}*({inside})", "to multiply")
    low = name.lower()
    operands = _listed(inside)
    if low in ("pow", "power") and len(operands) == 2:
        return Meant((Change(span[0], end, "^".join(map(_atomic, operands))),))
    if low in ("square", "sqr") and len(operands) == 1:
        root = (Change(span[0], end, f"sqrt({inside})"),) if low == "sqr" else ()
        return Meant((Change(span[0], end, f"{_atomic(operands[0])}^2"), *root))
    if low in ("trigamma", "tetragamma"):
        order = 1 if low == "trigamma" else 2
        return Meant((Change(span[0], end, f"polygamma({order}, {inside})"),))
    if low in ("mean", "average", "avg", "sum") and len(operands) > 1:
        total = "(" + " + ".join(map(str.strip, operands)) + ")"
        return Meant((Change(span[0], end, total + f"/{len(operands)}" * (low != "sum")),))
    function = _function(name)
    if function is not None:
        return Meant((Change(span[0], end, f"{function}({inside})"), product))
    split = product_of(name + "(", ())
    if split is not None:
        return Meant(
            (Change(span[0], end, f"{split[:-1]}({inside})"),), f"{name} is one name, and no function"
        )
    close = nearest(name, list(FUNCTIONS), 0.7)
    return Meant((Change(span[0], end, f"{close}({inside})"), product) if close else (product,))


def _listed(inside: str) -> list[str]:
    """Return the operands between brackets."""
    operands, depth, last = [], 0, 0
    for k, c in enumerate(inside):
        depth += (c in "([{") - (c in ")]}")
        if c == "," and depth == 0:
            operands.append(inside[last:k])
            last = k + 1
    return [*operands, inside[last:]]


def _atomic(text: str) -> str:
    text = text.strip()
    return text if re.fullmatch(rf"{NAME}|[0-9]*\.?[0-9]+", text) else f"({text})"


_POWERED = re.compile(
    rf"({NAME})[ \t]*(?:(?:\^|\*\*)[ \t]*(\([^()]*\)|-?{NUMBER}|{NAME})|([⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+))"
    r"[ \t]*(?=\(|[A-Za-zπ])"
)


def _powered(text: str, span: Span) -> Meant | None:
    """``sin^2(x)``, ``tan^(-1)(x)``, ``cos² x``."""
    match = _POWERED.match(text, span[0])
    if match is None or match[1] not in FUNCTIONS:
        return None
    name, at = match[1], match.end()
    written = match[2] or match[3]
    power = written.strip("() \t").translate(str.maketrans(_SUPERSCRIPTS, "0123456789+-"))
    end, operand = _argument(text, at)
    if operand is None:
        return None
    applied = f"{name}({operand})"
    if power == "-1":
        inverse = INVERSES.get(name)
        reciprocal = Change(match.start(), end, f"{applied}^(-1)", "for 1 over it" if inverse else "")
        if inverse is None:
            return Meant((reciprocal,))
        return Meant((Change(match.start(), end, f"{inverse}({operand})", "for the inverse,"), reciprocal))
    exponent = power if re.fullmatch(rf"{NUMBER}|{NAME}", power) else f"({power})"
    return Meant((Change(match.start(), end, f"{applied}^{exponent}"),))


def _argument(text: str, at: int) -> tuple[int, str | None]:
    """Return where the operand that follows a function without brackets ends, and what it is.

    It is what a reader takes: a number and the names behind it, up to a sign or another function.
    """
    at += len(text[at:]) - len(text[at:].lstrip(" \t"))
    if text[at : at + 1] == "(":
        end = closing(text, at)
        return (at, None) if end is None else (end, text[at + 1 : end - 1].strip())
    factors: list[str] = []
    end = at
    sign = re.compile(r"[-−][ \t]*").match(text, at)
    start = sign.end() if sign else at
    k = start
    while word := _WORD.match(text, k):
        called = re.compile(r"[ \t]*\(").match(text, word.end())
        if word[0] in FUNCTIONS:
            if factors:
                break
            inner_end, inner = _argument(text, word.end())
            if inner is None:
                break
            factors.append(f"{word[0]}({inner})")
            end = k = inner_end
            break
        if called and factors:
            break
        factors.append(word[0])
        end = word.end()
        k = end + len(text[end:]) - len(text[end:].lstrip(" \t"))
    if not factors:
        return at, None
    written = factors[0]
    for before, factor in itertools.pairwise(factors):
        written += (
            factor
            if before[-1].isdigit() and before[0].isdigit() and not factor[0].isdigit()
            else f"*{factor}"
        )
    return end, ("-" if sign else "") + written


_BARE = re.compile(rf"({NAME})[ \t]+")


def _bare(text: str, span: Span) -> Meant | None:
    """``sin 2x``, ``ln x``: a function without brackets."""
    match = _BARE.match(text, span[0])
    if match is None or match[1] not in FUNCTIONS:
        return None
    return _applied(text, span[0], match[1], match.end())


def _applied(text: str, start: int, name: str, at: int) -> Meant | None:
    """Return a function of what follows at ``at``; before a power or a quotient it may end in two places."""
    end, operand = _argument(text, at)
    if operand is None:
        return None
    inner = Change(start, end, f"{name}({operand})")
    follows = re.compile(r"[ \t]*(\^|\*\*|/|[⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)").match(text, end)
    bracketed = text[at : at + 1] == "("
    if follows is None or bracketed:
        return Meant((inner,))
    if follows[1] in ("/", "^", "**"):
        further = _after(text, follows.end())
        if further is None:
            return Meant((inner,))
    else:
        further = follows.end()
    tail = text[end:further].strip()
    wide = Change(start, further, f"{name}({operand}{tail})")
    narrow = Change(start, further, f"{name}({operand}){tail}")
    return Meant((narrow, wide) if tail.startswith("/") else (wide, narrow))


GROUPED = "digits are not grouped, and a decimal point is a point"
_GROUPED = re.compile(
    r"(?<![\w.])(?:\d{1,3}(?:[ _\u00a0\u2009\u202f]\d{3})+(?:[.,]\d+)?"
    r"|\d{1,3}(?:,\d{3})+\.\d+|\d{1,3}(?:\.\d{3})+,\d+"
    r"|\d{1,3}(?:,\d{3}){2,}|\d+_\d+(?:_\d+)*)(?![\w.])"
)
_COMMA = re.compile(r"(?<![\w.,])(\d+),(\d+)(?![\w.,])")
_MIXED = re.compile(
    rf"(?<![\w.])(\d+)[ \t]+(\d+)[ \t]*/[ \t]*(\d+)(?![\w.])|(?<![\w.])(\d+)[ \t]*([{''.join(FRACTIONS)}])"
)


def _number(text: str, span: Span) -> Meant | None:
    """``10 000,20``, ``1,5``, ``1 1/2``, ``1½``."""

    def here(pattern: re.Pattern[str]) -> re.Match[str] | None:
        return next((m for m in pattern.finditer(text) if m.start() <= span[0] < m.end()), None)

    if mixed := here(_MIXED):
        whole = mixed[1] or mixed[4]
        above, below = (mixed[2], mixed[3]) if mixed[1] else FRACTIONS[mixed[5]]
        return Meant(
            (
                Change(mixed.start(), mixed.end(), f"({whole} + {above}/{below})", "for the mixed number,"),
                Change(mixed.start(), mixed.end(), f"{whole}*{above}/{below}", "to multiply"),
            ),
            f"{mixed[0]} can be read in two ways",
        )
    if group := here(_GROUPED):
        plain = re.sub(r"[ _\u00a0\u2009\u202f]", "", group[0])
        decimal = max(plain.rfind(","), plain.rfind("."))
        if decimal >= 0 and (
            plain.count(",") + plain.count(".") == 1 or plain[decimal] not in plain[:decimal]
        ):
            plain = re.sub("[,.]", "", plain[:decimal]) + "." + plain[decimal + 1 :]
        return Meant((Change(group.start(), group.end(), plain.replace(",", "")),), GROUPED)
    if comma := here(_COMMA):
        point = Change(comma.start(), comma.end(), f"{comma[1]}.{comma[2]}")
        if len(comma[2]) == 3 and len(comma[1]) <= 3 and comma[1] != "0":
            thousands = Change(comma.start(), comma.end(), comma[1] + comma[2], "for thousands,")
            return Meant((thousands, point._replace(use="for a decimal point")), GROUPED)
        return Meant((point,), "a decimal point is a point, not a comma")
    return None


def _comma(text: str, span: Span) -> Meant | None:
    """``x = a + b, y = a - b``: statements."""
    if text[span[0]] != "," or not re.search(rf"^[^,]*?{NAME}[ \t]*=(?!=)", text):
        return None
    return Meant(
        (Change(0, len(text), _separated(text)),),
        "statements are separated by ';' or by line ends, not by ','",
    )


def _separated(text: str) -> str:
    """Return a text with the commas outside brackets as semicolons."""
    depth, out = 0, []
    for c in text:
        depth += (c in "([{") - (c in ")]}")
        out.append(";" if c == "," and depth == 0 else c)
    return "".join(out)


_PERCENT = re.compile(r"[ \t]*%+[ \t]*")


def _percent(text: str, span: Span) -> Meant | None:
    """``3%`` and ``a % b``."""
    if text[span[0]] != "%":
        return None
    match = _PERCENT.match(text, span[0])
    start = _before(text, span[0])
    if start is None or match is None:
        return None
    operand = text[start : span[0]].strip()
    hundredth = Change(start, span[0] + 1, f"({operand}/100)")
    end = _after(text, match.end()) if re.match(r"[\w(πα-ω]", text[match.end() :]) else None
    if end is None:
        return Meant((hundredth,), "there is no percent sign: 3% is 3/100")
    at = start
    while (sign := re.search(r"([*/^])[ \t]*$", text[:at])) and (
        left := _before(text, sign.start())
    ) is not None:
        at = left
    if factor := re.search(rf"(?<![A-Za-z0-9_.]){NUMBER}$", text[:at]):
        at = factor.start()
    left_text, right = text[at : span[0]].strip(), text[match.end() : end].strip()
    remainder = Change(at, end, f"mod({left_text}, {right})", "for the remainder,")
    share = Change(start, end, f"{operand}/100*{right}", "for so many percent of it")
    number = re.fullmatch(NUMBER, operand) is not None
    return Meant(
        (remainder, share) if number else (remainder._replace(use=""),), "'%' is not part of the language"
    )


def _degrees(text: str, span: Span) -> Meant | None:
    """``sin(30°)``, ``sin(x deg)``."""
    sign = re.compile(rf"({NAME}|{NUMBER}|π|\))[ \t]*(?:°|º|(?:deg|degree|degrees)\b)")
    for match in sign.finditer(text):
        if match.start() <= span[0] < match.end():
            start = _before(text, match.end(1))
            if start is None:
                return None
            around = re.search(r"[/^-][ \t]*$", text[:start]) or re.match(r"[ \t]*\^", text[match.end() :])
            turned = f"{text[start : match.end(1)].strip()}*pi/180"
            return Meant(
                (Change(start, match.end(), f"({turned})" if around else turned),),
                "there is no degree sign: angles are in radians",
            )
    return None


def _sign(text: str, span: Span) -> Meant | None:
    """``x : 2``, ``∛x``, ``n!``, ``c ? a : b``."""
    c = text[span[0]]
    if c == ":":
        return Meant((Change(span[0], span[0] + 1, "/"),), "':' is no sign here: a quotient has '/'")
    if c == "∛":
        end, operand = _argument(text, span[0] + 1)
        return (
            operand and Meant((Change(span[0], end, f"cbrt({operand})"),), "there is no sign '∛'")
        ) or None
    if c == "!":
        start = _before(text, span[0])
        if start is not None:
            operand = text[start : span[0]].strip()
            inner = operand[1:-1] if operand.startswith("(") else operand
            return Meant((Change(start, span[0] + 1, f"gamma({inner} + 1)"),))
    if c == "?":
        choice = re.fullmatch(r"([^?:]+)\?([^?:]+):([^?:]+)", text)
        return (choice and _choice(text, 0, choice[1], choice[2], choice[3])) or None
    if c in "（）［］，":
        return Meant((Change(span[0], span[0] + 1, "()[],"["（）［］，".index(c)]),), read=True)
    if text[span[0] - 1 : span[0] + 1] == "//" and span[0]:
        left, right = _before(text, span[0] - 1), _after(text, span[0] + 1)
        if left is not None and right is not None:
            quotient = f"{text[left : span[0] - 1].strip()}/{text[span[0] + 1 : right].strip()}"
            whole = Change(left, right, f"floor({quotient})", "for whole numbers,")
            return Meant((whole, Change(left, right, quotient)))
    return None


def _choice(text: str, start: int, condition: str, a: str, b: str) -> Meant:
    written = f"where({condition.strip()}, {a.strip()}, {b.strip()})"
    return Meant((Change(start, len(text), written),), "a choice is written as where(condition, a, b)")


_PYTHON_CHOICE = re.compile(
    rf"^(?P<head>[ \t]*(?:{NAME}[ \t]*=(?!=))?)(.+?)[ \t]+if[ \t]+(.+?)[ \t]+else[ \t]+(.+)$"
)
_LAMBDA = re.compile(rf"^[ \t]*lambda[ \t]+{NAME}(?:[ \t]*,[ \t]*{NAME})*[ \t]*:[ \t]*|^[ \t]*return[ \t]+")


def _python(text: str, span: Span) -> Meant | None:
    """``lambda x: x**2``, ``x if x > 0 else 0``."""
    head = _LAMBDA.match(text)
    if head and text[head.end() :].strip():
        return Meant((Change(0, len(text), text[head.end() :]),), "the expression alone is written")
    choice = _PYTHON_CHOICE.match(text)
    if choice:
        return _choice(text, choice.end("head"), choice[3], choice[2], choice[4])
    return None


_LEIBNIZ = re.compile(rf"(?:d|∂)(?:\^?[²2])?[ \t]*/[ \t]*(?:d|∂)({NAME})(?:\^2|²)?[ \t]*")


def _leibniz(text: str, span: Span) -> Meant | None:
    """``d/dx (x^2)``: a derivative."""
    for match in _LEIBNIZ.finditer(text):
        if match.start() <= span[0] <= match.end() and text[match.end() :].strip():
            end = _after(text, match.end())
            if end is None or text[end:].strip():
                return None
            operand = text[match.end() : end].strip()
            if operand.startswith("(") and closing(operand, 0) == len(operand):
                operand = operand[1:-1]
            return Meant(
                (Change(match.start(), end, operand, f"and let grad take the derivative in {match[1]}"),),
                "a derivative is not written: grad takes it",
            )
    return None


def _beside(text: str, span: Span) -> Meant | None:
    """``x sin x``: a product with a function."""
    place = re.compile(rf"(?:{NAME}|{NUMBER}|π)([ \t]+)({NAME})").match(text, span[0])
    if place is None or place[2] not in FUNCTIONS:
        return None
    return Meant((Change(place.start(1), place.end(1), "*"),))


def _unclosed(text: str, span: Span) -> Meant | None:
    """``(a*b + c``: the bracket is closed at the end of the line."""
    opener = text.find("(", span[0], span[1] + 1)
    if opener < 0 or closing(text, opener) is not None or closing(text + ")", opener) is None:
        return None
    end = len(text.rstrip())
    return Meant((Change(end, end, ")"),))


def _list(text: str, span: Span) -> Meant | None:
    """``2, 6, -2``: several numbers."""
    numbers = re.fullmatch(r"[ \t]*[(\[{]?([^()\[\]{}=]+)[)\]}]?[ \t]*", text)
    parts = [part.strip() for part in numbers[1].split(",")] if numbers else []
    if len(parts) < 2 or not all(parts):
        return None
    return Meant(
        tuple(Change(0, len(text), part) for part in parts[:8]),
        f"this is a list of {len(parts)}; an expression is one number: write them one at a time",
    )


ROWS: tuple[Row, ...] = (
    _python,
    _equals_first,
    _dotted,
    _leibniz,
    _prime,
    _percent,
    _degrees,
    _number,
    _comma,
    _list,
    _brackets,
    _powered,
    _bare,
    _beside,
    _called,
    _unclosed,
    _sign,
)


# Names that are products

USUAL = ("x", "y", "t")
"""Letters that are taken for variables where nothing says so: ``mx`` is likely m*x."""

_DEGREES = ("deg", "degree", "degrees")


def product_of(name: str, known: Collection[str]) -> str | None:
    """Return the product, or the call, that a name of several letters was meant for; None where it is a name.

    Every part has to be known: a name that is bound or used, a constant, a function of what follows it. One
    letter beside a known part may be new, and in short names x, y and t are taken for known.

    Args:
        name: One name, as it was read; with a bracket behind it where it was called.
        known: Names that the program or the user has besides.
    """
    word = name.removesuffix("(")
    if not 2 <= len(word) <= 24 or word in known or not word[0].isalpha():
        return None
    parts = {*known, *(c for c in CONSTANTS if len(c) > 1), *((*USUAL, "e") if len(word) <= 3 else ())}
    found = next(_split(word, parts, called=name.endswith("(")), None)
    if found is None and len(word) == 2 and word.isalpha() and word[0] != "d" and name == word:
        first, second = word[0], word[1]
        if {first, second} & {*known, "x"} and second not in CONSTANTS:
            found = f"{first}*{second}"
    return found


def _split(word: str, parts: Collection[str], *, called: bool = False) -> Iterator[str]:
    for size in range(min(len(word), 10), 1, -1):
        head, rest = word[:size], word[size:]
        if head in FUNCTIONS and rest and not called and (operand := _operand(rest, parts)):
            yield f"{head}({operand})"
    for size in range(len(word) - 1, 0, -1):
        head, rest = word[:size], word[size:]
        if head not in parts and not (called and size == 1 and rest in FUNCTIONS):
            continue
        if called and rest in FUNCTIONS:
            yield f"{head}*{rest}("
        elif not called and rest in parts:
            yield f"{head}*{rest}"
        else:
            yield from (f"{head}*{more}" for more in _split(rest, parts, called=called))
    pi = word.removeprefix("pi")
    if pi != word and len(pi) == 1 and pi.isalpha() and not called:
        yield f"pi*{pi}"


def _operand(rest: str, parts: Collection[str]) -> str | None:
    """Return what follows a function in one word: ``x``, ``2x``, ``pix``."""
    number = re.match(r"\d+", rest)
    letters = rest[number.end() :] if number else rest
    if letters in parts or (len(letters) == 1 and letters.isalpha()):
        return rest
    product = next(_split(letters, parts), None) if letters else None
    return product and (f"{number[0]}*{product}" if number else product)


def _meant_by(text: str, names: Collection[str], known: Collection[str]) -> dict[str, str]:
    """Return names that were likely meant otherwise, each with the text that says so."""
    found = {}
    for name in names:
        product = "pi/180" if name in _DEGREES else product_of(name, {k for k in known if len(k) < len(name)})
        if product is not None:
            found[name] = product
    for match in _CALL.finditer(text):
        name = match[1]
        inner = next((name[k:] for k in range(1, 3) if name[:k] in known and name[k:] in FUNCTIONS), None)
        if name in FUNCTIONS and inner is not None:
            found[name] = f"{name.removesuffix(inner)}*{inner}"
    return found


def _written_out(text: str, found: dict[str, str], read: Read) -> str | None:
    """Return a program with its products written out, None where one would be read otherwise."""
    pieces, last = [], 0
    for group, name, start, end in tokens(Source(text)):
        product = found.get(name) if group == NAME_TOKEN else None
        if product is None or (text[end:].lstrip(" \t")[:1] == "(") != (name in FUNCTIONS):
            continue
        tight = re.search(r"(?:[/^]|\*\*)[ \t]*-?[ \t]*$", text[:start])
        if re.match(r"[ \t]*(?:\^|\*\*|[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻])", text[end:]) and (tight or "(" in product):
            return None
        beside = re.search(r"[0-9)π]$", text[:start])
        pieces += [text[last:start], "*" * bool(beside), f"({product})" if tight else product]
        last = end
    return mended("".join([*pieces, text[last:]]), read)


def product_note(text: str, names: Collection[str], known: Collection[str], read: Read) -> str | None:
    """Return a sentence on names that were likely meant as products, with the program as it is then written.

    Args:
        text: The program.
        names: Names that nothing gives a value.
        known: Every name that the program or the user has.
        read: The parser.
    """
    for group, name, start, end in tokens(Source(text)):
        if group == NAME_TOKEN and name in names and name in FUNCTIONS:
            applied = _applied(text, start, name, end)
            hint = _hint(text, applied.changes, read) if applied else None
            if hint is not None:
                return f"{name} is a function; {hint}"
    found = _meant_by(text, names, known)
    if not found or len(text) > LENGTH:
        return None
    calls = [name for name in found if name in FUNCTIONS]
    says = " and ".join(found) + (" are names" if len(found) > 1 else " is one name")
    if calls:
        says = f"{calls[0]} is one function, the {FUNCTIONS[calls[0]].says.partition(',')[0]}"
    elif all(name in _DEGREES for name in found):
        says = "angles are in radians"
    whole = _written_out(text, found, read)
    written = whole if whole is not None and len(whole) <= SHOWN else " and ".join(found.values())
    multiply = "" if all(set("(/") & set(product) for product in found.values()) else "to multiply "
    return f"{says}; {multiply}write {written}"
