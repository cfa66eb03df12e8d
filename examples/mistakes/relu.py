"""A ReLU layer whose backward pass is right, but overwrites the gradient its caller passed in."""


def backward(dout, x):
    dx = dout
    dx[x <= 0] = 0
    return dx
