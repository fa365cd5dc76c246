"""Warm starts: what a search trains first, and what it need not train because an earlier run did."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from seesaw_nas.architecture import reference, specfile
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.errors import OptionError, RunError
from seesaw_nas.core.files import show_path
from seesaw_nas.core.run_folder import RunFolder
from seesaw_nas.evaluators.basis import Basis
from seesaw_nas.evaluators.differences import TRAININGS, difference, unknown
from seesaw_nas.search import records
from seesaw_nas.search.history.addresses import is_same
from seesaw_nas.search.history.history import History
from seesaw_nas.search.history.places import records_of
from seesaw_nas.search.recorded import standing_in
from seesaw_nas.search.records import CompleteTrial, TrialRecord
from seesaw_nas.space import Feasible

REFERENCE = "reference"
MOST_NAMED = 8  # architectures that a remark names one by one
_TAKEN_OVER = "trained as "  # begins the reason of a trial that an earlier run trained
_PLANTED = "taken over"  # note of the history: how many were, once all starts are there


@dataclass(frozen=True, slots=True)
class Start:
    """An architecture to begin with.

    Attributes:
        origin: where it is from, in words.
        known: its record, where an earlier run trained it under the same conditions.
    """

    architecture: Architecture
    origin: str
    known: CompleteTrial | None = None


def resolve(
    names: Sequence[str],
    feasible: Feasible,
    basis: Basis,
    tell: Callable[[str], None] | None = None,
    storage: str = "",
) -> list[Start]:
    """The architectures behind these names that are in the space and within the budget, each once.

    Args:
        names: ``reference`` for the paper's networks, spec files, and folders of earlier runs. Of a run whose figures
            are comparable, what it trained is taken over with them; of another, its front is trained first.
        basis: what the new run's figures are of.
        storage: URL of the search's own database, which an earlier run may share.
        tell: told, in one line each, why the figures of a run are not taken over, and what does not fit.

    Raises:
        OptionError: a name has nothing that fits.
        SpecError, RunError: a file or folder cannot be read.
    """
    found: dict[str, Start] = {}
    for name in names:
        starts = list(_named(name, feasible, basis, tell or _nobody, storage))
        fitting = [start for start in starts if _fits(start.architecture, feasible)]
        if not fitting:
            raise OptionError(
                f"--seed-with {name}: no architecture of its {len(starts)} for such images is in space "
                f"'{feasible.space.name}' within {feasible.budget}; leave it out, or choose another space or budget"
            )
        if outside := [start for start in starts if start not in fitting]:
            (tell or _nobody)(
                f"--seed-with {name}: {len(outside)} of its {len(starts)} architectures are left out, they are not in "
                f"space '{feasible.space.name}' within {feasible.budget}: {_names(outside)}"
            )
        for start in fitting:
            if start.architecture.digest not in found or start.known:
                found[start.architecture.digest] = start
    return list(found.values())


def keep_within(starts: Sequence[Start], trials: int, tell: Callable[[str], None] | None = None) -> list[Start]:
    """The starts that a search of so many trials has room for, in order; those that are known already take none.

    Args:
        tell: told, in one line, which are left out.
    """
    anew = [start for start in starts if start.known is None]
    left_out = anew[trials:]
    if left_out and tell is not None:
        tell(
            f"--trials {trials} has room for {trials} of the {len(anew)} architectures of --seed-with; left out: "
            f"{_names(left_out)}; --trials {len(anew)} trains them all"
        )
    return [start for start in starts if start not in left_out]


def _names(starts: Sequence[Start]) -> str:
    """Where these are from, the first few one by one."""
    named = [start.origin for start in starts[:MOST_NAMED]]
    return ", ".join(named) + (f" and {len(starts) - len(named)} more" if len(starts) > len(named) else "")


def is_taken_over(record: TrialRecord) -> bool:
    """Whether a trial is complete because an earlier run trained it."""
    return record.state == "complete" and record.reason.startswith(_TAKEN_OVER)


def _nobody(text: str) -> None:
    """Where nobody listens."""


def _fits(architecture: Architecture, feasible: Feasible) -> bool:
    return architecture in feasible.space and architecture in feasible.budget


def _named(name: str, feasible: Feasible, basis: Basis, tell: Callable[[str], None], storage: str) -> Iterator[Start]:
    path = Path(name)
    if name == REFERENCE:
        for setting in reference.SETTINGS:
            for model in reference.MODELS:
                known = reference.network(f"{model}@{setting}")
                if known.input == _input(feasible) and known.classes == feasible.space.classes:
                    yield Start(known, f"reference: {model}@{setting}")
    elif path.is_dir() and not (path / "spec.json").exists():
        yield from _of_run(RunFolder.open(path, storage), basis, tell)
    else:
        named = specfile.resolve(name)
        yield Start(named.architecture, f"spec: {named.name}")


def _input(feasible: Feasible) -> tuple[int, int, int]:
    return (feasible.space.input_channels, feasible.space.input_size, feasible.space.input_size)


def _of_run(folder: RunFolder, basis: Basis, tell: Callable[[str], None]) -> Iterator[Start]:
    kept = folder.description.get("settings", {}).get("storage")
    if kept and not is_same(folder.storage, str(kept)):
        folder = replace(folder, storage="")  # the new search's own database is another
    if not kept and not folder.journal.exists() and not folder.old_journal.exists():
        raise RunError(f"{folder.path} is no search: it has no {folder.journal.name}")
    found = records_of(folder)
    path = show_path(folder.path)
    before = Basis.of(folder.description, path)
    reason = difference(before, basis, TRAININGS) or unknown(before, basis, TRAININGS)
    if reason:
        tell(f"the front of {path} is trained anew, its figures are not taken over: {reason}")
    for trial in standing_in(folder, found).front() if reason else records.complete(found):
        yield Start(trial.architecture, f"trial {trial.number} of {folder.name}", None if reason else trial)


def add_starts(history: History, find: Callable[[], Sequence[Start]]) -> int:
    """Put the starts into a history, unless that was done: those that are known as complete, the others as begun.

    Args:
        find: what they are; not asked where it was done, for what they are from may be gone.

    Returns:
        How many trials were taken over from earlier runs.
    """
    if _PLANTED in history.notes:
        return int(history.notes[_PLANTED])
    if not (starts := find()):
        return 0
    there = {record.digest for record in history.records()}
    for start in sorted(starts, key=lambda start: start.known is None):
        if start.architecture.digest not in there:
            number = history.add(start.architecture, start.origin, attempts=0)
            if start.known is not None:
                history.take_over(number, start.known, f"{_TAKEN_OVER}{start.origin}")
    known = {start.architecture.digest: start for start in starts if start.known is not None}
    for record in history.records():  # one that a crash left between its two writes
        if record.state == "running" and (found := known.get(record.digest)) and found.known:
            history.take_over(record.number, found.known, f"{_TAKEN_OVER}{found.origin}")
    history.note(_PLANTED, len(known))
    return len(known)
