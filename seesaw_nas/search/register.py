"""Which trial counts for each architecture of a search, by the schedule that it is trained by."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from seesaw_nas.search.history.history import History
from seesaw_nas.search.records import TRAINED, TrialRecord
from seesaw_nas.search.spending import Begun, begun


class Register:
    """The trials that count: of two of one architecture and schedule the first, but for one that failed."""

    def __init__(self, history: History, epochs: int, taken_over: int) -> None:
        """Begin without trials.

        Args:
            epochs: of a whole training.
            taken_over: trials by the recipe that earlier runs trained, which do not count as begun.
        """
        self._history, self._epochs, self._taken_over = history, epochs, taken_over
        self._known: dict[int, dict[str, int]] = {0: {}}

    def of(self, schedule: int) -> Mapping[str, int]:
        """Trials by the digests of their architectures; ``schedule`` is 0 for that of the recipe."""
        return MappingProxyType(self._known.setdefault(schedule, {}))

    @property
    def digests(self) -> frozenset[str]:
        """Of all architectures, by whatever schedule."""
        return frozenset().union(*self._known.values())

    def begun(self, before: int | None = None) -> Begun:
        """The trainings that were begun, those that failed among them; only trials with lower numbers, if given."""
        count = {
            schedule: len(known) if before is None else sum(number < before for number in known.values())
            for schedule, known in self._known.items()
        }
        return begun(count | {0: count[0] - self._taken_over}, self._epochs)

    def know(self, record: TrialRecord) -> None:
        """Note a trial, if it is the one that counts."""
        if record.state not in TRAINED or not record.digest:
            return
        known = self.of(record.schedule).get(record.digest)
        if known is None or _rank(record) < _rank(self._history[known]):
            self.put(record)

    def put(self, record: TrialRecord) -> None:
        """Let this trial be the one that counts."""
        self._known.setdefault(record.schedule, {})[record.digest] = record.number

    def forget(self, record: TrialRecord) -> None:
        """Let this trial count no more, where it does."""
        if self.of(record.schedule).get(record.digest) == record.number:
            del self._known[record.schedule][record.digest]


def _rank(record: TrialRecord) -> tuple[bool, int]:
    return record.state == "failed", record.number
