"""Large programs: text to value and whole gradient at 100,000 and 1,000,000 operations.

    python benchmarks/large.py [--operations 100000] [--rounds 5] [--timeout 120]

Every measurement is a process of its own, on one core, with the garbage collector off (as the
command line has it). Peers have no text to read: their time begins with the loop that builds the
graph, and the same loop over `GraphBuilder` is the row "builder".
"""

from __future__ import annotations

import argparse
import gc
import math
import operator
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from harness import (
    collector_off,
    finish,
    installed,
    interleaved,
    measured_child,
    median,
    mib,
    peak_of,
    pin,
    print_table,
    ratio,
    setting,
    shown,
)

Binary = Callable[[Any, Any], Any]
ONCE = 20.0  # seconds from which a contender is measured once

# The shapes, as loops over anything that multiplies and adds


def wide(multiply: Binary, add: Binary, x: Sequence[Any], operations: int) -> Any:
    """x0*y0 + x1*y0 + ...: a sum of products over 64 variables."""
    half = len(x) // 2
    total = multiply(x[0], x[half])
    for k in range(1, (operations + 1) // 2):
        total = add(total, multiply(x[k % half], x[half + k // half % half]))
    return total


def chain(multiply: Binary, add: Binary, x: Sequence[Any], operations: int) -> Any:
    """(((a*b+c)*b+c)*b+c ...: as deep as it has operations."""
    total, b, c = x
    for _ in range(operations // 2):
        total = add(multiply(total, b), c)
    return total


WIDE_NAMES = [f"x{k}" for k in range(32)] + [f"y{k}" for k in range(32)]
SHAPES = {
    "wide": (wide, WIDE_NAMES, [1.0 + k / 64 for k in range(64)]),
    "chain": (chain, ["a", "b", "c"], [0.5, 0.9999, 1e-4]),
}


def text_of(shape: str, operations: int) -> str:
    """Return the program text of a shape; ``steps`` is the chain with a name for every other step."""
    if shape == "steps":
        lines = ["s0 = a*b + c", *(f"s{k} = s{k - 1}*b + c" for k in range(1, operations // 2))]
        return "\n".join(lines)
    if shape == "chain":
        return "(" * (operations // 2) + "a" + "*b+c)" * (operations // 2)
    half = len(WIDE_NAMES) // 2
    return "+".join(
        f"{WIDE_NAMES[k % half]}*{WIDE_NAMES[half + k // half % half]}" for k in range((operations + 1) // 2)
    )


def mixed_text(operations: int) -> str:
    """Return a sum of functions of 64 variables; one that vanished would leave the sweep nothing to do."""
    terms = [("sin({}*{})", 3), ("exp(-{}^2)/{}", 5), ("tanh({} - {})", 3), ("sqrt({}^2 + {})", 4)]
    half, written, count = len(WIDE_NAMES) // 2, [], 0
    while count < operations:
        k = len(written)
        term, cost = terms[k % 4]
        written.append(term.format(WIDE_NAMES[k % half], WIDE_NAMES[half + k // half % half]))
        count += cost
    return "+".join(written)


# The contenders: each yields the name of a phase that has just ended, and at last (value, gradient)

Phases = Iterator[Any]


def ours_from_text(shape: str, operations: int) -> Phases:
    """Parse, lower, run, sweep."""
    from backprop_cli.engine.reverse import reverse
    from backprop_cli.engine.run import bind, evaluate
    from backprop_cli.engine.sweep import active_nodes
    from backprop_cli.language.lower import lower
    from backprop_cli.language.parser import parse

    _, names, point = SHAPES["chain" if shape == "steps" else shape]
    text = text_of(shape, operations)
    yield "ready"
    program = parse(text, large=True)
    yield "parse"
    graph = lower(program, large=True)
    del program
    yield "lower"
    values, _ = evaluate(graph, bind(graph, dict(zip(names, point, strict=True))))
    yield "value"
    cotangents = reverse(graph, values, active_nodes(graph))
    yield "gradient"
    yield values[graph.output], [cotangents[graph.inputs[name]] for name in names]


def ours_from_builder(shape: str, operations: int) -> Phases:
    """Build the graph as a peer does, run, sweep."""
    from backprop_cli.engine.reverse import reverse
    from backprop_cli.engine.run import bind, evaluate
    from backprop_cli.engine.sweep import active_nodes
    from backprop_cli.errors import Source
    from backprop_cli.graph import GraphBuilder
    from backprop_cli.ops import PRIMITIVES

    build, names, point = SHAPES[shape]
    product, plus, nowhere = PRIMITIVES["multiply"], PRIMITIVES["add"], (0, 1)
    yield "ready"
    builder = GraphBuilder(Source(""), sys.maxsize)
    apply = builder.apply
    leaves = [builder.input(name, nowhere) for name in names]
    output = build(
        lambda i, j: apply(product, (i, j), nowhere),
        lambda i, j: apply(plus, (i, j), nowhere),
        leaves,
        operations,
    )
    graph = builder.build((output,))
    yield "build"
    values, _ = evaluate(graph, bind(graph, dict(zip(names, point, strict=True))))
    yield "value"
    cotangents = reverse(graph, values, active_nodes(graph))
    yield "gradient"
    yield values[output], [cotangents[i] for i in leaves]


def pytorch(shape: str, operations: int) -> Phases:
    """Scalar float64 tensors."""
    import torch

    torch.set_num_threads(1)
    build, _, point = SHAPES[shape]
    torch.ones((), requires_grad=True).exp().backward()
    yield "ready"
    leaves = [torch.tensor(p, dtype=torch.float64, requires_grad=True) for p in point]
    output = build(operator.mul, operator.add, leaves, operations)
    yield "build and value"
    output.backward()
    yield "gradient"
    yield output.item(), [leaf.grad.item() for leaf in leaves]


def jax_eager(shape: str, operations: int) -> Phases:
    """jax.value_and_grad of the loop, operation by operation."""
    return _jax(shape, operations, jit=False)


def jax_jit(shape: str, operations: int) -> Phases:
    """jax.jit of jax.value_and_grad of the loop: traced, compiled, run."""
    return _jax(shape, operations, jit=True)


def _jax(shape: str, operations: int, *, jit: bool) -> Phases:
    import jax

    jax.config.update("jax_enable_x64", True)
    build, _, point = SHAPES[shape]
    function = jax.value_and_grad(lambda x: build(operator.mul, operator.add, x, operations))
    jax.block_until_ready(jax.value_and_grad(lambda x: x[0] * x[1] + x[0])(point))
    yield "ready"
    if jit:
        lowered = jax.jit(function).lower(point)
        yield "trace"
        compiled = lowered.compile()
        yield "compile"
        value, gradient = jax.block_until_ready(compiled(point))
    else:
        value, gradient = jax.block_until_ready(function(point))
    yield "value and gradient"
    yield float(value), [float(g) for g in gradient]


def autograd(shape: str, operations: int) -> Phases:
    """autograd.value_and_grad over a list of floats."""
    from autograd import value_and_grad

    build, _, point = SHAPES[shape]
    value_and_grad(lambda x: x[0] * x[1] + x[0])(point)
    yield "ready"
    function = value_and_grad(
        lambda x: build(operator.mul, operator.add, [x[k] for k in range(len(point))], operations)
    )
    value, gradient = function(point)
    yield "value and gradient"
    yield float(value), [float(g) for g in gradient]


def casadi(shape: str, operations: int) -> Phases:
    """SX expressions, their symbolic gradient, one Function of both."""
    import casadi as ca

    build, names, point = SHAPES[shape]
    yield "ready"
    leaves = [ca.SX.sym(name) for name in names]
    output = build(operator.mul, operator.add, leaves, operations)
    yield "build"
    x = ca.vertcat(*leaves)
    function = ca.Function("f", [x], [output, ca.gradient(output, x)])
    yield "symbolic gradient"
    value, gradient = function(point)
    yield "value and gradient"
    yield float(value), [float(g) for g in gradient.full().ravel()]


def micrograd(shape: str, operations: int) -> Phases:
    """Value objects; its recursion needs the interpreter's limit lifted."""
    from micrograd.engine import Value

    sys.setrecursionlimit(10 * operations)
    build, _, point = SHAPES[shape]
    yield "ready"
    leaves = [Value(p) for p in point]
    output = build(operator.mul, operator.add, leaves, operations)
    yield "build and value"
    output.backward()
    yield "gradient"
    yield output.data, [leaf.grad for leaf in leaves]


CONTENDERS: dict[str, tuple[str | None, Callable[[str, int], Phases]]] = {
    "backprop, from text": (None, ours_from_text),
    "backprop, from builder": (None, ours_from_builder),
    "PyTorch": ("torch", pytorch),
    "JAX": ("jax", jax_eager),
    "JAX jit": ("jax", jax_jit),
    "autograd": ("autograd", autograd),
    "CasADi SX": ("casadi", casadi),
    "micrograd": ("micrograd", micrograd),
}


BASES = ("backprop, from text", "backprop, from builder")


def child(contender: str, shape: str, operations: str) -> None:
    """Measure one contender and end this process."""
    pin()
    gc.disable()
    phases = CONTENDERS[contender][1](shape, int(operations))
    next(phases)
    before = peak_of()
    took: dict[str, float] = {}
    begin = last = time.perf_counter()
    for phase in phases:
        now = time.perf_counter()
        if isinstance(phase, str):
            took[phase] = now - last
            total = now - begin
        else:
            value, gradient = phase
        last = time.perf_counter()
    finish({"phases": took, "total": total, "before": before, "value": value, "gradient": gradient})


def sweep_child(shape: str, operations: str, rounds: str) -> None:
    """Time the forward pass and the reverse sweep in turn over one graph."""
    pin()
    from backprop_cli.engine.reverse import reverse
    from backprop_cli.engine.run import bind, evaluate
    from backprop_cli.engine.sweep import active_nodes
    from backprop_cli.language.lower import lower
    from backprop_cli.language.parser import parse

    text = mixed_text(int(operations)) if shape == "mixed" else text_of(shape, int(operations))
    graph = lower(parse(text, large=True), large=True)
    _, names, point = SHAPES["chain" if shape == "chain" else "wide"]
    inputs = bind(graph, dict(zip(names, point, strict=True)))
    values, _ = evaluate(graph, inputs)
    with collector_off():
        times = interleaved(
            {
                "forward": lambda: evaluate(graph, inputs),
                "sweep": lambda: reverse(graph, values, active_nodes(graph)),
            },
            int(rounds),
        )
    finish(times)


# The tables


def same(ours: dict[str, Any], theirs: dict[str, Any]) -> bool:
    """Return whether a peer did the same work."""
    pairs = zip([ours["value"], *ours["gradient"]], [theirs["value"], *theirs["gradient"]], strict=True)
    return all(math.isclose(a, b, rel_tol=1e-9) for a, b in pairs)


def collect(
    names: Sequence[str], shape: str, operations: int, rounds: int, timeout: float
) -> dict[str, list[dict[str, Any]]]:
    """Run contenders in turn; one that failed or takes longer than `ONCE` is not asked again."""
    answers: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for _ in range(rounds):
        for name, so_far in answers.items():
            if not so_far or so_far[-1].get("total", ONCE) < ONCE:
                so_far.append(measured_child(__file__, name, shape, operations, timeout=timeout))
    return answers


def phases_text(answers: Sequence[dict[str, Any]]) -> str:
    """Write the median of every phase."""
    return ", ".join(f"{p} {shown(median([a['phases'][p] for a in answers]))}" for p in answers[0]["phases"])


def peers_table(shape: str, operations: int, rounds: int, timeout: float) -> None:
    """Compare with the peers over one shape."""
    names = [name for name, (module, _) in CONTENDERS.items() if module is None or installed(module)]
    everything = collect(names, shape, operations, rounds, timeout)
    for name in BASES:
        if "failed" in everything[name][-1]:
            raise SystemExit(f"{name}: {everything[name][-1]['failed']}")
    ours = everything["backprop, from text"]
    columns = ["contender", "time", "against text", "against builder", "peak", "of which before", "phases"]
    rows: list[list[object]] = []
    for name, answers in everything.items():
        if "failed" in answers[-1]:
            rows.append([name, answers[-1]["failed"], *smaller(name, shape, operations, timeout)])
            continue
        if not same(ours[0], answers[0]):
            raise SystemExit(f"{name} does not compute the same value and gradient of the {shape} program")
        times = [a["total"] for a in answers]
        against = [f"{ratio(times, [a['total'] for a in everything[base]]):.2f}x" for base in BASES]
        memory = [mib(median([a[key] for a in answers])) for key in ("peak", "before")]
        rows.append([name, shown(median(times)), *against, *memory, phases_text(answers)])
    title = f"{operations:,} operations, {shape}: value and whole gradient, median of {rounds} processes each"
    print_table(title, columns, rows)


def smaller(name: str, shape: str, operations: int, timeout: float) -> list[object]:
    """Say what a contender that failed can do."""
    size = operations
    while (size := size // 10) >= 1000:
        answer = measured_child(__file__, name, shape, size, timeout=timeout)
        if "failed" not in answer:
            return [
                "",
                "",
                "",
                "",
                f"{size:,} operations took {shown(answer['total'])}: {phases_text([answer])}",
            ]
    return ["", "", "", "", "fails at a hundredth of the size too"]


def growth_table(operations: int, rounds: int, timeout: float) -> None:
    """Show our phases at one size and at ten times it."""
    columns = ["program", "operations", "parse", "lower", "value", "gradient", "all", "goal", "peak", "goal "]
    rows: list[list[object]] = []
    for shape in ("wide", "chain", "steps"):
        for size in (operations, 10 * operations):
            answers = collect(["backprop, from text"], shape, size, rounds, timeout)["backprop, from text"]
            if "failed" in answers[-1]:
                rows.append([shape, f"{size:,}", *[""] * 4, answers[-1]["failed"], "", "", ""])
                continue
            each = [
                shown(median([a["phases"][p] for a in answers]))
                for p in ("parse", "lower", "value", "gradient")
            ]
            scale = size / 100_000
            peak = mib(median([a["peak"] for a in answers]))
            total = shown(median([a["total"] for a in answers]))
            rows.append([shape, f"{size:,}", *each, total, f"{scale:g} s", peak, f"{150 * scale:g} MB"])
    print_table(f"From text to gradient, median of {rounds} processes each", columns, rows)


def sweep_table(operations: int, rounds: int) -> None:
    """Compare the reverse sweep with the forward pass."""
    rows: list[list[object]] = []
    for shape in ("wide", "chain", "mixed"):
        times = measured_child(__file__, "sweep", shape, operations, rounds)
        if "failed" in times:
            rows.append([shape, times["failed"], "", "", ""])
            continue
        forward, sweep = times["forward"], times["sweep"]
        rows.append(
            [shape, shown(median(forward)), shown(median(sweep)), f"{ratio(sweep, forward):.2f}x", "3x"]
        )
    print_table(f"The reverse sweep, {operations:,} operations, median of {rounds} rounds",
                ["program", "forward pass", "reverse sweep", "ratio", "goal"], rows)  # fmt: skip


def main() -> None:
    """Print the tables."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--operations", type=int, default=100_000)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--timeout", type=float, default=120.0, help="seconds for one measurement")
    given = options.parse_args()
    print(f"\nLarge programs: {setting()}, everything on one of them")
    growth_table(given.operations, given.rounds, given.timeout)
    sweep_table(given.operations, 2 * given.rounds + 1)
    for shape in SHAPES:
        peers_table(shape, given.operations, given.rounds, given.timeout)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        (sweep_child if sys.argv[2] == "sweep" else child)(*sys.argv[3 if sys.argv[2] == "sweep" else 2 :])
    main()
