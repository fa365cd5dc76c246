"""Which input channels of a block reach which of its output channels: exact, from partition, permutation and residual.

Depthwise convolutions, batch norms and activations keep channels apart, so groups and their order decide everything.
Blocks with the same widths, groups and flow share one graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from seesaw_nas.architecture.spec import Flow, Partition, PlacedBlock

Channels = int
"""A set of channels: bit c is set where channel c is in it."""

Bounds = tuple[int, int]
"""The first channel of a group and the one after its last."""


@dataclass(frozen=True, eq=False)
class Paths:
    """The channel graph of one block; :func:`paths` makes one for all blocks that share it.

    Attributes:
        counts: for each group of pw2, the number of inner channels that it reads from each group of pw1.
        inputs: the input channels of each group of pw1.
        outputs: the output channels of each group of pw2, where a second permutation leaves them.
        has_residual: whether every input channel besides reaches the output channel of its number.
    """

    counts: tuple[tuple[int, ...], ...]
    inputs: tuple[Channels, ...]
    outputs: tuple[Channels, ...]
    has_residual: bool

    @cached_property
    def reached(self) -> tuple[Channels, ...]:
        """For each of ``outputs`` the input channels that reach all of it; what a residual adds is not among them."""
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
        """Share of the pairs of an input and an output channel that a path joins."""
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
        """The input channels that reach any of these output channels, by whatever way."""
        read = (channels for written, channels in zip(self.outputs, self.reached, strict=True) if written & outputs)
        return _union(read) | (outputs if self.has_residual else 0)


def paths(placed: PlacedBlock) -> Paths:
    """The channel graph of the block that stands there."""
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
    undone = groups if flow == "igcv3" else 1
    writers, readers = _bounds(expand.sizes(inner)), _bounds(project.sizes(inner))
    read, written = _bounds(expand.sizes(c_in)), _bounds(project.sizes(c_out))
    return Paths(
        counts=tuple(tuple(_met(reader, writer, groups, inner) for writer in writers) for reader in readers),
        inputs=tuple(_union(1 << channel for channel in range(*bounds)) for bounds in read),
        outputs=tuple(_union(1 << _undone(channel, undone, c_out) for channel in range(*bounds)) for bounds in written),
        has_residual=has_residual,
    )


@lru_cache(maxsize=4096)
def connected(before: Paths, behind: Paths) -> float:
    """Share of the pairs of an input channel of a block and an output channel of the next one that a path joins."""
    pairs = 0
    for written, read in zip(behind.outputs, behind.reached, strict=True):
        through = before.sources(read)
        if not behind.has_residual:
            pairs += written.bit_count() * through.bit_count()
            continue
        for passed, known in zip(before.outputs, before.reached, strict=True):
            # A residual behind adds what reaches a channel before: the inputs of its group, and itself by a residual.
            here, common = written & passed, through | known
            pairs += here.bit_count() * common.bit_count()
            pairs += (here & ~common).bit_count() if before.has_residual else 0
    return pairs / (before.c_in * behind.c_out)


def _bounds(sizes: Sequence[int]) -> tuple[Bounds, ...]:
    """Where groups of these sizes begin and end."""
    return tuple((sum(sizes[:i]), sum(sizes[: i + 1])) for i in range(len(sizes)))


def _met(reader: Bounds, writer: Bounds, groups: int, inner: int) -> int:
    """Inner channels that ``writer`` holds before a permutation in ``groups`` and ``reader`` holds behind it.

    Behind it, channel j * groups + g is what g * inner / groups + j was; so for each g they are a range of j.
    """
    met = 0
    for g in range(groups):
        first = max(-((g - reader[0]) // groups), writer[0] - g * inner // groups, 0)
        last = min(-((g - reader[1]) // groups), writer[1] - g * inner // groups, inner // groups)
        met += max(0, last - first)
    return met


def _undone(channel: int, groups: int, channels: int) -> int:
    """Where the permutation that undoes one in ``groups`` puts a channel of so many."""
    return channel % groups * (channels // groups) + channel // groups


def _union(sets: Iterable[Channels]) -> Channels:
    whole = 0
    for each in sets:
        whole |= each
    return whole
