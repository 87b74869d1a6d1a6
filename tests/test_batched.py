"""Programs for one example, computed for many at once: each row has what it has alone, gradients are sums."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_arrays import FORMULAS, Arrays, programs

from backprop_cli.engine.batched import batched
from backprop_cli.engine.tensors import TensorPlan
from backprop_cli.errors import Source
from backprop_cli.graph import ArrayBuilder, Graph
from backprop_cli.language.settle import read_arrays
from backprop_cli.ops.tensor import TENSORS

ROWS = 3


def _run(graph: Graph, values: dict[str, np.ndarray]) -> tuple[float, dict[str, np.ndarray]]:
    leaves = {graph.inputs[name]: np.array(x, float) for name, x in values.items() if name in graph.inputs}
    gradients = {id: np.zeros_like(x) for id, x in leaves.items()}
    plan = TensorPlan(graph, leaves, gradients)
    with np.errstate(all="ignore"):
        plan.run()
    return float(plan.value(graph.output)), {graph.name(id): g for id, g in gradients.items()}


def _over_rows(graph: Graph, shared: list[str]) -> Graph:
    builder = ArrayBuilder(Source(""))
    ids = batched(builder, graph, ROWS, shared)
    total = builder.apply(TENSORS["sum"], (ids[graph.output],), (0, 0))
    return builder.build([total])


def _agree(text: str, values: dict[str, np.ndarray], shared: list[str], apart: float) -> bool:
    """Hold rows that differ by factors to a run each; return whether any row changes what is computed."""
    shapes = {name: np.shape(x) for name, x in values.items() if np.shape(x)}
    graph = read_arrays(Source(text), shapes, values).graph
    if all(name in shared for name in graph.inputs) or not graph.shaped:
        return False
    factors = [1.0 + apart * k for k in range(ROWS)]
    single = [{n: x if n in shared else np.multiply(x, f) for n, x in values.items()} for f in factors]
    alone = [_run(graph, row) for row in single]
    whole = {n: x if n in shared else np.stack([row[n] for row in single]) for n, x in values.items()}
    value, gradients = _run(_over_rows(graph, shared), whole)
    close = {"rtol": 1e-12, "atol": 1e-12, "equal_nan": True}
    np.testing.assert_allclose(value, sum(v for v, _ in alone), **close)
    for name, g in gradients.items():
        each = np.stack([found[name] for _, found in alone])
        np.testing.assert_allclose(g, each.sum(axis=0) if name in shared else each, err_msg=name, **close)
    return True


OVER_ROWS = [
    (text, values) for text, values, _ in FORMULAS if not re.search(r"\b(inv|det|logdet|solve)\b", text)
]


@pytest.mark.parametrize(("text", "values"), OVER_ROWS, ids=[text for text, _ in OVER_ROWS])
def test_rows_have_what_they_have_alone(text: str, values: Arrays) -> None:
    arrays = {name: np.array(x, float) for name, x in values.items()}
    tried = 0
    for shared in ([], *([name] for name in arrays), [n for n in arrays if n.isupper()]):
        tried += _agree(text, arrays, shared, 0.25)
    assert tried


@pytest.mark.parametrize(
    "text", ["max(x)*min(A)", "max(A) + min(x)", "sum(diag(x)@A)", "trace(A)*norm(x)", "norm(concat(x, A@x))",
     "norm(standardize(A + [[0, 1], [x[0], 0]], 0.1)@x)", "sum(scale_rows(x, A).*A)",
     "sum(reshape(A, 4)*x[1])",
    ]
)  # fmt: skip
def test_of_each_row(text: str) -> None:
    values = {"A": np.array([[2.0, 1.0], [2.0, 3.0]]), "x": np.array([1.5, 1.5])}
    for shared in ([], ["A"], ["x"]):
        assert _agree(text, values, shared, 0.25)


@pytest.mark.parametrize("text", ["inv(A)@x", "solve(A, A)@x", "det(A)*x", "logdet(A)*x"])
def test_square_matrices_go_one_by_one(text: str) -> None:
    values = {"A": np.array([[2.0, 1.0], [0.0, 3.0]]), "x": np.array([1.0, -1.0])}
    assert _agree(f"sum({text})", values, ["A"], 0.25)
    with pytest.raises(ValueError, match="has no form over rows"):
        _agree(f"sum({text})", values, ["x"], 0.25)


@given(programs(), st.data())
@settings(max_examples=100, deadline=None)
def test_any_program_goes_over_rows(program: tuple[str, Arrays], data: st.DataObject) -> None:
    text, values = program
    shared = [name for name in values if data.draw(st.booleans())]
    try:
        _agree(text, {name: np.array(x, float) for name, x in values.items()}, shared, 0.25)
    except ValueError as refused:
        if str(refused) != "det has no form over rows":
            raise


def test_a_dense_layer_is_the_product_that_layers_have() -> None:
    """The same operations in the same order: a network as a program trains to the same bytes."""
    graph = read_arrays(Source("sum(W@x + b)"), {"W": (2, 3), "x": (3,), "b": (2,)}, ["W", "x", "b"]).graph
    product = next(n for n in _over_rows(graph, ["W", "b"]).nodes if n.op is not None and n.op.name == "@")
    assert product.static["spec"] == "rj,ij->ri"
