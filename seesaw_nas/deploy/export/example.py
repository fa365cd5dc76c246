"""Classify pictures with the network beside this file: python example.py picture.png ..."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from seesaw_nas.data.pictures import explain, printable, read_square
from seesaw_nas.deploy.runtimes.onnxruntime import load

HERE = Path(__file__).resolve().parent
BATCH = 1  # images of a call


def read(path: str, about: dict[str, Any]) -> Any:
    """One picture, upright, resized, its centre square, normalised: float32 (channels, size, size)."""
    size = about["size"]
    square = read_square(path, size, about["short_side"])
    pixels = np.asarray(square.convert("L") if about["channels"] == 1 else square, np.float32)
    planes = pixels.reshape(size, size, -1).transpose(2, 0, 1)
    mean, std = (255 * np.array(about[key], np.float32).reshape(-1, 1, 1) for key in ("mean", "std"))
    return (planes - mean) / std


def main() -> int:
    """Print the five likeliest classes of each picture; the exit code, 2 where none is given or one cannot be read."""
    if not sys.argv[1:]:
        print("pictures are wanted: python example.py picture.png ...", file=sys.stderr)
        return 2
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    about = json.loads((HERE / "preprocessing.json").read_text(encoding="utf-8"))
    network, code = load(HERE, os.cpu_count() or 1), 0
    for path in sys.argv[1:]:
        try:
            images = np.repeat(read(path, about)[None], BATCH, axis=0)
        except Exception as error:  # on a damaged file Pillow's decoders raise errors of almost any type
            print(f"cannot read {printable(path)}: {explain(error)}", file=sys.stderr)
            code = 2
            continue
        logits = network(images)[0].astype(np.float64)
        shares = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
        best = np.argsort(-shares, kind="stable")[:5]
        named = (f"{printable(about['classes'][i])} {shares[i]:.2%}" for i in best)
        print(printable(path), ", ".join(named), sep="  ")
    return code


if __name__ == "__main__":
    sys.exit(main())
