"""A network in the formulation that is fastest for training on its device, with weights in flat vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from seesaw_nas.network.fast.forward import Formulation, Layers, features, logits_of, measure
from seesaw_nas.network.fast.functions import gather_values
from seesaw_nas.network.flat import FlatWeights, network_order
from seesaw_nas.network.models import MOMENTUM, Network


class FastNetwork(nn.Module):
    """Computes the same as ``network`` in training mode, from copies of its weights in two flat parameters.

    One gather prepares the weights of all layers. Outputs and gradients differ from the plain formulation's only by
    rounding. Batch norm always uses the batch; its running statistics are stored here, in the order of this
    formulation, and :meth:`write_statistics` copies them to the network. The network must stay on its device.

    Attributes:
        momentum: share by which a forward pass updates the running statistics.
        batches: number of batches since the statistics were read; callers of :meth:`forward` have to count.
        compiled: :meth:`logits` compiled, if requested. It takes this network as an argument, so that there is no
            reference cycle and the memory of a finished training is freed at once.
        weights: weights of all convolutions and the classifier, (A,).
        vectors: scales, offsets and the classifier's bias, (B,).
        flat: the vectors that both are views of; after ``flat.link()`` the network's tensors are views of them, too.
    """

    def __init__(self, network: Network, formulation: Formulation) -> None:
        super().__init__()
        self.__dict__["network"] = network  # not a submodule: its parameters are not to be trained here
        self.flat, self.formulation = FlatWeights.of(network), formulation
        storage = self.flat.storage
        self.order = network_order(network.architecture, storage.device, formulation.multiple)
        self.weights, self.vectors = map(nn.Parameter, self.flat.halves(storage))
        self.momentum, self.batches = MOMENTUM, 0
        self.compiled: Callable[..., Tensor] | None = None
        self._running = storage.new_empty(2, self.order.layers.channels)
        self._pairs = self.order.layers.split_statistics(self._running)
        self.read_statistics()

    network: Network

    def forward(self, images: Tensor) -> Tensor:
        """(N, input_channels, H, W), normalised, to logits (N, classes)."""
        compute = self.compiled or FastNetwork.logits
        return compute(self, images, *self._layer_tensors())

    def logits(self, images: Tensor, *parts: Tensor) -> Tensor:
        """As :meth:`forward`, from the layers' tensors; see :meth:`Layers.of_parts`."""
        layers = Layers.of_parts(parts, len(self._pairs), self._pairs)
        x = features(self.network.architecture, layers, images, self.formulation, self.momentum)
        return logits_of(self.network.dropout(x), layers)

    def _layer_tensors(self) -> tuple[Tensor, ...]:
        """The layers' tensors, see :meth:`Layers.of_parts`."""
        storage = self.flat.storage
        return gather_values(self.weights, self.vectors, storage, self.order, working_dtype(storage))

    @property
    def running(self) -> Tensor:
        """Running means and variances of all batch norms, (2, channels); a forward pass updates them in place."""
        return self._running

    def read_statistics(self) -> None:
        """Copy the running statistics from the flat vectors."""
        self._running.copy_(self.flat.statistics.index_select(1, self.order.statistics.index))
        self.batches = 0

    @torch.no_grad()
    def measure(self, batches: Iterable[Tensor]) -> None:
        """Set the running statistics to their averages over batches of normalised images, and write them."""
        self._running.zero_()
        self.flat.batches.zero_()
        layers = Layers.of_parts(self._layer_tensors(), len(self._pairs), self._pairs)
        self.batches = measure(self.network.architecture, layers, batches, self.formulation)
        self.write_statistics()

    @torch.no_grad()
    def write_statistics(self) -> None:
        """Copy the running statistics to the flat vectors, and so to a network that is linked to them."""
        statistics = self._running.index_select(1, self.order.statistics.back)
        self.flat.statistics[:, :-1].copy_(statistics)
        self.flat.batches.add_(self.batches)
        self.batches = 0


def working_dtype(like: Tensor) -> torch.dtype:
    """Type in which convolutions compute: autocast's if it is enabled, else that of the tensor."""
    kind = like.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else like.dtype
