"""Walking graphs: order, users, paths, substitution, counts."""

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd.errors import ShapeError
from nngraph.autograd.graph import Graph, between, bodies, leaves, order, rebuild, substitute, users


@pytest.fixture
def net():
    x, w = ng.input("x", [[1.0, 2.0]]), ng.parameter("w", [[0.5], [0.25]])
    z = x @ w
    return x, w, z, ng.sum(ng.square(z) + z)


def test_inputs_come_before_users(net):
    *_, loss = net
    nodes = order(loss)
    place = {node: at for at, node in enumerate(nodes)}
    assert nodes[-1] is loss and len(place) == len(nodes) == 6
    assert all(place[source] < place[node] for node in nodes for source in node.inputs)
    assert order([loss, loss, nodes[0]]) == nodes


def test_leaves_users_and_paths(net):
    x, w, z, loss = net
    assert leaves(loss) == [x, w]
    table = users(order(loss))
    assert len(table[z]) == 2 and table[loss] == []
    square = x * x
    assert users(order(square))[x] == [square, square]
    assert between([loss], [w]) == {*order(loss)} - {x}


def test_substitution_shares_what_does_not_change(net):
    x, w, z, loss = net
    other = ng.input("other", [[1.0], [1.0]])
    (again,) = substitute([loss], {w: other})
    assert leaves(again) == [x, other]
    assert float(again.value) == 12.0 and float(loss.value) == 2.0
    part = ng.exp(ng.sum(x)) * ng.sum(w)
    (new,) = substitute([part], {w: other})
    assert new.inputs[0] is part.inputs[0]
    assert substitute([loss], {}) == [loss]


def test_rebuilding_keeps_name_scope_and_line():
    x = ng.input("x", [1.0, 2.0])
    with ng.scope("part"):
        hidden = ng.square(x)
    copy = rebuild(hidden, (ng.input("y", [3.0]),))
    assert (copy.name, copy.scope, copy.site, copy.shape) == ("hidden", "part", hidden.site, (1,))


def test_substitution_checks_shapes_again(net):
    *_, w, z, loss = net
    with pytest.raises(ShapeError, match="inner sizes 2 and 3 differ"):
        substitute([loss], {net[1]: ng.input("w", np.ones((3, 1)))})


def test_a_graph_counts_and_measures(net):
    x, w, _, loss = net
    assert isinstance(loss.graph, Graph) and loss.graph.inputs == (x, w) and len(loss.graph) == 6
    assert loss.graph.summary() == {"input": 1, "parameter": 1, "matmul": 1, "square": 1, "add": 1, "sum": 1}
    assert loss.graph.memory() == 8 * (2 + 2 + 1 + 1 + 1 + 1)


def test_a_graph_becomes_a_networkx_graph(net):
    x, w, z, loss = net
    picture = loss.graph.to_networkx()
    assert picture.number_of_nodes() == 6 and picture.number_of_edges() == 6
    assert picture.nodes[x.serial]["name"] == "x" and picture.nodes[z.serial]["op"] == "matmul"
    assert [data["position"] for _, _, data in picture.in_edges(z.serial, data=True)] == [0, 1]


def test_the_graphs_inside_a_node(net):
    *_, z, _ = net
    last, _ = ng.scan(lambda total, x: (total * x, None), z, ng.input("xs", [1.0, 2.0]))
    (body,) = bodies(last.inputs[0])
    assert [node.op.name for node in body.nodes if node.op is not None] == ["mul"]
    assert bodies(last) == bodies(z) == bodies(body.inputs[0]) == []
