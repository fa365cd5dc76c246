"""Searches that a program begins: a function as evaluator, callbacks, event files, and how results show themselves."""

import pytest
from event_files import scalars

from seesaw_nas import api
from seesaw_nas.architecture import cost
from seesaw_nas.core.errors import OptionError


def score(architecture, seed):
    """A score of Multi-Adds; about a third of them break."""
    if int(architecture.digest, 16) % 3 == 0:
        raise ZeroDivisionError("a third of them break")
    return cost.macs(architecture) / 10**6


def search(folder, **more):
    given = {"evaluator": score, "trials": 6, "catch": ArithmeticError, "name": "a", "runs_dir": folder} | more
    return api.search("seesaw-digits", (200e3, 300_000), **given)


def test_an_error_that_is_caught_costs_one_trial_and_callbacks_hear_of_each(tmp_path):
    heard, others = [], []
    result = search(
        tmp_path, listener=[api.Callbacks(heard.append), api.Callbacks(lambda record: others.append(record.number))]
    )
    states = [record.state for record in result.trials]
    assert set(states) == {"complete", "failed"}
    assert [record.state for record in heard] == states
    assert others == [record.number for record in heard]
    failed = [record for record in result.trials if record.state == "failed"]
    assert {record.reason for record in failed} == {"the evaluator raised ZeroDivisionError: a third of them break"}
    assert result.problem.given.names == ["evaluator"]
    assert (result.problem.budget.low, result.problem.budget.high) == (200_000, 300_000)


def test_an_error_that_is_not_caught_ends_the_search(tmp_path):
    with pytest.raises(ZeroDivisionError):
        search(tmp_path, catch=ValueError)
    with pytest.raises(OptionError, match="catch wants classes of exceptions"):
        search(tmp_path, catch="ValueError", name="b")


def test_result_and_plan_show_themselves_in_one_line_and_as_tables(tmp_path):
    plans = []
    result = search(tmp_path, on_plan=lambda problem, plan: plans.append(plan))
    complete = sum(record.state == "complete" for record in result.trials)
    assert repr(result).startswith(f"<Result a: {len(result.trials)} trials, {complete} complete; best trial ")
    assert repr(result).endswith(f" at {result.best.macs:,} Multi-Adds>")
    assert result.best.digest in result._repr_html_()
    assert result._repr_html_().count("<tr>") == 1 + len(result.front())
    (plan,) = plans
    assert repr(plan).startswith("<Plan: 6 trials of about 0 s, 0 s in all; ")
    assert repr(plan).endswith(" of 1.77e14 architectures fit>")
    assert "<td style='text-align:left'>trials</td><td style='text-align:right'>6</td>" in plan._repr_html_()


def test_event_files_have_each_trial_and_the_best_so_far_also_after_a_resume(tmp_path):
    result = search(tmp_path, tensorboard=True)
    given = api.Objects(evaluator=score, catch=ArithmeticError)
    result = api.resume(tmp_path / "a", given=given, trials=9)
    found = scalars(tmp_path / "a" / "events" / "search")
    complete = {record.number: record.top1 for record in result.trials if record.state == "complete"}
    assert found["search/top1"] == pytest.approx(complete)
    best, expected = 0.0, {}
    for record in result.trials:
        best = max(best, record.top1 or 0.0)
        if best:
            expected[record.number] = best
    assert found["search/best"] == pytest.approx(expected)
    assert found["search/macs"] == {record.number: record.macs for record in result.trials}
