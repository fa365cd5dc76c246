"""What a search is asked to do: one frozen value, kept in the run's ``run.json`` so that it can be continued."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seesaw_nas.core.errors import OptionError, RunError, known
from seesaw_nas.data import default_space
from seesaw_nas.evaluators import EVALUATORS, SUPERNET, TABLE, needs, that_need
from seesaw_nas.evaluators.basis import PROGRAM
from seesaw_nas.search import halving
from seesaw_nas.search.halving import DEFAULT_SCHEDULER, SCHEDULERS, Halving
from seesaw_nas.search.strategies import DEFAULT_STRATEGY, OBJECTIVES, STRATEGIES, takes_supernet
from seesaw_nas.training import recipes

if TYPE_CHECKING:
    from seesaw_nas.space import Space

LATER_FIELDS: dict[str, Any] = {  # what a run means that was begun before there were such
    "cache_dir": "",
    "latency": False,
    "table": "",
    "objectives": "front",
    "scheduler": "none",
    "reduction": 3,
    "min_epochs": 0,
    "seed_with": (),
    "confirm": 0,
    "confirm_seeds": 3,
    "engine": "serial",
    "workers": 0,
    "workers_per_gpu": 1,
    "ray_address": "",
    "gpus_per_trial": None,
    "storage": "",
    "validation_size": 0,
    "curve": True,
    "supernet": "",
    "plan": "plain",
    "sampling": "single-path",
    "supernet_epochs": 0,
    "candidates": 2000,
    "tuned": 100,
}
PLANS = {
    "plain": "each trial is trained from scratch",
    "shared": "thousands are scored with a supernet's weights, the best fine-tuned, the best of these trained",
}
SHARED_WINNERS = 3
SHARING = that_need(SUPERNET)
ENGINES = {
    "serial": "one training after another, in this process",
    "local": "worker processes on this machine, each with a GPU or its share of the CPU",
    "ray": "a Ray cluster, or this machine as one",
}
CHANGEABLE = (  # settings of a run that it may go on without
    "trials",
    "device",
    "data_dir",
    "latency",
    "confirm",
    "confirm_seeds",
    "engine",
    "workers",
    "workers_per_gpu",
    "ray_address",
    "gpus_per_trial",
    "storage",
    "supernet",
)
PYTHON = PROGRAM  # before the name of a strategy or evaluator that is a Python object, not one of ours
COUNTS = (
    "epochs",
    "train_size",
    "validation_size",
    "seed",
    "image_size",
    "min_epochs",
    "confirm",
    "workers",
    "supernet_epochs",
    "candidates",
    "tuned",
)
LARGE_IMAGE = 96  # pixels; a folder of images at least this large gets the ImageNet layout


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """What to search, on what, for how long.

    Attributes:
        dataset: ``digits``, ``cifar10``, ``cifar100``, ``imagenet``, or the path of a folder of images by class.
        budget: Multi-Adds for one image: 110M, a band 100M:110M, or 60% of the costliest; empty for the space's own.
        space: name of a space, or path of a space file; empty for the one that fits the data set.
        strategy: which architecture next.
        objectives: ``front`` for the front of top-1 and Multi-Adds, ``top1`` for the best top-1 within the budget.
        scheduler: which trials are trained to their end.
        reduction: of successive halving, how many trials there are to one that is trained on.
        min_epochs: of successive halving, the fewest epochs of a trial; 0 for a third of a whole training.
        seed_with: what to train first: ``reference`` for the paper's networks, spec files, folders of earlier runs.
        confirm: how many of the best to train again in the end, by the whole recipe on all training images; plan
            ``shared`` takes three where it is 0.
        confirm_seeds: with how many seeds each.
        engine: where the trials are trained.
        workers: trials at a time; 0 for as many as the GPUs, the cores or the cluster have room for.
        workers_per_gpu: of engine ``local``, that share one.
        ray_address: of the cluster to join, or ``auto``; empty for one of this machine alone.
        gpus_per_trial: of engine ``ray``, the share of a GPU to reserve, up to 1; ``None`` for 1 where the cluster has
            GPUs and ``device`` is not ``cpu``, else 0. Trials that share a GPU share its memory, which Ray does not
            divide.
        storage: URL of a database for the history, so that several machines can work on it; empty for the run's file.
        evaluator: how good an architecture is; ``trained`` trains it from scratch.
        trials: architectures to train.
        recipe: how a trial is trained.
        epochs: of a trial; 0 for the recipe's own.
        train_size: training images of a trial, drawn evenly over the classes; 0 for all.
        seed: of everything random.
        device: ``cpu``, ``cuda``, ``cuda:1``, or ``auto`` for a GPU where there is one.
        data_dir: folder with the unpacked CIFAR archive, empty to download it; or with ImageNet's train and val.
        image_size: side in pixels for a folder of images, for ImageNet, and 16 or 8 for CIFAR; 0 for its default.
        cache_dir: folder for small copies of the images of a folder or of ImageNet; empty for none.
        table: file of recorded trainings that evaluator ``table`` answers from; dataset, recipe and epochs are its own.
        latency: whether to time the members of the front on ``device`` once the search has ended.
        validation_size: validation images that a trial is scored on, drawn evenly over the classes; 0 for all.
        curve: whether every epoch of a trial is validated; without, its last one alone, which saves the time.
        supernet: folder of a trained supernet, whose weights evaluators ``inherited`` and ``tuned`` begin with, and
            whose scores strategy ``predicted`` learns from, too.
        plan: ``plain``; or ``shared``, which trains a supernet, scores ``candidates`` with its weights, fine-tunes the
            best ``tuned`` of them, and trains the best of these, and others, in rounds, ``trials`` to their end.
        candidates, tuned: of plan ``shared``; 0 leaves the stage out, and without candidates there is no supernet.
        sampling: of a supernet's training: what a step trains.
        supernet_epochs: of its training; 0 for three times the recipe's own.
    """

    dataset: str = "digits"
    budget: str = ""
    space: str = ""
    strategy: str = DEFAULT_STRATEGY
    objectives: str = "front"
    scheduler: str = DEFAULT_SCHEDULER
    reduction: int = 3
    min_epochs: int = 0
    seed_with: tuple[str, ...] = ()
    confirm: int = 0
    confirm_seeds: int = 3
    engine: str = "serial"
    workers: int = 0
    workers_per_gpu: int = 1
    ray_address: str = ""
    gpus_per_trial: float | None = None
    storage: str = ""
    evaluator: str = "trained"
    trials: int = 20
    recipe: str = "quick"
    epochs: int = 0
    train_size: int = 0
    seed: int = 0
    device: str = "auto"
    data_dir: str = ""
    image_size: int = 0
    cache_dir: str = ""
    latency: bool = False
    table: str = ""
    validation_size: int = 0
    curve: bool = True
    supernet: str = ""
    plan: str = "plain"
    sampling: str = "single-path"
    supernet_epochs: int = 0
    candidates: int = 2000
    tuned: int = 100

    def __post_init__(self) -> None:
        for kind, name, names in (
            ("strategy", self.strategy, STRATEGIES),
            ("evaluator", self.evaluator, EVALUATORS),
            ("objectives", self.objectives, OBJECTIVES),
            ("scheduler", self.scheduler, SCHEDULERS),
            ("engine", self.engine, ENGINES),
            ("plan", self.plan, PLANS),
            ("sampling", self.sampling, recipes.SAMPLINGS),
        ):
            given = kind in ("strategy", "evaluator") and str(name).startswith(PYTHON)
            if name not in names and not given:
                raise OptionError(known(kind, name, names))
        if (needs(self.evaluator) == TABLE) != bool(self.table):
            raise OptionError("--evaluator table wants --table FILE, no other does; `seesaw-nas tabulate` makes one")
        if (self.evaluator in SHARING) > bool(self.supernet):
            raise OptionError(f"--evaluator {self.evaluator} wants --supernet FOLDER; `seesaw-nas supernet` makes one")
        if self.supernet and self.evaluator not in SHARING and not takes_supernet(self.strategy):
            learning = ", ".join(name for name in STRATEGIES if takes_supernet(name))
            raise OptionError(
                f"--supernet is for --evaluator {', '.join(SHARING)} and --strategy {learning}; leave it out"
            )
        if self.plan == "shared":
            self._check_shared()
        if self.engine == "serial" and self.workers > 1:
            raise OptionError(f"--workers {self.workers} wants --engine local or ray; serial trains one at a time")
        if isinstance(self.seed_with, str):
            raise OptionError(f"seed_with wants a tuple of names, got the text '{self.seed_with}'")
        if self.storage and self.scheduler != "none":
            raise OptionError(f"--scheduler {self.scheduler} wants the history in the run's file; leave out --storage")
        if self.gpus_per_trial is not None and not 0 <= self.gpus_per_trial <= 1:
            raise OptionError(f"--gpus-per-trial wants 0 to 1, a trial trains on one GPU; got {self.gpus_per_trial:g}")
        recipes.recipe(self.recipe)
        for name, minimum in (
            ("trials", 1),
            ("reduction", 2),
            ("confirm_seeds", 1),
            ("workers_per_gpu", 1),
            *((name, 0) for name in COUNTS),
        ):
            if getattr(self, name) < minimum:
                option = "seeds" if name == "confirm_seeds" else name.replace("_", "-")
                raise OptionError(f"--{option} must be at least {minimum}, got {getattr(self, name)}")

    def _check_shared(self) -> None:
        """Refuse what the plan decides itself, and numbers that do not narrow down."""
        if self.evaluator != "trained":
            raise OptionError(f"--plan shared chooses its evaluators itself; leave out --evaluator {self.evaluator}")
        if self.scheduler != "none":
            raise OptionError(f"--plan shared halves in rounds of its own; leave out --scheduler {self.scheduler}")
        if self.storage:
            raise OptionError("--plan shared keeps its stages in the run's folder; leave out --storage")
        if self.candidates < self.tuned:
            raise OptionError(
                f"--plan shared narrows down from --candidates to --tuned, got {self.candidates} and {self.tuned}"
            )

    @property
    def fitted_recipe(self) -> recipes.Recipe:
        """The recipe at the wanted number of epochs."""
        return recipes.recipe(self.recipe, self.epochs)

    @property
    def trains_here(self) -> bool:
        """Whether trials are trained in the process that proposes them."""
        return self.engine == "serial"

    def halving(self, epochs: int) -> Halving:
        """Who of the trials is trained how far; ``epochs`` are those of a whole training.

        Raises:
            OptionError: ``min_epochs`` is more than that.
        """
        minimum = self.min_epochs or math.ceil(epochs / self.reduction)
        return halving.make(self.scheduler, epochs, reduction=self.reduction, minimum=minimum)

    @property
    def winners(self) -> int:
        """How many of the best to train again: by plan ``shared`` some in any case."""
        return self.confirm or (SHARED_WINNERS if self.plan == "shared" else 0)

    @property
    def whole(self) -> SearchSettings:
        """The same with the recipe's own epochs and all training images: how the best are trained in the end."""
        return replace(self, epochs=0, train_size=0)

    def load_space(self, input_size: int, input_channels: int, classes: int) -> Space:
        """The space to search, for images of this kind."""
        from seesaw_nas.space import load  # numpy, which --help can do without

        fallback = "seesaw-imagenet" if input_size >= LARGE_IMAGE else "seesaw-cifar"
        found = load(self.space or default_space(self.dataset) or fallback)
        return found.adapt(input_size, input_channels, classes)

    @property
    def data_path(self) -> Path | None:
        return Path(self.data_dir) if self.data_dir else None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> SearchSettings:
        """What :meth:`to_dict` wrote.

        Raises:
            RunError: the fields are not those of this release.
        """
        wanted = {field.name for field in fields(cls)}
        if not isinstance(value, dict) or set(value) | LATER_FIELDS.keys() != wanted:
            raise RunError(f"the run's settings are not those of this release; wanted: {', '.join(sorted(wanted))}")
        try:
            return cls(**LATER_FIELDS | value | {"seed_with": tuple(value.get("seed_with", ()))})
        except TypeError as error:
            raise RunError(f"the run's settings hold a value of the wrong kind: {error}") from None
