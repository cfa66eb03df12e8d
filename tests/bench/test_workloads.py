"""The benchmark itself, in toy sizes and without peers: every workload of ours builds, runs and learns; disagreement is
an error and never a time; the report says what was demanded and whether it is met."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import ceilings
import limits
import records as files
import report
import run
from measure import Peers, compare, distance, measure
from worker import losses
from workloads import OURS, all_workloads, arrays_of, first_weights, numbers_of, peer_of

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
    """Most tests are about the workloads, not about an engine."""
    monkeypatch.setenv("NNGRAPH_BENCH_ENGINE", "numpy")


PRODUCTS = {"matmul", "contract", "conv2d", "conv_transpose2d", "conv_weights"}


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


@pytest.mark.parametrize(("name", "variant"), TIMED)
def test_both_engines_give_the_same_losses(name, variant, monkeypatch):
    workload = ROWS[name]
    arrays = arrays_of(workload, tiny=True)
    expected = losses(workload.builders[variant](arrays))
    monkeypatch.setenv("NNGRAPH_BENCH_ENGINE", "numba")
    found = losses(workload.builders[variant](arrays))
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=0)


def test_both_engines_draw_the_same(monkeypatch):
    """What is timed of the restricted Boltzmann machine draws its own numbers; what is compared is given them."""
    found = []
    for engine in ("numpy", "numba"):
        monkeypatch.setenv("NNGRAPH_BENCH_ENGINE", engine)
        implementation = ROWS["rbm"].builders[OURS](arrays_of(ROWS["rbm"], tiny=True))
        found.append([implementation.run(1) for _ in range(8)])
    np.testing.assert_allclose(*found, rtol=2e-5, atol=0)


@pytest.mark.parametrize("name", [name for name, workload in ROWS.items() if workload.operations and name != "lstm"])
def test_counted_operations_are_those_of_the_products_in_the_plan(name):
    workload = ROWS[name]
    arrays = arrays_of(workload, tiny=True)
    implementation = workload.builders[OURS](arrays)
    plan = getattr(implementation, "timed", implementation).executable.plan
    products = [each.flops for each in plan if each.operations[0].op in PRODUCTS]
    assert workload.operations(arrays) == sum(products)


def test_counted_operations_of_the_lstm():
    """Its products are inside a loop, whose operations are counted together with the gates'."""
    arrays = arrays_of(ROWS["lstm"], tiny=True)
    (batch, time, inputs), hidden = (32, *arrays["x"].shape[1:]), 4
    forward = 2 * batch * time * (inputs + hidden) * 4 * hidden
    back = 2 * batch * time * (inputs + 2 * hidden) * 4 * hidden
    assert ROWS["lstm"].operations(arrays) == forward + back + 3 * 2 * batch * hidden * 10


def test_numbers_that_peers_are_compared_by_notice_every_kind_of_difference(rng):
    """Gradients of a mean over ten million are tiny, and sums of many cancel."""
    array = 1e-9 * rng.normal(0, 1, 1000)
    assert distance(numbers_of(array.astype(np.float32)), numbers_of(array)) < 1e-6
    for other in (-array, array[::-1], 1.001 * array, array + 1e-10, np.roll(array, 1)):
        assert distance(numbers_of(array), numbers_of(other)) > 1e-4


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


def test_limits_speak_of_rows_that_are_there_and_give_no_figures_of_a_machine():
    causes = limits.read_causes()
    assert set(causes) <= set(ROWS)
    assert not [name for name, words in causes.items() if any(unit in words for unit in ("FLOP", "GB/s", " ms", " µs"))]


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


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        # Two that differ by more than either differs from the middle between them.
        ([0.1, 0.1 + 1.6e-5], [True, True]),
        ([0.1, 0.1 + 1.6e-5, 0.1 + 1.7e-5], [True, False, False]),
        # Nobody can say which half is right.
        ([1.0, 1.0, 2.0, 2.0], [True, True, True, True]),
        # Neighbors agree, the ends do not.
        ([1.0, 1.00008, 1.00016, 1.00002], [False, False, True, False]),
        ([3.0], [False]),
    ],
)
def test_any_two_that_are_timed_agree(given, wrong):
    records = [record("mlp784", peer, [], losses=[value]) for peer, value in zip((OURS, "torch", "jax", "jax fori_loop"), given)]  # fmt: skip
    compare(ROWS["mlp784"], records)
    assert [bool(each["error"]) for each in records] == wrong
    agreed = [each["gap"] for each in records if not each["error"]]
    assert max(agreed, default=0.0) <= 1e-4


def test_the_ceiling_is_measured_beside_our_samples(monkeypatch):
    monkeypatch.setattr("measure.LEAST", 0.0)
    for name, what in (("mlp784", "operations"), ("chain1e7", "traffic")):
        with Peers(threads=2, tiny=True) as peers:
            (found,) = measure(ROWS[name], peers, [OURS], rounds=2, say=lambda text: None)
        assert len(found["ceilings"]) == 2 and min(found["ceilings"]) > 0
        assert found[what] == getattr(ROWS[name], what)(arrays_of(ROWS[name], tiny=True))
        assert found["instructions"] > 0


@pytest.mark.parametrize("threads", [1, 2])
def test_loops_of_the_ceilings_do_what_they_count(threads):
    lanes, fused = ceilings._machine()
    to = np.zeros(lanes, np.float32)
    ceilings._function(ceilings.multiply_adds_text, lanes, fused)(200, to.ctypes.data)
    np.testing.assert_array_equal(to, np.float32(2 * ceilings.SUMS))
    moves = ceilings.Moves(threads, numbers=3000)
    for number, array in enumerate(moves.arrays):
        array[:] = number
    assert moves.copied() > 0
    assert 2500 < moves.numbers * threads <= 3000
    for number, array in enumerate(moves.arrays):
        assert (array == number % ceilings.ARRAYS).all()
    assert moves.numpy() > 0 and ceilings.multiply_adds(threads, rounds=10) > 0


# The report -----------------------------------------------------------------------------------------------------------
@pytest.fixture
def results():
    return {
        "machine": {"processor": "a processor", "cores": 2, "vectors": "AVX2", "memory": "8 GiB", "system": "Linux",
                    "python": "3.11", "versions": {"nngraph": "0", "torch": "2.13"}, "date": "2026-01-01"},
        "records": [
            record("iris", OURS, [2e-6, 1e-6, 3e-6]), record("iris", "torch", [200e-6, 200e-6, 330e-6]),
            record("iris", "jax", [20e-6] * 3), record("iris", "jax fori_loop", [], error="no such | thing"),
            record("cnn", OURS, [1e-3] * 3, operations=8e7, ceilings=[1e11] * 3), record("cnn", "torch: NCHW", [9e-3] * 3),
            record("cnn", "torch: channels_last", [5e-3] * 3),
            record("rbm", OURS, [1e-3] * 3), record("rbm", "scikit-learn", [4e-3] * 3),
            record("chain1e7", OURS, [0.02] * 3, traffic=160_000_000, ceilings=[1e10] * 3, numpy=[8e9] * 3),
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
    text = report.markdown(results, "ratios.svg", {})
    one, two = text.split("## 2 threads")
    rows = {line.split("**")[1]: line for line in one.splitlines() if line.startswith("| **")}
    assert rows["iris"].endswith("| nngraph | 2.00 µs (1.00 µs) |  |  |  |  |  |  |")
    assert "|  | torch | 200 µs (200 µs) |  | 100x | 110x | 80.0x | 150x | yes |" in one
    assert "at most 300 ms" in rows["first-mlp"] and rows["first-mlp"].endswith("| yes |")
    assert "error: its losses differ" in rows["gan"] and "ms" not in rows["gan"].split("|")[3]
    assert "no such \\| thing" in text
    assert rows["cnn"].endswith("| 1.00 ms (1.00 ms) | 80% of 100 GFLOP/s |  |  |  |  |  |")
    assert "|  | torch: channels_last | 5.00 ms (5.00 ms) | 16% | 5.00x | 5.00x | 2.00x | 4.00x | aim |" in one
    assert rows["chain1e7"].endswith("| 80% of 10.0 GB/s |  |  | 60% of the ceiling |  | yes |")
    assert "scikit-learn: its losses cannot be compared, because its chains persist" in text
    assert "- jax fori_loop: many steps in one call" in one and "- jax donated" not in text
    assert "![" in text and "(ratios.svg)" in text
    assert "|  | torch | 1.00 µs (1.00 µs) |  | 0.50x | 0.50x | 1.00x |  | no |" in two
    assert "a processor, 2 cores, AVX2, 8 GiB" in text
    columns = {line.count("|") - line.count("\\|") for line in text.splitlines() if line.startswith("| **")}
    assert columns == {10}


def test_what_limits_a_row_is_computed_from_what_was_measured(results):
    text = report.markdown(results, causes={"cnn": "Words about the cnn."})
    points = {line.split("**")[1]: line for line in text.splitlines() if line.startswith("- **")}
    assert points["cnn"] == (
        "- **cnn**: 80 million multiplications and additions, 800 µs at the 100 GFLOP/s measured in the same rounds;"
        " nngraph takes 1.00 ms, **80%** of that rate. Nothing else done, that rate would give 6.25x torch."
        " Words about the cnn."
    )
    assert "160 MB must be moved, 16.0 ms at the 10.0 GB/s (numpy: 8.0 GB/s)" in points["chain1e7"]
    assert "At least 60% is wanted: yes. Nothing else done, that rate would give 5.62x jax. Beyond that: the aim 7x jax." in points["chain1e7"]  # fmt: skip
    assert "rbm" not in points, "nothing is known of it"
    parts = record("scalar-chain", OURS, [9e-6], parts={"building": 5e-6, "running": 1e-8}, instructions=3)
    text = report.markdown(results | {"records": [parts]}, causes={})
    assert "- **scalar-chain**: 3 instructions, 3.00 µs each. Once: building 5.00 µs, running 10.0 ns." in text


# Files ----------------------------------------------------------------------------------------------------------------
def test_records_survive_a_file(results, tmp_path):
    files.write(results, tmp_path / "records.json")
    assert report.markdown(files.combined([tmp_path / "records.json"])) == report.markdown(results)


def test_several_files_are_one_report(results, tmp_path):
    first = {**results, "records": [record("iris", OURS, [1e-6]), record("cnn", OURS, [2e-3])]}
    second = {**results, "records": [record("cnn", OURS, [1e-3]), record("cnn", OURS, [5e-4], threads=2)]}
    paths = [tmp_path / "a.json", tmp_path / "b.json"]
    for path, given in zip(paths, (first, second)):
        files.write(given, path)
    found = [(each["workload"], each["threads"], each["samples"]) for each in files.combined(paths)["records"]]
    assert found == [("iris", 1, [1e-6]), ("cnn", 1, [1e-3]), ("cnn", 2, [5e-4])]
    assert (
        run.main(["--from-json", str(paths[0]), "--from-json", str(paths[1]), "--markdown", str(tmp_path / "a.md")])
        == 0
    )
    assert "1.00 ms" in (tmp_path / "a.md").read_text()
    files.write({**second, "machine": {**results["machine"], "processor": "another"}}, paths[1])
    with pytest.raises(SystemExit, match="cannot be combined: processor"):
        files.combined(paths)


def test_who_is_stopped_loses_only_the_row_in_progress(tmp_path, monkeypatch):
    def measured(workload, *rest):
        if workload.name == "cnn":
            raise KeyboardInterrupt
        return [record(workload.name, OURS, [1e-3])]

    monkeypatch.setattr(run, "measure", measured)
    path = tmp_path / "records.json"
    rows = ["--workload", "iris", "--workload", "digits", "--workload", "cnn", "--workload", "lstm"]
    assert run.main([*rows, "--json", str(path)]) == 130
    assert [each["workload"] for each in files.combined([path])["records"]] == ["iris", "digits"]
    assert list(tmp_path.iterdir()) == [path]


def test_rows_of_one_thread_are_measured_once(monkeypatch):
    asked = []

    def measured(workload, peers, *rest):
        asked.append((workload.name, peers.threads))
        return [record(workload.name, OURS, [1e-3], threads=peers.threads)]

    monkeypatch.setattr(run, "measure", measured)
    assert run.main(["--workload", "hvp", "--workload", "memory-cnn", "--threads", "2", "--threads", "1"]) == 0
    assert asked == [("hvp", 1), ("memory-cnn", 1), ("hvp", 2)]


# Words and pictures ---------------------------------------------------------------------------------------------------


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
