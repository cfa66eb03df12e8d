"""The engine for NVIDIA GPUs: the compiled engine's plans, made for a GPU, on memory of the GPU."""
