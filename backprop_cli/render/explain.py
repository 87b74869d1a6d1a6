"""Explanations: what programs read of them; the page for people is in `explain_lines`.

The fields of the JSON objects are in ``docs/explain.md``; ``SCHEMA`` changes when one changes its meaning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..engine.beside import notes
from ..explanation.expr import Expr
from ..explanation.passes import Backward, Forward, Stop, Total
from ..explanation.paths import Reach
from ..explanation.report import Explanation
from ..explanation.steps import Derivation
from ..explanation.words import Rule, Update
from .document import Document, Entries, Facts
from .explain_lines import Voice, nudge_text, page
from .written import Style, expression

if TYPE_CHECKING:
    from ..explanation.layers import LayerRule
    from ..explanation.limits import Limit

SCHEMA = 1


def document(told: Explanation, *, digits: int = 6) -> Document:
    """Return an explanation to be written; ``digits`` are the significant ones, JSON is exact."""
    return Document(page=lambda: page(told, digits), facts=lambda: _facts(told))


def _facts(told: Explanation) -> Facts:
    graph = told.graph
    point = told.point if told.point is not None and told.point.bound else None
    output = graph.own_name(graph.output)
    plain = Voice(output, 17)
    beside = notes(graph, point.here.limits, told.wrt) if point else ()
    head: dict[str, Any] = {
        "schema": SCHEMA,
        "expression": graph.source.text,
        "output": output,
        "value": point.here.value if point else None,
        "inputs": point.here.inputs if point else None,
        "gradient": point.gradient if point else None,
        "round_each": point.paper.decimals if point else None,
        "direction": told.direction._asdict() if told.direction and told.passes else None,
        "cost": told.cost._asdict() if told.cost else None,
        "update": _update_dict(told.update) if told.update else None,
        "summary": _summary_dict(told) if told.summary else None,
        "warnings": [*told.notes, *beside, *told.warnings],
    }
    lists: dict[str, list[dict[str, Any]]] = {
        "forward": [_forward_dict(line, told) for line in told.forward],
        "backward": [_backward_dict(line, told) for line in told.backward],
        "chains": [_chain_dict(reach, told) for reach in told.chains],
        "nudges": [n._asdict() | {"text": nudge_text(n, Voice(output, 6))} for n in told.nudges],
        "rules": [_rule_dict(rule, told, plain) for rule in told.rules],
        "derivations": [_derivation_dict(d, told, plain) for d in told.derivations],
        "limits": [
            _limit_dict(name, limit, plain) for name, limit in zip(told.wrt, told.limits, strict=False)
        ],
    }
    if told.passes and point is None:
        for key in ("forward", "backward", "chains"):
            lists[key] = [_without_numbers(entry) for entry in lists[key]]
    if told.layers is not None:
        head["layers"] = {"program": told.layers.program, "names": dict(told.layers.names)}
        lists["layer_rules"] = [_layer_dict(rule) for rule in told.layers.rules]
    return Facts(head | {key: Entries(entries) for key, entries in lists.items()}, "closed")


def _without_numbers(entry: dict[str, Any]) -> dict[str, Any]:
    """Return a line of the passes where values are missing."""
    entry = entry | dict.fromkeys(entry.keys() & {"numbers", "value", "slope", "above", "amounts"})
    if "listed" in entry:
        entry["listed"] = [path | {"slopes": None, "product": None} for path in entry["listed"]]
    return entry


def _layer_dict(rule: LayerRule) -> dict[str, Any]:
    left = f"{rule.name}{rule.places} = "
    return {
        "name": rule.name,
        "meaning": rule.meaning or None,
        "formula": rule.text,
        "index_formula": left + rule.by_index if rule.by_index else None,
        "worked": f"{rule.name}{rule.place} = {rule.worked}" if rule.worked else None,
        "value": rule.value.tolist(),
    }


_EXACT, _SYMBOLS = Style(None, spaced=True), Style(None, symbols=True)


def _forward_dict(line: Forward, told: Explanation) -> dict[str, Any]:
    graph = told.graph
    choice = None
    if line.condition is not None and line.branch is not None:
        condition, holds = line.condition
        choice = {
            "condition": expression(condition, _SYMBOLS),
            "holds": holds,
            "taken": graph.name(line.branch),
        }
    return {
        "name": graph.own_name(line.id),
        "symbols": expression(line.operation, _SYMBOLS),
        "numbers": expression(line.operation, _EXACT) if choice is None else None,
        "value": line.value,
        "choice": choice,
    }


def _backward_dict(line: Backward, told: Explanation) -> dict[str, Any]:
    name = told.graph.own_name
    if isinstance(line, Total):
        return {"kind": "sum", "name": name(line.id), "amounts": list(line.amounts), "value": line.value}
    if isinstance(line, Stop):
        return {
            "kind": "stop",
            "name": name(line.id),
            "value": 0.0,
            "sources": [name(i) for i in line.sources],
        }
    return {
        "kind": "use",
        "name": name(line.edge.source),
        "user": name(line.edge.user),
        "local": expression(line.local, _SYMBOLS),
        "slope": line.number,
        "above": line.above,
        "value": line.amount,
        "shared": line.shared,
        "kink": line.kink._asdict() if line.kink else None,
    }


def _chain_dict(reach: Reach, told: Explanation) -> dict[str, Any]:
    name = told.graph.own_name
    many = reach.many if reach.many < float("inf") else None
    paths = [
        {"nodes": [name(i) for i in p.nodes], "slopes": list(p.numbers), "product": p.product}
        for p in reach.paths
    ]
    return {"name": reach.name, "paths": many, "listed": paths, "value": reach.total}


def _derivation_dict(d: Derivation, told: Explanation, plain: Voice) -> dict[str, Any]:
    steps = [
        {"rule": s.rule, "depth": s.depth, "forms": [plain.symbols(f) for f in s.forms]}
        | {"inner": [plain.symbols(e) for e in s.meanings[0]] if len(s.meanings) == 1 else None}
        | {"with": {plain.symbols(name): plain.symbols(e) for name, e in s.meanings}}
        for s in d.steps
    ]
    return {
        "name": d.name,
        "steps": steps,
        "substituted": plain.symbols(d.substituted) if d.substituted is not None else None,
        "formula": told.formulas.get(d.name),
    }


def _limit_dict(name: str, limit: Limit | None, plain: Voice) -> dict[str, Any]:
    def text(e: Expr | None) -> str | None:
        return None if e is None else plain.symbols(e)

    if limit is None:
        return {"name": name, "kind": "none"}
    tends = limit.tends
    return {
        "name": name,
        "kind": limit.kind,
        "step": limit.letter,
        "moved": text(limit.moved),
        "together": {how: text(e) for how, e in limit.together},
        "difference": text(limit.difference),
        "quotient": text(limit.quotient),
        "limit": text(limit.limit),
        "rows": [{"h": row.h, "right": row.forward, "left": row.backward} for row in limit.rows],
        "slope": limit.slope,
        "apart": tends is not None and tends.apart,
        "endless": {
            "right": tends is not None and tends.infinite[1] != 0,
            "left": tends is not None and tends.infinite[0] != 0,
        },
    }


def _update_dict(update: Update) -> dict[str, Any]:
    return update._asdict() | {"moves": [move._asdict() for move in update.moves]}


def _rule_dict(rule: Rule, told: Explanation, plain: Voice) -> dict[str, Any]:
    return {
        "name": rule.name,
        "rate": told.rate,
        "letter": rule.letter,
        "slope": told.formulas.get(rule.name),
        "symbols": plain.symbols(rule.symbols) if rule.symbols is not None else None,
        "numbers": plain.symbols(rule.numbers) if rule.numbers is not None else None,
        "value": rule.value,
    }


def _summary_dict(told: Explanation) -> dict[str, Any]:
    assert told.summary is not None
    return told.summary._asdict() | {"named": [told.graph.own_name(id) for id in told.summary.named]}
