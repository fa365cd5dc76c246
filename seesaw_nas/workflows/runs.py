"""The runs in a folder, each at a glance. Loads without torch."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from seesaw_nas.core.documents import DocumentError, read_json
from seesaw_nas.core.errors import RunError, SeesawError, SpecError
from seesaw_nas.core.fields import check_fraction
from seesaw_nas.core.run_folder import RunFolder, is_run
from seesaw_nas.evaluators import gives_accuracy
from seesaw_nas.search.history.glance import Glance, glance
from seesaw_nas.space.budget import write_short

SEARCH = "search"
RUNNING, FINISHED, STOPPED, FAILED, ENDED = "running", "finished", "stopped", "failed", "ended"


@dataclass(frozen=True, slots=True)
class Listed:
    """A run in a list.

    Attributes:
        kind: ``search``, ``training`` or ``supernet``.
        state: ``running`` while a process works on it; ``finished``; ``failed`` if every training failed;
            ``stopped``, to be resumed; or ``ended``, where no process works on it and its counts are not known.
        budget: its first bound, and how many more there are.
        trials: architectures that it is to train; 0 where it is no search.
        counts: proposals by state; ``None`` where the history is not in a file of the folder that this release reads
            at a glance.
        best: the highest top-1 or score so far, on the split ``split``; ``None`` before there is one.
        is_accuracy: whether ``best`` is a top-1, and no score of a proxy.
        began, changed: when it began, and when something was last written, in seconds since 1970.
        note: what else is to be known, in words.
    """

    name: str
    path: Path
    kind: str
    state: str
    dataset: str = ""
    space: str = ""
    budget: str = ""
    trials: int = 0
    counts: Mapping[str, int] | None = None
    begun: int = 0
    best: float | None = None
    split: str = "validation"
    is_accuracy: bool = True
    began: float = 0.0
    changed: float = 0.0
    note: str = ""

    @property
    def age(self) -> float:
        """Seconds since it began."""
        return max(0.0, time.time() - self.began)


@dataclass(frozen=True, slots=True)
class RunList:
    """The runs in a folder.

    Attributes:
        runs: the latest first.
        damaged: why a run cannot be listed, by the folder's name.
        foreign: names of folders that are no runs.
    """

    folder: Path
    runs: tuple[Listed, ...]
    damaged: Mapping[str, str]
    foreign: tuple[str, ...]


def runs(folder: Path | str = "runs") -> RunList:
    """List the runs in a folder. What is damaged, or no run, is named and passed over.

    Raises:
        RunError: there is no such folder, or it is a run itself.
    """
    folder = Path(folder)
    if is_run(folder):
        raise RunError(f"{folder} is a run itself, `seesaw-nas status {folder}` shows it; give the folder it is in")
    try:
        below = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError as error:
        raise RunError(f"cannot list the runs in {folder}: {error.strerror}; give a folder of runs") from None
    listed: list[Listed] = []
    damaged: dict[str, str] = {}
    foreign: list[str] = []
    for path in below:
        if not is_run(path):
            foreign.append(path.name)
            continue
        try:
            listed.append(_listed(path))
        except (SeesawError, OSError, KeyError, TypeError, ValueError) as error:
            damaged[path.name] = str(error) or type(error).__name__
    listed.sort(key=lambda run: run.began, reverse=True)
    return RunList(folder, tuple(listed), damaged, tuple(foreign))


def _listed(path: Path) -> Listed:
    folder = RunFolder.open(path)
    about = folder.description
    settings = about.get("settings", {})
    kind = str(about.get("kind", SEARCH))
    working = folder.is_held()  # before reading: of a process that ends, all is read
    began = folder.description_file.stat().st_mtime
    run = Listed(
        name=folder.name,
        path=path,
        kind=kind,
        state=RUNNING if working else STOPPED,
        dataset=str(settings.get("dataset", "")),
        space=str(about.get("space", "")),
        budget=write_short(about["budget"]) if about.get("budget") else "",
        began=began,
        changed=began,
    )
    return _search(folder, run) if kind == SEARCH else _other(folder, run)


def _search(folder: RunFolder, run: Listed) -> Listed:
    settings = folder.description.get("settings", {})
    if "trials" not in settings:
        raise RunError(f"{folder.description_file} does not say how many trials are wanted; restore it")
    run = replace(
        run, trials=int(settings["trials"]), is_accuracy=gives_accuracy(str(settings.get("evaluator", "trained")))
    )
    ended = RUNNING if run.state == RUNNING else ENDED
    if settings.get("storage"):
        return replace(run, state=ended, note="its trials are in a database; `status --storage URL` reads them")
    if not folder.journal.exists() and folder.old_journal.exists():
        note = "its history is of an earlier release; `status` reads it"
        changed = folder.old_journal.stat().st_mtime
        return replace(run, state=ended, best=_top1(folder.best, run.is_accuracy), changed=changed, note=note)
    if not folder.journal.exists():
        return replace(run, counts={})
    seen = glance(folder.journal)
    return replace(
        run,
        state=run.state if run.state == RUNNING else _state(seen, run.trials),
        counts=seen.counts,
        begun=seen.begun,
        best=seen.best,
        began=seen.began or run.began,
        changed=folder.journal.stat().st_mtime,
    )


def _state(seen: Glance, trials: int) -> str:
    """The state of a search on which no process works."""
    if seen.begun < trials or seen.open:
        return STOPPED
    return FAILED if seen.counts.get("failed", 0) == seen.begun else FINISHED


def _other(folder: RunFolder, run: Listed) -> Listed:
    """A training or a supernet, which is finished once it has written its result."""
    result = folder.path / "result.json"
    if not result.exists():
        return run
    split = "test" if run.kind == "training" else run.split
    top1 = _top1(result)
    return replace(run, state=FINISHED, best=top1, split=split, changed=result.stat().st_mtime)


def _top1(path: Path, is_accuracy: bool = True) -> float | None:
    """The top-1 that a result says, or a spec file; ``None`` where it says none.

    Raises:
        RunError: it is no fraction.
    """
    found: Any = None
    with contextlib.suppress(DocumentError, KeyError, TypeError, AttributeError):
        value = read_json(path)
        found = value.get("result", value).get("top1")
    if not isinstance(found, int | float) or isinstance(found, bool):
        return None
    try:
        if is_accuracy:
            check_fraction("top1", found)
    except SpecError as error:
        raise RunError(f"{path} is damaged ({error}); restore it") from None
    return float(found)
