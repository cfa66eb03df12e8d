"""A trained network at work

The network is f(W2·f(W1·x + θ1) + θ2) with the sigmoid f. Training has found its weights and thresholds θ; now they are
only used. The two hidden neurons draw two straight lines in the plane of the inputs, W1·x + θ1 = 0, and the output neuron
decides by which sides of the lines x lies on. Two points that are close to each other, (1.72, 1.24) and (2.00, 1.26),
come out on different sides of 0.5.

The gradient with respect to the *input* tells which way to push a point so that the answer changes fastest.
"""

from pathlib import Path

import nngraph as ng

x = ng.input("x", [1.72, 1.24])
W1 = ng.parameter("W1", [[-5.5921, 7.5976], [-0.5787, -0.2875]])
θ1 = ng.parameter("θ1", [0.5765, -0.2764])
W2 = ng.parameter("W2", [-8.4075, 0.4838])
θ2 = ng.parameter("θ2", 3.9829)

h = ng.sigmoid(W1 @ x + θ1)
y = ng.sigmoid(W2 @ h + θ2)

if __name__ == "__main__":
    pictures = Path("out")
    pictures.mkdir(exist_ok=True)
    outputs = []
    for point in ([1.72, 1.24], [2.00, 1.26]):
        x.value = point
        outputs.append(float(y.value))
        print(f"x = ({point[0]:.2f}, {point[1]:.2f})   y = {y.value:.6f}")

    print()
    derivation = ng.explain(y, wrt=[x])
    print(derivation)
    ng.draw(y, view="forward").save(pictures / "09_trained_net.svg")
