"""One set of weights for all architectures of a space."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.errors import SpecError
from seesaw_nas.network.flat import network_order
from seesaw_nas.network.models import LINEAR_STD, Network, build, he_std
from seesaw_nas.space import Space
from seesaw_nas.training.supernet import plain
from seesaw_nas.training.supernet.layout import Layout, layout_of
from seesaw_nas.training.supernet.selection import Selection, select


@dataclass(frozen=True, eq=False)
class Supernet:
    """All weights of a space in one flat vector, of which every architecture of the space uses a part.

    :mod:`seesaw_nas.training.supernet.selection` defines the parts. Batch norm's running statistics are not included:
    they are measured again for each architecture.

    Attributes:
        weights: float32, (P,), on the device that networks are computed on.

    Source: Guo et al. 2020, arXiv:1904.00420, for sharing weights; Cai et al. 2020, arXiv:1908.09791, for leading
    channels and centres of kernels.
    """

    space: Space
    weights: Tensor

    @classmethod
    def build(cls, space: Space, *, seed: int) -> Supernet:
        """Initial weights on the CPU, drawn for the widest dense network (:func:`seesaw_nas.network.models.build`)."""
        layout, generator = layout_of(space), torch.Generator().manual_seed(seed)
        weights = torch.zeros(layout.size)
        for name, shape in layout.shapes.items():
            tensor = layout.view(weights, name)
            if name.endswith("_bn.weight"):
                tensor.fill_(1)
            elif len(shape) > 1:
                std = LINEAR_STD if name == "classifier.weight" else he_std(math.prod(shape[2:]), shape[0])
                tensor.normal_(0.0, std, generator=generator)
        return cls(space, weights)

    def __reduce__(self) -> tuple[type[Supernet], tuple[Space, Tensor]]:
        """Pickle the space and the weights only, without cached values."""
        return Supernet, (self.space, self.weights)

    @property
    def device(self) -> torch.device:
        return self.weights.device

    def to(self, device: torch.device | str) -> Supernet:
        """The same supernet on a device; weights are copied unless they are there already."""
        return replace(self, weights=self.weights.to(device))

    def select(self, architecture: Architecture, multiple: int = 1) -> Selection:
        """The entries of ``weights`` that an architecture's layers use, on the weights' device; see :func:`select`.

        Args:
            multiple: number to a multiple of which widths are padded.

        Raises:
            SpecError: the architecture is not in the space.
        """
        self.check(architecture)
        return select(self.layout, architecture, multiple, self.device)

    def index(self, architecture: Architecture) -> Tensor:
        """Indices into ``weights`` of the architecture's parameters, in the order of ``Network.named_parameters()``.

        int64, (params,), without repetition, on the device of ``weights``.

        Raises:
            SpecError: the architecture is not in the space.
        """
        with torch.device("meta"):
            network = Network(architecture)
        return torch.cat([entries.flatten() for entries in self._entries(network)])

    def extract(self, architecture: Architecture) -> Network:
        """An ordinary network of an architecture, with copies of its weights, in training mode, on their device.

        Its batch norm statistics are the initial ones: recalibrate the network before evaluating it.

        Raises:
            SpecError: the architecture is not in the space.
        """
        self.check(architecture)
        network = build(architecture, seed=0).to(self.weights)
        for parameter, entries in zip(network.parameters(), self._entries(network), strict=True):
            parameter.data = self.weights.detach()[entries]
        return network

    def _entries(self, network: Network) -> Iterator[Tensor]:
        """Yield the indices into ``weights`` of each parameter of a network, int64, in the parameter's shape."""
        selection, order = self.select(network.architecture), network_order(network.architecture, self.device)
        entries = selection.index.index_select(0, order.values.back).long()  # weights first, then vectors
        sizes = _sizes(network)
        weights, vectors = (
            iter(part.split_with_sizes(own))
            for part, own in zip(entries.split_with_sizes([sum(own) for own in sizes]), sizes, strict=True)
        )
        for parameter in network.parameters():
            yield next(weights if parameter.ndim > 1 else vectors).view(parameter.shape)

    def forward(self, images: Tensor, architecture: Architecture) -> Tensor:
        """The output of an architecture's network in training mode, computed by definition: slow and differentiable.

        Args:
            images: (N, input_channels, H, W), normalised, in the precision of ``weights``.

        Returns:
            Logits, (N, classes).

        Raises:
            SpecError: the architecture is not in the space.
        """
        self.check(architecture)
        return plain.logits_of(plain.Weights(self.layout, self.weights), architecture, images)

    @cached_property
    def layout(self) -> Layout:
        """The position of each tensor in ``weights``."""
        return layout_of(self.space)

    def check(self, architecture: Architecture) -> None:
        """Refuse an architecture that has no weights here.

        Raises:
            SpecError: the architecture is not in the space.
        """
        if objection := self.space.objection(architecture):
            raise SpecError(
                f"the architecture is not in space '{self.space.name}', whose weights these are: {objection}; "
                f"take one of that space"
            )


def _sizes(network: Network) -> tuple[list[int], list[int]]:
    """Sizes of the weights of convolutions and classifier, and of the scales, offsets and biases, in order."""
    parameters = list(network.parameters())
    return [p.numel() for p in parameters if p.ndim > 1], [p.numel() for p in parameters if p.ndim <= 1]
