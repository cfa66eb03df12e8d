"""The lecture's side: what the students' files in this folder are compared with.

    nngraph check student_two_layers.py --against lecture.py:loss --shape X=5,3 --shape T=5,2 --shape W1=3,4 --shape b1=4 --shape W2=4,2 --shape b2=2
"""  # fmt: skip

import nngraph as ng


def loss(X, T, W1, b1, W2, b2):
    """Mean squared error of a net with one hidden layer, ½ per entry, averaged over the rows."""
    z1 = X @ W1 + b1
    h = ng.sigmoid(z1)
    y = h @ W2 + b2
    return ng.sum((y - T) ** 2) / (2 * X.shape[0])
