"""The plan `shared`: a search in steps, each of which judges fewer architectures at a higher cost each.

Users meet the steps as stages: in the folder ``stages/``, in ``stages.json`` and on the terminal.

A supernet is trained; thousands are scored with its weights; the best of these are trained on from its weights; then
architectures are trained from scratch in rounds, each with a learning rate schedule of its own, since top-1 early in a
long schedule says little. Half of the first round are the best so far; the strategy proposes the others, having learnt
from these, so that a supernet which misleads costs half a round and no more. The last round is the search's own.

Every step is a run in a folder below the search's, with files and records of its own, and goes on where it stopped.
How well it agrees with the step before, on what both judged, is noted.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seesaw_nas.core.documents import DocumentError, read_json
from seesaw_nas.core.errors import RunError, SpecError
from seesaw_nas.core.fields import at_path, check_distinct, take_fields
from seesaw_nas.core.files import write_json
from seesaw_nas.core.kendall import kendall
from seesaw_nas.core.run_folder import RunFolder, is_run
from seesaw_nas.core.typed import build, conform
from seesaw_nas.evaluators.words import words
from seesaw_nas.search import halving, standing
from seesaw_nas.search.history.places import records_of
from seesaw_nas.search.records import CompleteTrial, TrialRecord, complete
from seesaw_nas.search.settings import SearchSettings
from seesaw_nas.search.starts import Start
from seesaw_nas.search.strategies.base import Observed, best_first
from seesaw_nas.search.topics import ESTIMATE
from seesaw_nas.training import memory
from seesaw_nas.workflows import supernets

if TYPE_CHECKING:
    from seesaw_nas.search.listener import Listener
    from seesaw_nas.search.starts import Start
    from seesaw_nas.workflows.problem import Problem

FOLDER = "stages"
FILE = "stages.json"
INHERITED_IMAGES = 1000  # validation images of an inherited score, where the settings name no number
TUNING_EPOCHS = 1
LIMIT = "the time limit is reached"
# Begins a search in a folder, or goes on with it, and returns why it ended and every proposal.
Search = Callable[[Path, SearchSettings, "Sequence[Start] | None", float | None], tuple[str, Sequence[TrialRecord]]]


@dataclass(frozen=True, slots=True)
class Step:
    """What one step is to do.

    Attributes:
        name: of its folder, behind its number.
        what: in words.
        count: architectures that it judges; 0 for the supernet.
        takes: how many of them are the best of the step before; the strategy proposes the others.
        settings: of its run.
    """

    name: str
    what: str
    count: int
    takes: int
    settings: SearchSettings


@dataclass(frozen=True, slots=True)
class StepResult:
    """What a step came to.

    Attributes:
        count: architectures that it judged.
        seconds: of training and scoring, summed over workers.
        best: the highest validation top-1; ``None`` for the supernet.
        tau: Kendall's, of its top-1 and that of the step before, over what both judged; ``None`` below three.
        both: how many these are.
    """

    name: str
    what: str
    count: int
    seconds: float
    best: float | None
    tau: float | None = None
    both: int = 0


class Unfinished(Exception):
    """A step ended before it was done; the argument says why."""


def plan_steps(settings: SearchSettings, n_validation: int, supernet: Path) -> list[Step]:
    """The steps, of which the last is the search's own round.

    Args:
        n_validation: images there are.
        supernet: folder that holds the supernet, or will.
    """
    before = list(_shared(settings, n_validation, supernet)) if settings.steps.candidates else []
    return [*before, *_rounds(settings, before[-1].count if before else 0)]


def _plain(settings: SearchSettings) -> SearchSettings:
    """What every step has in common."""
    return settings.replace(plan="plain", seed_with=(), confirm=0, latency=False)


def _shared(settings: SearchSettings, n_validation: int, supernet: Path) -> Iterator[Step]:
    """The steps that rest on a supernet."""
    plain, images = _plain(settings), settings.scoring.validation_size or min(INHERITED_IMAGES, n_validation)
    yield Step("supernet", "a supernet trained", 0, 0, plain)
    what = f"scored with its weights on {images:,} images"
    inherited = plain.replace(evaluator="inherited", supernet=str(supernet), trials=settings.steps.candidates)
    inherited = inherited.replace(validation_size=images, seed_with=settings.proposals.seed_with)
    yield Step("inherited", what, settings.steps.candidates, 0, inherited)
    if settings.steps.tuned:
        tuned = plain.replace(
            evaluator="tuned", supernet=str(supernet), trials=settings.steps.tuned, epochs=TUNING_EPOCHS
        )
        what = "trained on from its weights for an epoch"
        yield Step("tuned", what, settings.steps.tuned, settings.steps.tuned, tuned)


def _rounds(settings: SearchSettings, judged: int) -> Iterator[Step]:
    """Successive halving, at whose last level is the search itself; ``judged`` architectures come from before."""
    plain, epochs = _plain(settings), settings.training.fitted_recipe.epochs
    reduction = plain.scheduling.reduction
    minimum = plain.scheduling.min_epochs or math.ceil(epochs / reduction)
    levels = halving.make("asha", epochs, reduction=reduction, minimum=minimum).levels
    for above, level in zip(reversed(range(len(levels))), levels, strict=True):
        count = plain.proposals.trials * reduction**above
        takes = count if level > levels[0] else min(judged, math.ceil(count / 2))
        what = f"trained from scratch for {level} epoch{'s' if level > 1 else ''}"
        first = settings.proposals.seed_with if level == levels[0] and not judged else ()
        yield Step(f"epochs-{level}", what, count, takes, plain.replace(trials=count, epochs=level, seed_with=first))


class SharedPlan:
    """The steps of one search, in its folder."""

    def __init__(
        self, folder: RunFolder, problem: Problem, listener: Listener | None, time_limit: float | None
    ) -> None:
        """Take them up where they stand.

        Raises:
            RunError: what the steps left is damaged.
        """
        self._folder, self._problem, self._listener = folder, problem, listener
        self._end = None if time_limit is None else time.monotonic() + time_limit
        self._below = folder.path.resolve() / FOLDER
        self._planned = plan_steps(problem.settings, problem.subject.n_validation, self._below / "1-supernet")
        self.done = read(folder)

    @property
    def to_come(self) -> list[Step]:
        """The steps that are not done, without the last round."""
        done = {entry.name for entry in self.done}
        return [step for step in self._planned[:-1] if step.name not in done]

    @property
    def left(self) -> float | None:
        """Seconds until the time limit."""
        return None if self._end is None else self._end - time.monotonic()

    def starts(self, search: Search) -> list[Start]:
        """What the last round begins with: every step before it is done, or done already, for this.

        Args:
            search: begins a search in a folder, or goes on with it.

        Raises:
            Unfinished: the time limit was reached.
            SeesawError: a step cannot be carried out.
        """
        before: Path | None = None
        for number, step in enumerate(self._planned[:-1], start=1):
            path = self._path(number)
            if step.name not in {done.name for done in self.done}:
                self._tell(number)
                self._note(self._carry_out(step, path, before, search))
            before = path if step.count else None
        self._tell(len(self._planned))
        return self._best(before, self._planned[-1].takes) or []

    def _path(self, number: int) -> Path:
        return self._below / f"{number}-{self._planned[number - 1].name}"

    def _tell(self, number: int) -> None:
        step = self._planned[number - 1]
        if self._listener:
            self._listener.stage(number, len(self._planned), step.what, step.count)

    def _carry_out(self, step: Step, path: Path, before: Path | None, search: Search) -> StepResult:
        if not step.count:
            seconds = supernets.train_in(path, step.settings, self._problem, listener=self._listener).seconds
            memory.release()  # the next steps load it from its folder
            return StepResult(step.name, step.what, 0, seconds, None)
        ended, trials = search(path, step.settings, self._best(before, step.takes), self.left)
        if ended == LIMIT:
            raise Unfinished(LIMIT)
        return sum_up(step, trials, before)

    def _note(self, done: StepResult) -> None:
        self.done = (*self.done, done)
        write_json(self._folder.path / FILE, {"stages": [asdict(entry) for entry in self.done]})

    def _best(self, path: Path | None, count: int) -> list[Start] | None:
        """The best of a step's architectures, to begin the next one with; ``None`` where there is no such step."""
        if path is None:
            return None
        (settings,) = (step.settings for i, step in enumerate(self._planned, start=1) if self._path(i) == path)
        trials = records_of(RunFolder.open(path))
        problem = self._problem
        found = standing.of_run(settings, trials, problem.space, problem.budget, profile=problem.given.profile)
        worths = [Observed(row.trial.number, row.trial.architecture, row.macs, row.worth) for row in found.rows]
        chosen = best_first(worths, settings.proposals.objectives, problem.cost)[:count]
        said = words(settings.scoring.evaluator)
        what = "estimated " if found.by == ESTIMATE else ""
        return [
            Start(one.architecture, f"{path.name}: trial {one.number}, {what}{said.figure(one.top1)}") for one in chosen
        ]

    def all(self, trials: Sequence[TrialRecord]) -> list[StepResult]:
        """What every step came to, the last round by its ``trials``."""
        last = len(self._planned)
        before = self._path(last - 1) if last > 1 and self._planned[-2].count else None
        return [*self.done, sum_up(self._planned[-1], trials, before)]


def _complete(path: Path) -> list[CompleteTrial]:
    return complete(records_of(RunFolder.open(path)))


def read(folder: RunFolder) -> tuple[StepResult, ...]:
    """The steps that a search has behind it; none where its plan has no steps.

    Raises:
        RunError: the file is damaged.
    """
    path = folder.path / FILE
    if not path.exists():
        return ()
    try:
        return _steps(read_json(path))
    except (DocumentError, SpecError) as error:
        raise RunError(f"{path} is damaged ({error}); delete it, and the stages are looked through again") from None


def _steps(value: Any) -> tuple[StepResult, ...]:
    steps = []
    for i, entry in enumerate(conform("stages", tuple[Any, ...], take_fields(value, ["stages"])["stages"])):
        with at_path(f"stages[{i}]"):
            steps.append(build(StepResult, entry))
    check_distinct("stages", [step.name for step in steps])
    return tuple(steps)


def sum_up(step: Step, trials: Sequence[TrialRecord], before: Path | None) -> StepResult:
    """What a step's trials came to, held against the step in the folder ``before``."""
    done = complete(trials)
    best = max((trial.top1 for trial in done), default=None)
    tau, both = _agreement(done, _complete(before) if before and is_run(before) else [])
    return StepResult(step.name, step.what, len(done), sum(record.seconds for record in trials), best, tau, both)


def _agreement(trials: Sequence[CompleteTrial], before: Sequence[CompleteTrial]) -> tuple[float | None, int]:
    earlier = {trial.digest: trial.top1 for trial in before}
    pairs = [(earlier[trial.digest], trial.top1) for trial in trials if trial.digest in earlier]
    tau = kendall(*zip(*pairs, strict=True)).tau if len(pairs) > 2 else math.nan
    return None if math.isnan(tau) else tau, len(pairs)


def shares(done: Sequence[StepResult]) -> list[dict[str, Any]]:
    """Each step in JSON values, with its share of all seconds."""
    total = sum(entry.seconds for entry in done) or 1.0
    return [asdict(entry) | {"share": entry.seconds / total} for entry in done]
