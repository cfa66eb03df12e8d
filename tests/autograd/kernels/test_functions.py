"""The words of the vocabulary over Lanes: how exact they are, their ends, infinities and NaN, on vectors of every
width."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
from nngraph.autograd.kernels import functions
from nngraph.autograd.kernels.functions import SPOKEN
from nngraph.autograd.kernels.machine import machine
from nngraph.autograd.kernels.vector import Lanes
from nngraph.autograd.special import erf
from nngraph.autograd.vocabulary import WORDS, spoken

from .over_arrays import WIDTHS, applied, vectors_of

pytestmark = pytest.mark.filterwarnings("ignore:.*encountered:RuntimeWarning")  # numpy's, where it meets the ends

COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
TWO = ("+", "-", "*", "/", "**", "max", "min", *COMPARISONS)
UNITS = 4
"""Units in the last place a function may be wrong."""


@pytest.fixture(scope="module", params=WIDTHS)
def width(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Code for vectors of so many bytes."""
    with vectors_of(request.param, tmp_path_factory.mktemp("code")):
        yield request.param


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


SIGMOIDS = ("sigmoid", "1 / (1 + exp(-x))")
REFERENCE: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    **{word: WORDS[word].numpy for word in ("exp", "expm1", "log", "log1p", "tanh", "sin", "cos", "tan", "sqrt")},
    "erf": erf, "sigmoid": _sigmoid, "1 / (1 + exp(-x))": _sigmoid,
}  # fmt: skip


def _function(name: str) -> Callable[..., Lanes]:
    if "x" in name.replace("exp", ""):
        return spoken(name, ("x",), SPOKEN.__getitem__)
    return SPOKEN.get(name) or getattr(functions, name)


def _units(got: np.ndarray, right: np.ndarray) -> np.ndarray:
    """By how many units in the last place each number is wrong; infinite where NaN, an infinity or a sign is."""
    rounded = right.astype(got.dtype)
    missing = np.isnan(rounded)
    same = (got == rounded) | (np.isnan(got) & missing)
    unit = np.spacing(np.maximum(np.abs(rounded), np.finfo(got.dtype).tiny))
    wrong = np.abs(got.astype(right.dtype) - right) / unit
    wrong[np.isnan(wrong) | (np.signbit(got) != np.signbit(rounded)) & ~missing] = np.inf
    return np.where(same & (np.isinf(rounded) | missing), 0, wrong)


def _floats(stride: int) -> np.ndarray:
    """Every so manieth float32 there is, and neighbors of all places where a method changes its course."""
    around = np.arange(-3, 4)
    whole = np.arange(-300, 301)
    turns = [whole * math.log(2) / 2, whole * math.pi / 4, 2.0 ** (whole / 2).clip(-148, 127.5), whole / 4.0]
    places = np.concatenate([*turns, [-104, -103.97, -87.34, -88.73, 88.73, 89, 9.02, 17.4, 3.93, 2**20, 1e5, 1e-38]])
    places = np.concatenate([places, -places, 1 + places * 1e-6]).astype(np.float32)
    near = (places.view(np.int32)[:, None] + around).astype(np.int32).ravel().view(np.float32)
    every = np.arange(0, 2**32, stride, dtype=np.uint64).astype(np.uint32).view(np.float32)
    ends = np.array([0, 1, 0x7F7FFFFF, 0x7F800000, 0x7FC00000, 0x7F800001, 0x007FFFFF, 0x00800000], np.uint32)
    ends = np.concatenate([ends, ends | 0x80000000]).astype(np.uint32).view(np.float32)
    return np.concatenate([every, near, ends])


@pytest.mark.parametrize("name", REFERENCE)
def test_float32_to_4_units(name: str, width: int) -> None:
    x = _floats(9973 if width == max(WIDTHS) else 49999)
    got, right = applied(_function(name), "float32")(x), REFERENCE[name](x.astype(np.float64))
    wrong = _units(got, right)
    if name in SIGMOIDS:
        # e^88.8 is infinite, so 1/(1 + e^−x) of −88.8 is 0 and not a number with fewer digits.
        wrong[(right < np.finfo(np.float32).tiny) & (x < -88) & (got == 0)] = 0
    assert wrong.max() <= UNITS, f"{name}({x[wrong.argmax()]!r}) is {got[wrong.argmax()]!r}"


@pytest.mark.parametrize("name", REFERENCE)
def test_float64_to_4_units(name: str, width: int, rng: np.random.Generator) -> None:
    count = 2000
    x = np.concatenate([
        rng.uniform(-3, 3, count), rng.uniform(-30, 30, count), rng.uniform(-750, 750, count),
        np.exp(rng.uniform(-700, 709, count)) * rng.choice([-1, 1], count), 1 + rng.uniform(-1e-8, 1e-8, count),
        rng.integers(-(2**19), 2**19, count) * (math.pi / 2),
    ])  # fmt: skip
    got = applied(_function(name), "float64")(x)
    right = np.vectorize(math.erf)(x) if name == "erf" else REFERENCE[name](x.astype(np.longdouble))
    wrong = _units(got, right)
    if name in SIGMOIDS:
        wrong[(right < np.finfo(np.float64).tiny) & (got == 0)] = 0
    assert wrong.max() <= UNITS, f"{name}({x[wrong.argmax()]!r}) is {got[wrong.argmax()]!r}"


def test_sines_of_very_large_angles(width: int) -> None:
    # No float64 is nearer to an odd number of quarter turns than this one; a cosine of 60 leading zeros is left.
    hardest = 6381956970095103 * 2.0**797
    assert applied(functions.cos, "float64")([hardest]) == pytest.approx([-4.68716592425462761e-19], rel=1e-15)
    x = np.array([2.0**20, 2.0**20 + 1, 1e7, -1e22, 3.4e38, -3.4e38, 1.0, np.inf, np.nan])
    for dtype in ("float32", "float64"):
        for name in ("sin", "cos", "tan"):
            numbers = x.astype(dtype)
            wrong = _units(applied(_function(name), dtype)(numbers), REFERENCE[name](numbers.astype(np.float64)))
            assert wrong.max() <= UNITS, (name, dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("word", [word for word in WORDS if word not in TWO and word != "where"])
def test_ends_are_those_of_numpy(word: str, dtype: str, width: int) -> None:
    info = np.finfo(dtype)
    sizes = np.array(
        [0, np.inf, np.nan, 1, 2, 0.5, 1e30, info.max, info.tiny, info.smallest_subnormal, 710, 104, 1e-9], dtype
    )
    x = np.concatenate([sizes, -sizes, np.nextafter(sizes, 3), [-1.5, -2.5, 2.5]]).astype(dtype)
    wide = x.astype(np.longdouble if word in REFERENCE and word != "erf" else dtype)
    wrong = _units(applied(SPOKEN[word], dtype, lanes=1 if width == max(WIDTHS) else 0)(x), WORDS[word].numpy(wide))
    assert wrong.max() <= UNITS, f"{word}({x[wrong.argmax()]!r})"


def test_sigmoid_of_minus_20_is_not_0(width: int) -> None:
    for name in ("sigmoid", "1 / (1 + exp(-x))"):
        assert applied(_function(name), "float32")([-20.0]) == pytest.approx([2.0611537e-09], rel=2e-7)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_powers(dtype: str, width: int, rng: np.random.Generator) -> None:
    edge = [
        0,
        1,
        2,
        3,
        0.5,
        1.5,
        1e30,
        1e-30,
        1e-40,
        1025,
        1 - 2.0**-20,
        2.0**24 + 1,
        2.0**53 + 2,
        3e38,
        np.inf,
        np.nan,
    ]
    edge = np.array(edge, dtype)
    x, y = (each.ravel() for each in np.meshgrid(np.concatenate([edge, -edge]), np.concatenate([edge, -edge])))
    top = math.log(np.finfo(dtype).max)
    bases = np.concatenate([rng.uniform(0.5, 2, 3000), np.exp(rng.uniform(-top, top, 3000)), -rng.uniform(0, 9, 3000)])
    exponents = np.where(bases < 0, rng.integers(-9, 9, 9000), rng.uniform(-1, 1, 9000) * top / np.log(np.abs(bases)))
    x, y = np.concatenate([x, bases.astype(dtype)]), np.concatenate([y, exponents.astype(dtype)])
    got = applied(SPOKEN["**"], dtype, dtype)(x, y)
    wrong = _units(got, np.power(x.astype(np.longdouble), y.astype(np.longdouble)))
    assert wrong.max() <= 2, f"{x[wrong.argmax()]!r} ** {y[wrong.argmax()]!r} is {got[wrong.argmax()]!r}"


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, 4, 7, 8, -1, -2, -5, 0.5, -0.5, 1.5, 9, 100])
def test_powers_whose_exponent_is_known(exponent: float, width: int) -> None:
    x = np.array([0, 1, 0.3, 1.7, 3, 42.5, 1e-3, np.inf, np.nan], np.float32)
    x = np.concatenate([x, -x])
    got = applied(lambda x: SPOKEN["**"](x, exponent), "float32")(x)
    # numpy takes the square root, not the power, where every exponent is ½.
    right = np.sqrt(x) if exponent == 0.5 else np.power(x.astype(np.float64), exponent)
    assert _units(got, right).max() <= UNITS
    if exponent in (0, 1, 2, -1):
        np.testing.assert_array_equal(got, np.power(x, np.float32(exponent)))


def test_a_square_is_the_product_whoever_knows_the_exponent(width: int, rng: np.random.Generator) -> None:
    x = rng.standard_normal(1000)
    np.testing.assert_array_equal(applied(SPOKEN["**"], "float64", "float64")(x, np.full(1000, 2.0)), x * x)
    mixed = np.where(np.arange(1000) % 3, 2.0, 4.0)
    got = applied(SPOKEN["**"], "float64", "float64")(x, mixed)
    np.testing.assert_array_equal(got[mixed == 2], (x * x)[mixed == 2])


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_powers_of_whole_numbers(dtype: str, width: int) -> None:
    x, y = (each.ravel() for each in np.meshgrid(np.arange(-9, 10), np.arange(10)))
    right = np.power(x.astype(dtype), y)
    np.testing.assert_array_equal(applied(SPOKEN["**"], dtype, dtype)(x, y), right)
    for exponent in range(10):
        known = applied(lambda x, exponent=exponent: SPOKEN["**"](x, exponent), dtype)(x[y == exponent])
        np.testing.assert_array_equal(known, right[y == exponent])


def test_every_word_is_spoken() -> None:
    assert SPOKEN.keys() == WORDS.keys()


@pytest.mark.parametrize(
    ("dtype", "lanes"), [("float32", 0), ("float32", 1), ("float64", 4), ("int32", 0), ("int64", 1), ("int8", 0)]
)
def test_words_of_two_numbers_are_those_of_numpy(dtype: str, lanes: int, width: int, rng: np.random.Generator) -> None:
    real = dtype.startswith("float")
    x = np.concatenate([rng.integers(-9, 10, 50), [0, 5, -5]]).astype(dtype)
    y = np.concatenate([rng.integers(-9, 10, 50), [0, 5, -5]]).astype(dtype)
    if real:
        x[:6], y[3:9] = (np.nan, np.inf, -np.inf) * 2, (np.inf, np.nan, -np.inf) * 2
    for word in TWO:
        if word == "**" or (word == "/" and not real):
            continue
        out = "bool" if word in COMPARISONS else dtype
        got = applied(SPOKEN[word], dtype, dtype, out=out, lanes=lanes)(x, y)
        np.testing.assert_array_equal(got, WORDS[word].numpy(x, y), err_msg=word)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "int8"])
def test_words_of_one_number_that_are_exact(dtype: str, width: int) -> None:
    x = np.arange(-9, 10).astype(dtype)
    x = np.concatenate([x, x / 4, [np.nan, np.inf, -np.inf, -0.0]]).astype(dtype) if dtype.startswith("float") else x
    for word in ("neg", "abs", "sign", "floor"):
        np.testing.assert_array_equal(applied(SPOKEN[word], dtype)(x), WORDS[word].numpy(x), err_msg=word)


def test_truth_values(width: int) -> None:
    x, y = np.array([0, 0, 1, 1], bool), np.array([0, 1, 0, 1], bool)
    for word in ("max", "min", *COMPARISONS):
        got = applied(SPOKEN[word], "bool", "bool", out="bool")(x, y)
        np.testing.assert_array_equal(got, WORDS[word].numpy(x, y), err_msg=word)


def test_where(width: int) -> None:
    condition, x = np.array([True, False, True, True, False]), np.array([1, 2, np.nan, 4, np.nan], np.float32)
    got = applied(lambda c, x: SPOKEN["where"](c, x, 7), "bool", "float32", out="float32")(condition, x)
    np.testing.assert_array_equal(got, np.where(condition, x, np.float32(7)))
    got = applied(lambda x: SPOKEN["where"](x, -x, 5), "float32")([0, 3, -0.0, np.nan])
    np.testing.assert_array_equal(got, [5, -3, 5, np.nan])


@pytest.mark.parametrize("word", [word for word in TWO if word != "**"])
def test_a_plain_number_on_either_side(word: str, width: int) -> None:
    x = np.array([-3, -0.5, 0, 2, 7, np.nan], np.float32)
    out = "bool" if word in COMPARISONS else "float32"
    for function in (partial(_after, word, 2.0), partial(_before, word, 2.0)):
        np.testing.assert_array_equal(applied(function, "float32", out=out)(x), function(x, words=_numpy))


def _numpy(word: str) -> Any:
    return WORDS[word].numpy


def _after(word: str, number: float, x: Any, words: Any = SPOKEN.__getitem__) -> Any:
    return words(word)(x, np.float32(number) if isinstance(x, np.ndarray) else number)


def _before(word: str, number: float, x: Any, words: Any = SPOKEN.__getitem__) -> Any:
    return words(word)(np.float32(number) if isinstance(x, np.ndarray) else number, x)


def test_words_of_the_scalar_texts_of_ops(width: int) -> None:
    text = "where(x > 0, x, slope * expm1(x)) + max(0, 1 - x) ** 2"
    x = np.linspace(-4, 4, 37)
    got = applied(spoken(text, ("x", "slope"), SPOKEN.__getitem__), "float64", "float64")(x, np.full(37, 0.3))
    right = spoken(text, ("x", "slope"), _numpy)(x, 0.3)
    np.testing.assert_allclose(got, right, rtol=1e-15, atol=1e-16)
    assert machine().vector_bytes <= width
