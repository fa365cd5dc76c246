import subprocess
import sys
from dataclasses import replace

import pytest

from seesaw_nas.data import load
from seesaw_nas.errors import OptionError, SpecError, TrainingFailed
from seesaw_nas.evaluate import evaluator
from seesaw_nas.evaluate.trained import TrainedEvaluator
from seesaw_nas.recipes import recipe
from seesaw_nas.spec import Architecture, Block, Head, Partition, Stage, Stem

BLOCK = Block(3, 3, Partition((1, 3)), "shuffle")
SMALL = Architecture(8, 1, 10, Stem(16, 1), (Stage(24, 2, (BLOCK,)), Stage(32, 1, (BLOCK,))), Head(64))


@pytest.fixture(scope="module")
def digits():
    return load("digits")


def test_digits_are_learnt_and_the_score_says_what_it_is_from(digits):
    epochs, steps = [], []
    score = evaluator("trained")(digits, recipe("quick"), epochs=3).evaluate(
        SMALL, seed=0, on_epoch=epochs.append, on_step=lambda done, total: steps.append((done, total))
    )
    assert score.top1 > 0.5  # chance is 0.1
    # 20% of 1,797 images are held out for validation and as many for the test, which is not in a search's data
    assert (score.split, score.n_train, score.n_validation) == ("validation", 1079, 359)
    assert tuple(epochs) == score.curve
    assert (score.top1, score.loss) == (epochs[-1].top1, epochs[-1].loss)
    assert len(score.curve) == 3
    assert steps[-1] == (len(steps), len(steps))


def test_seed_decides_the_score(digits):
    once = TrainedEvaluator(digits, recipe("quick"), epochs=1)
    a, b, c = (once.evaluate(SMALL, seed=seed).loss for seed in (0, 0, 1))
    assert a == b != c


def test_recipe_s_own_epochs_count_unless_others_are_given(digits):
    two = replace(recipe("quick"), epochs=2)
    assert len(TrainedEvaluator(digits, two).evaluate(SMALL, seed=0).curve) == 2


def test_failed_training_is_told(digits):
    with pytest.raises(TrainingFailed, match="loss is not finite in epoch 1 of 2"):
        TrainedEvaluator(digits, replace(recipe("quick"), learning_rate=1e30), 2).evaluate(SMALL, seed=0)


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


def test_unknown_evaluator_lists_the_known_ones():
    with pytest.raises(OptionError) as caught:
        evaluator("traned")
    assert str(caught.value) == "unknown evaluator 'traned', did you mean 'trained'? (known: trained)"


def test_interface_loads_without_torch():
    code = "import sys, seesaw_nas.evaluate; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
