"""The choice among a GPU's kernels by measuring, with a clock of the tests' own: no GPU, no time."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from test_training import DATA, RECIPE, TINY

from seesaw_nas.network.fast import Formulation, speed_up
from seesaw_nas.network.models import build
from seesaw_nas.training import kernels, preparation
from seesaw_nas.training.execution import EAGER
from seesaw_nas.training.kernels import FEWEST, SECONDS, USUAL, WARM_UP, KernelCost, Kernels, choose, measure
from seesaw_nas.training.losses import cross_entropy
from seesaw_nas.training.preparation import prepare

CONTIGUOUS = Kernels("contiguous")
TIMED, TIMED_CONTIGUOUS = replace(USUAL, benchmark=True), replace(CONTIGUOUS, benchmark=True)


class Machine:
    """Steps that take the seconds they are given, and in the beginning some more; and the clock that shows them."""

    def __init__(self, costs, *, start=10.0):
        self.costs, self.now, self.loading, self.asked = costs, 0.0, start, []

    def prepare(self, way):
        self.asked.append(way)
        cost = self.costs[way]
        if isinstance(cost, Exception):
            raise cost
        begun = []

        def run(count):
            self.now += self.loading + count * cost.step + (0 if begun else cost.begin)
            self.loading = 0  # of libraries, once a process
            begun.append(True)

        return run

    def clock(self):
        return self.now


@pytest.fixture(autouse=True)
def fresh():
    kernels.forget()
    yield
    kernels.forget()


FAST = {  # the benchmark costs a tenth of a second and saves a fifth of a step
    USUAL: KernelCost(0.0, 0.010),
    CONTIGUOUS: KernelCost(0.0, 0.005),
    TIMED_CONTIGUOUS: KernelCost(0.1, 0.004),
}


def test_both_layouts_are_timed_and_the_faster_one_with_the_benchmark():
    machine = Machine(FAST, start=0.0)
    found = measure(machine.prepare, machine.clock)
    assert machine.asked == [USUAL, USUAL, CONTIGUOUS, TIMED_CONTIGUOUS]
    assert {way: (cost.begin, cost.step) for way, cost in found.items()} == {
        way: pytest.approx((cost.begin, cost.step)) for way, cost in FAST.items()
    }


def test_what_libraries_load_once_is_no_cost_of_the_first_way():
    machine = Machine(FAST, start=0.7)
    assert measure(machine.prepare, machine.clock)[USUAL].begin == pytest.approx(0.0)


def test_a_long_training_is_worth_the_benchmark_and_a_short_one_is_not():
    machine = Machine(FAST, start=0.0)
    # 0.1 + 1,000 * 0.004 = 4.1 s against 5 s; 0.1 + 50 * 0.004 = 0.3 s against 0.25 s
    assert choose("here", 1_000, machine.prepare, machine.clock) == TIMED_CONTIGUOUS
    assert choose("here", 50, machine.prepare, machine.clock) == CONTIGUOUS
    assert len(machine.asked) == 4, "measured once"


def test_each_device_and_size_is_measured_by_itself():
    machine = Machine(FAST, start=0.0)
    for key in (("cuda:0", 64), ("cuda:0", 128), ("cuda:1", 64), ("cuda:0", 64)):
        choose(key, FEWEST, machine.prepare, machine.clock)
    assert len(machine.asked) == 3 * 4


def test_a_short_training_alone_measures_nothing():
    machine = Machine(FAST)
    assert choose("here", FEWEST - 1, machine.prepare, machine.clock) == USUAL
    assert machine.asked == []


def test_two_in_a_hundred_are_no_reason_to_leave_the_usual_way():
    slower, benchmark = replace(FAST[USUAL], step=0.0098), KernelCost(0.0, 0.0099)
    machine = Machine(FAST | {CONTIGUOUS: slower, TIMED_CONTIGUOUS: benchmark}, start=0.0)
    assert choose("here", FEWEST, machine.prepare, machine.clock) == USUAL


def test_a_slow_machine_is_not_kept_waiting():
    slow = SECONDS / WARM_UP / 1.5
    machine = Machine({USUAL: KernelCost(0.0, slow), CONTIGUOUS: KernelCost(0.0, slow / 10)})
    assert choose("here", FEWEST, machine.prepare, machine.clock) == USUAL
    assert machine.asked == [USUAL, USUAL]


def test_a_way_that_does_not_work_is_left_out():
    machine = Machine(FAST | {CONTIGUOUS: RuntimeError("CUDA out of memory"), TIMED: KernelCost(0.0, 0.002)}, start=0.0)
    assert choose("here", FEWEST, machine.prepare, machine.clock) == TIMED


def test_where_none_works_the_training_has_to_say_why():
    failing = dict.fromkeys((USUAL, CONTIGUOUS), RuntimeError("CUDA out of memory"))
    machine = Machine(failing)
    assert choose("here", FEWEST, machine.prepare, machine.clock) == USUAL


# --- in a training


def test_on_a_cpu_nothing_is_measured(monkeypatch):
    monkeypatch.setattr(preparation.kernels, "choose", lambda *_: pytest.fail("measured"))
    found = prepare(build(TINY, seed=0), DATA, replace(RECIPE, epochs=FEWEST), 0, torch.device("cpu"))
    assert found.trainer.kernels == USUAL
    assert found.conditions == {"steps": "eager"}


def test_the_layout_of_depthwise_convolutions_changes_nothing_but_rounding():
    images, labels = torch.randn(8, 1, 8, 8, dtype=torch.float64), torch.arange(8) % 4
    losses, gradients = [], []
    for way in (USUAL, CONTIGUOUS):
        network = speed_up(build(TINY, seed=0).double().train(), Formulation(folds=False, depthwise=way.depthwise))
        logits = network(images)
        loss, gradient = cross_entropy(logits.detach(), labels)
        logits.backward(gradient)
        losses.append(loss.item())
        gradients.append(network.weights.grad)
    assert losses[0] == pytest.approx(losses[1], rel=1e-12)
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-9, atol=1e-12)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_training_on_a_gpu_says_by_which_kernels():
    device, recipe = torch.device("cuda", torch.cuda.device_count() - 1), replace(RECIPE, epochs=FEWEST)
    before = torch.backends.cudnn.benchmark
    found = prepare(build(TINY, seed=0), DATA, recipe, 0, device, execution=EAGER)
    assert found.conditions["kernels"] == str(found.trainer.kernels)
    assert found.conditions["kernels"].startswith("depthwise convolutions ")
    assert torch.backends.cudnn.benchmark == before
