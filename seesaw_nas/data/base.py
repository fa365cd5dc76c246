"""What every data set is: where its images come from, and what it is made for. Importing this loads no torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from seesaw_nas.data.progress import Progress

if TYPE_CHECKING:
    from seesaw_nas.data.images import SearchData, Split

LARGEST_IMAGE = 2048  # pixels a side; a batch of 64 such images has 0.8 GB before the network sees it


@dataclass(frozen=True, slots=True)
class DataSetting:
    """What a data set is made for; the same for all, so each takes what concerns it and refuses what cannot be.

    Attributes:
        name: by which it was asked for; of a folder its path.
        data_dir: where its files are; ``None`` for none, or for a download.
        image_size: side of the images in pixels; ``None`` for the data set's own.
        progress: called with how far a download or a reading is; ``None`` for a bar that a terminal shows.
        cache_dir: keeps small copies of large images; ``None`` for no copies.
    """

    name: str
    data_dir: Path | None = None
    image_size: int | None = None
    progress: Progress | None = None
    cache_dir: Path | None = None


class Source(Protocol):
    """Where the images of one data set come from."""

    def search(self) -> SearchData:
        """Training and validation images, without opening the test split where that is a file of its own."""

    def test(self) -> Split:
        """The test split."""
