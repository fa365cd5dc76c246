"""The trainable for a Ray Tune of one's own: an epoch a step, checkpoints, and nothing of what was not trained."""

import json

import pytest

pytest.importorskip("ray.tune", reason="Ray is not installed")
from engine_evaluators import CLIMB, Climbing

from seesaw_nas.core.errors import BudgetError, SpecError, TrainingFailed
from seesaw_nas.search.engines import ray_tune
from seesaw_nas.search.engines.ray_tune.trainable import Seesaw
from seesaw_nas.space import Feasible, load


@pytest.fixture
def make(feasible, tmp_path):
    """An actor in this process, by the parameters of its trial."""
    made = []

    def actor(config, **more):
        evaluator = Climbing(tmp_path / "log", **more)

        class Here(Seesaw):
            def setup(self, config):
                super().setup(config, feasible, evaluator, 0)

        made.append(Here(config))
        return made[-1], evaluator

    yield actor
    for one in made:
        one.stop()


@pytest.fixture
def configs(feasible, architectures):
    return [{"architecture": ray_tune.spell(feasible.space, architecture)} for architecture in architectures]


def test_step_is_an_epoch_and_the_last_one_is_complete(make, configs, architectures):
    actor, evaluator = make(configs[0])
    results = [actor.train() for _ in range(CLIMB)]
    assert [result["epoch"] for result in results] == [1, 2, 3, 4]
    assert [result["complete"] for result in results] == [result["done"] for result in results] == [False] * 3 + [True]
    assert [result["top1"] for result in results] == [evaluator.top1(architectures[0], n) for n in (1, 2, 3, 4)]
    assert {(result["macs"] <= 300_000, result["digest"]) for result in results} == {(True, architectures[0].digest)}
    assert {(result["train_loss"], result["loss"]) for result in results} == {(1.0, 0.5)}


def test_nothing_is_trained_ahead_of_a_step(make, configs):
    actor, evaluator = make(configs[0])
    assert evaluator.trained() == []
    actor.train()
    assert evaluator.trained() == [1]


def test_epochs_without_a_top_1_are_not_reported(make, configs):
    actor, _ = make(configs[0], scored=(2,))
    results = [actor.train() for _ in range(2)]
    assert [(result["epoch"], result["complete"]) for result in results] == [(2, False), (4, True)]


@pytest.mark.parametrize("keeps", [True, False])
def test_paused_trial_goes_on_in_another_actor(make, configs, tmp_path, keeps):
    first, evaluator = make(configs[0], keeps=keeps)
    first.train(), first.train()
    (tmp_path / "kept").mkdir()
    first.save_checkpoint(str(tmp_path / "kept"))
    first.stop()
    second, _ = make(configs[0], keeps=keeps)
    second.load_checkpoint(str(tmp_path / "kept"))
    assert [second.train()["epoch"] for _ in range(2)] == [3, 4]
    again = [] if keeps else [1, 2]  # what an evaluator keeps no checkpoint of is trained again, but not reported
    assert evaluator.trained() == [1, 2, *again, 3, 4]


def test_weights_of_another_architecture_are_not_taken_over(make, configs, tmp_path):
    first, evaluator = make(configs[0])
    first.train(), first.train()
    (tmp_path / "kept").mkdir()
    first.save_checkpoint(str(tmp_path / "kept"))
    other, _ = make(configs[1])
    other._iteration = 2  # as Ray sets it before the checkpoint is loaded
    other.load_checkpoint(str(tmp_path / "kept"))
    result = other.train()
    assert (result["epoch"], result["training_iteration"]) == (1, 1)
    assert evaluator.trained() == [1, 2, 1]


def test_actor_takes_up_another_trial_in_the_middle_of_one(make, configs, architectures):
    actor, evaluator = make(configs[0])
    actor.train()
    actor.reset_config(configs[1])
    result = actor.train()
    assert (result["digest"], result["epoch"]) == (architectures[1].digest, 1)
    assert evaluator.trained() == [1, 1]


def test_what_is_no_architecture_of_the_budget_reports_nothing(make, feasible, configs):
    large = Feasible.of(load("seesaw-digits"), "600K:900K")
    costly = ray_tune.param_space(large)["architecture"].sample()
    actor, evaluator = make({"architecture": costly})
    with pytest.raises(BudgetError, match="Multi-Adds are outside the budget of 0 to 300,000; not trained"):
        actor.train()
    for config in ({"architecture": "zz"}, {"width": "8"}, {}):
        actor.reset_config(config)
        with pytest.raises(SpecError):
            actor.train()
    assert evaluator.trained() == []
    actor.reset_config(configs[0])  # the same actor is as good as new
    assert actor.train()["epoch"] == 1


def test_training_that_fails_reports_nothing_of_its_last_epoch(make, configs):
    actor, _ = make(configs[0], broken=2)
    assert actor.train()["epoch"] == 1
    with pytest.raises(TrainingFailed, match="loss is not finite"):
        actor.train()


def test_checkpoint_says_whose_it_is(make, configs, architectures, tmp_path):
    actor, _ = make(configs[0])
    actor.train()
    actor.save_checkpoint(str(tmp_path))
    about = json.loads((tmp_path / "training.json").read_text())
    assert about == {"digest": architectures[0].digest, "seed": 0, "epoch": 1}
