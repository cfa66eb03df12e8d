"""A backward pass by hand, as it should be; `forgotten_slope` below has a slip in it."""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def backward(X, T, W1, b1, W2, b2):
    h = sigmoid(X @ W1 + b1)
    dy = (h @ W2 + b2 - T) / len(X)
    dW2 = h.T @ dy
    db2 = dy.sum(axis=0)
    dh = dy @ W2.T
    dz1 = dh * h * (1 - h)
    dW1 = X.T @ dz1
    db1 = dz1.sum(axis=0)
    return {"dy": dy, "dW2": dW2, "db2": db2, "dh": dh, "dz1": dz1, "dW1": dW1, "db1": db1}


def forgotten_slope(X, T, W1, b1, W2, b2):
    h = sigmoid(X @ W1 + b1)
    dy = (h @ W2 + b2 - T) / len(X)
    dW2 = h.T @ dy
    db2 = dy.sum(axis=0)
    delta1 = dy @ W2.T
    dW1 = X.T @ delta1
    db1 = delta1.sum(axis=0)
    return {"dy": dy, "dW2": dW2, "db2": db2, "delta1": delta1, "dW1": dW1, "db1": db1}
