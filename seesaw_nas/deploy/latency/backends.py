"""A network in the forms that are timed: one function a backend.

Each takes a network in float32 on the CPU, leaves it as it is, and returns a :class:`PreparedNetwork`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from seesaw_nas.core.device import channels_last, place
from seesaw_nas.core.errors import OptionError
from seesaw_nas.deploy.export import onnx_file
from seesaw_nas.network import folded
from seesaw_nas.network.models import Network

Call = Callable[[], Tensor]  # to the logits (N, classes) of the same images every time, wherever and however typed


@dataclass(frozen=True, slots=True)
class Target:
    """Where to compute, and in which of torch's types."""

    device: torch.device
    dtype: torch.dtype


@dataclass(frozen=True, slots=True)
class PreparedNetwork:
    """A backend that holds a network.

    Attributes:
        device: where it computes.
        ready: makes a call from images (N, C, H, W), float32 on the CPU, and a number of threads, which torch has been
            told already.
    """

    device: torch.device
    ready: Callable[[Tensor, int], Call]


def eager(network: Network, target: Target) -> PreparedNetwork:
    """The network as it is trained, in eval mode."""
    return _in_torch(_placed(network, target), target)


def fused(network: Network, target: Target) -> PreparedNetwork:
    """The folded network, in the formulations that are fastest on the device."""
    return _in_torch(folded.fuse(_placed(network, target)), target)


def compiled(network: Network, target: Target) -> PreparedNetwork:
    """The folded network as one graph of torch.compile, made anew for each batch size and number of threads.

    Its 1x1 convolutions are dense: products written into slices would cut the graph to pieces. Other compiled graphs of
    the process are forgotten, since torch stops compiling a function after a few shapes.
    """
    model = folded.fuse(_placed(network, target), lambda of: False).to(target.dtype)

    def ready(images: Tensor, threads: int) -> Call:
        torch.compiler.reset()
        graph = torch.compile(model, dynamic=False, fullgraph=True, options={"cpp.threads": threads})
        return _call(graph, images, target)

    return PreparedNetwork(target.device, ready)


def onnxruntime(network: Network, target: Target) -> PreparedNetwork:
    """The exported graph in ONNX Runtime, on the GPU where that is asked for and its CUDA provider is there.

    A call then copies the images to the GPU and the logits back.
    """
    if target.dtype != torch.float32:
        raise OptionError("the exported graph computes in float32 only")
    on_cuda = target.device.type == "cuda" and onnx_file.has_cuda()
    device = target.device if on_cuda else torch.device("cpu")
    on_gpu = {"device_id": device.index or 0, "use_tf32": 0}  # as full_precision has it for torch
    providers = [(onnx_file.CUDA, on_gpu)] if on_cuda else onnx_file.PROVIDERS
    graph = onnx_file.graph(network).SerializeToString()

    def ready(images: Tensor, threads: int) -> Call:
        logits, inputs = onnx_file.runner(graph, threads, providers), images.numpy()
        return lambda: torch.from_numpy(logits(inputs))

    return PreparedNetwork(device, ready)


PREPARE: dict[str, Callable[[Network, Target], PreparedNetwork]] = {
    "eager": eager,
    "fused": fused,
    "compiled": compiled,
    "onnxruntime": onnxruntime,
}


def _placed(network: Network, target: Target) -> Network:
    placed = copy.deepcopy(network).eval()
    place(placed, target.device)
    return placed


def _in_torch(model: nn.Module, target: Target) -> PreparedNetwork:
    model = model.to(target.dtype)
    return PreparedNetwork(target.device, lambda images, threads: _call(model, images, target))


def _call(model: Callable[[Tensor], Tensor], images: Tensor, target: Target) -> Call:
    inputs = channels_last(images.to(target.device, target.dtype))
    return lambda: model(inputs)
