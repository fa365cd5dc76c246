"""What a counter is given and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import Tensor, nn

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.spec import Architecture


@dataclass(frozen=True, slots=True)
class Values:
    """How many values each kind of operator that we do not count handles for one image.

    Attributes:
        norm: values that batch norms process.
        norm_params: weights and biases of all batch norms.
        activations: values that ReLU6 processes.
        pool_in, pool_out: values that the global average pool reads and writes.
        biases: values to which a convolution or linear layer adds a bias.
        sums: values of residual additions and, in a graph, of sums of partial results.
    """

    norm: int
    norm_params: int
    activations: int
    pool_in: int
    pool_out: int
    biases: int
    sums: int

    @classmethod
    def of(cls, architecture: Architecture) -> Values:
        """Those of the network as it is trained, by arithmetic on the spec."""
        layers, placed = cost.layers(architecture), architecture.placed
        normed = [layer for layer in layers if layer.norm_elements]
        activated = sum(layer.norm_elements for layer in normed if layer.kind != "pointwise")
        expanded = sum(at.inner * at.size_in**2 for at in placed if at.block.expand_activation == "relu6")
        return cls(
            norm=sum(layer.norm_elements for layer in normed),
            norm_params=cost.NORM_PARAMS * sum(layer.c_out for layer in normed),
            activations=activated + expanded,
            pool_in=architecture.head.channels * placed[-1].size_out ** 2,
            pool_out=architecture.head.channels,
            biases=architecture.classes,
            sums=sum(at.c_out * at.size_out**2 for at in placed if at.has_residual),
        )


@dataclass(frozen=True, slots=True)
class ExportedGraph:
    """The ONNX graph that a network is exported as.

    Attributes:
        content: the ONNX file.
        shape: of one image, (channels, height, width).
        macs: its own Multi-Adds for one image, which may exceed the network's.
    """

    content: bytes = field(repr=False)
    shape: tuple[int, int, int]
    macs: int
    values: Values


@dataclass(frozen=True, slots=True)
class Found:
    """What a counter answers, in multiply-adds for one image.

    Attributes:
        by_layer: of convolutions and linear layers alone, by the name of a module; empty if the counter does not say.
        uncounted: operators that it names as not counted, with the number of their calls.
    """

    total: int
    by_layer: Mapping[str, int] = field(default_factory=dict)
    uncounted: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Counter:
    """A counter by others, and its rule.

    Attributes:
        module: name to import; the name of the package is found when it is loaded.
        package: what to install.
        of_network: counts a network in eval mode, which it may change, for an image (1, C, H, W).
        of_graph: counts an exported graph instead.
        beyond: what it counts beyond convolutions and linear layers, by kind.
        variant: what is asked of it, where it can answer differently.
        known: the version whose rule ``beyond`` is.
    """

    module: str
    package: str
    known: str
    beyond: Callable[[Values], dict[str, int]]
    of_network: Callable[[nn.Module, Tensor], Found] | None = None
    of_graph: Callable[[ExportedGraph], Found] | None = None
    variant: str = ""


def nothing(_: Values) -> dict[str, int]:
    """The rule of a counter that counts by our convention."""
    return {}
