"""What the commands share: reading programs and bindings, choosing where results go."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, NoReturn

import click

from ..errors import (
    BackpropError,
    BindingError,
    ExpressionError,
    FileError,
    Source,
    UsageError,
    decoded,
    printable,
)
from ..graph import Graph
from ..language.lower import constant, lower
from ..language.operators import CONSTANTS
from ..language.parser import TEXT_LIMIT, parse
from .command import Binding
from .stderr import at_words

EPSILON = 2.0**-52
FORMATS = ("table", "json", "csv", "tsv", "markdown", "latex", "value")
ENDINGS = {
    ".json": "json",
    ".jsonl": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".md": "markdown",
    ".tex": "latex",
    ".txt": "table",
}


def digits_option(help_: str, default: int = 6) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option of how many digits are shown."""
    return click.option(
        "--digits", type=click.IntRange(1, 17), default=default, show_default=True, help=help_
    )


def format_option(
    formats: Sequence[str], default: str = "table"
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option of how to print."""
    text = f"How to print; the default is {default}."
    return click.option("--format", "format_", type=click.Choice(formats), help=text)


file_option = click.option("--file", "file", metavar="PATH", help="Read the program from a file; - is stdin.")
output_option = click.option(
    "-o", "output", metavar="FILE", help="Write to a file, the format by its ending."
)
large_option = click.option("--large", is_flag=True, help="Lift the limits on a program's size.")
quiet_option = click.option("-q", "--quiet", is_flag=True, help="No notes or warnings.")


def program_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of every command that reads a program."""
    for option in reversed(
        (
            file_option,
            click.option(
                "--points",
                metavar="FILE",
                help="A file with one point a row (csv, tsv, jsonl, npy); - is stdin.",
            ),
            click.option("--strict", is_flag=True, help="Stop at the first point without an answer."),
            format_option(FORMATS),
            output_option,
            digits_option("Significant digits in tables."),
            click.option(
                "--all", "all_", is_flag=True, help="Show constants and every row of a large program."
            ),
            large_option,
            click.option("-q", "--quiet", is_flag=True, help="No notes, warnings or progress."),
        )
    ):
        function = option(function)
    return function


class Request:
    """A program with its bindings, as the command line gave them.

    Attributes:
        graph: The computation.
        values: Numbers bound by the user.
        ranges: Variables bound to ``start:stop:step``, with the numbers of each.
    """

    def __init__(
        self,
        expression: str | None,
        bindings: Sequence[Binding],
        file: str | None,
        *,
        large: bool,
        points: str | None,
    ) -> None:
        if file == "-" and points == "-":
            raise UsageError("--file - and --points - cannot both read stdin")
        self.source = _source(expression, file, large)
        self.program = parse(self.source, large=large)
        self.large = large
        self.bound = [b.name for b in bindings]
        # a points file may have a column for e, pi or tau
        self.graph = self.lowered(CONSTANTS if points else ())
        self.values: dict[str, float] = {}
        self.ranges: dict[str, list[float]] = {}
        for binding in bindings:
            self._bind(binding, file)

    def lowered(self, names: Collection[str]) -> Graph:
        """Return the graph in which these names, too, are variables."""
        return lower(self.program, {*self.bound, *names}, large=self.large)

    def _bind(self, binding: Binding, file: str | None) -> None:
        name = binding.name
        if name in self.values or name in self.ranges:
            raise BindingError(f"{name} is given twice")
        if name not in self.graph.inputs:
            self._unknown(binding)
        try:
            if ":" in binding.text:
                self.ranges[name] = _range(binding.text)
            else:
                self.values[name] = constant(binding.text)
        except BackpropError as error:
            raise BindingError(
                f"the value of {name}: {error.message}", source=error.source, span=error.span, hint=error.hint
            ) from None

    def _unknown(self, binding: Binding) -> NoReturn:
        from ..engine.run import not_an_input

        error = not_an_input(self.graph, binding.name)
        parts = [n for n in self.graph.inputs if len(n) > 1 and set(n) <= {*self.bound} and binding.name in n]
        if binding.option and not parts:
            error.hint = f"did you mean the option {binding.option}? {error.hint}"
        elif parts:
            error.hint = f"{parts[0]} is one name; to multiply write {'*'.join(parts[0])}"
        raise error


def _source(expression: str | None, file: str | None, large: bool) -> Source:
    if file is None:
        if expression is None:
            raise UsageError(
                "no expression",
                hint='give one: backprop grad "a*b" --a 3 --b -2; or --file PATH',
            )
        try:
            expression.encode()
        except UnicodeEncodeError:
            raise ExpressionError("the expression is not valid UTF-8") from None
        if expression.endswith(".bp"):
            raise UsageError(
                f"{expression} is a file, not an expression",
                hint=f"--file {expression} reads the program from it",
            )
        return Source(expression)
    limit = None if large else 4 * TEXT_LIMIT
    from ..tables.files import bytes_of

    data = bytes_of(file, limit)
    shown = "<stdin>" if file == "-" else file
    if limit is not None and len(data) > limit:
        raise ExpressionError(
            f"{shown} is larger than {TEXT_LIMIT:,} characters", hint="--large lifts the limit"
        )
    return Source(decoded(data, shown, ExpressionError), shown)


def _range(text: str) -> list[float]:
    """Return the grid ``start:stop:step``, the stop included where the grid meets it."""
    parts = text.split(":")
    if len(parts) != 3:
        lacking = "a range without a step" if len(parts) == 2 else "no range"
        raise BindingError(f"{text} is {lacking}", hint="a range is start:stop:step, such as -3:4:0.2")
    start, stop, step = (constant(part) for part in parts)
    if step == 0.0 or (stop - start) * step < 0.0:
        raise BindingError(
            f"the range {text} never reaches its end", hint="the step leads from start to stop"
        )
    count = (stop - start) / step
    whole = int(count + 1e-9 + 8.0 * EPSILON * count) + 1
    if whole > 10_000_000:
        raise BindingError(f"the range {text} has {whole:,} points", hint="10,000,000 are the limit")
    return [_decimal_grid(start, step, i) for i in range(whole)]


def _decimal_grid(start: float, step: float, i: int) -> float:
    """start + i*step without the rounding that decimals bring: 0.1:1:0.1 has 0.3, not 0.30000000000000004."""
    plain = start + i * step
    short = float(f"{plain:.12g}")
    return (
        short if abs(short - plain) <= 4e-16 * max(abs(plain), abs(start), abs(step)) * max(1, i) else plain
    )


def notes_printer(quiet: bool) -> Callable[[str], None]:
    """Return what prints notes and warnings on stderr."""
    if quiet:
        return lambda text: None
    return lambda text: click.echo(at_words(printable(text)), err=True)


def tell(graph: Graph, note: Callable[[str], None], warnings: Sequence[str], notes: Sequence[str]) -> None:
    """Print what the user should know about an answer."""
    if graph.euler is not None:
        note("note: e is Euler's number 2.71828...; to make it a variable, bind it: e=VALUE")
    for text in notes:
        note(f"note: {text}")
    for text in warnings:
        note(f"warning: {text}")


def number(option: str, text: str) -> float:
    """Return the number an option was given, a constant expression."""
    try:
        return constant(text.strip())
    except BackpropError as error:
        raise UsageError(f"{option}: {error.message}", source=error.source, span=error.span) from None


def names_of(text: str | None) -> list[str] | None:
    """Return the names an option was given, ``a,b``; None where it was not."""
    # the comma of linear1[0,2] is none between names
    return [name.strip() for name in re.split(r",(?![^\[]*\])", text)] if text is not None else None


def choose_format(
    format_: str | None,
    output: str | None,
    formats: Collection[str] | None = None,
    pictures: Sequence[str] = (),
    endings: Mapping[str, str] = ENDINGS,
    otherwise: str = "table",
) -> str:
    """Return the format: the option's, else by the file's ending, else the command's own.

    Args:
        formats: Those of the command, for the hint; all without it.
        pictures: Further endings that the command writes.
        endings: What each ending stands for.
        otherwise: The format without option and file.
    """
    if format_ is not None:
        return format_
    if output is not None:
        ending = os.path.splitext(output)[1].lower()
        if ending not in endings:
            own = [e for e, f in endings.items() if formats is None or f in formats]
            raise UsageError(
                f"-o {output}: the ending '{ending}' names no format",
                hint=f"endings: {', '.join([*own, *pictures])}; or --format",
            )
        return endings[ending]
    return otherwise


@contextlib.contextmanager
def destination(output: str | None) -> Iterator[BinaryIO]:
    """Yield the stream that results go to; a file is replaced only when all is written."""
    if output is None:
        if sys.stdout is None:
            raise FileError("stdout is closed")
        sys.stdout.flush()
        stream: Any = getattr(sys.stdout, "buffer", None) or _TextAdapter()
        yield stream
        stream.flush()
        return
    output = os.path.realpath(output)  # a link stays a link
    temporary = f"{output}.{os.getpid()}.tmp"
    special = os.path.exists(output) and not os.path.isfile(output)
    try:
        with open(output if special else temporary, "wb") as file:
            yield file
        if not special:
            if os.path.exists(output):
                shutil.copymode(output, temporary)
            os.replace(temporary, output)
    except OSError as error:
        raise FileError(f"{output}: {error.strerror}") from None
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)


def check_destination(output: str | None) -> None:
    """Refuse, before hours of work, a destination that nothing can be written to."""
    if output is None:
        if sys.stdout is None:
            raise FileError("stdout is closed")
        return
    folder = os.path.dirname(output) or os.curdir
    if os.path.isdir(output):
        raise FileError(f"cannot write {output}: it is a directory")
    if not os.path.isdir(folder):
        raise FileError(f"cannot write {output}: there is no folder {folder}")
    if not os.access(output if os.path.exists(output) else folder, os.W_OK):
        raise FileError(f"cannot write {output}: permission denied")


class _TextAdapter:
    """Bytes to a stdout that only takes text, such as a test's."""

    def write(self, data: bytes) -> int:
        sys.stdout.write(data.decode())
        return len(data)

    def flush(self) -> None:
        sys.stdout.flush()


def write_text(text: str, output: str | None) -> None:
    """Write a result, in UTF-8 to a file and in stdout's encoding to stdout."""
    with destination(output) as stream:
        stream.write(text.encode(encoding_of(output), "backslashreplace"))


def encoding_of(output: str | None) -> str:
    """Return UTF-8 for a file, stdout's own encoding for stdout."""
    return "utf-8" if output is not None else getattr(sys.stdout, "encoding", None) or "utf-8"
