"""Trainings compared, and plots beside each other."""

import io

import numpy as np
import pytest
from nngraph.viz import plots


def records(count=5, accuracy=True, validation=True):
    return [
        {"epoch": e, "loss": 2.0 / e, "validation": 3.0 / e if validation else None, "metrics": {"accuracy": 1 - 0.5 / e} if accuracy else {}}
        for e in range(1, count + 1)
    ]  # fmt: skip


def panels(plot):
    """The panels of a plot as it is painted, those inside parts of the figure, too."""
    from nngraph.viz.plots.plot import painted

    with painted(plot) as figure:
        waiting, found = [figure], []
        while waiting:
            part = waiting.pop(0)
            found += [panel for panel in part.axes if panel.figure is part]
            waiting += part.subfigs
        return figure, found


def pixels(plot):
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(plot.png(1))).convert("RGB")).astype(int)


def test_trainings_by_name_have_a_line_each():
    figure, (losses, accuracy) = panels(plots.learning_curves({"0.1": records(3), "1.0": records(6)}, log=True))
    drawn = [line.get_ydata().tolist() for line in losses.lines]
    assert drawn == [[2.0, 1.0, 2 / 3], [3.0, 1.5, 1.0], [2 / e for e in range(1, 7)], [3 / e for e in range(1, 7)]]
    assert [line.get_ydata()[-1] for line in accuracy.lines] == pytest.approx([1 - 0.5 / 3, 1 - 0.5 / 6])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["0.1", "1.0"]
    assert losses.get_yscale() == "log"


def test_trainings_without_a_metric_in_common_show_their_losses_alone():
    _, found = panels(plots.learning_curves({"a": records(), "b": records(accuracy=False)}))
    assert len(found) == 1
    with pytest.raises(plots.PlotError, match="no records of 'b'"):
        plots.learning_curves({"a": records(), "b": []})
    with pytest.raises(plots.PlotError, match="there are no records$"):
        plots.learning_curves({})


def test_one_training_has_a_line_at_its_best_epoch():
    rows = records(4)
    rows[2]["validation"] = 0.1
    _, (losses, _) = panels(plots.learning_curves(rows))
    assert [line.get_xdata()[0] for line in losses.lines][-1] == 3
    _, (losses, _) = panels(plots.learning_curves(records(validation=False)))
    assert len(losses.lines) == 1


def test_a_logarithmic_axis_is_marked_even_within_one_power_of_ten():
    def marks(losses):
        rows = [{"epoch": at, "loss": loss} for at, loss in enumerate(losses, 1)]
        _, (panel,) = panels(plots.learning_curves(rows, log=True))
        return [text.get_text() for text in (*panel.get_yticklabels(), *panel.get_yticklabels(minor=True)) if text.get_text()]

    assert {"0.1", "0.2", "0.5"} <= set(marks([0.6, 0.2, 0.15]))
    assert {"0.05", "0.02"} <= set(marks([0.07, 0.03, 0.02]))
    assert not {"0.2", "0.5"} & set(marks([1.0, 0.2, 0.001]))


def test_side_by_side_are_the_plots_themselves():
    curves = {name: plots.curve(np.square, -2, 2, descents=[1.0, place]) for name, place in (("0.1", 0.8), ("0.8", -0.6), ("1.0", -1.0))}
    figure, found = panels(plots.side_by_side(curves))
    assert [panel.lines[1].get_xdata()[1] for panel in found] == [0.8, -0.6, -1.0]
    assert [part.get_suptitle() for part in figure.subfigs] == ["0.1", "0.8", "1.0"]
    for theme, corner in (("dark", [22, 25, 31]), ("light", [255, 255, 255])):
        assert pixels(plots.side_by_side(curves, columns=2, theme=theme))[0, 0].tolist() == corner
    with pytest.raises(plots.PlotError, match="no plots"):
        plots.side_by_side({})


def test_the_legend_says_which_lines_are_thin():
    figure, (losses, _) = panels(plots.learning_curves({"0.1": records(3), "1.0": records(6)}))
    kinds = {text.get_text(): line.get_linewidth() for text, line in zip(losses.get_legend().get_texts(), losses.get_legend().get_lines())}
    assert kinds["training"] > kinds["validation"]
    drawn = [line.get_linewidth() for line in losses.get_lines()]
    assert drawn == [kinds["training"], kinds["validation"]] * 2
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["0.1", "1.0"]
    figure, (losses, *_) = panels(plots.learning_curves({"0.1": records(3, validation=False)}))
    assert losses.get_legend() is None


def test_what_is_made_small_can_have_another_name():
    for given in (records(), {"a": records()}):
        _, (losses, *_) = panels(plots.learning_curves(given, loss="energy"))
        assert losses.get_ylabel() == "energy"
