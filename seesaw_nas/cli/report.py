"""The verb ``report``."""

from __future__ import annotations

from collections.abc import Mapping
from json import dumps
from pathlib import Path
from typing import Annotated

import typer

from seesaw_nas.cli.parts import terminal
from seesaw_nas.cli.parts.declared import share_change
from seesaw_nas.cli.parts.parameters import Json, Storage, verb
from seesaw_nas.core.errors import OptionError
from seesaw_nas.search.settings import SearchSettings


@verb
def report(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Folders of searches; several are compared.")],
    out: Annotated[
        Path | None,
        typer.Option(help="Page to write. Default: report.html of the run; of several, comparison.html here."),
    ] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Show the page in the browser.")] = False,
    csv: Annotated[Path | None, typer.Option(help="A CSV file to make, with every trial.")] = None,
    parquet: Annotated[Path | None, typer.Option(help="A Parquet file to make, with every trial.")] = None,
    png: Annotated[Path | None, typer.Option(help="A folder for the figures as PNG; needs kaleido, Chromium.")] = None,
    svg: Annotated[Path | None, typer.Option(help="A folder for the figures as SVG; needs these, too.")] = None,
    figure: Annotated[
        str, typer.Option(help="Draw only this figure, such as front, for a paper, with its data as CSV beside it.")
    ] = "",
    format: Annotated[str, typer.Option(help="Format of --figure: pdf, svg or png. Default: by --out, or pdf.")] = "",
    width: Annotated[str, typer.Option(help="Width of --figure: 3.5in, 89mm, 252pt. Default: 3.5in.")] = "",
    font: Annotated[str, typer.Option(help="Letters of --figure: serif or sans. Default: serif.")] = "",
    rank: Annotated[str, share_change(SearchSettings, "rank")] = "",
    storage: Storage = "",
    json: Json = False,
) -> None:
    """Write all figures of a search, or a comparison, as one page."""
    import webbrowser

    from seesaw_nas.workflows import report as workflow

    console = terminal.console(stderr=json)
    if figure:
        beside = {"--csv": csv, "--parquet": parquet, "--png": png, "--svg": svg, "--open": open_it}
        _refuse(beside, "--figure writes one figure and its data")
        written = workflow.draw_figure(
            runs, figure, out, kind=format, width=width or workflow.WIDTH, font=font or workflow.FONT,
            storage=storage, rank=rank,
        )  # fmt: skip
    else:
        _refuse(
            {"--format": format, "--width": width, "--font": font}, "only --figure NAME has a format, width and font"
        )
        with terminal.progress(console) as progress:
            written = workflow.report(
                runs, out, csv=csv, parquet=parquet, png=png, svg=svg, storage=storage, rank=rank,
                drawing=lambda images: progress.track(images, description="drawing"),
            )  # fmt: skip
    for label, lines in (("apart", written.apart), ("note", written.notes)):
        for text in lines:
            console.print(f"{label:<10}{text}", highlight=False, soft_wrap=True)
    if json:
        found = {"runs": written.runs, "written": [str(path) for path in written.files]}
        print(dumps(found | ({"apart": written.apart} if len(written.runs) > 1 else {}), indent=2))
    else:
        for path in written.files:
            console.print(f"written   {path}, {path.stat().st_size:,} bytes")
    if open_it and not webbrowser.open(written.page.absolute().as_uri()):
        raise OptionError(f"there is no browser to open {written.page} with")


def _refuse(given: Mapping[str, object], reason: str) -> None:
    """Refuse options that say nothing beside the others."""
    if chosen := [option for option, value in given.items() if value]:
        raise OptionError(f"{reason}; leave out {' and '.join(chosen)}")
