"""The interpreter on processors that may show what is written in another order, such as ARM."""

from __future__ import annotations

import re

import nngraph as ng  # noqa: F401 - the package must be there before its kernels
import pytest
from nngraph.autograd.kernels.interpreter import repeat, run
from nngraph.autograd.kernels.kernel import Kernel

ARM = "aarch64-unknown-linux-gnu"


def _for_arm(kernel: Kernel) -> list[str]:
    """The instructions of a kernel for ARM, optimized as for this processor, without their operands' comments."""
    import llvmlite.binding as llvm

    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    try:
        target = llvm.Target.from_triple(ARM).create_target_machine(cpu="generic", opt=3)
    except RuntimeError:
        pytest.skip("this LLVM knows no ARM")
    lines = str(kernel.module()).splitlines()
    # What x86 alone has: how tiny numbers are treated, and waiting. Attributes name processors of its kind.
    lines = [line for line in lines if "@llvm.x86." not in line and not line.startswith(("target ", "attributes "))]
    text = re.sub(r" #\d+", "", "\n".join(lines))
    module = llvm.parse_assembly(f'target triple = "{ARM}"\ntarget datalayout = "{target.target_data}"\n{text}')
    options = llvm.PipelineTuningOptions(speed_level=2)
    builder = llvm.create_pass_builder(target, options)
    builder.getModulePassManager().run(module, builder)
    found = (line.split("//")[0].strip() for line in target.emit_assembly(module).splitlines())
    return [re.sub(r"\s+", " ", line) for line in found if line and not line.startswith((".", "//"))]


@pytest.mark.parametrize("kernel", [run(), repeat()], ids=lambda kernel: kernel.name)
def test_no_word_of_a_job_is_seen_before_the_last_ticket_is_void(kernel):
    # STLR waits for what was written before, not with what is written after: a helper that still holds the old ticket
    # could read the new job under it, and run a chunk of it that is then run again.
    lines = _for_arm(kernel)
    published = [at for at, line in enumerate(lines) if line.startswith("stlr ")]
    assert len(published) == 2, "a ticket is made void, and another one published"
    void, new = published
    written = [at for at in range(void + 1, new) if re.match(r"st[rpu]", lines[at])]
    barriers = [at for at in range(void + 1, new) if lines[at] == "dmb ish"]
    assert written
    assert barriers
    assert barriers[0] < written[0], lines[void : new + 1]
