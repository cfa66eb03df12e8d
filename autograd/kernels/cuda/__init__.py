"""Kernels for NVIDIA GPUs, beside their twins for processors: nests of loops as text for numba.cuda, and those written by hand."""
