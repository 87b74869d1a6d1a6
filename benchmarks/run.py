"""Run the benchmarks and print their tables as Markdown, as docs/performance.md has them.

python benchmarks/run.py [startup] [large] [engines] [points] [symbolic] [training] [recurrent] [bad_input]
"""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from harness import environment, setting

BENCHMARKS = {
    "startup": "Start-up",
    "large": "Large programs",
    "engines": "Engines",
    "points": "Many points",
    "symbolic": "The symbolic column",
    "training": "Training",
    "recurrent": "Recurrent networks",
    "bad_input": "Bad input",
}
PEERS = (
    "numpy",
    "sympy",
    "torch",
    "jax",
    "llvmlite",
    "numba",
    "autograd",
    "casadi",
    "micrograd",
    "pandas",
    "polars",
    "scikit-learn",
)


def versions() -> str:
    """Name the peers with their versions."""
    found = []
    for name in PEERS:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"no {name}")
    return ", ".join(found)


def main() -> None:
    """Run those asked for, all by default; exit 1 when one of them failed."""
    names = sys.argv[1:] or list(BENCHMARKS)
    if unknown := [name for name in names if name not in BENCHMARKS]:
        sys.exit(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    print(f"{setting()}; {versions()}.")
    failed = []
    for name in names:
        print(f"\n## {BENCHMARKS[name]}", flush=True)
        script = Path(__file__).with_name(f"{name}.py")
        if subprocess.run([sys.executable, str(script)], env=environment(), check=False).returncode:
            failed.append(name)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
