"""`backprop graph`: the numbers on it, where things stand in its drawings, the formats it is written in."""

from __future__ import annotations

import random
import re
import xml.etree.ElementTree as ET
from itertools import combinations, pairwise
from math import dist, isclose, isnan
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backprop_cli import draw
from backprop_cli.engine.point import Point, point_of
from backprop_cli.engine.run import evaluate
from backprop_cli.errors import Source, UsageError
from backprop_cli.explanation.edges import MOST_PATHS, GraphView
from backprop_cli.explanation.local import local_texts
from backprop_cli.graph import Graph
from backprop_cli.language.lower import lower
from backprop_cli.language.numbers import rounded
from backprop_cli.language.parser import parse
from backprop_cli.layout import DIRECTIONS, Edges
from backprop_cli.layout.drawing import Drawing, graph_drawing, with_paths
from backprop_cli.layout.graph_picture import beside, graph_picture, labels
from backprop_cli.layout.graph_places import place
from backprop_cli.layout.layered import Link, Size, Spacing, arrange
from backprop_cli.layout.picture import Label, Picture, text_width
from backprop_cli.layout.picture import Path as PicturePath
from backprop_cli.ops import PRIMITIVES
from backprop_cli.render.graph_text import BELOW, LEFT, LINES, RIGHT, UP, graph_text
from backprop_cli.render.palette import painted

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = sorted((ROOT / "sample_inputs").glob("*.bp"))
NETWORKS = ("hand", "mazur", "xor")  # 3-1-2, 2-2-2, 2-8-2
LOSS = str(ROOT / "sample_inputs" / "loss.bp")
MAZUR = str(ROOT / "sample_inputs" / "mazur.yaml")
CONVOLUTION = str(ROOT / "sample_inputs" / "digits_conv.yaml")
DECAY = str(ROOT / "sample_inputs" / "decay.yaml")


def graph_of(text: str) -> Graph:
    return lower(parse(Source(text)), set())


def view_of(text: str, **more) -> GraphView:
    graph = graph_of(text)
    return GraphView(graph, point_of(graph, {}), **more)


def drawing_of(text: str, edges: Edges = "both", **more) -> Drawing:
    view = view_of(text, **more)
    return graph_drawing(view, "a title", lambda x: rounded(x, 6), edges).settled()


def problem_of(name: str):
    from backprop_cli.training.config import load
    from backprop_cli.training.problem import assemble

    return assemble(load(str(ROOT / "sample_inputs" / f"{name}.yaml")))


def network_drawing(name: str, edges: Edges = "both") -> Drawing:
    from backprop_cli.layout.network_drawing import units_drawing, units_of
    from backprop_cli.training.step import whole_step

    return units_drawing(units_of(whole_step(problem_of(name))), lambda x: rounded(x, 6), edges)


def random_program(seed: int, steps: int) -> str:
    draw = random.Random(seed)
    lines = ["x0 = 0.5", "x1 = 2"]
    for k in range(2, steps):
        a, b = (f"x{draw.randrange(k)}" for _ in range(2))
        lines.append(draw.choice([f"x{k} = {a}*{b}", f"x{k} = {a} - {b}", f"x{k} = tanh({a})"]))
    return "\n".join([*lines, "o = " + " + ".join(f"x{k}" for k in range(max(0, steps - 4), steps))])


def all_drawings() -> dict[str, Drawing]:
    found = {path.stem: drawing_of(path.read_text("utf-8")) for path in SAMPLES}
    found |= {name: network_drawing(name) for name in NETWORKS}
    found |= {
        f"{name} {edges}": network_drawing(name, edges) for name in NETWORKS for edges in ("none", "value")
    }
    micrograd = (ROOT / "sample_inputs" / "micrograd.bp").read_text("utf-8")
    found["micrograd bare"] = drawing_of(micrograd, "none")
    found["micrograd all"] = drawing_of(micrograd, constants=True)
    found["micrograd named"] = drawing_of(micrograd, named=True)
    found["micrograd paths"] = drawing_of(micrograd, paths=[["b"]])
    found |= {f"random {seed}": drawing_of(random_program(seed, 14)) for seed in range(6)}
    found["pulled"] = drawing_of(random_program(7, 45))
    return found


@pytest.fixture(scope="module")
def drawings() -> dict[str, Drawing]:
    return all_drawings()


DRAWINGS = [
    *(path.stem for path in SAMPLES),
    *NETWORKS,
    *(f"{name} {edges}" for name in NETWORKS for edges in ("none", "value")),
    *("micrograd bare", "micrograd all", "micrograd named", "micrograd paths"),
    *(f"random {seed}" for seed in range(6)),
    "pulled",
]


# --- local derivatives -------------------------------------------------------------------------

LOCAL = {
    "a*b": ("b", "a"),
    "a + b": ("1", "1"),
    "a - b": ("1", "-1"),
    "y = a/b": ("1/b", "-a/b^2"),
    "a^2": ("2*a", ""),
    "a^3": ("3*a^2", ""),
    "a^1": ("1", ""),
    "a^-1": ("-a^(-2)", ""),
    "a^0.5": ("0.5*a^(-0.5)", ""),
    "a^2.3": ("2.3*a^1.3", ""),
    "a^b": ("b*a^(b - 1)", "a^b*log(a)"),
    "3*a": ("", "3"),
    "2/a": ("", "-2/a^2"),
    "-a": ("-1",),
    "o = tanh(n)": ("1 - o^2",),
    "s = sigmoid(x)": ("s*(1 - s)",),
    "relu(x)": ("where(x > 0, 1, 0)",),
    "polygamma(2, x)": ("", "polygamma(3, x)"),
}


@pytest.mark.parametrize("text", LOCAL)
def test_local_derivatives_are_written_as_a_teacher_does(text):
    graph = graph_of(text)
    assert LOCAL[text] == local_texts(graph, graph.output)


@pytest.mark.parametrize(
    "op", [p for p in PRIMITIVES.values() if p.callable or p.infix], ids=lambda op: op.name
)
def test_what_is_written_is_what_is_computed(op):
    """The text of every row, read as a program of its own, gives the number of the rule."""
    if op.truth or op.name in ("where", "power_n"):
        pytest.skip("written over a condition, or over a constant")
    names = [f"a{k}" for k in range(len(op.params))]
    points = [low + (high - low) * (0.55 + 0.01 * k) for k, (low, high) in enumerate(op.sample)]
    points = [p % 3 + 0.25 if abs(p) > 3 else p for p in points]
    if op.literal is not None:
        points[op.literal] = 2.0
    call = f"{op.name}({', '.join(names)})"
    if op.infix is not None:
        call = f" {op.infix} ".join(names) if len(names) > 1 else op.infix + names[0]
    if op.literal is not None:
        call = call.replace(names[op.literal], "2")
        names.pop(op.literal), points.pop(op.literal)
    graph = graph_of(f"y0 = {call}")
    point = Point.at(graph, dict(zip(names, points, strict=True)))
    numbers = point.local(graph.output)
    bound = {graph.name(k): point.values[k] for k in graph.named.values()}
    for written, number in zip(local_texts(graph, graph.output), numbers, strict=True):
        if not written:
            continue
        again = graph_of(written)
        (*_, found), _ = evaluate(again, {n: bound[n] for n in again.inputs})
        assert isclose(found, number, rel_tol=1e-9, abs_tol=1e-300), written


def test_ties_share():
    graph = graph_of("a = 2; b = 2; c = 1; m = max(a, b, c)")
    assert Point.at(graph, {}).local(graph.output) == (0.5, 0.5, 0.0)
    texts = local_texts(graph, graph.output)
    again = [graph_of(f"a = 2; b = 2; c = 1; m = 2; {text}") for text in texts]
    assert [evaluate(g, g.defaults)[0][g.output] for g in again] == [0.5, 0.5, 0.0]


def test_a_constant_operand_has_none():
    graph = graph_of("a = 3; a^2")
    first, second = Point.at(graph, {}).local(graph.output)
    assert first == 6.0
    assert isnan(second)


# --- edges -------------------------------------------------------------------------------------


def edges_of(text: str, **more) -> list[tuple[str, str, str, float | None]]:
    view = view_of(text, **more)
    name = view.graph.own_name
    return [(name(e.source), name(e.target), e.symbol, e.value) for e in view.edges()]


def test_the_edges_of_the_worked_example():
    assert edges_of(Path(LOSS).read_text("utf-8")) == [
        ("a", "d", "b", -2.0),
        ("b", "d", "a", 3.0),
        ("d", "e", "1", 1.0),
        ("c", "e", "1", 1.0),
        ("e", "L", "f", -2.0),
        ("f", "L", "e", 2.0),
    ]


def test_a_node_that_is_read_twice_has_one_edge_with_two_terms():
    assert edges_of("a = 3; c = a + a") == [("a", "c", "1 + 1", 2.0)]
    assert edges_of("a = 3; c = a - a") == [("a", "c", "1 + (-1)", 0.0)]
    assert edges_of("a = 3; c = a*a") == [("a", "c", "a + a", 6.0)]


def test_named_steps_take_in_what_leads_to_them():
    # c2 = c1 + 1 + c1 - a of micrograd: by c1 2, by a -1; L = (a*b)^2 at (2, 3): dL/da = 2ab*b = 36
    text = "a = 2; b = 3; L = (a*b)^2"
    assert edges_of(text, named=True) == [("a", "L", "2*a*b^2", 36.0), ("b", "L", "2*a^2*b", 24.0)]
    view = view_of(text, named=True)
    assert view.operation(view.graph.output) == "(a*b)^2"


def test_without_values_there_are_symbols():
    assert edges_of("x^2 + sin(x)") == [
        ("x", "v2", "2*x", None),
        ("x", "v3", "cos(x)", None),
        ("v2", "f", "1", None),
        ("v3", "f", "1", None),
    ]


def test_a_branch_that_is_not_taken_shows_no_numbers():
    view = view_of("x = -1; y = where(x > 0, log(x), x^2)")
    taken = {(view.graph.own_name(e.source), view.graph.own_name(e.target)): e for e in view.edges()}
    log = next(name for name, e in taken.items() if e.symbol == "1/x")
    assert not taken[log].taken
    assert taken[log].value is None
    assert not taken[log[1], "y"].taken
    assert [e.taken for e in taken.values()].count(False) == 2


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_gradients_are_the_sums_along_the_edges(run, path):
    """The chain rule over what is printed: d out/d node = sum of d out/d user * local derivative."""
    shown = run("graph", "--file", str(path), "--format", "json").answered().json
    slopes = {node["id"]: node["gradient"] for node in shown["nodes"]}
    sums = dict.fromkeys(slopes, 0.0)
    for edge in shown["edges"]:
        sums[edge["source"]] += edge["value"] * slopes[edge["target"]]
    output = next(node["id"] for node in shown["nodes"] if node["name"] == shown["output"])
    assert slopes[output] == 1.0
    for id, slope in slopes.items():
        if id != output:
            assert isclose(sums[id], slope, rel_tol=1e-12, abs_tol=1e-300)


# --- paths -------------------------------------------------------------------------------------


def test_paths_are_counted_and_marked():
    text = (ROOT / "sample_inputs" / "two_paths.bp").read_text("utf-8")
    view = view_of(text, paths=[["b"]])
    assert (view.count_paths("a"), view.count_paths("b")) == (2, 1)
    marked = {view.graph.own_name(id) for id in view.shown if view.marked and view.marked[id]}
    assert marked == {"b", "d"}
    assert [(e.source, e.target) for e in view.edges() if e.marked] == [
        (view.graph.named["b"], view.graph.named["d"])
    ]


def test_very_many_paths_are_only_bounded():
    doubled = "x0 = 1\n" + "\n".join(f"x{k} = x{k - 1} + x{k - 1}" for k in range(1, 200))
    assert view_of(doubled).count_paths("x0") == MOST_PATHS


def test_a_path_from_what_is_not_there():
    with pytest.raises(UsageError, match="--path z: there is no input or step z"):
        view_of("a*b", paths=[["z"]])


# --- geometry ----------------------------------------------------------------------------------

Rect = tuple[float, float, float, float]


def samples(curve, count=24):
    """Yield points of cubic Bezier pieces."""
    for i in range(0, len(curve) - 1, 3):
        p0, p1, p2, p3 = curve[i : i + 4]
        for k in range(count + 1):
            t = k / count
            u = 1.0 - t
            a, b, c, d = u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t
            yield tuple(a * p0[j] + b * p1[j] + c * p2[j] + d * p3[j] for j in (0, 1))


def inside(point, rect: Rect, slack: float = 0.0) -> bool:
    (x, y), (x0, y0, x1, y1) = point, rect
    return x0 + slack < x < x1 - slack and y0 + slack < y < y1 - slack


def overlap(a: Rect, b: Rect) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def left_of(label: Label) -> float:
    wide = text_width(label.text, label.size, bold=label.bold)
    return label.x - {"start": 0.0, "middle": wide / 2.0, "end": wide}[label.anchor]


def label_rects(drawing: Drawing, placed) -> list[tuple[int, Rect]]:
    rects = []
    for k, (arrow, at) in enumerate(zip(drawing.arrows, placed.labels, strict=True)):
        for label in labels(arrow, at, down=placed.down) if at is not None else ():
            left, wide = left_of(label), text_width(label.text, label.size)
            rects.append((k, (left, label.y - 0.75 * label.size, left + wide, label.y + 2.0)))
    return rects


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("name", DRAWINGS)
def test_nothing_lies_on_anything(drawings, name, direction):
    drawing = drawings[name]._replace(direction=direction)
    placed = place(drawing)
    boxes: list[Rect] = [(b.x, b.y, b.x + b.width, b.y + b.height) for b in placed.boxes]
    for a, b in combinations(boxes, 2):
        assert not overlap(a, b)
    flat = label_rects(drawing, placed)
    for (_, a), (_, b) in combinations(flat, 2):
        assert not overlap(a, b)
    for _, label in flat:
        assert not any(overlap(label, box) for box in boxes)
        assert label[0] >= 0
        assert label[2] <= placed.width
    for k, curve in enumerate(placed.curves):
        for point in samples(curve):
            assert not any(inside(point, box, 0.01) for box in boxes), drawing.arrows[k]
            for owner, label in flat:
                assert not inside(point, label), (drawing.arrows[k], drawing.arrows[owner])


@pytest.mark.parametrize("name", DRAWINGS)
def test_arrows_lead_from_left_to_right_between_their_boxes(drawings, name):
    drawing = drawings[name]._replace(direction="LR")
    placed = place(drawing)
    box = {card.id: b for card, b in zip(drawing.cards, placed.boxes, strict=True)}
    for arrow, curve in zip(drawing.arrows, placed.curves, strict=True):
        source, target = box[arrow.source], box[arrow.target]
        assert isclose(curve[0][0], source.x + source.width)
        assert source.y < curve[0][1] < source.y + source.height
        assert isclose(curve[-1][0], target.x)
        assert target.y < curve[-1][1] < target.y + target.height
        xs = [x for x, _ in curve]
        assert xs == sorted(xs)
    inputs = [box[c.id].x for c in drawing.cards if c.kind == "input"]
    (output,) = [box[c.id].x for c in drawing.cards if c.kind == "output"]
    assert all(x < output for x in inputs)
    assert output == max(b.x for b in placed.boxes)


@pytest.mark.parametrize("direction", ["TB", "auto"])
@pytest.mark.parametrize("name", DRAWINGS)
def test_arrows_begin_and_end_at_their_boxes(drawings, name, direction):
    drawing = drawings[name]._replace(direction=direction)
    placed = place(drawing)
    box = {card.id: b for card, b in zip(drawing.cards, placed.boxes, strict=True)}
    for arrow, curve in zip(drawing.arrows, placed.curves, strict=True):
        source, target = box[arrow.source], box[arrow.target]
        (x, y), (u, v) = curve[0], curve[-1]
        if placed.down:
            assert isclose(y, source.y + source.height)
            assert isclose(v, target.y)
            assert source.x < x < source.x + source.width
            assert target.x < u < target.x + target.width
        else:
            assert isclose(x, source.x + source.width)
            assert isclose(u, target.x)
            assert source.y < y < source.y + source.height
            assert target.y < v < target.y + target.height


def chain(length: int) -> str:
    return "x = 1\n" + "sin(" * length + "x" + ")" * length


WIDE = {
    "26 boxes": (ROOT / "sample_inputs" / "micrograd.bp").read_text("utf-8"),
    "a chain of 50": chain(50),
    "a chain of 290": chain(290),
    **{f"{n} entangled": random_program(n, n - 3) for n in (50, 100, 290)},
}


@pytest.mark.parametrize("edges", ["both", "value", "none"])
@pytest.mark.parametrize("name", WIDE)
def test_long_graphs_are_folded(name, edges):
    drawing = drawing_of(WIDE[name], edges)
    placed = place(drawing)
    assert placed.fits
    assert placed.scale <= place(drawing._replace(direction="LR")).scale


def test_a_direction_is_kept_in_every_format(run):
    words = ["graph", "(a*b + c)*f", "--a", "1", "--b", "2", "--c", "3", "--f", "4", "--direction"]
    assert "rankdir=TB" in run(*words, "TB", "--format", "dot").answered().out
    assert "rankdir=LR" in run(*words, "auto", "--format", "dot").answered().out
    assert run(*words, "TB", "--format", "mermaid").answered().out.startswith("flowchart TB\n")
    drawn = run(*words, "TB").answered()
    assert (drawn.err, re.findall(r"^ +v +v$", drawn.out, re.MULTILINE) != []) == ("", True)  # heads
    sizes = {
        way: [
            int(x)
            for x in re.findall(r'(?:width|height)="(\d+)"', run(*words, way, "--format", "svg").out)[:2]
        ]
        for way in DIRECTIONS
    }
    assert sizes["TB"][1] > sizes["TB"][0] / 1.2
    assert sizes["LR"][0] > sizes["LR"][1] == sizes["auto"][1]
    assert "right, inner sep=0pt" in run(*words, "TB", "--format", "tikz").answered().out


@pytest.mark.parametrize("name", DRAWINGS)
def test_texts_fit_their_boxes_and_the_picture(drawings, name):
    picture: Picture = graph_picture(drawings[name])
    for label in [shape for shape in picture.shapes if isinstance(shape, Label)]:
        assert left_of(label) >= 0
        assert left_of(label) + text_width(label.text, label.size, bold=label.bold) <= picture.width
        assert 0 < label.y < picture.height


def test_the_two_paths_cross_nothing():
    placed = place(drawing_of((ROOT / "sample_inputs" / "two_paths.bp").read_text("utf-8")))
    assert len(placed.boxes) == 4
    a, b, c, d = placed.boxes
    assert a.x < b.x == c.x < d.x
    assert b.y + b.height < c.y


def test_crossings_are_taken_out():
    # written crosswise: 0-3, 1-2; one exchange makes them parallel
    size = Size(10.0, 5.0, 5.0)
    links = [Link(0, 3), Link(1, 2)]
    made = arrange([size] * 4, links, Spacing(4.0, 2.0, 2.0, 1.0))
    upper, lower = made.columns[1]
    assert (upper, lower) == (3, 2)
    assert made.items[0].at == made.items[3].at


def test_networks_keep_the_order_of_their_units(drawings):
    drawing = drawings["mazur"]._replace(direction="LR")
    at = {card.name: box for card, box in zip(drawing.cards, place(drawing).boxes, strict=True)}
    pairs = (("x[0]", "x[1]"), ("linear1[0]", "linear1[1]"), ("linear2[0]", "linear2[1]"))
    for above, below in pairs:
        assert at[above].x == at[below].x
        assert at[above].y + at[above].height < at[below].y
    down = place(drawings["mazur"])
    at = {card.name: box for card, box in zip(drawing.cards, down.boxes, strict=True)}
    for left, right in pairs:
        assert at[left].y == at[right].y
        assert at[left].x + at[left].width < at[right].x


# --- characters --------------------------------------------------------------------------------


def follow(text: str) -> set[tuple[str, str]]:
    """Follow the lines of a drawing and return which box leads to which, by their headings."""
    rows = text.splitlines()
    cell = {(x, y): c for y, row in enumerate(rows) for x, c in enumerate(row)}
    boxes = {}
    for (x, y), c in cell.items():
        if c in "┌┏":
            right = next((i for i in range(x + 1, len(rows[y])) if rows[y][i] not in "─━"), x)
            bottom = next(j for j in range(y + 1, len(rows) + 1) if cell.get((x, j)) not in ("│", "┃"))
            if (cell.get((right, y)), cell.get((x, bottom))) not in (("┐", "└"), ("┓", "┗")):
                continue  # the corner of a marked way
            heading = next(h for j in range(y + 1, bottom) if (h := rows[j][x + 1 : right].strip()))
            boxes[x, y, right, bottom] = heading.partition(" = ")[0]

    def box_at(x: int, y: int) -> str | None:
        return next((n for (a, b, c, d), n in boxes.items() if a <= x <= c and b <= y <= d), None)

    moves = {UP: (0, -1), RIGHT: (1, 0), BELOW: (0, 1), LEFT: (-1, 0)}
    opposite = {UP: BELOW, BELOW: UP, LEFT: RIGHT, RIGHT: LEFT}

    def sides(c: str) -> set[int]:
        code = LINES.index(c) if c in LINES and c != " " else 0
        return {side for side in moves if code // side % 3}

    found = set()
    for (x0, y0, x1, y1), name in boxes.items():
        edge = [(x1, y, RIGHT) for y in range(y0 + 1, y1)] + [(x, y1, BELOW) for x in range(x0 + 1, x1)]
        for x, y, direction in edge:
            dx, dy = moves[direction]
            if opposite[direction] not in sides(cell.get((x + dx, y + dy), " ")) or box_at(x + dx, y + dy):
                continue
            todo, seen = [(x + dx, y + dy, direction)], set()
            while todo:
                x, y, way = state = todo.pop()
                if state in seen:
                    continue
                seen.add(state)
                c = cell.get((x, y), " ")
                here = sides(c)
                if c in "►▼○":
                    target = box_at(x + moves[way][0], y + moves[way][1])
                    assert target is not None
                    found.add((name, target))
                    continue
                level = way in (LEFT, RIGHT)
                if (here == {UP, BELOW} and level) or not here:
                    ways = [way]  # under a line that goes up and down, or through a label
                else:
                    assert opposite[way] in here, (x, y, c)
                    ways = [side for side in here if side != opposite[way]]
                for side in ways:
                    x2, y2 = x + moves[side][0], y + moves[side][1]
                    assert 0 <= x2 < 2000
                    todo.append((x2, y2, side))
    return found


def arrows_of(drawing: Drawing) -> set[tuple[str, str]]:
    names = {card.id: card.name for card in drawing.cards}
    return {(names[a.source], names[a.target]) for a in drawing.arrows}


@pytest.mark.parametrize("form", ["across", "down"])
@pytest.mark.parametrize("name", [n for n in DRAWINGS if n not in ("xor none", "xor value", "micrograd all")])
def test_lines_of_characters_lead_where_the_arrows_do(drawings, name, form):
    drawing = drawings[name]
    drawn = graph_text(drawing, 80, unicode=True, color=False, form=form)
    assert drawn.form == form
    body = drawn.text.split("\n\n", 1)[1].rsplit("\n\n", 1)[0]
    assert follow(body) == arrows_of(drawing)


TWO_PATHS = """\
d = b*c = -56 at a = 2

┌───────────┐               ┌───────────┐
│ a         │               │ b = a^2   │              ┌───────────┐
│ value   2 │─┬─ 2*a = 4 ──►│ value   4 │─── c = -14 ─►│ d = b*c   │
│ dd/da -84 │ ╰─── -7 ───╮  │ dd/db -14 │              │ value -56 │
└───────────┘            │  └───────────┘ ╭── b = 4 ──►│ dd/dd   1 │
                         │  ┌───────────┐ │            └───────────┘
                         │  │ c = -7*a  │ │
                         ╰─►│ value -14 │─╯
                            │ dd/dc   4 │
                            └───────────┘

in a box: the value, and the derivative of d by it
at an arrow: the local derivative, in symbols and as a number
"""


def test_the_drawing_of_two_paths(run):
    path = str(ROOT / "sample_inputs" / "two_paths.bp")
    colored = run("graph", "--file", path, env={"FORCE_COLOR": "1", "COLUMNS": "100"}).answered()
    assert re.sub("\x1b\\[[0-9;]*m", "", colored.out) == TWO_PATHS
    assert painted("2*a = 4", "positive", 16) in colored.out  # positive
    assert painted("c = -14", "negative", 16) in colored.out  # negative
    assert colored.err == ""


def test_a_pipe_gets_ascii_without_colour(run):
    text = run("graph", "--file", str(ROOT / "sample_inputs" / "two_paths.bp"), "--path", "b").answered().out
    assert text.isascii()
    assert "\x1b" not in text
    assert "# value   4 #=== c = -14 =># d = b*c   #" in text
    assert text.endswith("marked: 1 path from b to d\n")


def test_what_is_too_wide_is_drawn_downwards_then_listed():
    drawing = drawing_of(Path(LOSS).read_text("utf-8"))
    wide = graph_text(drawing, 140, unicode=True, color=False)
    assert (wide.form, wide.widths) == ("across", ())
    tight = graph_text(drawing, 80, unicode=True, color=False)
    assert (tight.form, len(tight.widths)) == ("across", 1)
    down = graph_text(drawing, 70, unicode=True, color=False)
    assert (down.form, len(down.widths)) == ("down", 2)
    listed = graph_text(drawing, 40, unicode=True, color=False)
    assert listed.form == "list"
    assert min(listed.widths) > 40
    for drawn, columns in ((wide, 140), (tight, 80), (down, 70), (listed, 62)):
        assert max(map(len, drawn.text.splitlines())) <= columns
    assert "L = e*f" in listed.text
    assert "├─ from e: f = -2" in listed.text
    assert "└─ from f: e = 2" in listed.text
    assert "box" not in listed.text


def test_weights_lose_their_gradients_before_the_drawing_is_given_up(drawings):
    drawn = graph_text(drawings["mazur"], 80, unicode=True, color=False)
    assert drawn.form == "down"
    assert "left out for want of room: dE/dw" in drawn.text
    assert "dE/dw =" not in drawn.text
    body = drawn.text.split("\n\n", 1)[1].rsplit("\n\n", 1)[0]
    assert follow(body) == arrows_of(drawings["mazur"])


def test_the_note_says_what_was_done(run):
    chain = "sin(" * 40 + "x" + ")" * 40
    result = run("graph", chain, "--x", "1").answered()
    assert "note: drawn from top to bottom" in result.err
    assert "-o graph.svg" in result.err
    assert run("graph", chain, "--x", "1", "-q").err == ""


# --- formats -----------------------------------------------------------------------------------

HOSTILE = (
    "lambda_1^2*β₂ + end*graph + min(subgraph, μ, style) + where(a < b, a, sin(end))",
    *("--lambda_1=2", "--β₂=3", "--end=1e-20", "--graph=-4", "--subgraph=3", "--μ=1", "--style=2"),
    *("--a=1", "--b=2", "--path", "end"),
)


def test_dot_quotes_everything(run):
    text = run("graph", *HOSTILE, "--format", "dot").answered().out
    lines = text.splitlines()
    assert lines[0] == "digraph computation {"
    assert lines[-1] == "}"
    string = r'"(?:[^"\\]|\\.)*"'
    attribute = rf"\w+=(?:{string}|[\w.]+)"
    row = re.compile(rf"  n\d+(?: -> n\d+)?(?: \[{attribute}(?:, {attribute})*\])?;")
    for line in lines[4:-1]:
        assert row.fullmatch(line), line
    assert 'n3 [label="β₂\\nvalue = 3\\ndf/dβ₂ = 4"' in text
    assert sum(" -> " in line for line in lines) == 20


def test_dot_escapes_what_ends_a_string():
    from backprop_cli.render.dot import quoted

    assert quoted('a"b\\', "c\x1b") == '"a\\"b\\\\\\nc\\\\x1b"'


def test_mermaid_writes_codes_for_what_means_something(run):
    text = run("graph", *HOSTILE, "--format", "mermaid").answered().out
    lines = text.splitlines()
    assert lines[0] == "flowchart LR"
    node = re.compile(r'  n\d+\["[^"`*_<>&\[\]{}|\\~]*(?:<br>[^"`*_<>&\[\]{}|\\~]*)*"\]:::\w+')
    edge = re.compile(r'  n\d+ -\.?-?>(?:\|"[^"`*_<>&\[\]{}|\\~]*"\|)? n\d+')
    edge = re.compile(r'  n\d+ (?:-->|-\.->)(?:\|"[^"`*_<>&\[\]{}|\\~]*"\|)? n\d+')
    rest = re.compile(r"  (?:accTitle|classDef|class|linkStyle)\b.*")
    for line in lines[1:]:
        assert node.fullmatch(line) or edge.fullmatch(line) or rest.fullmatch(line), line
    assert "lambda#95;1" in text
    assert "a #60; b" in text
    assert "-.->" in text  # the branch that is not taken


def test_mermaid_in_a_markdown_page(run, tmp_path):
    path = tmp_path / "page.md"
    run("graph", "--file", LOSS, "-o", str(path)).answered()
    text = path.read_text("utf-8")
    assert text.startswith("```mermaid\nflowchart LR\n")
    assert text.endswith("```\n")


def test_tikz_is_a_document(run):
    text = run("graph", *HOSTILE, "--format", "tikz").answered().out
    assert text.isascii()
    assert text.startswith("\\documentclass[tikz")
    assert text.count("\\begin{") == text.count("\\end{") == 2
    assert text.count("\\node[") + text.count("\\draw[") == 19 + 20 + 20
    for line in text.splitlines():
        plain = line.replace("\\{", "").replace("\\}", "")
        assert plain.count("{") == plain.count("}"), line
    assert r"$\boldsymbol{\beta_{2}}$" in text
    assert r"\text{graph}" in text


def test_svg_tells_what_is_seen(run, tmp_path):
    path = tmp_path / "g.svg"
    run("graph", *HOSTILE, "-o", str(path)).answered()
    root = ET.parse(path).getroot()
    space = {"s": "http://www.w3.org/2000/svg"}
    assert root.get("role") == "img"
    assert "The computation graph of f: 19 nodes" in root.findtext("s:desc", "", space)
    texts = [t.text for t in root.iterfind(".//s:text", space)]
    assert "v16 = a < b" in texts
    assert "df/dβ₂" in texts
    same = run("graph", *HOSTILE, "--format", "svg").answered().out
    assert same == path.read_text("utf-8")


def test_png(run, tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "g.png"
    run("graph", "--file", LOSS, "-o", str(path)).answered()
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = (int.from_bytes(data[k : k + 4], "big") for k in (16, 20))
    assert width > height > 300


@pytest.mark.parametrize(("edges", "there", "not_there"), [
    ("both", "b = -2", None),
    ("symbol", '"b"', "b = -2"),
    ("value", '"-2"', '"b"]'),
    ("none", "n3 -> n", "label=\"1\""),
])  # fmt: skip
def test_what_stands_at_the_arrows(run, edges, there, not_there):
    arrows = run("graph", "--file", LOSS, "--format", "dot", "--edges", edges).answered().out
    arrows = "\n".join(line for line in arrows.splitlines() if "->" in line)
    assert there in arrows
    assert not_there is None or not_there not in arrows


def test_constants_are_nodes_with_all(run):
    few, all_ = (
        run("graph", "2x^2 + 1", "--x", "3", *more, "--format", "json").answered().json
        for more in ((), ("--all",))
    )
    assert [n["kind"] for n in few["nodes"]] == ["input", "step", "step", "step"]
    assert sorted(n["text"] for n in all_["nodes"] if n["kind"] == "constant") == ["1", "2", "2"]
    assert {n["gradient"] for n in all_["nodes"] if n["kind"] == "constant"} == {None}


# --- networks ----------------------------------------------------------------------------------


def test_mazurs_numbers_are_on_his_network(run):
    """From "A Step by Step Backpropagation Example" (Mazur 2015)."""
    shown = run("graph", MAZUR, "--format", "json").answered().json
    unit = {u["name"]: u["numbers"] for u in shown["units"]}
    assert isclose(unit["linear1[0]"]["z"], 0.3775)
    assert isclose(unit["linear1[0]"]["y"], 0.593269992)
    assert isclose(unit["linear2[0]"]["y"], 0.75136507)
    assert isclose(unit["linear2[1]"]["y"], 0.772928465)
    assert isclose(unit["linear2[0]"]["dE/dz"], 0.138498562, rel_tol=1e-8)
    assert isclose(unit["E"]["value"], 0.298371109, rel_tol=1e-8)
    weight = {(e["source"], e["target"]): e for e in shown["edges"]}
    assert weight["linear1[0]", "linear2[0]"]["value"] == 0.4
    assert isclose(weight["linear1[0]", "linear2[0]"]["gradient"], 0.082167041, rel_tol=1e-8)
    assert isclose(weight["x[0]", "linear1[0]"]["gradient"], 0.000438568, rel_tol=1e-6)
    assert isclose(weight["linear2[0]", "E"]["value"], 0.74136507)
    assert len(weight) == 4 + 4 + 2


def test_the_network_of_three_one_two(run):
    hand = str(ROOT / "sample_inputs" / "hand.yaml")
    text = run("graph", hand).answered().out
    assert "hand: E = 0.25 before update 1" in text
    assert "w[2] = -0.5, dE/dw = -0.5" in text
    assert "y = relu(z)" in text
    marked = run("graph", hand, "--path", "x[0]", "--format", "json").answered().json
    assert {u["name"] for u in marked["units"] if not u["marked"]} == {"x[1]", "x[2]"}
    assert run("graph", "--config", hand).answered().out == text
    assert "E = 0.25" in run("graph", hand, "optimizer.learning_rate=0.5", "seed=3").answered().out


def test_large_networks_are_drawn_by_layer(run):
    result = run("graph", str(ROOT / "sample_inputs" / "iris.yaml")).answered()
    assert "note: a box a layer: linear1 has 16 units, at most 12 are drawn" in result.err
    assert "iris: 2 layers, 131 parameters" in result.out  # 4*16 + 16 + 16*3 + 3
    assert re.search(r"shape +4 to 16", result.out)
    compact = run("graph", MAZUR, "--compact").answered()
    assert (compact.err, "mazur: 2 layers, 12 parameters" in compact.out) == ("", True)
    layers = run("graph", MAZUR, "--compact", "--format", "json").answered().json["layers"]
    assert [layer["name"] for layer in layers] == ["inputs", "linear1", "linear2", "E"]


SIZES = {"xor": (2, 8, 2), "iris": (4, 16, 3), "digits": (64, 128, 10), "spirals": (2, 32, 32, 2)}


@pytest.mark.parametrize("name", SIZES)
def test_wide_networks_are_circles_and_lines(run, tmp_path, name):
    """A circle a unit, or the first eight and the last; a line a weight, by its sign and size."""
    shown = [count if count <= 16 else 9 for count in SIZES[name]]
    svg = run("graph", str(ROOT / "sample_inputs" / f"{name}.yaml"), "--format", "svg").answered().out
    root = ET.fromstring(svg)
    tag = "{http://www.w3.org/2000/svg}"
    assert len(root.findall(f"{tag}circle")) == sum(shown)
    lines = root.findall(f"{tag}path")
    assert len(lines) == sum(a * b for a, b in pairwise(shown)) + 2  # of the legend
    dashed = [e.get("class") for e in lines if e.get("stroke-dasharray")]
    assert set(dashed) == {"s-negative"}
    assert {e.get("class") for e in lines if not e.get("stroke-dasharray")} == {"s-positive"}
    widths = [float(e.get("stroke-width") or 1.0) for e in lines]
    assert (min(widths) >= 0.5, max(widths)) == (True, 4.0)
    texts = [e.text for e in root.findall(f"{tag}text")]
    for count in SIZES[name]:
        assert count <= 16 or f"... {count - 9} more" in texts
    assert root.get("role") == "img"
    assert root.find(f"{tag}desc").text.startswith(f"The network {name}")
    assert "biases: all 0" in texts


def test_the_widest_line_is_the_largest_weight():
    from backprop_cli.layout.network_figure import THICK, THIN, columns_of, figure

    problem = problem_of("iris")
    picture = figure(problem, str)
    first, second = (column.weights for column in columns_of(problem)[1:])
    largest = max(abs(first).max(), abs(second).max())
    lines = [shape for shape in picture.shapes if isinstance(shape, PicturePath)][: first.size]
    for line, w in zip(lines, sorted(first.ravel(), key=abs), strict=True):
        assert line.width == pytest.approx(THIN + (THICK - THIN) * abs(w) / largest)
        assert line.stroke == ("positive" if w > 0 else "negative")
        assert bool(line.dash) == (w < 0)


@pytest.mark.parametrize(("name", "count"), [("xor", 32), ("iris", 112), ("spirals", 36), ("digits", 0)])
def test_numbers_at_lines_stand_apart(name, count):
    """As many as there are lines between columns one of which is short; else the legend says so."""
    from backprop_cli.layout.network_figure import NUMBER, figure

    picture = figure(problem_of(name), lambda x: rounded(x, 6), numbers=True)
    found = [s for s in picture.shapes if isinstance(s, Label) and s.halo and s.size == NUMBER]
    assert len(found) == count
    rects = [
        (left_of(s), s.y - 0.7 * s.size, left_of(s) + text_width(s.text, s.size), s.y + 1.0) for s in found
    ]
    for a, b in combinations(rects, 2):
        assert not overlap(a, b)
    left_out = [s.text for s in picture.shapes if isinstance(s, Label) and "no room" in s.text]
    assert bool(left_out) == (name in ("spirals", "digits"))


def test_deep_networks_fit_a_page(run):
    iris = str(ROOT / "sample_inputs" / "iris.yaml")
    deep = f"model.hidden=[{', '.join(['8'] * 12)}]"
    root = ET.fromstring(run("graph", iris, deep, "--format", "svg").answered().out)
    assert float(root.get("width")) < 3.0 * float(root.get("height"))
    zeros = run("graph", iris, "model.init=zeros", "--format", "svg").answered().out
    assert ">weights: all 0</text>" in zeros
    assert "positive" not in zeros


def test_units_have_the_names_of_the_data(run):
    iris = str(ROOT / "sample_inputs" / "iris.yaml")
    text = run("graph", iris, "--format", "svg").answered().out
    for name in ("sepal_length", "petal_width", "setosa", "virginica", "relu", "softmax"):
        assert f">{name}</text>" in text
    units = run("graph", iris, "model.hidden=[3]", "--format", "json").answered().json["units"]
    assert [u["label"] for u in units if u["layer"] == "linear2"] == ["setosa", "versicolor", "virginica"]


def test_biases_are_dots_at_their_units(run):
    text = run("graph", MAZUR, "--circles", "--format", "svg").answered().out
    assert text.count("<circle") == 6 + 4 + 2  # units, their biases, the legend
    assert "up to 0.6" in text


@pytest.mark.parametrize(("args", "words"), [
    (["a*b", "--circles"], ["--circles is for the network of a config"]),
    ([MAZUR, "--circles"], ["--circles draws a picture", "-o graph.svg"]),
    ([MAZUR, "--circles", "--direction", "TB", "--format", "svg"], ["--direction TB is for boxes"]),
    ([MAZUR, "--circles", "--compact", "--format", "svg"], ["--compact is for boxes"]),
    ([MAZUR, "--circles", "--path", "x[0]", "--format", "svg"], ["--path is for boxes"]),
    ([MAZUR, "--circles", "--edges", "both", "--format", "svg"], ["have numbers alone", "--edges value"]),
    ([CONVOLUTION, "--circles", "--format", "svg"], ["conv2d1 is no linear layer"]),
    ([DECAY, "--circles", "--format", "svg"], ["this config has a formula"]),
])  # fmt: skip
def test_what_circles_cannot_show_is_refused(run, args, words):
    run("graph", *args).refused(2, *words)


def test_boxes_with_numbers_are_drawn_on_request(run):
    xor = str(ROOT / "sample_inputs" / "xor.yaml")
    assert "E = 0.7" in run("graph", xor, "--edges", "value", "--format", "svg").answered().out
    assert "dE/dz" in run("graph", xor, "--path", "x[0]", "--format", "svg").answered().out
    iris = str(ROOT / "sample_inputs" / "iris.yaml")
    assert "<circle" in run("graph", iris, "--edges", "value", "--format", "svg").answered().out
    for more in (["--edges", "both"], ["--direction", "TB"], ["--compact"], ["--path", "linear1"]):
        assert "<circle" not in run("graph", iris, *more, "--format", "svg").answered().out
    note = run("graph", iris).answered().err
    assert "-o graph.svg has circles" in note


def test_a_fitted_formula_is_drawn_as_an_expression(run):
    text = run("graph", str(ROOT / "sample_inputs" / "decay.yaml")).answered().out
    assert "y ~ a*exp(-b*x) + c" in text
    assert "parameters' first values" in text


@pytest.mark.parametrize("name", ["mazur", "hand", "xor"])
@pytest.mark.parametrize("format_", ["dot", "mermaid", "tikz", "svg"])
def test_networks_in_every_format(run, name, format_):
    text = run("graph", str(ROOT / "sample_inputs" / f"{name}.yaml"), "--format", format_).answered().out
    assert "linear1" in text


# --- groups of paths ---------------------------------------------------------------------------

TWO_INPUTS = ["graph", "c = a*b; d = b + h; f = c*d", "--path", "b", "--path", "h"]

TWO_GROUPS = """\
f = c*d

+---+
| a |--- b .  #===========#        #~=~=~=~=~#
+---+      '-># c = a*b   #=== d =>% f = c*d %
#===# #= a ==>#           # #= c =>#         #
# b #=#= 1 #  #===========# #      #=~=~=~=~=#
#===#      #  #~=~=~=~=~=~# %
%~~~%      #=>% d = b + h %~#
% h %~~~ 1 ~~>#           #
%~~~%         #=~=~=~=~=~=#

==== 2 paths from b to f
~~~~ 1 path from h to f
at an arrow: the local derivative, in symbols
"""


def test_two_groups_of_paths_in_characters(run):
    text = run(*TWO_INPUTS).answered().out
    assert text == TWO_GROUPS


def two_groups() -> Drawing:
    groups = [["b"], ["a"]]
    drawing = drawing_of("a = 2; b = a^2; c = -7a; d = b*c", "value", paths=groups)
    return with_paths(drawing, groups, {"b": 1, "a": 2}, "d")


def test_two_groups_of_paths_with_box_characters():
    drawing = two_groups()
    text = graph_text(drawing, 100, unicode=True, color=False).text
    assert "║ value   2 ║═╦═ 4 ═══►┃ value   4 ┃━═━ -14 ━►║ d = b*c   ║" in text
    assert "━━━━ 1 path from b to d\n════ 2 paths from a to d\n" in text
    colored = graph_text(drawing, 100, unicode=True, color=16).text
    assert painted("━━━━", "mark", 16) + " 1 path" in colored
    assert painted("════", "third", 16) + " 2 paths" in colored


def test_a_list_says_which_groups_a_line_belongs_to():
    drawing = two_groups()
    text = graph_text(drawing, 20, unicode=True, color=False).text
    assert "\n 2 ├─ from a: 4\n" in text.replace("└", "├")
    assert "\n12 ├─ from b: -14\n 2 └─ from c: 4\n" in text
    assert "\n1 1 path from b to d\n2 2 paths from a to d\n" in text


def test_groups_of_paths_in_every_format(run, tmp_path):
    found = {f: run(*TWO_INPUTS, "--format", f).answered().out for f in ("dot", "mermaid", "tikz", "svg")}
    dot = found["dot"]
    assert '\\nsolid: 2 paths from b to f\\ndotted: 1 path from h to f"' in dot
    assert re.search(r'n1 \[.*color="#a3147a", penwidth=2\];', dot)
    assert "penwidth=2, peripheries=2];" in dot  # of d and f, which are on both
    assert len(re.findall(r"-> n\d+ \[", dot)) == 6 + 1  # d -> f is drawn twice
    assert re.findall(r"\[color=.*style=dotted\]", dot) == ['[color="#008060", penwidth=2, style=dotted]']
    mermaid = found["mermaid"]
    assert 'paths1["1 path from h to f"]:::step' in mermaid
    ways = [line for line in mermaid.splitlines() if "-->" in line]
    styles = re.findall(r"linkStyle (\S+) stroke:(\S+?),stroke-width:3px(,stroke-dasharray)?", mermaid)
    assert [(color, bool(dash)) for _, color, dash in styles] == [("#a3147a", False), ("#008060", True)]
    ends = [{tuple(re.findall(r"n\d+", ways[int(k)])) for k in numbers.split(",")} for numbers, *_ in styles]
    edges = {(e["source"], e["target"], tuple(e["groups"])) for e in groups_of(run)["edges"]}
    for number, drawn in enumerate(ends):
        assert drawn == {(f"n{s}", f"n{t}") for s, t, groups in edges if number in groups}
    tikz = found["tikz"]
    assert tikz.count("[way, draw=mark, very thick]") == 4  # b to c, b to d, c to f, d to f
    assert tikz.count("[way, draw=third, very thick, line cap=round, dash pattern=") == 2
    assert "{2 paths from b to f}" in tikz
    svg = found["svg"]
    assert ">2 paths from b to f</text>" in svg
    assert ">1 path from h to f</text>" in svg
    assert "prefers-color-scheme:dark" in svg
    # boxes e, d, f; arrows e to d, d to f; the legend
    assert len(re.findall(r'class="s-third"[^>]*stroke-dasharray="0.1 5.5"', svg)) == 6


def groups_of(run):
    return run(*TWO_INPUTS, "--format", "json").answered().json


def test_groups_of_paths_for_programs(run):
    facts = groups_of(run)
    assert (facts["paths"], facts["groups"]) == ({"b": 2, "h": 1}, [["b"], ["h"]])
    assert {n["name"]: n["groups"] for n in facts["nodes"]} == {
        "a": [], "b": [0], "c": [0], "h": [1], "d": [0, 1], "f": [0, 1],
    }  # fmt: skip
    assert draw("c = a*b; d = b + h; f = c*d", path=[["b"], ["h"]]).to_json() == (
        run(*TWO_INPUTS, "--format", "json").answered().out
    )
    assert draw("a*b", path=[["a"], ["a"]]).to_text() == draw("a*b", path="a").to_text()
    one = run("graph", "a*b", "--path", "a,b", "--format", "json").answered().json
    assert "groups" not in {*one, *one["nodes"][0], *one["edges"][0]}


def test_groups_of_paths_between_names_arrays_and_units(run):
    named = run("graph", "c = 3*a^4; d = c*sin(a) + b", "--named", "--path", "a", "--path", "b").answered()
    assert "==== 2 paths from a to d, counted through every step\n~~~~ 1 path from b to d, c" in named.out
    arrays = run("graph", "sum((W@x)^2) + sum(x)", "W=[[1,2],[3,4]]", "x=[1,2]", "--path", "W", "--path", "x")
    assert "==== 1 path from W to" in arrays.answered().out
    words = [
        "graph",
        str(ROOT / "sample_inputs" / "hand.yaml"),
        "--path",
        "linear1[0].w[0]",
        "--path",
        "x[1]",
    ]
    assert (
        "==== 2 paths from linear1[0].w[0] to E\n~~~~ 2 paths from x[1] to E\n" in run(*words).answered().out
    )
    facts = run(*words, "--format", "json").answered().json
    assert facts["groups"] == [["linear1[0].w[0]"], ["x[1]"]]
    assert [e["groups"] for e in facts["edges"]][:4] == [[0], [1], [], [0, 1]]
    assert [u["groups"] for u in facts["units"]][:4] == [[], [1], [], [0, 1]]


@given(rise=st.floats(-400.0, 400.0), apart=st.sampled_from([-6.5, 3.25]))
def test_strands_stay_beside_each_other(rise, apart):
    wide = min(30.0 + 0.22 * abs(rise), 110.0)  # of a gap
    curve = [(0.0, 0.0), (wide / 2.0, 0.0), (wide / 2.0, rise), (wide, rise)]
    other = list(samples(beside(curve, apart), 100))
    for point in list(samples(curve, 100))[10:-10]:
        assert 0.6 < min(dist(point, each) for each in other) / abs(apart) < 1.5


# --- what is refused, what is large ------------------------------------------------------------


@pytest.mark.parametrize(("args", "words"), [
    (["a*b", "--a", "1:2:1", "--b", "2"], ["graph draws one point: a is a range"]),
    (["a*b", "--a", "1"], ["no value for b"]),
    (["a*b", "--path", "z"], ["there is no input or step z"]),
    (["a*b", "--path", "a,"], ["an empty name"]),
    (["a*b+c+d+f+g", *(f"--path={name}" for name in "abcdfg")], ["6 groups of paths, 5 at most"]),
    (["a*b", "--named", "--all"], ["one of them"]),
    (["a*b", "--compact"], ["--compact is for the network"]),
    (["a*b", "-o", "x.gif"], ["names no format", ".svg"]),
    (["a*b", "optimizer.lr=3"], ["is for the network of a config"]),
    ([MAZUR, "--named"], ["--named is for expressions"]),
    ([MAZUR, "--path", "x[7]"], ["there is no such box", "linear2[1]"]),
    (["--config", "nothing.yaml"], ["nothing.yaml"]),
])  # fmt: skip
def test_refusals(run, args, words):
    result = run("graph", *args)
    result.refused(4 if "nothing.yaml" in args else 2, *words)


def test_no_number_is_status_3(run):
    run("graph", "log(x)", "--x", "-1").refused(3, "log(x) has no value")


LARGE = "x = 0.5\ns0 = sin(x) + x\n" + "\n".join(f"s{k} = sin(s{k - 1}) + x" for k in range(1, 10_000))


def test_a_large_graph_gets_a_summary_and_ways_to_narrow(run, tmp_path):
    path = tmp_path / "large.bp"
    path.write_text(LARGE, "utf-8")
    text = run("graph", "--file", str(path)).answered().out
    assert "a graph of 20,001 nodes; 300 at most are drawn" in text
    assert re.search(r"edges +30,000\n", text)
    assert re.search(r"depth +20,000 steps on the longest path", text)
    assert "--path x " in text
    assert "--named " in text
    run("graph", "--file", str(path), "-o", str(tmp_path / "x.svg")).refused(2, "too many to draw", "--path")
    dot = run("graph", "--file", str(path), "--format", "dot", "--edges", "none").answered().out
    assert dot.count(" -> ") == 30_000


def test_narrowing_by_a_path(run):
    program = "\n".join(
        [*(f"x{k} = {k}" for k in range(400)), "s = " + " + ".join(f"x{k}" for k in range(400))]
    )
    result = run("graph", program, "--path", "x399", "--format", "svg").answered()
    assert "800 nodes are too many" not in result.err
    assert "nodes are too many to draw: those on the paths alone" in result.err
    assert "1 path from x399 to s" in result.out


def test_what_is_too_entangled_is_refused(run):
    # a hundred early steps that are read at the far end: a hundred lines along the whole drawing
    early = [f"e{k} = x^{k + 2}" for k in range(100)]
    late = [f"s{k} = s{k - 1} + {'x' if k < 90 else f'e{k - 90}'}" for k in range(1, 190)]
    program = "\n".join(["x = 1", *early, "s0 = x", *late])
    run("graph", program, "--format", "svg").refused(2, "too entangled", "--path")
    listed = run("graph", program).answered()
    assert "|- from s188: 1\n`- from e99: 1\n" in listed.out
    assert "the graph is too entangled for lines, so it is a list" in listed.err


def test_it_starts_without_heavy_libraries(process):
    code = (
        "import sys; from backprop_cli.cli.main import main; main(['graph', 'a*b', '--a', '1', '--b', '2', "
        "'--format', 'svg']); print(*sorted({'numpy', 'sympy', 'rich', 'matplotlib'} & set(sys.modules)), "
        "file=sys.stderr)"
    )
    import subprocess
    import sys

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stderr.split() == []


def test_hostile_column_names(run, tmp_path):
    (tmp_path / "evil.csv").write_text('"a b;""<x>","%_{}\\","y|""<i>"\n1,2,3\n2,3,5\n4,1,1\n', "utf-8")
    config = tmp_path / "evil.yaml"
    config.write_text(
        "data: {path: evil.csv, scaling: none, target_scaling: none}\n"
        "model: {hidden: [2]}\ntask: regression\n"
        "training: {epochs: 1, batch_size: full}\n",
        "utf-8",
    )
    text = {
        f: run("graph", str(config), "--format", f).answered().out for f in ("svg", "dot", "mermaid", "tikz")
    }
    ET.fromstring(text["svg"])
    assert r'label="x[0] = a b;\"<x>\nvalue = 1"' in text["dot"]
    assert r'label="x[1] = %_{}\\\nvalue = 2"' in text["dot"]
    assert 'n0["x#91;0#93; = a b#59;#34;#60;x#62;<br>value = 1"]' in text["mermaid"]
    assert r"\%\_\{\}\textbackslash{}" in text["tikz"]


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("g = a*3; L = a^2", "L does not read the step, so"),
        ("L = where(a > 0, a^2, log(a))", "another branch was taken, so"),
        (
            "g = a*3; L = where(a > 0, a^2, log(a))",
            "another branch was taken, or L does not read the step, so",
        ),
    ],
)
def test_why_nothing_needs_an_arrow(run, program, why):
    page = run("graph", program, "--a", "2").answered().out
    assert page.splitlines()[-1] == f"an arrow that ends in o: {why} nothing here needs it"


NAMED = [
    "c = 3*a^4; d = c*sin(a) + b",
    "b = a^3; c = 3*b*a + 1; d = 4*a^3*c - b/a",
    "z = w*x + b; p = 1/(1+exp(-z)); L = -(t*log(p) + (1-t)*log(1-p))",
    "r = sqrt(x^2+y^2); s = max(r, x*y); u = where(x > 0, s*x^2, s)",
    "q = (a + b)^2/(a - b); y = tanh(q/10)*a^a",
]


@pytest.mark.parametrize("text", NAMED)
def test_between_names_stands_the_derivative(text):
    """Each formula, read by the parser, is the number that a sweep over the steps between gives."""
    graph = lower(parse(text))
    at = {name: 0.3 + 0.25 * k for k, name in enumerate(graph.inputs)}
    point = Point.at(graph, at)
    names = {graph.own_name(k): v for k, v in enumerate(point.values)}
    edges = list(GraphView(graph, point, named=True).edges())
    assert len(edges) > 2
    for edge in edges:
        found = lower(parse(edge.symbol), set(names))
        value = Point.at(found, {n: names[n] for n in found.inputs}, ()).value
        assert value == pytest.approx(edge.value, rel=1e-12)


def test_a_factor_between_names_has_its_numbers_and_powers_in_one():
    edges = GraphView(lower(parse("c = 3*a^4; d = c*a^2*2*a + c")), None, named=True).edges()
    assert [edge.symbol for edge in edges] == ["12*a^3", "2*c*(2*a^2 + a^2)", "2*a^3 + 1"]
    edges = GraphView(lower(parse("u = e^(2*x) + 2^x")), None, named=True).edges()
    assert [edge.symbol for edge in edges] == ["2*e^(2*x) + 2^x*log(2)"]
