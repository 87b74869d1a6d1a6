"""The files of a class: everybody's sheet, the key, a report, questions for learning platforms."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from ..errors import UsageError, counted
from ..exercises.classes import most_shared, summaries
from ..exercises.handouts import Handout, Solutions
from ..exercises.key import Key, labels, written
from ..exercises.posed import OfFormula
from ..language.numbers import brief
from ..tables.files import stems
from .document import Document, Facts, Records, unformulated
from .exercises import SCHEMA, document, page
from .page import Block, Column, Grid, Heading, Kind, Lines
from .quizzes import moodle, qti12, qti21, questions
from .writers import html, latex, rows, write

ENDINGS = {"markdown": ".md", "latex": ".tex", "html": ".html", "json": ".json"}
"""Of handouts."""

TOGETHER = ("latex", "html")
"""What everybody's pages are written in besides, to be printed."""

PACKAGES = {"qti12": qti12, "qti21": qti21}
QUIZZES = ("moodle", *PACKAGES)
FOLDERS = ("student", "solutions")
ENTIRE = {
    **{f"{folder}{ENDINGS[name]}": name for folder in FOLDERS for name in TOGETHER},
    "moodle.xml": "moodle",
    **{f"{name}.zip": name for name in PACKAGES},
}
"""Files of a whole class besides the key, and what they are."""

FORMATS = (*ENDINGS, *QUIZZES)
EPOCH = (1980, 1, 1, 0, 0, 0)
"""When files in packages were written: the same bytes are to come out again."""


def key_document(key: Key) -> Document:
    """Return everybody's answers: a row a number that is asked for."""
    titles = ("student", "task", "code", "attempt", "of", "answer", "marks")

    def asked() -> Iterator[tuple[str, ...]]:
        for name, slots in key.people.items():
            attempts = {str(slot.exercise.code): slot.attempt for slot in slots}
            for label, exercise, part in labels([slot.exercise for slot in slots]):
                code = str(exercise.code)
                marks = brief(part.marks)
                yield name, label, code, str(attempts[code]), part.name, part.answer.text, marks

    def in_manner(row: Iterable[str]) -> list[str]:
        *words, answer, marks = row
        return [*words, key.manner.number(answer), key.manner.number(marks)]

    def grid() -> Grid:
        kinds: Sequence[Kind] = ("text", "word", "word", "number", "word", "number", "number")
        columns = [Column(title, kind) for title, kind in zip(titles, kinds, strict=True)]
        return Grid(columns, list(map(in_manner, asked())))

    return Document(
        page=lambda: [Heading(f"{key.title}, seed {key.seed}: answers"), grid()],
        facts=lambda: Facts({}),
        records=lambda: Records(titles, (in_manner(map(unformulated, row)) for row in asked())),
    )


def report(key: Key) -> Document:
    """Return what the tasks are like over the class."""

    def ends(pair: tuple[int, int]) -> str:
        return str(pair[0]) if pair[0] == pair[1] else f"{pair[0]} to {pair[1]}"

    def blocks() -> Iterator[Block]:
        yield Heading(f"{key.title}, seed {key.seed}, for {counted(len(key.people), 'student')}")
        titles = ("task", "level", "effort", "ratio", "different answers", "exact")
        cells = [
            (
                str(k),
                ends(each.levels),
                ends(each.efforts),
                brief(each.efforts[1] / each.efforts[0], 3),
                f"{each.different}/{each.of}",
                f"{each.exact}/{each.of}",
            )
            for k, each in enumerate(summaries(key), 1)
        ]
        kinds: Sequence[Kind] = ("number", "word", "word", "number", "share", "share")
        yield Grid([Column(title, kind) for title, kind in zip(titles, kinds, strict=True)], cells)
        shared = most_shared(key)
        says = (
            f"two people share {counted(shared, 'answer')} at most" if shared else "nobody shares an answer"
        )
        yield Lines([says, *key.notes])

    return Document(page=blocks, facts=lambda: Facts({}))


def stress(counts: Mapping[str, Mapping[str, int]]) -> Document:
    """Return how many draws make exercises, and why the others do not.

    Args:
        counts: By task, and by reason; "" for those that do.
    """
    kinds: dict[str, Kind] = {"task": "text", "draws": "number", "good": "number", "why not": "prose"}
    rows = [
        (
            title,
            str(sum(found.values())),
            str(found.get("", 0)),
            ", ".join(f"{n} {why}" for why, n in sorted(found.items(), key=lambda each: -each[1]) if why)
            or "-",
        )
        for title, found in counts.items()
    ]
    columns = [Column(title, kind) for title, kind in kinds.items()]
    return Document(
        page=lambda: [Grid(columns, rows)],
        facts=lambda: Facts({"schema": SCHEMA, "tasks": counts}, "indented"),
    )


def files(key: Key, formats: Collection[str], solutions: Solutions) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a class, name and bytes: everybody's, all together, and those for the teacher.

    Args:
        key: Everybody's draws.
        formats: Some of `FORMATS`.
        solutions: Whether there are worked solutions besides, in files of their own.
    Raises:
        UsageError: for a format that has no questions for what is asked.
    """
    for name in filter(formats.__contains__, QUIZZES):
        _check_questions(key, name)
    for name, text in _texts(key, formats, solutions):
        yield name, text.encode("utf-8", "backslashreplace")
    posed = questions(key) if {"moodle", *PACKAGES} & set(formats) else []
    if "moodle" in formats:
        yield "moodle.xml", moodle(key.title, posed).encode()
    for name, package in PACKAGES.items():
        if name in formats:
            yield f"{name}.zip", _zipped(package(key.title, posed))


def _check_questions(key: Key, format_: str) -> None:
    """Refuse formulas for a learning platform: it compares letters, and most spellings of what is right are
    others than the key's."""
    for slots in key.people.values():
        for label, exercise, _ in labels([slot.exercise for slot in slots]):
            if isinstance(exercise.posed, OfFormula):
                raise UsageError(
                    f"{label} asks for a formula: {format_} compares letters, and would refuse right ones",
                    hint="form: number or choice; or hand it out as another format, marked by backprop check",
                )


def _texts(key: Key, formats: Collection[str], solutions: Solutions) -> Iterator[tuple[str, str]]:
    handouts = {
        stem: Handout(key.title, name, [slot.exercise for slot in key.people[name]], key.manner)
        for name, stem in stems(key.people).items()
    }
    kept: Sequence[tuple[str, Solutions]] = [("student", "none")]
    if solutions != "none":
        kept = [*kept, ("solutions", solutions)]
    for folder, told in kept:
        for format_ in filter(ENDINGS.__contains__, formats):
            for stem, handout in handouts.items():
                yield f"{folder}/{stem}{ENDINGS[format_]}", handed([handout], format_, told)
            if format_ in TOGETHER:
                yield f"{folder}{ENDINGS[format_]}", handed(list(handouts.values()), format_, told)
    records = key_document(key).records
    assert records is not None
    yield "key.csv", rows.write(records(), key.manner.separator)
    yield "key.md", write(key_document(key), "markdown", to_file=True)
    yield "report.txt", write(report(key), "table", to_file=True)
    yield "key.json", written(key)


def format_of(name: str) -> str:
    """Return the format of a file of a class, by its name; "" for what is none."""
    folder, slash, file = name.rpartition("/")
    if slash and folder in FOLDERS:
        return next((format_ for format_, ending in ENDINGS.items() if file.endswith(ending)), "")
    return ENTIRE.get(name, "")


def _zipped(files: Mapping[str, str]) -> bytes:
    """Return an archive whose bytes depend on the files alone; nothing is packed, which no two do alike."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_STORED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), text.encode())
    return data.getvalue()


def handed(handouts: Sequence[Handout], format_: str, solutions: Solutions) -> str:
    """Return handouts as a file that stands by itself, a page each."""
    pages = (page(each, solutions) for each in handouts)
    if format_ == "html":
        return html.document(handouts[0].title, pages, handouts[0].manner.language)
    if format_ == "latex":
        return latex.document(pages)
    return write(document(handouts[0], solutions), format_, to_file=True)
