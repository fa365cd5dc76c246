"""Training at full speed: the same mathematics in the formulation that the device computes fastest."""

import warnings
from typing import cast

import torch
from torch import Tensor, nn

from seesaw_nas.network.fast.forward import Depthwise, Formulation
from seesaw_nas.network.fast.network import FastNetwork
from seesaw_nas.network.models import Network

__all__ = ["Depthwise", "FastNetwork", "Formulation", "compiled", "fastest", "formulation_for"]

MULTIPLE = 8  # of channels, which tensor cores want in bfloat16


def formulation_for(device: torch.device) -> Formulation:
    """The fastest formulation on a device."""
    return Formulation(folds=True) if device.type == "cpu" else Formulation(folds=False, multiple=MULTIPLE)


def speed_up(model: nn.Module, formulation: Formulation | None = None) -> FastNetwork | None:
    """The same function of its own copy of the parameters; ``None`` for a model that is no :class:`Network`.

    ``None`` also where a parameter is frozen: here all of them are parts of two vectors, which are learnt whole.

    Args:
        formulation: another one than the fastest on the device that ``model`` is on.
    """
    if not isinstance(model, Network) or not all(parameter.requires_grad for parameter in model.parameters()):
        return None
    return FastNetwork(model, formulation or formulation_for(model.classifier.weight.device))


def compile_forward(forward: nn.Module, compiler: str) -> nn.Module:
    """``forward`` by torch.compile: of torch's own operators alone, which make one graph.

    Args:
        compiler: a backend of torch.compile, such as ``inductor``, which wants a C++ compiler, minutes for each batch
            size, and many steps to pay. Other compiled functions of the process are forgotten, since torch stops
            compiling one after a few shapes.
    """
    torch.compiler.reset()
    if not isinstance(forward, FastNetwork):
        return cast(nn.Module, torch.compile(forward, dynamic=False, backend=compiler))
    compute = torch.compile(FastNetwork.logits, dynamic=False, backend=compiler)

    def compute_quietly(network: FastNetwork, images: Tensor, *parts: Tensor) -> Tensor:
        with (
            warnings.catch_warnings()
        ):  # the compiler looks at the gradients of weights that are gathered, thus no leaves
            warnings.filterwarnings("ignore", "The .grad attribute of a Tensor that is not a leaf", UserWarning)
            return compute(network, images, *parts)

    forward.compile_forward = compute_quietly
    return forward
