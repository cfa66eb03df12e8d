"""nngraph train: a run is a folder of whole files; it can be interrupted and resumed to the same numbers; bad input is named."""

import json

import numpy as np
import pytest
from nngraph import nets
from nngraph.cli import run_folder
from nngraph.cli.app import run
from nngraph.cli.trainable_systems import SYSTEMS
from nngraph.nets import data
from nngraph.nets.saving import load_values

QUICK = ("--engine", "numpy", "--hidden", "8")


def train(*words):
    return run(["train", *map(str, words)])


def lines(folder):
    return [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]


@pytest.fixture(autouse=True)
def quick_pictures(monkeypatch):
    """Pictures as files that cost nothing; that they can be painted is tested with the plots, and once below."""
    from nngraph.viz.plots import Animation, Plot

    with monkeypatch.context() as patch:
        for kind in (Plot, Animation):
            patch.setattr(kind, "save", lambda self, path: path.write_bytes(b"a picture"))
        patch.setattr(Plot, "png", lambda self, scale: b"a picture")
        yield patch


@pytest.fixture
def few_digits(monkeypatch):
    digits = data.digits().rows(slice(0, 200))
    monkeypatch.setattr(data, "digits", lambda: digits, raising=False)
    return digits


def test_a_run_is_a_folder(tmp_path, capsys):
    folder = tmp_path / "run"
    assert train("mlp", "--data", "moons", "--epochs", 8, "--rate", 0.05, "-o", folder, *QUICK) == 0
    shown = capsys.readouterr()
    assert "mlp on moons: epoch" in shown.out
    assert shown.err == ""
    names = {path.name for path in folder.iterdir()}
    pictures = {f"{name}.{form}" for name in ("curves", "confusion", "boundary") for form in ("svg", "png")}
    assert names == {"settings.json", "records.jsonl", "weights.safetensors", "checkpoint.safetensors", "report.html", *pictures}
    assert [each["epoch"] for each in lines(folder)] == list(range(1, 9))
    net = nets.MLP([2, 8, 2], rng=1).load(folder / "weights.safetensors")
    assert net.count == 42
    assert "accuracy" in (folder / "report.html").read_text()
    # The weights are those of the best epoch, the accuracy said is that of its record.
    best = min(lines(folder), key=lambda each: each["validation"])
    assert best["metrics"]["accuracy"] > 0.85
    assert f"accuracy {best['metrics']['accuracy']:.4g}" in shown.out


def test_json_and_the_same_seed_gives_the_same(tmp_path, capsys):
    told = []
    for seed in (1, 1, 2):
        assert train("mlp", "--data", "iris", "--epochs", 2, "--seed", seed, "--json", *QUICK) == 0
        told.append(json.loads(capsys.readouterr().out))
    assert told[0] == told[1] != told[2]
    assert told[0]["folder"] is None
    assert not list(tmp_path.iterdir())


def test_interrupted_and_resumed_is_the_same_as_without(tmp_path, capsys, monkeypatch):
    words = ("mlp", "--data", "moons", "--epochs", 6, *QUICK)
    assert train(*words, "-o", tmp_path / "whole") == 0
    original = run_folder.RunFolder.take

    def take(self, trainer, record):
        original(self, trainer, record)
        if record.epoch == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run_folder.RunFolder, "take", take)
        assert train(*words, "-o", tmp_path / "run") == 130
    shown = capsys.readouterr()
    assert "Interrupted after epoch 3 of 6. The network keeps its best values." in shown.err
    assert len(lines(tmp_path / "run")) == 3
    assert "Interrupted" in (tmp_path / "run" / "report.html").read_text()
    assert train("--resume", tmp_path / "run") == 0
    for name in ("weights.safetensors", "checkpoint.safetensors"):
        whole, again = (load_values(tmp_path / part / name) for part in ("whole", "run"))
        assert whole.keys() == again.keys()
        assert all(np.array_equal(whole[key], again[key]) for key in whole)
    plain = [{**each, "seconds": 0, "best": 0} for each in lines(tmp_path / "run")]
    assert plain == [{**each, "seconds": 0, "best": 0} for each in lines(tmp_path / "whole")]
    assert train("--resume", tmp_path / "run") == 2
    assert "6 epochs already" in capsys.readouterr().err
    assert train("--resume", tmp_path / "run", "--epochs", 7) == 0


def test_a_table_with_a_target(tmp_path, capsys):
    path = tmp_path / "customers.csv"
    data.churn(200).write(path)
    assert train("mlp", "--data", path, "--target", "churn", *QUICK) == 2
    assert "--missing fill" in capsys.readouterr().err
    assert train("mlp", "--data", path, "--target", "churn", "--missing", "fill", "--epochs", 10, "--rate", 0.02, *QUICK) == 0
    assert "accuracy 0." in capsys.readouterr().out
    assert train("mlp", "--data", path, "--target", "churned", *QUICK) == 2
    assert "has no column churned" in (said := capsys.readouterr().err)
    assert "contract" in said


def test_amounts_are_told_in_their_own_units(capsys):
    assert train("mlp", "--data", "houses", "--epochs", 40, "--rate", 0.02, "--json", *QUICK) == 0
    # Prices differ by 130 or so; what no method can know is 15.
    assert 10 < json.loads(capsys.readouterr().out)["error"] < 40


@pytest.mark.parametrize("system", ["rbm", "autoencoder"])
def test_systems_without_targets(system, tmp_path, few_digits):
    assert train(system, "--data", "digits", "--epochs", 3, "--rate", 0.01, "-o", tmp_path / "run", *QUICK) == 0
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"reconstructions.svg", "filters.svg", "weights.safetensors"} <= names
    losses = [each["metrics"].get("reconstruction error", each["loss"]) for each in lines(tmp_path / "run")]
    assert losses[-1] < losses[0]


GAMES = [name for name, system in SYSTEMS.items() if "loss" in system.takes]


@pytest.mark.parametrize("system", [*GAMES, "vae"])
def test_systems_that_make_something(system, tmp_path, capsys, few_digits):
    """What they make after each epoch is kept as numbers and as a picture."""
    folder = tmp_path / "run"
    assert train(system, "--data", "digits", "--epochs", 3, "--hidden", 8, "--engine", "numpy", "-o", folder) == 0
    said = capsys.readouterr()
    assert f"{system} on digits: epoch" in said.out
    assert said.err == ""
    names = {str(path.relative_to(folder)) for path in folder.rglob("*")}
    assert {f"samples/epoch-000{epoch}.png" for epoch in (1, 2, 3)} | {"samples.gif", "samples.svg", "curves.svg", "report.html"} <= names
    assert 'src="samples.gif"' in (folder / "report.html").read_text()
    made = load_values(folder / "samples.safetensors")
    assert sorted(made) == ["1", "2", "3"]
    assert all(len(each) == 40 and np.prod(each.shape[1:]) == 64 for each in made.values())
    assert (made["1"] != made["3"]).any()
    if system in GAMES:
        assert [list(each["losses"]) for each in lines(folder)] == [["discriminator", "generator"]] * 3
        assert f"generator {lines(folder)[-1]['losses']['generator']:.4g}" in said.out


def test_a_gan_learns_to_draw_digits(tmp_path, few_digits):
    """What it makes comes nearer to what it has seen, and is not always the same."""
    assert train("gan", "--data", "digits", "--epochs", 150, "--hidden", 64, "-o", tmp_path / "run") == 0
    made = load_values(tmp_path / "run" / "samples.safetensors")
    real = 2 * few_digits.X - 1
    first, last = (np.linalg.norm(made[epoch][:, None] - real, axis=2) for epoch in ("1", "150"))
    assert last.min(1).mean() < 0.7 * first.min(1).mean()
    assert len(set(last.argmin(1))) > 15
    # At most 61 of the 150 epochs are kept for the film, the first and the last among them.
    assert sorted(map(int, made)) == [*range(1, 150, 4), 150]


def test_a_game_goes_on_where_it_was_interrupted(tmp_path, capsys, monkeypatch):
    words = ("gan", "--data", "blobs", "--epochs", 5, "--hidden", 8, "--loss", "least-squares", "--steps", 2, "--engine", "numpy")
    assert train(*words, "-o", tmp_path / "whole") == 0
    original = run_folder.RunFolder.take

    def take(self, trainer, record):
        original(self, trainer, record)
        if record.epoch == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(run_folder.RunFolder, "take", take)
        assert train(*words, "-o", tmp_path / "run") == 130
    assert "Interrupted after epoch 2 of 5. The network keeps its last values." in capsys.readouterr().err
    assert {path.name for path in (tmp_path / "run" / "samples").iterdir()} == {"epoch-0001.png", "epoch-0002.png"}
    assert train("--resume", tmp_path / "run") == 0
    for name in ("weights.safetensors", "checkpoint.safetensors", "samples.safetensors"):
        whole, again = (load_values(tmp_path / part / name) for part in ("whole", "run"))
        assert whole.keys() == again.keys()
        assert all(np.array_equal(whole[key], again[key]) for key in whole)
    assert [each["losses"] for each in lines(tmp_path / "run")] == [each["losses"] for each in lines(tmp_path / "whole")]


def test_the_film_is_painted(tmp_path, quick_pictures):
    from PIL import Image

    quick_pictures.undo()
    assert train("gan", "--data", "blobs", "--epochs", 2, "--lang", "zh-TW", "-o", tmp_path / "run", *QUICK) == 0
    with Image.open(tmp_path / "run" / "samples.gif") as film:
        assert film.n_frames == 2
    first, second = (Image.open(tmp_path / "run" / "samples" / f"epoch-000{epoch}.png").convert("RGB") for epoch in (1, 2))
    assert first.size == second.size
    assert (np.asarray(first) != np.asarray(second)).any()


def test_patience_ends_it(capsys):
    words = ("mlp", "--data", "moons", "--epochs", 500, "--patience", 2, "--rate", 0.3, "--json")
    assert train(*words, *QUICK) == 0
    shown = capsys.readouterr()
    told = json.loads(shown.out)
    assert told["stopped"] == "patience"
    assert told["epochs"] == told["best_epoch"] + 2 < 500
    assert "no lower validation loss" in shown.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["mlp"], "data is missing"),
        ([], "system is missing"),
        (["mlp", "--data", "digit"], "did you mean digits?"),
        (["mlp", "--data", "nothing.csv", "--target", "x"], "there is no file nothing.csv"),
        (["mlp", "--data", "moons", "--hidden", "30,x"], "--hidden 30,x"),
        (["mlp", "--data", "moons", "--rate", "-1"], "--rate -1"),
        (["mlp", "--data", "moons", "--optimizer", "adma"], "did you mean adam?"),
        (["mlp", "--data", "moons", "--validation", "1.5"], "--validation 1.5"),
        (["mlp", "--data", "moons", "--target", "x"], "--target is for tables"),
        (["rbm", "--data", "moons", "--patience", "3"], "--patience needs rows"),
        (["gan", "--data", "moons", "--patience", "3"], "--patience means nothing to gan"),
        (["rbm", "--data", "moons", "--hidden", "3,4"], "one layer of hidden units"),
        (["perceptron", "--data", "moons"], "perceptron"),
        (["mlp", "--data", "moons", "--epochs", "0"], "--epochs"),
        (["mlp", "--data", "moons", "--steps", "2"], "--steps means nothing to mlp"),
        (["gan", "--data", "moons", "--validation", "0.1"], "--validation means nothing to gan"),
        (["gan", "--data", "moons", "--loss", "least-square"], "did you mean least-squares?"),
        (["gan", "--data", "moons", "--optimizer", "lbfgs"], "means nothing to gan"),
        (["mlp", "--data", "moons", "--optimizer", "lbfgs", "--rate", "0.1"], "--rate means nothing to lbfgs"),
        (["vae", "--data", "digits", "--optimizer", "LBFGS"], "draws at random"),
        (["dcgan", "--data", "moons"], "the rows of moons are none"),
        (["dcgan", "--data", "digits", "--hidden", "8,8,8,8"], "multiples of 16"),
        (["conditional", "--data", "diabetes"], "diabetes has none"),
        (["vae", "--data", "moons"], "numbers between 0 and 1"),
    ],
)
def test_what_cannot_be_is_named_and_nothing_is_written(words, said, tmp_path, capsys):
    folder = tmp_path / "run"
    assert train(*words, "-o", folder) == 2
    assert said in capsys.readouterr().err
    assert not folder.exists()


def test_a_folder_that_is_not_empty_stays_as_it_is(tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("mine")
    assert train("mlp", "--data", "moons", "-o", tmp_path, *QUICK) == 2
    assert "is not empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_resume_keeps_the_settings_of_the_folder(tmp_path, capsys):
    assert train("--resume", tmp_path) == 2
    assert "settings.json is not there" in capsys.readouterr().err
    assert train("--resume", tmp_path, "--rate", 0.1) == 2
    assert "rate cannot be changed" in capsys.readouterr().err


def test_a_rate_that_is_too_high(tmp_path, capsys):
    words = ("mlp", "--data", "houses", "--optimizer", "sgd", "--rate", 1e9, "-o", tmp_path / "run")
    with np.errstate(all="ignore"):
        assert train(*words, *QUICK) == 1
    assert "a smaller --rate" in capsys.readouterr().err
    # Nothing was learned, so that there is nothing to go on with: the folder is as free as it was.
    assert not (tmp_path / "run").exists()
    with np.errstate(all="ignore"):
        (tmp_path / "run").mkdir()
        assert train(*words, *QUICK) == 1
    assert list((tmp_path / "run").iterdir()) == []
    assert train(*words[:-4], "--rate", 0.01, "--epochs", 1, "-o", tmp_path / "run", *QUICK) == 0


def test_a_training_that_fails_later_keeps_what_it_learned(tmp_path, capsys, monkeypatch):
    from nngraph.nets.trainer import Trainer

    original = Trainer._epochs

    def epochs(self, first, last):
        for epoch, loss, rate, seconds in original(self, first, last):
            yield epoch, float("nan") if epoch == 2 else loss, rate, seconds

    monkeypatch.setattr(Trainer, "_epochs", epochs)
    folder = tmp_path / "run"
    assert train("mlp", "--data", "moons", "--epochs", 5, "-o", folder, *QUICK) == 1
    said = capsys.readouterr().err
    assert "nan in epoch 3" in said
    assert f"{folder} keeps the epochs before" in said
    assert [each["epoch"] for each in lines(folder)] == [1, 2]
    assert all(np.isfinite(value).all() for value in load_values(folder / "weights.safetensors").values())
    monkeypatch.undo()
    assert train("--resume", folder, "--epochs", 3) == 0


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained") / "run"
    assert train("mlp", "--data", "moons", "--epochs", 2, "-o", folder, *QUICK) == 0
    return folder


@pytest.mark.parametrize(
    ("file", "text"),
    [
        *(("settings.json", text) for text in ("[]", "{", "1", '{"system": "mlp"}', '{"system": "x", "data": "moons"}')),
        *(("settings.json", json.dumps({"system": "mlp", "data": "moons", **wrong})) for wrong in ({"epochs": "x"}, {"colour": 1}, {"seed": True}, {"drop": [1]})),
        *(("records.jsonl", text) for text in ("", "[]", "{}", "x", '{"epoch": 1, "loss": "a", "seconds": 1}', '{"epoch": 2, "loss": 1, "seconds": 1}')),
        *((f"{name}.safetensors", "") for name in ("weights", "checkpoint")),
    ],
)
def test_files_of_a_training_that_are_damaged_are_named(file, text, trained, tmp_path, capsys):
    import shutil

    folder = tmp_path / "run"
    shutil.copytree(trained, folder)
    (folder / file).write_text(text)
    assert train("--resume", folder, "--epochs", 3) == 2
    said = capsys.readouterr().err
    assert file in said
    assert "mistake in nngraph" not in said


def test_resume_takes_a_folder(trained, tmp_path, capsys):
    assert train("--resume", trained / "report.html") == 2
    assert "report.html is no folder" in capsys.readouterr().err
    assert train("--resume", tmp_path / "nowhere") == 2
    assert "there is no folder" in capsys.readouterr().err


def test_lbfgs(tmp_path, capsys):
    folder = tmp_path / "run"
    assert train("mlp", "--data", "iris", "--optimizer", "lbfgs", "--epochs", 200, "-o", folder, *QUICK) == 0
    shown = capsys.readouterr()
    assert "of 200: the loss is as low as it gets" in shown.err or "no step makes the loss lower" in shown.err
    assert 10 * lines(folder)[-1]["loss"] < lines(folder)[0]["loss"]
    assert train("--resume", folder, "--epochs", 210) == 0


def test_the_settings_of_a_report_are_words(tmp_path, capsys):
    assert train("gan", "--data", "blobs", "--epochs", 1, "--latent", 3, "-o", tmp_path / "run", *QUICK) == 0
    page = (tmp_path / "run" / "report.html").read_text()
    assert "loss non-saturating, steps of the discriminator 1, size of the code 3, optimizer adam, rate 0.001, rows to a step 64, seed 0" in page


@pytest.mark.parametrize(("language", "own", "other"), [("zh-CN", "Noto Sans CJK SC", "TC"), ("zh-TW", "Noto Sans CJK TC", "SC")])
def test_a_report_has_the_letters_of_its_language(language, own, other, tmp_path):
    assert train("mlp", "--data", "moons", "--epochs", 1, "-o", tmp_path / "run", "--lang", language, *QUICK) == 0
    page = (tmp_path / "run" / "report.html").read_text()
    assert own in page
    assert f" {other}" not in page


def test_the_objective_of_a_machine_is_not_called_a_loss(tmp_path, capsys, few_digits, monkeypatch):
    from nngraph.viz import plots

    asked = []
    original = plots.learning_curves
    monkeypatch.setattr(plots, "learning_curves", lambda *given, **more: asked.append(more) or original(*given, **more))
    assert train("rbm", "--data", "digits", "--epochs", 1, "-o", tmp_path / "run", *QUICK) == 0
    assert ", free energy, data − chain " in capsys.readouterr().out
    assert asked == [{"loss": "free energy, data − chain"}]
    assert "<th>loss</th>" not in (tmp_path / "run" / "report.html").read_text()


def test_without_matplotlib_all_but_pictures_is_written(tmp_path, capsys, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert train("mlp", "--data", "moons", "--epochs", 1, "-o", tmp_path / "run", *QUICK) == 0
    assert capsys.readouterr().err == 'plots are drawn with matplotlib: pip install "nngraph[learn]"\n'
    assert {path.suffix for path in (tmp_path / "run").iterdir()} == {".json", ".jsonl", ".safetensors", ".html"}


def test_a_table_in_another_encoding(tmp_path, capsys):
    path = tmp_path / "學生.csv"
    path.write_bytes("高度,性別\n".encode("big5") + b"".join(f"{150 + k},{'男女'[k % 2]}\n".encode("big5") for k in range(20)))
    assert train("mlp", "--data", path, "--target", "性別", *QUICK) == 2
    assert "--encoding" in capsys.readouterr().err
    assert train("mlp", "--data", path, "--target", "性別", "--encoding", "big6", *QUICK) == 2
    assert "there is no encoding big6" in capsys.readouterr().err
    assert train("mlp", "--data", path, "--target", "性別", "--encoding", "big5", "--epochs", 1, *QUICK) == 0


def test_a_gap_in_the_target_can_only_be_left_out(tmp_path, capsys):
    path = tmp_path / "gap.csv"
    path.write_text("a,t\n" + "1,x\n2,y\n" * 5 + "3,\n")
    assert train("mlp", "--data", path, "--target", "t", "--missing", "fill", *QUICK) == 2
    said = capsys.readouterr().err
    assert "--missing drop" in said
    assert "--missing fill" not in said


def test_the_usual_rate_is_that_of_the_optimizer():
    from nngraph.cli.trainable_systems import settled

    said = {"system": "rbm", "data": "digits"}
    assert (settled(said)["optimizer"], settled(said)["rate"]) == ("sgd", 0.1)
    assert settled({**said, "optimizer": "adam"})["rate"] is None
    assert settled({**said, "optimizer": "adam", "rate": 0.5})["rate"] == 0.5
    assert settled({"system": "gan", "data": "digits", "optimizer": "adam"})["rate"] == 0.001
    assert settled({**said, "system": "mlp", "optimizer": "lbfgs"})["batch"] is None


def test_a_machine_learns_more_than_the_mean_with_its_usual_settings(capsys):
    digits = data.digits()
    assert train("rbm", "--data", "digits", "--json") == 0
    error = json.loads(capsys.readouterr().out)["reconstruction error"]
    assert error < 0.6 * digits.X.var(0).mean()


def test_an_end_before_the_first_epoch_leaves_nothing(tmp_path, capsys, monkeypatch):
    from nngraph.nets.trainer import Trainer

    def interrupted(*_):
        raise KeyboardInterrupt
        yield

    words = ("mlp", "--data", "moons", "--epochs", 2, "-o", tmp_path / "run", *QUICK)
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_epochs", interrupted)
        assert train(*words) == 130
    assert "before an epoch was done" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
    # One that was killed leaves its settings, and is begun anew.
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "settings.json").write_text("{}")
    assert train(*words) == 0


def test_a_training_that_ended_before_its_report_is_finished(trained, tmp_path, capsys):
    import shutil

    folder = tmp_path / "run"
    shutil.copytree(trained, folder)
    for path in [*folder.glob("*.svg"), *folder.glob("*.png"), folder / "report.html"]:
        path.unlink()
    assert train("--resume", folder) == 0
    assert {path.name for path in folder.iterdir()} == {path.name for path in trained.iterdir()}
    assert train("--resume", folder) == 2
    assert "2 epochs already" in capsys.readouterr().err


def test_a_training_goes_on_with_the_rows_it_began_with(tmp_path, capsys):
    path, folder = tmp_path / "rows.csv", tmp_path / "run"
    rows = [f"{k},{k % 5},{'ab'[k % 2]}" for k in range(40)]
    path.write_text("\n".join(["x,y,t", *rows]))
    assert train("mlp", "--data", path, "--target", "t", "--epochs", 1, "-o", folder, *QUICK) == 0
    path.write_text("\n".join(["x,y,t", *rows, "7,7,a"]))
    assert train("--resume", folder, "--epochs", 2) == 2
    assert "others than when this training began" in capsys.readouterr().err
    path.write_text("\n".join(["x,y,t", *rows]))
    assert train("--resume", folder, "--epochs", 2) == 0


def test_a_training_goes_on_from_another_folder_and_meets_a_rare_category(tmp_path, monkeypatch):
    rows = ["city,age,left", *(f"{'AB'[k % 2]},{20 + k},{'no' if k % 3 else 'yes'}" for k in range(40)), "C,33,no"]
    (tmp_path / "rows.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for seed in range(3):  # with one of them the only C is kept aside
        assert run(["train", "mlp", "--data", "rows.csv", "--target", "left", "--epochs", "1", "--seed", str(seed), "-o", f"run{seed}"]) == 0
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    assert run(["train", "--resume", "../run0", "--epochs", "2"]) == 0
    assert len((tmp_path / "run0" / "records.jsonl").read_text().splitlines()) == 2
