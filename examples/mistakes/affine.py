"""An affine layer whose bias gradient adds up everything instead of the rows of each column."""

import numpy as np


def backward(dout, X, W, b):
    dX = dout @ W.T
    dW = X.T @ dout
    db = np.sum(dout)
    return {"dX": dX, "dW": dW, "db": db}
