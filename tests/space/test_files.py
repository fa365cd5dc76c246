"""Space files: the shipped ones, a user's own, and what is said of a broken one."""

import re
import shutil
from pathlib import Path

import pytest

from seesaw_nas import space
from seesaw_nas.core.errors import SpaceError
from seesaw_nas.space import Budget, Feasible

SHIPPED = ["seesaw-cifar", "seesaw-cifar-tiny", "seesaw-digits", "seesaw-imagenet"]
FOLDER = Path(__file__).parents[2] / "search_spaces"

GOOD = """
schema_version = 1
name = "mine"
description = "A space of my own"
budget = "50%"

[input]
size = 16
channels = 3
classes = 4

[stem]
channels = [8, 16]
stride = 2

[head]
channels = 32

[blocks]
expansions = [2, 4]
kernels = [3]
partitions = ["1", "1:3"]
flows = ["shuffle", "share"]
activations = ["none"]

[[stages]]
channels = [8, 16]
stride = 1
repeats = [1]

[[stages]]
channels = 24
stride = 2
repeats = [2, 1]
kernels = [3, 5]
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(path) -> str:
    with pytest.raises(SpaceError) as refused:
        space.load(str(path))
    assert "\n" not in str(refused.value)
    return str(refused.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_spaces_load_and_are_called_as_their_file(name):
    found = space.load(name)
    assert found.name == name
    budget = Budget.parse(found.default_budget, found.costliest)
    assert found.cheapest_macs <= budget.high <= found.costliest_macs


def test_the_shipped_spaces_are_listed():
    assert space.names() == SHIPPED


def test_a_user_s_own_file_is_loaded_by_its_path(tmp_path):
    found = space.load(str(write(tmp_path, GOOD)))
    assert (found.name, found.description, found.default_budget) == ("mine", "A space of my own", "50%")
    assert (found.input_size, found.input_channels, found.classes, found.head_channels) == (16, 3, 4, 32)
    assert [found.width_name(width) for width in range(found.widths)] == ["8-8-24", "16-16-24"]
    first, second = found.stages
    assert (first.kernels, second.kernels) == ((3,), (3, 5))  # a stage's own choice comes before the shared one
    assert second.repeats == (1, 2)  # ascending, however they are written
    # Dense, 1:3 shuffled or 1:3 shared at two expansions: 6, with two kernels 12. Two widths of 6 * (12 + 144).
    assert found.size == 2 * 6 * 156
    assert Feasible(found, Budget.parse("50%", found.costliest)).count > 0


def test_a_file_in_this_folder_is_loaded_by_its_name(tmp_path, monkeypatch):
    write(tmp_path, GOOD)
    monkeypatch.chdir(tmp_path)
    assert space.load("mine.toml").name == "mine"


def test_a_copy_of_a_shipped_file_is_the_same_space(tmp_path):
    shutil.copy(FOLDER / "seesaw-digits.toml", tmp_path / "copy.toml")
    assert space.load(str(tmp_path / "copy.toml")) == space.load("seesaw-digits")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("seesaw-cifr", "unknown space 'seesaw-cifr', did you mean 'seesaw-cifar'? "),
        ("zzz", "unknown space 'zzz' "),
        ("", "unknown space '' "),
    ],
)
def test_an_unknown_space_is_told_with_the_known_ones(name, text):
    assert refusal(name) == f"{text}(known: {', '.join(SHIPPED)}); a path to a .toml file works too"


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path):
    missing = tmp_path / "none.toml"
    assert refusal(missing) == f"cannot read the space file {missing}: No such file or directory"
    (tmp_path / "folder.toml").mkdir()
    assert refusal(tmp_path / "folder.toml").endswith("folder.toml: Is a directory")


INT = "a whole number of at least 1 is wanted, got"
STAGE = "channels, stride, repeats, expansions, kernels, partitions, flows, activations"
BROKEN = [
    ("schema_version = 1", "schema_version = 2", "schema_version: this release reads version 1, got 2"),
    ("schema_version = 1", "schema_version = true", "schema_version: this release reads version 1, got True"),
    ("schema_version = 1", "", "schema_version: this field is missing; wanted: schema_version, name, "),
    ('name = "mine"', "name = 3", "name: a text is wanted, got 3"),
    ('name = "mine"', 'name = ""', "name: a text is wanted, got ''"),
    ('budget = "50%"', 'budget = "lots"', "budget: cannot read 'lots' as a number of Multi-Adds; write it like 110M"),
    ('budget = "50%"', 'budget = "2M:1M"', "budget: a budget's lower end must not be above its upper one"),
    ('budget = "50%"', "budget = 50", "budget: a text is wanted, got 50"),
    ('budget = "50%"', 'budgets = "50%"', "budgets: unknown field 'budgets', did you mean 'budget'? (known: "),
    ("size = 16", "size = 0", "input.size: at least 1 is wanted, got 0; the nearest legal value: 1"),
    ("size = 16", "sise = 16", "input.sise: unknown field 'sise', did you mean 'size'? (known: size, "),
    ("size = 16", "", "input.size: this field is missing; wanted: size, channels, classes"),
    ("channels = 3", "channels = 3.0", f"input.channels: {INT} 3.0"),
    ("classes = 4", "classes = 1", "input.classes: at least 2 is wanted, got 1; the nearest legal value: 2"),
    ("stride = 2", "stride = 3", "stem.stride: 1 or 2 is wanted, got 3; the nearest legal value: 2"),
    ("[stem]\nchannels = [8, 16]", "[stem]", "stem.channels: this field is missing; wanted: channels, stride"),
    ("[stem]", "[[stem]]", "stem: an object with channels, stride is wanted, got [{"),
    ("channels = 32", "channels = true", f"head.channels: {INT} True"),
    ("channels = 32", 'channels = 32\nkind = "wide"', "head.kind: unknown field 'kind' (known: channels)"),
    ("[blocks]", "[[blocks]]", "blocks: an object with expansions, kernels, partitions, flows, activations is wanted"),
    ("kernels = [3]", "kernel = [3]", "blocks.kernel: unknown field 'kernel', did you mean 'kernels'? (known: "),
    ("kernels = [3]", "kernels = 3", "blocks.kernels: a list of at least one, none twice, is wanted, got 3"),
    ("kernels = [3]", "kernels = []", "blocks.kernels: a list of at least one, none twice, is wanted, got []"),
    ("kernels = [3]", "kernels = [3, 7]", "blocks.kernels: 3 or 5 is wanted, got 7; the nearest legal value: 5"),
    ("kernels = [3]", "kernels = [3.0]", "blocks.kernels: 3 or 5 is wanted, got 3.0"),
    ("[2, 4]", "[2, 2]", "blocks.expansions: a list of at least one, none twice, is wanted, got [2, 2]"),
    ("[2, 4]", "[2, false]", f"blocks.expansions: {INT} False"),
    ('"1:3"]', '"2:6"]', "blocks.partitions: partition 2:6 is not in lowest terms; write 1:3"),
    ('"1:3"]', "13]", "blocks.partitions: a partition is positive integers joined by colons, such as '1:3', got 13"),
    ('"shuffle"', '"shufle"', "blocks.flows: unknown value 'shufle', did you mean 'shuffle'? (known: shuffle, "),
    ('"none"', '"relu"', "blocks.activations: unknown value 'relu', did you mean 'relu6'? (known: none, relu6)"),
    ("stride = 1", "stride = 1.0", "stages[0].stride: 1 or 2 is wanted, got 1.0"),
    ("repeats = [1]", "repeats = [-1]", "stages[0].repeats: at least 0 is wanted, got -1; the nearest legal value: 0"),
    ("repeats = [1]", "repeat = [1]", "stages[0].repeat: unknown field 'repeat', did you mean 'repeats'? (known: "),
    ("repeats = [2, 1]", "", f"stages[1].repeats: this field is missing; wanted: {STAGE}"),
    ("channels = 24", "channels = [24, 0]", "stages[1].channels: at least 1 is wanted, got 0; the nearest "),
    ("channels = 24", 'channels = "24"', f"stages[1].channels: {INT} '24'"),
    ("channels = 24", "channels = []", "stages[1].channels: a whole number, or one for each width, is wanted, got []"),
    ("channels = 24", "channels = [24, 32, 40]", "lists of channels hold one entry for each width, so all are "),
    ('"1", "1:3"', '"1:8"', "5 mistakes: (1) space 'mine': no block that stages[0] offers fits between 8 and 8 "),
    ("[8, 16]\nstride", "[8, 8]\nstride", "space 'mine': a width is listed twice: 8-8-24, 8-8-24; list it once"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "message"), BROKEN, ids=[f"{new or 'no ' + old}" for old, new, _ in BROKEN])
def test_a_broken_file_is_told_in_one_line_with_the_field(tmp_path, old, new, message):
    # Twice the same width takes two changes: stem and first stage.
    times = -1 if "[8, 8]" in new else 1
    assert old in GOOD
    path = write(tmp_path, GOOD.replace(old, new, times))
    assert refusal(path).startswith(message)  # a slip is one mistake, however much depends on it


def mistakes(path):
    with pytest.raises(SpaceError) as refused:
        space.load(str(path))
    return list(refused.value.mistakes)


def test_every_mistake_of_a_file_is_told_at_once(tmp_path):
    text = GOOD.replace("size = 16", "sise = 16").replace("classes = 4", "classes = 1").replace('"1:3"', '"2:6"')
    text = text.replace("[stem]", "[stem]\ndepth = 3").replace("repeats = [2, 1]", "repeats = [2, -1]")
    text = text.replace("channels = 24\nstride = 2", "channels = 24\nstride = 3")
    path = write(tmp_path, text)
    assert [mistake.partition(":")[0] for mistake in mistakes(path)] == [
        "input.sise", "input.classes", "stem.depth", "blocks.partitions", "stages[1].stride", "stages[1].repeats",
    ]  # fmt: skip
    assert refusal(path).startswith("6 mistakes: (1) input.sise: unknown field 'sise', did you mean 'size'? (known: ")
    assert "; (2) input.classes: at least 2 is wanted, got 1; " in refusal(path)


def test_a_mistake_in_what_stages_share_is_told_once_and_where_it_stands(tmp_path):
    text = GOOD.replace("expansions = [2, 4]", "expansions = [2, 0]").replace("kernels = [3, 5]", "kernels = [5, 7]")
    assert [mistake.partition(":")[0] for mistake in mistakes(write(tmp_path, text))] == [
        "blocks.expansions", "stages[1].kernels",
    ]  # fmt: skip


def test_every_place_that_no_block_fits_is_told(tmp_path):
    found = mistakes(write(tmp_path, GOOD.replace('"1", "1:3"', '"1:8"')))
    assert [mistake.partition("between ")[2].partition(";")[0] for mistake in found] == [
        "8 and 8 channels", "8 and 24 channels", "24 and 24 channels",
        "16 and 16 channels", "16 and 24 channels",
    ]  # fmt: skip


def test_of_another_version_s_file_only_the_version_is_told(tmp_path):
    text = GOOD.replace("schema_version = 1", "schema_version = 2").replace("kernels = [3]", "kernels = [9]")
    assert mistakes(write(tmp_path, text)) == ["schema_version: this release reads version 1, got 2"]


def test_a_copy_is_written_under_its_own_name_and_nothing_is_overwritten(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = space.copy("seesaw-digits", 'my "own".toml')
    found, shipped = space.load(str(path)), space.load("seesaw-digits")
    assert (found.name, found.stages) == ('my "own"', shipped.stages)
    assert path.read_text().splitlines()[0] == (FOLDER / "seesaw-digits.toml").read_text().splitlines()[0]
    assert space.load(str(space.copy("seesaw-digits"))) == shipped
    for name, where, text in [
        ("seesaw-digits", "seesaw-digits.toml", "exists already and nothing is overwritten"),
        ("seesaw-digit", "", "unknown space 'seesaw-digit', did you mean 'seesaw-digits'?"),
        ("seesaw-digits", "none/a.toml", "cannot write none/a.toml: No such file or directory"),
        ("seesaw-digits", "a.json", "a space file ends in .toml, got a.json"),
    ]:
        with pytest.raises(SpaceError, match=re.escape(text)):
            space.copy(name, where)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "8 mistakes: (1) schema_version: this field is missing"),
        (GOOD.partition("[[stages]]")[0], "stages: this field is missing"),
        ("stages = 3\n" + GOOD.partition("[[stages]]")[0], "stages: at least one [[stages]] is wanted"),
        ("stages = [3]\n" + GOOD.partition("[[stages]]")[0], f"stages[0]: an object with {STAGE} is wanted, got 3"),
        ("name = ", "{path} is not a TOML file: Invalid value"),
        ("name = 1\nname = 2", "{path} is not a TOML file: Cannot overwrite a value"),
        ("x = " + "[" * 100_000, "{path} is nested too deeply: more than 60 levels"),
    ],
)
def test_what_is_no_space_file_is_refused(tmp_path, text, message):
    path = write(tmp_path, text)
    assert refusal(path).startswith(message.replace("{path}", str(path)))


def test_a_binary_file_is_refused(tmp_path):
    path = tmp_path / "weights.toml"
    path.write_bytes(b"\x80\x81")
    assert re.search(r"weights\.toml is not a TOML file: 'utf-8' codec can't decode", refusal(path))
