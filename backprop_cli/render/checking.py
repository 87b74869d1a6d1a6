"""Judgements for people and for graders: table, Markdown, JSON, JUnit, Gradescope."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..checking.claims import MISSING, NONE, UNREADABLE, WRONG, Verdict
from ..checking.gradcheck import Checked
from ..checking.grading import Judged, Judgement
from ..checking.text import Article
from ..differentiation.evaluate import number
from ..errors import UsageError, printable
from .people import markdown_table, rounded

SCHEMA = 1
STYLES = {"right": "green", "rounded": "green", "follows": "yellow", "wrong": "bold red"}
SHORT = 48


def render(judgement: Judgement, format_: str, *, digits: int = 6, to_file: bool = False) -> str:
    """Return a judgement as text.

    Args:
        judgement: What was judged.
        format_: ``table``, ``markdown``, ``json``, ``junit`` or ``gradescope``.
        digits: Significant digits of right numbers in tables.
        to_file: The text goes to a file, not to stdout.
    Raises:
        UsageError: where Gradescope's one submission has several people.
    """
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
    named = f"{verdict.verdict}: " if verdict.verdict in (WRONG, NONE, UNREADABLE) else ""
    if verdict.verdict == MISSING:
        return "no answer"
    says = "; ".join(filter(None, (verdict.says, verdict.how)))
    if not named:
        if verdict.verdict == "right":
            return f"right ({says})" if says else "right"
        return says or verdict.verdict
    return f"{named}{says}" if says else verdict.verdict


def revealed(verdict: Verdict, digits: int) -> str:
    """Return the right number and formula as far as they are known."""
    parts = [verdict.formula] if verdict.formula else []
    if verdict.right is not None:
        at = ", ".join(f"{n} = {number(x)}" for n, x in (verdict.point or {}).items())
        parts.append(rounded(verdict.right, digits) + (f" at {at}" if at else ""))
    return " = ".join(parts)


def _cells(person: Judged, judgement: Judgement, digits: int) -> tuple[list[str], list[list[str]]]:
    header = ["claim", "answer", *(["marks"] if judgement.weighted else []), "verdict"]
    header += ["right is"] if judgement.reveal else []
    rows = []
    for verdict, mark, of in zip(person.verdicts, person.marks, person.of, strict=True):
        row = [printable(verdict.claim), printable(_cut(verdict.answer))]
        row += [f"{mark:g}/{of:g}"] if judgement.weighted else []
        row.append(printable(words(verdict)))
        row += [printable(revealed(verdict, digits))] if judgement.reveal else []
        rows.append(row)
    return header, rows


def _cut(text: str) -> str:
    return text if len(text) <= SHORT else text[: SHORT - 3] + "..."


def _summary(person: Judged, judgement: Judgement) -> str:
    count = len(person.verdicts)
    text = f"{person.right} of {count} right"
    return f"{text}, {person.total:g} of {person.possible:g} marks" if judgement.weighted else text


def _notes(person: Judged) -> list[str]:
    """Return the mistakes that give the same number."""
    return [
        f"{verdict.claim}: the same comes out if {also}"
        for verdict in person.verdicts
        for also in [_alternatives(verdict)]
        if also
    ]


def _alternatives(verdict: Verdict) -> str:
    return "; or ".join(verdict.others)


def _table(judgement: Judgement, digits: int, to_file: bool) -> str:
    from rich.table import Table
    from rich.text import Text

    from .terminal import box_for, console_for

    console = console_for(to_file)
    with console.capture() as captured:
        console.print(Text(_headline(judgement), style="bold"))
        for person in judgement.people:
            console.print()
            if person.student:
                line = f"{printable(person.student)}: {_summary(person, judgement)}"
                console.print(Text(line, style="bold"))
            header, rows = _cells(person, judgement, digits)
            table = Table(
                box=box_for(console),
                padding=(0, 1, 0, 0),
                pad_edge=False,
                header_style="bold",
                show_edge=False,
            )
            for title in header:
                table.add_column(title, overflow="fold", no_wrap=title in ("claim", "marks"))
            for row, verdict in zip(rows, person.verdicts, strict=True):
                styles = {"verdict": STYLES.get(verdict.verdict, "yellow"), "claim": "cyan"}
                cells = zip(header, row, strict=True)
                table.add_row(*(Text(c, style=styles.get(title, "")) for title, c in cells))
            console.print(table)
            notes = _notes(person)
            for note in notes:
                console.print(Text(printable(note), style="dim"))
            if not person.student:
                console.print()
                console.print(Text(_summary(person, judgement)))
        if len(judgement.people) > 1:
            console.print()
            for line in _class_lines(judgement):
                console.print(Text(printable(line)))
    return "\n".join(line.rstrip() for line in captured.get().splitlines()) + "\n"


def _headline(judgement: Judgement) -> str:
    text = "; ".join(line.strip() for line in judgement.program.strip().splitlines() if line.strip())
    text = text if len(text) <= 72 else text[:69] + "..."
    if judgement.inputs:
        shown = ", ".join(f"{n} = {number(x)}" for n, x in list(judgement.inputs.items())[:8])
        text += f" at {shown}" + (", ..." if len(judgement.inputs) > 8 else "")
    return printable(text)


def _class_lines(judgement: Judgement) -> list[str]:
    people = judgement.people
    good = sum(p.right == len(p.verdicts) for p in people)
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
    for person in judgement.people:
        title = f"**{_plain(person.student)}**: " if person.student else ""
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
        parts.append(f"{title}{_summary(person, judgement)}\n\n{markdown_table(header, cells, numeric)}")
        parts += [f"{_plain(note)}  \n" for note in _notes(person)]
    if len(judgement.people) > 1:
        parts.append("  \n".join(_class_lines(judgement)) + "\n")
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
        "marks": marks,
        "of": of,
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
            "claims": len(person.verdicts),
            "marks": person.total,
            "of": person.possible,
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


def _xml(text: str) -> str:
    """Escape text for XML; what XML has no character for is written out."""
    from xml.sax.saxutils import escape

    return escape(printable(text), {'"': "&quot;"})


def _junit(judgement: Judgement) -> str:
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>"]
    for person in judgement.people:
        verdicts = person.verdicts
        failed = sum(v.verdict in (WRONG, MISSING) for v in verdicts)
        broken = sum(v.verdict == UNREADABLE for v in verdicts)
        skipped = sum(v.verdict == NONE for v in verdicts)
        name = _xml(person.student or "claims")
        lines.append(
            f'  <testsuite name="{name}" tests="{len(verdicts)}" failures="{failed}" errors="{broken}"'
            f' skipped="{skipped}">'
        )
        for verdict in verdicts:
            head = f'    <testcase classname="{name}" name="{_xml(verdict.claim)}"'
            message = f'message="{_xml(words(verdict))}"'
            kind = _xml(verdict.mistake or verdict.verdict)
            if verdict.good:
                lines.append(f"{head}/>")
            elif verdict.verdict == NONE:
                lines.append(f"{head}><skipped {message}/></testcase>")
            else:
                tag = "error" if verdict.verdict == UNREADABLE else "failure"
                shown = _xml(f"{verdict.claim} = {verdict.answer}")
                lines.append(f'{head}><{tag} type="{kind}" {message}>{shown}</{tag}></testcase>')
        lines.append("  </testsuite>")
    return "\n".join([*lines, "</testsuites>"]) + "\n"


def _gradescope(judgement: Judgement) -> str:
    if len(judgement.people) > 1:
        raise UsageError(
            f"a submission to Gradescope is one person's; here are {len(judgement.people)}",
            hint="--student NAME picks one",
        )
    (person,) = judgement.people
    tests = [
        {
            "name": verdict.claim,
            "score": mark,
            "max_score": of,
            "status": "passed" if verdict.good else "failed",
            "output": f"{verdict.claim} = {_cut(verdict.answer)}: {words(verdict)}",
        }
        for verdict, mark, of in zip(person.verdicts, person.marks, person.of, strict=True)
    ]
    return json.dumps({"score": person.total, "tests": tests}, allow_nan=False, indent=1) + "\n"


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
    from rich.table import Table
    from rich.text import Text

    from .terminal import box_for, console_for

    console = console_for(to_file)
    table = Table(
        box=box_for(console), padding=(0, 1, 0, 0), pad_edge=False, header_style="bold", show_edge=False
    )
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
    return "\n".join(line.rstrip() for line in captured.get().splitlines()) + "\n"


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
    lines = [f"{_count(len(article.lines), 'number')} checked: {good} right, {len(rows)} wrong"]
    if article.unread:
        listed = ", ".join(map(str, article.unread[:20])) + (", ..." if len(article.unread) > 20 else "")
        lines.append(f"{_count(len(article.unread), 'line')} not read: {listed}")
    if format_ == "markdown":
        cells = [[r[0], f"`{r[1].replace('`', ' ')}`", *r[2:]] for r in rows]
        table = markdown_table(header, cells, [True, False, True, True, True]) + "\n" if rows else ""
        return table + "".join(f"{line}  \n" for line in lines)
    return _plain_table(header, rows, lines, to_file)


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"
