"""Which errors say that memory ran out, what is told of it, and that what a failed work held is given back."""

import errno
import gc
import weakref

import pytest
import torch

from seesaw_nas.core.errors import OutOfMemory, TrainingFailed
from seesaw_nas.evaluators import Failure, attempt
from seesaw_nas.training import memory
from seesaw_nas.training.memory import Usage

GIB = 2**30


class AcceleratorError(RuntimeError):
    """As torch's, of releases that have one."""


SAYING_SO = [
    MemoryError(),
    OSError(errno.ENOMEM, "Cannot allocate memory"),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    AcceleratorError("CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported"),
    RuntimeError("CUDA error: out of memory"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory"),
]
OTHERS = [
    RuntimeError("CUDA error: device-side assert triggered"),
    ValueError("out of memory"),
    OSError(errno.ENOENT, "No such file"),
    KeyboardInterrupt(),
]


@pytest.mark.parametrize("error", SAYING_SO, ids=str)
def test_errors_that_say_that_memory_ran_out(error):
    assert memory.is_exhaustion(error)
    with (
        pytest.raises(OutOfMemory, match=r"^out of memory on cpu for a test; take less$"),
        memory.explain_out_of_memory("cpu", "for a test", "take less"),
    ):
        raise error


@pytest.mark.parametrize("error", OTHERS, ids=repr)
def test_other_errors_are_left_as_they_are(error):
    assert not memory.is_exhaustion(error)
    with pytest.raises(type(error)), memory.explain_out_of_memory("cpu", "for a test", "take less"):
        raise error


def on_gpu(monkeypatch, total, free, held):
    """A GPU with so many GiB in all, free, and held by this process."""
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free * GIB, total * GIB))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: held * GIB)


@pytest.mark.parametrize(
    ("gib", "told"),
    [
        ((80, 1, 70), "of 80.0 GiB this process held 70.0, others 9.0, free were 1.0); take less"),
        # two processes of about the same size: the larger one is told to take less
        ((80, 10, 36), "of 80.0 GiB this process held 36.0, others 34.0, free were 10.0); take less"),
        # one piece of more than is free, and is asked for at once
        ((80, 67, 1), "of 80.0 GiB this process held 1.0, others 12.0, free were 67.0); take less"),
        (
            (80, 1, 4),
            "of 80.0 GiB this process held 4.0, others 75.0, free were 1.0); end what else runs there, let fewer "
            "trainings share the device, or take another by --device",
        ),
    ],
)
def test_batch_is_blamed_where_this_process_held_most_and_neighbours_where_they_did(gib, told, monkeypatch):
    on_gpu(monkeypatch, *gib)
    assert memory.explain("cuda:1", "for a test", "take less") == f"out of memory on cuda:1 for a test ({told}"


def test_gpu_that_says_no_more_is_told_without_figures(monkeypatch):
    def mem_get_info(device):
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(torch.cuda, "mem_get_info", mem_get_info)
    assert memory.explain("cuda", "for a test", "take less") == "out of memory on cuda for a test; take less"


def test_what_the_driver_rounds_away_is_not_held_by_others():
    assert Usage(total=8 * GIB, held=6 * GIB, free=3 * GIB).others == 0


# --- what an evaluation that ran out of memory leaves


class Model:
    """Refers to itself, as a model and its recorded steps do."""

    def __init__(self):
        self.me = self


@pytest.mark.thorough
def test_evaluation_that_ran_out_of_memory_leaves_nothing_behind(monkeypatch):
    models, emptied = [], []
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: emptied.append([model() for model in models]))

    def evaluation():
        model = Model()
        models.append(weakref.ref(model))
        raise RuntimeError("CUDA error: out of memory")

    gc.disable()
    try:
        found = attempt(evaluation)
    finally:
        gc.enable()
    assert found == Failure(
        "out of memory in the evaluator: CUDA error: out of memory; let an evaluation take less", out_of_memory=True
    )
    assert emptied == [[None]]  # the model was gone before


def test_evaluation_that_explains_itself_is_quoted():
    def explained():
        with memory.explain_out_of_memory("cpu", "with batches of 64 images", "take smaller ones"):
            raise MemoryError

    def failed():
        raise TrainingFailed("loss is not finite")

    assert attempt(explained) == Failure("out of memory on cpu with batches of 64 images; take smaller ones", True)
    assert attempt(failed) == Failure("loss is not finite", False)


def test_defect_of_an_evaluator_is_no_failure():
    def defect():
        raise ValueError("no such thing")

    with pytest.raises(ValueError, match="no such thing"):
        attempt(defect)
