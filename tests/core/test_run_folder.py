import errno
import json
import os
import subprocess
import sys

import pytest

from seesaw_nas.core import files
from seesaw_nas.core.errors import OptionError, RunError
from seesaw_nas.core.files import write_json
from seesaw_nas.core.run_folder import NameTaken, RunFolder, is_taken

# --- the folder


def test_new_folder_is_made_with_its_parents_and_holds_its_description(tmp_path):
    folder = RunFolder.create(tmp_path / "deep" / "runs" / "first", {"kind": "search", "text": "größer ☃"})
    assert sorted(path.name for path in folder.path.iterdir()) == ["run.json"]
    content = {"schema_version": 1, "kind": "search", "text": "größer ☃"}
    assert RunFolder.open(folder.path).description == folder.description == content
    assert "größer ☃" in folder.description_file.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", ["folder", "file", "dangling link"])
def test_whatever_has_the_name_already_is_left_as_it_is(tmp_path, kind):
    path = tmp_path / "run"
    if kind == "folder":
        path.mkdir()
        (path / "run.json").write_text("mine")
    elif kind == "file":
        path.write_text("mine")
    else:
        path.symlink_to(tmp_path / "nowhere")
    before = os.lstat(path)
    with pytest.raises(RunError) as caught:
        RunFolder.create(path, {})
    advice = ", or go on with it by --resume" if kind == "folder" else "; it is no run to go on with"
    assert (
        str(caught.value) == f"{path} exists already and nothing is overwritten; choose another name or folder{advice}"
    )
    assert os.lstat(path) == before
    assert (path / "run.json").read_text() == "mine" if kind == "folder" else True


@pytest.mark.parametrize(("name", "reason"), [("file/run", "Not a directory"), ("file/deep/run", "Not a directory")])
def test_folder_that_cannot_be_made_is_told(tmp_path, name, reason):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError) as caught:
        RunFolder.create(tmp_path / name, {})
    path = tmp_path / name
    assert str(caught.value) == f"cannot make the run folder {path}: {reason}; choose another place or name"


def test_full_disk_leaves_no_folder_that_could_be_neither_resumed_nor_made_again(tmp_path, monkeypatch):
    def full(path, content):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(files, "replace_file", full)
        with pytest.raises(OSError, match="No space left"):
            RunFolder.create(tmp_path / "run", {})
    assert list(tmp_path.iterdir()) == []
    RunFolder.create(tmp_path / "run", {})


def test_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "value.json"
    write_json(path, {"n": 1})
    with pytest.raises(TypeError):
        write_json(path, {"n": object()})
    assert json.loads(path.read_text()) == {"n": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["value.json"]


@pytest.mark.parametrize("made", [None, "folder", "file"])
def test_what_is_no_run_folder_is_refused(tmp_path, made):
    path = tmp_path / "run"
    if made == "folder":
        path.mkdir()
    elif made == "file":
        path.write_text("")
    reason = r"it has no run\.json" if made else "it does not exist"
    with pytest.raises(RunError, match=f"run is not a run folder: {reason}; give the folder of a search"):
        RunFolder.open(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", r"cannot read .*run\.json: it is not JSON: Expecting property name"),
        (b"\x80", r"cannot read .*run\.json: it is not JSON: 'utf-8' codec"),
        (b"[1]", r"run\.json is not the description of a run; restore it, or begin a new run"),
    ],
)
def test_damaged_description_is_told(tmp_path, content, message):
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(RunError, match=message):
        RunFolder.open(tmp_path)


@pytest.mark.parametrize("kind", ["search", "training", "supernet"])
@pytest.mark.parametrize("version", [2, 0, "1", 1.0, True, None])
def test_a_run_of_a_newer_release_is_refused_in_one_line(tmp_path, kind, version):
    folder = RunFolder.create(tmp_path / "run", {"kind": kind})
    write_json(folder.description_file, {**folder.description, "schema_version": version})
    with pytest.raises(RunError) as caught:
        RunFolder.open(folder.path)
    assert str(caught.value) == (
        f"{folder.description_file} has schema version {version!r}, this release reads up to 1; use a newer release"
    )


def test_a_run_from_before_there_was_a_schema_version_is_read(tmp_path):
    write_json(tmp_path / "run.json", {"kind": "search"})
    assert RunFolder.open(tmp_path).description == {"kind": "search"}


def test_a_new_run_says_what_another_process_reads(tmp_path):
    folder = RunFolder.create(tmp_path / "run", {"sizes": (1, 2), "spec": {"a": None}})
    assert folder.description == RunFolder.open(folder.path).description
    assert folder.description["sizes"] == [1, 2]


@pytest.mark.parametrize("spelling", [".", "../run", "../run/"])
def test_folder_has_its_name_however_it_is_spelt(tmp_path, monkeypatch, spelling):
    RunFolder.create(tmp_path / "run", {})
    monkeypatch.chdir(tmp_path / "run")
    assert RunFolder.open(type(tmp_path)(spelling)).name == "run"


@pytest.mark.parametrize("left", [[], ["run.json.part"], ["run.json.71-0badcafe.part"], ["owner.lock"]])
def test_a_folder_whose_run_json_was_never_written_counts_as_none(tmp_path, left):
    path = tmp_path / "run"
    path.mkdir()
    for name in left:
        (path / name).write_text("{")
    assert not is_taken(path)
    RunFolder.create(path, {"kind": "search"}, spec={"name": "a"})
    assert sorted(file.name for file in path.iterdir()) == ["run.json", "spec.json"]


@pytest.mark.parametrize("inside", ["notes.txt", "run.json", "optuna.journal"])
def test_a_folder_with_anything_else_in_it_is_taken(tmp_path, inside):
    path = tmp_path / "run"
    path.mkdir()
    (path / "run.json.part").touch()
    (path / inside).touch()
    with pytest.raises(NameTaken, match="nothing is overwritten"):
        RunFolder.create(path, {})
    assert (path / inside).exists()


def test_a_folder_whose_lock_is_held_is_taken(tmp_path):
    with RunFolder(tmp_path, {}).hold():
        assert is_taken(tmp_path)
    assert not is_taken(tmp_path)


@pytest.mark.parametrize("name", ["owner.lock", "trials.jsonl", "trials.torn", "checkpoints", "stages"])
def test_links_lead_no_writing_out_of_a_run(tmp_path, name):
    folder = RunFolder.create(tmp_path / "run", {})
    (tmp_path / "mine").write_text("mine")
    (folder.path / name).symlink_to(tmp_path / "mine")
    with pytest.raises(RunError) as caught, folder.hold():
        pass
    assert str(caught.value) == (
        f"{folder.path / name} is a link, and a run writes nowhere else; put what it leads to there"
    )
    assert (tmp_path / "mine").read_text() == "mine"


@pytest.mark.parametrize("name", ["events/trial-0001", "stages/1-supernet"])
def test_links_within_the_folders_of_a_run_lead_no_writing_out_of_it(tmp_path, name):
    folder = RunFolder.create(tmp_path / "run", {})
    (folder.path / name).parent.mkdir()
    (folder.path / name).symlink_to(tmp_path)
    with pytest.raises(RunError, match=rf"/run/{name} is a link, and a run writes nowhere"), folder.hold():
        pass


def test_a_pipe_in_place_of_a_lock_is_waited_for_by_nobody(tmp_path):
    folder = RunFolder.create(tmp_path / "run", {})
    os.mkfifo(folder.path / "owner.lock")
    assert not folder.is_held()
    with pytest.raises(RunError, match=r"run/owner\.lock is no file of a lock; delete it"), folder.hold():
        pass


def test_a_run_of_another_process_is_not_recommended(tmp_path):
    folder = RunFolder.create(tmp_path / "run", {})
    with folder.hold(), pytest.raises(NameTaken) as caught:
        RunFolder.create(folder.path, {})
    assert str(caught.value) == (
        f"{folder.path} exists already and another process is working on it; choose another name or folder, or wait "
        "for it"
    )


@pytest.mark.parametrize("name", ["a\nb", "x" * 256])
def test_a_folder_s_name_is_a_name(tmp_path, name):
    with pytest.raises(OptionError, match="is no name for a file or folder"):
        RunFolder.create(tmp_path / name, {})
    assert list(tmp_path.iterdir()) == []


# --- one owner


def test_only_one_at_a_time_owns_a_run(tmp_path):
    folder = RunFolder.create(tmp_path / "run", {})
    with folder.hold():
        with pytest.raises(RunError) as caught, RunFolder.open(folder.path).hold():
            pass
        assert str(caught.value) == f"another process is working on {folder.path}; wait for it, or stop it first"
    with folder.hold():
        pass


def test_killed_owner_lets_go(tmp_path):
    folder = RunFolder.create(tmp_path / "run", {})
    hold = (
        "import pathlib, sys\nfrom seesaw_nas.core.run_folder import RunFolder\n"
        "with RunFolder.open(pathlib.Path(sys.argv[1])).hold():\n    print('held', flush=True)\n    sys.stdin.read()"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", hold, str(folder.path)], stdin=pipe, stdout=pipe) as owner:
        assert owner.stdout.readline() == b"held\n"
        with pytest.raises(RunError, match="another process"), folder.hold():
            pass
        owner.kill()
        owner.wait()
        with folder.hold():
            pass
