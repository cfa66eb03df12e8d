"""Plots: what records and arrays show of a training and of what was learned. They are drawn with matplotlib, an extra."""

from __future__ import annotations

from .animation import Animation, animated_trajectories, film
from .bundles import bundle
from .classes import confusion_matrix, decision_boundary, roc
from .functions import activations, curve, regression
from .graphs import nodes_and_edges
from .grids import image_grid, reconstructions, regions
from .learning import learning_curves
from .plot import Plot, PlotError
from .points import points
from .series import lines
from .surface import loss_surface
from .together import side_by_side
from .values import bars, heat_map
from .windows import windows

__all__ = [
    "Animation",
    "Plot",
    "PlotError",
    "activations",
    "animated_trajectories",
    "bars",
    "bundle",
    "confusion_matrix",
    "curve",
    "decision_boundary",
    "film",
    "heat_map",
    "image_grid",
    "learning_curves",
    "lines",
    "loss_surface",
    "nodes_and_edges",
    "points",
    "reconstructions",
    "regions",
    "regression",
    "roc",
    "side_by_side",
    "windows",
]
