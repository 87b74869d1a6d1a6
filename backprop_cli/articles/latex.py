"""Formulas of articles, LaTeX and AsciiMath, in our own language; displays of several rows as chains."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .cases import with_cases

UPDATE = "←"
"""Gives a name another number, in place of the one that stands right of it."""

_GREEK = "alpha|beta|gamma|delta|epsilon|zeta|eta|theta|kappa|mu|nu|xi|rho|sigma|tau|phi|chi|psi|omega"
_ENDS = r"(?![a-zA-Z])"
_LATEX = (
    (r"\\[*_%]", lambda m: m[0][1]),  # Markdown's
    (r"\\q?quad(?![a-zA-Z])(?!\s*(?:[-=≈+*/&]|\\(?:approx|times|cdot|text|quad|qquad)))", " , "),
    (r"\\left\s*\[", "("),
    (r"\\right\s*\]", ")"),
    (r"\\(?:left|right|[bB]igg?[lrm]?|quad|qquad|displaystyle|limits|nonumber)" + _ENDS, " "),
    (r"\\[,;:! ]|\\hspace\*?\s*\{[^{}]*\}|\\(?:label|tag)\s*\{[^{}]*\}", " "),
    (r"\\(?:text|mathrm|mathit|mathcal|operatorname|mathbf|boldsymbol)\s*\{\s*([\w ]*?)\s*\}", r"\1"),
    (r"\\(?:hat|widehat)\s*(?:\{\s*([A-Za-z])\s*\}|\s([A-Za-z])" + _ENDS + ")", r"\1\2_hat"),
    (rf"\\({_GREEK}){_ENDS}", r"\1"),
    (r"\\partial\s*(?:\{\s*([A-Za-z]\w*(?:_\w+)?)\s*\})?", r"∂\1"),
    (r"\\(?:cdot|times)" + _ENDS, "*"),
    (r"\\approx" + _ENDS, "≈"),
    (r"\\(sin|cos|tan|exp|log|ln|tanh)\s+([A-Za-z](?:_\w+)?|\d+(?:\.\d+)?)(?![\w({^_'.]|\s*\()", r"\1(\2)"),
    (r"\\(sin|cos|tan|exp|log|ln|sqrt|pi|tanh|sinh|cosh|max|min)" + _ENDS, r"\1"),
)
_SLOPE = (
    r"\\[dt]?frac\s*\{\s*(?:d|∂)\s*(\w+)\s*\}\s*\{\s*(?:d|∂)\s*(\w+)\s*\}",
    r"d\1/d\2",
)
_SHORT_FRACTION = re.compile(r"\\[dt]?frac\s*(\{[^{}]*\}|[0-9A-Za-z])\s*(\{[^{}]*\}|[0-9A-Za-z])")
_ROOT = re.compile(
    r"\\?sqrt\s*\[\s*(\w+)\s*\]\s*\{([^{}]*)\}|(?<![\w\\])root\s*\((\w+)\)\s*\(([^()]*(?:\([^()]*\)[^()]*)*)\)"
)
_BRACED = re.compile(r"(\^|sqrt)\s*\{([^{}]*)\}")
_INDEX = re.compile(r"(?<![A-Za-z0-9_\\])([A-Za-z]\w*?)_\s*\{\s*([\w ,]+?)\s*\}")
"""A name with an index in braces, which is a part of it: ``net_{h1}``."""

_LAYER = re.compile(
    r"(?<![A-Za-z0-9_\\])([A-Za-z]\w*)\^\s*\{?\s*(?:[(\[]\s*([0-9A-Za-z])\s*[)\]]|(\+|new))(?:\s*\}|(?=[\s=]))"
)
"""``w^{(2)}`` and ``w^+`` are names."""


def _bracketed(match: re.Match[str]) -> str:
    return "_".join(part for part in match.groups() if part)


_LOWERED = {ord(low): str(digit) for digit, low in enumerate("₀₁₂₃₄₅₆₇₈₉")}
_ASCII_MATH = (
    (r"^\s*math\s+(?=\S)", ""),
    (r"(?<=\w)\^'", "'"),
    (r"σ", "sigma"),
    (r"(?<=\w)([₀-₉]+)(?=[A-Za-zα-ω])", r"\1 "),  # a product
    (r"(?<=\w)[₀-₉]+", lambda m: "_" + m[0].translate(_LOWERED)),
    (r"(?<=\s)(?:larr|<-)(?=\s)|\\(?:leftarrow|gets)(?![a-zA-Z])", UPDATE),
    (r"(?<![\w)])([A-Za-z]\w*)_\((\w+)\)(?:\^\(([A-Za-z]\w*\d)\))?", _bracketed),
    (r"\((?:del |d)(\w+)\)/\((?:del |d)(\w+)\)", r"d\1/d\2"),
    (r"(\^\([^()]*\))//", r"\1/"),
)


_MATH = re.compile(r"[\\{^]|_\(|larr|<-|root|\((?:del |d)|math\s|[σ₀-₉]")
"""What any of the patterns needs."""


def _indexed(match: re.Match[str]) -> str:
    return f"{match[1]}_{re.sub(r'[^0-9A-Za-z]+', '_', match[2])}"


def _superscript(match: re.Match[str]) -> str:
    return f"{match[1]}_layer_{match[2]}" if match[2] else f"{match[1]}_new"


def plain_math(text: str) -> str:
    """Write the LaTeX of teaching articles in our own language; what else there is stays unreadable."""
    if not _MATH.search(text):
        return text
    for pattern, plain in _ASCII_MATH:
        text = re.sub(pattern, plain, text)
    if "\\" not in text and "{" not in text and "root" not in text:
        return text
    for pattern, written in _LATEX:
        text = re.sub(pattern, written, text)
    for _ in range(4):
        text = _INDEX.sub(_indexed, text)
    text = re.sub(*_SLOPE, _LAYER.sub(_superscript, text))
    text = re.sub(r"(\^(?:\{[^{}]*\}|\d+))\s+(?=[A-Za-z](?!\s*=))", r"\1*", text)
    for _ in range(8):
        text = _BRACED.sub(r"\1(\2)", _ROOT.sub(_root, _SHORT_FRACTION.sub(_fraction, text)))
    return text


def _root(match: re.Match[str]) -> str:
    order, inside = match[1] or match[3], match[2] or match[4]
    return f"cbrt({inside})" if order == "3" else f"(({inside})^(1/{order}))"


def _fraction(match: re.Match[str]) -> str:
    above, below = (part[1:-1] if part.startswith("{") else part for part in match.groups())
    if above.strip() in ("d", "∂"):
        return f"(({above})/({below}))"
    return f"({_atom(above)}/{_atom(below)})"


def _atom(text: str) -> str:
    """Return a part of a fraction, in brackets where it is more than a number or a name."""
    return text.strip() if re.fullmatch(r"\s*[\w.]+\s*", text) else f"({text})"


# displays

_ENVIRONMENT = r"(?:align|aligned|gather|gathered|split|eqnarray|equation|multline|flalign)\*?"
_OPEN = re.compile(rf"\s*(?:>\s*)?(\$\$|\\\\?\[|\\begin\{{{_ENVIRONMENT}\}}|[`~]{{3,}}\s*math\s*$)(.*)")
_WRAPPING = re.compile(rf"\\(?:begin|end)\{{{_ENVIRONMENT}\}}")
_OTHER_ENVIRONMENT = re.compile(r"\\begin\{|\\(?:p|b|small)?matrix|\\cases")
_BREAK = re.compile(r"\\\\(?:\[[\d.]+\s*\w+\])?")
_EQUAL = r"(?:=|≈|\\approx(?![a-zA-Z])|\\(?:equiv|simeq)(?![a-zA-Z]))"
_GOES_ON = re.compile(rf"\s*(?:{_EQUAL}|[-+*/·]|\\(?:cdot|times)(?![a-zA-Z]))")
_STARTS_EQUAL = re.compile(rf"\s*{_EQUAL}")
_OPEN_END = re.compile(r"(?:[-=≈+*/·]|\\(?:cdot|times|approx))\s*$")
MOST_ROWS = 80
"""Lines of a display: what is longer was not meant for one."""

LONGEST_ROW = 2_000
"""Characters that rows that go on have together."""


def rows_of(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yield the lines of a text with their numbers, from 1; what goes on from a row stands behind it.

    In a display (``$$``, ``\\[``, ``align``, a block of ``math``) each row is a line; one that begins with
    ``=`` goes on from the one before, in the display before, too, where nothing stands between them.
    """
    lines = with_cases(lines)
    k, code, row = 0, False, ("", 0)
    while k < len(lines):
        opened = None if code else _OPEN.match(lines[k])
        display = _display(lines, k, opened) if opened else None
        if display is None:
            if lines[k].strip() and row[0]:
                yield row[1], row[0]
                row = ("", 0)
            if lines[k].lstrip().startswith(("```", "~~~")):
                code = not code
            yield k + 1, lines[k]
            k += 1
            continue
        rows, after, end = display
        for n, (number, text) in enumerate(rows):
            joined = _GOES_ON.match(text) or _OPEN_END.search(row[0]) if n else _STARTS_EQUAL.match(text)
            goes_on = bool(joined) and len(row[0]) + len(text) < LONGEST_ROW
            if row[0] and not goes_on:
                yield row[1], row[0]
            row = (_shown(f"{_inside(row[0])} {text}" if row[0] and goes_on else text), number)
        if after.strip():
            if row[0]:
                yield row[1], row[0]
                row = ("", 0)
            yield end, after
        k = end
    if row[0]:
        yield row[1], row[0]


def _shown(text: str) -> str:
    return f"$$ {text.strip()} $$"


def _inside(text: str) -> str:
    return text.removeprefix("$$").removesuffix("$$").strip()


def _display(
    lines: Sequence[str], start: int, opened: re.Match[str]
) -> tuple[list[tuple[int, str]], str, int] | None:
    """Return the rows of a display, what stands behind it, and where it ends; None where it is none."""
    mark = opened[1]
    fenced = mark[0] in "`~"
    closing = (
        r"\s*[`~]{3,}\s*$"
        if fenced
        else {"$": r"\$\$", "[": r"\\?\\\]"}.get(mark[-1], rf"\\end\{{{_ENVIRONMENT}\}}")
    )
    rows: list[tuple[int, str]] = []
    for k in range(start, min(start + MOST_ROWS, len(lines))):
        line = opened[2] if k == start else lines[k]
        close = re.search(closing, line) if not fenced or k > start else None
        if not close and k > start and line.lstrip().startswith(mark):
            return None
        content = line[: close.start()] if close else line
        if "$" in content or "#" in content or _OTHER_ENVIRONMENT.search(_WRAPPING.sub("", content)):
            return None
        content = _WRAPPING.sub("", content)
        for part in [content] if fenced else _BREAK.split(content):
            rows += [(k + 1, text) for text in _formulas(part) if text.strip()]
        if close:
            return rows, line[close.end() :], k + 1
    return None


def _formulas(row: str) -> list[str]:
    """Return the formulas of a row of columns, ``a &= 3 & b &= 4``."""
    found: list[str] = []
    for cell in re.split(r"(?<!\\)&", row.replace("{}", "")):
        if found and (_GOES_ON.match(cell) or not found[-1].strip() or _OPEN_END.search(found[-1])):
            found[-1] = f"{found[-1]} {cell}"
        else:
            found.append(cell)
    return found
