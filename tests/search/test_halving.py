"""Who is trained on: worked by hand from the curves of paused trials."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seesaw_nas.core.errors import OptionError
from seesaw_nas.search import halving
from seesaw_nas.search.halving import SCHEDULERS, Halving
from seesaw_nas.search.records import TrialRecord
from seesaw_nas.training.epoch import Epoch


def trial(number, *curve, macs=100, state="paused"):
    """A record whose top1 was this after its first epochs."""
    epochs = tuple(Epoch(n, 2.0, 1.5, top1, 0.25) for n, top1 in enumerate(curve, start=1))
    return TrialRecord(number, state, macs=macs, curve=epochs)


def promotions(found, *, last=False):
    """All that may be trained on now."""
    return list(iter(lambda: found.promotion(last=last), None))


# --- rungs


@pytest.mark.parametrize(
    ("epochs", "reduction", "minimum", "levels"),
    [
        (9, 3, 1, (1, 3, 9)),
        (9, 3, 3, (3, 9)),
        (9, 3, 4, (9,)),
        (10, 3, 1, (1, 2, 4, 10)),  # 10/3, 4/3 and 2/3 rounded up
        (10, 3, 2, (2, 4, 10)),
        (8, 2, 1, (1, 2, 4, 8)),
        (100, 4, 5, (7, 25, 100)),  # the next would be 2
        (2, 9, 1, (1, 2)),
        (1, 3, 1, (1,)),
    ],
)
def test_rungs_are_a_reduction_th_of_the_epochs_rounded_up(epochs, reduction, minimum, levels):
    assert Halving(epochs, reduction=reduction, minimum=minimum).levels == levels


@given(st.integers(1, 1000), st.integers(2, 10), st.data())
def test_rungs_rise_from_the_minimum_to_a_whole_training(epochs, reduction, data):
    minimum = data.draw(st.integers(1, epochs))
    levels = Halving(epochs, reduction=reduction, minimum=minimum).levels
    assert minimum <= levels[0]
    assert levels[-1] == epochs
    assert list(levels) == sorted(set(levels))


@pytest.mark.parametrize("name", SCHEDULERS)
def test_one_epoch_leaves_nothing_to_pause_for(name):
    found = halving.make(name, 1)
    found.note(trial(0, 0.5, state="complete"))
    assert (found.levels, found.first(0), promotions(found, last=True)) == ((1,), 1, [])


def test_without_a_scheduler_everyone_is_trained_to_the_end():
    found = halving.make("none", 9)
    assert (found.levels, found.first(5), found.planned_epochs(7)) == ((9,), 9, 63)


# --- successive halving by top-1


def test_a_trial_is_not_ranked_on_a_rung_where_it_was_not_evaluated():
    """As one that was taken over from a run by --no-curve: its figure at the rung is unknown, not 0."""
    found = halving.make("asha", 9)
    found.note(trial(0, *[None] * 8, 0.9, state="complete"))
    for number in (1, 2):
        found.note(trial(number, 0.5))
    assert promotions(found) == []  # two have reached the rung, of whom a third is none
    found.note(trial(3, 0.6))
    assert promotions(found) == [(3, 3)]


def test_best_third_of_a_rung_is_trained_on_as_soon_as_it_is_known():
    found = halving.make("asha", 9)
    assert found.levels == (1, 3, 9)
    assert [found.first(number) for number in range(4)] == [1] * 4
    heard = []
    for number, top1 in enumerate([0.1, 0.5, 0.3, 0.4, 0.2, 0.6, 0.45]):
        found.note(trial(number, top1))
        heard.append(promotions(found))
    # A third of 1 and 2 is none; of 3 it is the best, 1; of 6 it is 5 and 1, of which 1 is gone; of 7 it is as many.
    assert heard == [[], [], [(1, 3)], [], [], [(5, 3)], []]


def test_a_third_of_the_second_rung_is_trained_to_the_end_before_others_leave_the_first():
    found = halving.make("asha", 9)
    for number in range(9):
        found.note(trial(number, number / 10))
    assert promotions(found) == [(8, 3), (7, 3), (6, 3)]
    for number, top1 in ((8, 0.3), (7, 0.9), (6, 0.5)):
        found.note(trial(number, number / 10, 0.0, top1))
    for number in range(9, 12):
        found.note(trial(number, 1.0))
    # The second rung has 3 trials, the best at its third epoch 7; the first has 12, of which 9, 10, 11 and 8 are best.
    assert promotions(found) == [(7, 9), (9, 3), (10, 3), (11, 3)]


def test_of_equal_top1_the_cheaper_is_trained_on_then_the_earlier():
    found = halving.make("asha", 9)
    for number, macs in enumerate([300, 200, 200]):
        found.note(trial(number, 0.5, macs=macs))
    assert promotions(found) == [(1, 3)]


@pytest.mark.parametrize("state", ["complete", "failed", "stopped"])
def test_trial_that_has_ended_counts_on_its_rungs_and_is_not_trained_on(state):
    found = halving.make("asha", 9)
    found.note(trial(0, 0.9, state=state))
    for number in range(1, 6):
        found.note(trial(number, number / 10))
    assert promotions(found) == [(5, 3)]  # the best two of six are 0 and 5


@pytest.mark.parametrize("state", ["infeasible", "duplicate", "failed", "running"])
def test_trial_without_an_epoch_is_on_no_rung(state):
    found = halving.make("asha", 9)
    for number in range(5):
        found.note(trial(number, state=state))
    assert promotions(found, last=True) == []


def test_last_trains_the_best_of_every_rung_on_and_no_more():
    found = halving.make("asha", 9)
    found.note(trial(0, 0.1))
    found.note(trial(1, 0.2))
    assert promotions(found) == []
    assert promotions(found, last=True) == [(1, 3)]
    found.note(trial(1, 0.2, 0.2, 0.3))
    assert promotions(found, last=True) == [(1, 9)]
    found.note(trial(1, *[0.2] * 9, state="complete"))
    assert promotions(found, last=True) == []


def test_what_a_history_says_is_promoted_as_if_it_had_been_heard():
    """3 was trained on while 1 and 2 were not, and 0 to the end."""
    found = halving.make("asha", 9)
    for record in (trial(0, *[0.9] * 9, state="complete"), trial(1, 0.2), trial(2, 0.1), trial(3, 0.3, 0.3, 0.3)):
        found.note(record)
    assert promotions(found, last=True) == []  # 0 went on from both rungs
    for number in (4, 5):
        found.note(trial(number, 0.0))
    assert promotions(found) == []  # the best two of six are 0 and 3
    for number in (6, 7, 8):
        found.note(trial(number, 0.0))
    assert promotions(found) == [(1, 3)]


# --- by front


def test_moasha_trains_the_ends_of_the_front_on():
    found = halving.make("moasha", 9)
    for number, (top1, macs) in enumerate([(0.5, 300), (0.4, 100), (0.3, 200)]):
        found.note(trial(number, top1, macs=macs))
    assert promotions(found) == [(0, 3)]  # 1 dominates 2; 0 and 1 are both an end of the front, 0 came first
    for number, (top1, macs) in enumerate([(0.6, 400), (0.35, 90), (0.2, 500)], start=3):
        found.note(trial(number, top1, macs=macs))
    # The front is 4, 1, 0, 3 by Multi-Adds; a third of six are its two ends. By top-1 it would be 3, and 0 again.
    assert promotions(found) == [(3, 3), (4, 3)]


def test_moasha_takes_the_more_alone_between_the_ends():
    found = halving.make("moasha", 9)
    front = [(0.1, 100), (0.2, 200), (0.3, 300), (0.7, 800), (0.8, 900)]
    for number, (top1, macs) in enumerate([*front, *[(0.05, 950)] * 4]):
        found.note(trial(number, top1, macs=macs))
    # Gaps between neighbours over the spans 0.7 and 800: 1 has 2/7 + 2/8, 2 has 5/7 + 6/8, 3 has 5/7 + 6/8.
    assert promotions(found) == [(0, 3), (4, 3), (2, 3)]


@given(st.lists(st.tuples(st.sampled_from([0.25, 0.5, 0.75]), st.integers(1, 4)), max_size=12), st.randoms())
@pytest.mark.parametrize("name", ["asha", "moasha"])
def test_promotions_do_not_depend_on_the_order_of_the_news(name, points, random):
    """A resumed search hears of its trials by number, not by when they reached a rung."""
    one, other = halving.make(name, 9), halving.make(name, 9)
    records = [trial(number, top1, macs=macs) for number, (top1, macs) in enumerate(points)]
    for record in records:
        one.note(record)
    random.shuffle(records)
    for record in records:
        other.note(record)
    assert promotions(one) == promotions(other)


# --- brackets


def firsts(found, count):
    return [found.first(number) for number in range(count)]


def test_brackets_share_the_trials_as_in_hyperband():
    # Li et al. 2018, algorithm 1, line 3: ceil((s_max + 1) / (s + 1) * 3**s) for s_max = 2 and s = 2, 1, 0.
    assert Counter(firsts(halving.make("hyperband", 9), 17)) == {1: 9, 3: 5, 9: 3}
    # And for s_max = 4: 5/5 * 81, 5/4 * 27 = 33.75, 5/3 * 9, 5/2 * 3 = 7.5, 5/1.
    assert Counter(firsts(halving.make("hyperband", 81), 143)) == {1: 81, 3: 34, 9: 15, 27: 8, 81: 5}


@pytest.mark.parametrize(("epochs", "shares"), [(9, (9, 5, 3)), (27, (27, 12, 6, 4)), (81, (81, 34, 15, 8, 5))])
def test_brackets_are_mixed_and_begin_anew_with_every_round(epochs, shares):
    found = halving.make("hyperband", epochs)
    size = sum(shares)
    first = firsts(found, 2 * size)
    assert first[:size] == first[size:]
    for count in range(1, size + 1):
        for level, share in zip(found.levels, shares, strict=True):
            assert abs(first[:count].count(level) - count * share / size) < 1.5  # trials off its share


def test_brackets_compare_only_their_own():
    found = halving.make("hyperband", 9)
    first = firsts(found, 17)
    low, middle, whole = ([n for n, epoch in enumerate(first) if epoch == level] for level in (1, 3, 9))
    for number in low[:3]:
        found.note(trial(number, number / 100))
    for number in middle[:2]:
        found.note(trial(number, 0.0, 0.0, 0.9))
    for number in whole:
        found.note(trial(number, *[1.0] * 9, state="complete"))
    assert promotions(found) == [(low[2], 3)]
    found.note(trial(middle[2], 0.0, 0.0, 1.0))
    assert promotions(found) == [(middle[2], 9)]


# --- what it takes


@pytest.mark.parametrize(
    ("name", "trials", "epochs"),
    [
        ("none", 7, 63),
        ("asha", 0, 0),
        ("asha", 1, 9),  # the only one goes all the way
        ("asha", 2, 2 + 2 + 6),
        ("moasha", 2, 2 + 2 + 6),
        ("hyperband", 2, 9 + 9),  # trial 1 belongs to the bracket that begins at the end
    ],
)
def test_planned_epochs_of_few_trials_are_exact(name, trials, epochs):
    assert halving.make(name, 9).planned_epochs(trials) == epochs


def spent(name, trials, rng):
    """The epochs of a search in which all orders of top1 are equally likely, of Multi-Adds as well."""
    found, behind = halving.make(name, 9), {}
    top1, macs = rng.random(trials), rng.integers(1, 10**6, trials).tolist()

    def train(number, epoch):
        behind[number] = epoch
        state = "complete" if epoch == 9 else "paused"
        found.note(trial(number, *[top1[number]] * epoch, macs=macs[number], state=state))

    for number in range(trials):
        train(number, found.first(number))
        while step := found.promotion():
            train(*step)
    while step := found.promotion(last=True):
        train(*step)
    return sum(behind.values())


@pytest.mark.parametrize("name", ["asha", "hyperband", "moasha"])
def test_planned_epochs_are_what_searches_take(name):
    """A third of the trials at each rung would be 44 epochs of 20."""
    rng = np.random.default_rng(0)
    mean = np.mean([spent(name, 20, rng) for _ in range(12)])
    assert halving.make(name, 9).planned_epochs(20) == pytest.approx(mean, rel=0.15)


def test_planned_epochs_grow_with_the_trials_beyond_those_simulated():
    found = halving.make("asha", 9)
    assert found.planned_epochs(2000) == pytest.approx(10 * found.planned_epochs(200), abs=5)


# --- refused


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"reduction": 1}, "--reduction must be at least 2, got 1"),
        ({"minimum": 0}, "--min-epochs must lie within 1 to the 9 epochs of a trial, got 0"),
        ({"minimum": 10}, "--min-epochs must lie within 1 to the 9 epochs of a trial, got 10"),
    ],
)
def test_impossible_numbers_are_refused(more, message):
    with pytest.raises(OptionError) as caught:
        halving.make("asha", 9, **more)
    assert str(caught.value) == message


def test_unknown_scheduler_lists_the_known_ones():
    with pytest.raises(OptionError) as caught:
        halving.make("hyperbnd", 9)
    assert str(caught.value) == (
        "unknown scheduler 'hyperbnd', did you mean 'hyperband'? (known: none, asha, hyperband, moasha)"
    )
