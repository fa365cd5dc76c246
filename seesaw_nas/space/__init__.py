"""Search spaces: what there is to choose, how many architectures that makes, and which of them fit a budget.

This loads numpy when the first name that needs it is asked for, since a budget is on the way to ``show``.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seesaw_nas.space.budget import Budget
    from seesaw_nas.space.codebook import Codebook
    from seesaw_nas.space.definition import Space
    from seesaw_nas.space.feasible import Feasible, count
    from seesaw_nas.space.files import copy, load, names, parse, read_text
    from seesaw_nas.space.genotype import Genotype, decode, encode, genes
    from seesaw_nas.space.nearness import nearest
    from seesaw_nas.space.stages import Slot, StageSpace
else:
    _HOMES = {
        "budget": ("Budget",),
        "codebook": ("Codebook",),
        "definition": ("Space",),
        "feasible": (
            "Feasible",
            "count",
        ),
        "files": (
            "copy",
            "load",
            "names",
            "parse",
            "read_text",
        ),
        "genotype": (
            "Genotype",
            "decode",
            "encode",
            "genes",
        ),
        "nearness": ("nearest",),
        "stages": (
            "Slot",
            "StageSpace",
        ),
    }

    def __getattr__(name):
        for home, names in _HOMES.items():
            if name in names:
                return getattr(import_module(f"{__name__}.{home}"), name)
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


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
