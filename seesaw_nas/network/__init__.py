"""Architectures as torch networks: operators, weights, and fast formulations for training and inference."""
