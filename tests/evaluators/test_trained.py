import subprocess
import sys
from dataclasses import replace

import pytest

from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem
from seesaw_nas.core.errors import SpecError, TrainingFailed
from seesaw_nas.data import load
from seesaw_nas.evaluators.trained import TrainedEvaluator, subject
from seesaw_nas.training.recipes import recipe

BLOCK = Block(3, 3, Partition((1, 3)), "shuffle")
SMALL = Architecture(8, 1, 10, Stem(16, 1), (Stage(24, 2, (BLOCK,)), Stage(32, 1, (BLOCK,))), Head(64))


@pytest.fixture(scope="module")
def digits():
    return load("digits")


def test_digits_are_learnt_and_the_score_says_what_it_is_from(digits):
    epochs, steps = [], []
    score = TrainedEvaluator(digits, recipe("quick", 3)).evaluate(
        SMALL, seed=0, on_epoch=epochs.append, on_step=lambda done, total: steps.append((done, total))
    )
    assert score.top1 > 0.5  # chance is 0.1
    # 20% of 1,797 images are held out for validation and as many for the test, which is not in a search's data
    assert (score.split, score.note) == ("validation", "")
    assert (subject(digits).n_train, subject(digits).n_validation) == (1079, 359)
    assert tuple(epochs) == score.curve
    assert score.top1 == epochs[-1].top1
    assert len(score.curve) == 3
    assert steps[-1] == (len(steps), len(steps))


def test_seed_decides_the_score(digits):
    once = TrainedEvaluator(digits, recipe("quick", 1))
    a, b, c = (once.evaluate(SMALL, seed=seed).curve[-1].loss for seed in (0, 0, 1))
    assert a == b != c


def without_times(score):
    return score.top1, [replace(epoch, seconds=0.0) for epoch in score.curve]


def test_paused_training_goes_on_from_its_checkpoint_as_if_it_had_not_paused(digits, tmp_path):
    evaluator, checkpoint = TrainedEvaluator(digits, recipe("quick", 3)), tmp_path / "trial" / "0.safetensors"
    whole = evaluator.evaluate(SMALL, seed=0)
    heard = []
    first = evaluator.evaluate(SMALL, seed=0, until=1, checkpoint=checkpoint, on_epoch=heard.append)
    assert (len(first.curve), checkpoint.exists()) == (1, True)
    again = evaluator.evaluate(SMALL, seed=0, until=1, checkpoint=checkpoint, on_epoch=heard.append)
    assert again == first  # what is behind is not trained again
    second = evaluator.evaluate(SMALL, seed=0, until=2, checkpoint=checkpoint, on_epoch=heard.append)
    assert second.curve[:1] == first.curve
    last = evaluator.evaluate(SMALL, seed=0, checkpoint=checkpoint, on_epoch=heard.append)
    assert without_times(last) == without_times(whole)
    assert [epoch.epoch for epoch in heard] == [1, 2, 3]
    assert checkpoint.exists()  # until whoever gave it has the score in safety


def test_estimate_is_of_a_whole_training(digits):
    short, long = (TrainedEvaluator(digits, recipe("quick", epochs)).estimate(SMALL) for epochs in (1, 1000))
    assert 0 < short < long


def test_failed_training_is_told(digits):
    with pytest.raises(TrainingFailed, match="loss is not finite in epoch 1 of 2"):
        TrainedEvaluator(digits, replace(recipe("quick", 2), learning_rate=1e30)).evaluate(SMALL, seed=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"input_size": 16}, "images of digits have shape (1, 8, 8), the architecture reads (1, 16, 16)"),
        ({"input_channels": 3}, "images of digits have shape (1, 8, 8), the architecture reads (3, 8, 8)"),
        ({"classes": 100}, "digits has 10 classes, the architecture 100"),
    ],
)
def test_architecture_for_other_data_is_refused(digits, change, message):
    with pytest.raises(SpecError) as caught:
        TrainedEvaluator(digits, recipe("quick")).evaluate(replace(SMALL, **change), seed=0)
    assert str(caught.value) == message


def test_interface_loads_without_torch():
    code = "import sys, seesaw_nas.evaluators; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.thorough
def test_without_a_curve_only_the_epochs_that_count_are_validated(digits, tmp_path):
    with_curve, without = (TrainedEvaluator(digits, recipe("quick", 3), curve=curve) for curve in (True, False))
    whole = without.evaluate(SMALL, seed=0)
    assert [epoch.top1 is None for epoch in whole.curve] == [True, True, False]
    assert whole.top1 == whole.curve[-1].top1
    checkpoint = tmp_path / "0.safetensors"
    paused = without.evaluate(SMALL, seed=0, until=2, checkpoint=checkpoint)
    assert [epoch.top1 is None for epoch in paused.curve] == [True, False]
    assert paused.top1 == with_curve.evaluate(SMALL, seed=0, until=2).top1
    assert without.evaluate(SMALL, seed=0, checkpoint=checkpoint).top1 == whole.top1
