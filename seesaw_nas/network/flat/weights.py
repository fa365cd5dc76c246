"""All weights, scales, offsets and statistics of a network as a few flat vectors in the order of its modules."""

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

    Behind the last value stands a zero, which an index can name where there is no weight.

    Attributes:
        network: whose values they are.
        storage: (A + B + 1,): A weights of convolutions and classifier, B scales, offsets and biases, a zero.
        statistics: (2, S + 1): running means and running variances of the S channels of all batch norms, zeros behind.
        batches: int64, (norms,): how many each batch norm has seen.
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
        """On the device and in the precision of the network."""
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
        """A: how many weights convolutions and classifier have."""
        return sum(math.prod(shape) for _, shape in self.weight_names)

    def halves(self, storage: Tensor) -> tuple[Tensor, Tensor]:
        """The (A,) and the (B,) of a vector such as ``storage``, views."""
        return storage[: self.n_weights], storage[self.n_weights : -1]

    def views(self, storage: Tensor) -> dict[str, Tensor]:
        """A vector such as ``storage``, cut into the network's tensors by the names of its parameters."""
        weights, vectors = self.halves(storage)
        return dict([*_cut(weights, self.weight_names), *_cut(vectors, self.vector_names)])

    def link(self) -> None:
        """Make every parameter and statistic of the network a view of these vectors, which it follows from then on."""
        views = self.views(self.storage)
        for name, parameter in self.network.named_parameters():
            parameter.data = views[name]
        for norm, mean, variance, batches in self._of_norms():
            norm.running_mean, norm.running_var, norm.num_batches_tracked = mean, variance, batches

    def unlink(self) -> None:
        """Give the network tensors of its own again, of the same values."""
        for parameter in self.network.parameters():
            parameter.data = parameter.data.clone()
        for norm in _norms(self.network):
            for name, value in list(norm.named_buffers()):
                setattr(norm, name, value.clone())

    def write_statistics(self) -> None:
        """Copy the statistics into a network that is not linked."""
        for norm, *values in self._of_norms():
            for held, value in zip(norm.buffers(), values, strict=True):
                held.copy_(value)

    def _of_norms(self) -> Iterator[tuple[nn.BatchNorm2d, Tensor, Tensor, Tensor]]:
        """Each batch norm with views of its running mean and variance, and of how many batches it has seen."""
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
