"""Computes which input channels of a block reach which output channels, from partition, permutation and residual.

The result is exact: depthwise convolutions, batch norms and activations do not mix channels, so it only depends on the
groups and their order. Blocks with the same widths, groups and flow share one graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import Flow, PlacedBlock

Channels = int
"""A set of channels: bit c is set if channel c is in the set."""

Bounds = tuple[int, int]
"""The first channel of a group and the one after its last."""


@dataclass(frozen=True, eq=False)
class Paths:
    """The channel graph of one block; made by :func:`paths`.

    Attributes:
        counts: for each group of pw2, the number of inner channels that it reads from each group of pw1.
        inputs: input channels of each group of pw1.
        outputs: output channels of each group of pw2, after the second permutation if there is one.
        has_residual: whether every input channel also reaches the output channel with the same number.
    """

    counts: tuple[tuple[int, ...], ...]
    inputs: tuple[Channels, ...]
    outputs: tuple[Channels, ...]
    has_residual: bool

    @cached_property
    def reached(self) -> tuple[Channels, ...]:
        """For each of ``outputs``, the input channels that reach all of its channels, without the residual."""
        return tuple(
            _union(channels for channels, count in zip(self.inputs, counts, strict=True) if count)
            for counts in self.counts
        )

    @property
    def c_in(self) -> int:
        return sum(channels.bit_count() for channels in self.inputs)

    @property
    def c_out(self) -> int:
        return sum(channels.bit_count() for channels in self.outputs)

    @cached_property
    def connected(self) -> float:
        """Share of all pairs of an input and an output channel that are connected by a path."""
        pairs = 0
        for written, read in zip(self.outputs, self.reached, strict=True):
            pairs += written.bit_count() * read.bit_count()
            pairs += (written & ~read).bit_count() if self.has_residual else 0
        return pairs / (self.c_in * self.c_out)

    @cached_property
    def mixing(self) -> float:
        """See :func:`seesaw_nas.evaluators.proxies.static.mixing`."""
        effective, widths = 0.0, [channels.bit_count() for channels in self.inputs]
        for counts, written in zip(self.counts, self.outputs, strict=True):
            whole = sum(n * width for n, width in zip(counts, widths, strict=True))
            squares = sum(n * n * width for n, width in zip(counts, widths, strict=True))
            effective += written.bit_count() * whole**2 / squares
        return effective / (self.c_in * self.c_out)

    def sources(self, outputs: Channels) -> Channels:
        """The input channels that reach any of these output channels, including by the residual."""
        read = (channels for written, channels in zip(self.outputs, self.reached, strict=True) if written & outputs)
        return _union(read) | (outputs if self.has_residual else 0)


def paths(placed: PlacedBlock) -> Paths:
    """The channel graph of a block; cached for blocks that share it."""
    block = placed.block
    return _paths(
        block.partition,
        block.project_partition,
        block.flow,
        placed.c_in,
        placed.inner,
        placed.c_out,
        placed.has_residual,
    )


@lru_cache(maxsize=4096)
def _paths(
    expand: Partition, project: Partition, flow: Flow, c_in: int, inner: int, c_out: int, has_residual: bool
) -> Paths:
    groups = expand.groups if flow in ("shuffle", "igcv3") else 1
    inverse_groups = groups if flow == "igcv3" else 1
    writers, readers = _bounds(expand.sizes(inner)), _bounds(project.sizes(inner))
    read, written = _bounds(expand.sizes(c_in)), _bounds(project.sizes(c_out))
    return Paths(
        counts=tuple(tuple(_count_common(reader, writer, groups, inner) for writer in writers) for reader in readers),
        inputs=tuple(_union(1 << channel for channel in range(*bounds)) for bounds in read),
        outputs=tuple(
            _union(1 << _inverse_position(channel, inverse_groups, c_out) for channel in range(*bounds))
            for bounds in written
        ),
        has_residual=has_residual,
    )


@lru_cache(maxsize=4096)
def connected(before: Paths, behind: Paths) -> float:
    """Share of all pairs of an input channel of a block and an output channel of the next one with a path."""
    pairs = 0
    for written, read in zip(behind.outputs, behind.reached, strict=True):
        through = before.sources(read)
        if not behind.has_residual:
            pairs += written.bit_count() * through.bit_count()
            continue
        for passed, known in zip(before.outputs, before.reached, strict=True):
            # The second block's residual adds what reaches the channel in the first block: its group's inputs, and
            # the channel itself if the first block has a residual, too.
            here, common = written & passed, through | known
            pairs += here.bit_count() * common.bit_count()
            pairs += (here & ~common).bit_count() if before.has_residual else 0
    return pairs / (before.c_in * behind.c_out)


def _bounds(sizes: Sequence[int]) -> tuple[Bounds, ...]:
    """Begin and end of groups of these sizes."""
    return tuple((sum(sizes[:i]), sum(sizes[: i + 1])) for i in range(len(sizes)))


def _count_common(reader: Bounds, writer: Bounds, groups: int, inner: int) -> int:
    """Number of inner channels in the range ``writer`` before a permutation and in ``reader`` after it.

    The permutation moves channel g * inner / groups + j to j * groups + g, so for each g they are a range of j.
    """
    met = 0
    for g in range(groups):
        first = max(-((g - reader[0]) // groups), writer[0] - g * inner // groups, 0)
        last = min(-((g - reader[1]) // groups), writer[1] - g * inner // groups, inner // groups)
        met += max(0, last - first)
    return met


def _inverse_position(channel: int, groups: int, channels: int) -> int:
    """Position to which the inverse of a permutation in ``groups`` moves a channel."""
    return channel % groups * (channels // groups) + channel // groups


def _union(sets: Iterable[Channels]) -> Channels:
    whole = 0
    for each in sets:
        whole |= each
    return whole
