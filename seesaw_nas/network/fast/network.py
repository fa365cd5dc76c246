"""A network in the formulation that its device trains fastest, on flat vectors of its weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from seesaw_nas.network.fast.forward import Formulation, Layers, features, logits_of, measure
from seesaw_nas.network.fast.functions import gather_values
from seesaw_nas.network.flat import FlatWeights, network_order
from seesaw_nas.network.models import MOMENTUM, Network


class FastNetwork(nn.Module):
    """Computes what ``network`` does in training mode, from copies of its weights in two flat parameters.

    One gather prepares the weights of all layers. Outputs and gradients differ from the plain formulation's by rounding
    alone. Batch norm always uses the batch; its running statistics are kept here, in the order of this formulation, and
    :meth:`write_statistics` gives them to the network. The network is to stay on its device.

    Attributes:
        momentum: by which a forward pass moves the running statistics.
        batches: that these have seen since they were read; who calls :meth:`forward` counts.
        compiled: :meth:`logits` by a compiler, where there is one; a function of this network as well, so that nothing
            here refers to itself, and a finished training is freed at once.
        weights: those of all convolutions and of the classifier, which decay falls on, (A,).
        vectors: scales, offsets and the classifier's bias, (B,).
        flat: the vectors that both are views of; ``flat.link()`` lets the network follow them.
    """

    def __init__(self, network: Network, formulation: Formulation) -> None:
        super().__init__()
        self.__dict__["network"] = network  # no submodule: its parameters are not these
        self.flat, self.formulation = FlatWeights.of(network), formulation
        storage = self.flat.storage
        self.order = network_order(network.architecture, storage.device, formulation.multiple)
        self.weights, self.vectors = map(nn.Parameter, self.flat.halves(storage))
        self.momentum, self.batches = MOMENTUM, 0
        self.compile_forward: Callable[..., Tensor] | None = None
        self._running = storage.new_empty(2, self.order.layers.channels)
        self._pairs = self.order.layers.split_statistics(self._running)
        self.read_statistics()

    network: Network

    def forward(self, images: Tensor) -> Tensor:
        """(N, input_channels, H, W), normalised, to logits (N, classes)."""
        compute = self.compile_forward or FastNetwork.logits
        return compute(self, images, *self._gathered())

    def logits(self, images: Tensor, *parts: Tensor) -> Tensor:
        """As :meth:`forward`, from what the layers compute with; see :meth:`Layers.of_parts`."""
        layers = Layers.of_parts(parts, len(self._pairs), self._pairs)
        x = features(self.network.architecture, layers, images, self.formulation, self.momentum)
        return logits_of(self.network.dropout(x), layers)

    def _gathered(self) -> tuple[Tensor, ...]:
        """What the layers compute with."""
        storage = self.flat.storage
        return gather_values(self.weights, self.vectors, storage, self.order, working_dtype(storage))

    @property
    def running(self) -> Tensor:
        """(2, channels): running means and variances of all batch norms, which a forward pass moves in place."""
        return self._running

    def read_statistics(self) -> None:
        """Take over the running statistics of the flat vectors."""
        self._running.copy_(self.flat.statistics.index_select(1, self.order.statistics.index))
        self.batches = 0

    @torch.no_grad()
    def measure(self, batches: Iterable[Tensor]) -> None:
        """Set the running statistics to even averages over batches of normalised images, and write them."""
        self._running.zero_()
        self.flat.batches.zero_()
        layers = Layers.of_parts(self._gathered(), len(self._pairs), self._pairs)
        self.batches = measure(self.network.architecture, layers, batches, self.formulation)
        self.write_statistics()

    @torch.no_grad()
    def write_statistics(self) -> None:
        """Give the running statistics to the flat vectors, and so to a network that is linked to them."""
        statistics = self._running.index_select(1, self.order.statistics.back)
        self.flat.statistics[:, :-1].copy_(statistics)
        self.flat.batches.add_(self.batches)
        self.batches = 0


def working_dtype(like: Tensor) -> torch.dtype:
    """What convolutions compute in: as autocast says where it is enabled, else in the precision that there is."""
    kind = like.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else like.dtype
