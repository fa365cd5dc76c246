"""The plan `shared`: a search in stages, each of which leaves fewer architectures for dearer judgement.

A supernet is trained; thousands are scored with its weights; the best of these are trained on from its weights; the
best of those are trained from scratch in rounds, each with a learning rate schedule of its own, since top-1 early in a
long schedule says little. The last round is the search's own. Every stage is a run in a folder below the search's,
with files and records of its own, and goes on where it stopped.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from seesaw_nas.errors import RunError
from seesaw_nas.records import RunFolder, TrialRecord, write_json
from seesaw_nas.search import halving
from seesaw_nas.search.settings import SearchSettings

if TYPE_CHECKING:
    from seesaw_nas.problem import Problem
    from seesaw_nas.search.listener import Listener
    from seesaw_nas.search.starts import Start

FOLDER = "stages"
FILE = "stages.json"
INHERITED_IMAGES = 1000  # validation images of an inherited score, where the settings name no number
TUNING_EPOCHS = 1
LAST = "trained from scratch to the end"
LIMIT = "the time limit is reached"
Search = Callable[[Path, SearchSettings, "Sequence[Start] | None", float | None], "Ended"]


class Ended(Protocol):
    """What a search came to."""

    @property
    def ended(self) -> str:
        """Why it stopped."""

    @property
    def trials(self) -> tuple[TrialRecord, ...]:
        """Every proposal."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What one stage is to do.

    Attributes:
        name: of its folder.
        what: in words.
        count: architectures that it judges; 0 for the supernet.
        settings: of its run.
    """

    name: str
    what: str
    count: int
    settings: SearchSettings


@dataclass(frozen=True, slots=True)
class Done:
    """What a stage came to.

    Attributes:
        count: architectures that it judged.
        seconds: of training and scoring, summed over workers.
        best: the highest validation top-1; ``None`` for the supernet.
    """

    name: str
    what: str
    count: int
    seconds: float
    best: float | None


class Unfinished(Exception):
    """A stage ended before it was done; the argument says why."""


def planned(settings: SearchSettings, n_validation: int, supernet: Path) -> list[Stage]:
    """The stages before the search's own round.

    Args:
        n_validation: images there are.
        supernet: folder that holds the supernet, or will.
    """
    plain = replace(settings, plan="plain", seed_with=(), confirm=0, latency=False)
    images = settings.validation_size or min(INHERITED_IMAGES, n_validation)
    inherited = replace(
        plain,
        evaluator="inherited",
        supernet=str(supernet),
        trials=settings.candidates,
        seed_with=settings.seed_with,
        validation_size=images,
    )
    tuned = replace(inherited, evaluator="tuned", trials=settings.tuned, epochs=TUNING_EPOCHS, seed_with=())
    tuned = replace(tuned, validation_size=settings.validation_size)
    return [
        Stage("supernet", "a supernet trained", 0, plain),
        Stage("inherited", f"scored with its weights on {images:,} images", settings.candidates, inherited),
        Stage("tuned", "trained on from its weights for an epoch", settings.tuned, tuned),
        *_rounds(plain),
    ]


def _rounds(plain: SearchSettings) -> list[Stage]:
    """All but the last round of successive halving."""
    epochs = plain.fitted_recipe.epochs
    minimum = plain.min_epochs or -(-epochs // plain.reduction)
    levels = halving.make("asha", epochs, reduction=plain.reduction, minimum=minimum).levels
    counts = [min(plain.tuned, plain.trials * plain.reduction**n) for n in range(len(levels) - 1, 0, -1)]
    return [
        Stage(f"epochs-{level}", f"trained from scratch for {level}", count, replace(plain, trials=count, epochs=level))
        for level, count in zip(levels, counts, strict=False)
    ]


class Stages:
    """The stages of one search, in its folder."""

    def __init__(
        self, folder: RunFolder, problem: Problem, listener: Listener | None, time_limit: float | None
    ) -> None:
        """Take them up where they stand.

        Raises:
            RunError: what the stages left is damaged.
        """
        self._folder, self._problem, self._listener = folder, problem, listener
        self._end = None if time_limit is None else time.monotonic() + time_limit
        self._below = folder.path.resolve() / FOLDER
        self.done = read(folder)

    @property
    def left(self) -> float | None:
        """Seconds until the time limit."""
        return None if self._end is None else self._end - time.monotonic()

    def starts(self, search: Search) -> list[Start]:
        """What the last round is to train: every stage is done, or done already, for this.

        Args:
            search: begins a search in a folder, or goes on with it.

        Raises:
            Unfinished: the time limit was reached.
            SeesawError: a stage cannot be carried out.
        """
        found: list[Start] | None = None
        stages = planned(self._problem.settings, self._problem.subject.n_validation, self._below / "1-supernet")
        following = [stage.count for stage in stages[1:]] + [self._problem.settings.trials]
        for number, (stage, count) in enumerate(zip(stages, following, strict=True), start=1):
            path = self._below / f"{number}-{stage.name}"
            if stage.name not in {done.name for done in self.done}:
                if self._listener:
                    self._listener.stage(number, len(stages) + 1, stage.what, stage.count)
                self._note(self._carried_out(stage, path, found, search))
            if stage.count:
                found = _best(path, self._problem.settings.objectives, count)
        if self._listener:
            self._listener.stage(len(stages) + 1, len(stages) + 1, LAST, count)
        return found or []

    def _carried_out(self, stage: Stage, path: Path, starts: list[Start] | None, search: Search) -> Done:
        if not stage.count:
            from seesaw_nas import supernets

            trained = supernets.train_in(path, stage.settings, self._problem, listener=self._listener)
            return Done(stage.name, stage.what, 0, trained.seconds, None)
        result = search(path, stage.settings, starts, self.left)
        if result.ended == LIMIT:
            raise Unfinished(LIMIT)
        return summed(stage.name, stage.what, result.trials)

    def _note(self, done: Done) -> None:
        self.done = (*self.done, done)
        write_json(self._folder.path / FILE, {"stages": [asdict(entry) for entry in self.done]})


def read(folder: RunFolder) -> tuple[Done, ...]:
    """The stages that a search has behind it; none where its plan has no stages.

    Raises:
        RunError: the file is damaged.
    """
    path = folder.path / FILE
    try:
        return tuple(Done(**entry) for entry in json.loads(path.read_text(encoding="utf-8"))["stages"])
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path} is damaged ({error}); delete it, and the stages are looked through again") from None


def summed(name: str, what: str, trials: Sequence[TrialRecord]) -> Done:
    """What a stage's trials came to."""
    complete = [record for record in trials if record.state == "complete"]
    best = max((record.top1 or 0.0 for record in complete), default=None)
    return Done(name, what, len(complete), sum(record.seconds for record in trials), best)


def _best(path: Path, objectives: str, count: int) -> list[Start]:
    """The best of a stage's architectures, to begin the next one with."""
    from seesaw_nas.search.reading import records_of
    from seesaw_nas.search.starts import Start
    from seesaw_nas.search.strategies.base import Observed, best_first

    complete = [record for record in records_of(RunFolder.open(path)) if record.state == "complete"]
    found = best_first([Observed(record, record.top1 or 0.0) for record in complete], objectives)
    return [Start(entry.record.spec, f"{path.name}: trial {entry.record.number}, {entry.top1:.2%}") for entry in found][
        :count
    ]


def shares(done: Sequence[Done]) -> list[dict[str, Any]]:
    """Each stage in JSON values, with its share of all seconds."""
    total = sum(entry.seconds for entry in done) or 1.0
    return [asdict(entry) | {"share": entry.seconds / total} for entry in done]
