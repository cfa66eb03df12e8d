"""Ctrl-C and other signals: the run stops soon, all leaves are of one step, and what was running can be called again."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from .logistic import ENGINES

INTERRUPTED = """
import os, signal, sys, threading, time
import numpy as np
import nngraph as ng
engine, rows = sys.argv[1], int(sys.argv[2])
x = ng.input("x", shape=(rows, 50))
a, b = ng.state("a", np.zeros(300)), ng.state("b", np.zeros(300))
c = ng.parameter("c", np.ones(50))
step = ng.compile(ng.sum(ng.tanh(x * c)), [x], {a: a + 1.0, b: b - 1.0, c: c * 1.0}, engine=engine)
data = np.ones((10 * rows, 50))
list(step.epochs([data], batch=rows))
records, sent = 0, None
def interrupt():
    time.sleep(0.25)
    global sent
    sent = records
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt, daemon=True).start()
try:
    for record in step.epochs([data], batch=rows, epochs=10**8, shuffle=1):
        records += 1
except KeyboardInterrupt:
    pass
assert sent is not None
first, second = a.value, b.value
assert len(set(first.tolist())) == 1 and (second == -first).all(), (first, second)
assert first[0] > 10
before = first[0]
list(step.epochs([data], batch=rows))
assert a.value[0] == before + 10 and b.value[0] == -before - 10
print(records - sent)
"""


@pytest.mark.skipif(os.name != "posix", reason="the signal is sent as on POSIX")
@pytest.mark.parametrize(("engine", "rows"), [("numba", 20), ("numba", 20_000), ("numpy", 20)])
def test_a_ctrl_c_stops_after_at_most_one_more_record_and_leaves_all_leaves_alike(engine, rows):
    # Python's own handler, also where the tests themselves are run with the signal ignored.
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n" + INTERRUPTED
    done = subprocess.run([sys.executable, "-c", code, engine, str(rows)], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    # The record that was being made when the signal came may still be given.
    assert int(done.stdout) in (0, 1)


ANY_MOMENT = """
import random, signal, sys, threading, time
import numpy as np
import nngraph as ng
def interrupt(*about):
    raise KeyboardInterrupt
signal.signal(signal.SIGALRM, interrupt)
a, b, c = ng.state("a", 0.0), ng.state("b", np.zeros(3)), ng.state("c", 0)
doubled = a * 2.0
updates = {a: a + 1.0, b: b + 1.0, c: c + 1}
step = ng.compile(a * 1.0, updates=updates, engine=sys.argv[1])
other = ng.compile([], updates=updates)
def all_of_it():
    step(), doubled.value, other(), b.value, step()
all_of_it()
took, random, interrupts = 1e-4, random.Random(1), 0
for turn in range(600):
    try:
        began = time.perf_counter()
        signal.setitimer(signal.ITIMER_REAL, max(1e-6, random.random() * took))
        all_of_it()
        took = time.perf_counter() - began
        signal.setitimer(signal.ITIMER_REAL, 0)
    except KeyboardInterrupt:
        interrupts += 1
    signal.setitimer(signal.ITIMER_REAL, 0)
    values = {float(a.value), *b.value.tolist(), float(c.value)}
    assert len(values) == 1, f"torn: {values}"
    assert float(doubled.value) == 2 * float(a.value)
    step()
    assert float(a.value) == values.pop() + 1.0
    if turn % 20 == 0:
        thread = threading.Thread(target=all_of_it, daemon=True)
        thread.start()
        thread.join(20)
        assert not thread.is_alive(), "a lock was kept"
assert interrupts > 50, interrupts
print("fine")
"""


@pytest.mark.skipif(os.name != "posix", reason="timers send signals on POSIX")
@pytest.mark.parametrize("engine", ENGINES)
def test_an_interrupt_at_any_moment_leaves_all_leaves_alike_and_no_lock_locked(engine):
    done = subprocess.run([sys.executable, "-c", ANY_MOMENT, engine], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "fine\n"
