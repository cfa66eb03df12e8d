"""Graphs of very many single numbers, run as tapes of a few templates."""
