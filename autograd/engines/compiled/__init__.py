"""The compiled engine: graphs planned into programs of kernels."""
