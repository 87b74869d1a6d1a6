"""Sums over an index as they are typed: the numbers of the sum written out, and what is refused.

The numbers of `SUMS` are NumPy's einsum, which shares nothing with how such a sum is read.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop_cli.api.arrays import gradient_of
from backprop_cli.differentiation.arrays import array_values
from backprop_cli.errors import BackpropError, Source
from backprop_cli.language.array_parser import parse_arrays
from backprop_cli.language.format import format_program
from backprop_cli.language.settle import read_arrays

DRAW = np.random.default_rng(3)
POINT: dict[str, Any] = {
    "W": DRAW.normal(size=(2, 3)), "A": DRAW.normal(size=(2, 3)), "V": DRAW.normal(size=(3, 4)),
    "S": DRAW.normal(size=(3, 3)), "x": DRAW.normal(size=3), "z": DRAW.normal(size=3),
    "y": DRAW.normal(size=2), "t": DRAW.normal(size=2), "n": np.array(2.0),
}  # fmt: skip
W, A, V, S, x, z, y, t, n = (POINT[name] for name in "W A V S x z y t n".split())

SUMS: list[tuple[str, float]] = [
    ("sum(j, (y[j] - t[j])^2)/n", ((y - t) ** 2).sum() / n),
    ("sum(i, sum(j, W[i,j]*x[j]))", np.einsum("ij,j->", W, x)),
    ("sum(i, y[i]*sum(j, W[i,j]*x[j]))", np.einsum("i,ij,j->", y, W, x)),
    ("sum(i, sum(j, y[i]*W[i,j]*x[j]))", np.einsum("i,ij,j->", y, W, x)),
    ("sum(i, sum(j, W[i,j]*A[i,j]*x[j]*y[i]))", np.einsum("ij,ij,j,i->", W, A, x, y)),
    ("sum(i, sum(j, sum(k, W[i,k]*V[k,j])^2))", (np.einsum("ik,kj->ij", W, V) ** 2).sum()),
    ("sum(i, sum(j, sum(k, W[i,k]*x[k]*V[k,j]/n)*y[i]))", np.einsum("ik,k,kj,i->", W, x, V, y) / n),
    ("sum(i, sum(j, sum(k, W[i,j]*V[j,k])))", np.einsum("ij,jk->", W, V)),
    ("sum(i, S[i,i])", np.einsum("ii->", S)),
    ("sum(i, S[i,i]*S[i,0])", np.einsum("ii,i->", S, S[:, 0])),
    ("sum(i, sum(j, S[j,i]*S[i,j]))", np.einsum("ij,ji->", S, S)),
    ("sum(i, sum(j, (x[i] - z[j])^2))", sum((a - b) ** 2 for a in x for b in z)),
    ("sum(i, sum(j, (y[i] - x[j] + W[i,j])^2))", ((y[:, None] - x[None] + W) ** 2).sum()),
    ("sum(i, sum(j, exp(x[i]*z[j])))", sum(np.exp(a * b) for a in x for b in z)),
    ("sum(i, log(sum(j, exp(W[i,j]))))", sum(np.log(np.exp(row).sum()) for row in W)),
    ("sum(j, log(sum(i, exp(W[i,j]))))", sum(np.log(np.exp(row).sum()) for row in W.T)),
    ("sum(j, x[j]) + sum(j, y[j])", x.sum() + y.sum()),
    ("sum(j, -x[j]*z[j]/n)", -np.einsum("j,j->", x, z) / n),
    ("sum(i, sum(j, W[i,j])/sum(k, V[0,k]))", W.sum() / V[0].sum()),
    ("sum(j, sum(i, W[i,j]*y[i])*sum(k, V[j,k]))", np.einsum("ij,i,jk->", W, y, V)),
    ("sum(j, where(x[j] > 0, x[j], 2*z[j]))", sum(a if a > 0 else 2 * b for a, b in zip(x, z, strict=True))),
    ("h = W@x; sum(i, (h[i] - y[i])^2)", ((W @ x - y) ** 2).sum()),
    ("j = 2; sum(j, x[j]) + j", x.sum() + 2),
]


def read(text: str) -> Any:
    return read_arrays(Source(text), {name: v.shape for name, v in POINT.items() if v.shape}, POINT)


@pytest.mark.parametrize(("text", "right"), SUMS, ids=[text for text, _ in SUMS])
def test_sums_over_an_index(text: str, right: float) -> None:
    program = read(text)
    given = {name: POINT[name] for name in program.graph.inputs if name in POINT}
    assert array_values(program, given).value == pytest.approx(float(right), rel=1e-13)
    assert gradient_of(program, given).agree
    written = format_program(parse_arrays(Source(text)))
    assert written.replace("\n", ";").replace(" ", "") == text.replace(" ", "")


@settings(max_examples=40)
@given(st.data())
def test_any_sum_is_the_sum_written_out(data: st.DataObject) -> None:
    """What stands in a sum is drawn; written out, each place has its own number."""
    atoms = ["x[i]", "z[i]", "x[j]", "z[j]", "S[i,j]", "S[j,i]", "S[i,i]", "S[i,0]", "n", "2"]
    body = data.draw(st.sampled_from(atoms))
    for _ in range(data.draw(st.integers(1, 5))):
        sign, other = data.draw(st.sampled_from("+-**")), data.draw(st.sampled_from(atoms))
        body = f"({body} {sign} {other})"
    body = f"x[i]*z[j]*tanh({body})" if data.draw(st.booleans()) else f"(S[i,j] + x[j])*{body}*z[i]"
    text = f"sum(i, sum(j, {body}))"
    program = read(text)
    names = {name: v for name, v in POINT.items() if name in "xzSn"}
    right = sum(eval(body, {**names, "i": i, "j": j, "tanh": np.tanh}) for i in range(3) for j in range(3))
    given = {name: POINT[name] for name in program.graph.inputs}
    assert array_values(program, given).value == pytest.approx(float(right), rel=1e-11, abs=1e-11)


ERRORS = [
    ("sum(j, y[j]*x[j])", "the index j has two lengths: 2 in y[j], 3 in x[j]"),
    ("sum(i, S[i,i]*W[i,0])", "the index i has two lengths: 3 in S[i, i], 2 in W[i, 0]"),
    ("sum(j, x[j]) + x[j]", "an index is a whole number or a slice, or that of a sum"),
    ("sum(j, x[i])", "no sum around this has the index i"),
    ("x[j]", "an index is a whole number or a slice, or that of a sum"),
    ("sum(j, j*x[j])", "j is the index of a sum, and stands in brackets alone"),
    ("sum(i, max(i, x[i]))", "i is the index of a sum, and stands in brackets alone"),
    ("sum(j, x)", "the index j does not occur in its sum"),
    ("sum(x, 2)", "the index x does not occur in its sum"),
    ("sum(j, x[j]*z)", "z is a vector of 3, and stands without an index among numbers"),
    ("sum(i, sum(i, S[i,i]))", "i is the index of the sum around this one"),
    ("sum(j, W[j])", "W[j] is a row of W"),
    ("sum(j, W[j,0:2])", "[j, 0:2] has an index and a slice"),
    ("sum(j, W[j,j,j])", "3 indices for a 2x3 matrix"),
    ("sum(j, n[j])", "n is a number and has no parts"),
    ("sum(j, norm(x[j]))", "norm takes whole arrays, and an index stands for one number of them"),
    ("sum(j, x[j], y)", "a sum over an index is of one expression"),
    ("sum(j, x[j]", "the bracket of 'sum(' is not closed"),
    ("sum(j, x[j][j])", "a number has no parts, and an index has made one of this"),
    ("sum(i, sum(j, sum(k, exp(W[i,j]*V[j,k]))))", "i, j and k meet, and arrays have two axes"),
    ("sum(j, S[j,0]*x[j + 1])", "an index is a whole number or a slice, or that of a sum"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), ERRORS, ids=[text for text, _ in ERRORS])
def test_what_has_no_reading(text: str, message: str) -> None:
    with pytest.raises(BackpropError) as refused:
        read(text)
    assert refused.value.message == message
    assert refused.value.span is not None


def test_on_the_command_line(run: Any) -> None:
    words = ("sum(j, (y[j] - t[j])^2)/n", "--y", "[1,2]", "--t", "[0,4]", "--n", "2")
    assert run("eval", *words, "--format", "value").out == "2.5\n"
    refused = run("grad", "sum(j, y[j]*x[j])", "--y", "[1,2]", "--x", "[1,2,3]")
    assert refused.status == 2
    assert "two lengths" in refused.err
