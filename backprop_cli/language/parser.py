"""Tokens to a syntax tree, by operator precedence over explicit stacks.

The tree of a statement is a flat list in postfix order: operands before what is applied to them.
It is compared, walked and lowered by loops, however deep the expression.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple, Protocol

from ..errors import ExpressionError, Source, Span, nearest
from ..ops import ALIASES, FUNCTIONS
from .operators import (
    ARRAYS_HINT,
    BINARY,
    COMPARISON,
    CONSTANTS,
    FRACTIONS,
    OTHER_NAMES,
    POWER,
    PRODUCT,
    ROOT,
    SIGMOIDS,
    SUPERSCRIPTS,
    UNARY,
)
from .tokens import END_TOKEN, NAME, NAME_TOKEN, NUMBER_TOKEN, OPERATOR_TOKEN, plain_name, tokens

TEXT_LIMIT = 1 << 20


class Item(NamedTuple):
    """One entry of a postfix list.

    ``arity`` is -1 for a number (``text`` as written), -2 for a name, and otherwise the number
    of preceding operands that the primitive ``text`` takes; ``f(`` is a function of the program's own.
    """

    text: str
    arity: int
    start: int
    end: int


NUMBER_ITEM, NAME_ITEM = -1, -2
SUM_OVER = "sum over "
"""What the text of a sum over an index begins with, in programs with arrays; the index follows."""


class Statement(NamedTuple):
    """``name = body``, ``name(params) = body`` or a bare body."""

    name: str | None
    params: tuple[str, ...] | None
    items: list[Item]
    span: Span


class Program(NamedTuple):
    """Statements in order; the last one is the output."""

    source: Source
    statements: list[Statement]

    def with_numbers(self, numbers: Mapping[str, int]) -> Program:
        """Return the program with numbers in the place of names."""

        def known(item: Item) -> Item:
            if item.arity == NAME_ITEM and item.text in numbers:
                return item._replace(text=str(numbers[item.text]), arity=NUMBER_ITEM)
            return item

        return Program(self.source, [s._replace(items=list(map(known, s.items))) for s in self.statements])

    def all_names(self) -> list[str]:
        """Return every name in order of first appearance."""
        seen: dict[str, None] = {}
        for statement in self.statements:
            seen.update(dict.fromkeys(statement.params or ()))
            seen.update((item.text, None) for item in statement.items if item.arity == NAME_ITEM)
            if statement.name:
                seen[statement.name] = None
        return list(seen)


# patterns of what few programs have are compiled where one has it: each costs a start a millisecond
_HEADER = rf"({NAME})[ \t]*(?:\([ \t]*({NAME}(?:[ \t]*,[ \t]*{NAME})*)[ \t]*\)[ \t]*)?=(?!=)"


def parse(text: str | Source, *, large: bool = False) -> Program:
    """Read a program.

    Args:
        text: Statements separated by ``;`` or newlines, with ``#`` comments.
        large: Lift the limit on the size of the text.
    Raises:
        ExpressionError: with the place, what was expected, and often a hint.
    """
    source = text if isinstance(text, Source) else Source(text)
    if not large and len(source.text) > TEXT_LIMIT:
        raise ExpressionError(
            f"the program has {len(source.text):,} characters, more than {TEXT_LIMIT:,}",
            hint="--large lifts the limits on size",
        )
    try:
        return parse_here(source)
    except ExpressionError as error:
        from .readings import meant  # only where the text is not in the language: start-up time

        source = meant(source, error, parse_here)
    return parse_here(source)


def readable(text: str) -> Program | None:
    """Read a program as `parse` does; None where it is none, without the work for a hint."""
    source = Source(text)
    try:
        if len(text) > TEXT_LIMIT:
            return None
        return parse_here(source)
    except ExpressionError as error:
        from .readings import read_as

        try:
            source, fault = read_as(source, error, parse_here)
        except ExpressionError:  # LaTeX that cannot be read
            return None
    return parse_here(source) if fault is None else None


def parse_here(text: str | Source) -> Program:
    """Read a program that is in no other notation than ours."""
    return Parser(text if isinstance(text, Source) else Source(text)).program()


_BLANKS = (" ", "\t")
_OTHER_BASE = r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)(?![A-Za-z0-9_])"
_tuple = tuple.__new__  # a named tuple's own constructor costs three times as much, and there are 300,000

# What ended last
NOTHING, NUMBER, WORD, CLOSED, SUPERSCRIPT = range(5)

# Kinds of open bracket, in the arity field of a frame
CALL, BAR, GROUP = -1, -2, -3


class Frame(NamedTuple):
    """A waiting operator, or an open bracket (precedence 0) with the operands it has so far."""

    precedence: int
    name: str
    arity: int
    start: int
    commas: int = 0


class Callee(Protocol):
    """What a name before a bracket may be: as much as reading a call asks of it."""

    @property
    def arity(self) -> tuple[int, int | None]:
        """How many operands it takes, at least and at most."""

    @property
    def signature(self) -> str:
        """How it is called."""


class Definition(NamedTuple):
    """A function of the program's own, ``name(params) = ...``."""

    name: str
    params: tuple[str, ...]

    @property
    def arity(self) -> tuple[int, int]:
        """How many operands it takes, at least and at most."""
        return len(self.params), len(self.params)

    @property
    def signature(self) -> str:
        """How it is called."""
        return f"{self.name}({', '.join(self.params)})"


class Parser:
    """One pass over the tokens with an operator stack and a stack of operand starts.

    Attributes:
        signs: Operators between two operands.
        functions: What a name before a bracket may be.
        arrays: The program may have arrays.
        primes: A name before a bracket may have primes: the derivative of a function.
    """

    signs: Mapping[str, tuple[int, str]] = BINARY
    functions: Mapping[str, Callee] = FUNCTIONS
    arrays = False
    primes = False

    def __init__(self, source: Source) -> None:
        self.source = source
        self.text = source.text
        self.called: dict[str, Span] = {}
        self.variables: dict[str, Span] = {}
        self.definitions: dict[str, Definition] = {}
        self.frames: list[Frame] = []
        self.starts: list[int] = []
        self.items: list[Item] = []
        self.depth = 0  # open brackets: newlines inside them are spaces
        self.last = NOTHING
        self.end = 0  # of the last token used
        self.skip = 0  # tokens before this offset are already read

    def program(self) -> Program:
        """Read every statement."""
        statements: list[Statement] = []
        name: str | None = None
        params: tuple[str, ...] | None = None
        begin = -1
        headers = re.compile(_HEADER) if "=" in self.text else None
        for group, word, start, end in tokens(self.source, arrays=self.arrays, primes=self.primes):
            if start < self.skip:
                continue
            if begin < 0:
                if group == END_TOKEN or (group == OPERATOR_TOKEN and word in "\n;"):
                    continue
                begin, name, params = start, None, None
                header = headers.match(self.text, start) if headers and group == NAME_TOKEN else None
                if header and self.heads(header):
                    name, params = self.header(header)
                    self.skip = self.end = header.end()
                    continue
            if not self.last:
                self.operand(group, word, start, end)
            elif group == END_TOKEN or (group == OPERATOR_TOKEN and word in "\n;"):
                if self.depth and word == "\n":
                    continue
                self.reduce(0)
                if self.frames:
                    raise self.unclosed()
                statements.append(Statement(name, params, self.items, (begin, self.end)))
                if params and name in self.functions:
                    self.check_no_equation(statements[-1])
                self.items, self.starts, self.last, begin = [], [], NOTHING, -1
            else:
                self.after_operand(group, word, start, end)
        if not statements:
            raise self.error("there is no expression", (0, 1), 'an example: "(a*b+c)*f"')
        for called, span in self.called.items():
            if called in self.variables:
                if called in self.functions and any(s.name == called and s.params for s in statements):
                    raise self.error(
                        f"{called} is a function already", self.variables[called], "give it another name"
                    )
                raise self.error(
                    f"{called} is used both as a function and as a variable",
                    span,
                    f"rename the variable, or write {called}*(...) to multiply",
                )
        if self.definitions:
            self.note_definitions(statements)
        for name in SIGMOIDS:
            if name in self.called and name not in self.definitions:
                self.source.note = "; ".join(filter(None, (self.source.note, f"{name}(...) is sigmoid(...)")))
                self.source.functions += (name,)
        return Program(self.source, statements)

    def note_definitions(self, statements: list[Statement]) -> None:
        """Say what of the program's own functions may not be meant."""
        notes = [self.source.note] if self.source.note else []
        values = {statement.name for statement in statements if statement.params is None}
        for name, params, _, _ in statements:
            if params is None:
                continue
            if name not in self.called and name != statements[-1].name:
                notes.append(f"{name} is defined and never called")
            notes += [
                f"in {name}, {p} is what {name} is called with, not the program's {p}"
                for p in params
                if p in values and name in self.called
            ]
        self.source.note = "; ".join(notes) or None
        self.source.functions = tuple(name for name in self.definitions if name in self.called)

    def heads(self, match: re.Match[str]) -> bool:
        """Whether ``name =`` or ``name(params) =`` begins a definition."""
        return True

    def check_no_equation(self, statement: Statement) -> None:
        """Refuse ``sin(y) = x``, which is no definition of sin: it is about another variable than y."""
        name, params, items, span = statement
        names = {item.text for item in items if item.arity == NAME_ITEM} - set(CONSTANTS)
        if not names or names - set(params or ()):
            raise self.error(
                f"{name} is a function already, and this an equation",
                span,
                "grad and explain take equations; a function of your own needs another name",
            )

    def header(self, match: re.Match[str]) -> tuple[str, tuple[str, ...] | None]:
        """Read ``name =`` or ``name(params) =``."""
        names: list[str] = []
        function = match[2] is not None and match[1] not in self.functions
        spans = [match.span(1)]
        if match[2] is not None:
            at = match.start(2)
            spans += [(at + m.start(), at + m.end()) for m in re.finditer(NAME, match[2])]
        for start, end in spans:
            name = plain_name(self.text[start:end], self.source, start, end)
            if name in names:
                raise self.error(f"{name} is named twice", (start, end))
            names.append(name)
            if not function or len(names) > 1:
                self.variables.setdefault(name, (start, end))
        if function:
            self.definitions[names[0]] = Definition(names[0], tuple(names[1:]))
        return names[0], tuple(names[1:]) if match[2] is not None else None

    def callee(self, name: str) -> Callee | None:
        """Return what a name before a bracket is: a primitive, or a function that the program defines."""
        found = self.functions.get(name) or self.definitions.get(name)
        if found is None and "=" in self.text:
            later = re.search(rf"(?:^|[;\n])[ \t]*(?={re.escape(name)}[ \t]*\(){_HEADER}", self.text)
            if later is not None:
                found = Definition(name, tuple(re.findall(NAME, later[2])))
        return found or (self.functions["sigmoid"] if name in SIGMOIDS else None)

    def operand(self, group: int, word: str, start: int, end: int) -> None:
        """Take a token where an operand may start."""
        if group == NAME_TOKEN:
            following = self.text[end : end + 1]
            after = self.after_blanks(end) if following in _BLANKS else end
            if following and self.text[after : after + 1] == "(":
                if self.callee(word) is None:
                    raise self.not_a_function(word, start, end)
                self.called.setdefault(word, (start, end))
                self.frames.append(Frame(0, word, CALL, start))
                self.depth += 1
                self.skip = end = after + 1
            else:
                if word not in self.variables:
                    self.variables[word] = (start, end)
                self.items.append(_tuple(Item, (word, NAME_ITEM, start, end)))
                self.starts.append(start)
                self.last = WORD
        elif group == NUMBER_TOKEN or word == "π":
            self.items.append(_tuple(Item, (word, NUMBER_ITEM, start, end)))
            self.starts.append(start)
            self.last = NUMBER
        elif word == "(":
            self.frames.append(Frame(0, word, GROUP, start))
            self.depth += 1
        elif word == "|":
            self.frames.append(Frame(0, word, BAR, start))
        elif word == "-":
            self.frames.append(Frame(UNARY, "negative", 1, start))
        elif word == "√":
            self.frames.append(Frame(ROOT, "sqrt", 1, start))
        elif word in FRACTIONS:
            self.items += [Item(part, NUMBER_ITEM, start, end) for part in FRACTIONS[word]]
            self.items.append(Item("divide", 2, start, end))
            self.starts.append(start)
            self.last = NUMBER
        elif word != "+" and not (word == "\n" and self.depth):
            raise self.expected(group, word, start, end)
        self.end = end

    def after_operand(self, group: int, word: str, start: int, end: int) -> None:
        """Take a token after a finished operand."""
        if group == OPERATOR_TOKEN:
            entry = self.signs.get(word)
            if entry is not None:
                self.binary(*entry, start, end)
                return
            if word == ")" or (word == "|" and self.bar_is_open()):
                self.close(word, start, end)
                return
            if word == ",":
                self.reduce(0)
                frame = self.frames.pop() if self.frames else None
                if frame is None or frame.arity != CALL:
                    hint = "write a decimal point, not a comma" if self.last == NUMBER else None
                    raise self.error("a ',' separates the operands of a function", (start, end), hint)
                self.frames.append(frame._replace(commas=frame.commas + 1))
                self.last, self.end = NOTHING, end
                return
            if word == "=":
                raise self.error(
                    "'=' gives a name to a statement, at its start: name = expression",
                    (start, end),
                    "equality in a condition is ==",
                )
        elif group != NAME_TOKEN and group != NUMBER_TOKEN:  # a superscript
            if self.last == SUPERSCRIPT:
                raise self.error("an exponent after an exponent", (start, end), "write ^ and brackets")
            self.check_root(start, end)
            self.superscript(word, start, end)
            self.last, self.end = SUPERSCRIPT, end
            return
        self.check_juxtaposition(group, word, start, end)
        self.reduce(PRODUCT)
        self.frames.append(Frame(PRODUCT, "multiply", 2, start))
        self.last = NOTHING
        self.operand(group, word, start, end)

    def superscript(self, word: str, start: int, end: int) -> None:
        """Apply an exponent that is written small: ``x²``, ``x⁻²``, ``eˣ``."""
        exponent = word.lstrip("⁺⁻").translate(SUPERSCRIPTS)
        if exponent.isdigit():
            self.items.append(Item(exponent, NUMBER_ITEM, start, end))
        else:
            self.variables.setdefault(exponent, (start, end))
            self.items.append(Item(exponent, NAME_ITEM, start, end))
        if word[0] == "⁻":
            self.items.append(Item("negative", 1, start, end))
        self.items.append(Item("power", 2, self.starts[-1], end))

    def binary(self, precedence: int, name: str, start: int, end: int) -> None:
        """Take a binary operator: apply what binds tighter, then wait."""
        if precedence == POWER:
            self.check_root(start, end)
            self.reduce(POWER + 1)  # right-associative
        else:
            self.reduce(precedence if precedence != COMPARISON else COMPARISON + 1)
        if precedence == COMPARISON:
            if self.frames and self.frames[-1].precedence == COMPARISON:
                raise self.error(
                    "comparisons cannot be chained",
                    (start, end),
                    "nest them: where(a < b, where(b < c, x, y), y)",
                )
            at = len(self.frames) - 1
            while at >= 0 and self.frames[at].arity == GROUP:
                at -= 1
            if at < 0 or self.frames[at].name != "where" or self.frames[at].commas:
                raise self.error(
                    "a comparison stands in a condition only",
                    (start, end),
                    "where(a < b, x, y) is x where a < b, else y",
                )
        self.frames.append(_tuple(Frame, (precedence, name, 2, start, 0)))
        self.last, self.end = NOTHING, end

    def reduce(self, precedence: int) -> None:
        """Apply every waiting operator that binds at least as tightly."""
        frames, starts = self.frames, self.starts
        while frames and frames[-1][0] >= precedence and frames[-1][0]:
            _, name, arity, start, _ = frames.pop()
            if arity == 2:
                starts.pop()
            else:
                starts[-1] = start
            self.items.append(_tuple(Item, (name, arity, starts[-1], self.end)))

    def close(self, word: str, start: int, end: int) -> None:
        """Take a ``)`` or a closing ``|``."""
        self.reduce(0)
        frame = self.frames.pop() if self.frames else None
        if frame is None:
            raise self.error(f"this '{word}' closes nothing", (start, end))
        _, name, kind, opened, count = frame
        if kind == BAR and word == ")":
            raise self.error("this '|' is not closed", (opened, opened + 1))
        if kind == BAR:
            self.items.append(Item("abs", 1, opened, end))
        else:
            self.depth -= 1
        if kind == CALL:
            count += 1
            if count == 2 and name == "log":
                name = "log_base"
            self.check_arity(name, count, opened, end)
            del self.starts[len(self.starts) - count + 1 :]
            applied = ALIASES.get(name, name) if name in self.functions else f"{name}("
            if name in SIGMOIDS and not isinstance(self.callee(name), Definition):
                applied = "sigmoid"
            self.items.append(Item(applied, count, opened, end))
        self.starts[-1] = opened
        self.last, self.end = CLOSED, end

    def bar_is_open(self) -> bool:
        for frame in reversed(self.frames):
            if not frame.precedence:
                return frame.arity == BAR
        return False

    def after_blanks(self, at: int) -> int:
        while self.text[at : at + 1] in _BLANKS:
            at += 1
        return at

    # What can be wrong

    def error(self, message: str, span: Span, hint: str | None = None) -> ExpressionError:
        return ExpressionError(message, source=self.source, span=span, hint=hint)

    def unclosed(self) -> ExpressionError:
        frame = self.frames[-1]
        opener = self.text[frame.start : frame.start + len(frame.name)]
        what = f"the bracket of '{opener}('" if frame.arity == CALL else f"this '{opener}'"
        return self.error(f"{what} is not closed", (frame.start, frame.start + len(opener)))

    def expected(self, group: int, word: str, start: int, end: int) -> ExpressionError:
        """Say what is missing before a token that cannot start an operand."""
        if group == END_TOKEN:
            found, span = "the end", (max(self.end, 0), max(self.end, 0) + 1)
        elif word == "\n":
            found, span = "the end of the line", (self.end, self.end + 1)
        else:
            found, span = f"'{self.text[start:end]}'", (start, end)
        frame = self.frames[-1] if self.frames else None
        before = self.text[: self.end].rstrip()[-1:] if self.end else ""
        after = f" after '{before}'" if before and not before.isalnum() else ""
        hint = None
        if frame and frame.arity == CALL and word == ")":
            called = self.callee(frame.name)
            assert called is not None
            return self.error(f"{frame.name}() lacks an operand: {called.signature}", (frame.start, end))
        if word in ("*", "/", "^") and before == word and word != "^":
            hint = f"'{word}{word}' is not an operator" if word == "/" else None
        if word == "=" and before and before in "=<>!":
            hint = "comparisons are < <= > >= == !="
        return self.error(f"expected a number, a name or '('{after}, found {found}", span, hint)

    def check_arity(self, name: str, count: int, start: int, end: int) -> None:
        callee = self.callee(name)
        assert callee is not None
        least, most = callee.arity
        if count < least or (most is not None and count > most):
            wanted = (
                f"{least}" if least == most else f"{least} or more" if most is None else f"{least} to {most}"
            )
            plural = "s" if wanted != "1" else ""
            raise self.error(
                f"{name} takes {wanted} operand{plural}, here it has {count}",
                (start, end),
                callee.signature,
            )

    def check_root(self, start: int, end: int) -> None:
        """Refuse ``√x^2``: a reader cannot tell how far the root reaches."""
        if self.frames and self.frames[-1].precedence == ROOT and self.last != CLOSED:
            inside = self.text[self.frames[-1].start + 1 : self.end].strip()
            raise self.error(
                f"√{inside}^... can be read in two ways",
                (self.frames[-1].start, end),
                f"write (√{inside})^... or √({inside}^...)",
            )

    def check_juxtaposition(self, group: int, word: str, start: int, end: int) -> None:
        """Let a number or bracket before a name or bracket multiply; refuse all else."""
        text = self.text
        word = text[start:end]
        shown = _short(text[self.starts[-1] : self.end])
        right = self.next_operand(start, end)
        if self.last == WORD:
            name = self.items[-1].text
            if name in self.functions and word != "(":
                raise self.error(
                    f"{name} needs brackets around its operand",
                    (self.items[-1].start, end),
                    f"write {name}({right})",
                )
            raise self.error(
                "an operator is missing between two operands",
                (self.items[-1].start, end),
                f"write {name}*{right}",
            )
        if group == NUMBER_TOKEN or word in FRACTIONS:
            raise self.error(
                "an operator is missing before the number",
                (start, end),
                f"write {shown}*{right}" if not right.startswith(".") else "a number has one decimal point",
            )
        touching = self.last == NUMBER and start == self.end
        if touching and re.compile(_OTHER_BASE).match(text, self.starts[-1]):
            written = text[self.starts[-1] : end]
            raise self.error(
                f"{written} can be read in two ways",
                (self.starts[-1], end),
                f"write {int(written, 0)}, or 0*{word} to multiply",
            )
        frame = self.frames[-1] if self.frames else None
        if frame and frame.precedence == ROOT and self.last == NUMBER:
            inside = text[frame.start + 1 : self.end].strip()
            raise self.error(
                f"√{inside}{right} can be read in two ways",
                (frame.start, end),
                f"write (√{inside})*{right} or √({inside}*{right})",
            )
        if self.last == SUPERSCRIPT:
            whole = text[self.starts[-1] : self.end]
            self.check_function(whole.rstrip("".join(map(chr, SUPERSCRIPTS)) + "⁺⁻ \t"), self.starts[-1], end)
        power = next((f for f in reversed(self.frames) if f.precedence != UNARY), None)
        if power and power.precedence == POWER:
            base = _short(text[self.starts[-2] : power.start].strip())
            self.check_function(base, self.starts[-2], end)
            if self.last == NUMBER:
                exponent = text[power.start : self.end].lstrip("*^ \t").strip()
                raise self.error(
                    f"{base}^{exponent}{right} can be read in two ways",
                    (self.starts[-2], end),
                    f"write {base}^{exponent}*{right} or {base}^({exponent}*{right})",
                )
        operators = [f for f in self.frames if f.precedence == PRODUCT or not f.precedence][-1:]
        if operators and operators[0].name == "divide":
            at = operators[0].start
            above = [s for s in self.starts if s < at]
            a, b = text[above[-1] : at].strip(), text[at + 1 : self.end].strip()
            a, b = _short(a), _short(b)
            raise self.error(
                f"{a}/{b}{right} can be read in two ways",
                (above[-1], end),
                f"write {a}/({b}*{right}) or ({a}/{b})*{right}",
            )

    def next_operand(self, start: int, end: int) -> str:
        """Return the operand that starts here as written, shortened where it is long or unclosed."""
        text = self.text
        opens = self.after_blanks(end) if text[start].isalpha() else start
        if text[opens : opens + 1] != "(":
            if text[start:end] in FUNCTIONS:
                return f"{text[start:end]}(...)"
            return {"|": "|...|", "√": "√..."}.get(text[start], text[start:end])
        depth = 0
        inside = "(...)"
        for at in range(opens, min(len(text), opens + 24)):
            depth += {"(": 1, ")": -1}.get(text[at], 0)
            if depth == 0:
                inside = text[opens : at + 1]
                break
        return text[start:opens].strip() + inside

    def check_function(self, base: str, start: int, end: int) -> None:
        """Refuse ``sin^2(x)``: the operand of a function stands right behind its name."""
        if base in FUNCTIONS:
            power = self.text[start + len(base) : self.end].strip()
            raise self.error(
                f"{base} needs its operand right behind it", (start, end), f"write {base}(...){power}"
            )

    def not_a_function(self, word: str, start: int, end: int) -> ExpressionError:
        from ..ops.matrices import CALLED

        if word in CALLED:
            says = f"{word} is a function of vectors and matrices, and none is given here"
            return self.error(says, (start, end), ARRAYS_HINT)
        other = OTHER_NAMES.get(word.lower()) or nearest(word, list(FUNCTIONS), 0.7)
        opens = self.after_blanks(end)
        product = f"{word}*{self.next_operand(opens, opens + 1)}"
        # several operands are no factor
        multiply = "" if "," in product or ";" in product else f"write {product} to multiply"
        hint = f"did you mean {other}(...)? {multiply.capitalize()}".rstrip() if other else multiply or None
        return self.error(f"{word} is not a function", (start, end), hint)


def _short(text: str) -> str:
    return text if len(text) <= 24 else "(...)"
