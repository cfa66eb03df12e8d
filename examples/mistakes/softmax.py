"""Softmax that forgets the axis: on a batch all rows share one sum."""

import numpy as np


def softmax(x):
    shares = np.exp(x - np.max(x))
    return shares / np.sum(shares)
