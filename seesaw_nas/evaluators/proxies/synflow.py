"""Synaptic flow: how much of an all-ones image comes through the absolute weights.

Source: Tanaka et al. 2020, arXiv:2006.05467, equation 1; Abdelfattah et al. 2021, arXiv:2101.08134, for its use as a
score of architectures.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seesaw_nas.network.models import Network
from seesaw_nas.network.ops import SeesawBlock


def synflow(network: Network) -> float:
    """Log of the sum, over all convolutions and the classifier, of weight * d(sum of outputs) / d(weight).

    Weights are absolute and in float64, batch norm is left out, and so is ReLU6, which as ReLU would let all through:
    nothing is negative. The network is of no further use.
    """
    _make_linear(network)
    logs = _keep_in_range(network)
    ones = torch.ones(1, *network.architecture.input, dtype=torch.float64, device=network.classifier.weight.device)
    weights = [module.weight for module in network.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    gradients = torch.autograd.grad(network(ones).sum(), weights)
    flow = torch.stack([(weight * gradient).sum() for weight, gradient in zip(weights, gradients, strict=True)]).sum()
    return float(flow.detach().log() + torch.stack(logs).sum())


@torch.no_grad()
def _make_linear(network: Network) -> None:
    """Absolute weights in float64, no bias, and nothing between them but permutations and residual additions."""
    network.double()
    for module in list(network.modules()):
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.weight.abs_()
        for name, child in module.named_children():
            if isinstance(child, nn.BatchNorm2d | nn.ReLU6):
                setattr(module, name, nn.Identity())
    network.classifier.bias.zero_()


def _keep_in_range(network: Network) -> list[Tensor]:
    """Divide what leaves the stem, each block and the head by its largest value; the logs of these come in the list.

    The network is linear, so its output and every gradient are divided by their product: 100 blocks stay in float64.
    """
    logs: list[Tensor] = []

    def divide(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        largest = output.detach().amax()
        logs.append(largest.log())
        return output / largest

    for module in network.modules():
        if isinstance(module, SeesawBlock) or module in (network.stem, network.head):
            module.register_forward_hook(divide)
    return logs
