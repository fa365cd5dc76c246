"""What a run found, and the files that say so."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from seesaw_nas import confirmation, latency, records, specfile
from seesaw_nas.confirmation import Confirmed
from seesaw_nas.latency import NO_TIMINGS, LatencySettings, Measured, Timings
from seesaw_nas.problem import Problem, pose
from seesaw_nas.records import RunFolder, TrialRecord
from seesaw_nas.specfile import Named

if TYPE_CHECKING:
    from seesaw_nas.search.listener import Listener

FRONT = LatencySettings(backends=("fused", "onnxruntime"))  # what one would deploy


@dataclass(frozen=True)
class Result:
    """What a run found so far.

    Attributes:
        ended: why the search stopped.
        trials: every proposal, in order.
    """

    folder: RunFolder
    problem: Problem
    ended: str
    trials: tuple[TrialRecord, ...]

    def front(self) -> list[TrialRecord]:
        """The trained architectures that no other beats in both top-1 and Multi-Adds, the cheapest first."""
        return records.front(list(self.trials))

    @property
    def best(self) -> TrialRecord | None:
        """The trained architecture with the highest validation top-1; ``None`` when none was trained.

        Where the best were trained again, it is the one of these with the highest mean.
        """
        if not (spreads := self.confirmed.spreads):
            return records.best(list(self.trials))
        again = [trial for trial in self.trials if trial.state == "complete" and trial.digest in spreads]
        return max(again, key=lambda trial: (spreads[trial.digest].mean, -(trial.macs or 0)))

    def frame(self) -> Any:
        """A pandas DataFrame, one row a proposal; see :func:`seesaw_nas.report.frame`."""
        from seesaw_nas import report

        return report.frame(self.trials)

    @property
    def confirmed(self) -> Confirmed:
        """The repeats in the run's folder."""
        return confirmation.read(self.folder.confirmed)

    @property
    def timings(self) -> Timings:
        """The latencies in the run's folder."""
        return read_timings(self.folder)

    def named(self, trial: TrialRecord) -> Named:
        """The architecture of a trained trial, under a name that says where it is from."""
        assert trial.architecture is not None, "only a legal architecture is trained"
        return Named(f"{self.folder.name}-{trial.number}", trial.architecture, self.problem.settings.dataset)


def read_timings(folder: RunFolder) -> Timings:
    """What a run's ``latency.json`` says; empty without one.

    Raises:
        RunError: the file is damaged.
    """
    return latency.read(folder.latency) if folder.latency.exists() else NO_TIMINGS


def time_front(result: Result, listener: Listener | None = None) -> bool:
    """Time the members of the front on the search's device, into ``latency.json``; whether there was anything to time.

    Figures to be compared are from one go: a front with one new member is timed anew as a whole.
    """
    front = result.front()
    if {member.digest for member in front} <= result.timings.latencies.keys():
        return False
    from seesaw_nas.latency.measuring import conditions

    settings = replace(FRONT, device=str(result.problem.device))
    found = []
    for number, member in enumerate(front, start=1):

        def step(what: str, done: int, total: int, number: int = number) -> None:
            if listener:
                listener.timing(f"{number} of {len(front)}, {what}", (number - 1) * total + done, len(front) * total)

        named = result.named(member)
        found.append(Measured(named, latency.measure(named.architecture, settings, on_step=step)))
    records.write_json(result.folder.latency, latency.document(found, conditions(settings)))
    return True


def confirm(result: Result, listener: Listener | None = None) -> Confirmed:
    """Train the best again with several seeds, by the whole recipe on all training images, into ``confirmed.json``."""
    problem, settings = result.problem, result.problem.settings
    if settings.evaluator == "trained" and settings.whole != settings:
        problem = pose(settings.whole, problem.given)
    recipe = problem.settings.fitted_recipe
    how = {
        "evaluator": settings.evaluator,
        "recipe": f"{recipe.name}: {recipe.summary}",
        "images": f"{problem.subject.n_train:,} to train on, {problem.subject.n_validation:,} to validate on",
    }
    chosen = confirmation.candidates(result.trials, settings.confirm)
    first = settings.seed + 1  # the trials' own seeds are no small numbers
    return confirmation.confirm(
        result.folder.confirmed,
        chosen,
        range(first, first + settings.confirm_seeds),
        problem.evaluator,
        how,
        listener.confirming if listener else None,
    )


def write_results(result: Result) -> None:
    """Write the run's ``pareto.csv``, ``best.json`` and ``report.html`` anew."""
    from seesaw_nas import report

    folder, problem, timings = result.folder, result.problem, result.timings
    found = list(result.trials)
    report.write_csv(folder.pareto, found, budget=problem.budget, timings=timings)
    report.write_html(
        folder.report,
        found,
        title=folder.name,
        dataset=problem.settings.dataset,
        budget=problem.budget,
        conditions=_shown_conditions(result),
        timings=timings,
    )
    if (best := result.best) is not None:
        records.write_json(folder.best, specfile.document(result.named(best), _provenance(result, best)))


def _provenance(result: Result, trial: TrialRecord) -> dict[str, Any]:
    settings, timings = result.problem.settings, result.timings
    found: dict[str, Any] = {
        "top1": trial.top1,
        "split": trial.split,
        "seed": trial.seed,
        "n_seeds": 1,
        "run": result.folder.name,
        "trial": trial.number,
        "dataset": settings.dataset,
        "n_train": result.problem.subject.n_train,
        "n_validation": result.problem.subject.n_validation,
        "recipe": settings.recipe,
        "epochs": settings.fitted_recipe.epochs,
        "conditions": result.folder.read()["conditions"],
    }
    if spread := result.confirmed.spreads.get(trial.digest):
        found["confirmed"] = {"conditions": dict(result.confirmed.conditions), **asdict(spread)}
    if of_best := timings.latencies.get(trial.digest):
        found["latency"] = {"conditions": timings.conditions, "latencies": [asdict(entry) for entry in of_best]}
    return found


def _shown_conditions(result: Result) -> dict[str, str]:
    settings, subject = result.problem.settings, result.problem.subject
    shown = {
        "data set": settings.dataset,
        "images": f"{subject.n_train:,} to train on, {subject.n_validation:,} to validate on",
        "space": result.problem.space.name,
        "strategy": settings.strategy,
        "recipe": f"{settings.recipe}: {settings.fitted_recipe.summary}",
        "seed": str(settings.seed),
        **result.folder.read()["conditions"],
    }
    return shown | {f"latency: {name}": text for name, text in result.timings.conditions.items()}
