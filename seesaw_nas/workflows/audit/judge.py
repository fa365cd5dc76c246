"""Ranks of evaluators' scores against one truth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from seesaw_nas.evaluators.ranking.bands import Band
from seesaw_nas.evaluators.ranking.ceiling import Ceiling, ceiling, others
from seesaw_nas.evaluators.ranking.result import BASELINE, Row
from seesaw_nas.evaluators.ranking.spent import FREE, RECORDED, Spent
from seesaw_nas.evaluators.ranking.statistics import Floats, compare, draws
from seesaw_nas.workflows.audit import names
from seesaw_nas.workflows.audit.truth import LEAST, Truth


class Judge:
    """Ranks against the truth: the same bands and the same resamples for every evaluator."""

    def __init__(self, known: Truth, cut: Sequence[Band], bootstrap: int, seed: int) -> None:
        self.known = known
        self.bands = [band.indices for band in cut]
        self.counts = draws(len(known.entries), bootstrap, np.random.default_rng([seed, 0]))
        self._rng = np.random.default_rng([seed, 1])
        self._all = [np.arange(len(known.entries))]
        self._mean = np.nanmean(known.top1, axis=0)

    def scored(self, name: str, scores: Floats, each: Spent, once: Spent = FREE, note: str = "") -> Row:
        """A row of scores, shape (n,), NaN for none, against the mean of an architecture's trainings."""
        return self._row(name, scores, self._mean, each, once, note=note)

    def baseline(self) -> Row:
        """That of Multi-Adds."""
        return self.scored(BASELINE, np.array([float(entry.macs) for entry in self.known.entries]), FREE)

    def ceiling(self) -> Ceiling | None:
        """How well anything could rank."""
        return ceiling(self.known.top1, self.bands, self.counts, self._rng)

    def early(self, name: str) -> Row:
        """A row of what trainings reached after an epoch, against the ends of the other trainings.

        A curve's own end shares its seed, so it would flatter; only where hardly any architecture has another training
        is it taken, and the row says so.
        """
        epoch, top1 = names.epoch_of(name), self.known.top1
        rest = others(top1)
        shared = int(np.isfinite(rest).any(axis=0).sum()) < LEAST
        note = "against its own curve's end, whose noise it shares" if shared else "against the other seeds' ends"
        spent = Spent(self.known.seconds(epoch), RECORDED)
        return self._row(name, self.known.after(epoch), top1 if shared else rest, spent, FREE, shared, note)

    def _row(
        self, name: str, x: Floats, y: Floats, each: Spent, once: Spent, shared: bool = False, note: str = ""
    ) -> Row:
        within, overall = compare(x, y, self.bands, self.counts), compare(x, y, self._all, self.counts)
        scored = int((np.isfinite(np.atleast_2d(x)) & np.isfinite(np.atleast_2d(y))).any(axis=0).sum())
        return Row(name, names.describe(name), scored, within, overall, each, once, shared, note)
