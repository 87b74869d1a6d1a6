"""The engine of pages, run by node: its numbers, refusals and lines are those of the command line."""

from __future__ import annotations

import json
import math
import random
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator, Sequence
from math import isfinite, ulp
from pathlib import Path
from typing import Any

import pytest
from conftest import NODE, ROOT, Result

from backprop_cli.differentiation.rounding import rounding_bounds, value_bounds, zero_slopes
from backprop_cli.engine.point import Point
from backprop_cli.errors import BackpropError, NoSuchNumber, SlopeError, Source, UsageError
from backprop_cli.explanation.report import explain
from backprop_cli.export.javascript_rows import predicate, row_name, rows
from backprop_cli.graph import Graph
from backprop_cli.language.lower import lower
from backprop_cli.language.numbers import exact_text, rounded
from backprop_cli.language.parser import parse
from backprop_cli.ops import PRIMITIVES, Primitive
from backprop_cli.ops.namespaces import FLOATS
from backprop_cli.ops.sums import DOT, SUM
from backprop_cli.pages.network import network_data
from backprop_cli.pages.program import MARGIN, program_data
from backprop_cli.render.explain_lines import Voice, _backward, _forward
from backprop_cli.render.writers.mathematics import Spelling
from backprop_cli.training.loop import Training
from backprop_cli.training.problem import assembled

PAGES = ROOT / "backprop_cli" / "pages"
ROWS = [
    (op, op.arity[0] if op.arity[1] is None else len(op.params))
    for name, op in PRIMITIVES.items()
    if name != "sinc_n"
]
KNOWN = {**PRIMITIVES, **{op.name: op for op in (DOT, SUM)}}
needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed")


def code_of(name: str) -> str:
    """Return the text of a script."""
    return (PAGES / name).read_text("utf-8")


def in_node(
    folder: Path, wanted: Sequence[tuple[Primitive, int]], code: str, given: Any, more: str = ""
) -> Any:
    """Return what JavaScript makes of ``given`` by ``code``, which ends in an expression of it."""
    (folder / "given.json").write_text(json.dumps(given), "utf-8")
    script = (
        f"{rows(wanted)}\n{code_of('numbers.js')}{code_of('choices.js')}{code_of('engine.js')}{more}\n"
        f"const given = JSON.parse(require('fs').readFileSync({json.dumps(str(folder / 'given.json'))}));\n"
        "const plain = (_, x) => typeof x === 'number' && !Number.isFinite(x) ? String(x) : x;\n"
        f"console.log(JSON.stringify({code}, plain));\n"
    )
    (folder / "run.cjs").write_text(script, "utf-8")
    done = subprocess.run([str(NODE), folder / "run.cjs"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


# rows


def points(op: Primitive, count: int, draw: random.Random) -> Iterator[list[float]]:
    """Yield operands: within the sample, at its ends, at whole numbers and kinks, far out."""
    box = [op.sample[min(k, len(op.sample) - 1)] for k in range(count)]
    for k in range(200):
        x = [draw.uniform(*side) for side in box]
        if k % 5 == 0:
            x = [draw.choice([*side, draw.choice([-3.0, -1.0, 0.0, 0.5, 1.0, 2.0, 1e-9])]) for side in box]
        if k % 7 == 0:
            x = [a * 10.0 ** draw.randint(-12, 2) for a in x]
        if op.literal is not None:
            x[op.literal] = float(draw.randint(-3, 5) if op.name == "power_n" else draw.randint(0, 4))
        yield x


def ulps(a: float | str, b: float) -> float:
    """Return how far apart two numbers are, in units of the last place."""
    a = float(a)
    if a == b or (a != a and b != b):
        return 0.0
    return abs(a - b) / ulp(b) if isfinite(a) and isfinite(b) else math.inf


MOST_ULPS = {"sinc": (4.0, 1000.0)}
"""Units in the last place of value and slopes, where more than 4 and 16: (cos(x) - y)/x cancels near 0."""


@needs_node
def test_rows_are_pythons(tmp_path: Path) -> None:
    draw = random.Random(7)
    asked = [(row_name(op, n), list(points(op, n, draw))) for op, n in ROWS]
    code = (
        "given.map(([name, points]) => points.map((x) => { const [f, d, defined] = ROWS[name];"
        " const y = f(...x); return [y, d(y, ...x), defined ? defined(...x) : true]; }))"
    )
    found = in_node(tmp_path, ROWS, code, asked)
    for (op, _), (name, at), answers in zip(ROWS, asked, found, strict=True):
        most_value, most_slope = MOST_ULPS.get(op.name, (4.0, 16.0))
        for x, (value, slopes, defined) in zip(at, answers, strict=True):
            inside = op.domain is None or bool(op.domain(*x))
            assert defined == inside, (name, x)
            if not inside:
                continue
            y = op.forward(FLOATS, *x)
            assert ulps(value, y) <= most_value or abs(float(value) - y) < 1e-300, (name, x, value, y)
            for p, q in zip(slopes, op.partials(FLOATS, float(value), *x), strict=True):
                assert ulps(p, q) <= most_slope or abs(float(p) - q) < 1e-300, (name, x, p, q)


def test_predicates_are_written_whole() -> None:
    assert predicate(lambda x: -1 <= x <= 1, ["x"]) == "(x >= -1 && x <= 1)"
    assert predicate(lambda a, b: (a, b) != (0, 0), ["a", "b"]) == "(a === 0 ? !(b === 0) : true)"


@needs_node
def test_numbers_are_written_as_python_writes_them(tmp_path: Path) -> None:
    draw = random.Random(2)
    xs = [draw.choice([-1, 1]) * draw.random() * 10.0 ** draw.randint(-25, 25) for _ in range(2000)]
    xs += [float(draw.randint(-(10**7), 10**7)) / draw.choice([1, 2, 4, 8, 64]) for _ in range(2000)]
    xs += [
        0.0,
        -0.0,
        1e16,
        1e15,
        1e-4,
        1e-5,
        12345.25,
        12345.75,
        0.5,
        5e-324,
        1.7976931348623157e308,
        1e21,
        1e22,
    ]
    found = in_node(tmp_path, [], "given.map((x) => [shortest(x), rounded(x, 6), rounded(x, 3)])", xs)
    assert found == [[exact_text(x), rounded(x, 6), rounded(x, 3)] for x in xs]


# programs

SAMPLES = [path.read_text("utf-8") for path in sorted((ROOT / "sample_inputs").glob("*.bp"))]
TEXTS = [
    *SAMPLES,
    "d=a*b; e=relu(d)+max(a,b)^2; L=where(e>0, e*tanh(a), log(d))",
    "where(a >= 0, a, -2a)*floor(a) + pi*a",
    "max(a, b, a*b, -a) + leaky_relu(a)*min(a, b, 1)",
    "a*a*a + a/(a-b) - -a",
    "1e-7*a + 123456789*b - 2^a",
    "atan2(a, b) + mod(a, b) + clamp(a, -1, 1) + round(a)*ceil(b)",
    "-a",
    "a*(b*(a*b))^2",
]
FUNCTIONS = (
    "sin cos exp tanh sigmoid relu abs sqrt log erf gelu silu atan cosh softplus cbrt lgamma digamma elu "
    "gamma floor sign mish asinh log1p sinc"
).split()


def programs(count: int, draw: random.Random) -> Iterator[str]:
    """Yield random programs, some with forks through named steps."""

    def text(depth: int, names: list[str]) -> str:
        kind = draw.random()
        if depth == 0 or kind < 0.1:
            return draw.choice([*names, *names, "2", "0.5", "-3", "pi"])
        a, b = text(depth - 1, names), text(depth - 1, names)
        if kind < 0.55:
            return f"({a}){draw.choice('++-*//*')}({b})"
        if kind < 0.65:
            return f"({a})^{draw.choice(['2', '3', '0.5', '-1', 'b'])}"
        if kind < 0.72:
            return f"where({a} {draw.choice(['<', '>=', '!='])} {b}, {a}, {b})"
        return (
            f"{draw.choice(['max', 'min', 'hypot'])}({a}, {b})"
            if kind < 0.78
            else f"{draw.choice(FUNCTIONS)}({a})"
        )

    for _ in range(count):
        names = ["a", "b"]
        steps = []
        for step in ("u", "v")[: draw.randint(0, 2)]:
            steps.append(f"{step} = {text(2, names)}")
            names.append(step)
        yield "; ".join([*steps, f"y = {text(3, names)}"])


def lines_of(graph: Graph, point: dict[str, float]) -> list[list[str]]:
    """Return label, text and remark of every line of both passes, as the command line has them."""
    told = explain(graph, point, detail="full")
    assert told.point is not None
    spelled, voice = Spelling(6), Voice(told.graph.own_name(told.graph.output), 6)
    rows = [_forward(line, told.point, voice) for line in told.forward]
    found = [["", spelled.said(row.equations[0]), row.remark] for row in rows]
    if told.backward:
        found.append(["", f"d{voice.output}/d{voice.output} = 1", ""])
    for line in told.backward:
        row = _backward(line, told.point, voice)
        assert row.label is not None
        found.append([spelled(row.label), "; ".join(map(spelled.said, row.equations)), row.remark])
    return found


CODE = """given.map(({ data, points }) => { const E = makeEngine(data); return points.map((inputs) => {
  const p = E.at(inputs);
  if (p.error) return { error: p.error.text, hint: p.error.hint };
  if (p.fault) return { fault: p.fault.text, aside: Boolean(p.fault.aside), v: p.v };
  const lines = [...E.forwardLines(p), ...E.backwardLines(p)];
  return { v: p.v, g: p.g, lines: lines.map((line) => [line.label, line.text, line.remark]) };
}); })"""


@needs_node
def test_programs_have_the_numbers_and_lines_of_the_command_line(tmp_path: Path) -> None:
    draw = random.Random(11)
    given, expected, wanted = [], [], dict[str, tuple[Primitive, int]]()
    for text in [*TEXTS, *programs(300, draw)]:
        try:
            graph = lower(parse(Source(text)))
        except BackpropError:  # a constant without a value
            continue
        points = [
            {n: draw.choice([-1.0, 0.0, 0.5, 2.0, draw.uniform(-3, 3)]) for n in graph.inputs}
            for _ in range(5)
        ]
        start = next((x for x in points if isinstance(point_at(graph, x), Point)), None)
        if start is None or not graph.inputs:
            continue
        data, ops = program_data(graph, start, ranges={}, digits=6, row_name=row_name)
        wanted |= {row_name(op, n): (op, n) for op, n in ops}
        given.append({"data": data, "points": points})
        expected.append((text, graph, points))
    assert len(given) > 250
    found = in_node(tmp_path, list(wanted.values()), CODE, given)
    told = 0
    for (text, graph, points), answers in zip(expected, found, strict=True):
        for k, (point, answer) in enumerate(zip(points, answers, strict=True)):
            told += compared(text, graph, point, answer, with_lines=k < 1)
    assert told > 250


def point_at(graph: Graph, point: dict[str, float]) -> Point | NoSuchNumber:
    """Return the program at a point, or why there is none."""
    try:
        return Point.at(graph, point)
    except NoSuchNumber as error:
        return error


def twelve(message: str) -> str:
    """Return a message with its numbers to twelve digits: a browser's sine may differ in the last one."""
    return re.sub(r"-?\d+\.\d+(e-?\d+)?", lambda x: f"{float(x[0]):.12g}", message)


def compared(
    text: str, graph: Graph, point: dict[str, float], answer: dict[str, Any], *, with_lines: bool
) -> int:
    """Hold what a page shows at a point to the command line; return 1 where there were numbers."""
    here = point_at(graph, point)
    if isinstance(here, SlopeError):
        assert "fault" in answer, (text, point, here.message, answer)
        assert answer["aside"] or twelve(answer["fault"]) == twelve(here.message), (text, point)
        return 0
    if isinstance(here, NoSuchNumber):
        assert twelve(answer.get("error", "")) == twelve(here.message), (text, point)
        assert answer["hint"] == (here.hint or ""), (text, point)
        return 0
    if "fault" in answer:  # the command line looks beside the point, the page says that it does not
        assert answer["aside"], (text, point, answer)
        return 0
    assert not here.limits, (text, point)
    values, (_, slopes) = value_bounds(here), rounding_bounds(here)
    for node in graph.nodes:
        if not here.needed[node.id]:
            continue
        v, g = here.values[node.id], here.cotangents[node.id]
        wide, reach = (64.0 * bounds[node.id] + MARGIN * abs(x) for bounds, x in ((values, v), (slopes, g)))
        assert abs(float(answer["v"][node.id]) - v) <= wide, (text, point, node.id)
        if here.active[node.id]:
            assert abs(float(answer["g"][node.id]) - g) <= reach, (
                text,
                point,
                node.id,
                answer["g"][node.id],
                g,
            )
    # a page has no many digits to tell that a slope is what rounding leaves of 0
    if with_lines and same_numbers(here, answer) and not zero_slopes(here, slopes):
        assert answer["lines"] == lines_of(graph, point), (text, point)
    return 1


def same_numbers(here: Point, answer: dict[str, Any]) -> bool:
    """Whether no digit shown can differ: a function of the browser's may be off by a unit."""
    pairs = zip((*here.values, *here.cotangents), (*answer["v"], *answer["g"]), strict=True)
    return all(not isfinite(x) or rounded(x, 6) == rounded(float(y), 6) for x, y in pairs)


@needs_node
def test_what_the_readme_computes_has_a_page(run: Callable[..., Result], tmp_path: Path) -> None:
    """Every expression there with values, and every sample: the engine has the numbers it was given."""
    commands = re.findall(
        r"^\$ backprop (?:grad|explain|graph) (.+)$", (ROOT / "README.md").read_text("utf-8"), re.M
    )
    calls = [["--file", str(path)] for path in sorted((ROOT / "sample_inputs").glob("*.bp"))]
    for command in commands:
        words = shlex.split(command)
        values = [word for word in words[1:] if not word.startswith("--")]
        if "=" not in words[0] + words[-1] and len(words) == 1 + 2 * len(values) and values:
            calls.append(words)
    given, wanted = [], dict[str, tuple[Primitive, int]]()
    for words in calls:
        done = run("page", *words)
        if done.status == 0:
            given.append(json.loads(done.out.split('id="data">')[1].split("</script>")[0]))
            wanted |= {f"{name}{n}": (KNOWN[name], n) for name, n in row_names(given[-1])}
    assert len(given) >= 13
    code = """given.map((data) => { const p = makeEngine(data).at(data.start);
      return data.witness.map(([id, v, wide, g, reach]) => Math.abs(p.v[id] - v) <= wide
        && (g === undefined || Math.abs(p.g[id] - g) <= reach)); })"""
    found = in_node(tmp_path, [(op, n) for op, n in wanted.values()], code, given)
    assert all(map(all, found))


def row_names(data: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """Yield the primitives of a page and how many operands they have there."""
    for node in data["nodes"]:
        if "op" in node:
            name = node["op"]
            yield (name if name in KNOWN else name.rstrip("0123456789")), len(node["i"])


# networks

NETWORK_CODE = """(() => { const net = makeNetwork(given), training = makeTraining(given, net);
  const first = training.proposed(given.rate);
  for (let k = 0; k < given.updates; k++) training.update(given.rate);
  const v = net.forward(training.state.theta, given.rows[0], given.targets[0]);
  const end = { theta: [...training.state.theta], output: given.output.map((id) => v[id]) };
  training.rewind();
  return { loss: first.loss, gradient: net.trained.map((k) => first.gradient[k]), theta: [...first.theta],
    end, start: [...training.state.theta] }; })()"""


def network_in_node(folder: Path, config: str, updates: int, *overrides: str) -> tuple[dict[str, Any], Any]:
    """Return what a page's network makes of its first update and of many, and its data."""
    with assembled(str(ROOT / "sample_inputs" / config), list(overrides)) as problem:
        data, wanted, rule = network_data(problem, None, digits=6)
    code = rule + code_of("network.js").rpartition("function startNetwork")[0]
    found = in_node(folder, wanted, NETWORK_CODE, {**data, "updates": updates}, code)
    return found, data


@needs_node
def test_mazurs_network_trains_to_his_numbers(tmp_path: Path) -> None:
    found, data = network_in_node(tmp_path, "mazur.yaml", 10_000)
    assert found["loss"] == pytest.approx(0.298371109, rel=1e-8)
    assert found["theta"][0] == pytest.approx(0.149780716, rel=1e-8)
    assert found["end"]["output"] == pytest.approx([0.015913620, 0.984064273], rel=1e-6)
    assert found["start"] == [x for p in data["parameters"] for x in p["values"]]


@needs_node
@pytest.mark.parametrize(
    ("config", "overrides"),
    [
        ("hand.yaml", ("training.epochs=7",)),
        ("mazur.yaml", ("optimizer={type: sgd, learning_rate: 0.1, momentum: 0.9, nesterov: true}",)),
        ("xor.yaml", ()),
        ("xor.yaml", ("optimizer={type: adamw, weight_decay: 0.1}", "regularization.l2=0.01")),
        ("xor.yaml", ("optimizer={type: rmsprop, momentum: 0.3}",)),
        ("xor.yaml", ("optimizer={type: adam, amsgrad: true}", "model.activation=gelu")),
        ("iris.yaml", ("training.batch_size=full", "loss={type: cross_entropy, label_smoothing: 0.1}")),
        ("xor.yaml", ("loss=hinge",)),
    ],
)
def test_updates_are_those_of_the_trainer(tmp_path: Path, config: str, overrides: tuple[str, ...]) -> None:
    found, data = network_in_node(tmp_path, config, 7, *overrides)
    with assembled(str(ROOT / "sample_inputs" / config), list(overrides)) as problem:
        training = Training(problem)
        for _ in training.run(lambda: training.progress.step >= 7):
            pass
        values = training.runner.values
    expected = [x for p in data["parameters"] for x in values[p["name"]].reshape(-1).tolist()]
    assert found["end"]["theta"] == pytest.approx(expected, rel=1e-7, abs=1e-9)


def test_networks_without_a_page_are_refused(tmp_path: Path) -> None:
    for config, overrides, words in (
        ("digits_conv.yaml", (), "is no linear layer"),
        ("digits.yaml", (), "at most 32 are drawn"),
        ("decay.yaml", (), "a fitted formula is an expression"),
        ("xor.yaml", ("optimizer=nadam",), "changes its rule from update to update"),
    ):
        with (
            assembled(str(ROOT / "sample_inputs" / config), list(overrides)) as problem,
            pytest.raises(UsageError, match=words),
        ):
            network_data(problem, None, digits=6)
