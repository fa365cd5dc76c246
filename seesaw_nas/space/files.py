"""Space files: search spaces in TOML, shipped with the package or written by a user."""

from __future__ import annotations

import os
import re
from pathlib import Path

from seesaw_nas.core.documents import LARGEST_TOML, DocumentError, decode, parse_toml, read_bytes
from seesaw_nas.core.errors import SpaceError, known
from seesaw_nas.space import content
from seesaw_nas.space.definition import Space

_PACKAGE = Path(__file__).resolve().parent.parent
_FOLDERS = (_PACKAGE / "search_spaces", _PACKAGE.parent / "search_spaces")  # in a wheel, in a clone


def names() -> list[str]:
    """Names of the spaces that are shipped with the package."""
    return sorted({path.stem for folder in _FOLDERS for path in folder.glob("*.toml")})


def load(name: str) -> Space:
    """The shipped space of this name, or the space in this TOML file.

    Raises:
        SpaceError: there is no such space, or the file is not a space file; the message names the field.
    """
    shipped = _shipped(name)
    if shipped is None and not name.endswith(".toml"):
        raise SpaceError(known("space", name, names()) + "; a path to a .toml file works too")
    path = shipped or Path(name)
    return parse(read_text(path), path)


def copy(name: str, path: Path | str = "") -> Path:
    """Write the file of a shipped space, to be edited; in the copy the space has the file's name. Returns its path.

    Args:
        path: of the new file; ``NAME.toml`` in this folder if empty.

    Raises:
        SpaceError: there is no such space, or the file exists already or cannot be written.
    """
    shipped = _shipped(name)
    if shipped is None:
        raise SpaceError(known("space", name, names()))
    path = Path(path or f"{name}.toml")
    if path.suffix != ".toml":
        raise SpaceError(f"a space file ends in .toml, got {path}; write {path.name}.toml")
    text = re.sub(r'^name = ".*"$', lambda _: f"name = {_quote(path.stem)}", read_text(shipped), count=1, flags=re.M)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise SpaceError(f"{path} exists already and nothing is overwritten; name another file") from None
    except OSError as error:
        raise SpaceError(f"cannot write {path}: {error.strerror}; name another file") from None
    return path


def _quote(text: str) -> str:
    """A text as TOML writes it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _shipped(name: str) -> Path | None:
    """The file of a shipped space; ``None`` if there is none of this name."""
    if not name or os.sep in name:
        return None
    return next((path for folder in _FOLDERS if (path := folder / f"{name}.toml").is_file()), None)


def read_text(path: Path | str) -> str:
    """The text of a space file, without the byte order mark that some editors put before it.

    Raises:
        SpaceError: the file cannot be read, or holds no text.
    """
    try:
        return decode(read_bytes(Path(path), LARGEST_TOML), "a TOML file")
    except DocumentError as error:
        raise SpaceError(error.about(path, "the space file")) from None


def parse(text: str, path: Path | str) -> Space:
    """The space that this TOML text describes; ``path`` names the file in error messages.

    Raises:
        SpaceError: the text does not describe a space; the message names every field that is wrong.
    """
    try:
        value = parse_toml(text)
    except DocumentError as error:
        raise SpaceError(error.about(path, "the space file")) from None
    try:
        return content.read(value)
    except SpaceError as error:
        raise SpaceError(*error.mistakes, file=str(path)) from None
