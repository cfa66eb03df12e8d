"""The guards of the kernels' tests: what is written to a wrong place is found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.engines.compiled.lowering.pooling import LOWERINGS

from .immediate import Immediate, filled


class Unlike(Immediate):
    """Runs one row more, or says of less that it is written."""

    def __init__(self, more: int, fewer: int) -> None:
        super().__init__()
        self.more, self.fewer = more, fewer

    def call(self, code: Any, words: Any, reads: Any, writes: Any, *, rows: int = 1, **others: Any) -> None:
        writes = [replace(view, shape=(view.shape[0] - self.fewer, *view.shape[1:])) for view in writes]
        super().call(code, words, reads, writes, rows=rows + self.more, **others)


@pytest.mark.parametrize(("more", "fewer", "said"), [(0, 0, ""), (1, 0, "writes behind"), (0, 1, "no view that it writes")])
def test_a_kernel_that_writes_to_a_wrong_place_is_found(more, fewer, said):
    node = ng.max_pool2d(ng.constant(np.ones((2, 1, 6, 6))), size=2)
    plan = Unlike(more, fewer)
    result = plan.new(node.shape, node.dtype)
    inputs = [filled(np.array(source.value)) for source in node.inputs]
    if said:
        with pytest.raises(AssertionError, match=said):
            LOWERINGS[node.op.kernel](plan, node, inputs, [result])
    else:
        assert LOWERINGS[node.op.kernel](plan, node, inputs, [result])
