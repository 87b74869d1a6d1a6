"""A drawing in TikZ: a document of its own, made for `pdflatex`, `xelatex` and `lualatex`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..errors import printable
from ..language.operators import SUM
from ..language.written import bracketed
from ..layout.drawing import PATTERNS, Arrow, Card, Drawing, Pattern
from ..layout.graph_picture import SAMPLE, outlines, strands
from ..layout.graph_places import ASIDE, Placed, aside, place
from ..layout.picture import Point, Role
from .latex import BRACKETS, formula, name_to_latex, number_to_latex, text_to_latex
from .palette import LIGHT

SCALE = 0.75
"""Points of a pixel."""

HEAD = r"""\documentclass[tikz, border=6pt]{standalone}
\usepackage[T1]{fontenc}
\usepackage{amsmath}
\usepackage{textcomp}
"""


def tikz(drawing: Drawing) -> Iterator[str]:
    """Yield the lines.

    Raises:
        UsageError: when the drawing is too large to be laid out.
    """
    drawing = drawing.settled()
    placed = place(drawing._replace(title=""))
    yield HEAD
    roles: list[Role] = ["positive", "negative", "zero", "mark", "muted"]
    for role in (*roles, *(p.role for p in PATTERNS[1 : len(drawing.groups)])):
        yield rf"\definecolor{{{role}}}{{HTML}}{{{LIGHT[role][1:].upper()}}}" + "\n"
    yield "\\begin{document}\n"
    yield f"% {_comment(drawing.title)}\n"
    yield r"\begin{tikzpicture}[x=1pt, y=-1pt, >=latex, every node/.style={font=\footnotesize}," + "\n"
    yield (
        "  card/.style={draw, rounded corners=3pt, fill=white, align=center, inner sep=2pt},\n"
        "  input card/.style={card, fill=positive!8}, step card/.style={card},\n"
        "  constant card/.style={card, fill=black!4},\n"
        "  output card/.style={card, thick, fill=green!50!blue!8}, way/.style={->, draw=muted, semithick}]\n"
    )
    for card, box in zip(drawing.cards, placed.boxes, strict=True):
        yield _card(card, box.x + box.width / 2.0, box.y + box.height / 2.0, box.width, box.height)
        for pattern, line in outlines(card, box):
            a, b = _point(line.x, line.y), _point(line.x + line.width, line.y + line.height)
            yield f"  \\draw[{_pattern(pattern)}, rounded corners=3pt] {a} rectangle {b};\n"
    for k, arrow in enumerate(drawing.arrows):
        yield from _arrow(arrow, placed, k)
    for k, text in enumerate(drawing.groups):
        y = placed.height + 18.0 * k
        yield f"  \\draw[{_pattern(PATTERNS[k])}] {_point(0.0, y)} -- {_point(SAMPLE, y)};\n"
        yield f"  \\node[right, text=muted] at {_point(SAMPLE, y)} {{{_text(text)}}};\n"
    yield "\\end{tikzpicture}\n\\end{document}\n"


def _comment(text: str) -> str:
    return printable(text).encode("ascii", "replace").decode()


def _point(x: float, y: float) -> str:
    return f"({SCALE * x:.1f},{SCALE * y:.1f})"


def math(text: str) -> str:
    """Return a name or operation in math; what is no expression of ours stands as text."""
    if "..." in text or "'" in text or "[" in text:
        return rf"\text{{{_text(text)}}}"
    if text[:1].isdecimal() and text.replace(".", "").isdecimal():
        return number_to_latex(text)
    if text.isidentifier() or text.replace("_", "").isalnum():
        return name_to_latex(text)
    return bracketed(formula(text), SUM, BRACKETS).text


def _text(text: str) -> str:
    """Return text that pdflatex can set: what is not ASCII by now is no letter of ours."""
    return text_to_latex(text).encode("ascii", "replace").decode()


def _derivative(text: str) -> str:
    """Return ``dL/dd`` as a fraction, other texts as they are."""
    top, slash, bottom = text.partition("/")
    names = not set(top + bottom) & set("*@'()+-^/ ")
    if slash and top[:1] == "d" and bottom[:1] == "d" and len(top) > 1 and len(bottom) > 1 and names:
        return rf"$\partial {math(top[1:])}/\partial {math(bottom[1:])}$"
    return _text(text)


def _symbol(text: str) -> str:
    """Return a local derivative in math; that there is none, in words."""
    derivative = _derivative(text)
    return derivative if "partial" in derivative or text.startswith("no ") else f"${math(text)}$"


def _number(text: str) -> str:
    shape = "x" in text  # of an array
    return f"${number_to_latex(text)}$" if text[:1] in "-0123456789" and not shape else text_to_latex(text)


def _card(card: Card, x: float, y: float, width: float, height: float) -> str:
    heading = f"$\\boldsymbol{{{math(card.name)}}}"
    heading += f" = {math(card.operation)}$" if card.operation else "$"
    lines = [heading]
    for row in card.rows:
        color = f"\\textcolor{{{row.role}}}" if row.role in ("positive", "negative", "zero") else ""
        head = f"{_derivative(row.name)} $=$ " if row.name else ""
        lines.append(f"{head}{color}{{{_number(row.text)}}}")
    text = r" \\ ".join(lines)
    style = f"{card.kind} card"
    if card.groups:
        style += ", draw=none"
    elif card.marked:
        style += ", draw=mark, very thick"
    elif card.marked is False:
        style += ", draw=black!20, text=muted"
    size = f"minimum width={SCALE * width:.1f}pt, minimum height={SCALE * height:.1f}pt"
    return f"  \\node[{style}, {size}] ({card.id}) at {_point(x, y)} {{{text}}};\n"


def _pattern(pattern: Pattern) -> str:
    lengths = [f"{'off' if k % 2 else 'on'} {SCALE * x:.3g}pt" for k, x in enumerate(pattern.dash)]
    dash = f", line cap=round, dash pattern={' '.join(lengths)}" if lengths else ""
    return f"draw={pattern.role}, very thick{dash}"


def _curve(points: Sequence[Point]) -> str:
    pieces = [_point(*points[0])]
    for i in range(1, len(points), 3):
        a, b, c = (_point(*p) for p in points[i : i + 3])
        pieces.append(f".. controls {a} and {b} .. {c}")
    return " ".join(pieces)


def _arrow(arrow: Arrow, placed: Placed, k: int) -> Iterator[str]:
    points = placed.curves[k][placed.own[k] :]
    style = "way, <->" if arrow.two_way else "way"
    if arrow.marked:
        style += ", draw=mark, very thick"
    elif arrow.marked is False:
        style += ", opacity=0.4"
    if not arrow.taken:
        style += ", dashed"
    if arrow.groups:
        for pattern, line in strands(arrow, points):
            yield f"  \\draw[way, {_pattern(pattern)}] {_curve(line)};\n"
    else:
        yield f"  \\draw[{style}] {_curve(points)};\n"
    label = placed.labels[k]
    if label is None:
        return
    (x, y), away = label, aside(arrow)
    if placed.down:
        over = f"right, inner sep=0pt{', yshift=5pt' if arrow.detail else ''}"
        under = f"right, inner sep=0pt{', yshift=-5pt' if arrow.label else ''}"
        first = second = _point(x + ASIDE + away, y)
    else:
        over, under = "above, inner sep=2pt", "below, inner sep=2pt"
        first, second = _point(x, y - away), _point(x, y + away)
    color = f", text={arrow.role}" if arrow.role in ("positive", "negative", "zero") else ""
    if arrow.label:
        parts = [_symbol(arrow.symbol)] if arrow.symbol else []
        if arrow.number and arrow.number != arrow.symbol:
            parts.append(f"${number_to_latex(arrow.number)}$")
        yield f"  \\node[{over}{color}] at {first} {{{' $=$ '.join(parts)}}};\n"
    if arrow.detail:
        name, equals, number = arrow.detail.partition(" = ")
        detail = _symbol(name) if arrow.two_way else _derivative(name)
        detail += f" $=$ {_number(number)}" if equals else ""
        yield f"  \\node[{under}, text=muted] at {second} {{\\scriptsize {detail}}};\n"
