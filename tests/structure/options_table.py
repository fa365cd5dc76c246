"""The guide's tables of options, made from where options are declared: python tests/structure/options_table.py

Writes them into docs/guide.md, between two markers.
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import get_type_hints

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from seesaw_nas.core.options import DeclaredOption, options_of  # noqa: E402 (the package of this clone)
from seesaw_nas.deploy.latency import LatencySettings  # noqa: E402
from seesaw_nas.search.settings import SearchSettings  # noqa: E402
from seesaw_nas.training.options import TrainSettings  # noqa: E402

GUIDE = ROOT / "docs" / "guide.md"
BEGIN, END = "<!-- options: python tests/structure/options_table.py -->\n", "<!-- end of options -->\n"


def tables() -> str:
    """A table for each topic of a search, then one for each other verb that has settings."""
    parts, hints = [], get_type_hints(SearchSettings)
    for topic in dataclasses.fields(SearchSettings):
        own = [one for one in options_of(SearchSettings) if one.topic == topic.name]
        parts.append(_table(f"`search`: {_title(hints[topic.name])}", own))
    parts.append(_table("`train`, where it differs", _differing(TrainSettings)))
    parts.append(_table("`latency`", [one for one in options_of(LatencySettings) if one.field != "seed"]))
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


def parts_of(text: str) -> tuple[str, str, str]:
    """The guide before the tables, the tables, and what follows."""
    before, _, rest = text.partition(BEGIN)
    own, _, after = rest.partition(END)
    return before, own, after


def main() -> None:
    """Write the tables into the guide."""
    before, _, after = parts_of(GUIDE.read_text(encoding="utf-8"))
    GUIDE.write_text(before + BEGIN + tables() + END + after, encoding="utf-8")


if __name__ == "__main__":
    main()
