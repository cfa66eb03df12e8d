"""Modules: a tree of parameters by path, scopes, freezing, values in files."""

from __future__ import annotations

import importlib.util

import nngraph as ng
import numpy as np
import pytest
from nngraph import nets
from nngraph.autograd.errors import DtypeError, ParameterError, ShapeError
from nngraph.nets.saving import FileError, load_values, save_values
from nngraph.viz import DrawingError


def net() -> nets.Sequential:
    return nets.Sequential(nets.MLP([4, 3, 3], rng=1), ng.tanh, nets.Linear(3, 2, rng=2))


def test_no_module_of_nets_hides_a_public_name():
    # `nets.train` would be the file, once anything has imported it.
    hidden = [name for name in nets.__all__ if importlib.util.find_spec(f"nngraph.nets.{name}") is not None]
    assert hidden == []


def test_paths_follow_the_attributes_and_scopes_the_calls():
    whole = net()
    assert list(whole.parameters()) == [
        "layer1/layer1/W", "layer1/layer1/b", "layer1/layer2/W", "layer1/layer2/b", "layer3/W", "layer3/b",
    ]  # fmt: skip
    y = whole(ng.input("x", shape=(5, 4)))
    scopes = {node.scope for node in y.graph.nodes if node.role != "input"}
    assert scopes == {"sequential", "sequential/layer1", "sequential/layer1/layer1", "sequential/layer1/layer2", "sequential/layer3"}


def test_tied_parameters_stand_once_and_receive_both_gradients():
    first, second = nets.Linear(3, 3, bias=False, rng=0), nets.Linear(3, 3, bias=False, rng=1)
    second.W = first.W
    tied = nets.Sequential(first, second)
    assert list(tied.parameters()) == ["layer1/W"]
    x = np.eye(3)
    (slope,) = ng.gradient(ng.sum(tied(x)), [first.W])
    W = first.W.value.astype(float)
    ones = np.ones((3, 3))
    assert slope.value == pytest.approx(ones @ W.T + W.T @ ones, rel=1e-6)


def test_the_net_computes_what_numpy_computes():
    whole, x = net(), np.random.default_rng(0).normal(size=(7, 4))
    values = {path: value.astype(float) for path, value in whole.values().items()}
    hidden = np.maximum(x @ values["layer1/layer1/W"] + values["layer1/layer1/b"], 0)
    hidden = np.tanh(hidden @ values["layer1/layer2/W"] + values["layer1/layer2/b"])
    assert whole(x).value == pytest.approx(hidden @ values["layer3/W"] + values["layer3/b"], rel=1e-6)


def test_freezing_by_pattern():
    whole = net()
    assert whole.freeze("layer1/*") is whole
    assert list(whole.trainable()) == ["layer3/W", "layer3/b"]
    assert list(whole.unfreeze("layer1/layer2/*").trainable()) == ["layer1/layer2/W", "layer1/layer2/b", "layer3/W", "layer3/b"]
    with pytest.raises(ParameterError, match=r"no parameter 'layer9/\*'; there are layer1/layer1/W"):
        whole.freeze("layer9/*")


def test_summary_counts_each_number_once():
    whole = net()
    summary = whole.summary((8, 4))
    assert summary.count == whole.count == 4 * 3 + 3 + 3 * 3 + 3 + 3 * 2 + 2
    assert summary.bytes == 4 * summary.count
    assert [(row.path, row.shape) for row in summary.rows] == [
        ("", (8, 2)), ("layer1", (8, 3)), ("layer1/layer1", (8, 3)), ("layer1/layer2", (8, 3)), ("layer2", (8, 3)),
        ("layer3", (8, 2)),
    ]  # fmt: skip
    assert "layer2 (Linear)" in str(summary)
    assert "(frozen)" in str(whole.freeze("layer3/*").summary())


def test_values_go_to_a_file_and_back(tmp_path):
    first, second, path = net(), net(), tmp_path / "net.safetensors"
    second.set_values({name: value + 1 for name, value in second.values().items()})
    first.save(path)
    second.load(path)
    for name, value in first.values().items():
        assert (second.values()[name] == value).all(), name


def test_values_that_do_not_fit_change_nothing(tmp_path):
    whole = net()
    before = whole.values()
    with pytest.raises(ParameterError, match="without layer3/b and with layer9/b"):
        whole.set_values({"layer9/b" if name == "layer3/b" else name: value for name, value in before.items()})
    with pytest.raises(ShapeError, match=r"layer3/W has shape \(3, 2\), not \(2, 3\)"):
        whole.set_values({name: value.T if name == "layer3/W" else value + 1 for name, value in before.items()})
    (tmp_path / "half").write_bytes(b"half of a file")
    with pytest.raises(FileError, match="no whole safetensors file"):
        whole.load(tmp_path / "half")
    assert all((whole.values()[name] == value).all() for name, value in before.items())


def test_a_network_is_explained_by_the_paths_of_its_parameters():
    net, data = nets.MLP([2, 2, 1], ng.sigmoid, rng=0), ([[1.0, 0.5]], [[1.0]])
    derivation = ng.explain(net, wrt="layer1/W", loss=ng.half_squared_error, data=data)
    assert derivation.ok
    x, t = data
    by_hand = ng.explain(ng.half_squared_error(net(ng.input("x", x)), ng.input("t", t)), wrt=[net.layers[0].W])
    np.testing.assert_array_equal(derivation.gradients["W1"].value, by_hand.gradients["W1"].value)
    biases = ng.explain(net, wrt="*/b", loss=ng.half_squared_error, data=data)
    assert list(biases.gradients) == ["b1", "b2"]
    with pytest.raises(ParameterError, match="there are layer1/W, layer1/b"):
        ng.explain(net, wrt="W1", loss=ng.half_squared_error, data=data)
    with pytest.raises(ParameterError, match="needs data="):
        ng.explain(net, wrt="layer1/W")
    with pytest.raises(ParameterError, match="not int"):
        ng.explain(3)
    with pytest.raises(ParameterError, match="loss= belongs to a network"):
        ng.explain(ng.sum(net(np.ones((1, 2)))), loss=ng.half_squared_error)


def test_what_a_network_learns_by_is_explained_as_it_is_trained():
    x = np.array([[1.0, 0.5], [0.2, 0.3]])
    coder = nets.MLP([2, 1, 2], rng=0)
    alone = ng.explain(coder, wrt="layer2/b", loss=ng.mean_squared_error, data=x)
    twice = ng.explain(coder, wrt="layer2/b", loss=ng.mean_squared_error, data=(x, x))
    np.testing.assert_array_equal(alone.gradients["b2"].value, twice.gradients["b2"].value)
    own = nets.LogisticRegression(2)
    assert ng.explain(own, data=(x, np.array([0.0, 1.0]))).ok
    assert ng.draw(own, data=(x, np.array([0.0, 1.0]))).boxes
    with pytest.raises(ParameterError, match="no objective of its own"):
        ng.explain(coder, data=(x, x))


def test_a_network_is_drawn_for_rows_or_for_their_shape():
    net = nets.MLP([2, 3, 1], rng=0)
    drawing = ng.draw(net, data=((8, 2), (8, 1)), loss=ng.mean_squared_error, wrt="layer2/*", fold=False)
    assert {"mlp", "layer1", "layer2"} <= {group.title for group in drawing.groups}
    assert [box.lines for box in drawing.boxes if box.lines[0].startswith("∂")] == [("∂L/∂W",), ("∂L/∂b",)]
    assert ng.draw(net, "values", data=[[1.0, 2.0]]).boxes
    with pytest.raises(ParameterError, match="needs data="):
        ng.draw(net)
    with pytest.raises(DrawingError, match="belong to a network"):
        ng.draw(net(np.ones((1, 2))), data=(1, 2))


def test_two_networks_one_behind_the_other_have_two_names():
    first, second = nets.MLP([2, 3, 1], rng=0), nets.MLP([1, 3, 2], rng=1)
    y = second(ng.relu(first(np.ones((1, 2)))))
    assert {node.scope.partition("/")[0] for node in y.graph.nodes if node.op} >= {"mlp", "mlp2"}
    assert second(np.ones((1, 1))).scope == "mlp2/layer2"
    assert nets.MLP([1, 2])(np.ones((1, 1))).scope == "mlp/layer1"


def test_a_wrong_shape_names_the_layer():
    with pytest.raises(ShapeError, match=r"Linear 'layer1' takes \(…, 4\); it was given shape \(5, 3\)"):
        nets.MLP([4, 2])(np.zeros((5, 3)))


def test_files_of_bfloat16_are_read(tmp_path):
    exact = np.array([[1.0, -2.5], [0.15625, 3.0e38]], np.float32)
    short = (exact.view(np.uint32) >> 16).astype(np.uint16)
    head = b'{"W":{"dtype":"BF16","shape":[2,2],"data_offsets":[0,8]}}'
    (tmp_path / "short").write_bytes(len(head).to_bytes(8, "little") + head + short.astype("<u2").tobytes())
    found = load_values(tmp_path / "short")["W"]
    assert found.dtype == np.float32
    assert found == pytest.approx(exact, rel=2**-8)
    assert found[0].tolist() == [1.0, -2.5]


def test_a_file_of_a_dtype_that_numpy_has_not(tmp_path):
    head = b'{"W":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[0,2]}}'
    (tmp_path / "eight").write_bytes(len(head).to_bytes(8, "little") + head + b"\0\0")
    with pytest.raises(FileError, match="eight: W is of F8_E4M3, which numpy does not have"):
        load_values(tmp_path / "eight")


@pytest.mark.parametrize("dtype", ["f8", "f4", "f2", "i8", "i4", "i2", "i1", "u8", "u4", "u2", "u1", "?"])
def test_arrays_of_every_dtype_go_to_a_file_and_back(tmp_path, dtype):
    values = {"a": np.arange(6).reshape(2, 3).astype(dtype), "single": np.array(1, dtype), "none": np.zeros((0, 3), dtype)}
    save_values(tmp_path / "all", values)
    for name, found in load_values(tmp_path / "all").items():
        assert found.dtype == values[name].dtype
        assert found.tolist() == values[name].tolist()


class Parts(nets.Module):
    """Whatever attributes it is given."""

    def __init__(self, **attributes):
        for name, value in attributes.items():
            setattr(self, name, value)

    def forward(self, x):
        return x


def test_parts_in_lists_and_dictionaries_are_found():
    def unit() -> nets.Linear:
        return nets.Linear(2, 2, bias=False, rng=0)

    whole = Parts(
        layers=[[unit(), unit()], unit()], heads={"size": unit(), "color": [unit()]}, rows=({"a": unit()},),
        scales=[ng.parameter("s", 1.0), ng.parameter("s", 2.0)], bias={"x": ng.parameter("b", 0.0)}, names=["a", "b"],
    )  # fmt: skip
    paths = ["layer1_1/W", "layer1_2/W", "layer2/W", "heads_size/W", "heads_color1/W", "row1_a/W", "scale1", "scale2", "bias_x"]
    assert sorted(whole.parameters()) == sorted(paths)
    assert whole.layers[0][1].label == "layer1_2"
    assert list(whole.children())[:3] == ["layer1_1", "layer1_2", "layer2"]
    whole.freeze("heads_*")
    assert len(whole.trainable()) == len(paths) - 2
    # They come back from a file as well.
    assert whole.set_values(whole.values()) is whole


def test_what_comes_into_a_list_later_is_a_part_with_a_name():
    whole = nets.Sequential(nets.Linear(2, 2, rng=0))
    whole.layers.append(nets.Linear(2, 2, rng=1))
    assert whole(np.ones((1, 2))).scope == "sequential/layer2"
    assert list(whole.parameters())[-1] == "layer2/b"


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        (lambda a, b: {"layer1": a, "layers": [b]}, "Parts has two parts of the name 'layer1', of which one comes from the attribute 'layers'"),
        (lambda a, b: {"layers": [a], "layer1": b}, "two parts of the name 'layer1', .* attribute 'layer1'"),
        (lambda a, b: {"layers": [a], "layer": [b]}, "two parts of the name 'layer1'"),
        (lambda a, b: {"head_x": a.W, "head": {"x": b}}, "two parts of the name 'head_x'"),
        (lambda a, b: {"layers": {a, b}}, "layers is a set, whose parts have no order; a list or a dictionary"),
        (lambda a, b: {"heads": {"a/b": a}}, r"heads\['a/b'\]: a part is named by its key"),
        (lambda a, b: {"heads": {None: a}}, r"heads\[None\]: a part is named by its key"),
    ],
)
def test_parts_that_would_hide_others_are_refused(attributes, message):
    whole = Parts()
    *fine, (name, refused) = attributes(nets.Linear(2, 2, rng=0), nets.Linear(2, 2, rng=1)).items()
    for each, value in fine:
        setattr(whole, each, value)
    with pytest.raises(ParameterError, match=message):
        setattr(whole, name, refused)
    # What is refused was not set.
    assert len(whole.children()) + len(whole.leaves()) <= 1


def test_one_module_under_two_names_is_no_collision():
    one = nets.Linear(2, 2, rng=0)
    assert list(Parts(layer1=one, layers=[one]).parameters()) == ["layer1/W", "layer1/b"]
    whole = nets.Sequential(one)
    whole.layers.append(whole.layers[0])
    assert list(whole.parameters()) == ["layer1/W", "layer1/b"]


def test_a_collision_that_comes_later_is_found_at_first_use():
    whole = Parts(layer2=nets.Linear(2, 2, rng=0), layers=[nets.Linear(2, 2, rng=1)])
    whole.layers.append(nets.Linear(2, 2, rng=2))
    for use in (whole.parameters, whole.freeze, whole.values, lambda: whole(np.ones(2))):
        with pytest.raises(ParameterError, match="two parts of the name 'layer2'"):
            use()


def test_a_module_that_holds_itself_is_refused():
    whole = Parts(child=Parts())
    with pytest.raises(ParameterError, match="Parts is a part of itself, at 'parent': a network is a tree"):
        whole.child.parent = whole
    with pytest.raises(ParameterError, match="Parts is a part of itself, at 'me'"):
        whole.me = whole
    assert list(whole.modules()) == [("", whole), ("child", whole.child)]
    whole.layers = [nets.Linear(2, 2, rng=0)]
    whole.layers.append(whole)
    with pytest.raises(ParameterError, match="Parts is a part of itself, at 'layer2'"):
        whole.parameters()


def test_values_of_a_bad_kind_change_nothing():
    whole = net()
    before = whole.values()
    for wrong in ("no number", None, 1j, 1e300):
        with pytest.raises((ShapeError, DtypeError)):
            whole.set_values({name: np.full(value.shape, wrong) if name == "layer3/b" else value + 1 for name, value in before.items()})
        assert all((whole.values()[name] == value).all() for name, value in before.items())


def test_a_tower_of_many_modules_is_gone_through_at_once():
    tower = nets.Linear(2, 2, rng=0)
    for _ in range(400):
        tower = Parts(inner=tower)
    assert list(tower.parameters()) == ["inner/" * 400 + "W", "inner/" * 400 + "b"]
    shared = nets.Linear(2, 2, rng=0)
    assert [path for path, _ in Parts(a=shared, b=Parts(c=shared)).modules()] == ["", "a", "b", "b/c"]


def test_a_list_that_holds_itself_is_refused_where_parts_are_in_it():
    endless = [nets.Linear(2, 2, rng=0)]
    endless.append(endless)
    with pytest.raises(ParameterError, match="layer2 is a list that holds itself"):
        Parts(layers=endless)
    about = {"name": "a"}
    about["self"] = about
    assert Parts(about=about).parameters() == {}
