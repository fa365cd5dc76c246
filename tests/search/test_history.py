import json
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock
from optuna.trial import TrialState

from seesaw_nas.architecture import cost
from seesaw_nas.core.errors import RunError
from seesaw_nas.search import records
from seesaw_nas.search.history.history import ILLEGAL, trial_seed, violations
from seesaw_nas.search.history.journal import open_study
from seesaw_nas.space import Budget, decode, genes
from seesaw_nas.training.epoch import Epoch

CURVE = (Epoch(1, 2.0, None, None, 0.5), Epoch(2, 1.0, 1.1, 0.75, 0.5))


def closed(history, architecture, state="complete", **more):
    """A whole trial, from proposal to telling."""
    number = history.add(architecture, "exact draw")
    record = replace(history[number], state=state, **more)
    history.finish(number, record)
    return record


@pytest.fixture
def filled(open_history, small_space, architectures):
    """A history of seven trials, one of each state in which one can end and two more that are on the front."""
    history = open_history(small_space)
    one, two, three, four, five, six, *_ = architectures
    told = [
        closed(history, one, top1=0.5, seconds=1.5, curve=CURVE),
        closed(history, two, "failed", reason="loss is not finite", seconds=0.25),
        closed(history, three, "infeasible", reason="outside"),
        closed(history, one, "duplicate", top1=0.5, reason="same architecture as trial 0"),
        closed(history, four, top1=0.75),
        closed(history, five, top1=0.25),
        closed(history, six, "stopped", reason="stopped after 2 of 9 epochs", curve=CURVE),
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
    assert (summary.study_name, summary.n_trials) == ("run", 7)
    assert [direction.name for direction in summary.directions] == ["MAXIMIZE", "MINIMIZE"]
    study = optuna.load_study(study_name=None, storage=storage)
    states = [trial.state.name for trial in study.trials]
    assert states == ["COMPLETE", "FAIL", "PRUNED", "COMPLETE", "COMPLETE", "COMPLETE", "PRUNED"]
    theirs = {tuple(trial.values) for trial in study.best_trials}
    ours = {(record.top1, float(record.macs)) for record in records.front(told)}
    assert theirs == ours
    assert study.trials[0].user_attrs["result"]["curve"][1]["top1"] == 0.75


@pytest.mark.parametrize(("macs", "above", "below"), [(90, -20.0, 10.0), (110, 0.0, -10.0), (130, 20.0, -30.0)])
def test_violations_count_what_lies_outside(macs, above, below):
    assert violations(macs, Budget(100, 110)) == {"above_budget": above, "below_budget": below}


def test_proposal_outside_the_budget_is_marked_with_a_violated_constraint(open_history, small_space, architectures):
    history = open_history(small_space, "50%")
    dear = max(architectures, key=cost.macs)
    number = history.add(dear)
    trial = history.study.trials[number]
    assert trial.constraints["above_budget"] == cost.macs(dear) - small_space.costliest_macs // 2 > 0


def test_asked_combination_that_is_no_architecture_says_why_and_is_marked(open_history, small_space, tmp_path):
    history = open_history(small_space)
    history.study.enqueue_trial(
        {name: choices[0] for name, choices in genes(small_space).items()}
        | {"stage1.block1.grouping": "1:2 shuffle", "stage1.block1.expansion": "1"}
    )
    number = history.ask()
    reason = "stage1.block1.grouping: 1:2 shuffle with expansion 1 does not fit between 9 and 9 channels"
    for record in (history[number], open_history(small_space)[number]):
        assert (record.state, record.architecture, record.macs, record.digest) == ("running", None, None, "")
        assert record.reason == reason
    history.finish(number, replace(history[number], state="infeasible"))
    trial = history.study.trials[number]
    assert trial.constraints == {ILLEGAL: 1.0}
    assert (trial.state, trial.values) == (TrialState.PRUNED, None)
    assert open_history(small_space)[number] == history[number]


def test_trial_that_was_begun_is_open_until_it_is_told(open_history, small_space, architectures):
    number = open_history(small_space).add(architectures[0], "exact draw")
    later = open_history(small_space)
    assert (later.open(), later.attempts(number)) == ([number], 1)
    assert (later[number].state, later[number].origin) == ("running", "exact draw")
    later.attempt(number)
    assert open_history(small_space).attempts(number) == 2
    later.forgive_attempt(number)
    assert open_history(small_space).attempts(number) == 1
    later.finish(number, replace(later[number], state="failed", reason="broke"))
    again = open_history(small_space)
    assert (again.open(), again.unreported(), again[number].reason) == ([], [], "broke")


def test_paused_trial_is_read_back_with_its_curve_and_is_not_open(open_history, small_space, architectures):
    history = open_history(small_space)
    number = history.add(architectures[0])
    history.pause(number, replace(history[number], curve=CURVE, seconds=1.0))
    later = open_history(small_space)
    assert later[number] == history[number]
    assert (later[number].state, later[number].top1, later[number].curve) == ("paused", None, CURVE)
    assert (later.open(), later.unreported()) == ([], [])
    assert later.study.trials[number].state == TrialState.RUNNING


def test_attempts_count_from_the_last_pause(open_history, small_space, architectures):
    history = open_history(small_space)
    number = history.add(architectures[0])
    history.attempt(number)
    assert history.attempts(number) == 2
    history.pause(number, replace(history[number], curve=CURVE))
    assert history.attempts(number) == open_history(small_space).attempts(number) == 0
    history.go_on(number)
    history.attempt(number)
    later = open_history(small_space)
    assert (history[number].state, later[number].state) == ("running", "paused")  # that it goes on is no result
    assert history.attempts(number) == later.attempts(number) == 1


def test_result_that_was_noted_but_not_told_is_found(filled, open_history, small_space, tmp_path):
    _, told = filled
    lines = (tmp_path / "optuna.journal").read_bytes().splitlines(keepends=True)
    journal = tmp_path / "cut.journal"
    journal.write_bytes(b"".join(lines[:-1]))  # without the telling of the last
    history = open_history(small_space, journal=journal)
    assert history.records() == told
    assert history.unreported() == [6]
    history.tell(6)
    assert history.unreported() == []
    assert history.study.trials[6].state == TrialState.PRUNED


def test_study_of_top1_alone_has_one_objective(open_history, small_space, architectures, tmp_path):
    history = open_history(small_space, objectives="top1")
    for architecture, top1 in zip(architectures, (0.5, 0.75, 0.25), strict=False):
        closed(history, architecture, top1=top1)
    assert [direction.name for direction in history.study.directions] == ["MAXIMIZE"]
    assert (history.study.best_trial.number, history.study.best_value) == (1, 0.75)
    with pytest.raises(RunError) as caught:
        open_study(tmp_path / "optuna.journal", "run")
    assert str(caught.value).endswith(
        "is another program's study: objectives ['maximize'], wanted ['maximize', 'minimize']"
    )


def asked(open_history, small_space, journal):
    history = open_history(small_space, journal=journal)
    history.study.sampler = optuna.samplers.RandomSampler(seed=3)
    return history, history.ask()


def test_trial_cut_off_while_its_genes_were_chosen_is_completed(open_history, small_space, tmp_path):
    history, _ = asked(open_history, small_space, tmp_path / "whole")
    lines = (tmp_path / "whole").read_bytes().splitlines(keepends=True)
    count = len(genes(small_space))
    assert len(lines) == 2 + count + 3  # study, trial, genes; two constraints and the proposal
    for kept in range(2, 2 + count):
        journal = tmp_path / f"cut{kept}"
        journal.write_bytes(b"".join(lines[:kept]))
        history = open_history(small_space, journal=journal)
        assert (len(history), history.open(), history.records()) == (0, [], [])
        history, number = asked(open_history, small_space, journal)
        assert (number, len(history), len(history.study.trials)) == (0, 1, 1)
        assert set(history.genotype(0)) == set(genes(small_space))


def test_proposal_cut_off_after_its_genes_is_read_as_it_would_have_been(open_history, small_space, tmp_path):
    whole, number = asked(open_history, small_space, tmp_path / "whole")
    lines = (tmp_path / "whole").read_bytes().splitlines(keepends=True)
    for kept in range(2 + len(genes(small_space)), len(lines)):
        journal = tmp_path / f"cut{kept}"
        journal.write_bytes(b"".join(lines[:kept]))
        history = open_history(small_space, journal=journal)
        assert (history.open(), history.attempts(number)) == ([0], 0)  # its training did not begin
        assert history[number] == whole[number]
        assert history.study.trials[0].constraints == whole.study.trials[0].constraints


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
    assert len(open_history(small_space, journal=journal).records()) == 8


def test_second_cut_keeps_the_first_fragment(filled, open_history, small_space, tmp_path):
    for fragment in (b'{"op_code":', b'{"op'):
        with (tmp_path / "optuna.journal").open("ab") as journal:
            journal.write(fragment)
        open_history(small_space)
    assert (tmp_path / "optuna.torn").read_bytes() == b'{"op_code":\n{"op\n'


def test_study_keeps_its_name_when_the_run_folder_is_renamed(filled, tmp_path):
    (tmp_path / "optuna.journal").rename(tmp_path / "moved.journal")
    study = open_study(tmp_path / "moved.journal", "another name")
    assert (study.study_name, len(study.trials)) == ("run", 7)


def test_lock_of_a_killed_process_is_waited_out(filled, open_history, small_space, tmp_path, monkeypatch):
    monkeypatch.setattr("seesaw_nas.search.history.journal.LOCK_GRACE_SECONDS", 0.5)
    lock = JournalFileSymlinkLock(str(tmp_path / "optuna.journal"), grace_period=None)
    lock.acquire()  # and never released
    with pytest.warns(UserWarning, match="grace"):
        history = open_history(small_space)
    closed(history, history.records()[2].architecture, top1=0.5)
    assert len(history.records()) == 8


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
    assert set(proposal) == {"architecture", "digest", "params", "macs", "origin", "attempts"}
    assert json.loads(json.dumps(proposal))["architecture"] == told[0].architecture.to_dict()
    result = history.study.trials[1].user_attrs["result"]
    assert set(result) == {"state", "top1", "split", "seed", "seconds", "reason", "attempts", "worker", "curve"}
    assert (result["state"], result["reason"], result["split"]) == ("failed", "loss is not finite", "validation")
    assert history.study.trials[1].state == TrialState.FAIL


def test_seeds_of_trials_differ_and_fit_every_generator():
    seeds = {trial_seed(seed, number) for seed in range(20) for number in range(50)}
    assert len(seeds) == 1000  # of 2**31: two equal by chance with probability 2e-4
    assert 0 <= min(seeds) < max(seeds) < 2**32  # what torch and numpy take


def test_seed_of_a_trial_follows_from_the_search_s_and_its_number(open_history, small_space, architectures):
    history = open_history(small_space, seed=4)
    numbers = [history.add(architecture) for architecture in architectures[:2]]
    assert [history[number].seed for number in numbers] == [trial_seed(4, 0), trial_seed(4, 1)]
    assert open_history(small_space, seed=4).records() == history.records()


@pytest.mark.parametrize("relative", [True, False])
def test_lock_of_a_process_killed_while_it_wrote_holds_nobody_up(tmp_path, monkeypatch, relative):
    monkeypatch.chdir(tmp_path)
    path = Path("runs/a/optuna.journal")
    path.parent.mkdir(parents=True)
    open_study(path, "a", "front")
    target = path if relative else path.absolute()  # the first points nowhere
    path.with_name("optuna.journal.lock").symlink_to(target)
    study = open_study(path, "a", "front")
    study.set_user_attr("written", 1)  # at once, or after Optuna's grace of three seconds
    assert open_study(path, "a", "front").user_attrs == {"written": 1}
