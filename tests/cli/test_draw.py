"""What `nngraph draw` can be asked for beyond the view: insides, steps, parts, more and less."""

from __future__ import annotations

import json

import pytest
from nngraph.cli.app import run

LOSS = ["softmax_loss(X@W+b, T)", "--shape", "X=4,3", "--shape", "W=3,2", "--shape", "b=2", "--shape", "T=4,2"]


def drawn(capsys, *arguments):
    assert run(["draw", *arguments, "--format", "json", "-o", "-"]) == 0
    return json.loads(capsys.readouterr().out)


def labels(drawing):
    return [" ".join(box["lines"]) for box in drawing["boxes"]]


def test_gradients_of_the_weights_and_not_of_the_data(capsys):
    results = [label for label in labels(drawn(capsys, *LOSS)) if "/∂" in label]
    assert sorted(results) == ["∂L/∂W", "∂L/∂b"]


def test_insides_parts_more_and_less(capsys):
    assert "softmax" in labels(drawn(capsys, *LOSS, "--open", "softmax_loss", "--view", "forward"))
    assert "T" not in labels(drawn(capsys, *LOSS, "--between", "W,matmul", "--view", "forward"))
    assert not [a for a in drawn(capsys, *LOSS, "--hide", "saved,legend")["arrows"] if a["style"] == "saved"]
    assert [a for a in drawn(capsys, *LOSS, "--show", "bytes")["arrows"] if a.get("label", "").endswith(" B")]


def test_highlight_marks_the_way_there_and_back(capsys):
    drawing = drawn(capsys, *LOSS, "--highlight", "W")
    marked = {" ".join(box["lines"]) for box in drawing["boxes"] if box.get("highlighted")}
    assert {"W", "@", "softmax_loss", "1", "∂L/∂W"} <= marked
    assert not marked & {"X", "T", "b", "∂L/∂b"}
    assert run(["draw", *LOSS, "--highlight", "nosuch", "-o", "-"]) == 2
    assert "--highlight nosuch: there is no variable of that name" in capsys.readouterr().err
    assert run(["draw", "--help"]) == 0
    assert "way of their gradient" in " ".join(capsys.readouterr().out.replace("│", " ").split())


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        (["--open", "softmaxloss"], "did you mean 'softmax_loss'"),
        (["--hide", "colors"], "const, input"),
        (["--between", "W"], "two names"),
        (["--steps", "1..2"], "loops"),
    ],
)
def test_wishes_that_cannot_be_met(wish, said, capsys):
    assert run(["draw", *LOSS, *wish, "-o", "-"]) in (1, 2)
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("form", ["tex", "txt"])
def test_latex_and_text(form, capsys):
    assert run(["draw", "w*x", "--format", form, "-o", "-"]) == 0
    assert "w" in capsys.readouterr().out
