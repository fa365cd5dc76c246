"""The network as a program of torch.export, a .pt2 file.

Of the deployable networks this is :func:`seesaw_nas.network.folded.fuse`: loaded again, seesaw-shuffle-0.5d at 32x32
takes 107 ms for 16 images on one CPU core, that of ``folded.split`` 248, the unfused network 349; for one image 10.8,
23.0 and 18.6 (torch 2.13, lowest of 9 and of 25).

The file holds no pickle: weights are raw, and no example inputs are kept. A .pt2 file from elsewhere may hold pickles,
which ``torch.export.load`` opens, and shape expressions, which it has SymPy evaluate as Python. Either can run any
code, so nothing here opens a file; what is loaded for the check are the very bytes that were just made.
"""

from __future__ import annotations

import io

import torch

from seesaw_nas.data.preprocessing import Floats
from seesaw_nas.deploy.export.agreement import Logits
from seesaw_nas.deploy.export.source import ExportSource
from seesaw_nas.deploy.export.tracing import dynamic_batch, example, quiet
from seesaw_nas.network import folded


def content(source: ExportSource) -> bytes:
    """The .pt2 file of the folded network, for any number of images; what it says of itself is in its extra files."""
    with quiet():
        program = torch.export.export(
            folded.fuse(source.model), example(source.named.architecture), dynamic_shapes=dynamic_batch()
        )
        program.example_inputs = None  # they would be pickled
        for node in program.graph.nodes:
            node.meta.pop("stack_trace", None)  # paths of this machine
        written = io.BytesIO()
        torch.export.save(program, written, extra_files=source.about)
    return written.getvalue()


def runner(written: bytes) -> Logits:
    """The network in what :func:`content` made; nothing else may be given."""
    with quiet():
        module = torch.export.load(io.BytesIO(written)).module()

    @torch.inference_mode()
    def logits(images: Floats) -> Floats:
        logits: Floats = module(torch.from_numpy(images)).numpy()
        return logits

    return logits
