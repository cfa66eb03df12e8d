"""A layer is a matrix product, there and back

X has 2 numbers, W has 2 rows and 3 columns: one column of weights for each of the 3 outputs. Output j multiplies the
inputs by column j and adds up: y_j = Σ_i x_i · w_ij, so that y_1 = 1·1 + 2·2 = 5.

Backward, x_i has reached every output j, each time through w_ij: ∂L/∂x_i = Σ_j ∂L/∂y_j · w_ij. This sum runs over the
*columns* of W. A matrix product sums over rows of its right factor, so W has to be turned: the transpose is nothing else.
The weight w_ij stands between x_i and y_j alone, so its gradient is one product, x_i · ∂L/∂y_j, for each place of W.
"""

from pathlib import Path

import nngraph as ng

X = ng.input("X", [1.0, 2.0])
W = ng.parameter("W", [[1.0, 3.0, 5.0], [2.0, 4.0, 6.0]])
Y = X @ W

# One number is needed to ask "how does it follow X and W": the sum of the outputs will do.
L = ng.sum(Y)

if __name__ == "__main__":
    pictures = Path("out")
    pictures.mkdir(exist_ok=True)
    print("X·W =", Y.value, "\n")
    derivation = ng.explain(L, wrt=[X, W])
    print(derivation)
    ng.draw(L, view="mirror", wrt=[X, W]).save(pictures / "03_matrix_product.svg")
    ng.draw(Y, view="neurons").save(pictures / "03_matrix_product_neurons.svg")
