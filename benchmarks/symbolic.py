"""The symbolic column of random expressions: seconds on top of importing SymPy.

    python benchmarks/symbolic.py [--expressions 20] [--nodes 60] [--seed 0]

One process for each expression, as each command has one: SymPy's caches are empty. For comparison
SymPy differentiates the whole expression by every variable and evaluates that to 17 digits, which
answers for the variables alone; the column answers for every step.
"""

from __future__ import annotations

import argparse
import random
import sys
import time

from harness import (
    collector_off,
    finish,
    measured_child,
    median,
    mib,
    pin,
    print_table,
    ratio,
    setting,
    shown,
)

VARIABLES = {"a": 0.7, "b": -1.3, "c": 0.4, "d": 2.1}
UNARY = [
    "sin({})", "cos({})", "tanh({})", "exp(-{}^2)", "log(1 + {}^2)", "sqrt(1 + {}^2)", "sigmoid({})",
    "softplus({})", "atan({})", "{}^2", "{}^3", "1/(2 + {}^2)", "-{}",
]  # fmt: skip
BINARY = ["({} + {})", "({} - {})", "({} * {})", "({} * {})", "({} / (1 + {}^2))"]


def random_expression(draw: random.Random, operations: int) -> str:
    """Return an expression that has a value everywhere."""
    if operations <= 0:
        return draw.choice([*VARIABLES, *VARIABLES, "2", "0.5", "3"])
    if draw.random() < 0.4:
        return draw.choice(UNARY).format(f"({random_expression(draw, operations - 1)})")
    left = draw.randrange(operations)
    return draw.choice(BINARY).format(
        random_expression(draw, left), random_expression(draw, operations - 1 - left)
    )


def expression_of(seed: int, nodes: int) -> str:
    """Return a random expression of that many nodes, give or take two."""
    from backprop_cli.language.lower import lower
    from backprop_cli.language.parser import parse

    draw = random.Random(seed)
    while True:
        text = random_expression(draw, draw.randrange(nodes // 4, nodes // 2))
        if abs(len(lower(parse(text))) - nodes) <= 2:
            return text


def child(method: str, seed: str, nodes: str) -> None:
    """Time one expression and end this process."""
    pin()
    import sympy

    from backprop_cli.differentiation.symbolic.formulas import formulas
    from backprop_cli.differentiation.symbolic.numbers import numbers as numbers_of
    from backprop_cli.engine.run import bind, evaluate
    from backprop_cli.graph import CONSTANT
    from backprop_cli.language.lower import lower
    from backprop_cli.language.parser import parse

    sys.setrecursionlimit(30_000)
    text = expression_of(int(seed), int(nodes))
    graph = lower(parse(text))
    inputs = bind(graph, {name: VARIABLES[name] for name in graph.inputs})
    _, needed = evaluate(graph, inputs)
    wanted = [node.id for node in graph.nodes if node.kind != CONSTANT]
    with collector_off():
        start = time.perf_counter()
        if method == "column":
            formulas(graph, wanted)
            formulas = time.perf_counter() - start
            numbers, _ = numbers_of(graph, inputs, wanted, needed)
            gradient = [numbers[k] for k in graph.inputs.values()]
        else:
            symbols = {name: sympy.Symbol(name, real=True) for name in inputs}
            local = {
                "sigmoid": lambda x: 1 / (1 + sympy.exp(-x)),
                "softplus": lambda x: sympy.log(1 + sympy.exp(x)),
            }
            whole = sympy.sympify(text.replace("^", "**"), locals={**symbols, **local})
            slopes = [whole.diff(x) for x in symbols.values()]
            formulas = time.perf_counter() - start
            point = {symbols[name]: sympy.Rational(value) for name, value in inputs.items()}
            gradient = [float(slope.evalf(17, subs=point)) for slope in slopes]
        seconds = time.perf_counter() - start
    finish(
        {"formulas": formulas, "seconds": seconds, "gradient": gradient, "nodes": len(graph), "text": text}
    )


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--expressions", type=int, default=20)
    options.add_argument("--nodes", type=int, default=60)
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    answers: dict[str, list[dict]] = {"column": [], "diff": []}
    missing: set[int] = set()
    for seed in range(given.seed, given.seed + given.expressions):
        for method, so_far in answers.items():
            answer = measured_child(__file__, method, seed, given.nodes)
            if "failed" in answer:
                raise SystemExit(f"seed {seed}, {method}: {answer['failed']}")
            so_far.append(answer)
        for x, y in zip(*(each[-1]["gradient"] for each in answers.values()), strict=True):
            if x is None:
                missing.add(seed)
            elif abs(x - y) > 1e-9 * max(abs(x), abs(y), 1e-9):
                raise SystemExit(f"seed {seed}: {x} is not {y}")
    rows = []
    names = {
        "column": "the symbolic column: every node",
        "diff": "SymPy's diff and evalf: the variables alone",
    }
    for method, each in answers.items():
        times = [a["seconds"] for a in each]
        against = ratio(times, [a["seconds"] for a in answers["column"]])
        rows.append([
            names[method], shown(median(times)), shown(max(times)),
            shown(median([a["formulas"] for a in each])), f"{against:.2f}x",
            mib(max(a["peak"] for a in each)), "500 ms" if method == "column" else "",
        ])  # fmt: skip
    title = (
        f"Symbolic, on top of importing SymPy: {given.expressions} random expressions of {given.nodes} nodes"
    )
    print_table(
        f"{title}, {setting()}", ["", "median", "worst", "formulas alone", "ratio", "peak", "goal"], rows
    )
    worst = max(answers["column"], key=lambda a: a["seconds"])
    print(f"\nThe worst: `{worst['text']}`")
    if missing:
        print(f"\nThe column has no number for the expressions of the seeds {sorted(missing)}.")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:])
    main()
