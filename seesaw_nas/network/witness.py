"""Compares our arithmetic with two independent counters, fvcore and thop, which count the built network.

Neither follows the convention of :mod:`seesaw_nas.architecture.cost`: both also count batch norm and pooling, each by
its own rule. These additions are computed here from the spec; the remaining difference is reported as unexplained and
should be 0. This is the only module that imports either counter.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata

import torch
from torch import Tensor, nn

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.optional import require
from seesaw_nas.network.models import build

# For a batch norm with weight and bias in eval mode, fvcore counts 2 per value, and thop 4.
FVCORE_PER_NORM_ELEMENT, THOP_PER_NORM_ELEMENT = 2, 4


@dataclass(frozen=True, slots=True)
class Count:
    """The count of one counter for one image, and its parts: total = macs + norm + pool + unexplained.

    Attributes:
        counter: name and installed version of the counter.
        macs: our count of convolutions and linear layers.
        norm, pool: the counter's additions for batch norm and for global average pooling, by arithmetic.
    """

    counter: str
    total: int
    macs: int
    norm: int
    pool: int

    @property
    def unexplained(self) -> int:
        return self.total - self.macs - self.norm - self.pool


@dataclass(frozen=True, slots=True)
class Verification:
    """Our counts beside those of the counters, for one image of the architecture's input size.

    Attributes:
        macs, params: our counts, by arithmetic on the spec.
        params_built: trainable parameters of the built network.
        fvcore_conv_linear: multiply-adds that fvcore counts in convolutions and linear layers.
        fvcore, thop: their totals with explanation.
        differing: a sentence for each layer where fvcore's multiply-adds or the network's parameters differ from ours.
        uncounted: operators that fvcore does not count, with the number of their calls.
    """

    macs: int
    params: int
    params_built: int
    fvcore_conv_linear: int
    fvcore: Count
    thop: Count
    differing: tuple[str, ...]
    uncounted: tuple[tuple[str, int], ...]

    @property
    def agrees(self) -> bool:
        """Whether all counts are equal or explained to the last digit."""
        equal = self.macs == self.fvcore_conv_linear and self.params == self.params_built and not self.differing
        return equal and self.fvcore.unexplained == 0 == self.thop.unexplained


def verify(architecture: Architecture) -> Verification:
    """Build the network, count it with fvcore and thop on the CPU, and explain the differences from our counts.

    Raises:
        OptionError: fvcore or thop is not installed.
    """
    network = build(architecture, seed=0).eval()
    params_built = sum(weight.numel() for weight in network.parameters())
    by_module, uncounted = _count_with_fvcore(network, torch.zeros(1, *architecture.input))
    fvcore_macs = {name: _conv_and_linear(operations) for name, operations in by_module.items()}
    differing = tuple(_differences(architecture, network, fvcore_macs))
    fvcore_total = sum(by_module[""].values())
    thop_total = _count_with_thop(network, torch.zeros(1, *architecture.input))
    return Verification(
        cost.macs(architecture), cost.params(architecture), params_built, fvcore_macs[""],
        _explain("fvcore", fvcore_total, architecture, FVCORE_PER_NORM_ELEMENT, per_pooled_output=0),
        _explain("thop", thop_total, architecture, THOP_PER_NORM_ELEMENT, per_pooled_output=1),
        differing, uncounted,
    )  # fmt: skip


def _conv_and_linear(operations: dict[str, int]) -> int:
    return operations.get("conv", 0) + operations.get("linear", 0)


def _explain(
    counter: str, total: int, architecture: Architecture, per_norm_element: int, per_pooled_output: int
) -> Count:
    """``total`` with its parts: both counters count one operation per pooled value, thop one more per result."""
    norm = per_norm_element * sum(layer.norm_elements for layer in cost.layers(architecture))
    pool = architecture.head.channels * (architecture.placed[-1].size_out ** 2 + per_pooled_output)
    return Count(f"{counter} {metadata.version(counter)}", total, cost.macs(architecture), norm, pool)


def _differences(architecture: Architecture, network: nn.Module, fvcore_macs: dict[str, int]) -> Iterator[str]:
    sizes = {name: sum(w.numel() for w in module.parameters()) for name, module in network.named_modules()}
    for layer in cost.layers(architecture):
        if fvcore_macs[layer.name] != layer.macs:
            yield f"{layer.name}: {layer.macs:,} Multi-Adds by arithmetic, {fvcore_macs[layer.name]:,} by fvcore"
        built = sizes[layer.name] + sizes.get(f"{layer.name}_bn", 0)
        if built != layer.params:
            yield f"{layer.name}: {layer.params:,} parameters by arithmetic, {built:,} in the built network"


def _count_with_fvcore(
    network: nn.Module, image: Tensor
) -> tuple[dict[str, dict[str, int]], tuple[tuple[str, int], ...]]:
    """Operations by module and operator, with the whole network under ``""``; and the operators not counted."""
    with _hide_warnings():
        with require("fvcore"):
            from fvcore.nn import FlopCountAnalysis
        analysis = FlopCountAnalysis(network, (image,))
        analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")
        by_module = {
            name: {op: int(n) for op, n in ops.items()} for name, ops in analysis.by_module_and_operator().items()
        }
        return by_module, tuple(sorted(analysis.unsupported_ops().items()))


def _count_with_thop(network: nn.Module, image: Tensor) -> int:
    """The total of thop, which adds buffers for its counts to ``network``."""
    with _hide_warnings():
        with require("thop"):
            import thop
        total, _params = thop.profile(network, (image,), verbose=False)
    return int(total)


@contextmanager
def _hide_warnings() -> Iterator[None]:
    """Context that hides the counters' deprecation warnings, raised on import and in tracing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
