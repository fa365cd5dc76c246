"""Search strategies on recorded trainings: what their answers are worth, ours beside plain Optuna, at equal epochs.

    python benchmarks/strategies.py --table FILE [--seeds 40] [--trainings 100]
        [--ours NAME[:SCHEDULER[:OBJECTIVES[:SHORT]]]] [--short-table FILE] [--peers NAME ...] [--peers-python PYTHON]

A table of `seesaw-nas tabulate` answers in place of a training, so that hundreds of searches take minutes; what a
search costs is counted in the epochs it would have trained. One seed of the table is held out of each search, in turn;
what its answer is worth is the top-1 of the same architecture with that seed, which the search did not see. The
architecture that answers is the nearest recorded one, with its own Multi-Adds, so that nothing is gained by asking for
something cheaper than what answers.

Ours run through the same code as `seesaw-nas search` and answer as it does: the best and the front by estimate. The
peers are Optuna's samplers with their defaults, as a user would write them down: every gene a categorical parameter,
in-memory storage, and a draw outside the budget pruned with its violation as a constraint, at no cost. A draw that
comes again is trained again. They answer with the best observed. "top1" at the end of a name: a study of top-1 alone.

Syne Tune and NePS (`--peers "neps bo top1"`) run in an environment of their own, `--peers-python`; README.md says
how to make it, and what they do. Neither knows a budget: a draw outside it is told an error of 1, at no cost. Their
halving is charged the epochs that it trains, and answers with the best reported at whatever epoch, as they do.

worth    top-1 of the recommended architecture with the seed held out
claim    what the search says of it, minus that
front    hypervolume of what the front is worth, members by unseen top-1 and share of the budget
within   share of searches whose 90% interval for top-1 with another seed holds it (ours)

At a cost, ours is a search that was given so many trainings; a peer is looked at when it has spent as much.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import optuna
from peers.outside import OUTSIDE, Outside

from seesaw_nas import pareto
from seesaw_nas.architecture import cost
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.conditions import conditions
from seesaw_nas.core.errors import SpecError
from seesaw_nas.evaluators import table as tables
from seesaw_nas.evaluators.recorded import TableEvaluator
from seesaw_nas.evaluators.table import Table
from seesaw_nas.search import DEFAULT_STRATEGY, STRATEGIES, SearchSettings, strategies
from seesaw_nas.search.estimates.live import Live
from seesaw_nas.search.history import history
from seesaw_nas.search.history.file_history import FileHistory
from seesaw_nas.search.jobs import by_schedule
from seesaw_nas.search.objectives import directions
from seesaw_nas.search.proposer import Proposer
from seesaw_nas.search.standing import Standing
from seesaw_nas.search.strategies.base import Setting
from seesaw_nas.space import decode, genes
from seesaw_nas.workflows.problem import make_problem

RESULTS = Path(__file__).parent / "results" / "strategies.json"
COSTS = (0.1, 0.2, 0.5, 1.0)  # of the allowance
REFERENCE = (0.0, 1.0)  # of the hypervolume: top-1, and Multi-Adds over the budget's upper end
MAX_DRAWS = 100  # of a peer for each training of the allowance; then it has found too little within the budget
WITHIN = 1.6449  # standard deviations on either side hold 90%
FIGURES = ("worth", "claim", "front")
MakeSampler = Callable[[int], optuna.samplers.BaseSampler]
PEERS: dict[str, tuple[MakeSampler, str]] = {
    "optuna random": (lambda seed: optuna.samplers.RandomSampler(seed), "front"),
    "optuna tpe": (lambda seed: optuna.samplers.TPESampler(seed=seed), "front"),
    "optuna nsga2": (lambda seed: optuna.samplers.NSGAIISampler(seed=seed), "front"),
    "optuna tpe top1": (lambda seed: optuna.samplers.TPESampler(seed=seed), "top1"),
    "optuna gp top1": (lambda seed: optuna.samplers.GPSampler(seed=seed), "top1"),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a search recommends at a cost.

    Attributes:
        worth, claim, front: see the script's description.
        within: whether the 90% interval holds the worth; ``None`` of one that gives no interval.
        trained: trainings begun by then.
    """

    worth: float
    claim: float
    front: float
    within: bool | None
    trained: int


NOTHING = Answer(0.0, 0.0, 0.0, None, 0)


@dataclass(frozen=True)
class Contender:
    """One of ours."""

    strategy: str
    scheduler: str = "none"
    objectives: str = "front"
    short: str = "0"  # epochs of the short trainings that it begins with

    @classmethod
    def parse(cls, text: str) -> Contender:
        return cls(*text.split(":"))

    @property
    def name(self) -> str:
        parts = [self.strategy, self.scheduler, self.objectives]
        short = [] if self.short == "0" else [f"short {self.short}"]
        return " ".join([*(part for part in parts if part not in ("none", "front")), *short])


class Bench:
    """A table of which a search sees all seeds but one."""

    def __init__(self, path: Path, trainings: int, peers_python: Path | None = None, short: Path | None = None) -> None:
        self.problem = make_problem(SearchSettings.of(evaluator="table", table=str(path), device="cpu"))
        assert isinstance(self.problem.evaluator, TableEvaluator)
        self._whole = self.problem.evaluator
        self.table, self.space = self._whole.table, self.problem.space
        self.epochs, self.trainings = self.table.epochs, trainings
        self.seeds = sorted({seed for entry in self.table.entries for seed in entry.curves})
        self._short = None if short is None else tables.read(short)
        self._python, self._outside = peers_python, dict[str, Outside]()

    @property
    def allowance(self) -> int:
        return self.trainings * self.epochs

    def held_out(self, number: int) -> int:
        """The table's seed that this search does not see."""
        return self.seeds[number % len(self.seeds)]

    def evaluator(self, number: int) -> TableEvaluator:
        """Answers with the trainings of the other seeds, one of them drawn for each trial."""
        short = None if self._short is None else self._without(self._short, number)
        return TableEvaluator(self._without(self.table, number), self.space, short)

    def _without(self, table: Table, number: int) -> Table:
        """The table without the seed that this search does not see."""
        held_out = self.held_out(number)
        entries = [
            replace(entry, curves={seed: curve for seed, curve in entry.curves.items() if seed != held_out})
            for entry in table.entries
        ]
        return replace(table, entries=tuple(entries))

    def truth(self, architecture: Architecture, number: int) -> tuple[float, float]:
        """Top-1 with the seed held out, and share of the budget, of what answers for an architecture."""
        entry, _ = self._whole.nearest(architecture)
        return entry.curves[self.held_out(number)][-1].top1, entry.macs / self.problem.budget.high

    def answer(self, best: Architecture, said: float, front: Sequence[Architecture], number: int, **more) -> Answer:
        worth, _ = self.truth(best, number)
        points = [self.truth(member, number) for member in front]
        within = more.get("half")
        held = None if within is None else abs(worth - said) <= within
        return Answer(worth, said - worth, pareto.hypervolume(points, REFERENCE), held, more["trained"])

    def ours(self, contender: Contender, number: int, allowance: int) -> Answer:
        """A search of ours with so many epochs, as :mod:`seesaw_nas.workflows.searches` puts it together."""
        problem, evaluator, spent = self.problem, self.evaluator(number), 0
        halving = SearchSettings.of(scheduler=contender.scheduler, objectives=contender.objectives).halving(self.epochs)
        kept = FileHistory(None, problem.space, problem.budget, number, objectives=contender.objectives)
        live = Live(problem.space, problem.budget, self.epochs)
        setting = Setting(problem.feasible, number, contender.objectives, halving.levels, live=live)
        strategy = strategies.make(contender.strategy, setting)
        # Under a scheduler the epochs end the search, not the trials, so it may begin as many as it likes.
        trials = allowance // self.epochs if contender.scheduler == "none" else allowance
        short = int(contender.short)
        proposer = Proposer(kept, strategy, trials=trials, epochs=self.epochs, halving=halving, live=live, short=short)
        reached: dict[int, int] = {}
        while (job := proposer.ask()) is not None:
            spent += job.until - reached.get(job.number, 0)
            if spent > allowance:
                break
            reached[job.number] = job.until
            scored = by_schedule(evaluator, job).evaluate(job.architecture, seed=job.seed, until=job.until)
            proposer.tell(job, scored)
        standing = Standing(kept.records(), problem.space, problem.budget, self.epochs)
        if standing.leader is None:
            return NOTHING
        best, half = standing.leader, None
        if figures := standing.figures(best.trial):
            noise = float(standing.estimates.of([best.trial.architecture]).noise[0])
            half = WITHIN * float(np.hypot(figures.estimate_sd, noise))
        said = figures.estimate if figures else best.top1
        front = [trial.architecture for trial in standing.front()]
        return self.answer(best.trial.architecture, said, front, number, half=half, trained=len(reached))

    def peer(self, name: str, number: int) -> dict[float, Answer]:
        """A search as a user of the toolkit would write it; its answers by cost."""
        return self.outside(name, number) if name in OUTSIDE else self.optuna(name, number)

    def optuna(self, name: str, number: int) -> dict[float, Answer]:
        """A search by Optuna."""
        problem, evaluator, budget = self.problem, self.evaluator(number), self.problem.budget
        make_sampler, objectives = PEERS[name]
        choices, trained, answers = genes(problem.space), [], {}

        def objective(trial: optuna.Trial) -> float | tuple[float, float]:
            genotype = {gene: trial.suggest_categorical(gene, texts) for gene, texts in choices.items()}
            try:
                architecture = decode(problem.space, genotype)
            except SpecError:
                trial.set_constraint(history.ILLEGAL, 1.0)
                raise optuna.TrialPruned from None
            macs = cost.macs(architecture)
            for constraint, by in history.violations(macs, budget, architecture).items():
                trial.set_constraint(constraint, by)
            if architecture not in budget:
                raise optuna.TrialPruned
            top1 = evaluator.evaluate(architecture, seed=history.trial_seed(number, trial.number)).top1
            trained.append((architecture, top1, float(macs)))
            return top1 if objectives == "top1" else (top1, macs)

        def look(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
            for cost_share in COSTS:
                if cost_share not in answers and len(trained) >= round(cost_share * self.trainings):
                    answers[cost_share] = self._observed(trained, number)
            if len(trained) >= self.trainings:
                study.stop()

        study = optuna.create_study(sampler=make_sampler(number), directions=directions(objectives))
        study.optimize(objective, n_trials=MAX_DRAWS * self.trainings, callbacks=[look])
        return {share: answers.get(share, NOTHING) for share in COSTS}

    def outside(self, name: str, number: int) -> dict[float, Answer]:
        """A search by a toolkit in an environment of its own."""
        evaluator, budget, found, spent = self.evaluator(number), self.problem.budget, [], 0
        toolkit, reached = self.toolkit(name), dict[int, int]()
        toolkit.start(number, genes(self.space), self.epochs)
        for _ in range(MAX_DRAWS * self.trainings):
            job = toolkit.ask()
            try:
                architecture = decode(self.space, job.genotype)
                macs = cost.macs(architecture)
            except SpecError:
                macs = None
            if macs is None or architecture not in budget:
                toolkit.tell(job, 1.0, 1.0 if macs is None else macs / budget.high)
                continue
            spent += job.until - reached.get(job.number, 0)
            if spent > self.allowance:
                break
            reached[job.number] = job.until
            seed = history.trial_seed(number, job.number)
            top1 = evaluator.evaluate(architecture, seed=seed, until=job.until).top1
            toolkit.tell(job, 1 - top1, macs / budget.high)
            found.append((spent, len(reached), (architecture, top1, float(macs))))
        answers = {}
        for share in COSTS:
            at = [entry for entry in found if entry[0] <= round(share * self.trainings) * self.epochs]
            enough = spent >= round(share * self.trainings) * self.epochs
            answer = self._observed([entry for *_, entry in at], number) if at and enough else NOTHING
            answers[share] = replace(answer, trained=at[-1][1] if at and enough else 0)
        return answers

    def toolkit(self, name: str) -> Outside:
        """The process of a peer in an environment of its own, which serves all searches."""
        if name not in self._outside:
            self._outside[name] = Outside(name, self._python)
        return self._outside[name]

    def close(self) -> dict[str, str]:
        """End the peers' processes; the versions of their toolkits."""
        for toolkit in self._outside.values():
            toolkit.close()
        return {name: toolkit.version for name, toolkit in self._outside.items()}

    def _observed(self, trained: Sequence[tuple[Architecture, float, float]], number: int) -> Answer:
        """The best observed, of equals the one with the fewest Multi-Adds, and the front observed."""
        best, top1, _ = max(trained, key=lambda entry: (entry[1], -entry[2]))
        members = pareto.front([(top1, macs) for _, top1, macs in trained])
        return self.answer(best, top1, [trained[i][0] for i in members], number, trained=len(trained))


def search_all(bench: Bench, contenders: list[Contender], seeds: int, peers: list[str]) -> dict[str, list[dict]]:
    """The answers of every search by cost, all searches in turn within a seed."""
    found: dict[str, list[dict]] = {name: [] for name in [*(c.name for c in contenders), *peers]}
    seconds = dict.fromkeys(found, 0.0)
    for number in range(seeds):
        for contender in contenders:
            start = time.perf_counter()
            answers = {
                share: bench.ours(contender, number, round(share * bench.trainings) * bench.epochs) for share in COSTS
            }
            found[contender.name].append(answers)
            seconds[contender.name] += time.perf_counter() - start
        for name in peers:
            start = time.perf_counter()
            found[name].append(bench.peer(name, number))
            seconds[name] += time.perf_counter() - start
        print(f"seed {number}: " + ", ".join(f"{n} {s:.0f} s" for n, s in seconds.items()), flush=True)
    return found


def quartiles(values: Sequence[float]) -> list[float]:
    """Lower quartile, median, upper quartile."""
    return [round(float(value), 5) for value in np.quantile(values, (0.25, 0.5, 0.75))]


def summary(courses: list[dict]) -> dict[str, dict]:
    """By cost: quartiles and mean of each figure, and how often intervals hold."""
    found = {}
    for share in COSTS:
        answers = [course[share] for course in courses]
        figures = {what: [getattr(answer, what) for answer in answers] for what in FIGURES}
        held = [answer.within for answer in answers if answer.within is not None]
        found[str(share)] = {
            **{
                what: {"quartiles": quartiles(of), "mean": round(statistics.mean(of), 5)}
                for what, of in figures.items()
            },
            "within": round(statistics.mean(held), 3) if held else None,
            "trained": statistics.mean(answer.trained for answer in answers),
        }
    return found


def against(ours: list[dict], peer: list[dict]) -> dict[str, object]:
    """Shares of seeds in which ours is ahead, equal costs; and in which its worth at a cost is at least the peer's
    whole.
    """
    return {
        "ahead": {
            what: {
                str(share): round(
                    statistics.mean(
                        getattr(a[share], what) > getattr(b[share], what) for a, b in zip(ours, peer, strict=True)
                    ),
                    3,
                )
                for share in COSTS
            }
            for what in ("worth", "front")
        },
        "at_least_its_whole": {
            str(share): round(
                statistics.mean(a[share].worth >= b[1.0].worth for a, b in zip(ours, peer, strict=True)), 3
            )
            for share in COSTS
        },
    }


def measure(path: Path, options: argparse.Namespace) -> dict[str, object]:
    bench = Bench(path, options.trainings, options.peers_python, options.short_table)
    courses = search_all(bench, options.ours, options.seeds, options.peers)
    versions = bench.close()
    summaries = {name: summary(found) for name, found in courses.items()}
    versus = {c.name: {peer: against(courses[c.name], courses[peer]) for peer in options.peers} for c in options.ours}
    table = bench.table
    about = {
        "file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "subject": asdict(table.subject),
        "space": bench.space.name, "budget": table.budget, "architectures": len(table.entries),
        "fitting": str(bench.problem.feasible.count), "epochs": table.epochs, "seeds": bench.seeds,
        "allowance_epochs": bench.allowance, "recorded_on": table.about.get("conditions"),
        "short_table": options.short_table and options.short_table.name,
        "versions_outside": versions,
    }  # fmt: skip
    show(about, summaries, versus)
    per_seed = {
        name: {
            what: [[round(getattr(course[share], what), 5) for course in found] for share in COSTS] for what in FIGURES
        }
        for name, found in courses.items()
    }
    return {"table": about, "summary": summaries, "ours_against_peers": versus, "per_seed": per_seed}


def show(about: dict, summaries: dict[str, dict], versus: dict[str, dict]) -> None:
    """Print medians and quartiles at each cost."""
    print(f"\n{about['file']}: {about['architectures']} architectures, allowance {about['allowance_epochs']} epochs")
    for share in map(str, COSTS):
        print(f"\nat {share} of it: {'worth':>24}{'claim - worth':>24}{'front':>26}{'within':>9}")
        for name, found in summaries.items():
            at = found[share]
            cells = []
            for what in FIGURES:
                low, middle, high = at[what]["quartiles"]
                cells.append(f"{middle:.4f} ({low:.4f} to {high:.4f})")
            held = "-" if at["within"] is None else f"{at['within']:.0%}"
            print(f"{name:22}" + "".join(f"{cell:>26}" for cell in cells) + f"{held:>6}")
    print("\nshare of seeds ahead at equal cost: worth | front; worth at least the peer's whole, at each cost")
    for name, peers in versus.items():
        for peer, found in peers.items():
            rows = [
                " ".join(f"{v:4.2f}" for v in row.values())
                for row in (*found["ahead"].values(), found["at_least_its_whole"])
            ]
            print(f"{name:22} {peer:18} " + " | ".join(rows))


def compact(value: object) -> str:
    """JSON with a list of plain values on one line."""
    text = json.dumps(value, indent=1, ensure_ascii=False)
    return re.sub(r"\[[^\[\]{}]*\]", lambda match: " ".join(match[0].split()), text) + "\n"


def default_contenders() -> list[Contender]:
    return [Contender(name) for name in STRATEGIES] + [Contender(DEFAULT_STRATEGY, s) for s in ("asha", "moasha")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, action="append", required=True, help="of `seesaw-nas tabulate`")
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--trainings", type=int, default=100, help="whole ones, whose epochs may be spent")
    parser.add_argument(
        "--ours", type=Contender.parse, action="append", metavar="NAME[:SCHEDULER[:OBJECTIVES[:SHORT]]]"
    )
    parser.add_argument("--short-table", type=Path, help="the same trainings by a shorter schedule, for SHORT epochs")
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=[*PEERS, *OUTSIDE])
    parser.add_argument("--peers-python", type=Path, help="interpreter of the environment of Syne Tune and NePS")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    options.ours = options.ours or default_contenders()
    if not options.peers_python and (missing := sorted(OUTSIDE.keys() & options.peers)):
        parser.error(f"{', '.join(missing)} needs --peers-python; README.md says how to make the environment")
    os.fsync = lambda fd: None  # the journal is thrown away, and the time of a disk is not what is compared
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    start, begun = time.perf_counter(), time.process_time()
    tables = [measure(path, options) for path in options.table]
    setting = {
        "seeds": options.seeds, "trainings": options.trainings, "costs": COSTS, "reference": REFERENCE,
        "split": "validation", "truth": "top-1 with the seed that is held out of the search",
        "quartiles": "lower, median, upper", "seconds": round(time.perf_counter() - start),
        "core_seconds": round(time.process_time() - begun),
    }  # fmt: skip
    result = {"setting": setting, "conditions": conditions("cpu", "pyarrow"), "tables": tables}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(compact(result))


if __name__ == "__main__":
    main()
