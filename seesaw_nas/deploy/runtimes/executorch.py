"""ExecuTorch with XNNPACK's kernels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from seesaw_nas.deploy.runtimes.base import Files, Runtime
from seesaw_nas.network.folded import SplitNetwork

MODEL = "model.pte"


def load(folder: Path, threads: int) -> Any:
    """The network in a folder: a function of images, float32 (N, channels, height, width), to logits (N, classes)."""
    import torch
    from executorch.extension.pybindings.portable_lib import _threadpool_get_thread_count, _unsafe_reset_threadpool
    from executorch.runtime import Runtime

    if _threadpool_get_thread_count() != threads:
        _unsafe_reset_threadpool(threads)  # of the whole process
    method = Runtime.get().load_program(folder / "model.pte").load_method("forward")
    return lambda images: method.execute([torch.from_numpy(images)])[0].numpy().copy()


def _write(network: SplitNetwork, batch: int) -> Files:
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    with torch.no_grad():
        program = torch.export.export(network, (torch.zeros(batch, *network.architecture.input),))
        lowered = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()])
        return {MODEL: bytes(lowered.to_executorch().buffer)}


RUNTIME = Runtime(
    "executorch",
    "ExecuTorch",
    ("executorch",),
    "executorch numpy pillow",
    _write,
    load,
    fixed_batch="declared to vary, the batch of the example was the only one that ran in ExecuTorch 1.5",
)
