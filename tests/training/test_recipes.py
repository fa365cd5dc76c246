import json
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seesaw_nas.core.errors import OptionError
from seesaw_nas.training.recipes import RECIPES, Recipe, recipe

PLAIN = Recipe("plain", "made up", 4, 64, 0.8, 0.9, 1e-4, "cosine")
STEP = replace(PLAIN, schedule="step", milestones=(0.5, 0.75))
ONE_CYCLE = replace(PLAIN, schedule="one-cycle", warm_up=0.25)


def rates(wanted: Recipe, steps_per_epoch: int) -> list[float]:
    return [wanted.learning_rate_at(step, steps_per_epoch) for step in range(wanted.epochs * steps_per_epoch)]


def test_paper_recipe_is_the_paper_s():
    # Zhang 2019: 400 epochs, batch 64, rate 0.1 divided by 10 at epochs 200, 300 and 350. Ten steps an epoch here.
    paper = recipe("paper")
    assert (paper.epochs, paper.batch_size, paper.momentum, paper.weight_decay) == (400, 64, 0.9, 1e-4)
    assert (paper.dropout, paper.label_smoothing, paper.nesterov, paper.augment) == (0.5, 0.0, False, True)
    at = {0: 0.1, 1999: 0.1, 2000: 0.01, 2999: 0.01, 3000: 0.001, 3499: 0.001, 3500: 1e-4, 3999: 1e-4}
    assert {step: paper.learning_rate_at(step, 10) for step in at} == pytest.approx(at)


def test_imagenet_recipe_is_the_paper_s():
    # Zhang 2019: batch 96, decay 4e-5, rate 0.045 times 0.98 every epoch of 400, no dropout. Two steps an epoch here.
    paper = recipe("paper-imagenet")
    assert (paper.epochs, paper.batch_size, paper.momentum, paper.weight_decay) == (400, 96, 0.9, 4e-5)
    assert (paper.dropout, paper.label_smoothing, paper.nesterov, paper.augment) == (0.0, 0.0, False, True)
    at = {0: 0.045, 1: 0.045, 2: 0.0441, 3: 0.0441, 4: 0.043218, 799: 0.045 * 0.98**399}
    assert {step: paper.learning_rate_at(step, 2) for step in at} == pytest.approx(at)
    assert "learning rate 0.045, times 0.98 every epoch" in paper.summary


def test_exponential_schedule_keeps_its_shape_when_shortened():
    # Over 4 epochs to a sixteenth is a half an epoch; over 2 epochs a quarter.
    falling = replace(PLAIN, schedule="exponential", gamma=1 / 16)
    assert rates(falling, 1) == pytest.approx([0.8, 0.4, 0.2, 0.1])
    assert rates(falling.with_epochs(2), 2) == pytest.approx([0.8, 0.8, 0.2, 0.2])


def test_step_schedule_falls_at_its_milestones():
    # 4 epochs of 2 steps: half of them is step 4, three quarters is step 6.
    assert rates(STEP, 2) == pytest.approx([0.8, 0.8, 0.8, 0.8, 0.08, 0.08, 0.008, 0.008])


def test_cosine_schedule_follows_half_a_wave():
    # (1 + cos(pi * k/4)) / 2 for k = 0..3 is 1, 0.853553, 0.5, 0.146447.
    assert rates(PLAIN, 1) == pytest.approx([0.8, 0.682843, 0.4, 0.117157], abs=1e-6)


def test_cosine_schedule_warms_up_in_a_straight_line():
    # A quarter of 8 steps rises by thirds of the peak; the other 6 fall from it.
    warm = rates(replace(PLAIN, warm_up=0.25), 2)
    assert warm[:3] == pytest.approx([0.8 / 3, 1.6 / 3, 0.8])
    assert warm[5] == pytest.approx(0.4)  # half of the fall


def test_one_cycle_rises_and_falls_in_straight_lines():
    # 4 steps, one of them rising: half the peak, the peak, and thirds of it down.
    assert rates(ONE_CYCLE, 1) == pytest.approx([0.4, 0.8, 0.8 * 2 / 3, 0.8 / 3])


@given(
    base=st.sampled_from([PLAIN, STEP, ONE_CYCLE, *RECIPES.values()]),
    epochs=st.integers(1, 12),
    steps_per_epoch=st.integers(1, 30),
)
def test_rate_is_above_zero_and_never_over_its_highest_value(base, epochs, steps_per_epoch):
    seen = rates(base.with_epochs(epochs), steps_per_epoch)
    assert min(seen) > 0
    assert max(seen) <= base.learning_rate


@given(base=st.sampled_from([PLAIN, STEP, *RECIPES.values()]), epochs=st.integers(1, 400))
def test_another_number_of_epochs_and_back_is_the_same_recipe(base, epochs):
    assert base.with_epochs(epochs).with_epochs(base.epochs) == base


def test_shortened_milestones_keep_their_shares_and_the_summary_says_where():
    # 200, 300 and 350 of 400 are 2, 3 and 3.5 of 4.
    short = recipe("paper").with_epochs(4)
    assert "times 0.1 at epochs 2, 3, 3.5" in short.summary
    assert rates(short, 2) == pytest.approx([0.1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.001, 1e-4])


def test_summary_names_what_a_reader_needs_to_repeat_it():
    assert recipe("paper").summary == (
        "400 epochs, batch 64, SGD with momentum 0.9, weight decay 0.0001, learning rate 0.1, "
        "times 0.1 at epochs 200, 300, 350, dropout 0.5, augmented"
    )
    plain = replace(ONE_CYCLE, epochs=1, nesterov=True, label_smoothing=0.1, augment=False).summary
    assert plain == (
        "1 epoch, batch 64, SGD with Nesterov momentum 0.9, weight decay 0.0001, learning rate 0.8, "
        "one-cycle after a warm-up over 25% of the steps, label smoothing 0.1, not augmented"
    )
    rich = replace(
        PLAIN, decay_norms=False, cutout=0.25, mixup=0.2, ema=0.02, recalibration_images=2000, warm_up=0.05
    ).summary
    assert rich == (
        "4 epochs, batch 64, SGD with momentum 0.9, weight decay 0.0001 (none on batch norm and bias), learning rate "
        "0.8, cosine after a warm-up over 5% of the steps, batch norm recalibrated on 2,000 images, weights averaged "
        "over 2% of the steps, augmented, cutout of 25% of the side, mixup 0.2"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "recipe 'plain': epochs must be a whole number of at least 1, got 0"),
        ({"epochs": 2.5}, "epochs must be a whole number of at least 1, got 2.5"),
        ({"batch_size": 2}, "batch_size must be a whole number of at least 3, got 2"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0, got 0.0"),
        ({"learning_rate": float("nan")}, "learning_rate must be above 0, got nan"),
        ({"weight_decay": -1e-4}, "weight_decay must be at least 0, got -0.0001"),
        ({"momentum": 1.0}, "momentum must be at least 0 and below 1, got 1.0"),
        ({"momentum": 0.0, "nesterov": True}, "momentum must be above 0 with nesterov, got 0.0"),
        ({"dropout": 1.0}, "dropout must be at least 0 and below 1, got 1.0"),
        ({"gamma": 0.0}, "gamma must be above 0 and at most 1, got 0.0"),
        (
            {"schedule": "cosin"},
            "unknown schedule 'cosin', did you mean 'cosine'? (known: step, exponential, cosine, one-cycle)",
        ),
        ({"milestones": (0.5,)}, "milestones must be empty with schedule 'cosine', got (0.5,)"),
        ({"schedule": "step", "milestones": (200, 300)}, "milestones must be rising shares of the training"),
        ({"schedule": "step", "milestones": (0.7, 0.5)}, "milestones must be rising shares of the training"),
        ({"schedule": "step", "warm_up": 0.1}, "warm_up must be 0 with schedule 'step', got 0.1"),
        ({"schedule": "exponential", "warm_up": 0.1}, "warm_up must be 0 with schedule 'exponential', got 0.1"),
        ({"schedule": "exponential", "milestones": (0.5,)}, "milestones must be empty with schedule 'exponential'"),
        ({"cutout": 1.0}, "cutout must be at least 0 and below 1, got 1.0"),
        ({"mixup": -0.1}, "mixup must be at least 0, got -0.1"),
        ({"mixup": float("inf")}, "mixup must be at least 0, got inf"),
        ({"ema": 1.0}, "ema must be at least 0 and below 1, got 1.0"),
        ({"ema": 0.1}, "recalibration_images must be above 0 with ema, got 0"),
        ({"schedule": "one-cycle"}, "warm_up must be above 0 with schedule 'one-cycle', got 0.0"),
    ],
)
def test_impossible_recipe_is_refused(change, message):
    with pytest.raises(OptionError) as caught:
        replace(PLAIN, **change)
    assert message in str(caught.value)


def test_unknown_recipe_lists_the_known_ones():
    with pytest.raises(OptionError) as caught:
        recipe("papre")
    assert (
        str(caught.value)
        == "unknown recipe 'papre', did you mean 'paper'? (known: paper, paper-imagenet, modern, quick)"
    )


def test_step_outside_the_training_is_refused():
    with pytest.raises(OptionError, match="has steps 0 to 7, got step 8"):
        PLAIN.learning_rate_at(8, 2)


def test_recipes_load_without_torch():
    code = "import sys, seesaw_nas.training.recipes; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_recipe_is_had_for_its_own_epochs_or_others():
    assert recipe("paper").epochs == 400
    assert recipe("paper", 8) == recipe("paper").with_epochs(8)


def test_a_recipe_keeps_every_field_in_json():
    value = json.loads(json.dumps(recipe("paper").to_dict()))
    assert value == recipe("paper").to_dict()
    # a run written with one recipe must be seen to differ from another in any field
    assert value["milestones"] == [0.5, 0.75, 0.875]
    assert (value["batch_size"], value["recalibration_images"]) == (64, 0)
