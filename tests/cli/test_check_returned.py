"""`nngraph check student.py`: what is returned decides; local variables only say where a wrong gradient went wrong."""

import json
import textwrap
from pathlib import Path

import pytest
from nngraph.cli.app import run

MISTAKES = Path(__file__).resolve().parents[2] / "examples" / "mistakes"
SHAPES = ["--shape", "X=5,3", "--shape", "T=5,2", "--shape", "W1=3,4", "--shape", "b1=4", "--shape", "W2=4,2", "--shape", "b2=2"]  # fmt: skip
LECTURE = """
import nngraph as ng


def loss(X, T, W1, b1, W2, b2):
    z1 = X @ W1 + b1
    h = ng.sigmoid(z1)
    z2 = h @ W2 + b2
    y = ng.sigmoid(z2)
    return ng.sum((y - T) ** 2) / 2
"""
STUDENT = """
import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def backward(X, T, W1, b1, W2, b2):
    h = sigmoid(X @ W1 + b1)
    y = sigmoid(h @ W2 + b2)
    delta2 = (y - T) * y * (1 - y)
    gW2, gb2 = h.T @ delta2, delta2.sum(0)
    delta1 = delta2 @ W2.T * h * (1 - h)
    gW1, gb1 = X.T @ delta1, delta1.sum(0)
    RETURN
"""


@pytest.fixture
def check(tmp_path, capsys):
    (tmp_path / "lecture.py").write_text(LECTURE)

    def checked(text, *options, against=None, shapes=SHAPES, name=""):
        path = tmp_path / "student.py"
        path.write_text(textwrap.dedent(text))
        target = f"{path}:{name}" if name else str(path)
        against = against or f"{tmp_path / 'lecture.py'}:loss"
        code = run(["check", target, "--against", against, *shapes, *options, "--json", "--timeout", "60"])
        printed = json.loads(capsys.readouterr().out)
        assert code == (2 if "error" in printed else 0 if printed["right"] else 1), printed
        return printed

    return checked


def states(found):
    return {row["name"]: row["state"] for row in found["rows"]}


@pytest.mark.parametrize(
    "returned",
    [
        "return gW1, gb1, gW2, gb2",
        "return [gW1, gb1, gW2, gb2]",
        "return 1 * gW1, 1 * gb1, 1 * gW2, 1 * gb2",
        "return 1 * gb2, 1 * gW2, 1 * gW1, 1 * gb1",
        "return {'W1': gW1, 'b1': gb1, 'W2': gW2, 'b2': gb2}",
        "return {'dW1': gW1, 'grad_b1': gb1, 'W2_grad': gW2, 'g_b2': gb2}",
        "return float(((y - T) ** 2).sum() / 2), {'W1': gW1, 'b1': gb1, 'W2': gW2, 'b2': gb2}",
        "h = h[0]; dh = h; delta2 = 3 * delta2\n    return gW1, gb1, gW2, gb2",
        "h = h[0]; y = 0 * y\n    return {'dW1': gW1, 'db1': gb1, 'dW2': gW2, 'db2': gb2}",
        "h = h[0]; dh = h",
    ],
)
def test_right_gradients_are_right_whatever_else_the_function_holds(check, returned):
    found = check(STUDENT.replace("RETURN", returned))
    assert found["right"], found
    assert [row["of"] for row in found["rows"] if row["state"] == "right"][-1:] == ["∂y1/∂W1"]
    assert found["unchecked"] == []


def test_the_order_that_was_assumed_is_said(check):
    found = check(STUDENT.replace("RETURN", "return 1 * gW1, 1 * gb1, 1 * gW2, 1 * gb2"))
    assert found["notes"] == ["what it returns is taken for the gradients of W1, b1, W2, b2, in this order"]


def test_a_loss_that_is_returned_beside_the_gradients_is_compared(check):
    found = check(STUDENT.replace("RETURN", "return 3.0, {'W1': gW1, 'b1': gb1, 'W2': gW2, 'b2': gb2}"))
    assert found["right"]
    assert found["notes"][0].startswith("the number returned beside the gradients is 3, but the loss is ")


def test_nothing_returned_and_no_gradient_is_not_right(check):
    text = STUDENT.replace("    gW2, gb2 = h.T @ delta2, delta2.sum(0)\n", "").replace(
        "    gW1, gb1 = X.T @ delta1, delta1.sum(0)\n    RETURN", "    print(delta1)"
    )
    found = check(text)
    assert not found["right"]
    assert [slip["kind"] for slip in found["slips"]] == ["not-computed"]
    assert states(found) == {"h": "right", "y": "right", "delta2": "right", "delta1": "right"}


def test_a_wanted_gradient_that_is_missing_is_not_right(check):
    found = check(STUDENT.replace("RETURN", "return {'dW1': gW1}"), "--wrt", "W1,b1")
    assert [slip["kind"] for slip in found["slips"]] == ["not-computed"]
    assert "b1" in found["slips"][0]["said"]
    assert "W2" not in found["slips"][0]["said"]


def test_with_wrt_nothing_else_is_asked_for(check):
    found = check(STUDENT.replace("RETURN", "return {'dW1': gW1, 'db1': 3 * gb1}"), "--wrt", "W1")
    assert found["right"]
    assert found["unchecked"] == []
    assert states(found) == {"dW1": "right"}


@pytest.mark.parametrize("returned", ["return gW1, gb1, gW2, gb2", "return dict(W1=gW1, b1=gb1, W2=gW2, b2=gb2)"])
def test_the_first_wrong_intermediate_is_blamed(check, returned):
    text = STUDENT.replace("RETURN", returned).replace("(y - T) * y * (1 - y)", "y - T")
    found = check(text)
    assert found["first"]["of"] == "∂y1/∂z2"
    assert found["first"]["slip"]["kind"] == "activation-derivative"
    assert [state for state in states(found).values()] == ["wrong", *["follows"] * 5]


def test_a_wrong_intermediate_that_explains_nothing_is_not_blamed(check):
    text = STUDENT.replace("RETURN", "delta2 = 7 * delta2\n    return gW1, gb1.sum(), gW2, gb2")
    found = check(text)
    assert "delta2" not in states(found)
    assert found["first"]["of"] == "∂y1/∂b1"


def test_a_wrong_forward_value_is_blamed_first(check):
    text = STUDENT.replace("RETURN", "return gW1, gb1, gW2, gb2").replace("h = sigmoid(X @ W1 + b1)", "h = X @ W1 + b1")
    found = check(text)
    assert states(found) == {"h": "wrong", "y": "follows"} | dict.fromkeys(
        ["delta2", "gb2", "gW2", "delta1", "gb1", "gW1"], "follows"
    )
    assert found["first"]["slip"]["said"] == "z1 stands where σ(z1) belongs"


def test_a_bare_array_is_the_gradient_of_the_parameter_it_fits(check):
    text = "def slope(w, X, y):\n    return 2 * X.T @ (X @ w - y)\n"
    shapes = ["--shape", "w=3", "--shape", "X=5,3", "--shape", "y=5"]
    found = check(text, against="sum((X@w-y)**2)", shapes=shapes, name="slope")
    assert found["right"]
    assert found["notes"] == ["what it returns is taken for the gradient of w"]


def test_arrays_nobody_can_tell_apart_are_an_error(check):
    found = check(STUDENT.replace("RETURN", "return 1 * gW1, 1 * gb1, 1 * gW2, 1 * gb2, 1 * gb2, 1 * gb2, 1 * gb2"))
    assert "not clear" in found["error"]["message"]


# What goes wrong ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("line", "shapes", "fits"),
    [
        ("gW2 = h @ delta2", "h: 5×4, delta2: 5×2", "h.T @ delta2"),
        ("gW2 = np.dot(h, delta2)", "h: 5×4, delta2: 5×2", "np.dot(h.T, delta2)"),
        ("gW1 = X.T @ (delta2 @ W2)", "X: 5×3, delta2: 5×2, W2: 4×2", "delta2 @ W2.T"),
    ],
)
def test_a_crash_tells_the_shapes_and_what_to_turn(check, line, shapes, fits):
    found = check(STUDENT.replace("RETURN", line))
    (slip,) = found["slips"]
    assert slip["kind"] == "crash"
    assert "ValueError: matmul" in slip["said"] or "not aligned" in slip["said"]
    assert slip["why"] == [
        line,
        f"the shapes on that line: {shapes}",
        f"a transpose is missing or too many: {fits} fits",
    ]


def test_missing_shapes_are_said_with_what_to_write(check):
    error = check(STUDENT.replace("RETURN", ""), shapes=["--shape", "X=5,3"])["error"]
    assert "no shape was given for T, W1, b1, W2, b2" in error["hint"]
    assert "--shape T=5,3" in error["hint"]


def test_what_is_not_there_is_not_hidden(check, capsys):
    error = check(STUDENT.replace("RETURN", ""), shapes=[], name="nothing")["error"]
    assert "has no function nothing" in error["message"]
    assert error["hint"] == "it has sigmoid, backward"
    assert run(["check", "absent.py", "--against", "absent_too.py:loss"]) == 2
    assert "there is no file absent.py" in capsys.readouterr().err
