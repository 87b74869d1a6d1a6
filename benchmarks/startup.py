"""Start-up: whole commands against bare Python, qalc and ``import sympy``.

python benchmarks/startup.py [--rounds 21] [--python PATH]
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
from pathlib import Path

from harness import environment, fresh_install, interleaved, median, print_table, ratio, setting, shown

EXPRESSION = ["(a*b+c)*f", "--a", "3", "--b", "-2", "--c", "8", "--f", "-2"]
PASS, SYMPY, QALC = "python -c pass", 'python -c "import sympy"', "qalc -t"
REVERSE, TABLE = "backprop grad --method reverse --format json", "backprop grad (the full table)"
HEAVY = ("numpy", "sympy", "rich")

# what is timed -> (what it is compared with, the goal)
GOALS = {
    REVERSE: [(PASS, 6.0), (QALC, 1.0)],
    "backprop eval": [(PASS, None), (QALC, None)],
    "backprop --help": [(PASS, None)],
    TABLE: [(SYMPY, 1.1)],
}


def commands(binaries: Path) -> dict[str, list[str]]:
    """Return every command line that is timed."""
    python, backprop = str(binaries / "python"), str(binaries / "backprop")
    lines = {
        PASS: [python, "-c", "pass"],
        SYMPY: [python, "-c", "import sympy"],
        REVERSE: [backprop, "grad", *EXPRESSION, "--method", "reverse", "--format", "json"],
        "backprop eval": [backprop, "eval", *EXPRESSION],
        "backprop --help": [backprop, "--help"],
        TABLE: [backprop, "grad", *EXPRESSION],
    }
    if shutil.which("qalc"):
        lines[QALC] = ["qalc", "-t", "(3*(-2)+8)*(-2)"]
    else:
        print("note: qalc is not installed and left out")
    return lines


def heavy_imports(python: Path) -> list[str]:
    """Return which of NumPy, SymPy and Rich the reverse-mode command imports."""
    program = (
        "import sys; from backprop_cli.cli.main import main;"
        "sys.stdout = sys.stderr; status = main(sys.argv[1:]);"
        f"print(*(m for m in {HEAVY} if m in sys.modules), file=sys.__stdout__); sys.exit(status)"
    )
    words = [str(python), "-c", program, "grad", *EXPRESSION, "--method", "reverse", "--format", "json"]
    done = subprocess.run(words, check=True, capture_output=True, text=True, env=environment())
    return done.stdout.split()


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=21)
    options.add_argument("--python", help="an interpreter that has the package; default: a fresh environment")
    given = options.parse_args()
    with fresh_install(given.python) as binaries:
        lines = commands(binaries)
        env = environment()

        def task(line: list[str]) -> object:
            return subprocess.run(line, check=True, env=env, stdin=subprocess.DEVNULL, capture_output=True)

        works = {}
        for name, line in lines.items():
            try:
                task(line)
                works[name] = line
            except subprocess.CalledProcessError as error:
                print(f"note: {name} failed with status {error.returncode} and is left out")
        times = interleaved(
            {name: lambda line=line: task(line) for name, line in works.items()}, given.rounds, 2
        )
        imports = heavy_imports(binaries / "python") if REVERSE in works else []
    rows: list[list[object]] = [
        [name, shown(median(times[name])), "", "", ""] for name in (PASS, SYMPY, QALC) if name in times
    ]
    for name, goals in GOALS.items():
        for other, goal in goals:
            if name in times and other in times:
                times_as_long = ratio(times[name], times[other])
                rows.append(
                    [
                        name,
                        shown(median(times[name])),
                        other,
                        f"{times_as_long:.2f}x",
                        f"{goal}x" if goal else "",
                    ]
                )
    print_table(
        f"Start-up: {setting()}, median of {given.rounds} rounds",
        ["command", "time", "against", "ratio", "goal"],
        rows,
    )
    print(f"\nOf {', '.join(HEAVY)} the reverse-mode command imports: {', '.join(imports) or 'none'}.")


if __name__ == "__main__":
    main()
