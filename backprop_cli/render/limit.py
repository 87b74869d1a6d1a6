"""The limit definition at work: tables, and what they say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..differentiation.convergence import Fit, Limit, Limits
from ..engine.beside import told
from ..language.format import STEP_NAMES, headline, node_text
from ..language.numbers import brief, column, exact_text, scientific
from .document import Document, Entries, Facts, Records
from .page import Block, Column, Drawing, Grid, Heading, Lines

SCHEMA = 1
ERROR_DIGITS = 4
HEIGHT = 16  # of a chart, in lines
TITLES = {"forward": "forward", "central": "central", "complex": "complex step"}


def document(limits: Limits, *, digits: int = 8, charts: Sequence[str] = ()) -> Document:
    """Return limits to be written.

    Args:
        limits: What to write.
        digits: Significant digits of quotients.
        charts: A terminal's chart an input.
    """
    return Document(
        page=lambda: _page(limits, digits, charts),
        facts=lambda: _facts(limits),
        records=lambda: _records(limits),
    )


def _page(limits: Limits, digits: int, charts: Sequence[str]) -> Iterator[Block]:
    for i, limit in enumerate(limits.limits):
        yield Heading(heading(limits, limit))
        yield table(limits, limit, digits)
        if charts:
            yield Drawing(charts[i])
        yield Lines(sentences(limits, limit))


def letters(limits: Limits) -> tuple[str, str]:
    """Return what the function and the step are called: no name that the program has."""
    return limits.graph.function, limits.graph.free(STEP_NAMES)


def heading(limits: Limits, limit: Limit) -> str:
    """Return ``sin(x) = 0.841471 at x = 1``, and what is measured."""
    graph, (_, h) = limits.graph, letters(limits)
    if limits.along:
        return f"{headline(graph, limits.value)}, along {limits.along}; {limit.name} moves by {h}"
    inputs = limits.inputs if "[" not in limit.name else {limit.name: limit.x, **limits.inputs}
    step = "" if limit.name in limits.inputs else f" = {brief(limit.x, 6)}"
    moved = f"; {limit.name}{step} moves by {h}" if step or len(limits.inputs) > 1 else ""
    return f"{headline(graph, limits.value, inputs)}{moved}"


def table(limits: Limits, limit: Limit, digits: int) -> Grid:
    """Return the quotients by falling h."""
    f, h = letters(limits)
    name = limit.name if len(limit.name) <= 8 else "x"
    up, down = f"{f}({name}+{h})", f"{f}({name}-{h})"

    rows = limit.rows

    def quotients(*schemes: str) -> list[list[str]]:
        columns = []
        for scheme in schemes:
            numbers = [getattr(r, scheme) for r in rows]
            columns += [column(numbers, digits), [scientific(limit.error(q), ERROR_DIGITS) for q in numbers]]
        return columns

    columns = [[_h(r.h) for r in rows]]
    above, below = column([r.above for r in rows], digits), column([r.below for r in rows], digits)
    if limit.kind == "derivative":
        header = [h, up, "forward", "forward error", "central", "central error"]
        columns += [above, *quotients("forward", "central")]
        if any(r.complex is not None for r in rows):  # a kink has no complex form
            header += ["complex step", "complex error"]
            columns += quotients("complex")
        drop: tuple[tuple[int, ...], ...] = ((6,), (1,), (4,))
    elif limit.outside:
        side = "backward" if limit.outside > 0 else "forward"
        header = [h, down if limit.outside > 0 else up, side, f"{side} error"]
        columns += [below if limit.outside > 0 else above, *quotients(side)]
        if limit.kind != "edge":
            header, columns = header[:3], columns[:3]
        drop = ()
    else:
        header = [h, down, up, "from below", "from above", "central"]
        columns += [below, above]
        columns += [column([getattr(r, s) for r in rows], digits) for s in ("backward", "forward", "central")]
        drop = ((5,),)
    drop = tuple(group for group in drop if group[0] < len(header))
    titles = [Column(t, "number", "quiet" if t.endswith("error") else "") for t in header]
    return Grid(titles, list(zip(*columns, strict=True)), drop=drop)


def _h(h: float) -> str:
    text = scientific(h, 6)
    mantissa, _, exponent = text.partition("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{exponent}" if "." in mantissa else text


def sentences(limits: Limits, limit: Limit) -> list[str]:
    """Return what the quotients say, a line each."""
    return [*verdict(limits, limit), *_fits(limits, limit)]


def verdict(limits: Limits, limit: Limit) -> list[str]:
    """Return what the quotients tend to, and why it is no derivative where it is none."""
    graph, (f, h) = limits.graph, letters(limits)
    node = graph.nodes[limit.at] if limit.at is not None else None
    lines = []
    if limit.kind == "derivative":
        who = "reverse mode" if limits.reference == "reverse" else "symbolic"
        who = "the quotients in many digits" if limit.beside else who
        tends = "" if limit.source == "cancellation" or limit.beside else "; the quotients tend to it"
        assert limit.slope is not None
        number = exact_text(limit.slope)
        lines.append(f"derivative {number} ({who}){tends}; error is quotient - derivative")
        if limit.beside is not None:
            lines.append(told(graph, limit.beside))
        elif node is not None:
            lines.append(f"both sides of the kink of {node_text(graph, node.id)} have this slope")
    elif limit.kind == "edge":
        side, way = ("below", "above") if limit.outside < 0 else ("above", "below")
        tends = "nothing that shows" if limit.slope is None else brief(limit.slope, 8)
        lines.append(
            f"{f} has no value {side} {limit.name} = {brief(limit.x, 6)}, the edge of its domain: from {way} "
            f"the quotients tend to {tends}, the one-sided derivative"
        )
    elif limit.kind == "disagree":
        lines.append(
            f"the quotients tend to {brief(limit.left, 8)}, but the rules say {brief(limit.slope, 8)}: "
            + limit.why
        )
    elif limit.kind == "unsettled":
        lines.append(f"the quotients settle on no number as {h} shrinks: no derivative is to be seen")
    elif limit.kind == "overflow":
        lines.append("the quotients tend to a derivative that overflows: a float64 ends at 1.8e308")
    else:
        lines.append(f"{_sides(limit, f)}: no derivative")
        if limit.kind == "jump":
            stays = f"the gap stays while {h} shrinks, so gap/{h} grows like 1/{h}"
            grows = limit.growth is not None and limit.growth < -1.01
            lines.append(f"{f} jumps: " + (f"the gap itself grows while {h} shrinks" if grows else stays))
        elif limit.kind == "vertical" and limit.growth is not None:
            lines.append(f"the quotient grows like {h}^{brief(limit.growth, 2)}: the tangent is vertical")
    if limit.kind in ("kink", "jump") and node is not None and node.op is not None and node.op.convention:
        lines.append(
            f"gradients use a convention at {node_text(graph, node.id)}: {node.op.convention}"
            + (f"; grad shows {brief(limit.slope, 6)} here" if limit.slope is not None else "")
        )
    return lines


def _sides(limit: Limit, f: str) -> str:
    """Return ``left -1, right 1``."""
    texts = []
    for way, side, slope, sign in (
        (-1, "left", limit.left, limit.infinite[0]),
        (1, "right", limit.right, limit.infinite[1]),
    ):
        if limit.outside == way:
            texts.append(f"{side} no value of {f}")
        elif sign:
            texts.append(f"{side} {'+' if sign > 0 else '-'}infinity")
        else:
            texts.append(f"{side} {'none' if slope is None else brief(slope, 8)}")
    return ", ".join(texts)


def _fits(limits: Limits, limit: Limit) -> list[str]:
    lines: list[str] = []
    f, h = letters(limits)
    for scheme, fit in limit.fits.items():
        if fit.best is None:  # no quotients, as of the complex step at a kink
            continue
        parts = [_order(scheme, fit, limit, f, h)]
        parts.append(f"best {h} = {_h(fit.best)}, error {scientific(fit.error, 3)}")
        lines.append(f"{TITLES.get(scheme, scheme)}: {'; '.join(p for p in parts if p)}")
        why = _why(scheme, fit, limit, f, h)
        if why:
            lines.append(f"  {why}")
    merged = [r.h for r in limit.rows if r.merged]
    if merged:
        x = limit.name
        lines.append(f"from {h} = {_h(merged[0])} on, {x} + {h} rounds to {x} itself: the quotient is 0/{h}")
    if limit.source == "cancellation" and limit.fits:
        moves = brief(limit.rounding, 3)
        lines.append(f"{f} cancels inside: rounding may move it by {moves}, and a quotient by {moves}/{h}")
        if limits.reference == "reverse":
            lines.append("the reference suffers from that, too; --exact gives one that does not")
    return lines


def _order(scheme: str, fit: Fit, limit: Limit, f: str, h: str) -> str:
    if fit.order is not None:
        return f"order {fit.order:.2f} from {h} = {_h(fit.first or 0.0)} to {_h(fit.last or 0.0)}"
    straight = limit.second == 0.0 and limit.third == 0.0
    if scheme == "forward" and straight:
        return f"exact but for rounding, as {f}'' = 0: no order"
    if scheme != "forward" and limit.third == 0.0:
        return f"exact but for rounding, as {f}''' = 0: no order"
    return f"no order: truncation rules too few of these {h}"


def _why(scheme: str, fit: Fit, limit: Limit, f: str, h: str) -> str:
    """Return the truncation error, the rounding error, and where they meet."""
    if fit.factor is None:
        return ""
    sign = "-" if scheme == "complex" else ""
    symbol = f"{f}''/2" if fit.power == 1 else f"{sign}{f}'''/6"
    power = h if fit.power == 1 else f"{h}^2"
    truncation = f"truncation is about {symbol}*{power} = {brief(fit.factor, 3)}*{power}"
    if scheme == "complex":
        return f"{truncation}; nothing is subtracted, so rounding never takes over"
    if fit.meet is None:
        return f"{truncation}; {f}({limit.name}) = 0 leaves rounding no hold: it never takes over"
    return (
        f"{truncation}, rounding about {limit.source}/{h} = {brief(limit.rounding, 3)}/{h}: "
        f"below {h} = {brief(fit.meet, 2)}, where they are equal, rounding takes over"
    )


def charts(limits: Limits, *, to_file: bool = False) -> list[str]:
    """Return a terminal's chart an input."""
    from ..layout.chart import Chart
    from ..layout.limit import panel
    from .canvas import terminal_chart
    from .terminal import screen_for

    screen = screen_for(to_file)
    width = min(screen.width, 80)
    return [
        terminal_chart(
            Chart("", "", [panel(limit)]), width, HEIGHT, unicode=screen.unicode, color=screen.color
        )
        for limit in limits.limits
    ]


# for programs


def limit_dict(limits: Limits, limit: Limit) -> dict[str, Any]:
    """Return one input as the JSON schema has it."""
    signs = {0: None, 1: "+infinity", -1: "-infinity"}
    return {
        "input": limit.name,
        "x": limit.x,
        "verdict": limit.kind,
        "slope": limit.slope,
        "left": limit.left,
        "right": limit.right,
        "endless": {"left": signs[limit.infinite[0]], "right": signs[limit.infinite[1]]},
        "says": "; ".join(verdict(limits, limit)),
        "second": limit.second,
        "third": limit.third,
        "rounding": limit.rounding,
        "rounding_of": limit.source,
        "schemes": {
            scheme: {
                "order": fit.order,
                "from": fit.first,
                "to": fit.last,
                "best_h": fit.best,
                "best_error": fit.error,
                "truncation": fit.factor,
                "power": fit.power,
                "equal_h": fit.meet,
            }
            for scheme, fit in limit.fits.items()
        },
    }


def _cells(limit: Limit) -> list[dict[str, float | None]]:
    return [
        {
            "h": r.h,
            "f_above": r.above,
            "f_below": r.below,
            "forward": r.forward,
            "forward_error": limit.error(r.forward),
            "backward": r.backward,
            "backward_error": limit.error(r.backward),
            "central": r.central,
            "central_error": limit.error(r.central),
            "complex": r.complex,
            "complex_error": limit.error(r.complex),
        }
        for r in limit.rows
    ]


def _facts(limits: Limits) -> Facts:
    graph = limits.graph
    return Facts(
        {
            "schema": SCHEMA,
            "expression": graph.source.text,
            "output": graph.own_name(graph.output),
            "value": limits.value,
            "inputs": limits.inputs,
            "reference": limits.reference,
            **({"along": limits.along} if limits.along else {}),
            "limits": Entries(
                {**limit_dict(limits, limit), "rows": Entries(_cells(limit))} for limit in limits.limits
            ),
        }
    )


def _records(limits: Limits) -> Records:
    """Return one row a step size, for every input."""
    rows = [(limit.name, cells) for limit in limits.limits for cells in _cells(limit)]
    header = ["input", *rows[0][1]]
    return Records(header, ([name, *cells.values()] for name, cells in rows))
