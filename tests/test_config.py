"""Training configs: what is refused and with which words, short forms, overrides, origins, round trips."""

# ruff: noqa: E501

from __future__ import annotations

import json
import math
import os
import pickle
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from conftest import script
from hypothesis import given
from hypothesis import strategies as st

from backprop_cli.errors import BackpropError, ConfigError, FileError
from backprop_cli.networks import layers
from backprop_cli.networks.layers.weights import Uniform
from backprop_cli.optimization import settings
from backprop_cli.optimization.schedules import Cosine, Schedule
from backprop_cli.render.schema import config_page, json_schema
from backprop_cli.training import config, schema
from backprop_cli.training.config.starters import starter_text, starters
from backprop_cli.training.config.walk import activations, fields_of, options_of, tags_of
from backprop_cli.training.config.yaml_source import Node, read, scalar

ROOT = Path(__file__).resolve().parent.parent

DATA = "data: {dataset: iris}\n"
MODEL = "model: {hidden: [8]}\n"
GOOD = DATA + MODEL
FILE = "data: {path: d.csv}\n"
FIT = FILE + "model: {formula: y ~ a*x, parameters: {a: 1}}\n"


def loads(text, *overrides):
    return config.loads(text, "c.yaml", overrides)


def lines(text, *overrides):
    """The error lines of a config, without hints and carets."""
    with pytest.raises(ConfigError) as caught:
        loads(text, *overrides)
    assert caught.value.exit_code == 2
    told = [line.removeprefix("backprop: error: ") for line in str(caught.value).splitlines()]
    return [line for line in told if not line.startswith(" ")]


# --- what is refused ---------------------------------------------------------------------------

# a config, and the first line said of it after "c.yaml:"
# fmt: off
BAD = [
    ("", "1:1: the config is empty"),
    ("# only a comment\n", "1:1: the config is empty"),
    ("null\n", "1:1: a config is a mapping with the keys data and model, not nothing"),
    ("[1, 2]\n", "1:1: a config is a mapping with the keys data and model, not a list"),
    ("just text\n", '1:1: a config is a mapping with the keys data and model, not the text "just text"'),
    ("\tdata: 1\n", "1:1: a tab cannot indent in YAML"),
    ("data:\n\tdataset: iris\n", "2:1: a tab cannot indent in YAML"),
    ("data: {dataset: iris\nmodel: 1\n", "2:6: ',' or '}' is missing: the '{' of line 1 is still open"),
    ("data: [1, 2\n", "2:1: ',' or ']' is missing: the '[' of line 1 is still open"),
    ("data: 'iris\n", "2:1: the text ends inside the quote of line 1"),
    ('data: "\\q"\n', "1:9: unknown escape character 'q'"),
    ("data: a: b\n", "1:8: a ':' where no key can be"),
    ("data\nmodel: 1\n", "2:6: a ':' where no key can be"),
    ("- a\nb: 1\n", "2:1: this does not continue what stands above"),
    ("data: @x\n", "1:7: no value begins with @"),
    ("data: `x`\n", "1:7: no value begins with `"),
    ("data: %x\n", "1:7: no value begins with %"),
    ("data: ]\n", "1:7: a value is missing before ]"),
    ("data: 'a' b\n", "1:11: this does not continue what stands above"),
    ("data: - b\n", "1:7: a '- ' where no list can begin"),
    ("{data: 1} x\n", "1:11: text after the end of the config"),
    ("%YAML 1.1\n---\ndata: 1\n", "1:1: this says it is YAML 1.1"),
    ("a: 1\n---\nb: 2\n", "2:1: a second document"),
    ("[" * 40, "1:33: nested deeper than 32 levels: no config"),
    ("data: \x00\n", "1:7: the character U+0000 does not belong in YAML text"),
    ("data: \x1b[31m\n", "1:7: the character U+001B does not belong in YAML text"),
    ('data: "\\UFFFFFFFF"\n', "1:1: this is not readable as YAML"),
    (GOOD + 'name: "\\ud800"\n', "3:7: an escape stands for the character U+D800"),
    (GOOD + 'name: "a\\0"\n', "3:7: an escape stands for the character U+0000"),
    (GOOD + "? [a]\n: b\n", "3:3: a list as a key"),
    (GOOD + "'': 1\n", "3:1: an empty key"),
    (GOOD + "loss: !!python/object/apply:os.system [ls]\n", "3:7: no tags in a config: !!python/object/apply:os.system"),
    (GOOD + "loss: !mine mse\n", "3:7: no tags in a config: !mine"),
    (GOOD + "loss: ! mse\n", "3:7: no tags in a config: !"),
    (GOOD + "loss: &a mse\n", "3:7: no anchors in a config: &a"),
    (GOOD + "loss: *a\n", "3:7: no aliases in a config: *a"),
    (GOOD + "<<: {seed: 1}\n", "3:1: no merge keys in a config: <<"),
    (GOOD + "seed: 1\nseed: 2\n", "4:1: the key seed is here twice"),
    (GOOD + "optimizer: {type: sgd, momentum: 0, momentum: 1}\n", "3:37: the key momentum is here twice"),
    ("model: {hidden: [8]}\n", "1:1: data is missing"),
    ("data: {dataset: iris}\n", "1:1: model is missing"),
    ("data:\nmodel: {hidden: [8]}\n", "1:1: data is missing"),
    (GOOD + "optimzer: adam\n", "3:1: unknown key optimzer"),
    (GOOD + "epochs: 5\n", "3:1: unknown key epochs"),
    (GOOD + "lr: 0.1\n", "3:1: unknown key lr"),
    (GOOD + "zzz: 1\n", "3:1: unknown key zzz"),
    (GOOD + "training: {epoch: 5}\n", "3:12: unknown key training.epoch"),
    (GOOD + "training: {seed: 5}\n", "3:12: unknown key training.seed"),
    (GOOD + "optimizer: {type: adam, momentum: 0.9}\n", "3:25: unknown key optimizer.momentum"),
    (GOOD + "optimizer: {type: sgd, lerning_rate: 0.1}\n", "3:24: unknown key optimizer.lerning_rate"),
    (GOOD + "optimizer: {type: sgd, lr: 1, learning_rate: 1}\n", "3:24: lr and learning_rate are one key, given twice"),
    (GOOD + "schedule: {type: cosine, T_max: 5}\n", "3:26: unknown key schedule.T_max"),
    (GOOD + "early_stopping: {}\n", "3:1: unknown key early_stopping"),
    (GOOD + "output: {folder: x}\n", "3:10: unknown key output.folder"),
    (GOOD + "seed: abc\n", '3:7: seed must be a whole number, not the text "abc"'),
    (GOOD + "seed: 1.5\n", "3:7: seed must be a whole number, not 1.5"),
    (GOOD + "seed: -1\n", "3:7: seed must be at least 0, not -1"),
    (GOOD + "seed: true\n", "3:7: seed must be a whole number, not true"),
    (GOOD + "seed: 99999999999999999999\n", "3:7: seed must be at most 9,223,372,036,854,775,807, not 99999999999999999999"),
    (GOOD + "seed: 1_000\n", '3:7: seed must be a whole number, not the text "1_000"'),
    (GOOD + "seed: [1]\n", "3:7: seed must be a whole number, not a list"),
    (GOOD + "seed: {a: 1}\n", "3:7: seed must be a whole number, not a mapping"),
    (GOOD + "seed: null\n", "3:7: seed must be a whole number, not nothing"),
    (GOOD + "name: 2024\n", "3:7: name must be text, not 2024"),
    (GOOD + "name: true\n", "3:7: name must be text, not true"),
    (GOOD + "training: 5\n", "3:11: training must be a mapping, not 5"),
    (GOOD + "training: [epochs, 5]\n", "3:11: training must be a mapping, not a list"),
    (GOOD + "training: {epochs: -1}\n", "3:20: training.epochs must be at least 0, not -1"),
    (GOOD + "training: {epochs: 1e3}\n", "3:20: training.epochs must be a whole number, not 1e3"),
    (GOOD + "training: {epochs: '10'}\n", '3:20: training.epochs must be a whole number, not the text "10"'),
    (GOOD + "training: {epochs: ten}\n", '3:20: training.epochs must be a whole number, not the text "ten"'),
    (GOOD + "training: {batch_size: ful}\n", '3:24: training.batch_size must be a whole number or full, not "ful"'),
    (GOOD + "training: {batch_size: 0}\n", "3:24: training.batch_size must be at least 1, not 0"),
    (GOOD + "training: {shuffle: yes}\n", '3:21: training.shuffle must be true or false, not the text "yes"'),
    (GOOD + "training: {shuffle: 1}\n", "3:21: training.shuffle must be true or false, not 1"),
    (GOOD + "training: {gradient_clip: 0}\n", "3:27: training.gradient_clip must be above 0, not 0"),
    (GOOD + "training: {metrics: [acuracy]}\n", '3:22: training.metrics.0 must be one of accuracy, top_3_accuracy, macro_f1, precision, recall, f1, roc_auc, average_precision, mae, mse, rmse, r2, poisson_deviance, not "acuracy"'),
    (GOOD + "training: {metrics: [1]}\n", "3:22: training.metrics.0 must be one of accuracy, top_3_accuracy, macro_f1, precision, recall, f1, roc_auc, average_precision, mae, mse, rmse, r2, poisson_deviance, not 1"),
    (GOOD + "training: {metrics: {a: 1}}\n", "3:21: training.metrics must be a list of accuracy, top_3_accuracy, macro_f1, precision, recall, f1, roc_auc, average_precision, mae, mse, rmse, r2, poisson_deviance or auto, not a mapping"),
    (GOOD + "training: {early_stopping: 5}\n", "3:28: training.early_stopping must be a mapping, not 5"),
    (GOOD + "optimizer: adm\n", '3:12: optimizer.type is "adm"'),
    (GOOD + "optimizer: 5\n", "3:12: optimizer must be a mapping with a type, not 5"),
    (GOOD + "optimizer: [adam]\n", "3:12: optimizer must be a mapping with a type, not a list"),
    (GOOD + "optimizer: {type: 5}\n", "3:19: optimizer.type is 5"),
    (GOOD + "optimizer: {type: [adam]}\n", "3:19: optimizer.type is a list"),
    (GOOD + "optimizer: {type: sgd, learning_rate: '0.1'}\n", '3:39: optimizer.learning_rate must be a number, not the text "0.1"'),
    (GOOD + "optimizer: {type: sgd, learning_rate: 0,1}\n", "3:41: unknown key optimizer.1"),
    (GOOD + "optimizer: {type: sgd, learning_rate: -0.1}\n", "3:39: optimizer.learning_rate must be at least 0, not -0.1"),
    (GOOD + "optimizer: {type: sgd, learning_rate: .inf}\n", "3:39: optimizer.learning_rate must be finite, not .inf"),
    (GOOD + "optimizer: {type: sgd, learning_rate: .nan}\n", "3:39: optimizer.learning_rate must be finite, not .nan"),
    (GOOD + "optimizer: {type: sgd, learning_rate: 1e999}\n", "3:39: optimizer.learning_rate must be within float64, not 1e999"),
    (GOOD + "optimizer: {type: sgd, learning_rate: true}\n", "3:39: optimizer.learning_rate must be a number, not true"),
    (GOOD + "optimizer: {type: sgd, learning_rate: }\n", "3:38: optimizer.learning_rate must be a number, not nothing"),
    (GOOD + "optimizer: {betas: [0.9]}\n", "3:20: optimizer.betas must be a list of 2 numbers, not of 1"),
    (GOOD + "optimizer: {betas: [0.9, 1]}\n", "3:26: optimizer.betas.1 must be below 1, not 1"),
    (GOOD + "optimizer: {betas: 0.9}\n", "3:20: optimizer.betas must be a list of 2 numbers, not 0.9"),
    (GOOD + "loss: mze\n", '3:7: loss.type must be one of auto, mse, mae, huber, sse, half_sse, quantile, binary_cross_entropy, cross_entropy, hinge, multi_margin, poisson, formula, program, not "mze"'),
    (GOOD + "loss: {delta: 2}\n", "3:15: loss.delta is for huber, not for auto"),
    (GOOD + "loss: {type: huber, delta: 0}\n", "3:28: loss.delta must be above 0, not 0"),
    (GOOD + "schedule: step\n", "3:11: schedule.step_size is missing"),
    (GOOD + "schedule: exponential\n", "3:11: schedule.gamma is missing"),
    (GOOD + "schedule: {gamma: 0.5}\n", "3:11: schedule.type is missing"),
    (GOOD + "schedule: cosin\n", '3:11: schedule.type is "cosin"'),
    (GOOD + "schedule: {type: plateau, factor: 1}\n", "3:35: schedule.factor must be below 1, not 1"),
    (GOOD + "dtype: float16\n", '3:8: dtype must be one of float64, float32, not "float16"'),
    (GOOD + "task: classify\n", '3:7: task must be one of auto, classification, regression, not "classify"'),
    (GOOD + "output: {log: tensorbord}\n", '3:15: output.log must be one of none, tensorboard, not "tensorbord"'),
    (GOOD + "checkpoint: {keep: 0}\n", "3:20: checkpoint.keep must be at least 1, not 0"),
    ("data: iris\n" + MODEL, '1:7: data must be a mapping, not the text "iris"'),
    ("data: {dataset: irs}\n" + MODEL, '1:17: data.dataset must be one of xor, circles, moons, blobs, spirals, sine, adding, parity, reverse, iris, digits, not "irs"'),
    ("data: {dataset: iris, path: x.csv}\n" + MODEL, "1:17: data has both path and dataset"),
    ("data: {scaling: standard}\n" + MODEL, "1:7: data needs one of path, dataset, inputs"),
    ("data: {path: ''}\n" + MODEL, "1:14: data.path is empty"),
    ("data: {path: 5}\n" + MODEL, "1:14: data.path must be text, not 5"),
    ("data: {dataset: iris, scaling: standrd}\n" + MODEL, '1:32: data.scaling must be one of auto, none, standard, minmax or {divide: ...}, not "standrd"'),
    ("data: {dataset: iris, scaling: {divide: 0}}\n" + MODEL, "1:41: data.scaling.divide must be above 0, not 0"),
    ("data: {dataset: iris, scaling: {divde: 1}}\n" + MODEL, "1:33: unknown key data.scaling.divde"),
    ("data: {dataset: iris, scaling: {}}\n" + MODEL, "1:32: data.scaling.divide is missing"),
    ("data: {dataset: iris, validation_split: 1.0}\n" + MODEL, "1:41: data.validation_split must be below 1, not 1.0"),
    ("data: {dataset: iris, validation_split: 0.5, test_split: 0.5}\n" + MODEL, "1:58: validation_split + test_split is 1: no rows are left to train on"),
    ("data: {path: a.csv, validation_split: 0.5, validation_path: b.csv}\n" + MODEL, "1:61: data has both validation_split and validation_path"),
    ("data: {dataset: iris, test_path: b.csv}\n" + MODEL, "1:34: data.test_path goes with data.path, not with dataset"),
    ("data: {dataset: iris, noise: 0.1}\n" + MODEL, "1:30: data.noise is for generated sets, not for iris"),
    ("data: {path: a.csv, samples: 5}\n" + MODEL, "1:30: data.samples is for generated sets, not for path"),
    ("data: {path: a.csv, missing: skip}\n" + MODEL, '1:30: data.missing must be one of error, drop, mean, median, category or a mapping of names to error, drop, mean, median, category, not "skip"'),
    ("data: {dataset: iris, missing: drop}\n" + MODEL, "1:32: data.missing is for data.path, not for dataset"),
    ("data: {path: a.csv, features: []}\n" + MODEL, "1:31: data.features is empty"),
    ("data: {path: a.csv, features: [x, x]}\n" + MODEL, '1:31: data.features has "x" twice'),
    ("data: {path: a.csv, features: [x, y], target: y}\n" + MODEL, '1:31: data.features has the target "y"'),
    ("data: {path: a.csv, target: []}\n" + MODEL, "1:29: data.target is empty"),
    ("data: {path: a.csv, target: 3}\n" + MODEL, "1:29: data.target must be text or a list of texts, not 3"),
    ("data: {path: a.csv, shape: [1, 0]}\n" + MODEL, "1:32: data.shape.1 must be at least 1, not 0"),
    ("data: {path: a.csv, shape: [10000, 10000]}\n" + MODEL, "1:28: data.shape is 100,000,000 numbers a row, more than 1,000,000"),
    ("data: {path: a.csv, stratify: maybe}\n" + MODEL, '1:31: data.stratify must be true or false or auto, not "maybe"'),
    ("data: {inputs: [[1, 2]]}\n" + MODEL, "1:16: data.inputs needs data.targets"),
    ("data: {targets: [1]}\n" + MODEL, "1:7: data needs one of path, dataset, inputs"),
    ("data: {inputs: [], targets: []}\n" + MODEL, "1:16: data.inputs is empty"),
    ("data: {inputs: [[]], targets: [1]}\n" + MODEL, "1:17: data.inputs has a row without numbers"),
    ("data: {inputs: [[1, 2], [3]], targets: [1, 2]}\n" + MODEL, "1:25: row 2 of data.inputs has 1 number, row 1 has 2"),
    ("data: {inputs: [[1], [2]], targets: [1]}\n" + MODEL, "1:37: data.targets has 1 entry, data.inputs has 2 rows"),
    ("data: {inputs: [[1], [2]], targets: [1, a]}\n" + MODEL, "1:37: data.targets mixes lists, numbers and texts"),
    ("data: {inputs: [[1], [2]], targets: [[1], [2, 3]]}\n" + MODEL, "1:43: row 2 of data.targets has 2 numbers, row 1 has 1"),
    ("data: {inputs: [[1, x]], targets: [1]}\n" + MODEL, '1:21: data.inputs.0.1 must be a number, not the text "x"'),
    ("data: {inputs: [1, 2], targets: [1, 2]}\n" + MODEL, "1:17: data.inputs.0 must be a list of numbers, not 1"),
    ("data: {inputs: [[1]], targets: [1], target: y}\n" + MODEL, "1:45: data.targets holds the targets: data.target has no place"),
    ("data: {inputs: [[1, 2, 3]], targets: [1], shape: [1, 2, 2]}\n" + MODEL, "1:50: data.shape is 1 x 2 x 2 = 4 numbers, a row of data.inputs has 3"),
    (DATA + "model: 16\n", "2:8: model must be a mapping, not 16"),
    (DATA + "model: {}\n", "2:8: model needs one of hidden, layers, formula, program"),
    (DATA + "model: {hidden: [0]}\n", "2:18: model.hidden.0 must be at least 1, not 0"),
    (DATA + "model: {hidden: [8.5]}\n", "2:18: model.hidden.0 must be a whole number, not 8.5"),
    (DATA + "model: {hidden: [a]}\n", '2:18: model.hidden.0 must be a whole number, not the text "a"'),
    (DATA + "model: {hidden: [2000000]}\n", "2:18: model.hidden.0 must be at most 1,000,000, not 2000000"),
    (DATA + "model: {hidden: [8], layers: [relu]}\n", "2:30: model has both hidden and layers"),
    (DATA + "model: {hidden: [8], activation: rlu}\n", '2:34: model.activation: there is no function "rlu"'),
    (DATA + "model: {hidden: [8], activation: atan2}\n", "2:34: model.activation: atan2 takes 2 operands, an activation takes 1"),
    (DATA + "model: {hidden: [8], activation: none}\n", '2:34: model.activation must be a function, not "none"'),
    (DATA + "model: {hidden: [8], init: he}\n", '2:28: model.init must be one of auto, he_normal, he_uniform, glorot_normal, glorot_uniform, zeros or {uniform: ...}, not "he"'),
    (DATA + "model: {hidden: [8], init: {uniform: -1}}\n", "2:38: model.init.uniform must be above 0, not -1"),
    (DATA + "model: {hidden: [8], parameters: {a: 1}}\n", "2:34: model.parameters goes with formula and program, not with hidden"),
    (DATA + "model: {layers: []}\n", "2:17: model.layers is empty"),
    (DATA + "model: {layers: linear}\n", '2:17: model.layers must be a list of layers, not the text "linear"'),
    (DATA + "model: {layers: [5]}\n", "2:18: model.layers.0 must be a layer, not 5"),
    (DATA + "model: {layers: [[relu]]}\n", "2:18: model.layers.0 must be a layer, not a list"),
    (DATA + "model: {layers: [null]}\n", "2:18: model.layers.0 must be a layer, not nothing"),
    (DATA + "model: {layers: [{units: 3}]}\n", "2:18: model.layers.0.type is missing"),
    (DATA + "model: {layers: [{type: linaer}]}\n", '2:25: model.layers.0.type is "linaer"'),
    (DATA + "model: {layers: [rleu]}\n", '2:18: model.layers.0.type is "rleu"'),
    (DATA + "model: {layers: [conv2d]}\n", "2:18: model.layers.0.channels is missing"),
    (DATA + "model: {layers: [{type: softmax, axis: 1}]}\n", "2:34: unknown key model.layers.0.axis"),
    (DATA + "model: {layers: [{type: linear, unit: 3}]}\n", "2:33: unknown key model.layers.0.unit"),
    (DATA + "model: {layers: [{type: linear, rate: 3}]}\n", "2:33: unknown key model.layers.0.rate"),
    (DATA + "model: {layers: [{type: dropout, rate: 1}]}\n", "2:40: model.layers.0.rate must be below 1, not 1"),
    (DATA + "model: {layers: [linear], activation: tanh}\n", "2:39: model.activation goes with hidden, not with layers"),
    (DATA + "model: {layers: [{type: linear, weights: [[1, 2], [3]]}]}\n", "2:51: row 2 of model.layers.0.weights has 1 number, row 1 has 2"),
    (DATA + "model: {layers: [{type: linear, units: 3, weights: [[1, 2]]}]}\n", "2:52: model.layers.0.weights has 1 row, units is 3"),
    (DATA + "model: {layers: [{type: linear, units: 3, bias: [1, 2]}]}\n", "2:49: model.layers.0.bias has 2 numbers for 3 units"),
    (DATA + "model: {layers: [{type: linear, weights: [[1]], bias: [1, 2]}]}\n", "2:55: model.layers.0.bias has 2 numbers for 1 units"),
    (DATA + "model: {layers: [{type: linear, weights: [[1]], init: zeros}]}\n", "2:55: model.layers.0 has both weights and init"),
    (DATA + "model: {layers: [{type: linear, frozen: [wheights]}]}\n", '2:42: model.layers.0.frozen.0 must be one of weights, bias, not "wheights"'),
    (DATA + "model: {layers: [{type: conv2d, channels: 2, padding: sam}]}\n", '2:55: model.layers.0.padding must be a whole number or same, not "sam"'),
    (DATA + "model: {layers: [{type: conv2d, channels: 2, padding: same, stride: 2}]}\n", "2:55: padding: same needs stride 1, not 2"),
    (DATA + "model: {layers: [{type: conv2d, channels: 2, activation: softmax}]}\n", "2:58: softmax goes with linear layers, not with conv2d"),
    (DATA + "model: {layers: [{type: conv2d, channels: 2, weights: [[[[1]]]]}]}\n", "2:55: model.layers.0.weights has 1 kernel, channels is 2"),
    (DATA + "model: {layers: [{type: conv1d, channels: 1, kernel_size: 2, weights: [[[1]]]}]}\n", "2:71: model.layers.0.weights: a kernel is not 2 long"),
    (DATA + "model: {layers: [{type: conv2d, channels: 1, kernel_size: 2, weights: [[[[1]]]]}]}\n", "2:71: model.layers.0.weights: a kernel is not 2 x 2"),
    (FILE + "model: {formula: a*x, parameters: {a: 1}}\n", '2:18: model.formula must be TARGET ~ EXPRESSION, not "a*x"'),
    (FILE + "model: {formula: ~ a*x, parameters: {a: 1}}\n", '2:18: model.formula must be TARGET ~ EXPRESSION, not "~ a*x"'),
    (FILE + "model: {formula: y ~ , parameters: {a: 1}}\n", '2:18: model.formula must be TARGET ~ EXPRESSION, not "y ~"'),
    (FILE + "model: {formula: y ~ a*foo(x), parameters: {a: 1}}\n", "2:24: model.formula: foo is not a function"),
    (FILE + 'model: {formula: "y ~ a*(x", parameters: {a: 1}}\n', "2:25: model.formula: this '(' is not closed"),
    (FILE + "model: {formula: y ~ a*x}\n", "2:18: a formula needs model.parameters: what is fitted, with first values"),
    (FILE + "model: {formula: y ~ a*x, parameters: {a: 1, bb: 2}}\n", "2:50: the parameter bb is not in the formula"),
    (FILE + "model: {formula: y ~ rate*x, parameters: {rat: 1}}\n", "2:48: the parameter rat is not in the formula"),
    (FILE + "model: {formula: y ~ a*y, parameters: {a: 1}}\n", "2:18: model.formula: the target y stands on both sides of the ~"),
    (FILE + "model: {formula: y ~ b = a*x, parameters: {a: 1}}\n", "2:18: model.formula must be one expression after the ~"),
    (FILE + "model: {formula: y ~ a*x, parameters: {a: one}}\n", '2:43: model.parameters.a must be a number, not the text "one"'),
    (FILE + "model: {formula: y ~ a*x, parameters: [a]}\n", "2:39: model.parameters must be a mapping of names to numbers, lists, texts or mappings, not a list"),
    (FILE + "model: {formula: y ~ a*x, parameters: {a: 1}, activation: tanh}\n", "2:59: model.activation goes with hidden, not with formula"),
    (FILE + "model: {formula: y ~ a*x, parameters: {a: 1}}\ntask: classification\n", "3:7: task: classification does not go with a formula"),
    ('data: {path: d.csv, target: z}\nmodel: {formula: y ~ a*x, parameters: {a: 1}}\n', "1:29: data.target is z, the formula's target is y"),
    (GOOD + "optimizer: levenberg_marquardt\n", "3:12: levenberg_marquardt fits formulas, not networks"),
    (FILE + "model: {formula: y ~ a*x, parameters: {a: 1}}\noptimizer: levenberg_marquardt\nschedule: cosine\n", "4:11: levenberg_marquardt sets its steps by itself: schedule has no place"),
    (FILE + "model: {formula: y ~ a*x, parameters: {a: 1}}\noptimizer: levenberg_marquardt\nregularization: {l2: 0.1}\n", "4:17: levenberg_marquardt minimises squares alone: regularization has no place"),
    (FILE + "model: {formula: y ~ a*x, parameters: {a: 1}}\noptimizer: levenberg_marquardt\ntraining: {gradient_clip: 1}\n", "4:27: levenberg_marquardt sets its steps by itself: gradient_clip has no place"),
    (FILE + "model: {formula: y ~ a*x, parameters: {a: 1}}\noptimizer: levenberg_marquardt\ntraining: {batch_size: 8}\n", "4:24: levenberg_marquardt uses all rows at once, not batches of 8"),
    (FILE + "model: {formula: y ~ a*x, parameters: {a: 1}}\noptimizer: levenberg_marquardt\nloss: mae\n", "4:7: levenberg_marquardt minimises squares, not mae"),
    (FILE + "model: {formula: y ~ a*x, parameters: {a: 1}}\noptimizer: levenberg_marquardt\nloss: sse\n", "4:7: levenberg_marquardt tells the mean of squares, not a sum"),
    (FILE + "model: {formula: y ~ a*x, parameters: {a: 1}}\noptimizer: levenberg_marquardt\ntraining: {early_stopping: {}}\n", "4:28: levenberg_marquardt sets its steps by itself: early_stopping has no place"),
    (FILE + "model: {formula: y ~ a*x, parameters: {a: 1}}\noptimizer: {type: levenberg_marquardt, learning_rate: 1}\n", "3:40: unknown key optimizer.learning_rate"),
    (GOOD + "optimizer: {type: sgd, nesterov: true}\n", "3:34: nesterov needs a momentum above 0"),
    (GOOD + "optimizer: {type: sgd, nesterov: true, momentum: 0.9, dampening: 0.1}\n", "3:66: nesterov needs dampening 0"),
    (GOOD + "training: {early_stopping: {monitor: val_los}}\n", '3:38: training.early_stopping.monitor: nothing is called "val_los"'),
    (GOOD + "training: {early_stopping: {monitor: val_loss}}\n", "3:38: training.early_stopping.monitor: val_loss needs validation rows"),
    (GOOD + "training: {early_stopping: {monitor: accuracy}}\n", "3:38: training.early_stopping.monitor: accuracy is not measured"),
    (GOOD + "schedule: {type: plateau, monitor: val_loss}\n", "3:36: schedule.monitor: val_loss needs validation rows"),
    (GOOD + "training: {metrics: [accuracy, accuracy]}\n", "3:32: training.metrics has accuracy twice"),
    (GOOD + "training: {metrics: [accuracy, r2]}\n", "3:21: training.metrics mixes those of classes and those of numbers"),
    (GOOD + "task: classification\ntraining: {metrics: [r2]}\n", "4:22: r2 is no metric of classification (task: classification)"),
    (GOOD + "task: regression\ntraining: {metrics: accuracy}\n", "4:21: accuracy is no metric of regression (task: regression)"),
    (GOOD + "task: regression\nloss: cross_entropy\n", "4:7: cross_entropy is for classes, and task: regression is regression"),
    (GOOD + "name: a/b\n", '3:7: name "a/b" has a character that no folder should have'),
    (GOOD + "name: ..\n", '3:7: name must be a name for a folder, not ".."'),
    (GOOD + "name: ''\n", '3:7: name must be a name for a folder, not ""'),
]
# fmt: on


@pytest.mark.parametrize(("text", "first"), BAD, ids=range(len(BAD)))
def test_bad_configs_are_told_with_their_place(run, text, first):
    result = run("config", "validate", "-", stdin=text.encode("utf-8", "surrogatepass"))
    assert (result.status, result.out) == (2, "")
    assert result.err.splitlines()[0] == f"backprop: error: <stdin>:{first}"
    assert "Traceback" not in result.err


def test_the_table_is_long_enough():
    assert len({text for text, _ in BAD}) == len(BAD) >= 80


def test_all_faults_at_once_in_the_order_of_the_file():
    text = "data: {dataset: irs}\nmodel: {hidden: [0], activation: rlu}\nloss: mze\noptimizer: {type: sgd, nesterov: true}\nseed: x\nseed: 1\n"
    assert lines(text, "training.epochs=-1") == [
        'c.yaml:1:17: data.dataset must be one of xor, circles, moons, blobs, spirals, sine, adding, parity, reverse, iris, digits, not "irs"',
        "c.yaml:2:18: model.hidden.0 must be at least 1, not 0",
        'c.yaml:2:34: model.activation: there is no function "rlu"',
        'c.yaml:3:7: loss.type must be one of auto, mse, mae, huber, sse, half_sse, quantile, binary_cross_entropy, cross_entropy, hinge, multi_margin, poisson, formula, program, not "mze"',
        "c.yaml:4:34: nesterov needs a momentum above 0",
        'c.yaml:5:7: seed must be a whole number, not the text "x"',
        "c.yaml:6:1: the key seed is here twice",
        "command line: training.epochs=-1: training.epochs must be at least 0, not -1",
    ]


def test_a_hostile_number_of_faults_is_cut():
    told = lines(GOOD + "".join(f"k{i}: 1\n" for i in range(1000)))
    assert len(told) == 26
    assert told[0] == "c.yaml:3:1: unknown key k0"
    assert told[-1] == "and 975 more faults"


def test_hints():
    def hint(text):
        with pytest.raises(ConfigError) as caught:
            loads(text)
        return caught.value.faults[0].hint

    assert hint(GOOD + "optimzer: adam\n") == "did you mean optimizer?"
    assert hint(GOOD + "learning_rate: 1\n") == "it is optimizer.learning_rate"
    assert hint(GOOD + "lr: 1\n") == "it is optimizer.learning_rate"
    assert hint(GOOD + "epochs: 1\n") == "it is training.epochs"
    assert hint(GOOD + "training: {epochs: '10'}\n") == "without quotes: 10"
    assert hint(GOOD + "training: {epochs: 1e3}\n") == "write 1000"
    assert hint(GOOD + "training: {shuffle: off}\n") == "write false"
    assert hint(GOOD + "training: {gradient_clip: '0,5'}\n") == "write 0.5"
    assert hint(GOOD + "name: 2024\n") == 'to mean text, quote it: "2024"'
    assert hint(DATA + "model: {layers: [rleu]}\n").startswith("did you mean relu? types: linear, ")
    assert hint(GOOD + "optimizer: {type: adam, momentum: 1}\n").startswith(
        "sgd, rmsprop have it; keys of adam"
    )
    assert hint(FILE + "model: {formula: y ~ rate*x, parameters: {rat: 1}}\n") == "did you mean rate?"


def test_a_formula_is_quoted_with_carets():
    with pytest.raises(ConfigError) as caught:
        loads(FILE + "model:\n  formula: y ~ a*foo(x)\n  parameters: {a: 1}\n")
    assert str(caught.value) == (
        "c.yaml:3:18: model.formula: foo is not a function\n"
        "  y ~ a*foo(x)\n"
        "        ^^^\n"
        "  hint: write a*floor(x) or a*foo*(x) to multiply"
    )


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (pickle.dumps({"data": 1}), "is a pickle, archive or array"),
        (b"PK\x03\x04abc", "is a pickle, archive or array"),
        (b"\x93NUMPY\x01", "is a pickle, archive or array"),
        ("data: 1".encode("utf-16"), "is UTF-16 text"),
        (b"data: {dataset: iris}\nname: caf\xe9\n", ":2:10: byte 0xe9 is not valid UTF-8"),
        (b"a: 1\n" * 210_000, "is larger than 1,048,576 bytes"),
        (b"\x00" * 100, ":1:1: the character U+0000 does not belong in YAML text"),
        (os.urandom(0) + bytes(range(256)), "byte 0x80 is not valid UTF-8"),
    ],
)
def test_no_text_no_config(tmp_path, run, data, says):
    path = tmp_path / "c.yaml"
    path.write_bytes(data)
    result = run("config", "validate", str(path)).refused(2, says)
    assert str(path) in result.err


def test_files_that_cannot_be_read(tmp_path, run, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run("config", "validate", str(tmp_path)).refused(4, str(tmp_path))
    run("config", "validate", "none.yaml").refused(4, "none.yaml: No such file")
    run("config", "validate", "iris").refused(4, "backprop config init iris > iris.yaml")
    with pytest.raises(FileError):
        config.load("a\0b")


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="no /dev/zero here")
def test_dev_zero_ends(run):
    run("config", "validate", "/dev/zero").refused(2, "larger than 1,048,576 bytes")


HOSTILE = {
    "brackets": "[" * 10_000,
    "braces": "{" * 100_000,
    "maps": "{a: " * 10_000,
    "lines of brackets": "[\n" * 100_000,
    "tag": "a: " + "!" * 200_000,
    "dashes": "- " * 100_000,
    "questions": "? " * 100_000,
    "unknown keys": GOOD + "".join(f"k{i}: 1\n" for i in range(5000)),
    "same key": GOOD + "seed: 1\n" * 5000,
    "layers": DATA + "model: {layers: [" + "5, " * 4000 + "{type: linear, weights: []}, " * 1000 + "]}\n",
    "values": "data: {inputs: [" + "[1,2]," * 20_000,
    "aliases": "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n" + GOOD,
    "digits": GOOD + "seed: " + "9" * 100_000,
    "hexadecimal": GOOD + "seed: 0x" + "f" * 100_000,
    "long key": "k" * 100_000 + ": 1",
    "long text": GOOD + "loss: " + "k" * 100_000,
    "long word of command": GOOD + "task: '" + "é" * 100_000 + "'",
    "terms": FILE + "model: {formula: y ~ " + "+".join(["a*x"] * 30_000) + ", parameters: {b: 1}}",
    "brackets of a formula": FILE + "model: {formula: y ~ " + "(" * 30_000 + ", parameters: {a: 1}}",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_costs_little(name):
    start = time.process_time()
    told = lines(HOSTILE[name])
    assert time.process_time() - start < 5.0  # a fifth of a second each here
    assert max(map(len, told)) < 400
    assert len(told) <= 26


# --- what is read ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1.0e-3", 0.001),
        ("1E5", 100000.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("-0", 0),
        ("+12", 12),
        ("012", 12),
        ("0o17", 15),
        ("0x1F", 31),
        ("-.inf", -math.inf),
        (".INF", math.inf),
        ("~", None),
        ("", None),
        ("null", None),
        ("True", True),
        ("FALSE", False),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("off", "off"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("0b1", "0b1"),
        ("2024-01-01", "2024-01-01"),
        ("nUll", "nUll"),
        ("e5", "e5"),
        (".", "."),
        ("-", "-"),
        ("1e", "1e"),
        (".e5", ".e5"),
    ],
)
def test_scalars_by_the_core_schema_of_yaml_1_2(text, value):
    read = scalar(text)
    assert (read, type(read)) == (value, type(value))


def test_not_a_number_is_read():
    assert math.isnan(scalar(".nan"))


OPTIMIZER_DEFAULTS = {
    "sgd": {"learning_rate": 1e-3, "momentum": 0, "dampening": 0, "weight_decay": 0, "nesterov": False},
    "adam": {"learning_rate": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0, "amsgrad": False},
    "adamw": {
        "learning_rate": 1e-3,
        "betas": (0.9, 0.999),
        "eps": 1e-8,
        "weight_decay": 1e-2,
        "amsgrad": False,
    },
    "nadam": {
        "learning_rate": 2e-3,
        "betas": (0.9, 0.999),
        "eps": 1e-8,
        "weight_decay": 0,
        "momentum_decay": 4e-3,
    },
    "adadelta": {"learning_rate": 1.0, "rho": 0.9, "eps": 1e-6, "weight_decay": 0},
    "adagrad": {
        "learning_rate": 1e-2,
        "lr_decay": 0,
        "weight_decay": 0,
        "initial_accumulator_value": 0,
        "eps": 1e-10,
    },
    "rmsprop": {
        "learning_rate": 1e-2,
        "alpha": 0.99,
        "eps": 1e-8,
        "weight_decay": 0,
        "momentum": 0,
        "centered": False,
    },
}


@pytest.mark.parametrize("name", OPTIMIZER_DEFAULTS)
def test_optimizer_defaults_are_those_of_torch(name):
    optimizer = loads(GOOD + f"optimizer: {name}\n").config.optimizer
    assert msgspec.structs.asdict(optimizer) == OPTIMIZER_DEFAULTS[name]


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("optimizer: adamw", "optimizer: {type: adamw}"),
        ("optimizer: {learning_rate: 0.1}", "optimizer: {type: adam, learning_rate: 0.1}"),
        ("optimizer: {type: sgd, lr: 1}", "optimizer: {type: sgd, learning_rate: 1.0}"),
        ("loss: mse", "loss: {type: mse}"),
        ("schedule: cosine", "schedule: {type: cosine}"),
        ("schedule: {warmup_steps: 10}", "schedule: {type: constant, warmup_steps: 10}"),
        ("schedule: null", ""),
        ("training:", ""),
        ("optimizer:", ""),
        ("training: {metrics: accuracy}", "training: {metrics: [accuracy]}"),
        ("training: {early_stopping: {}}", "training: {early_stopping: {monitor: loss}}"),
        ("schedule: plateau", "schedule: {type: plateau, monitor: loss}"),
        ('{"seed": 3}', "seed: 3"),
    ],
)
def test_short_forms(short, long):
    if short.startswith("{"):
        short = json.dumps({"data": {"dataset": "iris"}, "model": {"hidden": [8]}, **json.loads(short)})
        assert loads(short).config == loads(GOOD + long).config
    else:
        assert loads(GOOD + short).config == loads(GOOD + long).config


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("hidden: 8", "hidden: [8]"),
        ("hidden: [8], activation: ln", "hidden: [8], activation: log"),
        ("layers: [{type: dense, units: 3}]", "layers: [{type: linear, units: 3}]"),
        ("layers: [dense]", "layers: [{type: linear}]"),
        (
            "layers: [relu, softmax]",
            "layers: [{type: activation, activation: relu}, {type: activation, activation: softmax}]",
        ),
        ("layers: [{type: tanh}]", "layers: [{type: activation, activation: tanh}]"),
        ("layers: [flatten, dropout]", "layers: [{type: flatten}, {type: dropout, rate: 0.5}]"),
        ("layers: [{type: linear, frozen: bias}]", "layers: [{type: linear, frozen: [bias]}]"),
    ],
)
def test_short_forms_of_models(short, long):
    assert loads(f"{DATA}model: {{{short}}}").config == loads(f"{DATA}model: {{{long}}}").config


def test_validation_rows_are_what_is_monitored_by_default():
    text = "data: {dataset: iris, validation_split: 0.2}\n" + MODEL
    loaded = loads(text + "schedule: plateau\ntraining: {early_stopping: {}}\n")
    assert loaded.config.schedule.monitor == "val_loss"
    assert loaded.config.training.early_stopping.monitor == "val_loss"


def test_least_squares_takes_all_rows_at_once():
    loaded = loads(FIT + "optimizer: levenberg_marquardt\n")
    assert loaded.config.training.batch_size == "full"
    assert loaded.config.optimizer == settings.LevenbergMarquardt(damping=1e-3, tolerance=1e-10)
    assert loads(config.to_yaml(config.resolved(loaded.config))).config == loaded.config


def test_whole_numbers_become_floats_where_floats_belong():
    loaded = loads("data: {inputs: [[1, 2]], targets: [3]}\n" + MODEL + "optimizer: {type: sgd, lr: 1}\n")
    assert type(loaded.config.data.inputs[0][0]) is float
    assert type(loaded.config.data.targets[0]) is float
    assert type(loaded.config.optimizer.learning_rate) is float


def test_a_rate_of_zero_and_an_empty_list_of_hidden_layers_are_allowed():
    loaded = loads(DATA + "model: {hidden: []}\noptimizer: {learning_rate: 0}\n")
    assert (loaded.config.model.hidden, loaded.config.optimizer.learning_rate) == ([], 0.0)


def test_byte_order_mark_and_line_ends(tmp_path):
    plain = tmp_path / "c.yaml"
    plain.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode() + b"seed: 4\r\n")
    loaded = config.load(str(plain))
    assert loaded.config.seed == 4
    assert loaded.place("seed") == f"{plain}:3:7"


def test_the_name_and_folder_come_from_the_file(tmp_path):
    path = tmp_path / "my net (2).yaml"
    path.write_text(GOOD)
    loaded = config.load(str(path))
    assert loaded.config.name == "my-net-2"
    assert loaded.folder == str(tmp_path)
    assert config.load(str(path), ["name=other"]).config.name == "other"


# --- overrides and origins ---------------------------------------------------------------------


def test_overrides():
    text = DATA + "model:\n  layers:\n    - {type: linear, units: 3}\n    - linear\noptimizer: adam\n"
    loaded = loads(
        text,
        "optimizer.lr=1e-2",
        "model.layers.0.units=4",
        "model.layers[1].activation=tanh",
        "training.epochs=5",
        "training.early_stopping.patience=3",
        "data.scaling={divide: 10}",
        "training.metrics=[accuracy]",
        "schedule=cosine",
        "name= my net ",
    )
    c = loaded.config
    assert c.optimizer == settings.Adam(learning_rate=0.01)
    assert (c.model.layers[0].units, c.model.layers[1].activation) == (4, "tanh")
    assert (c.training.epochs, c.training.early_stopping.patience) == (5, 3)
    assert (c.data.scaling, c.training.metrics) == (schema.Divide(divide=10.0), ["accuracy"])
    assert (c.schedule, c.name) == (Cosine(), "my net")
    assert loaded.origins["optimizer.learning_rate"] == "command line"
    assert loaded.origins["optimizer.type"] == "c.yaml:6"
    assert loaded.place("optimizer.learning_rate") == "command line: optimizer.lr=1e-2"


def test_an_override_replaces_a_section_and_later_ones_go_on_with_it():
    loaded = loads(GOOD + "optimizer: {type: adam, eps: 1}\n", "optimizer=sgd", "optimizer.momentum=0.9")
    assert loaded.config.optimizer == settings.Sgd(momentum=0.9)


def test_null_takes_a_key_away():
    assert loads(GOOD, "data.dataset=null", "data.path=x.csv").config.data == schema.Data(path="x.csv")
    assert loads(GOOD, "model.hidden=", "model.layers=[relu, linear]").config.model.hidden is None


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("seed", "command line: seed: this is no KEY=VALUE"),
        ("=3", "command line: =3: this is no KEY=VALUE"),
        (".seed=3", "command line: .seed=3: .seed is no key"),
        ("model[=3", "command line: model[=3: model[ is no key"),
        ("sead=3", "command line: sead=3: unknown key sead"),
        (
            "optimizer.learnig_rate=1",
            "command line: optimizer.learnig_rate=1: unknown key optimizer.learnig_rate",
        ),
        (
            "optimizer.learning_rate=x",
            'command line: optimizer.learning_rate=x: optimizer.learning_rate must be a number, not the text "x"',
        ),
        (
            "data.dataset.x=1",
            'command line: data.dataset.x=1: data.dataset is the text "iris" and has no keys',
        ),
        ("model.hidden[3]=1", "command line: model.hidden[3]=1: model.hidden has no entry 3"),
        ("model.hidden.x=1", "command line: model.hidden.x=1: model.hidden has no entry x"),
        ("name=[1", "command line: name=[1: ',' or ']' is missing: the '[' is still open"),
        (
            "name=!!python/name:os.system x",
            "command line: name=!!python/name:os.system x: no tags in a config: !!python/name:os.system",
        ),
        ("name=*a", "command line: name=*a: no aliases in a config: *a"),
        ("data.path=x.csv", "command line: data.path=x.csv: data has both path and dataset"),
        ("task={a: 1, a: 2}", "command line: task={a: 1, a: 2}: the key a is here twice"),
    ],
)
def test_wrong_overrides(override, said):
    if override == "data.path=x.csv":
        assert lines(GOOD, override) == ["c.yaml:1:17: data has both path and dataset"]
    else:
        assert lines(GOOD, override)[0] == said


def test_a_key_twice_on_the_command_line():
    assert lines(GOOD, "seed=1", "seed=2") == ["command line: seed=1: seed is given twice"]


def test_origins_cover_every_resolved_key():
    loaded = loads(GOOD + "optimizer: {type: sgd, lr: 0.1}\nseed: 5\n", "training.epochs=3")
    keys = [key for key, _ in config.leaves(config.resolved(loaded.config))]
    assert list(loaded.origins) == keys
    assert loaded.origins["data.dataset"] == "c.yaml:1"
    assert loaded.origins["model.hidden"] == "c.yaml:2"
    assert loaded.origins["optimizer.learning_rate"] == "c.yaml:3"
    assert loaded.origins["optimizer.momentum"] == "default"
    assert loaded.origins["training.epochs"] == "command line"
    assert loaded.origins["training.batch_size"] == "default"
    assert set(loaded.origins.values()) == {
        "c.yaml:1",
        "c.yaml:2",
        "c.yaml:3",
        "c.yaml:4",
        "default",
        "command line",
    }


def test_places_for_errors_found_later():
    loaded = loads(GOOD + "training:\n  metrics: [accuracy]\n")
    assert loaded.place("data.dataset") == "c.yaml:1:17"
    assert loaded.place("model.hidden.0") == "c.yaml:2:18"
    assert loaded.place("training.metrics.0") == "c.yaml:4:13"
    assert loaded.place("training.epochs") == "c.yaml:4:3"  # the section's place
    assert loaded.place("output.dir") == "c.yaml:1:1"
    error = loaded.error("model.hidden", "too many", "fewer")
    assert str(error) == "c.yaml:2:17: too many\n  hint: fewer"


# --- round trips -------------------------------------------------------------------------------


def plain(node: Node):
    """The plain value of a tree."""
    if node.kind == "mapping":
        return {key: plain(child) for key, child in node.value.items()}
    return [plain(child) for child in node.value] if node.kind == "list" else node.value


TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")) | st.sampled_from("\n\t:#'\"-~ "),
    max_size=20,
)
WORDS = st.sampled_from(
    [
        "yes",
        "no",
        "null",
        "~",
        "1e5",
        "0x1",
        "- a",
        "a: b",
        "a #b",
        "!x",
        "&a",
        "*a",
        "",
        " ",
        "'",
        '"',
        "%",
        "@",
        "a,b",
        "1_0",
        "0o7",
        ".inf",
        "=",
        "<<",
    ]
)
LEAVES = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | TEXT | WORDS
KEYS = (TEXT | WORDS).filter(lambda key: key not in ("", "<<"))
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def shape_of(value):
    """Values with their types, for 1 == 1.0 == True and 0.0 == -0.0."""
    if isinstance(value, dict):
        return {key: shape_of(inner) for key, inner in value.items()}
    return [shape_of(inner) for inner in value] if isinstance(value, list) else (type(value), repr(value))


@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=4))
def test_written_yaml_reads_back(value):
    text = config.to_yaml(value)
    faults = []
    back = plain(read(text, "c.yaml", faults))
    assert faults == []
    assert shape_of(back) == shape_of(value)
    assert config.to_yaml(back) == text


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,8}", fullmatch=True).filter(
            lambda w: w not in ("y", "n", "on", "off", "no", "yes", "null", "true")
        ),
        st.floats(allow_nan=False) | st.booleans() | st.integers(-(2**60), 2**60) | st.none(),
        min_size=1,
    )
)
def test_ruamel_itself_reads_the_same_numbers(value):
    from ruamel.yaml import YAML

    assert shape_of(dict(YAML(typ="safe", pure=True).load(config.to_yaml(value)))) == shape_of(value)


def test_numbers_as_written():
    values = {
        "a": 1e-5,
        "b": 1e16,
        "c": 0.1,
        "d": 5.0,
        "e": 1.5e-7,
        "f": 3,
        "g": -0.0,
        "h": 1e22,
        "i": 5e-324,
    }
    assert config.to_yaml(values) == (
        "a: 1.0e-05\nb: 1.0e+16\nc: 0.1\nd: 5.0\ne: 1.5e-07\nf: 3\ng: -0.0\nh: 1.0e+22\ni: 5.0e-324\n"
    )


def test_long_rows_are_written_a_line_each():
    rows = [[float(i + j) for j in range(12)] for i in range(3)]
    text = config.to_yaml({"data": {"inputs": rows}})
    assert text.splitlines()[:2] == ["data:", "  inputs:"]
    assert text.count("\n    - [") == 3
    assert plain(read(text, "c", [])) == {"data": {"inputs": rows}}


def test_odd_lists_are_written():
    assert config.to_yaml({"k" * 100: [], "a": [{}, None], "b": {}, "c": [[], [1]]}) == (
        f"{'k' * 100}: []\na: [{{}}, null]\nb: {{}}\nc: [[], [1]]\n"
    )


@pytest.mark.parametrize("name", starters())
def test_a_resolved_config_is_a_config_with_the_same_meaning(name):
    first = config.loads(starter_text(name), "c.yaml", name=name)
    resolved = config.resolved(first.config)
    text = config.to_yaml(resolved, first.origins)
    assert config.loads(text, "again.yaml").config == first.config
    assert config.from_resolved(json.loads(json.dumps(resolved))) == first.config
    assert config.loads(json.dumps(resolved), "c.json").config == first.config
    assert config.to_yaml(config.resolved(config.from_resolved(resolved))) == config.to_yaml(resolved)


@given(
    st.floats(0, 1e300), st.floats(0, 0.999), st.integers(1, 10**9), st.sampled_from(list(OPTIMIZER_DEFAULTS))
)
def test_numbers_survive_the_resolved_config(rate, split, epochs, optimizer):
    overrides = [
        f"optimizer={optimizer}",
        f"optimizer.lr={rate!r}",
        f"data.validation_split={split!r}",
        f"training.epochs={epochs}",
    ]
    first = loads(GOOD, *overrides).config
    assert (first.optimizer.learning_rate, first.data.validation_split, first.training.epochs) == (
        rate,
        split,
        epochs,
    )
    assert loads(config.to_yaml(config.resolved(first))).config == first


def test_what_is_no_resolved_config():
    with pytest.raises(ConfigError):
        config.from_resolved({"data": {}, "model": {}, "optimizer": {"type": "none"}})


# --- arbitrary text ----------------------------------------------------------------------------

SIGNS = " \n\n:-#[]{},'\"&*!|>%@`?~<=.\t\\0129eax"
PIECES = ["data: ", "model: ", "\n  ", "- ", "hidden: ", "[1, 2]", "type: ", "\u00e9", "\U0001f600"]
ALPHABET = st.sampled_from([*SIGNS, *PIECES])


def refused_or_read(text, *overrides):
    """The config, or None after an error that can be told."""
    try:
        return loads(text, *overrides).config
    except BackpropError as error:
        told = str(error)
    assert told
    return None


@given(st.lists(ALPHABET, max_size=60).map("".join))
def test_arbitrary_text_raises_nothing_else(text):
    refused_or_read(text)


EDITS = st.lists(
    st.tuples(
        st.integers(0, 2000), st.integers(0, 12), st.text(ALPHABET.map(lambda s: s[0]), max_size=6) | WORDS
    ),
    min_size=1,
    max_size=4,
)


@given(st.sampled_from(starters()), EDITS)
def test_damaged_configs_raise_nothing_else(name, edits):
    text = starter_text(name)
    for at, length, new in edits:
        at %= len(text) + 1
        text = text[:at] + new + text[at + length :]
    read_back = refused_or_read(text)
    if read_back is not None:
        assert loads(config.to_yaml(config.resolved(read_back))).config == read_back


@given(
    st.lists(
        st.text(max_size=8)
        | st.sampled_from(
            ["=", ".", "[0]", "model", "layers", "optimizer", "type", "data.inputs", "[", "null"]
        ),
        max_size=6,
    ).map("".join)
)
def test_arbitrary_overrides_raise_nothing_else(override):
    for text in (GOOD, starter_text("hand")):
        refused_or_read(text, override)


# --- starter configs ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", starters())
def test_starters_are_in_order_and_explained(name):
    loaded = config.loads(starter_text(name), f"{name}.yaml")
    assert loaded.config.seed == 0
    text = starter_text(name)
    assert text.startswith("# ")
    assert text.endswith("\n")
    assert max(map(len, text.splitlines())) <= 100


def test_starters_come_simplest_first():
    assert starters() == [
        "hand",
        "xor",
        "iris",
        "spirals",
        "digits",
        "convnet",
        "autoencoder",
        "regression",
        "formula",
        "bandit",
        "gridworld",
        "cartpole",
    ]


def test_hand_is_the_worked_example():
    c = config.loads(starter_text("hand"), "hand.yaml").config
    assert (c.data.inputs, c.data.targets) == ([[1.0, 0.5, 1.0]], [[0.5, 1.0]])
    assert [layer.weights for layer in c.model.layers] == [[[0.5, 1.0, -0.5]], [[-1.0], [1.0]]]
    assert (c.loss.type, c.optimizer, c.training.batch_size) == (
        "mse",
        settings.Sgd(learning_rate=0.1),
        "full",
    )


# --- the commands ------------------------------------------------------------------------------


def test_init_validate_show(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("config", "init", "iris").answered().out == starter_text("iris")
    run("config", "init", "iris", "-o", "iris.yaml").answered()
    assert (tmp_path / "iris.yaml").read_text("utf-8") == starter_text("iris")
    assert run("config", "validate", "iris.yaml").answered().out == (
        "iris.yaml: ok: dataset iris, hidden [16], adam, 200 epochs\n"
    )
    shown = run("config", "show", "iris.yaml", "optimizer.lr=0.5").answered().out
    assert re.search(r"^  learning_rate: 0\.5 +# command line$", shown, re.MULTILINE)
    assert re.search(r"^  validation_split: 0\.2 +# iris\.yaml:5$", shown, re.MULTILINE)
    assert re.search(r"^seed: 0 +# iris\.yaml:16$", shown, re.MULTILINE)
    assert re.search(r"^dtype: float64 +# default$", shown, re.MULTILINE)
    assert len({line.index("  # ") for line in shown.splitlines() if "  # " in line}) == 1
    again = run("config", "show", "-", stdin=shown).answered().out
    assert re.sub(r" +#.*", "", again) == re.sub(r" +#.*", "", shown)


def test_show_as_json(run):
    report = run("config", "show", "-", "--format", "json", stdin=GOOD).answered().json
    assert list(report) == ["config", "origins"]
    assert report["config"]["optimizer"] == {
        "type": "adam", "learning_rate": 0.001, "betas": [0.9, 0.999], "eps": 1e-08, "weight_decay": 0.0, "amsgrad": False,
    }  # fmt: skip
    assert report["origins"]["data.dataset"] == "<stdin>:1"
    assert set(report["origins"]) == {key for key, _ in config.leaves(report["config"])}


def test_validate_prints_every_fault(run):
    result = run("config", "validate", "-", "seed=x", stdin=GOOD + "zzz: 1\nloss: mze\n")
    assert (result.status, result.out) == (2, "")
    assert [line for line in result.err.splitlines() if "hint" not in line] == [
        "backprop: error: <stdin>:3:1: unknown key zzz",
        'backprop: error: <stdin>:4:7: loss.type must be one of auto, mse, mae, huber, sse, half_sse, quantile, binary_cross_entropy, cross_entropy, hinge, multi_margin, poisson, formula, program, not "mze"',
        'backprop: error: command line: seed=x: seed must be a whole number, not the text "x"',
    ]


def test_faults_as_json(run):
    result = run("config", "show", "-", "--format", "json", stdin=GOOD + "zzz: 1\nloss: mze\n")
    assert (result.status, result.out) == (2, "")
    error = json.loads(result.err)["error"]
    assert error["code"] == "config"
    assert [fault["message"].split(": ")[0] for fault in error["faults"]] == ["<stdin>:3:1", "<stdin>:4:7"]


def test_init_lists_suggests_and_does_not_overwrite(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    listed = run("config", "init").answered().out
    assert [line.split()[0] for line in listed.splitlines()[2:]] == starters()
    run("config", "init", "irs").refused(2, "no starter config irs", "did you mean iris?")
    run("config", "init", "-o", "x.yaml").refused(2, "needs the NAME")
    (tmp_path / "x.yaml").write_text("mine")
    run("config", "init", "iris", "-o", "x.yaml").refused(2, "x.yaml is there already", "--force")
    assert (tmp_path / "x.yaml").read_text() == "mine"
    run("config", "init", "iris", "-o", "x.yaml", "--force").answered()
    assert (tmp_path / "x.yaml").read_text() == starter_text("iris")


def test_misspelt_subcommands(run):
    run("config", "vaildate", "x").refused(2, "no such command: config vaildate", "did you mean validate?")
    run("config", "zzz").refused(2, "commands: init, validate, show, schema")


def test_user_text_cannot_colour_the_terminal(run):
    result = run("config", "validate", "-", stdin='data: "\\e[31m"\nmodel: 1\n"\\u202Ekey": 1\n')
    assert result.status == 2
    assert result.err.isascii()
    assert "\x1b" not in result.err


@pytest.mark.parametrize(
    "words", [["config"], ["config", "--help"], ["config", "show", "--help"], ["config", "init", "--help"]]
)
def test_help_imports_nothing_heavy(words):
    heavy = ("numpy", "sympy", "rich", "ruamel", "ruamel.yaml", "msgspec")
    code = f"import sys\nfrom backprop_cli.cli.main import main\nmain({words!r})\nprint(*sorted(set({heavy!r}) & set(sys.modules)), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert (done.stderr.split(), done.stdout[:6]) == ([], "Usage:")


def test_reading_needs_no_arrays():
    code = f"import sys\nfrom backprop_cli.training import config\nconfig.loads({GOOD!r}, 'c')\nprint(*sorted({{'numpy', 'sympy', 'rich', 'mpmath'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == []


# --- the schema and its page -------------------------------------------------------------------


def conforms(value, rule, definitions) -> bool:
    """A small JSON Schema validator: what our schema uses of it."""
    if "$ref" in rule:
        return conforms(value, definitions[rule["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in rule and not any(conforms(value, part, definitions) for part in rule["anyOf"]):
        return False
    if "enum" in rule and value not in rule["enum"]:
        return False
    kinds = {
        "object": dict,
        "array": list,
        "string": str,
        "integer": int,
        "number": (int, float),
        "boolean": bool,
        "null": type(None),
    }
    if "type" in rule and (
        not isinstance(value, kinds[rule["type"]]) or (isinstance(value, bool) and rule["type"] != "boolean")
    ):
        return False
    if isinstance(value, dict) and rule.get("type") == "object":
        known = rule.get("properties", {})
        extra = rule.get("additionalProperties", True)
        return set(rule.get("required", ())) <= set(value) and all(
            conforms(inner, known[key], definitions) if key in known
            else extra is True or (isinstance(extra, dict) and conforms(inner, extra, definitions))
            for key, inner in value.items()
        )  # fmt: skip
    if isinstance(value, list):
        pairs = rule.get("prefixItems")
        if pairs and len(pairs) != len(value):
            return False
        rules = pairs or [rule.get("items")] * len(value)
        return all(
            part in (None, False) or conforms(inner, part, definitions)
            for inner, part in zip(value, rules, strict=True)
        )
    if isinstance(value, int | float):
        low, above = rule.get("minimum", -math.inf), rule.get("exclusiveMinimum", -math.inf)
        high, below = rule.get("maximum", math.inf), rule.get("exclusiveMaximum", math.inf)
        return low <= value <= high and above < value < below
    return True


@pytest.fixture(scope="module")
def editor_schema():
    return json_schema()


def test_the_json_schema_takes_what_we_take(editor_schema):
    texts = [starter_text(name) for name in starters()]
    texts += [
        GOOD + extra
        for extra in (
            "optimizer: sgd",
            "optimizer: {lr: 1}",
            "loss: huber",
            "schedule: cosine",
            "schedule: {warmup_steps: 3}",
            "training: {metrics: r2}",
        )
    ]
    texts += [
        DATA
        + "model: {layers: [relu, {type: dense, units: 3, frozen: bias}, {type: softmax}, flatten, dense]}",
        DATA + "model: {hidden: 3}",
    ]
    for text in texts:
        loads(text)
        value = plain(read(text, "c", []))
        assert conforms(value, editor_schema, editor_schema["$defs"]), text
        resolved = config.resolved(loads(text).config)
        assert conforms(json.loads(json.dumps(resolved)), editor_schema, editor_schema["$defs"]), text


def test_the_json_schema_refuses_what_we_refuse(editor_schema):
    texts = [
        "optimzer: adam",
        "optimizer: adm",
        "optimizer: {type: adam, momentum: 1}",
        "training: {epochs: -1}",
        "training: {shuffle: yes}",
        "loss: mze",
        "schedule: step",
        "seed: -1",
        "optimizer: {type: sgd, lr: x}",
        "training: {metrics: [x]}",
    ]
    for text in texts:
        lines(GOOD + text)
        assert not conforms(plain(read(GOOD + text, "c", [])), editor_schema, editor_schema["$defs"]), text
    for text in (MODEL, DATA, DATA + "model: {layers: [conv2d]}", DATA + "model: {layers: [{units: 3}]}"):
        assert not conforms(plain(read(text, "c", [])), editor_schema, editor_schema["$defs"]), text


def test_the_json_schema_is_printed(run, editor_schema):
    printed = run("config", "schema").answered().json
    assert printed == json.loads(json.dumps(editor_schema))
    assert printed["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert "discriminator" not in json.dumps(printed)


def every_struct():
    found, todo = [], [schema.Config]
    while todo:
        struct = todo.pop()
        if struct in found:
            continue
        found.append(struct)
        for field in fields_of(struct).values():
            options = [option for option, _ in options_of(field.type)]
            options += [
                inner
                for option in options
                for part in get_args(option)
                if part
                for inner, _ in options_of(part)
            ]
            todo += [o for o in options if isinstance(o, type) and issubclass(o, msgspec.Struct)]
    return found


def test_every_key_is_described_and_documented():
    from backprop_cli.render.schema import described

    page = (ROOT / "docs" / "config.md").read_text("utf-8")
    structs = every_struct()
    assert len(structs) >= 29
    for struct in structs:
        for name, field in fields_of(struct).items():
            assert described(field.type), f"{struct.__name__}.{name} has no description"
            if struct not in (schema.Divide, schema.Order, Uniform):
                assert re.search(rf"^\| `(?:[\w.]+\.)?{name}` \|", page, re.MULTILINE), name
    for union in (layers.Layer, settings.Optimizer, Schedule):
        for name in tags_of(union):
            assert re.search(rf"^### \w+ `{name}`$", page, re.MULTILINE), name


def test_the_page_is_fresh():
    assert (ROOT / "docs" / "config.md").read_text("utf-8") == config_page(), "run docs/update.py"


def test_examples_of_the_page_are_configs():
    page = (ROOT / "docs" / "config.md").read_text("utf-8")
    blocks = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 5
    for block in blocks:
        loads(block)


@pytest.mark.skipif(sys.platform == "win32", reason="the commands are for a POSIX shell")
def test_commands_of_the_page_print_what_it_shows():
    update = script("update")
    for block, outputs in update.run_document(ROOT / "docs" / "config.md"):
        for step, printed in zip(block.steps, outputs, strict=True):
            assert update.matches(step.shown, printed), printed


def test_activations_are_the_unary_primitives():
    assert {"relu", "leaky_relu", "elu", "gelu", "silu", "softplus", "sigmoid", "tanh", "ln", "softmax"} <= {
        *activations()
    }
    assert not {"atan2", "hypot", "min", "max", "where", "polygamma", "identity"} & {*activations()}


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("hidden: [100000, 100000]", "linear2 has 100000x100000 weights: more than 100,000,000 parameters"),
        (
            "layers: [{type: linear, units: 90000}, tanh, {type: linear, units: 90000}, {type: linear}]",
            "linear2 has 90000x90000 weights",
        ),
        ("layers: [flatten, {type: linear, units: 100001}]", "linear1 has 100001x1000 weights"),
        ("layers: [{type: linear}]", "linear1 takes rows of numbers, but gets rows of 10x10x10"),
    ],
)
def test_sizes_that_the_config_alone_tells(run, tmp_path, model, said):
    """`config validate` says what `train` would say of them."""
    config_file = tmp_path / "c.yaml"
    shape = "" if "100000x100000" in said or "90000" in said else ", shape: [10, 10, 10]"
    config_file.write_text(f"data: {{path: no.csv{shape}}}\nmodel: {{{model}}}\n")
    first = run("config", "validate", config_file).refused(2, said).err
    assert run("train", config_file).refused(2).err == first
