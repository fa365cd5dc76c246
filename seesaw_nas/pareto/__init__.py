"""Several objectives at once: dominance, fronts, ranks, and how good a whole front is.

Points are rows of shape (n, k), one column an objective, as anything that ``numpy.asarray`` reads: lists of tuples,
arrays, ``frame[["top1", "macs"]]``. They are compared as float64, which holds integers up to 2**53 exactly. What is
said of single points comes back as lists of positions, what is said of each row as an array in the order of the rows.

``directions`` names 'max' or 'min' for each column; left out, the columns are top1 and macs. Equal points do not
dominate each other. A row with NaN or None in it is dominated by nothing and dominates nothing, and is on no front.

This loads numpy when the first function is asked for, since ``records`` is on the way to ``--help``.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seesaw_nas.pareto.fronts import dominates, front, ranks
    from seesaw_nas.pareto.indicators import epsilon_indicator, hypervolume
    from seesaw_nas.pareto.objectives import TOP1_MACS
    from seesaw_nas.pareto.preference import crowding, knee, order
else:
    _HOMES = {
        "fronts": ("dominates", "front", "ranks"),
        "indicators": ("epsilon_indicator", "hypervolume"),
        "objectives": ("TOP1_MACS",),
        "preference": ("crowding", "knee", "order"),
    }

    def __getattr__(name):
        for home, names in _HOMES.items():
            if name in names:
                return getattr(import_module(f"{__name__}.{home}"), name)
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")


__all__ = [
    "TOP1_MACS",
    "crowding",
    "dominates",
    "epsilon_indicator",
    "front",
    "hypervolume",
    "knee",
    "order",
    "ranks",
]
