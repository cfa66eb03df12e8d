"""The benchmark itself, in toy sizes and without peers: every workload of ours builds, runs and learns; disagreement is
an error and never a time; the report says what was demanded and whether it is met."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import report
from measure import Peers, compare, measure
from worker import losses
from workloads import OURS, all_workloads, arrays_of, first_weights, peer_of

ROWS = all_workloads()
TIMED = [
    (name, variant)
    for name, workload in ROWS.items()
    if workload.kind == "time"
    for variant in workload.builders
    if peer_of(variant) == OURS
]


@pytest.fixture(autouse=True)
def the_reference_engine(monkeypatch):
    """Here the workloads are tested, not the engine; the engines are compared elsewhere."""
    monkeypatch.setenv("NNGRAPH_BENCH_ENGINE", "numpy")


# Workloads ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("name", "variant"), TIMED)
def test_ours_runs_and_learns(name, variant):
    workload = ROWS[name]
    implementation = workload.builders[variant](arrays_of(workload, tiny=True))
    first = losses(implementation)
    assert first and np.isfinite(first).all()
    assert losses(implementation) == first, "reset must go back to the first weights"
    if workload.learns:
        implementation.reset()
        before = np.mean([implementation.run(1) for _ in range(3)])
        implementation.run(30)
        assert np.mean([implementation.run(1) for _ in range(3)]) < before


@pytest.mark.parametrize("name", ["iris", "cnn", "lstm", "autoencoder"])
def test_steps_in_one_call_are_the_same_steps(name):
    """Many steps are cut into whole epochs and pieces before and after; the losses must not notice."""
    workload = ROWS[name]
    implementation = workload.builders[OURS](arrays_of(workload, tiny=True))
    one_by_one = [implementation.run(1) for _ in range(12)]
    implementation.reset()
    assert [implementation.run(steps) for steps in (1, 4, 7)] == [one_by_one[at] for at in (0, 4, 11)]


def test_the_graph_rebuilt_learns_as_the_graph_built_once():
    built = ROWS["scalar-mlp"]
    rebuilt = ROWS["scalar-mlp-rebuilt"].builders
    arrays = arrays_of(built, tiny=True)
    expected = losses(built.builders[OURS](arrays))
    for variant, build in rebuilt.items():
        if peer_of(variant) == OURS:
            np.testing.assert_allclose(losses(build(arrays)), expected, rtol=1e-12)


def test_adam_is_adam():
    from workloads import optimizers

    import nngraph as ng

    p, g = ng.parameter("p", [1.0, -2.0]), np.array([0.3, -4.0])
    step = ng.compile((), updates=optimizers.adam([p], [ng.constant(g)], 0.1))
    value, m, v = np.array([1.0, -2.0]), 0.0, 0.0
    for turn in (1, 2, 3):
        step()
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        value = value - 0.1 * (m / (1 - 0.9**turn)) / (np.sqrt(v / (1 - 0.999**turn)) + 1e-8)
        np.testing.assert_allclose(p.value, value, rtol=1e-12)


def test_everybody_gets_the_same_arrays():
    for workload in ROWS.values():
        one, other = arrays_of(workload, tiny=True), arrays_of(workload, tiny=True)
        assert all((one[name] == other[name]).all() for name in one)
        assert all(array.dtype in (np.float32, np.float64) for array in first_weights(one).values())


def test_demands_are_about_peers_that_are_there():
    for workload in ROWS.values():
        peers = {peer_of(variant) for variant in workload.builders}
        assert OURS in peers
        assert {*workload.least, *workload.aim, *workload.incomparable} <= peers
        assert all(workload.aim[peer] >= least for peer, least in workload.least.items() if peer in workload.aim)
        assert workload.least or workload.most, "a row without a demand"


def test_limits_speak_of_rows_that_are_there():
    assert set(report.read_limits()) <= set(ROWS)


# Measuring ------------------------------------------------------------------------------------------------------------
def record(workload, variant, samples, threads=1, error=None, losses=(), **more):
    return {"workload": workload, "variant": variant, "threads": threads, "samples": samples, "error": error,
            "processors": [0.99] * len(samples), "losses": list(losses), "load": 0.5, **more}  # fmt: skip


def test_a_row_is_measured_in_a_process_of_its_own(monkeypatch):
    monkeypatch.setattr("measure.LEAST", 0.0)
    with Peers(threads=1, tiny=True) as peers:
        (found,) = measure(ROWS["iris"], peers, [OURS], rounds=2, say=lambda text: None)
        assert peers.living[OURS].ask("check", variant="torch").keys() == {"error"}
        assert peers.fresh(OURS, "nonsense").keys() == {"error"}
    assert not found["error"]
    assert len(found["samples"]) == 2 and min(found["samples"]) > 0
    implementation = ROWS["iris"].builders[OURS](arrays_of(ROWS["iris"], tiny=True))
    assert found["losses"] == losses(implementation)


def test_who_disagrees_gets_an_error_and_no_time():
    row = ROWS["mlp784"]
    records = [record("mlp784", peer, [], losses=[2.0, last]) for peer, last in
               ((OURS, 1.5), ("torch", 1.50001), ("jax", 1.5003))]  # fmt: skip
    compare(row, records)
    assert [bool(each["error"]) for each in records] == [False, False, True]
    records = [
        record("mlp784", peer, [], losses=[2000.0, 1500.0 + more]) for peer, more in ((OURS, 0.0), ("torch", 0.1))
    ]
    compare(row, records)
    assert not any(each["error"] for each in records), "large losses are compared by their share"
    records = [record("mlp784", peer, [], losses=[last]) for peer, last in ((OURS, float("nan")), ("torch", 1.0))]
    compare(row, records)
    assert [bool(each["error"]) for each in records] == [True, False]


# The report -----------------------------------------------------------------------------------------------------------
@pytest.fixture
def results():
    return {
        "machine": {"processor": "a processor", "cores": 2, "vectors": "AVX2", "memory": "8 GiB", "system": "Linux",
                    "python": "3.11", "versions": {"nngraph": "0", "torch": "2.13"}, "date": "2026-01-01"},
        "rounds": 3, "speeds": {"1": {"bandwidth": 1e10, "product": 1e11}},
        "records": [
            record("iris", OURS, [2e-6, 1e-6, 3e-6]), record("iris", "torch", [200e-6, 200e-6, 330e-6]),
            record("iris", "jax", [20e-6] * 3), record("iris", "jax fori_loop", [], error="no such | thing"),
            record("cnn", OURS, [1e-3] * 3), record("cnn", "torch: NCHW", [9e-3] * 3),
            record("cnn", "torch: channels_last", [5e-3] * 3),
            record("rbm", OURS, [1e-3] * 3), record("rbm", "scikit-learn", [4e-3] * 3),
            record("chain1e7", OURS, [0.02] * 3, traffic=160_000_000, bandwidths=[1e10] * 3),
            record("chain1e7", "jax", [0.09] * 3),
            record("first-mlp", OURS, [0.4, 0.2, 0.2]),
            record("gan", OURS, [], error="its losses differ"), record("gan", "torch", [1e-3] * 3),
            record("iris", OURS, [2e-6] * 3, threads=2), record("iris", "torch", [1e-6] * 3, threads=2),
        ],
    }  # fmt: skip


def test_every_row_is_judged(results):
    judged = {
        (line.workload.name, line.threads, line.peer): line for count in (1, 2) for line in report.lines(results, count)
    }
    met = {key: line.met for key, line in judged.items()}
    assert met == {
        ("iris", 1, "torch"): "yes", ("iris", 1, "jax"): "no", ("iris", 1, "jax fori_loop"): "error",
        ("cnn", 1, "torch"): "aim", ("rbm", 1, "scikit-learn"): "yes", ("chain1e7", 1, "jax"): "yes",
        ("first-mlp", 1, ""): "yes", ("gan", 1, "torch"): "error", ("iris", 2, "torch"): "no",
    }  # fmt: skip
    assert judged["iris", 1, "torch"].ratio == pytest.approx(100)
    assert judged["iris", 1, "torch"].paired == pytest.approx(110)
    assert judged["cnn", 1, "torch"].theirs["variant"] == "torch: channels_last"


def test_the_report_shows_times_demands_and_limits(results):
    text = report.markdown(results, "ratios.svg", {"cnn": "Words about the cnn."})
    one, two = text.split("## 2 threads")
    rows = {line.split("**")[1]: line for line in one.splitlines() if line.startswith("| **")}
    assert "| 2.00 µs (1.00 µs) | torch | 200 µs (200 µs) | 100x | 110x | 100x | 80.0x | 150x | yes |" in rows["iris"]
    assert "at most 300 ms" in rows["first-mlp"] and rows["first-mlp"].endswith("| yes |")
    assert "error: its losses differ" in rows["gan"] and "ms" not in rows["gan"].split("|")[2]
    assert "no such \\| thing" in text
    assert "**80%** of the 10.0 GB/s" in text and "at least 60% is wanted: yes" in text
    assert "scikit-learn: its losses cannot be compared, because its chains persist" in text
    assert "- **cnn**: Words about the cnn." in text
    assert "![" in text and "(ratios.svg)" in text
    assert "| 2.00 µs (2.00 µs) | torch | 1.00 µs (1.00 µs) | 0.50x | 0.50x |  | 1.00x |  | no |" in two
    assert "a processor, 2 cores, AVX2, 8 GiB" in text and "10.0 GB/s" in text and "100 GFLOP/s" in text
    columns = {line.count("|") - line.count("\\|") for line in text.splitlines() if line.startswith("| **")}
    assert columns == {11}


def test_records_survive_a_file(results):
    import json

    again = json.loads(report.as_json(results))
    assert report.markdown(again) == report.markdown(results)


@pytest.mark.parametrize(
    ("value", "name", "shown"),
    [(2.5e-3, "cnn", "2.50 ms"), (31.42e-6, "cnn", "31.4 µs"), (4e-8, "scalar-chain-again", "40.0 ns"),
     (1234.0, "cnn", "1,234 s"), (12_340_000, "memory-cnn", "12.3 MB"), (150, "scalar-chain-plan", "150 bytes")],
)  # fmt: skip
def test_quantities(value, name, shown):
    assert report.quantity(value, ROWS[name]) == shown


def test_the_picture_is_drawn(results, tmp_path):
    pytest.importorskip("matplotlib")
    import plot

    plot.save(results, tmp_path / "ratios.svg")
    assert (tmp_path / "ratios.svg").read_text().count("<g id=") > 20
