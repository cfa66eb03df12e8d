"""Expression text becomes the graph it says, and nothing but ExpressionError comes out of text that says none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nngraph as ng
from nngraph.autograd.op import OPS
from nngraph.cli.errors import ExpressionError
from nngraph.cli.parse import free_names, function_table, nearest, parse

X = np.array([[1.0, 2.0], [3.0, 4.0]])
SCALARS = {
    "w": 2.0,
    "x": -1.0,
    "b": 0.5,
    "E": 3.0,
    "I": 1.5,
    "S": -2.0,
    "N": 4.0,
    "beta": 0.25,
    "lambda": 0.1,
    "權重": 7.0,
    "λ": 0.2,
}


def variables():
    return {
        **{name: ng.input(name, value) for name, value in SCALARS.items()},
        "X": ng.input("X", X),
        "T": ng.input("T", X.T),
    }


def value(text):
    return np.asarray(parse(text, variables()).value)


def refused(text, names=None):
    with pytest.raises(ExpressionError) as caught:
        parse(text, variables() if names is None else names)
    return caught.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("w*x+b", -1.5),
        ("-x**2", -1.0),
        ("(-x)**2", 1.0),
        ("2**-1", 0.5),
        ("w-x-b", 2.5),
        ("w/x/b", -4.0),
        ("+w", 2.0),
        ("--w", 2.0),
        ("1e-3*w", 0.002),
        (".5*w", 1.0),
        ("2.*w", 4.0),
        ("007*w", 14.0),
        ("2+3", 5.0),
        ("3", 3.0),
        ("E*I + S*N + beta", 4.5 - 8.0 + 0.25),
        ("lambda*權重 + λ", 0.9),
        ("（w＋b）＊x", -2.5),
        ("w·x − b", -2.5),
        ("w × ２", 4.0),
        ("x² + 2³", 9.0),
        ("(w+b)²", 6.25),
        ("w⁻¹⋅b", 0.25),
        ("½*w ÷ 4", 0.25),
        ("|x| − |b|*|w|", 0.0),
        ("|x*|b||", 0.5),
        ("‖X‖ - ||X||", 0.0),
        ("｛w＋b｝*2", 5.0),
        ("{w+b}*2", 5.0),
        ("w·x", -2.0),
        ("y = w*x + b", -1.5),
        ("max([1, 3, 2])", 3.0),
        ("exp(0)", 1.0),
        ("σ(0)", 0.5),
        ("ln(exp(w))", 2.0),
        ("maximum(w, 3)", 3.0),
        ("maximum(0, 1)", 1.0),
        ("sum(X)", 10.0),
        ("X[1, 0]", 3.0),
        ("X[-1][0]", 3.0),
        ("(w > x) * 3", 3.0),
        ("sigmoid(w*x+b)", 1 / (1 + np.exp(1.5))),
    ],
)
def test_numbers(text, expected):
    np.testing.assert_allclose(value(text), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("X@X", X @ X),
        ("X.T@X", X.T @ X),
        ("T.T", X),
        ("X.mT", X.T),
        ("Xᵀ", X.T),
        ("Xᵀ·X", X.T @ X),
        ("X·X", X @ X),
        ("(X + 1)·(Xᵀ)", (X + 1) @ X.T),
        ("X⊙X", X * X),
        ("X*X", X * X),
        ("2·X", 2 * X),
        ("X·[1, 2]", X @ [1.0, 2.0]),
        ("[1, 2]·[3, 4]", 11.0),
        ("[[1, 2, 3]]·[[1, 2, 3]]", [[1.0, 4.0, 9.0]]),
        ("【1, 2】 + X", np.array([1.0, 2.0]) + X),
        ("X[0]", X[0]),
        ("X[:, 1:]", X[:, 1:]),
        ("X[::2, -1]", X[::2, -1]),
        ("X[[1, 0]]", X[[1, 0]]),
        ("sum(X, axis=0)", X.sum(0)),
        ("sum(X, 1, keepdims=True)", X.sum(1, keepdims=True)),
        ("sum(X, axis=(0, 1))", X.sum()),
        ("reshape(X, (4,))", X.reshape(4)),
        ("softmax([1.3, 5.1, 2.2])", np.exp([1.3, 5.1, 2.2]) / np.exp([1.3, 5.1, 2.2]).sum()),
        ("[1, 2] + X", np.array([1.0, 2.0]) + X),
        ("X @ [1, 2]", X @ [1.0, 2.0]),
        ("einsum('ij,jk->ik', X, X)", X @ X),
        ("where(X > 2, X, 0)", np.where(X > 2, X, 0)),
        ("concat([X, X], axis=1)", np.concatenate([X, X], 1)),
    ],
)
def test_arrays(text, expected):
    np.testing.assert_allclose(value(text), expected, rtol=1e-12)


def test_what_stands_before_one_equal_sign_names_the_result():
    assert parse("E = (w*x - 1)²", variables())._name == "E"
    # A name for what has one already would take the first one away.
    names = variables()
    assert parse("y = w", names) is names["w"] and names["w"]._name == "w"
    assert free_names("E = (w*x - 1)**2") == ["w", "x"]


def test_the_letter_e_is_a_variable_only_where_it_was_given():
    names = {"e": ng.input("e", 2.0), "x": ng.input("x", 3.0)}
    assert parse("e**x", names).value == 8.0
    with pytest.raises(ExpressionError, match="e is a variable") as caught:
        parse("e**x", names, assumed={"e"})
    assert caught.value.hint == "write exp(x)"
    assert parse("e*x", names, assumed={"e"}).value == 6.0


def test_two_numbers_make_a_graph():
    node = parse("2+3", {})
    assert [leaf.value.item() for leaf in node.inputs] == [2.0, 3.0]


def test_a_long_sum_is_not_deep():
    names = {f"w{i}": ng.input(f"w{i}", 1.0) for i in range(120)}
    assert parse("+".join(names), names).value == 120


def test_names_may_come_from_a_function():
    assert parse("w*w", lambda name: ng.input(name, 3.0)).value == 9


def test_free_names_in_order_of_appearance():
    assert free_names("(sigmoid(w5*sigmoid(w1*x1+w3*x2))-z)**2") == ["w5", "w1", "x1", "w3", "x2", "z"]
    assert free_names("sum(X.T@T, axis=0, keepdims=True) + lambda") == ["X", "T", "lambda"]
    assert free_names("f(a) + f'(a) + g'", functions=["f"]) == ["a"]


@pytest.mark.parametrize(
    ("text", "pointed", "hint"),
    [
        ("w*x + sgmoid(x)", "sgmoid", "did you mean sigmoid?"),
        ("w*xx2*b", "xx2", None),
        ("權重*x + sgmoid(x)", "sgmoid", "did you mean sigmoid?"),
        ("2x", "2x", "write 2*x"),
        ("權重2 * (x)(b)", ")(", "write (x)*(b)"),
        ("w x", "w x", "write w*x"),
        ("x^2", "^", "write x**2"),
        ("權重^2", "^", "write 權重**2"),
        ("(w+b)^3", "^", "write (w+b)**3"),
        ("1/(1+e^(-x))", "^", "write exp(-x)"),
        ("1/(1+e**(-x))", "e**(-x)", "write exp(-x)"),
        ("e^-x²", "^", "write exp(-x²)"),
        ("sigmoid(w*x)^(x+b)", "^", "write sigmoid(w*x)**(x+b)"),
        ("X^T @ X", "^", "write X.T"),
        ("√(x+w)", "√", "write sqrt(x+w)"),
        ("(w+b)x", ")x", "write (w+b)*x"),
        ("sin(w)cos(x)", ")cos", "write sin(w)*cos(x)"),
        ("2|x|", "2|", "write 2*|x|"),
        ("sin x", "sin x", "write sin(x)"),
        ("2*log 3 + b", "log 3", "write log(3)"),
        ("sin²(x+b)", "sin²(", "write sin(x+b)**2"),
        ("w*max(0, x+b)", "max(0, x+b)", "write maximum(x+b, 0) or relu(x+b)"),
        ("max(w*x, 0)", "max(w*x, 0)", "write maximum(w*x, 0) or relu(w*x)"),
        ("max(X, 0)", "max(X, 0)", "write maximum(X, 0), relu(X) or max(X, axis=0)"),
        ("min(w, x)", "min(w, x)", "write minimum(w, x)"),
        ("cosh(w*x)", "cosh", "write (exp(w*x)+exp(-(w*x)))/2"),
        ("np.exp(x+b)", "np.exp", "write exp(x+b)"),
        ("torch.nn.relu(x)", "torch.nn.relu", "write relu(x)"),
        ("|x", "|", "add |"),
        ("w = w + 1", "w =", "write == to compare; values are given with --at, shorthands with --let"),
        ("X.foo", ".foo", "write foo(x), not x.foo()"),
        ("().__class__", ".__class__", None),
        ("w = 3", "=", "write == to compare; values are given with --at, shorthands with --let"),
        ("w + (x", "(", "add )"),
        ("w + x)", ")", None),
        ("w + [x)", ")", None),
        ("x * ", "*", None),
        ("* x", "*", None),
        ("w ** 65", "65", None),
        ("w ** -65", "-65", None),
        ("9**9**9", "9**9**9", None),
        ("(2**3)**2*w", "(2**3)**2", None),
        ("1e13*w", "1e13", None),
        ("1e400", "1e400", None),
        ("w < x < b", "w < x < b", "write (a < b) * (b < c)"),
        ("f'(x)", "f'(x)", "ask for derivatives with --wrt"),
        ("x(2)", "x", "write x*(…)"),
        ("sigmoid + 1", "sigmoid", "write sigmoid(…)"),
        ("lambda x: x", "lambda x", "write lambda*x"),
        ("w if x else b", "w if", "write w*if"),
        ("__import__('os')", "__import__", None),
        ("w % 2", "%", None),
        ("w // 2", "//", "write floor(a/b)"),
        ("w; x", ";", None),
        ("'text'", "'text'", None),
        ("'text", "'text", None),
        ("X @ w", "X @ w", None),
        ("sum(X, axes=0)", "sum(X, axes=0)", None),
        ("X[w]", "w", None),
        ("sum(*X)", "(*", None),
        ("w, x", "w, x", None),
        ("{w]", "]", None),
    ],
)
def test_errors_point_at_the_place(text, pointed, hint):
    error = refused(text)
    assert text[error.start : error.end] == pointed
    if hint is not None:
        assert error.hint == hint


def test_carets_stand_under_full_width_characters():
    lines = refused("權重*變數 + sgmoid(權重)").lines()
    assert lines[1:3] == [
        "  權重*變數 + sgmoid(權重)",
        "  " + " " * (2 * 2 + 1) + "^" * 4,  # each of the four characters takes two cells
    ]


def test_long_lines_are_cut_around_the_place():
    lines = refused("+".join(["w"] * 100) + "+sgmoid(x)").lines()
    assert len(lines[1]) < 140
    assert lines[1][lines[2].index("^") :].startswith("sgmoid")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "w" * 2001,
        "+".join(["w"] * 600),
        "(" * 60 + "w" + ")" * 60,
        "-" * 400 + "w",
        "w" + ".T" * 300,
        "exp(" * 49 + "w" + ")" * 49 + "**" + "(" * 51,
        "w**w**" * 60 + "w",
        "broadcast(w, (100000, 100000))",
    ],
)
def test_limits(text):
    refused(text)


def test_depth_within_the_limit_is_fine():
    assert np.isfinite(value("tanh(" * 40 + "w" + ")" * 40))


def test_nothing_typed_is_run(tmp_path):
    marker = tmp_path / "ran"
    for text in (
        f"__import__('pathlib').Path('{marker}').touch()",
        f"open('{marker}', 'w')",
        f"(lambda: open('{marker}', 'w'))()",
        f"[open('{marker}','w') for x in X]",
    ):
        refused(text)
    assert not marker.exists()


def test_primes_get_their_meaning_from_the_caller():
    seen = []

    def derivative(name, primes, argument):
        seen.append((name, primes, argument))
        return ng.constant(1.0)

    names = variables()
    parse("f'(x) + g′ + h''(w)", names, functions={"f": "sigmoid"}, derivative=derivative)
    assert seen == [("sigmoid", 1, names["x"]), ("g", 1, None), ("h", 2, names["w"])]


def test_the_function_table_is_the_op_table():
    assert set(OPS) <= set(function_table())
    # Beside it only what makes a node of arrays; nothing that merely happens to be imported there.
    assert {"einsum", "flatten", "squeeze"} <= set(function_table()) - set(OPS)
    assert not {"Any", "Node", "unroll", "restart_draws", "from_form"} & set(function_table())


def test_nearest():
    assert nearest("Sigmoid", ["sigmoid", "softmax"]) == "sigmoid"
    assert nearest("zzzz", ["sigmoid"]) is None


ALPHABET = list("wxXbTN0129.()[],:=<>!+-*/@'^ \t_\"e") + ["權", "×", "（", "）", "，", "²", "ᵀ", "|", "½", "‖", "₁", "′", "**", "sum", "exp", ".T", "axis=", "lambda", "é", "\n", "\0", "\ud800", "🙂", "İ", "ﬁ"]  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(ALPHABET), max_size=25).map("".join))
def test_only_expression_errors_escape(text):
    try:
        parse(text, variables())
        free_names(text)
    except ExpressionError as error:
        assert 0 <= error.start < error.end
        assert error.lines()


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_survived(text):
    try:
        parse(text, variables())
    except ExpressionError as error:
        assert 0 <= error.start < error.end


expressions = st.recursive(
    st.sampled_from(["w", "x", "權重", "1.5", "2"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"),
        inner.map(lambda text: f"(-{text})"),
        inner.map(lambda text: f"tanh({text})"),
    ),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(expressions)
def test_well_formed_text_means_what_python_means(text):
    assume_floats = {"w": 2.0, "x": -1.0, "權重": 7.0, "tanh": np.tanh}
    np.testing.assert_allclose(value(text), eval(text, {"__builtins__": {}}, assume_floats), rtol=1e-9, atol=1e-12)
