"""What a search is asked to do: one frozen value, kept in the run's ``run.json`` so that it can be continued."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seesaw_nas import recipes
from seesaw_nas.errors import OptionError, RunError, known
from seesaw_nas.evaluate import EVALUATORS
from seesaw_nas.search.strategies import DEFAULT_STRATEGY, STRATEGIES

if TYPE_CHECKING:
    from seesaw_nas.space import Space

SPACES = {"digits": "seesaw-digits", "cifar10": "seesaw-cifar", "cifar100": "seesaw-cifar"}
LATER_FIELDS = {"cache_dir", "latency", "table"}  # a run that was begun before there were such has their defaults
LARGE_IMAGE = 96  # pixels; a folder of images at least this large gets the ImageNet layout


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """What to search, on what, for how long.

    Attributes:
        dataset: ``digits``, ``cifar10``, ``cifar100``, ``imagenet``, or the path of a folder of images by class.
        budget: Multi-Adds for one image: 110M, a band 100M:110M, or 60% of the costliest; empty for the space's own.
        space: name of a space, or path of a space file; empty for the one that fits the data set.
        strategy: which architecture next.
        evaluator: how good an architecture is; ``trained`` trains it from scratch.
        trials: architectures to train.
        recipe: how a trial is trained.
        epochs: of a trial; 0 for the recipe's own.
        train_size: training images of a trial, drawn evenly over the classes; 0 for all.
        seed: of everything random.
        device: ``cpu``, ``cuda``, ``cuda:1``, or ``auto`` for a GPU where there is one.
        data_dir: folder with the unpacked CIFAR archive, empty to download it; or with ImageNet's train and val.
        image_size: side in pixels for a folder of images and for ImageNet; 0 for its default.
        cache_dir: folder for small copies of the images of a folder or of ImageNet; empty for none.
        table: file of recorded trainings that evaluator ``table`` answers from; dataset, recipe and epochs are its own.
        latency: whether to time the members of the front on ``device`` once the search has ended.
    """

    dataset: str = "digits"
    budget: str = ""
    space: str = ""
    strategy: str = DEFAULT_STRATEGY
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

    def __post_init__(self) -> None:
        if self.strategy not in STRATEGIES:
            raise OptionError(known("strategy", self.strategy, STRATEGIES))
        if self.evaluator not in EVALUATORS:
            raise OptionError(known("evaluator", self.evaluator, EVALUATORS))
        if (self.evaluator == "table") != bool(self.table):
            raise OptionError("--evaluator table wants --table FILE, no other does; `seesaw-nas tabulate` makes one")
        recipes.recipe(self.recipe)
        for name, minimum in (("trials", 1), ("epochs", 0), ("train_size", 0), ("seed", 0), ("image_size", 0)):
            if getattr(self, name) < minimum:
                option = name.replace("_", "-")
                raise OptionError(f"--{option} must be at least {minimum}, got {getattr(self, name)}")

    @property
    def fitted_recipe(self) -> recipes.Recipe:
        """The recipe at the wanted number of epochs."""
        return recipes.recipe(self.recipe, self.epochs)

    def load_space(self, input_size: int, input_channels: int, classes: int) -> Space:
        """The space to search, for images of this kind."""
        from seesaw_nas.space import load  # numpy, which --help can do without

        fallback = "seesaw-imagenet" if input_size >= LARGE_IMAGE else "seesaw-cifar"
        found = load(self.space or SPACES.get(self.dataset, fallback))
        return found.adapted(input_size, input_channels, classes)

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
        if not isinstance(value, dict) or set(value) | LATER_FIELDS != wanted:
            raise RunError(f"the run's settings are not those of this release; wanted: {', '.join(sorted(wanted))}")
        try:
            return cls(**value)
        except TypeError as error:
            raise RunError(f"the run's settings hold a value of the wrong kind: {error}") from None
