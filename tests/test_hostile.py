"""What a stranger's folder, file or name may make the tool do: nothing but answer."""

from __future__ import annotations

import os
import re
from importlib.util import find_spec

import pytest

from backprop_cli import check, explain, grad
from backprop_cli.engine.run import pieces
from backprop_cli.graph import Graph
from backprop_cli.language.lower import lower
from backprop_cli.language.parser import parse

drawn = pytest.mark.skipif(find_spec("matplotlib") is None, reason="needs the plot extra")


@drawn
def test_settings_for_pictures_in_the_current_folder_are_not_ours(process, tmp_path):
    words = ("plot", "x^2", "--x", "0:1", "-o")
    setting = "text.usetex: True\npath.sketch: 1, 100, 2\nsavefig.dpi: 17\nnonsense\nlines.linewidth: 40"
    process(*words, str(tmp_path / "without.png"), cwd=tmp_path).answered()
    (tmp_path / "matplotlibrc").write_text(f"{setting}\ntext.latex.preamble: \\input{{/etc/passwd}}\n")
    result = process(*words, str(tmp_path / "with.png"), cwd=tmp_path).answered()
    assert (result.out, result.err) == ("", "note: minimum at x = 0: f = 0\n")
    assert (tmp_path / "with.png").read_bytes() == (tmp_path / "without.png").read_bytes()


@pytest.mark.skipif(not hasattr(os, "pathconf"), reason="asks for the longest name")
def test_a_file_may_have_the_longest_name_there_is(run, tmp_path):
    name = "a" * (os.pathconf(tmp_path, "PC_NAME_MAX") - len(".json")) + ".json"
    run("grad", "x^2", "--x", "1", "-o", str(tmp_path / name)).answered()
    assert os.listdir(tmp_path) == [name]


@pytest.mark.skipif(os.name == "nt", reason="has no links for everybody")
def test_no_link_laid_in_the_way_is_written_through(run, tmp_path, monkeypatch):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    monkeypatch.setattr(os, "urandom", lambda count: bytes(count))
    (tmp_path / f".backprop-{os.getpid()}-00000000.tmp").symlink_to(victim)
    run("grad", "x^2", "--x", "1", "-o", str(tmp_path / "out.json")).refused(4, "exists")
    assert victim.read_text() == "mine"


def test_a_foreign_table_of_claims_is_told_of_in_a_few_lines(run, tmp_path):
    path = tmp_path / "claims.csv"
    path.write_text("x," + ",".join(f"c{i}" for i in range(500)) + "\n2" + ",1" * 500 + "\n")
    lines = run("check", "x^2", "--x", "1", "--claims", str(path)).answered().err.splitlines()
    assert len(lines) == 21
    assert lines[-1] == "note: ... and 480 notes more of this file"
    path.write_text(",".join(f"c{i}" for i in range(500)) + "\n" + ",".join(["1"] * 500) + "\n")
    assert len(run("check", "x^2", "--x", "1", "--claims", str(path)).err) < 2_000


@pytest.mark.parametrize("format_", ["table", "markdown", "latex", "html", "json"])
@pytest.mark.parametrize("name", ["min", "max"])
def test_text_does_not_grow_with_the_square_of_the_operands(name, format_):
    def size(operands: int) -> int:
        return len(explain(f"{name}({', '.join(['x'] * operands)})", x=1.5).to_text(format_))

    assert size(400) < 2.5 * size(200)


def graph_of(text: str) -> Graph:
    return lower(parse(text))


@pytest.mark.parametrize("operands", [2, 8, 9, 12, 60])
def test_of_many_operands_too_every_other_winner_is_another_piece(operands):
    names = [f"x{i}" for i in range(operands)]
    graph = graph_of(f"max({', '.join(names)})")
    node = graph.nodes[graph.output]

    def piece(winners: set[int]) -> float:
        values = [0.0] * len(graph)
        for k, name in enumerate(names):
            values[graph.inputs[name]] = 2.0 if k in winners else 1.0
        (found,) = pieces([node], values)
        return found

    alone = [piece({k}) for k in range(operands)]
    ties = [piece({k, k + 1}) for k in range(operands - 1)]
    assert len({*alone, *ties}) == 2 * operands - 1


# numbers that are not finite never reach a reader


@pytest.mark.parametrize("claim", ["log(x)", "1/(x+1)", "sqrt(x)", "0^x*exp(-800*x)"])
def test_a_claimed_slope_without_a_value_is_wrong_and_no_number(run, claim):
    words = ("check", "x^2", "--x", "-1", "--gradcheck", "--claim", f"x={claim}")
    result = run(*words)
    assert (result.status, "nan" in result.out, "inf" in result.out) == (1, False, False)
    (found,) = run(*words, "--format", "json").json["checks"]
    assert (found["slope"], found["verdict"], found["says"]) == (
        None, "wrong", f"wrong: {claim} has no value here",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "x", "verdict"),
    [
        ("exp(x)", "709.78", "derivative"),
        ("gamma(x)", "171.6", "overflow"),
        ("exp(x^2)", "26.6", "overflow"),
        ("1/x", "1e-300", "overflow"),
        ("1/x", "1e-154", "derivative"),
        ("1e308*x", "1", "derivative"),
        ("x^2", "1e150", "derivative"),
        ("sqrt(x)", "1e-320", "derivative"),
        ("cbrt(x)", "0", "vertical"),
    ],
)
def test_quotients_at_the_end_of_the_floats(run, text, x, verdict):
    result = run("limit", text, "--x", x)
    assert not re.search(r"\b(inf|nan)\b", result.out)
    (found,) = run("limit", text, "--x", x, "--format", "json").json["limits"]
    assert found["verdict"] == verdict
    assert result.status == (0 if verdict == "derivative" else 3)


@pytest.mark.parametrize(
    ("program", "claim", "verdict"),
    [
        ("x*(cosh(x)^2 - sinh(x)^2)", "1", "right"),
        ("4x^2", "8x*(cosh(x)^2-sinh(x)^2)", "right"),
        ("x^2", "2x + ((1+exp(3x)) - exp(3x) - 1)", "right"),
        ("x^2*((1+exp(3x)) - exp(3x))", "2x", "right"),
        ("x*(cosh(x)^2 - sinh(x)^2)", "2", "wrong"),
        ("x*(cosh(x)^2 - sinh(x)^2)", "0", "wrong"),
        ("x^2", "0", "wrong"),
        ("x - x", "1", "wrong"),
        ("x^2", "2x + ((2+exp(3x)) - exp(3x) - 1)", "wrong"),
        ("x^2", "2x + 0.5*((1+exp(3x)) - exp(3x))", "wrong"),
    ],
)
def test_what_cancels_beyond_the_digits_decides_nothing(run, program, claim, verdict):
    assert check(program, {"x": claim}).verdicts[0].verdict == verdict


# ties and gaps that only floats have


@pytest.mark.parametrize(
    ("text", "x"),
    [
        ("max(sin(x), x)", 1e-10),
        ("min(tan(x), x, sinh(x))", 1e-9),
        ("|x - sin(x)| + x", 1e-12),
        ("relu(tanh(x) - x)", 1e-9),
    ],
)
def test_a_tie_that_rounding_makes_is_no_disagreement(text, x):
    report = grad(text, x=x)
    assert report.agree, [v.reason for v in report.verdicts]


def test_what_underflows_on_the_way_is_no_disagreement():
    report = grad("cbrt(x*x)", x=1e-160)
    assert report.agree
    assert [v.verdict for v in report.verdicts[:2]] == ["rounding", "noisy"]


@pytest.mark.parametrize(
    ("text", "slope"),
    [("max(1, lgamma(x))", None), ("min(lgamma(x), 9) + x", None), ("where(x < 0, x^2, lgamma(x))", -0.4)],
)
def test_an_operand_without_a_complex_form_is_not_passed_over(text, slope):
    report = grad(text, x=-0.2, methods=["complex-step", "reverse"])
    found = report.columns["complex-step"][report.graph.inputs["x"]]
    assert found == slope
    assert report.agree is not False


@pytest.mark.parametrize(
    ("text", "x", "rate"), [("exp(x)", "700", "1e10"), ("x^3", "-1e100", "1e250"), ("-x^2", "1", "1.7e308")]
)
def test_a_descent_beyond_the_floats_leads_to_no_point(run, text, x, rate):
    for format_ in ("table", "json"):
        result = run("descend", text, "--x", x, "--rate", rate, "--steps", "9", "--format", format_)
        assert result.status == 3
        assert not re.search(r"\b(inf|nan)\b", result.out + result.err), result.err
