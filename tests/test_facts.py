"""A primitive is one row: what is particular to it stands there, and no other file keeps facts about it.

A file may name a primitive to apply it, as the argument of a call, or to take its row; what it may not do
is ask for names or list them. Exceptions are listed here with their reasons, and so is what tables leave out.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from backprop_cli.checking import rules
from backprop_cli.export import TARGETS, module_of
from backprop_cli.ops import PRIMITIVES

PACKAGE = Path(__file__).resolve().parent.parent / "backprop_cli"

SPEAKS = {
    "language/operators.py": "grammar: signs, other words for functions",
    "language/parser.py": "grammar",
    "checking/spelling.py": "other notations",
    "language/latex.py": "LaTeX's words, as they are read",
    "language/readings.py": "other notations, as they are typed",
    "language/foreign.py": "other programs' words, as they are typed",
    "language/products.py": "names and numbers that stand together, as they are typed",
    "language/traced.py": "Python's operators and NumPy's functions, as they are called",
    "language/written.py": "spellings that notations share",
    "checking/answers.py": "reads the sign of a number",
    "checking/rules.py": "facts about learners: what they get wrong",
    "engine/jax.py": "a number system: JAX's functions",
    "engine/numpy.py": "a number system: NumPy's functions and kernels",
    "functions.py": "a choice between values that are known",
    "engine/tape.py": "a number system: an engine's powers, as products",
    "engine/record.py": "a number system: written numbers, with what needs no writing",
    "checking/derivatives.py": "written numbers, as the recorder's",
    "explanation/local.py": "algebra of texts",
    "explanation/point.py": "algebra of expressions: the sign of a number",
    "explanation/region.py": "algebra of expressions",
    "explanation/expr.py": "algebra of expressions",
    "explanation/polynomials.py": "a number system: what it has of divisions, powers and roots",
    "differentiation/symbolic/inverse.py": "algebra of expressions: what undoes a function",
    "differentiation/symbolic/limit.py": "SymPy's own names and habits",
    "engine/elementary.py": "a number system: functions of our own, lane by lane",
    "render/explain_lines.py": "algebra of expressions: sums and quotients that are shown",
    "render/latex_arrays.py": "LaTeX's spellings of arrays",
    "render/writers/mathematics.py": "how expressions are written",
    "explanation/paper.py": "a number system: numbers rounded on paper",
    "differentiation/symbolic/functions.py": "SymPy's own names and habits",
    "differentiation/symbolic/printer.py": "SymPy's own names and habits",
    "render/latex.py": "LaTeX's spellings",
    "render/written.py": "the spellings of explanations",
    "export/arrays.py": "spellings",
    "export/handwritten.py": "a power with its number worked out",
    "export/coverage.py": "a spelling with a number in it",
    "export/program.py": "an order that no target's floats take",
    "export/page.py": "Python's built-in functions",
    "export/javascript_rows.py": "what has no closed form",
    "export/javascript_special.py": "spellings",
    "training/data/targets.py": "what undoes a function",
    **{f"export/{module_of(target).__name__.rpartition('.')[2]}.py": "spellings" for target in TARGETS},
    **{f"export/networks/{name}.py": "spellings" for name in ("jax", "nodes", "numpy", "onnx", "pytorch")},
}
"""Files that speak of primitives by name, and why."""

MEANS = {
    "articles/evidence.py": {"where"},  # a word of a sentence
    "articles/relations.py": {"greater", "negative"},  # words of a sentence
    "checking/array_claims.py": {"equal"},  # of numbers
    "checking/claims.py": {"equal"},  # of numbers
    "cli/commands.py": {"relu", "softplus"},  # an example
    "exercises/kinds.py": {"power", "sigmoid"},  # a kind of exercise, a setting's word
    "exercises/sheet.py": {"where"},  # a key
    "layout/drawing.py": {"negative", "where"},  # a colour; a text that is too long
    "layout/picture.py": {"negative"},
    "networks/layers/__init__.py": {"relu"},  # what a config has where it names none
    "networks/layers/sequences.py": {"relu", "tanh"},  # a setting's words
    "networks/losses.py": {"sigmoid", "exp"},  # what a loss takes into itself
    "optimization/schedules.py": {"abs"},  # a setting's word
    "render/curve.py": {"round"},  # of episodes
    "render/dot.py": {"negative"},
    "training/schema.py": {"round"},  # of episodes
    "render/raster.py": {"round"},  # the end of a line
    "render/limit.py": {"power"},  # of h
    "render/palette.py": {"negative"},
    "render/tikz.py": {"negative"},
    "render/trace.py": {"min", "max"},  # of a list
    "training/config/checks.py": {"relu", "identity"},  # a setting's words
    "training/judgement.py": {"relu"},  # a setting's word
}
"""Words that mean something else in a file, or a setting's value."""


def names_in(path: Path) -> Iterator[str]:
    """Yield the primitives that a file asks for or lists, alone or as words of one text."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    applied = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            for argument in node.args:
                choices = [argument.body, argument.orelse] if isinstance(argument, ast.IfExp) else [argument]
                applied |= {id(choice) for choice in choices}
        elif isinstance(node, ast.Subscript):
            applied.add(id(node.slice))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in applied:
            words = node.value.split()
            known = [word for word in words if word in PRIMITIVES]
            # prose may have such a word, too
            if len(words) == 1 or (len(known) > 1 and all(map(str.isidentifier, words))):
                yield from known


def test_no_other_file_keeps_facts_about_primitives() -> None:
    files = {path.relative_to(PACKAGE).as_posix(): path for path in sorted(PACKAGE.rglob("*.py"))}
    found = {name: {*names_in(path)} for name, path in files.items() if not name.startswith("ops/")}
    assert [name for name in SPEAKS if not found[name]] == []  # they need not be listed
    assert {name: words for name, words in found.items() if words and name not in SPEAKS} == MEANS


def test_files_that_speak_exist() -> None:
    assert all((PACKAGE / name).is_file() for name in (*SPEAKS, *MEANS))


def test_the_reader_sees_names(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text(
        "if op.name == 'sin': step('cos', x, 'less' if a else 'greater')\n"
        "row = PRIMITIVES['log']; table = {'tan': 1}; several = 'asin acos'.split(); prose = 'the abs of x'\n"
    )
    assert set(names_in(file)) == {"sin", "tan", "asin", "acos"}


# Tables that list primitives leave none out but these

CONVENTIONAL = {
    name
    for name, row in PRIMITIVES.items()
    if ((row.piece is not None and not row.truth) or row.conventional is not None)
    and not row.means  # written by its definition
}
OTHER_CONVENTIONS = {
    "jax": {"abs", "leaky_relu"},
    "casadi": {"min", "max", "power"},
    "sympy": {"min", "max", "power"},
}
"""Conventions that targets do not share: what they have there was tried."""


@pytest.mark.parametrize("target", TARGETS)
def test_every_convention_is_known_of_every_target(target: str) -> None:
    module = module_of(target)
    same = getattr(module, "KINKED", None)
    if same is None:
        same = module.python.KINKED
    assert set(same) == CONVENTIONAL - OTHER_CONVENTIONS.get(target, set())


WITHOUT_OWN = {
    "identity": "a renaming changes nothing",
    "where": "the branch that is taken goes wrong, not the choice",
    **dict.fromkeys(
        ("atan2", "hypot", "elu", "polygamma", "log_base", "sinc_n", "mod", "clamp"),
        "exercises seldom have it: what goes wrong anywhere",
    ),
    **{name: "a condition has no slope" for name, row in PRIMITIVES.items() if row.truth},
}
"""Primitives that nothing goes wrong with in particular, and why."""


@pytest.mark.parametrize("name", PRIMITIVES)
def test_every_primitive_goes_wrong_in_its_own_way(name: str) -> None:
    wrong = set(rules.rules_for(PRIMITIVES[name]))
    assert wrong >= set(rules.GENERAL)
    assert (wrong == set(rules.GENERAL)) == (name in WITHOUT_OWN)


NUMBERS = {
    "language/numbers.py": "all others use it",
    "ops/composed.py": "whole numbers, in texts that numbers.py reads",
    "ops/primitive.py": "whole numbers",
    "render/mermaid.py": "lengths of a picture",
    "render/svg.py": "lengths of a picture",
    "render/tikz.py": "lengths of a picture",
    "export/networks/onnx.py": "a program's own text",
}
"""Files that write numbers without `language.numbers`, and why."""


def test_numbers_are_written_in_one_place():
    """``1e+06`` is how Python writes a number, ``1e6`` how we do; what is read again at once is rounded."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text("utf-8")
        if not re.search(r"[\W\d][geEG]\}", text):
            continue
        tree = ast.parse(text)
        again = {
            id(part)
            for call in ast.walk(tree)
            if isinstance(call, ast.Call) and ast.unparse(call.func) in ("float", "Decimal", "mpf", "int")
            for part in ast.walk(call)
        }
        for node in ast.walk(tree):
            spec = node.format_spec if isinstance(node, ast.FormattedValue) else None
            if spec is not None and id(node) not in again and ast.unparse(spec)[-2:-1] in "geEG":
                found.append(f"{path.relative_to(PACKAGE)}:{node.lineno}")
    assert {place.partition(":")[0] for place in found} == set(NUMBERS), found
