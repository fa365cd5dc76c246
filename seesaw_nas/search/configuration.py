"""The settings of a search in a file: TOML by a user, or the ``run.json`` that an earlier search left.

Keys are the options of the command line without dashes before them; ``train-size`` and ``train_size`` are the same.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_origin, get_type_hints

from seesaw_nas.core import options
from seesaw_nas.core.documents import DocumentError, read_json, read_toml
from seesaw_nas.core.errors import OptionError, SeesawError, known
from seesaw_nas.core.options import DeclaredOption
from seesaw_nas.core.run_folder import DESCRIPTION, check_description, is_run
from seesaw_nas.core.units import write_budget
from seesaw_nas.search.history.addresses import without_password
from seesaw_nas.search.settings import SearchSettings

OWN = ("name", "runs_dir", "time_limit")  # what the verb has besides the settings; each is a text
OPENED = ("storage", "ray_address", "cache_dir")  # what a run's folder, which may be anybody's, does not decide alone
_HEADING = """\
# A search with these options: seesaw-nas search --config FILE
# Options on the command line come before those in the file.
"""


def read(path: Path | str) -> dict[str, Any]:
    """The options that a file gives, by field: those of :class:`SearchSettings`, and of :data:`OWN`.

    A run's folder gives none of :data:`OPENED`; see :func:`read_opened`.

    Args:
        path: a TOML file; or a run's folder, or its ``run.json``.

    Raises:
        OptionError: the file cannot be read, has a key that is no option, or a value that the option does not allow.
    """
    return {name: value for name, value in _read(path).items() if name not in OPENED or not _is_recorded(path)}


def read_opened(path: Path | str) -> dict[str, str]:
    """What :data:`OPENED` is in a run's folder, where it is anything; of a TOML file, which is the user's own, nothing.

    Raises as :func:`read`.
    """
    return (
        {name: value for name, value in _read(path).items() if name in OPENED and value} if _is_recorded(path) else {}
    )


def _read(path: Path | str) -> dict[str, Any]:
    file = _file(path)
    try:
        return _recorded(file) if _is_recorded(path) else _given(read_toml(file))
    except DocumentError as error:
        raise OptionError(error.about(file, "the configuration")) from None
    except SeesawError as error:
        raise OptionError(f"{file}: {error}") from None


def _file(path: Path | str) -> Path:
    return Path(path) / DESCRIPTION if is_run(Path(path)) else Path(path)


def _is_recorded(path: Path | str) -> bool:
    return _file(path).suffix == ".json"


def read_settings(path: Path | str) -> SearchSettings:
    """The settings that a file gives, with defaults for what it does not say; raises as :func:`read`."""
    return SearchSettings.of(**{name: value for name, value in read(path).items() if name not in OWN})


def write(settings: SearchSettings, own: Mapping[str, str]) -> str:
    """The TOML text that :func:`read` reads back: every option, by topic. A database's password is left out.

    Args:
        own: values of :data:`OWN`; empty ones are left out.
    """
    values = settings.to_dict()
    if values["storage"]:
        values["storage"] = without_password(values["storage"])
    parts, hints = [_HEADING], get_type_hints(SearchSettings)
    for topic in dataclasses.fields(SearchSettings):
        lines = [f"# {(hints[topic.name].__doc__ or '').splitlines()[0]}"]
        lines += [
            _line(one, values[one.field]) for one in options.options_of(SearchSettings) if one.topic == topic.name
        ]
        parts.append("\n".join(lines) + "\n")
    if given := [f"{name} = {_toml(value)}" for name, value in own.items() if value]:
        parts.append("\n".join(["# Where the run is kept, and for how long it goes on.", *given]) + "\n")
    return "\n".join(parts)


def _recorded(file: Path) -> dict[str, Any]:
    """The settings of an earlier search."""
    about = check_description(read_json(file), "the file")
    if "trials" not in about.get("settings", {}):
        raise OptionError("it is not of a search; give the run.json of one, or a TOML file with options")
    if given := about.get("given"):
        raise OptionError(f"that search was given objects of a program, which no file holds: {', '.join(given)}")
    return SearchSettings.from_dict(about["settings"]).to_dict()


def _given(content: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a TOML file by field, each held against its option."""
    declared = options.options_of(SearchSettings)
    fields = {spelling: one for one in declared for spelling in (one.field, _key(one))}
    found: dict[str, Any] = {}
    for key, value in content.items():
        name = key.replace("-", "_")
        if name not in fields and name not in OWN:
            raise OptionError(known("key", key, [*map(_key, declared), *OWN]))
        field = fields[name].field if name in fields else name
        if field in found:
            raise OptionError(f"{key} is given twice, under two spellings; keep one of them")
        found[field] = _value(fields[name], value) if name in fields else _own(key, value)
    return found


def _value(one: DeclaredOption, value: Any) -> Any:
    if get_origin(one.type) is tuple and isinstance(value, list):
        value = tuple(value)
    if one.field == "budget" and isinstance(value, int):
        value = write_budget(value)
    one.check(value)
    return value


def _own(key: str, value: Any) -> str:
    if key.replace("-", "_") == "time_limit" and type(value) is int:
        value = str(value)  # seconds
    if not isinstance(value, str):
        raise OptionError(f"{key} wants a text, got {value!r}")
    return value


def _key(one: DeclaredOption) -> str:
    return one.name.replace("-", "_")


def _line(one: DeclaredOption, value: Any) -> str:
    return f"# {_key(one)} is not given" if value is None else f"{_key(one)} = {_toml(value)}"


def _toml(value: Any) -> str:
    """A text, number, truth value or tuple of them as TOML writes it."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
