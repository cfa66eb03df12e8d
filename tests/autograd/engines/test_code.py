"""Arrays for results: used again when nobody holds them, and only where Python tells which ones are held."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from nngraph.autograd.engines.compiled.calls import Buffer, View
from nngraph.autograd.engines.compiled.running import code
from nngraph.autograd.engines.compiled.running.code import Place, Result


def _result() -> Result:
    return Result(View(Buffer(32, "result"), np.dtype(float), (4,), (1,)), Place(memoryview(np.zeros(1, np.int64)), ()))


def test_an_array_is_used_again_when_nobody_holds_it():
    assert Result._FREE >= 0 or sys.implementation.name != "cpython"
    result = _result()
    first, arrays = result.fresh(), [id(result.array)]
    part = first[1:2]
    del first
    second = result.fresh()
    arrays.append(id(result.array))
    third = result.fresh()
    arrays.append(id(result.array))
    assert len(set(arrays)) == 3 and not (part.flags.writeable or second.flags.writeable or third.flags.writeable)
    del second
    fourth = result.fresh()
    if Result._FREE >= 0:
        assert id(result.array) == arrays[1]
    assert fourth.base is result.array and part.base is not result.array


@pytest.mark.parametrize("counted", [lambda what: 0, lambda what: 1 << 30, lambda what: next(NUMBERS)])
def test_no_array_is_used_again_where_python_does_not_tell_who_holds_it(monkeypatch, counted):
    monkeypatch.setattr(code, "_references", counted)
    monkeypatch.setattr(Result, "_FREE", code._unheld())
    result, held = _result(), []
    for _ in range(5):
        result.fresh()
        # Held here, so that no other array lies at the same place.
        held.append(result.array)
    assert len(set(map(id, held))) == 5


NUMBERS = iter(range(1000))
