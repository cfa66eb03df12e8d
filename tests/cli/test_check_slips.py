"""Slips of students, found and named by `nngraph check`; every sentence of a verdict is true of the expression it is about."""

import json
import re
import textwrap

import pytest
from nngraph.cli.app import run

LAYER = ["--shape", "X=5,3", "--shape", "W=3,2", "--shape", "b=2", "--shape", "T=5,2"]
NET = ["--shape", "X=5,3", "--shape", "T=5,2", "--shape", "W=3,4", "--shape", "b=4", "--shape", "V=4,2", "--shape", "c=2"]  # fmt: skip


@pytest.fixture
def check(capsys):
    def checked(*arguments):
        code = run(["check", *arguments, "--json"])
        printed = json.loads(capsys.readouterr().out)
        assert code == 1 - printed["right"], printed
        return printed

    return checked


@pytest.fixture
def student(tmp_path, check):
    def checked(text, against, *options):
        (tmp_path / "student.py").write_text("import numpy as np\n\n\n" + textwrap.dedent(text))
        (tmp_path / "lecture.py").write_text("import nngraph as ng\n\n\n" + textwrap.dedent(against))
        target, against = str(tmp_path / "student.py"), f"{tmp_path / 'lecture.py'}:loss"
        return check(target, "--against", against, *options, "--timeout", "60")

    return checked


# Claims ------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("expression", "claim", "kind", "said"),
    [
        ("(y-z)**2", "2*y-z", "brackets", "2y − z stands where 2(y−z) belongs"),
        ("x*sin(x)", "cos(x)", "product-rule", "not u′·v′"),
        ("x*sin(x)", "sin(x)", "product-rule", "one of them is missing"),
        ("x*sin(x)", "x*cos(x)", "product-rule", "one of them is missing"),
        ("sin(x)/x", "cos(x)", "quotient-rule", "(u′·v − u·v′)/v²"),
        ("sin(x)/x", "(cos(x)*x+sin(x))/x**2", "sign", "the minus sign before y/x is missing"),
        ("tanh(x**2)", "1-tanh(x**2)**2", "inner-derivative", "x²"),
        ("tanh(x**2)", "1-tanh(x**2)", "missing-function", "y stands where y² belongs; and the factor 2x is missing"),
        ("exp(x*y)", "exp(x*y)", "inner-derivative", "x·y"),
        ("x**2", "2*x+1", "extra-term", "1 is one term too many"),
        ("x**2", "2*x-y", "extra-term", "−y is one term too many"),
        ("exp(-x**2/2)", "-x*exp(-x**2)", "argument", "e^(−x²) stands where e^(−x²/2) belongs"),
        ("sigmoid(w*x+b)", "x*sigmoid(w*x)*(1-sigmoid(w*x+b))", "argument", "σ(w·x) stands where σ(w·x + b) belongs"),
        ("sin(x)**2", "2*sin(x)", "activation-derivative", "sin′(x), is missing"),
        # Where the expression has a domain of its own.
        ("-t*log(x)-(1-t)*log(1-x)", "x-t", "missing-factor", "1/(x(1−x)) is missing"),
        ("t*log(x)", "t*x", "factor", "multiplied by x instead of divided by it"),
        ("w**x", "w**x*log(w)", "other-variable", "this is ∂y/∂x, not ∂y/∂w"),
        ("x**y", "y*x**y", "missing-addend", "1 is missing in y − 1"),
        ("x**b*c", "b*x**b*c", "missing-addend", "1 is missing in b − 1"),
        ("log(x**2-9)", "1/(x**2-9)", "inner-derivative", "x²"),
        ("log(log(x))", "1/log(x)", "activation-derivative", "ln′(x), is missing"),
    ],
)
def test_slips_in_claims(check, expression, claim, kind, said):
    wrt = next(name for name in ("w", "x", "y") if name in re.findall(r"\w+", expression))
    found = check(expression, "--wrt", wrt, "--claim", claim)
    assert (found["slip"]["kind"], found["slip"]["said"].count(said)) == (kind, 1), found["slip"]
    assert "two slips" not in found["slip"]["said"] or "; and" in said


def test_a_claim_outside_the_domain_of_the_expression_is_not_judged_there(check):
    assert check("log(x)", "--wrt", "x", "--claim", "1/abs(x)")["right"]
    found = check("x**y", "--at", "x=2,y=3", "--wrt", "x", "--claim", "y*x**y")
    assert found["slip"]["said"] == "1 is missing in y − 1"


def test_who_forgets_a_square_is_not_told_of_brackets(check):
    shapes = ("--shape", "X=4,3", "--shape", "W=3,2", "--wrt", "W", "--claim")
    found = check("sum(tanh(X@W)**2)", *shapes, "X.T@(2*tanh(X@W)*(1-tanh(X@W)))")
    assert found["slip"]["said"] == "the square is missing: y stands where y² belongs"
    found = check("sum(tanh(X@W)**2)", *shapes, "X.T@(2*tanh(X@W)*1-tanh(X@W)**2)")
    assert found["slip"]["kind"] == "brackets"


def test_an_axis_is_not_called_every_axis(check):
    found = check("sum((X@W+b-T)**2)", *LAYER, "--wrt", "b", "--claim", "sum(2*(X@W+b-T), axis=1)")
    assert found["slip"]["said"] == "summed over axis 1 instead of axis 0"


def test_names_that_are_ours_are_explained(check, capsys):
    found = check("softmax_loss(X@W+b, T)", *LAYER, "--wrt", "W", "--claim", "X.T@(softmax(X@W+b)-T)")
    assert found["names"] == {"Z": "X·W + b", "P": "softmax(Z)"}
    assert check("(y-z)**2", "--wrt", "y", "--claim", "y-z")["names"] == {}
    assert run(["check", "sin(x)**2", "--wrt", "x", "--claim", "sin(x)"]) == 1
    assert "  with     s = sin(x)" in capsys.readouterr().out.splitlines()


# What is said is true ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("loss", "variable", "claim", "why"),
    [
        ("softmax_loss(X@W+b, T)", "W", "X.T@(softmax(X@W+b)-T)/25", "It is divided by N once already: 0.2 · Xᵀ(P−T)."),
        ("sum((X@W+b-T)**2)", "b", "sum(2*(X@W+b-T), axis=0)/5", "This is a sum, not a mean: nothing divides it by N."),
        (
            "softmax_loss(X@W+b, T)",
            "W",
            "X.T@(softmax(X@W+b)-T)",
            "The correct formula is divided by N: 0.2 · Xᵀ(P−T).",
        ),
    ],
)
def test_a_mean_or_a_sum(check, loss, variable, claim, why):
    found = check(loss, *LAYER, "--wrt", variable, "--claim", claim)
    assert found["slip"]["kind"] == "1/N"
    assert found["slip"]["why"] == [why]


def test_nothing_is_called_a_mean_that_is_none(check):
    found = check("sum((X@W+b-T)**2)", *LAYER, "--wrt", "W", "--claim", "10*X.T@(X@W+b-T)")
    assert found["slip"]["said"] == "wrong by a factor 5 everywhere: it is one too many"
    assert found["slip"]["why"] == []


def test_the_loss_for_which_a_line_would_be_right(check):
    found = check("x**3", "--wrt", "x", "--claim", "x**2")
    assert found["slip"]["why"] == ["The derivative of x³ is 3x². Your line is right for y = x³/3."]
    turned = check("x**3", "--wrt", "x", "--claim", "-x**2")
    assert turned["slip"]["why"] == ["The derivative of x³ is 3x²."]


def test_where_a_claim_happens_to_be_right_is_not_called_the_only_place(check):
    found = check("x**3", "--wrt", "x", "--claim", "3*x")
    assert found["holds"] == "It is right where everything is 1, but not in general."


# Students' files ---------------------------------------------------------------------------------------------------------
LOSS = """
def loss(X, T, W, b, V, c):
    z1 = X @ W + b
    h = ng.sigmoid(z1)
    z2 = h @ V + c
    return ng.softmax_loss(z2, T)
"""
BACKWARD = """
def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(z, axis=1):
    e = np.exp(z)
    return e / e.sum(axis, keepdims=True)


def backward(X, T, W, b, V, c):
    hidden = sigmoid(X @ W + b)
    out = (softmax(hidden @ V + c) - T) / len(X)
    gV, gc = hidden.T @ out, out.sum(0)
    back = out @ V.T * hidden * (1 - hidden)
    return {"V": gV, "c": gc, "W": X.T @ back, "b": back.sum(0)}
"""


def test_the_pass_itself_is_right(student):
    assert student(BACKWARD, LOSS, *NET)["right"]


@pytest.mark.parametrize(
    ("right", "wrong", "of", "kind", "said"),
    [
        ("sigmoid(X @ W + b)", "(X @ W + b)", "c", "missing-function", "on the way forward: z1 stands where σ(z1) belongs"),
        ("softmax(hidden @ V + c)", "softmax(hidden @ V + c, 0)", "c", "axis", "on the way forward: softmax(z2) is taken along axis 0"),
        ("softmax(hidden @ V + c)", "softmax(hidden @ V + c, (0, 1))", "c", "too-much-summed", "over all entries at once"),
        ("len(X)", "T.size", "c", "1/N", "divided by 10, the number of entries of T, instead of by N = 5"),
        ("out.sum(0)", "out.sum(1)", "c", "axis", "summed over axis 1 instead of axis 0"),
        ("back =", "V = V - 0.1 * gV\n    back =", "b", "early-update", "V had already moved by −0.1 · ∂L/∂V"),
        ("out.sum(0)", "out[-1]", "c", "contribution", "only the last of 5 contributions is kept"),
        ("out.sum(0)", "out[0]", "c", "contribution", "only the first of 5 contributions is kept"),
        ("X.T @ back", "np.outer(X[-1], back[-1])", "W", "contribution", "only the last of 5 contributions is kept"),
        ("X.T @ back", "np.outer(X[0], back[0])", "W", "contribution", "only the first of 5 contributions is kept"),
    ],
)  # fmt: skip
def test_slips_in_passes(student, right, wrong, of, kind, said):
    assert right in BACKWARD
    found = student(BACKWARD.replace(right, wrong), LOSS, *NET)
    assert found["first"]["of"] == f"∂L/∂{of}"
    assert found["first"]["slip"]["kind"] == kind
    assert said in found["first"]["slip"]["said"]


RECURRENT = """
def loss(x, w, u, t):
    h = 0.0 * x[0]
    for k in range(4):
        h = ng.tanh(w * h + u * x[k])
    return (h - t) ** 2
"""
STEPS = """
def backward(x, w, u, t):
    h = [0.0]
    for k in range(4):
        h.append(np.tanh(w * h[-1] + u * x[k]))
    dh, dw, du = 2 * (h[-1] - t), 0.0, 0.0
    for k in range(3, -1, -1):
        da = dh * (1 - h[k + 1] ** 2)
        dw += da * h[k]
        du += da * x[k]
        dh = da * w
    return {"dw": dw, "du": du}
"""


def test_steps_of_time_are_added_up(student):
    assert student(STEPS, RECURRENT, "--shape", "x=4")["right"]
    found = student(STEPS.replace("+=", "="), RECURRENT, "--shape", "x=4")
    assert found["first"]["slip"]["kind"] == "contribution"
    assert "u is used 4 times" in found["first"]["slip"]["said"]
    assert "(+=), not replaced (=)" in found["first"]["slip"]["said"]


def test_a_forward_difference_is_inaccurate_not_something_else(tmp_path, check, capsys):
    path = tmp_path / "student.py"
    path.write_text(
        "import numpy as np\n\n\ndef numerical(f, w):\n    h = 1e-4\n    g = np.zeros_like(w)\n    for i in range(len(w)):\n"
        "        moved = w.copy()\n        moved[i] += h\n        g[i] = (f(moved) - f(w)) / h\n    return g\n"
    )
    arguments = [f"{path}:numerical", "--against", "sum(w**3)", "--at", "w=[-0.5,-1.0,0.5]", "--timeout", "60"]
    found = check(*arguments)
    assert found["first"]["slip"]["kind"] == "inaccurate"
    assert found["first"]["slip"]["said"].startswith("inaccurate: it differs by up to ")
    assert "forward difference" in found["first"]["slip"]["why"][0]
    assert run(["check", *arguments]) == 1
    text = capsys.readouterr().out
    assert "0.74985001" in text, "digits enough to see the difference"
