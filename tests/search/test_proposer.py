"""What is handed out, several at a time, and what becomes of it."""

import tempfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from optuna.trial import TrialState
from scripted import Fresh, Scripted, states

from seesaw_nas.search import halving, records
from seesaw_nas.search.jobs import Job
from seesaw_nas.search.proposer import MAX_FAILURES, Proposer
from seesaw_nas.space import genes


@pytest.fixture
def proposer(open_history, small_space, architectures):
    """A proposer of the first architectures by number, and the history it works on."""

    def made(trials, epochs=1, scheduler="none", strategy=None, **more):
        history = open_history(small_space)
        found = halving.make(scheduler, epochs)
        strategy = strategy or Fresh(architectures[:20])
        return history, Proposer(history, strategy, trials=trials, epochs=epochs, halving=found, **more)

    return made


def do(job, evaluator):
    return evaluator.evaluate(job.architecture, seed=job.seed, until=job.until, checkpoint=job.checkpoint)


# --- several jobs at a time


def test_jobs_are_handed_out_before_any_is_told(proposer, make_evaluator, architectures):
    (history, work), evaluator = proposer(3), make_evaluator()
    jobs = [work.ask() for _ in range(3)]
    assert [job.architecture for job in jobs] == architectures[:3]
    assert [job.number for job in jobs] == [0, 1, 2]
    assert [job.seed for job in jobs] == [history[n].seed for n in range(3)]
    assert [(job.macs, job.until, job.checkpoint) for job in jobs] == [(history[n].macs, 1, None) for n in range(3)]
    assert (work.running, work.trained) == (3, 3)
    assert (work.ask(), work.ended) == (None, "")  # it has to wait
    for job in reversed(jobs):
        work.tell(job, do(job, evaluator))
    assert (work.running, states(history)) == (0, ["complete"] * 3)
    assert (work.ask(), work.ended) == (None, "the wanted number of trials, 3, is reached")


def test_what_is_being_trained_is_not_handed_out_again(proposer, make_evaluator, architectures):
    one, two, *_ = architectures
    (history, work), evaluator = proposer(2, strategy=Scripted([one, one, two])), make_evaluator()
    first, second = work.ask(), work.ask()
    assert (first.number, second.number, second.architecture) == (0, 2, two)
    again = history[1]
    assert (again.state, again.top1, again.reason) == ("duplicate", None, "same architecture as trial 0")
    assert history.study.trials[1].state == TrialState.PRUNED  # there is no value to tell yet
    for job in (first, second):
        work.tell(job, do(job, evaluator))
    assert len(evaluator.asked) == 2


def test_a_pause_makes_room_for_the_next_and_the_best_goes_on_while_others_run(proposer, make_evaluator):
    (history, work), evaluator = proposer(4, 9, "asha"), make_evaluator(top1=lambda a: 0.5, epochs=9)
    jobs = [work.ask() for _ in range(4)]
    assert [job.until for job in jobs] == [1] * 4
    assert (work.ask(), work.ended) == (None, "")
    for job in jobs[:3]:
        work.tell(job, do(job, evaluator))
    assert states(history) == ["paused"] * 3 + ["running"]
    best = min(range(3), key=lambda n: history[n].macs)  # of equal top1
    promoted = work.ask()
    assert (promoted.number, promoted.until, promoted.architecture) == (best, 3, jobs[best].architecture)
    assert history[best].state == "running"
    assert (work.ask(), work.running, work.trained) == (None, 2, 4)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    trials=st.integers(1, 12),
    scheduler=st.sampled_from(["none", "asha", "hyperband", "moasha"]),
    workers=st.integers(1, 4),
    seed=st.integers(0, 2**32),
    random=st.randoms(use_true_random=False),
)
def test_any_order_of_asking_and_telling_trains_everything_once(
    make_history, make_evaluator, small_space, architectures, trials, scheduler, workers, seed, random
):
    with tempfile.TemporaryDirectory() as folder:
        history = make_history(Path(folder) / "journal", small_space, "70%", seed)
        evaluator, out, handed_out = make_evaluator(epochs=9), [], []
        checkpoints = Path(folder) / "checkpoints"
        found, strategy = halving.make(scheduler, 9), Fresh(architectures[:40])
        work = Proposer(history, strategy, trials=trials, epochs=9, halving=found, checkpoints=checkpoints)
        while not work.ended:
            job = work.ask() if len(out) < workers else None
            if job is None and out:
                done = out.pop(random.randrange(len(out)))
                work.tell(done, do(done, evaluator))
            elif job is not None:
                assert job.number not in {other.number for other in out}
                out.append(job)
                handed_out.append((job.number, job.until))
            assert work.running == len(out) <= workers
        assert work.ended == f"the wanted number of trials, {trials}, is reached"
        assert len(set(handed_out)) == len(handed_out)
        epochs = sorted(evaluator.trained)
        for (digest, _, end), (other, start, _) in pairwise(epochs):
            assert start == (end if digest == other else 0)  # one goes on where the last one paused
        assert len({digest for digest, *_ in epochs}) == trials
        assert set(states(history)) <= {"complete", "stopped", "infeasible"}
        assert "complete" in states(history)


# --- pauses


def finish(work, evaluator):
    while job := work.ask():
        work.tell(job, do(job, evaluator))


def test_stopped_and_paused_trials_have_their_curve_alone_and_are_never_on_the_front(
    proposer, make_evaluator, tmp_path
):
    closed, evaluator = [], make_evaluator(epochs=9)
    history, work = proposer(9, 9, "asha", checkpoints=tmp_path / "new", on_closed=closed.append)
    finish(work, evaluator)
    stopped = [record for record in history.records() if record.state == "stopped"]
    complete = [record for record in history.records() if record.state == "complete"]
    assert len(complete) >= 1
    assert len(stopped) + len(complete) == 9
    for record in [*stopped, *(record for record in closed if record.state == "paused")]:
        assert (record.top1, len(record.curve) in (1, 3)) == (None, True)
        assert records.front([record]) == []
        assert records.best([record]) is None
    for record in stopped:
        assert record.reason == f"stopped after {len(record.curve)} of 9 epochs"
        assert history.study.trials[record.number].state == TrialState.PRUNED
        assert history.study.trials[record.number].values is None
    for record in complete:
        assert (record.top1, len(record.curve)) == (record.curve[-1].top1, 9)
    assert {trial.number for trial in history.study.best_trials} == {
        record.number for record in records.front(history.records())
    }
    assert list((tmp_path / "new").iterdir()) == []
    assert [record for record in closed if record.state in ("complete", "stopped")][-len(stopped) :] == stopped


def test_what_goes_on_is_told_with_every_pause_and_its_end(proposer, make_evaluator):
    closed, evaluator = [], make_evaluator(epochs=9)
    _, work = proposer(1, 9, "asha", on_closed=closed.append)
    finish(work, evaluator)
    assert [(record.state, len(record.curve), record.seconds) for record in closed] == [
        ("paused", 1, 0.25),
        ("paused", 3, 0.75),
        ("complete", 9, 2.25),
    ]


def test_folder_of_checkpoints_is_named_only_where_something_may_pause(proposer, tmp_path):
    for scheduler, checkpoint in (("none", None), ("asha", tmp_path / "0.safetensors")):
        _, work = proposer(1, 9, scheduler, checkpoints=tmp_path)
        job = work.ask()
        assert job.checkpoint == checkpoint
        work.drop(job)


def test_note_of_a_score_is_the_reason_of_its_record(proposer, make_evaluator):
    (history, work), evaluator = proposer(1), make_evaluator()
    job = work.ask()
    work.tell(job, replace(do(job, evaluator), note="of the nearest recorded architecture"))
    assert (history[0].state, history[0].reason) == ("complete", "of the nearest recorded architecture")


# --- failures


def test_failure_keeps_the_curve_up_to_the_last_pause(proposer, make_evaluator):
    (history, work), evaluator = proposer(3, 9, "asha"), make_evaluator(epochs=9)
    for _ in range(3):
        job = work.ask()
        work.tell(job, do(job, evaluator))
    job = work.ask()
    assert job.until == 3
    work.fail(job, "out of memory", 1.5)
    record = history[job.number]
    assert (record.state, record.top1, record.reason, record.seconds) == ("failed", None, "out of memory", 1.5)
    assert len(record.curve) == 1
    assert records.front(history.records()) == []


def test_failures_in_a_row_end_it_only_when_nothing_runs(proposer, make_evaluator):
    (history, work), evaluator = proposer(20), make_evaluator()
    kept, *jobs = [work.ask() for _ in range(1 + MAX_FAILURES)]
    for job in jobs:
        work.fail(job, "broke")
    assert (work.ask(), work.ended) == (None, "")  # what still runs may yet come to its end
    work.tell(kept, do(kept, evaluator))
    jobs = [work.ask() for _ in range(MAX_FAILURES)]
    for job in jobs:
        work.fail(job, "broke")
    assert (work.ask(), work.ended) == (None, "the last 5 trials failed")
    assert states(history).count("failed") == 2 * MAX_FAILURES


def test_everything_proposed_is_said_when_the_last_is_told(proposer, make_evaluator, architectures):
    _, work = proposer(5, strategy=Scripted(architectures[:2]))
    jobs = [work.ask(), work.ask()]
    assert (work.ask(), work.ended) == (None, "")
    for job in jobs:
        work.tell(job, do(job, make_evaluator()))
    assert (work.ask(), work.ended) == (None, "every architecture that fits the budget has been proposed")


# --- jobs taken back


@pytest.mark.parametrize("times", [1, 5])
def test_dropped_job_is_handed_out_again_and_never_held_against_it(proposer, make_evaluator, times):
    history, work = proposer(2)
    job = work.ask()
    for _ in range(times):
        work.drop(job)
        assert (work.running, history.attempts(0)) == (0, 0)
        assert work.ask() == job
        assert history.attempts(0) == 1
    work.tell(job, do(job, make_evaluator()))
    finish(work, make_evaluator())
    assert states(history) == ["complete", "complete"]


def test_dropped_job_goes_on_in_the_next_process(proposer, make_evaluator):
    _, work = proposer(1)
    for _ in range(3):
        job = work.ask()
        work.drop(job)
        history, work = proposer(1)
        assert (history.attempts(0), history.open(), work.trained) == (0, [0], 0)
    finish(work, make_evaluator())
    assert states(history) == ["complete"]


def test_dropped_promotion_goes_on_from_its_pause(proposer, make_evaluator):
    (history, work), evaluator = proposer(3, 9, "asha"), make_evaluator(epochs=9)
    for _ in range(3):
        job = work.ask()
        work.tell(job, do(job, evaluator))
    job = work.ask()
    work.drop(job)
    assert states(history) == ["paused"] * 3
    assert Proposer(history, Scripted([]), trials=3, epochs=9, halving=halving.make("asha", 9)).ask() == job
    work.drop(job)
    assert work.ask() == job
    assert (history[job.number].state, history.attempts(job.number)) == ("running", 1)


# --- histories that a killed process left


def test_duplicate_that_was_not_closed_is_not_trained(proposer, make_evaluator, architectures):
    one, two, *_ = architectures
    (history, work), evaluator = proposer(1), make_evaluator()
    finish(work, evaluator)
    history.add(one)  # and the process ends
    history, work = proposer(2, strategy=Scripted([two]))
    assert work.trained == 1
    finish(work, evaluator)
    assert states(history) == ["complete", "duplicate", "complete"]
    assert history[1].reason == "same architecture as trial 0"
    assert evaluator.asked == [one.digest, two.digest]


def test_combination_that_is_no_architecture_and_was_not_closed_costs_no_training(proposer, small_space):
    history, _ = proposer(1)
    history.study.enqueue_trial(
        {name: choices[0] for name, choices in genes(small_space).items()}
        | {"stage1.block1.grouping": "1:2 shuffle", "stage1.block1.expansion": "1"}
    )
    history.ask()
    history, work = proposer(1, strategy=Scripted([]))
    assert (work.ask(), work.ended) == (None, "every architecture that fits the budget has been proposed")
    assert states(history) == ["infeasible"]
    assert "1:2 shuffle with expansion 1 does not fit between 9 and 9 channels" in history[0].reason


def test_open_trials_are_done_before_anything_is_proposed(proposer, make_evaluator, architectures):
    _, work = proposer(3)
    jobs = [work.ask() for _ in range(3)]
    work.tell(jobs[1], do(jobs[1], make_evaluator()))
    history, work = proposer(4)
    assert (work.trained, work.running) == (1, 0)
    found = [work.ask() for _ in range(3)]
    new = history[3]
    assert found == [jobs[0], jobs[2], Job(3, architectures[3], new.macs, new.seed, 1)]


def test_trial_is_begun_again_however_often_the_search_ends_within_it(proposer, make_evaluator):
    (history, work), evaluator = proposer(3, 9, "asha"), make_evaluator(epochs=9)
    for _ in range(3):
        job = work.ask()
        work.tell(job, do(job, evaluator))
    jobs = []
    for _ in range(5):
        history, work = proposer(3, 9, "asha")
        jobs.append(work.ask())  # and the process ends
        assert history.attempts(jobs[0].number) == 1
    assert jobs == [jobs[0]] * 5
    assert jobs[0].until == 3
    work.tell(jobs[0], do(jobs[0], evaluator))
    finish(work, evaluator)
    assert "failed" not in states(history)


def test_worker_s_death_counts_though_the_search_was_killed_before_and_after(proposer):
    for _ in range(3):
        history, work = proposer(1)
        job = work.ask()  # and the process ends
    assert work.retry(job)  # the worker died, and then the process ends
    history, work = proposer(1)
    job = work.ask()
    assert history.attempts(0) == 2
    assert not work.retry(job)


def test_failed_trials_are_trained_once_more_where_that_is_wanted(proposer, make_evaluator, architectures):
    _, work = proposer(2)
    for _ in range(2):
        work.fail(work.ask(), "the loss is not finite")
    history, work = proposer(2)
    assert (work.ask(), states(history)) == (None, ["failed", "failed"])
    _, work = proposer(2, retry_failed=True)
    job = work.ask()  # and the process ends
    assert (job.number, job.architecture) == (2, architectures[0])
    history, work = proposer(2)  # those that were begun again go on without being asked for
    finish(work, make_evaluator())
    assert states(history) == ["failed", "failed", "complete", "complete"]
    assert history[3].origin == "again: trial 1 failed"
    history, work = proposer(2, retry_failed=True)
    assert (work.ask(), work.trained, len(history)) == (None, 2, 4)


def test_trial_that_fails_again_can_be_tried_a_third_time(proposer, make_evaluator):
    _, work = proposer(1)
    work.fail(work.ask(), "the loss is not finite")
    _, work = proposer(1, retry_failed=True)
    work.fail(work.ask(), "the loss is not finite")
    history, work = proposer(1, retry_failed=True)
    finish(work, make_evaluator())
    assert states(history) == ["failed", "failed", "complete"]


def test_attempts_before_a_pause_do_not_count_after_it(proposer, make_evaluator):
    evaluator = make_evaluator(epochs=9)
    for until in (1, 3, 9):
        _, work = proposer(1, 9, "asha")
        assert work.ask().until == until  # and the process ends
        history, work = proposer(1, 9, "asha")
        job = work.ask()
        assert job.until == until
        work.tell(job, do(job, evaluator))
    assert states(history) == ["complete"]


def test_nothing_more_is_begun_by_a_search_whose_paused_trials_were_stopped(proposer, make_evaluator):
    evaluator = make_evaluator(epochs=9)
    finish(proposer(5, 9, "asha")[1], evaluator)
    before = list(evaluator.trained)
    history, work = proposer(5, 9, "asha")
    assert (work.ask(), work.trained) == (None, 5)
    finish(proposer(6, 9, "asha")[1], evaluator)
    stopped = {record.digest for record in history.records() if record.state == "stopped"}
    assert {digest for digest, *_ in evaluator.trained[len(before) :]}.isdisjoint(stopped)
