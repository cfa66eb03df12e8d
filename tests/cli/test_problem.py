"""From a command's arguments to a graph with values."""

import io
import textwrap

import numpy as np
import pytest

from nngraph.cli.errors import CommandError, ExpressionError
from nngraph.cli.problem import load


def test_given_values():
    problem = load("w*x+b", at=["w=2,x=-1", "b=0.5"])
    assert problem.output.value == -1.5
    assert problem.fill() == []
    assert [node.name for node in problem.wrt(["w,b"])] == ["w", "b"]
    assert [node.name for node in problem.wrt([])] == ["w", "x", "b"]
    assert [node.name for node in problem.wrt(["w"], times=2)] == ["w", "w"]


def test_what_is_differentiated_by_is_a_parameter():
    problem = load("a*x", at=["a=2,x=3"], wrt=["a"])
    assert (problem.leaves["a"].role, problem.leaves["x"].role) == ("parameter", "input")
    assert problem.leaves["a"].dtype == np.float64


def test_what_is_called_like_a_weight_is_a_parameter():
    leaves = load("w*w5*W_out*b2*theta*θ1*權重 + x*wide*beta*z*a3").leaves
    roles = {name: leaf.role for name, leaf in leaves.items()}
    assert [name for name, role in roles.items() if role == "parameter"] == "w w5 W_out b2 theta θ1 權重".split()


def filled(*arguments, **settings):
    problem = load(*arguments, **settings)
    drawn = problem.fill()
    return problem, drawn


def test_drawn_values_are_the_same_for_the_same_seed():
    values = [filled("w*x+b", seed=seed)[0].output.value for seed in (0, 0, 1)]
    assert values[0] == values[1] != values[2]
    assert filled("w*x+b", at=["x=2"])[1] == ["w", "b"]


def test_drawn_values_suit_the_function():
    assert np.isfinite(filled("log(a) + sqrt(b) + log(c - 1 + 1)", seed=3)[0].output.value)
    problem, drawn = filled("softmax_loss(X@W+b, T)", shape=["X=N,3", "W=3,2", "b=2", "T=N,2"], wrt=["W"])
    assert problem.output.shape == () and drawn == ["X", "W", "b", "T"]
    targets = problem.leaves["T"].value
    assert np.all(targets.sum(-1) == 1)
    assert problem.leaves["X"].shape[0].text == "N"
    classes, _ = filled("softmax_loss(Z, t)", shape=["Z=N,4", "t=N"], wrt=["Z"])
    assert classes.leaves["t"].dtype.kind == "i"


def test_whole_numbers_where_an_op_wants_classes():
    problem = load("softmax_loss(Z, t)", at=["Z=[[1,2],[3,1]]", "t=[0,1]"], wrt=["Z"])
    expected = np.mean([np.log(np.exp([1, 2]).sum()) - 1, np.log(np.exp([3, 1]).sum()) - 1])
    np.testing.assert_allclose(problem.output.value, expected)


def test_letters_of_shapes_are_numbers_in_the_expression():
    problem, _ = filled("sum((X@w)**2)/N", shape=["X=N,2", "w=2"])
    assert "N" not in problem.leaves
    X, w = problem.leaves["X"].value, problem.leaves["w"].value
    np.testing.assert_allclose(problem.output.value, ((X @ w) ** 2).sum() / len(X))


def test_arrays_and_files(tmp_path):
    np.save(tmp_path / "w.npy", np.array([[1.0], [1.0]]))
    (tmp_path / "y.csv").write_text("1\n2\n")
    problem = load("sum((X@W-Y)**2)", at=["X=[[1,2],[3,4]]", "W=@w.npy", "Y=@y.csv"], shape=["Y=2,1"], folder=tmp_path)
    assert problem.output.value == (3 - 1) ** 2 + (7 - 2) ** 2


def test_shorthands():
    problem = load("(f(a3)-z)**2", at=["w5=0.6,f1=0.5,z=1"], let=["a3=w5*f1", "f=sigmoid"])
    assert list(problem.leaves) == ["z", "w5", "f1"]
    assert problem.named["a3"].name == "a3" and problem.functions == {"f": "sigmoid"}
    np.testing.assert_allclose(problem.output.value, (1 / (1 + np.exp(-0.3)) - 1) ** 2)


def test_standard_input(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("w*x\n"))
    assert load("-", at=["w=2,x=3"]).output.value == 6


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        ({"target": None}, "no expression", None),
        ({"target": "w*x", "at": ["v=2"]}, "--at v", None),
        ({"target": "weight*x", "at": ["wieght=2"]}, "--at wieght", "did you mean weight?"),
        ({"target": "w*x", "shape": ["v=2"]}, "--shape v", None),
        ({"target": "w*x", "at": ["w=[1,2]"], "shape": ["w=3"]}, "w has the shape 2", None),
        ({"target": "absent.py:loss"}, "no file", None),
    ],
)
def test_what_does_not_fit(arguments, message, hint):
    with pytest.raises(CommandError, match=message) as caught:
        load(**arguments)
    if hint:
        assert caught.value.hint == hint


def test_unknown_wrt_names_the_variables():
    with pytest.raises(CommandError, match="--wrt v") as caught:
        load("w*x").wrt(["v"])
    assert "w, x" in caught.value.hint


@pytest.fixture
def lecture(tmp_path):
    path = tmp_path / "lecture.py"
    path.write_text(
        textwrap.dedent(
            """\
            import nngraph as ng
            from helper import SCALE

            W1 = ng.parameter("W1", [[1.0, 2.0]])

            def loss(x, b=0.5, power=2):
                return ng.sum((x @ W1.T + b) ** power) * SCALE

            node = ng.sum(W1 * 3.0)
            number = 3

            def broken(x):
                return x @ W1

            def by_size(X):
                return ng.sum(X) if X.shape[0] > 4 else ng.sum(X * X)

            def any_size(X):
                return ng.sum(X * W1) / X.shape[0]

            def returns_number(x):
                return 3.0

            def quits(x):
                raise SystemExit(4)
            """
        )
    )
    (tmp_path / "helper.py").write_text("SCALE = 10.0\n")
    return path


def test_a_function_of_a_file(lecture):
    problem = load(f"{lecture}:loss", at=["x=[[1,1]]"])
    assert problem.output.value == 10 * 3.5**2
    assert sorted(problem.leaves) == ["W1", "b", "x"]
    assert load(f"{lecture}:loss", at=["x=[[1,1]],W1=[[0,1]]"]).output.value == 10 * 1.5**2
    assert [node.name for node in problem.wrt(["W1"])] == ["W1"]


def test_letters_as_sizes_of_a_function(lecture):
    problem = load(f"{lecture}:any_size", shape=["X=N,2"])
    problem.fill()
    X, W1 = problem.leaves["X"].value, problem.leaves["W1"].value
    np.testing.assert_allclose(problem.output.value, (X * W1).sum() / len(X))
    with pytest.raises(CommandError, match="another graph for other sizes"):
        load(f"{lecture}:by_size", shape=["X=N,2"])


def test_a_node_of_a_file(lecture):
    assert load(f"{lecture}:node").output.value == 9
    assert load(f"{lecture}:node", at=["W1=[[1,1]]"]).output.value == 6


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("absent", "has no absent"),
        ("los", "has no los"),
        ("number", "is int"),
        ("broken", "lecture.py:13: "),
        ("returns_number", "returns float, not a node"),
        ("quits", "lecture.py:25: SystemExit"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_its_line(lecture, name, message):
    with pytest.raises(CommandError, match=message):
        load(f"{lecture}:{name}", shape=["x=3,3"] if name in ("broken", "returns_number", "quits") else [])


def test_a_file_that_does_not_run(tmp_path):
    (tmp_path / "wrong.py").write_text("x = 1\ny = x +\n")
    with pytest.raises(CommandError, match=r"wrong.py:2: SyntaxError"):
        load(f"{tmp_path / 'wrong.py'}:loss")
    (tmp_path / "raises.py").write_text("x = 1\ny = 1 / 0\n")
    with pytest.raises(CommandError, match=r"raises.py:2: ZeroDivisionError") as caught:
        load(f"{tmp_path / 'raises.py'}:loss")
    assert caught.value.hint == "y = 1 / 0"


def test_the_letter_e_is_no_number_unless_it_was_given():
    for text in ("1/(1+e**(-x))", "y = e**x"):
        with pytest.raises(ExpressionError, match="e is a variable") as caught:
            load(text, at=["x=2"])
        assert caught.value.hint.startswith("write exp(")
    assert load("e**x", at=["e=2,x=3"]).output.value == 8
    assert load("e**x", at=["x=3"], wrt=["e"]).output.shape == ()
    assert load("e**2", let=["e=w*x"], at=["w=2,x=3"]).output.value == 36
    assert load("(e - y)**2", at=["e=2,y=3"]).output.value == 1


def test_a_product_without_its_sign_is_seen_by_its_factors():
    for options in ({"at": ["w=2,x=3,b=1"]}, {"wrt": ["w,x"]}, {"shape": ["w=2", "x=2"]}):
        with pytest.raises(ExpressionError, match="unknown variable 'wx'") as caught:
            load("sigmoid(wx+b)", **options)
        error = caught.value
        assert error.hint == "did you mean w*x?" and error.text[error.start : error.end] == "wx"
    # Where the factors occur themselves, wx may well be a variable of its own.
    assert load("w*x + wx", at=["w=2,x=3"], wrt=["wx"]).leaves["wx"].role == "parameter"


def test_names_in_options_are_read_as_in_the_expression():
    problem = load("ｙ ＝ ｗ＊x", at=["ｗ＝２，x=3"], wrt=["ｗ"])
    assert problem.output.value == 6 and problem.output.name == "y"
    assert [node.name for node in problem.wrt(["ｗ"])] == ["w"]


def test_shapes_nobody_gave_are_spoken_of(capsys):
    load("sum((X@W-T)**2)", shape=["X=N,3,W=3,2"])
    assert capsys.readouterr().err.startswith("T has no shape and no value: it is taken as a single number")
    load("sum((X@W-T)**2)", shape=["X=N,3,W=3,1,T=N"])
    assert capsys.readouterr().err.startswith("N×1 meets N and makes N×N")
    for text, options in (
        ("sum((X@W-T)**2)", {"shape": ["X=N,3,W=3,2,T=N,2"]}),
        ("sum((X@W+b)**2) + c*mean(X)", {"shape": ["X=N,3,W=3,2,b=2"]}),
        ("X*b", {"shape": ["X=2,3"], "at": ["b=2"]}),
        ("w*x+b", {}),
    ):
        load(text, **options)
        assert capsys.readouterr().err == ""


def test_mistakes_in_a_shorthand_point_into_it():
    with pytest.raises(ExpressionError) as caught:
        load("a*2", let=["a=sgmoid(x)"])
    assert caught.value.text == "sgmoid(x)"


def test_names_of_numbers_without_a_value_are_variables_and_said_to_be(capsys):
    load("pi*x + π + inf + nan")
    said = capsys.readouterr().err.splitlines()
    assert [line.split()[1] for line in said] == ["pi", "π", "inf", "nan"] and "--let pi=3.14159" in said[0]
    load("pi*x", at=["pi=3"])
    assert load("pi*x", at=["x=2"], let=["pi=3.141592653589793"]).output.value == 2 * np.pi
    assert capsys.readouterr().err == ""
