"""The result of a search, and the files that hold it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from seesaw_nas import report
from seesaw_nas.architecture import specfile
from seesaw_nas.architecture.specfile import Named
from seesaw_nas.core import markup
from seesaw_nas.core.files import write_json
from seesaw_nas.core.run_folder import RunFolder
from seesaw_nas.core.units import format_top1
from seesaw_nas.deploy import latency
from seesaw_nas.deploy.latency import LatencySettings, NetworkLatencies, Timings
from seesaw_nas.deploy.latency.measuring import conditions
from seesaw_nas.evaluators import TABLE, needs, trains
from seesaw_nas.evaluators.words import words
from seesaw_nas.report import Run
from seesaw_nas.search import standing
from seesaw_nas.search.records import CompleteTrial, TrialRecord
from seesaw_nas.search.standing import Standing
from seesaw_nas.workflows import confirmation
from seesaw_nas.workflows.confirmation import Confirmed
from seesaw_nas.workflows.problem import Problem, make_problem
from seesaw_nas.workflows.run_reading import conditions_of, describe_images, read_timings
from seesaw_nas.workflows.shared_plan import SharedPlan, StepResult, shares

if TYPE_CHECKING:
    from seesaw_nas.report import Run
    from seesaw_nas.search.listener import Listener

FRONT = LatencySettings(backends=("fused", "onnxruntime"))  # what one would deploy


@dataclass(frozen=True)
class Result:
    """What a run found so far; :func:`collect` makes it, and nothing in it reads a file.

    Attributes:
        ended: why the search stopped.
        trials: every proposal, in order.
        confirmed: the best trained again, where that was done.
        timings: latencies of the front, where they were measured.
        steps: what each step of plan ``shared`` came to; none by another plan.
    """

    folder: RunFolder
    problem: Problem
    ended: str
    trials: tuple[TrialRecord, ...]
    confirmed: Confirmed
    timings: Timings
    steps: tuple[StepResult, ...] = ()

    @cached_property
    def standing(self) -> Standing:
        """How the trained architectures stand to each other, by estimate or as observed."""
        problem = self.problem
        epochs, profile = problem.evaluator.epochs, problem.given.profile
        return standing.of_run(problem.settings, self.trials, problem.space, problem.budget, epochs, profile)

    def front(self) -> list[CompleteTrial]:
        """The trained architectures that no other beats in both worth and cost, the cheapest first."""
        return self.standing.front()

    @property
    def best(self) -> CompleteTrial | None:
        """The trained architecture that is worth most; ``None`` when none was trained.

        Where the best were trained again, it is the one of these with the highest mean.
        """
        return self.standing.best(self.confirmed.means)

    def __repr__(self) -> str:
        """``<Result digits-600K: 16 trials, 16 complete; best trial 6, 98.89% at 317,344 Multi-Adds>``."""
        done, best = sum(record.state == "complete" for record in self.trials), self.best
        told = "nothing found" if best is None else f"best {_in_short(best)}"
        return f"<Result {self.folder.name}: {len(self.trials):,} trials, {done:,} complete; {told}>"

    def _repr_html_(self) -> str:
        headings = ("trial", "Multi-Adds", "Params", "top-1 or score", "digest")
        front = [
            (record.number, record.macs, record.params, format_top1(record.top1), record.digest)
            for record in self.front()
        ]
        return markup.table(f"{repr(self)[1:-1]}; ended because {self.ended}. The front:", headings, front)

    def frame(self) -> Any:
        """A pandas DataFrame, one row a proposal; see :func:`seesaw_nas.report.frame`."""
        return report.frame(self.trials)

    @property
    def stages(self) -> list[dict[str, Any]]:
        """What each stage of plan ``shared`` came to and cost, with its share of all seconds; empty by another plan."""
        done = list(self.steps)
        if done and (repeats := self.confirmed.repeats):
            best = max(self.confirmed.means.values(), default=None)
            seconds = sum(repeat.seconds for repeat in repeats)
            done.append(StepResult("again", "trained again with other seeds", len(repeats), seconds, best))
        return shares(done)

    def named(self, trial: CompleteTrial) -> Named:
        """The architecture of a trained trial, under a name that says where it is from."""
        dataset = self.problem.settings.training.dataset if self.problem.subject.name else ""
        return Named(f"{self.folder.name}-{trial.number}", trial.architecture, dataset)


def _in_short(record: CompleteTrial) -> str:
    return f"trial {record.number}, {format_top1(record.top1)} at {record.macs:,} Multi-Adds"


def collect(folder: RunFolder, problem: Problem, ended: str, trials: Sequence[TrialRecord]) -> Result:
    """What a run found so far, with what its folder holds beside the trials.

    Raises:
        RunError: a file of the folder is damaged.
    """
    return Result(
        folder,
        problem,
        ended,
        tuple(trials),
        confirmation.read(folder.confirmed),
        read_timings(folder),
        tuple(SharedPlan(folder, problem, None, None).all(trials)) if problem.settings.steps.plan == "shared" else (),
    )


def time_front(result: Result, listener: Listener | None = None) -> Timings | None:
    """Time the members of the front on the search's device, into ``latency.json``; ``None`` where all are timed.

    Figures to be compared are from one go: a front with one new member is timed anew as a whole.
    """
    front = result.front()
    if {member.digest for member in front} <= result.timings.latencies.keys():
        return None
    settings = replace(FRONT, device=str(result.problem.device))
    found = []
    for number, member in enumerate(front, start=1):

        def step(what: str, done: int, total: int, number: int = number) -> None:
            if listener:
                listener.timing(f"{number} of {len(front)}, {what}", (number - 1) * total + done, len(front) * total)

        named = result.named(member)
        found.append(NetworkLatencies(named, latency.measure(named.architecture, settings, on_step=step)))
    write_json(result.folder.latency, latency.document(found, conditions(settings)))
    return read_timings(result.folder)


def confirm(result: Result, listener: Listener | None = None) -> Confirmed:
    """Train the best again with several seeds, by the whole recipe on all training images, into ``confirmed.json``."""
    problem, settings = result.problem, result.problem.settings
    if settings.scoring.evaluator == "trained" and settings.whole != settings:
        problem = make_problem(settings.whole, problem.given, problem.space_file)
    recipe, evaluator = problem.settings.training.fitted_recipe, settings.scoring.evaluator
    how = {
        "evaluator": settings.scoring.evaluator,
        "recipe": f"{recipe.name}: {recipe.summary}" if trains(evaluator) or needs(evaluator) == TABLE else "",
        "images": describe_images(problem.subject),
    }
    chosen = confirmation.candidates(result.standing, settings.winners)
    first = settings.training.seed + 1  # the trials' own seeds are no small numbers
    return confirmation.confirm(
        result.folder.confirmed,
        chosen,
        range(first, first + settings.ending.confirm_seeds),
        problem.placed,
        how,
        listener.confirming if listener else None,
    )


def write_results(result: Result) -> None:
    """Write the run's ``pareto.csv``, ``front.json``, ``best.json`` and ``report.html`` anew."""
    folder, problem, timings = result.folder, result.problem, result.timings
    report.write_csv(
        folder.pareto,
        result.trials,
        budget=problem.budget,
        timings=timings,
        standing=result.standing,
        profile=problem.given.profile,
    )
    members = [specfile.document(result.named(trial), _provenance(result, trial)) for trial in result.front()]
    write_json(folder.front, specfile.front_document(members))
    report.write_report(folder.report, _as_reported(result))
    if (best := result.best) is not None:
        write_json(folder.best, specfile.document(result.named(best), _provenance(result, best)))


def _provenance(result: Result, trial: CompleteTrial) -> dict[str, Any]:
    settings, timings, subject = result.problem.settings, result.timings, result.problem.subject
    evaluator = settings.scoring.evaluator
    said = words(evaluator)
    found: dict[str, Any] = {
        "top1": trial.top1,
        **({"split": trial.split} if said.is_accuracy else {}),
        "seed": trial.seed,
        "n_seeds": 1,
        "run": result.folder.name,
        "trial": trial.number,
        **({"dataset": settings.training.dataset} if subject.name else {}),
        **({"n_train": subject.n_train, "n_validation": subject.n_validation} if subject.n_train else {}),
        "evaluator": evaluator,
        "conditions": result.folder.description["conditions"],
    }
    if figures := result.standing.figures(trial):
        found |= asdict(figures)
    if trains(evaluator) or needs(evaluator) == TABLE:
        found |= {"recipe": settings.training.recipe, "epochs": settings.training.fitted_recipe.epochs}
    if spread := result.confirmed.spreads.get(trial.digest):
        found["confirmed"] = {"conditions": dict(result.confirmed.conditions), **asdict(spread)}
    if of_best := timings.latencies.get(trial.digest):
        found["latency"] = {"conditions": timings.conditions, "latencies": [asdict(entry) for entry in of_best]}
    return found


def _as_reported(result: Result) -> Run:
    problem, images = result.problem, describe_images(result.problem.subject)
    return Run(
        name=result.folder.name,
        records=result.trials,
        budget=problem.budget,
        settings=problem.settings,
        space=problem.space,
        conditions=conditions_of(
            result.folder, problem.settings, problem.space.name, images, result.timings, result.confirmed
        ),
        timings=result.timings,
        spreads=result.confirmed.spreads,
        ranked=result.standing,
        profile=problem.given.profile,
    )
