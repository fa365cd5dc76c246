"""Small tables of real trainings: whole, interrupted and gone on with, and refused."""

import json
import os
from dataclasses import replace

import pytest
import torch

from seesaw_nas.architecture import cost
from seesaw_nas.core.errors import OptionError, RunError, TrainingFailed
from seesaw_nas.evaluators import table
from seesaw_nas.evaluators.trained import TrainedEvaluator
from seesaw_nas.search.listener import Listener
from seesaw_nas.search.settings import SearchSettings
from seesaw_nas.workflows import tabulate
from seesaw_nas.workflows.preview import preview_table

FEW = SearchSettings.of(dataset="digits", budget="400K", trials=2, epochs=1, train_size=64, seed=3, device="cpu")


class Killed(BaseException):
    """The process ends here."""


class Heard(Listener):
    def __init__(self):
        self.begun_ones, self.epochs, self.steps = [], 0, 0

    def begun(self, number, architecture, macs):
        self.begun_ones.append((number, architecture.digest, macs))

    def epoch(self, epoch):
        self.epochs += 1

    def step(self, done, total):
        self.steps += 1


@pytest.fixture(autouse=True)
def _no_fsync(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture(scope="module")
def heard():
    return Heard()


@pytest.fixture(scope="module")
def path(tmp_path_factory, heard):
    """A table made in one go."""
    path = tmp_path_factory.mktemp("whole") / "new" / "digits.parquet"
    tabulate.tabulate(FEW, path, seeds=2, listener=heard)
    return path


@pytest.fixture(scope="module")
def whole(path):
    return table.read(path)


def without_times(found):
    """What must not depend on when, and how often interrupted, it was made."""
    entries = [
        (entry.architecture, {s: [replace(e, seconds=0.0) for e in curve] for s, curve in entry.curves.items()})
        for entry in found.entries
    ]
    about = {name: value for name, value in found.about.items() if name != "conditions"}
    return found.subject, found.epochs, json.loads(json.dumps(about)), entries


@pytest.fixture
def interrupt(monkeypatch):
    """Lets the process end, or the training fail, at the trainings of these numbers."""
    evaluate = TrainedEvaluator.evaluate

    def at(*numbers, error=Killed):
        asked = iter(range(100))

        def evaluate_or_not(self, architecture, **more):
            if next(asked) in numbers:
                raise error("out of memory")
            return evaluate(self, architecture, **more)

        monkeypatch.setattr(TrainedEvaluator, "evaluate", evaluate_or_not)

    return at


# --- whole


def test_table_holds_every_training_and_what_it_was_made_under(whole):
    assert len(whole.entries) == 2
    assert len({entry.architecture.digest for entry in whole.entries}) == 2
    for entry in whole.entries:
        assert entry.macs <= 400_000
        assert sorted(entry.curves) == [3, 4]  # the settings' seed and the next
        assert [[epoch.epoch for epoch in curve] for curve in entry.curves.values()] == [[1], [1]]
    assert (whole.subject.name, whole.subject.n_train, whole.epochs) == ("digits", 64, 1)
    assert (whole.space, whole.recipe, whole.budget) == ("seesaw-digits", "quick", "400000")
    assert (whole.about["seeds"], whole.about["failed"]) == (2, 0)
    assert whole.about["settings"]["trials"] == 2
    assert "torch" in whole.about["conditions"]


def test_training_is_the_one_that_a_trial_would_be(whole):
    from seesaw_nas.workflows.problem import make_problem

    entry = whole.entries[1]
    (epoch,) = make_problem(FEW).evaluator.evaluate(entry.architecture, seed=4).curve
    assert replace(epoch, seconds=0.0) == replace(entry.curves[4][0], seconds=0.0)


def test_listener_is_told_of_each_training(heard, whole):
    one, two = ((entry.architecture.digest, entry.macs) for entry in whole.entries)
    assert heard.begun_ones == [(0, *one), (1, *one), (2, *two), (3, *two)]
    assert heard.epochs == 4
    assert heard.steps >= 4


def test_nothing_but_the_table_is_left(path, whole):
    assert [file.name for file in path.parent.iterdir()] == ["digits.parquet"]


# --- interrupted


@pytest.mark.parametrize("number", range(4))
def test_table_gone_on_with_equals_the_one_made_in_one_go(whole, interrupt, tmp_path, number):
    path, heard = tmp_path / "digits.parquet", Heard()
    interrupt(number)
    with pytest.raises(Killed):
        tabulate.tabulate(FEW, path, seeds=2)
    assert [file.name for file in tmp_path.iterdir()] == ["digits.parquet.part.jsonl"]
    interrupt()
    found = tabulate.tabulate(FEW, path, seeds=2, listener=heard)
    assert [begun[0] for begun in heard.begun_ones] == list(range(number, 4))  # what is done is not done again
    assert without_times(found) == without_times(table.read(path)) == without_times(whole)
    assert [file.name for file in tmp_path.iterdir()] == ["digits.parquet"]


@pytest.mark.parametrize("kept", [0.0, 0.5, 0.99])
@pytest.mark.parametrize("lines", [0, 1, 2])
def test_torn_last_line_is_done_again(whole, interrupt, tmp_path, lines, kept):
    path, part, heard = tmp_path / "digits.parquet", tmp_path / "digits.parquet.part.jsonl", Heard()
    interrupt(2)
    with pytest.raises(Killed):
        tabulate.tabulate(FEW, path, seeds=2)
    content = part.read_bytes().splitlines(keepends=True)
    assert len(content) == 3  # what it is, and two trainings
    part.write_bytes(b"".join(content[:lines]) + content[lines][: int(kept * len(content[lines]))])
    interrupt()
    found = tabulate.tabulate(FEW, path, seeds=2, listener=heard)
    assert len(heard.begun_ones) == 4 - max(0, lines - 1)
    assert without_times(found) == without_times(whole)


# --- failed trainings


def test_failed_training_is_counted_and_left_out(whole, interrupt, tmp_path):
    interrupt(1, error=TrainingFailed)
    tabulate.tabulate(FEW, tmp_path / "t.parquet", seeds=2)
    found = table.read(tmp_path / "t.parquet")
    assert found.about["failed"] == 1
    assert [sorted(entry.curves) for entry in found.entries] == [[3], [3, 4]]


def test_failed_training_is_not_begun_again(interrupt, tmp_path):
    interrupt(1, 2, error=TrainingFailed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table, "write", lambda path, found: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            tabulate.tabulate(FEW, tmp_path / "t.parquet", seeds=2)
    interrupt(*range(100))
    found = tabulate.tabulate(FEW, tmp_path / "t.parquet", seeds=2)
    assert found.about["failed"] == 2
    assert [sorted(entry.curves) for entry in found.entries] == [[3], [4]]


def test_architecture_whose_trainings_all_failed_is_left_out(whole, interrupt, tmp_path):
    interrupt(0, 1, error=TrainingFailed)
    found = tabulate.tabulate(FEW, tmp_path / "t.parquet", seeds=2)
    assert [entry.architecture for entry in found.entries] == [whole.entries[1].architecture]


def test_nothing_is_written_where_every_training_failed(interrupt, tmp_path):
    interrupt(*range(4), error=TrainingFailed)
    with pytest.raises(RunError) as caught:
        tabulate.tabulate(FEW, tmp_path / "t.parquet", seeds=2)
    assert str(caught.value) == "every training failed, so there is nothing to write"
    assert not (tmp_path / "t.parquet").exists()


def test_small_space_is_recorded_whole(interrupt, tmp_path):
    """Where fewer fit than are wanted: the cheapest of seesaw-digits alone."""
    interrupt(*range(1, 100), error=TrainingFailed)
    cheapest = FEW.load_space(8, 1, 10).cheapest_macs
    found = tabulate.tabulate(FEW.replace(budget=str(cheapest), trials=50), tmp_path / "t.parquet", seeds=1)
    assert [cost.macs(entry.architecture) for entry in found.entries] == [cheapest]


# --- refused


def test_existing_file_is_left_alone(tmp_path):
    path = tmp_path / "t.parquet"
    path.write_text("mine")
    with pytest.raises(RunError) as caught:
        tabulate.tabulate(FEW, path)
    assert str(caught.value) == f"{path} exists already and nothing is overwritten; choose another name"
    assert path.read_text() == "mine"


def test_no_seed_is_refused(tmp_path):
    with pytest.raises(OptionError, match=r"^--seeds must be at least 1, got 0$"):
        tabulate.tabulate(FEW, tmp_path / "t.parquet", seeds=0)


@pytest.mark.parametrize(
    ("change", "seeds", "says"),
    [
        ({"epochs": 2}, 2, "epochs: 1 in {part}, 2 in what is wanted now"),
        ({"budget": "300K"}, 2, "budget: 0 to 400,000 in {part}, 0 to 300,000 in what is wanted now"),
        (
            {"seed": 0},
            2,
            "seed: 3 in {part}, 0 in what is wanted now",
        ),
        ({"trials": 3}, 2, "2 architectures with 2 seeds each, now 3 with 2"),
        ({}, 3, "2 architectures with 2 seeds each, now 2 with 3"),
    ],
)
def test_table_begun_under_other_settings_is_refused_and_kept(interrupt, tmp_path, change, seeds, says):
    path, part = tmp_path / "t.parquet", tmp_path / "t.parquet.part.jsonl"
    interrupt(0)
    with pytest.raises(Killed):
        tabulate.tabulate(FEW, path, seeds=2)
    before = part.read_bytes()
    with pytest.raises(RunError) as caught:
        tabulate.tabulate(FEW.replace(**change), path, seeds=seeds)
    assert str(caught.value) == (
        f"{part} is the beginning of another table: {says.format(part=part)}; finish that, or delete it to start anew"
    )
    assert part.read_bytes() == before


@pytest.mark.parametrize(
    "lines", ["hello", "[]\n[]", '{}\n{"digest": "a"}', '{}\n{"digest": "a", "seed": 0, "curve": [3]}']
)
def test_file_of_something_else_in_its_place_is_refused_and_kept(tmp_path, lines):
    part = tmp_path / "t.parquet.part.jsonl"
    part.write_text(lines + "\n")
    with pytest.raises(RunError) as caught:
        tabulate.tabulate(FEW, tmp_path / "t.parquet")
    assert str(caught.value).startswith(f"{part} is ")
    assert str(caught.value).endswith("delete it to start anew")
    assert part.read_text() == lines + "\n"


def test_beginning_that_does_not_say_how_much_was_wanted_is_refused(interrupt, tmp_path):
    part = tmp_path / "t.parquet.part.jsonl"
    interrupt(0)
    with pytest.raises(Killed):
        tabulate.tabulate(FEW, tmp_path / "t.parquet")
    about = json.loads(part.read_text().splitlines()[0])
    del about["seeds"]
    part.write_text(json.dumps(about) + "\n")
    with pytest.raises(RunError, match="of how many architectures and seeds is not recorded, now 2 with 3"):
        tabulate.tabulate(FEW, tmp_path / "t.parquet")


@pytest.mark.parametrize(
    ("change", "twice", "says"),
    [
        ({"top1": 5.0}, False, "top1: a fraction from 0 to 1 is wanted, got 5.0"),
        ({"epoch": 7}, False, "epoch: the epochs of a training of 'a' do not count up from 1"),
        ({"top1": None}, False, "top1: the last epoch of a training of 'a' has none"),
        ({}, True, "digest: 'a' with seed 0 is there twice"),
    ],
)
def test_figures_that_no_training_has_are_refused_before_more_is_trained(interrupt, tmp_path, change, twice, says):
    part = tmp_path / "t.parquet.part.jsonl"
    interrupt(0)
    with pytest.raises(Killed):
        tabulate.tabulate(FEW, tmp_path / "t.parquet")
    epoch = {"epoch": 1, "train_loss": 2.0, "loss": 2.0, "top1": 0.5, "seconds": 1.0} | change
    line = json.dumps({"digest": "a", "seed": 0, "curve": [epoch]}) + "\n"
    part.write_text(part.read_text().splitlines(keepends=True)[0] + line * (1 + twice))
    with pytest.raises(RunError) as caught:
        tabulate.tabulate(FEW, tmp_path / "t.parquet")
    assert str(caught.value) == f"{part} is not the beginning of a table ({says}); delete it to start anew"


@pytest.mark.parametrize("content", ['{}\n{"dig'.encode("utf-16"), b'{"a": 1}\n{"b'])
def test_a_file_that_is_refused_is_left_as_it_is(tmp_path, content):
    part = tmp_path / "t.parquet.part.jsonl"
    part.write_bytes(content)
    with pytest.raises(RunError, match=r"t\.parquet\.part\.jsonl (is not the beginning of a table|does not say)"):
        tabulate.tabulate(FEW, tmp_path / "t.parquet")
    assert part.read_bytes() == content


def test_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"^cannot write .*t\.parquet\.part\.jsonl: .*; choose another place$"):
        tabulate.tabulate(FEW, tmp_path / "file" / "t.parquet")


def test_log_is_json_that_a_person_can_read(interrupt, tmp_path):
    interrupt(1)
    with pytest.raises(Killed):
        tabulate.tabulate(FEW, tmp_path / "t.parquet", seeds=2)
    about, entry = map(json.loads, (tmp_path / "t.parquet.part.jsonl").read_text().splitlines())
    assert (about["settings"]["budget"], about["seeds"]) == ("400K", 2)
    assert set(entry) == {"digest", "seed", "curve"}


def test_killed_between_the_table_and_its_end_the_same_command_finds_it_made(tmp_path, whole, monkeypatch):
    out = tmp_path / "digits.parquet"

    def die(self):
        raise Killed

    monkeypatch.setattr(tabulate._Log, "discard", die)
    with pytest.raises(Killed):
        tabulate.tabulate(FEW, out, seeds=2)
    monkeypatch.undo()
    assert without_times(tabulate.tabulate(FEW, out, seeds=2)) == without_times(whole)
    assert os.listdir(tmp_path) == ["digits.parquet"]


def test_a_table_beside_the_beginning_of_another_is_not_taken_for_it(tmp_path, path, interrupt):
    out = tmp_path / "digits.parquet"
    interrupt(1)
    with pytest.raises(Killed):
        tabulate.tabulate(FEW, out, seeds=2)
    out.write_bytes(path.read_bytes())
    with pytest.raises(RunError, match="exists already and nothing is overwritten"):
        tabulate.tabulate(FEW, out, seeds=2)
    assert out.read_bytes() == path.read_bytes()


def test_trains_the_architectures_of_an_earlier_table_in_its_order(path, whole, tmp_path):
    longer = tabulate.tabulate(FEW.replace(epochs=2, seed=9), tmp_path / "longer.parquet", seeds=1, like=path)
    assert [entry.architecture for entry in longer.entries] == [entry.architecture for entry in whole.entries]
    assert longer.epochs == 2
    assert [list(entry.curves) for entry in longer.entries] == [[9], [9]]
    assert table.read(tmp_path / "longer.parquet").entries == longer.entries


def test_a_table_begun_with_drawn_architectures_is_not_gone_on_with_like_another(path, tmp_path, interrupt):
    out = tmp_path / "begun.parquet"
    interrupt(1)
    with pytest.raises(Killed):
        tabulate.tabulate(FEW.replace(seed=4), out, seeds=2)
    with pytest.raises(RunError, match="is the beginning of another table: other architectures; finish that"):
        tabulate.tabulate(FEW.replace(seed=4), out, seeds=2, like=path)


def test_refuses_architectures_of_a_table_of_another_space_or_budget(path, tmp_path):
    with pytest.raises(RunError, match=r"its 143,296 Multi-Adds are outside 120.0K; give the space and budget"):
        tabulate.tabulate(FEW.replace(budget="120K"), tmp_path / "t.parquet", like=path)
    with pytest.raises(RunError, match=r"architecture 1 of .* is not of what is searched: "):
        tabulate.tabulate(FEW.replace(space="seesaw-cifar", budget="110M"), tmp_path / "t.parquet", like=path)
    assert not (tmp_path / "t.parquet").exists()


class Once(Listener):
    """Kills the process before its second training; keeps what it is told."""

    def __init__(self, last=1):
        self.last, self.remarks = last, []

    def begun(self, number, architecture, macs):
        if number == self.last:
            raise Killed

    def remark(self, text):
        self.remarks.append(text)


def test_the_plan_of_a_table_that_was_begun_is_of_what_is_left_and_other_threads_are_told(tmp_path):
    out, before, plans = tmp_path / "digits.parquet", torch.get_num_threads(), []
    with pytest.raises(Killed):
        tabulate.tabulate(FEW, out, seeds=2, listener=Once())
    assert preview_table(FEW, out, seeds=2)[1].trials == 3
    goes_on = Once(last=2)
    torch.set_num_threads(before + 1)
    try:
        with pytest.raises(Killed):
            tabulate.tabulate(FEW, out, seeds=2, listener=goes_on, on_plan=lambda problem, plan: plans.append(plan))
    finally:
        torch.set_num_threads(before)
    assert [plan.trials for plan in plans] == [3]
    (note,) = goes_on.remarks
    assert f"it began with {before} thread" in note
    assert f"; --threads {before} goes on as it began" in note
