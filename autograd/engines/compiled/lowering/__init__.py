"""Which kernel computes an op, with which words: one page per kernel family."""
