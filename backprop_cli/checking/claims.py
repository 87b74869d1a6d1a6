"""Claims judged one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice, product
from math import inf, isfinite
from statistics import median
from typing import Any, Protocol

from ..engine.run import bind, is_bound, leaf_values, run
from ..engine.sweep import active_nodes, sweep
from ..errors import BackpropError, ExpressionError
from ..graph import Graph, Node
from ..language.numbers import brief, exact_text
from ..ops import Primitive, precision
from ..ops.namespaces import FLOATS, multiprecision
from .answers import Answer, Target, read_answer, read_target, slopes_in, told_in_quotients
from .catalogue import Mistake, found_in, in_the_first, quantity
from .cures import cure, cure_at
from .derivatives import as_shown, claimed, derivative, slope_text
from .judging import Claim, Earlier, OneByOne
from .question import Ground, Question
from .ranking import MAY_BE
from .sampling import (
    DIGITS,
    EQUAL,
    LEAST_POINTS,
    MOST_NODES,
    SAME,
    WORK,
    Agreement,
    Sample,
    at_points,
    beside_kinks,
    besides,
    compare,
    outskirts,
    samples,
    side_of,
    value_at,
    work,
)
from .verdicts import (
    LEAST_DIGITS,
    NEAR,
    NONE,
    RIGHT,
    ROUNDED,
    WRONG,
    Verdict,
    close,
    digits_right,
    follows_from,
    is_bare,
    is_slip,
    loosely,
    matching,
    weak,
    with_mistakes,
)

MOST_TRIES = 64
"""Choices of inputs that are kept or moved where a formula may have the values of some put in."""

FEW = 20
"""Times that an input takes part, up to which their count is a number of the derivative."""

LocalDerivatives = Callable[[Primitive, float, list[float]], list[float]]
"""From a step's value and operands."""

PROBES = 6
"""Points at which a formula's mistake is looked for."""

CANCELLED = 1e-14
"""What floats may be off by where a mistake's number is small against the right one, as a share of that."""

SOUND = 9
"""Digits of the right number that floats have at such a point."""


def read_claim(
    name: str, text: str, graph: Graph, before: Sequence[Claim[Target, Answer]] = ()
) -> Claim[Target, Answer]:
    """Read a claim; what is wrong with it is kept.

    Args:
        name: The quantity as written.
        text: The answer as written.
        graph: The program.
        before: Earlier claims of the same person, whose quantities the answer may name: ``dL/dz*x``.
    """
    target = answer = None
    try:
        target = read_target(name, graph)
        if text.strip():
            claimed = {c.target for c in before if c.target and c.answer and len(c.target.by) == 1}
            plain, slopes = slopes_in(text, graph, claimed - {target}, target)
            formulas = {short: slope_text(graph, t.of, t.by[0]) for short, t in slopes.items()}
            try:
                answer = read_answer(plain, graph, target, formulas)
            except ExpressionError as error:
                raise told_in_quotients(error, formulas) from None
            answer.text = text
    except BackpropError as error:
        return Claim(name, text, target, None, error)
    return Claim(name, text, target, answer)


class Judge(OneByOne[Target, Answer]):
    """Judges claims about one program; what is right is worked out once.

    Args:
        graph: The program.
        bindings: Values of its inputs; empty for a judgement of formulas in general.
        least_digits: Significant digits that a rounded number needs.
        strict: At a kink there is no derivative, whatever the convention.
        prove: Whether SymPy can prove a formula equal to a quantity, of formulas in general.
    Raises:
        BindingError: where some inputs have a value and others none.
    """

    def __init__(
        self,
        graph: Graph,
        bindings: Mapping[str, float],
        *,
        least_digits: int = LEAST_DIGITS,
        strict: bool = False,
        prove: Callable[[Target, Answer], bool] | None = None,
    ) -> None:
        self.graph = graph
        self.prove = prove
        self.least = least_digits
        self.strict = strict
        self.ground = Ground.of(graph, bind(graph, bindings)) if is_bound(graph, bindings) else None
        self._questions: dict[Target, Question] = {}
        self._places: dict[float, Judge] = {}

    def question(self, target: Target) -> Question:
        """Return a quantity, with what is known of it."""
        if target not in self._questions:
            self._questions[target] = Question(self.graph, target, self.ground)
        return self._questions[target]

    def answered(self, target: Target, answer: Answer, wrong: Sequence[Earlier[Target, Answer]]) -> Verdict:
        if target.at is not None:
            return self._at_a_place_of_its_own(target, answer)
        asked = self.question(target)
        copied = copied_from(self.graph, target, answer, here=self.ground is not None)
        if copied:
            right = asked.right.number if self.ground is not None else None
            return Verdict(target.text, answer.text, WRONG, copied, right=right)
        if self.ground is None:
            return self._in_general(asked, answer, wrong)
        return self._at_the_point(asked, answer, wrong)

    def _at_a_place_of_its_own(self, target: Target, answer: Answer) -> Verdict:
        """Judge an answer to ``f'(3)``, wherever the others are judged."""
        assert target.at is not None
        (name,) = self.graph.inputs
        there = self._places.setdefault(
            target.at, Judge(self.graph, {name: target.at}, least_digits=self.least, prove=self.prove)
        )
        return there.answered(target._replace(at=None), answer, ())

    def cure(self, target: Target, verdict: Verdict) -> str:
        """Return what to do about a mistake, with the step's own parts where it is at one."""
        leaves = self.ground.leaves if self.ground is not None else None
        if leaves is None and (found := self.question(target).samples):
            leaves = leaf_values(self.graph, found[0].inputs)
        if leaves is None or not verdict.mistake or not target.by:
            return cure(verdict.mistake, of_value=not target.by)
        says = verdict.says.removeprefix(MAY_BE)
        return cure_at(found_in(self.graph, leaves, target, says), verdict.mistake)

    def number(self, answer: Answer) -> float | None:
        """Return an answer's number at the point; None without one."""
        if self.ground is None or answer.graph is None:
            return None
        value = answer.value if answer.value is not None else answer.at(self.ground.values)
        return value if isfinite(value) else None

    # at a point

    def _at_the_point(
        self, asked: Question, answer: Answer, wrong: Sequence[Earlier[Target, Answer]]
    ) -> Verdict:
        target, right = asked.target, asked.right.number
        base = Verdict(target.text, answer.text, WRONG, right=right)
        if answer.graph is None:
            if right is None:
                return base._replace(verdict=RIGHT, says=f"there is no such number: {asked.right.why}")
            kink = asked.kink()
            if kink:
                return base._replace(verdict=RIGHT, says=kink)
            return base._replace(says="there is such a number", mistake="exists")
        if right is None:
            return base._replace(verdict=NONE, says=asked.right.why)
        if self.strict and (kink := asked.kink()):
            return base._replace(says=f"there is no derivative: {kink.partition(';')[0]}", right=None)
        value, sample = self.number(answer), asked.right.sample
        here = value_at(answer, sample) if answer.names and sample is not None else None
        # in floats a formula may lose digits that it does not lose
        value = float(here) if here is not None and here != inf else value
        if value is None:
            return base._replace(says="the formula has no value at this point", mistake="no value")
        says = exact_text(value) if answer.value is None else ""
        verdict = close(base, answer, value, right, self.least, asked.slack)
        if verdict is not None and verdict.good:
            if answer.value is None:
                return self._also_elsewhere(verdict, asked, answer)
            kink = asked.kink()
            return verdict._replace(says="; ".join(filter(None, (verdict.says, kink))))
        # what is right, but short, is no less so where it follows from something short
        follows = None if verdict is not None else self.follows(base, target, answer, value, right, wrong)
        if follows is not None and (follows.finer or follows.good):
            return follows
        kink = asked.kink(value)
        if kink:
            return base._replace(verdict=NONE, says=kink)
        # a number of two digits is a mistake's where it is that exactly
        named = self._named(asked, answer, value, right, answer.spare if verdict is None else 0.0)
        told = with_mistakes(base, named, weak(answer))
        if told.mistake:
            return self._carried(told, target, named, wrong)
        if verdict is not None:
            return verdict
        loose = loosely(base, answer, value, right, self.least)
        if loose is not None:
            return loose
        if loosely(base, answer, -value, right, self.least) is not None:
            return base._replace(mistake="sign lost", says="the sign is wrong, and the last digits are off")
        if follows is not None:
            return follows
        return base._replace(says=f"the formula gives {says} here" if says else "")

    def _also_elsewhere(self, verdict: Verdict, asked: Question, answer: Answer) -> Verdict:
        """Hold a formula that is right at the point to other points."""
        if not self.graph.inputs or not answer.names:
            return verdict
        assert answer.graph is not None
        if work(answer.graph) > MOST_NODES or len(asked.samples) < LEAST_POINTS:
            return verdict
        agreement = self._agreement(asked, answer)
        if self._agrees(agreement):
            how = f"{_equal(agreement)}, too"
            if agreement.gaps:
                how += f", {agreement.where}; at {_shown(agreement.gaps[0].inputs)} it has no value"
            return verdict._replace(how=how)
        given = self._put_in(asked.target, answer)
        places = [*self._written_for(asked, answer)] if not given else []
        given = given or self._here_and_there(asked.target, answer, places)
        if given:
            return verdict._replace(says=f"with {_shown(given)} put in")
        assert self.ground is not None
        if side := side_of(self.graph, self.ground.inputs):
            # of a gate that is open here nobody writes what it is where it is closed
            found = samples(self.graph, asked.target, side=side)
            there = compare(answer, found)
            if len(found) >= LEAST_POINTS and self._agrees(there) and not there.gaps:
                return verdict._replace(how=f"{_equal(there)} on this side of the kink, too")
            given = self._put_in(asked.target, answer, side)
            places = [*self._written_for(asked, answer, found)] if not given else []
            given = given or self._here_and_there(asked.target, answer, places, side)
            if given:
                return verdict._replace(says=f"on this side of the kink, with {_shown(given)} put in")
        assert agreement.sample is not None
        shown = _shown(agreement.sample.inputs)
        says = f"the formula is right at this point by chance: at {shown} it is not"
        if alone := self._only_with(asked.target, answer):
            says = f"the formula is right with {_shown(alone)} alone"
        elif places:
            says = "the formula is right at this point alone: numbers are put in for some of what varies"
        return verdict._replace(verdict=WRONG, digits=None, says=says, mistake="right by chance")

    def _agrees(self, agreement: Agreement) -> bool:
        """Whether a formula is right to the digits that are asked for."""
        return agreement.worst <= max(SAME, 0.5 * 10.0 ** -(self.least - 1))

    def _holds(
        self, target: Target, answer: Answer, kept: Mapping[str, float], side: tuple[float, ...] = ()
    ) -> bool:
        """Whether a formula is right wherever some inputs have these values."""
        found = samples(self.graph, target, kept, LEAST_POINTS, side)
        agreement = compare(answer, found)
        return len(found) >= LEAST_POINTS and self._agrees(agreement) and not agreement.gaps

    def _only_with(self, target: Target, answer: Answer) -> dict[str, float]:
        """Return the input of a formula at whose value it is right wherever the others are."""
        assert self.ground is not None
        inputs = self.ground.inputs
        own = [{name: inputs[name]} for name in answer.names if name in inputs and len(inputs) > 1]
        return next((kept for kept in own if self._holds(target, answer, kept)), {})

    def _put_in(self, target: Target, answer: Answer, side: tuple[float, ...] = ()) -> dict[str, float]:
        """Return inputs whose values a formula has put in: with these it is right wherever the others are.

        Of a `side`, wherever they are on it. No name of the formula may stand still, else a wrong formula
        were right with its own variable kept.
        """
        assert self.ground is not None
        graph, inputs = self.graph, self.ground.inputs
        tries = max(1, min(MOST_TRIES, WORK // (3 * LEAST_POINTS * work(graph))))

        def holds(kept: Mapping[str, float]) -> bool:
            return self._holds(target, answer, kept, side)

        for free in islice(self._free(answer), tries):
            kept = {name: x for name, x in inputs.items() if name not in free}
            if not kept or not holds(kept):
                continue
            # what holds with some inputs kept may need fewer of them
            for name in list(kept)[:tries]:
                fewer = {n: x for n, x in kept.items() if n != name}
                kept = fewer if fewer and holds(fewer) else kept
            found = samples(graph, target, kept, side=side)
            if side:
                return kept if self._agrees(compare(answer, found)) else {}
            odd = at_points(graph, target, ({**point, **kept} for point in outskirts(graph)))
            if self._agrees(self._besides(target, answer, compare(answer, found), found, odd)):
                return kept
        return {}

    def _written_for(
        self, asked: Question, answer: Answer, found: Sequence[Sample] = ()
    ) -> Iterator[dict[int, int]]:
        """Yield what numbers of a formula stand for, so that it is right: a node of the program for each.

        Args:
            asked: The quantity.
            answer: The formula.
            found: Points to hold it to; without, those of the quantity.
        """
        assert answer.graph is not None
        assert self.ground is not None
        graph, values = self.graph, self.ground.values
        varies = graph.depends_on([*graph.inputs.values()])
        literals = answer.graph.constant_values().items()
        # of nodes with one number an input is meant
        known = sorted((node.op is not None, node.id) for node in graph.nodes if varies[node.id])
        meant = {id: [k for _, k in known if abs(values[k] - x) <= NEAR * abs(x)][:2] for id, x in literals}
        places = [(id, (None, *nodes)) for id, nodes in meant.items() if nodes]
        # of what is tiny these digits may leave nothing
        probes = [s for s in found or asked.samples if abs(s.right) > NEAR][:PROBES]
        for choice in islice(product(*(nodes for _, nodes in places)), 1, MOST_TRIES):
            stand = {id: k for (id, _), k in zip(places, choice, strict=True) if k is not None}
            if probes and all(self._gives(answer, stand, sample) for sample in probes):
                yield stand

    def _gives(self, answer: Answer, stand: Mapping[int, int], sample: Sample) -> bool:
        """Whether a formula is right at a point, with what its numbers stand for."""
        assert answer.graph is not None
        there = sample.exact
        leaves: dict[int, Any] = {**answer.graph.constant_values()}
        leaves |= {id: there[answer.names[name]] for name, id in answer.graph.inputs.items()}
        leaves |= {id: there[k] for id, k in stand.items()}
        with precision.digits(DIGITS):
            value = run(answer.graph, leaves, multiprecision())[answer.graph.output]
            return bool(abs(value - sample.precise) <= NEAR * abs(sample.precise))

    def _here_and_there(
        self,
        target: Target,
        answer: Answer,
        places: Iterable[Mapping[int, int]],
        side: tuple[float, ...] = (),
    ) -> dict[str, float]:
        """Return inputs that a formula has put in at some places and names at others.

        With these it has to be right wherever the others are, and one of the others has to be in it. A number
        that a derivative has anyway is none of an input: 2*y is no y^2, and x + 3 no 2*x.
        """
        assert self.ground is not None
        graph, inputs = self.graph, self.ground.inputs
        for stand in places:
            kept = {name: inputs[name] for name, id in graph.inputs.items() if id in stand.values()}
            moves = graph.depends_on([id for name, id in graph.inputs.items() if name not in kept])
            if len(kept) < len({*stand.values()}) or not any(moves[id] for id in answer.names.values()):
                continue
            if _is_a_term(answer, stand):
                continue
            anyway = self._anyway(target)
            named = [x for name, x in kept.items() if name in answer.names]
            if anyway.isdisjoint(map(abs, named)) and self._holds(target, answer, kept, side):
                return kept
        return {}

    def _anyway(self, target: Target) -> set[float]:
        """Return the numbers that rules of derivatives bring, or that stand in the program, without signs."""
        graph = self.graph
        slopes = [derivative(graph, target.of, id) for id in graph.inputs.values()]
        found = {abs(x) for each in (graph, *slopes) for x in each.constant_values().values()}
        # a product of n alike is a power
        ways = [0] * len(graph)
        ways[target.of] = 1
        for node in reversed(graph.nodes[: target.of + 1]):
            for i in node.inputs:
                ways[i] += ways[node.id]
        found |= {float(n) for id in graph.inputs.values() for n in range(min(ways[id], FEW) + 1)}
        return found | {1.0 / x for x in found if x}

    def _free(self, answer: Answer) -> Iterator[set[str]]:
        """Yield few inputs that let every name of a formula move."""
        inputs = {name: self.graph.depends_on([id]) for name, id in self.graph.inputs.items()}
        above = [[n for n, later in inputs.items() if later[id]] for id in answer.names.values()]
        own = {names[0] for names in above if len(names) == 1}
        others = [names for names in above if names and own.isdisjoint(names)]
        for chosen in product(*others):
            if own or chosen:
                yield own.union(chosen)

    def short_of(self, answer: Answer) -> int | None:
        """Return the digits that a claim is written to where they are fewer than are asked for."""
        return answer.digits if answer.unit and answer.digits < self.least else None

    def is_arithmetic(self, target: Target, member: Answer) -> bool:
        """Whether of a member its number is all that counts; a formula for a slope has to be one."""
        return not (target.by and member.names)

    def is_given(self, answer: Answer, value: float, given: float, right: float) -> bool:
        """Whether a claim is, within its digits, what wrong claims lead to."""
        return follows_from(answer, value, given, right)

    def standing(self) -> Iterable[float]:
        """Return the numbers that stand there anyway: those of the program, and of all its steps."""
        assert self.ground is not None
        return self.ground.values

    def leaves(self) -> Iterator[tuple[float]]:
        """Yield the numbers that are given: of inputs and constants."""
        assert self.ground is not None
        yield from ((x,) for x in self.ground.leaves.values())

    def is_slip(self, earlier: Earlier[Target, Answer]) -> bool:
        """Whether a wrong claim is what a slip makes of the right one."""
        target, answer = earlier.target, earlier.answer
        if self.ground is not None:
            right = self.question(target).right.number
            return right is not None and is_slip(answer, earlier.value, right)
        pairs = [(value_at(answer, s), s.right) for s in self.question(target).samples[:PROBES]]
        ratios = [float(x) / right for x, right in pairs if x is not None and x != inf and right]
        return bool(ratios) and 0.0 < max(abs(q - ratios[0]) for q in ratios) <= NEAR * abs(ratios[0])

    def given(self, target: Target, wrong: Sequence[Earlier[Target, Answer]]) -> Iterator[float | None]:
        """Yield a quantity worked out from others as claimed, by the ways to take local derivatives.

        These are taken from the values as claimed, from the operands, or as readers are shown them.
        """
        ways: tuple[LocalDerivatives | None, ...] = (None, _from_operands, as_shown)
        for way in ways if target.by and len(target.by) == 1 else (None,):
            yield self._given(target, wrong, way)

    def _given(
        self, target: Target, wrong: Sequence[Earlier[Target, Answer]], way: LocalDerivatives | None
    ) -> float | None:
        """Return a quantity that is worked out from others as claimed, in one way."""
        assert self.ground is not None
        if len(target.by) == 2:
            carried = self._carried_on(target, wrong[0]) if len(wrong) == 1 else None
            # of a number nobody can tell how it goes on
            known = carried is not None and wrong[0].answer.names
            return quantity(carried[0], self.ground.leaves, carried[1]) if carried and known else None
        graph = self.graph.with_output(target.of)
        forced = {w.target.of: w.value for w in wrong if not w.target.by}
        values = run(graph, self.ground.leaves, force=forced)
        if not target.by:
            return float(values[target.of])

        def partials(node: Node) -> list[float]:
            assert way is not None
            return way(node.primitive, values[node.id], [values[i] for i in node.inputs])

        def swept(known: Mapping[int, float]) -> list[float]:
            own = partials if way is not None else None
            return sweep(graph, values, active_nodes(graph), force=known, partials=own)

        (by,) = target.by
        given: dict[int, float] = {}
        between: list[tuple[int, int, float]] = []
        for w in wrong:
            if len(w.target.by) == 1 and w.target.of == target.of and w.target.by[0] != by:
                given[w.target.by[0]] = w.value
            elif len(w.target.by) == 1 and w.target.of < target.of:
                between.append((w.target.of, w.target.by[0], w.value))
        for of, below, value in sorted(between, reverse=True):
            # dL/dz = dL/da * da/dz where all ways from z lead through a
            if below not in given and _all_through(graph, below, of):
                given[below] = swept(given)[of] * value
        return given[by] if by in given else float(swept(given)[by])

    def _carried_on(self, target: Target, earlier: Earlier[Target, Answer]) -> tuple[Graph, Target] | None:
        """Return the program and the quantity that a second derivative is, given a first as claimed."""
        first = earlier.target.by
        if (
            len(target.by) != 2
            or len(first) != 1
            or first[0] not in target.by
            or earlier.answer.graph is None
        ):
            return None
        if earlier.target.of != target.of:
            return None
        other = target.by[1] if first[0] == target.by[0] else target.by[0]
        slope = claimed(self.graph, earlier.answer)
        return slope, Target(target.text, slope.output, (other,))

    def _carried(
        self,
        verdict: Verdict,
        target: Target,
        named: Sequence[Mistake],
        wrong: Sequence[Earlier[Target, Answer]],
    ) -> Verdict:
        """Let a second derivative follow from a first one that has the same mistake."""
        for w in wrong:
            told = w.verdict.says
            if len(target.by) == 2 and len(w.target.by) == 1 and w.target.of == target.of and told:
                says = in_the_first(self.graph.own_name(w.target.by[0]), told)
                if any(m.says == says for m in named):
                    trivial = w.value is not None and is_bare((w.value,))
                    base = verdict._replace(mistake=None, others=(), point=None)
                    return self.following(base, [w], trivial=trivial)
        return verdict

    # mistakes

    def _named(
        self, asked: Question, answer: Answer, value: float, right: float, spare: float
    ) -> list[Mistake]:
        """Return the mistakes that give a claim, or differ by so much, the simplest first."""
        found = matching(asked.mistakes.values(), [value], [right], [spare], cut=True)
        if answer.value is None and found:
            found = self._held(asked, answer, found)
        return found

    def _held(self, asked: Question, answer: Answer, found: Sequence[Mistake]) -> list[Mistake]:
        """Keep the mistakes that give a formula at other points, too."""
        kept, tried = list(found), 0
        for k, sample, claim in self._probes(asked, answer):
            if not kept or tried >= PROBES:
                break
            tried += 1
            there = asked.probed(k)
            slack = NEAR * abs(claim) + CANCELLED * abs(sample.right)
            kept = [m for m in kept if m.key in there and abs(claim - there[m.key].value) <= slack]
        return kept if tried else []

    def _probes(self, asked: Question, answer: Answer) -> Iterator[tuple[int, Sample, float]]:
        """Yield points with the formula's number there, where floats have not lost their digits.

        The catalogue is in floats: elsewhere it tells nothing.
        """
        for k, sample in enumerate(asked.samples):
            value = value_at(answer, sample)
            if value is None or value == inf:
                continue
            here = leaf_values(self.graph, sample.inputs)
            pairs = (
                (quantity(self.graph, here, asked.target), sample.right),
                (answer.at(sample.values), float(value)),
            )
            if all(x == y or digits_right(x, y) >= SOUND for x, y in pairs):
                yield k, sample, float(value)

    # in general

    def _in_general(
        self, asked: Question, answer: Answer, wrong: Sequence[Earlier[Target, Answer]]
    ) -> Verdict:
        target = asked.target
        base = Verdict(target.text, answer.text, WRONG)
        if asked.tied:
            return base._replace(verdict=NONE, says=asked.tied)
        found = asked.samples
        if len(found) < LEAST_POINTS:
            why = "no points were found where it has a value"
            if work(self.graph) > MOST_NODES:
                why = "the program is too large for formulas to be judged in general: bind its inputs"
            return base._replace(verdict=NONE, says=why)
        if answer.graph is None:
            return base._replace(says="there is such a derivative", mistake="exists")
        if work(answer.graph) > MOST_NODES:
            return base._replace(verdict=NONE, says="the formula is too much work")
        agreement = self._agreement(asked, answer)
        if agreement.worst <= SAME and agreement.gaps:
            if self.graph.source.unknown:
                return base._replace(
                    says="right, but the formula has not a value everywhere", mistake="no value"
                )
            gap = agreement.gaps[0]
            says = f"right {agreement.where}, but at {_shown(gap.inputs)} the formula has no value"
            return base._replace(point={**gap.inputs}, right=gap.right, says=says, mistake="no value")
        if agreement.worst <= SAME:
            if self.prove is not None and self.prove(target, answer):
                return base._replace(verdict=RIGHT, how="proved equal")
            how = f"at {agreement.points} points"
            if agreement.worst <= EQUAL:
                return base._replace(verdict=RIGHT, how=f"equal {how}")
            digits = agreement.digits
            return base._replace(verdict=ROUNDED, digits=digits, says=f"right to {digits} digits", how=how)
        sample = agreement.sample
        assert sample is not None
        point = {**sample.inputs}
        some = bool(self.graph.source.unknown)  # the numbers are of functions that nobody has asked for
        base = base if some else base._replace(point=point, right=sample.right)
        refused = None
        for earlier in wrong:
            carried = self._carried_on(target, earlier)
            given = compare(answer, samples(*carried)) if carried is not None else None
            if given is not None and given.worst <= SAME and not given.gaps:
                trivial = _copied(answer, earlier.answer, found)
                verdict = self.following(base._replace(point=None, right=None), [earlier], trivial=trivial)
                if verdict.good or trivial:
                    return verdict
                refused = verdict
        named = self._held(asked, answer, self._candidates(asked, answer))
        if named:
            return self._carried(with_mistakes(base, named), target, named, wrong)
        if self._is_integral(asked, answer):
            by = self.graph.own_name(target.by[0])
            says = f"this is the integral by {by}, not the derivative"
            return base._replace(says=says, mistake="integrated")
        if agreement.claimed is None:
            where = "everywhere" if some else f"at {_shown(point)}"
            return base._replace(says=f"the formula has no value {where}", mistake="no value")
        digits = agreement.digits
        if digits >= self.least and not agreement.gaps:
            return base._replace(
                verdict=ROUNDED, digits=digits, says=f"right to {digits} digits", point=None, right=None,
                how=f"at {agreement.points} points",
            )  # fmt: skip
        if refused is not None:
            return refused
        if some:
            names = " and ".join(self.graph.source.unknown)
            return base._replace(says=f"it does not hold whatever {names} may be")
        return base._replace(says=f"at {_shown(point)} the formula gives {brief(agreement.claimed)}")

    def _is_integral(self, asked: Question, answer: Answer) -> bool:
        """Whether what is differentiated is the derivative of a formula."""
        target = asked.target
        if len(target.by) != 1:
            return False
        program = claimed(self.graph, answer)
        slope = Target(target.text, program.output, target.by)
        probes = [sample for _, sample, _ in islice(self._probes(asked, answer), PROBES)]
        pairs = [
            (quantity(program, leaf_values(program, s.inputs), slope), s.values[target.of]) for s in probes
        ]
        return bool(pairs) and all(abs(x - y) <= NEAR * abs(y) for x, y in pairs)

    def _agreement(self, asked: Question, answer: Answer) -> Agreement:
        """Compare a formula at the points, and where they agree, at odd ones besides."""
        agreement = compare(answer, asked.samples)
        if agreement.worst > SAME:
            return agreement
        return self._besides(asked.target, answer, agreement, asked.samples, asked.odd)

    def _besides(
        self,
        target: Target,
        answer: Answer,
        agreement: Agreement,
        found: Sequence[Sample],
        odd: Sequence[Sample],
    ) -> Agreement:
        beside = at_points(self.graph, target, beside_kinks(self.graph, answer, found))
        size = median(abs(s.right) for s in found)
        return besides(answer, agreement, [*odd, *beside], size)

    def _candidates(self, asked: Question, answer: Answer) -> list[Mistake]:
        """Return the mistakes that give a formula at the first point where it is not right."""
        for k, sample, value in self._probes(asked, answer):
            if abs(value - sample.right) > NEAR * abs(sample.right):
                return matching(asked.probed(k).values(), [value], [sample.right], [0.0])
        return []


def _equal(agreement: Agreement) -> str:
    """Say to how many digits a formula agreed with a quantity, and at how many points."""
    equal = "equal" if agreement.worst <= EQUAL else f"right to {agreement.digits} digits"
    return f"{equal} at {agreement.points} points"


def _is_a_term(answer: Answer, stand: Mapping[int, int]) -> bool:
    """Whether a number of a formula is added to what depends on the very input that it stands for."""
    graph = answer.graph
    assert graph is not None
    own = {id: graph.depends_on([i for name, i in graph.inputs.items() if answer.names[name] == k])
           for id, k in stand.items()}  # fmt: skip
    return any(
        node.op is not None and node.op.additive and any(own[i][j] for j in node.inputs)
        for node in graph.nodes
        for i in node.inputs
        if i in own
    )


def _from_operands(op: Primitive, y: float, x: list[float]) -> list[float]:
    """Return the local derivatives from the operands, whatever value was claimed."""
    return list(op.partials(FLOATS, op.forward(FLOATS, *x), *x))


def _all_through(graph: Graph, below: int, of: int) -> bool:
    """Whether all ways from a node to the output lead through another."""
    reached = {below}
    for node in graph.nodes[below + 1 : graph.output + 1]:
        if node.id != of and not reached.isdisjoint(node.inputs):
            reached.add(node.id)
    return graph.output not in reached


def _copied(answer: Answer, earlier: Answer, found: Sequence[Sample]) -> bool:
    """Whether a second derivative is that of a number, of a variable, or of what is its own derivative."""
    if not earlier.names or (answer.value is not None and is_bare((answer.value,))):
        return True
    pairs = [(value_at(answer, s), value_at(earlier, s)) for s in found[:PROBES]]
    return all(x is not None and y is not None and abs(x - y) <= NEAR * abs(y) for x, y in pairs)


class Quantity(Protocol):
    """What is claimed."""

    @property
    def text(self) -> str:
        """As it is shown."""

    @property
    def of(self) -> int:
        """Node whose value or slope it is."""

    @property
    def by(self) -> tuple[int, ...]:
        """Nodes to differentiate by."""


class Named(Protocol):
    """An answer with names in it."""

    @property
    def names(self) -> Mapping[str, int]:
        """The program's node for each."""


def copied_from(graph: Graph, target: Quantity, answer: Named, *, here: bool) -> str:
    """Say why a formula is no answer for a value: any name in it may be copied from the program.

    Args:
        graph: The program.
        target: What is claimed.
        answer: As written.
        here: It is claimed at a point, where a value is a number.
    """
    if target.by or not answer.names:
        return ""
    if here:
        return "a number is asked for" if not graph.nodes[target.of].shape else "numbers are asked for"
    later = graph.depends_on([target.of])
    names = [name for name, id in answer.names.items() if later[id]]
    if not names:
        return ""
    if answer.names[names[0]] == target.of:
        return f"the answer names {names[0]} itself"
    return f"the answer names {names[0]}, which is computed from {target.text}"


def _shown(point: Mapping[str, float]) -> str:
    items = list(point.items())
    return ", ".join(f"{n} = {exact_text(x)}" for n, x in items[:6]) + (", ..." if len(items) > 6 else "")
