"""An op of your own: declared in one place, and everything else follows"""

import nngraph as ng
from nngraph.autograd.op import ACTIVATION, elementwise, example

# softsign(x) = x / (1 + |x|): its meaning, words for people, and where to try it. Nothing else is needed: its gradient,
# its derivation, its color in pictures and its place in `nngraph ops` are read from here.
softsign = elementwise(
    "softsign",
    "x / (1 + abs(x))",
    kind=ACTIVATION,
    letter="f",
    words="squash {x} between −1 and 1, more gently than tanh",
    why="far from 0 the curve is flat, so little gets through: 1 / (1 + |x|)²",
    example=example((3, 4), avoid=(0.0,)),
)

x = ng.input("x", [-2.0, 0.5, 3.0])
y = softsign(x)
print(y.value.round(4))

(dx,) = ng.gradient(ng.sum(y), [x])
print(dx.value.round(4))
print((1 / (1 + abs(x.value)) ** 2).round(4), "by hand")
print("agrees with finite differences:", all(each.error < 1e-9 for each in ng.check_gradient(ng.sum(y), x).orders))

# [-0.6667  0.3333  0.75  ]
# [0.1111 0.4444 0.0625]
# [0.1111 0.4444 0.0625] by hand
# agrees with finite differences: True
