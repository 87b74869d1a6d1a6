"""Command lines with variables in them: ``backprop grad "a*b" --a 3 --b -2``.

Bindings are taken out before Click parses the rest. Click's own ``ignore_unknown_options`` reads
``--a -2e-3`` letter by letter and would compute with the wrong number.
"""

from __future__ import annotations

import re
from inspect import cleandoc
from typing import Any

import click

from ..errors import UsageError, nearest
from ..language.operators import HATS
from ..language.tokens import is_array_text, plain_name
from .commands import EXAMPLES, MORE, RENAMED

OVERRIDE = re.compile(r"[A-Za-z_0-9]+(\.[A-Za-z_0-9]+)+=")
PLACES = re.compile(r"[0-9]+(?:, ?[0-9]+)?\]")
RATE = r"(?:--)?d(\w+)/dt"  # compiled where there is one: each pattern costs a start a millisecond
HELP: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Binding:
    """``NAME VALUE`` as typed.

    Attributes:
        name: The variable, in normal form.
        text: The value's text.
        options: The command's own long options, to tell what may have been meant.
    """

    __slots__ = ("name", "options", "text")

    def __init__(self, name: str, text: str, options: list[str] | None = None) -> None:
        self.name = name.replace(", ", ",")
        self.text = text
        self.options = options or []

    @property
    def option(self) -> str | None:
        """The long option that a ``--NAME`` resembles."""
        return nearest(f"--{self.name}", self.options, 0.75) if len(self.name) > 2 else None


def is_array(binding: Binding) -> bool:
    """Whether a value is an array: a literal, or a file of one, as no expression ends."""
    return is_array_text(binding.text)


INPUT = (
    *("file", "points", "config", "shape", "strict", "large"),
    *("separator", "comment", "decimal", "header", "encoding"),
)
OUTPUT = (
    "format",
    "o",
    "size",
    "digits",
    "formulas",
    "all",
    "elements",
    "open",
    "watch",
    "quiet",
    "verbose",
    "help",
)
SECTIONS = ((INPUT, "Input"), (OUTPUT, "Output"))
"""Where options stand in the help; those that are a command's own come first."""


class Documented(click.Command):
    """A command whose help begins with examples and has its options in groups."""

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write usage, what the command is for, examples, the rest, options, and where there is more."""
        _, name, *below = ctx.command_path.split()
        first, _, rest = cleandoc(self.help or "").partition("\n\n")
        self.format_usage(ctx, formatter)
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(first)
        examples = EXAMPLES.get(" ".join([name, *below]))
        if examples:
            with formatter.section("Examples"):
                for example in examples:
                    formatter.write(f"{'':{formatter.current_indent}}{example}\n")
        if rest:
            formatter.write_paragraph()
            with formatter.indentation():
                formatter.write_text(rest)
        self.format_options(ctx, formatter)
        if name in MORE:
            topic, page = MORE[name]
            formatter.write_paragraph()
            formatter.write_text(f"More: backprop help {topic}, docs/{page}.md")

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, those of input and output apart."""
        groups: dict[str, list[tuple[str, str]]] = {"Options": [], **{title: [] for _, title in SECTIONS}}
        for param in self.get_params(ctx):
            row = param.get_help_record(ctx)
            if row is not None and isinstance(param, click.Option):
                name = param.opts[-1].lstrip("-")
                title = next((title for names, title in SECTIONS if name in names), "Options")
                groups[title].append(row)
        for title, rows in groups.items():
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)
        if isinstance(self, click.Group):
            with formatter.section("Commands"):
                rows = [(name, cleandoc(c.help or "").splitlines()[0]) for name, c in self.commands.items()]
                formatter.write_dl(rows)


class ExpressionCommand(Documented):
    """A command that takes an expression and values for its variables."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("context_settings", HELP)
        kwargs.setdefault("options_metavar", "[--NAME VALUE]... [NAME=VALUE]... [OPTIONS]")
        super().__init__(*args, **kwargs)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Show the expression first."""
        return ["[EXPRESSION]", *super().collect_usage_pieces(ctx)]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take out the expression and the bindings; leave the options to Click."""
        options, expression, bindings = self.split(self._of_today(args))
        rest = super().parse_args(ctx, options)
        ctx.params["expression"] = expression
        ctx.params["bindings"] = bindings
        return rest

    def _of_today(self, args: list[str]) -> list[str]:
        """Return the words with options by their names of today."""
        renamed = RENAMED.get(self.name or "", {})
        end = args.index("--") if "--" in args else len(args)
        named = [re.sub(r"^--[a-z]+(?==|$)", lambda m: renamed.get(m[0], m[0]), word) for word in args[:end]]
        return named + args[end:]

    def split(self, args: list[str]) -> tuple[list[str], str | None, list[Binding]]:
        """Return the words for Click, the expression, and the bindings."""
        flags: dict[str, bool] = {"--help": True, "-h": True}
        once: set[str] = set()
        for param in self.params:
            for name in param.opts:
                flags[name] = bool(getattr(param, "is_flag", False))
                if not flags[name] and not getattr(param, "multiple", False):
                    once.add(name)
        options: list[str] = []
        bindings: list[Binding] = []
        expression: str | None = None
        taken = any(a == "--file" or a.startswith("--file=") for a in args)
        words = iter(args)
        ended = False
        for word in words:
            head, equals, tail = word.partition("=")
            if not ended and word == "--":
                ended = True
            elif not ended and head in flags and (head.startswith("--") or not equals):
                if head in once and any(o.partition("=")[0] == head for o in options):
                    raise UsageError(f"{head} is given twice")
                options.append(word)
                if not flags[head] and not equals:
                    value = next(words, None)
                    if value is None:
                        raise UsageError(f"{head} needs a value")
                    # one word, so that Click does not take a negative number for an option
                    if head.startswith("--"):
                        options[-1] = f"{head}={value}"
                    else:
                        options.append(value)
            elif (
                not ended and word.startswith("-o") and not word.startswith("--") and len(word) > 2 and taken
            ):
                options += ["-o", word[2:]]
            elif (
                not ended
                and "--rate" in flags
                and head.endswith("/dt")
                and (rate := re.fullmatch(RATE, head))
            ):
                value = tail if equals else next(words, None)
                if value is None:
                    raise UsageError(f"{head} needs a value")
                options.append(f"--rate={rate[1]}={value}")
            elif not ended and word.startswith("--") and _is_name(head[2:]):
                bindings.append(self.binding(head, equals, tail, words, list(flags)))
            elif (taken or expression is not None) and equals and _is_name(head) and not tail.startswith("="):
                bindings.append(Binding(plain_name(head), tail))
            elif expression is None and not taken:
                expression = word
            else:
                raise self.stray(word, expression, list(flags), ended)
        return options, expression, bindings

    def binding(self, head: str, equals: str, tail: str, words: Any, options: list[str]) -> Binding:
        long = [o for o in options if o.startswith("--")]
        value = tail if equals else next(words, None)
        if value is None or (not equals and value[:2] == "--" and value[2:3].isalpha()):
            option = Binding(head[2:], "", long).option
            hint = (
                f"did you mean {option}?" if option else f"{head} VALUE gives the variable {head[2:]} a value"
            )
            if option:
                raise UsageError(f"no such option: {head}", hint=hint)
            raise UsageError(f"{head} is no option, and a variable needs a value", hint=hint)
        return Binding(plain_name(head[2:]), value, long)

    def stray(self, word: str, expression: str | None, options: list[str], ended: bool) -> UsageError:
        if ended and word.startswith("-") and expression is not None:
            return UsageError(f"there are no options after --: {word}", hint="NAME=VALUE still gives values")
        if word.startswith("--"):
            close = nearest(word.partition("=")[0], options)
            return UsageError(f"no such option: {word}", hint=f"did you mean {close}?" if close else None)
        if word.startswith("-") and word[1:2].isalpha():
            return UsageError(f"no such option: {word}", hint="variables take two dashes: --a 3")
        if expression is None:
            return UsageError(
                f"with --file the program comes from the file; '{word}' is one word too many",
                hint="values are given as NAME=VALUE or --NAME VALUE",
            )
        hint = 'quote the expression: backprop grad "a * b" --a 3'
        if "=" in expression and ";" not in expression and "\n" not in expression:
            hint = "the expression comes before NAME=VALUE; or write --NAME VALUE"
        return UsageError(f"one expression is enough: '{word}' comes after '{expression}'", hint=hint)


class NetworkCommand(ExpressionCommand):
    """A command that takes an expression, or a config with overrides."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take out a config's ``optimizer.learning_rate=0.1``, which no expression has."""
        overrides = [word for word in args if OVERRIDE.match(word)]
        rest = super().parse_args(ctx, [word for word in args if not OVERRIDE.match(word)])
        ctx.params["overrides"] = overrides
        return rest


def _is_name(text: str) -> bool:
    """Whether a word is a variable's name, or that of a number of an array: ``A[0,1]``."""
    name, bracket, places = text.partition("[")
    if bracket and not PLACES.fullmatch(places):
        return False
    return bool(name) and name[0].isalpha() and all(c.isalnum() or c == "_" or c in HATS for c in name)
