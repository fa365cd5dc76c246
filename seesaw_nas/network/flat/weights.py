"""All weights, scales, offsets and statistics of a network in a few flat vectors, in the order of its modules."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from seesaw_nas.network.models import Network

Names = tuple[tuple[str, torch.Size], ...]


@dataclass(frozen=True, slots=True, eq=False)
class FlatWeights:
    """A copy of a network's values; :meth:`link` makes the network's own tensors views of it.

    The last entry is a zero, to which an index refers for weights that do not exist.

    Attributes:
        network: the network that the values belong to.
        storage: (A + B + 1,): A weights of convolutions and classifier, B scales, offsets and biases, a zero.
        statistics: (2, S + 1): running means and running variances of the S channels of all batch norms, then zeros.
        batches: int64, (norms,): number of batches that each batch norm has processed.
    """

    network: Network
    storage: Tensor
    statistics: Tensor
    batches: Tensor
    weight_names: Names
    vector_names: Names

    @classmethod
    @torch.no_grad()
    def of(cls, network: Network) -> FlatWeights:
        """Copy a network's values, on its device and in its precision."""
        named = [(name, value.detach()) for name, value in network.named_parameters()]
        weights, vectors = [v for _, v in named if v.ndim > 1], [v for _, v in named if v.ndim <= 1]
        zero, norms = vectors[0].new_zeros(1), _norms(network)
        storage = torch.cat([*(v.reshape(-1) for v in weights), *vectors, zero])
        means = torch.cat([*(norm.running_mean for norm in norms), zero])  # type: ignore[list-item]
        variances = torch.cat([*(norm.running_var for norm in norms), zero])  # type: ignore[list-item]
        batches = torch.stack([norm.num_batches_tracked for norm in norms])  # type: ignore[misc]
        weight_names = tuple((name, value.shape) for name, value in named if value.ndim > 1)
        vector_names = tuple((name, value.shape) for name, value in named if value.ndim <= 1)
        return cls(network, storage, torch.stack([means, variances]), batches, weight_names, vector_names)

    @property
    def n_weights(self) -> int:
        """A, the number of weights of convolutions and classifier."""
        return sum(math.prod(shape) for _, shape in self.weight_names)

    def halves(self, storage: Tensor) -> tuple[Tensor, Tensor]:
        """The parts (A,) and (B,) of a vector such as ``storage``, as views."""
        return storage[: self.n_weights], storage[self.n_weights : -1]

    def views(self, storage: Tensor) -> dict[str, Tensor]:
        """Views of a vector such as ``storage`` in the shapes of the network's parameters, by their names."""
        weights, vectors = self.halves(storage)
        return dict([*_cut(weights, self.weight_names), *_cut(vectors, self.vector_names)])

    def link(self) -> None:
        """Make every parameter and statistic of the network a view of these vectors."""
        views = self.views(self.storage)
        for name, parameter in self.network.named_parameters():
            parameter.data = views[name]
        for norm, mean, variance, batches in self._norm_views():
            norm.running_mean, norm.running_var, norm.num_batches_tracked = mean, variance, batches

    def unlink(self) -> None:
        """Give the network its own tensors again, with the same values."""
        for parameter in self.network.parameters():
            parameter.data = parameter.data.clone()
        for norm in _norms(self.network):
            for name, value in list(norm.named_buffers()):
                setattr(norm, name, value.clone())

    def write_statistics(self) -> None:
        """Copy the statistics to a network that is not linked."""
        for norm, *values in self._norm_views():
            for held, value in zip(norm.buffers(), values, strict=True):
                held.copy_(value)

    def _norm_views(self) -> Iterator[tuple[nn.BatchNorm2d, Tensor, Tensor, Tensor]]:
        """Each batch norm with views of its running mean, its running variance and its number of batches."""
        norms = _norms(self.network)
        means, variances = (row[:-1].split_with_sizes([norm.num_features for norm in norms]) for row in self.statistics)
        return zip(norms, means, variances, self.batches.unbind(), strict=True)


def _norms(network: nn.Module) -> list[nn.BatchNorm2d]:
    return [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]


def _cut(vector: Tensor, names: Names) -> Iterable[tuple[str, Tensor]]:
    start = 0
    for name, shape in names:
        stop = start + shape.numel()
        yield name, vector[start:stop].view(shape)
        start = stop
