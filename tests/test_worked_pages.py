"""Pages that work a network by hand: no right number called wrong, spoiled ones and mistakes found."""

from __future__ import annotations

import sys

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))
import worked

from backprop_cli.articles.text import check_text

SPOILED = 4
"""Numbers of a page that are spoiled, one after the other; the benchmark spoils them all in three ways."""


@pytest.mark.parametrize("name", worked.NETWORKS)
def test_pages_that_work_a_network(name: str) -> None:
    for place, given in enumerate(worked.points(name, 2)):
        article = worked.checked(name, worked.filled(name, given, carry=bool(place)))
        assert article.wrong == ()
        assert article.missed == ()
    count = worked.claims(name)
    for k, spoil in enumerate(range(0, count, count // SPOILED)):
        assert worked.checked(name, worked.filled(name, given, spoil=spoil, how=k % worked.WAYS)).wrong
    for mistake in worked.NETWORKS[name].mistakes:
        assert worked.checked(name, worked.filled(name, given, mistake=mistake)).wrong, mistake


@pytest.mark.parametrize(
    ("name", "mistake", "says"),
    [
        ("mazur", "bias", "b_2 in place of b_1"),
        ("mazur", "exponent", "minus of the exponent lost"),
        ("mazur", "minus", "sign lost"),
        ("mazur", "updated", "updated weights used"),
        ("unicode", "sigma", "local derivative twice"),
        ("table", "slope", "local derivative missing"),
    ],
)
def test_mistakes_are_named_once_and_what_follows_from_them_is_said_to(
    name: str, mistake: str, says: str
) -> None:
    page = worked.filled(name, worked.NETWORKS[name].given, mistake=mistake)
    first, *others = (line.mistake for line in worked.checked(name, page).wrong)
    assert first == says
    assert sum(other.startswith("follows from") for other in others) > len(others) / 2


STEPS = r"""
Suppose $w = 0.5$, $b = -0.25$ and one example $x = 2$, $y = 1$.

1. $z = wx + b = 0.5 \times 2 - 0.25 = 0.75$
2. $a = \sigma(z) = 0.6792$ where $\sigma$ is the logistic function.
3. $L = -\left[ y \log a + (1-y) \log(1-a) \right] = -\log(0.6792) = 0.3869$
4. $\dfrac{\partial L}{\partial a} = -\dfrac{y}{a} = -1.4724$
5. $\dfrac{\partial L}{\partial w} = x \cdot (a - y) = 2 \times -0.3208 = -0.6416$
6. $\dfrac{\partial L}{\partial b} = -0.3208$
7. $w \leftarrow 0.5 - 0.1 \times (-0.6416) = 0.5642$ and $b \leftarrow -0.25 + 0.1 \times 0.3208 = -0.2179$

Second step: $z = 0.5642 \times 2 - 0.2179 = 0.9105$, so $a = \sigma(0.9105) = 0.7131$.

The second example is $x = 3$, $y = 0$. Now $z = 0.5642 \cdot 3 - 0.2179 = 1.4747$, $a = 0.8138$,
and $\frac{\partial L}{\partial z} = a - y = 0.8138$.
"""


def test_steps_and_examples_one_after_the_other_have_their_own_numbers() -> None:
    found = check_text(STEPS, "page")
    assert found.wrong == ()
    assert found.missed == ()
    for number in ("0.75$", "0.3869", "-1.4724", "-0.3208$\n7", "0.5642$", "0.9105$", "0.7131", "1.4747"):
        digits = number.rstrip("$\n7") if "\n" in number else number.rstrip("$")
        spoiled = number.replace(digits, digits.replace(".", ".1"), 1)
        assert check_text(STEPS.replace(number, spoiled), "page").wrong, number


LAYERS = r"""
We use $x = 0.6$, $w^{[1]} = 0.9$, $b^{[1]} = 0.1$, $w^{[2]} = -0.4$, $b^{[2]} = 0.2$ and the label $y = 0$.
All activations are sigmoid.

$$z^{[1]} = w^{[1]} x + b^{[1]} = 0.9 \cdot 0.6 + 0.1 = 0.64, \quad a^{[1]} = \sigma(z^{[1]}) = 0.6548$$
$$z^{[2]} = w^{[2]} a^{[1]} + b^{[2]} = -0.0619, \quad a^{[2]} = \sigma(z^{[2]}) = 0.4845$$
$$\mathcal{L} = -\log(1 - a^{[2]}) = 0.6627$$
$$\frac{\partial{\mathcal{L}}}{\partial z^{[2]}} = a^{[2]} - y = 0.4845$$
$$\frac{\partial \mathcal{L}}{\partial w^{[2]}} = 0.4845 \cdot 0.6548 = 0.3173$$
$$\frac{\partial \mathcal{L}}{\partial w^{[1]}} = 0.4845 \cdot (-0.4) \cdot 0.6548
  \cdot (1 - 0.6548) \cdot 0.6 = -0.0263$$
$$w^{[2]} \leftarrow -0.4 - 0.5 \cdot 0.3173 = -0.5587$$
"""


def test_layers_in_square_brackets() -> None:
    found = check_text(LAYERS, "page")
    assert (len(found.lines), found.wrong, found.missed) == (10, (), ())
    twice = LAYERS.replace(r"a^{[2]} - y = 0.4845", r"(a^{[2]} - y) a^{[2]} (1 - a^{[2]}) = 0.1210")
    assert next(line.mistake for line in check_text(twice, "page").wrong) == "local derivative twice"
