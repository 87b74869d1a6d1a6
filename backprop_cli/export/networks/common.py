"""What the programs of networks share: arrays in the text or beside it, activations, first updates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from textwrap import fill

import numpy as np
from safetensors.numpy import save

from ... import __version__
from ...ops import PRIMITIVES
from ...optimization.settings import Adadelta, Adagrad, AdamW, FirstOrder, NAdam, RMSprop, Sgd
from ..writer import ATOM, Piece, Table, python_number, spell
from . import INLINE
from .facts import Facts, NDArray, Step, described

WIDTH = 100
"""Of lines of numbers."""

WITHOUT = ", without dropout: each framework draws its own"


def header(facts: Facts, language: str) -> Iterator[str]:
    """Yield what a program says about itself."""
    for line in described(facts):
        yield f"# {line}"
    yield f"# In {language}, written by backprop {__version__}; the numbers asserted are backprop's own."


def activation(table: Table, name: str, x: str, used: set[str]) -> str:
    """Write an elementwise activation, trailing operands by their defaults."""
    row = PRIMITIVES[name]
    used.add(name)
    operands = [Piece(x, ATOM), *(python_number(d, True)._replace(value=d) for d in row.defaults)]
    return spell(table, name, operands).text


def literal(array: NDArray, indent: str = "") -> str:
    """Write an array as nested lists, a row a line."""
    if array.ndim < 2:
        return f"[{fill(', '.join(map(repr, array.tolist())), WIDTH, subsequent_indent=f'{indent} ')}]"
    text = repr(array.tolist())
    if len(text) <= WIDTH // 2:
        return text
    rows = f",\n{indent} ".join(literal(row, f"{indent} ") for row in array)
    return f"[{rows}]"


class Arrays:
    """Where a program has its arrays from: its own text, or the file beside it.

    Args:
        facts: The network.
        name: Of that file, without its ending.
        made: Writes an array of a nested list, ``torch.tensor({})``.
        loaded: Writes an array of one from the file.
        library: Of safetensors, ``torch`` or ``numpy``.
    Attributes:
        stored: What goes to the file.
        imports: What the program imports to find it, first, and to read it, last.
        reading: How it reads it.
    """

    def __init__(self, facts: Facts, name: str, made: str, loaded: str, library: str) -> None:
        self.inline = facts.numbers <= INLINE
        self.made = made
        self.loaded = loaded
        self.stored: dict[str, NDArray] = {}
        self.imports: tuple[list[str], list[str]] = ([], [])
        self.reading: list[str] = []
        if not self.inline:
            array = loaded.format("array")
            self.imports = (
                ["from pathlib import Path", ""],
                [f"from safetensors.{library} import load_file"],
            )
            self.reading = [
                f'arrays = load_file(Path(__file__).with_name("{name}.safetensors"))',
                "",
                "",
                "def part(name):",
                '    """Return the arrays called name/..., by the rest of their names."""',
                '    start = f"{name}/"',
                f"    found = {{key: {array} for key, array in arrays.items() if key.startswith(start)}}",
                "    return {key.removeprefix(start): array for key, array in found.items()}",
                "",
                "",
            ]

    @property
    def beside(self) -> bytes | None:
        """Content of the file; None where there is none."""
        return None if self.inline else save(self.stored)

    def __call__(self, name: str, array: NDArray, start: str) -> str:
        """Write ``start = `` one array."""
        if self.inline:
            head, tail = self.made.split("{}")
            return f"{start} = {head}{literal(array, ' ' * (len(start) + 3 + len(head)))}{tail}"
        self.stored[name] = np.ascontiguousarray(array, dtype=np.float64)
        return f"{start} = {self.loaded.format(f'arrays[{name!r}]').replace(chr(39), chr(34))}"

    def group(self, name: str, arrays: Mapping[str, NDArray]) -> list[str]:
        """Write a dictionary of arrays."""
        if self.inline:
            head, tail = self.made.split("{}")
            lines = []
            for key, array in arrays.items():
                start = f'    "{key}": {head}'
                lines.append(f"{start}{literal(array, ' ' * len(start))}{tail},")
            return [f"{name} = {{", *lines, "}"]
        self.stored |= {f"{name}/{key}": np.ascontiguousarray(a, np.float64) for key, a in arrays.items()}
        return [f'{name} = part("{name}")']

    def scaling(self, facts: Facts) -> list[str]:
        """Write ``scaled(rows)``, where the network takes its inputs so."""
        if not facts.scaled:
            return []
        lines: list[str] = []
        text = "rows"
        for name, array, none, form in (
            ("shift", facts.shift, 0.0, "({} - {})"),
            ("scale", facts.scale, 1.0, "{}/{}"),
        ):
            if (array == none).all():
                continue
            number = name
            if (array == array.flat[0]).all():
                number = repr(float(array.flat[0]))
            else:
                lines.append(self(name, array, name))
            text = form.format(text, number)
        return [
            *lines,
            *["", ""] * bool(lines),
            "def scaled(rows):",
            '    """Return rows as the network has learned them."""',
            f"    return {text}",
            "",
            "",
        ]


def network(facts: Facts, x: str, train: bool, p: str = "p") -> str:
    """Write the call of a network that is a function of its parameters."""
    mode = f", train={train}" * bool(facts.network.states)
    return f"network({p}, {rows(facts, x)}{mode})"


def rows(facts: Facts, name: str) -> str:
    """Write rows as the network takes them."""
    return f"scaled({name})" if facts.scaled else name


def first_update(settings: FirstOrder, rate: float, sqrt: str) -> list[str]:
    """Return the body of ``updated(p, g)``: the first update of an optimizer, whose means begin at 0."""
    lines = []
    decay = getattr(settings, "weight_decay", 0.0)
    if isinstance(settings, AdamW):
        if decay:
            lines.append(f"p = p*(1 - {rate!r}*{decay!r})")
    elif decay:
        lines.append(f"g = g + {decay!r}*p")
    if isinstance(settings, Sgd):
        if settings.momentum and settings.nesterov:
            lines.append(f"g = g + {settings.momentum!r}*g")
        return [*lines, f"return p - {rate!r}*g"]
    if isinstance(settings, Adagrad):
        first = f"{settings.initial_accumulator_value!r} + " if settings.initial_accumulator_value else ""
        return [*lines, f"return p - {rate!r}*g/({sqrt}({first}g**2) + {settings.eps!r})"]
    if isinstance(settings, Adadelta):
        lines.append(f"s = (1 - {settings.rho!r})*g**2")
        return [*lines, f"return p - {rate!r}*{sqrt}({settings.eps!r})/{sqrt}(s + {settings.eps!r})*g"]
    if isinstance(settings, RMSprop):
        lines.append(f"s = (1 - {settings.alpha!r})*g**2")
        if settings.centered:
            lines.append(f"s = s - ((1 - {settings.alpha!r})*g)**2")
        return [*lines, f"return p - {rate!r}*g/({sqrt}(s) + {settings.eps!r})"]
    beta1, beta2 = settings.betas
    lines.append(f"m = (1 - {beta1!r})*g")
    lines.append(f"v = (1 - {beta2!r})*g**2")
    if isinstance(settings, NAdam):
        mu, ahead = (beta1 * (1.0 - 0.5 * 0.96 ** (t * settings.momentum_decay)) for t in (1, 2))
        lines.append(f"m = g + {ahead!r}*m/(1 - {mu!r}*{ahead!r})")
    else:
        lines.append(f"m = m/(1 - {beta1!r})")
    return [*lines, f"return p - {rate!r}*m/({sqrt}(v/(1 - {beta2!r})) + {settings.eps!r})"]


def unsure(step: Step) -> list[str]:
    """Return what is to be said of slopes that are not asserted."""
    names = ", ".join(step.unsure)
    return [f"# not asserted, as rounding decides them, at a kink or by cancellation: {names}"] * bool(names)


def noise(step: Step) -> list[str]:
    """Return what is to be said of updates that are not asserted."""
    names = ", ".join(step.noisy)
    return [f"# not asserted, as they follow the sign of what is rounding: {names}"] * bool(names)


# what the programs in JAX and in NumPy write alike; ``xp`` is the name of the array module


def predicting(facts: Facts, arrays: Arrays, predictions: str) -> list[str]:
    """Return the parameters, and the assertion of what the network gives for some rows."""
    return [
        *arrays.reading,
        *arrays.scaling(facts),
        *arrays.group("p", facts.arrays),
        "",
        "# predictions for some rows",
        arrays("sample", facts.sample, "sample"),
        arrays("predictions", facts.predictions, "expected"),
        f"predictions = {predictions}",
        "print(predictions)",
        "np.testing.assert_allclose(predictions, expected, rtol=1e-9, atol=1e-12)",
        "",
    ]


def penalties(facts: Facts, xp: str, parameters: str) -> Iterator[str]:
    """Yield the lines that add l1 and l2 to the loss."""
    given = facts.network.penalties
    for factor, norm in ((given.l1, f"{xp}.abs({{}})"), (given.l2, "{}**2")):
        for p in facts.trained if factor else ():
            if p.penalised:
                weights = f'{parameters}["{p.name}"]'
                yield f"loss = loss + {factor!r}*{xp}.sum({norm.format(weights)})"


def gradients(step: Step, arrays: Arrays) -> list[str]:
    """Return the assertions of the gradient."""
    return [
        *unsure(step),
        *arrays.group("gradients", step.gradients),
        "for name, expected in gradients.items():",
        "    np.testing.assert_allclose(gradient[name], expected, rtol=1e-7, atol=1e-10)",
        "",
    ]


def clipped(step: Step, xp: str) -> list[str]:
    """Return the lines that clip the gradient's norm."""
    if step.clip is None:
        return []
    return [
        f"norm = {xp}.sqrt(sum({xp}.sum(g**2) for g in gradient.values()))",
        f"gradient = {{n: g*{xp}.minimum(1.0, {step.clip!r}/(norm + 1e-6)) for n, g in gradient.items()}}",
        "",
    ]


def update(facts: Facts, arrays: Arrays, xp: str) -> list[str]:
    """Return the first update by hand, and the assertions of what it and the step leave."""
    step = facts.step
    assert step is not None
    rule = step.settings.__struct_config__.tag
    return [
        "",
        "def updated(p, g):",
        f'    """Return parameters after the first update of {rule}: what it remembers begins at 0."""',
        *(f"    {line}" for line in first_update(step.settings, step.rate, f"{xp}.sqrt")),
        "",
        "",
        *noise(step),
        *arrays.group("after", step.after),
        "for name, expected in after.items():",
        "    np.testing.assert_allclose(updated(p[name], gradient[name]), expected, rtol=1e-6, atol=1e-9)",
        *(
            [
                *arrays.group("running", step.states),
                "for name, expected in running.items():",
                "    np.testing.assert_allclose(states[name], expected, rtol=1e-6, atol=1e-9)",
            ]
            if step.states
            else []
        ),
    ]
