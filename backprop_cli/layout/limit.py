"""The errors of difference quotients against h: the V that truncation and rounding make."""

from __future__ import annotations

from collections.abc import Iterator

from ..curves.scale import LINEAR, LOG
from ..differentiation.convergence import Limit, Limits
from ..language.format import headline
from ..language.numbers import scientific
from .chart import Chart, Mark, Panel, Series
from .picture import Role

SCHEMES: tuple[tuple[str, str, Role], ...] = (
    ("forward", "forward", "first"),
    ("backward", "backward", "first"),
    ("central", "central", "second"),
    ("complex", "complex step", "third"),
)


def chart(limits: Limits) -> Chart:
    """Return a panel an input."""
    single = len(limits.limits) == 1
    panels = [panel(limit, full=True, orders=single) for limit in limits.limits]
    if single:
        panels = [panels[0]._replace(title="")]
    title = f"Difference quotients of {headline(limits.graph, inputs=limits.inputs)}"
    said = "; ".join(filter(None, (_said(limit) for limit in limits.limits)))
    return Chart(title, f"{title}, against the step size h. {said}", panels, 1 if len(panels) < 3 else 2)


def panel(limit: Limit, *, full: bool = False, orders: bool = False) -> Panel:
    """Return the errors by one input, or the quotients where there is no slope to err from.

    Args:
        limit: The quotients.
        full: With what truncation and rounding are expected to leave.
        orders: Name the measured order of each scheme.
    """
    if not limit.fits:
        return _quotients(limit)
    series, marks = [], []
    for scheme, name, role in SCHEMES:
        fit = limit.fits.get(scheme)
        if fit is None:
            continue
        errors = [(r.h, abs(e)) for r in limit.rows if (e := limit.error(getattr(r, scheme))) is not None]
        points = [(h, e) if e > 0.0 else None for h, e in errors]
        if not any(points):
            continue
        order = f", order {fit.order:.2f}" if orders and fit.order is not None else ""
        series.append(Series(name + order, points, role, "line+points"))
        if full and scheme != "complex" and fit.best is not None and fit.error:
            marks.append(Mark(fit.best, fit.error, f"best h = {scientific(fit.best, 1)}", role))
    if full:
        series += _expected(limit, orders)
    title = f"by {limit.name}" if full else ""
    return Panel(title, "h", "|error|", series, marks, x_scale=LOG, y_scale=LOG)


def _expected(limit: Limit, named: bool) -> Iterator[Series]:
    """Yield straight lines: what truncation would leave without rounding, and rounding alone."""
    hs = [r.h for r in limit.rows]
    for scheme, _, role in (SCHEMES[0], SCHEMES[2]):
        fit = limit.fits.get(scheme)
        if fit is None or fit.factor is None or fit.meet is None:
            continue
        errors = [abs(e) for r in limit.rows if (e := limit.error(getattr(r, scheme)))]
        least = min(errors, default=0.0) / 100.0
        line = [(h, abs(fit.factor) * h**fit.power) for h in hs]
        start = max((k for k, h in enumerate(hs) if h > fit.meet), default=0)
        yield Series("", [p for p in line[start:] if p[1] >= least], role, dash="dashed")
    fit = limit.fits.get("forward")
    if fit is not None and limit.rounding > 0.0:
        top = max((r.h for r in limit.rows if (e := limit.error(r.central)) and abs(e) < 2e-4), default=hs[0])
        name = "rounding" if limit.source == "cancellation" or not named else f"rounding: {limit.source}/h"
        yield Series(name, [(h, limit.rounding / h) for h in hs if h <= top], "muted", dash="dashed")


def _quotients(limit: Limit) -> Panel:
    sides: tuple[tuple[str, str, Role], ...] = (
        ("backward", "from below", "first"),
        ("forward", "from above", "second"),
    )
    series = []
    for scheme, name, role in sides:
        points = [(r.h, q) for r in limit.rows if (q := getattr(r, scheme)) is not None]
        if points:
            series.append(Series(name, points, role, "line+points"))
    signs = {q > 0.0 for s in series for p in s.points if p is not None for q in p[1:]}
    grows = limit.kind == "vertical" and signs == {True}
    return Panel(f"by {limit.name}", "h", "quotient", series, x_scale=LOG, y_scale=LOG if grows else LINEAR)


def _said(limit: Limit) -> str:
    if not limit.fits:
        return f"By {limit.name} the quotients have no limit."
    parts = [
        f"{scheme} errors fall with order {fit.order:.2f} to h = {scientific(fit.best, 1)}"
        for scheme, fit in limit.fits.items()
        if fit.order is not None and fit.best is not None
    ]
    return f"By {limit.name}: {', '.join(parts)}." if parts else ""
