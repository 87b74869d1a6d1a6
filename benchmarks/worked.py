"""Pages that work a network by hand, as `check --text` reads them: what is read, found, and a false alarm.

    python benchmarks/worked.py [mazur ...] [--points N] [--show]

The pages are in `worked/`, each in a style and with a network of its own; what is in `<...>` comes from plain
NumPy: `<w1>` a number that is given, `<z1:4>` one rounded to four decimals, and `<?z1:4>` one that the page
claims. A page is written without a mistake, at N points, once with all digits carried and shown rounded, once
with the rounded numbers carried; then with each claimed number spoiled, and with each mistake of its network
made throughout. Prints one line a page; exits 1 where a right number is called wrong or a mistake not found.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from backprop_cli.articles.text import Article, check_notebook, check_text

HERE = Path(__file__).resolve().parent
PLACE = re.compile(r"<(\??)(\w+)(?::(\d*)(g?))?>")
Numbers = dict[str, float]
Rounder = Callable[[str, float], float]


def _sigmoid(z: float) -> float:
    return float(1 / (1 + np.exp(-z)))


def mazur(n: Numbers, r: Rounder, mistake: str) -> None:
    """Two inputs, two hidden neurons, two outputs, all sigmoid; squared error."""
    bias = n["b2"] if mistake == "bias" else n["b1"]
    sign = -1 if mistake == "exponent" else 1
    n["net_h1"] = r("net_h1", n["w1"] * n["i1"] + n["w2"] * n["i2"] + n["b1"])
    n["net_h2"] = r("net_h2", n["w3"] * n["i1"] + n["w4"] * n["i2"] + bias)
    n["out_h1"] = r("out_h1", _sigmoid(sign * n["net_h1"]))
    n["out_h2"] = r("out_h2", _sigmoid(n["net_h2"]))
    n["net_o1"] = r("net_o1", n["w5"] * n["out_h1"] + n["w6"] * n["out_h2"] + n["b2"])
    n["net_o2"] = r("net_o2", n["w7"] * n["out_h1"] + n["w8"] * n["out_h2"] + n["b2"])
    n["out_o1"] = r("out_o1", _sigmoid(n["net_o1"]))
    n["out_o2"] = r("out_o2", _sigmoid(n["net_o2"]))
    n["E_o1"] = r("E_o1", 0.5 * (n["t1"] - n["out_o1"]) ** 2)
    n["E_o2"] = r("E_o2", 0.5 * (n["t2"] - n["out_o2"]) ** 2)
    n["E"] = r("E", n["E_o1"] + n["E_o2"])
    n["dE_do1"] = r("dE_do1", (n["t1"] - n["out_o1"]) * (1 if mistake == "minus" else -1))
    n["do1"] = r("do1", n["out_o1"] * (1 - n["out_o1"]))
    n["delta_o1"] = r("delta_o1", n["dE_do1"] * n["do1"])
    n["delta_o2"] = (n["out_o2"] - n["t2"]) * n["out_o2"] * (1 - n["out_o2"])
    for name, hidden in (("dw5", "out_h1"), ("dw6", "out_h2")):
        n[name] = r(name, n["delta_o1"] * n[hidden])
    n["w5n"] = r("w5n", n["w5"] - n["eta"] * n["dw5"])
    n["w6n"] = r("w6n", n["w6"] - n["eta"] * n["dw6"])
    n["u5"] = n["w5n"] if mistake == "updated" else n["w5"]
    n["E1_h1"] = r("E1_h1", n["delta_o1"] * n["u5"])
    n["E2_h1"] = r("E2_h1", n["delta_o2"] * n["w7"])
    n["dE_dh1"] = r("dE_dh1", n["E1_h1"] + n["E2_h1"])
    n["dh1"] = r("dh1", n["out_h1"] * (1 - n["out_h1"]))
    n["dw1"] = r("dw1", n["dE_dh1"] * n["dh1"] * n["i1"])
    n["w1n"] = r("w1n", n["w1"] - n["eta"] * n["dw1"])


def oneliners(n: Numbers, r: Rounder, mistake: str) -> None:
    """Two tanh neurons and a linear output, half the squared error."""
    n["z1"] = r("z1", n["w11"] * n["x1"] + n["w12"] * n["x2"] + n["b1"])
    n["z2"] = r("z2", n["w21"] * n["x1"] + n["w22"] * n["x2"] + n["b1" if mistake == "bias" else "b2"])
    n["h1"], n["h2"] = r("h1", float(np.tanh(n["z1"]))), r("h2", float(np.tanh(n["z2"])))
    n["y"] = r("y", n["v1"] * n["h1"] + n["v2"] * n["h2"] + n["c"])
    n["L"] = r("L", 0.5 * (n["y"] - n["t"]) ** 2)
    n["dy"] = r("dy", (n["y"] - n["t"]) * (2 if mistake == "two" else 1))
    n["dv1"], n["dv2"] = r("dv1", n["dy"] * n["h1"]), r("dv2", n["dy"] * n["h2"])
    n["v1n"] = r("v1n", n["v1"] - 0.1 * n["dv1"])
    n["u1"] = n["v1n"] if mistake == "updated" else n["v1"]
    n["dh1"] = r("dh1", n["dy"] * n["u1"])
    n["dz1"] = r("dz1", n["dh1"] * (1 if mistake == "slope" else 1 - n["h1"] ** 2))
    n["dw11"], n["dw12"] = r("dw11", n["dz1"] * n["x1"]), r("dw12", n["dz1"] * n["x2"])
    n["w11n"] = r("w11n", n["w11"] - 0.1 * n["dw11"])


def ascii(n: Numbers, r: Rounder, mistake: str) -> None:
    """Three inputs, two rectified neurons, a linear output, squared error."""
    for k in "12":
        n[f"z{k}"] = r(f"z{k}", sum(n[f"w{k}{i}"] * n[f"x{i}"] for i in "123"))
        n[f"a{k}"] = r(f"a{k}", max(n[f"z{k}"], 0.0))
    n["y"] = r("y", n["v1"] * n["a1"] + n["v2"] * n["a2"])
    n["E"] = r("E", (n["y"] - n["t"]) ** 2)
    n["dy"] = r("dy", (1 if mistake == "two" else 2) * (n["y"] - n["t"]))
    n["dv1"] = r("dv1", n["dy"] * n["a1"])
    n["v1n"] = r("v1n", n["v1"] + (1 if mistake == "uphill" else -1) * 0.1 * n["dv1"])
    n["u1"] = n["v1n"] if mistake == "updated" else n["v1"]
    n["da1"], n["da2"] = r("da1", n["dy"] * n["u1"]), r("da2", n["dy"] * n["v2"])
    n["dz1"] = r("dz1", n["da1"] * (n["z1"] > 0))
    n["dz2"] = r("dz2", n["da2"] * (n["z2"] > 0 or mistake == "gate"))
    n["dw11"], n["dw12"] = r("dw11", n["dz1"] * n["x1"]), r("dw12", n["dz1"] * n["x2"])
    n["w11n"] = r("w11n", n["w11"] - 0.1 * n["dw11"])
    n["w12n"] = r("w12n", n["w12"] - 0.1 * n["dw12"])


def unicode(n: Numbers, r: Rounder, mistake: str) -> None:
    """Two sigmoid neurons, a sigmoid output, cross entropy of the label 1."""
    sign = -1 if mistake == "exponent" else 1
    n["z1"] = r("z1", n["w1"] * n["x1"] + n["w2"] * n["x2"] + n["b1"])
    n["z2"] = r("z2", n["w3"] * n["x1"] + n["w4"] * n["x2"] + n["b1" if mistake == "bias" else "b2"])
    n["a1"], n["a2"] = r("a1", _sigmoid(sign * n["z1"])), r("a2", _sigmoid(n["z2"]))
    n["s"] = r("s", n["v1"] * n["a1"] + n["v2"] * n["a2"] + n["c"])
    n["p"] = r("p", _sigmoid(n["s"]))
    n["L"] = r("L", float(-np.log(n["p"])))
    n["ds"] = r("ds", (n["p"] - n["y"]) * (n["p"] * (1 - n["p"]) if mistake == "sigma" else 1))
    n["dv1"] = r("dv1", n["ds"] * n["a1"])
    n["v1n"] = r("v1n", n["v1"] - 0.5 * n["dv1"])
    n["u1"] = n["v1n"] if mistake == "updated" else n["v1"]
    n["da1"] = r("da1", n["ds"] * n["u1"])
    n["dz1"] = r("dz1", n["da1"] * n["a1"] * (1 - n["a1"]))
    n["dw1"], n["dw2"] = r("dw1", n["dz1"] * n["x1"]), r("dw2", n["dz1"] * n["x2"])
    n["w1n"] = r("w1n", n["w1"] - 0.5 * n["dw1"])


def table(n: Numbers, r: Rounder, mistake: str) -> None:
    """Two sigmoid neurons without biases, a sigmoid output, squared error."""
    n["z1"] = r("z1", n["w1"] * n["x1"] + n["w2"] * n["x2"])
    n["z2"] = r("z2", n["w3"] * n["x1"] + n["w4"] * n["x2"])
    n["h1"], n["h2"] = r("h1", _sigmoid(n["z1"])), r("h2", _sigmoid(n["z2"]))
    n["s"] = r("s", n["v1"] * n["h1"] + n["v2"] * n["h2"])
    n["y"] = r("y", _sigmoid(n["s"]))
    n["E"] = r("E", (n["y"] - n["t"]) ** 2)
    n["dy"] = r("dy", (1 if mistake == "two" else 2) * (n["y"] - n["t"]))
    n["ds"] = r("ds", n["dy"] * (1 if mistake == "slope" else n["y"] * (1 - n["y"])))
    n["dv1"] = r("dv1", n["ds"] * n["h1"])
    n["v1n"] = r("v1n", n["v1"] - 0.5 * n["dv1"])
    n["dh1"] = r("dh1", n["ds"] * n["v1n" if mistake == "updated" else "v1"])
    n["dz1"] = r("dz1", n["dh1"] * n["h1"] * (1 - n["h1"]))
    n["dw1"], n["dw2"] = r("dw1", n["dz1"] * n["x1"]), r("dw2", n["dz1"] * n["x2"])
    n["w1n"] = r("w1n", n["w1"] - 0.5 * n["dw1"])


def layers(n: Numbers, r: Rounder, mistake: str) -> None:
    """Two sigmoid neurons, a sigmoid output, half the squared error, by deltas."""
    n["z1"] = r("z1", n["w11"] * n["x1"] + n["w12"] * n["x2"] + n["b1"])
    n["z2"] = r("z2", n["w21"] * n["x1"] + n["w22"] * n["x2"] + n["b1" if mistake == "bias" else "b2"])
    n["a1"], n["a2"] = r("a1", _sigmoid(n["z1"])), r("a2", _sigmoid(n["z2"]))
    n["s"] = r("s", n["v1"] * n["a1"] + n["v2"] * n["a2"] + n["c"])
    n["p"] = r("p", _sigmoid(n["s"]))
    n["L"] = r("L", 0.5 * (n["p"] - n["y"]) ** 2)
    n["delta"] = r("delta", (n["p"] - n["y"]) * n["p"] * (1 if mistake == "slope" else 1 - n["p"]))
    n["dv1"] = r("dv1", n["delta"] * n["a1"])
    n["v1n"] = r("v1n", n["v1"] - 0.5 * n["dv1"])
    n["u1"] = n["v1n"] if mistake == "updated" else n["v1"]
    n["delta1"] = r("delta1", n["delta"] * n["u1"] * n["a1"] * (1 - n["a1"]))
    n["dw11"] = r("dw11", n["delta1"] * n["x1"])


def notebook(n: Numbers, r: Rounder, mistake: str) -> None:
    """Two tanh neurons, a sigmoid output, cross entropy, in code and in formulas."""
    n["h1"] = float(np.tanh(n["w1"] * n["x1"] + n["w2"] * n["x2"]))
    n["h2"] = float(np.tanh(n["w3"] * n["x1"] + n["w4"] * n["x2"]))
    n["s"] = n["v1"] * n["h1"] + n["v2"] * n["h2"]
    n["p"] = _sigmoid(n["s"])
    n["ds"] = (n["p"] - n["y"]) * (n["p"] * (1 - n["p"]) if mistake == "sigma" else 1)
    n["dv1"], n["dh1"] = n["ds"] * n["h1"], n["ds"] * n["v1"]
    n["dz1"] = n["dh1"] * (1 - n["h1"] ** 2)
    n["dw1"] = n["dz1"] * n["x1"]


def _numbers(text: str) -> Numbers:
    return {name: float(x) for name, x in (pair.split("=") for pair in text.split())}


class Network(NamedTuple):
    """How a page is worked, at which numbers, and with which mistakes."""

    work: Callable[[Numbers, Rounder, str], None]
    given: Numbers
    mistakes: tuple[str, ...]


NETWORKS = {
    "mazur": Network(
        mazur,
        _numbers(
            "w1=0.12 w2=0.28 w3=0.33 w4=0.17 w5=0.45 w6=0.38 w7=0.52 w8=0.61 b1=0.3 b2=0.55 "
            "i1=0.08 i2=0.15 t1=0.02 t2=0.97 eta=0.5"
        ),
        ("bias", "exponent", "minus", "updated"),
    ),
    "oneliners": Network(
        oneliners,
        _numbers("x1=0.5 x2=1.5 t=0.8 w11=0.3 w12=0.4 w21=0.7 w22=-0.6 b1=0.1 b2=0.2 v1=0.9 v2=0.5 c=0.15"),
        ("bias", "two", "updated", "slope"),
    ),
    "ascii": Network(
        ascii,
        _numbers("x1=2 x2=0.5 x3=1 t=1 w11=0.5 w12=1 w13=-0.5 w21=0.4 w22=-3 w23=0.2 v1=1.2 v2=0.7"),
        ("two", "uphill", "updated", "gate"),
    ),
    "unicode": Network(
        unicode,
        _numbers("x1=1.5 x2=0.4 y=1 w1=0.2 w2=0.7 w3=0.6 w4=0.3 b1=0.1 b2=-0.3 v1=0.8 v2=-0.5 c=0.25"),
        ("bias", "exponent", "sigma", "updated"),
    ),
    "table": Network(
        table,
        _numbers("x1=0.6 x2=0.9 w1=0.4 w2=0.3 w3=0.8 w4=0.1 v1=1.1 v2=0.7 t=0.2"),
        ("two", "slope", "updated"),
    ),
    "layers": Network(
        layers,
        _numbers("x1=0.35 x2=0.9 w11=0.1 w12=0.8 w21=0.4 w22=0.6 b1=0.2 b2=0.5 v1=0.3 v2=0.9 c=0.1 y=0.5"),
        ("bias", "slope", "updated"),
    ),
    "notebook": Network(
        notebook,
        _numbers("x1=0.7 x2=1.2 y=0 w1=0.3 w2=0.5 w3=0.9 w4=0.2 v1=0.6 v2=0.8"),
        ("sigma",),
    ),
}


def points(name: str, count: int) -> Iterator[Numbers]:
    """Yield the numbers that are given: the page's own, and others like them."""
    random = np.random.Generator(np.random.PCG64(7))
    own = NETWORKS[name].given
    yield dict(own)
    for _ in range(count - 1):
        yield {
            k: x if k in ("eta", "y", "t", "t1", "t2") else round(float(x * random.uniform(0.6, 1.5)), 2)
            for k, x in own.items()
        }


def digits_of(page: str) -> dict[str, tuple[str, str]]:
    """Return how each number is written that a page claims."""
    return {m[2]: (m[3], m[4]) for m in PLACE.finditer(page) if m[1] and m[3]}


def written(x: float, places: str | None, general: str | None) -> str:
    """Write a number as a page does."""
    if places is None:
        return f"{x:g}"
    if not places:
        return repr(float(x))
    return f"{x:.{places}g}" if general else f"{x:.{places}f}"


def filled(
    name: str, given: Numbers, *, carry: bool = False, mistake: str = "", spoil: int = -1, how: int = 0
) -> str:
    """Return a page with its numbers.

    Args:
        name: Of the page.
        given: The numbers to start from.
        carry: Whether numbers are rounded as they are written before they are used.
        mistake: One that is made throughout.
        spoil: The claimed number that is spoiled, from 0.
        how: The way in which it is.
    """
    page = (HERE / "worked" / f"{name}.md").read_text(encoding="utf-8")
    digits = digits_of(page)
    if mistake == "exponent":
        page = re.sub(r"(e\^[{(])[-−]<", r"\1<", page)
    numbers = dict(given)

    def rounded(key: str, x: float) -> float:
        return float(written(x, *digits[key])) if carry and key in digits else x

    NETWORKS[name].work(numbers, rounded, mistake)
    seen = -1

    def put(match: re.Match[str]) -> str:
        nonlocal seen
        text = written(numbers[match[2]], match[3], match[4])
        seen += bool(match[1])
        return spoiled(text, how) if match[1] and seen == spoil else text

    return PLACE.sub(put, page)


def spoiled(text: str, how: int) -> str:
    """Write a number wrongly: its minus lost or one too many, a digit off, or one too many."""
    digits = text.lstrip("-")
    first = re.search(r"[1-9]", digits)
    if first is None:
        return "1" if how else "0.5"
    if how == 0:
        return digits if text != digits else f"-{text}"
    if how == 1:  # the second digit that counts, or the first
        at = first.start() + 1 if digits[first.start() + 1 : first.start() + 2].isdigit() else first.start()
        wrong = digits[:at] + str((int(digits[at]) + 3) % 10) + digits[at + 1 :]
    else:
        wrong = digits[: first.start() + 1] + digits[first.start()] + digits[first.start() + 1 :]
    return ("-" if text != digits else "") + wrong


def as_notebook(page: str) -> str:
    """Return a notebook of the cells of a page."""
    cells: list[dict[str, object]] = []
    for kind, body in re.findall(r"^%%% (\w+)\n(.*?)(?=^%%%|\Z)", page, re.MULTILINE | re.DOTALL):
        if kind in ("markdown", "code"):
            count = 1 + sum(cell["cell_type"] == "code" for cell in cells)
            cell = {"cell_type": kind, "source": body.splitlines(keepends=True)}
            cells.append(cell | ({"execution_count": count, "outputs": []} if kind == "code" else {}))
        elif kind == "printed":
            cells[-1]["outputs"].append({"output_type": "stream", "name": "stdout", "text": body})
        else:
            data = {"text/plain": [body.strip()]}
            cells[-1]["outputs"].append({"output_type": "execute_result", "data": data})
    return json.dumps({"nbformat": 4, "cells": cells})


def checked(name: str, page: str) -> Article:
    """Return what is found in a page."""
    return check_notebook(as_notebook(page), name) if name == "notebook" else check_text(page, name)


def claims(name: str) -> int:
    """Return how many numbers a page claims."""
    page = (HERE / "worked" / f"{name}.md").read_text(encoding="utf-8")
    return sum(1 for m in PLACE.finditer(page) if m[1])


WAYS = 3


def main() -> None:
    """Measure the pages."""
    parser = argparse.ArgumentParser()
    parser.add_argument("pages", nargs="*", choices=[*NETWORKS, []])
    parser.add_argument("--points", type=int, default=3)
    parser.add_argument("--show", action="store_true")
    options = parser.parse_args()
    bad = False
    for name in options.pages or NETWORKS:
        alarms = read = total = found = planted = made = named = 0
        for given in points(name, options.points):
            for carry in (False, True):
                page = filled(name, given, carry=carry)
                article = checked(name, page)
                alarms += len(article.wrong)
                total += claims(name)
                read += claims(name) - len(article.missed)
                if options.show:
                    for line in article.wrong:
                        print(f"  alarm   {name} carry={carry} {line}")
                    for missed in article.missed if not carry else ():
                        print(
                            f"  missed  {missed.number} {missed.claimed} {missed.reason}  {missed.text[:100]}"
                        )
                for mistake in NETWORKS[name].mistakes:
                    wrong = checked(name, filled(name, given, carry=carry, mistake=mistake)).wrong
                    named += bool(wrong)
                    made += 1
                    if options.show and not wrong:
                        print(f"  unseen  {name} carry={carry} {mistake}")
            for spoil in range(claims(name)):
                for how in range(WAYS):
                    wrong = checked(name, filled(name, given, spoil=spoil, how=how)).wrong
                    planted += 1
                    found += bool(wrong)
                    if options.show and not wrong:
                        print(f"  unseen  {name} number {spoil} way {how}")
        print(
            f"{name:10} read {read} of {total}, false alarms {alarms},"
            f" spoiled numbers found {found} of {planted}, mistakes found {named} of {made}"
        )
        bad = bad or alarms > 0 or found < planted or named < made
    sys.exit(bad)


if __name__ == "__main__":
    main()
