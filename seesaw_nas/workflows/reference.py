"""The paper's tables row by row: what is printed, and what the network of that row costs by our count.

A row in this space is counted by arithmetic, without torch; a baseline is built and walked through, with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from seesaw_nas.architecture import cost, reference
from seesaw_nas.architecture.reference import PUBLISHED, READINGS, Published
from seesaw_nas.core.errors import OptionError, known

TOLERANCE = 0.02  # of the printed figure; what lies further off needs a reason

_COUNTER = "the authors' released counter adds one for each value that ReLU ({}) and pooling ({}) read, and the bias"
WHYS = {  # by network; a test adds each sum up on the built network
    "condensenet-light-94@cifar10": f"{_COUNTER.format('5,144,576', '214,784')}, which makes 121,923,430 Multi-Adds",
    "condensenet-light-94@cifar100": f"{_COUNTER.format('5,144,576', '214,784')}, which makes 121,942,780 Multi-Adds; "
    "the printed 0.33M Params are those for CIFAR-10, and 90 classes more hold 90 * (214 + 1) = 19,350 Params more",
    "condensenet-86@cifar10": f"{_COUNTER.format('3,162,112', '272,384')}, which makes 65,812,394 Multi-Adds, "
    "cut to 65M in print",
    "condensenet-g8@imagenet": f"{_COUNTER.format('11,014,416', '1,672,272')}, which makes 274,233,480 Multi-Adds",
    "inception-v1@imagenet": "not found; Zoph et al. 2018, arXiv:1707.07012, table 3, print the same 6.6M and 1,448M. "
    "What has 6.6M Params has 1,498M Multi-Adds, one digit away; with 5x5 convolutions it would be 7.0M and 1,583M",
}


@dataclass(frozen=True, slots=True)
class Compared:
    """One row of the paper beside our exact count.

    Attributes:
        params, macs: ours, of the network that ``published`` names.
        reading: what was taken where the papers leave something open; empty where they do not.
        stand_in: whether the network only stands in for one whose layers no text gives. Its layers were chosen for
            figures near the printed ones, which therefore confirm nothing.
        why: where a figure lies beyond the printed rounding and ``TOLERANCE``, what the difference comes from.
    """

    published: Published
    params: int
    macs: int
    reading: str
    stand_in: bool
    why: str

    @property
    def params_difference(self) -> float | None:
        """Ours over the printed Params, less 1; None where none are printed."""
        return self.params / self.published.params - 1 if self.published.params else None

    @property
    def macs_difference(self) -> float:
        """Ours over the printed Multi-Adds, less 1."""
        return self.macs / self.published.macs - 1


def compare(table: int | None = None, dataset: str = "") -> tuple[Compared, ...]:
    """The rows of one table, or of one data set, or all, in the paper's order.

    Raises:
        OptionError: no such table or data set, or no such data set in that table.
    """
    tables, datasets = {row.table for row in PUBLISHED}, {row.dataset for row in PUBLISHED}
    if table is not None and table not in tables:
        raise OptionError(f"the tables with networks are {min(tables)} to {max(tables)}, got {table}")
    if dataset and dataset not in datasets:
        raise OptionError(known("data set of the paper", dataset, sorted(datasets)))
    rows = [row for row in PUBLISHED if table in (None, row.table) and dataset in ("", row.dataset)]
    if not rows:
        (there,) = {row.dataset for row in PUBLISHED if row.table == table}
        raise OptionError(f"table {table} is about {there}, not {dataset}; leave one of the two away")
    return tuple(_compared(row) for row in rows)


def _compared(row: Published) -> Compared:
    params, macs = _count(row.network, row.in_space)
    why = WHYS.get(row.network, "")
    if row.in_space:
        return Compared(row, params, macs, READINGS[reference.family_of(row.network)], False, why)
    from seesaw_nas.network import baselines

    model = row.network.partition("@")[0]
    return Compared(row, params, macs, baselines.READINGS.get(model, ""), model in baselines.STAND_INS, why)


@cache
def _count(name: str, in_space: bool) -> tuple[int, int]:
    """Params and Multi-Adds."""
    if in_space:
        architecture = reference.network(name)
        return cost.params(architecture), cost.macs(architecture)
    import torch

    from seesaw_nas.network import baselines
    from seesaw_nas.network.tally import tally

    size = reference.setting_of(name).input_size
    with torch.device("meta"):
        model = baselines.build(name)
    found = tally(model, (3, size, size))
    return found.params, found.macs
