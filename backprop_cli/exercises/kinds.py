"""The kinds of exercises: for every level some programs, whose numbers are drawn.

The level is how many rules are nested, counted on the graph; the tests hold every row to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from ..errors import UsageError, nearest
from .draws import values_of
from .posed import kinks
from .steps import StepTemplate
from .templates import Template, graph_of, places_of

LEVELS = range(1, 6)

RANGES: Mapping[str, tuple[str, ...]] = {
    name: values_of(given, name)
    for names, given in {
        "abcd": [-9, -8, -7, -6, -5, -4, -3, -2, 2, 3, 4, 5, 6, 7, 8, 9],
        "n": [2, 3],
        "m": [2, 3],
        "xyzw": [-6, -5, -4, -3, -2, 2, 3, 4, 5, 6],
        "t": [-9, -8, -7, -6, -5, -4, -3, -2, 2, 3, 4, 5, 6, 7, 8, 9],
        "p": [-0.9, -0.8, -0.7, -0.6, -0.4, -0.3, -0.2, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9],
        "q": [0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9],
    }.items()
    for name in names
}
"""Numbers by the first letter of a place or an input: 0 and 1 hide what is done with them."""

PROGRAMS: Mapping[str, Sequence[Sequence[str]]] = {
    "power": (
        ("{a}*x^{n} + {b}", "{b} - {a}*x^{n}", "{a}*x^{n} + {b}*x"),
        ("({a}*x + {b})^{n}", "{a}*x^3 + {b}*x^2"),
        ("({a}*x^{m} + {b})^{n}", "({a}*x + {b})^{n} + {c}*x^{m}"),
        ("(({a}*x + {b})^2 + {c})^2", "({a}*x + {b})^{n} + ({c}*x + {d})^{m}"),
        ("(({a}*x + {b})^2 + {c}*x^2)^2", "({a}*x^2 + {b})^{n} + ({c}*x + {d})^{m}"),
    ),
    "product": (
        ("({a}*x + {b})*({c}*x + {d})", "{a}*x*({b}*x + {c})"),
        ("x^{n}*({a}*x + {b})", "{a}*(x^{n} + {b})*({c}*x + {d})"),
        ("x*({a}*x + {b})^{n}", "(x^{n} + {a})*(x^{m} + {b})"),
        ("x^{m}*({a}*x + {b})^{n}", "({a}*x + {b})*(x^2 + {c})^{n}"),
        ("({a}*x + {b})^{m}*({c}*x + {d})^{n}", "x^{m}*(x^2 + {a})^{n}"),
    ),
    "quotient": (
        ("({a}*x + {b})/({c}*x + {d})", "{a}*x/({c}*x + {d})"),
        ("({a}*x^{n} + {b})/({c}*x + {d})", "({a}*x + {b})/(x^2 + {d})"),
        ("({a}*x + {b})^{n}/({c}*x + {d})", "(x^{n} + {a})/(x^2 + {b})"),
        ("({a}*x + {b})^{n}/(x^2 + {d})", "x^2/({a}*x + {b})^{n}"),
        ("({a}*x + {b})^{n}/({c}*x + {d})^{m}", "(x^2 + {a})^{n}/(x^2 + {b})"),
    ),
    "chain": (
        ("u = {a}*x + {b}; f = {c}*u^{n}", "u = {a}*x + {b}; f = {c} - u^{n}"),
        ("u = x^{m} + {b}; f = {c}*u^{n}", "({a}*x + {b})^{n}"),
        ("({a}*x^{m} + {b})^{n}", "sqrt({a}*x^2 + {b})"),
        ("(({a}*x + {b})^2 + {c})^2", "log(({a}*x + {b})^2 + {c})", "exp(({p}*x + {q})^2)"),
        ("(({a}*x + {b})^2 + {c}*x^2)^2", "sin(({p}*x + {q})^2)*x"),
    ),
    "partial": (
        ("{a}*x*y + {b}*x + {c}*y", "({a}*x + {b}*y)*{c} + x*y"),
        ("{a}*x^{n}*y + {b}*x", "({a}*x + {b}*y)^{n}"),
        ("{a}*x^2*y^{m} + {b}*x", "y*({a}*x + {b}*y)^{n}"),
        ("({a}*x + {b}*y)^{n}*x^{m}", "(x^2 + {a}*y)^{n}*y"),
        ("({a}*x + {b}*y)^{n}*({c}*x + {d}*y)^{m}", "(x^2 + {a}*y^2)^{n}*y"),
    ),
    "paths": (
        ("q = {a}*x + {b}*y; f = q*x", "q = {a}*x + {b}*y; f = q*y"),
        ("q = {a}*x + {b}*y; f = q*(q + {c})", "q = {a}*x + {b}*y; f = q^2 + {c}*q"),
        ("q = {a}*x + {b}*y; f = q^2 + q*y", "q = x*y + {a}; f = q^{n} + {b}*q"),
        ("q = x*y + {a}; r = q^2; f = r*x + {b}*q", "q = x^2 + {a}*y; r = q*y; f = q^2 + r"),
        ("q = x*y + {a}; r = (q + {b}*x)^2; f = r + q*y", "q = x*y + {a}; r = q^2 + {b}*x^2; f = r*q"),
    ),
    "neuron": (
        ("z = w*x + b", "z = b - w*x"),
        ("z = w*x + b; y = z^2", "z = w*x + b; y = {a}*relu(z)"),
        ("z = w1*x1 + w2*x2 + b; y = {a}*relu(z)", "z = w1*x1 + w2*x2 + b; y = z^2"),
        ("z = w*x + b; y = sigmoid(z); L = (y - {q})^2", "z = w*x + b; y = tanh(z); L = (y - {q})^2"),
        ("z = w1*x1 + w2*x2 + b; y = sigmoid(z); L = (y - {q})^2",),
    ),
    "loss": (
        ("e = y - {t}; L = e^2", "e = {t} - y; L = {a}*e^2"),
        ("L = (y - {t})^2", "L = {a}*({t} - y)^2"),
        ("y = w*x + b; L = (y - {t})^2", "y = w*x + b; L = ({t} - y)^2"),
        ("y = w1*x1 + w2*x2 + b; L = (y - {t})^2", "y = w1*x1 + w2*x2 + b; L = ({t} - y)^2"),
        ("y = w1*x1 + w2*x2 + b; L = (y - {t})^2 + {a}*w1^2",),
    ),
}

EXPONENTS = "nm"
"""Of the places, those whose numbers may be alike."""

NETWORKS: Mapping[str, Sequence[tuple[tuple[int, ...], str | None]]] = {
    "update": (((1, 1), None), ((2, 1), None), ((2, 2), None), ((2, 1), "sigmoid"), ((2, 2), "sigmoid")),
    "step": (
        ((1, 1, 1), None),
        ((2, 1, 1), None),
        ((2, 2, 1), None),
        ((2, 2, 1), "sigmoid"),
        ((2, 2, 2), "sigmoid"),
    ),
}
"""Units from the inputs on, and the activation, of a training step; the level is how much there is of it."""

KINDS = (*PROGRAMS, *NETWORKS)
RATE = 0.1

STEPS_HAVE_NUMBERS = "of a training step numbers are asked for, no formula"

SMALL = ("exp(", "sin(", "sigmoid(", "tanh(")
"""Functions of which all numbers are small, since what comes out for large ones says nothing."""


def usual_numbers(program: str, name: str) -> tuple[str, ...]:
    """Return the numbers that a place or an input has where nobody says which: by its first letter."""
    letter = name[0] if name[0] in RANGES else "x"
    small = any(function in program for function in SMALL) and letter not in "q" + EXPONENTS
    return RANGES["p" if small else letter]


def template(text: str) -> Template:
    """Return a program of the table with the ranges of its numbers, and what is asked of it.

    That is the slopes by the weights, where there are some, else by all inputs.
    """
    graph = graph_of(text)
    inputs = sorted(graph.inputs)
    places = [name for name in places_of(text) if name not in inputs]
    draw = {name: usual_numbers(text, name) for name in (*places, *inputs)}
    weights = [name for name in inputs if name[0] == "w"]
    output = graph.own_name(graph.output)
    ask = {f"d{output}/d{name}": 1.0 for name in weights or inputs}
    return Template(text, draw, ask, apart=tuple(name for name in places if name not in EXPONENTS))


def network(sizes: Sequence[int], activation: str | None) -> StepTemplate:
    """Return a network of the table with the ranges of its numbers, and what is asked of its step.

    That is the delta of the first unit, of the first and the last layer, a weight of each after the update,
    and, of a network that is not linear, the loss after it.
    """
    layers = [
        {"type": "linear", "units": units, "weights": [[0.0] * inputs] * units, "bias": [0.0] * units}
        for inputs, units in pairwise(sizes)
    ]
    if activation is not None:
        layers = [{**layer, "activation": activation} for layer in layers]
    config = {
        "data": {"inputs": [[0.0] * sizes[0]], "targets": [[0.0] * sizes[-1]]},
        "model": {"layers": layers},
        "loss": "half_sse",
        "optimizer": {"type": "sgd", "learning_rate": RATE},
        "training": {"batch_size": "full", "shuffle": False},
        "seed": 0,
    }
    small = activation is not None
    draw = dict.fromkeys(("weights", "bias", "inputs"), RANGES["p" if small else "x"])
    names = list(dict.fromkeys((f"linear{len(layers)}[0]", "linear1[0]")))
    ask = [text for name in names for text in (f"{name}.delta", f"{name}.w[0]")]
    draw["targets"] = RANGES["q" if small else "t"]
    return StepTemplate(config, draw, dict.fromkeys([*ask, "E after"] if small else ask, 1.0))


def templates(kind: str, level: int, *, formula: bool = False) -> list[Template] | list[StepTemplate]:
    """Return the templates of a kind at a level, from 1 to 5.

    Args:
        kind: A kind.
        level: The level.
        formula: Those whose derivatives may be asked for as formulas.
    Raises:
        UsageError: for a kind that is none, or has no formulas.
    """
    if kind not in KINDS:
        close = nearest(kind[:80], list(KINDS))
        hint = f"did you mean {close}?" if close else f"there are {', '.join(KINDS)}"
        raise UsageError(f"{kind[:80]} is no kind of exercise", hint=hint)
    if kind in NETWORKS:
        if formula:
            raise UsageError(STEPS_HAVE_NUMBERS)
        return [network(*NETWORKS[kind][level - 1])]
    found = [template(text) for text in PROGRAMS[kind][level - 1]]
    if formula:
        return [each._replace(formula=True) for each in found if not kinks(graph_of(each.program))]
    return found
