"""How an evaluator reaches the workers where shared memory is too small for its images, and errors that come back."""

import errno
import os
import pickle
import subprocess
import sys
from collections import namedtuple
from dataclasses import dataclass, field

import pytest
import torch

from seesaw_nas.core.errors import DataError, OptionError, OutOfMemory, RunError, SpecError
from seesaw_nas.search.engines import local, sharing
from seesaw_nas.search.engines.worker import Place, correctable


@dataclass
class Holding:
    """An evaluator of several kinds of tensors, two of which share their memory."""

    bytes: torch.Tensor = field(default_factory=lambda: torch.arange(100, dtype=torch.uint8))
    weights: torch.Tensor = field(default_factory=lambda: torch.linspace(-1, 1, 7, dtype=torch.float16))
    empty: torch.Tensor = field(default_factory=lambda: torch.empty(0, 3))
    scalar: torch.Tensor = field(default_factory=lambda: torch.tensor(-5))
    layer: torch.nn.Module = field(default_factory=lambda: torch.nn.Linear(3, 2))

    def __post_init__(self):
        self.turned = self.bytes.view(10, 10).T


def test_tensors_are_counted_once_however_often_they_occur():
    # 100 bytes twice, 7 halves, an int64, and 3 * 2 + 2 floats of 4 bytes
    assert sharing.tensor_bytes(Holding()) == 100 + 14 + 8 + 32


def test_evaluator_in_a_file_is_the_same_and_leaves_nothing_behind(monkeypatch, tmp_path):
    monkeypatch.setattr(sharing, "free_shared_memory", lambda: 100.0)
    monkeypatch.setattr(sharing.tempfile, "tempdir", str(tmp_path))
    before = Holding()
    with sharing.share(before) as sent:
        after = sharing.receive(pickle.loads(pickle.dumps(sent)))
        assert list(tmp_path.iterdir()) == []  # it has no name
        for name in ("bytes", "weights", "empty", "scalar", "turned"):
            wanted, found = getattr(before, name), getattr(after, name)
            assert (found.dtype, found.shape, found.tolist()) == (wanted.dtype, wanted.shape, wanted.tolist())
        assert torch.equal(after.layer(torch.ones(1, 3)), before.layer(torch.ones(1, 3)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.thorough
def test_another_process_maps_the_file(monkeypatch):
    monkeypatch.setattr(sharing, "free_shared_memory", lambda: 0.0)
    with sharing.share({"images": torch.full((1000,), 7, dtype=torch.uint8)}) as sent:
        code = "import pickle, sys; print(int(pickle.loads(bytes.fromhex(sys.argv[1])).load()['images'].sum()))"
        found = subprocess.run(
            [sys.executable, "-c", code, pickle.dumps(sent).hex()], capture_output=True, text=True, check=True
        )
    assert found.stdout == "7000\n"


def test_enough_shared_memory_needs_no_file(monkeypatch):
    monkeypatch.setattr(sharing, "free_shared_memory", lambda: 154.0 + sharing.SPARE)
    before = Holding()
    with sharing.share(before) as sent:
        assert sent is before


def test_room_that_is_found_nowhere_is_told_with_the_size(monkeypatch):
    monkeypatch.setattr(sharing, "free_shared_memory", lambda: 64e6)
    monkeypatch.setattr(sharing.shutil, "disk_usage", lambda path: namedtuple("Usage", "free")(10_000_000))
    monkeypatch.setattr(sharing, "tensor_bytes", lambda evaluator: 92_160_000)
    with (
        pytest.raises(OptionError, match=r"^the workers share 92 MB of images .* has 64 MB free, .* 10 MB; give one"),
        sharing.share(Holding()),
    ):
        pass


# --- errors of workers


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device", "/x/1.safetensors"),
        RunError("1.safetensors is not a checkpoint"),
        SpecError("no such kernel", "stages[0]"),
        DataError("cannot read a.png"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_error_of_a_worker_ends_the_search_as_it_does_without_workers(error, propose, noting, history):
    evaluator = noting(raises=error)
    with pytest.raises(type(error)) as caught:
        local.run(propose(2), evaluator, [Place("worker 0", "cpu")])
    assert str(caught.value) == str(error)
    assert getattr(caught.value, "filename", None) == getattr(error, "filename", None)
    assert [(record.state, history.attempts(record.number)) for record in history.records()] == [("running", 0)]


def test_error_that_cannot_travel_keeps_its_text():
    class Local(RunError):
        """Of a class that the other process does not know."""

    passed = correctable(Local("it is damaged"))
    assert (type(passed), str(passed)) == (RunError, "it is damaged")
    assert correctable(ValueError("a bug")) is None
    assert isinstance(correctable(OutOfMemory("too little")), OutOfMemory)


@dataclass
class Damaged:
    """An evaluator that meets with an error as it arrives in another process."""

    home: int = field(default_factory=os.getpid)

    def on(self, device):
        if os.getpid() != self.home:
            raise DataError("the cache of grow is gone")
        return self


@pytest.mark.thorough
def test_error_of_a_worker_as_it_begins_is_passed_on_too(propose):
    with pytest.raises(DataError, match=r"^the cache of grow is gone$"):
        local.run(propose(1), Damaged(), [Place("worker 0", "cpu")])
