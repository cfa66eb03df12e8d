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


NETWORK = """
import nngraph as ng
from nngraph import nets

net = nets.MLP([2, 3, 2], rng=0)
x = ng.input("x", [[1.0, 2.0], [0.5, -1.0]])
t = ng.input("t", [[1.0, 0.0], [0.0, 1.0]])
E = ng.softmax_loss(net(x), t)


def loss():
    return ng.softmax_loss(net(x), t)
"""


@pytest.fixture
def network(tmp_path):
    path = tmp_path / "network.py"
    path.write_text(NETWORK)
    return path


@pytest.mark.parametrize("target", ["E", "loss"])
def test_a_name_that_several_parameters_have_is_asked_about(target, network, capsys):
    from nngraph import explain, input, nets, softmax_loss

    assert run(["explain", f"{network}:{target}", "--wrt", "W"]) == 2
    said = capsys.readouterr().err
    assert "--wrt W: several variables have that name" in said
    assert "layer1/W, layer2/W" in said
    net = nets.MLP([2, 3, 2], rng=0)
    loss = softmax_loss(net(input("x", [[1.0, 2.0], [0.5, -1.0]])), input("t", [[1.0, 0.0], [0.0, 1.0]]))
    for layer in (1, 2):
        wanted = json.loads(explain(loss, wrt=[net.parameters()[f"layer{layer}/W"]]).json())["gradients"][f"W{layer}"]["value"]
        # By its path, by the whole of its scope, and as the derivation calls it.
        for name in (f"layer{layer}/W", f"mlp/layer{layer}/W", f"W{layer}"):
            found = json.loads(printed(capsys, "explain", f"{network}:{target}", "--wrt", name, "--json"))
            assert [each["value"] for each in found["gradients"].values()] == [wanted]
    both = json.loads(printed(capsys, "explain", f"{network}:{target}", "--wrt", "layer2/W,layer1/b", "--json"))
    assert list(both["gradients"]) == ["W2", "b1"]
    # Without --wrt none of them is left out.
    assert {"W1", "b1", "W2", "b2"} <= json.loads(printed(capsys, "explain", f"{network}:{target}", "--json"))["gradients"].keys()
    assert run(["explain", f"{network}:{target}", "--wrt", "layer3/W"]) == 2
    assert "did you mean layer2/W" in capsys.readouterr().err
    assert run(["draw", f"{network}:{target}", "--highlight", "W", "-o", "-"]) == 2
    assert "several variables" in capsys.readouterr().err


def test_a_network_is_explained_and_drawn_for_a_shape(network, tmp_path, capsys):
    for command in (["explain"], ["draw", "-o", str(tmp_path / "net.svg")]):
        assert run([*command, f"{network}:net"]) == 2
        said = capsys.readouterr().err
        assert "is a network: say what comes into it" in said
        assert "--shape x=8,2" in said
    assert run(["explain", f"{network}:net", "--at", "x=[[1,2],[3,4],[5,6]]", "--wrt", "layer2/b", "--json"]) == 0
    shown = capsys.readouterr()
    assert "gives 6 numbers; this is about their sum" in shown.err
    assert json.loads(shown.out)["gradients"]["b2"]["value"] == [3.0, 3.0]
    assert run(["draw", f"{network}:net", "--shape", "x=4,2", "--view", "forward", "-o", str(tmp_path / "net.svg")]) == 0
    assert "sum" not in capsys.readouterr().err
    assert (tmp_path / "net.svg").exists()
    assert run(["explain", f"{network}:net", "--shape", "x=N,2"]) == 0
    assert "(N×2)" in capsys.readouterr().out


def test_leaves_are_told_apart_by_as_much_of_their_scope_as_it_takes():
    import nngraph as ng
    from nngraph.cli.leaf_names import by_name

    made = []
    for scope in ("a/one", "b/one", "b/two", "", ""):
        from contextlib import nullcontext

        with ng.scope(scope) if scope else nullcontext():
            made.append(ng.parameter("W", 1.0))
    made.append(ng.parameter("v", 1.0))
    named = by_name(made)
    assert list(named) == ["a/one/W", "b/one/W", "two/W", "W (1)", "W (2)", "v"]
    assert list(named.values()) == made
    assert list(by_name(made[-1:], {"v"})) == ["v (1)"]
