"""The tables of all options, made from where options are declared."""

from __future__ import annotations

import dataclasses
from typing import get_type_hints

from seesaw_nas.core.options import DeclaredOption, options_of
from seesaw_nas.deploy.latency import LatencySettings
from seesaw_nas.deploy.profiling.request import ProfileSettings
from seesaw_nas.search.settings import SearchSettings
from seesaw_nas.training.options import TrainSettings


def tables() -> str:
    """A table for each topic of a search, then one for each other verb that has settings."""
    parts, hints = [], get_type_hints(SearchSettings)
    for topic in dataclasses.fields(SearchSettings):
        own = [one for one in options_of(SearchSettings) if one.topic == topic.name]
        parts.append(_table(f"`search`: {_title(hints[topic.name])}", own))
    parts.append(_table("`train`, where it differs", _differing(TrainSettings)))
    parts.append(_table("`latency`", [one for one in options_of(LatencySettings) if one.field != "seed"]))
    parts.append(_table("`profile`", list(options_of(ProfileSettings))))
    return "\n".join(parts)


def _title(topic: type) -> str:
    sentence = (topic.__doc__ or "").splitlines()[0].rstrip(".")
    return sentence[0].lower() + sentence[1:]


def _differing(settings: type) -> list[DeclaredOption]:
    """The options that a search has not, or with another default."""
    before = {one.field: one.default for one in options_of(SearchSettings)}
    return [one for one in options_of(settings) if one.field not in before or before[one.field] != one.default]


def _table(title: str, options: list[DeclaredOption]) -> str:
    rows = [f"| {_name(one)} | {_default(one.default)} | {one.option.help} |" for one in options]
    return "\n".join([f"| {title} | default | |", "|---|---|---|", *rows, ""])


def _name(one: DeclaredOption) -> str:
    return f"`{one.name.upper()}`" if one.option.argument else f"`--{one.name}`"


def _default(value: object) -> str:
    if value is dataclasses.MISSING or value is None or value in ("", ()):
        return ""
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"`{','.join(map(str, value)) if isinstance(value, tuple) else value}`"
