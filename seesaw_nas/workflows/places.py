"""Where the files behind settings are: absolute paths, so that a run can be resumed from any folder."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from seesaw_nas import space
from seesaw_nas.core.errors import RunError
from seesaw_nas.data import DATA_SETS
from seesaw_nas.data.cache import holds_copies
from seesaw_nas.data.catalog import FOLDER_PREFIX
from seesaw_nas.evaluators import TABLE, needs
from seesaw_nas.search.history.addresses import check_cluster, permit
from seesaw_nas.search.settings import PYTHON, SearchSettings


def resolve(settings: SearchSettings) -> SearchSettings:
    """The same with absolute paths in place of relative ones; names, and paths of nothing that exists, stay."""
    training, scoring = settings.training, settings.scoring
    return settings.replace(
        dataset=absolute_dataset(training.dataset),
        data_dir=_absolute(training.data_dir),
        cache_dir=str(Path(training.cache_dir).resolve()) if training.cache_dir else "",  # made where it lacks
        space=_absolute(settings.searched.space) if is_space_file(settings) else settings.searched.space,
        table=_absolute(scoring.table),
        supernet=_absolute(scoring.supernet),
        seed_with=tuple(map(_absolute, settings.proposals.seed_with)),
    )


def absolute_dataset(name: str) -> str:
    """The name of a data set, or the absolute path of a folder that exists, with the prefix that it came with."""
    path = name.removeprefix(FOLDER_PREFIX)
    if name in DATA_SETS or not path or not (folder := Path(path).expanduser()).is_dir():
        return name
    return name[: len(name) - len(path)] + str(folder.resolve())


def _absolute(path: str) -> str:
    return str(Path(path).resolve()) if path and Path(path).exists() else path


def is_space_file(settings: SearchSettings) -> bool:
    """Whether the space is a file, not one that comes with the package, nor an object of a program."""
    return settings.searched.space.endswith(".toml") and settings.searched.space not in space.names()


def recorded_space(settings: SearchSettings, begun: Mapping[str, Any]) -> str:
    """The text that a run recorded of its space, where the file is gone; empty where it is there."""
    gone = is_space_file(settings) and not Path(settings.searched.space).exists()
    return str(begun.get("space_file", "")) if gone and settings.searched.space == begun["settings"]["space"] else ""


def check(settings: SearchSettings, what: str, given: Collection[str] = (), space_file: str = "") -> None:
    """Refuse to go on with ``what`` where a file or folder that it needs is gone, and say which option names it now.

    Args:
        given: what a program passes as objects.
        space_file: text that the run recorded of its space; with it, the file may be gone.

    Raises:
        RunError: one is.
    """
    training, scoring = settings.training, settings.scoring
    path = training.dataset.removeprefix(FOLDER_PREFIX)
    reads = needs(scoring.evaluator) != TABLE and not scoring.evaluator.startswith(PYTHON) and "data" not in given
    has_file = is_space_file(settings) and not space_file and "space" not in given
    wanted = {
        "dataset": ("data set", reads and training.dataset not in DATA_SETS and not Path(path).expanduser().is_dir()),
        "space": ("space file", has_file and not Path(settings.searched.space).exists()),
        "table": ("table", bool(scoring.table) and not Path(scoring.table).exists()),
        "supernet": ("supernet", bool(scoring.supernet) and not Path(scoring.supernet).exists()),
    }  # fmt: skip
    values = settings.to_dict()
    for option, (kind, is_gone) in wanted.items():
        if is_gone:
            raise RunError(f"the {kind} of {what}, {values[option]}, is not there; say where it is now by --{option}")


def take_opened(settings: SearchSettings, opened: Mapping[str, str], what: str) -> SearchSettings:
    """Settings for a new search like an earlier one, with what of :data:`OPENED` only its folder says.

    Args:
        opened: by field (:func:`seesaw_nas.search.configuration.read_opened`).
        what: the folder, for messages.

    Raises:
        SeesawError: the user is to name it; nothing was connected to.
    """
    values = settings.to_dict()
    settings = settings.replace(**{name: value for name, value in opened.items() if not values[name]})
    if "storage" in opened and not values["storage"]:
        permit(opened["storage"], "", what)
    if settings.placement.engine == "ray" and not values["ray_address"]:
        check_cluster(settings.placement.ray_address, what)
    if not values["cache_dir"]:
        check_copies(settings, what)
    return settings


def check_copies(settings: SearchSettings, what: str) -> None:
    """Refuse to write copies of images where only a run's folder, which may be anybody's, says to.

    Raises:
        RunError: there are none yet in the folder that ``what`` names.
    """
    folder = settings.training.cache_dir
    if folder and not holds_copies(Path(folder)):
        raise RunError(
            f"{what} names {folder} for copies of its images, which holds none; say by --cache-dir where they are now, "
            "or where to make them"
        )
