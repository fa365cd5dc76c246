"""Evaluators lie on the CPU until a process puts its own copy on its own device, and what it lent is given back."""

import io
import pickle
import weakref
from dataclasses import replace

import pytest
import torch
from recorded import drawn, table

from seesaw_nas import space
from seesaw_nas.data import load
from seesaw_nas.evaluators import on_device
from seesaw_nas.evaluators.called import CalledEvaluator
from seesaw_nas.evaluators.inherited import InheritedEvaluator
from seesaw_nas.evaluators.proxy import ProxyEvaluator
from seesaw_nas.evaluators.recorded import TableEvaluator
from seesaw_nas.evaluators.trained import TrainedEvaluator
from seesaw_nas.evaluators.tuned import TunedEvaluator
from seesaw_nas.search import SearchSettings
from seesaw_nas.search.halving import Halving
from seesaw_nas.training import memory
from seesaw_nas.training.recipes import recipe
from seesaw_nas.training.supernet import WEIGHTS, Supernet, save
from seesaw_nas.workflows.objects import Objects
from seesaw_nas.workflows.plan import plan
from seesaw_nas.workflows.problem import make_problem

SETTINGS = SearchSettings.of(dataset="digits", budget="300K")


class Devices(pickle.Pickler):
    """Notes where the tensors lie that another process would be sent."""

    def __init__(self):
        super().__init__(io.BytesIO())
        self.found = set()

    def reducer_override(self, value):
        if not isinstance(value, torch.Tensor):
            return NotImplemented
        self.found.add(value.device.type)
        return set, ()


def devices(evaluator):
    pickler = Devices()
    pickler.dump(evaluator)
    return pickler.found


@pytest.fixture(scope="module")
def supernet():
    return Supernet.build(space.load("seesaw-digits"), seed=0)


def made(name, supernet):
    data, quick = load("digits"), recipe("quick", 1)
    if name == "table":
        return TableEvaluator(table([[0.5] * 3], drawn(3)), supernet.space)
    return {
        "trained": lambda: TrainedEvaluator(data, quick),
        "inherited": lambda: InheritedEvaluator(supernet, data),
        "tuned": lambda: TunedEvaluator(supernet, data, quick),
        "proxy": lambda: ProxyEvaluator("snip", data),
        "called": lambda: CalledEvaluator(len),
    }[name]()


@pytest.mark.parametrize("name", ["trained", "inherited", "tuned", "proxy", "called", "table"])
def test_evaluator_is_the_same_on_another_device(name, supernet):
    evaluator = made(name, supernet)
    there = on_device(evaluator, "meta")
    if name in ("called", "table"):  # they hold no tensors
        assert there is evaluator
        assert devices(there) == set()
        return
    assert (devices(evaluator), devices(there)) == ({"cpu"}, {"meta"})
    assert str(there.device) == "meta"
    assert replace(there, device=evaluator.device, data=evaluator.data, **_shared(evaluator)) == evaluator


def _shared(evaluator):
    return {"supernet": evaluator.supernet} if hasattr(evaluator, "supernet") else {}


@pytest.mark.parametrize("name", ["trained", "inherited", "tuned", "proxy:snip"])
def test_search_poses_evaluators_on_the_cpu_whatever_its_device(name, supernet, tmp_path, monkeypatch):
    monkeypatch.setattr("seesaw_nas.workflows.problem.find_device", lambda device: torch.device("meta"))
    save(supernet, tmp_path / WEIGHTS, {})
    shared = str(tmp_path) if name in ("inherited", "tuned") else ""
    problem = make_problem(SETTINGS.replace(evaluator=name, supernet=shared))
    assert devices(problem.evaluator) == {"cpu"}
    assert devices(problem.placed) == {"meta"}
    assert problem.placed is problem.placed


class Lending:
    """Puts a copy of itself on a device, and says how much of it is left."""

    epochs = 1

    def __init__(self):
        self.copies = []

    def on(self, device):
        copy = Lent(str(device))
        self.copies.append(weakref.ref(copy))
        return copy

    def evaluate(self, architecture, **more): ...

    def estimate(self, architecture):
        raise AssertionError("it is not where it would compute")


class Lent(Lending):
    def __init__(self, device):
        super().__init__()
        self.device, self.me = device, self

    def estimate(self, architecture):
        return 7.0


@pytest.mark.parametrize(("engine", "kept"), [("serial", True), ("local", False), ("ray", False)])
def test_estimate_leaves_nothing_on_a_device_where_others_are_to_train(engine, kept, monkeypatch):
    left, release = [], memory.release
    evaluator = Lending()

    def released():
        release()
        left.append([copy() for copy in evaluator.copies])

    monkeypatch.setattr(memory, "release", released)
    settings = SETTINGS.replace(engine=engine, device="cpu")
    problem = make_problem(settings, Objects(evaluator=evaluator))
    found = plan(problem, 3, Halving(1, minimum=1), "a thing each")
    assert (found.trial_seconds, found.reserves) == (7.0, "a thing each")
    assert left == ([] if kept else [[None]])
    assert [copy() is not None for copy in evaluator.copies] == [kept]
