"""Options: fields of frozen dataclasses that declare name, type, default, help and checks in one place.

A settings class is a frozen dataclass whose fields are options, or further settings classes, called topics. The command
line, the functions of ``api``, ``run.json`` and the site's tables read options from there. They use flat names: the
names of the fields, without the topic.
"""

from __future__ import annotations

import dataclasses
import difflib
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
    """The declaration of an option, beside its field's name, type and default.

    Attributes:
        help: text for ``--help``; begins with the noun.
        name: name on the command line, without dashes; empty for the field's name.
        choices: the allowed texts, also for each entry of a tuple; the error lists them.
        kind: noun for such a text in the error; empty for the field's name.
        prefix: prefix with which other texts than the choices are allowed.
        least, most: the smallest and the largest allowed number, also for each entry of a tuple. What is above ``most``
            is a slip of the keyboard, refused before it costs memory or starts processes.
        check: returns the error text for a value, to follow the option's name; empty if the value is allowed.
        commas: whether a tuple is written with commas on the command line; otherwise the option is repeated.
        switch: whether a boolean option has no ``--no-`` form.
        argument: whether it is given by its position on the command line.
        changeable: whether a run may be resumed with another value.
    """

    help: str
    name: str = ""
    choices: Collection[str] = ()
    kind: str = ""
    prefix: str = ""
    least: int | None = None
    most: int | None = None
    check: Callable[[Any], str] | None = None
    commas: bool = False
    switch: bool = False
    argument: bool = False
    changeable: bool = False


def option(help: str, *, default: Any = dataclasses.MISSING, **more: Any) -> Any:
    """A dataclass field that is an option; ``more`` are further attributes of :class:`Option`."""
    return dataclasses.field(default=default, metadata={KEY: Option(help, **more)})


@dataclass(frozen=True, slots=True)
class DeclaredOption:
    """An option with the field that declares it.

    Attributes:
        field: name of the field in the settings class, in ``api`` and in ``run.json``.
        topic: name of the settings class's field that holds it; empty for a field of the class itself.
        type: annotated type.
        default: default value; ``dataclasses.MISSING`` if a value must be given.
    """

    field: str
    topic: str
    type: Any
    default: Any
    option: Option

    @property
    def name(self) -> str:
        """Name on the command line, without dashes."""
        return self.option.name or self.field.replace("_", "-")

    def check(self, value: Any) -> None:
        """Refuse a value of another type, or one that the option does not allow.

        Raises:
            KindError: the value has another type than the option.
            OptionError: the value is not allowed.
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
            if allowed.most is not None and entry > allowed.most:
                raise OptionError(f"--{self.name} must be at most {allowed.most:,}, got {entry:,}")
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


_DECLARED: dict[type, tuple[DeclaredOption, ...]] = {}  # cache by settings class


def options_of(cls: type) -> tuple[DeclaredOption, ...]:
    """All options of a settings class, including those of its topics, in order."""
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
        OptionError: a value is not allowed; the text names the option and the allowed values.
    """
    for one in options_of(type(settings)):
        if not one.topic:
            one.check(getattr(settings, one.field))


def compose(cls: type[Settings], values: Mapping[str, Any]) -> Settings:
    """Settings with these values, and with defaults for all other options.

    Raises:
        TypeError: there is no such option, or an option without a default is missing.
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
    """The same settings with these values replaced.

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
    names = [one.field for one in options_of(cls)]
    for name in values:
        if name not in names:
            close = difflib.get_close_matches(name, names, n=1)
            hint = f"; did you mean '{close[0]}'?" if close else ""
            raise TypeError(f"{cls.__name__} got an unexpected keyword argument '{name}'{hint}")


def flatten(settings: Any) -> dict[str, Any]:
    """All values by flat names, in the order of declaration."""
    return {
        one.field: getattr(getattr(settings, one.topic) if one.topic else settings, one.field)
        for one in options_of(type(settings))
    }


def read(cls: type[Settings], values: Mapping[str, Any]) -> Settings:
    """Settings from JSON values, in which tuples are lists; missing options have their defaults.

    Raises:
        TypeError, OptionError: see :func:`compose`.
    """
    tuples = {one.field for one in options_of(cls) if get_origin(one.type) is tuple}
    plain = {
        name: tuple(value) if name in tuples and isinstance(value, list) else value for name, value in values.items()
    }
    return compose(cls, plain)
