"""The report of a run, the comparison of several, or one figure for a paper, written to files."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seesaw_nas import report as reports
from seesaw_nas.core.errors import OptionError, RunError, known
from seesaw_nas.core.files import refuse_existing
from seesaw_nas.report.drawn_data import drawn_data
from seesaw_nas.report.figures.images import IMAGE_FORMATS
from seesaw_nas.report.printing import NARROW, check_font, for_print, parse_width, write_print
from seesaw_nas.workflows import run_reading

if TYPE_CHECKING:
    from seesaw_nas.report import Run
    from seesaw_nas.report.pages.page_figure import PageFigure

COMPARISON = Path("comparison.html")  # where that of several runs goes by itself
WIDTH, FONT = "3.5in", "serif"  # of a column of most journals and proceedings
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
    new = [*tables, *([] if len(paths) == 1 and page.absolute() == own.absolute() else [page])]
    _refuse_existing(new)
    _want_folders(new, (png, svg))
    found = _read(paths, storage, rank)
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
        height = one.figure.layout.height or (800 if one.name == "front" else 600)
        reports.write_image(path, one.figure, height=height)
    files = (page, *tables, *(path for path, _ in images))
    names = tuple(run.name for run in found)
    return Written(names, page, files, tuple(reports.drawn_apart(found)), tuple(reports.not_recorded(found)))


def draw_figure(
    runs: Sequence[Path | str],
    figure: str,
    out: Path | None = None,
    *,
    kind: str = "",
    width: str = WIDTH,
    font: str = FONT,
    storage: str = "",
    rank: str = "",
) -> Written:
    """Draw one figure of a run, or of several that are compared, for a paper, with the drawn data as CSV beside it.

    Args:
        runs: folders of searches.
        figure: its name, such as ``front``.
        out: the file; by default RUN-FIGURE with the format as its ending, here.
        kind: ``pdf``, ``svg`` or ``png``; by default that of ``out``, or ``pdf``.
        width: such as ``3.5in``, ``89mm`` or ``252pt``.
        font: ``serif`` or ``sans``.
        storage, rank: see :func:`report`.

    Raises:
        SeesawError: a run cannot be read, there is no such figure, it has nothing to show, or a file exists.
    """
    inches, path = parse_width(width), out or Path(f"{figure}.{kind or IMAGE_FORMATS[-1]}")
    check_font(font)
    ending = path.suffix.lower().removeprefix(".")
    if (kind and kind not in IMAGE_FORMATS) or ending not in IMAGE_FORMATS:
        raise OptionError(known("image format", kind or ending, IMAGE_FORMATS))
    if kind and kind != ending:
        raise OptionError(f"{path} ends in .{ending}, and --format is {kind}; leave out one of them")
    if out is not None:
        _want_folders([path])  # before the drawing, which takes a moment
    found = _read([Path(run) for run in runs], storage, rank)
    columns = 1 if inches < NARROW else 2
    drawn = reports.one_figure(found[0], figure, columns=columns) if len(found) == 1 else _compared(found, figure)
    name = found[0].name if len(found) == 1 else COMPARISON.stem
    path = out or Path(f"{name}-{path.name}")
    data = path.with_suffix(".csv")
    _refuse_existing([path, data])
    write_print(path, for_print(drawn.figure, inches, font))
    reports.write_table(data, drawn_data(drawn.figure))
    return Written(tuple(run.name for run in found), path, (path, data), (), ())


def _compared(runs: Sequence[Run], figure: str) -> PageFigure:
    shown = {one.name: one for one in reports.compare_runs(runs)}
    if figure not in shown:
        raise OptionError(known("figure", figure, tuple(shown)))
    shown[figure].refuse_blank()
    return shown[figure]


def _refuse_existing(paths: Sequence[Path]) -> None:
    for path, count in Counter(paths).items():
        if count > 1:
            raise OptionError(f"{path} is wanted twice; choose another name for one of them")
        refuse_existing(path)


def _want_folders(paths: Sequence[Path], folders: Sequence[Path | None] = ()) -> None:
    """Refuse files in folders that lack, and folders that are files, before anything is drawn."""
    for path in paths:
        if not (folder := path.parent).is_dir():
            raise RunError(f"cannot write {path}: there is no folder {folder}; make it, or choose another name")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise RunError(f"cannot write {path}: nothing can be written into {folder}; choose another name")
    if files := [place for place in folders if place and place.exists() and not place.is_dir()]:
        raise RunError(f"figures go into a folder, and {files[0]} is a file; choose another name")


def _read(paths: Sequence[Path], storage: str, rank: str) -> list[Run]:
    """The runs, each under a name of its own, ranked as asked for."""
    if twice := [path for path, count in Counter(path.resolve() for path in paths).items() if count > 1]:
        raise OptionError(f"the run {twice[0]} is given twice")
    runs = [run_reading.read(path, storage) for path in paths]
    runs = [replace(run, settings=run.settings.replace(rank=rank)) if rank else run for run in runs]
    names = Counter(run.name for run in runs)
    return [
        run if names[run.name] == 1 else replace(run, name=str(path)) for run, path in zip(runs, paths, strict=True)
    ]
