"""Fit a line: a compiled step that updates its parameters"""

import nngraph as ng
import numpy as np

rng = np.random.default_rng(0)
xs = np.linspace(-1.0, 1.0, 40)
ys = 3.0 * xs - 0.5 + 0.1 * rng.standard_normal(40)

x, y = ng.input("x", shape=(40,)), ng.input("y", shape=(40,))
slope, offset = ng.parameter("slope", 0.0), ng.parameter("offset", 0.0)
loss = ng.mean_squared_error(slope * x + offset, y)
d_slope, d_offset = ng.gradient(loss, [slope, offset])

# Both updates are computed from the old values and then applied together.
step = ng.compile(loss, inputs=[x, y], updates={slope: slope - 0.5 * d_slope, offset: offset - 0.5 * d_offset})
for number in range(41):
    error = step(xs, ys)
    if number % 10 == 0:
        print(f"step {number:2}  loss {error:.4f}")
print(f"y ≈ {slope.value:.2f}·x {offset.value:+.2f}")

least_squares = np.polyfit(xs, ys, 1)
print("least squares agrees:", np.allclose([slope.value, offset.value], least_squares, atol=1e-3))

# step  0  loss 3.4486
# step 10  loss 0.0067
# step 20  loss 0.0061
# step 30  loss 0.0061
# step 40  loss 0.0061
# y ≈ 3.02·x -0.51
# least squares agrees: True
