"""Recalibration: batch norm statistics measured again on a fixed set of images.

In a short training the running averages lag behind weights that still change fast: with them a 17-block network after
31 steps scores at chance level; with statistics of its present weights it scores well above that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor, nn

from seesaw_nas.data import normalise
from seesaw_nas.network.fast import FastNetwork, speed_up

BATCH = 200


@torch.no_grad()
def recalibrate(
    model: nn.Module, images: Tensor, mean: Sequence[float], std: Sequence[float], fast: FastNetwork | None = None
) -> None:
    """Set every batch norm's statistics to their averages over ``images``, uint8 (N, C, H, W), on the model's device.

    There is no augmentation, no dropout and no randomness; the model's training mode is unchanged afterwards.

    Args:
        fast: fast network that ``model`` is linked to, if any; its statistics are set as well.
    """
    was_training, forward = model.training, fast or speed_up(model)
    batches = normalised_batches(images, mean, std)
    model.eval()
    try:
        if forward:
            forward.measure(batches)
        else:
            _measure(model, batches)
    finally:
        model.train(was_training)
    if forward and not fast:
        forward.flat.write_statistics()


def normalised_batches(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Iterator[Tensor]:
    """The images, uint8 (N, C, H, W), in even batches of about :data:`BATCH`, normalised."""
    for batch in images.tensor_split(max(1, round(len(images) / BATCH))):
        yield normalise(batch, mean, std)


def _measure(model: nn.Module, batches: Iterable[Tensor]) -> None:
    """As :meth:`FastNetwork.measure`, for any other module."""
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.train()
    for done, batch in enumerate(batches):
        for norm in norms:
            norm.momentum = 1 / (done + 1)
        model(batch)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
