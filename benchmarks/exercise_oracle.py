"""Hold drawn exercises to a reading of their own: SymPy, high precision, and mistakes made on purpose.

``python benchmarks/exercise_oracle.py [DRAWS [KIND,...]]`` draws so many of every kind and level, 300
without it, as choices, and reads nothing but keys: programs, points, configs, answers, options. What is
right, how it is rounded, how far options are apart and what each mistake leads to are worked out here,
from the texts alone. It prints a line a kind, and whatever does not agree.
"""

from __future__ import annotations

import ast
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import mpmath
import sympy

from backprop_cli.errors import UsageError
from backprop_cli.exercises.classes import drawn, shown_of
from backprop_cli.exercises.codes import ALPHABET, read_code
from backprop_cli.exercises.key import Key, Slot, written
from backprop_cli.exercises.kinds import KINDS, LEVELS
from backprop_cli.exercises.sheet import Sheet, read_sheet
from backprop_cli.exercises.tasks import Usual

mpmath.mp.dps = 40
Number = Any
Program = list[tuple[str, ast.expr]]
CHOICES = (5, 4, 3, 2)
"""Options of a choice: so many as there are mistakes for."""

FUNCTIONS: Mapping[str, Callable[[Number], tuple[Number, Number]]] = {
    "exp": lambda u: (mpmath.exp(u), mpmath.exp(u)),
    "log": lambda u: (mpmath.log(u), 1 / u),
    "sqrt": lambda u: (mpmath.sqrt(u), 1 / (2 * mpmath.sqrt(u))),
    "sin": lambda u: (mpmath.sin(u), mpmath.cos(u)),
    "cos": lambda u: (mpmath.cos(u), -mpmath.sin(u)),
    "tanh": lambda u: (mpmath.tanh(u), 1 - mpmath.tanh(u) ** 2),
    "sigmoid": lambda u: (1 / (1 + mpmath.exp(-u)), mpmath.exp(-u) / (1 + mpmath.exp(-u)) ** 2),
    "relu": lambda u: (max(u, mpmath.mpf(0)), mpmath.mpf(u > 0)),
}
SLIPS = (
    *("sign lost", "taken for a constant", "term missing", "inner derivative missing", "product rule"),
    *("local derivative missing", "factor missing", "exponent as a factor missing", "quotient rule"),
    *("degrees", "factor", "square missing", "not differentiated", "exponent not lowered"),
    *("constant dropped", "use left out"),
)
"""What `Slip` does wrong."""

SYMPY = {
    **{name: getattr(sympy, name) for name in ("exp", "log", "sqrt", "sin", "cos", "tanh")},
    "sigmoid": lambda u: 1 / (1 + sympy.exp(-u)),
    "relu": lambda u: sympy.Max(u, 0),
}


def main(draws: int, kinds: Sequence[str]) -> None:
    """Print what agrees, and what does not."""
    total: Counter[str] = Counter()
    for kind in kinds:
        found: Counter[str] = Counter()
        for level in LEVELS:
            sheet, key = drawn_of(kind, level, draws)
            for (slot,) in key["people"].values():
                found += slot_checked(kind, level, slot) + code_checked(sheet, slot)
        total += found
        print(kind, ", ".join(f"{n} {what}" for what, n in sorted(found.items())), flush=True)
    print("all", ", ".join(f"{n} {what}" for what, n in sorted(total.items())))


def drawn_of(kind: str, level: int, draws: int) -> tuple[Sheet, dict[str, Any]]:
    """Draw exercises with as many options as there are, and return the sheet and the key, as written."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "sheet.yaml")
        for choices in CHOICES:
            path.write_text(
                f"tasks: [{{kind: {kind}, level: {level}, form: choice, choices: {choices}}}]", "utf-8"
            )
            sheet = read_sheet(str(path), Usual())
            try:
                slots = {str(k): (Slot(drawn(sheet.tasks[0], str(k), "oracle")),) for k in range(draws)}
            except UsageError:
                continue
            return sheet, json.loads(written(Key("", "", slots)))
    raise AssertionError(f"{kind}, level {level}: no choices")


def slot_checked(kind: str, level: int, slot: Mapping[str, Any]) -> Counter[str]:
    """Check one exercise; what is wrong is printed."""
    found: Counter[str] = Counter(exercises=1)
    exact_to = slot["printing"]["digits"]
    for name in slot["ask"]:
        answer, options = slot["answers"][name], slot["options"][name]
        right, wrong = numbers_of(slot, name)
        text, unit, exact = printed(right, exact_to)
        if (answer["text"], answer["exact"]) != (text, exact) or Decimal(repr(answer["unit"])) != unit:
            print("ANSWER", kind, level, slot["code"], name, answer, text, unit, exact)
            found["wrong answers"] += 1
        found["answers"] += 1
        texts = [option["text"] for option in options]
        if [o["text"] for o in options if o["mistake"] is None] != [text]:
            print("OPTIONS", kind, level, slot["code"], name, texts, text)
            found["wrong options"] += 1
        units = {t: unit_of(t, exact_to) for t in texts}
        for k, a in enumerate(texts):
            for b in texts[:k]:
                if abs(Decimal(a) - Decimal(b)) < 2 * max(units[a], units[b]):
                    print("NEAR", kind, level, slot["code"], name, a, b)
                    found["options too near"] += 1
        if len({o["mistake"] for o in options}) < len(options):
            print("TWICE", kind, level, slot["code"], name, options)
            found["keywords twice"] += 1
        for option in options:
            if option["mistake"] is None:
                continue
            found["distractors"] += 1
            known = {printed(x, exact_to)[0] for x in wrong.get(option["mistake"], ())}
            if option["text"] not in known:
                print(
                    "MISTAKE", kind, level, slot["code"], name, option, slot.get("program"), slot.get("point")
                )
                found[f"unexplained: {option['mistake']}"] += 1
    return found


def code_checked(sheet: Sheet, slot: Mapping[str, Any]) -> Counter[str]:
    """Check that a code draws the same numbers again, and that it with another character is refused."""
    found: Counter[str] = Counter()
    code = slot["code"]
    again = json.loads(written(Key("", "", {"": (Slot(shown_of(sheet, code.lower()).exercises[0]),)})))
    if again["people"][""] != [slot]:
        print("CODE", again, slot)
        found["codes of other numbers"] += 1
    for k, other in ((k, other) for k in range(len(code)) for other in ALPHABET if other != code[k]):
        try:
            read_code(code[:k] + other + code[k + 1 :])
        except UsageError:
            found["typos refused"] += 1
        else:
            print("TYPO", code, k, other)
            found["typos accepted"] += 1
    return found


def numbers_of(slot: Mapping[str, Any], name: str) -> tuple[Number, dict[str, list[Number]]]:
    """Return what is right, and by the names of mistakes what these lead to."""
    if "config" in slot:
        return of_config(slot["config"], name)
    program = read(slot["program"])
    point = {key: mpmath.mpf(text) for key, text in slot["point"].items()}
    of, _, by = name.partition("/")
    assert by, name
    return by_sympy(program, slot["point"], of[1:], by[1:]), mistaken(program, point, of[1:], by[1:])


# --- printing, said again -----------------------------------------------------------------------


def printed(x: Number, digits: int) -> tuple[str, Decimal, bool]:
    """Round half up to so many significant digits; whole numbers below ten millions stay."""
    number = Decimal(mpmath.nstr(x, 25, min_fixed=-40, max_fixed=40))
    number = number.quantize(Decimal(1).scaleb(number.adjusted() - 20)) if number else number
    whole = number == number.to_integral_value() and abs(number) < 10**7
    last = number.adjusted() + 1 - digits
    if number and len(f"{abs(number.scaleb(-last).to_integral_value(ROUND_HALF_UP))}") > digits:
        last += 1
    unit = Decimal(1).scaleb(min(last, 0) if whole else last)
    rounded = (number / unit).to_integral_value(ROUND_HALF_UP) * unit
    plain = f"{rounded:f}"
    if rounded == number and "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    if len(plain) > 10:
        shown = rounded.normalize() if rounded == number else rounded
        plain = f"{float(rounded):.{len(shown.as_tuple().digits) - 1}e}"
        mantissa, _, exponent = plain.partition("e")
        plain = f"{mantissa}e{int(exponent)}"
    return plain if number else "0", unit, rounded == number


def unit_of(text: str, digits: int) -> Decimal:
    """Return one in the last digit of a number as it is printed."""
    return printed(mpmath.mpf(text), digits)[1]


# --- programs -----------------------------------------------------------------------------------


def read(text: str) -> Program:
    """Read a program: Python has the same precedences once ``^`` is ``**``."""
    found = []
    for part in text.replace("^", "**").split(";"):
        name, equals, body = part.partition("=")
        tree = ast.parse((body if equals else part).strip(), mode="eval")
        found.append((name.strip() if equals else "", tree.body))
    return found


def by_sympy(program: Program, point: Mapping[str, str], of: str, by: str) -> Number:
    """Return the derivative of one name by another, whose own definition is not followed further."""
    values = {name: sympy.Symbol(name) for name in point}
    exact = {sympy.Symbol(name): sympy.Rational(text) for name, text in point.items()}
    found = None
    for name, body in program:
        tree = ast.Expression(Exactly().visit(ast.parse(ast.unparse(body), mode="eval").body))
        code = compile(ast.fix_missing_locations(tree), "", "eval")
        value = eval(code, {"__builtins__": {}, "Rational": sympy.Rational, **SYMPY}, values)
        if name == by:
            exact[sympy.Symbol(name)] = value.subs(exact)
            value = sympy.Symbol(name)
        values[name] = found = value
    assert found is not None
    target = values.get(of, found)
    return mpmath.mpf(sympy.diff(target, sympy.Symbol(by)).subs(exact).evalf(40))


class Exactly(ast.NodeTransformer):
    """Numbers as fractions."""

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return ast.Call(ast.Name("Rational", ast.Load()), [ast.Constant(str(node.value))], [])


class Slip:
    """Differentiation with one mistake, the one of a kind at a place; without a place, with none.

    Args:
        program: Statements.
        point: The numbers of the inputs.
        by: The name to differentiate by.
        kind: The mistake; "" for none.
        place: At which of the nodes that it can be made at, in the order in which these are met.
    """

    def __init__(self, program: Program, point: Mapping[str, Number], by: str, kind: str, place: int) -> None:
        self.by, self.kind, self.left = by, kind, place
        self.values: dict[str, tuple[Number, Number]] = {
            name: (x, mpmath.mpf(name == by)) for name, x in point.items()
        }
        self.made = False
        self.moving = {by}
        self.slopes: list[Number] = []
        for name, body in program:
            value, slope = self.both(body)
            if name == by:
                slope = mpmath.mpf(1)
            elif name and self.moves(body) and self.here("taken for a constant"):
                slope = mpmath.mpf(0)
            if self.moves(body):
                self.moving.add(name)
            self.values[name] = self.last = value, slope

    def moves(self, node: ast.expr) -> bool:
        """Whether a node depends on what is differentiated by."""
        return any(isinstance(each, ast.Name) and each.id in self.moving for each in ast.walk(node))

    def value(self, of: str) -> Number:
        """Return the slope of a name, or of the last statement."""
        return self.values.get(of, self.last)[1]

    def here(self, kind: str) -> bool:
        """Whether the mistake is made here, if it is one of a kind."""
        if kind != self.kind or self.made:
            return False
        self.left -= 1
        self.made = self.left < 0
        return self.made

    def both(self, node: ast.expr) -> tuple[Number, Number]:
        """Return value and slope of a node."""
        value, slope = self._both(node)
        if self.moves(node) and self.here("sign lost"):
            slope = -slope
        self.slopes.append(slope)
        return value, slope

    def _both(self, node: ast.expr) -> tuple[Number, Number]:
        if isinstance(node, ast.Constant):
            return mpmath.mpf(str(node.value)), mpmath.mpf(0)
        if isinstance(node, ast.Name):
            value, slope = self.values[node.id]
            return value, (mpmath.mpf(0) if self.moves(node) and self.here("use left out") else slope)
        if isinstance(node, ast.UnaryOp):
            value, slope = self.both(node.operand)
            return -value, -slope
        if isinstance(node, ast.Call):
            assert isinstance(node.func, ast.Name)
            return self.chained(self.both(node.args[0]), node.func.id, moves=self.moves(node))
        assert isinstance(node, ast.BinOp)
        (u, du), (v, dv) = self.both(node.left), self.both(node.right)
        if isinstance(node.op, ast.Pow):
            return self.power(u, du, v, moves=self.moves(node))
        left, right = self.moves(node.left), self.moves(node.right)
        if isinstance(node.op, ast.Mult):
            return u * v, self.product(u, du, v, dv, left, right)
        if isinstance(node.op, ast.Div):
            return u / v, self.quotient(u, du, v, dv)
        minus = isinstance(node.op, ast.Sub)
        if left and self.here("term missing"):
            du = 0 * du
        if right and self.here("term missing"):
            dv = 0 * dv
        return (u - v, du - dv) if minus else (u + v, du + dv)

    def chained(self, inside: tuple[Number, Number], name: str, *, moves: bool) -> tuple[Number, Number]:
        u, du = inside
        if name in ("sin", "cos") and self.here("degrees"):
            u = mpmath.radians(u)
        value, outer = FUNCTIONS[name](u)
        if not moves:
            return value, outer * du
        if self.here("inner derivative missing"):
            du = mpmath.mpf(1)
        if self.here("local derivative missing"):
            outer = mpmath.mpf(1)
        if self.here("not differentiated"):
            outer = value
        if name == "tanh" and self.here("square missing"):
            outer = 1 - value
        if name == "sqrt" and self.here("factor"):
            outer = 2 * outer
        parts = {"sigmoid": (value, 1 - value), "tanh": (1 - value, 1 + value, 1 - 2 * value)}
        for part in parts.get(name, ()):
            if self.here("factor missing"):
                outer = part
        return value, outer * du

    def power(self, u: Number, du: Number, n: Number, *, moves: bool) -> tuple[Number, Number]:
        slope = n * u ** (n - 1)
        if moves and self.here("exponent as a factor missing"):
            slope = u ** (n - 1)
        if moves and self.here("exponent not lowered"):
            slope = n * u**n
        if moves and self.here("local derivative missing"):
            slope = mpmath.mpf(1)
        if moves and self.here("inner derivative missing"):
            du = mpmath.mpf(1)
        return u**n, slope * du

    def product(self, u: Number, du: Number, v: Number, dv: Number, left: bool, right: bool) -> Number:
        if left and right:
            for wrong in (du * dv, du * v, u * dv, du * v - u * dv):
                if self.here("product rule"):
                    return wrong
        for slope, alone, moves in ((du * v, du, left), (u * dv, dv, right)):
            if moves and self.here("constant dropped"):
                return du * v + u * dv - slope + alone
        return du * v + u * dv

    def quotient(self, u: Number, du: Number, v: Number, dv: Number) -> Number:
        right = (du * v - u * dv) / v**2
        wrongs = ((u * dv - du * v) / v**2, (du * v + u * dv) / v**2, (du * v - u * dv) / v, du * v - u * dv)
        for wrong in (*wrongs, du / v, -u * dv / v**2, *([du / dv] if dv else [])):
            if self.here("quotient rule"):
                return wrong
        return right


def mistaken(program: Program, point: Mapping[str, Number], of: str, by: str) -> dict[str, list[Number]]:
    """Return by the names of mistakes what each of them gives, made once at any place."""
    found: dict[str, list[Number]] = {}
    for kind in SLIPS:
        found[kind] = list(slips(program, point, of, by, kind))
    right = Slip(program, point, by, "", 0)
    found["another variable"] = [Slip(program, point, other, "", 0).value(of) for other in right.values]
    found["value instead"] = [value for value, _ in right.values.values()]
    # a use that is left out, or all but one
    whole = right.value(of)
    found["upstream missing"] = [
        x for slope in right.slopes for x in (slope, *(one + slope for one in found["use left out"]))
    ]
    found["taken for a constant"].append(mpmath.mpf(0))
    found["fork not summed"] = [x for one in found["use left out"] for x in (one, whole - one)]
    return found


def slips(program: Program, point: Mapping[str, Number], of: str, by: str, kind: str) -> Iterator[Number]:
    """Yield what a mistake gives at each place where it can be made."""
    place = 0
    while (slip := Slip(program, point, by, kind, place)).made:
        yield slip.value(of)
        place += 1


# --- one training step ---------------------------------------------------------------------------


class Step:
    """One step of gradient descent on half the squared error of one row, on paper, with slips on request.

    Args:
        config: Layers of units with weights, biases and an activation, a row, and the rate.
        slip: What is done wrong: a word, and for some the layer and the unit.
    """

    def __init__(self, config: Mapping[str, Any], slip: tuple[Any, ...] = ("",)) -> None:
        number = mpmath.mpf
        self.layers = [
            (
                [[number(str(w)) for w in ws] for ws in layer["weights"]],
                [number(str(b)) for b in layer["bias"]],
                layer.get("activation"),
            )
            for layer in config["model"]["layers"]
        ]
        assert config["loss"] == "half_sse"
        assert {name for *_, name in self.layers} <= {"sigmoid", None}
        assert config["optimizer"]["type"] == "sgd"
        self.x = [number(str(x)) for x in config["data"]["inputs"][0]]
        self.t = [number(str(t)) for t in config["data"]["targets"][0]]
        self.rate = number(str(config["optimizer"]["learning_rate"]))
        self.slip = slip
        self.zs, self.ys = self.forward(self.layers)
        self.loss = self.error(self.ys[-1])
        self.deltas = self.backward(self.layers)
        if slip[0] == "updated weights used":
            self.deltas = self.backward(self.updated())
        if "rate missing" in slip:
            self.rate = number(1)
        if slip[0] == "uphill":
            self.rate = -self.rate
        self.after = self.updated()
        self.loss_after = self.error(self.forward(self.after)[1][-1])

    def forward(self, layers: Any) -> tuple[list[Any], list[Any]]:
        zs, ys = [], [self.x]
        for weights, bias, name in layers:
            pairs = zip(weights, bias, strict=True)
            z = [mpmath.fdot(ws, ys[-1]) + b for ws, b in pairs]
            zs.append(z)
            ys.append([FUNCTIONS[name](one)[0] if name else one for one in z])
        return zs, ys

    def error(self, y: Any) -> Number:
        return sum((a - b) ** 2 for a, b in zip(y, self.t, strict=True)) / 2

    def backward(self, layers: Any) -> list[Any]:
        deltas: list[Any] = [None] * len(self.layers)
        for k in reversed(range(len(self.layers))):
            if k == len(self.layers) - 1:
                above = [y - t for y, t in zip(self.ys[-1], self.t, strict=True)]
                if self.slip[0] == "error":
                    above = [self.slip[1](y, t) for y, t in zip(self.ys[-1], self.t, strict=True)]
            else:
                weights = layers[k + 1][0]
                above = []
                for i in range(len(self.layers[k][1])):
                    terms = [d * ws[i] for d, ws in zip(deltas[k + 1], weights, strict=True)]
                    if self.slip[:3] == ("one way of", k, i):
                        terms = terms[self.slip[3] : self.slip[3] + 1]
                    if self.slip == ("weights missing", k):
                        terms = list(deltas[k + 1])
                    above.append(sum(terms))
            deltas[k] = [a * self.local(k, i) for i, a in enumerate(above)]
            if self.slip[:2] == ("upstream", k):
                deltas[k] = [self.local(k, i) for i in range(len(above))]
            if self.slip[:2] == ("sign", k):
                deltas[k] = [-d for d in deltas[k]]
        return deltas

    def local(self, k: int, i: int) -> Number:
        name, y = self.layers[k][2], self.ys[k + 1][i]
        if self.slip[:2] == ("slope", k) and name:
            return self.slip[2](y)
        return FUNCTIONS[name](self.zs[k][i])[1] if name else mpmath.mpf(1)

    def updated(self) -> list[Any]:
        found = []
        for k, ((weights, bias, name), deltas, y) in enumerate(
            zip(self.layers, self.deltas, self.ys, strict=False)
        ):
            stays = self.slip[0] == "bias not updated" and k in self.slip[1]
            rate = 0 if stays else self.rate
            new = [
                [w - self.rate * d * x for w, x in zip(ws, y, strict=True)]
                for ws, d in zip(weights, deltas, strict=True)
            ]
            found.append((new, [b - rate * d for b, d in zip(bias, deltas, strict=True)], name))
        return found

    def value(self, name: str) -> Number:
        if name == "E after":
            return self.loss_after
        layer, unit, what = int(name[6]) - 1, int(name[8]), name[11:]
        if what == "delta":
            return self.deltas[layer][unit]
        assert what.startswith("w[")
        return self.after[layer][0][unit][int(what[2])]


def of_config(config: Mapping[str, Any], name: str) -> tuple[Number, dict[str, list[Number]]]:
    """Return what is right of a training step, and by the names of mistakes what these lead to."""
    right = Step(config)
    layers = range(len(right.layers))
    one = mpmath.mpf(1)

    def wrong(*slips: tuple[Any, ...]) -> list[Number]:
        return [Step(config, slip).value(name) for slip in slips]

    units = [(k, i) for k in layers for i in range(len(right.layers[k][1]))]
    old = right.loss if name == "E after" else None
    if name.endswith("]"):
        old = right.layers[int(name[6]) - 1][0][int(name[8])][int(name[13])]
    gradients = [
        d * x for deltas, y in zip(right.deltas, right.ys, strict=False) for d in deltas for x in (one, *y)
    ]
    found = {
        "rate missing": wrong(("rate missing",)),
        "not updated": [old] if old is not None else [],
        "sign lost": [*wrong(("uphill",), *(("sign", k) for k in layers), ("error", lambda y, t: y + t))],
        "updated weights used": wrong(("updated weights used",), ("updated weights used", "rate missing")),
        "bias not updated": wrong(*(("bias not updated", some) for some in (layers, *([k] for k in layers)))),
        "local derivative missing": wrong(
            ("error", lambda y, t: one), *(("slope", k, lambda y: one) for k in layers)
        ),
        "factor missing": wrong(
            *(("slope", k, part) for k in layers for part in (lambda y: y, lambda y: 1 - y))
        ),
        "fork not summed": wrong(*(("one way of", k, i, j) for k, i in units for j in range(4))),
        "gradient instead": [] if old is None else [(old - right.value(name)) / right.rate],
        "another variable": [*gradients],
        "taken for a constant": [mpmath.mpf(0)],
        "upstream missing": wrong(*(("upstream", k) for k in layers)),
        "value instead": [right.loss, *(x for z in (*right.zs, *right.ys) for x in z)],
        "constant dropped": wrong(*(("weights missing", k) for k in layers)),
    }
    return right.value(name), found


if __name__ == "__main__":
    arguments = sys.argv[1:]
    main(int(arguments[0]) if arguments else 300, arguments[1].split(",") if arguments[1:] else KINDS)
