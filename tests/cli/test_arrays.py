"""Arrays from files: every number arrives, and what is no number is named."""

import numpy as np
import pytest

from nngraph.cli.arrays import read_array
from nngraph.cli.errors import CommandError


def table(folder, text, name="table.csv"):
    path = folder / name
    path.write_bytes(text.encode())
    return read_array(path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"1","2"\n3,4\n', [[1, 2], [3, 4]]),
        ("height,weight\n1,2\n3,4\n", [[1, 2], [3, 4]]),
        ('"height, in m","weight ""net"""\n1,2\n3,4\n', [[1, 2], [3, 4]]),
        (",a,b\n0,1,2\n", [0, 1, 2]),
        ("1;2\r\n3;4\r\n", [[1, 2], [3, 4]]),
        ("\ufeffy\n1\n2\n", [1, 2]),
        ("# a remark\n\n 1 ,\t2 \n", [1, 2]),
        ("1e3,-inf,NaN\n", [1000, -np.inf, np.nan]),
    ],
)
def test_tables(text, expected, tmp_path):
    np.testing.assert_array_equal(table(tmp_path, text), expected)


def test_blanks_and_tabs(tmp_path):
    np.testing.assert_array_equal(table(tmp_path, "x   y\n 1   2\n3\t 4 \n", "table.txt"), [[1, 2], [3, 4]])
    np.testing.assert_array_equal(table(tmp_path, "1\t2\n3\t4\n", "table.TSV"), [[1, 2], [3, 4]])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1,2x\n3,4\n5,6\n", "'2x' in line 1"),
        ("1,2\0\n", r"in line 1 is no number"),
        ("x,2019\n1,2\n", "'x' in line 1"),
        ("a,b\n1,2\n3,?\n", "'\\?' in line 3"),
        ("1,5;2,5\n", "'5;2' in line 1"),
        ("1,\n2,3\n", "'' in line 1"),
        ("1_000\n", "there are no numbers in"),
        ("", "there are no numbers in .*table.csv"),
        ("\n# only a remark\n", "there are no numbers in"),
        ("height,weight\n", "there are no numbers in"),
        ("1,2\n3\n", "different lengths"),
    ],
)
def test_what_is_no_number_is_never_passed_over(text, said, tmp_path):
    with pytest.raises(CommandError, match=said):
        table(tmp_path, text)


@pytest.mark.parametrize(
    ("array", "kind"),
    [
        (np.array(["a", "b"]), "text"),
        (np.array([b"a"]), "text"),
        (np.array(["2024-01-01"], dtype="datetime64[D]"), "dates"),
        (np.array([1], dtype="timedelta64[s]"), "times"),
        (np.array([1 + 2j]), "complex numbers"),
        (np.array([(1, 2.0)], dtype=[("a", int), ("權", float)]), "records"),
        (np.array([{}], dtype=object), "Python objects"),
    ],
)
@pytest.mark.filterwarnings("ignore:Stored array in format 3.0")
def test_arrays_of_something_else_are_named(array, kind, tmp_path):
    np.save(tmp_path / "W.npy", array, allow_pickle=True)
    with pytest.raises(CommandError, match=rf"W\.npy holds {kind}; only real numbers can be used"):
        read_array(tmp_path / "W.npy")


@pytest.mark.parametrize("dtype", ["?", "u1", "<i8", ">f4", "f2"])
def test_every_kind_of_real_number(dtype, tmp_path):
    np.save(tmp_path / "W.npy", np.array([[0, 1], [1, 0]], dtype=dtype))
    assert read_array(tmp_path / "W.npy").tolist() == [[0, 1], [1, 0]]


def test_files_that_are_not_numpys(tmp_path):
    path = tmp_path / "W.npy"
    np.savez(tmp_path / "W.npz", np.ones(2))
    for data in (b"", b"junk", b"\x80\x04K\x01.", (tmp_path / "W.npz").read_bytes()):
        path.write_bytes(data)
        with pytest.raises(CommandError, match="W.npy is no file of numpy's"):
            read_array(path)
    np.save(path, np.ones(100))
    whole = path.read_bytes()
    for length in (7, 9, 40, 300):
        path.write_bytes(whole[:length])
        with pytest.raises(CommandError, match="W.npy") as raised:
            read_array(path)
        assert "pickle" not in str(raised.value)
