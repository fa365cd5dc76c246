"""Several processes that train one network together, started by torchrun.

Each process has the whole network and the whole data set, trains on its share of every batch, and averages its
gradients with the others' (DistributedDataParallel). Process 0 leads: only it writes, prints and evaluates, while the
others wait. Messages between processes use gloo on every device, so they wait for no GPU. A single process makes no
process group.
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
from seesaw_nas.core.torchrun import rank_and_world

Result = TypeVar("Result")
# time to wait for process 0, which may be copying a whole data set; torchrun ends processes that wait for a dead one
PATIENCE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Ranks:
    """The rank of this process among the processes of one training; made by :func:`join_processes`.

    Attributes:
        rank: number of this process, from 0.
        world: number of processes.
        group: the gloo process group for messages.
    """

    rank: int = 0
    world: int = 1
    group: dist.ProcessGroup | None = None

    @property
    def leads(self) -> bool:
        return self.rank == 0

    @property
    def alone(self) -> bool:
        return self.world == 1

    @property
    def conditions(self) -> dict[str, str]:
        """The entry on processes for the record of a training."""
        return {} if self.alone else {"processes": str(self.world)}

    def check(self, smallest: int) -> None:
        """Refuse batches that are too small to share.

        Args:
            smallest: number of images of the smallest batch.

        Raises:
            OptionError: a process would get a single image or none.
        """
        if not self.alone and smallest // self.world < 2:
            raise OptionError(
                f"{self.world} processes cannot share a batch of {smallest} images: batch norm wants at least 2 for "
                f"each; start at most {max(1, smallest // 2)}"
            )

    def share(self, batch: Tensor) -> Tensor:
        """This process's part of a batch; the parts differ by one image at most."""
        return batch.tensor_split(self.world)[self.rank]

    def weight(self, share: int, batch: int) -> float:
        """Weight of a share's mean loss with which the mean over processes is the mean over the batch's images."""
        return share * self.world / batch

    def wrap(self, forward: nn.Module) -> nn.Module:
        """A module whose gradients are averaged over the processes; all processes get the weights of process 0."""
        # batch norm uses each process's own share; its running statistics are averaged before they are needed
        return forward if self.alone else DistributedDataParallel(forward, broadcast_buffers=False)

    def highest(self, *values: int) -> list[int]:
        """The highest value of any process, for each of ``values``."""
        if self.alone:
            return list(values)
        flags = torch.tensor([int(value) for value in values])
        dist.all_reduce(flags, dist.ReduceOp.MAX, group=self.group)
        highest: list[int] = flags.tolist()
        return highest

    def total(self, value: float) -> float:
        """The sum of the processes' values."""
        if self.alone:
            return value
        total = torch.tensor(value, dtype=torch.float64)
        dist.all_reduce(total, group=self.group)
        return total.item()

    def by_lead(self, work: Callable[[], Result]) -> Result:
        """The result of ``work`` in process 0, the only one that runs it; the others wait for it."""
        if self.alone:
            return work()
        results = [work() if self.leads else None]
        dist.broadcast_object_list(results, src=0, group=self.group)
        return results[0]  # type: ignore[return-value]

    @contextmanager
    def lead_first(self) -> Iterator[None]:
        """Context that process 0 runs before the others, so that they find what it has downloaded or copied."""
        if not self.leads:
            self.highest(0)
        yield
        if self.leads:
            self.highest(0)

    @torch.no_grad()
    def average_statistics(self, model: nn.Module) -> None:
        """Replace batch norm's running statistics by their means over the processes."""
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
        """Replace batch norm's running statistics by those of process 0."""
        if not self.alone:
            for buffer in model.buffers():
                dist.broadcast(buffer, src=0)


ALONE = Ranks()


@contextmanager
def join_processes(device: torch.device | str) -> Iterator[tuple[Ranks, torch.device]]:
    """Context in which this process is connected to the others that torchrun started; provides its ranks and device.

    Without torchrun the process is alone. If a signal ends all processes, process 0 reports it, and the others exit
    with the same code.

    Args:
        device: for ``cuda``, each process uses the GPU with its local rank.

    Raises:
        OptionError: no such device here.
        TrainingFailed: another process ended.
    """
    rank, world = rank_and_world()
    if world == 1:
        yield ALONE, find_device(device)
        return
    own = _own_device(device)
    dist.init_process_group("nccl" if own.type == "cuda" else "gloo")
    ranks = Ranks(rank, world, dist.new_group(backend="gloo", timeout=PATIENCE))
    try:
        with _hide_warnings():
            yield ranks, own
    except Interrupted as error:
        if ranks.leads:
            raise
        raise SystemExit(error.code) from None
    except RuntimeError as error:
        if not _is_lost_connection(error):
            raise
        raise TrainingFailed(
            f"process {rank} of {world} ends because another one has ended; see the message of that one or of torchrun"
        ) from None
    dist.destroy_process_group()  # not after a failure: it could wait for ever for processes that have ended


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
def _hide_warnings() -> Iterator[None]:
    """Context without two warnings of DistributedDataParallel that do not matter here."""
    with warnings.catch_warnings():
        # torch 2.13 renames this argument; earlier releases do not know the new name
        warnings.filterwarnings("ignore", "`broadcast_buffers` is deprecated", FutureWarning)
        # about 1x1 kernels, whose strides can be written in two ways
        warnings.filterwarnings("ignore", "Grad strides do not match bucket view strides", UserWarning)
        yield


def _is_lost_connection(error: RuntimeError) -> bool:
    """Whether the connection to another process broke; gloo raises plain RuntimeErrors that name its source files."""
    return isinstance(error, dist.DistError) or "gloo" in str(error).lower()
