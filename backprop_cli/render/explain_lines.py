"""The lines of an explanation, as every format for people shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..engine.point import Edge
from ..errors import printable
from ..explanation.limits import Limit, inlined
from ..explanation.passes import Backward, Forward, Stop, Total, Use
from ..explanation.paths import EXACT_COUNT, Path, Reach, product_of
from ..explanation.point import Written, WrittenPoint
from ..explanation.report import MOST_LINES, MOST_PATHS, Explanation, idle
from ..explanation.steps import Derivation
from ..explanation.words import Direction, Nudge, Update
from ..explanation.written import Apply, Expr
from ..language.format import node_text, output_text
from ..language.numbers import brief, rounded
from .latex import text_to_latex, to_latex
from .written import Style, expression, name_read, written_name

LONGEST_CHAIN = 8
"""Longer chains are shown with dots in them."""
LONGEST_LOCAL = 48
"""Longer local derivatives are shown by their number alone."""
SHORT_SUM = 90
"""Sums of paths are written in symbols up to this many characters."""
MOST_ARGUMENTS = 5
"""Functions of more inputs are written with dots."""
LISTED = 12
"""Names in one sentence."""


# what every format shows


class Equation(NamedTuple):
    """Forms that are equal, ``d = a*b = 3 * (-2) = -6``, with words before and after."""

    forms: tuple[str, ...]
    before: str = ""
    after: str = ""
    target: str = ""


class Row(NamedTuple):
    """A line: what it is about, what holds, and a remark. Words alone are a remark alone."""

    label: str = ""
    equations: tuple[Equation, ...] = ()
    remark: str = ""
    depth: int = 0
    cells: tuple[str, ...] = ()


class Section(NamedTuple):
    """A heading, a rule in words, and rows."""

    title: str
    rows: list[Row]
    rule: str = ""
    columns: tuple[str, ...] = ()


class Voice:
    """How names, numbers and expressions are written.

    Args:
        output: What is differentiated.
        digits: Significant digits.
        latex: In LaTeX instead of our own language.
    """

    def __init__(self, output: str, digits: int, latex: bool = False) -> None:
        self.output = output
        self.digits = digits
        self.latex = latex
        self.symbols = Style(digits, symbols=True, latex=latex)
        self.numbers = Style(digits, latex=latex, spaced=True)
        self.times = r" \cdot " if latex else " * "

    def number(self, x: float) -> str:
        """Write a number."""
        return self.numbers.number(x)

    def name(self, name: str) -> str:
        """Write a name."""
        return written_name(name_read(name), self.latex) if self.latex else name

    def slope(self, of: str, by: str) -> str:
        """Write d of / d by."""
        if not self.latex:
            return f"d{of}/d{by}"
        top, below = self.name(of), self.name(by)
        return rf"\frac{{\partial {top}}}{{\partial {below}}}"

    def total(self, by: str) -> str:
        """Write d output / d by."""
        return self.slope(self.output, by)

    def text(self, words: str) -> str:
        """Write words where mathematics stands."""
        return rf"\text{{{text_to_latex(words)}}}" if self.latex else words

    def in_symbols(self, e: Expr) -> str:
        """Write an expression over names."""
        return expression(e, self.symbols)

    def in_numbers(self, e: Expr) -> str:
        """Write an expression with the numbers put in."""
        return expression(e, self.numbers)

    def product(self, factors: Sequence[str]) -> str:
        """Write a product, with dots in a long one."""
        shown = list(factors)
        if len(shown) > LONGEST_CHAIN:
            shown[LONGEST_CHAIN // 2 : -2] = [r"\dots" if self.latex else "..."]
        if self.latex:
            shown = [rf"\left({f}\right)" if k and f.startswith("-") else f for k, f in enumerate(shown)]
        return self.times.join(shown)

    def sum(self, terms: Sequence[float]) -> str:
        """Write a sum of numbers, with dots in a long one."""
        shown = [self.number(x) for x in terms]
        bracketed = [
            (rf"\left({t}\right)" if self.latex else f"({t})") if k and t.startswith("-") else t
            for k, t in enumerate(shown)
        ]
        if len(bracketed) > 2 * LONGEST_CHAIN:
            bracketed[LONGEST_CHAIN:-2] = [r"\dots" if self.latex else "..."]
        return " + ".join(bracketed)


def equal(*forms: str, before: str = "", after: str = "", target: str = "") -> Equation:
    """Return forms that are equal, each said once."""
    kept: list[str] = []
    for form in forms:
        if form and (not kept or form != kept[-1]):
            kept.append(form)
    return Equation(tuple(kept), before, after, target)


def listed(words: Sequence[str]) -> str:
    """Return ``a, b and c``."""
    shown = list(words[:LISTED])
    if len(words) > LISTED:
        return f"{', '.join(shown)} and {len(words) - LISTED:,} more"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def ordinal(n: int) -> str:
    """Return ``1st``."""
    return f"{n}{'th' if 10 <= n % 100 <= 20 else {1: 'st', 2: 'nd', 3: 'rd'}.get(n % 10, 'th')}"


def sections(told: Explanation, voice: Voice) -> list[Section]:
    """Return the page section by section."""
    plain = Voice(voice.output, voice.digits)
    found: list[Section] = []
    point = told.point
    if told.passes and point is not None:
        found += _passes(told, point, voice)
        found += _chains(told, point, voice)
    if told.update is not None and point is not None:
        found.append(_update(told.update, voice, plain))
    found += [_derivation(told, d, voice) for d in told.derivations]
    for name, limit in zip(told.wrt, told.limits, strict=False):
        found.append(_limit(told, name, limit, voice, plain))
    if told.passes and point is not None:
        found += _exactly(point, voice)
        found += _words(told, plain)
    return [s for s in found if s.rows]


def headline(told: Explanation, digits: int) -> str:
    """Return the output, how it is made, its value, and where."""
    point = told.point
    if told.step and point is not None:
        value = rounded(point.here.value, digits)
        return f"{printable(told.step)}: {told.graph.name(told.graph.output)} = {value}"
    text = output_text(told.graph)
    if point is None:
        return text
    where = ", ".join(f"{n} = {rounded(x, digits)}" for n, x in list(point.here.inputs.items())[:LISTED])
    more = ", ..." if len(point.here.inputs) > LISTED else ""
    value = rounded(point.here.value, digits)
    return f"{text} = {value}" + (f" at {where}{more}" if where else "")


# the passes


def _passes(told: Explanation, point: WrittenPoint, voice: Voice) -> list[Section]:
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
        found.append(Section("Forward pass", rows, rule))
        if told.backward:
            seed = Row("", (equal(voice.total(voice.output), voice.number(1.0)),))
            rows = [_backward(line, point, voice) for line in told.backward]
            found.append(Section("Backward pass, last step first", [seed, *rows]))
    if told.wrt and not told.chains:
        shown = told.wrt if told.summary is None else told.summary.steepest
        gradient = point.gradient
        rows = [Row("", (equal(voice.total(n), voice.number(gradient[n])),)) for n in shown[:64]]
        left = len(told.wrt) - len(rows)
        title = "Gradient" if not left else f"Gradient: the {len(rows)} steepest of {len(told.wrt):,} slopes"
        found.append(Section(title, rows))
    return found


def _is_condition(told: Explanation, id: int) -> bool:
    op = told.graph.nodes[id].op
    return op is not None and op.truth


def _forward(line: Forward, point: WrittenPoint, voice: Voice) -> Row:
    graph = point.graph
    name, value = voice.name(graph.own_name(line.id)), voice.number(line.value)
    symbols = voice.in_symbols(line.operation)
    remark = ""
    if line.branch is not None and line.condition is not None:
        condition, holds = line.condition
        plain = Voice(voice.output, voice.digits)
        numbers = voice.in_symbols(point.operand(line.branch))
        remark = f"{plain.in_numbers(condition)} is {'true' if holds else 'false'}"
        remark += ", just at its edge: the slope is that of the branch taken" if line.edge else ""
    else:
        numbers = voice.in_numbers(line.operation)
    return Row("", (equal(name, symbols, numbers, value),), remark)


def _backward(line: Backward, point: WrittenPoint, voice: Voice) -> Row:
    graph = point.graph
    if isinstance(line, Total):
        name = graph.own_name(line.id)
        times = {2: "twice", 3: "three times"}.get(len(line.amounts), f"{len(line.amounts)} times")
        label = voice.name(name) + voice.text(f" is used {times}")
        return Row(label, (equal(voice.total(name), voice.sum(line.amounts), voice.number(line.value)),))
    if isinstance(line, Stop):
        name = graph.own_name(line.id)
        zeros = listed([graph.own_name(i) for i in line.sources])
        return Row(
            _label(line.id, point, voice),
            (equal(voice.total(name), voice.number(0.0)),),
            f"nothing goes back through {name} to {zeros}",
        )
    return _use(line, point, voice)


def _label(id: int, point: WrittenPoint, voice: Voice) -> str:
    return f"{voice.name(point.graph.own_name(id))} = {voice.in_symbols(point.operation(id))}"


def _use(use: Use, point: WrittenPoint, voice: Voice) -> Row:
    graph, (user, _, source) = point.graph, use.edge
    of, by = graph.own_name(user), graph.own_name(source)
    symbols, numbers = _local(use.edge, use.local, point, voice)
    slope, amount = voice.number(use.number), voice.number(use.amount)
    remark = ""
    which = f"by the {ordinal(use.twin)} {by} in it" if use.twin else ""
    if user == graph.output:
        if use.shared:
            equations = [equal(symbols, numbers, slope, before="adds", target=voice.total(by))]
            remark = which
        else:
            equations = [equal(voice.total(by), symbols, numbers, slope)]
    else:
        chain = (voice.total(of), voice.slope(of, by))
        values = voice.product([voice.number(use.above), slope])
        if use.twin:
            equations = [equal(symbols, numbers, slope, before=f"{which}:")]
            bare = not isinstance(use.local, Apply) or not symbols
            chain = (voice.total(of), symbols if bare else f"({symbols})")
        else:
            equations = [equal(chain[1], symbols, numbers, slope)]
        if use.shared:
            product = voice.product(chain) if chain[1] else ""
            equations.append(equal(product, values, amount, before="adds", target=voice.total(by)))
        else:
            equations.append(equal(voice.total(by), voice.product(chain), values, amount))
    if use.kink is not None:
        left, right = (rounded(x, voice.digits) for x in (use.kink.left, use.kink.right))
        what = "jumps" if use.kink.jump else "has a kink"
        sides = f"slope {left} to the left, {right} to the right; " if left != right else ""
        here = f"{of} {what} here: {sides}by convention {use.kink.convention}"
        remark = "; ".join(filter(None, (remark, here)))
    return Row(_label(user, point, voice), tuple(equations), remark)


def _local(edge: Edge, local: Expr, point: WrittenPoint, voice: Voice) -> tuple[str, str]:
    """Return a local derivative over names and in numbers; nothing where its number says more."""
    op = point.graph.nodes[edge.user].op
    symbols = Voice(voice.output, voice.digits).in_symbols(local)
    if len(symbols) > LONGEST_LOCAL or (op is not None and op.chosen is not None):
        return "", ""
    numbers = "" if "where(" in symbols else voice.in_numbers(local)
    return voice.in_symbols(local), numbers


def _summary(told: Explanation, point: WrittenPoint, voice: Voice) -> list[Section]:
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
    found = [Section("Summary", rows)]
    if told.forward:
        all_ = len(told.forward) == summary.names
        count = "" if all_ else f", the last {len(told.forward)} of {summary.names:,}"
        named = []
        for line in told.forward:
            row = _forward(line, point, voice)
            slope = equal(voice.total(graph.own_name(line.id)), voice.number(point.here.cotangents[line.id]))
            more = (slope,) if point.here.active[line.id] else ()
            named.append(row._replace(equations=(*row.equations, *more)))
        found.append(Section(f"Named steps{count}", named))
    return found


# chains


def _chains(told: Explanation, point: WrittenPoint, voice: Voice) -> list[Section]:
    if not told.chains:
        return []
    out = voice.output
    listing = told.asked or told.detail == "full"
    single: list[Row] = []
    found: list[Section] = []
    for reach in told.chains:
        total, value = voice.total(reach.name), voice.number(reach.total)
        if len(reach.paths) > 1 and listing:
            found.append(
                Section(
                    f"Paths from {reach.name} to {out}: {_count(reach.many)}",
                    [*(_path(p, point, voice) for p in reach.paths), _path_sum(reach, point, voice, "sum")],
                )
            )
        elif len(reach.paths) > 1:
            row = _path_sum(reach, point, voice, "")
            single.append(row._replace(remark=f"{_count(reach.many)} paths, summed"))
        elif reach.paths and reach.paths[0].edges:
            path = _path(reach.paths[0], point, voice)
            forms = path.equations[0].forms
            single.append(Row("", (equal(total, *forms),)))
        else:
            if not reach.many:
                why = f"no path leads from {reach.name} to {out} here"
            elif reach.id == told.graph.output:
                why = "the output is an input"
            else:
                why = f"{_count(reach.many)} paths, summed by the backward pass all at once; "
                why += "--detail full lists them" if reach.many <= MOST_PATHS["full"] else "too many to list"
            single.append(Row("", (equal(total, value),), why))
    return [Section("Chain rule", single), *found]


def _count(many: int | float) -> str:
    if many < EXACT_COUNT:
        return f"{int(many):,}"
    return "more than 1e308" if many == float("inf") else f"about {brief(many, 2)}"


def _path(path: Path, point: WrittenPoint, voice: Voice) -> Row:
    name = point.graph.own_name
    arrow = r" \to " if voice.latex else " -> "
    ids = list(path.nodes)
    shown = [voice.name(name(i)) for i in ids]
    if len(shown) > LONGEST_CHAIN:
        shown[LONGEST_CHAIN // 2 : -2] = [r"\dots" if voice.latex else "..."]
    value = voice.number(path.product)
    if len(path.edges) == 1:
        forms = (*_local(path.edges[0], path.locals[0], point, voice), value)
    else:
        back = list(reversed(path.edges))
        chain = [voice.slope(name(e.user), name(e.source)) for e in back]
        numbers = [voice.number(x) for x in reversed(path.numbers)]
        forms = (voice.product(chain), voice.product(numbers), value)
    return Row(arrow.join(shown), (equal(*forms),))


def _path_sum(reach: Reach, point: WrittenPoint, voice: Voice, label: str) -> Row:
    symbols = ""
    if len(reach.paths) <= LONGEST_CHAIN:
        whole = Apply("add", tuple(product_of(p.locals) for p in reach.paths))
        symbols = voice.in_symbols(whole)
        plain = Voice(voice.output, voice.digits).in_symbols(whole)
        symbols = symbols if len(plain) <= SHORT_SUM else ""
    numbers = voice.sum([p.product for p in reach.paths])
    forms = equal(voice.total(reach.name), symbols, numbers, voice.number(reach.total))
    return Row(voice.text(label) if label else "", (forms,))


# what it means


def _exactly(point: WrittenPoint, voice: Voice) -> list[Section]:
    """Return the numbers without the rounding, where there was any."""
    if point.exact is None:
        return []
    rows = [Row("", (equal(voice.name(voice.output), voice.number(float(f"{point.exact.here.value:.6g}"))),))]
    for name, slope in list(point.exact.gradient.items())[:LISTED]:
        rows.append(Row("", (equal(voice.total(name), voice.number(float(f"{slope:.6g}"))),)))
    return [Section("Without rounding", rows)]


def _words(told: Explanation, plain: Voice) -> list[Section]:
    rows = [Row(remark=nudge_text(n, plain)) for n in told.nudges]
    if told.direction is not None:
        rows += [Row(remark=text) for text in direction_texts(told, told.direction, plain)]
    if told.cost is not None:
        rows.append(Row(remark=cost_text(told)))
    return [Section("In words", rows)]


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
    return f"{x:#.3g}".removesuffix(".") if x else "0"


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


def _update(update: Update, voice: Voice, plain: Voice) -> Section:
    sign, size = ("+", update.rate) if update.rate > 0 else ("-", -update.rate)
    rate = voice.number(size)
    rows = []
    for move in update.moves:
        name = voice.name(move.name)
        symbols = f"{name} {sign} {rate}{voice.times}{voice.total(move.name)}"
        slope = voice.number(move.slope)
        if voice.latex and slope.startswith("-"):
            slope = rf"\left({slope}\right)"
        numbers = f"{voice.number(move.old)} {sign} {rate}{voice.times}{slope}"
        new = f"{voice.text('new ')}{name}"
        rows.append(Row("", (equal(new, symbols, numbers, voice.number(move.new)),)))
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
    words = f"new = old {sign} rate*slope, with rate {plain.number(size)}: a step {way}"
    return Section("Update", rows, words)


# rules and limits


def _derivation(told: Explanation, d: Derivation, voice: Voice) -> Section:
    total = voice.in_symbols(d.total)
    rows = []
    for step in d.steps:
        equations = [equal(*map(voice.in_symbols, step.forms))]
        if step.inner is not None:
            name, meaning = (voice.in_symbols(e) for e in step.inner)
            if name == meaning:
                equations.append(equal(name, before="inner function"))
            else:
                equations.append(equal(name, meaning, before="with"))
        rows.append(Row(voice.text(step.rule), tuple(equations), depth=step.depth))
    if not d.steps:
        rows.append(Row(remark=f"{d.size:,} steps depend on {d.name}: too many to take one by one"))
    if d.substituted is not None:
        rows.append(Row(voice.text("put together"), (equal(total, voice.in_symbols(d.substituted)),)))
    formula = told.formulas.get(d.name)
    if formula is not None:
        written = to_latex(formula) if voice.latex else formula
        rows.append(Row(voice.text("simplified"), (equal(total, written),)))
    if told.point is not None:
        value = voice.number(told.point.here.cotangents[told.graph.inputs[d.name]])
        rows.append(Row(voice.text("at this point"), (equal(total, value),)))
    return Section(f"Derivative by {d.name}, rule by rule", rows)


def _limit(told: Explanation, name: str, limit: Limit | None, voice: Voice, plain: Voice) -> Section:
    graph = told.graph
    title = f"Limit definition by {name}"
    if limit is None:
        text = "no polynomial: with values for the inputs there is a table of quotients"
        return Section(title, [Row(remark=text)])
    function = voice.output
    h = voice.name(limit.letter)
    here, there = (_call(function, limit, told, voice, moved) for moved in (False, True))
    quotient = rf"\frac{{{there} - {here}}}{{{h}}}" if voice.latex else f"({there} - {here})/{h}"
    arrow = rf"\lim_{{{h} \to 0}} {quotient}" if voice.latex else f"limit of {quotient} as {h} goes to 0"
    slope = voice.slope(function, name)
    rows = [Row(voice.text("definition"), (equal(slope, arrow),))]
    if limit.moved is None:
        assert told.point is not None
        for row in limit.rows:
            cells = tuple("-" if q is None else plain.number(q) for q in (row.right, row.left))
            rows.append(Row(cells=(rounded(row.h, 3), *cells)))
        return Section(
            title,
            [*rows, Row(remark=_verdict(limit, plain))],
            columns=(limit.letter, "from the right", "from the left"),
        )
    assert limit.value is not None
    assert limit.difference is not None
    assert limit.quotient is not None
    assert limit.limit is not None
    whole = inlined(told.point or Written(graph), name, limit.letter)
    written = voice.in_symbols(whole) if whole is not None else ""
    rows += [
        Row(voice.text("at the point"), (equal(here, voice.in_symbols(limit.value)),)),
        Row(voice.text(f"moved by {limit.letter}"), (equal(there, written, voice.in_symbols(limit.moved)),)),
        Row(voice.text("difference"), (equal(f"{there} - {here}", voice.in_symbols(limit.difference)),)),
        Row(voice.text(f"divided by {limit.letter}"), (equal(quotient, voice.in_symbols(limit.quotient)),)),
        Row(
            voice.text(f"{limit.letter} goes to 0"),
            (equal(slope, voice.in_symbols(limit.limit)),),
        ),
    ]
    return Section(title, rows)


def _call(function: str, limit: Limit, told: Explanation, voice: Voice, moved: bool) -> str:
    inputs, name = limit.inputs, limit.name
    many = len(told.graph.inputs) > MOST_ARGUMENTS
    names = [name] if many else list(told.graph.inputs)
    parts = []
    for n in names:
        text = voice.name(n) if inputs is None else voice.number(inputs[n])
        parts.append(f"{text} + {voice.name(limit.letter)}" if moved and n == name else text)
    if many:
        dots = r"\dots" if voice.latex else "..."
        parts = [dots, *parts, dots]
    return f"{voice.name(function)}({', '.join(parts)})"


def _verdict(limit: Limit, voice: Voice) -> str:
    last = limit.rows[-1]
    slope = voice.number(limit.slope or 0.0)
    if limit.apart:
        right, left = (
            f"growing without end {way}" if endless else f"{rounded(x, 3)} {way}"
            for x, endless, way in (
                (last.right, limit.endless[0], "from the right"),
                (last.left, limit.endless[1], "from the left"),
            )
        )
        return (
            f"the two sides do not meet, {right} and {left}: there is no "
            f"derivative; the slope taken by convention is {slope}"
        )
    if last.right is None and last.left is None:
        return f"no value on either side; the rules give {slope}"
    if (last.right is None or last.left is None) and limit.shown:
        return f"one side has no value; the other one tends to the slope of the rules, {slope}"
    if not limit.shown:
        return f"these steps are too large to show it: the rules give {slope}"
    return f"both sides tend to {slope}, the slope that the rules give"
