"""Judgements for people and for graders: table, Markdown, CSV, JSON, JUnit, Gradescope."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from io import StringIO
from textwrap import wrap
from typing import Any

from ..articles.text import Article
from ..checking.answers import shortened
from ..checking.gradcheck import Checked
from ..checking.grading import REPEATED, Judged, Judgement
from ..checking.verdicts import MISSING, NONE, RIGHT, UNREADABLE, WRONG, Verdict, told
from ..engine.run import number
from ..errors import BackpropError, counted, printable
from ..language.numbers import rounded
from .writers.markdown import table as markdown_table

SCHEMA = 1
STYLES = {"right": "green", "rounded": "green", "follows": "yellow", "wrong": "bold red"}
SHORT = 48
PROGRAM = 72
MOST_INPUTS = 8
"""Characters of a claim's cells, and of a program and inputs of its point in a headline."""

PAGE = 100
"""Columns of a page: lines are no longer where no terminal says how wide it is."""


def render(judgement: Judgement, format_: str, *, digits: int = 6, to_file: bool = False) -> str:
    """Return a judgement as text.

    Args:
        judgement: What was judged.
        format_: ``table``, ``markdown``, ``csv``, ``tsv``, ``json``, ``junit`` or ``gradescope``, which
            takes one person.
        digits: Significant digits of right numbers in tables.
        to_file: The text goes to a file, not to stdout.
    """
    if format_ in ("csv", "tsv"):
        return _csv(judgement, "," if format_ == "csv" else "\t")
    if format_ == "json":
        return _json(judgement)
    if format_ == "junit":
        return _junit(judgement)
    if format_ == "gradescope":
        return _gradescope(judgement)
    if format_ == "markdown":
        return _markdown(judgement, digits)
    return _table(judgement, digits, to_file)


def words(verdict: Verdict) -> str:
    """Return a verdict as people are told it."""
    named = f"{verdict.verdict}: " if verdict.verdict in (WRONG, NONE, UNREADABLE, REPEATED) else ""
    if verdict.verdict == MISSING:
        return "no answer"
    says = "; ".join(filter(None, (verdict.says, verdict.how)))
    if not named:
        if verdict.verdict == RIGHT:
            return f"right ({says})" if says else "right"
        return says or verdict.verdict
    return f"{named}{says}" if says else verdict.verdict


def revealed(verdict: Verdict, digits: int) -> str:
    """Return the right number and formula as far as they are known."""
    formula = verdict.formula or ""
    if verdict.right is None:
        return formula
    value = rounded(verdict.right, digits)
    if not verdict.point:
        return f"{formula} = {value}" if formula else value
    at = ", ".join(f"{n} = {number(x)}" for n, x in verdict.point.items())
    return f"{formula}{', ' if formula else ''}for instance {value} at {at}"


def _cells(person: Judged, judgement: Judgement, digits: int) -> tuple[list[str], list[list[str]]]:
    header = ["claim", "answer", *(["marks"] if judgement.weighted else []), "verdict"]
    header += ["right is"] if judgement.reveal else []
    rows = []
    for verdict, mark, of in zip(person.verdicts, person.marks, person.of, strict=True):
        row = [printable(_cut(verdict.claim)), printable(_cut(verdict.answer))]
        row += [_share(mark, of)] if judgement.weighted else []
        row.append(printable(words(verdict)))
        row += [printable(revealed(verdict, digits))] if judgement.reveal else []
        rows.append(row)
    return header, rows


def _cut(text: str) -> str:
    return shortened(text, SHORT)


def _share(mark: float, of: float) -> str:
    return f"{_plain_number(mark)}/{_plain_number(of)}"


def _plain_number(mark: float) -> int | float:
    """Return whole marks without a decimal point; sums of shares without the rounding they bring."""
    return int(mark) if mark == int(mark) else round(mark, 10)


def _summary(person: Judged, judgement: Judgement) -> str:
    text = f"{person.right} of {person.claimed} right"
    marks = f"{_plain_number(person.total)} of {_plain_number(person.possible)} marks"
    return f"{text}, {marks}" if judgement.weighted else text


def _overview(judgement: Judgement) -> tuple[list[str], list[list[str]]]:
    """Return a table of a class, a line a student."""
    header = ["student", "right", *(["marks"] if judgement.weighted else []), "not right"]
    rows = []
    for person in judgement.people:
        wrong = [v.claim for v in person.verdicts if not v.good and v.verdict != REPEATED]
        row = [printable(_cut(person.student)), f"{person.right}/{person.claimed}"]
        row += [_share(person.total, person.possible)] if judgement.weighted else []
        row.append(printable("unreadable" if person.fault is not None else ", ".join(map(_cut, wrong))))
        rows.append(row)
    return header, rows


def _notes(person: Judged) -> list[str]:
    """Return the mistakes that give the same number."""
    return [
        f"{verdict.claim}: the same comes out if {'; or '.join(verdict.others)}"
        for verdict in person.verdicts
        if verdict.others
    ]


def _table(judgement: Judgement, digits: int, to_file: bool) -> str:
    from rich.text import Text

    from .terminal import console_for, trimmed

    console = console_for(to_file)
    width = min(console.width, PAGE)

    def lines(text: str, style: str = "") -> None:
        for line in wrap(printable(text), width, subsequent_indent="  ", break_on_hyphens=False):
            console.print(Text(line, style=style))

    with console.capture() as captured:
        lines(_headline(judgement), "bold")
        several = len(judgement.people) > 1
        if several:
            console.print()
            header, rows = _overview(judgement)
            console.print(_grid(console, header, rows, [{"student": "bold"}] * len(rows)))
            console.print()
            for line in _class_lines(judgement):
                lines(line)
        for person in judgement.people:
            console.print()
            if several or person.student:
                lines(f"{person.student}: {_summary(person, judgement)}", "bold")
            if person.fault is not None:
                lines(_told(person.fault), "yellow")
            header, rows = _cells(person, judgement, digits)
            styles = [
                {"verdict": STYLES.get(verdict.verdict, "yellow"), "claim": "cyan"}
                for verdict in person.verdicts
            ]
            if rows:
                console.print(_grid(console, header, rows, styles))
            for note in _notes(person):
                lines(note, "dim")
            if not (several or person.student):
                console.print()
                lines(_summary(person, judgement))
    return trimmed(captured.get())


def _grid(console: Any, header: list[str], rows: list[list[str]], styles: list[dict[str, str]]) -> Any:
    """Return a table whose long cells are broken at words."""
    from rich.text import Text

    from .terminal import table_for

    table = table_for(console)
    room = console.width
    for k, title in enumerate(header):
        fixed = title in ("claim", "marks", "right", "student")
        longest = max((len(word) for row in rows for word in row[k].split()), default=0)
        table.add_column(
            title,
            overflow="fold",
            no_wrap=fixed,
            # a short answer is not broken for a long verdict
            min_width=min(longest, SHORT // 2) if title == "answer" else None,
            max_width=min(room, PAGE - 10) if title in ("verdict", "right is", "not right") else None,
        )
    for row, style in zip(rows, styles, strict=True):
        table.add_row(
            *(Text(cell, style=style.get(title, "")) for title, cell in zip(header, row, strict=True))
        )
    return table


def _told(fault: BackpropError) -> str:
    """Return why claims cannot be read, in one line."""
    return f"{fault.place}: {told(fault)}" if fault.place else told(fault)


def _headline(judgement: Judgement) -> str:
    """Return the statements, without comments and the values of inputs, and the point."""
    inputs = judgement.inputs or {}
    bare = ";".join(line.partition("#")[0] for line in judgement.program.splitlines())
    parts = [part.strip() for part in bare.split(";")]
    text = "; ".join(part for part in parts if part and part.partition("=")[0].strip() not in inputs)
    text = shortened(text, PROGRAM)
    if inputs:
        shown = ", ".join(f"{n} = {number(x)}" for n, x in list(inputs.items())[:MOST_INPUTS])
        text += f" at {shown}" + (", ..." if len(inputs) > MOST_INPUTS else "")
    return printable(text)


def _class_lines(judgement: Judgement) -> list[str]:
    people = judgement.people
    if judgement.weighted:
        full = sum(p.total >= p.possible and p.fault is None for p in people)
        mean = _plain_number(round(sum(p.total for p in people) / len(people), 2))
        lines = [f"{full} of {len(people)} have full marks; {mean} on average"]
    else:
        good = sum(p.right == p.claimed and p.fault is None for p in people)
        lines = [f"{good} of {len(people)} have everything right"]
    counts: dict[str, int] = {}
    for person in people:
        for verdict in person.verdicts:
            if verdict.mistake:
                counts[verdict.mistake] = counts.get(verdict.mistake, 0) + 1
    if counts:
        order = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        lines.append("mistakes: " + ", ".join(f"{kind} {count}" for kind, count in order))
    return lines


def _markdown(judgement: Judgement, digits: int) -> str:
    parts = [f"`{_headline(judgement)}`\n"]
    if len(judgement.people) > 1:
        header, rows = _overview(judgement)
        numeric = [title in ("right", "marks") for title in header]
        parts.append(markdown_table(header, [list(map(_plain, row)) for row in rows], numeric))
        parts.append("  \n".join(_class_lines(judgement)) + "\n")
    for person in judgement.people:
        title = f"**{_plain(person.student)}**: " if person.student else ""
        fault = f"\n\n{_plain(_told(person.fault))}" if person.fault is not None else ""
        header, rows = _cells(person, judgement, digits)
        code = ("claim", "answer")
        cells = [
            [
                f"`{c.replace('`', ' ')}`" if t in code and c else _plain(c)
                for t, c in zip(header, row, strict=True)
            ]
            for row in rows
        ]
        numeric = [title == "marks" for title in header]
        table = f"\n{markdown_table(header, cells, numeric)}" if cells else ""
        parts.append(f"{title}{_summary(person, judgement)}{fault}\n{table}")
        parts += [f"{_plain(note)}  \n" for note in _notes(person)]
    return "\n".join(parts)


_MARKS = str.maketrans({c: f"\\{c}" for c in "\\`*_[]"} | {"<": "&lt;", ">": "&gt;", "&": "&amp;"})


def _plain(text: str) -> str:
    """Keep a student's text from being Markdown or HTML."""
    return printable(text).translate(_MARKS)


def as_dict(verdict: Verdict, judgement: Judgement, marks: float, of: float) -> dict[str, Any]:
    """Return a verdict as the JSON schema has it; what is right only where it is asked for."""
    found: dict[str, Any] = {
        "claim": verdict.claim,
        "answer": verdict.answer,
        "verdict": verdict.verdict,
        "digits": verdict.digits,
        "mistake": verdict.mistake,
        "says": words(verdict),
        "others": list(verdict.others),
        "how": verdict.how,
        "marks": _plain_number(marks),
        "of": _plain_number(of),
    }
    if judgement.reveal:
        found |= {
            "right": verdict.right,
            "formula": verdict.formula,
            "point": dict(verdict.point) if verdict.point else None,
        }
    return found


def _json(judgement: Judgement) -> str:
    people = [
        {
            "student": person.student or None,
            "right": person.right,
            "claims": person.claimed,
            "marks": _plain_number(person.total),
            "of": _plain_number(person.possible),
            "error": person.fault.as_dict() if person.fault is not None else None,
            "verdicts": [
                as_dict(v, judgement, m, o)
                for v, m, o in zip(person.verdicts, person.marks, person.of, strict=True)
            ],
        }
        for person in judgement.people
    ]
    whole = {
        "schema": SCHEMA,
        "expression": judgement.program,
        "inputs": judgement.inputs,
        "status": judgement.status,
        "people": people,
    }
    return json.dumps(whole, allow_nan=False, indent=1) + "\n"


def _csv(judgement: Judgement, delimiter: str) -> str:
    """Return a row a student: marks, or verdicts where all claims are worth the same."""
    names = judgement.names
    faults = any(person.fault is not None for person in judgement.people)
    text = StringIO()
    table = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    header = ["student", "marks", "of", *names, *(["problem"] if faults else [])]
    table.writerow([_cell(title) for title in header])
    for person in judgement.people:
        found: dict[str, str | float] = {}
        for verdict, mark in zip(person.verdicts, person.marks, strict=True):
            if verdict.verdict != REPEATED:
                found.setdefault(
                    verdict.claim, _plain_number(mark) if judgement.weighted else verdict.verdict
                )
        row = [_cell(person.student), _plain_number(person.total), _plain_number(person.possible)]
        row += [found.get(name, "") for name in names]
        row += [_cell(_told(person.fault)) if person.fault is not None else ""] if faults else []
        table.writerow(row)
    return text.getvalue()


def _cell(text: str) -> str:
    """Keep a student's text from being a spreadsheet's formula."""
    shown = printable(text)
    return f"'{shown}" if shown[:1] in ("=", "+", "-", "@") else shown


def _xml(text: str) -> str:
    """Escape text for XML; what XML has no character for is written out."""
    from xml.sax.saxutils import escape

    return escape(printable(text), {'"': "&quot;"})


def _junit(judgement: Judgement) -> str:
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>"]
    for person in judgement.people:
        verdicts = person.verdicts
        failed = sum(v.verdict in (WRONG, MISSING) for v in verdicts)
        fault = person.fault
        broken = sum(v.verdict == UNREADABLE for v in verdicts) + (fault is not None)
        skipped = sum(v.verdict in (NONE, REPEATED) for v in verdicts)
        name = _xml(person.student or "claims")
        tests = len(verdicts) + (fault is not None)
        lines.append(
            f'  <testsuite name="{name}" tests="{tests}" failures="{failed}" errors="{broken}"'
            f' skipped="{skipped}">'
        )
        if fault is not None:
            said = f'<error type="{UNREADABLE}" message="{_xml(_told(fault))}"/>'
            lines.append(f'    <testcase classname="{name}" name="{UNREADABLE}">{said}</testcase>')
        for verdict in verdicts:
            head = f'    <testcase classname="{name}" name="{_xml(verdict.claim)}"'
            message = f'message="{_xml(words(verdict))}"'
            kind = _xml(verdict.mistake or verdict.verdict)
            if verdict.good:
                lines.append(f"{head}/>")
            elif verdict.verdict in (NONE, REPEATED):
                lines.append(f"{head}><skipped {message}/></testcase>")
            else:
                tag = "error" if verdict.verdict == UNREADABLE else "failure"
                shown = _xml(f"{verdict.claim} = {verdict.answer}")
                lines.append(f'{head}><{tag} type="{kind}" {message}>{shown}</{tag}></testcase>')
        lines.append("  </testsuite>")
    return "\n".join([*lines, "</testsuites>"]) + "\n"


def _gradescope(judgement: Judgement) -> str:
    (person,) = judgement.people
    found: dict[str, Any] = {"score": _plain_number(person.total)}
    if person.fault is not None:
        found["output"] = printable(_told(person.fault))
    found["tests"] = [
        {
            "name": printable(verdict.claim),
            "score": _plain_number(mark),
            "max_score": _plain_number(of),
            "status": "passed" if verdict.good else "failed",
            "output": printable(_outcome(verdict)),
        }
        for verdict, mark, of in zip(person.verdicts, person.marks, person.of, strict=True)
    ]
    return json.dumps(found, allow_nan=False, indent=1) + "\n"


def _outcome(verdict: Verdict) -> str:
    answer = f"{verdict.claim} = {_cut(verdict.answer)}" if verdict.answer else verdict.claim
    return f"{answer}: {words(verdict)}"


# the gradient check


def render_checked(checked: Sequence[Checked], program: str, format_: str, *, to_file: bool = False) -> str:
    """Return a gradient check as ``table``, ``markdown`` or ``json``."""
    if format_ == "json":
        found = {"schema": SCHEMA, "expression": program, "checks": [c._asdict() for c in checked]}
        return json.dumps(found, allow_nan=False, indent=1) + "\n"
    header = ["input", "slope", "from", "quotient", "relative error", "order", "verdict"]
    rows = [
        [
            c.name,
            rounded(c.slope, 10),
            c.source,
            rounded(c.finite, 10),
            "-" if c.error is None else f"{c.error:.1e}",
            "-" if c.order is None else f"{c.order:.2f}",
            c.verdict,
        ]
        for c in checked
    ]
    sentences = [f"{c.name}: {c.says}" for c in checked]
    if format_ == "markdown":
        table = markdown_table(header, rows, [1 < k < 6 and k != 2 for k in range(7)])
        return table + "\n" + "".join(f"{_plain(text)}  \n" for text in sentences)
    return _plain_table(header, rows, sentences, to_file)


def _plain_table(header: list[str], rows: list[list[str]], lines: list[str], to_file: bool) -> str:
    from rich.text import Text

    from .terminal import console_for, table_for, trimmed

    console = console_for(to_file)
    table = table_for(console)
    for title in header:
        numeric = title in ("slope", "quotient", "relative error", "order", "line", "right is", "claimed")
        table.add_column(title, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(cell), style=STYLES.get(cell, "")) for cell in row))
    with console.capture() as captured:
        if rows:
            console.print(table)
            console.print()
        for line in lines:
            console.print(Text(printable(line)))
    return trimmed(captured.get())


# articles


def render_article(article: Article, format_: str, *, digits: int = 6, to_file: bool = False) -> str:
    """Return what was found in an article as ``table``, ``markdown`` or ``json``."""
    if format_ == "json":
        found = {
            "schema": SCHEMA,
            "path": article.path,
            "claims": [line._asdict() for line in article.lines],
            "unread": list(article.unread),
        }
        return json.dumps(found, allow_nan=False, indent=1) + "\n"
    header = ["line", "claim", "claimed", "right is", "digits"]
    rows = [
        [str(w.number), _cut(w.text), w.claimed, rounded(w.right, max(digits, w.digits + 2)), str(w.digits)]
        for w in article.wrong
    ]
    good = len(article.lines) - len(rows)
    lines = [f"{counted(len(article.lines), 'number')} checked: {good} right, {len(rows)} wrong"]
    if article.unread:
        listed = ", ".join(map(str, article.unread[:20])) + (", ..." if len(article.unread) > 20 else "")
        lines.append(f"{counted(len(article.unread), 'line')} not read: {listed}")
    if format_ == "markdown":
        cells = [[r[0], f"`{r[1].replace('`', ' ')}`", *r[2:]] for r in rows]
        table = markdown_table(header, cells, [True, False, True, True, True]) + "\n" if rows else ""
        return table + "".join(f"{line}  \n" for line in lines)
    return _plain_table(header, rows, lines, to_file)
