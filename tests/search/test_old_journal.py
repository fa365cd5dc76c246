"""Histories of earlier versions, in a journal of Optuna's: read, converted once, and gone on with."""

from dataclasses import replace

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from seesaw_nas.core.errors import RunError
from seesaw_nas.search.history import old_journal
from seesaw_nas.search.history.file_history import FileHistory
from seesaw_nas.search.history.study_history import StudyHistory
from seesaw_nas.search.history.trials_file import TrialsReader
from seesaw_nas.search.objectives import directions
from seesaw_nas.space import Budget, genes
from seesaw_nas.training.epoch import Epoch

CURVE = (Epoch(1, 2.0, None, None, 0.5), Epoch(2, 1.0, 1.1, 0.75, 0.5))


@pytest.fixture
def journal(tmp_path):
    return tmp_path / "optuna.journal"


@pytest.fixture
def budget(small_space):
    return Budget(0, small_space.costliest_macs)


@pytest.fixture
def before(journal, small_space, budget, architectures):
    """The history that an earlier version wrote: trials of every kind, the last one cut off while genes were chosen."""
    storage = JournalStorage(JournalFileBackend(str(journal)))
    study = optuna.create_study(storage=storage, study_name="old", directions=directions("front"))
    history = StudyHistory(study, small_space, budget, seed=4)
    told = ({"state": "complete", "top1": 0.5, "seconds": 1.5, "curve": CURVE}, {"state": "failed", "reason": "broke"})
    for architecture, result in zip(architectures, told, strict=False):
        number = history.add(architecture, "exact draw")
        history.finish(number, replace(history[number], **result))
    number = history.add(architectures[3], "exact draw")
    history.pause(number, replace(history[number], curve=CURVE, seconds=1.0))
    study.enqueue_trial({name: choices[-1] for name, choices in genes(small_space).items()} | {"stage2.repeats": "1"})
    number = history.ask()
    history.finish(number, replace(history[number], state="complete", top1=0.75))
    history.attempt(history.add(architectures[4], "exact draw"))
    history.note("taken over", 1)
    study.ask()
    return history


def test_records_are_read_as_they_were(before, journal):
    records = old_journal.read_records(journal)
    assert [(record.number, record.state) for record in records] == list(
        enumerate(["complete", "failed", "paused", "complete", "running"])
    )
    assert records[:4] == before.records()[:4]
    genotypes, again = old_journal.read_with_genotypes(journal)
    assert again == records
    assert genotypes[3] == before.genotype(3)


def test_converted_history_says_the_same(before, journal, small_space, budget, tmp_path):
    was = journal.read_bytes()
    old_journal.convert(journal, tmp_path / "trials.jsonl", small_space, budget, seed=4)
    assert journal.read_bytes() == was
    history = FileHistory(tmp_path / "trials.jsonl", small_space, budget, seed=4)
    assert history.records() == before.records()
    assert history.complete == before.complete
    assert [history.genotype(number) for number in range(5)] == [before.genotype(number) for number in range(5)]
    assert [history.attempts(number) for number in range(5)] == [before.attempts(number) for number in range(5)]
    assert (history.attempts(4), history.notes) == (2, {"taken over": 1})
    assert history.open() == [4]
    *trials, cut_off = before.study.trials
    assert cut_off.state == TrialState.RUNNING
    for one, other in zip(history.study.trials, trials, strict=True):
        assert (one.number, one.state, one.values, one.params) == (
            other.number,
            other.state,
            other.values,
            other.params,
        )
        assert (one.constraints, one.system_attrs) == (other.constraints, other.system_attrs)
    assert history.study.study_name == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["optuna.journal", "trials.jsonl"]


def test_journal_is_replaced_where_it_has_the_name_of_the_new_file(before, journal, small_space, budget):
    was = journal.read_bytes()
    assert old_journal.is_old_journal(journal)
    old_journal.convert(journal, journal, small_space, budget, seed=4)
    assert not old_journal.is_old_journal(journal)
    assert len(TrialsReader(journal).read().trials) == 5
    assert journal.with_name("optuna.journal.optuna").read_bytes() == was


def test_torn_line_is_passed_over(before, journal, small_space, budget, tmp_path):
    journal.write_bytes(journal.read_bytes() + b'{"op_co')
    assert len(old_journal.read_records(journal)) == 5
    old_journal.convert(journal, tmp_path / "trials.jsonl", small_space, budget)
    assert len(TrialsReader(tmp_path / "trials.jsonl").read().trials) == 5


def test_lock_that_a_killed_process_left_is_gone_after_the_conversion(before, journal, small_space, budget, tmp_path):
    lock = journal.with_name(journal.name + ".lock")
    lock.symlink_to(tmp_path / "gone")  # as Optuna's locks are
    old_journal.convert(journal, tmp_path / "trials.jsonl", small_space, budget)
    assert not lock.is_symlink()
    assert journal.exists()


def test_empty_journal_begins_an_empty_history(journal, small_space, budget, tmp_path):
    journal.write_bytes(b"")
    assert old_journal.read_records(journal) == []
    old_journal.convert(journal, tmp_path / "trials.jsonl", small_space, budget)
    assert FileHistory(tmp_path / "trials.jsonl", small_space, budget).records() == []


@pytest.mark.parametrize("content", [b"hello\n", b'{"op_code": 99}\n', b"\xff\xfe\x00\n", b"[]\n", b'{"a": 1}\n'])
def test_file_that_is_no_journal_is_refused(journal, small_space, budget, tmp_path, content):
    journal.write_bytes(content)
    with pytest.raises(RunError, match=r"optuna\.journal is not a readable Optuna journal"):
        old_journal.read_records(journal)
    with pytest.raises(RunError, match=r"optuna\.journal is not a readable Optuna journal"):
        old_journal.convert(journal, tmp_path / "trials.jsonl", small_space, budget)
    assert not (tmp_path / "trials.jsonl").exists()


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ('"state":"complete"', '"state":"done"', "trial 0: state: the state of a trial is wanted, got 'done'"),
        ('"top1":0.5', '"top1":"a"', "trial 0: top1: a finite number or null is wanted, got 'a'"),
        ('"seconds":1.5', '"seconds":null', "trial 0: seconds: a number of seconds from 0 on is wanted, got None"),
        ('"seed":', '"seed":-', "trial 0: seed: a whole number from 0 on is wanted, got -"),
        ('"macs":', '"macs":"a","x":', "trial 0: macs: a whole number from 0 on is wanted, got 'a'"),
        ('"curve":[', '"curve":[3,', "trial 0: an epoch of a curve is an object, got 3"),
        ('"train_loss":2.0', '"train_loss":"a"', "trial 0: train_loss: a number is wanted, got 'a'"),
    ],
)
def test_damaged_field_is_told_in_one_line(before, journal, old, new, text):
    content = journal.read_text()
    assert old in content
    journal.write_text(content.replace(old, new, 1))
    with pytest.raises(RunError) as caught:
        old_journal.read_records(journal)
    assert f"{journal} is damaged: {text}" in str(caught.value)


def test_journal_of_another_program_is_refused(journal, small_space, budget, tmp_path):
    optuna.create_study(storage=JournalStorage(JournalFileBackend(str(journal))), study_name="theirs")
    with pytest.raises(RunError) as caught:
        old_journal.convert(journal, tmp_path / "trials.jsonl", small_space, budget)
    assert str(caught.value).endswith(
        "is another program's study: objectives ['minimize'], wanted ['maximize', 'minimize']"
    )
