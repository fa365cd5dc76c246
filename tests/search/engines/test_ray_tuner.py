"""Ray Tune's own algorithms and schedulers on a small cluster: what they train, and what they report."""

from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("ray.tune", reason="Ray is not installed")
import clusters
from engine_evaluators import CLIMB, Climbing
from ray import tune
from ray.tune.schedulers import ASHAScheduler, HyperBandScheduler, PopulationBasedTraining
from ray.tune.search import ConcurrencyLimiter
from ray.tune.search.optuna import OptunaSearch

from seesaw_nas.architecture import cost
from seesaw_nas.search.engines import ray_tune
from seesaw_nas.space import Feasible, load

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module", autouse=True)
def cluster():
    """This machine as a cluster of two CPUs, whatever it has."""
    with clusters.two_cpus(), pytest.MonkeyPatch.context() as patch:
        patch.delenv("TUNE_DISABLE_AUTO_CALLBACK_LOGGERS")  # Ray's own tables are looked at here
        yield


@pytest.fixture
def fit(feasible, tmp_path):
    """Run a Tuner over so many trials; returns its results and how often each epoch of an architecture was trained."""

    def run(trials, *, space=None, **more):
        evaluator = Climbing(tmp_path / "log")
        tuner = tune.Tuner(
            ray_tune.trainable(feasible, evaluator),
            param_space=space or {},
            tune_config=tune.TuneConfig(metric="top1", mode="max", num_samples=trials, reuse_actors=True, **more),
            run_config=tune.RunConfig(name="ray", storage_path=str(tmp_path), verbose=0),
        )
        return tuner.fit(), Counter((tmp_path / "log").read_text().splitlines())

    return run


def test_what_is_outside_the_budget_is_never_a_result(fit, feasible):
    """A foreign algorithm proposes what it likes; here most of it is too costly or no architecture at all."""
    drawn = [ray_tune.param_space(feasible, seed)["architecture"].sample() for seed in (1, 2)]
    costly = [
        ray_tune.param_space(Feasible.of(load("seesaw-digits"), "600K:900K"), seed)["architecture"].sample()
        for seed in (3, 4)
    ]
    results, epochs = fit(
        1, space={"architecture": tune.grid_search([*costly, "zz", *drawn, ""])},
        scheduler=ASHAScheduler(max_t=CLIMB, grace_period=1, reduction_factor=2), max_concurrent_trials=2,
    )  # fmt: skip
    reporting = [result for result in results if "top1" in (result.metrics or {})]
    assert sorted(result.config["architecture"] for result in reporting) == sorted(drawn)
    assert len(results.errors) == 4
    assert results.get_best_result().config["architecture"] in drawn
    assert {digest.split()[0] for digest in epochs} == {result.metrics["digest"] for result in reporting}


def test_our_search_under_a_limiter_and_asha(fit, feasible):
    search = ConcurrencyLimiter(ray_tune.SeesawSearch(feasible, "thompson", epochs=CLIMB), max_concurrent=2)
    results, epochs = fit(8, search_alg=search, scheduler=ASHAScheduler(max_t=CLIMB, grace_period=1))
    assert len({result.metrics["digest"] for result in results}) == 8
    assert all(result.metrics["macs"] <= 300_000 for result in results)
    assert set(epochs.values()) == {1}
    told = Counter(record.state for record in search.searcher._history.records())
    assert told == Counter("complete" if result.metrics["complete"] else "stopped" for result in results)
    frame = results.get_dataframe()
    assert [name for name in frame.columns if name.startswith("config/")] == ["config/architecture"]
    assert all(len(Path(result.path).name) < 80 for result in results)


def test_optuna_of_ray_trains_every_trial(fit, feasible):
    search = OptunaSearch(ray_tune.define_by_run(feasible), metric="top1", mode="max", seed=0)
    results, _ = fit(6, search_alg=search, max_concurrent_trials=2)
    assert not results.errors
    for result in results:
        architecture = ray_tune.architecture_of(feasible.space, result.config)
        assert result.metrics["macs"] == cost.macs(architecture) <= 300_000
        assert result.metrics["epoch"] == CLIMB


def test_hyperband_goes_on_from_checkpoints(fit, feasible):
    """Without a search algorithm Ray makes all trials at once, so that brackets are full and trials wait in a pause."""
    scheduler = HyperBandScheduler(max_t=CLIMB, reduction_factor=2)
    space = ray_tune.param_space(feasible)
    results, epochs = fit(10, space=space, scheduler=scheduler, max_concurrent_trials=None)
    assert set(epochs.values()) == {1}  # no epoch of an architecture was trained twice
    assert epochs.total() == sum(result.metrics["training_iteration"] for result in results)
    assert min(result.metrics["epoch"] for result in results) < max(result.metrics["epoch"] for result in results)


def test_population_takes_weights_over_with_the_same_architecture_alone(fit, feasible):
    scheduler = PopulationBasedTraining(
        time_attr="epoch", perturbation_interval=1, quantile_fraction=0.5,
        custom_explore_fn=ray_tune.Neighbours(feasible),
    )  # fmt: skip
    results, epochs = fit(4, space=ray_tune.param_space(feasible), scheduler=scheduler, max_concurrent_trials=2)
    assert not results.errors
    for result in results:
        assert result.metrics["complete"]
        assert result.metrics["macs"] <= 300_000
        assert all(epochs[f"{result.metrics['digest']} {epoch}"] >= 1 for epoch in range(1, CLIMB + 1))


def test_population_of_one_architecture_trains_no_epoch_twice(fit, feasible):
    """Those behind take over the weights of those ahead, and go on from there."""
    text = ray_tune.param_space(feasible)["architecture"].sample()
    scheduler = PopulationBasedTraining(
        time_attr="epoch", perturbation_interval=1, quantile_fraction=0.5, custom_explore_fn=lambda config: config
    )
    results, epochs = fit(2, space={"architecture": tune.grid_search([text])}, scheduler=scheduler)
    assert [result.metrics["epoch"] for result in results] == [CLIMB] * 2
    assert epochs.total() <= 2 * CLIMB
