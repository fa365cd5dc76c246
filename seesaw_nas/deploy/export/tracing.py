"""What both of torch's exporters are given: an example, which of its axes are dynamic, and silence."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from seesaw_nas.architecture.spec import Architecture

EXAMPLE_BATCH = 2  # of one image, the exporters would take the batch for a constant


def example(architecture: Architecture) -> tuple[Tensor]:
    """The arguments of a call."""
    return (torch.zeros(EXAMPLE_BATCH, *architecture.input),)


def dynamic_batch() -> Any:
    """The axes of :func:`example` that may have another size in use: the first."""
    return ({0: torch.export.Dim("batch", min=1)},)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep torch's exporters from telling the user of their own deprecations and of torchvision's absence."""
    log = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
