"""predict and evaluate, on models whose numbers are written in their configs."""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import json
import math
import os
import re
import subprocess
import time

import numpy as np
import pytest

from backprop_cli.tables.pipe import Pipe, live
from backprop_cli.training import config
from backprop_cli.training.loop import Training
from backprop_cli.training.model import Model, save_model
from backprop_cli.training.predictor import predict
from backprop_cli.training.problem import assemble

# logits (x, -x), so that p(left) = sigmoid(2x): 0.8807970779778823 at 1, 0.11920292202211755 at -1
SIDES = """
data: {inputs: [[1], [2], [-1], [-2]], targets: [left, left, right, right], test_split: 0.5}
model: {layers: [{type: linear, units: 2, weights: [[1], [-1]]}]}
"""
# y = 2a - b + 0.5
LINE = """
data: {path: line.csv}
task: regression
model: {layers: [{type: linear, units: 1, weights: [[2, -1]], bias: [0.5]}]}
"""
LINE_ROWS = "a,b,y\n1,1,1.5\n2,1,3.5\n0,0,1.5\n1,0,2.5\n"


def build(folder, text, name="model.safetensors"):
    """Write the model of a config with the weights it begins with."""
    path = str(folder / name)
    save_model(path, Training(assemble(config.loads(text, "t.yaml", folder=str(folder)))))
    return path


@pytest.fixture
def sides(tmp_path):
    return build(tmp_path, SIDES)


@pytest.fixture
def line(tmp_path):
    (tmp_path / "line.csv").write_text(LINE_ROWS)
    return build(tmp_path, LINE)


def rows_of(text, delimiter=","):
    import csv

    return list(csv.DictReader(io.StringIO(text), delimiter=delimiter))


# predict


def test_columns_are_appended_and_the_rest_is_untouched(run, sides):
    given = 'id,x,note\n007, 1 ,"a ""b"", c"\n8,-1e0,\n'
    done = run("predict", sides, "-", stdin=given).answered()
    assert done.out == (
        "id,x,note,prediction,p_left,p_right,error\n"
        '007, 1 ,"a ""b"", c",left,0.8807970779778823,0.11920292202211755,\n'
        "8,-1e0,,right,0.11920292202211755,0.8807970779778823,\n"
    )
    assert done.err == ""


def test_numbers(run, line, tmp_path):
    (tmp_path / "rows.tsv").write_text("b\ta\n1\t1\n0\t0.25\n")
    done = run("predict", line, str(tmp_path / "rows.tsv")).answered()
    assert done.out == "b\ta\tprediction\terror\n1\t1\t1.5\t\n0\t0.25\t1.0\t\n"
    done = run("predict", line, "-", "--format", "value", stdin="b,a\n1,1\n0,0.25\n").answered()
    assert done.numbers == [1.5, 1.0]


def test_several_outputs(run, tmp_path):
    model = build(
        tmp_path,
        """
data: {inputs: [[1], [2]], targets: [[1, 2], [3, 4]]}
model: {layers: [{type: linear, units: 2, weights: [[1], [10]], bias: [0, 0.5]}]}
""",
    )
    done = run("predict", model, stdin="x\n3\n").answered()
    assert done.out == "x,prediction_y1,prediction_y2,error\n3,3.0,30.5,\n"
    assert run("predict", model, "--format", "value", stdin="x\n3\n").numbers == [3.0, 30.5]


def test_json_lines(run, sides):
    given = '{"x": 1, "deep": {"a": [1]}}\n{"x": -1, "more": null}\n'
    done = run("predict", sides, stdin=given).answered()
    p, q = 0.8807970779778823, 0.11920292202211755
    assert done.lines == [
        {"x": 1, "deep": {"a": [1]}, "prediction": "left", "p_left": p, "p_right": q, "error": None},
        {"x": -1, "more": None, "prediction": "right", "p_left": q, "p_right": p, "error": None},
    ]


def test_csv_to_json_has_numbers_where_the_model_reads_numbers(run, sides):
    done = run("predict", sides, "--format", "json", stdin="id,x\n007,1\n8,\n9,z\n")
    assert [(r["id"], r["x"]) for r in done.lines] == [("007", 1.0), ("8", None), ("9", "z")]
    assert [r["error"] is None for r in done.lines] == [True, False, False]


def test_json_to_csv(run, sides):
    done = run("predict", sides, "--format", "csv", "--no-probabilities", stdin='{"x":1,"n":"a,b"}\n')
    assert done.answered().out == 'x,n,prediction,error\n1,"a,b",left,\n'


def test_names_that_are_taken_get_a_number(run, sides):
    given = "x,prediction,p_left,error,error_2\n1,a,b,c,d\n"
    done = run("predict", sides, stdin=given).answered()
    names = "x,prediction,p_left,error,error_2,prediction_2,p_left_2,p_right,error_3\n"
    assert done.out == names + "1,a,b,c,d,left,0.8807970779778823,0.11920292202211755,\n"
    again = run("predict", sides, stdin=done.out).answered()
    assert "prediction_3,p_left_3,p_right_2,error_4" in again.out


def test_digits(run, sides):
    done = run("predict", sides, "--digits", "3", stdin="x\n1\n").answered()
    assert done.out.splitlines()[1] == "1,left,0.881,0.119,"
    done = run("predict", sides, "--digits", "3", "--format", "table", stdin="x\n1\n").answered()
    assert done.out.splitlines()[2].split() == ["1", "left", "0.881", "0.119"]


def test_table(run, sides):
    given = "id,x\na,1\nlonger,-12.5\nb,\n"
    done = run("predict", sides, "--format", "table", stdin=given)
    assert done.status == 3
    assert done.out.splitlines() == [
        "id          x  prediction       p_left   p_right  error",
        "-" * 72,
        "a           1  left           0.880797  0.119203",
        "longer  -12.5  right       1.38879e-11         1",
        "b              -                     -         -  no value in column 'x'",
    ]
    assert run("predict", sides, "--format", "table", stdin="id,x\n").answered().out.splitlines() == [
        "id  x  prediction  p_left  p_right",
        "----------------------------------",
    ]


def test_a_wide_table_at_a_terminal(monkeypatch):
    from backprop_cli.render.terminal import Screen
    from backprop_cli.render.writers import streams
    from backprop_cli.tables.block import Block

    monkeypatch.setattr(streams, "screen_for", lambda to_file: Screen(41, unicode=True))
    stream = io.BytesIO()
    table = streams.RowTable(stream, 3, to_file=False, drops=True)
    names = [f"pixel{i}" for i in range(9)]
    table.header(names, ["prediction", "p_0", "p_1", "p_2", "p_3", "p_4"])

    class Row(Block):
        def cells(self):
            return {name: ["0"] for name in names}

    answers = {"prediction": ["4"]} | {f"p_{i}": [0.125] for i in range(5)}
    table.block(Row({}, 1, names=names), answers, [None])
    table.block(Row({}, 1, names=names), answers, ["no value"])  # no column is kept for that any more
    table.close()
    assert stream.getvalue().decode().splitlines() == [
        "prediction    p_0    p_1    p_2    p_3",
        "──────────────────────────────────────",
        "         4  0.125  0.125  0.125  0.125",
        "         4  0.125  0.125  0.125  0.125",
        "  error: no value",
        "left out for want of room: pixel0,",
        "pixel1, pixel2, pixel3, pixel4, pixel5,",
        "pixel6, pixel7, pixel8, p_4; 117 columns",
        "show all",
    ]


def test_rows_without_a_prediction(run, sides):
    given = 'x,id\n1,a\n,b\n"z",c\n-1,d\n'
    done = run("predict", sides, "--no-probabilities", stdin=given)
    assert done.status == 3
    assert done.out.splitlines()[1:] == [
        "1,a,left,",
        ",b,,no value in column 'x'",
        "\"z\",c,,column 'x': 'z' is not a number",
        "-1,d,right,",
    ]
    assert done.err == "warning: 2 of 4 rows have no prediction; the column error says why\n"
    assert run("predict", sides, "-q", stdin=given).err == ""
    bare = run("predict", sides, "--format", "value", stdin=given)
    assert bare.out == "left\n\n\nright\n"


def test_strict_stops_with_the_place(run, sides, tmp_path):
    (tmp_path / "rows.csv").write_text("id,x\na,1\nb,z\n")
    out = tmp_path / "out.csv"
    done = run("predict", sides, str(tmp_path / "rows.csv"), "--strict", "-o", str(out))
    done.refused(2, "rows.csv:3:3", "'z' is not a number")
    assert not out.exists()
    assert sorted(os.listdir(tmp_path)) == ["model.safetensors", "rows.csv"]


def test_a_prediction_that_overflows(run, line):
    done = run("predict", line, stdin="a,b\n1e308,-1e308\n1,1\n")
    assert done.status == 3
    assert done.out.splitlines()[1:] == ["1e308,-1e308,,the prediction is too large for a number", "1,1,1.5,"]
    run("predict", line, "--strict", stdin="a,b\n1e308,-1e308\n").refused(3, "too large")


def test_an_input_that_overflows(run, tmp_path):
    model = build(
        tmp_path,
        """
data: {inputs: [[1], [1.0000001]], targets: [[0], [1]], scaling: standard}
model: {layers: [{type: linear, units: 1, activation: tanh, weights: [[1]]}]}
""",
    )
    done = run("predict", model, stdin="x\n1e308\n")
    assert done.status == 3
    assert done.out.splitlines()[1] == "1e308,,feature 'x' overflows when it is scaled"
    assert "RuntimeWarning" not in done.err


def test_categories(run, tmp_path):
    (tmp_path / "c.csv").write_text("colour,size,y\nred,1,2\nblue,2,4\nred,3,6\nblue,4,8\n")
    model = build(
        tmp_path,
        """
data: {path: c.csv}
task: regression
model: {layers: [{type: linear, units: 1, weights: [[10, 20, 1]]}]}
""",
    )
    done = run("predict", model, stdin="size,colour\n1,red\n2,blue\n3,green\n4,\n")
    assert done.status == 3
    assert done.out.splitlines()[1:] == [
        "1,red,21.0,",
        "2,blue,12.0,",
        "3,green,,column 'colour': 'green' is not a known category",
        "4,,,no value in column 'colour'",
    ]


def test_missing_values_are_filled_as_in_training(run, tmp_path):
    (tmp_path / "m.csv").write_text("a,y\n1,1\n3,3\n,2\n")
    model = build(
        tmp_path,
        """
data: {path: m.csv, missing: mean}
task: regression
model: {layers: [{type: linear, units: 1, weights: [[1]]}]}
""",
    )
    assert run("predict", model, "--format", "value", stdin="a,i\n,1\n5,2\n").answered().numbers == [2.0, 5.0]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("", ("<stdin>:1:1", "the file is empty")),
        ("y,z\n1,2\n", ("<stdin>:1:1", "no column 'x'", "the columns are y, z")),
        ("X\n1\n", ("no column 'x'", "did you mean 'X'?")),
        ('x,y\n1,"2\n', ("<stdin>:2:3", "a quoted cell is never closed")),
        ("x\n\0\n", ("NUL",)),
        ("\x93NUMPY", ("the .npy file is damaged",)),
    ],
)
def test_rows_that_are_no_table(run, sides, rows, words):
    run("predict", sides, "-", stdin=rows.encode("latin-1")).refused(2, *words)


def test_files_that_are_no_model(run, sides, tmp_path):
    run("predict", str(tmp_path / "absent"), "-").refused(4, "there is no such file")
    (tmp_path / "empty").mkdir()
    run("predict", str(tmp_path / "empty"), "-").refused(4, "it is a directory")
    (tmp_path / "rows.csv").write_text("x\n1\n")
    run("predict", str(tmp_path / "rows.csv"), "-").refused(2, "this is text, not a model file")
    data = bytearray((tmp_path / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (tmp_path / "model.safetensors").write_bytes(data)
    run("predict", sides, "-", stdin="x\n1\n").refused(2, "the file is damaged")
    run("evaluate", sides, stdin="x\n1\n").refused(2, "the file is damaged")


def test_output_files(run, sides, tmp_path):
    rows = "x\n1\n"
    for name, start in (
        ("o.csv", "x,pred"),
        ("o.tsv", "x\tpred"),
        ("o.jsonl", '{"x":1.0,"pred'),
        ("o.txt", "x  pred"),
    ):
        run("predict", sides, "-o", str(tmp_path / name), stdin=rows).answered()
        assert (tmp_path / name).read_text().startswith(start)
    run("predict", sides, "-o", str(tmp_path / "o.xyz"), stdin=rows).refused(2, "names no format")
    run("predict", sides, "-o", str(tmp_path / "no" / "o.csv"), stdin=rows).refused(4, "No such file")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk(run, sides):
    run("predict", sides, "-o", "/dev/full", "--format", "csv", stdin="x\n1\n").refused(4, "No space left")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_predictions_do_not_depend_on_the_rows_beside_them(tmp_path, dtype):
    model = build(
        tmp_path,
        f"""
data: {{dataset: digits, scaling: {{divide: 16}}}}
model: {{hidden: [33, 17], activation: tanh}}
dtype: {dtype}
""",
    )
    from backprop_cli.training.predictor import Predictor

    found = Predictor(Model.load(model)).model
    rows = np.random.default_rng(0).random((2100, 64))
    together = predict(found, rows)
    assert together.dtype == np.float64
    for start, stop in ((0, 1), (7, 8), (1023, 1025), (2099, 2100), (3, 700)):
        assert np.abs(predict(found, rows[start:stop]) - together[start:stop]).max() <= 1e-12
    assert predict(found, rows[:0]).shape[0] == 0


def test_one_row_at_a_time_is_all_at_once(run, sides):
    rows = [str(x / 7) for x in range(-20, 20)]
    whole = run("predict", sides, stdin="x\n" + "\n".join(rows) + "\n").answered().out.splitlines()
    for i in (0, 13, 39):
        assert run("predict", sides, stdin=f"x\n{rows[i]}\n").out.splitlines()[1] == whole[i + 1]


def test_answers_come_as_rows_come(command, sides):
    options = command("predict", sides, "-")
    with subprocess.Popen(
        **options, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdin.write(b"x\n1\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"x,prediction,p_left,p_right,error\n"
        assert process.stdout.readline().startswith(b"1,left,")
        for _ in range(3):
            process.stdin.write(b"-1\n")
            process.stdin.flush()
            assert process.stdout.readline().startswith(b"-1,right,")
        process.stdin.close()
        assert process.stdout.read() == b""
        assert process.wait(10) == 0


def test_a_reader_that_goes_away(command, sides):
    options = command("predict", sides, "-")
    with subprocess.Popen(
        **options, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        process.stdin.write(b"x\n1\n")
        process.stdin.flush()
        process.stdout.readline()
        process.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            for _ in range(1000):
                process.stdin.write(b"1\n" * 100)
                process.stdin.flush()
                time.sleep(0.005)
        assert process.wait(10) == 141
        assert process.stderr.read() == b""
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()


@pytest.mark.skipif(os.name == "nt", reason="limits memory")
def test_memory_is_bounded(process, sides, tmp_path):
    rows = tmp_path / "rows.csv"
    rows.write_text("x,passed\n" + f"1,{'p' * 1000}\n" * 60_000)  # 60 MB
    done = process("predict", sides, str(rows), "-o", str(tmp_path / "out.csv"), memory=160 << 20)
    done.answered()
    assert (tmp_path / "out.csv").stat().st_size > 60_000_000


def test_scores_are_not_called_probabilities(run, tmp_path):
    model = build(
        tmp_path,
        """
data: {inputs: [[1], [2], [-1], [-2]], targets: [left, left, right, right]}
model: {layers: [{type: linear, units: 2, weights: [[1], [-1]]}]}
loss: mse
""",
    )
    done = run("predict", model, stdin="x\n3\n").answered()
    assert done.out == "x,prediction,error\n3,left,\n"
    assert done.err == "note: trained with mse, the model has scores but no probabilities\n"
    found = run("evaluate", model, "-", "--format", "json", stdin="x,y\n1,left\n2,right\n").answered().json
    assert found["cross_entropy"] is None
    # (1, -1) against (1, 0), (2, -2) against (0, 1): (0 + 1 + 4 + 9)/4
    assert found["loss"] == {"type": "mse", "value": 3.5}


# pipes


def test_a_pipe_gives_what_is_there():
    reading, writing = os.pipe()
    with open(reading, "rb") as stream, open(writing, "wb", buffering=0) as end:
        pipe = live(stream)
        assert isinstance(pipe, Pipe)
        end.write(b"x")
        end.write(b",y\n1,")
        assert pipe.read(4) == b"x,y\n"
        assert pipe.read(100) == b"1,"
        end.write(b"2" * 50_000)
        assert pipe.read(1 << 20) == b"2" * 50_000
        end.write(b"end")
        end.close()
        assert pipe.read() == b"end"
        assert pipe.read(10) == b""


def test_a_stream_without_a_descriptor_stays_as_it_is():
    stream = io.BytesIO(b"x")
    assert live(stream) is stream


# evaluate

JUDGED = "x,y\n1,left\n2,left\n3,right\n-1,right\n-2,right\n-3,right\n"


def test_evaluation_of_classes(run, sides, tmp_path):
    (tmp_path / "judged.csv").write_text(JUDGED)
    found = run("evaluate", sides, str(tmp_path / "judged.csv"), "--format", "json").answered().json
    assert found["rows"] == 6
    assert found["accuracy"] == pytest.approx(5 / 6)
    assert found["baseline"] == pytest.approx(4 / 6)
    assert found["confusion"] == {"classes": ["left", "right"], "matrix": [[2, 0], [1, 3]]}
    assert [c["precision"] for c in found["classes"]] == [pytest.approx(2 / 3), 1.0]
    assert [c["recall"] for c in found["classes"]] == [1.0, 0.75]
    # the mean of log(1 + exp(-2x)) at 1, 2, -3, 1, 2, 3
    terms = [0.1269280110429726, 0.01814992791780978, 6.00247568513773]
    terms += [0.1269280110429726, 0.01814992791780978, 0.00247568513773]
    assert found["loss"] == {"type": "cross_entropy", "value": pytest.approx(math.fsum(terms) / 6)}
    assert found["cross_entropy"] == pytest.approx(math.fsum(terms) / 6)


def test_evaluation_as_a_table(run, sides):
    done = run("evaluate", sides, "-", stdin=JUDGED).answered()
    assert done.out.splitlines() == [
        f"{sides} on 6 rows: <stdin>",
        "",
        "accuracy       0.8333  5 of 6 right; always 'right' would be 0.6667",
        "macro F1       0.8286  mean over the classes",
        "ROC AUC        0.7500  of 'right'",
        "avg precision  0.9167  of 'right'",
        "loss            1.049  cross_entropy, as trained",
        "",
        "confusion: a row for each true class, a column for each answer",
        "       left  right",
        "------------------",
        "left      2      .",
        "right     1      3",
        "",
        "by class",
        "class             precision  recall      F1  rows",
        "-------------------------------------------------",
        "left                 0.6667  1.0000  0.8000     2",
        "right                1.0000  0.7500  0.8571     4",
        "",
        "macro average        0.8333  0.8750  0.8286     6",
        "weighted average     0.8889  0.8333  0.8381     6",
    ]


def test_evaluation_as_csv_and_markdown(run, sides):
    rows = rows_of(run("evaluate", sides, "-", "--format", "csv", stdin=JUDGED).answered().out)
    assert [row["class"] for row in rows] == ["left", "right", "macro average", "weighted average"]
    assert (rows[1]["recall"], rows[1]["support"], rows[1]["answered_left"]) == ("0.75", "4", "1")
    markdown = run("evaluate", sides, "-", "--format", "markdown", stdin=JUDGED).answered().out
    assert "| right | 1 | 3 |" in markdown
    assert "| accuracy | 0.8333 |" in markdown
    tsv = run("evaluate", sides, "-", "--format", "tsv", stdin=JUDGED).answered().out
    assert tsv.startswith("class\tprecision\t")


def test_evaluation_of_numbers(run, line):
    rows = "a,b,y\n1,1,1.5\n2,1,4\n0,0,-0.5\n"  # errors 0, -0.5, 1
    found = run("evaluate", line, "-", "--format", "json", stdin=rows).answered().json
    assert (found["mae"], found["mse"]) == (0.5, pytest.approx(1.25 / 3))
    assert (found["max_error"], found["bias"]) == (1.0, pytest.approx(0.5 / 3))
    assert found["rmse"] == pytest.approx(0.6454972243679028)
    assert found["r2"] == pytest.approx(0.8770491803278688)
    assert found["loss"] == {"type": "mse", "value": pytest.approx(1.25 / 3)}
    shown = run("evaluate", line, "-", stdin=rows).answered().out.splitlines()
    assert shown[2:] == [
        "loss       0.4167  mse, as trained",
        "MAE           0.5  mean absolute error",
        "RMSE       0.6455  root of the mean squared error",
        "R2          0.877  share of the variance explained; 0 is the mean's, 1 exact",
        "max error       1  the largest absolute error",
        "bias       0.1667  mean of prediction minus target",
    ]
    out = run("evaluate", line, "-", "--format", "csv", stdin="a,b,y\n1,1,2.5\n").answered().out
    assert out == "output,mae,mse,rmse,r2,max_error,bias\ny,1.0,1.0,1.0,,1.0,-1.0\n"


def test_predictions_that_overflow_are_not_judged(run, line):
    rows = "a,b,y\n1,1,1\n1e308,-1e308,2\n"
    run("evaluate", line, "-", stdin=rows).refused(3, "the prediction for row 2 is too large for a number")
    # squares that overflow are no number, and JSON says so
    found = run("evaluate", line, "-", "--format", "json", stdin="a,b,y\n1e200,1,1\n0,0,0\n").answered()
    assert found.json["mse"] is None
    assert found.json["mae"] == 1e200
    assert found.err == ""
    for format_ in ("table", "markdown", "csv"):
        found = run("evaluate", line, "-", "--format", format_, stdin="a,b,y\n1e200,1,1\n0,0,0\n").answered()
        assert not re.search(r"\b(inf|nan)\b", found.out)
        assert format_ == "csv" or "too large for a number: loss, MSE" in found.out


def test_evaluation_of_several_outputs(run, tmp_path):
    model = build(
        tmp_path,
        """
data: {inputs: [[1], [2]], targets: [[1, 2], [3, 4]]}
model: {layers: [{type: linear, units: 2, weights: [[1], [2]]}]}
""",
    )
    done = run("evaluate", model, "-", stdin="x,y1,y2\n1,1,3\n2,3,4\n").answered()
    table = [line.split() for line in done.out.splitlines()[-6:]]
    assert table[0] == ["output", "mae", "mse", "rmse", "r2", "max", "error", "bias"]
    assert table[2] == ["y1", "0.5", "0.5", "0.7071", "0.5", "1", "-0.5"]
    assert table[5] == ["all", "outputs", "0.5", "0.5", "0.7071", "-0.25", "1", "-0.5"]


def test_held_out_rows_of_the_config(run, sides):
    done = run("evaluate", sides, "--format", "json").answered()
    assert done.json["rows"] == 2
    assert done.json["confusion"]["matrix"] == [[1, 0], [0, 1]]
    assert done.err == "note: no FILE, so these are the test split of the rows in the config\n"
    assert run("evaluate", sides, "-q").answered().err == ""


def test_held_out_rows_of_a_file(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "line.csv").write_text(LINE_ROWS)
    folder = tmp_path / "runs" / "line"
    folder.mkdir(parents=True)
    text = LINE.replace("line.csv", "line.csv, validation_split: 0.5")
    save_model(
        str(folder / "model.safetensors"),
        Training(assemble(config.loads(text, "t.yaml", folder=str(tmp_path)))),
    )
    model = str(folder / "model.safetensors")
    found = run("evaluate", model, "--format", "json").answered().json
    assert (found["rows"], found["source"]) == (2, "the validation split of line.csv")
    monkeypatch.chdir(folder)
    assert run("evaluate", model, "--format", "json").answered().json["mae"] == found["mae"]
    (tmp_path / "line.csv").write_text(LINE_ROWS.replace("3.5", "3.6"))
    run("evaluate", model).refused(2, "the data has changed since the training")
    (tmp_path / "line.csv").unlink()
    run("evaluate", model).refused(4, "line.csv, is not here", "give a file")


def test_no_rows_held_out(run, line):
    run("evaluate", line).refused(2, "holds none back", "hint: give a file")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("x\n1\n", ("no column 'y'",)),
        ("x,y\n1,up\n", ("<stdin>:2:3", "'up' is not among the training rows", "known: left, right")),
        ("x,y\nz,left\n", ("<stdin>:2:1", "'z' is not a number")),
        ("x,y\n,left\n", ("<stdin>:2:1", "no value in column 'x'")),
        ("x,y\n", ("a header and no rows",)),
    ],
)
def test_rows_that_cannot_be_judged(run, sides, rows, words):
    run("evaluate", sides, "-", stdin=rows).refused(2, *words)


def test_formats_that_evaluate_does_not_write(run, sides, tmp_path):
    run("evaluate", sides, "-o", str(tmp_path / "o.tex")).refused(2, "evaluate does not write latex")
    run("evaluate", sides, "--format", "json", "-o", str(tmp_path / "o.json")).answered()
    assert json.loads((tmp_path / "o.json").read_text())["task"] == "classification"


def test_many_classes_show_their_confusions():
    from backprop_cli.render.evaluation import Subject, document, grids
    from backprop_cli.render.writers import write
    from backprop_cli.training.metrics import evaluate

    names = [f"kind {i}" for i in range(60)]
    answers = np.arange(60)
    answers[3] = 7
    found = evaluate(np.eye(60)[answers], np.arange(60), "classification", names, 1.0)
    confusion, by_class = grids(found, 4)
    assert confusion.rows == [["kind 3 taken for kind 7", "1"]]
    assert len(by_class.rows) == 62
    assert by_class.rows[3] == ["kind 3", "-", "0.0000", "0.0000", "1"]
    text = write(document(found, Subject("m", "r", "mse")), "table")
    assert "never answered, so no precision (0 in the averages): kind 3" in text


def test_names_too_wide_for_the_terminal_are_numbered(monkeypatch):
    from backprop_cli.render.evaluation import grids
    from backprop_cli.render.terminal import Screen
    from backprop_cli.render.writers import terminal
    from backprop_cli.training.metrics import evaluate

    names = [f"a class of some length, {i}" for i in range(6)]
    found = evaluate(np.eye(6), np.arange(6), "classification", names, 1.0)
    confusion = grids(found, 4)[0]
    assert confusion.columns[1].title == "a class of som...ngth, 0"
    (numbered,) = confusion.narrow
    assert [column.title for column in numbered.columns] == ["", "1", "2", "3", "4", "5", "6"]
    assert numbered.rows[0][0] == "1 a class of som...ngth, 0"

    def shown(width):
        monkeypatch.setattr(terminal, "screen_for", lambda to_file: Screen(width))
        return terminal.write([confusion]).splitlines()[1:]

    short = [f"a class of som...ngth, {i}" for i in range(6)]
    assert shown(80) == [
        " " * 28 + "1  2  3  4  5  6",
        "-" * 44,
        *(f"{i + 1} {short[i]}  {'  '.join('1' if i == k else '.' for k in range(6))}" for i in range(6)),
    ]
    assert shown(300) == [
        " " * 24 + "".join(f"  {each}" for each in short),
        "-" * 180,
        *(short[i] + "".join(f"{'1' if i == k else '.':>26}" for k in range(6)) for i in range(6)),
    ]


def test_names_cannot_write_to_the_terminal(run, tmp_path):
    (tmp_path / "e.csv").write_text("x,y\n1,\x1b[31mred\n2,\x1b[31mred\n-1,b|_[x]\n-2,b|_[x]\n")
    model = build(
        tmp_path,
        """
data: {path: e.csv}
model: {layers: [{type: linear, units: 2, weights: [[-1], [1]]}]}
""",
    )
    for format_ in ("table", "markdown"):
        done = run(
            "evaluate", model, "-", "--format", format_, stdin='x,y\n1,b|_[x]\n2,"\x1b[31mred"\n'
        ).answered()
        assert "\x1b" not in done.out
        assert "\\x1b[31mred" in done.out.replace("\\\\", "\\").replace("\\[", "[")
    done = run("predict", model, "--format", "table", stdin="x\n1\n").answered()
    assert "\x1b" not in done.out


def test_a_logit_is_measured_as_the_probability_that_it_answers_with(run, tmp_path, monkeypatch):
    """Targets that are probabilities: what is measured in training is what is measured of the model."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.csv").write_text("x,p,q\n1,0.1,0.9\n2,0.8,0.2\n3,0.5,0.5\n4,0.3,0.9\n")
    (tmp_path / "p.yaml").write_text(
        "data: {path: p.csv, target: [p, q]}\nmodel: {hidden: [3]}\nloss: binary_cross_entropy\n"
        "training: {epochs: 30, batch_size: full, metrics: [mse, r2]}\n"
    )
    trained = run("train", "p.yaml", "-q", "--format", "json").json["results"]["training"]
    judged = run("evaluate", "runs/p/model.safetensors", "p.csv", "--format", "json").json
    assert trained["mse"] == pytest.approx(judged["mse"], rel=1e-12)
    assert trained["r2"] == pytest.approx(judged["r2"], rel=1e-9)


def test_soft_targets_are_judged_as_they_are_trained(run, tmp_path, monkeypatch):
    """The mean of -log p over the shares is the loss; the class is that of the largest share."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.csv").write_text("x,red,blue\n1,0.1,0.9\n2,0.8,0.2\n3,0.6,0.4\n4,1,0\n")
    (tmp_path / "s.yaml").write_text(
        "data: {path: s.csv, target: [red, blue], test_path: s.csv}\nmodel: {hidden: [3]}\n"
        "loss: cross_entropy\ntraining: {epochs: 30, batch_size: full, metrics: [accuracy]}\n"
    )
    trained = run("train", "s.yaml", "-q", "--format", "json").json["results"]["test"]
    for words in ((), ("s.csv",)):
        judged = run("evaluate", "runs/s/model.safetensors", *words, "--format", "json").json
        assert judged["loss"]["value"] == pytest.approx(trained["loss"], rel=1e-12)
        assert judged["cross_entropy"] == pytest.approx(trained["loss"], rel=1e-12)
        assert judged["accuracy"] == trained["accuracy"]
    answers = run("predict", "runs/s/model.safetensors", "s.csv").out.splitlines()
    assert answers[0] == "x,red,blue,prediction,p_red,p_blue,error"


HOSTILE_CLASSES = [
    "<img src=x onerror=alert(1)>", "=cmd|' /C calc'!A0", "a|b", "+1+1", "@SUM(A1)", "-2+3", "\x1b[31mred",
]  # fmt: skip


def test_names_of_classes_are_text_to_every_reader(run, tmp_path):
    """No markup, formula of a spreadsheet or escape sequence; every row of a table has its columns."""
    rows = io.StringIO()
    csv.writer(rows).writerows([["x", "y"], *zip(range(len(HOSTILE_CLASSES)), HOSTILE_CLASSES, strict=True)])
    (tmp_path / "c.csv").write_text(rows.getvalue())
    model = build(tmp_path, "data: {path: c.csv}\nmodel: {hidden: [2]}")
    found = {
        format_: run("evaluate", model, "-", "--format", format_, stdin=rows.getvalue()).answered().out
        for format_ in ("markdown", "csv", "tsv", "table")
    }
    assert not any("\x1b" in text for text in found.values())
    assert "<img" not in found["markdown"].replace("\\<", "")
    tables = re.findall(r"(?:^\|.*\n)+", found["markdown"], re.M)
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1
    answers = (
        run("predict", model, "-", "--no-probabilities", stdin="x\n0\n1\n2\n3\n4\n5\n6\n").answered().out
    )
    for text in (found["csv"], answers):
        for cells in csv.reader(io.StringIO(text)):
            assert not any(cell[:1] in {*"=+-@"} for cell in cells)


def test_classes_that_are_negative_numbers_stay_numbers(run, tmp_path):
    model = build(
        tmp_path,
        "data: {inputs: [[1], [-1]], targets: [1, -1]}\ntask: classification\n"
        "model: {layers: [{type: linear, units: 2, weights: [[-1], [1]]}]}\n",
    )
    assert run("predict", model, "-", "--no-probabilities", stdin="x\n-2\n3\n").out == (
        "x,prediction,error\n-2,-1,\n3,1,\n"
    )


def test_no_number_that_is_none_is_printed(run, tmp_path, monkeypatch):
    """Inputs, targets and rates from the least to the largest float: numbers, or what is wrong in words."""
    monkeypatch.chdir(tmp_path)
    none = re.compile(r"(?<![\w.])-?(inf|nan|Infinity|NaN)(?!\w)")
    sizes = (1e-320, 1.0, 1e150, 1.7e308)
    for i, (x, y) in enumerate(itertools.product(sizes, sizes)):
        (tmp_path / "e.csv").write_text(
            f"a,b,y\n{x},{-x / 3},{y}\n{-x / 7},{x / 2},{-y / 3}\n{x / 9},{x},0.5\n"
        )
        (tmp_path / "e.yaml").write_text(
            f"data: {{path: e.csv, test_path: e.csv}}\ntask: regression\ndtype: float{32 if i % 3 else 64}\n"
            f"model: {{layers: [{{type: linear, units: 2, activation: softplus}}, {{type: linear}}]}}\n"
            f"loss: {('mse', 'mae', 'huber', 'half_sse')[i % 4]}\n"
            f"optimizer: {{type: sgd, learning_rate: {(1e-3, 1e308)[i % 2]}}}\n"
            f"training: {{epochs: 2, batch_size: full, metrics: [{'r2' if i % 2 else ''}]}}\n"
        )
        for words in (
            ("train", "e.yaml"),
            ("trace", "e.yaml"),
            ("trace", "e.yaml", "--table"),
            ("evaluate", "runs/e/model.safetensors", "e.csv"),
        ):
            found = run(*words)
            assert found.status in (0, 2, 3, 4), found.err
            assert not none.search(found.out + found.err), (words, x, y)
