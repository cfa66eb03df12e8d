"""The table of a convolution or pooling: windows, products and results against SciPy and numpy, and how it is painted."""

import numpy as np
import pytest
from nngraph.viz import plots
from nngraph.viz.plots.windows import places_of
from scipy.signal import correlate2d

IMAGE = np.arange(1.0, 31.0).reshape(5, 6) % 7
KERNEL = np.array([[1.0, -2.0], [0.5, 3.0], [0.0, -1.0]])


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("padding", [0, 1])
def test_sums_are_the_correlation(stride, padding):
    stops = places_of(IMAGE, KERNEL, stride=stride, padding=padding)
    expected = correlate2d(np.pad(IMAGE, padding), KERNEL, "valid")[::stride, ::stride]
    assert [stop.result for stop in stops] == pytest.approx(expected.ravel())
    assert (stops[-1].row + 1, stops[-1].column + 1) == expected.shape
    for stop in stops:
        assert stop.corner == (stop.row * stride, stop.column * stride)
        assert (stop.products == stop.window * KERNEL).all()


@pytest.mark.parametrize(("end", "of"), [("max", np.max), ("mean", np.mean), ("l2", np.linalg.norm)])
def test_results_of_pooling(end, of):
    stops = places_of(IMAGE, size=2, stride=2, end=end)
    windows = [IMAGE[row : row + 2, column : column + 2] for row in (0, 2) for column in (0, 2, 4)]
    assert [stop.result for stop in stops] == pytest.approx([of(window) for window in windows])


def written(monkeypatch, plot):
    from matplotlib.axes import Axes

    said, real = [], Axes.text

    def text(self, x, y, words, **rest):
        said.append(words)
        return real(self, x, y, words, **rest)

    monkeypatch.setattr(Axes, "text", text)
    plot.svg()
    return said


def test_a_line_for_each_place_with_all_its_numbers(monkeypatch):
    said = written(monkeypatch, plots.windows([[1, 2, 3], [4, 5, 6]], [[10, 0], [0, 7]]))
    assert said[:6] == ["image", "window", "2×2 kernel", "products", "sum", "map"]
    numbers = [word for word in said if word.isdigit()]
    first = ["1", "2", "3", "4", "5", "6", "1", "2", "4", "5", "10", "0", "0", "7", "10", "0", "0", "35", "45", "45"]
    second = ["1", "2", "3", "4", "5", "6", "2", "3", "5", "6", "10", "0", "0", "7", "20", "0", "0", "42", "62", "45", "62"]
    assert numbers == first + second  # the map grows


def test_only_the_places_asked_for(monkeypatch):
    said = written(monkeypatch, plots.windows(IMAGE, size=2, stride=2, end="max", at=[(1, 2)]))
    assert said.count("→") == 3
    assert [word for word in said if word.isdigit()][-1] == "4" == f"{IMAGE[2:4, 4:6].max():g}"
    assert "largest" in said


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_it_is_painted_in_every_theme(theme):
    import io

    from PIL import Image

    plot = plots.windows(IMAGE - 3, KERNEL, at=[(0, 0), (2, 4)], theme=theme)
    shown = np.asarray(Image.open(io.BytesIO(plot.png(1))).convert("RGB")).astype(int)
    assert (shown.std((0, 1)) > 5).all()
    if theme == "print":
        assert (shown.max(2) - shown.min(2)).max() <= 12


def test_what_makes_no_table():
    for make, word in (
        (lambda: plots.windows(np.zeros(4), [[1]]), "height, width"),
        (lambda: plots.windows(IMAGE), "one of them"),
        (lambda: plots.windows(IMAGE, KERNEL, size=2), "one of them"),
        (lambda: plots.windows(IMAGE, np.ones((9, 1))), "9×1 does not fit"),
        (lambda: plots.windows(IMAGE, KERNEL, end="median"), "median"),
        (lambda: plots.windows(IMAGE, KERNEL, at=[(9, 9)]), "3×5 places"),
    ):
        with pytest.raises(plots.PlotError, match=word):
            make()


def test_photographs_are_light_and_drawings_ink():
    import io

    from PIL import Image

    white = np.ones((1, 8, 8))
    middle = [
        np.asarray(Image.open(io.BytesIO(plots.image_grid(white, light=light).png(1))).convert("L"))[60, 100]
        for light in (True, False)
    ]
    assert middle[0] > 250
    assert middle[1] < 40
    with pytest.raises(plots.PlotError, match="2 titles for 1"):
        plots.image_grid(white, ["a", "b"])


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_frames_stand_where_they_are_said_to_stand(theme, monkeypatch):
    from matplotlib.axes import Axes

    found, real = [], Axes.add_patch
    monkeypatch.setattr(Axes, "add_patch", lambda self, patch: found.append(patch) or real(self, patch))
    frames = {"small": (range(2, 4), range(-1, 3)), "large": (range(0, 9), range(0, 8))}
    plots.regions(np.eye(8), frames, signed=True, theme=theme).svg()
    places = {patch.get_label(): (*patch.get_xy(), patch.get_width(), patch.get_height()) for patch in found}
    assert places["small"] == (-1, 2, 4, 2)
    assert places["large"] == (0, 0, 8, 9)
    with pytest.raises(plots.PlotError, match="'empty'"):
        plots.regions(np.eye(8), {"empty": (range(2, 2), range(3))})
    with pytest.raises(plots.PlotError, match="shape"):
        plots.regions(np.zeros(8), {})


def test_whole_numbers_are_written_as_such_and_gaps_not_at_all(monkeypatch):
    assert written(monkeypatch, plots.heat_map([[1, -2], [12, np.nan]])) == ["1", "−2", "12"]
    assert written(monkeypatch, plots.heat_map([[1, 0.5]])) == ["1.00", "0.50"]


def test_lines_between_pixels():
    import io

    from PIL import Image

    def dark(cells):
        shown = np.asarray(Image.open(io.BytesIO(plots.image_grid(np.zeros((1, 4, 4)), cells=cells).png(2))).convert("L"))
        return (shown < 200).sum()

    assert dark(True) > 1000 > 10 > dark(False)
