"""Bundles of curves: the mean that is painted is theirs, and what does not fit is named."""

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from nngraph.viz import plots
from nngraph.viz.plots.plot import painted

PLACES = np.linspace(-1, 1, 11)
CURVES = np.stack([PLACES + shift for shift in (-0.2, 0.1, 0.4)])


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_every_curve_is_there_and_their_mean(theme):
    plot = plots.bundle(PLACES, {"a": CURVES, "b": -CURVES}, truth=PLACES**2, points=([0.0], [0.5]), theme=theme, language="zh-TW")
    with painted(plot) as figure:
        panels = figure.axes
        assert [panel.get_title() for panel in panels] == ["a", "b"]
        for panel, curves in zip(panels, (CURVES, -CURVES), strict=True):
            *thin, truth, mean = (line.get_ydata() for line in panel.lines)
            assert np.array(thin) == pytest.approx(curves)
            assert truth == pytest.approx(PLACES**2)
            assert mean == pytest.approx(curves.mean(0))
        # As high as the truth and the points, whatever a curve does.
        low, high = panels[0].get_ylim()
        assert -0.5 < low < 0
        assert 1 < high < 1.5
    assert plot.svg().startswith("<?xml")


@pytest.mark.parametrize(
    ("curves", "settings", "message"),
    [
        (CURVES[:, :-1], {}, r"curves \(3, 10\) over \(11,\) places"),
        ({"b": CURVES[0]}, {}, r"b \(11,\) over \(11,\) places"),
        (CURVES, {"truth": [1.0]}, r"truth \(1,\) over \(11,\) places"),
        ({}, {}, "there are no curves"),
    ],
)
def test_what_does_not_fit(curves, settings, message):
    with pytest.raises(plots.PlotError, match=message):
        plots.bundle(PLACES, curves, **settings)


def test_rings_stand_around_the_rows_that_are_marked():
    X, t = np.array([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]]), [0, 1, 0, 1]
    decide = {"a": lambda points: points[:, 0], "b": lambda points: points[:, 1]}
    with painted(plots.decision_boundary(decide, X, t, marked={"b": [1, 3]})) as figure:
        clouds = [
            [each for each in panel.collections if isinstance(each, PathCollection) and not len(each.get_facecolors())]
            for panel in figure.axes
        ]
        assert clouds[0] == []
        (ring,) = clouds[1]
        assert ring.get_offsets().tolist() == X[[1, 3]].tolist()
    for marked in ({"c": [0]}, {"a": [4]}):
        with pytest.raises(plots.PlotError, match=r"marked '[ac]' is no picture with these rows; rows are 0 to 3"):
            plots.decision_boundary(decide, X, t, marked=marked)
