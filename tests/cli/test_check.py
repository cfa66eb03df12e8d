"""`nngraph check` on claims, as typed: the slips of real lecture notes are found and named, equal forms pass, misuse is told apart."""

import json

import pytest
from nngraph.autograd.language import language
from nngraph.cli.app import run

NET = "(sigmoid(w5*sigmoid(w1*x1+w3*x2)+w6*sigmoid(w2*x1+w4*x2))-z)**2"
SLOPES = ["--let", "f1=sigmoid", "--let", "f2=sigmoid", "--let", "f3=sigmoid"]


def deep_net():
    """E = (y − z)² of a 2-3-2-1 net: e is what enters a neuron, y what leaves it, wx23 leads from x2 to neuron 3."""
    lets = []
    for at in (1, 2, 3):
        lets += [f"e{at}=wx1{at}*x1+wx2{at}*x2", f"y{at}=sigmoid(e{at})"]
    for at in (4, 5):
        lets += [f"e{at}=w1{at}*y1+w2{at}*y2+w3{at}*y3", f"y{at}=sigmoid(e{at})"]
    lets += ["e6=w46*y4+w56*y5", "y=sigmoid(e6)", *(f"f{at}=sigmoid" for at in range(1, 7))]
    return ["(y-z)**2", *(part for let in lets for part in ("--let", let))]


@pytest.fixture(autouse=True)
def english():
    """The program sets the language for good; a test gives it back."""
    with language("en"):
        yield


@pytest.fixture
def check(capsys):
    def checked(*arguments):
        code = run(["check", *arguments, "--json"])
        printed = json.loads(capsys.readouterr().out)
        assert code == (2 if "error" in printed else 0 if printed["right"] else 1)
        return printed

    return checked


# The issue's own example -----------------------------------------------------------------------------------------------
ISSUE = ["(sigmoid(w5*f1+w6*f2)-z)**2", "--wrt", "w5", "--let", "y=sigmoid(w5*f1+w6*f2)", "--let", "a3=w5*f1+w6*f2", "--let", "f=sigmoid"]  # fmt: skip


@pytest.mark.parametrize(
    "claim", ["2*(y-z)*f'(a3)*f1", "2*(y-z)*f'*f1", "2*(y-z)*f(a3)*(1-f(a3))*f1", "-2*f1*(z-y)*(y-y**2)"]
)
def test_right_however_it_is_written(check, claim):
    assert check(*ISSUE, "--claim", claim)["right"]


def test_wrong_by_a_factor(capsys):
    assert run(["check", *ISSUE, "--claim", "(y-z)*y*(1-y)*f1", "--at", "w5=0.6,f1=0.5987,w6=-0.5,f2=0.4378,z=1"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "✗ wrong by a factor 2 everywhere: it is missing"
    assert lines[1] == "  yours    (y−z)·y(1−y)·f1   = −0.06925   at w5=0.6 w6=−0.5 f1=0.5987 f2=0.4378 z=1"
    assert lines[2] == "  correct  2(y−z)·y(1−y)·f1  = −0.1385"
    assert lines[3].startswith("  where    The derivative of (y−z)² is 2(y−z).")
    assert lines[3].endswith("E = ½(y−z)².")


# Slips from lecture notes ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("denominator", ["(exp(-x)+exp(x))", "(1+exp(-x))"])
def test_tanh_with_its_numerator_turned(check, denominator):
    found = check("tanh(x)", "--claim", f"(exp(-x)-exp(x))/{denominator}")
    assert found["slip"]["kind"] == "sign"
    assert check("tanh(x)", "--claim", "(exp(x)-exp(-x))/(exp(x)+exp(-x))")["right"]


GRADIENTS = {
    "w1": "(y-z)*f3'*w5*f1'*x1", "w2": "(y-z)*f3'*w6*f2'*x1", "w3": "(y-z)*f3'*w5*f1'*x2",
    "w4": "(y-z)*f3'*w6*f2'*x2", "w5": "(y-z)*f3'*f1", "w6": "(y-z)*f3'*f2",
}  # fmt: skip


@pytest.mark.parametrize("weight", GRADIENTS)
def test_every_gradient_of_a_net_without_its_factor_2(check, weight):
    found = check(NET, *SLOPES, "--wrt", weight, "--claim", GRADIENTS[weight])
    assert found["slip"]["kind"] == "factor"
    assert "factor 2" in found["slip"]["said"]
    assert "½(y−z)²" in found["slip"]["why"][0]
    assert found["correct"]["value"] == pytest.approx(2 * found["yours"]["value"], rel=1e-9)
    assert check(NET, *SLOPES, "--wrt", weight, "--claim", "2*" + GRADIENTS[weight])["right"]
    half = ["0.5*(y-z)**2", "--let", "y=" + NET.removesuffix("-z)**2").removeprefix("(")]
    assert check(*half, *SLOPES, "--wrt", weight, "--claim", GRADIENTS[weight])["right"]


@pytest.mark.parametrize("claim", ["-(z-y)*f6'(e6)*y4", "-(z-y)*f6'*y4", "-(z-y)*f6'(e)*y4"])
def test_the_last_layer_without_its_factor_2(check, claim):
    found = check(*deep_net(), "--wrt", "w46", "--claim", claim)
    assert found["slip"]["kind"] == "factor"
    assert "factor 2" in found["slip"]["said"]
    assert ("nothing here is called e" in found["slip"]["said"]) == ("(e)" in claim)


FIRST = "2*(y-z)*f6'(e6)*w46*f4'(e4)*w34*f3'(e3)*x2"
SECOND = "2*(y-z)*f6'(e6)*w56*f5'(e5)*w35*f3'(e3)*x2"


def test_two_paths_are_right(check):
    assert check(*deep_net(), "--wrt", "wx23", "--claim", f"{FIRST} + {SECOND}")["right"]
    assert check(*deep_net(), "--wrt", "wx23", "--claim", "2*(y-z)*f6'*(w46*f4'*w34+w56*f5'*w35)*f3'*x2")["right"]


def test_the_wrong_input_in_the_second_path(check):
    found = check(*deep_net(), "--wrt", "wx23", "--claim", f"{FIRST} + {SECOND.replace('x2', 'x1')}")
    assert found["slip"]["kind"] == "index"
    assert (
        found["slip"]["said"]
        == "in the path E ← d ← y ← e6 ← y5 ← e5 ← y3 ← e3 ← wx23: wrong index: x1 stands where x2 belongs"
    )


def test_the_wrong_argument_of_a_slope(check):
    claim = f"{FIRST} + {SECOND}".replace("f4'(e4)", "f4'(e)")
    unknown = check(*deep_net(), "--wrt", "wx23", "--claim", claim)
    assert unknown["slip"]["kind"] == "argument"
    assert unknown["slip"]["said"].startswith("f4′(e) stands where f4′(e4) belongs")
    known = check(*deep_net(), "--wrt", "wx23", "--claim", claim.replace("f4'(e)", "f4'(e2)"))
    assert known["slip"]["kind"] == "argument"
    assert "σ′(e2) stands where σ′(e4) belongs" in known["slip"]["said"]


def test_one_path_only(check):
    found = check(*deep_net(), "--wrt", "wx23", "--claim", SECOND)
    assert found["slip"]["kind"] == "contribution"
    assert "y4 ← e4" in found["slip"]["said"]


def test_the_bias_of_an_affine_layer_summed_over_everything(check):
    shapes = ["--shape", "X=N,3", "--shape", "W=3,2", "--shape", "b=2", "--shape", "Y=N,2"]
    found = check("sum((X@W+b-Y)**2)", *shapes, "--wrt", "b", "--claim", "sum(2*(X@W+b-Y))")
    assert found["slip"]["kind"] == "too-much-summed"
    assert check("sum((X@W+b-Y)**2)", *shapes, "--wrt", "b", "--claim", "sum(2*(X@W+b-Y), axis=0)")["right"]


def test_softmax_without_an_axis(check):
    found = check("softmax(X)", "--shape", "X=4,3", "--claim", "exp(X)/sum(exp(X))")
    assert found["slip"]["kind"] == "too-much-summed"


def test_the_perceptron_rule_turned_round(check):
    found = check("w+rate*(t-step(w*x))*x", "--claim", "w-rate*(t-step(w*x))*x")
    assert found["slip"]["kind"] == "sign"


# Names, f′, shapes -------------------------------------------------------------------------------------------------------
def test_lines_of_the_derivation_are_names(check):
    assert check(NET, "--wrt", "w1", *SLOPES, "--claim", "2*d*y*(1-y)*w5*f1'(a1)*x1")["right"]


def test_shorthands_may_speak_of_lines_and_slopes(check):
    lets = ["--let", "delta3=2*(y-z)*f3'(a3)", "--let", "delta1=delta3*w5*f1'(a1)"]
    assert check(NET, "--wrt", "w1", *SLOPES, *lets, "--claim", "delta1*x1")["right"]


def test_where_a_slope_is_taken_is_said(check):
    assert check(*ISSUE, "--claim", "2*(y-z)*f'*f1")["notes"] == ["f′ is taken at a3"]


def test_intermediate_values_can_be_differentiated_by(check):
    assert check(NET, "--wrt", "a3", "--claim", "2*(y-z)*y*(1-y)")["right"]


def test_second_derivatives(check):
    assert check("x**3", "--wrt", "x,x", "--claim", "6*x")["of"] == "∂²y/∂x²"


def test_shapes_that_do_not_fit_are_an_answer(check):
    shapes = ["--shape", "X=N,3", "--shape", "W=3,2", "--shape", "Y=N,2"]
    found = check("sum((X@W-Y)**2)", *shapes, "--wrt", "W", "--claim", "2*X@(X@W-Y)")
    assert found["slip"]["kind"] == "transpose"
    assert "Xᵀ" in found["slip"]["why"][0]


def test_sizes_are_names(check):
    shapes = ["--shape", "X=N,3", "--shape", "W=3,2", "--shape", "T=N,2"]
    claim = "X.T@(softmax(X@W)-T)"
    assert check("softmax_loss(X@W, T)", *shapes, "--wrt", "W", "--claim", f"1/N*{claim}")["right"]
    assert check("softmax_loss(X@W, T)", *shapes, "--wrt", "W", "--claim", claim)["slip"]["kind"] == "1/N"


def test_right_on_half_of_the_line(capsys):
    assert run(["check", "relu(x)**2", "--wrt", "x", "--claim", "2*x"]) == 1
    assert capsys.readouterr().out.startswith("✗ right where x > 0, but wrong elsewhere")


# Misuse -----------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([NET, "--wrt", "w1", "--claim", "2*(y-q)"], "unknown variable 'q'"),
        ([NET, "--wrt", "w9", "--claim", "2*y"], "--wrt w9"),
        ([NET, "--wrt", "w1,w2", "--claim", "2*y"], "one variable"),
        ([NET, "--wrt", "w1", "--let", "f=sigmoid", "--claim", "f'*x1"], "write one of f'(a1), f'(a2), f'(a3)"),
        ([NET, "--wrt", "w1", "--claim", "g'(a1)*x1"], "--let g=sigmoid"),
        ([NET, "--wrt", "w1", "--let", "p=q+1", "--let", "q=p+y", "--claim", "p"], "made of itself"),
        (["X@W", "--shape", "X=2,3", "--shape", "W=3,2", "--wrt", "W", "--claim", "X"], "one number"),
        ([NET, "--wrt", "w1"], "--claim"),
        ([NET, "--wrt", "w1", "--claim", "2*("], "never closed"),
    ],
)
def test_misuse_is_exit_code_2(arguments, said, capsys):
    assert run(["check", *arguments]) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert not printed.out


@pytest.mark.parametrize("name", ["zh-TW", "zh-CN"])
def test_verdicts_in_chinese(name, capsys):
    assert run(["check", *ISSUE, "--claim", "(y-z)*y*(1-y)*f1", "--lang", name]) == 1
    text = capsys.readouterr().out
    assert "2(y−z)" in text
    assert "½(y−z)²" in text
    assert any("\u4e00" <= character <= "\u9fff" for character in text.splitlines()[0])


@pytest.mark.parametrize(
    ("claim", "code", "said"),
    [
        ("-0.0334", 0, "right to 3 significant digits: ∂E/∂w1 = −0.0333"),
        ("-0.0333", 1, "the last digit is rounded wrongly"),
        ("-0.03", 1, "wrong"),
        ("2*(-0.4650)*0.0717", 1, "wrong"),
    ],
)
def test_a_rounded_number_is_right_to_its_digits(claim, code, said, capsys):
    net = "(sigmoid(w5*sigmoid(w1*x1+w3*x2)+w6*sigmoid(w2*x1+w4*x2))-z)**2"
    at = "x1=1,x2=0.5,w1=0.2,w2=-0.3,w3=0.4,w4=0.1,w5=0.6,w6=-0.5,z=1"
    assert run(["check", net, "--at", at, "--wrt", "w1", f"--claim={claim}"]) == code
    assert said in capsys.readouterr().out


def test_a_derivative_without_wrt_is_recognized(capsys):
    assert run(["check", "(y-z)**2", "--claim", "2*(y-z)"]) == 1
    assert "this is ∂E/∂y, not the value: say --wrt y" in capsys.readouterr().out


def test_a_file_without_the_function_is_told_how_it_should_look(tmp_path, capsys):
    (tmp_path / "student.py").write_text("def grads(X):\n    return {}\n")
    assert run(["check", str(tmp_path / "student.py"), "--against", "sum(X**2)", "--shape", "X=3"]) == 2
    said = capsys.readouterr().err
    assert "has no function backward; it has grads" in said
    assert 'def backward(X): … return {"dX": dX}' in said
