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
    names = list(dict.fromkeys(name for run in runs for name in run.measures))
    return Document(
        page=lambda: _page(runs, names, keys, digits),
        facts=lambda: Facts({"schema": 1, "runs": [_facts(run, keys) for run in runs]}, "document"),
        records=lambda: Records(
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
                    *(unformulated(_value(run, key)) for key in keys),
                ]
                for run in runs
            ],
        ),
    )


def _page(
    runs: Sequence[RunFacts], names: Sequence[str], keys: Sequence[str], digits: int
) -> Iterator[Block]:
    many = len(keys) > MOST_KEYS
    yield _grid(runs, names, () if many else keys, digits)
    if many:
        told = f"the configs differ in {len(keys)} keys: fewer runs, or --format json, csv, tsv, show them"
        yield Paragraph([told], most=None)


def _grid(runs: Sequence[RunFacts], names: Sequence[str], keys: Sequence[str], digits: int) -> Grid:
    columns = [
        Column("run", "word", "name"),
        Column("state", "word"),
        Column("epochs", "number"),
        Column("set", "word"),
        *(Column(name, "number") for name in names),
        Column("alarms", "text"),
        *(Column(printable(key), "number") for key in keys),
    ]
    rows: list[list[Cell]] = [
        [
            printable(run.folder),
            Text(run.state, "good" if run.state == "finished" else "doubt"),
            f"{run.epochs:,}",
            run.judged or "-",
            *(rounded(run.measures.get(name), digits) for name in names),
            ", ".join(run.alarms) or "-",
            *(_cut(_value(run, key)) for key in keys),
        ]
        for run in runs
    ]
    return Grid(columns, rows)


def _facts(run: RunFacts, keys: Sequence[str]) -> dict[str, Any]:
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


def _value(run: RunFacts, key: str) -> str:
    return printable(to_flow(run.config.get(key))) if run.config else "-"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."
