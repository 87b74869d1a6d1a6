"""Where results go and how they are written; what is said besides them."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from ..errors import FileError, UsageError, printable
from .stderr import at_words

if TYPE_CHECKING:
    from ..graph import Graph
    from ..layout.picture import Picture
    from ..render.document import Document
    from ..render.palette import Theme

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


class Output:
    """Where a command's results go.

    Attributes:
        format: One of the command's formats.
        file: The file; None for stdout.
        digits: Significant digits that are shown.
        quiet: Say nothing besides the results; 1 (or True) still leaves alarms, where there are any.
        verbose: Say how results were computed, too.
        drawn: The file's ending asks for a picture, and no format for anything else.
        size: Of a picture, in pixels; None for its own.
        theme: Of a picture's colours; None for the page's.
    """

    def __init__(
        self,
        format_: str = "table",
        file: str | None = None,
        digits: int = 6,
        *,
        quiet: int = False,
        verbose: bool = False,
        drawn: bool = False,
        size: tuple[float, float] | None = None,
        theme: Theme | None = None,
    ) -> None:
        self.format = format_
        self.file = file
        self.digits = digits
        self.quiet = quiet
        self.verbose = verbose
        self.drawn = drawn
        self.size = size
        self.theme = theme

    @property
    def to_file(self) -> bool:
        """Whether results go to a file, where no terminal's width or colours count."""
        return self.file is not None

    def at(self, file: str) -> Output:
        """Return it with another file, whose writing is not told."""
        return Output(self.format, file, self.digits, quiet=True)

    @property
    def to_folder(self) -> bool:
        """Whether results go to files in a folder."""
        return is_folder(self.file)

    def show(self, document: Document) -> None:
        """Write a report in the format asked for."""
        from ..render.writers import write

        self.write(write(document, self.format, to_file=self.to_file))

    def write(self, text: str) -> None:
        """Write a text, in UTF-8 to a file and in stdout's encoding to stdout."""
        self.write_bytes(text.encode(encoding_of(self.file), "backslashreplace"))

    def write_bytes(self, data: bytes, size: str = "") -> None:
        """Write bytes, such as a picture's; at a terminal, say so of a file.

        Args:
            data: The bytes.
            size: Of a picture.
        """
        with destination(self.file) as stream:
            stream.write(data)
        if self.to_file and sys.stderr is not None and sys.stderr.isatty():
            self.note(f"wrote {self.file}" + (f" ({size})" if size else ""))

    def draw(
        self, pictures: Picture | list[Picture], format_: str | None = None, *, milliseconds: int = 400
    ) -> None:
        """Write a picture, or an animation, in a format, else by the file's ending."""
        from ..render.pictures import picture_bytes

        frames = pictures if isinstance(pictures, list) else [pictures]
        size = f"{frames[0].width:.0f} x {frames[0].height:.0f}"
        size = f"{len(frames)} frames of {size}" if isinstance(pictures, list) else size
        name = f"picture.{format_}" if format_ is not None else self.file
        assert name is not None
        self.write_bytes(picture_bytes(pictures, name, milliseconds=milliseconds, theme=self.theme), size)

    def note(self, text: str) -> None:
        """Print a note or a warning on stderr."""
        if not self.quiet:
            self._say(text)

    def detail(self, text: str) -> None:
        """Print on stderr how something was computed, for who asked for it."""
        if self.verbose:
            self.note(f"note: {text}")

    def alarm(self, text: str) -> None:
        """Print what is wrong with a result on stderr, though nothing else is to be said."""
        if self.quiet < 2:
            self._say(text)

    @staticmethod
    def _say(text: str) -> None:
        click.echo(at_words(printable(text)), err=True)

    def tell(self, graph: Graph, warnings: Sequence[str] = (), notes: Sequence[str] = ()) -> None:
        """Print what the user should know about an answer."""
        if graph.euler is not None:
            self.note("note: e is Euler's number 2.71828...; to make it a variable, bind it: e=VALUE")
        for text in (*filter(None, (graph.source.note,)), *notes):
            self.note(f"note: {text}")
        for text in warnings:
            self.note(f"warning: {text}")


def choose_format(
    format_: str | None,
    output: str | None,
    formats: Collection[str] | None = None,
    pictures: Sequence[str] = (),
    endings: Mapping[str, str] = ENDINGS,
    otherwise: str = "table",
    command: str | None = None,
) -> str:
    """Return the format: the option's, else by the file's ending, else the command's own.

    Args:
        formats: Those of the command, for the hint; all without it.
        pictures: Further endings that the command writes.
        endings: What each ending stands for.
        otherwise: The format without option and file.
        command: Who says that the ending names a format of other commands.
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
        chosen = endings[ending]
        if command is not None and formats is not None and chosen not in formats:
            raise UsageError(f"{command} prints {', '.join(formats)}, not {chosen}")
        return chosen
    return otherwise


def is_folder(output: str | None) -> bool:
    """Whether a folder is named: one that is there, or that a slash at the end says is to be."""
    return output is not None and (output.endswith(("/", os.sep)) or os.path.isdir(output))


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
    _keep_inputs(output)
    special = os.path.exists(output) and not os.path.isfile(output)
    if not special:
        output = os.path.realpath(output)  # a link stays a link; what a shell hands over has no path
    # not after the file, whose name may be as long as names get, nor so that another may lay a link there
    temporary = os.path.join(os.path.dirname(output), f".backprop-{os.getpid()}-{os.urandom(4).hex()}.tmp")
    try:
        with _opened(output) if special else open(temporary, "xb") as file:
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


def _opened(output: str) -> BinaryIO:
    """Open a device or a named pipe; one that nobody reads is refused, not waited for."""
    try:
        descriptor = os.open(output, os.O_WRONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise FileError(
                f"{output}: a named pipe that nobody reads", hint="start its reader first, or write to a file"
            ) from None
        raise
    os.set_blocking(descriptor, True)
    return open(descriptor, "wb")


def _keep_inputs(output: str) -> None:
    """Refuse to write over what the command reads: answers, points, a program, an article, a model.

    Raises:
        UsageError: where the file is an option's, or one of a folder of answers.
    """
    context = click.get_current_context(silent=True)
    if context is None or not os.path.exists(output):
        return
    for name, value in context.params.items():
        if name in ("output", "expression") or not isinstance(value, str) or not os.path.exists(value):
            continue
        answers = os.path.realpath(value) if name == "sheet" and os.path.isdir(value) else None
        if os.path.samefile(output, value) or os.path.dirname(os.path.realpath(output)) == answers:
            raise UsageError(
                f"-o {output} would write over what is read from {value}", hint="write to another file"
            )


def check_destination(output: str | None) -> None:
    """Refuse, before hours of work, a destination that nothing can be written to."""
    if output is None:
        if sys.stdout is None:
            raise FileError("stdout is closed")
        return
    _keep_inputs(output)
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


def encoding_of(output: str | None) -> str:
    """Return UTF-8 for a file, stdout's own encoding for stdout."""
    return "utf-8" if output is not None else getattr(sys.stdout, "encoding", None) or "utf-8"
