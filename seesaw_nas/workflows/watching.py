"""Who is told what happens in a search: the program's listener, and TensorBoard where that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from seesaw_nas.core.run_folder import RunFolder
from seesaw_nas.search.callbacks import FINISHED, TAUGHT, Several
from seesaw_nas.search.listener import Listener
from seesaw_nas.search.records import TrialRecord
from seesaw_nas.training.events import TrialEvents

FOLDER = "events"  # as of a training


class EventsListener(Listener):
    """Writes what happens as event files for TensorBoard."""

    def __init__(self, events: TrialEvents) -> None:
        self._events = events

    def ended(self, record: TrialRecord) -> None:
        """Write the trial; one that pauses is written again, with more epochs, when it ends."""
        if record.state in TAUGHT and record.curve:
            self._events.epochs(record.number, record.curve)
        if record.state in FINISHED:
            self._events.trial(record.number, record.top1, record.macs, record.seconds)


@contextmanager
def write_events(
    folder: RunFolder, is_wanted: bool, listener: Listener | None, trials: Callable[[], Sequence[TrialRecord]]
) -> Iterator[Listener | None]:
    """Context with whom to tell; with event files in the run's folder where they are wanted.

    Args:
        trials: the trials of the history so far.
    """
    if not is_wanted:
        yield listener
        return
    known = [record.top1 for record in trials() if record.state == "complete" and record.top1 is not None]
    events = TrialEvents(folder.path / FOLDER, max(known, default=None))
    try:
        yield Several([*([listener] if listener else []), EventsListener(events)])
    finally:
        events.close()
