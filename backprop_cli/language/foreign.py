"""What other programs' notations mean: spreadsheets, Python, MATLAB, computer algebra."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ..errors import Span, nearest
from ..ops import FUNCTIONS
from ..ops.matrices import CALLED
from .operands import CALL, Change, Meant, atomic, closing, function_of, listed, start_before
from .operators import ARRAYS_HINT, CONSTANTS
from .products import product_of
from .tokens import NAME, NUMBER

# Calls

_SUM = "add plus"
_TOTAL = "sum summe somme mean average avg mittelwert moyenne"
_DERIVATIVES = "d diff derivative differentiate ableitung"
_TEMPLATES = {
    "pow power potenz puissance": (2, "{a}^{b}"),
    "square": (1, "{a}^2"),
    "subtract sub minus": (2, "({a} - {b})"),
    "multiply mul times dot": (2, "({a}*{b})"),
    "divide div true_divide truediv": (2, "({a}/{b})"),
    "floor_divide floordiv quotient": (2, "floor({a}/{b})"),
    "negative neg": (1, "(-{a})"),
    "reciprocal": (1, "(1/{a})"),
    "float float32 float64 double tensor array asarray print": (1, "{a}"),
    "int trunc fix": (1, "(sign({a})*floor(abs({a})))"),
    "fmod rem": (2, "({a} - {b}*sign({a}/{b})*floor(abs({a}/{b})))"),
    "round": (2, "(round({a}*10^{b})/10^{b})"),
    "factorial fact": (1, "gamma({A} + 1)"),
    "heaviside step unitstep": (1, "where({A} >= 0, 1, 0)"),
    "heaviside ": (2, "where({A} > 0, 1, where({A} < 0, 0, {B}))"),
    "radians deg2rad": (1, "({a}*pi/180)"),
    "degrees rad2deg": (1, "({a}*180/pi)"),
    "nthroot root surd": (2, "{a}^(1/{b})"),
    "trigamma": (1, "polygamma(1, {A})"),
    "tetragamma": (1, "polygamma(2, {A})"),
    "si iif ifelse cond piecewise": (3, "where({A}, {B}, {C})"),
    "Γ": (1, "gamma({A})"),
}
"""Calls of other notations: names, how many operands, and what stands for them; capitals need no brackets."""

_NONE_HERE = {
    "integrate integral int quad": "there are no integrals here: write the antiderivative itself",
    "limit lim": "there are no limits of expressions; backprop limit shows that of the difference quotient",
    "sum mean average avg norm prod std var softmax ones zeros comb choose ncr npr binom": (
        "'backprop ops' lists the functions; a sum over data is written out: x1 + x2 + x3"
    ),
    "solve fsolve roots": "nothing is solved here: backprop descend finds minima, backprop plot shows zeros",
}
_CALLS = {(name, many): text for names, (many, text) in _TEMPLATES.items() for name in names.split()}
_PIECE = re.compile(r"\(([^,()]+),([^,()]+)\)")
_LOGARITHM = re.compile(r"log_?(\d+|[a-z])")
_DIGITS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")


def spelt(name: str, operands: Sequence[str]) -> str | None:
    """Return what another notation's call stands for here, None where none is known."""
    low, many = name.lower().translate(_DIGITS), len(operands)
    plain = [operand.strip() for operand in operands]
    text = _CALLS.get((name, many)) or _CALLS.get((low, many))
    if text and not plain[0].startswith("["):
        if low in ("nthroot", "root", "surd") and plain[1] in ("2", "3"):
            return f"{'sqrt' if plain[1] == '2' else 'cbrt'}({plain[0]})"
        filled = dict(zip("abc", map(atomic, plain), strict=False)) | dict(zip("ABC", plain, strict=False))
        return text.format(**filled)
    if low in _SUM.split() + _TOTAL.split() and many > 1:
        total = "(" + " + ".join(plain) + ")"
        return total if low in "add plus sum summe somme".split() else f"{total}/{many}"
    pieces = [_PIECE.fullmatch(operand) for operand in plain] if low == "piecewise" else []
    if len(pieces) == 2 and pieces[0] and pieces[1] and pieces[1][2].strip().lower() == "true":
        return f"where({pieces[0][2].strip()}, {pieces[0][1].strip()}, {pieces[1][1].strip()})"
    function = function_of(name) or function_of(low)
    if function is not None:
        return f"{function}({', '.join(plain)})"
    if (match := _LOGARITHM.fullmatch(low)) and many == 1:
        return f"log({plain[0]}, {match[1]})"
    return None


def called(text: str, span: Span) -> Meant | None:
    """``EXP(x)``, ``arctan(x)``, ``POW(a, b)``, ``xsin(x)``: a name that is no function, before a bracket."""
    call = CALL.match(text, span[0])
    if call is None:
        return None
    name, opens = call[1], call.end() - 1
    end = closing(text, opens)
    if end is None:
        return None
    inside = text[opens + 1 : end - 1]
    operands = listed(inside)
    low, many = name.lower(), len(operands)
    if name in FUNCTIONS:
        return _otherwise_called(name, operands, Change(span[0], end, ""))
    if re.search(rf"(?:^|[;\n])[ \t]*{re.escape(name)}[ \t]*\([^()=]+\)[ \t]*=(?!=)", text):
        return None  # a function of the program's own
    product = (Change(span[0], end, f"{name}*({inside})", "to multiply"),) if many == 1 else ()
    if low in _DERIVATIVES.split() and many > 1:
        use = f"and let grad take the derivative in {operands[1].strip()}"
        return Meant((Change(span[0], end, operands[0].strip(), use),), "a derivative is not written")
    written = spelt(name, operands)
    if name in CALLED and written is None:
        return Meant((Change(span[0], end, ""),), hint=ARRAYS_HINT)
    hint = next((says for names, says in _NONE_HERE.items() if low in names.split()), None)
    if hint is not None and written is None:
        return Meant((Change(span[0], end, ""),), hint=hint)
    if low == "sqr" and many == 1:
        square = Change(span[0], end, f"{atomic(inside)}^2")
        return Meant((square, Change(span[0], end, f"sqrt({inside})")))
    if low in ("sigma", "σ") and many == 1:
        return Meant((Change(span[0], end, f"sigmoid({inside})"), *product))
    if written is not None:
        own = function_of(name) is not None
        return Meant((Change(span[0], end, written), *(product if own else ())))
    split = product_of(name + "(", ())
    if split is not None:
        return Meant(
            (Change(span[0], end, f"{split[:-1]}({inside})"),), f"{name} is one name, and no function"
        )
    close = nearest(name, list(FUNCTIONS), 0.7)
    if close and _takes(close, many):
        return Meant((Change(span[0], end, f"{close}({inside})"), *product))
    return Meant(product) if product else None


def _otherwise_called(name: str, operands: Sequence[str], place: Change) -> Meant | None:
    """``round(x, 2)``, ``sin(1,5)``: a function with more operands than it has here."""
    if _takes(name, len(operands)):
        return None
    if (name, len(operands)) in _CALLS:
        return Meant((place._replace(text=spelt(name, operands) or ""),))
    if len(operands) == 2 and all(re.fullmatch(r"\d+", operand) for operand in operands):
        return Meant(
            (place._replace(text=f"{name}({'.'.join(operands)})"),), "a decimal point is a point, not a comma"
        )
    return None


def _takes(name: str, many: int) -> bool:
    low, high = FUNCTIONS[name].arity
    return low <= many <= (high or many)


def separated(text: str, span: Span) -> Meant | None:
    """``max(1,5; x)``: operands apart by semicolons, as where a comma is the decimal point."""
    for match in CALL.finditer(text):
        end = closing(text, match.end() - 1)
        inside = text[match.end() : end - 1] if end is not None else ""
        if ";" not in inside or "=" in inside.replace("==", "").replace("<=", "").replace(">=", ""):
            continue
        operands = [re.sub(r"(?<=\d),(?=\d)", ".", o).strip() for o in listed(inside, ";")]
        if all(operands) and match.start() <= span[0]:
            assert end is not None
            return Meant(
                (Change(match.end(), end - 1, ", ".join(operands)),), "operands are separated by ','"
            )
    return None


# Python, MATLAB, computer algebra

_MODULES = (
    "np numpy jnp jax math Math torch tf cmath scipy sp sympy special nn functional F mpmath mp tensorflow K"
)
_DOTTED = re.compile(rf"(?<![A-Za-z0-9_.])((?:{'|'.join(_MODULES.split())})(?:\.[A-Za-z_]+)*)\.({NAME})")
_METHOD = re.compile(rf"\.({NAME})(?=\()")


def dotted(text: str, span: Span) -> Meant | None:
    """``np.exp(x)``, ``math.pi``: the last name. ``x.exp()`` is ``exp(x)``, ``x.^2`` is ``x^2``."""
    if text[span[0]] != ".":
        return None
    if text[span[0] + 1 : span[0] + 2] in tuple("^*/"):
        return Meant((Change(span[0], span[0] + 1, ""),), read=True)
    for match in _DOTTED.finditer(text):
        if match.start() <= span[0] < match.end():
            return _of_module(text, match)
    method = _METHOD.match(text, span[0])
    start = start_before(text, span[0])
    end = closing(text, method.end()) if method else None
    if method and start is not None and end is not None:
        operand = text[start : span[0]]
        first = operand[1:-1] if operand.startswith("(") else operand
        others = text[method.end() + 1 : end - 1]
        written = spelt(method[1], [first, *(listed(others) if others.strip() else ())])
        return Meant((Change(start, end, written),), "there are no methods") if written else None
    return None


def _of_module(text: str, match: re.Match[str]) -> Meant:
    name, start, end = match[2], match.start(), match.end()
    for own in (name, name.lower()):
        if own in FUNCTIONS or own in CONSTANTS:
            return Meant((Change(start, end, own),), read=True)
    close = closing(text, end) if text[end : end + 1] == "(" else None
    written = spelt(name, listed(text[end + 1 : close - 1])) if close is not None else None
    if written is not None and close is not None:
        return Meant((Change(start, close, written),), f"{match[0]} has another name here")
    near = nearest(name, list(FUNCTIONS), 0.7)
    says = f"there is no {match[0]}"
    if near:
        return Meant((Change(start, end, near),), says)
    return Meant((Change(start, end, ""),), says, hint="'backprop ops' lists the functions")


def chosen(text: str, start: int, condition: str, a: str, b: str) -> Meant:
    """Return a choice that is written in another way, from ``start`` on."""
    written = f"where({condition.strip()}, {a.strip()}, {b.strip()})"
    space = " " * (text[start - 1 : start] == "=")
    return Meant(
        (Change(start, len(text), space + written),), "a choice is written as where(condition, a, b)"
    )


_NAMES = rf"{NAME}(?:[ \t]*,[ \t]*{NAME})*"
_PYTHON_CHOICE = re.compile(
    rf"^(?P<head>[ \t]*(?:{NAME}[ \t]*=(?!=))?)(.+?)[ \t]+if[ \t]+(.+?)[ \t]+else[ \t]+(.+)$"
)
_WORDED_CHOICE = re.compile(
    rf"^(?P<head>[ \t]*(?:{NAME}[ \t]*=(?!=))?)[ \t]*if[ \t]+(.+?)[ \t]+then[ \t]+(.+?)[ \t]+else[ \t]+(.+?)"
    r"(?:[ \t]+end)?[ \t]*$"
)
_HEADS = (
    # what stands before an expression in other languages, and what is left of it
    (rf"[ \t]*(?:lambda[ \t]+{_NAMES}[ \t]*:|return\b|@\([^()]*\)|({NAME})[ \t]*(?:[-=]>|→|↦))[ \t]*", ""),
    (rf"[ \t]*def[ \t]+({NAME}[ \t]*\([^()]*\))[ \t]*:[ \t]*return[ \t]+", r"\1 = "),
    (rf"[ \t]*({NAME}[ \t]*=)[ \t]*(?:lambda[ \t]+{_NAMES}[ \t]*:|@\([^()]*\))[ \t]*", r"\1 "),
    (rf"[ \t]*({NAME})[ \t]*:[ \t]*({NAME})[ \t]*(?:->|→|↦|=>)[ \t]*", r"\1(\2) = "),
    (rf"[ \t]*(?:let|var|const)[ \t]+({NAME}[ \t]*=)", r"\1"),
)
_LIMIT = re.compile(rf"[ \t]*lim(?:it)?[ \t_({{]*{NAME}[ \t]*(?:->|→)")
_QUOTED = re.compile(r"""\s*(?:"([^"]+)"|'([^']+)'|`([^`]+)`|[“„]([^“”]+)[”“]|‘([^’]+)’)\s*""")
_MATH = re.compile(r"\s*(?:\$\$([^$]+)\$\$|\$([^$]+)\$|\\\((.+)\\\)|\\\[(.+)\\\])\s*", re.DOTALL)
_RULE = re.compile(rf"(.+?)/\.[ \t]*\{{?[ \t]*({NAME})[ \t]*->[ \t]*([^{{}}]+?)[ \t]*\}}?[ \t]*")


def python(text: str, span: Span) -> Meant | None:
    """``lambda x: x**2``, ``x if x > 0 else 0``, ``f: x -> x^2``, ``$x^2$``: the expression alone."""
    for pattern, left in _HEADS:
        head = re.match(pattern, text)
        if head and text[head.end() :].strip():
            whole = head.expand(left) + text[head.end() :]
            return Meant((Change(0, len(text), whole),), "the expression alone is written")
    if choice := _WORDED_CHOICE.match(text):
        return chosen(text, choice.end("head"), choice[2], choice[3], choice[4])
    if choice := _PYTHON_CHOICE.match(text):
        return chosen(text, choice.end("head"), choice[3], choice[2], choice[4])
    if quoted := _QUOTED.fullmatch(text):
        inside = next(filter(None, quoted.groups()))
        return Meant((Change(0, len(text), inside),), "an expression stands without quotes")
    if _LIMIT.match(text):
        return Meant((Change(0, len(text), ""),), hint=_NONE_HERE["limit lim"])
    if math := _MATH.fullmatch(text):
        return Meant((Change(0, len(text), next(filter(None, math.groups())).strip()),), read=True)
    if rule := _RULE.fullmatch(text):
        says = "values stand beside the expression"
        return Meant(
            (Change(0, len(text), ""),), says, hint=f'write "{rule[1].strip()}" --{rule[2]} {rule[3]}'
        )
    return None


def bracketed(text: str, span: Span, name: str) -> Meant | None:
    """Return what ``Name[...]`` is in computer algebra, with the bracket at ``span``."""
    end = closing(text, span[0])
    assert end is not None
    inside, start = text[span[0] + 1 : end - 1], text.rindex(name, 0, span[0])
    operands, low = [operand.strip() for operand in listed(inside)], name.lower()
    says = f"'{text[span[0]]}' does not hold operands"
    if len(operands) == 2 and low in ("log", "arctan"):
        # the base stands first there, and x before y
        own = "log" if low == "log" else "atan2"
        return Meant((Change(start, end, f"{own}({operands[1]}, {operands[0]})"),), says)
    if name in FUNCTIONS:
        return Meant((Change(start, end, f"{name}({inside})"),), says)
    found = called(f"{text[: span[0]]}({inside}){text[end:]}", (start, span[0]))
    if found is None or any(change.text.startswith(f"{name}*") for change in found.changes[:1]):
        return None
    return found._replace(changes=found.changes[:1], says=found.says or says)


# Spreadsheets

_CELLS = re.compile(r"\b([A-Z]{1,3})(\d+):\1(\d+)\b")
MOST_CELLS = 20
"""Cells of a range that are written out."""


def spreadsheet(text: str, span: Span) -> Meant | None:
    """``=EXP(-A1^2)``, ``y := x^2``."""
    head = re.match(r"\s*=(?!=)\s*", text)
    if head and head.start() <= span[0] < head.end() and text[head.end() :].strip():
        says = "'=' begins a spreadsheet's formula; here the formula alone is written"
        rest = re.sub(r"\$?\b([A-Za-z]{1,3})\$?(\d+)\b", r"\1\2", text[head.end() :])
        rest = re.sub(r"\bPI\(\)", "pi", _CELLS.sub(_each_cell, rest), flags=re.IGNORECASE)
        rest = _recalled(rest, "LOG", lambda x: f"log10({x[0]})" if len(x) == 1 else None)
        rest = _recalled(rest, "A(?:RC)?TAN2", lambda x: f"atan2({x[1]}, {x[0]})" if len(x) == 2 else None)
        if re.search(rf"\^[ \t]*(?:{NAME}|{NUMBER})[ \t]*\^", rest):
            hint = "a spreadsheet takes a^b^c for (a^b)^c, and here it is a^(b^c): write the brackets"
            return Meant((Change(0, len(text), ""),), says, hint=hint)
        changes = [Change(0, len(text), rest)]
        squared = re.sub(rf"(?:^|(?<=[(,;=<>+*/]))\s*-({NAME}|{NUMBER})\^", lambda m: f"(-{m[1]})^", rest)
        if squared != rest:
            changes = [
                Change(0, len(text), rest, "as it is read here,"),
                Change(0, len(text), squared, "as a spreadsheet has it"),
            ]
        return Meant(tuple(changes), says)
    if text[span[0] : span[0] + 2] == ":=":
        return Meant((Change(span[0], span[0] + 2, "="),), "a name is given by '='")
    return None


def _each_cell(match: re.Match[str]) -> str:
    """Write out the cells of a short range of one column."""
    column, first, last = match[1], int(match[2]), int(match[3])
    if not 0 <= last - first < MOST_CELLS:
        return match[0]
    return "; ".join(f"{column}{k}" for k in range(first, last + 1))


def _recalled(text: str, name: str, write: Callable[[Sequence[str]], str | None]) -> str:
    """Rewrite the calls of a function, the last first, so that those inside of others come before them."""
    for match in reversed(list(re.finditer(rf"(?<![A-Za-z0-9_]){name}[ \t]*\(", text, re.IGNORECASE))):
        end = closing(text, match.end() - 1)
        if end is None:
            continue
        inside = text[match.end() : end - 1]
        operands = [o.strip() for o in listed(inside, ";" if ";" in inside else ",")]
        written = write(operands)
        if written is not None:
            text = text[: match.start()] + written + text[end:]
    return text
