"""Scores from the gradient of the loss of an untrained network on one batch of images.

Source: Lee et al. 2019, arXiv:1810.02340, equation 3, for snip; Abdelfattah et al. 2021, arXiv:2101.08134, section 3,
for both as scores of architectures.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seesaw_nas.evaluators.proxies.sample import Sample
from seesaw_nas.network.fast import speed_up


def snip(network: nn.Module, sample: Sample) -> float:
    """Sum of |weight * d(loss) / d(weight)| over the weights of all convolutions and linear layers."""
    return sum(float((weight * gradient).abs().sum()) for weight, gradient in weights_and_gradients(network, sample))


def grad_norm(network: nn.Module, sample: Sample) -> float:
    """Sum over all convolutions and linear layers of the Euclidean norm of d(loss) / d(weight)."""
    return sum(float(gradient.norm()) for _, gradient in weights_and_gradients(network, sample))


def weights_and_gradients(network: nn.Module, sample: Sample) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield each convolution's and linear layer's weight, and the gradient of the mean cross-entropy by it.

    Batch norms use the statistics of these images.
    """
    network.train()
    fast = speed_up(network)
    loss = F.cross_entropy((fast or network)(sample.images), sample.labels)
    named = {name: weight for name, weight in network.named_parameters() if weight.ndim > 1}
    if fast:
        (gradient,) = torch.autograd.grad(loss, [fast.weights])
        gradients = fast.flat.views(torch.cat([gradient, gradient.new_zeros(fast.vectors.numel() + 1)]))
    else:
        gradients = dict(zip(named, torch.autograd.grad(loss, list(named.values())), strict=True))
    for name, weight in named.items():
        yield weight.detach(), gradients[name]
