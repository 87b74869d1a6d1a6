"""Answers without any work earn nothing: what stands there already follows from nothing."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

import pytest

from backprop_cli import check
from backprop_cli.api.programs import bound
from backprop_cli.checking.people import of_program, of_step

FORMS = (
    "{a}*{b}", "{a}*{b}", "{a} + {b}", "{a} - {b}", "{a}*{b} + {c}", "{a}^2", "{a}^3", "({a} - {b})^2",
    "3*{a}", "{a}/2", "2*{a} - {b}", "sigmoid({a})", "tanh({a})", "exp({a})", "relu({a})", "max({a}, {b})",
    "ln({a}^2 + 1)",
)  # fmt: skip


def random_program(draw: random.Random) -> tuple[str, dict[str, float], list[str]]:
    """Return a program as of a sheet, a point, and what is asked: values, then slopes."""
    inputs = ["x", "y", "w", "b"][: draw.randint(2, 4)]
    names, lines = [*inputs], []
    for step in "uvpqz"[: draw.randint(2, 5)]:
        near, b, c = draw.choice(names[-3:]), draw.choice(names), draw.choice(names)
        lines.append(f"{step} = {draw.choice(FORMS).format(a=near, b=b, c=c)}")
        names.append(step)
    used = set(re.findall(r"\b\w+\b", " ".join(line.partition("=")[2] for line in lines)))
    unused = [n for n in names if n not in used]
    lines.append(f"L = {draw.choice((' + ', '*')).join(unused)}")
    whole = draw.random() < 0.6
    drawn = (draw.choice((-4, -3, -2, 2, 3, 5)) if whole else round(draw.uniform(-2, 2), 2) for _ in inputs)
    point = {name: float(x) for name, x in zip(inputs, drawn, strict=True)}
    steps = names[len(inputs) :]
    values = [*steps, "L"] if draw.random() < 0.6 else []
    return "; ".join(lines), point, [*values, *(f"dL/d{n}" for n in [*reversed(steps), *inputs])]


def stock(draw: random.Random, point: dict[str, float], asked: list[str]) -> Iterator[dict[str, str]]:
    """Yield answers that take no work."""
    given = [f"{x:g}" for x in point.values()]
    one = f"{draw.choice((2, 3, 5, 10, 0.5, 0.1, 1.7, 4, 0.25)):g}"
    for number in ("0", "1", "-1", one, given[0], given[1]):
        yield dict.fromkeys(asked, number)
    for numbers in (given, ("0", "1", "-1"), (one, f"-{one}")):
        yield {name: draw.choice(numbers) for name in asked}


def following(program, point, answers):
    subject = of_program(*bound(program, point, {}), least_digits=3)
    return [f"{v.claim} = {v.answer}: {v.says}" for v in subject.judged([*answers.items()], False)
            if v.verdict == "follows"]  # fmt: skip


FEW, MANY = 6, 300


@pytest.mark.parametrize("seed", [*range(FEW), pytest.param(range(FEW, MANY), marks=pytest.mark.nightly)])
def test_nothing_follows_from_stock_answers(seed):
    for each in seed if isinstance(seed, range) else (seed,):
        draw = random.Random(each)
        program, point, asked = random_program(draw)
        for answers in stock(draw, point, asked):
            assert following(program, point, answers) == [], (program, point, answers)


@pytest.mark.nightly
def test_guesses_earn_next_to_nothing():
    asked_for = earned = 0
    for seed in range(MANY):
        draw = random.Random(seed)
        program, point, asked = random_program(draw)
        asked_for += len(asked)
        earned += len(following(program, point, {name: str(draw.randint(-5, 5)) for name in asked}))
    assert earned < 0.005 * asked_for


STEP = ["linear1[0].z", "linear1[0].y", "linear2[0].z", "linear2[0].y", "E", "linear2[0].delta",
        "dE/dlinear2[0].w[0]", "dE/dlinear2[0].b", "linear1[0].delta", "dE/dlinear1[0].w[0]"]  # fmt: skip


@pytest.mark.parametrize("number", ["0", "1", "0.5", "0.1"])
def test_of_a_training_step(number):
    subject = of_step("sample_inputs/mazur.yaml", (), at_step=1, least_digits=3)
    verdicts = subject.judged([(name, number) for name in STEP], False)
    assert not any(v.verdict == "follows" for v in verdicts)


@pytest.mark.parametrize("number", [0, 1, 0.5, 3])
def test_of_arrays(number):
    program = "z = W@x + b; h = relu(z); L = sum((h - t)^2)/2"
    point = {"W": [[1, 2], [3, 4]], "x": [2, -0.5], "b": [0, 1], "t": [1, 1]}
    two = [number, number]
    answers = {**dict.fromkeys(("z", "h", "dL/dh", "dL/dz", "dL/db"), two), "dL/dW": [two, two], "L": number}
    assert not any(v.verdict == "follows" for v in check(program, answers, point).verdicts)


@pytest.mark.parametrize(("program", "point"), [("tanh(x)", {"x": 1.0}), ("x^3", {}), ("x*exp(x)", {})])
@pytest.mark.parametrize("first", ["0", "1", "x", "e^x"])
def test_of_second_derivatives(program, point, first):
    second = {"1": "0", "x": "1"}.get(first, first)
    assert following(program, point, {"df/dx": first, "d2f/dx2": second}) == []


@pytest.mark.parametrize(
    ("answers", "verdicts"),
    [  # what repeats a number counts beside an answer that is worked out, before it or behind
        ({"dL/de": "2", "dL/dd": "2", "dL/dc": "2"}, "www"),
        ({"dL/de": "2", "dL/dd": "2", "dL/dc": "2", "dL/da": "-4"}, "wfff"),
        ({"dL/de": "2", "dL/da": "-4", "dL/dc": "2"}, "wff"),
        ({"d": "-5", "e": "3", "L": "-6", "dL/dd": "3"}, "wffw"),
        ({"dL/de": "2", "dL/dd": "2", "dL/da": "4"}, "wfr"),  # right, and none of the given numbers
        ({"dL/de": "2", "dL/dd": "2", "dL/dc": "-2"}, "wwr"),
    ],
)
def test_what_repeats_a_number_counts_beside_work(answers, verdicts):
    program, point = "d = a*b; e = d + c; L = e*f", {"a": 3.0, "b": -2.0, "c": 8.0, "f": -2.0}
    subject = of_program(*bound(program, point, {}), least_digits=3)
    assert [v.verdict[0] for v in subject.judged([*answers.items()], False)] == [*verdicts]
