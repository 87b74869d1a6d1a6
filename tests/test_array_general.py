"""Programs without values: what letters are read as, and formulas for all sizes, as matrices and by index."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from test_arrays import FORMULAS, Arrays, programs

from backprop_cli.api.arrays import general_of
from backprop_cli.differentiation.arrays import differentiate_arrays, drawn_values
from backprop_cli.differentiation.general import GeneralReport, adds_up, differentiate_general
from backprop_cli.differentiation.symbolic.session import SESSION
from backprop_cli.errors import BackpropError, ExpressionError, Source
from backprop_cli.language.ranks import general
from backprop_cli.language.settle import read_arrays

# what letters are read as

READINGS: list[tuple[str, dict[str, str]]] = [
    ("y = W@x + b; E = sum((y - t)^2)/n", {"W": "mxk", "x": "k", "b": "-", "t": "m", "n": "-"}),
    ("x'@A@x", {"A": "nxn", "x": "n"}),
    ("sum(j, (y[j] - t[j])^2)/n", {"y": "k", "t": "k", "n": "-"}),
    ("sum(i, sum(j, a[i,j]*b[j]))", {"a": "mxn", "b": "n"}),
    ("a'@inv(X)@b", {"a": "n", "X": "nxn", "b": "n"}),  # not numbers: only vectors go with a matrix there
    ("s*sum(x)", {"s": "-", "x": "n"}),  # a vector for an output has no gradient
    ("lam*(w'@w)/2 + norm(X@w - y)^2/2", {"lam": "-", "w": "n", "X": "mxn", "y": "m"}),
    ("sum((softmax(Q@K'/sqrt(d))@V).*G)", {"Q": "mxn", "K": "kxn", "V": "kxp", "G": "mxp", "d": "-"}),
    ("A = [[1, 2], [3, 4]]; sum(A@x)", {"A": "2x2", "x": "2"}),
    ("x[3]*x[0] + sum(x^k)", {"x": "n", "k": "-"}),
]


@pytest.mark.parametrize(("text", "shapes"), READINGS, ids=[text for text, _ in READINGS])
def test_letters_are_read(text: str, shapes: dict[str, str]) -> None:
    program = general(Source(text), {})
    named = {n: program.named(program.program.kinds[k].size) for n, k in program.program.graph.inputs.items()}
    assert [_alike(named, name) for name in shapes] == [_alike(shapes, name) for name in shapes]


def _alike(shapes: dict[str, str], name: str) -> str:
    """Return a shape with its lengths numbered as they occur."""
    lengths = (n for name in sorted(shapes) for n in shapes[name].split("x") if n.isalpha())
    order = list(dict.fromkeys(lengths))
    return "x".join(str(order.index(n)) if n in order else n for n in shapes[name].split("x"))


REFUSED = [
    ("W@x", "the output is a vector of m, and a gradient is that of a number"),
    ("sum(A*x)", "A*x can be read in two ways: a mxn matrix and a vector of k"),
    ("sum(W@x + x')", "a vector of m and a row of n do not go together element by element"),
    ("sum(x[1:])", "a part counted from the end needs the length of its axis"),
    ("x[-1]", "a part counted from the end needs the length of its axis"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED, ids=[text for text, _ in REFUSED])
def test_what_has_no_reading(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as refused:
        general(Source(text), {})
    assert refused.value.message == message
    assert refused.value.hint is not None


# formulas for all sizes


def derived(text: str, asked: dict[str, Any]) -> GeneralReport:
    with SESSION.lend() as process:
        return differentiate_general(general(Source(text), asked), process, by_index=True)


FEW = [
    row for row in FORMULAS if "'@A@x" in row[0] or "norm" in row[0] or "inv" in row[0] or "mean" in row[0]
]


@pytest.mark.parametrize(("text", "values", "formulas"), FEW, ids=[row[0] for row in FEW])
def test_formulas_do_not_depend_on_sizes(text: str, values: Arrays, formulas: dict[str, str]) -> None:
    found = derived(text, {name: np.ndim(x) for name, x in values.items()})
    inputs = found.graph.inputs
    means = "mean" in text  # whose sizes have names here
    for name, formula in formulas.items():
        assert found.formulas[inputs[name]] == (formula if not means else found.formulas[inputs[name]])
    assert found.notes == ()
    for name in found.wrt:
        assert inputs[name] in found.formulas
        assert inputs[name] in found.by_index or not found.program.program.kinds[inputs[name]].shape


def hold(case: tuple[str, Arrays]) -> None:
    """Formulas of a random program hold at sizes and values that nobody has looked at before."""
    text, values = case
    try:
        found = derived(text, {name: np.ndim(x) for name, x in values.items()})
    except BackpropError:
        return  # parts counted from an end, or no value at the points that are drawn
    assert not [note for note in found.notes if "hold" in note]
    lengths = {name: 7 + k for k, name in enumerate(dict.fromkeys(found.program.sizes.values()))}
    program = read_arrays(Source(text), found.program.shapes(lengths), None)
    point = drawn_values(program, seed=9)
    report = differentiate_arrays(program, point, methods=("reverse",))
    again = found._replace(lengths=[lengths], witnesses=[report])
    assert all(adds_up(again, k, [formula]) for k, formula in found.formulas.items())


@settings(max_examples=8)
@given(programs())
def test_general_formulas_hold_at_other_sizes(case: tuple[str, Arrays]) -> None:
    hold(case)


@pytest.mark.nightly
@settings(max_examples=400)
@given(programs())
def test_many_general_formulas_hold_at_other_sizes(case: tuple[str, Arrays]) -> None:
    hold(case)


def test_sizes_have_names() -> None:
    found = general_of(general(Source("mean(x) + trace(A@A) + trace(A)"), {}))
    assert [found.formulas[found.graph.inputs[name]] for name in "xA"] == ["ones(m)/m", "2*A' + eye(n)"]
    found = general_of(general(Source("sum(x^2)/n"), {"x": ("n",)}))  # the n of the program is that length
    assert found.wrt == ("x",)
    assert found.formulas[found.graph.inputs["x"]] == "2*x/n"


def test_a_formula_that_holds_for_some_sizes_alone_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer of the process is changed: with 3 for m, as if one point had been looked at."""
    program = general(Source("mean(x)"), {})
    with SESSION.lend() as process:
        answer = process.answer
        kept = differentiate_general(program, process)
        id = kept.graph.inputs["x"]
        assert id in kept.formulas

        def wrong() -> Any:
            right = answer()
            return right._replace(formulas={**right.formulas, id: "ones(3)/3"})

        monkeypatch.setattr(process, "answer", wrong)
        changed = differentiate_general(program, process)
    assert id not in changed.formulas
    assert "the formula ones(3)/3 for x" in changed.notes[0]


# on the command line


def test_formulas_of_a_layer(run: Any) -> None:
    text = "y = W@x + b; E = sum((y - t)^2)/n"
    told = run("grad", text).answered()
    assert "x     input      k      2*W'@(y - t)/n" in told.out
    assert (
        "read as: W a matrix, x and t vectors, b and n numbers; --shape b=vector reads b otherwise"
        in told.err
    )
    assert "agrees with reverse mode for m x k =" in told.err
    told = run("explain", text, "--shape", "b=vector").answered()
    for line in (
        "dE/dx = 2*W'@(y - t)/n",
        "  dE/dx[i] = sum_j 2*(y[j] - t[j])*W[j,i]/n",
        "  dE/dW[i,j] = 2*(y[i] - t[i])*x[j]/n",
        "  dE/db[i] = 2*(y[i] - t[i])/n",
        "  dE/dW[i,j] = dE/dv2[i]*x[j]",
        "v2    W@x        (mxk)@(k) = m",
    ):
        assert line in told.out
    facts = run("explain", text, "--format", "json").answered().json
    assert facts["shapes"]["W"] == ["m", "k"]
    assert facts["index_formulas"]["x"] == "dE/dx[i] = sum_j 2*(y[j] - t[j])*W[j,i]/n"


def test_by_index_as_typed(run: Any) -> None:
    told = run("grad", "E = sum(j, (y[j] - t[j])^2)/n").answered()
    assert "dE/dy[j] = 2*(y[j] - t[j])/n\ndE/dt[j] = 2*(t[j] - y[j])/n\n" in told.out
    values = ("--y", "[1,2]", "--t", "[0,4]", "--n", "2")
    assert (
        "dE/dy[j] = 2*(y[j] - t[j])/n\n"
        in run("grad", "E = sum(j, (y[j] - t[j])^2)/n", *values).answered().out
    )


def test_what_needs_values(run: Any) -> None:
    run("grad", "x'@A@x", "--order", "2").refused(2, "--order needs values")
    run("grad", "x'@A@x", "--format", "value").refused(2, "--format value needs values")
    run("grad", "x'@A@x", "--format", "csv").refused(2, "--format csv needs values")
    run("grad", "x'@A@x", "--shape", "A=mxn").refused(2, "m")
    run("grad", "sum(A*x)").refused(2, "can be read in two ways")
    run("grad", "sum(x").refused(2, "sum is a function of vectors and matrices, and none is given here")
    run("grad", "x'@A@x", "--shape", "A=big").refused(2, "NAME=mxn")
    run("eval", "x'@A@x").refused(2, "no value for x")
