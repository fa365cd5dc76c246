"""Neural architecture search without training: how well activation patterns tell images apart.

Source: Mellor et al. 2021, arXiv:2006.04647, section 3.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


@torch.no_grad()
def naswot(network: nn.Module, images: Tensor) -> float:
    """log|det K| of the kernel of :func:`kernel` with 1 added on its diagonal.

    So an image agrees with itself in one activation more than there are. Two images that activate the same would else
    make the determinant 0; now they cost about the log of the number of activations.

    Args:
        images: normalised, (n, C, H, W).
    """
    agreeing = kernel(network, images)
    regular = agreeing + torch.eye(len(agreeing), dtype=agreeing.dtype, device=agreeing.device)
    return float(torch.linalg.slogdet(regular).logabsdet)


@torch.no_grad()
def kernel(network: nn.Module, images: Tensor) -> Tensor:
    """For every two images how many activations are above 0 for both or for neither; float64, (n, n).

    The values behind every ReLU6 count, in training mode: batch norms use the statistics of these images, which they
    keep.
    """
    kernels: list[Tensor] = []

    def count(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        signs = (output.flatten(1) > 0).to(output.dtype) * 2 - 1  # (n, activations), 1 or -1
        kernels.append((signs.shape[1] + signs @ signs.T).double() / 2)  # exact below 2**24 activations a layer

    hooks = [m.register_forward_hook(count) for m in network.modules() if isinstance(m, nn.ReLU6)]
    network.train()
    network(images)
    for hook in hooks:
        hook.remove()
    return torch.stack(kernels).sum(0)
