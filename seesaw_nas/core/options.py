"""Options: fields of frozen dataclasses that say all there is to say of them, once.

A settings class is a frozen dataclass whose fields are options, or further settings classes, its topics. The command
line, the functions of ``api``, ``run.json`` and the guide's tables read options from there, under flat names: those of
the fields, whatever topic they are in.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from seesaw_nas.core.errors import OptionError, known

Settings = TypeVar("Settings")
KEY = "option"
WORDS = {int: "a whole number", float: "a number", str: "a text", bool: "True or False"}


@dataclass(frozen=True, slots=True)
class Option:
    """What is to be known of an option beside its field's name, type and default.

    Attributes:
        help: for ``--help``; begins with the noun.
        name: on the command line, without dashes, where it is not the field's.
        choices: the names that a text, or each of a tuple, may be; the error lists them.
        kind: what such a name is of, for the error; the field's name where empty.
        prefix: what a text that is none of the choices may begin with.
        least: the smallest number that is allowed, also of each in a tuple.
        check: says what is wrong with a value, to stand behind the option's name; nothing where all is well.
        commas: whether a tuple is written with commas on the command line; otherwise the option is repeated.
        switch: whether a boolean option can be given only; otherwise it has a ``--no-`` form, too.
        argument: whether it is given by its position on the command line.
        changeable: whether a run may be resumed with another value.
    """

    help: str
    name: str = ""
    choices: Collection[str] = ()
    kind: str = ""
    prefix: str = ""
    least: int | None = None
    check: Callable[[Any], str] | None = None
    commas: bool = False
    switch: bool = False
    argument: bool = False
    changeable: bool = False


def option(help: str, *, default: Any = dataclasses.MISSING, **more: Any) -> Any:
    """A dataclass field that is an option; ``more`` are attributes of :class:`Option`."""
    return dataclasses.field(default=default, metadata={KEY: Option(help, **more)})


@dataclass(frozen=True, slots=True)
class DeclaredOption:
    """An option where it is declared.

    Attributes:
        field: its name in the settings class, in ``api`` and in ``run.json``.
        topic: of the settings class's field that holds it; empty where it is a field of the class itself.
        type: as annotated.
        default: ``dataclasses.MISSING`` where one must be given.
    """

    field: str
    topic: str
    type: Any
    default: Any
    option: Option

    @property
    def name(self) -> str:
        """On the command line, without dashes."""
        return self.option.name or self.field.replace("_", "-")

    def check(self, value: Any) -> None:
        """Refuse a value of another type, or one that the option does not allow.

        Raises:
            KindError: its type is not the option's.
            OptionError: it is not allowed.
        """
        if not _fits(value, self.type):
            came = f"the text '{value}'" if isinstance(value, str) else repr(value)
            raise KindError(f"{self.field} wants {_wanted(self.type)}, got {came}")
        allowed = self.option
        for entry in value if isinstance(value, tuple) else (value,):
            prefixed = bool(allowed.prefix) and str(entry).startswith(allowed.prefix)
            if allowed.choices and entry not in allowed.choices and not prefixed:
                raise OptionError(known(allowed.kind or self.field, entry, allowed.choices))
            if allowed.least is not None and entry < allowed.least:
                raise OptionError(f"--{self.name} must be at least {allowed.least}, got {entry}")
        if allowed.check and (wrong := allowed.check(value)):
            raise OptionError(f"--{self.name} {wrong}")


class KindError(OptionError):
    """A value of another type than the option's."""


def _fits(value: Any, kind: Any) -> bool:
    if get_origin(kind) in (Union, types.UnionType):
        return any(_fits(value, part) for part in get_args(kind))
    if get_origin(kind) is tuple:
        return isinstance(value, tuple) and all(_fits(entry, get_args(kind)[0]) for entry in value)
    if kind in (int, float) and isinstance(value, bool):
        return False
    return isinstance(value, int | float if kind is float else kind)


def _wanted(kind: Any) -> str:
    if get_origin(kind) is tuple:
        return "a tuple of names" if get_args(kind)[0] is str else "a tuple of numbers"
    if get_origin(kind) in (Union, types.UnionType):
        return " or ".join(_wanted(part) for part in get_args(kind) if part is not type(None)) + " or None"
    return WORDS.get(kind, getattr(kind, "__name__", str(kind)))


_DECLARED: dict[type, tuple[DeclaredOption, ...]] = {}  # what was read of a class before


def options_of(cls: type) -> tuple[DeclaredOption, ...]:
    """All options of a settings class, those of its topics in their place."""
    if cls not in _DECLARED:
        _DECLARED[cls] = tuple(_read_options(cls))
    return _DECLARED[cls]


def _read_options(cls: type) -> list[DeclaredOption]:
    found: list[DeclaredOption] = []
    hints = get_type_hints(cls)
    for field in dataclasses.fields(cls):
        if dataclasses.is_dataclass(hints[field.name]):
            topic = _default(field)
            found += [
                dataclasses.replace(one, topic=field.name, default=getattr(topic, one.field))
                for one in options_of(type(topic))
            ]
        elif KEY in field.metadata:
            found.append(DeclaredOption(field.name, "", hints[field.name], field.default, field.metadata[KEY]))
    return found


def _default(field: dataclasses.Field[Any]) -> Any:
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def check(settings: Any) -> None:
    """Refuse values that an option does not allow; a settings class calls this in its ``__post_init__``.

    Raises:
        OptionError: one is not allowed; the text says which and what is.
    """
    for one in options_of(type(settings)):
        if not one.topic:
            one.check(getattr(settings, one.field))


def compose(cls: type[Settings], values: Mapping[str, Any]) -> Settings:
    """Settings of these values, and of the defaults for all others.

    Raises:
        TypeError: there is no such option, or one that has no default is missing.
        OptionError: a value is not allowed.
    """
    _refuse_unknown(cls, values)
    given: dict[str, Any] = {}
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        own = {one.field for one in options_of(cls) if one.topic == field.name}
        if own:
            given[field.name] = change(_default(field), {name: values[name] for name in own & values.keys()})
        elif field.name in values:
            given[field.name] = values[field.name]
    return cls(**given)


def change(settings: Settings, values: Mapping[str, Any]) -> Settings:
    """The same settings with these values in place of their own.

    Raises:
        TypeError: there is no such option.
        OptionError: a value is not allowed.
    """
    cls = type(settings)
    _refuse_unknown(cls, values)
    topics = {one.field: one.topic for one in options_of(cls)}
    new = {name: value for name, value in values.items() if not topics[name]}
    for topic in {topics[name] for name in values} - {""}:
        own = {name: value for name, value in values.items() if topics[name] == topic}
        new[topic] = change(getattr(settings, topic), own)
    return dataclasses.replace(settings, **new)  # type: ignore[type-var]


def _refuse_unknown(cls: type, values: Mapping[str, Any]) -> None:
    names = {one.field for one in options_of(cls)}
    for name in values:
        if name not in names:
            raise TypeError(f"{cls.__name__} got an unexpected keyword argument '{name}'")


def flatten(settings: Any) -> dict[str, Any]:
    """All values by their flat names, in the order of declaration."""
    return {
        one.field: getattr(getattr(settings, one.topic) if one.topic else settings, one.field)
        for one in options_of(type(settings))
    }


def read(cls: type[Settings], values: Mapping[str, Any]) -> Settings:
    """Settings as JSON holds them, where tuples are lists; an option that is not there has its default.

    Raises:
        TypeError, OptionError: as of :func:`compose`.
    """
    tuples = {one.field for one in options_of(cls) if get_origin(one.type) is tuple}
    plain = {
        name: tuple(value) if name in tuples and isinstance(value, list) else value for name, value in values.items()
    }
    return compose(cls, plain)
