"""What the commands share: their options, and what comes of them."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from ..engine.choice import ENGINES
from ..errors import BackpropError, UsageError
from ..language.lower import constant
from .output import ENDINGS, FORMATS, Output, choose_format, is_folder
from .request import Request

if TYPE_CHECKING:
    from ..render.palette import Theme

SIZES = 200, 10_000  # pixels
REQUEST = ("expression", "bindings", "overrides", "file", "large", "points", "dialect")
"""Words and options that say what is asked."""


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


along_option = click.option(
    "--along",
    metavar="DIRECTION",
    help="Move inputs together along a line: how fast each, x=[1,0],y=2, or gradient, -gradient.",
)
file_option = click.option("--file", "file", metavar="PATH", help="Read the program from a file; - is stdin.")
output_option = click.option(
    "-o", "output", metavar="FILE", help="Write to a file, the format by its ending."
)
size_option = click.option(
    "--size", metavar="WxH", help="Pixels of a picture, across and down.  [default: what it needs]"
)
theme_option = click.option(
    "--theme",
    type=click.Choice(("light", "dark")),
    help="Colours of a picture; those of an SVG are the page's.",
)
large_option = click.option("--large", is_flag=True, help="Lift the limits on a program's size.")
quiet_option = click.option("-q", "--quiet", is_flag=True, help="No notes or warnings.")


def engine_option(says: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option of what computes."""
    text = f"{says}; jax is an extra.  [default: numpy]"
    return click.option("--engine", type=click.Choice(ENGINES), help=text)


def single_point(engine: str | None) -> None:
    """Refuse an engine for one point, whose numbers are Python's."""
    if engine not in (None, "numpy"):
        raise UsageError(f"--engine {engine} is for many points: --points FILE, or a range --x 0:1:0.01")


def table_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a table that is not plain CSV; the command gets them as its ``dialect``, or None."""

    @wraps(function)
    def command(
        *args: Any,
        separator: str | None = None,
        comment: str | None = None,
        decimal: str | None = None,
        header: str | None = None,
        encoding: str | None = None,
        **options: Any,
    ) -> Any:
        dialect = None
        if any((separator, comment, decimal, header, encoding)):
            from ..tables.dialect import Dialect

            columns = names_of(header)
            names = header if columns == ["none"] else columns
            dialect = Dialect.of(separator, comment, decimal, names, encoding)
        return function(*args, dialect=dialect, **options)

    for option in (
        click.option("--encoding", metavar="NAME", help="Of the table's text; UTF-8 without it."),
        click.option(
            "--header",
            metavar="NAMES",
            help="Names of the columns (a,b) that the table lacks, or none.",
        ),
        click.option(
            "--decimal",
            type=click.Choice((".", ",", "point", "comma")),
            help="The sign of decimals in the table.",
        ),
        click.option(
            "--comment", metavar="SIGN", help="What lines of the table begin with that hold no row."
        ),
        click.option(
            "--separator", metavar="SIGN", help="Between cells: a character, or tab, semicolon, pipe, blanks."
        ),
    ):
        command = option(command)
    return command


def program_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of every command that reads a program."""
    function = table_options(function)
    for option in reversed(
        (
            file_option,
            click.option(
                "--points",
                metavar="FILE",
                help="A file with one point a row (csv, tsv, jsonl, npy; x=x.npy,A=A.npy); - is stdin.",
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
            click.option("--verbose", is_flag=True, help="Say by what many points are computed."),
        )
    ):
        function = option(function)
    return function


def answers(
    name: str | None,
    formats: Sequence[str] | None = None,
    *,
    endings: Mapping[str, str] = ENDINGS,
    otherwise: str = "table",
    draws: bool = False,
    moves: bool = False,
    folders: bool = False,
    request: type[Request] = Request,
) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Hand a command its request and its output, in place of the options that say what they are.

    A command without an expression gets its output alone.

    Args:
        name: What the command is called; None where it says itself that an ending's format is not its own.
        formats: Those it has, where they are not all that endings stand for.
        endings: What the endings of files stand for; empty where the command has no formats.
        otherwise: The format without option and file.
        draws: A file's ending may ask for a picture.
        moves: Or for an animation.
        folders: Results may go to a folder, whose name says no format.
        request: The type of the request.
    """

    def decorate(function: Callable[..., int]) -> Callable[..., int]:
        @wraps(function)
        def command(
            *args: Any,
            format_: str | None = None,
            output: str | None = None,
            digits: int = 6,
            quiet: bool = False,
            verbose: bool = False,
            size: str | None = None,
            theme: Theme | None = None,
            **options: Any,
        ) -> int:
            asked = []
            if "expression" in options:
                asked = [request(**{key: options.pop(key) for key in REQUEST if key in options})]
            chosen, drawn = otherwise, False
            if endings:
                pictures: tuple[str, ...] = ()
                if draws:
                    from ..render.pictures import ANIMATIONS, PICTURES, is_picture

                    pictures = (*PICTURES, *ANIMATIONS) if moves else PICTURES
                    drawn = format_ is None and is_picture(output, pictures)
                if not drawn:
                    ending = None if folders and is_folder(output) else output
                    chosen = choose_format(format_, ending, formats, pictures, endings, otherwise, name)
            picture = drawn or chosen in ("svg", "png")
            if theme is not None and not picture:
                raise UsageError(f"--theme {theme} is of pictures", hint="-o picture.png writes one")
            pixels = _pixels(size, picture)
            shown = Output(
                chosen, output, digits, quiet=quiet, verbose=verbose, drawn=drawn, size=pixels, theme=theme
            )
            if quiet or sys.stderr is None or not sys.stderr.isatty():
                return function(*args, *asked, shown, **options)
            from .progress import working

            with working():
                return function(*args, *asked, shown, **options)

        return command

    return decorate


def _pixels(size: str | None, drawn: bool) -> tuple[float, float] | None:
    """Return width and height that ``--size`` gives."""
    if size is None:
        return None
    if not drawn:
        raise UsageError(f"--size {size} is of pictures", hint="-o picture.svg writes one")
    found = re.fullmatch(r"(\d{1,5})\s*[x×*,]\s*(\d{1,5})", size.strip(), re.IGNORECASE)
    width, height = (float(part) for part in found.groups()) if found else (0.0, 0.0)
    least, most = SIZES
    if not (least <= width <= most and least <= height <= most):
        raise UsageError(
            f"--size {size}: a size is WIDTHxHEIGHT, each from {least} to {most:,} pixels",
            hint="--size 960x600",
        )
    return width, height


def number(option: str, text: str) -> float:
    """Return the number an option was given, a constant expression."""
    try:
        return constant(text.strip())
    except BackpropError as error:
        raise UsageError(f"{option}: {error.message}", source=error.source, span=error.span) from None


def ends_of(option: str, text: str) -> tuple[float, float]:
    """Return the range that an option was given: LOW:HIGH."""
    low, colon, high = text.partition(":")
    ends = (number(option, low), number(option, high)) if colon else (0.0, 0.0)
    if not ends[0] < ends[1] or max(-ends[0], ends[1]) > 1e300:
        raise UsageError(f"{option} {text} is no range", hint=f"LOW:HIGH, such as {option} -10:10")
    return ends


def direction_of(text: str | None) -> dict[str, Any] | str | None:
    """Return a direction, ``x=[1,0],y=2``, as numbers and arrays by name; a word stays one.

    Raises:
        UsageError: for what is neither.
    """
    if text is None or "=" not in text:
        return text
    found: dict[str, Any] = {}
    for part in re.split(r"[,;](?=\s*\w+\s*=)", text):
        name, equals, value = (word.strip() for word in part.partition("="))
        if not equals or name in found:
            why = f"{name} is given twice" if equals else "how fast an input moves is NAME=NUMBER"
            raise UsageError(f"--along {text}: {why}", hint='--along "x=[1, 0], y=2"')
        if not value.startswith("["):
            found[name] = number("--along", value)
            continue
        from ..language.settle import array_literal

        try:
            found[name] = array_literal(value)
        except BackpropError as error:
            raise UsageError(f"--along: {error.message}", source=error.source, span=error.span) from None
    return found


def names_of(text: str | None) -> list[str] | None:
    """Return the names an option was given, ``a,b``; None where it was not."""
    # the comma of linear1[0,2] is none between names
    return [name.strip() for name in re.split(r",(?![^\[]*\])", text)] if text is not None else None
