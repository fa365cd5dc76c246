"""Options of a verb from where they are declared: the fields of a settings class, all of them or single ones."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from inspect import Parameter
from typing import Annotated, Any, get_args, get_origin

import typer

from seesaw_nas.cli.parts.parameters import Verb, counts
from seesaw_nas.core import options
from seesaw_nas.core.options import DeclaredOption
from seesaw_nas.training.options import Training

OWN = "Default: the run's own."


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


def share_change(settings: type, field: str) -> Any:
    """As :func:`share_option`, for a verb that goes by the run's own value where the option is not given."""
    (found,) = (one for one in options.options_of(settings) if one.field == field)
    return share_option(settings, field, help=f"{_without_default(found.option.help)} {OWN}")


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
    complete = _completion(tuple(one.option.choices)) if one.option.choices else None
    return typer.Option(names, help=one.option.help, autocompletion=complete)


def _completion(choices: tuple[str, ...]) -> Callable[[str], list[str]]:
    """What a shell offers for the beginning of one of the choices; of a partial, typer cannot read the types."""

    def complete(incomplete: str) -> list[str]:
        return [choice for choice in choices if choice.startswith(incomplete)]

    return complete


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


Device = Annotated[str, share_option(Training, "device")]
DataDir = Annotated[str, share_option(Training, "data_dir")]
CacheDir = Annotated[str, share_option(Training, "cache_dir")]
