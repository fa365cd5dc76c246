"""Neural architecture search without training: how well activation patterns tell images apart.

Source: Mellor et al. 2021, arXiv:2006.04647, section 3.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


@torch.no_grad()
def naswot(network: nn.Module, images: Tensor) -> float:
    """log|det K| of the kernel of :func:`kernel` with 1 added on its diagonal.

    Without the 1, two images with the same activation pattern would make the determinant 0; with it, they reduce the
    score by about the log of the number of activations.

    Args:
        images: normalised, (n, C, H, W).
    """
    agreeing = kernel(network, images)
    regular = agreeing + torch.eye(len(agreeing), dtype=agreeing.dtype, device=agreeing.device)
    return float(torch.linalg.slogdet(regular).logabsdet)


@torch.no_grad()
def kernel(network: nn.Module, images: Tensor) -> Tensor:
    """For every two images, the number of activations that are above 0 for both or for neither; float64, (n, n).

    The outputs of every ReLU6 are counted, in training mode: batch norms use the statistics of these images, and update
    their running statistics by them.
    """
    kernels: list[Tensor] = []

    def count(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        signs = (output.flatten(1) > 0).to(output.dtype) * 2 - 1  # (n, activations), 1 or -1
        kernels.append((signs.shape[1] + signs @ signs.T).double() / 2)  # exact below 2**24 activations per layer

    hooks = [m.register_forward_hook(count) for m in network.modules() if isinstance(m, nn.ReLU6)]
    network.train()
    network(images)
    for hook in hooks:
        hook.remove()
    return torch.stack(kernels).sum(0)
