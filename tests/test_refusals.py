"""What a command line is refused for is said in one voice: what is wrong, and what would be right."""

from __future__ import annotations

import pytest

from backprop_cli.cli.commands import RENAMED

CASES = {
    "grad x --x 1 --format jsn": "--format has no jsn: it takes table, json, | did you mean json?",
    "grad x --x 1 --digits abc": "--digits takes a whole number from 1 to 17, not abc",
    "grad x --x 1 --digits 99": "--digits takes a whole number from 1 to 17, not 99",
    "trace c.yaml --at-step 0": "--at-step takes a whole number from 1 up, not 0",
    "completion tcsh": "SHELL has no tcsh: it takes bash, zsh, fish",
    "completion": "completion needs SHELL | usage: backprop completion ",
    "predict": "predict needs MODEL | backprop train makes one",
    "config validate": "config validate needs FILE | usage: backprop config validate ",
    "config init a b c": "too many words for config init: b c | usage: backprop config init ",
    "evaluate m --formt json": "no such option: --formt | did you mean --format?",
    "evaluate m --format": "--format needs a value",
    "train c.yaml --resume=3": "--resume takes no value",
    "train --epochs 3": "no such option: --epochs | keys of the config are set without dashes",
    "trian c.yaml": "no such command: trian | did you mean train?",
    "config shwo c.yaml": "no such command: config shwo | did you mean show?",
    "grad x --x": "--x is no option, and a variable needs a value | --x VALUE gives the variable x a value",
    "grad sni(x) --x 1": "sni is not a function | write sin(x)",
}
"""The error, and the beginning of its hint."""


@pytest.mark.parametrize("line", CASES)
def test_refused_in_our_voice(run, line):
    says, _, hint = CASES[line].partition(" | ")
    result = run(*line.split())
    assert result.status == 2
    assert result.err.startswith(f"backprop: error: {says}"), result.err
    assert not hint or f"\n  hint: {hint}" in result.err


def test_the_word_error_is_red_where_stderr_has_colours(run):
    assert run("grad", env={"FORCE_COLOR": "1", "TERM": "xterm"}).err.startswith(
        "\033[1;91mbackprop: error:\033[0m no"
    )
    for plain in ({}, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, {"FORCE_COLOR": "1", "TERM": "dumb"}):
        assert run("grad", env=plain).err.startswith("backprop: error: no")


def test_earlier_names_of_options_are_read(run):
    for command, renamed in RENAMED.items():
        for old, new in renamed.items():
            value = ["3"] if old == "--steps" else []
            words = [command, "x^2", "--x", "1"]
            assert run(*words, old, *value).answered().out == run(*words, new, *value).answered().out
            assert f"{old} " not in run(command, "--help").out
    assert run("descend", "x^2", "--x", "1", "--steps=3").answered().out
    assert run("eval", "2*limit", "--limit", "3", "--format", "value").numbers == [6.0]
