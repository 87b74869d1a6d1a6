"""Bad input of `train`, `predict`, `evaluate`, `trace` and `config`: status, first line, nothing half-written.

Every line is what a student reads: what is wrong, where, and, below it, what to do.
"""

# ruff: noqa: E501

from __future__ import annotations

import contextlib
import copy
import io
import math
import os
import pickle
import random
import signal
import subprocess
import sys
import time
import zipfile
from itertools import islice, product
from pathlib import Path
from string import ascii_letters

import numpy as np
import pytest

from backprop_cli.api.evaluation import judged
from backprop_cli.api.prediction import predict
from backprop_cli.errors import BackpropError
from backprop_cli.tables import npz as npz_files
from backprop_cli.training import checkpoint, config
from backprop_cli.training.loop import Training
from backprop_cli.training.model import save_model
from backprop_cli.training.problem import assemble

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's devices and signals")
root = hasattr(os, "geteuid") and os.geteuid() == 0

MEMORY = 512 * 2**20
ROWS = "x,y,c\n" + "".join(f"{i},{i * i % 7},{'ab'[i % 2]}\n" for i in range(20))
D = "data: {path: d.csv}\n"
N = "model: {hidden: [4]}\n"
SHORT = "training: {epochs: 2}\n"
IMAGES = "data: {dataset: digits, shape: [1, 8, 8]}\n"
SINE = "data: {dataset: sine}\n"
PAIR = "data: {inputs: [[1], [2]], targets: [0.5, 2]}\n"
LIN = "type: linear"


def layers(*each):
    return f"model: {{layers: [{', '.join(f'{{{layer}}}' for layer in each)}]}}\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to stand in, with good rows and a good config."""
    monkeypatch.chdir(tmp_path)
    put({"d.csv": ROWS, "c.yaml": D + N + SHORT})
    return tmp_path


@pytest.fixture(scope="module")
def trained(run, tmp_path_factory):
    """The folder of a run that ended well, with a checkpoint of its first epoch."""
    here = tmp_path_factory.mktemp("trained")
    (here / "d.csv").write_text(ROWS)
    (here / "c.yaml").write_text(D + N + SHORT)
    run("train", here / "c.yaml", "-q", f"output.dir={here / 'run'}", "checkpoint.every=1").answered()
    return here


def put(files):
    for name, content in files.items():
        Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())


def refused(run, words, line, status=2):
    """Hold a command to its first error line, its status, and to leaving nothing behind."""
    before = sorted(os.listdir())
    begin = time.process_time()  # what else runs on the machine is no fault of ours
    result = run(*words)
    assert result.status == status, result.err
    assert result.out == ""
    said = result.err.splitlines()
    assert said[0] == f"backprop: error: {line}"
    assert all(text.startswith(("backprop: error: ", "  ")) for text in said)
    assert "Traceback" not in result.err
    assert "\x1b" not in result.err
    assert len(result.err) < 2500
    assert sorted(os.listdir()) == before
    assert time.process_time() - begin < 10
    return result


# --- configs -----------------------------------------------------------------------------------

# a config, and the first line said of it; c.yaml: stands before the places of configs
# fmt: off
CONFIGS = {
    "unknown key": (D + N + 'optimzer: adam\n', "3:1: unknown key optimzer"),
    "unknown section": (D + 'modle: {hidden: [4]}\n' + N, "2:1: unknown key modle"),
    "unknown nested key": (D + N + 'training: {epoch: 3}\n', "3:12: unknown key training.epoch"),
    "key twice": (D + N + 'seed: 1\nseed: 2\n', "4:1: the key seed is here twice"),
    "lr twice": (D + N + 'optimizer: {type: sgd, lr: 0.1, learning_rate: 0.2}\n', "3:24: lr and learning_rate are one key, given twice"),
    "text for a number": (D + N + 'seed: many\n', '3:7: seed must be a whole number, not the text "many"'),
    "quoted number": (D + N + "training: {epochs: '10'}\n", '3:20: training.epochs must be a whole number, not the text "10"'),
    "out of range": (D + N + 'training: {epochs: -1}\n', "3:20: training.epochs must be at least 0, not -1"),
    "too large": (D + N + 'training: {epochs: 10000000000}\n', "3:20: training.epochs must be at most 1,000,000,000, not 10000000000"),
    "infinite rate": (D + N + 'optimizer: {learning_rate: .inf}\n', "3:28: optimizer.learning_rate must be finite, not .inf"),
    "no such optimizer": (D + N + 'optimizer: adamm\n', '3:12: optimizer.type is "adamm"'),
    "anchor": (D + 'model: &m {hidden: [4]}\n', "2:8: no anchors in a config: &m"),
    "alias": (D + N + 'loss: *m\n', "3:7: no aliases in a config: *m"),
    "alias bomb": (D + N + 'name: &a [x, x]\nloss: [*a, *a, *a]\n', "3:7: no anchors in a config: &a"),
    "merge key": (D + N + '<<: {seed: 1}\n', "3:1: no merge keys in a config: <<"),
    "tag": (D + N + 'name: !!python/object/apply:os.system [touch owned]\n', "3:7: no tags in a config: !!python/object/apply:os.system"),
    "second document": (D + N + '---\nseed: 1\n', "3:1: a second document"),
    "tab": ('data:\n\tpath: d.csv\n' + N, "2:1: a tab cannot indent in YAML"),
    "open bracket": ('data: {path: d.csv\nmodel: 1\n', "2:6: ',' or '}' is missing: the '{' of line 1 is still open"),
    "open quote": ("data: {path: 'd.csv}\n", "2:1: the text ends inside the quote of line 1"),
    "deep": ('[' * 100000, "1:65: nested deeper than 32 levels: no config"),
    "escape sequence": (D + N + 'name: \x1b[31mred\n', "3:7: the character U+001B does not belong in YAML text"),
    "bidi": (D + N + 'name: a\u202eb\n', '3:7: name "a\\u202eb" has a character that no folder should have'),
    "folder name": (D + N + 'name: ../up\n', '3:7: name "../up" has a character that no folder should have'),
    "list": ('[1, 2]\n', "1:1: a config is a mapping with the keys data and model, not a list"),
    "text": ('just text\n', '1:1: a config is a mapping with the keys data and model, not the text "just text"'),
    "nothing": ('', "1:1: the config is empty"),
    "no model": (D, "1:1: model is missing"),
    "two sources": ('data: {path: d.csv, dataset: iris}\n' + N, "1:30: data has both path and dataset"),
    "two models": (D + 'model: {hidden: [4], formula: y ~ a*x, parameters: {a: 1}}\n', "2:31: model has both hidden and formula"),
    "no layers": (D + 'model: {layers: []}\n', "2:17: model.layers is empty"),
    "no such layer": (D + layers('type: lstn, units: 3'), '2:25: model.layers.0.type is "lstn"'),
    "no such activation": (D + 'model: {hidden: [4], activation: rellu}\n', '2:34: model.activation: there is no function "rellu"'),
    "code": (D + 'model: {hidden: [4], activation: __import__}\n', '2:34: model.activation: there is no function "__import__"'),
    "dropout of all": (D + layers('type: dropout, rate: 1', LIN), "2:40: model.layers.0.rate must be below 1, not 1"),
    "weights and data": (D + layers('type: linear, units: 2, weights: [[1, 2, 3], [1, 2, 3]]'), "2:18: linear1: the weights are 2x3, but the layer needs 2x2 (units x inputs)"),
    "ragged weights": (D + layers('type: linear, units: 2, weights: [[1, 2, 3], [1, 2]]'), "2:64: row 2 of model.layers.0.weights has 2 numbers, row 1 has 3"),
    "biases": (D + layers('type: linear, units: 2, bias: [1, 2, 3]'), "2:49: model.layers.0.bias has 3 numbers for 2 units"),
    "weights of the second layer": (D + layers('type: linear, units: 3', 'type: linear, weights: [[1, 2], [3, 4]]'), "2:44: linear2: the weights are 2x2, but the layer needs 2x3 (units x inputs)"),
    "units and classes": (D + layers('type: linear, units: 3'), "2:18: the last layer gives rows of 3, but the targets are rows of 2"),
    "units and numbers": ("data: {path: d.csv, target: [x, y], features: ['x']}\n" + N, '1:47: data.features has the target "x"'),
    "units and targets": (SINE + layers('type: linear, units: 2'), "2:18: the last layer gives rows of 2, but the targets are rows of 1"),
    "shape of a row": ('data: {path: d.csv, shape: [1, 8, 8]}\nmodel: {layers: [flatten, {type: linear}]}\n', "1:28: 1 x 8 x 8 is 64 numbers, but a row has 2 features"),
    "no channels": (D + layers('type: conv2d, channels: 2, kernel_size: 3', 'type: flatten', LIN), "2:18: conv2d1 takes channels, height and width, but gets rows of 2"),
    "images into a linear layer": (IMAGES + layers(LIN), "2:18: linear1 takes rows of numbers, but gets rows of 1x8x8"),
    "no flatten": (IMAGES + layers('type: conv2d, channels: 2, kernel_size: 3'), "2:18: the last layer gives rows of 2x6x6, but the targets are rows of 10"),
    "large kernel": (IMAGES + layers('type: conv2d, channels: 2, kernel_size: 9', 'type: flatten', LIN), "2:18: conv2d1: a kernel of 9x9 does not fit into rows of 1x8x8"),
    "large window": (IMAGES + layers('type: max_pool2d, kernel_size: 9', 'type: flatten', LIN), "2:18: max_pool2d1: a window of 9x9 does not fit into rows of 1x8x8"),
    "kernels": (IMAGES + layers('type: conv2d, channels: 1, kernel_size: 2, weights: [[[[1, 2], [3, 4]], [[1, 2], [3, 4]]]]', 'type: flatten', LIN), "2:18: conv2d1: the weights are 1x2x2x2, but the layer needs 1x1x2x2 (channels x inputs x height x width)"),
    "softmax of images": (IMAGES + layers('type: activation, activation: softmax', 'type: flatten', LIN), "2:18: softmax takes rows of numbers, but gets rows of 1x8x8"),
    "batch_norm of one row": ('data: {inputs: [[1]], targets: [1]}\n' + layers('type: linear, units: 2', 'type: batch_norm', LIN), "2:8: batch_norm needs rows to compare, but there is one training row"),
    "batch_norm of what is left": (D + layers('type: linear, units: 2', 'type: batch_norm', LIN) + 'training: {batch_size: 19}\n', "3:24: batch_norm cannot normalise one row, but 20 rows in batches of 19 leave one"),
    "too many weights": (D + 'model: {hidden: [1000000, 1000000]}\n', "2:8: linear2 has 1000000x1000000 weights: more than 100,000,000 parameters in all"),
    "too many numbers a row": (IMAGES + layers('type: conv2d, channels: 9, kernel_size: 3, padding: 500000', 'type: flatten', LIN), "2:18: conv2d1 makes rows of 9x1000006x1000006: more than 67,108,864 numbers"),
    "too many numbers a batch": (IMAGES + layers('type: conv2d, channels: 512, kernel_size: 3', 'type: conv2d, channels: 512, kernel_size: 3', 'type: flatten', LIN) + 'training: {batch_size: full}\n', "3:24: 1,797 rows at once take 195,768,774 numbers in the network; 134,217,728 is the most"),
    "too many samples": ('data: {dataset: moons, samples: 1000000000}\n' + N, "1:33: data.samples must be at most 1,000,000, not 1000000000"),
    "too few samples": ('data: {dataset: moons, samples: 1}\n' + N, "1:33: moons takes 4 samples or more"),
    "cross_entropy of numbers": (PAIR + N + 'loss: cross_entropy\n', "3:7: cross_entropy needs classes, but the target 'y' has numbers like 0.5"),
    "cross_entropy of a regression": (SINE + N + 'loss: cross_entropy\ntask: regression\n', "3:7: cross_entropy is for classes, and task: regression is regression"),
    "hinge of numbers": (PAIR + N + 'loss: hinge\n', "3:7: hinge needs classes, but the target 'y' has numbers like 0.5"),
    "smoothing of another loss": (SINE + N + 'loss: {type: mse, label_smoothing: 0.1}\n', "3:36: loss.label_smoothing is for cross_entropy, not for mse"),
    "binary loss of numbers": (PAIR + N + 'loss: binary_cross_entropy\n', "3:7: binary_cross_entropy needs classes, but the target 'y' has numbers like 0.5"),
    "binary loss beyond 1": ('data: {inputs: [[1], [2]], targets: [[0.5], [3]]}\n' + N + 'loss: binary_cross_entropy\n', "3:7: binary_cross_entropy takes targets from 0 to 1, but 'y' has 3"),
    "regression of texts": (D + N + 'task: regression\n', "3:7: regression, but the target 'c' is text"),
    "regression metric": (D + N + 'training: {metrics: [accuracy, r2]}\n', "3:21: training.metrics mixes those of classes and those of numbers"),
    "classes metric": (SINE + N + 'training: {metrics: [accuracy]}\n', "3:22: accuracy measures classification, not regression"),
    "r2 of one row": ('data: {inputs: [[1], [2], [3]], targets: [0.5, 2, 3], test_split: 0.3}\n' + N + 'training: {metrics: [r2]}\n', "3:22: r2 compares rows, but there is one test row"),
    "no validation": (D + N + 'training: {early_stopping: {monitor: val_loss}}\n', "3:38: training.early_stopping.monitor: val_loss needs validation rows"),
    "levenberg_marquardt of a network": (D + N + 'optimizer: levenberg_marquardt\n', "3:12: levenberg_marquardt fits formulas, not networks"),
    "no such target": ('data: {path: d.csv, target: z}\n' + N, "1:29: no column 'z'; the columns are x, y, c"),
    "target misspelt": ('data: {path: d.csv, target: C}\n' + N, "1:29: no column 'C'; the columns are x, y, c"),
    "no such feature": ('data: {path: d.csv, features: [x, q]}\n' + N, "1:35: no column 'q'; the columns are x, y, c"),
    "target as a feature": ('data: {path: d.csv, features: [x, c], target: c}\n' + N, '1:31: data.features has the target "c"'),
    "broken feature": ('data: {path: d.csv, features: [x+]}\n' + N, "1:32: 'x+' is no column, and no formula: expected a number, a name or '(' after '+', found the end"),
    "feature without a value": ('data: {path: d.csv, features: [log(x)]}\n' + N, "d.csv:2:1: feature 'log(x)': log(x) has no value at x = 0: log(x) is defined where x > 0"),
    "code as a feature": ('data: {path: d.csv, features: ["__import__(\'os\')"]}\n' + N, "1:32: '__import__('os')' is no column, and no formula: a name starts with a letter"),
    "no rows left": ('data: {path: d.csv, validation_split: 0.99}\n' + N, "1:39: no training rows are left: 20 of 20 would be held out"),
    "stratified numbers": ('data: {path: d.csv, target: y, stratify: true, test_split: 0.2}\ntask: regression\n' + N, "1:42: there are no classes to split by: the task is regression"),
    "formula's target": (D + 'model: {formula: z ~ a*x, parameters: {a: 1}}\n', "2:18: no column 'z'; the columns are x, y, c"),
    "formula's column": (D + 'model: {formula: y ~ a*q, parameters: {a: 1}}\n', "2:18: no column 'q'; the columns are x, y, c"),
    "formula of texts": (D + 'model: {formula: y ~ a*c, parameters: {a: 1}}\n', "d.csv:2:5: column 'c': 'a' is not a number"),
    "broken formula": (D + 'model: {formula: y ~ a*(x, parameters: {a: 1}}\n', "2:24: model.formula: this '(' is not closed"),
    "no tilde": (D + 'model: {formula: a*x, parameters: {a: 1}}\n', '2:18: model.formula must be TARGET ~ EXPRESSION, not "a*x"'),
    "parameter nowhere": (D + 'model: {formula: y ~ a*x, parameters: {a: 1, b: 2}}\n', "2:49: the parameter b is not in the formula"),
    "no parameters": (D + 'model: {formula: y ~ x}\n', "2:18: a formula needs model.parameters: what is fitted, with first values"),
    "long formula": (D + 'model: {formula: y ~ a' + '+a*x' * 100000 + ', parameters: {a: 1}}\n', "2:18: model.formula: the program has more than 200,000 nodes"),
    "two stdins": ("data: {path: '-', test_path: '-'}\n" + N, "1:7: only one file of rows can come from stdin"),
}
# fmt: on


@pytest.mark.parametrize(("text", "line"), CONFIGS.values(), ids=CONFIGS)
def test_configs(run, folder, text, line):
    put({"c.yaml": text})
    refused(run, ["train", "c.yaml"], line if line.startswith("d.csv") else f"c.yaml:{line}")


def test_every_fault_of_a_config_has_its_line(run, folder):
    put({"c.yaml": D + N + "seed: x\ndtype: y\nzzz: 1\n"})
    result = refused(
        run, ["config", "validate", "c.yaml"], 'c.yaml:3:7: seed must be a whole number, not the text "x"'
    )
    places = [line.split(": ")[2] for line in result.err.splitlines() if line.startswith("backprop: error: ")]
    assert places == ["c.yaml:3:7", "c.yaml:4:8", "c.yaml:5:1"]


@pytest.mark.parametrize(
    "command", [["train"], ["trace"], ["config", "validate"], ["config", "show"]], ids=" ".join
)
@pytest.mark.parametrize(
    ("name", "content", "line", "status"),
    [
        ("none.yaml", None, "none.yaml: No such file or directory", 4),
        (".", None, ".: Is a directory", 4),
        ("", None, "an empty name: No such file or directory", 4),
        ("bad.yaml", D + N + "zzz: 1\n", "bad.yaml:3:1: unknown key zzz", 2),
        ("p.yaml", pickle.dumps({"a": 1}), "p.yaml is a pickle, archive or array: no config", 2),
        ("m.yaml", b"\x40\1\0\0\0\0\0\0{" + b" " * 400, "m.yaml is a model file: no config", 2),
        ("large.yaml", "# " + "a" * (1 << 20), "large.yaml is larger than 1,048,576 bytes: no config", 2),
        ("rows.yaml", "x,y,c\n1,2,a\n", "rows.yaml:1:1: a config is a mapping with the keys data and model,"
            ' not the text "x,y,c 1,2,a"', 2),
        ("\x1b[31m", None, "\\x1b[31m: No such file or directory", 4),
    ],
)  # fmt: skip
def test_files_that_are_no_config(run, folder, command, name, content, line, status):
    if content is not None:
        put({name: content})
    refused(run, [*command, name], line, status)


@linux
def test_devices_as_configs(run, folder):
    refused(run, ["train", "/dev/zero"], "/dev/zero is larger than 1,048,576 bytes: no config")
    refused(run, ["train", "/dev/null"], "/dev/null:1:1: the config is empty")


def test_config_and_rows_from_one_stdin(run, folder):
    def fed(*words):
        return run(*words, stdin="data: {path: '-'}\n" + N)

    refused(fed, ["train", "-"], "<stdin>:1:14: the config and the rows cannot both come from stdin")


OVERRIDES = {
    "optimizer.lerning_rate=1": "unknown key optimizer.lerning_rate",
    "training.epochs=many": 'training.epochs must be a whole number, not the text "many"',
    "training.epochs": "this is no KEY=VALUE",
    "=5": "this is no KEY=VALUE",
    "seed=[1": "',' or ']' is missing: the '[' is still open",
    "a.b.c=1": "unknown key a",
    "model.hidden.7=9": "model.hidden has no entry 7",
    "seed=*a": "no aliases in a config: *a",
    "name=!!python/object:x {}": "no tags in a config: !!python/object:x",
    "model.hidden=[1000000001]": "model.hidden.0 must be at most 1,000,000,000, not 1000000001",
}


@pytest.mark.parametrize("word", OVERRIDES)
def test_overrides(run, folder, word):
    refused(run, ["train", "c.yaml", word], f"command line: {word}: {OVERRIDES[word]}")


def test_an_override_given_twice(run, folder):
    refused(run, ["train", "c.yaml", "seed=1", "seed=2"], "command line: seed=1: seed is given twice")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["train"], "train needs CONFIG"),
        (
            ["train", "c.yaml", "--threads", "0"],
            "--threads takes a whole number from 1 to 1,024, not 0",
        ),
        (["train", "c.yaml", "-o", "x.csv"], "train prints a table or JSON, not csv"),
        (
            ["train", "c.yaml", "-o", "x.png"],
            "train draws into its folder (loss.svg); -o FILE.svg is for --sweep",
        ),
        (["train", "c.yaml", "--resume"], "runs/c has no checkpoint to resume from"),
        (["trace", "c.yaml", "--at-step", "99"], "--at-step 99: the training ends after 2 updates"),
        (["trace", "c.yaml", "--layer", "lstm1"], "--layer lstm1: there is no such layer"),
        (["config", "valdate"], "no such command: config valdate"),
        (["config", "init", "irs"], "no starter config irs"),
        (["predict"], "predict needs MODEL"),
        (["evaluate"], "evaluate needs MODEL"),
    ],
)
def test_command_lines(run, folder, words, line):
    refused(run, words, line)


# --- data --------------------------------------------------------------------------------------

# fmt: off
DATA = {
    "empty": ('', "d.csv:1:1: the file is empty"),
    "blank": ('\n\n', "d.csv:1:1: the file is empty"),
    "header only": ('x,c\n', "d.csv:1:1: a header and no rows"),
    "numbers only": ('1,2\n3,4\n', "d.csv:1:1: the first line is numbers, not the names of the columns"),
    "one column": ('x\n1\n2\n', "c.yaml:1:7: no features are left: the only column is 'x'"),
    "semicolons": ('x;c\n1;a\n2;b\n', "d.csv:1:1: the cells are separated by semicolons (;), not by commas: 2 names stand in the first line"),
    "decimal commas": ('x;c\n1,5;a\n', "d.csv:1:1: the cells are separated by semicolons (;), not by commas: 2 names stand in the first line"),
    "ragged": ('x,c\n1,a\n2\n', "d.csv:3:1: the row has 1 field, the header has 2"),
    "too wide": ('x,c\n1,a\n2,b,3\n', "d.csv:3:5: the row has 3 fields, the header has 2"),
    "column twice": ('x,c,x\n1,a,2\n', "d.csv:1:5: two columns are named 'x'"),
    "text among numbers": ('x,c\n1,a\n2,b\n3,a\noops,b\n', "d.csv:5:1: column 'x': 'oops' is not a number; 3 other cells are"),
    "decimal comma": ('x,c\n1,a\n2,b\n3,a\n"4,5",b\n', "d.csv:5:1: column 'x': '4,5' is not a number; 3 other cells are"),
    "nan": ('x,c\n1,a\nnan,b\n', "d.csv:3:1: no value in column 'x'"),
    "infinite": ('x,c\n1,a\ninf,b\n', "d.csv:3:1: column 'x': inf is not a finite number; 1 other cell is"),
    "too large": ('x,c\n1,a\n-1e999,b\n', "d.csv:3:1: column 'x': -1e999 is too large for a float64; 1 other cell is"),
    "missing": ('x,c\n1,a\n,b\n', "d.csv:3:1: no value in column 'x'"),
    "missing target": ('x,c\n1,a\n2,\n3,b\n', "d.csv:3:3: no value in column 'c'"),
    "target nan": ('x,y\n1,1.5\n2,NaN\n', "d.csv:3:3: no value in column 'y'"),
    "target infinite": ('x,y\n1,1.5\n2,inf\n3,2.5\n', "d.csv:3:3: column 'y': inf is not a finite number; 2 other cells are"),
    "one class": ('x,c\n1,a\n2,a\n', "d.csv:2:3: every row is of the class 'a': there is nothing to tell apart"),
    "one number": ('x,y\n1,1\n2,1\n3,1\n', "d.csv:2:3: every row is of the class '1': there is nothing to tell apart"),
    "too many classes": ('x,c\n' + ''.join(f'{i},k{i}\n' for i in range(1001)), "c.yaml:1:7: 'c' has 1001 classes for 1001 rows, too many to tell apart"),
    "too many texts": ('x,c\n' + ''.join(f"k{i},{'ab'[i % 2]}\n" for i in range(1001)), "c.yaml:1:7: column 'x' has 1001 different texts; a categorical column has 1000 at most"),
    "open quote": ('x,c\n1,"a\n2,b\n', "d.csv:2:3: a quoted cell is never closed"),
    "binary": (bytes(range(256)) * 4, "d.csv:1:1: a NUL byte: the file is not text"),
    "not UTF-8": (b'x,c\n1,a\n2,\xff\n', "d.csv:3:3: byte 0xff is not UTF-8"),
    "UTF-16": ('x,c\n1,a\n'.encode('utf-16'), "d.csv:1:1: the text is UTF-16, not UTF-8"),
    "NUL": (b'x,c\n1,a\x00\n', "d.csv:2:4: a NUL byte: the file is not text"),
    "pickle": (b'\x80\x04\x95\n\x00\x00\x00\x00\x00\x00\x00]\x94(K\x01K\x02e.', "d.csv: the file is a pickle, which is never loaded"),
    "long cell": ('x,c\n1,' + 'a' * 2000000 + '\n', "d.csv:2:1: the line is longer than 1 MiB"),
    "wide and ragged": (','.join(f'{i:x}k' for i in range(158558)) + '\n1,2\n', "d.csv:2:3: the row has 2 fields, the header has 158558"),
    "escape sequence": ('x,c\n1,a\n\x1b[31m2,b\n3,a\n', "d.csv:3:1: column 'x': '\\x1b[31m2' is not a number; 2 other cells are"),
}
# fmt: on


@pytest.mark.parametrize(("content", "line"), DATA.values(), ids=DATA)
def test_data(run, folder, content, line):
    put({"d.csv": content, "c.yaml": D + N})
    refused(run, ["train", "c.yaml"], line)


HELD_OUT = {
    "x,y,c\n1,2,a\n2,3,z\n": "t.csv:3:5: class 'z' is not among the training rows",
    "x,c\n1,a\n": "c.yaml:1:: t.csv: no column 'y'; the columns are x, c",
    "x,y,c\n": "t.csv:1:1: a header and no rows",
    "x,y,c\n1,2,a\n1,b,b\n": "t.csv:3:3: column 'y': 'b' is not a number",
    "x,y,c\n1,,a\n": "t.csv:2:3: no value in column 'y'",
}


@pytest.mark.parametrize("part", ["test", "validation"])
@pytest.mark.parametrize("content", HELD_OUT, ids=HELD_OUT.values())
def test_held_out_rows(run, folder, part, content):
    key = f"{part}_path: t.csv"
    put({"t.csv": content, "c.yaml": f"data: {{path: d.csv, {key}}}\n" + N})
    refused(run, ["train", "c.yaml"], HELD_OUT[content].replace("1::", f"1:{28 + len(part)}:"))


def test_a_category_that_only_the_test_rows_have(run, folder):
    put(
        {
            "d.csv": "k,c\nu,a\nv,b\n",
            "t.csv": "k,c\nw,a\n",
            "c.yaml": "data: {path: d.csv, test_path: t.csv}\n" + N,
        }
    )
    refused(run, ["train", "c.yaml"], "t.csv:2:1: column 'k': 'w' is not a known category")


@pytest.mark.parametrize(
    ("rows", "more", "line"),
    [
        ("x,c\n,a\n,b\n", "missing: drop", "d.csv:2:1: every row lacks a value"),
        (
            "x,z,c\n1,,a\n2,,b\n",
            "missing: mean",
            "c.yaml:1:30: column 'z' has no value in any training row: no mean",
        ),
        (
            "x,c\n1e308,a\n-1e308,b\n",
            "scaling: standard",
            "c.yaml:1:30: the numbers of 'x' are too large to be scaled",
        ),
    ],
)
def test_data_that_cannot_be_completed(run, folder, rows, more, line):
    put({"d.csv": rows, "c.yaml": f"data: {{path: d.csv, {more}}}\n" + N})
    refused(run, ["train", "c.yaml"], line)


@pytest.mark.parametrize(
    ("name", "line", "status"),
    [
        ("none.csv", "c.yaml:1:14: cannot read none.csv: there is no such file", 4),
        (".", "cannot read .: it is a directory", 4),
    ],
)
def test_data_files_that_cannot_be_read(run, folder, name, line, status):
    put({"c.yaml": f"data: {{path: {name}}}\n" + N})
    refused(run, ["train", "c.yaml"], line, status)


@linux
def test_a_device_of_zeros_as_data(run, folder):
    put({"c.yaml": "data: {path: /dev/zero}\n" + N})
    refused(run, ["train", "c.yaml"], "/dev/zero:1:1: a NUL byte: the file is not text")


def npz(**arrays):
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def zipped(**members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return stream.getvalue()


def header(kind, shape):
    text = f"{{'descr': {kind!r}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\1\0\x76\0" + text.ljust(117) + b"\n"


X, Y = np.ones((4, 2)), np.array([0, 1, 0, 1])
GOOD_NPZ = npz(x=X, y=Y)
ARCHIVES = {
    "objects": (npz(x=np.array([[1, None], [2, {}]], dtype=object), y=Y), ": array 'x': the array holds pickled Python objects, which are never loaded"),
    "no archive": (b"x,y\n1,2\n", ": the .npz file is damaged or cut short"),
    "start only": (GOOD_NPZ[:10], ": the .npz file is damaged or cut short"),
    "cut short": (GOOD_NPZ[:-9], ": the .npz file is damaged or cut short"),
    "flipped": (GOOD_NPZ[:200] + bytes([GOOD_NPZ[200] ^ 255]) + GOOD_NPZ[201:], ": the .npz file is damaged or cut short"),
    "no arrays": (npz(), ": no arrays"),
    "no array": (zipped(x=b"hello"), ": array 'x': not an .npy file"),
    "lengths": (npz(x=X, y=Y[:3]), ": 'x' has shape (4, 2) and 'y' has shape (3,)"),
    "no rows": (npz(x=X[:0], y=Y[:0]), ": 'x' has shape (0, 2): no numbers"),
    "inputs only": (npz(x=X), ": the array 'x' has shape (4, 2), not (rows,)"),
    "infinite": (npz(x=np.array([[1, 2], [np.inf, 3]]), y=Y[:2]), ": row 2, column 'x1': inf is not a finite number"),
    "nan": (npz(x=np.array([[1, 2], [np.nan, 3]]), y=Y[:2]), ": row 2, column 'x1': no value in column 'x1'"),
    "complex": (npz(x=X + 1j, y=Y), ": row 1, column 'x1': the array holds complex128, not numbers"),
    "a terabyte": (zipped(x=header("<f8", (10**11, 2)), y=b""), ": array 'x': the .npy file is damaged or cut short"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "line"), ARCHIVES.values(), ids=ARCHIVES)
def test_archives(run, folder, content, line):
    put({"d.npz": content, "c.yaml": "data: {path: d.npz}\n" + N})
    refused(run, ["train", "c.yaml"], f"d.npz{line}")


def test_archives_that_unpack_to_too_much(run, folder, monkeypatch):
    put({"d.npz": GOOD_NPZ, "c.yaml": "data: {path: d.npz}\n" + N})
    monkeypatch.setattr(npz_files, "NUMBERS", 9)
    refused(run, ["train", "c.yaml"], "d.npz: the arrays have more than 9 numbers")
    monkeypatch.setattr(npz_files, "LIMIT", 99)
    refused(run, ["train", "c.yaml"], "d.npz: the arrays take more than 0 GiB")


@pytest.fixture(scope="module")
def wide():
    """A table of 200,000 columns with short names and three rows."""
    each = (n for size in (1, 2, 3, 4) for n in product(ascii_letters, repeat=size))
    names = ",".join("".join(n) for n in islice(each, 200_000))
    return "\n".join([names, *[",".join("0" * 200_000)] * 3, ""])


@pytest.mark.parametrize(
    ("more", "line"),
    [
        (", features: [a, b], target: zzzzz", "c.yaml:1:47: no column 'zzzzz'; the columns are a, b, c, d, e, f, g, h, i, j, k, l and 199988 more"),
        (", features: [a, zzzzz]", "c.yaml:1:35: no column 'zzzzz'; the columns are a, b, c, d, e, f, g, h, i, j, k, l and 199988 more"),
        (", features: [a, 'log(b-9)'], target: [c, d]", "d.csv:2:3: feature 'log(b-9)': log(b-9) has no value at b-9 = -9: log(x) is defined where x > 0"),
        ("", "d.csv:2:399999: every row is of the class '0': there is nothing to tell apart"),
    ],
    ids=["target", "feature", "formula", "all"],
)  # fmt: skip
def test_200_000_columns(run, folder, wide, more, line):
    """None of them is looked for by walking along the others: that took minutes."""
    put({"d.csv": wide, "c.yaml": f"data: {{path: d.csv{more}}}\n" + N})
    refused(run, ["train", "c.yaml"], line)


def test_more_inputs_than_memory(run, folder):
    """A few megabytes of text whose one-hot inputs would take two gigabytes."""
    rows = "".join(",".join([f"k{i % 1000}"] * 10) + f",{i % 2}\n" for i in range(30_000))
    put({"d.csv": ",".join(f"c{i}" for i in range(11)) + "\n" + rows})
    refused(
        run, ["train", "c.yaml"], "c.yaml:1:7: 30,000 rows of 10,000 inputs are more than 268,435,456 numbers"
    )


# --- destinations ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["-o", "no/x.json"], "cannot write no/x.json: there is no folder no"),
        (["-o", "here", "--format", "table"], "cannot write here: it is a directory"),
        (["output.dir=d.csv"], "d.csv is no folder"),
        (["output.dir=d.csv/run"], "d.csv/run: Not a directory"),
        (["output.dir=."], ". is not empty and holds no run"),
        (["output.dir=here/" + "a" * 300], f"here/{'a' * 300}: File name too long"),
    ],
)
def test_destinations(run, folder, words, line):
    """Known before the training, not after it."""
    Path("here").mkdir()
    refused(run, ["train", "c.yaml", "training.epochs=1000000000", *words], line, 4)
    assert list(Path("here").iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32" or root, reason="needs permissions that hold")
def test_folders_that_cannot_be_written(run, folder):
    Path("locked").mkdir(mode=0o500)
    refused(run, ["train", "c.yaml", "output.dir=locked/run"], "locked/run: Permission denied", 4)
    refused(
        run, ["train", "c.yaml", "-o", "locked/x.json"], "cannot write locked/x.json: permission denied", 4
    )


@linux
@pytest.mark.parametrize("limit", [0, 100, 1500])
def test_a_disk_that_is_full(process, folder, limit):
    """Files may have so many bytes: config, log, models are whole or not there."""
    import resource

    result = process(
        "train", "c.yaml", "-q", env={"PYTHONDONTWRITEBYTECODE": "1"},  # half a module would stay compiled
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )  # fmt: skip
    result.refused(4, "File too large")
    left = [path for path in Path("runs").rglob("*") if path.is_file()]
    assert all(path.name in ("config.yaml", "metrics.jsonl") for path in left), left
    process("train", "c.yaml", "-q").answered()


@linux
@pytest.mark.parametrize(
    "words",
    [["train", "c.yaml", "-q"], ["trace", "c.yaml"], ["config", "show", "c.yaml"], ["config", "schema"]],
    ids=" ".join,
)
def test_stdout_that_takes_nothing(process, folder, words):
    with open("/dev/full", "wb") as full:
        process(*words, stdout=full).refused(4, "cannot write: No space left on device")
    process(*words, stdout=None, preexec_fn=lambda: os.close(1)).refused(4, "stdout is closed")


@linux
@pytest.mark.parametrize("name", ["predict", "evaluate"])
def test_stdout_that_takes_no_predictions(process, trained, name):
    words = [name, str(trained / "run" / "model.safetensors"), str(trained / "d.csv")]
    with open("/dev/full", "wb") as full:
        process(*words, stdout=full).refused(4, "cannot write: No space left on device")
    process(*words, stdout=None, preexec_fn=lambda: os.close(1)).refused(4, "stdout is closed")


@linux
@pytest.mark.parametrize("name", ["train", "trace", "config show", "predict", "evaluate"])
def test_nobody_reads(process, trained, tmp_path, name):
    config, rows, model = (str(trained / path) for path in ("c.yaml", "d.csv", "run/model.safetensors"))
    words = name.split() + ([model, rows] if name in ("predict", "evaluate") else [config])
    read, write = os.pipe()
    os.close(read)
    result = process(*words, *(["-qq"] if name == "train" else []), stdout=write, cwd=tmp_path)
    os.close(write)
    assert (result.status, result.err) == (141, "")


# --- model files -------------------------------------------------------------------------------


def test_models_cut_short(run, folder, trained):
    """At every 64th byte."""
    data = (trained / "run" / "model.safetensors").read_bytes()
    for size in range(0, len(data), 64):
        put({"m": data[:size]})
        result = run("predict", "m", "d.csv")
        assert (result.status, result.out) == (2, ""), size
        assert result.err.startswith("backprop: error: m: the file is "), result.err


def test_models_with_a_bit_flipped(run, folder, trained):
    data = (trained / "run" / "model.safetensors").read_bytes()
    for bit in range(0, 8 * len(data), 331):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        put({"m": bytes(flipped)})
        result = run("predict", "m", "d.csv")
        assert (result.status, result.out) == (2, ""), bit
        assert result.err.startswith("backprop: error: m: "), result.err


NO_MODELS = {
    "empty": (b"", "m: the file is empty"),
    "text": (b"hello\n", "m: this is text, not a model file"),
    "pickle": (pickle.dumps([1.0] * 20), "m: this is a Python pickle (which can run code when it is read), not a model file"),
    "PyTorch": (GOOD_NPZ, "m: this is a zip archive (NumPy's .npz, PyTorch's .pt), not a model file"),
    "header of exabytes": (b"\xff" * 8 + b"{}", "m: the file is damaged: it does not begin as a safetensors file does"),
    "header of megabytes": (b"\0\0\xff\0\0\0\0\0{" + b" " * 500, "m: the file is damaged: it ends after 509 bytes, inside its header"),
    "another program's": (b"\x02\0\0\0\0\0\0\0{}", "m: a safetensors file, but none that backprop wrote"),
}  # fmt: skip


@pytest.mark.parametrize("command", ["predict", "evaluate"])
@pytest.mark.parametrize(("content", "line"), NO_MODELS.values(), ids=NO_MODELS)
def test_files_that_are_no_model(run, folder, command, content, line):
    put({"m": content})
    refused(run, [command, "m", "d.csv"], line)


def test_models_that_cannot_be_read(run, folder):
    refused(run, ["predict", "none", "d.csv"], "cannot read none: there is no such file", 4)
    refused(run, ["predict", ".", "d.csv"], "cannot read .: it is a directory", 4)


@linux
def test_devices_as_models(run, folder):
    refused(run, ["predict", "/dev/zero", "d.csv"], "cannot read /dev/zero: it is no regular file", 4)


@linux
def test_a_pipe_without_a_writer_is_not_waited_for(run, folder, trained):
    """Wherever a file is read; a pipe that a shell hands over by a number is read as ever."""
    os.mkfifo("pipe")
    model = str(trained / "run" / "model.safetensors")
    arrays, facts = checkpoint.load(model)
    facts = {name: fact for name, fact in facts.items() if name not in ("schema", "sha256")}
    facts["config"]["data"] |= {"path": "pipe", "test_split": 0.5}
    checkpoint.save("forged", arrays, facts | {"data_folder": "."})
    told, data = "it is no regular file", "the data that the model learned from, pipe, is not here"
    for words, line in (
        (["predict", "pipe", "d.csv"], f"cannot read pipe: {told}"),
        (["predict", model, "pipe"], f"cannot read pipe: {told}"),
        (["evaluate", model, "pipe"], f"cannot read pipe: {told}"),
        (["evaluate", "forged"], data),
        (["train", "c.yaml", "data.path=pipe"], f"cannot read pipe: {told}"),
        (["train", "c.yaml", "data.test_path=pipe"], f"cannot read pipe: {told}"),
        (["train", "pipe"], f"pipe: {told}"),
        (["config", "validate", "pipe"], f"pipe: {told}"),
        (["check", "x^2", "--claims", "pipe"], f"pipe: {told}"),
        (["check", "--text", "pipe"], f"pipe: {told}"),
        (["grad", "--file", "pipe"], f"pipe: {told}"),
        (["eval", "x^2", "--points", "pipe"], f"cannot read pipe: {told}"),
    ):
        refused(run, words, line, 4)
    handed, end = os.pipe()
    os.write(end, b"x\n3\n")
    os.close(end)
    with os.fdopen(handed):
        assert run("eval", "x^2", "--points", f"/dev/fd/{handed}", "--format", "value").out == "9.0\n"


def test_a_checkpoint_is_no_model(run, folder, trained):
    path = trained / "run" / "checkpoints" / "epoch-0001.safetensors"
    refused(run, ["predict", path, "d.csv"], f"{path} holds no model but a checkpoint")


# facts that nobody wrote, with a right SHA-256
FORGED = {
    "another shape": (lambda arrays, facts: arrays.update({"linear1.weights": np.zeros((7, 7))}), "linear1.weights has the shape (7, 7), not (4, 2)"),
    "no weights": (lambda arrays, facts: arrays.pop("linear1.weights"), "'linear1.weights' is missing"),
    "no config": (lambda arrays, facts: facts.update(config=[1]), "not a resolved config: Expected `object`, got `array`"),
    "no encoding": (lambda arrays, facts: facts.update(encoding=None), "'NoneType' object is not subscriptable"),
    "no features": (lambda arrays, facts: facts["encoding"].update(features=[]), "an encoding of different lengths"),
    "no targets": (lambda arrays, facts: facts["encoding"].update(targets=[]), "an encoding without names"),
    "numbers for names": (lambda arrays, facts: facts["encoding"].update(classes=[1, 2]), "encoding.classes: Expected `str`, got `int` - at `$[0]`"),
    "a short shift": (lambda arrays, facts: facts["encoding"].update(shift=[1]), "an encoding of different lengths"),
    "texts for numbers": (lambda arrays, facts: facts["encoding"].update(shift=["x", "y"]), "encoding.shift: Expected `float`, got `str` - at `$[0]`"),
    "terabytes": (lambda arrays, facts: facts["config"]["model"].update(hidden=[10**6, 10**6]), "not a resolved config: linear2 has 1000000x1000000 weights: more than 100,000,000 parameters in all"),
    "code": (lambda arrays, facts: facts["config"]["model"].update(activation="__import__"), 'not a resolved config: model.activation: there is no function "__import__"'),
    "a broken formula": (lambda arrays, facts: facts["encoding"]["features"][0].update(text="x+"), "expected a number, a name or '(' after '+', found the end"),
    "a feature without a column": (lambda arrays, facts: facts["encoding"]["features"][0].update(columns=["z"]), "an encoding with a feature that lacks a column"),
    "half a character": (lambda arrays, facts: facts["encoding"].update(classes=["a", "\ud800"]), "'utf-8' codec can't encode character '\\ud800' in position 2: surrogates not allowed"),
    "one class": (lambda arrays, facts: facts["encoding"].update(classes=["a", "a"]), "an encoding whose classes are not told apart"),
    "another task": (lambda arrays, facts: facts["encoding"].update(classes=None), "its task is not what its targets are"),
    "no numbers": (lambda arrays, facts: arrays["linear1.weights"].fill(np.nan), "linear1.weights holds what is no number"),
    "a broadcast": (lambda arrays, facts: arrays.update({"linear1.weights": np.zeros((1, 1))}), "linear1.weights has the shape (1, 1), not (4, 2)"),
    "an open loss": (lambda arrays, facts: facts["config"]["loss"].update(type="auto"), "its config is not settled"),
}  # fmt: skip


@pytest.mark.parametrize("command", ["predict", "evaluate"])
@pytest.mark.parametrize(("forge", "line"), FORGED.values(), ids=FORGED)
def test_models_of_false_facts(run, folder, trained, command, forge, line):
    arrays, facts = checkpoint.load(str(trained / "run" / "model.safetensors"))
    facts = {name: copy.deepcopy(fact) for name, fact in facts.items() if name not in ("schema", "sha256")}
    forge(arrays, facts)
    checkpoint.save("m", arrays, facts)
    refused(run, [command, "m", "d.csv"], f"m is no model of this version: {line}")


HOSTILE = [
    None, True, -1, 0, 2, 10**10, 1e308, math.nan, math.inf, "", "x", "\ud800", "q", "x*q", "x+", "softmax", "pipe",
    "../d.csv", "\x1b[31m", [], [[]], ["x"], [1, 2], [10**9], {}, {"a": 1},
]  # fmt: skip
KINDS = {
    "classes": D + "model: {hidden: [3]}\n",
    "features": "data: {path: d.csv, target: c, features: [x, x*y], scaling: standard, missing: mean}\n"
    "model: {layers: [{type: linear, units: 3}, batch_norm, {type: linear, activation: softmax}]}\n",
    "numbers": "data: {path: d.csv, target: [x, y], features: [c]}\nmodel: {hidden: [2]}\n",
    "formula": "data: {path: d.csv}\nmodel: {formula: y ~ a*x + b, parameters: {a: 1, b: 0}}\n",
}


def places(node, above=()):
    """Yield every place within JSON, as the steps to it."""
    for step, value in node.items() if isinstance(node, dict) else enumerate(node):
        yield (*above, step)
        if isinstance(value, dict | list):
            yield from places(value, (*above, step))


def test_no_fact_of_a_model_is_taken_on_trust(folder):
    """Any fact replaced by anything, the hash right: an answer or an error of ours, and nothing else."""
    models = {}
    for kind, text in KINDS.items():
        save_model(kind, Training(assemble(config.loads(text, "c.yaml", folder="."))))
        arrays, facts = checkpoint.load(kind)
        models[kind] = arrays, {k: v for k, v in facts.items() if k not in ("schema", "sha256")}
    rng, answered = random.Random(0), 0
    for _ in range(200):
        arrays, facts = models[rng.choice([*KINDS])]
        facts = copy.deepcopy(facts)
        *above, last = rng.choice([*places(facts)])
        node = facts
        for step in above:
            node = node[step]
        if rng.random() < 0.1:
            del node[last]
        else:
            node[last] = copy.deepcopy(rng.choice(HOSTILE))
        checkpoint.save("forged", arrays, facts)
        for ask in (lambda: predict("forged", "d.csv"), lambda: judged("forged", "d.csv")):
            with contextlib.suppress(BackpropError):
                str(ask())
                answered += 1
    assert 0 < answered < 200  # most facts matter


TO_PREDICT = {
    "x\n1\n": "r.csv:1:1: no column 'y'; the columns are x",
    "": "r.csv:1:1: the file is empty",
    'x,y\n1,2\n"3,4\n': "r.csv:3:1: a quoted cell is never closed",
    "x,x,y\n1,2,3\n": "r.csv:1:3: two columns are named 'x'",
    "x,y\n1,\0\n": "r.csv:2:3: a NUL byte: the file is not text",
}


@pytest.mark.parametrize("command", ["predict", "evaluate"])
@pytest.mark.parametrize("rows", TO_PREDICT, ids=TO_PREDICT.values())
def test_rows_that_do_not_suit_the_model(run, folder, trained, command, rows):
    put({"r.csv": rows})
    refused(run, [command, trained / "run" / "model.safetensors", "r.csv"], TO_PREDICT[rows])


TO_EVALUATE = {
    "x,y\n1,2\n": "r.csv:1:1: no column 'c'; the columns are x, y",
    "x,y,c\n1,2,z\n": "r.csv:2:5: class 'z' is not among the training rows",
    "x,y,c\n1,q,a\n": "r.csv:2:3: column 'y': 'q' is not a number",
    "x,y,c\n1,,a\n": "r.csv:2:3: no value in column 'y'",
    "x,y,c\n": "r.csv:1:1: a header and no rows",
}


@pytest.mark.parametrize("rows", TO_EVALUATE, ids=TO_EVALUATE.values())
def test_rows_to_evaluate(run, folder, trained, rows):
    put({"r.csv": rows})
    refused(run, ["evaluate", trained / "run" / "model.safetensors", "r.csv"], TO_EVALUATE[rows])


def test_predictions_are_written_whole_or_not_at_all(run, folder, trained):
    model = trained / "run" / "model.safetensors"
    put({"r.csv": "x,y\n" + "1,2\n" * 70_000 + '"3\n', "out.csv": "old\n"})
    refused(
        run,
        ["predict", model, "r.csv", "-o", "out.csv"],
        "r.csv:70002:1: a quoted cell is never closed",
    )
    assert Path("out.csv").read_text() == "old\n"
    missing = Path("no", "x.csv").resolve()
    refused(run, ["predict", model, "d.csv", "-o", "no/x.csv"], f"{missing}: No such file or directory", 4)


def test_rows_without_a_prediction(run, folder, trained):
    """A wrong row spoils no other: its reason stands beside it."""
    put({"r.csv": "x,y\n1,2\n1,q\n,3\n"})
    result = run("predict", trained / "run" / "model.safetensors", "r.csv", "--no-probabilities")
    assert result.status == 3
    assert result.out.splitlines()[2:] == [
        "1,q,,column 'y': 'q' is not a number",
        ",3,,no value in column 'x'",
    ]
    refused(
        run,
        ["predict", trained / "run" / "model.safetensors", "r.csv", "--strict"],
        "r.csv:3:3: column 'y': 'q' is not a number",
    )


def test_a_category_that_the_model_has_not_seen(run, folder):
    put({"d.csv": "k,y\nu,1.5\nv,2.5\nu,1.75\n", "r.csv": "k\nw\n"})
    run("train", "c.yaml", "-q").answered()
    result = run("predict", "runs/c/model.safetensors", "r.csv")
    assert (result.status, result.out) == (
        3,
        "k,prediction,error\nw,,column 'k': 'w' is not a known category\n",
    )


# --- runs that cannot go on --------------------------------------------------------------------


def broken_log(content):
    return lambda folder: (folder / "metrics.jsonl").write_bytes(content)


UNRESUMABLE = {
    "a cut checkpoint": (lambda f: [x.write_bytes(b"") for x in f.glob("checkpoints/*")], "run has no checkpoint to resume from: run/checkpoints/epoch-0002.safetensors: the file is empty", 2),
    "a model": (lambda f: (f / "checkpoints/epoch-0009.safetensors").write_bytes((f / "model.safetensors").read_bytes()), "run/checkpoints/epoch-0009.safetensors is no checkpoint of a run", 2),
    "a folder": (lambda f: (f / "checkpoints/epoch-0009.safetensors").mkdir(), "cannot read run/checkpoints/epoch-0009.safetensors: it is a directory", 4),
    "no log": (lambda f: (f / "metrics.jsonl").unlink(), "run/metrics.jsonl cannot be read: No such file or directory", 2),
    "half a log": (broken_log(b'{"epo'), "run/metrics.jsonl is damaged: the run cannot be resumed", 2),
    "a log of bytes": (broken_log(b"\xff\0"), "run/metrics.jsonl is damaged: the run cannot be resumed", 2),
    "another log": (broken_log(b"5\n"), "run/metrics.jsonl lacks epochs up to 2: the run cannot be resumed", 2),
}  # fmt: skip


@linux
@pytest.mark.parametrize(("spoil", "line", "status"), UNRESUMABLE.values(), ids=UNRESUMABLE)
def test_runs_that_cannot_be_resumed(run, folder, spoil, line, status):
    words = ["train", "c.yaml", "-q", "output.dir=run", "checkpoint.every=1"]
    run(*words).answered()
    spoil(folder / "run")
    refused(run, [*words, "--resume"], line, status)


# --- numbers that end --------------------------------------------------------------------------

ONE = "type: linear, units: 1, weights: [[{}]]"
DIVERGING = {
    "learning rate": (PAIR + layers("type: linear, units: 1") + "optimizer: {type: sgd, learning_rate: 1.0e300}\n", "update 2 (epoch 2): loss.squares overflows"),
    "adam": (PAIR + N + "optimizer: {learning_rate: 1.0e300}\n", "update 2 (epoch 2): linear2.z overflows"),
    "first values": ("data: {inputs: [[1.0e308]], targets: [1.5]}\n" + layers(ONE.format(10)), "update 1 (epoch 1): linear1.z overflows"),
    "first slope": ("data: {inputs: [[0]], targets: [1.5]}\n" + layers(ONE.format(1) + ", activation: sqrt"), "update 1 (epoch 1): linear1.weights is no number"),
    "activation": ("data: {inputs: [[1]], targets: [1.5]}\n" + layers(ONE.format(-1) + ", activation: log"), "update 1 (epoch 1): linear1.y is no number"),
    "target": ("data: {inputs: [[1]], targets: [1.0e200]}\n" + layers(ONE.format(1)), "update 1 (epoch 1): loss.squares overflows"),
    "penalty": (PAIR + layers(ONE.format(10)) + "regularization: {l2: 1.0e308}\n", "update 1 (epoch 1): linear1.weights.l2 overflows"),
    "float32 weights": ("data: {inputs: [[1]], targets: [1.5]}\n" + layers(ONE.format("1.0e39")) + "dtype: float32\n", "update 1 (epoch 1): linear1.weights overflows"),
    "float32 inputs": ("data: {inputs: [[1.0e39]], targets: [1.5]}\n" + layers(ONE.format(1)) + "dtype: float32\n", "update 1 (epoch 1): x overflows"),
    "float32 targets": ("data: {inputs: [[1]], targets: [1.0e39]}\n" + layers(ONE.format(1)) + "dtype: float32\n", "update 1 (epoch 1): t overflows"),
    "formula": (PAIR + "model: {formula: y ~ a*log(b*x), parameters: {a: 1, b: -5}}\n", "update 1 (epoch 1): log(b*x) has no value at b*x = -5: log(x) is defined where x > 0"),
    "exploding formula": (PAIR + "model: {formula: y ~ a*exp(b*x), parameters: {a: 1, b: 1000}}\n", "update 1 (epoch 1): exp(b*x) overflows at b*x = 1000: a float64 ends at 1.8e308"),
    "formula's learning rate": (PAIR + "model: {formula: y ~ a*x, parameters: {a: 1}}\noptimizer: {type: sgd, learning_rate: 1.0e300}\n", "update 2 (epoch 2): loss.squares overflows"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "line"), DIVERGING.values(), ids=DIVERGING)
def test_divergence(run, folder, text, line):
    """Status 3 with update and node; a hint; no warnings of NumPy's; the model of no epoch but a good one."""
    put({"c.yaml": text + "training: {epochs: 5, shuffle: false}\n"})
    result = run("train", "c.yaml", "-q")
    assert (result.status, result.out) == (3, ""), result.err
    first, hint = result.err.splitlines()
    assert first == f"backprop: error: {line}: the training has diverged"
    assert hint.startswith("  hint: ")
    assert "learning_rate" in hint or "update 1 " in first
    assert not Path("runs/c/model.safetensors").exists()


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("first values", "data.scaling: standard, smaller first weights (init), or another activation or loss"),
        ("float32 inputs", "dtype: float64, data.scaling: standard, smaller first weights (init), or another activation or loss"),
        ("formula", "other first values: model.parameters, where auto finds one by the rows"),
        ("formula's learning rate", "other first values of the parameters, or a smaller optimizer.learning_rate; the model of epoch 1 is in runs/c/best.safetensors"),
    ],
)  # fmt: skip
def test_what_to_do_about_divergence(run, folder, name, hint):
    """No learning rate is to blame for the first step."""
    put({"c.yaml": DIVERGING[name][0]})
    assert run("train", "c.yaml", "-q").err.splitlines()[1] == f"  hint: {hint}"


def test_a_fit_without_a_first_value(run, folder):
    formula = "model: {formula: y ~ a*log(b*x), parameters: {a: 1, b: -5}}\n"
    put({"c.yaml": PAIR + formula + "optimizer: levenberg_marquardt\n"})
    result = run("train", "c.yaml", "-q")
    assert result.status == 3
    assert result.err.splitlines()[0] == (
        "backprop: error: row 1: log(b*x) has no value at b*x = -5: log(x) is defined where x > 0"
    )


DEGENERATE = {
    "zeros": "data: {dataset: xor}\nmodel: {hidden: [4], activation: tanh, init: zeros}\n",
    "one row": "data: {inputs: [[1]], targets: [1.5]}\n" + N,
    "one row of a formula": "data: {inputs: [[1]], targets: [1.5]}\nmodel: {formula: y ~ a*x, parameters: {a: 1}}\n",
    "a constant column": "data: {inputs: [[5], [5], [5]], targets: [1.5, 2, 3], scaling: standard}\n" + N,
    "nothing to learn": PAIR + layers("type: linear, units: 1, frozen: [weights, bias]"),
    "a rate of 0": PAIR + N + "optimizer: {learning_rate: 0}\n",
    "one layer of one unit": PAIR + layers("type: linear, units: 1"),
    "more parameters than rows": PAIR + "model: {formula: y ~ a + b*x + d*x^2, parameters: {a: 1, b: 1, d: 1}}\noptimizer: levenberg_marquardt\n",
    "parameters that are one": PAIR + "model: {formula: y ~ a*b*x, parameters: {a: 1, b: 1}}\noptimizer: levenberg_marquardt\n",
    "a formula without columns": PAIR + "model: {formula: y ~ a, parameters: {a: 1}}\n",
    "2,000 brackets": PAIR + f"model: {{formula: y ~ {'(' * 2000}a{')' * 2000}, parameters: {{a: 1}}}}\n",
    "300 layers": PAIR + f"model: {{hidden: {[1] * 300}}}\n",
}  # fmt: skip


@pytest.mark.parametrize("text", DEGENERATE.values(), ids=DEGENERATE)
def test_what_is_odd_but_right(run, folder, text):
    put({"c.yaml": text + SHORT})
    result = run("train", "c.yaml", "-qq").answered()
    assert result.err == ""
    assert Path("runs/c/model.safetensors").exists()


@linux
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "term"]
)
def test_a_billion_epochs_interrupted(command, folder, number, status):
    words = command("train", "c.yaml", "training.epochs=1000000000")
    with subprocess.Popen(**words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert b"epoch" in child.stderr.readline()
        child.send_signal(number)
        out, err = child.communicate(timeout=30)
    assert (child.returncode, out) == (status, b"")
    last = err.decode().splitlines()[-1]
    assert last.endswith("to go on: backprop train c.yaml training.epochs=1000000000 --resume"), last
    kept = [
        path.name for path in Path("runs/c/checkpoints").iterdir() if path.name != "epoch-0010.safetensors"
    ]
    assert len(kept) == 1  # a slow signal finds the first regular one there already
    assert not Path("runs/c/model.safetensors").exists()


@linux
@pytest.mark.parametrize(
    "text",
    ["model: {hidden: [1000000, 1000000]}\n", "model: {hidden: [40000, 40000]}\n"],
)
def test_memory_is_refused_before_it_is_taken(process, folder, text):
    put({"c.yaml": D + text})
    process("train", "c.yaml", memory=MEMORY).refused(2, "more than 100,000,000 parameters in all")
