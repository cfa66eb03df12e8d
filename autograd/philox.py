"""Philox4x32-10: random numbers as a pure function of a key and a counter, the same in every engine.

There is no hidden state: who wants other numbers changes the counter. Salmon, Moraes, Dror and Shaw 2011, "Parallel
random numbers: as easy as 1, 2, 3".
"""

from __future__ import annotations

import numpy as np

ROUNDS = 10
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
LOW = 0xFFFFFFFF


def philox(counter: tuple[np.ndarray, ...], key: tuple[int, int]) -> np.ndarray:
    """Four 32-bit words for every counter, as an array (4, N) of uint64; `counter` is four arrays (N) of 32-bit words.

    >>> zero = np.zeros(1, np.uint64)
    >>> [f"{int(word):08x}" for word in philox((zero, zero, zero, zero), (0, 0))[:, 0]]
    ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8']
    """
    c0, c1, c2, c3 = counter
    low, half = np.uint64(LOW), np.uint64(32)
    for turn in range(ROUNDS):
        k0, k1 = (np.uint64((word + turn * step) & LOW) for word, step in zip(key, WEYL))
        left, right = np.uint64(MULTIPLIERS[0]) * c0, np.uint64(MULTIPLIERS[1]) * c2
        c0, c1, c2, c3 = (right >> half) ^ c1 ^ k0, right & low, (left >> half) ^ c3 ^ k1, left & low
    return np.stack([c0, c1, c2, c3])


def words(count: int, seed: int, path: int, draw: int, step: int) -> np.ndarray:
    """`count` 32-bit words for one draw of one node: element e is word e % 4 of the counter (e // 4, draw, step, 0).

    >>> int(words(5, seed=0, path=0, draw=0, step=0)[0]) == 0x6627E8D5
    True
    """
    blocks = np.arange((count + 3) // 4, dtype=np.uint64)
    fixed = [np.full(blocks.shape, number & LOW, np.uint64) for number in (draw, step, 0)]
    return philox((blocks, *fixed), (seed & LOW, path & LOW)).T.reshape(-1)[:count]
