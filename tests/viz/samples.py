"""Drawings made by hand, as a view would make them: the graphs of the layout study, without any engine."""

from __future__ import annotations

from dataclasses import dataclass, field

from nngraph.viz.drawing import Arrow, Box, Drawing, Group


@dataclass
class Sheet:
    """Collects boxes and arrows of a forward pass and of the backward pass that faces it."""

    boxes: list[Box] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)
    groups: list[Group] = field(
        default_factory=lambda: [Group("F", "前向 forward"), Group("B", "反向 backward", part="backward")]
    )

    def scope(self, name: str, parent: str = "") -> str:
        self.groups.append(Group("F/" + name, name.split("/")[-1], "F" + (f"/{parent}" if parent else "")))
        self.groups.append(
            Group("B/" + name, name.split("/")[-1] + " ∇", "B" + (f"/{parent}" if parent else ""), "backward")
        )
        return name

    def add(self, name, label, kind, *inputs, scope="", detail=""):
        self.boxes.append(Box(name, (label,), kind, detail, group="F" + (f"/{scope}" if scope else "")))
        self.arrows += [Arrow(source, name) for source in inputs]
        return name

    def back(self, name, label, faces, *gradients, saved=(), scope="", result=False, kind="arithmetic"):
        self.boxes.append(
            Box(
                name,
                (label,),
                kind,
                part="backward",
                faces=faces,
                group="B" + (f"/{scope}" if scope else ""),
                result=result,
            )
        )
        self.arrows += [Arrow(source, name, "gradient") for source in gradients]
        self.arrows += [Arrow(source, name, "saved") for source in saved]
        return name

    def drawing(self) -> Drawing:
        return Drawing(
            tuple(self.boxes),
            tuple(self.arrows),
            tuple(self.groups),
            arrangement="mirror",
            title="",
            legend=(
                ("leaf-input", "input"),
                ("leaf-parameter", "parameter"),
                ("arrow-flow", "forward"),
                ("arrow-gradient", "backward"),
                ("arrow-saved", "kept for the backward pass"),
            ),
        )


def net221() -> Drawing:
    """E = (f(w5 f(w1 x1 + w3 x2) + w6 f(w2 x1 + w4 x2)) - z)², forward and backward."""
    s = Sheet()
    s.scope("hidden"), s.scope("output")
    for x in ("x1", "x2"):
        s.add(x, x, "leaf-input")
    s.add("z", "z", "leaf-input")
    for k in "1324":
        s.add("w" + k, "w" + k, "leaf-parameter", scope="hidden")
    for k, (first, second) in {"1": ("1", "3"), "2": ("2", "4")}.items():
        s.add("m" + first, "×", "arithmetic", "w" + first, "x1", scope="hidden")
        s.add("m" + second, "×", "arithmetic", "w" + second, "x2", scope="hidden")
        s.add("a" + k, "+", "arithmetic", "m" + first, "m" + second, scope="hidden")
        s.add("f" + k, "σ", "activation", "a" + k, scope="hidden")
    for k, f in (("5", "f1"), ("6", "f2")):
        s.add("w" + k, "w" + k, "leaf-parameter", scope="output")
        s.add("m" + k, "×", "arithmetic", "w" + k, f, scope="output")
    s.add("a3", "+", "arithmetic", "m5", "m6", scope="output")
    s.add("y", "σ", "activation", "a3", scope="output")
    s.add("d", "−", "arithmetic", "y", "z")
    s.add("E", "( )²", "arithmetic", "d")
    s.back("one", "1", "E", result=True)
    s.back("gd", "2·d", "d", "one", saved=["d"])
    s.back("gy", "σ′", "y", "gd", saved=["y"], scope="output")
    for k, f in (("5", "1"), ("6", "2")):
        s.back("gw" + k, "×", "m" + k, "gy", saved=["f" + f], scope="output")
        s.back("dw" + k, "∂E/∂w" + k, "w" + k, "gw" + k, scope="output", result=True)
        s.back("gf" + f, "×", "m" + k, "gy", saved=["w" + k], scope="output")
        s.back("ga" + f, "σ′", "f" + f, "gf" + f, saved=["f" + f], scope="hidden")
    for k, a, x in (("1", "1", "x1"), ("3", "1", "x2"), ("2", "2", "x1"), ("4", "2", "x2")):
        s.back("gm" + k, "×", "m" + k, "ga" + a, saved=[x], scope="hidden")
        s.back("dw" + k, "∂E/∂w" + k, "w" + k, "gm" + k, scope="hidden", result=True)
    return s.drawing()


def lenet() -> Drawing:
    """Two convolutions with pooling, three linear layers, softmax loss: tensors with shapes."""
    s = Sheet()
    x = s.add("X", "X", "leaf-input", detail="32×1×28×28")
    gates = []
    for k, (w, b, y, p) in enumerate(
        [("6×1×5×5", "6", "32×6×28×28", "32×6×14×14"), ("16×6×5×5", "16", "32×16×10×10", "32×16×5×5")], 1
    ):
        c = s.scope(f"conv{k}")
        s.add(f"W{c}", "W", "leaf-parameter", scope=c, detail=w)
        s.add(f"b{c}", "b", "leaf-parameter", scope=c, detail=b)
        s.add(f"conv{c}", "conv2d", "linear", x, f"W{c}", scope=c, detail=y)
        s.add(f"bias{c}", "+", "arithmetic", f"conv{c}", f"b{c}", scope=c)
        s.add(f"relu{c}", "relu", "activation", f"bias{c}", scope=c)
        gates.append((c, x))
        x = s.add(f"pool{c}", "maxpool", "reduction", f"relu{c}", scope=c, detail=p)
    x = s.add("flat", "flatten", "shape", x, detail="32×400")
    gates.append(("flat", x))
    for k, (w, b, y) in enumerate(
        [("400×120", "120", "32×120"), ("120×84", "84", "32×84"), ("84×10", "10", "32×10")], 1
    ):
        c = s.scope(f"fc{k}")
        s.add(f"W{c}", "W", "leaf-parameter", scope=c, detail=w)
        s.add(f"b{c}", "b", "leaf-parameter", scope=c, detail=b)
        s.add(f"mm{c}", "@", "linear", x, f"W{c}", scope=c, detail=y)
        gates.append((c, x))
        x = s.add(f"bias{c}", "+", "arithmetic", f"mm{c}", f"b{c}", scope=c)
        if k < 3:
            x = s.add(f"relu{c}", "relu", "activation", x, scope=c)
    s.add("T", "T", "leaf-input", detail="32×10")
    s.add("L", "softmax loss", "loss", x, "T")
    g = s.back("one", "1", "L", result=True)
    g = s.back("p-t", "(p−t)/N", "L", g, saved=["L"])
    for c, source in reversed(gates):
        if c == "flat":
            g = s.back("gflat", "reshape", "flat", g)
        elif c.startswith("fc"):
            if c != "fc3":
                g = s.back(f"gr{c}", "[z>0]", f"relu{c}", g, saved=[f"relu{c}"], scope=c)
            s.back(f"gb{c}", "Σ", f"bias{c}", g, scope=c)
            s.back(f"db{c}", "∂L/∂b", f"b{c}", f"gb{c}", scope=c, result=True)
            s.back(f"gw{c}", "Xᵀ·G", f"mm{c}", g, saved=[source], scope=c)
            s.back(f"dW{c}", "∂L/∂W", f"W{c}", f"gw{c}", scope=c, result=True)
            g = s.back(f"gx{c}", "G·Wᵀ", f"mm{c}", g, saved=[f"W{c}"], scope=c)
        else:
            g = s.back(f"gp{c}", "unpool", f"pool{c}", g, saved=[f"pool{c}"], scope=c)
            g = s.back(f"gr{c}", "[z>0]", f"relu{c}", g, saved=[f"relu{c}"], scope=c)
            s.back(f"gb{c}", "Σ", f"bias{c}", g, scope=c)
            s.back(f"db{c}", "∂L/∂b", f"b{c}", f"gb{c}", scope=c, result=True)
            s.back(f"gw{c}", "corr", f"conv{c}", g, saved=[source], scope=c)
            s.back(f"dW{c}", "∂L/∂W", f"W{c}", f"gw{c}", scope=c, result=True)
            if c != "conv1":
                g = s.back(f"gx{c}", "convᵀ", f"conv{c}", g, saved=[f"W{c}"], scope=c)
    return s.drawing()


def chain(length: int) -> Drawing:
    """One box after the other."""
    boxes = tuple(Box(f"b{k}", (f"v{k}",)) for k in range(length))
    return Drawing(boxes, tuple(Arrow(f"b{k}", f"b{k + 1}") for k in range(length - 1)))
