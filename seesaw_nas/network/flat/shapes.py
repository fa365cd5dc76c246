"""The shapes of a network's layers, with padding, by which vectors of all values are split."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor

from seesaw_nas.architecture.spec import Architecture, PlacedBlock

KERNEL = 3  # side of the stem's kernel
Shape = tuple[int, ...]


def round_up(channels: int, multiple: int) -> int:
    """The least multiple of ``multiple`` that is not below ``channels``."""
    return -(-channels // multiple) * multiple


@dataclass(frozen=True, slots=True)
class LayerShapes:
    """The shapes of one network's layers; made by :meth:`of`.

    Attributes:
        weights: shapes of the stem, then of pw1, dw and pw2 of each block, the head, and the classifier.
        norms: channels of each batch norm, in the same order.
    """

    architecture: Architecture
    weights: tuple[Shape, ...]
    norms: tuple[int, ...]

    @classmethod
    def of(cls, architecture: Architecture, multiple: int = 1) -> LayerShapes:
        """The shapes of an architecture, with widths padded to a multiple."""
        stem, last, head = (
            round_up(width, multiple)
            for width in (architecture.stem.channels, architecture.placed[-1].c_out, architecture.head.channels)
        )
        blocks = [_widths(placed, multiple) for placed in architecture.placed]
        weights: list[Shape] = [(stem, architecture.input_channels, KERNEL, KERNEL)]
        for (c_in, inner, c_out), placed in zip(blocks, architecture.placed, strict=True):
            weights += [(inner, c_in, 1, 1), (inner, 1, placed.block.kernel, placed.block.kernel), (c_out, inner, 1, 1)]
        weights += [(head, last, 1, 1), (architecture.classes, head)]
        norms = [stem, *(width for _, inner, c_out in blocks for width in (inner, inner, c_out)), head]
        return cls(architecture, tuple(weights), tuple(norms))

    @property
    def channels(self) -> int:
        """Number of channels of all batch norms."""
        return sum(self.norms)

    @property
    def classes(self) -> int:
        return self.weights[-1][0]

    @property
    def n_weights(self) -> int:
        """Number of weights of all convolutions and the classifier."""
        return sum(map(math.prod, self.weights))

    @property
    def vector_sizes(self) -> list[int]:
        """Sizes of the scales of all batch norms, of their offsets, and of the classifier's bias."""
        return [*self.norms, *self.norms, self.classes]

    def split(self, wired: Tensor) -> tuple[Tensor, Tensor]:
        """Split a vector of all values into weights, and scales, offsets and biases."""
        return wired[: self.n_weights], wired[self.n_weights :]

    def split_weights(self, wired: Tensor) -> list[Tensor]:
        """The weights of each layer in its shape, as views of the vector; the stem's in channels-last layout."""
        parts = wired.split_with_sizes([math.prod(shape) for shape in self.weights])
        return list(_reshape(parts, self.weights))

    def split_statistics(self, running: Tensor) -> list[tuple[Tensor, Tensor]]:
        """The running mean and variance of each batch norm, as views of the rows of ``running``.

        They are made by ``data``, so that autograd does not take a change of one for a change of the others.
        """
        means, variances = (row.split_with_sizes(self.norms) for row in running)
        return [(mean.data, variance.data) for mean, variance in zip(means, variances, strict=True)]


def _widths(placed: PlacedBlock, multiple: int) -> tuple[int, int, int]:
    """(c_in, inner, c_out) of a block, with padding."""
    return round_up(placed.c_in, multiple), round_up(placed.inner, multiple), round_up(placed.c_out, multiple)


def _reshape(parts: Sequence[Tensor], shapes: Sequence[Shape]) -> Iterator[Tensor]:
    channels, inputs, *kernel = shapes[0]
    yield parts[0].view(channels, *kernel, inputs).permute(0, 3, 1, 2)
    for part, shape in zip(parts[1:], shapes[1:], strict=True):
        yield part.view(shape)
