"""The progress bar: records pass unchanged; shown on a terminal only; a training that was stopped says so and keeps its best."""

import io

import numpy as np
import nngraph as ng
import pytest
from nngraph import nets
from nngraph.autograd.language import language
from nngraph.nets.progress import progress, stopped
from nngraph.nets.trainer import Record, Trainer


class Terminal(io.StringIO):
    def isatty(self):
        return True


def records(epochs, **more):
    return (Record(e, epochs, 1.0 / e, 0.1, 0.01, **more) for e in range(1, epochs + 1))


@pytest.fixture
def trainer():
    X = np.linspace(-1, 1, 32).reshape(-1, 1)
    net = nets.Linear(1, 1, rng=0)
    return Trainer(net, ng.mean_squared_error, (X, 2 * X), validation=(X, 2 * X), optimizer=nets.SGD(0.1), engine="numpy")


def test_records_pass_and_a_pipe_stays_silent():
    stream = io.StringIO()
    given = list(records(3))
    assert list(progress(iter(given), stream=stream)) == given
    assert stream.getvalue() == ""


def test_a_terminal_shows_loss_metrics_and_rate(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "160")
    stream = Terminal()
    with language("zh-TW"):
        list(progress(records(4, validation=0.5, metrics={"accuracy": 0.75}), stream=stream))
    shown = stream.getvalue()
    for part in ("4/4", "損失 0.25", "驗證 0.5", "準確率 0.75", "學習率 0.1"):
        assert part in shown


def test_callbacks_see_every_record_and_can_end_it(trainer):
    stream, seen = io.StringIO(), []

    def enough(record):
        seen.append(record.epoch)
        return record.epoch == 2

    after = []
    found = list(progress(trainer.run(9), callbacks=[enough, lambda record: after.append(record.epoch)], stream=stream))
    assert [record.epoch for record in found] == seen == after == [1, 2]
    assert stream.getvalue() == "Stopped after epoch 2 of 9 by a callback. The network keeps its best values.\n"
    # The values of the best epoch were put back when the loop was over.
    again = nets.Linear(1, 1, rng=0)
    assert trainer.net.W.value != again.W.value


def test_ctrl_c_between_epochs_ends_the_training(trainer):
    stream = io.StringIO()

    def press(record):
        if record.epoch == 3:
            raise KeyboardInterrupt

    found = list(progress(trainer.run(9), callbacks=[press], stream=stream))
    assert found[-1].stopped == "interrupt"
    assert found[-1].epoch == trainer.done == 3
    assert stream.getvalue().startswith("Interrupted after epoch 3 of 9.")


def test_ctrl_c_inside_an_epoch(trainer, monkeypatch):
    original, calls = trainer._epochs, []

    def epochs(first, last):
        for each in original(first, last):
            if len(calls) == 2:
                raise KeyboardInterrupt
            calls.append(each)
            yield each

    monkeypatch.setattr(trainer, "_epochs", epochs)
    seen, stream = [], io.StringIO()
    found = list(progress(trainer.run(9), callbacks=[seen.append], stream=stream))
    assert [record.epoch for record in found] == [1, 2, 2]
    assert len(seen) == 2  # the last record comes twice, its callbacks once
    assert "Interrupted after epoch 2 of 9." in stream.getvalue()


def test_ctrl_c_before_the_first_epoch_is_nobodys_record():
    def none():
        raise KeyboardInterrupt
        yield

    with pytest.raises(KeyboardInterrupt):
        list(progress(none(), stream=io.StringIO()))


def test_why_a_training_ended():
    ended = Record(5, 9, 1.0, 0.1, 0.0, validation=0.3, stopped="patience")
    assert stopped(ended) == "Stopped after epoch 5 of 9: no lower validation loss any more. The network keeps its best values."
    assert stopped(Record(9, 9, 1.0, 0.1, 0.0)) == ""
    with language("zh-CN"):
        assert stopped(ended) == "在第 5 轮（共 9 轮）之后停止：验证损失不再下降。网络保留最好的值。"
