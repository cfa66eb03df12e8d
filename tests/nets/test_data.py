"""Data: what is generated is what its formula says, what is read is what was written, and what is no good is named."""

from __future__ import annotations

import dataclasses
import gzip
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nngraph.autograd.errors import NngraphError, ParameterError
from nngraph.nets import DataError, data

RNG = np.random.default_rng(5)


# Sets of scikit-learn, and splitting ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "shape", "classes"),
    [
        ("iris", (150, 4), 3),
        ("wine", (178, 13), 3),
        ("breast_cancer", (569, 30), 2),
        ("digits", (1797, 64), 10),
        ("diabetes", (442, 10), 0),
    ],
)
def test_sets_of_scikit_learn(name, shape, classes):
    found = getattr(data, name)()
    assert found.X.shape == shape
    assert len(found.classes) == classes
    assert len(found.columns) == shape[1]
    assert found.source
    assert found.t.dtype == (np.int64 if classes else np.float64)
    assert np.isfinite(found.X).all()


def test_digits_are_ink_from_0_to_1():
    flat, images = data.digits(), data.digits(flat=False)
    assert (flat.X.min(), flat.X.max()) == (0, 1)
    assert (images.X.reshape(1797, 64) == flat.X).all()


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
def test_a_split_keeps_rows_and_shares_of_classes(share):
    iris = data.iris()
    train, test = iris.split(share, seed=3)
    assert len(test) == round(150 * share)
    rows = np.concatenate([train.X, test.X])
    assert sorted(map(tuple, rows)) == sorted(map(tuple, iris.X))
    counts = np.bincount(test.t, minlength=3)
    assert counts.max() - counts.min() <= 1
    assert train.classes == iris.classes
    again, other = iris.split(share, seed=3)[1], iris.split(share, seed=4)[1]
    assert (again.X == test.X).all()
    assert (other.X != test.X).any()
    # Rows come in no order that could be learned.
    assert len(np.unique(train.t[:20])) > 1


def test_a_class_of_one_row_is_for_training():
    few = data.Dataset("few", np.zeros((9, 1)), np.array([0] * 8 + [1]), (), ("a", "b"))
    assert all(1 in few.split(0.25, seed=seed)[0].t for seed in range(20))


def test_splits_that_cannot_be():
    for share in (1, 0, "a quarter", None):
        with pytest.raises(ParameterError, match=f"share={share!r} is the part"):
            data.iris().split(share)
    with pytest.raises(DataError, match="iris has no rows"):
        data.standardized(data.iris().rows(slice(0)))
    with pytest.raises(DataError, match="1 row cannot be split"):
        data.iris().rows(slice(1)).split()
    with pytest.raises(DataError, match="X has 3 rows and t has 2"):
        data.Dataset("odd", np.zeros((3, 1)), np.zeros(2))


@pytest.mark.parametrize("rows", [0, -1, 2.5, "many", True])
@pytest.mark.parametrize("make", [data.moons, data.exclusive_or, data.sine, data.reversal, data.churn, data.houses])
def test_numbers_of_rows_that_are_none(make, rows):
    with pytest.raises(ParameterError, match=r"rows=.*: a whole number from 1 up is needed"):
        make(rows)


def test_a_set_of_scikit_learn_without_it(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ImportError, match=r'^wine comes with scikit-learn: pip install "nngraph\[learn\]"$') as said:
        data.wine()
    assert isinstance(said.value, NngraphError)


def test_scaling_is_learned_from_the_training_rows_only():
    train, test = data.wine().split(seed=0)
    scaled, moved = data.standardized(train, test)
    assert scaled.X.mean(0) == pytest.approx(0, abs=1e-9)
    assert scaled.X.std(0) == pytest.approx(1)
    expected = (test.X - train.X.mean(0)) / train.X.std(0)
    assert np.abs(moved.X - expected).max() < 1e-12
    still = data.Dataset("still", np.full((4, 1), 7.0), np.zeros(4))
    assert (data.standardized(still)[0].X == 0).all()


# Generated ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "make", [data.moons, data.circles, data.spirals, data.blobs, data.gaussian_ring, data.exclusive_or]
)
def test_shapes_are_seeded_and_balanced(make):
    first, again, other = make(120, seed=1), make(120, seed=1), make(120, noise_or_spread(make), seed=2)
    assert first.X.shape == (120, 2)
    assert (first.X == again.X).all()
    assert (first.t == again.t).all()
    counts = np.bincount(first.t)
    assert counts.max() - counts.min() == 0
    assert len(counts) == len(first.classes)
    assert (first.X != other.X).any() or make is data.exclusive_or


def noise_or_spread(make):
    """The argument after the number of rows, as it is by default."""
    return make.__defaults__[1]


def test_shapes_lie_where_they_are_said_to():
    circles = data.circles(200, noise=0.0, inner=0.4)
    radius = np.linalg.norm(circles.X, axis=1)
    assert radius == pytest.approx(np.where(circles.t == 0, 1.0, 0.4))
    moons = data.moons(200, noise=0.0)
    middle = np.where((moons.t == 0)[:, None], [0.0, 0.0], [1.0, 0.5])
    assert np.linalg.norm(moons.X - middle, axis=1) == pytest.approx(1)
    assert (np.where(moons.t == 0, moons.X[:, 1], 0.5 - moons.X[:, 1]) >= 0).all()
    spirals = data.spirals(200, noise=0.0, turns=2.0)
    radius, angle = np.linalg.norm(spirals.X, axis=1), np.arctan2(spirals.X[:, 1], spirals.X[:, 0])
    turned = angle - 2 * np.pi * (2 * radius + spirals.t / 2)
    assert np.cos(turned) == pytest.approx(1)
    ring = data.gaussian_ring(800, modes=8, radius=2.0, spread=0.02)
    means = np.array([ring.X[ring.t == mode].mean(0) for mode in range(8)])
    angles = np.arange(8) * np.pi / 4
    assert means == pytest.approx(2 * np.stack([np.cos(angles), np.sin(angles)], 1), abs=0.01)
    assert (ring.X - means[ring.t]).std() == pytest.approx(0.02, rel=0.1)


def test_sequences_ask_for_what_they_say():
    wave = data.sine(5, 30)
    assert (wave.X[:, 1:] == wave.t[:, :-1]).all()
    # A sine obeys x(t+1) + x(t−1) = 2·cos(ω)·x(t).
    x = wave.X[0, :, 0]
    ratio = (x[2:] + x[:-2]) / x[1:-1]
    assert ratio == pytest.approx(ratio[0])
    adding = data.adding_problem(500, 50, seed=1)
    assert (adding.X[..., 0] * adding.X[..., 1]).sum(1) == pytest.approx(adding.t[:, 0])
    assert (adding.X[:, :25, 1].sum(1) == 1).all()
    assert (adding.X[:, 25:, 1].sum(1) == 1).all()
    assert ((adding.t - 1) ** 2).mean() == pytest.approx(1 / 6, rel=0.2)
    echo = data.echo(4, 12, delay=3)
    assert (echo.t[:, 3:] == echo.X[:, :-3, 0]).all()
    assert (echo.t[:, :3] == 0).all()
    reversal = data.reversal(4, 10, symbols=6)
    assert (reversal.t == reversal.X[:, ::-1]).all()
    assert set(np.unique(reversal.X)) <= set(range(6))
    with pytest.raises(ParameterError, match=r"echo\(length=3, delay=3\)"):
        data.echo(4, 3, 3)


def test_text_goes_to_numbers_and_back():
    from nngraph.nets.data.sequences import QUIET_NIGHT

    for text in (data.Text(), data.Text(QUIET_NIGHT)):
        assert text.decode(text.codes) == text.text
        assert len(text.vocabulary) == len(set(text.text)) == text.codes.max() + 1
        pieces = text.windows(5)
        assert len(pieces) == len(text.text) - 5
        assert (pieces.X[:, 1:] == pieces.t[:, :-1]).all()
        assert text.decode(pieces.X[3]) == text.text[3:8]
    with pytest.raises(DataError, match="character 1, 'z', is not in the vocabulary 'ab'"):
        data.Text("ab").encode("az")
    with pytest.raises(DataError, match="the text is empty"):
        data.Text("")
    with pytest.raises(ParameterError, match=r"windows\(2\): the text has 2 characters"):
        data.Text("ab").windows(2)


def test_ratings_are_hidden_without_emptying_a_row_or_column():
    ratings = data.movie_ratings()
    assert ratings.values.shape == (11, 6)
    assert ((ratings.values > 0) == (ratings.known == 1)).all()
    assert set(np.unique(ratings.values)) == {0, 1, 2, 3, 4, 5} - {3}
    shown, hidden = ratings.without(10, seed=2)
    assert hidden.known.sum() == 10
    assert (shown.known + hidden.known == ratings.known).all()
    assert (shown.values + hidden.values == ratings.values).all()
    assert (shown.known.sum(0) > 0).all()
    assert (shown.known.sum(1) > 0).all()


# Tables ---------------------------------------------------------------------------------------------------------------
def written(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_a_table_is_read_as_it_was_written(tmp_path):
    churn = data.churn(50, missing=0.1)
    churn.write(tmp_path / "churn.csv")
    read = data.read_table(tmp_path / "churn.csv")
    assert list(read.columns) == list(churn.columns)
    for name, column in churn.columns.items():
        assert read[name].kind == column.kind
        assert (read[name].missing == column.missing).all()
        assert (read[name].values[~column.missing] == column.values[~column.missing]).all()


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_delimiters_quotes_marks_and_gaps(tmp_path, delimiter):
    rows = [["size", "city", "sold"], ["1.5", '"New, York; ""N"""', "yes"], ["NA", "臺北", "no"], ["-2e3", "?", "no"]]
    table = data.read_table(written(tmp_path, "\ufeff" + "\r\n".join(delimiter.join(row) for row in rows) + "\r\n\r\n"))
    assert table["size"].kind == "number"
    assert table["size"].values[[0, 2]].tolist() == [1.5, -2000]
    assert table["city"].values.tolist() == ['New, York; "N"', "臺北", None]
    assert [int(column.missing.sum()) for column in table.columns.values()] == [1, 1, 0]


def test_other_encodings_are_read_when_they_are_named(tmp_path):
    path = written(tmp_path, "城市,人\n北京,3\n上海,4\n", "gb18030")
    with pytest.raises(DataError, match=r"is no text in utf-8-sig: byte \d+; say encoding=, such as 'gb18030'"):
        data.read_table(path)
    assert data.read_table(path, encoding="gb18030")["城市"].values.tolist() == ["北京", "上海"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; the first line names the columns"),
        ("a,b\n", "a header and no rows"),
        ("a,b\n1,2\n1,2,3\n", "line 3: 3 values, but there are 2 columns"),
        ("a,a\n1,2\n", "two columns are called 'a'"),
        ("a,\n1,2\n", "a column has no name"),
        ('a,b\n1,"2\n', "line 2: unexpected end of data"),
        ("\n\r\n \n", "is empty; the first line names the columns"),
        ("\n\na,b\n1,2\n1\n", "line 5: 1 values, but there are 2 columns"),
        ("a,b\n1,\0\n", "it holds a zero byte"),
        ("年齡,城市\n30,臺北\n31\n", "line 3: 1 values, but there are 2 columns"),
        ("年齡\n" + "30\n" * 9 + "老\n", "column '年齡', row 10: '老' is no number"),
        ("年齡,年齡\n1,2\n", "two columns are called '年齡'"),
        ("a;b\n1,5;2\n2;3\n", r"column 'a', row 1: '1,5' is written with a comma; write 1\.5, or say kinds"),
        ("a\n" + "1\n" * 9 + "inf\n", "column 'a', row 10: 'inf' is no number"),
        (
            "age\n" + "30\n" * 9 + "old\n",
            r"column 'age', row 10: 'old' is no number, but 9 of the 10 values are.*kinds=\{'age': 'category'\}",
        ),
    ],
)
def test_tables_that_cannot_be_read(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        data.read_table(written(tmp_path, text))


def test_files_that_are_not_there_or_no_tables(tmp_path):
    with pytest.raises(DataError, match=r"none\.csv cannot be read: No such file"):
        data.read_table(tmp_path / "none.csv")
    with pytest.raises(DataError, match="cannot be read: "):
        data.read_table(tmp_path)
    with pytest.raises(DataError, match=r"none cannot be read: No such file"):
        data.read_idx(tmp_path / "none")
    with pytest.raises(DataError, match="byte 0; say encoding=, such as 'utf-16'"):
        data.read_table(written(tmp_path, "a,b\n1,2\n", "utf-16"))
    path = written(tmp_path, "a,b\n1,2\n")
    with pytest.raises(ParameterError, match="encoding='klingon': there is none of that name"):
        data.read_table(path, encoding="klingon")
    with pytest.raises(ParameterError, match="delimiter='::': the one character"):
        data.read_table(path, delimiter="::")


def test_a_mark_and_names_in_chinese(tmp_path):
    path = written(tmp_path, "\ufeff年齡,城市,流失\n30,臺北,是\n41,高雄,否\n52,臺北,是\n63,高雄,否\n")
    train, _ = data.load_table(path, "流失")
    assert train.columns == ("年齡", "城市=臺北", "城市=高雄")
    assert train.classes == ("否", "是")
    with pytest.raises(ParameterError, match="no column '流'; there are '年齡', '城市', '流失'"):
        data.load_table(path, "流")
    assert data.load_table(path, "流失", drop="城市")[0].columns == ("年齡",)


def test_a_table_of_the_target_alone(tmp_path):
    with pytest.raises(DataError, match="table has no column besides the target 'churn'"):
        data.load_table(written(tmp_path, "churn\nyes\nno\nyes\nno\n"), "churn")
    with pytest.raises(DataError, match="target column 'churn' holds only 'yes'"):
        data.load_table(written(tmp_path, "a,churn\n1,yes\n2,yes\n3,yes\n4,yes\n"), "churn")
    with pytest.raises(DataError, match=r"column 'a' holds 1e\+300, too large for float32"):
        data.load_table(written(tmp_path, "a,churn\n1e300,yes\n1e300,no\n1e300,yes\n1e300,no\n"), "churn")


CELLS = [
    "1",
    "2.5",
    "-3e5",
    "1,5",
    "",
    "NA",
    "yes",
    '"a',
    '"a,b"',
    "年齡",
    "inf",
    "1e400",
    "1_000",
    " 7 ",
    "\0",
    "\ufeff",
    "\u2028",
]


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(st.lists(st.sampled_from(CELLS), max_size=4), max_size=6),
    delimiter=st.sampled_from(",;\t"),
    encoding=st.sampled_from(["utf-8", "utf-16", "gb18030"]),
)
def test_any_file_is_a_table_or_a_clear_error(tmp_path, lines, delimiter, encoding):
    path = written(tmp_path, "\n".join(["a,b,c".replace(",", delimiter), *map(delimiter.join, lines)]), encoding)
    try:
        table = data.read_table(path)
        found = data.Encoding(table, "a", missing="fill")(table)
    except NngraphError:
        return
    assert len(found) == len(table)
    assert np.isfinite(found.X).all()
    assert np.isfinite(found.t).all()


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_bytes_are_an_array_or_a_clear_error(tmp_path, drawn):
    whole = bytearray(idx(np.arange(12, dtype=np.uint8).reshape(3, 4)))
    for place in drawn.draw(st.lists(st.integers(0, len(whole) - 1), max_size=3)):
        whole[place] = drawn.draw(st.integers(0, 255))
    cut = bytes(whole[: drawn.draw(st.integers(0, len(whole)))])
    (tmp_path / "a").write_bytes(gzip.compress(cut, mtime=0) if drawn.draw(st.booleans()) else cut)
    try:
        found = data.read_idx(tmp_path / "a")
    except NngraphError:
        return
    assert found.size <= 12


def test_kinds_can_be_said(tmp_path):
    path = written(tmp_path, "code,n\n10115,1\n80331,2\n10115,3\n")
    assert data.read_table(path)["code"].kind == "number"
    assert data.read_table(path, {"code": "category"})["code"].values.tolist() == ["10115", "80331", "10115"]
    with pytest.raises(ParameterError, match="no column 'zip'; there are 'code', 'n'"):
        data.read_table(path, {"zip": "category"})
    with pytest.raises(ParameterError, match="'code' is to be 'text'"):
        data.read_table(path, {"code": "text"})
    with pytest.raises(DataError, match="different numbers of rows: 'a' 1, 'b' 2"):
        data.Table.of("odd", {"a": [1], "b": [1, 2]})
    with pytest.raises(DataError, match=r"odd: columns come by name, .* not as \[1, 2\]"):
        data.Table.of("odd", [1, 2])
    for single in (3, "red", [[1, 2], [3, 4]]):
        with pytest.raises(DataError, match="odd: column 'a' has to be a list of values, one for each row"):
            data.Table.of("odd", {"a": single})


SHOP = {"price": [3.0, None, 5.0, 4.0], "color": ["red", "blue", None, "red"], "sold": ["yes", "no", "yes", "no"]}


def test_gaps_are_errors_unless_a_policy_is_said():
    table = data.Table.of("shop", SHOP)
    with pytest.raises(
        DataError,
        match=r"column 'price', row 2: the value is missing; 1 of 4 are\. Say missing='fill' or missing='drop'",
    ):
        data.Encoding(table, "sold")
    filled = data.Encoding(table, "sold", missing="fill", scale=False)
    encoded = filled(table)
    assert encoded.columns == ("price", "color=blue", "color=red", "color=missing")
    assert encoded.X.tolist() == [[3, 0, 1, 0], [4, 1, 0, 0], [5, 0, 0, 1], [4, 0, 1, 0]]
    dropped = data.Encoding(table, "sold", missing="drop", scale=False)(table)
    assert dropped.X.tolist() == [[3, 1], [4, 1]]
    assert dropped.t.tolist() == [1, 0]
    gap = data.Table.of("shop", {**SHOP, "sold": ["yes", None, "no", "no"]})
    with pytest.raises(DataError, match=r"the target column 'sold', row 2: the value is missing.*Say missing='drop'"):
        data.Encoding(gap, "sold", missing="fill")
    with pytest.raises(DataError, match="every row has a gap"):
        data.Encoding(data.Table.of("shop", {**SHOP, "price": [None, None, 1.0, None]}), "sold", missing="drop")


def test_an_encoding_knows_only_its_training_rows():
    table = data.Table.of("shop", {"price": [1.0, 3.0, 100.0], "color": ["red", "blue", "green"], "sold": [1, 0, 1]})
    train, test = table.rows(np.array([0, 1])), table.rows(np.array([2]))
    encoding = data.Encoding(train, "sold")
    assert encoding.scales == {"price": (2.0, 2.0, 1.0)}
    assert encoding(train).X[:, 0].tolist() == [-1, 1]
    with pytest.raises(
        DataError, match="column 'color', row 3: 'green' is in no row for training; there are 'blue', 'red'"
    ):
        encoding(test)
    assert data.Encoding(train, "sold", unseen="zeros")(test).X.tolist() == [[98, 0, 0]]
    with pytest.raises(
        DataError, match="target column 'sold', row 3: '7' is in no row for training; the classes are '0', '1'"
    ):
        encoding(data.Table.of("more", {"price": [1, 2, 3], "color": ["red"] * 3, "sold": [0, 1, 7]}))


def test_targets_are_classes_or_amounts():
    houses = data.houses(40)
    assert data.Encoding(houses, "price").task == "amounts"
    assert data.Encoding(houses, "rooms").task == "classes"
    rooms = data.Encoding(houses, "rooms", task="amounts")(houses)
    assert rooms.classes == ()
    assert (rooms.t == houses["rooms"].values).all()
    with pytest.raises(DataError, match="target column 'play' holds texts; amounts are numbers"):
        data.Encoding(data.golf(), "play", task="amounts")
    with pytest.raises(DataError, match="target column 'sold' holds only '1'; there is nothing to tell apart"):
        data.Encoding(data.Table.of("shop", {"price": [1.0, 2.0], "sold": [1, 1]}), "sold")
    with pytest.raises(ParameterError, match="churn has no column 'left'; there are 'months', 'contract'"):
        data.Encoding(data.churn(20), "left")
    with pytest.raises(ParameterError, match="missing='guess'; it is one of 'error', 'fill', 'drop'"):
        data.Encoding(houses, "price", missing="guess")


def test_classes_that_are_great_numbers_stay_apart():
    months = [20240100 + month for month in (1, 2, 3, 1, 2, 3)]
    table = data.Table.of("shop", {"price": range(6), "month": months})
    encoded = data.Encoding(table, "month")(table)
    assert encoded.classes == ("20240101", "20240102", "20240103")
    assert encoded.t.tolist() == [0, 1, 2, 0, 1, 2]
    near = data.Table.of("near", {"price": range(4), "at": [0.12345678, 0.12345679] * 2})
    assert data.Encoding(near, "at", task="classes")(near).t.tolist() == [0, 1, 0, 1]
    vast = data.Table.of("vast", {"price": range(4), "at": [1e300, 2.0**53] * 2})
    assert data.Encoding(vast, "at")(vast).classes == ("9007199254740992.0", "1e+300")


def test_what_is_masked_is_a_gap():
    ages = np.ma.masked_array([3.0, 4.0, 5.0], [False, True, False])
    names = np.ma.masked_array(["a", "b", "c"], [True, False, False])
    table = data.Table.of("shop", {"age": ages, "name": names})
    assert repr(table) == "<shop: 3 rows; age (number, 1 missing), name (category, 1 missing)>"
    assert table["age"].values.tolist() == pytest.approx([3, np.nan, 5], nan_ok=True)


def test_a_number_beyond_all_dtypes_is_named():
    with pytest.raises(DataError, match="column 'age', row 2: 10{400} is no number"):
        data.Table.of("shop", {"age": [1, 10**400, 3, 4, 5]}, {"age": "number"})


def test_a_text_in_a_column_of_numbers_is_named_at_use():
    train = data.Table.of("shop", {"price": [1.0, 3.0], "sold": [1, 0]})
    other = data.Table.of("shop", {"price": ["dear", "cheap"], "sold": [1, 0]})
    with pytest.raises(
        DataError, match="column 'price' holds a category in each row of shop; in training it was a number"
    ):
        data.Encoding(train, "sold")(other)


def test_names_of_rows_are_no_categories():
    table = data.Table.of(
        "shop", {"customer": [f"c{at}" for at in range(100)], "price": RNG.normal(size=100), "sold": [0, 1] * 50}
    )
    with pytest.raises(
        DataError, match=r"'customer' holds 100 different texts in 100 rows, such as 'c0'.*drop=\('customer',\)"
    ):
        data.Encoding(table, "sold")


def test_churn_is_learned_from_its_file(tmp_path):
    from nngraph import nets

    data.churn(800, seed=1).write(tmp_path / "churn.csv")
    train, test = data.load_table(tmp_path / "churn.csv", "churn", missing="fill", seed=0)
    assert (len(train), len(test)) == (600, 200)
    assert train.classes == ("no", "yes")
    assert abs(train.t.mean() - test.t.mean()) < 0.01
    learner = nets.MLPClassifier((8,), optimizer=nets.Adam(0.005, decay=0.01), epochs=30, random_state=0).fit(
        train.X, train.t
    )
    assert learner.score(test.X, test.t) > max(test.t.mean(), 1 - test.t.mean()) + 0.1


def test_one_neuron_finds_the_prices_of_houses():
    from nngraph import nets

    houses = data.houses(300)
    encoded = data.Encoding(houses, "price", scale=False)(houses)
    (scaled,) = data.standardized(encoded)
    neuron = nets.MLPRegressor((), optimizer=nets.SGD(0.05), epochs=30, random_state=0).fit(scaled.X, scaled.t)
    slopes = neuron.net_.layers[0].W.value[:, 0] / encoded.X.std(0)
    # What the houses were made with: price = 60 + 2.4·area + 9·rooms − 0.8·age.
    assert slopes == pytest.approx([2.4, 9.0, -0.8], rel=0.1)
    assert neuron.score(scaled.X, scaled.t) > 0.98


def test_golf_has_the_entropy_of_the_book():
    play = np.array(data.golf()["play"].values == "yes")
    p = play.mean()
    assert -(p * np.log2(p) + (1 - p) * np.log2(1 - p)) == pytest.approx(0.940, abs=5e-4)
    outlook = data.golf()["outlook"].values
    rest = sum((outlook == each).mean() * entropy(play[outlook == each].mean()) for each in set(outlook))
    assert entropy(p) - rest == pytest.approx(0.247, abs=5e-4)


def entropy(p):
    return 0.0 if p in (0, 1) else -(p * np.log2(p) + (1 - p) * np.log2(1 - p))


# Images -----------------------------------------------------------------------------------------------------------------
def idx(array):
    kinds = {"uint8": 8, "int32": 12, "float32": 13}
    head = struct.pack(f">HBB{array.ndim}I", 0, kinds[array.dtype.name], array.ndim, *array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


def mnist_in(folder, count=6, mark="-", packed=False):
    images = RNG.integers(0, 256, (count, 28, 28)).astype(np.uint8)
    labels = (np.arange(count) % 10).astype(np.uint8)
    for what, axes, array in (("images", 3, images), ("labels", 1, labels)):
        name = f"train-{what}{mark}idx{axes}-ubyte" + ".gz" * packed
        (folder / name).write_bytes(gzip.compress(idx(array), mtime=0) if packed else idx(array))
    return images, labels


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("mark", ["-", "."])
def test_mnist_from_a_folder(tmp_path, mark, packed):
    images, labels = mnist_in(tmp_path, 6, mark, packed)
    found = data.mnist(tmp_path)
    assert found.X.shape == (6, 1, 28, 28)
    assert found.X.dtype == np.float32
    assert found.X[:, 0] == pytest.approx(images / 255)
    assert (found.t == labels).all()
    assert data.mnist(tmp_path, flat=True).X.shape == (6, 784)


def test_a_missing_file_says_where_to_get_it(tmp_path):
    mnist_in(tmp_path)
    with pytest.raises(
        DataError, match=r"t10k-images-idx3-ubyte is missing.*get https://.*t10k-images-idx3-ubyte\.gz and put it there"
    ):
        data.mnist(tmp_path, "test")
    with pytest.raises(ParameterError, match="part='validation'"):
        data.mnist(tmp_path, "validation")


@pytest.mark.parametrize("kind", ["uint8", "int32", "float32"])
def test_idx_files_of_any_kind(tmp_path, kind):
    array = RNG.integers(0, 200, (2, 3, 4)).astype(kind)
    (tmp_path / "a").write_bytes(idx(array))
    read = data.read_idx(tmp_path / "a")
    assert read.dtype == kind
    assert (read == array).all()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no IDX file"),
        (b"\x89PNG1234", "is no IDX file"),
        (idx(np.zeros((4, 4), np.uint8))[:-1], r"is not whole: \(4, 4\) takes 16 bytes after the header, there are 15"),
        (gzip.compress(b"1234567890" * 10, mtime=0)[:-12], "cannot be unpacked"),
        (idx(np.zeros((4, 4), np.uint8))[:9], "is not whole: the sizes of its 2 axes take 8 bytes, there are 5"),
    ],
)
def test_files_that_are_no_idx(tmp_path, content, message):
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(DataError, match=message):
        data.read_idx(tmp_path / "a")


def test_labels_out_of_range_are_named(tmp_path):
    mnist_in(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(np.array([0, 1, 12, 3, 4, 5], np.uint8)))
    with pytest.raises(DataError, match="label 12 at row 2; labels are 0 to 9"):
        data.mnist(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(np.array([0, 1], np.uint8)))
    with pytest.raises(DataError, match=r"images \(6, 28, 28\) and labels \(2,\) are not of one set"):
        data.mnist(tmp_path)


def test_a_folder_for_each_class(tmp_path):
    Image = pytest.importorskip("PIL.Image", reason="pictures are read with Pillow, of the extra [learn]")
    for name, shade in (("cats", 51), ("dogs", 204)):
        (tmp_path / name).mkdir()
        for number in range(3):
            Image.new("RGB", (20, 10), (shade, shade, 0)).save(tmp_path / name / f"{number}.png")
        (tmp_path / name / "notes.txt").write_text("no picture")
    # Pictures of other sizes are brought to the same one.
    Image.new("RGB", (7, 90), (204, 204, 0)).save(tmp_path / "dogs" / "2.png")
    found = data.image_folder(tmp_path, (8, 6), gray=False)
    assert found.X.shape == (6, 3, 8, 6)
    assert found.classes == ("cats", "dogs")
    assert found.t.tolist() == [0, 0, 0, 1, 1, 1]
    assert found.X[0, :, 2, 2] == pytest.approx([0.2, 0.2, 0.0])
    assert data.image_folder(tmp_path).X.shape == (6, 1, 28, 28)
    whole = (tmp_path / "dogs" / "0.png").read_bytes()
    for content in (b"no picture at all", b"", whole[: len(whole) // 2]):
        (tmp_path / "dogs" / "bad.png").write_bytes(content)
        with pytest.raises(DataError, match=r"bad\.png cannot be read as a picture"):
            data.image_folder(tmp_path)
    for size in (28, (28,), (0, 28), (2.5, 3), "big"):
        with pytest.raises(ParameterError, match="size="):
            data.image_folder(tmp_path, size)


@pytest.fixture
def one_picture(tmp_path):
    """What image_folder makes of one picture that is saved as a file of this suffix."""
    from PIL import Image

    for name in "ab":
        (tmp_path / name).mkdir()
        Image.new("L", (4, 4)).save(tmp_path / name / "z.png")

    def read(picture, suffix=".png", gray=True, **settings):
        path = tmp_path / "a" / f"first{suffix}"
        picture.save(path, **settings)
        try:
            return data.image_folder(tmp_path, (4, 4), gray).X[0]
        finally:
            path.unlink()

    return read


def test_deep_gray_is_scaled_and_not_cut(one_picture):
    from PIL import Image

    half = Image.fromarray(np.full((4, 4), 32768, np.uint16))
    assert one_picture(half) == pytest.approx(np.full((1, 4, 4), 32768 / 65535), abs=1e-6)
    assert one_picture(half, gray=False) == pytest.approx(np.full((3, 4, 4), 32768 / 65535), abs=1e-6)
    assert one_picture(Image.fromarray(np.full((4, 4), 0.5, np.float32)), ".tif") == pytest.approx(0.5 * np.ones((1, 4, 4)))
    assert one_picture(Image.new("1", (4, 4), 1)).tolist() == np.ones((1, 4, 4)).tolist()
    for values, said in (
        (np.full((4, 4), 7.5, np.float32), r"first\.tif holds values from 7\.5 to 7\.5; gray in F goes from 0 to 1"),
        (np.full((4, 4), 100000, np.int32), "from 100000 to 100000; gray in I goes from 0 to 65535"),
        (np.full((4, 4), np.nan, np.float32), "from nan to nan"),
    ):
        with pytest.raises(DataError, match=said):
            one_picture(Image.fromarray(values), ".tif")


@pytest.mark.parametrize("mode", ["LA", "RGBA", "P"])
def test_what_is_transparent_shows_white_paper(one_picture, mode):
    from PIL import Image

    picture = Image.new(mode, (4, 4), 0 if mode == "P" else (0,) * len(mode))
    settings = {"transparency": 0} if mode == "P" else {}
    for gray in (True, False):
        assert (one_picture(picture, gray=gray, **settings) == 1).all()
    assert (one_picture(Image.new("RGBA", (4, 4), (0, 0, 0, 255))) == 0).all()


def test_pictures_stand_upright_as_the_camera_noted_it(one_picture):
    from PIL import Image

    pixels = np.zeros((4, 4), np.uint8)
    pixels[0] = 255  # the upper row
    turned = Image.Exif()
    turned[0x0112] = 3  # upside down
    assert one_picture(Image.fromarray(pixels), exif=turned)[0, :, 0].tolist() == [0, 0, 0, 1]
    assert one_picture(Image.fromarray(pixels))[0, :, 0].tolist() == [1, 0, 0, 0]


def test_folders_that_are_none(tmp_path):
    with pytest.raises(DataError, match="is no folder"):
        data.image_folder(tmp_path / "nowhere")
    (tmp_path / "cats").mkdir()
    with pytest.raises(DataError, match="holds only the folder 'cats'"):
        data.image_folder(tmp_path)
    (tmp_path / "dogs").mkdir()
    with pytest.raises(DataError, match="cats holds no pictures"):
        data.image_folder(tmp_path)


def test_nudged_images_are_moved_by_a_pixel():
    digits = data.digits().rows(slice(3))
    moved = data.nudged(digits)
    assert moved.X.shape == (15, 64)
    assert moved.t.tolist() == digits.t.tolist() * 5
    first = digits.X[0].reshape(8, 8)
    still, up, down, left, right = moved.X[::3].reshape(5, 8, 8)
    assert (still == first).all()
    assert (up[:-1] == first[1:]).all()
    assert (up[-1] == 0).all()
    assert (down[1:] == first[:-1]).all()
    assert (left[:, :-1] == first[:, 1:]).all()
    assert (right[:, 1:] == first[:, :-1]).all()
    images = data.nudged(data.digits(flat=False).rows(slice(3)))
    assert (images.X.reshape(15, 64) == moved.X).all()
    with pytest.raises(DataError, match=r"rows of shape \(5,\) are no square"):
        data.nudged(data.Dataset("odd", np.zeros((2, 5)), np.zeros(2)))


def test_numbers_in_chinese_are_read_back():
    worth = {digit: value for value, digit in enumerate("零一二三四五六七八九")}
    for number in range(100):
        tens, ten, units = data.chinese_number(number).rpartition("十")
        assert worth.get(tens, 1) * 10 * bool(ten) + worth.get(units, 0) == number
        assert ten or units
    assert len({data.chinese_number(number) for number in range(100)}) == 100
    with pytest.raises(ParameterError, match=r"chinese_number\(100\)"):
        data.chinese_number(100)


def test_opinions_turn_round_with_not():
    judged = {tuple(words): praise for words, praise in data.opinions()}
    assert len(judged) == 288
    for words, praise in judged.items():
        if "not" in words:
            without = tuple(word for word in words if word != "not")
            assert judged[without] != praise
    assert {len(words) for words in judged} == {4, 5, 6}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('n,t\n"1,000",a\n"2,500",b\n', r"column 'n', row 1: '1,000' is written with a comma; write 1000 or 1\.000, or say"),
        ('n,t\n"1,000,000",a\n"2,500,000",b\n', "written with a comma; write 1000000, or say"),
        ('n,t\n"1,000.5",a\n"2,500.5",b\n', r"write 1000\.5, or say"),
        ('n,t\n"3,25",a\n"2,5",b\n', r"write 3\.25, or say"),
    ],
)
def test_commas_in_numbers_are_named_with_what_they_may_mean(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        data.read_table(written(tmp_path, text))


def test_a_delimiter_in_quotes_is_none(tmp_path):
    assert list(data.read_table(written(tmp_path, '"a;b;c",d\n1,2\n')).columns) == ["a;b;c", "d"]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: data.moons(9, seed=-1), ParameterError, "seed=-1: a whole number from 0 up"),
        (lambda: data.moons(9).split(seed="a"), ParameterError, "seed='a'"),
        (lambda: data.moons(9, noise=-1), ParameterError, "noise=-1"),
        (lambda: data.blobs(9, spread="x"), ParameterError, "spread='x'"),
        (lambda: data.read_table(None), ParameterError, "path=None: the name of a CSV file"),
        (lambda: data.read_table("a.csv", delimiter=3), ParameterError, "delimiter=3"),
        (lambda: data.standardized(data.moons(9), data.blobs(9).rows(slice(0, 0)), data.x_and_o(4)), DataError, "a row of .* has the shape"),
        (lambda: data.standardized(dataclasses.replace(data.moons(2), X=np.array([[0, np.nan], [1, 2]]))), DataError, "moons has nan at row 0, column 1"),
        (lambda: data.standardized(dataclasses.replace(data.moons(2), X=np.array([[0, 1], [1e200, 2]]))), DataError, "moons has 1e\\+200 at row 1, column 0"),
    ],
)  # fmt: skip
def test_settings_of_data_that_make_no_sense(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_table_that_cannot_be_written(tmp_path):
    with pytest.raises(DataError, match=r"nowhere/t\.csv cannot be written: No such file"):
        data.Table.of("t", {"a": [1]}).write(tmp_path / "nowhere" / "t.csv")


def test_idx_files_of_nothing_and_of_too_many_axes(tmp_path):
    sizes = {"train-images-idx3-ubyte": (0, 6, 6), "train-labels-idx1-ubyte": (0,)}
    for name, shape in sizes.items():
        (tmp_path / name).write_bytes(bytes([0, 0, 8, len(shape)]) + b"".join(size.to_bytes(4, "big") for size in shape))
    for flat in (True, False):
        with pytest.raises(DataError, match="holds no images for 'train'"):
            data.mnist(tmp_path, flat=flat)
    (tmp_path / "deep").write_bytes(bytes([0, 0, 8, 65]) + (1).to_bytes(4, "big") * 65 + b"\1")
    with pytest.raises(DataError, match="deep has 65 axes; numpy has at most 64"):
        data.read_idx(tmp_path / "deep")
