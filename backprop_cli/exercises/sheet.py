"""Sheets: tasks in YAML, each a kind, a program or a config, with the ranges of its numbers."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from math import inf
from string import ascii_lowercase
from typing import Any, NamedTuple, NoReturn

from ..errors import BackpropError, ConfigError, DataError, UsageError, nearest
from ..tables.files import bytes_of
from ..training.config.yaml_source import TEXT_LIMIT, Node, decode, read
from .answers import Printing
from .codes import MOST_TASKS, SHEETS
from .draws import Draws, values_of
from .handouts import kind_task
from .kinds import LEVELS, STEPS_HAVE_NUMBERS, usual_numbers
from .manner import LANGUAGES, USUAL, Manner
from .steps import StepTemplate, check_drawn, untold
from .tasks import FORMS, MOST_CHOICES, Drawn, Task, Usual
from .templates import Template, graph_of, merged, places_of

OWN = {
    "kind": ("level",),
    "program": ("draw", "where"),
    "config": ("draw", "round_each"),
}
"""What a task is made of, and the keys that go with it."""

SHARED = ("ask", "form", "choices", "digits", "decimals")
MOST_DIGITS = 12
MOST_ASKED = len(ascii_lowercase)
"""Of a task: its labels are 1a to 1z."""


class Sheet(NamedTuple):
    """Tasks under a title.

    Attributes:
        title: Above them.
        tasks: In order.
        manner: How they are written.
    """

    title: str
    tasks: tuple[Task, ...]
    manner: Manner = USUAL


def read_sheet(path: str, usual: Usual) -> Sheet:
    """Read a sheet.

    Args:
        path: The file; ``-`` is stdin.
        usual: What holds for tasks that do not say it themselves.
    Raises:
        DataError, FileError: for what cannot be read, with its place.
    """
    shown = "<stdin>" if path == "-" else path
    root = _tree(bytes_of(path, TEXT_LIMIT), shown)
    _known(root, ("title", "tasks", "language", "comma"), "a sheet")
    title = root.value.get("title")
    if title is not None and title.kind != "scalar":
        _refuse(title, f"a title is a text, not {title.shown()}")
    tasks = root.value.get("tasks")
    if tasks is None or tasks.kind != "list" or not tasks.value:
        _refuse(tasks or root, "a sheet has a list of tasks", "tasks:\n    - {kind: chain, level: 2}")
    if len(tasks.value) > MOST_TASKS:
        _refuse(tasks, f"a sheet has {MOST_TASKS} tasks at most")
    folder = os.path.dirname(path) if path != "-" else ""
    taken: set[int] = set()
    seen: Counter[str] = Counter()
    found = []
    for k, node in enumerate(tasks.value, 1):
        plain = _plain(node)
        if node.kind == "mapping" and "config" in plain and node.value["config"].kind == "scalar":
            # what is in a file is of the task: another content is another task
            file = os.path.join(folder, node.value["config"].text)
            plain["config"] = _plain(_tree(bytes_of(file, TEXT_LIMIT), file))
        text = json.dumps(plain, ensure_ascii=False)
        seen[text] += 1
        # of two tasks that are alike the second draws other numbers
        text = f"{text} {seen[text]}" if seen[text] > 1 else text
        which = _which(text, taken)
        taken.add(which)
        found.append(_task(node, k, text, which, plain, usual))
    name = os.path.splitext(os.path.basename(path))[0] if path != "-" else "Sheet"
    return Sheet(title.text if title is not None else name, tuple(found), _manner(root, usual.manner))


def _manner(root: Node, usual: Manner) -> Manner:
    """Read how a sheet is written, where it says so itself."""
    language, comma = (root.value.get(name) for name in Manner._fields)
    if language is not None:
        known = [each for each in LANGUAGES if each == language.value]
        usual = usual._replace(
            language=known[0] if known else _refuse(language, f"a language is {' or '.join(LANGUAGES)}")
        )
    if comma is not None:
        if not isinstance(comma.value, bool):
            _refuse(comma, f"comma is true or false, not {comma.shown()}")
        usual = usual._replace(comma=comma.value)
    return usual


def _which(text: str, taken: set[int]) -> int:
    """Return a task's number in codes: its text's, so that it stays when other tasks come and go."""
    first = Draws("which", text).below(MOST_TASKS)
    places = (SHEETS + (first + k) % MOST_TASKS for k in range(MOST_TASKS))
    found: int = next(place for place in places if place not in taken)
    return found


def _task(node: Node, k: int, text: str, which: int, plain: Any, usual: Usual) -> Task:
    made = [key for key in OWN if node.kind == "mapping" and key in node.value]
    if len(made) != 1:
        _refuse(node, f"task {k} is a kind, a program or a config", "{kind: chain, level: 2}")
    what = made[0]
    if what != "config" and node.value[what].kind != "scalar":
        _refuse(node.value[what], f"a {what} is a text, not {node.value[what].shown()}")
    _known(node, (what, *OWN[what], *SHARED), f"a task that is a {what}")
    given: dict[str, Node] = node.value
    places = {name: _whole(given[name], low, MOST_DIGITS) for name, low in LIMITS.items() if name in given}
    if len(places) > 1:
        _refuse(given["decimals"], "digits and decimals both say how numbers are rounded")
    printing = Printing(**places) if places else usual.printing
    form = usual.form
    if "form" in given:
        forms = [f for f in FORMS if f == given["form"].value]
        known = f"{', '.join(FORMS[:-1])} or {FORMS[-1]}"
        form = forms[0] if forms else _refuse(given["form"], f"a form is {known}")
    choices = _whole(given["choices"], 2, MOST_CHOICES) if "choices" in given else usual.choices
    ask = _ask(given["ask"]) if "ask" in given else None
    title = f"task {k}"
    if what == "kind":
        level = _whole(given["level"], LEVELS[0], LEVELS[-1]) if "level" in given else LEVELS[0]
        name = given["kind"]
        try:
            base = kind_task(name.text, level, Usual(form, choices, printing), ask)
        except BackpropError as error:
            _refuse(name, error.message, error.hint)
        task = Task(which, title, text, base.templates, form, choices, base.printing, exact=base.exact)
    else:
        draw = _draw(given.get("draw"))
        if what == "program":
            template: Drawn = _program(given, draw, ask, formula=form == "formula")
        elif form == "formula":
            _refuse(given.get("form", node), STEPS_HAVE_NUMBERS)
        else:
            template = _config(given, plain["config"], draw, ask)
        task = Task(which, title, text, [template], form, choices, printing or Printing())
    try:
        for (
            each
        ) in task.templates:  # what cannot be read, or is asked for and not there, is told with its place
            _tried(each, task)
    except BackpropError as error:
        at = given["ask"] if "ask" in given and error.source is None else given[what]
        _refuse(at, f"{title}: {error.message}", error.hint)
    return task


def _tried(template: Drawn, task: Task) -> None:
    """Draw once.

    Raises:
        BackpropError: for what cannot be read, or is asked for and not there, or twice.
    """
    found = (template.posed(Draws("tried", task.text, number)) for number in range(TRIES))
    posed = next(filter(None, found), None)
    if posed is None:
        return
    task.answers(posed)
    subject, seen = posed.subject(1), dict[object, str]()
    for name in posed.ask:
        other = seen.setdefault(subject.named(name).key, name)
        if other != name:
            raise UsageError(f"{name} is asked for twice: as {other}, too")


TRIES = 50
_COMPARED = re.compile("[<>=!]+")
LIMITS = {"digits": 1, "decimals": 0}


def _program(
    given: Mapping[str, Node],
    draw: dict[str, tuple[str, ...]],
    ask: dict[str, float] | None,
    *,
    formula: bool,
) -> Template:
    program = given["program"]
    if ask is None:
        _refuse(program, "nothing is asked for", "ask: {df/dx: 2}")
    where = given.get("where")
    several = where.value if where is not None and where.kind == "list" else [where] if where else []
    template = Template(program.text, draw, ask, tuple(each.text for each in several), formula)
    if beside := merged(program.text):
        _refuse(program, f"in {beside} a number would run into what is beside it", "2*{a}, not 2{a}")
    try:
        graph = graph_of(program.text)
    except BackpropError as error:
        _refuse(program, error.message, error.hint)
    for name in filter(graph.inputs.__contains__, template.places):
        _refuse(program, f"{name} is an input, and a place in brackets, too", "another name for one of them")
    for each in several:
        _where(each, [*dict.fromkeys([*graph.named, graph.own_name(graph.output)])], template.places)
    needed = [*template.places, *graph.inputs]
    for name in needed:
        if name not in draw and formula and name not in template.places:
            draw[name] = usual_numbers(program.text, name)
        elif name not in draw and name not in graph.defaults:
            _refuse(program, f"{name} has no numbers to be drawn from", f"draw: {{{name}: -5..5}}")
    for name in draw:
        if name not in needed:
            close = nearest(name, needed)
            _refuse(given["draw"], f"the program has no {name}", f"did you mean {close}?" if close else None)
    return template


def _where(node: Node, names: list[str], places: Sequence[str]) -> None:
    """Refuse a condition that cannot be read, or is about something else."""
    if not all(side.strip() for side in _COMPARED.split(node.text)):
        _refuse(node, "where is a condition", "x > 0")
    try:
        asked = graph_of(f"where({node.text}, 1, 0)").inputs
    except BackpropError as error:
        _refuse(node, error.message, error.hint)
    for name in filter(lambda name: name not in places, places_of(node.text)):
        _refuse(node, f"the program has no place {{{name}}}")
    for name in asked:
        if name not in names:
            close = nearest(name, names)
            hint = f"did you mean {close}?" if close else f"its names: {', '.join(names)}"
            _refuse(node, f"the program has no {name}", f"{{{name}}}, a place" if name in places else hint)


def _config(
    given: Mapping[str, Node], plain: Any, draw: dict[str, tuple[str, ...]], ask: dict[str, float] | None
) -> StepTemplate:
    config = given["config"]
    if ask is None:
        _refuse(config, "nothing is asked for", "ask: {E after: 1}; backprop trace has the names")
    if "draw" in given:
        check_drawn(draw, str(given["draw"].place))
    data = plain.get("data") if isinstance(plain, dict) else None
    if not isinstance(data, dict) or "inputs" not in data:
        _refuse(config, "a config of an exercise has its rows in data.inputs and data.targets")
    if strange := untold(plain):
        _refuse(
            config,
            f"a sheet would not tell {strange}",
            "it tells rows, linear layers, loss, optimizer and rate",
        )
    decimals = _whole(given["round_each"], 1, MOST_DIGITS) if "round_each" in given else None
    return StepTemplate(plain, draw, ask, decimals)


def _draw(node: Node | None) -> dict[str, tuple[str, ...]]:
    if node is None:
        return {}
    if node.kind != "mapping":
        _refuse(node, "draw says what numbers are drawn from", "draw: {x: -5..5, y: [2, 3]}")
    return {
        name: values_of([n.text for n in each.value] if each.kind == "list" else each.text, str(each.place))
        for name, each in node.value.items()
    }


def _ask(node: Node) -> dict[str, float]:
    """Read what is asked for: names with marks, or names alone for a mark each."""
    if node.kind == "mapping":
        for each in node.value.values():
            if (
                isinstance(each.value, bool)
                or not isinstance(each.value, (int, float))
                or not 0 <= each.value < inf
            ):
                _refuse(each, f"marks are a number, not {each.shown()}")
        found = {name: float(each.value) for name, each in node.value.items()}
    else:
        several = node.value if node.kind == "list" else [node]
        found = {each.text: 1.0 for each in several}
        if len(found) < len(several):
            twice, _ = Counter(each.text for each in several).most_common(1)[0]
            _refuse(node, f"{twice} is asked for twice")
    if not found:
        _refuse(node, "nothing is asked for", "ask: {df/dx: 2}")
    if len(found) > MOST_ASKED:
        _refuse(node, f"a task asks for {MOST_ASKED} things at most, not {len(found)}")
    return found


def _whole(node: Node, low: int, high: int) -> int:
    found = node.value
    if isinstance(found, bool) or not (isinstance(found, int) and low <= found <= high):
        _refuse(node, f"this is a whole number from {low} to {high}, not {node.shown()}")
    return found


def _known(node: Node, known: Sequence[str], what: str) -> None:
    if node.kind != "mapping":
        _refuse(node, f"{what} is a mapping, not {node.shown()}")
    for key, place in node.keys.items():
        if key not in known:
            close = nearest(key, list(known))
            hint = f"did you mean {close}?" if close else f"it has {', '.join(known)}"
            raise DataError(f"{what} has no {key}", place=str(place), hint=hint)


def _plain(node: Node) -> Any:
    if node.kind == "mapping":
        return {key: _plain(each) for key, each in node.value.items()}
    return [_plain(each) for each in node.value] if node.kind == "list" else node.value


def _tree(data: bytes, shown: str) -> Node:
    faults: list[ConfigError] = []
    try:
        root = read(decode(data, shown), shown, faults)
        if faults:
            raise faults[0]
    except ConfigError as error:
        words = error.message.replace("no config", "no sheet").replace("configs", "sheets")
        raise DataError(words.replace("config", "sheet"), place=error.place, hint=error.hint) from None
    return root


def _refuse(node: Node, message: str, hint: str | None = None) -> NoReturn:
    raise DataError(message, place=str(node.place), hint=hint)
