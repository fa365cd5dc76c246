"""Spaces small enough to count by hand, and an evaluator that answers at once."""

import hashlib
import os

import numpy as np
import pytest

from seesaw_nas.core.errors import TrainingFailed
from seesaw_nas.evaluators import Score
from seesaw_nas.search.history.file_history import FileHistory
from seesaw_nas.search.strategies.sampled import Sampled
from seesaw_nas.space import Budget, Feasible, load
from seesaw_nas.training.epoch import Epoch

# With 9 channels in and out, expansion 1 has the dense block and 1:2 without a permutation (9 middle channels do not
# make 2 equal halves to shuffle); expansion 2 has those and 1:2 with the shuffle: 5 blocks, out of 6 combinations.
HEAD = """
schema_version = 1
name = "odd"
description = "five blocks a place"
budget = "100%"
input = { size = 8, channels = 1, classes = 10 }
stem = { channels = 9, stride = 1 }
head = { channels = 16 }
blocks = { expansions = [1, 2], kernels = [3], partitions = ["1", "1:2"], flows = ["shuffle", "none"], \
activations = ["none"] }
"""
STAGE = """
[[stages]]
channels = 9
stride = 2
repeats = {repeats}
"""


class FakeEvaluator:
    """Scores by digest and seed, without training; keeps what it was asked, and fails where it is told to.

    A checkpoint is a file that says how many epochs are behind it, and is there before anything is told.

    Attributes:
        asked: digests, one for each time it was asked.
        trained: (digest, epochs before, epochs after), one for each training that came to its end.
    """

    basis = "digest and seed"  # so that its scores may be taken over from run to run

    def __init__(self, fails=lambda architecture: False, top1=None, epochs=1):
        self.fails = fails
        self.top1 = top1
        self.epochs = epochs
        self.asked = []
        self.trained = []

    def evaluate(self, architecture, *, seed, until=None, checkpoint=None, on_epoch=None, on_step=None):
        self.asked.append(architecture.digest)
        behind = int(checkpoint.read_text()) if checkpoint and checkpoint.exists() else 0
        if self.fails(architecture):
            raise TrainingFailed(f"loss is not finite in epoch {behind + 1} of {self.epochs}")
        top1 = self.top1(architecture) if self.top1 else self._hashed(architecture, seed)
        curve = tuple(
            Epoch(n, 2.0, 1.5, top1 * n / self.epochs, 0.25) for n in range(1, 1 + max(behind, until or self.epochs))
        )
        if checkpoint:
            checkpoint.parent.mkdir(exist_ok=True)
            checkpoint.write_text(str(len(curve)))
        for epoch in curve[behind:]:
            if on_epoch:
                on_epoch(epoch)
        self.trained.append((architecture.digest, behind, len(curve)))
        return Score(curve[-1].top1, "validation", 0.25 * len(curve), curve)

    @staticmethod
    def _hashed(architecture, seed):
        return int(hashlib.sha256(f"{architecture.digest}{seed}".encode()).hexdigest()[:6], 16) / 0xFFFFFF


def _space(folder, *repeats):
    path = folder / "odd.toml"
    path.write_text(HEAD + "".join(STAGE.format(repeats=list(n)) for n in repeats))
    return load(str(path))


@pytest.fixture(autouse=True, scope="session")
def _no_fsync():
    """No test pulls the plug of the machine, and waiting for the disk is three quarters of their time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture(scope="session")
def small_space(tmp_path_factory):
    """5 * (5 + 5 * 5) = 150 architectures."""
    return _space(tmp_path_factory.mktemp("small"), (1,), (1, 2))


@pytest.fixture(scope="session")
def tiny_space(tmp_path_factory):
    """5 architectures."""
    return _space(tmp_path_factory.mktemp("tiny"), (1,))


@pytest.fixture(scope="session")
def make_evaluator():
    return FakeEvaluator


@pytest.fixture(scope="session")
def make_history():
    """The history in a journal, opened anew with every call, as by another process."""

    def made(journal, space, budget="100%", seed=0, objectives="front"):
        own = Budget.parse(budget, space.costliest)
        return FileHistory(journal, space, own, seed, objectives=objectives)

    return made


@pytest.fixture
def open_history(make_history, tmp_path):
    """The same, for the journal of this test where no other is named."""

    def opened(space, budget="100%", journal=tmp_path / "trials.jsonl", **more):
        return make_history(journal, space, budget, **more)

    return opened


@pytest.fixture(scope="session")
def architectures(small_space):
    """The 150 of the small space, in the order of their digests."""
    found, rng = {}, np.random.default_rng(0)
    feasible = Feasible(small_space, Budget(0, small_space.costliest_macs))
    while len(found) < small_space.size:
        architecture = feasible.draw(rng)
        found[architecture.digest] = architecture
    return [found[digest] for digest in sorted(found)]


@pytest.fixture
def short_start(monkeypatch):
    """Every strategy leaves its exact draws after three of them; a predictor is judged from five on."""
    shorten(monkeypatch)


@pytest.fixture(scope="module")
def short_start_of_module():
    """The same for a whole module."""
    with pytest.MonkeyPatch.context() as patch:
        shorten(patch)
        yield


def shorten(patch):
    for constant in ("evolution.STARTUP", "local.STARTUP", "thompson.STARTUP", "nsga2.POPULATION"):
        patch.setattr(f"seesaw_nas.search.strategies.{constant}", 3)
    patch.setattr("seesaw_nas.search.estimates.reliability.LEAST", 5)
    patch.setattr(Sampled.__init__, "__defaults__", (3,))  # where its STARTUP stands once the class is made
