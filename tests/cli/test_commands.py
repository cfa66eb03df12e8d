"""explain, draw and check from end to end, in this process: what they print, write and return."""

import io
import json
from pathlib import Path

import numpy as np
import pytest

from nngraph.autograd.op import OPS
from nngraph.cli.app import run

NET = "(sigmoid(w5*sigmoid(w1*x1+w3*x2)+w6*sigmoid(w2*x1+w4*x2))-z)**2"
VALUES = "x1=1,x2=0.5,w1=0.2,w2=-0.3,w3=0.4,w4=0.1,w5=0.6,w6=-0.5,z=1"
SIGMOID = ["explain", "sigmoid(w*x+b)", "--at", "w=2,x=-1,b=0.5", "--wrt", "w"]


def printed(capsys, *arguments):
    assert run(list(arguments)) == 0
    return capsys.readouterr().out


def test_the_smallest_derivation(capsys):
    text = printed(capsys, *SIGMOID)
    slope = np.exp(1.5) / (1 + np.exp(1.5)) ** 2
    assert f"{-slope:.4f}".replace("-", "−") in text
    assert "∂y/∂w" in text and "✓" in text and "✗" not in text


def test_the_net_of_the_readme_against_its_closed_form(capsys):
    found = json.loads(printed(capsys, "explain", NET, "--at", VALUES, "--wrt", "w1,w5", "--json"))
    f = lambda a: 1 / (1 + np.exp(-a))  # noqa: E731
    x1, x2, w1, w2, w3, w4, w5, w6, z = 1, 0.5, 0.2, -0.3, 0.4, 0.1, 0.6, -0.5, 1
    f1, f2 = f(w1 * x1 + w3 * x2), f(w2 * x1 + w4 * x2)
    y = f(w5 * f1 + w6 * f2)
    np.testing.assert_allclose(found["value"], (y - z) ** 2, rtol=1e-12)
    np.testing.assert_allclose(found["gradients"]["w5"]["value"], 2 * (y - z) * y * (1 - y) * f1, rtol=1e-12)
    np.testing.assert_allclose(
        found["gradients"]["w1"]["value"], 2 * (y - z) * y * (1 - y) * w5 * f1 * (1 - f1) * x1, rtol=1e-12
    )
    assert all(step["checked"] in (True, None) for step in found["steps"])


def test_values_from_standard_input_and_files(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    np.save("w.npy", np.array([[1.0], [2.0]]))
    Path("y.csv").write_text("1\n2\n")
    monkeypatch.setattr("sys.stdin", io.StringIO("sum((X@W-Y)**2)"))
    found = json.loads(printed(capsys, "explain", "-", "--at", "X=[[1,2],[3,4]]", "--at", "W=@w.npy", "--at", "Y=@y.csv", "--shape", "Y=2,1", "--wrt", "W", "--json"))  # fmt: skip
    X, W, Y = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0], [2.0]]), np.array([[1.0], [2.0]])
    np.testing.assert_allclose(found["gradients"]["W"]["value"], 2 * X.T @ (X @ W - Y))


@pytest.mark.parametrize(
    ("suffix", "start"),
    [(".txt", "y = "), (".tex", "%"), (".md", "#"), (".html", "<!DOCTYPE html>"), (".json", "{")],
)
def test_the_ending_decides_the_form(suffix, start, tmp_path, capsys):
    path = tmp_path / f"derivation{suffix}"
    assert printed(capsys, *SIGMOID, "-o", str(path)) == ""
    content = path.read_text(encoding="utf-8")
    assert content.lstrip().startswith(start) and "\x1b" not in content and content.endswith("\n")


@pytest.mark.parametrize("form", ["text", "latex", "markdown", "html", "json"])
def test_every_form_goes_to_standard_output(form, capsys):
    assert len(printed(capsys, *SIGMOID, "--format", form)) > 200
    if form == "latex":  # a fragment for a slide, not a document
        assert "documentclass" not in printed(capsys, *SIGMOID, "--format", form)


def test_second_derivatives(capsys):
    twice = json.loads(printed(capsys, "explain", "w**3", "--at", "w=2", "--wrt", "w,w", "--json"))
    order = json.loads(printed(capsys, "explain", "w**3", "--at", "w=2", "--wrt", "w", "--order", "2", "--json"))
    assert twice["gradients"]["w,w"]["value"] == order["gradients"]["w,w"]["value"] == pytest.approx(12)


def test_a_wrong_rule_stops_the_derivation_with_exit_code_1(capsys, monkeypatch):
    op = OPS["tanh"]
    right = op.gradient
    object.__setattr__(op, "gradient", lambda g, y, x: (2.0 * right(g, y, x)[0],))
    try:
        assert run(["explain", "tanh(w*x)", "--at", "w=0.5,x=0.3", "--wrt", "w"]) == 1
    finally:
        object.__setattr__(op, "gradient", right)
    shown = capsys.readouterr()
    assert "✗" in shown.out + shown.err


def test_the_story_of_an_op(capsys):
    text = printed(capsys, "explain", "--op", "softmax_loss")
    assert "t (3×4) = [[0.4, 0.1, 0.3, 0.2]," in text  # labels add up to 1, also when they are short
    assert text.startswith("softmax_loss(z, t") and "gradient:" in text and "pitfall:" in text and "p − t" in text


def test_a_derivation_with_its_picture(tmp_path, capsys):
    path = tmp_path / "net.svg"
    printed(capsys, "explain", "sigmoid(w*x)", "--wrt", "w", "--draw", str(path))
    assert "<svg" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("view", ["forward", "backward", "both", "mirror", "values", "neurons"])
def test_every_view_is_drawn(view, tmp_path, capsys):
    path = tmp_path / "net.svg"
    printed(capsys, "draw", NET, "--at", VALUES, "--view", view, "-o", str(path))
    assert path.read_text(encoding="utf-8").lstrip().startswith("<svg")


def test_a_picture_on_standard_output(capsys):
    assert printed(capsys, "draw", "w*x", "-o", "-").lstrip().startswith("<svg")
    assert json.loads(printed(capsys, "draw", "w*x", "--format", "json"))


def test_a_function_in_a_file(tmp_path, capsys):
    path = tmp_path / "lecture.py"
    path.write_text("import nngraph as ng\n\ndef loss(x, w=2.0):\n    return ng.square(w * x)\n")
    found = json.loads(printed(capsys, "explain", f"{path}:loss", "--at", "x=3", "--wrt", "w", "--json"))
    assert found["gradients"]["w"]["value"] == pytest.approx(36)


def test_claims_are_judged(capsys):
    assert run(["check", "(y-z)**2", "--wrt", "y", "--claim", "2*(y-z)"]) == 0
    assert run(["check", "(y-z)**2", "--wrt", "y", "--claim", "y-z"]) == 1
    assert "2" in capsys.readouterr().out
    assert run(["check", "(y-z)**2", "--wrt", "y", "--claim", "y-z", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["right"] is False
