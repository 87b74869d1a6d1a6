"""The entry point: the only place that prints errors and chooses exit statuses."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from ..differentiation.symbolic.session import SESSION
from ..errors import (
    BROKEN_PIPE,
    INTERNAL,
    INTERRUPTED,
    TERMINATED,
    BackpropError,
    FileError,
    UsageError,
    nearest,
    printable,
)
from . import interrupts
from .commands import COMMANDS, ELSEWHERE, EXAMPLES, GROUPS
from .stderr import at_words, in_color

COMPLETE = "_BACKPROP_COMPLETE"
"""The variable by which a shell asks for completions: its name."""


ERROR = "backprop: error:"


class Terminated(BaseException):
    """SIGTERM arrived."""


def main(argv: list[str] | None = None) -> int:
    """Run one command line and return its exit status.

    Args:
        argv: The words after the program's name; None takes them from the process.
    """
    import gc

    words = sys.argv[1:] if argv is None else argv
    collecting = gc.isenabled()
    gc.disable()  # nothing here makes cycles worth collecting, and large programs parse twice as fast
    SESSION.forks = True
    try:
        return ended(lambda: _begun(words), words)
    finally:
        interrupts.end()
        SESSION.close()
        SESSION.forks = False
        if collecting:
            gc.enable()


def _begun(words: list[str]) -> int:
    interrupts.raise_them()
    if _wants_sympy(words):
        SESSION.start()
    return _run(words)


def ended(run: Callable[[], int], words: list[str]) -> int:
    """Return the status that something ends with, once what ended it has been printed."""
    try:
        return run()
    except BackpropError as error:
        return _fail(error, words)
    except (KeyboardInterrupt, EOFError):
        return INTERRUPTED
    except Terminated:
        return TERMINATED
    except BrokenPipeError:
        _drop_stdout()
        return BROKEN_PIPE
    except OSError as error:
        _drop_stdout()
        return _fail(FileError(_os_error(error)), words)
    except (MemoryError, RecursionError):
        return _fail(UsageError("this is too large for this machine's memory"), words)
    except Exception as error:  # a fault of ours: say so, show no traceback
        return _internal(error)


def _wants_sympy(words: list[str]) -> bool:
    """Guess, before Click is imported, whether the command will ask SymPy."""
    if not words or words[0] != "grad" or "--help" in words or "-h" in words:
        return False
    if any("symbolic" in word for word in words):
        return True
    for word, following in pairwise([*words, ""]):
        name, _, value = word.partition("=")
        value = value or following
        narrowed = name in ("--method", "--points") or (name == "--format" and value == "value")
        # a value start:stop:step makes many points, and those run by reverse mode alone
        if narrowed or (value.count(":") == 2 and name != words[1]):
            return False
    return True


def _run(words: list[str]) -> int:
    import signal

    import click

    def terminate(*_: object) -> None:
        raise Terminated

    with contextlib.suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGTERM, terminate)
    try:
        command = group()
        if shell := os.environ.get(COMPLETE):
            return _complete(command, shell)
        # not Command.main: it turns a broken pipe into status 1
        with command.make_context("backprop", list(words)) as context:
            result = command.invoke(context)
        _flush()
    except click.exceptions.Exit as ended:
        _flush()
        return ended.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 0
    except click.Abort:
        return INTERRUPTED
    except click.ClickException as error:
        from .refusals import refusal

        raise refusal(error, words) from None
    return int(result or 0)


def _complete(group: Any, shell: str) -> int:
    """Propose words to a shell; where there are none to propose, say nothing: a user is typing."""
    from .proposals import answer

    with contextlib.suppress(Exception):  # words are missing, or a file is not there yet
        sys.stdout.write(answer(group, shell, os.environ))
        _flush()
    return 0


def _flush() -> None:
    if sys.stdout is None:
        raise FileError("stdout is closed")
    sys.stdout.flush()


def group() -> Any:
    """Return the Click group; commands are imported when they are called."""
    import click

    from .. import __version__
    from .command import HELP

    class Lazy(click.Group):
        def list_commands(self, ctx: click.Context) -> list[str]:
            return list(COMMANDS)

        def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
            if name not in COMMANDS:
                if not name.isalpha():
                    hint = f'an expression follows a command: backprop grad "{name}"'
                elif close := ELSEWHERE.get(name) or nearest(name, list(COMMANDS)):
                    hint = f"did you mean {close}?"
                else:
                    hint = f"commands: {', '.join(COMMANDS)}"
                raise UsageError(f"no such command: {name}", hint=hint)
            from importlib import import_module

            command: click.Command = import_module(f"backprop_cli.cli.{name}").command
            return command

        def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
            for title, commands in GROUPS.items():
                with formatter.section(title):
                    formatter.write_dl([(f"{name:<10}", about) for name, about in commands.items()])

        def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
            self.format_usage(ctx, formatter)
            self.format_help_text(ctx, formatter)
            with formatter.section("Examples"):
                for name in ("grad", "graph", "check"):
                    formatter.write(f"{'':{formatter.current_indent}}{EXAMPLES[name][0]}\n")
            self.format_options(ctx, formatter)
            formatter.write_paragraph()
            formatter.write_text("Every command has --help; topics: backprop help")

    @click.group(
        cls=Lazy,
        context_settings=HELP,
    )
    @click.version_option(__version__, prog_name="backprop")
    def backprop() -> None:
        """Gradients of typed expressions, with the whole computation in view."""

    return backprop


def _fail(error: BackpropError, words: list[str]) -> int:
    """Print an error on stderr, as text or as JSON, and return its status."""
    if _wants_json(words):
        import json

        text = json.dumps({"error": error.as_dict()})
    else:
        # the place in the source and its carets stand under each other
        first, *rest = f"{ERROR} {error}".split("\n")
        text = "\n".join([at_words(first), *(at_words(t) if t.startswith("  hint: ") else t for t in rest)])
        text = text.replace(ERROR, in_color(ERROR, "bad"), 1)
    _complain(text)
    return error.exit_code


def _wants_json(words: list[str]) -> bool:
    return any(
        word == "--format=json" or (word == "--format" and following == "json")
        for word, following in pairwise([*words, ""])
    )


def _internal(error: Exception) -> int:
    import traceback

    frame = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{os.path.basename(frame.filename)}:{frame.lineno}"
    _complain(
        f"backprop: internal error: {type(error).__name__} at {where}: {printable(str(error))}\n"
        "  this is a fault of backprop, not of your input: please report it with the command line"
    )
    return INTERNAL


def _complain(text: str) -> None:
    with contextlib.suppress(OSError, ValueError, AttributeError):
        encoding = getattr(sys.stderr, "encoding", None) or "ascii"
        sys.stderr.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        sys.stderr.flush()


def _os_error(error: OSError) -> str:
    what = error.strerror or str(error)
    if error.errno in (errno.EBADF, errno.ENOSPC) and not error.filename:
        return f"cannot write: {what}"
    return f"{error.filename}: {what}" if error.filename else what


def _drop_stdout() -> None:
    """Keep the interpreter from writing to a broken stdout once more when it exits."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
