"""The second derivative, the third, and the Hessian: gradients of gradients"""

import nngraph as ng

x = ng.input("x", 2.0)
y = x**4
derivatives = [y]
for _ in range(4):
    derivatives += ng.gradient(derivatives[-1], [x])
print([float(each.value) for each in derivatives])

# With several variables the second derivatives are a table, the Hessian; along a direction v, H·v needs no table.
v = ng.input("v", [1.0, 2.0])
f = v[0] ** 2 * v[1] + ng.sin(v[1])
print(ng.hessian(f, v).value.round(4).tolist())
(product,) = ng.hvp(f, [v], [[1.0, 0.0]])
print(product.value.round(4).tolist())

# Why is the second derivative of the sigmoid y(1−y)(1−2y)?
s = ng.sigmoid(x)
print(ng.explain(s, wrt=[x, x], detail="brief"))

# [16.0, 32.0, 48.0, 48.0, 24.0]
# [[4.0, 2.0], [2.0, -0.9093]]
# [4.0, 2.0]
# s = σ(x)   ∂s/∂x, ∂²s/∂x²
# ...
# ∂²s/∂x²   the path g_x ← s ← x
#           = ∂g_x/∂s · ∂s/∂x                  chain rule
# ...
#           = −0.07996             ✓ ...
