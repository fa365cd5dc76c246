"""Latency profiles made up for tests: complete for a space, with a time for each block that a test chooses."""

from collections.abc import Callable

from seesaw_nas.architecture.spec import Block, output_size
from seesaw_nas.space import Slot, Space
from seesaw_nas.space.profile import LatencyProfile, ProfileConditions


def make_profile(
    space: Space, price: Callable[[Slot, Block], int] = Slot.macs, ends: int = 1000, **conditions
) -> LatencyProfile:
    """A profile in which a block takes ``price`` nanoseconds, each stem and head ``ends``, and a call 500."""
    blocks: dict = {}
    stems, heads = {}, {}
    for outline, one in enumerate(space.outlines):
        for slot in space.slots(outline):
            row = blocks.setdefault((slot.c_in, slot.c_out, slot.size_in, slot.size_out), {})
            row |= {block: price(slot, block) for block in space.options(slot)}
        stem = space.stem_channels[one.width]
        size = space.input_size
        stems[space.input_channels, stem, size, output_size(size, space.stem_stride)] = ends
        heads[slot.c_out, one.head, space.classes, slot.size_out] = ends
    about = {"backend": "onnxruntime", "threads": 1, "batch": 1, "spread": 0.02} | conditions
    shape = {"input_channels": space.input_channels, "input_size": space.input_size, "classes": space.classes}
    return LatencyProfile(ProfileConditions(**about, **shape), 500, stems, heads, blocks)
