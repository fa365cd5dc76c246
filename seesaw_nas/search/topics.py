"""The settings of a search by topic; each field is an option, see :mod:`seesaw_nas.core.options`.

An option that a later release adds has a default that means what searches did before: run folders of before lack it.
``rank`` and ``short_epochs`` alone have other ones; ``SearchSettings.from_dict`` reads those folders as they were.
"""

from __future__ import annotations

from dataclasses import dataclass

from seesaw_nas.core import options
from seesaw_nas.core.errors import OptionError
from seesaw_nas.core.options import option
from seesaw_nas.data.base import LARGEST_IMAGE
from seesaw_nas.evaluators import EVALUATORS, SUPERNET, TABLE, needs, that_need
from seesaw_nas.evaluators.basis import PROGRAM
from seesaw_nas.search.aims import PREFIX, read
from seesaw_nas.search.halving import DEFAULT_SCHEDULER, SCHEDULERS
from seesaw_nas.search.spending import AUTO, DEFAULT_SHORT
from seesaw_nas.search.strategies import DEFAULT_STRATEGY, OBJECTIVES, STRATEGIES, takes_supernet
from seesaw_nas.training.options import MOST_EPOCHS
from seesaw_nas.training.recipes import SAMPLINGS

PYTHON = PROGRAM  # before the name of a strategy or evaluator that is a Python object, not one of ours
PLANS = {
    "plain": "each trial is trained from scratch",
    "shared": "thousands are scored with a supernet's weights, the best fine-tuned, the best of these trained",
}
ESTIMATE, OBSERVED = "estimate", "observed"
RANKS = {
    ESTIMATE: "by what each architecture is worth, estimated from all trials",
    OBSERVED: "by the top-1 of single trials, of which the luckiest is the highest",
}
MOST_TRIALS, MOST_WORKERS = 10_000_000, 1024
ENGINES = {
    "serial": "one training after another, in this process",
    "local": "worker processes on this machine, each with a GPU or its share of the CPU",
    "ray": "a Ray cluster, or this machine as one",
}


BUDGET = (
    "What a network may cost. Multi-Adds for one image: 110M, a band 100M:110M, or 60% of the costliest; or several "
    "costs at once: '110M macs, 1.2M params, 4ms latency, 256KB int8 memory, 1MB int8 weights'."
)
ACCEPT_SPREAD = "Take a latency profile that was measured under load, whose times are spread widely."
LATENCY_PROFILE = "File of `seesaw-nas profile`, by whose times a --budget of latency is kept."


@dataclass(frozen=True, slots=True)
class Searched:
    """What is searched."""

    budget: str = option(f"{BUDGET} Default: the space's own.", default="")
    space: str = option(
        "Space by name, or a space file. Default: the one for the data set.", default="", changeable=True
    )
    image_size: int = option(
        "Side of the images in pixels. 0: 224 for a folder or imagenet; 32 for CIFAR, which also has 16, 8.",
        default=0,
        least=0,
        most=LARGEST_IMAGE,
    )
    latency_profile: str = option(LATENCY_PROFILE, default="")
    accept_spread: bool = option(ACCEPT_SPREAD, default=False, switch=True)

    def __post_init__(self) -> None:
        options.check(self)


def _check_short(value: str) -> str:
    """What is wrong with a number of epochs."""
    if value == AUTO or (value.isdecimal() and value.isascii()):
        return "" if value == AUTO or int(value) <= MOST_EPOCHS else f"must be at most {MOST_EPOCHS:,}, got {value}"
    return f"wants {AUTO}, or a whole number of epochs from 0 on, got '{value}'"


@dataclass(frozen=True, slots=True)
class Proposals:
    """Which architectures are tried."""

    strategy: str = option(
        f"Strategy that chooses the next architecture: {', '.join(STRATEGIES)}. On the one table measured, evolution, "
        "nsga2 and local had a higher hypervolume than random in 3 or 4 of 10 seeds, thompson in 8.",
        default=DEFAULT_STRATEGY,
        choices=STRATEGIES,
        prefix=PYTHON,
    )
    objectives: str = option(
        "Objectives: front, of top-1 and Multi-Adds; top1,COST, a front of top-1 and another cost, such as "
        "top1,params, 'top1,int8 memory' or top1,latency; or top1 alone, within the budget.",
        default="front",
        choices=OBJECTIVES,
        prefix=PREFIX,
    )
    trials: int = option("Architectures to train.", default=20, least=1, most=MOST_TRIALS, changeable=True)
    short_epochs: str = option(
        "Epochs of a short training. The search then begins with short trainings, which take half of all epochs of "
        "--trials; whole trainings take the rest. 0: none; auto: a third of a whole training's, where that pays.",
        default=DEFAULT_SHORT,
        check=_check_short,
    )
    seed_with: tuple[str, ...] = option(
        "Architectures to train first: reference, a spec file, or an earlier run's folder. May be repeated.",
        default=(),
    )

    def __post_init__(self) -> None:
        if isinstance(self.objectives, str):
            object.__setattr__(self, "objectives", read(self.objectives))
        options.check(self)


@dataclass(frozen=True, slots=True)
class Scheduling:
    """Which trials are trained to their end."""

    scheduler: str = option(
        f"Scheduler that stops trials early: {', '.join(SCHEDULERS)}. On the one table measured, moasha had a lower "
        "best top-1 than none in 8 of 10 seeds, asha a lower hypervolume in 10.",
        default=DEFAULT_SCHEDULER,
        choices=SCHEDULERS,
    )
    reduction: int = option(
        "Reduction by the schedulers: one trial in this many is trained further.", default=3, least=2, most=MOST_EPOCHS
    )
    min_epochs: int = option(
        "Epochs that a scheduler lets every trial have, at least; 0 for all epochs divided by --reduction.",
        default=0,
        least=0,
        most=MOST_EPOCHS,
    )

    def __post_init__(self) -> None:
        options.check(self)


@dataclass(frozen=True, slots=True)
class Scoring:
    """How good an architecture is."""

    evaluator: str = option(
        f"Evaluator of an architecture: {', '.join(EVALUATORS)}.",
        default="trained",
        choices=EVALUATORS,
        prefix=PYTHON,
    )
    supernet: str = option(
        f"Folder that `seesaw-nas supernet` wrote, for --evaluator {', '.join(that_need(SUPERNET))}, --strategy "
        f"{', '.join(name for name in STRATEGIES if takes_supernet(name))}.",
        default="",
        changeable=True,
    )
    table: str = option(
        "File that `seesaw-nas tabulate` wrote, for --evaluator table; it decides data set, recipe and epochs.",
        default="",
        changeable=True,
    )
    validation_size: int = option(
        "Validation images that a trial is scored on, drawn evenly over the classes; 0 for all. More than the "
        "validation split has are taken from the training images that --train-size leaves, or from all.",
        default=0,
        least=0,
    )
    curve: bool = option("Validation after every epoch of a trial, or after the last one only.", default=True)

    def __post_init__(self) -> None:
        options.check(self)
        if (needs(self.evaluator) == TABLE) != bool(self.table):
            raise OptionError("--evaluator table wants --table FILE, no other does; `seesaw-nas tabulate` makes one")


@dataclass(frozen=True, slots=True)
class Steps:
    """How trainings are spent: in one go, or in steps that begin with a supernet."""

    plan: str = option(
        f"Plan for how trainings are spent: {', '.join(PLANS)}; shared goes in steps that begin with a supernet.",
        default="plain",
        choices=PLANS,
    )
    supernet_epochs: int = option(
        "Epochs of the supernet of --plan shared; 0 for three times the recipe's own.",
        default=0,
        least=0,
        most=MOST_EPOCHS,
    )
    sampling: str = option(
        f"Sampling of the architectures in each step of --plan shared's supernet: {', '.join(SAMPLINGS)}.",
        default="single-path",
        choices=SAMPLINGS,
    )
    candidates: int = option(
        "Architectures that --plan shared scores with the supernet's weights; 0: no supernet.",
        default=2000,
        least=0,
        most=MOST_TRIALS,
    )
    tuned: int = option(
        "Architectures that --plan shared trains on from these weights; 0: none.",
        default=100,
        least=0,
        most=MOST_TRIALS,
    )

    def __post_init__(self) -> None:
        options.check(self)
        if self.plan == "shared" and self.candidates < self.tuned:
            raise OptionError(
                f"--plan shared narrows down from --candidates to --tuned, got {self.candidates} and {self.tuned}"
            )


@dataclass(frozen=True, slots=True)
class Ending:
    """Which trials are the best, and what is done with them once the search has ended."""

    rank: str = option(
        "Figure that decides the best, the front and promotions: estimate, from all trials; or observed, "
        "of single trials. By estimate, the last trial is the best of the space, if that is new.",
        default=ESTIMATE,
        choices=RANKS,
        changeable=True,
    )
    confirm: int = option(
        "Number of best architectures to train again at the end, by the whole recipe.",
        default=0,
        least=0,
        most=MOST_TRIALS,
        changeable=True,
    )
    confirm_seeds: int = option(
        "Trainings of each architecture that --confirm trains again, each with its own seed.",
        name="seeds",
        default=3,
        least=1,
        most=1000,
        changeable=True,
    )
    latency: bool = option("Time the front's members at the end.", default=False, switch=True, changeable=True)

    def __post_init__(self) -> None:
        options.check(self)


def _check_share(value: float | None) -> str:
    """What is wrong with a share of a GPU."""
    return "" if value is None or 0 <= value <= 1 else f"wants 0 to 1, a trial trains on one GPU; got {value:g}"


@dataclass(frozen=True, slots=True)
class Placement:
    """Where trials are trained, and where their history is kept."""

    engine: str = option(
        f"Engine that trains the trials: {', '.join(ENGINES)}.", default="serial", choices=ENGINES, changeable=True
    )
    workers: int = option(
        "Trials to train at a time; 0 for as many as there is room for.",
        default=0,
        least=0,
        most=MOST_WORKERS,
        changeable=True,
    )
    workers_per_gpu: int = option(
        "Workers that share a GPU under --engine local.", default=1, least=1, most=64, changeable=True
    )
    ray_address: str = option(
        "Address of the cluster for --engine ray, or auto. Default: this machine alone.", default="", changeable=True
    )
    gpus_per_trial: float | None = option(
        "Share of a GPU that a trial reserves under --engine ray, 0 to 1. Default: 1 where the cluster has GPUs and "
        "--device is not cpu, else 0.",
        default=None,
        check=_check_share,
        changeable=True,
    )
    storage: str = option(
        "URL of a database for the history, for several machines, such as postgresql://host/db. Default: a file.",
        default="",
        changeable=True,
    )

    tensorboard: bool = option(
        "Event files for TensorBoard in the run's folder: the best so far, and each trial's epochs.",
        default=False,
        switch=True,
        changeable=True,
    )

    def __post_init__(self) -> None:
        options.check(self)
        if self.engine == "serial" and self.workers > 1:
            raise OptionError(f"--workers {self.workers} wants --engine local or ray; serial trains one at a time")
