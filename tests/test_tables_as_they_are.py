"""Tables as people have them: numbers and dates as they write them, gaps, ids, packed files, images."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backprop_cli.errors import BackpropError, DataError
from backprop_cli.tables import amounts, dates
from backprop_cli.tables.text import Gaps, WrongCell
from backprop_cli.training.config import loads
from backprop_cli.training.data import Splits, load
from backprop_cli.training.data.encoding import Encoding


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def table(content: str | bytes, data: str = "", name: str = "t.csv") -> Splits:
    Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
    return opened(name, data)


def opened(name: str, data: str = "") -> Splits:
    more = f", {data}" if data else ""
    return load(
        loads(
            f"data: {{path: {name}{more}, scaling: none}}\nmodel: {{layers: [flatten, {{type: linear}}]}}\n",
            "c.yaml",
        )
    )


def refused(content: str | bytes, data: str = "", name: str = "t.csv") -> str:
    with pytest.raises(BackpropError) as caught:
        table(content, data, name)
    return str(caught.value)


# numbers as people write them


def written(value: float, rng: random.Random, comma: bool, unit: tuple[str, str], group: str) -> str:
    """Write a number as people do; the value is the oracle."""
    text = f"{abs(value):,.2f}".replace(",", "G").replace(".", "," if comma else ".").replace("G", group)
    text = f"{unit[0]}{text}{unit[1]}"
    if value < 0:
        text = rng.choice([f"-{text}", f"({text})", f"\u2212{text}"])
    return text


def test_numbers_read_back_whatever_they_are_dressed_in() -> None:
    rng = random.Random(7)
    units = [("", ""), ("$", ""), ("", " kg"), ("", "%"), ("\u20ac ", ""), ("", " km/h"), ("USD ", "")]
    for _ in range(300):
        comma = rng.random() < 0.5
        group = rng.choice(["", "\u00a0", "'", "." if comma else ","])
        unit = rng.choice(units)
        values = [round(rng.uniform(-1e6, 1e6), 2) for _ in range(6)]
        cells = [written(value, rng, comma, unit, group) for value in values]
        how = amounts.learn(cells)
        assert how.read(cells).tolist() == values, cells


@pytest.mark.parametrize(
    "cells",
    [
        ["12,5", "1.5"],  # two signs of decimals
        ["12%", "0.12"],
        ["34 kg", "75 lb"],
        ["34 kg", "34"],
        ["$5", "\u20ac5"],
        ["1,20,000"],
        ["1.2.3"],
        ["(-5)"],
        ["(5"],
        ["5-"],
        ["1_000"],
        ["about 5"],
        ["10-20"],
        ["1e999"],
        ["5 6"],
    ],
)
def test_what_a_column_does_not_settle_is_refused(cells: list[str]) -> None:
    with pytest.raises(WrongCell):
        amounts.learn(cells)


def test_a_column_said_to_be_numbers(here: Path) -> None:
    rows = 'who,salary,rate\na,"$139,750",12 %\nb,"$80,000",(3 %)\na,NA,7 %\nb,"$1,200.5",1 %\n'
    found = table(rows, "target: rate, numbers: [salary, rate], missing: {salary: median, others: error}")
    assert found.encoding.names == ["who=a", "who=b", "salary"]
    assert found.train.inputs[:, 2].tolist() == [139750, 80000, 80000, 1200.5]
    assert found.train.targets[:, 0].tolist() == [12, -3, 7, 1]
    again = Encoding.from_dict(json.loads(json.dumps(found.encoding.as_dict())))
    assert again.as_dict() == found.encoding.as_dict()
    encoded = again.encode({"who": ["a"], "salary": ["$7"]}, lambda row, name: "t:1")
    assert encoded.tolist() == [[1, 0, 7]]
    with pytest.raises(DataError, match="'7' has no unit"):
        again.encode({"who": ["a"], "salary": ["7"]}, lambda row, name: "t:1")


def test_a_sign_that_may_be_either_is_told(here: Path) -> None:
    found = table("p,y\n€ 150.000,1.5\n€ 70.000,2\n", "numbers: p")
    assert found.train.inputs.tolist() == [[150], [70]]
    assert found.notes == [
        "column 'p': € 150.000 is read as 150; data.decimal: comma would read it as 150000"
    ]
    told = table("p;y\n€ 150.000;1,5\n€ 70.000;2\n", "numbers: p, separator: ;, decimal: comma")
    assert told.train.inputs.tolist() == [[150000], [70000]]
    assert told.notes == []
    assert table("p,y\n€ 150.5,1.5\n€ 70,2\n", "numbers: p").notes == []


def test_decimal_commas_of_a_table_and_of_a_column(here: Path) -> None:
    found = table("a;y\n12,5;\u20ac 1.200,50\n3;\u20ac 7\n", "separator: ;, decimal: comma, numbers: y")
    assert found.train.inputs.tolist() == [[12.5], [3]]
    assert found.train.targets.tolist() == [[1200.5], [7]]


def test_names_with_numbers_in_them_are_categories(here: Path) -> None:
    assert table("a,y\n1st,1\n2nd,2.5\n3rd,3\n").encoding.names == ["a=1st", "a=2nd", "a=3rd"]
    assert len(table("a,y\n1st class,1\n2nd class,2.5\n1st class,3\n").encoding.names) == 2
    assert table("a,y\n4,1\n4 wheels,2.5\n2 wheels,3\n").encoding.names == ["a=2 wheels", "a=4", "a=4 wheels"]
    says = refused("a,y\n34 kg,1.5\n35 kg,2\n")
    assert "column 'a': '34 kg' is not a number" in says
    assert "data.numbers: ['a'] reads it as 34" in says


# dates


def test_dates_read_back_in_every_form() -> None:
    rng = random.Random(3)
    forms = ["%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%B %d, %Y", "%b %d %Y", "%d %b %Y", "%d-%b-%Y", "%Y%m%d"]
    times = ["", "T%H:%M:%S", " %H:%M:%S", "T%H:%M:%SZ", " %I:%M:%S %p"]
    for _ in range(200):
        form = rng.choice(forms)
        form += "" if form == "%Y%m%d" else rng.choice(times)
        moments = [datetime(1900, 1, 1) + timedelta(seconds=rng.randrange(6 * 10**9)) for _ in range(5)]
        cells = [moment.strftime(form) for moment in moments]
        days = dates.learn(cells).read(cells)
        for moment, cell, day in zip(moments, cells, days.tolist(), strict=True):
            expected = datetime.strptime(cell.removesuffix("Z"), form.removesuffix("Z"))
            assert day == pytest.approx((expected - datetime(1970, 1, 1)).total_seconds() / 86400, abs=1e-9)
            parts = {name: part(np.array([day])).item() for name, part in dates.PARTS.items()}
            assert (parts["year"], parts["month"], parts["day"]) == (moment.year, moment.month, moment.day)
            assert parts["weekday"] == moment.isoweekday()


def test_the_order_of_day_and_month_is_told_or_asked_for(here: Path) -> None:
    assert dates.learn(["3/4/2020", "13/4/2020"]).order == "dmy"
    assert dates.learn(["3/4/2020", "4/13/2020"]).order == "mdy"
    assert dates.learn(["3.4.2020"]).order == "dmy"
    rows = "d,y\n3/4/2020,1.5\n4/5/2020,2\n"
    assert "hint: data.date_order: dmy, or mdy" in refused(rows, "dates: d")
    found = table(rows, "dates: {d: [month, elapsed]}, date_order: mdy")
    assert found.encoding.names == ["d.month", "d.elapsed"]
    assert found.train.inputs.tolist() == [[3, 0], [4, 32]]
    for cells in (["13/14/2020"], ["2020-02-30"], ["1/2/20"], ["May"], ["5"], ["2020-01-01 25:00"]):
        with pytest.raises(WrongCell):
            dates.learn(cells)


def test_dates_elapse_from_the_earliest_training_row(here: Path) -> None:
    found = table("d,y\n2020-03-01,1.5\n2020-02-28,2\n", "dates: d")
    assert found.encoding.names == ["d.year", "d.month", "d.weekday", "d.elapsed"]
    assert found.train.inputs.tolist() == [[2020, 3, 7, 2], [2020, 2, 5, 0]]
    rows = found.encoding.encode({"d": ["2021-02-28"]}, lambda row, name: "t:1")
    assert rows.tolist() == [[2021, 2, 7, 366]]


# gaps


def test_gaps_by_column(here: Path) -> None:
    rows = "a,b,c,y\n1,,red,1.5\n,2,,2\n4,4,red,3\n9,6,blue,1\n"
    found = table(rows, "missing: {a: median, b: mean, c: category}")
    assert found.encoding.names == ["a", "b", "c=blue", "c=missing", "c=red"]
    assert found.train.inputs.tolist() == [
        [1, 4, 0, 0, 1], [4, 2, 0, 1, 0], [4, 4, 0, 0, 1], [9, 6, 1, 0, 0],
    ]  # fmt: skip
    apart = table(rows, "missing: category, features: [a, b]")
    assert apart.encoding.names == ["a", "a=missing", "b", "b=missing"]
    assert apart.train.inputs[:, 1].tolist() == [0, 1, 0, 0]
    assert table(rows, "missing: {others: drop}").dropped == 2
    assert "no value in column 'c'" in refused(rows, "missing: {a: mean, b: mean}")
    assert "no column 'q'" in refused(rows, "missing: {q: mean, others: drop}")


def test_what_is_missing_can_be_said(here: Path) -> None:
    rows = "land,x,y\nNA,-999,1.5\n-,3,2\nDE,5,3\n"
    found = table(rows, "missing: mean, missing_values: [-999, '-']")
    assert found.encoding.names == ["land=DE", "land=NA", "x"]
    assert found.train.inputs[:, 2].tolist() == [4, 3, 5]
    assert Gaps.of(["?"]).texts == {"", "?"}
    plain = table("x,y\n-999,1.5\n3,2\n", "missing: drop, missing_values: -999")
    assert plain.train.inputs.tolist() == [[3]]
    again = Encoding.from_dict(found.encoding.as_dict())
    rows = again.encode({"land": ["NA"], "x": ["-999.0"]}, lambda row, name: "t:1")
    assert rows.tolist() == [[0, 1, 4]]


def test_unknown_categories(here: Path) -> None:
    Path("e.csv").write_text("c,y\nblue,1.5\n")
    rows = "c,y\nred,1.5\ngreen,2\n"
    assert "data.unknown: ignore" in refused(rows, "test_path: e.csv")
    found = table(rows, "test_path: e.csv, unknown: ignore")
    assert found.test is not None
    assert found.test.inputs.tolist() == [[0, 0]]


# columns that teach nothing


def test_what_teaches_nothing_is_noted_and_left_out_when_told(here: Path) -> None:
    lines = [f"{i + 1},n{i},5,2020-01-{i + 1:02d},{i % 4},{i % 3}.5" for i in range(12)]
    rows = "PassengerId,name,const,day,x,y\n" + "\n".join(lines) + "\n"
    found = table(rows)
    noted = [note.split("'")[1] for note in found.notes]
    assert noted == ["PassengerId", "name", "const", "day"]
    assert "data.dates: ['day']" in found.notes[3]
    assert table(rows, "exclude: auto").encoding.names == ["x"]
    assert len(table(rows, "exclude: auto").notes) == 4
    left = table(rows, "exclude: [name, PassengerId], dates: {day: elapsed}")
    assert left.encoding.names == ["const", "day.elapsed", "x"]
    assert table("x,y,z\n1,2.5,3\n2,3,4\n", "exclude: z").encoding.targets == ["y"]
    assert "no column 'q'" in refused(rows, "exclude: q")
    assert "'y' is left out" in refused(rows, "exclude: [y], target: y")
    assert "no features are left" in refused("x,y\n1,2.5\n2,3\n", "exclude: x")


def test_years_and_measures_are_not_taken_for_ids(here: Path) -> None:
    rows = "year,width,t\n" + "".join(f"{1990 + i},{(i * 7) % 12},{i}\n" for i in range(12))
    assert table("x,y\n" + "".join(f"{i},{i}.5\n" for i in range(12))).notes == []
    assert table(rows, "target: width").notes == [
        "task: regression, since 'width' has 12 different whole numbers in 12 rows;"
        " task: classification takes each for a class"
    ]


def test_texts_of_many_kinds_are_no_classes_unless_asked(here: Path) -> None:
    rows = "x,y\n" + "".join(f"{i},name {i}\n" for i in range(40))
    assert "40 classes for 40 rows" in refused(rows)


# files


def test_packed_recoded_and_listed_tables_are_the_plain_one(here: Path) -> None:
    plain = "größe,y\n1,1.5\n2,2.5\n3,0.5\n"
    records = [{"größe": i, "y": y} for i, y in ((1, 1.5), (2, 2.5), (3, 0.5))]
    expected = table(plain).train.inputs.tolist()
    forms: dict[str, tuple[bytes, str]] = {
        "t.csv.gz": (gzip.compress(plain.encode()), ""),
        "latin.csv": (plain.encode("latin-1"), "encoding: latin-1"),
        "wide.csv": (plain.encode("utf-16"), "encoding: utf-16"),
        "wide.csv.gz": (gzip.compress(plain.encode("utf-16")), "encoding: utf-16"),
        "t.json": (json.dumps(records).encode(), ""),
        "indented.json": (json.dumps(records, indent=2).encode(), ""),
        "lines.json": (b"".join(json.dumps(r).encode() + b"\n" for r in records), ""),
        "t.jsonl": (b"".join(json.dumps(r).encode() + b"\n" for r in records), ""),
        "t.jsonl.gz": (gzip.compress(b"".join(json.dumps(r).encode() + b"\n" for r in records)), ""),
    }
    for name, (content, data) in forms.items():
        found = table(content, data, name)
        assert (found.encoding.names, found.train.inputs.tolist()) == (["größe"], expected), name


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("t.xlsx", b"PK\x03\x04\x14\0\6\0[Content_Types].xml", "the file is a spreadsheet"),
        ("t.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a spreadsheet or document"),
        ("t.mat", b"MATLAB 5.0 MAT-file, Platform", "scipy.io.loadmat"),
        ("t.h5", b"\x89HDF\r\n", "an HDF5 file"),
        ("t.pkl", b"\x80\x04\x95", "never loaded"),
        ("t.csv.gz", gzip.compress(b"a,y\n1,2\n", mtime=0)[:-9], "damaged or cut short"),
        ("t.json", b'{"a": {"0": 1}, "y": {"0": 2}}', "one JSON object, not one for each row"),
        ("t.json", b"[1, 2]", "a JSON list, but not of objects"),
        ("t.json", b'[{"a": 1},', "the file is no JSON"),
        ("t.html", b"<!DOCTYPE html><html>", "a page of HTML"),
        ("t.csv", "größe,y\n1,2\n".encode("latin-1"), "data.encoding: latin-1"),
        ("t.csv", "a,y\n1,2\n".encode("utf-16"), "data.encoding: utf-16"),
    ],
)
def test_what_is_no_table_is_named(here: Path, name: str, content: bytes, says: str) -> None:
    assert says in refused(content, "", name)


def test_no_encoding(here: Path) -> None:
    assert "there is no encoding 'latim'" in refused("a,y\n1,2.5\n", "encoding: latim")
    assert "the text is not ascii" in refused("ä,y\n1,2.5\n", "encoding: ascii")


def test_parquet_and_arrow(here: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import feather, parquet

    columns = {"x": [1.5, None, 0.1], "c": ["a", "b", None], "y": [1.5, 2, 3], "on": [True, False, True]}
    parquet.write_table(arrow.table(columns), "t.parquet")
    feather.write_feather(arrow.table(columns), "t.feather")
    for name in ("t.parquet", "t.feather"):
        found = opened(name, "target: y, missing: {x: mean, c: category}")
        assert found.encoding.names == ["x", "c=a", "c=b", "c=missing", "on=false", "on=true"]
        assert found.train.inputs[:, 0].tolist() == [1.5, 0.8, 0.1]


def test_without_its_library_parquet_is_refused(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "backprop_cli.tables.columnar", raising=False)  # of another test
    assert "pip install 'backprop-cli[arrow]'" in refused(b"PAR1 and more", "", "t.parquet")


# arrays


def images(layout: Callable[[Any], Any] = lambda x: x) -> Any:
    return layout(np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5))


def test_images_are_never_scrambled(here: Path) -> None:
    """Whatever the layout, the rows are those of channels first; without a word of it, they are refused."""
    y = np.array([0.5, 1.5])
    expected = images().reshape(2, -1).tolist()
    np.savez("first.npz", x=images(), y=y)
    np.savez("last.npz", x=images(lambda x: x.transpose(0, 2, 3, 1)), y=y)
    np.savez("flat.npz", x=images().reshape(2, -1), y=y)
    for name, data in (
        ("first.npz", "shape: [3, 4, 5]"),
        ("first.npz", "layout: nchw"),
        ("last.npz", "layout: nhwc"),
        ("flat.npz", "shape: [3, 4, 5]"),
    ):
        found = opened(name, data).train.inputs
        assert found.shape == (2, 3, 4, 5)
        assert found.reshape(2, -1).tolist() == expected
    with pytest.raises(DataError, match="be read in another order") as caught:
        opened("last.npz", "shape: [3, 4, 5]")
    assert caught.value.hint == "data.layout: nhwc"
    with pytest.raises(DataError, match="not of the layout"):
        opened("flat.npz", "layout: nhwc")


def test_arrays_of_the_usual_names(here: Path) -> None:
    x, y = np.arange(12.0).reshape(6, 2), np.arange(6) * 0.5
    np.savez("m.npz", x_train=x[:4], y_train=y[:4], x_test=x[4:], y_test=y[4:])
    found = opened("m.npz")
    assert found.train.inputs.tolist() == x[:4].tolist()
    assert found.test is not None
    assert found.test.inputs.tolist() == x[4:].tolist()
    assert found.validation is None
    np.savez("n.npz", x_train=x[:4], y_train=y[:4], x_test=x[4:, :1], y_test=y[4:])
    with pytest.raises(DataError, match="rows of another shape"):
        opened("n.npz")


def test_a_single_array(here: Path) -> None:
    np.save("d.npy", np.array([[1.0, 2, 0.5], [3, 4, 1.5]]))
    assert opened("d.npy").encoding.names == ["c1", "c2"]
    assert opened("d.npy", "header: [a, b, z]").encoding.targets == ["z"]
    with pytest.raises(DataError, match="3 columns, data\\.header has 2 names"):
        opened("d.npy", "header: [a, b]")
    np.save("e.npy", np.zeros((2, 3, 4)))
    with pytest.raises(DataError, match="not \\(rows, columns\\)"):
        opened("e.npy")


# memory


def test_arrays_take_their_memory_about_twice(here: Path) -> None:
    """The columns and what is trained, not every step on the way; float32 takes less."""
    import tracemalloc

    numbers = np.random.default_rng(0).normal(size=(40_000, 24)).astype(np.float32)
    np.savez("t.npz", x=numbers, y=numbers[:, 0])
    peaks = {}
    for dtype in ("float64", "float32"):
        loaded = loads(f"data: {{path: t.npz}}\nmodel: {{hidden: [3]}}\ndtype: {dtype}\n", "c.yaml")
        tracemalloc.start()
        found = load(loaded)
        peaks[dtype] = tracemalloc.get_traced_memory()[1] / (8 * numbers.size)
        tracemalloc.stop()
        assert found.train.inputs.dtype == dtype
    assert peaks["float64"] < 3.2
    assert peaks["float32"] < peaks["float64"] - 0.2


def test_places_are_found_again_in_text_that_was_let_go(here: Path) -> None:
    rows = "x,y\n" + "".join(f"{i % 50 + 1},{i}.5\n" for i in range(66_000)) + "-1,2\n"
    assert refused(rows, "features: [log(x)]").startswith("t.csv:66002:1: feature 'log(x)'")
    found = table(rows, "categories: [x]")
    assert found.encoding.names[:3] == ["x=-1", "x=1", "x=10"]
