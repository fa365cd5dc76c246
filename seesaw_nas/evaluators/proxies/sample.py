"""The images for scores of untrained networks."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.errors import DataError
from seesaw_nas.data import SearchData, check_fits, normalise

BATCH = 64


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One batch, on the network's device.

    Attributes:
        images: normalised, (n, C, H, W), channels-last, which is a third faster on one core.
        labels: int64, (n,).
    """

    images: Tensor
    labels: Tensor

    @classmethod
    def of(cls, data: SearchData, architecture: Architecture, device: torch.device) -> Sample:
        """The first ``BATCH`` training images without augmentation, or all if there are fewer.

        Raises:
            SpecError: the architecture has another input shape or number of classes than the data set.
            DataError: there is only one image, which is too few for the statistics of batch norm.
        """
        check_fits(architecture, data)
        if len(data.train) < 2:
            raise DataError(f"2 training images or more are wanted, {data.name} has {len(data.train)}")
        images = normalise(data.train.first(BATCH).to(device), data.mean, data.std)
        labels = data.train.labels[: len(images)].to(device)
        return cls(images.contiguous(memory_format=torch.channels_last), labels)
