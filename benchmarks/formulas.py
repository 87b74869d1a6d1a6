"""A soak for formulas: whatever is printed, in whatever format, is read back and has the value it stands for.

    python benchmarks/formulas.py [--seconds 60] [--programs 100] [--seed 0]

Programs are those of `soak.py`, at ordinary and at special points. The formulas of `grad`, `explain`,
`graph`,
`check --reveal` and `export --to latex` are taken out of what is printed. Our own language is read by our
parser, LaTeX by the reader of the tests; the value, at the point and at others, is held to that of what the
formula stands for: values and difference quotients in hundreds of digits, by the functions of `soak.py`,
which know no rule.

Prints every find with the seed that brings it back, a table of counts, and exits 1 when there is one.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import html
import io
import random
import re
import shlex
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import combinations_with_replacement, pairwise
from pathlib import Path
from typing import Any

import soak
from harness import print_table, setting, shown
from mpmath import mp, mpf
from mpmath.libmp import gammazeta

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import latex_reader

import backprop_cli as bp
from backprop_cli.differentiation.higher import tangent
from backprop_cli.errors import BackpropError, NoSuchNumber
from backprop_cli.graph import CONSTANT, STEP, Graph
from backprop_cli.language.lower import lower
from backprop_cli.language.parser import parse
from backprop_cli.ops import FUNCTIONS, PRIMITIVES
from backprop_cli.render.explain import document as explained
from backprop_cli.render.higher import tangent_dict
from backprop_cli.render.latex import name_to_latex
from backprop_cli.render.terminal import Screen
from backprop_cli.render.writers import terminal, write

OTHERS = 10
"""Points besides the one that a formula is printed at."""

MOST_DRAWS = 40
"""For points at which the same pieces and branches are taken."""

EXACT = mpf("1e-11")
"""Relative error of a formula: what its 15 digits leave where functions take them further."""

ROUNDED = mpf("1e-6")
"""Of an equation with numbers that were rounded on the way."""

POINTS = (2.0, -1.0, 0.5, 0.7, 0.0, 1.0, 1.3, -0.4, 3.0)
LEAST = mpf("1e-9")


def near(a: Any, b: Any, part: Any) -> bool:
    """Whether two numbers are equal up to a part of them."""
    return bool(abs(a - b) <= part * max(abs(a), abs(b), LEAST))


# --- what is true -------------------------------------------------------------------------------


class Place:
    """A program at one point: names and slopes in many digits.

    Args:
        graph: The program.
        point: A number for every input.
    Raises:
        soak.NoValue: where it has none.
    """

    def __init__(self, graph: Graph, point: Mapping[str, Any]) -> None:
        self.graph, self.point = graph, dict(point)
        self.exact = soak.Exact(graph, self.point, decimal=True)
        self.here = self.exact.run({})
        self.ids = {graph.own_name(n.id): n.id for n in graph.nodes if n.kind != CONSTANT}
        self.slopes: dict[int, Any] = {}

    @property
    def told(self) -> str:
        """The point."""
        return ", ".join(f"{n} = {mp.nstr(mpf(x), 8)}" for n, x in self.point.items())

    @cached_property
    def names(self) -> dict[str, Any]:
        """Every name that has a value here."""
        inputs = {name: mpf(x) for name, x in self.point.items()}
        return inputs | {name: self.here[k] for name, k in self.ids.items() if k in self.here}

    @cached_property
    def decisions(self) -> dict[int, Any]:
        """What the primitives with pieces decide."""
        return self.exact.decisions(self.here)

    def slope(self, id: int) -> Any:
        """Return d output / d node from both sides; None where there is none, or nothing is known."""
        if id not in self.slopes:
            self.slopes[id] = None
            with contextlib.suppress(soak.NoValue, soak.Unclear):
                slope = soak.slope_of(self.exact, self.here, id)
                self.slopes[id] = slope.number if slope.both and not slope.kinked else None
        return self.slopes[id]

    def moved(self, by: Mapping[str, Any]) -> Place:
        """Return the program beside the point.

        Raises:
            soak.NoValue: where it has no value there, or other pieces.
        """
        place = Place(self.graph, {n: mpf(x) + by.get(n, 0) for n, x in self.point.items()})
        if place.decisions != self.decisions:
            raise soak.NoValue
        return place

    def local(self, user: int, source: int) -> Any:
        """Return d user / d source as the other operands stand still; None where there is none."""
        node = self.graph.nodes[user]
        if node.op is None:
            return None

        def at(x: Any) -> Any:
            operands = [x if i == source else self.here.get(i, mp.nan) for i in node.inputs]
            if node.primitive.name == "where":
                return operands[1] if operands[0] else operands[2]
            return soak.DEFINED[node.primitive.name](*operands)

        if source not in self.here:
            return None
        x, h = self.here[source], mpf(10) ** -40
        with contextlib.suppress(soak.NoValue, soak.Unclear, ZeroDivisionError):
            left, right = (at(x) - at(x - h)) / h, (at(x + h) - at(x)) / h
            smooth = abs(left - right) < mpf("1e-15") * (1 + abs(left)) and abs(left) < mpf("1e30")
            return (left + right) / 2 if smooth else None
        return None

    def derivative(self, of: Callable[[Place], Any], by: str) -> Any:
        """Return the derivative of what places give by an input; None where there is none."""
        h = mpf(10) ** -40
        with contextlib.suppress(soak.NoValue, soak.Unclear, ZeroDivisionError):
            return (of(self.moved({by: h})) - of(self.moved({by: -h}))) / (2 * h)
        return None

    def second(self, a: str, b: str) -> Any:
        """Return a second derivative; None where there is none."""
        return self.derivative(lambda p: _finite(p.derivative(lambda q: q.here[q.graph.output], b)), a)


def _finite(x: Any) -> Any:
    if x is None:
        raise soak.NoValue
    return x


# --- what is written ----------------------------------------------------------------------------

_RATIO = re.compile(r"\bd([^\W\d]\w*)/d([^\W\d]\w*)\b(?!\()")
_OPERATOR = re.compile(r"\bd/d(\w+)\(")


class Unreadable(Exception):
    """No reader takes what is written."""


class Reader:
    """Reads what is written of a program.

    Args:
        graph: The program.
        partial: d v2/d x is a local derivative where it is none of the output; else by all ways.
    """

    def __init__(self, graph: Graph, *, partial: bool = True) -> None:
        self.graph, self.partial = graph, partial
        self.output = graph.own_name(graph.output)

    def names_in(self, text: str) -> set[str]:
        """Return the names of the program in a text."""
        return set(re.findall(r"[^\W\d]\w*", text)) & {
            self.graph.own_name(n.id) for n in self.graph.nodes if n.kind != CONSTANT
        }

    def value(self, text: str, place: Place, more: Mapping[str, Any] | None = None) -> Any:
        """Return the value of an expression in our language; None where it has none.

        Raises:
            Unreadable: where it is no expression over the program's names.
        """
        known = {**(more or {}), **place.names}
        slopes: dict[str, Callable[[], Any]] = {}

        def name_for(slope: Callable[[], Any]) -> str:
            name = f"slope__{len(slopes)}"
            slopes[name] = slope
            return f"({name})"

        def ratio(found: re.Match[str]) -> str:
            of, by = found.groups()
            if of not in place.ids or by not in place.ids:
                return found[0]
            if of == self.output:
                return name_for(lambda: place.slope(place.ids[by]))
            if self.partial:
                return name_for(lambda: place.local(place.ids[of], place.ids[by]))
            return name_for(lambda: place.derivative(lambda p: _finite(p.names.get(of)), by))

        text = re.sub(r"where\((v\d+),", r"where(\1 != 0,", text)  # a condition that has a row of its own
        text = self._calls(text, place, more, name_for)
        text = self._operators(text, place, name_for)
        text = _RATIO.sub(ratio, text)
        try:
            back = lower(parse(text), [*place.ids, *(more or {}), *slopes])
        except BackpropError as error:
            raise Unreadable(f"{text}: {error}") from None
        wanted = {n: slopes[n]() if n in slopes else known.get(n) for n in back.inputs}
        strange = [n for n in wanted if n not in slopes and n not in place.ids and n not in (more or {})]
        if strange:
            raise Unreadable(f"{text}: {strange[0]} is no name of the program")
        numbers = {n: mp.nan if x is None else x for n, x in wanted.items()}
        try:
            return soak.Exact(back, numbers, decimal=True).run({})[back.output]
        except (soak.NoValue, soak.Unclear, ZeroDivisionError):
            return None

    def _calls(
        self,
        text: str,
        place: Place,
        more: Mapping[str, Any] | None,
        name_for: Callable[[Callable[[], Any]], str],
    ) -> str:
        """Put names for the program's value elsewhere: ``f(2 + h, 3)``."""
        while found := re.search(rf"\b{re.escape(self.output)}\(", text):
            inner, end = _bracket(text, found.end())

            def there(inner: str = inner) -> Any:
                at = [_finite(self.value(part, place, more)) for part in _parted(inner)]
                moved = Place(self.graph, dict(zip(self.graph.inputs, at, strict=True)))
                return moved.here[self.graph.output]

            text = text[: found.start()] + name_for(there) + text[end:]
        return text

    def _operators(self, text: str, place: Place, name_for: Callable[[Callable[[], Any]], str]) -> str:
        """Put names for derivatives that are still to be taken."""
        while found := _OPERATOR.search(text):
            (inner, end), by = _bracket(text, found.end()), found[1]

            def taken(inner: str = inner, by: str = by) -> Any:
                return place.derivative(lambda p: _finite(self.value(inner, p)), by)

            text = text[: found.start()] + name_for(taken) + text[end:]
        return text

    @cached_property
    def latex_names(self) -> dict[str, Any]:
        """Names and slopes as LaTeX writes them."""
        names = [self.graph.own_name(n.id) for n in self.graph.nodes if n.kind != CONSTANT]
        written = {name: name_to_latex(name).replace(" ", "") for name in names}
        found = (
            {"e": "e", r"\pi": "pi", r"\tau": "tau"}
            | {h: h for h in "hkt"}
            | {w: n for n, w in written.items()}
        )
        for of, above in written.items():
            for by, below in written.items():
                slope = rf"\frac{{\partial {above}}}{{\partial {below}}}"
                found[slope] = found[slope.replace(r"\partial ", "d")] = f"d{of}/d{by}"
        return {latex: Text(name) for latex, name in found.items()}

    def plain(self, latex: str) -> str:
        """Return LaTeX in our language, in all brackets.

        Raises:
            Unreadable: where nobody reads it.
        """
        by = {latex: text.text for latex, text in self.latex_names.items()}
        calls = {name: _call(name) for name in (*PRIMITIVES, *FUNCTIONS)}
        calls["power"] = lambda a, b: Text(f"({a})^({b})")
        calls["d/d"] = lambda name, inner: Text(f"d/d{by[name]}({inner})")
        calls[name_to_latex(self.output)] = _call(self.output)
        try:
            return str(latex_reader.value(latex, self.latex_names, calls, Text))
        except (latex_reader.Unreadable, latex_reader.Unknown, IndexError, KeyError) as error:
            raise Unreadable(f"{latex}: {error!r}") from None


def _bracket(text: str, start: int) -> tuple[str, int]:
    """Return what stands in brackets that open before ``start``, and where they are closed."""
    end, depth = start, 1
    while depth and end < len(text):
        depth += (text[end] == "(") - (text[end] == ")")
        end += 1
    return text[start : end - 1], end


def _parted(text: str) -> list[str]:
    """Return the operands of a call."""
    parts, depth = [""], 0
    for c in text:
        depth += (c == "(") - (c == ")")
        if c == "," and not depth:
            parts.append("")
        else:
            parts[-1] += c
    return parts


def _call(name: str) -> Callable[..., Text]:
    return lambda *operands: Text(f"{name}({', '.join(map(str, operands))})")


class Text:
    """A number to the reader of LaTeX that is a text of ours."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text

    def _with(self, sign: str, other: Any) -> Text:
        return Text(f"({self}){sign}({other})")

    def __neg__(self) -> Text:
        return Text(f"-({self})")

    def __add__(self, other: Any) -> Text:
        return self._with("+", other)

    def __sub__(self, other: Any) -> Text:
        return self._with("-", other)

    def __mul__(self, other: Any) -> Text:
        return self._with("*", other)

    def __truediv__(self, other: Any) -> Text:
        return self._with("/", other)

    def __lt__(self, other: Any) -> Text:  # type: ignore[override]
        return Text(f"{self} < {other}")

    def __le__(self, other: Any) -> Text:
        return Text(f"{self} <= {other}")

    def __gt__(self, other: Any) -> Text:
        return Text(f"{self} > {other}")

    def __ge__(self, other: Any) -> Text:
        return Text(f"{self} >= {other}")

    def __eq__(self, other: object) -> Text:  # type: ignore[override]
        return Text(f"{self} == {other}")

    def __ne__(self, other: object) -> Text:  # type: ignore[override]
        return Text(f"{self} != {other}")


# --- what is printed ----------------------------------------------------------------------------


def rows_of_markdown(page: str) -> list[list[str]]:
    """Return the cells of a table."""
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    return [
        [c.strip().strip("`").replace(r"\|", "|").strip() for c in re.split(r"(?<!\\)\|", row)[1:-1]]
        for row in rows
    ]


def rows_of_latex(page: str) -> list[list[str]]:
    """Return the cells of a table, mathematics without its dollars."""
    body = page.partition(r"\hline")[2].partition(r"\end{tabular}")[0]
    rows = [row.strip() for row in body.split(r"\\") if row.strip()]
    return [[cell.strip().removeprefix("$").removesuffix("$") for cell in row.split(" & ")] for row in rows]


def rows_of_html(page: str) -> list[list[str]]:
    """Return the cells of a table."""
    return [
        [
            html.unescape(re.sub(r"<[^>]*>", "", cell))
            for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row)
        ]
        for row in re.findall(r"<tr>(.*?)</tr>", page)
    ]


def narrow_formulas(report: Any, width: int) -> dict[str, str]:
    """Return the formulas of a table in a terminal, broken into lines there, without blanks."""
    screen = Screen(width)
    terminal._print_all(screen, report._document("table").page())
    lines = screen.text().splitlines()
    rule = next((k for k, line in enumerate(lines) if line and set(line) <= set("-")), None)
    start = lines[rule - 1].find("formula") if rule else -1
    found: dict[str, str] = {}
    if start < 0:
        return found
    name = ""
    for line in lines[rule + 1 :]:
        if not line.strip():
            break
        name = line.split(" ")[0] or name
        cell = re.match(r" ?\S+(?: \S+)*", line[start:])
        found[name] = found.get(name, "") + (cell[0].replace(" ", "") if cell else "")
    return found


def sides_of(equation: str) -> list[str]:
    """Return what an equation holds to be equal: the signs in brackets are comparisons."""
    sides, depth, start = [], 0, 0
    text = re.sub(r"[<>=!]=", lambda m: "\0" * len(m[0]), equation)
    for k, c in enumerate(text):
        depth += (c in "({") - (c in ")}")
        if c == "=" and not depth:
            sides.append(equation[start:k].strip())
            start = k + 1
    return [*sides, equation[start:].strip()]


def equations_of_markdown(page: str) -> Iterator[list[str]]:
    """Yield the sides of every equation."""
    for span in re.findall(r"`([^`]*)`", page.partition("In words")[0]):
        text = re.sub(r"^by the \d\w\w \w+ in it: |^adds | to d\w+/d\w+$", "", span)
        if len(sides := sides_of(text)) > 1:
            yield sides


def equations_of_latex(page: str) -> Iterator[list[str]]:
    """Yield the sides of every equation."""
    for block in re.findall(r"\\begin\{align\*\}(.*?)\\end\{align\*\}", page, re.S):
        for line in block.split(r" \\" + "\n"):
            text = line.strip().removeprefix("&").strip()
            for part in text.split(r":\quad"):
                part = re.sub(r"\\text\{ to \}.*|\\q*quad\s*\\text\{\(.*", "", part)
                part = re.sub(r"^(\s*\\q*quad\b|\s*\\text\{(?:adds |by the [^}]*: )\})+", "", part)
                sides = sides_of(part.replace("&=", "="))
                if len(sides) > 1:
                    yield sides


# --- judgement ----------------------------------------------------------------------------------


class Judge:
    """Holds what is printed of programs to what is true.

    Attributes:
        counts: What was done.
        found: Of the case at hand, kind to what is wrong.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.found: dict[str, str] = {}

    def __call__(self, seed: int) -> tuple[str, dict[str, str]]:
        """Return the program of a seed, and its finds."""
        self.found = {}
        case, draw = soak.random_case(seed), random.Random(f"formulas {seed}")
        try:
            graph = lower(parse(case.text))
        except BackpropError:
            return case.text, {}
        sizes = [abs(x) for x in case.point.values()]
        special = draw.random() < 0.3 and all(x == 0 or 1e-3 < x < 1e3 for x in sizes)  # floats would cancel
        at = {n: case.point.get(n, 0.0) if special else draw.choice(POINTS) for n in graph.inputs}
        if not at or graph.nodes[graph.output].kind == CONSTANT:
            return case.text, {}
        return shlex.join([case.text, *(f"{n}={x!r}" for n, x in at.items())]), self.judge(
            case.text, at, seed
        )

    def judge(self, text: str, at: dict[str, float], seed: int = 0) -> dict[str, str]:
        """Return the finds of a program at a point; a seed chooses the others."""
        self.found = {}
        with mp.workdps(soak.DIGITS):
            self._judge(lower(parse(text)), text, at, random.Random(seed))
        return self.found

    def _judge(self, graph: Graph, text: str, at: dict[str, float], draw: random.Random) -> None:
        here = place_at(graph, at)
        if here is None or here.exact.extreme:
            self.counts["no value, or none to compare"] += 1
            return
        self.counts["programs"] += 1
        others = list(elsewhere(graph, draw, OTHERS))
        alike = list(elsewhere(graph, draw, OTHERS, here))
        for what in (
            self.gradients,
            self.tangents,
            self.limits,
            self.seconds,
            self.passes,
            self.rules,
            self.drawings,
            self.exported,
            self.checks,
        ):
            try:
                what(graph, text, at, here, others, alike)
            except NoSuchNumber:
                self.counts[f"{what.__name__}: no such number"] += 1
            except soak.TooSlow:
                raise
            except Exception as error:
                import traceback

                self.found[f"crash in {what.__name__}"] = f"{error!r} {traceback.format_exc(limit=-3)}"

    def note(self, kind: str, what: str) -> None:
        """Keep a find."""
        self.found.setdefault(kind, what)

    def holds(
        self,
        kind: str,
        text: str,
        reader: Reader,
        truths: Sequence[tuple[Place, Any]],
        *,
        whole: bool = True,
    ) -> None:
        """Hold a formula to what it stands for, at every place where that is known.

        Args:
            kind: What it is, for the counts.
            text: The formula.
            reader: Of the program.
            truths: Places, and the number there; None where that is not known.
            whole: It has a value wherever there is one; by the chain rule alone 0 may meet what has none.
        """
        for place, truth in truths:
            try:
                value = reader.value(text, place)
            except Unreadable as error:
                self.note(f"{kind}: unreadable", str(error))
                return
            if truth is None:
                continue
            self.counts[f"{kind}"] += 1
            if value is None and not whole:
                self.counts[f"{kind}: without a value"] += 1
            elif value is None or not near(value, truth, EXACT):
                is_ = "has no value" if value is None else f"is {mp.nstr(value, 12)}"
                self.note(kind, f"{text} at {place.told} {is_}, truly {mp.nstr(truth, 12)}")
                return

    def equal(
        self,
        kind: str,
        sides: Sequence[str],
        reader: Reader,
        here: Place,
        alike: Sequence[Place],
        more: Mapping[str, Any] | None = None,
    ) -> None:
        """Hold the sides of an equation to each other, those in symbols at other places too."""
        symbols = [side for side in sides if reader.names_in(side) or _RATIO.search(side)]
        for place, compared in ((here, sides), *((p, symbols) for p in alike)):
            values = []
            for side in compared:
                with contextlib.suppress(Unreadable):
                    value = reader.value(side, place, more)
                    values += [] if value is None else [value]
                    self.counts[f"{kind}: sides read"] += place is here
            if not all(near(a, b, ROUNDED if place is here else EXACT) for a, b in pairwise(values)):
                self.note(kind, f"{' = '.join(sides)} at {place.told}: {[mp.nstr(v, 12) for v in values]}")
                return

    # the commands

    def gradients(self, graph: Graph, text: str, at: Any, here: Place, others: Any, alike: Any) -> None:
        """``grad``: a formula a node, over the names of steps and over inputs."""
        for formulas in ("names", "inputs"):
            try:
                report = bp.grad(text, at, formulas=formulas)
            except NoSuchNumber:
                report = bp.grad(text, formulas=formulas)
            reader = Reader(graph)
            told = {n["name"]: n["formula"] for n in report.to_dict()["nodes"] if n["formula"]}
            for name, formula in told.items():
                id = here.ids[name]
                truths = [(p, p.slope(id)) for p in (here, *others) if id in p.here]
                self.holds(f"grad, {formulas}", formula, reader, truths)
                if id in report.over:
                    self.holds("grad, over slopes", report.over[id], reader, truths)
            over = {graph.own_name(id): formula for id, formula in report.over.items()}
            self.formats(report, told, graph, here, others, f"grad, {formulas}", over)

    def formats(
        self, report: Any, told: Mapping[str, str], graph: Graph, here: Place, others: Any, kind: str,
        over: Mapping[str, str] = {},
    ) -> None:  # fmt: skip
        """Hold the formulas of every format of a table to those of JSON."""
        pages = {
            "csv": [*csv.reader(io.StringIO(report.to_text("csv")))],
            "tsv": [*csv.reader(io.StringIO(report.to_text("tsv")), delimiter="\t")],
            "markdown": rows_of_markdown(report.to_text("markdown")),
            "html": rows_of_html(report.to_text("html")),
        }
        for format_, (head, *rows) in pages.items():
            column = next(head.index(word) for word in ("name", "derivative", "step") if word in head)
            found = {row[column]: row[head.index("formula")] for row in rows if len(row) == len(head)}
            for name, formula in told.items():
                self.counts[f"{kind}, {format_}"] += 1
                if found.get(name, formula) != formula:
                    self.note(f"{kind}, {format_}", f"{name}: {found[name]}, in JSON {formula}")
        lines = report.to_text("table").splitlines()
        for name, formula in told.items():
            line = next(row for row in lines[lines.index("") + 3 :] if row.startswith(f"{name} "))
            self.counts[f"{kind}, table"] += 1
            if f"  {formula} " not in f"{line} ":
                self.note(f"{kind}, table", f"{formula} is not in {line}")
        for width in (60, 90):
            for name, cell in narrow_formulas(report, width).items():
                self.counts[f"{kind}, narrow"] += 1
                texts = [t.replace(" ", "") for t in (told.get(name), over.get(name)) if t is not None]
                begun = cell.removesuffix("...")
                if texts and not any(t == cell or (begun != cell and t.startswith(begun)) for t in texts):
                    self.note(f"{kind}, narrow", f"{cell} in {width} columns, not {' or '.join(texts)}")
        reader = Reader(graph)
        head, *_ = pages["markdown"]
        for row in rows_of_latex(report.to_text("latex")):
            cell = row[head.index("formula")]
            if cell in ("--", "-"):
                continue
            names = [n for n in told if name_to_latex(n) == row[0] or n == row[0]]
            try:
                plain = reader.plain(cell)
            except Unreadable as error:
                self.note(f"{kind}, latex: unreadable", str(error))
                continue
            for name in names:
                for place in (here, *others[:3]):
                    self.counts[f"{kind}, latex"] += 1
                    values = [reader.value(x, place) for x in (plain, told[name])]
                    if None not in values and not near(*values, EXACT):
                        self.note(f"{kind}, latex", f"{cell} is not {told[name]}")

    def seconds(self, graph: Graph, text: str, at: Any, here: Place, others: Any, alike: Any) -> None:
        """``grad --order 2``."""
        if len(graph) > 14:
            return
        try:
            report = bp.higher(text, at, order=2)
        except NoSuchNumber:
            report = bp.higher(text, order=2)
        rows = report.to_dict()["derivatives"]
        reader = Reader(graph)
        names = list(graph.inputs)
        pairs = list(combinations_with_replacement(names, 2))
        for row in rows:
            by = tuple(row["by"])
            if row["formula"] is None or len(by) != 2 or by not in pairs:
                continue
            truths = [(p, p.second(*by)) for p in (here, *others[:4])]
            self.holds("grad --order 2", row["formula"], reader, truths)
        told = {row["name"]: row["formula"] for row in rows if row["formula"]}
        if told:
            self.formats(report, told, graph, here, others, "grad --order 2")

    def tangents(self, graph: Graph, text: str, at: Any, here: Place, others: Any, alike: Any) -> None:
        """``grad --tangent``: both forms are value and slopes."""
        found = tangent_dict(tangent(bp.grad(text, at, methods=["reverse"])))
        slopes = {n: here.slope(k) for n, k in graph.inputs.items()}
        if None in slopes.values():
            return
        for place in others:
            moves = [slopes[n] * (mpf(place.point[n]) - mpf(here.point[n])) for n in slopes]
            truth = here.here[graph.output] + mp.fsum(moves)
            for form in ("at_the_point", "multiplied_out"):
                self.counts[f"grad --tangent: {form}"] += 1
                value = Reader(graph).value(found[form].partition(" = ")[2], place)
                if value is None or abs(value - truth) > ROUNDED * (
                    mp.fsum(map(abs, moves)) + abs(truth) + 1
                ):
                    self.note("grad --tangent", f"{found[form]} at {place.told}: {value}, truly {truth}")

    def limits(self, graph: Graph, text: str, at: Any, here: Place, others: Any, alike: Any) -> None:
        """``explain --limit``: the quotient worked out."""
        for where in [at] if graph.defaults else [at, {}]:
            document = explained(bp.explain(text, where, limit=True), digits=15)
            reader, place = Reader(graph, partial=bool(where)), Place(graph, here.point)
            for h in (mpf("0.37"), mpf("-0.011")):
                more = dict.fromkeys("hkt", h)
                for sides in equations_of_markdown(write(document, "markdown")):
                    self.equal("explain --limit, markdown", sides, reader, place, (), more)
                for sides in equations_of_latex(write(document, "latex")):
                    plain = []
                    for side in sides:
                        with contextlib.suppress(Unreadable):  # lim has no value
                            plain.append(reader.plain(side))
                    self.equal("explain --limit, latex", plain, reader, place, (), more)

    def passes(self, graph: Graph, text: str, at: Any, here: Place, others: Any, alike: Any) -> None:
        """``explain`` at a point, in every format."""
        told = bp.explain(text, at, detail="full")
        here, alike = place_at(graph, at), [Place(graph, p.point) for p in alike]
        assert here is not None
        reader, document = Reader(graph), explained(told, digits=15)
        facts = told.to_dict()
        for step in facts["forward"]:
            sides = [step["name"], step["symbols"], step["numbers"], repr(step["value"])]
            self.equal("explain, json", [s for s in sides if s], reader, here, alike)
        for use in facts["backward"]:
            if use["kind"] == "use" and use["local"]:
                user, source = here.ids[use["user"]], here.ids[use["name"]]
                once = graph.nodes[user].inputs.count(source) == 1
                truths = [(p, p.local(user, source) if once else None) for p in (here, *alike)]
                self.holds("explain, json: local", use["local"], reader, truths)
        for sides in equations_of_markdown(write(document, "markdown")):
            self.equal("explain, markdown", sides, reader, here, alike)
        for sides in equations_of_latex(write(document, "latex")):
            plain = []
            for side in sides:
                try:
                    plain.append(reader.plain(side))
                except Unreadable as error:
                    if not re.search(r"\\dots|\\to|\\text\{ is used", side):
                        self.note("explain, latex: unreadable", str(error))
            self.equal("explain, latex", plain, reader, here, alike)

    def rules(self, graph: Graph, text: str, at: Any, here: Place, others: Any, alike: Any) -> None:
        """``explain`` rule by rule, and the limit definition."""
        if graph.defaults:  # that is at a point
            return
        told = bp.explain(text)
        reader = Reader(graph, partial=False)
        places = [Place(graph, p.point) for p in others[:5]]
        for derivation in told.to_dict()["derivations"]:
            id = graph.inputs[derivation["name"]]
            truths = [(p, p.slope(id)) for p in places]
            for kind in ("substituted", "formula"):
                if derivation[kind]:
                    whole = kind == "formula"
                    self.holds(f"explain --symbolic: {kind}", derivation[kind], reader, truths, whole=whole)
            letters: dict[str, str] = {}  # u and v, and what they stand for
            for step in derivation["steps"]:
                letters |= {letter: meaning for letter, meaning in step["with"].items() if letter != meaning}
                forms = step["forms"]
                for letter, meaning in letters.items():
                    by = derivation["name"]
                    forms = [re.sub(rf"\bd{letter}/d{by}\b", f"d/d{by}({meaning})", form) for form in forms]
                    forms = [re.sub(rf"\b{letter}\b", f"({meaning})", form) for form in forms]
                for place in places:
                    self.equal("explain --symbolic: a rule", forms, reader, place, ())
        for sides in equations_of_latex(write(explained(told, digits=15), "latex")):
            try:
                plain = [reader.plain(side) for side in sides]
            except Unreadable as error:
                if not re.search(r"\\dots|d[p-w]\b|\\partial [p-w]\b|\b[p-w]\b", str(error)):
                    self.note("explain --symbolic, latex: unreadable", str(error))
                continue
            for place in places:
                self.equal("explain --symbolic, latex", plain, reader, place, ())

    def drawings(self, graph: Graph, text: str, at: Any, here: Place, others: Any, alike: Any) -> None:
        """``graph`` in every format."""
        drawn = bp.draw(text, at, digits=15)
        reader, facts = Reader(graph), drawn.to_dict()
        for node in facts["nodes"]:
            id = node["id"]
            truths = [(p, p.here.get(id)) for p in (here, *others)]
            if graph.nodes[id].kind == STEP and not graph.nodes[id].primitive.truth:
                self.holds("graph, json: a step", node["text"], reader, truths)
        for edge in facts["edges"]:
            source, user = edge["source"], edge["target"]
            if not edge["symbol"] or graph.nodes[user].primitive.truth:
                continue
            truths = [(p, p.local(user, source)) for p in (here, *alike)]
            # conditions in a branch not taken have no row
            self.holds("graph, json: an arrow", edge["symbol"], reader, truths, whole=False)
        said = {e["symbol"] for e in facts["edges"] if e["symbol"]} | {n["text"] for n in facts["nodes"]}
        texts = {
            "dot": lambda page: page.replace(r"\"", '"').replace("\\\\", "\\"),
            "mermaid": lambda page: re.sub(r"#(\d+);", lambda m: chr(int(m[1])), page),
            "svg": html.unescape,
        }
        for format_, unescaped in texts.items():
            page = unescaped(drawn.to_text(format_))
            for symbol in said:
                self.counts[f"graph, {format_}"] += 1
                if len(symbol) <= 24 and symbol not in page and "where(" not in symbol:
                    self.note(f"graph, {format_}", f"{symbol} is not in it")
        page = drawn.to_text("tikz")
        for label in re.findall(r"at \([^)]*\) \{\$([^$]*)\$ \$=\$ \$([^$]*)\$\}", page):
            label = [
                re.sub(r"^\\partial (.*)/\\partial (.*)$", r"\\frac{\\partial \1}{\\partial \2}", x)
                for x in label
            ]
            if r"\text" in label[0]:
                continue
            try:
                plain = [reader.plain(side) for side in label]
            except Unreadable as error:
                self.note("graph, tikz: unreadable", str(error))
                continue
            self.equal("graph, tikz", plain, reader, here, ())
        for name, operation, value in re.findall(
            r"\\boldsymbol\{(.*?)\} = ([^$]*)\$ \\\\ value \$=\$ (?:\\textcolor\{\w+\}\{\$([^$]*)\$\})?", page
        ):
            try:
                plain = [reader.plain(side) for side in (name, operation, value) if side]
            except Unreadable as error:
                self.note("graph, tikz: unreadable", str(error))
                continue
            self.equal("graph, tikz", plain, reader, here, alike)

    def exported(self, graph: Graph, text: str, at: Any, here: Place, others: Any, alike: Any) -> None:
        """``export --to latex``."""
        page = bp.translate(text, at, to="latex", digits=15)
        reader = Reader(graph)
        for sides in equations_of_latex(page):
            try:
                plain = [reader.plain(side) for side in sides if r"\text{not needed}" not in side]
            except Unreadable as error:
                self.note("export, latex: unreadable", str(error))
                continue
            self.equal("export, latex", plain, reader, here, alike)

    def checks(self, graph: Graph, text: str, at: Any, here: Place, others: Any, alike: Any) -> None:
        """``check --reveal``: what is revealed is right."""
        name = next(iter(graph.inputs))
        for where in [at] if graph.defaults else [{}, at]:
            shown_ = bp.check(text, {name: f"17.25*{name}^3"}, where, reveal=True).to_dict()["people"][0][
                "verdicts"
            ][0]
            for revealed in (shown_["formula"], shown_["right"] if where else None):
                if revealed is None:
                    continue
                again = bp.check(text, {name: str(revealed)}, where).to_dict()["people"][0]["verdicts"][0]
                self.counts[f"check --reveal: {again['verdict']}"] += 1
                if again["verdict"] == "wrong":
                    self.note("check --reveal", f"{revealed} for {name} at {where}: {again['says']}")


def place_at(graph: Graph, point: Mapping[str, float]) -> Place | None:
    """Return a program at a point, None where it has no value there."""
    try:
        place = Place(graph, point)
        place.exact.widen()
        return place
    except (soak.NoValue, soak.Unclear, ZeroDivisionError):
        return None


def elsewhere(graph: Graph, draw: random.Random, count: int, like: Place | None = None) -> Iterator[Place]:
    """Yield other points at which a program has a value, and, where asked for, the pieces of a place."""
    for _ in range(MOST_DRAWS):
        at = {n: round(draw.uniform(0.1, 2.5) * draw.choice((1, 1, -1)), 3) for n in graph.inputs}
        place = place_at(graph, at)
        if place is None or place.exact.extreme or (like is not None and place.decisions != like.decisions):
            continue
        yield place
        count -= 1
        if not count:
            return


def main() -> None:
    """Soak, print what is found, exit 1 when something is."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--seconds", type=float, default=60.0)
    options.add_argument("--programs", type=int, default=0, help="so many instead of so long")
    options.add_argument("--seed", type=int, default=0, help="of the first program; each has its own")
    options.add_argument("--shown", type=int, default=10, help="finds of each kind to print")
    given = options.parse_args()
    gammazeta.mpf_bernoulli = soak._bernoulli
    judge, finds, begin, seed = Judge(), Counter[str](), time.monotonic(), given.seed

    def goes_on() -> bool:
        if given.programs:
            return bool(seed < given.seed + given.programs)
        return time.monotonic() - begin < given.seconds

    while goes_on():
        line, found = "", {"too slow": f"longer than {soak.LIMIT} s"}
        with contextlib.suppress(soak.TooSlow), soak.limited():
            line, found = judge(seed)
        for kind, what in found.items():
            finds[kind] += 1
            if finds[kind] <= given.shown:
                print(f"{kind}: --seed {seed} --programs 1\n    {line}\n    {what}", flush=True)
        seed += 1
    title = f"{seed - given.seed:,} programs in {shown(time.monotonic() - begin)}, {setting()}"
    print_table(title, ["what came of them", "count"], sorted(judge.counts.items()))
    print_table("Finds", ["kind", "count"], [[k, n] for k, n in finds.most_common()] or [["none", 0]])
    sys.exit(1 if finds else 0)


if __name__ == "__main__":
    main()
