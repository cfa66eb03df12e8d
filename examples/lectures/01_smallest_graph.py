"""The smallest graph: 2 + 3, then a·b + c

A computational graph remembers how a number came about. Every circle is one operation, every arrow carries one number.

Forward, from left to right, each node computes its value; it stands above the node.
Backward, from right to left, each node learns how strongly the result follows it; that stands below the node.
"The gradient of a is −3" says: move a up by a little, and y moves down three times as much.

Two rules do all the work of this page.
A sum hands the gradient that arrives on to both of its terms, unchanged.
A product hands each factor what arrives, times the other factor.
"""

from pathlib import Path

import nngraph as ng
from nngraph.autograd.language import translate as _

# Two numbers and one operation.
two, three = ng.input("two", 2.0), ng.input("three", 3.0)
s = two + three

# Two operations: now there is something to hand back.
a, b, c = ng.input("a", 2.0), ng.input("b", -3.0), ng.input("c", 10.0)
p = a * b
y = p + c

if __name__ == "__main__":
    pictures = Path("out")
    pictures.mkdir(exist_ok=True)
    print(f"2 + 3 = {s.value:g}\n")
    ng.draw(s, view="values").save(pictures / "01_two_plus_three.svg")

    derivation = ng.explain(y, wrt=[a, b, c])
    print(derivation)
    ng.draw(y, view="values").save(pictures / "01_smallest_graph.svg")
    ng.draw(y, view="mirror", wrt=[a, b, c]).save(pictures / "01_forward_and_backward.svg")

    # What the gradient promises, tried out: a moves by 0.001, so y moves by about −3 · 0.001.
    before = y.value
    a.value = 2.001
    print("\n" + _("a moves by 0.001, and y moves by {change}", change=f"{y.value - before:.3f}"))
    a.value = 2.0
