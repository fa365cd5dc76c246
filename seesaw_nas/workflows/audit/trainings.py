"""The trainings that folders of searches and tables recorded, put together where their conditions are the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.errors import OptionError, RunError
from seesaw_nas.core.run_folder import RunFolder
from seesaw_nas.evaluators import table as tables
from seesaw_nas.evaluators.basis import Basis
from seesaw_nas.evaluators.differences import TRAININGS, difference, unknown
from seesaw_nas.evaluators.table import Curve
from seesaw_nas.search.history.places import records_of
from seesaw_nas.search.records import complete
from seesaw_nas.search.settings import SearchSettings
from seesaw_nas.workflows.audit.truth import LEAST, TrainedArchitecture, Truth

_Training = tuple[Architecture, int, Curve]


@dataclass(frozen=True)
class _Source:
    """The trainings of one run or table: architecture, seed and curve of each."""

    name: str
    about: Mapping[str, Any]
    settings: SearchSettings
    trainings: tuple[_Training, ...]

    @property
    def basis(self) -> Basis:
        return Basis.of(self.about, self.name)


def read(paths: Sequence[Path], storage: str = "") -> Truth:
    """The trainings in folders of searches and in tables; one that several of them hold counts once.

    Args:
        storage: URL of the database that has the searches' history; needed where their folders have none.

    Raises:
        RunError: something cannot be read, or was not trained.
        OptionError: they were trained under different conditions, or are too few.
    """
    if twice := [path for path, count in Counter(path.resolve() for path in paths).items() if count > 1]:
        raise OptionError(f"the run {twice[0]} is given twice")
    sources = [_of_table(path) if path.is_file() else _of_run(path, storage) for path in paths]
    _check_same(sources)
    names = tuple(source.name for source in sources)
    found: dict[str, tuple[Architecture, dict[int, Curve]]] = {}
    for source in sources:
        for architecture, seed, curve in source.trainings:
            found.setdefault(architecture.digest, (architecture, {}))[1].setdefault(seed, curve)
    if len(found) < LEAST:
        told = ", ".join(names)
        raise OptionError(f"an audit wants {LEAST} trained architectures or more, {told} has {len(found)}; train more")
    entries = sorted(
        (TrainedArchitecture(*value) for value in found.values()), key=lambda e: (e.macs, e.architecture.digest)
    )
    first = sources[0]
    open_questions = _unknown(sources)
    text = str(first.about.get("space_file", ""))
    return Truth(names, first.settings, text, first.basis, tuple(entries), open_questions)


def _check_same(sources: Sequence[_Source]) -> None:
    first, *rest = sources
    for source in rest:
        if differing := difference(first.basis, source.basis, TRAININGS):
            raise OptionError(f"{source.name} was not trained as {first.name} was: {differing}; audit them apart")


def _unknown(sources: Sequence[_Source]) -> tuple[str, ...]:
    """What the records do not say of how comparable these are."""
    first, *rest = (source.basis for source in sources)
    return tuple(text for other in rest if (text := unknown(first, other, TRAININGS)))


def _of_table(path: Path) -> _Source:
    table = tables.read(path)
    trainings = [(entry.architecture, seed, curve) for entry in table.entries for seed, curve in entry.curves.items()]
    about = {**table.about, "images": table.about.get("images") or table.subject.record}
    return _source(path, about, trainings)


def _of_run(path: Path, storage: str) -> _Source:
    folder = RunFolder.open(path, storage)
    about = folder.description
    if "trials" not in about.get("settings", {}):
        raise RunError(f"{path} is no search; what a training came to is in its result.json")
    trainings = [(trial.architecture, trial.seed, trial.curve) for trial in complete(records_of(folder))]
    return _source(path, about, trainings)


def _source(path: Path, about: Mapping[str, Any], trainings: Sequence[_Training]) -> _Source:
    """Of the trainings those whose end was evaluated.

    Raises:
        RunError: they are no trainings, or it does not say how they were made.
    """
    try:
        own, recipe = SearchSettings.from_dict(about["settings"]), about["recipe"]
        space = own.searched.space or about["space"]
        settings = own.replace(space=space, recipe=recipe["name"], epochs=recipe["epochs"])
    except (KeyError, TypeError) as error:
        raise RunError(f"{path} does not say how it was trained: {type(error).__name__} {error}; restore it") from None
    if settings.scoring.evaluator != "trained":
        raise RunError(f"{path} was scored by evaluator '{settings.scoring.evaluator}'; an audit wants trainings")
    ended = tuple(training for training in trainings if training[2] and training[2][-1].top1 is not None)
    return _Source(str(path), about, settings, ended)
