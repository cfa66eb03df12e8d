"""Generative adversarial networks: objectives as data, games as pairs of networks and losses, one training loop for all."""
