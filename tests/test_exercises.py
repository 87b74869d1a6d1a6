"""Exercises: sound numbers, right answers, distractors that `check` names, codes that find a slip."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from typing import Any

import pytest

from backprop_cli import check, exercise, grad
from backprop_cli.errors import UsageError
from backprop_cli.exercises.answers import Printing, printed
from backprop_cli.exercises.codes import ALPHABET, LENGTH, Code, read_code
from backprop_cli.exercises.draws import Draws, values_of
from backprop_cli.exercises.handouts import kind_task
from backprop_cli.exercises.kinds import LEVELS, PROGRAMS, templates
from backprop_cli.exercises.posed import OfProgram
from backprop_cli.exercises.tasks import BAND, Exercise, Task, Usual

SPLIT = (("ab", "c"), ("a", "bc"))
ALL = [(kind, level) for kind in PROGRAMS for level in LEVELS]

# --- what is drawn ------------------------------------------------------------------------------


def test_the_same_numbers_everywhere() -> None:
    """What a seed gives is in keys and on paper: it stays, on every Python and every computer."""
    draws = Draws("a seed", 1)
    assert [draws.below(100) for _ in range(8)] == [57, 32, 4, 14, 11, 68, 2, 19]
    assert draws.shuffled("abcdef") == ["e", "d", "c", "f", "a", "b"]
    assert [Draws(*parts).below(1 << 40) for parts in SPLIT] == [458203514071, 387992526050]
    assert str(exercise("chain", level=2)[0].code) == "DVFP393P"


@pytest.mark.parametrize("n", [2, 7, 24])
def test_no_number_is_drawn_more_often(n: int) -> None:
    draws = Draws("bias", n)
    counts = Counter(draws.below(n) for _ in range(400 * n))
    chi_squared = sum((counts[k] - 400) ** 2 / 400 for k in range(n))
    assert chi_squared < n - 1 + 4.0 * (2.0 * (n - 1)) ** 0.5  # four deviations


def test_the_right_option_is_anywhere() -> None:
    places = Counter(Draws("options", k).shuffled("rxyz").index("r") for k in range(1000))
    assert sum((places[k] - 250) ** 2 / 250 for k in range(4)) < 11.34  # p = 0.01 of three degrees


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("-2..1", ("-2", "-1", "0", "1")),
        ("-1..1/0.5", ("-1", "-0.5", "0", "0.5", "1")),
        ("0.1..0.3/0.1", ("0.1", "0.2", "0.3")),
        ([2, -0.0, "4.50"], ("2", "0", "4.5")),
        (7, ("7",)),
    ],
)
def test_ranges(text: Any, values: tuple[str, ...]) -> None:
    assert values_of(text, "place") == values


@pytest.mark.parametrize("text", ["5..1", "a..b", "1..2/0", "1..2/-1", "", [], ["x"], "0..1e9", "inf", None])
def test_what_is_no_range(text: Any) -> None:
    with pytest.raises(Exception, match=r"range of numbers|are the limit"):
        values_of(text, "place")


# --- codes --------------------------------------------------------------------------------------


def test_codes_are_read_back_and_slips_are_refused() -> None:
    draws = Draws("codes")
    for _ in range(40):
        code = Code(draws.below(400), draws.below(1 << 26))
        text = str(code)
        assert read_code(text.lower()) == code
        for _ in range(25):
            k, other = draws.below(LENGTH), draws.choice(ALPHABET)
            if text[k] != other:
                with pytest.raises(UsageError, match="a character is wrong"):
                    read_code(text[:k] + other + text[k + 1 :])
        for k in range(LENGTH - 1):
            if text[k] != text[k + 1]:
                with pytest.raises(UsageError):
                    read_code(text[:k] + text[k + 1] + text[k] + text[k + 2 :])


@pytest.mark.parametrize("text", ["", "ABC", "ABCDEFGHJ", "0OIL1234", "3MMMM22é"])
def test_what_is_no_code(text: str) -> None:
    with pytest.raises(UsageError, match="no code of an exercise"):
        read_code(text)


# --- answers as they are printed ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "printing", "text", "exact", "unit"),
    [
        (0.30000000000000004, Printing(), "0.3", True, 0.0001),
        (1004.0, Printing(), "1004", True, 1.0),
        (123456.0, Printing(), "123456", True, 1.0),
        (0.12345, Printing(), "0.1235", False, 0.0001),
        (-0.14473, Printing(), "-0.1447", False, 0.0001),
        (2 / 3, Printing(decimals=2), "0.67", False, 0.01),
        (2.5, Printing(decimals=2), "2.5", True, 0.01),
        (1 / 3 * 1e-9, Printing(), "3.333e-10", False, 1e-13),
        (0.99996, Printing(), "1.000", False, 0.001),
        (-0.0, Printing(), "0", True, 0.0),
    ],
)
def test_printed(x: float, printing: Printing, text: str, exact: bool, unit: float) -> None:
    found = printed(x, printing)
    assert (found.text, found.exact) == (text, exact)
    assert unit == 0.0 or found.unit == pytest.approx(unit)


# --- tasks --------------------------------------------------------------------------------------


def drawn(kind: str, level: int, count: int, form: Any = "number") -> tuple[Task, list[Exercise]]:
    task = kind_task(kind, level, Usual(form))
    draws = Draws("tests", kind, level)
    return task, [task.drawn(draws) for _ in range(count)]


@pytest.mark.parametrize(("kind", "level"), ALL)
def test_every_row_has_as_many_rules_as_its_level(kind: str, level: int) -> None:
    for template in templates(kind, level):
        draws = Draws("rules")
        posed = next(p for p in (template.posed(draws) for _ in range(200)) if p is not None and not p.fault)
        assert posed.level == level, template.program


@pytest.mark.parametrize(("kind", "level"), ALL)
def test_answers_are_right_and_numbers_sound(kind: str, level: int) -> None:
    task, found = drawn(kind, level, 5)
    assert len({e.answers for e in found}) > 1
    efforts = [e.posed.effort for e in found]
    assert max(efforts) <= BAND * min(efforts)
    for e in found:
        assert isinstance(e.posed, OfProgram)
        report = grad(e.posed.program, e.posed.inputs, methods=("reverse", "finite"))
        assert report.agree
        for part in e.parts:
            slope = report.gradient[part.name.partition("/d")[2]]
            assert abs(part.answer.number - slope) <= 0.5001 * part.answer.unit
            assert slope
            if level <= 3:
                assert part.answer.exact
                assert part.answer.digits <= 4
        named = dict(e.posed.names())
        assert all(a != b for a, b in combinations(named.values(), 2))
        again = task.exercise(read_code(str(e.code)).number)
        assert isinstance(again, Exercise)
        assert (again.posed.facts, again.parts) == (e.posed.facts, e.parts)


@pytest.mark.parametrize(("kind", "level"), ALL[2::4])
def test_distractors_are_mistakes_that_check_names(kind: str, level: int) -> None:
    _, (e,) = drawn(kind, level, 1, "choice")
    assert isinstance(e.posed, OfProgram)
    for part in e.parts:
        assert len(part.options) == 4
        (right,) = [option for option in part.options if option.mistake is None]
        assert right.text == part.answer.text
        numbers = [printed(float(option.text), Printing()) for option in part.options]
        for a, b in combinations(numbers, 2):
            assert abs(a.number - b.number) >= 1.99 * max(a.unit, b.unit)
        wrong = [option for option in part.options if option is not right]
        assert len({option.mistake for option in wrong}) == 3
        for option in part.options:
            (verdict,) = check(e.posed.program, {part.name: option.text}, e.posed.inputs).verdicts
            assert (verdict.good, verdict.mistake) == (option is right, option.mistake)


@pytest.mark.parametrize(
    ("program", "point", "fault"),
    [
        ("x^2", {"x": "0"}, "a factor of 0 or 1"),
        ("3*x*y", {"x": "1", "y": "5"}, "a factor of 0 or 1"),
        ("x^2*y", {"x": "2", "y": "5"}, "a factor of 0 or 1"),  # 2*2 is 2^2
        ("3*x^2*y", {"x": "5", "y": "5"}, "two names of one value"),
        ("(-4*x - 7)^3", {"x": "-2"}, "a factor of 0 or 1"),  # 3*1^2 is 3*1^3
        ("3*sqrt(x)", {"x": "1"}, "a factor of 0 or 1"),
        ("sin(x)*5", {"x": "0"}, "a factor of 0 or 1"),
        ("8*x/(-5*x - 2)", {"x": "-2"}, "two names of one value"),  # f is x
        ("relu(x - 3)*5", {"x": "3.04"}, "near a kink"),
        ("relu(x - 3)*5", {"x": "-3"}, "a factor of 0 or 1"),
        ("7*max(x, y)", {"x": "3", "y": "3.01"}, "near a kink"),
        ("log(x)*3", {"x": "-2"}, "no value"),
        ("1/(x - 2)", {"x": "2"}, "no value"),
        ("x^2 - 8*x", {"x": "4"}, "an answer of 0"),
        ("relu(x - 3)*5", {"x": "8"}, ""),
        ("exp(x)*3", {"x": "0.5"}, ""),  # its slope is its value
        ("(3*x + 2)^2", {"x": "4"}, ""),
    ],
)
def test_faults(program: str, point: dict[str, str], fault: str) -> None:
    names = [f"df/d{name}" for name in point]
    assert OfProgram(program, point, dict.fromkeys(names, 1.0)).fault == fault


def test_numbers_of_a_program_are_different() -> None:
    """A quotient of a power by itself is none: (x^2 - 6)^2/(x^2 - 6)."""
    (_, other) = templates("quotient", 5)
    assert other.program == "(x^2 + {a})^{n}/(x^2 + {b})"
    draws = Draws("apart")
    found = [p for p in (other.posed(draws) for _ in range(200)) if p is not None]
    assert 150 < len(found) < 200  # of 16 numbers two are the same once in 16 times
    for posed in found:
        assert isinstance(posed, OfProgram)
        above, below = posed.program.split("/")
        assert not above.startswith(below)


# --- the command --------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bytes(run: Any) -> None:
    words = ("exercise", "paths", "--level", "3", "--count", "4")
    once = run(*words, "--format", "json").answered()
    assert once.out == run(*words, "--format", "json").answered().out
    assert once.out != run(*words, "--format", "json", "--seed", "2").answered().out
    for task in once.json["tasks"]:
        assert "answer" not in task["asked"][0]
        (again,) = run("exercise", "--show", task["code"], "--format", "json").answered().json["tasks"]
        assert again == task


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "no kind of exercise"),
        (("cain",), "did you mean chain?"),
        (("chain", "--show", "3MMMM228"), "one word too many"),
        (("--show", "3MMMM22"), "no code of an exercise"),
        (("--show", "3MMMM229"), "a character is wrong"),
        (("chain", "--level", "6"), "--level"),
    ],
)
def test_what_is_refused(run: Any, words: tuple[str, ...], says: str) -> None:
    assert says in run("exercise", *words).refused(2).err


@pytest.mark.parametrize(
    ("x", "digits"),
    [
        (9999.96, 4),
        (16000.4, 4),
        (123004.5, 4),
        (1999.96, 4),
        (0.0100004, 4),
        (99.995, 4),
        (12300.0, 3),
        (1.5, 2),
    ],
)
def test_zeros_at_the_end_are_digits_where_a_number_was_rounded(x: float, digits: int) -> None:
    assert printed(x, Printing(4)).digits == digits


def test_sheets_say_to_how_much_answers_are_rounded(run: Any) -> None:
    words = ("exercise", "quotient", "--level", "5")
    assert "(to 4 significant digits)" in run(*words).answered().out
    assert "(to 2 decimals)" in run(*words, "--decimals", "2").answered().out
    assert "(auf 1 Nachkommastelle)" in run(*words, "--decimals", "1", "--language", "de").answered().out


def test_solutions_in_every_format(run: Any) -> None:
    (e,) = exercise("chain", level=2)
    answer = e.parts[0].answer.text
    for format_ in ("table", "markdown", "latex", "html", "json"):
        words = ("exercise", "chain", "--level", "2", "--format", format_)
        assert answer not in run(*words).answered().out
        assert answer in run(*words, "--solutions", "short").answered().out
    assert "Chain rule" in run(*words[:4], "--solutions", "explain").answered().out
