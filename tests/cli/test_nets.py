"""nngraph nets: every public name of a family, its sentence from its own docstring, in the languages, as JSON."""

import importlib
import json

import pytest
from nngraph import nets
from nngraph.autograd.language import translate
from nngraph.cli.app import run
from nngraph.nets.systems import FAMILIES, MORE, System, about, docstring, system, systems


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
    assert shown.startswith("nets.RBM(visible, hidden, *, steps=1,")
    assert "English" not in shown
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
    assert shown.startswith("ng.softmax_loss(z, t)\n")
    assert "{" not in shown
    assert "autograd/ops/loss.py" in shown
    assert run(["nets", "metrics.roc_curve", "--lang", "zh-CN"]) == 0
    assert capsys.readouterr().out.startswith("sklearn.metrics.roc_curve\n")


def test_the_lecture_about_a_system_is_the_one_that_names_it_most(capsys):
    assert run(["nets", "gate", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["nets"][0]["lecture"] == "13_threshold_unit.py"


def test_one_in_chinese_begins_in_chinese_and_says_that_the_rest_is_english(capsys):
    assert run(["nets", "RBM", "--lang", "zh-TW"]) == 0
    call, first, said, *rest = capsys.readouterr().out.split("\n\n")
    assert call.startswith("nets.RBM(visible")
    assert first.startswith("受限波茲曼機")
    assert said == translate("What follows is in English only.", "zh-TW")
    assert rest[0].startswith("A restricted Boltzmann machine")
    assert run(["nets", "softmax_loss", "--lang", "zh-TW"]) == 0
    assert said not in capsys.readouterr().out


def test_families_by_name_in_any_language_and_words_of_what_a_thing_is(capsys):
    recurrent = [each.name for each in systems() if each.family == "Recurrent networks"]
    for words in ("遞迴", "循环", "recurrent net"):
        assert [each.name for each in about(words)] == recurrent
    assert {"MaxPool2d", "LeNet"} <= {each.name for each in about("pooling")}
    assert about("a") == about("nothing like it") == []
    assert run(["nets", "遞迴", "--lang", "zh-TW"]) == 0
    shown = capsys.readouterr().out
    assert "遞迴神經網路" in shown
    assert "LSTM" in shown
    assert "LeNet" not in shown


@pytest.mark.parametrize("name", ["train", "Trainer", "Module", "NetEstimator", "load_checkpoint", "save_checkpoint", "progress", "nets.training"])
def test_what_trains_is_found(name, capsys):
    assert system(name).family == "Training"
    assert run(["nets", name]) == 0
    assert system(name).full_name + "(" in capsys.readouterr().out


def test_estimators_that_share_a_name_with_a_network_are_listed_beside_it():
    listed = {each.full_name: each for each in systems()}
    for name in ("Autoencoder", "LogisticRegression"):
        assert listed[f"nets.{name}"].path != listed[f"nets.estimators.{name}"].path
        assert system(name).full_name == f"nets.{name}"
        assert system(f"nets.estimators.{name}").full_name == f"nets.estimators.{name}"
        assert hasattr(nets.estimators, name)
    assert listed.keys().isdisjoint({"nets.Turn", "nets.AdversarialRecord", "nets.DataError"})


def test_as_json(capsys):
    assert run(["nets", "MLP", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["nets"]
    assert found["name"] == "MLP"
    assert found["file"] == "nets/feed_forward.py"
    assert found["description"].startswith("Linear layers")
    assert found["call"].startswith("nets.MLP(sizes, ")


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
