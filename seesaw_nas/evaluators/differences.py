"""The only rule that decides whether figures may be compared, put on one front, or reused.

Warm starts, audits, reports of several runs, supernets, resumed runs and tables all call :func:`difference`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

from seesaw_nas.data import DATA_SETS
from seesaw_nas.evaluators import TABLE, needs
from seesaw_nas.evaluators.basis import COPIES, NO_COPIES, PROGRAM, Basis

MEANS_DIFFER = 1e-4  # in units of 0..1: decoders differ by less, different images by more

# Fields that may differ for each use, and the reason.
SEARCHED = ("space", "budget", "seed")  # they determine which architectures were trained, with which seeds
TRAININGS = (*SEARCHED, "objectives")  # objectives only choose architectures; figures of a training do not change
REPORTED = (*SEARCHED, "subset_seed")  # of curves in one picture; seeds also draw the subsets
REPEATED = ("seed", "subset_seed")  # runs that repeat each other, of which there is a median
SCORED_OTHERWISE = ("recipe", "evaluator", "evaluator_file", "objectives", "space", "budget", "seed", "sampling")
SCORED_BY_SUPERNET = (  # a supernet's training is longer, trains many networks, and may use fewer images
    *("recipe", "evaluator", "evaluator_file", "objectives", "budget", "seed", "sampling"),
    *("train_size", "validation_size", "subset_seed"),
)


def difference(a: Basis, b: Basis, allow: Collection[str] = ()) -> str:
    """The differences that make figures of ``a`` and ``b`` incomparable, in one line; empty if none is known.

    Args:
        allow: fields that may differ, such as :data:`TRAININGS`.
    """
    return "; ".join(text for text, is_known in _differences(a, b, allow) if is_known)


def unknown(a: Basis, b: Basis, allow: Collection[str] = ()) -> str:
    """The facts that are not recorded, so that ``a`` and ``b`` may differ in them, in one line; usually empty."""
    return "; ".join(text for text, is_known in _differences(a, b, allow) if not is_known)


Differences = Iterator[tuple[str, bool]]
"""Texts on differences; with each, whether the difference is known, or else a fact is not recorded."""


def _differences(a: Basis, b: Basis, allow: Collection[str]) -> Differences:
    yield from _images_differ(a, b, allow)
    if "evaluator" not in allow and a.evaluator != b.evaluator:
        yield _both("evaluator", a, b, lambda basis: basis.evaluator or "none"), True
    elif "evaluator_file" not in allow:
        yield from _files_differ(a, b)
    if "objectives" not in allow and a.objectives != b.objectives:
        yield _both("objectives", a, b, lambda basis: basis.objectives), True
    if "recipe" not in allow and a.evaluator == b.evaluator:
        yield from _recipes_differ(a, b)
    for key, topic in (("space", "digest of the space"), ("sampling", "sampling"), ("seed", "seed")):
        if key not in allow and getattr(a, key) != getattr(b, key):
            yield _both(topic, a, b, lambda basis, key=key: getattr(basis, key)), True
    if "budget" not in allow and a.budget != b.budget:
        yield _both("budget", a, b, _written_budget), True


def _written_budget(basis: Basis) -> str:
    low, high, *others = basis.budget
    return ", ".join([f"{low:,} to {high:,}", *map(str, others)])


def _images_differ(a: Basis, b: Basis, allow: Collection[str]) -> Differences:
    """Differences in data set, requested subsets, images, and how they are read."""
    both_known = bool(a.mean and b.mean)
    is_folder = a.dataset not in DATA_SETS and b.dataset not in DATA_SETS
    if a.dataset != b.dataset and not (is_folder and both_known):  # a folder may have been moved
        yield _both("data set", a, b, lambda basis: basis.dataset), True
        return
    sized = "input" if a.input and b.input else "image_size"
    if getattr(a, sized) != getattr(b, sized):
        yield _both("image size", a, b, lambda basis: _size(basis, sized)), True
    subsets = {
        "train_size": ("--train-size", lambda basis: f"{basis.train_size:,}" if basis.train_size else "all"),
        "validation_size": (
            "--validation-size", lambda basis: f"{basis.validation_size:,}" if basis.validation_size else "all",
        ),
        "subset_seed": ("seed that draws the images", lambda basis: basis.subset_seed),
    }  # fmt: skip
    differing = [key for key in subsets if getattr(a, key) != getattr(b, key)]
    seeds_are_told = ("seed" not in allow and a.seed != b.seed) or None in (a.subset_seed, b.subset_seed)
    for key in differing:
        if key not in allow and not (key == "subset_seed" and seeds_are_told):
            topic, ask = subsets[key]
            yield _both(topic, a, b, ask), True
    if both_known or (a.n_train and b.n_train):
        yield from _contents_differ(a, b, differing)
    is_same_table = (
        a.evaluator == b.evaluator
        and needs(a.evaluator) == TABLE
        and a.evaluator_file
        and a.evaluator_file == b.evaluator_file
    )
    needs_none = (is_same_table and a.evaluator_file) or a.evaluator.startswith(PROGRAM)
    if not (both_known or needs_none or (a.is_fixed and b.is_fixed)):
        yield f"whether {a.name} and {b.name} are of the same images is not recorded", False
    yield from _readings_differ(a, b)


def _contents_differ(a: Basis, b: Basis, subsets: Collection[str]) -> Differences:
    """Differences in the images themselves, except those that follow from different ``subsets``."""
    counts = {
        "n_train": ("images to train on", "train_size"),
        "n_validation": ("images to validate on", "validation_size"),
    }
    are_as_many = True
    for key, (topic, size) in counts.items():
        if size not in subsets and getattr(a, key) != getattr(b, key):
            are_as_many = False
            yield _both(topic, a, b, lambda basis, key=key: f"{getattr(basis, key):,}"), True
    if a.classes and b.classes and a.classes != b.classes:
        yield _both("classes", a, b, _some_classes), True
    if not are_as_many or a.reading != b.reading:  # then means differ anyway
        return
    if _texts_differ(a.labels, b.labels):
        yield _both("checksum of the labels", a, b, lambda basis: basis.labels), True
    are_alike = a.input == b.input  # else pixels and what follows from the size differ anyway
    if are_alike and _texts_differ(a.augmentation, b.augmentation):
        yield _both("augmentation", a, b, lambda basis: basis.augmentation), True
    for key, topic in (("mean", "training images"), ("validation_mean", "validation images")):
        if not (key == "validation_mean" and subsets) and _means_differ(getattr(a, key), getattr(b, key)):
            are_alike = False
            yield (
                _both(f"channel means of the {topic}", a, b, lambda basis, key=key: _in_words(getattr(basis, key))),
                True,
            )
    if are_alike and _means_differ(a.std, b.std):
        are_alike = False
        yield _both("channel deviations of the training images", a, b, lambda basis: _in_words(basis.std)), True
    are_alike = are_alike and not (a.is_fixed and b.is_fixed)
    is_same_decoder = a.decoder == b.decoder or a.given or b.given  # of a picture, decoders make slightly other pixels
    if are_alike and is_same_decoder and _texts_differ(a.pixels, b.pixels):
        yield _both("checksum of the pixels", a, b, lambda basis: basis.pixels), True


def _texts_differ(one: str, other: str) -> bool:
    """Whether both texts are known and differ."""
    return bool(one and other) and one != other


def _means_differ(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Whether both means are known and differ by more than decoders do."""
    if not (one and other):
        return False
    return len(one) != len(other) or any(abs(x - y) > MEANS_DIFFER for x, y in zip(one, other, strict=True))


def _in_words(means: tuple[float, ...]) -> str:
    return " ".join(f"{mean:.4f}" for mean in means)


def _readings_differ(a: Basis, b: Basis) -> Differences:
    readings = {a.reading, b.reading}
    if len(readings) == 1 or not (a.reading and b.reading):
        return
    if NO_COPIES in readings and COPIES not in readings:
        yield f"whether {a.name} and {b.name} both streamed their images is not recorded", False
    else:
        yield _both("images", a, b, lambda basis: basis.reading), True


def _files_differ(a: Basis, b: Basis) -> Differences:
    """Differences in the table, the weights or the program's object that scores depend on."""
    if a.evaluator.startswith(PROGRAM):
        what = f"the evaluator '{a.evaluator.removeprefix(PROGRAM)}' of a program"
    elif needs(a.evaluator):
        what = "the file behind the scores"
    else:
        return
    if not (a.evaluator_file and b.evaluator_file):
        yield f"whether {what} is the same in {a.name} and {b.name} is not recorded", False
    elif a.evaluator_file != b.evaluator_file:
        yield _both(f"digest of {what}", a, b, lambda basis: basis.evaluator_file), True


def _recipes_differ(a: Basis, b: Basis) -> Differences:
    """Differences in epochs and other numbers of the recipe; its name and source alone do not count."""
    keys = [key for key in {**a.recipe, **b.recipe} if key not in ("name", "source")]
    differing = [key for key in keys if _plain(a.recipe.get(key)) != _plain(b.recipe.get(key))]
    if a.recipe.get("name") != b.recipe.get("name") and set(differing) - {"epochs"}:
        differing = ["name", *(["epochs"] if "epochs" in differing else [])]
    for key in differing:
        topic = {"name": "recipe", "epochs": "epochs"}.get(key, f"{key.replace('_', ' ')} of the recipe")
        yield _both(topic, a, b, lambda basis, key=key: basis.recipe.get(key, "none")), True


Ask = Callable[..., object]


def _both(topic: str, a: Basis, b: Basis, ask: Ask) -> str:
    return f"{topic}: {ask(a)} in {a.name}, {ask(b)} in {b.name}"


def _plain(value: Any) -> Any:
    """The value after writing and reading JSON: tuples become lists."""
    return list(value) if isinstance(value, tuple) else value


def _size(basis: Basis, sized: str) -> str:
    if sized == "input":
        return " x ".join(map(str, basis.input))
    return f"{basis.image_size} pixels" if basis.image_size else "the default"


def _some_classes(basis: Basis) -> str:
    names = ", ".join(basis.classes[:3])
    return f"{len(basis.classes)} ({names}{', ...' if len(basis.classes) > 3 else ''})"
