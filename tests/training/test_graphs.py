"""Steps recorded and replayed; on the CPU with a recorder of the tests' own, which does at replay what was recorded."""

from __future__ import annotations

import signal
from dataclasses import replace

import pytest
import torch
from test_training import DATA, RECIPE, STEPS, TINY, trained

from seesaw_nas.core.errors import Interrupted, OptionError
from seesaw_nas.network.models import build
from seesaw_nas.training.execution import AUTOMATIC, EAGER, FEWEST, Execution
from seesaw_nas.training.graphs import MOST, WARM_UP, GraphReplay, cuda_graphs
from seesaw_nas.training.step import Trainer

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


def late(device):
    return record


RECORDED = Execution("graphs", recorder=late)


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
    step = GraphReplay(work, record)
    for call in range(1, WARM_UP + 4):
        x, y = torch.full((3,), float(call)), torch.ones(3)
        assert step(x, y).item() == 3 * call + call, "the inputs of this call, and the state after it"
        assert state.item() == call
    assert [graph.replays for graph in Late.made] == [3]


def test_each_shape_is_warmed_up_and_has_a_graph_of_its_own():
    work, _ = counted()
    step = GraphReplay(work, record)
    for n in (4,) * WARM_UP + (4, 3, 4):
        step(torch.ones(n), torch.ones(n))
    assert [graph.replays for graph in Late.made] == [2]
    for n in (3,) * (WARM_UP - 1) + (3, 3):
        step(torch.ones(n), torch.ones(n))
    assert [graph.replays for graph in Late.made] == [2, 2]


def test_a_result_is_not_overwritten_by_the_next():
    work, _ = counted()
    step = GraphReplay(work, record)
    results = [step(torch.ones(2), torch.ones(2)) for _ in range(WARM_UP + 2)]
    assert [result.item() for result in results] == [3, 4, 5, 6, 7]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("number", range(torch.cuda.device_count()))
def test_a_cuda_graph_does_the_same(number):
    device = torch.device("cuda", number)
    state = torch.zeros((), device=device)

    def work(x):
        state.add_(1)
        return x.sum() * 2

    step = GraphReplay(work, cuda_graphs(device))
    for call in range(WARM_UP + 3):
        assert step(torch.full((4,), float(call), device=device)).item() == 8 * call
    assert state.item() == WARM_UP + 3


# --- in a training


def test_recorded_training_has_the_figures_of_the_plain_one_and_recorded_steps_are_what_it_takes():
    # 90 images in seven batches of 13 and 12; the rate is a float32 on the device, once it was a float64.
    # The check before the first step warms up and records the first of them: it replays 3, the training its 18 of 13.
    recipe = replace(RICH, batch_size=13)
    (plain, wanted), (other, found) = (trained(recipe=recipe, execution=each) for each in (EAGER, RECORDED))
    assert [(e.train_loss, e.loss, e.top1) for e in found.curve] == [
        pytest.approx((e.train_loss, e.loss, e.top1), rel=1e-4) for e in wanted.curve
    ]
    for name, tensor in plain.state_dict().items():
        torch.testing.assert_close(other.state_dict()[name], tensor, rtol=1e-3, atol=1e-5)
    assert [graph.replays for graph in Late.made] == [3 + 3 * 6]


def test_a_third_shape_is_not_recorded():
    work, state = counted()
    step = GraphReplay(work, record)
    sizes = [n for n in (2, 3, 4) for _ in range(WARM_UP + 1)]
    for n in sizes:
        step(torch.ones(n), torch.ones(n))
    assert [graph.replays for graph in Late.made] == [1] * MOST
    assert state.item() == len(sizes)


def test_the_rate_follows_the_recipe_in_place():
    trainer = Trainer.of(build(TINY, seed=0), DATA, RECIPE, 0, torch.device("cpu"), execution=RECORDED)
    (group,) = trainer.optimizer.param_groups
    rate = group["lr"]
    for number in (0, 5, 11):
        trainer.step(number, DATA.train.images[:8], DATA.train.labels[:8])
        assert group["lr"] is rate
        assert rate.item() == pytest.approx(RECIPE.learning_rate_at(number, STEPS))


@pytest.mark.parametrize("first", [EAGER, RECORDED], ids=["eager", "recorded"])
def test_a_training_goes_on_with_or_without(tmp_path, first):
    second, path = (RECORDED if first is EAGER else EAGER), tmp_path / "checkpoint.safetensors"

    def stop():
        return signal.SIGTERM

    with pytest.raises(Interrupted):
        trained(checkpoint=path, stop=stop, execution=first)
    model, _ = trained(checkpoint=path, execution=second)
    whole, _ = trained()
    for name, tensor in whole.state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], tensor, rtol=1e-3, atol=1e-5)


# --- which

ON_CUDA = torch.device("cuda")


def test_graphs_are_chosen_on_cuda_in_one_process_where_the_training_is_long_enough():
    assert AUTOMATIC.resolve(ON_CUDA, 1, FEWEST).kind == "graphs"
    assert AUTOMATIC.resolve(torch.device("cuda:1"), 1, FEWEST).kind == "graphs"
    assert AUTOMATIC.resolve(ON_CUDA, 2, FEWEST).kind == "eager"
    assert AUTOMATIC.resolve(ON_CUDA, 1, FEWEST - 1).kind == "eager"
    assert AUTOMATIC.resolve(torch.device("cpu"), 1, FEWEST).kind == "eager"


@pytest.mark.parametrize("kind", ["eager", "graphs", "compile"])
def test_what_was_asked_for_is_not_chosen_again(kind):
    assert Execution(kind).resolve(ON_CUDA, 1, 1).kind == kind


@pytest.mark.parametrize(
    ("kind", "device", "said"),
    [
        ("auto", "cuda", {"steps": "CUDA graphs, where they agree with eager steps"}),
        ("auto", "cpu", {}),
        ("eager", "cuda", {"steps": "eager"}),
        ("graphs", "cuda", {"steps": "CUDA graphs"}),
        ("compile", "cpu", {"steps": "torch.compile, inductor"}),
    ],
)
def test_a_record_says_how_steps_are_to_be_executed(kind, device, said):
    assert Execution(kind).plan(torch.device(device)) == said


def test_compiling_a_short_training_is_warned_of():
    compiled = Execution("compile")
    assert compiled.warn(40.4, 2) == (
        "torch.compile takes 120 s or more before the first steps, this training without it about 40 s; "
        "leave out --execution compile"
    )
    assert compiled.warn(61, 1) == ""
    assert EAGER.warn(1, 1) == ""


# --- refused


@pytest.mark.parametrize(
    ("device", "processes", "text"),
    [
        ("cpu", 1, "--execution graphs wants a CUDA device, got cpu; leave it out"),
        ("cuda", 2, "--execution graphs wants one process, got 2; start without torchrun"),
    ],
)
def test_what_cannot_be_recorded_is_refused(device, processes, text):
    with pytest.raises(OptionError, match=f"^{text}$"):
        Execution("graphs").check(torch.device(device), processes)


def test_an_unknown_execution_is_refused():
    with pytest.raises(
        OptionError, match=r"^unknown execution 'graph', did you mean 'graphs'\? \(known: auto, eager, "
    ):
        Execution("graph")


def test_every_other_way_is_allowed():
    for processes in (1, 2):
        for kind in ("auto", "eager", "compile"):
            Execution(kind).check(torch.device("cpu"), processes)
    Execution("graphs").check(ON_CUDA)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_training_recorded_by_cuda_learns_the_same():
    (_, wanted), (_, found) = (trained(execution=each, device="cuda") for each in (EAGER, Execution("graphs")))
    assert found.conditions["steps"] == "CUDA graphs"
    # bfloat16, and CUDA does not promise the same bits twice
    assert [e.train_loss for e in found.curve] == pytest.approx([e.train_loss for e in wanted.curve], rel=0.05)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("number", range(torch.cuda.device_count()))
def test_on_a_gpu_a_training_of_some_length_is_recorded_without_being_asked_for(number):
    recipe = replace(RICH, epochs=9)  # of six steps
    (_, wanted), (_, found) = (
        trained(recipe=recipe, execution=each, device=f"cuda:{number}") for each in (EAGER, AUTOMATIC)
    )
    assert (found.conditions["steps"], found.note) == ("CUDA graphs", "")
    assert [e.train_loss for e in found.curve] == pytest.approx([e.train_loss for e in wanted.curve], rel=0.05)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_a_recording_of_nothing_is_noticed():
    def idle(device):
        return lambda work: (Idle(), torch.zeros((), device=device))

    _, found = trained(recipe=replace(RICH, epochs=9), execution=Execution("auto", recorder=idle), device="cuda")
    assert found.conditions["steps"] == "eager"
    assert found.note.startswith(
        "steps are executed one operator after another, not as CUDA graphs: the loss of step 1"
    )


class Idle:
    def replay(self):
        """Nothing."""
