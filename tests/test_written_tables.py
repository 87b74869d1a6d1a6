"""Tables as spreadsheets and statistics programs write them, and figures of targets that are formulas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backprop_cli.errors import BackpropError
from backprop_cli.training.config import loads
from backprop_cli.training.data import Splits, load

PLAIN = "scaling: none, target_scaling: none, validation_split: 0"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def table(text: str, more: str) -> Splits:
    Path("t.csv").write_text(text)
    config = f"data: {{path: t.csv, {PLAIN}, {more}}}\nmodel: {{hidden: [2]}}\ntask: regression\n"
    return load(loads(config, "c.yaml"))


COMMA = "separator: ;, decimal: comma"


@pytest.mark.parametrize(
    ("cells", "more", "numbers"),
    [
        (["1.200,50", "450,25", "1.234.567,8"], "", [1200.5, 450.25, 1234567.8]),
        (["-1.200,5", "+12.345.678", "7"], "", [-1200.5, 12345678.0, 7.0]),
        # plain numbers of the table have been turned already: 1,234 is never a thousand
        (["(1,234)", "(1.500,5)", "2,125"], ", numbers: y", [-1.234, -1500.5, 2.125]),
        (["1,234", "(1,5)", "2,5"], ", numbers: y", [1.234, -1.5, 2.5]),
        (["1,234 %", "1.234,5 %", "1.200 %"], ", numbers: y", [1.234, 1234.5, 1200.0]),
    ],
)
def test_points_between_thousands_where_decimals_have_commas(
    cells: list[str], more: str, numbers: list[float]
) -> None:
    text = "a;y\n" + "".join(f"{i},5;{cell}\n" for i, cell in enumerate(cells))
    assert table(text, COMMA + more).train.targets.ravel().tolist() == numbers


@pytest.mark.parametrize("cell", ["1.200", "12.00,5", "1.2345,6", "0.5"])
def test_a_point_that_may_be_another_is_refused(cell: str) -> None:
    with pytest.raises(BackpropError, match="has a point, where decimals have commas"):
        table(f"a;y\n1,5;{cell}\n2;3\n", COMMA)


@pytest.mark.parametrize(("sign", "name"), [(",", "t.csv"), ("\t", "t.tsv")])
def test_a_header_one_cell_short_as_r_writes_it(sign: str, name: str) -> None:
    lines = [sign.join(row) for row in (['"x"', '"y"'], ['"1"', "2.5", "3"], ['"2"', "3.5", "4"])]
    Path(name).write_text("\n".join(lines) + "\n")
    with pytest.raises(BackpropError) as caught:
        load(loads(f"data: {name}\nmodel: {{hidden: [2]}}\n", "c.yaml"))
    assert f"begin the first line with a name for it: row{sign}x" in str(caught.value.hint)
    Path(name).write_text("\n".join([f"row{sign}{lines[0]}", *lines[1:]]) + "\n")
    read = load(loads(f"data: {{path: {name}, exclude: [row]}}\nmodel: {{hidden: [2]}}\n", "c.yaml"))
    assert read.encoding.names == ["x"]


def test_figures_of_a_formula_are_told_in_the_unit_of_its_column_too(run: Any) -> None:
    x = np.linspace(0, 4, 60)
    y = 1000 * np.exp(0.5 * x + np.random.default_rng(0).normal(0, 0.1, 60))
    rows = "".join(f"{a!r},{b!r}\n" for a, b in zip(x.tolist(), y.tolist(), strict=True))
    Path("p.csv").write_text("a,price\n" + rows)
    Path("p.yaml").write_text(
        "data: {path: p.csv, target: log(price)}\nmodel: {hidden: [8]}\n"
        "optimizer: {type: adam, lr: 0.02}\ntraining: {keep: last}\n"
    )
    assert "mse, of log(price), which predict undoes" in run("train", "p.yaml", "-q").answered().out
    text = run("evaluate", "runs/p", "p.csv").answered().out
    told = json.loads(run("evaluate", "runs/p", "p.csv", "--format", "json").answered().out)
    (undone,) = told["undone"]
    assert (undone["target"], undone["column"], undone["left_out"]) == ("log(price)", "price", 0)
    answers = run("predict", "runs/p", "p.csv", "--format", "json").answered().out
    found = [json.loads(line) for line in answers.splitlines()]
    key = next(name for name in found[0] if name.startswith("prediction"))
    misses = np.array([row[key] for row in found]) - y
    assert undone["mae"] == pytest.approx(np.abs(misses).mean(), rel=1e-6)
    assert undone["rmse"] == pytest.approx(np.sqrt(np.square(misses).mean()), rel=1e-6)
    assert told["mae"] < 1.0 < undone["mae"]
    assert "these are of log(price); of price itself MAE" in text


# --- arrays to predict from -----------------------------------------------------------------------


def trained(run: Any, names: str = "x1,x2,x3") -> Any:
    x = np.random.default_rng(0).normal(size=(60, 3))
    rows = "".join(",".join(map(repr, [*row, float(row[0] - row[1])])) + "\n" for row in x.tolist())
    Path("t.csv").write_text(f"{names},y\n{rows}")
    Path("c.yaml").write_text(
        "data: {path: t.csv, target: y}\nmodel: {hidden: [4]}\ntraining: {epochs: 2}\nname: m\n"
    )
    run("train", "c.yaml", "-qq").answered()
    return x


def predictions(run: Any, *words: str, **more: Any) -> list[float]:
    lines = run("predict", "runs/m", *words, "--format", "value", **more).answered().out.splitlines()
    return [float(line) for line in lines]


@pytest.mark.parametrize("names", ["x1,x2,x3", "area,rooms,age"])
def test_arrays_are_predicted_from_as_text_is(run: Any, names: str) -> None:
    x = trained(run, names)
    expected = predictions(run, "t.csv")
    np.save("a.npy", x)
    np.savez("a.npz", x=x)
    np.savez_compressed("b.npz", x=x, y=x[:, 0])
    np.savez("named.npz", **dict(zip(names.split(","), x.T, strict=True)))
    for file in ("a.npy", "a.npz", "b.npz", "named.npz"):
        assert predictions(run, file) == expected


def test_an_array_of_other_columns_is_refused(run: Any) -> None:
    x = trained(run, "area,rooms,age")
    np.save("two.npy", x[:, :2])
    np.savez("others.npz", p=x[:, 0], q=x[:, 1], r=x[:, 2])
    for file in ("two.npy", "others.npz"):
        run("predict", "runs/m", file).refused(2, "no column 'area'")


def test_a_row_of_an_array_that_lacks_a_value_says_so(run: Any) -> None:
    x = trained(run)
    x[1, 2] = np.nan
    np.save("gap.npy", x[:3])
    told = run("predict", "runs/m", "gap.npy")
    assert told.status == 3
    assert told.out.splitlines()[2].endswith("no value in column 'x3'")


def test_an_archive_comes_by_stdin(run: Any, process: Any) -> None:
    x = trained(run)
    expected = predictions(run, "t.csv")
    np.savez("a.npz", x=x, y=x[:, 0] - x[:, 1])
    with open("a.npz", "rb") as archive:
        done = process("predict", "runs/m", "-", "--format", "value", stdin=archive.read()).answered()
    assert [float(line) for line in done.out.splitlines()] == expected
    with open("a.npz", "rb") as archive:
        done = process(
            "train", "c.yaml", "data.path=-", "data.target=null", "--dry-run", stdin=archive.read()
        )
    assert "3 features, 1 target: 48 training, 12 validation rows" in done.answered().out
