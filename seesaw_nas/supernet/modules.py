"""An ordinary network put together out of parts that were built before, which takes a fraction of building it."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeVar

import torch
from torch import Tensor, nn

from seesaw_nas.models import Network
from seesaw_nas.ops import SeesawBlock
from seesaw_nas.spec import DENSE, Architecture, Block, Placed, Stage

AnyModule = TypeVar("AnyModule", bound=nn.Module)
ANY = Block(1, 3, DENSE, "none")
KEPT = 1024  # blocks without weights, some 20 KB each


def network_of(architecture: Architecture, flat: Tensor) -> Network:
    """The network in training mode, its parameters copies of ``flat`` (params,), cut up in their order.

    Batch norm's statistics are as after no image. All is on the device and in the precision of ``flat``.
    """
    network = _twin(_frame(same_ends(architecture)))
    network.architecture = architecture
    stages: list[list[nn.Module]] = [[] for _ in architecture.stages]
    for at in architecture.placed:
        stages[at.stage].append(_twin(_block(at)))
    network._modules["stages"] = nn.Sequential(*(nn.Sequential(*blocks) for blocks in stages))  # where it stood
    _fill(network, flat)
    return network


@lru_cache(maxsize=KEPT)
def _block(at: Placed) -> SeesawBlock:
    with torch.device("meta"):
        return SeesawBlock(at)


@lru_cache(maxsize=64)
def _frame(architecture: Architecture) -> Network:
    with torch.device("meta"):
        return Network(architecture)


def same_ends(architecture: Architecture) -> Architecture:
    """Another architecture with the same stem, head and classifier, one for all of a width."""
    last = Stage(architecture.stages[-1].channels, 1, (ANY,))
    same = (architecture.input_size, architecture.input_channels, architecture.classes, architecture.stem)
    return Architecture(*same, (last,), architecture.head)


def _twin(module: AnyModule) -> AnyModule:
    """A copy whose submodules are copies, too; the tensors are still the same."""
    twin = object.__new__(type(module))  # copy.copy takes five times as long, and there are hundreds of modules
    twin.__dict__.update(module.__dict__)
    twin.__dict__["_parameters"], twin.__dict__["_buffers"] = dict(module._parameters), dict(module._buffers)
    twin.__dict__["_modules"] = {name: child and _twin(child) for name, child in module._modules.items()}
    return twin


def _fill(network: Network, flat: Tensor) -> None:
    """Give every module tensors of its own."""
    holders = [module for module in network.modules() if module._parameters]
    places = [
        (holder, name, weight)
        for holder in holders
        for name, weight in holder._parameters.items()
        if weight is not None
    ]
    pieces = flat.split_with_sizes([weight.numel() for _, _, weight in places])
    for (holder, name, weight), piece in zip(places, pieces, strict=True):
        holder._parameters[name] = nn.Parameter(piece.clone().view(weight.shape))
    for holder in holders:
        if isinstance(holder, nn.BatchNorm2d):
            holder._buffers["running_mean"] = flat.new_zeros(holder.num_features)
            holder._buffers["running_var"] = flat.new_ones(holder.num_features)
            holder._buffers["num_batches_tracked"] = torch.zeros((), dtype=torch.int64, device=flat.device)
