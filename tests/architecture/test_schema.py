"""The published JSON Schema: it takes what the package writes, and agrees with the reader on what is broken."""

import json
from copy import deepcopy
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from seesaw_nas import space
from seesaw_nas.architecture import specfile
from seesaw_nas.architecture.reference import MODELS, SETTINGS, network
from seesaw_nas.architecture.spec import ACTIVATIONS, FLOWS, KERNELS, STRIDES
from seesaw_nas.architecture.specfile import Named
from seesaw_nas.core.errors import SpecError
from seesaw_nas.space import Budget, Feasible

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "architecture.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
NAME = "igcv3-0.5d@cifar10"


def content(name: str = NAME) -> dict:
    return json.loads(json.dumps(specfile.document(Named(name, network(name)), {"top1": 0.9, "split": "test"})))


def is_readable(value, folder) -> bool:
    path = folder / "net.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    try:
        specfile.read(path)
    except SpecError:
        return False
    return True


def changed(outer: tuple, field: str, value) -> dict:
    """A good document with one field set, or taken away where ``value`` is ``...``."""
    whole = content()
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
    assert SCHEMA["properties"]["schema_version"]["const"] == specfile.SCHEMA_VERSION


@pytest.mark.parametrize("name", [f"{model}@{setting}" for model in MODELS for setting in SETTINGS])
def test_networks_of_the_paper_are_valid(name):
    VALIDATOR.validate(content(name))


@pytest.mark.parametrize("seed", range(5))
def test_drawn_networks_are_valid(seed):
    drawn = Feasible(space.load("seesaw-digits"), Budget(0, 600_000)).draw(np.random.default_rng(seed))
    VALIDATOR.validate(specfile.document(Named("found", drawn)))


def test_optional_fields_may_be_left_out(tmp_path):
    least = {name: content()[name] for name in ("schema_version", "architecture")}
    VALIDATOR.validate(least)
    assert is_readable(least, tmp_path)


STAGE, BLOCK = ("architecture", "stages", 1), ("architecture", "stages", 1, "blocks", 0)
BROKEN = [
    ((), "schema_version", 2),
    ((), "schema_version", True),
    ((), "schema_version", ...),
    ((), "architecture", ...),
    ((), "architecture", []),
    ((), "name", ""),
    ((), "name", 3),
    ((), "digest", "A9FC1DD573BB25F1"),
    ((), "digest", "a9fc"),
    ((), "params", "1.4M"),
    ((), "macs", 0),
    ((), "macs", None),
    ((), "input", [3, 32]),
    ((), "input", [3, 32, 32, 1]),
    ((), "input", "3x32x32"),
    ((), "result", "95%"),
    ((), "accuracy", 0.95),
    (("architecture",), "input_size", 0),
    (("architecture",), "input_channels", True),
    (("architecture",), "classes", 1),
    (("architecture",), "classes", 10.5),
    (("architecture",), "stages", []),
    (("architecture",), "stages", {}),
    (("architecture",), "dropout", 0.5),
    (("architecture",), "head", ...),
    (("architecture", "stem"), "stride", 3),
    (("architecture", "stem"), "channels", "32"),
    (("architecture", "head"), "channels", -1),
    (STAGE, "stride", True),
    (STAGE, "blocks", []),
    (STAGE, "repeats", 2),
    (BLOCK, "kernel", 7),
    (BLOCK, "kernel", "3"),
    (BLOCK, "expansion", 0),
    (BLOCK, "expansion", False),
    (BLOCK, "partition", [1, 1]),
    (BLOCK, "partition", "1:"),
    (BLOCK, "partition", "01:1"),
    (BLOCK, "partition", "1:3"),  # igcv3 wants equal groups
    (BLOCK, "flow", "shufle"),
    (BLOCK, "flow", ...),
    (BLOCK, "expand_activation", "relu"),
    (BLOCK, "groups", 2),
]


@pytest.mark.parametrize(("outer", "field", "value"), BROKEN)
def test_schema_and_reader_refuse_the_same(tmp_path, outer, field, value):
    broken = changed(outer, field, value)
    assert not VALIDATOR.is_valid(broken)
    assert not is_readable(broken, tmp_path)


@pytest.mark.parametrize(
    ("outer", "field", "value"),
    [((), "result", {"anything": [1, None]}), (BLOCK, "expand_activation", "none"), ((), "digest", ...)],
)
def test_schema_and_reader_take_the_same(tmp_path, outer, field, value):
    good = changed(outer, field, value)
    VALIDATOR.validate(good)
    assert is_readable(good, tmp_path)


def test_the_choices_are_those_of_the_package():
    block = SCHEMA["$defs"]["block"]["properties"]
    assert tuple(block["flow"]["enum"]) == FLOWS
    assert tuple(block["kernel"]["enum"]) == KERNELS
    assert tuple(block["expand_activation"]["enum"]) == ACTIVATIONS
    assert tuple(SCHEMA["$defs"]["stride"]["enum"]) == STRIDES


def objects(schema):
    """Every part of the schema that describes an object, with its name."""
    for name, part in [("file", schema), *schema["$defs"].items()]:
        for inner in [part, *part.get("properties", {}).values()]:
            if inner.get("type") == "object":
                yield inner.get("description", name), inner


def test_every_field_is_described_in_one_sentence():
    for _, part in objects(SCHEMA):
        for name, field in part.get("properties", {}).items():
            described = field | SCHEMA["$defs"].get(field.get("$ref", "").rpartition("/")[2], {})
            sentence = deepcopy(described)["description"]
            assert sentence.endswith("."), name
            assert sentence.count(". ") == 0, name


def test_nothing_but_a_result_has_room_for_other_fields():
    free = [text for text, part in objects(SCHEMA) if part.get("additionalProperties") is not False]
    assert free == [SCHEMA["properties"]["result"]["description"]]
