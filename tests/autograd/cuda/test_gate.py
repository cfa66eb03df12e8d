"""Kernels of a GPU compiled without one: what ptxas says of their registers, and which instructions they hold."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("numba_cuda", reason="the extra cuda-dev is not installed")
pytestmark = pytest.mark.xdist_group("gate")  # all look at the same kernels, which take minutes to compile

from nngraph.autograd.kernels import cuda
from nngraph.autograd.kernels.cuda.twins import TWINS

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
from recorder import codes

SLACK = 4
"""Registers more than KERNELS.md says that another version of a compiler may need."""
MOST = {"product": 128, "convolution": 128}
"""Registers of a kernel that KERNELS.md does not know: with 128 of them two blocks of 256 threads share a processor."""
SLOW = ("sin", "cos", "tan")
"""Words whose float64 functions, the library's, have a table in local memory for huge angles."""


@pytest.fixture(scope="module")
def seen():
    """What is known of all kernels that plans ask for, and what was seen of those that were compiled."""
    command = [sys.executable, str(HERE / "gate_cases.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    first, *rows = map(json.loads, done.stdout.splitlines())
    return first, rows


@pytest.fixture(scope="module")
def kernels(seen):
    """What was seen of kernels that could be compiled."""
    failed = [f"{row['plan']}, {row['name']}: {row['failed']}" for row in seen[1] if "failed" in row]
    assert not failed, "\n".join(failed)
    return seen[1]


@pytest.fixture(scope="module")
def recorded():
    """(plan, kernel) -> the row of KERNELS.md."""
    lines = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in (HERE / "KERNELS.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("|")
    ]
    head, _, *rows = lines
    return {tuple(row[:2]): dict(zip(head[2:], map(float, row[2:]))) for row in rows}


def called(row):
    return f"{row['plan']}, {row['name']}"


def slow(row):
    return not row["single"] and any(f"{word}(" in row["source"] for word in SLOW)


def test_nothing_is_spilled(kernels):
    assert len(kernels) > 200
    for row in kernels:
        assert row["spilled"] == 0, called(row)
        assert slow(row) or row["stack"] == row["spilled_80"] == row["spilled_75"] == 0, called(row)
        assert row["shared"] <= 48 << 10, called(row)


def test_registers_are_as_few_as_they_were(kernels, recorded):
    for row in kernels:
        known = recorded.get((row["plan"], row["name"]))
        most = known["registers"] + SLACK if known else MOST.get(row["name"], 64) if row["single"] else 128
        assert row["registers"] <= most, (
            f"{called(row)}: {row['registers']} registers, and at most {most:.0f} are allowed"
        )


def test_float32_stays_float32(kernels):
    assert not [called(row) for row in kernels if row["single"] and row["doubles"]]


def test_numbers_that_lie_side_by_side_move_by_128_bits(kernels):
    promised = [row for row in kernels if "ld4(" in row["source"]]
    assert len(promised) > 20
    assert not [called(row) for row in promised if not row["wide_loads"]]
    assert not [called(row) for row in kernels if "st4(" in row["source"] and not row["wide_stores"]]


def test_products_mostly_multiply_and_add(seen, kernels, recorded):
    for row in kernels:
        known = recorded.get((row["plan"], row["name"]))
        if known and row["name"] in ("product", "convolution"):
            assert row["multiply_adds"] > known["FFMA"] - 0.03, called(row)
    for plan, least in seen[0]["least"].items():
        shares = [
            row["multiply_adds"] for row in kernels if row["plan"] == plan and row["name"] in ("product", "convolution")
        ]
        assert shares, plan
        assert min(shares) > least, plan


def test_tensor_cores_are_used_where_they_are_asked_for(kernels):
    # Two steps of 8 for every slice of 16: blocks of 16 × 8 numbers of a warp, 4 × 4 or 2 × 4 of them.
    assert {row["matrix"] for row in kernels if "mma(" in row["source"]} == {16, 32}
    assert not [called(row) for row in kernels if "mma(" not in row["source"] and row["matrix"]]


def test_no_kernel_is_forgotten(seen):
    compiled = {row["name"] for row in seen[1]}
    assert {name for _, name in seen[0]["every"]} == compiled
    assert made() <= compiled, "a plan of gate_plans.py must ask for every kernel"


def made():
    """What the pages of kernels call their kernels: by the name of a class, or as the first word when one is made."""
    found = {each.name for each in codes() if isinstance(getattr(each, "name", None), str)} | set(TWINS) | {"nest"}
    makers = {each.__name__ for each in codes()}
    for page in Path(cuda.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(page.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in makers and node.args:
                first = node.args[0]
                found |= {first.value} if isinstance(first, ast.Constant) else set()
    return found
