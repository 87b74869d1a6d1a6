"""Exercises on the screen, in a file, or as a folder with a class's sheets and their key."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from ..errors import ANSWERED, FileError, UsageError, counted, nearest
from ..tables.files import bytes_of
from .common import names_of
from .output import Output, choose_format, destination

if TYPE_CHECKING:
    from ..exercises.handouts import Handout, Solutions
    from ..exercises.key import Key
    from ..exercises.sheet import Sheet
    from ..exercises.tasks import Task

FORMATS = ("table", "markdown", "latex", "html", "json")
ENDINGS = {".txt": "table", ".md": "markdown", ".tex": "latex", ".html": "html", ".json": "json"}
KEY = "key.json"
MOST_PEOPLE = 2_000
MOST_TOLD = 3
ROSTER_LIMIT = 1 << 20


class Paper(NamedTuple):
    """Where exercises go, and how they are written.

    Attributes:
        output: The file or the folder.
        formats: As they were asked for.
        solutions: What is told of the answers.
    """

    output: Output
    formats: str | None
    solutions: Solutions

    def show(self, handout: Handout) -> int:
        """Print one person's exercises, or write them to a file."""
        from ..render.exercise_files import handed
        from ..render.exercises import document

        output = self.output
        asked = self._asked(FORMATS)
        if len(asked) > 1:
            raise UsageError("several formats are for a class", hint="--class FILE -o DIR")
        output.format = choose_format(asked[0] if asked else None, output.file, FORMATS, (), ENDINGS)
        if output.to_file and output.format in ("latex", "html"):
            output.write(handed([handout], output.format, self.solutions))
        else:
            output.show(document(handout, self.solutions))
        return ANSWERED

    def stress(self, tasks: Sequence[Task], count: int) -> int:
        """Print how many draws make exercises, and why the others do not."""
        from ..render.exercise_files import stress

        asked = self._asked(("table", "json"))
        self.output.format = asked[0] if asked else "table"
        self.output.show(stress({task.title: task.tried(count) for task in tasks}))
        return ANSWERED

    def hand_out(self, sheet: Sheet, people: Sequence[str], seed: str, *, force: bool) -> int:
        """Write the sheets of a class, and their key.

        Raises:
            UsageError: where the folder holds another key.
        """
        from ..exercises.classes import draw_class
        from ..exercises.key import written

        folder = self._folder()
        key = draw_class(sheet, people, seed)
        path = os.path.join(folder, KEY)
        if os.path.exists(path) and not force:
            with open(path, encoding="utf-8") as file:
                if file.read() != written(key):
                    raise UsageError(
                        f"{path} is another key: its sheets may have been handed out",
                        hint="another -o DIR; or --force, which writes over it",
                    )
        return self._files(key, folder)

    def redraw(self, sheet: Sheet, who: str) -> int:
        """Draw one task of one person again, and write what changes.

        Raises:
            BackpropError: where the folder holds no key of this sheet.
        """
        from ..exercises.classes import redrawn
        from ..exercises.key import key_of

        folder = self._folder()
        before = key_of(os.path.join(folder, KEY))
        formats = list(dict.fromkeys(_handed_out(folder).values()))
        paper = self
        if self.solutions == "none":
            paper = self._replace(solutions=_solutions_in(folder, before))
        return paper._files(redrawn(before, sheet, who), folder, formats)

    def _folder(self) -> str:
        if self.output.file is None:
            raise UsageError("the sheets of a class are files", hint="-o sheets, a folder for them")
        return self.output.file

    def _asked(self, known: Sequence[str]) -> list[str]:
        asked = names_of(self.formats or None) or []
        for each in asked:
            if each not in known:
                close = nearest(each, [*known])
                hint = f"did you mean {close}?" if close else f"it takes {', '.join(known)}"
                raise UsageError(f"--format has no {each} here", hint=hint)
        return asked

    def _files(self, key: Key, folder: str, usual: Sequence[str] = ()) -> int:
        from ..render.exercise_files import FORMATS as OF_CLASSES
        from ..render.exercise_files import files

        formats = self._asked(OF_CLASSES) or usual or ["markdown"]
        count, before = 0, _handed_out(folder)
        for name, data in files(key, formats, self.solutions):
            path = os.path.join(folder, *name.split("/"))
            try:
                os.makedirs(os.path.dirname(path), exist_ok=True)
            except OSError as error:
                raise FileError(f"{path}: {error.strerror}") from None
            private = not name.startswith("student")
            with _private() if private else _open(), destination(path) as file:
                file.write(data)
            if private:
                os.chmod(path, 0o600)
            count += 1
            before.pop(name, None)
        self.output.note(
            f"wrote {counted(count, 'file')} to {folder}, for {counted(len(key.people), 'student')}"
        )
        for note in key.notes:
            self.output.note(f"note: {note}")
        if before:
            some = ", ".join(list(before)[:MOST_TOLD]) + (", ..." if len(before) > MOST_TOLD else "")
            self.output.note(f"note: {counted(len(before), 'file')} of an earlier run stayed: {some}")
        return ANSWERED


def _handed_out(folder: str) -> dict[str, str]:
    """Return what a folder has of a class besides the key: its formats by the names of files."""
    from ..render.exercise_files import FOLDERS, format_of

    found = []
    for part in ("", *FOLDERS):
        with suppress(OSError):
            found += [
                "/".join(filter(None, (part, name)))
                for name in sorted(os.listdir(os.path.join(folder, part)))
            ]
    return {name: format_ for name in found if (format_ := format_of(name))}


def _solutions_in(folder: str, key: Key) -> Solutions:
    """Return which solutions a folder has of a key: those that it holds the first file of."""
    from ..exercises.handouts import SOLUTIONS
    from ..render.exercise_files import files

    held = {name: kind for name, kind in _handed_out(folder).items() if name.startswith("solutions/")}
    for told in SOLUTIONS if held else ():
        made = files(key, [next(iter(held.values()))], told)
        name, data = next(((name, data) for name, data in made if name in held), ("", b""))
        if name and bytes_of(os.path.join(folder, *name.split("/"))) == data:
            return told
    return "none"


@contextmanager
def _private() -> Iterator[None]:
    """Files made here are nobody's but their owner's from the first byte on."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


@contextmanager
def _open() -> Iterator[None]:
    yield


def people(roster: str | None, column: str | None, count: int | None) -> list[str]:
    """Return the names of a class, or numbers where it has none.

    Raises:
        BackpropError: for a file that cannot be read.
    """
    from ..checking.sheets import read_roster

    if roster is None:
        return [str(k) for k in range(1, (count or 1) + 1)]
    if count is not None:
        raise UsageError("--count and --class both say for how many")
    names = read_roster(bytes_of(roster, ROSTER_LIMIT), "<stdin>" if roster == "-" else roster, column)
    if len(names) > MOST_PEOPLE:
        raise UsageError(f"{roster}: sheets are drawn for {MOST_PEOPLE:,} people at most")
    return names
