"""Steps recorded and replayed; on the CPU with a recorder of the tests' own, which does at replay what was recorded."""

from __future__ import annotations

import signal
from dataclasses import replace

import pytest
import torch
from test_training import DATA, RECIPE, STEPS, TINY, trained

from seesaw_nas.errors import Interrupted, OptionError
from seesaw_nas.execution import PLAIN, Execution
from seesaw_nas.graphs import WARM_UP, Recorded
from seesaw_nas.models import build
from seesaw_nas.sgd import Trainer

RICH = replace(RECIPE, cutout=0.25, mixup=0.2, ema=0.3, recalibration_images=64, nesterov=True)


class Late:
    """A graph as CUDA has it: nothing is done when it is recorded, all of it at each replay, on the inputs held."""

    made: list[Late] = []  # noqa: RUF012 (cleared by the fixture below)

    def __init__(self, work):
        self.work, self.result, self.replays = work, torch.zeros(()), 0
        Late.made.append(self)

    def replay(self):
        self.replays += 1
        self.result.copy_(self.work())


def record(work):
    graph = Late(work)
    return graph, graph.result


@pytest.fixture(autouse=True)
def fresh():
    Late.made.clear()


def counted():
    """A step with a state, as an optimiser has one."""
    state = torch.zeros(())

    def work(x, y):
        state.add_(1)
        return (x * y).sum() + state

    return work, state


def test_every_call_counts_once_whether_warm_up_recorded_or_replayed():
    work, state = counted()
    step = Recorded(work, record)
    for call in range(1, WARM_UP + 4):
        x, y = torch.full((3,), float(call)), torch.ones(3)
        assert step(x, y).item() == 3 * call + call, "the inputs of this call, and the state after it"
        assert state.item() == call
    assert [graph.replays for graph in Late.made] == [3]


def test_each_shape_has_a_graph_of_its_own():
    work, _ = counted()
    step = Recorded(work, record)
    for n in (4,) * WARM_UP + (4, 3, 4, 3):
        step(torch.ones(n), torch.ones(n))
    assert [graph.replays for graph in Late.made] == [2, 2]


def test_a_result_is_not_overwritten_by_the_next():
    work, _ = counted()
    step = Recorded(work, record)
    results = [step(torch.ones(2), torch.ones(2)) for _ in range(WARM_UP + 2)]
    assert [result.item() for result in results] == [3, 4, 5, 6, 7]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_cuda_graph_does_the_same():
    device = torch.device("cuda")
    state = torch.zeros((), device=device)

    def work(x):
        state.add_(1)
        return x.sum() * 2

    step = Recorded(work)
    for call in range(WARM_UP + 3):
        assert step(torch.full((4,), float(call), device=device)).item() == 8 * call
    assert state.item() == WARM_UP + 3


# --- in a training


def test_recorded_training_has_the_figures_of_the_plain_one_and_recorded_steps_are_what_it_takes():
    # 90 images in seven batches of 13 and 12, so two graphs; the rate is a float32 on the device, once it was a float64
    recipe = replace(RICH, batch_size=13)
    (plain, wanted), (other, found) = (
        trained(recipe=recipe, execution=each) for each in (PLAIN, Execution("", record))
    )
    assert [(e.train_loss, e.loss, e.top1) for e in found.curve] == [
        pytest.approx((e.train_loss, e.loss, e.top1), rel=1e-4) for e in wanted.curve
    ]
    for name, tensor in plain.state_dict().items():
        torch.testing.assert_close(other.state_dict()[name], tensor, rtol=1e-3, atol=1e-5)
    sizes, steps = 2, 3 * 7
    assert len(Late.made) == sizes
    assert sum(graph.replays for graph in Late.made) == steps - WARM_UP


def test_a_third_shape_is_not_recorded():
    work, state = counted()
    step = Recorded(work, record)
    for n in (2,) * WARM_UP + (2, 3, 4, 4):
        step(torch.ones(n), torch.ones(n))
    assert [graph.replays for graph in Late.made] == [1, 1]
    assert state.item() == WARM_UP + 4


def test_the_rate_follows_the_recipe_in_place():
    trainer = Trainer.of(build(TINY, seed=0), DATA, RECIPE, 0, torch.device("cpu"), execution=Execution("", record))
    (group,) = trainer.optimizer.param_groups
    rate = group["lr"]
    for number in (0, 5, 11):
        trainer.step(number, DATA.train.images[:8], DATA.train.labels[:8])
        assert group["lr"] is rate
        assert rate.item() == pytest.approx(RECIPE.learning_rate_at(number, STEPS))


@pytest.mark.parametrize("first", [PLAIN, Execution("", record)], ids=["plain", "recorded"])
def test_a_training_goes_on_with_or_without(tmp_path, first):
    second, path = (Execution("", record) if first is PLAIN else PLAIN), tmp_path / "checkpoint.safetensors"

    def stop():
        return signal.SIGTERM

    with pytest.raises(Interrupted):
        trained(checkpoint=path, stop=stop, execution=first)
    model, _ = trained(checkpoint=path, execution=second)
    whole, _ = trained()
    for name, tensor in whole.state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], tensor, rtol=1e-3, atol=1e-5)


# --- refused


@pytest.mark.parametrize(
    ("execution", "device", "processes", "text"),
    [
        (Execution.chosen(False, True), "cpu", 1, "--cuda-graphs wants a CUDA device, got cpu; leave it out"),
        (Execution.chosen(False, True), "cuda", 2, "--cuda-graphs wants one process, got 2; start without torchrun"),
        (Execution.chosen(True, True), "cuda", 1, "--compile and --cuda-graphs exclude each other; leave one out"),
    ],
)
def test_what_cannot_be_recorded_is_refused(execution, device, processes, text):
    with pytest.raises(OptionError, match=f"^{text}$"):
        execution.check(torch.device(device), processes)


def test_every_other_way_is_allowed():
    for processes in (1, 2):
        PLAIN.check(torch.device("cpu"), processes)
        Execution.chosen(True, False).check(torch.device("cpu"), processes)
    Execution.chosen(False, True).check(torch.device("cuda"))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_training_recorded_by_cuda_learns_the_same():
    (_, wanted), (_, found) = (
        trained(execution=each, device="cuda") for each in (PLAIN, Execution.chosen(False, True))
    )
    # bfloat16, and CUDA does not promise the same bits twice
    assert [e.train_loss for e in found.curve] == pytest.approx([e.train_loss for e in wanted.curve], rel=0.05)
