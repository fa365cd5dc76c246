"""Trainings that take less: with fewer images or fewer epochs, each with an estimate by arithmetic. Loads no torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seesaw_nas.training.recipes import Recipe

LONG_SECONDS = 3600.0
FEWER_IMAGES, FEWER_EPOCHS = 5, 4  # times
LEAST_IMAGES = 1000  # to train on; with fewer an accuracy says little


@dataclass(frozen=True, slots=True)
class Cheaper:
    """One way to make it cheaper.

    Attributes:
        options: what to give instead, by name without dashes.
        seconds: that it takes, by arithmetic.
    """

    options: Mapping[str, str]
    seconds: float

    def and_also(self, other: Cheaper, whole: float) -> Cheaper:
        """Both changes at once; ``whole`` are the seconds without either."""
        return Cheaper({**self.options, **other.options}, self.seconds * other.seconds / whole)


def of_training(n: int, n_validation: int, recipe: Recipe, whole: float) -> Iterator[Cheaper]:
    """Fewer images, and fewer epochs, of trainings on ``n`` images that take ``whole`` seconds together."""
    evaluated = (n_validation + min(recipe.recalibration_images, n)) / 3
    fewer = _round(n // FEWER_IMAGES)
    if fewer >= LEAST_IMAGES:
        yield Cheaper({"train-size": str(fewer)}, whole * (fewer + evaluated) / (n + evaluated))
    if (epochs := max(1, recipe.epochs // FEWER_EPOCHS)) < recipe.epochs:
        yield Cheaper({"epochs": str(epochs)}, whole * epochs / recipe.epochs)


def _round(value: int) -> int:
    """To two digits, downwards."""
    digits = int(10 ** max(0, len(str(value)) - 2))
    return value // digits * digits
