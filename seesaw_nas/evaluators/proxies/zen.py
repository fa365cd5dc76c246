"""Zen-score: how much the features of a network with Gaussian weights change with its input.

Source: Lin et al. 2021, arXiv:2102.01063, section 3 and algorithm 1.
"""

from __future__ import annotations

from statistics import fmean

import torch
from torch import nn

from seesaw_nas.network.models import Network
from seesaw_nas.network.ops import SeesawBlock

REPEATS = 2  # repetitions, each with its own weights and inputs
BATCH = 16
STEP = 0.01  # standard deviation of the perturbation; that of the inputs is 1


@torch.no_grad()
def zen(network: Network, seed: int) -> float:
    """Log of the mean norm of the features' change for a unit change of the input, without scaling by batch norm.

    The features are those before the pool. Batch norm is used to keep values within float32; the logs of the standard
    deviations that it divides by, with variances averaged over channels, are added to the score. Residual additions are
    left out, as in the source. The score is a mean over ``REPEATS`` draws of standard normal weights. The network
    cannot be used afterwards.
    """
    generator = torch.Generator().manual_seed(seed)
    _reduce_to_features(network)
    return fmean(_score_once(network, generator) for _ in range(REPEATS))


def _reduce_to_features(network: Network) -> None:
    """Remove residual additions, pool and classifier, and let batch norms keep the variances of the last batch only."""
    network.train()
    network.pool = nn.Identity()  # type: ignore[assignment]
    network.classifier = nn.Identity()  # type: ignore[assignment]
    for module in network.modules():
        if isinstance(module, SeesawBlock):
            module.has_residual = False
        elif isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0


def _score_once(network: Network, generator: torch.Generator) -> float:
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.weight.copy_(torch.randn(module.weight.shape, generator=generator))
    images, noise = torch.randn(2, BATCH, *network.architecture.input, generator=generator)
    both = torch.cat([images, images + STEP * noise]).to(network.stem.weight.device)  # one batch: the same statistics
    features = network(both.contiguous(memory_format=torch.channels_last))  # (2 * BATCH, channels * h * w)
    before, behind = features.chunk(2)
    change = (behind - before).norm(dim=1).mean() / STEP
    return float(change.log()) + log_scale(network)


def log_scale(network: nn.Module) -> float:
    """Log of the product of all batch norms' divisors, each the root of its variance averaged over channels."""
    variances = [norm.running_var for norm in network.modules() if isinstance(norm, nn.BatchNorm2d)]
    return sum(0.5 * float(variance.mean().log()) for variance in variances if variance is not None)
