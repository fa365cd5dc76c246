"""Training at full speed: the same mathematics in the formulation that the device computes fastest."""

from typing import cast

import torch
from torch import nn

from seesaw_nas.fast.network import FastNetwork
from seesaw_nas.models import Network

__all__ = ["FastNetwork", "fastest"]


def fastest(model: nn.Module, compiler: str = "") -> nn.Module:
    """What to call in place of ``model`` in training mode: the same function of the same parameters.

    For a model that is no :class:`Network` that is the model itself.

    Args:
        compiler: a backend of torch.compile, such as ``inductor``, which wants a C++ compiler, minutes for each batch
            size, and many steps to pay. Other compiled functions of the process are forgotten, since torch stops
            compiling one after a few shapes. Empty for none.
    """
    if not compiler:
        return FastNetwork.of(model) if isinstance(model, Network) else model
    torch.compiler.reset()
    whole = FastNetwork.whole(model) if isinstance(model, Network) else model
    return cast(nn.Module, torch.compile(whole, dynamic=False, backend=compiler))
