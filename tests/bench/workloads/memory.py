"""Memory at its peak during training steps, above what the process held after a toy of the same kind."""

from __future__ import annotations

from . import Workload, convolution, recurrent

WORKLOADS = (
    Workload(
        "memory-cnn", "peak memory of the CNN step", convolution.net_arrays,
        {
            "nngraph": convolution.our_net, "torch: NCHW": convolution.torch_net(False),
            "torch: channels_last": convolution.torch_net(True), "jax": convolution.jax_net(False),
        },
        3, {"torch": 1, "jax": 1}, {"torch": 2, "jax": 2}, kind="memory", rounds=3, alone=True,
    ),
    Workload(
        "memory-lstm", "peak memory of the LSTM step, T=512", recurrent.arrays_for(512, batches=1),
        {"nngraph": recurrent.ours, "torch": recurrent.with_torch, "jax": recurrent.with_jax},
        3, {"torch": 1, "jax": 1}, {"torch": 2, "jax": 2}, kind="memory", rounds=3, alone=True,
    ),
)  # fmt: skip
