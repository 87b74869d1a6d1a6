"""``config init TABLE``: what a look at a table finds, and the config that says it."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from backprop_cli.errors import BackpropError
from backprop_cli.training.config import loads
from backprop_cli.training.data import load
from backprop_cli.training.data.inspection import Inspected, inspect, proposal


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def look(content: str | bytes, target: str | None = None, name: str = "t.csv") -> Inspected:
    Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return inspect(name, target)


def kinds(found: Inspected) -> dict[str, str]:
    return {column.name: column.kind for column in found.columns}


ROWS = 24


def people(count: int = ROWS) -> list[dict[str, str]]:
    """Rows with a column of every kind."""
    rng = random.Random(1)
    return [
        {
            "PassengerId": str(i + 1),
            "name": f"person {i}",
            "sex": rng.choice(["male", "female"]),
            "age": rng.choice(["", f"{rng.uniform(1, 80):.1f}"]),
            "fare": f"${rng.uniform(1000, 5000):,.2f}",
            "day": f"2024-0{rng.randint(1, 9)}-{rng.randint(10, 28)}",
            "planet": "earth",
            "deck": rng.choice(["1", "2", "3", "rotary"]),
            "class": rng.choice("abc"),
        }
        for i in range(count)
    ]


def csv_of(rows: list[dict[str, str]], separator: str = ",", header: bool = True) -> str:
    lines = [list(rows[0])] * header + [list(row.values()) for row in rows]
    quoted = [[f'"{c}"' if separator in c else c for c in line] for line in lines]
    return "\n".join(separator.join(line) for line in quoted) + "\n"


def test_what_each_column_is(here: Path) -> None:
    found = look(csv_of(people()))
    assert kinds(found) == {
        "PassengerId": "id", "name": "id", "sex": "category", "age": "number", "fare": "number",
        "day": "date",
        "planet": "constant", "deck": "category", "class": "category",
    }  # fmt: skip
    keys = {column.name: column.key for column in found.columns if column.key}
    assert keys == {
        "PassengerId": "exclude", "name": "exclude", "fare": "numbers", "day": "dates", "planet": "exclude",
        "deck": "categories",
    }  # fmt: skip
    assert (found.target, found.why) == ("class", "it is called so")
    assert found.task == ("classification", "the target has 3 texts")
    assert "earth" in next(column.evidence for column in found.columns if column.name == "planet")


def comma(text: str) -> str:
    """Write numbers as in Europe."""
    return text.translate(str.maketrans(".,", ",."))


def test_every_proposal_is_a_config_that_trains(here: Path, run: Any) -> None:
    """Whatever way the table is written, the config reads it, with the same features each time."""
    reference: list[str] | None = None
    ways = ((",", "utf-8", False), (";", "cp1252", True), ("\t", "utf-16", False), ("|", "utf-8", True))
    for separator, encoding, european in ways:
        rows = [row | {"sex": row["sex"] + "é"} for row in people(60)]
        if european:
            rows = [row | {"age": comma(row["age"]), "fare": comma(row["fare"])} for row in rows]
        for sign in ("", "# a comment\n"):
            Path("t.csv").write_bytes((sign + csv_of(rows, separator)).encode(encoding))
            text = proposal("t.csv")[1]
            splits = load(loads(text, "c.yaml"))
            reference = reference or splits.encoding.names
            assert splits.encoding.names == reference, (separator, encoding, text)
            assert not splits.notes, text
    Path("c.yaml").write_text(text)
    run("train", "c.yaml", "training.epochs=2").answered()
    assert run("predict", "runs/c/model.safetensors", "t.csv").status == 0


def test_tables_without_names(here: Path) -> None:
    found = look("5.1,3.5,1.4\n4.9,3.0,1.4\n6.2,2.2,4.5\n")
    assert [(guess.key, guess.value) for guess in found.written] == [("header", "none")]
    assert found.target == "c3"
    blanks = look("x y\n1 1.5\n2 2.5\n3 3\n", name="t.txt")
    assert [(guess.key, guess.value) for guess in blanks.written] == [("separator", "blanks")]
    tabs = look("x\ty\n1\t1.5\n2\t2.5\n", name="t.txt")
    assert tabs.written == []


def test_texts_with_signs_in_them_are_no_separators(here: Path) -> None:
    found = look("name,y\nann; bob,1.5\ncy | di; ed,2.5\nfa ge,2\n")
    assert found.written == []
    single = "x y z,y\n1,2\n3,4\n"
    assert look(single).written == []


@pytest.mark.parametrize("hole", ["-", ".", "none", "#N/A", "<NA>", "missing"])
def test_what_stands_for_no_value(here: Path, hole: str) -> None:
    rows = "x,y\n" + "".join(f"{hole if i % 5 == 0 else i},{i}.5\n" for i in range(20))
    found = look(rows)
    assert found.gaps == [hole]
    splits = load(loads(found.config(), "c.yaml"))
    assert splits.encoding.names == ["x"]
    assert splits.encoding.fills == {"x": 10.0}


def test_doubtful_things_are_asked_for(here: Path) -> None:
    rows = "code,temp,when,c,y\n" + "".join(
        f"{i % 3},{-999 if i % 7 == 0 else i},{i % 9 + 1}/{i % 7 + 1}/2024,{'AB'[i % 2]},{i}.5\n"
        for i in range(40)
    )
    text = look(rows).config()
    assert "# categories: [code]  # its 3 whole numbers may be codes" in text
    assert "# missing_values: [-999]  # often in temp" in text
    assert "# dates: [when]" in text
    assert "- when" in text  # left out until it is told
    load(loads(text, "c.yaml"))


def test_what_is_said_of_a_number_is_how_the_config_reads_it(here: Path) -> None:
    found = look("price;y\n€ 150.000;1,5\n€ 70.000;2\n")
    assert found.columns[0].evidence.endswith("€ 150.000 is 150000")
    assert load(loads(found.config(), "c.yaml")).encoding.shift.tolist() == [110000]
    plain = look("price,y\n€ 150.000,1.5\n€ 70.000,2\n")
    assert plain.columns[0].evidence.endswith("€ 150.000 is 150")
    assert plain.columns[0].doubt == "decimal: comma  # if € 150.000 in price is 150000"


def test_the_target_is_asked_for_or_guessed(here: Path) -> None:
    rows = "id,price,x\n1,2.5,3\n2,3.5,3\n3,1.5,1\n4,2,2\n"
    assert look(rows).target == "price"
    assert look(rows, "x").target == "x"
    with pytest.raises(BackpropError, match="no column 'prise'") as caught:
        look(rows, "prise")
    assert caught.value.hint == "did you mean 'price'?"
    assert look("a,b,when\n1,2.5,2024-01-01\n2,1,2024-01-02\n3,1,2024-01-05\n").target == "b"
    with pytest.raises(BackpropError, match="one column"):
        look("a\n1\n2\n")
    missing = look("x,y\n1,\n2,3.5\n3,4.5\n", "y")
    assert '"y": drop' in missing.config()


def test_the_commands(here: Path, run: Any) -> None:
    Path("t.csv").write_text(csv_of(people(60)))
    text = run("config", "init", "t.csv", "--target", "fare").answered().out
    assert "target: fare" in text
    assert "task: regression" in text
    Path("sub").mkdir()
    run("config", "init", "t.csv", "-o", "sub/c.yaml").answered()
    assert 'path: "../t.csv"' in Path("sub/c.yaml").read_text()
    assert "ok" in run("config", "validate", "sub/c.yaml").answered().out
    assert "is there already" in run("config", "init", "t.csv", "-o", "sub/c.yaml").err
    trained = run("train", "t.csv", "--target", "fare", "training.epochs=2").answered()
    for told in (
        "guessed data.target: fare",
        "task: regression",
        "data.exclude: [name]",
        "data.dates: [day]",
    ):
        assert told in trained.err
    assert "model: runs/t/model.safetensors" in trained.out
    run("train", "t.csv", "--target", "fare", "training.epochs=2", "-q").answered()
    Path("c.yaml").write_text("data: t.csv\nmodel: {hidden: [2]}\n")
    assert "data.target=fare overrides" in run("train", "c.yaml", "--target", "fare").err
    assert "goes with a table" in run("config", "init", "iris", "--target", "x").err
    assert "config init rows.csv" in run("train").err
    assert "did you mean iris" in run("config", "init", "irs").err


def test_arrays(here: Path, run: Any) -> None:
    import numpy as np

    np.savez("a.npz", x=np.arange(40.0).reshape(20, 2), y=np.arange(20) % 2)
    found, text = proposal("a.npz")
    assert found.target == "y"
    load(loads(text, "c.yaml"))
