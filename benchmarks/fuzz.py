"""A soak: random text, command lines and expressions for as long as you like.

    python benchmarks/fuzz.py [--seconds 60] [--seed 0]

Only a `BackpropError` may escape from random text, only the statuses 0 to 4 from random command
lines; every method must agree on random expressions, and rows run as arrays must end as the float
engine does. Prints what breaks this, with the seed that brings it back alone, and exits 1.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import math
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable

from harness import print_table, setting, shown

from backprop_cli.cli.main import main as command_line
from backprop_cli.differentiation import METHODS
from backprop_cli.differentiation.report import differentiate
from backprop_cli.differentiation.rounding import rounding_bounds
from backprop_cli.differentiation.symbolic.process import SymbolicProcess
from backprop_cli.engine.point import Point
from backprop_cli.engine.reverse import reverse
from backprop_cli.engine.run import bind, evaluate
from backprop_cli.engine.sweep import active_nodes
from backprop_cli.errors import BackpropError, NoSuchNumber
from backprop_cli.graph import Graph
from backprop_cli.language.lower import lower
from backprop_cli.language.parser import parse
from backprop_cli.ops import FUNCTIONS

LIMIT = 30  # seconds for one run
NAMES = ["a", "b", "x", "y", "e", "gamma", "β"]
WORDS = [
    *NAMES, *"()()()||+-*/^,;=<>\n#[]{}@'\"!.?%&$\\_ ", "**", "==", "<=", "2", "0", "1e3", ".5", "1e999", "³",
    "√", "π", "·", "\u200b", "\u202e", "а", "é", "\x00", "\x1b", "\ud800", "sin(", "max(", "where(",
    "where(a>0,", "f(x)=", "lambda", "1..2",
]  # fmt: skip
SPECIAL = [0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, 3.0, 1e-8, 1e8, -1e-300, 700.0]
OPTIONS = [
    "--format", "json", "csv", "value", "markdown", "latex", "--digits", "3", "99", "--all", "--wrt", "a",
    "a,b", "--step", "1e-6", "--scheme", "ridders", "--method", "forward", "finite", "complex-step",
    "--formulas", "inputs", "--", "-", "-q", "-o", "--file", "--points", "--strict", "--help", "--large",
    "a=1", "b=0:1:0.5", "a=nan", "--a", "--b=2", "-1",
]  # fmt: skip


def random_text(draw: random.Random) -> str:
    """Return words at random, or a valid expression with an accident."""
    if draw.random() < 0.4:
        return "".join(draw.choices(WORDS, k=draw.randrange(1, 25)))
    text = random_expression(draw, draw.randrange(8))
    for _ in range(draw.randrange(3)):
        at = draw.randrange(len(text) + 1)
        text = text[:at] + draw.choice([*WORDS, ""]) + text[at + draw.randrange(2) :]
    return text


def random_expression(draw: random.Random, size: int) -> str:
    """Return an expression of about that many operations."""
    if size <= 0:
        return draw.choice([*NAMES[:4], *NAMES[:4], "0", "1", "2", "-1", "0.5", "3"])

    def operand(at_most: int = size - 1) -> str:
        return random_expression(draw, draw.randrange(at_most + 1))

    kind = draw.random()
    if kind < 0.45:
        return f"({operand()} {draw.choice('+-*/')} {operand()})"
    if kind < 0.55:
        return f"({operand()})^{draw.choice(['2', '3', '-1', '0.5', '(1/3)', '0', '(' + operand(1) + ')'])}"
    if kind < 0.6:
        sign = draw.choice(["<", "<=", ">", ">=", "==", "!="])
        return f"where({operand()} {sign} {operand()}, {operand()}, {operand()})"
    name = draw.choice(list(FUNCTIONS))
    if name == "where":
        return f"|{operand()}|"
    least, most = FUNCTIONS[name].arity
    count = draw.randint(least, least + 2 if most is None else most)
    operands = [operand() for _ in range(count)]
    if name == "polygamma":
        operands[0] = draw.choice("0123")
    return f"{name}({', '.join(operands)})"


def random_point(draw: random.Random, graph: Graph) -> dict[str, float]:
    """Return values in which zeros, ones and ties are frequent."""
    return {n: draw.choice(SPECIAL) if draw.random() < 0.5 else draw.uniform(-3.0, 3.0) for n in graph.inputs}


class Broken(Exception):
    """What must not happen has happened."""


class TooSlow(BaseException):
    """One run has taken longer than `LIMIT`."""


def too_slow(*_: object) -> None:
    raise TooSlow


def text(draw: random.Random) -> str:
    """Read random text and, where it has a meaning, run it."""
    program = random_text(draw)
    try:
        graph = lower(parse(program))
        values, _ = evaluate(graph, bind(graph, random_point(draw, graph)))
        reverse(graph, values, active_nodes(graph))
    except BackpropError as error:
        str(error), error.as_dict()
        return type(error).__name__
    except Exception as error:
        raise Broken(f"{program!r}: {type(error).__name__}: {error}") from error
    return "answered"


def command(draw: random.Random) -> str:
    """Run a random command line in this process."""
    options = draw.choices(OPTIONS, k=draw.randrange(6))
    words = [
        draw.choice(["grad", "eval", "grad", "ops", "help"]),
        random_text(draw),
        *options,
        "--method",
        "reverse",
    ]
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    here = os.getcwd()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        stdin, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(b"a,b\n1,2\n"))
        try:
            status = command_line(words)
        except TooSlow:
            raise Broken(f"{words}: longer than {LIMIT} s") from None
        except BaseException as error:
            raise Broken(f"{words}: {type(error).__name__}: {error}") from error
        finally:
            sys.stdin = stdin
            os.chdir(here)
    if status not in range(5) or "Traceback" in err.getvalue():
        raise Broken(f"{words}: status {status}: {err.getvalue()[:200]}")
    return f"status {status}"


class Methods:
    """Runs every method on random expressions, SymPy in a process that is kept."""

    def __init__(self) -> None:
        self.process = SymbolicProcess(fork=True)
        self.jobs = 0

    def __call__(self, draw: random.Random) -> str:
        """Compare every method on one expression at one point."""
        program = random_expression(draw, draw.randrange(1, 9))
        if self.jobs == 500:
            self.process.close()
            self.process, self.jobs = SymbolicProcess(fork=True), 0
        self.jobs += 1
        point: dict[str, float] = {}
        try:
            graph = lower(parse(program), NAMES)
            point = random_point(draw, graph)
            report = differentiate(graph, point, methods=METHODS, process=self.process)
        except BackpropError as error:
            return type(error).__name__
        except Exception as error:
            raise Broken(f"{program} at {point}: {type(error).__name__}: {error}") from error
        if report.agree is False:
            reasons = {v.reason for v in report.verdicts if v.verdict == "disagree"}
            raise Broken(f"{program} at {point}: disagree: {'; '.join(sorted(reasons))}")
        if report.notes:
            return "SymPy did not finish"
        return max((v.verdict for v in report.verdicts), key=VERDICTS.index)


VERDICTS = ["not-run", "agree", "noisy", "rounding", "kink", "jump"]


def rows(draw: random.Random) -> str:
    """Compare rows run as arrays with the float engine."""
    import numpy as np

    from backprop_cli.engine.plan import Plan

    program = random_expression(draw, draw.randrange(1, 9))
    try:
        graph = lower(parse(program), NAMES)
        names = list(graph.inputs)
        points = [random_point(draw, graph) for _ in range(20)]
        columns = {n: np.array([p[n] for p in points]) for n in names}
        results, bad = Plan(graph, names, {}, names).run(columns, len(points))
    except BackpropError as error:
        return type(error).__name__
    except Exception as error:
        raise Broken(f"{program}: {type(error).__name__}: {error}") from error
    active = graph.depends_on(list(graph.inputs.values()))
    for row, inputs in enumerate(points):
        try:
            point = Point.of(graph, inputs, active)
        except NoSuchNumber as error:
            if row not in bad:
                raise Broken(
                    f"{program} at {inputs}: the array has an answer, the float engine says {error}"
                ) from error
            continue
        if row in bad:  # the command asks the float engine about such a row
            continue
        noise, slack = rounding_bounds(point)
        exact = [(point.value, noise), *((point.cotangents[k], slack[k]) for k in graph.inputs.values())]
        for (number, bound), result in zip(exact, results, strict=True):
            if abs(number - result[row]) > 4.0 * math.ulp(number) + 4.0 * bound:
                raise Broken(
                    f"{program} at {inputs}: {number!r} as a float, {float(result[row])!r} in an array"
                )
    return f"{len(points) - len(bad)} rows answered" if len(bad) in (0, len(points)) else "some rows answered"


def limited(kind: Callable[[random.Random], str], draw: random.Random) -> str:
    """Run one case; breaking off what takes too long needs Unix."""
    if hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, too_slow)
        signal.alarm(LIMIT)
    try:
        return kind(draw)
    except TooSlow:
        raise Broken(f"longer than {LIMIT} s") from None
    finally:
        if hasattr(signal, "SIGALRM"):
            signal.alarm(0)


def main() -> None:
    """Soak, print what happened, exit 1 when something broke."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--seconds", type=float, default=60.0)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--kinds", default="text,command,methods,rows")
    options.add_argument("--most", type=int, default=20, help="stop after so many faults")
    given = options.parse_args()
    everything: dict[str, Callable[[random.Random], str]] = {
        "methods": Methods(),
        "text": text,
        "command": command,
        "rows": rows,
    }
    kinds = {name: everything[name] for name in given.kinds.split(",")}
    ended: dict[str, Counter[str]] = {name: Counter() for name in kinds}
    faults = 0
    begin, seed = time.monotonic(), given.seed
    while faults < given.most and (seed == given.seed or time.monotonic() - begin < given.seconds):
        for name, kind in kinds.items():
            try:
                ended[name][limited(kind, random.Random(f"{name} {seed}"))] += 1
            except Broken as broken:
                faults += 1
                ended[name]["BROKEN"] += 1
                print(f"--kinds {name} --seed {seed} --seconds 0\n    {broken}", flush=True)
        seed += 1
    lines = [
        [name, sum(c.values()), ", ".join(f"{w} {n}" for w, n in c.most_common())]
        for name, c in ended.items()
    ]
    print_table(
        f"Soak of {shown(time.monotonic() - begin)}, {setting()}", ["kind", "runs", "how they ended"], lines
    )
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
