"""What --at, --shape and --wrt take."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nngraph.autograd.sizes import Size
from nngraph.cli.errors import CommandError, ExpressionError
from nngraph.cli.values import (
    parse_assignments,
    parse_names,
    parse_shapes,
    parse_value,
    split_assignment,
    split_options,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2", 2),
        ("-1.5e-3", -0.0015),
        ("1/3", 1 / 3),
        ("-1/4", -0.25),
        ("[1,2,3]", [1, 2, 3]),
        ("[[1, -2], [1/2, 4]]", [[1, -2], [0.5, 4]]),
        ("(1, 2)", [1, 2]),
        ("pi", math.pi),
        ("-inf", -math.inf),
        ("true", True),
        ("［１，２］", [1, 2]),
        ("−3", -3),
        ("【１，−２】", [1, -2]),
    ],
)
def test_values(text, expected):
    np.testing.assert_array_equal(parse_value(text), expected)


def test_whole_numbers_stay_whole():
    assert parse_value("[1, 2]").dtype.kind == "i"
    assert parse_value("[1, 2.0]").dtype.kind == "f"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "[1, [2, 3]]",
        "__import__('os')",
        "1/0",
        "'a'",
        "[" * 30 + "]" * 30,
        "1+",
        "9" * 40,
        "2j",
        "{1}",
        "[1, 'a']",
    ],
)
def test_what_is_no_value(text):
    with pytest.raises(ExpressionError):
        parse_value(text)


@given(st.text(max_size=40))
def test_any_text_is_survived(text):
    if text.startswith(("@", "＠")):
        return
    try:
        parse_value(text)
        parse_shapes([text])
        parse_names([text])
        parse_assignments([text], "--at")
    except CommandError as error:
        assert error.lines()


def test_files(tmp_path):
    array = np.array([[1.0, 2.0], [3.0, 4.5]])
    np.save(tmp_path / "w.npy", array)
    np.savetxt(tmp_path / "w.csv", array, delimiter=",")
    (tmp_path / "titles.csv").write_text("height, weight\n1, 2\n3, 4.5\n", encoding="utf-8-sig")
    (tmp_path / "column.csv").write_text("y\n1\n2\n3\n")
    (tmp_path / "tabs.tsv").write_text("1\t2\n3\t4.5\n")
    (tmp_path / "spaces.txt").write_text("# a remark\n1 2\n3 4.5\n")
    for name in ("w.npy", "w.csv", "titles.csv", "tabs.tsv", "spaces.txt"):
        np.testing.assert_array_equal(parse_value(f"@{name}", tmp_path), array)
    np.testing.assert_array_equal(parse_value("@column.csv", tmp_path), [1, 2, 3])


def test_files_that_cannot_be_read(tmp_path):
    np.save(tmp_path / "objects.npy", np.array([{}], dtype=object), allow_pickle=True)
    (tmp_path / "uneven.csv").write_text("1,2\n3\n")
    (tmp_path / "words.csv").write_text("1,2\nthree,4\n")
    (tmp_path / "empty.npy").write_bytes(b"")
    (tmp_path / "w.pkl").write_bytes(b"")
    for name in ("absent.npy", "objects.npy", "uneven.csv", "words.csv", "empty.npy", "w.pkl"):
        with pytest.raises(CommandError, match=name):
            parse_value(f"@{name}", tmp_path)


def test_options_split_outside_brackets():
    assert split_options("w=2, X=[[1,2],[3,4]],b=(1,2)") == ["w=2", "X=[[1,2],[3,4]]", "b=(1,2)"]
    assert split_options("權重=2，偏置=1") == ["權重=2", "偏置=1"]
    assert split_options("") == []


def test_assignments():
    assert parse_assignments(["w=2,x=-1", "lambda=3"], "--at") == {"w": "2", "x": "-1", "lambda": "3"}
    assert split_assignment("權重＝２", "--at") == ("權重", "２")
    assert split_assignment("ｗ₁ ＝２", "--at") == ("w₁", "２")
    for text in ("w", "2=w", "w=", "=2", "a-b=2"):
        with pytest.raises(ExpressionError):
            split_assignment(text, "--at")
    with pytest.raises(CommandError, match="twice"):
        parse_assignments(["w=2", "w=3"], "--at")


def test_names():
    assert parse_names(["w,b", "W1"]) == ["w", "b", "W1"]
    assert parse_names(["w,w"]) == ["w", "w"]
    assert parse_names(["ｗ，Ｗ１"]) == ["w", "W1"]
    assert parse_names(["mlp/layer1/W"]) == ["mlp/layer1/W"]
    with pytest.raises(ExpressionError):
        parse_names(["w+b"])


def test_shapes_with_letters():
    shapes, sizes = parse_shapes(["X=N,3", "W=3,K", "b=K", "T=(N,K)", "s=()"])
    assert shapes["X"][0] is sizes["N"] and shapes["T"] == (sizes["N"], sizes["K"])
    assert isinstance(sizes["N"], Size) and sizes["N"].text == "N"
    assert shapes["X"][1] == 3 and shapes["s"] == ()
    # Different letters get different numbers, else an axis in the wrong place would go unseen.
    assert len({int(size) for size in sizes.values()}) == len(sizes)
    assert parse_shapes(["X=N,3,W=3,2"])[0]["W"] == (3, 2)
    assert [*parse_shapes(["Ｘ＝（Ｎ，３）"])[0]] == ["X"] and parse_shapes(["Ｘ＝（Ｎ，３）"])[0]["X"] == (4, 3)


@pytest.mark.parametrize("text", ["X", "X=N,-1", "X=2.5", "X=99999999", "3,4"])
def test_what_is_no_shape(text):
    with pytest.raises(ExpressionError):
        parse_shapes([text])
