"""Zen-score: how far the features of a network with Gaussian weights move when its input does.

Source: Lin et al. 2021, arXiv:2102.01063, section 3 and algorithm 1.
"""

from __future__ import annotations

from statistics import fmean

import torch
from torch import nn

from seesaw_nas.network.models import Network
from seesaw_nas.network.ops import SeesawBlock

REPEATS = 2  # each with its own weights and inputs
BATCH = 16
STEP = 0.01  # standard deviation of the perturbation; the inputs' is 1


@torch.no_grad()
def zen(network: Network, seed: int) -> float:
    """Log of the mean norm of the features' change for a unit change of the input, as if no batch norm had scaled them.

    The features are those before the pool. Each batch norm, which holds values within float32, divides by a standard
    deviation; its log is added back, the variance averaged over channels. Residual additions are left out, as the
    source does. The mean over ``REPEATS`` draws of standard normal weights; the network is of no further use.
    """
    generator = torch.Generator().manual_seed(seed)
    _reduce_to_features(network)
    return fmean(_once(network, generator) for _ in range(REPEATS))


def _reduce_to_features(network: Network) -> None:
    """Without residual additions, pool and classifier; batch norms keep the variances of the last batch alone."""
    network.train()
    network.pool = nn.Identity()  # type: ignore[assignment]
    network.classifier = nn.Identity()  # type: ignore[assignment]
    for module in network.modules():
        if isinstance(module, SeesawBlock):
            module.has_residual = False
        elif isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0


def _once(network: Network, generator: torch.Generator) -> float:
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.weight.copy_(torch.randn(module.weight.shape, generator=generator))
    images, noise = torch.randn(2, BATCH, *network.architecture.input, generator=generator)
    both = torch.cat([images, images + STEP * noise]).to(network.stem.weight.device)  # one batch, the same statistics
    features = network(both.contiguous(memory_format=torch.channels_last))  # (2 * BATCH, channels * h * w)
    before, behind = features.chunk(2)
    change = (behind - before).norm(dim=1).mean() / STEP
    return float(change.log()) + log_scale(network)


def log_scale(network: nn.Module) -> float:
    """Log of the product of what all batch norms divide by, each the root of its mean variance over channels."""
    variances = [norm.running_var for norm in network.modules() if isinstance(norm, nn.BatchNorm2d)]
    return sum(0.5 * float(variance.mean().log()) for variance in variances if variance is not None)
