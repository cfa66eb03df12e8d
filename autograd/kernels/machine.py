"""What the processor offers: how wide its vectors are, how many registers hold them, how it is spoken to."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache

import numpy as np


@dataclass(frozen=True, slots=True)
class Machine:
    """The processor that kernels are made for.

    `vector_bytes`: 64 with AVX-512, 32 with AVX2, 16 elsewhere (SSE2, NEON). `registers`: how many vectors fit into
    registers. `name` and `features` are LLVM's words for it.
    """

    name: str
    features: str
    triple: str
    vector_bytes: int
    registers: int

    def lanes(self, dtype: np.dtype | type) -> int:
        """How many numbers of a dtype one vector holds."""
        return self.vector_bytes // np.dtype(dtype).itemsize


@cache
def machine() -> Machine:
    """This machine. `NNGRAPH_VECTOR_BYTES=32` (or 16) makes kernels as for a processor with narrower vectors."""
    import llvmlite.binding as llvm

    features = dict(llvm.get_host_cpu_features())
    width = 64 if features.get("avx512f") else 32 if features.get("avx2") and features.get("fma") else 16
    asked = os.environ.get("NNGRAPH_VECTOR_BYTES", "")
    if asked in ("16", "32", "64") and int(asked) < width:
        width = int(asked)
        narrower = ("avx512",) if width == 32 else ("avx", "fma", "vaes", "vpclmul", "f16c", "xop")
        for name in features:
            if name.startswith(narrower):
                features[name] = False
    text = ",".join(("+" if present else "-") + name for name, present in sorted(features.items()))
    triple = llvm.get_process_triple()
    many = width == 64 or triple.startswith(("aarch64", "arm64"))
    return Machine(llvm.get_host_cpu_name(), text, triple, width, 32 if many else 16)
