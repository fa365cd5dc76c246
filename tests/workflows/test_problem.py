"""What a search is made of: evaluators on a supernet, and a supernet's scores beside trainings."""

import numpy as np
import pytest

from seesaw_nas.core.errors import RunError
from seesaw_nas.evaluators.inherited import InheritedEvaluator
from seesaw_nas.evaluators.tuned import TunedEvaluator
from seesaw_nas.search import SearchSettings
from seesaw_nas.space import load
from seesaw_nas.training.supernet import WEIGHTS, Supernet, save
from seesaw_nas.workflows.preparing import choose_method
from seesaw_nas.workflows.problem import cheap_score, make_problem

SETTINGS = SearchSettings.of(dataset="digits", budget="300K", device="cpu", validation_size=50)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("supernet")
    save(Supernet.build(load("seesaw-digits"), seed=0), path / WEIGHTS, {})
    return str(path)


@pytest.fixture(scope="module")
def inherited(folder):
    return make_problem(SETTINGS.replace(evaluator="inherited", supernet=folder))


def test_evaluators_get_the_supernet_and_the_images_that_the_settings_name(inherited, folder):
    assert isinstance(inherited.evaluator, InheritedEvaluator)
    assert (inherited.subject.n_validation, len(inherited.evaluator.data.validation)) == (50, 50)
    tuned = make_problem(SETTINGS.replace(evaluator="tuned", supernet=folder, epochs=2)).evaluator
    assert isinstance(tuned, TunedEvaluator)
    assert tuned.epochs == 2


def test_a_strategy_learns_from_inherited_scores_where_a_supernet_is_named_beside_trainings(inherited, folder):
    assert cheap_score(inherited) is None
    assert cheap_score(make_problem(SETTINGS)) is None
    both = make_problem(SETTINGS.replace(strategy="predicted", supernet=folder))
    architecture = both.feasible.draw_even(np.random.default_rng(0))
    assert cheap_score(both)(architecture) == inherited.evaluator.evaluate(architecture, seed=0).top1
    strategy = choose_method(both).strategy
    assert strategy._setting.cheap(architecture) == cheap_score(both)(architecture)


def test_what_is_no_supernet_is_told_before_anything_is_scored(tmp_path):
    with pytest.raises(RunError, match=r"cannot read a supernet from .*; `seesaw-nas supernet` makes one"):
        make_problem(SETTINGS.replace(evaluator="inherited", supernet=str(tmp_path / "nothing")))
