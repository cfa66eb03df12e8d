"""Threads and processes: the same results with any number of threads, no step lost, no leaf half changed, forks, and ends."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.engines.compiled.running import workers
from nngraph.autograd.engines.compiled.running.code import ENTRY, Code
from nngraph.autograd.engines.compiled.running.program import Program
from nngraph.autograd.errors import NngraphError, ParameterError
from nngraph.autograd.kernels import layout
from nngraph.autograd.kernels.interpreter import work
from nngraph.autograd.kernels.processors import threads as threads_asked
from nngraph.autograd.kernels.rows import record_row

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")


def _together(*jobs: Callable[[], None]) -> None:
    """Run jobs on a thread each; what one raises is raised here. A thread that is stuck fails the test."""
    errors: list[BaseException] = []

    def run(job: Callable[[], None]) -> None:
        try:
            job()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(job,), daemon=True) for job in jobs]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
    finally:
        sys.setswitchinterval(interval)
    assert not any(thread.is_alive() for thread in threads), "a thread waits for ever"
    if errors:
        raise errors[0]


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Set how many threads a program may use, with helpers of its own that help in every run."""

    def use(count: int) -> None:
        monkeypatch.setenv("NNGRAPH_THREADS", str(count))
        monkeypatch.setattr(workers, "_pool", None)
        monkeypatch.setattr(workers, "WORTH", 1)

    return use


def _large() -> tuple[list[ng.Leaf], list[ng.Node], list[ng.Leaf]]:
    """Inputs, outputs and parameters of a graph whose instructions are split: a fused loop, folds, products, a convolution."""
    rng = np.random.default_rng(5)
    x = ng.input("x", rng.standard_normal((600, 300)).astype(np.float32))
    w = ng.parameter("w", rng.standard_normal((300, 200)).astype(np.float32) * 0.05)
    image = ng.input("image", rng.standard_normal((16, 3, 32, 32)).astype(np.float32))
    kernel = ng.parameter("kernel", rng.standard_normal((8, 3, 3, 3)).astype(np.float32) * 0.1)
    hidden = ng.tanh(x @ w)
    seen = ng.relu(ng.conv2d(image, kernel, padding=1))
    loss = ng.mean(ng.square(hidden)) + ng.mean(seen) + ng.sum(ng.max(hidden, axis=0)) * 0.01
    return [x, image], [loss, *ng.gradient(loss, [w, kernel]), ng.sum(hidden, axis=1)], [w, kernel]


def test_results_do_not_depend_on_the_number_of_threads(threads):
    _, outputs, _ = _large()
    found = []
    for count in (1, 2, 4):
        threads(count)
        program = Program(outputs)
        assert program._threads == count, "nothing here is split among threads"
        runs = [[array.tobytes() for array in program()] for _ in range(5)]
        assert all(run == runs[0] for run in runs)
        found.append(runs[0])
    assert found[0] == found[1] == found[2]


def test_helpers_are_woken_for_much_work_or_for_runs_close_to_each_other(threads, monkeypatch):
    threads(2)
    monkeypatch.setattr(workers, "WORTH", 32)
    now = 100.0
    monkeypatch.setattr(workers, "perf_counter", lambda: now)
    program = Program(_large()[1])
    program()
    pool = workers._pool
    helped = []

    def asked(chunks: int, at: float) -> bool:
        nonlocal now
        now = at
        workers.run(
            lambda *_: helped.append(code.block[layout.RUN_WORKERS] != 0), code, program._state, 0, 1, 2, chunks
        )
        return helped[-1]

    code = next(piece for piece in program.pieces if isinstance(piece, Code))
    assert asked(32, 200.0) and not asked(31, 300.0)
    assert [asked(10, 400.0 + 0.001 * at) for at in range(5)] == [False, False, False, True, True]
    assert [asked(31, 500.0 + 0.01 * at) for at in range(3)] == [False, False, False]
    assert pool is workers._pool and not pool.words[layout.ACTIVE]


def test_a_program_without_large_instructions_knows_of_no_helpers(threads):
    threads(2)
    x = ng.input("x", shape=(30, 4))
    program = Program([ng.tanh(x @ ng.parameter("w", np.ones((4, 5))))])
    assert program._threads == 1
    program({x: np.ones((30, 4))})
    assert workers._pool is None


def test_more_threads_than_the_system_gives(threads, monkeypatch):
    threads(3)
    outputs = _large()[1]
    expected = [array.tobytes() for array in Program(outputs)()]

    class None_(threading.Thread):
        def start(self) -> None:
            raise RuntimeError("can't start new thread")

    threads(3)
    monkeypatch.setattr(workers, "Thread", None_)
    assert [array.tobytes() for array in Program(outputs)()] == expected


def test_a_program_has_no_more_helpers_than_it_may_have_threads(threads, monkeypatch):
    threads(3)
    outputs = _large()[1]
    expected = [array.tobytes() for array in Program(outputs)()]
    pool, helping = workers._pool, []
    real = workers.run

    def run(entry: Callable[[int, int, int], None], *rest: object) -> None:
        def watched(*given: int) -> None:
            helping.append(pool.words[layout.ACTIVE])
            entry(*given)

        real(watched, *rest)

    monkeypatch.setattr(workers, "run", run)
    for count in (2, 4, 3):
        monkeypatch.setenv("NNGRAPH_THREADS", str(count))
        assert [array.tobytes() for array in Program(outputs)()] == expected
    assert helping == [1, 3, 2]
    assert workers._pool is pool and len(pool.threads) == 3 and not pool.words[layout.ACTIVE]


def test_a_helper_leaves_programs_for_fewer_helpers_alone():
    words, step = np.zeros(layout.SHARED + 8, np.int64), np.zeros(1, np.int64)
    words[layout.ACTIVE] = 1
    # A job of two rows; each of them puts 0 where it stands how many helpers may take part, so that they go.
    zero = np.zeros(1, np.int64)
    place = words.ctypes.data + 8 * layout.ACTIVE
    block = np.array([zero.ctypes.data, place, 8, step.ctypes.data, 0], np.int64)
    words[layout.JOB : layout.JOB + 5] = record_row().address, block.ctypes.data, 2, 1, 2
    words[layout.TICKET] = 1 << 32
    entry = ENTRY(work().address)
    for number, taken in [(1, 0), (0, 2)]:
        about = np.array([words.ctypes.data, 0, 10, number], np.int64)
        # On a thread of its own, as helpers are: it goes on flushing numbers that are too small until it ends.
        helper = threading.Thread(target=entry, args=(about.ctypes.data, 0, 1))
        helper.start()
        helper.join()
        assert (words[layout.TICKET] % (1 << 32), words[layout.DONE]) == (taken, taken)


@pytest.mark.parametrize("asked", ["0", "-1", "two", "1.5", "²"])
def test_a_number_of_threads_that_is_none(threads, asked, monkeypatch):
    monkeypatch.setenv("NNGRAPH_THREADS", asked)
    with pytest.raises(ParameterError, match=f"NNGRAPH_THREADS='{asked}' must be a whole number from 1 up"):
        threads_asked()


# Several Python threads -------------------------------------------------------------------------------------------------
def test_one_executable_on_many_threads():
    x = ng.input("x", shape=(ng.Size("N", 2), 3))
    w = ng.parameter("w", np.arange(12.0).reshape(3, 4))
    run = ng.compile([ng.tanh(x @ w), x.T], [x])

    def job(seed: int) -> Callable[[], None]:
        def call() -> None:
            rng = np.random.default_rng(seed)
            for _ in range(100):
                given = rng.standard_normal((int(rng.integers(1, 6)), 3))
                result, turned = run(given)
                np.testing.assert_allclose(result, np.tanh(given @ w.value), rtol=1e-12)
                np.testing.assert_array_equal(turned, given.T)

        return call

    _together(*[job(seed) for seed in range(4)])


@pytest.mark.parametrize("engines", [("numba",), ("numpy",), ("numba", "numpy")], ids="+".join)
def test_executables_that_change_the_same_leaves_lose_no_step(engines: Sequence[str]):
    count, twin = ng.state("count", 0), ng.state("twin", np.zeros(1000))
    steps = [
        ng.compile([], updates={count: count + 1, twin: twin + 1.0}, engine=engine)
        for engine in engines
        for _ in range(2)
    ]
    torn: list[np.ndarray] = []
    over = threading.Event()

    def step(run: Callable[[], object]) -> Callable[[], None]:
        return lambda: [run() for _ in range(400)] and None

    def read() -> None:
        while not over.is_set():
            value = twin.value
            if value.min() != value.max():
                torn.append(value)

    def change() -> None:
        try:
            _together(*[step(run) for run in steps for _ in range(2)])
        finally:
            over.set()

    _together(change, read, read)
    assert not torn
    total = 400 * 2 * len(steps)
    assert int(count.value) == total
    np.testing.assert_array_equal(twin.value, np.full(1000, float(total)))


def test_executables_that_read_what_others_change_wait_for_no_one_in_a_circle():
    rng = np.random.default_rng(3)
    leaves = [ng.state(f"s{at}", rng.standard_normal(50)) for at in range(6)]
    jobs = []
    for at in range(6):
        # Each changes two leaves and reads all, so that every program needs numbers that live with the others.
        total = sum(leaves[1:], leaves[0]) * 0.1
        other = (at * 5 + 3) % 6
        updates = {leaves[at]: ng.tanh(total + leaves[at]), leaves[other]: ng.tanh(total - leaves[other])}
        run = ng.compile(ng.sum(total), updates=updates)
        jobs.append(lambda run=run: [run() for _ in range(60)] and None)
    _together(*jobs, lambda: [leaf.value for _ in range(60) for leaf in leaves] and None)
    assert all(np.isfinite(leaf.value).all() and np.abs(leaf.value).max() <= 1 for leaf in leaves)


def test_a_value_set_while_programs_run_is_not_half_there():
    w = ng.parameter("w", np.zeros(2000))
    step = ng.compile(ng.sum(w), updates={w: w + 1.0})
    over = threading.Event()
    sums: list[float] = []

    def set_it() -> None:
        for number in range(200):
            w.value = np.full(2000, 10_000.0 * number)
        over.set()

    def run() -> None:
        while not over.is_set():
            sums.append(float(step()) / 2000)

    _together(set_it, run, run)
    assert all(total == int(total) for total in sums)
    value = w.value
    assert value.min() == value.max() and value[0] >= 10_000.0 * 199


def test_a_call_from_inside_a_call_is_refused_and_does_no_harm(monkeypatch):
    w = ng.parameter("w", 1.0)
    step = ng.compile(w * 1.0, updates={w: w * 2.0})
    said: list[NngraphError] = []
    (_, program) = step._plans[()]
    real = program.changes

    def changes(run: Callable[[], None]) -> bool:
        # What a signal handler would do that comes between two lines of a running call.
        if not said:
            with pytest.raises(NngraphError, match="called while it was running on the same thread") as error:
                step()
            said.append(error.value)
            assert float(w.value) == 1.0
        return real(run)

    monkeypatch.setattr(program, "changes", changes)
    assert float(step()) == 1.0 and said
    assert float(w.value) == 2.0
    assert float(step()) == 2.0 and float(w.value) == 4.0


def test_a_leaf_read_by_a_handler_during_a_call_is_changed_all_the_same(monkeypatch):
    w, v = ng.parameter("w", 1.0), ng.parameter("v", 10.0)
    doubled = w * 2.0
    step = ng.compile(w * 1.0, updates={w: w + 1.0, v: v + 1.0})
    step()
    (_, program) = step._plans[()]
    real = program._run_pieces
    seen = []

    def run() -> None:
        seen.append((float(w.value), float(doubled.value)))
        real()

    monkeypatch.setattr(program, "_run_pieces", run)
    step()
    assert seen == [(2.0, 4.0)]
    assert (float(w.value), float(doubled.value), float(v.value)) == (3.0, 6.0, 12.0)
    step()
    assert (float(w.value), float(doubled.value), float(v.value)) == (4.0, 8.0, 13.0)


# Processes --------------------------------------------------------------------------------------------------------------
def _script(text: str, threads: int = 2, seconds: float = 100.0) -> str:
    """Run a script in a process of its own; what it prints."""
    environment = os.environ | {"NNGRAPH_THREADS": str(threads), "PYTHONWARNINGS": "ignore::DeprecationWarning"}
    done = subprocess.run(
        [sys.executable, "-c", text], env=environment, capture_output=True, text=True, timeout=seconds
    )
    assert done.returncode == 0, (done.returncode, done.stdout, done.stderr)
    assert not done.stderr, done.stderr
    return done.stdout


MODEL = """
import os, sys, threading, time
import numpy as np
import nngraph as ng
x = ng.input("x", np.linspace(0, 1, 400_000).reshape(800, 500))
w = ng.parameter("w", np.ones(500))
loss = ng.sum(ng.tanh(x * w))
step = ng.compile(loss, updates={w: w * 0.5})
"""


@forks
def test_programs_run_in_forked_children():
    # Before any program has run, after some have run with helping threads, and while another thread runs one.
    text = (
        MODEL
        + """
def child():
    reader, writer = os.pipe()
    if (pid := os.fork()) == 0:
        try:
            values = [float(step()) for _ in range(3)], float(w.value[0])
            os.write(writer, repr(values).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as file:
        said = file.read()
    os.waitpid(pid, 0)
    return eval(said)
first = child()
mine = [float(step()) for _ in range(3)], float(w.value[0])
assert first == mine, (first, mine)
again = child()
assert again[1] == 0.5**6, again
assert again == ([float(step()) for _ in range(3)], float(w.value[0]))
w.value = np.ones(500)
over = False
def busy():
    while not over:
        step()
        if w.value[0] < 1e-9:
            w.value = np.ones(500)
thread = threading.Thread(target=busy, daemon=True)
thread.start()
for _ in range(10):
    values, last = child()
    assert len(set(values)) == 3 and last > 0
over = True
thread.join()
print("fine")
"""
    )
    assert _script(text) == "fine\n"


@forks
def test_a_child_that_is_born_in_the_middle_of_a_step_finds_whole_leaves():
    text = (
        MODEL
        + """
a, b = ng.state("a", np.zeros(100_000)), ng.state("b", np.zeros(100_000))
both = ng.compile([], updates={a: a + 1.0, b: b + 1.0})
over = False
def busy():
    while not over:
        both()
thread = threading.Thread(target=busy, daemon=True)
thread.start()
for _ in range(8):
    time.sleep(0.003)
    if (pid := os.fork()) == 0:
        both()
        first = a.value[0]
        os._exit(0 if (a.value == first).all() and (b.value == first).all() else 1)
    assert os.waitpid(pid, 0)[1] == 0
over = True
thread.join()
print("fine")
"""
    )
    assert _script(text) == "fine\n"


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_programs_run_in_the_processes_of_multiprocessing(method, tmp_path):
    if method == "fork" and not hasattr(os, "fork"):
        pytest.skip("this system does not fork")
    script = tmp_path / "pool.py"
    script.write_text(
        MODEL
        + f"""
def work(start):
    w.value = np.full(500, start)
    return float(step())
if __name__ == "__main__":
    import multiprocessing
    expected = [work(start) for start in (1.0, 2.0, 3.0)]
    with multiprocessing.get_context({method!r}).Pool(2) as pool:
        assert pool.map(work, (1.0, 2.0, 3.0)) == expected
    print("fine")
"""
    )
    text = f"import runpy; runpy.run_path({str(script)!r}, run_name='__main__')"
    assert _script(text if method == "fork" else _main(script)) == "fine\n"


def _main(script: object) -> str:
    # A spawned process imports the main module anew, so it must be one that has a file.
    return f"import subprocess, sys; sys.exit(subprocess.run([sys.executable, {str(script)!r}]).returncode)"


ENDS = {
    "idle helpers": "step()",
    "a program on a daemon thread": """
def busy():
    while True:
        step()
for _ in range(2):
    threading.Thread(target=busy, daemon=True).start()
time.sleep(0.05)
""",
    "a long program on a daemon thread": """
def busy():
    for _ in step.epochs([], batch=1, epochs=10**9): pass
slow = ng.compile(ng.sum(ng.tanh(x * w)), [x], updates={w: w * 0.999999})
def busy():
    for _ in slow.epochs([np.ones((80000, 500))], batch=800, epochs=10**9): pass
threading.Thread(target=busy, daemon=True).start()
time.sleep(0.3)
""",
    "a program when all is over": "import atexit; atexit.register(step); step(); atexit.register(step)",
    "a first program when all is over": "import atexit; atexit.register(step)",
    "an exception": "step()\nsys.exit(0)",
}


@pytest.mark.parametrize("text", ENDS.values(), ids=ENDS)
def test_a_process_ends_at_once_and_without_a_sound(text):
    assert _script(MODEL + text, threads=4, seconds=30) == ""
