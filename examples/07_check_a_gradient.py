"""Check a gradient: reverse mode against finite differences, and a wrong rule found out"""

import nngraph as ng
import numpy as np
from nngraph.autograd.errors import CheckFailed
from nngraph.autograd.op import FUNCTION, elementwise, example

x = ng.input("x", [0.5, 1.5, 2.5])
record = ng.check_gradient(ng.sum(ng.sin(x) * x), x)
print("orders", [each.order for each in record.orders], "agree:", all(each.error < 1e-6 for each in record.orders))

# Differences alone, of any function of arrays.
print(ng.finite_difference(lambda t: np.sum(t**2), x.value).round(6))

# An op whose gradient forgot the 2.
square = elementwise(
    "my_square",
    "x * x",
    kind=FUNCTION,
    words="{x} times itself",
    why="product rule",
    example=example((3,)),
    gradient=lambda g, y, x: (g * x,),
)
try:
    ng.check_gradient(ng.sum(square(x)), x)
except CheckFailed as failure:
    print("found out:", failure)

# orders [1, 2] agree: True
# [1. 3. 5.]
# found out: the gradient with respect to input 'x' (3, float64) is wrong at index (2,): reverse mode gives 2.5, finite differences 5; it is 2 times too small
