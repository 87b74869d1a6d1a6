"""The error tree, exit codes and source spans.

    BackpropError                 exit  code in JSON
    +-- UsageError                   2  usage
    +-- ExpressionError              2  expression
    +-- BindingError                 2  binding
    +-- DataError                    2  data
    +-- ConfigError                  2  config
    +-- CheckpointError              2  checkpoint
    +-- NoSuchNumber                 3
    |   +-- DomainError              3  domain
    |   +-- RangeError               3  overflow
    |   +-- SlopeError               3  slope
    +-- FileError                    4  file
    +-- ProcessError                 4  process

Deep code raises one of these; only ``cli/main.py`` prints and exits.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any

ANSWERED = 0
NO = 1  # the answer is no: methods disagree, a claim is wrong
WRONG_INPUT = 2
NO_SUCH_NUMBER = 3
FILE_FAILED = 4
INTERNAL = 70
INTERRUPTED = 130
TERMINATED = 143
BROKEN_PIPE = 141

Span = tuple[int, int]
"""Start and end offset into the text of a `Source`, in characters, end exclusive."""


MOST_TEXT = 48
"""Characters of a definition's text that an error says."""


class CallSpan(tuple[int, int]):
    """Where a function of the program's own is called, for what its definition says there.

    Attributes:
        function: What is called.
        inside: Where in the definition the same text has the operation.
        whole: The operation's value is that of the call.
    """

    function: str
    inside: Span
    whole: bool

    def __new__(cls, call: Span, function: str, inside: Span, *, whole: bool = False) -> CallSpan:
        span = super().__new__(cls, call)
        span.function, span.inside, span.whole = function, inside, whole
        return span

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CallSpan) and self.inside == other.inside and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash((*self, self.inside))


class Source:
    """A text with a name, able to say where an offset is.

    Args:
        text: The whole text, as the user gave it.
        path: The file it came from; None for an expression on the command line.
        note: How the user's text was read, where that is in another notation than ours.

    Attributes:
        functions: Names of the functions that the text has of its own, which are no variables.
        unknown: Those of them that are nowhere defined, with what their operands are called.
    """

    __slots__ = ("_starts", "functions", "note", "path", "text", "unknown")

    def __init__(self, text: str, path: str | None = None, note: str | None = None) -> None:
        self.text = text
        self.path = path
        self.note = note
        self.functions: tuple[str, ...] = ()
        self.unknown: Mapping[str, tuple[str, ...]] = {}
        self._starts: list[int] | None = None

    def locate(self, offset: int) -> tuple[int, int]:
        """Return line and column of an offset, both counted from 1."""
        if self._starts is None:
            self._starts = [0]
            find, at = self.text.find, -1
            while (at := find("\n", at + 1)) >= 0:
                self._starts.append(at + 1)
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def excerpt(self, span: Span, width: int = 72) -> str:
        """Return the line a span starts on with carets under the span.

        A line longer than ``width`` is cut around the span; the cuts are marked.
        """
        start, end = span
        line_start = self.text.rfind("\n", 0, start) + 1
        line_end = self.text.find("\n", start)
        line_end = len(self.text) if line_end < 0 else line_end
        end = max(min(end, line_end), start + 1)
        left, right = line_start, line_end
        if right - left > width:
            left = max(left, min(start - width // 3, right - width))
            right = min(right, left + width)
        head = "..." if left > line_start else ""
        tail = "..." if right < line_end else ""
        before = printable(self.text[left:start])
        marked = printable(self.text[start : min(end, right)])
        after = printable(self.text[min(end, right) : right]).rstrip()
        indent = " " * (2 + len(head) + columns_of(before))
        return f"  {head}{before}{marked}{after}{tail}\n{indent}{'^' * max(1, columns_of(marked))}"


class BackpropError(Exception):
    """Base of every error that is the user's to read.

    Args:
        message: One line: what is wrong and, where it helps, with which value.
        source: The text it is about.
        span: Where in ``source``.
        hint: What to do about it, one line; or what finds that out, asked where the error is read.
        place: ``file:line:column`` for data that is not program text.
    """

    exit_code = WRONG_INPUT
    code = "error"

    def __init__(
        self,
        message: str,
        *,
        source: Source | None = None,
        span: Span | None = None,
        hint: str | Callable[[], str | None] | None = None,
        place: str | None = None,
    ) -> None:
        if isinstance(span, CallSpan):
            text = source.text[slice(*span.inside)] if source else ""
            what = text if len(text) <= MOST_TEXT and "\n" not in text else "in its definition"
            message += f"; in {span.function} this is {what}"
        super().__init__(message)
        self.message = message
        self.source = source
        self.span = span
        self._hint = hint
        self.place = place

    @property
    def hint(self) -> str | None:
        """What to do about it, one line."""
        if callable(self._hint):
            self._hint = self._hint()
        return self._hint

    @hint.setter
    def hint(self, hint: str | None) -> None:
        self._hint = hint

    @property
    def location(self) -> tuple[int, int] | None:
        """Line and column in the program text, from 1, when there is a span."""
        if self.source is None or self.span is None:
            return None
        return self.source.locate(self.span[0])

    def __str__(self) -> str:
        """Return the message with its place in front, the caret block and the hint below."""
        text = printable(self.message)
        if self.place:
            text = f"{printable(self.place)}: {text}"
        elif self.source is not None and self.source.path and self.location:
            line, column = self.location
            text = f"{printable(self.source.path)}:{line}:{column}: {text}"
        if self.source is not None and self.span is not None:
            excerpt = self.source.excerpt(self.span)
            text += f"\n{excerpt}" if excerpt.partition("\n")[0].strip() else ""
        if self.hint:
            text += f"\n  hint: {printable(self.hint)}"
        return text

    def as_dict(self) -> dict[str, object]:
        """Return what ``--format json`` prints under ``"error"``."""
        line, column = self.location or (None, None)
        message = f"{self.place}: {self.message}" if self.place else self.message
        return {
            "code": self.code,
            "message": message,
            "line": line,
            "column": column,
            "hint": self.hint,
        }


class UsageError(BackpropError):
    """The command line is wrong."""

    code = "usage"


class ExpressionError(BackpropError):
    """The program text is wrong."""

    code = "expression"


class BindingError(BackpropError):
    """A variable's value is missing, unknown, given twice or no finite number."""

    code = "binding"


class DataError(BackpropError):
    """A data file is wrong; ``place`` says where."""

    code = "data"


class ConfigError(BackpropError):
    """A training config is wrong: one fault, or several of them, a line each.

    Args:
        faults: What is wrong, each an error with its ``place``.
    """

    code = "config"

    def __init__(self, message: str, *, faults: Sequence[ConfigError] = (), **more: Any) -> None:
        super().__init__(message, **more)
        self.faults = list(faults)

    @classmethod
    def of(cls, faults: Sequence[ConfigError]) -> ConfigError:
        """Return one error that says all of the faults."""
        first = faults[0]
        return cls(first.message, faults=faults, place=first.place, hint=first.hint)

    def __str__(self) -> str:
        """Return every fault on a line of its own."""
        return "\nbackprop: error: ".join(map(str, self.faults)) if self.faults else super().__str__()

    def as_dict(self) -> dict[str, object]:
        """Return the first fault, with all of them under ``faults`` where there are several."""
        rest = {"faults": [fault.as_dict() for fault in self.faults]} if len(self.faults) > 1 else {}
        return super().as_dict() | rest


class CheckpointError(BackpropError):
    """A model or checkpoint file is damaged, or does not belong to this run."""

    code = "checkpoint"


class NoSuchNumber(BackpropError):
    """The input is well-formed but the number asked for does not exist."""

    exit_code = NO_SUCH_NUMBER
    code = "domain"


class DomainError(NoSuchNumber):
    """A value outside a primitive's domain."""

    code = "domain"


class RangeError(NoSuchNumber):
    """A value too large for a float64."""

    code = "overflow"


class SlopeError(NoSuchNumber):
    """The value exists, its slope does not."""

    code = "slope"


class FileError(BackpropError):
    """Reading or writing failed."""

    exit_code = FILE_FAILED
    code = "file"


class ProcessError(BackpropError):
    """A process of several did not come, or has gone."""

    exit_code = FILE_FAILED
    code = "process"


def decoded(data: bytes, shown: str, kind: type[BackpropError]) -> str:
    """Return UTF-8 bytes as text whose lines end in ``\\n``, or raise ``kind`` at the byte that is none."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        raise kind(
            f"byte 0x{data[error.start]:02x} is not valid UTF-8", place=f"{shown}:{line}:{column}"
        ) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def printable(text: str) -> str:
    """Return ``text`` with control, bidi and invisible characters written as escapes.

    User text reaches a terminal only through here or `repr`: no escape sequence passes.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == " " else _escape(c) for c in text)


def _escape(c: str) -> str:
    code = ord(c)
    if c in "\t\r":
        return " "
    if c == "\n":
        return "\\n"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def columns_of(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    return sum(
        0 if category(c) in ("Mn", "Me", "Cf") else 2 if east_asian_width(c) in "WF" else 1 for c in text
    )


def shortened(text: str, most: int = 60) -> str:
    """Return a text of so many characters at most, its middle left out where it is longer."""
    if len(text) <= most:
        return text
    head = (most - 3) * 2 // 3
    return f"{text[:head]}...{text[len(text) - (most - 3 - head) :]}"


def counted(count: int, word: str) -> str:
    """Return ``1 row``, ``2,000 rows``, ``2 entries``."""
    several = f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"
    return f"{count:,} {word if count == 1 else several}"


def joined(words: Sequence[str]) -> str:
    """Return ``a, b and c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def installing(extra: str) -> str:
    """Return the command that adds what an extra brings to this installation."""
    return f"pip install 'backprop-cli[{extra}]'"


def nearest(word: str, known: list[str], cutoff: float = 0.6) -> str | None:
    """Return the known word most like ``word``, or None."""
    from difflib import get_close_matches

    exact = [k for k in known if k.lower() == word.lower()]
    # two letters that changed places are one slip, which the ratio takes for two
    turned = {word[:k] + word[k + 1] + word[k] + word[k + 2 :] for k in range(len(word) - 1)}
    found = exact or [k for k in known if k in turned] or get_close_matches(word, known, n=1, cutoff=cutoff)
    return found[0] if found else None
