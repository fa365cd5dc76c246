import errno
import json
import os
from dataclasses import replace

import optuna
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from optuna.trial import TrialState

from seesaw_nas.architecture import cost
from seesaw_nas.core.errors import RunError
from seesaw_nas.search import records
from seesaw_nas.search.history import memory_study, optuna_private
from seesaw_nas.search.history.file_history import FileHistory
from seesaw_nas.search.history.history import ILLEGAL, trial_seed, violations
from seesaw_nas.search.history.lines import Content, dump
from seesaw_nas.search.history.trials_file import TrialsReader, read_records
from seesaw_nas.space import Budget, decode, encode, genes
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


def test_study_is_the_same_while_it_is_told_and_from_the_file_alone(filled, tmp_path):
    history, told = filled
    for study in (history.study, memory_study.study_of(TrialsReader(tmp_path / "trials.jsonl").read())):
        check_study(study, told)


def check_study(study, told):
    assert (study.study_name, len(study.trials)) == ("run", 7)
    assert [direction.name for direction in study.directions] == ["MAXIMIZE", "MINIMIZE"]
    states = [trial.state.name for trial in study.trials]
    assert states == ["COMPLETE", "FAIL", "PRUNED", "COMPLETE", "COMPLETE", "COMPLETE", "PRUNED"]
    theirs = {tuple(trial.values) for trial in study.best_trials}
    ours = {(record.top1, float(record.macs)) for record in records.front(told)}
    assert theirs == ours
    assert study.trials[0].user_attrs["result"]["curve"][1]["top1"] == 0.75


@pytest.mark.parametrize(("macs", "above", "below"), [(90, -20.0, 10.0), (110, 0.0, -10.0), (130, 20.0, -30.0)])
def test_violations_count_what_lies_outside(macs, above, below, architectures):
    assert violations(macs, Budget(100, 110), architectures[0]) == {"above_budget": above, "below_budget": below}


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
    assert (again.open(), again[number].reason) == ([], "broke")


def test_paused_trial_is_read_back_with_its_curve_and_is_not_open(open_history, small_space, architectures):
    history = open_history(small_space)
    number = history.add(architectures[0])
    history.pause(number, replace(history[number], curve=CURVE, seconds=1.0))
    later = open_history(small_space)
    assert later[number] == history[number]
    assert (later[number].state, later[number].top1, later[number].curve) == ("paused", None, CURVE)
    assert later.open() == []
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


def test_study_of_top1_alone_has_one_objective(open_history, small_space, architectures, tmp_path):
    history = open_history(small_space, objectives="top1")
    for architecture, top1 in zip(architectures, (0.5, 0.75, 0.25), strict=False):
        closed(history, architecture, top1=top1)
    assert [direction.name for direction in history.study.directions] == ["MAXIMIZE"]
    assert (history.study.best_trial.number, history.study.best_value) == (1, 0.75)
    with pytest.raises(RunError) as caught:
        open_history(small_space)
    assert str(caught.value).endswith(
        "trials.jsonl is the history of another search: objectives top1, wanted front; name another file"
    )


def test_genes_that_a_sampler_chose_are_read_back_where_they_do_not_count(open_history, small_space):
    history = open_history(small_space)
    history.study.enqueue_trial(
        {name: choices[-1] for name, choices in genes(small_space).items()} | {"stage2.repeats": "1"}
    )
    number = history.ask()
    chosen = history.genotype(number)
    assert chosen["stage2.block2.expansion"] == "2"  # of a block that the architecture lacks; its own genes say 1
    assert encode(small_space, history[number].architecture)["stage2.block2.expansion"] == "1"
    later = open_history(small_space)
    assert (later[number], later.genotype(number)) == (history[number], chosen)
    assert later.study.trials[number].params == history.study.trials[number].params == chosen


def test_sampler_that_breaks_leaves_nothing_behind(open_history, small_space, architectures):
    class Broken(optuna.samplers.RandomSampler):
        def sample_independent(self, study, trial, name, distribution):
            if name == "stage2.repeats":
                raise ZeroDivisionError
            return super().sample_independent(study, trial, name, distribution)

    history = open_history(small_space)
    closed(history, architectures[0], top1=0.5)
    history.study.sampler = Broken()
    with pytest.raises(ZeroDivisionError):
        history.ask()
    assert (len(history), len(open_history(small_space))) == (1, 1)
    history.study.sampler = optuna.samplers.RandomSampler(seed=0)
    assert history.ask() == 1
    assert [trial.number for trial in history.study.trials] == [0, 1]


def test_what_a_sampler_notes_of_study_and_trials_is_read_back(open_history, small_space):
    class Noting(optuna.samplers.RandomSampler):
        def sample_relative(self, study, trial, space):
            study._storage.set_trial_system_attr(trial._trial_id, "chosen by", "Noting")
            study._storage.set_study_system_attr(study._study_id, f"asked {trial.number}", [trial.number])
            return {}

        def after_trial(self, study, trial, state, values):
            study._storage.set_trial_system_attr(trial._trial_id, "told", state.name)

    history = open_history(small_space)
    history.study.sampler = Noting(seed=0)
    number = history.ask()
    history.finish(number, replace(history[number], state="complete", top1=0.5))
    for one in (history, open_history(small_space)):
        attributes = one.study.trials[number].system_attrs
        assert (attributes["chosen by"], attributes["told"]) == ("Noting", "COMPLETE")
        assert optuna_private.study_attributes(one.study) == {"asked 0": [0]}


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_any_cut_in_the_last_line_is_survived_and_the_fragment_kept(filled, open_history, small_space, tmp_path, data):
    _, told = filled
    whole = (tmp_path / "trials.jsonl").read_bytes()
    *others, last = whole.splitlines(keepends=True)
    kept = data.draw(st.integers(0, len(last) - 1), label="bytes left of the last line")
    journal, torn = tmp_path / "cut.jsonl", tmp_path / "cut.torn"
    torn.unlink(missing_ok=True)
    journal.write_bytes(b"".join(others) + last[:kept])
    assert read_records(journal)[:-1] == told[:-1]  # by one who only looks
    history = open_history(small_space, journal=journal)
    assert history.records()[:-1] == told[:-1]
    assert journal.read_bytes() == b"".join(others)
    assert (torn.read_bytes() if torn.exists() else b"") == (last[:kept] + b"\n" if kept else b"")
    closed(history, told[1].architecture, top1=0.5)  # what is written next is read again
    assert len(open_history(small_space, journal=journal).records()) == 8


def test_header_that_was_cut_off_is_written_again(open_history, small_space, architectures, tmp_path):
    open_history(small_space)
    (header,) = (tmp_path / "trials.jsonl").read_bytes().splitlines(keepends=True)
    for kept in (0, 5, len(header) - 1):
        path = tmp_path / f"{kept}.jsonl"
        path.write_bytes(header[:kept])
        assert read_records(path) == []
        closed(open_history(small_space, journal=path), architectures[0], top1=0.5)
        assert len(open_history(small_space, journal=path)) == 1


def test_second_cut_keeps_the_first_fragment(filled, open_history, small_space, tmp_path):
    for fragment in (b'{"propose":', b'{"en'):
        with (tmp_path / "trials.jsonl").open("ab") as journal:
            journal.write(fragment)
        open_history(small_space)
    assert (tmp_path / "trials.torn").read_bytes() == b'{"propose":\n{"en\n'


def test_study_keeps_its_name_when_the_run_folder_is_renamed(filled, small_space, tmp_path):
    (tmp_path / "trials.jsonl").rename(tmp_path / "moved.jsonl")
    own = Budget(0, small_space.costliest_macs)
    history = FileHistory(tmp_path / "moved.jsonl", small_space, own, name="another name")
    assert (history.study.study_name, len(history.study.trials)) == ("run", 7)


def test_nothing_beside_the_file_is_left(filled, tmp_path):
    assert [path.name for path in tmp_path.iterdir()] == ["trials.jsonl"]


class FullDisk:
    """Takes so many more bytes, then fails as a full disk does, until it is emptied."""

    def __init__(self, monkeypatch, left):
        self.left, self._write = left, os.write
        monkeypatch.setattr(os, "write", self)

    def __call__(self, descriptor, data):
        if len(data) > self.left:
            if not self.left:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            data = data[: self.left]
        self.left -= len(data)
        return self._write(descriptor, data)


@pytest.mark.parametrize("left", [0, 1, 40])
@pytest.mark.parametrize("cut_at_once", [True, False])
def test_full_disk_leaves_the_file_whole_for_the_next_line(
    filled, open_history, small_space, architectures, tmp_path, monkeypatch, left, cut_at_once
):
    history, _ = filled
    path = tmp_path / "trials.jsonl"
    whole = path.read_bytes()
    truncate = os.ftruncate

    def failing(descriptor, size):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    if not cut_at_once:
        monkeypatch.setattr(os, "ftruncate", failing)
    disk = FullDisk(monkeypatch, left)
    with pytest.raises(OSError, match="No space left"):
        history.add(architectures[7])
    assert path.read_bytes().startswith(whole)
    assert (path.read_bytes() == whole) == (cut_at_once or not left)
    disk.left = 10**9
    monkeypatch.setattr(os, "ftruncate", truncate)
    closed(history, architectures[7], top1=0.5)
    assert path.read_bytes().startswith(whole + b'{"propose":7,')
    assert open_history(small_space).records() == history.records()
    assert len(history.study.trials) == 8


def test_file_that_somebody_else_wrote_to_is_not_written_to(filled, open_history, small_space, architectures):
    history, _ = filled
    closed(open_history(small_space), architectures[7], top1=0.5)
    with pytest.raises(RunError, match=r"trials.jsonl was written to from elsewhere since it was opened here; open it"):
        history.add(architectures[8])
    assert len(open_history(small_space)) == 8


@pytest.mark.parametrize(
    "content",
    [b"hello", b"hello\n", b'{"op_code": 99}\n', b"\xff\xfe\x00\n", b"[]\n", b'{"a": 1}\n', b"3\n", b"\n", b"[" * 9999],
)
def test_file_that_is_no_history_is_refused_and_left_alone(open_history, small_space, tmp_path, content):
    path = tmp_path / "trials.jsonl"
    path.write_bytes(content)
    with pytest.raises(RunError, match=r"trials\.jsonl is not a readable history of a search: line 1: "):
        open_history(small_space)
    assert path.read_bytes() == content


def test_history_of_a_newer_release_is_refused(filled, open_history, small_space, tmp_path):
    path = tmp_path / "trials.jsonl"
    path.write_bytes(path.read_bytes().replace(b'{"schema_version":1', b'{"schema_version":2', 1))
    with pytest.raises(RunError, match="line 1: it has schema version 2, this release reads up to 1"):
        open_history(small_space)


def test_history_of_another_space_is_refused(filled, open_history, tiny_space):
    with pytest.raises(RunError, match="in a space with other choices than 'odd'; name another file"):
        open_history(tiny_space)


# Line 2 proposes trial 0, line 3 ends it with top1 0.5 and two epochs; line 4 proposes trial 1, line 5 ends it.
@pytest.mark.parametrize(
    ("line", "old", "new", "text"),
    [
        (3, '"state":"complete"', '"state":"done"', "state: a state in which a trial ends is wanted, got 'done'"),
        (3, '"state":"complete"', '"state":"running"', "state: a state in which a trial ends is wanted, got 'running'"),
        (3, '"state":"complete"', '"state":["complete"]', "state: a state in which a trial ends is wanted"),
        (3, '"top1":0.5', '"top1":"0.5"', "top1: a finite number or null is wanted, got '0.5'"),
        (3, '"top1":0.5', '"top1":true', "top1: a finite number or null is wanted, got True"),
        (3, '"top1":0.5', '"top1":NaN', "top1: a finite number or null is wanted, got nan"),
        (3, '"top1":0.5', '"top1":1e999', "top1: a finite number or null is wanted, got inf"),
        (3, '"seconds":1.5', '"seconds":-1.5', "seconds: a number of seconds from 0 on is wanted, got -1.5"),
        (3, "[2.0,null,null,0.5]", "[2.0,null,null]", "curve: a list with an entry [train_loss, loss, top1, seconds]"),
        (3, "[2.0,null,null,0.5]", '[2.0,null,"a",0.5]', "curve: a list with an entry"),
        (3, '"after":0', '"after":7', "after: at most the 0 epochs that are known are wanted, got 7"),
        (3, '{"end":0', '{"end":9', "trial 9 was not proposed"),
        (3, '{"end":0', '{"end":-1', "end: a whole number from 0 on is wanted, got -1"),
        (
            3,
            '{"end":0',
            '{"ending":0',
            "a line about propose, attempt, pause, end, note, study, attributes is wanted",
        ),
        (2, '"seed":', '"seed":-', "seed: a whole number from 0 on is wanted, got -"),
        (2, '"macs":', '"macs":1e3,"x":', "macs: a whole number from 0 on is wanted, got 1000.0"),
        (2, '"params":', '"params":null,"x":', "params: a whole number from 0 on is wanted, got None"),
        (2, '"macs":', '"mac":', "unknown field 'mac', did you mean 'macs'?"),
        (2, '"origin":"exact draw",', "", "the field origin is missing"),
        (2, '"genes":"', '"genes":"0', "genes: a choice for each of the 7 genes of the first line is wanted"),
        (2, '"genes":"1', '"genes":"z', "genes: a choice for each of the 7 genes of the first line is wanted"),
        (2, '"genes":"1', '"genes":"/', "genes: a choice for each of the 7 genes of the first line is wanted"),
        (2, "1x8>10", "1x8>ten", "an architecture such as '3x32>10 16/1 24/2=6k3s1:3 1280' is wanted, got '1x8>ten'"),
        (2, "1x8>10", "1x8>1", "classes: at least 2 is wanted, got 1"),
        (4, '{"propose":1', '{"propose":0', "the next proposal is of trial 1, got trial 0"),
        (4, '"genes":', '"genes":' + "[" * 99_999, "it is nested too deeply"),
        (4, '"macs":', '"macs":' + "9" * 5_000, "Exceeds the limit (4300 digits)"),
        (4, '"seed":', '"seed":"', "Expecting ',' delimiter"),
        (4, '{"propose":1', '{}{"propose":1', "Extra data"),
    ],
)
def test_damaged_line_is_told_with_its_number(filled, open_history, small_space, tmp_path, line, old, new, text):
    path = tmp_path / "trials.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    assert old in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(old, new, 1)
    path.write_text("".join(lines))
    for read in (lambda: open_history(small_space), lambda: read_records(path)):
        with pytest.raises(RunError) as caught:
            read()
        assert str(caught.value).startswith(f"{path} is not a readable history of a search: line {line}: {text}")


def test_lines_may_have_blanks_around_them(filled, tmp_path):
    path = tmp_path / "trials.jsonl"
    before = read_records(path)
    assert len(before) == 7
    path.write_bytes(b"".join(b"\t " + line + b" \r\n" for line in path.read_bytes().splitlines()))
    assert read_records(path) == before


def test_more_genes_than_any_network_has_are_refused(filled, tmp_path):
    path = tmp_path / "trials.jsonl"
    header = json.loads(path.read_text().splitlines()[0])
    path.write_text(json.dumps(header | {"genes": {f"gene{n}": ["a", "b"] for n in range(10_001)}}) + "\n")
    with pytest.raises(RunError, match="line 1: genes: at most 10,000 are wanted, got 10,001; restore the file"):
        read_records(path)


@pytest.mark.parametrize("last", ["9", "[", "\\", "]", "^", "|", "~", "\N{SNOWMAN}"])
def test_letter_of_a_gene_may_be_one_that_patterns_give_a_meaning(last):
    content = Content()
    choices = [f"choice {n}" for n in range(ord(last) - ord("0") + 1)]
    content.take(
        dump({"schema_version": 1, "study": "a", "objectives": "front", "budget": [0, 9], "genes": {"g": choices}})
    )
    proposal = {"propose": 0, "origin": "", "attempts": 1, "seed": 1}
    with pytest.raises(ValueError, match="a choice for each of the 1 genes of the first line is wanted"):
        content.take(dump(proposal | {"genes": chr(ord(last) + 1)}))
    content.take(dump(proposal | {"genes": last}))
    assert content.genotypes[0] == {"g": choices[-1]}


@pytest.mark.parametrize("line", range(1, 16))
def test_doubled_line_is_refused(filled, tmp_path, line):
    path = tmp_path / "trials.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    assert len(lines) == 15  # the header, seven proposals and seven ends
    path.write_bytes(b"".join([*lines[:line], *lines[line - 1 :]]))
    with pytest.raises(RunError, match=rf"is not a readable history of a search: line {line + 1}: "):
        read_records(path)


def test_reader_takes_in_what_is_appended(open_history, small_space, architectures, tmp_path):
    reader = TrialsReader(tmp_path / "trials.jsonl")
    assert reader.read().trials == []  # there is no file yet
    history = open_history(small_space)
    for count, architecture in enumerate(architectures[:3], start=1):
        closed(history, architecture, top1=0.25 * count)
        size = (tmp_path / "trials.jsonl").stat().st_size
        assert [trial.top1 for trial in reader.read().trials] == [0.25, 0.5, 0.75][:count]
        assert reader.offset == size
    assert reader.records() == history.records()
    (tmp_path / "trials.jsonl").unlink()
    closed(open_history(small_space), architectures[5], top1=0.125)  # another run took its place
    assert [trial.top1 for trial in reader.read().trials] == [0.125]


def test_each_pause_writes_only_its_own_epochs(open_history, small_space, architectures, tmp_path):
    curve = tuple(Epoch(n, 2.0, 1.5, n / 10, 0.25) for n in range(1, 10))
    history = open_history(small_space)
    number = history.add(architectures[0])
    for until in (1, 3):
        history.pause(number, replace(history[number], curve=curve[:until]))
    history.finish(number, replace(history[number], state="complete", top1=0.9, curve=curve))
    entries = [json.loads(line) for line in (tmp_path / "trials.jsonl").read_text().splitlines()[2:]]
    assert [(len(entry["curve"]), entry["after"]) for entry in entries] == [(1, 0), (2, 1), (6, 3)]
    assert open_history(small_space)[number].curve == curve
    other = history.add(architectures[1])
    history.pause(other, replace(history[other], curve=curve[:3]))
    again = tuple(replace(epoch, train_loss=1.0) for epoch in curve[:4])  # trained anew, without its checkpoint
    history.finish(other, replace(history[other], state="failed", curve=again))
    assert open_history(small_space)[other].curve == again


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
