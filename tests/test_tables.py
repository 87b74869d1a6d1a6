from __future__ import annotations

import contextlib
import csv
import io
import json
import math
import os
import struct
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from backprop_cli.errors import DataError, FileError, UsageError
from backprop_cli.tables import chunks as chunks_module
from backprop_cli.tables import read as read_module
from backprop_cli.tables.block import Block
from backprop_cli.tables.chunks import LINE_LIMIT, Chunks
from backprop_cli.tables.delimited import DelimitedReader
from backprop_cli.tables.dialect import Dialect, Translated
from backprop_cli.tables.jsonlines import JsonReader
from backprop_cli.tables.numerals import number, number_hint, numbers
from backprop_cli.tables.read import open_points, sniff
from backprop_cli.tables.write import csv_writer, fresh_names, jsonl_writer

QUICK = settings(max_examples=60, deadline=None)


@pytest.fixture
def table(tmp_path):
    """Write a file of points and return its path."""

    def write(content, name="rows.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


def bits(values):
    return [struct.pack("d", value) for value in values]


def read_all(path, variables=("x", "y"), **options):
    """Return every variable's values, over all blocks."""
    with open_points(path, variables, **options) as points:
        blocks = list(points)
    assert [b.first_row for b in blocks] == [sum(b.rows for b in blocks[:i]) for i in range(len(blocks))]
    return {name: [v for b in blocks for v in b.values[name].tolist()] for name in points.variables}


def failure(path, variables=("x", "y"), error=DataError, **options):
    """Return place (without the folder) and message of the error that reading ends with."""
    with pytest.raises(error) as caught:
        read_all(path, variables, **options)
    place = caught.value.place
    return place and os.path.basename(place), caught.value.message


class FakeStdin:
    def __init__(self, data):
        self.buffer = io.BytesIO(data)


# CSV and TSV: what is accepted


@pytest.mark.parametrize(
    "text",
    [
        "x,y\n1,2\n3,4\n",
        "x,y\n1,2\n3,4",
        "x,y\r\n1,2\r\n3,4\r\n",
        "x,y\r1,2\r3,4\r",
        "x,y\r1,2\n3,4\r\n",
        "\ufeffx,y\n1,2\n3,4\n",
        "\n\nx,y\n\n1,2\n\n\n3,4\n\n",
        " x ,\ty\n1, 2 \n 3\t,4\n",
        "y,x\n2,1\n4,3\n",
        '"x","y"\n"1","2"\n3,"4"\n',
        "x,y\n+1,2.\n03,4e0\n",
        "x,y,z\n1,2,one\n3,4,\n",
        "name,x,y\nα,1,2\nβ,3,4\n",
        'name,x,y\n"a,b",1,2\n"say ""a""",3,4\n',
        'name,x,y\n"a\nb",1,2\n5" pipe,3,4\n',
        'name,x,y\n"a\r\nb",1,2\r\n"\r",3,4\r\n',
    ],
)
@pytest.mark.parametrize("kind", ["csv", "tsv"])
@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 1 << 20])
def test_delimited_text_is_read(table, monkeypatch, text, kind, chunk):
    monkeypatch.setattr(chunks_module, "CHUNK", chunk)
    monkeypatch.setattr(read_module, "CHUNK", chunk if chunk > 3 else 3)
    if kind == "tsv":
        text = text.replace("\t", " ").replace(",", "\t")
    path = table(text, f"rows.{kind}")
    assert read_all(path) == {"x": [1.0, 3.0], "y": [2.0, 4.0]}
    assert read_all(path, block_rows=1) == {"x": [1.0, 3.0], "y": [2.0, 4.0]}


def test_source_tells_its_columns(table):
    path = table("id,y,b,x\np,2,5,1\n")
    with open_points(path, ["x", "y", "a", "b"], optional={"a", "b"}) as points:
        (block,) = points
    assert (points.path, points.kind, points.names) == (path, "csv", ["id", "y", "b", "x"])
    assert (points.variables, points.passed) == (["x", "y", "b"], ["id"])
    assert (block.rows, block.first_row, block.lines) == (1, 0, [b"p,2,5,1"])
    assert block.records() == [{"id": "p", "y": 2.0, "b": 5.0, "x": 1.0}]
    assert block.values["x"].dtype == np.float64
    assert points.fraction == 1.0


def test_greek_names_are_compared_as_the_language_reads_them(table):
    path = table("\N{MICRO SIGN},e\u0301\n1,2\n")
    assert read_all(path, ["\N{GREEK SMALL LETTER MU}", "\xe9"]) == {
        "\N{GREEK SMALL LETTER MU}": [1.0],
        "\xe9": [2.0],
    }


@pytest.mark.parametrize("name", ["rows.csv", "rows.tsv"])
def test_header_alone_has_no_blocks(table, name):
    assert read_all(table("x\n", name), ["x"]) == {"x": []}


def test_no_variable_at_all(table):
    with open_points(table("id\n1\n\nb\n"), []) as points:
        (block,) = points
    assert (block.rows, block.values, block.records()) == (2, {}, [{"id": "1"}, {"id": "b"}])


def test_lines_are_the_raw_text(table):
    path = table('s,x\r\n"a\r\nb", 1.50 \r\n\r\nc,2\r\n')
    with open_points(path, ["x"]) as points:
        (block,) = points
    assert block.lines == [b'"a\r\nb", 1.50 ', b"c,2"]
    assert block.records() == [{"s": "a\r\nb", "x": 1.5}, {"s": "c", "x": 2.0}]
    assert [block.place(i).split(":", 1)[1] for i in range(2)] == ["2:1", "5:1"]


def test_blocks_are_cut_at_block_rows(table):
    path = table("x\n" + "".join(f"{i}\n" for i in range(1000)))
    with open_points(path, ["x"], block_rows=64) as points:
        blocks = list(points)
    assert [b.rows for b in blocks] == [64] * 15 + [40]
    assert [b.place(0).rsplit(":", 2)[1] for b in blocks[:2]] == ["2", "66"]
    assert read_all(path, ["x"], block_rows=64) == {"x": [float(i) for i in range(1000)]}


def test_rows_over_the_end_of_a_chunk(table):
    values = np.random.default_rng(0).normal(size=(70_000, 2))
    text = "x,y\n" + "".join(f"{a!r},{b!r}\n" for a, b in values.tolist())
    assert len(text) > 2 * chunks_module.CHUNK
    found = read_all(table(text))
    assert bits(found["x"]) == bits(values[:, 0].tolist())
    assert bits(found["y"]) == bits(values[:, 1].tolist())


# CSV and TSV: what is refused, and where


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("", "1:1", "the file is empty"),
        ("\n \n", "1:1", "the file is empty"),
        ("1,2\n3,4\n", "1:1", "the first line is numbers, not the names of the columns"),
        ("x,z\n1,2\n", "1:1", "no column for the variable 'y'; the columns are x, z"),
        ("\nx,y,z, x\n", "2:7", "two columns are named 'x'"),
        ("x,y\n1,2\n3\n", "3:1", "the row has 1 field, the header has 2"),
        ("x,y\n1,2\n3,4,55,6\n", "3:5", "the row has 4 fields, the header has 2"),
        ("x,y\n1,2\n\n3,abc\n", "4:3", "column 'y': 'abc' is not a number"),
        ("x,y\r\n1,2\r\n\r\n3,abc\r\n", "4:3", "column 'y': 'abc' is not a number"),
        ("x,y\r1,2\r\r3,abc\r", "4:3", "column 'y': 'abc' is not a number"),
        ('s,x,y\n"a\n\nb",1,2\nαβ,3,q\n', "5:6", "column 'y': 'q' is not a number"),
        ('s,x,y\n"a\n""\nb",1,q\n', "4:6", "column 'y': 'q' is not a number"),
        ('s,x,y\n"a\r""\r\nb",1,q\n', "4:6", "column 'y': 'q' is not a number"),
        ("x,y\n1," + "a" * 50 + "\n", "2:3", f"column 'y': '{'a' * 30}...' is not a number"),
        ("x,y\n1,2\n,4\n", "3:1", "column 'x': the cell is empty"),
        ("x,y\n1,2\n3, \n", "3:3", "column 'y': the cell is empty"),
        ("x,y\n1,nan\n", "2:3", "column 'y': nan is not a finite number"),
        ("x,y\n1,-Infinity\n", "2:3", "column 'y': -Infinity is not a finite number"),
        ("x,y\n1,1e999\n", "2:3", "column 'y': 1e999 is too large for a float64"),
        ("x,y\n1,1_000\n", "2:3", "column 'y': '1_000' is not a number"),
        ("x,y\n1,0x10\n", "2:3", "column 'y': '0x10' is not a number"),
        ("x,y\n1,١\n", "2:3", "column 'y': '١' is not a number"),
        ("x,y\n1,true\n", "2:3", "column 'y': 'true' is not a number"),
        ("x,y\n1,[2]\n", "2:3", "column 'y': '[2]' is not a number"),
        ('x,y\n1,"2,5"\n', "2:3", "column 'y': '2,5' is not a number"),
        ("x,y\n1,2\n3,\x004\n", "3:3", "a NUL byte: the file is not text"),
        (b"x,y\n1,\xff\n", "2:3", "byte 0xff is not UTF-8"),
        ("é,x,y\né,1,2\n".encode() + b"\xc3\xa9\xff,1,2\n", "3:2", "byte 0xff is not UTF-8"),
        (b"\xff\xfex\x00\n\x00", "1:1", "the text is UTF-16, not UTF-8"),
        ('s,x,y\na,1,2\nb,"3,4\n5,6\n', "3:3", "a quoted cell is never closed"),
        ('s,x,y\na,1,2\nb,3,"4\n"7\n', "4:2", "text after a closing quote"),
        ('x,y\n1,"' + "2\n" * 600_000, "2:3", "a quoted cell is never closed within 1 MiB"),
        ("x,y\n1,2\n" + "3" * (LINE_LIMIT + 1) + "\n", "3:1", "the line is longer than 1 MiB"),
    ],
)
def test_delimited_faults(table, text, place, message):
    assert failure(table(text)) == (f"rows.csv:{place}", message)


@pytest.mark.parametrize("chunk", range(1, 9))
@pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
def test_lines_are_counted_over_the_end_of_a_chunk(chunk, end):
    data = f"x,y{end}1,2{end}{end}3,4{end}5,6{end}".encode()
    rows, _ = outcome(csv_reader(["x", "y"]), data, exact=False, chunk=chunk)
    assert [place for *_, place in rows] == ["t:2:1", "t:4:1", "t:5:1"]


def test_hints(table):
    def hint(text):
        with pytest.raises(DataError) as caught:
            read_all(table(text, "rows.tsv"))
        return caught.value.hint

    assert hint("x\tY\n1\t2\n") == "rename the column 'Y' to 'y', or bind y"
    assert hint("x\tq\n1\t2\n") == "add the column 'y', or bind y to one value"
    assert hint("x\ty\n1\t2,5\n") == (
        "write decimals with a point; data.decimal: comma in a config, --decimal comma on the command line"
    )


def test_blocks_before_a_fault_are_delivered(table):
    with open_points(table("x\n1\n2\n3\nq\n"), ["x"], block_rows=2) as points:
        blocks = iter(points)
        assert next(blocks).values["x"].tolist() == [1.0, 2.0]
        with pytest.raises(DataError, match="'q' is not a number"):
            next(blocks)


def test_longest_line_is_read(table):
    text = "s,x\n" + "a" * (LINE_LIMIT - 2) + ",1\n"
    assert read_all(table(text), ["x"]) == {"x": [1.0]}
    assert read_all(table(text.replace("\n", "\r")), ["x"]) == {"x": [1.0]}
    assert read_all(table(text + 'b,"2"\n'), ["x"]) == {"x": [1.0, 2.0]}


def test_files_that_cannot_be_read(tmp_path):
    assert "there is no such file" in failure(str(tmp_path / "no.csv"), error=FileError)[1]
    assert "it is a directory" in failure(str(tmp_path), error=FileError)[1]
    assert "null byte" in failure("a\0.csv", error=FileError)[1]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_permission_denied(table):
    path = table("x\n1\n")
    os.chmod(path, 0)
    assert "ermission" in failure(path, error=FileError)[1]


def test_open_errors_of_the_system(table, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    path = table("x\n1\n")
    monkeypatch.setattr("os.open", refuse)
    with pytest.raises(FileError, match=r"rows.csv: Permission denied"):
        open_points(path, ["x"])


def test_read_errors_of_the_system():
    class Broken(io.BytesIO):
        def read(self, *_):
            raise OSError(5, "Input/output error")

    with pytest.raises(FileError, match="cannot read t: Input/output error"):
        Chunks(Broken(), "t").take()


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="no /dev/zero here")
def test_endless_binary_ends():
    assert failure("/dev/zero") == ("zero:1:1", "a NUL byte: the file is not text")


# The quick ways and the row-by-row one agree


def outcome(make, data, exact, chunk=1 << 20, block_rows=3):
    """Return all that a reader delivers, and its error."""
    rows, old = [], chunks_module.CHUNK
    chunks_module.CHUNK = chunk
    try:
        reader = make(Chunks(io.BytesIO(data), "t"), block_rows)
        if exact:
            reader._values = lambda *_: None
        for block in reader.blocks():
            assert 0 < block.rows <= block_rows
            with contextlib.suppress(DataError):  # of a number that passes through
                assert len(block.records()) == block.rows
            assert len(block.lines) == block.rows
            columns = [bits(block.values[name].tolist()) for name in reader.columns]
            places = [block.place(i) for i in range(block.rows)]
            rows += zip(*columns, block.lines, places, strict=True)
    except DataError as error:
        return rows, str(error)
    finally:
        chunks_module.CHUNK = old
    return rows, None


def csv_reader(variables, kind="csv"):
    return lambda chunks, rows: DelimitedReader(chunks, kind, variables, {"c"}, rows)


def json_reader(variables):
    return lambda chunks, rows: JsonReader(chunks, variables, {"c"}, rows)


# fmt: off
CELLS = st.sampled_from([
    "1", "-0", "-0.0", "0", "00", "1.", ".5", ".", "+1", "-1", "--1", "1e5", "1E+05", "1e", "1e999", "-1e999",
    "1e-999", "5e-324", "9007199254740993", "1_0", "0x1", "nan", "inf", "Infinity", "true", "null", "[1]",
    "1],[2", "{}", "1;2", "١", "é", "a", "", " ", " 1", "1 ", "\t1", "1\t", "1 2", '"1"', '"', '""', '"a""b"',
    '"1,2"', '"1\n2"', "\x0b1", "\xa01", "1\r", "\r", "\0", "\u2028", "1,2", "\n", "-0 ", '"-0"', "1" * 400,
])
# fmt: on
ROWS = st.lists(st.lists(CELLS, min_size=1, max_size=3).map(",".join), max_size=6)
NUMERIC = st.text('01.,-+e \n\r\t"[]', max_size=30)


@QUICK
@given(
    rows=ROWS.map("\n".join) | NUMERIC | st.text(max_size=20),
    header=st.sampled_from(["x,y", "x,s", "s,x", "x", "s", "x,y,s"]),
    chunk=st.sampled_from([1, 2, 5, 1 << 20]),
    kind=st.sampled_from(["csv", "tsv"]),
)
@example(rows="-0,1\n0,0", header="x,y", chunk=1 << 20, kind="csv")
@example(rows="1],[2", header="x,y", chunk=1 << 20, kind="csv")
@example(rows="1,2\t3\n4\t5", header="x,y", chunk=1 << 20, kind="tsv")
@example(rows='"1,2"\n', header="x", chunk=1 << 20, kind="csv")
@example(rows=" \n\n", header="s", chunk=1 << 20, kind="csv")
def test_quick_and_exact_delimited_agree(rows, header, chunk, kind):
    data = f"{header}\n{rows}".encode()
    if kind == "tsv":
        data = data.replace(b",", b"\t")
    variables = [name for name in header.split(",") if name != "s"]
    make = csv_reader(variables, kind)
    expected = outcome(make, data, exact=True)
    assert outcome(make, data, exact=False) == expected
    # Where blocks end depends on the chunks, so a fault may come after fewer rows: never other ones.
    found, error = outcome(make, data, exact=False, chunk=chunk)
    assert error == expected[1]
    assert found[: len(expected[0])] == expected[0][: len(found)]
    assert error or found == expected[0]


@QUICK
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20), st.data())
def test_numbers_are_pythons_floats(values, data):
    spellings = ["{!r}", "{:.17e}", "{:+.3f}", "{:.0f}.", " {:.25g} ", "{:E}"]
    cells = [data.draw(st.sampled_from(spellings)).format(v) for v in values]
    table = "x,s\n" + "".join(f"{cell},\n" for cell in cells)
    expected = [float(cell) for cell in cells]
    if not all(map(math.isfinite, expected)):
        return
    rows, error = outcome(csv_reader(["x"]), table.encode(), exact=False)
    assert error is None
    assert [row[0] for row in rows] == bits(expected)


@QUICK
@given(st.text("0123456789+-.eE_ \tnaifx", max_size=12))
def test_the_grammar_is_a_part_of_pythons(text):
    try:
        expected = number(text)
    except ValueError:
        assert numbers([text.encode()]) is None
        return
    assert bits([expected]) == bits([float(text)])
    assert bits(numbers([text.encode()]).tolist()) == bits([expected])


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("9007199254740993", 2.0**53),  # halfway: ties to even
        ("9007199254740993.00000000000000000000000000000001", 2.0**53 + 2),
        ("2.2250738585072011e-308", 2.225073858507201e-308),
        ("2.4703282292062327e-324", 0.0),
        ("2.4703282292062328e-324", 5e-324),
        ("1.7976931348623158e308", sys.float_info.max),
        ("18446744073709551616", 2.0**64),
        ("-9223372036854775809", -(2.0**63)),
        ("-0", -0.0),
        ("-0 ", -0.0),
        ("-0e7", -0.0),
        ("0" * 500 + "1", 1.0),
        ("0." + "0" * 500 + "1e501", 1.0),
    ],
)
def test_hard_roundings(text, nearest):
    assert bits(numbers([text.encode()]).tolist()) == bits([nearest]) == bits([number(text)])


# JSON Lines

# fmt: off
VALUES = st.sampled_from([
    "1", "-0", "0", "-0.0", "1.5", "1e5", "1e999", "01", "1.", "+1", "true", "null", '"1"', "[1]", "{}",
    "[{}]", '{"x":1}', "NaN", '"\\"x\\""', '"x"', "é", '"é"', '"\\u0078"', '"a b"', '"\\ud800"', "1 ", " 1",
    "", "1}", '{"a":[', "1,", "[{", "}]", "9" * 5000, "[" * 2000, '"\t"',
])
# fmt: on
KEYS = st.sampled_from(['"x"', '"y"', '"c"', '"\\u0078"', '"s"', "x", ""])
MEMBERS = st.tuples(KEYS, VALUES).map(":".join)
OBJECTS = st.lists(MEMBERS, max_size=4).map(lambda m: "{" + ",".join(m) + "}")
GOOD = st.sampled_from(['{"x":1,"y":2}', '{"y":-0.5,"x":0}', ' {"x": 1, "y": 2, "s": "}"} '])
JOINS = st.sampled_from(["\n", "\n", "\r\n", "\r", "\n\n", ",", "", " ", "},\n{", ":\n", "\n}\n{"])


@QUICK
@given(st.lists(st.tuples(GOOD | OBJECTS | VALUES, JOINS), max_size=6), st.sampled_from([1, 5, 1 << 20]))
@example([('{"x":1,"y":1},{"x":2,"y":1}', "\n"), ('{"x":1', "\n"), ('"y":2}', "\n")], 1 << 20)
@example([('{"x":1,"y":1}{"x":1,"y":1}', "\n"), ('{"x":1,', "\n"), ('"y":2}', "\n")], 1 << 20)
@example([('{"x":1,"y":1}{"x":1,"y":1}', "\n"), ('{"x":1,"y":1,"a":[{}', "\n"), ("{}]}", "\n")], 1 << 20)
@example([('{"x":1,"y":1,"s":"\\"x\\":"}', "\n"), ('{"x":1,"y":1,"\\u0078":2}', "\n")], 1 << 20)
@example([('{"x":1,"y":1,"x":1}', "\n"), ('{"y":1,"z":{"x":1}}', "\n")], 1 << 20)
def test_quick_and_exact_json_agree(parts, chunk):
    data = "".join(text + join for text, join in parts).encode()
    make = json_reader(["x", "y", "c"])
    expected = outcome(make, data, exact=True)
    assert outcome(make, data, exact=False) == expected
    found, error = outcome(make, data, exact=False, chunk=chunk)
    assert error == expected[1]
    assert error or found == expected[0]


@pytest.mark.parametrize(
    "text",
    [
        '{"x":1,"y":2}\n{"x":3,"y":4}\n',
        '\ufeff{"x": 1, "y": 2, "id": "p"}\r\n\r\n {"y": 4e0, "x": 3, "id": {"x": null}}',
        '{"x":1,"y":2}\r{"x":3,"y":4}\r',
        '{"\\u0078":1,"y":2}\n{"x":3,"y":4}\n',
    ],
)
def test_json_lines_are_read(table, text):
    for name in ("rows.jsonl", "rows.NDJSON", "rows"):
        assert read_all(table(text, name)) == {"x": [1.0, 3.0], "y": [2.0, 4.0]}
    assert read_all(table(text, "rows.jsonl"), block_rows=1) == {"x": [1.0, 3.0], "y": [2.0, 4.0]}


def test_json_values_pass_through(table):
    path = table('{"id":123456789012345678901,"x":1,"t":[true,null]}\n{"x":2,"new":1}\n', "rows.jsonl")
    with open_points(path, ["x"]) as points:
        (block,) = points
    assert (points.names, points.passed, points.kind) == (["id", "x", "t"], ["id", "t"], "jsonl")
    assert block.records() == [
        {"id": 123456789012345678901, "x": 1.0, "t": [True, None]},
        {"x": 2.0, "new": 1},
    ]
    with pytest.raises(DataError, match="the key 'new' is not in the first line") as caught:
        block.cells()
    assert caught.value.place == f"{path}:2:1"


def test_json_numbers_beyond_float64_pass_as_text_only(table):
    path = table('{"x":1,"big":1}\n{"x":2,"big":-1e999}\n', "rows.jsonl")
    text = written(path, jsonl_writer, ["x"], {"value": [1.0, 2.0]})
    assert text.endswith('{"x":2,"big":-1e999,"value":2.0,"error":null}\n')
    with pytest.raises(DataError, match=":2:1: 'big': -1e999 is too large for a number"):
        written(path, csv_writer, ["x"], {"value": [1.0, 2.0]})


@pytest.mark.parametrize(
    ("line", "place", "message"),
    [
        ("[1,2]", "3:1", "[1,2] is not a JSON object"),
        ("7", "3:1", "7 is not a JSON object"),
        ('{"x":1}', "3:1", "no key 'y' in this line"),
        ('{"x":1,"y":"2"}', "3:12", "'y' is \"2\", not a number"),
        ('{"x":1, "y": true}', "3:14", "'y' is true, not a number"),
        ('{"é":{"y":1},"x":1,"y":null}', "3:24", "'y' is null, not a number"),
        ('{"x":1,"y":[2]}', "3:12", "'y' is [2], not a number"),
        ('{"x":1,"y":1e999}', "3:12", "'y': 1e999 is too large for a float64"),
        ('{"x":1,"y":2,"x":1}', "3:14", "the key 'x' stands twice"),
        ('{"x":1,"y":2,"\\u0078":1}', "3:14", "the key 'x' stands twice"),
        ('{"x":1,"y":2,"c":3}', "3:14", "the key 'c' is not in the first line"),
        ('{"é":1,"y":nan}', "3:12", "not JSON: invalid character"),
        ('{"x":1,"y":2', "3:12", "not JSON: input data was truncated"),
        ('{"x":1,"y":2}{"x":1,"y":2}', "3:14", "not JSON: trailing characters"),
        ('{"x":' + "[" * 100_000, "3:1", "the object is nested too deeply"),
        ('{"x":\0}', "3:6", "a NUL byte: the file is not text"),
    ],
)
def test_json_faults(table, line, place, message):
    path = table(f'{{"x":1,"y":2}}\n\n{line}\n', "rows.jsonl")
    assert failure(path, ["x", "y", "c"], optional=["c"]) == (f"rows.jsonl:{place}", message)


def test_json_faults_among_plain_lines(table):
    path = table('{"x":1}\n{"x":2,"x":3}\n{"x":4}\n', "a.jsonl")
    assert failure(path, ["x"]) == ("a.jsonl:2:8", "the key 'x' stands twice")
    path = table('{"a":1}\n{"b":2}{"c":3}\n', "a.jsonl")
    assert failure(path, []) == ("a.jsonl:2:8", "not JSON: trailing characters")


def test_json_faults_of_the_first_line(table):
    assert failure(table("", "a.jsonl")) == ("a.jsonl:1:1", "the file is empty")
    assert failure(table('\n{"x":1}', "a.jsonl")) == (
        "a.jsonl:2:1",
        "no column for the variable 'y'; the columns are x",
    )
    assert failure(table(b'{"x":"\xff"}', "a.jsonl")) == ("a.jsonl:1:7", "byte 0xff is not UTF-8")


# .npy


def saved(array, **options):
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("dtype", ["f8", ">f8", "f4", "f2", "g", "i1", "u2", "i8", "u8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_plain_arrays(table, dtype, order):
    path = table(saved(np.array([[1, 2], [3, 4], [5, 6]], dtype, order=order)), "rows.npy")
    expected = {"x": [1.0, 3.0, 5.0], "y": [2.0, 4.0, 6.0]}
    assert read_all(path) == read_all(path, block_rows=2) == expected
    assert read_all(path, ["x", "a", "y"], optional=["a"]) == expected
    assert read_all(path, ["x", "y"], optional=["y"]) == expected


def test_one_dimension_is_one_variable(table):
    path = table(saved(np.arange(3)), "rows.npy")
    assert read_all(path, ["x"]) == {"x": [0.0, 1.0, 2.0]}
    assert read_all(table(saved(np.empty((0, 2))), "none.npy")) == {"x": [], "y": []}


@pytest.mark.filterwarnings("ignore:Stored array in format 3.0")
def test_structured_arrays(table):
    array = np.array(
        [("a", 1, 2.5, b"q", 7), ("b", 2, 3.5, b"r", 8)],
        dtype=[("id", "U3"), ("α", "i4"), ("x", "f4"), ("raw", "S2"), ("n", "i8")],
    )
    path = table(saved(array), "rows.npy")
    with open_points(path, ["x", "α"]) as points:
        (block,) = points
    assert (points.kind, points.names) == ("npy", ["id", "α", "x", "raw", "n"])
    assert (points.variables, points.passed) == (["x", "α"], ["id", "raw", "n"])
    assert block.lines is None
    assert block.records()[1] == {"id": "b", "α": 2.0, "x": 3.5, "raw": "r", "n": 8}
    assert points.fraction == 1.0


NPY_FAULTS = [
    (np.array([{}], dtype=object), "the array holds pickled Python objects, which are never loaded"),
    (np.zeros((2, 3)), "an array of shape (2, 3), but 2 variables"),
    (np.zeros(2), "an array of shape (2,), but 2 variables"),
    (np.zeros((2, 2, 1)), "an array of shape (2, 2, 1), but 2 variables"),
    (np.float64(1), "an array of shape (), but 2 variables"),
    (np.zeros((2, 2), bool), "column 'x' holds bool, not real numbers"),
    (np.zeros((2, 2), complex), "column 'x' holds complex128, not real numbers"),
    (np.array([["a", "b"]]), "column 'x' holds <U1, not real numbers"),
    (np.array([[1, 2], [3, np.nan]]), "row 2, column 'y': nan is not a finite float64"),
    (
        np.array([[1, 2], [3, 2**53 + 1]]),
        "row 2, column 'y': 9007199254740993 is too long: no float64 is equal to it",
    ),
    (
        np.array([[-(2**63) + 1, 2]]),
        "row 1, column 'x': -9223372036854775807 is too long: no float64 is equal to it",
    ),
    (
        np.array([[2**64 - 1, 2]], "u8"),
        "row 1, column 'x': 18446744073709551615 is too long: no float64 is equal to it",
    ),
    (np.zeros(2, [("x", "f8"), ("z", "f8")]), "no column for the variable 'y'; the columns are x, z"),
    (np.zeros((2, 2), [("x", "f8"), ("y", "f8")]), "a structured array of shape (2, 2), not (rows,)"),
    (np.zeros(2, [("x", "f8", (2,)), ("y", "f8")]), "column 'x' holds ('<f8', (2,)), not real numbers"),
]


@pytest.mark.parametrize(("array", "message"), NPY_FAULTS)
def test_npy_faults(table, monkeypatch, array, message):
    data = saved(array, allow_pickle=True)
    assert failure(table(data, "rows.npy")) == ("rows.npy", message)
    monkeypatch.setattr(sys, "stdin", FakeStdin(data))
    assert failure("-") == ("<stdin>", message)


def test_large_integers_that_are_exact(table):
    array = np.array([[2**63 - 2**10, -(2**63)], [2**53, 2**62]])
    assert read_all(table(saved(array), "rows.npy"))["x"] == [2.0**63 - 2**10, 2.0**53]


@pytest.mark.parametrize("cut", [3, 9, 60, 135, -1])
def test_damaged_npy(table, monkeypatch, cut):
    data = saved(np.zeros((5, 2)))[:cut]
    message = "not an .npy file" if cut == 3 else "the .npy file is damaged or cut short"
    assert failure(table(data, "rows.npy")) == ("rows.npy", message)
    if cut != 3:
        monkeypatch.setattr(sys, "stdin", FakeStdin(data))
        assert failure("-") == ("<stdin>", message)


def test_npy_that_claims_to_be_huge(table, monkeypatch):
    data = (
        saved(np.zeros((5, 2)))
        .replace(b"(5, 2), }", b"(500000000000000, 2), }")
        .replace(b" " * 14 + b"\n", b"\n")
    )
    assert failure(table(data, "rows.npy"))[1] == "the .npy file is damaged or cut short"
    monkeypatch.setattr(sys, "stdin", FakeStdin(data))
    assert failure("-")[1] == "the .npy file is damaged or cut short"


# stdin


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"x,y\n1,2\n", "csv"),
        (b"x\ty\n1\t2\n", "tsv"),
        (b"x\ty\r1\t2\r", "tsv"),
        (b'{"x":1,"y":2}\n', "jsonl"),
        (b'\xef\xbb\xbf\n {"x":1,"y":2}\n', "jsonl"),
        (saved(np.array([[1, 2]])), "npy"),
    ],
)
def test_stdin_is_told_by_its_first_bytes(monkeypatch, data, kind):
    assert sniff(data) == kind
    monkeypatch.setattr(sys, "stdin", FakeStdin(data))
    with open_points("-", ["x", "y"]) as points:
        (block,) = points
    assert points.kind == kind
    assert {name: v.tolist() for name, v in block.values.items()} == {"x": [1.0], "y": [2.0]}
    assert points.fraction in (None, 1.0)
    assert not sys.stdin.buffer.closed


def test_stdin_faults(monkeypatch):
    monkeypatch.setattr(sys, "stdin", FakeStdin(b"x\n1\nq\n"))
    assert failure("-", ["x"]) == ("<stdin>:3:1", "column 'x': 'q' is not a number")
    monkeypatch.setattr(sys, "stdin", FakeStdin(b""))
    assert failure("-", ["x"]) == ("<stdin>:1:1", "the file is empty")
    monkeypatch.setattr(sys, "stdin", None)
    assert failure("-", ["x"], error=FileError) == (None, "cannot read the points: stdin is closed")


# Memory


class Generated(io.RawIOBase):
    """A stream of rows that no memory ever holds."""

    def __init__(self, piece, count):
        self._pieces = iter([b"x,y\n"] + [piece] * count)
        self._left = b""

    def read(self, size=-1):
        while len(self._left) < size and (piece := next(self._pieces, None)) is not None:
            self._left += piece
        data, self._left = self._left[:size], self._left[size:]
        return data


@pytest.mark.parametrize("row", [b"0.12345678901234567,-1.25\n", b'1,"2"\n', b"1,.5\n\n"])
def test_memory_does_not_grow_with_the_rows(monkeypatch, row):
    monkeypatch.setattr(chunks_module, "CHUNK", 1 << 12)

    def peak(count):
        stream, rows = Generated(row * 400, count), 0
        writer = csv_writer(io.BytesIO())
        tracemalloc.start()
        for block in DelimitedReader(Chunks(stream, "t"), "csv", ["x", "y"], (), 65536).blocks():
            writer._stream.seek(0)
            writer.block(block, {"value": block.values["x"]})
            rows += block.rows
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert rows == count * 400
        return found

    peak(5)
    assert peak(30) < peak(5) * 1.1


# Writers


def written(path, make, variables=("x", "y"), computed=None, errors=None, **options):
    stream = io.BytesIO()
    writer = make(stream)
    with open_points(path, variables, **options) as points:
        computed = computed or {"value": [1.0], "d/dx": [math.nan]}
        writer.header(points.names, list(computed))
        for block in points:
            part = slice(block.first_row, block.first_row + block.rows)
            columns = {name: np.array(column)[part] for name, column in computed.items()}
            writer.block(block, columns, errors and errors[part])
    return stream.getvalue().decode()


def tsv_writer(stream):
    return csv_writer(stream, delimiter="\t")


TWO = {"value": [0.1, math.nan], "n": [1, 2]}
WHY = [None, 'log(-1), "x" = -1']


def test_csv_rows_keep_their_text(table):
    path = table('id,x,y\r\n"a,\nb", +1.50 ,2\r\nc,-1,4\r\n')
    expected = 'id,x,y,value,n,error\n"a,\nb", +1.50 ,2,0.1,1,\nc,-1,4,,2,"log(-1), ""x"" = -1"\n'
    assert written(path, csv_writer, computed=TWO, errors=WHY) == expected
    assert written(path, csv_writer, computed=TWO, errors=WHY, block_rows=1) == expected
    assert written(path, csv_writer, computed=TWO) == expected.replace('"log(-1), ""x"" = -1"', "")


def test_between_formats(table):
    path = table('id,x,y\n"a,b",1.50,2\nc,-1,4\n')
    assert written(path, tsv_writer, computed=TWO, errors=WHY) == (
        'id\tx\ty\tvalue\tn\terror\na,b\t1.5\t2.0\t0.1\t1\t\nc\t-1.0\t4.0\t\t2\t"log(-1), ""x"" = -1"\n'
    )
    assert written(path, jsonl_writer, computed=TWO, errors=WHY) == (
        '{"id":"a,b","x":1.5,"y":2.0,"value":0.1,"n":1,"error":null}\n'
        '{"id":"c","x":-1.0,"y":4.0,"value":null,"n":2,"error":"log(-1), \\"x\\" = -1"}\n'
    )
    path = table('{"id": "a\\"b", "x": 1.50, "y": 2, "t": null}\n{"x":-1,"y":4,"t":[1,"q"]}\n', "rows.jsonl")
    assert written(path, jsonl_writer, computed=TWO, errors=WHY) == (
        '{"id": "a\\"b", "x": 1.50, "y": 2, "t": null,"value":0.1,"n":1,"error":null}\n'
        '{"x":-1,"y":4,"t":[1,"q"],"value":null,"n":2,"error":"log(-1), \\"x\\" = -1"}\n'
    )
    assert written(path, csv_writer, computed=TWO) == (
        'id,x,y,t,value,n,error\n"a""b",1.5,2.0,,0.1,1,\n,-1.0,4.0,"[1,""q""]",,2,\n'
    )
    path = table(
        saved(np.array([(True, 1, 2), (False, 3, 4)], [("t", "?"), ("x", "f8"), ("y", "i4")])), "rows.npy"
    )
    assert (
        written(path, csv_writer, computed=TWO)
        == "t,x,y,value,n,error\ntrue,1.0,2.0,0.1,1,\nfalse,3.0,4.0,,2,\n"
    )


def test_blocks_without_a_file():
    block = Block({"x": np.array([1.0, 2.0])}, 2, first_row=5)
    stream = io.BytesIO()
    writer = csv_writer(stream)
    writer.header(block.names, ["value", "verdict"])
    writer.block(block, {"value": [0.5, None], "verdict": ["agree", "a,b"]}, [None, "why"])
    assert stream.getvalue() == b'x,value,verdict,error\n1.0,0.5,agree,\n2.0,,"a,b",why\n'
    assert block.place(1) == "row 7"
    writer.block(Block({"x": np.empty(0)}, 0), {"value": np.empty(0), "verdict": []})
    assert stream.getvalue().count(b"\n") == 3


def test_names_that_need_quotes(table):
    path = table('"a,b","q""",x\n1,2,3\n')
    computed = {"d/dx": [1.0]}
    assert written(path, csv_writer, ["x"], computed).startswith('"a,b","q""",x,d/dx,error\n')
    text = written(path, jsonl_writer, ["x"], computed)
    assert json.loads(text) == {"a,b": "1", 'q"': "2", "x": 3.0, "d/dx": 1.0, "error": None}


def test_objects_without_a_key(table):
    path = table('{ }\n{"c":1}\n{}\n', "rows.jsonl")
    text = written(path, jsonl_writer, ["a"], {"value": [1.0, 2.0, 3.0]}, optional=["a"])
    assert text.splitlines() == [
        '{"value":1.0,"error":null}',
        '{"c":1,"value":2.0,"error":null}',
        '{"value":3.0,"error":null}',
    ]


@pytest.mark.parametrize("key", ["value", "\\u0076alue", "error"])
def test_a_later_key_with_the_name_of_a_result(table, key):
    path = table(f'{{"x":1,"s":"value"}}\n{{"x":2,"{key}":1}}\n', "rows.jsonl")
    with pytest.raises(DataError, match="is also the name of a result") as caught:
        written(path, jsonl_writer, ["x"], {"value": [1.0, 2.0]})
    assert caught.value.place == f"{path}:2:1"


def test_fresh_names():
    assert fresh_names(["value", "d/dx"], ["x", "y"]) == ["value", "d/dx"]
    with pytest.raises(UsageError, match="the input already has a column 'value'") as caught:
        fresh_names(["value"], ["x", "value"])
    assert caught.value.hint == "rename the column in the file"
    with pytest.raises(UsageError, match="two results would be named 'value'"):
        fresh_names(["value", "value"], [])


@QUICK
@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=20),
    st.sampled_from(["csv", "tsv", "jsonl"]),
)
@example([-0.0, 1e16, 5e-324, -2.2250738585072014e-308, 1.7976931348623157e308, 1e15, 1e17, 1e22, 0.1], "csv")
@example([-0.0, 0.0], "jsonl")
def test_floats_survive(values, kind):
    stream = io.BytesIO()
    writer = jsonl_writer(stream) if kind == "jsonl" else csv_writer(stream, delimiter=",\t"[kind == "tsv"])
    block = Block({"x": np.array(values)}, len(values))
    writer.header(["x"], ["value"])
    writer.block(block, {"value": np.array(values)})
    text = stream.getvalue()
    make = json_reader(["x", "value"]) if kind == "jsonl" else csv_reader(["x", "value"], kind)
    rows, error = outcome(make, text, exact=False)
    assert error is None
    assert [row[0] for row in rows] == [row[1] for row in rows] == bits(values)
    if kind != "jsonl":
        parsed = list(csv.DictReader(io.StringIO(text.decode()), delimiter=",\t"[kind == "tsv"]))
        assert bits(float(row["value"]) for row in parsed) == bits(values)
        assert {row["error"] for row in parsed} == {""}


@QUICK
@given(st.lists(st.tuples(st.text(), st.none() | st.text()), min_size=1, max_size=5))
def test_text_survives(rows):
    cells, errors = [row[0] for row in rows], [row[1] for row in rows]
    block = Block({"x": np.zeros(len(rows))}, len(rows))
    stream = io.BytesIO()
    writer = jsonl_writer(stream)
    writer.header(["x"], ["s"])
    writer.block(block, {"s": cells}, errors)
    parsed = [json.loads(line) for line in stream.getvalue().split(b"\n")[:-1]]
    assert [(row["s"], row["error"]) for row in parsed] == [(s, e or None) for s, e in rows]
    stream = io.BytesIO()
    writer = csv_writer(stream)
    writer.header(["x"], ["s"])
    writer.block(block, {"s": cells}, errors)
    text = io.TextIOWrapper(io.BytesIO(stream.getvalue()), "utf-8", newline="")
    assert list(csv.reader(text))[1:] == [["0.0", s, e or ""] for s, e in rows]


def test_write_errors_are_the_callers():
    class Full(io.BytesIO):
        def write(self, _):
            raise OSError(28, "No space left on device")

    for make in (csv_writer, jsonl_writer):
        writer = make(Full())
        writer._stream, full = io.BytesIO(), writer._stream
        writer.header(["x"], ["value"])
        writer._stream = full
        with pytest.raises(OSError, match="No space left"):
            writer.block(Block({"x": np.zeros(1)}, 1), {"value": np.zeros(1)})


def test_the_package_imports_nothing():
    assert "import" not in Path(read_module.__file__).with_name("__init__.py").read_text()


# --- dialects -------------------------------------------------------------------------------------

SIGNS = {"semicolon": ";", "pipe": "|", "tab": "\t", "blanks": "  ", ":": ":"}


def read_as(text: str, variables: list[str], path: Path, **dialect: Any) -> list[dict[str, object]]:
    path.write_text(text)
    with open_points(str(path), variables, dialect=Dialect.of(**dialect)) as points:
        return [record for block in points for record in block.records()]


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        ("x;y\n1,5;2\n3;4,25\n", {"separator": ";", "decimal": ","}),
        ("x;y\r\n1,5;2\r\n3;4,25\r\n", {"separator": "semicolon", "decimal": "comma"}),
        ("x\ty\n1,5\t2\n3\t4,25\n", {"separator": "tab", "decimal": ","}),
        ("x|y\n1.5|2\n3|4.25\n", {"separator": "pipe"}),
        ("x y\n  1.5    2\n3 \t 4.25  \n", {"separator": "blanks"}),
        ("# a\nx,y\n1.5,2\n  # b, c\n3,4.25\n", {"comment": "#"}),
        ("1.5,2\n3,4.25\n", {"header": ["x", "y"]}),
        (
            "// a\n1,5;2\n\n3;4,25\n",
            {"separator": ";", "decimal": ",", "header": ("x", "y"), "comment": "//"},
        ),
        ('x;y\n"1,5";"2"\n"3";"4,25"\n', {"separator": ";", "decimal": ","}),
    ],
)
def test_dialects(text: str, dialect: dict[str, Any], tmp_path: Path) -> None:
    assert read_as(text, ["x", "y"], tmp_path / "t.csv", **dialect) == [
        {"x": 1.5, "y": 2.0},
        {"x": 3.0, "y": 4.25},
    ]


def test_columns_without_names(tmp_path: Path) -> None:
    assert read_as("1;a\n2;b\n", ["c1"], tmp_path / "t.csv", separator=";", header="none") == [
        {"c1": 1.0, "c2": "a"},
        {"c1": 2.0, "c2": "b"},
    ]


def test_a_quoted_cell_with_line_ends_in_another_dialect(tmp_path: Path) -> None:
    rows = read_as(
        'x;note\n1,5;"a;b\n""c"", d"\n2;e\n', ["x"], tmp_path / "t.csv", separator=";", decimal=","
    )
    assert rows == [{"x": 1.5, "note": 'a;b\n"c", d'}, {"x": 2.0, "note": "e"}]


@pytest.mark.parametrize(
    ("text", "dialect", "place"),
    [
        ("# a\nx;y\n1;2\n\n3;q\n", {"separator": ";", "comment": "#"}, ":5:3"),
        ("1;2\n3;q\n", {"separator": ";", "header": ["x", "y"]}, ":2:3"),
        ("x;y\n1;2\n3;4.5\n", {"separator": ";", "decimal": ","}, ":3:1"),
        ('x;y\n1;"2\n', {"separator": ";"}, ":1:1"),
    ],
)
def test_faults_in_a_dialect_have_the_line_of_the_file(
    text: str, dialect: dict[str, Any], place: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError) as caught:
        read_as(text, ["x", "y"], tmp_path / "t.csv", **dialect)
    assert (caught.value.place or "").endswith(f"t.csv{place}")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(st.floats(allow_nan=False, allow_infinity=False), st.text("ab;|,#\" \n", max_size=8)),
        min_size=1, max_size=5,
    ),
    sign=st.sampled_from(["semicolon", "pipe", "tab", ":"]),
    comma=st.booleans(),
    chunk=st.integers(1, 40),
)  # fmt: skip
def test_a_dialect_is_the_same_table(
    rows: list[tuple[float, str]], sign: str, comma: bool, chunk: int, tmp_path: Path
) -> None:
    """Whatever the separator and however the chunks fall."""
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=SIGNS[sign], lineterminator="\n")
    writer.writerow(["x", "note"])
    for x, note in rows:
        writer.writerow([repr(x).replace(".", ",") if comma else repr(x), note])
    dialect = Dialect.of(sign, None, "," if comma else None)
    translated = Translated(io.BytesIO(stream.getvalue().encode()), "t", b"", "csv", dialect)
    data = b"".join(iter(lambda: translated.read(chunk), b""))
    found = list(csv.reader(io.StringIO(data.decode(), newline="")))
    assert [(float(x), note) for x, note in found[1:]] == [(x, _decimals(note, comma)) for x, note in rows]


def _decimals(note: str, comma: bool) -> str:
    assert not any(c.isdigit() for c in note)
    return note


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("x;y\n1;2\n", "the cells are separated by semicolons (;), not by commas", "--separator semicolon"),
        ("x;y\n1,5;2\n", "separated by semicolons", "--decimal comma"),
        ("x\ty\n1\t2\n", "separated by tabs", "--separator tab"),
        ("x|y\n1|2\n", "separated by bars", "--separator pipe"),
        ("x y\n1 2\n", "separated by blanks", "--separator blanks"),
        ("x   y\n  1   2\n", "separated by blanks", "--separator blanks"),
        ("# made in May\nx,y\n1,2\n", "begins with #, as a comment does", "--comment '#'"),
        ("% made in May\nx,y\n1,2\n", "begins with %", "--comment '%'"),
        ("x,y\n1,2\n# end\n", "the row has 1 field", "--comment '#'"),
        ("x,y\n1,2,\n", "the row has 3 fields", "the row ends with a separator"),
        ("x,y\n1,5,2,5\n", "the row has 4 fields", "where commas stand in decimals"),
        ("1,2\n3,4\n", "the first line is numbers", "--header none"),
        ("1;2\n3;4\n", "separated by semicolons", "--separator semicolon"),
    ],
)
def test_an_unannounced_dialect_is_named(text: str, message: str, hint: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        read_as(text, ["x", "y"], tmp_path / "t.txt" if "\t" not in text else tmp_path / "t.csv")
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize("text", ["x\n1\n2\n", "full name\nann lee\nbob ray\n", "a;b\nc\nd\n", "x y\n1\n2\n"])
def test_a_table_of_one_column_is_no_other_dialect(text: str, tmp_path: Path) -> None:
    assert len(read_as(text, [], tmp_path / "t.csv")) == 2


DISGUISED = [
    "1,5", "-1,5", "1,500", "1,500.25", "1 500", "1\u00a0500", "1'500", "1.500,20", "1.234.567", "$5",
    "$1,500", "-$5", "5 €", "€5", "5 EUR", "10%", "10 %", "2,5%", "−5", "(5)", "1_000",
]  # fmt: skip


@pytest.mark.parametrize("cell", DISGUISED)
def test_numbers_in_disguise_have_a_hint(cell: str) -> None:
    assert number_hint(cell)


@pytest.mark.parametrize(
    "cell",
    ["a", "", "2020-01-02", "01.02.2020", "12:30", "1/2", "3a", "1-2", "A1", "5th", "10 kg", "a,b", "1e5x"],
)
def test_texts_are_no_numbers_in_disguise(cell: str) -> None:
    assert number_hint(cell) is None
