"""The architecture as one frozen value: blocks, stages, stem and head, and their JSON form.

An invalid architecture cannot exist: every constructor checks its fields, and :class:`Architecture` checks how blocks
fit together, above all that every partition divides the channels it is given. Invalid input is refused, never
repaired. Two spellings of one network have the same :attr:`Architecture.digest`.

Source: Zhang 2019, arXiv:1905.03672, sections 4 and 6.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from functools import cached_property, lru_cache
from typing import Any, Literal, get_args

from seesaw_nas.architecture.partition import Partition
from seesaw_nas.core import markup
from seesaw_nas.core.errors import SpecError
from seesaw_nas.core.fields import at_path, check_choice, check_int, check_list, check_tuple, take_fields

Flow = Literal["shuffle", "share", "none", "igcv3"]
Activation = Literal["none", "relu6"]
FLOWS: tuple[str, ...] = get_args(Flow)
ACTIVATIONS: tuple[str, ...] = get_args(Activation)
KERNELS = (3, 5)
STRIDES = (1, 2)
LARGEST_SIDE = LARGEST_WIDTH = 2**16  # pixels, and channels of any layer but those that a block expands
LARGEST_EXPANSION = 1000
MOST_CLASSES = 2**20
MOST_BLOCKS = 1000  # of a network; ResNet-1001 has 333


@dataclass(frozen=True, slots=True)
class Block:
    """One inverted-residual block: expand (pw1), depthwise (dw), project (pw2).

    Attributes:
        expansion: ratio of the inner layers' width to the width of the block's input.
        kernel: side of the depthwise kernel, 3 or 5.
        partition: groups of pw1, and of pw2 too, which mirrors them under ``share``.
        flow: how groups exchange information. ``shuffle``: one permutation between pw1 and dw, with as many groups as
            the partition has parts; ``share``: pw2 uses the reversed partition; ``none``: not at all; ``igcv3``: even
            partitions only, a permutation after pw1 and its inverse after pw2.
        expand_activation: activation after pw1: ``none`` in SeesawNet and IGCV3 blocks, ``relu6`` in MobileNetV2's.
    """

    expansion: int
    kernel: int
    partition: Partition
    flow: Flow
    expand_activation: Activation = "none"

    def __post_init__(self) -> None:
        check_int("expansion", self.expansion, 1, LARGEST_EXPANSION)
        check_choice("kernel", self.kernel, KERNELS)
        if not isinstance(self.partition, Partition):
            raise SpecError(f"a Partition is wanted, got {self.partition!r}", "partition")
        check_choice("flow", self.flow, FLOWS)
        check_choice("expand_activation", self.expand_activation, ACTIVATIONS)
        if self.flow == "igcv3" and not self.partition.is_even:
            even = ":".join("1" * self.partition.groups)
            raise SpecError(
                f"igcv3 wants equal groups, got partition {self.partition}; use {even}, or flow shuffle", "flow"
            )

    @property
    def project_partition(self) -> Partition:
        """Groups of pw2."""
        return self.partition.reversed() if self.flow == "share" else self.partition

    def check(self, c_in: int, c_out: int) -> None:
        """Raise :class:`SpecError` unless the block fits between ``c_in`` and ``c_out`` channels."""
        with at_path("partition"):
            self.partition.sizes(c_in)
            self.partition.sizes(c_out)
        inner, groups = self.expansion * c_in, self.partition.groups
        if self.flow in ("shuffle", "igcv3") and inner % groups:
            raise SpecError(
                f"cannot permute {inner} channels in {groups} groups: {inner} is not a multiple of {groups}; "
                f"use flow share or none, or another expansion",
                "flow",
            )

    def canonical(self, c_in: int, c_out: int) -> Block:
        """The one spelling of this block between ``c_in`` and ``c_out`` channels.

        A permutation that moves nothing (one group, or as many groups as channels) is ``none``, and so is ``share``
        with a partition that reads the same backwards.
        """
        groups, inner = self.partition.groups, self.expansion * c_in
        first_moves = 1 < groups < inner
        second_moves = 1 < groups < c_out
        flow: Flow = self.flow
        if flow == "igcv3" and not second_moves:
            flow = "shuffle"
        if (flow == "shuffle" and not first_moves) or (flow == "share" and self.partition.is_palindromic):
            flow = "none"
        return self if flow == self.flow else replace(self, flow=flow)

    def __str__(self) -> str:
        relu = " relu6" if self.expand_activation == "relu6" else ""
        return f"t{self.expansion} k{self.kernel} {self.partition} {self.flow}{relu}"


@dataclass(frozen=True, slots=True)
class Stage:
    """Blocks of one output width; the first has the stage's stride, the others stride 1."""

    channels: int
    stride: int
    blocks: tuple[Block, ...]

    def __post_init__(self) -> None:
        check_int("channels", self.channels, 1, LARGEST_WIDTH)
        check_choice("stride", self.stride, STRIDES)
        check_tuple("blocks", self.blocks, Block)


@dataclass(frozen=True, slots=True)
class Stem:
    """3x3 convolution, batch norm, ReLU6."""

    channels: int
    stride: int

    def __post_init__(self) -> None:
        check_int("channels", self.channels, 1, LARGEST_WIDTH)
        check_choice("stride", self.stride, STRIDES)


@dataclass(frozen=True, slots=True)
class Head:
    """1x1 convolution, batch norm, ReLU6, global average pool, linear classifier with bias."""

    channels: int

    def __post_init__(self) -> None:
        check_int("channels", self.channels, 1, LARGEST_WIDTH)


@dataclass(frozen=True, slots=True)
class PlacedBlock:
    """A block with its position in a network and the shapes that follow from it.

    Attributes:
        stage, index: position, both from 0.
        c_in, c_out: channels before and after.
        stride: stride of the depthwise convolution.
        size_in, size_out: side of the square feature map before and after, in pixels.
    """

    stage: int
    index: int
    block: Block
    c_in: int
    c_out: int
    stride: int
    size_in: int
    size_out: int

    @property
    def inner(self) -> int:
        """Channels between pw1 and pw2."""
        return self.block.expansion * self.c_in

    @property
    def has_residual(self) -> bool:
        return has_residual(self.c_in, self.c_out, self.stride)


def has_residual(c_in: int, c_out: int, stride: int) -> bool:
    """Whether the input of a block with these shapes is added to its output."""
    return stride == 1 and c_in == c_out


def output_size(size: int, stride: int) -> int:
    """Side of a square map after a 'same'-padded convolution with this stride."""
    return (size - 1) // stride + 1


@dataclass(frozen=True)
class Architecture:
    """A complete network: its input, its layers and its number of classes.

    Attributes:
        input_size: side of the square input image, in pixels.
        input_channels: 3 for colour, 1 for grey.
        classes: outputs of the classifier.
    """

    input_size: int
    input_channels: int
    classes: int
    stem: Stem
    stages: tuple[Stage, ...]
    head: Head
    _placed: tuple[PlacedBlock, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_int("input_size", self.input_size, 1, LARGEST_SIDE)
        check_int("input_channels", self.input_channels, 1, LARGEST_WIDTH)
        check_int("classes", self.classes, 2, MOST_CLASSES)
        check_tuple("stages", self.stages, Stage)
        if (blocks := sum(len(stage.blocks) for stage in self.stages)) > MOST_BLOCKS:
            raise SpecError(f"at most {MOST_BLOCKS:,} blocks are wanted in a network, got {blocks:,}", "stages")
        for name, value, kind in (("stem", self.stem, Stem), ("head", self.head, Head)):
            if not isinstance(value, kind):
                raise SpecError(f"a {kind.__name__} is wanted, got {value!r}", name)
        object.__setattr__(self, "_placed", tuple(self._place()))

    def _place(self) -> Iterator[PlacedBlock]:
        size, c_in = output_size(self.input_size, self.stem.stride), self.stem.channels
        for i, stage in enumerate(self.stages):
            for j, block in enumerate(stage.blocks):
                try:
                    _check_once(block, c_in, stage.channels)
                except SpecError as error:
                    raise error.within(f"stages[{i}].blocks[{j}]") from None
                stride = stage.stride if j == 0 else 1
                out = output_size(size, stride)
                yield PlacedBlock(i, j, block, c_in, stage.channels, stride, size, out)
                size, c_in = out, stage.channels

    @property
    def placed(self) -> tuple[PlacedBlock, ...]:
        """Every block with its position and shapes, from input to output."""
        return self._placed

    @property
    def input(self) -> tuple[int, int, int]:
        """Channels, height and width of one input image."""
        return (self.input_channels, self.input_size, self.input_size)

    def __repr__(self) -> str:
        """``<Architecture 4e5bcf460e9afb74: 3x32x32, 17 blocks, 10 classes>``; :meth:`to_dict` has everything."""
        image = "x".join(map(str, self.input))
        return f"<Architecture {self.digest}: {image}, {len(self.placed)} blocks, {self.classes} classes>"

    def _repr_html_(self) -> str:
        rows = [
            (f"{at.stage + 1}.{at.index + 1}", str(at.block), at.stride, f"{at.c_out}x{at.size_out}x{at.size_out}")
            for at in self.placed
        ]
        return markup.table(repr(self)[1:-1], ("block", "what", "stride", "output"), rows)

    @cached_property
    def canonical(self) -> Architecture:
        """The one spelling of this network (see :meth:`Block.canonical`)."""
        blocks = iter([placed.block.canonical(placed.c_in, placed.c_out) for placed in self.placed])
        stages = tuple(replace(stage, blocks=tuple(next(blocks) for _ in stage.blocks)) for stage in self.stages)
        return replace(self, stages=stages)

    @cached_property
    def digest(self) -> str:
        """16 hexadecimal digits of SHA-256 over the canonical form: equal for every spelling of one network."""
        return hashlib.sha256(self._canonical_text().encode()).hexdigest()[:16]

    def _canonical_text(self) -> str:
        """``canonical.to_dict()`` as JSON with sorted keys and no spaces, in a tenth of the time."""
        blocks = iter([_block_text(placed.block, placed.c_in, placed.c_out) for placed in self.placed])
        stages = ",".join(
            f'{{"blocks":[{",".join(next(blocks) for _ in stage.blocks)}],'
            f'"channels":{stage.channels},"stride":{stage.stride}}}'
            for stage in self.stages
        )
        return (
            f'{{"classes":{self.classes},"head":{{"channels":{self.head.channels}}},'
            f'"input_channels":{self.input_channels},"input_size":{self.input_size},"stages":[{stages}],'
            f'"stem":{{"channels":{self.stem.channels},"stride":{self.stem.stride}}}}}'
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; :meth:`from_dict` reads them back."""
        return {
            "input_size": self.input_size,
            "input_channels": self.input_channels,
            "classes": self.classes,
            "stem": {"channels": self.stem.channels, "stride": self.stem.stride},
            "stages": [
                {"channels": s.channels, "stride": s.stride, "blocks": [_block_to_dict(b) for b in s.blocks]}
                for s in self.stages
            ],
            "head": {"channels": self.head.channels},
        }

    @classmethod
    def from_dict(cls, value: Any) -> Architecture:
        """The architecture that :meth:`to_dict` wrote.

        Raises:
            SpecError: a field is missing, unknown, of the wrong type or out of range; the path names it.
        """
        whole = take_fields(value, [f.name for f in fields(cls) if f.init])
        with at_path("stem"):
            stem = Stem(**take_fields(whole["stem"], ["channels", "stride"]))
        with at_path("head"):
            head = Head(**take_fields(whole["head"], ["channels"]))
        stages = tuple(_stage_from_dict(i, stage) for i, stage in enumerate(check_list("stages", whole["stages"])))
        return cls(**{**whole, "stem": stem, "head": head, "stages": stages})


@lru_cache(maxsize=4096)
def _check_once(block: Block, c_in: int, c_out: int) -> None:
    """:meth:`Block.check`, whose answer is kept: a history of thousands of architectures has few different blocks."""
    block.check(c_in, c_out)


@lru_cache(maxsize=4096)
def _block_text(block: Block, c_in: int, c_out: int) -> str:
    """The canonical block as JSON with sorted keys and no spaces."""
    return json.dumps(_block_to_dict(block.canonical(c_in, c_out)), sort_keys=True, separators=(",", ":"))


def _block_to_dict(block: Block) -> dict[str, Any]:
    value = {f.name: getattr(block, f.name) for f in fields(block)} | {"partition": str(block.partition)}
    if block.expand_activation == "none":
        del value["expand_activation"]
    return value


def _stage_from_dict(i: int, value: Any) -> Stage:
    with at_path(f"stages[{i}]"):
        stage = take_fields(value, ["channels", "stride", "blocks"])
        blocks = []
        for j, block in enumerate(check_list("blocks", stage["blocks"])):
            with at_path(f"blocks[{j}]"):
                blocks.append(_block_from_dict(block))
        return Stage(stage["channels"], stage["stride"], tuple(blocks))


def _block_from_dict(value: Any) -> Block:
    block = take_fields(value, ["expansion", "kernel", "partition", "flow"], optional=["expand_activation"])
    with at_path("partition"):
        partition = Partition.parse(block["partition"])
    return Block(**{**block, "partition": partition})
