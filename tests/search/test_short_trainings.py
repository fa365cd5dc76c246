"""Short trainings: how epochs are spent on them, and what becomes of them in a history."""

from dataclasses import replace

import numpy as np
import optuna
import pytest
from estimates.made_up import worths
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import TrialState
from scripted import Scripted, states, told

from seesaw_nas.core.errors import OptionError
from seesaw_nas.search.estimates.live import Live
from seesaw_nas.search.history.file_history import FileHistory
from seesaw_nas.search.history.study_history import StudyHistory
from seesaw_nas.search.jobs import by_schedule
from seesaw_nas.search.proposer import RECOMMENDED, Proposer
from seesaw_nas.search.records import complete
from seesaw_nas.search.spending import Begun, Spending, begun, default_short
from seesaw_nas.search.strategies import make
from seesaw_nas.search.strategies.base import Setting
from seesaw_nas.space import Budget, Feasible
from seesaw_nas.training.epoch import Epoch

SHORT, WHOLE = 2, 6


# --- arithmetic


@pytest.mark.parametrize(
    ("trials", "epochs", "short", "shorts", "wholes"),
    [
        (20, 9, 3, 30, 10),  # 180 epochs: 90 for short ones, 90 for whole ones
        (20, 10, 3, 33, 10),  # 200: 99 of 100, and 101 are ten whole ones and an epoch that is left
        (10, 8, 3, 13, 5),  # 80: 39 of 40, and 41 are five whole ones and an epoch
        (5, 9, 3, 6, 3),  # 45: two of the five whole ones are exchanged for six short ones
        (2, 9, 3, 3, 1),  # 18: 9 and 9
        (1, 9, 3, 0, 1),  # at least one is whole
        (20, 9, 0, 0, 20),
    ],
)
def test_epochs_are_divided_by_hand(trials, epochs, short, shorts, wholes):
    spending = Spending(trials, epochs, short)
    left = spending.left(Begun())
    assert (left.short, left.whole) == (shorts, wholes)
    assert left.epochs == shorts * short + wholes * epochs <= spending.total == trials * epochs


@given(st.integers(1, 30), st.integers(1, 20), st.integers(0, 19), st.integers(0, 5), st.integers(0, 9))
def test_what_is_left_is_what_will_be_begun(trials, epochs, short, wholes, shorts):
    """Whatever was begun before, as in a search that goes on with fewer trials or was begun without short ones."""
    short = short if short < epochs else 0
    spending = Spending(trials, epochs, short)
    known = {0: wholes, short: shorts} if short else {0: wholes}
    before = begun(known, epochs)
    left = spending.left(before)
    count = {0: 0, short: 0}
    while (schedule := spending.next_schedule(begun(known, epochs))) is not None:
        known[schedule] = known.get(schedule, 0) + 1
        count[schedule] += 1
    assert (left.whole, left.short) == (count[0], count[short] if short else 0)
    assert left.epochs == 0 or before.epochs + left.epochs <= spending.total


@pytest.mark.parametrize(
    ("trials", "epochs", "short"), [(20, 9, 3), (20, 10, 3), (10, 6, 2), (9, 9, 0), (20, 5, 0), (100, 200, 67)]
)
def test_by_itself_a_short_training_has_a_third_of_the_epochs_of_a_search_large_enough(trials, epochs, short):
    assert default_short(trials, epochs) == short


# --- proposals and history


class Scheduled:
    """An evaluator with schedules of any length; a longer one gives a higher top-1."""

    def __init__(self, made, top1, epochs=WHOLE, fails=lambda architecture: False):
        self.made, self.top1, self.fails, self.epochs = made, top1, fails, epochs

    def with_epochs(self, epochs):
        return Scheduled(self.made, self.top1, epochs, self.fails)

    def evaluate(self, architecture, **request):
        found = self.made(
            epochs=self.epochs, top1=lambda one: self.top1(one) * (0.7 + 0.3 * self.epochs / WHOLE), fails=self.fails
        )
        return found.evaluate(architecture, **request)


@pytest.fixture
def worth(architectures):
    """Top-1 that adds up over choices, by digest."""
    return dict(zip((a.digest for a in architectures), 0.5 + 0.1 * worths(architectures, seed=3), strict=True))


@pytest.fixture
def search(open_history, small_space, make_evaluator, worth):
    """A search of 12 whole trainings' worth, as long as ``stop_after`` allows; returns its history."""

    def run(strategy="thompson", trials=12, stop_after=10**6, **more):
        history = open_history(small_space)
        live = Live(small_space, history.budget, WHOLE)
        setting = Setting(Feasible(small_space, history.budget), 0, live=live)
        chosen = make(strategy, setting) if isinstance(strategy, str) else strategy
        work = Proposer(history, chosen, trials=trials, epochs=WHOLE, live=live, short=SHORT, **more)
        evaluator = Scheduled(make_evaluator, lambda architecture: worth[architecture.digest])
        for _ in range(stop_after):
            if (job := work.ask()) is None:
                history.ended = work.ended
                break
            score = by_schedule(evaluator, job).evaluate(job.architecture, seed=job.seed, until=job.until)
            work.tell(job, score)
        return history

    return run


def test_search_begins_with_short_trainings_and_ends_with_whole_ones(search):
    history = search()
    records = [record for record in history.records() if record.state != "duplicate"]
    # 72 epochs: 36 are 18 short trainings, 36 are six whole ones
    assert [record.state for record in records] == ["short"] * 18 + ["complete"] * 6
    assert [(r.schedule, len(r.curve), r.top1) for r in records[:18]] == [(SHORT, SHORT, None)] * 18
    assert [(r.schedule, len(r.curve)) for r in records[18:]] == [(0, WHOLE)] * 6
    assert len({record.digest for record in records[:18]}) == 18
    assert history.ended == "the epochs of 12 whole trainings, 72, are spent"
    assert all("best of the model" in record.origin or record.origin == RECOMMENDED for record in records[18:])
    best = Live(history.space, history.budget, WHOLE).recommended(history)
    assert best.digest in {trial.digest for trial in history.complete}


def test_figures_of_short_trainings_are_no_one_s_best(search):
    history = search()
    assert {record.number for record in complete(history.records())} == {trial.number for trial in history.complete}
    assert not {trial.number for trial in history.complete} & history.short
    assert {trial.state for trial in history.study.trials if trial.number in history.short} == {TrialState.PRUNED}


@pytest.mark.parametrize("stop_after", [1, 5, 17, 18, 19, 23])
def test_resumed_search_does_what_the_uninterrupted_one_does(search, stop_after, open_history, small_space, tmp_path):
    search(stop_after=stop_after)
    resumed = search()
    found = told(resumed), [record.schedule for record in resumed.records()]
    (tmp_path / "trials.jsonl").unlink()
    whole = search()
    assert found == (told(whole), [record.schedule for record in whole.records()])
    assert open_history(small_space).records() == whole.records()  # as the file has it


def test_short_training_that_a_killed_process_left_is_trained_again_as_one(search, open_history, small_space):
    search(stop_after=4)
    left = open_history(small_space)
    with left.scheduled(SHORT):
        number = left.add(_new(left))
    assert (left[number].state, left[number].schedule) == ("running", SHORT)
    found = search(stop_after=1)[number]
    assert (found.state, found.schedule, len(found.curve)) == ("short", SHORT, SHORT)


def _new(history):
    """An architecture that the history does not have."""
    rng, known = np.random.default_rng(5), {record.digest for record in history.records()}
    feasible = Feasible(history.space, history.budget)
    return next(a for a in (feasible.draw(rng) for _ in range(500)) if a.digest not in known)


def test_same_architecture_is_a_duplicate_by_the_same_schedule_only(search, architectures):
    first, second, third, *_ = architectures
    history = search(Scripted([first, first, second, third, first]), trials=2)
    # 12 epochs: three short trainings, then a whole one of what was trained short before
    assert states(history) == ["short", "duplicate", "short", "short", "complete"]
    assert [record.schedule for record in history.records()] == [SHORT, SHORT, SHORT, SHORT, 0]
    assert (history[1].reason, history[1].top1) == ("same architecture as trial 0", None)
    assert history[4].digest == history[0].digest


def test_failed_short_training_is_repeated_as_one(open_history, small_space, architectures, make_evaluator):
    history = open_history(small_space)
    work = Proposer(history, Scripted(architectures[:3]), trials=2, epochs=WHOLE, short=SHORT)
    work.fail(work.ask(), "it broke")
    again = Proposer(history, Scripted(architectures[1:5]), trials=2, epochs=WHOLE, short=SHORT, retry_failed=True)
    job = again.ask()
    assert (job.architecture, job.schedule, job.until) == (architectures[0], SHORT, SHORT)
    assert history[job.number].origin == "again: trial 0 failed"


def test_whole_ones_follow_where_every_architecture_was_trained_short(open_history, tiny_space, make_evaluator):
    history = open_history(tiny_space)
    setting = Setting(Feasible(tiny_space, history.budget), 0)
    work = Proposer(history, make("random", setting), trials=8, epochs=WHOLE, short=SHORT)
    evaluator = Scheduled(make_evaluator, lambda architecture: 0.5)
    while (job := work.ask()) is not None:
        work.tell(job, by_schedule(evaluator, job).evaluate(job.architecture, seed=job.seed, until=job.until))
    assert states(history) == ["short"] * 5 + ["complete"] * 5
    assert work.ended == "every architecture that fits the budget has been proposed"


def test_evaluator_without_the_schedule_is_refused(search, make_evaluator, architectures, open_history, small_space):
    work = Proposer(open_history(small_space), Scripted(architectures[:2]), trials=2, epochs=WHOLE, short=SHORT)
    with pytest.raises(
        OptionError, match=r"^trial 0 is a training by a schedule of 2 epochs, which the evaluator does"
    ):
        by_schedule(make_evaluator(epochs=WHOLE), work.ask())


def test_history_without_schedules_reads_as_before(open_history, small_space, architectures, tmp_path):
    history = open_history(small_space)
    history.add(architectures[0])
    assert "schedule" not in (tmp_path / "trials.jsonl").read_text()
    assert FileHistory(tmp_path / "trials.jsonl", small_space, history.budget)[0].schedule == 0


def test_schedule_is_kept_in_a_study_of_a_database_too(small_space, architectures):
    study = optuna.create_study(directions=["maximize", "minimize"])
    budget = Budget(0, small_space.costliest_macs)
    history = StudyHistory(study, small_space, budget)
    with history.scheduled(SHORT):
        number = history.add(architectures[0])
    history.attempt(number)
    again = StudyHistory(study, small_space, budget)
    assert (again[number].schedule, again[number].state, again.short) == (SHORT, "running", {number})
    again.finish(number, replace(again[number], state="short", curve=(Epoch(1, 2.0, 1.5, 0.4, 1.0),)))
    assert StudyHistory(study, small_space, budget)[number].state == "short"


def test_damaged_schedule_is_told(open_history, small_space, architectures, tmp_path):
    history = open_history(small_space)
    with history.scheduled(SHORT):
        history.add(architectures[0])
    path = tmp_path / "trials.jsonl"
    path.write_text(path.read_text().replace('"schedule":2', '"schedule":-2'))
    with pytest.raises(Exception, match="schedule: a whole number from 0 on is wanted, got -2"):
        open_history(small_space)


def test_record_compares_by_its_schedule(search):
    record = search(stop_after=1)[0]
    assert replace(record, schedule=0) != record
