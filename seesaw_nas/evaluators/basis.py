"""The basis of figures: data, method and settings of a training or score, as one value.

:mod:`seesaw_nas.evaluators.differences` compares two of them. Loads without torch and numpy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import PurePath
from typing import Any

from seesaw_nas.core.errors import RunError, SpecError
from seesaw_nas.core.fields import shorten
from seesaw_nas.core.typed import build, check, conform
from seesaw_nas.data import DATA_SETS
from seesaw_nas.evaluators import EVALUATORS

PROGRAM = "python:"  # prefix of the name of an evaluator that is a program's object

MEMORY, STREAMED, COPIES = "in memory", "streamed", "streamed from copies"
NO_COPIES = "not from copies"  # in memory or streamed; for older records, which do not say which


@dataclass(frozen=True, slots=True)
class Basis:
    """The basis of figures. ``None`` and empty values mean that something is not recorded or does not apply.

    Attributes:
        name: name of the run or table with these figures, for messages.
        dataset: name of the data set; for a folder its name without its path.
        given: whether a program passed the images.
        input: shape of an image, (channels, height, width).
        image_size: requested size in pixels; 0 for the data set's default.
        classes: names of the classes, in the order of the labels.
        n_train, n_validation: numbers of training images and of validation images.
        mean: mean of each channel over all training images, in units of 0..1; over a sample if they are streamed.
        validation_mean: mean of each channel over the validation images; over a sample if they are streamed.
        std: deviation of each channel that images are normalised by.
        augmentation: of training images, in words.
        labels, pixels: checksums over all labels and all pixels, also if subsets are used.
        decoder: what read the files of pictures.
        train_size, validation_size: requested sizes of the subsets; 0 for all images.
        subset_seed: seed that the subsets are drawn with; ``None`` without subsets.
        reading: how images are read: ``MEMORY``, ``STREAMED``, ``COPIES`` or ``NO_COPIES``.
        evaluator: name of the evaluator.
        evaluator_file: digest of its table or weights; for a program's evaluator, its own identity.
        objectives: objectives of the search.
        recipe: see :meth:`seesaw_nas.training.recipes.Recipe.to_dict`, with the epochs; empty without training.
        space: digest of the space.
        budget: lowest and highest Multi-Adds, and each further bound in words.
        sampling: sampling of a supernet's training.
        seed: seed for everything random.
    """

    name: str = field(compare=False)
    dataset: str = ""
    given: bool = False
    input: tuple[int, ...] = ()
    image_size: int = 0
    classes: tuple[str, ...] = ()
    n_train: int = 0
    n_validation: int = 0
    mean: tuple[float, ...] = ()
    validation_mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    augmentation: str = ""
    labels: str = ""
    pixels: str = ""
    decoder: str = ""
    train_size: int = 0
    validation_size: int = 0
    subset_seed: int | None = None
    reading: str = ""
    evaluator: str = ""
    evaluator_file: str = ""
    objectives: str = ""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    space: str = ""
    budget: tuple[int | str, ...] = ()
    sampling: str = ""
    seed: int = 0

    @classmethod
    def of(cls, record: Mapping[str, Any], name: str) -> Basis:
        """The basis of a run or a table.

        Args:
            record: content of a ``run.json`` or a table's metadata, of this release or an earlier one, which has less.
            name: name for messages, such as the folder.

        Raises:
            RunError: the record is damaged.
        """
        try:
            settings, images = record.get("settings", {}), record.get("images") or {}
            subset = bool(settings.get("train_size") or settings.get("validation_size"))
            basis = cls(
                name=name,
                given="data" in record.get("given", ()),
                **_of_images(settings, images),
                subset_seed=settings["seed"] if subset else None,
                **_of_method(record, settings),
                space=record.get("space_digest", ""),
                budget=_budget_of(record),
                seed=settings.get("seed", 0),
            )
            check(basis)
            return basis
        except SpecError as error:
            raise RunError(f"{name} does not say what it is of: {error}; restore it") from None
        except KeyError as error:
            raise RunError(f"{name} does not say what it is of: {error.args[0]} is missing; restore it") from None
        except (TypeError, AttributeError, ValueError) as error:
            raise RunError(f"{name} does not say what it is of: {type(error).__name__} {error}; restore it") from None

    def to_dict(self) -> dict[str, Any]:
        """JSON values, without the name."""
        return {key: value for key, value in asdict(self).items() if key != "name"}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any], name: str) -> Basis:
        """The value that :meth:`to_dict` wrote, also after it was stored as JSON.

        Raises:
            SpecError: a field is unknown, or of another type.
        """
        return build(cls, {**conform("task", Mapping[str, Any], value), "name": name})

    @property
    def is_fixed(self) -> bool:
        """Whether name, size and subsets determine the images."""
        return self.dataset in DATA_SETS and DATA_SETS[self.dataset].is_fixed and not self.given


def _of_images(settings: Mapping[str, Any], images: Mapping[str, Any]) -> dict[str, Any]:
    dataset = PurePath(str(images.get("dataset") or settings.get("dataset", "")).removeprefix("folder:")).name
    if settings.get("cache_dir"):
        reading = COPIES
    elif "streamed" in images:
        reading = STREAMED if images["streamed"] else MEMORY
    elif dataset in DATA_SETS:
        reading = STREAMED if DATA_SETS[dataset].is_streamed else MEMORY
    else:
        reading = NO_COPIES
    sizes = {name: settings.get(name) or 0 for name in ("image_size", "train_size", "validation_size")}
    lists = {name: _list(name, images.get(name)) for name in ("input", "classes", "mean", "validation_mean", "std")}
    counts = {name: images.get(name) or 0 for name in ("n_train", "n_validation")}
    texts = {name: images.get(name) or "" for name in ("augmentation", "labels", "pixels", "decoder")}
    return {"dataset": dataset, "reading": reading, **sizes, **lists, **counts, **texts}


def _list(name: str, value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple | None):
        raise SpecError(f"a list is wanted, got {shorten(value)}", f"images.{name}")
    return tuple(value or ())


def _of_method(record: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    if record.get("kind") == "supernet":
        return {"sampling": settings.get("sampling", ""), "recipe": dict(record["recipe"])}
    evaluator = settings.get("evaluator", "trained")
    trains_nothing = evaluator in EVALUATORS and not EVALUATORS[evaluator].trains
    return {
        "evaluator": evaluator,
        "evaluator_file": record.get("evaluator_file", ""),
        "objectives": settings.get("objectives", "front"),
        "recipe": {} if trains_nothing else dict(record["recipe"]),
    }


def _budget_of(record: Mapping[str, Any]) -> tuple[int | str, ...]:
    if "budget" not in record:
        return ()
    budget = record["budget"]
    others = (f"{one['low']:,} to {one['high']:,} {one['cost']}" for one in budget.get("others", ()))
    return (budget["low"], budget["high"], *others)
