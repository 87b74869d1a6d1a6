"""A program with its bindings, as the command line gives them."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn

import click

from ..errors import BackpropError, BindingError, ExpressionError, Source, UsageError, decoded
from ..graph import Graph
from ..language.lower import constant, lower
from ..language.operators import CONSTANTS
from ..language.parser import TEXT_LIMIT, parse_here
from ..language.reader import read, until
from .command import Binding, is_array

if TYPE_CHECKING:
    from ..language.equations import Equations
    from ..language.ranks import Asked, General
    from ..language.settle import Settled
    from ..tables.dialect import Dialect
    from .arrays import Array, ArrayTable

EPSILON = 2.0**-52


MODEL = "trained model"
_FILES = (
    ((".bp",), "file", "--file {} reads the program from it"),
    ((".yaml", ".yml"), "config", "check, explain, export, graph, page, trace and train take configs"),
    ((".safetensors",), MODEL, "evaluate, export, page and predict take models"),
    ((".csv", ".tsv", ".jsonl", ".npy"), "table", "grad and eval have a point a row: --points {}"),
)
"""What stands in the place of an expression by its ending, and who takes it."""


class Request:
    """A program with its bindings, as the command line gave them.

    Attributes:
        graph: The computation.
        values: Numbers bound by the user.
        ranges: Variables bound to ``start:stop:step`` or ``2, 6, -2``, with the numbers of each.
        arrays: Variables bound to arrays.
        settled: The program where it has arrays, with what every step is; None for one over numbers.
        by_number: The command takes single numbers, which a program with arrays is written out into.
        dialect: How the table of points is written; None for plain.
        table: The points of a program with arrays, opened; None without any.
    """

    by_number = False
    range_hint = "a range is start:stop:step: --{} {}:0.5"

    def __init__(
        self,
        expression: str | None = None,
        bindings: Sequence[Binding] = (),
        overrides: Sequence[str] = (),
        file: str | None = None,
        *,
        large: bool = False,
        points: str | None = None,
        dialect: Dialect | None = None,
    ) -> None:
        self.expression = expression
        self.bindings = bindings
        self.overrides = list(overrides)
        self.file = file
        self.large = large
        self.points = points
        self.dialect = dialect
        self.values: dict[str, float] = {}
        self.ranges: dict[str, list[float]] = {}
        self.graph: Graph
        self.arrays: dict[str, Array] = {}
        self.settled: Settled | None = None
        self.table: ArrayTable | None = None
        self.general: General | None = None

    def read(
        self,
        one_point: str = "",
        hint: str | None = None,
        *,
        many: bool = False,
        formulas: bool = False,
        of: str | None = None,
    ) -> Graph:
        """Read the program and bind what has a value.

        Args:
            many: With arrays, too, the command answers for many points.
            formulas: The command answers without values, too: ``general`` has a program of unknown arrays.
            one_point: What a command that takes no ranges says of one; ``{name}`` has it, and ``{what}`` says
                whether that is a range or a list.
            hint: What to do instead.
            of: The step that is asked for; None for the output. It is one of a program over numbers.
        Raises:
            BackpropError: for a program or bindings that cannot be read.
        """
        if self.file == "-" and self.points == "-":
            raise UsageError("--file - and --points - cannot both read stdin")
        self.source = self._source()
        try:
            self.program = read(self.source, large=self.large)
            if of is not None:
                self.program, later = until(self.program, of)
                self.source = self.program.source
                self.bindings = [binding for binding in self.bindings if binding.name not in later]
        except ExpressionError as error:
            if formulas and not self.bindings and self.points is None and self.read_general({}, error):
                return self.graph
            if not self.read_arrays(error, many=many):
                raise
            return self._of_one_point(one_point, hint)
        if any(map(is_array, self.bindings)) and self.read_arrays(None, many=many):
            return self._of_one_point(one_point, hint)
        # a points file may have a column for e, pi or tau
        self.graph = self.lowered(CONSTANTS if self.points else ())
        for binding in self.bindings:
            self.bind(binding)
        self._of_one_point(one_point, hint)
        if not self.values and not self.ranges and self.points is None:
            self.note_products()
        return self.graph

    def _of_one_point(self, one_point: str, hint: str | None) -> Graph:
        """Return the graph, and refuse ranges where a command takes none."""
        if one_point and self.ranges:
            name = next(iter(self.ranges))
            text = next(binding.text for binding in self.bindings if binding.name == name)
            what = "a range" if ":" in text else "a list"
            raise UsageError(one_point.format(name=name, what=what), hint=hint and hint.format(name=name))
        return self.graph

    def read_equations(self, *, demanded: bool = False) -> Equations | None:
        """Read a program with equations and bind what has a value; None for one without any.

        Args:
            demanded: The last statement of a program without equations is one.
        Raises:
            BackpropError: for equations or bindings that cannot be read.
        """
        from ..language.equations import read_equations

        if not hasattr(self, "source"):  # stdin is read once
            self.source = self._source()
        found = read_equations(self.source, {b.name for b in self.bindings}, demanded=demanded)
        if found is not None:
            self.graph = found.graph
            for binding in self.bindings:
                self.bind(binding)
        return found

    def read_arrays(self, error: ExpressionError | None, *, many: bool = False) -> bool:
        """Read a program with arrays; tell whether it is one.

        Args:
            error: Why the text is no program over numbers.
            many: The command answers for many points.
        Raises:
            BackpropError: for arrays that cannot be read.
        """
        from .arrays import arrays_of, has_arrays, points_of, program_of

        self.arrays = arrays_of(self.bindings)
        if self.points is not None and (error is None or has_arrays(self.source)):
            self.table = points_of(self.source, self.points, self.bindings, self.dialect)
            click.get_current_context().with_resource(self.table.source)
        columns = self.table.arrays if self.table is not None else {}
        shapes = {name: array.shape for name, array in columns.items()}
        try:
            self.settled = program_of(self.source, self.bindings, self.arrays, error, shapes)
        except ExpressionError as clash:
            if () in shapes.values():
                clash.hint = "in a table an array has a column a number: x[0], x[1]"
            raise
        if self.settled is None:
            return False
        self.graph = self.settled.graph
        if self.points is not None and not many:
            raise UsageError(
                "--points has a number a column, and this program has arrays", hint='--x "[1, 2]"'
            )
        for binding in self.bindings:
            if binding.name in self.values or binding.name not in self.arrays:
                self.bind(binding)
        if self.ranges and not many and not self.by_number:
            raise UsageError(
                "a range is for programs of single numbers", hint="sample with one value at a time"
            )
        return True

    def numbers(
        self,
        wrt: list[str] | None = None,
        start: Mapping[str, float] = {},
        *,
        each: bool = False,
        steps: bool = False,
    ) -> tuple[Graph, dict[str, float], list[str] | None]:
        """Return the program over single numbers: its graph, values, and inputs to differentiate by.

        Args:
            wrt: Inputs asked for, or numbers of arrays, ``x[0]``.
            start: Values of inputs that were given a range instead.
            each: As of `by_numbers`.
            steps: The same.
        """
        given = {**self.values, **start}
        if self.settled is None:
            return self.graph, given, wrt
        from ..differentiation.arrays import by_numbers

        whole = {name: x for name, x in given.items() if name in self.graph.inputs}
        graph, inputs, names = by_numbers(self.settled, {**whole, **self.arrays}, wrt, each=each, steps=steps)
        return graph, {**inputs, **given}, names

    def has(self, name: str) -> bool:
        """Whether a name is that of an input, or of a number of one."""
        if name in self.graph.inputs or self.settled is None or not self.by_number:
            return name in self.graph.inputs
        from ..differentiation.arrays import is_number_of

        return is_number_of(self.graph, name)

    def read_general(self, asked: Asked, error: ExpressionError | None) -> bool:
        """Read a program of which neither values nor sizes are known; tell whether it is one."""
        from .arrays import general_of_text

        self.general = general_of_text(self.source, asked, error, large=self.large)
        if self.general is not None:
            self.graph = self.general.program.graph
        return self.general is not None

    def read_unknown(self, text: str) -> None:
        """Read a program with arrays of which only shapes are known, or names for lengths, or kinds.

        Raises:
            BackpropError: as in `read_shapes`.
        """
        from .arrays import said_of

        asked = said_of(text)
        self._without_values(asked)
        if not self.read_general(asked, None):
            raise UsageError("--shape is for formulas without values", hint="the program gives all of them")
        self._check_names(asked)

    def read_shapes(self, shapes: Mapping[str, tuple[int, ...]]) -> Settled:
        """Read a program with arrays of which only the shapes are known.

        Raises:
            BackpropError: for values beside the shapes, names that the program lacks, and shapes that clash.
        """
        from ..language.settle import read_arrays

        self._without_values(shapes)
        self.settled = read_arrays(self.source, shapes, None, large=self.large)
        self.graph = self.settled.graph
        self._check_names(shapes)
        return self.settled

    def _without_values(self, asked: Collection[str]) -> None:
        if self.bindings or self.points is not None:
            raise UsageError("--shape is for formulas without values", hint="leave the values out")
        self.source = self._source()

    def _check_names(self, asked: Collection[str]) -> None:
        from ..engine.run import not_an_input

        for name in asked:
            if name not in self.graph.inputs:
                raise not_an_input(self.graph, name)

    def note_products(self) -> None:
        """Say which names were likely meant as products, where nothing has a value and formulas are shown."""
        names = [name for name in self.graph.inputs if len(name) > 1 and name.isalpha()]
        if names and not self.source.note:
            from ..language.readings import product_note

            self.graph.source.note = product_note(self.graph.source.text, names, self.graph.named, parse_here)

    @property
    def config(self) -> str | None:
        """The config that stands in the place of an expression."""
        return self._named((".yaml", ".yml"))

    @property
    def model(self) -> str | None:
        """The trained model that stands in the place of an expression; of a run's folder its model."""
        word = self.expression
        if self.file is None and word is not None and not self.bindings and os.path.isdir(word):
            from ..training.folder import model_at, state_of

            if state_of(word) in ("finished", "unfinished", "sweep"):  # and no quotient of two variables
                return model_at(word)
        return self._named((".safetensors",))

    def _named(self, endings: tuple[str, ...]) -> str | None:
        word = self.expression
        if self.file is not None or word is None or "\n" in word or "#" in word:
            return None
        return word if word.lower().endswith(endings) else None

    def _source(self) -> Source:
        """Return the text of the program, with where it is from."""
        expression, file = self.expression, self.file
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
            for endings, what, hint in _FILES:
                if self._named(endings) or (what == MODEL and self.model is not None):
                    raise UsageError(
                        f"{expression} is a {what}, not an expression", hint=hint.format(expression)
                    )
            return Source(expression)
        limit = None if self.large else 4 * TEXT_LIMIT
        from ..tables.files import bytes_of

        data = bytes_of(file, limit)
        shown = "<stdin>" if file == "-" else file
        if limit is not None and len(data) > limit:
            raise ExpressionError(
                f"{shown} is larger than {TEXT_LIMIT:,} characters", hint="--large lifts the limit"
            )
        return Source(decoded(data, shown, ExpressionError), shown)

    def config_overrides(self) -> list[str]:
        """Return what is said of a config's keys: a key without a dot looks like a value of a variable."""
        return [*self.overrides, *(f"{binding.name}={binding.text}" for binding in self.bindings)]

    def lowered(self, names: Collection[str]) -> Graph:
        """Return the graph in which these names, too, are variables."""
        return lower(self.program, {*(b.name for b in self.bindings), *names}, large=self.large)

    def bind(self, binding: Binding) -> None:
        """Give a variable its value or its range."""
        name = binding.name
        if name in self.values or name in self.ranges:
            raise BindingError(f"{name} is given twice")
        if not self.has(name):
            self.refuse_unknown(binding)
        try:
            if ":" in binding.text:
                self.ranges[name] = grid(binding.text)
            elif "," in binding.text and (values := several(binding.text)):
                self.ranges[name] = values
            else:
                self.values[name] = constant(binding.text)
        except BackpropError as error:
            meant = range_meant(binding.text)
            hint = meant and self.range_hint.format(name, meant)
            raise BindingError(
                f"the value of {name}: {error.message}",
                source=error.source,
                span=error.span,
                hint=hint or error.hint,
            ) from None

    def refuse_unknown(self, binding: Binding) -> NoReturn:
        """Say what may have been meant by a name that is no variable."""
        from ..engine.run import not_an_input

        error = not_an_input(self.graph, binding.name, {b.name for b in self.bindings})
        if binding.option and " is one name" not in (error.hint or ""):
            error.hint = f"did you mean the option {binding.option}? {error.hint}"
        raise error


class ByNumber(Request):
    """A program for a command that takes single numbers; arrays are written out."""

    by_number = True
    range_hint = ""


def several(text: str) -> list[float] | None:
    """Return the numbers of a list, ``2, 6, -2``; None for what is one value.

    Raises:
        BindingError: for what may be one number as it is grouped elsewhere, ``1,5``, and what is no number.
    """
    import re

    from ..language.operands import listed

    parts = listed(text)
    if len(parts) == 1:
        return None
    if re.fullmatch(r"\s*[-+]?\d+(?:,\d+(?:e[-+]?\d+)?|(?:,\d{3})+(?:\.\d+)?)\s*", text, re.IGNORECASE):
        try:
            constant(text)
        except BindingError as error:
            error.hint = f"{error.hint}; a list has blanks: '{', '.join(map(str.strip, parts))}'"
            raise
    return [constant(part) for part in parts]


def range_meant(text: str, *, pair: bool = False) -> str | None:
    """Return ``start:stop`` for a range as it is written elsewhere: ``-3..3``, ``-3 to 3``.

    Args:
        pair: Two numbers are one as well, ``[-3, 3]``.
    """
    import re

    between = r"\.\.\.?|\u2026|\bto\b" + ("|[,;]" if pair else "")
    parts = re.split(rf"\s*(?:{between})\s*", text.strip().strip("[]()"))
    try:
        low, high = (constant(part) for part in parts)
    except (BackpropError, ValueError):
        return None
    return ":".join(parts if low < high else reversed(parts)) if low != high else None


def grid(text: str) -> list[float]:
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
