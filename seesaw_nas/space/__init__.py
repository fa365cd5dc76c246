"""Search spaces: what there is to choose, how many architectures that makes, and which of them fit a budget."""

from seesaw_nas.space.budget import Budget
from seesaw_nas.space.codebook import Codebook
from seesaw_nas.space.definition import Space
from seesaw_nas.space.feasible import Feasible, count
from seesaw_nas.space.files import copy, load, names, parse, read_text
from seesaw_nas.space.genotype import Genotype, decode, encode, genes
from seesaw_nas.space.nearest import nearest
from seesaw_nas.space.stages import Slot, StageSpace

__all__ = [
    "Budget",
    "Codebook",
    "Feasible",
    "Genotype",
    "Slot",
    "Space",
    "StageSpace",
    "copy",
    "count",
    "decode",
    "encode",
    "genes",
    "load",
    "names",
    "nearest",
    "parse",
    "read_text",
]
