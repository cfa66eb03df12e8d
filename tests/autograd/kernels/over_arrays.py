"""A function over Lanes, applied to whole arrays: compiled by LLVM alone into a loop that loads, computes and
stores."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from llvmlite import ir
from nngraph.autograd.kernels import code_cache, machine_code, vector
from nngraph.autograd.kernels.machine import machine
from nngraph.autograd.kernels.vector import ELEMENTS, INT64, Lanes

WIDTHS = (64, 32, 16)
"""Bytes of a vector: AVX-512; AVX2; none that fuses products with sums. A processor with less takes its own."""


@contextmanager
def vectors_of(width: int, cache: Path) -> Iterator[None]:
    """Code made as for a processor with vectors of so many bytes, kept in a folder of its own."""
    caches = (machine, vector.fuses, code_cache.folders)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NNGRAPH_VECTOR_BYTES", str(width))
        patch.setenv("NNGRAPH_CACHE", str(cache))
        for each in caches:
            each.cache_clear()
        try:
            yield
        finally:
            for each in caches:
                each.cache_clear()


def applied(function: Callable[..., Lanes], *dtypes: str, out: str = "", lanes: int = 0) -> Callable[..., np.ndarray]:
    """The function for arrays: one dtype per operand, `out` for the result (else that of the first operand).

    Arrays may have any length, which need not be a multiple of `lanes` (else as many as the machine holds).
    """
    out = out or dtypes[0]
    lanes = lanes or machine().lanes(max(dtypes, key=lambda name: np.dtype(name).itemsize))
    text = _loop(function, dtypes, out, lanes)
    key = machine_code.key_of(text)
    address = machine_code.address_of(
        key, lambda: machine_code.object_code(text.replace("THE_LOOP", machine_code.symbol(key)))
    )
    call = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * (len(dtypes) + 2))(address)

    def run(*arrays: Any) -> np.ndarray:
        length = np.asarray(arrays[0]).size
        padded = -(-length // lanes) * lanes
        operands = [np.resize(np.asarray(each, dtype), padded) for each, dtype in zip(arrays, dtypes, strict=True)]
        result = np.empty(padded, out)
        call(*[each.ctypes.data for each in operands], result.ctypes.data, padded)
        return result[:length]

    return run


def _loop(function: Callable[..., Lanes], dtypes: tuple[str, ...], out: str, lanes: int) -> str:
    module = ir.Module()
    loop = ir.Function(module, ir.FunctionType(ir.VoidType(), [INT64] * (len(dtypes) + 2)), "THE_LOOP")
    first = loop.append_basic_block()
    build = ir.IRBuilder(loop.append_basic_block())
    ir.IRBuilder(first).branch(build.block)
    at = build.phi(INT64)
    operands = [
        vector.load(build, loop.args[k], at, vector.vector(ELEMENTS[name], lanes)) for k, name in enumerate(dtypes)
    ]
    operands = [each.cast(vector.BIT) if name == "bool" else each for each, name in zip(operands, dtypes, strict=True)]
    vector.store(build, loop.args[-2], at, function(*operands).cast(ELEMENTS[out]))
    following = build.add(at, INT64(lanes))
    at.add_incoming(INT64(0), first)
    at.add_incoming(following, build.block)
    done = loop.append_basic_block()
    build.cbranch(build.icmp_unsigned("<", following, loop.args[-1]), at.parent, done)
    ir.IRBuilder(done).ret_void()
    return str(module)
