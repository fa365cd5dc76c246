"""Builds the network of an architecture with the paper's initial weights; saves and loads weights.

Modules have the names of the layers in :func:`seesaw_nas.architecture.cost.layers`; the batch norm of a layer is
``NAME_bn``.
Source: Zhang 2019, arXiv:1905.03672, table 2; He et al. 2015, arXiv:1502.01852, for the scale of initial weights.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor, nn

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.errors import OptionError, RunError
from seesaw_nas.core.files import replace_file
from seesaw_nas.network.ops import SeesawBlock
from seesaw_nas.network.tensor_file import TensorFile, TensorFileError, open_tensors

LINEAR_STD = 0.01
EPS, MOMENTUM = 1e-5, 0.1  # of every batch norm: torch's defaults


class Network(nn.Module):
    """The network of an architecture: stem, stages of blocks, head, global average pool, classifier.

    Its weights are torch's defaults, drawn from the global generator; :func:`build` draws the paper's from a seed.
    """

    def __init__(self, architecture: Architecture, dropout: float = 0.0) -> None:
        super().__init__()
        stem, head, last = architecture.stem, architecture.head, architecture.placed[-1]
        self.architecture = architecture
        stages: list[list[nn.Module]] = [[] for _ in architecture.stages]
        for placed in architecture.placed:
            stages[placed.stage].append(SeesawBlock(placed))
        self.stem = nn.Conv2d(architecture.input_channels, stem.channels, 3, stem.stride, padding=1, bias=False)
        self.stem_bn = nn.BatchNorm2d(stem.channels)
        self.stem_act = nn.ReLU6(inplace=True)
        self.stages = nn.Sequential(*(nn.Sequential(*blocks) for blocks in stages))
        self.head = nn.Conv2d(last.c_out, head.channels, 1, bias=False)
        self.head_bn = nn.BatchNorm2d(head.channels)
        self.head_act = nn.ReLU6(inplace=True)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(head.channels, architecture.classes)

    def forward(self, images: Tensor) -> Tensor:
        """(N, input_channels, H, W), normalised, to logits (N, classes)."""
        x: Tensor = self.stem_act(self.stem_bn(self.stem(images)))  # (N, stem.channels, H / stride, W / stride)
        x = self.stages(x)  # (N, last stage's channels, h, w)
        x = self.head_act(self.head_bn(self.head(x)))  # (N, head.channels, h, w)
        x = self.pool(x).flatten(1)  # (N, head.channels)
        x = self.classifier(self.dropout(x))  # (N, classes)
        return x


def build(architecture: Architecture, *, dropout: float = 0.0, seed: int) -> Network:
    """The network of ``architecture`` on the CPU, in training mode, with initial weights drawn from ``seed``.

    To use another device, move it with ``.to(device)``: then one seed gives the same weights on every device. The
    global generator is neither read nor changed.

    Args:
        dropout: share of the pooled features that are set to 0 in training, at least 0 and below 1.

    Raises:
        OptionError: ``dropout`` is out of range.
    """
    if not 0 <= dropout < 1:
        raise OptionError(f"dropout of at least 0 and below 1 is wanted, got {dropout}")
    with torch.device("meta"):
        network = Network(architecture, dropout)
    _materialise(network)
    _initialise(network, torch.Generator().manual_seed(seed))
    return network


def _materialise(network: nn.Module) -> None:
    """Give every tensor of a network on the meta device uninitialised memory on the CPU.

    ``Module.to_empty`` does the same, but a 0.5D network then takes 38 ms to build, against 30 (torch 2.13, a thread).
    """
    for module in network.modules():
        for name, weight in module.named_parameters(recurse=False):
            setattr(module, name, nn.Parameter(torch.empty(weight.shape, dtype=weight.dtype, device="cpu")))
        for name, buffer in module.named_buffers(recurse=False):
            setattr(module, name, torch.empty(buffer.shape, dtype=buffer.dtype, device="cpu"))


@torch.no_grad()
def _initialise(network: nn.Module, generator: torch.Generator) -> None:
    """Draw the paper's initial weights, in the order of the modules.

    A convolution's scale depends on its kernel area and output channels. An uneven convolution consists of one
    ``Conv2d`` per group, so each group has its own scale; this is how the paper's text is understood here.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            std = he_std(math.prod(module.kernel_size), module.out_channels)
            module.weight.normal_(0.0, std, generator=generator)
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
        elif isinstance(module, nn.Linear):
            module.weight.normal_(0.0, LINEAR_STD, generator=generator)
            module.bias.zero_()


def he_std(area: int, c_out: int) -> float:
    """Standard deviation of a convolution's initial weights, for a kernel of ``area`` positions."""
    return math.sqrt(2 / (area * c_out))


def save_weights(model: nn.Module, path: Path, metadata: Mapping[str, str]) -> None:
    """Write the state of ``model`` to a safetensors file, atomically; an older file is replaced.

    Raises:
        RunError: the file cannot be written.
    """
    tensors = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    try:
        replace_file(path, save(tensors, dict(metadata)))
    except OSError as error:
        raise RunError(
            f"cannot write weights to {path}: {error.strerror}; free some space there, or choose another folder"
        ) from None


def load_weights(model: nn.Module, path: Path) -> dict[str, str]:
    """Read a file of :func:`save_weights` into ``model``, on the model's device; returns the file's metadata.

    ``model`` is not changed unless every tensor fits and is finite.

    Raises:
        RunError: the file is missing or not a safetensors file, or its tensors do not fit ``model`` or are not finite.
    """
    with _weights_file(path) as file:
        _check_fit(path, _shapes(model), file.shapes)
        model.load_state_dict(file.tensors())
        return dict(file.metadata)


def load(architecture: Architecture, path: Path) -> tuple[Network, dict[str, str]]:
    """The network of ``architecture`` with the weights in a file, in eval mode on the CPU; and the file's metadata.

    Memory is taken only after the shapes in the file are found to fit.

    Raises:
        RunError: as for :func:`load_weights`.
    """
    with torch.device("meta"):
        network = Network(architecture)
    with _weights_file(path) as file:
        _check_fit(path, _shapes(network), file.shapes)
        _materialise(network)
        network.load_state_dict(file.tensors())
        return network.eval(), dict(file.metadata)


@contextmanager
def _weights_file(path: Path) -> Iterator[TensorFile]:
    try:
        with open_tensors(path) as file:
            yield file
    except TensorFileError as error:
        raise RunError(f"cannot read weights from {path}: {error}; a file of save_weights is wanted") from None


def _shapes(model: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in model.state_dict().items()}


def _check_fit(path: Path, expected: Mapping[str, tuple[int, ...]], came: Mapping[str, tuple[int, ...]]) -> None:
    for name in [*expected, *came]:
        if expected.get(name) != came.get(name):
            raise RunError(
                f"the weights in {path} are of another network: tensor '{name}' should be "
                f"{expected.get(name, 'absent')} and is {came.get(name, 'absent')}; "
                "build the architecture they belong to"
            )
