"""A search in a loop of one's own: what is handed out, what may be told, and what another process goes on with."""

import errno
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
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
    tuner = Tuner(SPACE, BUDGET, strategy=lambda seed: optuna.samplers.RandomSampler(seed=seed))
    for _ in range(11):
        asked_and_told(tuner)
    assert optuna.logging.get_verbosity() == optuna.logging.WARNING


# --- what may be told


NAN = float("nan")
GOOD = (Epoch(1, 2.0, 1.5, 0.25, 0.5),)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (NAN, "nan"),
        (float("inf"), "inf"),
        (True, "True"),
        (np.True_, "np.True_"),
        (-0.01, "-0.01"),
        (-3, "-3"),
        (1.01, "1.01"),
        (2.0, "2.0"),
        (10**400, "1000"),
        (None, "None"),
        ("0.5", "'0.5'"),
        (b"0.5", "b'0.5'"),
        ([0.5], "[0.5]"),
        (np.array([0.5, 0.5]), "array([0.5, 0.5])"),
        (0.5j, "0.5j"),
        (Score(NAN, "validation", 0.0), "nan"),
        (Score(True, "validation", 0.0), "True"),
        (Score("0.5", "validation", 0.0), "'0.5'"),
    ],
)
def test_score_that_is_no_fraction_is_refused_and_another_may_be_told(value, shown):
    tuner = Tuner(SPACE, BUDGET)
    job = tuner.ask()
    with pytest.raises(OptionError) as caught:
        tuner.tell(job, value)
    assert str(caught.value).startswith(f"top-1 as a fraction from 0 to 1 is wanted, got {shown}")
    assert str(caught.value).endswith("; say `fail` where a training broke")
    assert tuner.trials[0].state == "running"
    tuner.tell(job, 0.5)
    assert tuner.best.top1 == 0.5


@pytest.mark.parametrize(
    "score",
    [
        Score(0.5, "validation", -1.0),
        Score(0.5, "validation", NAN),
        Score(0.5, "validation", None),
        Score(0.5, None, 0.0),
        Score(0.5, "validation", 0.0, None),
        Score(0.5, "validation", 0.0, (0.5,)),
        Score(0.5, "validation", 0.0, (Epoch(1, None, 1.5, 0.25, 0.5),)),
        Score(0.5, "validation", 0.0, (Epoch(1, 2.0, 1.5, 2.0, 0.5),)),
        Score(0.5, "validation", 0.0, (Epoch(1, 2.0, 1.5, 0.25, -0.5),)),
        Score(0.5, "validation", 0.0, GOOD, None),
    ],
)
def test_score_with_another_figure_that_is_none_is_refused(score, tmp_path):
    tuner = Tuner(SPACE, BUDGET, journal=tmp_path / "j")
    job = tuner.ask()
    with pytest.raises(OptionError, match=r"a Score with seconds and with a curve of epochs is wanted, got Score\("):
        tuner.tell(job, score)
    tuner.tell(job, Score(0.5, "validation", 1, GOOD))
    tuner.close()
    assert told(Tuner(SPACE, BUDGET, journal=tmp_path / "j")) == told(tuner)


@pytest.mark.parametrize("value", [0, 1, 0.0, 1.0, np.float32(0.5), np.float64(0.25), np.array(0.5)])
def test_fractions_of_every_type_are_taken(value, tmp_path):
    tuner = Tuner(SPACE, BUDGET, journal=tmp_path / "j")
    tuner.tell(tuner.ask(), value)
    tuner.close()
    assert [trial.top1 for trial in Tuner(SPACE, BUDGET, journal=tmp_path / "j").trials] == [float(value)]


def test_what_is_no_job_of_this_tuner_is_refused():
    tuner, other = Tuner(SPACE, BUDGET), Tuner(SPACE, BUDGET, seed=1)
    tuner.ask()
    for job in (None, 0, "job", other.ask(), other.ask()):
        with pytest.raises(OptionError, match="a job that this tuner's `ask` returned is wanted, got "):
            tuner.tell(job, 0.5)
        with pytest.raises(OptionError, match="a job that this tuner's `ask` returned is wanted, got "):
            tuner.fail(job, "broke")


@pytest.mark.parametrize("reason", [None, 3, b"broke"])
def test_reason_that_is_no_text_is_refused(reason):
    tuner = Tuner(SPACE, BUDGET)
    with pytest.raises(OptionError, match="a reason in words is wanted, got "):
        tuner.fail(tuner.ask(), reason)


@pytest.mark.parametrize("strategy", ["random", "evolution", "tpe"])
def test_many_threads_ask_and_tell_at_once(tmp_path, strategy):
    tuner = Tuner(SPACE, BUDGET, strategy=strategy, trials=32, journal=tmp_path / "j")

    def work(_):
        while (job := tuner.ask()) is not None:
            tuner.tell(job, top1(job))
            tuner.trials  # noqa: B018

    with ThreadPoolExecutor(64) as pool:
        list(pool.map(work, range(64)))
    done = [record for record in tuner.trials if record.state == "complete"]
    assert len({record.digest for record in done}) == len(done) == 32
    tuner.close()
    assert told(Tuner(SPACE, BUDGET, strategy=strategy, trials=32, journal=tmp_path / "j")) == told(tuner)


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
    cut.close()
    records, after = finish(tuner("cut"))
    assert records == wanted
    assert before + after == jobs
    assert told(tuner("cut")) == wanted


def test_journal_of_other_objectives_is_refused(tmp_path):
    Tuner(SPACE, BUDGET, objectives="top1", journal=tmp_path / "j").ask()
    with pytest.raises(RunError, match="j is the history of another search: objectives top1, wanted front; name anoth"):
        Tuner(SPACE, BUDGET, journal=tmp_path / "j")


@pytest.mark.thorough
def test_journal_belongs_to_one_process(tmp_path):
    tuner = Tuner(SPACE, BUDGET, journal=tmp_path / "j")
    tuner.ask()
    script = "import sys; from seesaw_nas.api import Tuner; Tuner(*sys.argv[1:3], journal=sys.argv[3]).ask()"
    command = [sys.executable, "-c", script, SPACE, BUDGET, str(tmp_path / "j")]
    second = subprocess.run(command, capture_output=True, text=True)
    assert "RunError: another process, or another object of this one, is working with " in second.stderr
    assert f"working with {tmp_path / 'j'}; wait for it, close it, or name another file" in second.stderr
    assert len(tuner.trials) == 1
    del tuner
    assert subprocess.run(command, capture_output=True).returncode == 0


def test_journal_of_another_space_is_refused(tmp_path):
    Tuner(SPACE, BUDGET, journal=tmp_path / "j").ask()
    with pytest.raises(RunError, match="j is the history of another search, in a space with other choices than 'sees"):
        Tuner("seesaw-cifar", "110M", journal=tmp_path / "j")


def test_second_tuner_of_a_program_on_one_journal_is_refused(tmp_path):
    first = Tuner(SPACE, BUDGET, journal=tmp_path / "j")
    job = first.ask()
    (tmp_path / "link").symlink_to(tmp_path / "j")
    for path in (tmp_path / "j", os.path.relpath(tmp_path / "j"), tmp_path / "link"):
        with pytest.raises(
            RunError, match=r"another object of this one, is working with .*; wait for it, close it, or"
        ):
            Tuner(SPACE, BUDGET, journal=path)
    first.tell(job, 0.5)
    with Tuner(SPACE, BUDGET, journal=tmp_path / "other") as other:
        assert other.ask()
    assert Tuner(SPACE, BUDGET, journal=tmp_path / "other").ask()


def test_closed_tuner_lets_another_go_on(tmp_path):
    older = Tuner(SPACE, BUDGET, journal=tmp_path / "j")
    job = older.ask()
    older.close()
    older.close()
    with Tuner(SPACE, BUDGET, journal=tmp_path / "j") as newer:
        assert newer.ask().architecture == job.architecture
        for attempt in (older.ask, lambda: older.tell(job, 0.5)):
            with pytest.raises(RunError, match="j was closed here; open it again"):
                attempt()
        assert len(newer.trials) == len(older.trials) == 1


def test_tuner_that_could_not_begin_keeps_no_journal(tmp_path):
    Tuner(SPACE, BUDGET, journal=tmp_path / "j").ask()
    for other in ({"objectives": "top1"}, {"seed": 1}):
        with pytest.raises(RunError) as caught:
            Tuner(SPACE, BUDGET, journal=tmp_path / "j", **other)
        assert caught.value.__traceback__  # which refers to what was half made
        assert len(Tuner(SPACE, BUDGET, journal=tmp_path / "j").trials) == 1


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (".", "Is a directory"),
        ("none/j", "No such file or directory"),
        ("file/j", "Not a directory"),
        ("a" * 300, "File name too long"),
    ],
)
def test_journal_that_can_be_no_file_is_refused_in_one_line(tmp_path, name, reason):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=f"cannot be opened: {reason}; name a file, in a folder that exists") as caught:
        Tuner(SPACE, BUDGET, journal=tmp_path / name)
    assert str(caught.value).startswith(f"the journal {tmp_path / name} cannot")


@pytest.mark.parametrize("journal", [5, b"j", True, "a\0b", ["j"]])
def test_journal_that_is_no_path_is_refused(journal):
    with pytest.raises(OptionError, match="journal must be the path of a file, got "):
        Tuner(SPACE, BUDGET, journal=journal)


def test_full_disk_leaves_the_journal_whole(tmp_path, monkeypatch):
    tuner = Tuner(SPACE, BUDGET, journal=tmp_path / "j")
    done, job = tuner.ask(), tuner.ask()
    tuner.tell(done, 0.5)
    write, left = os.write, [30]

    def write_what_fits(descriptor, data):
        if not left[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        left[0] -= len(data := data[: left[0]])
        return write(descriptor, data)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write_what_fits)
        for attempt in (lambda: tuner.tell(job, 0.75), tuner.ask):
            with pytest.raises(OSError, match="No space left on device"):
                attempt()
    tuner.tell(job, 0.75)
    tuner.tell(tuner.ask(), 0.25)
    assert [record.top1 for record in tuner.trials] == [0.5, 0.75, 0.25]
    tuner.close()
    assert told(Tuner(SPACE, BUDGET, journal=tmp_path / "j")) == told(tuner)


def test_file_that_is_something_else_is_left_alone(tmp_path):
    for content in (b"a,b\n1,2\n", b"PK\x03\x04"):
        (tmp_path / "j").write_bytes(content)
        with pytest.raises(RunError, match="j is not a readable history of a search: line 1: "):
            Tuner(SPACE, BUDGET, journal=tmp_path / "j")
        assert (tmp_path / "j").read_bytes() == content


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"budget": "200K"}, "with budget 300.0K, now 200.0K; name another journal"),
        (
            {"budget": "300001"},
            "with budget 0 to 300,000 Multi-Adds, now 0 to 300,001 Multi-Adds; name another journal",
        ),
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
        ({"objectives": "both"}, OptionError, "unknown objectives 'both' (known: front, top1, top1,COST)"),
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


@pytest.mark.parametrize("name", ["trials", "epochs", "seed"])
@pytest.mark.parametrize("value", ["3", 2.5, True, None, -1])
def test_sizes_that_are_no_whole_number_are_refused_at_once(name, value):
    with pytest.raises(OptionError, match=rf"^{name} must be a whole number of at least [01], got {value!r}$"):
        Tuner(SPACE, BUDGET, **{name: value})


def test_a_score_too_long_to_print_is_refused_in_words():
    tuner = Tuner(SPACE, BUDGET, trials=1)
    with pytest.raises(OptionError, match="got a value of type int that is too long to print; say `fail`"):
        tuner.tell(tuner.ask(), 10**5000)
