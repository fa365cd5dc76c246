"""Reads files that anybody may have written or damaged: bounded in size, depth and numbers, each problem in one line.

Every JSON and TOML file that this package reads is read here. Byte order marks of UTF-8, UTF-16 and UTF-32 are
understood; text without one is UTF-8.
"""

from __future__ import annotations

import codecs
import errno
import json
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO

from seesaw_nas.core.errors import SeesawError
from seesaw_nas.core.fields import shorten

LARGEST = 64 * 2**20  # bytes of a JSON file
LARGEST_TOML = 128 * 2**10  # bytes: a space file has about 1,000, and long dotted keys cost their length squared
DEEPEST = 60  # levels of objects and lists within each other; our own files have up to 10
_DIGITS = 20  # of a whole number: those up to 64 bits
_MARKS = {  # UTF-32's little-endian mark begins with UTF-16's
    codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF32_LE: "utf-32-le", codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be",
}  # fmt: skip
_POINTERS = {  # first bytes of what stands in a clone for a file that is stored elsewhere
    b"version https://git-lfs.github.com/spec/": ("Git LFS", "git lfs pull"),
    b"version https://hawser.github.com/spec/": ("Git LFS", "git lfs pull"),
    b"version http://git-media.io/": ("Git LFS", "git lfs pull"),
    b"/annex/objects/": ("git-annex", "git annex get"),
}
_KINDS = {
    stat.S_IFIFO: "pipe", stat.S_IFCHR: "device", stat.S_IFBLK: "device", stat.S_IFSOCK: "socket",
}  # fmt: skip


class DocumentError(SeesawError):
    """A file that cannot be read.

    Attributes:
        reason: what the file is or has, to follow its path: ``is not JSON: Expecting value``; or what the system says.
        of_system: whether the system refused it.
    """

    def __init__(self, reason: str, of_system: bool = False) -> None:
        self.reason, self.of_system = reason, of_system
        super().__init__(reason if of_system else f"it {reason}")

    def about(self, path: Path | str, noun: str) -> str:
        """The whole sentence: ``cannot read the spec file a.json: No such file or directory``."""
        return f"cannot read {noun} {path}: {self.reason}" if self.of_system else f"{path} {self.reason}"


def open_file(path: Path) -> BinaryIO:
    """A regular file, open for reading, that is no pointer to a file stored elsewhere. Never waits for a pipe.

    Raises:
        DocumentError: there is none, or it is something else.
    """
    try:
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise DocumentError(error.strerror or str(error), of_system=True) from None
    except ValueError as error:  # a null byte in the name
        raise DocumentError(str(error), of_system=True) from None
    kind = stat.S_IFMT(os.fstat(number).st_mode)
    if kind != stat.S_IFREG:
        os.close(number)
        if kind == stat.S_IFDIR:
            raise DocumentError(os.strerror(errno.EISDIR), of_system=True)
        raise DocumentError(f"is a {_KINDS.get(kind, 'special file')}; give a regular file")
    file = os.fdopen(number, "rb")
    try:
        _refuse_pointer(file.read(64))
        file.seek(0)
    except OSError as error:
        file.close()
        raise DocumentError(error.strerror or str(error), of_system=True) from None
    except DocumentError:
        file.close()
        raise
    return file


def _refuse_pointer(start: bytes) -> None:
    for beginning, (store, command) in _POINTERS.items():
        if start.startswith(beginning):
            raise DocumentError(
                f"is a pointer file of {store}, which stands for a file that is stored elsewhere; `{command}` in its "
                "repository gets the file itself"
            )


def check_file(path: Path) -> None:
    """Refuse, as :func:`open_file` does, what another library is about to open.

    Raises:
        DocumentError: there is no file, or it is something else than a file with its own content.
    """
    open_file(path).close()


def read_bytes(path: Path, largest: int = LARGEST) -> bytes:
    """The content of a file of at most ``largest`` bytes.

    Raises:
        DocumentError: it cannot be read, is no regular file or too large; nothing larger is ever in memory.
    """
    with open_file(path) as file:
        size = os.fstat(file.fileno()).st_size
        try:
            content = b"" if size > largest else file.read(largest + 1)
        except OSError as error:
            raise DocumentError(error.strerror or str(error), of_system=True) from None
    if max(size, len(content)) > largest:
        raise DocumentError(f"has {max(size, len(content)):,} bytes, and at most {largest:,} are read")
    return content


def decode(content: bytes, form: str) -> str:
    """Text by its byte order mark, which is left out; UTF-8 without one.

    Raises:
        DocumentError: the bytes are no text; ``form`` is what they should be.
    """
    mark = next((mark for mark in _MARKS if content.startswith(mark)), b"")
    try:
        return content[len(mark) :].decode(_MARKS.get(mark, "utf-8"))
    except UnicodeDecodeError as error:
        raise DocumentError(f"is not {form}: {error}") from None


def read_json(path: Path, largest: int = LARGEST) -> Any:
    """The value in a JSON file, within the bounds of :func:`parse_json`.

    Raises:
        DocumentError: the file cannot be read, or holds none.
    """
    return parse_json(decode(read_bytes(path, largest), "JSON"))


def parse_json(text: str) -> Any:
    """The value of a JSON text. Keys are given once, whole numbers have 64 bits, texts can be written as UTF-8.

    Raises:
        DocumentError: it is none, or nested more than ``DEEPEST`` levels.
    """
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_int=_integer)
    except json.JSONDecodeError as error:
        raise DocumentError(f"is not JSON: {error}") from None
    except RecursionError:
        raise DocumentError(_TOO_DEEP) from None
    _check_value(value, has_escapes="\\u" in text)
    return value


def read_toml(path: Path, largest: int = LARGEST_TOML) -> dict[str, Any]:
    """The content of a TOML file, within the bounds of :func:`parse_toml`.

    Raises:
        DocumentError: the file cannot be read, or holds none.
    """
    return parse_toml(decode(read_bytes(path, largest), "a TOML file"))


def parse_toml(text: str) -> dict[str, Any]:
    """The content of a TOML text; as for JSON, whole numbers have 64 bits.

    Raises:
        DocumentError: it is none, or nested more than ``DEEPEST`` levels.
    """
    import tomllib  # most commands read no TOML, and start sooner

    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DocumentError(f"is not a TOML file: {error}") from None
    except RecursionError:
        raise DocumentError(_TOO_DEEP) from None
    except ValueError:  # Python's own limit, about 4,300 digits
        raise DocumentError(_TOO_LONG) from None
    _check_value(value, has_escapes=True)
    return value


_TOO_DEEP = f"is nested too deeply: more than {DEEPEST} levels of objects and lists"
_TOO_LONG = f"holds a whole number of more than {_DIGITS} digits"


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise DocumentError(f"has the key {shorten(twice)} twice in one object; keep one of them")
    return value


def _integer(digits: str) -> int:
    if len(digits) > _DIGITS:
        raise DocumentError(_TOO_LONG)
    return int(digits)


def _check_value(value: Any, has_escapes: bool) -> None:
    """Hold the depth, the whole numbers and the texts of a value against the bounds, level by level."""
    level, depth = [value], 0
    while level:
        if depth > DEEPEST:
            raise DocumentError(_TOO_DEEP)
        below: list[Any] = []
        for entry in level:
            if isinstance(entry, dict):
                below += entry.values()
                if has_escapes:
                    below += entry
            elif isinstance(entry, list):
                below += entry
            elif has_escapes and isinstance(entry, str):
                _check_text(entry)
            elif type(entry) is int and abs(entry) >= 10**_DIGITS:
                raise DocumentError(_TOO_LONG)
        level, depth = below, depth + 1


def _check_text(text: str) -> None:
    """Refuse what no file or terminal can hold: null characters and lone surrogates, as escapes write them."""
    if "\0" in text:
        raise DocumentError(f"holds a text with a null character: {shorten(text)}")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise DocumentError(f"holds a text with half a surrogate pair: {shorten(text)}") from None
