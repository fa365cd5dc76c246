"""What ``report`` writes and prints."""

from __future__ import annotations

import json
import webbrowser
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from seesaw_nas.cli import terminal
from seesaw_nas.core.errors import OptionError, RunError
from seesaw_nas.workflows import results

if TYPE_CHECKING:
    from seesaw_nas.report import Run

COMPARISON = Path("comparison.html")  # where that of several runs goes by itself


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where a report goes.

    Attributes:
        out: the page; ``None`` for the run's own ``report.html``, or ``COMPARISON``.
        csv, parquet: files for the table of all trials.
        png, svg: folders for the figures.
    """

    out: Path | None = None
    csv: Path | None = None
    parquet: Path | None = None
    png: Path | None = None
    svg: Path | None = None


def report(paths: Sequence[Path], wanted: Wanted, *, open_it: bool, as_json: bool) -> None:
    """Write the page of a run or of several, and what else is wanted of them; nothing is overwritten.

    Only a run's own ``report.html`` is replaced.
    """
    from seesaw_nas import report as reports

    own = paths[0] / "report.html" if len(paths) == 1 else COMPARISON
    out = wanted.out or own
    tables = [path for path in (wanted.csv, wanted.parquet) if path]
    _refuse_existing([*tables, *([] if len(paths) == 1 and out.absolute() == own.absolute() else [out])])
    runs = _read(paths)
    shown = reports.all_figures(runs[0]) if len(runs) == 1 else reports.compared(runs)
    drawn = [one for one in shown if one.figure.data]
    folders = {"png": wanted.png, "svg": wanted.svg}
    images = [(folder / f"{one.name}.{kind}", one) for kind, folder in folders.items() if folder for one in drawn]
    _refuse_existing([path for path, _ in images])
    if len(runs) == 1:
        reports.write_report(out, runs[0], shown)
    else:
        reports.write_comparison(out, runs, shown)
    for path in tables:
        reports.write_table(path, reports.trials_frame({run.name: run.records for run in runs}))
    console = terminal.console(stderr=as_json)
    with terminal.progress(console) as progress:
        for path, one in progress.track(images, description="drawing"):
            path.parent.mkdir(parents=True, exist_ok=True)
            reports.write_image(
                path, one.figure, height=one.figure.layout.height or (800 if one.name == "accuracy" else 600)
            )
    written = [out, *tables, *(path for path, _ in images)]
    apart = reports.drawn_apart(runs)
    for label, lines in (("apart", apart), ("note", reports.not_recorded(runs))):
        for text in lines:
            console.print(f"{label:<10}{text}", highlight=False, soft_wrap=True)
    if as_json:
        found = {"runs": [run.name for run in runs], "written": [str(path) for path in written]}
        print(json.dumps(found | ({"apart": apart} if len(runs) > 1 else {}), indent=2))
    else:
        for path in written:
            console.print(f"written   {path}, {path.stat().st_size:,} bytes")
    if open_it and not webbrowser.open(out.absolute().as_uri()):
        raise OptionError(f"there is no browser to open {out} with")


def _refuse_existing(paths: Sequence[Path]) -> None:
    for path, count in Counter(paths).items():
        if count > 1:
            raise OptionError(f"{path} is wanted twice; choose another name for one of them")
        if path.exists():
            raise RunError(f"{path} exists already and nothing is overwritten; choose another name")


def _read(paths: Sequence[Path]) -> list[Run]:
    """The runs, each under a name of its own."""
    if twice := [path for path, count in Counter(path.resolve() for path in paths).items() if count > 1]:
        raise OptionError(f"the run {twice[0]} is given twice")
    runs = [results.read(path) for path in paths]
    names = Counter(run.name for run in runs)
    return [
        run if names[run.name] == 1 else replace(run, name=str(path)) for run, path in zip(runs, paths, strict=True)
    ]
