"""``backprop graph``: the computation graph as a drawing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from ..errors import NO, UsageError, nearest
from ..layout import DIRECTIONS, EDGES, Direction, Edges
from .command import NetworkCommand
from .common import (
    answers,
    digits_option,
    file_option,
    format_option,
    large_option,
    names_of,
    quiet_option,
    theme_option,
)
from .output import Output
from .request import Request
from .watch import watch_option

if TYPE_CHECKING:
    from ..layout.drawing import Drawing
    from ..layout.picture import Picture

FORMATS = ("text", "dot", "mermaid", "tikz", "svg", "json")
ENDINGS = {
    ".txt": "text",
    ".dot": "dot",
    ".gv": "dot",
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
    ".md": "markdown",
    ".tex": "tikz",
    ".tikz": "tikz",
    ".svg": "svg",
    ".png": "png",
    ".json": "json",
}
PIXELS = ("svg", "png")
LAID_OUT = ("text", "tikz", *PIXELS)
WIDEST = 400
"""Columns of a drawing in characters that goes to a file or a pipe."""

NO_VALUES = "--edges value: at an arrow between arrays there is a formula, and no number"
NO_LOOP = "--step is for a program over steps, h[t+1] = ..., and this network has none"


class _How(NamedTuple):
    """How a graph is drawn.

    Attributes:
        edges: What stands at the arrows.
        direction: Where they lead.
        write: Numbers to text.
    """

    edges: Edges
    direction: Direction
    write: Callable[[float], str]


class GraphCommand(NetworkCommand):
    """Takes ``--config PATH`` for what a word ``*.yaml`` says, too."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the config in the place of the expression."""
        words: list[str] = []
        config: str | None = None
        rest = iter(args)
        for word in rest:
            if word == "--config" or word.startswith("--config="):
                config = word.partition("=")[2] or next(rest, None)
                if not config:
                    raise UsageError("--config needs a value")
                words.insert(0, config)
            else:
                words.append(word)
        left = super().parse_args(ctx, words)
        ctx.params["config"] = config
        return left


@click.command("graph", cls=GraphCommand)
@file_option
@click.option(
    "--config", "config", metavar="PATH", help="Draw the network of a config; a word *.yaml says the same."
)
@click.option(
    "--edges",
    type=click.Choice(EDGES),
    help="What stands at the arrows.  [default: both; of circles nothing]",
)
@click.option(
    "--direction",
    type=click.Choice(DIRECTIONS),
    default="auto",
    show_default=True,
    help="Where arrows lead: right (LR), down (TB), or as it fits a page, a long graph in rows.",
)
@click.option(
    "--path",
    "paths",
    metavar="NAMES",
    multiple=True,
    help="Mark all paths from these nodes to the output: a,b; again: others, in another colour.",
)
@click.option("--wrt", metavar="NAMES", help="Differentiate by these inputs alone: a,b.")
@click.option("--named", is_flag=True, help="Show inputs and named steps alone.")
@click.option(
    "--inverse", is_flag=True, help="Of a function y = f(x): one arrow both ways, with both slopes."
)
@click.option("--constants", "all_", is_flag=True, help="Show constants, and transposes of arrays, as nodes.")
@click.option("--shape", metavar="SHAPES", help="Of arrays without values: A=3x2,x=2; A=mxn,b=vector.")
@click.option("--compact", is_flag=True, help="Draw a network with one box a layer.")
@click.option(
    "--circles", is_flag=True, help="Draw a network as circles and lines; pictures of wide ones are so."
)
@click.option(
    "--step",
    metavar="T",
    help="Of a program over steps [t]: draw step T of its loop, or all.  [default: the last]",
)
@format_option(FORMATS, "text")
@click.option(
    "-o",
    "output",
    metavar="FILE",
    help="Write to a file by its ending: svg, png, dot, mmd, md, tex, txt, json.",
)
@theme_option
@digits_option("Significant digits.")
@large_option
@quiet_option
@watch_option
@answers("graph", endings=ENDINGS, otherwise="text")
def command(
    request: Request,
    output: Output,
    config: str | None,
    edges: Edges | None,
    direction: Direction,
    paths: tuple[str, ...],
    wrt: str | None,
    named: bool,
    inverse: bool,
    all_: bool,
    shape: str | None,
    compact: bool,
    circles: bool,
    step: str | None,
) -> int:
    """The computation graph of EXPRESSION, inputs left, output right.

    In every node its value and the derivative of the output by it, at every arrow the local
    derivative. With no value at all the symbols alone. The network of a config: its units, weights
    and deltas at the first training step.
    """
    from ..language.numbers import rounded

    how = _How(edges or "both", direction, lambda x: rounded(x, output.digits))
    groups = _groups(paths)
    config = config or request.config
    if config is not None:
        if request.file is not None:
            raise UsageError("--file is a program, --config a network: one of them")
        for option, given in (
            ("--wrt", wrt is not None), ("--named", named), ("--inverse", inverse), ("--constants", all_),
            ("--shape", shape is not None),
        ):  # fmt: skip
            if given:
                raise UsageError(f"{option} is for expressions, {config} is a config")
        _network(
            config, request.config_overrides(), output, groups, how,
            _form(output, edges, direction, groups, compact, circles), step, numbers=edges == "value",
        )  # fmt: skip
        return 0
    if step is not None:
        raise UsageError(
            "--step is for the network of a config", hint=f"step={step} gives a variable its value"
        )
    if circles or compact:
        raise UsageError(
            f"--{'circles' if circles else 'compact'} is for the network of a config",
            hint="--named shows less of a program",
        )
    if request.overrides:
        word = request.overrides[0]
        raise UsageError(f"{word} is for the network of a config", hint="backprop graph config.yaml")
    if inverse:
        for option, given in (
            ("--path", groups is not None), ("--named", named), ("--constants", all_),
            ("--shape", shape is not None),
        ):  # fmt: skip
            if given:
                raise UsageError(f"{option} is for graphs, and --inverse draws two boxes and an arrow")
        return _inverse(request, output, _names("--wrt", wrt), how)
    if shape is not None:
        request.read_unknown(shape)
    else:
        request.read("graph draws one point: {name} is {what}", "--{name} VALUE", formulas=True)
    _program(request, output, groups, _names("--wrt", wrt), how, named, all_)
    return 0


def _names(option: str, text: str | None) -> list[str] | None:
    names = names_of(text)
    if names is None:
        return None
    if not all(names):
        raise UsageError(f"{option}: an empty name")
    return list(dict.fromkeys(names))


def _inverse(request: Request, output: Output, wrt: list[str] | None, how: _How) -> int:
    """Draw a function and its inverse."""
    from ..api.drawing import InverseDrawn
    from ..api.implicit import implicit_of

    equations = request.read_equations(demanded=True)
    if equations is None:
        request.read(formulas=True)
        raise UsageError("--inverse is for a function of numbers that is written out", hint="y = x^3")
    if request.ranges:
        raise UsageError("graph draws one point")
    report = implicit_of(equations, request.values, wrt=wrt, inverse=True)
    drawn = InverseDrawn(report, how.edges, output.digits, how.direction)
    if output.format == "json":
        from ..render.writers.json import lines

        _write(lines(drawn.facts()), output)
    else:
        _draw(drawn.drawing, output)
    output.tell(request.graph, (), report.notes)
    return NO if report.agree is False else 0


def _groups(texts: Sequence[str]) -> list[list[str]] | None:
    from ..api.drawing import check_groups

    return check_groups([_names("--path", text) or [] for text in texts]) if texts else None


def _program(
    request: Request,
    output: Output,
    paths: list[list[str]] | None,
    wrt: list[str] | None,
    how: _How,
    named: bool,
    constants: bool,
) -> None:
    from ..api.drawing import MOST_NODES, Drawn, too_many
    from ..differentiation.report import warnings_of

    if named and constants:
        raise UsageError("--named shows less, --all shows more: one of them")
    graph = request.graph
    notes: list[str] = []
    program = request.general or request.settled
    if program is not None:
        from ..api.drawing import draw_arrays
        from ..explanation.arrays import GeneralExplanation
        from .arrays import general_notes

        if how.edges == "value":
            raise UsageError(NO_VALUES, hint="--edges symbol")
        arrays = draw_arrays(
            program, {**request.values, **request.arrays}, path=paths, wrt=wrt, edges=how.edges, named=named,
            everything=constants, digits=output.digits, direction=how.direction,
        )  # fmt: skip
        told = arrays.arrays.told
        notes += general_notes(told.report) if isinstance(told, GeneralExplanation) else told.report.notes
        drawn: Drawn = arrays
    else:
        from ..engine.point import point_of
        from ..explanation.edges import GraphView

        point = point_of(graph, request.values, wrt)
        shown = GraphView(graph, point, paths=paths, named=named, constants=constants)
        drawn = Drawn(shown, how.edges, output.digits, how.direction)
    view = drawn.view
    if output.format in LAID_OUT and len(view.shown) > MOST_NODES:
        if paths and any(view.marked or ()) and view.count_marked() <= MOST_NODES:
            notes.append(f"{len(view.shown):,} nodes are too many to draw: those on the paths alone")
            view.only_marked()
        elif output.format == "text":
            from ..render.graph_summary import summary

            _write([summary(view, how.write, MOST_NODES)], output)
            output.tell(graph, warnings_of(graph))
            return
        else:
            raise too_many(
                view,
                "--path NAME draws the nodes on its paths, --named the named steps; "
                "-o graph.dot or graph.mmd takes any number",
            )
    if output.format == "json":
        from ..render.writers.json import lines

        _write(lines(drawn.facts()), output)
    else:
        _draw(drawn.drawing, output)
    output.tell(graph, warnings_of(graph), notes)


def _network(
    path: str,
    overrides: list[str],
    output: Output,
    paths: list[list[str]] | None,
    how: _How,
    form: str,
    step: str | None,
    *,
    numbers: bool,
) -> None:
    from .training import use_threads

    use_threads(1)
    from ..layout import network_drawing as networks
    from ..layout import network_figure as figures
    from ..layout.drawing import with_paths
    from ..networks.formula import FormulaNetwork
    from ..networks.programmed import ProgramNetwork
    from ..render import graph_facts as facts
    from ..training.problem import assembled
    from ..training.step import whole_step

    found: Any = None
    with assembled(path, overrides) as problem:
        if form == "circles" and isinstance(problem.network, FormulaNetwork | ProgramNetwork):
            raise UsageError("--circles is for layers, and this config has a formula")
        if step is not None and not isinstance(problem.network, ProgramNetwork):
            raise UsageError(NO_LOOP)
        if isinstance(problem.network, FormulaNetwork):
            return _formula(problem, output, paths, how)
        if isinstance(problem.network, ProgramNetwork):
            return _own_program(problem, output, paths, how, step)
        circles = figures.why_none(problem)
        if form == "circles" and circles is not None:
            raise UsageError(f"--circles: {circles}")
        why = networks.why_compact(problem)
        wide = why is not None if numbers else figures.is_wide(problem)
        if form == "circles" or (form == "free" and circles is None and wide):
            return _picture(figures.figure(problem, how.write, numbers=numbers), output)
        if form == "layers" or why is not None:
            if why is not None and form != "layers":
                more = "; -o graph.svg has circles" if circles is None and output.format == "text" else ""
                output.note(f"note: a box a layer: {why}{more}")
            drawing = networks.layers_drawing(problem, how.edges)
        else:
            found = networks.units_of(whole_step(problem))
            drawing = networks.units_drawing(found, how.write, how.edges)
    if paths is not None:
        places = networks.places(drawing, found)
        names = [name for group in paths for name in group]
        for name in names:
            if name not in places:
                close = nearest(name[:80], list(places))
                boxes = ", ".join(card.name for card in list(drawing.cards)[:20])
                raise UsageError(
                    f"--path {','.join(names)}: there is no such box",
                    hint=(f"did you mean {close}? " if close else "") + f"boxes: {boxes}",
                )
        drawing, counts = networks.marked(drawing, [[places[name] for name in group] for group in paths])
        told = dict(zip(names, chain(*counts), strict=True))
        if len(paths) == 1:  # of boxes it is seen
            paths = [[name for name in names if "." in name]]
        drawing = with_paths(drawing, paths, told, "E")
    if output.format == "json":
        from ..render.writers.json import lines

        _write(
            lines(
                facts.layers_facts(drawing)
                if found is None
                else facts.units_facts(found, drawing, paths or ())
            ),
            output,
        )
        return None
    return _draw(drawing._replace(direction=how.direction), output)


def _form(
    output: Output,
    edges: Edges | None,
    direction: Direction,
    groups: list[list[str]] | None,
    compact: bool,
    circles: bool,
) -> str:
    """Return how to draw a network: as circles, a box a layer or a unit; "free" for what shows it best."""
    if circles:
        for option, given in (
            ("--compact", compact), ("--path", groups is not None), ("--direction TB", direction == "TB"),
        ):  # fmt: skip
            if given:
                raise UsageError(f"{option} is for boxes, --circles draws none")
        if edges in ("both", "symbol"):
            raise UsageError(
                f"--edges {edges}: lines between circles have numbers alone", hint="--edges value"
            )
        if output.format not in PIXELS:
            raise UsageError("--circles draws a picture", hint="-o graph.svg or graph.png")
        return "circles"
    pictured = output.format in PIXELS and groups is None and direction != "TB" and edges in (None, "value")
    return "layers" if compact else "free" if pictured else "units"


def _formula(
    problem: Any,
    output: Output,
    paths: list[list[str]] | None,
    how: _How,
) -> None:
    """Draw a fitted formula at its first parameters and the first row."""
    from ..engine.point import Point
    from ..explanation.edges import GraphView
    from ..layout.drawing import graph_drawing, with_paths

    network = problem.network
    values = {p.name: float(p.first) for p in network.parameters}
    values |= {name: float(array[0]) for name, array in problem.train.sample.inputs.items()}
    graph = network.graph()
    point = Point.at(graph, {n: x for n, x in values.items() if n in graph.inputs})
    view = GraphView(graph, point, paths=paths)
    title = f"{network.target} ~ {network.expression} = {how.write(view.values[graph.output] or 0.0)}"
    drawing = graph_drawing(view, title, how.write, how.edges)
    legend = (*drawing.legend, "the first row, with the parameters' first values")
    drawing = drawing._replace(legend=legend, direction=how.direction)
    if len(view.paths) > 1:
        drawing = with_paths(drawing, view.paths, view.path_counts(), graph.name(graph.output))
    if output.format == "json":
        from ..render.graph_facts import graph_facts
        from ..render.writers.json import lines

        _write(lines(graph_facts(view)), output)
    else:
        _draw(drawing, output)


def _own_program(
    problem: Any, output: Output, paths: list[list[str]] | None, how: _How, step: str | None
) -> None:
    """Draw a network that is a program at its first parameters and the first row: of a loop one step."""
    from ..api.drawing import draw_arrays, draw_step
    from ..explanation.one_step import one_step

    if how.edges == "value":
        raise UsageError(NO_VALUES, hint="--edges symbol")
    program, row = problem.first_row()
    steps = problem.network.reading.recurrence.steps(program.graph)
    legend = ["the first row, with the parameters' first values"]
    if step is not None and not any(steps):
        raise UsageError(NO_LOOP)
    if step == "all" or (step is None and paths is not None) or not any(steps):
        drawn = draw_arrays(
            program, row, path=paths, wrt=None, edges=how.edges, named=False,
            everything=False, digits=output.digits, direction=how.direction,
        )  # fmt: skip
    else:
        if paths is not None:
            raise UsageError("--path goes through all steps, --step draws one", hint="--step all")
        if step is not None and not step.isdecimal():
            raise UsageError(f"--step takes a number, or all, not {step[:80]}")
        one = one_step(program, steps, None if step is None else int(step))
        drawn = draw_step(one, program, row, how.edges, output.digits, how.direction)
        legend.append(
            f"one step of the loop, t = {one.t} of 0 to {one.of - 1}; derivatives are by all of them"
        )
        if step is None:
            output.note(f"note: the last of {one.of} steps; --step all draws every one")
    if output.format == "json":
        from ..render.writers.json import lines

        return _write(lines(drawn.facts()), output)
    drawing = drawn.drawing
    return _draw(drawing._replace(legend=(*drawing.legend, *legend)), output)


def _draw(drawing: Drawing, output: Output) -> None:
    """Write a drawing in one of the formats."""
    chosen = output.format
    if chosen == "text":
        _text(drawing, output)
    elif chosen == "dot":
        from ..render.dot import dot

        _write(dot(drawing), output)
    elif chosen in ("mermaid", "markdown"):
        from ..render.mermaid import MOST_EDGES, mermaid

        count = 0

        def counted() -> Iterable[Any]:
            nonlocal count
            for count, arrow in enumerate(drawing.arrows, 1):  # noqa: B007
                yield arrow

        _write(mermaid(drawing._replace(arrows=counted()), fenced=chosen == "markdown"), output)
        if count > MOST_EDGES:
            output.note(f"note: {count:,} edges: Mermaid draws {MOST_EDGES} unless its maxEdges is raised")
    elif chosen == "tikz":
        from ..render.tikz import tikz

        _write(tikz(drawing), output)
    else:
        from ..layout.graph_picture import graph_picture

        _picture(graph_picture(drawing), output)


def _picture(picture: Picture, output: Output) -> None:
    output.draw(picture, "svg" if output.file is None or output.format == "svg" else None)


def _text(drawing: Drawing, output: Output) -> None:
    from ..render.graph_text import graph_text
    from ..render.terminal import screen_for

    screen = screen_for(output.to_file)
    drawn = graph_text(drawing, min(screen.width, WIDEST), unicode=screen.unicode, color=screen.color)
    _write([drawn.text], output)
    if drawn.form == "list" and not drawn.widths:
        output.note(
            "note: the graph is too entangled for lines, so it is a list; --path NAME draws a part of it"
        )
    elif drawn.widths and drawn.form != "across":
        form = {"down": "from top to bottom", "list": "as a list"}[drawn.form]
        least = min(drawn.widths)
        where = f"the terminal has {screen.width}" if screen.width < WIDEST else f"{WIDEST} are the limit"
        output.note(
            f"note: drawn {form}: other forms take {least} columns or more, {where}; -o graph.svg has room"
        )


def _write(pieces: Iterable[str], output: Output) -> None:
    """Write a text piece by piece, in blocks."""
    from .output import destination, encoding_of

    encoding = encoding_of(output.file)
    with destination(output.file) as stream:
        block: list[str] = []
        for piece in pieces:
            block.append(piece)
            if len(block) >= 4096:
                stream.write("".join(block).encode(encoding, "backslashreplace"))
                block.clear()
        stream.write("".join(block).encode(encoding, "backslashreplace"))
