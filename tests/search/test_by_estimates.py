"""A search that goes by its estimates: who is trained on, what is trained last, and what teaches them nothing."""

import pytest
from estimates.made_up import worths
from scripted import Fresh, told

from seesaw_nas.search import halving
from seesaw_nas.search.estimates.live import Live
from seesaw_nas.search.proposer import RECOMMENDED, Proposer
from seesaw_nas.search.strategies import make
from seesaw_nas.search.strategies.base import Setting
from seesaw_nas.space import Feasible

TRIALS = 24


@pytest.fixture
def worth(architectures):
    """Top-1 that adds up over choices, by digest; of the 150 architectures, the best is not among the first 23."""
    found = dict(zip((a.digest for a in architectures), 0.5 + 0.1 * worths(architectures, seed=3), strict=True))
    assert max(found, key=found.get) not in {a.digest for a in architectures[: TRIALS - 1]}
    return found


@pytest.fixture
def search(open_history, small_space, architectures, make_evaluator, worth, tmp_path):
    """Train the first architectures by number, as long as ``told`` allows; returns history and evaluator."""

    def run(trials=TRIALS, *, scheduler="none", epochs=3, stop_after=10**6, live=True, top1=None):
        history = open_history(small_space)
        evaluator = make_evaluator(epochs=epochs, top1=top1 or (lambda architecture: worth[architecture.digest]))
        work = Proposer(
            history,
            Fresh(architectures),
            trials=trials,
            epochs=epochs,
            halving=halving.make(scheduler, epochs),
            checkpoints=tmp_path / "checkpoints",
            live=Live(small_space, history.budget, epochs) if live else None,
        )
        for _ in range(stop_after):
            if (job := work.ask()) is None:
                break
            score = evaluator.evaluate(job.architecture, seed=job.seed, until=job.until, checkpoint=job.checkpoint)
            work.tell(job, score)
        return history

    return run


def test_last_trial_is_the_best_of_the_space_by_the_estimates_where_that_was_never_trained(search, worth):
    records = search().records()
    assert [record.origin for record in records[:-1]] == [""] * (TRIALS - 1)
    assert (records[-1].origin, records[-1].state) == (RECOMMENDED, "complete")
    assert records[-1].digest == max(worth, key=worth.get)


def test_it_counts_among_the_trials_and_is_the_same_in_a_resumed_search(search):
    search(stop_after=TRIALS - 1)
    resumed = told(search())
    assert len(resumed) == TRIALS
    assert resumed[-1][7] == RECOMMENDED


def test_under_a_scheduler_it_is_trained_to_its_end(search, worth):
    (record,) = [record for record in search(scheduler="asha").records() if record.origin == RECOMMENDED]
    assert (record.state, len(record.curve)) == ("complete", 3)
    assert worth[record.digest] >= sorted(worth.values())[-5]


@pytest.mark.parametrize("trials", [1, 2, 8])
def test_few_trials_recommend_nothing(search, trials):
    assert {record.origin for record in search(trials).records()} == {""}


def test_equal_figures_everywhere_recommend_nothing(search):
    assert {record.origin for record in search(top1=lambda architecture: 0.5).records()} == {""}


def test_without_estimates_the_last_trial_is_the_strategy_s(search, architectures):
    assert [record.digest for record in search(live=False).records()] == [a.digest for a in architectures[:TRIALS]]


def test_promotion_goes_by_worth_and_not_by_what_was_read():
    rungs = halving.make("asha", 9)
    for number, top1 in enumerate([0.9, 0.5, 0.6]):
        rungs._brackets[0][0].add(number, top1, 100.0)
    worth = {0: 0.7, 1: 0.8, 2: 0.6}
    assert rungs.promotion(worth=lambda numbers: [worth[number] for number in numbers]) == (1, 3)
    assert rungs.promotion(worth=lambda numbers: None) == (0, 3)  # where nothing is known, by what was read


@pytest.mark.parametrize("factor", [1, 1000])
def test_thompson_learns_from_accuracies_and_from_any_other_score(
    open_history, small_space, make_evaluator, worth, factor
):
    history, feasible = open_history(small_space), Feasible.of(small_space, "100%")
    evaluator = make_evaluator(top1=lambda architecture: factor * worth[architecture.digest])
    strategy = make("thompson", Setting(feasible, 0, objectives="top1"))
    work = Proposer(history, strategy, trials=30)
    while (job := work.ask()) is not None:
        work.tell(job, evaluator.evaluate(job.architecture, seed=job.seed))
    assert {record.origin for record in history.records()[:8]} == {"exact draw"}
    assert "best of a sample" in history.records()[8].origin
    best = sorted(worth, key=worth.get)[-3:]
    assert set(best) & {record.digest for record in history.records()}
