"""What an evaluator promises, asked of every line of the registry."""

import math
import pickle
from dataclasses import replace

import pytest
from recorded import drawn, table

from seesaw_nas import evaluators, space
from seesaw_nas.core.errors import OptionError
from seesaw_nas.data import load, subset
from seesaw_nas.evaluators import EVALUATORS, SUPERNET, TABLE, Evaluator, EvaluatorSetting
from seesaw_nas.training.recipes import recipe
from seesaw_nas.training.supernet import WEIGHTS, Supernet, save

SPACE = space.load("seesaw-digits")


@pytest.fixture(scope="module")
def images():
    digits = load("digits")
    return replace(digits, train=subset(digits.train, 64, 0), validation=subset(digits.validation, 32, 0))


@pytest.fixture(scope="module")
def architectures():
    return drawn(2)


@pytest.fixture(scope="module")
def setting(images, architectures, tmp_path_factory):
    """Makes the setting of an evaluator: with images or with a table, and with a supernet where it needs one."""
    folder = tmp_path_factory.mktemp("supernet")
    save(Supernet.build(SPACE, seed=0), folder / WEIGHTS, {})

    def made(name):
        if evaluators.needs(name) == TABLE:
            return EvaluatorSetting(name, SPACE, recipe("quick", 3), table=table([[0.5, 0.75]], architectures))
        supernet = folder if evaluators.needs(name) == SUPERNET else None
        return EvaluatorSetting(name, SPACE, recipe("quick", 1), data=images, supernet=supernet)

    return made


@pytest.mark.parametrize("name", EVALUATORS)
class TestEveryEvaluator:
    def test_same_seed_same_score_also_in_another_process(self, name, setting, architectures):
        evaluator = evaluators.make(name, setting(name))
        score = evaluator.evaluate(architectures[0], seed=3)
        sent = pickle.loads(pickle.dumps(evaluator))
        assert evaluators.on_device(sent, "cpu").evaluate(architectures[0], seed=3).top1 == score.top1
        assert math.isfinite(score.top1)
        assert score.split == "validation"
        assert score.seconds >= 0

    def test_epochs_are_told_one_by_one_where_there_are_any(self, name, setting, architectures):
        evaluator, heard = evaluators.make(name, setting(name)), []
        score = evaluator.evaluate(architectures[1], seed=0, until=1, on_epoch=heard.append)
        assert evaluator.epochs >= 1
        assert tuple(heard) == score.curve
        assert len(score.curve) == (1 if EVALUATORS[name].trains or evaluators.needs(name) == TABLE else 0)

    def test_estimate_is_in_seconds(self, name, setting, architectures):
        assert 0 <= evaluators.make(name, setting(name)).estimate(architectures[0]) < 600

    def test_the_signature_of_evaluate_is_the_base_s(self, name, setting):
        assert type(evaluators.make(name, setting(name))).evaluate is Evaluator.evaluate

    def test_it_says_what_it_does(self, name):
        assert EVALUATORS[name].what


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(OptionError) as caught:
        evaluators.make("tunned", EvaluatorSetting("tunned", SPACE, recipe("quick", 1)))
    assert str(caught.value) == f"unknown evaluator 'tunned', did you mean 'tuned'? (known: {', '.join(EVALUATORS)})"


def test_a_program_s_evaluator_needs_nothing_and_is_not_known_to_train():
    assert (evaluators.needs("python:mine"), evaluators.trains("python:mine")) == ("", False)


def test_what_a_search_asks_for_beside_images():
    wanted = {"trained": "", "table": TABLE, "inherited": SUPERNET, "tuned": SUPERNET, "proxy:zen": ""}
    assert {name: evaluators.needs(name) for name in wanted} == wanted
    assert {name for name in wanted if evaluators.trains(name)} == {"trained", "tuned"}
    assert {"inherited", "tuned"} <= set(evaluators.that_need(SUPERNET))
