"""Kernels: the compiled loops under the fast engine. Nothing here is imported before a plan is compiled."""
