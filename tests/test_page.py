"""The parts of a page are frozen values."""

from __future__ import annotations

import pytest

from backprop_cli.render.forms import Product, Sum
from backprop_cli.render.page import Column, Text


def test_a_part_is_a_value():
    text = Text("5", kind="number")
    assert (text.text, text.tone, text.kind) == ("5", "", "number")
    assert text == Text(text="5", tone="", kind="number")
    assert text.replace(tone="bad") == Text("5", "bad", "number")
    assert (Sum([1.0, 2.0]) == Product([1.0, 2.0]), Column("x") == Text("x")) == (False, False)
    assert repr(text) == "Text('5', '', 'number', '')"
    with pytest.raises(AttributeError, match="set once"):
        text.tone = "bad"


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ((), {}),
        (("5", "", None, "", ""), {}),
        (("5",), {"text": "6"}),
        (("5",), {"colour": "red"}),
    ],
)
def test_a_part_has_its_fields_and_no_others(values, named):
    with pytest.raises(TypeError, match="Text takes text, tone, kind, short"):
        Text(*values, **named)
