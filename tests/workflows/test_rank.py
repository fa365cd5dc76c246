"""What a search leaves when its answer goes by estimate, and when it goes by what was observed."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from seesaw_nas import api, report
from seesaw_nas.architecture import specfile
from seesaw_nas.core.errors import OptionError
from seesaw_nas.search import records
from seesaw_nas.search.estimates.live import Live
from seesaw_nas.search.records import complete
from seesaw_nas.search.standing import Standing
from seesaw_nas.workflows import run_reading
from seesaw_nas.workflows.confirmation import candidates

TABLE = Path(__file__).parents[2] / "benchmarks/tables/digits-small.parquet"
FIELDS = ["estimate", "estimate_sd", "chance_of_best", "chance_of_front", "tied_with_best"]


def search(folder, seed=1, **more):
    # recorded trainings of 9 epochs; 40 are enough for estimates to know more than one figure says
    return api.search(
        evaluator="table", table=str(TABLE), strategy="random", trials=40, seed=seed, runs_dir=folder, **more
    )


@pytest.fixture(scope="module", autouse=True)
def same_trials():
    """The last trial is the strategy's whatever the rank, so that both runs have the same ones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Live, "recommended", lambda self, history: None)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def estimated(folder):
    return search(folder, name="a")


@pytest.fixture(scope="module")
def observed(folder):
    return search(folder, name="b", rank="observed")


def result_of(path):
    return json.loads(path.read_text())["result"]


def test_the_same_trials_have_another_best(estimated, observed):
    assert [(one.digest, one.top1) for one in estimated.trials] == [(one.digest, one.top1) for one in observed.trials]
    assert observed.best == records.best(complete(observed.trials))
    assert observed.front() == records.front(complete(observed.trials))
    assert estimated.best.digest != observed.best.digest
    assert estimated.best.top1 < observed.best.top1
    assert estimated.best.digest == estimated.front()[-1].digest


def test_files_have_what_is_estimated_beside_what_was_observed(estimated):
    path, best = estimated.folder.path, estimated.best
    result = result_of(path / "best.json")
    assert (result["trial"], result["top1"], result["tied_with_best"]) == (best.number, best.top1, True)
    assert [name for name in result if name in FIELDS] == FIELDS
    # the standard error of 40 trials with a noise of a point each is far below what trials differ by
    assert 0 < result["estimate_sd"] < 0.02
    members = json.loads((path / "front.json").read_text())["members"]
    with (path / "pareto.csv").open() as file:
        rows = list(csv.DictReader(file))
    front = estimated.front()
    assert [member["digest"] for member in members] == [row["digest"] for row in rows] == [one.digest for one in front]
    for member, row, one in zip(members, rows, front, strict=True):
        assert float(row["top1"]) == member["result"]["top1"] == one.top1
        assert [row[name] for name in FIELDS] == [str(member["result"][name]) for name in FIELDS]
    assert rows[-1]["digest"] == best.digest


def test_members_by_number_are_those_of_the_estimated_front(estimated):
    path, front = estimated.folder.path, estimated.front()
    assert specfile.resolve(str(path)).architecture.digest == estimated.best.digest
    found = [specfile.resolve(f"{path}#{place}").architecture.digest for place in range(1, len(front) + 1)]
    assert found == [one.digest for one in front]


def test_observed_files_have_no_field_that_they_had_not_before(observed):
    path = observed.folder.path
    assert not result_of(path / "best.json").keys() & set(FIELDS)
    assert not set(FIELDS) & set((path / "pareto.csv").read_text().splitlines()[0].split(","))
    frame = report.front_frame(observed.trials, budget=observed.problem.budget)
    assert frame["digest"].tolist() == [one.digest for one in observed.front()]


def test_a_report_goes_by_the_rank_of_its_run_or_by_another(estimated, observed, tmp_path):
    runs = [run_reading.read(one.folder.path) for one in (estimated, observed)]
    assert [run.best.digest for run in runs] == [estimated.best.digest, observed.best.digest]
    assert runs[0].standing.figures(runs[0].best) == estimated.standing.figures(estimated.best)
    path = estimated.folder.path
    texts = {}
    for rank in ("", "estimate", "observed"):
        page = tmp_path / f"{rank or 'own'}.html"
        api.report([path], page, rank=rank)
        texts[rank] = page.read_text(encoding="utf-8")
    assert "Ranked by estimate: choices explain " in texts[""]
    assert f"Recommended network: trial {estimated.best.number}<" in texts["estimate"]
    assert f"Recommended network: trial {observed.best.number}<" in texts["observed"]
    with pytest.raises(OptionError, match=r"^unknown rank 'lucky' \(known: estimate, observed\)$"):
        api.report([path], tmp_path / "no.html", rank="lucky")


def test_candidates_for_repeats_are_the_best_of_the_estimated_front(estimated, observed):
    first, second = candidates(estimated.standing, 2)
    assert [first, second] == estimated.front()[::-1][:2]
    assert candidates(observed.standing, 1) == [observed.best]


def test_a_resumed_run_may_be_ranked_otherwise(estimated, observed, tmp_path):
    path = shutil.copytree(estimated.folder.path, tmp_path / "a")
    found = api.resume(path, rank="observed")
    assert found.best.digest == observed.best.digest == json.loads((path / "best.json").read_text())["digest"]
    assert api.resume(path).best.digest == estimated.best.digest  # the run's own rank


def test_a_run_of_before_there_were_estimates_stays_as_it_was(estimated, observed, tmp_path):
    path = shutil.copytree(estimated.folder.path, tmp_path / "old")
    about = json.loads((path / "run.json").read_text())
    assert about["settings"].pop("rank") == "estimate"
    (path / "run.json").write_text(json.dumps(about))
    assert run_reading.read(path).best.digest == observed.best.digest
    assert api.resume(path).best.digest == observed.best.digest
    assert api.resume(path, rank="estimate").best.digest == estimated.best.digest


def test_compared_runs_learn_nothing_from_each_other(estimated, tmp_path):
    other = search(tmp_path, name="c", seed=2)
    runs = [run_reading.read(one.folder.path) for one in (estimated, other)]
    report.compare_runs(runs)
    for run, one in zip(runs, (estimated, other), strict=True):
        assert len(run.standing.estimates) == 40
        assert run.standing.front() == one.front()


def test_a_tuner_goes_by_estimate_too(estimated, observed):
    problem, answers = estimated.problem, {one.digest: one.top1 for one in complete(estimated.trials)}
    found = {}
    for rank in ("estimate", "observed"):
        tuner = api.Tuner(problem.space, "400K", strategy="random", trials=40, seed=1, rank=rank)
        while (job := tuner.ask()) is not None:
            tuner.tell(job, answers[job.architecture.digest])  # random proposes what it proposed to the search
            if job.number in (4, 20):
                assert tuner.best is not None  # and learns on from here
        found[rank] = [one.digest for one in tuner.front()]
        afresh = Standing(tuner.trials, problem.space, problem.budget, 1, rank=rank)
        assert (tuner.front(), tuner.best) == (afresh.front(), afresh.best())
    assert found["observed"] == [one.digest for one in observed.front()]
    assert found["estimate"] != found["observed"]
    with pytest.raises(OptionError, match=r"^unknown rank 'lucky' \(known: estimate, observed\)$"):
        api.Tuner("seesaw-digits", "400K", rank="lucky")


def test_another_run_s_front_to_begin_with_is_the_estimated_one(estimated, tmp_path):
    # three epochs instead of nine: figures are not taken over, and the front is trained again
    found = api.search(
        estimated.problem.space, "400K", evaluator=lambda architecture, seed: 0.5, strategy="random", trials=20,
        seed_with=(str(estimated.folder.path),), name="d", runs_dir=tmp_path,
    )  # fmt: skip
    begun = [one.digest for one in found.trials[: len(estimated.front())]]
    assert begun == [one.digest for one in estimated.front()]
