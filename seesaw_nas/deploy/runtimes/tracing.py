"""Arguments for both of torch's exporters: example images, their dynamic axes, and a context without warnings."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from seesaw_nas.architecture.spec import Architecture

EXAMPLE_BATCH = 2  # with one image, the exporters would treat the batch size as a constant


def example(architecture: Architecture) -> tuple[Tensor]:
    """Example arguments of a call."""
    return (torch.zeros(EXAMPLE_BATCH, *architecture.input),)


def dynamic_batch() -> Any:
    """The axes of :func:`example` whose size may vary: the first."""
    return ({0: torch.export.Dim("batch", min=1)},)


@contextmanager
def hide_warnings() -> Iterator[None]:
    """Context without the exporters' warnings of their own deprecations and of missing torchvision."""
    log = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
