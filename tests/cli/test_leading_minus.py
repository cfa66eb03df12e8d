"""An expression that starts with a minus is an expression, not an option."""

import pytest

from nngraph.cli.app import run


@pytest.mark.parametrize(
    "arguments",
    [
        ["explain", "-x**2", "--at", "x=3", "--wrt", "x"],
        ["explain", "--at", "x=3", "-x**2"],
        ["explain", "-(x)", "--at=x=2"],
        ["explain", "-2*x", "--at", "x=3", "--lang", "en"],
        ["explain", "--", "-x**2"],
        ["check", "-z*log(y)", "--wrt", "y", "--claim", "-z/y"],
        ["check", "--claim", "-2*x", "--wrt", "x", "-x**2"],
        ["draw", "-x**2", "--format", "svg", "-o", "-"],
    ],
)
def test_an_expression_may_start_with_a_minus(arguments, capsys):
    assert run(arguments) == 0
    assert capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["explain", "w*x", "-q"], "-q"),
        (["explain", "--nonsense"], "--nonsense"),
        (["explain", "w*x", "--at"], "--at"),
        (["explain", "-w*x", "-w"], "-w"),
        (["explain", "-w*sgmoid(x)"], "did you mean sigmoid?"),
    ],
)
def test_a_mistyped_option_stays_one(arguments, said, capsys):
    assert run(arguments) == 2
    assert said in capsys.readouterr().err
