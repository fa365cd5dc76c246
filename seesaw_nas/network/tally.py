"""Counts Params and Multi-Adds of any network by running it, with the rules of :mod:`seesaw_nas.architecture.cost`.

For networks that are not an :class:`Architecture`. They run on torch's meta device, without memory and arithmetic.
A module with weights that cannot be counted is an error, never counted as zero.
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
FREE = (nn.BatchNorm1d, nn.BatchNorm2d)  # have weights, but no Multi-Adds by the convention
IMAGES = 2  # batch norm in training mode needs more than one value per channel


class TallyError(SeesawError):
    """A network whose Multi-Adds cannot be counted."""


@dataclass(frozen=True, slots=True)
class Tally:
    """The cost of a network.

    Attributes:
        params: trainable parameters, including those of batch norm.
        macs: multiply-adds of convolutions and linear layers, for one image.
    """

    params: int
    macs: int


def tally(model: nn.Module, image: tuple[int, ...]) -> Tally:
    """Count ``model`` for one image of shape ``image`` = (channels, height, width); the model is not changed.

    A layer that runs twice is counted twice. Products outside of layers, such as those of attention, belong to no
    convolution or linear layer and are not counted.

    Raises:
        TallyError: a module other than ``Conv2d``, ``Linear`` and batch norm has weights, or a convolution or linear
            layer does not run.
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
    """Refuse unknown modules with weights, and subclasses of known ones, which may use them differently."""
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
    """Context that provides the multiply-adds of each layer for one image, filled in while the model runs."""
    macs: Counter[nn.Module] = Counter()
    handles = [
        layer.register_forward_hook(_make_hook(macs, layer.weight[0].numel()))
        for layer in model.modules()
        if isinstance(layer, COUNTED)
    ]
    try:
        yield macs
    finally:
        for handle in handles:
            handle.remove()


def _make_hook(macs: Counter[nn.Module], per_value: int) -> Callable[[nn.Module, Any, Tensor], None]:
    """A hook that adds up a layer's multiply-adds.

    Args:
        per_value: multiply-adds of one output value: for Conv2d C_in / groups times the kernel's area, for Linear the
            number of input features.
    """

    def count(layer: nn.Module, _inputs: Any, output: Tensor) -> None:
        macs[layer] += output.numel() // IMAGES * per_value

    return count
