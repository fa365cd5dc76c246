"""Checksums of a data set's labels and pixels: whether two loadings gave the same images."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import torch

from seesaw_nas.data.catalog import DATA_SETS
from seesaw_nas.data.images import Images, SearchData


@dataclass(frozen=True, slots=True)
class Checksums:
    """16 hexadecimal digits each, over training and validation images in their order.

    Attributes:
        labels: of the numbers of the classes.
        pixels: of all pixels; empty where images are streamed, for not all are read.
        decoder: what read the files of pictures; other versions may give other pixels. Empty where no picture is read.
    """

    labels: str
    pixels: str
    decoder: str


def checksums(data: SearchData) -> Checksums:
    """Of all images of a data set, on any device."""
    splits = (data.train, data.validation)
    in_memory = [split for split in splits if isinstance(split, Images)]
    pixels = _digest([split.images for split in in_memory]) if len(in_memory) == len(splits) else ""
    return Checksums(_digest([split.labels for split in splits]), pixels, _decoder(data))


def _digest(tensors: list[torch.Tensor]) -> str:
    found = hashlib.sha256()
    for tensor in tensors:
        found.update(f"{tuple(tensor.shape)}".encode())
        for part in torch.split(tensor, 4096):  # no copy of the whole where it does not lie in one piece
            found.update(part.cpu().contiguous().numpy().data)
    return found.hexdigest()[:16]


def _decoder(data: SearchData) -> str:
    if data.name in DATA_SETS and not DATA_SETS[data.name].is_streamed:
        return ""
    try:
        import PIL
        from PIL import features

        return f"Pillow {PIL.__version__}, libjpeg {features.version_codec('jpg')}"
    except ImportError:
        return ""  # images of a program, which need none
