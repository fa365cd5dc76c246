"""Plan `shared`: what its stages do, hand over, keep and cost, and that they go on where they stopped."""

import json

import numpy as np
import pytest

from seesaw_nas import api
from seesaw_nas.core.errors import Interrupted, RunError
from seesaw_nas.core.run_folder import RunFolder
from seesaw_nas.search import SearchSettings
from seesaw_nas.search.history.places import records_of
from seesaw_nas.search.listener import Listener
from seesaw_nas.search.standing import Standing
from seesaw_nas.workflows import shared_plan
from seesaw_nas.workflows.problem import make_problem
from seesaw_nas.workflows.shared_plan import SharedPlan

SMALL = SearchSettings.of(
    dataset="digits",
    budget="300K",
    plan="shared",
    objectives="top1",
    train_size=200,
    validation_size=100,
    epochs=3,
    supernet_epochs=1,
    candidates=12,
    tuned=4,
    trials=2,
    confirm=1,
    confirm_seeds=2,
    device="cpu",
)
NAMES = ["1-supernet", "2-inherited", "3-tuned", "4-epochs-1"]


class Heard(Listener):
    """Keeps what it is told; ends the process, as far as a test can, when ``dies_at`` trials of a stage have ended."""

    def __init__(self, dies_in=0, dies_at=0):
        self.stages, self.trials, self.dies_in, self.dies_at = [], 0, dies_in, dies_at

    def stage(self, number, total, what, count):
        self.stages.append((number, total, count))
        self.trials = 0

    def ended(self, record):
        self.trials += 1
        if (len(self.stages), self.trials) == (self.dies_in, self.dies_at):
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    heard = Heard()
    result = api.begin(SMALL, name="whole", runs_dir=tmp_path_factory.mktemp("runs"), listener=heard)
    return result, heard


def records(result, name):
    return records_of(RunFolder.open(result.folder.path / "stages" / name))


def test_each_stage_judges_fewer_more_dearly(run):
    result, heard = run
    # 2 to the end of 3 epochs; one in three of those trained for 1 epoch: 6 of them
    assert heard.stages == [(1, 5, 0), (2, 5, 12), (3, 5, 4), (4, 5, 6), (5, 5, 2)]
    assert [(entry["name"], entry["count"]) for entry in result.stages] == [
        ("supernet", 0),
        ("inherited", 12),
        ("tuned", 4),
        ("epochs-1", 6),
        ("epochs-3", 2),
        ("again", 2),
    ]
    assert [len(records(result, name)) for name in NAMES[1:]] == [12, 4, 6]
    assert [len(record.curve) for record in result.trials] == [3, 3]
    assert [len(record.curve) for record in records(result, "4-epochs-1")] == [1] * 6


@pytest.mark.parametrize(("name", "following", "takes"), [(1, 2, 4), (2, 3, 3), (3, None, 2)])
def test_the_best_of_a_stage_are_the_next_ones_first_architectures(run, name, following, takes):
    result, _ = run
    judged = sorted(records(result, NAMES[name]), key=lambda record: (-record.top1, record.macs))
    chosen = list(result.trials) if following is None else records(result, NAMES[following])
    assert {record.digest for record in chosen[:takes]} == {record.digest for record in judged[:takes]}
    assert all(record.origin.startswith(f"{NAMES[name]}: trial ") for record in chosen[:takes])
    # of the first round from scratch, 3 of 6 are proposed anew
    assert not any(record.origin.startswith(NAMES[name]) for record in chosen[takes:])


def test_agreement_of_a_stage_with_the_one_before_is_told(run):
    result, _ = run
    supernet, inherited, tuned, first, last, _ = result.stages
    assert [entry["both"] for entry in (supernet, inherited, tuned, last)] == [0, 0, 4, 2]
    assert first["both"] >= 3  # the strategy may propose again what was tuned and not taken over
    assert -1 <= tuned["tau"] <= 1
    assert last["tau"] is None  # two architectures make one pair


def test_everything_is_within_the_budget_and_judged_on_the_validation_split(run):
    result, _ = run
    every = [record for name in NAMES[1:] for record in records(result, name)] + list(result.trials)
    assert all(record.macs <= 300_000 and record.split == "validation" for record in every)
    assert {record.state for record in every} == {"complete"}


def test_shares_of_the_time_are_told_and_add_up(run):
    result, _ = run
    assert sum(entry["share"] for entry in result.stages) == pytest.approx(1)
    assert all(entry["seconds"] > 0 for entry in result.stages)
    inherited = result.stages[1]
    assert inherited["best"] == max(record.top1 for record in records(result, "2-inherited"))


def test_the_winner_is_confirmed(run):
    result, _ = run
    assert [spread.n for spread in result.confirmed.spreads.values()] == [2]
    assert json.loads(result.folder.best.read_text())["result"]["confirmed"]["n"] == 2


@pytest.mark.thorough
@pytest.mark.parametrize(("dies_in", "dies_at"), [(2, 5), (3, 2), (4, 3), (5, 1)])
def test_an_interrupted_plan_goes_on_where_it_was(run, tmp_path, dies_in, dies_at):
    whole, _ = run
    with pytest.raises((KeyboardInterrupt, Interrupted)):
        api.begin(SMALL, name="cut", runs_dir=tmp_path, listener=Heard(dies_in, dies_at))
    heard = Heard()
    result = api.resume(tmp_path / "cut", listener=heard)
    # what is behind is not begun again; the last stage is the search's own, which tells of its trials alone
    assert [number for number, *_ in heard.stages] == ([] if dies_in == 5 else list(range(dies_in, 6)))
    assert [(r.digest, r.top1) for r in result.trials] == [(r.digest, r.top1) for r in whole.trials]
    for name in NAMES[1:]:
        found, wanted = records(result, name), records(whole, name)
        assert [(r.digest, r.seed, r.top1) for r in found] == [(r.digest, r.seed, r.top1) for r in wanted]


@pytest.mark.thorough
def test_a_time_limit_ends_a_stage_and_resume_goes_on(tmp_path):
    result = api.begin(SMALL, name="short", runs_dir=tmp_path, time_limit=0.01)
    assert (result.ended, result.trials) == ("the time limit is reached", ())
    assert "whole" not in {entry["name"] for entry in result.stages}
    assert len(api.resume(tmp_path / "short").trials) == 2


def test_rounds_follow_the_reduction_and_the_fewest_epochs():
    settings = SearchSettings.of(plan="shared", epochs=9, min_epochs=1, trials=4, tuned=10, candidates=50)
    planned = shared_plan.plan_steps(settings, 359, "supernet")
    # from 9 epochs down by thirds; 4, 12, 36 architectures; of the first round at most half are taken over
    assert [(stage.name, stage.count, stage.takes) for stage in planned] == [
        ("supernet", 0, 0),
        ("inherited", 50, 0),
        ("tuned", 10, 10),
        ("epochs-1", 36, 10),
        ("epochs-3", 12, 12),
        ("epochs-9", 4, 4),
    ]
    assert planned[1].settings.scoring.validation_size == 359  # of up to 1,000
    assert shared_plan.plan_steps(settings.replace(tuned=40), 359, "supernet")[3].takes == 18


def test_stages_can_be_left_out():
    settings = SearchSettings.of(plan="shared", epochs=3, trials=2, tuned=0, candidates=0, seed_with=("reference",))
    first, last = shared_plan.plan_steps(settings, 5000, "supernet")
    assert [(first.name, first.count, first.takes), (last.name, last.count)] == [("epochs-1", 6, 0), ("epochs-3", 2)]
    assert (first.settings.proposals.seed_with, last.settings.proposals.seed_with) == (("reference",), ())
    named = [step.name for step in shared_plan.plan_steps(settings.replace(candidates=9), 5000, "supernet")]
    assert named == ["supernet", "inherited", "epochs-1", "epochs-3"]


@pytest.mark.thorough
def test_a_plan_without_a_supernet_runs(tmp_path):
    result = api.begin(SMALL.replace(candidates=0, tuned=0, confirm_seeds=1), name="rounds", runs_dir=tmp_path)
    assert [entry["name"] for entry in result.stages] == ["epochs-1", "epochs-3", "again"]
    assert not (tmp_path / "rounds" / "stages" / "1-supernet").exists()
    assert len(result.trials) == 2


def test_damaged_notes_are_told(tmp_path):
    (tmp_path / "stages.json").write_text("{")
    with pytest.raises(RunError, match=r"stages\.json is damaged .*; delete it, and the stages are"):
        shared_plan.read(RunFolder(tmp_path, {}))


@pytest.mark.parametrize(
    ("figure", "wanted"),
    [
        ({"best": 7.0}, r"stages\[0\]\.best: a finite number from 0 to 1 is wanted, got 7\.0"),
        ({"tau": -1.5}, r"stages\[0\]\.tau: a finite number from -1 to 1 is wanted"),
        ({"seconds": -1.0}, r"stages\[0\]\.seconds: a finite number from 0 to"),
        ({"count": -1}, r"stages\[0\]\.count: a whole number from 0 to"),
        ({"best": True}, r"stages\[0\]\.best: "),
    ],
)
def test_notes_that_cannot_be_true_are_told(tmp_path, figure, wanted):
    entry = {"name": "tuned", "what": "trained on", "count": 3, "seconds": 2.0, "best": 0.5, "tau": None, "both": 0}
    (tmp_path / "stages.json").write_text(json.dumps({"stages": [entry]}))
    assert shared_plan.read(RunFolder(tmp_path, {}))[0].best == 0.5
    (tmp_path / "stages.json").write_text(json.dumps({"stages": [entry | figure]}))
    with pytest.raises(RunError, match=wanted):
        shared_plan.read(RunFolder(tmp_path, {}))


def test_a_step_hands_on_the_best_by_estimate(tmp_path):
    """Sixty trainings of a first step whose top-1 is what choices add up to, and luck of the seed."""
    settings = SMALL.replace(candidates=0, tuned=0, trials=20, objectives="top1")
    problem = make_problem(settings)

    def luck(architecture, seed):
        blocks = [str(at.block) for at in architecture.canonical.placed]
        share = sum("t2 " in block for block in blocks) / len(blocks)  # of blocks that expand twofold
        return 0.9 - 0.1 * share + 0.02 * np.random.default_rng(seed).standard_normal()

    def search(path, own, first, left):
        found = api.search(
            problem.space, "300K", evaluator=luck, strategy="random", trials=60, name=path.name, runs_dir=path.parent
        )
        return found.ended, found.trials

    plan = SharedPlan(RunFolder.create(tmp_path / "a", {"settings": settings.to_dict()}), problem, None, None)
    begun = plan.starts(search)
    trials = records_of(RunFolder.open(tmp_path / "a/stages/1-epochs-1"))
    by_estimate = Standing(trials, problem.space, problem.budget, 1)
    assert by_estimate.by == "estimate"
    expected = sorted(by_estimate.rows, key=lambda row: -row.worth)[:20]
    assert [start.architecture for start in begun] == [row.trial.architecture for row in expected]
    top = expected[0]
    assert begun[0].origin == f"1-epochs-1: trial {top.trial.number}, estimated {top.worth:.2%}"
    assert top.worth < max(trial.top1 for trial in trials) - 0.01
