"""Fused loops: random nests agree with numpy to the bit, in every way they can be run; passes, sums, what plans ask."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from math import fsum
from pathlib import Path

import numpy as np
import pytest
from nngraph.autograd.kernels.loop_code import compiled
from nngraph.autograd.kernels.loop_fit import fitted
from nngraph.autograd.kernels.loop_passes import Nest
from nngraph.autograd.kernels.loops import FAR, NEXT, STILL, Apply, Buffer, Fit, Fold, Loops, Number, Write

from . import nests

F = "float32"
MATRIX, COLUMNS, ROWS, ONE = (Buffer(F, moves) for moves in ((FAR, NEXT), (STILL, NEXT), (NEXT, STILL), (STILL, STILL)))


def word(name: str, *operands: int | float, dtype: str = F) -> Apply:
    return Apply(name, tuple(each if isinstance(each, int) else Number(each) for each in operands), dtype)


SOFTMAX = Loops(
    2, (MATRIX,),
    (Fold("max", 0, (1,), F), word("-", 0, 1), word("exp", 2), Fold("+", 3, (1,), F), word("/", 3, 4)),
    (Write(5, MATRIX),),
)  # fmt: skip
NORM = Loops(
    2, (MATRIX, COLUMNS),
    (Fold("+", 0, (1,), F), word("/", 2, 30.0), word("-", 0, 3), word("*", 4, 4), Fold("+", 5, (1,), F),
     word("sqrt", 6), word("/", 4, 7), word("*", 8, 1), Fold("+", 8, (0,), F)),
    (Write(9, MATRIX), Write(7, ROWS), Write(10, COLUMNS)),
)  # fmt: skip


@pytest.mark.parametrize("first", range(0, 200, 25))
def test_random_nests_agree_with_numpy_to_the_bit(first):
    assert sum(nests.compare(seed) for seed in range(first, first + 25)) > 25


@pytest.mark.parametrize("width", [32, 16])
def test_other_vector_widths_agree_too(width):
    environment = {**os.environ, "NNGRAPH_VECTOR_BYTES": str(width)}
    program = [sys.executable, str(Path(nests.__file__)), "200", "50"]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 50


def test_some_of_the_random_nests_have_infinities_several_passes_and_rows_kept():
    drawn = [nests.random_nest(seed) for seed in range(200)]
    made = [Nest(loops) for loops, _, _ in drawn]
    assert (
        sum(any(not np.isfinite(array).all() for array in arrays if array.dtype.kind == "f") for _, _, arrays in drawn)
        > 10
    )
    assert sum(bool(nest.kept) for nest in made) > 10
    assert sum(bool(nest.rows) for nest in made) > 10
    assert sum(0 in extents for _, extents, _ in drawn) > 3
    assert sum(compiled(nest.loops).whole for nest in made) > 3
    turned = [compiled(loops).layout.turned for loops, _, _ in drawn]
    assert sum(bool(reads) for reads, _ in turned) > 10
    assert sum(bool(writes) for _, writes in turned) > 3


@pytest.mark.parametrize("shape", [(30, 3), (7, 30), (40, 16), (3, 1), (1, 70), (0, 4)])
@pytest.mark.parametrize("abreast", [0, 1])
def test_softmax_of_rows_takes_three_passes(rng, shape, abreast):
    x = rng.normal(size=shape).astype(F) * 20
    (y,) = nests.run(rng, replace(SOFTMAX, fit=Fit(abreast)), shape, [x])
    # The difference is rounded to float32 whoever computes it; what comes after it is compared with float64.
    powers = np.exp((x - x.max(1, keepdims=True, initial=-np.inf)).astype(np.float64))
    np.testing.assert_allclose(y, powers / powers.sum(1, keepdims=True), rtol=2e-6, atol=1e-30)


@pytest.mark.parametrize("rows", [1, 20, 97])
@pytest.mark.parametrize("abreast", [0, 1])
@pytest.mark.parametrize("chunk", [None, 7])
def test_a_norm_with_its_scale_and_the_sum_over_its_rows(rng, rows, abreast, chunk):
    x, scale = rng.normal(size=(rows, 30)).astype(F), rng.normal(size=(1, 30)).astype(F)
    y, root, total = nests.run(rng, replace(NORM, fit=Fit(abreast)), (rows, 30), [x, scale], chunk)
    wide = x.astype(np.float64)
    centered = wide - wide.mean(1, keepdims=True)
    right = np.sqrt((centered**2).sum(1, keepdims=True))
    np.testing.assert_allclose(root, right, rtol=1e-6)
    np.testing.assert_allclose(y, centered / right * scale, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(total, (centered / right).sum(0, keepdims=True), rtol=1e-5, atol=1e-5)


def test_statistics_over_a_batch_of_images(rng):
    image, channel = Buffer(F, (FAR, FAR, NEXT)), Buffer(F, (NEXT, STILL, STILL))
    loops = Loops(
        3, (image,),
        (Fold("+", 0, (1, 2), F), word("/", 1, 5 * 49.0), word("-", 0, 2), word("*", 3, 3), Fold("+", 4, (1, 2), F),
         word("sqrt", 5), word("/", 3, 6)),
        (Write(7, image), Write(2, channel)),
    )  # fmt: skip
    x = rng.normal(size=(3, 5, 49)).astype(F) + 100
    y, mean = nests.run(rng, loops, x.shape, [x])
    centered = x.astype(np.float64) - x.mean((1, 2), keepdims=True, dtype=np.float64)
    np.testing.assert_allclose(mean, x.mean((1, 2), keepdims=True, dtype=np.float64), rtol=1e-7)
    np.testing.assert_allclose(y, centered / np.sqrt((centered**2).sum((1, 2), keepdims=True)), atol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_long_sums_are_exact_to_two_units_in_the_last_place(rng, dtype):
    x = rng.random(1_000_003).astype(dtype)
    loops = Loops(1, (Buffer(dtype, (NEXT,)),), (Fold("+", 0, (0,), dtype),), (Write(1, Buffer(dtype, (STILL,))),))
    (total,) = nests.run(rng, loops, x.shape, [x])
    assert abs(float(total[0]) - fsum(x)) <= 2 * np.spacing(total[0])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sums_that_overflow_are_infinite_as_in_numpy(rng, dtype):
    largest = np.finfo(dtype).max
    loops = Loops(1, (Buffer(dtype, (NEXT,)),), (Fold("+", 0, (0,), dtype),), (Write(1, Buffer(dtype, (STILL,))),))
    for numbers, right in (
        ([largest] * 40, np.inf),
        ([np.inf, 1.0], np.inf),
        ([np.inf, -np.inf], np.nan),
        ([np.nan], np.nan),
    ):
        (total,) = nests.run(rng, loops, (len(numbers),), [np.array(numbers, dtype)])
        np.testing.assert_array_equal(total, [right])


def test_what_one_pass_computed_at_a_cost_is_kept_for_the_next():
    assert compiled(SOFTMAX).nest.kept == {3: (1,)}
    assert compiled(SOFTMAX).source() == (
        "for i:\n"
        "    v1 = -inf\n"
        "    for j, in vectors:\n"
        "        v0 = read0[i, j]\n"
        "        v1 = max(v1, v0)\n"
        "    v4 = 0\n"
        "    for j, in vectors:\n"
        "        v0 = read0[i, j]\n"
        "        v2 = v0 - v1\n"
        "        v3 = exp(v2)\n"
        "        kept3[j] = v3\n"
        "        v4 = v4 + v3\n"
        "    for j, in vectors:\n"
        "        v3 = kept3[j]\n"
        "        v5 = v3 / v4\n"
        "        write0[i, j] = v5"
    )
    written = replace(SOFTMAX, writes=(*SOFTMAX.writes, Write(3, MATRIX)))
    assert compiled(written).nest.reloaded == {3: 1}
    assert compiled(written).scratch_bytes((5, 70)) == 0
    assert compiled(SOFTMAX).scratch_bytes((5, 70)) == 128 * 4


def test_a_column_sum_stands_in_a_row_that_is_filled_first_and_written_last():
    total = Loops(2, (MATRIX,), (word("*", 0, 0), Fold("+", 1, (0,), F)), (Write(2, COLUMNS), Write(1, MATRIX)))
    assert compiled(total).source() == (
        "row0[:] = 0\n"
        "for i:\n"
        "    for j, in vectors:\n"
        "        v0 = read0[i, j]\n"
        "        v1 = v0 * v0\n"
        "        row0[j] = row0[j] + v1\n"
        "        write1[i, j] = v1\n"
        "write0[:] = row0[:]"
    )
    assert compiled(total).partial == (0,)


def test_what_may_be_written_over_what_is_read():
    code = compiled(SOFTMAX)
    assert code.may_share(0, 0)
    # The largest of each row is known after the row was read, but the matrix is read again afterwards.
    early = replace(SOFTMAX, steps=(*SOFTMAX.steps, word("*", 0, 2.0)), writes=(*SOFTMAX.writes, Write(6, MATRIX)))
    assert not compiled(early).may_share(0, 1)
    bias = Loops(2, (MATRIX, COLUMNS), (word("+", 0, 1),), (Write(2, MATRIX),))
    assert compiled(bias).may_share(0, 0)
    assert not compiled(bias).may_share(1, 0)


def test_rows_are_not_split_where_a_fold_over_them_is_used():
    mean = (Fold("+", 0, (0, 1), F), word("/", 1, 6.0))
    assert compiled(Loops(2, (MATRIX,), mean, (Write(2, ONE),))).whole
    split = compiled(Loops(2, (MATRIX,), mean[:1], (Write(1, ONE),)))
    assert not split.whole
    assert split.partial == (0,)


@pytest.mark.parametrize(
    ("steps", "writes"),
    [
        ((Fold("+", 0, (0,), F), word("*", 1, 2.0)), (Write(2, COLUMNS),)),
        ((Fold("+", 0, (0, 2), F),), (Write(1, Buffer(F, (STILL, NEXT, STILL))),)),
    ],
)
def test_what_no_nest_can_compute_is_refused(steps, writes):
    depth = len(writes[0].buffer.moves)
    read = MATRIX if depth == 2 else Buffer(F, (FAR, STILL, NEXT))
    with pytest.raises(ValueError, match="fold"):
        Nest(Loops(depth, (read,), steps, writes))


def test_nests_are_fitted_to_sizes():
    assert fitted(SOFTMAX, (200, 4)).fit.abreast == 0
    assert fitted(SOFTMAX, (200, 1000)).fit.abreast == -1
    assert compiled(fitted(SOFTMAX, (200, 4))).layout.turned == ((0,), (0,))
    assert compiled(fitted(SOFTMAX, (200, 1000))).layout.turned == ((), ())
    line = Buffer(F, (NEXT,))
    twice = Loops(1, (line,), (word("*", 0, 2.0),), (Write(1, line),))
    assert not fitted(twice, (1000,)).fit.stream
    assert fitted(twice, (10_000_000,)).fit.stream
    assert fitted(twice, (10,)).fit.vectors == 1
    assert fitted(Loops(0, (), (), ()), ()) == Loops(0, (), (), ())


def test_the_same_nest_is_the_same_code():
    code = compiled(SOFTMAX)
    assert compiled(replace(SOFTMAX, writes=tuple(SOFTMAX.writes))) is code
    assert code.address
    assert code.is_ready
    assert compiled(replace(SOFTMAX, fit=Fit(0))).key != code.key
    assert code.text() == code.text()
