"""Synaptic flow: how much of an image of ones passes through the absolute weights.

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

    Weights are absolute and in float64. Batch norm is left out, and so is ReLU6: without its upper limit it would not
    change anything, since no value is negative. The network cannot be used afterwards.
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
    """Make weights absolute and float64, and remove biases, batch norms and activations."""
    network.double()
    for module in list(network.modules()):
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.weight.abs_()
        for name, child in module.named_children():
            if isinstance(child, nn.BatchNorm2d | nn.ReLU6):
                setattr(module, name, nn.Identity())
    network.classifier.bias.zero_()


def _keep_in_range(network: Network) -> list[Tensor]:
    """Divide the outputs of the stem, each block and the head by their largest value; returns the logs of these values.

    The list is filled by a forward pass. The network is linear, so its output and all gradients are divided by the
    product of these values, and even 100 blocks stay within float64.
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
