from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import pytest

from backprop_cli.curves.scale import LOG
from backprop_cli.layout.axis import Axis
from backprop_cli.render.curve import svg_curve, terminal_curve
from backprop_cli.render.palette import painted

SVG = "{http://www.w3.org/2000/svg}"


def history(epochs=200):
    """A loss that falls to 0.02, and a validation loss that turns at epoch 100."""
    return [
        {
            "epoch": e,
            "loss": math.exp(-e / 20) + 0.02,
            "val_loss": math.exp(-e / 20) + 0.1 + abs(e - 100) / 1e3,
        }
        for e in range(1, epochs + 1)
    ]


def texts(svg):
    return [element.text for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


# axes


@pytest.mark.parametrize(
    ("low", "high", "most", "expected"),
    [
        (0.0, 1.0, 6, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (0.5, 1.45, 5, ["0.6", "0.8", "1.0", "1.2", "1.4"]),
        (0.0, 7.0, 8, ["0", "1", "2", "3", "4", "5", "6", "7"]),
        (-3.0, 12.0, 4, ["0", "5", "10"]),
        (0.0, 4e-7, 5, ["0", "1e-7", "2e-7", "3e-7", "4e-7"]),
        (0.0, 1.1e7, 4, ["0", "5e6", "1e7"]),
    ],
)
def test_linear_ticks(low, high, most, expected):
    assert [text for _, text in Axis(low, high).ticks(most)] == expected


@pytest.mark.parametrize(
    ("low", "high", "most", "expected"),
    [
        (0.02, 1.0, 7, ["0.02", "0.05", "0.1", "0.2", "0.5", "1"]),
        (1e-6, 100.0, 5, ["10^-6", "10^-4", "10^-2", "1", "10^2"]),
        (2.5e-60, 1.0, 7, ["10^-50", "10^-40", "10^-30", "10^-20", "10^-10", "1"]),
    ],
)
def test_log_ticks(low, high, most, expected):
    assert [text for _, text in Axis(low, high, scale=LOG).ticks(most)] == expected


@pytest.mark.parametrize("low", [0.0, 1e-9, 0.3, 17.0, -4.0])
@pytest.mark.parametrize("length", [0.0, 1e-7, 0.4, 55.0, 1e12])
@pytest.mark.parametrize("most", [2, 5, 12])
def test_ticks_fit(low, length, most):
    axis = Axis(low, low + length)
    ticks = axis.ticks(most)
    assert len(ticks) <= most
    assert all(-1e-6 <= axis.at(value) <= 1 + 1e-6 for value, _ in ticks)
    assert len({text for _, text in ticks}) == len(ticks)


def test_where_values_stand():
    assert Axis(2.0, 4.0).at(3.0) == 0.5
    assert Axis(0.01, 1.0, scale=LOG).at(0.1) == pytest.approx(0.5)
    assert Axis(5.0, 5.0).at(5.0) == 0.5
    assert Axis(0.0, 1.0, margin=0.5).at(0.0) == 0.25
    assert Axis(0.0, 1.0, margin=0.5, bottom=0.0).at(0.0) == 0.0
    assert Axis(0.0, 1e-300).at(1e300) == 1e9  # far outside


# the terminal


@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize(("width", "height"), [(80, 24), (140, 40), (40, 8)])
def test_terminal_curve_fits(width, height, unicode):
    text = terminal_curve(history(), width, height, unicode)
    lines = text.splitlines()
    assert len(lines) == height
    assert max(map(len, lines[:-1])) <= width
    assert text.isascii() is not unicode
    assert "loss, log scale" in lines[0]
    assert "train" in text
    assert "validation" in text
    assert "\u2800" not in text
    assert lines[-1].strip() == "epoch 200: loss 0.02005, val_loss 0.2; best val_loss 0.1067 at epoch 100"


def test_terminal_curve_in_ascii():
    rising = [{"loss": 0.0, "val_loss": 1.0}, {"loss": 1.0, "val_loss": 1.0}]
    lines = terminal_curve(rising, 40, 8, unicode=False).splitlines()
    assert lines == [
        "     loss",
        "1.0 +@ooooooooooooooooooooooo train",
        "    |            ********     validation",
        "0.5 +    ********",
        "0.0 +****",
        "    +|----------------------|",
        "     1                      2 epoch",
        "  epoch 2: loss 1, val_loss 1; best val_loss 1 at epoch 1",
    ]


def test_terminal_curve_marks_the_best_epoch():
    assert terminal_curve(history(), unicode=True).count("●") == 1
    assert terminal_curve(history(), unicode=False).count("@") == 1
    assert "best val_loss 0.1506 at epoch 150" in terminal_curve(history(), best=150)


def test_terminal_curve_in_color():
    text = terminal_curve(history(), color=16)
    assert re.sub("\x1b\\[[0-9]+m", "", text) == terminal_curve(history())
    assert painted("train", "first", 16) in text
    assert painted("validation", "second", 16) in text


def test_one_epoch():
    text = terminal_curve([{"epoch": 1, "loss": 2.5}], 60, 10)
    assert "●" in text
    assert "validation" not in text
    assert "epoch 1: loss 2.5; best loss 2.5 at epoch 1" in text


def test_linear_scale_where_the_range_is_small():
    text = terminal_curve([{"loss": 3.0 - i / 10} for i in range(10)])
    assert text.splitlines()[0].strip() == "loss"
    assert "2.5 ┤" in text
    assert "log" not in terminal_curve([{"loss": 100.0}, {"loss": 0.0}])


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ([], "no epoch is recorded yet"),
        ([{"loss": math.nan}, {"loss": None}, {"loss": math.inf}, {}], "the loss was never a finite number"),
    ],
)
def test_nothing_to_draw(records, words):
    assert terminal_curve(records) == words + "\n"
    assert words in texts(svg_curve(records, "title"))


def test_losses_of_any_size():
    for values in (
        [1e299, 1e-300],
        [1e308, 1.0],
        [0.0, 0.0],
        [-5.0, -1e9, 3.0],
        [5e-324, 1.0],
        [1e15, 1e15 + 1],
    ):
        records = [{"loss": v} for v in values]
        assert "train" in terminal_curve(records)
        ElementTree.fromstring(svg_curve(records, "x"))


# SVG


def test_svg_structure():
    svg = svg_curve(history(), "iris")
    root = ElementTree.fromstring(svg)
    assert root.get("viewBox") == "0 0 720 450"
    found = texts(svg)
    assert found[0] == "iris"
    for text in ("0.02", "0.1", "1", "100", "200", "epoch", "loss, log scale", "train", "validation"):
        assert text in found
    assert "best: 0.1067 at epoch 100" in found
    lines = [d for d in (e.get("d") for e in root.iter(f"{SVG}path")) if d.count("L") > 1]
    assert [line.count("L") for line in lines] == [199, 199]
    for line in lines:
        numbers = [float(x) for x in re.findall("[0-9.]+", line)]
        assert all(40 <= x <= 700 for x in numbers[::2])
        assert all(60 <= y <= 380 for y in numbers[1::2])
    assert svg == svg_curve(history(), "iris")


def test_svg_breaks_the_line_where_the_loss_is_none():
    records = history(30)
    records[10]["loss"] = math.nan
    records[12]["loss"] = None
    root = ElementTree.fromstring(svg_curve(records, "x"))
    train = [p.get("d") for p in root.iter(f"{SVG}path") if p.get("stroke") == "#0072b2"]
    # the legend's sample, then epochs 1 to 10 and 14 to 30, and validation has all 30
    assert [d.count("L") for d in train] == [1, 9, 16]
    # epoch 12 stands alone between two gaps: a dot, beside that of the best epoch
    assert len(list(root.iter(f"{SVG}circle"))) == 2


def test_svg_escapes_the_title():
    svg = svg_curve(history(3), '<script>alert("x")</script> & \x1b[31m \x00 \u202e')
    root = ElementTree.fromstring(svg)
    assert root.find(f"{SVG}script") is None
    shown = '<script>alert("x")</script> & \\x1b[31m \\x00 \\u202e'
    assert root.get("aria-label") == root.find(f"{SVG}title").text == shown
    assert texts(svg)[0] == shown
    lines = texts(svg_curve(history(3), "a long name of a run " * 5))[:2]
    assert " ".join(lines).strip() == " ".join(["a long name of a run"] * 5)


def test_svg_of_a_long_run_is_small():
    records = [{"epoch": e, "loss": 1 + e % 7 / 7} for e in range(1, 100_001)]
    records[77_777]["loss"] = 0.25
    svg = svg_curve(records, "long")
    assert len(svg) < 40_000
    assert "best: 0.25 at epoch 77778" in texts(svg)
    # the lowest point is on the line, and nothing is below it
    (line,) = [p.get("d") for p in ElementTree.fromstring(svg).iter(f"{SVG}path") if len(p.get("d")) > 99]
    points = [tuple(map(float, point.split())) for point in line[1:].split("L")]
    (dot,) = ElementTree.fromstring(svg).iter(f"{SVG}circle")
    assert max(points, key=lambda p: p[1]) == (float(dot.get("cx")), float(dot.get("cy")))


def test_colors_differ_for_every_eye():
    svg = svg_curve(history(), "x")
    assert "#0072b2" in svg
    assert "#c04e00" in svg
