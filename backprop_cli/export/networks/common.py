"""What the programs of networks share: arrays in the text or beside it, activations, first updates."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from textwrap import fill
from types import SimpleNamespace
from typing import Any

import numpy as np
from safetensors.numpy import save

from ... import __version__
from ...engine.record import Recorder, Written
from ...graph import INPUT, NOWHERE, Graph
from ...language.written import Table
from ...networks.losses import WEIGHTS
from ...ops import Shape
from ...optimization.settings import FirstOrder
from . import INLINE
from .facts import Facts, NDArray, Step, described
from .nodes import NodeWriter

SOME: Shape = (2,)
"""Of parameters and slopes in a rule, which is for arrays of any shape."""

WIDTH = 100
"""Of lines of numbers."""

WITHOUT = ", without dropout: each framework draws its own"


def header(facts: Facts, language: str) -> Iterator[str]:
    """Yield what a program says about itself."""
    for line in described(facts):
        yield f"# {line}"
    yield f"# In {language}, written by backprop {__version__}; the numbers asserted are backprop's own."


def literal(array: NDArray, indent: str = "") -> str:
    """Write an array as nested lists, a row a line."""
    if not array.ndim:
        return repr(array.item())
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


def rows(facts: Facts, name: str) -> str:
    """Write rows as the network takes them."""
    return f"scaled({name})" if facts.scaled else name


def first_update(settings: FirstOrder, rate: float, table: Table, reserved: Collection[str]) -> list[str]:
    """Return the body of ``updated(p, g)``: the first update of an optimizer, whose means begin at 0."""
    recorder = Recorder()
    recorder.pulling = True  # what is 0 times a hyperparameter stays 0

    def leaf(name: str, shape: Shape = ()) -> Written:
        return Written(recorder, recorder.builder.array(name, shape, NOWHERE))

    numbers: dict[str, float] = {}
    h: dict[str, Any] = {}
    for key, value in {**settings_of(settings), "learning_rate": rate}.items():
        name = "rate" if key == "learning_rate" else key
        parts = {f"beta{k}": x for k, x in enumerate(value, 1)} if key == "betas" else {name: value}
        numbers |= parts
        written = tuple(map(leaf, parts))
        h[key] = written if key == "betas" else written[0]
    p, g = settings.decayed(SimpleNamespace(**h), leaf("p", SOME), leaf("g", SOME))
    kept: Mapping[str, Any] = settings.remembered()
    after, kept = settings.updated(recorder.xp, SimpleNamespace(**h), 1, p, g, kept)
    builder = recorder.builder
    for name, value in {"p_decayed": p, "g_decayed": g, **kept}.items():
        if isinstance(value, Written) and builder.nodes[value.id].name is None:
            builder.name(value.id, name)
    graph = builder.build([recorder.id(after)])
    writer = NodeWriter(graph, table, {name: name for name in graph.inputs}, reserved)
    *lines, last = writer.lines(graph.outputs)
    read = {graph.name(i) for node in graph.nodes for i in node.inputs}
    given = [name for name in numbers if name in read]
    return [
        f"{', '.join(given)} = {', '.join(repr(numbers[name]) for name in given)}",
        *lines,
        f"return {last.partition(' = ')[2]}",
    ]


def settings_of(settings: FirstOrder) -> dict[str, Any]:
    """Return the hyperparameters by name."""
    return {name: getattr(settings, name) for name in settings.__struct_fields__}


def unsure(step: Step) -> list[str]:
    """Return what is to be said of slopes that are not asserted."""
    names = ", ".join(step.unsure)
    return [f"# not asserted, as rounding decides them, at a kink or by cancellation: {names}"] * bool(names)


def noise(step: Step) -> list[str]:
    """Return what is to be said of updates that are not asserted."""
    names = ", ".join(step.noisy)
    return [f"# not asserted, as they follow the sign of what is rounding: {names}"] * bool(names)


# what the programs in JAX and in NumPy write alike; ``xp`` is the name of the array module


def leaves(graph: Graph) -> dict[str, str]:
    """Return how the leaves of a network are written: rows x, their targets t, the rest is in ``p``."""
    return {
        name: (name if name in ("x", WEIGHTS) else "t") if graph.nodes[id].kind == INPUT else f'p["{name}"]'
        for name, id in graph.inputs.items()
    }


def function(head: str, says: str, body: Sequence[str]) -> list[str]:
    """Write a function, with the lines that follow it."""
    lines = [*[f'"""{says}"""'] * bool(says), *body]
    return [f"def {head}:", *(f"    {line}".rstrip() for line in lines), "", ""]


def dictionary(name: str, texts: Mapping[str, str]) -> list[str]:
    """Write a dictionary of expressions."""
    return [f"{name} = {{", *(f'    "{key}": {text},' for key, text in texts.items()), "}"]


def predictions(facts: Facts, arrays: Arrays, call: str) -> list[str]:
    """Return the parameters, and the assertion of what the network gives for some rows."""
    return [
        *arrays.reading,
        *arrays.scaling(facts),
        *arrays.group("p", facts.arrays),
        "",
        "# predictions for some rows",
        arrays("sample", facts.sample, "sample"),
        arrays("predictions", facts.predictions, "expected"),
        f"predictions = {call}",
        "print(predictions)",
        "np.testing.assert_allclose(predictions, expected, rtol=1e-9, atol=1e-12)",
        "",
        "",
    ]


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


def update(facts: Facts, arrays: Arrays, table: Table, reserved: Collection[str]) -> list[str]:
    """Return the first update by hand, and the assertions of what it and the step leave."""
    step = facts.step
    assert step is not None
    rule = step.settings.__struct_config__.tag
    return [
        "",
        "def updated(p, g):",
        f'    """Return parameters after the first update of {rule}: what it remembers begins at 0."""',
        *(f"    {line}" for line in first_update(step.settings, step.rate, table, reserved)),
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
