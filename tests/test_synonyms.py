"""What people write who come from other libraries, and what they are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from backprop_cli.errors import BackpropError, ConfigError
from backprop_cli.training.config import loads, resolved
from backprop_cli.training.config.synonyms import SYNONYMS
from backprop_cli.training.config.walk import fields_of, homes_of
from backprop_cli.training.schema import Config

TEXT = "data: {path: t.csv}\nmodel: {hidden: [2]}\n"


def refused(text: str, *overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        loads(text, "c.yaml", overrides)
    return str(caught.value)


@pytest.mark.parametrize(
    ("override", "hint"),
    [
        ("loss=bce", "did you mean binary_cross_entropy?"),
        ("loss=categorical_crossentropy", "did you mean cross_entropy?"),
        ("loss=mean_squared_error", "did you mean mse?"),
        ("training.metrics=[acc]", "did you mean accuracy?"),
        ("data.sep=;", "did you mean separator?"),
        ("data.label=y", "did you mean target?"),
        ("data.categorical=[a]", "did you mean categories?"),
        ("training.n_epochs=5", "did you mean epochs?"),
        ("epochs=5", "it is training.epochs"),
    ],
)
def test_words_of_other_libraries(override: str, hint: str) -> None:
    assert f"hint: {hint}" in refused(TEXT, override)


def test_every_synonym_leads_to_a_word_there_is() -> None:
    words = {str(field) for field in fields_of(Config)}
    from backprop_cli.render.schema import json_schema

    schema = str(json_schema())
    for ours in set(SYNONYMS.values()):
        assert f"'{ours}'" in schema or ours in words, ours
    assert homes_of("epochs") == ["training.epochs"]


@pytest.mark.parametrize(
    ("words", "write"),
    [
        (["training.epochs", "=", "5"], "training.epochs=5"),
        (["training.epochs=", "5"], "training.epochs=5"),
        (["training.epochs", "=5"], "training.epochs=5"),
        (["seed=1", "training.epochs", "=", "5"], "training.epochs=5"),
    ],
)
def test_blanks_around_the_sign(words: list[str], write: str) -> None:
    says = refused(TEXT, *words)
    assert "blanks stand around the =" in says
    assert f"hint: write {write}" in says
    assert says.count("hint") == 1


def test_values_that_are_none_are_no_blanks() -> None:
    assert loads(TEXT, "c.yaml", ["data.target=", "data.features="]).config.data.target is None


def test_short_forms() -> None:
    short = "data: t.csv\nmodel: {hidden: 2}\ntraining: {early_stopping: true}\n"
    long = "data: {path: t.csv}\nmodel: {hidden: [2]}\ntraining: {early_stopping: {}}\n"
    assert resolved(loads(short, "c.yaml").config) == resolved(loads(long, "c.yaml").config)
    off = loads(short.replace("true", "false"), "c.yaml").config
    assert off.training.early_stopping is None
    assert loads(TEXT, "c.yaml", ["training.early_stopping=true"]).config.training.early_stopping


def test_options_that_are_keys(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("c.yaml").write_text(TEXT)
    found = run("train", "c.yaml", "--epochs", "5").refused(2, "no such option")
    assert "keys of the config are set without dashes: training.epochs=5" in found.err
    found = run("train", "c.yaml", "--batch-size=5")
    assert "training.batch_size=5" in found.err
    assert "hint" not in run("train", "c.yaml", "--frobnicate").err
    run("fit", "c.yaml").refused(2, "no such command: fit", "did you mean train?")
    run("init").refused(2, "no such command: init", "did you mean config init?")


def test_files_that_are_not_there_have_a_place_and_a_neighbour(tmp_path: Path) -> None:
    from backprop_cli.training.data import load

    (tmp_path / "table.csv").write_text("x,y\n1,2.5\n2,3\n")
    for key, path in (("path", "tabel.csv"), ("test_path", "tables.csv")):
        paths = {"path": "table.csv"} | {key: path}
        text = f"data: {{{', '.join(f'{k}: {v}' for k, v in paths.items())}}}\nmodel: {{hidden: [2]}}\n"
        with pytest.raises(BackpropError) as caught:
            load(loads(text, "c.yaml", path="c.yaml", folder=str(tmp_path)))
        assert str(caught.value).startswith("c.yaml:1:")
        assert caught.value.hint == "did you mean table.csv?"
