"""Whole programs on numba's simulator: epochs that never come back to the processor, data that are refused, memory that ends."""

import gc
import subprocess
import sys

import nngraph as ng
import numpy as np
import pytest
from nngraph import nets
from nngraph.autograd.errors import NngraphError, OutOfDeviceMemory, ParameterError
from nngraph.nets.estimators import MLPClassifier

pytest.importorskip("numba_cuda", reason="the extra cuda is not installed")
from nngraph.autograd.engines.compiled.calls import Buffer, Fallback, View
from nngraph.autograd.engines.compiled.planned import planned
from nngraph.autograd.engines.cuda import epochs, memory
from nngraph.autograd.engines.cuda.target import FALLBACKS, target_of
from nngraph.autograd.executable import OFFERED, report_of
from nngraph.autograd.kernels.cuda import rows
from nngraph.autograd.kernels.cuda.arguments import Argument, of_view
from nngraph.autograd.kernels.cuda.device import simulator
from nngraph.autograd.kernels.cuda.driver import driver

SIMULATED = "cuda-simulator"


@pytest.fixture(scope="module", autouse=True)
def simulated():
    return simulator()


def line_of(engine, batch, width=3, dtype=np.float32):
    """A step that learns a line, with the answers of the batch as a second output."""
    x = ng.input("x", shape=(ng.Size("N", batch), width), dtype=dtype)
    t = ng.input("t", shape=(ng.Size("N", batch), 1), dtype=dtype)
    w = ng.parameter("w", np.linspace(-1, 1, width).reshape(width, 1).astype(dtype))
    answer = x @ w
    loss = ng.mean((answer - t) ** 2)
    step = ng.compile([loss, answer], [x, t], {w: w - 0.1 * ng.gradient(loss, [w])[0]}, engine)
    return step, w


def rows_for(count, rng, width=3, dtype=np.float32):
    data = rng.standard_normal((count, width)).astype(dtype)
    return data, (data @ np.ones((width, 1), dtype)).astype(dtype)


def outputs_of(step, data, **how):
    """What all steps gave, output by output, and how many records there were."""
    records = list(step.epochs(data, **how))
    steps = [[output for record in records for output in record.outputs[at]] for at in range(2)]
    return steps, records


@pytest.mark.parametrize("optimizer", [nets.SGD(0.1), nets.Adam(0.05)], ids=["SGD", "Adam"])
def test_two_epochs_with_a_short_last_batch_give_the_processors_losses(optimizer, rng):
    X, t = rng.standard_normal((13, 6)).astype(np.float32), rng.integers(0, 3, 13)
    losses, weights = {}, {}
    for engine in ("numba", SIMULATED):
        net = nets.MLP([6, 4, 3], rng=0)
        losses[engine] = [each.loss for each in net.fit(ng.softmax_loss, (X, t), epochs=2, batch=5, optimizer=optimizer, engine=engine)]
        weights[engine] = net.values()
    np.testing.assert_allclose(losses[SIMULATED], losses["numba"], rtol=1e-6)
    for path, value in weights["numba"].items():
        np.testing.assert_allclose(weights[SIMULATED][path], value, rtol=1e-4, atol=1e-6)


def test_an_estimator_learns_there():
    rng = np.random.default_rng(2)
    X = rng.standard_normal((10, 4))
    y = np.where(X[:, 0] > 0, "up", "down")
    made = {
        engine: MLPClassifier(hidden=(4,), epochs=2, batch=5, random_state=0, engine=engine).fit(X, y)
        for engine in ("numba", SIMULATED)
    }
    losses = {engine: [record.loss for record in each.history_] for engine, each in made.items()}
    np.testing.assert_allclose(losses[SIMULATED], losses["numba"], rtol=1e-5)
    np.testing.assert_allclose(made[SIMULATED].predict_proba(X), made["numba"].predict_proba(X), rtol=1e-4)


@pytest.mark.parametrize("shuffle", [None, 3])
@pytest.mark.parametrize(("width", "dtype"), [(3, np.float32), (4, np.float32), (2, np.float64)])
def test_rows_are_taken_and_recorded_as_on_the_processor(shuffle, width, dtype, rng):
    data = rows_for(11, rng, width, dtype)
    found = {}
    for engine in ("numpy", SIMULATED):
        step, w = line_of(engine, 4, width, dtype)
        found[engine], records = outputs_of(step, data, batch=4, epochs=2, shuffle=shuffle)
        assert sum(record.count for record in records) == 6
        assert [epoch for record in records for epoch in record.ended] == [0, 1]
        found[engine].append([w.value])
    for one, other in zip(found[SIMULATED], found["numpy"]):
        for each, right in zip(one, other, strict=True):
            np.testing.assert_allclose(each, right, rtol=1e-5, atol=1e-6)


def test_long_results_are_recorded_by_a_kernel_of_their_own(monkeypatch, rng):
    monkeypatch.setattr(rows, "SMALL", 3)
    monkeypatch.setattr(epochs, "STRETCH", 1e9)
    for batch in (8, 5):
        data = rows_for(2 * batch, rng)
        right, _ = outputs_of(line_of("numpy", batch)[0], data, batch=batch, epochs=2)
        found, records = outputs_of(line_of(SIMULATED, batch)[0], data, batch=batch, epochs=2)
        assert [record.count for record in records] == [1, 3]
        np.testing.assert_allclose(np.array(found[1]), np.array(right[1]), rtol=1e-5, atol=1e-6)


def test_a_stretch_is_as_long_as_there_is_room_for_records(monkeypatch, rng):
    monkeypatch.setattr(epochs, "RECORDED", 40)
    monkeypatch.setattr(epochs, "STRETCH", 1e9)
    data = rows_for(8, rng)
    right, _ = outputs_of(line_of("numpy", 4)[0], data, batch=4, epochs=3)
    found, records = outputs_of(line_of(SIMULATED, 4)[0], data, batch=4, epochs=3)
    assert [record.count for record in records] == [1, 2, 2, 1]
    np.testing.assert_allclose(found[0], right[0], rtol=1e-5)


def picks_of(engine):
    """A step that refuses numbers of rows that a table has not, and counts its calls."""
    places = ng.input("i", shape=(2, 1), dtype=np.int64)
    table, calls = ng.parameter("table", np.arange(8.0, dtype=np.float32).reshape(4, 2)), ng.state("calls", np.int64(0))
    loss = ng.sum(ng.gather(table, places) ** 2)
    updates = {table: table - 0.25 * ng.gradient(loss, [table])[0], calls: calls + 1}
    return ng.compile([loss, table], [places], updates, engine), table, calls


@pytest.mark.parametrize("wrong", [0, 3, 5])
def test_steps_before_refused_data_are_done_and_none_after(wrong, monkeypatch):
    places = np.array([0, 1, 2, 3, 3, 1, 0, 0, 1, 2, 2, 2]).reshape(12, 1)
    places[2 * wrong] = 4
    left = {}
    monkeypatch.setattr(epochs, "STRETCH", 1e9)
    for engine in ("numba", SIMULATED):
        step, table, calls = picks_of(engine)
        with pytest.raises(NngraphError, match="4"):
            list(step.epochs([places], batch=2))
        left[engine] = table.value, int(calls.value)
        assert np.isfinite(step(places[:2] % 4)[0])
    assert left["numba"][1] == left[SIMULATED][1] == wrong
    np.testing.assert_array_equal(left["numba"][0], left[SIMULATED][0])


def test_what_numpy_does_in_the_middle_divides_a_step_into_pieces(monkeypatch, rng):
    monkeypatch.setitem(FALLBACKS, "cumsum", "this test says so")
    x = ng.input("x", shape=(ng.Size("N", 4), 3), dtype=np.float32)
    w = ng.parameter("w", np.ones(3, np.float32))
    last = ng.mean(ng.tanh(ng.cumsum(x * w, axis=1)))
    data = rng.standard_normal((8, 3)).astype(np.float32)
    found = {}
    for engine in ("numpy", SIMULATED):
        w.value = np.ones(3, np.float32)
        step = ng.compile(last, [x], {w: w - ng.gradient(last, [w])[0]}, engine)
        calls = [float(step(data[:4])) for _ in range(3)]
        found[engine] = [*calls, *(loss for record in step.epochs([data], batch=4) for loss in record.outputs[0]), *w.value]
    pieces = step._first[1].pieces
    assert [isinstance(piece, list) for piece in pieces[:3]] == [True, False, True]
    assert not step._first[1].is_native
    np.testing.assert_allclose(found[SIMULATED], found["numpy"], rtol=1e-5)


def test_a_ctrl_c_between_two_steps_keeps_those_that_are_done(monkeypatch, rng):
    monkeypatch.setattr(epochs, "STRETCH", 1e9)
    data = rows_for(20, rng)
    step, w = line_of(SIMULATED, 4)
    program = step._first[1]
    list(step.epochs([each[:4] for each in data], batch=4))
    before, captured, calls = w.value, program.device.captured, []

    def interrupted(launches):
        run = captured(launches)

        def once(times):
            for _ in range(times):
                run()
                calls.append(1)
                if len(calls) == 2:
                    raise KeyboardInterrupt

        return once

    monkeypatch.setattr(program.device, "captured", interrupted)
    program._stepping._captured = None
    with pytest.raises(KeyboardInterrupt):
        list(step.epochs(data, batch=4))
    monkeypatch.undo()
    again, other = line_of("numpy", 4)
    other.value = before
    list(again.epochs([each[:8] for each in data], batch=4))
    np.testing.assert_allclose(w.value, other.value, rtol=1e-5)


def test_data_that_nobody_can_change_are_sent_once_and_others_anew(rng):
    x, t = rows_for(8, rng)
    lasting = x.copy()
    lasting.flags.writeable = False
    step, w = line_of(SIMULATED, 4)
    made = []
    for _ in range(2):
        start = w.value
        w.value = start
        list(step.epochs([lasting, t], batch=4))
        made.append([each() for each in step._first[1]._stepping._data])
    assert made[0][0] is made[1][0] is not None
    assert made[0][1] is made[1][1] is None
    del made
    first, second = line_of(SIMULATED, 4), line_of("numpy", 4)
    for each, _ in (first, second):
        moving = x.copy()
        list(each.epochs([moving, t], batch=4))
        moving[...] *= 2
        list(each.epochs([moving, t], batch=4))
    np.testing.assert_allclose(first[1].value, second[1].value, rtol=1e-5)
    del step, first, second, each
    gc.collect()
    assert not [key for key in memory._RESIDENT if key[3] == (8, 3) and key[2] != lasting.ctypes.data]


def test_what_a_lasting_array_was_given_for_is_asked_for_anew(rng):
    x, _ = rows_for(4, rng)
    leaf = ng.input("x", shape=(4, 3), dtype=np.float32)
    double = ng.compile(leaf * 2, leaf, engine=SIMULATED)
    x.flags.writeable = False
    y = x + 1
    for given in (x, x, y, x):
        np.testing.assert_array_equal(double(given), given * 2)


# Memory ---------------------------------------------------------------------------------------------------------------
@pytest.fixture
def small(simulated):
    """The simulator with as much free memory as the test says."""
    gc.collect()
    yield lambda count: setattr(simulated, "limit", simulated.used + count)
    simulated.limit = None


def wide(batch):
    x = ng.input("x", shape=(ng.Size("N", batch), 64), dtype=np.float32)
    return ng.tanh(x) @ ng.constant(np.eye(64, dtype=np.float32)), x


def test_without_memory_the_batch_that_would_fit_is_named(small):
    small(150_000)
    with pytest.raises(OutOfDeviceMemory) as caught:
        ng.compile(*wide(1000), engine=SIMULATED)
    assert "150 kB are free" in str(caught.value)
    count = caught.value.fields["count"]
    assert f"a batch of {count} would fit" in str(caught.value)
    run = ng.compile(*wide(count), engine=SIMULATED)
    assert run(np.zeros((count, 64), np.float32)).shape == (count, 64)
    del run
    gc.collect()
    with pytest.raises(OutOfDeviceMemory):
        ng.compile(*wide(count + 1), engine=SIMULATED)


def test_without_memory_for_one_row_that_is_said(small):
    small(10_000)
    with pytest.raises(OutOfDeviceMemory, match="not even a batch of one row"):
        ng.compile(*wide(1000), engine=SIMULATED)
    x = ng.input("x", shape=(1000, 64), dtype=np.float32)
    with pytest.raises(OutOfDeviceMemory, match=r"513 kB of the GPU.s memory are needed, and 10 kB are free$"):
        ng.compile(ng.tanh(x), x, engine=SIMULATED)


def test_data_that_do_not_fit_are_said_to_go_in_part_by_part(small, rng, monkeypatch):
    monkeypatch.setattr(epochs, "RECORDED", 1000)
    step, w = line_of(SIMULATED, 4)
    data = rows_for(4000, rng)
    small(10_000)
    list(step.epochs([each[:8] for each in data], batch=4))
    with pytest.raises(OutOfDeviceMemory, match=r"the data set has 64 kB.* are free; call epochs with one part of the rows") as caught:
        list(step.epochs(data, batch=4, epochs=1))
    assert caught.value.asked == 64_000
    parts = [[each[first : first + 8] for each in data] for first in (0, 8)]
    before = w.value
    for part in parts:
        list(step.epochs(part, batch=4))
    assert not np.array_equal(w.value, before)


def test_a_batch_that_is_too_large_leaves_the_smaller_ones(small):
    run = ng.compile(*wide(4), engine=SIMULATED)
    small(100_000)
    with pytest.raises(OutOfDeviceMemory, match="a batch of"):
        run(np.zeros((1000, 64), np.float32))
    np.testing.assert_array_equal(run(np.zeros((4, 64), np.float32)), 0)


def test_programs_that_nobody_has_leave_room_at_once(small):
    small(150_000)
    gc.disable()
    try:
        for _ in range(4):
            run = ng.compile(*wide(100), engine=SIMULATED)
            run(np.zeros((100, 64), np.float32))
            run = None
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda x, y: ng.tanh(x), "4900000000 numbers"),
        (lambda x, y: x @ y, r"shape \(70000, 70000\) reaches over 4900000000 numbers"),
        (lambda x, y: y @ ng.transpose(y), r"shape \(70000, 70000\) reaches over 4900000000 numbers"),

    ],
)
def test_more_numbers_than_32_bits_count_are_refused_before_anything_runs(make, said):
    x, y = ng.input("x", shape=(70000, 70000), dtype=np.float32), ng.input("y", shape=(70000, 8), dtype=np.float32)
    with pytest.raises(NngraphError, match=f'{said}.*use smaller batches.*engine="numba"'):
        planned([make(x, y)], {}, target_of("cuda"))


def test_numbers_too_far_apart_are_refused_as_well():
    assert Argument("int32", -(2**31)).value == -(2**31)
    for far in (2**31, -(2**31) - 1):
        with pytest.raises(NngraphError, match=f"{far} apart.*use smaller batches"):
            Argument("int32", far)
    far = View(Buffer("result"), np.dtype(np.float32), (2,), (2**32 - 2**24 - 2,), 0)
    assert of_view(far).value is far
    with pytest.raises(NngraphError, match=r"shape \(2,\) reaches over 4294967297 numbers"):
        of_view(View(far.buffer, far.dtype, (2,), (-(2**32),), 2**32))


def test_memory_is_free_again_when_programs_are_gone(simulated, rng):
    gc.collect()
    before = simulated.used
    step, w = line_of(SIMULATED, 4)
    list(step.epochs(rows_for(8, rng), batch=4))
    assert simulated.used > before
    value = w.value
    del step
    gc.collect()
    # The leaf lived with the program; its value has come back.
    np.testing.assert_array_equal(w.value, value)
    del w
    gc.collect()
    assert simulated.used <= before + 1024


@pytest.mark.parametrize(
    "windows",
    [
        lambda: ng.conv2d(long_rows(1, 1, 50000, 50000), long_rows(1, 1, 3, 3)),
        lambda: ng.max_pool2d(long_rows(1, 1, 50000, 50000), 2),
    ],
)
def test_images_that_31_bits_do_not_count_are_refused(windows):
    with pytest.raises(NngraphError, match="more than a GPU kernel of this engine counts, which stays below 2147483648"):
        planned([windows()], {}, target_of("cuda"))


def test_a_view_of_a_long_array_stays_on_the_gpu():
    count = (1 << 28) + 8
    for node in (long_rows(count)[::-1], long_rows(count)[::2], long_rows(count // 8, 8)[:, 1:]):
        assert not [call for call in planned([node * 2], {}, target_of("cuda")).calls if isinstance(call.code, Fallback)]


def long_rows(*shape):
    return ng.input("x", shape=shape, dtype=np.float32)


# What is told ---------------------------------------------------------------------------------------------------------
def test_the_simulator_is_for_tests_and_never_called_a_gpu():
    assert OFFERED == ("numpy", "numba", "cuda", "cuda-tf32", "cuda-cublas")
    with pytest.raises(ParameterError, match="there is 'numpy', 'numba', 'cuda', 'cuda-tf32', 'cuda-cublas'$"):
        ng.compile(ng.constant(1.0), engine="gpu")
    step, _ = line_of(SIMULATED, 4)
    assert step.plan.engine == SIMULATED
    assert "cuda-simulator" in repr(step.plan)


def test_a_plan_tells_its_own_kernels_and_no_times_of_another_engine():
    step, _ = line_of(SIMULATED, 4)
    plan = step.plan
    assert report_of(SIMULATED, step.outputs, step.updates, step.inputs, ["loss", "answer"]).engine == SIMULATED
    for each in plan.all():
        assert "def kernel(" in plan.source(each.number)
    assert "def kernel(" in plan.explain(source=True)
    with pytest.raises(NngraphError, match="nothing of how long a GPU takes"):
        plan.profile()
    with pytest.raises(ParameterError, match="assembly"):
        plan.source("1", form="llvm")
    assert ng.draw(plan).svg().count("cuda-simulator") <= 1


@pytest.mark.parametrize("engine", ["cuda", "cuda-simulator"])
def test_the_command_line_trains_on_a_gpu_or_says_that_there_is_none(engine, tmp_path):
    command = [sys.executable, "-m", "nngraph", "train", "mlp", "--data", "blobs", "--epochs", "1", "--engine", engine]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    if engine == "cuda":
        assert driver() is not None or (done.returncode == 1 and "needs an NVIDIA GPU" in done.stderr)
    else:
        assert done.returncode == 2
        assert "there are numpy, numba, cuda" in done.stderr
    assert done.returncode == 0 or done.stdout == ""
