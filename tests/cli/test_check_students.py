"""`nngraph check student.py`: hand-written passes and functions, the first wrong array and its slip, and bad manners by name."""

import json
import textwrap
from pathlib import Path

import pytest
from nngraph.cli.app import run

MISTAKES = Path(__file__).resolve().parents[2] / "examples" / "mistakes"
TWO_LAYERS = [
    "--against", f"{MISTAKES / 'lecture.py'}:loss", "--shape", "X=5,3", "--shape", "T=5,2", "--shape", "W1=3,4", "--shape", "b1=4",
    "--shape", "W2=4,2", "--shape", "b2=2",
]  # fmt: skip
AFFINE = ["--against", "X@W+b", "--shape", "X=4,3", "--shape", "W=3,2", "--shape", "b=2"]


@pytest.fixture
def check(capsys):
    def checked(*arguments):
        code = run(["check", *map(str, arguments), "--json", "--timeout", "60"])
        printed = json.loads(capsys.readouterr().out)
        assert code == (2 if "error" in printed else 0 if printed["right"] else 1), printed
        return printed

    return checked


@pytest.fixture
def student(tmp_path):
    def written(text):
        path = tmp_path / "student.py"
        path.write_text("import numpy as np\n\n" + textwrap.dedent(text))
        return path

    return written


def states(found):
    return {row["name"]: row["state"] for row in found["rows"]}


# The files in examples/mistakes ------------------------------------------------------------------------------------------
def test_a_right_pass(check):
    found = check(MISTAKES / "student_two_layers.py", *TWO_LAYERS)
    assert found["right"]
    assert set(states(found)) == {"dy", "dW2", "db2", "dh", "dz1", "dW1", "db1"}
    assert found["unchecked"] == []
    assert found["unmatched"] == []


def test_a_forgotten_slope_is_found_where_it_was_forgotten(check):
    found = check(f"{MISTAKES / 'student_two_layers.py'}:forgotten_slope", *TWO_LAYERS)
    assert states(found) == {
        "dy": "right",
        "dW2": "right",
        "db2": "right",
        "delta1": "wrong",
        "dW1": "follows",
        "db1": "follows",
    }
    assert found["first"]["slip"]["kind"] == "activation-derivative"
    assert found["first"]["slip"]["said"] == "the derivative of the activation, σ′(z1), is missing"


def test_the_bias_of_an_affine_layer_summed_over_everything(check):
    found = check(MISTAKES / "affine.py", *AFFINE)
    assert states(found) == {"dX": "right", "dW": "right", "db": "wrong"}
    assert found["first"]["slip"]["kind"] == "too-much-summed"


def test_softmax_without_an_axis(check):
    found = check(f"{MISTAKES / 'softmax.py'}:softmax", "--against", "softmax(x)", "--shape", "x=4,3")
    assert found["first"]["slip"]["kind"] == "too-much-summed"
    assert check(f"{MISTAKES / 'softmax.py'}:softmax", "--against", "softmax(x)", "--shape", "x=3")["right"]


def test_a_central_difference_on_an_integer_array(check):
    target = f"{MISTAKES / 'central_difference.py'}:numerical_gradient"
    found = check(target, "--against", "sum(x**2)", "--at", "x=[3,4]")
    assert [slip["kind"] for slip in found["slips"]] == ["integer-array"]
    on_floats = check(target, "--against", "sum(x**2)", "--at", "x=[3.0,4.5]")
    assert on_floats["right"]
    assert "whole-number" in on_floats["notes"][0]


def test_a_perceptron_rule_turned_round(check):
    found = check(
        f"{MISTAKES / 'perceptron.py'}:update",
        "--against",
        "w+rate*(t-step(w@x))*x",
        "--shape",
        "w=3",
        "--shape",
        "x=3",
    )
    assert found["first"]["slip"]["kind"] == "sign"


def test_a_relu_that_overwrites_the_gradient_it_was_given(check):
    found = check(f"{MISTAKES / 'relu.py'}", "--against", "relu(x)", "--shape", "x=4,3")
    assert states(found) == {"dx": "right"}
    assert not found["right"]
    (slip,) = found["slips"]
    assert slip["kind"] == "overwritten"
    assert "dout" in slip["said"]
    assert "relu.py:6: dx[x <= 0] = 0" in slip["why"][0]


def test_tanh_turned_round(check):
    found = check(f"{MISTAKES / 'tanh.py'}:tanh", "--against", "tanh(x)", "--shape", "x=3")
    assert found["first"]["slip"]["kind"] == "sign"


# Slips in arrays ---------------------------------------------------------------------------------------------------------
NET = """
def backward(X, T, W1, b1, W2, b2):
    z1 = X @ W1 + b1
    h = 1 / (1 + np.exp(-z1))
    dy = (h @ W2 + b2 - T) / len(X)
    dW2 = h.T @ dy
    db2 = dy.sum(axis=0)
    dh = dy @ W2.T
    dz1 = dh * h * (1 - h)
    dW1 = X.T @ dz1
    db1 = dz1.sum(axis=0)
    return dict(dy=dy, dW2=dW2, db2=db2, dh=dh, dz1=dz1, dW1=dW1, db1=db1)
"""


@pytest.mark.parametrize(
    ("right", "wrong", "name", "kind"),
    [
        (" / len(X)", "", "dy", "1/N"),
        ("- T) / len(X)", "- T) * 2 / len(X)", "dy", "factor"),
        ("(h @ W2 + b2 - T)", "(T - h @ W2 - b2)", "dy", "sign"),
        ("h.T @ dy", "(h.T @ dy).T", "dW2", "transpose"),
        ("h.T @ dy", "z1.T @ dy", "dW2", "pre-activation"),
        ("dy.sum(axis=0)", "dy", "db2", "batch-sum"),
        ("dy.sum(axis=0)", "dy.sum()", "db2", "too-much-summed"),
        ("dy.sum(axis=0)", "np.full(2, dy.sum())", "db2", "too-much-summed"),
        ("dy.sum(axis=0)", "dy.sum(axis=0, keepdims=True)", "db2", "shape"),
        ("dy.sum(axis=0)", "dy.mean(axis=0)", "db2", "1/N"),
        ("h * (1 - h)", "1", "dz1", "activation-derivative"),
        ("h * (1 - h)", "h", "dz1", "activation-derivative"),
        ("h * (1 - h)", "z1 * (1 - z1)", "dz1", "pre-activation"),
        ("h * (1 - h)", "(1 - h**2)", "dz1", "other-derivative"),
        ("dz1.sum(axis=0)", "np.zeros(4)", "db1", "zeros"),
        ("dz1.sum(axis=0)", "dz1.sum(axis=0) / 0", "db1", "not-finite"),
    ],
)
def test_slips_in_arrays(check, student, right, wrong, name, kind):
    assert right in NET
    text = NET.replace(right, wrong, 1)
    found = check(student("import warnings\nwarnings.simplefilter('ignore')\n" + text), *TWO_LAYERS)
    first = next(row["name"] for row in found["rows"] if row["state"] != "right")
    assert first == name
    assert found["first"]["slip"]["kind"] == kind


def test_only_the_last_contribution(check, student):
    found = check(
        student(
            """
            def backward(x, w):
                h = np.tanh(w * x)
                dw = 3 * h**2 * (1 - h**2) * x
                dw = 2 * h * (1 - h**2) * x
                return {"dw": dw}
            """
        ),
        "--against", "sum(tanh(w*x)**3) + sum(tanh(w*x)**2)", "--shape", "x=3", "--shape", "w=3",
    )  # fmt: skip
    assert found["first"]["slip"]["kind"] == "contribution"
    assert "(+=)" in found["first"]["slip"]["said"]


# Names -------------------------------------------------------------------------------------------------------------------
def test_locals_are_read_when_no_dict_is_returned(check, student):
    found = check(student("def backward(dout, X, W, b):\n    grad_W = X.T @ dout\n    db = dout.sum(0)\n    dX = dout @ W.T\n    return dX, grad_W, db\n"), *AFFINE)  # fmt: skip
    assert found["right"]
    assert set(states(found)) == {"grad_W", "db", "dX"}


def test_a_tuple_in_the_order_of_wrt(check, student):
    path = student("def layer(dout, X, W, b):\n    return dout @ W.T, X.T @ dout, dout.sum()\n")
    found = check(f"{path}:layer", *AFFINE, "--wrt", "X,W,b")
    assert states(found) == {"dX": "right", "dW": "right", "db": "wrong"}


def test_a_map_says_what_names_mean(check, student):
    path = student(
        "def backward(dout, X, W, b):\n    return {'first': X.T @ dout, 'second': dout.sum(0), 'other': 3.0}\n"
    )
    unknown = check(path, *AFFINE)
    assert "--map" in unknown["error"]["hint"]
    assert "first" in unknown["error"]["message"]
    found = check(path, *AFFINE, "--map", "first=W,second=b")
    assert found["right"]
    assert found["unmatched"] == ["other"]
    assert "no node" in check(path, *AFFINE, "--map", "first=Q")["error"]["message"]


def test_arguments_by_other_names(check, student):
    found = check(
        f"{student('def logistic(t):' + chr(10) + '    return 1 / (1 + np.exp(-t))' + chr(10))}:logistic",
        "--against",
        "sigmoid(x)",
    )
    assert found["right"]
    assert found["notes"] == ["called with t = x"]


# What goes wrong ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("def backward(dout, X, W, b):\n    return {'dW': X @ dout}\n", "crash", "student.py:4: ValueError"),
        ("import os\ndef backward(dout, X, W, b):\n    os._exit(7)\n", "stopped", "exit code 7"),
        ("def backward(dout, X, W, b):\n    raise SystemExit\n", "crash", "SystemExit"),
    ],
)
def test_crashes_are_named_with_their_line(check, student, text, kind, said):
    found = check(student(text), *AFFINE)
    assert found["slips"][0]["kind"] == kind
    assert said in found["slips"][0]["said"]


def test_a_pass_that_does_not_end(student, capsys):
    assert (
        run(
            [
                "check",
                str(student("def backward(dout, X, W, b):\n    while True: pass\n")),
                *AFFINE,
                "--timeout",
                "2",
                "--json",
            ]
        )
        == 1
    )
    assert "stopped after 2 seconds" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def backward(dout, X, q, p):\n    return {}\n", "asks for"),
        ("def forward(X):\n    return X\n", "it has forward"),
        ("def backward(dout, X, W, b:\n", "SyntaxError"),
        ("def backward(dout, X, W, b):\n    return {'q': X}\n", "speaks of a node"),
    ],
)
def test_files_that_cannot_be_used_are_exit_code_2(check, student, text, said):
    error = check(student(text), *AFFINE)["error"]
    assert said in error["message"]


def test_what_is_read_is_what_is_printed(student, capsys):
    path = student("def backward(dout, X, W, b):\n    print('dW = 0')\n    return {'dW': X @ W, 'dX': dout @ W.T}\n")
    assert run(["check", str(path), *AFFINE, "--timeout", "60"]) == 1
    text = capsys.readouterr().out
    assert text.startswith("✗ dW: the shape is 4×2, but ∂L/∂W has the shape 3×2")
    assert "✓ dX = ∂L/∂X" in text
    assert "not computed: the gradient of b" in text
    assert "dW = 0" not in text


def test_the_examples_of_the_help_work_as_printed(monkeypatch, capsys):
    import shlex

    from nngraph.cli.commands.check import EXAMPLES

    monkeypatch.chdir(MISTAKES.parents[1])
    for example in EXAMPLES:
        program, *arguments = shlex.split(example)
        assert program == "nngraph"
        assert run(arguments) in (0, 1), capsys.readouterr().err
        assert "error" not in capsys.readouterr().err
