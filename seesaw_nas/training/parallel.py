"""Processes that train one network together, started by torchrun: who is who, and what they tell each other.

Each holds the whole network and the whole data set, takes its share of every batch, and has its gradients averaged with
the others' (DistributedDataParallel). Process 0 leads: it alone writes, prints and evaluates, and the others wait for
it. What they agree on goes through gloo on every device, so it waits for no GPU. One process makes no group at all.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from seesaw_nas.core.device import find_device
from seesaw_nas.core.errors import Interrupted, OptionError, TrainingFailed
from seesaw_nas.core.torchrun import place

Found = TypeVar("Found")
# with the process that leads, which may be copying a whole data set; torchrun ends those that wait for the dead
PATIENCE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Ranks:
    """This process among those of one training; :func:`join_processes` makes it.

    Attributes:
        rank: from 0.
        world: processes there are.
        talk: the gloo group that they agree in.
    """

    rank: int = 0
    world: int = 1
    talk: dist.ProcessGroup | None = None

    @property
    def leads(self) -> bool:
        return self.rank == 0

    @property
    def alone(self) -> bool:
        return self.world == 1

    @property
    def conditions(self) -> dict[str, str]:
        """What a record says of it."""
        return {} if self.alone else {"processes": str(self.world)}

    def check(self, smallest: int) -> None:
        """Refuse batches that are too small to share.

        Args:
            smallest: images of the smallest batch.

        Raises:
            OptionError: a process would get a single image or none.
        """
        if not self.alone and smallest // self.world < 2:
            raise OptionError(
                f"{self.world} processes cannot share a batch of {smallest} images: batch norm wants at least 2 for "
                f"each; start at most {max(1, smallest // 2)}"
            )

    def share(self, batch: Tensor) -> Tensor:
        """This process's part of a batch; the parts differ by one at most."""
        return batch.tensor_split(self.world)[self.rank]

    def weight(self, share: int, batch: int) -> float:
        """What a share's mean loss counts, so that the mean over the processes is the mean over the batch's images."""
        return share * self.world / batch

    def wrap(self, forward: nn.Module) -> nn.Module:
        """The same function, whose gradients are means over the processes; weights are made those of process 0."""
        # batch norm uses each process's own share, and its running statistics are averaged when they are wanted
        return forward if self.alone else DistributedDataParallel(forward, broadcast_buffers=False)

    def highest(self, *values: int) -> list[int]:
        """The highest that any process gives, for each value."""
        if self.alone:
            return list(values)
        flags = torch.tensor([int(value) for value in values])
        dist.all_reduce(flags, dist.ReduceOp.MAX, group=self.talk)
        highest: list[int] = flags.tolist()
        return highest

    def total(self, value: float) -> float:
        """The sum of what the processes give."""
        if self.alone:
            return value
        total = torch.tensor(value, dtype=torch.float64)
        dist.all_reduce(total, group=self.talk)
        return total.item()

    def by_lead(self, work: Callable[[], Found]) -> Found:
        """What ``work`` returns in process 0, which alone does it; the others wait."""
        if self.alone:
            return work()
        results = [work() if self.leads else None]
        dist.broadcast_object_list(results, src=0, group=self.talk)
        return results[0]  # type: ignore[return-value]

    @contextmanager
    def lead_first(self) -> Iterator[None]:
        """Process 0 does the body before the others: what it downloads or copies they find."""
        if not self.leads:
            self.highest(0)
        yield
        if self.leads:
            self.highest(0)

    @torch.no_grad()
    def average_statistics(self, model: nn.Module) -> None:
        """Make batch norm's running statistics their means over the processes."""
        statistics = [buffer for buffer in model.buffers() if buffer.is_floating_point()]
        if self.alone or not statistics:
            return
        flat = torch.cat([buffer.flatten() for buffer in statistics])
        dist.all_reduce(flat)
        flat /= self.world
        means = torch.split(flat, [buffer.numel() for buffer in statistics])
        for buffer, mean in zip(statistics, means, strict=True):
            buffer.copy_(mean.view_as(buffer))

    @torch.no_grad()
    def spread_statistics(self, model: nn.Module) -> None:
        """Make them those of process 0."""
        if not self.alone:
            for buffer in model.buffers():
                dist.broadcast(buffer, src=0)


ALONE = Ranks()


@contextmanager
def join_processes(device: torch.device | str) -> Iterator[tuple[Ranks, torch.device]]:
    """In the body this process is one of those that torchrun started, and has a device; without torchrun, it is alone.

    Where a signal ends them all, process 0 says so, and the others exit with the same code.

    Args:
        device: on CUDA, each process takes the GPU of its number on its machine.

    Raises:
        OptionError: no such device here.
        TrainingFailed: another process ended.
    """
    rank, world = place()
    if world == 1:
        yield ALONE, find_device(device)
        return
    own = _own_device(device)
    dist.init_process_group("nccl" if own.type == "cuda" else "gloo")
    ranks = Ranks(rank, world, dist.new_group(backend="gloo", timeout=PATIENCE))
    try:
        with _quiet():
            yield ranks, own
    except Interrupted as error:
        if ranks.leads:
            raise
        raise SystemExit(error.code) from None
    except RuntimeError as error:
        if not _lost(error):
            raise
        raise TrainingFailed(
            f"process {rank} of {world} ends, for another one has ended; that one, or torchrun, says why"
        ) from None
    dist.destroy_process_group()  # not after a failure: it could wait for ever for those that are gone


def _own_device(name: torch.device | str) -> torch.device:
    device = find_device(name)
    if device.type != "cuda":
        return device
    if device.index is not None:
        raise OptionError(f"every process takes a GPU of its own, got --device {device}; use --device cuda")
    own = find_device(f"cuda:{os.environ['LOCAL_RANK']}")
    torch.cuda.set_device(own)
    return own


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what DistributedDataParallel warns of here for nothing."""
    with warnings.catch_warnings():
        # it has another name from torch 2.13 on, which earlier ones do not know
        warnings.filterwarnings("ignore", "`broadcast_buffers` is deprecated", FutureWarning)
        # of 1x1 kernels, whose strides can be written in two ways
        warnings.filterwarnings("ignore", "Grad strides do not match bucket view strides", UserWarning)
        yield


def _lost(error: RuntimeError) -> bool:
    """Whether the connection to another process broke; gloo says so by plain RuntimeErrors that name its files."""
    return isinstance(error, dist.DistError) or "gloo" in str(error).lower()
