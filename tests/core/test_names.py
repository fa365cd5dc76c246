"""Names are one component of a path, whoever gave them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seesaw_nas.core.errors import OptionError
from seesaw_nas.core.names import check_name, derive_name, number_names, safe_name

BAD = {
    "": "it is empty",
    "  ": "it is empty",
    ".": "it stands for a folder that exists",
    "..": "it stands for a folder that exists",
    "../x": "it has a '/'",
    "/etc/x": "it has a '/'",
    "a/b": "it has a '/'",
    "a/": "it has a '/'",
    "a\nb": r"it has the character '\n', which cannot be printed",
    "a\0b": r"it has the character '\x00', which cannot be printed",
    "a\x1b[2Jb": r"it has the character '\x1b', which cannot be printed",
    "a\u202eb": r"it has the character '\u202e', which cannot be printed",  # turns the rest around on the screen
    "a\udcffb": r"it has the character '\udcff', which cannot be printed",  # a byte that is not UTF-8
    "ü" * 128: "it has 256 bytes, at most 255 are possible",
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_name_is_refused_in_one_line(name):
    with pytest.raises(OptionError) as caught:
        check_name(name, "--name")
    text = str(caught.value)
    assert text.endswith(f" is no name for a file or folder: {BAD[name]}; choose another")
    assert text.startswith("--name '")
    assert text.isprintable()


@pytest.mark.parametrize("name", ["a", "größer ☃", "x" * 255, ".hidden", "a.b", "-a", "...", "run [1]"])
def test_a_name_is_taken_as_it_is(name):
    assert check_name(name) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("small net", "small net"),
        ("condensenet-86@cifar10", "condensenet-86@cifar10"),
        ("../../x", "x"),
        ("/etc/passwd", "etc-passwd"),
        ("..", "unnamed"),
        ("\n", "unnamed"),
        ("a\nb\0c", "a-b-c"),
        (".git", "git"),
        ("-rf", "rf"),
        ("\udcff", "unnamed"),
        ("ü" * 300, "ü" * 107),  # 215 bytes, of which the last would be half a letter
    ],
)
def test_a_name_from_a_file_is_made_safe(text, name):
    assert safe_name(text) == name


@given(st.text(max_size=400), st.lists(st.text(max_size=30), max_size=3))
def test_every_text_becomes_a_name_that_leaves_room_for_an_ending(stem, more):
    for name in (safe_name(stem), derive_name(stem, *more)):
        assert check_name(f"{name}.parquet.part.jsonl")
        assert name[0] not in ".-"


def test_names_made_of_others_keep_what_tells_them_apart():
    assert derive_name("net", "quick", 7) == "net-quick-7"
    assert derive_name("x" * 255, "quick", 7) == "x" * 207 + "-quick-7"


def test_names_are_numbered_from_two():
    numbered = number_names("a")
    assert [next(numbered) for _ in range(3)] == ["a", "a-2", "a-3"]
