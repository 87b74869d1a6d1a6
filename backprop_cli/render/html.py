"""A report as an HTML table, for notebooks."""

from __future__ import annotations

from html import escape

from ..differentiation.report import GradientReport
from .people import conclusions, headline, numbers_from, table_cells


def report_html(report: GradientReport, digits: int = 6) -> str:
    """Return a table without scripts or styles of its own beyond alignment."""
    cells = table_cells(report, digits, False, len(report.graph) > 2_000)
    numeric = numbers_from(cells.header)
    head = "".join(f"<th>{escape(t)}</th>" for t in cells.header)
    body = "".join(
        "<tr>"
        + "".join(
            f'<td style="text-align:{"right" if n else "left"}">'
            + (escape(c) if n or t == "agree" else f"<code>{escape(c)}</code>")
            + "</td>"
            for c, n, t in zip(row, numeric, cells.header, strict=True)
        )
        + "</tr>"
        for row in cells.rows
    )
    notes = "".join(f"<p>{escape(line)}</p>" for line in conclusions(report, digits, unicode=True))
    title = f"<p><code>{escape(headline(report, digits))}</code></p>"
    return f"{title}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{notes}"
