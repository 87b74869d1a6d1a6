"""What the frameworks share that differentiate a function: JAX and autograd."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from ..language.written import Piece, Table
from . import python
from .handwritten import helpers as definitions_for
from .page import conventions, header, joined, python_assertions
from .program import Program
from .writer import Names, Writer, python_number


def array_extremum(module: str, name: str) -> Callable[..., Piece]:
    """Write min or max: of three and more by one reduction, which shares ties equally."""

    def write(*operands: Piece) -> Piece:
        texts = ", ".join(x.text for x in operands)
        if len(operands) == 2:
            return Piece(f"{module}.{name}imum({texts})")
        return Piece(f"{module}.{name}({module}.array([{texts}]))")

    return write


class Functional:
    """A program that defines a function of its inputs and has the framework differentiate it.

    Args:
        program: What to write.
        table: The target's spellings.
        reserved: Words that no variable may have.
        language: What to call the target.
        kinked: Primitives whose slope at a kink is the same there as here.
        constants: Spellings of what is built from numbers alone.
        helpers: Definitions, and which primitive needs which.
    """

    def __init__(
        self,
        program: Program,
        table: Table,
        reserved: Collection[str],
        language: str,
        kinked: Collection[str],
        *,
        constants: Table,
        helpers: tuple[Mapping[str, str], Mapping[str, Sequence[str]]] = ({}, {}),
    ) -> None:
        self.program = program
        self.language = language
        self.kinked = kinked
        self.helpers = helpers
        self.names = Names(reserved)
        self.writer = Writer(program, table, self.names, number=python_number, constants=constants)

    def text(
        self,
        imports: Sequence[str],
        setup: Sequence[str],
        call: Callable[[str, str, str], str],
    ) -> str:
        """Return the program.

        Args:
            imports: Its first lines.
            setup: What has to be set before it computes.
            call: Differentiates: function, positions of the inputs, point -> expression.
        """
        program, writer, names = self.program, self.writer, self.names
        graph = program.graph
        function, value, gradient = (names.own(name) for name in ("program", "value", "gradient"))
        positions = [k for k, name in enumerate(graph.inputs) if name in program.wrt]
        order = [name for name in graph.inputs if name in program.wrt]
        indices = f"({', '.join(map(str, positions))}{',' * (len(positions) == 1)})"
        point = ", ".join(repr(program.point.inputs[name]) for name in graph.inputs)
        steps = [
            f"{line.name} = {line.text}" + "  # finite in the other branch too" * line.safe
            for line in writer.lines
        ]
        if program.guards:
            steps.insert(0, "# 0 times an infinite slope would be NaN: a branch not taken is kept finite")
        inputs = ", ".join(writer.variable(id) for id in graph.inputs.values())
        slopes = {name: f"{gradient}[{k}]" for k, name in enumerate(order)}
        notes, open_ = conventions(program, self.language, self.kinked)
        return joined(
            [
                header(program, names, self.language),
                imports,
                setup,
                *python.definitions(definitions_for(*self.helpers, writer.used)),
                [
                    "",
                    f"def {function}({inputs}):",
                    *(f"    {s}" for s in steps),
                    f"    return {writer.output}",
                    "",
                ],
                [f"{value}, {gradient} = {call(function, indices, point)}"],
                [
                    f'print("{writer.output} =", {value})',
                    *(f'print("d{writer.output}/d{name} =", {text})' for name, text in slopes.items()),
                ],
                [*notes, *python_assertions(program, value, slopes, skip=open_)],
            ]
        )
