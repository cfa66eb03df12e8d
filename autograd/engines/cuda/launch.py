"""How a call is launched: which kernel, with which arguments, in how many blocks of how many threads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...errors import NngraphError
from ...kernels.cuda.bundle import CudaBundle
from ...kernels.cuda.convolution import CudaConvolution
from ...kernels.cuda.elementwise import Elementwise, blocks
from ...kernels.cuda.nest import CudaNest
from ...kernels.cuda.product import CudaProduct
from ...kernels.cuda.product_parts import CudaGathering
from ...kernels.cuda.twins import TWINS
from ..compiled.calls import Call, Scratch


@dataclass(frozen=True, slots=True)
class Launched:
    """A kernel's code, its arguments before they have addresses, and its blocks and threads."""

    code: Any
    words: tuple[Any, ...]
    grid: tuple[int, int, int]
    threads: int


def launched(call: Call) -> Launched:
    """How a call that is neither a loop nor a fallback is launched; NngraphError where its kernel has no twin."""
    code, words, grid = call.code, call.words, call.grid
    if not isinstance(code, (CudaNest, CudaBundle, CudaProduct, CudaGathering, CudaConvolution, Elementwise)):
        twin = TWINS.get(code.name)
        if twin is None:
            raise NngraphError(f"the kernel {code.name} has no twin for a GPU, and its family no declared fallback")
        code, words = twin.code(call), twin.words(call)
        grid = blocks(words, code.threads())
    every = [*words, *(word for nest in call.finishing for word in nest.words)]
    if isinstance(code, CudaNest):
        grid = code.grid([word.value for word in every[: code.loops.depth]], call.chunk)
    given = tuple(word for word in every if not isinstance(word, Scratch))
    if len(given) != len(code.names()):
        raise NngraphError(f"a kernel takes {len(code.names())} arguments and is given {len(given)}")
    return Launched(code, given, grid, code.threads())  # type: ignore[arg-type]
