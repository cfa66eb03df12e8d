"""A node that is used twice: why its gradients add up

In a·a the same a arrives at the product by two arrows. Each arrow carries its share back: the one sends "the other factor",
a, and so does the other one. Together that is a + a = 2a. A program that overwrites the first share by the second one
answers a: half of the truth, and no error message. Adding up is the chain rule: the result follows a along both ways at once.

The second graph shows the other trap. From a to y there are two ways, through u and through v (a diamond). A program that
walks back from y and hands a gradient on as soon as it meets a node visits a with half of its gradient, and whatever
stands behind a is told the wrong number. The remedy is the order: a node hands on only after all who use it have spoken.
"""

from pathlib import Path

import nngraph as ng

pictures = Path("out")
pictures.mkdir(exist_ok=True)

a = ng.parameter("a", 3.0)
y = a * a
square = ng.explain(y, wrt=[a])
print(square)
print("overwritten instead of added: ∂y/∂a =", a.value, "(wrong)\n")
ng.draw(y, view="values").save(pictures / "05_reused_node.svg")

w, x = ng.parameter("w", 2.0), ng.input("x", 1.5)
a = w * x
u = a * a
v = ng.sin(a)
y = u + v
diamond = ng.explain(y, wrt=[w])
print(diamond)
ng.draw(y, view="mirror", wrt=[w]).save(pictures / "05_diamond.svg")

# A chain of diamonds has 2 ways, then 4, then 8 … Walking every way would never end; every node speaks once, so this is quick.
y = w
for _ in range(60):
    y = y * 0.5 + y * 0.5
(dw,) = ng.gradient(y, [w])
print(f"\n60 diamonds in a row, {2**60:.1e} ways from w to y: ∂y/∂w = {dw.value:g}")
