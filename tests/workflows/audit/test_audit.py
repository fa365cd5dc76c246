"""Audits of small tables: the rows, the truth they are held against, and going on after an interruption."""

import json
import math
import os
from dataclasses import replace

import numpy as np
import pytest
import torch
from recorded import EPOCHS, SETTINGS, curve, drawn, table

from seesaw_nas import api
from seesaw_nas.architecture import cost
from seesaw_nas.core.errors import OptionError, RunError, TrainingFailed
from seesaw_nas.evaluators import Subject
from seesaw_nas.evaluators import table as tables
from seesaw_nas.evaluators.basis import Basis
from seesaw_nas.evaluators.ranking.result import Audit, Row
from seesaw_nas.evaluators.ranking.spent import CORE, FREE, GPU, RECORDED, Spent
from seesaw_nas.evaluators.ranking.statistics import Estimate
from seesaw_nas.evaluators.ranking.wording import cost_of, remarks
from seesaw_nas.workflows.audit import audit as workflow
from seesaw_nas.workflows.audit import bench, names, trainings
from seesaw_nas.workflows.audit.scores import Scorebook, ScoreEntry

COUNT = 24
ARCHITECTURES = sorted(drawn(COUNT), key=lambda a: (cost.macs(a), a.digest))
RANK = {architecture.digest: i for i, architecture in enumerate(ARCHITECTURES)}
WIDE = 1000.0  # one band


@pytest.fixture(autouse=True)
def _no_fsync(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture(autouse=True)
def _no_page(monkeypatch):
    monkeypatch.setattr(workflow, "_draw", lambda path, found: None)


def written(path, top1, architectures=ARCHITECTURES, settings=SETTINGS):
    tables.write(path, table(top1, architectures, settings))
    return path


def rising(seeds=2):
    """Top-1 rises with Multi-Adds, from seed to seed by as much."""
    return [[0.5 + i / 100 + seed / 1000 for i in range(COUNT)] for seed in range(seeds)]


def audit(path, *evaluators, **more):
    options = {"bootstrap": 100, "device": "cpu", "out": path.parent / "out", "band": WIDE} | more
    return api.audit([path], evaluators=evaluators, **options)


def test_an_order_by_multi_adds_alone_is_the_baseline(tmp_path):
    found = audit(written(tmp_path / "t", rising()), "macs")
    (row,) = found.rows
    assert (row.scored, row.within.pairs, row.overall.pairs) == (COUNT, 276, 276)
    assert row.overall.tau == pytest.approx(1, abs=0.02)  # some cost the same, to which tau-b holds nothing back
    assert found.verdict(row) == "baseline"
    assert (found.architectures, found.trainings, found.training_seconds) == (24, 48, 6)
    assert found.ceiling.overall.tau == pytest.approx(1)


def test_bands_take_away_what_multi_adds_explain(tmp_path):
    # Costs differ by less than 6% within a band; without a width only equal ones share a band.
    path = written(tmp_path / "t", rising())
    found = audit(path, "macs", band=0.0)
    assert found.left_out == COUNT
    assert math.isnan(found.rows[0].within.tau)
    assert found.bands == ()
    assert found.ceiling.spread is None


def test_an_epoch_is_held_against_the_other_seeds(tmp_path):
    # Seed 0 and seed 1 are each other's reverse: a curve orders its own end perfectly, and the other's the wrong way.
    top1 = [[0.5 + i / 100 for i in range(COUNT)], [0.5 + i / 100 for i in reversed(range(COUNT))]]
    found = audit(written(tmp_path / "t", top1), "epoch")
    assert [row.name for row in found.rows] == ["epoch-1", "epoch-2"]
    assert [row.overall.tau for row in found.rows] == [-1, -1]
    assert [row.each for row in found.rows] == [Spent(2, RECORDED), Spent(4, RECORDED)]
    assert {row.note for row in found.rows} == {"against the other seeds' ends"}


def test_a_single_curve_is_held_against_its_own_end_and_gets_no_verdict(tmp_path):
    found = audit(written(tmp_path / "t", rising(1)), "epoch-2")
    (row,) = found.rows
    assert row.overall.tau == 1
    assert row.note == "against its own curve's end, whose noise it shares"
    assert found.verdict(row) == "open"
    assert found.ceiling is None


def test_a_score_is_held_against_the_mean_of_the_seeds(tmp_path, monkeypatch):
    # By the mean all are equal but the last; a score by number therefore agrees in the 23 pairs with it, of which only
    # these differ in truth: 23 / sqrt(276 * 23).
    top1 = [[0.5 + i / 100 for i in range(COUNT)], [0.5 - i / 100 for i in range(COUNT)]]
    top1[0][-1] = top1[1][-1] = 0.9
    top1 = (np.array(top1) * 128).round() / 128  # so that the means are exact
    monkeypatch.setattr(bench.Bench, "scorer", lambda self, name: lambda a, seed: float(RANK[a.digest]))
    found = audit(written(tmp_path / "t", top1), "flow")
    assert found.rows[0].overall.tau == pytest.approx(23 / math.sqrt(276 * 23))


def test_rows_are_sorted_and_their_verdicts_follow_the_rule(tmp_path, monkeypatch):
    # Top-1 has nothing to do with Multi-Adds; "flow" knows it, "mixing" its reverse, "groups" never differs.
    order = np.random.default_rng(3).permutation(COUNT)
    top1 = [[0.5 + order[i] / 100 for i in range(COUNT)]]
    scores = {"flow": lambda i: order[i], "mixing": lambda i: -order[i], "groups": lambda i: 1}
    monkeypatch.setattr(bench.Bench, "scorer", lambda self, name: lambda a, seed: float(scores[name](RANK[a.digest])))
    found = audit(written(tmp_path / "t", top1), "groups", "mixing", "flow")
    assert [(row.name, found.verdict(row)) for row in found.rows] == [
        ("flow", "yes"),
        ("mixing", "no"),
        ("groups", "open"),
    ]
    assert found.rows[0].within.tau == pytest.approx(1)


@pytest.mark.parametrize(
    ("low", "high", "baseline", "verdict"),
    [(0.1, 0.3, -0.5, "yes"), (0.1, 0.3, 0.2, "open"), (0.1, 0.3, 0.3, "open"), (0.1, 0.3, 0.4, "no"),
     (-0.1, 0.3, -0.5, "open"), (-0.3, -0.1, -0.5, "no"), (0.1, 0.3, math.nan, "open"),
     (math.nan, math.nan, 0, "open")],
)  # fmt: skip
def test_a_verdict_says_no_more_than_the_interval(low, high, baseline, verdict):
    rank = Estimate(0.2, low, high, 10)
    bar = Row("macs", "", 10, Estimate(baseline, -1, 1, 10), rank, FREE)
    found = Audit(("t",), {}, 10, 10, 1.0, 0.06, (), 0, 100, 0, bar, None, (), {}, {})
    assert found.verdict(Row("flow", "", 10, rank, rank, FREE)) == verdict
    assert found.verdict(Row("epoch-1", "", 10, rank, rank, FREE, shares_noise=True)) == "open"


def test_failed_scores_are_told_and_left_out(tmp_path, monkeypatch):
    def score(architecture, seed):
        if RANK[architecture.digest] < 2:
            raise TrainingFailed("too wild")
        return math.inf if RANK[architecture.digest] == 2 else float(RANK[architecture.digest])

    monkeypatch.setattr(bench.Bench, "scorer", lambda self, name: score)
    (row,) = audit(written(tmp_path / "t", rising()), "flow").rows
    assert (row.scored, row.overall.tau, row.overall.pairs) == (21, pytest.approx(1), 210)
    assert row.note == "3 without a score, such as: too wild"


def test_the_predictor_is_told_from_architectures_it_has_not_seen(tmp_path):
    found = audit(written(tmp_path / "t", rising()), "predictor")
    (row,) = found.rows
    assert row.scored == COUNT
    assert row.overall.tau > 0.5  # Multi-Adds, which the order follows, are among what it looks at
    assert (row.each.unit, row.once.unit) == (CORE, RECORDED)
    assert row.once.seconds == pytest.approx(0.8 * 48 * 6)


@pytest.mark.thorough
def test_every_evaluator_that_needs_nothing_is_audited(tmp_path):
    heard = []
    path = written(tmp_path / "t", rising(), ARCHITECTURES[:12])
    found = audit(path, on_score=lambda *told: heard.append(told))
    assert {row.name for row in found.rows} >= {"macs", "flow", "synflow", "naswot", "epoch-1", "epoch-2", "predictor"}
    assert found.skipped == {}
    assert ("synflow", 12, 12) in heard
    assert all(row.each.seconds >= 0 and row.once.seconds >= 0 for row in found.rows)
    assert found.units == [CORE, RECORDED]
    assert (
        "What the rows cost was measured in units that do not compare (core-s: core-seconds, s rec.: seconds as "
        "recorded)." in list(remarks(found))
    )


def test_nothing_is_scored_on_other_images_than_the_trainings(tmp_path):
    recorded = table(rising(), ARCHITECTURES)
    tables.write(tmp_path / "t", replace(recorded, subject=replace(recorded.subject, n_train=1000)))
    with pytest.raises(RunError) as caught:
        audit(tmp_path / "t", "naswot")
    path = tmp_path / "t"
    assert str(caught.value) == (
        f"cannot score what {path} trained: images to train on: 1,000 in {path}, 1,079 in what is there now; "
        "restore its images"
    )


def test_an_audit_goes_on_where_it_was_killed(tmp_path, monkeypatch):
    path, calls = written(tmp_path / "t", rising()), []

    def scorer(self, name):
        def score(architecture, seed):
            if len(calls) == 10:
                calls.append(None)
                raise KeyboardInterrupt
            calls.append(architecture.digest)
            return float(cost.params(architecture))

        return score

    monkeypatch.setattr(bench.Bench, "scorer", scorer)
    with pytest.raises(KeyboardInterrupt):
        audit(path, "flow")
    kept = json.loads((tmp_path / "out/audit.json").read_text())
    assert len(kept["scores"]["flow"]) == 10
    assert kept["result"] is None
    first = audit(path, "flow")
    assert [digest for digest in calls if digest] == list(RANK)  # each once
    again = audit(path, "flow")
    assert len(calls) == COUNT + 1
    assert replace(again, conditions={}) == replace(first, conditions={})
    audit(path, "flow", seed=1)  # has scores of its own
    assert len(calls) == 2 * COUNT + 1
    document = json.loads((tmp_path / "out/audit.json").read_text())
    assert document["result"]["rows"][0]["name"] == "flow"
    assert document["result"]["rows"][0]["verdict"] in ("yes", "no", "open")


def test_evaluators_of_a_search_are_posed_with_the_trainings_own_settings(tmp_path, monkeypatch):
    asked = []

    class Evaluator:
        def evaluate(self, architecture, *, seed):
            return type("Score", (), {"top1": RANK[architecture.digest] / 100})

    def make_problem(settings, given):
        asked.append(settings)
        subject = Subject("digits", (1, 8, 8), 10, 1079, 359)
        return type("Problem", (), {"placed": Evaluator(), "settings": settings, "subject": subject})

    monkeypatch.setattr(bench, "make_problem", make_problem)
    (tmp_path / "net").mkdir()
    (tmp_path / "net/result.json").write_text('{"core_seconds": 12.5, "unit": "core-seconds"}')
    path = written(tmp_path / "t", rising())
    found = audit(path, "inherited", "tuned", supernet=tmp_path / "net")
    assert {(s.scoring.evaluator, s.scoring.supernet, s.training.epochs) for s in asked} == {
        ("inherited", str(tmp_path / "net"), EPOCHS),
        ("tuned", str(tmp_path / "net"), 1),
    }
    assert [row.once for row in found.rows] == [Spent(12.5, CORE)] * 2
    (tmp_path / "net/result.json").write_text("{}")  # another supernet: nothing of the first one is taken for its own
    found = audit(path, "inherited", supernet=tmp_path / "net")
    assert len(asked) == 3
    assert not found.rows[0].once.known
    assert cost_of(found.rows[0].once) == "?"
    (tmp_path / "net/result.json").write_text('{"seconds": 3.5, "core_seconds": 12.5, "unit": "GPU-seconds"}')
    assert audit(path, "inherited", supernet=tmp_path / "net").rows[0].once == Spent(3.5, GPU)


def test_scores_on_a_gpu_are_priced_by_the_time_that_they_hold_it(tmp_path, monkeypatch):
    """Of 2 seconds on the clock this process computes 0.25; a score of the spec alone computes nothing on the GPU."""
    wall, own = iter(range(0, 10**6, 2)), iter(0.25 * i for i in range(10**6))
    monkeypatch.setattr(bench.time, "perf_counter", lambda: next(wall))
    monkeypatch.setattr(bench.time, "process_time", lambda: next(own))
    monkeypatch.setattr(bench.Bench, "torch_device", torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "a GPU")
    monkeypatch.setattr(bench.Bench, "scorer", lambda self, name: lambda a, seed: float(RANK[a.digest]))
    found = audit(written(tmp_path / "t", rising()), "synflow", "flow")
    assert {row.name: row.each for row in found.rows} == {"synflow": Spent(2, GPU), "flow": Spent(0.25, CORE)}
    assert [cost_of(row.each) for row in found.rows] == ["2.00 GPU-s", "0.250 core-s"]
    assert found.to_dict()["rows"][0]["each"] == {"seconds": 2, "unit": "GPU-seconds"}
    assert any("units that do not compare (GPU-s: GPU-seconds, core-s" in line for line in remarks(found))


def test_scores_from_before_on_another_device_are_not_averaged_with_those_of_now():
    before, now = [ScoreEntry(0.5, 8.0, CORE)] * 3, [ScoreEntry(0.5, 2.0, GPU)]
    assert workflow._median(before + now, GPU) == Spent(2.0, GPU)
    assert workflow._median(before, GPU) == Spent(8.0, CORE)


# --- what is refused


def test_too_few_architectures_are_told(tmp_path):
    path = written(tmp_path / "t", [[0.5] * 9], ARCHITECTURES[:9])
    with pytest.raises(OptionError, match=r"wants 10 trained architectures or more, .*t has 9; train more"):
        audit(path)


def test_tables_of_other_conditions_are_not_mixed(tmp_path):
    one = written(tmp_path / "one", rising())
    other = written(tmp_path / "other", rising(), settings=SETTINGS.replace(train_size=500, seed=1))
    with pytest.raises(
        OptionError, match=r"other was not trained as .*one was: --train-size: all in .*one, 500 in .*other; audit"
    ):
        trainings.read([one, other])
    with pytest.raises(OptionError, match="is given twice"):
        trainings.read([one, one])


def test_what_several_runs_hold_counts_once(tmp_path):
    one = written(tmp_path / "one", rising(2))
    other = written(tmp_path / "other", rising(3)[1:] + rising(1), ARCHITECTURES)  # the seeds 0, 1 and a new one
    both = trainings.read([one, other])
    assert len(both.entries) == COUNT
    assert both.trainings == 3 * COUNT
    assert both.entries[0].ends == [0.5, pytest.approx(0.501), 0.5]  # of the first where both have a seed


def test_scores_that_were_no_trainings_are_refused(tmp_path):
    path = written(tmp_path / "t", rising(), settings=SETTINGS.replace(evaluator="inherited", supernet="x"))
    with pytest.raises(RunError, match="was scored by evaluator 'inherited'; an audit wants trainings"):
        trainings.read([path])


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"bootstrap": 99}, "--bootstrap must be at least 100, got 99"),
        ({"seed": -1}, "--seed must be at least 0, got -1"),
        ({"band": -0.1}, "--band must be 0% or more, got -10%"),
        ({"device": "abacus"}, "abacus"),
    ],
)
def test_options_out_of_range_are_told_before_anything_is_scored(tmp_path, options, text):
    with pytest.raises(OptionError, match=text):
        audit(written(tmp_path / "t", rising()), "macs", **options)
    assert not (tmp_path / "out/audit.json").exists()


def test_names_are_known_or_told():
    assert names.choose_evaluators(["epoch", "macs", "epoch-1"], [1, 2], "") == ["epoch-1", "epoch-2", "macs"]
    assert names.choose_evaluators(["epoch"], list(range(1, 30)), "")[-1] == "epoch-29"
    assert len(names.choose_evaluators(["epoch"], list(range(1, 30)), "")) == 8
    assert "inherited" not in names.choose_evaluators([], [], "")
    assert names.choose_evaluators([], [], "net")[-1] == "inherited"
    with pytest.raises(OptionError, match="unknown evaluator to audit 'flwo', did you mean 'flow'"):
        names.choose_evaluators(["flwo"], [1], "")
    with pytest.raises(OptionError, match="unknown evaluator to audit 'trained'"):
        names.choose_evaluators(["trained"], [1], "")
    with pytest.raises(OptionError, match="evaluator tuned wants --supernet FOLDER"):
        names.choose_evaluators(["tuned"], [1], "")


def test_a_scorebook_of_other_trainings_or_of_nothing_is_refused(tmp_path):
    path = tmp_path / "audit.json"
    digits = Basis("t", dataset="digits", reading="in memory", recipe={"epochs": 3, "milestones": (0.5,)})
    with Scorebook(path, digits) as book:
        book.add("flow", "ab", 0, ScoreEntry(1.5, 0.25))
        book.add("flow", "cd", 0, ScoreEntry(None, 0.5, GPU, "no"))
    again = Scorebook(path, digits)
    assert again.get("flow", "ab", 0) == ScoreEntry(1.5, 0.25)
    assert again.get("flow", "cd", 0) == ScoreEntry(None, 0.5, GPU, "no")
    assert again.get("flow", "ab", 1) is None
    with pytest.raises(RunError, match=r"is the audit of other trainings: data set: digits in .*, cifar10 in t; "):
        Scorebook(path, replace(digits, dataset="cifar10"))
    path.write_text("[]")
    with pytest.raises(RunError, match=r"audit.json is no audit \(an object with schema_version"):
        Scorebook(path, digits)


def test_copies_of_images_are_made_in_no_folder_that_a_run_alone_names(tmp_path):
    settings = SETTINGS.replace(cache_dir=str(tmp_path / "copies"))
    known = trainings.read([written(tmp_path / "t", rising(1), settings=settings)])
    scoring = bench.Bench(known, "", "cpu", "")
    assert scoring._settings("trained").training.cache_dir == ""
    (tmp_path / "copies/0a").mkdir(parents=True)  # as an earlier search of the user's made it
    assert scoring._settings("trained").training.cache_dir == str(tmp_path / "copies")


def test_second_of_two_audits_at_once_scores_nothing(tmp_path):
    path = written(tmp_path / "t", rising(1))

    def second(name, done, of):
        with pytest.raises(RunError, match=r"another process is writing to .*/out; wait for it, or choose another"):
            audit(path, "params")

    found = audit(path, "flow", on_score=second)
    assert [row.name for row in found.rows] == ["flow"]


def test_an_audit_writes_into_no_folder_that_a_link_in_the_run_leads_to(tmp_path):
    path = written(tmp_path / "t", rising(1))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").mkdir()
    (tmp_path / "run/audit").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(
        RunError, match=r"run/audit is a link, and a run writes nowhere else; .*, or choose another --out"
    ):
        workflow._made(tmp_path / "run/audit", [tmp_path / "run"])
    audit(path, "flow", out=tmp_path / "run/audit")  # by the user's own word
    assert sorted(os.listdir(tmp_path / "elsewhere")) == ["audit.json"]


def test_curves_that_were_evaluated_at_the_end_alone_have_no_early_epochs(tmp_path):
    made = table(rising(1), ARCHITECTURES)
    bare = tuple(
        replace(entry, curves={0: tuple(replace(e, top1=None) for e in curve(0.5)[:-1]) + entry.curves[0][-1:]})
        for entry in made.entries
    )
    tables.write(tmp_path / "t", replace(made, entries=bare))
    assert trainings.read([tmp_path / "t"]).evaluated == []
