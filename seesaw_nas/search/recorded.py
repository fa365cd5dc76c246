"""What an earlier run's record says of its space and of how its architectures stand. Loads without torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seesaw_nas import space
from seesaw_nas.core.errors import SeesawError
from seesaw_nas.core.run_folder import RunFolder
from seesaw_nas.evaluators import table as tables
from seesaw_nas.search import objectives, standing
from seesaw_nas.search.records import TrialRecord
from seesaw_nas.search.settings import SearchSettings
from seesaw_nas.search.standing import Standing
from seesaw_nas.search.topics import OBSERVED
from seesaw_nas.space import Budget, Space, profile_file
from seesaw_nas.space.costs import Cost
from seesaw_nas.space.profile import LatencyProfile


def find_space(settings: SearchSettings, name: str, found: Sequence[TrialRecord], space_file: str) -> Space | None:
    """The space of a run, at the size of its images; ``None`` if it can no longer be loaded, as where a file is gone.

    Args:
        name: of the space.
        found: trials of the run.
        space_file: text that describes the space, as far as the run has recorded it.
    """
    networks = [record.architecture for record in found if record.architecture]
    try:
        if space_file:
            loaded = space.parse(space_file, settings.searched.space)
        elif settings.scoring.table and not settings.searched.space:
            table = tables.read(Path(settings.scoring.table))
            loaded = (
                space.parse(table.space_file, settings.scoring.table) if table.space_file else space.load(table.space)
            )
        else:
            loaded = space.load(settings.searched.space or name)
        return loaded.adapt(networks[0].input_size, networks[0].input_channels, networks[0].classes)
    except (SeesawError, OSError, IndexError):
        return None


def recorded_profile(about: Mapping[str, Any]) -> LatencyProfile | None:
    """The latency profile of a run, if it has one; from its description.

    Raises:
        SpecError: it is damaged.
    """
    return profile_file.parse(about["latency_profile"]) if "latency_profile" in about else None


def recorded_cost(about: Mapping[str, Any]) -> Cost:
    """What the front of a run sets top-1 against, from its description.

    Raises:
        SeesawError: it is damaged.
    """
    return objectives.cost_of(str(about.get("settings", {}).get("objectives", "front")), recorded_profile(about))


def recorded_budget(about: Mapping[str, Any]) -> Budget:
    """The budget of a run, from its description.

    Raises:
        SeesawError, KeyError, TypeError: it is damaged.
    """
    return Budget.from_dict(about["budget"], recorded_profile(about))


def standing_in(folder: RunFolder, trials: Sequence[TrialRecord]) -> Standing:
    """How the architectures of a run stand, by its own settings; as observed where its record does not say enough."""
    about = folder.description
    try:
        settings = SearchSettings.from_dict(about["settings"])
        profile = recorded_profile(about)
        budget = Budget.from_dict(about["budget"], profile)
        found = find_space(settings, str(about["space"]), trials, str(about.get("space_file", "")))
    except (SeesawError, KeyError, TypeError, AttributeError):
        return Standing(trials, None, Budget(0, 1), 1, rank=OBSERVED)
    return standing.of_run(settings, trials, found, budget, profile=profile)
