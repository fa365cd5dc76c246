import json
import time

import numpy as np
import optuna
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock
from optuna.trial import TrialState

from seesaw_nas import cost, records
from seesaw_nas.errors import RunError
from seesaw_nas.records import Epoch, TrialRecord
from seesaw_nas.search.history import ILLEGAL, open_study, violations
from seesaw_nas.space import Budget, Feasible, decode

CURVE = (Epoch(1, 2.0, None, None, 0.5), Epoch(2, 1.0, 1.1, 0.75, 0.5))


def draws(space, count, seed=0):
    rng = np.random.default_rng(seed)
    every = Feasible(space, Budget(0, space.costliest_macs))
    found = {}
    while len(found) < count:
        architecture = every.draw(rng)
        found[architecture.digest] = architecture
    return list(found.values())


def opened(trial, architecture, **more):
    more = {"seed": 7, "split": "validation"} | more
    macs, params = cost.macs(architecture), cost.params(architecture)
    return TrialRecord(trial.number, "running", architecture, macs, params, **more)


def closed(history, architecture, state="complete", **more):
    """A whole trial, from proposal to telling."""
    trial = history.add(architecture)
    history.begin(trial, opened(trial, architecture))
    record = opened(trial, architecture, **more)
    record = TrialRecord(**{name: getattr(record, name) for name in record.__slots__} | {"state": state})
    history.finish(trial, record)
    return record


@pytest.fixture
def filled(open_history, small_space):
    """A history of six trials, one of each state and two more that are on the front."""
    history = open_history(small_space)
    one, two, three, four, five = draws(small_space, 5)
    told = [
        closed(history, one, top1=0.5, seconds=1.5, curve=CURVE),
        closed(history, two, "failed", reason="loss is not finite", seconds=0.25),
        closed(history, three, "infeasible", reason="outside"),
        closed(history, one, "duplicate", top1=0.5, reason="same architecture as trial 0"),
        closed(history, four, top1=0.75),
        closed(history, five, top1=0.25),
    ]
    return history, told


def test_what_was_told_is_read_back_by_another_process(filled, open_history, small_space):
    _, told = filled
    assert open_history(small_space).records() == told


def test_genes_of_a_trial_spell_its_architecture(filled, small_space):
    history, told = filled
    trials = history.study.get_trials()
    assert [decode(small_space, trial.params).digest for trial in trials] == [record.digest for record in told]
    assert {trial.user_attrs["proposal"]["digest"] for trial in trials} == {record.digest for record in told}


def test_optuna_alone_reads_the_journal(filled, tmp_path):
    _, told = filled
    journal = tmp_path / "optuna.journal"
    backend = JournalFileBackend(str(journal), lock_obj=JournalFileSymlinkLock(str(journal)))
    storage = optuna.storages.JournalStorage(backend)
    (summary,) = optuna.get_all_study_summaries(storage)
    assert (summary.study_name, summary.n_trials) == ("run", 6)
    assert [direction.name for direction in summary.directions] == ["MAXIMIZE", "MINIMIZE"]
    study = optuna.load_study(study_name=None, storage=storage)
    states = [trial.state.name for trial in study.trials]
    assert states == ["COMPLETE", "FAIL", "PRUNED", "COMPLETE", "COMPLETE", "COMPLETE"]
    theirs = {tuple(trial.values) for trial in study.best_trials}
    ours = {(record.top1, float(record.macs)) for record in records.front(told)}
    assert theirs == ours
    assert study.trials[0].user_attrs["result"]["curve"][1]["top1"] == 0.75


@pytest.mark.parametrize(("macs", "above", "below"), [(90, -20.0, 10.0), (110, 0.0, -10.0), (130, 20.0, -30.0)])
def test_violations_count_what_lies_outside(macs, above, below):
    assert violations(macs, Budget(100, 110)) == {"above_budget": above, "below_budget": below}


def test_proposal_outside_the_budget_is_marked_with_a_violated_constraint(open_history, small_space):
    history = open_history(small_space, "50%")
    dear = max(draws(small_space, 20), key=cost.macs)
    trial = history.add(dear)
    assert trial.constraints["above_budget"] == cost.macs(dear) - small_space.costliest_macs // 2 > 0


def test_proposal_that_is_no_architecture_is_marked_too(open_history, small_space):
    history = open_history(small_space)
    trial = history.ask()
    history.begin(trial, TrialRecord(trial.number, "infeasible", reason="does not fit"))
    history.finish(trial, TrialRecord(trial.number, "infeasible", reason="does not fit"))
    (record,) = history.records()
    assert trial.constraints == {ILLEGAL: 1.0}
    assert (record.state, record.architecture, record.macs, record.digest) == ("infeasible", None, None, "")


def test_trial_that_was_begun_is_pending_until_it_is_told(open_history, small_space):
    history = open_history(small_space)
    (architecture,) = draws(small_space, 1)
    trial = history.add(architecture)
    history.begin(trial, opened(trial, architecture))
    later = open_history(small_space)
    (left,) = later.pending()
    assert (left.number, later.attempts(left)) == (0, 1)
    assert [record.state for record in later.records()] == ["running"]
    later.begin(left, opened(left, architecture))
    assert later.attempts(left) == 2
    later.excuse(left)
    assert later.attempts(left) == 1
    later.finish(left, TrialRecord(0, "failed", architecture, seed=7, reason="broke"))
    assert open_history(small_space).pending() == []


def test_trial_cut_off_while_its_genes_were_chosen_is_completed_as_it_would_have_been(
    open_history, small_space, tmp_path
):
    def asked(journal):
        history = open_history(small_space, journal=journal)
        history.study.sampler = optuna.samplers.RandomSampler(seed=3)
        return history, history.ask()

    _, whole = asked(tmp_path / "whole")
    lines = (tmp_path / "whole").read_bytes().splitlines(keepends=True)
    assert len(lines) == 2 + len(whole.params)  # the study, the trial, a line a gene
    for kept in range(2, len(lines)):
        journal = tmp_path / f"cut{kept}"
        journal.write_bytes(b"".join(lines[:kept]))
        history = open_history(small_space, journal=journal)
        assert (len(history), history.pending(), history.records()) == (0, [], [])
        history, trial = asked(journal)
        assert (trial.number, len(history)) == (0, 1)
        assert list(trial.params) == list(whole.params)
        assert set(trial.params) == set(history.distributions)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_any_cut_in_the_last_line_is_survived_and_the_fragment_kept(filled, open_history, small_space, tmp_path, data):
    _, told = filled
    whole = (tmp_path / "optuna.journal").read_bytes()
    *others, last = whole.splitlines(keepends=True)
    kept = data.draw(st.integers(0, len(last) - 1), label="bytes left of the last line")
    journal, torn = tmp_path / "cut.journal", tmp_path / "cut.torn"
    torn.unlink(missing_ok=True)
    journal.write_bytes(b"".join(others) + last[:kept])
    history = open_history(small_space, journal=journal)
    assert history.records()[:-1] == told[:-1]
    assert journal.read_bytes() == b"".join(others)
    assert (torn.read_bytes() if torn.exists() else b"") == (last[:kept] + b"\n" if kept else b"")
    closed(history, told[1].architecture, top1=0.5)  # what is written next is read again
    assert len(open_history(small_space, journal=journal).records()) == 7


def test_second_cut_keeps_the_first_fragment(filled, open_history, small_space, tmp_path):
    for fragment in (b'{"op_code":', b'{"op'):
        with (tmp_path / "optuna.journal").open("ab") as journal:
            journal.write(fragment)
        open_history(small_space)
    assert (tmp_path / "optuna.torn").read_bytes() == b'{"op_code":\n{"op\n'


def test_study_keeps_its_name_when_the_run_folder_is_renamed(filled, tmp_path):
    (tmp_path / "optuna.journal").rename(tmp_path / "moved.journal")
    study = open_study(tmp_path / "moved.journal", "another name")
    assert (study.study_name, len(study.trials)) == ("run", 6)


def test_lock_of_a_killed_process_is_waited_out(filled, open_history, small_space, tmp_path, monkeypatch):
    monkeypatch.setattr("seesaw_nas.search.history.LOCK_GRACE_SECONDS", 0.5)
    lock = JournalFileSymlinkLock(str(tmp_path / "optuna.journal"), grace_period=None)
    lock.acquire()  # and never released
    begun = time.monotonic()
    with pytest.warns(UserWarning, match="grace"):
        history = open_history(small_space)
    closed(history, history.records()[2].architecture, top1=0.5)
    assert len(history.records()) == 7
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    "content", [b"hello\n", b'{"op_code": 99}\n', b"\xff\xfe\x00\n", b"[]\n", b'{"a": 1}\n', b"3\n"]
)
def test_file_that_is_no_journal_is_refused_and_left_alone(tmp_path, content):
    journal = tmp_path / "optuna.journal"
    journal.write_bytes(content)
    with pytest.raises(RunError, match=r"optuna\.journal is not a readable Optuna journal"):
        open_study(journal, "run")
    assert journal.read_bytes() == content


def test_broken_line_in_the_middle_is_refused(filled, tmp_path):
    journal = tmp_path / "optuna.journal"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:3], lines[3][:40] + b"\n", *lines[4:]]))
    with pytest.raises(RunError, match="not a readable Optuna journal"):
        open_study(journal, "run")


def test_study_of_another_program_is_refused(tmp_path):
    journal = tmp_path / "optuna.journal"
    optuna.create_study(storage=optuna.storages.JournalStorage(JournalFileBackend(str(journal))), study_name="theirs")
    with pytest.raises(RunError) as caught:
        open_study(journal, "run")
    assert str(caught.value).endswith(
        "is another program's study: objectives ['minimize'], wanted ['maximize', 'minimize']"
    )


def test_proposal_is_plain_json_with_what_the_run_folder_s_description_names(filled):
    history, told = filled
    proposal = history.study.trials[0].user_attrs["proposal"]
    assert set(proposal) == {"architecture", "digest", "params", "macs", "seed", "attempts"}
    assert json.loads(json.dumps(proposal))["architecture"] == told[0].architecture.to_dict()
    result = history.study.trials[1].user_attrs["result"]
    assert set(result) == {"state", "top1", "split", "seconds", "reason", "curve"}
    assert (result["state"], result["reason"], result["split"]) == ("failed", "loss is not finite", "validation")
    assert history.study.trials[1].state == TrialState.FAIL
