"""How fast one worker decodes photos for training and testing, from the originals and from copies of several sizes.

    OMP_NUM_THREADS=1 taskset -c 0 python benchmarks/decoding.py FOLDER_WITH_PHOTOS [--repeats 5]

Everything is measured in this process, on one thread, on files that the system has in memory already: what one worker
does, without a disk. Variants take turns in every repeat. Beside the speed stands what a variant changes: the mean
difference of its pixels from the originals', of 255, and its local contrast (the mean difference of neighbouring
pixels in a row) over theirs.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from seesaw_nas.core.conditions import conditions
from seesaw_nas.core.files import write_json
from seesaw_nas.data import crops

RESULTS = Path(__file__).parent / "results" / "decoding.json"
SIZE = 224
COPIES = {
    "jpeg 95, 256": (256, ".jpg", {"quality": 95}),
    "jpeg 90, 256": (256, ".jpg", {"quality": 90}),
    "png, 256": (256, ".png", {}),
    "jpeg 95, 288": (288, ".jpg", {"quality": 95}),
    "jpeg 95, 320": (320, ".jpg", {"quality": 95}),
}
VIEWS: dict[str, Callable[[Path, int], np.ndarray]] = {
    "train": lambda path, i: crops.random_crop(path, SIZE, np.random.default_rng((0, i)), flip=True),
    "test": lambda path, _: crops.centre_crop(path, SIZE),
}


def copied(paths: list[Path], folder: Path, side: int, suffix: str, options: dict) -> tuple[list[Path], float]:
    """The copies, and how many a second were made."""
    folder.mkdir()
    copies = [folder / f"{i}{suffix}" for i in range(len(paths))]
    start = time.perf_counter()
    for path, copy in zip(paths, copies, strict=True):
        crops.shrink(path, side).save(copy, **options)
    return copies, len(paths) / (time.perf_counter() - start)


def seen(paths: list[Path], view: Callable[[Path, int], np.ndarray]) -> tuple[np.ndarray, float]:
    """The images (N, 224, 224, 3), and how many a second were decoded."""
    start = time.perf_counter()
    images = [view(path, i) for i, path in enumerate(paths)]
    return np.stack(images), len(paths) / (time.perf_counter() - start)


def contrast(images: np.ndarray) -> float:
    return float(np.abs(np.diff(images.astype(np.int16), axis=2)).mean())


def compared(images: np.ndarray, originals: np.ndarray) -> dict[str, float]:
    difference = np.abs(images.astype(np.int16) - originals)
    return {"difference": float(difference.mean()), "contrast": contrast(images) / contrast(originals)}


def spread(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def kilobytes(paths: list[Path]) -> float:
    return statistics.mean(path.stat().st_size for path in paths) / 1000


def measure(sources: dict[str, list[Path]], repeats: int) -> dict[str, dict]:
    """For every source and view: images a second of one worker, and what it changes."""
    speeds: dict[tuple[str, str], list[float]] = {}
    originals: dict[str, np.ndarray] = {}
    found: dict[str, dict] = {name: {"kilobytes": kilobytes(paths)} for name, paths in sources.items()}
    for repeat, (name, paths), (view, shown) in itertools.product(range(repeats), sources.items(), VIEWS.items()):
        images, speed = seen(paths, shown)
        speeds.setdefault((name, view), []).append(speed)
        if repeat == 0:
            reference = originals.setdefault(view, images)  # the originals come first
            found[name][view] = compared(images, reference)
    for (name, view), values in speeds.items():
        found[name][view]["images_per_second"] = spread(values)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    paths = sorted(path for path in options.folder.rglob("*") if path.suffix.lower() in (".jpeg", ".jpg"))
    with tempfile.TemporaryDirectory() as place:
        sources, writing = {"originals": paths}, {}
        for i, (name, (side, suffix, saving)) in enumerate(COPIES.items()):
            sources[name], writing[name] = copied(paths, Path(place) / str(i), side, suffix, saving)
        found = measure(sources, options.repeats)
    for name, speed in writing.items():
        found[name]["written_per_second"] = speed
    for name, figures in found.items():
        print(name)
        for what, figure in figures.items():
            print(f"    {what:<20} {figure}")
    result = {"images": len(paths), "size": SIZE, "repeats": options.repeats, "conditions": conditions()}
    write_json(RESULTS, result | {"sources": found})


if __name__ == "__main__":
    main()
