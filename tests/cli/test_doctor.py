"""nngraph doctor: what would run where, as data and as a table, without a GPU and without loading the simulator."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest
from nngraph.autograd import diagnosis as page
from nngraph.autograd import remedies
from nngraph.autograd.diagnosis import Gpu, answer, diagnosis, gpus_here
from nngraph.autograd.executable import engines
from nngraph.autograd.language import cell_width
from nngraph.autograd.remedies import installing
from nngraph.cli.app import run

H200 = Gpu("NVIDIA H200", "9.0", 132, 138 * 10**9, 141 * 10**9)


@pytest.fixture
def a_gpu(monkeypatch):
    """As on a machine with a GPU and all that it needs."""
    monkeypatch.setattr(page, "gpus_here", lambda: ("13.0", (H200,), ""))
    monkeypatch.setattr(page, "_version", lambda name: "1.0")
    monkeypatch.setattr(page, "find_spec", lambda name: object())
    monkeypatch.delenv("NUMBA_ENABLE_CUDASIM", raising=False)


def test_every_engine_has_a_line(capsys):
    assert run(["doctor"]) == 0
    text = capsys.readouterr().out
    for name in engines:
        assert any(line.split()[:1] == [name] for line in text.split("\n")), name
    assert [each.name for each in diagnosis().engines] == list(engines)


def test_with_a_gpu_everything_runs(a_gpu, capsys):
    assert run(["doctor"]) == 0
    text = capsys.readouterr().out
    assert "NVIDIA H200, compute capability 9.0, processors: 132, 138 GB of 141 GB free" in " ".join(text.split())
    assert "driver for CUDA 13.0" in text
    assert all(each.runs for each in diagnosis().engines)
    assert run(["doctor", "--engine", "cuda"]) == 0
    assert capsys.readouterr().out == "engine cuda would run here\n"


def test_without_a_driver_the_engine_does_not_run(monkeypatch, capsys):
    monkeypatch.setattr("nngraph.autograd.kernels.cuda.driver.library", _no_library)
    monkeypatch.setattr(page, "_version", lambda name: "1.0")
    monkeypatch.setattr(page, "find_spec", lambda name: object())
    assert run(["doctor", "--engine", "cuda"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: engine cuda does not run here: there is no driver of an NVIDIA GPU; ")
    assert "`nngraph kernel`" in said.err  # what can be done without one
    assert run(["doctor", "--engine", "cuda", "--json"]) == 1
    assert "no driver" in json.loads(capsys.readouterr().out)["error"]["message"]


def _no_library():
    raise OSError("libcuda.so.1: cannot open shared object file")


def test_what_to_install_is_said(monkeypatch, capsys):
    monkeypatch.setattr(page, "_version", lambda name: None if name == "numba-cuda" else "1.0")
    assert run(["doctor", "--engine", "cuda"]) == 1
    said = capsys.readouterr().err
    assert said.endswith(f"install it with: {installing('[cuda]')}\n")
    assert "kernel" not in said.partition("install it with")[2]


@pytest.mark.parametrize("has_pip", [True, False])
def test_what_to_install_is_for_this_python(has_pip, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(remedies, "find_spec", lambda name: found("json" if has_pip else "no_such_module"))
    monkeypatch.setattr(remedies.sys, "executable", str(Path.cwd() / ".venv" / "bin" / "python"))
    monkeypatch.setattr(remedies, "_source", lambda: ".")
    python = str(Path(".venv", "bin", "python"))
    wanted = f'{python} -m pip install ".[cuda]"' if has_pip else f'-m pip --python {python} install ".[cuda]"'
    assert installing("[cuda]").endswith(wanted)
    assert installing("numba").endswith(" install numba")


def test_nngraph_is_installed_from_where_it_lies():
    assert Path(remedies._source(), "pyproject.toml").is_file() or remedies._source() == "nngraph"


@pytest.mark.parametrize("language", ["en", "zh-TW", "zh-CN"])
def test_a_missing_package_is_told_in_one_way(language, monkeypatch, capsys):
    """By the engine, by training and by the doctor, in every language."""
    from nngraph.autograd import executable, leaves, ops
    from nngraph.autograd.errors import NoDevice
    from nngraph.autograd.kernels.cuda import device
    from nngraph.autograd.language import set_language

    found = importlib.util.find_spec
    monkeypatch.setattr(device, "find_spec", lambda name: None if name == "numba_cuda" else found(name))
    monkeypatch.setattr(page, "find_spec", lambda name: None)
    device.gpu.cache_clear()
    assert run(["train", "mlp", "--data", "blobs", "--epochs", "1", "--engine", "cuda", "--lang", language]) == 1
    by_training = capsys.readouterr().err.strip()
    assert run(["doctor", "--engine", "cuda", "--lang", language]) == 1
    by_the_doctor = capsys.readouterr().err.strip()
    assert by_the_doctor.endswith(installing("[cuda]"))
    set_language(language)
    try:
        with pytest.raises(NoDevice) as raised:
            executable.compile(ops.relu(leaves.input("x", shape=(2,))), engine="cuda")
        sentence = str(raised.value)
    finally:
        set_language("en")
    assert sentence in by_training
    assert sentence in by_the_doctor
    assert ("is not installed" in sentence) == (language == "en")


def test_a_simulator_is_no_gpu(a_gpu, monkeypatch):
    monkeypatch.setenv("NUMBA_ENABLE_CUDASIM", "1")
    assert not diagnosis().engine("cuda").runs
    assert diagnosis().engine("cuda-simulator").runs


def test_nvvm_may_come_with_a_toolkit(a_gpu, monkeypatch, tmp_path):
    monkeypatch.setattr(page, "_version", lambda name: None if name == "nvidia-nvvm" else "1.0")
    monkeypatch.setenv("CUDA_HOME", str(tmp_path))
    without = diagnosis().engine("cuda")
    if not Path("/usr/local/cuda/nvvm").exists():
        assert "NVVM" in without.why
    (tmp_path / "nvvm" / "lib64").mkdir(parents=True)
    (tmp_path / "nvvm" / "lib64" / "libnvvm.so").touch()
    assert diagnosis().engine("cuda").runs


def test_a_default_that_cannot_run_is_exit_code_1(monkeypatch, capsys):
    monkeypatch.setattr("nngraph.autograd.kernels.cuda.driver.library", _no_library)
    monkeypatch.setenv("NNGRAPH_ENGINE", "cuda")
    assert run(["doctor"]) == 1
    monkeypatch.setenv("NNGRAPH_ENGINE", "abacus")
    assert run(["doctor"]) == 1
    assert "no such engine" in " ".join(capsys.readouterr().out.split())


def test_a_setting_that_stops_programs_is_exit_code_1(monkeypatch, capsys):
    monkeypatch.setenv("NNGRAPH_THREADS", "many")
    assert run(["doctor"]) == 1
    assert "NNGRAPH_THREADS='many'" in capsys.readouterr().out


def test_an_engine_that_there_is_not(capsys):
    assert run(["doctor", "--engine", "abacus"]) == 2
    assert "numba" in capsys.readouterr().err


def test_as_json(capsys):
    assert run(["doctor", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["works"]
    assert record["fine"]
    assert record["versions"]["numpy"]
    assert {each["name"] for each in record["engines"]} == set(engines)
    assert record["pictures"]["fonts"]


@pytest.mark.parametrize("width", [60, 80, 160])
def test_it_fits_the_terminal(width, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    assert run(["doctor"]) == 0
    assert max(map(cell_width, capsys.readouterr().out.split("\n"))) <= width


def test_neither_the_simulator_nor_numba_is_loaded():
    code = (
        "import sys\nfrom nngraph.cli.app import run\ncode = run(['doctor'])\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('numba', 'numba_cuda', 'sympy')], file=sys.stderr)\nsys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stderr.strip().endswith("[]")


# The driver ---------------------------------------------------------------------------------------------------------------
def test_a_driver_that_does_not_answer_is_not_waited_for(monkeypatch):
    monkeypatch.setattr("nngraph.autograd.kernels.cuda.driver.library", lambda: None)
    driver, gpus, why = gpus_here(patience=0.001)
    assert (driver, gpus) == ("", ())
    assert "has not answered within 0.001 seconds" in why


def test_a_driver_is_asked_by_another_process(monkeypatch):
    monkeypatch.setattr("nngraph.autograd.kernels.cuda.driver.library", lambda: None)
    said = '{"driver": "13.0", "gpus": [{"name": "G", "capability": "9.0", "processors": 2, "free": null, "total": null}], "error": ""}'
    monkeypatch.setattr(page.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, said))
    driver, (gpu,), why = gpus_here()
    assert (driver, gpu.name, why) == ("13.0", "G", "")


def test_a_driver_without_a_gpu_says_what_it_says(monkeypatch):
    monkeypatch.setattr("nngraph.autograd.kernels.cuda.driver.library", lambda: None)
    monkeypatch.setattr(page.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, '{"driver": "13.0", "gpus": [], "error": "no device"}'))  # fmt: skip
    assert gpus_here()[2] == "there is a driver, but it finds no GPU: no device"
    monkeypatch.setattr(page.subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, "Segmentation fault"))
    assert gpus_here()[2] == "the driver of the GPU could not be asked"


def test_what_a_driver_is_asked():
    path = Path(__file__).parents[1] / "autograd" / "cuda" / "fake_driver.py"
    spec = importlib.util.spec_from_file_location("fake_driver_of_the_doctor", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    said = answer(module.FakeDriver(total=1 << 30).driver)
    assert said["error"] == ""
    (gpu,) = said["gpus"]
    assert (gpu["capability"], gpu["total"]) == ("9.0", 1 << 30)
    assert gpu["free"] <= gpu["total"]


# The truth of what is said ------------------------------------------------------------------------------------------------
@pytest.mark.slow
@pytest.mark.parametrize("engine", ["numba", "cuda"])
def test_nothing_but_what_is_listed_goes_through_numpy(engine):
    from nngraph.autograd import ops as _declared  # noqa: F401  (fills the table)
    from nngraph.autograd.engines.compiled.calls import Fallback, every_call
    from nngraph.autograd.engines.compiled.planned import planned
    from nngraph.autograd.engines.compiled.target import PROCESSOR
    from nngraph.autograd.engines.cuda.target import target_of
    from nngraph.autograd.op import OPS
    from nngraph.cli.sources import on_example

    target = PROCESSOR if engine == "numba" else target_of(engine)
    listed = {family for family, _, _ in diagnosis().engine(engine).fallbacks}
    for op in OPS.values():
        node = on_example(op)
        if node is not None and isinstance(node.shape, tuple):
            for _, call in every_call(planned([node], {}, target).calls):
                assert not isinstance(call.code, Fallback) or call.code.node.op.kernel in listed, op.name
