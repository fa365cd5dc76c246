"""Params and Multi-Adds of any network by walking through it, counted as :mod:`seesaw_nas.architecture.cost` counts.

For networks that are no :class:`Architecture`. The walk runs on torch's meta device: no memory, no arithmetic.
What it cannot count it refuses; nothing that holds weights passes as zero.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from seesaw_nas.core.errors import SeesawError

COUNTED = (nn.Conv2d, nn.Linear)
FREE = (nn.BatchNorm1d, nn.BatchNorm2d)  # hold weights, and cost nothing by the convention
IMAGES = 2  # batch norm in training mode takes no single value a channel


class TallyError(SeesawError):
    """A network whose Multi-Adds this walk cannot tell."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What a network costs.

    Attributes:
        params: trainable parameters, batch norm's included.
        macs: multiply-adds of convolutions and linear layers, for one image.
    """

    params: int
    macs: int


def tally(model: nn.Module, image: tuple[int, ...]) -> Tally:
    """Count ``model`` for one image of ``image`` = (channels, height, width). The model is left as it is.

    A layer that runs twice counts twice. Products that a network computes without a layer, such as those of attention,
    are no convolution or linear layer and count nothing.

    Raises:
        TallyError: a module other than ``Conv2d``, ``Linear`` and batch norm holds weights, or a convolution or linear
            layer that holds weights does not run.
    """
    _check_kinds(model)
    on_meta = {
        name: tensor.detach().to("meta")
        for tensors in (model.named_parameters(), model.named_buffers())
        for name, tensor in tensors
    }
    with _hooks(model) as macs, torch.no_grad():
        functional_call(model, on_meta, torch.empty(IMAGES, *image, device="meta"))
    _check_all_ran(model, macs)
    return Tally(sum(weight.numel() for weight in model.parameters() if weight.requires_grad), macs.total())


def _check_kinds(model: nn.Module) -> None:
    """Subclasses are refused too: what they do with their weights is their own affair."""
    for name, module in model.named_modules():
        if type(module) not in COUNTED + FREE and next(module.parameters(recurse=False), None) is not None:
            raise TallyError(
                f"cannot count {_place(name)}: {type(module).__name__} holds weights, and only Conv2d, Linear and "
                "batch norm are known; build it of these, or count it by hand"
            )


def _check_all_ran(model: nn.Module, macs: Counter[nn.Module]) -> None:
    for name, module in model.named_modules():
        if type(module) in COUNTED and module not in macs:
            raise TallyError(
                f"cannot count {_place(name)}: this {type(module).__name__} holds weights, but did not run on the "
                "image; remove it, or call the module instead of using its weight"
            )


def _place(name: str) -> str:
    return f"'{name}'" if name else "the model itself"


@contextmanager
def _hooks(model: nn.Module) -> Iterator[Counter[nn.Module]]:
    """Multiply-adds of each layer for one image, filled in as the model runs."""
    macs: Counter[nn.Module] = Counter()
    handles = [
        layer.register_forward_hook(_counting(macs, layer.weight[0].numel()))
        for layer in model.modules()
        if isinstance(layer, COUNTED)
    ]
    try:
        yield macs
    finally:
        for handle in handles:
            handle.remove()


def _counting(macs: Counter[nn.Module], per_value: int) -> Callable[[nn.Module, Any, Tensor], None]:
    """A hook that adds up a layer's multiply-adds: every output value takes as many as it has weights.

    For Conv2d these are C_in / groups times the kernel's area, for Linear the input features.
    """

    def count(layer: nn.Module, _inputs: Any, output: Tensor) -> None:
        macs[layer] += output.numel() // IMAGES * per_value

    return count
