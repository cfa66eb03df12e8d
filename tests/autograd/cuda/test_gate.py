"""Kernels of a GPU compiled without one: what ptxas says of their registers, and which instructions they hold."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("numba_cuda", reason="the extra cuda-dev is not installed")
pytestmark = pytest.mark.xdist_group("gate")  # all look at the same kernels, which take minutes to compile

MOST_REGISTERS, PRODUCT = 64, 128
"""Of a kernel, and of one whose threads keep many sums: with 128 of them, two blocks of 256 threads share a processor."""


@pytest.fixture(scope="module")
def kernels(tmp_path_factory):
    """Name -> what was seen."""
    script = Path(__file__).with_name("gate_cases.py")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return {each["name"]: each for each in found}


def test_nothing_is_spilled_and_registers_are_few(kernels):
    assert len(kernels) > 10
    for name, each in kernels.items():
        assert each["spilled"] == each["stack"] == 0, name
        most = PRODUCT if "product" in name or "convolution" in name else MOST_REGISTERS
        assert each["registers"] <= most, (name, each["registers"])
        assert each["shared"] <= 48 << 10, name


def test_float32_stays_float32(kernels):
    assert not [name for name, each in kernels.items() if each["doubles"] and "float64" not in name]


def test_numbers_that_lie_side_by_side_move_by_128_bits(kernels):
    promised = [each for each in kernels.values() if "ld4(" in each["source"]]
    assert len(promised) > 24
    for each in promised:
        assert each["wide_loads"], each["name"]
        if "st4(" in each["source"]:
            assert each["wide_stores"], each["name"]


def test_products_mostly_multiply_and_add(kernels):
    for way in ("NN", "NT", "TN"):
        for size, share in ((128, 0.82), (64, 0.74)):
            assert kernels[f"product {way} {size}"]["multiply_adds"] > share, (way, size)


def test_tensor_cores_are_used_where_they_are_asked_for(kernels):
    counts = {name: each["tensor_cores"] for name, each in kernels.items() if each["tensor_cores"]}
    # Two steps of 8 for every slice of 16: blocks of 16 × 8 numbers of a warp, 4 × 4 or 2 × 4 of them.
    assert counts == {"product NN 64 tf32": 16, "product NT 128 tf32": 32, "product TN 128 tf32": 32}


def test_convolutions_of_many_channels_mostly_multiply_and_add(kernels):
    shares = [
        each["multiply_adds"] for name, each in kernels.items() if name.startswith("channels") and "convol" in name
    ]
    assert len(shares) == 3
    assert min(shares) > 0.65, shares
