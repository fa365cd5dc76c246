"""Writes a network as a program of torch.export, a .pt2 file.

The program is that of :func:`seesaw_nas.network.folded.fuse`, the fastest one: loaded again, seesaw-shuffle-0.5d at
32x32 takes 107 ms for 16 images on one CPU core; the program of ``folded.split`` takes 248 ms, that of the unfused
network 349 ms; for one image 10.8, 23.0 and 18.6 ms (torch 2.13, lowest of 9 and of 25).

The file holds no pickle: weights are raw, and there are no example inputs. A .pt2 file from elsewhere may hold pickles,
which ``torch.export.load`` opens, and shape expressions, which SymPy evaluates as Python. Both can run any code, so no
file is opened here; the comparison loads only the bytes that were just made.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

import torch
from torch import nn

from seesaw_nas.data.preprocessing import Floats
from seesaw_nas.deploy.export.source import ExportSource
from seesaw_nas.deploy.runtimes.base import Logits
from seesaw_nas.deploy.runtimes.tracing import dynamic_batch, example, hide_warnings
from seesaw_nas.network import folded


def content(source: ExportSource) -> bytes:
    """The .pt2 file of the folded network, for any number of images; its description is in its extra files."""
    network = folded.fuse(source.model)
    _make_contiguous(network)
    with hide_warnings():
        program = torch.export.export(network, example(source.named.architecture), dynamic_shapes=dynamic_batch())
        program.example_inputs = None  # they would be pickled
        for node in program.graph.nodes:
            node.meta.pop("stack_trace", None)  # paths of this machine
        written = io.BytesIO()
        torch.export.save(program, written, extra_files=source.about)
    return written.getvalue()


def _make_contiguous(network: nn.Module) -> None:
    """Lay out each weight in memory of its own, in the order of its axes, as whatever lowers the program expects it.

    ExecuTorch refuses channels-last weights, and views of one large tensor would be saved with all of it.
    """
    for module in network.modules():
        for name, weight in list(module.named_buffers(recurse=False)):
            module.register_buffer(name, weight.clone(memory_format=torch.contiguous_format))


def describe(written: bytes, about: Mapping[str, str]) -> bytes:
    """The same .pt2 file with more extra files; never pass bytes from elsewhere, since they are loaded."""
    with zipfile.ZipFile(io.BytesIO(written)) as archive:
        kept = {name.rpartition("/")[2]: "" for name in archive.namelist() if "/extra/" in name}
    with hide_warnings():
        program = torch.export.load(io.BytesIO(written), extra_files=kept)
        program.example_inputs = None
        again = io.BytesIO()
        torch.export.save(program, again, extra_files={**kept, **about})
    return again.getvalue()


def runner(written: bytes) -> Logits:
    """The network in the bytes that :func:`content` has made; never pass any other bytes."""
    with hide_warnings():
        module = torch.export.load(io.BytesIO(written)).module()

    @torch.inference_mode()
    def logits(images: Floats) -> Floats:
        logits: Floats = module(torch.from_numpy(images)).numpy()
        return logits

    return logits
