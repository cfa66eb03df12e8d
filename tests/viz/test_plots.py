"""Plots: every kind is painted in every theme and size, saved whole, and its 中文 is drawn and not a row of boxes."""

import io
import json
import subprocess
import sys
import xml.etree.ElementTree as tree

import numpy as np
import pytest
from nngraph.viz import plots
from nngraph.viz.plots import plot as page
from nngraph.viz.plots.colors import Colors
from nngraph.viz.plots.functions import derivative
from nngraph.viz.plots.graphs import layout
from nngraph.viz.plots.learning import METRICS
from nngraph.viz.plots.plot import painted as plot_painted
from nngraph.viz.themes import THEMES

RECORDS = [
    {"epoch": e, "loss": 2.0 / e, "validation": 2.0 / e + 0.1 * abs(e - 4), "metrics": {"accuracy": 1 - 0.5 / e}}
    for e in range(1, 7)
]
POINTS = np.array([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
KINDS = {
    "curves": lambda **look: plots.learning_curves(RECORDS, **look),
    "boundary": lambda **look: plots.decision_boundary(lambda p: p[:, 0] * p[:, 1], POINTS, [0, 1, 0, 0], **look),
    "confusion": lambda **look: plots.confusion_matrix([[5, 1], [0, 7]], ["貓", "$5"], **look),
    "roc": lambda **look: plots.roc({"MLP": ([0, 0.2, 1], [0, 0.9, 1])}, **look),
    "images": lambda **look: plots.image_grid(np.eye(4)[None].repeat(5, 0), ["1", "2", "3", "4", "5"], **look),
    "filters": lambda **look: plots.image_grid(np.eye(4)[None, None] - 0.5, signed=True, **look),
    "pairs": lambda **look: plots.reconstructions(np.ones((3, 1, 4, 4)), np.zeros((3, 1, 4, 4)), **look),
    "curve": lambda **look: plots.curve(np.square, -2, 2, tangents=[1.0], descents={"0.1": [1.5, 1.2, 0.96]}, **look),
    "surface": lambda **look: plots.loss_surface(lambda x, y: x**2 + y**2, (-1, 1), (-1, 1), {"SGD": POINTS}, minimum=(0, 0), **look),
    "heat": lambda **look: plots.heat_map([[0.9, 0.1], [0.2, 0.8]], ["我", "你"], ["I", "you"], **look),
    "bars": lambda **look: plots.bars({"RNN": [1e-6, 1.0], "LSTM": [0.5, 1.0]}, ["1", "2"], log=True, **look),
    "lines": lambda **look: plots.lines({"RNN": [1e-6, 1e-3, 1.0], "LSTM": [0.5, 1.0]}, log=True, labels=("$t$", "∂"), **look),
    "graph": lambda **look: plots.nodes_and_edges(1 - np.eye(3), [0, 1, 1], classes_named=["甲", "b"], known=[0], wrong=[2], **look),
    "game": lambda **look: plots.learning_curves([{"epoch": e, "losses": {"discriminator": 1 / e, "generator": 0.5 * e}} for e in range(1, 7)], **look),
    "points": lambda **look: plots.points({"data": POINTS, "made": POINTS / 2}, **look),
    "activations": lambda **look: plots.activations({"tanh": np.tanh, "ReLU": lambda x: np.maximum(x, 0)}, **look),
    "remarks": lambda **look: plots.activations({"tanh": np.tanh}, flat=0.05, remarks={"tanh": {"strengths": "at 0"}}, **look),
    "regression": lambda **look: plots.regression([0, 1, 2], [1, 3, 5], {"a": lambda x: 2 * x + 1, "b": np.square}, **look),
}  # fmt: skip


def pixels(plot):
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(plot.png(1))).convert("RGB")).astype(int)


@pytest.mark.parametrize(("kind", "theme"), [(kind, ("light", "dark", "print")[at % 3]) for at, kind in enumerate(KINDS)])
def test_every_kind_is_painted(kind, theme):
    plot = KINDS[kind](theme=theme, language="zh-TW")
    shown = pixels(plot)
    width, height = plot.inches
    assert shown.shape == (round(100 * height), round(100 * width), 3) or abs(shown.shape[1] - 100 * width) <= 1
    assert (shown.std((0, 1)) > 5).all()
    corner = shown[0, 0].tolist()
    assert corner == ([22, 25, 31] if theme == "dark" else [255, 255, 255])


def test_without_color_everything_is_gray():
    for kind in ("curves", "boundary", "surface", "bars", "roc", "lines", "graph", "points"):
        shown = pixels(KINDS[kind](theme="print"))
        spread = shown.max(2) - shown.min(2)
        # The red of tangents and gradients is black in this theme, too.
        assert spread.max() <= 12, kind


def test_a_slide_has_the_form_of_a_slide():
    plot = KINDS["confusion"](size="slide")
    height, width, _ = pixels(plot).shape
    assert width / height == pytest.approx(16 / 9, rel=0.01)


@pytest.mark.parametrize("form", ["png", "svg", "pdf"])
def test_saved_by_suffix_and_the_same_every_time(form, tmp_path):
    plot = KINDS["confusion"]()
    for name in ("a", "b"):
        plot.save(tmp_path / f"{name}.{form}")
    first, second = ((tmp_path / f"{name}.{form}").read_bytes() for name in ("a", "b"))
    assert first == second
    assert first.startswith({"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[form])
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"a.{form}", f"b.{form}"]


def test_an_svg_is_well_formed_and_reaches_for_nothing():
    text = KINDS["heat"]().svg()
    root = tree.fromstring(text)
    assert root.tag.endswith("svg")
    links = [value for each in root.iter() for name, value in each.attrib.items() if name.endswith("href")]
    assert all(link.startswith(("#", "data:")) for link in links)
    assert KINDS["heat"]()._repr_svg_() == text


def test_what_cannot_be_saved_leaves_nothing(tmp_path):
    with pytest.raises(plots.PlotError, match=r"\.png, \.svg, \.pdf"):
        KINDS["roc"]().save(tmp_path / "a.docx")
    broken = plots.Plot(lambda figure, look: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        broken.save(tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


def test_chinese_is_drawn_with_the_bundled_font():
    """Two different characters would be the same box if a font were missing."""
    one, other = (pixels(plots.heat_map([[1.0]], [name], numbers=False)) for name in ("我", "你"))
    assert (one != other).any()
    assert page._families() == ("DejaVu Sans", "NNGraph Sans CJK")


def test_words_are_in_the_language_of_the_plot(monkeypatch):
    from matplotlib.axes import Axes

    said = []
    monkeypatch.setattr(Axes, "set_xlabel", lambda self, text, **rest: said.append(text))
    for language in ("en", "zh-TW", "zh-CN"):
        plots.learning_curves(RECORDS[:1], language=language).svg()
    assert said[::2] == ["epoch", "輪次", "轮次"]
    assert "accuracy" in METRICS


def test_a_dollar_sign_starts_no_formula():
    assert "svg" in plots.heat_map([[1.0]], ["$x_{"], ["$"]).with_(title="$\\frac$").svg()


def test_matplotlibs_own_settings_stay():
    import matplotlib

    before = dict(matplotlib.rcParams)
    KINDS["roc"](theme="dark").svg()
    assert dict(matplotlib.rcParams) == before


def test_without_matplotlib_one_line_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    plot = KINDS["roc"]()
    with pytest.raises(plots.PlotError) as raised:
        plot.svg()
    assert str(raised.value) == 'plots are drawn with matplotlib: pip install "nngraph[learn]"'


def test_making_a_plot_imports_no_matplotlib():
    code = "import sys; from nngraph.viz.plots import roc; roc(([0, 1], [0, 1])); print('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_numbers_that_make_no_plot():
    for make in (
        lambda: plots.learning_curves([]),
        lambda: plots.confusion_matrix([[1, 2]]),
        lambda: plots.image_grid(np.zeros(5)),
        lambda: plots.reconstructions(np.zeros((2, 4, 4)), np.zeros((3, 4, 4))),
        lambda: plots.heat_map([1, 2]),
        lambda: plots.heat_map([[1, 2]], ["a", "b"]),
        lambda: plots.bars([1, 2], ["a"]),
        lambda: plots.bars({"a": [1], "b": [1, 2]}),
        lambda: plots.lines([]),
        lambda: plots.lines([[1, 2]]),
        lambda: plots.lines([1, 2], [1]),
        lambda: plots.nodes_and_edges([1, 2]),
        lambda: plots.nodes_and_edges(np.eye(2), [0]),
        lambda: plots.nodes_and_edges(np.eye(2), places=[0, 1]),
        lambda: plots.loss_surface(lambda x, y: x, (0, 1), (0, 1), {"way": [1, 2]}),
        lambda: plots.decision_boundary(lambda p: p[:, 0], np.zeros((3, 5)), [0, 0, 0]),
        lambda: plots.decision_boundary(lambda p: p[:3, 0], POINTS, [0, 1, 0, 1]),
        lambda: plots.roc(([0, 1], [0, 1]), theme="neon"),
        lambda: plots.regression([0, 1], [1], np.square),
        lambda: plots.regression([], [], np.square),
        lambda: plots.animated_trajectories(lambda x, y: x, (0, 1), (0, 1), {}),
    ):
        with pytest.raises(plots.PlotError):
            make()


def test_the_boundary_is_where_the_function_decides():
    """The right half of the plane is that of class 1."""
    plot = plots.decision_boundary(lambda p: (p[:, 0] > 0.5).astype(int), POINTS, [0, 1, 0, 1])
    shown = pixels(plot)
    height, width, _ = shown.shape
    left, right = shown[height // 2, width // 4].tolist(), shown[height // 2, 3 * width // 4].tolist()
    assert (left, right) == ([0xE3, 0xEF, 0xFB], [0xFD, 0xF1, 0xD3])


def test_a_line_has_a_gap_where_a_logarithm_has_none(monkeypatch):
    from matplotlib.axes import Axes

    drawn = []
    monkeypatch.setattr(Axes, "plot", lambda self, x, y, **rest: drawn.append(np.asarray(y).tolist()))
    monkeypatch.setattr("matplotlib.figure.Figure.legend", lambda *given, **rest: None)
    for log in (True, False):
        plots.lines({"a": [0.0, 0.5, 1.0]}, log=log).svg()
    assert [np.isnan(each[0]) for each in drawn] == [True, False]
    assert drawn[0][1:] == drawn[1][1:] == [0.5, 1.0]


@pytest.mark.parametrize(("rows", "columns"), [(6, 6), (50, 32), (10, 60)])
def test_cells_of_a_heat_map_are_squares_that_fill_the_picture(rows, columns):
    plot = plots.heat_map(np.ones((rows, columns)), numbers=False)
    width, height = plot.inches
    assert width <= 12
    assert height <= 9
    shown = pixels(plot)
    full = shown[:, :, 0] < 100
    cells = full[:, : int(100 * (width - 0.9))]  # without the scale
    wide, high = cells.any(0).sum() / 100, cells.any(1).sum() / 100
    assert wide / high == pytest.approx(columns / rows, rel=0.1)
    assert wide > 0.6 * width
    assert high > 0.5 * height


def test_rows_and_columns_without_names_are_counted(monkeypatch):
    from matplotlib.figure import Figure

    said = []
    monkeypatch.setattr(Figure, "colorbar", lambda self, picture, ax, **rest: said.append(ax))
    plots.heat_map(np.ones((3, 3)), numbers=False).svg()
    assert (said[0].get_xticks() % 1 == 0).all()
    assert (said[0].get_yticks() % 1 == 0).all()


def test_neighbors_stand_near_in_the_picture_of_a_graph():
    path = np.diag(np.ones(4), 1) + np.diag(np.ones(4), -1)
    where = layout(path)
    distances = np.linalg.norm(where[:, None] - where, axis=-1)
    steps = np.abs(np.subtract.outer(np.arange(5), np.arange(5)))
    # On a path the distances on paper are those along it.
    assert distances / distances[0, 1] == pytest.approx(steps, rel=0.05)


def test_derivatives_are_those_of_the_functions():
    x = np.linspace(-2, 2, 9)
    assert derivative(np.tanh)(x) == pytest.approx(1 - np.tanh(x) ** 2, abs=1e-8)


def test_where_a_function_is_flat_its_panel_is_shaded():
    """tanh′ = 1 − tanh² is below 0.42 from |x| = 1 on: of −2 to 2 the outer quarters are shaded."""
    plot = plots.activations({"tanh": np.tanh}, -2, 2, flat=1 - np.tanh(1) ** 2)
    shown = pixels(plot)
    shade = (shown == [0xE3, 0xEF, 0xFB]).all(2)
    row = shade[int(np.argmax(shade.sum(1)))]  # one without letters and lines
    columns = np.flatnonzero(row)
    gap = int(np.argmax(np.diff(columns)))
    left, between, right = gap + 1, columns[gap + 1] - columns[gap], len(columns) - gap - 1
    # Four pixels at most: the axis covers two, and each edge is blurred.
    assert left == pytest.approx(between / 2, abs=4)
    assert right == pytest.approx(between / 2, abs=4)
    assert not (pixels(plots.activations({"tanh": np.tanh}, -2, 2)) == [0xE3, 0xEF, 0xFB]).all(2).any()


def test_remarks_stand_below_their_panel_in_lines_that_fit(monkeypatch):
    from matplotlib.axes import Axes
    from nngraph.viz.plots.functions import CELLS

    said = []
    monkeypatch.setattr(Axes, "set_xlabel", lambda self, text, **rest: said.append(text))
    long = "smooth and centered at 0, so that the next layer is given both signs, and as steep as 1"
    plots.activations({"tanh": np.tanh, "bare": np.sin}, remarks={"tanh": {"strengths": long, "saturation": "here"}}).svg()
    (text,) = said
    lines = text.split("\n")
    assert max(map(len, lines)) <= CELLS + 3
    assert " ".join(line.strip() for line in lines) == f"strengths: {long} saturation: here"


def test_the_fitted_curve_is_that_of_the_function(monkeypatch):
    from matplotlib.axes import Axes

    drawn, dots = {}, []
    monkeypatch.setattr(Axes, "plot", lambda self, x, y, label=None, **rest: drawn.update({label: (x, y)}))
    monkeypatch.setattr(Axes, "scatter", lambda self, x, y, **rest: dots.append((x, y)))
    monkeypatch.setattr(Axes, "legend", lambda self: None)
    plots.regression([0, 1, 2], [[1], [3], [5]], {"line": lambda x: (2 * x + 1)[:, None], "square": np.square}).svg()
    assert list(drawn) == ["line", "square"]
    x, y = drawn["line"]
    assert y == pytest.approx(2 * x + 1)
    assert x.min() < 0 < 2 < x.max()
    assert [each.tolist() for each in dots[0]] == [[0, 1, 2], [1, 3, 5]]


def test_powers_of_ten():
    assert [page.power_of_ten(value) for value in (1e-6, 0.1, 10.0, 1e12)] == ["10⁻⁶", "0.1", "10", "10¹²"]


def test_an_animation_as_gif_and_as_page(tmp_path):
    from PIL import Image

    ways = {"SGD": np.linspace([-1, -1], [0, 0], 5), "Adam": np.linspace([1, -1], [0, 0], 9)}
    moving = plots.animated_trajectories(lambda x, y: x**2 + y**2, (-1, 1), (-1, 1), ways, language="zh-CN")
    assert moving.frames == 9
    moving.save(tmp_path / "a.gif")
    with Image.open(tmp_path / "a.gif") as image:
        assert image.n_frames == 9
        frames = []
        for k in (0, 8):
            image.seek(k)
            frames.append(np.asarray(image.convert("RGB")).astype(int))
    assert (frames[0] != frames[1]).any()
    moving.save(tmp_path / "a.html")
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert text.count("data:image/png;base64,") == 9
    assert "播放" in text
    assert "http:" not in text.replace("http-equiv", "")
    assert "https:" not in text
    with pytest.raises(plots.PlotError, match=r"\.gif, \.html"):
        moving.save(tmp_path / "a.png")
    moving.still.save(tmp_path / "a.png")


def test_a_frame_of_ways_is_what_the_still_shows_and_keeps_the_colors_of_thin_lines():
    from matplotlib.colors import to_rgb

    ways = {str(number): np.array([[-0.9, 0.1 * number - 0.4], [0.9, 0.1 * number - 0.3]]) for number in range(8)}
    moving = plots.animated_trajectories(lambda x, y: x**2 + y**2, (-1, 1), (-1, 1), ways, minimum=(0, 0))
    frame = np.asarray(moving.images()[-1].convert("RGB")).astype(int)
    still = pixels(moving.still)
    assert frame.shape == still.shape
    assert (abs(frame - still).max(2) > 60).mean() < 0.01
    colors = Colors(THEMES["light"])
    for number in range(8):
        color = colors.series(number + 1) if number < 7 else colors.theme.text
        distance = abs(frame - 255 * np.array(to_rgb(color))).sum(2)
        assert (distance < 30).sum() > 50, number


def test_a_film_shows_one_plot_after_another(tmp_path):
    from PIL import Image

    shades = [plots.image_grid(np.full((2, 4, 4), shade), title=f"{shade:g}") for shade in (0.0, 0.5, 1.0)]
    moving = plots.film(shades, seconds=1.0)
    moving.save(tmp_path / "a.gif")
    with Image.open(tmp_path / "a.gif") as image:
        assert image.n_frames == 3
        frames = []
        for k in range(3):
            image.seek(k)
            frames.append(np.asarray(image.convert("L")).astype(int))
    assert frames[0].mean() > frames[1].mean() + 10 > frames[2].mean() + 20
    # A frame is what its plot is, but for the edges of letters, whose colors are those of the palette.
    alone = np.asarray(Image.open(io.BytesIO(shades[1].png(1))).convert("L")).astype(int)
    assert (abs(alone - frames[1]) > 30).mean() < 0.02
    for wrong in ([], [shades[0], plots.image_grid(np.zeros((9, 4, 4)))]):
        with pytest.raises(plots.PlotError):
            plots.film(wrong)


def test_functions_stand_beside_each_other():
    """A part of a picture is asked for its width as a whole one is."""
    both = plots.side_by_side({name: plots.activations({"tanh": np.tanh}) for name in "ab"})
    with plot_painted(both) as figure:
        assert len(figure.subfigs) == 2


def test_points_lie_in_the_plane_of_all_of_them_or_of_some():
    with plot_painted(plots.points({"data": POINTS, "made": 9 * POINTS})) as figure:
        assert figure.axes[0].get_xlim() == (-0.25 * 9, 1.25 * 9)
    with plot_painted(plots.points(9 * POINTS, within=POINTS)) as figure:
        assert figure.axes[0].get_xlim() == (-0.25, 1.25)
    for wrong in ({}, np.zeros((3, 3)), np.zeros((0, 2))):
        with pytest.raises(plots.PlotError):
            plots.points(wrong)


def test_records_of_a_training_and_those_of_a_file_give_the_same_curves():
    from dataclasses import dataclass

    @dataclass
    class Epoch:
        epoch: int
        loss: float
        validation: float
        metrics: dict

    lines = [json.loads(json.dumps(each)) for each in RECORDS]
    assert plots.learning_curves([Epoch(**each) for each in RECORDS]).svg() == plots.learning_curves(lines).svg()


def test_no_two_series_look_alike():
    for theme in THEMES.values():
        colors = Colors(theme)
        for looks in ([(colors.series(k), colors.marker(k)) for k in range(16)], [(colors.series(k), str(colors.dash(k))) for k in range(16)]):
            assert len(set(looks)) == 16


def test_ten_classes_in_a_plane_have_ten_looks():
    X = np.arange(20.0).reshape(10, 2)
    with plot_painted(plots.points({str(k): X[k : k + 1] for k in range(10)})) as figure:
        clouds = figure.axes[0].collections
        looks = {(tuple(each.get_facecolor()[0]), each.get_paths()[0].vertices.tobytes()) for each in clouds}
    assert len(looks) == 10


@pytest.mark.parametrize(("language", "title", "name"), [("zh-CN", "反向, 面积: 1.", "a, b"), ("zh-TW", "反向，面积：1。", "a，b")])
def test_commas_stand_where_readers_expect_them(language, title, name):
    """The bundled font has the Traditional forms, in the middle of their square."""
    shown = plots.lines({"a，b": [1.0, 2.0]}, labels=("時間", ""), title="反向，面积：1。", language=language)
    with plot_painted(shown) as figure:
        assert figure._suptitle.get_text() == title
        assert [text.get_text() for text in figure.legends[0].get_texts()] == [name]
    film = plots.film([shown, shown])
    assert (film.images()[0].size) == film.images()[1].size


def test_a_plot_says_its_size_in_pixels():
    root = tree.fromstring(plots.bars([1.0, 2.0]).svg())
    assert (float(root.get("width")), float(root.get("height"))) == (pytest.approx(4.8 * 96), pytest.approx(3.6 * 96, abs=0.01))


def test_a_network_decides_as_it_is():
    from nngraph import nets

    net = nets.MLP([2, 4, 3], rng=0)
    X, t = np.random.default_rng(0).normal(size=(9, 2)), np.arange(9) % 3
    as_it_is = plots.decision_boundary(net, X, t).svg()
    assert as_it_is == plots.decision_boundary(lambda points: net(points).value.argmax(1), X, t).svg()


def test_no_node_covers_another():
    networkx = pytest.importorskip("networkx")
    joined = networkx.to_numpy_array(networkx.karate_club_graph(), weight=None)
    with plot_painted(plots.nodes_and_edges(joined)) as figure:
        figure.canvas.draw()
        (panel,) = figure.axes
        nodes = panel.collections[1]
        places = panel.transData.transform(nodes.get_offsets())
        wide = np.sqrt(nodes.get_sizes()[0]) * figure.dpi / 72
        gaps = np.hypot(*(places[:, None] - places).T) + 1e9 * np.eye(len(places))
    assert gaps.min() >= wide
