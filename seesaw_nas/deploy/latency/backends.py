"""The backends that are timed: one function for each.

Each function takes a network in float32 on the CPU, does not change it, and returns a :class:`PreparedNetwork`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from seesaw_nas.core.device import channels_last, place
from seesaw_nas.core.errors import OptionError
from seesaw_nas.deploy import quantization, runtimes
from seesaw_nas.deploy.latency.request import INT8
from seesaw_nas.deploy.runtimes import RUNTIMES, onnx_graph
from seesaw_nas.deploy.runtimes import onnxruntime as runtime
from seesaw_nas.network import folded
from seesaw_nas.network.folded import rule
from seesaw_nas.network.models import Network

CALIBRATION_IMAGES = 64  # random ones
Call = Callable[[], Tensor]  # returns the logits (N, classes) of fixed images, on any device, in any type


@dataclass(frozen=True, slots=True)
class Target:
    """Device and torch type to compute in."""

    device: torch.device
    dtype: torch.dtype


@dataclass(frozen=True, slots=True)
class PreparedNetwork:
    """A network in a backend.

    Attributes:
        device: device that it computes on.
        ready: makes a call from images (N, C, H, W), float32 on the CPU, and a number of threads, which is already
            set for torch.
    """

    device: torch.device
    ready: Callable[[Tensor, int], Call]


def eager(network: Network, target: Target) -> PreparedNetwork:
    """The ordinary network in eval mode."""
    return _in_torch(_place_copy(network, target), target)


def fused(network: Network, target: Target) -> PreparedNetwork:
    """The folded network, in the formulations that are fastest on the device."""
    return _in_torch(folded.fuse(_place_copy(network, target)), target)


def compiled(network: Network, target: Target) -> PreparedNetwork:
    """The folded network as one graph of torch.compile, compiled again for each batch size and number of threads.

    Its 1x1 convolutions are dense, because products written into slices would break the graph into pieces. Other
    compiled graphs of the process are dropped, because torch stops compiling a function after a few shapes.
    """
    model = folded.fuse(_place_copy(network, target), lambda of: False).to(target.dtype)

    def ready(images: Tensor, threads: int) -> Call:
        torch.compiler.reset()
        graph = torch.compile(model, dynamic=False, fullgraph=True, options={"cpp.threads": threads})
        return _call(graph, images, target)

    return PreparedNetwork(target.device, ready)


def onnxruntime(network: Network, target: Target) -> PreparedNetwork:
    """The exported graph in ONNX Runtime; on a GPU if the target is one and ONNX Runtime has its CUDA provider.

    On a GPU a call includes copying the images there and the logits back.
    """
    _check_float32(target)
    on_cuda = target.device.type == "cuda" and runtime.has_cuda()
    device = target.device if on_cuda else torch.device("cpu")
    on_gpu = {"device_id": device.index or 0, "use_tf32": 0}  # no TF32, as full_precision does for torch
    providers = [(runtime.CUDA, on_gpu)] if on_cuda else runtime.PROVIDERS
    graph = onnx_graph.graph(network).SerializeToString()

    def ready(images: Tensor, threads: int) -> Call:
        logits, inputs = runtime.runner(graph, threads, providers), images.numpy()
        return lambda: torch.from_numpy(logits(inputs))

    return PreparedNetwork(device, ready)


def in_runtime(name: str, network: Network, target: Target) -> PreparedNetwork:
    """The network as it is exported for a runtime, on the CPU; converted for each batch size where that is fixed."""
    _check_float32(target)
    exported = runtimes.find(name)
    split = folded.split(network, rule.graph(name))
    files = None if exported.fixed_batch else exported.convert(split)

    def ready(images: Tensor, threads: int) -> Call:
        batch, inputs = len(images), images.numpy()
        logits = exported.open(files or exported.convert(split, batch), threads, batch)
        return lambda: torch.from_numpy(logits(inputs))

    return PreparedNetwork(torch.device("cpu"), ready)


def in_int8(name: str, network: Network, target: Target) -> PreparedNetwork:
    """The network in int8, on the CPU, calibrated on random images: what a call takes does not depend on them."""
    _check_float32(target)
    rng, exported = np.random.default_rng(0), runtimes.find(name)
    drawn = rng.standard_normal((CALIBRATION_IMAGES, *network.architecture.input), np.float32)
    files, _ = quantization.quantize(name, network, drawn)

    def ready(images: Tensor, threads: int) -> Call:
        logits, inputs = exported.open(files, threads), images.numpy()
        return lambda: torch.from_numpy(logits(inputs))

    return PreparedNetwork(torch.device("cpu"), ready)


PREPARE: dict[str, Callable[[Network, Target], PreparedNetwork]] = {
    "eager": eager,
    "fused": fused,
    "compiled": compiled,
    **{name: partial(in_runtime, name) for name in RUNTIMES},
    "onnxruntime": onnxruntime,  # on a GPU, too
    **{backend: partial(in_int8, name) for backend, name in INT8.items()},
}


def _check_float32(target: Target) -> None:
    if target.dtype != torch.float32:
        raise OptionError("the exported graph computes in float32 only")


def _place_copy(network: Network, target: Target) -> Network:
    placed = copy.deepcopy(network).eval()
    place(placed, target.device)
    return placed


def _in_torch(model: nn.Module, target: Target) -> PreparedNetwork:
    model = model.to(target.dtype)
    return PreparedNetwork(target.device, lambda images, threads: _call(model, images, target))


def _call(model: Callable[[Tensor], Tensor], images: Tensor, target: Target) -> Call:
    inputs = channels_last(images.to(target.device, target.dtype))
    return lambda: model(inputs)
