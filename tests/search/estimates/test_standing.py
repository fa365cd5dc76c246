"""Who is best: by estimate, by what was observed where estimates do not serve, and who cannot be told apart."""

from dataclasses import replace

import numpy as np
import pytest
from made_up import EPOCHS, FEASIBLE, SPACE, drawn, trial, worths

from seesaw_nas.search import records
from seesaw_nas.search.records import TrialRecord, complete
from seesaw_nas.search.standing import Standing

BUDGET = FEASIBLE.budget


def run(count=60, seed=0, **more):
    """Trials of a made-up run, and the worth of each in log odds."""
    architectures, rng = drawn(count, seed), np.random.default_rng(seed + 1)
    found = worths(architectures, seed)
    return [trial(i, *pair, rng, **more) for i, pair in enumerate(zip(architectures, found, strict=True))], found


def standing(trials, space=SPACE, **more):
    return Standing(trials, space, BUDGET, EPOCHS, **more)


@pytest.fixture(scope="module")
def lucky():
    """A run whose poorest trial reads highest of all, by luck of its last epoch."""
    trials, found = run()
    poorest = int(np.argmin(found))
    highest = max(one.top1 for one in trials)
    trials[poorest] = replace(trials[poorest], top1=highest + 0.001)
    return trials, found, poorest


def test_lucky_trial_does_not_win(lucky):
    trials, found, poorest = lucky
    assert standing(trials, rank="observed").best().number == poorest
    stand = standing(trials)
    assert stand.by == "estimate"
    assert stand.reason.startswith("ranked by estimate: choices explain ")
    best = stand.best()
    assert best.number != poorest
    # among the best tenth by its worth, which the run does not know
    assert (found > found[best.number]).sum() < 6
    assert poorest not in [one.number for one in stand.ties]
    figures = stand.figures(trials[poorest])
    assert figures.estimate < trials[poorest].top1 - 0.03
    assert not figures.tied_with_best


def test_front_goes_by_estimate_and_ends_with_the_best(lucky):
    trials, _, poorest = lucky
    stand = standing(trials)
    members = stand.front()
    assert poorest not in [one.number for one in members]
    assert members[-1] == stand.best()
    estimates = [stand.figures(one).estimate for one in members]
    assert estimates == sorted(estimates)
    assert [one.macs for one in members] == sorted(one.macs for one in members)
    for one in complete(trials):  # nobody is worth as much at fewer Multi-Adds
        own = stand.figures(one).estimate
        assert one in members or any(
            estimate >= own and member.macs <= one.macs for estimate, member in zip(estimates, members, strict=True)
        )


def test_chances_and_ties(lucky):
    trials, _, _ = lucky
    stand = standing(trials)
    figures = {one.number: stand.figures(one) for one in complete(trials)}
    assert sum(one.chance_of_best for one in figures.values()) == pytest.approx(1)
    assert all(one.chance_of_front >= one.chance_of_best for one in figures.values())
    tied = {number for number, one in figures.items() if one.tied_with_best}
    assert {one.number for one in stand.ties} == tied
    assert stand.best().number in tied
    assert stand.cheapest_tie.macs == min(one.macs for one in trials if one.number in tied)
    cheapest = stand.cheapest_tie
    assert stand.tie_sentence.endswith(
        f"differ by less than the noise; the cheapest of them is trial {cheapest.number} "
        f"with {cheapest.macs:,} Multi-Adds"
    )


def test_clear_winner_has_no_ties():
    trials, found = run()
    best = int(np.argmax(found))
    rng = np.random.default_rng(3)
    again = [trial(60 + i, trials[best].architecture, found[best] + 2, rng) for i in range(20)]
    stand = standing([*trials, *again])  # 8 deviations of a seed above all others, in twenty trainings
    assert stand.best().number == best
    assert stand.tie_sentence == f"trial {best} is ahead of all others by more than the noise"


def test_observed_is_the_rule_of_single_trials(lucky):
    trials, _, _ = lucky
    stand = standing(trials, rank="observed")
    done = complete(trials)
    assert stand.front() == records.front(done)
    assert stand.best() == records.best(done)
    means = {done[3].digest: 0.4, done[5].digest: 0.5}
    assert stand.best(means) == records.best(done, means) == done[5]
    assert (stand.by, stand.reason, stand.ties, stand.cheapest_tie, stand.tie_sentence) == (
        "observed", "", [], None, "",
    )  # fmt: skip
    assert stand.figures(done[0]) is None


def test_means_of_fresh_seeds_decide(lucky):
    trials, _, poorest = lucky
    assert standing(trials).best({trials[poorest].digest: 0.9, trials[0].digest: 0.2}).number == poorest
    assert standing(trials).best({"another": 1.0}) == standing(trials).best()


def test_few_trials_keep_the_observed_order_and_shrunken_estimates():
    trials = run(5)[0]
    stand = standing(trials)
    assert stand.by == "observed"
    assert stand.reason == (
        "ranked by observed top-1: 5 trials are too few to tell architectures apart (from 10 on); "
        "estimates stay near their mean"
    )
    assert stand.front() == records.front(complete(trials))
    best = stand.best()
    assert best == records.best(complete(trials))
    mean = np.mean([one.top1 for one in trials])
    assert mean < stand.figures(best).estimate < best.top1
    assert best in stand.ties


def test_noise_alone_keeps_the_observed_order():
    trials = run(30)[0]
    rng = np.random.default_rng(9)
    same = [trial(one.number, one.architecture, 2.0, rng) for one in trials]
    stand = standing(same)
    assert stand.by == "observed"
    assert stand.reason == (
        "ranked by observed top-1: choices explain nothing for certain in 30 trials; estimates stay near their mean"
    )
    assert stand.best() == records.best(complete(same))
    assert len(stand.ties) > 10


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"accuracy": False}, "ranked by what was observed: the evaluator's scores are no accuracies"),
        ({"space": None}, "ranked by what was observed: the run's space cannot be loaded"),
    ],
)
def test_where_estimates_do_not_serve_it_is_said(lucky, change, reason):
    stand = standing(lucky[0], **change)
    assert stand.reason == reason
    assert stand.front() == records.front(complete(lucky[0]))
    assert stand.figures(stand.best()) is None


def test_scores_beyond_a_fraction_are_ranked_as_they_are(lucky):
    trials = [replace(one, top1=100 * one.top1) for one in lucky[0]]
    stand = standing(trials)
    assert stand.reason == "ranked by what was observed: scores outside 0 to 1 are no accuracies"
    assert stand.best().number == lucky[2]


def test_where_all_read_the_same_the_fewest_multi_adds_decide():
    trials = [replace(one, top1=0.5, curve=()) for one in run(20)[0]]
    stand = standing(trials)
    assert (stand.by, stand.reason) == ("observed", "ranked by observed top-1: it is the same for all")
    assert stand.best().macs == min(one.macs for one in trials)


def test_one_trial():
    (only,) = run(1)[0]
    stand = standing([only])
    assert stand.front() == [stand.best()]
    assert stand.best().number == 0
    assert (stand.tie_sentence, stand.knee) == ("", None)
    figures = stand.figures(only)
    assert (figures.chance_of_best, figures.chance_of_front, figures.tied_with_best) == (1, 1, True)


def test_all_failed():
    stand = standing([TrialRecord(0, "failed", reason="out of memory"), TrialRecord(1, "infeasible")])
    assert (stand.rows, stand.front(), stand.best(), stand.best({"a": 0.5}), stand.knee) == ([], [], None, None, None)
    assert (stand.reason, stand.tie_sentence, stand.first(3)) == ("", "", [])


def test_repeats_of_one_architecture_are_one_row():
    trials, found = run(20)
    again = trial(20, trials[4].architecture, found[4], np.random.default_rng(5))
    stand = standing([*trials, again])
    assert len(stand.rows) == 20
    row = stand.row(again)
    assert row.trial.number == 4
    assert row.top1 == pytest.approx((trials[4].top1 + again.top1) / 2)
    assert stand.figures(again) == stand.figures(trials[4])


def test_stopped_trials_teach_and_are_not_ranked():
    trials, found = run(40)
    rng = np.random.default_rng(7)
    pairs = zip(drawn(30, 3), found[:30], strict=True)
    stopped = [trial(40 + i, one, worth, rng, epochs=2) for i, (one, worth) in enumerate(pairs)]
    stand = standing([*trials, *stopped])
    assert {row.trial.number for row in stand.rows} == set(range(40))
    assert stand.reason.startswith("ranked by estimate: choices explain ")
    assert "of what 70 trials differ by" in stand.reason


def test_order_of_trials_does_not_matter(lucky):
    trials = lucky[0]
    one, other = standing(trials), standing(trials[::-1])
    assert [member.number for member in one.front()] == [member.number for member in other.front()]
    assert one.figures(trials[0]) == other.figures(trials[0])


def test_architecture_of_another_space_is_ranked_as_observed(lucky):
    trials = lucky[0]
    foreign = replace(trials[0], architecture=replace(trials[0].architecture, classes=7))
    stand = standing([foreign, *trials[1:]])
    assert stand.reason == ("ranked by what was observed: not all architectures are of the run's space as it is now")


def test_of_many_only_those_that_may_win_get_a_chance():
    trials, _ = run(700)
    stand = standing(trials)
    figures = [stand.figures(one) for one in complete(trials)]
    assert sum(one.chance_of_best for one in figures) == pytest.approx(1)
    members = [stand.figures(one) for one in stand.front()]
    assert all(one.chance_of_front > 0 for one in members)
    assert members[-1].tied_with_best
