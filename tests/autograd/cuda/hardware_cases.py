"""The GPU's side of the engine against a driver that checks every call; pytest in a process of its own runs this, because
numba.cuda is a GPU's or the simulator's for the whole of a process."""

import ctypes
import gc
import os
import re
import signal
import threading
from pathlib import Path

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.engines.cuda.program import CudaProgram
from nngraph.autograd.errors import NngraphError, NoDevice, OutOfDeviceMemory
from nngraph.autograd.kernels import code_cache
from nngraph.autograd.kernels.cuda import hardware as page
from nngraph.autograd.kernels.cuda import ptx, windows
from nngraph.autograd.kernels.cuda.driver import SIGNATURES, DriverError
from nngraph.autograd.kernels.cuda.hardware import Hardware
from nngraph.autograd.kernels.cuda.ptx import Source, compiled, widths, write_all

from tests.autograd.cuda.fake_driver import FakeDriver

TEXT = """def kernel(x, a, b, c, d, e, f, count):
    at = uint32(cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x)
    if at < count:
        x[at] = x[at] + a + float32(b) + float32(c) + float32(d) + float32(e) + float32(f)
"""
KINDS = ("float32*", "float32", "int64", "uint32", "int8", "float64", "bool", "uint32")


@pytest.fixture
def fake():
    return FakeDriver()


@pytest.fixture
def device(fake):
    return Hardware(fake.driver)


def learning():
    """A leaf, and what a step of learning gives and does; labels may be refused."""
    x, t = ng.input("x", shape=(ng.Size("N", 4), 3), dtype=np.float32), ng.input("t", shape=(ng.Size("N", 4),), dtype=np.int64)
    w = ng.parameter("w", np.ones((3, 2), np.float32))
    loss = ng.softmax_loss(x @ w, t)
    return (x, t), w, loss, {w: w - 0.5 * ng.gradient(loss, [w])[0]}


def program(device):
    inputs, w, loss, updates = learning()
    return CudaProgram([loss], updates, device), inputs, w


DATA = [np.ones((4, 3), np.float32), np.zeros(4, np.int64)]


# The boundary ---------------------------------------------------------------------------------------------------------
def test_functions_are_called_as_nvidia_declares_them():
    nvidia = pytest.importorskip("nvidia")
    headers = [found for folder in nvidia.__path__ for found in Path(folder).glob("*/include/cuda.h")]
    if not headers:
        pytest.skip("the package with cuda.h is not installed")
    header = headers[0].read_text(encoding="utf-8")
    width = {"int": 4, "unsigned int": 4, "unsigned char": 1, "size_t": 8, "CUdeviceptr": 8, "CUdevice": 4,
             "unsigned long long": 8, "CUresult": 4, "CUdevice_attribute": 4, "CUfunction_attribute": 4,
             "CUstreamCaptureMode": 4}  # fmt: skip
    handles = {"CUcontext", "CUstream", "CUmodule", "CUfunction", "CUevent", "CUgraph", "CUgraphExec"}
    for name, types in SIGNATURES.items():
        # The name with a number or an ending is the one that programs are linked to.
        renamed = re.search(rf"^\s*#define (\w+)\s+(?:__CUDA_API_PT[DS][SZ]\()?{name}\b", header, re.MULTILINE)
        plain = renamed.group(1) if renamed else name
        declared = re.search(rf"^CUresult CUDAAPI {plain}\(([^;]*)\);", header, re.MULTILINE)
        assert declared is not None, name
        linked = re.search(rf"#define {plain}\s+(?:__CUDA_API_PT[DS][SZ]\()?(\w+)", header)
        assert linked is None or linked.group(1) == name or name == "cuEventElapsedTime", name
        arguments = [re.sub(r"\s+", " ", each).strip() for each in declared.group(1).split(",")]
        assert len(arguments) == len(types), name
        for argument, kind in zip(arguments, types):
            said = argument.rsplit(" ", 1)[0].removeprefix("const ")
            if "*" in argument or said in handles:
                assert ctypes.sizeof(kind) == 8, (name, argument)
                if argument.count("*") == 1 and (pointed := width.get(said.replace("*", "").strip())):
                    target = getattr(kind, "_type_", kind)
                    assert kind is ctypes.c_void_p or ctypes.sizeof(target) == pointed, (name, argument)
            else:
                assert ctypes.sizeof(kind) == width[said], (name, argument)


def test_arguments_have_the_width_that_the_kernel_declares(fake, device):
    memory = device.memory(1024)
    kernel = device.kernel(TEXT, KINDS, 128)
    place = device.part(memory, "float32", 2, 100)
    given = [place, np.float32(1.5), np.int64(-7), np.uint32(4_000_000_000), np.int8(-3), np.float64(0.1), np.bool_(True), np.uint32(100)]
    kernel((3, 2, 1), 64, given)
    (seen,) = fake.launched
    assert (seen.blocks, seen.threads, seen.shared) == ((3, 2, 1), 64, 0)
    assert place == memory.address + 8
    floats = [int(np.float32(1.5).view(np.uint32)), int(np.float64(0.1).view(np.uint64))]
    assert seen.values == (place, floats[0], 2**64 - 7, 4_000_000_000, 253, floats[1], 1, 100)
    with pytest.raises(NngraphError, match="takes 8 arguments"):
        kernel((1, 1, 1), 64, given[:-1])
    with pytest.raises(NngraphError, match="of 1024 bytes"):
        device.part(memory, "float32", 200, 100)


def test_a_kernel_whose_declaration_is_another_is_not_launched(device, monkeypatch):
    monkeypatch.setitem(page.WIDTHS, "int8", ctypes.c_int32)
    with pytest.raises(NngraphError, match="was compiled to take"):
        device.kernel(TEXT, KINDS, 128)


# Programs -------------------------------------------------------------------------------------------------------------
def test_the_first_call_launches_and_the_others_replay(fake, device):
    run, inputs, w = program(device)
    run.run(inputs, DATA)
    first = [(each.kernel, each.values, each.blocks, each.threads) for each in fake.launched]
    assert len(first) >= 4
    assert not fake.ready
    for _ in range(3):
        run.run(inputs, DATA)
        assert len(fake.ready) == 1
    assert [(each.kernel, each.values, each.blocks, each.threads) for each in fake.launched] == first * 4
    assert np.isnan(w.value).all() or np.isfinite(w.value).all()
    assert run.elapsed(5) == 5 * len(first)
    assert not fake.contexts.stack


def test_epochs_wait_once_for_a_stretch(fake, device, monkeypatch):
    run, inputs, _ = program(device)
    once = len(run.binding.pieces[0])
    data = [np.ones((40, 3), np.float32), np.zeros(40, np.int64)]
    many = run.many_steps(inputs, data, 4)
    records = [count for count, _, _ in many(np.arange(40)[::-1].copy(), 10)]
    assert sum(records) == 10
    assert records[0] == 1
    # Two inputs are taken, and the end is one launch.
    assert len(fake.launched) == 10 * (once + 3)
    asked = fake.waits
    monkeypatch.setattr("nngraph.autograd.engines.cuda.epochs.STRETCH", 1e9)
    alone = [count for count, _, _ in many(None, 30)]
    assert alone == [30]
    # For what was refused, for the results, and before the order of the last epoch is freed; the data are there.
    assert fake.waits - asked == 3
    assert len(fake.ready) <= 2


def test_a_capture_that_fails_is_an_error_and_changes_nothing(fake, device, monkeypatch):
    run, inputs, w = program(device)
    run.run(inputs, DATA)
    before = w.value
    refused = lambda *_: (_ for _ in ()).throw(DriverError("no: {name}", number=901, name="invalidated"))  # noqa: E731
    monkeypatch.setattr(device.driver, "cuGraphInstantiateWithFlags", refused)
    with pytest.raises(DriverError, match="invalidated"):
        run.run(inputs, DATA)
    np.testing.assert_array_equal(w.value, before)
    monkeypatch.undo()
    run.run(inputs, DATA)
    assert len(fake.ready) == 1


def test_the_first_error_of_a_capture_is_the_one_that_is_told_and_no_graph_is_left(fake, device, monkeypatch):
    memory = device.memory(64)
    clear = lambda: device.clear(memory, 64)  # noqa: E731

    def fails():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        device.captured([clear, fails])
    assert not fake.graphs
    ended = fake.driver.cuStreamEndCapture

    def refuses(*arguments):
        ended(*arguments)
        raise DriverError("no: {name}", number=901, name="invalidated")

    monkeypatch.setattr(device.driver, "cuStreamEndCapture", refuses)
    with pytest.raises(ZeroDivisionError):
        device.captured([clear, fails])
    with pytest.raises(DriverError, match="invalidated"):
        device.captured([clear])
    monkeypatch.undo()
    monkeypatch.setattr(device.driver, "cuGraphInstantiateWithFlags", lambda *_: fails())
    with pytest.raises(ZeroDivisionError):
        device.captured([clear])
    monkeypatch.undo()
    monkeypatch.setattr(device.driver, "cuGraphUpload", lambda *_: fails())
    with pytest.raises(ZeroDivisionError):
        device.captured([clear])
    monkeypatch.undo()
    gc.collect()
    assert not fake.graphs
    assert not fake.ready
    device.captured([clear])()
    assert not fake.capturing


def test_two_programs_and_two_threads_share_a_leaf(fake, device):
    (inputs, w, loss, updates) = learning()
    one, other = CudaProgram([loss], updates, device), CudaProgram([w * 2.0], {}, device)
    failed = []

    def work():
        try:
            for _ in range(5):
                one.run(inputs, DATA)
                other.run((), [])
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not failed
    assert w.value.shape == (3, 2)


def test_leaves_that_programs_share_do_not_go_through_the_processor(fake, device):
    inputs, w, loss, updates = learning()
    one, other = CudaProgram([], updates, device), CudaProgram([], {w: w * 0.5}, device)
    asked = CudaProgram([ng.sum(w)], {}, device)
    one.run(inputs, DATA)
    address = w._home.array.memory.address
    ctypes.memmove(address, np.arange(6, dtype=np.float32).ctypes.data, 24)
    sent, fetched = fake.sent, fake.fetched
    for _ in range(2):
        other.run((), [])
        asked.run((), [])
    # What comes back is the sum of all, and whether data were refused; what goes there, nothing.
    assert fake.sent == sent
    assert fake.fetched == fetched + 4 * 4 + 2 * 4
    assert w._home is other.homes[w]
    np.testing.assert_array_equal(w.value, np.arange(6).reshape(3, 2))
    w.value = np.ones((3, 2), np.float32)
    asked.run((), [])
    assert fake.sent == sent + 24


def test_memory_and_graphs_go_with_their_program(fake, device):
    run, inputs, w = program(device)
    run.run(inputs, DATA)
    run.run(inputs, DATA)
    assert fake.used > 0
    w.value = np.zeros((3, 2), np.float32)
    del run
    gc.collect()
    device.free()
    assert fake.used == 0
    assert not fake.ready


def test_memory_of_programs_that_nobody_has_is_found_before_it_is_said_to_be_too_little():
    fake = FakeDriver(total=14_000)
    device = Hardware(fake.driver)
    gc.disable()
    try:
        for _ in range(4):
            run, inputs, _ = program(device)
            run.run(inputs, DATA)
        run = inputs = _ = None
        device.memory(13_000)
    finally:
        gc.enable()


def test_data_leave_the_gpu_when_an_epoch_is_over_unless_nobody_can_change_them(fake, device):
    run, inputs, _ = program(device)
    x, t = np.ones((40, 3), np.float32), np.zeros(40, np.int64)
    x.flags.writeable = False
    sizes = []
    for _ in range(2):
        list(run.many_steps(inputs, [x[:], t[:]], 4)(None, 3))
        sizes.append(device.free())
    assert sizes[0] == sizes[1]
    del x
    assert device.free() == sizes[0] + 480


def test_garbage_is_not_freed_within_a_capture(fake, device):
    held = [device.memory(64)]

    def drop():
        held.clear()
        gc.collect()

    device.captured([drop])
    assert device.free() == fake.total


@pytest.mark.skipif(os.name == "nt", reason="a process cannot interrupt itself there")
def test_an_interrupt_waits_for_the_end_of_a_step(fake, device):
    done = []
    with pytest.raises(KeyboardInterrupt):
        device.run([lambda: os.kill(os.getpid(), signal.SIGINT), lambda: done.append(1)])
    assert done == [1]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_every_instruction_is_measured_also_inside_a_loop(fake, device):
    x, w = ng.input("x", shape=(3, 2, 4), dtype=np.float32), ng.parameter("w", np.eye(4, dtype=np.float32))
    last, _ = ng.scan(lambda state, row: (ng.tanh(state @ w + row), None), ng.constant(np.zeros((2, 4), np.float32)), x)
    run = CudaProgram([ng.sum(last)], {}, device)
    plan = run.report((x,), ["y"])
    assert plan.engine == "cuda"
    assert any(each.body for each in plan)
    profile = plan.profile(repeat=2)
    assert all(row.seconds > 0 for row in profile.rows)
    number = next(each.number for each in plan if each.body)
    # The driver of the tests counts launches, each of them a millisecond.
    inner = [row.seconds for row in profile.rows if row.instruction.number.startswith(f"{number}.")]
    assert profile.seconds[number] == pytest.approx(3 * sum(inner))
    assert ".entry" in plan.source("1", form="assembly")


# What a person is told ------------------------------------------------------------------------------------------------
def test_what_does_not_fit_says_so():
    fake = FakeDriver(total=1000)
    device = Hardware(fake.driver)
    with pytest.raises(OutOfDeviceMemory, match=r"4 kB of the GPU's memory are needed, and 1 kB are free"):
        device.memory(4000)
    with pytest.raises(OutOfDeviceMemory, match="1 kB are free"):
        program(device)


def test_a_driver_older_than_the_compiler_is_told_from_a_mistake():
    device = Hardware(FakeDriver(newest_ptx=8.0).driver)
    with pytest.raises(NoDevice, match=r"writes PTX 9\.\d, and the driver of this GPU, which is of CUDA 13\.0"):
        device.kernel(TEXT, KINDS, 128)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no forks")
def test_a_forked_process_is_told_that_it_has_no_gpu(fake, device):
    run, inputs, w = program(device)
    run.run(inputs, DATA)
    child = os.fork()
    if not child:
        try:
            w.value  # noqa: B018
        except NoDevice as error:
            os._exit(7 if "spawn" in str(error) else 8)
        os._exit(9)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert w.value.shape == (3, 2)


# On disk --------------------------------------------------------------------------------------------------------------
def test_windows_are_found_without_a_division_of_64_bits():
    geometry = ("int32", "int32", "uint32", "uint32", *["int32"] * 8, "uint32")
    for make, arrays in ((windows.max_pool, 2), (windows.max_pool_back, 3), (windows.average_pool_back, 3), (windows.overlap_add, 2)):
        ptx = compiled(make("float32").text(), (*("float32*", "uint32") * arrays, *geometry), "90", 256)
        assert re.search(r"div\.u32", ptx)
        assert not re.search(r"(div|rem)\.[su]64", ptx), make.__name__


def test_what_tests_read_in_machine_code_is_no_part_of_what_writes_it():
    assert "gate" not in ptx._PAGES
    assert compiled.__module__ == ptx.__name__
    page = Path(ptx.__file__).read_text(encoding="utf-8")
    assert "gate" not in page


def test_kernels_are_written_by_several_processes_and_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("NNGRAPH_CACHE", str(tmp_path / "cache"))
    code_cache.folders.cache_clear()
    try:
        sources = [Source(TEXT.replace("x[at] + a", f"x[at] * float32({at}) + a"), KINDS, "90", 128) for at in range(4)]
        monkeypatch.setattr("nngraph.autograd.kernels.cuda.ptx.processors", lambda: 2)
        write_all(sources)
        kept = [code_cache.read(source.key) for source in sources]
        assert all(each is not None and b".entry" in each for each in kept)
        assert widths(kept[0]) == [8, 4, 8, 4, 1, 8, 1, 4]
        # What was cut off is written anew, and so is what no driver takes.
        (path,) = (tmp_path / "cache").glob(f"{sources[0].key}*")
        path.write_bytes(path.read_bytes()[:100])
        assert b".entry" in sources[0].ptx()
        assert code_cache.read(sources[0].key) is not None
        code_cache.write(sources[1].key, b"no PTX")
        Hardware(FakeDriver().driver).kernel(sources[1].text, KINDS, 128)
        assert b".entry" in code_cache.read(sources[1].key)
    finally:
        code_cache.folders.cache_clear()
