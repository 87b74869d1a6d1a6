"""The lines of an explanation, as every format for people shows them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..engine.beside import told as beside_told
from ..engine.point import Edge
from ..errors import joined, printable
from ..explanation.decided import decided
from ..explanation.expr import Apply, Expr, Ref, is_choice, product_of
from ..explanation.paper import evaluate, has_value
from ..explanation.passes import Backward, Forward, Stop, Total, Use
from ..explanation.paths import EXACT_COUNT, Path, Reach
from ..explanation.point import Written, WrittenPoint
from ..explanation.report import MOST_LINES, MOST_PATHS, Explanation, idle
from ..explanation.steps import Derivation, Step
from ..explanation.words import Direction, Nudge, Update
from ..language.format import INPUTS_LISTED, headline, node_text, output_text
from ..language.numbers import brief, fixed, rounded
from .forms import (
    Becomes,
    Call,
    Cases,
    Form,
    Formula,
    Grouped,
    Named,
    Numbers,
    Operation,
    Phrase,
    Product,
    Slope,
    Sum,
    Symbols,
    Tends,
    Value,
    Way,
    Words,
)
from .page import Block, Equation, Equations, Heading, Lines, Row, Section
from .written import Style, expression

if TYPE_CHECKING:
    from ..explanation.layers import LayerRules
    from ..explanation.limits import Limit

MOST_TERMS = 8
"""Sums of more paths are written in numbers alone."""
LONGEST_LOCAL = 48
"""Longer local derivatives are shown by their number alone."""
SHORT_SUM = 90
"""Sums of paths are written in symbols up to this many characters."""
MOST_ARGUMENTS = 5
"""Functions of more inputs are written with dots."""
EXACT = 15
"""Digits that tell short decimals apart."""
LISTED = 12
"""Names in one sentence."""


class Part(NamedTuple):
    """A heading, a rule in words, and rows; or a table in their midst."""

    title: str
    rows: list[Row]
    rule: str = ""
    columns: tuple[str, ...] = ()


class Voice(NamedTuple):
    """What is differentiated, and how it is spoken of.

    Attributes:
        output: Its name.
        digits: Significant digits.
    """

    output: str
    digits: int

    def total(self, by: str) -> Slope:
        """Return d output / d by."""
        return Slope(self.output, by)

    def number(self, x: float) -> str:
        """Write a number in a sentence."""
        return rounded(x, self.digits)

    def symbols(self, e: Expr) -> str:
        """Write an expression over names in a sentence."""
        return expression(e, Style(self.digits, symbols=True))

    def numbers(self, e: Expr) -> str:
        """Write an expression in numbers in a sentence."""
        return expression(e, Style(self.digits, spaced=True))


def equal(*forms: Form | None, before: str = "", target: Form | None = None) -> Equation:
    """Return forms that are equal."""
    return Equation(forms, before, target)


def listed(words: Sequence[str]) -> str:
    """Return ``a, b and c``."""
    shown = list(words[:LISTED])
    if len(words) > LISTED:
        return f"{', '.join(shown)} and {len(words) - LISTED:,} more"
    return joined(shown)


def ordinal(n: int) -> str:
    """Return ``1st``."""
    return f"{n}{'th' if 10 <= n % 100 <= 20 else {1: 'st', 2: 'nd', 3: 'rd'}.get(n % 10, 'th')}"


def page(told: Explanation, digits: int) -> Iterator[Block]:
    """Yield the page section by section; numbers rounded by hand have few digits already."""
    if told.point is not None and not told.point.paper.exact:
        digits = EXACT
    yield Heading(heading(told, digits), mathematics=_heading_forms(told, digits))
    for part in _parts(told, Voice(told.graph.own_name(told.graph.output), digits)):
        if part.rows:
            yield Section(part.title, part.rule)
            yield Equations(part.rows, digits, part.columns, alone=len(told.graph.inputs) < 2)
    if told.layers is not None:
        yield from _layers(told.layers, digits)


def _layers(layers: LayerRules, digits: int) -> Iterator[Block]:
    """Yield the rules of whole layers: as matrices, by index, and one number of each."""
    from .arrays import rule_lines  # which loads NumPy

    yield Section("Layer by layer, for all numbers at once")
    names = ", ".join(f"{here} = {there}" for there, here in layers.names.items() if here != there)
    yield Lines([f"as a program: {layers.program}", f"in which {names}"], most=None)
    for rule in layers.rules:
        lines = rule_lines(rule, digits)
        if rule.by_index and rule.places:
            lines.append(f"  {rule.name}{rule.places} = {rule.by_index}")
        if rule.worked:
            lines.append(f"  {rule.name}{rule.place} = {rule.worked} = {rounded(rule.first, digits)}")
        yield Lines(lines, most=None)


def _parts(told: Explanation, voice: Voice) -> list[Part]:
    found: list[Part] = []
    point = told.point
    if told.passes and point is not None:
        found += _passes(told, point, voice)
        found += _chains(told, point, voice)
    if told.update is not None and point is not None:
        found.append(_update(told.update, voice))
    if told.rules:
        found.append(_rules(told, voice))
    found += [_derivation(told, d, voice) for d in told.derivations]
    for name, limit in zip(told.wrt, told.limits, strict=False):
        found.append(_limit(told, name, limit, voice))
    if told.passes and point is not None:
        found += _exactly(point, voice)
        found += _words(told, voice)
    return found


def heading(told: Explanation, digits: int) -> str:
    """Return the output, how it is made, its value, and where."""
    point = told.point
    if told.step and point is not None:
        value = rounded(point.here.value, digits)
        return f"{printable(told.step)}: {told.graph.name(told.graph.output)} = {value}"
    if point is None or not point.bound:
        return output_text(told.graph)
    return headline(told.graph, point.here.value, point.here.inputs, digits)


def _heading_forms(told: Explanation, digits: int) -> Form | None:
    """Return the same as mathematics; None where it is no equation."""
    graph, point = told.graph, told.point
    if told.step or graph.nodes[graph.output].op is None:
        return None
    name, _, text = output_text(graph).partition(" = ")
    parts: list[Form] = [Named(name), " = ", Formula(text)]
    if point is not None and point.bound:
        parts += [" = ", Formula(rounded(point.here.value, digits))]
        for k, (by, x) in enumerate(list(point.here.inputs.items())[:INPUTS_LISTED]):
            parts += [", " if k else Words(" at "), Named(by), " = ", Formula(rounded(x, digits))]
        parts += [", ", Words("...")] if len(point.here.inputs) > INPUTS_LISTED else []
    return Phrase(tuple(parts))


# the passes


def _passes(told: Explanation, point: WrittenPoint, voice: Voice) -> list[Part]:
    graph, found = told.graph, []
    hand = point.paper.decimals
    rule = "" if hand is None else f"every result is rounded to {hand} decimal{'' if hand == 1 else 's'}"
    if told.summary is not None:
        found += _summary(told, point, voice)
    else:
        rows = [_forward(line, point, voice) for line in told.forward]
        never, here = idle(told)
        unread, untaken = f"{voice.output} does not read", "not needed here, for its branch is not taken:"

        def made(id: int) -> str:
            """A branch not taken has no line above that says what it is."""
            return f"{graph.own_name(id)} = {node_text(graph, id)}"

        for ids, why, what in ((never, unread, graph.own_name), (here, untaken, made)):
            texts = [what(id) for id in ids if not _is_condition(told, id)]
            if texts:
                rows.append(Row(remark=f"{why} {listed(texts)}"))
        found.append(Part("Forward pass", rows, rule))
        if told.backward:
            seed = Row(None, (equal(voice.total(voice.output), Value(1.0)),))
            rows = [_backward(line, point, voice) for line in told.backward]
            found.append(Part("Backward pass, last step first", [seed, *rows]))
    if told.wrt and not told.chains and point.bound:
        shown = told.wrt if told.summary is None else told.summary.steepest
        gradient = point.gradient
        rows = [Row(None, (equal(voice.total(n), Value(gradient[n])),)) for n in shown[:64]]
        left = len(told.wrt) - len(rows)
        title = "Gradient" if not left else f"Gradient: the {len(rows)} steepest of {len(told.wrt):,} slopes"
        found.append(Part(title, rows))
    return found


def _is_condition(told: Explanation, id: int) -> bool:
    op = told.graph.nodes[id].op
    return op is not None and op.truth


def _forward(line: Forward, point: WrittenPoint, voice: Voice) -> Row:
    graph = point.graph
    name, value = Named(graph.own_name(line.id)), _value(line.value, point)
    symbols = Symbols(line.operation)
    remark = ""
    if line.branch is not None and line.condition is not None:
        condition, holds = line.condition
        numbers: Form | None = Symbols(point.operand(line.branch))
        remark = f"{voice.numbers(condition)} is {'true' if holds else 'false'}"
        remark += ", just at its edge: the slope is that of the branch taken" if line.edge else ""
    else:
        numbers = Numbers(line.operation) if point.bound else None
    return Row(None, (equal(name, symbols, numbers, value),), remark, nodes=(line.id,))


def _backward(line: Backward, point: WrittenPoint, voice: Voice) -> Row:
    graph = point.graph
    if isinstance(line, Total):
        name = graph.own_name(line.id)
        times = {2: "twice", 3: "three times"}.get(len(line.amounts), f"{len(line.amounts)} times")
        label = Phrase((Named(name), Words(f" is used {times}")))
        amounts = Sum(line.amounts) if point.bound else Words("their sum")
        equations = (equal(voice.total(name), amounts, _value(line.value, point)),)
        return Row(label, equations, nodes=(line.id,))
    if isinstance(line, Stop):
        name = graph.own_name(line.id)
        zeros = listed([graph.own_name(i) for i in line.sources])
        return Row(
            _label(line.id, point),
            (equal(voice.total(name), Value(0.0)),),
            f"nothing goes back through {name} to {zeros}",
            nodes=(line.id, *line.sources),
        )
    return _use(line, point, voice)


def _label(id: int, point: WrittenPoint) -> Form:
    return Phrase((Named(point.graph.own_name(id)), " = ", Symbols(point.operation(id))))


def _value(x: float, point: WrittenPoint) -> Value | None:
    return Value(x) if point.bound else None


def _use(use: Use, point: WrittenPoint, voice: Voice) -> Row:
    graph, (user, _, source) = point.graph, use.edge
    of, by = graph.own_name(user), graph.own_name(source)
    symbols, numbers = _local(use.edge, use.local, point, voice)
    slope, amount = _value(use.number, point), _value(use.amount, point)
    remark = ""
    which = f"by the {ordinal(use.twin)} {by} in it" if use.twin else ""
    if user == graph.output:
        if use.shared:
            equations = [equal(symbols, numbers, slope, before="adds", target=voice.total(by))]
            remark = which
        else:
            equations = [equal(voice.total(by), symbols, numbers, slope)]
    else:
        factor: Form | None = Slope(of, by)
        values = Product([Value(use.above), slope]) if slope is not None else None
        if use.twin:
            equations = [equal(symbols, numbers, slope, before=f"{which}:")]
            factor = _grouped(symbols)
        else:
            equations = [equal(factor, symbols, numbers, slope)]
        product = None if factor is None else Product((voice.total(of), factor))
        if use.shared:
            equations.append(equal(product, values, amount, before="adds", target=voice.total(by)))
        else:
            equations.append(equal(voice.total(by), product, values, amount))
    if use.kink is not None:
        left, right = (rounded(x, voice.digits) for x in (use.kink.left, use.kink.right))
        what = "jumps" if use.kink.jump else "has a kink"
        sides = f"slope {left} to the left, {right} to the right; " if left != right else ""
        here = f"{of} {what} here: {sides}by convention {use.kink.convention}"
    else:
        here = _why(use, point, voice)
    remark = "; ".join(filter(None, (remark, here)))
    return Row(_label(user, point), tuple(equations), remark, nodes=(source, user))


def _why(use: Use, point: WrittenPoint, voice: Voice) -> str:
    """Say why a use has this slope, where a comparison decides it: ``3 > -1: the slope goes to a alone``."""
    graph, (user, _, source) = point.graph, use.edge
    op = graph.nodes[user].primitive
    compared = decided(use.local, point.paper).compared if point.bound and op.chosen is None else ()
    if not compared:
        return ""
    if op.wins is not None and len(graph.nodes[user].inputs) > 2:
        said = dict.fromkeys([f"{voice.number(point.here.values[user])} is the {op.says.split()[0]}"])
    else:
        said = dict.fromkeys(_relation(a, b, point, voice) for a, b in compared)
    if "" in said:
        return ""
    by = graph.own_name(source)
    ends = {0.0: f": no slope goes to {by}", 1.0: f": the slope goes to {by}{' alone' if op.wins else ''}"}
    return " and ".join(said) + ends.get(use.number, "")


def _relation(a: Expr, b: Expr, point: WrittenPoint, voice: Voice) -> str:
    """Return how two numbers lie; "" where the digits that are shown do not tell."""
    x, y = (evaluate(e, point.paper) for e in (a, b))
    left, right = voice.number(x), voice.number(y)
    return "" if left == right else f"{left} {'<' if x < y else '>'} {right}"


def _local(edge: Edge, local: Expr, point: WrittenPoint, voice: Voice) -> tuple[Form | None, Form | None]:
    """Return a local derivative over names and in numbers; nothing where its number says more."""
    unwritten = isinstance(local, Ref) and bool(local.name.of)
    if not point.bound:
        return None if unwritten else Symbols(local), None
    op = point.graph.nodes[edge.user].op
    found = decided(local, point.paper)
    chosen = op is not None and op.chosen is not None and found.compared
    if chosen or unwritten or len(voice.symbols(found.expr)) > LONGEST_LOCAL:
        return None, None
    return Symbols(found.expr), Numbers(found.expr) if has_value(found.expr) else None


def _grouped(symbols: Form | None) -> Form | None:
    """Return a local derivative as a factor."""
    whole = isinstance(symbols, Symbols) and isinstance(symbols.expr, Apply)
    return Grouped(symbols) if symbols is not None and whole else symbols


def _factor(edge: Edge, local: Expr, point: WrittenPoint, voice: Voice) -> Form | None:
    """Return what an edge multiplies: by its name, or, where dv/dx is the sum of several, as it is."""
    sources = [e.source for e in point.edges(edge.user)]
    if sources.count(edge.source) > 1:
        return _grouped(_local(edge, local, point, voice)[0])
    name = point.graph.own_name
    return Slope(name(edge.user), name(edge.source))


def _summary(told: Explanation, point: WrittenPoint, voice: Voice) -> list[Part]:
    summary, graph = told.summary, told.graph
    assert summary is not None
    inputs = len(graph.inputs)
    rows = [
        Row(
            remark=f"{len(graph):,} nodes: {inputs:,} input{'s' * (inputs != 1)} and {summary.steps:,} steps "
            f"that {voice.output} needs, {summary.depth:,} of them on the longest path"
        )
    ]
    if told.asked:
        between = f"{listed(told.wrt)} and {voice.output}"
        rows.append(Row(remark=f"{summary.through:,} steps lie between {between}"))
    most = MOST_LINES[told.detail]
    ways = ["--wrt NAME writes out the steps between one input and the output, where they are few enough"]
    if told.detail != "full":
        ways.append(f"--detail full writes out up to {MOST_LINES['full']:,} steps")
    if told.step:
        ways.append("training.batch_size=1 takes one row at a time")
    else:
        ways.append("a name for a step (d = a*b; ...) lets it be listed here")
    rows.append(Row(remark=f"more than {most:,} steps are not written out; to narrow it down:"))
    rows += [Row(remark=f"- {way}") for way in ways]
    found = [Part("Summary", rows)]
    if told.forward:
        all_ = len(told.forward) == summary.names
        count = "" if all_ else f", the last {len(told.forward)} of {summary.names:,}"
        named = []
        for line in told.forward:
            row = _forward(line, point, voice)
            slope = equal(voice.total(graph.own_name(line.id)), Value(point.here.cotangents[line.id]))
            more = (slope,) if point.here.active[line.id] and point.bound else ()
            named.append(row.replace(equations=(*row.equations, *more)))
        found.append(Part(f"Named steps{count}", named))
    return found


# chains


def _chains(told: Explanation, point: WrittenPoint, voice: Voice) -> list[Part]:
    if not told.chains:
        return []
    out = voice.output
    listing = told.asked or told.detail == "full"
    single: list[Row] = []
    found: list[Part] = []
    for reach in told.chains:
        total = voice.total(reach.name)
        value = _value(reach.total, point) if reach.many or point.bound else Value(0.0)
        if len(reach.paths) > 1 and listing:
            found.append(
                Part(
                    f"Paths from {reach.name} to {out}: {_count(reach.many)}",
                    [*(_path(p, point, voice) for p in reach.paths), _path_sum(reach, point, voice, "sum")],
                )
            )
        elif len(reach.paths) > 1:
            row = _path_sum(reach, point, voice, "")
            single.append(row.replace(remark=f"{_count(reach.many)} paths, summed"))
        elif reach.paths and reach.paths[0].edges:
            path = _path(reach.paths[0], point, voice)
            forms = path.equations[0].forms
            single.append(Row(None, (equal(total, *forms),)))
        else:
            limit = point.here.limits.get(reach.id)
            if limit is not None:
                why = f"{beside_told(told.graph, limit)}; the limit of the quotients stands"
            elif not reach.many:
                why = f"no path leads from {reach.name} to {out} here"
            elif reach.id == told.graph.output:
                why = "the output is an input"
            else:
                why = f"{_count(reach.many)} paths, summed by the backward pass all at once; "
                why += "--detail full lists them" if reach.many <= MOST_PATHS["full"] else "too many to list"
                if reach.many == 1:
                    why = "one path; --detail full writes it out"
            single.append(Row(None, (equal(total, value),), why))
    return [Part("Chain rule", single), *found]


def _count(many: int | float) -> str:
    if many < EXACT_COUNT:
        return f"{int(many):,}"
    return "more than 1e308" if many == float("inf") else f"about {brief(many, 2)}"


def _path(path: Path, point: WrittenPoint, voice: Voice) -> Row:
    name = point.graph.own_name
    value = _value(path.product, point)
    forms: tuple[Form | None, ...]
    if len(path.edges) == 1:
        forms = (*_local(path.edges[0], path.locals[0], point, voice), value)
    else:
        back = zip(reversed(path.edges), reversed(path.locals), strict=True)
        chain = [factor for e, local in back if (factor := _factor(e, local, point, voice)) is not None]
        factors = Product(chain) if len(chain) == len(path.edges) else None
        numbers = Product([Value(x) for x in reversed(path.numbers)]) if point.bound else None
        written = None if point.bound else Symbols(product_of(path.locals))
        forms = (factors, written, numbers, value)
    return Row(Way([name(i) for i in path.nodes]), (equal(*forms),), nodes=path.nodes)


def _path_sum(reach: Reach, point: WrittenPoint, voice: Voice, label: str) -> Row:
    symbols: Form | None = None
    if len(reach.paths) <= MOST_TERMS:
        paths = [p.locals for p in reach.paths]
        if point.bound:
            paths = [tuple(decided(e, point.paper).expr for e in locals_) for locals_ in paths]
        whole = Apply("add", tuple(map(product_of, paths)))
        short = len(voice.symbols(whole)) <= SHORT_SUM
        symbols = Symbols(whole) if short or not point.bound else None
    numbers = Sum([p.product for p in reach.paths]) if point.bound else None
    forms = equal(voice.total(reach.name), symbols, numbers, _value(reach.total, point))
    return Row(Words(label) if label else None, (forms,))


# what it means


def _exactly(point: WrittenPoint, voice: Voice) -> list[Part]:
    """Return the numbers without the rounding, where there was any."""
    if point.exact is None:
        return []
    rows = [Row(None, (equal(Named(voice.output), Value(float(f"{point.exact.here.value:.6g}"))),))]
    for name, slope in list(point.exact.gradient.items())[:LISTED]:
        rows.append(Row(None, (equal(voice.total(name), Value(float(f"{slope:.6g}"))),)))
    return [Part("Without rounding", rows)]


def _words(told: Explanation, voice: Voice) -> list[Part]:
    rows = [Row(remark=nudge_text(n, voice)) for n in told.nudges]
    if told.direction is not None:
        rows += [Row(remark=text) for text in direction_texts(told, told.direction, voice)]
    if told.cost is not None and told.detail == "full":
        rows.append(Row(remark=cost_text(told)))
    return [Part("In words", rows)]


def nudge_text(n: Nudge, voice: Voice) -> str:
    """Return ``raise a by 0.01 and L rises by about 0.04 (really 0.0400)``."""
    step, out = rounded(n.step, 3), voice.output
    about = rounded(abs(n.about), 3)
    if n.really is None:
        return f"raise {n.name} by {step} and {out} has no value there"
    moves = "rises" if n.really > 0 else "falls"
    really = _shown(abs(n.really))
    if not n.about:
        change = f" (really it {moves} by {really})" if n.really else ""
        return f"raise {n.name} by {step} and {out} stays, to first order: the slope is 0{change}"
    way = "rises" if n.about > 0 else "falls"
    if way != moves and n.really:
        really = f"it {moves} by {really}"
    held = "" if n.holds else ": the slope changes within so large a step"
    return f"raise {n.name} by {step} and {out} {way} by about {about} (really {really}{held})"


def _shown(x: float) -> str:
    return fixed(x, 3) if x else "0"


def direction_texts(told: Explanation, d: Direction, voice: Voice) -> list[str]:
    """Return what the gradient's direction and length mean."""
    out, digits = voice.output, voice.digits
    kinks = any(isinstance(line, Use) and line.kink for line in told.backward)
    texts = []
    if kinks or any(line.edge for line in told.forward):
        texts.append("at a kink or an edge the slope is a convention: it may not hold on both sides")
    kinks = bool(texts)
    if not d.length:
        return texts or [f"every slope is 0: to first order, small moves leave {out} where it is"]
    up = f"raise {listed(d.up)}" if d.up else ""
    down = f"lower {listed(d.down)}" if d.down else ""
    way = f"to raise {out}: {' and '.join(filter(None, (up, down)))}"
    if len(told.wrt) == 1:
        return [*texts, way]
    way += f"; {d.strongest} counts most" if d.strongest and len(d.up) + len(d.down) > 1 else ""
    if d.flat:
        way += f"; {listed(d.flat)} {'does' if len(d.flat) == 1 else 'do'} nothing"
    texts.append(way)
    if kinks:  # where the gradient may not be the steepest way
        return texts
    length = rounded(d.length, digits)
    texts.append(
        f"the gradient is {length} long: a small step s along it raises {out} by about {length}*s, "
        "the most of all directions; the opposite one lowers it the most"
    )
    if told.detail == "full" and len(told.wrt) <= LISTED:
        unit = ", ".join(f"{n} {rounded(x, 3)}" for n, x in d.unit.items())
        texts.append(f"its direction, as a step of length 1: {unit}")
        texts.append(f"to first order, a step at right angles to it leaves {out} as it is")
    return texts


def cost_text(told: Explanation) -> str:
    """Return what the slopes cost by each method."""
    cost = told.cost
    assert cost is not None
    slopes = "slope" if cost.inputs == 1 else f"{cost.inputs:,} slopes"
    bound = "" if cost.exact else "up to "
    value = f"{cost.value:,} multiplication{'' if cost.value == 1 else 's'}"
    return (
        f"cost: {value} for the value; for the {slopes} {cost.reverse:,} more backwards, {bound}"
        f"{cost.forward:,} in forward mode, {cost.finite:,} by central differences, which are not exact"
    )


def _update(update: Update, voice: Voice) -> Part:
    sign, size = ("+", update.rate) if update.rate > 0 else ("-", -update.rate)
    rate = Value(size)
    rows = []
    for move in update.moves:
        name = Named(move.name)
        symbols, numbers = (
            Operation("add" if update.rate > 0 else "subtract", (old, Product((rate, slope))))
            for old, slope in ((name, voice.total(move.name)), (Value(move.old), Value(move.slope)))
        )
        new = Phrase((Words("new "), name))
        rows.append(Row(None, (equal(new, symbols, numbers, Value(move.new)),)))
    out, digits = voice.output, voice.digits
    before = rounded(update.before, digits)
    if update.after is None:
        rows.append(Row(remark=f"{out} was {before}; at the new point it has no value: a smaller rate helps"))
    else:
        change = update.after - update.before
        way = "rose" if change > 0 else "fell" if change < 0 else "did not move"
        by = f" by {rounded(abs(change), min(digits, 6))}" if change else ""
        foretold = "no change"
        if update.expected:
            foretold = f"a {'rise' if update.expected > 0 else 'fall'} by "
            foretold += rounded(abs(update.expected), min(digits, 6))
        now = rounded(update.after, digits)
        rows.append(Row(remark=f"{out} was {before} and is now {now}: it {way}{by}"))
        rows.append(
            Row(remark=f"the slopes foretold {foretold}: the rate times the gradient's length squared")
        )
    way = "up" if update.rate > 0 else "down"
    words = f"new = old {sign} rate*slope, with rate {voice.number(size)}: a step {way}"
    return Part("Update", rows, words)


def _rules(told: Explanation, voice: Voice) -> Part:
    """Return the update of every input in symbols, and with the values that were given."""
    assert told.rate is not None
    op, sign = ("add", "+") if told.rate > 0 else ("subtract", "-")
    rows = []
    for rule in told.rules:
        slope = Slope(voice.output, rule.name, len(told.graph.inputs) > 1)
        moved = Operation(op, (Named(rule.name), Product((Named(rule.letter), slope), tight=True)))
        forms: list[Form | None] = [Becomes(rule.name, moved)]
        forms.append(Symbols(rule.symbols) if rule.symbols is not None else None)
        forms.append(Symbols(rule.numbers) if rule.numbers is not None else None)
        forms.append(Value(rule.value) if rule.value is not None else None)
        rows.append(Row(None, (equal(*forms),)))
    letter = told.rules[0].letter
    words = f"new = old {sign} rate*slope, with rate {letter} = {voice.number(abs(told.rate))}: "
    return Part("Update", rows, words + f"a step {'up' if told.rate > 0 else 'down'}")


# rules and limits


def _by_cases(e: Expr) -> Form:
    """Return an expression, a choice as its cases."""
    return Cases(e) if is_choice(e) else Symbols(e)


def is_simpler(formula: str, together: str) -> bool:
    """Whether a formula says more than what was put together: not longer, not the same in another order."""

    def terms(text: str) -> list[str]:
        return sorted(re.split(r" (?=[+-] )", text if text.startswith("-") else f"+ {text}"))

    return len(formula) <= len(together) and terms(formula) != terms(together)


def step_rows(steps: Sequence[Step], depth: int = 0) -> list[Row]:
    """Return a line for every rule."""
    rows = []
    for step in steps:
        equations = [equal(*map(_by_cases, step.forms))]
        for name, meaning in step.meanings:
            if name == meaning:
                equations.append(equal(Symbols(name), before="inner function"))
            else:
                first = len(equations) == 1
                equations.append(equal(Symbols(name), Symbols(meaning), before="with" if first else ""))
        rows.append(Row(Words(step.rule), tuple(equations), depth=depth + step.depth))
    return rows


def _derivation(told: Explanation, d: Derivation, voice: Voice) -> Part:
    total = Symbols(d.total)
    rows = step_rows(d.steps)
    if not d.steps:
        rows.append(Row(remark=f"{d.size:,} steps depend on {d.name}: too many to take one by one"))
    put = d.substituted
    if put is not None and (len(d.steps) != 1 or put != d.steps[0].forms[-1]):
        rows.append(Row(Words("put together"), (equal(total, _by_cases(put)),)))
    formula = told.formulas.get(d.name)
    if formula is not None and (put is None or is_simpler(formula, voice.symbols(put))):
        rows.append(Row(Words("simplified"), (equal(total, Formula(formula, voice.output)),)))
    back = told.put_back.get(d.name)
    if back is not None and formula is not None and back != formula:
        steps = [n for n, id in told.graph.named.items() if told.graph.nodes[id].op is not None]
        names = " and ".join(n for n in steps if re.search(rf"(?<!\w){n}(?!\w)", formula))
        rows.append(Row(Words(f"{names} put back"), (equal(total, Formula(back, voice.output)),)))
    if told.point is not None:
        value = Value(told.point.here.cotangents[told.graph.id_of(d.name)])
        rows.append(Row(Words("at this point"), (equal(total, value),)))
    return Part(f"Derivative by {d.name}, rule by rule", rows)


def _limit(told: Explanation, name: str, limit: Limit | None, voice: Voice) -> Part:
    graph = told.graph.with_input(name)
    title = f"Limit definition by {name}"
    if limit is None:
        text = (
            "no polynomial, quotient or root of one: with values for the inputs there is a table of quotients"
        )
        return Part(title, [Row(remark=text)])
    # of a step as if it were an input: without those that it alone is made of
    read = graph.needed()
    arguments = [n for n, id in graph.inputs.items() if read[id] or graph is told.graph]
    function = voice.output
    h = Named(limit.letter)
    here, there = (_call(function, limit, arguments, moved) for moved in (False, True))
    difference = Operation("subtract", (there, here))
    quotient = Operation("divide", (difference, h))
    slope = Slope(function, name)
    rows = [Row(Words("definition"), (equal(slope, Tends(h, quotient)),))]
    if limit.moved is None:
        assert told.point is not None
        for row in limit.rows:
            cells = tuple("-" if q is None else voice.number(q) for q in (row.forward, row.backward))
            rows.append(Row(cells=(rounded(row.h, 3), *cells)))
        return Part(
            title,
            [*rows, Row(remark=_verdict(limit, voice))],
            columns=(limit.letter, "from the right", "from the left"),
        )
    assert limit.value is not None
    assert limit.difference is not None
    assert limit.quotient is not None
    assert limit.limit is not None
    from ..explanation.limits import inlined

    numbers = told.point.numbers if told.point is not None else None
    whole = inlined(Written(graph, numbers), name, limit.letter)
    written = Symbols(whole) if whole is not None else None
    value = ends = None  # in digits, where algebra leaves a quotient or a root of numbers
    if told.point is not None and limit.slope is not None:
        value = Value(told.point.here.values[graph.output]) if isinstance(limit.value, Apply) else None
        ends = Value(limit.slope) if isinstance(limit.limit, Apply) else None
    rows += [
        Row(Words("at the point"), (equal(here, Symbols(limit.value), value),)),
        Row(Words(f"moved by {limit.letter}"), (equal(there, written, Symbols(limit.moved)),)),
        *(Row(Words(how), (equal(difference, Symbols(e)),)) for how, e in limit.together),
        Row(
            Words("multiplied out" if limit.together else "difference"),
            (equal(difference, Symbols(limit.difference)),),
        ),
        Row(Words(f"divided by {limit.letter}"), (equal(quotient, Symbols(limit.quotient)),)),
        Row(Words(f"{limit.letter} goes to 0"), (equal(slope, Symbols(limit.limit), ends),)),
    ]
    return Part(title, rows)


def _call(function: str, limit: Limit, arguments: Sequence[str], moved: bool) -> Call:
    inputs, name = limit.inputs, limit.name
    many = len(arguments) > MOST_ARGUMENTS
    names = [name] if many else arguments
    parts: list[Form | None] = []
    for n in names:
        own: Form = Named(n) if inputs is None else Value(inputs[n])
        parts.append(Operation("add", (own, Named(limit.letter))) if moved and n == name else own)
    return Call(function, [None, *parts, None] if many else parts)


def _verdict(limit: Limit, voice: Voice) -> str:
    tends, last = limit.tends, limit.rows[-1]
    assert tends is not None
    slope = voice.number(limit.slope or 0.0)
    if tends.apart:
        right, left = limit.sides
        digits = next(d for d in (3, 6, 17) if d == 17 or rounded(left, d) != rounded(right, d))
        sides = (
            f"{'growing without end' if endless else 'no value' if x is None else rounded(x, digits)} {way}"
            for x, endless, way in (
                (right, tends.infinite[1], "from the right"),
                (left, tends.infinite[0], "from the left"),
            )
        )
        return (
            f"the two sides do not meet, {' and '.join(sides)}: there is no "
            f"derivative; the slope taken by convention is {slope}"
        )
    if tends.kind == "disagree" and tends.left is not None:
        return f"the quotients tend to {voice.number(tends.left)}, but the rules give {slope}: {tends.why}"
    if tends.outside and last.forward is None and last.backward is None:
        return f"no value on either side; the rules give {slope}"
    if not limit.shown and limit.rounded:
        return f"in rounded numbers they do not show it: the rules give {slope}"
    if not limit.shown and limit.hidden:
        return f"in steps this small rounding hides it: the rules give {slope}"
    if not limit.shown:
        return f"these steps are too large to show it: the rules give {slope}"
    if tends.outside:
        return f"one side has no value; the other one tends to the slope of the rules, {slope}"
    return f"both sides tend to {slope}, the slope that the rules give"
