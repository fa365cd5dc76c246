import math
import subprocess
import sys
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seesaw_nas.architecture.reference import network
from seesaw_nas.search import records
from seesaw_nas.search.records import CompleteTrial, TrialRecord, complete
from seesaw_nas.training.epoch import Epoch

NETWORK = network("igcv3-0.5d")


def trial(number, top1, macs, state="complete"):
    return TrialRecord(number, state, NETWORK, macs, 1_379_722, top1)


# --- what a complete trial has


def test_a_complete_trial_has_all_that_its_record_has():
    curve = (Epoch(1, 2.0, 1.5, 0.5, 3.0),)
    record = TrialRecord(
        3, "complete", NETWORK, 200, 1_379_722, 0.5, split="validation", seed=7, seconds=3.0, curve=curve,
        reason="as it is", origin="drawn", worker="gpu-1", started=1.0, ended=4.0,
    )  # fmt: skip
    (found,) = complete([record])
    assert isinstance(found, CompleteTrial)
    for field in fields(TrialRecord):
        assert getattr(found, field.name) == getattr(record, field.name), field.name
    assert found.digest == NETWORK.digest


@pytest.mark.parametrize("lacking", [{"architecture": None}, {"macs": None}, {"params": None}, {"top1": None}])
def test_no_trial_is_complete_without_its_figures(lacking):
    assert complete([replace(trial(0, 0.5, 100), **lacking), trial(1, 0.4, 100)]) == complete([trial(1, 0.4, 100)])


# --- the front and the best


def test_front_runs_from_the_fewest_multi_adds_and_leaves_out_what_another_beats():
    found = [trial(0, 0.9, 300), trial(1, 0.5, 100), trial(2, 0.7, 200), trial(3, 0.6, 250)]
    assert [record.number for record in records.front(complete(found))] == [1, 2, 0]


@pytest.mark.parametrize("state", ["failed", "infeasible", "duplicate", "running"])
def test_only_completed_trials_are_on_the_front(state):
    found = [trial(0, 0.5, 200), trial(1, 0.9, 100, state)]
    assert [record.number for record in records.front(complete(found))] == [0]
    assert records.best(complete(found)).number == 0


def test_best_is_the_highest_top1_and_of_equals_the_cheapest_then_the_first():
    assert records.best(complete([trial(0, 0.5, 100), trial(1, 0.9, 300), trial(2, 0.9, 200)])).number == 2
    assert records.best(complete([trial(0, 0.9, 200), trial(1, 0.9, 200)])).number == 0


def test_nothing_trained_has_no_front_and_no_best():
    found = [trial(0, None, 100, "failed"), TrialRecord(1, "infeasible", reason="no such architecture")]
    assert (records.front(complete(found)), records.best(complete(found))) == ([], None)


def test_accuracy_that_is_no_number_is_never_the_best():
    assert records.best(complete([trial(0, math.nan, 100), trial(1, 0.1, 200)])).number == 1
    assert records.best(complete([trial(0, math.nan, 100)])) is None


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.25, 0.5, 0.75]), st.integers(1, 6)), min_size=1))
def test_best_is_on_the_front_and_nothing_scored_higher(points):
    found = [trial(number, *point) for number, point in enumerate(points)]
    best = records.best(complete(found))
    assert best in records.front(complete(found))
    assert best.top1 == max(top1 for top1, _ in points)
    assert best.macs == min(macs for top1, macs in points if top1 == best.top1)


def test_digest_is_the_architecture_s():
    assert trial(0, 0.5, 100).digest == NETWORK.digest
    assert TrialRecord(0, "infeasible").digest == ""


def test_records_load_without_torch_and_optuna():
    code = "import sys, seesaw_nas.search.records; sys.exit(bool({'torch', 'optuna', 'pandas'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
