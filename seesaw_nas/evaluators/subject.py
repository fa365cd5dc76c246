"""What architectures are trained on and scored by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Subject:
    """What architectures are trained on and scored by.

    Attributes:
        name: of the data set.
        input: shape of an image, (channels, height, width).
        classes: how many there are.
        n_train, n_validation: images to train on, and to score on.
        class_names: in the order of the labels; empty where they are not known.
        mean, validation_mean: of each channel, in units of 0..1, over all training images (a sample where they are
            streamed) and over those to score on; empty where they are not known.
        streamed: whether images are decoded anew for every epoch; ``None`` where that is not known.
        std: deviation of each channel that images are normalised by; empty where it is not known.
        augmentation: of training images, in words.
        labels, pixels, decoder: see :class:`seesaw_nas.data.checksum.Checksums`; of all images, also where a part of
            them is used. Empty where they are not known.
    """

    name: str
    input: tuple[int, int, int]
    classes: int
    n_train: int
    n_validation: int
    class_names: tuple[str, ...] = ()
    mean: tuple[float, ...] = ()
    validation_mean: tuple[float, ...] = ()
    streamed: bool | None = None
    std: tuple[float, ...] = ()
    augmentation: str = ""
    labels: str = ""
    pixels: str = ""
    decoder: str = ""

    @property
    def record(self) -> dict[str, Any]:
        """What a run notes of its images, in JSON values; empty where nothing is read of them."""
        if not self.n_train:
            return {}
        found = {
            "dataset": self.name,
            "input": list(self.input),
            "classes": list(self.class_names),
            "n_train": self.n_train,
            "n_validation": self.n_validation,
            "mean": list(self.mean),
            "validation_mean": list(self.validation_mean),
        }
        names = ("augmentation", "labels", "pixels", "decoder")
        more: dict[str, Any] = {name: value for name in names if (value := getattr(self, name))}
        more |= {"std": list(self.std)} if self.std else {}
        return (found if self.streamed is None else found | {"streamed": self.streamed}) | more
