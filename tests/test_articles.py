"""Articles: what is read of blocks of code and formulas, and what gives no false alarm."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable

import pytest

from backprop_cli.articles.evidence import CONDITION, EQUATION, GIVEN_ANEW, OTHER_PART
from backprop_cli.articles.text import check_notebook, check_text
from backprop_cli.articles.unread import BLOCK, DOUBT, ELSEWHERE, FORMULA, HEADING, TABLE, UNWORKED, WORDS
from backprop_cli.errors import DataError

CODE = """\
```python
>>> def f(x): return 2*x**2 - 3*x + 4
>>> f(2)
6
>>> f(6)
59
h = 0.000001
(f(2 + h) - f(2)) / h
# 5.000002000876691
def g(a, b):
    return a*b + 1
print(g(2, 3))
# 7
y = g(1, 1)
# 3
a = 3.0
# the derivative by a
((a + 1)*y - a*y) / 1   # 2
def h(x):
    z = x
    return z
h(2)
# 5
```
"""


def wrong(text: str) -> list[tuple[int, str]]:
    """Return the lines of a text with a wrong number, and the numbers."""
    return [(line.number, line.claimed) for line in check_text(text, "page").wrong]


def test_results_stand_behind_code_or_below_it() -> None:
    found = check_text(CODE, "page")
    assert [line.number for line in found.lines] == [4, 6, 9, 13, 15, 18]
    assert wrong(CODE) == [(6, "59"), (15, "3")]
    assert found.unread == (23,)  # of more than one expression


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            r"We see that \\(2\\cdot 3 = 5\\), and \\[\\frac{1}{2}\\cdot 4 = 2\\] holds.".replace(
                "\\\\", "\\"
            ),
            [(1, "5")],
        ),
        ("With x = 4, y = 1.5*x = 6.\nNow try x = 2 and y = 3.\n", []),
        ("With x = 4, y = 1.5*x = 6.\nSo y = 7.\n", [(2, "7")]),
        ("sqrt(75000^2+1) ≈ 75000\n", []),
        (
            "Let `math f(x) = x^2`.\n```math\nx larr 0.4 - 0.3 * f^'(0.4) = 0.16\n```\n"
            "```math\nx larr 0.016 - 0.3 * f^'(0.16) = 0.064\n```\n",
            [(6, "0.016"), (6, "0.064")],  # the step before ended in 0.16
        ),
        ("```\ndef f(x, y):  \n    return x*y\na = f(2, 3)  #outputs 5\n```\n", [(4, "5")]),
        ("```\nf(3)\n# 9\n```\nwhere f was never defined\n", []),
        ("```\nx = 2\nfor i in range(3):\n    x = x + i\nx\n# 5\n```\n", []),
    ],
)
def test_formulas_and_alarms(text: str, expected: list[tuple[int, str]]) -> None:
    assert wrong(text) == expected


MISSED = r"""
# What 2*3 = 7 means
We get `q*2 = 8`, so 7/2 = 3, remainder 1, and the loss is 0.25.
With w = 2, z = W x. So z = 12. Let b = 3.
$\sum_i x_i = 9$, h(2) = 4 and
= 0.75
```python
for i in range(3):
    print(i + 1)   # 3
y = g(3)           # 7
plot(x, lw=2)
k = 5
print(y)
7
```
"""


def test_what_looks_like_a_result_and_was_not_read_is_told_with_the_reason() -> None:
    found = check_text(MISSED, "page")
    assert found.lines == ()
    assert [(m.number, m.claimed, m.reason) for m in found.missed] == [
        (2, "7", HEADING),
        (3, "8", DOUBT),
        (3, "3", DOUBT),
        (3, "0.25", WORDS),
        (4, "12", UNWORKED),
        (5, "9", FORMULA),
        (5, "4", "h is not defined by a formula that is read"),
        (6, "0.75", ELSEWHERE),
        (9, "3", BLOCK),
        (10, "7", "g is not defined by a formula that is read"),
        (14, "7", ELSEWHERE),
    ]
    assert found.missed[1].text == MISSED.splitlines()[2]


def test_what_was_read_is_not_missed() -> None:
    assert check_text("With x = 3, x^2 = 9 = 3*3 = 9, so f = x = 3.\n" + CODE, "page").missed[:-1] == ()


def notebook(*cells: tuple[object, ...], **facts: object) -> str:
    """Return a notebook of cells: Markdown, or a count, its code, and what it printed and gave."""
    made: list[dict[str, object]] = []
    for cell in cells:
        if len(cell) == 1:
            made.append({"cell_type": "markdown", "source": cell[0]})
            continue
        count, source, printed, result = cell
        outputs: list[dict[str, object]] = []
        if printed:
            outputs.append({"output_type": "stream", "name": "stdout", "text": printed})
        if result:
            outputs.append({"output_type": "execute_result", "data": {"text/plain": [result]}})
        made.append(
            {
                "cell_type": "code",
                "execution_count": count,
                "source": str(source).splitlines(True),
                "outputs": outputs,
            }
        )
    return json.dumps({"nbformat": 4, "cells": made, **facts})


def test_cells_of_a_notebook_and_what_they_printed() -> None:
    page = notebook(
        ("# Slopes\nWith x = 3, `x^2 = 8`.",),
        (
            1,
            "%matplotlib inline\na = 2.0\ndef f(x):\n    return x**2\nprint(f(3))\nprint(a * 4)\nf(a)",
            "9\n9.0\n",
            "np.float64(4.0)",
        ),
        (2, "a = a + 1\na", "", "tensor(4., grad_fn=<AddBackward0>)"),
        (5, "a * 2", "", "6.0"),
        (6, "b = 2\nprint('b is', b)\nb * 3  # six", "b is 2\n", "7"),
        (7, "for i in range(2):\n    print(b * i)\n```\nb*2", "0\n2\n", "5"),
        ("So b*5 = 11.",),
    )
    found = check_notebook(page, "n.ipynb")
    assert [(line.cell, line.number, line.claimed) for line in found.wrong] == [
        (1, 2, "8"),
        (2, 6, "9.0"),
        (3, 2, "4.0"),
        (6, 4, "5"),
        (7, 1, "11"),
    ]
    assert len(found.lines) == 7
    # a was given who knows what between the runs 2 and 5; which line printed what is not sure
    assert [(m.cell, m.claimed) for m in found.missed] == [(4, "6.0"), (5, "2"), (5, "7"), (6, "0"), (6, "2")]


def test_notebooks_that_were_never_run_or_are_in_another_language() -> None:
    cells = (None, "a = 2", "", ""), (None, "a*3  # 7", "", "")
    assert [line.claimed for line in check_notebook(notebook(*cells), "n.ipynb").wrong] == ["7"]
    julia = notebook(("2*3 = 7",), (1, "a = 2\na^2", "", "5"), metadata={"kernelspec": {"language": "julia"}})
    found = check_notebook(julia, "n.ipynb")
    assert [(line.cell, line.claimed) for line in found.lines] == [(1, "7")]
    assert [m.claimed for m in found.missed] == ["5"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
        ("[]", "it has no cells"),
        ('{"cells": [3]}', "it has no cells"),
        ('{"worksheets": []}', "of format 3"),
    ],
)
def test_broken_notebooks(text: str, reason: str) -> None:
    with pytest.raises(DataError, match=reason) as error:
        check_notebook(text, "n.ipynb")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("odd", [None, 3, "x", [3], {"text": 3}, [{"output_type": 3, "data": [2]}]])
def test_odd_notebooks(odd: object) -> None:
    cell = {"cell_type": "code", "source": odd, "execution_count": odd, "outputs": odd}
    page = {"cells": [cell, {**cell, "source": "1+1"}, {"cell_type": odd}], "metadata": odd}
    assert check_notebook(json.dumps(page), "n.ipynb").lines == ()


FORMULAS = r"""
\begin{align}
net_{h1} &= w_1 \cdot i_1 + b_1 \\
&= 0.15 \cdot 0.05 + 0.2 \cdot 0.1 + 0.35 \\
&= 0.3785
\end{align}

$$
\begin{aligned}
out_{h1} &= \frac{1}{1+e^{-net_{h1}}} = \frac{1}{1+e^{-0.3775}} \\
         &= 0.593269992
\end{aligned}
$$

$$ E_{total} = \tfrac12 (0.01 - 0.75)^2 \,+\, \frac12\left(0.99 - 0.77\right)^2 = 0.298 $$

We have $x_{1} = 2,\; x_{2} = 3$ and $x_{1} \cdot x_{2} = 7$.

\\[ \frac{1}{2} \cdot 4 = 2 \\]

$$
a &= 3 & b &= 4 \\
a \cdot b &= 12 & a + b &= 8
$$

\begin{align*}
\frac{\partial E}{\partial o_1} &= 2(0 - 0.5)/2 \\ &= -0.5 \\
w_1^{+} &= 0.4 - 0.5 \cdot \frac{\partial E}{\partial o_1} \\
  &= 0.65
\end{align*}

$$ \hat{y} = 0.5 \cdot 3 + 1 = 2.5, \qquad \text{loss} = (\hat{y} - 2)^2 = 0.35 $$

$$
L = -\log(0.7)
$$
$$
= 0.3567
$$

$$ A = \begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix} = 7 $$

$$5 - 3$$ dollars = 7

\[ x^{2} = 4 \] where x = 2.
"""


def test_rows_of_displays_go_on_from_the_row_before() -> None:
    found = check_text(FORMULAS, "page")
    assert [(line.number, line.claimed) for line in found.wrong] == [
        (5, "0.3785"),
        (17, "7"),
        (23, "8"),
        (32, "0.35"),
    ]
    assert len(found.lines) == 13
    assert [(m.number, m.claimed) for m in found.missed] == [(41, "7"), (45, "4")]


@pytest.mark.parametrize(
    "text",
    [
        "$$\na = 3\n",  # never closed
        "$$ 2*3 $$\nIt is a product.\n$$ = 7 $$",
        "$$\\log_{10}(100) = 3$$",
        "$$\\sum_{i=1}^{3} i = 7$$",
        "With h = 0.0001, $$\\frac{5+h-5}{h} = 1.$$",
        "```latex\n\\begin{align}\nx &= 2*3 \\\\\n&= 7\n\\end{align}\n```",
    ],
)
def test_displays_without_alarm(text: str) -> None:
    assert wrong(text) == []


IN_WORDS = r"""
The derivative of $x^2$ is $3x$. The derivative of `sin(x)` is `cos(x)`.
The derivative of x^3 at x = 2 is 11, and so on.
Let `f(x) = 2x^2 - 3x + 4`. The derivative of $f$ is $4x - 3$, and the slope of f at x = 2 is 6.
The slope of `f(x)` is 5.
The derivative of 3x + 1 is 4.
The derivative of `3x + 1` is 4.
The derivative of x^2 is not 3x. If the derivative of x^2 is 3x, what then?
$$\frac{d}{dx} x^2 = 3x$$
$$\frac{d}{dx}\left(x^3 + x\right) = 3x^2 + 2$$
$\frac{d}{dx} \sin(x) = \cos(x)$
d/dx (x^2 + 1) = 2x + 1
With a = 3, b = -2, c = 8 and f = -2, d = a*b = -6, so e = d + c = 2 and L = e*f = -4.
The derivative of \(L\) with respect to \(e\) is \(f\) (=-2.0), that of \(L\) is \(e\).
The derivative of \(L\) with respect to \(f\) is \(e\) (=2.0).
The derivative of $L$ with respect to $a$ is 5.
The derivative of `a*x^2` with respect to `x` is `2*a*x`.
The derivative of |x| is 1 for x > 0. The derivative of the loss is 3.
The derivative of e^x is e^x. The derivative of relu(x) is 1.
The derivative of x^n is n*x^(n-1).
The derivative of \(x\) is 1.
"""

NO_CLAIMS = r"""
The slope of m is 3. The derivative of f is 3. The derivative of f(x) is 2x.
The derivative of L with respect to w is 4.
The derivative of `g(x)` is `2*x`, the derivative of y is $3x^2$. The slope of the line is 2.
The slope of 2*q with respect to p is 3. The derivative of x^2 is 6 here. The derivative of x^2 is twice x.
The derivative of $w \cdot x$ with respect to $w$ is $x$.
The derivative of $\sigma(z)$ is $\sigma(z)(1-\sigma(z))$.
The derivative of tanh(z) is 1 - tanh(z)^2. The derivative of `tanh(z)` is `1 - tanh(z)^2`.
The derivative of the square (x^2) is 2x. The derivative of log(x) is 1/x. The derivative of a constant is 0.
The derivative of 5 is 0. The derivative of $ax^2$ is $2ax$. The derivative of $(x-3)^2$ is $2(x-3)$.
d/dx x^2 = 2x, d/dx x^2 + 3 = 2x. $\frac{d}{dx} (x^2) = 2x = 6$ at x = 3.
"""


def test_derivatives_in_words_against_what_the_page_defines() -> None:
    found = check_text(IN_WORDS, "page")
    assert [(line.number - 1, line.claimed) for line in found.wrong] == [
        (1, "3x"),
        (2, "11"),
        (3, "6"),
        (6, "4"),
        (8, "3x"),
        (9, "3x^2 + 2"),
        (11, "2x + 1"),
        (15, "5"),
    ]
    assert len(found.lines) == 20
    # "3x + 1 is 4" without marks: who knows where the formula begins; |x| has two slopes
    assert [m.number - 1 for m in found.missed] == [4, 5, 17, 17, 18, 20]


def test_derivatives_in_words_of_what_nobody_knows() -> None:
    found = check_text(NO_CLAIMS, "page")
    assert found.wrong == ()
    assert len(found.lines) == 6


STEPS = r"""
For simplicity, our activation function is ReLU (`math max(x, 0)`). Others, such as tanh, exist.
```math
(del E)/(del c_0) = sigma^'(c_0) * (del E)/(del o_0)
```
```math
= sigma^'(-0.5) * (-0.5) = 0
```
`math (del E)/(del c_1) = sigma^'(0.5) * (-0.5) = -0.5`
```math
w_(b_0)^(c_0) larr -1 - 0.1*0.5*(del E)/(del c_0) = -1
```
```math
w_(b_0)^(c_1) larr 1 - 0.1*0.5*(del E)/(del c_1) = 1.05
```
Now, the biases: `math b^(c_1) larr 0 - 0.1*(del E)/(del c_1) = 0.05`.
The new parameters are `math w_(b_0)^(c_0) = -1`, `math w_(b_0)^(c_1) = 1.05`, and
`math b^(c_1) = 0.06`.

Let $v = 0.5$. Then $v \leftarrow v - 0.1 \cdot 2v = 0.4$, so $v^2 = 0.16$ and $v^2 = 0.25$.
Let $u = 2$ and $q = 3u$.
Then $u \leftarrow u - 0.5 = 1.5$, and $q = 6$.
""".replace("\\\\", "\\")


def test_steps_start_from_the_numbers_before_and_are_taken_when_something_is_worked_out_from_them() -> None:
    found = check_text(STEPS, "page")
    assert [(line.number, line.claimed, line.right) for line in found.wrong] == [
        (14, "1.05", 1.025),
        (18, "0.06", 0.05),
        (20, "0.25", pytest.approx(0.16)),
    ]
    assert found.missed == ()
    assert len(found.lines) == 13


@pytest.mark.parametrize(
    "text",
    [
        # of its own formula, the other names held fixed
        "With x = 2, y = x^2 = 4 and z = x*y = 8.\nSo `dz/dx = y = 4`, and `dz/dx = 12`.",
        # another example, whose other numbers nobody read
        "w = 3, x = 2, b = 4. y = w*x + b = 10.\n\nHere y = 3*2 + 1 = 7.",
        "$w = 0.3$, $x = 2.5$, $b = 0.1$. $y = w x + b = 0.85$.\n\nHere $y = 0.3 \\cdot 1.5 + 0.7 = 1.15$.",
    ],
)
def test_numbers_that_only_seem_to_be_of_the_formulas_before(text: str) -> None:
    assert wrong(text) == []


@pytest.mark.parametrize(
    "line",
    [
        "Popular examples of activations are ReLU and tanh.",
        "The activation function is tanh or ReLU.",
        "The activation of the hidden layer is ReLU.",
        "The activation is not ReLU.",
        "ReLU is fast.",
    ],
)
def test_activations_that_are_not_chosen(line: str) -> None:
    assert check_text(f"{line}\n`sigma(-2) = 0`", "page").lines == ()


MICROGRAD = """\
```python
from micrograd.engine import Value
a = Value(-4.0)
b = Value(2.0, label="b")
c = a + b
d = a * b + b**3
c += c + 1
c += 1 + c + (-a)
d += d * 2 + (b + a).relu()
d += 3 * d + (b - a).relu()
e = c - d
f = e**2
g = f / 2.0
g += 10.0 / f
print(f'{g.data:.4f}') # prints 24.7041, the outcome of this forward pass
g.backward()
print(f'{a.grad:.4f}') # prints 138.8338, i.e. the numerical value of dg/da
print(f'{b.grad:.4f}') # prints 645.5873, i.e. the numerical value of dg/db
```
"""


def test_gradients_that_code_asks_for() -> None:
    found = check_text(MICROGRAD, "page")
    assert [(line.number, line.claimed) for line in found.lines] == [
        (15, "24.7041"),
        (17, "138.8338"),
        (18, "645.5873"),
    ]
    assert [(line.text, line.right) for line in found.wrong] == [
        ("f'{b.grad:.4f}'", pytest.approx(645.577259))
    ]


TORCH = "x = torch.tensor([2.0], requires_grad=True)\nw = torch.tensor(3.0)\nw.requires_grad = True\n"


@pytest.mark.parametrize(
    ("code", "read"),
    [
        ("y = w * x**2\ny.backward()\nx.grad\n# tensor([12.])\nw.grad.item()  # 4.0", ["12.0", "4.0"]),
        ("y = torch.sigmoid(w * x)\ny.backward()\nprint(w.grad)  # tensor(0.0049)", ["0.0049"]),
        ("h = w*x\nL = (h - 1)**2\nL.backward()\nh.grad  # 10.0\nL.grad  # 1.0", ["10.0", "1.0"]),
        ("y = x**2\ny.backward()\nx.grad.zero_()\nz = x**3\nz.backward()\nx.grad  # 12.", ["12."]),
        ("y = x**2\nz = w**2\ny.backward()\nz.backward()\nx.grad  # 4.0\nw.grad  # 6.0", ["4.0", "6.0"]),
        ("e = w * x; e.label = 'e'; L = e**2\nL.backward()\ne.grad  # 12.0", ["12.0"]),
        ("y = torch.sigmoid(x)\ny.backward()\nx.grad.item()  # 0.10499362647533417", ["0.10499362647533417"]),
        # added up, or nobody knows of what
        ("y = x**2\ny.backward()\nz = x**3\nz.backward()\nx.grad  # 12.0", []),
        ("y = x**2\ny.backward()\nx.data -= 0.1 * x.grad\ny = x**2\ny.backward()\nx.grad  # 3.2", []),
        ("y = net(x)\ny.backward()\nx.grad  # 3.2", []),
        ("y = w * x\nfor i in range(3):\n    y.backward()\nx.grad  # 3.0", []),
        ("y = w**2\ny.backward()\nx.grad  # 3.0", []),
        ("y = w * x\ny.backward()\nopt.step()\nw + 1  # 3.0", []),
        ("with torch.no_grad():\n    w -= 1\ny = w * x\ny.backward()\nx.grad  # 3.0", []),
    ],
)
def test_gradients_of_libraries(code: str, read: list[str]) -> None:
    found = check_text(f"```\n{TORCH}{code}\n```", "page")
    assert [line.claimed for line in found.lines] == read
    assert found.wrong == ()


def test_the_gradient_of_a_function() -> None:
    assert wrong("```\ndef f(x): return x**3\njax.grad(f)(2.0)  # 12.0\ngrad(f)(1.0)  # 1.0\n```") == [
        (4, "1.0")
    ]


STYLES: dict[str, tuple[str, Callable[[float, float], list[float]]]] = {
    "list": (
        """
1. Forward: with a = <a> and b = <b>, `d = a*b = <?>`
2. then `L = d^2 = <?>`
3. Backward:
   - `dL/dd = 2*d = <?>`
   - `dL/da = <?>`
10. In 4 steps, 5 % of 200.
""",
        lambda a, b: [a * b, (a * b) ** 2, 2 * a * b, 2 * a * b * b],
    ),
    "dollars": (
        r"""
Let $w = <a>$, $x = <b>$. The score is $z = w \cdot x = <?>$, hence
$$s = \frac{1}{1 + e^{-z}} = <?>.$$ In 2017 there were 3 layers (p = 0.05), see [1].
""",
        lambda a, b: [a * b, round(1 / (1 + math.exp(-a * b)), 4)],
    ),
    "align": (
        r"""
\begin{align*}
net_{h1} &= <a> \times <b> + 1 \\
&= <?> \\
E &= \frac12 (net_{h1} - 2)^2 \\
  &= <?>, \quad n = 1, \dots, 4
\end{align*}
""",
        lambda a, b: [a * b + 1, 0.5 * (a * b - 1) ** 2],
    ),
    "code": (
        """
```python
import math
a = <a>  # 3 of 10
b = <b>
def f(x): return x**2 + 1
f(a)
# <?>
y = a*b  # <?>
for i in range(3): y += i  # 3 times
print(math.exp(-b))  # prints <?>
```
""",
        lambda a, b: [a**2 + 1, a * b, math.exp(-b)],
    ),
    "prompt": (
        """
>>> is what an interpreter shows.

~~~pycon
>>> a = <a>
>>> a * <b>
<?>
>>> a ** 3
<?>
>>> [1, 2]
[1, 2]
~~~
""",
        lambda a, b: [a * b, a**3],
    ),
    "table": (
        """
x = <a>

| step | value | time |
|:-----|------:|------|
| `x^2 = <?>` | 0.1 | 3 s |
| 2*x + <b> = <?> | 7 | 4 s |

7/2 = 3, remainder 1; the shape is 3x4 = a matrix.
""",
        lambda a, b: [a * a, 2 * a + b],
    ),
    "ascii": (
        """
Minimize `math f(x) = x^2` from `math x = <a>`:

```math
x larr <a> - <b> * f^'(<a>) = <?>
```
```math
MSE = ((0 - <b>)^2 + 1)/2
```
```math
= <?>
```
""",
        lambda a, b: [a - b * 2 * a, (b * b + 1) / 2],
    ),
    "quote": (
        """
> **Note.** When n = <a>, n^2 = <?>. Now try m = <b>, so m^2 = <?>. It has 3 kg.
> Version 1.2 = stable.
""",
        lambda a, b: [a * a, b * b],
    ),
    "words": (
        """
The derivative of `x^3` at x = <a> is <?>. The slope of the line is 2. Let `g(x) = <b>*x^2 + 1`.
Then $g'(<a>) = <?>$. The derivative of $g$ at $x = <a>$ is <?>. If it were x, 2*x = 1?
""",
        lambda a, b: [3 * a * a, 2 * b * a, 2 * b * a],
    ),
    "notebook": (
        notebook(
            ("## Step 2\nWith $u = <a>$, $u^2 = <?>$.",),
            (1, "u = <a>\nprint(u * <b>)\nu - 1", "<?>\n", "<?>"),
        ),
        lambda a, b: [a * a, a * b, a - 1],
    ),
}


def filled(page: str, a: float, b: float, results: list[float]) -> str:
    """Return a page of a style with its numbers."""
    numbers = iter(results)
    page = re.sub(r"<\?>", lambda _: f"{next(numbers):.12g}", page)
    return page.replace("<a>", f"{a}").replace("<b>", f"{b}")


@pytest.mark.parametrize("style", STYLES)
def test_styles_of_pages_without_a_false_alarm(style: str) -> None:
    page, work = STYLES[style]
    check = check_notebook if style == "notebook" else check_text
    for a, b in [(2, 0.5), (3, 0.25), (5, 1.5), (7, 0.1), (12, 0.75)]:
        results = work(a, b)
        article = check(filled(page, a, b, results), style)
        assert article.wrong == ()
        assert len(article.lines) >= len(results)
        for k in range(len(results)):
            spoiled = [x + 0.3 * (abs(x) + 1) * (i == k) for i, x in enumerate(results)]
            assert check(filled(page, a, b, spoiled), style).wrong, (a, b, k)


NOT_RESULTS = r"""
# Shapes of $f(x) = x^3$
Let $f(x) = x^3 - 3x$. Then $f'(x) = 3x^2 - 3 = 3(x - 1)(x + 1)$.
Set $f'(x) = 0$: critical points are where $3x^2 - 3 = 0$. With $x = 2$ we get $f(2) = 2$.
| Where | $f'(x) = 0$ |
## Example 2
For $f(x) = x^2 - 2 = (x - 2)(x + 2) + 2$ we have $f(1) = -1$, and $f(-x) = (-x)^2 - 2 = f(x)$.
The line $x^2 + y^2 = 9$ is no function. The constraint $2x + 2x = 100$ holds.
f(x) = x² has a minimum of 0 at x = 0, and f(2) = 4.
## Example 3: $g(t) = 4t$
If $f(3) = 7$ and $f'(3) = 5$, what is $f(4)$? Suppose that $f(1) = 5$.
Forgetting the inside: $\frac{d}{dx} \left(\sin(3x)\right) = \cos(3x)$.
$f(x) = \sqrt[3]{x} = x^{1/3}$ has $f(8) = 2$ and $f'(x) = \frac{1}{3} x^{-2/3}$. Let $x = 5$.
## Example 4
Here $x^2 = 9$. When $p = 3$, $q = p^2 = 9$; for $p = q = 1$ it is flat.
Now $q^2 - 1 = 0$ has two roots.
## Example 5: $q = 3$
$q + 4k = 23$ and $k = 2$. Solving, $q + 4k = 24$. Then $u = k - 4 = -2$.
Later, $u = 0.1$.
It takes $70 \times 10^9 \times 2 = 140$ GB. In bits, $\log(0.5) = -1$.
Let $z = 1.1$; $s(z) = \frac{1}{1 + e^{-z}} = 0.75$, and $s(z)(1-s(z)) = 0.75(0.25) = 0.1875$.
Only $w \approx 2.35$ is in the domain.
$L = k - 50 = -48$. In another net, $L = (o - \text{target})^2 = (-0.13 - 1)^2 = 1.277$.
$$w = 1 - 0.5 \times 2 = 0 \qquad v = 0 - 0.5 \times 3 = -1.5$$
"""


def test_equations_conditions_and_names_of_another_part_are_no_results() -> None:
    found = check_text(NOT_RESULTS, "page")
    assert found.wrong == ()
    assert len(found.lines) == 16
    assert {m.reason for m in found.missed} >= {EQUATION, CONDITION, OTHER_PART, GIVEN_ANEW}


@pytest.mark.parametrize(
    ("text", "claimed"),
    [
        ("## Step 1\n$w = 3$, $z = 2w = 6$.\n## Step 2\n$L = (z - 4)^2 = 5$.", "5"),
        ("If $x = 3$, then $x^2 = 8$.", "8"),
        ("Let $f(x) = x^2 - 1 = (x - 1)(x + 2)$.", "(x - 1)(x + 2)"),
        ("Let $f(x) = x^3$, so $f'(x) = 3x$. Where is it 0?", "3x"),
        ("With $x = 2$, $f(x) = x^2 = 5$.", "5"),
        (r"$f(x) = \sqrt[3]{x}$ and $f(8) = 3$", "3"),
        ("**Step 1.** Take a = 2. The loss with y = 5 is L = (a - y)^2 = 10.", "10"),
        ("With a learning rate of 0.1, the new weight is w = 2 - 0.1*(-18) = 3.", "3"),
        ("Consider f(u) = u² + 1 and so on. At u = 2 you get 3*u = 5, where f(4) = 17.", "5"),
        ("We know that f(u) = u^2, where f(4) = 17.", "17"),
        ("**Problem 4.** Let $g(x) = x^2 e^{-x}$. Find $g'(1)$. Hence $g(1) = e^{-1} = 0.3779$.", "0.3779"),
        ("The derivative of `x^2` at x = 5 is 10, and 2*3 = 7.", "7"),
        ("Then 2*4 = 9 is the slope.", "9"),
    ],
)
def test_what_stands_is_still_wrong(text: str, claimed: str) -> None:
    assert [line.claimed for line in check_text(text, "page").wrong] == [claimed]


def test_a_function_of_ours_that_the_page_defines_is_another() -> None:
    code = "def tanh(x):\n    y = 2*x\n    return y\ntanh(1)  # 2\nsin(0)  # 1\n"
    assert [line.claimed for line in check_text(f"```\n{code}```\n", "page").wrong] == ["1"]


LAWS = r"""
```math
y = x^3
```
```math
dy/dx = 3x^2
```
the other way around:
```math
x = root(3)(y)
```
```math
dx/dy = 1/(3 root(3)(y^2)) = y^(-3/2)//3
```
With $b = 3a^4$ and $c = \sin(b) = \sin(3a^4)$, `math (db)/(da) = 12a^3` and `math (dc)/(db) = cos(b)`.
$\frac{\partial c}{\partial a} = \cos(b) \cdot 12a^3 = 12a^2\cos(b)$
## Another one
$\frac{db}{da} = 2a$ of who knows what. Let $q = r \cdot s$; $\frac{\partial q}{\partial t} = r$.
"""


def test_derivatives_of_formulas_without_numbers() -> None:
    found = check_text(LAWS, "page")
    assert [(line.number, line.claimed) for line in found.wrong] == [(13, "y^(-3/2)/3"), (16, "12a^2cos(b)")]
    assert [line.number for line in found.lines] == [6, 13, 13, 15, 15, 15, 16, 16]


SAID = r"""
Let \(f(x) = 2x^2 - 3x + 4\). For \(x=-2\) we get a negative slope,
while for \(x=2\) and \(x=6\) the slope is positive.
At some point, the slope is exactly zero (in our case, at \(x=0.75\)); with \(x=2\), it decreases.
The function increases at x = 1. For x = 5, the slope is negative. It is not so that it decreases at x = 3.
```
h = 0.0001
a = 3.0
b = -2.0
(a * b + 8)
# 2.0
((a+h) * b + 8)
# 1.9998
```
If we add a small number \(h\) to \(a\), the output decreases (here, from 2.0 to 1.999): a negative slope.
The exact slope is -2.0. The output increases from 2.0 to 1.9998 if we add
\(h\) to \(a\).
If we add \(h\) to \(a\), the exact slope is 3.0.
```
def product(x, y):
    return x*y
c = product(a, b)   # outputs -6
d = c/7  # outputs -0.857
1/3   # 0.333...
2/3
# 0.666
```
The output of the above program is 0.666, which is greater than 0.7. We know a = 4.
So the value of $c$ is -8. It says `math (dc)/(db) = cos(b)`,
but what about `math (dc)/(db)`? It is an open question.
The derivative of $c$ with respect to $c$ is 2.
The derivative for an addition node is 1, i.e. the derivative is 2.
"""


def test_relations_in_words() -> None:
    found = check_text(SAID, "page")
    assert [(line.number, line.claimed) for line in found.wrong] == [
        (4, "decreases"),
        (5, "negative"),
        (16, "increases"),
        (18, "3.0"),
        (28, "greater"),
        (31, "2"),
        (32, "2"),
    ]
    assert len(found.lines) == 27
    assert [(hint.number, hint.says.split(":")[0]) for hint in found.hints] == [
        (23, "rounded"),
        (26, "cut off, not rounded"),
        (30, "dc/db has just been given"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Let f(x) = x^2 and g(x) = -x. With x = 2, it decreases.",  # which?
        "Let f(x) = x^2. With x = 2, the learning rate decreases. If x = -1 it would increase.",
        "Let f(x) = x^2. If it decreases at x = 2, something is wrong. Is it so that for x = 2 it decreases?",
        "Let f(x) = x^3. It increases at x = 0.",
        "The loss decreases from epoch 1 to 10, and 5 more than 3.",
        "The derivative of a node is 1. A slope is 3. The exact slope is 7.",
    ],
)
def test_relations_without_alarm(text: str) -> None:
    assert wrong(text) == []


CASES = r"""
$$
f(x) = \begin{cases} 0 & \text{if } x < 0 \\ x & \text{if } x \geq 0 \end{cases}
$$
So $f(-2) = 0$, $f(3) = 4$ and $f'(3) = 1$.

$$h(x) = \left\{\begin{cases}
(x/100)^{2} & x < 100, \\
1 & \text{otherwise}
\end{cases}\right.$$
Then $h(0) = 0$ and $h(50) = 0.5$.
```math
g(x) = {(0, "if "x<0),(1, "if " x>0):}
```
`math g(2) = 1`, `math g(-1) = 1`, `math g(0) = 7`.
The sign is $s(x) = \begin{cases} -1 & x < 0 \\ 0 & x = 0 \\ 1 & x > 0 \end{cases}$, so $s(3) = 5$.
$t(x) = \begin{cases} 2x & x < 1 \\ x^2 & x > 2 \end{cases}$, $t(3) = 8$.
"""


def test_functions_by_cases() -> None:
    found = check_text(CASES, "page")
    assert [(line.number, line.claimed) for line in found.wrong] == [(5, "4"), (11, "0.5"), (15, "1")]
    assert len(found.lines) == 7
    # three cases, what is not defined everywhere, and the place between two strict ones are not read
    assert [m.claimed for m in found.missed] == ["7", "0", "5", "8"]


def test_numbers_that_are_none_of_ours_or_oddly_written() -> None:
    assert wrong("With c = 3, the value of c is 1e999. Let h(x) = x + .0, so h(0) = 1.") == [(1, "1")]


@pytest.mark.parametrize(
    ("claim", "claimed"),
    [
        *[("2*3 = 5.9", "5.9"), ("cos(0) = 0.99", "0.99"), ("7/2 = 3.4", "3.4"), ("0.1 + 0.2 = 0.2", "0.2")],
        *[("1 - 0.9 = 0.09", "0.09"), ("100*3 = 299.9", "299.9"), ("2*3 ≈ 5.9", "5.9")],
        *[("Let f(x) = x^2, then f'(3) = 5.9", "5.9"), ("~~~python\n3**2  # 8.99\n~~~", "8.99")],
        *[("2/3 = 0.66", None), ("0.1 + 0.2 = 0.3", None), ("-2/3 = -0.66", None), ("2/3 = 0.67", None)],
    ],
)
def test_an_exact_number_cut_off_is_itself(claim: str, claimed: str | None) -> None:
    found = check_text(claim, "page")
    assert [line.claimed for line in found.wrong] == ([claimed] if claimed else [])
    assert found.lines
    assert found.hints == ()


def test_a_line_that_stands_alone_may_begin_with_a_minus() -> None:
    assert [line.wrong for line in check_text("With x = 3.\n\n- x^2 = -9\n", "page").lines] == [False]
    assert check_text("With x = 3:\n\n- x^2 = -9\n", "page").lines == ()
    assert check_text("With x = 3.\n\n- x^2 = -9\n\n- 2x = -6", "page").lines == ()


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        *[("- x^2 = -9", None), ("- 2*x = -6", None), ("- sin(0.5) = -0.4794", None), ("- f(3) = -6", None)],
        *[("- x^2 = 9", True), ("- x^2 = -8", False), ("- y = x^2 = -9", False), ("- -x^2 = -9", True)],
        *[("* x^2 = -9", False), ("- `- x^2 = -9`", True), ("$$- x^2 = -9$$", True)],
    ],
)
def test_the_mark_of_a_list_makes_no_number_right(line: str, verdict: bool | None) -> None:
    found = check_text(f"f(x) = 2x.\nWith x = 3:\n{line}\n", "page")
    assert [not judged.wrong for judged in found.lines if judged.number == 3] == (
        [] if verdict is None else [verdict]
    )
    assert [missed.reason for missed in found.missed] == ([DOUBT] if verdict is None else [])


@pytest.mark.parametrize(
    ("text", "listed"),
    [
        *[
            ("dq/dp = k = -7", ["-7"]),
            ("∂E/∂w₁₁ = δ₁x₁ ≈ 11", ["11"]),
            ("v = w = 0.5", []),
            ("v = 3, w = 2", []),
        ],
        (r"$$\frac{\partial f}{\partial q} = z \approx -7$$", ["-7"]),
        ("The second derivative of `x^4` at x = 3 is 105", ["105"]),
        ("The derivative of `tan(x)` at x = pi/4 is 5", ["5"]),
        ("d/dx x^5 = 5x^4, at x = 2 it is 20", ["20"]),
        *[("f = sin(x^2) = y at x = 1", []), ("the error: at x = 3 there are 2 points", [])],
    ],
)
def test_no_number_behind_a_sign_of_equality_is_passed_over(text: str, listed: list[str]) -> None:
    found = check_text(text, "page")
    assert found.wrong == ()
    assert [missed.claimed for missed in found.missed] == listed


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("With $δ₁ = 2$ and $x₁ = 3$:\n∂E/∂w₁₁ = δ₁x₁ ≈ ", "6"),
        ("q = 3, z = -4, f = q*z.\n- df/dq = z = ", "-4"),
        ("Let a = 0.8.\nWith y = 1 the loss is L = (a - y)^2/2 = ", "0.02"),
        ("a = 1.\nAt a = 2 the output z = 3*a = ", "6"),
    ],
)
def test_numbers_behind_names_that_are_known(text: str, right: str) -> None:
    assert wrong(f"{text}7") == [(2, "7")]
    assert wrong(text + right) == []
    assert check_text(text + right, "page").lines


@pytest.mark.parametrize(
    ("claim", "right"),
    [
        ("tanh'(x) = 1 - tanh(x)^2", True),
        ("tanh'(x) = 1 + tanh(x)^2", False),
        ("$\\sigma'(x) = \\sigma(x)(1 - \\sigma(x))$", True),
        ("$\\sigma'(z) = \\sigma(z)(1 + \\sigma(z))$", False),
        ("sin'(u) = cos(u)", True),
        *[
            ("g'(t) = 2t", True),
            ("g'(t) = 3t", False),
            ("g'(x) = 2(g(x) - 1)/x", True),
            ("g'(x) = g(x)", False),
        ],
    ],
)
def test_derivatives_of_functions_over_any_name(claim: str, right: bool) -> None:
    found = check_text(f"The sigmoid, and g(x) = x^2 + 1:\n{claim}\n", "page").lines
    assert [line.wrong for line in found if line.number == 2] == [not right]


TABLES = """
Let g(x) = 2x.

| $x$ | x^2 | $g(x)$ | `g'(x)` | $\\frac{x}{2}$ |
|-----|-----|--------|---------|----------------|
| 2   | 5   | 6      | 7       | 8              |

| formula | value at 2 | page | = |
|---------|------------|------|---|
| `x^2`   | 9          | 3    | `2*3 = 6` |

| model | top-1 | train/test | Time (s) | loss |
|-------|-------|------------|----------|------|
| a-b   | 5     | 3          | 3.5      | 2    |
"""


def test_numbers_of_tables_under_and_beside_formulas_are_listed() -> None:
    found = check_text(TABLES, "page")
    assert [line.claimed for line in found.lines] == ["6"]
    assert [m.claimed for m in found.missed if m.reason == TABLE] == ["5", "6", "7", "8", "9"]
    assert len(found.missed) == 5
