"""`check` of programs with arrays: claims as arrays and as matrix formulas, mistakes named."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from test_arrays import VALUES, Arrays, programs, settled

import backprop_cli
from backprop_cli import check
from backprop_cli.api.arrays import gradient_of
from backprop_cli.checking.verdicts import Verdict
from backprop_cli.errors import BackpropError

Program = tuple[str, Arrays]

# ten programs of a course

ROWS = [[1, 2], [-1, 0.5], [0, -1], [3, 1]]
SM: Program = (
    "z = W@x + b; p = softmax(z); L = cross_entropy(z, t)",
    {"W": [[0.1, 0.2, 0.3], [0.4, -0.5, 0.6]], "x": [1, 2, -1], "b": [0, 0.1], "t": [1, 0]},
)
SQ: Program = (
    "z = W@x; p = softmax(z); L = cross_entropy(z, t)",
    {"W": [[0.1, 0.2], [0.4, -0.5]], "x": [1, 2], "t": [1, 0]},
)
NET: Program = (
    "z = W1@x; h = tanh(z); s = W2@h; p = softmax(s); L = cross_entropy(s, t)",
    {"W1": [[0.5, -1], [1, 0.5]], "x": [1, 0.5], "W2": [[1, -1], [0.5, 2]], "t": [1, 0]},
)
RIDGE: Program = (
    "r = X@w - y; L = norm(r)^2/2 + lam*(w'@w)/2",
    {"X": ROWS, "w": [0.5, -0.25], "y": [1, 0, 0, 1], "lam": 0.5},
)
LOGI: Program = (
    "z = X@w; p = sigmoid(z); L = mean(softplus(z) - y*z)",
    {"X": ROWS, "w": [0.5, -0.25], "y": [1, 0, 0, 1]},
)
FAC: Program = (
    "E = R - U@V'; L = sum(E.^2)",
    {"R": [[5, 3], [4, 0], [1, 1]], "U": [[1, 0.5], [0.5, 1], [0, 1]], "V": [[1, 2], [-1, 1]]},
)
QUAD: Program = ("L = x'@A@x", {"A": [[2, 1, 0], [0, 3, -1], [4, 0, 1]], "x": [1, -2, 3]})
LS: Program = ("r = A@x - b; L = norm(r)^2", {"A": [[1, 2], [3, 4], [5, 6]], "x": [1, -1], "b": [1, 0, 2]})
ATT: Program = (
    "S = Q@K'/sqrt(2); P = softmax(S); L = sum((P@V).*G)",
    {
        "Q": [[1, 0], [0, 1], [1, 1]],
        "K": [[1, 1], [0, 2], [-1, 0]],
        "V": [[1, 2], [3, 4], [5, 6]],
        "G": [[1, -1], [0, 1], [0.5, 0]],
    },
)
DET: Program = ("L = logdet(X)", {"X": [[4, 1, 0], [2, 3, 1], [0, 1, 2]]})
MSE: Program = (
    "P = X@W + b; E = P - Y; L = mean(E.^2)",
    {
        "X": [[1, 2, 0.5], [-1, 0.5, 1], [0, -1, 2], [3, 1, -1]],
        "W": [[0.1, 0.2], [0.3, -0.4], [0.5, 0.6]],
        "b": [0.1, -0.2],
        "Y": [[1, 0], [0, 1], [1, 1], [0, 0]],
    },
)
INV: Program = (
    "L = a'@inv(X)@c", {"X": [[4, 1, 0], [2, 3, 1], [0, 1, 2]], "a": [1, -1, 2], "c": [0.5, 1, -1]},
)  # fmt: skip

RELU: Program = (
    "H = relu(X@W + b); Z = H@V; P = softmax(Z); L = mean(cross_entropy(Z, T))",
    {
        "X": [[1, 2, 0.5], [-1, 0.5, 1], [0, -1, 2], [3, 1, -1]],
        "W": [[0.1, 0.2], [0.3, -0.4], [0.5, 0.6]],
        "b": [0.1, -0.3],
        "V": [[1, -0.5], [0.5, 2]],
        "T": [[1, 0], [0, 1], [1, 0], [0, 1]],
    },
)

PLANTED: list[tuple[Program, str, str]] = [
    (SM, "dL/dW=x@(p - t)'", "transposed"),
    (SQ, "dL/dW=x@(p - t)'", "transposed"),
    (SQ, "dL/dx=W@(p - t)", "transpose missing"),
    (SQ, "dL/dW=(t - p)@x'", "sign lost"),
    (SQ, "dL/dW=p@x'", "target missing"),
    (SQ, "dL/dz=p", "target missing"),
    (SQ, "dL/dW=(z-t)@x'", "wrong place"),
    (SM, "dL/db=p.*(1-p)", "wrong rule"),
    (SQ, "dL/dx=W", "shape"),
    (NET, "dL/dW1=x@dL/dz'", "transposed"),
    (NET, "dL/dW1=((1 - h^2).*(W2@(p - t)))@x'", "transpose missing"),
    (NET, "dL/dW1=(W2'@(p - t))@x'", "local derivative missing"),
    (NET, "dL/dW1=(h.*(W2'@(p - t)))@x'", "not differentiated"),
    (NET, "dL/dW1=((1 - h).*(W2'@(p - t)))@x'", "square missing"),
    (NET, "dL/dW1=((1 - z^2).*(W2'@(p - t)))@x'", "wrong place"),
    (NET, "dL/dW2=h@(p-t)'", "transposed"),
    (NET, "dL/dW1=x@((1 - h^2).*(W2'@(p - t)))'", "transposed"),
    (NET, "dL/dW1=((1 - h^2).*(W2'@p))@x'", "target missing"),
    (NET, "dL/dW1=2*((1 - h^2).*(W2'@(p - t)))@x'", "factor"),
    (NET, "dL/dW1=W1", "value instead"),
    (NET, "dL/dh=(p-t)", "another variable"),
    (NET, "dL/dW1=(h.*(1-h).*(W2'@(p - t)))@x'", "wrong rule"),
    (RIDGE, "dL/dw=X'@r", "term missing"),
    (RIDGE, "dL/dw=X'@r - lam*w", "sign lost"),
    (RIDGE, "dL/dw=X'@r + 2*lam*w", "constant dropped"),
    (RIDGE, "dL/dw=2*X'@r + lam*w", "constant dropped"),
    (RIDGE, "dL/dw=X'@(y - X@w) + lam*w", "sign lost"),
    (RIDGE, "dL/dw=X'@r/4 + lam*w", "mean for sum"),
    (LOGI, "dL/dw=X'@(p - y)", "sum for mean"),
    (LOGI, "dL/dw=X'@(y - p)/4", "sign lost"),
    (LOGI, "dL/dw=X'@p/4", "term missing"),
    (FAC, "dL/dU=-2*E@V'", "transpose missing"),
    (FAC, "dL/dU=2*E@V", "sign lost"),
    (FAC, "dL/dV=-2*E@U", "shape"),
    (FAC, "dL/dU=-E@V", "factor"),
    (FAC, "dL/dV=-2*U'@E", "transposed"),
    (QUAD, "dL/dx=2*A@x", "taken for symmetric"),
    (QUAD, "dL/dx=A@x", "fork not summed"),
    (QUAD, "dL/dA=2*x@x'", "factor"),
    (LS, "dL/dx=2*A@r", "shape"),
    (LS, "dL/dx=A'@r", "exponent as a factor missing"),
    (LS, "dL/dA=2*x@r'", "transposed"),
    (ATT, "dL/dV=P@G", "transpose missing"),
    (DET, "dL/dX=inv(X)", "transposed"),
    (DET, "dL/dX=det(X)*inv(X)'", "wrong rule"),
    (RELU, "dL/dW=X'@((P - T)@V')/4", "gate ignored"),
    (RELU, "dL/dW=X'@(((P - T)@V).*where(H > 0, 1, 0))/4", "transpose missing"),
    (RELU, "dL/dW=X'@(((P - T)@V').*where(H > 0, 1, 0))", "sum for mean"),
    (RELU, "dL/dV=H'@P/4", "target missing"),
    (RELU, "dL/db=rowsum(((P - T)@V').*where(H > 0, 1, 0))/4", "shape"),
    (MSE, "dL/dW=2*X'@E", "sum for mean"),
    (MSE, "dL/dW=2*X'@E/4", "sum for mean"),
    (MSE, "dL/dW=X@E", "shape"),
    (MSE, "dL/db=2*E/8", "not summed"),
    (MSE, "dL/db=2*rowsum(E)/8", "shape"),
    (MSE, "dL/dW=X'@E/8", "factor"),
    (MSE, "dL/dW=E'@X/4", "transposed"),
    (INV, "dL/dX=inv(X)'@a@c'@inv(X)'", "sign lost"),
    (INV, "dL/dX=-inv(X)@a@c'@inv(X)", "transpose missing"),
]


def judged(program: Program, claim: str, **options: Any) -> Verdict:
    name, _, answer = claim.partition("=")
    return check(program[0], {name: answer}, program[1], **options).verdicts[0]


def numbers(program: Program, formula: str) -> Any:
    """What a formula over a program's names comes to at its point; None where it has no value."""
    text, values = program
    before = re.sub(r"(^|; )L = .*", "", text)
    text = f"{before}; ANSWER = {formula}" if before else f"ANSWER = {formula}"
    used = {name: x for name, x in values.items() if re.search(rf"\b{name}\b", text)}
    try:
        return backprop_cli.eval(text, used)
    except BackpropError:
        return None


@pytest.mark.parametrize(("program", "claim", "kind"), PLANTED)
def test_the_mistake_is_named(program: Program, claim: str, kind: str) -> None:
    name, _, formula = claim.partition("=")
    verdict = judged(program, claim)
    assert (verdict.verdict, verdict.mistake) == ("wrong", kind), verdict.says
    value = numbers(program, formula)
    if value is not None:  # the same, handed in as numbers
        verdict = check(program[0], {name: value}, program[1]).verdicts[0]
        assert (verdict.verdict, verdict.mistake) == ("wrong", kind), verdict.says


SPELLINGS: list[tuple[Program, str, str]] = [
    (SM, "dL/dW", "(p - t)@x' | (softmax(z) - t)@x' | outer(p - t, x) | (x@(p - t)')' | p@x' - t@x'"),
    (SM, "dL/dW", "2*(p - t)@x'/2 | (p - t)@x.T | (exp(z)/sum(exp(z)) - t)@x' | diag(p - t)@ones(2)@x'"),
    (SM, "dL/dW", "(softmax(W@x + b) - t)@x' | [(p - t)[0]*x, (p - t)[1]*x] | (p - t) @ transpose(x)"),
    (SM, "dL/dW", "(sum(t)*p - t)@x' | -(t - p)@x'"),
    (SM, "dL/dx", "W'@(p - t) | (p - t)'@W | W'@p - W'@t | W.T@(p - t) | ((p - t)'@W)'"),
    (SM, "dL/db", "p - t | softmax(z) - t | p.*ones(2) - t | 1*(p - t)"),
    (SM, "dL/dW[0,1]", "(p[0] - t[0])*x[1]"),
    (SM, "dL/dW[-1,0]", "(p[1] - t[1])*x[0]"),
    (SM, "∂L/∂b", "p - t"),
    (SM, "dp/dz", "diag(p) - p@p'"),
    (SM, "dp[0]/dz", "p[0]*([1, 0] - p)"),
    (SM, "dz/dx", "W"),
    (QUAD, "dL/dx", "(A + A')@x | A@x + A'@x | x'@(A + A') | (A' + A)@x"),
    (QUAD, "dL/dA", "x@x' | outer(x, x)"),
    (QUAD, "d2L/dx2", "A + A'"),
    (LS, "dL/dx", "2*A'@r | 2*A'@(A@x - b) | 2*A'@A@x - 2*A'@b | 2*r'@A | (2*r'@A)'"),
    (LS, "dL/dA", "2*r@x'"),
    (LS, "dL/db", "-2*r"),
    (LS, "dL/dr", "2*r"),
    (LS, "d2L/dx2", "2*A'@A"),
    (RIDGE, "dL/dw", "X'@r + lam*w | X'@(X@w - y) + lam*w | (X'@X + lam*eye(2))@w - X'@y"),
    (RIDGE, "dL/dlam", "norm(w)^2/2 | w'@w/2"),
    (RIDGE, "d2L/dw2", "X'@X + lam*eye(2)"),
    (LOGI, "dL/dw", "X'@(p - y)/4 | 0.25*(p - y)'@X"),
    (LOGI, "dL/dz", "(p - y)/4"),
    (FAC, "dL/dU", "-2*E@V | 2*(U@V' - R)@V"),
    (FAC, "dL/dV", "-2*E'@U"),
    (FAC, "dL/dR", "2*E"),
    (NET, "dL/dW1", "((1 - h^2).*(W2'@(p - t)))@x' | diag(1 - h^2)@W2'@(p - t)@x'"),
    (NET, "dL/dx", "W1'@((1 - h.*h).*(W2'@(p - t)))"),
    (NET, "dL/dW2", "(p - t)@h' | dL/ds@h'"),
    (NET, "dL/dW1", "dL/dz@x' | ((1 - h^2).*dL/dh)@x' | ((1 - h^2).*(W2'@dL/ds))@x'"),
    (NET, "dL/dx", "W1'@dL/dz"),
    (ATT, "dL/dV", "P'@G"),
    (ATT, "dL/dP", "G@V'"),
    (DET, "dL/dX", "inv(X)' | inv(X') | solve(X', eye(3))"),
    (RELU, "dL/dW", "X'@(((P - T)@V').*where(H > 0, 1, 0))/4"),
    (RELU, "dL/db", "colsum(((P - T)@V').*where(H > 0, 1, 0))/4"),
    (MSE, "dL/dW", "2*X'@E/8 | X'@E/4"),
    (MSE, "dL/db", "colsum(E)/4"),
    (MSE, "dL/dP", "E/4"),
    (INV, "dL/dX", "-inv(X)'@a@c'@inv(X)'"),
    (INV, "dL/da", "inv(X)@c | solve(X, c)"),
]
RIGHT = [(p, f"{name}={text}") for p, name, texts in SPELLINGS for text in texts.split(" | ")]


@pytest.mark.parametrize(("program", "claim"), RIGHT)
def test_right_formulas(program: Program, claim: str) -> None:
    verdict = judged(program, claim)
    assert (verdict.verdict, verdict.how) == ("right", "equal at 200 points, too"), verdict


@pytest.mark.parametrize(
    ("claim", "verdict", "digits"),
    [
        ("dL/dW=[[-0.214,-0.428,0.214],[0.214,0.428,-0.214]]", "rounded", 3),
        (
            "dL/dW=[[-0.2141650169574,-0.4283300339149,0.2141650169574],[0.21416502,0.42833,-0.21417]]",
            "rounded",
            5,
        ),
        ("dL/dW=[[-0.21,-0.43,0.21],[0.21,0.43,-0.21]]", "wrong", 2),
        ("p=[0.786,0.214]", "rounded", 3),
        ("z=[1/5,-1.1]", "right", None),
        ("L=0.241", "rounded", 3),
        ("dL/dW[0,1]=-0.42833", "rounded", 5),
        ("W[0, 1]=-0.42833", "rounded", 5),
        ("z[1]=-1.1", "right", None),
        ("dL/dx=[0.0642, -0.1499, 0.0642]", "rounded", 3),
        ("dz/db=eye(2)", "right", None),
    ],
)
def test_rounding(claim: str, verdict: str, digits: int | None) -> None:
    found = judged(SM, claim)
    assert (found.verdict, found.digits) == (verdict, digits), found


def test_decimals_are_those_of_the_array() -> None:
    small = ("L = sum(sin(x))", {"x": [1.5685, 0.2]})
    assert judged(small, "dL/dx=[0.002, 0.980]").digits == 3
    assert judged(small, "dL/dx=[0.00, 0.980]").mistake == "rounding"


def test_shapes_are_explained() -> None:
    says = {claim: judged(SM, f"dL/dW={claim}").says for claim in ("x@(p - t)'", "[1, 2]", "p@W", "p'*W'")}
    assert says["x@(p - t)'"] == "a 2x3 gradient is asked for, this is 3x2: it is transposed"
    assert says["[1, 2]"] == "a 2x3 gradient is asked for, this is a vector of 2"
    assert says["p@W"] == "a 2x3 gradient is asked for, this is a row of 3"
    assert says["p'*W'"] == "a row of 2 times a 3x2 matrix: 2 columns meet 3 rows; p'@W would fit"
    assert judged(SM, "dL/dx=W@(p - t)").mistake == "shape"
    assert judged(MSE, "dL/db=2*E/8").says == (
        "a vector of 2 is asked for, this is a 4x2 matrix: it is not summed over the batch"
    )
    assert judged(SM, "dL/db=[[0.1], [0.2]]").mistake == "shape"


def test_a_formula_right_here_alone() -> None:
    symmetric = ("L = x'@A@x", {"A": [[2, 1], [1, 3]], "x": [1, -2]})
    assert judged(symmetric, "dL/dx=2*A@x").says == "as A is symmetric here"
    assert judged(symmetric, "dL/dx=2*[[2, 1], [1, 3]]@x").says == "with the value of A put in"
    hot = ("p = softmax(z); L = -t'@log(p)", {"z": [1, 2, 0], "t": [0, 1, 0]})
    assert judged(hot, "dL/dz=p - t").says == "as the numbers of t add up to 1 here"
    assert judged(hot, "dL/dz=sum(t)*p - t").how == "equal at 200 points, too"
    assert judged((hot[0], {"z": [1, 2, 0], "t": [0, 2, 0]}), "dL/dz=p - t").verdict == "wrong"
    chance = judged(symmetric, "dL/dx=A@[0, -10]/A[0,1]/3 + [10/3, 0]")
    assert (chance.verdict, chance.mistake) == ("wrong", "right by chance")


def test_slopes_follow_from_values_as_claimed() -> None:
    program = "z = W@x; a = sigmoid(z); L = sum(a.^2)"
    point = {"W": [[0.1, 0.2], [0.4, -0.5]], "x": [1, 2]}
    # 0.6522 for 0.6225, two digits exchanged; a*(1 - a), 2a*a*(1 - a)
    given = {"a": "[0.6522,0.3543]", "dL/da": "[1.3044,0.7086]", "dL/dz": "[0.2959,0.1621]"}
    found = check(program, given, point).verdicts
    assert [v.verdict for v in found] == ["wrong", "follows", "follows"]


def test_follow_through() -> None:
    program = ("z = W@x; h = relu(z); L = sum(h)", {"W": [[1, 2], [3, 4]], "x": [2, -0.5]})
    found = check(program[0], {"z": [1, 3], "h": [1, 3], "L": 4}, program[1]).verdicts
    assert [v.verdict for v in found] == ["wrong", "follows", "follows"]
    assert found[1].says == "right, given z = [1, 3]"
    wrong = {"dL/dz": "p", "dL/dW": "p@x'", "dL/dx": "W'@p"}
    assert [v.verdict for v in check(SM[0], wrong, SM[1]).verdicts] == ["wrong", "follows", "follows"]


def test_numbers_of_an_array() -> None:
    assert judged(SM, "dL/dW[1,0]=-0.428").says == "this is the number at [0,1]: the indices are swapped"
    assert judged(SM, "z=[0.2, 1.2]").says == "1 of 2 numbers are right, [1] is furthest off"
    assert judged(SM, "z=[0.2, 1.1]").says == "1 of 2 numbers are right, the sign of [1] is wrong"
    assert judged(SM, "z=[-1.1, 0.2]").says == "0 of 2 numbers are right, [0] and [1] are exchanged"
    with pytest.raises(BackpropError, match="index 3 of"):
        judged(SM, "dL/dx[3]=1")
    with pytest.raises(BackpropError, match="3 axes"):
        judged(SM, "dz/dW=1")


def test_kinks_and_no_such_number() -> None:
    program = ("z = W@x; L = sum(relu(z))", {"W": [[1, 2], [3, 4]], "x": [2, -1]})
    assert "by convention relu'(0) = 0" in judged(program, "dL/dx=[3, 4]").says
    assert judged(program, "dL/dx=[4, 6]").verdict == "not judgeable"
    assert judged(program, "dL/dx=[5, 4]").verdict == "wrong"
    nothing = ("norm(x)", {"x": [0, 0]})
    assert judged(nothing, "x=[0, 0]").verdict == "not judgeable"
    assert judged(nothing, "x=undefined").verdict == "right"
    assert judged(("logdet(X)", {"X": [[1, 2], [3, 4]]}), "X=inv(X)'").verdict == "not judgeable"
    assert judged(SM, "dL/dW=undefined").mistake == "exists"
    later = ("z = A@x; L = sum(log(z)) + logdet(A)", {"A": [[1, 2], [3, 4]], "x": [1, -1]})
    assert [judged(later, c).verdict for c in ("z=[-1, -1]", "dz/dx=A", "dL/dx=[1, 2]", "L=undefined")] == [
        "right", "right", "not judgeable", "right",
    ]  # fmt: skip
    assert judged(SM, "z=W@x + b").says == "numbers are asked for"


def test_the_command(run: Any, tmp_path: Any) -> None:
    given = ("--W", "[[.1,.2,.3],[.4,-.5,.6]]", "--x", "[1,2,-1]", "--b", "[0,.1]", "--t", "[1,0]")
    right = run("check", SM[0], *given, "--claim", "dL/dW=(p - t)@x'", "--format", "json")
    assert right.status == 0
    assert right.json["schema"] == 2
    assert right.json["inputs"]["W"] == SM[1]["W"]
    wrong = run("check", SM[0], *given, "--claim", "z=[0.2, 1.1]", "--reveal", "--format", "json")
    assert wrong.status == 1
    (verdict,) = wrong.json["people"][0]["verdicts"]
    assert verdict["elements"] == {"right": 1, "of": 2, "worst": [1]}
    assert verdict["right"] == pytest.approx([0.2, -1.1])
    assert run("check", SM[0], *given, "--claim", "dL/dW=[[1,2],[3]]").status == 2
    assert run("check", SM[0], *given, "--claim", "dL/dW=q@x'").status == 2
    assert run("check", "norm(x)", "--x", "[0,0]", "--claim", "x=[0,0]").status == 3
    (tmp_path / "g.csv").write_text("-0.214,-0.428,0.214\n0.214,0.428,-0.214\n")
    filed = run("check", SM[0], *given, "--claim", f"dL/dW={tmp_path / 'g.csv'}")
    assert filed.status == 0
    assert (
        run("check", "a*b", "--a", "1", "--b", "2", "--claim", "a=2", "--format", "json").json["schema"] == 1
    )


def test_sheets_have_arrays(run: Any, tmp_path: Any) -> None:
    given = ("--W", "[[.1,.2,.3],[.4,-.5,.6]]", "--x", "[1,2,-1]", "--b", "[0,.1]", "--t", "[1,0]")
    (tmp_path / "class.csv").write_text(
        "student,dL/dW,dL/db\n"
        'Ada,"[[-0.214,-0.428,0.214],[0.214,0.428,-0.214]]","[-0.214,0.214]"\n'
        "Bob,x@(p - t)',p - t\n"
    )
    found = run("check", SM[0], *given, "--claims", str(tmp_path / "class.csv"), "--format", "json").json
    verdicts = [[v["verdict"] for v in person["verdicts"]] for person in found["people"]]
    assert verdicts == [["rounded", "rounded"], ["wrong", "right"]]
    (tmp_path / "one.yaml").write_text("dL/dW: (p - t)@x'\nz: [0.2, -1.1]\ndL/db: [[1, 2], [3, 4]]\n")
    found = run("check", SM[0], *given, "--claims", str(tmp_path / "one.yaml"), "--format", "json").json
    assert [v["verdict"] for v in found["people"][0]["verdicts"]] == ["right", "right", "wrong"]
    (tmp_path / "one.json").write_text('{"z": [0.2, -1.10], "dL/dW[0,1]": -0.428}')
    assert run("check", SM[0], *given, "--claims", str(tmp_path / "one.json")).status == 0


def test_formulas_in_general(run: Any) -> None:
    words = ("check", "L = norm(A@x - b)^2", "--shape", "A=3x2,x=2,b=3")
    claims = ("dL/dx=2*A'@(A@x - b)", "dL/dA=x@(A@x - b)'", "dL/dx=2*A'@(A@x + b)", "dL/db=[1,2,3]")
    options = [word for claim in claims for word in ("--claim", claim)]
    verdicts = run(*words, *options, "--format", "json").json["people"][0]["verdicts"]
    assert [v["verdict"] for v in verdicts] == ["right", "wrong", "wrong", "wrong"]
    assert [v["mistake"] for v in verdicts] == [None, "transposed", None, None]
    assert verdicts[0]["how"] == "equal at 200 points"


@pytest.mark.parametrize(("text", "values", "right"), VALUES)
def test_our_own_answers_are_right(text: str, values: Arrays, right: Any) -> None:
    holds(text, values)


@settings(max_examples=25)
@given(programs())
def test_answers_of_random_programs_are_right(case: tuple[str, Arrays]) -> None:
    holds(*case)


def holds(text: str, values: Arrays) -> None:
    """What we say, as a formula, in all digits and in six, is judged right."""
    try:
        report = gradient_of(*settled(text, **values), methods=("reverse",))
    except BackpropError:
        return
    for name in report.wrt:
        id = report.graph.inputs[name]
        if id == report.graph.output:
            continue
        slopes = report.standing(id).astype(float)
        answers = [slopes, np.char.mod("%.6g", slopes).astype(float)]
        answers += [report.formulas[id]] if id in report.formulas else []
        for answer in answers:
            (verdict,) = check(text, {name: answer}, values).verdicts
            assert verdict.good, (text, name, answer, verdict)


def test_the_gradient_check_is_by_number(run: Any) -> None:
    given = ("--A", "[[1,2],[3,4]]", "--x", "[1,-1]", "--b", "[1,0]")
    found = run("check", LS[0], *given, "--gradcheck", "--format", "json")
    assert found.status == 0
    assert [c["name"] for c in found.json["checks"]][:4] == ["A[0,0]", "A[0,1]", "A[1,0]", "A[1,1]"]
    claims = ("--claim", "dL/dx=A'@r", "--claim", "A[0,1]=4")
    found = run("check", LS[0], *given, "--gradcheck", *claims, "--format", "json")
    assert [c["verdict"] for c in found.json["checks"]] == ["wrong", "wrong", "right"]
    assert backprop_cli.gradcheck("norm(x)", {"x": "x/norm(x)"}, x=[3, 4])
    assert not backprop_cli.gradcheck("norm(x)", {"x": [1, 2]}, x=[3, 4])
    assert run("check", LS[0], *given, "--gradcheck", "--claim", "dL/dx=[1]").status == 2


def test_large_arrays_are_judged_in_floats() -> None:
    draw = np.random.default_rng(1)
    values = {"W": draw.normal(size=(60, 40)), "x": draw.normal(size=40), "t": np.eye(60)[3]}
    text = "z = W@x; p = softmax(z); L = cross_entropy(z, t)"
    assert check(text, {"dL/dW": "(p - t)@x'"}, values).verdicts[0].how == "equal at 200 points, too"
    assert check(text, {"dL/dW": "p@x'"}, values).verdicts[0].mistake == "target missing"
    assert check(text, {"dL/dW": "x@(p - t)'"}, values).verdicts[0].mistake == "transposed"


def test_the_catalogue_is_small_work() -> None:
    """Each mistake is a sweep, and all of them are one program."""
    from backprop_cli.checking.array_answers import read_array_target
    from backprop_cli.checking.array_catalogue import ArrayCatalogue

    program, _ = settled(NET[0], **NET[1])
    catalogue = ArrayCatalogue(program.graph, read_array_target("dL/dW1", program.graph))
    assert catalogue.runs is not None
    assert len(catalogue.runs.graph) < 20 * len(program.graph)


def test_beside_a_kink_there_is_no_more_slack() -> None:
    values = RELU[1] | {"b": [0.1, -0.2]}  # a number before the gate is -5.6e-17
    assert judged((RELU[0], values), "dL/dW=X'@((P - T)@V')/4").verdict == "not judgeable"


def test_programs_of_numbers_alone() -> None:
    assert judged(("logsumexp(a)*b", {"a": [0.0], "b": 0.5}), "a=b*softmax(a)").verdict == "right"
    assert check("norm([3, 4])", {"f": 5}).verdicts[0].good
    assert check("norm([3, 4])*x", {"x": "norm([3, 4])", "f": 10}, {"x": 2}).verdicts[0].good


TOKENS = "L z W x p t / ' [ ] [0,1] [[1,2],[3,4]] , ( ) + - * .* @ ^ 2 0.5 inv( sum( e v4 dL/dz 1e400".split()


def test_arbitrary_claims_end_with_a_verdict() -> None:
    draw = np.random.default_rng(3)
    for _ in range(150):
        name, answer = ("".join(draw.choice(TOKENS, draw.integers(1, 7))) for _ in range(2))
        for claim in ({name: "p@x'"}, {"dL/dW": answer}, {"W[0,1]": answer}):
            try:
                check(SM[0], claim, SM[1])
            except BackpropError:
                continue


def test_derivatives_are_told_as_written():
    point = {"H": [[1, 2], [3, -1]], "V": [[0.2, -0.4], [0.6, 0.3]]}
    (verdict,) = check("Z = H@V; L = sum(Z.*Z)", {"dL/dV": "H*dL/dZ"}, point).verdicts
    assert verdict.says.startswith("H*dL/dZ can be read in two ways")
    assert "dL_dZ" not in verdict.says
    (_, verdict) = check("z = w*x; L = z^2", {"dL/dz": "4", "dL/dw": "1/2dL/dz"}, {"w": 1, "x": 2}).verdicts
    assert verdict.says == "1/2dL/dz can be read in two ways; write 1/(2*dL/dz) or (1/2)*dL/dz"


@pytest.mark.parametrize(
    ("quantity", "form", "kind", "end"),
    [  # of every order and transpose of a product: right are H'@g and g@V'
        ("V", "H@g", "transpose missing", "the transpose of H is missing"),
        ("V", "g@H'", "factors swapped", "swapped"),
        ("V", "g@H", "factors swapped", "swapped, and the transpose of H is missing"),
        ("V", "g'@H'", "factors swapped", "swapped, and both factors are transposed"),
        ("V", "g'@H", "transposed", "it is transposed"),
        ("V", "H@g'", "transposed", "the wrong factor is transposed"),
        ("V", "H'@g'", "transposed", "both factors are transposed"),
        ("H", "g@V", "transpose missing", "the transpose of V is missing"),
        ("H", "V'@g", "factors swapped", "swapped"),
        ("H", "V@g", "factors swapped", "swapped, and the transpose of V is missing"),
        ("H", "V'@g'", "factors swapped", "swapped, and both factors are transposed"),
        ("H", "V@g'", "transposed", "it is transposed"),
        ("H", "g'@V", "transposed", "the wrong factor is transposed"),
        ("H", "g'@V'", "transposed", "both factors are transposed"),
    ],
)
def test_every_wrong_product_has_a_name(quantity, form, kind, end):
    point = {"H": [[1, 2], [3, -1]], "V": [[0.2, -0.4], [0.6, 0.3]], "T": [[1, 0.5], [0, 1]]}
    claim = {f"dL/d{quantity}": form.replace("g", "dL/dZ")}
    (verdict,) = check("Z = H@V; L = sum((Z - T).*(Z - T))", claim, point).verdicts
    assert verdict.mistake == kind
    assert verdict.says.endswith(end)


SOFTMAX = ("z = W@x + b; p = softmax(z); L = cross_entropy(z, t)",
           {"W": [[0.1, 0.2], [0.4, -0.5]], "x": [1, 2], "b": [0, 0.1], "t": [1, 0]})  # fmt: skip


@pytest.mark.parametrize(
    ("quantity", "written", "read_as"),
    [
        ("dL/dW", "(p-t)x^T", "(p - t)@x'"),
        ("dL/dW", r"(p-t) x^\top", "(p - t)@x'"),
        ("dL/dW", "dL/dz x^T", "dL/dz@x'"),
        ("dL/dW", r"\frac{\partial L}{\partial z} x^{\mathsf{T}}", "dL/dz@x'"),
        ("dL/dx", "W^T(p-t)", "W'@(p - t)"),
        ("dL/dx", "W'(p-t)", "W'@(p - t)"),
        ("dL/dx", "Wᵀ(p−t)", "W'@(p − t)"),
        ("dL/dz", "≈ [-0.269, 0.269]", "[-0.269, 0.269]"),
        ("dL/dz", "(-0.269, 0.269)^T", "[-0.269, 0.269]"),
        ("dL/dz", "[-0.269  0.269]", "[-0.269, 0.269]"),  # as NumPy prints it
        ("dL/dz", "[ 0.269 -0.269]", None),
        ("dL/dz", "(−0,269; 0,269)", "[-0.269, 0.269]"),
        ("dL/dz[0]", "≈ −0,269", "−0.269"),
        ("dL/dz[0]", "-26.9 %", "-0.269"),
        ("dL/dW", r"\begin{pmatrix}-0.269 & -0.538 \\ 0.269 & 0.538\end{pmatrix}",
         "[[-0.269, -0.538], [0.269, 0.538]]"),
        ("dL/dW", "[-0.269 -0.538; 0.269 0.538]", "[[-0.269, -0.538], [0.269, 0.538]]"),
        ("dL/dW", "[[-0.269 -0.538]\n [ 0.269  0.538]]", "[[-0.269, -0.538], [0.269, 0.538]]"),
    ],
)  # fmt: skip
def test_arrays_as_students_write_them(quantity, written, read_as):
    (verdict,) = check(SOFTMAX[0], {quantity: written}, SOFTMAX[1]).verdicts
    assert verdict.good is (read_as is not None), verdict
    assert read_as in (None, verdict.read_as)


@pytest.mark.parametrize(
    ("quantity", "written"),
    [
        ("dL/dz", "[-0,269, 0,269]"),
        ("dL/dW", "x^T(p-t)"),
        ("dL/dW", "W^2"),
        ("dL/dx", "W'*(p-t)"),
        ("L", "1,706"),
    ],
)
def test_arrays_in_two_ways_are_not_read(quantity, written):
    judgement = check(SOFTMAX[0], {"p": [0.5, 0.5], quantity: written}, SOFTMAX[1])
    verdict = judgement.verdicts[1]
    assert (verdict.good, verdict.read_as) in ((False, None), (False, "x'@(p - t)"))
