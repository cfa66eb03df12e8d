"""Engines: ways to compute a graph. `numpy` is the reference."""
