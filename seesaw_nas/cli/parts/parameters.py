"""The command line itself, and how a verb gets its options: from where they are declared, or shared ones from here."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from inspect import Parameter
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin

import typer

from seesaw_nas.cli.parts.failures import KEPT
from seesaw_nas.core import options, signals
from seesaw_nas.core.errors import Interrupted, OptionError
from seesaw_nas.core.options import DeclaredOption
from seesaw_nas.training.options import SPEC_HELP, Training

app = typer.Typer(
    name="seesaw-nas",
    help="Search, under a budget of Multi-Adds, the CNNs whose 1x1 convolutions are split into uneven groups.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
Verb = TypeVar("Verb", bound=Callable[..., None])
OWN = "Default: the run's own."


def verb(function: Verb) -> Verb:
    """Make a function a verb of the command line, under the function's own name."""

    @functools.wraps(function)
    def run(*given: Any, **options: Any) -> None:
        try:
            function(*given, **options)
        except signals.Stopped as stopped:  # of which typer would not say which signal it was
            raise Interrupted(f"interrupted; {KEPT}", stopped.number) from None

    app.command()(run)
    return function


@dataclass(frozen=True, slots=True)
class Change:
    """A change of an option at one verb; ``None`` for what is as declared.

    Attributes:
        name: on this verb's command line, without dashes.
        argument: whether it is given by its position.
    """

    name: str | None = None
    help: str | None = None
    default: Any = None
    argument: bool | None = None

    def apply(self, to: DeclaredOption) -> DeclaredOption:
        """The declaration as this verb has it."""
        own = {name: getattr(self, name) for name in ("name", "help", "argument") if getattr(self, name) is not None}
        default = to.default if self.default is None else self.default
        if self.argument:
            own, default = {"help": _without_default(to.option.help)} | own, dataclasses.MISSING
        return dataclasses.replace(to, option=dataclasses.replace(to.option, **own), default=default)


def take_settings(
    settings: type, *selected: str, without: tuple[str, ...] = (), **changes: Change
) -> Callable[[Verb], Callable[..., None]]:
    """A decorator that gives a verb the options of a settings class, and hands the settings over as first argument.

    Args:
        selected: topics and single options to take; all if none is named.
        without: options to leave out, which keep their defaults.
        changes: what is another at this verb, by field.
    """
    offered = [
        changes[one.field].apply(one) if one.field in changes else one
        for one in options.options_of(settings)
        if one.field not in without and (not selected or one.topic in selected or one.field in selected)
    ]

    def read(given: dict[str, Any]) -> Any:
        return options.compose(settings, {one.field: _value(one, given.pop(one.field)) for one in offered})

    return _give_options([_parameter(one) for one in offered], read)


def take_changes(settings: type) -> Callable[[Verb], Callable[..., None]]:
    """A decorator that gives a verb the options that a resumed run may change, and hands over those that are given."""
    offered = [one for one in options.options_of(settings) if one.option.changeable]

    def read(given: dict[str, Any]) -> Any:
        values = {one.field: given.pop(one.field) for one in offered}
        return {name: value for name, value in values.items() if value is not None}

    return _give_options([_change(one) for one in offered], read)


def share_option(settings: type, field: str, **differing: Any) -> Any:
    """The typer option of one declared field, for a verb that takes no settings; for use in ``Annotated``."""
    (found,) = (one for one in options.options_of(settings) if one.field == field)
    return _info(Change(**differing).apply(found))


def _give_options(
    parameters: list[Parameter], read: Callable[[dict[str, Any]], Any]
) -> Callable[[Verb], Callable[..., None]]:
    def decorate(function: Verb) -> Callable[..., None]:
        _, *own = inspect.signature(function, eval_str=True).parameters.values()
        own = [parameter.replace(kind=Parameter.KEYWORD_ONLY) for parameter in own]
        positional = [one for one in own if isinstance(_typer_info(one), typer.models.ArgumentInfo)]
        rest = [one for one in own if one not in positional]

        def called(**given: Any) -> None:
            settings = read(given)
            function(settings, **given)

        signature = inspect.Signature([*positional, *parameters, *rest])
        called.__name__, called.__doc__ = function.__name__, function.__doc__
        called.__module__ = function.__module__
        called.__signature__ = signature  # type: ignore[attr-defined]
        called.__annotations__ = {name: one.annotation for name, one in signature.parameters.items()}
        return called

    return decorate


def _without_default(help: str) -> str:
    return help.partition(" Default: ")[0]


def _typer_info(parameter: Parameter) -> Any:
    return next(iter(getattr(parameter.annotation, "__metadata__", ())), None)


def _parameter(one: DeclaredOption) -> Parameter:
    kind, default = one.type, one.default
    if get_origin(kind) is tuple:
        kind, default = (str, ",".join(map(str, default))) if one.option.commas else (list[str] | None, default or None)
    empty = Parameter.empty if default is dataclasses.MISSING else default
    return Parameter(one.field, Parameter.KEYWORD_ONLY, default=empty, annotation=Annotated[kind, _info(one)])


def _change(one: DeclaredOption) -> Parameter:
    text = f"{_without_default(one.option.help)} {OWN}"
    info = _info(dataclasses.replace(one, option=dataclasses.replace(one.option, help=text, switch=False)))
    optional: Any = one.type | None
    return Parameter(one.field, Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[optional, info])


def _info(one: DeclaredOption) -> Any:
    if one.option.argument:
        return typer.Argument(help=one.option.help)
    names = f"--{one.name}/--no-{one.name}" if one.type is bool and not one.option.switch else f"--{one.name}"
    return typer.Option(names, help=one.option.help)


def _value(one: DeclaredOption, given: Any) -> Any:
    """What typer read, as the field's type."""
    if get_origin(one.type) is not tuple:
        return given
    if not one.option.commas:
        return tuple(given or ())
    if not given:
        return ()
    if get_args(one.type)[0] is str:
        return tuple(given.split(","))
    return counts(one.name, given)


def counts(option: str, text: str) -> tuple[int, ...]:
    """The numbers in ``1,8,64``.

    Raises:
        OptionError: it is not such a list.
    """
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise OptionError(f"cannot read --{option} '{text}'; write whole numbers with commas, like 1,8,64") from None


Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output, nothing else there.")]
Spec = Annotated[str, typer.Argument(help=SPEC_HELP)]
Specs = Annotated[list[str], typer.Argument(metavar="SPEC", help=SPEC_HELP)]
Run = Annotated[Path, typer.Argument(help="The run's folder, such as runs/NAME.")]
Weights = Annotated[
    Path | None,
    typer.Option(help="Weights, a safetensors file. Default: the training's own, where SPEC is its folder."),
]
Storage = Annotated[
    str,
    typer.Option(help="URL of the database that has the trials, where no file of the run has them."),
]
Resume = Annotated[bool, typer.Option("--resume", help="Resume the training in that folder.")]
TimeLimit = Annotated[str, typer.Option(help="Time after which no further trial begins, such as 90s, 30m or 2h.")]
Device = Annotated[str, share_option(Training, "device")]
DataDir = Annotated[str, share_option(Training, "data_dir")]
CacheDir = Annotated[str, share_option(Training, "cache_dir")]
