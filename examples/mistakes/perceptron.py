"""The perceptron rule with its sign turned round: it walks away from every example it gets wrong."""


def update(w, x, t, rate):
    y = 1.0 if w @ x > 0 else 0.0
    return w - rate * (t - y) * x
