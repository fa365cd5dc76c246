"""Fast training: the same mathematics in the formulation that is fastest on the device."""

import warnings
from typing import cast

import torch
from torch import Tensor, nn

from seesaw_nas.network.fast.forward import Depthwise, Formulation
from seesaw_nas.network.fast.network import FastNetwork
from seesaw_nas.network.models import Network

__all__ = ["Depthwise", "FastNetwork", "Formulation", "compiled", "fastest", "formulation_for"]

MULTIPLE = 8  # tensor cores need channels in multiples of this in bfloat16


def formulation_for(device: torch.device) -> Formulation:
    """The fastest formulation on a device."""
    return Formulation(folds=True) if device.type == "cpu" else Formulation(folds=False, multiple=MULTIPLE)


def speed_up(model: nn.Module, formulation: Formulation | None = None) -> FastNetwork | None:
    """A fast network with its own copy of the parameters; ``None`` if ``model`` is not a :class:`Network`.

    ``None`` also if a parameter is frozen, because here all parameters are parts of two vectors that are trained whole.

    Args:
        formulation: formulation to use; by default the fastest on the model's device.
    """
    if not isinstance(model, Network) or not all(parameter.requires_grad for parameter in model.parameters()):
        return None
    return FastNetwork(model, formulation or formulation_for(model.classifier.weight.device))


def compile_forward(forward: nn.Module, compiler: str) -> nn.Module:
    """Compile ``forward`` with torch.compile; it must consist of torch's own operators only, which form one graph.

    Other compiled functions of the process are dropped, because torch stops compiling a function after a few shapes.

    Args:
        compiler: a backend of torch.compile, such as ``inductor``, which needs a C++ compiler, takes minutes for each
            batch size, and pays only for many steps.
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

    forward.compiled = compute_quietly
    return forward
