"""Params, Multi-Adds and bytes of weights by arithmetic on the spec: the only place that defines how they are counted.

Multi-Adds are the multiply-adds (MACs) of convolutions and linear layers for one image. Bias, batch norm, activations,
pooling, residual additions and permutations are not counted. Params are all trainable parameters, including the weight
and bias of batch norm. Source: Zhang 2019, arXiv:1905.03672, tables 3 to 7, whose figures this convention reproduces.

Bytes of weights are those of the deployed network: batch norm is folded, so every convolution has a weight and one bias
a channel, and an uneven convolution has the weights of its groups alone. Left out are scales and zero points of int8
weights and the container around them (a graph, names, padding).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from seesaw_nas.architecture.elements import BIAS_BYTES, ElementType, element_bytes
from seesaw_nas.architecture.partition import DENSE, Partition
from seesaw_nas.architecture.spec import Architecture, Block, PlacedBlock, output_size

CONVENTION = "Multi-Adds (MACs) of convolutions and linear layers, one image"
NORM_PARAMS = 2  # weight and bias of batch norm, per channel


@dataclass(frozen=True, slots=True)
class Layer:
    """One convolution or linear layer with the batch norm that follows it.

    Attributes:
        name: the module's name in the built model, such as ``stages.1.0.pw1``.
        kind: ``conv``, ``pointwise``, ``depthwise`` or ``linear``.
        size_out: side of the square output, in pixels.
        params: trainable parameters, including those of the batch norm or the bias.
        macs: multiply-adds for one image.
        norm_elements: values that the following batch norm processes for one image; 0 without a batch norm.
    """

    name: str
    kind: str
    c_in: int
    c_out: int
    kernel: int
    stride: int
    partition: Partition
    size_out: int
    params: int
    macs: int
    norm_elements: int


def pointwise_weights(c_in: int, c_out: int, partition: Partition) -> int:
    """Weights of one uneven pointwise convolution, which are also its multiply-adds for one position.

    Group g maps its share of the inputs to its share of the outputs and reads no other group. No bias, no norm.

    Raises:
        SpecError: a channel count is not a multiple of the sum of the parts.

    Source: Zhang 2019, arXiv:1905.03672, section 4.1.
    """
    for channels in (c_in, c_out):
        partition.sizes(channels)  # raises if the channels cannot be divided
    return _left_of(c_in * c_out, partition)


def _left_of(dense: int, partition: Partition) -> int:
    """The part of a dense 1x1 convolution's weights or multiply-adds that remains with this partition.

    It is the sum of the squared shares: both sides are split in the same proportions, so 1:3 keeps (1 + 9) / 16. Exact
    if the partition divides both widths.
    """
    numerator, denominator = partition.density
    return dense * numerator // denominator


def block_macs(block: Block, c_in: int, c_out: int, size_in: int, size_out: int) -> int:
    """Multiply-adds of pw1 on the input map, and of dw and pw2 on the output map, for one image.

    Raises:
        SpecError: the block does not fit between ``c_in`` and ``c_out`` channels.
    """
    block.check(c_in, c_out)
    return _block_macs(block, c_in, c_out, size_in, size_out)


def _block_macs(block: Block, c_in: int, c_out: int, size_in: int, size_out: int) -> int:
    """As :func:`block_macs`, for a block known to fit. Pw1 and pw2 have one density, even if pw2 is reversed."""
    inner, before, after = block.expansion * c_in, size_in**2, size_out**2
    dense = inner * (c_in * before + c_out * after)
    return _left_of(dense, block.partition) + inner * block.kernel**2 * after


def stem_macs(input_channels: int, channels: int, size_out: int) -> int:
    """Multiply-adds of the 3x3 stem, for one image."""
    return 9 * input_channels * channels * size_out**2


def head_macs(c_in: int, channels: int, classes: int, size: int) -> int:
    """Multiply-adds of the 1x1 head on the last feature map and of the classifier after pooling, for one image."""
    return c_in * channels * size**2 + channels * classes


# A convolution has as many weights as multiply-adds for one position, so the functions above count weights at size 1.


def block_params(block: Block, c_in: int, c_out: int) -> int:
    """Trainable parameters of a block with its three batch norms.

    Raises:
        SpecError: the block does not fit between ``c_in`` and ``c_out`` channels.
    """
    block.check(c_in, c_out)
    return _block_params(block, c_in, c_out)


def _block_params(block: Block, c_in: int, c_out: int) -> int:
    return _block_macs(block, c_in, c_out, 1, 1) + NORM_PARAMS * _written(block, c_in, c_out)


def _written(block: Block, c_in: int, c_out: int) -> int:
    """Channels that the three convolutions of a block write, each with its batch norm or, deployed, its bias."""
    return 2 * block.expansion * c_in + c_out


def stem_params(input_channels: int, channels: int) -> int:
    """Trainable parameters of the stem with its batch norm."""
    return stem_macs(input_channels, channels, 1) + NORM_PARAMS * channels


def head_params(c_in: int, channels: int, classes: int) -> int:
    """Trainable parameters of the head with its batch norm, and of the classifier with its bias."""
    return head_macs(c_in, channels, classes, 1) + NORM_PARAMS * channels + classes


def block_weight_bytes(block: Block, c_in: int, c_out: int, dtype: ElementType) -> int:
    """Bytes of the weights and biases of a deployed block.

    Raises:
        SpecError: the block does not fit between ``c_in`` and ``c_out`` channels.
        OptionError: the element type is unknown.
    """
    return _bytes(block_macs(block, c_in, c_out, 1, 1), _written(block, c_in, c_out), dtype)


def stem_weight_bytes(input_channels: int, channels: int, dtype: ElementType) -> int:
    """Bytes of the weight and bias of the deployed stem."""
    return _bytes(stem_macs(input_channels, channels, 1), channels, dtype)


def head_weight_bytes(c_in: int, channels: int, classes: int, dtype: ElementType) -> int:
    """Bytes of the weights and biases of the deployed head and of the classifier."""
    return _bytes(head_macs(c_in, channels, classes, 1), channels + classes, dtype)


def _bytes(weights: int, biases: int, dtype: ElementType) -> int:
    return element_bytes(dtype) * weights + BIAS_BYTES * biases


def macs(architecture: Architecture) -> int:
    """Multi-Adds of the whole network, for one image."""
    size = output_size(architecture.input_size, architecture.stem.stride)
    total = stem_macs(architecture.input_channels, architecture.stem.channels, size)
    for placed in architecture.placed:
        total += _block_macs(placed.block, placed.c_in, placed.c_out, placed.size_in, placed.size_out)
    last = architecture.placed[-1]
    return total + head_macs(last.c_out, architecture.head.channels, architecture.classes, last.size_out)


def params(architecture: Architecture) -> int:
    """Trainable parameters of the whole network."""
    total = stem_params(architecture.input_channels, architecture.stem.channels)
    for placed in architecture.placed:
        total += _block_params(placed.block, placed.c_in, placed.c_out)
    return total + head_params(architecture.placed[-1].c_out, architecture.head.channels, architecture.classes)


def weight_bytes(architecture: Architecture, dtype: ElementType) -> int:
    """Bytes of the weights and biases of the whole deployed network."""
    total = stem_weight_bytes(architecture.input_channels, architecture.stem.channels, dtype)
    for placed in architecture.placed:
        total += block_weight_bytes(placed.block, placed.c_in, placed.c_out, dtype)
    last, channels = architecture.placed[-1].c_out, architecture.head.channels
    return total + head_weight_bytes(last, channels, architecture.classes, dtype)


def layers(architecture: Architecture) -> tuple[Layer, ...]:
    """Every counted layer, from input to output."""
    return tuple(_layers(architecture))


def _layers(architecture: Architecture) -> Iterator[Layer]:
    size = output_size(architecture.input_size, architecture.stem.stride)
    c_in, channels = architecture.input_channels, architecture.stem.channels
    yield _conv("stem", "conv", c_in, channels, 3, architecture.stem.stride, size, 9 * c_in * channels)
    for placed in architecture.placed:
        yield from _block_layers(placed)
    last, channels, classes = architecture.placed[-1], architecture.head.channels, architecture.classes
    yield _conv("head", "conv", last.c_out, channels, 1, 1, last.size_out, last.c_out * channels)
    weights = channels * classes
    yield Layer("classifier", "linear", channels, classes, 1, 1, DENSE, 1, weights + classes, weights, 0)


def _block_layers(placed: PlacedBlock) -> Iterator[Layer]:
    name, block, inner = f"stages.{placed.stage}.{placed.index}", placed.block, placed.inner
    for part, c_in, c_out, partition, size in (
        ("pw1", placed.c_in, inner, block.partition, placed.size_in),
        ("dw", inner, inner, None, placed.size_out),
        ("pw2", inner, placed.c_out, block.project_partition, placed.size_out),
    ):
        if partition is None:
            weights = inner * block.kernel**2
            yield _conv(f"{name}.dw", "depthwise", inner, inner, block.kernel, placed.stride, size, weights)
        else:
            weights = pointwise_weights(c_in, c_out, partition)
            yield _conv(f"{name}.{part}", "pointwise", c_in, c_out, 1, 1, size, weights, partition)


def _conv(
    name: str,
    kind: str,
    c_in: int,
    c_out: int,
    kernel: int,
    stride: int,
    size: int,
    weights: int,
    partition: Partition = DENSE,
) -> Layer:
    return Layer(
        name,
        kind,
        c_in,
        c_out,
        kernel,
        stride,
        partition,
        size,
        params=weights + NORM_PARAMS * c_out,
        macs=weights * size**2,
        norm_elements=c_out * size**2,
    )
