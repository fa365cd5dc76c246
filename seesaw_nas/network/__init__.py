"""Architectures as torch networks: operators, weights, and the formulations that train and infer fastest."""
