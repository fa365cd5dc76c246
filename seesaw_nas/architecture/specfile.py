"""Spec files: an architecture as JSON, from which anyone can rebuild, train and compare the network.

A file holds the architecture and, for people, its name, digest, Params and Multi-Adds. These figures are checked when
the file is read: a file that was edited by hand and whose figures no longer match is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seesaw_nas.architecture import cost, reference
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.documents import DocumentError, read_json
from seesaw_nas.core.errors import SpecError
from seesaw_nas.core.fields import check_text, check_version, shorten, take_fields
from seesaw_nas.core.names import FRONT, safe_name

SCHEMA_VERSION = 1
SPEC_HELP = (
    "A spec file; the folder of a search, such as runs/NAME (its best) or runs/NAME#3 (the third of its front); the "
    "folder of a training; or a network of the paper, such as seesaw-shuffle-0.5d@cifar10."
)
LARGEST = 16 * 2**20  # bytes of a spec file or a front: about 1,000 of the largest networks


@dataclass(frozen=True, slots=True)
class Named:
    """An architecture with its name and, if known, the data set it belongs to.

    Attributes:
        result: how it was found or trained, if the file that it is from says so; any JSON object.
    """

    name: str
    architecture: Architecture
    dataset: str = ""
    result: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)


def document(named: Named, result: dict[str, Any] | None = None) -> dict[str, Any]:
    """The content of a spec file.

    Args:
        named: the architecture and its name.
        result: how it was found or trained, with its conditions; any JSON object.
    """
    architecture = named.architecture
    value: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "name": named.name,
        "digest": architecture.digest,
        "params": cost.params(architecture),
        "macs": cost.macs(architecture),
        "input": list(architecture.input),
        "architecture": architecture.to_dict(),
    }
    return value | ({"result": result} if result else {})


def read(path: Path) -> Named:
    """The architecture in a spec file.

    Raises:
        SpecError: the file is missing, is not JSON, or is not a spec; the message names the field.
    """
    value = _content(path)
    try:
        return _named(value, path)
    except SpecError as error:
        raise SpecError(f"{path}: {error}") from None


def front_document(members: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The content of a run's ``front.json``: spec files, each a :func:`document`, in ascending order of Multi-Adds."""
    return {"schema_version": SCHEMA_VERSION, "members": list(members)}


def _read_folder(folder: Path) -> Named:
    """What a training writes as it begins, or a search as it stops or ends."""
    for name in ("spec.json", "best.json"):
        if (folder / name).exists():
            return read(folder / name)
    raise SpecError(
        f"{folder} has no architecture yet: no spec.json of a training and no best.json of a search, which is written "
        f"when the search ends; `seesaw-nas status {folder}` says how far it is, `seesaw-nas resume {folder}` ends it"
    )


def read_member(folder: Path, number: str) -> Named:
    """A member of a run's front; 1 has the fewest Multi-Adds.

    Raises:
        SpecError: there is no such member, or no readable ``front.json``.
    """
    path = folder / FRONT
    if not path.exists():
        raise SpecError(f"{folder} has no {FRONT}; `seesaw-nas resume {folder}` writes it, where it is a search")
    try:
        content = take_fields(_content(path), ["schema_version", "members"])
        check_version(content["schema_version"], SCHEMA_VERSION)
        members = content["members"]
        if not isinstance(members, list):
            raise SpecError("a list is wanted", "members")
        if not re.fullmatch(r"[1-9][0-9]{0,8}", number) or int(number) > len(members):
            there = f"it has {len(members)}, from #1 to #{len(members)}" if members else "it is empty"
            raise SpecError(f"there is no member #{number} of this front; {there}")
        return _named(members[int(number) - 1], path)
    except SpecError as error:
        raise SpecError(f"{path}: {error}") from None


def _content(path: Path) -> Any:
    try:
        return read_json(path, LARGEST)
    except DocumentError as error:
        raise SpecError(error.about(path, "the spec file")) from None


def _named(value: Any, path: Path) -> Named:
    optional = ["name", "digest", "params", "macs", "input", "result"]
    content = take_fields(value, ["schema_version", "architecture"], optional)
    check_version(content["schema_version"], SCHEMA_VERSION)
    name = content.pop("name", path.stem)
    check_text("name", name)
    name = safe_name(name)
    if not isinstance(content.get("result", {}), dict):
        raise SpecError(f"an object is wanted, got {shorten(content['result'])}", "result")
    try:
        result = content.get("result", {})
        named = Named(name, Architecture.from_dict(content["architecture"]), _dataset(result), result)
    except SpecError as error:
        raise error.within("architecture") from None
    for key, expected in document(named).items():
        if key in content and content[key] != expected and key != "architecture":
            raise SpecError(
                f"the file says {shorten(content[key])}, but its architecture has {expected!r}; correct or remove this "
                "field",
                key,
            )
    return named


def _dataset(result: Any) -> str:
    dataset = result.get("dataset", "") if isinstance(result, dict) else ""
    return dataset if isinstance(dataset, str) else ""


def resolve(text: str) -> Named:
    """The architecture that ``text`` names: a spec file, the folder of a search (its best) or training, or a model.

    ``runs/NAME#3`` is the third member of that search's front in ascending order of Multi-Adds. Models are written
    MODEL@SETTING, see :func:`seesaw_nas.architecture.reference.network`.

    Raises:
        SpecError: ``text`` is none of these.
    """
    if not text:
        raise SpecError("a spec file, a run's folder or MODEL@SETTING is wanted, got nothing")
    path = Path(text)
    if path.is_dir():
        return _read_folder(path)
    folder, hash_, number = text.rpartition("#")
    if hash_ and not path.exists() and Path(folder or ".").is_dir():
        return read_member(Path(folder), number)
    if path.exists() or path.suffix == ".json" or "/" in text:
        return read(path)
    name = text if "@" in text else f"{text}@{reference.DEFAULT_SETTING}"
    try:
        return Named(name, reference.network(name), reference.setting_of(name).dataset)
    except SpecError as error:
        if "@" in text or not str(error).startswith("unknown model"):
            raise
        raise SpecError(f"{error}; nor is there a file or folder '{text}'") from None
