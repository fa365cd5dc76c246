"""A search in a loop of one's own: what is handed out, what may be told, and what another process goes on with."""

import optuna
import pytest

from seesaw_nas.api import Tuner
from seesaw_nas.architecture import cost
from seesaw_nas.core.errors import BudgetError, OptionError, RunError, SeesawError, SpaceError
from seesaw_nas.evaluators import Score
from seesaw_nas.search.history.history import trial_seed
from seesaw_nas.space import load
from seesaw_nas.training.epoch import Epoch

SPACE, BUDGET = "seesaw-digits", "300K"


def top1(job):
    """Some fraction, the same for the same architecture."""
    return int(job.architecture.digest[:6], 16) / 0xFFFFFF


def scored(job):
    """A score with a curve up to where the job is to go."""
    curve = tuple(Epoch(n, 2.0, 1.5, top1(job) * n / 9, 0.25) for n in range(1, job.until + 1))
    return Score(curve[-1].top1, "validation", 0.25 * job.until, curve)


def asked_and_told(tuner):
    if (job := tuner.ask()) is not None:
        tuner.tell(job, scored(job))
    return job


def told(tuner):
    return [(r.number, r.state, r.digest, r.seed, r.top1, r.curve, r.reason, r.origin) for r in tuner.trials]


# --- a loop


def test_loop_trains_what_was_asked_for_within_the_budget():
    tuner = Tuner(SPACE, BUDGET, trials=6)
    jobs = []
    while (job := tuner.ask()) is not None:
        jobs.append(job)
        tuner.tell(job, top1(job))
    assert [job.number for job in jobs] == list(range(6))
    assert len({job.architecture.digest for job in jobs}) == 6
    assert all(job.macs == cost.macs(job.architecture) <= 300_000 for job in jobs)
    assert [job.seed for job in jobs] == [trial_seed(0, n) for n in range(6)]
    assert {(job.until, job.checkpoint) for job in jobs} == {(1, None)}
    assert [(r.state, r.top1) for r in tuner.trials] == [("complete", top1(job)) for job in jobs]
    assert tuner.best.top1 == max(map(top1, jobs))
    assert tuner.best in tuner.front()
    assert [member.macs for member in tuner.front()] == sorted(member.macs for member in tuner.front())
    assert list(tuner.frame().top1) == [top1(job) for job in jobs]
    assert tuner.ask() is None


def test_jobs_are_told_in_any_order():
    tuner = Tuner(SPACE, BUDGET, trials=3)
    jobs = [tuner.ask() for _ in range(3)]
    assert tuner.ask() is None  # there is one more only where the scheduler has it
    for job in reversed(jobs):
        tuner.tell(job, top1(job))
    assert [r.top1 for r in tuner.trials] == [top1(job) for job in jobs]
    assert tuner.ask() is None


def test_nothing_is_best_before_anything_is_told():
    tuner = Tuner(SPACE, BUDGET)
    tuner.ask()
    assert (tuner.best, tuner.front(), [r.state for r in tuner.trials]) == (None, [], ["running"])


def test_failed_training_is_recorded_and_the_loop_goes_on():
    tuner = Tuner(SPACE, BUDGET, trials=2)
    tuner.fail(tuner.ask(), "no memory is left")
    tuner.tell(tuner.ask(), 0.5)
    assert tuner.ask() is None
    assert [(r.state, r.reason) for r in tuner.trials] == [("failed", "no memory is left"), ("complete", "")]
    assert [trial.number for trial in tuner.front()] == [1]


def test_failures_in_a_row_end_the_loop():
    tuner = Tuner(SPACE, BUDGET)
    for _ in range(5):
        tuner.fail(tuner.ask(), "no GPU")
    assert tuner.ask() is None


def test_any_number_of_which_more_is_better_will_do():
    tuner = Tuner(SPACE, BUDGET, trials=3)
    for score in (-120.5, -80, -95):
        tuner.tell(tuner.ask(), score)
    assert tuner.best.number == 1


def test_strategy_learns_from_what_is_told():
    tuner = Tuner(SPACE, BUDGET, strategy="evolution", trials=20)
    while (job := tuner.ask()) is not None:
        tuner.tell(job, top1(job))
    assert [r.origin for r in tuner.trials[:16]] == ["exact draw"] * 16
    assert all(r.origin.startswith("mutation of ") for r in tuner.trials[16:])


def test_space_may_be_an_object_and_has_a_budget_of_its_own():
    assert load(SPACE).default_budget == "600K"
    tuner = Tuner(load(SPACE), objectives="top1", trials=1)
    assert 300_000 <= tuner.ask().macs <= 600_000  # for top-1 alone, exact draws are from the upper half


def test_optuna_says_nothing():
    optuna.logging.set_verbosity(optuna.logging.INFO)
    Tuner(SPACE, BUDGET)
    assert optuna.logging.get_verbosity() == optuna.logging.WARNING


# --- what may be told


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Score(float("nan"), "validation", 0.0)])
def test_score_that_is_no_number_is_refused_and_another_may_be_told(value):
    tuner = Tuner(SPACE, BUDGET)
    job = tuner.ask()
    with pytest.raises(OptionError, match=r"a finite score is wanted, got (nan|inf); say `fail` where a training bro"):
        tuner.tell(job, value)
    assert tuner.trials[0].state == "running"
    tuner.tell(job, 0.5)
    assert tuner.best.top1 == 0.5


def test_job_is_told_once():
    tuner = Tuner(SPACE, BUDGET)
    done, broken = tuner.ask(), tuner.ask()
    tuner.tell(done, 0.5)
    tuner.fail(broken, "no memory is left")
    before = told(tuner)
    for job, state in ((done, "complete"), (broken, "failed")):
        with pytest.raises(OptionError, match=f"the job of trial {job.number} was told before: it is {state}"):
            tuner.tell(job, 0.9)
        with pytest.raises(OptionError, match=f"the job of trial {job.number} was told before: it is {state}"):
            tuner.fail(job, "again")
    assert told(tuner) == before


# --- with a scheduler


def test_scheduler_lets_the_best_go_on():
    tuner = Tuner(SPACE, BUDGET, trials=3, epochs=9, scheduler="asha")
    first = [tuner.ask() for _ in range(3)]
    assert [job.until for job in first] == [1, 1, 1]
    for job in first:
        tuner.tell(job, scored(job))
    assert [r.state for r in tuner.trials] == ["paused"] * 3
    best = max(first, key=top1)
    while (job := tuner.ask()) is not None:
        assert (job.architecture, job.seed) == (best.architecture, best.seed)
        tuner.tell(job, scored(job))
    assert sorted(r.state for r in tuner.trials) == ["complete", "stopped", "stopped"]
    assert (tuner.best.number, len(tuner.best.curve)) == (best.number, 9)
    assert tuner.front() == [tuner.best]


def test_scheduler_wants_the_curve():
    tuner = Tuner(SPACE, BUDGET, epochs=9, scheduler="asha", min_epochs=3)
    job = tuner.ask()
    assert job.until == 3
    for score, there in ((0.5, 0), (Score(0.5, "validation", 1.0, scored(job).curve[:2]), 2)):
        with pytest.raises(OptionError) as caught:
            tuner.tell(job, score)
        assert str(caught.value) == f"a Score with the curve of 3 epochs is wanted, got {there} of them"
    tuner.tell(job, scored(job))
    assert tuner.trials[0].state == "paused"


def test_last_epoch_needs_no_curve():
    tuner = Tuner(SPACE, BUDGET, trials=1, epochs=3, scheduler="asha")
    tuner.tell(job := tuner.ask(), scored(job))
    tuner.tell(tuner.ask(), 0.5)
    assert [(r.state, r.top1) for r in tuner.trials] == [("complete", 0.5)]


def test_told_and_paused_is_not_told_again():
    tuner = Tuner(SPACE, BUDGET, epochs=9, scheduler="asha")
    job = tuner.ask()
    tuner.tell(job, scored(job))
    with pytest.raises(OptionError, match="the job of trial 0 was told before: it is paused"):
        tuner.tell(job, scored(job))


# --- gone on with from a journal


@pytest.mark.parametrize(
    ("strategy", "scheduler", "trials"),
    [
        ("random", "none", 5),
        ("random", "moasha", 5),
        (lambda seed: optuna.samplers.TPESampler(seed=seed), "none", 13),
    ],
    ids=["random", "moasha", "sampler"],
)
def test_another_tuner_goes_on_from_the_journal(tmp_path, strategy, scheduler, trials):
    def tuner(name):
        return Tuner(
            SPACE, BUDGET, strategy=strategy, trials=trials, epochs=9, scheduler=scheduler, journal=tmp_path / name
        )

    def finish(tuner):
        jobs = list(iter(lambda: asked_and_told(tuner), None))
        return told(tuner), jobs

    wanted, jobs = finish(tuner("whole"))
    cut = tuner("cut")
    before = [asked_and_told(cut) for _ in range(trials - 2)]
    cut.ask()  # handed out, and the process ends
    records, after = finish(tuner("cut"))
    assert records == wanted
    assert before + after == jobs
    assert told(tuner("cut")) == wanted


def test_journal_of_other_objectives_is_refused(tmp_path):
    Tuner(SPACE, BUDGET, objectives="top1", journal=tmp_path / "j").ask()
    with pytest.raises(RunError, match=r"j is another program's study: objectives \['maximize'\], wanted \['maximize'"):
        Tuner(SPACE, BUDGET, journal=tmp_path / "j")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"search_space": "seesaw-cifar", "budget": "110M"}, "with space seesaw-digits, now seesaw-cifar; its digest "),
        ({"budget": "200K"}, "with budget 300.0K, now 200.0K; name another journal"),
        ({"seed": 1, "epochs": 9}, "with seed 0, now 1; epochs 1, now 9; name another journal"),
    ],
)
def test_journal_of_another_search_is_refused(tmp_path, change, text):
    settings = {"search_space": SPACE, "budget": BUDGET, "journal": tmp_path / "j"}
    Tuner(**settings).ask()
    with pytest.raises(RunError) as caught:
        Tuner(**settings | change)
    assert str(caught.value).startswith(f"{tmp_path / 'j'} was begun {text}")
    assert Tuner(**settings | {"trials": 5, "strategy": "evolution"}).trials[0].state == "running"


# --- what is not to be had


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"search_space": "seesaw-digit"}, SpaceError, "unknown space 'seesaw-digit', did you mean 'seesaw-digits'"),
        ({"budget": "100K"}, BudgetError, "has 100,000 Multi-Adds; the cheapest has 119,232"),
        ({"strategy": "evolve"}, OptionError, "unknown strategy 'evolve' (known: random, evolution, nsga2, tpe,"),
        ({"strategy": 42}, OptionError, "a strategy's name, a sampler or a function of a seed is wanted, got 42"),
        ({"strategy": optuna.samplers.TPESampler}, OptionError, "or a function of a seed is wanted, got <class"),
        ({"objectives": "both"}, OptionError, "unknown objectives 'both' (known: front, top1)"),
        ({"scheduler": "ash"}, OptionError, "unknown scheduler 'ash', did you mean 'asha'?"),
        (
            {"scheduler": "asha", "epochs": 3, "min_epochs": 4},
            OptionError,
            "within 1 to the 3 epochs of a trial, got 4",
        ),
        ({"scheduler": "asha", "reduction": 1}, OptionError, "--reduction must be at least 2, got 1"),
    ],
)
def test_tuner_that_cannot_be(change, error, text):
    settings = {"search_space": SPACE, "budget": BUDGET} | change
    with pytest.raises(SeesawError) as caught:
        Tuner(**settings)
    assert isinstance(caught.value, error)
    assert text in str(caught.value)
