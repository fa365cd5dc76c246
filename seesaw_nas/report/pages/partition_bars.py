"""The partitions of an architecture as a row of small bars for the cell of a table."""

from __future__ import annotations

from collections import Counter
from html import escape
from itertools import accumulate, pairwise

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.report.effects import blocks_of
from seesaw_nas.report.figures.drawing import COLOURS

WIDTH, HEIGHT, GAP, STAGE_GAP = 6, 20, 2, 5  # pixels of a bar, of what is between two, and what a stage adds to that


def partition_bars(architecture: Architecture) -> str:
    """An ``<svg>`` with a bar for each block, stage by stage, cut in proportion to the block's groups."""
    boxes: dict[int, str] = {}
    x = 0
    for blocks in blocks_of(architecture):
        for block in blocks:
            parts = block.partition.parts
            ends = [round(HEIGHT * end / block.partition.total, 1) for end in accumulate(parts, initial=0)]
            for group, (top, bottom) in enumerate(pairwise(ends)):
                box = f"M{x} {top:g}h{WIDTH}V{bottom:g}h-{WIDTH}z"
                boxes[group % len(COLOURS)] = boxes.get(group % len(COLOURS), "") + box
            x += WIDTH + GAP
        x += STAGE_GAP
    wide, told = x - GAP - STAGE_GAP, escape(describe_partitions(architecture))
    paths = "".join(f'<path fill="{COLOURS[group]}" d="{path}"/>' for group, path in boxes.items())
    return (
        f'<svg class="bars" width="{wide}" height="{HEIGHT}" viewBox="0 0 {wide} {HEIGHT}" role="img" '
        f'aria-label="{told}"><title>{told}</title>{paths}</svg>'
    )


def describe_partitions(architecture: Architecture) -> str:
    """How many blocks have each partition, the most frequent first: ``1:3 in 5 of 8 blocks, 1:1 in 3``."""
    counts = Counter(str(block.partition) for blocks in blocks_of(architecture) for block in blocks)
    (first, most), *others = counts.most_common()
    return ", ".join([f"{first} in {most} of {counts.total()} blocks", *(f"{name} in {n}" for name, n in others)])
