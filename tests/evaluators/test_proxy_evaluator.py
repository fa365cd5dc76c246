"""A zero-cost score as an evaluator: what any of them gives to a search."""

import pickle
from dataclasses import replace

import pytest
import torch

from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem
from seesaw_nas.core.errors import OptionError, SpecError
from seesaw_nas.data import load
from seesaw_nas.evaluators import EVALUATORS
from seesaw_nas.evaluators.proxies import PROXIES, score
from seesaw_nas.evaluators.proxy import ProxyEvaluator
from seesaw_nas.search import SearchSettings
from seesaw_nas.workflows.problem import make_problem

BLOCK = Block(2, 3, Partition((1, 3)), "shuffle")
SMALL = Architecture(8, 1, 10, Stem(8, 1), (Stage(16, 2, (BLOCK,)),), Head(16))


@pytest.fixture(scope="module")
def digits():
    return load("digits")


@pytest.mark.parametrize("name", PROXIES)
def test_what_a_search_is_given(name, digits, tmp_path):
    evaluator, heard = ProxyEvaluator(name, digits), []
    found = evaluator.evaluate(
        SMALL, seed=5, until=1, checkpoint=tmp_path / "none", on_epoch=heard.append, on_step=lambda done, of: None
    )
    assert found.top1 == score(name, SMALL, data=digits, seed=5)
    assert (found.split, found.curve, found.note) == ("validation", (), f"score of proxy:{name}, no accuracy")
    assert (evaluator.epochs, heard, [*tmp_path.iterdir()]) == (1, [], [])
    assert 0 <= found.seconds < 60
    assert 0 <= evaluator.estimate(SMALL) < 60


def test_it_can_be_sent_to_a_worker_and_moved(digits):
    evaluator = pickle.loads(pickle.dumps(ProxyEvaluator("naswot", digits))).on("cpu")
    assert evaluator.data.train.labels.device == torch.device("cpu")
    assert evaluator.evaluate(SMALL, seed=1).top1 == ProxyEvaluator("naswot", digits).evaluate(SMALL, seed=1).top1


@pytest.mark.parametrize("name", ["depth", "synflow", "snip"])
def test_architecture_for_other_data_is_refused(name, digits):
    with pytest.raises(SpecError) as caught:
        ProxyEvaluator(name, digits).evaluate(replace(SMALL, input_size=16), seed=0)
    assert str(caught.value) == "images of digits have shape (1, 8, 8), the architecture reads (1, 16, 16)"


def test_unknown_name_is_refused_before_any_trial(digits):
    with pytest.raises(OptionError, match="unknown proxy 'accuracy'"):
        ProxyEvaluator("accuracy", digits)


def test_each_is_known_by_its_name():
    assert [name for name in EVALUATORS if name.startswith("proxy:")] == [f"proxy:{name}" for name in PROXIES]
    problem = make_problem(SearchSettings.of(evaluator="proxy:mixing", device="cpu"))
    assert (problem.evaluator.name, problem.evaluator.epochs, problem.subject.n_train) == (
        "mixing",
        1,
        1079,
    )
    with pytest.raises(OptionError, match="unknown evaluator 'proxy:mixin', did you mean 'proxy:mixing'"):
        SearchSettings.of(evaluator="proxy:mixin")
