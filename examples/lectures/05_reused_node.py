"""A node used twice: why its gradients add up

In a·a the same a arrives at the product by two arrows. Each arrow carries its share back: the one sends "the other factor",
a, and so does the other one. Together that is a + a = 2a. A program that overwrites the first share by the second one
answers a: half of the truth, and no error message. Adding up is the chain rule: the result follows a along both ways at once.

The second graph shows the other trap. From s to r there are two ways, through u and through v (a diamond). A program that
walks back from y and hands a gradient on as soon as it meets a node visits s with half of its gradient, and whatever
stands behind s is told the wrong number. The remedy is the order: a node hands on only after all who use it have spoken.
"""

from pathlib import Path

import nngraph as ng
from nngraph.autograd.language import translate as _

a = ng.parameter("a", 3.0)
y = a * a

w, x = ng.parameter("w", 2.0), ng.input("x", 1.5)
s = w * x
u = s * s
v = ng.sin(s)
r = u + v

if __name__ == "__main__":
    pictures = Path("out")
    pictures.mkdir(exist_ok=True)
    square = ng.explain(y, wrt=[a])
    print(square)
    print("\n" + _("overwritten instead of added, which is wrong:"), f"∂y/∂a = {a.value:g}\n")
    ng.draw(y, view="values").save(pictures / "05_reused_node.svg")

    diamond = ng.explain(r, wrt=[w])
    print(diamond)
    ng.draw(r, view="mirror", wrt=[w]).save(pictures / "05_diamond.svg")

    # In a chain of diamonds there are 2 ways, then 4, then 8 … Nobody could walk them all; but every node speaks only once.
    chain = w
    for each in range(60):
        chain = chain * 0.5 + chain * 0.5
    (dw,) = ng.gradient(chain, [w])
    print("\n" + _("60 diamonds, one behind the other, {count} ways from w to the end: the gradient is {gradient}", count=f"{2**60:.1e}", gradient=f"{dw.value:g}"))
