"""Neural architecture search over inverted-residual CNNs whose 1x1 convolutions are split into uneven groups."""

__version__ = "0.1.0"
