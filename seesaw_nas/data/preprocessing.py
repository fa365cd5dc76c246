"""The input that a trained network expects: size, channels and normalisation of its images; and its classes.

It is written into the header of a weights file when a training ends, and from there into every export.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from math import isfinite
from pathlib import PurePath
from typing import Any

import numpy as np
import numpy.typing as npt

from seesaw_nas.architecture.spec import LARGEST_SIDE, LARGEST_WIDTH
from seesaw_nas.architecture.specfile import Named
from seesaw_nas.core.documents import DocumentError, parse_json
from seesaw_nas.core.errors import SpecError
from seesaw_nas.core.fields import check_int, check_list, check_tuple, shorten, take_fields
from seesaw_nas.core.files import is_utf8
from seesaw_nas.data.images import SearchData

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

COLOURS = {1: "grey", 3: "RGB"}  # colours that image files can be read in, by number of channels


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """Square images, normalised channel by channel.

    Attributes:
        dataset: data set that the network was trained on; a folder of images by its name, without its path.
        classes: names of the classes, in the order of the logits.
        channels: 3 for RGB, 1 for grey.
        size: height and width in pixels.
        short_side: length that the short side of a picture is resized to before its centre is cut out, in pixels;
            equal to ``size`` if nothing is cut off on that side.
        mean, std: mean and deviation of each channel, in units of 0..1.
    """

    dataset: str
    classes: tuple[str, ...]
    channels: int
    size: int
    short_side: int
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.dataset, str) or not self.dataset:
            raise SpecError(f"a text is wanted, got {shorten(self.dataset)}", "dataset")
        check_tuple("classes", self.classes, str)
        if odd := [name for name in self.classes if not is_utf8(name)]:
            raise SpecError(f"the name {odd[0]!a} is not UTF-8; rename the class and train again", "classes")
        check_int("channels", self.channels, 1, LARGEST_WIDTH)
        check_int("size", self.size, 1, LARGEST_SIDE)
        check_int("short_side", self.short_side, self.size, 2 * LARGEST_SIDE)
        for name, values in (("mean", self.mean), ("std", self.std)):
            check_tuple(name, values, float)
            if len(values) != self.channels or not all(map(isfinite, values)):
                raise SpecError(
                    f"{self.channels} finite numbers are wanted, one a channel, got {shorten(values)}", name
                )
        if min(self.std) <= 0:
            raise SpecError(f"numbers above 0 are wanted, got {shorten(self.std)}", "std")

    @classmethod
    def of(cls, data: SearchData) -> Preprocessing:
        """The input of a network that was trained on this data set, as its evaluation prepares it."""
        channels, size, _ = data.input
        kind, colon, path = data.name.partition(":")  # folder:/path/to/it
        dataset, short_side = kind + colon + PurePath(path).name, data.validation.short_side
        return cls(dataset, data.classes, channels, size, short_side, data.mean, data.std)

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        lists = {name: list(getattr(self, name)) for name in ("classes", "mean", "std")}
        return asdict(self) | lists

    @classmethod
    def from_dict(cls, value: Any) -> Preprocessing:
        """The value that :meth:`to_dict` wrote.

        Raises:
            SpecError: the message names the field.
        """
        content = take_fields(value, [field.name for field in fields(cls)])
        content["classes"] = tuple(check_list("classes", content["classes"]))
        for name in ("mean", "std"):
            values = check_list(name, content[name])
            content[name] = tuple(float(v) if type(v) is int else v for v in values)  # some JSON writers write 0.0 as 0
        return cls(**content)

    def to_json(self) -> str:
        """One line of text, for the header of a file."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_json(cls, text: str) -> Preprocessing:
        """The value that :meth:`to_json` wrote.

        Raises:
            SpecError: the text is not JSON, or the message names the field.
        """
        try:
            return cls.from_dict(parse_json(text))
        except DocumentError as error:
            raise SpecError(str(error), "preprocessing") from None
        except SpecError as error:
            raise error.within("preprocessing") from None

    def apply(self, images: Pixels) -> Floats:
        """Normalise images (N, channels, size, size), with the same bits as in training."""
        assert images.dtype == np.uint8
        assert images.shape[1:] == (self.channels, self.size, self.size), images.shape
        offset, scale = (255 * np.asarray(values, np.float32).reshape(-1, 1, 1) for values in (self.mean, self.std))
        normalised: Floats = (images.astype(np.float32) - offset) / scale
        return normalised


def weights_header(named: Named, dataset: str, preprocessing: Preprocessing) -> dict[str, str]:
    """The header of a weights file, with all that exporting and classifying need.

    Args:
        dataset: name by which :func:`seesaw_nas.data.load` loads the data set.
    """
    return {
        "digest": named.architecture.digest,
        "name": named.name,
        "dataset": dataset,
        "preprocessing": preprocessing.to_json(),
    }
