"""Searches under a budget of several costs: what fits, what is recorded, and what a run goes on with."""

import csv
import json

import pytest
from profiles import make_profile

from seesaw_nas import api
from seesaw_nas.api import Tuner
from seesaw_nas.architecture import cost, memory
from seesaw_nas.core.errors import BudgetError, OptionError, ProfileError, RunError
from seesaw_nas.space import Feasible, load
from seesaw_nas.space.profile_file import read as read_profile
from seesaw_nas.workflows.run_reading import read

DIGITS = load("seesaw-digits")
WRITTEN = "600K, 28KB memory, 24KB int8 weights"


def score(architecture, seed=0):
    return int(architecture.digest[:6], 16) / 0xFFFFFF


def keeps(architecture):
    return (
        cost.macs(architecture) <= 600_000
        and memory.peak_bytes(architecture, "float32") <= 28 * 1024
        and cost.weight_bytes(architecture, "int8") <= 24 * 1024
    )


def search(folder, **more):
    options = {
        "budget": WRITTEN,
        "trials": 12,
        "evaluator": score,
        "short_epochs": "0",
        "name": "a",
        "runs_dir": folder,
    }
    return api.search(**options | more)


@pytest.fixture
def profile(tmp_path):
    """A file with a nanosecond for each Multi-Add."""
    path = tmp_path / "profile.json"
    path.write_text(json.dumps(make_profile(DIGITS).as_dict()))
    return path


@pytest.mark.parametrize("strategy", ["thompson", "random", "evolution", "nsga2", "local", "tpe", "gp"])
def test_every_strategy_keeps_every_bound(tmp_path, strategy):
    result = search(tmp_path, strategy=strategy)
    trained = [trial for trial in result.trials if trial.state == "complete"]
    assert len(trained) == 12
    assert all(keeps(trial.architecture) for trial in trained)


def test_a_run_records_its_bounds_and_goes_on_under_them(tmp_path):
    search(tmp_path, trials=4)
    written = json.loads((tmp_path / "a" / "run.json").read_text())["budget"]
    assert written == {
        "low": 0,
        "high": 600_000,
        "by_macs": True,
        "others": [
            {"cost": "memory", "low": 0, "high": 28_672},
            {"cost": "int8 weights", "low": 0, "high": 24_576},
        ],
    }
    assert str(read(tmp_path / "a").budget) == "600.0K macs, 28 KB memory, 24 KB int8 weights"
    result = api.resume(tmp_path / "a", trials=10, given=api.Objects(evaluator=score))
    assert sum(trial.state == "complete" for trial in result.trials) == 10
    assert all(keeps(trial.architecture) for trial in result.trials)


def test_a_run_under_a_latency_keeps_the_profile_that_it_began_with(tmp_path, profile):
    result = search(tmp_path, budget="0.5ms, 24KB int8 weights", latency_profile=str(profile), trials=4)
    profile.unlink()
    assert all(cost.macs(trial.architecture) + 2_500 <= 10**9 for trial in result.trials)
    found = make_profile(DIGITS)
    result = api.resume(tmp_path / "a", trials=8, given=api.Objects(evaluator=score))
    assert sum(trial.state == "complete" for trial in result.trials) == 8
    assert all(found.of(trial.architecture) <= 500_000 for trial in result.trials)
    assert str(read(tmp_path / "a").budget) == "0.5 ms latency, 24 KB int8 weights"


def test_a_latency_without_a_profile_or_by_another_space_s_is_refused(tmp_path, profile):
    with pytest.raises(BudgetError, match="give --latency-profile FILE"):
        search(tmp_path, budget="4ms")
    with pytest.raises(ProfileError, match="the latency profile is of 1x8x8 images"):
        api.search(space="seesaw-cifar-tiny", budget="4ms", latency_profile=str(profile), evaluator=score)
    assert not (tmp_path / "a").exists()


def test_a_tuner_s_journal_belongs_to_its_bounds(tmp_path):
    budget = {"macs": 600_000, "memory": "28KB"}
    with Tuner(DIGITS, budget, journal=tmp_path / "j") as tuner:
        assert memory.peak_bytes(tuner.ask().architecture, "float32") <= 28 * 1024
    with Tuner(DIGITS, budget, journal=tmp_path / "j") as tuner:
        assert tuner.ask() is not None
    with pytest.raises(RunError, match=r"budget 600.0K, 0 to 28,672 memory, now 600.0K; name another journal"):
        Tuner(DIGITS, "600K", journal=tmp_path / "j")


def test_a_tuner_takes_what_fits_a_latency(profile):
    found = read_profile(profile)
    tuner = Tuner(Feasible.of(DIGITS, "0.3ms", found))
    assert found.of(tuner.ask().architecture) <= 300_000
    with pytest.raises(OptionError, match=r"what fits 0.3 ms latency was given, and beside it the budget '600K'"):
        Tuner(Feasible.of(DIGITS, "0.3ms", found), "600K")


def test_the_recommended_network_keeps_every_bound_though_it_was_never_trained(tmp_path):
    result = api.search(
        budget=WRITTEN, trials=12, epochs=1, train_size=100, short_epochs="0", name="b", runs_dir=tmp_path
    )
    assert keeps(result.best.architecture)
    assert all(keeps(trial.architecture) for trial in result.trials)


def rows(folder):
    with (folder / "a" / "pareto.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("objectives", "column"),
    [("top1,int8 memory", "int8_memory_bytes"), ("top1,params", "params"), ("top1,latency", "latency_ms")],
)
def test_a_front_against_a_cost_is_found_and_written(tmp_path, profile, objectives, column):
    more = {"latency_profile": str(profile)} if "latency" in objectives else {}
    result = search(tmp_path, objectives=objectives, budget="600K", rank="observed", **more)
    amounts = [float(row[column]) for row in rows(tmp_path)]
    assert amounts == sorted(amounts)
    best = [float(row["top1"]) for row in rows(tmp_path)]
    assert best == sorted(best)
    assert [one.digest for one in result.front()] == [row["digest"] for row in rows(tmp_path)]
    assert json.loads((tmp_path / "a" / "run.json").read_text())["settings"]["objectives"] == objectives


def test_a_front_of_latency_goes_on_without_the_file_and_is_read_with_it(tmp_path, profile):
    search(tmp_path, objectives="top1,latency", budget="600K", latency_profile=str(profile), trials=6)
    profile.unlink()
    result = api.resume(tmp_path / "a", trials=12, given=api.Objects(evaluator=score))
    assert sum(trial.state == "complete" for trial in result.trials) == 12
    found = make_profile(DIGITS)
    assert read(tmp_path / "a").standing.front() == result.front()
    amounts = [found.of(trial.architecture) for trial in result.front()]
    assert amounts == sorted(amounts)


def test_objectives_of_latency_without_a_profile_are_refused(tmp_path):
    with pytest.raises(OptionError, match="--objectives top1,latency needs measured times: give --latency-profile FIL"):
        search(tmp_path, objectives="top1,latency")
    with pytest.raises(OptionError, match="needs measured times"):
        Tuner(DIGITS, objectives="top1,latency")
    assert not (tmp_path / "a").exists()


def test_multi_adds_by_name_are_the_default(tmp_path):
    one = search(tmp_path / "x", objectives="top1,macs")
    other = search(tmp_path / "y")
    assert [trial.digest for trial in one.trials] == [trial.digest for trial in other.trials]
    assert one.problem.settings == other.problem.settings


def test_a_tuner_s_front_is_of_its_cost(profile):
    fitting = Feasible.of(DIGITS, "600K, 1ms latency", read_profile(profile))
    tuner = Tuner(fitting, objectives="top1,latency", trials=12, rank="observed")
    while (job := tuner.ask()) is not None:
        tuner.tell(job, score(job.architecture))
    amounts = [make_profile(DIGITS).of(trial.architecture) for trial in tuner.front()]
    assert amounts == sorted(amounts)
    assert tuner.best in tuner.front()
