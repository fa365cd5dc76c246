"""The texts of an audit, for the terminal and the page."""

from __future__ import annotations

import math
from collections.abc import Iterator

from seesaw_nas.core.units import format_figure
from seesaw_nas.evaluators.ranking.bands import LEAST_IN_BAND
from seesaw_nas.evaluators.ranking.ceiling import Ceiling, Oracle
from seesaw_nas.evaluators.ranking.result import Audit
from seesaw_nas.evaluators.ranking.spent import CORE, GPU, RECORDED, Spent
from seesaw_nas.evaluators.ranking.statistics import Estimate


def figure_of(tau: float) -> str:
    """A tau with sign and two decimals; a dash for NaN."""
    return "-" if math.isnan(tau) else f"{tau:+.2f}"


def span(estimate: Estimate | Oracle) -> str:
    """The interval of an estimate; empty for NaN."""
    return "" if math.isnan(estimate.low) else f"{estimate.low:+.2f} to {estimate.high:+.2f}"


SHORT = {CORE: "core-s", GPU: "GPU-s", RECORDED: "s rec."}


def cost_of(spent: Spent) -> str:
    """A cost with its unit; a question mark if it is unknown."""
    if not spent.known:
        return "?"
    return f"{seconds_of(spent.seconds)} {SHORT[spent.unit]}" if spent.seconds else "0"


def seconds_of(seconds: float) -> str:
    """Seconds with three significant digits."""
    return format_figure(seconds) if seconds >= 0.001 else "0" if seconds == 0 else "<0.001"


def describe_basis(audit: Audit) -> Iterator[str]:
    """The data behind the figures."""
    task, recipe = audit.task, audit.task["recipe"]
    yield (
        f"{', '.join(audit.runs)}: {task['dataset']}, recipe {recipe['name']}, {recipe['epochs']} epochs; "
        f"{audit.architectures:,} architectures, {audit.trainings:,} trainings of "
        f"{seconds_of(audit.training_seconds)} s"
    )
    pairs = audit.architectures * (audit.architectures - 1) // 2
    inside = sum(len(band.members) * (len(band.members) - 1) // 2 for band in audit.bands)
    left = f"; {audit.left_out:,} architectures in smaller ones are left out" if audit.left_out else ""
    yield (
        f"{pairs:,} pairs; {inside:,} within {len(audit.bands)} bands, in which the costliest is at most "
        f"{100 * audit.band:g}% above the cheapest, of {LEAST_IN_BAND} architectures or more{left}"
    )


def noise(ceiling: Ceiling | None) -> Iterator[str]:
    """How well any evaluator could rank, given the noise of trainings."""
    if ceiling is None:
        yield "noise ceiling: unknown, no architecture was trained with two seeds"
        return
    yield (
        f"seed against seed, {ceiling.repeated:,} architectures: within bands {_with_interval(ceiling.within)}; "
        f"over all pairs {_with_interval(ceiling.overall)}"
    )
    if ceiling.spread is None:
        return
    if not ceiling.spread.architectures:
        yield (
            f"within bands, architectures do not differ beyond the noise of one training, "
            f"{100 * ceiling.spread.noise:.2f} points: as far as these trainings tell, there is nothing to rank; with "
            f"differences that they may have missed, a perfect oracle would reach {span(ceiling.mean)} against the "
            "mean of an architecture's trainings"
        )
        return
    yield (
        f"within bands, standard deviation of architectures {100 * ceiling.spread.architectures:.2f} points, of "
        f"the noise of one training {100 * ceiling.spread.noise:.2f}: a perfect oracle would reach "
        f"{_with_interval(ceiling.one)} against one training, {_with_interval(ceiling.mean)} against the "
        "mean of an architecture's trainings"
    )
    yield (
        f"simulated likewise, with normal noise that is the same for all, seed against seed is "
        f"{_with_interval(ceiling.again)} within bands; if that is far "
        "from the measured value, the oracle may be wrong, too"
    )


def remarks(audit: Audit) -> Iterator[str]:
    """Remarks on the rows."""
    yield from audit.unknown
    for name, why in audit.skipped.items():
        yield f"{name} was left out: {why}"
    if len(audit.units) > 1:
        listed = ", ".join(f"{SHORT[unit]}: {unit}" for unit in audit.units)
        yield f"What the rows cost was measured in units that do not compare ({listed})."
    early = [row for row in audit.rows if row.text.startswith("top-1 after epoch")]
    if any(row.shares_noise for row in early):
        yield (
            "An early epoch is compared with the end of its own curve, because hardly any architecture has a second "
            "training: the two share a seed, which flatters it, so no verdict is given."
        )
    elif early:
        yield (
            "An early epoch of one training is compared with the mean of the architecture's other trainings, the rest "
            "with the mean of all; its truth is the noisier one. Its seconds are those recorded, on their machine."
        )


def _with_interval(estimate: Estimate | Oracle) -> str:
    return f"{figure_of(estimate.tau)} ({span(estimate)})" if span(estimate) else figure_of(estimate.tau)
