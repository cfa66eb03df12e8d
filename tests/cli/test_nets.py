"""nngraph nets: every public name of a family, its sentence from its own docstring, in the languages, as JSON."""

import importlib
import json

import pytest
from nngraph import nets
from nngraph.cli.app import run
from nngraph.nets.systems import FAMILIES, MORE, System, docstring, system, systems


def test_every_network_is_listed_with_a_sentence():
    listed = {each.name: each for each in systems()}
    for name in ("Perceptron", "MLP", "LeNet", "LSTM", "RBM", "Hopfield", "Autoencoder", "GCN", "Transformer", "Adam", "data.digits"):
        assert len(listed[name].what) > 10
        assert listed[name].family != MORE
    assert len(listed) == len(systems())


def test_modules_are_in_a_family():
    assert not [each for each in systems() if each.family == MORE and isinstance(getattr(nets, each.name, None), type)]


def test_sentences_are_those_of_the_docstrings():
    for name in ("MLP", "Linear", "Adam"):
        found = system(name)
        said = " ".join(getattr(nets, name).__doc__.split())
        assert said.startswith(found.what)
        assert " ".join(docstring(found).split()).startswith(found.what)


def test_the_list(capsys):
    assert run(["nets"]) == 0
    shown = capsys.readouterr().out
    for family, _ in FAMILIES:
        assert f"\n {family} " in "\n" + shown or f"\n{family} " in "\n" + shown
    assert shown.index("Perceptron") < shown.index("LeNet") < shown.index("LSTM")


def test_in_chinese(capsys):
    assert run(["nets", "--lang", "zh-TW"]) == 0
    shown = capsys.readouterr().out
    assert "遞迴神經網路" in shown
    assert "是什麼" in shown


def test_one(capsys):
    assert run(["nets", "rbm"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("nets.RBM\n")
    assert "contrastive divergence" in shown
    assert "nets/boltzmann.py" in shown


def test_losses_activations_and_tools_of_scikit_learn_are_listed(capsys):
    listed = {each.full_name: each for each in systems()}
    for name in ("ng.softmax_loss", "ng.kl_divergence", "ng.leaky_relu", "ng.maxout", "nets.mean_cost", "sklearn.metrics.roc_auc_score"):
        assert name in listed
    for each in listed.values():
        if each.place == "scikit-learn":
            module, _, name = each.name.rpartition(".")
            assert hasattr(importlib.import_module(module), name)
    assert run(["nets", "softmax_loss"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("ng.softmax_loss\n")
    assert "{" not in shown
    assert "autograd/ops/loss.py" in shown
    assert run(["nets", "metrics.roc_curve", "--lang", "zh-CN"]) == 0
    assert capsys.readouterr().out.startswith("sklearn.metrics.roc_curve\n")


def test_the_lecture_about_a_system_is_the_one_that_names_it_most(capsys):
    assert run(["nets", "gate", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["nets"][0]["lecture"] == "13_threshold_unit.py"


def test_as_json(capsys):
    assert run(["nets", "MLP", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["nets"]
    assert found["name"] == "MLP"
    assert found["file"] == "nets/feed_forward.py"
    assert found["description"].startswith("Linear layers")


def test_a_name_there_is_not(capsys):
    assert run(["nets", "LSMT"]) == 2
    assert "did you mean LSTM" in capsys.readouterr().err


def test_reading_the_list_imports_no_network():
    import subprocess
    import sys

    code = "import sys; from nngraph.nets.systems import systems; systems(); print([m for m in sys.modules if m in ('sklearn', 'numba', 'nngraph.nets.boltzmann')])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_place():
    assert System("a.b", "Data", "x", "data.shapes").path == "nets/data/shapes.py"
    with pytest.raises(ValueError, match="no system"):
        system("nothing like it")
