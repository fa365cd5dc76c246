"""What each choice adds, by the estimates: found where it is known, with intervals that hold it."""

import numpy as np
import pytest
from drawn import notes, trial
from estimated import run
from open_spaces import OPEN

from seesaw_nas import report
from seesaw_nas.search.estimates.contributions import contributions
from seesaw_nas.search.estimates.model import Estimates
from seesaw_nas.space import Feasible, load


def effects(count, **chosen):
    return {one.name: one.figure for one in report.all_figures(run(count, **chosen))}["effects"]


def rows(figure):
    """By its name the middle and half the interval of each row, in points of top-1, and its mark."""
    return {
        name: (value, half, mark)
        for shown in figure.data
        for name, value, half, mark in zip(shown.y, shown.x, shown.error_x.array, shown.marker.symbol, strict=True)
    }


def test_what_a_choice_adds_is_found_with_an_interval_that_holds_it():
    found = rows(effects(60))
    value, half, mark = found["all stages: 4 vs 2"]
    # 1.5 log odds, and a third of the blocks are wide: 1.5 on average, a top-1 of 0.82, where the slope is 0.149. So
    # all wide instead of none are 22 points.
    assert value - half < 22.4 < value + half + 1
    assert mark == "circle"
    for name, (value, half, _) in found.items():
        if name.split(": ")[1] in ("3 vs 2", "5 vs 3"):  # expansions that add nothing, and kernels
            assert abs(value) < half, name


def test_more_trials_tell_it_with_a_narrower_interval():
    few, many = (rows(effects(count))["all stages: 4 vs 2"][1] for count in (40, 160))
    assert many < 0.75 * few


def test_stages_add_up_to_the_whole_network():
    found = contributions(run(60).standing.estimates)
    of_level = {one.stage: one.mean for one in found if (one.choice, one.level, one.reference) == ("kernel", "5", "3")}
    assert sorted(of_level) == [0, 1, 2, 3]
    assert of_level[0] == pytest.approx(sum(of_level[stage] for stage in (1, 2, 3)))


def test_the_caption_says_what_the_figures_are():
    (text,) = [note for note in notes(effects(60)) if note.startswith("By the estimates from 60 trials")]
    assert "at equal Multi-Adds" in text
    assert "90% intervals" in text


def test_in_a_large_space_groupings_are_shown_for_the_whole_network_alone():
    large = load("seesaw-cifar")
    rng, feasible = np.random.default_rng(0), Feasible(large, large.budget("100%"))
    estimates = Estimates(large, 1)
    for i in range(40):
        drawn = feasible.draw_even(rng)
        blocks = [block for stage in drawn.stages for block in stage.blocks]
        top1 = 0.3 + 0.5 * sum(block.expansion == 6 for block in blocks) / len(blocks)
        estimates.tell(trial(i, top1, architecture=drawn, curve=[top1]))
    figure = report.choice_effects([], estimates)
    groupings, expansions, repeats, *_ = (list(shown.y) for shown in figure.data)
    assert groupings
    assert all(name.startswith("all stages: ") for name in groupings)
    assert {name.partition(":")[0] for name in expansions} == {"all stages", *(f"stage {i}" for i in range(2, 8))}
    assert {name.partition(":")[0] for name in repeats} <= {f"stage {i}" for i in range(1, 8)}
    (widths,) = [shown.y for shown in figure.data if any("-" in name for name in shown.y)]
    assert "33-15-24-33-63-96-162-318" in widths[0]
    assert max(len(line) for line in widths[0].split("<br>")) <= 30
    hidden = sum(one.stage > 0 for one in contributions(estimates) if one.choice == "grouping")
    assert f"Left out: {hidden} levels of single stages" in notes(figure)[-1]


def test_without_estimates_it_is_least_squares_as_before():
    assert effects(60, rank="observed").to_dict() == report.choice_effects(run(60).records).to_dict()
    assert notes(effects(9)) == ["20 trials with a result are wanted, got 9"]


def test_estimates_are_not_on_the_page_of_a_run_without_them():
    names = {one.name for one in report.all_figures(run(60, rank="observed"))}
    assert not names & {"calibration", "signals"}


def test_heads_and_absent_stages_are_among_the_choices():
    """Log odds higher by 1 with the wider head, and nothing else that counts; a third of a stage's levels is 0."""
    generator, feasible = np.random.default_rng(0), Feasible.of(OPEN, "100%")
    estimates = Estimates(OPEN, 1)
    for number in range(60):
        architecture = feasible.draw_fair(generator)
        worth = 1 + (architecture.head.channels == 12) + 0.05 * generator.standard_normal()
        estimates.tell(trial(number, float(1 / (1 + np.exp(-worth))), architecture=architecture))
    found = {(one.choice, one.stage, one.level, one.reference): one for one in contributions(estimates)}
    (head,) = (one for one in found.values() if one.choice == "head")
    assert {head.level, head.reference} == {"8", "12"}
    sign = 1 if head.level == "12" else -1
    # From log odds of 1 to 2, a top-1 of 0.73 to 0.88, of which a part goes with the Multi-Adds of the wider head.
    assert 0.03 < sign * head.mean < 0.18
    assert abs(head.mean) > 10 * head.sd
    assert {(choice, stage) for choice, stage, *_ in found} >= {("repeats", 1), ("repeats", 3)}
    assert {one.level for one in found.values() if (one.choice, one.stage) == ("repeats", 3)} < {"0", "1", "2"}
