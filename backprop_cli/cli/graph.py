"""``backprop graph``: the computation graph as a drawing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click

from ..errors import UsageError, nearest
from .command import Binding, NetworkCommand, is_config
from .common import (
    Request,
    choose_format,
    digits_option,
    file_option,
    format_option,
    large_option,
    names_of,
    notes_printer,
    quiet_option,
    tell,
)

if TYPE_CHECKING:
    from ..explanation.edges import GraphView
    from ..layout.drawing import Drawing

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
LAID_OUT = ("text", "tikz", "svg", "png")
MOST_NODES = 300
"""That are laid out."""

WIDEST = 400
"""Columns of a drawing in characters that goes to a file or a pipe."""

Note = Callable[[str], None]


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


@click.command(
    "graph",
    cls=GraphCommand,
    epilog="Examples: backprop graph '(a*b+c)*f' --a 3 --b -2 --c 8 --f -2; "
    "backprop graph --file loss.bp -o loss.svg; backprop graph hand.yaml",
)
@file_option
@click.option(
    "--config", "config", metavar="PATH", help="Draw the network of a config; a word *.yaml says the same."
)
@click.option(
    "--edges",
    type=click.Choice(("both", "symbol", "value", "none")),
    default="both",
    show_default=True,
    help="What stands at the arrows.",
)
@click.option("--path", "paths", metavar="NAMES", help="Mark all paths from these nodes to the output: a,b.")
@click.option("--wrt", metavar="NAMES", help="Differentiate by these inputs alone: a,b.")
@click.option("--named", is_flag=True, help="Show inputs and named steps alone.")
@click.option("--all", "all_", is_flag=True, help="Show constants as nodes.")
@click.option("--compact", is_flag=True, help="Draw a network with one box a layer.")
@format_option(FORMATS, "text")
@click.option(
    "-o",
    "output",
    metavar="FILE",
    help="Write to a file by its ending: svg, png, dot, mmd, md, tex, txt, json.",
)
@digits_option("Significant digits.")
@large_option
@quiet_option
def command(
    expression: str | None,
    bindings: list[Binding],
    config: str | None,
    overrides: list[str],
    file: str | None,
    edges: str,
    paths: str | None,
    wrt: str | None,
    named: bool,
    all_: bool,
    compact: bool,
    format_: str | None,
    output: str | None,
    digits: int,
    large: bool,
    quiet: bool,
) -> int:
    """The computation graph of EXPRESSION, inputs left, output right.

    In every node its value and the derivative of the output by it, at every arrow the local
    derivative. With no value at all the symbols alone. The network of a config: its units, weights
    and deltas at the first training step.
    """
    from ..language.numbers import rounded

    chosen = choose_format(format_, output, endings=ENDINGS, otherwise="text")
    note = notes_printer(quiet)

    def write(x: float) -> str:
        return rounded(x, digits)

    names = _names("--path", paths)
    if config is not None or (file is None and is_config(expression)):
        assert expression is not None
        if file is not None:
            raise UsageError("--file is a program, --config a network: one of them")
        overrides += [f"{binding.name}={binding.text}" for binding in bindings]
        for option, given in (("--wrt", wrt is not None), ("--named", named), ("--all", all_)):
            if given:
                raise UsageError(f"{option} is for expressions, {expression} is a config")
        _network(expression, overrides, chosen, output, note, names, write, edges, compact)
        return 0
    if compact:
        raise UsageError("--compact is for the network of a config", hint="--named shows less of a program")
    if overrides:
        raise UsageError(f"{overrides[0]} is for the network of a config", hint="backprop graph config.yaml")
    _program(
        Request(expression, bindings, file, large=large, points=None),
        chosen, output, note, names, _names("--wrt", wrt), write, edges, named, all_,
    )  # fmt: skip
    return 0


def _names(option: str, text: str | None) -> list[str] | None:
    names = names_of(text)
    if names is None:
        return None
    if not all(names):
        raise UsageError(f"{option}: an empty name")
    return list(dict.fromkeys(names))


def _program(
    request: Request,
    chosen: str,
    output: str | None,
    note: Note,
    paths: list[str] | None,
    wrt: list[str] | None,
    write: Callable[[float], str],
    edges: Any,
    named: bool,
    constants: bool,
) -> None:
    from ..differentiation.report import warnings_of
    from ..engine.point import point_of
    from ..explanation.edges import GraphView
    from ..layout.drawing import graph_drawing

    if request.ranges:
        name = next(iter(request.ranges))
        raise UsageError(f"graph draws one point: {name} is a range", hint=f"--{name} VALUE")
    if named and constants:
        raise UsageError("--named shows less, --all shows more: one of them")
    graph = request.graph
    point = point_of(graph, request.values, wrt)
    view = GraphView(graph, point, paths=paths, named=named, constants=constants)
    counts = {name: view.count_paths(name) for name in paths or ()}
    notes = []
    if chosen in LAID_OUT and len(view.shown) > MOST_NODES:
        if paths and any(view.marked or ()) and view.count_marked() <= MOST_NODES:
            notes.append(f"{len(view.shown):,} nodes are too many to draw: those on the paths alone")
            view.only_marked()
        elif chosen == "text":
            from ..render.graph_summary import summary

            _write([summary(view, write, MOST_NODES)], output)
            tell(graph, note, warnings_of(graph), ())
            return
        else:
            raise UsageError(
                f"{len(view.shown):,} nodes are too many to draw: {MOST_NODES} at most",
                hint="--path NAME draws the nodes on its paths, --named the named steps; "
                "-o graph.dot or graph.mmd takes any number",
            )
    drawing = graph_drawing(view, _title(view, write), write, edges)
    if paths is not None:
        drawing = drawing._replace(legend=(*drawing.legend, _said(counts, graph.name(graph.output), named)))
    if chosen == "json":
        from ..render.graph_facts import graph_facts
        from ..render.writers.json import lines

        _write(lines(graph_facts(view, counts)), output)
    else:
        _draw(drawing, chosen, output, note)
    tell(graph, note, warnings_of(graph), notes)


def _title(view: GraphView, write: Callable[[float], str]) -> str:
    """Return ``L = e*f = -4``: the output, how it is made, its value."""
    from ..language.format import output_text

    text, value = output_text(view.graph), view.values[view.graph.output]
    return f"{text} = {write(value)}" if value is not None and view.graph.inputs else text


def _said(counts: dict[str, int], output: str, named: bool) -> str:
    from ..explanation.edges import MOST_PATHS

    texts = []
    for name, count in counts.items():
        number = f"more than {MOST_PATHS:,}" if count >= MOST_PATHS else f"{count:,}"
        paths = "path" if count == 1 else "paths"
        texts.append(f"{number if count else 'no'} {paths} from {name} to {output}")
    return "marked: " + ", ".join(texts) + (", counted through every step" if named else "")


def _network(
    path: str,
    overrides: list[str],
    chosen: str,
    output: str | None,
    note: Note,
    paths: list[str] | None,
    write: Callable[[float], str],
    edges: Any,
    compact: bool,
) -> None:
    from .training import use_threads

    use_threads(1)
    from ..layout import network_drawing as networks
    from ..networks.formula import FormulaNetwork
    from ..networks.network import ShapeError
    from ..render import graph_facts as facts
    from ..training.config import load
    from ..training.problem import assemble
    from ..training.trace import write_out

    loaded = load(path, overrides)
    problem = assemble(loaded)
    if isinstance(problem.network, FormulaNetwork):
        return _formula(problem, chosen, output, note, paths, write, edges)
    why = networks.why_compact(problem)
    found: Any = None
    if compact or why is not None:
        if why is not None and not compact:
            note(f"note: a box a layer: {why}")
        drawing = networks.layers_drawing(problem, edges)
    else:
        try:
            trace = write_out(problem, row=1)
        except ShapeError as error:
            raise loaded.error(error.key, error.message, error.hint) from None
        found = networks.units_of(problem, trace)
        drawing = networks.units_drawing(found, trace, write, edges)
    if paths is not None:
        places = networks.places(drawing, found)
        for name in paths:
            if name not in places:
                close = nearest(name[:80], list(places))
                boxes = ", ".join(card.name for card in list(drawing.cards)[:20])
                raise UsageError(
                    f"--path {','.join(paths)}: there is no such box",
                    hint=(f"did you mean {close}? " if close else "") + f"boxes: {boxes}",
                )
        drawing, counts = networks.marked(drawing, [places[name] for name in paths])
        numbers = {name: n for name, n in zip(paths, counts, strict=True) if "." in name}
        if numbers:
            drawing = drawing._replace(legend=(*drawing.legend, _said(numbers, "E", named=False)))
    if chosen == "json":
        from ..render.writers.json import lines

        _write(
            lines(facts.layers_facts(drawing) if found is None else facts.units_facts(found, trace, drawing)),
            output,
        )
        return None
    return _draw(drawing, chosen, output, note)


def _formula(
    problem: Any,
    chosen: str,
    output: str | None,
    note: Note,
    paths: list[str] | None,
    write: Callable[[float], str],
    edges: Any,
) -> None:
    """Draw a fitted formula at its first parameters and the first row."""
    from ..engine.point import Point
    from ..explanation.edges import GraphView
    from ..layout.drawing import graph_drawing

    network = problem.network
    values = {p.name: float(p.first) for p in network.parameters}
    values |= {name: float(array[0]) for name, array in problem.train.inputs.items()}
    graph = network.graph()
    point = Point.at(graph, {n: x for n, x in values.items() if n in graph.inputs})
    view = GraphView(graph, point, paths=paths)
    title = f"{network.target} ~ {network.expression} = {write(view.values[graph.output] or 0.0)}"
    drawing = graph_drawing(view, title, write, edges)
    drawing = drawing._replace(legend=(*drawing.legend, "the first row, with the parameters' first values"))
    if chosen == "json":
        from ..render.graph_facts import graph_facts
        from ..render.writers.json import lines

        _write(lines(graph_facts(view, {name: view.count_paths(name) for name in paths or ()})), output)
    else:
        _draw(drawing, chosen, output, note)


def _draw(drawing: Drawing, chosen: str, output: str | None, note: Note) -> None:
    """Write a drawing in one of the formats."""
    if chosen == "text":
        _text(drawing, output, note)
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
            note(f"note: {count:,} edges: Mermaid draws {MOST_EDGES} unless its maxEdges is raised")
    elif chosen == "tikz":
        from ..render.tikz import tikz

        _write(tikz(drawing), output)
    else:
        from ..layout.graph_picture import graph_picture
        from ..render.pictures import picture_bytes
        from .common import destination

        name = output if output is not None and chosen != "svg" else "graph.svg"
        data = picture_bytes(graph_picture(drawing), name)
        with destination(output) as stream:
            stream.write(data)


def _text(drawing: Drawing, output: str | None, note: Note) -> None:
    from ..render.graph_text import graph_text
    from ..render.terminal import console_for, is_unicode

    console = console_for(output is not None)
    color = console.color_system is not None and not console.no_color
    drawn = graph_text(drawing, min(console.width, WIDEST), unicode=is_unicode(console), color=color)
    _write([drawn.text], output)
    if drawn.form == "list" and not drawn.widths:
        note("note: the graph is too entangled for lines, so it is a list; --path NAME draws a part of it")
    elif drawn.form != "across":
        form = {"down": "from top to bottom", "list": "as a list"}[drawn.form]
        least = min(drawn.widths)
        where = f"the terminal has {console.width}" if console.width < WIDEST else f"{WIDEST} are the limit"
        note(f"note: drawn {form}: other forms take {least} columns or more, {where}; -o graph.svg has room")


def _write(pieces: Iterable[str], output: str | None) -> None:
    """Write a text piece by piece, in blocks."""
    from .common import destination, encoding_of

    encoding = encoding_of(output)
    with destination(output) as stream:
        block: list[str] = []
        for piece in pieces:
            block.append(piece)
            if len(block) >= 4096:
                stream.write("".join(block).encode(encoding, "backslashreplace"))
                block.clear()
        stream.write("".join(block).encode(encoding, "backslashreplace"))
