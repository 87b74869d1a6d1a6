"""Programs with arrays: the signs that single numbers do without.

A text is read here only where it is no program over numbers, or where a value is an array: what a program
over numbers means, and what is said of a slip in one, does not depend on what arrays can do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache

from ..errors import ExpressionError, Source, Span
from ..ops import FUNCTIONS, Primitive
from ..ops.matrices import CALLED, MATRICES
from .lower import checked_constant
from .operators import ARRAY_SIGNS, BINARY
from .parser import (
    CALL,
    CLOSED,
    GROUP,
    NAME_ITEM,
    NOTHING,
    NUMBER,
    SUM_OVER,
    SUPERSCRIPT,
    WORD,
    Callee,
    Frame,
    Item,
    Parser,
    Program,
    parse_here,
)
from .tokens import NAME, NAME_TOKEN, OPERATOR_TOKEN, plain_name, refused

LIST, TUPLE, OVER, DATA = -4, -5, -6, -7
"""Kinds of frame: an open ``[``, a ``(`` with commas in it, which is a list of outputs, ``sum(j,``, and the
``[`` of an index that is data."""

STACK, LOOKUP = "stack", "lookup"
OVER_STEPS = ("mean_t", "sum_t")
"""What is over all steps of a recurrence."""

ROWS_HINT = "entries are separated by commas, and rows are lists: [[1, 2], [3, 4]]"
_PART = rf"[ \t]*(?:{NAME}|-?[0-9]+|(?:-?[0-9]+)?[ \t]*:[ \t]*(?:-?[0-9]+)?)[ \t]*"
_INDEX = re.compile(rf"\[{_PART}(?:,{_PART})*\]")
_SINGLE = re.compile(
    r"(?<![=<>!])=[ \t]*\[\s*[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*\](?=[ \t\r]*(?:[;\n#]|\Z))"
)
"""An array of one number that is all a name is given: ``w = [3]``."""
_SIGN = re.compile(
    r"@|(?<![0-9])\.[*/^]|(?<!\w)\[[^\[\]]*[,;][^\[\]]*\]|(?<!\w)\[\[|\b(?:eye|ones|zeros)\s*\("
    rf"|\bsum[ \t]*\([ \t]*{NAME}[ \t]*,.*\[|{_SINGLE.pattern}"
)


SIGNS: Mapping[str, tuple[int, str]] = {**BINARY, **ARRAY_SIGNS}


_DATA = re.compile(rf"\[[ \t]*({NAME})")
_STEP_INDEX = re.compile(r"\[[ \t]*(t(?:[ \t]*[+-][ \t]*\d+)?|end)[ \t]*\]")


class _OverSteps:
    arity: tuple[int, int | None] = (1, 1)
    signature = "mean_t(x[t]), sum_t(x[t])"


_OVER = _OverSteps()


class _Extremum:
    """The largest or smallest operand, of which there may be one where that is an array."""

    def __init__(self, row: Primitive) -> None:
        self.arity: tuple[int, int | None] = (1, None)
        self.signature = row.signature


@cache
def _functions() -> Mapping[str, Callee]:
    extrema = {name: _Extremum(row) for name, row in FUNCTIONS.items() if f"{name} of an array" in MATRICES}
    return {**FUNCTIONS, **{name: MATRICES[name] for name in CALLED}, **extrema}


def parse_arrays(
    source: Source, *, alone: bool = False, sizes: Mapping[str, int] = {}, steps: bool = False
) -> Program:
    """Read a program that may have arrays.

    Args:
        source: The program.
        alone: It is the value of an array, in which brackets with one entry are a list, too.
        sizes: Names that are whole numbers, in indices too: ``z[H:2*H]``.
        steps: Indices may be steps of a recurrence, ``h[t]``, ``h[t+1]``, ``h[end]``, or data: ``E[x[t]]``.
    Raises:
        ExpressionError: with the place.
    """
    return _ArrayParser(source, alone, sizes, steps).program()


def whole_number(text: str, sizes: Mapping[str, int]) -> int:
    """Return the whole number that an expression of sizes comes to: ``4*H``.

    Raises:
        ExpressionError: where it has other names, or is no whole number.
    """
    program = parse_here(text).with_numbers(sizes)
    statement = program.statements[-1]
    known = len(program.statements) == 1 and statement.name is None
    value = checked_constant(statement.items, (), program.source) if known else None
    if value is None:
        unknown = next((item for item in statement.items if item.arity == NAME_ITEM), None)
        says = f"{unknown.text} is no size" if unknown else f"{text} is no size"
        raise ExpressionError(says, source=program.source, span=unknown and (unknown.start, unknown.end))
    if value != int(value):
        raise ExpressionError(f"{text} is no whole number", source=program.source, span=statement.span)
    return int(value)


def looks_like_arrays(text: str) -> bool:
    """Whether a text has a sign of arrays: of two errors, that of the program with arrays is told then."""
    return _SIGN.search(text) is not None


class _ArrayParser(Parser):
    signs = SIGNS
    arrays = True

    def __init__(self, source: Source, alone: bool, sizes: Mapping[str, int], steps: bool) -> None:
        super().__init__(source)
        self.alone = alone
        self.sizes = sizes
        self.summed: set[str] = set()  # names that were an index somewhere: few programs have any
        self.sums = False  # none was opened: no index to look for at every name
        self.steps = steps
        self.functions = {**_functions(), **dict.fromkeys(OVER_STEPS, _OVER)} if steps else _functions()

    def program(self) -> Program:
        program = super().program()
        return program.with_numbers(self.sizes) if self.sizes else program

    def operand(self, group: int, word: str, start: int, end: int) -> None:
        within = self.frames[-1][1:3] if self.frames else ()
        if group == NAME_TOKEN and word in self.summed and word in self.indices() and within != ("sum", CALL):
            raise self.error(
                f"{word} is the index of a sum, and stands in brackets alone", (start, end), f"x[{word}]"
            )
        if group == OPERATOR_TOKEN and word == "[":
            self.frames.append(Frame(0, word, LIST, start))
            self.depth += 1
            self.end = end
        elif group == OPERATOR_TOKEN and word == "]" and self.opened() == LIST:
            raise self.error("an array has entries", (self.frames[-1].start, end), ROWS_HINT)
        elif group == OPERATOR_TOKEN and word in (":", "]", "'"):
            raise refused(self.text[start], self.source, start)
        else:
            super().operand(group, word, start, end)

    def after_operand(self, group: int, word: str, start: int, end: int) -> None:
        if group != OPERATOR_TOKEN or word not in "'[],:)":
            super().after_operand(group, word, start, end)
        elif word == "'" and start == self.end:
            self.items.append(Item("'", 1, self.starts[-1], end))
            self.last, self.end = CLOSED, end
        elif word == "[" and start == self.end and self.last in (WORD, CLOSED, SUPERSCRIPT):
            self.index(start)
        elif word == "]" and self.opened() == LIST:
            self.end_list(start, end)
        elif word == "]" and self.opened() == DATA:
            self.reduce(0)
            frame = self.frames.pop()
            self.depth -= 1
            self.starts.pop()
            self.items.append(Item(LOOKUP, 2, self.starts[-1], end))
            self.last, self.end = CLOSED, end
        elif word == "," and self.last == WORD and self.frames and self.frames[-1][1:3] == ("sum", CALL):
            self.sum_over(end)
        elif word == "," and self.opened() == OVER:
            raise self.error(
                "a sum over an index is of one expression", (start, end), "sum(i, sum(j, ...)) is over two"
            )
        elif word == ")" and self.opened() == OVER:
            self.reduce(0)
            frame = self.frames.pop()
            self.depth -= 1
            self.items.append(Item(frame.name, 1, frame.start, end))
            self.starts[-1] = frame.start
            self.last, self.end = CLOSED, end
        elif word == "," and (
            self.opened() in (LIST, TUPLE) or (self.opened() == GROUP and self.outermost())
        ):
            self.reduce(0)
            frame = self.frames.pop()
            kind = TUPLE if frame.arity == GROUP else frame.arity
            self.frames.append(frame._replace(arity=kind, commas=frame.commas + 1))
            self.last, self.end = NOTHING, end
        elif word == ")" and self.opened() == TUPLE:
            self.end_list(start, end)
        elif word in ",)":
            super().after_operand(group, word, start, end)
        elif word == "]" and self.frames:
            self.reduce(0)
            raise self.unclosed() if self.frames else self.error("this ']' closes nothing", (start, end))
        else:
            raise refused(self.text[start], self.source, start)

    def index(self, start: int) -> None:
        """Apply an index: places and slices are numbers, so that the shape does not depend on values."""
        if (self.sizes and self.sized_index(start)) or (self.steps and self.step_index(start)):
            return
        match = _INDEX.match(self.text, start)
        names = re.findall(NAME, match[0]) if match else []
        data = _DATA.match(self.text, start)
        if self.steps and data is not None and plain_name(data[1]) not in self.indices():
            self.frames.append(Frame(0, LOOKUP, DATA, start))
            self.depth += 1
            self.last, self.end = NOTHING, start + 1
            return
        unknown = [name for name in names if plain_name(name) not in self.indices()]
        if match is None or unknown:
            raise self.error(
                f"no sum around this has the index {unknown[0]}"
                if unknown and self.indices()
                else "an index is a whole number or a slice, or that of a sum",
                (self.starts[-1], match.end() if match else start + 1),
                "x[0], x[1:3], A[0, 1], A[:, 1]; x[-1] is the last; sum(j, x[j])",
            )
        self.indexed(
            (plain_name(re.sub(r"[ \t]", "", part)) for part in match[0][1:-1].split(",")), match.end()
        )

    def indexed(self, parts: Iterable[str], end: int) -> None:
        """Apply an index of these parts."""
        self.items.append(Item(f"[{', '.join(parts)}]", 1, self.starts[-1], end))
        self.last = CLOSED
        self.skip = self.end = end

    def sized_index(self, start: int) -> bool:
        """Apply an index that is worked out from sizes; return whether it is one."""
        end = self.text.find("]", start)
        inner = self.text[start + 1 : end]
        names = set(map(plain_name, re.findall(NAME, inner)))
        if end < 0 or not names or not names <= set(self.sizes):
            return False
        try:
            parts = [":".join(map(self.place, part.split(":"))) for part in inner.split(",")]
        except ExpressionError:
            return False
        self.indexed(parts, end + 1)
        return True

    def step_index(self, start: int) -> bool:
        """Apply an index of a recurrence; return whether it is one."""
        match = _STEP_INDEX.match(self.text, start)
        if match is not None:
            self.indexed([re.sub(r"[ \t]", "", match[1])], match.end())
        return match is not None

    def place(self, text: str) -> str:
        """Return the whole number that an expression of sizes comes to; of nothing, nothing."""
        return str(whole_number(text, self.sizes)) if text.strip() else ""

    def end_list(self, start: int, end: int) -> None:
        """Take the ``]`` of a list."""
        self.reduce(0)
        frame = self.frames.pop()
        count = frame.commas + 1
        if frame.arity == TUPLE and not any(item.arity == NAME_ITEM for item in self.items):
            raise refused("(", self.source, frame.start)  # (1,5) is a number with a decimal comma
        inner = self.items[-1].text == STACK and self.text[self.starts[-1]] == "["
        given = _SINGLE.match(self.text, max(0, self.text.rfind("=", 0, frame.start)))
        alone = self.alone or (given is not None and given.end() == end)
        if count == 1 and not inner and self.opened() != LIST and not alone:  # brackets of a textbook
            raise refused("[", self.source, frame.start)
        self.depth -= 1
        del self.starts[len(self.starts) - count + 1 :]
        self.items.append(Item(STACK, count, frame.start, end))
        self.starts[-1] = frame.start
        self.last, self.end = CLOSED, end

    def sum_over(self, end: int) -> None:
        """Take ``sum(j,``: the name is that of an index, up to the bracket's end."""
        index, frame = self.items.pop(), self.frames.pop()
        span = self.starts.pop(), index.end
        if self.variables.get(index.text) == span:
            del self.variables[index.text]
        if index.text in self.indices():
            raise self.error(f"{index.text} is the index of the sum around this one", span)
        self.summed.add(index.text)
        self.frames.append(Frame(0, SUM_OVER + index.text, OVER, frame.start))
        self.sums = True
        self.last, self.end = NOTHING, end

    def indices(self) -> list[str]:
        """Return the indices of the sums that are open."""
        if not self.sums:
            return []
        return [frame.name.removeprefix(SUM_OVER) for frame in self.frames if frame.arity == OVER]

    def outermost(self) -> bool:
        """Whether a ``(`` is the only open bracket, with nothing waiting before it: ``(f, g)``."""
        brackets = [frame.arity for frame in self.frames if not frame.precedence]
        return brackets == [GROUP] and not self.frames[0].precedence

    def opened(self) -> int | None:
        """Return the kind of the innermost open bracket."""
        return next((frame.arity for frame in reversed(self.frames) if not frame.precedence), None)

    def unclosed(self) -> ExpressionError:
        frame = self.frames[-1]
        if frame.arity == DATA:
            return self.error("this '[' is not closed", (frame.start, frame.start + 1), "E[k] is a row of E")
        if frame.arity == LIST:
            rest = self.text[self.end : self.end + 1]
            hint = ROWS_HINT if ";" in self.text[frame.start :] or rest == ";" else None
            return self.error("this '[' is not closed", (frame.start, frame.start + 1), hint)
        if frame.arity == OVER:
            return self.error("the bracket of 'sum(' is not closed", (frame.start, frame.start + len("sum")))
        return super().unclosed()

    def check_juxtaposition(self, group: int, word: str, start: int, end: int) -> None:
        if self.opened() in (LIST, TUPLE) and not (self.last == NUMBER and start == self.end):
            raise self.error("a comma is missing between two entries", (start, end), ROWS_HINT)
        if self.text[self.end - 1] in "'’′" and word == "(" and self.last == CLOSED:
            span: Span = (self.starts[-1], end)
            named = self.text[self.starts[-1] : self.end]
            raise self.error(
                f"{named}(...) can be read in two ways",
                span,
                f"{named}@(...) is the product with the transpose; of a function, grad takes the derivative",
            )
        super().check_juxtaposition(group, word, start, end)
