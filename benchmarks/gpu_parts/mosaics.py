"""CIFAR-10 in little room: lossless mosaics of its binary files, in folders of limited size, and back.

    python mosaics.py pack CIFAR --out FOLDER --room BYTES BYTES ...
    python mosaics.py unpack FOLDER/1 FOLDER/2 --out CIFAR

CIFAR holds cifar-10-batches-bin/. 60,000 images take 184 MB there, and 102 MB as WebP, with their labels beside them.
Folder n holds as many mosaics as fit into the n-th room. Unpacked files are the same bytes. Wants numpy and Pillow.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

BINARIES = "cifar-10-batches-bin"
NAMES = "batches.meta.txt"
SIDE = 32
RECORD = 1 + 3 * SIDE * SIDE  # bytes: the class, then the red, the green and the blue plane
ROWS, COLUMNS = 50, 40  # images of a mosaic
Pixels = npt.NDArray[np.uint8]


def mosaic(records: Pixels) -> Image.Image:
    """The images of 2,000 records (2000, 3073) side by side."""
    images = records[:, 1:].reshape(ROWS, COLUMNS, 3, SIDE, SIDE)
    return Image.fromarray(images.transpose(0, 3, 1, 4, 2).reshape(ROWS * SIDE, COLUMNS * SIDE, 3))


def records_of(picture: Image.Image, labels: bytes) -> Pixels:
    """The records (2000, 3073) that :func:`mosaic` shows."""
    pixels = np.asarray(picture.convert("RGB")).reshape(ROWS, SIDE, COLUMNS, SIDE, 3)
    planes = pixels.transpose(0, 2, 4, 1, 3).reshape(ROWS * COLUMNS, RECORD - 1)
    return np.concatenate([np.frombuffer(labels, np.uint8)[:, None], planes], axis=1)


def packed(source: Path) -> Iterator[tuple[str, bytes]]:
    """Names and contents of the small files that stand for a folder of binary files."""
    yield NAMES, (source / NAMES).read_bytes()
    for path in sorted(source.glob("*_batch*.bin")):
        records = np.fromfile(path, np.uint8).reshape(-1, RECORD)
        for number, part in enumerate(np.split(records, len(records) // (ROWS * COLUMNS))):
            told = io.BytesIO()
            mosaic(part).save(told, "WEBP", lossless=True, method=4, quality=75)
            yield f"{path.stem}-{number}.webp", told.getvalue()
            yield f"{path.stem}-{number}.labels", part[:, 0].tobytes()


def pack(source: Path, out: Path, rooms: list[int]) -> None:
    """Fill the folders ``out/1``, ``out/2`` and so on in turn.

    Raises:
        SystemExit: the rooms are too small.
    """
    left, folder = list(rooms), 1
    for name, content in packed(source):
        while left and len(content) > left[0]:
            left, folder = left[1:], folder + 1
        if not left:
            sys.exit(f"the images want more than {sum(rooms):,} bytes in {len(rooms)} parts; give a further --room")
        left[0] -= len(content)
        (out / str(folder)).mkdir(parents=True, exist_ok=True)
        (out / str(folder) / name).write_bytes(content)


def unpack(parts: list[Path], out: Path) -> None:
    """Write the binary files anew.

    Raises:
        SystemExit: a mosaic is missing in all of the parts.
    """
    files = {path.name: path for part in parts for path in part.iterdir()}
    target = out / BINARIES
    target.mkdir(parents=True, exist_ok=True)
    for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
        with (target / f"{name}.bin").open("wb") as file:
            for number in range(5):
                key = f"{name}-{number}"
                if {f"{key}.webp", f"{key}.labels"} - set(files):
                    sys.exit(f"{key} is in none of {', '.join(map(str, parts))}; name every folder that pack made")
                with Image.open(files[f"{key}.webp"]) as picture:
                    file.write(records_of(picture, files[f"{key}.labels"].read_bytes()).tobytes())
    shutil.copyfile(files[NAMES], target / NAMES)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    packing, unpacking = verbs.add_parser("pack"), verbs.add_parser("unpack")
    packing.add_argument("source", type=Path)
    packing.add_argument("--room", type=int, nargs="+", required=True, help="bytes of each folder")
    unpacking.add_argument("parts", type=Path, nargs="+")
    for each in (packing, unpacking):
        each.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    if options.verb == "pack":
        pack(options.source / BINARIES, options.out, options.room)
    else:
        unpack(options.parts, options.out)


if __name__ == "__main__":
    main()
