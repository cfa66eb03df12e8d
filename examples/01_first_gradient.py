"""A first gradient: how y follows w"""

import nngraph as ng

w = ng.parameter("w", 2.0)
x = ng.input("x", 3.0)
y = ng.sigmoid(w * x - 5.0)
print(f"y = {y.value:.4f}")

# A gradient is a graph like any other: it has a value, and it follows when a leaf changes.
(dw,) = ng.gradient(y, [w])
print(f"∂y/∂w = {dw.value:.4f}")
w.value = 1.0
print(f"at w = 1: y = {y.value:.4f}, ∂y/∂w = {dw.value:.4f}")

# The same for all parameters at once, in the manner of other libraries.
y.backward()
print(f"w.grad = {w.grad:.4f}")

# y = 0.7311
# ∂y/∂w = 0.5898
# at w = 1: y = 0.1192, ∂y/∂w = 0.3150
# w.grad = 0.3150
