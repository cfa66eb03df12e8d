"""A central difference that works on floats and fails on whole numbers: they cannot move by a small step."""

import numpy as np


def numerical_gradient(f, x):
    h = 1e-4
    grad = np.zeros_like(x)
    for at in np.ndindex(x.shape):
        before = x[at]
        x[at] = before + h
        above = f(x)
        x[at] = before - h
        below = f(x)
        grad[at] = (above - below) / (2 * h)
        x[at] = before
    return grad
