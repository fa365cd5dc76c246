"""Networks to train, put together for one step out of blocks that are kept: nothing is built anew at each step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor, nn

from seesaw_nas.fast.network import FastBlock, FastNetwork
from seesaw_nas.models import Network
from seesaw_nas.ops import SeesawBlock
from seesaw_nas.spec import Architecture, Placed
from seesaw_nas.supernet.modules import AnyModule, same_ends

KEPT = 1024  # blocks with their wiring, some 60 KB each


@dataclass(frozen=True, slots=True, eq=False)
class Ready:
    """A network in its fast formulation; the parameters in the order of ``Network.named_parameters()``."""

    forward: FastNetwork
    parameters: list[nn.Parameter]

    def gradient(self) -> Tensor:
        """What a backward pass left, flat, (params,); it is taken away."""
        found = [weight.grad for weight in self.parameters]
        for weight in self.parameters:
            weight.grad = None
        return torch.cat([gradient.reshape(-1) for gradient in found if gradient is not None])


class Workshop:
    """Puts networks together for one device; one at a time is in use, for they have blocks in common."""

    def __init__(self, device: torch.device, dropout: float) -> None:
        self._device, self._dropout = device, dropout
        self._block, self._ends = lru_cache(KEPT)(self._new_block), lru_cache(None)(self._new_ends)

    def network(self, architecture: Architecture, flat: Tensor) -> Ready:
        """The network in training mode whose parameters are pieces of ``flat`` (params,) itself, not copies."""
        forward, before, behind = self._ends(same_ends(architecture))
        kept = [self._block(at) for at in architecture.placed]
        forward.blocks = nn.Sequential(*(block for block, _ in kept))
        parameters = [*before, *(weight for _, weights in kept for weight in weights), *behind]
        for weight, piece in zip(parameters, _pieces(flat, parameters), strict=True):
            weight.data = piece
        return Ready(forward, parameters)

    def _new_block(self, at: Placed) -> tuple[FastBlock, list[nn.Parameter]]:
        block = self._placed(lambda: SeesawBlock(at))
        made = FastBlock(at, block, folds=self._device.type == "cpu").to(self._device)
        return made, list(block.parameters())

    def _new_ends(self, architecture: Architecture) -> tuple[FastNetwork, list[nn.Parameter], list[nn.Parameter]]:
        """The network around the blocks, and the parameters before and behind them."""
        network = self._placed(lambda: Network(architecture, self._dropout))
        before, behind = (network.stem, network.stem_bn), (network.head, network.head_bn, network.classifier)
        return FastNetwork.of(network), _parameters(before), _parameters(behind)

    def _placed(self, make: Callable[[], AnyModule]) -> AnyModule:
        """The module without initial weights: torch's would be drawn from the generator that dropout draws from."""
        with torch.device("meta"):
            made = make()
        made.to_empty(device=self._device)
        for module in made.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.reset_running_stats()
        return made


def _parameters(modules: Sequence[nn.Module]) -> list[nn.Parameter]:
    return [weight for module in modules for weight in module.parameters()]


def _pieces(flat: Tensor, parameters: Sequence[nn.Parameter]) -> list[Tensor]:
    pieces = flat.split_with_sizes([weight.numel() for weight in parameters])
    return [piece.view(weight.shape) for piece, weight in zip(pieces, parameters, strict=True)]
