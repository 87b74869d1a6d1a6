"""Articles: what is read of blocks of code and formulas, and what gives no false alarm."""

from __future__ import annotations

import pytest

from backprop_cli.articles.text import check_text
from backprop_cli.articles.unread import BLOCK, DOUBT, ELSEWHERE, FORMULA, HEADING, UNWORKED, WORDS

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
            [(6, "0.064")],
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
