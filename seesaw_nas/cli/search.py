"""The verb ``search``: begins a search, resumes the one of its name, or joins one in a database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seesaw_nas.cli.parts import terminal
from seesaw_nas.cli.parts.declared import take_settings
from seesaw_nas.cli.parts.parameters import DryRun, Json, TimeLimit, verb
from seesaw_nas.core import options
from seesaw_nas.core.errors import OptionError, RunError
from seesaw_nas.core.names import check_name
from seesaw_nas.core.run_folder import RunFolder, is_run
from seesaw_nas.core.units import parse_duration
from seesaw_nas.data import DATA_SETS
from seesaw_nas.data.catalog import FOLDER_PREFIX
from seesaw_nas.search import configuration
from seesaw_nas.search.settings import CHANGEABLE, SearchSettings

PLACES = ("dataset", "space", "table", "cache_dir")  # options that may name a folder or a file


def take_config(context: typer.Context, path: Path | None) -> Path | None:
    """Put the options of a configuration in place of the defaults, so that those on the command line win."""
    if path is not None:
        context.default_map = {**(context.default_map or {}), **configuration.read(path)}
    return path


@verb
@take_settings(SearchSettings)
def search(
    settings: SearchSettings,
    *,
    time_limit: TimeLimit = "",
    join: Annotated[str, typer.Option(help="Name of a search in --storage to work on, under its own settings.")] = "",
    name: Annotated[
        str | None,
        typer.Option(
            help="Name of the run, one folder. Default: made of data set, budget and time.", show_default=False
        ),
    ] = None,
    runs_dir: Annotated[Path, typer.Option(help="Folder in which the run's folder is made.")] = Path("runs"),
    resume: Annotated[bool, typer.Option("--resume", help="Resume the run of this name if it exists.")] = False,
    config: Annotated[
        Path | None,  # of a plain text or path, `verbs` lets no callback hear
        typer.Option(
            help="TOML file with options, or the folder of an earlier search; options given here come before its own.",
            is_eager=True,
            callback=take_config,
            show_default=False,
        ),
    ] = None,
    print_config: Annotated[
        bool, typer.Option("--print-config", help="Print all options as such a file, and do nothing else.")
    ] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Search for the best architectures within a budget."""
    if config and (opened := configuration.read_opened(config)):
        from seesaw_nas.workflows import places

        settings = places.take_opened(settings, opened, str(config))
    if print_config:
        own = {"name": name or "", "runs_dir": str(runs_dir), "time_limit": time_limit}
        print(configuration.write(settings, own), end="")
        return
    with terminal.loading():
        from seesaw_nas.cli.parts import searching

    limit = parse_duration(time_limit) if time_limit else None
    if join:
        if name or resume:
            raise OptionError("--join makes a folder of its own; leave out --name and --resume")
        searching.join_another(settings, join, runs_dir, limit, dry_run=dry_run, as_json=json)
        return
    if resume and not name:
        raise OptionError("--resume wants the --name of the run to go on with")
    name = "" if name is None else check_name(name, "--name")
    path = runs_dir / name
    if resume and is_run(path):
        _check_same(settings, path)
        searching.settle_threads(settings.training.device, settings.training.threads, searching.begun_in(path))
        values = settings.to_dict()
        moved = [name for name in PLACES if _is_place(values[name])]
        changes = {key: values[key] for key in CHANGEABLE if key not in PLACES or key in moved}
        if dry_run:
            searching.show_plan(
                lambda view: searching.preview_resumed(path, time_limit=limit, listener=view, **changes),
                json,
                searching.RESUMED,
            )
            return
        searching.watch(lambda how: searching.resume(path, time_limit=limit, **how, **changes), json, searching.RESUMED)
        return
    searching.settle_threads(settings.training.device, settings.training.threads)
    if dry_run:
        searching.show_plan(
            lambda view: searching.preview(settings, name=name, runs_dir=runs_dir, time_limit=limit, listener=view),
            json,
        )
        return
    searching.watch(lambda how: searching.begin(settings, name=name, runs_dir=runs_dir, time_limit=limit, **how), json)


def _check_same(settings: SearchSettings, path: Path) -> None:
    """Refuse to resume a run under settings that are not its own, but for those that :data:`CHANGEABLE` names.

    Folders and files may be elsewhere now; what is in them is compared when they are read.
    """
    before = SearchSettings.from_dict(RunFolder.open(path).description.get("settings", {})).to_dict()
    now = settings.to_dict()
    changed = [
        f"--{one.name} was {before[one.field] or 'not given'}, now {now[one.field] or 'not given'}"
        for one in options.options_of(SearchSettings)
        if before[one.field] != now[one.field]
        and (one.field in PLACES or not one.option.changeable)
        and not (one.field in PLACES and _is_place(before[one.field]) and _is_place(now[one.field]))
    ]
    if changed:
        raise RunError(f"cannot go on with {path} under other settings: {'; '.join(changed)}; choose another --name")


def _is_place(value: str) -> bool:
    """Whether this is no name of ours, but the path of something on disk."""
    is_path = "/" in value or value.startswith(FOLDER_PREFIX) or Path(value).exists()
    return bool(value) and value not in DATA_SETS and is_path
