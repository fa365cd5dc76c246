"""Files and folders that are whole or not there, whoever writes them at the same time and whatever is killed."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from seesaw_nas.core import files

WRITER = """
import os, signal, sys
from pathlib import Path
from seesaw_nas.core import files

def killed(descriptor):
    os.kill(os.getpid(), signal.SIGKILL)

os.fsync = killed
path = Path(sys.argv[1])
if sys.argv[2] == "file":
    files.replace_file(path, b"half")
else:
    files.make_folder(path, lambda made: files.write_json(made / "run.json", {}))
"""


def kill_writer_of(path, what):
    killed = subprocess.run([sys.executable, "-c", WRITER, str(path), what], check=False, capture_output=True)
    assert killed.returncode == -9, killed.stderr


def test_writers_of_one_file_do_not_meet(tmp_path):
    path = tmp_path / "a.json"
    parts = {files.partial(path) for _ in range(20)}
    assert len(parts) == 20
    assert {part.parent for part in parts} == {tmp_path}


def test_two_at_once_leave_the_content_of_one(tmp_path, monkeypatch):
    path, fsync = tmp_path / "a", os.fsync

    def other_writes_meanwhile(descriptor):
        monkeypatch.setattr(os, "fsync", fsync)
        files.replace_file(path, b"second")
        assert path.read_bytes() == b"second"
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", other_writes_meanwhile)
    files.replace_file(path, b"first")
    assert path.read_bytes() == b"first"
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("write", [files.replace_file, files.create_file])
def test_an_error_names_the_file_that_is_wanted(tmp_path, write):
    with pytest.raises(FileNotFoundError) as caught:
        write(tmp_path / "gone" / "a.json", b"")
    assert caught.value.filename == str(tmp_path / "gone" / "a.json")


def test_second_that_creates_a_file_is_refused(tmp_path, monkeypatch):
    path, fsync = tmp_path / "a", os.fsync

    def other_is_faster(descriptor):
        monkeypatch.setattr(os, "fsync", fsync)
        files.create_file(path, b"first")

    monkeypatch.setattr(os, "fsync", other_is_faster)
    with pytest.raises(FileExistsError):
        files.create_file(path, b"second")
    assert path.read_bytes() == b"first"
    assert os.listdir(tmp_path) == ["a"]


def test_file_is_created_where_the_file_system_has_no_hard_links(tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    files.create_file(tmp_path / "a", b"first")
    with pytest.raises(FileExistsError):
        files.create_file(tmp_path / "a", b"second")
    assert (tmp_path / "a").read_bytes() == b"first"
    assert os.listdir(tmp_path) == ["a"]


def test_folder_that_another_process_writes_into_is_refused(tmp_path):
    with files.hold_folder(tmp_path):
        with pytest.raises(BlockingIOError), files.hold_folder(tmp_path):
            pass
        assert os.listdir(tmp_path) == []
    with files.hold_folder(tmp_path):
        pass


def test_content_is_on_its_way_to_the_disk_before_it_is_synced(tmp_path, monkeypatch):
    sizes = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: sizes.append(os.fstat(descriptor).st_size))
    files.replace_file(tmp_path / "a", b"few")
    assert sizes == [3]


def test_what_a_killed_writer_left_is_cleared_away_and_what_another_is_writing_is_not(tmp_path):
    path = tmp_path / "a.json"
    kill_writer_of(path, "file")
    assert len(os.listdir(tmp_path)) == 1
    old = tmp_path / "a.json.part"  # as earlier releases named it
    old.touch()
    others = [tmp_path / "a.json.notes.part", tmp_path / "b.json.part", files.partial(path)]
    for other in others:
        other.touch()
    with others[2].open("rb") as at_work:
        fcntl.flock(at_work, fcntl.LOCK_EX)
        files.replace_file(path, b"{}")
        assert sorted(tmp_path.iterdir()) == sorted([path, *others])
    files.clear_parts(path)
    assert not others[2].exists()


def test_a_name_as_long_as_they_may_be_is_written(tmp_path):
    path = tmp_path / ("ü" * 127 + "x")
    files.replace_file(path, b"1")
    files.replace_file(path, b"2")
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"2"]


def test_a_folder_that_a_killed_process_had_not_finished_is_none_and_is_cleared_away(tmp_path):
    path = tmp_path / "runs" / "a"
    kill_writer_of(path, "folder")
    assert not path.exists()
    (left,) = path.parent.iterdir()
    assert left.name.startswith(".unfinished-")
    files.make_folder(path, lambda made: (made / "run.json").touch())
    assert list(path.parent.iterdir()) == [path]


def test_the_second_to_make_a_folder_is_refused_and_nothing_of_it_stays(tmp_path):
    path = tmp_path / "a"

    def fill(made):
        files.make_folder(path, lambda first: (first / "mine").touch())
        assert made.exists()  # the other does not take it for left behind
        (made / "yours").touch()

    with pytest.raises(FileExistsError):
        files.make_folder(path, fill)
    assert os.listdir(tmp_path) == ["a"]
    assert os.listdir(path) == ["mine"]


def test_a_folder_is_removed_from_its_place_in_one_step(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.mkdir()
    (path / "run.json").touch()
    with monkeypatch.context() as patch:
        patch.setattr(files.shutil, "rmtree", lambda aside: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            files.remove_folder(path)
    assert not path.exists()
    files.make_folder(path, lambda made: None)
    assert os.listdir(tmp_path) == ["a"]


def test_a_file_is_open_in_one_process_at_a_time(tmp_path):
    path = tmp_path / "log"
    with files.open_locked(path) as first:
        first.write("a\n")
        with pytest.raises(BlockingIOError), files.open_locked(path):
            pass
    with files.open_locked(path) as second:
        second.write("b\n")
    assert path.read_text() == "a\nb\n"


def test_a_file_that_its_owner_deletes_meanwhile_is_made_anew(tmp_path, monkeypatch):
    path, flock = Path(tmp_path / "log"), fcntl.flock

    def owner_deletes(file, how):
        monkeypatch.setattr(fcntl, "flock", flock)
        path.unlink()
        flock(file, how)

    monkeypatch.setattr(fcntl, "flock", owner_deletes)
    with files.open_locked(path) as log:
        log.write("mine\n")
    assert path.read_text() == "mine\n"
