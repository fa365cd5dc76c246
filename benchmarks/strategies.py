"""Search strategies on recorded trainings: ours beside plain Optuna, at equal epochs.

    python benchmarks/strategies.py --table FILE [--seeds 20] [--trainings 100] [--ours NAME[:SCHEDULER[:OBJECTIVES]]]

A table of `seesaw-nas tabulate` answers in place of a training, so that hundreds of searches take minutes; what a
search costs is counted in the epochs it would have trained. Ours run through the same code as `seesaw-nas search`. The
peers are Optuna's samplers with their defaults, as a user would write them down: every gene a categorical parameter,
in-memory storage, and a draw outside the budget pruned with its violation as a constraint, at no cost. A draw that
comes again is trained again. "top1" at the end of a name: a study of top-1 alone; random draws are the same in either.

Observed is what a search saw: of the nearest recorded architecture one training, with the Multi-Adds of the one it
asked for. Recorded is what that is worth: the mean of the nearest one's trainings, the one seen among them, with its
own Multi-Adds, so that nothing is gained by asking for something cheaper than what answers. Genes is by how many the
two differ, on average. At a mark, what was trained to its end by then counts.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import optuna

from seesaw_nas import pareto
from seesaw_nas.architecture import cost
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.conditions import conditions
from seesaw_nas.core.errors import SpecError
from seesaw_nas.search import DEFAULT_STRATEGY, STRATEGIES, SearchSettings, strategies
from seesaw_nas.search.history import history
from seesaw_nas.search.history.file_history import FileHistory
from seesaw_nas.search.proposer import Proposer
from seesaw_nas.search.strategies.base import Setting
from seesaw_nas.space import decode, genes
from seesaw_nas.workflows.problem import Problem, make_problem

RESULTS = Path(__file__).parent / "results" / "strategies.json"
MARKS = (0.25, 0.5, 0.75, 1.0)  # of the allowance
REFERENCE = (0.0, 1.0)  # of the hypervolume: top-1, and Multi-Adds over the budget's upper end
MAX_DRAWS = 100  # of a peer for each training of the allowance; then it has found too little within the budget
MEMORY = Path("/dev/shm")
BY_COST = ("top1", "recorded_top1", "hypervolume", "recorded_hypervolume")
COUNTS = ("trainings", "genes", "infeasible", "repeated", "seconds")
MakeSampler = Callable[[int], optuna.samplers.BaseSampler]
PEERS: dict[str, tuple[MakeSampler, str]] = {
    "optuna random": (lambda seed: optuna.samplers.RandomSampler(seed), "front"),
    "optuna tpe": (lambda seed: optuna.samplers.TPESampler(seed=seed), "front"),
    "optuna nsga2": (lambda seed: optuna.samplers.NSGAIISampler(seed=seed), "front"),
    "optuna tpe top1": (lambda seed: optuna.samplers.TPESampler(seed=seed), "top1"),
}
TO_REACH = ("optuna tpe", "optuna tpe top1")


@dataclass(frozen=True, slots=True)
class Trained:
    """An architecture trained to its end, and what had been spent by then.

    Attributes:
        spent: epochs.
        top1, share: of the training seen, and Multi-Adds over the budget's upper end.
        recorded_top1, recorded_share: of the recorded architecture that answered, over all its trainings.
        differing: genes in which it differs.
    """

    spent: int
    top1: float
    share: float
    recorded_top1: float
    recorded_share: float
    differing: int


@dataclass
class Course:
    """What one search did with its allowance.

    Attributes:
        infeasible: draws that were no architecture within the budget.
        repeated: draws of an architecture that was drawn before; peers train it again, ours do not.
    """

    allowance: int
    spent: int = 0
    trained: list[Trained] = field(default_factory=list)
    infeasible: int = 0
    repeated: int = 0
    seconds: float = 0.0

    def at(self, mark: float) -> dict[str, float]:
        found = [entry for entry in self.trained if entry.spent <= mark * self.allowance]
        if not found:
            return dict.fromkeys(BY_COST, 0.0)
        best = incumbent(found)
        seen = pareto.hypervolume([(entry.top1, entry.share) for entry in found], REFERENCE)
        worth = pareto.hypervolume([(entry.recorded_top1, entry.recorded_share) for entry in found], REFERENCE)
        return dict(zip(BY_COST, (best.top1, best.recorded_top1, seen, worth), strict=True))

    def reaches(self, what: str, target: float) -> float:
        """The share of the allowance from which on the best observed is at least that good; infinite if never."""
        since = float("inf")
        for n in range(len(self.trained), 0, -1):
            if getattr(incumbent(self.trained[:n]), what) < target:
                break
            since = self.trained[n - 1].spent / self.allowance
        return since


def incumbent(found: list[Trained]) -> Trained:
    """The best observed; of equals the one with the fewest Multi-Adds."""
    return max(found, key=lambda entry: (entry.top1, -entry.share))


@dataclass(frozen=True)
class Contender:
    """One of ours."""

    strategy: str
    scheduler: str = "none"
    objectives: str = "front"

    @classmethod
    def parse(cls, text: str) -> Contender:
        return cls(*text.split(":"))

    @property
    def name(self) -> str:
        parts = [self.strategy, self.scheduler, self.objectives]
        return " ".join(part for part in parts if part not in ("none", "front"))


class Bench:
    """A table, and how a search of it is counted."""

    def __init__(self, path: Path, trainings: int) -> None:
        self.settings = SearchSettings.of(evaluator="table", table=str(path), device="cpu")
        self.problem: Problem = make_problem(self.settings)
        self.epochs = self.problem.evaluator.epochs
        self.trainings = trainings
        self._mean_top1 = {
            entry.architecture.digest: statistics.mean(curve[-1].top1 for curve in entry.curves.values())
            for entry in self.problem.evaluator.table.entries
        }

    @property
    def best_recorded_top1(self) -> float:
        return max(self._mean_top1.values())

    @property
    def allowance(self) -> int:
        return self.trainings * self.epochs

    def complete(self, course: Course, architecture: Architecture, top1: float) -> None:
        """Note an architecture trained to its end."""
        high = self.problem.budget.high
        entry, differing = self.problem.evaluator.nearest(architecture)
        worth = self._mean_top1[entry.architecture.digest]
        share = cost.macs(architecture) / high
        course.trained.append(Trained(course.spent, top1, share, worth, entry.macs / high, differing))

    def ours(self, contender: Contender, seed: int) -> Course:
        """A search of ours, as :func:`seesaw_nas.api.search` and the loop put it together."""
        problem, course, reached = self.problem, Course(self.allowance), {}
        scheduled = SearchSettings.of(scheduler=contender.scheduler, objectives=contender.objectives)
        halving = scheduled.halving(self.epochs)
        with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
            path = Path(folder) / "trials.jsonl"
            trials = FileHistory(path, problem.space, problem.budget, seed, objectives=contender.objectives)
            setting = Setting(problem.feasible, seed, contender.objectives, halving.levels)
            strategy = strategies.make(contender.strategy, setting)
            # Under a scheduler the epochs end the search, not the trials, so it may begin as many as it likes.
            proposer = Proposer(trials, strategy, trials=self.allowance, epochs=self.epochs, halving=halving)
            while course.spent < self.allowance and (job := proposer.ask()) is not None:
                if (spent := course.spent + job.until - reached.get(job.number, 0)) > self.allowance:
                    break
                course.spent, reached[job.number] = spent, job.until
                score = problem.evaluator.evaluate(job.architecture, seed=job.seed, until=job.until)
                proposer.tell(job, score)
                if job.until == self.epochs:
                    self.complete(course, job.architecture, score.top1)
            states = [record.state for record in trials.records()]
        course.infeasible, course.repeated = states.count("infeasible"), states.count("duplicate")
        return course

    def peer(self, name: str, seed: int) -> Course:
        """A search as a user of Optuna would write it."""
        problem, course, drawn = self.problem, Course(self.allowance), set()
        make_sampler, objectives = PEERS[name]
        choices = genes(problem.space)

        def objective(trial: optuna.Trial) -> float | tuple[float, float]:
            genotype = {gene: trial.suggest_categorical(gene, texts) for gene, texts in choices.items()}
            try:
                architecture = decode(problem.space, genotype)
            except SpecError:
                trial.set_constraint(history.ILLEGAL, 1.0)
                course.infeasible += 1
                raise optuna.TrialPruned from None
            macs = cost.macs(architecture)
            for constraint, by in history.violations(macs, problem.budget).items():
                trial.set_constraint(constraint, by)
            if macs not in problem.budget:
                course.infeasible += 1
                raise optuna.TrialPruned
            course.repeated += architecture.digest in drawn
            drawn.add(architecture.digest)
            score = problem.evaluator.evaluate(architecture, seed=history.trial_seed(seed, trial.number))
            course.spent += self.epochs
            self.complete(course, architecture, score.top1)
            return score.top1 if objectives == "top1" else (score.top1, macs)

        def enough(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
            if course.spent >= self.allowance:
                study.stop()

        study = optuna.create_study(sampler=make_sampler(seed), directions=history.DIRECTIONS[objectives])
        study.optimize(objective, n_trials=MAX_DRAWS * self.trainings, callbacks=[enough])
        return course


def search_all(bench: Bench, contenders: list[Contender], seeds: int) -> dict[str, list[Course]]:
    """Every search with every seed, all of them in turn within a seed."""
    searches: dict[str, Callable[[int], Course]] = {
        c.name: lambda seed, c=c: bench.ours(c, seed) for c in contenders
    } | {name: lambda seed, name=name: bench.peer(name, seed) for name in PEERS}
    found: dict[str, list[Course]] = {name: [] for name in searches}
    for seed in range(seeds):
        for name, search in searches.items():
            start = time.perf_counter()
            found[name].append(search(seed))
            found[name][-1].seconds = time.perf_counter() - start
        print(f"seed {seed}: " + ", ".join(f"{n} {c[-1].seconds:.1f} s" for n, c in found.items()), flush=True)
    return found


def quartiles(values: list[float]) -> list[float | None]:
    """Lower quartile, median and upper quartile, each one of the values where some are infinite (``None``)."""
    method = "linear" if np.isfinite(values).all() else "inverted_cdf"
    return [rounded(v) for v in np.quantile(values, (0.25, 0.5, 0.75), method=method)]


def rounded(value: float) -> float | None:
    return round(float(value), 5) if np.isfinite(value) else None


def per_seed(courses: list[Course]) -> dict[str, list]:
    """Each figure by mark, then seed; the counts by seed."""
    at = [[course.at(mark) for course in courses] for mark in MARKS]
    figures: dict[str, list] = {what: [[rounded(f[what]) for f in row] for row in at] for what in BY_COST}
    figures["trainings"] = [len(course.trained) for course in courses]
    figures["genes"] = [rounded(np.mean([entry.differing for entry in course.trained])) for course in courses]
    for count in ("infeasible", "repeated", "seconds"):
        figures[count] = [rounded(getattr(course, count)) for course in courses]
    return figures


def summary(figures: dict[str, list]) -> dict[str, list]:
    """Quartiles over the seeds: of each figure by mark, and of the counts."""
    by_cost = {what: [quartiles(row) for row in figures[what]] for what in BY_COST}
    return by_cost | {what: quartiles(figures[what]) for what in COUNTS}


def above(ours: list[list[float]], peer: list[list[float]]) -> dict[str, list[float]]:
    """The share of seeds in which ours is higher, and in which both are the same, by mark."""
    wins = [statistics.mean(a > b for a, b in zip(*rows, strict=True)) for rows in zip(ours, peer, strict=True)]
    ties = [statistics.mean(a == b for a, b in zip(*rows, strict=True)) for rows in zip(ours, peer, strict=True)]
    return {"above": wins, "equal": ties}


def reach(ours: list[Course], peer: list[Course], what: str) -> dict[str, object]:
    """After what share of the allowance ours is as good as the peer with all of it; ``None`` for not within it."""
    shares = [a.reaches(what, getattr(incumbent(b.trained), what)) for a, b in zip(ours, peer, strict=True)]
    reached = statistics.mean(share <= 1 for share in shares)
    return {"quartiles": quartiles(shares), "reached": reached, "by_seed": [rounded(share) for share in shares]}


def measure(path: Path, options: argparse.Namespace) -> dict[str, object]:
    bench = Bench(path, options.trainings)
    courses = search_all(bench, options.ours, options.seeds)
    figures = {name: per_seed(found) for name, found in courses.items()}
    ours = [contender.name for contender in options.ours]
    versus = {
        name: {
            peer: {what: above(figures[name][what], figures[peer][what]) for what in BY_COST}
            | {
                f"reaches_{what}": reach(courses[name], courses[peer], what)
                for what in ("top1", "recorded_top1")
                if peer in TO_REACH
            }
            for peer in PEERS
        }
        for name in ours
    }
    table, summaries = bench.problem.evaluator.table, {name: summary(found) for name, found in figures.items()}
    about = {
        "file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "subject": asdict(table.subject),
        "space": bench.problem.space.name, "budget": table.budget, "architectures": len(table.entries),
        "fitting": str(bench.problem.feasible.count), "epochs": table.epochs, "allowance_epochs": bench.allowance,
        "best_recorded_top1": bench.best_recorded_top1,
        "recorded_on": table.about.get("conditions"),
    }  # fmt: skip
    show(about, summaries, versus)
    return {"table": about, "summary": summaries, "ours_against_peers": versus, "per_seed": figures}


def show(about: dict, summaries: dict[str, dict], versus: dict[str, dict]) -> None:
    """Print the figures at the whole allowance, medians with quartiles."""
    print(f"\n{about['file']}: {about['architectures']} architectures, allowance {about['allowance_epochs']} epochs")
    print(
        f"{'':22}"
        + "".join(f"{what:>26}" for what in BY_COST)
        + f"{'infeasible':>12}{'repeated':>10}{'genes':>7}{'s':>7}"
    )
    for name, found in summaries.items():
        cells = [f"{middle:.4f} ({low:.4f}-{high:.4f})" for low, middle, high in (found[w][-1] for w in BY_COST)]
        counts = f"{found['infeasible'][1]:12.0f}{found['repeated'][1]:10.0f}"
        counts += f"{found['genes'][1]:7.2f}{found['seconds'][1]:7.1f}"
        print(f"{name:22}" + "".join(f"{cell:>26}" for cell in cells) + counts)
    print("\nshare of seeds with a higher hypervolume at 25%, 50%, 75%, 100%, observed | recorded")
    for name, peers in versus.items():
        for peer, found in peers.items():
            shares = [" ".join(f"{v:4.2f}" for v in found[what]["above"]) for what in BY_COST[2:]]
            told = f"{name:22} {peer:20} " + " | ".join(shares)
            if peer in TO_REACH:
                told += "   its best top-1 reached at " + " | ".join(
                    _told(found[f"reaches_{what}"]) for what in BY_COST[:2]
                )
            print(told)


def _told(found: dict) -> str:
    middle = found["quartiles"][1]
    return ("never" if middle is None else f"{middle:.0%}") + f" ({found['reached']:.0%} of seeds)"


def compact(value: object) -> str:
    """JSON with a list of plain values on one line."""
    text = json.dumps(value, indent=1, ensure_ascii=False)
    return re.sub(r"\[[^\[\]{}]*\]", lambda match: " ".join(match[0].split()), text) + "\n"


def default_contenders() -> list[Contender]:
    return [Contender(name) for name in STRATEGIES] + [Contender(DEFAULT_STRATEGY, s) for s in ("asha", "moasha")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, action="append", required=True, help="of `seesaw-nas tabulate`")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--trainings", type=int, default=100, help="whole ones, whose epochs may be spent")
    parser.add_argument("--ours", type=Contender.parse, action="append", metavar="NAME[:SCHEDULER[:OBJECTIVES]]")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    options.ours = options.ours or default_contenders()
    os.fsync = lambda fd: None  # the journal is thrown away, and the time of a disk is not what is compared
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    start, begun = time.perf_counter(), time.process_time()
    tables = [measure(path, options) for path in options.table]
    setting = {
        "seeds": options.seeds, "trainings": options.trainings, "marks": MARKS, "reference": REFERENCE,
        "split": "validation", "fsync": "left out", "journal": "in memory", "quartiles": "lower, median, upper",
        "seconds": round(time.perf_counter() - start), "core_seconds": round(time.process_time() - begun),
    }  # fmt: skip
    result = {"setting": setting, "conditions": conditions("cpu", "pyarrow"), "tables": tables}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(compact(result))


if __name__ == "__main__":
    main()
