"""The published JSON Schema of space files agrees with the reader: on the shipped files, and on what is broken."""

import copy
import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

from seesaw_nas.architecture.spec import ACTIVATIONS, FLOWS, KERNELS, STRIDES
from seesaw_nas.core.errors import SpaceError
from seesaw_nas.space import content

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs" / "space.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
FILES = sorted((ROOT / "search_spaces").glob("*.toml"))
DIGITS = tomllib.loads((ROOT / "search_spaces" / "seesaw-digits.toml").read_text(encoding="utf-8"))


def is_readable(value) -> bool:
    try:
        content.read(value)
    except SpaceError:
        return False
    return True


def changed(outer: tuple, field, value) -> dict:
    """The space for digits with one field set, or taken away where ``value`` is ``...``."""
    whole = copy.deepcopy(DIGITS)
    holder = whole
    for step in outer:
        holder = holder[step]
    if value is ...:
        del holder[field]
    else:
        holder[field] = value
    return whole


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["schema_version"]["const"] == content.SCHEMA_VERSION


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_shipped_spaces_are_valid(path):
    VALIDATOR.validate(tomllib.loads(path.read_text(encoding="utf-8")))
    assert len(FILES) > 3


STAGE = ("stages", 1)
BROKEN = [
    *[((), field, ...) for field in ("schema_version", "name", "budget", "input", "stem", "head", "stages", "blocks")],
    ((), "schema_version", 2),
    ((), "schema_version", True),
    ((), "name", ""),
    ((), "description", "two\nlines"),
    ((), "budget", 600_000),
    ((), "colour", "red"),
    ((), "stages", []),
    ((), "stages", {}),
    ((), "stages", [3]),
    ((), "blocks", []),
    (("input",), "size", 0),
    (("input",), "size", 10**9),
    (("input",), "channels", True),
    (("input",), "classes", 1),
    (("input",), "classes", 10.5),
    (("stem",), "stride", 3),
    (("stem",), "channels", "16"),
    (("stem",), "channels", []),
    (("head",), "channels", -1),
    (("head",), "channels", []),
    (("head",), "channels", [64, 64]),
    (("head",), "channels", [[64, 96]]),
    (("stem",), "channels", [[16], []]),
    (("stem",), "channels", [[16], 24]),
    (("blocks",), "kernels", []),
    (("blocks",), "kernels", [3, 3]),
    (("blocks",), "kernels", [7]),
    (("blocks",), "kernels", ...),
    (("blocks",), "expansions", [0]),
    (("blocks",), "expansions", [False]),
    (("blocks",), "partitions", ["1:"]),
    (("blocks",), "partitions", [11]),
    (("blocks",), "flows", ["shufle"]),
    (("blocks",), "activations", ["relu"]),
    (("blocks",), "stride", 1),
    (STAGE, "repeats", ...),
    (STAGE, "repeats", 2),
    (STAGE, "repeats", [0]),
    (STAGE, "repeats", [1, -1]),
    (STAGE, "repeats", [2, 2]),
    (STAGE, "kernels", [4]),
    (STAGE, "channels", [24, 0]),
    (STAGE, "groups", 2),
]


@pytest.mark.parametrize(("outer", "field", "value"), BROKEN)
def test_schema_and_reader_refuse_the_same(outer, field, value):
    broken = changed(outer, field, value)
    assert not VALIDATOR.is_valid(broken)
    assert not is_readable(broken)


GOOD = [
    (STAGE, "kernels", [5]),
    (STAGE, "repeats", [3, 1]),
    (STAGE, "repeats", [0, 1, 2]),
    (("stem",), "channels", [16, 24]),
    (("stem",), "channels", [[16, 24]]),
    (("stem",), "channels", [[16, 24], [8]]),
    (("head",), "channels", [64]),
    (("head",), "channels", [64, 96]),
    (STAGE, "partitions", ["1", "1:2:1"]),
    (("blocks",), "activations", list(ACTIVATIONS)),
]


@pytest.mark.parametrize(("outer", "field", "value"), GOOD)
def test_schema_and_reader_take_the_same(outer, field, value):
    good = changed(outer, field, value)
    VALIDATOR.validate(good)
    assert is_readable(good)


def test_stages_that_all_say_a_choice_need_no_shared_one():
    value = changed(("blocks",), "kernels", ...)
    for stage in value["stages"]:
        stage["kernels"] = [3]
    VALIDATOR.validate(value)
    assert is_readable(value)
    del value["stages"][0]["kernels"]
    assert not VALIDATOR.is_valid(value)
    assert not is_readable(value)


@pytest.mark.parametrize(
    ("outer", "field", "value"),
    [
        ((), "budget", "lots"),
        (("blocks",), "partitions", ["2:6"]),
        (("blocks",), "partitions", ["1:10"]),
        (("stages", 0), "channels", [16, 24, 32]),
    ],
)
def test_what_the_schema_says_that_it_cannot_see_is_refused_by_the_reader_alone(outer, field, value):
    whole = changed(outer, field, value)
    if field == "channels":
        whole["stem"]["channels"] = [16, 24]
    VALIDATOR.validate(whole)
    assert not is_readable(whole)


def test_the_choices_are_those_of_the_package():
    parts = SCHEMA["$defs"]
    assert tuple(parts["flows"]["items"]["enum"]) == FLOWS
    assert tuple(parts["kernels"]["items"]["enum"]) == KERNELS
    assert tuple(parts["activations"]["items"]["enum"]) == ACTIVATIONS
    assert tuple(parts["stride"]["enum"]) == STRIDES
