"""An architecture as a fixed-length set of named choices, each a string, as Optuna's samplers propose them.

Every slot has its genes, even slots beyond the chosen repeats of their stage, which may be 0; those genes have no
meaning, and encoding writes the first choice there. A combination that no legal architecture has, such as a partition
that does not divide the chosen width, is refused when it is decoded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from seesaw_nas.architecture.spec import Architecture, Block
from seesaw_nas.core.errors import SpecError
from seesaw_nas.space.definition import Space
from seesaw_nas.space.stages import Slot, StageSpace

Genotype = dict[str, str]
KINDS = ("grouping", "expansion", "kernel", "activation")  # the genes of one block


def genes(space: Space) -> dict[str, tuple[str, ...]]:
    """Every gene with more than one choice, and its choices, in the order of the network."""
    return {name: choices for name, choices in _all_genes(space).items() if len(choices) > 1}


@lru_cache(maxsize=8)
def _all_genes(space: Space) -> dict[str, tuple[str, ...]]:
    return dict(_named_choices(space))


@lru_cache(maxsize=1024)
def _blocks_by_traits(stage: StageSpace, c_in: int, c_out: int) -> dict[tuple[str, ...], Block]:
    """The blocks that are possible between these widths, by the values of their genes."""
    return {tuple(traits(block).values()): block for block in stage.blocks(c_in, c_out)}


def _named_choices(space: Space) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "width", tuple(map(space.width_name, range(space.widths)))
    for i, stage in enumerate(space.stages):
        yield repeats_gene(i), tuple(map(str, stage.repeats))
        for j in range(stage.max_repeats):
            blocks = [
                block
                for outline in range(len(space.outlines))
                for slot in space.slots(outline)
                if (slot.stage, slot.index) == (i, j)
                for block in space.options(slot)
            ]
            for kind in KINDS:
                yield block_gene(i, j, kind), tuple(dict.fromkeys(traits(block)[kind] for block in blocks))
    yield "head", tuple(map(str, space.heads))


def repeats_gene(stage: int) -> str:
    return f"stage{stage + 1}.repeats"


def block_gene(stage: int, block: int, kind: str) -> str:
    return f"stage{stage + 1}.block{block + 1}.{kind}"


def traits(block: Block) -> dict[str, str]:
    return {
        "grouping": f"{block.partition} {block.flow}",
        "expansion": str(block.expansion),
        "kernel": str(block.kernel),
        "activation": block.expand_activation,
    }


def encode(space: Space, architecture: Architecture) -> Genotype:
    """The genes of an architecture of the space.

    Raises:
        SpecError: the architecture is not in the space.
    """
    if objection := space.objection(architecture):
        raise SpecError(f"the architecture is not in space '{space.name}': {objection}")
    all_genes = _all_genes(space)
    genotype = {name: choices[0] for name, choices in all_genes.items()}
    outline, blocks, repeats = space.take_apart(architecture)
    genotype["width"] = space.width_name(space.outlines[outline].width)
    genotype["head"] = str(architecture.head.channels)
    for i, n in enumerate(repeats):
        genotype[repeats_gene(i)] = str(n)
    for slot, block in blocks.items():
        for kind, value in traits(block).items():
            genotype[block_gene(slot.stage, slot.index, kind)] = value
    return {name: genotype[name] for name, choices in all_genes.items() if len(choices) > 1}


def decode(space: Space, genotype: Mapping[str, str]) -> Architecture:
    """The architecture that the genes describe, in its canonical spelling.

    Raises:
        SpecError: a gene is missing or has an unknown value, or the combination is not in the space.
    """
    chosen = fill_in(space, genotype)
    repeats = [int(chosen[repeats_gene(i)]) for i in range(len(space.stages))]
    outline = space.choose_outline(_width(space, chosen), int(chosen["head"]), repeats)
    blocks: dict[int, list[Block]] = {i: [] for i in space.outlines[outline].present}
    for slot in space.slots(outline):
        if slot.index < repeats[slot.stage]:
            blocks[slot.stage].append(_block(space, slot, chosen))
    return space.build(outline, list(blocks.values()))


def fill_in(space: Space, genotype: Mapping[str, str]) -> dict[str, str]:
    """The value of every gene, including the genes with only one choice.

    Raises:
        SpecError: a gene is missing or has an unknown value.
    """
    chosen = {}
    for name, choices in _all_genes(space).items():
        value = choices[0] if len(choices) == 1 else genotype.get(name)
        if value not in choices:
            raise SpecError(f"one of {', '.join(choices)} is wanted, got {value!r}", name)
        chosen[name] = value
    return chosen


def _width(space: Space, chosen: Mapping[str, str]) -> int:
    return [space.width_name(w) for w in range(space.widths)].index(chosen["width"])


def _block(space: Space, slot: Slot, chosen: Mapping[str, str]) -> Block:
    values = tuple(chosen[block_gene(slot.stage, slot.index, kind)] for kind in KINDS)
    block = _blocks_by_traits(space.stages[slot.stage], slot.c_in, slot.c_out).get(values)
    if block is None:
        grouping, expansion, *_ = values
        raise SpecError(
            f"{grouping} with expansion {expansion} does not fit between {slot.c_in} and {slot.c_out} channels",
            block_gene(slot.stage, slot.index, "grouping"),
        )
    return block
