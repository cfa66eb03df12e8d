"""nngraph plan, ops --show-source and doctor: what a person sees of the engines."""

from __future__ import annotations

import json

import pytest
from nngraph.autograd.language import cell_width
from nngraph.cli.app import run

LAYER = ["softmax_loss(X@W+b, T)", "--shape", "X=20,6", "--shape", "W=6,4", "--shape", "b=4", "--shape", "T=20,4"]


def printed(capsys, *arguments):
    assert run(list(arguments)) == 0
    return capsys.readouterr().out


def test_a_plan_is_printed(capsys):
    text = printed(capsys, "plan", *LAYER, "--wrt", "W,b")
    assert text.startswith("engine numba, instructions: ")
    assert "matmul" in text
    assert "∂L/∂W" in text
    assert "∂L/∂b" in text
    assert max(map(cell_width, text.split("\n"))) <= 100
    assert "∂L/∂W" not in printed(capsys, "plan", *LAYER)


def test_in_chinese(capsys, monkeypatch):
    text = printed(capsys, "plan", *LAYER, "--lang", "zh-TW")
    assert text.startswith("引擎 numba，指令 ")
    assert "核心" in text
    printed(capsys, "ops", "--lang", "en")


def test_code_and_times(capsys):
    text = printed(capsys, "plan", "sum(tanh(w*x))", "--shape", "x=50", "--shape", "w=50", "--show-source", "--profile")
    assert "for i, in vectors" in text
    assert "tanh(v" in text
    assert "GFLOP/s" in text


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_as_json_and_as_a_picture(engine, capsys, tmp_path):
    path = tmp_path / "plan.svg"
    record = json.loads(
        printed(capsys, "plan", *LAYER, "--wrt", "W", "--engine", engine, "--json", "--profile", "-o", str(path))
    )
    assert record["engine"] == engine
    assert record["outputs"] == ["L", "∂L/∂W"]
    assert len(record["profile"]) >= len(record["instructions"]) > 0
    assert path.read_text(encoding="utf-8").lstrip().startswith("<svg")


def test_how_engines_compute_an_op(capsys):
    text = printed(capsys, "ops", "log_sigmoid", "--show-source")
    assert "log_sigmoid = min(x, 0) - log1p(exp(-abs(x)))" in text
    assert "v5 = log1p(v4)" in text
    assert text.startswith("log_sigmoid(x)")


def test_every_op_has_its_source(capsys):
    records = json.loads(printed(capsys, "ops", "--show-source", "--json"))
    assert all(record["source"]["numpy"].strip() for record in records)
    assert sum("numba" in record["source"] for record in records) >= len(records) - 5


def test_an_op_that_is_named_is_shown_alone_and_whole(capsys):
    text = printed(capsys, "ops", "relu", "--show-source")
    assert "leaky_relu" not in text
    assert "prelu" not in text
    text = printed(capsys, "ops", "layer_norm", "--show-source")
    assert "layer_norm(x, scale, shift, axis, epsilon) = _affine(" in text
    assert "def _affine(" in text
    assert "def _placed(" in text
    records = json.loads(printed(capsys, "ops", "--show-source", "--json"))
    for record in records:
        code = record["source"]["numpy"].rstrip()
        assert not code.endswith(","), record["name"]
        assert code.count("(") == code.count(")"), record["name"]


def test_doctor_knows_the_compiled_engine(capsys, monkeypatch):
    run(["doctor"])
    text = capsys.readouterr().out
    assert "compiled engine" in text
    assert "registers" in text
    assert "pieces," in text
    monkeypatch.setenv("NNGRAPH_THREADS", "many")
    run(["doctor"])
    assert "NNGRAPH_THREADS='many'" in capsys.readouterr().out


STEP = """
import nngraph as ng
x, t = ng.input("x", shape=(4, 2)), ng.input("t", shape=(4, 1))
W, b = ng.parameter("W", [[0.1], [0.2]]), ng.parameter("b", [0.0])
loss = ng.mean_squared_error(ng.sigmoid(x @ W + b), t)
dW, db = ng.gradient(loss, [W, b])
step = ng.compile(loss, inputs=[x, t], updates={W: W - 2 * dW, b: b - 2 * db})
"""


@pytest.fixture
def step(tmp_path):
    path = tmp_path / "training.py"
    path.write_text(STEP, encoding="utf-8")
    return f"{path}:step"


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_a_compiled_step_of_a_file(step, engine, capsys, tmp_path):
    text = printed(capsys, "plan", step, "--engine", engine)
    assert "→ loss" in text
    assert ": 2" in text.split("\n")[2]  # two leaves are updated
    path = tmp_path / "step.svg"
    printed(
        capsys, "plan", step, "--engine", engine, "--profile", "--size", "slide", "--title", "a step", "--theme", "dark",
        "--fold", "1", "-o", str(path),
    )  # fmt: skip
    picture = path.read_text(encoding="utf-8")
    assert "a step" in picture
    assert "s · " in picture  # the times
    assert "measured" in picture
    assert "loss" in printed(capsys, "draw", step, "--format", "txt", "--fold", "0")


def test_a_step_is_asked_for_nothing_more(step, capsys):
    assert run(["plan", step, "--wrt", "W"]) == 2
    assert "is compiled already" in capsys.readouterr().err


def test_the_result_is_called_as_in_a_derivation(step, capsys):
    text = printed(capsys, "plan", step.replace(":step", ":loss"), "--wrt", "W")
    assert "→ loss" in text
    assert "∂loss/∂W" in text


# A GPU --------------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("engine", ["cuda", "cuda-tf32", "cuda-simulator"])
def test_a_plan_for_a_gpu_needs_none_and_speaks_of_blocks(engine, capsys, monkeypatch):
    asked = []
    for name in ("gpu", "simulator"):
        monkeypatch.setattr(f"nngraph.autograd.engines.cuda.report.{name}", lambda: asked.append(1))
    text = printed(capsys, "plan", "relu(X@W+b)", "--shape", "X=20,6", "--shape", "W=6,4", "--shape", "b=4", "--engine", engine)
    head, _, table = text.partition("\n\n")
    assert head.startswith(f"engine {engine}, ")
    titles, numbers = table.split("\n")[:2]
    assert titles.split()[2:4] == ["blocks", "threads"]
    assert all(int(number) > 0 for number in numbers.split()[2:4])
    assert "in registers" in table
    assert "cache" not in text
    assert not asked


def test_how_many_blocks_a_call_has_is_how_it_is_launched(capsys):
    record = json.loads(printed(capsys, "plan", "tanh(x)", "--shape", "x=100000", "--engine", "cuda", "--json"))
    (each,) = record["instructions"]
    code = printed(capsys, "plan", "tanh(x)", "--shape", "x=100000", "--engine", "cuda", "--show-source")
    assert f"# {each['blocks']} × 1 × 1 blocks of {each['threads']} threads" in code
    (each,) = json.loads(printed(capsys, "plan", "tanh(x)", "--shape", "x=100000", "--json"))["instructions"]
    assert (each["blocks"], each["threads"]) == (0, 0)


def test_what_a_library_launches_is_not_said(capsys):
    text = printed(capsys, "plan", "relu(X@W)", "--shape", "X=20,6", "--shape", "W=6,4", "--engine", "cuda-cublas", "--json")
    product, rest = json.loads(text)["instructions"]
    assert (product["kernel"], product["blocks"], product["threads"]) == ("cublas", 0, 0)
    assert rest["blocks"] > 0


def test_the_engine_of_the_environment_is_obeyed(step, capsys, monkeypatch):
    monkeypatch.setenv("NNGRAPH_ENGINE", "numpy")
    assert printed(capsys, "plan", *LAYER).startswith("engine numpy, ")
    assert printed(capsys, "plan", step).startswith("engine numpy, ")
    assert printed(capsys, "plan", *LAYER, "--engine", "numba").startswith("engine numba, ")
    monkeypatch.setenv("NNGRAPH_ENGINE", "abacus")
    assert run(["plan", *LAYER]) == 2
    assert "there is no engine 'abacus'" in capsys.readouterr().err


def test_a_step_is_shown_as_it_was_compiled(tmp_path, capsys):
    path = tmp_path / "training.py"
    path.write_text(STEP.replace("step = ng.compile(loss,", 'step = ng.compile(loss, engine="numpy",'), encoding="utf-8")
    assert printed(capsys, "plan", f"{path}:step").startswith("engine numpy, ")
    assert printed(capsys, "plan", f"{path}:step", "--engine", "numba").startswith("engine numba, ")
