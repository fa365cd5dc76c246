"""The command line itself, which imports a verb's file when that verb is called, and reads first lines for ``--help``.

Whoever asks for help or for one verb waits for no other verb. Typer 0.25 and later check values with pydantic, which
takes as long to import as typer itself; texts, paths and switches, which need no check, are spared it here.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

FIRST = (  # in the order of --help; verbs that are not named here follow
    "search", "resume", "status", "runs", "dashboard", "report", "tabulate", "audit", "supernet", "show", "train",
    "evaluate", "export", "predict", "spaces", "latency", "profile", "reference",
)  # fmt: skip
FOLDER = Path(__file__).parents[1]


def list_verbs() -> list[str]:
    """The names of all verbs, one a file of ``cli``, in the order of ``--help``."""
    names = {path.stem for path in FOLDER.glob("*.py")} - {"__init__", "main"}
    return [*(name for name in FIRST if name in names), *sorted(names - set(FIRST))]


def load_verbs(*names: str) -> None:
    """Import the files of these verbs, which registers them; those of all verbs if none is named."""
    for name in names or list_verbs():
        importlib.import_module(f"seesaw_nas.cli.{name}")
    order = {name: place for place, name in enumerate(list_verbs())}
    app.registered_commands.sort(key=lambda command: order.get(getattr(command.callback, "__name__", ""), len(order)))


def read_help(name: str) -> str:
    """The docstring of a verb's function, read from its file, which is not imported."""
    _, _, function = (FOLDER / f"{name}.py").read_text(encoding="utf-8").partition(f"\ndef {name}(")
    return function.partition('"""')[2].partition('"""')[0]


class LoadedVerb(TyperCommand):
    """A verb whose file is imported."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        for parameter in self.params:
            _take_as_it_is(parameter)

    def get_help_option(self, ctx: Any) -> Any:
        """The option ``--help``."""
        return _false_if_absent(super().get_help_option(ctx))


class UnloadedVerb(TyperCommand):
    """A verb of which the name is known, and the first line of help when it is listed."""

    def get_short_help_str(self, limit: int = 45) -> str:
        """The first line, cut to ``limit`` characters."""
        self.help = read_help(str(self.name))
        return super().get_short_help_str(limit)


class Verbs(TyperGroup):
    """All verbs; the one that is called is loaded first."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        loaded = dict(self.commands)
        self.commands = {name: loaded.get(name) or UnloadedVerb(name) for name in list_verbs()} | loaded

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The verb that the arguments begin with, and the other arguments."""
        if isinstance(self.commands.get(args[0]), UnloadedVerb):
            load_verbs(args[0])
            whole: Any = typer.main.get_command(app)
            self.commands[args[0]] = whole.commands[args[0]]
        return super().resolve_command(ctx, args)

    def get_params(self, ctx: Any) -> list[Any]:
        """The options before a verb, among them those that typer adds for completion."""
        return [_false_if_absent(parameter) for parameter in super().get_params(ctx)]


def _take_as_it_is(parameter: Any) -> None:
    """Let a parameter that is one text or path return what it is given; typer's own way is kept for everything else.

    Also for one with a callback, which would not be called.
    """
    kind = getattr(getattr(parameter, "type_descriptor", None), "annotation", None)
    if kind in (str, Path) and parameter.callback is None:
        parameter.process_value = partial(_process_text, kind, parameter.process_value)


def _process_text(kind: type[str | Path], process: Callable[[Any, Any], Any], context: Any, value: Any) -> Any:
    return kind(value) if isinstance(value, str) else process(context, value)


def _false_if_absent(option: Any) -> Any:
    """A switch whose default is False rather than None, which typer would have checked."""
    if getattr(option, "is_flag", False) and option.default is None:
        option.default = False
    return option


app = typer.Typer(
    name="seesaw-nas",
    cls=Verbs,
    help="Search, under a budget of Multi-Adds, the CNNs whose 1x1 convolutions are split into uneven groups.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
