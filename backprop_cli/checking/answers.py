"""What was claimed: the quantity on the left of ``=``, the number or formula on the right."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from functools import lru_cache
from math import isfinite
from types import MappingProxyType
from typing import NamedTuple

from ..engine.run import run
from ..errors import BackpropError, BindingError, ExpressionError, Source, nearest
from ..graph import CONSTANT, OUTPUT_NAMES, Graph
from ..language.format import format_items
from ..language.lower import lower
from ..language.operators import CONSTANTS
from ..language.parser import NUMBER_ITEM, Program, parse, parse_here
from ..language.reader import read
from ..language.tokens import NAME, NUMBER, plain_name
from ..ops import FUNCTIONS
from .spelling import Names, UnknownWord, refuse_doubtful, spelled, stripped

TEXT_LIMIT = 2_000
NODE_LIMIT = 500
_EQUALS = re.compile(r"(?<![<>=!])(?:=|≈|\\approx\b)(?!=)")
_REMARK = re.compile(r"(.+?)\s*\(\s*[=≈]\s*([^=≈]+)\)")
_WORKING = re.compile(rf"([-−]?{NUMBER})\s+\(([^()=≈]+)\)")
UNDEFINED = ("undefined", "none", "dne", "does not exist", "not defined", "no value")
ANY_OUTPUT = (*OUTPUT_NAMES, "E", "J", "value")
"""What the output may be called where the program has no name for it."""

_FIRST = re.compile(rf"d({NAME})/d({NAME})")
NO_SLOPES: Mapping[str, str] = MappingProxyType({})

_SLOPE = re.compile(
    rf"(?<![A-Za-z_])[d∂]\s*({NAME})\s*/\s*[d∂]\s*({NAME})"
    rf"|\\[dt]?frac\{{(?:d|∂|\\partial)\s*({NAME})\}}\{{(?:d|∂|\\partial)\s*({NAME})\}}"
)
_PRIMES = re.compile(rf"({NAME})('{{1,2}}|′|″|′′)(?:\(({NAME})\))?")
_PLACED = re.compile(rf"({NAME}(?:'{{1,2}}|′|″|′′)?)\(([-−]?{NUMBER}|[-−]?{NUMBER}/{NUMBER})\)")
_QUOTIENT = re.compile(r"\\[dt]?frac\{([^{}]+)\}\{([^{}]+)\}")
_OPERATOR = re.compile(
    rf"(?:[d∂]\s*/\s*[d∂]\s*|\\[dt]?frac\{{(?:d|∂|\\partial)\}}\{{(?:d|∂|\\partial)\s*)({NAME})\b"
)
_SECOND = re.compile(rf"d\^?2({NAME})/d(.+)")


class Target(NamedTuple):
    """A quantity of a program.

    Attributes:
        text: As it is shown, ``dL/db``.
        of: Node whose value or slope it is.
        by: Nodes to differentiate by: none for a value, two for the second order.
        at: Value of the only input, where it is asked for at a place of its own: ``f'(3)``.
    """

    text: str
    of: int
    by: tuple[int, ...] = ()
    at: float | None = None


class Answer:
    """A number or a formula, as somebody wrote it.

    Attributes:
        text: As written.
        graph: Its own graph; None for the claim that there is no such number.
        names: The names in it, and the program's node for each.
        value: The number, where no name takes part.
        numeral: The number as it is written, without brackets and blanks around it; "" for a formula.
        unit: One in the last digit written; 0 for what is written exactly.
        read_as: How it was read, where it is not in our own language.
        members: What stands before the last ``=``, which has to be right, too.
    """

    __slots__ = ("graph", "members", "names", "numeral", "read_as", "text", "unit", "value")

    def __init__(
        self,
        text: str,
        graph: Graph | None,
        names: dict[str, int],
        value: float | None = None,
        numeral: str = "",
    ) -> None:
        self.text = text
        self.graph = graph
        self.names = names
        self.value = value
        self.numeral = numeral
        self.unit = _unit(numeral)
        self.read_as: str | None = None
        self.members: tuple[Answer, ...] = ()

    def at(self, values: Sequence[float]) -> float:
        """Return its value where the program has these values, one per node."""
        assert self.graph is not None
        return self.floats(values)[self.graph.output]

    def first_fault(self, values: Sequence[float]) -> tuple[int, float] | None:
        """Return the first node that is not finite in floats, with its number: inf where it is too large."""
        assert self.graph is not None
        found = self.floats(values)
        needed = self.graph.needed(found)
        faults = ((k, x) for k, (x, n) in enumerate(zip(found, needed, strict=True)) if n and not isfinite(x))
        return next(faults, None)

    def vanishes(self, values: Sequence[float]) -> bool:
        """Return whether a number on the way is too small for floats, or may have come of such."""
        assert self.graph is not None
        found = self.floats(values)
        return any(
            not found[n.id] and all(found[i] for i in n.inputs) and not n.op.additive and not n.op.piece
            for n in self.graph.nodes
            if n.op is not None and n.kind != CONSTANT
        )

    def floats(self, values: Sequence[float]) -> list[float]:
        """Return the floats of all its nodes."""
        assert self.graph is not None
        leaves = self.graph.constant_values()
        leaves |= {id: values[self.names[name]] for name, id in self.graph.inputs.items()}
        return run(self.graph, leaves)

    @property
    def readings(self) -> list[tuple[float, int]]:
        """Return one in the last digit written, with how many digits there are.

        The zeros at the end of a whole number may be digits or not. A formula has none.
        """
        if self.unit:
            return [(self.unit, self.digits)]
        match = re.fullmatch(r"-?([1-9]\d*?)(0*)", self.numeral)
        if match is None:
            return []
        first, zeros = map(len, match.groups())
        return [(1.0, first + zeros), (10.0**zeros, first)] if zeros else [(1.0, first)]

    @property
    def digits(self) -> int:
        """Return how many significant digits its number is written with."""
        return written_digits(self.numeral)

    @property
    def spare(self) -> float:
        """By how much a mistake's number may differ: half a step, or what rounded numbers bring."""
        if self.readings:
            steps = [step for step, digits in self.readings if self.unit or digits >= 3]
            return 0.5 * max(steps, default=0.0)
        if self.graph is None:
            return 0.0
        decimals = [written_digits(n.label or "") for n in self.graph.nodes if "." in (n.label or "")]
        rounded = [d for d in decimals if d > 3]
        return abs(self.value or 0.0) * 10.0 ** (1 - min(rounded)) if rounded else 0.0


def split(text: str) -> tuple[str, str]:
    """Return what stands left and right of the ``=`` of a claim."""
    left, equals, right = text.partition("=")
    if not equals or not left.strip() or not right.strip():
        raise ExpressionError(
            f"a claim is NAME=VALUE, not {shortened(text)!r}", hint="a=4, dL/db=a*f, d=-6, d2L/dx2=4"
        )
    return left.strip(), right.strip()


def shortened(text: str, most: int = 40) -> str:
    """Return a text of so many characters at most, with dots for what is cut off."""
    return text if len(text) <= most else text[: most - 3] + "..."


def read_target(text: str, graph: Graph) -> Target:
    """Read the left side of a claim.

    Raises:
        ExpressionError: for a quantity that the program does not have.
    """
    if not text.strip():
        raise ExpressionError("a claim is about a quantity of the program, and this names none")
    if len(text) > TEXT_LIMIT:
        raise ExpressionError(f"{shortened(text)}: this is too long for the name of a quantity")
    plain = _QUOTIENT.sub(r"\1/\2", text).replace(r"\partial", "d").replace("∂", "d").replace("²", "2")
    plain = "".join(re.sub(r"[{}$]", "", plain).split())
    if match := _PLACED.fullmatch(plain):
        return _placed(match[1], match[2], graph)
    if match := _PRIMES.fullmatch(plain):
        count = 1 if match[2] in ("'", "′") else 2
        of = _output_named(match[1], graph)
        names = list(graph.inputs)
        if match[3] is None and len(names) != 1:
            raise ExpressionError(
                f"{plain} does not say by what: write d{match[1]}/d{names[0] if names else 'x'}"
            )
        by = _leaf(match[3] or names[0], graph)
        return Target(_written(graph, of, (by,) * count), of, (by,) * count)
    if match := _SECOND.fullmatch(plain):
        of = _output_named(match[1], graph)
        pair = _pair(match[2], graph)
        if pair is not None:
            return Target(_written(graph, of, pair), of, pair)
    if match := _FIRST.fullmatch(plain):
        of = _output_named(match[1], graph)
        by = _leaf(match[2], graph)
        return Target(_written(graph, of, (by,)), of, (by,))
    header = re.fullmatch(rf"({NAME})\({NAME}(?:,{NAME})*\)", plain)
    name = (
        plain_name(header[1] if header else plain)
        if re.fullmatch(NAME, header[1] if header else plain)
        else ""
    )
    if not name:
        raise ExpressionError(
            f"{shortened(text)} is no quantity of the program",
            hint=_claimed_of(text, graph)
            or "NAME for a step's value or an input's derivative, dL/dx, d2L/dx2 or d2L/dxdy",
        )
    name = _names_for(graph).known(name) or name
    id = names_of(graph).get(name)
    if id is None and (partial := _subscripted(name, graph)):
        return partial
    if id is not None and graph.nodes[id].op is None and id != graph.output:
        return Target(_written(graph, graph.output, (id,)), graph.output, (id,))
    if id is not None:
        return Target(name, id)
    raise unknown(" ".join(text.split()) if name == plain else name, graph)


def _claimed_of(text: str, graph: Graph) -> str | None:
    """Say of a formula, ``2x`` of ``2x = 6``, what has to stand before it."""
    with suppress(BackpropError):
        names = [*_one(text, graph).names]
        by = next((n for n in names if n in graph.inputs), None)
        if by is not None:
            shown = f"d{graph.own_name(graph.output)}/d{by}"
            return f"say first what it is of: {shown} = {shortened(text)} = ..."
    return None


def _placed(name: str, number: str, graph: Graph) -> Target:
    """Read ``f(3)`` and ``f'(3)``: a value or slope of a program with one input, at a place of its own."""
    if len(graph.inputs) != 1:
        raise ExpressionError(
            f"{name}({number}) does not say which input is {number}",
            hint=f"its inputs: {', '.join(graph.inputs) or 'none'}",
        )
    found = read_target(name if name[-1] in "'′″" else f"{name}({next(iter(graph.inputs))})", graph)
    if found.by and name[-1] not in "'′″":
        raise ExpressionError(f"{name} is an input: write {name} = {number} behind the expression")
    return found._replace(text=f"{name}({number})", at=_one(number, graph).value)


def _subscripted(name: str, graph: Graph) -> Target | None:
    """Read ``f_x``, ``f_xy``: a partial derivative."""
    for at in (m.start() for m in re.finditer("_", name)):
        with suppress(BackpropError):
            of = _output_named(name[:at], graph)
            names, known, below = _named(graph), _names_for(graph).known, name[at + 1 :]
            pairs = [(below,), *((below[:k], below[k:]) for k in range(1, len(below)))]
            several = ([names.get(known(n) or n) for n in pair] for pair in pairs)
            found = {tuple(n for n in pair if n is not None) for pair in several if None not in pair}
            if len(found) == 1:
                (by,) = found
                return Target(_written(graph, of, by), of, by)
    return None


def names_of(graph: Graph) -> dict[str, int]:
    """Return every name that a formula may use, with its node."""
    names = _unnamed(graph) | _named(graph)
    return {name: id for name, id in names.items() if name not in graph.source.functions}


def _named(graph: Graph) -> dict[str, int]:
    """Return every name that a program has, ``v4`` among them."""
    names = {graph.own_name(n.id): n.id for n in graph.nodes if n.kind != CONSTANT}
    return names | graph.named


def _unnamed(graph: Graph) -> dict[str, int]:
    """Return what an output without a name may be called."""
    if graph.nodes[graph.output].name is not None:
        return {}
    return dict.fromkeys((*ANY_OUTPUT, graph.numbered(graph.output)), graph.output)


def unknown(name: str, graph: Graph, others: Collection[str] = ()) -> ExpressionError:
    """Say that a program has no such name; one of others may be meant, too."""
    known = [graph.own_name(n.id) for n in graph.nodes if n.name is not None or n.id == graph.output]
    close = nearest(name, [*known, *others])
    meant = f"did you mean {close}? " if close else ""
    return ExpressionError(
        f"the program has no {shortened(name)}", hint=f"{meant}its names: {', '.join(known[:20]) or 'none'}"
    )


def _output_named(name: str, graph: Graph) -> int:
    name = plain_name(name)
    name = _names_for(graph).known(name) or name
    id = _named(graph).get(name)
    last = graph.nodes[graph.output]
    if id is not None and (graph.nodes[id].op is not None or id == graph.output):
        return id
    if id is None and last.name is None:
        return graph.output
    if id is not None:
        shown = graph.own_name(graph.output)
        raise ExpressionError(f"{name} is an input: it has no derivative", hint=f"the output is {shown}")
    raise unknown(name, graph)


def _leaf(name: str, graph: Graph) -> int:
    name = plain_name(name)
    id = _named(graph).get(_names_for(graph).known(name) or name)
    if id is None:
        raise unknown(name, graph)
    return id


def _pair(text: str, graph: Graph) -> tuple[int, int] | None:
    """Read ``x2``, ``x^2`` or ``xdy`` behind the ``d``."""
    names = _named(graph)
    for ending in ("^2", "2"):
        if text.endswith(ending) and text.removesuffix(ending) in names:
            id = names[text.removesuffix(ending)]
            return id, id
    for at in range(1, len(text)):
        if text[at] == "d" and text[:at] in names and text[at + 1 :] in names:
            return names[text[:at]], names[text[at + 1 :]]
    return None


def _written(graph: Graph, of: int, by: tuple[int, ...]) -> str:
    name, below = graph.own_name(of), [graph.own_name(i) for i in by]
    if len(below) == 2:
        ends = f"d{below[0]}2" if below[0] == below[1] else f"d{below[0]}d{below[1]}"
        return f"d2{name}/{ends}"
    return f"d{name}/d{below[0]}"


def slopes_in(
    text: str, graph: Graph, claimed: Collection[Target], asked: Target
) -> tuple[str, dict[str, Target]]:
    """Return an answer with ``dL_dz`` for ``dL/dz``, and what these stand for.

    Args:
        text: As written.
        graph: The program.
        claimed: What was claimed before.
        asked: The quantity that the answer is about.
    Raises:
        ExpressionError: for a derivative in the answer itself that was not claimed before; on the way to it,
            the chain rule may be written down: ``dL/da*da/dz = 0.12``.
    """
    known, found = names_of(graph), dict[str, Target]()
    last = max((m.end() for m in _EQUALS.finditer(text)), default=0)

    def name(match: re.Match[str]) -> str:
        of, by = match[1] or match[3], match[2] or match[4]
        short = f"d{of}_d{by}"
        try:
            target = read_target(f"d{of}/d{by}", graph)
        except BackpropError:
            return match[0]
        if target == asked or {short, f"d{of}", f"d{by}"} & {*known}:
            return match[0]
        if target not in claimed and match.start() >= last:
            raise ExpressionError(
                f"{target.text} is not claimed before this: an answer may name what was",
                hint=f"claim {target.text}, too",
            )
        found[short] = target
        return f" {short}" if match[3] else short

    return _SLOPE.sub(name, text), found


def in_quotients(text: str, slopes: Iterable[str]) -> str:
    """Return a text with ``dL/dz`` again for ``dL_dz``, which is as long."""
    for name in slopes:
        text = re.sub(rf"(?<![^\W\d]){name}\b", name.replace("_d", "/d"), text)
    return text


def told_in_quotients(error: ExpressionError, slopes: Collection[str]) -> ExpressionError:
    """Return an error with derivatives as they were written; places stay."""
    if slopes:
        error.message = in_quotients(error.message, slopes)
        error.hint = in_quotients(error.hint, slopes) if error.hint else None
        error.source = Source(in_quotients(error.source.text, slopes)) if error.source else None
    return error


def read_answer(
    text: str, graph: Graph, asked: Target | None = None, slopes: Mapping[str, str] = NO_SLOPES
) -> Answer:
    """Read the right side of a claim.

    Args:
        text: As written; of a chain, ``2x = 6``, the last member is the answer.
        graph: The program.
        asked: The quantity, where the answer may name it once more: ``f'(x) = 6``.
        slopes: Names of derivatives in it, and the formula of each; see `slopes_in`.
    Raises:
        ExpressionError: for what is no expression over the program's names.
    """
    if " ".join(text.lower().split()) in UNDEFINED:
        return Answer(text, None, {})
    if len(text) > TEXT_LIMIT:
        raise ExpressionError(f"a claimed formula may have {TEXT_LIMIT:,} characters")
    *before, last = _members(text, graph, asked)
    answer = _one(last, graph, slopes)
    answer.members = tuple(_one(part, graph, slopes) for part in before)
    if answer.read_as or len(before) or last != text:
        parts = [part.read_as or part.text for part in (*answer.members, answer)]
        answer.read_as = " = ".join(parts) if any(p.read_as for p in (*answer.members, answer)) else None
    answer.text = text
    return answer


def _members(text: str, graph: Graph, asked: Target | None) -> list[str]:
    """Return the members of a chain, the answer last, without the name of what is asked."""
    if working := _WORKING.fullmatch(text.strip()):
        with suppress(BackpropError):
            number, worked = _one(working[1], graph), _one(working[2], graph)
            here, there = number.value, worked.value
            # 2 (3) is a product, 12 (2*3*2) a number with its working
            known = here is not None and there is not None and not worked.numeral
            if known and abs((there or 0.0) - (here or 0.0)) <= max(number.spare, 1e-9 * abs(here or 0.0)):
                return [working[2], working[1]]
    if "=" not in text and "≈" not in text:
        return [text]
    if remark := _REMARK.fullmatch(text.strip()):
        return [remark[2], remark[1]]
    parts = [part.strip() for part in _EQUALS.split(stripped(text))]
    if not all(parts):
        return [text]
    if len(parts) > 1 and asked is not None:
        operator = _OPERATOR.match(parts[0])
        if operator and asked.by == (names_of(graph).get(operator[1]),):
            return parts[1:]
        with suppress(BackpropError):
            named = read_target(parts[0], graph)
            bare = named.by and parts[0] in graph.named  # the input itself may be meant
            if (named.of, named.by) == (asked.of, asked.by) and not bare:
                parts = parts[1:]
    return parts


def _one(text: str, graph: Graph, slopes: Mapping[str, str] = NO_SLOPES) -> Answer:
    """Read a number or a formula."""
    program, read_as = _program(text, graph, slopes)
    names = names_of(graph)
    bound = set(names) | (set(program.all_names()) - set(CONSTANTS))
    own = lower(program, bound)
    if len(own) > NODE_LIMIT:
        raise ExpressionError(f"a claimed formula may have {NODE_LIMIT} nodes")
    for name, id in own.inputs.items():
        if name not in names:
            error = unknown(name, graph)
            error.source, error.span = program.source, own.nodes[id].span
            raise error
    answer = Answer(text, own, {name: names[name] for name in own.inputs})
    if not own.inputs:
        value = answer.at(())
        if not isfinite(value):
            raise BindingError(f"{shortened(text)} is not a finite number")
        numeral = _numeral([(i.text, i.arity) for i in program.statements[-1].items])
        answer = Answer(text, own, {}, value, numeral)
    answer.read_as = read_as
    return answer


def _program(text: str, graph: Graph, slopes: Mapping[str, str]) -> tuple[Program, str | None]:
    """Read a formula as it stands or, where it is not in our language, generously; return how, then."""
    functions = graph.source.unknown
    known = {*names_of(graph), *CONSTANTS, *slopes}

    def strictly(text: str, parse: Callable[[str], Program]) -> Program:
        program = read(text, functions) if functions else parse(text)
        if len(program.statements) > 1 or program.statements[0].name:
            raise ExpressionError(
                "a claim has one expression on the right",
                source=program.source,
                span=program.statements[-1].span,
            )
        for name in program.source.unknown:
            if name not in functions:
                raise ExpressionError(
                    f"the program has no function {name}",
                    source=program.source,
                    hint=f"write {name}*(...) to multiply" if name in graph.named else None,
                )
        refuse_doubtful(program.source, {i.text for i in program.statements[0].items}, graph)
        return program

    with suppress(ExpressionError):
        program = strictly(text, parse_here)
        if {*program.all_names()} <= known:
            return _with_slopes(program, slopes), None
    plain, word = None, ""
    try:
        plain = spelled(text, _names_for(graph), slopes)
    except UnknownWord as error:
        word = error.word
    try:
        program = strictly(plain or text, parse_here if plain else parse)
    except ExpressionError as error:
        # a word that stops the strict reader may be read generously: xsin is x*sin
        at = error.span[0] if error.span else 0
        if not word or word in error.message or not text[at : at + 1].isalnum():
            raise
        raise unknown(word, graph, FUNCTIONS if len(word) > 3 else ()) from None
    if word:
        raise unknown(word, graph)
    read_as = in_quotients(format_items(program.statements[0].items), slopes)
    as_it_stands = plain is None and program.source.text == text
    return _with_slopes(program, slopes), None if as_it_stands else read_as


def _with_slopes(program: Program, slopes: Mapping[str, str]) -> Program:
    """Return a formula behind the derivatives that it names, each a statement."""
    used = [name for name in slopes if name in program.all_names()]
    if not used:
        return program
    try:
        return parse_here("\n".join([*(f"{name} = {slopes[name]}" for name in used), program.source.text]))
    except ExpressionError:  # a comparison in it
        shown = " and ".join(in_quotients(name, used) for name in used)
        raise ExpressionError(f"{shown} cannot be written out: give the formula itself") from None


@lru_cache(maxsize=8)
def _names_for(graph: Graph) -> Names:
    return Names(graph, _unnamed(graph))


_TIMES_TEN = re.compile(
    r"([\d.]+(?:[eE][-+]?\d+)?)( negative)? 10 (\d{1,3})( negative)? power multiply( negative)?"
)


def _numeral(items: Sequence[tuple[str, int]]) -> str:
    """Return the one number that is written, whatever signs stand before it; "" for more than one.

    Tenths, hundredths, ... are decimals: ``-19/10`` is -1.9; so are powers of ten behind a number.
    """
    if match := _TIMES_TEN.fullmatch(" ".join(text for text, _ in items)):
        sign = "-" if bool(match[2]) != bool(match[5]) else ""
        return f"{sign}{Decimal(match[1]).scaleb(int(match[3]) * (-1 if match[4] else 1))}"
    bare = [item for item in items if item != ("negative", 1)]
    numbers = [text for text, arity in bare if arity == NUMBER_ITEM]
    sign = "-" if (len(items) - len(bare)) % 2 else ""
    if len(bare) == len(numbers) == 1:
        return sign + numbers[0]
    if len(numbers) == 2 and bare[2:] == [("divide", 2)] and re.fullmatch("10+", numbers[1]):
        return sign + str(Decimal(numbers[0]).scaleb(1 - len(numbers[1])))
    return ""


def _unit(numeral: str) -> float:
    """Return one in the last digit of a written decimal; a whole number is exact."""
    if "." not in numeral and "e" not in numeral.lower():
        return 0.0
    exponent = Decimal(numeral).as_tuple().exponent
    assert isinstance(exponent, int)
    return float(f"1e{exponent}")


def written_digits(text: str) -> int:
    """Return the significant digits of a written number."""
    return len(text.strip().lstrip("+-").lower().partition("e")[0].replace(".", "").lstrip("0")) or 1
