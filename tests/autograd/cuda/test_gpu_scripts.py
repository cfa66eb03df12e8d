"""What only a GPU machine runs, tests/gpu, tried as far as it goes without one: its rows on the simulator at toy sizes, its
report from records made up here."""

import json
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

pytest.importorskip("numba_cuda", reason="the extra cuda is not installed")
from nngraph.autograd.kernels.cuda.device import simulator

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1] / "gpu"), str(HERE)]
import bench_ours
import bench_row
import gpu_report as report
import gpu_sanitized as sanitized
from bench_cases import CASES, COPY, EAGER, GRAPHS, arrays_of
from recorder import recording

# There is more than one run.py.
_place = spec_from_file_location("gpu_run", HERE.parents[1] / "gpu" / "run.py")
run = module_from_spec(_place)
_place.loader.exec_module(run)

OURS = [name for name, case in CASES.items() if not case.tf32]


@pytest.mark.parametrize("name", OURS)
def test_a_row_is_measured_and_computes_what_the_processor_does(name):
    simulator()
    case = CASES[name]
    found = bench_row.row(case, "cuda-simulator", "cpu", tiny=True, ours=True, peers=False)
    assert found["ours"].get("failed") is None
    assert found["ours"]["ms"] > 0
    right, _ = bench_ours.built(case, arrays_of(case, tiny=True), case.tiny.get("batch", 0), "numba")
    assert found["ours"]["number"] == pytest.approx(right, rel=1e-5)


def test_what_compute_sanitizer_watches_asks_for_every_written_kernel():
    with recording() as recorder:
        for _, nodes in sanitized.plans():
            sanitized.ng.compile(nodes, engine="cuda")
    names = {kernel.name for kernel in recorder.kernels.values()}
    # The rest belongs to trainings: checked classes, rows of data, records.
    assert set(run.every_kernel()) - names <= {
        "check_range",
        "take_rows",
        "record_row",
        "end_of_step",
        "nests",
        "normal",
        "uniform",
    }


def test_a_report_is_there_after_every_part(tmp_path):
    rows = [
        {"name": "mlp", "ours": {"ms": 0.2, "number": 2.0}, EAGER: {"ms": 0.5, "number": 2.0}, GRAPHS: {"failed": "no graphs"}},
        {"name": "chain", "ours": {"ms": 0.3, "number": 1.0}, COPY: {"ms": 0.2, "gigabytes_per_second": 4000.0}, EAGER: {"ms": 2.0, "number": 1.0}},
        {"name": "product", "ours": {"ms": 3.0, "number": 1.0}, EAGER: {"ms": 2.5, "number": 1.1}},
    ]  # fmt: skip
    record = {
        "device": "a GPU",
        "date": "2026-11-22",
        "rows": rows,
        "unfinished": ["lstm"],
        "tests": {"closing": "3 passed", "code": 0},
    }
    text = report.written(record, tmp_path, "RESULTS-x").read_text(encoding="utf-8")
    lines = {line.split(" | ")[0].strip("| "): line for line in text.splitlines() if line.startswith("| ")}
    assert "still to come: lstm" in text
    assert "3 passed" in text
    assert "0.40 of torch eager" in lines[CASES["mlp"].words]
    assert lines[CASES["mlp"].words].endswith("| yes, – |")
    assert lines[CASES["chain"].words].endswith("| no, yes |")
    # Results that differ have no ratio, and fail the run.
    assert lines[CASES["product"].words].endswith("| – |")
    assert run.failed(record)
    assert not run.failed({**record, "rows": rows[:2]})
    assert json.loads((tmp_path / "RESULTS-x.json").read_text(encoding="utf-8")) == record
    assert len(list(tmp_path.iterdir())) == 2


def test_without_a_gpu_the_figures_stay_empty(tmp_path, capsys):
    assert run.main(["--out", str(tmp_path), "--without-gpu", "no GPU could be had"]) == 0
    text = (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
    assert "Nothing was measured: no GPU could be had" in text
    assert "`product`" in text
    assert " ms |" not in text.partition("## Times")[2].replace("0.44 ms |", "").replace("1.3 ms |", "").replace(
        "2.1 ms |", ""
    )
    simulator()
    assert run.main(["--out", str(tmp_path)]) == 1
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
