import numpy as np
import pytest
from optuna.trial import TrialState

from seesaw_nas import records
from seesaw_nas.search.listener import Listener
from seesaw_nas.search.loop import MAX_FAILURES, Search, trial_seed
from seesaw_nas.search.strategies import make
from seesaw_nas.search.strategies.base import Exhausted
from seesaw_nas.space import Budget, Feasible

TRIALS, SEED, PART = 6, 4, "70%"


class Killed(BaseException):
    """The process ends here."""


class Scripted:
    """Proposes the given architectures, one after another."""

    def __init__(self, architectures):
        self.left = list(architectures)

    def propose(self, history, taken):
        if not self.left:
            raise Exhausted
        return history.add(self.left.pop(0))


class Heard(Listener):
    def __init__(self):
        self.lines = []

    def begun(self, number, architecture, macs):
        self.lines.append(("begun", number, architecture.digest, macs))

    def epoch(self, epoch):
        self.lines.append(("epoch", epoch.epoch, epoch.top1))

    def ended(self, record):
        self.lines.append(("ended", record.number, record.state, record.top1))


@pytest.fixture(autouse=True)
def _short_start(monkeypatch):
    monkeypatch.setattr("seesaw_nas.search.strategies.tpe.STARTUP_TRIALS", 3)


@pytest.fixture
def architectures(small_space):
    rng = np.random.default_rng(0)
    feasible = Feasible(small_space, Budget(0, small_space.costliest_macs))
    found = {architecture.digest: architecture for architecture in (feasible.draw(rng) for _ in range(60))}
    return sorted(found.values(), key=lambda architecture: architecture.digest)


def told(history):
    return [(r.number, r.digest, r.seed, r.top1, r.state, r.curve) for r in history.records()]


# --- one search


def test_search_trains_the_wanted_number_and_says_so(open_history, small_space, make_evaluator):
    history, evaluator, heard = open_history(small_space, PART), make_evaluator(), Heard()
    search = Search(history, make("random", Feasible(small_space, history.budget), SEED), evaluator, SEED, heard)
    assert search.run(2) == "the wanted number of trials, 2, is reached"
    one, two = history.records()
    assert heard.lines == [
        ("begun", 0, one.digest, one.macs),
        ("epoch", 1, one.top1),
        ("ended", 0, "complete", one.top1),
        ("begun", 1, two.digest, two.macs),
        ("epoch", 1, two.top1),
        ("ended", 1, "complete", two.top1),
    ]
    assert (one.split, one.seconds, len(one.curve)) == ("validation", 0.25, 1)
    assert one.seed == trial_seed(SEED, 0) != two.seed == trial_seed(SEED, 1)


def test_more_trials_can_be_asked_for_and_fewer_train_nothing(open_history, small_space, make_evaluator):
    history, evaluator = open_history(small_space, PART), make_evaluator()
    search = Search(history, make("random", Feasible(small_space, history.budget), SEED), evaluator, SEED)
    search.run(2)
    search.run(3)
    search.run(1)
    assert len(history.records()) == len(evaluator.asked) == search.trained == 3


def test_time_limit_lets_the_running_trial_end_and_begins_no_other(open_history, small_space, make_evaluator):
    history, evaluator = open_history(small_space, PART), make_evaluator()
    search = Search(history, make("random", Feasible(small_space, history.budget), SEED), evaluator, SEED)
    clock = iter([100.0, 100.0, 109.0, 110.0])  # at the start, then before each trial
    assert search.run(50, time_limit=10, clock=lambda: next(clock)) == "the time limit is reached"
    assert [record.state for record in history.records()] == ["complete", "complete"]


def test_failed_trial_is_recorded_with_its_reason_and_the_search_goes_on(
    open_history, small_space, make_evaluator, architectures
):
    bad = architectures[1].digest
    history, evaluator = open_history(small_space), make_evaluator(fails=lambda a: a.digest == bad)
    Search(history, Scripted(architectures), evaluator, SEED).run(3)
    assert [record.state for record in history.records()] == ["complete", "failed", "complete"]
    failed = history.records()[1]
    assert (failed.reason, failed.top1) == ("loss is not finite in epoch 1 of 1", None)
    assert history.study.trials[1].state == TrialState.FAIL
    assert bad not in {record.digest for record in records.front(history.records())}


def test_failures_in_a_row_end_the_search(open_history, small_space, make_evaluator, architectures):
    history, evaluator = open_history(small_space), make_evaluator(fails=lambda a: True)
    assert Search(history, Scripted(architectures), evaluator, SEED).run(50) == "the last 5 trials failed"
    assert len(evaluator.asked) == MAX_FAILURES == 5


def test_a_success_in_between_starts_the_count_of_failures_anew(
    open_history, small_space, make_evaluator, architectures
):
    fine = {architecture.digest for architecture in architectures[4:14:5]}
    history, evaluator = open_history(small_space), make_evaluator(fails=lambda a: a.digest not in fine)
    assert Search(history, Scripted(architectures), evaluator, SEED).run(50) == "the last 5 trials failed"
    assert [record.state for record in history.records()] == [*["failed"] * 4, "complete"] * 2 + ["failed"] * 5


def test_known_architecture_is_answered_from_its_record(open_history, small_space, make_evaluator, architectures):
    one, two, bad, *_ = architectures
    history, evaluator = open_history(small_space), make_evaluator(fails=lambda a: a.digest == bad.digest)
    Search(history, Scripted([one, one, bad, bad, two]), evaluator, SEED).run(3)
    first, again, failed, failed_again, _ = history.records()
    assert evaluator.asked == [one.digest, bad.digest, two.digest]
    assert (again.state, again.top1, again.reason) == ("duplicate", first.top1, "same architecture as trial 0")
    assert (failed_again.state, failed_again.top1) == ("infeasible", None)
    assert (failed.state, failed_again.reason) == ("failed", "same architecture as trial 2")
    assert {record.digest for record in records.front(history.records())} <= {one.digest, two.digest}


def test_proposal_outside_the_budget_is_not_trained(open_history, small_space, make_evaluator, architectures):
    history, evaluator, heard = open_history(small_space, PART), make_evaluator(), Heard()
    Search(history, Scripted(architectures), evaluator, SEED, heard).run(20)
    for record in history.records():
        within = record.macs <= 19_112  # 70% of 27,304
        assert (record.state, record.digest in evaluator.asked) == ("complete" if within else "infeasible", within)
    assert [line[2] for line in heard.lines if line[0] == "begun"] == evaluator.asked


def test_search_sees_no_other_split_than_validation(open_history, small_space, make_evaluator):
    history = open_history(small_space, PART)
    Search(history, make("tpe", Feasible(small_space, history.budget), SEED), make_evaluator(), SEED).run(TRIALS)
    assert {record.split for record in history.records()} == {"validation"}


# --- killed and resumed


class Session:
    """The processes that work on one run, one after the other; each opens the journal anew."""

    def __init__(self, strategy, space, open_history, evaluator, journal):
        self.strategy, self.space, self.open_history = strategy, space, open_history
        self.evaluator, self.journal = evaluator, journal

    def opened(self):
        return self.open_history(self.space, PART, self.journal)

    def process(self, trials=TRIALS):
        history = self.opened()
        strategy = make(self.strategy, Feasible(self.space, history.budget), SEED)
        Search(history, strategy, self.evaluator, SEED).run(trials)
        return history


@pytest.fixture
def session(open_history, small_space, make_evaluator, tmp_path):
    def made(strategy, name):
        return Session(strategy, small_space, open_history, make_evaluator(), tmp_path / name)

    return made


@pytest.mark.parametrize(("strategy", "trials"), [("random", 6), ("tpe", 4)])
def test_search_killed_after_any_write_and_resumed_equals_the_uninterrupted_one(session, strategy, trials):
    whole = session(strategy, "whole")
    wanted = told(whole.process(trials))
    lines = whole.journal.read_bytes().splitlines(keepends=True)
    assert len(lines) > 4 * trials  # a trial: its genes, its beginning, its result, its telling
    for count in range(len(lines) + 1):
        cut = session(strategy, f"cut{count}")
        cut.journal.write_bytes(b"".join(lines[:count]))
        finished = {record.digest for record in cut.opened().records() if record.state == "complete"}
        history = cut.process(trials)
        assert told(history) == wanted, f"killed after write {count}"
        assert not finished & set(cut.evaluator.asked), f"trained again after write {count}"
        assert len(cut.evaluator.asked) == trials - len(finished)
        assert history.pending() == []
        assert {tuple(trial.values) for trial in history.study.best_trials} == {
            (record.top1, record.macs) for record in records.front(history.records())
        }


@pytest.mark.parametrize("ending", [Killed, KeyboardInterrupt])
@pytest.mark.parametrize("number", range(TRIALS))
def test_search_ended_during_a_training_and_resumed_equals_the_uninterrupted_one(session, ending, number):
    wanted = told(session("random", "whole").process())
    cut = session("random", "cut")

    def fails(_):
        if len(cut.evaluator.asked) == number + 1:
            raise ending

    cut.evaluator.fails = fails
    with pytest.raises(ending):
        cut.process()
    assert told(cut.process()) == wanted
    assert len(cut.evaluator.asked) == TRIALS + 1  # the one that was cut off began twice


def test_trial_that_ends_the_process_twice_is_given_up(session):
    cut = session("random", "cut")

    def fails(architecture):
        if len(cut.evaluator.asked) == 1 or architecture.digest == cut.evaluator.asked[0]:
            raise Killed

    cut.evaluator.fails = fails
    for _ in range(2):
        with pytest.raises(Killed):
            cut.process(3)
    history = cut.process(3)
    assert [record.state for record in history.records()] == ["failed", "complete", "complete"]
    assert history.records()[0].reason == "the process ended 2 times while training it"


def test_trial_that_a_person_stops_is_never_given_up(session):
    cut, stops = session("random", "cut"), iter([True] * 4)

    def fails(_):
        if next(stops, False):
            raise KeyboardInterrupt

    cut.evaluator.fails = fails
    for _ in range(4):
        with pytest.raises(KeyboardInterrupt):
            cut.process(1)
    assert [record.state for record in cut.process(1).records()] == ["complete"]


def test_resumed_search_may_train_more(session):
    wanted = told(session("random", "whole").process())
    cut = session("random", "cut")
    cut.process(2)
    assert told(cut.process()) == wanted


def test_listener_hears_of_a_result_that_was_noted_but_not_told(session):
    cut, heard = session("random", "cut"), Heard()
    cut.process(1)
    lines = cut.journal.read_bytes().splitlines(keepends=True)
    cut.journal.write_bytes(b"".join(lines[:4]))  # the study, the genes, the beginning, the result
    history = cut.opened()
    search = Search(history, Scripted([]), cut.evaluator, SEED, heard)
    assert (search.trained, history.study.trials[0].state) == (1, TrialState.RUNNING)
    search.run(1)
    assert heard.lines == [("ended", 0, "complete", history.records()[0].top1)]
    assert history.study.trials[0].state == TrialState.COMPLETE


# --- seeds


def test_seeds_of_trials_differ_and_fit_every_generator():
    seeds = {trial_seed(seed, number) for seed in range(20) for number in range(50)}
    assert len(seeds) == 1000  # of 2**31: two equal by chance with probability 2e-4
    assert 0 <= min(seeds) < max(seeds) < 2**32  # what torch and numpy take
