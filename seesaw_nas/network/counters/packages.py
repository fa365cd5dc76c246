"""Which installed package a module is of.

Two packages may install the same folder: ``thop`` and ``ultralytics-thop`` both install ``thop``. The one that was
installed last has written over the other's files, and both go on being listed as installed.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Package:
    """A package as it is listed, and its version."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def is_installed(module: str) -> bool:
    """Whether a module could be imported; nothing is."""
    try:
        return util.find_spec(module) is not None
    except ValueError:  # something without a spec stands in for it
        return False


def find_package(module: str) -> Package | None:
    """The package whose files a module really has, without importing it; ``None`` if none claims them.

    Of several packages that claim the module's first file it is the one whose record has the file's checksum.
    """
    spec = util.find_spec(module)
    if spec is None or not spec.origin:
        return None
    file = Path(spec.origin)
    listed = dict.fromkeys(metadata.packages_distributions().get(module.partition(".")[0], ()))
    distributions = [metadata.distribution(name) for name in listed]
    claims = [one for one in distributions if _recorded(one, file) is not None]
    for one in claims:
        if _recorded(one, file) == _checksum(file):
            return _name(one)
    if len(distributions) == 1:  # its files were changed, or it is installed in place and lists none
        return _name(distributions[0])
    return None


def _name(distribution: metadata.Distribution) -> Package:
    return Package(distribution.metadata["Name"], distribution.version)


def _recorded(distribution: metadata.Distribution, file: Path) -> str | None:
    """The checksum of a file in a package's record, empty if it has none; ``None`` if the package has no such file."""
    for entry in distribution.files or ():
        if entry.name == file.name and Path(str(entry.locate())).resolve() == file.resolve():
            return entry.hash.value if entry.hash else ""
    return None


def _checksum(file: Path) -> str:
    digest = hashlib.sha256(file.read_bytes()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
