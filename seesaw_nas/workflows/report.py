"""The report of a run, or the comparison of several, written to files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seesaw_nas import report as reports
from seesaw_nas.core.errors import OptionError, RunError
from seesaw_nas.workflows import run_reading

if TYPE_CHECKING:
    from seesaw_nas.report import Run

COMPARISON = Path("comparison.html")  # where that of several runs goes by itself
Images = list[tuple[Path, Any]]


@dataclass(frozen=True, slots=True)
class Written:
    """What was written, and what is to be known of it.

    Attributes:
        runs: names of the runs.
        page: the page.
        files: all files, the page first.
        apart: why some of several runs are drawn apart.
        notes: what the runs do not record.
    """

    runs: tuple[str, ...]
    page: Path
    files: tuple[Path, ...]
    apart: tuple[str, ...]
    notes: tuple[str, ...]


def report(
    runs: Sequence[Path | str],
    out: Path | None = None,
    *,
    csv: Path | None = None,
    parquet: Path | None = None,
    png: Path | None = None,
    svg: Path | None = None,
    storage: str = "",
    rank: str = "",
    drawing: Callable[[Images], Iterable[tuple[Path, Any]]] = iter,
) -> Written:
    """Write the page of a run or of several, and what else is wanted of them; nothing is overwritten.

    Only a run's own ``report.html`` is replaced.

    Args:
        runs: folders of searches; several are compared.
        out: the page; ``None`` for the run's own ``report.html``, or ``comparison.html`` here.
        csv, parquet: files for the table of all trials.
        png, svg: folders for the figures.
        storage: URL of the database that has the runs' history; needed where their folders have none.
        rank: by what the best and the front are told, ``estimate`` or ``observed``; the runs' own when empty.
        drawing: passes the images on one by one, to show how far the drawing is.

    Raises:
        SeesawError: a run cannot be read, or a file exists.
    """
    paths = [Path(run) for run in runs]
    own = paths[0] / "report.html" if len(paths) == 1 else COMPARISON
    page = out or own
    tables = [path for path in (csv, parquet) if path]
    _refuse_existing([*tables, *([] if len(paths) == 1 and page.absolute() == own.absolute() else [page])])
    found = [_ranked(run, rank) for run in _read(paths, storage)]
    shown = reports.all_figures(found[0]) if len(found) == 1 else reports.compare_runs(found)
    folders = {"png": png, "svg": svg}
    drawn = [one for one in shown if one.figure.data]
    images = [(folder / f"{one.name}.{kind}", one) for kind, folder in folders.items() if folder for one in drawn]
    _refuse_existing([path for path, _ in images])
    if len(found) == 1:
        reports.write_report(page, found[0], shown)
    else:
        reports.write_comparison(page, found, shown)
    for path in tables:
        reports.write_table(path, reports.trials_frame({run.name: run.records for run in found}))
    for path, one in drawing(images):
        path.parent.mkdir(parents=True, exist_ok=True)
        height = one.figure.layout.height or (800 if one.name == "accuracy" else 600)
        reports.write_image(path, one.figure, height=height)
    files = (page, *tables, *(path for path, _ in images))
    names = tuple(run.name for run in found)
    return Written(names, page, files, tuple(reports.drawn_apart(found)), tuple(reports.not_recorded(found)))


def _ranked(run: Run, rank: str) -> Run:
    return replace(run, settings=run.settings.replace(rank=rank)) if rank else run


def _refuse_existing(paths: Sequence[Path]) -> None:
    for path, count in Counter(paths).items():
        if count > 1:
            raise OptionError(f"{path} is wanted twice; choose another name for one of them")
        if path.exists():
            raise RunError(f"{path} exists already and nothing is overwritten; choose another name")


def _read(paths: Sequence[Path], storage: str) -> list[Run]:
    """The runs, each under a name of its own."""
    if twice := [path for path, count in Counter(path.resolve() for path in paths).items() if count > 1]:
        raise OptionError(f"the run {twice[0]} is given twice")
    runs = [run_reading.read(path, storage) for path in paths]
    names = Counter(run.name for run in runs)
    return [
        run if names[run.name] == 1 else replace(run, name=str(path)) for run, path in zip(runs, paths, strict=True)
    ]
