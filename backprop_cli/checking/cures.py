"""What to do about a mistake: a sentence for who made it; the mistake's own names the rule."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ..ops import Primitive
from .catalogue import Sweeps
from .rules import CURES_OF_RULES, NEITHER, Wrong, rules_for

CURES: Mapping[str, str] = {
    "fork not summed": "add what comes back through every use",
    "term missing": "every term counts: (u + v)' = u' + v'",
    "inner derivative missing": "multiply by the derivative of the inside: f(u)' = f'(u)*u'",
    "local derivative missing": "multiply by the step's own derivative: what comes back times dy/dx",
    "local derivative twice": "each factor of the chain rule comes once",
    "upstream missing": "multiply by what comes back from the output",
    "sign lost": "go through the signs once more",
    "product rule": "(u*v)' = u'*v + u*v'",
    "quotient rule": "(u/v)' = (u'*v - u*v')/v^2",
    "exponential rule": "(u^v)' = u^v*(v'*ln(u) + v*u'/u)",
    "exponent not lowered": "(u^n)' = n*u^(n-1)*u'",
    "exponent as a factor missing": "(u^n)' = n*u^(n-1)*u'",
    "exponent lowered twice": "(u^n)' = n*u^(n-1)*u'",
    "exponent lowered the wrong way": "(u^n)' = n*u^(n-1)*u'",
    "power for exponential": "the variable is in the exponent: (a^u)' = a^u*ln(a)*u'",
    "exponential for power": "the exponent is a number: (u^n)' = n*u^(n-1)*u'",
    "log factor missing": "(a^u)' = a^u*ln(a)*u'; of a logarithm to base a, 1/(u*ln(a))*u'",
    "log base": "ln is the logarithm to base e",
    "wrong rule": "look the rule of this function up",
    "not differentiated": "differentiate this, too",
    "square missing": "the rule has a square",
    "factor missing": "the rule has one more factor",
    "constant kept": "what does not vary has the derivative 0",
    "constant dropped": "a factor that does not vary stays: (c*u)' = c*u'",
    "taken for a constant": "it varies: differentiate it, too",
    "factor": "go through the numbers in front once more",
    "upside down": "this is one over what is asked for",
    "wrong place": "the derivative is taken where the function is: f'(u)*u'",
    "gate ignored": "the slope is 0 where the function is flat",
    "degrees": "angles are in radians",
    "wrong point": "put in the numbers that are given",
    "value instead": "a derivative is asked for",
    "derivative instead": "a value is asked for",
    "another variable": "differentiate by the variable that is asked for, the others stay as they are",
    "another step": "see which step is asked for",
    "another operation": "see what the step does with its operands",
    "first derivative instead": "differentiate once more",
    "second derivative instead": "differentiate once",
    "third derivative instead": "differentiate twice, no more",
    "squared instead": "a second derivative is the derivative of the first, not its square",
    "integrated": "differentiate, do not integrate",
    "transposed": "turn it: a gradient has the shape of what it is by",
    "transpose missing": "what comes back is multiplied by the transpose",
    "factors swapped": "the order of factors matters",
    "elementwise product": "take the matrix product",
    "sum for mean": "divide by how many there are",
    "mean for sum": "nothing is divided here: it is a sum",
    "target missing": "subtract the target",
    "slope twice": "the slope of softmax is in it already",
    "diagonal": "every number of softmax depends on every input",
    "taken for symmetric": "use the matrix and its transpose",
    "trace": "see how the matrix enters",
    "shape": "a gradient has the shape of what it is by",
    "not summed": "sum over the rows of the batch",
    "summed": "nothing is summed here",
    "another number": "see which number of the array is asked for",
    "rounding": "write more digits",
    "right by chance": "it has to hold at every point",
    "no value": "see where the formula has a value",
    "exists": "work it out: there is one",
    "updated weights used": "go back with the weights of the forward pass",
    "weights transposed": "see which index of the weights is which",
    "not updated": "new = old - rate*gradient",
    "frozen updated": "what is frozen stays",
    "bias not updated": "biases are updated, too",
    "rate missing": "new = old - rate*gradient",
    "plain update": "use the rule of this optimizer",
    "gradient instead": "new = old - rate*gradient",
    "step instead": "new = old - rate*gradient",
    "activation missing": "apply the activation",
    "activation twice": "apply the activation once",
    "other parameters": "all weights and biases take part, as they are before the update",
}
"""What to do, by the name of the mistake."""


OF_VALUES: Mapping[str, str] = {
    "term missing": "every term counts",
    "constant dropped": "every factor and divisor counts",
}
"""What to do where the mistake is in a value, and the rule of a derivative is none of it."""


def cure(kind: str | None, *, of_value: bool = False) -> str:
    """Return what to do about a mistake of which only the name is known; "" for none."""
    known = CURES.get(kind or "", "")
    return OF_VALUES.get(kind or "", known) if of_value else known


def cure_at(places: Iterable[tuple[Sweeps, str]], kind: str) -> str:
    """Return what to do about a mistake in a derivative, with the step's own parts where it is at one.

    Args:
        places: The sweeps in which it may have been made, with what went wrong, as it is said there.
        kind: The mistake's name.
    """
    for sweeps, says in places:
        for id in sweeps.steps():
            texts = sweeps.one_text(id), sweeps.other_text(id)
            for wrong in rules_for(sweeps.graph.nodes[id].primitive):
                if wrong.kind == kind and wrong.told(*texts) == says:
                    return _at(sweeps, id, wrong) or cure(kind)
    return cure(kind)


def _at(sweeps: Sweeps, id: int, wrong: Wrong) -> str:
    """Return the cure at one step, with the names or texts of its operands."""
    node = sweeps.graph.nodes[id]
    names = [sweeps.name(i) for i in node.inputs]
    by = sweeps.name(sweeps.by)
    if wrong.kind == "inner derivative missing":
        inside = [i for i in node.inputs if sweeps.moves[i]]
        if wrong is NEITHER or len(inside) != 1 or inside[0] == sweeps.by:
            return ""
        name, text = sweeps.name(inside[0]), sweeps.slope_text(inside[0])
        above = f"d{name}" if re.fullmatch(r"[^\W\d][\w.[\]]*", name) else f"d({name})"
        return f"multiply by {above}/d{by}" + (f" = {text}" if "..." not in text else "")
    if wrong.kind in ("product rule", "quotient rule") and len(names) == 2:
        return f"{CURES[wrong.kind]} with u = {names[0]} and v = {names[1]}"
    if wrong.kind == "constant dropped":
        return f"{CURES[wrong.kind]} with c = {sweeps.other_text(id)}" if "{other}" in wrong.says else ""
    return cure_of(node.primitive)


def cure_of(op: Primitive) -> str:
    """Return the rule of a primitive; "" where it is not one formula."""
    known = CURES_OF_RULES.get(op.name)
    if known is not None:
        return known
    if len(op.params) == 1 and op.infix is None and op.local and op.local[0]:
        value = f", where y = {op.name}(x)" if re.search(r"\by\b", op.local[0]) else ""
        return f"{op.name}'(x) = {op.local[0]}{value}"
    return ""
