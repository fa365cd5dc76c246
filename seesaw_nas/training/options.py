"""Settings of trainings: those that all verbs with trainings share, and those of a final training."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seesaw_nas.architecture.specfile import SPEC_HELP
from seesaw_nas.core import options
from seesaw_nas.core.options import option
from seesaw_nas.data import DATA_SETS
from seesaw_nas.training import recipes

CHECKPOINT_MINUTES = 10.0
MOST_EPOCHS = 100_000
MOST_THREADS = 1024
MOST_SEED = 2**53  # every JSON reader keeps it exactly


@dataclass(frozen=True, slots=True)
class Training:
    """The settings of every training: images, recipe, seed and device."""

    dataset: str = option(
        f"Data set: {', '.join(DATA_SETS)}, or a folder of images by class.", default="digits", changeable=True
    )
    recipe: str = option(
        f"Recipe of a training: {', '.join(recipes.RECIPES)}.", default="quick", choices=recipes.RECIPES
    )
    epochs: int = option(
        "Epochs of a training; 0 for the recipe's own: "
        + ", ".join(f"{name} {recipe.epochs}" for name, recipe in recipes.RECIPES.items())
        + ".",
        default=0,
        least=0,
        most=MOST_EPOCHS,
    )
    train_size: int = option("Training images, drawn evenly over the classes; 0 for all.", default=0, least=0)
    seed: int = option("Seed for everything random.", default=0, least=0, most=MOST_SEED)
    device: str = option(
        "Device: cpu, cuda, cuda:1 ..., or auto for a GPU where there is one.", default="auto", changeable=True
    )
    threads: int = option(
        "CPU threads of a training, on which its figures depend. 0: as many as OMP_NUM_THREADS says; if that is not "
        "set, as many as the run began with; for a new run, by a short measurement of how busy the machine is.",
        default=0,
        least=0,
        most=MOST_THREADS,
        changeable=True,
    )
    data_dir: str = option(
        "Folder with the unpacked CIFAR archive, which is downloaded if omitted; or with ImageNet's train and val.",
        default="",
        changeable=True,
    )
    cache_dir: str = option(
        "Folder for small copies of the images of a folder, or of ImageNet; none if omitted.",
        default="",
        changeable=True,
    )

    def __post_init__(self) -> None:
        options.check(self)

    @property
    def fitted_recipe(self) -> recipes.Recipe:
        """The recipe with the requested number of epochs."""
        return recipes.recipe(self.recipe, self.epochs)

    @property
    def data_path(self) -> Path | None:
        return Path(self.data_dir) if self.data_dir else None

    @property
    def cache_path(self) -> Path | None:
        return Path(self.cache_dir) if self.cache_dir else None


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """The settings of a final training; :meth:`of` makes them from flat names."""

    spec: str = option(SPEC_HELP, argument=True)
    training: Training = field(default_factory=lambda: Training(dataset="", recipe="paper"))
    execution: str = option(
        "Execution of steps. " + " ".join(f"{name}: {what}." for name, what in recipes.EXECUTIONS.items()),
        default="auto",
        choices=recipes.EXECUTIONS,
    )

    def __post_init__(self) -> None:
        options.check(self)

    @classmethod
    def of(cls, spec: str, **values: Any) -> TrainSettings:
        """Settings from options by their flat names, such as ``of("best.json", epochs=8)``.

        Without ``dataset``, the data set is the one that the spec file names.

        Raises:
            TypeError: there is no such option.
            OptionError: a value is not allowed.
        """
        return options.compose(cls, {"spec": spec, **values})

    def replace(self, **values: Any) -> TrainSettings:
        """The same settings with these values replaced; raises the same errors as :meth:`of`."""
        return options.change(self, values)
