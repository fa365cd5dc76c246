"""Finds the pictures below a folder, in its sub-folders too, and counts what is passed over."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path

from seesaw_nas.core.errors import DataError
from seesaw_nas.core.files import is_utf8
from seesaw_nas.data.pictures import UNREAD, printable
from seesaw_nas.data.unread import PassedOver

KINDS = ".jpg, .png or another that Pillow reads"
NAMED = 100  # of the files that are passed over; the others are counted


def passed_over(root: Path, paths: Sequence[str]) -> PassedOver:
    """What stands at these paths below ``root``, the folder of the data set; a path of a folder ends in a slash."""
    first = paths[:NAMED]
    ends = ["/" if path.endswith("/") else "" for path in first]
    names = (os.path.relpath(path, root) + end for path, end in zip(first, ends, strict=True))
    return PassedOver(len(paths), tuple(map(printable, names)))


@cache
def suffixes() -> frozenset[str]:
    """The ends of the names of pictures, in small letters: of every format that Pillow reads by itself."""
    from PIL import Image

    known = Image.registered_extensions().items()
    return frozenset(end for end, kind in known if kind in Image.OPEN and kind not in UNREAD)


def is_picture(name: str) -> bool:
    """Whether a file of this name is read; hidden ones are not, such as '._name.jpg', which macOS writes."""
    return os.path.splitext(name)[1].lower() in suffixes() and not name.startswith(".")


def find_pictures(root: Path) -> tuple[list[Path], list[str]]:
    """The pictures below a folder, sorted by name, and the paths of what is passed over.

    Links are followed, but no folder is entered twice, nor one that ``root`` lies in, so loops of links end.
    """
    entered = {_identity(path) for path in (root.resolve(), *root.resolve().parents)}
    pictures: list[Path] = []
    passed: list[str] = []
    waiting = _entries(root)
    while waiting:
        entry = waiting.pop()
        if _is(entry.is_dir):
            if entry.name.startswith(".") or (identity := _identity(entry.path)) in entered:
                passed.append(f"{entry.path}/")
                continue
            entered.add(identity)
            waiting += _entries(entry.path)
        elif is_picture(entry.name) and _is(entry.is_file):
            pictures.append(Path(entry.path))
        else:
            passed.append(entry.path)
    return pictures, passed


def _entries(folder: str | Path) -> list[os.DirEntry[str]]:
    """What is in a folder, the last name first."""
    with os.scandir(folder) as entries:  # lists a million files without a call to the disk for each
        return sorted(entries, key=lambda entry: entry.name, reverse=True)


def _is(kind: Callable[[], bool]) -> bool:
    """Whether an entry is of a kind; a link that leads nowhere, or to itself, is of none."""
    try:
        return kind()
    except OSError:
        return False


def _identity(path: str | Path) -> tuple[int, int]:
    status = os.stat(path)
    return status.st_dev, status.st_ino


def subfolders(root: Path) -> tuple[str, ...]:
    """Names of the folders in a folder, sorted, but hidden ones and links upwards; empty if it does not exist."""
    if not root.is_dir():
        return ()
    above = {_identity(path) for path in (root.resolve(), *root.resolve().parents)}
    folders = [entry for entry in _entries(root) if _is(entry.is_dir) and not entry.name.startswith(".")]
    return tuple(
        entry.name for entry in reversed(folders) if not (entry.is_symlink() and _identity(entry.path) in above)
    )


def beside(root: Path, read: Iterable[str]) -> list[str]:
    """The paths of all in a folder but what is read of it; a path of a folder ends in a slash."""
    known = set(read)
    rest = [entry for entry in reversed(_entries(root)) if entry.name not in known]
    return [f"{entry.path}/" if _is(entry.is_dir) else entry.path for entry in rest]


def check_names(root: Path, classes: Iterable[str]) -> None:
    """Refuse names that could not be written into a file of a run or of an export.

    Raises:
        DataError: the path of the folder, or the name of a class, is not UTF-8.
    """
    for what, name in (("folder", str(root.absolute())), *(("class folder", name) for name in classes)):
        if not is_utf8(name):
            where = "" if what == "folder" else f" in {printable(str(root))}"
            raise DataError(
                f"the name of the {what} {printable(name)}{where} is not UTF-8, so it cannot be written into the files "
                "of a run; rename it"
            )
