"""Recorded steps held against eager ones before a training, by recorders of the tests' own on the CPU."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import torch
from test_graphs import Late, late
from test_training import DATA, RECIPE, TINY, same_bits, trained
from torch import nn

from seesaw_nas.core.device import seed_generators
from seesaw_nas.core.errors import TrainingFailed
from seesaw_nas.evaluators.trained import TrainedEvaluator
from seesaw_nas.network.models import build
from seesaw_nas.training.execution import EAGER, FEWEST, Execution
from seesaw_nas.training.loop import train
from seesaw_nas.training.preparation import prepare
from seesaw_nas.training.rehearsal import RATE, compare, draw_inputs
from seesaw_nas.training.timing import step_seconds

# its rates are the same numbers in float32, which recorded steps read; six steps an epoch
EXACT = replace(RECIPE, epochs=10, schedule="step", milestones=(0.5,), learning_rate=0.125, gamma=0.25)
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def fresh():
    Late.made.clear()


class Idle(Late):
    """A graph that does nothing, as one that was recorded on another device."""

    def replay(self):
        self.replays += 1


def by(graph):
    def record(work):
        made = graph(work)
        return made, made.result

    return lambda device: record


def refusing(device):
    def record(work):
        raise RuntimeError("CUDA error: operation not permitted when stream is capturing\nmore of it")

    return record


def automatic(recorder):
    return Execution("auto", recorder=recorder)


# --- agreement


def test_graphs_that_agree_are_used_and_the_training_is_the_same_to_the_last_bit():
    (plain, wanted), (recorded, found) = (trained(recipe=EXACT, execution=each) for each in (EAGER, automatic(late)))
    assert found.conditions == {"steps": "CUDA graphs"}
    assert found.note == ""
    assert same_bits(plain, recorded)
    assert [(e.train_loss, e.loss, e.top1) for e in found.curve] == [
        (e.train_loss, e.loss, e.top1) for e in wanted.curve
    ]
    assert [graph.replays for graph in Late.made] == [3 + 60]  # of the check, and every step


@pytest.mark.parametrize(
    "recipe", [replace(EXACT, momentum=0.0), replace(EXACT, mixup=0.2, cutout=0.25, nesterov=True)]
)
def test_the_check_leaves_no_trace_without_momentum_nor_with_blended_targets(recipe):
    plain, _ = trained(recipe=recipe, execution=EAGER)
    recorded, found = trained(recipe=recipe, execution=automatic(late))
    assert found.conditions == {"steps": "CUDA graphs"}
    assert same_bits(plain, recorded)


def test_the_check_leaves_no_trace_in_a_module_of_another_kind():
    def model():
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4)
        )

    plain, recorded = model(), model()
    train(plain, DATA, EXACT, seed=0, execution=EAGER)
    assert train(recorded, DATA, EXACT, seed=0, execution=automatic(late)).conditions == {"steps": "CUDA graphs"}
    assert same_bits(plain, recorded)


def test_a_training_that_goes_on_from_a_checkpoint_is_checked_and_is_the_same(tmp_path):
    whole, _ = trained(recipe=EXACT, execution=EAGER)
    path = tmp_path / "checkpoint.safetensors"
    trained(recipe=EXACT, execution=EAGER, checkpoint=path, until=4)
    resumed, found = trained(recipe=EXACT, execution=automatic(late), checkpoint=path)
    assert found.conditions == {"steps": "CUDA graphs"}
    assert same_bits(whole, resumed)


# --- none


def test_a_short_training_is_eager_without_a_check():
    assert FEWEST == 50  # six steps an epoch
    _, found = trained(recipe=EXACT, execution=automatic(late), until=8)
    assert (found.conditions, found.note, Late.made) == ({"steps": "eager"}, "", [])


BROKEN = {
    "does nothing": (by(Idle), r"the loss of step 1 is 0 recorded, \d\.\d+ eager"),
    "cannot be recorded": (
        refusing, r"recording failed \(CUDA error: operation not permitted when stream is capturing\)"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_recording_that_is_wrong_is_noticed_told_and_not_used(name):
    recorder, reason = BROKEN[name]
    plain, _ = trained(recipe=EXACT, execution=EAGER)
    told = []
    model, found = trained(recipe=EXACT, execution=automatic(recorder), on_note=told.append)
    assert found.conditions == {"steps": "eager"}
    assert told == [found.note]
    text = f"steps are executed one operator after another, not as CUDA graphs: {reason}"
    assert re.fullmatch(text, found.note)
    assert same_bits(plain, model)


@pytest.mark.parametrize("name", BROKEN)
def test_a_wrong_recording_that_was_asked_for_is_one_line(name):
    recorder, reason = BROKEN[name]
    text = f"^CUDA graphs do not do what eager steps do: {reason}; train with --execution eager$"
    with pytest.raises(TrainingFailed, match=text):
        trained(execution=Execution("graphs", recorder=recorder))


def test_a_trial_of_a_search_says_that_its_steps_were_eager_and_why():
    score = TrainedEvaluator(DATA, EXACT, execution=automatic(refusing)).evaluate(TINY, seed=0)
    assert score.note.startswith("steps are executed one operator after another, not as CUDA graphs: recording failed")


# --- what the check notices


def other_dropout(trainer, inputs):
    def step(images, targets):
        with seed_generators(99, CPU):
            return trainer.descend(images, targets)

    return step


def first_inputs_again(trainer, inputs):
    return lambda images, targets: trainer.descend(*inputs[0])


def first_rate_again(trainer, inputs):
    def step(images, targets):
        trainer.set_rate(RATE * trainer.recipe.learning_rate)
        return trainer.descend(images, targets)

    return step


def statistics_left_as_they_are(trainer, inputs):
    def step(images, targets):
        before = trainer.fast.running.clone()
        loss = trainer.descend(images, targets)
        trainer.fast.running.copy_(before)
        return loss

    return step


def momentum_forgotten(trainer, inputs):
    def step(images, targets):
        for state in trainer.optimizer.state.values():
            state["momentum_buffer"].zero_()
        return trainer.descend(images, targets)

    return step


def a_little_noise(trainer, inputs):
    """As CUDA's own: a thousandth of each weight's change."""
    generator = torch.Generator().manual_seed(0)

    def step(images, targets):
        before = trainer.fast.weights.detach().clone()
        loss = trainer.descend(images, targets)
        with torch.no_grad():
            change = trainer.fast.weights - before
            trainer.fast.weights.add_(change * torch.randn(change.shape, generator=generator), alpha=1e-3)
        return loss

    return step


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (other_dropout, "weights|momentum|loss"),
        (first_inputs_again, "weights|momentum|loss"),
        (first_rate_again, "change the weights"),
        (statistics_left_as_they_are, "change the statistics"),
        (momentum_forgotten, "weights"),
    ],
)
def test_a_step_that_does_something_else_is_noticed(wrong, text):
    trainer, inputs = prepared()
    found = compare(replace(trainer, recorded=wrong(trainer, inputs)), inputs)
    assert re.search(text, found), found


def test_noise_as_gpus_have_it_is_no_difference():
    trainer, inputs = prepared()
    assert compare(replace(trainer, recorded=a_little_noise(trainer, inputs)), inputs) == ""


def prepared():
    recipe = replace(EXACT, dropout=0.5)
    model = build(TINY, dropout=0.5, seed=0)
    trainer = prepare(model, DATA, recipe, 0, CPU, execution=EAGER).trainer
    return trainer, draw_inputs(trainer.data, recipe)


# --- estimates


def test_an_estimate_is_of_the_steps_that_will_be_taken():
    assert step_seconds(TINY, DATA, EXACT, execution=automatic(late)) > 0
    assert [graph.replays for graph in Late.made] == [3 + 7]  # of the check, then two to warm up and five measured
    step_seconds(TINY, DATA, replace(EXACT, epochs=8), execution=automatic(late))
    step_seconds(TINY, DATA, EXACT, execution=automatic(refusing))
    assert len(Late.made) == 1
