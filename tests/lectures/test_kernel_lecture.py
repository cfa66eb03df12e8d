"""A kernel: what threads add up, and which numbers they have."""

import math

import numpy as np


def test_sums_of_threads_are_rounded_less(page):
    in_order, on_gpu = page("75")["errors"].values()
    assert all(halves < order for order, halves in zip(in_order, on_gpu, strict=True))
    assert in_order[-1] > 0.009
    assert on_gpu[-1] < 5e-5
    assert "0.986 %" in page("75").text


def test_the_sum_of_a_block_is_a_sum(page):
    add = page("75")["as_on_a_gpu"]
    for count in (1, 255, 256, 1000, 4096):
        numbers = np.random.default_rng(count).normal(size=count).astype(np.float32)
        exact = math.fsum(map(float, numbers))
        assert abs(float(add(numbers)) - exact) < 1e-5 * float(np.abs(numbers).sum())


def test_one_after_the_other_is_what_a_loop_finds(page):
    tenths, counts = page("75")["tenths"], page("75")["counts"]
    total, found = np.float32(0), {}
    for at, number in enumerate(tenths[: counts[4]], 1):
        total = np.float32(total + number)
        found[at] = total
    sums, _ = page("75")["found"].values()
    for count, one in zip(counts[:5], sums, strict=False):
        assert found[count] == one


def test_the_kernels_are_shown(page):
    text = page("75").text
    assert "def kernel(" in text
    assert "np.tanh(" in text
    assert "shfl_xor(members, " in text
    assert "Y[n, k]" in text or "sums[i, j]" in text
    assert "核心函式 1" in page("75", "zh-TW").text or "Kernel 1" in page("75", "zh-TW").text
    assert "Which thread of block" in page("75").pictures["75_threads.svg"]
