"""The images of a search: those to train on and those to validate with, cut down to the wanted number."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from seesaw_nas import data
from seesaw_nas.evaluators import Subject
from seesaw_nas.evaluators.trained import subject
from seesaw_nas.search.settings import SearchSettings

if TYPE_CHECKING:
    from seesaw_nas.data import SearchData


def load_images(settings: SearchSettings, given: SearchData | None = None) -> SearchData:
    """The images to train on and to validate with, those ``given`` or the data set's, cut down to the wanted number.

    Raises:
        DataError: they cannot be loaded, or there are too few to train on.
    """
    return _cut(settings, load_whole(settings, given))


class Described(NamedTuple):
    """What :func:`load_images` gives, what these images are, and how many there are to train on without a cut."""

    images: SearchData
    subject: Subject
    whole: int


def load_described(settings: SearchSettings, given: SearchData | None = None) -> Described:
    """The images of the settings, described; arguments and errors as of :func:`load_images`."""
    whole = load_whole(settings, given)
    images = _cut(settings, whole)
    return Described(images, subject(images, whole), len(whole.train))


def load_whole(settings: SearchSettings, given: SearchData | None) -> SearchData:
    """All images, those ``given`` or the data set's."""
    training, size = settings.training, settings.searched.image_size or None
    return given or data.load(training.dataset, training.data_path, size, cache_dir=training.cache_path)


def _cut(settings: SearchSettings, images: SearchData) -> SearchData:
    """The wanted number of the images; the seed draws them."""
    training = settings.training
    return data.cut(images, training.train_size, settings.scoring.validation_size, training.seed)
