"""Runs beside each other, for people and programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ..errors import printable
from ..language.numbers import rounded
from ..training.comparison import RunFacts, differences
from ..training.config.yaml_text import to_flow
from .document import Document, Facts, Records, unformulated
from .page import Block, Cell, Column, Grid, Paragraph, Text

LONGEST = 24
"""Of a config's value in the table."""

MOST_KEYS = 6
"""Columns of keys in the table; where configs differ in more, they are only counted."""


def document(runs: Sequence[RunFacts], *, digits: int) -> Document:
    """Return a row for every run: how it ended, its measures, and the keys in which the configs differ."""
    keys = differences(runs)
    return Document(
        page=lambda: _page(runs, measures_of(runs), keys, digits),
        facts=lambda: Facts({"schema": 1, "runs": [facts_of(run, keys) for run in runs]}, "document"),
        records=lambda: records(runs, keys),
    )


def measures_of(runs: Sequence[RunFacts]) -> list[str]:
    """Return what some of the runs have measured."""
    return list(dict.fromkeys(name for run in runs for name in run.measures))


def records(runs: Sequence[RunFacts], keys: Sequence[str]) -> Records:
    """Return the runs as a table for programs."""
    names = measures_of(runs)
    return Records(
        ["run", "state", "epochs", "set", *names, "alarms", "seconds", *map(printable, keys)],
        [
            [
                unformulated(run.folder),
                run.state,
                run.epochs,
                run.judged,
                *(run.measures.get(name) for name in names),
                " ".join(run.alarms),
                run.seconds,
                *(unformulated(value_of(run, key)) for key in keys),
            ]
            for run in runs
        ],
    )


def _page(
    runs: Sequence[RunFacts], names: Sequence[str], keys: Sequence[str], digits: int
) -> Iterator[Block]:
    many = len(keys) > MOST_KEYS
    yield grid(runs, names, () if many else keys, digits)
    if many:
        told = f"the configs differ in {len(keys)} keys: fewer runs, or --format json, csv, tsv, show them"
        yield Paragraph([told], most=None)


def grid(runs: Sequence[RunFacts], names: Sequence[str], keys: Sequence[str], digits: int) -> Grid:
    """Return the runs as a table for people; where it is too wide, what tells least goes first."""
    titles = short(keys)
    columns = [
        Column("run", "word", "name"),
        Column("state", "word"),
        Column("epochs", "number"),
        Column("set", "word"),
        *(Column(name, "number") for name in names),
        Column("alarms", "text"),
        *(Column(printable(title), "number") for title in titles),
    ]
    rows: list[list[Cell]] = [
        [
            printable(run.folder),
            Text(run.state, "good" if run.state == "finished" else "doubt"),
            f"{run.epochs:,}",
            run.judged or "-",
            *(rounded(run.measures.get(name), digits) for name in names),
            ", ".join(run.alarms) or "-",
            *(_cut(value_of(run, key)) for key in keys),
        ]
        for run in runs
    ]
    return Grid(columns, rows, drop=((4 + len(names),), (2,), (3,), (1,)))


def short(keys: Sequence[str]) -> list[str]:
    """Return what keys are called where no other is called so: ``optimizer.learning_rate`` by its end."""
    ends = [key.rpartition(".")[2] for key in keys]
    return [
        end if ends.count(end) == 1 and not end.isdigit() else key
        for key, end in zip(keys, ends, strict=True)
    ]


def facts_of(run: RunFacts, keys: Sequence[str]) -> dict[str, Any]:
    """Return a run for JSON."""
    return {
        "folder": run.folder,
        "state": run.state,
        "epochs": run.epochs,
        "set": run.judged,
        "measures": run.measures,
        "alarms": run.alarms,
        "seconds": run.seconds,
        "differs": {key: run.config.get(key) for key in keys},
    }


def value_of(run: RunFacts, key: str) -> str:
    """Return the value of a key in the config of a run, as text."""
    return printable(to_flow(run.config.get(key))) if run.config else "-"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
