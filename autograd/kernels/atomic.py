"""What the interpreter needs of the processor: words that several threads may change, ways to wait, and how tiny numbers
are treated."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from llvmlite import ir

from .machine import machine
from .vector import INT32, INT64, Lanes, declared

FLUSHED = 0x8040
"""The bits of the x86 control register that make operands and results which are too small 0."""


def _control(builder: Any, name: str) -> Any:
    return declared(builder.module, f"llvm.x86.sse.{name}", ir.VoidType(), [INT32.as_pointer()])


def atomics(v: SimpleNamespace) -> SimpleNamespace:
    """Functions for kernels, over addresses of int64 words.

    `look(address)` what stands there now; `publish(address, number)` put it there after everything written before;
    `fence()` nothing is read or written before it that stands after it, nor the other way round, save that what is
    written before may still be on its way when what stands after is read;
    `swap(address, old, new)` put `new` where `old` stands, and whether it stood there; `add(address, number)`;
    `pause()` wait a moment; `give_way()` let another thread have the processor. `flush()`: from here on numbers too small
    to be normal are 0, which keeps the processor from slowing down a hundredfold; it gives what `restore` takes.
    """
    from numba import types

    here = machine()

    def place(builder: Any, address: Lanes) -> Any:
        return builder.inttoptr(address.value, INT64.as_pointer())

    @v.inline(v.I, v.I)
    def look(builder: Any, address: Lanes) -> Lanes:
        return Lanes(builder, builder.load_atomic(place(builder, address), "acquire", 8))

    @v.inline(v.none, v.I, v.I)
    def publish(builder: Any, address: Lanes, number: Lanes) -> None:
        builder.store_atomic(number.value, place(builder, address), "seq_cst", 8)

    @v.inline(v.none)
    def fence(builder: Any) -> None:
        builder.fence("acq_rel")

    @v.inline(types.boolean, v.I, v.I, v.I)
    def swap(builder: Any, address: Lanes, old: Lanes, new: Lanes) -> Lanes:
        pair = builder.cmpxchg(place(builder, address), old.value, new.value, "seq_cst", "seq_cst")
        return Lanes(builder, builder.extract_value(pair, 1))

    @v.inline(v.none, v.I, v.I)
    def add(builder: Any, address: Lanes, number: Lanes) -> None:
        builder.atomic_rmw("add", place(builder, address), number.value, "seq_cst")

    @v.inline(v.none)
    def pause(builder: Any) -> None:
        if here.triple.startswith(("x86_64", "i686")):
            builder.call(declared(builder.module, "llvm.x86.sse2.pause", ir.VoidType(), []), [])
        elif here.triple.startswith(("aarch64", "arm64")):
            builder.call(declared(builder.module, "llvm.aarch64.hint", ir.VoidType(), [INT32]), [INT32(1)])

    @v.inline(v.none)
    def give_way(builder: Any) -> None:
        # Windows has no function of this name; there a helping thread only pauses.
        if "windows" not in here.triple:
            builder.call(declared(builder.module, "sched_yield", INT32, []), [])

    x86 = here.triple.startswith(("x86_64", "i686"))

    @v.inline(v.I)
    def flush(builder: Any) -> Lanes:
        if not x86:
            return Lanes(builder, INT64(0))
        place = builder.alloca(INT32)
        store, load = (_control(builder, name) for name in ("stmxcsr", "ldmxcsr"))
        builder.call(store, [place])
        before = builder.load(place)
        builder.store(builder.or_(before, INT32(FLUSHED)), place)
        builder.call(load, [place])
        return Lanes(builder, builder.zext(before, INT64))

    @v.inline(v.none, v.I)
    def restore(builder: Any, before: Lanes) -> None:
        if x86:
            place = builder.alloca(INT32)
            builder.store(builder.trunc(before.value, INT32), place)
            builder.call(_control(builder, "ldmxcsr"), [place])

    return SimpleNamespace(look=look, publish=publish, fence=fence, swap=swap, add=add, pause=pause, give_way=give_way,
                           flush=flush, restore=restore)  # fmt: skip
