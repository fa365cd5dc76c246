"""Classify pictures with the network beside this file: python example.py picture.png ..."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

HERE = Path(__file__).resolve().parent


def centre(image: Image.Image, size: int, short_side: int) -> Image.Image:
    """The middle size x size pixels of the picture whose short side is resized to short_side."""
    if short_side == size:
        return ImageOps.fit(image, (size, size), Image.Resampling.BICUBIC)
    width, height = (max(short_side, round(length * short_side / min(image.size))) for length in image.size)
    left, top = (width - size) // 2, (height - size) // 2
    resized = image.resize((width, height), Image.Resampling.BICUBIC)
    return resized.crop((left, top, left + size, top + size))


def read(path: str, about: dict[str, Any]) -> Any:
    """One picture, upright, resized, its centre square, normalised: float32 (channels, size, size)."""
    size, short_side = about["size"], about["short_side"]
    with Image.open(path) as image:
        image.draft("RGB", (2 * short_side, 2 * short_side))  # a large JPEG is decoded at a fraction of its size
        upright = ImageOps.exif_transpose(image)
        upright = upright.convert("RGBA") if "transparency" in upright.info else upright
        fitted = centre(upright.convert("RGB"), size, short_side)
    pixels = np.asarray(fitted.convert("L" if about["channels"] == 1 else "RGB"), np.float32)
    planes = pixels.reshape(size, size, -1).transpose(2, 0, 1)
    mean, std = (255 * np.array(about[key], np.float32).reshape(-1, 1, 1) for key in ("mean", "std"))
    return (planes - mean) / std


def main() -> None:
    """Print the five likeliest classes of each picture."""
    about = json.loads((HERE / "preprocessing.json").read_text(encoding="utf-8"))
    session = onnxruntime.InferenceSession(HERE / "model.onnx", providers=["CPUExecutionProvider"])
    for path in sys.argv[1:]:
        (logits,) = session.run(["logits"], {"images": read(path, about)[None]})[0].astype(np.float64)
        shares = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
        best = np.argsort(-shares)[:5]
        print(path, ", ".join(f"{about['classes'][i]} {shares[i]:.2%}" for i in best), sep="  ")


if __name__ == "__main__":
    main()
