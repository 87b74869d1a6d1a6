"""What was meant by a text in another notation: spreadsheets, textbooks, Python, LaTeX.

A text that has exactly one meaning is read, with a note. For any other, the hint has the user's own text as
it is written here; it is read again before it is shown, so that a hint that is followed leads to an answer.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection

from ..errors import ExpressionError, Source, Span
from ..ops import FUNCTIONS
from .foreign import bracketed, called, chosen, dotted, python, separated, spreadsheet
from .operands import (
    CALL,
    SUPERSCRIPTS,
    Change,
    Meant,
    Row,
    argument,
    atomic,
    closing,
    end_after,
    function_of,
    listed,
    start_before,
)
from .operators import CONSTANTS, FRACTIONS, INVERSES, USUAL
from .products import product_of
from .tokens import NAME, NAME_TOKEN, NUMBER, tokens

LENGTH = 2000
"""Characters of a text that is looked at; a longer one is a program that somebody wrote with care."""

SHOWN = 120
"""Characters of a corrected text that a hint has; of a longer one it has what changes."""

CHANGES = 24
"""So many slips of notation in one text are mended."""


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
    source, fault = read_as(source, error, read)
    if fault is None:
        return source
    error = fault
    found = _found(source.text, error)
    if found is None:
        raise error
    if found.hint is not None:
        span = found.changes[0][:2] if found.changes else error.span
        raise ExpressionError(found.says or error.message, source=source, span=span, hint=found.hint)
    hint = _hint(source.text, found.changes, read)
    if hint is None and error.hint:
        raise error
    first = found.changes[0]
    raise ExpressionError(
        found.says or error.message,
        source=source,
        span=first[:2] if found.says else error.span,
        hint=hint or error.hint,
    )


def read_as(source: Source, error: ExpressionError, read: Read) -> tuple[Source, ExpressionError | None]:
    """Return the text that one in another notation stands for, and what is still wrong with it, if anything.

    Args:
        source: What could not be read.
        error: Why.
        read: The parser.
    """
    for _ in range(LENGTH):
        plain = _one_meaning(source, error)
        if plain is None or plain == source.text:
            break
        source = Source(plain, source.path, f"read as {plain}")
        try:
            read(plain)
        except ExpressionError as fault:
            error = fault
        else:
            return source, None
    return source, error


def _one_meaning(source: Source, error: ExpressionError) -> str | None:
    """Return a text with the slip at an error mended, where it has exactly one meaning."""
    if re.search(r"\\[A-Za-z]", source.text):
        from .latex import read_latex

        return read_latex(source)
    found = _found(source.text, error)
    return found.changes[0].of(source.text) if found is not None and found.read else None


def _found(text: str, error: ExpressionError) -> Meant | None:
    if len(text) > LENGTH or error.span is None or error.span[0] >= len(text):
        return None
    return next((found for row in ROWS if (found := row(text, error.span))), None)


def mended(text: str, read: Read) -> str | None:
    """Return a text with every slip of notation mended, None where that leads nowhere."""
    for _ in range(CHANGES):
        try:
            read(text)
        except ExpressionError as error:
            found = _found(text, error)
            if found is None or found.hint is not None:
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
    if len(shown) == 1:
        shown = [shown[0].rstrip(",")]
    return "write " + " or ".join(dict.fromkeys(shown)) if shown else None


def _excerpt(whole: str, change: Change) -> str:
    """Return the line of a mended text that a change is on; what the change says where that is long."""
    start = whole.rfind("\n", 0, change.start + 1) + 1
    line = whole[start:].partition("\n")[0].strip()
    return line if len(line) <= SHOWN or not change.text.strip() else change.text.strip()


# The rows: what stands at the place of an error, and what it means


def _prime(text: str, span: Span) -> Meant | None:
    """``f'(x)``, ``sin'(x)``: a derivative."""
    if text[span[0]] not in "'′’":
        return None
    grouped = re.compile(r"\d{1,3}(?:['’]\d{3})+").search(text, max(0, span[0] - 3))
    if grouped and grouped.start() < span[0] < grouped.end():
        return Meant((Change(grouped.start(), grouped.end(), re.sub("['’]", "", grouped[0])),), GROUPED)
    start = start_before(text, span[0])
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
        slope = re.sub(r"\bx\b", lambda _: atomic(operand[1:-1]), slope)
        return Meant(
            (
                Change(start, end, f"({slope})"),
                Change(start, end, f"{name}{operand}", "and let grad take the derivative"),
            ),
            f"a prime stands for a derivative: {name}' is no function here",
        )
    whole = (Change(start, end or primes.end(), ""),)
    called = text[primes.end() : primes.end() + 1] == "("
    if re.fullmatch(NUMBER, name):
        hint = "f' of a function is what grad takes"
        return Meant(whole, f"numbers have no transpose, and {name} is one", hint=hint)
    header = re.search(rf"(?<![A-Za-z0-9_]){re.escape(name)}[ \t]*\([^()]*\)[ \t]*=[^;\n]*", text)
    if not re.fullmatch(NAME, name):
        inner = name[1:-1] if name.startswith("(") else name
        return Meant(whole, "a prime stands for a derivative", hint=f'grad "{inner}" is what takes it')
    if name[0] not in USUAL and not header and end is not None:
        says = f"{text[start:end]} can be read in two ways"
        product = f"{name}'@{text[primes.end() : end]} is the product with the transpose of an array"
        return Meant(whole, says, hint=f"{product}; a function whose derivative is meant is called f, g or h")
    if name[0] not in USUAL and not header and not called:
        says = f"{text[start : primes.end()]} is no name, and numbers have no transpose"
        hint = f"{name}_prime or {name}1 is a name; the derivative of {name} is what grad takes"
        return Meant(whole, says, hint=hint)
    more = f" --order {order}" if order > 1 else ""
    body = header[0].strip() if header else f"{name}(x) = ..."
    where = re.fullmatch(rf"\(([ \t]*-?{NUMBER}[ \t]*)\)", text[primes.end() : end or primes.end()])
    at = f" --x {where[1].strip()}" if where else " --x VALUE"
    rest = "" if header else f", with what {name} is for the dots"
    return Meant(
        whole,
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
    if name[1] in ("log_", "log") and opener == "{" and text[end : end + 1] == "(":
        stop, operand = argument(text, end)
        if operand is not None:
            return Meant((Change(name.start(), stop, f"log({operand}, {inside.strip()})"),))
    if found := bracketed(text, span, name[1]):
        return found
    if inside.strip().isalnum():
        index = f"{'_' * (not inside.strip().isdigit())}{inside.strip()}"
        index += "*" * bool(re.match(r"[A-Za-zα-ωΑ-Ω0-9]", text[end : end + 1]))
        return Meant(
            (Change(name.start(), end, name[1] + index),),
            "there are no indices: every number has a name of its own",
        )
    return None


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
    power = written.strip("() \t").translate(str.maketrans(SUPERSCRIPTS, "0123456789+-"))
    end, operand = argument(text, at)
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


_BARE = re.compile(rf"({NAME})(?:[ \t]+|(?=[|π√½]))")


_BASE = re.compile(rf"({NAME})[ \t]+base[ \t]+({NUMBER}|{NAME})[ \t]+of[ \t]+")
_SIMPLE = re.compile(rf"[ \t]*-?(?:{NAME}|{NUMBER})[ \t]*")


def _bare(text: str, span: Span) -> Meant | None:
    """``sin 2x``, ``ln x``: a function without brackets."""
    match = _BARE.match(text, span[0])
    if match is None or function_of(match[1]) is None:
        return None
    base = _BASE.match(text, span[0])
    if base and base[1] in ("log", "ln"):
        end, operand = argument(text, base.end())
        return (operand and Meant((Change(span[0], end, f"log({operand}, {base[2]})"),))) or None
    operands = text[match.end() :].split(",")
    function = function_of(match[1]) or match[1]
    if len(operands) > 1 and FUNCTIONS[function].arity[0] > 1 and all(map(_SIMPLE.fullmatch, operands)):
        return Meant((Change(span[0], len(text), f"{function}({text[match.end() :].strip()})"),))
    return _applied(text, span[0], function, match.end())


def _applied(text: str, start: int, name: str, at: int) -> Meant | None:
    """Return a function of what follows at ``at``; before a power or a quotient it may end in two places."""
    end, operand = argument(text, at)
    if operand is None:
        return None
    inner = Change(start, end, f"{name}({operand})")
    follows = re.compile(r"[ \t]*(\^|\*\*|/|[⁺⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)").match(text, end)
    bracketed = text[at : at + 1] == "("
    if follows is None or bracketed:
        return Meant((inner,))
    if follows[1] in ("/", "^", "**"):
        further = end_after(text, follows.end())
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
    r"|\d{1,3}(?:(?:,\d{3}){2,}|(?:\.\d{3}){2,})|\d+_\d+(?:_\d+)*)(?![\w.])"
)
_COMMA = re.compile(r"(?<![\w.,])(\d+),(\d+(?:[eE][-+]?\d+)?)(?![\d.,])")
_NO_WHOLE = re.compile(r"(?<![\w.,)\]|])(?<![\w.,)\]|][ \t]),(\d+)(?![\d.,])")
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
        elif decimal >= 0:
            plain = re.sub("[,.]", "", plain)
        return Meant((Change(group.start(), group.end(), plain),), GROUPED)
    if part := here(_NO_WHOLE):
        return Meant(
            (Change(part.start(), part.end(), f"0.{part[1]}"),), "a decimal point is a point, not a comma"
        )
    if comma := here(_COMMA):
        point = Change(comma.start(), comma.end(), f"{comma[1]}.{comma[2]}")
        if comma[2].isdigit() and len(comma[2]) == 3 and len(comma[1]) <= 3 and comma[1] != "0":
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


_BEHIND = re.compile(rf"(?<=[\w)\]|'])[ \t]+(?={NAME}[ \t]*=(?!=))")
"""What stands before a name that is given to something, in the midst of a line."""


def _together(text: str, span: Span) -> Meant | None:
    """``x = 1 y = x^2``: statements."""
    changes = tuple(Change(*gap.span(), "; ") for gap in _BEHIND.finditer(text))
    return Meant(changes, "statements are separated by ';' or by line ends") if changes else None


def _separated(text: str) -> str:
    """Return a text with the commas outside brackets as semicolons."""
    depth, out = 0, []
    for c in text:
        depth += (c in "([{") - (c in ")]}")
        out.append(";" if c == "," and depth == 0 else c)
    return "".join(out)


def _term_before(text: str, at: int) -> int:
    """Return where the term begins whose last operand begins at ``at``: ``a*b^2`` before ``%``."""
    while (sign := re.search(r"(\*\*|[*/^])[ \t]*$", text[:at])) and (
        left := start_before(text, sign.start())
    ) is not None:
        at = left
    factor = re.search(rf"(?<![A-Za-z0-9_.]){NUMBER}$", text[:at])
    return factor.start() if factor else at


_PERCENT = re.compile(r"[ \t]*%+[ \t]*")


def _percent(text: str, span: Span) -> Meant | None:
    """``3%`` and ``a % b``."""
    if text[span[0]] != "%":
        return None
    match = _PERCENT.match(text, span[0])
    start = start_before(text, span[0])
    if start is None or match is None:
        return None
    operand = text[start : span[0]].strip()
    hundredth = Change(start, span[0] + 1, f"({operand}/100)")
    if of := re.compile(r"[ \t]*%[ \t]*of[ \t]+").match(text, span[0]):
        return Meant((hundredth._replace(end=of.end(), text=f"{operand}/100*"),), "there is no percent sign")
    end = end_after(text, match.end()) if re.match(r"[\w(πα-ω]", text[match.end() :]) else None
    if end is None:
        return Meant((hundredth,), "there is no percent sign: 3% is 3/100")
    at = _term_before(text, start)
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
            start = start_before(text, match.end(1))
            if start is None:
                return None
            around = re.search(r"[/^-][ \t]*$", text[:start]) or re.match(r"[ \t]*\^", text[match.end() :])
            turned = f"{text[start : match.end(1)].strip()}*pi/180"
            return Meant(
                (Change(start, match.end(), f"({turned})" if around else turned),),
                "there is no degree sign: angles are in radians",
            )
    return None


_ROOT = re.compile("[³⁴⁵]√|[∛∜]")
_SCRIPT = re.compile("FULLWIDTH |SCRIPT |MATHEMATICAL (?!DOUBLE-STRUCK)")


def _plain_letter(c: str) -> str:
    """Return a letter or sign of another width or script, as a text processor has it, in the plain one."""
    plain = unicodedata.normalize("NFKC", c)
    return plain if not c.isascii() and len(plain) == 1 and _SCRIPT.match(unicodedata.name(c, "")) else c


def _root(text: str, span: Span) -> Meant | None:
    sign = _ROOT.match(text, span[0])
    end, operand = argument(text, sign.end()) if sign else (0, None)
    if sign is None or operand is None:
        return None
    degree = sign[0].translate(str.maketrans("³⁴⁵∛∜", "34534"))[0]
    written = f"cbrt({operand})" if degree == "3" else f"({operand})^(1/{degree})"
    return Meant((Change(span[0], end, written),), f"there is no sign '{sign[0]}'")


def _sign(text: str, span: Span) -> Meant | None:
    """``x : 2``, ``∛x``, ``n!``, ``c ? a : b``."""
    c = text[span[0]]
    if c == ":":
        return Meant((Change(span[0], span[0] + 1, "/"),), "':' is no sign here: a quotient has '/'")
    if c in "³⁴⁵∛∜":
        return _root(text, span)
    if c in "⌊⌈" and (end := text.find("⌋⌉"["⌊⌈".index(c)], span[0])) > 0:
        name = "floor" if c == "⌊" else "ceil"
        return Meant((Change(span[0], end + 1, f"{name}({text[span[0] + 1 : end]})"),), read=True)
    if c == ")" and text.count(")") > text.count("("):
        return Meant((Change(span[0], span[0] + 1, ""),))
    if c == "!":
        start = start_before(text, span[0])
        if start is not None:
            operand = text[start : span[0]].strip()
            inner = operand[1:-1] if operand.startswith("(") else operand
            return Meant((Change(start, span[0] + 1, f"gamma({inner} + 1)"),))
    if c == "?":
        return _ternary(text)
    if c in "✕✖⨯╳":
        return Meant((Change(span[0], span[0] + 1, "*"),), read=True)
    if _plain_letter(c) != c:
        return Meant((Change(0, len(text), "".join(map(_plain_letter, text))),))
    if text[span[0] - 1 : span[0] + 1] == "//" and span[0]:
        left, right = start_before(text, span[0] - 1), end_after(text, span[0] + 1)
        if left is not None and right is not None:
            left = _term_before(text, left)
            quotient = f"{text[left : span[0] - 1].strip()}/{text[span[0] + 1 : right].strip()}"
            floor = Change(left, right, f"floor({quotient})", "for whole numbers,")
            return Meant((floor, Change(left, right, quotient)))
    return None


def _ternary(text: str) -> Meant | None:
    choice = re.fullmatch(r"([^?:]+)\?([^?:]+):([^?:]+)", text)
    return (choice and chosen(text, 0, choice[1], choice[2], choice[3])) or None


def _comparison(text: str, span: Span) -> Meant | None:
    """``x > 0 ? x : 0``, ``x <- 2``."""
    if assigned := re.match(rf"[ \t]*{NAME}[ \t]*(<-)[ \t]", text):
        return Meant((Change(assigned.start(1), assigned.end(1), "="),), "a name is given by '='")
    return _ternary(text)


def _equation(text: str, span: Span) -> Meant | None:
    """``2x = 6``: an equation, of which the difference of both sides is an expression."""
    sides = re.fullmatch(r"([^=<>!;\n]+)=([^=;\n]+)", text)
    if sides is None or text[span[0]] != "=" or re.fullmatch(rf"\s*{NAME}\s*", sides[1]):
        return None
    left, right = (side.strip() for side in sides.groups())
    whole = left if right == "0" else f"{left} - {right if _SIMPLE.fullmatch(right) else f'({right})'}"
    return Meant(
        (Change(0, len(text), whole, "" if right == "0" else "for the difference of its sides"),),
        "'=' gives a name to a statement: an equation is not solved here, "
        "but grad and explain differentiate it",
    )


_WORDS = re.compile(r"[ \t]+(mod|div|and|or|not|x)[ \t]+", re.IGNORECASE)


def _words(text: str, span: Span) -> Meant | None:
    """``x mod 2``, ``3 x 4``, ``a and b``: words between operands, ``not a`` before one."""
    for match in _WORDS.finditer(text):
        start, end = start_before(text, match.start()), end_after(text, match.end())
        word = match[1].lower()
        if start is None or end is None or not start <= span[0] < end:
            continue
        left, right = text[start : match.start()].strip(), text[match.end() : end].strip()
        if word == "x":
            if not (left[-1:].isdigit() and right[:1].isdigit()):
                continue
            return Meant(
                (
                    Change(match.start(), match.end(), "*", "to multiply,"),
                    Change(match.start(), match.end(), "*x*", "with x as a factor"),
                ),
                f"{left} x {right} can be read in two ways",
            )
        if word in ("and", "or", "not"):
            break
        start = _term_before(text, start)
        left = text[start : match.start()].strip()
        written = f"mod({left}, {right})" if word == "mod" else f"floor({atomic(left)}/{right})"
        return Meant((Change(start, end, written),), f"'{word}' is no operator here")
    logic = re.compile(r"\b(and|or|not)\b", re.IGNORECASE)
    if any(m.start() - 1 <= span[1] and span[0] < m.end() for m in logic.finditer(text)):
        return Meant((), "there is no 'and', 'or' or 'not'", hint="nest where(a < b, where(b < c, x, y), y)")
    return None


def _operands(text: str, span: Span) -> Meant | None:
    """``min(x y)``: blanks between the operands of a function that takes several."""
    place = re.compile(rf"({NAME}|{NUMBER}|π)([ \t]+)(?={NAME}|{NUMBER}|π)").match(text, span[0])
    opens = next(
        (m for m in CALL.finditer(text) if m.end() <= span[0] < (closing(text, m.end() - 1) or 0)), None
    )
    if place is None or opens is None or opens[1] not in FUNCTIONS:
        return None
    end = closing(text, opens.end() - 1)
    if end is None or len(listed(text[opens.end() : end - 1])) >= FUNCTIONS[opens[1]].arity[0]:
        return None
    return Meant((Change(place.start(2), place.end(2), ", "), Change(place.start(2), place.end(2), "*")))


_LEIBNIZ = re.compile(rf"(?:d|∂)(?:\^?[²2])?[ \t]*/[ \t]*(?:d|∂)({NAME})(?:\^2|²)?[ \t]*")


def _leibniz(text: str, span: Span) -> Meant | None:
    """``d/dx (x^2)``, ``d(x^2)/dx``: a derivative."""
    if whole := re.fullmatch(rf"[ \t]*(?:d|∂)[ \t]*\((.+)\)[ \t]*/[ \t]*(?:d|∂)({NAME})[ \t]*", text):
        use = f"and let grad take the derivative in {whole[2]}"
        return Meant((Change(0, len(text), whole[1], use),), "a derivative is not written: grad takes it")
    for match in _LEIBNIZ.finditer(text):
        if match.start() <= span[0] <= match.end() and text[match.end() :].strip():
            end = end_after(text, match.end())
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


def _several(text: str, span: Span) -> Meant | None:
    """``max x, y``: a function of several operands without brackets."""
    head = re.match(rf"[ \t]*({NAME})[ \t]", text)
    return _bare(text, (head.start(1), head.end(1))) if head and "," in text[span[0] : span[1]] else None


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
    python,
    spreadsheet,
    separated,
    dotted,
    _leibniz,
    _prime,
    _percent,
    _degrees,
    _number,
    _together,
    _equation,
    _comma,
    _words,
    _operands,
    _several,
    _list,
    _brackets,
    _powered,
    _bare,
    _beside,
    called,
    _unclosed,
    _sign,
    _comparison,
)


# Names that are products

_DEGREES = ("deg", "degree", "degrees")


def _meant_by(text: str, names: Collection[str], known: Collection[str]) -> dict[str, str]:
    """Return names that were likely meant otherwise, each with the text that says so."""
    found = {}
    for name in names:
        product = "pi/180" if name in _DEGREES else product_of(name, {k for k in known if len(k) < len(name)})
        if product is not None:
            found[name] = product
    for match in CALL.finditer(text):
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


def _constant_note(text: str, name: str) -> str | None:
    """Say that ``Pi``, or the E of ``E^x``, is a name here, and no constant."""
    own = name.lower()
    if own not in CONSTANTS or (name == "E" and not re.search(r"(?<![A-Za-z0-9_])E[ \t]*(?:\^|\*\*)", text)):
        return None
    whole = re.sub(rf"(?<![A-Za-z0-9_]){name}(?![A-Za-z0-9_])", own, text)
    return f"{name} is a name; the constant is {own}: write {whole if len(whole) <= SHOWN else own}"


def _differential_note(name: str, names: Collection[str]) -> str | None:
    """Say that ``dy/dx`` is a quotient of two names."""
    below = next((n for n in names if n.startswith("d") and n != name and len(n) == 2), None)
    if below is None or not re.fullmatch(r"d[a-zA-Z]", name):
        return None
    return f"{name}/{below} is a quotient of two names: grad takes derivatives"


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
            inverse = re.compile(r"[ \t]*[-−]1[ \t]*(?=[(A-Za-z])").match(text, end)
            if inverse and name in INVERSES:
                stop, operand = argument(text, inverse.end())
                if operand is not None:
                    whole = f"{text[:start]}{INVERSES[name]}({operand}){text[stop:]}"
                    return f"{name} is a function; write {whole}"
            applied = _applied(text, start, name, end)
            hint = _hint(text, applied.changes, read) if applied else None
            if hint is not None:
                return f"{name} is a function; {hint}"
    if len(text) > LENGTH:
        return None
    for name in names:
        if note := _constant_note(text, name) or _differential_note(name, names):
            return note
    found = _meant_by(text, names, known)
    if not found:
        return None
    calls = [name for name in found if name in FUNCTIONS]
    says = " and ".join(found) + (" are names" if len(found) > 1 else " is one name")
    if calls:
        says = f"{calls[0]} is one function, the {FUNCTIONS[calls[0]].says.partition(',')[0]}"
    elif all(name in _DEGREES for name in found):
        says = "angles are in radians"
    product = _written_out(text, found, read)
    written = product if product is not None and len(product) <= SHOWN else " and ".join(found.values())
    multiply = "" if all(set("(/") & set(product) for product in found.values()) else "to multiply "
    return f"{says}; {multiply}write {written}"
