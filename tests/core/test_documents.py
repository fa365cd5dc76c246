"""What is read of JSON and TOML files, and what is refused of them in one line."""

import os
import threading
from pathlib import Path

import pytest

from seesaw_nas.core.documents import (
    DEEPEST,
    DocumentError,
    check_file,
    parse_json,
    parse_toml,
    read_bytes,
    read_json,
    read_toml,
)

LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "a" * 64 + "\nsize 12345\n"


def refusal(read, *arguments):
    with pytest.raises(DocumentError) as caught:
        read(*arguments)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_text_with_a_byte_order_mark_is_read(tmp_path, encoding):
    # Python's "utf-16" and "utf-32" write a mark as well; only plain "utf-8" does not
    (tmp_path / "a.json").write_text('{"name": "grün"}', encoding=encoding)
    assert read_json(tmp_path / "a.json") == {"name": "grün"}
    (tmp_path / "a.toml").write_text('name = "grün"', encoding=encoding)
    assert read_toml(tmp_path / "a.toml") == {"name": "grün"}


@pytest.mark.parametrize("mark", ["fffe", "feff"])
def test_big_and_little_endian_marks_are_read(tmp_path, mark):
    order = "utf-16-le" if mark == "fffe" else "utf-16-be"
    (tmp_path / "a.json").write_bytes(bytes.fromhex(mark) + "[1]".encode(order))
    assert read_json(tmp_path / "a.json") == [1]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            LFS,
            "it is a pointer file of Git LFS, which stands for a file that is stored elsewhere; `git lfs pull` in its",
        ),
        (
            "/annex/objects/SHA256E-s12--aa.json\n",
            "it is a pointer file of git-annex, which stands for a file that is st",
        ),
    ],
)
def test_pointer_file_is_named(tmp_path, text, told):
    (tmp_path / "a").write_text(text)
    assert refusal(read_json, tmp_path / "a").startswith(told)
    assert refusal(check_file, tmp_path / "a").startswith(told)


def test_what_is_no_regular_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert refusal(read_json, tmp_path / "pipe") == "it is a pipe; give a regular file"
    assert refusal(read_bytes, Path("/dev/zero")) == "it is a device; give a regular file"
    assert refusal(read_bytes, tmp_path) == "Is a directory"
    assert refusal(read_bytes, tmp_path / "none") == "No such file or directory"
    assert "null" in refusal(read_bytes, tmp_path / "a\0b")


def test_pipe_that_somebody_writes_to_is_refused_too():
    reading, writing = os.pipe()
    writer = threading.Thread(target=os.write, args=(writing, b"{}"))
    writer.start()
    try:
        assert refusal(read_json, Path(f"/dev/fd/{reading}")) == "it is a pipe; give a regular file"
    finally:
        writer.join()
        os.close(reading)
        os.close(writing)


def test_size_is_bounded_before_reading(tmp_path):
    with (tmp_path / "large").open("wb") as file:
        file.truncate(10**12)  # a file with a hole, which takes no room on the disk
    assert refusal(read_json, tmp_path / "large") == "it has 1,000,000,000,000 bytes, and at most 67,108,864 are read"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"a": 1, "a": 2}', "it has the key 'a' twice in one object; keep one of them"),
        ('{"b": [{"c": {"a": 1, "a": 1}}]}', "it has the key 'a' twice in one object"),
        ("[" * 100_000, "it is nested too deeply: more than 60 levels of objects and lists"),
        ("[" * 70 + "]" * 70, "it is nested too deeply"),
        ('{"a":' * 70 + "1" + "}" * 70, "it is nested too deeply"),
        ("9" * 5000, "it holds a whole number of more than 20 digits"),
        ("-" + "9" * 21, "it holds a whole number of more than 20 digits"),
        (r'{"name": "a\u0000b"}', "it holds a text with a null character: 'a\\x00b'"),
        (r'["\ud800"]', "it holds a text with half a surrogate pair: '\\ud800'"),
        (r'{"\ud800": 1}', "it holds a text with half a surrogate pair: '\\ud800'"),
        ("{", "it is not JSON: Expecting property name"),
        ("", "it is not JSON: Expecting value"),
    ],
)
def test_json_out_of_bounds_is_refused(text, told):
    assert refusal(parse_json, text).startswith(told)


def test_json_within_bounds_is_read():
    assert parse_json("[" * DEEPEST + "1" + "]" * DEEPEST)
    assert parse_json(r'"\ud83d\ude00"') == "\N{GRINNING FACE}"  # a whole pair
    assert parse_json("18446744073709551615") == 2**64 - 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = " + "9" * 5000, "it holds a whole number of more than 20 digits"),
        ("x = " + "9" * 400, "it holds a whole number of more than 20 digits"),
        ("x = " + "[" * 5000, "it is nested too deeply"),
        ("a." * 100 + "a = 1", "it is nested too deeply"),
        ("x = 1\nx = 2", "it is not a TOML file: Cannot overwrite a value"),
        (r'x = "a\u0000b"', "it holds a text with a null character"),
    ],
)
def test_toml_out_of_bounds_is_refused(text, told):
    assert refusal(parse_toml, text).startswith(told)
