"""Networks: modules, optimizers and training, and the systems of a first course."""

from __future__ import annotations

import importlib
from typing import Any

_PLACES: dict[str, str] = {
    **dict.fromkeys(("Module", "new_parameter", "new_state"), "module"),
    **dict.fromkeys(("Training", "current_training", "training"), "mode"),
    **dict.fromkeys(("generator", "he", "normal", "orthogonal", "seed", "uniform", "xavier", "zeros"), "initialize"),
    **dict.fromkeys(("Embedding", "Linear"), "linear"),
    **dict.fromkeys(("Residual", "Sequential"), "sequential"),
    **dict.fromkeys(("Dropout",), "dropout"),
    **dict.fromkeys(("BatchNorm", "GroupNorm", "InstanceNorm", "LayerNorm"), "norms"),
    **dict.fromkeys(
        ("SGD", "AdaDelta", "AdaGrad", "Adam", "AdamW", "Memory", "Momentum", "Nesterov", "Optimizer", "RMSProp"),
        "optimizers",
    ),
    **dict.fromkeys(("LBFGS", "Iteration", "LBFGSTrainer"), "quasi_newton"),
    **dict.fromkeys(("Surface", "surfaces", "trajectory"), "classic_surfaces"),
    **dict.fromkeys(
        ("cosine_decay", "exponential_decay", "inverse_time_decay", "step_decay", "warm_up"), "schedules"
    ),
    **dict.fromkeys(("Record", "Trainer", "train"), "trainer"),
    **dict.fromkeys(("load_checkpoint", "save_checkpoint"), "checkpoint"),
    **dict.fromkeys(("RBM", "BoltzmannMachine"), "boltzmann"),
    **dict.fromkeys(("DeepBeliefNet",), "deep_belief"),
    **dict.fromkeys(("Hopfield",), "hopfield"),
    **dict.fromkeys(
        ("Autoencoder", "VariationalAutoencoder", "gaussian_noise", "masking_noise"), "autoencoders"
    ),
    **dict.fromkeys(("AdversarialLoss", "adversarial_losses", "gradient_penalty"), "adversarial.losses"),
    **dict.fromkeys(("Divergence", "divergences", "f_gan"), "adversarial.f_divergences"),
    **dict.fromkeys(("Game", "Turn"), "adversarial.game"),
    **dict.fromkeys(("ACGAN", "ConditionalGAN", "DRGAN", "GAN", "InfoGAN"), "adversarial.generating"),
    **dict.fromkeys(("CycleGAN", "Pix2Pix", "SuperResolution"), "adversarial.translating"),
    **dict.fromkeys(("AdversarialRecord", "AdversarialTrainer", "train_adversarial"), "adversarial.trainer"),
    **dict.fromkeys(
        ("DCGANDiscriminator", "DCGANGenerator", "PatchGAN", "UNet", "Upscaler", "pixel_shuffle"), "image_to_image"
    ),
    **dict.fromkeys(("DataError",), "rows"),
    **dict.fromkeys(("MLP",), "feed_forward"),
    **dict.fromkeys(
        (
            "ExclusiveOr", "LinearRegression", "LogisticRegression", "PerceptronBound", "PerceptronStep", "SoftmaxRegression", "ThresholdUnit",
            "adaline_loss", "gate", "perceptron_bound", "perceptron_loss", "perceptron_steps", "perceptron_updates",
        ),
        "neurons",
    ),
    **dict.fromkeys(("Activation", "activation_functions"), "activations"),
    **dict.fromkeys(("Comparison", "compare_gradients", "numerical_gradients"), "numerical"),
    **dict.fromkeys(("cheapest_class", "mean_cost"), "measures"),
    **dict.fromkeys(("MLPClassifier", "MLPRegressor"), "estimators.feed_forward"),
    **dict.fromkeys(("Adaline", "Perceptron"), "estimators.single_layer"),
    **dict.fromkeys(("BernoulliRBM", "GaussianRBM"), "estimators.energy"),
    **dict.fromkeys(("Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d", "DepthwiseConv2d"), "convolution"),
    **dict.fromkeys(
        ("AveragePool1d", "AveragePool2d", "Flatten", "GlobalAveragePool", "GlobalMaxPool", "L2Pool1d", "L2Pool2d", "MaxPool1d", "MaxPool2d"),
        "pooling",
    ),
    **dict.fromkeys(("ReceptiveField", "receptive_fields"), "receptive_field"),
    **dict.fromkeys(("ImageKernel", "gaussian_kernel", "image_kernels"), "kernels"),
    **dict.fromkeys(("ConvNet", "LeNet", "ResNet", "ResidualBlock"), "image_models"),
    **dict.fromkeys(("GRU", "LSTM", "RNN", "Recurrent"), "recurrent"),
    **dict.fromkeys(
        ("AdditiveAttention", "MultiHeadAttention", "PositionalEncoding", "causal", "padding_mask", "positional_encoding", "scaled_dot_product"),
        "attention",
    ),
    **dict.fromkeys(
        ("Bidirectional", "Decoder", "DeepRNN", "EncoderDecoder", "ManyToMany", "ManyToOne", "OneToMany", "sequence_loss"),
        "sequence_models",
    ),
    **dict.fromkeys(
        ("CausalTransformer", "Transformer", "TransformerBlock", "TransformerEncoder", "TransformerStack"),
        "transformer",
    ),
    **dict.fromkeys(("GCN", "GraphConvolution", "karate_club", "normalized_adjacency"), "graph_convolution"),
}

__all__ = sorted(_PLACES)


def __getattr__(name: str) -> Any:
    if name in ("data", "estimators"):
        return importlib.import_module(f".{name}", __name__)
    if name not in _PLACES:
        raise AttributeError(f"nngraph.nets has no {name!r}")
    found = getattr(importlib.import_module(f".{_PLACES[name]}", __name__), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return __all__
