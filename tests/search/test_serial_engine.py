"""Whole searches in one process, and what a killed one leaves to the next."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from optuna.trial import TrialState
from scripted import Fresh, Killed, Scripted, states, told

from seesaw_nas.search import halving, records
from seesaw_nas.search.engines import serial
from seesaw_nas.search.history.history import trial_seed
from seesaw_nas.search.history.trials_file import TrialsFile
from seesaw_nas.search.listener import Listener
from seesaw_nas.search.proposer import MAX_FAILURES, Proposer
from seesaw_nas.search.strategies import make
from seesaw_nas.search.strategies.base import Setting
from seesaw_nas.space import Feasible

TRIALS, SEED, PART = 6, 4, "70%"
LIMIT = 19_112  # 70% of 27,304

pytestmark = pytest.mark.usefixtures("short_start")


class Heard(Listener):
    def __init__(self):
        self.lines = []

    def begun(self, number, architecture, macs):
        self.lines.append(("begun", number, architecture.digest, macs))

    def epoch(self, epoch):
        self.lines.append(("epoch", epoch.epoch, epoch.top1))

    def ended(self, record):
        self.lines.append(("ended", record.number, record.state, record.top1))


@dataclass
class Session:
    """The processes that work on one run, one after the other; each opens the journal anew."""

    make_history: object
    space: object
    evaluator: object
    folder: Path
    strategy: object = "random"
    scheduler: str = "none"
    budget: str = PART

    @property
    def journal(self):
        return self.folder / "journal"

    def opened(self):
        self.folder.mkdir(exist_ok=True)
        return self.make_history(self.journal, self.space, self.budget, SEED)

    def process(self, trials=TRIALS, listener=None, **more):
        """Run a search to its end; returns what ended it, and the history."""
        history, epochs = self.opened(), self.evaluator.epochs
        found = halving.make(self.scheduler, epochs)
        strategy = self.strategy
        if isinstance(strategy, str):
            strategy = make(strategy, Setting(Feasible(self.space, history.budget), SEED, "front", found.levels))
        work = Proposer(
            history,
            strategy,
            trials=trials,
            epochs=epochs,
            halving=found,
            checkpoints=self.folder / "checkpoints",
            on_closed=listener.ended if listener else None,
        )
        return serial.run(work, self.evaluator, listener, **more), history


@pytest.fixture
def session(make_history, small_space, make_evaluator, tmp_path):
    def made(name="run", evaluator=None, **more):
        return Session(make_history, small_space, evaluator or make_evaluator(), tmp_path / name, **more)

    return made


# --- one search


def test_search_trains_the_wanted_number_and_says_so(session):
    heard = Heard()
    ended, history = session().process(2, heard)
    assert ended == "the wanted number of trials, 2, is reached"
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


def test_more_trials_can_be_asked_for_and_fewer_train_nothing(session):
    run = session()
    for trials, trained in ((2, 2), (3, 3), (1, 3)):
        ended, history = run.process(trials)
        assert ended == f"the wanted number of trials, {trials}, is reached"
        assert len(history.records()) == len(run.evaluator.asked) == trained


def test_time_limit_lets_the_running_trial_end_and_begins_no_other(session):
    clock = iter([100.0, 100.0, 109.0, 110.0])  # at the start, then before each trial
    ended, history = session().process(50, time_limit=10, clock=lambda: next(clock))
    assert ended == "the time limit is reached"
    assert states(history) == ["complete", "complete"]


def test_time_limit_leaves_paused_trials_to_be_gone_on_with(session, make_evaluator):
    wanted = told(session("whole", make_evaluator(epochs=9), scheduler="asha").process()[1])
    run, clock = session("cut", make_evaluator(epochs=9), scheduler="asha"), iter([0.0] * 4 + [10.0])
    _, history = run.process(time_limit=10, clock=lambda: next(clock))
    assert states(history) == ["paused"] * 3
    assert told(run.process()[1]) == wanted


def test_failed_trial_is_recorded_with_its_reason_and_the_search_goes_on(session, make_evaluator, architectures):
    bad = architectures[1].digest
    evaluator = make_evaluator(fails=lambda architecture: architecture.digest == bad)
    _, history = session(evaluator=evaluator, strategy=Scripted(architectures), budget="100%").process(3)
    assert states(history) == ["complete", "failed", "complete"]
    assert (history[1].reason, history[1].top1) == ("loss is not finite in epoch 1 of 1", None)
    assert history.study.trials[1].state == TrialState.FAIL
    assert bad not in {record.digest for record in records.front(records.complete(history.records()))}


def test_failures_in_a_row_end_the_search(session, make_evaluator, architectures):
    evaluator = make_evaluator(fails=lambda architecture: True)
    run = session(evaluator=evaluator, strategy=Scripted(architectures), budget="100%")
    assert run.process(50)[0] == "the last 5 trials failed"
    assert len(evaluator.asked) == MAX_FAILURES == 5


def test_a_success_in_between_starts_the_count_of_failures_anew(session, make_evaluator, architectures):
    fine = {architecture.digest for architecture in architectures[4:14:5]}
    evaluator = make_evaluator(fails=lambda architecture: architecture.digest not in fine)
    run = session(evaluator=evaluator, strategy=Scripted(architectures), budget="100%")
    ended, history = run.process(50)
    assert ended == "the last 5 trials failed"
    assert states(history) == [*["failed"] * 4, "complete"] * 2 + ["failed"] * 5


def test_known_architecture_is_answered_from_its_record(session, make_evaluator, architectures):
    one, two, bad, *_ = architectures
    evaluator = make_evaluator(fails=lambda architecture: architecture == bad)
    run = session(evaluator=evaluator, strategy=Scripted([one, one, bad, bad, two]), budget="100%")
    _, history = run.process(3)
    first, again, failed, failed_again, _ = history.records()
    assert evaluator.asked == [one.digest, bad.digest, two.digest]
    assert (again.state, again.top1, again.reason) == ("duplicate", first.top1, "same architecture as trial 0")
    assert (failed_again.state, failed_again.top1) == ("duplicate", None)
    assert (failed.state, failed_again.reason) == ("failed", "same architecture as trial 2")
    assert history.study.trials[3].state == TrialState.PRUNED
    assert {record.digest for record in records.front(records.complete(history.records()))} <= {one.digest, two.digest}


def test_proposal_outside_the_budget_is_not_trained(session, architectures):
    run, heard = session(strategy=Scripted(architectures[:30])), Heard()
    ended, history = run.process(30, heard)
    assert ended == "every architecture that fits the budget has been proposed"
    for record in history.records():
        within = record.macs <= LIMIT
        assert (record.state, record.digest in run.evaluator.asked) == ("complete" if within else "infeasible", within)
        assert record.reason == ("" if within else f"{record.macs:,} Multi-Adds are outside the budget")
    assert [line[2] for line in heard.lines if line[0] == "begun"] == run.evaluator.asked


def test_search_sees_no_other_split_than_validation(session):
    _, history = session(strategy="tpe").process()
    assert {record.split for record in history.records()} == {"validation"}


def test_halving_spends_its_epochs_on_few(session, make_evaluator, architectures):
    rank = {architecture.digest: n for n, architecture in enumerate(architectures[:9])}
    evaluator = make_evaluator(top1=lambda architecture: 1 - rank[architecture.digest] / 9, epochs=9)
    run = session(evaluator=evaluator, strategy=Fresh(architectures[:9]), scheduler="asha", budget="100%")
    _, history = run.process(9)
    # Of three the best goes on, of six the best two, of nine the best three; of three at epoch 3 the best.
    assert [(rank[digest], end) for digest, _, end in evaluator.trained] == [
        *[(0, 1), (1, 1), (2, 1), (0, 3)],
        *[(3, 1), (4, 1), (5, 1), (1, 3)],
        *[(6, 1), (7, 1), (8, 1), (2, 3), (0, 9)],
    ]
    assert states(history) == ["complete"] + ["stopped"] * 8
    assert sum(end - start for _, start, end in evaluator.trained) == 21


# --- killed and resumed

SEARCHES = [
    ("random", "none", 6),
    ("evolution", "none", 7),
    ("local", "none", 6),
    ("nsga2", "none", 7),
    ("tpe", "none", 6),
    ("thompson", "none", 6),
    ("predicted", "none", 8),
    ("random", "asha", 7),
    ("random", "moasha", 7),
    ("random", "hyperband", 6),
    ("evolution", "asha", 7),
    ("thompson", "moasha", 7),
]


@pytest.fixture
def writes(monkeypatch):
    """How often a history is written to; the process is killed after so many more writes where ``left`` says so."""

    class Writes:
        count, left = 0, None

    def counted(file, line):
        append(file, line)
        Writes.count += 1
        if Writes.left is not None:
            Writes.left -= 1
            if Writes.left == 0:
                Writes.left = None
                raise Killed

    append = TrialsFile.append
    monkeypatch.setattr(TrialsFile, "append", counted)
    return Writes


@pytest.mark.parametrize(("strategy", "scheduler", "trials"), SEARCHES)
def test_search_killed_after_any_write_and_resumed_equals_the_uninterrupted_one(
    session, make_evaluator, writes, strategy, scheduler, trials
):
    epochs = 1 if scheduler == "none" else 9
    kind = {"strategy": strategy, "scheduler": scheduler}
    whole = session("whole", make_evaluator(epochs=epochs), **kind)
    wanted = told(whole.process(trials)[1])
    assert writes.count > 2 * trials  # the header; of a trial its proposal and its result
    for count in range(1, writes.count):
        cut = session(f"cut{count}", make_evaluator(epochs=epochs), **kind)
        writes.left = count
        with pytest.raises(Killed):
            cut.process(trials)
        _, history = cut.process(trials)
        assert told(history) == wanted, f"killed after write {count}"
        assert cut.evaluator.trained == whole.evaluator.trained, f"killed after write {count}"
        assert told(cut.opened()) == wanted
        assert history.open() == []
        assert {tuple(trial.values) for trial in history.study.best_trials} == {
            (record.top1, record.macs) for record in records.front(records.complete(history.records()))
        }


@pytest.mark.parametrize("ending", [Killed, KeyboardInterrupt])
@pytest.mark.parametrize("number", range(TRIALS))
def test_search_ended_during_a_training_and_resumed_equals_the_uninterrupted_one(session, ending, number):
    whole, cut = session("whole"), session("cut")
    wanted = told(whole.process()[1])

    def fails(_):
        if len(cut.evaluator.asked) == number + 1:
            raise ending

    cut.evaluator.fails = fails
    with pytest.raises(ending):
        cut.process()
    assert told(cut.process()[1]) == wanted
    assert len(cut.evaluator.asked) == TRIALS + 1  # the one that was cut off began twice


@pytest.mark.parametrize("ending", [Killed, KeyboardInterrupt])
@pytest.mark.parametrize("scheduler", ["asha", "moasha", "hyperband"])
def test_halving_ended_during_any_training_and_resumed_equals_the_uninterrupted_one(
    session, make_evaluator, scheduler, ending
):
    whole = session("whole", make_evaluator(epochs=9), scheduler=scheduler)
    wanted = told(whole.process()[1])
    for number in range(len(whole.evaluator.asked)):
        cut = session(f"cut{number}", make_evaluator(epochs=9), scheduler=scheduler)

        def fails(_, evaluator=cut.evaluator, number=number):
            if len(evaluator.asked) == number + 1:
                raise ending

        cut.evaluator.fails = fails
        with pytest.raises(ending):
            cut.process()
        assert told(cut.process()[1]) == wanted
        assert cut.evaluator.trained == whole.evaluator.trained


def test_trial_within_which_the_process_ends_is_never_given_up(session):
    cut, ends = session(), iter([True] * 3)

    def fails(architecture):
        if architecture.digest == cut.evaluator.asked[0] and next(ends, False):
            raise Killed

    cut.evaluator.fails = fails
    for _ in range(3):
        with pytest.raises(Killed):
            cut.process(3)
    _, history = cut.process(3)
    assert states(history) == ["complete"] * 3


def test_trial_that_a_person_stops_is_never_given_up(session):
    cut, stops = session(), iter([True] * 4)

    def fails(_):
        if next(stops, False):
            raise KeyboardInterrupt

    cut.evaluator.fails = fails
    for _ in range(4):
        with pytest.raises(KeyboardInterrupt):
            cut.process(1)
    assert states(cut.process(1)[1]) == ["complete"]


def test_resumed_search_may_train_more(session):
    wanted = told(session("whole").process()[1])
    cut = session("cut")
    cut.process(2)
    assert told(cut.process()[1]) == wanted
