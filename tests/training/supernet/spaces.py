"""A small space with everything that a space may offer, for tests of weights that its architectures share."""

import numpy as np
import torch

from seesaw_nas import space
from seesaw_nas.data import Images, SearchData

# Two widths that vary in every stage, all partitions of the CIFAR space, second permutations, both activations, a
# stride behind a stage of several lengths. 24 and 36 divide by 2, 3, 4 and, of the first, 8.
EVERYTHING = space.parse(
    """
schema_version = 1
name = "everything"
description = "all choices, few channels"
budget = "100%"

[input]
size = 8
channels = 3
classes = 4

[stem]
channels = [16, 12]
stride = 1

[head]
channels = 20

[blocks]
expansions = [1, 2, 3]
kernels = [3, 5]
partitions = ["1", "1:1", "1:2", "1:3", "1:7", "1:1:2"]
flows = ["shuffle", "share", "none", "igcv3"]
activations = ["none", "relu6"]

[[stages]]
channels = [16, 24]
stride = 1
repeats = [1, 2]

[[stages]]
channels = [24, 36]
stride = 2
repeats = [1, 2]
""",
    "test",
)


def all_at_once(searched, outline):
    """As few of the longest architectures of an outline as have every block somewhere at every place."""
    offered = {slot: searched.options(slot) for slot in searched.slots(outline)}
    for number in range(max(map(len, offered.values()))):
        blocks = {stage: [] for stage in searched.outlines[outline].present}
        for slot, choices in offered.items():
            blocks[slot.stage].append(choices[(number + 7 * slot.index) % len(choices)])
        yield searched.build(outline, list(blocks.values()))


def noise(n, shape, classes, seed=0):
    """Images of nothing with labels in turn."""
    pixels = np.random.default_rng(seed).integers(0, 256, (n, *shape), dtype=np.uint8)
    return Images(torch.from_numpy(pixels), torch.arange(n) % classes)


def data_for(searched, n=48):
    shape = (searched.input_channels, searched.input_size, searched.input_size)
    classes = tuple(f"class {i}" for i in range(searched.classes))
    images, others = (noise(n, shape, searched.classes, seed) for seed in (0, 1))
    return SearchData.of("noise", classes, images, others, flip=False, padding=1)
