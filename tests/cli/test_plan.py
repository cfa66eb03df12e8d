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
    assert "∂y/∂W" in text
    assert "∂y/∂b" in text
    assert max(map(cell_width, text.split("\n"))) <= 100
    assert "∂y/∂W" not in printed(capsys, "plan", *LAYER)


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
    assert record["outputs"] == ["y", "∂y/∂W"]
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


def test_doctor_knows_the_compiled_engine(capsys, monkeypatch):
    run(["doctor"])
    text = capsys.readouterr().out
    assert "compiled engine" in text
    assert "registers" in text
    assert "pieces," in text
    monkeypatch.setenv("NNGRAPH_THREADS", "many")
    run(["doctor"])
    assert "NNGRAPH_THREADS='many'" in capsys.readouterr().out
