"""Random programs at awkward points: all methods and an own mpmath evaluator tell one story.

The evaluator below walks the syntax tree, knows the language only through it, and takes every
function from the table of definitions in `test_ops`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf
from test_differentiation import InProcess
from test_ops import EXACT

from backprop_cli.differentiation import METHODS
from backprop_cli.differentiation.report import GradientReport, differentiate
from backprop_cli.errors import DomainError, NoSuchNumber, RangeError, SlopeError
from backprop_cli.graph import CONSTANT
from backprop_cli.language.lower import lower
from backprop_cli.language.parser import NAME_ITEM, NUMBER_ITEM, Item, parse
from backprop_cli.ops import PRIMITIVES

LARGEST = mpf(1.7976931348623157e308)


class NoNumber(Exception):
    """The value does not exist or is beyond float64; ``word`` says which."""

    def __init__(self, word: str) -> None:
        self.word = word


class _Unclear(Exception):
    """Rounding decides: floats may rightly answer either way."""


# A second evaluator


def domain_of(name: str, operands: list[Any], literal: bool) -> bool:
    """Where a primitive has a value, in the words of the specification."""
    x = operands[0]
    if name == "divide":
        return bool(operands[1] != 0)
    if name == "power":
        n = operands[1]
        whole = n == mp.floor(n)
        if x == 0:
            return bool(n >= 0 if literal else n > 0)
        return bool(x > 0 or whole)
    if name in ("log", "log2", "log10"):
        return bool(x > 0)
    if name == "sqrt":
        return bool(x >= 0)
    if name == "log1p":
        return bool(x > -1)
    if name in ("asin", "acos"):
        return bool(abs(x) <= 1)
    if name == "atanh":
        return bool(abs(x) < 1)
    if name == "acosh":
        return bool(x >= 1)
    if name == "atan2":
        return any(operands)
    if name in ("gamma", "lgamma", "digamma", "polygamma"):
        x = operands[-1]
        return bool(x > 0 or x != mp.floor(x))
    return True


class Evaluator:
    """Evaluate a program at a working precision, only the branches taken."""

    def __init__(self, text: str, inputs: Mapping[str, Any]) -> None:
        self.program = parse(text)
        self.values: dict[str, Any] = dict(inputs)
        self.steps = {s.name: s.items for s in self.program.statements if s.name}

    def output(self) -> Any:
        for items in self.steps.values():  # a default must be a number, used or not
            if all(item.arity != NAME_ITEM for item in items):
                self.tree(items, {})
        return self.tree(self.program.statements[-1].items, {})

    def tree(self, items: list[Item], done: dict[str, Any]) -> Any:
        return self.subtree(items, len(items) - 1, done)[0]

    def name(self, name: str, done: dict[str, Any]) -> Any:
        if name in self.values:  # an input, also one with a default of its own
            return self.values[name]
        if name in self.steps:
            if name not in done:
                done[name] = self.tree(self.steps[name], done)
            return done[name]
        return {"pi": +mp.pi, "e": +mp.e}[name]

    @staticmethod
    def size(items: list[Item], at: int) -> int:
        """How many items the subtree that ends here has."""
        count, missing = 0, 1
        while missing:
            missing += max(items[at - count].arity, 0) - 1
            count += 1
        return count

    def subtree(self, items: list[Item], at: int, done: dict[str, Any]) -> tuple[Any, bool]:
        """Return the value, and whether it is built from numbers alone."""
        text, arity, *_ = items[at]
        if arity == NUMBER_ITEM:
            return mpf(text), True
        if arity == NAME_ITEM:
            return self.name(text, done), False
        ends = []
        end = at - 1
        for _ in range(arity):
            ends.append(end)
            end -= self.size(items, end)
        ends.reverse()
        if text == "where":
            condition, _ = self.subtree(items, ends[0], done)
            return self.subtree(items, ends[1 if condition else 2], done)[0], False
        found = [self.subtree(items, e, done) for e in ends]
        operands, constant = [v for v, _ in found], all(c for _, c in found)
        literal = text == "power" and found[1][1]
        if not domain_of(text, operands, literal):
            raise NoNumber("domain")
        row = PRIMITIVES[text]
        operands += map(
            mpf, row.defaults[len(row.defaults) - (len(row.params) - arity) :] if row.defaults else ()
        )
        if text in ("gamma", "polygamma") and abs(operands[-1]) > 1e6:
            raise _Unclear
        if text in ("exp", "sinh", "cosh", "expm1") and abs(operands[0]) > 1e6:
            raise NoNumber("overflow") if operands[0] > 0 or text in ("sinh", "cosh") else _Unclear
        if text == "power" and operands[0] and abs(operands[1] * mp.log(abs(operands[0]))) > 1e5:
            raise NoNumber("overflow") if operands[1] * mp.log(abs(operands[0])) > 0 else _Unclear
        try:
            value = EXACT[text](*operands)
        except ZeroDivisionError:  # at a pole
            raise NoNumber("domain") from None
        if mp.isinf(value) or mp.isnan(value) or mp.im(value):  # a pole, or off the reals
            raise NoNumber("domain")
        if abs(value) > LARGEST:
            raise NoNumber("overflow")
        return value, constant


def exact_value(text: str, inputs: Mapping[str, float], digits: int = 120) -> Any:
    """The value from the exact inputs, or `NoNumber`."""
    with mp.workdps(digits):
        return Evaluator(text, {n: mpf(v) for n, v in inputs.items()}).output()


def exact_slope(text: str, inputs: Mapping[str, float], name: str) -> Any:
    """A central difference at 300 digits; None next to a kink or the edge of a domain."""
    with mp.workdps(300):
        point = {n: mpf(v) for n, v in inputs.items()}

        def quotient(h: Any) -> Any:
            up, down = ({**point, name: point[name] + s * h} for s in (1, -1))
            return (Evaluator(text, up).output() - Evaluator(text, down).output()) / (2 * h)

        def sided(h: Any) -> Any:
            return (
                Evaluator(text, {**point, name: point[name] + h}).output() - Evaluator(text, point).output()
            ) / h

        h = mpf(10) ** -70
        try:
            left, right, both = sided(-h), sided(h), quotient(h)
        except (NoNumber, _Unclear):
            return None
        smooth = abs(left - right) <= mpf(10) ** -30 * max(abs(both), mpf(10) ** -20)
        return both if smooth else None


# Programs

UNARY = sorted(
    name for name, row in PRIMITIVES.items() if row.callable and len(row.params) == 1 and row.arity[1] == 1
)
BINARY = ["max", "min", "hypot", "atan2", "leaky_relu", "elu"]
POINTS = st.sampled_from([0.0, 1.0, -1.0, 0.5, 2.0, -2.0]) | st.floats(-4, 4).map(lambda x: round(x, 4))
LITERALS = st.sampled_from(["0", "1", "2", "3", "0.5", "-1", "-2", "1.5", "0.1"])


@st.composite
def programs(draw: Any) -> tuple[str, dict[str, float]]:
    """Named steps over two inputs, with sharing, choices and ties."""
    names = ["x", "y"]
    lines = []
    for k in range(draw(st.integers(1, 5))):

        def operand(names: list[str] = names) -> str:
            return draw(st.sampled_from([*names[-3:], "x", "y"]) | LITERALS.map(lambda n: f"({n})"))

        a, b, c, d = operand(), operand(), operand(), operand()
        unary = draw(st.sampled_from(UNARY))
        sign = draw(st.sampled_from(["<", "<=", ">", ">=", "==", "!="]))
        form = draw(
            st.sampled_from(
                [
                    f"{unary}({a})",
                    f"{unary}({a} + {b})",
                    f"{a} {draw(st.sampled_from('+-*/'))} {b}",
                    f"({a} {draw(st.sampled_from('+-*'))} {b})*{c}",
                    f"{a}^{draw(LITERALS.map(lambda n: f'({n})'))}",
                    f"{a}^{b}",
                    f"-{a}",
                    f"{draw(st.sampled_from(['max', 'min']))}({a}, {b}, {c})",
                    f"{draw(st.sampled_from(BINARY))}({a}, {b})",
                    f"leaky_relu({a})",
                    f"polygamma({draw(st.integers(0, 3))}, {a})",
                    f"where({a} {sign} {b}, {c}, {d})",
                    f"where({a} {sign} {b}, log({c}), sqrt({d}))",
                ]
            )
        )
        lines.append(f"t{k} = {form}")
        names.append(f"t{k}")
    # what is not used would not be judged
    lines.append(
        "out = " + draw(st.sampled_from([names[-1], f"{names[-1]} + x*y", f"{names[-1]}*x - {names[-2]}"]))
    )
    return "; ".join(lines), {"x": draw(POINTS), "y": draw(POINTS)}


def answer(text: str, inputs: dict[str, float], methods: tuple[str, ...] = METHODS) -> GradientReport:
    """The report of the methods, over the inputs that the program has."""
    graph = lower(parse(text))
    bound = {n: v for n, v in inputs.items() if n in graph.inputs}
    return differentiate(graph, bound, methods=methods, process=InProcess())  # type: ignore[arg-type]


def check_status(text: str, inputs: dict[str, float]) -> None:
    """Answered by floats exactly where the exact program has a value."""
    try:
        wanted: Any = exact_value(text, inputs)
    except NoNumber as error:
        wanted = error.word
    except _Unclear:
        return
    try:
        report: Any = answer(text, inputs, ("reverse",))
    except SlopeError:
        assert not isinstance(wanted, str)
        return
    except NoSuchNumber as error:
        found = error.code
    else:
        found = report.value
    if isinstance(found, str) or isinstance(wanted, str):
        assert found == wanted or _on_the_edge(text, inputs), f"{found}; exactly: {wanted}"


def _on_the_edge(text: str, inputs: dict[str, float]) -> bool:
    """Whether a value within rounding of the exact one decides otherwise, at 15 digits in mpmath too."""
    outcomes = set()
    for digits in (14, 15, 16, 17, 18, 120):
        for nudge in (0, 1, -1):
            moved = {n: v * (1 + nudge * 2.0**-52) for n, v in inputs.items()}
            try:
                exact_value(text, moved, digits)
                outcomes.add("answered")
            except NoNumber as e:
                outcomes.add(e.word)
            except _Unclear:
                return True
    return len(outcomes) > 1


def check_numbers(text: str, inputs: dict[str, float]) -> None:
    """Every method within its bound of the exact slope; no verdict is `disagree`."""
    try:
        report = answer(text, inputs)
    except NoSuchNumber:
        return
    graph = report.graph
    for method, column in report.columns.items():
        for k, node in enumerate(graph.nodes):
            value = column[k]
            assert value is None or math.isfinite(value), (method, graph.name(k), value)
            if node.kind == CONSTANT:
                assert value is None
    kinked = any(v.verdict in ("kink", "jump") for v in report.verdicts)
    by_convention = any(n.op is not None and n.op.piece is not None for n in graph.nodes)
    for k, verdict in enumerate(report.verdicts):
        if verdict.verdict == "disagree":
            # two kinks on one path can add up to a slope that the function does not have
            assert by_convention, (graph.name(k), verdict, {m: c[k] for m, c in report.columns.items()})
            assert verdict.quotient is not None, (graph.name(k), verdict)
    for name, k in graph.inputs.items():
        if kinked or report.verdicts[k].verdict == "disagree":
            continue
        wanted = exact_slope(text, report.inputs or {}, name)
        if wanted is None or abs(wanted) > LARGEST:
            continue
        symbolic, reverse = report.columns["symbolic"][k], report.columns["reverse"][k]
        if symbolic is not None:
            assert abs(symbolic - wanted) <= 2.0**-51 * abs(wanted) + mpf(10) ** -60, (name, symbolic, wanted)
        if report.verdicts[k].verdict == "agree" and reverse is not None:
            assert abs(reverse - wanted) <= 1e-7 * abs(wanted) + mpf(10) ** -60, (name, reverse, wanted)


def check_value(text: str, inputs: dict[str, float]) -> None:
    """The float value within its rounding bound of the exact one."""
    from backprop_cli.differentiation.rounding import rounding_bounds

    try:
        report = answer(text, inputs, ("reverse",))
        wanted = exact_value(text, report.inputs or {})  # a default is the float it was rounded to
    except (NoNumber, _Unclear, NoSuchNumber):
        return
    if any(n.op and n.op.piece for n in report.graph.nodes) or report.point is None:
        return  # rounding may choose another branch
    noise, _ = rounding_bounds(report.point)
    assert report.value is not None
    # first order: the second-order terms get a hundredth
    assert abs(report.value - wanted) <= 1.01 * noise + mpf(1e-300), (report.value, wanted, noise)


QUICK = settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
LONG = settings(QUICK, derandomize=False, max_examples=5_000)


@QUICK
@given(programs())
def test_a_number_exists_for_floats_where_it_exists_exactly(program: tuple[str, dict[str, float]]) -> None:
    check_status(*program)


@QUICK
@given(programs())
@example(("t0 = relu(x); out = t0 - relu(-x)", {"x": 0.0, "y": 0.0}))
@example(("t0 = max(x, y, x); out = t0*x - y", {"x": 1.0, "y": 1.0}))
def test_methods_tell_one_story(program: tuple[str, dict[str, float]]) -> None:
    check_numbers(*program)


@QUICK
@given(programs())
def test_values_are_within_their_rounding_bound(program: tuple[str, dict[str, float]]) -> None:
    check_value(*program)


@pytest.mark.nightly
@LONG
@given(programs())
def test_status_at_length(program: tuple[str, dict[str, float]]) -> None:
    check_status(*program)


@pytest.mark.nightly
@LONG
@given(programs())
def test_one_story_at_length(program: tuple[str, dict[str, float]]) -> None:
    check_numbers(*program)


@pytest.mark.nightly
@LONG
@given(programs())
def test_values_at_length(program: tuple[str, dict[str, float]]) -> None:
    check_value(*program)


@pytest.mark.parametrize(
    ("text", "point", "kind"),
    [
        ("x/y", {"x": 1.0, "y": 0.0}, DomainError),
        ("exp(x)", {"x": 1000.0}, RangeError),
        ("x^y", {"x": 0.0, "y": 0.0}, DomainError),
        ("sqrt(x)", {"x": 0.0}, SlopeError),
    ],
)
def test_the_second_evaluator_knows_the_edges(
    text: str, point: dict[str, float], kind: type[NoSuchNumber]
) -> None:
    """The oracle itself on known cases, so that agreement means something."""
    with pytest.raises(kind):
        answer(text, point)
    if kind is SlopeError:
        assert exact_value(text, point) == 0
        assert exact_slope(text, point, "x") is None
    else:
        with pytest.raises(NoNumber) as caught:
            exact_value(text, point)
        assert caught.value.word == kind.code


@pytest.mark.parametrize(
    ("text", "point", "slope"),
    [
        ("relu(x) - relu(-x)", {"x": 0.0}, 1.0),
        ("|x|/2 + x/2 - relu(x)", {"x": 0.0}, 0.0),
        ("max(x, 0) + min(x, 0)", {"x": 0.0}, 1.0),
    ],
)
def test_what_disagree_means_at_kinks(text: str, point: dict[str, float], slope: float) -> None:
    """The function is smooth, its steps are not: conventions at one point cannot know that."""
    report = answer(text, point)
    k = report.graph.inputs["x"]
    assert report.columns["finite"][k] == pytest.approx(slope, abs=1e-8)
    wrong = report.columns["reverse"][k] != slope
    assert (report.verdicts[k].verdict == "disagree") == wrong
    assert exact_slope(text, point, "x") == slope
