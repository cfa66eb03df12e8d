"""What a wrong gradient looks like beside the right one: a factor, a sign, a transpose, nothing at all."""

from __future__ import annotations

import numpy as np

__all__ = ["slip_of"]


def slip_of(given: np.ndarray, expected: np.ndarray) -> str:
    """What turns a wrong gradient into the right one, in a few words; empty when nothing simple does.

    >>> slip_of(np.array([2.0, 4.0]), np.array([1.0, 2.0]))
    'it is 2 times too large'
    """
    known = np.isfinite(expected)
    if not known.any():
        return ""
    mine, true = given[known], expected[known]

    def same(a: np.ndarray, b: np.ndarray) -> bool:
        return bool(np.allclose(a, b, rtol=1e-4, atol=1e-6 * max(1.0, float(np.max(np.abs(b), initial=0.0)))))

    if not np.isfinite(mine).all():
        return "it is not finite although the function is smooth here; ng.find_nonfinite names the node"
    if not mine.any():
        return "it is zero: is there a stop_gradient, a rounding or a comparison on the way?"
    if same(-mine, true):
        return "its sign is turned round"
    if given.ndim == 2 and given.shape[0] == given.shape[1] and known.all() and same(given.T, expected):
        return "it is the transpose of the right one"
    if np.max(np.abs(true)) > 0:
        factor = float(np.sum(mine * true) / np.sum(true * true))
        if factor and same(mine / factor, true):
            close = round(factor) if abs(factor) >= 1 else round(1 / factor)
            exact = (
                abs(factor - close) < 1e-4 * abs(factor)
                if abs(factor) >= 1
                else abs(1 / factor - close) < 1e-4 * abs(1 / factor)
            )
            amount = f"{close}" if exact else f"{abs(factor) if abs(factor) >= 1 else 1 / abs(factor):.6g}"
            if abs(factor - 1) < 1e-3:
                return f"they differ by {float(np.max(np.abs(mine - true)) / np.max(np.abs(true))):.1e} of the largest entry"
            return f"it is {amount} times too {'large' if abs(factor) >= 1 else 'small'}"
    wrong = int(np.sum(~np.isclose(mine, true, rtol=1e-4, atol=1e-6)))
    return f"{wrong} of {mine.size} entries are wrong" if wrong < mine.size else ""
