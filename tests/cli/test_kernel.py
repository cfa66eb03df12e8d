"""nngraph kernel and ng.kernels: formula, NumPy, loop, CUDA text and the lay of threads, without a GPU and without the simulator."""

from __future__ import annotations

import json
import subprocess
import sys

import nngraph as ng
import numpy as np
import pytest
from nngraph.autograd import ops as _declared  # noqa: F401  (fills the table)
from nngraph.autograd.kernel_views.made import readable
from nngraph.autograd.kernel_views.threads import place_of
from nngraph.autograd.language import cell_width
from nngraph.autograd.op import OPS
from nngraph.cli.app import run
from nngraph.cli.sources import on_example

LAYER = ["relu(X@W+b)", "--shape", "X=200,64", "--shape", "W=64,100", "--shape", "b=100"]
LOSS = ["softmax_loss(X@W+b, T)", "--shape", "X=20,6", "--shape", "W=6,4", "--shape", "b=4", "--shape", "T=20,4", "--wrt", "W,b"]


def printed(capsys, *arguments):
    assert run(["kernel", *arguments]) == 0
    return capsys.readouterr().out


def layer():
    X, W, b = (ng.input(name, shape=shape, dtype="float32") for name, shape in (("X", (200, 64)), ("W", (64, 100)), ("b", (100,))))
    return ng.relu(X @ W + b)


# What is shown -----------------------------------------------------------------------------------------------------------
def test_all_sides_of_a_layer(capsys):
    text = printed(capsys, *LAYER)
    assert "Kernel 1, product: matmul, add, relu" in text
    assert "z_nk = Σ_d x_nd·w_dk + b_k" in text
    assert "A = X @ W" in text
    assert "Y = np.maximum(Z, 0)" in text
    assert "total = total + X[n, d] * W[d, k]" in text
    assert "def kernel(X, W, b, Y):" in text
    assert "Arrays: X 200×64 float32; W 64×100 float32; b 100 float32; Y 200×100 float32." in text
    assert "Y[n, k] = max(total + b[k], 0)" in text
    assert "Y[n, k] = max(sums[i, j] + b[k], 0)" in text
    assert "Thread 1 of block (0,0) writes Y[0,4], Y[0,5], " in text


def test_exact_shows_everything(capsys):
    text = printed(capsys, *LAYER, "--exact")
    assert "def kernel(a, a_first, " in text
    assert "a = X 200×64 float32" in text


def test_a_convolution_is_six_loops(capsys):
    text = printed(capsys, "conv2d(x,w)", "--shape", "x=1,1,8,8", "--shape", "w=2,1,3,3")
    assert "Y[n,o,i,j] = Σ_c Σ_r Σ_s x[n,c,i+r,j+s]·w[o,c,r,s]" in text
    assert "total = total + x[n, c, i + r, j + s] * w[o, c, r, s]" in text
    assert "sliding_window_view(x, (3, 3), axis=(-2, -1))" in text
    assert "def formula" not in text
    assert "@kernel" not in text


def test_numbers_that_are_used_once_have_no_line_of_their_own(capsys):
    text = printed(capsys, "sum(tanh(w*x+b))", "--shape", "x=100000")
    assert "v6 = v6 + tanh(w * x[i] + b)" in text
    assert "read0" not in text


def test_columns_where_there_is_room(capsys, monkeypatch):
    for width, beside in ((80, False), (160, True)):
        monkeypatch.setenv("COLUMNS", str(width))
        text = printed(capsys, *LAYER)
        assert any("Processor" in line and "GPU" in line for line in text.split("\n")) == beside
        # Code is not broken, except for the long head of a kernel.
        assert max(cell_width(line) for line in text.split("\n") if not line.startswith("   ") or "def kernel" in line) <= width


def test_one_node_of_a_gradient(capsys):
    text = printed(capsys, *LOSS, "--node", "∂L/∂W")
    assert text.count("\nKernel ") + text.startswith("Kernel ") == 1
    assert "∂L/∂W = Xᵀ·" in text
    assert "X.T @ " in text
    assert text.count("Kernel ") < printed(capsys, *LOSS).count("Kernel ")


def test_only_what_is_there(capsys):
    assert run(["kernel", *LOSS, "--node", "nothing"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "--node nothing" in said.err
    assert "matmul" in said.err


def test_the_page_reaches_no_network(capsys, tmp_path):
    path = tmp_path / "kernel.html"
    printed(capsys, *LAYER, "-o", str(path), "--lang", "zh-TW")
    page = path.read_text(encoding="utf-8")
    assert 'lang="zh-TW"' in page
    assert "default-src 'none'" in page
    assert "http" not in page.replace('http-equiv="', "")
    assert "<script" not in page
    assert '<td class="t1">1</td>' in page


def test_names_are_escaped():
    bad = ng.input("<b>", shape=(3,), dtype="float32")
    page = ng.kernels(bad * 2)._repr_html_()
    assert "<b>" not in page
    assert "&lt;b&gt;" in page


def test_json_says_what_the_text_says(capsys):
    (record,) = json.loads(printed(capsys, *LAYER, "--json"))["kernels"]
    assert record["lay"]["corner"][0][:5] == [0, 0, 0, 0, 1]
    assert record["arguments"]["depth"] == "64"
    assert "uint32" in record["exact"]
    assert "uint32" not in record["cuda"]


@pytest.mark.parametrize("ending", ["svg", "png", "pdf", "tex"])
def test_pictures(ending, capsys, tmp_path):
    path = tmp_path / f"threads.{ending}"
    printed(capsys, *LAYER, "-o", str(path))
    assert path.stat().st_size > 1000
    assert printed(capsys, *LAYER) == printed(capsys, *LAYER)


@pytest.mark.parametrize("arguments", [["-o", "x.xyz"], ["--engine", "numba"], ["--node"], ["--dtype", "int8"]])
def test_misuse(arguments, capsys):
    assert run(["kernel", *LAYER, *arguments]) == 2
    assert capsys.readouterr().err.startswith("error:")


def test_nothing_of_numba_is_imported():
    code = (
        "import sys\nfrom nngraph.cli.app import run\n"
        "code = run(['kernel', 'sum(tanh(x*2))', '--shape', 'x=1000'])\n"
        "print([name for name in ('numba', 'sympy', 'matplotlib') if name in sys.modules], file=sys.stderr)\nsys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stderr.strip().endswith("[]")


# Whether it is true ------------------------------------------------------------------------------------------------------
def test_single_numbers_by_default(capsys):
    assert "float64" not in printed(capsys, *LAYER)
    assert "W 64×100 float64" in printed(capsys, *LAYER, "--dtype", "float64")


def test_every_number_of_a_result_belongs_to_one_thread():
    from nngraph.autograd.engines.compiled.calls import every_call
    from nngraph.autograd.engines.compiled.planned import planned
    from nngraph.autograd.engines.cuda.launch import launched
    from nngraph.autograd.engines.cuda.target import target_of
    from nngraph.autograd.kernels.cuda.alone import run_alone

    x = ng.input("x", shape=(37, 45), dtype="float32")
    w = ng.input("w", shape=(45, 70), dtype="float32")
    for node in (ng.tanh(x * 2 + 1), ng.softmax(x), x @ w, x.T, ng.cumsum(x, axis=0)):
        ((_, call),) = every_call(planned([node], {}, target_of("cuda")).calls)
        how = launched(call)
        given = {name: word.dtype if word.is_array else word.value for name, word in zip(how.code.names(), how.words)}
        (name,) = {name for name, word in zip(how.code.names(), how.words) if word.value is call.writes[-1]}
        owners: list[int] = []
        for block in np.ndindex(how.grid):
            for thread in range(how.threads):
                seen, complete = run_alone(how.code.text(), given, block, how.grid, thread, how.threads)
                assert complete
                owners += seen[name].writes
        assert sorted(owners) == list(range(node.size)), node


def test_places_follow_strides():
    from nngraph.autograd.engines.compiled.calls import Buffer, View

    flat = np.arange(24)
    for array in (flat.reshape(4, 6), flat.reshape(4, 6).T, flat.reshape(4, 6)[::-1, 1::2], flat.reshape(2, 3, 4).transpose(1, 0, 2)):
        first = (array.__array_interface__["data"][0] - flat.__array_interface__["data"][0]) // flat.itemsize
        view = View(Buffer(flat.nbytes), flat.dtype, array.shape, tuple(step // flat.itemsize for step in array.strides), first)
        lowest = int(array.min())
        for place in np.ndindex(array.shape):
            assert place_of(view, int(array[place]) - lowest) == place


def test_a_first_kernel_and_what_puts_its_parts_together():
    first, second = ng.kernels(ng.sum(ng.tanh(ng.input("x", shape=(3000, 400), dtype="float32"))))
    assert not first.combines
    assert second.combines
    assert second.formulas == ()
    assert first.lay.access == "read"
    assert first.lay.array == "x.flat"
    assert first.lay.starts[1][1] == (int(dict(first.arguments)["chunk"]),)


def test_a_product_whose_depth_is_cut_is_put_together_by_another_kernel():
    X, W = ng.input("X", shape=(64, 4096), dtype="float32"), ng.input("W", shape=(4096, 64), dtype="float32")
    first, *others = ng.kernels(X @ W)
    assert "Σ_d" in first.formulas[1]
    for other in others:
        assert other.combines
        assert "puts together" in ng.kernels(X @ W).text()


def test_casts_are_all_that_is_left_out():
    text = "def kernel(x, n):\n    at = uint32(uint32(7) % n)\n    x[at] = float32(int(n))\n"
    assert readable(text) == "def kernel(x, n):\n    at = 7 % n\n    x[at] = int(n)"
    text = "def kernel(x, n):\n    x[uint32(n * uint32(1) + 0)] = x[0] + float32(0) - 1 * True\n"
    assert readable(text) == "def kernel(x, n):\n    x[n] = x[0] + 0 - True"


def test_numpy_lines_compute_the_node():
    rng = np.random.default_rng(0)
    given = {"X": rng.normal(size=(5, 4)), "W": rng.normal(size=(4, 3)), "b": rng.normal(size=3)}
    leaves = {name: ng.input(name, value) for name, value in given.items()}
    node = ng.sum(ng.softplus(leaves["X"] @ leaves["W"] + leaves["b"]) * 0.5, axis=0)
    lines = [line for kernel in ng.kernels(node) if not kernel.combines for line in kernel.numpy]
    known = {"np": np, **given}
    for line in lines:
        name, _, value = line.partition(" = ")
        known[name] = _worked_out(value, known)
    np.testing.assert_allclose(known[lines[-1].partition(" = ")[0]], node.value, rtol=1e-12)


def _worked_out(text, known):
    """The value of a line: names, numbers, signs and functions of NumPy."""
    import ast
    import operator

    signs = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv, ast.MatMult: operator.matmul}

    def value(tree):
        match tree:
            case ast.Name(id=name):
                return known[name]
            case ast.Constant(value=number):
                return number
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                return -value(inner)
            case ast.BinOp(left=left, op=sign, right=right):
                return signs[type(sign)](value(left), value(right))
            case ast.Attribute(value=inner, attr=name):
                return getattr(value(inner), name)
            case ast.Tuple(elts=parts):
                return tuple(map(value, parts))
            case ast.Call(func=function, args=inner, keywords=words):
                return value(function)(*map(value, inner), **{word.arg: value(word.value) for word in words})
        raise AssertionError(ast.dump(tree))

    return value(ast.parse(text, mode="eval").body)


def test_mistakes_of_our_own_are_not_taken_for_a_thread_that_shows_nothing(monkeypatch):
    x = ng.input("x", shape=(4, 3), dtype="float32")

    def mistaken(*_):
        raise TypeError("our own")

    monkeypatch.setattr("nngraph.autograd.kernel_views.made.lay", mistaken)
    with pytest.raises(TypeError, match="our own"):
        ng.kernels(ng.tanh(x))


# Everything --------------------------------------------------------------------------------------------------------------
EVERY = [op.name for op in OPS.values() if op.examples and isinstance(on_example(op).shape, tuple)]


@pytest.mark.parametrize("name", EVERY)
def test_every_op_can_be_shown(name):
    node = on_example(OPS[name])
    floats = [each for each in node.inputs if each.dtype.kind == "f"]
    asked = [node]
    if node.dtype.kind == "f" and OPS[name].differentiable and floats:
        asked += ng.gradient(ng.sum(node * node), floats)
    for kernel in ng.kernels(asked):
        if not kernel.operations:
            continue
        assert kernel.loop.strip()
        assert kernel.combines or (kernel.formulas and kernel.numpy)
        # Where the data decide whether a thread writes at all, no lay is shown.
        if not kernel.fallback and kernel.kernel != "scatter_in_order":
            assert kernel.lay is not None, kernel.cuda
            assert kernel.lay.corner[0][0] == 0, kernel.lay
            assert kernel.lay.examples[0].places


@pytest.mark.parametrize("expression", ["x", "x*0", "x.T", "sum(x)", "x[1:]", "3+4"])
def test_small_things_can_be_shown(expression, capsys):
    shape = ["--shape", "x=3,4"] if "x" in expression else []
    assert "Kernel 1" in printed(capsys, expression, *shape)


def test_every_engine_for_gpus_says_what_it_plans_for():
    from nngraph.autograd.engines.cuda.target import TARGETS
    from nngraph.autograd.executable import engines

    assert set(TARGETS) == {name for name in engines if name.startswith("cuda")}
